/* The two executors and how their values correspond. Called by the measurement of errors per layer
 * (eng-sensitivity.c); knows nothing of texts, metrics or results. */
#include "eng-layer-pair-private.h"

#include <string.h>

#include "eng-align.h"
#include "eng-error.h"
#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"

/* ---- what a value stands for ---- */

/* Of the nodes of the model's own graph that @node stands for, the last: what it hands on. NULL: a
 * pass put the node there. A node of the file may be several in that graph, all with its name as
 * their source; where a node is one of them as it was, its own name tells which. */
static const RtNode *
last_source (EngLayerPair *self, EngSide side, const RtNode *node)
{
  RtNodeId last = RT_NONE, same = rt_graph_find_node (self->source[side], node->name);

  if (same != RT_NONE && rt_graph_node (self->source[side], same)->n_sources == node->n_sources)
    return rt_graph_node (self->source[side], same);
  for (guint i = 0; i < node->n_sources; i++)
    {
      gpointer found = g_hash_table_lookup (self->by_source[side], node->sources[i]);
      RtNodeId id = GPOINTER_TO_UINT (found) - 1;
      if (found != NULL && (last == RT_NONE || id > last))
        last = id;
    }
  return last != RT_NONE ? rt_graph_node (self->source[side], last) : NULL;
}

static void
index_sources (EngLayerPair *self, EngSide side)
{
  self->by_source[side] = g_hash_table_new (g_str_hash, g_str_equal);
  for (RtNodeId id = 0; id < rt_graph_n_nodes (self->source[side]); id++)
    {
      const RtNode *node = rt_graph_node (self->source[side], id);
      for (guint i = 0; i < node->n_sources; i++)
        g_hash_table_insert (self->by_source[side], (gpointer)node->sources[i],
                             GUINT_TO_POINTER (id + 1));
    }
}

static gboolean
is_conversion (const RtOp *op)
{
  return op == &rt_op_quantize || op == &rt_op_dequantize || op == &rt_op_requantize;
}

static guint
output_index (const RtNode *node, RtValueId value)
{
  guint i = 0;
  while (node->outputs[i] != value)
    i++;
  return i;
}

/* Two files of one network: converters add to names. */
static char *
dup_name (EngLayerPair *self, const char *name)
{
  return self->source[0] == self->source[1] ? g_strdup (name) : eng_align_plain_name (name);
}

static char *
dup_key (EngLayerPair *self, const char *kind, const char *name, guint output)
{
  g_autofree char *plain = dup_name (self, name);
  return g_strdup_printf ("%s:%s:%u", kind, plain, output);
}

/* What @source, a node of the model's own graph, is called. Importers may make several of one of
 * the file's, and others in another file: what the last of them gives is what the file's gives; the
 * others are known by their own names. */
static char *
dup_source_key (EngLayerPair *self, EngSide side, const RtNode *source, guint output)
{
  gpointer last = g_hash_table_lookup (self->by_source[side], source->sources[0]);
  gboolean is_last
      = last != NULL && rt_graph_node (self->source[side], GPOINTER_TO_UINT (last) - 1) == source;

  return is_last && source->n_sources == 1 ? dup_key (self, "node", source->sources[0], output)
                                           : dup_key (self, "part", source->name, output);
}

/* "blk.0.ffn_add" for what a fused projection hands on; an output of several gets its number. */
static char *
key_of (EngLayerPair *self, EngSide side, RtValueId id, guint depth)
{
  const RtGraph *graph = self->graph[side];
  const RtValue *value = rt_graph_value (graph, id);

  if (value->kind == RT_VALUE_WEIGHT || depth > 8)
    return NULL;
  if (value->producer == RT_NONE)
    return dup_key (self, "input", value->name, 0);
  const RtNode *node = rt_graph_node (graph, value->producer);
  guint index = output_index (node, id);
  const RtNode *source = is_conversion (node->op) ? NULL : last_source (self, side, node);
  if (source == NULL)
    return node->inputs[0] != RT_NONE ? key_of (self, side, node->inputs[0], depth + 1) : NULL;
  if (node->n_outputs == 1)
    return dup_source_key (self, side, source, source->n_outputs - 1);
  if (node->n_outputs == source->n_outputs)
    return dup_source_key (self, side, source, index);
  /* Query, key and value of one node. */
  gpointer part = node->n_outputs == node->n_sources
                      ? g_hash_table_lookup (self->by_source[side], node->sources[index])
                      : NULL;
  return part != NULL
             ? dup_source_key (self, side,
                               rt_graph_node (self->source[side], GPOINTER_TO_UINT (part) - 1), 0)
             : NULL;
}

static void
make_keys (EngLayerPair *self, EngSide side)
{
  guint32 n = rt_graph_n_values (self->graph[side]);
  self->keys[side] = g_new0 (char *, n + 1);
  for (RtValueId id = 0; id < n; id++)
    {
      char *key = self->keys[side][id] = key_of (self, side, id, 0);
      if (key == NULL || side != ENG_SIDE_REFERENCE)
        continue;
      GArray *same = g_hash_table_lookup (self->by_key, key);
      if (same == NULL)
        {
          same = g_array_new (FALSE, FALSE, sizeof (RtValueId));
          g_hash_table_insert (self->by_key, key, same);
        }
      g_array_append_val (same, id);
    }
}

/* Values that are one thing for comparing: the same dimensions, plain numbers. */
static gboolean
is_plain (const RtValue *value)
{
  return rt_type_bytes (value->type) > 0 && (value->quant == NULL || value->quant->n == 1);
}

static RtValueId
find_twin (EngLayerPair *self, RtValueId changed)
{
  const RtValue *value = rt_graph_value (self->graph[ENG_SIDE_CHANGED], changed);
  const char *key = self->keys[ENG_SIDE_CHANGED][changed];
  GArray *same = key != NULL ? g_hash_table_lookup (self->by_key, key) : NULL;
  RtValueId best = RT_NONE;

  for (guint i = 0; same != NULL && i < same->len; i++)
    {
      RtValueId id = g_array_index (same, RtValueId, i);
      const RtValue *other = rt_graph_value (self->graph[ENG_SIDE_REFERENCE], id);
      if (!is_plain (other) || other->shape.n_dims != value->shape.n_dims
          || memcmp (other->shape.dims, value->shape.dims,
                     value->shape.n_dims * sizeof *value->shape.dims)
                 != 0)
        continue;
      if (best == RT_NONE || other->type == RT_TYPE_F32)
        best = id;
    }
  return is_plain (value) ? best : RT_NONE;
}

/* ---- layers ---- */

/* Nodes of the reference belong to the layer that their source has in the changed build: a pass may
 * have taken one into the next layer's operator. */
static void
find_layers (EngLayerPair *self)
{
  g_autoptr (GHashTable) by_source = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  self->n_layers = rt_graph_n_layers (self->graph[ENG_SIDE_CHANGED]);
  for (int side = ENG_SIDE_CHANGED; side >= ENG_SIDE_REFERENCE; side--)
    {
      guint32 n = rt_graph_n_nodes (self->graph[side]);
      self->layer_of[side] = g_new0 (int, n + 1);
      for (RtNodeId id = 0; id < n; id++)
        {
          const RtNode *node = rt_graph_node (self->graph[side], id);
          int layer = CLAMP (node->layer, -1, self->n_layers) + 1;
          const RtNode *source = is_conversion (node->op) ? NULL : last_source (self, side, node);
          /* Which of the file's nodes a fused one stands for, not the model's own: their parts stay
           * together. */
          for (guint i = 0; side == ENG_SIDE_CHANGED && source != NULL && i < node->n_sources; i++)
            g_hash_table_insert (by_source, dup_name (self, node->sources[i]),
                                 GINT_TO_POINTER (layer + 1));
          g_autofree char *last
              = side == ENG_SIDE_REFERENCE && source != NULL && node->n_sources > 0
                    ? dup_name (self, node->sources[node->n_sources - 1])
                    : NULL;
          gpointer known = last != NULL ? g_hash_table_lookup (by_source, last) : NULL;
          self->layer_of[side][id] = known != NULL ? GPOINTER_TO_INT (known) - 1 : layer;
        }
    }
}

/* ---- matrices in place of layers ---- */

#define NO_GROUP (-1000) /* of nodes that read no matrix */

static gboolean
reads_matrix (const RtGraph *graph, const RtNode *node)
{
  for (guint i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] != RT_NONE
        && (rt_op_input_is (node->op->matrix_inputs, i)
            || rt_op_input_is (node->op->table_inputs, i))
        && rt_graph_value (graph, node->inputs[i])->kind == RT_VALUE_WEIGHT)
      return TRUE;
  return FALSE;
}

GStrv
eng_pair_list_matrices (const RtGraph *graph)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  for (RtNodeId id = 0; id < rt_graph_n_nodes (graph); id++)
    if (reads_matrix (graph, rt_graph_node (graph, id)))
      g_strv_builder_add (names, rt_graph_node (graph, id)->name);
  return g_strv_builder_end (names);
}

static void
find_matrices (EngLayerPair *self)
{
  g_autoptr (GHashTable) by_name = g_hash_table_new (g_str_hash, g_str_equal);
  int n_groups = 0;

  for (int side = ENG_SIDE_CHANGED; side >= ENG_SIDE_REFERENCE; side--)
    {
      guint32 n = rt_graph_n_nodes (self->graph[side]);
      self->layer_of[side] = g_new0 (int, n + 1);
      for (RtNodeId id = 0; id < n; id++)
        {
          const RtNode *node = rt_graph_node (self->graph[side], id);
          gpointer known = g_hash_table_lookup (by_name, node->name);
          self->layer_of[side][id] = known != NULL ? GPOINTER_TO_INT (known) - 1 : NO_GROUP;
          if (side != ENG_SIDE_CHANGED || !reads_matrix (self->graph[side], node))
            continue;
          self->layer_of[side][id] = n_groups++;
          g_hash_table_insert (by_name, (gpointer)node->name, GINT_TO_POINTER (n_groups));
        }
    }
  self->n_layers = n_groups - 2;
}

static int
producer_layer (EngLayerPair *self, EngSide side, RtValueId id)
{
  RtNodeId producer = rt_graph_value (self->graph[side], id)->producer;
  return producer != RT_NONE ? self->layer_of[side][producer] : -1;
}

static gboolean
is_read_outside (EngLayerPair *self, EngSide side, RtValueId id, int layer)
{
  const RtGraph *graph = self->graph[side];

  if (rt_graph_value (graph, id)->is_kept)
    return TRUE;
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    for (guint i = 0; i < rt_graph_node (graph, n)->n_inputs; i++)
      if (rt_graph_node (graph, n)->inputs[i] == id && self->layer_of[side][n] != layer)
        return TRUE;
  return FALSE;
}

static gboolean
has_twin (GArray *twins, RtValueId reference)
{
  for (guint i = 0; i < twins->len; i++)
    if (g_array_index (twins, EngPairTwin, i).reference == reference)
      return TRUE;
  return FALSE;
}

/* Adds @id of the changed graph; FALSE with the layer's reason when the reference does not have
 * it. */
static gboolean
add_twin (EngLayerPair *self, EngPairLayer *layer, GArray *twins, RtValueId id)
{
  EngPairTwin twin = { find_twin (self, id), id };

  for (guint i = 0; i < twins->len; i++)
    if (g_array_index (twins, EngPairTwin, i).changed == id)
      return TRUE;
  if (twin.reference == RT_NONE)
    {
      if (layer->reason == NULL)
        layer->reason = g_strdup_printf ("%s is not a value that both builds have",
                                         rt_graph_value (self->graph[ENG_SIDE_CHANGED], id)->name);
      return FALSE;
    }
  g_array_append_val (twins, twin);
  return TRUE;
}

/* Rotary angles depend on positions alone: they pass, but are no result of a layer. */
gboolean
eng_layer_pair_is_data (const RtGraph *graph, RtValueId id)
{
  RtNodeId producer = rt_graph_value (graph, id)->producer;
  return producer != RT_NONE && rt_graph_node (graph, producer)->op != &rt_op_rope_table;
}

/* What the reference has as an input cannot be written over: a layer of conversions of it. */
static void
add_write (EngLayerPair *self, EngPairLayer *layer, RtValueId id)
{
  if (!add_twin (self, layer, layer->writes, id))
    return;
  EngPairTwin *twin = &g_array_index (layer->writes, EngPairTwin, layer->writes->len - 1);
  if (rt_graph_value (self->graph[ENG_SIDE_REFERENCE], twin->reference)->producer == RT_NONE
      && layer->reason == NULL)
    layer->reason = g_strdup ("nothing but conversions: the reference has no such layer");
}

static void
find_reads_and_writes (EngLayerPair *self, int index)
{
  const RtGraph *graph = self->graph[ENG_SIDE_CHANGED];
  EngPairLayer *layer = &self->layers[index];

  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    {
      const RtNode *node = rt_graph_node (graph, n);
      layer->nodes[n] = self->layer_of[ENG_SIDE_CHANGED][n] == index;
      layer->has_nodes |= layer->nodes[n];
      for (guint i = 0; layer->nodes[n] && i < node->n_inputs; i++)
        if (node->inputs[i] != RT_NONE
            && producer_layer (self, ENG_SIDE_CHANGED, node->inputs[i]) != index
            && rt_graph_value (graph, node->inputs[i])->producer != RT_NONE)
          add_twin (self, layer, layer->reads, node->inputs[i]);
      for (guint i = 0; layer->nodes[n] && i < node->n_outputs; i++)
        if (is_read_outside (self, ENG_SIDE_CHANGED, node->outputs[i], index))
          add_write (self, layer, node->outputs[i]);
    }
}

static void
find_rest (EngLayerPair *self, int index)
{
  const RtGraph *graph = self->graph[ENG_SIDE_REFERENCE];
  EngPairLayer *layer = &self->layers[index];
  gboolean begun = FALSE;

  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    {
      gboolean own = self->layer_of[ENG_SIDE_REFERENCE][n] == index;
      begun |= own;
      layer->rest[n] = begun && !own;
      layer->has_rest |= layer->rest[n];
    }
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    for (guint i = 0; layer->rest[n] && i < rt_graph_node (graph, n)->n_inputs; i++)
      {
        RtValueId id = rt_graph_node (graph, n)->inputs[i];
        RtNodeId producer = id != RT_NONE ? rt_graph_value (graph, id)->producer : RT_NONE;
        if (producer == RT_NONE || layer->rest[producer] || has_twin (layer->writes, id))
          continue;
        if (self->layer_of[ENG_SIDE_REFERENCE][producer] == index
            && eng_layer_pair_is_data (graph, id) && layer->reason == NULL)
          layer->reason = g_strdup_printf ("%s leaves this layer in the reference only",
                                           rt_graph_value (graph, id)->name);
        g_array_append_val (layer->rest_reads, id);
      }
  if (layer->reason == NULL && layer->has_nodes && !begun)
    layer->reason = g_strdup ("nothing but conversions: the reference has no such layer");
  if (layer->reason == NULL && layer->has_nodes && layer->writes->len == 0)
    layer->reason = g_strdup ("nothing leaves this layer");
}

static void
make_layers (EngLayerPair *self)
{
  self->layers = g_new0 (EngPairLayer, self->n_layers + 2);
  for (int i = 0; i < self->n_layers + 2; i++)
    {
      EngPairLayer *layer = &self->layers[i];
      layer->nodes = g_new0 (bool, rt_graph_n_nodes (self->graph[ENG_SIDE_CHANGED]) + 1);
      layer->rest = g_new0 (bool, rt_graph_n_nodes (self->graph[ENG_SIDE_REFERENCE]) + 1);
      layer->reads = g_array_new (FALSE, FALSE, sizeof (EngPairTwin));
      layer->writes = g_array_new (FALSE, FALSE, sizeof (EngPairTwin));
      layer->rest_reads = g_array_new (FALSE, FALSE, sizeof (RtValueId));
      find_reads_and_writes (self, i);
      if (!layer->has_nodes)
        layer->reason = g_strdup ("nothing runs here");
      else
        find_rest (self, i);
    }
}

static void
add_taps (EngLayerPair *self, GArray *twins)
{
  for (guint i = 0; i < twins->len; i++)
    {
      self->taps[ENG_SIDE_REFERENCE][g_array_index (twins, EngPairTwin, i).reference] = true;
      self->taps[ENG_SIDE_CHANGED][g_array_index (twins, EngPairTwin, i).changed] = true;
    }
}

/* Floats that the reference's nodes of layer @layer give. */
static void
watch (EngLayerPair *self, int layer)
{
  const RtGraph *graph = self->graph[ENG_SIDE_REFERENCE];

  self->watched = g_array_new (FALSE, FALSE, sizeof (RtValueId));
  for (RtNodeId n = 0; layer != ENG_LAYER_NONE && n < rt_graph_n_nodes (graph); n++)
    for (guint i = 0; self->layer_of[ENG_SIDE_REFERENCE][n] == layer + 1
                      && i < rt_graph_node (graph, n)->n_outputs;
         i++)
      {
        RtValueId id = rt_graph_node (graph, n)->outputs[i];
        if (rt_graph_value (graph, id)->type == RT_TYPE_F32 && eng_layer_pair_is_data (graph, id))
          {
            g_array_append_val (self->watched, id);
            self->taps[ENG_SIDE_REFERENCE][id] = true;
          }
      }
}

static void
find_taps (EngLayerPair *self)
{
  for (int side = 0; side < 2; side++)
    self->taps[side] = g_new0 (bool, rt_graph_n_values (self->graph[side]) + 1);
  for (int i = 0; i < self->n_layers + 2; i++)
    {
      EngPairLayer *layer = &self->layers[i];
      add_taps (self, layer->reads);
      add_taps (self, layer->writes);
      for (guint k = 0; k < layer->rest_reads->len; k++)
        self->taps[ENG_SIDE_REFERENCE][g_array_index (layer->rest_reads, RtValueId, k)] = true;
    }
}

static gboolean
has_state (const RtGraph *graph)
{
  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    if (rt_graph_value (graph, id)->kind == RT_VALUE_STATE)
      return TRUE;
  return FALSE;
}

/* ---- making ---- */

EngLayerPair *
eng_layer_pair_new (EngBuild *reference, EngBuild *changed, guint max_tokens, EngPairGrain grain,
                    int watched, RtPool *pool, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (reference) && ENG_IS_BUILD (changed), NULL);

  g_autoptr (EngLayerPair) self = g_new0 (EngLayerPair, 1);
  self->build[0] = g_object_ref (reference);
  self->build[1] = g_object_ref (changed);
  self->by_key
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_array_unref);
  for (int side = 0; side < 2; side++)
    {
      self->source[side] = eng_model_get_graph (eng_build_get_model (self->build[side]));
      self->graph[side] = eng_build_get_graph (self->build[side]);
      self->has_state |= has_state (self->graph[side]);
      index_sources (self, side);
    }
  for (int side = 0; side < 2; side++)
    make_keys (self, side);
  if (grain == ENG_PAIR_MATRICES)
    find_matrices (self);
  else
    find_layers (self);
  make_layers (self);
  find_taps (self);
  watch (self, watched);
  for (int side = 0; side < 2; side++)
    {
      self->exec[side] = eng_build_new_exec (self->build[side],
                                             &(EngExecOptions){ .max_tokens = max_tokens,
                                                                .n_outputs = max_tokens,
                                                                .n_ctx = max_tokens,
                                                                .taps = self->taps[side],
                                                                .pool = pool },
                                             error);
      if (self->exec[side] == NULL)
        return NULL;
    }
  self->saved = g_new0 (guint8 *, rt_graph_n_values (self->graph[0]) + 1);
  self->saved_bytes = g_new0 (gsize, rt_graph_n_values (self->graph[0]) + 1);
  return g_steal_pointer (&self);
}

void
eng_layer_pair_free (EngLayerPair *self)
{
  if (self == NULL)
    return;
  for (int i = 0; self->layers != NULL && i < self->n_layers + 2; i++)
    {
      g_free (self->layers[i].reason);
      g_free (self->layers[i].nodes);
      g_free (self->layers[i].rest);
      g_array_unref (self->layers[i].reads);
      g_array_unref (self->layers[i].writes);
      g_array_unref (self->layers[i].rest_reads);
    }
  g_free (self->layers);
  g_hash_table_unref (self->by_key);
  g_array_unref (self->watched);
  for (RtValueId id = 0; self->saved != NULL && id < rt_graph_n_values (self->graph[0]); id++)
    g_free (self->saved[id]);
  g_free (self->saved);
  g_free (self->saved_bytes);
  for (int side = 0; side < 2; side++)
    {
      g_hash_table_unref (self->by_source[side]);
      rt_exec_free (self->exec[side]);
      for (RtValueId id = 0; id < rt_graph_n_values (self->graph[side]); id++)
        g_free (self->keys[side][id]);
      g_free (self->keys[side]);
      g_free (self->layer_of[side]);
      g_free (self->taps[side]);
      g_free (self->floats[side]);
      g_object_unref (self->build[side]);
    }
  g_free (self);
}

RtExec *
eng_layer_pair_get_exec (EngLayerPair *self, EngSide side)
{
  return self->exec[side];
}

int
eng_layer_pair_get_n_layers (EngLayerPair *self)
{
  return self->n_layers;
}

const char *
eng_layer_pair_get_reason (EngLayerPair *self, int layer)
{
  return self->layers[layer + 1].reason;
}

gboolean
eng_layer_pair_has_state (EngLayerPair *self)
{
  return self->has_state;
}

gboolean
eng_layer_pair_has_rest (EngLayerPair *self, int layer)
{
  return self->layers[layer + 1].has_rest;
}
