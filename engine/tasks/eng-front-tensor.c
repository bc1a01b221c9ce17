/* Front end: tensors as they are. One file is the first input; the others are zero, unless there is
 * only one. */
#include "tasks/eng-tasks.h"

#include <string.h>

#include "eng-error.h"

static gboolean
feed_array (EngTaskRun *run, guint index, EngArray *array, const char *name, GError **error)
{
  const RtValue *value = rt_graph_value (run->graph, run->inputs[index]);
  guint64 n = rt_shape_n (&value->shape);
  int type = eng_array_get_type_of_elements (array);

  if (eng_array_get_n (array) != n)
    {
      char a[128], b[128];
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE, "%s is %s; input %s is %s", name,
                   rt_shape_text (eng_array_get_shape (array), a, sizeof a), value->name,
                   rt_shape_text (&value->shape, b, sizeof b));
      return FALSE;
    }
  const void *data = eng_array_get_data (array);
  if (type == value->type)
    {
      rt_exec_set_input (run->exec, run->inputs[index], data);
      return TRUE;
    }
  /* Real numbers for a quantized input are quantized; other types are converted. */
  g_autofree float *floats = g_new (float, n + 1);
  for (guint64 i = 0; i < n; i++)
    floats[i] = (float)eng_element_get (type, data, i);
  eng_task_feed_floats (run, index, floats, n);
  return TRUE;
}

static gboolean
feed_bytes (EngTaskRun *run, GBytes *bytes, const char *name, GError **error)
{
  const RtValue *value = rt_graph_value (run->graph, run->inputs[0]);
  guint64 n = rt_shape_n (&value->shape);

  /* Integers of a data set for the float twin of a quantized network: the card says what they stand
   * for. */
  double scale = eng_card_number (eng_card_get_task_options (run->card), "bytes_scale", 1);
  double zero = eng_card_number (eng_card_get_task_options (run->card), "bytes_zero_point", 0);
  if (value->type == RT_TYPE_F32 && g_bytes_get_size (bytes) == n)
    {
      const gint8 *codes = g_bytes_get_data (bytes, NULL);
      g_autofree float *floats = g_new (float, n + 1);
      for (guint64 i = 0; i < n; i++)
        floats[i] = (float)(scale * (codes[i] - zero));
      rt_exec_set_input (run->exec, run->inputs[0], floats);
      return TRUE;
    }
  g_autoptr (EngArray) array = eng_array_from_raw (bytes, value->type, &value->shape, name, error);
  if (array == NULL)
    return FALSE;
  rt_exec_set_input (run->exec, run->inputs[0], eng_array_get_data (array));
  return TRUE;
}

static gboolean
begin (EngTaskRun *run, EngInput *input, GError **error)
{
  for (guint i = 0; i < run->n_inputs; i++)
    {
      const RtValue *value = rt_graph_value (run->graph, run->inputs[i]);
      guint64 n = rt_shape_n (&value->shape);
      g_autofree guint8 *data = g_malloc0 (n * rt_type_bytes (value->type) + 1);
      if (eng_input_get_kind (input) == ENG_INPUT_RANDOM)
        eng_task_fill_random (value->type, data, n, eng_input_get_seed (input) + i);
      rt_exec_set_input (run->exec, run->inputs[i], data);
    }
  if (run->n_inputs == 0 || eng_input_get_kind (input) == ENG_INPUT_RANDOM)
    return TRUE;
  if (eng_input_get_kind (input) == ENG_INPUT_ARRAY)
    return feed_array (run, 0, eng_input_get_array (input), eng_input_get_name (input), error);
  return feed_bytes (run, eng_input_get_bytes (input), eng_input_get_name (input), error);
}

/* The executor keeps what begin () gave it. */
static void
feed (EngTaskRun *run, guint step)
{
}

const EngFront eng_front_tensor = {
  .id = "tensor",
  .title = "Tensors",
  .inputs = 1 << ENG_INPUT_ARRAY | 1 << ENG_INPUT_BYTES,
  .begin = begin,
  .feed = feed,
};
