/* `lathe profile FILE`: what every layer, or every node, costs. */

#include <math.h>

#include "app-cli-private.h"
#include "eng-run-find.h"
#include "eng-json.h"
#include "eng-run.h"

static gboolean as_json, as_csv, by_node, with_error;
static char *prompt, *recipe_text, *text_path;
static char *save_path;
static char **inputs;
static int n_predict = 64, n_threads = 0, n_repeats = 0;
static double seconds, rate;

static const GOptionEntry entries[] = {
  { "prompt", 'p', 0, G_OPTION_ARG_STRING, &prompt, "The text to go on from", "TEXT" },
  { "input", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &inputs,
    "Of a network: a file or a folder; may be repeated (random without)", "FILE" },
  APP_CLI_REPEAT_ENTRIES,
  APP_CLI_METER_ENTRIES,
  { "repeats", 0, 0, G_OPTION_ARG_INT, &n_repeats,
    "Of a network: clean inferences (as many as an interval takes)", "N" },
  { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds,
    "Of a network: over the inputs again and again for so long (inf: until Ctrl-C)", "S" },
  { "rate", 0, 0, G_OPTION_ARG_DOUBLE, &rate,
    "With --seconds: inputs per second, instead of as fast as possible", "HZ" },
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text, "A recipe: a file or JSON", "FILE|JSON" },
  { "tokens", 'n', 0, G_OPTION_ARG_INT, &n_predict,
    "Tokens to decode (64): half of them are instrumented", "N" },
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "Threads, instead of the recipe's", "N" },
  { "nodes", 0, 0, G_OPTION_ARG_NONE, &by_node, "Every node, not every layer", NULL },
  { "error", 0, 0, G_OPTION_ARG_NONE, &with_error,
    "And what the recipe costs in accuracy, layer by layer: see `lathe sensitivity`", NULL },
  { "text", 0, 0, G_OPTION_ARG_FILENAME, &text_path,
    "With --error, of a language model: the text that is foretold (bundled texts without)",
    "FILE" },
  { "csv", 0, 0, G_OPTION_ARG_NONE, &as_csv, "Comma-separated values, every node", NULL },
  { "save", 0, 0, G_OPTION_ARG_FILENAME, &save_path,
    "Keep the run in a file, for `lathe compare` and `lathe report`", "FILE.json" },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object: the whole run", NULL },
  { NULL },
};

/* "1.52 ms (1.49–1.58)": the median and where 90 % of the steps lie. */
static char *
format_latency (const EngLatency *latency)
{
  g_autofree char *median = NULL, *low = NULL, *high = NULL;

  if (latency->n == 0)
    return g_strdup ("not measured");
  median = eng_format_value (latency->median_ns * 1e-9, "s");
  low = eng_format_value (latency->p5_ns * 1e-9, "s");
  high = eng_format_value (latency->p95_ns * 1e-9, "s");
  return g_strdup_printf ("%-12s %s to %s", median, low, high);
}

/* @energy: nullable; @i: its index there. */
static void
print_line (const char *name, const char *op, const EngLatency *latency, const EngLatency *total,
            guint64 weight_bytes, const EngPhaseEnergy *energy, guint i)
{
  g_autofree char *text = format_latency (latency);
  g_autofree char *bytes = eng_format_value ((double)weight_bytes, "B");
  g_autofree char *share
      = total->n > 0 && latency->n > 0
            ? g_strdup_printf ("%.1f %%", 100 * latency->median_ns / total->median_ns)
            : g_strdup ("");

  g_autofree char *attributed
      = energy != NULL ? app_cli_format_attributed (energy, i, by_node) : g_strdup ("—");
  g_autofree char *modelled
      = energy != NULL ? app_cli_format_modelled (energy, i, by_node) : g_strdup ("—");

  g_print ("  %-22s %-14s %-38s %8s  %-10s  %-11s  %s\n", name, op, text, share, bytes, attributed,
           modelled);
}

static void
print_phase (EngModel *model, EngRun *run, RtPhase phase, const char *title)
{
  EngProfile *profile = eng_run_get_profile (run);
  EngEnergy *run_energy = eng_run_get_energy (run);
  const EngPhaseEnergy *energy
      = run_energy != NULL ? eng_energy_get_phase (run_energy, phase) : NULL;
  const EngPhaseProfile *figures = eng_profile_get_phase (profile, phase);
  g_autofree char *total = format_latency (&figures->total);
  g_autofree char *clean = format_latency (&figures->clean);

  if (figures->total.n == 0)
    return;
  if (phase == RT_PHASE_INFERENCE)
    g_print ("%s, %u instrumented (median, 5 %% to 95 %%)\n", title, figures->total.n);
  else
    g_print ("%s, %u %s a step, %u instrumented steps (median, 5 %% to 95 %%)\n", title,
             figures->n_tokens, figures->n_tokens == 1 ? "token" : "tokens", figures->total.n);
  g_print ("  %-22s %-14s %-38s %8s  %-10s  %-11s  %s\n", by_node ? "node" : "layer",
           by_node ? "operator" : "", "latency", "share", "weights", "attributed",
           phase == RT_PHASE_INFERENCE ? "modelled energy, each inference"
                                       : "modelled energy, each token");
  if (by_node)
    for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
      print_line (eng_profile_get_node_name (profile, i), eng_profile_get_node_op (profile, i),
                  &figures->nodes[i], &figures->total,
                  eng_profile_get_node_memory (profile, i)->weight_bytes, energy, i);
  else
    for (int layer = -1; layer <= eng_profile_get_n_layers (profile); layer++)
      {
        g_autofree char *name = eng_model_dup_layer_name (model, layer);

        print_line (name, "", &figures->layers[layer + 1], &figures->total,
                    eng_profile_get_layer_memory (profile, layer)->weight_bytes, energy,
                    (guint)(layer + 1));
      }
  g_print ("  %-37s %s\n  %-37s %s\n", "sum of the layers, instrumented", total,
           "whole step, clean", clean);
  if (energy != NULL && energy->modelled.reason == NULL)
    {
      g_autofree char *parts = eng_energy_parts_describe (&energy->modelled.total);

      g_print ("  %-37s %s\n", "where modelled energy goes", parts);
    }
  g_print ("\n");
}

/* What operators left out of their work, layer by layer or node by node; nothing where none
 * does. */
static void
print_skipped (EngModel *model, EngProfile *profile)
{
  g_auto (GStrv) lines = eng_profile_dup_skipped (profile);

  if (lines[0] == NULL)
    return;
  for (guint i = 0; lines[i] != NULL; i++)
    g_print ("%s\n", lines[i]);
  for (guint i = 0; by_node && i < eng_profile_get_n_nodes (profile); i++)
    if (isfinite (eng_profile_get_node_skipped (profile, i)))
      g_print ("  %-22s %.1f %% of the %s\n", eng_profile_get_node_name (profile, i),
               100 * eng_profile_get_node_skipped (profile, i),
               eng_profile_get_node_skips (profile, i));
  for (int layer = -1; !by_node && layer <= eng_profile_get_n_layers (profile); layer++)
    {
      g_autofree char *name = eng_model_dup_layer_name (model, layer);
      g_autofree char *text = eng_profile_dup_layer_skipped (profile, layer);

      if (text != NULL)
        g_print ("  %-22s %s\n", name, text);
    }
  g_print ("\n");
}

static EngWorkload *
make_workload (EngModel *model)
{
  if (eng_model_get_kind (model) == ENG_MODEL_NETWORK)
    return app_cli_input_workload (inputs, n_repeats, seconds, rate);
  return app_cli_text_workload (prompt, n_predict);
}

/* The run, with the member "layer_errors" when they were measured. */
static char *
run_to_json (EngModel *model, EngRun *run, EngLayerErrors *errors)
{
  g_autofree char *text = eng_run_to_json (run);
  g_autoptr (JsonNode) root = errors != NULL ? eng_json_parse_object (text, "run", NULL) : NULL;
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) added = NULL;

  if (root == NULL)
    return g_steal_pointer (&text);
  json_builder_begin_object (builder);
  eng_layer_errors_write (errors, model, builder, "layer_errors");
  json_builder_end_object (builder);
  added = json_builder_get_root (builder);
  json_object_set_member (json_node_get_object (root), "layer_errors",
                          json_object_dup_member (json_node_get_object (added), "layer_errors"));
  return eng_json_to_text (root, TRUE);
}

static gboolean
run_command (int argc, char **argv, GError **error)
{
  g_autoptr (EngModel) model = NULL;
  g_autoptr (EngRecipe) recipe = NULL;
  g_autoptr (EngRecipe) with_threads = NULL;
  g_autoptr (EngBuild) build = NULL;
  g_autoptr (EngWorkload) workload = NULL;
  g_autoptr (EngRun) run = NULL;
  g_autoptr (GCancellable) cancellable = NULL;
  g_autoptr (EngLayerErrors) errors = NULL;
  g_autofree char *text = NULL;
  EngFigure overhead;
  gboolean network;

  if (!app_cli_parse (&app_command_profile, entries, &argc, &argv, 1, error)
      || !app_cli_check_repeat (error))
    return FALSE;
  if (rate > 0 && !(seconds > 0))
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "--rate is for continuous runs: give --seconds, too");
      return FALSE;
    }
  recipe = app_cli_recipe (recipe_text, error);
  with_threads = recipe != NULL ? app_cli_recipe_with_threads (recipe, n_threads, error) : NULL;
  model = with_threads != NULL ? eng_model_load (argv[1], NULL, error) : NULL;
  if (model != NULL && with_error && !app_cli_check_layers (model, with_threads, error))
    return FALSE;
  build = model != NULL ? app_cli_build (model, with_threads, error) : NULL;
  if (build == NULL)
    return FALSE;

  workload = make_workload (model);
  cancellable = app_cli_stop_on_interrupt ();
  if (!app_cli_choose_meter (error))
    return FALSE;
  run = eng_run_new (build, workload, NULL, NULL, cancellable, error);
  if (run != NULL)
    app_cli_take_run (run, model);
  if (run == NULL || (save_path != NULL && !eng_run_save (run, save_path, error)))
    return FALSE;
  if (with_error)
    errors = app_cli_measure_layers (build, text_path, inputs != NULL ? inputs[0] : NULL, error);
  if (with_error && errors == NULL)
    return FALSE;
  if (as_json || as_csv)
    {
      text = as_json ? run_to_json (model, run, errors) : eng_run_to_csv (run);
      g_print ("%s%s", text, as_json ? "\n" : "");
      return TRUE;
    }
  print_phase (model, run, RT_PHASE_PREFILL, "Prefill");
  print_phase (model, run, RT_PHASE_DECODE, "Decode");
  print_phase (model, run, RT_PHASE_INFERENCE, "Inferences");
  print_skipped (model, eng_run_get_profile (run));
  app_cli_print_counters (model, run, by_node);
  network = eng_run_get_workload (run)->kind == ENG_WORKLOAD_INPUT;
  overhead
      = eng_run_get_figure (run, network ? ENG_FIGURE_INFERENCE_OVERHEAD : ENG_FIGURE_OVERHEAD);
  text = eng_figure_format (&overhead);
  g_print ("Overhead of instrumenting %s: %s\n", network ? "an inference" : "a decode step", text);
  app_cli_print_energy (run, g_print);
  if (eng_run_get_energy (run) != NULL && eng_energy_get_meter (eng_run_get_energy (run)) != NULL)
    g_print ("%s\n", eng_energy_rule);
  if (eng_run_get_energy (run) != NULL)
    g_print ("%s\n", eng_energy_get_model (eng_run_get_energy (run)));
  app_cli_print_conditions (run, g_print);
  app_cli_print_repeats (run, g_print);
  app_cli_print_estimates (run);
  app_cli_print_verdicts (run, 0, g_print);
  for (const char *const *reason = eng_run_get_reasons (run); *reason != NULL; reason++)
    g_print ("%s: %s\n", eng_run_get_validity (run) == ENG_RUN_INVALID ? "invalid" : "degraded",
             *reason);
  if (errors != NULL)
    {
      g_print ("\n");
      app_cli_print_layers (model, errors);
    }
  return TRUE;
}

const AppCommand app_command_profile
    = { "profile",
        "FILE [--recipe R] [-p TEXT | -i INPUT] [-n TOKENS] [--nodes] [--error [--text FILE]] "
        "[--csv] [--json]",
        "Latency, memory and energy of every layer, prefill and decode apart.", run_command };
