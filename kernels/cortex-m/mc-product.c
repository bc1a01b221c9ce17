/* Rows of weights times one or two pixels in plain C: the specification of mc-product-dsp.c and
 * mc-product-mve.c. */
#include "mc-private.h"

#if MC_USE_PLAIN

/* Modulo 2^32: without undefined behaviour what the instructions do. */
void
mc_product_1 (const McProduct *p, const int8_t *x, int8_t *y)
{
  const int8_t *w = p->weights;
  uint32_t x_sum = 0;

  for (int32_t c = 0; c < p->n_cols && p->w_zero != NULL; c++)
    x_sum += (uint32_t)x[c];
  for (int32_t r = 0; r < p->n_rows; r++, w += p->row_bytes)
    {
      uint32_t sum = (uint32_t)p->bias[r];

      for (int32_t c = 0; c < p->n_cols; c++)
        sum += (uint32_t)((int32_t)x[c] * w[c]);
      if (p->w_zero != NULL)
        sum -= (uint32_t)p->w_zero[r] * x_sum;
      y[r] = mc_requant1 ((int32_t)sum, p->scale[r], p->requant);
    }
}

void
mc_product_2 (const McProduct *p, const int8_t *const x[2], const void *wide, int8_t *const y[2])
{
  (void)wide;
  mc_product_1 (p, x[0], y[0]);
  mc_product_1 (p, x[1], y[1]);
}

#endif
