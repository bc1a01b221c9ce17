/* Parts of the functions of kn-matmul.h for Q8_ROWS, and what levels share. */
#pragma once

#include "kn-matmul.h"

static inline size_t
kn_rows_panel_bytes (size_t n_cols)
{
  return (KN_PANEL_ROWS * (n_cols + n_cols / 32 * 2) + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

size_t kn_rows_scratch_bytes (size_t n_cols);
void kn_rows_pack_panel (const void *rows, size_t row_stride, size_t n_rows, size_t n_cols,
                         void *panel);
void kn_rows_unpack_row (const void *panel, size_t row, size_t n_cols, float *dst);
