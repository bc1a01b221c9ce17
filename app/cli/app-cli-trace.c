/* `lathe trace FILE|RUN -o trace.json`: the last instrumented steps of a run, thread by thread, for
 * Perfetto. */

#include "app-cli-private.h"
#include "eng-error.h"
#include "eng-run-device.h"
#include "eng-run-find.h"
#include "eng-timeline.h"

static char *prompt, *recipe_text, *output;
static char **inputs;
static int n_predict = 32, n_threads = 0;
static gboolean of_run;

static const GOptionEntry entries[] = {
  { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "Where to write (standard output)",
    "FILE.json" },
  { "prompt", 'p', 0, G_OPTION_ARG_STRING, &prompt, "The text to go on from", "TEXT" },
  { "input", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &inputs,
    "Of a network: a file or a folder; may be repeated (random without)", "FILE" },
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text, "A recipe: a file or JSON", "FILE|JSON" },
  { "tokens", 'n', 0, G_OPTION_ARG_INT, &n_predict,
    "Tokens to decode (32): the last steps that are instrumented are kept", "N" },
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "Threads, instead of the recipe's", "N" },
  { "run", 0, 0, G_OPTION_ARG_NONE, &of_run,
    "Not a model: a run's file, \"latest\", or an id of the history", NULL },
  { NULL },
};

static EngWorkload *
make_workload (EngModel *model)
{
  if (eng_model_get_kind (model) == ENG_MODEL_NETWORK)
    return app_cli_input_workload (inputs, 0, 0, 0);
  return app_cli_text_workload (prompt, n_predict);
}

static EngRun *
make_run (const char *path, GError **error)
{
  g_autoptr (EngRecipe) recipe = app_cli_recipe (recipe_text, error);
  g_autoptr (EngRecipe) with_threads
      = recipe != NULL ? app_cli_recipe_with_threads (recipe, n_threads, error) : NULL;
  g_autoptr (EngModel) model = with_threads != NULL ? eng_model_load (path, NULL, error) : NULL;
  g_autoptr (EngBuild) build = model != NULL ? app_cli_build (model, with_threads, error) : NULL;
  g_autoptr (EngWorkload) workload = build != NULL ? make_workload (model) : NULL;
  g_autoptr (GCancellable) cancellable = app_cli_stop_on_interrupt ();

  return build != NULL ? eng_run_new (build, workload, NULL, NULL, cancellable, error) : NULL;
}

static gboolean
run_command (int argc, char **argv, GError **error)
{
  g_autoptr (EngHistory) history = NULL;
  g_autoptr (EngRun) run = NULL;
  EngTimeline *timeline;

  if (!app_cli_parse (&app_command_trace, entries, &argc, &argv, 1, error))
    return FALSE;
  run = of_run ? eng_run_find (&history, argv[1], error) : make_run (argv[1], error);
  if (run == NULL)
    return FALSE;
  timeline = eng_run_get_timeline (run);
  if (timeline == NULL)
    {
      g_set_error (
          error, ENG_ERROR, ENG_ERROR_NOT_FOUND, "The run has no timeline: %s",
          of_run ? "it was kept by an earlier version, or it is an evaluation. Run the model again"
                 : "no step was instrumented. Ask for more tokens or inputs");
      return FALSE;
    }
  g_autofree char *recipe = eng_run_dup_recipe_text (run);
  g_autofree char *process
      = g_strdup_printf ("%s, %s%s%s", eng_run_get_model_name (run), recipe,
                         eng_run_get_device (run) != NULL ? ", on " : "",
                         eng_run_get_device (run) != NULL ? eng_run_get_device (run) : "");
  g_autofree char *json
      = eng_timeline_to_chrome_json (timeline, eng_run_get_profile (run), process);
  if (output == NULL)
    {
      g_print ("%s", json);
      return TRUE;
    }
  if (!g_file_set_contents (output, json, -1, error))
    return FALSE;
  g_printerr (
      "%s: %u steps of %u threads. Open it in Perfetto, or in Chrome at chrome://tracing.\n",
      output, eng_timeline_get_n_steps (timeline), eng_timeline_get_n_threads (timeline));
  return TRUE;
}

const AppCommand app_command_trace
    = { "trace", "FILE [-o TRACE.json] [--recipe R] [-p TEXT | -i INPUT] [--run]",
        "What every thread does when, in the trace format of Perfetto and Chrome", run_command };
