/* Parts of the functions of kn-matmul.h for Q8_CHANNELS, and what levels share. */
#pragma once

#include "kn-matmul.h"

size_t kn_skip_scratch_bytes (size_t n_cols);
void kn_skip_pack_panel (const void *rows, size_t row_stride, size_t n_rows, size_t n_cols,
                         void *panel);
void kn_skip_unpack_row (const void *panel, size_t row, size_t n_cols, float *dst);

/* A panel as four dense ones of Q8_0, KN_ALIGN aligned and following each other. */
typedef void (*KnSkipExpandFn) (const void *panel, size_t n_cols, void *dense);
void kn_skip_expand_c (const void *panel, size_t n_cols, void *dense);

/* The product of any number of tokens: panels become dense ones in the scratch, and @q8_0 does the
 * rest. */
void kn_skip_product (KnSkipExpandFn expand, KnMatmulFn q8_0, const KnMatmulArgs *args);
