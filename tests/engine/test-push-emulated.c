/* Pushes to machines of other instruction sets, for real: an aarch64 board whose runner QEMU runs,
 * and microcontrollers of emulated boards. Texts, results and accuracies are this computer's
 * own. */
#include <string.h>

#include "../test-tree.h"
#include "devices/eng-runners.h"
#include "eng-error.h"
#include "eval/eng-evaluate.h"
#include "mcu/eng-mcu.h"
#include "push-case.h"

static PushCase own;

static EngRun *
push_arm (EngBuild *what, const EngWorkload *workload, GError **error)
{
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  EngDevice *arm = eng_devices_find (devices, "virtual-aarch64");

  return eng_push_run (arm, what, workload, NULL, NULL, NULL, NULL, NULL, NULL, error);
}

static gboolean
has_arm (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *runner = eng_runner_find ("aarch64", &error);
  g_autofree char *qemu = g_find_program_in_path ("qemu-aarch64-static");

  if (runner != NULL && qemu != NULL)
    return TRUE;
  g_test_skip (runner == NULL ? error->message : "qemu-aarch64-static is not installed");
  return FALSE;
}

static void
test_arm_text (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngWorkload) workload = push_case_workload (0.05);
  if (!has_arm ())
    return;
  g_autoptr (EngRun) run = push_arm (own.build, workload, &error);
  push_case_check_complete (&own, run, error);
  g_assert_true (push_case_mentions (eng_run_get_reasons (run), "emulator"));
}

/* The float outputs of the last input, of which there is one. */
static void
check_network (const char *file, const char *input)
{
  g_autofree char *path = eng_test_data_or_skip (file);
  g_autofree char *input_path
      = input != NULL && path != NULL ? eng_test_data_or_skip (input) : NULL;
  g_autoptr (GError) error = NULL;
  if (path == NULL || (input != NULL && input_path == NULL) || !has_arm ())
    return;
  g_autoptr (EngModel) network = eng_test_load (path);
  g_autoptr (EngBuild) its = eng_test_build (network, "{}", NULL);
  const char *const inputs[] = { input_path, NULL };
  g_autoptr (EngWorkload) workload = eng_workload_new_input (input != NULL ? inputs : NULL);
  workload->budget_s = 0.1;
  g_autoptr (EngRun) here = eng_run_infer (its, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngRun) there = push_arm (its, workload, &error);
  g_assert_no_error (error);
  g_assert_nonnull (eng_run_get_result (there));
  /* Words with all their digits; the bits behind them are compared in test-task-far. */
  g_assert_cmpstr (eng_run_get_text (there), ==, eng_run_get_text (here));
  EngFigure pre = eng_run_get_figure (there, ENG_FIGURE_PREPROCESSING);
  g_assert_false (pre.available);
  g_assert_nonnull (strstr (pre.reason, "on this computer"));
}

static void
test_arm_network (void)
{
  check_network ("audio/kws/kws_ref_model.tflite", "audio/kws/yes_1000ms.wav");
}

static void
test_arm_picture (void)
{
  check_network ("vision/imagenet/mobilenet_v1_0.25_128_quant.tflite", "vision/images/parrot.jpg");
}

/* ---- Accuracy, sample by sample ---- */

/* On a labelled set, every figure of the accuracy is that of this computer. */
static void
check_accuracy (const char *id)
{
  g_autofree char *path = eng_test_data_or_skip ("audio/kws/kws_ref_model.tflite");
  g_autofree char *data = path != NULL ? eng_test_data_or_skip ("data/kws01.tar.gz") : NULL;
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  g_autoptr (GError) error = NULL;
  EngDevice *device = data != NULL ? push_case_find_device (devices, id) : NULL;
  if (device == NULL)
    return;
  g_autoptr (EngModel) network = eng_test_load (path);
  g_autoptr (EngBuild) its = eng_test_build (network, "{}", NULL);
  const char *const inputs[] = { data, NULL };
  g_autoptr (EngWorkload) workload = eng_workload_new_input (inputs);
  EngEvalOptions options = { .data = data };

  workload->labelled = TRUE;
  g_autoptr (EngEvaluation) here = eng_evaluate (its, NULL, &options, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngRun) there
      = eng_push_run (device, its, workload, NULL, NULL, NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  EngEvaluation *theirs = eng_run_get_evaluation (there);
  g_assert_nonnull (theirs);
  g_assert_cmpuint (eng_evaluation_get_n_samples (theirs), >, 500);
  g_assert_cmpuint (eng_evaluation_get_n_samples (theirs), ==, eng_evaluation_get_n_samples (here));
  for (guint i = 0; i < eng_evaluation_get_n_metrics (here); i++)
    g_assert_cmpfloat (eng_evaluation_get_metric (theirs, i)->whole.value.value, ==,
                       eng_evaluation_get_metric (here, i)->whole.value.value);
  g_assert_true (eng_run_get_figure (there, ENG_FIGURE_ACCURACY).available);
  g_assert_true (push_case_mentions (eng_run_get_reasons (there), "emulator"));
}

static void
test_arm_accuracy (void)
{
  if (has_arm ())
    check_accuracy ("virtual-aarch64");
}

static void
test_cortex_m_accuracy (void)
{
  check_accuracy ("virtual-cortex-m4");
}

/* So much RAM as is allowed there: the first layers run in patches, which the run tells and the
 * result does not; where not even those fit, nothing is made. */
static void
test_cortex_m_patches (void)
{
  g_autofree char *path = eng_test_data_or_skip ("audio/kws/kws_ref_model.tflite");
  g_autofree char *input = path != NULL ? eng_test_data_or_skip ("audio/kws/yes_1000ms.wav") : NULL;
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  g_autoptr (GError) error = NULL;
  EngDevice *device = input != NULL ? push_case_find_device (devices, "virtual-cortex-m4") : NULL;
  if (device == NULL)
    return;
  g_autoptr (EngModel) network = eng_test_load (path);
  g_autoptr (EngBuild) its = eng_test_build (network, "{}", NULL);
  const char *const inputs[] = { input, NULL };
  g_autoptr (EngWorkload) workload = eng_workload_new_input (inputs);
  workload->budget_s = 0.05;
  g_autoptr (EngRun) here = eng_run_infer (its, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngRun) plain
      = eng_push_run (device, its, workload, NULL, NULL, NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (push_case_mentions (eng_run_get_notes (plain), "patches"));

  eng_device_set_setting (device, ENG_MCU_RAM_SETTING, "21500"); /* 16,256 of arena and the rest */
  g_autoptr (EngRun) patched
      = eng_push_run (device, its, workload, NULL, NULL, NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (push_case_mentions (eng_run_get_notes (patched), "patches"));
  g_assert_cmpstr (eng_run_get_text (patched), ==, eng_run_get_text (here));
  g_assert_cmpstr (eng_run_get_text (plain), ==, eng_run_get_text (here));
  g_assert_cmpfloat (eng_run_get_figure (patched, ENG_FIGURE_NETWORK).value, >,
                     1.3 * eng_run_get_figure (plain, ENG_FIGURE_NETWORK).value);

  eng_device_set_setting (device, ENG_MCU_RAM_SETTING, "12000");
  g_assert_null (eng_push_run (device, its, workload, NULL, NULL, NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_MEMORY);
  g_assert_nonnull (strstr (error->message, "allow"));
}

/* What no microcontroller runs is said before anything is made. */
static void
test_cortex_m_text (void)
{
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  g_autoptr (EngWorkload) workload = push_case_workload (0.05);
  g_autoptr (GError) error = NULL;
  EngDevice *device = push_case_find_device (devices, "virtual-cortex-m4");
  if (device == NULL)
    return;
  g_assert_null (
      eng_push_run (device, own.build, workload, NULL, NULL, NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED);
}

int
main (int argc, char **argv)
{
  char *home = push_case_new_home ();

  g_test_init (&argc, &argv, NULL);
  push_case_init (&own, "{}");
  g_test_add_func ("/push-emulated/arm/text", test_arm_text);
  g_test_add_func ("/push-emulated/arm/network", test_arm_network);
  g_test_add_func ("/push-emulated/arm/picture", test_arm_picture);
  g_test_add_func ("/push-emulated/arm/accuracy", test_arm_accuracy);
  g_test_add_func ("/push-emulated/cortex-m/accuracy", test_cortex_m_accuracy);
  g_test_add_func ("/push-emulated/cortex-m/patches", test_cortex_m_patches);
  g_test_add_func ("/push-emulated/cortex-m/text", test_cortex_m_text);
  const int status = g_test_run ();
  push_case_clear (&own);
  test_tree_free (home);
  return status;
}
