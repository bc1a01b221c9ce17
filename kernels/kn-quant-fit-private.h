/* The search that all quantizers share: the scale (and offset) of one group of values that makes a
 * weighted square error small.
 *
 * For several spacings of the code grid the values are rounded to codes, the least-squares problem
 * for the scale is solved with the codes fixed, and the fit with the smallest error stays. What a
 * candidate does not change is summed once. Sums run over 8 lanes that are added in one fixed
 * order: loops that compilers vectorise without loosened arithmetic, the same bits everywhere. */
#pragma once

#include "kn-quant-private.h"

#include <math.h>

#define KN_FIT_MAX 32 /* values of a group */
#define KN_FIT_LANES 8

typedef struct
{
  float scale, min; /* value = scale * code - min */
} KnFit;

static inline float
kn_clamped (float v, float lo, float hi)
{
  return v < lo ? lo : v > hi ? hi : v;
}

static inline float
kn_safe_inverse (float v)
{
  return v >= 0x1p-126f || v <= -0x1p-126f ? 1.0f / v : 0.0f;
}

static inline float
kn_lane_sum (const float l[KN_FIT_LANES])
{
  return ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
}

/* Weights of the errors where nothing is known of the inputs: an error on a large value costs more
 * than on a small one, w = rms + |x|. @n is a multiple of 8. */
static inline void
kn_error_weights (const float *x, int n, float *w)
{
  float l[KN_FIT_LANES] = { 0 }, rms;

  for (int j = 0; j < n; j += KN_FIT_LANES)
    for (int k = 0; k < KN_FIT_LANES; k++)
      l[k] += x[j + k] * x[j + k];
  rms = sqrtf (kn_lane_sum (l) / (float)n);
  for (int j = 0; j < n; j++)
    w[j] = rms + fabsf (x[j]);
}

/* The weights of a block of @n values in groups of @group: those given, scaled to a mean of one, or
 * the above without any. A group whose inputs were all zero gets small equal weights: nothing is known
 * of what its values will meet. */
static inline void
kn_block_weights (const float *x, const float *given, int n, int group, float *w)
{
  double sum = 0;
  float unit;

  for (int g = 0; given == NULL && g < n; g += group)
    kn_error_weights (x + g, group, w + g);
  if (given == NULL)
    return;
  for (int j = 0; j < n; j++)
    sum += given[j] > 0 && given[j] <= 0x1p120f ? (double)given[j] : 0;
  unit = sum > 0x1p-120 ? (float)(n / sum) : 0;
  for (int g = 0; g < n; g += group)
    {
      float of_group = 0;

      for (int j = g; j < g + group; j++)
        {
          w[j] = given[j] > 0 && given[j] <= 0x1p120f ? given[j] * unit : 0;
          of_group += w[j];
        }
      for (int j = g; of_group < 0x1p-20f && j < g + group; j++)
        w[j] = 0x1p-20f;
    }
}

/* What the codes of a candidate add up to. */
typedef struct
{
  float q, qq, qx; /* sums of w q, w q^2, w q x */
} KnCodeSums;

static inline KnCodeSums
kn_code_sums (const float *x, const float *w, const float *q, int n)
{
  float a[KN_FIT_LANES] = { 0 }, b[KN_FIT_LANES] = { 0 }, c[KN_FIT_LANES] = { 0 };

  for (int j = 0; j < n; j += KN_FIT_LANES)
    for (int k = 0; k < KN_FIT_LANES; k++)
      {
        float wq = w[j + k] * q[j + k];

        a[k] += wq;
        b[k] += wq * q[j + k];
        c[k] += wq * x[j + k];
      }
  return (KnCodeSums){ kn_lane_sum (a), kn_lane_sum (b), kn_lane_sum (c) };
}

/* ---- symmetric grids: value = scale * code, codes -half .. half - 1 ---- */

/* Codes by truncation of a number made non-negative. */
static inline void
kn_symmetric_codes (const float *x, int n, float inv, float half, float *q)
{
  for (int j = 0; j < n; j++)
    q[j] = (float)(int)kn_clamped (x[j] * inv + half + 0.5f, 0, 2 * half - 1) - half;
}

/* The range of the search: how many codes beyond half the grid the extreme value would take. Above
 * 0 it is clipped. */
typedef struct
{
  float from, to;
  int n;
  int both_signs; /* also with the extreme value at the end that has one code less */
} KnSpacings;

static inline float
kn_fit_symmetric (const float *x, const float *w, int n, float half, KnSpacings s)
{
  float extreme = 0, best = 0, scale = 0;

  for (int j = 0; j < n; j++)
    extreme = fabsf (x[j]) > fabsf (extreme) ? x[j] : extreme;
  if (fabsf (extreme) < 0x1p-100f)
    return 0;
  for (int i = 0; i < s.n << s.both_signs; i++)
    {
      float codes = half + s.from + (float)(i >> s.both_signs) * (s.to - s.from) / (float)(s.n - 1);
      float q[KN_FIT_MAX], gain;
      KnCodeSums sums;

      kn_symmetric_codes (x, n, (s.both_signs && i & 1 ? codes : -codes) / extreme, half, q);
      sums = kn_code_sums (x, w, q, n);
      /* The error of the best scale qx / qq is xx - qx^2 / qq. */
      gain = sums.qq > 0 ? sums.qx * sums.qx / sums.qq : 0;
      if (gain > best)
        {
          best = gain;
          scale = sums.qx / sums.qq;
        }
    }
  return scale;
}

/* ---- grids with an offset: value = scale * code - min, codes 0 .. max_code ---- */

/* Least squares for scale and min; with @keep_sign min >= 0, as formats want that store it unsigned.
 * The error left of what a group of sums @w, @x, @xx (of w, w x, w x^2) has, or infinity. */
static inline float
kn_solve_affine (const KnCodeSums *s, float w, float x, float xx, int keep_sign, KnFit *fit)
{
  float det = w * s->qq - s->q * s->q;
  float scale, offset;

  if (!(det > 0))
    return INFINITY;
  scale = (w * s->qx - s->q * x) / det;
  offset = (s->qq * x - s->q * s->qx) / det;
  if (keep_sign && offset > 0)
    {
      offset = 0;
      scale = s->qx / s->qq;
    }
  if (!(scale > 0))
    return INFINITY;
  *fit = (KnFit){ scale, -offset };
  return scale * scale * s->qq + 2 * scale * offset * s->q + offset * offset * w - 2 * scale * s->qx
         - 2 * offset * x + xx;
}

static inline KnFit
kn_fit_affine (const float *x, const float *w, int n, float max_code, int keep_sign, KnSpacings s)
{
  float lo = keep_sign ? 0 : x[0], hi = x[0], best = INFINITY;
  float sw = 0, sx = 0, sxx = 0;
  KnFit fit;

  for (int j = 0; j < n; j++)
    {
      lo = x[j] < lo ? x[j] : lo;
      hi = x[j] > hi ? x[j] : hi;
      sw += w[j];
      sx += w[j] * x[j];
      sxx += w[j] * x[j] * x[j];
    }
  if (hi - lo < 0x1p-100f)
    return (KnFit){ 0, -lo };
  fit = (KnFit){ (hi - lo) / max_code, -lo };
  for (int i = 0; i < s.n; i++)
    {
      float codes = max_code + s.from + (float)i * (s.to - s.from) / (float)(s.n - 1);
      float inv = codes / (hi - lo), origin = lo, q[KN_FIT_MAX], error;
      KnFit tried = { 0 };
      KnCodeSums sums;

      /* Where more codes than there are would be needed, both ends are clipped alike. */
      if (codes > max_code && !keep_sign)
        origin += (codes - max_code) / inv / 2;
      for (int j = 0; j < n; j++)
        q[j] = (float)(int)kn_clamped ((x[j] - origin) * inv + 0.5f, 0, max_code);
      sums = kn_code_sums (x, w, q, n);
      error = kn_solve_affine (&sums, sw, sx, sxx, keep_sign, &tried);
      if (error < best)
        {
          best = error;
          fit = tried;
        }
    }
  return fit;
}
