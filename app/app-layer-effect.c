/* One technique's effect on one layer, in words. Called by the layer's section of the recipe pane;
 * knows no widget and no technique by name. */
#include "app-layer-effect.h"

#include "app-config.h"
#include "plot-format.h"

#include <glib/gi18n.h>
#include <math.h>

/* ---- Recipes ---- */

static void
drop (EngRecipe **recipe, const EngTechnique *technique, const char *param, const char *match)
{
  EngRecipe *next = eng_recipe_with (*recipe, technique->id, param, match, NULL, NULL);

  if (next == NULL)
    return; /* never: what is set may be unset */
  eng_recipe_unref (*recipe);
  *recipe = next;
}

EngRecipe *
app_layer_effect_without (EngRecipe *recipe, const EngTechnique *technique)
{
  EngRecipe *result = eng_recipe_ref (recipe);

  for (guint i = eng_recipe_n_rules (recipe, technique->id); i-- > 0;)
    {
      EngRule rule = eng_recipe_get_rule (recipe, technique->id, i);

      drop (&result, technique, rule.param, rule.match);
    }
  for (guint i = 0; i < technique->n_params; i++)
    if (eng_recipe_is_set (result, technique->id, technique->params[i].id))
      drop (&result, technique, technique->params[i].id, NULL);
  return result;
}

static gboolean
value_differs (EngRecipe *a, EngRecipe *b, const EngTechnique *technique, const char *param,
               const char *target)
{
  g_autoptr (GVariant) x = eng_recipe_get (a, technique->id, param, target);
  g_autoptr (GVariant) y = eng_recipe_get (b, technique->id, param, target);

  return !g_variant_equal (x, y);
}

gboolean
app_layer_effect_differs (EngModel *model, const EngTechnique *technique, int layer, EngRecipe *a,
                          EngRecipe *b)
{
  for (guint p = 0; p < technique->n_params; p++)
    {
      const EngParam *param = &technique->params[p];

      if (value_differs (a, b, technique, param->id, NULL) && !param->per_layer)
        return TRUE;
      for (guint i = 0; param->per_layer && i < eng_model_get_n_tensors (model); i++)
        {
          const EngTensor *tensor = eng_model_get_tensor (model, i);

          if (tensor->layer == layer && value_differs (a, b, technique, param->id, tensor->name))
            return TRUE;
        }
    }
  return FALSE;
}

/* ---- Expected ---- */

typedef struct
{
  EngEstimator *estimator;
  EngModel *model;
  EngRecipe *recipe, *without;
  EngEstimateSizes sizes;
  int layer;
  RtPhase phase;
} Question;

static void
question_free (gpointer data)
{
  Question *q = data;

  g_object_unref (q->estimator);
  g_object_unref (q->model);
  eng_recipe_unref (q->recipe);
  eng_recipe_unref (q->without);
  g_free (q);
}

/* "−31 % time (30.2 µs → 20.8 µs)"; nothing where one of them is not known. */
static void
add_part (GString *text, double before, double after, double scale, const char *unit,
          const char *what)
{
  g_autofree char *from = NULL;
  g_autofree char *to = NULL;
  g_autofree char *change = NULL;

  if (!isfinite (before) || !isfinite (after) || before <= 0.0)
    return;
  if (text->len > 0)
    g_string_append (text, ", ");
  if (fabs (after / before - 1.0) < 0.0005)
    {
      /* Translators: "the same time", "the same weights" */
      g_string_append_printf (text, _ ("the same %s"), what);
      return;
    }
  from = eng_format_value (before * scale, unit);
  to = eng_format_value (after * scale, unit);
  change = plot_format_change (after, before);
  g_string_append_printf (text, "%s %s (%s → %s)", change, what, from, to);
}

/* Estimates of a different kind have no difference to speak of. */
static gboolean
timed_alike (const EngForecastValue *a, const EngForecastValue *b)
{
  return fabs (a->runs_share - b->runs_share) < 0.1;
}

static void
add_time (GString *text, const EngForecastValue *before, const EngForecastValue *after)
{
  if (timed_alike (before, after))
    add_part (text, before->ns, after->ns, 1e-6, "ms", _ ("time"));
  else if (isfinite (before->ns) && isfinite (after->ns))
    g_string_append (text, _ ("time not known yet (one of the two was timed in runs, the other "
                              "kernel by kernel)"));
}

static void
answer (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Question *q = data;
  g_autoptr (EngForecast) with = NULL;
  g_autoptr (EngForecast) without = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  EngLayerMemory before, after;
  GError *error = NULL;

  with = eng_estimator_forecast (q->estimator, q->model, q->recipe, &q->sizes, &error);
  if (with != NULL && !g_cancellable_is_cancelled (cancellable))
    without = eng_estimator_forecast (q->estimator, q->model, q->without, &q->sizes, &error);
  if (error != NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (without == NULL)
    {
      g_task_return_pointer (task, NULL, NULL); /* cancelled: nobody asks any more */
      return;
    }
  add_time (text, eng_forecast_get_layer (without, q->phase, q->layer),
            eng_forecast_get_layer (with, q->phase, q->layer));
  eng_forecast_get_layer_memory (without, q->layer, &before);
  eng_forecast_get_layer_memory (with, q->layer, &after);
  add_part (text, (double)before.weight_bytes, (double)after.weight_bytes, 1.0, "B", _ ("weights"));
  g_task_return_pointer (task,
                         text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL,
                         g_free);
}

void
app_layer_effect_async (EngSession *session, EngRecipe *recipe, const EngTechnique *technique,
                        int layer, RtPhase phase, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  EngModel *model = eng_session_get_model (session);
  EngEstimator *estimator = eng_session_get_estimator (session);
  g_autoptr (EngRecipe) without = app_layer_effect_without (recipe, technique);
  g_autoptr (GTask) task = g_task_new (session, cancellable, callback, user_data);
  EngRun *run = eng_session_get_run (session);
  Question *q;

  g_task_set_source_tag (task, app_layer_effect_async);
  if (model == NULL || estimator == NULL
      || !app_layer_effect_differs (model, technique, layer, recipe, without))
    {
      g_task_return_pointer (task, NULL, NULL);
      return;
    }
  q = g_new0 (Question, 1);
  q->estimator = g_object_ref (estimator);
  q->model = g_object_ref (model);
  q->recipe = eng_recipe_ref (recipe);
  q->without = g_steal_pointer (&without);
  q->layer = layer;
  q->phase = phase;
  eng_estimate_sizes_init (&q->sizes, model, run != NULL ? eng_run_get_profile (run) : NULL);
  g_task_set_task_data (task, q, question_free);
  g_task_run_in_thread (task, answer);
}

char *
app_layer_effect_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- Measured ---- */

static EngFigure
figure_of (const EngLatency *latency)
{
  EngFigure figure = { 0 };

  figure.unit = "ms";
  figure.available = latency->n > 0;
  figure.n = latency->n;
  figure.value = 1e-6 * latency->median_ns;
  figure.low = 1e-6 * latency->low_ns;
  figure.high = 1e-6 * latency->high_ns;
  return figure;
}

char *
app_layer_effect_dup_words (const EngLatency *before, const EngLatency *after, char **tooltip)
{
  EngFigure from = figure_of (before), to = figure_of (after);
  AppChange change = app_change (&from, &to, TRUE);
  g_autofree char *frac = NULL;
  g_autofree char *whole = NULL;
  g_autofree char *ms_from = NULL;
  g_autofree char *ms_to = NULL;

  *tooltip = NULL;
  if (change.verdict == APP_CHANGE_NONE)
    return NULL;
  frac = app_change_format (&change);
  whole = app_change_format_long (&change);
  ms_from = eng_format_value (from.value, "ms");
  ms_to = eng_format_value (to.value, "ms");
  /* Translators: two times, a change with its interval, and "better", "worse" or "no clear
   * difference" */
  *tooltip = g_strdup_printf (_ ("Measured: %s became %s, %s, %s"), ms_from, ms_to, whole,
                              app_change_words (&change));
  if (change.verdict == APP_CHANGE_SAME)
    return g_strdup_printf (_ ("No faster here: %s time, within the noise, measured"), frac);
  if (change.verdict == APP_CHANGE_WORSE)
    return g_strdup_printf (_ ("Slower here: %s time, measured"), frac);
  return g_strdup_printf (_ ("%s time, measured"), frac);
}

/* What the run is told against: the newest one that differs in @technique alone; without any, the
 * pinned or previous one of the same workload, and then other techniques may have changed the layer
 * as well (@mixed). */
static EngRun *
find_before (EngSession *session, EngRun *run, const EngTechnique *technique, gboolean *mixed)
{
  EngRun *before = eng_session_find_run_before (session, technique->id);
  g_autoptr (EngRecipe) rest_now = NULL;
  g_autoptr (EngRecipe) rest_then = NULL;

  *mixed = FALSE;
  if (before != NULL)
    return before;
  before = eng_session_get_baseline (session);
  if (before == NULL || before == run
      || g_strcmp0 (eng_run_get_model_hash (before), eng_run_get_model_hash (run)) != 0
      || !eng_workload_equal (eng_run_get_workload (before), eng_run_get_workload (run)))
    return NULL;
  rest_now = app_layer_effect_without (eng_run_get_recipe (run), technique);
  rest_then = app_layer_effect_without (eng_run_get_recipe (before), technique);
  *mixed = !eng_recipe_equal (rest_now, rest_then);
  return before;
}

char *
app_layer_effect_dup_measured (AppStage *stage, const EngTechnique *technique, int layer,
                               RtPhase phase, char **tooltip)
{
  EngSession *session = app_stage_get_session (stage);
  EngModel *model = eng_session_get_model (session);
  EngRun *run = eng_session_get_run (session);
  EngProfile *now, *then;
  EngRun *before;
  gboolean mixed;
  char *text;

  *tooltip = NULL;
  if (model == NULL || run == NULL || app_stage_is_reopened (stage))
    return NULL;
  before = find_before (session, run, technique, &mixed);
  if (before == NULL
      || !app_layer_effect_differs (model, technique, layer, eng_run_get_recipe (run),
                                    eng_run_get_recipe (before)))
    return NULL;
  now = eng_run_get_profile (run);
  then = eng_run_get_profile (before);
  if (now == NULL || then == NULL || layer > eng_profile_get_n_layers (now)
      || eng_profile_get_n_layers (now) != eng_profile_get_n_layers (then))
    return NULL;
  text = app_layer_effect_dup_words (&eng_profile_get_phase (then, phase)->layers[layer + 1],
                                     &eng_profile_get_phase (now, phase)->layers[layer + 1],
                                     tooltip);
  if (text != NULL && mixed)
    {
      char *longer = g_strdup_printf (_ ("%s together with other changes"), text);

      g_free (text);
      text = longer;
    }
  return text;
}
