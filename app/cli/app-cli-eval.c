/* `lathe eval FILE --data SET`: how accurate a build is, beside a baseline, with intervals and by
 * domain or class. */

#include <string.h>

#include "app-cli-private.h"
#include "eng-error.h"
#include "eng-history.h"
#include "eval/eng-evaluate.h"
#include "eval/eng-metric.h"
#include "eval/eng-text-set.h"

static gboolean as_json, keep;
static char *data, *recipe_text, *against;
static char **metrics;
static int n_threads, n_tokens, window, stride;

static const GOptionEntry entries[] = {
  { "data", 'd', 0, G_OPTION_ARG_FILENAME, &data,
    "What to evaluate on. Language models: \"texts\" or \"questions\" (bundled), a text file, a "
    "folder of *.txt, questions as JSON. Networks: a folder of "
    "samples or a tar archive; classes are told by folders, names or a *labels.csv, boxes and "
    "keypoints by a JSON file in COCO's form, masks by "
    "NAME_mask.png, clean sounds by NAME_clean.wav; without any it is the agreement with the "
    "baseline",
    "SET" },
  { "metric", 'm', 0, G_OPTION_ARG_STRING_ARRAY, &metrics,
    "Only this metric; may be repeated (all that apply)", "ID" },
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text, "A recipe: a file or JSON", "FILE|JSON" },
  { "against", 0, 0, G_OPTION_ARG_STRING, &against,
    "The baseline: another recipe (JSON), another model file, or \"none\" (the model as in its "
    "file)",
    "RECIPE|FILE" },
  { "tokens", 'n', 0, G_OPTION_ARG_INT, &n_tokens,
    "Texts: tokens to predict, spread over the domains (4096; -1: all)", "N" },
  { "window", 0, 0, G_OPTION_ARG_INT, &window, "Texts: tokens of a window (256, or what fits)",
    "N" },
  { "stride", 0, 0, G_OPTION_ARG_INT, &stride, "Texts: tokens from window to window (a window)",
    "N" },
  APP_CLI_METER_ENTRIES,
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "Threads, instead of the recipe's", "N" },
  { "keep", 0, 0, G_OPTION_ARG_NONE, &keep,
    "Keep the evaluation in the history, for `lathe tradeoff` and the window", NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object: the whole run", NULL },
  { NULL },
};

/* ---- The two builds ---- */

static gboolean
is_recipe (const char *text)
{
  return text[strspn (text, " \t\r\n")] == '{' || g_str_has_suffix (text, ".json");
}

static EngBuild *
make_build (EngModel *model, const char *source, GError **error)
{
  g_autoptr (EngRecipe) recipe = app_cli_recipe (source, error);
  g_autoptr (EngRecipe) with_threads
      = recipe != NULL ? app_cli_recipe_with_threads (recipe, n_threads, error) : NULL;

  return with_threads != NULL ? app_cli_build (model, with_threads, error) : NULL;
}

/* *@words: what it is; NULL for the reference. FALSE: an error. *@baseline NULL: none is wanted. */
static gboolean
make_baseline (EngBuild *build, EngBuild **baseline, char **words, GError **error)
{
  if (against == NULL)
    return (*baseline = eng_evaluate_make_baseline (build, NULL, error)) != NULL;
  if (strcmp (against, "none") == 0)
    return TRUE;
  if (is_recipe (against))
    {
      *baseline = make_build (eng_build_get_model (build), against, error);
      *words = *baseline != NULL ? eng_recipe_describe (eng_build_get_recipe (*baseline)) : NULL;
    }
  else
    {
      *baseline = eng_evaluate_load_baseline (build, against, NULL, error);
      *words = g_path_get_basename (against);
    }
  return *baseline != NULL;
}

/* ---- Text ---- */

static void
print_value (const EngMetric *info, const char *name, const EngEvalValue *value)
{
  g_autofree char *mine = eng_figure_format (&value->value),
                  *theirs = eng_figure_format (&value->baseline);
  g_autofree char *change = eng_figure_format (&value->change);
  gboolean plus = value->change.available && value->change.value > 0;

  g_print ("  %-30s %s\n", name, mine);
  if (info->needs_baseline || !value->baseline.available)
    return;
  g_print ("  %-30s %s\n  %-30s %s%s%s\n", "    baseline", theirs, "    change", plus ? "+" : "",
           change, value->significant ? "  *" : "");
}

static void
print_groups (const EngMetric *info, const EngEvalMetric *metric)
{
  for (guint i = 0; i < metric->n_groups; i++)
    {
      const EngEvalValue *value = &metric->groups[i];
      g_autofree char *mine = eng_figure_format (&value->value),
                      *change = eng_figure_format (&value->change);
      gboolean plus = value->change.available && value->change.value > 0;

      if (info->needs_baseline || !value->change.available)
        g_print ("    %-28s %s\n", value->name, mine);
      else
        g_print ("    %-28s %-32s %s%s%s\n", value->name, mine, plus ? "+" : "", change,
                 value->significant ? "  *" : "");
    }
}

static void
print_text (EngRun *run, EngEvaluation *evaluation)
{
  const char *const *notes = eng_evaluation_get_notes (evaluation);
  gboolean stars = FALSE;

  g_print ("%s\n  on %s: %s\n", eng_run_get_model_name (run), eng_evaluation_get_title (evaluation),
           eng_evaluation_get_source (evaluation));
  if (eng_evaluation_get_against (evaluation) != NULL)
    g_print ("  baseline: %s\n", eng_evaluation_get_against (evaluation));
  for (guint i = 0; i < eng_evaluation_get_n_metrics (evaluation); i++)
    {
      const EngEvalMetric *metric = eng_evaluation_get_metric (evaluation, i);
      const EngMetric *info = eng_metric_find (metric->metric);

      print_value (info, info->title, &metric->whole);
      print_groups (info, metric);
      for (guint k = 0; k < metric->n_groups; k++)
        stars |= metric->groups[k].significant;
    }
  if (stars)
    g_print ("  * changed for certain (5 %% over all of the metric's, corrected after Holm)\n");
  for (guint i = 0; notes[i] != NULL; i++)
    g_print ("  note: %s\n", notes[i]);
  g_print ("  took %.1f s\n", eng_evaluation_get_seconds (evaluation));
}

/* ---- Running ---- */

static const char *
find_data (EngModel *model, GError **error)
{
  gboolean language = eng_model_get_kind (model) == ENG_MODEL_LANGUAGE;

  if (data == NULL && !language)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                         "--data SET is missing: what to evaluate on");
  else if (language && (data == NULL || strcmp (data, "texts") == 0)
           && !g_file_test ("texts", G_FILE_TEST_EXISTS))
    return ENG_BUNDLED_TEXTS;
  else if (language && strcmp (data, "questions") == 0
           && !g_file_test ("questions", G_FILE_TEST_EXISTS))
    return ENG_BUNDLED_QUESTIONS;
  return data;
}

static gboolean
run (int argc, char **argv, GError **error)
{
  g_autoptr (EngModel) model = NULL;
  g_autoptr (EngBuild) build = NULL, baseline = NULL;
  g_autoptr (EngRun) result = NULL;
  g_autoptr (AppCliProgress) progress = NULL;
  g_autofree char *words = NULL;
  EngEvalOptions options = { 0 };

  if (!app_cli_parse (&app_command_eval, entries, &argc, &argv, 1, error))
    return FALSE;
  if (n_tokens < -1 || window < 0 || stride < 0)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "--tokens, --window and --stride are numbers of tokens");
      return FALSE;
    }
  model = eng_model_load (argv[1], NULL, error);
  if (model == NULL || (options.data = find_data (model, error)) == NULL)
    return FALSE;
  build = make_build (model, recipe_text, error);
  if (build == NULL || !make_baseline (build, &baseline, &words, error))
    return FALSE;
  options.metrics = (const char *const *)metrics;
  options.against = words;
  options.n_tokens = n_tokens == -1 ? G_MAXUINT : (guint)n_tokens;
  options.window = (guint)window;
  options.stride = (guint)stride;
  if (!app_cli_choose_meter (error))
    return FALSE;
  progress = app_cli_progress_new ("Evaluating");
  result = eng_run_evaluate (build, baseline, &options, app_cli_progress_get_job (progress), error);
  g_clear_pointer (&progress, app_cli_progress_free);
  if (result == NULL)
    return FALSE;
  if (as_json)
    {
      g_autofree char *json = eng_run_to_json (result);

      g_print ("%s\n", json);
    }
  else
    {
      print_text (result, eng_run_get_evaluation (result));
      app_cli_print_energy (result, g_print);
    }
  if (keep)
    {
      g_autoptr (EngHistory) history = eng_history_open (NULL, error);

      return history != NULL && eng_history_add (history, result, error);
    }
  return TRUE;
}

const AppCommand app_command_eval = {
  "eval",
  "FILE [--data SET] [--metric ID]... [--recipe R] [--against RECIPE|FILE|none] [--keep] [--json]",
  "How accurate it is, beside a baseline: perplexity, divergence and questions of a language "
  "model, accuracy or agreement "
  "of a network, with intervals, by domain or class.",
  run
};
