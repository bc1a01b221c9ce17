/* The map family with AVX-512: one register is the 16 lanes, a mask serves the tail. */
#ifndef __AVX512F__
#error "this file needs -mavx512f"
#endif

#include "kn-map-spec.h"
#include "x86/kn-math-avx512.h"

typedef __m512 Vec;

static inline Vec
vec_load (const float *x)
{
  return _mm512_loadu_ps (x);
}

static inline void
vec_store (float *y, Vec v)
{
  _mm512_storeu_ps (y, v);
}

static inline Vec
vec_load_n (const float *x, size_t n)
{
  return _mm512_maskz_loadu_ps (kn_tail16 (n), x);
}

static inline void
vec_store_n (float *y, Vec v, size_t n)
{
  _mm512_mask_storeu_ps (y, kn_tail16 (n), v);
}

static inline Vec
vec_set1 (float x)
{
  return _mm512_set1_ps (x);
}

static inline Vec
vec_add (Vec a, Vec b)
{
  return _mm512_add_ps (a, b);
}

static inline Vec
vec_sub (Vec a, Vec b)
{
  return _mm512_sub_ps (a, b);
}

static inline Vec
vec_mul (Vec a, Vec b)
{
  return _mm512_mul_ps (a, b);
}

static inline Vec
vec_div (Vec a, Vec b)
{
  return _mm512_div_ps (a, b);
}

static inline Vec
vec_fma (Vec a, Vec b, Vec c)
{
  return _mm512_fmadd_ps (a, b, c);
}

static inline Vec
vec_sqrt (Vec x)
{
  return _mm512_sqrt_ps (x);
}

static inline Vec
vec_abs (Vec x)
{
  return _mm512_andnot_ps (_mm512_set1_ps (-0.0f), x);
}

static inline Vec
vec_neg (Vec x)
{
  return _mm512_xor_ps (x, _mm512_set1_ps (-0.0f));
}

static inline Vec
vec_copysign (Vec x, Vec sign)
{
  const __m512 mask = _mm512_set1_ps (-0.0f);
  return _mm512_or_ps (_mm512_andnot_ps (mask, x), _mm512_and_ps (mask, sign));
}

static inline Vec
vec_max (Vec a, Vec b)
{
  return _mm512_max_ps (a, b);
}

static inline Vec
vec_min (Vec a, Vec b)
{
  return _mm512_min_ps (a, b);
}

static inline Vec
vec_less (Vec a, Vec b, Vec yes, Vec no)
{
  return _mm512_mask_blend_ps (_mm512_cmp_ps_mask (a, b, _CMP_LT_OQ), no, yes);
}

static inline Vec
vec_nan (Vec a, Vec b)
{
  return _mm512_mask_blend_ps (_mm512_cmp_ps_mask (a, a, _CMP_UNORD_Q), b, a);
}

static inline Vec
vec_exp (Vec x)
{
  return kn_exp16 (x);
}

static inline Vec
vec_tanh (Vec x)
{
  return kn_tanh16 (x);
}

static inline Vec
vec_silu (Vec x)
{
  return kn_silu16 (x);
}

static inline Vec
vec_expm1 (Vec x)
{
  const __m512 one = _mm512_set1_ps (1.0f);
  __m512 nf;
  const __m512 p = kn_exp_reduced16 (_mm512_max_ps (_mm512_set1_ps (KN_EXPM1_MIN), x), &nf);
  const __m512 scale = _mm512_scalef_ps (one, nf);
  return _mm512_fmadd_ps (p, scale, _mm512_sub_ps (scale, one));
}

#include "kn-map-body.h"

void
kn_map_avx512 (KnMapFamily *f)
{
  fill_map_family (f);
}
