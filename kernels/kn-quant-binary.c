/* From f32 to signs under one scale per 64 values.
 *
 * Whatever the scale, the nearest of -d and d has the value's sign; with the signs fixed the least
 * square error is that of the mean magnitude (Rastegari et al. 2016, XNOR-Net, eq. 5 and 6), with
 * weights of the weighted mean. Values that are -d or d already come back exactly, at least where
 * no weights round the mean away from d by more than half precision sees. */
#include "kn-quant-fit-private.h"

static float
mean_magnitude (const float *x, const float *w)
{
  KnFour sums = { 0 }, weights = { 0 };

  for (int j = 0; j < KN_QK_64; j += 4)
    {
      const KnFour v = kn_four_load (x + j), zero = { 0 };
      const KnFour m = kn_four_select (v < zero, -v, v);

      sums += w != NULL ? kn_four_load (w + j) * m : m;
      weights += w != NULL ? kn_four_load (w + j) : kn_four (1);
    }
  return kn_four_sum (sums) / kn_four_sum (weights);
}

void
kn_quantize_q1_64 (const float *src, const float *weights, void *dst, size_t n)
{
  KnBlockQ1_64 *b = dst;

  for (size_t i = 0; i < n; i += KN_QK_64, b++)
    {
      float x[KN_QK_64], w[KN_QK_64];

      kn_quant_clean (src + i, x, KN_QK_64);
      if (weights != NULL)
        kn_block_weights (x, weights + i, KN_QK_64, KN_QK_64, w);
      b->d = kn_f16_store (mean_magnitude (x, weights != NULL ? w : NULL));
      memset (b->qs, 0, sizeof b->qs);
      for (size_t j = 0; j < KN_QK_64; j++)
        b->qs[j / 8] |= (uint8_t)((x[j] >= 0) << j % 8);
    }
}
