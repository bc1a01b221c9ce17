/* Matrix products with packed weights in plain C: the specification of every variant, and the
 * cascade's first level.
 *
 * What defines the bits of y[t][r]; a variant may reorder anything that is exact and nothing else:
 *
 *   float formats   acc = +0; for each column c in order: acc = fma (w[r][c], x[t][c], acc), w
 *                   converted exactly to f32 (8-bit floats: d times the code's value is exact).
 *
 *   other formats   acc = +0; for each group of 32 columns (Q6_K: 16) in order:
 *                     idot = sum over the group of (code - zero) * xq        exact, int32
 *                     t    = ws * xs                                         one rounding
 *                     acc  = fma ((float) idot, t, acc)
 *                   formats with a minimum, after that:
 *                     s    = xs * (float) isum                               one rounding
 *                     acc  = fma (wm, s, acc)
 *                   where xs, xq, isum are the scale, codes and sum of codes of the activation
 *                   group; ws is d (MXFP4: 2^(e - 128)), K formats of 4 to 6 bits: d * sc; wm = m,
 *                   K formats: -(dmin * mn); d, m, dmin converted exactly from f16; the products of
 *                   an f16 and a small integer are exact too.
 *
 *   Q2_K Q3_K       integer scales sc of the two halves of a group stay integers:
 *   Q2_64 Q3_64       idot = sc0 * (sum over the first half) + sc1 * (sum over the second)
 *                     t    = d * xs                                          one rounding
 *                     acc  = fma ((float) idot, t, acc)
 *                   Q2_K, Q2_64, after that:
 *                     jdot = mn0 * (sum of xq of the first half) + mn1 * (of the second)
 *                     s    = dmin * xs                                       one rounding
 *                     acc  = fma (-(float) jdot, s, acc)
 *
 * (float) idot and jdot are exact: both are below 2^24.
 *
 * The dot products run over a tile of tokens per group so that weights are expanded once per tile.
 * This file must not know which instruction set is in use. */
#include "kn-matmul.h"
#include "kn-table-private.h"

#include "kn-block-private.h"
#include "kn-f16-private.h"
#include "kn-lookup-private.h"
#include "kn-panel-private.h"
#include "kn-rows-private.h"
#include "kn-skip-private.h"
#include "kn-sparse-private.h"

#include <math.h>
#include <string.h>

#define ROWS KN_PANEL_ROWS
#define TILE 8 /* tokens per pass over a panel */

KnActKind
kn_matmul_act (KnDtype weights)
{
  if (weights == KN_F32 || weights == KN_F16 || weights == KN_BF16 || kn_panel_is_f8 (weights))
    return KN_ACT_F32;
  return kn_panel_has_row_scale (weights) ? KN_ACT_Q8_TOKEN : KN_ACT_Q8;
}

size_t
kn_act_row_bytes (KnActKind kind, size_t n)
{
  switch (kind)
    {
    case KN_ACT_Q8:
      return kn_q8_row_bytes (n);
    case KN_ACT_Q8_TOKEN:
      return kn_q8_token_row_bytes (n);
    case KN_ACT_F32:
      break;
    }
  return (n * sizeof (float) + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

void
kn_act_store (const KnMatmulFamily *family, KnActKind kind, const float *x, size_t n, void *row)
{
  switch (kind)
    {
    case KN_ACT_Q8:
      family->quantize_q8 (x, n, row);
      break;
    case KN_ACT_Q8_TOKEN:
      family->quantize_q8_token (x, n, row);
      break;
    case KN_ACT_F32:
      memcpy (row, x, n * sizeof *x);
      break;
    }
}

size_t
kn_q8_row_bytes (size_t n)
{
  size_t end = kn_q8_half_sums_offset (n) + n / 16 * sizeof (int32_t);

  return (end + KN_ALIGN - 1) & ~(size_t)(KN_ALIGN - 1);
}

/* Expanded codes, scales and minima of up to KN_SCRATCH_PANELS panels; float formats need a block
 * of columns only. */
size_t
kn_matmul_scratch_bytes (KnDtype dtype, size_t n_cols)
{
  if (kn_sparse_base ((int)dtype) >= 0)
    return kn_sparse_scratch_bytes (n_cols);
  if (kn_lookup_base ((int)dtype) >= 0)
    return kn_lookup_scratch_bytes ((KnDtype)kn_lookup_base ((int)dtype), n_cols);
  if (dtype == KN_Q8_CHANNELS)
    return kn_skip_scratch_bytes (n_cols);
  if (dtype == KN_Q8_ROWS)
    return kn_rows_scratch_bytes (n_cols);
  if (kn_panel_group_bytes (dtype) == 0)
    return KN_SCRATCH_PANELS * KN_FLOAT_BLOCK * ROWS * sizeof (float);
  return KN_SCRATCH_PANELS * kn_expanded_bytes (n_cols);
}

/* One group of one panel, unpacked. */
typedef struct
{
  int8_t codes[ROWS][32]; /* minus the zero point */
  float scale[2][ROWS];   /* ws of the two half groups (equal but for Q6_K) */
  float min[ROWS];        /* wm, or dmin where minima are integers */
  int32_t sub[2][ROWS];   /* integer scales of the half groups */
  int32_t sub_min[2][ROWS];
} Group;

static inline void
unpack_codes (KnDtype dtype, const uint8_t *g, Group *out)
{
  size_t group_bytes = kn_panel_group_bytes (dtype);
  int zero = kn_panel_zero (dtype);

  for (size_t row = 0; row < ROWS; row++)
    for (size_t j = 0; j < 32; j++)
      {
        size_t step = j / 4, at = 4 * row + j % 4;
        int code;

        if (dtype == KN_Q8_0)
          {
            out->codes[row][j] = (int8_t)g[64 * step + at];
            continue;
          }
        if (dtype == KN_Q1_64)
          {
            out->codes[row][j] = (int8_t)(2 * (g[at] >> step & 1) - 1);
            continue;
          }
        if (group_bytes < 256)
          {
            code = g[64 * (step / 4) + at] >> 2 * (step % 4) & 3;
            if (group_bytes == 192)
              code |= (g[128 + at] >> step & 1) << 2;
            out->codes[row][j] = (int8_t)(code - zero);
            continue;
          }
        code = g[64 * (step % 4) + at] >> (step >= 4 ? 4 : 0) & 15;
        if (group_bytes == 320)
          code |= (g[256 + at] >> step & 1) << 4;
        if (group_bytes == 384)
          code |= (g[256 + 64 * (step / 4) + at] >> 2 * (step % 4) & 3) << 4;
        out->codes[row][j] = dtype == KN_MXFP4 ? kn_mxfp4_values[code] : (int8_t)(code - zero);
      }
}

static inline void
load_f16s (const uint8_t *src, float dst[ROWS])
{
  uint16_t halves[ROWS];

  memcpy (halves, src, sizeof halves);
  for (size_t row = 0; row < ROWS; row++)
    dst[row] = kn_f16_load (halves[row]);
}

static inline void
unpack_int_scales (KnDtype dtype, const uint8_t *block, size_t i, Group *out)
{
  const uint8_t *at = block + kn_panel_int_scales_at (dtype, i);

  load_f16s (block, out->scale[0]);
  if (kn_panel_has_int_mins (dtype))
    load_f16s (block + 32, out->min);
  for (size_t row = 0; row < ROWS; row++)
    for (size_t h = 0; h < 2; h++)
      {
        if (dtype == KN_Q3_64)
          out->sub[h][row] = (at[row] >> 4 * h & 15) - 8;
        else if (dtype == KN_Q3_K)
          out->sub[h][row] = (int8_t)at[2 * row + h];
        else
          {
            out->sub[h][row] = at[2 * row + h] & 15;
            out->sub_min[h][row] = at[2 * row + h] >> 4;
          }
      }
}

static inline void
unpack_scales (KnDtype dtype, const uint8_t *panel, size_t g, Group *out)
{
  int k_format = dtype == KN_Q4_K || dtype == KN_Q5_K || dtype == KN_Q6_K;
  const uint8_t *s = panel + kn_panel_scales_at (dtype, g);
  float d[ROWS];

  if (kn_panel_has_int_scales (dtype))
    {
      unpack_int_scales (dtype, s, g % kn_panel_block_groups (dtype), out);
      return;
    }
  if (dtype == KN_MXFP4)
    {
      for (size_t row = 0; row < ROWS; row++)
        out->scale[0][row] = kn_e8m0_half (s[g % 4 * 16 + row]);
      return;
    }
  load_f16s (kn_panel_has_own_scales (dtype)
                 ? s + kn_panel_own_scales_at (dtype, g % kn_panel_block_groups (dtype))
                 : s,
             d);
  if (dtype == KN_Q6_K)
    {
      const int8_t *sub = (const int8_t *)s + 32 + g % 8 * 32;

      for (size_t row = 0; row < ROWS; row++)
        {
          out->scale[0][row] = d[row] * (float)sub[row];
          out->scale[1][row] = d[row] * (float)sub[16 + row];
        }
      return;
    }
  if (kn_panel_has_min (dtype))
    load_f16s (s + 32, out->min);
  if (k_format)
    {
      const uint8_t *sub = s + 64 + g % 8 * 32;

      for (size_t row = 0; row < ROWS; row++)
        {
          d[row] *= (float)sub[row];
          out->min[row] = -(out->min[row] * (float)sub[16 + row]);
        }
    }
  memcpy (out->scale[0], d, sizeof d);
}

static inline int32_t
dot (const int8_t *w, const int8_t *x, size_t n)
{
  int32_t sum = 0;

  for (size_t i = 0; i < n; i++)
    sum += (int32_t)w[i] * x[i];
  return sum;
}

/* The same where the half groups' scales are integers. */
static inline void
accumulate_int (KnDtype dtype, const Group *w, const int8_t *xq, float xs, const int32_t *half_sums,
                float acc[ROWS])
{
  for (size_t row = 0; row < ROWS; row++)
    {
      const int32_t idot = w->sub[0][row] * dot (w->codes[row], xq, 16)
                           + w->sub[1][row] * dot (w->codes[row] + 16, xq + 16, 16);

      acc[row] = fmaf ((float)idot, w->scale[0][row] * xs, acc[row]);
      if (kn_panel_has_int_mins (dtype))
        {
          const int32_t jdot
              = w->sub_min[0][row] * half_sums[0] + w->sub_min[1][row] * half_sums[1];

          acc[row] = fmaf (-(float)jdot, w->min[row] * xs, acc[row]);
        }
    }
}

/* Add group @g of one activation row to the sums of 16 rows. */
static inline void
accumulate (KnDtype dtype, const Group *w, const uint8_t *x, size_t n_cols, size_t g,
            float acc[ROWS])
{
  const int8_t *xq = (const int8_t *)x + 32 * g;
  float xs = ((const float *)(x + kn_q8_scales_offset (n_cols)))[g];
  int32_t isum = ((const int32_t *)(x + kn_q8_sums_offset (n_cols)))[g];

  if (kn_panel_has_int_scales (dtype))
    {
      accumulate_int (dtype, w, xq, xs,
                      (const int32_t *)(x + kn_q8_half_sums_offset (n_cols)) + 2 * g, acc);
      return;
    }
  for (size_t row = 0; row < ROWS; row++)
    {
      const int8_t *codes = w->codes[row];

      if (dtype == KN_Q6_K)
        {
          acc[row] = fmaf ((float)dot (codes, xq, 16), w->scale[0][row] * xs, acc[row]);
          acc[row] = fmaf ((float)dot (codes + 16, xq + 16, 16), w->scale[1][row] * xs, acc[row]);
        }
      else
        acc[row] = fmaf ((float)dot (codes, xq, 32), w->scale[0][row] * xs, acc[row]);
      if (kn_panel_has_min (dtype))
        acc[row] = fmaf (w->min[row], xs * (float)isum, acc[row]);
    }
}

static inline size_t
min_size (size_t a, size_t b)
{
  return a < b ? a : b;
}

/* @dtype is a constant in each caller below, so each format gets its own compiled loop. */
static inline __attribute__ ((always_inline)) void
matmul_quantized (KnDtype dtype, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols);

  for (size_t r = 0; r < a->n_rows; r += ROWS)
    {
      const uint8_t *panel = (const uint8_t *)a->panels + r / ROWS * panel_bytes;
      size_t n_out = min_size (ROWS, a->n_rows - r);

      for (size_t t0 = 0; t0 < a->n_tokens; t0 += TILE)
        {
          size_t n_tile = min_size (TILE, a->n_tokens - t0);
          float acc[TILE][ROWS] = { 0 };

          for (size_t g = 0; g < a->n_cols / 32; g++)
            {
              Group w;

              unpack_codes (dtype, panel + kn_panel_codes_at (dtype, g), &w);
              unpack_scales (dtype, panel, g, &w);
              for (size_t t = 0; t < n_tile; t++)
                accumulate (dtype, &w, (const uint8_t *)a->x + (t0 + t) * a->x_stride, a->n_cols, g,
                            acc[t]);
            }
          for (size_t t = 0; t < n_tile; t++)
            memcpy (a->y + (t0 + t) * a->y_stride + r, acc[t], n_out * sizeof (float));
        }
    }
}

static inline void
load_column (KnDtype dtype, const uint8_t *panel, size_t c, float w[ROWS])
{
  if (dtype == KN_F32)
    memcpy (w, panel + c * ROWS * 4, ROWS * 4);
  else
    {
      uint16_t halves[ROWS];

      memcpy (halves, panel + c * ROWS * 2, sizeof halves);
      for (size_t row = 0; row < ROWS; row++)
        w[row] = dtype == KN_F16 ? kn_f16_load (halves[row]) : kn_bf16_load (halves[row]);
    }
}

static inline void
load_f8_column (KnDtype dtype, const uint8_t *panel, size_t c, float w[ROWS])
{
  const uint8_t *block = panel + c / 32 * KN_F8_BLOCK_BYTES;

  load_f16s (block, w);
  for (size_t row = 0; row < ROWS; row++)
    w[row] *= kn_f8_load (block[32 + c % 32 * ROWS + row], dtype == KN_F8_E4M3 ? 3 : 2);
}

static inline __attribute__ ((always_inline)) void
matmul_float (KnDtype dtype, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols);

  for (size_t r = 0; r < a->n_rows; r += ROWS)
    {
      const uint8_t *panel = (const uint8_t *)a->panels + r / ROWS * panel_bytes;
      size_t n_out = min_size (ROWS, a->n_rows - r);

      for (size_t t0 = 0; t0 < a->n_tokens; t0 += TILE)
        {
          size_t n_tile = min_size (TILE, a->n_tokens - t0);
          float acc[TILE][ROWS] = { 0 };

          for (size_t c = 0; c < a->n_cols; c++)
            {
              float w[ROWS];

              if (kn_panel_is_f8 (dtype))
                load_f8_column (dtype, panel, c, w);
              else
                load_column (dtype, panel, c, w);
              for (size_t t = 0; t < n_tile; t++)
                {
                  const float *x = (const float *)((const uint8_t *)a->x + (t0 + t) * a->x_stride);

                  for (size_t row = 0; row < ROWS; row++)
                    acc[t][row] = fmaf (w[row], x[c], acc[t][row]);
                }
            }
          for (size_t t = 0; t < n_tile; t++)
            memcpy (a->y + (t0 + t) * a->y_stride + r, acc[t], n_out * sizeof (float));
        }
    }
}

static void
matmul_f32_c (const KnMatmulArgs *a)
{
  matmul_float (KN_F32, a);
}

static void
matmul_f16_c (const KnMatmulArgs *a)
{
  matmul_float (KN_F16, a);
}

static void
matmul_bf16_c (const KnMatmulArgs *a)
{
  matmul_float (KN_BF16, a);
}

static void
matmul_f8_e4m3_c (const KnMatmulArgs *a)
{
  matmul_float (KN_F8_E4M3, a);
}

static void
matmul_f8_e5m2_c (const KnMatmulArgs *a)
{
  matmul_float (KN_F8_E5M2, a);
}

static void
matmul_q8_0_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q8_0, a);
}

static void
matmul_q4_0_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q4_0, a);
}

static void
matmul_q4_1_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q4_1, a);
}

static void
matmul_q5_0_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q5_0, a);
}

static void
matmul_q5_1_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q5_1, a);
}

static void
matmul_q4_k_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q4_K, a);
}

static void
matmul_q5_k_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q5_K, a);
}

static void
matmul_q6_k_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q6_K, a);
}

static void
matmul_q2_k_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q2_K, a);
}

static void
matmul_q3_k_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q3_K, a);
}

static void
matmul_tq2_0_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_TQ2_0, a);
}

static void
matmul_mxfp4_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_MXFP4, a);
}

static void
matmul_q2_64_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q2_64, a);
}

static void
matmul_q3_64_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q3_64, a);
}

static void
matmul_q1_64_c (const KnMatmulArgs *a)
{
  matmul_quantized (KN_Q1_64, a);
}

/* The largest magnitude as bits: integers order floats of one sign, and put infinity and NaN above
 * all others. */
static int32_t
group_amax_bits (const float *x)
{
  int32_t max = 0;

  for (size_t i = 0; i < 32; i++)
    {
      int32_t bits = (int32_t)(kn_f32_bits (x[i]) & 0x7fffffff);
      max = bits > max ? bits : max;
    }
  return max;
}

static void
quantize_q8_c (const float *x, size_t n, void *row)
{
  uint8_t *out = row;
  int8_t *codes = row;
  float *scales = (float *)(out + kn_q8_scales_offset (n));
  int32_t *sums = (int32_t *)(out + kn_q8_sums_offset (n));
  int32_t *half_sums = (int32_t *)(out + kn_q8_half_sums_offset (n));

  memset (codes + n, 0, kn_q8_scales_offset (n) - n);
  for (size_t g = 0; g < n / 32; g++, x += 32, codes += 32)
    {
      int32_t bits = group_amax_bits (x);
      float amax = kn_f32_from_bits ((uint32_t)bits);
      int usable = amax >= KN_Q8_TINY && bits < 0x7f800000;
      float inverse = usable ? 127.0f / amax : 0;

      scales[g] = usable ? amax / 127.0f : bits >= 0x7f800000 ? NAN : 0;
      half_sums[2 * g] = half_sums[2 * g + 1] = 0;
      for (size_t i = 0; i < 32; i++)
        {
          codes[i] = usable ? (int8_t)rintf (x[i] * inverse) : 0;
          half_sums[2 * g + i / 16] += codes[i];
        }
      sums[g] = half_sums[2 * g] + half_sums[2 * g + 1];
    }
}

void
kn_matmul_c (KnMatmulFamily *family)
{
  *family = (KnMatmulFamily){
    .f32 = matmul_f32_c,
    .f16 = matmul_f16_c,
    .bf16 = matmul_bf16_c,
    .q8_0 = matmul_q8_0_c,
    .q4_0 = matmul_q4_0_c,
    .q4_1 = matmul_q4_1_c,
    .q5_0 = matmul_q5_0_c,
    .q5_1 = matmul_q5_1_c,
    .q4_k = matmul_q4_k_c,
    .q5_k = matmul_q5_k_c,
    .q6_k = matmul_q6_k_c,
    .q2_k = matmul_q2_k_c,
    .q3_k = matmul_q3_k_c,
    .tq2_0 = matmul_tq2_0_c,
    .mxfp4 = matmul_mxfp4_c,
    .q2_64 = matmul_q2_64_c,
    .q3_64 = matmul_q3_64_c,
    .q1_64 = matmul_q1_64_c,
    .f8_e4m3 = matmul_f8_e4m3_c,
    .f8_e5m2 = matmul_f8_e5m2_c,
    .quantize_q8 = quantize_q8_c,
  };
  kn_sparse_c (family);
  kn_lookup_c (family);
  kn_matmul_row_c (family);
}

KnMatmulFn
kn_matmul_fn (const KnMatmulFamily *family, KnDtype dtype)
{
  switch (dtype)
    {
    case KN_F32:
      return family->f32;
    case KN_F16:
      return family->f16;
    case KN_BF16:
      return family->bf16;
    case KN_Q8_0:
      return family->q8_0;
    case KN_Q4_0:
      return family->q4_0;
    case KN_Q4_1:
      return family->q4_1;
    case KN_Q5_0:
      return family->q5_0;
    case KN_Q5_1:
      return family->q5_1;
    case KN_Q4_K:
      return family->q4_k;
    case KN_Q5_K:
      return family->q5_k;
    case KN_Q6_K:
      return family->q6_k;
    case KN_Q2_K:
      return family->q2_k;
    case KN_Q3_K:
      return family->q3_k;
    case KN_TQ1_0: /* the same panels */
    case KN_TQ2_0:
      return family->tq2_0;
    case KN_MXFP4:
      return family->mxfp4;
    case KN_Q2_64:
      return family->q2_64;
    case KN_Q3_64:
      return family->q3_64;
    case KN_Q1_64:
      return family->q1_64;
    case KN_Q8_CHANNELS:
      return family->q8_channels;
    case KN_Q8_ROWS:
      return family->q8_rows;
    case KN_Q8_SPARSE:
      return family->q8_sparse;
    case KN_Q8_2_4:
      return family->q8_2_4;
    case KN_Q8_4_8:
      return family->q8_4_8;
    case KN_Q4_SPARSE:
      return family->q4_sparse;
    case KN_W8A8:
      return family->w8a8;
    case KN_W4A8:
      return family->w4a8;
    case KN_F8_E4M3:
      return family->f8_e4m3;
    case KN_F8_E5M2:
      return family->f8_e5m2;
    case KN_Q4_0_LUT:
      return family->q4_0_lut;
    case KN_Q2_K_LUT:
      return family->q2_k_lut;
    case KN_Q2_64_LUT:
      return family->q2_64_lut;
    case KN_Q3_K_LUT:
      return family->q3_k_lut;
    case KN_Q3_64_LUT:
      return family->q3_64_lut;
    case KN_TQ2_0_LUT:
      return family->tq2_0_lut;
    case KN_Q1_64_LUT:
      return family->q1_64_lut;
    case KN_I8: /* a product with other scales: kn-qconv.h */
      return NULL;
    }
  return NULL;
}
