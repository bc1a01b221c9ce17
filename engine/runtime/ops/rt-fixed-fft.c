/* See rt-fixed-fft.h. Called by the operators of fixed-point front ends. */
#include "rt-fixed-fft.h"

#include <math.h>

/* ---- numbers of 16 or 32 bits; sums that are too large wrap ---- */

static int32_t
fit (int64_t x, int bits)
{
  return bits == 16 ? (int16_t)x : (int32_t)x;
}

/* A product with bits - 1 fraction bits too many, to nearest. */
static int32_t
round_product (uint64_t product, int bits)
{
  return fit ((int64_t)(product + (UINT64_C (1) << (bits - 2))) >> (bits - 1), bits);
}

static uint64_t
product (int32_t a, int32_t b)
{
  return (uint64_t)((int64_t)a * b);
}

static RtFixed
times (RtFixed a, RtFixed b, int bits)
{
  return (RtFixed){ round_product (product (a.re, b.re) - product (a.im, b.im), bits),
                    round_product (product (a.re, b.im) + product (a.im, b.re), bits) };
}

static RtFixed
plus (RtFixed a, RtFixed b, int bits)
{
  return (RtFixed){ fit ((int64_t)a.re + b.re, bits), fit ((int64_t)a.im + b.im, bits) };
}

static RtFixed
minus (RtFixed a, RtFixed b, int bits)
{
  return (RtFixed){ fit ((int64_t)a.re - b.re, bits), fit ((int64_t)a.im - b.im, bits) };
}

static int32_t
largest (int bits)
{
  return bits == 16 ? INT16_MAX : INT32_MAX;
}

static RtFixed
divide (RtFixed a, int radix, int bits)
{
  const int32_t factor = largest (bits) / radix;

  return (RtFixed){ round_product (product (a.re, factor), bits),
                    round_product (product (a.im, factor), bits) };
}

static RtFixed
unit (double phase, int bits)
{
  return (RtFixed){ fit ((int64_t)floor (0.5 + largest (bits) * cos (phase)), bits),
                    fit ((int64_t)floor (0.5 + largest (bits) * sin (phase)), bits) };
}

/* ---- constants: n / 2 turns of the complex transform, n / 4 of the step from it to the real one
 * ---- */

size_t
rt_fixed_fft_plan_bytes (size_t n)
{
  return (n / 2 + n / 4) * sizeof (RtFixed);
}

void
rt_fixed_fft_plan (size_t n, int bits, void *plan)
{
  RtFixed *turns = plan;
  const size_t half = n / 2;

  for (size_t i = 0; i < half; i++)
    turns[i] = unit (-2 * M_PI * (double)i / (double)half, bits);
  for (size_t i = 0; i < half / 2; i++)
    turns[half + i] = unit (-M_PI * ((double)(i + 1) / (double)half + 0.5), bits);
}

/* ---- the transform of half the length ---- */

static void
butterfly_2 (RtFixed *y, size_t m, size_t step, const RtFixed *turns, int bits)
{
  for (size_t i = 0; i < m; i++)
    {
      const RtFixed a = divide (y[i], 2, bits);
      const RtFixed b = times (divide (y[m + i], 2, bits), turns[i * step], bits);

      y[m + i] = minus (a, b, bits);
      y[i] = plus (a, b, bits);
    }
}

static void
butterfly_4 (RtFixed *y, size_t m, size_t step, const RtFixed *turns, int bits)
{
  for (size_t i = 0; i < m; i++)
    {
      const RtFixed a = divide (y[i], 4, bits);
      const RtFixed b = times (divide (y[m + i], 4, bits), turns[i * step], bits);
      const RtFixed c = times (divide (y[2 * m + i], 4, bits), turns[i * step * 2], bits);
      const RtFixed d = times (divide (y[3 * m + i], 4, bits), turns[i * step * 3], bits);
      const RtFixed even = plus (a, c, bits), odd = minus (a, c, bits);
      const RtFixed sum = plus (b, d, bits), rest = minus (b, d, bits);

      y[i] = plus (even, sum, bits);
      y[2 * m + i] = minus (even, sum, bits);
      y[m + i] = plus (odd, (RtFixed){ rest.im, -rest.re }, bits);
      y[3 * m + i] = minus (odd, (RtFixed){ rest.im, -rest.re }, bits);
    }
}

/* y [n] from x at every @step-th place: radix 4 as long as it divides, then 2. */
static void
transform (RtFixed *y, const RtFixed *x, size_t n, size_t step, const RtFixed *turns, int bits)
{
  const size_t radix = n % 4 == 0 ? 4 : 2, m = n / radix;

  for (size_t k = 0; k < radix; k++)
    if (m == 1)
      y[k] = x[k * step];
    else
      transform (y + k * m, x + k * step, m, step * radix, turns, bits);
  if (radix == 4)
    butterfly_4 (y, m, step, turns, bits);
  else
    butterfly_2 (y, m, step, turns, bits);
}

/* ---- real numbers ---- */

void
rt_fixed_rfft (const void *plan, size_t n, int bits, const int32_t *x, RtFixed *y, RtFixed *work)
{
  const RtFixed *turns = plan;
  const size_t half = n / 2;
  RtFixed *packed = work, *z = work + half;

  /* Even samples are the real part, odd ones the imaginary part. */
  for (size_t i = 0; i < half; i++)
    packed[i] = (RtFixed){ x[2 * i], x[2 * i + 1] };
  transform (z, packed, half, 1, turns, bits);

  const RtFixed first = divide (z[0], 2, bits);
  y[0] = (RtFixed){ fit ((int64_t)first.re + first.im, bits), 0 };
  y[half] = (RtFixed){ fit ((int64_t)first.re - first.im, bits), 0 };
  for (size_t k = 1; k <= half / 2; k++)
    {
      const RtFixed mirror = { z[half - k].re, fit (-(int64_t)z[half - k].im, bits) };
      const RtFixed a = divide (z[k], 2, bits), b = divide (mirror, 2, bits);
      const RtFixed sum = plus (a, b, bits);
      const RtFixed turned = times (minus (a, b, bits), turns[half + k - 1], bits);

      y[k] = (RtFixed){ fit (((int64_t)sum.re + turned.re) >> 1, bits),
                        fit (((int64_t)sum.im + turned.im) >> 1, bits) };
      y[half - k] = (RtFixed){ fit (((int64_t)sum.re - turned.re) >> 1, bits),
                               fit (((int64_t)turned.im - sum.im) >> 1, bits) };
    }
}
