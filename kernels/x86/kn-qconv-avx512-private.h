/* What the AVX-512 files of the 8-bit products share. */
#pragma once

#include <immintrin.h>

#include "kn-qconv-spec.h"

#define UNROLL _Pragma ("GCC unroll 16")

void kn_qconv_dw_avx512 (KnQconvFamily *f);

KN_QINLINE __mmask64
kn_tail64 (size_t n)
{
  return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
}

/* Four bytes to all places. */
KN_QINLINE __m512i
kn_broadcast4 (const uint8_t *x)
{
  int32_t v;
  memcpy (&v, x, sizeof v);
  return _mm512_set1_epi32 (v);
}

/* kn_requant1() of 16 sums, as int32 codes. */
KN_QINLINE __m512i
kn_requant16 (__m512i acc, __m512 scale, const KnRequant *r)
{
  __m512 v = _mm512_mul_ps (_mm512_cvtepi32_ps (acc), scale);

  v = _mm512_max_ps (v, _mm512_set1_ps (r->low));
  v = _mm512_min_ps (v, _mm512_set1_ps (r->high));
  return _mm512_add_epi32 (_mm512_cvtps_epi32 (v), _mm512_set1_epi32 (r->zero));
}

/* What the epilogue of a tile needs in registers. Codes are packed as signed bytes; unsigned ones
 * are made 128 less before and flipped after. */
typedef struct
{
  __m512 high;
  __m512i zero, low, flip; /* int16, int8, int8 */
} KnEpilogue;

KN_QINLINE KnEpilogue
kn_epilogue (const KnRequant *r)
{
  const int is_unsigned = (int)r->high + r->zero > 127, shift = is_unsigned ? 128 : 0;

  return (KnEpilogue){ .high = _mm512_set1_ps (r->high),
                       .zero = _mm512_set1_epi16 ((int16_t)(r->zero - shift)),
                       .low = _mm512_set1_epi8 ((char)((int)r->low + r->zero - shift)),
                       .flip = _mm512_set1_epi8 ((char)shift) };
}

/* Four accumulators to 64 codes: in each 128-bit lane four of the first, of the second... Sums far
 * below the range become -2^31 in the conversion and the lowest code in the packing; those above
 * are limited before it. */
KN_QINLINE __m512i
kn_pack_lanes (const __m512i acc[4], const __m512 scale[4], const KnEpilogue *e)
{
  __m512i q[4];

  UNROLL
  for (size_t i = 0; i < 4; i++)
    q[i] = _mm512_cvtps_epi32 (
        _mm512_min_ps (e->high, _mm512_mul_ps (_mm512_cvtepi32_ps (acc[i]), scale[i])));
  const __m512i low = _mm512_adds_epi16 (_mm512_packs_epi32 (q[0], q[1]), e->zero);
  const __m512i high = _mm512_adds_epi16 (_mm512_packs_epi32 (q[2], q[3]), e->zero);
  return _mm512_xor_si512 (_mm512_max_epi8 (_mm512_packs_epi16 (low, high), e->low), e->flip);
}

/* The same, the 16 codes of each accumulator together. */
KN_QINLINE __m512i
kn_pack4 (const __m512i acc[4], const __m512 scale[4], const KnEpilogue *e)
{
  const __m512i order = _mm512_setr_epi32 (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);

  return _mm512_permutexvar_epi32 (order, kn_pack_lanes (acc, scale, e));
}

/* @left of 16 codes; all when there are more. */
KN_QINLINE void
kn_store16 (uint8_t *y, size_t left, __m128i codes)
{
  if (left >= 16)
    _mm_storeu_si128 ((__m128i *)(void *)y, codes);
  else
    _mm_mask_storeu_epi8 (y, (__mmask16)((1u << left) - 1), codes);
}

/* 4 x 16 codes to four rows. */
KN_QINLINE void
kn_store4 (uint8_t *y, size_t y_stride, size_t left, __m512i codes)
{
  kn_store16 (y, left, _mm512_castsi512_si128 (codes));
  kn_store16 (y + y_stride, left, _mm512_extracti32x4_epi32 (codes, 1));
  kn_store16 (y + 2 * y_stride, left, _mm512_extracti32x4_epi32 (codes, 2));
  kn_store16 (y + 3 * y_stride, left, _mm512_extracti32x4_epi32 (codes, 3));
}
