/* What each layer and each node of a build takes in memory, from the plan and the packed weights:
 * exact, known before anything runs. Called once by the lowering. */
#include "eng-build-private.h"

static guint
layer_index (EngBuild *self, int layer)
{
  int n_layers = (int)eng_model_get_n_layers (self->model);
  return (guint)(CLAMP (layer, -1, n_layers) + 1);
}

static guint64
vector_bytes (const RtValue *value)
{
  guint64 bytes = rt_shape_n (&value->shape) * sizeof (float);
  return (bytes + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

static guint64
packed_bytes (EngBuild *self, int index, const RtValue *value)
{
  guint64 n_rows = (guint64)value->shape.dims[0];
  return eng_build_weight_bytes (self, (guint)index, n_rows, rt_shape_n (&value->shape) / n_rows);
}

/* Each matrix and vector is counted once, at the first node that reads it, so that layers add up to
 * the whole. */
static void
add_weights (EngBuild *self, guint32 index, gboolean *counted)
{
  const RtNode *node = rt_graph_node (self->graph, index);

  for (guint32 k = 0; k < node->n_inputs; k++)
    {
      RtValueId id = node->inputs[k];
      if (id == RT_NONE || counted[id] || rt_graph_value (self->graph, id)->kind != RT_VALUE_WEIGHT)
        continue;
      counted[id] = TRUE;
      int tensor = eng_build_tensor_of_value (self, id);
      if (tensor >= 0)
        self->node_memory[index].weight_bytes
            += packed_bytes (self, tensor, rt_graph_value (self->graph, id));
      else if (rt_op_input_is (node->op->vector_inputs, k)
               && kn_dtype_info (rt_graph_value (self->graph, id)->type) != NULL)
        /* the executor's f32 copy, padded to a line */
        self->node_memory[index].weight_bytes += vector_bytes (rt_graph_value (self->graph, id));
      else /* read as it is in the file */
        self->node_memory[index].weight_bytes += rt_graph_value (self->graph, id)->data_bytes;
    }
}

/* The cache has the same room for every layer that reads it. */
static guint
count_cached_layers (EngBuild *self)
{
  g_autoptr (GHashTable) layers = g_hash_table_new (NULL, NULL);

  for (guint32 i = 0; i < rt_graph_n_nodes (self->graph); i++)
    {
      const RtNode *node = rt_graph_node (self->graph, i);
      if (node->op->cache != NULL)
        g_hash_table_add (layers, GINT_TO_POINTER (node->layer));
    }
  return g_hash_table_size (layers);
}

void
eng_build_measure_memory (EngBuild *self, const RtPlan *plan, guint64 kv_bytes)
{
  guint32 n_nodes = rt_graph_n_nodes (self->graph);
  guint n_layers = eng_model_get_n_layers (self->model);
  g_autofree gboolean *counted = g_new0 (gboolean, rt_graph_n_values (self->graph));
  g_autofree guint *n_cache_nodes = g_new0 (guint, n_layers + 2);
  guint64 kv_layer_bytes = kv_bytes / MAX (1, count_cached_layers (self));

  self->node_memory = g_new0 (EngLayerMemory, MAX (n_nodes, 1));
  self->layer_memory = g_new0 (EngLayerMemory, n_layers + 2);
  for (guint32 i = 0; i < n_nodes; i++)
    {
      const RtNode *node = rt_graph_node (self->graph, i);
      guint at = layer_index (self, node->layer);
      EngLayerMemory *layer = &self->layer_memory[at];

      add_weights (self, i, counted);
      self->node_memory[i].activation_bytes = rt_plan_live_bytes (plan, i);
      if (node->op->cache != NULL && n_cache_nodes[at]++ == 0)
        self->node_memory[i].kv_bytes = layer->kv_bytes = kv_layer_bytes;
      layer->weight_bytes += self->node_memory[i].weight_bytes;
      layer->activation_bytes
          = MAX (layer->activation_bytes, self->node_memory[i].activation_bytes);
    }
}

/* Packed weights that the drafter has in common with the build. */
static guint64
shared_bytes (EngBuild *self, EngBuild *drafter)
{
  guint64 bytes = 0;

  for (guint i = 0; drafter->model == self->model && i < self->n_tensors; i++)
    if (self->weights[i] != NULL && drafter->weights[i] == self->weights[i])
      bytes += rt_weight_bytes (self->weights[i]);
  return bytes;
}

void
eng_build_get_memory (EngBuild *self, RtMemory *memory)
{
  rt_exec_memory (self->exec, memory);
  if (self->drafter == NULL)
    return;

  RtMemory drafter;
  rt_exec_memory (self->drafter->exec, &drafter);
  memory->weight_bytes += drafter.weight_bytes - shared_bytes (self, self->drafter);
  memory->activation_bytes += drafter.activation_bytes;
  memory->scratch_bytes += drafter.scratch_bytes;
  memory->kv_bytes += drafter.kv_bytes;
  memory->trace_bytes += drafter.trace_bytes;
}

void
eng_build_get_layer_memory (EngBuild *self, int layer, EngLayerMemory *memory)
{
  *memory = self->layer_memory[layer_index (self, layer)];
}

void
eng_build_get_node_memory (EngBuild *self, RtNodeId node, EngLayerMemory *memory)
{
  g_return_if_fail (node < rt_graph_n_nodes (self->graph));
  *memory = self->node_memory[node];
}
