/* The arithmetic of one element of the map family: what every instruction set must reproduce to the
 * last bit. Private to the kernel files of that family. See kn-vec-spec.h for what all such
 * functions have in common. */
#pragma once

#include "kn-map.h"
#include "kn-vec-spec.h"

/* Rows of a column sum that are added up before they join the total. */
#define KN_FOLD_ROWS 64

/* NaN stays NaN: both comparisons are false then. */
static inline float
kn_clamp1 (float x, float low, float high)
{
  x = low > x ? low : x;
  return high < x ? high : x;
}

static inline float
kn_prelu1 (float x, float slope)
{
  return x < 0.0f ? x * slope : x;
}

static inline float
kn_hard_sigmoid1 (float x, float a, float b)
{
  return kn_clamp1 (fmaf (x, a, b), 0.0f, 1.0f);
}

#define KN_SIXTH (1.0f / 6.0f)

static inline float
kn_hard_swish1 (float x)
{
  return x * kn_hard_sigmoid1 (x, KN_SIXTH, 0.5f);
}

static inline float
kn_sigmoid1 (float x)
{
  return 1.0f / (1.0f + kn_exp1 (-x));
}

/* exp (x) - 1 for x <= 0, with its relative accuracy near 0. Below KN_EXPM1_MIN it is -1 in single
 * precision. */
#define KN_EXPM1_MIN -20.0f

static inline float
kn_expm1_1 (float x)
{
  int32_t n;
  const float p = kn_exp_reduced (x < KN_EXPM1_MIN ? KN_EXPM1_MIN : x, &n);
  const float scale = kn_pow2 (n);
  return fmaf (p, scale, scale - 1.0f);
}

/* The argument of the exponential is 0 where its result is not taken, so that it stays in range. */
static inline float
kn_elu1 (float x, float below, float above)
{
  const float e = kn_expm1_1 (x > 0.0f ? 0.0f : x) * below;
  return x > 0.0f ? x * above : e;
}

/* erf
 *
 * Below 1, erf (z) = z p (z^2); from 1 on, erfc (z) = exp (-(z^2 + r (z))). The coefficients are
 * from tests/kernels/erf-coefficients.py: relative errors 0.92 * 2^-24 of erf and 2.1 * 2^-24 of
 * erfc before rounding. r is held at its value in KN_ERF_LAST, where erfc is below 2^-24. */
#define KN_ERF_LAST 4.0f
#define KN_ERF_P0 0x1.20dd74p+0f
#define KN_ERF_P1 -0x1.812680p-2f
#define KN_ERF_P2 0x1.ce0ab2p-4f
#define KN_ERF_P3 -0x1.b5b310p-6f
#define KN_ERF_P4 0x1.428d76p-8f
#define KN_ERF_P5 -0x1.281efap-11f
#define KN_ERF_R0 -0x1.4fb068p-12f
#define KN_ERF_R1 0x1.2156fap+0f
#define KN_ERF_R2 -0x1.790298p-2f
#define KN_ERF_R3 0x1.c2e356p-4f
#define KN_ERF_R4 -0x1.b0e246p-6f
#define KN_ERF_R5 0x1.37ecc6p-8f
#define KN_ERF_R6 -0x1.38e5e6p-11f
#define KN_ERF_R7 0x1.825ce4p-15f
#define KN_ERF_R8 -0x1.b77830p-20f

/* erf (z) for z in 0..1. */
static inline float
kn_erf_below1 (float z)
{
  const float s = z * z;
  float p = fmaf (KN_ERF_P5, s, KN_ERF_P4);
  p = fmaf (p, s, KN_ERF_P3);
  p = fmaf (p, s, KN_ERF_P2);
  p = fmaf (p, s, KN_ERF_P1);
  return z * fmaf (p, s, KN_ERF_P0);
}

/* erfc (z) for z >= 1. */
static inline float
kn_erfc_above1 (float z)
{
  const float c = z > KN_ERF_LAST ? KN_ERF_LAST : z;
  float r = fmaf (KN_ERF_R8, c, KN_ERF_R7);
  r = fmaf (r, c, KN_ERF_R6);
  r = fmaf (r, c, KN_ERF_R5);
  r = fmaf (r, c, KN_ERF_R4);
  r = fmaf (r, c, KN_ERF_R3);
  r = fmaf (r, c, KN_ERF_R2);
  r = fmaf (r, c, KN_ERF_R1);
  r = fmaf (r, c, KN_ERF_R0);
  return kn_exp1 (-fmaf (z, z, r));
}

static inline float
kn_erf1 (float x)
{
  const float z = fabsf (x);
  return copysignf (z < 1.0f ? kn_erf_below1 (z) : 1.0f - kn_erfc_above1 (z), x);
}

/* x Phi (x). Phi (-|x|) = erfc (|x| / sqrt (2)) / 2 is computed first, so that it keeps its
 * relative accuracy for negative x. */
#define KN_SQRT_HALF 0x1.6a09e6p-1f

static inline float
kn_gelu_erf1 (float x)
{
  const float z = fabsf (x) * KN_SQRT_HALF;
  const float tail = z < 1.0f ? fmaf (kn_erf_below1 (z), -0.5f, 0.5f) : kn_erfc_above1 (z) * 0.5f;
  return x * (x < 0.0f ? tail : 1.0f - tail);
}

/* tanh (log (1 + e)) = e (e + 2) / (e (e + 2) + 2), e = exp (x). Beyond KN_MISH_MAX it is 1 in
 * single precision. */
#define KN_MISH_MAX 20.0f

static inline float
kn_mish1 (float x)
{
  const float e = kn_exp1 (KN_MISH_MAX < x ? KN_MISH_MAX : x);
  const float t = e * (e + 2.0f);
  return x * (t / (t + 2.0f));
}

/* The larger, the smaller; a NaN in either. */
static inline float
kn_max2_1 (float a, float b)
{
  return a != a ? a : (a > b ? a : b);
}

static inline float
kn_min2_1 (float a, float b)
{
  return a != a ? a : (a < b ? a : b);
}

/* One element joins a fold. */
static inline float
kn_fold1 (KnFold fold, float total, float x)
{
  switch (fold)
    {
    case KN_FOLD_SUM:
      return total + x;
    case KN_FOLD_SUM_ABS:
      return total + fabsf (x);
    case KN_FOLD_SUM_SQUARES:
      return fmaf (x, x, total);
    case KN_FOLD_MAX:
      return kn_max2_1 (total, x);
    case KN_FOLD_MIN:
      return kn_min2_1 (total, x);
    case KN_N_FOLDS:
      break;
    }
  return total;
}

/* What a fold of nothing is. */
static inline float
kn_fold_start (KnFold fold)
{
  return fold == KN_FOLD_MAX ? -INFINITY : fold == KN_FOLD_MIN ? INFINITY : 0.0f;
}

/* Two folds become one. */
static inline float
kn_fold_join1 (KnFold fold, float a, float b)
{
  return fold == KN_FOLD_MAX ? kn_max2_1 (a, b) : fold == KN_FOLD_MIN ? kn_min2_1 (a, b) : a + b;
}

/* The tree of kn_sum_lanes for any fold. */
static inline float
kn_fold_lanes (KnFold fold, const float lane[KN_LANES])
{
  float s[KN_LANES / 2];
  for (int i = 0; i < 8; i++)
    s[i] = kn_fold_join1 (fold, lane[i], lane[i + 8]);
  for (int i = 0; i < 4; i++)
    s[i] = kn_fold_join1 (fold, s[i], s[i + 4]);
  s[0] = kn_fold_join1 (fold, s[0], s[2]);
  s[1] = kn_fold_join1 (fold, s[1], s[3]);
  return kn_fold_join1 (fold, s[0], s[1]);
}
