/* The search that all quantizers share: the scale (and offset) of one group of values that makes a
 * weighted square error small.
 *
 * For several spacings of the code grid the values are rounded to codes, the least-squares problem
 * for the scale is solved with the codes fixed, and the fit with the smallest error stays. What a
 * candidate does not change is summed once. Sums run over 4 lanes that are added in one fixed
 * order: the same bits everywhere. */
#pragma once

#include "kn-quant-private.h"

#include <math.h>

#define KN_FIT_MAX 32 /* values of a group */

/* Four numbers at a time, in the compilers' own vectors: comparisons give masks. */
typedef float KnFour __attribute__ ((vector_size (16)));
typedef int32_t KnFourInts __attribute__ ((vector_size (16)));

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

static inline KnFour
kn_four_load (const float *x)
{
  KnFour v;
  memcpy (&v, x, sizeof v);
  return v;
}

static inline KnFour
kn_four (float v)
{
  return (KnFour){ v, v, v, v };
}

static inline KnFour
kn_four_select (KnFourInts mask, KnFour yes, KnFour no)
{
  return (KnFour)((mask & (KnFourInts)yes) | (~mask & (KnFourInts)no));
}

/* kn_clamped() of each, cut to a whole number. */
static inline KnFour
kn_four_codes (KnFour v, float max)
{
  const KnFour zero = { 0 }, top = kn_four (max);

  v = kn_four_select (v < zero, zero, v);
  v = kn_four_select (v > top, top, v);
  return __builtin_convertvector(__builtin_convertvector(v, KnFourInts), KnFour);
}

static inline float
kn_four_sum (KnFour v)
{
  return (v[0] + v[2]) + (v[1] + v[3]);
}

/* Weights of the errors where nothing is known of the inputs: an error on a large value costs more
 * than on a small one, w = rms + |x|. @n is a multiple of 4. */
static inline void
kn_error_weights (const float *x, int n, float *w)
{
  KnFour sum = { 0 };
  float rms;

  for (int j = 0; j < n; j += 4)
    sum += kn_four_load (x + j) * kn_four_load (x + j);
  rms = sqrtf (kn_four_sum (sum) / (float)n);
  for (int j = 0; j < n; j++)
    w[j] = rms + fabsf (x[j]);
}

/* The weights of a block of @n values in groups of @group: those given, scaled to a mean of one, or
 * the above without any. A group whose inputs were all zero gets small equal weights: nothing is
 * known of what its values will meet. */
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

/* Running sums of a candidate's codes. */
typedef struct
{
  KnFour q, qq, qx;
} KnFourSums;

static inline void
kn_add_codes (KnFourSums *s, KnFour q, KnFour x, KnFour w)
{
  const KnFour wq = w * q;

  s->q += wq;
  s->qq += wq * q;
  s->qx += wq * x;
}

static inline KnCodeSums
kn_code_sums (const KnFourSums *s)
{
  return (KnCodeSums){ kn_four_sum (s->q), kn_four_sum (s->qq), kn_four_sum (s->qx) };
}

/* ---- symmetric grids: value = scale * code, codes -half .. half - 1 ---- */

/* Codes of four values by truncation of a number made non-negative. */
static inline KnFour
kn_symmetric_four (KnFour x, float inv, float half)
{
  return kn_four_codes (x * kn_four (inv) + kn_four (half + 0.5f), 2 * half - 1) - kn_four (half);
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
      const float inv = (s.both_signs && i & 1 ? codes : -codes) / extreme;
      KnFourSums four = { 0 };
      KnCodeSums sums;
      float gain;

      for (int j = 0; j < n; j += 4)
        {
          const KnFour v = kn_four_load (x + j);

          kn_add_codes (&four, kn_symmetric_four (v, inv, half), v, kn_four_load (w + j));
        }
      sums = kn_code_sums (&four);
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

/* Least squares for scale and min; with @keep_sign min >= 0, as formats want that store it
 * unsigned. The error left of what a group of sums @w, @x, @xx (of w, w x, w x^2) has, or
 * infinity. */
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
      float inv = codes / (hi - lo), origin = lo, error;
      KnFourSums four = { 0 };
      KnFit tried = { 0 };
      KnCodeSums sums;

      /* Where more codes than there are would be needed, both ends are clipped alike. */
      if (codes > max_code && !keep_sign)
        origin += (codes - max_code) / inv / 2;
      for (int j = 0; j < n; j += 4)
        {
          const KnFour v = kn_four_load (x + j);
          const KnFour q
              = kn_four_codes ((v - kn_four (origin)) * kn_four (inv) + kn_four (0.5f), max_code);

          kn_add_codes (&four, q, v, kn_four_load (w + j));
        }
      sums = kn_code_sums (&four);
      error = kn_solve_affine (&sums, sw, sx, sxx, keep_sign, &tried);
      if (error < best)
        {
          best = error;
          fit = tried;
        }
    }
  return fit;
}
