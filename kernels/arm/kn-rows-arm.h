/* Scales of the products of some rows (kn-rows-body.h), as NEON and the dot product need them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* scales[g] = f16 halves[g] times xs[g], g in [0, n). */
static inline void
rows_scales (const uint8_t *halves, const float *xs, size_t n, float *scales)
{
  for (size_t g = 0; g < n; g++)
    {
      __fp16 half;

      __builtin_memcpy (&half, halves + 2 * g, sizeof half);
      scales[g] = (float)half * xs[g];
    }
}
