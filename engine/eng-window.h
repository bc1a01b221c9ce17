/* A sliding window of samples that is always sorted, so that quantiles are look-ups. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint capacity, n, head; /* head: where the next sample goes */
  double *recent;          /* [capacity] ring, in order of arrival */
  double *sorted;          /* [n] ascending */
} EngWindow;

/* @memory: 2 x @capacity doubles, borrowed. */
void eng_window_init (EngWindow *window, guint capacity, double *memory);
void eng_window_clear (EngWindow *window);
/* O(capacity) moves; drops the oldest when full. NAN is a wrong call. */
void eng_window_add (EngWindow *window, double sample);
double eng_window_last (const EngWindow *window); /* NAN when empty */

G_END_DECLS
