/* From f32 to the simple block formats: scale from the extreme value, codes rounded to the nearest.
 * The rounding rules are those of the field, so that a tensor converted here has the same bytes as
 * one converted elsewhere. Written as short loops over one block that compilers vectorise; there is
 * no variant per instruction set. K formats: kn-quant-k.c. */
#include "kn-quant.h"

#include "kn-quant-private.h"

/* Extremes by integer comparison of the bits: floats compare as sign-magnitude integers, and unlike
 * float maxima these loops vectorise without loosened arithmetic. */
static inline int32_t
order_key (float f)
{
  int32_t bits = (int32_t)kn_f32_bits (f);

  return bits ^ (int32_t)((uint32_t)(bits >> 31) >> 1);
}

static inline float
from_order_key (int32_t key)
{
  return kn_f32_from_bits ((uint32_t)(key ^ (int32_t)((uint32_t)(key >> 31) >> 1)));
}

static inline void
block_range (const float v[KN_QK], float *lo, float *hi)
{
  int32_t min = order_key (v[0]), max = min;

  for (int j = 0; j < KN_QK; j++)
    {
      int32_t key = order_key (v[j]);

      min = key < min ? key : min;
      max = key > max ? key : max;
    }
  *lo = from_order_key (min);
  *hi = from_order_key (max);
}

/* The value of largest magnitude with its sign; of two equal magnitudes the first. */
static inline float
block_extreme (const float v[KN_QK])
{
  float lo, hi;

  block_range (v, &lo, &hi);
  if (hi > -lo)
    return hi;
  if (hi < -lo)
    return lo;
  for (int j = 0; j < KN_QK; j++)
    if (v[j] == hi || v[j] == lo)
      return v[j];
  return 0;
}

/* Below the normal range the scale is 0 in half precision and the codes do not matter; 0 keeps them
 * finite. */
static inline float
inverse (float d)
{
  return d >= 0x1p-126f || d <= -0x1p-126f ? 1.0f / d : 0.0f;
}

/* Codes by truncation of a non-negative number, at most @max. The lower clamp guards values that a
 * tiny range has pushed below zero by rounding. */
static inline void
block_codes (const float v[KN_QK], float offset, float id, float add, int max, uint8_t q[KN_QK])
{
  for (int j = 0; j < KN_QK; j++)
    {
      int code = (int)((v[j] - offset) * id + add);

      code = code > max ? max : code;
      q[j] = (uint8_t)(code < 0 ? 0 : code);
    }
}

static inline void
put_nibbles (const uint8_t q[KN_QK], uint8_t qs[16])
{
  for (int j = 0; j < 16; j++)
    qs[j] = (uint8_t)((q[j] & 15) | (q[j + 16] & 15) << 4);
}

static inline void
put_fifth_bits (const uint8_t q[KN_QK], uint8_t qh[4])
{
  uint32_t bits = 0;

  for (int j = 0; j < KN_QK; j++)
    bits |= (uint32_t)(q[j] >> 4) << j;
  kn_store_u32 (qh, bits);
}

/* A symmetric format of @bits bits: the extreme value becomes code 0, which stands for -2^(bits-1).
 */
static inline float
symmetric_codes (const float v[KN_QK], int bits, uint8_t q[KN_QK])
{
  int half = 1 << (bits - 1);
  float d = block_extreme (v) / (float)-half;

  block_codes (v, 0, inverse (d), (float)half + 0.5f, 2 * half - 1, q);
  return d;
}

static inline float
affine_codes (const float v[KN_QK], int bits, uint8_t q[KN_QK], float *min)
{
  int max = (1 << bits) - 1;
  float lo, hi, d;

  block_range (v, &lo, &hi);
  d = (hi - lo) / (float)max;
  block_codes (v, lo, inverse (d), 0.5f, max, q);
  *min = lo;
  return d;
}

static void
quantize_q8_0 (const float *src, KnBlockQ8_0 *b, size_t n)
{
  for (size_t i = 0; i < n / KN_QK; i++, b++, src += KN_QK)
    {
      float v[KN_QK], lo, hi, d, id;

      kn_quant_clean (src, v, KN_QK);
      block_range (v, &lo, &hi);
      d = (hi > -lo ? hi : -lo) / 127.0f;
      id = inverse (d);
      b->d = kn_f16_store (d);
      for (int j = 0; j < KN_QK; j++)
        {
          /* Nearest, halves away from zero. */
          float x = v[j] * id;
          int whole = (int)x;
          float rest = x - (float)whole;

          whole += (rest >= 0.5f) - (rest <= -0.5f);
          b->qs[j] = (int8_t)whole;
        }
    }
}

static void
quantize_q4_0 (const float *src, KnBlockQ4_0 *b, size_t n)
{
  for (size_t i = 0; i < n / KN_QK; i++, b++, src += KN_QK)
    {
      float v[KN_QK];
      uint8_t q[KN_QK];

      kn_quant_clean (src, v, KN_QK);
      b->d = kn_f16_store (symmetric_codes (v, 4, q));
      put_nibbles (q, b->qs);
    }
}

static void
quantize_q5_0 (const float *src, KnBlockQ5_0 *b, size_t n)
{
  for (size_t i = 0; i < n / KN_QK; i++, b++, src += KN_QK)
    {
      float v[KN_QK];
      uint8_t q[KN_QK];

      kn_quant_clean (src, v, KN_QK);
      b->d = kn_f16_store (symmetric_codes (v, 5, q));
      put_nibbles (q, b->qs);
      put_fifth_bits (q, b->qh);
    }
}

static void
quantize_q4_1 (const float *src, KnBlockQ4_1 *b, size_t n)
{
  for (size_t i = 0; i < n / KN_QK; i++, b++, src += KN_QK)
    {
      float v[KN_QK], min;
      uint8_t q[KN_QK];

      kn_quant_clean (src, v, KN_QK);
      b->d = kn_f16_store (affine_codes (v, 4, q, &min));
      b->m = kn_f16_store (min);
      put_nibbles (q, b->qs);
    }
}

static void
quantize_q5_1 (const float *src, KnBlockQ5_1 *b, size_t n)
{
  for (size_t i = 0; i < n / KN_QK; i++, b++, src += KN_QK)
    {
      float v[KN_QK], min;
      uint8_t q[KN_QK];

      kn_quant_clean (src, v, KN_QK);
      b->d = kn_f16_store (affine_codes (v, 5, q, &min));
      b->m = kn_f16_store (min);
      put_nibbles (q, b->qs);
      put_fifth_bits (q, b->qh);
    }
}

static void
quantize_f16 (const float *src, uint16_t *dst, size_t n)
{
  for (size_t i = 0; i < n; i++)
    dst[i] = kn_f16_store (src[i]);
}

static void
quantize_bf16 (const float *src, uint16_t *dst, size_t n)
{
  for (size_t i = 0; i < n; i++)
    dst[i] = kn_bf16_store (src[i]);
}

void
kn_quantize_row (KnDtype dtype, const float *src, void *dst, size_t n)
{
  switch (dtype)
    {
    case KN_F32:
      memcpy (dst, src, n * sizeof (float));
      break;
    case KN_F16:
      quantize_f16 (src, dst, n);
      break;
    case KN_BF16:
      quantize_bf16 (src, dst, n);
      break;
    case KN_Q8_0:
    case KN_Q8_CHANNELS:
    case KN_Q8_ROWS:
    case KN_Q8_SPARSE:
    case KN_Q8_2_4:
    case KN_Q8_4_8:
      quantize_q8_0 (src, dst, n);
      break;
    case KN_Q4_0:
    case KN_Q4_SPARSE:
    case KN_Q4_0_LUT:
      quantize_q4_0 (src, dst, n);
      break;
    case KN_Q4_1:
      quantize_q4_1 (src, dst, n);
      break;
    case KN_Q5_0:
      quantize_q5_0 (src, dst, n);
      break;
    case KN_Q5_1:
      quantize_q5_1 (src, dst, n);
      break;
    case KN_Q4_K:
      kn_quantize_q4_k (src, NULL, dst, n);
      break;
    case KN_Q5_K:
      kn_quantize_q5_k (src, NULL, dst, n);
      break;
    case KN_Q6_K:
      kn_quantize_q6_k (src, NULL, dst, n);
      break;
    case KN_W8A8:
      kn_quantize_w8a8 (src, dst, n);
      break;
    case KN_W4A8:
      kn_quantize_w4a8 (src, NULL, dst, n);
      break;
    case KN_Q2_K:
    case KN_Q2_K_LUT:
      kn_quantize_q2_k (src, NULL, dst, n);
      break;
    case KN_Q3_K:
    case KN_Q3_K_LUT:
      kn_quantize_q3_k (src, NULL, dst, n);
      break;
    case KN_TQ1_0:
      kn_quantize_tq1_0 (src, NULL, dst, n);
      break;
    case KN_TQ2_0:
    case KN_TQ2_0_LUT:
      kn_quantize_tq2_0 (src, NULL, dst, n);
      break;
    case KN_MXFP4:
      kn_quantize_mxfp4 (src, NULL, dst, n);
      break;
    case KN_Q1_64:
    case KN_Q1_64_LUT:
      kn_quantize_q1_64 (src, NULL, dst, n);
      break;
    case KN_Q2_64:
    case KN_Q2_64_LUT:
      kn_quantize_q2_64 (src, NULL, dst, n);
      break;
    case KN_Q3_64:
    case KN_Q3_64_LUT:
      kn_quantize_q3_64 (src, NULL, dst, n);
      break;
    case KN_F8_E4M3:
    case KN_F8_E5M2:
      kn_quantize_f8 (dtype, src, NULL, dst, n);
      break;
    case KN_I8: /* a wrong call: its scales are not the row's own */
      break;
    }
}
