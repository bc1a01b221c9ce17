/* A product of random weights and inputs: what the checks of formats that must give the bits of
 * another format's product have in common. They choose shapes, zeros and what is compared. */
#include "kn-check-product.h"
#include "kn-lookup.h"

uint8_t *
kc_pack (KnDtype dtype, const uint8_t *rows, size_t row_bytes, size_t n_rows, size_t n_cols)
{
  const size_t step = kn_panel_rows (dtype), bytes = kn_panel_bytes (dtype, n_cols);
  uint8_t *panels = kc_input ((n_rows + step - 1) / step * bytes, KN_ALIGN);

  for (size_t r = 0; r < n_rows; r += step)
    kn_pack_panel (dtype, rows + r * row_bytes, row_bytes, n_rows - r < step ? n_rows - r : step,
                   n_cols, panels + r / step * bytes);
  return panels;
}

uint8_t *
kc_q8_rows (const KnTable *c, size_t n_cols, size_t n_tokens, KcKind kind, unsigned percent)
{
  const size_t stride = kn_q8_row_bytes (n_cols);
  float *x = kc_input (n_cols * sizeof *x, 4);
  uint8_t *rows = kc_input (n_tokens * stride, KN_ALIGN);

  for (size_t t = 0; t < n_tokens; t++)
    {
      kc_fill (x, n_cols, kind);
      for (size_t i = 0; i < n_cols && percent > 0; i++)
        if (kc_random_below (100) < percent || i / 32 % 5 == 3)
          x[i] = 0;
      c->matmul.quantize_q8 (x, n_cols, rows + t * stride);
    }
  return rows;
}

/* Whether one token's product needs it, too: its panels are expanded to another format's. */
static int
needs_scratch (KnDtype dtype)
{
  return kn_rows_dtype (dtype) != dtype && kn_lookup_base ((int)dtype) < 0;
}

float *
kc_product (const KnTable *v, KnDtype dtype, KnMatmulArgs args)
{
  args.y = kc_output (args.n_tokens * args.n_rows * sizeof *args.y, 4);
  args.y_stride = args.n_rows;
  args.x_stride = kn_q8_row_bytes (args.n_cols);
  if (args.n_tokens > 1 || needs_scratch (dtype))
    args.scratch = kc_output (kn_matmul_scratch_bytes (dtype, args.n_cols), KN_ALIGN);
  kn_matmul_fn (&v->matmul, dtype) (&args);
  kc_guards ("product");
  return args.y;
}
