/* The arithmetic of structured pruning: how much goes from which block, which units of it stay, and
 * what the columns that stay become so that they stand for those that go. Knows no model. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What share of each of @n equal blocks goes so that @share (0..1) of all goes: less from blocks of
 * much @importance [n] (nullable: even). The shares are proportional to a logistic function of
 * minus the standardized importance (coarse allocation as in Wang et al. 2024, CFSP, section 3.2),
 * capped at @max_share; together they are n * share, or what the cap allows. */
void eng_prune_spread (const double *importance, guint n, double share, double max_share,
                       double *shares);

/* Whole units that go from each of @n blocks of @n_units: the sum of shares[i] * n_units to the
 * nearest, by largest remainders (ties: the first), never so many that fewer than @min_left
 * stay. */
void eng_prune_units (const double *shares, guint n, guint n_units, guint min_left, guint *removed);

/* Indices of the @n_kept largest of @scores [n], in rising order; of equal ones the first. NaN
 * counts as the smallest. */
void eng_prune_choose (const double *scores, guint n, guint n_kept, guint32 *kept);

/* The matrix of @n_kept columns whose products come nearest to those of @matrix [n_rows][n]:
 * minimizes the mean of |W x - W' x_kept|^2 over the inputs whose second moments (mean of x x^T)
 * @moments [n][n] are, with @damping times the mean of their diagonal on it: W' = W_kept + W_gone
 * M_gk (M_kk + damping)^-1 (least-squares reconstruction: Hassibi and Stork 1993 for one weight;
 * Frantar and Alistarh 2023 for rows). Writes @refitted [n_rows][n_kept]. FALSE: the moments are
 * not positive definite; @refitted is then undefined. @is_cancelled (nullable) is asked now and
 * then: then the answer is FALSE as well. n_kept^3 / 3 + 2 n_rows n_kept^2 operations, 8 n_kept^2
 * bytes. The same bits everywhere. */
gboolean eng_prune_refit (const float *matrix, gsize n_rows, gsize n, const float *moments,
                          const guint32 *kept, gsize n_kept, double damping,
                          gboolean (*is_cancelled) (gpointer data), gpointer data, float *refitted);

G_END_DECLS
