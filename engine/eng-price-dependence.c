/* How layers depend on each other: what it gains to take one layer back to its reference while all
 * others stay changed. Where errors of layers hide or feed each other this differs from what the
 * layer costs alone. Language models: one evaluation for each layer and precision. */
#include "eng-price-private.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eval/eng-evaluate.h"
#include "eval/eng-text-set.h"

/* Tokens of one evaluation: enough for a divergence to within some percent, few enough that a
 * layer takes about a second with a hundred million weights. */
#define N_TOKENS 1024

/* ---- what was measured since the program began ---- */

static GMutex mutex;
static GHashTable *known; /* key -> EngFigure */

static char *
dup_key (EngPrices *prices, guint choice, int layer)
{
  g_autoptr (EngRecipe) recipe = eng_prices_uniform (prices, choice);
  g_autofree char *results = eng_evaluate_dup_key (prices->model, recipe);
  return g_strdup_printf ("%s %d", results, layer);
}

static gboolean
look_up (const char *key, EngFigure *figure)
{
  g_mutex_lock (&mutex);
  const EngFigure *found = known != NULL ? g_hash_table_lookup (known, key) : NULL;
  if (found != NULL)
    *figure = *found;
  g_mutex_unlock (&mutex);
  return found != NULL;
}

static void
keep (const char *key, const EngFigure *figure)
{
  g_mutex_lock (&mutex);
  if (known == NULL)
    known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert (known, g_strdup (key), g_memdup2 (figure, sizeof *figure));
  g_mutex_unlock (&mutex);
}

void
eng_prices_load_dependence (EngPrices *prices)
{
  for (guint c = 0; c < prices->n_choices; c++)
    for (guint r = 0; r < prices->n_layers; r++)
      {
        EngPrice *price = eng_prices_at (prices, r, c);
        if (price->same)
          continue;
        g_autofree char *key = dup_key (prices, c, prices->layers[r]);
        look_up (key, &price->restored);
      }
}

/* ---- measuring ---- */

static gboolean
measure_divergence (EngBuild *build, EngBuild *baseline, EngJob *job, double *nats, GError **error)
{
  static const char *const metrics[] = { "kl-divergence", NULL };
  EngEvalOptions options = { .data = ENG_BUNDLED_TEXTS, .metrics = metrics, .n_tokens = N_TOKENS };
  g_autoptr (EngEvaluation) evaluation = eng_evaluate (build, baseline, &options, job, error);
  if (evaluation == NULL)
    return FALSE;
  const EngEvalMetric *metric = eng_evaluation_find_metric (evaluation, metrics[0]);
  if (metric == NULL || !metric->whole.value.available)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND, "The divergence is unavailable: %s",
                   metric != NULL ? metric->whole.value.reason : "not evaluated");
      return FALSE;
    }
  *nats = metric->whole.value.value;
  return TRUE;
}

/* The choice everywhere but in one layer. */
static gboolean
measure_restored (EngPrices *prices, guint choice, int layer, EngBuild *all, EngBuild *baseline,
                  EngJob *job, double *nats, GError **error)
{
  const char *reference
      = eng_model_get_kind (prices->model) == ENG_MODEL_LANGUAGE ? "source" : "float";
  g_autoptr (EngRecipe) uniform = eng_prices_uniform (prices, choice);
  g_autoptr (EngRecipe) recipe = eng_prices_with_layer (prices, uniform, layer, reference, error);
  g_autoptr (EngBuild) build
      = recipe != NULL ? eng_build_new_within (prices->model, recipe, all, job, error) : NULL;
  return build != NULL && measure_divergence (build, baseline, job, nats, error);
}

static gboolean
measure_choice (EngPrices *prices, guint choice, EngJob *job, GError **error)
{
  g_autoptr (EngRecipe) recipe = eng_prices_uniform (prices, choice);
  g_autoptr (EngBuild) all = NULL, baseline = NULL;
  double whole = NAN;

  for (guint r = 0; r < prices->n_layers; r++)
    {
      EngPrice *price = eng_prices_at (prices, r, choice);
      g_autofree char *key = dup_key (prices, choice, prices->layers[r]);
      double without;

      if (price->same || look_up (key, &price->restored))
        continue;
      if (job != NULL)
        {
          g_autofree char *name = eng_model_dup_layer_name (prices->model, prices->layers[r]);
          g_autofree char *stage
              = g_strdup_printf ("Dependence, %s: all but %s",
                                 eng_prices_get_choice_title (prices, choice), name);
          eng_job_report (job, stage, (choice + (double)r / prices->n_layers) / prices->n_choices);
        }
      if (all == NULL)
        {
          all = eng_build_new_within (prices->model, recipe, NULL, job, error);
          baseline = all != NULL ? eng_evaluate_make_baseline (all, NULL, error) : NULL;
          if (baseline == NULL || !measure_divergence (all, baseline, job, &whole, error))
            return FALSE;
        }
      if (!measure_restored (prices, choice, prices->layers[r], all, baseline, job, &without,
                             error))
        return FALSE;
      price->restored = eng_figure_exact (whole - without, eng_prices_get_loss_unit (prices));
      price->restored.low = price->restored.high = NAN;
      price->restored.n = 1;
      keep (key, &price->restored);
    }
  return TRUE;
}

gboolean
eng_prices_measure_dependence (EngPrices *prices, EngJob *job, GError **error)
{
  if (eng_model_get_kind (prices->model) != ENG_MODEL_LANGUAGE)
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                           "Dependence between layers is measured on texts: for language models");
      return FALSE;
    }
  for (guint c = 0; c < prices->n_choices; c++)
    if (!measure_choice (prices, c, job, error))
      return FALSE;
  return TRUE;
}
