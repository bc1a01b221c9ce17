/* The measuring job: see the header. Called on a worker by the session and by the command line.
 * Knows no operator and no technique: nodes come from sketches, choices from the technique
 * table. */
#include "eng-kernel-bench.h"

#include <string.h>

#include "eng-error.h"
#include "eng-estimate-private.h"
#include "eng-kernel-rounds.h"
#include "eng-kernel-task.h"
#include "eng-recipe-private.h"
#include "eng-technique.h"

/* Kernels that are held against each other are timed twice, and once more where the two
 * disagree. */
#define MAX_ROUNDS 3

/* A short prompt: between one token and many, products go over from waiting for weights to
 * computing. */
#define FEW_TOKENS 16

/* ---- What is missing ---- */

typedef struct
{
  GArray *tasks;    /* EngKernelTask: verdicts' first */
  guint n_verdicts; /* of the tasks */
  GHashTable *seen; /* char *: signature and cost */
  EngEstimateDevice *device;
  EngKernelTable *alone; /* what was measured by itself here before */
  EngKernelBenchResult *result;
} Search;

static void
clear_task (gpointer data)
{
  eng_sketch_unref (((EngKernelTask *)data)->sketch);
}

/* Whether a node can be measured away from its graph. */
static gboolean
is_free_standing (const RtGraph *graph, const RtNode *node)
{
  if (node->op->run == NULL)
    return FALSE;
  for (guint k = 0; k < node->n_inputs; k++)
    {
      const RtValue *value
          = node->inputs[k] != RT_NONE ? rt_graph_value (graph, node->inputs[k]) : NULL;
      if (value == NULL || value->kind == RT_VALUE_WEIGHT)
        continue;
      if (value->kind == RT_VALUE_STATE || value->type == RT_TYPE_I32 || value->type == RT_TYPE_I64)
        return FALSE;
    }
  return TRUE;
}

/* Sizes that the node's cost depends on and that nobody has told. */
static gboolean
is_known_size (const RtGraph *graph, const RtNode *node, const EngEstimateSizes *sizes)
{
  for (guint k = 0; k < node->n_inputs; k++)
    {
      if (node->inputs[k] == RT_NONE)
        continue;
      const RtShape *shape = &rt_graph_value (graph, node->inputs[k])->shape;
      for (guint d = 0; d < shape->n_dims; d++)
        if (shape->dims[d] < RT_DIM_OUTPUTS && sizes->symbols[-shape->dims[d] - 1] <= 0)
          return FALSE;
    }
  return TRUE;
}

/* Who asks: estimates are content with what runs have measured, verdicts hold kernels against each
 * other that were measured by themselves, and need no more than the products of one token. */
typedef enum
{
  FOR_ESTIMATES,
  FOR_VERDICTS,
} Purpose;

static gboolean
is_in_table (Search *search, Purpose purpose, const char *signature, const RtCost *cost,
             gboolean is_cold)
{
  EngExpected expected;
  EngKernelTime time;
  gboolean is_exact;

  if (purpose == FOR_VERDICTS)
    return eng_kernel_table_find (search->alone, signature, cost, is_cold, &time, &is_exact)
           && is_exact;
  eng_kernel_table_predict (search->device->table, signature, cost, is_cold, &expected);
  return expected.basis == ENG_BASIS_TABLE;
}

static void
search_node (Search *search, EngSketch *sketch, RtNodeId node, Purpose purpose,
             const int64_t *symbols, guint position, const RtCost *cost, gboolean is_cold,
             guint64 step_bytes)
{
  const char *signature = eng_sketch_get_signature (sketch, node);

  if (cost->flops + cost->weight_bytes + cost->read_bytes + cost->write_bytes == 0)
    return;
  char *key = g_strdup_printf ("%p %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                               " %" G_GUINT64_FORMAT " %d",
                               signature, cost->flops, cost->weight_bytes, cost->read_bytes,
                               cost->write_bytes, is_cold);
  if (!g_hash_table_add (search->seen, key))
    return;
  if (is_in_table (search, purpose, signature, cost, is_cold))
    return;
  search->result->n_missing++;
  const RtGraph *graph = eng_sketch_get_graph (sketch);
  if (!is_free_standing (graph, rt_graph_node (graph, node)))
    {
      search->result->n_skipped++;
      return;
    }
  EngKernelTask task
      = { .sketch = eng_sketch_ref (sketch), .node = node, .cost = *cost, .is_cold = is_cold };
  task.step_bytes = step_bytes;
  task.position = position;
  memcpy (task.symbols, symbols, sizeof task.symbols);
  g_array_append_val (search->tasks, task);
}

static void
search_phase (Search *search, EngSketch *sketch, Purpose purpose, const EngEstimateSizes *sizes,
              guint n_tokens, guint position)
{
  guint n_nodes = rt_graph_n_nodes (eng_sketch_get_graph (sketch));
  g_autofree RtCost *costs = g_new (RtCost, MAX (n_nodes, 1));
  int64_t symbols[RT_N_SYMBOLS];
  guint64 weight_bytes = 0;

  memcpy (symbols, sizes->symbols, sizeof symbols);
  for (guint i = 0; i < RT_N_SYMBOLS; i++)
    symbols[i] = MAX (symbols[i], 1);
  symbols[0] = MIN (n_tokens, eng_sketch_get_max_tokens (sketch));
  symbols[1] = 1;
  for (RtNodeId i = 0; i < n_nodes; i++)
    {
      eng_sketch_get_cost (sketch, i, symbols, position, &costs[i]);
      weight_bytes += costs[i].weight_bytes;
    }
  gboolean is_cold = eng_kernel_is_cold (weight_bytes, search->device->cache_bytes);
  const RtGraph *graph = eng_sketch_get_graph (sketch);
  for (RtNodeId i = 0; i < n_nodes; i++)
    if (is_known_size (graph, rt_graph_node (graph, i), sizes)
        && (purpose == FOR_ESTIMATES || rt_graph_node (graph, i)->op->matrix_inputs != 0))
      search_node (search, sketch, i, purpose, symbols, position, &costs[i], is_cold, weight_bytes);
}

/* A recipe that cannot be lowered has nothing to measure: whoever chooses it is told why then. */
static void
search_recipe (Search *search, EngModel *model, EngRecipe *recipe, Purpose purpose,
               const EngEstimateSizes *sizes)
{
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, recipe, NULL);

  if (sketch == NULL || eng_sketch_get_n_threads (sketch) != search->device->n_threads)
    return;
  if (eng_model_get_kind (model) == ENG_MODEL_NETWORK)
    search_phase (search, sketch, purpose, sizes, 1, 0);
  else
    {
      guint last = MAX (eng_sketch_get_n_ctx (sketch), 1) - 1;
      search_phase (search, sketch, purpose, sizes, 1, MIN (sizes->position, last));
      if (purpose == FOR_VERDICTS)
        return;
      search_phase (search, sketch, purpose, sizes, FEW_TOKENS, 0);
      search_phase (search, sketch, purpose, sizes, sizes->n_prompt, 0);
    }
}

static void
search_value (Search *search, EngModel *model, EngRecipe *recipe, const EngEstimateSizes *sizes,
              const EngTechnique *technique, const EngParam *param, GVariant *value)
{
  g_autoptr (EngRecipe) other
      = eng_recipe_with (recipe, technique->id, param->id, NULL, value, NULL);
  if (other != NULL && !eng_recipe_equal (other, recipe))
    search_recipe (search, model, other, FOR_ESTIMATES, sizes);
}

/* What the technique wants to compare. */
static void
search_timed (Search *search, EngModel *model, EngRecipe *recipe, Purpose purpose,
              const EngEstimateSizes *sizes, const EngTechnique *technique)
{
  for (guint i = 0; technique->timed != NULL; i++)
    {
      g_autoptr (EngRecipe) other = technique->timed (model, recipe, i);
      if (other == NULL)
        return;
      search_recipe (search, model, other, purpose, sizes);
    }
}

/* The same product in another format or with other zeros: stable, so that the recipe's own is the
 * first of each. */
static int
by_activations (const void *a, const void *b, gpointer data)
{
  const RtCost *x = &((const EngKernelTask *)a)->cost, *y = &((const EngKernelTask *)b)->cost;

  if (x->read_bytes != y->read_bytes)
    return x->read_bytes < y->read_bytes ? -1 : 1;
  return x->write_bytes < y->write_bytes ? -1 : x->write_bytes > y->write_bytes;
}

/* What the verdicts on the recipe hold against each other: it, it without the technique, and what
 * else the technique names. */
static void
search_verdicts (Search *search, EngModel *model, EngRecipe *recipe, const EngEstimateSizes *sizes)
{
  guint n;
  const EngTechnique *const *techniques = eng_technique_list (&n);

  for (guint t = 0; t < n; t++)
    {
      const EngTechnique *technique = techniques[t];
      g_autoptr (EngRecipe) without = eng_recipe_without (recipe, technique);
      if (technique->verdict == NULL || eng_recipe_equal (without, recipe))
        continue;
      search_recipe (search, model, recipe, FOR_VERDICTS, sizes);
      search_recipe (search, model, without, FOR_VERDICTS, sizes);
      search_timed (search, model, recipe, FOR_VERDICTS, sizes, technique);
    }
  search->n_verdicts = search->tasks->len;
  g_qsort_with_data (search->tasks->data, (int)search->n_verdicts, sizeof (EngKernelTask),
                     by_activations, NULL);
}

/* Every recipe that differs in one choice or one switch. */
static void
search_choices (Search *search, EngModel *model, EngRecipe *recipe, const EngEstimateSizes *sizes)
{
  guint n;
  const EngTechnique *const *techniques = eng_technique_list (&n);

  for (guint t = 0; t < n; t++)
    {
      const EngTechnique *technique = techniques[t];
      g_autofree char *why_not = technique->applies != NULL ? technique->applies (model) : NULL;
      if (why_not == NULL)
        search_timed (search, model, recipe, FOR_ESTIMATES, sizes, technique);
      for (guint i = 0; why_not == NULL && i < technique->n_params; i++)
        {
          const EngParam *param = &technique->params[i];
          if (param->kind == ENG_PARAM_SWITCH)
            for (int on = 0; on <= 1; on++)
              search_value (search, model, recipe, sizes, technique, param,
                            g_variant_new_boolean (on));
          for (guint k = 0; param->kind == ENG_PARAM_CHOICE && param->choices[k].id != NULL; k++)
            search_value (search, model, recipe, sizes, technique, param,
                          g_variant_new_string (param->choices[k].id));
        }
    }
}

/* ---- The job ---- */

typedef struct
{
  EngEstimator *estimator;
  Search *search;
  RtPool *pool;
  EngJob *job;
  gint64 end; /* monotonic, us */
} Work;

typedef enum
{
  MEASURED,
  SKIPPED, /* it cannot stand alone: it is estimated from others, as those left to runs are */
  STOPPED, /* with an error */
} Outcome;

static Outcome
measure_task (Work *work, guint index, EngKernelTime *time, GError **error)
{
  const EngKernelTask *task = &g_array_index (work->search->tasks, EngKernelTask, index);
  guint n_tasks = work->search->tasks->len;
  RtError rt_error = { 0 };

  if (work->job != NULL)
    {
      g_autofree char *stage = g_strdup_printf ("%u of %u", index + 1, n_tasks);
      eng_job_report (work->job, stage, (double)index / n_tasks);
      if (g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (work->job), error))
        return STOPPED;
    }
  if (eng_kernel_task_measure (task, work->pool, work->search->device, time, &rt_error))
    return MEASURED;
  g_debug ("%s cannot be measured by itself: %s",
           eng_sketch_get_signature (task->sketch, task->node), rt_error.message);
  return SKIPPED;
}

static gboolean
keep (Work *work, const EngKernelTime *times, guint n, GError **error)
{
  work->search->result->n_measured += n;
  return eng_kernel_times_add (eng_estimator_get_times (work->estimator),
                               work->search->device->name, times, n, error);
}

/* Tasks that are held against each other, in turn and more than once: what changes on the computer
 * meanwhile then meets all of them. Kept when all rounds are done. */
static gboolean
measure_group (Work *work, guint first, guint n, GError **error)
{
  g_autofree EngKernelTime *times = g_new (EngKernelTime, n * MAX_ROUNDS);
  g_autofree gboolean *skipped = g_new0 (gboolean, n);
  g_autoptr (GArray) joined = g_array_new (FALSE, FALSE, sizeof (EngKernelTime));
  gboolean agree = FALSE;
  guint n_rounds = 0;

  for (; n_rounds < MAX_ROUNDS && !agree; n_rounds++)
    {
      agree = n_rounds > 0;
      for (guint i = 0; i < n; i++)
        {
          Outcome outcome = SKIPPED;
          if (!skipped[i])
            outcome = measure_task (work, first + i, &times[i * MAX_ROUNDS + n_rounds], error);
          if (outcome == STOPPED)
            return FALSE;
          skipped[i] = outcome == SKIPPED;
          if (n_rounds > 0 && !skipped[i])
            agree &= eng_kernel_rounds_agree (&times[i * MAX_ROUNDS], n_rounds + 1);
        }
    }
  for (guint i = 0; i < n; i++)
    if (skipped[i])
      work->search->result->n_skipped++;
    else
      {
        EngKernelTime time = eng_kernel_rounds_join (&times[i * MAX_ROUNDS], n_rounds);
        g_array_append_val (joined, time);
      }
  return keep (work, (const EngKernelTime *)(void *)joined->data, joined->len, error);
}

static gboolean
measure_verdicts (Work *work, GError **error)
{
  const Search *search = work->search;
  const EngKernelTask *tasks = (const EngKernelTask *)(void *)search->tasks->data;
  guint n;

  for (guint i = 0; i < search->n_verdicts && g_get_monotonic_time () < work->end; i += n)
    {
      for (n = 1;
           i + n < search->n_verdicts && by_activations (&tasks[i], &tasks[i + n], NULL) == 0;)
        n++;
      if (!measure_group (work, i, n, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
work_through (Work *work, GError **error)
{
  if (!measure_verdicts (work, error))
    return FALSE;
  for (guint i = work->search->n_verdicts;
       i < work->search->tasks->len && g_get_monotonic_time () < work->end; i++)
    {
      EngKernelTime time;
      Outcome outcome = measure_task (work, i, &time, error);
      if (outcome == STOPPED || (outcome == MEASURED && !keep (work, &time, 1, error)))
        return FALSE;
      work->search->result->n_skipped += outcome == SKIPPED;
    }
  return TRUE;
}

gboolean
eng_kernel_bench (EngEstimator *estimator, EngModel *model, EngRecipe *recipe,
                  const EngEstimateSizes *sizes, double max_seconds, EngJob *job,
                  EngKernelBenchResult *result, GError **error)
{
  g_return_val_if_fail (ENG_IS_ESTIMATOR (estimator) && ENG_IS_MODEL (model), FALSE);
  g_return_val_if_fail (eng_estimator_get_times (estimator) != NULL && result != NULL, FALSE);

  *result = (EngKernelBenchResult){ 0 };
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, recipe, error);
  if (sketch == NULL)
    return FALSE;
  guint n_threads = eng_sketch_get_n_threads (sketch);
  g_autoptr (EngEstimateDevice) device = eng_estimator_get_device (estimator, n_threads, error);
  g_autoptr (EngKernelTable) alone
      = device != NULL ? eng_kernel_times_load_source (eng_estimator_get_times (estimator),
                                                       device->name, ENG_KERNEL_BENCH, error)
                       : NULL;
  if (alone == NULL)
    return FALSE;

  RtError rt_error = { 0 };
  RtPool *pool = rt_pool_new (n_threads, &rt_error);
  if (pool == NULL)
    return eng_error_take_rt (&rt_error, error);
  Search search = { .tasks = g_array_new (FALSE, FALSE, sizeof (EngKernelTask)),
                    .seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
                    .device = device,
                    .alone = alone,
                    .result = result };
  g_array_set_clear_func (search.tasks, clear_task);
  search_verdicts (&search, model, recipe, sizes);
  search_recipe (&search, model, recipe, FOR_ESTIMATES, sizes);
  search_choices (&search, model, recipe, sizes);
  Work work = { .estimator = estimator,
                .search = &search,
                .pool = pool,
                .job = job,
                .end = g_get_monotonic_time () + (gint64)(max_seconds * G_USEC_PER_SEC) };
  gboolean ok = work_through (&work, error);
  g_array_unref (search.tasks);
  g_hash_table_unref (search.seen);
  rt_pool_free (pool);
  return ok;
}
