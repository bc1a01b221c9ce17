/* Products of weights with one scale per row (W8A8, W4A8) with NEON, and the quantization of
 * activations that goes with them. 8-bit products are added in 16 bits for as many steps as cannot
 * overflow, then in 32. */
#ifndef __ARM_NEON
#error "this file needs NEON"
#endif

#include "arm/kn-matmul-row-arm.h"
#include "kn-table-private.h"

/* 4 codes of a token, four times: a product register is 2 rows x 4 columns. */
INLINE int8x16_t
token_step (const int8_t *x, size_t step)
{
  int32_t four;
  memcpy (&four, x + 4 * step, sizeof four);
  return vreinterpretq_s8_s32 (vdupq_n_s32 (four));
}

/* One quarter (4 rows) of a panel over all columns. Activations are within -127..127, a lane takes
 * one product a step: 8 bits 2 * 128 * 127 = 32512, 4 bits 8 * 15 * 127 = 15240. */
INLINE void
quarter_dots (KnDtype dtype, const uint8_t *codes, size_t r, size_t n_cols, size_t n,
              const int8_t *const *x, int32x4_t out[MAX_TOKENS])
{
  const size_t safe = dtype == KN_W8A8 ? 2 : 8;
  int32x4_t wide[MAX_TOKENS][2];

  for (size_t j = 0; j < n; j++)
    wide[j][0] = wide[j][1] = vdupq_n_s32 (0);
  for (size_t g = 0; g < n_cols / 32; g++, codes += kn_panel_group_bytes (dtype))
#pragma GCC unroll 4
    for (size_t s = 0; s < 8; s += safe)
      {
        int16x8_t low[MAX_TOKENS], high[MAX_TOKENS];
        for (size_t j = 0; j < n; j++)
          low[j] = high[j] = vdupq_n_s16 (0);
#pragma GCC unroll 8
        for (size_t k = 0; k < safe; k++)
          {
            /* Steps i and i + 4 share a line of nibbles. */
            const size_t step = safe == 8 ? k / 2 + k % 2 * 4 : s + k;
            const int8x16_t w = load_row_codes (dtype, codes, step, r);
            for (size_t j = 0; j < n; j++)
              {
                const int8x16_t v = token_step (x[j] + 32 * g, step);
                low[j] = vmlal_s8 (low[j], vget_low_s8 (w), vget_low_s8 (v));
                high[j] = vmlal_high_s8 (high[j], w, v);
              }
          }
        for (size_t j = 0; j < n; j++)
          {
            wide[j][0] = vpadalq_s16 (wide[j][0], low[j]);
            wide[j][1] = vpadalq_s16 (wide[j][1], high[j]);
          }
      }
  for (size_t j = 0; j < n; j++)
    out[j] = vpaddq_s32 (wide[j][0], wide[j][1]);
}

INLINE void
panel_dots (KnDtype dtype, const uint8_t *codes, size_t n_cols, size_t n, const int8_t *const *x,
            int32x4_t out[4][MAX_TOKENS])
{
  for (size_t r = 0; r < 4; r++)
    quarter_dots (dtype, codes, r, n_cols, n, x, out[r]);
}

static void
matmul_w8a8_neon (const KnMatmulArgs *a)
{
  matmul_row (KN_W8A8, panel_dots, a);
}

static void
matmul_w4a8_neon (const KnMatmulArgs *a)
{
  matmul_row (KN_W4A8, panel_dots, a);
}

/* --- activations --- */

/* Codes of 16 numbers, added to @sums. */
INLINE int32x4_t
quantize_16 (const float *x, float inverse, int8_t *codes, int32x4_t sums)
{
  int16x4_t c[4];
  for (size_t i = 0; i < 4; i++)
    c[i] = vmovn_s32 (vcvtnq_s32_f32 (vmulq_n_f32 (vld1q_f32 (x + 4 * i), inverse)));
  const int16x8_t lo = vcombine_s16 (c[0], c[1]), hi = vcombine_s16 (c[2], c[3]);
  vst1q_s8 (codes, vcombine_s8 (vmovn_s16 (lo), vmovn_s16 (hi)));
  return vpadalq_s16 (sums, vaddq_s16 (lo, hi));
}

static void
quantize_q8_token_neon (const float *x, size_t n, void *row)
{
  int8_t *codes = row;
  uint8_t *end = (uint8_t *)row + kn_q8_token_scale_offset (n);
  uint32x4_t top = vdupq_n_u32 (0);
  int32x4_t sums = vdupq_n_s32 (0);

  for (size_t i = 0; i < n; i += 4)
    top = vmaxq_u32 (top, vandq_u32 (vreinterpretq_u32_f32 (vld1q_f32 (x + i)),
                                     vdupq_n_u32 (0x7fffffff)));

  const uint32_t bits = vmaxvq_u32 (top);
  const float amax = kn_f32_from_bits (bits);
  const int usable = amax >= KN_Q8_TINY && bits < 0x7f800000;
  const float scale = usable ? amax / 127.0f : bits >= 0x7f800000 ? NAN : 0;

  memset (codes + n, 0, kn_q8_token_row_bytes (n) - n);
  if (usable)
    for (size_t i = 0; i < n; i += 16)
      sums = quantize_16 (x + i, 127.0f / amax, codes + i, sums);
  else
    memset (codes, 0, n);

  const int32_t sum = vaddvq_s32 (sums);
  memcpy (end, &scale, sizeof scale);
  memcpy (end + 4, &sum, sizeof sum);
}

void
kn_matmul_row_neon (KnMatmulFamily *family)
{
  family->w8a8 = matmul_w8a8_neon;
  family->w4a8 = matmul_w4a8_neon;
  family->quantize_q8_token = quantize_q8_token_neon;
}
