/* The map family with NEON: four registers are the 16 lanes; tails go through a copy. */
#ifndef __ARM_NEON
#error "this file needs NEON"
#endif

#include "arm/kn-math-neon.h"
#include "kn-map-spec.h"

#include <string.h>

typedef struct
{
  float32x4_t v[4];
} Vec;

static inline Vec
vec_load (const float *x)
{
  return (Vec){ { vld1q_f32 (x), vld1q_f32 (x + 4), vld1q_f32 (x + 8), vld1q_f32 (x + 12) } };
}

static inline void
vec_store (float *y, Vec v)
{
  for (int i = 0; i < 4; i++)
    vst1q_f32 (y + 4 * i, v.v[i]);
}

static inline Vec
vec_load_n (const float *x, size_t n)
{
  float lane[KN_LANES] = { 0 };
  memcpy (lane, x, n * sizeof *x);
  return vec_load (lane);
}

static inline void
vec_store_n (float *y, Vec v, size_t n)
{
  float lane[KN_LANES];
  vec_store (lane, v);
  memcpy (y, lane, n * sizeof *y);
}

static inline Vec
vec_set1 (float x)
{
  const float32x4_t v = vdupq_n_f32 (x);
  return (Vec){ { v, v, v, v } };
}

static inline Vec
vec_add (Vec a, Vec b)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = vaddq_f32 (a.v[i], b.v[i]);
  return y;
}

static inline Vec
vec_sub (Vec a, Vec b)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = vsubq_f32 (a.v[i], b.v[i]);
  return y;
}

static inline Vec
vec_mul (Vec a, Vec b)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = vmulq_f32 (a.v[i], b.v[i]);
  return y;
}

static inline Vec
vec_div (Vec a, Vec b)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = vdivq_f32 (a.v[i], b.v[i]);
  return y;
}

static inline Vec
vec_fma (Vec a, Vec b, Vec c)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = vfmaq_f32 (c.v[i], a.v[i], b.v[i]);
  return y;
}

static inline Vec
vec_sqrt (Vec x)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = vsqrtq_f32 (x.v[i]);
  return y;
}

static inline Vec
vec_abs (Vec x)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = vabsq_f32 (x.v[i]);
  return y;
}

static inline Vec
vec_neg (Vec x)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = vnegq_f32 (x.v[i]);
  return y;
}

static inline Vec
vec_copysign (Vec x, Vec sign)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = vbslq_f32 (vdupq_n_u32 (0x80000000), sign.v[i], x.v[i]);
  return y;
}

/* Comparisons, not vmaxq, which differs in zeros and NaN. */
static inline Vec
vec_max (Vec a, Vec b)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = vbslq_f32 (vcgtq_f32 (a.v[i], b.v[i]), a.v[i], b.v[i]);
  return y;
}

static inline Vec
vec_min (Vec a, Vec b)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = vbslq_f32 (vcltq_f32 (a.v[i], b.v[i]), a.v[i], b.v[i]);
  return y;
}

static inline Vec
vec_less (Vec a, Vec b, Vec yes, Vec no)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = vbslq_f32 (vcltq_f32 (a.v[i], b.v[i]), yes.v[i], no.v[i]);
  return y;
}

static inline Vec
vec_nan (Vec a, Vec b)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = vbslq_f32 (vceqq_f32 (a.v[i], a.v[i]), b.v[i], a.v[i]);
  return y;
}

static inline Vec
vec_exp (Vec x)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = kn_exp4 (x.v[i]);
  return y;
}

static inline Vec
vec_tanh (Vec x)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = kn_tanh4 (x.v[i]);
  return y;
}

static inline Vec
vec_silu (Vec x)
{
  Vec y;
  for (int i = 0; i < 4; i++)
    y.v[i] = kn_silu4 (x.v[i]);
  return y;
}

static inline Vec
vec_expm1 (Vec x)
{
  const float32x4_t one = vdupq_n_f32 (1.0f);
  Vec y;
  for (int i = 0; i < 4; i++)
    {
      int32x4_t n;
      const float32x4_t p = kn_exp_reduced4 (vmaxq_f32 (x.v[i], vdupq_n_f32 (KN_EXPM1_MIN)), &n);
      const float32x4_t scale = kn_pow2_4 (n);
      y.v[i] = vfmaq_f32 (vsubq_f32 (scale, one), p, scale);
    }
  return y;
}

#include "kn-map-body.h"

void
kn_map_neon (KnMapFamily *f)
{
  fill_map_family (f);
}
