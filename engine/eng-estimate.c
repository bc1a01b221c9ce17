/* The estimator: sketches a recipe, looks its nodes up in the device's table and sums. Called by
 * the session's worker and the command line. What a finished run teaches is in
 * eng-estimate-run.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eng-estimate-private.h"

/* Sketches kept: those of the recipes that a person goes back and forth between. */
#define MAX_SKETCHES 8

/* Errors of the newest runs make the band. */
#define MAX_ERRORS 200

#define DEFAULT_PROMPT 64

struct _EngEstimator
{
  GObject parent_instance;

  EngKernelTimes *times; /* NULL: a table made by hand */
  EngMachine *machine;
  EngKernelTable *fixed;
  GMutex mutex;        /* guards sketches and devices */
  GQueue sketches;     /* EngSketch, newest first */
  GHashTable *devices; /* threads -> EngEstimateDevice */
};

G_DEFINE_FINAL_TYPE (EngEstimator, eng_estimator, G_TYPE_OBJECT)

/* ---- Sizes ---- */

/* Without an input runs take a random picture of this size (tasks/eng-front-picture.c). A sound's
 * samples are guessed from the numbers that the network's first input has. */
#define DEFAULT_WIDTH 640
#define DEFAULT_HEIGHT 480

static void
sizes_of_input (EngModel *model, int64_t *symbols)
{
  const RtGraph *graph = eng_model_get_bare_graph (model);

  symbols[-RT_DIM_HEIGHT - 1] = DEFAULT_HEIGHT;
  symbols[-RT_DIM_WIDTH - 1] = DEFAULT_WIDTH;
  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    {
      const RtValue *value = rt_graph_value (graph, id);
      gint64 all = 1;
      if (value->kind != RT_VALUE_INPUT)
        continue;
      for (guint d = 0; d < value->shape.n_dims; d++)
        all *= MAX (value->shape.dims[d], 1);
      symbols[-RT_DIM_SAMPLES - 1] = all;
      return;
    }
}

void
eng_estimate_sizes_init (EngEstimateSizes *sizes, EngModel *model, EngProfile *like)
{
  g_return_if_fail (sizes != NULL && ENG_IS_MODEL (model));

  *sizes = (EngEstimateSizes){ .n_prompt = DEFAULT_PROMPT, .position = 2 * DEFAULT_PROMPT };
  if (eng_model_get_kind (model) == ENG_MODEL_NETWORK)
    sizes_of_input (model, sizes->symbols);
  if (like == NULL)
    return;
  const EngPhaseProfile *prefill = eng_profile_get_phase (like, RT_PHASE_PREFILL),
                        *decode = eng_profile_get_phase (like, RT_PHASE_DECODE),
                        *inference = eng_profile_get_phase (like, RT_PHASE_INFERENCE);
  if (prefill->n_tokens > 0)
    {
      sizes->n_prompt = prefill->n_tokens;
      sizes->is_of_run = TRUE;
    }
  if (decode->total.n > 0)
    sizes->position = decode->position;
  for (guint i = 0; i < RT_N_SYMBOLS; i++)
    if (inference->symbols[i] > 0)
      sizes->symbols[i] = inference->symbols[i];
}

/* ---- Devices ---- */

void
eng_estimate_device_unref (EngEstimateDevice *device)
{
  if (!g_atomic_ref_count_dec (&device->ref_count))
    return;
  eng_kernel_table_unref (device->table);
  g_array_unref (device->errors);
  g_free (device->name);
  g_free (device);
}

static EngEstimateDevice *
device_new (EngEstimator *self, guint n_threads, GError **error)
{
  g_autofree char *name
      = eng_kernel_times_device (self->machine, eng_machine_get_isa (self->machine), n_threads);
  guint64 cache_bytes = eng_machine_get_cache_bytes (self->machine);
  guint generation = self->times != NULL ? eng_kernel_times_get_generation (self->times) : 0;
  EngRoof roof = { 0 };
  gboolean has_roof
      = self->fixed == NULL && eng_machine_load_roof (self->machine, n_threads, &roof);
  g_autoptr (EngKernelTable) table
      = self->fixed != NULL ? eng_kernel_table_ref (self->fixed)
                            : eng_kernel_times_load (self->times, name, has_roof ? &roof : NULL,
                                                     cache_bytes, error);
  if (table == NULL)
    return NULL;
  GArray *errors = self->times != NULL
                       ? eng_kernel_times_list_errors (self->times, name, -1, MAX_ERRORS, error)
                       : g_array_new (FALSE, FALSE, sizeof (EngKernelError));
  if (errors == NULL)
    return NULL;

  EngEstimateDevice *device = g_new0 (EngEstimateDevice, 1);
  g_atomic_ref_count_init (&device->ref_count);
  device->n_threads = n_threads;
  device->generation = generation;
  device->name = g_steal_pointer (&name);
  device->table = g_steal_pointer (&table);
  device->errors = errors;
  device->cache_bytes = cache_bytes;
  device->memory_bytes = eng_machine_get_memory_bytes (self->machine);
  return device;
}

EngEstimateDevice *
eng_estimator_get_device (EngEstimator *self, guint n_threads, GError **error)
{
  g_mutex_lock (&self->mutex);
  EngEstimateDevice *device = g_hash_table_lookup (self->devices, GUINT_TO_POINTER (n_threads));
  gboolean is_new = device != NULL && self->times != NULL
                        ? device->generation == eng_kernel_times_get_generation (self->times)
                              && eng_kernel_table_has_roof (device->table)
                        : device != NULL;
  if (!is_new)
    {
      device = device_new (self, n_threads, error);
      if (device != NULL)
        g_hash_table_insert (self->devices, GUINT_TO_POINTER (n_threads), device);
    }
  if (device != NULL)
    g_atomic_ref_count_inc (&device->ref_count);
  g_mutex_unlock (&self->mutex);
  return device;
}

static int
by_value (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* @model NULL: of any. */
static double
median_ratio (EngEstimateDevice *device, RtPhase phase, const char *model, gboolean valid_only)
{
  g_autofree double *ratios = g_new (double, MAX (device->errors->len, 1));
  guint n = 0;

  for (guint i = 0; i < device->errors->len; i++)
    {
      const EngKernelError *kept = &g_array_index (device->errors, EngKernelError, i);
      if (kept->phase == phase && kept->wall_ns > 0 && kept->nodes_ns > 0
          && (kept->is_valid || !valid_only)
          && (model == NULL || g_strcmp0 (kept->model, model) == 0))
        ratios[n++] = kept->wall_ns / kept->nodes_ns;
    }
  if (n == 0)
    return NAN;
  qsort (ratios, n, sizeof *ratios, by_value);
  return eng_quantile_sorted (ratios, n, 0.5);
}

double
eng_estimate_device_wall_ratio (EngEstimateDevice *device, RtPhase phase, const char *model)
{
  double ratio = NAN;

  for (guint try = 0; try < 4 && isnan (ratio); try++)
    ratio = median_ratio (device, phase, try < 2 ? model : NULL, try % 2 == 0);
  return ratio;
}

/* Which kept errors the next one is like. */
typedef struct
{
  RtPhase phase;
  gboolean is_known, valid_only;
} ErrorClass;

/* The errors of one class: factors that were measured over what was predicted, and those of
 * layers. */
static guint
collect (EngEstimateDevice *device, const ErrorClass *class, double *ratios, double *layers,
         guint *n_layers)
{
  guint n = 0;

  *n_layers = 0;
  for (guint i = 0; i < device->errors->len; i++)
    {
      const EngKernelError *kept = &g_array_index (device->errors, EngKernelError, i);
      if (kept->phase != class->phase || !kept->is_known != !class->is_known
          || (class->valid_only && !kept->is_valid) || !(kept->predicted_ns > 0)
          || !(kept->nodes_ns > 0))
        continue;
      ratios[n++] = kept->nodes_ns / kept->predicted_ns;
      if (isfinite (kept->layer_error))
        layers[(*n_layers)++] = log1p (kept->layer_error);
    }
  return n;
}

/* Estimates that rested on runs of the same operators are a class of their own: their errors say
 * nothing of recipes that were never run. Where a class has too few for a band, what is wider
 * stands in for it: errors beside disturbed runs, then those of recipes that were never run. Where
 * those are too few as well, the narrowest that has any is what is counted. */
void
eng_estimate_device_judge (EngEstimateDevice *device, RtPhase phase, gboolean is_known,
                           EngEstimateJudgement *judgement)
{
  g_autofree double *ratios = g_new (double, MAX (device->errors->len, 1));
  g_autofree double *layers = g_new (double, MAX (device->errors->len, 1));
  ErrorClass narrowest = { phase, FALSE, FALSE };
  guint n = 0, n_layers = 0, most = 0;

  for (guint try = 0; try < 4 && n < ENG_ESTIMATE_MIN_BAND; try++)
    {
      ErrorClass class = { phase, try < 2 && is_known, try % 2 == 0 };
      n = collect (device, &class, ratios, layers, &n_layers);
      if (most == 0 && n > 0)
        narrowest = class;
      most = MAX (most, n);
    }
  if (n < ENG_ESTIMATE_MIN_BAND)
    n = collect (device, &narrowest, ratios, layers, &n_layers);
  qsort (ratios, n, sizeof *ratios, by_value);
  judgement->n = n;
  judgement->correction
      = n >= ENG_ESTIMATE_MIN_CORRECTION ? eng_quantile_sorted (ratios, n, 0.5) : 1;
  for (guint i = 0; i < n; i++)
    ratios[i] = fabs (log (ratios[i] / judgement->correction));
  judgement->band = eng_estimate_band (ratios, n);
  judgement->layer_band = eng_estimate_band (layers, n_layers);
}

/* ---- Nodes ---- */

/* Blocks of a model repeat the same operators: each is looked up once. */
typedef struct
{
  RtCost cost;
  EngExpected expected;
} Seen;

static gboolean
is_unknown_size (const RtGraph *graph, const RtNode *node, const int64_t *symbols)
{
  for (guint k = 0; k < node->n_inputs + node->n_outputs; k++)
    {
      RtValueId id = k < node->n_inputs ? node->inputs[k] : node->outputs[k - node->n_inputs];
      if (id == RT_NONE)
        continue;
      const RtShape *shape = &rt_graph_value (graph, id)->shape;
      for (guint d = 0; d < shape->n_dims; d++)
        if (shape->dims[d] < 0 && shape->dims[d] >= -RT_N_SYMBOLS
            && symbols[-shape->dims[d] - 1] <= 0)
          return TRUE;
    }
  return FALSE;
}

static void
predict_nodes (EngForecast *forecast, EngEstimateDevice *device, RtPhase phase,
               const int64_t *symbols, guint position)
{
  EngSketch *sketch = forecast->sketch;
  const RtGraph *graph = eng_sketch_get_graph (sketch);
  guint n_nodes = rt_graph_n_nodes (graph);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  guint64 weight_bytes = 0;

  for (guint i = 0; i < n_nodes; i++)
    if (!is_unknown_size (graph, rt_graph_node (graph, i), symbols))
      {
        eng_sketch_get_cost (sketch, i, symbols, position, &forecast->costs[phase][i]);
        weight_bytes += forecast->costs[phase][i].weight_bytes;
      }
  gboolean is_cold = eng_kernel_is_cold (weight_bytes, device->cache_bytes);
  for (guint i = 0; i < n_nodes; i++)
    {
      const RtCost *cost = &forecast->costs[phase][i];
      EngExpected *expected = &forecast->nodes[phase][i];
      const char *signature = eng_sketch_get_signature (sketch, i);
      const Seen *same = g_hash_table_lookup (seen, signature);

      if (is_unknown_size (graph, rt_graph_node (graph, i), symbols))
        *expected = (EngExpected){ .basis = ENG_BASIS_NONE,
                                   .ns = NAN,
                                   .reason = "depends on the size of the input, which is not "
                                             "known before a run" };
      else if (same != NULL && memcmp (&same->cost, cost, sizeof *cost) == 0)
        *expected = same->expected;
      else
        {
          Seen *new = g_new (Seen, 1);
          eng_kernel_table_predict (device->table, signature, cost, is_cold, expected);
          *new = (Seen){ *cost, *expected };
          g_hash_table_insert (seen, (gpointer)signature, new);
        }
    }
}

/* ---- Forecasts ---- */

static EngSketch *
get_sketch (EngEstimator *self, EngModel *model, EngRecipe *recipe, GError **error)
{
  g_mutex_lock (&self->mutex);
  for (GList *l = self->sketches.head; l != NULL; l = l->next)
    if (eng_sketch_get_model (l->data) == model
        && eng_recipe_equal (eng_sketch_get_recipe (l->data), recipe))
      {
        EngSketch *found = eng_sketch_ref (l->data);
        g_queue_unlink (&self->sketches, l);
        g_queue_push_head_link (&self->sketches, l);
        g_mutex_unlock (&self->mutex);
        return found;
      }
  g_mutex_unlock (&self->mutex);

  EngSketch *sketch = eng_sketch_new (model, recipe, error);
  if (sketch == NULL)
    return NULL;
  g_mutex_lock (&self->mutex);
  g_queue_push_head (&self->sketches, eng_sketch_ref (sketch));
  EngSketch *old = self->sketches.length > MAX_SKETCHES ? g_queue_pop_tail (&self->sketches) : NULL;
  g_mutex_unlock (&self->mutex);
  if (old != NULL)
    eng_sketch_unref (old);
  return sketch;
}

EngForecast *
eng_estimator_forecast (EngEstimator *self, EngModel *model, EngRecipe *recipe,
                        const EngEstimateSizes *sizes, GError **error)
{
  g_return_val_if_fail (ENG_IS_ESTIMATOR (self) && ENG_IS_MODEL (model) && recipe != NULL, NULL);
  g_return_val_if_fail (sizes != NULL && sizes->n_prompt > 0, NULL);

  g_autoptr (EngSketch) sketch = get_sketch (self, model, recipe, error);
  if (sketch == NULL)
    return NULL;
  g_autoptr (EngEstimateDevice) device
      = eng_estimator_get_device (self, eng_sketch_get_n_threads (sketch), error);
  if (device == NULL)
    return NULL;

  EngForecast *forecast = eng_forecast_new (sketch, sizes, device->name);
  guint n_ctx = MAX (eng_sketch_get_n_ctx (sketch), 1);
  forecast->sizes.n_prompt = MIN (sizes->n_prompt, eng_sketch_get_max_tokens (sketch));
  forecast->sizes.position = MIN (sizes->position, n_ctx - 1);
  for (RtPhase phase = 0; phase < RT_N_PHASES; phase++)
    {
      int64_t symbols[RT_N_SYMBOLS];
      if (!eng_forecast_has_phase (forecast, phase))
        continue;
      memcpy (symbols, forecast->sizes.symbols, sizeof symbols);
      symbols[0] = phase == RT_PHASE_PREFILL ? forecast->sizes.n_prompt : 1;
      symbols[1] = 1;
      predict_nodes (forecast, device, phase, symbols,
                     phase == RT_PHASE_DECODE ? forecast->sizes.position : 0);
      eng_forecast_sum (forecast, phase);
      EngEstimateJudgement judgement;
      eng_estimate_device_judge (device, phase, forecast->is_known[phase], &judgement);
      eng_forecast_judge (forecast, phase, &judgement,
                          eng_estimate_device_wall_ratio (device, phase,
                                                          eng_model_get_name (model)));
    }
  return forecast;
}

void
eng_estimator_forget (EngEstimator *self, EngModel *model)
{
  GQueue dropped = G_QUEUE_INIT;

  g_return_if_fail (ENG_IS_ESTIMATOR (self));
  g_mutex_lock (&self->mutex);
  for (GList *l = self->sketches.head, *next; l != NULL; l = next)
    {
      next = l->next;
      if (eng_sketch_get_model (l->data) != model)
        continue;
      g_queue_unlink (&self->sketches, l);
      g_queue_push_tail_link (&dropped, l);
    }
  g_mutex_unlock (&self->mutex);
  g_queue_clear_full (&dropped, (GDestroyNotify)eng_sketch_unref);
}

/* ---- The object ---- */

static void
eng_estimator_finalize (GObject *object)
{
  EngEstimator *self = ENG_ESTIMATOR (object);

  g_queue_clear_full (&self->sketches, (GDestroyNotify)eng_sketch_unref);
  g_hash_table_unref (self->devices);
  g_clear_pointer (&self->times, eng_kernel_times_unref);
  g_clear_pointer (&self->fixed, eng_kernel_table_unref);
  eng_machine_free (self->machine);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (eng_estimator_parent_class)->finalize (object);
}

static void
eng_estimator_class_init (EngEstimatorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = eng_estimator_finalize;
}

static void
eng_estimator_init (EngEstimator *self)
{
  g_mutex_init (&self->mutex);
  g_queue_init (&self->sketches);
  self->machine = eng_machine_new ();
  self->devices
      = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify)eng_estimate_device_unref);
}

EngEstimator *
eng_estimator_new (EngKernelTimes *times)
{
  g_return_val_if_fail (times != NULL, NULL);
  EngEstimator *self = g_object_new (ENG_TYPE_ESTIMATOR, NULL);
  self->times = eng_kernel_times_ref (times);
  return self;
}

EngEstimator *
eng_estimator_new_for_table (EngKernelTable *table)
{
  g_return_val_if_fail (table != NULL, NULL);
  EngEstimator *self = g_object_new (ENG_TYPE_ESTIMATOR, NULL);
  self->fixed = eng_kernel_table_ref (table);
  return self;
}

EngKernelTimes *
eng_estimator_get_times (EngEstimator *self)
{
  g_return_val_if_fail (ENG_IS_ESTIMATOR (self), NULL);
  return self->times;
}
