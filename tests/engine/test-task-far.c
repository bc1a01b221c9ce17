/* A network with its two ends apart: front end and task on graphs of their own, the bare build
 * between them. For every network of the test data: the same outputs, bit for bit, and the same
 * words, as the network with its surroundings in one graph. */
#include <string.h>

#include "eng-error.h"
#include "eng-test.h"
#include "tasks/eng-task.h"

typedef struct
{
  EngBuild *bare;
  guint n_calls;
} Elsewhere;

/* Here, elsewhere is the bare build on this computer. */
static gboolean
infer (EngTaskRun *run, const guint8 *inputs, gsize n_bytes, guint8 *const *outputs,
       gpointer user_data, RtError *error)
{
  Elsewhere *self = user_data;
  const RtGraph *graph = eng_build_get_graph (self->bare);
  RtExec *exec = eng_build_get_exec (self->bare);
  int64_t maxima[RT_N_SYMBOLS];
  gsize at = 0;

  eng_build_get_max_symbols (self->bare, maxima);
  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    {
      const RtValue *value = rt_graph_value (graph, id);
      if (value->kind != RT_VALUE_INPUT)
        continue;
      rt_exec_set_input (exec, id, inputs + at);
      at += rt_value_bytes (value, maxima);
    }
  g_assert_cmpuint (at, ==, n_bytes);
  if (!rt_exec_infer (exec, NULL, RT_PHASE_INFERENCE, error))
    return FALSE;
  for (guint i = 0; i < eng_task_far_n_outputs (run); i++)
    {
      RtValueId id = rt_graph_find_value (graph, eng_task_far_output_name (run, i));
      memcpy (outputs[i], rt_exec_value (exec, id), eng_task_far_output_bytes (run, i));
    }
  self->n_calls++;
  return TRUE;
}

static void
compare (EngModel *model, EngInput *input)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  Elsewhere elsewhere = { .bare = eng_build_get_bare (build, &error) };
  g_autoptr (EngTaskRun) here = eng_task_run_new (build, eng_input_get_kind (input), &error);
  g_assert_no_error (error);
  g_autoptr (EngTaskRun) far
      = eng_task_run_new_far (build, eng_input_get_kind (input), infer, &elsewhere, &error);
  /* One task works on what its front end computed: no board can run such a network alone. */
  if (g_str_equal (eng_card_get_task (eng_model_get_card (model)), "denoise")
      && g_error_matches (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED))
    {
      g_test_skip (error->message);
      return;
    }
  g_assert_no_error (error);

  for (guint round = 0; round < 2; round++) /* states begin again */
    {
      g_autoptr (EngResult) a = eng_task_run_all (here, input, &error);
      g_assert_no_error (error);
      if (elsewhere.bare != build || round == 0)
        rt_exec_reset_state (eng_build_get_exec (elsewhere.bare));
      g_autofree float *x = NULL, *y = NULL;
      gsize n, m;
      guint n_outputs = here->n_outputs;
      g_autoptr (GPtrArray) outputs = g_ptr_array_new_with_free_func (g_free);
      g_autoptr (GArray) sizes = g_array_new (FALSE, FALSE, sizeof (gsize));
      for (guint i = 0; i < n_outputs; i++)
        {
          g_ptr_array_add (outputs, eng_task_dup_output (here, i, &n, NULL));
          g_array_append_val (sizes, n);
        }
      rt_exec_reset_state (eng_build_get_exec (elsewhere.bare));
      g_autoptr (EngResult) b = eng_task_run_all (far, input, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (far->n_outputs, ==, n_outputs);
      for (guint i = 0; i < n_outputs; i++)
        {
          g_autofree float *other = eng_task_dup_output (far, i, &m, NULL);
          g_assert_cmpmem (other, m * sizeof *other, outputs->pdata[i],
                           g_array_index (sizes, gsize, i) * sizeof *other);
        }
      g_autofree char *words = eng_result_dup_text (a), *others = eng_result_dup_text (b);
      g_assert_cmpstr (words, ==, others);
    }
  g_assert_cmpuint (elsewhere.n_calls, ==, 2 * far->n_steps);
}

static void
test_network (gconstpointer data)
{
  g_autofree char *path = eng_test_data_or_skip (data);
  g_autoptr (GError) error = NULL;
  if (path == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autoptr (EngInput) input = eng_input_new_random (7);

  compare (model, input);
}

/* Every network file below the test data's folders of @kind. */
static void
add_folder (const char *root, const char *folder)
{
  g_autofree char *path = g_build_filename (root, folder, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *inner = g_build_filename (folder, name, NULL);
      g_autofree char *full = g_build_filename (root, inner, NULL);
      if (g_file_test (full, G_FILE_TEST_IS_DIR))
        add_folder (root, inner);
      else if (g_str_has_suffix (name, ".tflite") || g_str_has_suffix (name, ".onnx"))
        {
          g_autofree char *test = g_strdup_printf ("/task-far/%s", inner);
          g_test_add_data_func_full (test, g_steal_pointer (&inner), test_network, g_free);
        }
    }
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  const char *data = g_getenv ("LATHE_TEST_DATA");
  g_autofree char *root = data != NULL ? g_strdup (data)
                                       : g_build_filename (g_getenv ("LATHE_SOURCE_ROOT"), "..",
                                                           "shared", "models", NULL);
  add_folder (root, "vision");
  add_folder (root, "audio");
  g_test_add_data_func ("/task-far/kws", "audio/kws/kws_ref_model.tflite", test_network);
  return g_test_run ();
}
