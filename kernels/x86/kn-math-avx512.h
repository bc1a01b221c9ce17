/* exp, tanh and sums on 16 lanes: the operations of kn-vec-spec.h, side by side. Included by
 * AVX-512 files only. */
#pragma once

#ifndef __AVX512F__
#error "this file needs -mavx512f"
#endif

#include "kn-vec-spec.h"

#include <immintrin.h>

/* Lanes 0..n-1. */
static inline __mmask16
kn_tail16 (size_t n)
{
  return (__mmask16)((1u << n) - 1);
}

/* The tree of kn_sum_lanes. */
static inline float
kn_sum16 (__m512 v)
{
  const __m256 h8 = _mm256_add_ps (_mm512_castps512_ps256 (v), _mm512_extractf32x8_ps (v, 1));
  const __m128 h4 = _mm_add_ps (_mm256_castps256_ps128 (h8), _mm256_extractf128_ps (h8, 1));
  const __m128 h2 = _mm_add_ps (h4, _mm_movehl_ps (h4, h4));
  return _mm_cvtss_f32 (_mm_add_ss (h2, _mm_movehdup_ps (h2)));
}

/* max_ps returns its second operand when one is NaN, as the comparisons of the C code do. */
static inline __m512
kn_exp_reduced16 (__m512 x, __m512 *nf)
{
  x = _mm512_max_ps (_mm512_set1_ps (KN_EXP_MIN), x);
  x = _mm512_min_ps (_mm512_set1_ps (KN_EXP_MAX), x);
  const __m512 shift = _mm512_set1_ps (KN_EXP_SHIFT);
  *nf = _mm512_sub_ps (_mm512_fmadd_ps (x, _mm512_set1_ps (KN_LOG2E), shift), shift);
  __m512 r = _mm512_fnmadd_ps (*nf, _mm512_set1_ps (KN_LN2_HI), x);
  r = _mm512_fnmadd_ps (*nf, _mm512_set1_ps (KN_LN2_LO), r);
  __m512 q = _mm512_fmadd_ps (_mm512_set1_ps (KN_EXP_C6), r, _mm512_set1_ps (KN_EXP_C5));
  q = _mm512_fmadd_ps (q, r, _mm512_set1_ps (KN_EXP_C4));
  q = _mm512_fmadd_ps (q, r, _mm512_set1_ps (KN_EXP_C3));
  q = _mm512_fmadd_ps (q, r, _mm512_set1_ps (KN_EXP_C2));
  return _mm512_fmadd_ps (q, _mm512_mul_ps (r, r), r);
}

/* scalef rounds once, like the two exact factors of kn_exp1. */
static inline __m512
kn_exp16 (__m512 x)
{
  __m512 nf;
  const __m512 p = _mm512_add_ps (kn_exp_reduced16 (x, &nf), _mm512_set1_ps (1.0f));
  return _mm512_scalef_ps (p, nf);
}

static inline __m512
kn_tanh16 (__m512 x)
{
  const __m512 sign = _mm512_set1_ps (-0.0f), one = _mm512_set1_ps (1.0f);
  const __m512 a = _mm512_min_ps (_mm512_set1_ps (KN_TANH_MAX), _mm512_andnot_ps (sign, x));
  __m512 nf;
  const __m512 p = kn_exp_reduced16 (_mm512_add_ps (a, a), &nf);
  const __m512 scale = _mm512_scalef_ps (one, nf);
  const __m512 e = _mm512_fmadd_ps (p, scale, _mm512_sub_ps (scale, one));
  const __m512 t = _mm512_div_ps (e, _mm512_add_ps (e, _mm512_set1_ps (2.0f)));
  return _mm512_or_ps (t, _mm512_and_ps (sign, x));
}

static inline __m512
kn_silu16 (__m512 x)
{
  const __m512 e = kn_exp16 (_mm512_xor_ps (x, _mm512_set1_ps (-0.0f)));
  return _mm512_div_ps (x, _mm512_add_ps (_mm512_set1_ps (1.0f), e));
}

static inline __m512
kn_gelu16 (__m512 x)
{
  const __m512 inner = _mm512_fmadd_ps (_mm512_set1_ps (KN_GELU_B), _mm512_mul_ps (x, x),
                                        _mm512_set1_ps (KN_GELU_A));
  return _mm512_div_ps (x,
                        _mm512_add_ps (_mm512_set1_ps (1.0f), kn_exp16 (_mm512_mul_ps (x, inner))));
}
