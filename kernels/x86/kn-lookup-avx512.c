/* Products by table lookup with AVX-512: one shuffle looks up a step of 16 rows in each of its four
 * lanes. The walk is in kn-lookup-body.h. A comparison: the VNNI dot product does the same work in
 * fewer instructions. */
#ifndef __AVX512BW__
#error "build with AVX-512"
#endif

#include "kn-lookup-x86.h"
#include "kn-matmul.h"
#include "kn-table-private.h"

static inline void
load_f16s (const uint8_t *src, float dst[KN_PANEL_ROWS])
{
  _mm512_storeu_ps (dst, _mm512_cvtph_ps (_mm256_loadu_si256 ((const __m256i *)(const void *)src)));
}

typedef uint32_t LookupWords __attribute__ ((vector_size (64)));

static inline LookupWords
load_bytes (const uint8_t *src)
{
  return (LookupWords)_mm512_cvtepu8_epi32 (_mm_load_si128 ((const __m128i *)(const void *)src));
}

/* [4 steps][8 rows] int16 of rows 0..7 and of rows 8..15, each at most 15 * 4 * 127: the sums over
 * the steps as 16 int32. Two steps fit 16 bits. */
static inline __m512i
add_steps (__m512i first, __m512i second)
{
  const __m256i a
      = _mm256_add_epi16 (_mm512_castsi512_si256 (first), _mm512_extracti64x4_epi64 (first, 1));
  const __m256i b
      = _mm256_add_epi16 (_mm512_castsi512_si256 (second), _mm512_extracti64x4_epi64 (second, 1));

  return _mm512_add_epi32 (_mm512_cvtepi16_epi32 (_mm256_permute2x128_si256 (a, b, 0x20)),
                           _mm512_cvtepi16_epi32 (_mm256_permute2x128_si256 (a, b, 0x31)));
}

static inline __attribute__ ((always_inline)) void
sum_group (int n_planes, const uint8_t *codes, const uint8_t *tables, int32_t sum[2][KN_PANEL_ROWS])
{
  const __m512i nibble = _mm512_set1_epi8 (15);

  for (int h = 0; h < 2; h++)
    {
      const __m512i low = _mm512_load_si512 (tables + 128 * h),
                    high = _mm512_load_si512 (tables + 128 * h + 64);
      __m512i first = _mm512_setzero_si512 (), second = _mm512_setzero_si512 ();

      for (int plane = n_planes - 1; plane >= 0; plane--)
        {
          const __m512i both = _mm512_load_si512 (codes + 64 * plane);
          const __m512i index
              = _mm512_and_si512 (h == 0 ? both : _mm512_srli_epi16 (both, 4), nibble);
          const __m512i lo = _mm512_shuffle_epi8 (low, index),
                        hi = _mm512_shuffle_epi8 (high, index);

          first = _mm512_add_epi16 (_mm512_add_epi16 (first, first), _mm512_unpacklo_epi8 (lo, hi));
          second
              = _mm512_add_epi16 (_mm512_add_epi16 (second, second), _mm512_unpackhi_epi8 (lo, hi));
        }
      _mm512_storeu_si512 (sum[h], add_steps (first, second));
    }
}

#define LOOKUP_LEVEL KN_LEVEL_AVX512
#include "kn-lookup-body.h"

KN_LOOKUP_PRODUCTS (avx512)
