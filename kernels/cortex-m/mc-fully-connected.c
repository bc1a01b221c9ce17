/* Fully connected layers: rows of weights times rows of x where they lie. */
#include "mc-private.h"

void
mc_fully_connected (const McFullyConnected *fc, const int8_t *x, int8_t *y)
{
  const McProduct product = { .weights = fc->weights,
                              .row_bytes = MC_ROW_BYTES (fc->n_cols),
                              .n_cols = fc->n_cols,
                              .n_rows = fc->n_out,
                              .bias = fc->bias,
                              .scale = fc->scale,
                              .requant = &fc->requant,
                              .w_zero = fc->w_zero };

  for (int32_t row = 0; row < fc->n_rows; row++)
    mc_product_1 (&product, x + row * fc->n_cols, y + row * fc->n_out);
}
