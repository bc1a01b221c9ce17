/* The simple block formats with a search: scales (and minima) for which a weighted square error is
 * small, instead of the field's rules of kn-quant.c. The error of value i costs weights[i]: with
 * the mean squares of the layer's inputs that is, to first order, what the layer's output loses
 * (importance-weighted rounding); with equal weights it is a search for the best clipping.
 *
 * Called by whoever quantizes with statistics. K formats do the same with their two levels of
 * scales (kn-quant-k.c). */
#include "kn-quant-fit-private.h"
#include "kn-quant.h"
#include "kn-matmul.h"

/* From a grid a little wider than the values to one that clips them at about 3/5 of their range; 8
 * bits are never worth that. */
static const KnSpacings fine = { -1, 2, 25, 1 };
static const KnSpacings coarse_4 = { -0.6f, 4.2f, 25, 1 };
static const KnSpacings coarse_5 = { -0.6f, 6, 25, 1 };

/* The codes of a block for the scale @d, and what they add up to. */
static KnCodeSums
symmetric_codes (const float *x, const float *w, float d, float half, float q[KN_QK])
{
  KnFourSums four = { 0 };

  for (int j = 0; j < KN_QK; j += 4)
    {
      const KnFour v = kn_four_load (x + j),
                   codes = kn_symmetric_four (v, kn_safe_inverse (d), half);

      memcpy (q + j, &codes, sizeof codes);
      kn_add_codes (&four, codes, v, kn_four_load (w + j));
    }
  return kn_code_sums (&four);
}

/* The scale of a block as it will be read, its codes for it, one improvement of the scale with the
 * codes that result. */
static float
symmetric_block (const float *x, const float *w, float half, KnSpacings s, float q[KN_QK])
{
  float d = kn_f16_load (kn_f16_store (kn_fit_symmetric (x, w, KN_QK, half, s))), refit;
  KnCodeSums sums;

  sums = symmetric_codes (x, w, d, half, q);
  if (!(sums.qq > 0))
    return d;
  refit = kn_f16_load (kn_f16_store (sums.qx / sums.qq));
  if (refit != d && fabsf (refit) < 65504)
    {
      float again[KN_QK];
      double error = 0, was = 0;

      symmetric_codes (x, w, refit, half, again);
      for (int j = 0; j < KN_QK; j++)
        {
          was += (double)w[j] * (d * q[j] - x[j]) * (d * q[j] - x[j]);
          error += (double)w[j] * (refit * again[j] - x[j]) * (refit * again[j] - x[j]);
        }
      if (error < was)
        {
          memcpy (q, again, sizeof again);
          return refit;
        }
    }
  return d;
}

static KnFit
affine_block (const float *x, const float *w, float max_code, uint8_t q[KN_QK])
{
  KnFit fit = kn_fit_affine (x, w, KN_QK, max_code, 0, max_code > 15 ? coarse_5 : coarse_4);
  float inv;

  fit.scale = kn_f16_load (kn_f16_store (kn_clamped (fit.scale, 0, 65504)));
  fit.min = kn_f16_load (kn_f16_store (kn_clamped (fit.min, -65504, 65504)));
  inv = kn_safe_inverse (fit.scale);
  for (int j = 0; j < KN_QK; j++)
    q[j] = (uint8_t)kn_clamped ((x[j] + fit.min) * inv + 0.5f, 0, max_code);
  return fit;
}

static void
put_nibbles (const uint8_t q[KN_QK], uint8_t qs[16])
{
  for (int j = 0; j < 16; j++)
    qs[j] = (uint8_t)((q[j] & 15) | (q[j + 16] & 15) << 4);
}

static void
put_fifth_bits (const uint8_t q[KN_QK], uint8_t qh[4])
{
  uint32_t bits = 0;

  for (int j = 0; j < KN_QK; j++)
    bits |= (uint32_t)(q[j] >> 4) << j;
  kn_store_u32 (qh, bits);
}

static void
put_symmetric (KnDtype dtype, const float *x, const float *w, void *block)
{
  const float half = dtype == KN_Q8_0 ? 128 : dtype == KN_Q5_0 ? 16 : 8;
  float q[KN_QK];
  uint8_t codes[KN_QK];
  uint16_t d = kn_f16_store (symmetric_block (x, w, half,
                                              dtype == KN_Q8_0   ? fine
                                              : dtype == KN_Q5_0 ? coarse_5
                                                                 : coarse_4,
                                              q));

  for (int j = 0; j < KN_QK; j++)
    codes[j] = (uint8_t)(int)(q[j] + half);
  if (dtype == KN_Q8_0)
    {
      KnBlockQ8_0 *b = block;

      b->d = d;
      for (int j = 0; j < KN_QK; j++)
        b->qs[j] = (int8_t)(int)q[j];
    }
  else if (dtype == KN_Q5_0)
    {
      KnBlockQ5_0 *b = block;

      b->d = d;
      put_nibbles (codes, b->qs);
      put_fifth_bits (codes, b->qh);
    }
  else
    {
      KnBlockQ4_0 *b = block;

      b->d = d;
      put_nibbles (codes, b->qs);
    }
}

static void
put_affine (KnDtype dtype, const float *x, const float *w, void *block)
{
  uint8_t codes[KN_QK];
  const KnFit fit = affine_block (x, w, dtype == KN_Q5_1 ? 31 : 15, codes);

  if (dtype == KN_Q5_1)
    {
      KnBlockQ5_1 *b = block;

      b->d = kn_f16_store (fit.scale);
      b->m = kn_f16_store (-fit.min);
      put_nibbles (codes, b->qs);
      put_fifth_bits (codes, b->qh);
    }
  else
    {
      KnBlockQ4_1 *b = block;

      b->d = kn_f16_store (fit.scale);
      b->m = kn_f16_store (-fit.min);
      put_nibbles (codes, b->qs);
    }
}

/* One block of @len values with the search. */
static void
put_block (KnDtype dtype, const float *src, const float *weights, size_t len, void *block)
{
  float x[KN_QK], w[KN_QK];

  switch ((int)dtype)
    {
    case KN_Q4_K:
      kn_quantize_q4_k (src, weights, block, len);
      return;
    case KN_Q5_K:
      kn_quantize_q5_k (src, weights, block, len);
      return;
    case KN_Q6_K:
      kn_quantize_q6_k (src, weights, block, len);
      return;
    case KN_Q2_K:
      kn_quantize_q2_k (src, weights, block, len);
      return;
    case KN_Q3_K:
      kn_quantize_q3_k (src, weights, block, len);
      return;
    case KN_TQ1_0:
      kn_quantize_tq1_0 (src, weights, block, len);
      return;
    case KN_TQ2_0:
      kn_quantize_tq2_0 (src, weights, block, len);
      return;
    case KN_MXFP4:
      kn_quantize_mxfp4 (src, weights, block, len);
      return;
    case KN_Q1_64:
      kn_quantize_q1_64 (src, weights, block, len);
      return;
    case KN_Q2_64:
      kn_quantize_q2_64 (src, weights, block, len);
      return;
    case KN_Q3_64:
      kn_quantize_q3_64 (src, weights, block, len);
      return;
    case KN_F8_E4M3:
    case KN_F8_E5M2:
      kn_quantize_f8 (dtype, src, weights, block, len);
      return;
    default:
      break;
    }
  kn_quant_clean (src, x, KN_QK);
  kn_block_weights (x, weights, KN_QK, KN_QK, w);
  if (dtype == KN_Q4_1 || dtype == KN_Q5_1)
    put_affine (dtype, x, w, block);
  else
    put_symmetric (dtype, x, w, block);
}

static double
block_error (KnDtype dtype, const void *block, const float *src, const float *weights, size_t len)
{
  float x[KN_QK_K], y[KN_QK_K];
  double error = 0;

  kn_quant_clean (src, x, len);
  kn_dequantize_row (dtype, block, y, len);
  for (size_t j = 0; j < len; j++)
    error += (double)weights[j] * ((double)y[j] - (double)x[j]) * ((double)y[j] - (double)x[j]);
  return error;
}

void
kn_quantize_row_weighted (KnDtype dtype, const float *src, const float *weights, void *dst,
                          size_t n)
{
  const KnDtypeInfo *info = kn_dtype_info ((int)dtype);
  uint8_t *block = dst;

  dtype = kn_rows_dtype (dtype);
  kn_quantize_row (dtype, src, dst, n);
  if (weights == NULL || info->block_len == 1)
    return;
  if (info->header_bytes > 0) /* one scale per row; with 8 bits there is nothing to search */
    {
      if (dtype == KN_W4A8)
        kn_quantize_w4a8 (src, weights, dst, n);
      return;
    }
  for (size_t i = 0; i < n; i += info->block_len, block += info->block_bytes)
    {
      uint8_t found[KN_MAX_BLOCK_BYTES];

      put_block (dtype, src + i, weights + i, info->block_len, found);
      if (block_error (dtype, found, src + i, weights + i, info->block_len)
          < block_error (dtype, block, src + i, weights + i, info->block_len))
        memcpy (block, found, info->block_bytes);
    }
}
