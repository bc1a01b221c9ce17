/* One operator, timed by itself: made-up weights of its format, so many copies that they come from
 * where the model's come from, inputs, a run's rule for when it has been enough. Called by
 * eng-kernel-bench.c, which chooses the operators; knows no technique. */
#include "eng-kernel-task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eng-figure.h"
#include "eng-sparsify.h"
#include "kn-quant.h"
#include "kn-sparse.h"
#include "rt-exec.h"
#include "rt-kv.h"

/* One operator gets this long, and no less than so many executions. */
#define NODE_NS 40000000ull
#define MIN_SAMPLES 32
#define MIN_PART 8

/* Of the median: wider intervals are worth more time. */
#define MAX_WIDTH 0.1

/* Copies of one operator: enough to be an average of places in memory, no more than memory
 * allows. */
#define MIN_COPIES 4
#define MAX_COPIES 512
#define MAX_WARM_COPIES 64
#define MAX_WEIGHT_BYTES (384u << 20)

/* Rows that are made up; the others repeat them. */
#define N_ROWS_MADE 16

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
  const EngKernelTask *task;
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

gboolean
eng_kernel_task_measure (const EngKernelTask *task, RtPool *pool, const EngEstimateDevice *device,
                         EngKernelTime *time, RtError *error)
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
