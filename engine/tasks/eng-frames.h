/* What the front end of frames knows of the current one, for the tasks that put frames together again. */
#pragma once

#include <complex.h>

#include "data/eng-sound.h"

G_BEGIN_DECLS

typedef struct
{
  EngSound *sound; /* at the network's rate */
  guint length, hop, input;
  gboolean magnitude;
  float *frame;            /* [length] as fed */
  float complex *spectrum; /* [length], with magnitude */
  float *magnitudes;       /* [length / 2 + 1] */
} EngFrames;

/* In place, @n a power of two; the inverse is not divided by @n. */
void eng_frames_fft (float complex *x, guint n, gboolean inverse);

G_END_DECLS
