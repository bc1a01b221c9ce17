/* Calibration of microcontrollers: the emulated boards run the reference network, then what is
 * expected of real networks is set beside what they really take there. Virtual time repeats, so
 * nothing here depends on load. */
#include <math.h>

#include <gio/gio.h>

#include "../test-tree.h"
#include "devices/eng-board-expect.h"
#include "devices/eng-board-references.h"
#include "eng-error.h"
#include "mcu/eng-mcu-expect.h"

#define KWS "audio/kws/kws_ref_model.tflite"
#define CIFAR "vision/cifar10/pretrainedResnet_quant.tflite"

static char *
data_path (const char *name)
{
  const char *root = g_getenv ("LATHE_TEST_DATA");
  g_autofree char *beside
      = g_build_filename (g_getenv ("LATHE_SOURCE_ROOT"), "..", "shared", "models", NULL);
  return g_build_filename (root != NULL ? root : beside, name, NULL);
}

static gboolean
have_tools (EngDevice *device)
{
  g_autofree char *remedy = NULL;
  g_autoptr (GError) error = NULL;

  if (eng_device_get_transport (device)->check (device, &remedy, &error))
    return TRUE;
  g_test_skip (error->message);
  return FALSE;
}

static EngRun *
push (EngDevice *device, EngBuild *build, const char *folder)
{
  g_autoptr (EngWorkload) workload = eng_workload_new_input (NULL);
  g_autoptr (GError) error = NULL;
  const EngPushOptions options = { .directory = folder };

  workload->budget_s = 0.1;
  EngProfiler *profiler = eng_profiler_new (build, 8);
  EngRun *run
      = eng_push_run (device, build, workload, profiler, NULL, NULL, &options, NULL, NULL, &error);
  g_assert_no_error (error);
  eng_profiler_free (profiler);
  return run;
}

typedef struct
{
  guint n_layers, n_inside;
} Tally;

static void
check_network (EngBoardCalibration *calibration, EngDevice *device, const char *name,
               const char *folder, Tally *tally)
{
  g_autofree char *path = data_path (name);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) model = eng_model_load (path, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  g_autoptr (EngBuild) build = eng_build_new (model, recipe, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngBoardForecast) forecast
      = eng_board_forecast (calibration, device, NULL, model, recipe, build, NULL, &error);
  g_assert_no_error (error);
  const EngBoardPhase *expected = &forecast->phases[RT_PHASE_INFERENCE];
  g_assert_true (expected->is_there && !forecast->phases[RT_PHASE_DECODE].is_there);
  g_autoptr (EngRun) run = push (device, build, folder);
  EngProfile *profile = eng_run_get_profile (run);
  const EngPhaseProfile *took = eng_profile_get_phase (profile, RT_PHASE_INFERENCE);
  double ns = took->clean.median_ns;

  g_test_message ("%s: %.1f ms expected (%.1f to %.1f), takes %.1f ms", name,
                  expected->step.ns * 1e-6, expected->step.low_ns * 1e-6,
                  expected->step.high_ns * 1e-6, ns * 1e-6);
  g_assert_cmpfloat (ns, >=, expected->step.low_ns);
  g_assert_cmpfloat (ns, <=, expected->step.high_ns);
  /* A band that told nothing would be no use: a factor of 2.5 to both sides at most. */
  g_assert_cmpfloat (expected->step.high_ns, <, 2.5 * expected->step.ns);
  g_assert_cmpint (eng_profile_get_n_layers (profile), ==, forecast->n_layers);
  for (int layer = -1; layer <= forecast->n_layers; layer++)
    {
      const EngLatency *there = &took->layers[layer + 1];
      const EngBoardExpected *band = &expected->layers[layer + 1];
      if (there->n == 0 || !(there->median_ns > 0))
        continue;
      tally->n_layers++;
      tally->n_inside += there->median_ns >= band->low_ns && there->median_ns <= band->high_ns;
    }
}

static void
test_board (gconstpointer name)
{
  g_autofree char *kws = data_path (KWS);
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  EngDevice *device = eng_devices_find (devices, name);
  g_autoptr (GError) error = NULL;
  Tally tally = { 0 };

  g_assert_nonnull (device);
  if (!have_tools (device))
    return;
  char *root = test_tree_new ();
  g_autofree char *state = g_build_filename (root, "state", NULL);
  EngPushOptions options = { .directory = root };
  g_autoptr (EngBoardCalibration) calibration
      = eng_board_calibrate (device, NULL, &options, state, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (eng_board_calibration_get_n (calibration), >=, 8);
  g_assert_cmpuint (eng_board_calibration_get_n (calibration), <=, 14);
  g_assert_cmpint (eng_board_calibration_get_basis (calibration), ==, ENG_BOARD_BASIS_INSTRUCTIONS);
  g_assert_cmpfloat (eng_board_calibration_get_step_spread (calibration), <, 0.01);
  g_autofree char *text = eng_board_calibration_dup_text (calibration);
  g_test_message ("%s: %s", eng_board_calibration_get_about (calibration), text);

  /* Kept with what it is set beside. */
  g_autoptr (EngBoardCalibration) kept = eng_board_calibration_load (name, state, &error);
  g_assert_no_error (error);
  g_assert_cmpint (eng_board_calibration_get_basis (kept), ==, ENG_BOARD_BASIS_INSTRUCTIONS);

  if (g_file_test (kws, G_FILE_TEST_EXISTS))
    {
      check_network (kept, device, KWS, root, &tally);
      check_network (kept, device, CIFAR, root, &tally);
      g_test_message ("%u of %u layers inside of their bands", tally.n_inside, tally.n_layers);
      g_assert_cmpfloat (tally.n_inside, >=, 0.85 * tally.n_layers);
    }
  else
    g_test_message ("%s is missing: only the calibration was tested", kws);
  test_tree_free (root);
}

/* Twice the same, to the cycle. */
static void
test_repeats (void)
{
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  EngDevice *device = eng_devices_find (devices, "virtual-cortex-m4");
  g_autoptr (GError) error = NULL;

  if (!have_tools (device))
    return;
  char *root = test_tree_new ();
  EngPushOptions options = { .directory = root };
  g_autoptr (EngBoardCalibration) a
      = eng_board_calibrate (device, NULL, &options, root, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngBoardCalibration) b
      = eng_board_calibrate (device, NULL, &options, root, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < eng_board_calibration_get_n (a); i++)
    {
      const EngBoardReference *x = eng_board_calibration_get (a, i),
                              *y = eng_board_calibration_get (b, i);
      g_assert_cmpstr (x->name, ==, y->name);
      /* 40 ns is a tick of the board's timer. */
      g_assert_cmpfloat_with_epsilon (x->board_ns, y->board_ns, 80);
    }
  test_tree_free (root);
}

/* What cannot run there has no expectation, with the reason. */
static void
test_refusal (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("LATHE_SOURCE_ROOT"), "data", "default-model",
                                            "lathe-default-f16.gguf", NULL);
  EngBoardReference references[8];
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  EngDevice *device = eng_devices_find (devices, "virtual-cortex-m4");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 8; i++)
    references[i]
        = (EngBoardReference){ (char *)"x", { "conv_int8", 1000 + i, 10, 10, TRUE }, 2000 };
  g_autoptr (EngBoardCalibration) calibration
      = eng_board_calibration_new (references, 8, ENG_BOARD_BASIS_INSTRUCTIONS, 1, 0, "by hand", 0,
                                   &error);
  g_assert_no_error (error);
  g_autoptr (EngModel) model = eng_model_load (path, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  g_assert_null (eng_board_forecast (calibration, device, NULL, model, recipe, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED);
  g_test_message ("%s", error->message);
}

int
main (int argc, char **argv)
{
  char *cache = test_tree_new ();

  g_setenv ("XDG_CACHE_HOME", cache, TRUE); /* images */
  g_setenv ("XDG_STATE_HOME", cache, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/calibration-chip/cortex-m4", "virtual-cortex-m4", test_board);
  g_test_add_data_func ("/calibration-chip/cortex-m55", "virtual-cortex-m55", test_board);
  g_test_add_func ("/calibration-chip/repeats", test_repeats);
  g_test_add_func ("/calibration-chip/refusal", test_refusal);
  int status = g_test_run ();
  test_tree_free (cache);
  return status;
}
