/* Task: how far the output of an autoencoder is from its input: the mean squared difference
 * (Koizumi et al. 2019, equation 3), as nodes behind the network. A sound has one per window; its
 * score is their mean.
 *
 * Card: "threshold". */
#include "tasks/eng-tasks.h"

#include <math.h>

#include "eng-error.h"
#include "eng-result-private.h"
#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"

/* ---- Making ---- */

static RtValueId
add_real (EngSurround *s, const char *name, RtValueId value, GError **error)
{
  if (value == RT_NONE || rt_graph_value (s->graph, value)->quant == NULL)
    return value;
  return eng_surround_add (s, TRUE, name, "dequantize", &value, 1, NULL, error);
}

static gboolean
surround (EngSurround *s, GError **error)
{
  if (s->imported->n_inputs != 1 || s->imported->n_outputs != 1
      || rt_shape_n (&eng_surround_input (s, 0)->shape)
             != rt_shape_n (&eng_surround_output (s, 0)->shape))
    {
      g_set_error (
          error, ENG_ERROR, ENG_ERROR_FORMAT,
          "The network card %s calls this an autoencoder; its output is not of its input's "
          "size",
          eng_card_get_origin (s->card));
      return FALSE;
    }
  RtReduceAttrs all = { 0 };
  RtValueId both[2]
      = { add_real (s, "lathe.real_input", s->map[s->imported->inputs[0].value], error),
          add_real (s, "lathe.real_output", s->outputs[0], error) };
  RtValueId value
      = eng_surround_add (s, TRUE, "lathe.difference", "squared_difference", both, 2, NULL, error);
  value = eng_surround_add (s, TRUE, "lathe.error", "reduce_mean", &value, 1, &all, error);
  return eng_surround_set_outputs (s, &value, 1);
}

/* ---- Running ---- */

static void
errors_free (gpointer data)
{
  g_array_unref (data);
}

static gboolean
begin (EngTaskRun *run, GError **error)
{
  eng_task_set_task_data (run, g_array_new (FALSE, FALSE, sizeof (double)), errors_free);
  return TRUE;
}

/* Tensors go to the bare network: its input is what was fed. */
static double
bare_error (EngTaskRun *run)
{
  const RtValue *input = rt_graph_value (run->graph, run->inputs[0]);
  const void *data = rt_exec_value (run->exec, run->inputs[0]);
  gsize n;
  g_autofree float *output = eng_task_dup_output (run, 0, &n, NULL);
  double sum = 0;

  if (data == NULL || rt_shape_n (&input->shape) != n || n == 0)
    return NAN;
  for (gsize i = 0; i < n; i++)
    {
      double v = eng_element_get (input->type, data, i);
      if (input->quant != NULL && input->quant->n == 1)
        v = (double)input->quant->scales[0] * (v - input->quant->zero_points[0]);
      sum += (v - (double)output[i]) * (v - (double)output[i]);
    }
  return sum / (double)n;
}

static void
collect (EngTaskRun *run, guint step)
{
  double value = run->bare ? bare_error (run)
                           : (double)*(const float *)rt_exec_value (run->exec, run->outputs[0]);
  if (step >= run->n_warm)
    g_array_append_val ((GArray *)run->task_data, value);
}

static EngResult *
finish (EngTaskRun *run)
{
  const GArray *errors = run->task_data;
  double threshold = eng_card_number (eng_card_get_task_options (run->card), "threshold", NAN);
  double sum = 0;
  EngResult *result
      = eng_result_new (errors->len > 1 ? ENG_RESULT_SERIES : ENG_RESULT_SCORE, run->input);

  for (guint i = 0; i < errors->len; i++)
    sum += g_array_index (errors, double, i);
  if (errors->len > 1)
    {
      eng_result_add_series (result, "reconstruction error", (const double *)(void *)errors->data,
                             errors->len);
      eng_result_set_series_times (result, run->start_s, run->step_s);
    }
  eng_result_set_value (result, errors->len > 0 ? sum / errors->len : NAN, threshold);
  return result;
}

const EngTask eng_task_anomaly = {
  .id = "anomaly",
  .title = "Anomaly score",
  .surround = surround,
  .begin = begin,
  .collect = collect,
  .finish = finish,
};
