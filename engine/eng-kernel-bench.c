/* The measuring job: see the header. Called on a worker by the session and by the command line.
 * Knows no operator and no technique: nodes come from sketches, choices from the technique
 * table. */
#include "eng-kernel-bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eng-error.h"
#include "eng-estimate-private.h"
#include "eng-figure.h"
#include "eng-kernel-rounds.h"
#include "eng-recipe-private.h"
#include "eng-sparsify.h"
#include "eng-technique.h"
#include "kn-quant.h"
#include "kn-sparse.h"
#include "rt-exec.h"
#include "rt-kv.h"

/* One operator gets this long, and no less than so many executions. */
#define NODE_NS 40000000ull
#define MIN_SAMPLES 32
#define MIN_PART 8

/* Kernels that are held against each other are timed twice, and once more where the two
 * disagree. */
#define MAX_ROUNDS 3

/* Of the median: wider intervals are worth more time. */
#define MAX_WIDTH 0.1

/* Copies of one operator: enough to be an average of places in memory, no more than memory
 * allows. */
#define MIN_COPIES 4
#define MAX_COPIES 512
#define MAX_WARM_COPIES 64
#define MAX_WEIGHT_BYTES (384u << 20)

/* A short prompt: between one token and many, products go over from waiting for weights to
 * computing. */
#define FEW_TOKENS 16

/* Rows that are made up; the others repeat them. */
#define N_ROWS_MADE 16

/* ---- What is missing ---- */

/* One operator to measure: a node of a sketch in one phase. */
typedef struct
{
  EngSketch *sketch;
  RtNodeId node;
  RtCost cost;
  gboolean is_cold;
  guint64 step_bytes; /* weights that one step of the whole graph reads */
  int64_t symbols[RT_N_SYMBOLS];
  guint position; /* of the first token, for operators with a cache */
} Task;

typedef struct
{
  GArray *tasks;    /* Task: verdicts' first */
  guint n_verdicts; /* of the tasks */
  GHashTable *seen; /* char *: signature and cost */
  EngEstimateDevice *device;
  EngKernelTable *alone; /* what was measured by itself here before */
  EngKernelBenchResult *result;
} Search;

static void
clear_task (gpointer data)
{
  eng_sketch_unref (((Task *)data)->sketch);
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
  Task task
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
  const RtCost *x = &((const Task *)a)->cost, *y = &((const Task *)b)->cost;

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
  g_qsort_with_data (search->tasks->data, (int)search->n_verdicts, sizeof (Task), by_activations,
                     NULL);
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

/* ---- One operator ---- */

/* Zeros for a sparse format, as its pattern wants them. */
static void
make_sparse (int dtype, float *numbers, guint64 n_cols, double density)
{
  EngSparsePattern pattern = { .share = 1 - density };

  if (kn_sparse_base (dtype) < 0)
    return;
  if (dtype == KN_Q8_2_4)
    pattern = (EngSparsePattern){ .keep = 2, .of = 4 };
  else if (dtype == KN_Q8_4_8)
    pattern = (EngSparsePattern){ .keep = 4, .of = 8 };
  eng_sparsify (numbers, 1, n_cols, NULL, &pattern);
}

/* Rows of made-up numbers in @dtype, of which @density are not zero where it is sparse: @n_rows of
 * them, newly allocated. */
static guint8 *
make_rows (int dtype, double density, guint64 n_rows, guint64 n_cols, gsize *n_bytes)
{
  g_autofree float *numbers = g_new (float, n_cols);
  gsize row_bytes = kn_row_bytes ((KnDtype)dtype, n_cols);
  guint8 *rows = g_malloc (row_bytes * n_rows);
  guint32 state = 1;

  for (guint64 row = 0; row < MIN (n_rows, N_ROWS_MADE); row++)
    {
      if (dtype == KN_I8)
        {
          for (guint64 i = 0; i < n_cols; i++)
            rows[row * row_bytes + i] = (guint8)((state = state * 1664525u + 1013904223u) >> 24);
          continue;
        }
      for (guint64 i = 0; i < n_cols; i++)
        {
          state = state * 1664525u + 1013904223u; /* Numerical Recipes' quick generator */
          numbers[i] = (float)(gint32)state * 0x1p-31f;
        }
      make_sparse (dtype, numbers, n_cols, density);
      kn_quantize_row ((KnDtype)dtype, numbers, rows + row * row_bytes, n_cols);
    }
  for (guint64 row = N_ROWS_MADE; row < n_rows; row++)
    memcpy (rows + row * row_bytes, rows + row % N_ROWS_MADE * row_bytes, row_bytes);
  *n_bytes = row_bytes * n_rows;
  return rows;
}

typedef struct
{
  const Task *task;
  const RtGraph *from; /* the sketch's */
  const RtNode *node;
  const int *dtypes; /* of from's values */
  RtPool *pool;
  guint n_copies;
  RtGraph *graph;
  GArray *weights; /* RtWeight *: [n_values] of graph */
  GPtrArray *lent; /* inputs that the executor borrows */
  RtExec *exec;
} Bench;

static gboolean
is_packed (const Bench *self, guint input)
{
  RtValueId id = self->node->inputs[input];
  return id != RT_NONE && rt_graph_value (self->from, id)->kind == RT_VALUE_WEIGHT
         && self->dtypes[id] >= 0;
}

static guint64
shape_cols (const RtShape *shape)
{
  guint64 n_cols = 1;
  for (guint d = 1; d < shape->n_dims; d++)
    n_cols *= (guint64)shape->dims[d];
  return n_cols;
}

static guint
count_copies (const Bench *self, const EngEstimateDevice *device)
{
  guint64 packed = 0, wanted;

  for (guint k = 0; k < self->node->n_inputs; k++)
    if (is_packed (self, k))
      {
        const RtShape *shape = &rt_graph_value (self->from, self->node->inputs[k])->shape;
        packed += rt_weight_packed_bytes (self->dtypes[self->node->inputs[k]],
                                          (guint64)shape->dims[0], shape_cols (shape));
      }
  /* Together they are as large as all weights of the model, or half as large again as the cache. */
  guint64 own = MAX (packed, self->task->cost.weight_bytes);
  if (own == 0)
    return MIN_COPIES * 2;
  wanted
      = self->task->is_cold ? 3 * MAX (device->cache_bytes, 16u << 20) / 2 : self->task->step_bytes;
  wanted = CLAMP (wanted / own, MIN_COPIES, self->task->is_cold ? MAX_COPIES : MAX_WARM_COPIES);
  guint64 most = MAX_WEIGHT_BYTES;
  if (device->memory_bytes > 0)
    most = MIN (most, device->memory_bytes / 8);
  return (guint)MIN (wanted, most / own); /* 0: not even one */
}

static void
set_weight (Bench *self, RtValueId id, RtWeight *weight)
{
  if (self->weights->len <= id)
    g_array_set_size (self->weights, id + 1); /* cleared */
  g_array_index (self->weights, RtWeight *, id) = weight;
}

static RtValueId
add_input (Bench *self, guint slot, guint copy, RtError *error)
{
  RtValueId from = self->node->inputs[slot], id;
  const RtValue *value = rt_graph_value (self->from, from);
  g_autofree char *name = g_strdup_printf ("in%u.%u", slot, copy);

  if (value->kind != RT_VALUE_WEIGHT)
    id = rt_graph_add_input (self->graph, name, value->type, &value->shape, error);
  else
    id = rt_graph_add_weight (self->graph, name, value->type, &value->shape, value->data,
                              value->data_bytes, error);
  if (id != RT_NONE && value->quant != NULL
      && !rt_graph_set_quant (self->graph, id, value->quant, error))
    return RT_NONE;
  return id;
}

/* A packed weight of its own for each copy. */
static gboolean
pack (Bench *self, guint slot, RtValueId id, const guint8 *rows, gsize n_bytes, RtError *error)
{
  const RtShape *shape = &rt_graph_value (self->from, self->node->inputs[slot])->shape;
  int dtype = self->dtypes[self->node->inputs[slot]];
  RtWeight *weight = rt_weight_pack (dtype, dtype, rows, n_bytes, (guint64)shape->dims[0],
                                     shape_cols (shape), self->pool, NULL, error);
  if (weight != NULL)
    set_weight (self, id, weight);
  return weight != NULL;
}

static gboolean
add_copy (Bench *self, guint copy, RtValueId *shared, guint8 *const *rows, const gsize *n_bytes,
          RtError *error)
{
  const RtNode *node = self->node;
  g_autofree RtValueId *inputs = g_new (RtValueId, MAX (node->n_inputs, RT_INPUT_SLOTS));
  g_autofree char *name = g_strdup_printf ("copy%u", copy);

  for (guint k = 0; k < node->n_inputs; k++)
    {
      gboolean own = is_packed (self, k);
      inputs[k] = node->inputs[k] == RT_NONE ? RT_NONE : shared[k];
      if (node->inputs[k] == RT_NONE || (!own && copy > 0))
        continue;
      /* The same value at two inputs stays one. */
      for (guint before = 0; before < k; before++)
        if (node->inputs[before] == node->inputs[k])
          inputs[k] = inputs[before];
      if (inputs[k] == RT_NONE || own)
        inputs[k] = add_input (self, k, copy, error);
      if (inputs[k] == RT_NONE || (own && !pack (self, k, inputs[k], rows[k], n_bytes[k], error)))
        return FALSE;
      shared[k] = own ? RT_NONE : inputs[k];
    }
  RtNodeId id = rt_graph_add_node (self->graph, name, 0, node->op, inputs, node->n_inputs,
                                   node->attrs, error);
  if (id == RT_NONE)
    return FALSE;
  for (guint k = 0; k < node->n_outputs; k++)
    {
      const RtQuant *quant = rt_graph_value (self->from, node->outputs[k])->quant;
      if (quant != NULL
          && !rt_graph_set_quant (self->graph, rt_graph_node (self->graph, id)->outputs[k], quant,
                                  error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
make_graph (Bench *self, RtError *error)
{
  guint n = MAX (self->node->n_inputs, 1);
  g_autofree RtValueId *shared = g_new (RtValueId, n);
  g_autofree guint8 **rows = g_new0 (guint8 *, n);
  g_autofree gsize *n_bytes = g_new0 (gsize, n);
  gboolean ok = TRUE;

  self->graph = rt_graph_new (error);
  if (self->graph == NULL)
    return FALSE;
  rt_graph_set_n_layers (self->graph, 1);
  for (guint k = 0; k < self->node->n_inputs; k++)
    {
      shared[k] = RT_NONE;
      if (is_packed (self, k))
        {
          const RtShape *shape = &rt_graph_value (self->from, self->node->inputs[k])->shape;
          rows[k] = make_rows (self->dtypes[self->node->inputs[k]],
                               eng_sketch_get_density (self->task->sketch, self->node->inputs[k]),
                               (guint64)shape->dims[0], shape_cols (shape), &n_bytes[k]);
        }
    }
  for (guint copy = 0; ok && copy < self->n_copies; copy++)
    ok = add_copy (self, copy, shared, rows, n_bytes, error);
  for (guint k = 0; k < self->node->n_inputs; k++)
    g_free (rows[k]);
  return ok;
}

/* Floats that are none of zero, infinite or denormal; bytes as they come. */
static void
fill_inputs (Bench *self)
{
  for (RtValueId id = 0; id < rt_graph_n_values (self->graph); id++)
    {
      const RtValue *value = rt_graph_value (self->graph, id);
      if (value->kind != RT_VALUE_INPUT)
        continue;
      guint64 n_bytes = rt_value_bytes (value, self->task->symbols);
      float *data = (float *)rt_exec_value (self->exec, id); /* the executor's own memory */
      if (data == NULL)                                      /* a picture or a sound */
        {
          data = g_malloc0 (n_bytes + 1);
          g_ptr_array_add (self->lent, data);
          rt_exec_set_input (self->exec, id, data);
        }
      for (guint64 i = 0; value->type == RT_TYPE_F32 && i < n_bytes / sizeof (float); i++)
        data[i] = 0.5f - (float)(i * 7 % 97) / 97.0f;
    }
}

static gboolean
make_exec (Bench *self, RtError *error)
{
  if (self->weights->len < rt_graph_n_values (self->graph))
    g_array_set_size (self->weights, rt_graph_n_values (self->graph));
  RtExecConfig config = { .graph = self->graph,
                          .weights = (RtWeight *const *)(void *)self->weights->data,
                          .pool = self->pool,
                          .kv_format = eng_sketch_get_kv_format (self->task->sketch),
                          .kv_capacity = eng_sketch_get_n_ctx (self->task->sketch),
                          .planner = RT_PLANNER_ORDER };
  memcpy (config.max_symbols, self->task->symbols, sizeof config.max_symbols);
  self->exec = rt_exec_new (&config, error);
  return self->exec != NULL;
}

/* Times of all nodes of the newest step, added to @samples. FALSE: records were lost. */
static gboolean
read_step (Bench *self, guint64 *starts, guint64 *ends, GArray *samples)
{
  RtTraceRecord records[128];
  uint64_t n_lost = 0;
  size_t n;

  memset (ends, 0, self->n_copies * sizeof *ends);
  for (guint t = 0; t < rt_pool_n_threads (self->pool); t++)
    while ((n = rt_trace_ring_read (rt_exec_trace (self->exec, t), records, G_N_ELEMENTS (records),
                                    &n_lost))
           > 0)
      for (size_t i = 0; i < n; i++)
        {
          guint node = records[i].node;
          if (node >= self->n_copies)
            continue;
          starts[node]
              = ends[node] == 0 ? records[i].start_ns : MIN (starts[node], records[i].start_ns);
          ends[node] = MAX (ends[node], records[i].end_ns);
        }
  for (guint i = 0; n_lost == 0 && i < self->n_copies; i++)
    if (ends[i] > starts[i])
      {
        double ns = (double)(ends[i] - starts[i]);
        g_array_append_val (samples, ns);
      }
  return n_lost == 0;
}

/* One other program can spoil half of the executions: then more are taken. */
static gboolean
is_noisy (const GArray *samples)
{
  g_autofree double *copy = g_memdup2 (samples->data, samples->len * sizeof (double));
  EngFigure figure = eng_figure_from_samples (copy, samples->len, "ns");
  return samples->len < MIN_SAMPLES || !(figure.high - figure.low < MAX_WIDTH * figure.value);
}

static gboolean
run_passes (Bench *self, GArray *samples, RtError *error)
{
  g_autofree guint64 *starts = g_new (guint64, self->n_copies);
  g_autofree guint64 *ends = g_new (guint64, self->n_copies);
  guint64 begin = 0;

  rt_exec_set_tracing (self->exec, true);
  for (guint pass = 0; pass < 1000; pass++)
    {
      if (pass == 1)
        {
          begin = rt_now_ns ();
          g_array_set_size (samples, 0); /* the first warms up */
        }
      if (rt_exec_kv (self->exec) != NULL)
        rt_kv_set_n_used (rt_exec_kv (self->exec), self->task->position);
      if (!rt_exec_infer (self->exec, self->task->symbols, RT_PHASE_INFERENCE, error))
        return FALSE;
      read_step (self, starts, ends, samples);
      guint64 spent = pass > 0 ? rt_now_ns () - begin : 0;
      if (spent > 4 * NODE_NS || (spent > NODE_NS / 2 && !is_noisy (samples)))
        break;
    }
  return TRUE;
}

/* Other programs take a processor for some milliseconds at a time, and nobody chose this moment as
 * a quiet one: of the executions in order the quarter with the least median counts, with that
 * quarter's interval. Undisturbed quarters differ by their noise only. */
static EngFigure
quietest_part (GArray *samples)
{
  double *all = (double *)(void *)samples->data;
  guint n_parts = samples->len >= 4 * MIN_PART ? 4 : 1, n = samples->len / n_parts;
  EngFigure best = eng_figure_from_samples (all, n, "ns");

  for (guint part = 1; part < n_parts; part++)
    {
      EngFigure figure = eng_figure_from_samples (all + part * n, n, "ns");
      if (figure.value < best.value)
        best = figure;
    }
  return best;
}

static void
bench_clear (Bench *self)
{
  rt_exec_free (self->exec);
  for (guint i = 0; i < self->weights->len; i++)
    rt_weight_unref (g_array_index (self->weights, RtWeight *, i));
  g_array_unref (self->weights);
  rt_graph_free (self->graph);
  g_ptr_array_unref (self->lent);
}

static gboolean
measure (const Task *task, RtPool *pool, const EngEstimateDevice *device, EngKernelTime *time,
         RtError *error)
{
  Bench self = { .task = task,
                 .from = eng_sketch_get_graph (task->sketch),
                 .dtypes = eng_sketch_get_dtypes (task->sketch),
                 .pool = pool,
                 .weights = g_array_new (FALSE, TRUE, sizeof (RtWeight *)),
                 .lent = g_ptr_array_new_with_free_func (g_free) };
  g_autoptr (GArray) samples = g_array_new (FALSE, FALSE, sizeof (double));

  self.node = rt_graph_node (self.from, task->node);
  self.n_copies = count_copies (&self, device);
  gboolean ok = self.n_copies > 0
                || rt_fail (error, RT_ERROR_MEMORY, "its weights are too large for this computer");
  ok = ok && make_graph (&self, error) && make_exec (&self, error);
  if (ok)
    {
      fill_inputs (&self);
      ok = run_passes (&self, samples, error);
    }
  bench_clear (&self);
  if (!ok || samples->len == 0)
    return FALSE;
  EngFigure figure = quietest_part (samples);
  *time = (EngKernelTime){ .signature = eng_sketch_get_signature (task->sketch, task->node),
                           .cost = task->cost,
                           .is_cold = task->is_cold,
                           .median_ns = figure.value,
                           .low_ns = figure.low,
                           .high_ns = figure.high,
                           .n = figure.n,
                           .time = g_get_real_time () / G_USEC_PER_SEC,
                           .source = ENG_KERNEL_BENCH };
  return TRUE;
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
  const Task *task = &g_array_index (work->search->tasks, Task, index);
  guint n_tasks = work->search->tasks->len;
  RtError rt_error = { 0 };

  if (work->job != NULL)
    {
      g_autofree char *stage = g_strdup_printf ("%u of %u", index + 1, n_tasks);
      eng_job_report (work->job, stage, (double)index / n_tasks);
      if (g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (work->job), error))
        return STOPPED;
    }
  if (measure (task, work->pool, work->search->device, time, &rt_error))
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
  const Task *tasks = (const Task *)(void *)search->tasks->data;
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
  Search search = { .tasks = g_array_new (FALSE, FALSE, sizeof (Task)),
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
