/* The walk of post-training quantization, see rt-ptq.h. Called by the lowering after fusion; which
 * operators have an 8-bit form is in rt-ptq-nodes.c.
 *
 * As in the layout pass every value has one form or both: real and 8 bit. A node takes the forms it
 * wants; a form that is missing is made where it is needed, once. */
#include "rt-ptq.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kn-quant.h"
#include "ops/rt-ops-int8.h"
#include "rt-ptq-private.h"

static bool
fail_memory (RtPtq *q, const char *name)
{
  return rt_fail (q->error, RT_ERROR_MEMORY, "No memory for the graph at %s", name);
}

void
rt_ptq_name (RtPtq *q, const char *name, const char *tail, char *text, size_t n_bytes)
{
  snprintf (text, n_bytes, "%s%s", name, tail);
  while (rt_graph_find_node (q->graph, text) != RT_NONE
         || rt_graph_find_value (q->graph, text) != RT_NONE)
    snprintf (text, n_bytes, "%s%s%u", name, tail, ++q->n_names);
}

float *
rt_ptq_floats (const RtValue *value)
{
  const KnDtypeInfo *info = kn_dtype_info (value->type);
  uint64_t n = rt_shape_n (&value->shape);

  if (value->kind != RT_VALUE_WEIGHT || info == NULL || info->block_len != 1
      || value->type == RT_TYPE_I8)
    return NULL;
  float *numbers = malloc ((size_t)(n + 1) * sizeof *numbers);
  if (numbers != NULL)
    kn_dequantize_row (value->type, value->data, numbers, (size_t)n);
  return numbers;
}

/* ---- quantization of a range ---- */

/* -128..127 for low..high with 0 among the codes; a range of nothing gets the scale 1. */
static void
quant_of_range (float low, float high, float *scale, int32_t *zero_point)
{
  low = low < 0 ? low : 0;
  high = high > 0 ? high : 0;
  *scale = (high - low) / 255;
  *zero_point = 0;
  if (!(*scale > 1e-30f) || !isfinite (*scale))
    {
      *scale = 1;
      return;
    }
  float zero = roundf (-128 - low / *scale);
  *zero_point = (int32_t)(zero < -128 ? -128 : zero > 127 ? 127 : zero);
}

static bool
set_quant (RtPtq *q, RtValueId id, RtValueId old, const RtQuant *quant)
{
  float scale;
  int32_t zero_point;

  if (quant != NULL)
    return rt_graph_set_quant (q->graph, id, quant, q->error);
  const RtRange *range = &q->config->ranges[old];
  quant_of_range (range->low, range->high, &scale, &zero_point);
  return rt_graph_set_quant (q->graph, id, &(RtQuant){ 1, 0, &scale, &zero_point }, q->error);
}

const RtQuant *
rt_ptq_quant (const RtPtq *q, RtValueId id)
{
  return rt_graph_value (q->graph, id)->quant;
}

/* ---- forms ---- */

static RtValueId
convert (RtPtq *q, RtValueId old, RtValueId from, const RtOp *op, const char *name)
{
  RtNodeId producer = rt_ptq_old (q, old)->producer;
  const RtNode *source = producer != RT_NONE ? rt_graph_node (q->old, producer) : NULL;
  RtQuantizeAttrs attrs = { .type = RT_TYPE_I8 };

  RtNodeId node = rt_graph_add_node (q->graph, name, source != NULL ? source->layer : -1, op, &from,
                                     1, &attrs, q->error);
  if (node == RT_NONE)
    return RT_NONE;
  if (source != NULL
      && !rt_graph_set_source_names (q->graph, node, source->sources, source->n_sources, q->error))
    return RT_NONE;
  return rt_graph_node (q->graph, node)->outputs[0];
}

static RtValueId
copy_constant (RtPtq *q, RtValueId id)
{
  const RtValue *value = rt_ptq_old (q, id);
  return rt_graph_add_weight (q->graph, value->name, value->type, &value->shape, value->data,
                              value->data_bytes, q->error);
}

RtValueId
rt_ptq_real (RtPtq *q, RtValueId id)
{
  char made[400];

  if (id == RT_NONE || q->real[id] != RT_NONE)
    return id == RT_NONE ? RT_NONE : q->real[id];
  const RtValue *value = rt_ptq_old (q, id);
  if (value->kind == RT_VALUE_WEIGHT)
    return q->real[id] = copy_constant (q, id);

  const char *name = made;
  if (value->kind == RT_VALUE_OUTPUT && rt_graph_find_node (q->graph, value->name) == RT_NONE)
    name = value->name;
  else
    rt_ptq_name (q, value->name, "/real", made, sizeof made);
  return q->real[id] = convert (q, id, q->code[id], &rt_op_dequantize, name);
}

/* A float constant as an operand: I8 with one scale. */
static RtValueId
quantized_constant (RtPtq *q, RtValueId id)
{
  const RtValue *value = rt_ptq_old (q, id);
  size_t n = (size_t)rt_shape_n (&value->shape);
  float *numbers = rt_ptq_floats (value), low = 0, high = 0, scale;
  int8_t *codes = rt_graph_alloc (q->graph, n + 1);
  char name[400];
  int32_t zero_point;
  RtValueId to = RT_NONE;

  if (numbers != NULL && codes != NULL)
    {
      for (size_t i = 0; i < n; i++)
        {
          low = numbers[i] < low ? numbers[i] : low;
          high = numbers[i] > high ? numbers[i] : high;
        }
      quant_of_range (low, high, &scale, &zero_point);
      for (size_t i = 0; i < n; i++)
        {
          float code = rintf (numbers[i] / scale) + (float)zero_point;
          codes[i] = (int8_t)(code < -128 ? -128 : code > 127 ? 127 : code);
        }
      rt_ptq_name (q, value->name, RT_PTQ_SUFFIX, name, sizeof name);
      to = rt_graph_add_weight (q->graph, name, RT_TYPE_I8, &value->shape, codes, n, q->error);
      if (to != RT_NONE
          && !rt_graph_set_quant (q->graph, to, &(RtQuant){ 1, 0, &scale, &zero_point }, q->error))
        to = RT_NONE;
    }
  else
    fail_memory (q, value->name);
  free (numbers);
  return to;
}

bool
rt_ptq_can_code (const RtPtq *q, RtValueId id)
{
  if (id == RT_NONE)
    return false;
  const RtValue *value = rt_ptq_old (q, id);
  if (q->code[id] != RT_NONE)
    return true;
  if (value->kind == RT_VALUE_WEIGHT)
    {
      const KnDtypeInfo *info = kn_dtype_info (value->type);
      return info != NULL && info->block_len == 1 && value->type != RT_TYPE_I8;
    }
  return value->type == RT_TYPE_F32 && q->config->ranges[id].is_known;
}

RtValueId
rt_ptq_code (RtPtq *q, RtValueId id)
{
  char name[400];

  if (q->code[id] != RT_NONE)
    return q->code[id];
  if (rt_ptq_old (q, id)->kind == RT_VALUE_WEIGHT)
    return q->code[id] = quantized_constant (q, id);
  RtValueId from = rt_ptq_real (q, id);
  if (from == RT_NONE)
    return RT_NONE;
  rt_ptq_name (q, rt_ptq_old (q, id)->name, RT_PTQ_SUFFIX, name, sizeof name);
  RtValueId to = convert (q, id, from, &rt_op_quantize, name);
  if (to == RT_NONE || !set_quant (q, to, id, NULL))
    return RT_NONE;
  return q->code[id] = to;
}

/* ---- nodes ---- */

bool
rt_ptq_emit (RtPtq *q, const RtNode *node, const RtOp *op, const void *attrs, uint32_t n_inputs,
             const RtValueId *inputs, const RtQuant *quant)
{
  char made[400];
  const char *name = node->name;

  /* The real form of an output must have its name. */
  if (rt_ptq_old (q, node->outputs[0])->kind == RT_VALUE_OUTPUT)
    {
      rt_ptq_name (q, name, RT_PTQ_SUFFIX, made, sizeof made);
      name = made;
    }
  RtNodeId id = rt_graph_add_node (q->graph, name, node->layer, op, inputs, n_inputs, attrs,
                                   q->error);
  if (id == RT_NONE
      || !rt_graph_set_source_names (q->graph, id, node->sources, node->n_sources, q->error))
    return false;
  RtValueId to = rt_graph_node (q->graph, id)->outputs[0];
  q->code[node->outputs[0]] = to;
  return set_quant (q, to, node->outputs[0], quant);
}

static bool
keep_node (RtPtq *q, const RtNode *node)
{
  RtValueId *inputs = malloc ((node->n_inputs + 1) * sizeof *inputs);
  bool ok = inputs != NULL || fail_memory (q, node->name);

  for (uint32_t i = 0; ok && i < node->n_inputs; i++)
    {
      inputs[i] = rt_ptq_real (q, node->inputs[i]);
      ok = node->inputs[i] == RT_NONE || inputs[i] != RT_NONE;
    }
  RtNodeId id = RT_NONE;
  if (ok)
    id = rt_graph_add_node (q->graph, node->name, node->layer, node->op, inputs, node->n_inputs,
                            node->attrs, q->error);
  free (inputs);
  if (id == RT_NONE
      || !rt_graph_set_source_names (q->graph, id, node->sources, node->n_sources, q->error))
    return false;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    {
      RtValueId to = rt_graph_node (q->graph, id)->outputs[i];
      const RtQuant *quant = rt_ptq_old (q, node->outputs[i])->quant;
      q->real[node->outputs[i]] = to;
      if (quant != NULL && !rt_graph_set_quant (q->graph, to, quant, q->error))
        return false;
    }
  return true;
}

static bool
copy_source (RtPtq *q, RtValueId id)
{
  const RtValue *value = rt_ptq_old (q, id);

  if (value->kind == RT_VALUE_INPUT)
    q->real[id] = rt_graph_add_input (q->graph, value->name, value->type, &value->shape, q->error);
  else if (value->kind == RT_VALUE_STATE)
    q->real[id] = rt_graph_add_state (q->graph, value->name, value->type, &value->shape,
                                      value->data, q->error);
  else
    return true;
  return q->real[id] != RT_NONE
         && (value->quant == NULL
             || rt_graph_set_quant (q->graph, q->real[id], value->quant, q->error));
}

static bool
finish_values (RtPtq *q)
{
  for (RtValueId id = 0; id < rt_graph_n_values (q->old); id++)
    {
      const RtValue *value = rt_ptq_old (q, id);
      if (value->kind == RT_VALUE_OUTPUT)
        {
          if (rt_ptq_real (q, id) == RT_NONE)
            return false;
          rt_graph_set_output (q->graph, q->real[id]);
        }
      else if (value->kind == RT_VALUE_STATE && value->next != RT_NONE
               && (rt_ptq_real (q, value->next) == RT_NONE
                   || !rt_graph_set_next (q->graph, q->real[id], q->real[value->next], q->error)))
        return false;
    }
  return true;
}

static bool
quantize (RtPtq *q)
{
  for (RtValueId id = 0; id < rt_graph_n_values (q->old); id++)
    q->real[id] = q->code[id] = RT_NONE;
  for (RtValueId id = 0; id < rt_graph_n_values (q->old); id++)
    if (!copy_source (q, id))
      return false;
  for (RtNodeId n = 0; n < rt_graph_n_nodes (q->old); n++)
    {
      const RtNode *node = rt_graph_node (q->old, n);
      bool done = false;
      if (q->config->keep_float == NULL || !q->config->keep_float[n])
        if (!rt_ptq_node (q, node, &done))
          return false;
      if (!done && !keep_node (q, node))
        return false;
    }
  rt_graph_set_n_layers (q->graph, rt_graph_n_layers (q->old));
  return finish_values (q) && rt_graph_validate (q->graph, q->error);
}

RtGraph *
rt_ptq (const RtGraph *graph, const RtPtqConfig *config, RtError *error)
{
  uint32_t n_values = rt_graph_n_values (graph);
  RtPtq q = { .old = graph,
              .config = config,
              .error = error,
              .graph = rt_graph_new (error),
              .real = malloc ((n_values + 1) * sizeof (RtValueId)),
              .code = malloc ((n_values + 1) * sizeof (RtValueId)) };
  bool ok = false;

  if (q.graph == NULL || q.real == NULL || q.code == NULL)
    fail_memory (&q, "its beginning");
  else
    ok = quantize (&q);
  free (q.real);
  free (q.code);
  if (ok)
    return q.graph;
  rt_graph_free (q.graph);
  return NULL;
}
