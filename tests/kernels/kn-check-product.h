/* What the checks of products against the same product in another format share: packed weights,
 * quantized inputs, the call. */
#pragma once

#include "kn-check-matmul.h"

/* @n_rows rows of @n_cols weights, @row_bytes apart, in panels of fixed size; to be read. */
uint8_t *kc_pack (KnDtype dtype, const uint8_t *rows, size_t row_bytes, size_t n_rows,
                  size_t n_cols);

/* @n_tokens q8 rows of @n_cols random numbers, kn_q8_row_bytes() apart; @percent of the numbers are
 * zero and, if it is not 0, some groups wholly. */
uint8_t *kc_q8_rows (const KnTable *c, size_t n_cols, size_t n_tokens, KcKind kind,
                     unsigned percent);

/* y [n_tokens, n_rows] of the product with @v's kernel for @dtype. @args says sizes, panels and
 * inputs; the output is made here and looked at for what was written beside it. So is the scratch,
 * where the call needs one. */
float *kc_product (const KnTable *v, KnDtype dtype, KnMatmulArgs args);
