/* Fixed-point arithmetic of TFLite's integer kernels: every shift and rounding is given. Private to
 * engine/runtime/ops. */
#pragma once

#include <math.h>
#include <stdint.h>

static inline int32_t
rt_saturate16 (int64_t x)
{
  return x < INT16_MIN ? INT16_MIN : (x > INT16_MAX ? INT16_MAX : (int32_t)x);
}

/* x / 2^n to nearest, halves away from zero. */
static inline int32_t
rt_divide_by_power (int32_t x, int n)
{
  const int32_t mask = (int32_t)((1u << n) - 1), rest = x & mask;

  return (x >> n) + (rest > (mask >> 1) + (x < 0));
}

/* a b / 2^15, halves away from zero. */
static inline int32_t
rt_product16 (int32_t a, int32_t b)
{
  const int32_t ab = a * b;

  if (a == INT16_MIN && b == INT16_MIN)
    return INT16_MAX;
  return (ab + (ab >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15);
}

/* A real factor as TFLite's integer kernels keep it. */
typedef struct
{
  int32_t multiplier; /* Q0.31 */
  int32_t shift;      /* to the left */
} RtScale;

static inline RtScale
rt_scale (double real)
{
  RtScale scale = { 0, 0 };
  int exponent;

  if (!(real > 0))
    return scale;
  if (real >= 0x1p31)
    return (RtScale){ INT32_MAX, 30 };
  int64_t fixed = (int64_t)round (frexp (real, &exponent) * 2147483648.0);
  if (fixed == INT64_C (1) << 31)
    {
      fixed /= 2;
      exponent++;
    }
  if (exponent < -31)
    return scale;
  if (exponent > 30)
    return (RtScale){ INT32_MAX, 30 };
  return (RtScale){ (int32_t)fixed, exponent };
}

/* x times the scale: doubled high product, then a rounded shift. */
static inline int32_t
rt_scaled (int32_t x, RtScale scale)
{
  const int64_t wide = (int64_t)x * (scale.shift > 0 ? INT64_C (1) << scale.shift : 1);
  const int32_t left
      = wide < INT32_MIN ? INT32_MIN : (wide > INT32_MAX ? INT32_MAX : (int32_t)wide);
  const int64_t product = (int64_t)left * scale.multiplier;
  const int32_t high
      = (int32_t)((product + (product >= 0 ? INT64_C (1) << 30 : 1 - (INT64_C (1) << 30)))
                  / (INT64_C (1) << 31));

  return scale.shift < 0 ? rt_divide_by_power (high, -scale.shift) : high;
}
