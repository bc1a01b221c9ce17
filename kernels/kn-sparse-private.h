/* The layout of sparse panels, and the walk over them that all levels share.
 *
 * Columns are taken in blocks of 64, as in a dense panel of Q8_0; the last block has 32 columns
 * when n_cols is not a multiple of 64. A block of n lines (n = 16, or 8) is
 *
 *   f16 scale [2][16]   of its two groups of 32 columns; the second ones are 0 in a short block
 *   uint64 mask [n]     bit 4 * row + k of mask i: row `row`, column 4 * i + k of the block
 *   codes               of line 0, line 1, ...: those whose bits are set, in bit order
 *
 * Blocks follow each other without gaps; nothing in a panel but its start is aligned. The masks
 * stand before the codes so that where a line's codes begin is known from masks alone. Codes of 8
 * bits are stored plus 128, what an unsigned dot product wants; codes of 4 bits as in Q4_0 (plus
 * 8), the first in the low nibble, each line starting at a byte.
 *
 * At least 64 bytes may be read from where the codes of the last line begin. */
#pragma once

#include "kn-sparse.h"

#include <string.h>

#define KN_SPARSE_SCALE_BYTES 64
#define KN_SPARSE_LINE 64 /* codes of a line */

static inline size_t
kn_sparse_n_blocks (size_t n_cols)
{
  return (n_cols + 63) / 64;
}

/* Lines of block @b. */
static inline size_t
kn_sparse_n_lines (size_t n_cols, size_t b)
{
  return n_cols - 64 * b >= 64 ? 16 : 8;
}

static inline size_t
kn_sparse_header_bytes (size_t n_lines)
{
  return KN_SPARSE_SCALE_BYTES + 8 * n_lines;
}

/* Bytes of a line's @n codes. */
static inline size_t
kn_sparse_code_bytes (KnDtype dtype, size_t n)
{
  return dtype == KN_Q4_SPARSE ? (n + 1) / 2 : n;
}

static inline uint64_t
kn_sparse_mask (const uint8_t *masks, size_t line)
{
  uint64_t mask;

  memcpy (&mask, masks + 8 * line, sizeof mask);
  return mask;
}

/* A block's code stream expanded to signed bytes: @n_lines lines of 64. Returns the stream's end.
 */
typedef const uint8_t *(*KnSparseLinesFn) (KnDtype dtype, const uint8_t *masks,
                                           const uint8_t *codes, size_t n_lines, uint8_t *lines);

/* The panel as a dense one, by a level's own expansion of lines. */
static inline void
kn_sparse_expand (KnSparseLinesFn expand_lines, KnDtype dtype, const void *panel, size_t n_cols,
                  void *dense)
{
  const uint8_t *from = panel;
  uint8_t *to = dense;

  for (size_t b = 0; b < kn_sparse_n_blocks (n_cols); b++)
    {
      const size_t n_lines = kn_sparse_n_lines (n_cols, b);
      const uint8_t *masks = from + KN_SPARSE_SCALE_BYTES;

      memcpy (to, from, KN_SPARSE_SCALE_BYTES);
      to += KN_SPARSE_SCALE_BYTES;
      from = expand_lines (dtype, masks, masks + 8 * n_lines, n_lines, to);
      to += n_lines * KN_SPARSE_LINE;
    }
}

/* Where panel @panel of @args begins. */
const uint8_t *kn_sparse_panel (const KnMatmulArgs *args, KnDtype dtype, size_t panel);

/* The product by expansion: two panels at a time become dense ones in the scratch, and @q8_0 does
 * the rest. */
void kn_sparse_product (KnDtype dtype, KnSparseLinesFn expand_lines, KnMatmulFn q8_0,
                        const KnMatmulArgs *args);

/* The products of a level that expands by @lines and goes on with its own Q8_0 product, and the
 * function that puts them into its family. */
#define KN_SPARSE_PRODUCT(member, dtype, isa, lines, level)                                        \
  static void matmul_##member##_##isa (const KnMatmulArgs *a)                                      \
  {                                                                                                \
    kn_sparse_product (dtype, lines, kn_table_for_level (level)->matmul.q8_0, a);                  \
  }
#define KN_SPARSE_PRODUCTS(isa, lines, level)                                                      \
  KN_SPARSE_PRODUCT (q8_sparse, KN_Q8_SPARSE, isa, lines, level)                                   \
  KN_SPARSE_PRODUCT (q8_2_4, KN_Q8_2_4, isa, lines, level)                                         \
  KN_SPARSE_PRODUCT (q8_4_8, KN_Q8_4_8, isa, lines, level)                                         \
  KN_SPARSE_PRODUCT (q4_sparse, KN_Q4_SPARSE, isa, lines, level)                                   \
  static void kn_sparse_fill_##isa (KnMatmulFamily *family)                                        \
  {                                                                                                \
    family->q8_sparse = matmul_q8_sparse_##isa;                                                    \
    family->q8_2_4 = matmul_q8_2_4_##isa;                                                          \
    family->q8_4_8 = matmul_q8_4_8_##isa;                                                          \
    family->q4_sparse = matmul_q4_sparse_##isa;                                                    \
  }

void kn_sparse_c (KnMatmulFamily *family); /* kn_matmul_c() calls it */

/* For byte shuffles: byte i of entry m says which of the stored codes belongs at position i when m
 * are the mask bits of eight positions; 0x80, which shuffles give 0 for, where none does. */
extern const uint64_t kn_sparse_shuffles[256];

/* Parts of the functions of kn-matmul.h. */
size_t kn_sparse_panel_bytes (KnDtype dtype, size_t n_cols);
size_t kn_sparse_scratch_bytes (size_t n_cols);
void kn_sparse_pack_panel (KnDtype dtype, const void *rows, size_t row_stride, size_t n_rows,
                           size_t n_cols, void *panel);
void kn_sparse_unpack_row (KnDtype dtype, const void *panel, size_t row, size_t n_cols, float *dst);
