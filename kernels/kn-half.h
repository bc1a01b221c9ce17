/* One number between half precision and f32, in portable C, inline: for the C kernels and the tails
 * of vector ones. Round to nearest even; NaN stays NaN; subnormals are kept in both directions. */
#pragma once

#include <stdint.h>
#include <string.h>

static inline float
kn_half_to_float (uint16_t h)
{
  const uint32_t sign = (uint32_t)(h & 0x8000) << 16;
  const uint32_t magnitude = h & 0x7fff;
  uint32_t bits = magnitude << 13;
  float f;

  if (magnitude >= 0x7c00)
    bits |= 0x7f800000 | (magnitude > 0x7c00 ? 0x400000 : 0);
  else
    {
      /* Exponents differ by 112. A multiplication also normalises the subnormals, exactly. */
      memcpy (&f, &bits, sizeof f);
      f *= 0x1p112f;
      memcpy (&bits, &f, sizeof f);
    }
  bits |= sign;
  memcpy (&f, &bits, sizeof f);
  return f;
}

static inline uint16_t
kn_half_from_float (float x)
{
  uint32_t bits;
  memcpy (&bits, &x, sizeof bits);
  const uint32_t sign = bits >> 16 & 0x8000;
  bits &= 0x7fffffff;

  if (bits > 0x7f800000)
    return (uint16_t)(sign | 0x7e00 | (bits >> 13 & 0x3ff));
  if (bits >= 0x477ff000) /* 65520, half way between the largest finite value and the next */
    return (uint16_t)(sign | 0x7c00);
  if (bits < 0x38800000)
    {
      /* Below 2^-14: the last place of 0.5 is 2^-24, the unit of half's subnormals, so the addition
       * rounds to it. */
      float f;
      memcpy (&f, &bits, sizeof f);
      f += 0.5f;
      memcpy (&bits, &f, sizeof bits);
      return (uint16_t)(sign | (bits - 0x3f000000));
    }
  bits += 0xfff + (bits >> 13 & 1); /* to nearest, a tie to even */
  return (uint16_t)(sign | (bits - (112u << 23)) >> 13);
}
