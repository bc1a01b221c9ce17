/* Quantized products of 1 to 16 tokens with AVX-512 VNNI: decoding and the verification of drafted
 * tokens.
 *
 * Codes are unpacked in registers and used for all tokens, so weights come from memory once
 * whatever the number of tokens. One panel is in work at a time, so that all weights are one
 * stream. Larger batches go to kn-matmul-batch-avx512.c. */
#ifndef __AVX512VNNI__
#error "build with AVX-512 VNNI"
#endif

#include "kn-matmul-avx512-private.h"
#include "kn-table-private.h"

#define MAX_TOKENS 8

/* How far ahead of the codes in work memory is asked for: what arrives within the latency of DRAM
 * at full speed. Measured best of 1 to 16 KiB; the hardware's own prefetchers stop at the end of a
 * page. */
#define PREFETCH_BYTES 8192

/* One group whose scales are integers: the sums of the halves, at most 16 * 7 * 127, meet them as
 * pairs of 16 bits. The zero point of the 3-bit formats is 4. */
KN_INLINE __m512
add_int_group (KnDtype dtype, const __m512i w[8], KnGroupScales s, const uint8_t *x, KnQ8Offsets o,
               size_t g, __m512 acc)
{
  const uint8_t *codes = x + 32 * g;
  const __m512 xs = _mm512_set1_ps (kn_x_scale (x, o, g));
  const __m512i sums = kn_half_sum_pair (x, o, g);
  __m512i a = _mm512_setzero_si512 (), b = a, idot;

  KN_UNROLL
  for (int i = 0; i < 4; i++)
    {
      a = _mm512_dpbusd_epi32 (a, w[i], kn_broadcast_step (codes + 4 * i));
      b = _mm512_dpbusd_epi32 (b, w[i + 4], kn_broadcast_step (codes + 16 + 4 * i));
    }
  idot = _mm512_madd_epi16 (_mm512_mask_blend_epi16 (0xaaaaaaaa, a, _mm512_slli_epi32 (b, 16)),
                            s.subs);
  if (!kn_panel_has_int_mins (dtype))
    idot = _mm512_sub_epi32 (idot, _mm512_slli_epi32 (_mm512_madd_epi16 (s.subs, sums), 2));
  acc = _mm512_fmadd_ps (_mm512_cvtepi32_ps (idot), _mm512_mul_ps (s.scale[0], xs), acc);
  if (kn_panel_has_int_mins (dtype))
    acc = _mm512_fnmadd_ps (_mm512_cvtepi32_ps (_mm512_madd_epi16 (s.sub_mins, sums)),
                            _mm512_mul_ps (s.min, xs), acc);
  return acc;
}

/* One group of one token: eight dot products and the fold into the f32 sums. */
KN_INLINE __m512
add_group (KnDtype dtype, const __m512i w[8], KnGroupScales s, const uint8_t *x, KnQ8Offsets o,
           size_t g, __m512 acc)
{
  const unsigned log2_zero = kn_log2_zero (dtype);
  const uint8_t *codes = x + 32 * g;
  __m512 xs = _mm512_set1_ps (kn_x_scale (x, o, g));

  if (kn_panel_has_int_scales (dtype))
    return add_int_group (dtype, w, s, x, o, g, acc);
  if (dtype == KN_Q6_K)
    {
      KN_UNROLL
      for (int h = 0; h < 2; h++)
        {
          __m512i idot = kn_dot_start (log2_zero, kn_x_half_sum (x, o, 2 * g + (size_t)h));

          KN_UNROLL
          for (int i = 4 * h; i < 4 * h + 4; i++)
            idot = _mm512_dpbusd_epi32 (idot, w[i], kn_broadcast_step (codes + 4 * i));
          acc = _mm512_fmadd_ps (_mm512_cvtepi32_ps (idot), _mm512_mul_ps (s.scale[h], xs), acc);
        }
      return acc;
    }

  /* Two chains halve the latency of the integer sum. */
  __m512i a = kn_dot_start (log2_zero, kn_x_sum (x, o, g)), b = _mm512_setzero_si512 ();

  KN_UNROLL
  for (int i = 0; i < 4; i++)
    {
      a = _mm512_dpbusd_epi32 (a, w[i], kn_broadcast_step (codes + 4 * i));
      b = _mm512_dpbusd_epi32 (b, w[i + 4], kn_broadcast_step (codes + 16 + 4 * i));
    }
  acc = _mm512_fmadd_ps (_mm512_cvtepi32_ps (_mm512_add_epi32 (a, b)),
                         _mm512_mul_ps (s.scale[0], xs), acc);
  if (kn_panel_has_min (dtype))
    acc = kn_add_min (dtype, s.min, kn_x_min_factor (x, o, g), acc);
  return acc;
}

KN_INLINE void
prefetch (const uint8_t *at, size_t bytes)
{
  KN_UNROLL
  for (size_t i = 0; i < bytes; i += 64)
    _mm_prefetch ((const char *)at + i + PREFETCH_BYTES, _MM_HINT_T0);
}

/* @n_groups groups of one block of one panel, the first of them group @g0 of the row. */
KN_INLINE void
add_block (KnDtype dtype, const int n_tokens, size_t n_groups, const KnMatmulArgs *a, KnQ8Offsets o,
           const uint8_t *block, size_t g0, __m512 acc[])
{
  const KnBlockUnits units = kn_load_units (dtype, block);
  const uint8_t *codes = block + kn_panel_scale_bytes (dtype);

  prefetch (block, kn_panel_scale_bytes (dtype));
  for (size_t i = 0; i < n_groups; i++, codes += kn_panel_group_bytes (dtype))
    {
      const KnGroupScales s = kn_group_scales (dtype, units, block, i);
      __m512i w[8];

      prefetch (codes, kn_panel_group_bytes (dtype));
      kn_load_codes (dtype, codes, w);
      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        acc[t] = add_group (dtype, w, s, (const uint8_t *)a->x + (size_t)t * a->x_stride, o, g0 + i,
                            acc[t]);
    }
}

KN_INLINE void
small_product (KnDtype dtype, const int n_tokens, const KnMatmulArgs *a)
{
  const size_t n_groups = a->n_cols / 32, block_groups = kn_panel_block_groups (dtype);
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols);
  const KnQ8Offsets o = kn_q8_offsets (a->n_cols);
  const uint8_t *panel = a->panels;

  for (size_t r = 0; r < a->n_rows; r += KN_PANEL_ROWS, panel += panel_bytes)
    {
      const __mmask16 mask = kn_row_mask (a->n_rows - r);
      const uint8_t *block = panel;
      __m512 acc[MAX_TOKENS];

      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        acc[t] = _mm512_setzero_ps ();
      for (size_t g = 0; g < n_groups; g += block_groups, block += kn_panel_block_bytes (dtype))
        add_block (dtype, n_tokens, n_groups - g < block_groups ? n_groups - g : block_groups, a, o,
                   block, g, acc);
      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        _mm512_mask_storeu_ps (a->y + (size_t)t * a->y_stride + r, mask, acc[t]);
    }
}

static inline void
few_tokens (KnDtype dtype, const KnMatmulArgs *a)
{
  KN_FOR_FEW_TOKENS (dtype, small_product, a, __builtin_unreachable ());
}

/* 9 to 16 tokens in two halves, panel after panel, so that the second half finds its panel in the
 * first-level cache: up to there unpacking twice costs less than expanding to memory. */
KN_INLINE void
two_halves (KnDtype dtype, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols), half = (a->n_tokens + 1) / 2;

  for (size_t r = 0; r < a->n_rows; r += KN_PANEL_ROWS)
    {
      KnMatmulArgs part = *a;
      part.panels = (const uint8_t *)a->panels + r / KN_PANEL_ROWS * panel_bytes;
      part.n_rows = a->n_rows - r < KN_PANEL_ROWS ? a->n_rows - r : KN_PANEL_ROWS;
      part.y = a->y + r;
      part.n_tokens = half;
      few_tokens (dtype, &part);
      part.x = (const uint8_t *)a->x + half * a->x_stride;
      part.y += half * a->y_stride;
      part.n_tokens = a->n_tokens - half;
      few_tokens (dtype, &part);
    }
}

KN_INLINE void
product (KnDtype dtype, const KnMatmulArgs *a)
{
  if (a->n_tokens <= MAX_TOKENS)
    few_tokens (dtype, a);
  else if (a->n_tokens <= 2 * MAX_TOKENS)
    two_halves (dtype, a);
  else
    kn_matmul_batch_avx512 (dtype, a);
}

static void
matmul_q8_0_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q8_0, a);
}

static void
matmul_q4_0_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q4_0, a);
}

static void
matmul_q4_1_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q4_1, a);
}

static void
matmul_q5_0_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q5_0, a);
}

static void
matmul_q5_1_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q5_1, a);
}

static void
matmul_q4_k_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q4_K, a);
}

static void
matmul_q5_k_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q5_K, a);
}

static void
matmul_q6_k_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q6_K, a);
}

static void
matmul_q2_k_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q2_K, a);
}

static void
matmul_q3_k_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q3_K, a);
}

static void
matmul_q2_64_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q2_64, a);
}

static void
matmul_q3_64_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q3_64, a);
}

static void
matmul_q1_64_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q1_64, a);
}

static void
matmul_tq2_0_avx512 (const KnMatmulArgs *a)
{
  product (KN_TQ2_0, a);
}

static void
matmul_mxfp4_avx512 (const KnMatmulArgs *a)
{
  product (KN_MXFP4, a);
}

void
kn_matmul_small_avx512 (KnMatmulFamily *family)
{
  family->q8_0 = matmul_q8_0_avx512;
  family->q4_0 = matmul_q4_0_avx512;
  family->q4_1 = matmul_q4_1_avx512;
  family->q5_0 = matmul_q5_0_avx512;
  family->q5_1 = matmul_q5_1_avx512;
  family->q4_k = matmul_q4_k_avx512;
  family->q5_k = matmul_q5_k_avx512;
  family->q6_k = matmul_q6_k_avx512;
  family->q2_k = matmul_q2_k_avx512;
  family->q3_k = matmul_q3_k_avx512;
  family->q2_64 = matmul_q2_64_avx512;
  family->q3_64 = matmul_q3_64_avx512;
  family->q1_64 = matmul_q1_64_avx512;
  family->tq2_0 = matmul_tq2_0_avx512;
  family->mxfp4 = matmul_mxfp4_avx512;
}
