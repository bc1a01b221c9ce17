/* What the AVX-512 files of the 8-bit products share. */
#pragma once

#include <immintrin.h>

#include "kn-qconv-spec.h"

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
