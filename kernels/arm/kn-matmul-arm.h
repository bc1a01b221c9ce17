/* The quantized matrix products of Arm, but for the integer dot product itself, which each level
 * brings along (kn-matmul.c says what defines the bits, kn-panel-private.h has the layout).
 *
 * A single token reads the packed panel as it is. A batch expands a panel once into scratch, one
 * byte per code and f32 scales, and reads that for every tile of tokens. Everything here is INLINE
 * with constant arguments: one loop per format, way and tile size. */
#pragma once

#include "arm/kn-math-neon.h"
#include "kn-matmul.h"
#include "kn-panel-private.h"

#define INLINE static inline __attribute__ ((always_inline))
#define ROWS KN_PANEL_ROWS
#define MAX_TOKENS 4 /* of a tile */

/* A panel: packed as in kn-panel-private.h, or expanded. */
typedef struct
{
  const uint8_t *bytes;           /* packed, or the expanded codes */
  const float *ws, *mins;         /* expanded: [n_groups][halves][16], [n_groups][16] */
  const int32_t *subs, *sub_mins; /* expanded integer scales and minima: [n_groups][2][16] */
} Panel;

/* A group of 32 columns as it is read. */
typedef struct
{
  KnDtype dtype;
  int expanded;
  const uint8_t *codes;
} Group;

/* Integer dot products of quarters [@r, @r + @nr) of a panel (4 rows each) and the steps [@from,
 * @to) of a group with
 * @n tokens: added to out[token][quarter]. @x: the 32 codes of each token's group. */
typedef void (*Dots) (const Group *g, size_t r, size_t nr, size_t n, const int8_t *const *x,
                      size_t from, size_t to, int32x4_t out[MAX_TOKENS][4]);

/* Q6_K has one scale per 16 columns. */
INLINE size_t
halves_of (KnDtype dtype)
{
  return dtype == KN_Q6_K ? 2 : 1;
}

/* Half groups whose integer sums are needed apart. */
INLINE size_t
dot_halves_of (KnDtype dtype)
{
  return kn_panel_has_int_scales (dtype) ? 2 : halves_of (dtype);
}

/* --- reading packed panels --- */

INLINE int8x16_t
load_few_bits (const Group *g, size_t step, size_t r)
{
  if (g->dtype == KN_Q1_64) /* bit step of the only line, which counts twice */
    {
      const uint8x16_t plane = vld1q_u8 (g->codes + 16 * r);
      const int8x16_t shift = vdupq_n_s8 ((int8_t)(1 - (int)step));
      return vreinterpretq_s8_u8 (vandq_u8 (vshlq_u8 (plane, shift), vdupq_n_u8 (2)));
    }

  const uint8x16_t line = vld1q_u8 (g->codes + 64 * (step / 4) + 16 * r);
  uint8x16_t code
      = vandq_u8 (vshlq_u8 (line, vdupq_n_s8 ((int8_t)(-2 * (int)(step % 4)))), vdupq_n_u8 (3));
  if (kn_panel_group_bytes (g->dtype) == 192) /* bit step of the third line is bit 2 of the code */
    {
      const uint8x16_t high = vld1q_u8 (g->codes + 128 + 16 * r);
      const int8x16_t shift = vdupq_n_s8 ((int8_t)(2 - (int)step));
      code = vorrq_u8 (code, vandq_u8 (vshlq_u8 (high, shift), vdupq_n_u8 (4)));
    }
  return vreinterpretq_s8_u8 (code);
}

/* 4 rows x 4 columns of codes, unsigned as stored but for Q8_0. */
INLINE int8x16_t
load_codes (const Group *g, size_t step, size_t r)
{
  const size_t bytes = kn_panel_group_bytes (g->dtype);
  if (g->expanded || g->dtype == KN_Q8_0)
    return vld1q_s8 ((const int8_t *)g->codes + 64 * step + 16 * r);
  if (bytes < 256)
    return load_few_bits (g, step, r);

  const uint8x16_t line = vld1q_u8 (g->codes + 64 * (step % 4) + 16 * r);
  uint8x16_t code = step < 4 ? vandq_u8 (line, vdupq_n_u8 (15)) : vshrq_n_u8 (line, 4);
  if (g->dtype == KN_MXFP4) /* the values, with 16 added */
    {
      static const uint8_t values[16]
          = { 16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4 };
      code = vqtbl1q_u8 (vld1q_u8 (values), code);
    }
  if (bytes == 320) /* bit step of the fifth line is bit 4 of the code */
    {
      const uint8x16_t high = vld1q_u8 (g->codes + 256 + 16 * r);
      const int8x16_t shift = vdupq_n_s8 ((int8_t)(4 - (int)step));
      code = vorrq_u8 (code, vandq_u8 (vshlq_u8 (high, shift), vdupq_n_u8 (0x10)));
    }
  if (bytes == 384) /* two bits of the fifth or sixth line are bits 4 and 5 */
    {
      const uint8x16_t high = vld1q_u8 (g->codes + 256 + 64 * (step / 4) + 16 * r);
      const int8x16_t shift = vdupq_n_s8 ((int8_t)(4 - 2 * (int)(step % 4)));
      code = vorrq_u8 (code, vandq_u8 (vshlq_u8 (high, shift), vdupq_n_u8 (0x30)));
    }
  return vreinterpretq_s8_u8 (code);
}

INLINE float32x4_t
bytes_to_float (const uint8_t *bytes, int is_signed)
{
  uint32_t four;
  memcpy (&four, bytes, sizeof four);
  const uint8x8_t b = vreinterpret_u8_u32 (vdup_n_u32 (four));
  if (is_signed)
    return vcvtq_f32_s32 (vmovl_s16 (vget_low_s16 (vmovl_s8 (vreinterpret_s8_u8 (b)))));
  return vcvtq_f32_u32 (vmovl_u16 (vget_low_u16 (vmovl_u8 (b))));
}

INLINE float32x4_t
halves_at (const uint8_t *at)
{
  return kn_load_half4 ((const uint16_t *)(const void *)at);
}

/* 2^(e - 128) of 4 rows. */
INLINE float32x4_t
e8m0_halves (const uint8_t *at)
{
  uint32_t four;
  memcpy (&four, at, sizeof four);
  const uint32x4_t e
      = vmovl_u16 (vget_low_u16 (vmovl_u8 (vreinterpret_u8_u32 (vdup_n_u32 (four)))));
  const uint32x4_t normal = vshlq_n_u32 (vsubq_u32 (e, vdupq_n_u32 (1)), 23);
  const uint32x4_t small = vshlq_u32 (vdupq_n_u32 (0x00200000), vreinterpretq_s32_u32 (e));
  return vreinterpretq_f32_u32 (vbslq_u32 (vcltq_u32 (e, vdupq_n_u32 (2)), small, normal));
}

/* Integer scales (and minima) of both halves of 4 rows of group @g. */
INLINE void
packed_subs (KnDtype dtype, const uint8_t *panel, size_t g, size_t r, int32x4_t subs[2],
             int32x4_t mins[2])
{
  const uint8_t *at = panel + kn_panel_scales_at (dtype, g)
                      + kn_panel_int_scales_at (dtype, g % kn_panel_block_groups (dtype));

  if (dtype == KN_Q3_64)
    {
      uint32_t four;
      memcpy (&four, at + 4 * r, sizeof four);
      const uint8x8_t b = vreinterpret_u8_u32 (vdup_n_u32 (four));
      const int32x4_t v = vreinterpretq_s32_u32 (vmovl_u16 (vget_low_u16 (vmovl_u8 (b))));
      subs[0] = vsubq_s32 (vandq_s32 (v, vdupq_n_s32 (15)), vdupq_n_s32 (8));
      subs[1] = vsubq_s32 (vshrq_n_s32 (v, 4), vdupq_n_s32 (8));
      return;
    }
  /* Row after row the bytes of its two halves. */
  const uint8x8_t pairs = vld1_u8 (at + 8 * r);
  const uint8x8x2_t halves = vuzp_u8 (pairs, pairs);
  for (size_t h = 0; h < 2; h++)
    {
      const uint8x8_t b = halves.val[h];
      if (dtype == KN_Q3_K)
        {
          subs[h] = vmovl_s16 (vget_low_s16 (vmovl_s8 (vreinterpret_s8_u8 (b))));
          continue;
        }
      subs[h] = vreinterpretq_s32_u32 (
          vmovl_u16 (vget_low_u16 (vmovl_u8 (vand_u8 (b, vdup_n_u8 (15))))));
      mins[h] = vreinterpretq_s32_u32 (vmovl_u16 (vget_low_u16 (vmovl_u8 (vshr_n_u8 (b, 4)))));
    }
}

/* The scales of 4 rows of group @g of the packed @panel. */
INLINE float32x4_t
packed_scale (KnDtype dtype, const uint8_t *panel, size_t g, size_t half, size_t r)
{
  const uint8_t *s = panel + kn_panel_scales_at (dtype, g);
  if (dtype == KN_MXFP4)
    return e8m0_halves (s + g % 4 * 16 + 4 * r);
  if (kn_panel_has_own_scales (dtype))
    s += kn_panel_own_scales_at (dtype, g % kn_panel_block_groups (dtype));
  const float32x4_t d = halves_at (s + 8 * r);
  if (dtype == KN_Q6_K)
    return vmulq_f32 (d, bytes_to_float (s + 32 + g % 8 * 32 + half * 16 + 4 * r, 1));
  if (dtype == KN_Q4_K || dtype == KN_Q5_K)
    return vmulq_f32 (d, bytes_to_float (s + 64 + g % 8 * 32 + 4 * r, 0));
  return d;
}

INLINE float32x4_t
packed_min (KnDtype dtype, const uint8_t *panel, size_t g, size_t r)
{
  const uint8_t *s = panel + kn_panel_scales_at (dtype, g);
  const float32x4_t m = halves_at (s + 32 + 8 * r);
  if (dtype != KN_Q4_K && dtype != KN_Q5_K)
    return m;
  return vnegq_f32 (vmulq_f32 (m, bytes_to_float (s + 64 + g % 8 * 32 + 16 + 4 * r, 0)));
}

/* --- expanding --- */

INLINE Panel
expand_panel (KnDtype dtype, const Panel *packed, size_t n_cols, void *scratch)
{
  const size_t n_groups = n_cols / 32, n_halves = halves_of (dtype);
  int8_t *codes = (int8_t *)scratch;
  float *ws = (float *)(void *)(codes + n_cols * ROWS);
  float *mins = ws + n_groups * n_halves * ROWS;
  int32_t *subs = (int32_t *)(void *)(mins + n_groups * ROWS);
  int32_t *sub_mins = subs + n_groups * 2 * ROWS;

  for (size_t i = 0; i < n_groups; i++)
    {
      const Group g = { dtype, 0, packed->bytes + kn_panel_codes_at (dtype, i) };
      for (size_t r = 0; r < 4; r++)
        {
          for (size_t step = 0; step < 8; step++)
            vst1q_s8 (codes + i * 512 + step * 64 + r * 16, load_codes (&g, step, r));
          for (size_t h = 0; h < n_halves; h++)
            vst1q_f32 (ws + (i * n_halves + h) * ROWS + r * 4,
                       packed_scale (dtype, packed->bytes, i, h, r));
          if (kn_panel_has_min (dtype) || kn_panel_has_int_mins (dtype))
            vst1q_f32 (mins + i * ROWS + r * 4, packed_min (dtype, packed->bytes, i, r));
          if (kn_panel_has_int_scales (dtype))
            {
              int32x4_t sub[2], min[2] = { vdupq_n_s32 (0), vdupq_n_s32 (0) };
              packed_subs (dtype, packed->bytes, i, r, sub, min);
              for (size_t h = 0; h < 2; h++)
                {
                  vst1q_s32 (subs + (i * 2 + h) * ROWS + r * 4, sub[h]);
                  vst1q_s32 (sub_mins + (i * 2 + h) * ROWS + r * 4, min[h]);
                }
            }
        }
    }
  return (Panel){
    .bytes = (const uint8_t *)scratch, .ws = ws, .mins = mins, .subs = subs, .sub_mins = sub_mins
  };
}

/* --- tiles --- */

INLINE void
write_rows (const KnMatmulArgs *a, size_t token, size_t row, float32x4_t v)
{
  float *y = a->y + token * a->y_stride + row;
  float four[4];
  if (row + 4 <= a->n_rows)
    vst1q_f32 (y, v);
  else if (row < a->n_rows)
    {
      vst1q_f32 (four, v);
      memcpy (y, four, (a->n_rows - row) * sizeof *y);
    }
}

/* Add what the half groups' sums @dot and their integer scales come to. */
INLINE void
add_int_group (KnDtype dtype, int expanded, const Panel *p, size_t i, size_t n, size_t r, size_t nr,
               const float *xs, const int32_t *const *half_sums, int32x4_t dot[2][MAX_TOKENS][4],
               float32x4_t acc[MAX_TOKENS][4])
{
  for (size_t q = 0; q < nr; q++)
    {
      int32x4_t sub[2], min[2] = { vdupq_n_s32 (0), vdupq_n_s32 (0) };
      if (expanded)
        for (size_t h = 0; h < 2; h++)
          {
            sub[h] = vld1q_s32 (p->subs + (i * 2 + h) * ROWS + (r + q) * 4);
            min[h] = vld1q_s32 (p->sub_mins + (i * 2 + h) * ROWS + (r + q) * 4);
          }
      else
        packed_subs (dtype, p->bytes, i, r + q, sub, min);
      const float32x4_t d = expanded ? vld1q_f32 (p->ws + i * ROWS + (r + q) * 4)
                                     : packed_scale (dtype, p->bytes, i, 0, r + q);
      for (size_t j = 0; j < n; j++)
        {
          const int32x4_t sum = vmlaq_s32 (vmulq_s32 (dot[0][j][q], sub[0]), dot[1][j][q], sub[1]);
          acc[j][q] = vfmaq_f32 (acc[j][q], vcvtq_f32_s32 (sum), vmulq_n_f32 (d, xs[j]));
        }
      if (!kn_panel_has_int_mins (dtype))
        continue;
      const float32x4_t m = expanded ? vld1q_f32 (p->mins + i * ROWS + (r + q) * 4)
                                     : packed_min (dtype, p->bytes, i, r + q);
      for (size_t j = 0; j < n; j++)
        {
          const int32x4_t sum
              = vmlaq_n_s32 (vmulq_n_s32 (min[0], half_sums[j][0]), min[1], half_sums[j][1]);
          acc[j][q] = vfmsq_f32 (acc[j][q], vcvtq_f32_s32 (sum), vmulq_n_f32 (m, xs[j]));
        }
    }
}

/* One group of a tile: the sums acc[token][quarter] of @n tokens and the quarters [@r, @r + @nr) of
 * panel @p. */
INLINE void
tile_group (KnDtype dtype, int expanded, Dots dots, const KnMatmulArgs *a, const Panel *p,
            size_t token, size_t n, size_t r, size_t nr, size_t i, float32x4_t acc[MAX_TOKENS][4])
{
  const size_t n_halves = dot_halves_of (dtype), steps = 8 / n_halves;
  const Group g
      = { dtype, expanded, p->bytes + (expanded ? i * 512 : kn_panel_codes_at (dtype, i)) };
  const int8_t *x[MAX_TOKENS];
  float xs[MAX_TOKENS];
  int32_t sums[MAX_TOKENS];
  const int32_t *halves[MAX_TOKENS];
  int32x4_t dot[2][MAX_TOKENS][4];

  for (size_t j = 0; j < n; j++)
    {
      const uint8_t *row = (const uint8_t *)a->x + (token + j) * a->x_stride;
      x[j] = (const int8_t *)row + 32 * i;
      xs[j] = ((const float *)(const void *)(row + kn_q8_scales_offset (a->n_cols)))[i];
      sums[j] = ((const int32_t *)(const void *)(row + kn_q8_sums_offset (a->n_cols)))[i];
      halves[j] = (const int32_t *)(const void *)(row + kn_q8_half_sums_offset (a->n_cols)) + 2 * i;
    }

  for (size_t h = 0; h < n_halves; h++)
    {
      int32x4_t (*out)[4] = dot[h];
      for (size_t j = 0; j < n; j++)
        {
          const int32_t sum = n_halves == 2 ? halves[j][h] : sums[j];
          for (size_t q = 0; q < nr; q++)
            out[j][q] = vdupq_n_s32 (-kn_panel_zero (dtype) * sum);
        }
      dots (&g, r, nr, n, x, h * steps, (h + 1) * steps, out);
      if (kn_panel_has_int_scales (dtype))
        continue;
      for (size_t q = 0; q < nr; q++)
        {
          const float32x4_t ws = expanded
                                     ? vld1q_f32 (p->ws + (i * n_halves + h) * ROWS + (r + q) * 4)
                                     : packed_scale (dtype, p->bytes, i, h, r + q);
          for (size_t j = 0; j < n; j++)
            acc[j][q] = vfmaq_f32 (acc[j][q], vcvtq_f32_s32 (out[j][q]), vmulq_n_f32 (ws, xs[j]));
        }
    }
  if (kn_panel_has_int_scales (dtype))
    add_int_group (dtype, expanded, p, i, n, r, nr, xs, halves, dot, acc);
  for (size_t q = 0; kn_panel_has_min (dtype) && q < nr; q++)
    {
      const float32x4_t wm = expanded ? vld1q_f32 (p->mins + i * ROWS + (r + q) * 4)
                                      : packed_min (dtype, p->bytes, i, r + q);
      for (size_t j = 0; j < n; j++)
        acc[j][q] = vfmaq_n_f32 (acc[j][q], wm, xs[j] * (float)sums[j]);
    }
}

/* The panel whose first row is @row, in blocks of @nr quarters, for @n tokens. */
INLINE void
tile (KnDtype dtype, int expanded, Dots dots, const KnMatmulArgs *a, const Panel *p, size_t row,
      size_t token, size_t n, size_t nr)
{
  for (size_t r = 0; r < 4 && row + r * 4 < a->n_rows; r += nr)
    {
      float32x4_t acc[MAX_TOKENS][4];
      for (size_t j = 0; j < n; j++)
        for (size_t q = 0; q < nr; q++)
          acc[j][q] = vdupq_n_f32 (0);
      for (size_t i = 0; i < a->n_cols / 32; i++)
        tile_group (dtype, expanded, dots, a, p, token, n, r, nr, i, acc);
      for (size_t j = 0; j < n; j++)
        for (size_t q = 0; q < nr; q++)
          write_rows (a, token + j, row + (r + q) * 4, acc[j][q]);
    }
}

/* @batch_nr: quarters per block of a tile of 4 tokens, as many as the registers hold. */
INLINE void
matmul_quantized (KnDtype dtype, Dots dots, size_t batch_nr, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols);
  for (size_t row = 0; row < a->n_rows; row += ROWS)
    {
      const Panel packed = { .bytes = (const uint8_t *)a->panels + row / ROWS * panel_bytes };
      if (a->n_tokens == 1)
        {
          tile (dtype, 0, dots, a, &packed, row, 0, 1, 4);
          continue;
        }
      const Panel p = expand_panel (dtype, &packed, a->n_cols, a->scratch);
      size_t t = 0;
      for (; t + 4 <= a->n_tokens; t += 4)
        tile (dtype, 1, dots, a, &p, row, t, 4, batch_nr);
      if (t + 3 == a->n_tokens)
        tile (dtype, 1, dots, a, &p, row, t, 3, batch_nr);
      else if (t + 2 == a->n_tokens)
        tile (dtype, 1, dots, a, &p, row, t, 2, batch_nr);
      else if (t + 1 == a->n_tokens)
        tile (dtype, 1, dots, a, &p, row, t, 1, 4);
    }
}
