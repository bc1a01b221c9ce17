/* Where near zero begins, channel by channel, from what channels were on the calibration text.
 * Called by the technique of activation sparsity; knows no graph. */
#include "eng-skip.h"

#include <math.h>

#include "eng-error.h"
#include "kn-quant.h"

/* Points of each channel's distribution that a common threshold is searched in. */
#define N_POINTS 24

/* The length of every column of the file's matrix. */
double *
eng_skip_column_lengths (EngModel *model, const EngTensor *tensor)
{
  const RtValue *value = rt_graph_value (eng_model_get_graph (model), tensor->value);
  gsize row_bytes = kn_row_bytes ((KnDtype)tensor->dtype, tensor->n_cols);
  g_autofree float *row = g_new (float, tensor->n_cols);
  double *lengths = g_new0 (double, tensor->n_cols);

  for (guint64 r = 0; r < tensor->n_rows; r++)
    {
      kn_dequantize_row ((KnDtype)tensor->dtype, (const guint8 *)value->data + r * row_bytes, row,
                         tensor->n_cols);
      for (guint64 c = 0; c < tensor->n_cols; c++)
        lengths[c] += (double)row[c] * (double)row[c];
    }
  for (guint64 c = 0; c < tensor->n_cols; c++)
    lengths[c] = sqrt (lengths[c]);
  return lengths;
}

/* The share of a channel's values below @x, from its quantiles at 1, 2, .. N_POINTS of N_POINTS. */
static double
share_below (const float *quantiles, double x)
{
  double before = 0;

  for (guint i = 0; i < N_POINTS; i++)
    {
      double at = (double)quantiles[i];
      if (x < at)
        return (i + (at > before ? (x - before) / (at - before) : 0)) / N_POINTS;
      before = at;
    }
  return 1;
}

/* One T such that |x_c| * lengths[c] < T for @share of all values: bisection; thresholds T /
 * lengths[c]. */
static void
find_thresholds (const float *quantiles, const double *lengths, gsize n, double share,
                 float *thresholds)
{
  double low = 0, high = 0;

  for (gsize c = 0; c < n; c++)
    high = MAX (high, (double)quantiles[c * N_POINTS + N_POINTS - 1] * lengths[c]);
  for (guint step = 0; step < 50; step++)
    {
      double middle = (low + high) / 2, sum = 0;
      for (gsize c = 0; c < n; c++)
        sum += lengths[c] > 0 ? share_below (quantiles + c * N_POINTS, middle / lengths[c]) : 1;
      if (sum < share * (double)n)
        low = middle;
      else
        high = middle;
    }
  for (gsize c = 0; c < n; c++)
    thresholds[c] = lengths[c] > 0 ? (float)(low / lengths[c]) : INFINITY;
}

gboolean
eng_skip_thresholds (EngActivations *activations, const char *name, gsize n, const double *lengths,
                     double share, float *thresholds, GError **error)
{
  EngChannelStats stats;
  float all = 0;

  if (!eng_activations_get_channels (activations, name, &stats) || stats.n_channels != n)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "The calibration has no statistics of %s", name);
      return FALSE;
    }
  if (lengths == NULL)
    {
      eng_activations_get_quantile (activations, name, -1, share, &all);
      for (gsize c = 0; c < n; c++)
        thresholds[c] = all;
      return TRUE;
    }
  g_autofree float *quantiles = g_new0 (float, n *N_POINTS);
  for (gsize c = 0; c < n; c++)
    for (guint i = 0; i < N_POINTS; i++)
      eng_activations_get_quantile (activations, name, (int)c, (i + 1.0) / N_POINTS,
                                    &quantiles[c * N_POINTS + i]);
  find_thresholds (quantiles, lengths, n, share, thresholds);
  return TRUE;
}
