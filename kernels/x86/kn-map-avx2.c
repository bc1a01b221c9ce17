/* The map family with AVX2 and FMA: two registers are the 16 lanes; masked loads and stores serve
 * the tail. */
#ifndef __AVX2__
#error "this file needs -mavx2 -mfma -mf16c"
#endif

#include "kn-map-spec.h"
#include "x86/kn-math-avx2.h"

typedef struct
{
  __m256 v[2];
} Vec;

static inline Vec
vec_load (const float *x)
{
  return (Vec){ { _mm256_loadu_ps (x), _mm256_loadu_ps (x + 8) } };
}

static inline void
vec_store (float *y, Vec v)
{
  _mm256_storeu_ps (y, v.v[0]);
  _mm256_storeu_ps (y + 8, v.v[1]);
}

/* No masked access without lanes: beside an unmapped page it is slow. */
static inline Vec
vec_load_n (const float *x, size_t n)
{
  if (n <= 8)
    return (Vec){ { _mm256_maskload_ps (x, kn_tail8 (n)), _mm256_setzero_ps () } };
  return (Vec){ { _mm256_loadu_ps (x), _mm256_maskload_ps (x + 8, kn_tail8 (n - 8)) } };
}

static inline void
vec_store_n (float *y, Vec v, size_t n)
{
  if (n <= 8)
    {
      _mm256_maskstore_ps (y, kn_tail8 (n), v.v[0]);
      return;
    }
  _mm256_storeu_ps (y, v.v[0]);
  _mm256_maskstore_ps (y + 8, kn_tail8 (n - 8), v.v[1]);
}

static inline Vec
vec_set1 (float x)
{
  return (Vec){ { _mm256_set1_ps (x), _mm256_set1_ps (x) } };
}

static inline Vec
vec_add (Vec a, Vec b)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = _mm256_add_ps (a.v[i], b.v[i]);
  return y;
}

static inline Vec
vec_sub (Vec a, Vec b)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = _mm256_sub_ps (a.v[i], b.v[i]);
  return y;
}

static inline Vec
vec_mul (Vec a, Vec b)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = _mm256_mul_ps (a.v[i], b.v[i]);
  return y;
}

static inline Vec
vec_div (Vec a, Vec b)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = _mm256_div_ps (a.v[i], b.v[i]);
  return y;
}

static inline Vec
vec_fma (Vec a, Vec b, Vec c)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = _mm256_fmadd_ps (a.v[i], b.v[i], c.v[i]);
  return y;
}

static inline Vec
vec_sqrt (Vec x)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = _mm256_sqrt_ps (x.v[i]);
  return y;
}

static inline Vec
vec_abs (Vec x)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = _mm256_andnot_ps (_mm256_set1_ps (-0.0f), x.v[i]);
  return y;
}

static inline Vec
vec_neg (Vec x)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = _mm256_xor_ps (x.v[i], _mm256_set1_ps (-0.0f));
  return y;
}

static inline Vec
vec_copysign (Vec x, Vec sign)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = _mm256_or_ps (_mm256_andnot_ps (_mm256_set1_ps (-0.0f), x.v[i]),
                           _mm256_and_ps (_mm256_set1_ps (-0.0f), sign.v[i]));
  return y;
}

static inline Vec
vec_max (Vec a, Vec b)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = _mm256_max_ps (a.v[i], b.v[i]);
  return y;
}

static inline Vec
vec_min (Vec a, Vec b)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = _mm256_min_ps (a.v[i], b.v[i]);
  return y;
}

static inline Vec
vec_less (Vec a, Vec b, Vec yes, Vec no)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = _mm256_blendv_ps (no.v[i], yes.v[i], _mm256_cmp_ps (a.v[i], b.v[i], _CMP_LT_OQ));
  return y;
}

static inline Vec
vec_nan (Vec a, Vec b)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = _mm256_blendv_ps (b.v[i], a.v[i], _mm256_cmp_ps (a.v[i], a.v[i], _CMP_UNORD_Q));
  return y;
}

static inline Vec
vec_exp (Vec x)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = kn_exp8 (x.v[i]);
  return y;
}

static inline Vec
vec_tanh (Vec x)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = kn_tanh8 (x.v[i]);
  return y;
}

static inline Vec
vec_silu (Vec x)
{
  Vec y;
  for (int i = 0; i < 2; i++)
    y.v[i] = kn_silu8 (x.v[i]);
  return y;
}

static inline Vec
vec_expm1 (Vec x)
{
  const __m256 one = _mm256_set1_ps (1.0f);
  Vec y;
  for (int i = 0; i < 2; i++)
    {
      __m256i n;
      const __m256 p = kn_exp_reduced8 (_mm256_max_ps (_mm256_set1_ps (KN_EXPM1_MIN), x.v[i]), &n);
      const __m256 scale = kn_pow2_8 (n);
      y.v[i] = _mm256_fmadd_ps (p, scale, _mm256_sub_ps (scale, one));
    }
  return y;
}

#include "kn-map-body.h"

void
kn_map_avx2 (KnMapFamily *f)
{
  fill_map_family (f);
}
