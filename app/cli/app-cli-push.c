/* `lathe push FILE --device NAME`: a build onto a device, run there, its measurements home as a
 * run. */

#include <math.h>
#include <stdio.h>

#include "app-cli-devices.h"
#include "app-cli-private.h"
#include "devices/eng-push.h"
#include "eng-history.h"
#include "eng-run-find.h"
#include "eval/eng-text-set.h"

static gboolean as_json, chat, keep, labelled, ignore_end;
static char *device_name, *prompt, *recipe_text, *save_path;
static char **inputs;
static int n_predict = 64, n_threads, n_repeats;
static double patience;

static const GOptionEntry entries[] = {
  { "device", 'd', 0, G_OPTION_ARG_STRING, &device_name,
    "The device, by name or id (lathe devices list)", "NAME" },
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text, "A recipe: a file or JSON", "FILE|JSON" },
  { "prompt", 'p', 0, G_OPTION_ARG_STRING, &prompt, "Of a language model: the text to go on from",
    "TEXT" },
  { "chat", 0, 0, G_OPTION_ARG_NONE, &chat, "Put the prompt into the model's chat template", NULL },
  { "tokens", 'n', 0, G_OPTION_ARG_INT, &n_predict, "Write at most this many tokens (64)", "N" },
  { "ignore-end", 0, 0, G_OPTION_ARG_NONE, &ignore_end, "Go on after an end token", NULL },
  { "input", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &inputs,
    "Of a network: a picture, sound, .npy or .bin file, or a folder; may be repeated (random "
    "without)",
    "FILE" },
  { "accuracy", 0, 0, G_OPTION_ARG_NONE, &labelled,
    "The one input is a labelled set: its accuracy on the device; of a language model, a text or "
    "a folder of texts (the bundled ones without): its perplexity",
    NULL },
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads,
    "Threads, instead of the recipe's (as many as the device has, at most)", "N" },
  APP_CLI_REPEAT_ENTRIES,
  { "repeats", 0, 0, G_OPTION_ARG_INT, &n_repeats, "Clean inferences (as many as the budget takes)",
    "N" },
  { "patience", 0, 0, G_OPTION_ARG_DOUBLE, &patience,
    "Seconds to wait for a lost link to come back (60)", "S" },
  { "keep", 0, 0, G_OPTION_ARG_NONE, &keep, "Keep the run in the history", NULL },
  { "save", 0, 0, G_OPTION_ARG_FILENAME, &save_path,
    "Keep the run in a file, for `lathe compare` and `lathe report`", "FILE.json" },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json,
    "One JSON object: the whole run, and what the push took", NULL },
  { NULL },
};

/* ---- While it goes ---- */

static void
on_text (const char *utf8, gpointer user_data)
{
  fputs (utf8, stdout);
  fflush (stdout);
}

static void
on_result (EngResult *result, gpointer user_data)
{
  g_autofree char *text = eng_result_dup_text (result);

  g_print ("%s\n%s\n", eng_input_get_name (eng_result_get_input (result)), text);
}

static void
on_preflight (const GPtrArray *items, gpointer user_data)
{
  static const char *const marks[] = { "ok", "warning", "cannot run" };

  for (guint i = 0; i < items->len; i++)
    {
      const EngPreflightItem *item = items->pdata[i];
      g_printerr ("%-16s %s: %s\n", item->title, marks[item->state], item->text);
      if (item->remedy != NULL)
        g_printerr ("%-16s   %s\n", "", item->remedy);
    }
}

/* ---- Afterwards ---- */

static void
print_times (const EngPushTimes *times)
{
  g_autofree char *copied = eng_format_value ((double)times->n_copied, "B");
  g_autofree char *kept = eng_format_value ((double)times->n_kept, "B");

  g_printerr ("%-20s %.2f s connecting, %.2f s preparing, %.2f s copying %s (%s were there), first "
              "line after %.2f s\n",
              "Push", times->connect_s, times->prepare_s, times->copy_s, copied, kept,
              times->start_s);
}

static void
print_run (EngRun *run, EngBuild *build)
{
  if (eng_run_get_workload (run)->kind == ENG_WORKLOAD_TEXT && eng_run_get_workload (run)->labelled)
    {
      app_cli_print_notes (run, build);
      return;
    }
  if (eng_run_get_workload (run)->kind == ENG_WORKLOAD_INPUT)
    {
      app_cli_print_figures (run, build);
      return;
    }
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
  app_cli_print_repeats (run, g_printerr);
  app_cli_print_energy (run, g_printerr);
  app_cli_print_conditions (run, g_printerr);
  for (const char *const *reason = eng_run_get_reasons (run); *reason != NULL; reason++)
    g_printerr ("%s: %s\n", eng_run_get_validity (run) == ENG_RUN_INVALID ? "invalid" : "degraded",
                *reason);
}

static void
print_evaluation (EngRun *run)
{
  static const EngFigureId shown[]
      = { ENG_FIGURE_ACCURACY,     ENG_FIGURE_MEAN_PRECISION, ENG_FIGURE_LANDMARK_ERROR,
          ENG_FIGURE_MEAN_IOU,     ENG_FIGURE_SOUND_SNR,      ENG_FIGURE_PERPLEXITY,
          ENG_FIGURE_BITS_PER_BYTE };

  for (guint i = 0; i < G_N_ELEMENTS (shown); i++)
    {
      EngFigure figure = eng_run_get_figure (run, shown[i]);
      g_autofree char *text = eng_figure_format (&figure);
      if (figure.available)
        g_printerr ("%-20s %s\n", eng_figure_id_title (shown[i]), text);
    }
}

static void
print_json (EngRun *run, const EngPushTimes *times)
{
  g_autofree char *json = eng_run_to_json (run);
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "push");
  json_builder_begin_object (builder);
  app_cli_json_int (builder, "copied_bytes", (gint64)times->n_copied);
  app_cli_json_int (builder, "kept_bytes", (gint64)times->n_kept);
  app_cli_json_number (builder, "connect_s", times->connect_s);
  app_cli_json_number (builder, "prepare_s", times->prepare_s);
  app_cli_json_number (builder, "copy_s", times->copy_s);
  app_cli_json_number (builder, "start_s", times->start_s);
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "run");
  json_builder_add_value (builder, g_steal_pointer (&node));
  json_builder_end_object (builder);
  app_cli_json_print (builder);
}

/* ---- The command ---- */

static EngWorkload *
make_workload (EngModel *model, GError **error)
{
  EngWorkload *workload;

  gboolean language = eng_model_get_kind (model) == ENG_MODEL_LANGUAGE;
  if (labelled && (inputs == NULL ? !language : inputs[1] != NULL))
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "--accuracy takes one labelled set: --input FOLDER");
      return NULL;
    }
  if (language && labelled)
    {
      const char *const texts[] = { inputs != NULL ? inputs[0] : ENG_BUNDLED_TEXTS, NULL };
      workload = eng_workload_new_input (texts);
      workload->kind = ENG_WORKLOAD_TEXT;
    }
  else if (eng_model_get_kind (model) == ENG_MODEL_LANGUAGE && inputs == NULL)
    {
      workload = app_cli_text_workload (prompt, n_predict);
      workload->chat = chat;
      workload->ignore_end = ignore_end;
    }
  else
    workload = app_cli_input_workload (inputs, n_repeats, 0, 0);
  app_cli_set_repeat (workload);
  workload->labelled = labelled;
  return workload;
}

static gboolean
show (EngRun *run, EngBuild *build, const EngPushTimes *times, GError **error)
{
  if (as_json)
    print_json (run, times);
  else
    {
      print_run (run, build);
      print_evaluation (run);
      print_times (times);
    }
  if (save_path != NULL && !eng_run_save (run, save_path, error))
    return FALSE;
  if (!keep)
    return TRUE;
  g_autoptr (EngHistory) history = eng_history_open (NULL, error);
  return history != NULL && eng_history_add (history, run, error);
}

static EngRun *
push (EngModel *model, EngRecipe *recipe, EngBuild **build, EngPushTimes *times, GError **error)
{
  g_autoptr (EngDevices) devices = eng_devices_new (NULL, error);
  EngDevice *device = devices != NULL ? app_cli_find_device (devices, device_name, error) : NULL;
  g_autoptr (EngWorkload) workload = device != NULL ? make_workload (model, error) : NULL;
  EngRunEvents run_events = { .text = on_text, .result = on_result };
  EngPushEvents events = { .preflight = on_preflight };
  EngAsk ask = app_cli_ask ();
  EngPushOptions options = { .ask = &ask, .patience_s = patience };

  *build = workload != NULL ? app_cli_build (model, recipe, error) : NULL;
  if (*build == NULL)
    return NULL;
  g_autoptr (AppCliProgress) progress = app_cli_progress_new ("Pushing");
  return eng_push_run (device, *build, workload, NULL, as_json ? NULL : &run_events,
                       as_json ? NULL : &events, &options, times,
                       app_cli_progress_get_job (progress), error);
}

static gboolean
run_command (int argc, char **argv, GError **error)
{
  g_autoptr (EngBuild) build = NULL;
  EngPushTimes times = { 0 };

  if (!app_cli_parse (&app_command_push, entries, &argc, &argv, 1, error)
      || !app_cli_check_repeat (error))
    return FALSE;
  if (device_name == NULL || n_predict < 1 || n_repeats < 0 || n_threads < 0 || patience < 0)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s",
                   device_name == NULL ? "--device says where to: lathe devices list has the names"
                                       : "a number of the options is out of its range");
      return FALSE;
    }
  g_autoptr (EngModel) model = eng_model_load (argv[1], NULL, error);
  if (model == NULL)
    return FALSE;
  g_autoptr (EngRecipe) recipe = recipe_text != NULL ? app_cli_recipe (recipe_text, error)
                                                     : eng_build_saved_recipe (model, error);
  g_autoptr (EngRecipe) with_threads
      = recipe != NULL ? app_cli_recipe_with_threads (recipe, n_threads, error) : NULL;
  if (with_threads == NULL)
    return FALSE;
  g_autoptr (EngRun) run = push (model, with_threads, &build, &times, error);
  return run != NULL && show (run, build, &times, error);
}

const AppCommand app_command_push
    = { "push",
        "FILE --device NAME [--recipe R] [-p TEXT | -i INPUT] [--accuracy] [--keep] [--json]",
        "Run a build on a board, and bring its measurements home.", run_command };
