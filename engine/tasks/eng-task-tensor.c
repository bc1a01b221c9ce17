/* Task: nobody says what the outputs mean: statistics of each. */
#include "tasks/eng-tasks.h"

#include <math.h>

#include "eng-result-private.h"

#define N_FIRST 8

static void
count_bins (EngOutputStats *stats, const float *values, gsize n)
{
  double range = stats->max - stats->min;

  for (gsize i = 0; i < n; i++)
    if (isfinite (values[i]))
      {
        double at = range > 0 ? ((double)values[i] - stats->min) / range * ENG_N_BINS : 0;

        stats->bins[MIN ((guint)at, ENG_N_BINS - 1)]++;
      }
}

static void
add_output (EngTaskRun *run, EngResult *result, guint index)
{
  const RtValue *value = rt_graph_value (run->graph, run->outputs[index]);
  gsize n, n_finite = 0;
  RtShape shape;
  g_autofree float *floats = eng_task_dup_output (run, index, &n, &shape);
  double first[N_FIRST], sum = 0, squares = 0;
  EngOutputStats stats = { .name = value->name,
                           .type = value->type,
                           .shape = shape,
                           .min = INFINITY,
                           .max = -INFINITY,
                           .n_first = (guint)MIN (n, N_FIRST),
                           .first = first };

  for (gsize i = 0; i < n; i++)
    {
      double v = (double)floats[i];
      if (i < N_FIRST)
        first[i] = v;
      if (!isfinite (v))
        {
          stats.n_not_finite++;
          continue;
        }
      n_finite++;
      stats.min = MIN (stats.min, v);
      stats.max = MAX (stats.max, v);
      sum += v;
    }
  stats.mean = n_finite > 0 ? sum / (double)n_finite : NAN;
  for (gsize i = 0; i < n; i++)
    if (isfinite (floats[i]))
      squares += ((double)floats[i] - stats.mean) * ((double)floats[i] - stats.mean);
  stats.deviation = n_finite > 0 ? sqrt (squares / (double)n_finite) : NAN;
  count_bins (&stats, floats, n);
  eng_result_add_output (result, &stats);
}

static EngResult *
finish (EngTaskRun *run)
{
  EngResult *result = eng_result_new (ENG_RESULT_TENSORS, run->input);
  for (guint i = 0; i < run->n_outputs; i++)
    add_output (run, result, i);
  return result;
}

const EngTask eng_task_tensor = {
  .id = "tensor",
  .title = "Statistics of the outputs",
  .finish = finish,
};
