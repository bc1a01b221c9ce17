/* From f32 to the K formats and the two like them for short rows: blocks with two levels of scales,
 * searched for in kn-quant-block.c, here put into the bytes of each format (kn-block-private.h). */
#include "kn-quant-block-private.h"

/* Fine codes: from one code less than the range holds to one more. */
#define FINE                                                                                       \
  {                                                                                                \
    -1, 1, 17, 0                                                                                   \
  }

/* The weights of block @i. */
static inline const float *
block_weights (const float *weights, size_t i, size_t len)
{
  return weights != NULL ? weights + i * len : NULL;
}

static void
put_nibble_pairs (const uint8_t q[256], uint8_t qs[128])
{
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 32; j++)
      qs[32 * i + j] = (uint8_t)((q[64 * i + j] & 15) | (q[64 * i + 32 + j] & 15) << 4);
}

void
kn_quantize_q4_k (const float *src, const float *weights, void *dst, size_t n)
{
  static const KnAffineShape shape = { 256, 32, 15, 63, 0, FINE };
  KnBlockQ4_K *b = dst;

  for (size_t i = 0; i < n / KN_QK_K; i++, b++, src += KN_QK_K)
    {
      KnAffineBlock a;

      kn_quantize_affine_block (&shape, src, block_weights (weights, i, KN_QK_K), &a);
      b->d = kn_f16_store (a.d);
      b->dmin = kn_f16_store (a.dmin);
      kn_k_scales_put (a.sc, a.mn, b->scales);
      put_nibble_pairs (a.q, b->qs);
    }
}

void
kn_quantize_q5_k (const float *src, const float *weights, void *dst, size_t n)
{
  static const KnAffineShape shape = { 256, 32, 31, 63, 0, FINE };
  KnBlockQ5_K *b = dst;

  for (size_t i = 0; i < n / KN_QK_K; i++, b++, src += KN_QK_K)
    {
      KnAffineBlock a;

      kn_quantize_affine_block (&shape, src, block_weights (weights, i, KN_QK_K), &a);
      b->d = kn_f16_store (a.d);
      b->dmin = kn_f16_store (a.dmin);
      kn_k_scales_put (a.sc, a.mn, b->scales);
      put_nibble_pairs (a.q, b->qs);
      memset (b->qh, 0, sizeof b->qh);
      for (int g = 0; g < 8; g++)
        for (int j = 0; j < 32; j++)
          b->qh[j] |= (uint8_t)(a.q[32 * g + j] >> 4 << g);
    }
}

void
kn_quantize_q6_k (const float *src, const float *weights, void *dst, size_t n)
{
  static const KnSymmetricShape shape = { 256, 16, 32, 128, 0, FINE };
  KnBlockQ6_K *b = dst;

  for (size_t i = 0; i < n / KN_QK_K; i++, b++, src += KN_QK_K)
    {
      KnSymmetricBlock s;

      kn_quantize_symmetric_block (&shape, src, block_weights (weights, i, KN_QK_K), &s);
      b->d = kn_f16_store (s.d);
      memcpy (b->scales, s.sub, sizeof b->scales);
      memset (b->ql, 0, sizeof b->ql);
      memset (b->qh, 0, sizeof b->qh);
      for (size_t g = 0; g < 8; g++)
        {
          const uint8_t *ql, *qh;
          int ql_shift, qh_shift;

          kn_q6_codes (b, g, &ql, &ql_shift, &qh, &qh_shift);
          for (size_t j = 0; j < 32; j++)
            {
              b->ql[ql - b->ql + (ptrdiff_t)j] |= (uint8_t)((s.q[32 * g + j] & 15) << ql_shift);
              b->qh[qh - b->qh + (ptrdiff_t)j] |= (uint8_t)(s.q[32 * g + j] >> 4 << qh_shift);
            }
        }
    }
}

/* ---- 2 and 3 bits ---- */

/* With so few codes a grid that is narrower than the values often has the smaller error. */
#define COARSE_2                                                                                   \
  {                                                                                                \
    -0.9f, 1.5f, 25, 0                                                                             \
  }
#define COARSE_3                                                                                   \
  {                                                                                                \
    -0.6f, 1.8f, 17, 1                                                                             \
  }

/* @n codes as pairs of bits, four runs of @run codes to as many bytes. */
static void
put_pairs (const uint8_t *q, int n, int run, uint8_t *qs)
{
  for (; n > 0; n -= 4 * run, q += 4 * run, qs += run)
    for (int j = 0; j < run; j++)
      qs[j] = (uint8_t)((q[j] & 3) | (q[j + run] & 3) << 2 | (q[j + 2 * run] & 3) << 4
                        | (q[j + 3 * run] & 3) << 6);
}

void
kn_quantize_q2_k (const float *src, const float *weights, void *dst, size_t n)
{
  static const KnAffineShape shape = { 256, 16, 3, 15, 3, COARSE_2 };
  KnBlockQ2_K *b = dst;

  for (size_t i = 0; i < n / KN_QK_K; i++, b++, src += KN_QK_K)
    {
      KnAffineBlock a;

      kn_quantize_affine_block (&shape, src, block_weights (weights, i, KN_QK_K), &a);
      b->d = kn_f16_store (a.d);
      b->dmin = kn_f16_store (a.dmin);
      for (int g = 0; g < 16; g++)
        b->scales[g] = (uint8_t)(a.sc[g] | a.mn[g] << 4);
      put_pairs (a.q, KN_QK_K, 32, b->qs);
    }
}

void
kn_quantize_q3_k (const float *src, const float *weights, void *dst, size_t n)
{
  static const KnSymmetricShape shape = { 256, 16, 4, 32, 2, COARSE_3 };
  KnBlockQ3_K *b = dst;

  for (size_t i = 0; i < n / KN_QK_K; i++, b++, src += KN_QK_K)
    {
      KnSymmetricBlock s;

      kn_quantize_symmetric_block (&shape, src, block_weights (weights, i, KN_QK_K), &s);
      b->d = kn_f16_store (s.d);
      kn_q3_scales_put (s.sub, b->scales);
      put_pairs (s.q, KN_QK_K, 32, b->qs);
      memset (b->hmask, 0, sizeof b->hmask);
      for (int j = 0; j < KN_QK_K; j++)
        b->hmask[j % 32] |= (uint8_t)(s.q[j] >> 2 << j / 32);
    }
}

void
kn_quantize_q2_64 (const float *src, const float *weights, void *dst, size_t n)
{
  static const KnAffineShape shape = { 64, 16, 3, 15, 3, COARSE_2 };
  KnBlockQ2_64 *b = dst;

  for (size_t i = 0; i < n / KN_QK_64; i++, b++, src += KN_QK_64)
    {
      KnAffineBlock a;

      kn_quantize_affine_block (&shape, src, block_weights (weights, i, KN_QK_64), &a);
      b->d = kn_f16_store (a.d);
      b->dmin = kn_f16_store (a.dmin);
      for (int g = 0; g < 4; g++)
        b->scales[g] = (uint8_t)(a.sc[g] | a.mn[g] << 4);
      put_pairs (a.q, KN_QK_64, 16, b->qs);
    }
}

void
kn_quantize_q3_64 (const float *src, const float *weights, void *dst, size_t n)
{
  static const KnSymmetricShape shape = { 64, 16, 4, 8, 3, COARSE_3 };
  KnBlockQ3_64 *b = dst;

  for (size_t i = 0; i < n / KN_QK_64; i++, b++, src += KN_QK_64)
    {
      KnSymmetricBlock s;

      kn_quantize_symmetric_block (&shape, src, block_weights (weights, i, KN_QK_64), &s);
      b->d = kn_f16_store (s.d);
      for (int g = 0; g < 2; g++)
        b->scales[g] = (uint8_t)((s.sub[2 * g] + 8) | (s.sub[2 * g + 1] + 8) << 4);
      put_pairs (s.q, KN_QK_64, 16, b->qs);
      memset (b->qh, 0, sizeof b->qh);
      for (int j = 0; j < KN_QK_64; j++)
        b->qh[j % 8] |= (uint8_t)(s.q[j] >> 2 << (j / 16 * 2 + j % 16 / 8));
    }
}
