/* A text's perplexity on a board is the one of this computer, to the last bit. */
#include <string.h>

#include <glib/gstdio.h>

#include "devices/eng-devices.h"
#include "eval/eng-evaluate.h"
#include "eval/eng-text-set.h"
#include "push-case.h"
#include "../test-tree.h"

#define SENTENCE                                                                                   \
  "It is a truth universally acknowledged, that a single man in possession of a good "

static EngWorkload *
make_workload (const char *data)
{
  EngWorkload *workload = eng_workload_new_input ((const char *const[]){ data, NULL });

  workload->kind = ENG_WORKLOAD_TEXT;
  workload->labelled = TRUE;
  return workload;
}

static void
test_same_perplexity (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  EngDevice *device = push_case_find_device (devices, "local");
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  char *directory = test_tree_new ();
  g_autofree char *path = g_build_filename (directory, "some.txt", NULL);
  const EngPushOptions options = { .directory = directory };

  /* Several windows, and a last one that is shorter. */
  for (guint i = 0; i < 40; i++)
    g_string_append_printf (text, SENTENCE "fortune of %u must be in want of a wife. ", 17 * i);
  g_assert_true (g_file_set_contents (path, text->str, -1, &error));
  if (device != NULL)
    {
      g_autoptr (EngWorkload) workload = make_workload (path);
      EngEvalOptions here_options = { .data = path };
      g_autoptr (EngEvaluation) here = eng_evaluate (build, NULL, &here_options, NULL, &error);
      g_assert_no_error (error);
      g_autoptr (EngRun) run
          = eng_push_run (device, build, workload, NULL, NULL, NULL, &options, NULL, NULL, &error);
      g_assert_no_error (error);
      EngEvaluation *there = eng_run_get_evaluation (run);
      g_assert_nonnull (there);
      g_assert_cmpuint (eng_evaluation_get_n_metrics (there), >=, 2);
      g_assert_cmpuint (eng_evaluation_get_n_metrics (there), ==,
                        eng_evaluation_get_n_metrics (here));
      for (guint i = 0; i < eng_evaluation_get_n_metrics (there); i++)
        {
          const EngEvalMetric *a = eng_evaluation_get_metric (here, i);
          const EngEvalMetric *b = eng_evaluation_get_metric (there, i);
          g_assert_cmpstr (a->metric, ==, b->metric);
          g_assert_true (a->whole.value.available);
          g_assert_cmpmem (&a->whole.value.value, sizeof (double), &b->whole.value.value,
                           sizeof (double));
          g_assert_cmpuint (a->whole.value.n, ==, b->whole.value.n);
          g_assert_cmpfloat (a->whole.value.low, ==, b->whole.value.low);
          g_assert_cmpfloat (a->whole.value.high, ==, b->whole.value.high);
        }
      g_assert_true (eng_run_get_figure (run, ENG_FIGURE_PERPLEXITY).available);
      g_assert_false (eng_run_get_figure (run, ENG_FIGURE_PREFILL).available);
    }
  test_tree_free (directory);
}

/* What a board is not asked is said before anything is sent. */
static void
test_questions (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  EngDevice *device = push_case_find_device (devices, "local");
  g_autoptr (EngWorkload) workload = make_workload (ENG_BUNDLED_QUESTIONS);
  g_autoptr (GError) error = NULL;

  if (device == NULL)
    return;
  g_assert_null (
      eng_push_run (device, build, workload, NULL, NULL, NULL, NULL, NULL, NULL, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "questions"));
}

int
main (int argc, char **argv)
{
  char *home = push_case_new_home ();

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/push-texts/same-perplexity", test_same_perplexity);
  g_test_add_func ("/push-texts/questions", test_questions);
  const int status = g_test_run ();
  test_tree_free (home);
  return status;
}
