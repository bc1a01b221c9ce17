/* Sparse weights: only the codes that are not zero are stored, with a bit per code that says where.
 *
 * A panel's lines (16 rows x 4 columns, kn-panel-private.h) each become a mask of 64 bits and the
 * codes at its set bits, in order. Scales stay one f16 per row and 32 columns. What is computed is
 * what Q8_0 (or Q4_0) computes with the same zeros, to the last bit: a code that is zero adds
 * nothing to an exact integer sum.
 *
 *   format     codes of            nonzeros                           panel size
 *   Q8_SPARSE  Q8_0, 8 bits        anywhere                           differs from panel to panel
 *   Q8_2_4     Q8_0, 8 bits        2 of each 4 neighbouring columns   fixed
 *   Q8_4_8     Q8_0, 8 bits        4 of each 8 neighbouring columns   fixed
 *   Q4_SPARSE  Q4_0, 4 bits        anywhere                           differs from panel to panel
 *
 * Rows come and go as rows of the format the codes belong to (kn_sparse_base()), so they are made
 * by the same quantizers and read by the same programs. A mask costs a bit per weight: stored
 * bytes equal those of the dense format at 12.5 % (8 bits) and 25 % (4 bits) zeros. */
#pragma once

#include "kn-matmul.h"

/* The dense format that @dtype holds the codes of (KN_Q8_0, KN_Q4_0), or -1: it is not sparse. */
int kn_sparse_base (int dtype);

/* Whether panels of @dtype differ in size: then KnMatmulArgs wants their offsets. */
int kn_panel_is_variable (KnDtype dtype);

/* Bytes of the panel that kn_pack_panel() makes of these rows (@n_rows 1..16 rows of blocks,
 * @row_stride bytes apart), a multiple of KN_ALIGN, at most kn_panel_bytes(); 0 when more codes
 * are nonzero than the format's pattern allows. For every format: kn_panel_bytes() where panels
 * are of one size. Cost: one pass over the rows. */
size_t kn_packed_panel_bytes (KnDtype dtype, const void *rows, size_t row_stride, size_t n_rows,
                              size_t n_cols);

/* Whether @panel is one of [@n_bytes]: its masks say as many codes as it holds, and of a pattern as
 * many as that has. For panels that come from a file. Cost: one pass over the masks. */
int kn_sparse_panel_is_whole (KnDtype dtype, const void *panel, size_t n_bytes, size_t n_cols);

/* Expected bytes of a panel when @density (0..1) of the codes are not zero, for estimates: what
 * kn_packed_panel_bytes() says of codes that are spread evenly. */
size_t kn_sparse_expected_bytes (KnDtype dtype, size_t n_cols, double density);

/* The codes of the sparse @panel that are not zero by its masks. */
size_t kn_sparse_count (KnDtype dtype, const void *panel, size_t n_cols);
