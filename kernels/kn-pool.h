/* Pooling over windows of a picture in f32, NHWC, for all channels of some output pixels in a row.
 *
 *   maximum  m = -infinity; for each tap in order: m = x > m ? x : m        (a NaN is passed over)
 *   average  s = +0; for each tap in order: s = s + x; v = s / divisor
 *
 * then the limits as in kn-conv.h. The taps are those that lie in the picture: padding has no value
 * here, and what an average divides by is the caller's to say. */
#pragma once

#include "kn-types.h"

typedef struct
{
  size_t n_channels, n_pixels;
  size_t n_taps;            /* may be 0: -infinity, or 0 / divisor */
  const float *const *taps; /* [n_taps] -> [n_channels], of the first pixel */
  size_t step;              /* floats from the taps of a pixel to those of the next */
  float divisor;            /* average only */
  float min, max;
  float *y; /* [n_pixels][n_channels], y_stride floats apart */
  size_t y_stride;
} KnPoolArgs;

typedef struct
{
  void (*max) (const KnPoolArgs *args);
  void (*average) (const KnPoolArgs *args);
} KnPoolFamily;
