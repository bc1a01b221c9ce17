/* Calibration statistics of a matrix on its way: of the columns that it still has, and for what its
 * activations are once they are divided by what its columns were multiplied with. Called from
 * edit() and quantize() of techniques. */
#include <math.h>

#include "eng-activations.h"

static gsize
file_column (const EngMatrix *matrix, gsize c)
{
  return matrix->columns != NULL ? matrix->columns[c] : c;
}

/* What the activation of file column @f is multiplied with. */
static float
gain (const EngMatrix *matrix, gsize f)
{
  return matrix->scales != NULL && matrix->scales[f] != 0 ? 1 / matrix->scales[f] : 1;
}

gboolean
eng_matrix_get_channels (EngActivations *activations, const EngMatrix *matrix,
                         EngMatrixChannels *channels)
{
  EngChannelStats stats;
  gsize n = matrix->n_cols;

  if (!eng_activations_get_channels (activations, matrix->name, &stats))
    return FALSE;
  *channels = (EngMatrixChannels){ .n_tokens = stats.n_tokens, .mean = g_new (float, 3 * n) };
  channels->mean_square = channels->mean + n;
  channels->max_abs = channels->mean + 2 * n;
  for (gsize c = 0; c < n; c++)
    {
      gsize f = file_column (matrix, c);
      float g = gain (matrix, f);
      channels->mean[c] = stats.mean[f] * g;
      channels->mean_square[c] = stats.mean_square[f] * g * g;
      channels->max_abs[c] = stats.max_abs[f] * fabsf (g);
    }
  return TRUE;
}

void
eng_matrix_channels_clear (EngMatrixChannels *channels)
{
  g_free (channels->mean);
  *channels = (EngMatrixChannels){ 0 };
}

float *
eng_matrix_load_hessian (EngActivations *activations, const EngMatrix *matrix, GError **error)
{
  gsize n_file, n = matrix->n_cols;
  g_autofree float *all = eng_activations_load_hessian (activations, matrix->name, &n_file, error);

  if (all == NULL || (matrix->columns == NULL && matrix->scales == NULL))
    return g_steal_pointer (&all);
  g_autofree float *gains = g_new (float, n);
  float *chosen = g_new (float, n *n);
  for (gsize c = 0; c < n; c++)
    gains[c] = gain (matrix, file_column (matrix, c));
  for (gsize i = 0; i < n; i++)
    {
      const float *row = all + file_column (matrix, i) * n_file;
      for (gsize j = 0; j < n; j++)
        chosen[i * n + j] = row[file_column (matrix, j)] * gains[i] * gains[j];
    }
  return chosen;
}
