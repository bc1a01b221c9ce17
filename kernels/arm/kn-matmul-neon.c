/* Matrix products with NEON. Quantized formats: 8-bit products are added in 16 bits for as many
 * steps as cannot overflow, then in 32; the walk is in kn-matmul-arm.h. Also the quantization of
 * activations. */
#ifndef __ARM_NEON
#error "this file needs NEON"
#endif

#include "arm/kn-matmul-arm.h"
#include "kn-table-private.h"

/* Steps whose products fit 16 bits: activations are within -127..127, a lane takes one product a
 * step. 4 and 5 bits: 8 * 31 * 127 = 31496; 6 bits: 4 * 63 * 127 = 32004; 8 bits: 2 * 128 * 127 =
 * 32512. Formats whose half groups are summed apart have 4 steps in a run. */
INLINE size_t
safe_steps (KnDtype dtype)
{
  return dtype == KN_Q8_0 ? 2 : dtype == KN_Q6_K || kn_panel_has_int_scales (dtype) ? 4 : 8;
}

/* 4 codes of a token, four times: a product register is 2 rows x 4 columns. */
INLINE int8x16_t
token_step (const int8_t *x, size_t step)
{
  int32_t four;
  memcpy (&four, x + 4 * step, sizeof four);
  return vreinterpretq_s8_s32 (vdupq_n_s32 (four));
}

INLINE void
dots (const Group *g, size_t r, size_t nr, size_t n, const int8_t *const *x, size_t from, size_t to,
      int32x4_t out[MAX_TOKENS][4])
{
  const size_t safe = safe_steps (g->dtype);
  for (size_t q = 0; q < nr; q++)
    {
      int32x4_t wide[MAX_TOKENS][2];
      for (size_t j = 0; j < n; j++)
        wide[j][0] = wide[j][1] = vdupq_n_s32 (0);
#pragma GCC unroll 4
      for (size_t s = from; s < to; s += safe)
        {
          int16x8_t low[MAX_TOKENS], high[MAX_TOKENS];
          for (size_t j = 0; j < n; j++)
            low[j] = high[j] = vdupq_n_s16 (0);
#pragma GCC unroll 8
          for (size_t k = 0; k < safe; k++)
            {
              /* Steps i and i + 4 share a line of nibbles. */
              const size_t step = safe == 8 ? k / 2 + k % 2 * 4 : s + k;
              const int8x16_t w = load_codes (g, step, r + q);
              for (size_t j = 0; j < n; j++)
                {
                  const int8x16_t v = token_step (x[j], step);
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
        out[j][q] = vaddq_s32 (out[j][q], vpaddq_s32 (wide[j][0], wide[j][1]));
    }
}

#define BATCH_QUARTERS 1 /* 16 partial sums and 4 accumulators */

static void
matmul_q8_0_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q8_0, dots, BATCH_QUARTERS, a);
}

static void
matmul_q4_0_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q4_0, dots, BATCH_QUARTERS, a);
}

static void
matmul_q4_1_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q4_1, dots, BATCH_QUARTERS, a);
}

static void
matmul_q5_0_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q5_0, dots, BATCH_QUARTERS, a);
}

static void
matmul_q5_1_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q5_1, dots, BATCH_QUARTERS, a);
}

static void
matmul_q4_k_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q4_K, dots, BATCH_QUARTERS, a);
}

static void
matmul_q5_k_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q5_K, dots, BATCH_QUARTERS, a);
}

static void
matmul_q6_k_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q6_K, dots, BATCH_QUARTERS, a);
}

static void
matmul_q2_k_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q2_K, dots, BATCH_QUARTERS, a);
}

static void
matmul_q3_k_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q3_K, dots, BATCH_QUARTERS, a);
}

static void
matmul_q2_64_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q2_64, dots, BATCH_QUARTERS, a);
}

static void
matmul_q3_64_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q3_64, dots, BATCH_QUARTERS, a);
}

static void
matmul_q1_64_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q1_64, dots, BATCH_QUARTERS, a);
}

static void
matmul_tq2_0_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_TQ2_0, dots, BATCH_QUARTERS, a);
}

static void
matmul_mxfp4_neon (const KnMatmulArgs *a)
{
  matmul_quantized (KN_MXFP4, dots, BATCH_QUARTERS, a);
}

/* --- float formats --- */

/* 4 rows of one column. */
INLINE float32x4_t
load_weights (KnDtype dtype, const uint8_t *panel, size_t column, size_t r)
{
  const size_t at = column * ROWS + r * 4;
  if (kn_panel_is_f8 (dtype)) /* bytes become halves by a shift, see kn_f8_load() */
    {
      uint32_t four;
      memcpy (&four, kn_panel_float_column (dtype, panel, column) + 4 * r, sizeof four);
      uint16x4_t h
          = vshl_n_u16 (vget_low_u16 (vmovl_u8 (vreinterpret_u8_u32 (vdup_n_u32 (four)))), 8);
      if (dtype == KN_F8_E4M3)
        h = vorr_u16 (vand_u16 (h, vdup_n_u16 (0x8000)),
                      vand_u16 (vshr_n_u16 (h, 1), vdup_n_u16 (0x3f80)));
      return vmulq_f32 (halves_at (kn_panel_f8_block (panel, column) + 8 * r),
                        vcvt_f32_f16 (vreinterpret_f16_u16 (h)));
    }
  if (dtype == KN_F32)
    return vld1q_f32 ((const float *)(const void *)panel + at);
  const uint16_t *halves = (const uint16_t *)(const void *)panel + at;
  if (dtype == KN_F16)
    return kn_load_half4 (halves);
  return vreinterpretq_f32_u32 (vshll_n_u16 (vld1_u16 (halves), 16));
}

/* A panel and @n tokens: one sum per row and token, columns in order. */
INLINE void
float_tile (KnDtype dtype, const KnMatmulArgs *a, const uint8_t *panel, size_t row, size_t token,
            size_t n)
{
  const float *x[MAX_TOKENS];
  float32x4_t acc[MAX_TOKENS][4];
  for (size_t j = 0; j < n; j++)
    {
      x[j] = (const float *)(const void *)((const uint8_t *)a->x + (token + j) * a->x_stride);
      for (size_t r = 0; r < 4; r++)
        acc[j][r] = vdupq_n_f32 (0);
    }
  for (size_t c = 0; c < a->n_cols; c++)
    for (size_t r = 0; r < 4; r++)
      {
        const float32x4_t w = load_weights (dtype, panel, c, r);
        for (size_t j = 0; j < n; j++)
          acc[j][r] = vfmaq_n_f32 (acc[j][r], w, x[j][c]);
      }
  for (size_t j = 0; j < n; j++)
    for (size_t r = 0; r < 4; r++)
      write_rows (a, token + j, row + r * 4, acc[j][r]);
}

INLINE void
matmul_float (KnDtype dtype, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols);
  for (size_t row = 0; row < a->n_rows; row += ROWS)
    {
      const uint8_t *panel = (const uint8_t *)a->panels + row / ROWS * panel_bytes;
      size_t t = 0;
      for (; t + 4 <= a->n_tokens; t += 4)
        float_tile (dtype, a, panel, row, t, 4);
      if (t + 3 == a->n_tokens)
        float_tile (dtype, a, panel, row, t, 3);
      else if (t + 2 == a->n_tokens)
        float_tile (dtype, a, panel, row, t, 2);
      else if (t + 1 == a->n_tokens)
        float_tile (dtype, a, panel, row, t, 1);
    }
}

static void
matmul_f32_neon (const KnMatmulArgs *a)
{
  matmul_float (KN_F32, a);
}

static void
matmul_f16_neon (const KnMatmulArgs *a)
{
  matmul_float (KN_F16, a);
}

static void
matmul_bf16_neon (const KnMatmulArgs *a)
{
  matmul_float (KN_BF16, a);
}

static void
matmul_f8_e4m3_neon (const KnMatmulArgs *a)
{
  matmul_float (KN_F8_E4M3, a);
}

static void
matmul_f8_e5m2_neon (const KnMatmulArgs *a)
{
  matmul_float (KN_F8_E5M2, a);
}

/* --- activations --- */

/* Codes of 16 numbers; their sum is returned. */
INLINE int32_t
quantize_16 (const float *x, float inverse, int8_t *codes)
{
  int16x4_t c[4];
  for (size_t i = 0; i < 4; i++)
    c[i] = vmovn_s32 (vcvtnq_s32_f32 (vmulq_n_f32 (vld1q_f32 (x + 4 * i), inverse)));
  const int16x8_t lo = vcombine_s16 (c[0], c[1]), hi = vcombine_s16 (c[2], c[3]);
  vst1q_s8 (codes, vcombine_s8 (vmovn_s16 (lo), vmovn_s16 (hi)));
  return vaddvq_s16 (vaddq_s16 (lo, hi));
}

static void
quantize_q8_neon (const float *x, size_t n, void *row)
{
  uint8_t *out = row;
  int8_t *codes = row;
  float *scales = (float *)(void *)(out + kn_q8_scales_offset (n));
  int32_t *sums = (int32_t *)(void *)(out + kn_q8_sums_offset (n));
  int32_t *half_sums = (int32_t *)(void *)(out + kn_q8_half_sums_offset (n));

  memset (codes + n, 0, kn_q8_scales_offset (n) - n);
  for (size_t g = 0; g < n / 32; g++, x += 32, codes += 32)
    {
      uint32x4_t top = vdupq_n_u32 (0);
      for (size_t i = 0; i < 32; i += 4)
        top = vmaxq_u32 (top, vandq_u32 (vreinterpretq_u32_f32 (vld1q_f32 (x + i)),
                                         vdupq_n_u32 (0x7fffffff)));
      const uint32_t bits = vmaxvq_u32 (top);
      const float amax = kn_f32_from_bits (bits);
      if (amax >= KN_Q8_TINY && bits < 0x7f800000)
        {
          scales[g] = amax / 127.0f;
          half_sums[2 * g] = quantize_16 (x, 127.0f / amax, codes);
          half_sums[2 * g + 1] = quantize_16 (x + 16, 127.0f / amax, codes + 16);
        }
      else
        {
          scales[g] = bits >= 0x7f800000 ? NAN : 0;
          half_sums[2 * g] = half_sums[2 * g + 1] = 0;
          memset (codes, 0, 32);
        }
      sums[g] = half_sums[2 * g] + half_sums[2 * g + 1];
    }
}

void
kn_matmul_neon (KnMatmulFamily *family)
{
  family->f32 = matmul_f32_neon;
  family->f16 = matmul_f16_neon;
  family->bf16 = matmul_bf16_neon;
  family->f8_e4m3 = matmul_f8_e4m3_neon;
  family->f8_e5m2 = matmul_f8_e5m2_neon;
  family->q8_0 = matmul_q8_0_neon;
  family->q4_0 = matmul_q4_0_neon;
  family->q4_1 = matmul_q4_1_neon;
  family->q5_0 = matmul_q5_0_neon;
  family->q5_1 = matmul_q5_1_neon;
  family->q4_k = matmul_q4_k_neon;
  family->q5_k = matmul_q5_k_neon;
  family->q6_k = matmul_q6_k_neon;
  family->q2_k = matmul_q2_k_neon;
  family->q3_k = matmul_q3_k_neon;
  family->q2_64 = matmul_q2_64_neon;
  family->q3_64 = matmul_q3_64_neon;
  family->q1_64 = matmul_q1_64_neon;
  family->tq2_0 = matmul_tq2_0_neon;
  family->mxfp4 = matmul_mxfp4_neon;
  family->quantize_q8 = quantize_q8_neon;
  kn_matmul_row_neon (family);
}
