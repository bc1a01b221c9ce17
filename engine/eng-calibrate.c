/* Watching a float network while it runs calibration samples. Called by the technique of 8-bit
 * integers, from the lowering. What ranges follow from a histogram is in eng-histogram.c. */
#include "eng-calibrate.h"

#include <math.h>

#include "data/eng-data-set.h"
#include "eng-error.h"
#include "tasks/eng-task.h"

typedef struct
{
  gboolean is_known; /* seen, and all of it finite */
  gboolean is_spoilt;
  float low, high;
  gsize n_channels;
  guint64 n_rows;
  double *sums;
  float *means;
  EngHistogram histogram;
} Seen;

struct _EngCalibration
{
  gatomicrefcount ref_count;
  guint n_samples;
  GHashTable *values; /* name -> Seen */
  GHashTable *nodes;  /* name -> GStrv of its inputs' names, "" where it has none */
};

static void
seen_free (gpointer data)
{
  Seen *seen = data;
  g_free (seen->sums);
  g_free (seen->means);
  g_free (seen);
}

EngCalibration *
eng_calibration_ref (EngCalibration *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_calibration_unref (EngCalibration *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_hash_table_unref (self->values);
  g_hash_table_unref (self->nodes);
  g_free (self);
}

/* ---- watching ---- */

static Seen *
seen_of (EngCalibration *self, const char *name, gsize n_channels)
{
  Seen *seen = g_hash_table_lookup (self->values, name);
  if (seen != NULL)
    return seen;
  seen = g_new0 (Seen, 1);
  seen->n_channels = n_channels;
  seen->sums = g_new0 (double, n_channels);
  g_hash_table_insert (self->values, g_strdup (name), seen);
  return seen;
}

static void
watch_value (EngCalibration *self, const char *name, const float *values, gsize n, gsize n_channels)
{
  Seen *seen = seen_of (self, name, n_channels);
  float low = INFINITY, high = -INFINITY, check = 0;

  for (gsize i = 0; i < n; i++)
    {
      low = MIN (low, values[i]);
      high = MAX (high, values[i]);
      check += values[i] * 0; /* NaN as soon as one is not finite */
    }
  if (n == 0 || seen->is_spoilt)
    return;
  if (!(check == 0))
    {
      seen->is_spoilt = TRUE;
      seen->is_known = FALSE;
      return;
    }
  seen->low = seen->is_known ? MIN (seen->low, low) : low;
  seen->high = seen->is_known ? MAX (seen->high, high) : high;
  seen->is_known = TRUE;
  eng_histogram_add (&seen->histogram, values, n, low, high);
  if (seen->n_channels != n_channels)
    return; /* its last dimension follows the input's size: it has no channels */
  for (gsize i = 0; i < n; i += n_channels)
    for (gsize c = 0; c < n_channels; c++)
      seen->sums[c] += (double)values[i + c];
  seen->n_rows += n / n_channels;
}

static void
watch (EngCalibration *self, const EngTaskRun *run)
{
  for (RtValueId id = 0; id < rt_graph_n_values (run->graph); id++)
    {
      const RtValue *value = rt_graph_value (run->graph, id);
      RtShape shape;
      if (value->kind == RT_VALUE_WEIGHT || value->type != RT_TYPE_F32)
        continue;
      rt_exec_value_shape (run->exec, id, &shape);
      const float *data = rt_exec_value (run->exec, id);
      gsize n = rt_shape_n (&shape);
      gsize n_channels = shape.n_dims > 0 ? (gsize)shape.dims[shape.n_dims - 1] : 1;
      if (data != NULL && n_channels > 0)
        watch_value (self, value->name, data, n, n_channels);
    }
}

static gboolean
watch_input (EngCalibration *self, EngTaskRun *run, EngInput *input, GError **error)
{
  if (!eng_task_run_begin (run, input, error))
    return FALSE;
  for (guint step = 0; step < run->n_steps; step++)
    {
      RtError rt_error = { 0 };
      eng_task_run_feed (run, step);
      if (!eng_task_run_infer (run, &rt_error))
        return eng_error_take_rt (&rt_error, error);
      watch (self, run);
      eng_task_run_collect (run, step);
    }
  eng_result_unref (eng_task_run_finish (run));
  self->n_samples++;
  return TRUE;
}

static void
remember_nodes (EngCalibration *self, const RtGraph *graph)
{
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      char **names = g_new0 (char *, node->n_inputs + 1);
      for (guint k = 0; k < node->n_inputs; k++)
        names[k] = g_strdup (
            node->inputs[k] != RT_NONE ? rt_graph_value (graph, node->inputs[k])->name : "");
      g_hash_table_insert (self->nodes, g_strdup (node->name), names);
    }
}

static void
finish_means (EngCalibration *self)
{
  GHashTableIter iter;
  gpointer data;

  g_hash_table_iter_init (&iter, self->values);
  while (g_hash_table_iter_next (&iter, NULL, &data))
    {
      Seen *seen = data;
      seen->means = g_new (float, seen->n_channels);
      for (gsize c = 0; c < seen->n_channels; c++)
        seen->means[c] = (float)(seen->n_rows > 0 ? seen->sums[c] / (double)seen->n_rows : 0);
    }
}

static gboolean
run_set (EngCalibration *self, EngBuild *build, EngDataSet *set, guint max_samples, EngJob *job,
         GError **error)
{
  GCancellable *cancellable = job != NULL ? eng_job_get_cancellable (job) : NULL;
  guint n = eng_data_set_get_n (set), n_used = MIN (n, max_samples);
  g_autoptr (EngTaskRun) run = NULL;
  g_autoptr (GError) local = NULL;
  EngSample sample;

  for (guint i = 0; eng_data_set_next (set, &sample, cancellable, &local); i++)
    {
      g_autoptr (GBytes) bytes = sample.bytes;
      g_autofree char *base = g_path_get_basename (sample.name);
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      /* Evenly over the set: sets are often sorted by class. */
      if ((guint64)(i + 1) * n_used / n == (guint64)i * n_used / n)
        continue;
      g_autoptr (EngInput) input = eng_input_from_bytes (bytes, base, error);
      if (input != NULL && run == NULL)
        {
          run = eng_task_run_new (build, eng_input_get_kind (input), error);
          if (run != NULL)
            remember_nodes (self, run->graph);
        }
      if (input == NULL || run == NULL || !watch_input (self, run, input, error))
        {
          g_prefix_error (error, "Calibration with %s: ", sample.name);
          return FALSE;
        }
      if (job != NULL)
        eng_job_report (job, "Calibrating", (double)self->n_samples / n_used);
    }
  if (local == NULL)
    return TRUE;
  g_propagate_prefixed_error (error, g_steal_pointer (&local), "Calibration: ");
  return FALSE;
}

EngCalibration *
eng_calibration_new (EngBuild *build, const char *path, guint max_samples, EngJob *job,
                     GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && path != NULL && max_samples > 0, NULL);

  g_autoptr (EngDataSet) set
      = eng_data_set_open (path, NULL, job != NULL ? eng_job_get_cancellable (job) : NULL, error);
  if (set == NULL)
    {
      g_prefix_error (error, "Calibration: ");
      return NULL;
    }
  g_autoptr (EngCalibration) self = g_new0 (EngCalibration, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, seen_free);
  self->nodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_strfreev);
  if (!run_set (self, build, set, max_samples, job, error))
    return NULL;
  if (self->n_samples == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "Calibration: %s has no samples", path);
      return NULL;
    }
  finish_means (self);
  return g_steal_pointer (&self);
}

/* ---- asking ---- */

guint
eng_calibration_get_n_samples (EngCalibration *self)
{
  return self->n_samples;
}

const char *
eng_calibration_get_input (EngCalibration *self, const char *node, guint slot)
{
  char **names = g_hash_table_lookup (self->nodes, node);
  return names != NULL && slot < g_strv_length (names) ? names[slot] : NULL;
}

gboolean
eng_calibration_get_range (EngCalibration *self, const char *value, EngRangeMethod method,
                           double percentile, float *low, float *high)
{
  const Seen *seen = g_hash_table_lookup (self->values, value);
  if (seen == NULL || !seen->is_known)
    return FALSE;
  *low = seen->low;
  *high = seen->high;
  eng_histogram_range (&seen->histogram, method, percentile, low, high);
  return TRUE;
}

const float *
eng_calibration_get_means (EngCalibration *self, const char *value, gsize n_channels)
{
  const Seen *seen = g_hash_table_lookup (self->values, value);
  return seen != NULL && seen->is_known && seen->n_channels == n_channels && seen->n_rows > 0
             ? seen->means
             : NULL;
}
