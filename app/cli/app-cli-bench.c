/* `lathe bench FILE`: clean speeds of recipes and thread counts, with their share of the machine's
 * roofs. */

#include <math.h>
#include <stdlib.h>

#include "app-cli-private.h"
#include "eng-bench.h"
#include "eng-error.h"
#include "eng-run-find.h"
#include "eng-watch.h"

static gboolean as_json, fresh_roofs;
static char **recipes, **threads, **inputs, *save_path;
static int n_prefill = 128, n_decode = 64, n_repeats = 0;

static const GOptionEntry entries[] = {
  { "recipe", 0, 0, G_OPTION_ARG_STRING_ARRAY, &recipes,
    "A recipe: a file or JSON; may be repeated", "FILE|JSON" },
  { "threads", 't', 0, G_OPTION_ARG_STRING_ARRAY, &threads, "Threads; may be repeated", "N" },
  { "input", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &inputs,
    "Of a network: a file or a folder; may be repeated (random without)", "FILE" },
  { "prefill", 0, 0, G_OPTION_ARG_INT, &n_prefill, "Tokens of the prompt (128)", "N" },
  { "decode", 0, 0, G_OPTION_ARG_INT, &n_decode, "Tokens to decode (64)", "N" },
  { "repeats", 'r', 0, G_OPTION_ARG_INT, &n_repeats,
    "Exactly so many repeats of each, instead of until the interval is narrow; fewer than 6 give "
    "no 95 % interval",
    "N" },
  APP_CLI_REPEAT_ENTRIES,
  APP_CLI_METER_ENTRIES,
  { "measure-roofs", 0, 0, G_OPTION_ARG_NONE, &fresh_roofs, "Measure the machine's roofs again",
    NULL },
  { "save", 0, 0, G_OPTION_ARG_FILENAME, &save_path,
    "Keep it as a run in a file, for `lathe compare` and `lathe report`; of one recipe on one "
    "number of threads",
    "FILE.json" },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

static const EngFigureId text_energy[]
    = { ENG_FIGURE_TOKEN_ENERGY, ENG_FIGURE_PROMPT_ENERGY, ENG_FIGURE_POWER,
        ENG_FIGURE_TOKEN_ENERGY_MODEL, ENG_FIGURE_PROMPT_ENERGY_MODEL };

/* One line of the table: a recipe with a number of threads (0: the recipe's own). */
typedef struct
{
  EngModel *model;
  EngMachine *machine;
  JsonBuilder *json; /* NULL: text */
} Bench;

static void
add_json (Bench *bench, EngBuild *build, const EngRoof *roof, const EngBenchResult *result,
          const EngFigure *energy, const GPtrArray *reasons)
{
  JsonBuilder *builder = bench->json;
  RtMemory memory;

  eng_build_get_memory (build, &memory);
  json_builder_begin_object (builder);
  app_cli_json_recipe (builder, eng_build_get_recipe (build));
  app_cli_json_string (builder, "build_hash", eng_build_get_hash (build));
  app_cli_json_string (builder, "isa", eng_build_get_isa (build));
  app_cli_json_int (builder, "threads", eng_build_get_n_threads (build));
  app_cli_json_figure (builder, "prefill_tokens_per_s", &result->prefill);
  app_cli_json_figure (builder, "decode_tokens_per_s", &result->decode);
  for (guint i = 0; i < G_N_ELEMENTS (text_energy); i++)
    app_cli_json_figure (builder, eng_figure_id_name (text_energy[i]), &energy[text_energy[i]]);
  app_cli_json_number (builder, "decode_bytes_per_token", result->decode_bytes_per_token);
  app_cli_json_number (builder, "prefill_ops_per_token", result->prefill_ops_per_token);
  app_cli_json_number (builder, "decode_share_of_read_roof", result->decode_share_of_read);
  app_cli_json_number (builder, "prefill_share_of_ops_roof", result->prefill_share_of_ops);
  app_cli_json_string (builder, "prefill_roof", result->prefill_roof);
  app_cli_json_number (builder, "roof_read_bytes_per_s", roof->read_bytes_per_s);
  app_cli_json_number (builder, "roof_f32_flops", roof->f32_flops);
  app_cli_json_number (builder, "roof_int8_ops", roof->int8_ops);
  app_cli_json_int (builder, "weight_bytes", (gint64)memory.weight_bytes);
  app_cli_json_int (builder, "activation_bytes", (gint64)memory.activation_bytes);
  app_cli_json_int (builder, "scratch_bytes", (gint64)memory.scratch_bytes);
  app_cli_json_int (builder, "kv_bytes", (gint64)memory.kv_bytes);
  json_builder_set_member_name (builder, "reasons");
  json_builder_begin_array (builder);
  for (guint i = 0; i < reasons->len; i++)
    json_builder_add_string_value (builder, reasons->pdata[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
print_text (EngBuild *build, const EngBenchResult *result)
{
  g_autofree char *recipe
      = eng_recipe_describe_for (eng_build_get_recipe (build),
                                 eng_model_get_kind (eng_build_get_model (build)));
  g_autofree char *prefill = eng_figure_format (&result->prefill);
  g_autofree char *decode = eng_figure_format (&result->decode);

  guint n_threads = eng_build_get_n_threads (build);

  g_print ("%s; on %u %s, %s\n", recipe, n_threads, n_threads == 1 ? "thread" : "threads",
           eng_build_get_isa (build));
  g_print ("  prefill %d: %s, %.0f %% of the %s roof\n", n_prefill, prefill,
           100 * result->prefill_share_of_ops, result->prefill_roof);
  g_print ("  decode %d:  %s, %.0f %% of the read roof\n", n_decode, decode,
           100 * result->decode_share_of_read);
}

/* A network: clean inferences of the input, or of a random one. */
static gboolean
bench_network (Bench *bench, EngBuild *build, GError **error)
{
  g_autoptr (EngWorkload) workload = app_cli_input_workload (inputs, n_repeats, 0, 0);
  g_autoptr (EngRun) run = eng_run_new (build, workload, NULL, NULL, NULL, error);
  static const EngFigureId shown[] = {
    ENG_FIGURE_INFERENCE,        ENG_FIGURE_INFERENCES,     ENG_FIGURE_PREPROCESSING,
    ENG_FIGURE_NETWORK,          ENG_FIGURE_POSTPROCESSING, ENG_FIGURE_PEAK_MEMORY,
    ENG_FIGURE_INFERENCE_ENERGY, ENG_FIGURE_POWER,          ENG_FIGURE_INFERENCE_ENERGY_MODEL
  };
  g_autofree char *recipe
      = eng_recipe_describe_for (eng_build_get_recipe (build),
                                 eng_model_get_kind (eng_build_get_model (build)));
  guint n_threads = eng_build_get_n_threads (build);

  if (run == NULL || (save_path != NULL && !eng_run_save (run, save_path, error)))
    return FALSE;
  if (bench->json != NULL)
    {
      json_builder_begin_object (bench->json);
      app_cli_json_recipe (bench->json, eng_build_get_recipe (build));
      app_cli_json_string (bench->json, "build_hash", eng_build_get_hash (build));
      app_cli_json_string (bench->json, "isa", eng_build_get_isa (build));
      app_cli_json_int (bench->json, "threads", n_threads);
    }
  else
    g_print ("%s; on %u %s, %s\n", recipe, n_threads, n_threads == 1 ? "thread" : "threads",
             eng_build_get_isa (build));
  for (guint i = 0; i < G_N_ELEMENTS (shown); i++)
    {
      EngFigure figure = eng_run_get_figure (run, shown[i]);
      g_autofree char *text = eng_figure_format (&figure);

      if (bench->json != NULL)
        app_cli_json_figure (bench->json, eng_figure_id_name (shown[i]), &figure);
      else
        g_print ("  %-32s %s\n", eng_figure_id_title (shown[i]), text);
    }
  if (bench->json != NULL)
    {
      app_cli_json_string (bench->json, "validity", eng_validity_name (eng_run_get_validity (run)));
      json_builder_set_member_name (bench->json, "reasons");
      json_builder_begin_array (bench->json);
      for (const char *const *reason = eng_run_get_reasons (run); *reason != NULL; reason++)
        json_builder_add_string_value (bench->json, *reason);
      json_builder_end_array (bench->json);
      json_builder_end_object (bench->json);
    }
  else
    for (const char *const *reason = eng_run_get_reasons (run); *reason != NULL; reason++)
      g_print ("  %s: %s\n", eng_validity_name (eng_run_get_validity (run)), *reason);
  return TRUE;
}

/* Of tokens; those of no other kind. */
static void
fill_energy (EngFigure *figures, EngEnergy *energy)
{
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    figures[id] = eng_figure_unavailable (eng_figure_id_unit (id), "not of a bench");
  eng_energy_fill_figures (energy, ENG_WORKLOAD_TEXT, figures);
}

/* What others did to the machine meanwhile makes a bench doubtful, too. */
static gboolean
bench_watched (EngBuild *build, const EngBenchConfig *config, const EngRoof *roof,
               EngBenchResult *result, GPtrArray *reasons, GError **error)
{
  g_autoptr (EngWatch) watch = eng_watch_new ("/");
  EngConditions conditions;
  gboolean ok;

  eng_conditions_init (&conditions);
  eng_watch_start (watch);
  ok = eng_bench (build, config, roof, result, NULL, error);
  eng_watch_stop (watch, &conditions);
  eng_conditions_judge (&conditions, eng_build_get_n_threads (build), reasons);
  eng_conditions_clear (&conditions);
  return ok;
}

static gboolean
save (EngBuild *build, const EngBenchResult *result, EngEnergy *energy, GPtrArray *reasons,
      GError **error)
{
  g_autoptr (EngRun) run = NULL;

  if (save_path == NULL)
    return TRUE;
  g_ptr_array_add (reasons, NULL);
  run = eng_run_from_bench (build, (guint)n_prefill, (guint)n_decode, result, energy,
                            (const char *const *)reasons->pdata);
  g_ptr_array_set_size (reasons, (gint)reasons->len - 1);
  return eng_run_save (run, save_path, error);
}

static gboolean
bench_one (Bench *bench, EngRecipe *recipe, int n_threads, GError **error)
{
  g_autoptr (EngRecipe) with_threads = app_cli_recipe_with_threads (recipe, n_threads, error);
  g_autoptr (EngBuild) build
      = with_threads != NULL ? app_cli_build (bench->model, with_threads, error) : NULL;
  EngBenchConfig config = { (guint)n_prefill, (guint)n_decode, (guint)n_repeats,
                            app_cli_interval_percent / 100, app_cli_budget_s };
  g_autoptr (EngEnergy) energy = NULL;
  g_autoptr (GPtrArray) reasons = g_ptr_array_new_with_free_func (g_free);
  EngFigure figures[ENG_N_FIGURES];
  EngBenchResult result;
  EngRoof roof;

  if (build != NULL && eng_model_get_kind (bench->model) == ENG_MODEL_NETWORK)
    return bench_network (bench, build, error);
  if (build == NULL
      || !eng_machine_measure_roof (bench->machine, eng_build_get_n_threads (build), fresh_roofs,
                                    &roof, NULL, error)
      || !bench_watched (build, &config, &roof, &result, reasons, error))
    return FALSE;
  energy = eng_energy_measure_build (build, (guint)n_prefill, (guint)n_decode, NULL, error);
  if (energy == NULL || !save (build, &result, energy, reasons, error))
    return FALSE;
  fill_energy (figures, energy);
  if (bench->json != NULL)
    add_json (bench, build, &roof, &result, figures, reasons);
  else
    {
      print_text (build, &result);
      app_cli_print_energy_figures (energy, figures, g_print);
      for (guint i = 0; i < reasons->len; i++)
        g_print ("  degraded: %s\n", (char *)reasons->pdata[i]);
    }
  return TRUE;
}

static gboolean
bench_all (Bench *bench, GError **error)
{
  guint n_recipes = recipes != NULL ? g_strv_length (recipes) : 0;
  guint n_threads = threads != NULL ? g_strv_length (threads) : 0;

  for (guint r = 0; r < MAX (n_recipes, 1); r++)
    {
      g_autoptr (EngRecipe) recipe = app_cli_recipe (n_recipes > 0 ? recipes[r] : NULL, error);

      if (recipe == NULL)
        return FALSE;
      for (guint t = 0; t < MAX (n_threads, 1); t++)
        {
          gint64 n = 0;

          if (n_threads > 0 && !g_ascii_string_to_signed (threads[t], 10, 1, 64, &n, error))
            return FALSE;
          if (!bench_one (bench, recipe, (int)n, error))
            return FALSE;
        }
    }
  return TRUE;
}

static gboolean
run (int argc, char **argv, GError **error)
{
  g_autoptr (EngModel) model = NULL;
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *machine_json = NULL;
  Bench bench = { NULL, machine, NULL };

  if (!app_cli_parse (&app_command_bench, entries, &argc, &argv, 1, error)
      || !app_cli_check_repeat (error))
    return FALSE;
  if (n_prefill < 0 || n_decode < 0 || n_prefill + n_decode == 0 || n_repeats < 0)
    {
      g_set_error_literal (
          error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
          "--prefill and --decode must not be negative nor both 0, nor --repeats negative");
      return FALSE;
    }
  if (save_path != NULL
      && ((recipes != NULL && recipes[1] != NULL)
          || (threads != NULL && threads[0] != NULL && threads[1] != NULL)))
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "--save keeps one run: give one --recipe and one --threads at most");
      return FALSE;
    }
  model = eng_model_load (argv[1], NULL, error);
  if (model == NULL)
    return FALSE;
  bench.model = model;
  if (!app_cli_choose_meter (error))
    return FALSE;
  if (!as_json)
    return bench_all (&bench, error);

  bench.json = builder;
  machine_json = eng_machine_to_json (machine);
  json_builder_begin_object (builder);
  app_cli_json_string (builder, "model", eng_model_get_name (model));
  app_cli_json_string (builder, "path", eng_model_get_path (model));
  app_cli_json_int (builder, "prefill_tokens", n_prefill);
  app_cli_json_int (builder, "decode_tokens", n_decode);
  json_builder_set_member_name (builder, "machine");
  json_builder_add_value (builder, json_from_string (machine_json, NULL));
  json_builder_set_member_name (builder, "results");
  json_builder_begin_array (builder);
  if (!bench_all (&bench, error))
    return FALSE;
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  app_cli_json_print (builder);
  return TRUE;
}

const AppCommand app_command_bench
    = { "bench", "FILE [--recipe R]... [-t N]... [--prefill N] [--decode N] [--json]",
        "Prefill and decode speed with intervals and shares of this machine's roofs.", run };
