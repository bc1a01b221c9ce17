/* Single numbers of every plain type. */
#include "rt-number.h"

#include <math.h>
#include <string.h>

bool
rt_type_is_float (int type)
{
  return type == RT_TYPE_F32 || type == RT_TYPE_F64 || type == RT_TYPE_F16 || type == RT_TYPE_BF16;
}

/* ---- short floats ---- */

static float
float_of_bits (uint32_t bits)
{
  float x;
  memcpy (&x, &bits, sizeof x);
  return x;
}

float
rt_half_to_float (uint16_t h)
{
  uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff;

  if (exponent == 31)
    return float_of_bits (sign | 0x7f800000 | fraction << 13);
  if (exponent == 0)
    {
      float x = (float)fraction * 0x1p-24f;
      return sign != 0 ? -x : x;
    }
  return float_of_bits (sign | (exponent + 112) << 23 | fraction << 13);
}

float
rt_bfloat_to_float (uint16_t h)
{
  return float_of_bits ((uint32_t)h << 16);
}

/* A double to a float of 16 bits with @n_fraction bits of fraction and @bias. */
static uint16_t
from_double (double x, int n_fraction, int bias)
{
  const int max_exponent = 2 * bias + 1;
  uint16_t sign = signbit (x) ? 0x8000 : 0;
  uint16_t infinity = (uint16_t)(max_exponent << n_fraction);
  int exponent;

  if (isnan (x))
    return sign | infinity | (uint16_t)(1 << (n_fraction - 1));
  if (isinf (x))
    return sign | infinity;
  if (x == 0)
    return sign;
  (void)frexp (x, &exponent);
  exponent += bias - 1;
  if (exponent < 1)
    exponent = 1; /* subnormal: the spacing of the smallest normal numbers */
  /* In units of the last place; a full fraction carries into the exponent by itself. */
  double units = nearbyint (ldexp (fabs (x), bias + n_fraction - exponent));
  if (exponent >= max_exponent)
    return sign | infinity;
  uint32_t bits = (uint32_t)units + ((uint32_t)(exponent - 1) << n_fraction);
  return sign | (bits >= infinity ? infinity : (uint16_t)bits);
}

uint16_t
rt_half_from_double (double x)
{
  return from_double (x, 10, 15);
}

uint16_t
rt_bfloat_from_double (double x)
{
  return from_double (x, 7, 127);
}

/* ---- any type ---- */

int64_t
rt_integer_from_double (double x)
{
  return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN;
}

double
rt_number_get (int type, const void *data, size_t i)
{
#define GET(number, c_type)                                                                        \
  case number:                                                                                     \
    return (double)((const c_type *)data)[i];
  switch (type)
    {
      RT_C_TYPES (GET)
    case RT_TYPE_F16:
      return rt_half_to_float (((const uint16_t *)data)[i]);
    case RT_TYPE_BF16:
      return rt_bfloat_to_float (((const uint16_t *)data)[i]);
    default:
      return 0;
    }
#undef GET
}

int64_t
rt_number_get_integer (int type, const void *data, size_t i)
{
#define GET(number, c_type)                                                                        \
  case number:                                                                                     \
    return (int64_t)((const c_type *)data)[i];
  if (rt_type_is_float (type))
    return rt_integer_from_double (rt_number_get (type, data, i));
  switch (type)
    {
      RT_C_TYPES (GET)
    default:
      return 0;
    }
#undef GET
}

void
rt_number_set (int type, void *data, size_t i, double x)
{
  switch (type)
    {
    case RT_TYPE_F32:
      ((float *)data)[i] = (float)x;
      break;
    case RT_TYPE_F64:
      ((double *)data)[i] = x;
      break;
    case RT_TYPE_F16:
      ((uint16_t *)data)[i] = rt_half_from_double (x);
      break;
    case RT_TYPE_BF16:
      ((uint16_t *)data)[i] = rt_bfloat_from_double (x);
      break;
    case RT_TYPE_BOOL:
      ((uint8_t *)data)[i] = x != 0;
      break;
    case RT_TYPE_U64:
      ((uint64_t *)data)[i]
          = x >= 0x1p63 && x < 0x1p64 ? (uint64_t)x : (uint64_t)rt_integer_from_double (x);
      break;
    default:
      rt_number_set_integer (type, data, i, rt_integer_from_double (x));
    }
}

void
rt_number_set_integer (int type, void *data, size_t i, int64_t x)
{
#define SET(number, c_type)                                                                        \
  case number:                                                                                     \
    ((c_type *)data)[i] = (c_type)x;                                                               \
    break;
  if (type == RT_TYPE_BOOL)
    x = x != 0;
  switch (type)
    {
      RT_C_TYPES (SET)
    case RT_TYPE_F16:
      ((uint16_t *)data)[i] = rt_half_from_double ((double)x);
      break;
    case RT_TYPE_BF16:
      ((uint16_t *)data)[i] = rt_bfloat_from_double ((double)x);
      break;
    default:
      break;
    }
#undef SET
}

int64_t
rt_number_key (int type, const void *data, size_t i)
{
  if (rt_type_is_float (type))
    {
      double x = rt_number_get (type, data, i);
      int64_t bits;
      if (isnan (x))
        return INT64_MAX;
      x += 0.0; /* -0 becomes 0 */
      memcpy (&bits, &x, sizeof bits);
      return bits < 0 ? INT64_MIN - bits : bits;
    }
  int64_t x = rt_number_get_integer (type, data, i);
  return type == RT_TYPE_U64 ? x ^ INT64_MIN : x;
}
