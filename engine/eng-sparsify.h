/* Which weights of a matrix become zero, and what the others become to make up for it. Pure:
 * numbers in, numbers out.
 *
 * A matrix is [n_rows, n_cols] f32; row r makes output r, column c reads input channel c. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Where zeros are. */
typedef struct
{
  guint keep, of; /* at most @keep of each @of neighbouring columns are not zero; @of 0: anywhere */
  double share;   /* of the weights that become zero, 0..1, where they may be anywhere */
} EngSparsePattern;

/* Zero the weights of least score, compared within each row: |w| * sqrt (moments[c]) with the mean
 * square of every input channel, @moments [n_cols] (Sun, Liu, Bair and Kolter 2024, A Simple and
 * Effective Pruning Approach for Large Language Models, equation 1). @moments NULL: of least
 * magnitude, compared over the whole matrix (Han, Pool, Tran and Dally 2015, Learning both Weights
 * and Connections for Efficient Neural Networks). Patterns compare their neighbours. Of equal
 * scores those that come later become zero. @n_cols is a multiple of a pattern's length. */
void eng_sparsify (float *data, gsize n_rows, gsize n_cols, const float *moments,
                   const EngSparsePattern *pattern);

/* The same with compensation: columns go from left to right, and what a weight's removal changes in
 * its output is made up for by the columns that follow, as far as their inputs go together (Frantar
 * and Alistarh 2023, SparseGPT: Massive Language Models Can Be Accurately Pruned in One-Shot,
 * algorithm 1; blocks of 128 columns, score w^2 / U[c][c]^2). @factor: U [n_cols][n_cols] of
 * eng_inverse_factor_new(). Cost: n_rows * n_cols^2 / 2 products at most, on one thread. FALSE and
 * G_IO_ERROR_CANCELLED: @cancellable (nullable) was, @data is then half done. */
gboolean eng_sparsify_compensated (float *data, gsize n_rows, gsize n_cols, const float *factor,
                                   const EngSparsePattern *pattern, GCancellable *cancellable,
                                   GError **error);

/* The share of zeros. */
double eng_share_of_zeros (const float *data, gsize n);

G_END_DECLS
