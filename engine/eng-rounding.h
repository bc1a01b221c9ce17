/* How the numbers of a weight matrix become codes: the methods of technique "rounding", apart from
 * recipes and builds. Shared with techniques that compensate for what they remove. */
#pragma once

#include <glib.h>
#include <stdatomic.h>

#include "kn-grid.h"
#include "kn-types.h"
#include "rt-pool.h"

G_BEGIN_DECLS

/* U [n][n] f32, row-major, upper triangular, with H^-1 = U^T U for H = @moments + @damping * mean
 * (diagonal of @moments) * I, without its own factor: what error compensation needs (Frantar et al.
 * 2023, GPTQ, equation 2 and the Cholesky form of step 3). The conditional inverse of columns j..
 * has U[j][j]^2 in its corner, and -U[j][k] / U[j][j] is what column k takes over of column j's
 * error. @moments [n][n], symmetric; a channel that never was anything but 0 gets a diagonal of 1.
 * The damping is raised tenfold until the factor exists; *@used (nullable) is what it came to.
 * Newly allocated, g_free(); NULL: @cancel was set. Cost: 2/3 n^3 on @pool, by the float kernels:
 * the same bits everywhere. */
float *eng_inverse_factor_new (const float *moments, gsize n, double damping, RtPool *pool,
                               const atomic_int *cancel, double *used);

typedef struct
{
  gsize n_rows, n_cols;
  const float *data;    /* [n_rows][n_cols] */
  const float *weights; /* [n_cols] what a squared error of each column costs; NULL: all the same */
  int dtype;
  guint8 *blocks; /* kn_row_bytes (dtype, n_cols) apart */
} EngRoundingArgs;

/* The smallest weighted square error within each block (kn_quantize_row_weighted()), or the nearest
 * numbers when @nearest. FALSE: cancelled. */
gboolean eng_round_rows (const EngRoundingArgs *args, gboolean nearest, RtPool *pool,
                         const atomic_int *cancel);

/* The scale with the least weighted square error of codes to nearest around 0, of a format with one
 * scale per row: sum over i of @costs[i] * (@x[i] - scale * code)^2. @x and @costs: [n], @n a
 * multiple of 8. At least as good as @scale. Cost: about 100 passes over the row; the same bits
 * everywhere. */
float eng_search_row_scale (const KnGridInfo *grid, const float *x, const float *costs, gsize n,
                            float scale);

/* Column after column, the error of each passed on to those that are not rounded yet (Frantar et
 * al. 2023). @factor: eng_inverse_factor_new() of the columns in the order @order ([n_cols], NULL:
 * as they come): row i belongs to column order[i]. Numbers that are exactly 0 stay the level
 * nearest to 0, which is 0 in formats without a minimum. The format has a grid (kn-grid.h). Cost:
 * n_rows * n_cols^2 / 2 products. FALSE: cancelled. */
gboolean eng_round_compensated (const EngRoundingArgs *args, const float *factor,
                                const guint32 *order, RtPool *pool, const atomic_int *cancel);

G_END_DECLS
