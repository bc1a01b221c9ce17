/* Task: how far the output of an autoencoder is from its input: the mean squared difference
 * (Koizumi et al. 2019, equation 3). Card: "threshold". */
#include "tasks/eng-tasks.h"

#include <math.h>

#include "eng-result-private.h"

static EngResult *
finish (EngTaskRun *run)
{
  const RtValue *input = rt_graph_value (run->graph, run->inputs[0]);
  const void *data = rt_exec_value (run->exec, run->inputs[0]);
  gsize n;
  g_autofree float *output = eng_task_dup_output (run, 0, &n, NULL);
  double sum = 0;

  if (data == NULL || rt_shape_n (&input->shape) != n || n == 0)
    return eng_task_tensor.finish (run);
  for (gsize i = 0; i < n; i++)
    {
      double v = eng_element_get (input->type, data, i);
      if (input->quant != NULL && input->quant->n == 1)
        v = (double)input->quant->scales[0] * (v - input->quant->zero_points[0]);
      sum += (v - (double)output[i]) * (v - (double)output[i]);
    }
  EngResult *result = eng_result_new (ENG_RESULT_SCORE, run->input);
  eng_result_set_value (result, sum / (double)n,
                        eng_card_number (eng_card_get_task_options (run->card), "threshold", NAN));
  return result;
}

const EngTask eng_task_anomaly = {
  .id = "anomaly",
  .title = "Anomaly score",
  .finish = finish,
};
