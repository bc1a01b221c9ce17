/* Products of some rows with AVX2: eight groups at a time, whose sums end in one register. */
#ifndef __AVX2__
#error "build with AVX2"
#endif

#include "kn-table-private.h"

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* 8 partial sums of a group of 32 products. */
static inline __m256i
group_parts (const int8_t *codes, const int8_t *x)
{
  const __m256i w = _mm256_loadu_si256 ((const __m256i *)(const void *)codes);
  const __m256i v = _mm256_loadu_si256 ((const __m256i *)(const void *)x);
  const __m256i low = _mm256_madd_epi16 (_mm256_cvtepi8_epi16 (_mm256_castsi256_si128 (w)),
                                         _mm256_cvtepi8_epi16 (_mm256_castsi256_si128 (v)));
  const __m256i high = _mm256_madd_epi16 (_mm256_cvtepi8_epi16 (_mm256_extracti128_si256 (w, 1)),
                                          _mm256_cvtepi8_epi16 (_mm256_extracti128_si256 (v, 1)));

  return _mm256_add_epi32 (low, high);
}

static inline void
rows_dots (const int8_t *codes, const int8_t *x, const int32_t *sums, size_t n, int32_t *dots)
{
  for (size_t g = 0; g < n; g += 8)
    {
      __m256i p[8], q[2];

      for (size_t k = 0; k < 8; k++)
        p[k] = g + k < n ? group_parts (codes + 32 * (g + k), x + 32 * (g + k))
                         : _mm256_setzero_si256 ();
      for (size_t k = 0; k < 2; k++)
        q[k] = _mm256_hadd_epi32 (_mm256_hadd_epi32 (p[4 * k], p[4 * k + 1]),
                                  _mm256_hadd_epi32 (p[4 * k + 2], p[4 * k + 3]));
      _mm256_storeu_si256 ((__m256i *)(void *)(dots + g),
                           _mm256_add_epi32 (_mm256_permute2x128_si256 (q[0], q[1], 0x20),
                                             _mm256_permute2x128_si256 (q[0], q[1], 0x31)));
    }
}

static inline void
rows_scales (const uint8_t *halves, const float *xs, size_t n, float *scales)
{
  size_t g = 0;

  for (; g + 8 <= n; g += 8)
    _mm256_storeu_ps (scales + g,
                      _mm256_mul_ps (_mm256_cvtph_ps (_mm_loadu_si128 (
                                         (const __m128i *)(const void *)(halves + 2 * g))),
                                     _mm256_loadu_ps (xs + g)));
  for (; g < n; g++)
    {
      uint16_t half;

      __builtin_memcpy (&half, halves + 2 * g, sizeof half);
      scales[g] = _cvtsh_ss (half) * xs[g];
    }
}

#include "kn-rows-body.h"

static void
some_rows_avx2 (const KnRowsArgs *args)
{
  some_rows (args);
}

void
kn_rows_avx2 (KnMatmulFamily *family)
{
  family->some_q8_rows = some_rows_avx2;
}
