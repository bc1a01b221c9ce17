/* The abstract lowering: a build without weights (eng-build.c), planned and asked for its costs.
 * Called by the estimator and the measuring job; knows no technique and no operator. */
#include "eng-sketch.h"

#include <string.h>

#include "eng-build-private.h"
#include "eng-error.h"
#include "eng-kernel-table.h"
#include "rt-kv.h"
#include "rt-plan.h"

struct _EngSketch
{
  gatomicrefcount ref_count;
  EngBuild *build;
  int *dtypes;             /* [n_values] */
  guint64 *value_bytes;    /* [n_values] of sparse weights as expected, 0: as the format says */
  const char **signatures; /* [n_nodes], interned */
  RtMemory memory;
};

/* The cache that all nodes together want (see rt-exec-new.c). */
static guint64
cache_bytes (const EngBuild *build)
{
  RtKvShape all = { 0 };

  for (RtNodeId i = 0; i < rt_graph_n_nodes (build->graph); i++)
    {
      const RtNode *node = rt_graph_node (build->graph, i);
      RtKvShape shape = { 0 };
      if (node->op->cache == NULL)
        continue;
      node->op->cache (node, &shape);
      shape.n_layers = MAX (shape.n_layers, all.n_layers);
      shape.n_heads = MAX (shape.n_heads, all.n_heads);
      all = shape;
    }
  return all.n_layers > 0 ? rt_kv_plan_bytes (build->kv_format, all.n_layers, all.n_heads,
                                              all.head_dim, build->n_ctx)
                          : 0;
}

/* Packed matrices, each once, and the executor's copies of vectors. */
static guint64
weight_bytes (const EngSketch *self)
{
  const RtGraph *graph = self->build->graph;
  guint32 n_values = rt_graph_n_values (graph);
  g_autofree gboolean *is_vector = g_new0 (gboolean, MAX (n_values, 1));
  guint64 sum = 0;

  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      for (guint k = 0; k < node->n_inputs; k++)
        if (node->inputs[k] != RT_NONE && rt_op_input_is (node->op->vector_inputs, k))
          is_vector[node->inputs[k]] = TRUE;
    }
  for (RtValueId id = 0; id < n_values; id++)
    {
      const RtValue *value = rt_graph_value (graph, id);
      guint64 n_cols = 1;
      if (value->kind != RT_VALUE_WEIGHT)
        continue;
      for (guint d = 1; d < value->shape.n_dims; d++)
        n_cols *= (guint64)value->shape.dims[d];
      if (self->value_bytes[id] != 0)
        sum += self->value_bytes[id];
      else if (self->dtypes[id] >= 0 && value->shape.n_dims >= 2)
        sum += rt_weight_packed_bytes (self->dtypes[id], (guint64)value->shape.dims[0], n_cols);
      if (is_vector[id] && kn_dtype_info (value->type) != NULL)
        sum += (rt_shape_n (&value->shape) * sizeof (float) + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
    }
  return sum;
}

static guint64
state_bytes (const RtGraph *graph, const int64_t *symbols)
{
  guint64 sum = 0;
  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    if (rt_graph_value (graph, id)->kind == RT_VALUE_STATE)
      sum += rt_value_bytes (rt_graph_value (graph, id), symbols);
  return sum;
}

static gboolean
measure_memory (EngSketch *self, GError **error)
{
  EngBuild *build = self->build;
  guint64 kv_bytes = cache_bytes (build);
  RtError rt_error = { 0 };
  RtPlanConfig config = { .weight_dtypes = self->dtypes,
                          .n_threads = build->n_threads,
                          .kv_format = build->kv_format,
                          .kv_capacity = kv_bytes > 0 ? build->n_ctx : 0,
                          .planner = build->planner };

  eng_build_get_max_symbols (build, config.max_symbols);
  RtPlan *plan = rt_plan_new (build->graph, &config, &rt_error);
  if (plan == NULL)
    return eng_error_take_rt (&rt_error, error);
  eng_build_measure_memory (build, plan, kv_bytes);
  self->memory = (RtMemory){
    .weight_bytes = weight_bytes (self),
    .activation_bytes = plan->arena_bytes + state_bytes (build->graph, config.max_symbols),
    .scratch_bytes = plan->shared_scratch_bytes + build->n_threads * plan->thread_scratch_bytes,
    .kv_bytes = kv_bytes,
  };
  rt_plan_free (plan);
  return TRUE;
}

static RtOpQuery
query_of (EngSketch *self, RtNodeId node, const int64_t *symbols, guint position)
{
  EngBuild *build = self->build;
  return (RtOpQuery){ .graph = build->graph,
                      .node = rt_graph_node (build->graph, node),
                      .weight_dtypes = self->dtypes,
                      .weight_bytes = self->value_bytes,
                      .symbols = symbols,
                      .kv_format = build->kv_format,
                      .kv_capacity = build->n_ctx,
                      .position = position,
                      .n_threads = build->n_threads };
}

EngSketch *
eng_sketch_new (EngModel *model, EngRecipe *recipe, GError **error)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && recipe != NULL, NULL);

  EngBuild *build = eng_build_new_sketch (model, recipe, error);
  if (build == NULL)
    return NULL;
  g_autoptr (EngSketch) self = g_new0 (EngSketch, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->build = build;
  self->dtypes = eng_build_dup_value_dtypes (build);
  self->value_bytes = eng_build_dup_value_bytes (build);
  if (!measure_memory (self, error))
    return NULL;
  guint32 n_nodes = rt_graph_n_nodes (build->graph);
  self->signatures = g_new0 (const char *, MAX (n_nodes, 1));
  for (RtNodeId i = 0; i < n_nodes; i++)
    {
      RtOpQuery query = query_of (self, i, NULL, 0);
      self->signatures[i] = eng_kernel_signature (&query);
    }
  return g_steal_pointer (&self);
}

EngSketch *
eng_sketch_ref (EngSketch *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_sketch_unref (EngSketch *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_object_unref (self->build);
  g_free (self->dtypes);
  g_free (self->value_bytes);
  g_free (self->signatures);
  g_free (self);
}

EngModel *
eng_sketch_get_model (EngSketch *self)
{
  return self->build->model;
}

EngRecipe *
eng_sketch_get_recipe (EngSketch *self)
{
  return self->build->recipe;
}

const RtGraph *
eng_sketch_get_graph (EngSketch *self)
{
  return self->build->graph;
}

guint
eng_sketch_get_n_threads (EngSketch *self)
{
  return self->build->n_threads;
}

guint
eng_sketch_get_n_ctx (EngSketch *self)
{
  return self->build->n_ctx;
}

guint
eng_sketch_get_max_tokens (EngSketch *self)
{
  return self->build->max_tokens;
}

const int *
eng_sketch_get_dtypes (EngSketch *self)
{
  return self->dtypes;
}

double
eng_sketch_get_density (EngSketch *self, RtValueId value)
{
  int tensor = eng_build_tensor_of_value (self->build, value);
  return tensor >= 0 ? (double)self->build->densities[tensor] : 1;
}

KnDtype
eng_sketch_get_kv_format (EngSketch *self)
{
  return self->build->kv_format;
}

const char *const *
eng_sketch_get_notes (EngSketch *self)
{
  return eng_build_get_notes (self->build);
}

void
eng_sketch_get_memory (EngSketch *self, RtMemory *memory)
{
  *memory = self->memory;
}

void
eng_sketch_get_layer_memory (EngSketch *self, int layer, EngLayerMemory *memory)
{
  eng_build_get_layer_memory (self->build, layer, memory);
}

void
eng_sketch_get_node_memory (EngSketch *self, RtNodeId node, EngLayerMemory *memory)
{
  eng_build_get_node_memory (self->build, node, memory);
}

const char *
eng_sketch_get_signature (EngSketch *self, RtNodeId node)
{
  g_return_val_if_fail (node < rt_graph_n_nodes (self->build->graph), NULL);
  return self->signatures[node];
}

void
eng_sketch_get_cost (EngSketch *self, RtNodeId node, const int64_t *symbols, guint position,
                     RtCost *cost)
{
  g_return_if_fail (node < rt_graph_n_nodes (self->build->graph));
  RtOpQuery query = query_of (self, node, symbols, position);
  memset (cost, 0, sizeof *cost);
  query.node->op->cost (&query, cost);
}
