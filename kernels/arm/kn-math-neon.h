/* exp, tanh and sums with NEON: the operations of kn-vec-spec.h, side by side. Included by Arm
 * files only. The 16 lanes of a sum are four registers. */
#pragma once

#ifndef __ARM_NEON
#error "this file needs NEON"
#endif

#include "kn-vec-spec.h"

#include <arm_neon.h>

/* The tree of kn_sum_lanes: register r has lanes 4r..4r+3. */
static inline float
kn_sum4x4 (const float32x4_t v[4])
{
  const float32x4_t h4 = vaddq_f32 (vaddq_f32 (v[0], v[2]), vaddq_f32 (v[1], v[3]));
  const float32x2_t h2 = vadd_f32 (vget_low_f32 (h4), vget_high_f32 (h4));
  return vget_lane_f32 (h2, 0) + vget_lane_f32 (h2, 1);
}

/* The larger of each lane, NaN in @x ignored: the comparison of kn_max1. */
static inline float32x4_t
kn_max4 (float32x4_t m, float32x4_t x)
{
  return vbslq_f32 (vcgtq_f32 (x, m), x, m);
}

/* 2^n for n in -126..127. */
static inline float32x4_t
kn_pow2_4 (int32x4_t n)
{
  return vreinterpretq_f32_s32 (vshlq_n_s32 (vaddq_s32 (n, vdupq_n_s32 (127)), 23));
}

static inline float32x4_t
kn_exp_reduced4 (float32x4_t x, int32x4_t *n)
{
  x = vmaxq_f32 (x, vdupq_n_f32 (KN_EXP_MIN));
  x = vminq_f32 (x, vdupq_n_f32 (KN_EXP_MAX));
  const float32x4_t shift = vdupq_n_f32 (KN_EXP_SHIFT);
  const float32x4_t t = vfmaq_f32 (shift, x, vdupq_n_f32 (KN_LOG2E));
  const float32x4_t nf = vsubq_f32 (t, shift);
  float32x4_t r = vfmsq_f32 (x, nf, vdupq_n_f32 (KN_LN2_HI));
  r = vfmsq_f32 (r, nf, vdupq_n_f32 (KN_LN2_LO));
  float32x4_t q = vfmaq_f32 (vdupq_n_f32 (KN_EXP_C5), vdupq_n_f32 (KN_EXP_C6), r);
  q = vfmaq_f32 (vdupq_n_f32 (KN_EXP_C4), q, r);
  q = vfmaq_f32 (vdupq_n_f32 (KN_EXP_C3), q, r);
  q = vfmaq_f32 (vdupq_n_f32 (KN_EXP_C2), q, r);
  *n = vsubq_s32 (vreinterpretq_s32_f32 (t), vreinterpretq_s32_f32 (shift));
  return vfmaq_f32 (r, q, vmulq_f32 (r, r));
}

static inline float32x4_t
kn_exp4 (float32x4_t x)
{
  int32x4_t n;
  const float32x4_t p = vaddq_f32 (kn_exp_reduced4 (x, &n), vdupq_n_f32 (1.0f));
  const int32x4_t half = vshrq_n_s32 (n, 1);
  return vmulq_f32 (vmulq_f32 (p, kn_pow2_4 (half)), kn_pow2_4 (vsubq_s32 (n, half)));
}

static inline float32x4_t
kn_tanh4 (float32x4_t x)
{
  const float32x4_t one = vdupq_n_f32 (1.0f);
  const float32x4_t a = vminq_f32 (vabsq_f32 (x), vdupq_n_f32 (KN_TANH_MAX));
  int32x4_t n;
  const float32x4_t p = kn_exp_reduced4 (vaddq_f32 (a, a), &n);
  const float32x4_t scale = kn_pow2_4 (vandq_s32 (n, vdupq_n_s32 (63)));
  const float32x4_t e = vfmaq_f32 (vsubq_f32 (scale, one), p, scale);
  const float32x4_t t = vdivq_f32 (e, vaddq_f32 (e, vdupq_n_f32 (2.0f)));
  return vbslq_f32 (vdupq_n_u32 (0x80000000), x, t);
}

static inline float32x4_t
kn_silu4 (float32x4_t x)
{
  return vdivq_f32 (x, vaddq_f32 (vdupq_n_f32 (1.0f), kn_exp4 (vnegq_f32 (x))));
}

static inline float32x4_t
kn_gelu4 (float32x4_t x)
{
  const float32x4_t inner
      = vfmaq_f32 (vdupq_n_f32 (KN_GELU_A), vdupq_n_f32 (KN_GELU_B), vmulq_f32 (x, x));
  return vdivq_f32 (x, vaddq_f32 (vdupq_n_f32 (1.0f), kn_exp4 (vmulq_f32 (x, inner))));
}

static inline float32x4_t
kn_load_half4 (const uint16_t *x)
{
  return vcvt_f32_f16 (vreinterpret_f16_u16 (vld1_u16 (x)));
}
