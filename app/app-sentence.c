/* The sentence beside the headline numbers. Called by the headline; reads the stage, knows no
 * widgets. */
#include "app-sentence.h"

#include "app-config.h"
#include "app-layers.h"

#include "eval/eng-metric.h"

#include <glib/gi18n.h>

/* Names of a framework's modules can be as long as a line. */
#define MAX_NAME_CHARS 40

/* The recipe described, to begin a sentence with. */
static char *
dup_recipe_name (EngRecipe *recipe, EngModelKind kind)
{
  g_autofree char *text = eng_recipe_describe_for (recipe, kind);
  g_autofree char *first = g_utf8_substring (text, 0, 1);
  g_autofree char *upper = g_utf8_strup (first, -1);

  return g_strconcat (upper, g_utf8_next_char (text), NULL);
}

gboolean
app_sentence_find_dearest (EngProfile *profile, RtPhase phase, int *layer, double *share)
{
  const EngPhaseProfile *data = profile != NULL ? eng_profile_get_phase (profile, phase) : NULL;
  double most = 0.0;

  if (data == NULL || data->total.n == 0 || !(data->total.median_ns > 0.0))
    return FALSE;
  for (int i = -1; i <= eng_profile_get_n_layers (profile); i++)
    if (data->layers[i + 1].n > 0 && data->layers[i + 1].median_ns > most)
      {
        most = data->layers[i + 1].median_ns;
        *layer = i;
      }
  *share = most / data->total.median_ns;
  return most > 0.0;
}

/* A long name keeps its end, which tells neighbours apart. */
static char *
dup_short_name (EngModel *model, int layer)
{
  g_autofree char *name = app_layers_dup_title (model, layer);
  glong n = g_utf8_strlen (name, -1);

  if (n <= MAX_NAME_CHARS)
    return g_steal_pointer (&name);
  return g_strconcat ("…", g_utf8_offset_to_pointer (name, n - MAX_NAME_CHARS + 1), NULL);
}

static void
append_dearest (GString *text, AppStage *stage, EngRun *run)
{
  EngModel *model = eng_session_get_model (app_stage_get_session (stage));
  gboolean network = app_stage_get_kind (stage) == ENG_MODEL_NETWORK;
  EngProfile *profile = eng_run_get_profile (run);
  g_autofree char *name = NULL;
  double share;
  int layer;

  if (eng_profile_get_n_layers (profile) != (int)eng_model_get_n_layers (model)
      || !app_sentence_find_dearest (profile, network ? RT_PHASE_INFERENCE : RT_PHASE_DECODE,
                                     &layer, &share))
    return;
  name = dup_short_name (model, layer);
  if (network && layer < 0)
    g_string_append_printf (text, _ (" Pre-processing costs most: %.0f %% of the nodes' time."),
                            100.0 * share);
  else if (network && layer >= (int)eng_model_get_n_layers (model))
    g_string_append_printf (text, _ (" Post-processing costs most: %.0f %% of the nodes' time."),
                            100.0 * share);
  else
    /* Translators: the name of a layer, and its share of the time of all layers */
    g_string_append_printf (text, _ (" %s costs most: %.0f %%."), name, 100.0 * share);
}

/* An evaluation by its first metric: "Valid: Top-1 accuracy 90.2 % (88.2–91.9) on kws01.tar.gz,
 * beside the model as in its file.". Runs of earlier versions in their own words. */
static void
append_evaluated (GString *text, EngRun *run)
{
  EngEvaluation *evaluation = eng_run_get_evaluation (run);
  const EngEvalMetric *metric = evaluation != NULL && eng_evaluation_get_n_metrics (evaluation) > 0
                                    ? eng_evaluation_get_metric (evaluation, 0)
                                    : NULL;
  const EngMetric *info = metric != NULL ? eng_metric_find (metric->metric) : NULL;
  g_autofree char *figure = info != NULL ? eng_figure_format (&metric->whole.value) : NULL;

  if (info == NULL)
    g_string_append_printf (text, _ ("Valid: evaluated: %s"), eng_run_get_text (run));
  else
    /* Translators: a metric, its value, the set that it was measured on */
    g_string_append_printf (text, _ ("Valid: %s %s on %s."), _ (info->title), figure,
                            eng_evaluation_get_title (evaluation));
}

static void
append_measured (GString *text, EngRun *run)
{
  gboolean network = eng_run_get_workload (run)->kind == ENG_WORKLOAD_INPUT;
  guint n = network ? eng_run_get_n_inferences (run) : eng_run_get_n_generated (run);
  g_autofree char *recipe = eng_run_dup_recipe_text (run);

  if (network)
    g_string_append_printf (text,
                            ngettext ("Valid: %u inference with %s", "Valid: %u inferences with %s",
                                      n),
                            n, recipe);
  else
    g_string_append_printf (text,
                            ngettext ("Valid: %u token with %s", "Valid: %u tokens with %s", n), n,
                            recipe);
}

/* First, where it is never cut off: the button beside it does what it says. */
static void
append_advice (GString *text, const EngAdvice *advice)
{
  if (advice == NULL)
    return;
  /* Translators: what to do, and what it gains: "Q4_0 weights in all layers: −276 µs per token (−13
   * %, estimated)" */
  g_string_append_printf (text, _ ("Advice: %s: %s"), advice->title, advice->gain);
  if (advice->risk != NULL)
    g_string_append_printf (text, "; %s", advice->risk);
  g_string_append (text, ". ");
}

static char *
sentence_for_run (AppStage *stage, EngRun *run, const EngAdvice *advice)
{
  EngRun *baseline = app_stage_get_baseline (stage);
  const char *const *reasons = eng_run_get_reasons (run);
  GString *text = g_string_new (NULL);

  append_advice (text, advice);
  if (app_stage_is_reopened (stage))
    g_string_append (text, _ ("From the history. "));
  if (eng_run_get_validity (run) != ENG_RUN_VALID)
    {
      g_autofree char *why = reasons != NULL ? g_strjoinv ("; ", (char **)reasons) : g_strdup ("");

      g_string_append_printf (text,
                              eng_run_get_validity (run) == ENG_RUN_DEGRADED ? _ ("Degraded: %s.")
                                                                             : _ ("Invalid: %s."),
                              why);
      if (advice == NULL)
        append_dearest (text, stage, run);
      return g_string_free (text, FALSE);
    }
  if (eng_run_get_workload (run)->labelled)
    {
      append_evaluated (text, run);
      return g_string_free (text, FALSE);
    }
  append_measured (text, run);
  if (baseline != NULL)
    {
      g_autofree char *behind = eng_run_dup_recipe_text (baseline);

      g_string_append_printf (text, _ (", against %s"), behind);
    }
  g_string_append_c (text, '.');
  if (advice == NULL)
    append_dearest (text, stage, run);
  return g_string_free (text, FALSE);
}

/* A network that has operators without a lowering can be looked at only. */
static char *
sentence_for_report (EngModel *model)
{
  const char *const *report = eng_model_get_report (model);
  guint n = g_strv_length ((char **)report);

  if (n == 0)
    return NULL;
  return g_strdup_printf (ngettext ("This network can be looked at, but not run: %u thing in it is "
                                    "not supported.",
                                    "This network can be looked at, but not run: %u things in it "
                                    "are not supported.",
                                    n),
                          n);
}

const EngAdvice *
app_sentence_get_advice (AppStage *stage, AppAdviser *adviser)
{
  EngRun *run = app_stage_get_run (stage);

  if (run == NULL || eng_run_get_validity (run) == ENG_RUN_INVALID
      || eng_run_get_workload (run)->labelled)
    return NULL;
  return app_adviser_get_best (adviser);
}

char *
app_sentence_dup (AppStage *stage, const EngAdvice *advice)
{
  EngSession *session;
  EngModel *model;
  EngRun *run;
  g_autofree char *recipe = NULL;
  g_autofree char *report = NULL;

  g_return_val_if_fail (APP_IS_STAGE (stage), NULL);

  session = app_stage_get_session (stage);
  model = eng_session_get_model (session);
  if (model == NULL)
    return g_strdup (eng_session_get_job (session) != NULL ? _ ("Opening the model…")
                                                           : _ ("Open a model to begin."));
  report = sentence_for_report (model);
  if (report != NULL)
    return g_steal_pointer (&report);
  run = app_stage_get_run (stage);
  if (run != NULL)
    return sentence_for_run (stage, run, advice);
  recipe = dup_recipe_name (eng_session_get_recipe (session), app_stage_get_kind (stage));
  if (eng_session_get_running (session))
    return g_strdup_printf (_ ("Running with %s."), recipe);
  if (eng_session_get_build (session) == NULL)
    return g_strdup_printf (_ ("Preparing %s."), recipe);
  return g_strdup_printf (_ ("%s: not measured yet. Press Run."), recipe);
}
