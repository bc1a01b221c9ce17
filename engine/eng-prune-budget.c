/* Budgets, choices and refits of structured pruning. Called by the technique; knows neither models
 * nor builds, so that tests can hold every function against its formula. */
#include "eng-prune-budget.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kn-table.h"

/* ---- how much from where ---- */

static void
standardize (const double *importance, guint n, double *z)
{
  double mean = 0, square = 0;

  for (guint i = 0; i < n; i++)
    mean += importance[i] / n;
  for (guint i = 0; i < n; i++)
    square += (importance[i] - mean) * (importance[i] - mean) / n;
  for (guint i = 0; i < n; i++)
    z[i] = square > 0 ? (importance[i] - mean) / sqrt (square) : 0;
}

static double
capped_sum (const double *weights, guint n, double factor, double max_share)
{
  double sum = 0;
  for (guint i = 0; i < n; i++)
    sum += MIN (max_share, factor * weights[i]);
  return sum;
}

void
eng_prune_spread (const double *importance, guint n, double share, double max_share, double *shares)
{
  g_autofree double *weights = g_new (double, n + 1);
  double low = 0, high = 1;

  for (guint i = 0; i < n; i++)
    weights[i] = 0;
  if (importance != NULL)
    standardize (importance, n, weights);
  for (guint i = 0; i < n; i++)
    weights[i] = 1 / (1 + exp (weights[i]));
  /* The sum rises with the factor: find the one that gives it. */
  share = MIN (share, max_share);
  while (capped_sum (weights, n, high, max_share) < n * share && high < 1e12)
    high *= 2;
  for (guint step = 0; step < 100; step++)
    {
      double middle = 0.5 * (low + high);
      if (capped_sum (weights, n, middle, max_share) < n * share)
        low = middle;
      else
        high = middle;
    }
  for (guint i = 0; i < n; i++)
    shares[i] = MIN (max_share, high * weights[i]);
}

void
eng_prune_units (const double *shares, guint n, guint n_units, guint min_left, guint *removed)
{
  guint most = n_units > min_left ? n_units - min_left : 0;
  double sum = 0;
  gint64 left;

  for (guint i = 0; i < n; i++)
    {
      sum += shares[i] * n_units;
      removed[i] = MIN (most, (guint)floor (shares[i] * n_units + 1e-9));
    }
  left = (gint64)floor (sum + 0.5);
  for (guint i = 0; i < n; i++)
    left -= removed[i];
  for (; left > 0; left--)
    {
      guint best = n;
      for (guint i = 0; i < n; i++)
        if (removed[i] < most
            && (best == n
                || shares[i] * n_units - removed[i] > shares[best] * n_units - removed[best]))
          best = i;
      if (best == n)
        return;
      removed[best]++;
    }
}

/* ---- which ---- */

typedef struct
{
  double score;
  guint32 index;
} Scored;

static int
compare_scored (const void *a, const void *b)
{
  const Scored *x = a, *y = b;
  if (x->score != y->score)
    return x->score < y->score ? 1 : -1;
  return x->index < y->index ? -1 : x->index > y->index;
}

static int
compare_indices (const void *a, const void *b)
{
  guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;
  return x < y ? -1 : x > y;
}

void
eng_prune_choose (const double *scores, guint n, guint n_kept, guint32 *kept)
{
  g_autofree Scored *sorted = g_new (Scored, n + 1);

  g_return_if_fail (n_kept <= n);
  for (guint32 i = 0; i < n; i++)
    sorted[i] = (Scored){ isnan (scores[i]) ? -INFINITY : scores[i], i };
  qsort (sorted, n, sizeof *sorted, compare_scored);
  for (guint i = 0; i < n_kept; i++)
    kept[i] = sorted[i].index;
  qsort (kept, n_kept, sizeof *kept, compare_indices);
}

/* ---- what the rest becomes ---- */

typedef struct
{
  gsize n;
  float *lower,
      *upper; /* [n][n]: L with M = L L^T, and its transpose, so that both are read by rows */
  gboolean (*is_cancelled) (gpointer data);
  gpointer data;
} Factor;

static gboolean
cancelled (const Factor *factor)
{
  return factor->is_cancelled != NULL && factor->is_cancelled (factor->data);
}

/* Cholesky-Banachiewicz, row by row (Golub and Van Loan 2013, section 4.2). factor->lower holds M
 * and becomes L. */
static gboolean
factorize (Factor *factor)
{
  const KnVecFamily *vec = &kn_table ()->vec;
  gsize n = factor->n;

  for (gsize i = 0; i < n; i++)
    {
      float *row = factor->lower + i * n;
      if (i % 64 == 0 && cancelled (factor))
        return FALSE;
      for (gsize j = 0; j < i; j++)
        {
          const float *other = factor->lower + j * n;
          row[j] = (row[j] - vec->dot (row, other, j)) / other[j];
        }
      float pivot = row[i] - vec->dot (row, row, i);
      if (!(pivot > 0) || !isfinite (pivot))
        return FALSE;
      row[i] = sqrtf (pivot);
      for (gsize j = 0; j <= i; j++)
        factor->upper[j * n + i] = row[j];
    }
  return TRUE;
}

/* x = M^-1 x. */
static void
solve (const Factor *factor, float *x)
{
  const KnVecFamily *vec = &kn_table ()->vec;
  gsize n = factor->n;

  for (gsize i = 0; i < n; i++)
    {
      const float *row = factor->lower + i * n;
      x[i] = (x[i] - vec->dot (row, x, i)) / row[i];
    }
  for (gsize i = n; i-- > 0;)
    {
      const float *row = factor->upper + i * n;
      x[i] = (x[i] - vec->dot (row + i + 1, x + i + 1, n - i - 1)) / row[i];
    }
}

/* M_kk with its damping. */
static void
take_moments (Factor *factor, const float *moments, gsize n, const guint32 *kept, double damping)
{
  double trace = 0;

  for (gsize i = 0; i < factor->n; i++)
    trace += (double)moments[kept[i] * n + kept[i]];
  for (gsize i = 0; i < factor->n; i++)
    {
      for (gsize j = 0; j < factor->n; j++)
        factor->lower[i * factor->n + j] = moments[kept[i] * n + kept[j]];
      factor->lower[i * factor->n + i] += (float)(damping * trace / (double)factor->n);
    }
}

static gsize
list_gone (gsize n, const guint32 *kept, gsize n_kept, guint32 *gone)
{
  gsize n_gone = 0, at = 0;
  for (guint32 i = 0; i < n; i++)
    {
      if (at < n_kept && kept[at] == i)
        at++;
      else
        gone[n_gone++] = i;
    }
  return n_gone;
}

gboolean
eng_prune_refit (const float *matrix, gsize n_rows, gsize n, const float *moments,
                 const guint32 *kept, gsize n_kept, double damping,
                 gboolean (*is_cancelled) (gpointer data), gpointer data, float *refitted)
{
  const KnVecFamily *vec = &kn_table ()->vec;
  Factor factor = { .n = n_kept, .is_cancelled = is_cancelled, .data = data };
  g_autofree guint32 *gone = g_new (guint32, n + 1);
  gsize n_gone = list_gone (n, kept, n_kept, gone);
  g_autofree float *cross = g_new (float, n_kept *n_gone + 1); /* M_kg [n_kept][n_gone] */
  g_autofree float *weights = g_new (float, n_gone + 1);
  g_autofree float *lower = g_new (float, n_kept *n_kept + 1);
  g_autofree float *upper = g_new0 (float, n_kept *n_kept + 1);

  factor.lower = lower;
  factor.upper = upper;
  take_moments (&factor, moments, n, kept, damping);
  if (!factorize (&factor))
    return FALSE;
  for (gsize i = 0; i < n_kept; i++)
    for (gsize j = 0; j < n_gone; j++)
      cross[i * n_gone + j] = moments[kept[i] * n + gone[j]];
  for (gsize r = 0; r < n_rows; r++)
    {
      const float *row = matrix + r * n;
      float *out = refitted + r * n_kept;
      if (cancelled (&factor))
        return FALSE;
      for (gsize j = 0; j < n_gone; j++)
        weights[j] = row[gone[j]];
      for (gsize i = 0; i < n_kept; i++)
        out[i] = vec->dot (cross + i * n_gone, weights, n_gone);
      solve (&factor, out);
      for (gsize i = 0; i < n_kept; i++)
        out[i] += row[kept[i]];
    }
  return TRUE;
}
