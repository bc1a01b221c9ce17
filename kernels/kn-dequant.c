/* From the file formats to f32, one function per format. These loops are the definition of what a
 * block means: packing, the matrix products and the checks all agree with them. Called by the
 * runtime (embedding rows, conversion) and the checks. */
#include "kn-quant.h"

#include "kn-quant-private.h"

static void
dequantize_f16 (const uint16_t *src, float *dst, size_t n)
{
  for (size_t i = 0; i < n; i++)
    dst[i] = kn_f16_load (src[i]);
}

static void
dequantize_bf16 (const uint16_t *src, float *dst, size_t n)
{
  for (size_t i = 0; i < n; i++)
    dst[i] = kn_bf16_load (src[i]);
}

static void
dequantize_q8_0 (const KnBlockQ8_0 *b, float *dst, size_t n)
{
  for (size_t i = 0; i < n / KN_QK; i++, b++, dst += KN_QK)
    {
      float d = kn_f16_load (b->d);

      for (int j = 0; j < KN_QK; j++)
        dst[j] = d * (float)b->qs[j];
    }
}

static void
dequantize_q4_0 (const KnBlockQ4_0 *b, float *dst, size_t n)
{
  for (size_t i = 0; i < n / KN_QK; i++, b++, dst += KN_QK)
    {
      float d = kn_f16_load (b->d);

      for (int j = 0; j < 16; j++)
        {
          dst[j] = d * (float)((b->qs[j] & 15) - 8);
          dst[j + 16] = d * (float)((b->qs[j] >> 4) - 8);
        }
    }
}

static void
dequantize_q4_1 (const KnBlockQ4_1 *b, float *dst, size_t n)
{
  for (size_t i = 0; i < n / KN_QK; i++, b++, dst += KN_QK)
    {
      float d = kn_f16_load (b->d), m = kn_f16_load (b->m);

      for (int j = 0; j < 16; j++)
        {
          dst[j] = d * (float)(b->qs[j] & 15) + m;
          dst[j + 16] = d * (float)(b->qs[j] >> 4) + m;
        }
    }
}

/* The code of value @j of a 5-bit block. */
static inline int
q5_code (const uint8_t *qs, uint32_t qh, int j)
{
  int nibble = j < 16 ? qs[j] & 15 : qs[j - 16] >> 4;

  return nibble | (int)(qh >> j & 1) << 4;
}

static void
dequantize_q5_0 (const KnBlockQ5_0 *b, float *dst, size_t n)
{
  for (size_t i = 0; i < n / KN_QK; i++, b++, dst += KN_QK)
    {
      float d = kn_f16_load (b->d);
      uint32_t qh = kn_load_u32 (b->qh);

      for (int j = 0; j < KN_QK; j++)
        dst[j] = d * (float)(q5_code (b->qs, qh, j) - 16);
    }
}

static void
dequantize_q5_1 (const KnBlockQ5_1 *b, float *dst, size_t n)
{
  for (size_t i = 0; i < n / KN_QK; i++, b++, dst += KN_QK)
    {
      float d = kn_f16_load (b->d), m = kn_f16_load (b->m);
      uint32_t qh = kn_load_u32 (b->qh);

      for (int j = 0; j < KN_QK; j++)
        dst[j] = d * (float)q5_code (b->qs, qh, j) + m;
    }
}

static void
dequantize_q4_k (const KnBlockQ4_K *b, float *dst, size_t n)
{
  for (size_t i = 0; i < n / KN_QK_K; i++, b++)
    {
      float d = kn_f16_load (b->d), dmin = kn_f16_load (b->dmin);
      uint8_t sc[8], mn[8];

      kn_k_scales_get (b->scales, sc, mn);
      for (int g = 0; g < 8; g++, dst += 32)
        {
          const uint8_t *q = b->qs + 32 * (g / 2);
          float s = d * (float)sc[g], m = dmin * (float)mn[g];

          for (int j = 0; j < 32; j++)
            dst[j] = s * (float)(q[j] >> (g % 2 * 4) & 15) - m;
        }
    }
}

static void
dequantize_q5_k (const KnBlockQ5_K *b, float *dst, size_t n)
{
  for (size_t i = 0; i < n / KN_QK_K; i++, b++)
    {
      float d = kn_f16_load (b->d), dmin = kn_f16_load (b->dmin);
      uint8_t sc[8], mn[8];

      kn_k_scales_get (b->scales, sc, mn);
      for (int g = 0; g < 8; g++, dst += 32)
        {
          const uint8_t *q = b->qs + 32 * (g / 2);
          float s = d * (float)sc[g], m = dmin * (float)mn[g];

          for (int j = 0; j < 32; j++)
            {
              int code = (q[j] >> (g % 2 * 4) & 15) | (b->qh[j] >> g & 1) << 4;
              dst[j] = s * (float)code - m;
            }
        }
    }
}

static void
dequantize_q6_k (const KnBlockQ6_K *b, float *dst, size_t n)
{
  for (size_t i = 0; i < n / KN_QK_K; i++, b++)
    {
      float d = kn_f16_load (b->d);

      for (size_t g = 0; g < 8; g++, dst += 32)
        {
          const uint8_t *ql, *qh;
          int ql_shift, qh_shift;
          float s[2] = { d * (float)b->scales[2 * g], d * (float)b->scales[2 * g + 1] };

          kn_q6_codes (b, g, &ql, &ql_shift, &qh, &qh_shift);
          for (int j = 0; j < 32; j++)
            {
              int code = (ql[j] >> ql_shift & 15) | (qh[j] >> qh_shift & 3) << 4;
              dst[j] = s[j / 16] * (float)(code - 32);
            }
        }
    }
}

/* One scale, then the codes of the row. */
static void
dequantize_w8a8 (const uint8_t *row, float *dst, size_t n)
{
  const int8_t *codes = (const int8_t *)row + sizeof (float);
  float d;

  memcpy (&d, row, sizeof d);
  for (size_t i = 0; i < n; i++)
    dst[i] = d * (float)codes[i];
}

/* Nibbles are paired as those of Q4_0. */
static void
dequantize_w4a8 (const uint8_t *row, float *dst, size_t n)
{
  const uint8_t *codes = row + sizeof (float);
  float d;

  memcpy (&d, row, sizeof d);
  for (size_t i = 0; i < n / KN_QK; i++, codes += 16, dst += KN_QK)
    for (int j = 0; j < 16; j++)
      {
        dst[j] = d * (float)((codes[j] & 15) - 8);
        dst[j + 16] = d * (float)((codes[j] >> 4) - 8);
      }
}

void
kn_dequantize_row (KnDtype dtype, const void *src, float *dst, size_t n)
{
  switch (dtype)
    {
    case KN_F32:
      memcpy (dst, src, n * sizeof (float));
      break;
    case KN_F16:
      dequantize_f16 (src, dst, n);
      break;
    case KN_BF16:
      dequantize_bf16 (src, dst, n);
      break;
    case KN_Q8_0:
    case KN_Q8_CHANNELS:
    case KN_Q8_ROWS:
    case KN_Q8_SPARSE:
    case KN_Q8_2_4:
    case KN_Q8_4_8:
      dequantize_q8_0 (src, dst, n);
      break;
    case KN_Q4_0:
    case KN_Q4_SPARSE:
    case KN_Q4_0_LUT:
      dequantize_q4_0 (src, dst, n);
      break;
    case KN_Q4_1:
      dequantize_q4_1 (src, dst, n);
      break;
    case KN_Q5_0:
      dequantize_q5_0 (src, dst, n);
      break;
    case KN_Q5_1:
      dequantize_q5_1 (src, dst, n);
      break;
    case KN_Q4_K:
      dequantize_q4_k (src, dst, n);
      break;
    case KN_Q5_K:
      dequantize_q5_k (src, dst, n);
      break;
    case KN_Q6_K:
      dequantize_q6_k (src, dst, n);
      break;
    case KN_W8A8:
      dequantize_w8a8 (src, dst, n);
      break;
    case KN_W4A8:
      dequantize_w4a8 (src, dst, n);
      break;
    case KN_Q2_K:
    case KN_Q2_K_LUT:
      kn_dequantize_q2_k (src, dst, n);
      break;
    case KN_Q3_K:
    case KN_Q3_K_LUT:
      kn_dequantize_q3_k (src, dst, n);
      break;
    case KN_TQ1_0:
      kn_dequantize_tq1_0 (src, dst, n);
      break;
    case KN_TQ2_0:
    case KN_TQ2_0_LUT:
      kn_dequantize_tq2_0 (src, dst, n);
      break;
    case KN_MXFP4:
      kn_dequantize_mxfp4 (src, dst, n);
      break;
    case KN_Q1_64:
    case KN_Q1_64_LUT:
      kn_dequantize_q1_64 (src, dst, n);
      break;
    case KN_Q2_64:
    case KN_Q2_64_LUT:
      kn_dequantize_q2_64 (src, dst, n);
      break;
    case KN_Q3_64:
    case KN_Q3_64_LUT:
      kn_dequantize_q3_64 (src, dst, n);
      break;
    case KN_F8_E4M3:
    case KN_F8_E5M2:
      kn_dequantize_f8 (dtype, src, dst, n);
      break;
    case KN_I8:
      for (size_t i = 0; i < n; i++)
        dst[i] = (float)((const int8_t *)src)[i];
      break;
    }
}

float
kn_f16_to_f32 (uint16_t h)
{
  return kn_f16_load (h);
}

uint16_t
kn_f32_to_f16 (float f)
{
  return kn_f16_store (f);
}
