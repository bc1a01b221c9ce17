/* Sparse products with AVX2: the codes of a line are spread over its mask's bits by byte shuffles
 * from a table, eight at a time, into dense panels; the Q8_0 product of the level goes on. */
#ifndef __AVX2__
#error "build with AVX2"
#endif

#include "kn-sparse-private.h"
#include "kn-table-private.h"

#include <immintrin.h>

/* 32 bytes of 4-bit codes as 64 bytes, in order. */
static inline void
unpack_nibbles (const uint8_t *codes, uint8_t bytes[KN_SPARSE_LINE])
{
  const __m128i nibble = _mm_set1_epi8 (15);

  for (int i = 0; i < 2; i++)
    {
      __m128i both = _mm_loadu_si128 ((const __m128i *)(codes + 16 * i));
      __m128i lo = _mm_and_si128 (both, nibble);
      __m128i hi = _mm_and_si128 (_mm_srli_epi16 (both, 4), nibble);

      _mm_storeu_si128 ((__m128i *)(bytes + 32 * i), _mm_unpacklo_epi8 (lo, hi));
      _mm_storeu_si128 ((__m128i *)(bytes + 32 * i + 16), _mm_unpackhi_epi8 (lo, hi));
    }
}

static const uint8_t *
expand_lines_avx2 (KnDtype dtype, const uint8_t *masks, const uint8_t *codes, size_t n_lines,
                   uint8_t *lines)
{
  const int is_4_bit = dtype == KN_Q4_SPARSE;
  const __m128i zero = _mm_set1_epi8 ((char)(is_4_bit ? 8 : 128));

  for (size_t line = 0; line < n_lines; line++, lines += KN_SPARSE_LINE)
    {
      uint64_t mask = kn_sparse_mask (masks, line);
      uint8_t bytes[KN_SPARSE_LINE + 8]; /* eight are loaded even where fewer are left */
      const uint8_t *from = codes;

      if (is_4_bit)
        {
          unpack_nibbles (codes, bytes);
          from = bytes;
        }
      codes += kn_sparse_code_bytes (dtype, (size_t)_mm_popcnt_u64 (mask));
      for (size_t i = 0; i < KN_SPARSE_LINE; i += 8, mask >>= 8)
        {
          const uint64_t *shuffle = kn_sparse_shuffles + (mask & 255);
          __m128i stored = _mm_sub_epi8 (_mm_loadl_epi64 ((const __m128i *)from), zero);

          _mm_storel_epi64 ((__m128i *)(lines + i),
                            _mm_shuffle_epi8 (stored, _mm_loadl_epi64 ((const __m128i *)shuffle)));
          from += _mm_popcnt_u64 (mask & 255);
        }
    }
  return codes;
}

KN_SPARSE_PRODUCTS (avx2, expand_lines_avx2, KN_LEVEL_AVX2)

void
kn_sparse_avx2 (KnMatmulFamily *family)
{
  kn_sparse_fill_avx2 (family);
}
