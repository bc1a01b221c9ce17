/* Element-wise kernels on 8-bit codes, written once for instruction sets with short vectors: LANES
 * numbers to a vector, and tails one by one as kn-qvec-spec.h has them. Included by
 * x86/kn-qvec-avx2.c and arm/kn-qvec-neon.c after the vectors of x86/kn-q8-avx2.h or
 * arm/kn-q8-neon.h. */
#pragma once

#include "kn-qvec-spec.h"

static void
quantize (const float *x, size_t n, float scale, const KnRequant *r, uint8_t *y)
{
  const F32 divisor = f32_set1 (scale), low = f32_set1 (r->low), high = f32_set1 (r->high);
  const I32 zero = i32_set1 (r->zero);
  size_t i = 0;

  for (; i + LANES <= n; i += LANES)
    codes_store (y + i,
                 i32_add (i32_round (f32_limit (f32_div (f32_load (x + i), divisor), low, high)),
                          zero));
  for (; i < n; i++)
    y[i] = kn_quantize1 (x[i], scale, r);
}

static void
dequantize (const uint8_t *x, size_t n, int is_signed, int32_t zero, float scale, float *y)
{
  const F32 factor = f32_set1 (scale);
  const I32 z = i32_set1 (zero);
  size_t i = 0;

  for (; i + LANES <= n; i += LANES)
    f32_store (y + i, f32_mul (f32_of_i32 (i32_sub (codes_load (x + i, is_signed), z)), factor));
  for (; i < n; i++)
    y[i] = (float)(kn_code (x, i, is_signed) - zero) * scale;
}

KN_QINLINE I32
load_b (const KnQbinaryArgs *a, size_t i)
{
  if (a->b_step == 0)
    return i32_set1 (kn_code (a->b, 0, a->b_signed));
  return codes_load ((const uint8_t *)a->b + i, a->b_signed);
}

static void
add (const KnQbinaryArgs *a)
{
  const I32 a_factor = i32_set1 (a->a_factor), b_factor = i32_set1 (a->b_factor);
  const I32 bias = i32_set1 (a->bias), zero = i32_set1 (a->requant.zero);
  const I32 low = i32_set1 ((int32_t)a->requant.low), high = i32_set1 ((int32_t)a->requant.high);
  size_t i = 0;

  for (; i + LANES <= a->n; i += LANES)
    {
      const I32 x = codes_load ((const uint8_t *)a->a + i, a->a_signed);
      I32 sum = i32_add (bias, i32_mul (x, a_factor));

      sum = i32_shift_right (i32_add (sum, i32_mul (load_b (a, i), b_factor)), a->shift);
      codes_store (a->y + i, i32_add (i32_min (i32_max (sum, low), high), zero));
    }
  for (; i < a->n; i++)
    a->y[i] = kn_qadd1 (a, i);
}

static void
mul (const KnQbinaryArgs *a)
{
  const I32 a_zero = i32_set1 (a->a_zero), b_zero = i32_set1 (a->b_zero);
  const I32 zero = i32_set1 (a->requant.zero);
  const F32 scale = f32_set1 (a->scale), low = f32_set1 (a->requant.low);
  const F32 high = f32_set1 (a->requant.high);
  size_t i = 0;

  for (; i + LANES <= a->n; i += LANES)
    {
      const I32 x = i32_sub (codes_load ((const uint8_t *)a->a + i, a->a_signed), a_zero);
      const F32 product = f32_of_i32 (i32_mul (x, i32_sub (load_b (a, i), b_zero)));

      codes_store (a->y + i,
                   i32_add (i32_round (f32_limit (f32_mul (product, scale), low, high)), zero));
    }
  for (; i < a->n; i++)
    a->y[i] = kn_qmul1 (a, i);
}

static void
sum_rows (const uint8_t *x, size_t row_stride, size_t n_rows, size_t n, int is_signed,
          int32_t *sums)
{
  size_t i = 0;

  for (; i + LANES <= n; i += LANES)
    {
      I32 sum = i32_load (sums + i);

      for (size_t row = 0; row < n_rows; row++)
        sum = i32_add (sum, codes_load (x + row * row_stride + i, is_signed));
      i32_store (sums + i, sum);
    }
  for (; i < n; i++)
    for (size_t row = 0; row < n_rows; row++)
      sums[i] += kn_code (x + row * row_stride, i, is_signed);
}

static void
max_rows (const uint8_t *x, size_t row_stride, size_t n_rows, size_t n, int is_signed, uint8_t *y)
{
  size_t i = 0;

  for (; i + 16 <= n; i += 16)
    {
      Bytes v = bytes_load (y + i);

      for (size_t row = 0; row < n_rows; row++)
        v = bytes_max (v, bytes_load (x + row * row_stride + i), is_signed);
      bytes_store (y + i, v);
    }
  for (; i < n; i++)
    for (size_t row = 0; row < n_rows; row++)
      if (kn_code (x + row * row_stride, i, is_signed) > kn_code (y, i, is_signed))
        y[i] = x[row * row_stride + i];
}

static void
lerp (const int32_t *a, const int32_t *b, int32_t a_factor, int32_t b_factor, size_t n, uint8_t *y)
{
  const I32 fa = i32_set1 (a_factor), fb = i32_set1 (b_factor), half = i32_set1 (1 << 19);
  size_t i = 0;

  for (; i + LANES <= n; i += LANES)
    {
      const I32 sum = i32_add (i32_mul (i32_load (a + i), fa), i32_mul (i32_load (b + i), fb));
      const I32 up = i32_add (half, i32_shift_right (sum, 31));

      codes_store (y + i, i32_shift_right (i32_add (sum, up), 20));
    }
  for (; i < n; i++)
    y[i] = kn_qround20 (a[i] * a_factor + b[i] * b_factor);
}
