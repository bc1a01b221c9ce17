/* The depthwise part of the 8-bit products that all levels of Arm share. Private to kernels. */
#pragma once

#include "arm/kn-q8-neon.h"

#define DW_PAIR_BYTES 32

/* The bytes of one tap behind those of the other. */
static inline void
dw_pack_pair (const int8_t *first, const int8_t *second, uint8_t *to)
{
  memcpy (to, first, 16);
  memcpy (to + 16, second, 16);
}

KN_QINLINE void
dw_tap (I32 acc[4], Bytes x, const uint8_t *w)
{
  const int8x16_t weights = vld1q_s8 ((const int8_t *)w), codes = vreinterpretq_s8_u8 (x);
  const int16x8_t low = vmull_s8 (vget_low_s8 (codes), vget_low_s8 (weights));
  const int16x8_t high = vmull_high_s8 (codes, weights);

  acc[0] = vaddw_s16 (acc[0], vget_low_s16 (low));
  acc[1] = vaddw_high_s16 (acc[1], low);
  acc[2] = vaddw_s16 (acc[2], vget_low_s16 (high));
  acc[3] = vaddw_high_s16 (acc[3], high);
}

KN_QINLINE void
dw_pair (I32 acc[4], Bytes x0, Bytes x1, const uint8_t *w)
{
  dw_tap (acc, x0, w);
  dw_tap (acc, x1, w + 16);
}
