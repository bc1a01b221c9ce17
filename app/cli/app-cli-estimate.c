/* `lathe estimate FILE`: what a recipe is expected to cost on this computer, without running it. */

#include <math.h>

#include "app-cli-private.h"
#include "eng-kernel-bench.h"

static gboolean as_json, by_node, measure;
static char *recipe_text;
static int n_threads = 0, n_prompt = 0, position = -1;
static double seconds = 60;

static const GOptionEntry entries[] = {
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text, "A recipe: a file or JSON", "FILE|JSON" },
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "Threads, instead of the recipe's", "N" },
  { "prompt-tokens", 0, 0, G_OPTION_ARG_INT, &n_prompt,
    "Of a language model: tokens of a prefill step (64)", "N" },
  { "position", 0, 0, G_OPTION_ARG_INT, &position,
    "Of a language model: of the decoded token in the sequence (128)", "N" },
  { "measure", 0, 0, G_OPTION_ARG_NONE, &measure,
    "First time the operators that the table lacks, of this recipe and those one choice away",
    NULL },
  { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds,
    "With --measure: at most so long (60); what is left is measured the next time", "S" },
  { "nodes", 0, 0, G_OPTION_ARG_NONE, &by_node, "Every node, not every layer", NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

static gboolean
run_measuring (EngEstimator *estimator, EngModel *model, EngRecipe *recipe,
               const EngEstimateSizes *sizes, GError **error)
{
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, recipe, error);
  EngKernelBenchResult result;
  EngRoof roof;

  if (sketch == NULL
      || !eng_machine_measure_roof (machine, eng_sketch_get_n_threads (sketch), FALSE, &roof, NULL,
                                    error))
    return FALSE;
  if (!eng_kernel_bench (estimator, model, recipe, sizes, seconds, NULL, &result, error))
    return FALSE;
  g_printerr ("Of %u operators that the table lacked %u were measured; %u cannot be measured by "
              "themselves, %u are left.\n",
              result.n_missing, result.n_measured, result.n_skipped,
              result.n_missing - result.n_measured - result.n_skipped);
  return TRUE;
}

static void
print_line (const char *name, double ns, EngBasis basis, const char *reason, guint64 weight_bytes)
{
  g_autofree char *time
      = isfinite (ns) ? eng_format_value (ns * 1e-9, "s") : g_strdup ("unavailable");
  g_autofree char *bytes = eng_format_value ((double)weight_bytes, "B");

  g_print ("  %-26s ~%-12s %-10s %10s  %s\n", name, time,
           basis != ENG_BASIS_NONE ? eng_basis_name (basis) : "", bytes,
           reason != NULL ? reason : "");
}

static void
print_value (const char *name, const EngForecastValue *value)
{
  g_autofree char *time = NULL, *low = NULL, *high = NULL;

  if (!isfinite (value->ns))
    {
      g_print ("  %-26s unavailable: %s\n", name, value->reason);
      return;
    }
  time = eng_format_value (value->ns * 1e-9, "s");
  low = isfinite (value->low_ns) ? eng_format_value (value->low_ns * 1e-9, "s") : g_strdup ("?");
  high = isfinite (value->high_ns) ? eng_format_value (value->high_ns * 1e-9, "s") : g_strdup ("?");
  g_print (
      "  %-26s ~%-12s %s to %s; %.0f %% measured operators, %.0f %% scaled, %.0f %% from roofs\n",
      name, time, low, high, 100 * value->shares[ENG_BASIS_TABLE],
      100 * value->shares[ENG_BASIS_NEIGHBOUR], 100 * value->shares[ENG_BASIS_ROOF]);
}

static void
print_phase (EngForecast *forecast, RtPhase phase, const char *title)
{
  EngModel *model = eng_forecast_get_model (forecast);
  g_autofree char *band = NULL;

  if (!eng_forecast_has_phase (forecast, phase))
    return;
  g_print ("%s, estimated\n", title);
  for (guint i = 0; by_node && i < eng_forecast_get_n_nodes (forecast); i++)
    {
      const EngExpected *node = eng_forecast_get_node_time (forecast, phase, i);
      EngLayerMemory memory;

      eng_forecast_get_node_memory (forecast, i, &memory);
      print_line (eng_forecast_get_node (forecast, i)->name, node->ns, node->basis, node->reason,
                  memory.weight_bytes);
    }
  for (int layer = -1; !by_node && layer <= eng_forecast_get_n_layers (forecast); layer++)
    {
      g_autofree char *name = eng_model_dup_layer_name (model, layer);
      const EngForecastValue *value = eng_forecast_get_layer (forecast, phase, layer);
      EngLayerMemory memory;

      eng_forecast_get_layer_memory (forecast, layer, &memory);
      print_line (name, value->ns, value->basis, value->reason, memory.weight_bytes);
    }
  print_value ("sum of the layers", eng_forecast_get_total (forecast, phase));
  print_value ("whole step", eng_forecast_get_wall (forecast, phase));
  band = eng_forecast_dup_band_text (forecast, phase);
  g_print ("  (%s)\n\n", band);
}

static void
print_forecast (EngForecast *forecast)
{
  static const EngFigureId ids[]
      = { ENG_FIGURE_DECODE, ENG_FIGURE_PREFILL, ENG_FIGURE_INFERENCE, ENG_FIGURE_PEAK_MEMORY };

  print_phase (forecast, RT_PHASE_PREFILL, "Prefill");
  print_phase (forecast, RT_PHASE_DECODE, "Decode");
  print_phase (forecast, RT_PHASE_INFERENCE, "Inference");
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      EngFigure figure = eng_forecast_get_figure (forecast, ids[i]);
      g_autofree char *text = eng_figure_format (&figure);

      if (figure.available)
        g_print ("%-18s ~%s\n", eng_figure_id_title (ids[i]), text);
    }
  g_print ("On %s.\n", eng_forecast_get_device (forecast));
}

static gboolean
run_command (int argc, char **argv, GError **error)
{
  g_autoptr (EngModel) model = NULL;
  g_autoptr (EngRecipe) recipe = NULL;
  g_autoptr (EngRecipe) with_threads = NULL;
  g_autoptr (EngEstimator) estimator = NULL;
  g_autoptr (EngForecast) forecast = NULL;
  EngEstimateSizes sizes;

  if (!app_cli_parse (&app_command_estimate, entries, &argc, &argv, 1, error))
    return FALSE;
  recipe = app_cli_recipe (recipe_text, error);
  with_threads = recipe != NULL ? app_cli_recipe_with_threads (recipe, n_threads, error) : NULL;
  model = with_threads != NULL ? eng_model_load (argv[1], NULL, error) : NULL;
  estimator = model != NULL ? app_cli_estimator (error) : NULL;
  if (estimator == NULL)
    return FALSE;
  eng_estimate_sizes_init (&sizes, model, NULL);
  if (n_prompt > 0)
    sizes.n_prompt = (guint)n_prompt;
  if (position >= 0)
    sizes.position = (guint)position;
  if (measure && !run_measuring (estimator, model, with_threads, &sizes, error))
    return FALSE;
  gint64 start = g_get_monotonic_time ();
  forecast = eng_estimator_forecast (estimator, model, with_threads, &sizes, error);
  if (forecast == NULL)
    return FALSE;
  g_debug ("estimated in %.1f ms", (double)(g_get_monotonic_time () - start) * 1e-3);
  if (as_json)
    {
      g_autofree char *text = eng_forecast_to_json (forecast);

      g_print ("%s\n", text);
      return TRUE;
    }
  print_forecast (forecast);
  return TRUE;
}

const AppCommand app_command_estimate
    = { "estimate", "FILE [--recipe R] [--measure] [--nodes] [--json]",
        "What a recipe is expected to cost here, from measured times of single operators, without "
        "running it.",
        run_command };
