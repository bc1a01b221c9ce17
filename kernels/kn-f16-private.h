/* Half-precision conversions as inline integer code, written without branches so that loops over
 * rows vectorise. The results equal those of the conversion instructions (F16C, NEON) for every
 * input, NaN payloads included. */
#pragma once

#include <stdint.h>
#include <string.h>

static inline uint32_t
kn_f32_bits (float f)
{
  uint32_t u;
  memcpy (&u, &f, sizeof u);
  return u;
}

static inline float
kn_f32_from_bits (uint32_t u)
{
  float f;
  memcpy (&f, &u, sizeof f);
  return f;
}

/* Shift the half into f32's fields, then multiply by 2^112 to correct the exponent: exact, and
 * denormal halves come out normalised by the multiplication. Infinity and NaN (exponent 31) get
 * f32's full exponent, NaN its quiet bit. */
static inline float
kn_f16_load (uint16_t h)
{
  uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13;
  uint32_t special = magnitude >= 0x0f800000 ? 0x7f800000 : 0;
  uint32_t quiet = magnitude > 0x0f800000 ? 0x00400000 : 0;
  uint32_t scaled = kn_f32_bits (kn_f32_from_bits (magnitude) * 0x1p112f);
  uint32_t bits = special != 0 ? (special | quiet | (magnitude & 0x007fffff)) : scaled;

  return kn_f32_from_bits (bits | (uint32_t)(h & 0x8000) << 16);
}

/* Round to nearest even. Halves below the normal range are rounded by one float addition at 0.5,
 * whose last place is 2^-24, the spacing of denormal halves. */
static inline uint16_t
kn_f16_store (float f)
{
  uint32_t bits = kn_f32_bits (f);
  uint32_t sign = bits >> 16 & 0x8000;
  uint32_t a = bits & 0x7fffffff;
  uint32_t normal = (a + 0x0fff + (a >> 13 & 1) - 0x38000000) >> 13;
  uint32_t denormal = kn_f32_bits (kn_f32_from_bits (a) + 0.5f) - 0x3f000000;
  uint32_t nan = 0x7e00 | (a >> 13 & 0x3ff);
  uint32_t h = a < 0x38800000 ? denormal : normal;

  h = a >= 0x477ff000 ? 0x7c00 : h;
  h = a > 0x7f800000 ? nan : h;
  return (uint16_t)(sign | h);
}

static inline float
kn_bf16_load (uint16_t h)
{
  return kn_f32_from_bits ((uint32_t)h << 16);
}

/* Round to nearest even; NaN stays NaN (made quiet), overflow goes to infinity. */
static inline uint16_t
kn_bf16_store (float f)
{
  uint32_t bits = kn_f32_bits (f);

  if ((bits & 0x7fffffff) > 0x7f800000)
    return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* An 8-bit float with 3 (E4M3) or 2 (E5M2) bits of fraction. Moved to the place of a half's
 * fraction, E5M2 is that half and E4M3 is 2^-8 of its value; the codes of its NaN read as numbers,
 * those of E5M2's infinity and NaN as such. No quantizer of ours writes them. */
static inline float
kn_f8_load (uint8_t code, int n_fraction_bits)
{
  const unsigned magnitude = (code & 127u) << (10 - n_fraction_bits);

  return kn_f16_load ((uint16_t)((code & 128u) << 8 | magnitude));
}
