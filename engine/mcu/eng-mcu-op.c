/* Which operators the target has kernels for, and what all of them need to know of a node: codes,
 * shapes, tables made on this computer. Knows no operator beyond its row. */
#include "eng-mcu-private.h"

#include <string.h>

#include "kn-table.h"
#include "ops/rt-int8.h"

static const EngMcuOp *const ops[] = {
  &eng_mcu_op_conv,         &eng_mcu_op_depthwise,  &eng_mcu_op_max_pool,
  &eng_mcu_op_average_pool, &eng_mcu_op_mean,       &eng_mcu_op_fully_connected,
  &eng_mcu_op_softmax,      &eng_mcu_op_add,        &eng_mcu_op_sub,
  &eng_mcu_op_mul,          &eng_mcu_op_unary,      &eng_mcu_op_requantize,
  &eng_mcu_op_quantize,     &eng_mcu_op_dequantize, &eng_mcu_op_reshape,
  &eng_mcu_op_concat,       &eng_mcu_op_pad,        &eng_mcu_op_slice,
  &eng_mcu_op_transpose,
};

const EngMcuOp *
eng_mcu_op_find (const RtOp *op)
{
  for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
    if (ops[i]->op == op)
      return ops[i];
  return NULL;
}

EngMcuNode
eng_mcu_node (const RtGraph *graph, RtNodeId id, McIsa isa)
{
  return (EngMcuNode){ .graph = graph, .node = rt_graph_node (graph, id), .id = id, .isa = isa };
}

const RtValue *
eng_mcu_input (const EngMcuNode *node, guint input)
{
  if (input >= node->node->n_inputs || node->node->inputs[input] == RT_NONE)
    return NULL;
  return rt_graph_value (node->graph, node->node->inputs[input]);
}

const RtValue *
eng_mcu_output (const EngMcuNode *node)
{
  return rt_graph_value (node->graph, node->node->outputs[0]);
}

gboolean
eng_mcu_is_constant (const RtValue *value)
{
  return value->kind == RT_VALUE_WEIGHT;
}

float
eng_mcu_scale (const RtValue *value)
{
  return rt_quant_scale (value->quant, 0);
}

gint32
eng_mcu_zero (const RtValue *value)
{
  return rt_quant_zero (value->quant, 0) - (value->type == RT_TYPE_U8 ? 128 : 0);
}

McRequant
eng_mcu_requant (const RtValue *y, float min, float max)
{
  const KnRequant bounds = rt_requant (y->type, y->quant, min, max);

  return (McRequant){ .low = bounds.low, .high = bounds.high, .zero = eng_mcu_zero (y) };
}

static RtTensor
tensor_of (const RtValue *value)
{
  RtTensor tensor = { .shape = value->shape, .type = value->type, .quant = value->quant };

  if (eng_mcu_is_constant (value))
    tensor.data = (void *)value->data;
  if (value->shape.n_dims > 0)
    tensor.row_stride = (size_t)value->shape.dims[value->shape.n_dims - 1];
  return tensor;
}

void *
eng_mcu_prepare (const EngMcuNode *node, gsize n_bytes)
{
  RtTensor inputs[RT_INPUT_SLOTS] = { 0 }, outputs[RT_MAX_OUTPUTS] = { 0 };
  void *memory = g_malloc0 (n_bytes);

  for (guint i = 0; i < MIN (node->node->n_inputs, RT_INPUT_SLOTS); i++)
    if (eng_mcu_input (node, i) != NULL)
      inputs[i] = tensor_of (eng_mcu_input (node, i));
  outputs[0] = tensor_of (eng_mcu_output (node));
  node->node->op->prepare (&(RtOpContext){ .kn = kn_table (),
                                           .node = node->node,
                                           .attrs = node->node->attrs,
                                           .inputs = inputs,
                                           .outputs = outputs,
                                           .n_threads = 1 },
                           memory);
  return memory;
}

McPart
eng_mcu_whole (const RtValue *value)
{
  const RtShape *shape = &value->shape;

  if (shape->n_dims == 4)
    return (McPart){ .h = (int32_t)shape->dims[1], .w = (int32_t)shape->dims[2] };
  if (shape->n_dims == 3)
    return (McPart){ .h = 1, .w = (int32_t)shape->dims[1] };
  return (McPart){ .h = 1, .w = 1 };
}

char *
eng_mcu_short_name (const char *name)
{
  const char *end = strchr (name, ';');

  return end != NULL ? g_strndup (name, (gsize)(end - name)) : g_strdup (name);
}

guint64
eng_mcu_value_bytes (const RtValue *value)
{
  return rt_shape_n (&value->shape) * rt_type_bytes (value->type);
}

guint64
eng_mcu_constant_bytes (const EngMcuNode *node)
{
  const EngMcuOp *op = eng_mcu_op_find (node->node->op);

  return op->constant_bytes != NULL ? op->constant_bytes (node) : 0;
}
