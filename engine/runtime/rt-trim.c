/* Folding of constants and leaving out of dead nodes. Called by importers and passes; knows no
 * operator. */
#include "rt-trim.h"

#include <stdlib.h>
#include <string.h>

#include "kn-quant.h"
#include "rt-op.h"

static bool
fail_memory (RtError *error, const char *name)
{
  return rt_fail (error, RT_ERROR_MEMORY, "No memory for the graph at %s", name);
}

/* ---- folding ---- */

bool
rt_can_fold (const RtGraph *graph, const RtNode *node)
{
  if (node->op->reference == NULL || node->op->cache != NULL || node->op->table_inputs != 0)
    return false;
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] != RT_NONE
        && (rt_graph_value (graph, node->inputs[i])->kind != RT_VALUE_WEIGHT
            || rt_op_input_is (node->op->matrix_inputs, i)))
      return false;
  return true;
}

static bool
fill_input (const RtValue *value, bool as_vector, RtTensor *tensor)
{
  tensor->type = value->type;
  tensor->shape = value->shape;
  tensor->quant = value->quant;
  tensor->data = (void *)value->data;
  tensor->row_stride
      = value->shape.n_dims > 0 ? (size_t)value->shape.dims[value->shape.n_dims - 1] : 1;
  if (!as_vector || kn_dtype_info (value->type) == NULL)
    return true;

  size_t n = (size_t)rt_shape_n (&value->shape);
  tensor->type = RT_TYPE_F32;
  tensor->data = malloc ((n + 1) * sizeof (float));
  if (tensor->data != NULL)
    kn_dequantize_row (value->type, value->data, tensor->data, n);
  return tensor->data != NULL;
}

static bool
is_vector (const RtGraph *graph, const RtNode *node, uint32_t input)
{
  return rt_op_input_is (node->op->vector_inputs, input)
         && kn_dtype_info (rt_graph_value (graph, node->inputs[input])->type) != NULL;
}

bool
rt_fold (const RtGraph *graph, const RtNode *node, void *const *outputs, RtError *error)
{
  static const int64_t symbols[RT_N_SYMBOLS];
  uint32_t n_slots = node->n_inputs > RT_INPUT_SLOTS ? node->n_inputs : RT_INPUT_SLOTS;
  RtTensor *inputs = calloc (n_slots, sizeof *inputs), out[RT_MAX_OUTPUTS] = { 0 };
  RtOpContext context = { .kn = kn_table (),
                          .node = node,
                          .attrs = node->attrs,
                          .inputs = inputs,
                          .outputs = out,
                          .n_threads = 1 };
  void *prepared = NULL;
  bool ok = inputs != NULL;

  for (uint32_t i = 0; ok && i < node->n_inputs; i++)
    if (node->inputs[i] != RT_NONE)
      ok = fill_input (rt_graph_value (graph, node->inputs[i]), is_vector (graph, node, i),
                       &inputs[i]);
  for (uint32_t i = 0; i < node->n_outputs; i++)
    {
      const RtValue *value = rt_graph_value (graph, node->outputs[i]);
      out[i] = (RtTensor){ .data = outputs[i],
                           .type = value->type,
                           .shape = value->shape,
                           .quant = value->quant,
                           .row_stride = value->shape.n_dims > 0
                                             ? (size_t)value->shape.dims[value->shape.n_dims - 1]
                                             : 1 };
    }
  if (ok && node->op->prepare != NULL)
    {
      uint64_t n_bytes = node->op->prepared_bytes (
          &(RtOpQuery){ .graph = graph, .node = node, .symbols = symbols, .n_threads = 1 });
      n_bytes = (n_bytes / KN_ALIGN + 1) * KN_ALIGN;
      prepared = aligned_alloc (KN_ALIGN, n_bytes);
      ok = prepared != NULL;
      if (ok)
        {
          memset (prepared, 0, n_bytes);
          node->op->prepare (&context, prepared);
          context.prepared = prepared;
        }
    }
  if (ok)
    node->op->reference (&context);
  else
    fail_memory (error, node->name);

  free (prepared);
  for (uint32_t i = 0; inputs != NULL && i < node->n_inputs; i++)
    if (node->inputs[i] != RT_NONE && is_vector (graph, node, i))
      free (inputs[i].data);
  free (inputs);
  return ok;
}

/* ---- trimming ---- */

typedef struct
{
  const RtGraph *old;
  RtGraph *graph;
  bool *node_needed, *value_needed;
  RtValueId *map;
  RtError *error;
} Trim;

/* Backwards: a node is needed when one of its outputs is; then its inputs are. States bring what
 * they become, which may need more, so that the walk goes on until nothing changes. */
static void
find_needed (Trim *t)
{
  bool changed = true;

  for (RtValueId id = 0; id < rt_graph_n_values (t->old); id++)
    t->value_needed[id] = rt_graph_value (t->old, id)->kind == RT_VALUE_OUTPUT;
  while (changed)
    {
      changed = false;
      for (RtNodeId n = rt_graph_n_nodes (t->old); n-- > 0;)
        {
          const RtNode *node = rt_graph_node (t->old, n);
          bool needed = false;
          for (uint32_t i = 0; i < node->n_outputs; i++)
            needed |= t->value_needed[node->outputs[i]];
          if (!needed || t->node_needed[n])
            continue;
          t->node_needed[n] = true;
          for (uint32_t i = 0; i < node->n_inputs; i++)
            if (node->inputs[i] != RT_NONE)
              t->value_needed[node->inputs[i]] = true;
        }
      for (RtValueId id = 0; id < rt_graph_n_values (t->old); id++)
        {
          const RtValue *value = rt_graph_value (t->old, id);
          if (value->kind == RT_VALUE_STATE && t->value_needed[id] && value->next != RT_NONE
              && !t->value_needed[value->next])
            t->value_needed[value->next] = changed = true;
        }
    }
}

static bool
copy_value (Trim *t, RtValueId id)
{
  const RtValue *value = rt_graph_value (t->old, id);
  const void *data = value->data;

  t->map[id] = RT_NONE;
  switch (value->kind)
    {
    case RT_VALUE_INPUT:
      t->map[id] = rt_graph_add_input (t->graph, value->name, value->type, &value->shape, t->error);
      break;
    case RT_VALUE_STATE:
    case RT_VALUE_WEIGHT:
      if (!t->value_needed[id])
        return true;
      if (data != NULL && rt_graph_owns (t->old, data))
        {
          uint64_t n_bytes = value->kind == RT_VALUE_WEIGHT
                                 ? value->data_bytes
                                 : rt_shape_n (&value->shape) * rt_type_bytes (value->type);
          void *copy = rt_graph_alloc (t->graph, n_bytes);
          if (copy == NULL)
            return fail_memory (t->error, value->name);
          memcpy (copy, data, n_bytes);
          data = copy;
        }
      if (value->kind == RT_VALUE_STATE)
        t->map[id] = rt_graph_add_state (t->graph, value->name, value->type, &value->shape, data,
                                         t->error);
      else
        t->map[id] = rt_graph_add_weight (t->graph, value->name, value->type, &value->shape, data,
                                          value->data_bytes, t->error);
      break;
    case RT_VALUE_ACTIVATION:
    case RT_VALUE_OUTPUT:
      return true;
    }
  return t->map[id] != RT_NONE
         && (value->quant == NULL
             || rt_graph_set_quant (t->graph, t->map[id], value->quant, t->error));
}

static bool
copy_node (Trim *t, const RtNode *node)
{
  RtValueId *inputs = malloc ((node->n_inputs + 1) * sizeof *inputs);
  if (inputs == NULL)
    return fail_memory (t->error, node->name);
  for (uint32_t i = 0; i < node->n_inputs; i++)
    inputs[i] = node->inputs[i] != RT_NONE ? t->map[node->inputs[i]] : RT_NONE;
  RtNodeId id = rt_graph_add_node (t->graph, node->name, node->layer, node->op, inputs,
                                   node->n_inputs, node->attrs, t->error);
  free (inputs);
  if (id == RT_NONE
      || !rt_graph_set_source_names (t->graph, id, node->sources, node->n_sources, t->error))
    return false;

  for (uint32_t i = 0; i < node->n_outputs; i++)
    {
      const RtValue *old = rt_graph_value (t->old, node->outputs[i]);
      RtValueId to = rt_graph_node (t->graph, id)->outputs[i];
      t->map[node->outputs[i]] = to;
      if (old->quant != NULL && !rt_graph_set_quant (t->graph, to, old->quant, t->error))
        return false;
      if (old->kind == RT_VALUE_OUTPUT)
        rt_graph_set_output (t->graph, to);
    }
  return true;
}

static bool
trim (Trim *t)
{
  find_needed (t);
  for (RtValueId id = 0; id < rt_graph_n_values (t->old); id++)
    if (!copy_value (t, id))
      return false;
  for (RtNodeId n = 0; n < rt_graph_n_nodes (t->old); n++)
    if (t->node_needed[n] && !copy_node (t, rt_graph_node (t->old, n)))
      return false;
  for (RtValueId id = 0; id < rt_graph_n_values (t->old); id++)
    {
      const RtValue *value = rt_graph_value (t->old, id);
      if (value->kind == RT_VALUE_STATE && t->map[id] != RT_NONE && value->next != RT_NONE
          && !rt_graph_set_next (t->graph, t->map[id], t->map[value->next], t->error))
        return false;
    }
  rt_graph_set_n_layers (t->graph, rt_graph_n_layers (t->old));
  return true;
}

RtGraph *
rt_trim (const RtGraph *graph, RtValueId *map, RtError *error)
{
  uint32_t n_values = rt_graph_n_values (graph);
  Trim t = { .old = graph,
             .error = error,
             .graph = rt_graph_new (error),
             .node_needed = calloc (rt_graph_n_nodes (graph) + 1, sizeof (bool)),
             .value_needed = calloc (n_values + 1, sizeof (bool)),
             .map = malloc ((n_values + 1) * sizeof (RtValueId)) };
  bool ok = false;

  if (t.graph == NULL || t.node_needed == NULL || t.value_needed == NULL || t.map == NULL)
    fail_memory (error, "its end");
  else
    {
      for (uint32_t i = 0; i < n_values; i++)
        t.map[i] = RT_NONE;
      ok = trim (&t);
    }
  if (ok && map != NULL)
    memcpy (map, t.map, n_values * sizeof *map);
  free (t.node_needed);
  free (t.value_needed);
  free (t.map);
  if (ok)
    return t.graph;
  rt_graph_free (t.graph);
  return NULL;
}
