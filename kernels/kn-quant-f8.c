/* 8-bit floats in blocks of 32 with one half-precision scale, from f32 and back. The scale brings
 * the largest value to 1.75, the largest fraction below 2, so that the exponents of both formats
 * have all the room below it that they need (2^14 for normal numbers). Comparison formats: a
 * float's step grows with its value, an integer's does not. */
#include "kn-quant-fit-private.h"

#define TOP 1.75f
#define MIN_EXPONENT (-14) /* of normal numbers, in the scale of kn_f8_load() */
#define N_SCALES 8

static inline int
fraction_bits (KnDtype dtype)
{
  return dtype == KN_F8_E4M3 ? 3 : 2;
}

/* The nearest code, of two as near the even one; too large a number becomes the largest. */
static inline uint8_t
code_of (float v, int n_bits)
{
  const uint32_t bits = kn_f32_bits (v);
  const int biased = (int)(bits >> 23 & 255) - 127;
  const int exponent = biased < MIN_EXPONENT ? MIN_EXPONENT : biased;
  /* |v| in steps of its exponent, 2^n_bits .. 2^(n_bits + 1) for normal numbers: one that rounds up
   * to the end is the first code of the next exponent. */
  const float steps = fabsf (v) * kn_f32_from_bits ((uint32_t)(127 - exponent + n_bits) << 23);
  const int largest = n_bits == 3 ? 0x7e : 0x7b;
  int code = (int)rintf (steps) + ((exponent - MIN_EXPONENT) << n_bits);

  code = code > largest ? largest : code;
  return (uint8_t)(code | (int)(bits >> 31 << 7));
}

static double
f8_block (const float *x, const float *w, float d, int n_bits, KnBlockF8 *b)
{
  double error = 0;

  b->d = kn_f16_store (d);
  d = kn_f16_load (b->d);
  for (int j = 0; j < KN_QK; j++)
    {
      double e;

      b->qs[j] = code_of (x[j] * kn_safe_inverse (d), n_bits);
      e = (double)(d * kn_f8_load (b->qs[j], n_bits)) - (double)x[j];
      error += (double)w[j] * e * e;
    }
  return error;
}

void
kn_quantize_f8 (KnDtype dtype, const float *src, const float *weights, void *dst, size_t n)
{
  KnBlockF8 *b = dst;

  for (size_t i = 0; i < n; i += KN_QK, b++)
    {
      float x[KN_QK], w[KN_QK], amax = 0;
      double best;

      kn_quant_clean (src + i, x, KN_QK);
      for (int j = 0; j < KN_QK; j++)
        amax = fabsf (x[j]) > amax ? fabsf (x[j]) : amax;
      kn_block_weights (x, weights != NULL ? weights + i : NULL, KN_QK, KN_QK, w);
      best = f8_block (x, w, amax / TOP, fraction_bits (dtype), b);
      for (int k = 1; weights != NULL && k < N_SCALES; k++)
        {
          KnBlockF8 tried;
          const double error = f8_block (x, w, amax / TOP * (1 + (float)k / N_SCALES),
                                         fraction_bits (dtype), &tried);

          if (error < best)
            {
              best = error;
              *b = tried;
            }
        }
    }
}

void
kn_dequantize_f8 (KnDtype dtype, const void *src, float *dst, size_t n)
{
  const KnBlockF8 *b = src;

  for (size_t i = 0; i < n; i += KN_QK, b++)
    {
      const float d = kn_f16_load (b->d);

      for (int j = 0; j < KN_QK; j++)
        *dst++ = d * kn_f8_load (b->qs[j], fraction_bits (dtype));
    }
}
