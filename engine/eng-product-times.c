/* Times of a layer's products from the kept kernel times. Called by techniques' explain(); knows none
 * of them. Sketches and the table are kept by an estimator of its own, sums here. */
#include "eng-product-times.h"

#include <math.h>
#include <string.h>

#include "eng-estimate-private.h"

/* Recipes whose sums are kept: a handful for each that is explained. */
#define MAX_KEPT 24

typedef struct
{
  char *key;
  guint n_layers;
  EngProductTime *layers; /* [n_layers + 2]: index layer + 1 */
} Sums;

static GMutex mutex; /* guards what follows */
static EngEstimator *estimator;
static GQueue kept = G_QUEUE_INIT; /* Sums, newest first */

static void
sums_free (Sums *sums)
{
  g_free (sums->key);
  g_free (sums->layers);
  g_free (sums);
}

static EngEstimator *
get_estimator (void)
{
  if (estimator == NULL)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EngKernelTimes) times = eng_kernel_times_open (NULL, &error);
      if (times == NULL)
        g_debug ("no kernel times: %s", error->message);
      else
        estimator = eng_estimator_new (times);
    }
  return estimator;
}

static void
add_node (EngProductTime *layer, const EngExpected *expected, const RtCost *cost)
{
  layer->weight_bytes += cost->weight_bytes;
  layer->in_runs |= expected->source != ENG_KERNEL_BENCH;
  layer->by_itself |= expected->source == ENG_KERNEL_BENCH;
  layer->is_exact &= expected->basis == ENG_BASIS_TABLE;
  layer->ns += expected->basis <= ENG_BASIS_NEIGHBOUR ? expected->ns : NAN;
}

static Sums *
sum (EngModel *model, EngForecast *forecast)
{
  Sums *sums = g_new0 (Sums, 1);

  double correction = forecast->judgements[RT_PHASE_DECODE].correction;
  sums->n_layers = eng_model_get_n_layers (model);
  sums->layers = g_new0 (EngProductTime, sums->n_layers + 2);
  for (guint i = 0; i < sums->n_layers + 2; i++)
    sums->layers[i].is_exact = TRUE;
  for (guint i = 0; i < eng_forecast_get_n_nodes (forecast); i++)
    {
      const RtNode *node = eng_forecast_get_node (forecast, i);
      if (node->op->matrix_inputs != 0)
        add_node (&sums->layers[CLAMP (node->layer, -1, (int)sums->n_layers) + 1],
                  eng_forecast_get_node_time (forecast, RT_PHASE_DECODE, i),
                  eng_forecast_get_node_cost (forecast, RT_PHASE_DECODE, i));
    }
  for (guint i = 0; i < sums->n_layers + 2; i++)
    sums->layers[i].ns /= correction;
  return sums;
}

/* Of this recipe, with the table as it is now. */
static Sums *
find (EngModel *model, EngRecipe *recipe)
{
  if (get_estimator () == NULL)
    return NULL;
  g_autofree char *json = eng_recipe_to_json (recipe);
  g_autofree char *key
      = g_strdup_printf ("%s %u %s", eng_model_get_path (model),
                         eng_kernel_times_get_generation (eng_estimator_get_times (estimator)),
                         json);
  EngEstimateSizes sizes;

  for (GList *l = kept.head; l != NULL; l = l->next)
    if (strcmp (((Sums *)l->data)->key, key) == 0)
      {
        g_queue_unlink (&kept, l);
        g_queue_push_head_link (&kept, l);
        return l->data;
      }
  eng_estimate_sizes_init (&sizes, model, NULL);
  g_autoptr (EngForecast) forecast
      = eng_estimator_forecast (estimator, model, recipe, &sizes, NULL);
  if (forecast == NULL || !eng_forecast_has_phase (forecast, RT_PHASE_DECODE))
    return NULL;
  Sums *sums = sum (model, forecast);
  sums->key = g_steal_pointer (&key);
  g_queue_push_head (&kept, sums);
  if (kept.length > MAX_KEPT)
    sums_free (g_queue_pop_tail (&kept));
  /* The estimator's own sketches hold the model: here only the sums are wanted. */
  eng_estimator_forget (estimator, model);
  return sums;
}

gboolean
eng_product_time (EngModel *model, EngRecipe *recipe, int layer, EngProductTime *time)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && recipe != NULL && time != NULL, FALSE);

  g_mutex_lock (&mutex);
  Sums *sums = find (model, recipe);
  if (sums != NULL)
    *time = sums->layers[CLAMP (layer, -1, (int)sums->n_layers) + 1];
  g_mutex_unlock (&mutex);
  return sums != NULL;
}

gboolean
eng_product_times_comparable (const EngProductTime *a, const EngProductTime *b)
{
  return !isnan (a->ns) && !isnan (b->ns)
         && ((!a->in_runs && !b->in_runs) || (!a->by_itself && !b->by_itself));
}

double
eng_break_even_share (const double *shares, const double *times, guint n, double other_ns)
{
  double from = 0, start;

  if (n < 2)
    return NAN;
  start = times[0] - shares[0] * (times[1] - times[0]) / (shares[1] - shares[0]);
  /* From the end down: the last stretch above the other time ends at the break-even. */
  if (!(times[n - 1] <= other_ns))
    return NAN;
  for (guint i = n; i-- > 0;)
    {
      double share = i > 0 ? shares[i - 1] : from, before = i > 0 ? times[i - 1] : start;
      if (before > other_ns)
        return shares[i] - (shares[i] - share) * (other_ns - times[i]) / (before - times[i]);
    }
  return from;
}
