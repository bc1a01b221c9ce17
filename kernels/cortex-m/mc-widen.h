/* Two windows in 16 bit, as SMLAD multiplies them. Private to kernels/cortex-m. */
#pragma once

#include "mc-private.h"

#if MC_USE_DSP

#include <arm_acle.h>

/* Bytes 1 and 3 of a word, sign-extended; __sxtb16() takes 0 and 2. */
MC_INLINE int16x2_t
mc_sxtb16_odd (uint32_t word)
{
  int16x2_t odd;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(odd) : "r"(word));
  return odd;
}

/* Pixel @which (0, 1) of two: each 4 columns become 16 bytes of @wide: the even and the odd columns
 * of pixel 0, then those of pixel 1. What is missing in the last 4 is 0. */
static inline void
mc_widen (const int8_t *x, int32_t n_cols, int32_t which, void *wide)
{
  int32_t *to = (int32_t *)wide + 2 * which;
  int32_t c = 0;

  for (; c + 4 <= n_cols; c += 4, to += 4)
    {
      const uint32_t word = mc_load4 (x + c);

      to[0] = __sxtb16 (word);
      to[1] = mc_sxtb16_odd (word);
    }
  if (c < n_cols)
    {
      const uint32_t word = mc_load_tail (x + c, n_cols - c);

      to[0] = __sxtb16 (word);
      to[1] = mc_sxtb16_odd (word);
    }
}

#else

MC_INLINE void
mc_widen (const int8_t *x, int32_t n_cols, int32_t which, void *wide)
{
}

#endif
