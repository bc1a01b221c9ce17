/* A block of channels of some pixels: their sums, their largest. Private to kernels/cortex-m. */
#pragma once

#include "mc-private.h"

#define MC_POOL_BLOCK 16

#if MC_USE_MVE

#include <arm_mve.h>

MC_INLINE void
mc_pool_max_clear (int8_t values[MC_POOL_BLOCK])
{
  vstrbq_s8 (values, vdupq_n_s8 (INT8_MIN));
}

/* values[i] = the largest of it and of the @n_pixels codes at x + i, @step bytes apart. */
static inline void
mc_pool_max (int8_t values[MC_POOL_BLOCK], const int8_t *x, int32_t step, int32_t n_pixels,
             int32_t n)
{
  const mve_pred16_t some = vctp8q ((uint32_t)n);
  int8x16_t most = vldrbq_s8 (values);

  for (; n_pixels > 0; n_pixels--, x += step)
    most = vmaxq_m_s8 (most, most, vldrbq_z_s8 (x, some), some);
  vstrbq_s8 (values, most);
}

/* sums[i] += those codes. */
static inline void
mc_pool_sum (int32_t sums[MC_POOL_BLOCK], const int8_t *x, int32_t step, int32_t n_pixels,
             int32_t n)
{
  for (int32_t c = 0; c < n; c += 4)
    {
      const mve_pred16_t some = vctp32q ((uint32_t)(n - c));
      const int8_t *next = x + c;
      int32x4_t sum = vldrwq_s32 (sums + c);

      for (int32_t i = 0; i < n_pixels; i++, next += step)
        sum = vaddq_s32 (sum, vldrbq_z_s32 (next, some));
      vstrwq_s32 (sums + c, sum);
    }
}

#else

static inline void
mc_pool_max_clear (int8_t values[MC_POOL_BLOCK])
{
  for (int32_t i = 0; i < MC_POOL_BLOCK; i++)
    values[i] = INT8_MIN;
}

static inline void
mc_pool_max (int8_t values[MC_POOL_BLOCK], const int8_t *x, int32_t step, int32_t n_pixels,
             int32_t n)
{
  for (int32_t i = 0; i < n; i++)
    {
      const int8_t *next = x + i;
      int32_t most = values[i];

      for (int32_t k = 0; k < n_pixels; k++, next += step)
        most = *next > most ? *next : most;
      values[i] = (int8_t)most;
    }
}

static inline void
mc_pool_sum (int32_t sums[MC_POOL_BLOCK], const int8_t *x, int32_t step, int32_t n_pixels,
             int32_t n)
{
  for (int32_t i = 0; i < n; i++)
    {
      const int8_t *next = x + i;
      int32_t sum = sums[i];

      for (int32_t k = 0; k < n_pixels; k++, next += step)
        sum += *next;
      sums[i] = sum;
    }
}

#endif
