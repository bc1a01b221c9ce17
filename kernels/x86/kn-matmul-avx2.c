/* The AVX2 level of the matrix products: matrix-vector products of the quantized formats,
 * quantization of activations, and the family put together. Batches are in kn-matmul-batch-avx2.c,
 * float weights in kn-matmul-float-avx2.c. */
#ifndef __AVX2__
#error "build with AVX2, FMA and F16C"
#endif

#include "kn-matmul-avx2-private.h"
#include "kn-table-private.h"

#include <math.h>

#define PREFETCH_BYTES 4096

/* The integer sums of @n_steps steps, without the zero point's part. */
KN_INLINE __m256i
dot_steps (KnDtype dtype, const int n_steps, const __m256i w[], const uint8_t *x)
{
  const int run = kn_steps_in_16_bits (dtype);
  __m256i idot = _mm256_setzero_si256 (), pairs = idot;

  KN_UNROLL
  for (int i = 0; i < n_steps; i++)
    {
      __m256i step = kn_broadcast_step (x + 4 * i);

      if (run == 0)
        {
          idot = _mm256_add_epi32 (idot, kn_dot_s8 (w[i], step));
          continue;
        }
      pairs = i % run == 0 ? _mm256_maddubs_epi16 (w[i], step)
                           : _mm256_add_epi16 (pairs, _mm256_maddubs_epi16 (w[i], step));
      if (i % run == run - 1 || i == n_steps - 1)
        idot = _mm256_add_epi32 (idot, kn_widen (pairs));
    }
  return idot;
}

/* One group and half where scales are integers: 16 bits hold the sums of a half group. */
KN_INLINE __m256
add_int_group (KnDtype dtype, const __m256i w[8], KnGroupScales s, const uint8_t *x, KnQ8Offsets o,
               size_t g, __m256 acc)
{
  const __m256 xs = _mm256_set1_ps (kn_x_scale (x, o, g));
  const __m256i sums = kn_half_sum_pair (x, o, g);
  __m256i parts[2];

  KN_UNROLL
  for (int h = 0; h < 2; h++)
    KN_UNROLL
  for (int i = 0; i < 4; i++)
    {
      __m256i product
          = _mm256_maddubs_epi16 (w[4 * h + i], kn_broadcast_step (x + 32 * g + 16 * h + 4 * i));

      parts[h] = i == 0 ? product : _mm256_add_epi16 (parts[h], product);
    }
  acc = _mm256_fmadd_ps (_mm256_cvtepi32_ps (kn_int_dot (dtype, parts, s.subs, sums)),
                         _mm256_mul_ps (s.scale[0], xs), acc);
  if (kn_panel_has_int_mins (dtype))
    acc = _mm256_fnmadd_ps (_mm256_cvtepi32_ps (_mm256_madd_epi16 (s.sub_mins, sums)),
                            _mm256_mul_ps (s.min, xs), acc);
  return acc;
}

/* One group and half added to the sums of 8 rows. */
KN_INLINE __m256
add_group (KnDtype dtype, const uint8_t *block, size_t i, const uint8_t *codes, int half,
           const uint8_t *x, KnQ8Offsets o, size_t g, __m256 acc)
{
  const int n_parts = dtype == KN_Q6_K ? 2 : 1, n_steps = 8 / n_parts;
  const KnGroupScales s = kn_group_scales (dtype, block, i, half);
  const __m256 xs = _mm256_set1_ps (kn_x_scale (x, o, g));
  __m256i w[8];

  kn_load_codes (dtype, codes, half, w);
  if (kn_panel_has_int_scales (dtype))
    return add_int_group (dtype, w, s, x, o, g, acc);
  KN_UNROLL
  for (int h = 0; h < n_parts; h++)
    {
      __m256i idot = dot_steps (dtype, n_steps, w + n_steps * h, x + 32 * g + 16 * (size_t)h);

      if (kn_panel_zero (dtype) != 0)
        idot = _mm256_sub_epi32 (idot, kn_zero_part (dtype, kn_x_sum (dtype, x, o, g, (size_t)h)));
      acc = _mm256_fmadd_ps (_mm256_cvtepi32_ps (idot), _mm256_mul_ps (s.scale[h], xs), acc);
    }
  if (kn_panel_has_min (dtype))
    acc = _mm256_fmadd_ps (s.min, kn_x_min_factor (x, o, g), acc);
  return acc;
}

KN_INLINE void
prefetch (const uint8_t *at, size_t bytes)
{
  KN_UNROLL
  for (size_t i = 0; i < bytes; i += 64)
    _mm_prefetch ((const char *)at + i + PREFETCH_BYTES, _MM_HINT_T0);
}

KN_INLINE void
vector_product (KnDtype dtype, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols), n_groups = a->n_cols / 32;
  const size_t block_groups = kn_panel_block_groups (dtype);
  const KnQ8Offsets o = kn_q8_offsets (a->n_cols);
  const uint8_t *panel = a->panels;

  for (size_t r = 0; r < a->n_rows; r += KN_PANEL_ROWS, panel += panel_bytes)
    {
      __m256 acc[2] = { _mm256_setzero_ps (), _mm256_setzero_ps () };
      const uint8_t *block = panel;

      for (size_t g0 = 0; g0 < n_groups; g0 += block_groups, block += kn_panel_block_bytes (dtype))
        {
          const uint8_t *codes = block + kn_panel_scale_bytes (dtype);

          prefetch (block, kn_panel_scale_bytes (dtype));
          for (size_t i = 0; i < block_groups && g0 + i < n_groups; i++)
            {
              prefetch (codes, kn_panel_group_bytes (dtype));
              KN_UNROLL
              for (int half = 0; half < 2; half++)
                acc[half] = add_group (dtype, block, i, codes, half, a->x, o, g0 + i, acc[half]);
              codes += kn_panel_group_bytes (dtype);
            }
        }
      KN_UNROLL
      for (int half = 0; half < 2; half++)
        _mm256_maskstore_ps (a->y + r + 8 * half, kn_row_mask (a->n_rows - r, half), acc[half]);
    }
}

KN_INLINE void
product (KnDtype dtype, const KnMatmulArgs *a)
{
  if (a->n_tokens == 1)
    vector_product (dtype, a);
  else
    kn_matmul_batch_avx2 (dtype, a);
}

static void
matmul_q8_0_avx2 (const KnMatmulArgs *a)
{
  product (KN_Q8_0, a);
}

static void
matmul_q4_0_avx2 (const KnMatmulArgs *a)
{
  product (KN_Q4_0, a);
}

static void
matmul_q4_1_avx2 (const KnMatmulArgs *a)
{
  product (KN_Q4_1, a);
}

static void
matmul_q5_0_avx2 (const KnMatmulArgs *a)
{
  product (KN_Q5_0, a);
}

static void
matmul_q5_1_avx2 (const KnMatmulArgs *a)
{
  product (KN_Q5_1, a);
}

static void
matmul_q4_k_avx2 (const KnMatmulArgs *a)
{
  product (KN_Q4_K, a);
}

static void
matmul_q5_k_avx2 (const KnMatmulArgs *a)
{
  product (KN_Q5_K, a);
}

static void
matmul_q6_k_avx2 (const KnMatmulArgs *a)
{
  product (KN_Q6_K, a);
}

static void
matmul_q2_k_avx2 (const KnMatmulArgs *a)
{
  product (KN_Q2_K, a);
}

static void
matmul_q3_k_avx2 (const KnMatmulArgs *a)
{
  product (KN_Q3_K, a);
}

static void
matmul_q2_64_avx2 (const KnMatmulArgs *a)
{
  product (KN_Q2_64, a);
}

static void
matmul_q3_64_avx2 (const KnMatmulArgs *a)
{
  product (KN_Q3_64, a);
}

static void
matmul_q1_64_avx2 (const KnMatmulArgs *a)
{
  product (KN_Q1_64, a);
}

static void
matmul_tq2_0_avx2 (const KnMatmulArgs *a)
{
  product (KN_TQ2_0, a);
}

static void
matmul_mxfp4_avx2 (const KnMatmulArgs *a)
{
  product (KN_MXFP4, a);
}

typedef struct
{
  int8_t *codes;
  float *scales;
  int32_t *sums, *half_sums;
} Q8Row;

static inline int32_t
max_of_lanes (__m256i v)
{
  __m128i m = _mm_max_epi32 (_mm256_castsi256_si128 (v), _mm256_extracti128_si256 (v, 1));

  m = _mm_max_epi32 (m, _mm_shuffle_epi32 (m, 0x4e));
  m = _mm_max_epi32 (m, _mm_shuffle_epi32 (m, 0xb1));
  return _mm_cvtsi128_si32 (m);
}

/* 16 codes as bytes, and their sum. */
static inline __m128i
codes_of (__m256i lo, __m256i hi, int32_t *sum)
{
  /* Packing works within 128-bit lanes: the permutation puts the quarters back in order. */
  __m256i words = _mm256_permute4x64_epi64 (_mm256_packs_epi32 (lo, hi), 0xd8);
  __m256i sums = kn_widen (words);
  __m128i s = _mm_add_epi32 (_mm256_castsi256_si128 (sums), _mm256_extracti128_si256 (sums, 1));

  s = _mm_add_epi32 (s, _mm_shuffle_epi32 (s, 0x4e));
  s = _mm_add_epi32 (s, _mm_shuffle_epi32 (s, 0xb1));
  *sum = _mm_cvtsi128_si32 (s);
  return _mm_packs_epi16 (_mm256_castsi256_si128 (words), _mm256_extracti128_si256 (words, 1));
}

/* One group of 32. Magnitudes are compared as integers: infinity and NaN come out above all
 * numbers. */
static inline void
quantize_group (const float *x, size_t g, Q8Row row)
{
  const __m256i magnitude = _mm256_set1_epi32 (0x7fffffff);
  __m256 v[4];
  __m256i q[4], max = _mm256_setzero_si256 ();
  int32_t bits;
  float amax;

  KN_UNROLL
  for (int i = 0; i < 4; i++)
    {
      v[i] = _mm256_loadu_ps (x + 8 * i);
      max = _mm256_max_epi32 (max, _mm256_and_si256 (_mm256_castps_si256 (v[i]), magnitude));
    }
  bits = max_of_lanes (max);
  amax = _mm_cvtss_f32 (_mm_castsi128_ps (_mm_cvtsi32_si128 (bits)));
  if (!(amax >= KN_Q8_TINY) || bits >= 0x7f800000)
    {
      row.scales[g] = bits >= 0x7f800000 ? NAN : 0;
      row.sums[g] = row.half_sums[2 * g] = row.half_sums[2 * g + 1] = 0;
      _mm256_storeu_si256 ((__m256i *)(row.codes + 32 * g), _mm256_setzero_si256 ());
      return;
    }
  KN_UNROLL
  for (int i = 0; i < 4; i++)
    q[i] = _mm256_cvtps_epi32 (_mm256_mul_ps (v[i], _mm256_set1_ps (127.0f / amax)));
  row.scales[g] = amax / 127.0f;
  KN_UNROLL
  for (int h = 0; h < 2; h++)
    _mm_storeu_si128 ((__m128i *)(row.codes + 32 * g + 16 * (size_t)h),
                      codes_of (q[2 * h], q[2 * h + 1], &row.half_sums[2 * g + (size_t)h]));
  row.sums[g] = row.half_sums[2 * g] + row.half_sums[2 * g + 1];
}

static void
quantize_q8_avx2 (const float *x, size_t n, void *out)
{
  uint8_t *base = out;
  Q8Row row
      = { out, (float *)(base + kn_q8_scales_offset (n)), (int32_t *)(base + kn_q8_sums_offset (n)),
          (int32_t *)(base + kn_q8_half_sums_offset (n)) };

  memset (base + n, 0, kn_q8_scales_offset (n) - n);
  for (size_t g = 0; g < n / 32; g++)
    quantize_group (x + 32 * g, g, row);
}

void
kn_matmul_avx2 (KnMatmulFamily *family)
{
  family->q8_0 = matmul_q8_0_avx2;
  family->q4_0 = matmul_q4_0_avx2;
  family->q4_1 = matmul_q4_1_avx2;
  family->q5_0 = matmul_q5_0_avx2;
  family->q5_1 = matmul_q5_1_avx2;
  family->q4_k = matmul_q4_k_avx2;
  family->q5_k = matmul_q5_k_avx2;
  family->q6_k = matmul_q6_k_avx2;
  family->q2_k = matmul_q2_k_avx2;
  family->q3_k = matmul_q3_k_avx2;
  family->q2_64 = matmul_q2_64_avx2;
  family->q3_64 = matmul_q3_64_avx2;
  family->q1_64 = matmul_q1_64_avx2;
  family->tq2_0 = matmul_tq2_0_avx2;
  family->mxfp4 = matmul_mxfp4_avx2;
  family->quantize_q8 = quantize_q8_avx2;
  kn_matmul_float_avx2 (family);
  kn_matmul_row_avx2 (family);
}
