/* Tables and lookups on Arm, for both levels: TBL looks up a step of 16 rows. The walk is in
 * kn-lookup-body.h.
 *
 * Tables of a half group (16 columns, 4 steps) are 4 x 16 low bytes, then 4 x 16 high bytes of the
 * sums; the second half's follow. */
#pragma once

#include "kn-lookup-private.h"

#include <arm_neon.h>
#include <string.h>

static inline void
load_f16s (const uint8_t *src, float dst[KN_PANEL_ROWS])
{
  for (int i = 0; i < 4; i++)
    vst1q_f32 (dst + 4 * i, vcvt_f32_f16 (vreinterpret_f16_u8 (vld1_u8 (src + 8 * i))));
}

typedef uint32_t LookupWords __attribute__ ((vector_size (16)));

static inline LookupWords
load_bytes (const uint8_t *src)
{
  uint32_t four;

  memcpy (&four, src, sizeof four);
  return (LookupWords)vmovl_u16 (vget_low_u16 (vmovl_u8 (vcreate_u8 (four))));
}

/* Entries 0..7 have the first three codes in all combinations; 8..15 the fourth besides. */
static inline void
build_tables (const int8_t xq[32], uint8_t *tables)
{
  static const uint16_t bits[3][8] = { { 0, 0xffff, 0, 0xffff, 0, 0xffff, 0, 0xffff },
                                       { 0, 0, 0xffff, 0xffff, 0, 0, 0xffff, 0xffff },
                                       { 0, 0, 0, 0, 0xffff, 0xffff, 0xffff, 0xffff } };

  for (int step = 0; step < 8; step++)
    {
      const int8_t *x = xq + 4 * step;
      uint8_t *at = tables + 128 * (step / 4) + 16 * (step % 4);
      int16x8_t first = vdupq_n_s16 (0);

      for (int k = 0; k < 3; k++)
        first = vaddq_s16 (first, vandq_s16 (vreinterpretq_s16_u16 (vld1q_u16 (bits[k])),
                                             vdupq_n_s16 (x[k])));

      const uint8x16_t a = vreinterpretq_u8_s16 (first);
      const uint8x16_t b = vreinterpretq_u8_s16 (vaddq_s16 (first, vdupq_n_s16 (x[3])));

      vst1q_u8 (at, vuzp1q_u8 (a, b));
      vst1q_u8 (at + 64, vuzp2q_u8 (a, b));
    }
}

/* Sums of a half group are at most 15 * 16 * 127: they fit 16 bits. */
static inline __attribute__ ((always_inline)) void
sum_group (int n_planes, const uint8_t *codes, const uint8_t *tables, int32_t sum[2][KN_PANEL_ROWS])
{
  for (int h = 0; h < 2; h++)
    {
      int16x8_t first = vdupq_n_s16 (0), second = vdupq_n_s16 (0);

      for (int plane = n_planes - 1; plane >= 0; plane--)
        {
          first = vaddq_s16 (first, first);
          second = vaddq_s16 (second, second);
          for (int step = 0; step < 4; step++)
            {
              const uint8_t *table = tables + 128 * h + 16 * step;
              const uint8x16_t both = vld1q_u8 (codes + 64 * plane + 16 * step);
              const uint8x16_t index
                  = h == 0 ? vandq_u8 (both, vdupq_n_u8 (15)) : vshrq_n_u8 (both, 4);
              const uint8x16_t lo = vqtbl1q_u8 (vld1q_u8 (table), index),
                               hi = vqtbl1q_u8 (vld1q_u8 (table + 64), index);

              first = vaddq_s16 (first, vreinterpretq_s16_u8 (vzip1q_u8 (lo, hi)));
              second = vaddq_s16 (second, vreinterpretq_s16_u8 (vzip2q_u8 (lo, hi)));
            }
        }
      vst1q_s32 (sum[h], vmovl_s16 (vget_low_s16 (first)));
      vst1q_s32 (sum[h] + 4, vmovl_high_s16 (first));
      vst1q_s32 (sum[h] + 8, vmovl_s16 (vget_low_s16 (second)));
      vst1q_s32 (sum[h] + 12, vmovl_high_s16 (second));
    }
}
