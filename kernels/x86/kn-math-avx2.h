/* exp, tanh and sums with AVX2: the operations of kn-vec-spec.h, side by side. Included by AVX2
 * files only. The 16 lanes of a sum are two registers. */
#pragma once

#ifndef __AVX2__
#error "this file needs -mavx2 -mfma -mf16c"
#endif

#include "kn-vec-spec.h"

#include <immintrin.h>

/* Lanes 0..n-1, n in 0..8, for maskload and maskstore, which touch no other memory. */
static inline __m256i
kn_tail8 (size_t n)
{
  const __m256i lane = _mm256_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32 (_mm256_set1_epi32 ((int)n), lane);
}

/* The tree of kn_sum_lanes: lanes 0..7 are @lo, 8..15 are @hi. */
static inline float
kn_sum8x2 (__m256 lo, __m256 hi)
{
  const __m256 h8 = _mm256_add_ps (lo, hi);
  const __m128 h4 = _mm_add_ps (_mm256_castps256_ps128 (h8), _mm256_extractf128_ps (h8, 1));
  const __m128 h2 = _mm_add_ps (h4, _mm_movehl_ps (h4, h4));
  return _mm_cvtss_f32 (_mm_add_ss (h2, _mm_movehdup_ps (h2)));
}

/* Largest of 8 lanes, none of them NaN. */
static inline float
kn_max8 (__m256 v)
{
  const __m128 h4 = _mm_max_ps (_mm256_castps256_ps128 (v), _mm256_extractf128_ps (v, 1));
  const __m128 h2 = _mm_max_ps (h4, _mm_movehl_ps (h4, h4));
  return _mm_cvtss_f32 (_mm_max_ss (h2, _mm_movehdup_ps (h2)));
}

/* 2^n for n in -126..127. */
static inline __m256
kn_pow2_8 (__m256i n)
{
  return _mm256_castsi256_ps (
      _mm256_slli_epi32 (_mm256_add_epi32 (n, _mm256_set1_epi32 (127)), 23));
}

/* max_ps returns its second operand when one is NaN, as the comparisons of the C code do. */
static inline __m256
kn_exp_reduced8 (__m256 x, __m256i *n)
{
  x = _mm256_max_ps (_mm256_set1_ps (KN_EXP_MIN), x);
  x = _mm256_min_ps (_mm256_set1_ps (KN_EXP_MAX), x);
  const __m256 shift = _mm256_set1_ps (KN_EXP_SHIFT);
  const __m256 t = _mm256_fmadd_ps (x, _mm256_set1_ps (KN_LOG2E), shift);
  const __m256 nf = _mm256_sub_ps (t, shift);
  __m256 r = _mm256_fnmadd_ps (nf, _mm256_set1_ps (KN_LN2_HI), x);
  r = _mm256_fnmadd_ps (nf, _mm256_set1_ps (KN_LN2_LO), r);
  __m256 q = _mm256_fmadd_ps (_mm256_set1_ps (KN_EXP_C6), r, _mm256_set1_ps (KN_EXP_C5));
  q = _mm256_fmadd_ps (q, r, _mm256_set1_ps (KN_EXP_C4));
  q = _mm256_fmadd_ps (q, r, _mm256_set1_ps (KN_EXP_C3));
  q = _mm256_fmadd_ps (q, r, _mm256_set1_ps (KN_EXP_C2));
  *n = _mm256_sub_epi32 (_mm256_castps_si256 (t), _mm256_castps_si256 (shift));
  return _mm256_fmadd_ps (q, _mm256_mul_ps (r, r), r);
}

static inline __m256
kn_exp8 (__m256 x)
{
  __m256i n;
  const __m256 p = _mm256_add_ps (kn_exp_reduced8 (x, &n), _mm256_set1_ps (1.0f));
  const __m256i half = _mm256_srai_epi32 (n, 1);
  return _mm256_mul_ps (_mm256_mul_ps (p, kn_pow2_8 (half)),
                        kn_pow2_8 (_mm256_sub_epi32 (n, half)));
}

static inline __m256
kn_tanh8 (__m256 x)
{
  const __m256 sign = _mm256_set1_ps (-0.0f), one = _mm256_set1_ps (1.0f);
  const __m256 a = _mm256_min_ps (_mm256_set1_ps (KN_TANH_MAX), _mm256_andnot_ps (sign, x));
  __m256i n;
  const __m256 p = kn_exp_reduced8 (_mm256_add_ps (a, a), &n);
  const __m256 scale = kn_pow2_8 (_mm256_and_si256 (n, _mm256_set1_epi32 (63)));
  const __m256 e = _mm256_fmadd_ps (p, scale, _mm256_sub_ps (scale, one));
  const __m256 t = _mm256_div_ps (e, _mm256_add_ps (e, _mm256_set1_ps (2.0f)));
  return _mm256_or_ps (t, _mm256_and_ps (sign, x));
}

static inline __m256
kn_silu8 (__m256 x)
{
  const __m256 e = kn_exp8 (_mm256_xor_ps (x, _mm256_set1_ps (-0.0f)));
  return _mm256_div_ps (x, _mm256_add_ps (_mm256_set1_ps (1.0f), e));
}

static inline __m256
kn_gelu8 (__m256 x)
{
  const __m256 inner = _mm256_fmadd_ps (_mm256_set1_ps (KN_GELU_B), _mm256_mul_ps (x, x),
                                        _mm256_set1_ps (KN_GELU_A));
  return _mm256_div_ps (x,
                        _mm256_add_ps (_mm256_set1_ps (1.0f), kn_exp8 (_mm256_mul_ps (x, inner))));
}
