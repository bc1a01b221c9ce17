/* Fourier transforms in fixed point, as kissfft computes them (version 1.3 with FIXED_POINT 16 or
 * 32): radix 4 and 2, decimation in time, every stage divided by its radix and every product
 * rounded to nearest. The divisions are products with 32767 / radix, so the bits are those of that
 * arithmetic and no other. Private to engine/runtime/ops. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct
{
  int32_t re, im; /* of 16 or 32 bits */
} RtFixed;

/* Lengths: powers of two from 4 to 65536. */
#define RT_FIXED_FFT_MAX 65536

/* Bytes of the constants for transforms of @n real numbers, and their making. @bits: 16 or 32. */
size_t rt_fixed_fft_plan_bytes (size_t n);
void rt_fixed_fft_plan (size_t n, int bits, void *plan);

/* x [n] real -> y [n / 2 + 1], which is the transform divided by n. @work: n of RtFixed. */
void rt_fixed_rfft (const void *plan, size_t n, int bits, const int32_t *x, RtFixed *y,
                    RtFixed *work);
