/* Products of weights with one scale per row (W8A8, W4A8) with AVX2, and the quantization of
 * activations that goes with them.
 *
 * A tile is 4 tokens x 8 rows, unpacked in registers and used for all its tokens. 8-bit codes are
 * multiplied as magnitude and sign; 4-bit codes leave room for the 8 steps of a group in 16
 * bits. */
#ifndef __AVX2__
#error "build with AVX2, FMA and F16C"
#endif

#include "kn-matmul-avx2-private.h"
#include "kn-table-private.h"

#include <math.h>

#define TILE_TOKENS 4
#define PREFETCH_BYTES 4096

/* One group of one half of a panel, added to the sums of 8 rows. */
KN_INLINE void
add_w8 (const int n_tokens, const uint8_t *codes, int half, const uint8_t *const x[], __m256i sum[])
{
  KN_UNROLL
  for (int s = 0; s < 8; s++)
    {
      __m256i w = _mm256_xor_si256 (kn_load_half_line (codes + 64 * s + 32 * half),
                                    _mm256_set1_epi8 (-128));

      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        sum[t] = _mm256_add_epi32 (sum[t], kn_dot_s8 (w, kn_broadcast_step (x[t] + 4 * s)));
    }
}

/* 8 steps of two products, 8 * 2 * 15 * 127 = 30480: within 16 bits. */
KN_INLINE void
add_w4 (const int n_tokens, const uint8_t *codes, int half, const uint8_t *const x[], __m256i sum[])
{
  const __m256i nibble = _mm256_set1_epi8 (15);
  __m256i pairs[TILE_TOKENS];

  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    pairs[t] = _mm256_setzero_si256 ();
  KN_UNROLL
  for (int i = 0; i < 4; i++)
    {
      __m256i line = kn_load_half_line (codes + 64 * i + 32 * half);
      __m256i low = _mm256_and_si256 (line, nibble);
      __m256i high = _mm256_and_si256 (_mm256_srli_epi16 (line, 4), nibble);

      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        {
          __m256i a = _mm256_maddubs_epi16 (low, kn_broadcast_step (x[t] + 4 * i));
          __m256i b = _mm256_maddubs_epi16 (high, kn_broadcast_step (x[t] + 16 + 4 * i));

          pairs[t] = _mm256_add_epi16 (pairs[t], _mm256_add_epi16 (a, b));
        }
    }
  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    sum[t] = _mm256_add_epi32 (sum[t], kn_widen (pairs[t]));
}

KN_INLINE void
finish (KnDtype dtype, __m256i sum, const uint8_t *panel, int half, const uint8_t *row,
        size_t n_cols, float *y, size_t n_rows)
{
  const uint8_t *tail = row + kn_q8_token_scale_offset (n_cols);
  const __m256 ws = _mm256_load_ps ((const float *)panel + 8 * half);
  float xs;
  int32_t total;

  memcpy (&xs, tail, sizeof xs);
  memcpy (&total, tail + 4, sizeof total);
  if (dtype == KN_W4A8)
    sum = _mm256_sub_epi32 (sum, _mm256_slli_epi32 (_mm256_set1_epi32 (total), 3));
  _mm256_maskstore_ps (y + 8 * half, kn_row_mask (n_rows, half),
                       _mm256_mul_ps (_mm256_cvtepi32_ps (sum),
                                      _mm256_mul_ps (ws, _mm256_set1_ps (xs))));
}

KN_INLINE void
tile (KnDtype dtype, const int n_tokens, const KnMatmulArgs *a, const uint8_t *panel,
      size_t first_row, size_t first_token)
{
  const size_t group_bytes = kn_panel_group_bytes (dtype);

  for (int half = 0; half < 2; half++)
    {
      const uint8_t *codes = panel + KN_PANEL_ROWS * sizeof (float), *x[TILE_TOKENS];
      __m256i sum[TILE_TOKENS];

      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        {
          x[t] = (const uint8_t *)a->x + (first_token + (size_t)t) * a->x_stride;
          sum[t] = _mm256_setzero_si256 ();
        }
      for (size_t g = 0; g < a->n_cols / 32; g++, codes += group_bytes)
        {
          if (n_tokens == 1 && half == 0)
            for (size_t i = 0; i < group_bytes; i += 64)
              _mm_prefetch ((const char *)codes + i + PREFETCH_BYTES, _MM_HINT_T0);
          if (dtype == KN_W8A8)
            add_w8 (n_tokens, codes, half, x, sum);
          else
            add_w4 (n_tokens, codes, half, x, sum);
          KN_UNROLL
          for (int t = 0; t < n_tokens; t++)
            x[t] += 32;
        }
      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        finish (dtype, sum[t], panel, half, x[t] - a->n_cols, a->n_cols,
                a->y + (first_token + (size_t)t) * a->y_stride + first_row, a->n_rows - first_row);
    }
}

KN_INLINE void
product (KnDtype dtype, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols);
  const uint8_t *panel = a->panels;

  for (size_t r = 0; r < a->n_rows; r += KN_PANEL_ROWS, panel += panel_bytes)
    {
      size_t t = 0;

      for (; t + 4 <= a->n_tokens; t += 4)
        tile (dtype, 4, a, panel, r, t);
      if (t + 3 == a->n_tokens)
        tile (dtype, 3, a, panel, r, t);
      else if (t + 2 == a->n_tokens)
        tile (dtype, 2, a, panel, r, t);
      else if (t + 1 == a->n_tokens)
        tile (dtype, 1, a, panel, r, t);
    }
}

static void
matmul_w8a8_avx2 (const KnMatmulArgs *a)
{
  product (KN_W8A8, a);
}

static void
matmul_w4a8_avx2 (const KnMatmulArgs *a)
{
  product (KN_W4A8, a);
}

/* ---- activations ---- */

static inline int32_t
max_of_lanes (__m256i v)
{
  __m128i m = _mm_max_epi32 (_mm256_castsi256_si128 (v), _mm256_extracti128_si256 (v, 1));

  m = _mm_max_epi32 (m, _mm_shuffle_epi32 (m, 0x4e));
  m = _mm_max_epi32 (m, _mm_shuffle_epi32 (m, 0xb1));
  return _mm_cvtsi128_si32 (m);
}

static inline int32_t
sum_of_lanes (__m256i v)
{
  __m128i s = _mm_add_epi32 (_mm256_castsi256_si128 (v), _mm256_extracti128_si256 (v, 1));

  s = _mm_add_epi32 (s, _mm_shuffle_epi32 (s, 0x4e));
  s = _mm_add_epi32 (s, _mm_shuffle_epi32 (s, 0xb1));
  return _mm_cvtsi128_si32 (s);
}

/* 8 codes at @codes; their sums by lane. */
static inline __m256i
put_codes (const float *x, __m256 inverse, int8_t *codes)
{
  __m256i q = _mm256_cvtps_epi32 (_mm256_mul_ps (_mm256_loadu_ps (x), inverse));
  __m128i words = _mm_packs_epi32 (_mm256_castsi256_si128 (q), _mm256_extracti128_si256 (q, 1));

  _mm_storel_epi64 ((__m128i *)codes, _mm_packs_epi16 (words, words));
  return q;
}

static void
quantize_q8_token_avx2 (const float *x, size_t n, void *row)
{
  const __m256i magnitude = _mm256_set1_epi32 (0x7fffffff);
  int8_t *codes = row;
  uint8_t *end = (uint8_t *)row + kn_q8_token_scale_offset (n);
  __m256i max = _mm256_setzero_si256 (), sums = max;

  for (size_t i = 0; i < n; i += 8)
    max = _mm256_max_epi32 (max, _mm256_and_si256 (_mm256_castps_si256 (_mm256_loadu_ps (x + i)),
                                                   magnitude));

  const int32_t bits = max_of_lanes (max);
  const float amax = _mm_cvtss_f32 (_mm_castsi128_ps (_mm_cvtsi32_si128 (bits)));
  const int usable = amax >= KN_Q8_TINY && bits < 0x7f800000;
  const float scale = usable ? amax / 127.0f : bits >= 0x7f800000 ? NAN : 0;

  memset (codes + n, 0, kn_q8_token_row_bytes (n) - n);
  if (usable)
    for (size_t i = 0; i < n; i += 8)
      sums = _mm256_add_epi32 (sums, put_codes (x + i, _mm256_set1_ps (127.0f / amax), codes + i));
  else
    memset (codes, 0, n);

  const int32_t sum = sum_of_lanes (sums);

  memcpy (end, &scale, sizeof scale);
  memcpy (end + 4, &sum, sizeof sum);
}

void
kn_matmul_row_avx2 (KnMatmulFamily *family)
{
  family->w8a8 = matmul_w8a8_avx2;
  family->w4a8 = matmul_w4a8_avx2;
  family->quantize_q8_token = quantize_q8_token_avx2;
}
