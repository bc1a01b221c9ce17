/* `lathe advise FILE`: how far the layers are from this machine's roofs, and what would make the
 * model cheaper, best first. */

#include <math.h>

#include "app-cli-private.h"
#include "eng-advice.h"
#include "eng-error.h"
#include "eng-kernel-bench.h"
#include "eng-roofline.h"
#include "eng-run-find.h"

static gboolean as_json, by_layer, alone, measure;
static char *prompt, *recipe_text, *run_id;
static char **inputs;
static int n_predict = 64, n_threads = 0;

static const GOptionEntry entries[] = {
  { "run", 0, 0, G_OPTION_ARG_STRING, &run_id,
    "Advice on this run (its file, its id, \"latest\"), instead of running now", "RUN" },
  { "prompt", 'p', 0, G_OPTION_ARG_STRING, &prompt, "The text to go on from", "TEXT" },
  { "input", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &inputs,
    "Of a network: a file or a folder; may be repeated (random without)", "FILE" },
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text, "A recipe: a file or JSON", "FILE|JSON" },
  { "tokens", 'n', 0, G_OPTION_ARG_INT, &n_predict, "Tokens to decode (64)", "N" },
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "Threads, instead of the recipe's", "N" },
  { "layers", 0, 0, G_OPTION_ARG_NONE, &by_layer, "The roofline of every layer, too", NULL },
  { "measure", 0, 0, G_OPTION_ARG_NONE, &measure,
    "First measure the kernels that estimates rest on, where they are not known (half a minute at "
    "most)",
    NULL },
  { "no-history", 0, 0, G_OPTION_ARG_NONE, &alone, "Do not weigh with earlier runs", NULL },
  APP_CLI_REPEAT_ENTRIES,
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

/* ---- The run ---- */

static EngWorkload *
make_workload (EngModel *model)
{
  if (eng_model_get_kind (model) == ENG_MODEL_NETWORK)
    return app_cli_input_workload (inputs, 0, 0, 0);
  return app_cli_text_workload (prompt, n_predict);
}

static EngRun *
find_run (EngModel *model, GError **error)
{
  g_autoptr (EngHistory) history = NULL;
  g_autoptr (EngRun) run = eng_run_find (&history, run_id, error);
  g_autofree char *hash = run != NULL ? eng_model_dup_hash (model, NULL, error) : NULL;

  if (hash == NULL)
    return NULL;
  if (g_strcmp0 (hash, eng_run_get_model_hash (run)) != 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "The run %s is of %s, not of this file: name the file it was measured of.",
                   run_id, eng_run_get_model_name (run));
      return NULL;
    }
  return g_steal_pointer (&run);
}

static EngRun *
make_run (EngModel *model, EngBuild **build, GError **error)
{
  g_autoptr (EngRecipe) recipe = app_cli_recipe (recipe_text, error);
  g_autoptr (EngRecipe) with_threads
      = recipe != NULL ? app_cli_recipe_with_threads (recipe, n_threads, error) : NULL;
  g_autoptr (EngWorkload) workload = NULL;

  *build = with_threads != NULL ? app_cli_build (model, with_threads, error) : NULL;
  if (*build == NULL)
    return NULL;
  workload = make_workload (model);
  return eng_run_new (*build, workload, NULL, NULL, app_cli_stop_on_interrupt (), error);
}

/* ---- Printing ---- */

static void
print_point (EngModel *model, const EngRoof *roof, const char *name, const EngRooflinePoint *point)
{
  g_autofree char *speed = eng_figure_format (&point->speed);
  g_autofree char *time = eng_format_value (point->time.value / 1e3, "s");
  g_autofree char *lost = eng_format_value (point->lost_ms / 1e3, "s");

  if (!point->time.available)
    return;
  g_print ("  %-22s %-10s %7.2f op/B  %-36s %3.0f %% of the roof, %s lost; %s%s%s\n", name, time,
           point->intensity, speed, 100 * point->share, lost, eng_bound_name (point->bound),
           point->bound == ENG_BOUND_MEMORY ? ", " : "",
           point->bound == ENG_BOUND_MEMORY ? eng_roof_level_name (roof, point->level) : "");
}

static void
print_roofline (EngModel *model, EngProfile *profile, RtPhase phase, const char *title,
                const EngRoof *roof)
{
  g_autoptr (EngRoofline) roofline = eng_roofline_new (profile, phase, roof);

  if (!eng_roofline_is_measured (roofline))
    return;
  print_point (model, roof, title, eng_roofline_get_total (roofline));
  for (int layer = -1; by_layer && layer <= eng_profile_get_n_layers (profile); layer++)
    {
      g_autofree char *name = eng_model_dup_layer_name (model, layer);

      print_point (model, roof, name, eng_roofline_get_layer (roofline, layer));
    }
}

static void
print_roof (const EngRoof *roof)
{
  g_autofree char *f32 = eng_format_value (roof->f32_flops, "FLOP/s");
  g_autofree char *int8 = eng_format_value (roof->int8_ops, "op/s");

  g_print ("Roofs of %u %s: f32 %s, int8 %s", roof->n_threads,
           roof->n_threads == 1 ? "thread" : "threads", f32, int8);
  for (guint i = 0; i < roof->n_levels; i++)
    {
      g_autofree char *read = eng_format_value (roof->levels[i].read.value, "B/s");

      g_print (", %s %s", roof->levels[i].name, read);
    }
  g_print ("\n");
}

/* In one line, to be copied behind --recipe. */
static char *
dup_compact (EngRecipe *recipe)
{
  g_autofree char *text = eng_recipe_to_json (recipe);
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  return json_to_string (node, FALSE);
}

static void
print_advice (GPtrArray *advice)
{
  if (advice->len == 0)
    g_print ("\nNo advice: nothing that is known here would make this cheaper.\n");
  for (guint i = 0; i < advice->len; i++)
    {
      const EngAdvice *one = g_ptr_array_index (advice, i);

      g_print ("\n%u. %s: %s\n   %s\n", i + 1, one->title, one->gain, one->cause);
      if (*one->cost != '\0')
        g_print ("   Cost: %s.\n", one->cost);
      if (one->action != NULL)
        g_print ("   %s\n", one->action);
      if (one->recipe != NULL)
        {
          g_autofree char *recipe = dup_compact (one->recipe);

          g_print ("   --recipe '%s'\n", recipe);
        }
    }
}

static void
add_point (JsonBuilder *builder, const EngRoof *roof, const EngRooflinePoint *point)
{
  app_cli_json_number (builder, "ops", point->ops);
  app_cli_json_number (builder, "bytes", point->bytes);
  app_cli_json_number (builder, "ops_per_byte", point->intensity);
  app_cli_json_figure (builder, "time_ms", &point->time);
  app_cli_json_figure (builder, "ops_per_s", &point->speed);
  app_cli_json_string (builder, "arithmetic", eng_arithmetic_name (point->arithmetic));
  app_cli_json_string (builder, "level", eng_roof_level_name (roof, point->level));
  app_cli_json_number (builder, "roof_ms", point->roof_ms);
  app_cli_json_number (builder, "share_of_roof", point->share);
  app_cli_json_number (builder, "lost_ms", point->lost_ms);
  app_cli_json_string (builder, "bound", eng_bound_name (point->bound));
}

static void
add_roofline (JsonBuilder *builder, EngModel *model, EngProfile *profile, RtPhase phase,
              const char *name, const EngRoof *roof)
{
  g_autoptr (EngRoofline) roofline = eng_roofline_new (profile, phase, roof);

  if (!eng_roofline_is_measured (roofline))
    return;
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  add_point (builder, roof, eng_roofline_get_total (roofline));
  json_builder_set_member_name (builder, "layers");
  json_builder_begin_array (builder);
  for (int layer = -1; layer <= eng_profile_get_n_layers (profile); layer++)
    {
      g_autofree char *title = eng_model_dup_layer_name (model, layer);

      json_builder_begin_object (builder);
      app_cli_json_int (builder, "layer", layer);
      app_cli_json_string (builder, "name", title);
      add_point (builder, roof, eng_roofline_get_layer (roofline, layer));
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
add_roofs (JsonBuilder *builder, const EngRoof *roof)
{
  json_builder_set_member_name (builder, "roofs");
  json_builder_begin_object (builder);
  app_cli_json_int (builder, "threads", roof->n_threads);
  app_cli_json_number (builder, "f32_flops_per_s", roof->f32_flops);
  app_cli_json_number (builder, "int8_ops_per_s", roof->int8_ops);
  json_builder_set_member_name (builder, "levels");
  json_builder_begin_array (builder);
  for (guint i = 0; i < roof->n_levels; i++)
    {
      json_builder_begin_object (builder);
      app_cli_json_string (builder, "level", roof->levels[i].name);
      app_cli_json_number (builder, "read_bytes_per_s", roof->levels[i].read.value);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
print_json (EngModel *model, EngRun *run, const EngRoof *roof, GPtrArray *advice)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *list = eng_advice_to_json (advice);
  EngProfile *profile = eng_run_get_profile (run);

  json_builder_begin_object (builder);
  app_cli_json_string (builder, "model", eng_model_get_name (model));
  app_cli_json_string (builder, "run", eng_run_get_id (run));
  app_cli_json_recipe (builder, eng_run_get_recipe (run));
  app_cli_json_int (builder, "threads", eng_run_get_n_threads (run));
  add_roofs (builder, roof);
  add_roofline (builder, model, profile, RT_PHASE_PREFILL, "prefill_roofline", roof);
  add_roofline (builder, model, profile, RT_PHASE_DECODE, "decode_roofline", roof);
  add_roofline (builder, model, profile, RT_PHASE_INFERENCE, "inference_roofline", roof);
  json_builder_set_member_name (builder, "advice");
  json_builder_add_value (builder, json_from_string (list, NULL));
  json_builder_end_object (builder);
  app_cli_json_print (builder);
}

/* ---- Running ---- */

/* Runs of a history that cannot be opened are not known: said, and the advice goes on without
 * them. */
static GPtrArray *
collect (EngRun *run, EngHistory **history)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *runs;

  *history = alone ? NULL : eng_history_open (NULL, &error);
  runs = *history != NULL ? eng_advice_collect_runs (*history, run, &error) : NULL;

  if (error != NULL)
    g_printerr ("Without earlier runs: %s\n", error->message);
  return runs;
}

/* Estimates that rest on the times of this machine's kernels. */
static gboolean
prepare_estimator (EngAdviceInput *input, EngRun *run, EngAdviceEstimator *estimator,
                   GError **error)
{
  EngKernelBenchResult result;

  eng_estimate_sizes_init (&estimator->sizes, input->model, input->profile);
  if (run_id == NULL)
    app_cli_take_run (run, input->model);
  estimator->estimator = app_cli_estimator (error);
  if (estimator->estimator == NULL)
    return FALSE;
  if (measure
      && !eng_kernel_bench (estimator->estimator, input->model, input->recipe, &estimator->sizes,
                            30, NULL, &result, error))
    return FALSE;
  input->forecast = eng_advice_estimate;
  input->forecast_data = estimator;
  return TRUE;
}

static gboolean
advise (EngModel *model, EngBuild *build, EngRun *run, GError **error)
{
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autoptr (EngHistory) history = NULL;
  g_autoptr (GPtrArray) runs = collect (run, &history);
  g_autofree char *samples = eng_advice_find_samples (eng_run_get_workload (run), runs);
  g_autoptr (GPtrArray) advice = NULL;
  EngRoof roof, full;
  EngAdviceInput input;
  EngProfile *profile = eng_run_get_profile (run);
  EngAdviceEstimator estimator = { NULL };
  g_autoptr (EngEstimator) owned = NULL;

  eng_advice_input_init (&input, model, run);
  if (!eng_machine_measure_roof (machine, input.n_threads, FALSE, &roof, NULL, error)
      || !eng_machine_measure_roof (machine, input.n_cpus, FALSE, &full, NULL, error))
    return FALSE;
  input.roof = &roof;
  input.full_roof = &full;
  input.build = build;
  input.runs = runs;
  input.samples = samples;
  input.loss = eng_advice_known_loss;
  input.loss_data = &(EngAdviceLossSource){ history, eng_run_get_workload (run) };
  if (!prepare_estimator (&input, run, &estimator, error))
    return FALSE;
  owned = estimator.estimator;
  advice = eng_advise (&input);
  if (as_json)
    {
      print_json (model, run, &roof, advice);
      return TRUE;
    }
  print_roof (&roof);
  print_roofline (model, profile, RT_PHASE_PREFILL, "Prefill", &roof);
  print_roofline (model, profile, RT_PHASE_DECODE, "Decode", &roof);
  print_roofline (model, profile, RT_PHASE_INFERENCE, "Inference", &roof);
  print_advice (advice);
  return TRUE;
}

static gboolean
run_command (int argc, char **argv, GError **error)
{
  g_autoptr (EngModel) model = NULL;
  g_autoptr (EngBuild) build = NULL;
  g_autoptr (EngRun) run = NULL;

  if (!app_cli_parse (&app_command_advise, entries, &argc, &argv, 1, error)
      || !app_cli_check_repeat (error))
    return FALSE;
  model = eng_model_load (argv[1], NULL, error);
  if (model == NULL)
    return FALSE;
  run = run_id != NULL ? find_run (model, error) : make_run (model, &build, error);
  return run != NULL && advise (model, build, run, error);
}

const AppCommand app_command_advise = {
  "advise", "FILE [--recipe R | --run RUN] [-p TEXT | -i INPUT] [--layers] [--json]",
  "How far the layers are from this machine's roofs, and what would make it cheaper, best first.",
  run_command
};
