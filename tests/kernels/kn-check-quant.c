/* Checks of the number formats: half precision, dequantization, quantization, packing.
 *
 * They do not depend on the instruction set, so they run at the C level only. What is expected
 * comes from the definition of each format, written here a second time value by value (put_code
 * below), from bytes written by hand, and from another implementation
 * (kn-check-quant-vectors.h). */
#include "kn-check-matmul.h"

#include "kn-matmul.h"
#include "kn-quant.h"

#include "kn-check-quant-vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BLOCK 256
#define COUNT(a) (sizeof (a) / sizeof *(a))

/* --- half precision */

/* The value of a half by its definition; NaN for the patterns that are no number. */
static double
half_value (uint16_t h)
{
  const int exponent = h >> 10 & 31, fraction = h & 1023;
  const double magnitude = exponent == 31  ? (fraction ? NAN : INFINITY)
                           : exponent == 0 ? ldexp (fraction, -24)
                                           : ldexp (1024 + fraction, exponent - 25);

  return h & 0x8000 ? -magnitude : magnitude;
}

static void
expect_half (double value, uint16_t want)
{
  for (int sign = 0; sign < 2; sign++)
    {
      const uint16_t signed_want = (uint16_t)(want | (sign ? 0x8000 : 0));
      const uint16_t got = kn_f32_to_f16 ((float)(sign ? -value : value));

      if (got != signed_want)
        kc_fail ("%a becomes 0x%04x, not 0x%04x", sign ? -value : value, got, signed_want);
    }
}

static void
check_f16 (const KnTable *c, const KnTable *v, const void *data)
{
  for (uint32_t h = 0; h < 65536; h++)
    {
      kc_context ("half 0x%04x", h);
      kc_near ("value", h, kn_f16_to_f32 ((uint16_t)h), half_value ((uint16_t)h), 0);
    }
  /* Between two neighbours: below, at and above the middle. Halfway goes to the even one. The last
   * pair is the largest number and what would follow it. */
  for (uint32_t h = 0; h < 0x7c00; h++)
    {
      const double low = half_value ((uint16_t)h);
      const double high = h == 0x7bff ? 65536 : half_value ((uint16_t)(h + 1));
      const float middle = (float)((low + high) / 2);

      kc_context ("after half 0x%04x", h);
      expect_half (low, (uint16_t)h);
      expect_half (nextafterf (middle, 0), (uint16_t)h);
      expect_half (middle, (uint16_t)(h + (h & 1)));
      expect_half (nextafterf (middle, INFINITY), (uint16_t)(h + 1));
    }
  expect_half (INFINITY, 0x7c00);
  expect_half (3e38, 0x7c00);
  expect_half (1e-45, 0);
  if (!isnan (kn_f16_to_f32 (kn_f32_to_f16 (NAN))))
    kc_fail ("NaN is lost");
}

/* --- the definition of the formats, value by value */

/* Put the stored code of value @i into the block. */
static void
put_code (KnDtype dtype, uint8_t *b, int i, unsigned code)
{
  const int j = i % 16, high_nibble = i / 16 ? 4 : 0;

  switch ((int)dtype)
    {
    case KN_Q8_0:
      b[2 + i] = (uint8_t)code;
      break;
    case KN_Q4_0:
      b[2 + j] |= (uint8_t)(code << high_nibble);
      break;
    case KN_Q4_1:
      b[4 + j] |= (uint8_t)(code << high_nibble);
      break;
    case KN_Q5_0:
      b[2 + i / 8] |= (uint8_t)((code >> 4) << i % 8);
      b[6 + j] |= (uint8_t)((code & 15) << high_nibble);
      break;
    case KN_Q5_1:
      b[4 + i / 8] |= (uint8_t)((code >> 4) << i % 8);
      b[8 + j] |= (uint8_t)((code & 15) << high_nibble);
      break;
    case KN_Q4_K:
      b[16 + i / 64 * 32 + i % 32] |= (uint8_t)(code << (i / 32 % 2 ? 4 : 0));
      break;
    case KN_Q5_K:
      b[16 + i % 32] |= (uint8_t)((code >> 4) << i / 32);
      b[48 + i / 64 * 32 + i % 32] |= (uint8_t)((code & 15) << (i / 32 % 2 ? 4 : 0));
      break;
    case KN_Q6_K:
      b[i / 128 * 64 + i % 64] |= (uint8_t)((code & 15) << (i / 64 % 2 ? 4 : 0));
      b[128 + i / 128 * 32 + i % 32] |= (uint8_t)((code >> 4) << i / 32 % 4 * 2);
      break;
    case KN_Q2_K:
      b[16 + i / 128 * 32 + i % 32] |= (uint8_t)(code << i / 32 % 4 * 2);
      break;
    case KN_Q3_K:
      b[i % 32] |= (uint8_t)((code >> 2) << i / 32);
      b[32 + i / 128 * 32 + i % 32] |= (uint8_t)((code & 3) << i / 32 % 4 * 2);
      break;
    case KN_TQ2_0:
      b[i / 128 * 32 + i % 32] |= (uint8_t)(code << i / 32 % 4 * 2);
      break;
    case KN_F8_E4M3:
    case KN_F8_E5M2:
      b[2 + i] = (uint8_t)code;
      break;
    case KN_MXFP4:
      b[1 + j] |= (uint8_t)(code << high_nibble);
      break;
    case KN_Q1_64:
      b[2 + i / 8] |= (uint8_t)(code << i % 8);
      break;
    case KN_Q2_64:
      b[8 + j] |= (uint8_t)(code << i / 16 * 2);
      break;
    case KN_Q3_64:
      b[4 + j] |= (uint8_t)((code & 3) << i / 16 * 2);
      b[20 + i % 8] |= (uint8_t)((code >> 2) << i / 8);
      break;
    }
}

/* TQ1_0's bytes hold five digits each: digit n of byte j is the n-th of the value j + n * stride of
 * its part, and the byte is what the digits are as a number below 243, times 256 / 243, rounded
 * up. */
static void
put_digits (uint8_t *bytes, int n_bytes, const unsigned *codes, int n_digits)
{
  for (int j = 0; j < n_bytes; j++)
    {
      unsigned number = 0, unit = 81;

      for (int n = 0; n < n_digits; n++, unit /= 3)
        number += codes[j + n * n_bytes] * unit;
      bytes[j] = (uint8_t)ceil (number * 256 / 243.0);
    }
}

/* Put the 6-bit scale and minimum of group @g into the twelve bytes at @s. */
static void
put_scale_and_min (uint8_t *s, int g, unsigned scale, unsigned min)
{
  if (g < 4)
    {
      s[g] |= (uint8_t)scale;
      s[g + 4] |= (uint8_t)min;
    }
  else
    {
      s[g + 4] |= (uint8_t)((scale & 15) | (min & 15) << 4);
      s[g - 4] |= (uint8_t)(scale >> 4 << 6);
      s[g] |= (uint8_t)(min >> 4 << 6);
    }
}

static double
put_random_half (uint8_t *at)
{
  uint16_t h = kn_f32_to_f16 (kc_random_float (KC_NORMAL));

  memcpy (at, &h, sizeof h);
  return half_value (h);
}

/* A random block and what its values are. */
static void
make_block (KnDtype dtype, uint8_t *b, double *scaled, double *added)
{
  const KnDtypeInfo *info = kn_dtype_info ((int)dtype);
  const int f8_bits = dtype == KN_F8_E4M3 ? 3 : dtype == KN_F8_E5M2 ? 2 : 0;
  const int bits = dtype == KN_Q8_0 || f8_bits > 0          ? 8
                   : dtype == KN_MXFP4                      ? 4
                   : dtype == KN_TQ1_0 || dtype == KN_TQ2_0 ? 2
                                                            : info->name[1] - '0';
  const int zero = dtype == KN_Q4_0                         ? 8
                   : dtype == KN_Q5_0                       ? 16
                   : dtype == KN_Q6_K                       ? 32
                   : dtype == KN_Q3_K || dtype == KN_Q3_64  ? 4
                   : dtype == KN_TQ1_0 || dtype == KN_TQ2_0 ? 1
                                                            : 0;
  static const double e2m1[16] = { 0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6 };
  unsigned codes[MAX_BLOCK];
  double d, m = 0, scale[16], min[16];
  int at_d, at_m;

  memset (b, 0, info->block_bytes);
  kc_block_fields (dtype, &at_d, &at_m);
  if (at_d >= 0)
    d = put_random_half (b + at_d);
  else
    {
      b[0] = (uint8_t)kc_random_below (255);
      d = ldexp (1, b[0] - 127);
    }
  if (at_m >= 0)
    m = put_random_half (b + at_m);
  for (int g = 0; g < 16; g++)
    {
      const unsigned s = kc_random () & 63, n = kc_random () & 63;

      scale[g] = d;
      min[g] = m;
      if (dtype == KN_Q6_K)
        {
          const int8_t sub = (int8_t)kc_random ();
          b[192 + g] = (uint8_t)sub;
          scale[g] = d * sub;
        }
      else if (dtype == KN_Q2_K || (dtype == KN_Q2_64 && g < 4))
        {
          b[(dtype == KN_Q2_K ? 0 : 4) + g] = (uint8_t)((s & 15) | (n & 15) << 4);
          scale[g] = d * (s & 15);
          min[g] = -m * (n & 15);
        }
      else if (dtype == KN_Q3_K)
        {
          b[96 + g % 8] |= (uint8_t)((s & 15) << (g < 8 ? 0 : 4));
          b[104 + g % 4] |= (uint8_t)((s >> 4) << g / 4 * 2);
          scale[g] = d * ((int)s - 32);
        }
      else if (dtype == KN_Q3_64 && g < 4)
        {
          b[2 + g / 2] |= (uint8_t)((s & 15) << g % 2 * 4);
          scale[g] = d * ((int)(s & 15) - 8);
        }
      else if ((dtype == KN_Q4_K || dtype == KN_Q5_K) && g < 8)
        {
          put_scale_and_min (b + 4, g, s, n);
          scale[g] = d * s;
          min[g] = -m * n;
        }
    }
  for (int i = 0; i < (int)info->block_len; i++)
    {
      const unsigned code = dtype == KN_TQ1_0     ? kc_random_below (3)
                            : dtype == KN_F8_E5M2 ? kc_random_below (2) << 7 | kc_random_below (124)
                                                  : kc_random () & ((1u << bits) - 1);
      const int g = info->block_len == 32                  ? 0
                    : dtype == KN_Q4_K || dtype == KN_Q5_K ? i / 32
                                                           : i / 16;

      codes[i] = code;
      put_code (dtype, b, i, code);
      scaled[i] = scale[g] * (dtype == KN_Q8_0 ? (int8_t)code : (int)code - zero);
      if (dtype == KN_MXFP4)
        scaled[i] = d * e2m1[code];
      if (dtype == KN_Q1_64)
        scaled[i] = code ? d : -d;
      if (f8_bits > 0)
        {
          const unsigned low = (1u << f8_bits) - 1, exponent = (code & 127) >> f8_bits;
          const double fraction = (double)(code & low) / (low + 1);

          /* Both with the bias of halves, 15. */
          scaled[i] = d * (code & 128 ? -1 : 1) * (exponent > 0 ? 1 + fraction : fraction)
                      * ldexp (1, exponent > 0 ? (int)exponent - 15 : -14);
        }
      added[i] = min[g];
    }
  if (dtype == KN_TQ1_0)
    {
      put_digits (b, 32, codes, 5);
      put_digits (b + 32, 16, codes + 160, 5);
      put_digits (b + 48, 4, codes + 240, 4);
    }
}

static void
check_definition (const KnTable *c, const KnTable *v, const void *data)
{
  const KnDtype dtype = *(const KnDtype *)data;
  const KnDtypeInfo *info = kn_dtype_info ((int)dtype);

  for (int repeat = 0; repeat < 200; repeat++)
    {
      uint8_t *b = kc_input (info->block_bytes, 2);
      float *w = kc_output (info->block_len * sizeof (float), 4);
      double scaled[MAX_BLOCK], added[MAX_BLOCK];

      make_block (dtype, b, scaled, added);
      kn_dequantize_row (dtype, b, w, info->block_len);
      /* A product of up to 25 bits may be rounded, and the sum once more. */
      for (size_t i = 0; i < info->block_len; i++)
        kc_near ("value", i, w[i], scaled[i] + added[i],
                 (2 * fabs (scaled[i]) + fabs (added[i])) * 0x1p-24);
      kc_guards ("dequantize");
      kc_release ();
    }
}

/* Bytes by hand: d = 0.5 is 0x3800, 2 is 0x4000, -3 is 0xc200. */
static void
check_by_hand (const KnTable *c, const KnTable *v, const void *data)
{
  /* Low nibbles count up, high nibbles are 15: -4, -3.5 ... 3.5 then 3.5. */
  static const uint8_t q4_0[18] = { 0x00, 0x38, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6,
                                    0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff };
  /* d = 2, m = -3, all codes 0 but value 0 (code 1) and value 31 (code 15). */
  static const uint8_t q4_1[20] = { 0x00, 0x40, 0x00, 0xc2, 0x01, [19] = 0xf0 };
  /* d = 0.5: all codes 0 (-8) but value 0, fifth bit set (0), and value 31, code 31 (7.5). */
  static const uint8_t q5_0[22] = { 0x00, 0x38, 0x01, 0x00, 0x00, 0x80, [21] = 0xf0 };
  static const uint8_t q8_0[34] = { 0x00, 0x40, 0x7f, 0x80, 0x01, 0xff };
  float w[32];

  kn_dequantize_row (KN_Q4_0, q4_0, w, 32);
  for (size_t i = 0; i < 32; i++)
    kc_near ("Q4_0", i, w[i], i < 16 ? -4 + 0.5 * (double)i : 3.5, 0);
  kn_dequantize_row (KN_Q4_1, q4_1, w, 32);
  for (size_t i = 0; i < 32; i++)
    kc_near ("Q4_1", i, w[i], i == 0 ? -1 : i == 31 ? 27 : -3, 0);
  kn_dequantize_row (KN_Q5_0, q5_0, w, 32);
  for (size_t i = 0; i < 32; i++)
    kc_near ("Q5_0", i, w[i], i == 0 ? 0 : i == 31 ? 7.5 : -8, 0);
  kn_dequantize_row (KN_Q8_0, q8_0, w, 32);
  for (size_t i = 0; i < 32; i++)
    kc_near ("Q8_0", i, w[i], i == 0 ? 254 : i == 1 ? -256 : i == 2 ? 2 : i == 3 ? -2 : 0, 0);
}

/* --- vectors of another implementation */

typedef struct
{
  KnDtype dtype;
  const uint8_t *block;
  const float *values;
  const float *input;
  const uint8_t *made;
} Vector;

static const Vector vectors[] = {
  { KN_Q8_0, block_q8_0, values_q8_0, input_q8_0, made_q8_0 },
  { KN_Q4_0, block_q4_0, values_q4_0, input_q4_0, made_q4_0 },
  { KN_Q4_1, block_q4_1, values_q4_1, input_q4_1, made_q4_1 },
  { KN_Q5_0, block_q5_0, values_q5_0, input_q5_0, made_q5_0 },
  { KN_Q5_1, block_q5_1, values_q5_1, input_q5_1, made_q5_1 },
  { KN_Q4_K, block_q4_k, values_q4_k, NULL, NULL },
  { KN_Q5_K, block_q5_k, values_q5_k, NULL, NULL },
  { KN_Q6_K, block_q6_k, values_q6_k, NULL, NULL },
  { KN_Q2_K, block_q2_k, values_q2_k, NULL, NULL },
  { KN_Q3_K, block_q3_k, values_q3_k, NULL, NULL },
  { KN_TQ1_0, block_tq1_0, values_tq1_0, input_tq1_0, made_tq1_0 },
  { KN_TQ2_0, block_tq2_0, values_tq2_0, input_tq2_0, made_tq2_0 },
  { KN_MXFP4, block_mxfp4, values_mxfp4, input_mxfp4, made_mxfp4 },
};

static void
check_vectors (const KnTable *c, const KnTable *v, const void *data)
{
  for (size_t i = 0; i < COUNT (vectors); i++)
    {
      const Vector *t = &vectors[i];
      const KnDtypeInfo *info = kn_dtype_info ((int)t->dtype);
      float w[MAX_BLOCK];
      uint8_t made[MAX_BLOCK];

      kc_context ("%s", info->name);
      kn_dequantize_row (t->dtype, t->block, w, info->block_len);
      for (size_t j = 0; j < info->block_len; j += 7)
        kc_near ("value", j, w[j], t->values[j / 7], 0);
      if (t->input == NULL)
        continue;
      kn_quantize_row (t->dtype, t->input, made, 2 * info->block_len);
      kc_same_bytes ("the quantized blocks", made, t->made, 2 * info->block_bytes);
    }
}

/* --- quantization */

/* The largest error of a simple format for values in [lo, hi]: half a step of the codes, plus the
 * rounding of the scale and of the minimum to half precision (2^-11 relative, 2^-25 absolute).
 * Symmetric formats give the extreme its exact code; on the other side they have one code less, so
 * values there may be off by a whole step. */
static double
simple_bound (KnDtype dtype, double lo, double hi)
{
  const double amax = fmax (fabs (lo), fabs (hi));

  switch ((int)dtype)
    {
    case KN_Q8_0:
      return amax / 127 * 0.5001 + amax * 0x1p-11 + 127 * 0x1p-25;
    case KN_Q4_0:
      return amax / 8 + amax * 0x1p-11 + 8 * 0x1p-25;
    case KN_Q5_0:
      return amax / 16 + amax * 0x1p-11 + 16 * 0x1p-25;
    case KN_Q4_1:
      return (hi - lo) / 15 * 0.5001 + (hi - lo + fabs (lo)) * 0x1p-11 + 16 * 0x1p-25;
    default:
      return (hi - lo) / 31 * 0.5001 + (hi - lo + fabs (lo)) * 0x1p-11 + 32 * 0x1p-25;
    }
}

static void
check_simple_error (KnDtype dtype, const float *x, const float *w, size_t n)
{
  for (size_t b = 0; b < n; b += 32)
    {
      double lo = x[b], hi = x[b];

      for (size_t i = b; i < b + 32; i++)
        {
          lo = fmin (lo, x[i]);
          hi = fmax (hi, x[i]);
        }
      for (size_t i = b; i < b + 32; i++)
        kc_near ("value", i, w[i], x[i], simple_bound (dtype, lo, hi));
    }
}

/* Root of the mean square error over that of the values. */
static double
relative_error (const float *x, const float *w, size_t n)
{
  double error = 0, square = 0;

  for (size_t i = 0; i < n; i++)
    {
      error += ((double)w[i] - x[i]) * ((double)w[i] - x[i]);
      square += (double)x[i] * x[i];
    }
  return square > 0 ? sqrt (error / square) : error;
}

/* What a straight grid with 2^bits levels from the smallest to the largest of 32 (Q6_K: 16) normal
 * values gives, which the search over scales must beat: about 2 x 2.04 (1.77) standard deviations
 * wide, error width / levels / sqrt (12). */
static double
k_bound (KnDtype dtype)
{
  return dtype == KN_Q4_K   ? 2 * 2.04 / 15 / sqrt (12)
         : dtype == KN_Q5_K ? 2 * 2.04 / 31 / sqrt (12)
         /* The best straight grids for normal values of any number have the errors 0.345 and 0.194
          * (Max 1960, table II, 4 and 8 levels); grids fitted to 16 values are better. */
         : dtype == KN_Q2_K || dtype == KN_Q2_64 ? 0.345
         : dtype == KN_Q3_K || dtype == KN_Q3_64 ? 0.194
         /* Steps are a quarter to a half of the value: error at most a quarter, a third of that
          * evenly spread. */
         : dtype == KN_MXFP4 ? 0.25 / sqrt (3)
         /* Rounded to 4 (3) significant bits: at most 1/16 (1/8) of the value, evenly spread. */
         : dtype == KN_F8_E4M3 ? 1.0 / 16 / sqrt (3)
         : dtype == KN_F8_E5M2 ? 1.0 / 8 / sqrt (3)
         /* The largest of 256 is about 2.8 deviations: nearly all values become 0. */
         : dtype == KN_TQ1_0 || dtype == KN_TQ2_0 ? 1
         /* The best two levels are plus and minus the mean magnitude, sqrt (2 / pi) deviations; the
          * magnitudes of a sample spread a little differently. */
         : dtype == KN_Q1_64 ? sqrt (1 - 2 / 3.14159265) * 1.05
                             : 2 * 1.77 / 63 / sqrt (12) * 1.1;
}

static void
check_round_trip (const KnTable *c, const KnTable *v, const void *data)
{
  const KnDtype dtype = *(const KnDtype *)data;
  const size_t n = 256 * 16, bytes = kn_row_bytes (dtype, n);

  for (KcKind kind = 0; kind < KC_N_KINDS; kind++)
    {
      float *x = kc_input (n * sizeof (float), 4), *w = kc_output (n * sizeof (float), 4);
      uint8_t *q = kc_output (bytes, 2);
      const int tame = kind != KC_ANY && kind != KC_SPECIAL && kind != KC_WIDE;

      kc_context ("%s numbers", kc_kind_name (kind));
      kc_fill (x, n, kind);
      kn_quantize_row (dtype, x, q, n);
      kn_dequantize_row (dtype, q, w, n);
      kc_guards ("quantize");
      for (size_t i = 0; i < n; i++)
        if (!isfinite (w[i]))
          kc_fail ("%g becomes %g", (double)x[i], (double)w[i]);
      if (tame && kn_dtype_info ((int)dtype)->block_len == 32 && dtype != KN_MXFP4
          && dtype != KN_F8_E4M3 && dtype != KN_F8_E5M2)
        check_simple_error (dtype, x, w, n);
      else if (kind == KC_NORMAL && relative_error (x, w, n) > k_bound (dtype))
        kc_fail ("relative error %.4f, at most %.4f", relative_error (x, w, n), k_bound (dtype));
      else if ((kind == KC_ZERO || kind == KC_DENORMAL) && relative_error (x, w, n) > 1)
        kc_fail ("numbers near zero do not stay there");
      kc_release ();
    }
}

/* What the format can hold exactly comes back with at most the error of a second search. */
static void
check_k_idempotence (const KnTable *c, const KnTable *v, const void *data)
{
  static const KnDtype k_formats[]
      = { KN_Q4_K, KN_Q5_K, KN_Q6_K, KN_Q2_K, KN_Q3_K, KN_Q2_64, KN_Q3_64 };
  float x[256], w[256], again[256];
  uint8_t q[256];

  for (size_t i = 0; i < COUNT (k_formats); i++)
    for (int repeat = 0; repeat < 50; repeat++)
      {
        kc_context ("%s", kn_dtype_info ((int)k_formats[i])->name);
        kc_fill (x, 256, KC_NORMAL);
        kn_quantize_row (k_formats[i], x, q, 256);
        kn_dequantize_row (k_formats[i], q, w, 256);
        kn_quantize_row (k_formats[i], w, q, 256);
        kn_dequantize_row (k_formats[i], q, again, 256);
        if (relative_error (w, again, 256) > 0.35 * k_bound (k_formats[i]))
          kc_fail ("representable values move by %.5f", relative_error (w, again, 256));
      }
}

/* --- packing */

static void
check_pack (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t cols[] = { 32, 64, 96, 256, 576, 768, 1536 };
  const KnDtype dtype = *(const KnDtype *)data;

  for (size_t j = 0; j < COUNT (cols); j++)
    for (size_t n_rows = 1; n_rows <= KN_PANEL_ROWS; n_rows++)
      {
        const size_t n = cols[j], row_bytes = kn_row_bytes (dtype, n), stride = row_bytes + 8;
        const size_t bytes = kn_panel_bytes (dtype, n);
        uint8_t *rows, *panel, *again;
        float *got, *want;

        if (bytes == 0)
          continue;
        kc_context ("%zu rows of %zu", n_rows, n);
        rows = kc_input (KN_PANEL_ROWS * stride, 4);
        panel = kc_output (bytes, KN_ALIGN);
        again = kc_output (bytes, KN_ALIGN);
        got = kc_output (n * sizeof (float), 4);
        want = kc_output (n * sizeof (float), 4);
        for (size_t r = 0; r < n_rows; r++)
          kc_fill_weights (dtype, rows + r * stride, 1, n, KC_CODES_RANDOM, KC_NORMAL, 1);
        kn_pack_panel (dtype, rows, stride, n_rows, n, panel);
        memset (again, 0xee, bytes);
        kn_pack_panel (dtype, rows, stride, n_rows, n, again);
        kc_same_bytes ("a panel packed over other bytes", again, panel, bytes);
        for (size_t r = 0; r < n_rows; r++)
          {
            kn_unpack_row (dtype, panel, r, n, got);
            kn_dequantize_row (dtype, rows + r * stride, want, n);
            kc_same ("unpacked row", got, want, n);
          }
        kc_guards ("pack");
        kc_release ();
      }
}

static void
check_names (const KnTable *c, const KnTable *v, const void *data)
{
  for (int dtype = -3; dtype < 300; dtype++)
    {
      const KnDtypeInfo *info = kn_dtype_info (dtype);

      if (info == NULL)
        continue;
      if ((int)info->dtype != dtype || kn_dtype_from_name (info->name) != dtype)
        kc_fail ("type %d is called %s, which is type %d", dtype, info->name,
                 kn_dtype_from_name (info->name));
      if (kn_row_bytes (info->dtype, info->block_len * 3)
          != info->header_bytes + (size_t)info->block_bytes * 3)
        kc_fail ("three blocks of %s are %zu bytes", info->name,
                 kn_row_bytes (info->dtype, info->block_len * 3));
      if (info->block_len > 1 && kn_row_bytes (info->dtype, info->block_len + 1) != 0)
        kc_fail ("%s has a length for a broken block", info->name);
    }
  if (kn_dtype_from_name ("q4_k") != KN_Q4_K || kn_dtype_from_name ("Q4_2") != -1)
    kc_fail ("names");
}

/* Weights that are -s, 0 or s come back exactly, with and without weights of the errors: nothing of
 * a ternary model is lost. 1536 values of each of many scales that half precision has. */
static void
check_ternary_lossless (const KnTable *c, const KnTable *v, const void *data)
{
  static const KnDtype formats[] = { KN_TQ1_0, KN_TQ2_0 };
  float x[1536], w[1536], y[1536];
  uint8_t q[1536 / 256 * 66];

  for (uint32_t h = 1; h < 0x7c00; h += 61)
    for (size_t f = 0; f < COUNT (formats); f++)
      for (int weighted = 0; weighted < 2; weighted++)
        {
          const float s = kn_f16_to_f32 ((uint16_t)h);
          const uint32_t density = 2 + kc_random_below (20);

          kc_context ("%s, scale %g", kn_dtype_info ((int)formats[f])->name, (double)s);
          for (size_t i = 0; i < COUNT (x); i++)
            {
              const uint32_t pick = kc_random_below (density);

              x[i] = pick == 0 ? s : pick == 1 ? -s : 0;
              w[i] = kc_random_float (KC_NORMAL) * kc_random_float (KC_NORMAL);
              w[i] *= w[i];
            }
          kn_quantize_row_weighted (formats[f], x, weighted ? w : NULL, q, COUNT (x));
          kn_dequantize_row (formats[f], q, y, COUNT (x));
          for (size_t i = 0; i < COUNT (x); i++)
            kc_near ("value", i, y[i], x[i], 0);
        }
}

/* The same of weights that are -s or s. */
static void
check_binary_lossless (const KnTable *c, const KnTable *v, const void *data)
{
  float x[256], w[256], y[256];
  uint8_t q[256 / 64 * 10];

  for (uint32_t h = 1; h < 0x7c00; h += 61)
    for (int weighted = 0; weighted < 2; weighted++)
      {
        const float s = kn_f16_to_f32 ((uint16_t)h);

        kc_context ("scale %g", (double)s);
        for (size_t i = 0; i < COUNT (x); i++)
          {
            x[i] = kc_random_below (2) ? s : -s;
            w[i] = kc_random_float (KC_NORMAL) * kc_random_float (KC_NORMAL);
            w[i] *= w[i];
          }
        kn_quantize_row_weighted (KN_Q1_64, x, weighted ? w : NULL, q, COUNT (x));
        kn_dequantize_row (KN_Q1_64, q, y, COUNT (x));
        for (size_t i = 0; i < COUNT (x); i++)
          kc_near ("value", i, y[i], x[i], 0);
      }
}

/* Signs and the mean magnitude, by hand: 63 values of 1 and -1 in turn and one of 5 are a mean of
 * 68 / 64; with all the weight on the last one it is 5. */
static void
check_binary_scale (const KnTable *c, const KnTable *v, const void *data)
{
  float x[64], w[64] = { 0 }, y[64];
  uint8_t q[10];

  for (size_t i = 0; i < 64; i++)
    x[i] = i == 63 ? 5 : i % 2 == 0 ? 1 : -1;
  w[63] = 3;
  for (int weighted = 0; weighted < 2; weighted++)
    {
      kn_quantize_row_weighted (KN_Q1_64, x, weighted ? w : NULL, q, 64);
      kn_dequantize_row (KN_Q1_64, q, y, 64);
      for (size_t i = 0; i < 64; i++)
        kc_near ("value", i, y[i], (x[i] > 0 ? 1 : -1) * (weighted ? 5 : 68.0 / 64), 0);
    }
}

static const KnDtype dtypes[]
    = { KN_Q8_0,  KN_Q4_0,  KN_Q4_1,  KN_Q5_0,  KN_Q5_1,    KN_Q4_K,    KN_Q5_K,
        KN_Q6_K,  KN_F32,   KN_F16,   KN_BF16,  KN_Q2_K,    KN_Q3_K,    KN_Q2_64,
        KN_Q3_64, KN_TQ1_0, KN_TQ2_0, KN_MXFP4, KN_F8_E4M3, KN_F8_E5M2, KN_Q1_64 };
static const KnDtype row_dtypes[] = { KN_W8A8, KN_W4A8 };

static const KcCase cases[] = {
  { "quant/names", check_names, NULL, NULL, 0, 0, 1 },
  { "quant/f16", check_f16, NULL, NULL, 0, 0, 1 },
  { "quant/by-hand", check_by_hand, NULL, NULL, 0, 0, 1 },
  { "quant/vectors", check_vectors, NULL, NULL, 0, 0, 1 },
  { "quant/ternary-lossless", check_ternary_lossless, NULL, NULL, 0, 0, 1 },
  { "quant/binary-lossless", check_binary_lossless, NULL, NULL, 0, 0, 1 },
  { "quant/binary-scale", check_binary_scale, NULL, NULL, 0, 0, 1 },
  { "quant/k-idempotence", check_k_idempotence, NULL, NULL, 0, 0, 1 },
#define FORMAT(name, i)                                                                            \
  { "quant/definition-" name, check_definition, NULL, &dtypes[i], 0, 0, 1 },                       \
      { "quant/round-trip-" name, check_round_trip, NULL, &dtypes[i], 0, 0, 1 },                   \
  {                                                                                                \
    "quant/pack-" name, check_pack, NULL, &dtypes[i], 0, 0                                         \
  }
  FORMAT ("q8_0", 0),
  FORMAT ("q4_0", 1),
  FORMAT ("q4_1", 2),
  FORMAT ("q5_0", 3),
  FORMAT ("q5_1", 4),
  FORMAT ("q4_k", 5),
  FORMAT ("q5_k", 6),
  FORMAT ("q6_k", 7),
  FORMAT ("q2_k", 11),
  FORMAT ("q3_k", 12),
  FORMAT ("q2_64", 13),
  FORMAT ("q3_64", 14),
  FORMAT ("tq1_0", 15),
  FORMAT ("tq2_0", 16),
  FORMAT ("mxfp4", 17),
  FORMAT ("f8_e4m3", 18),
  FORMAT ("f8_e5m2", 19),
  FORMAT ("q1_64", 20),
#undef FORMAT
  { "quant/pack-f32", check_pack, NULL, &dtypes[8], 0, 0, 1 },
  { "quant/pack-f16", check_pack, NULL, &dtypes[9], 0, 0, 1 },
  { "quant/pack-bf16", check_pack, NULL, &dtypes[10], 0, 0, 1 },
  { "quant/pack-w8a8", check_pack, NULL, &row_dtypes[0], 0, 0, 1 },
  { "quant/pack-w4a8", check_pack, NULL, &row_dtypes[1], 0, 0, 1 },
  { 0 },
};

void
kc_register_quant (void)
{
  kc_register (cases);
}
