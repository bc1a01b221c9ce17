/* From the formats of 1 to 4 bits to f32: K formats of 2 and 3 bits, ternary, MXFP4, and those of
 * our own in blocks of 64. As in kn-dequant.c these loops are the definition of what a block means;
 * the drawing of the blocks is in kn-block-private.h. */
#include "kn-quant-private.h"

void
kn_dequantize_q2_k (const void *src, float *dst, size_t n)
{
  const KnBlockQ2_K *b = src;

  for (size_t i = 0; i < n / KN_QK_K; i++, b++)
    {
      float d = kn_f16_load (b->d), dmin = kn_f16_load (b->dmin);

      for (size_t j = 0; j < KN_QK_K; j++)
        {
          size_t run = j / 32;
          uint8_t scale = b->scales[j / 16];
          int q = b->qs[32 * (run / 4) + j % 32] >> 2 * (run % 4) & 3;

          *dst++ = d * (float)(scale & 15) * (float)q - dmin * (float)(scale >> 4);
        }
    }
}

void
kn_dequantize_q3_k (const void *src, float *dst, size_t n)
{
  const KnBlockQ3_K *b = src;

  for (size_t i = 0; i < n / KN_QK_K; i++, b++)
    {
      float d = kn_f16_load (b->d);
      int8_t sc[16];

      kn_q3_scales_get (b->scales, sc);
      for (size_t j = 0; j < KN_QK_K; j++)
        {
          size_t run = j / 32;
          int q = (b->qs[32 * (run / 4) + j % 32] >> 2 * (run % 4) & 3)
                  | (b->hmask[j % 32] >> run & 1) << 2;

          *dst++ = d * (float)sc[j / 16] * (float)(q - 4);
        }
    }
}

void
kn_dequantize_tq1_0 (const void *src, float *dst, size_t n)
{
  const KnBlockTQ1_0 *b = src;

  for (size_t i = 0; i < n / KN_QK_K; i++, b++)
    {
      float d = kn_f16_load (b->d);
      uint8_t codes[KN_QK_K];

      kn_tq1_codes (b, codes);
      for (size_t j = 0; j < KN_QK_K; j++)
        *dst++ = d * (float)(codes[j] - 1);
    }
}

void
kn_dequantize_tq2_0 (const void *src, float *dst, size_t n)
{
  const KnBlockTQ2_0 *b = src;

  for (size_t i = 0; i < n / KN_QK_K; i++, b++)
    {
      float d = kn_f16_load (b->d);

      for (size_t j = 0; j < KN_QK_K; j++)
        {
          size_t run = j / 32;

          *dst++ = d * (float)((b->qs[32 * (run / 4) + j % 32] >> 2 * (run % 4) & 3) - 1);
        }
    }
}

void
kn_dequantize_mxfp4 (const void *src, float *dst, size_t n)
{
  const KnBlockMXFP4 *b = src;

  for (size_t i = 0; i < n / KN_QK; i++, b++, dst += KN_QK)
    {
      float d = kn_e8m0_half (b->e);

      for (int j = 0; j < 16; j++)
        {
          dst[j] = d * (float)kn_mxfp4_values[b->qs[j] & 15];
          dst[j + 16] = d * (float)kn_mxfp4_values[b->qs[j] >> 4];
        }
    }
}

void
kn_dequantize_q1_64 (const void *src, float *dst, size_t n)
{
  const KnBlockQ1_64 *b = src;

  for (size_t i = 0; i < n / KN_QK_64; i++, b++)
    {
      float d = kn_f16_load (b->d);

      for (size_t j = 0; j < KN_QK_64; j++)
        *dst++ = b->qs[j / 8] >> j % 8 & 1 ? d : -d;
    }
}

void
kn_dequantize_q2_64 (const void *src, float *dst, size_t n)
{
  const KnBlockQ2_64 *b = src;

  for (size_t i = 0; i < n / KN_QK_64; i++, b++)
    {
      float d = kn_f16_load (b->d), dmin = kn_f16_load (b->dmin);

      for (size_t j = 0; j < KN_QK_64; j++)
        {
          uint8_t scale = b->scales[j / 16];
          int q = b->qs[j % 16] >> 2 * (j / 16) & 3;

          *dst++ = d * (float)(scale & 15) * (float)q - dmin * (float)(scale >> 4);
        }
    }
}

void
kn_dequantize_q3_64 (const void *src, float *dst, size_t n)
{
  const KnBlockQ3_64 *b = src;

  for (size_t i = 0; i < n / KN_QK_64; i++, b++)
    {
      float d = kn_f16_load (b->d);

      for (size_t j = 0; j < KN_QK_64; j++)
        {
          size_t g = j / 16;
          int sc = (b->scales[g / 2] >> 4 * (g % 2) & 15) - 8;
          int q = (b->qs[j % 16] >> 2 * g & 3) | (b->qh[j % 8] >> (2 * g + j % 16 / 8) & 1) << 2;

          *dst++ = d * (float)sc * (float)(q - 4);
        }
    }
}
