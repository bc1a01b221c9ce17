/* From f32 to the formats with one scale per row, W8A8 and W4A8. Called by kn_quantize_row().
 *
 * With eight bits the largest magnitude sets the scale. With four, where one large weight would
 * spoil a whole row, the scale is searched: that with the least squared error of N_SCALES tried,
 * then moved to the least-squares optimum of the codes it gives. Sums run in eight fixed lanes, so
 * the bytes are the same from every compiler. */
#include "kn-quant.h"

#include "kn-quant-private.h"

#include <math.h>

#define LANES 8
#define N_SCALES 24
#define TINY 0x1p-100f /* rows below are zero */

/* The share of the scale at which the extreme weight gets the last code, -8. */
static inline float
share (int k)
{
  return 1.12f - 0.03f * (float)k;
}

/* To the nearest integer, halves to even: adding 1.5 * 2^23 leaves no place for a fraction. Unlike
 * rintf() it vectorises everywhere. |x| < 2^22. */
static inline float
nearest (float x)
{
  return (x + 12582912.0f) - 12582912.0f;
}

static inline float
nearest_code (float x)
{
  x = x > 8 ? 8 : x < -9 ? -9 : x;
  x = nearest (x);
  return x > 7 ? 7 : x < -8 ? -8 : x;
}

/* The value of largest magnitude, of two equal ones the first. */
static float
row_extreme (const float *src, size_t n)
{
  float extreme = 0;

  for (size_t i = 0; i < n; i += KN_QK)
    {
      float v[KN_QK];

      kn_quant_clean (src + i, v, KN_QK);
      for (int j = 0; j < KN_QK; j++)
        if (fabsf (v[j]) > fabsf (extreme))
          extreme = v[j];
    }
  return extreme;
}

static inline void
put_scale (float d, void *dst)
{
  memcpy (dst, &d, sizeof d);
}

void
kn_quantize_w8a8 (const float *src, void *dst, size_t n)
{
  int8_t *codes = (int8_t *)dst + sizeof (float);
  const float amax = fabsf (row_extreme (src, n));
  const float inverse = amax >= TINY ? 127.0f / amax : 0;

  put_scale (amax >= TINY ? amax / 127.0f : 0, dst);
  for (size_t i = 0; i < n; i += KN_QK)
    {
      float v[KN_QK];

      kn_quant_clean (src + i, v, KN_QK);
      for (int j = 0; j < KN_QK; j++)
        codes[i + (size_t)j] = (int8_t)(int)nearest (v[j] * inverse);
    }
}

/* Squared errors of one block at all scales, in units of each scale. @inverses: of the scales.
 * @weights: of the block, or NULL. */
static inline void
add_errors (const float v[KN_QK], const float *weights, const float inverses[N_SCALES],
            float errors[N_SCALES][LANES])
{
  for (int k = 0; k < N_SCALES; k++)
    for (int j = 0; j < KN_QK; j += LANES)
      for (int l = 0; l < LANES; l++)
        {
          float x = v[j + l] * inverses[k];
          float e = x - nearest_code (x);

          errors[k][l] += weights != NULL ? e * e * weights[j + l] : e * e;
        }
}

static float
sum_lanes (const float v[LANES])
{
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

/* The inverse of the best of the scales, @full being that which gives the extreme the last code. */
static float
best_inverse (const float *src, const float *weights, size_t n, float full)
{
  float inverses[N_SCALES], errors[N_SCALES][LANES] = { 0 };
  float least = INFINITY;
  int best = 0;

  for (int k = 0; k < N_SCALES; k++)
    inverses[k] = 1.0f / (full * share (k));
  for (size_t i = 0; i < n; i += KN_QK)
    {
      float v[KN_QK];

      kn_quant_clean (src + i, v, KN_QK);
      if (weights != NULL)
        add_errors (v, weights + i, inverses, errors);
      else
        add_errors (v, NULL, inverses, errors);
    }
  for (int k = 0; k < N_SCALES; k++)
    {
      float error = sum_lanes (errors[k]) * (share (k) * share (k));

      if (error < least)
        {
          least = error;
          best = k;
        }
    }
  return inverses[best];
}

/* What the codes at @inverse make of a row: the scale that suits them best, and the error there. */
typedef struct
{
  float scale, error;
} Refit;

/* The codes go to @out unless it is NULL. */
static Refit
put_codes (const float *src, const float *weights, size_t n, float inverse, uint8_t *out)
{
  float products[LANES] = { 0 }, squares[LANES] = { 0 }, values[LANES] = { 0 };
  Refit refit;

  for (size_t i = 0; i < n; i += KN_QK)
    {
      float v[KN_QK], q[KN_QK];

      kn_quant_clean (src + i, v, KN_QK);
      for (int j = 0; j < KN_QK; j++)
        {
          float x = v[j] * inverse, w = weights != NULL ? weights[i + (size_t)j] : 1;

          q[j] = nearest_code (x);
          products[j % LANES] += w * x * q[j];
          squares[j % LANES] += w * q[j] * q[j];
          values[j % LANES] += w * x * x;
        }
      for (int j = 0; out != NULL && j < KN_QK / 2; j++, out++)
        *out = (uint8_t)((int)(q[j] + 8) | (int)(q[j + 16] + 8) << 4);
    }

  const float qx = sum_lanes (products), qq = sum_lanes (squares);
  const float by = qq > 0 ? qx / qq : 1;

  refit.scale = by / inverse;
  refit.error = (sum_lanes (values) - 2 * by * qx + by * by * qq) / (inverse * inverse);
  return refit;
}

void
kn_quantize_w4a8 (const float *src, const float *weights, void *dst, size_t n)
{
  uint8_t *codes = (uint8_t *)dst + sizeof (float);
  const float extreme = row_extreme (src, n), full = -extreme / 8;

  if (fabsf (extreme) < TINY)
    {
      put_scale (0, dst);
      memset (codes, 0x88, n / 2);
      return;
    }

  float inverse = best_inverse (src, NULL, n, full);

  if (weights != NULL)
    {
      float other = best_inverse (src, weights, n, full);

      if (put_codes (src, weights, n, other, NULL).error
          < put_codes (src, weights, n, inverse, NULL).error)
        inverse = other;
    }
  put_scale (put_codes (src, weights, n, inverse, codes).scale, dst);
}
