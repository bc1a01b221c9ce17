/* From f32 to codes that are few values rather than a grid: ternary -d, 0, d in blocks of 256, and
 * MXFP4, 16 small floats under one power of two per 32.
 *
 * Without weights ternary takes the largest magnitude of the block as d, the field's rule: weights
 * that are ternary already come back exactly. With weights the threshold above which a value counts
 * is searched for (as in ternary weight networks: Li, Zhang and Liu 2016, eq. 4 to 6, with weighted
 * sums), again exact where the values are ternary. */
#include "kn-quant-fit-private.h"

#define N_THRESHOLDS 32

static float
largest (const float *x, size_t n)
{
  float amax = 0;

  for (size_t j = 0; j < n; j++)
    amax = fabsf (x[j]) > amax ? fabsf (x[j]) : amax;
  return amax;
}

/* With the values above a threshold coded as +-1 the best d is their weighted mean magnitude a / w,
 * and the error falls by a^2 / w. The threshold half way to d is the one with which rounding gives
 * the same codes; d is tried as it comes out. */
static float
ternary_scale (const float *x, const float *w)
{
  const float amax = largest (x, KN_QK_K);
  float best = 0, d = amax;

  for (int i = 0; i < N_THRESHOLDS; i++)
    {
      const float threshold = amax * ((float)i + 0.5f) / N_THRESHOLDS;
      KnFour sums = { 0 }, weights = { 0 };
      float sum, weight;

      for (int j = 0; j < KN_QK_K; j += 4)
        {
          const KnFour v = kn_four_load (x + j), zero = { 0 };
          const KnFour m = kn_four_select (v < zero, -v, v);
          const KnFour counted
              = kn_four_select (m > kn_four (threshold), kn_four_load (w + j), zero);

          sums += counted * m;
          weights += counted;
        }
      sum = kn_four_sum (sums);
      weight = kn_four_sum (weights);
      if (weight > 0 && sum * sum / weight > best)
        {
          best = sum * sum / weight;
          d = sum / weight;
        }
    }
  return d;
}

static uint16_t
ternary_block (const float *src, const float *weights, uint8_t codes[KN_QK_K])
{
  float x[KN_QK_K], w[KN_QK_K], d, inv;
  uint16_t stored;

  kn_quant_clean (src, x, KN_QK_K);
  d = largest (x, KN_QK_K);
  if (weights != NULL)
    {
      kn_block_weights (x, weights, KN_QK_K, KN_QK_K, w);
      d = ternary_scale (x, w);
    }
  stored = kn_f16_store (d);
  inv = kn_safe_inverse (d);
  /* Halves away from zero, as the field rounds. */
  for (int j = 0; j < KN_QK_K; j++)
    {
      const float v = x[j] * inv;

      codes[j] = (uint8_t)(1 + (v >= 0.5f) - (v <= -0.5f));
    }
  return stored;
}

void
kn_quantize_tq2_0 (const float *src, const float *weights, void *dst, size_t n)
{
  KnBlockTQ2_0 *b = dst;

  for (size_t i = 0; i < n; i += KN_QK_K, b++)
    {
      uint8_t q[KN_QK_K];

      b->d = ternary_block (src + i, weights != NULL ? weights + i : NULL, q);
      for (int half = 0; half < 2; half++)
        for (int j = 0; j < 32; j++)
          {
            const uint8_t *run = q + 128 * half + j;

            b->qs[32 * half + j] = (uint8_t)(run[0] | run[32] << 2 | run[64] << 4 | run[96] << 6);
          }
    }
}

/* @n_digits codes, @stride apart, as a fraction of 256 in base 3 (with 5 places), rounded up. */
static uint8_t
base_3 (const uint8_t *codes, size_t stride, size_t n_digits)
{
  unsigned number = 0;

  for (size_t i = 0; i < 5; i++)
    number = number * 3 + (i < n_digits ? codes[i * stride] : 0);
  return (uint8_t)((number * 256 + 242) / 243);
}

void
kn_quantize_tq1_0 (const float *src, const float *weights, void *dst, size_t n)
{
  KnBlockTQ1_0 *b = dst;

  for (size_t i = 0; i < n; i += KN_QK_K, b++)
    {
      uint8_t q[KN_QK_K];

      b->d = ternary_block (src + i, weights != NULL ? weights + i : NULL, q);
      for (int j = 0; j < 32; j++)
        b->qs[j] = base_3 (q + j, 32, 5);
      for (int j = 0; j < 16; j++)
        b->qs[32 + j] = base_3 (q + 160 + j, 16, 5);
      for (int j = 0; j < 4; j++)
        b->qh[j] = base_3 (q + 240 + j, 4, 4);
    }
}

/* ---- MXFP4 ---- */

/* The code of the value nearest to @v in units of the doubled values; of two as near the smaller
 * magnitude. */
static inline uint8_t
mxfp4_code (float v)
{
  const float m = fabsf (v);
  const int code = (m > 0.5f) + (m > 1.5f) + (m > 2.5f) + (m > 3.5f) + (m > 5) + (m > 7) + (m > 10);

  return (uint8_t)(v < 0 && code > 0 ? code + 8 : code);
}

static void
mxfp4_codes (const float *x, int e, uint8_t q[KN_QK])
{
  const float d = kn_e8m0_half ((uint8_t)e), inv = kn_safe_inverse (d);

  for (int j = 0; j < KN_QK; j++)
    q[j] = mxfp4_code (x[j] * inv);
}

static double
mxfp4_error (const float *x, const float *w, int e, const uint8_t q[KN_QK])
{
  const float d = kn_e8m0_half ((uint8_t)e);
  double error = 0;

  for (int j = 0; j < KN_QK; j++)
    {
      const double off = (double)(d * (float)kn_mxfp4_values[q[j]]) - (double)x[j];

      error += (double)w[j] * off * off;
    }
  return error;
}

void
kn_quantize_mxfp4 (const float *src, const float *weights, void *dst, size_t n)
{
  KnBlockMXFP4 *b = dst;

  for (size_t i = 0; i < n; i += KN_QK, b++)
    {
      float x[KN_QK], w[KN_QK], amax;
      uint8_t q[KN_QK];
      int e = 0;

      kn_quant_clean (src + i, x, KN_QK);
      amax = largest (x, KN_QK);
      /* The largest value's power of two becomes that of the largest code, 4 (Open Compute Project
       * Microscaling Formats 1.0, section 6.3). */
      if (amax >= 0x1p-120f)
        e = (int)(kn_f32_bits (amax) >> 23) - 2;
      mxfp4_codes (x, e, q);
      if (weights != NULL && e > 2)
        {
          double best;
          const int first = e;

          kn_block_weights (x, weights + i, KN_QK, KN_QK, w);
          best = mxfp4_error (x, w, e, q);
          for (int tried = first - 1; tried <= first + 1; tried += 2)
            {
              uint8_t codes[KN_QK];
              double error;

              mxfp4_codes (x, tried, codes);
              error = mxfp4_error (x, w, tried, codes);
              if (error < best)
                {
                  best = error;
                  e = tried;
                  memcpy (q, codes, sizeof q);
                }
            }
        }
      b->e = (uint8_t)e;
      for (int j = 0; j < 16; j++)
        b->qs[j] = (uint8_t)(q[j] | q[j + 16] << 4);
    }
}
