/* `lathe run FILE`: write text, or run a network on inputs, then say how fast. */

#include <stdio.h>

#include "app-cli-private.h"
#include "eng-history.h"
#include "eng-run-find.h"
#include "eng-run.h"

static gboolean as_json, chat, ignore_end, keep;
static char *prompt, *system_prompt, *recipe_text;
static int n_predict = 128, n_threads = 0, top_k = 0;
static gint64 seed = 0;
static double temperature = 0, top_p = 1, min_p = 0;
static char *save_path;
static char **inputs, *output;
static int n_repeats;
static double seconds, rate;

static const GOptionEntry entries[] = {
  { "prompt", 'p', 0, G_OPTION_ARG_STRING, &prompt,
    "The text to go on from (standard input when absent)", "TEXT" },
  { "chat", 0, 0, G_OPTION_ARG_NONE, &chat, "Put the prompt into the model's chat template", NULL },
  { "system", 0, 0, G_OPTION_ARG_STRING, &system_prompt, "The system message of the chat", "TEXT" },
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text, "A recipe: a file or JSON", "FILE|JSON" },
  { "tokens", 'n', 0, G_OPTION_ARG_INT, &n_predict, "Write at most this many tokens (128)", "N" },
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "Threads, instead of the recipe's", "N" },
  { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, "Seed of the sampler (0)", "N" },
  { "temperature", 0, 0, G_OPTION_ARG_DOUBLE, &temperature, "0 is greedy (0)", "X" },
  { "top-k", 0, 0, G_OPTION_ARG_INT, &top_k, "Keep the K most likely (0: off)", "K" },
  { "top-p", 0, 0, G_OPTION_ARG_DOUBLE, &top_p, "Keep the likeliest that sum up to P (1: off)",
    "P" },
  { "min-p", 0, 0, G_OPTION_ARG_DOUBLE, &min_p,
    "Keep those at least P times as likely as the best (0: off)", "P" },
  { "ignore-end", 0, 0, G_OPTION_ARG_NONE, &ignore_end, "Go on after an end token", NULL },
  { "input", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &inputs,
    "Of a network: a picture, sound, .npy or .bin file, or a folder; may be repeated (random "
    "without)",
    "FILE" },
  { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
    "Save the picture (PNG) or sound (WAV) that comes out, or what was found drawn over the "
    "picture (PNG)",
    "FILE" },
  APP_CLI_REPEAT_ENTRIES,
  APP_CLI_METER_ENTRIES,
  { "repeats", 0, 0, G_OPTION_ARG_INT, &n_repeats,
    "Clean inferences (as many as an interval takes)", "N" },
  { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds,
    "Run over the inputs again and again for so long (inf: until Ctrl-C)", "S" },
  { "rate", 0, 0, G_OPTION_ARG_DOUBLE, &rate,
    "With --seconds: inputs per second (as fast as possible)", "HZ" },
  { "keep", 0, 0, G_OPTION_ARG_NONE, &keep, "Keep the run in the history", NULL },
  { "save", 0, 0, G_OPTION_ARG_FILENAME, &save_path,
    "Keep the run in a file, for `lathe compare` and `lathe report`", "FILE.json" },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object: the whole run", NULL },
  { NULL },
};

static void
on_text (const char *utf8, gpointer user_data)
{
  fputs (utf8, stdout);
  fflush (stdout);
}

static char *
read_prompt (GError **error)
{
  g_autoptr (GIOChannel) input = NULL;
  char *text = NULL;

  if (prompt != NULL)
    return g_strdup (prompt);
  input = g_io_channel_unix_new (0);
  if (g_io_channel_read_to_end (input, &text, NULL, error) == G_IO_STATUS_ERROR)
    return NULL;
  return text;
}

static gboolean
check_options (GError **error)
{
  const char *wrong = NULL;

  if (n_predict < 1)
    wrong = "--tokens must be at least 1";
  else if (n_repeats < 0 || seconds < 0 || rate < 0)
    wrong = "--repeats, --seconds and --rate must not be negative";
  else if (rate > 0 && seconds == 0)
    wrong = "--rate is for continuous runs: give --seconds, too";
  else if (n_threads < 0)
    wrong = "--threads must be at least 1";
  else if (temperature < 0)
    wrong = "--temperature must not be negative";
  else if (top_k < 0)
    wrong = "--top-k must not be negative";
  else if (top_p <= 0 || top_p > 1)
    wrong = "--top-p must be above 0 and at most 1";
  else if (min_p < 0 || min_p > 1)
    wrong = "--min-p must be from 0 to 1";
  if (wrong == NULL)
    return TRUE;
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, wrong);
  return FALSE;
}

/* Of a run that drafted: what it came to, and whether the text is that of plain decoding. */
void
app_cli_print_speculation (EngRun *run)
{
  EngSpeculation *speculation = eng_run_get_speculation (run);
  guint n_compared, n_differing;

  if (speculation == NULL)
    return;
  for (EngFigureId id = ENG_FIGURE_ACCEPTANCE; id <= ENG_FIGURE_SPECULATION_EXPECTED; id++)
    {
      EngFigure figure = eng_run_get_figure (run, id);
      g_autofree char *text = eng_figure_format (&figure);

      g_printerr ("%-20s %s\n", eng_figure_id_title (id), text);
    }
  eng_speculation_get_checked (speculation, &n_compared, &n_differing);
  if (n_compared > 0 && n_differing == 0)
    g_printerr ("%-20s %u tokens compared with plain decoding, all the same\n", "", n_compared);
  else if (n_compared > 0)
    g_printerr ("%-20s %u of %u tokens differ from plain decoding\n", "", n_differing, n_compared);
  if (eng_speculation_get_notice (speculation) != NULL)
    g_printerr ("%s\n", eng_speculation_get_notice (speculation));
}

static void
print_summary (EngRun *run, EngBuild *build)
{
  static const EngFigureId shown[]
      = { ENG_FIGURE_DECODE, ENG_FIGURE_PREFILL, ENG_FIGURE_FIRST_TOKEN, ENG_FIGURE_PEAK_MEMORY };

  g_printerr ("\n");
  for (guint i = 0; i < G_N_ELEMENTS (shown); i++)
    {
      EngFigure figure = eng_run_get_figure (run, shown[i]);
      g_autofree char *text = eng_figure_format (&figure);

      g_printerr ("%-20s %s\n", eng_figure_id_title (shown[i]), text);
    }
  app_cli_print_speculation (run);
  app_cli_print_notes (run, build);
  app_cli_print_energy (run, g_printerr);
  app_cli_print_conditions (run, g_printerr);
  app_cli_print_repeats (run, g_printerr);
  for (const char *const *reason = eng_run_get_reasons (run); *reason != NULL; reason++)
    g_printerr ("%s: %s\n", eng_run_get_validity (run) == ENG_RUN_INVALID ? "invalid" : "degraded",
                *reason);
}

static EngWorkload *
text_workload (GError **error)
{
  g_autofree char *text = read_prompt (error);
  EngWorkload *workload = text != NULL ? eng_workload_new (text) : NULL;

  if (workload == NULL)
    return NULL;
  workload->chat = chat;
  workload->system = g_strdup (system_prompt);
  workload->n_predict = (guint)n_predict;
  workload->ignore_end = ignore_end;
  app_cli_set_repeat (workload);
  workload->sampler = (RtSamplerConfig){ .temperature = (float)temperature,
                                         .top_k = (guint)top_k,
                                         .top_p = (float)top_p,
                                         .min_p = (float)min_p,
                                         .seed = (guint64)seed };
  return workload;
}

static EngWorkload *
make_workload (EngModel *model, GError **error)
{
  EngWorkload *workload;

  if (eng_model_get_kind (model) == ENG_MODEL_LANGUAGE && inputs == NULL)
    return text_workload (error);
  workload = app_cli_input_workload (inputs, n_repeats, seconds, rate);
  workload->input_seed = (guint64)seed;
  return workload;
}

/* With several inputs each result is told as it comes. */
static void
on_result (EngResult *result, gpointer user_data)
{
  g_autofree char *text = eng_result_dup_text (result);

  g_print ("%s\n%s\n", eng_input_get_name (eng_result_get_input (result)), text);
}

static gboolean
show (EngRun *run, EngBuild *build, GError **error)
{
  if (output != NULL && !app_cli_save_result (run, output, error))
    return FALSE;
  if (as_json)
    {
      g_autofree char *json = eng_run_to_json (run);

      g_print ("%s\n", json);
    }
  else if (eng_run_get_workload (run)->kind == ENG_WORKLOAD_INPUT)
    app_cli_print_figures (run, build);
  else
    print_summary (run, build);
  if (!as_json)
    {
      app_cli_print_estimates (run);
      app_cli_print_verdicts (run, 3, g_printerr);
    }
  if (save_path != NULL && !eng_run_save (run, save_path, error))
    return FALSE;
  if (keep)
    {
      g_autoptr (EngHistory) history = eng_history_open (NULL, error);

      return history != NULL && eng_history_add (history, run, error);
    }
  return TRUE;
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
  EngRunEvents events = { .text = on_text, .result = on_result };

  if (!app_cli_parse (&app_command_run, entries, &argc, &argv, 1, error) || !check_options (error)
      || !app_cli_check_repeat (error))
    return FALSE;
  recipe = app_cli_recipe (recipe_text, error);
  if (recipe == NULL)
    return FALSE;
  with_threads = app_cli_recipe_with_threads (recipe, n_threads, error);
  model = with_threads != NULL ? eng_model_load (argv[1], NULL, error) : NULL;
  workload = model != NULL ? make_workload (model, error) : NULL;
  build = workload != NULL ? app_cli_build (model, with_threads, error) : NULL;
  if (build == NULL)
    return FALSE;
  cancellable = app_cli_stop_on_interrupt ();
  if (!app_cli_choose_meter (error))
    return FALSE;
  run = eng_run_new (build, workload, NULL, as_json ? NULL : &events, cancellable, error);
  if (run != NULL)
    app_cli_take_run (run, model);
  return run != NULL && show (run, build, error);
}

const AppCommand app_command_run
    = { "run",
        "FILE [-p TEXT | -i INPUT...] [--recipe FILE|JSON] [-n TOKENS] [-t THREADS] [--seed N] "
        "[--temperature X] [--chat] [--json]",
        "Write text, or run a network on inputs; the figures follow on standard error.",
        run_command };
