/* Products by table lookup with AVX2: one shuffle looks up a step of 16 rows in each of its two
 * lanes. The walk is in kn-lookup-body.h. */
#ifndef __AVX2__
#error "build with AVX2"
#endif

#include "kn-lookup-x86.h"
#include "kn-matmul.h"
#include "kn-table-private.h"

static inline void
load_f16s (const uint8_t *src, float dst[KN_PANEL_ROWS])
{
  for (int i = 0; i < 2; i++)
    _mm256_storeu_ps (dst + 8 * i, _mm256_cvtph_ps (_mm_loadu_si128 (
                                       (const __m128i *)(const void *)(src + 16 * i))));
}

typedef uint32_t LookupWords __attribute__ ((vector_size (32)));

static inline LookupWords
load_bytes (const uint8_t *src)
{
  return (LookupWords)_mm256_cvtepu8_epi32 (_mm_loadl_epi64 ((const __m128i *)(const void *)src));
}

/* [2][8 rows] int16, each at most 2 * 15 * 4 * 127: their sum, which fits 16 bits, as int32. */
static inline __m256i
add_lanes (__m256i sums)
{
  return _mm256_cvtepi16_epi32 (
      _mm_add_epi16 (_mm256_castsi256_si128 (sums), _mm256_extracti128_si256 (sums, 1)));
}

static inline __attribute__ ((always_inline)) void
sum_group (int n_planes, const uint8_t *codes, const uint8_t *tables, int32_t sum[2][KN_PANEL_ROWS])
{
  const __m256i nibble = _mm256_set1_epi8 (15);

  for (int h = 0; h < 2; h++)
    {
      __m256i first = _mm256_setzero_si256 (), second = _mm256_setzero_si256 ();

      for (int plane = n_planes - 1; plane >= 0; plane--)
        {
          first = _mm256_add_epi16 (first, first);
          second = _mm256_add_epi16 (second, second);
          for (int pair = 0; pair < 2; pair++)
            {
              const uint8_t *table = tables + 128 * h + 32 * pair;
              const __m256i both = _mm256_load_si256 (
                  (const __m256i *)(const void *)(codes + 64 * plane + 32 * pair));
              const __m256i index
                  = _mm256_and_si256 (h == 0 ? both : _mm256_srli_epi16 (both, 4), nibble);
              const __m256i lo
                  = _mm256_shuffle_epi8 (_mm256_load_si256 ((const __m256i *)(const void *)table),
                                         index);
              const __m256i hi
                  = _mm256_shuffle_epi8 (_mm256_load_si256 (
                                             (const __m256i *)(const void *)(table + 64)),
                                         index);

              first = _mm256_add_epi16 (first, _mm256_unpacklo_epi8 (lo, hi));
              second = _mm256_add_epi16 (second, _mm256_unpackhi_epi8 (lo, hi));
            }
        }
      _mm256_storeu_si256 ((__m256i *)(void *)sum[h], add_lanes (first));
      _mm256_storeu_si256 ((__m256i *)(void *)(sum[h] + 8), add_lanes (second));
    }
}

#define LOOKUP_LEVEL KN_LEVEL_AVX2
#include "kn-lookup-body.h"

KN_LOOKUP_PRODUCTS (avx2)
