/* What of two runs can be set against each other, in the user's language. Called by the headline;
 * the whole comparison is app-compare-feed.h. */
#pragma once

#include "eng-compare.h"

G_BEGIN_DECLS

/* Reasons are interned and translated, NULL where it can. */
typedef struct
{
  const char *layers; /* nothing at all can be lined up */
  const char *times;  /* times cannot; memory can */
  const char *caveat; /* can, but read with care */
} AppComparable;

AppComparable app_compare_check (EngRun *a, EngRun *b);

G_END_DECLS
