/* `lathe devices calibrate NAME`: reference layers here and there; `lathe devices expect NAME
 * FILE`: what a build is then expected to take there, before anything is pushed. */

#include <math.h>

#include "app-cli-devices.h"
#include "app-paths.h"
#include "devices/eng-board-expect.h"
#include "devices/eng-board-references.h"
#include "eng-error.h"
#include "mcu/eng-mcu.h"

static gboolean as_json;
static char *recipe_text;

static const AppCommand calibrate_usage = { "devices calibrate", "NAME [--json]", NULL, NULL };
static const AppCommand expect_usage
    = { "devices expect", "NAME FILE [--recipe R] [--json]", NULL, NULL };

static const GOptionEntry calibrate_entries[] = {
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object: the references and the fit",
    NULL },
  { NULL },
};

static const GOptionEntry expect_entries[] = {
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text, "A recipe: a file or JSON", "FILE|JSON" },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

static void
print_calibration (EngBoardCalibration *calibration)
{
  g_autofree char *text = eng_board_calibration_dup_text (calibration);
  gboolean chip = eng_board_calibration_get_basis (calibration) == ENG_BOARD_BASIS_INSTRUCTIONS;

  g_print ("%-12s %-12s %-12s  reference layer\n", chip ? "instructions" : "here", "there",
           "left out");
  for (guint i = 0; i < eng_board_calibration_get_n (calibration); i++)
    {
      const EngBoardReference *reference = eng_board_calibration_get (calibration, i);
      g_autofree char *here = chip ? g_strdup_printf ("~%.0f", reference->layer.host_ns)
                                   : eng_format_value (reference->layer.host_ns * 1e-9, "s");
      g_autofree char *there = eng_format_value (reference->board_ns * 1e-9, "s");
      g_autofree char *left_out
          = eng_format_value (eng_board_calibration_get_left_out_ns (calibration, i) * 1e-9, "s");
      g_print ("%-12s %-12s ~%-12s %s\n", here, there, left_out, reference->name);
    }
  g_print ("(left out: what the other references would have it take there)\n%s: %s.\n",
           eng_board_calibration_get_about (calibration), text);
}

gboolean
app_cli_devices_calibrate (int argc, char **argv, GError **error)
{
  if (!app_cli_parse (&calibrate_usage, calibrate_entries, &argc, &argv, 1, error))
    return FALSE;
  g_autoptr (EngDevices) devices = eng_devices_new (NULL, error);
  EngDevice *device = devices != NULL ? app_cli_find_device (devices, argv[1], error) : NULL;
  if (device == NULL)
    return FALSE;
  g_autofree char *language_model = app_paths_find_default_model ();
  EngAsk ask = app_cli_ask ();
  EngPushOptions options = { .ask = &ask };
  g_autoptr (AppCliProgress) progress = app_cli_progress_new ("Calibrating");
  g_autoptr (EngBoardCalibration) calibration
      = eng_board_calibrate (device, language_model, &options, NULL,
                             app_cli_progress_get_job (progress), error);
  if (calibration == NULL)
    return FALSE;
  if (as_json)
    {
      g_autofree char *json = eng_board_calibration_to_json (calibration);
      g_print ("%s\n", json);
    }
  else
    print_calibration (calibration);
  return TRUE;
}

/* ---- Expecting ---- */

static void
print_expected (const char *name, const EngBoardExpected *expected)
{
  if (!isfinite (expected->ns))
    {
      g_print ("  %-26s unavailable: %s\n", name, expected->reason);
      return;
    }
  g_autofree char *time = eng_format_value (expected->ns * 1e-9, "s");
  g_autofree char *low = eng_format_value (expected->low_ns * 1e-9, "s");
  g_autofree char *high = eng_format_value (expected->high_ns * 1e-9, "s");
  g_print ("  %-26s ~%-12s %s to %s\n", name, time, low, high);
}

static void
json_expected (JsonBuilder *builder, const EngBoardExpected *expected)
{
  app_cli_json_number (builder, "expected_ns", expected->ns);
  app_cli_json_number (builder, "low90_ns", expected->low_ns);
  app_cli_json_number (builder, "high90_ns", expected->high_ns);
  app_cli_json_string (builder, "unavailable", expected->reason);
}

/* Of a microcontroller also in cycles of its clock. */
static void
show_cycles (EngDevice *device, const EngBoardExpected *step, JsonBuilder *builder)
{
  const char *name = eng_device_get_setting (device, "board");
  const char *id = eng_mcu_board_find (name != NULL ? name : "", NULL);
  g_autoptr (EngBoard) board = id != NULL ? eng_mcu_board_describe (id, NULL) : NULL;
  double per_ns = board != NULL ? board->clock_hz * 1e-9 : NAN;

  app_cli_json_number (builder, "expected_cycles", step->ns * per_ns);
  app_cli_json_number (builder, "low90_cycles", step->low_ns * per_ns);
  app_cli_json_number (builder, "high90_cycles", step->high_ns * per_ns);
  if (!as_json && isfinite (step->ns * per_ns))
    g_print ("  %-26s ~%-12.0f %.0f to %.0f, at %.0f MHz\n", "cycles", step->ns * per_ns,
             step->low_ns * per_ns, step->high_ns * per_ns, board->clock_hz * 1e-6);
}

static void
show_phase (EngDevice *device, const EngBoardForecast *forecast, EngModel *model, RtPhase phase,
            const char *title, JsonBuilder *builder)
{
  const EngBoardPhase *data = &forecast->phases[phase];

  if (!as_json)
    g_print ("%s, expected\n", title);
  json_builder_set_member_name (builder, title);
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "layers");
  json_builder_begin_array (builder);
  for (int layer = -1; layer <= forecast->n_layers; layer++)
    {
      g_autofree char *name = eng_model_dup_layer_name (model, layer);
      if (!as_json)
        print_expected (name, &data->layers[layer + 1]);
      json_builder_begin_object (builder);
      app_cli_json_string (builder, "layer", name);
      json_expected (builder, &data->layers[layer + 1]);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  if (!as_json)
    print_expected ("whole step", &data->step);
  json_expected (builder, &data->step);
  if (eng_device_get_kind (device) == ENG_BOARD_MICROCONTROLLER)
    show_cycles (device, &data->step, builder);
  json_builder_end_object (builder);
}

static EngBoardCalibration *
find_calibration (EngDevice *device, const char *name, GError **error)
{
  g_autoptr (GError) local = NULL;
  EngBoardCalibration *calibration
      = eng_board_calibration_load (eng_device_get_id (device), NULL, &local);
  if (calibration == NULL && local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else if (calibration == NULL)
    g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
                 "%s is not calibrated: lathe devices calibrate %s", name,
                 eng_device_get_id (device));
  return calibration;
}

gboolean
app_cli_devices_expect (int argc, char **argv, GError **error)
{
  static const char *const titles[] = { "prefill", "decode", "inference" };

  if (!app_cli_parse (&expect_usage, expect_entries, &argc, &argv, 2, error))
    return FALSE;
  g_autoptr (EngDevices) devices = eng_devices_new (NULL, error);
  EngDevice *device = devices != NULL ? app_cli_find_device (devices, argv[1], error) : NULL;
  g_autoptr (EngBoardCalibration) calibration
      = device != NULL ? find_calibration (device, argv[1], error) : NULL;
  g_autoptr (EngModel) model = calibration != NULL ? eng_model_load (argv[2], NULL, error) : NULL;
  g_autoptr (EngRecipe) recipe = NULL;
  if (model != NULL)
    recipe = recipe_text != NULL ? app_cli_recipe (recipe_text, error)
                                 : eng_build_saved_recipe (model, error);
  g_autoptr (EngEstimator) estimator = recipe != NULL ? app_cli_estimator (error) : NULL;
  g_autoptr (EngBoardForecast) forecast
      = estimator != NULL
            ? eng_board_forecast (calibration, device, estimator, model, recipe, NULL, NULL, error)
            : NULL;
  if (forecast == NULL)
    return FALSE;
  gboolean chip = eng_board_calibration_get_basis (calibration) == ENG_BOARD_BASIS_INSTRUCTIONS;
  gboolean emulated = eng_device_is_emulated (device);
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  json_builder_begin_object (builder);
  app_cli_json_string (builder, "device", eng_board_calibration_get_about (calibration));
  json_builder_set_member_name (builder, "emulated");
  json_builder_add_boolean_value (builder, emulated);
  for (int phase = RT_PHASE_PREFILL; phase <= RT_PHASE_INFERENCE; phase++)
    if (forecast->phases[phase].is_there)
      show_phase (device, forecast, model, (RtPhase)phase, titles[phase], builder);
  json_builder_end_object (builder);
  if (as_json)
    app_cli_json_print (builder);
  else
    g_print ("On %s; nothing of it was measured there. It is inside nine times out of ten.%s%s\n",
             eng_board_calibration_get_about (calibration),
             emulated ? " Times, and cycles, are the emulator's and tell nothing of hardware." : "",
             chip ? "" : " What was never timed here: lathe estimate FILE --measure.");
  return TRUE;
}
