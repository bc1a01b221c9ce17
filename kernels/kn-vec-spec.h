/* The arithmetic of one element and of one sum: what every instruction set must reproduce to the
 * last bit.
 *
 * Private to the kernel files of the vec and attn families. The C kernels are loops over these
 * functions; the vector kernels do the same operations side by side and use these functions for the
 * elements that do not fill a register. Every operation is an IEEE 754 one (add, multiply, divide,
 * square root, fused multiply-add), rounded to nearest; a fused multiply-add is written as fmaf and
 * never left to the compiler.
 *
 * Any NaN stands for any other: payloads and signs of NaN are not part of the specification. */
#pragma once

#include "kn-f16-private.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Virtual lanes of a sum: element i is added to lane i mod KN_LANES, in rising order of i. */
#define KN_LANES 16

/* The fixed tree: halves are added until one lane is left. It is what adding the upper half of a
 * register to its lower half does, so each level of it is one instruction on a register of 16, 8 or
 * 4 lanes. */
static inline float
kn_sum_lanes (const float lane[KN_LANES])
{
  float s[KN_LANES / 2];
  for (int i = 0; i < 8; i++)
    s[i] = lane[i] + lane[i + 8];
  for (int i = 0; i < 4; i++)
    s[i] = s[i] + s[i + 4];
  s[0] = s[0] + s[2];
  s[1] = s[1] + s[3];
  return s[0] + s[1];
}

/* Largest value, NaN ignored; start from -INFINITY. Adding +0 at the end of a row makes a zero
 * positive, so that the result does not depend on which of two zeros was met first. */
static inline float
kn_max1 (float m, float x)
{
  return x > m ? x : m;
}

/* exp
 *
 * x = n ln 2 + r with n the nearest integer, |r| <= ln 2 / 2; exp (x) = 2^n (1 + r + r^2 q (r)).
 * KN_EXP_SHIFT is 1.5 * 2^23: adding it rounds to an integer and leaves that integer in the low
 * bits. ln 2 is split in two parts; n * KN_LN2_HI is subtracted without error. The coefficients of
 * q are from tests/kernels/exp-coefficients.py (Remez exchange, degree 6): relative error 0.064 *
 * 2^-24 before rounding. Outside [KN_EXP_MIN, KN_EXP_MAX] the result is 0 or infinity, and the ends
 * give just that. */
#define KN_EXP_MIN -104.0f
#define KN_EXP_MAX 89.0f
#define KN_EXP_SHIFT 12582912.0f
#define KN_LOG2E 0x1.715476p+0f
#define KN_LN2_HI 0x1.62e43p-1f
#define KN_LN2_LO -0x1.05c61p-29f
#define KN_EXP_C2 0x1.fffffcp-2f
#define KN_EXP_C3 0x1.555492p-3f
#define KN_EXP_C4 0x1.5558f2p-5f
#define KN_EXP_C5 0x1.1239d6p-7f
#define KN_EXP_C6 0x1.6a2444p-10f

/* exp (r) - 1 for the reduced argument, and n in *@n (meaningless when @x is NaN). */
static inline float
kn_exp_reduced (float x, int32_t *n)
{
  x = x < KN_EXP_MIN ? KN_EXP_MIN : x;
  x = x > KN_EXP_MAX ? KN_EXP_MAX : x;
  const float t = fmaf (x, KN_LOG2E, KN_EXP_SHIFT);
  const float nf = t - KN_EXP_SHIFT;
  float r = fmaf (nf, -KN_LN2_HI, x);
  r = fmaf (nf, -KN_LN2_LO, r);
  float q = fmaf (KN_EXP_C6, r, KN_EXP_C5);
  q = fmaf (q, r, KN_EXP_C4);
  q = fmaf (q, r, KN_EXP_C3);
  q = fmaf (q, r, KN_EXP_C2);
  *n = (int32_t)(kn_f32_bits (t) - kn_f32_bits (KN_EXP_SHIFT));
  return fmaf (q, r * r, r);
}

/* 2^n for n in -126..127. */
static inline float
kn_pow2 (int32_t n)
{
  return kn_f32_from_bits ((uint32_t)(n + 127) << 23);
}

/* 2^n is applied as two factors, so that n = 128 does not overflow before its time and a subnormal
 * result is rounded once. A NaN stays in p whatever the factors are. */
static inline float
kn_exp1 (float x)
{
  int32_t n;
  const float p = kn_exp_reduced (x, &n) + 1.0f;
  const int32_t half = n >> 1;
  return p * kn_pow2 (half) * kn_pow2 (n - half);
}

/* tanh (x) = e / (e + 2), e = exp (2 |x|) - 1, with the sign put back. From the reduced form, e
 * keeps its relative accuracy near 0. Beyond KN_TANH_MAX tanh is 1 in single precision. */
#define KN_TANH_MAX 10.0f

static inline float
kn_tanh1 (float x)
{
  const float a = fabsf (x);
  const float clamped = a > KN_TANH_MAX ? KN_TANH_MAX : a;
  int32_t n;
  const float p = kn_exp_reduced (clamped + clamped, &n);
  const float scale = kn_pow2 (n & 63); /* n is 0..29; the mask keeps a NaN's n harmless */
  const float e = fmaf (p, scale, scale - 1.0f);
  return copysignf (e / (e + 2.0f), x);
}

/* x / (1 + exp (-x)) */
static inline float
kn_silu1 (float x)
{
  return x / (1.0f + kn_exp1 (-x));
}

/* x (1 + tanh (u)) / 2 with u = sqrt (2 / pi) (x + 0.044715 x^3) is x / (1 + exp (-2 u)): Hendrycks
 * and Gimpel 2016. */
#define KN_GELU_A -0x1.988454p+0f /* -2 sqrt (2 / pi) */
#define KN_GELU_B -0x1.2444f2p-4f /* 0.044715 times that */

static inline float
kn_gelu1 (float x)
{
  const float z = x * fmaf (KN_GELU_B, x * x, KN_GELU_A);
  return x / (1.0f + kn_exp1 (z));
}

/* The factor of RMSNorm from the sum of squares. */
static inline float
kn_rms_scale (float sum, size_t n, float eps)
{
  return 1.0f / sqrtf (sum / (float)n + eps);
}

/* What is subtracted before exp: the maximum, or 0 when every entry is -inf, so that such a row
 * gives zeros and not NaN while a NaN among them still shows. */
static inline float
kn_softmax_shift (float max)
{
  return max == -INFINITY ? 0.0f : max + 0.0f;
}

static inline float
kn_softmax_inverse (float sum)
{
  return sum == 0.0f ? 0.0f : 1.0f / sum;
}

/* One rotary pair. */
static inline void
kn_rotate1 (float a, float b, float cos, float sin, float *ya, float *yb)
{
  *ya = fmaf (a, cos, -(b * sin));
  *yb = fmaf (a, sin, b * cos);
}
