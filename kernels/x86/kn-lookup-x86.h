/* What AVX2 and AVX-512 share of the products by table lookup: the tables.
 *
 * A half group's (16 columns, 4 steps) are 4 x 16 low bytes, then 4 x 16 high bytes of the sums;
 * the second half's follow. A byte shuffle looks up 16 of them. */
#pragma once

#include <immintrin.h>
#include <stdint.h>

static inline void
build_tables (const int8_t xq[32], uint8_t *tables)
{
  const __m256i index = _mm256_setr_epi16 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m256i low = _mm256_set1_epi16 (255);
  __m256i has[4];

  for (int k = 0; k < 4; k++)
    {
      const __m256i bit = _mm256_set1_epi16 ((short)(1 << k));
      has[k] = _mm256_cmpeq_epi16 (_mm256_and_si256 (index, bit), bit);
    }
  for (int step = 0; step < 8; step++)
    {
      uint8_t *at = tables + 128 * (step / 4) + 16 * (step % 4);
      __m256i sums = _mm256_setzero_si256 ();

      for (int k = 0; k < 4; k++)
        sums = _mm256_add_epi16 (sums, _mm256_and_si256 (has[k], _mm256_set1_epi16 (
                                                                     (short)xq[4 * step + k])));

      const __m256i lo = _mm256_and_si256 (sums, low), hi = _mm256_srli_epi16 (sums, 8);
      _mm_store_si128 ((__m128i *)(void *)at, _mm_packus_epi16 (_mm256_castsi256_si128 (lo),
                                                                _mm256_extracti128_si256 (lo, 1)));
      _mm_store_si128 ((__m128i *)(void *)(at + 64),
                       _mm_packus_epi16 (_mm256_castsi256_si128 (hi),
                                         _mm256_extracti128_si256 (hi, 1)));
    }
}
