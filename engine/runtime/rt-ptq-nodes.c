/* Which operators have an 8-bit form and how they get it: weights with a scale per channel, biases,
 * attributes. Adding one: a function and a row of the table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"
#include "ops/rt-ops.h"
#include "rt-ptq-private.h"

/* ---- weights ---- */

/* Strides of dimension @axis: element k belongs to channel k / inner % n. */
static void
axis_of (const RtShape *shape, uint32_t axis, size_t *n, size_t *inner)
{
  *n = (size_t)shape->dims[axis];
  *inner = 1;
  for (uint32_t i = axis + 1; i < shape->n_dims; i++)
    *inner *= (size_t)shape->dims[i];
}

static void
channel_scales (const float *w, size_t n_all, size_t n, size_t inner, float *scales)
{
  for (size_t c = 0; c < n; c++)
    scales[c] = 0;
  for (size_t k = 0; k < n_all; k++)
    {
      float *scale = &scales[k / inner % n];
      *scale = fabsf (w[k]) > *scale ? fabsf (w[k]) : *scale;
    }
  for (size_t c = 0; c < n; c++)
    scales[c] = scales[c] > 1e-30f && isfinite (scales[c]) ? scales[c] / 127 : 1;
}

static int8_t
code_of (float x, float scale)
{
  float code = rintf (x / scale);
  return (int8_t)(code < -127 ? -127 : code > 127 ? 127 : code);
}

/* What rounding the weights adds to output channel c on average: the sum over its weights of error
 * times mean input. Nagel et al. 2019, eq. 17. */
static void
mean_errors (const RtNode *node, const RtShape *shape, uint32_t axis, size_t n_x, const float *w,
             const int8_t *codes, const float *scales, const float *means, float *errors)
{
  size_t n, inner, n_all = (size_t)rt_shape_n (shape);
  bool depthwise = node->op == &rt_op_depthwise;
  uint32_t groups = node->op == &rt_op_conv ? ((const RtConvAttrs *)node->attrs)->groups : 1;
  size_t n_in = depthwise ? 1 : (size_t)shape->dims[shape->n_dims - 1];

  axis_of (shape, axis, &n, &inner);
  for (size_t c = 0; c < n; c++)
    errors[c] = 0;
  for (size_t k = 0; k < n_all; k++)
    {
      size_t c = k / inner % n;
      size_t from
          = depthwise ? c / (n / n_x) : c / (n / (groups > 0 ? groups : 1)) * n_in + k % n_in;
      errors[c] += (scales[c] * codes[k] - w[k]) * means[from];
    }
}

static RtValueId
add_bias (RtPtq *q, const RtNode *node, const char *weight_name, const float *bias, size_t n,
          const float *x_scale, const float *scales, const float *errors)
{
  int32_t *sums = rt_graph_alloc (q->graph, n * sizeof *sums);
  char name[400];

  if (sums == NULL)
    {
      rt_fail (q->error, RT_ERROR_MEMORY, "No memory for the bias of %s", node->name);
      return RT_NONE;
    }
  for (size_t c = 0; c < n; c++)
    {
      double b = (bias != NULL ? bias[c] : 0) - (errors != NULL ? errors[c] : 0);
      b = rint (b / ((double)*x_scale * scales[c]));
      sums[c] = (int32_t)(b < -2e9 ? -2e9 : b > 2e9 ? 2e9 : b);
    }
  rt_ptq_name (q, weight_name, "/bias", name, sizeof name);
  return rt_graph_add_weight (q->graph, name, RT_TYPE_I32,
                              &(RtShape){ .n_dims = 1, .dims = { (int64_t)n } }, sums,
                              n * sizeof *sums, q->error);
}

/* Inputs 1 and 2 of every product are weight and bias. */
bool
rt_ptq_weights (RtPtq *q, const RtNode *node, RtValueId x_code, uint32_t axis, RtValueId *weight,
                RtValueId *bias)
{
  const RtValue *value = rt_ptq_old (q, node->inputs[1]);
  RtValueId bias_id = node->n_inputs > 2 ? node->inputs[2] : RT_NONE;
  const float *means = q->config->means != NULL ? q->config->means[node->inputs[0]] : NULL;
  const RtShape *x_shape = &rt_ptq_old (q, node->inputs[0])->shape;
  size_t n, inner, n_all = (size_t)rt_shape_n (&value->shape);
  axis_of (&value->shape, axis, &n, &inner);

  float *w = rt_ptq_floats (value);
  float *b = bias_id != RT_NONE ? rt_ptq_floats (rt_ptq_old (q, bias_id)) : NULL;
  float *scales = malloc ((2 * n + 1) * sizeof *scales);
  int8_t *codes = rt_graph_alloc (q->graph, n_all + 1);
  char name[400];
  bool ok = w != NULL && scales != NULL && codes != NULL && (bias_id == RT_NONE || b != NULL);

  if (ok)
    {
      float *errors = scales + n;
      channel_scales (w, n_all, n, inner, scales);
      for (size_t k = 0; k < n_all; k++)
        codes[k] = code_of (w[k], scales[k / inner % n]);
      if (means != NULL)
        mean_errors (node, &value->shape, axis, (size_t)x_shape->dims[x_shape->n_dims - 1], w,
                     codes, scales, means, errors);
      rt_ptq_name (q, value->name, RT_PTQ_SUFFIX, name, sizeof name);
      *weight
          = rt_graph_add_weight (q->graph, name, RT_TYPE_I8, &value->shape, codes, n_all, q->error);
      ok = *weight != RT_NONE
           && rt_graph_set_quant (q->graph, *weight,
                                  &(RtQuant){ (uint32_t)n, (int32_t)axis, scales, NULL }, q->error);
      if (ok)
        {
          *bias = add_bias (q, node, value->name, b, n, rt_ptq_quant (q, x_code)->scales, scales,
                            means != NULL ? errors : NULL);
          ok = *bias != RT_NONE;
        }
    }
  else
    rt_fail (q->error, RT_ERROR_MEMORY, "No memory for the weights of %s", node->name);
  free (scales);
  free (b);
  free (w);
  return ok;
}

/* ---- products ---- */

static bool
has_input (const RtNode *node, uint32_t input)
{
  return input < node->n_inputs && node->inputs[input] != RT_NONE;
}

static bool
float_weight (const RtPtq *q, const RtNode *node)
{
  const RtValue *w = rt_ptq_old (q, node->inputs[1]);
  return w->kind == RT_VALUE_WEIGHT && rt_ptq_can_code (q, node->inputs[1])
         && (!has_input (node, 2) || rt_ptq_can_code (q, node->inputs[2]));
}

static bool
emit_product (RtPtq *q, const RtNode *node, const RtOp *op, const void *attrs, uint32_t axis)
{
  RtValueId x = rt_ptq_code (q, node->inputs[0]), weight, bias;
  return x != RT_NONE && rt_ptq_weights (q, node, x, axis, &weight, &bias)
         && rt_ptq_emit (q, node, op, attrs, 3, (RtValueId[]){ x, weight, bias }, NULL);
}

static bool
do_conv (RtPtq *q, const RtNode *node, bool *done)
{
  RtConvInt8Attrs attrs = { .conv = *(const RtConvAttrs *)node->attrs, .out_type = RT_TYPE_I8 };
  bool depthwise = node->op == &rt_op_depthwise;

  if (attrs.conv.activation != RT_ACTIVATION_NONE || has_input (node, RT_CONV_RESIDUAL)
      || !float_weight (q, node))
    return true;
  *done = true;
  return emit_product (q, node, depthwise ? &rt_op_depthwise_int8 : &rt_op_conv_int8, &attrs,
                       depthwise ? 2 : 0);
}

static bool
do_matmul (RtPtq *q, const RtNode *node, bool *done)
{
  const RtMatmulAttrs *matmul = node->attrs;
  RtFullyConnectedInt8Attrs attrs = { .out_type = RT_TYPE_I8, .min = -INFINITY, .max = INFINITY };

  if (matmul->activation != RT_ACTIVATION_NONE || has_input (node, RT_MATMUL_RESIDUAL)
      || !float_weight (q, node))
    return true;
  if (matmul->has_limits)
    {
      attrs.min = matmul->min;
      attrs.max = matmul->max;
    }
  *done = true;
  return emit_product (q, node, &rt_op_fully_connected_int8, &attrs, 0);
}

/* ---- element by element ---- */

static bool
do_binary (RtPtq *q, const RtNode *node, bool *done)
{
  const RtOp *op = node->op == &rt_op_add   ? &rt_op_add_int8
                   : node->op == &rt_op_sub ? &rt_op_sub_int8
                                            : &rt_op_mul_int8;
  RtBinaryInt8Attrs attrs = { .out_type = RT_TYPE_I8, .min = -INFINITY, .max = INFINITY };

  if (!rt_ptq_can_code (q, node->inputs[1]))
    return true;
  *done = true;
  RtValueId a = rt_ptq_code (q, node->inputs[0]), b = rt_ptq_code (q, node->inputs[1]);
  return a != RT_NONE && b != RT_NONE
         && rt_ptq_emit (q, node, op, &attrs, 2, (RtValueId[]){ a, b }, NULL);
}

static bool
do_unary (RtPtq *q, const RtNode *node, bool *done)
{
  static const struct
  {
    const RtOp *op;
    RtInt8Function function;
  } table[] = {
    { &rt_op_relu, RT_INT8_CLIP },
    { &rt_op_clip, RT_INT8_CLIP },
    { &rt_op_sigmoid, RT_INT8_SIGMOID },
    { &rt_op_tanh, RT_INT8_TANH },
    { &rt_op_hard_swish, RT_INT8_HARD_SWISH },
    { &rt_op_hard_sigmoid, RT_INT8_HARD_SIGMOID },
    { &rt_op_leaky_relu, RT_INT8_LEAKY_RELU },
    { &rt_op_elu, RT_INT8_ELU },
    { &rt_op_silu, RT_INT8_SILU },
    { &rt_op_gelu_erf, RT_INT8_GELU },
    { &rt_op_gelu, RT_INT8_GELU_TANH },
  };
  RtUnaryInt8Attrs attrs = { .out_type = RT_TYPE_I8 };
  size_t i = 0;

  while (table[i].op != node->op)
    i++;
  attrs.function = table[i].function;
  if (node->op == &rt_op_relu)
    attrs.b = INFINITY;
  else if (node->op->attrs_bytes == sizeof (RtUnaryAttrs))
    {
      attrs.a = (float)((const RtUnaryAttrs *)node->attrs)->a;
      attrs.b = (float)((const RtUnaryAttrs *)node->attrs)->b;
    }
  *done = true;
  RtValueId x = rt_ptq_code (q, node->inputs[0]);
  return x != RT_NONE && rt_ptq_emit (q, node, &rt_op_unary_int8, &attrs, 1, &x, NULL);
}

/* ---- windows and means ---- */

static bool
do_max_pool (RtPtq *q, const RtNode *node, bool *done)
{
  RtValueId x = rt_ptq_code (q, node->inputs[0]);
  *done = true;
  return x != RT_NONE
         && rt_ptq_emit (q, node, &rt_op_max_pool_int8, node->attrs, 1, &x, rt_ptq_quant (q, x));
}

static bool
do_average_pool (RtPtq *q, const RtNode *node, bool *done)
{
  RtValueId x = rt_ptq_code (q, node->inputs[0]);
  *done = true;
  return x != RT_NONE && rt_ptq_emit (q, node, &rt_op_average_pool_int8, node->attrs, 1, &x, NULL);
}

/* ---- the same codes in another place ---- */

static bool
do_same_codes (RtPtq *q, const RtNode *node, bool *done)
{
  RtValueId x = rt_ptq_code (q, node->inputs[0]);
  *done = true;
  return x != RT_NONE && rt_ptq_emit (q, node, node->op, node->attrs, 1, &x, rt_ptq_quant (q, x));
}

/* Rounding to 8 bit from run to run gives way to rounding to 8 bit once and for all: the codes
 * stand for its output. Not where some reader stays as it is. */
static bool
do_dynamic_round (RtPtq *q, const RtNode *node, bool *done)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (q->old); n++)
    for (uint32_t i = 0; i < rt_graph_node (q->old, n)->n_inputs; i++)
      if (rt_graph_node (q->old, n)->inputs[i] == node->outputs[0] && q->config->keep_float != NULL
          && q->config->keep_float[n])
        return true;
  if (rt_ptq_old (q, node->outputs[0])->is_kept)
    return true;
  RtValueId x = rt_ptq_code (q, node->inputs[0]);
  *done = true;
  q->code[node->outputs[0]] = x;
  return x != RT_NONE;
}

static bool
do_pad (RtPtq *q, const RtNode *node, bool *done)
{
  RtPadAttrs attrs = *(const RtPadAttrs *)node->attrs;

  if (has_input (node, 1))
    return true;
  *done = true;
  RtValueId x = rt_ptq_code (q, node->inputs[0]);
  if (x == RT_NONE)
    return false;
  const RtQuant *quant = rt_ptq_quant (q, x);
  double code = rint (attrs.value / quant->scales[0]) + quant->zero_points[0];
  attrs.value = code < -128 ? -128 : code > 127 ? 127 : code;
  return rt_ptq_emit (q, node, node->op, &attrs, 1, &x, quant);
}

static bool
do_resize (RtPtq *q, const RtNode *node, bool *done)
{
  if (((const RtResizeAttrs *)node->attrs)->mode != RT_RESIZE_NEAREST || node->n_inputs > 1)
    return true;
  return do_same_codes (q, node, done);
}

/* All inputs in the quantization of the output. */
static bool
do_concat (RtPtq *q, const RtNode *node, bool *done)
{
  const RtRange *range = &q->config->ranges[node->outputs[0]];
  RtValueId *inputs;
  bool ok;

  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (!rt_ptq_can_code (q, node->inputs[i]))
      return true;
  if (!range->is_known)
    return true;
  inputs = malloc ((node->n_inputs + 1) * sizeof *inputs);
  ok = inputs != NULL || rt_fail (q->error, RT_ERROR_MEMORY, "No memory for %s", node->name);
  *done = true;

  /* The widest input's quantization where it holds all of them, so that the widest is not rounded
   * again. */
  RtQuant best = { 0 };
  float best_width = -1;
  for (uint32_t i = 0; ok && i < node->n_inputs; i++)
    {
      inputs[i] = rt_ptq_code (q, node->inputs[i]);
      ok = inputs[i] != RT_NONE;
      if (!ok)
        break;
      const RtQuant *quant = rt_ptq_quant (q, inputs[i]);
      if (quant->scales[0] > best_width)
        {
          best_width = quant->scales[0];
          best = *quant;
        }
    }
  for (uint32_t i = 0; ok && i < node->n_inputs; i++)
    {
      const RtQuant *quant = rt_ptq_quant (q, inputs[i]);
      RtQuantizeAttrs attrs = { .type = RT_TYPE_I8 };
      char name[400];
      if (quant->scales[0] == best.scales[0] && quant->zero_points[0] == best.zero_points[0])
        continue;
      rt_ptq_name (q, rt_ptq_old (q, node->inputs[i])->name, "/rescaled", name, sizeof name);
      RtNodeId id = rt_graph_add_node (q->graph, name, node->layer, &rt_op_requantize, &inputs[i],
                                       1, &attrs, q->error);
      ok = id != RT_NONE
           && rt_graph_set_source_names (q->graph, id, node->sources, node->n_sources, q->error)
           && rt_graph_set_quant (q->graph, rt_graph_node (q->graph, id)->outputs[0], &best,
                                  q->error);
      if (ok)
        inputs[i] = rt_graph_node (q->graph, id)->outputs[0];
    }
  ok = ok && rt_ptq_emit (q, node, node->op, node->attrs, node->n_inputs, inputs, &best);
  free (inputs);
  return ok;
}

/* ---- the table ---- */

typedef struct
{
  const RtOp *op;
  bool starts;      /* worth quantizing its input for; else it only follows */
  bool needs_range; /* of its output */
  bool (*rewrite) (RtPtq *q, const RtNode *node, bool *done);
} Row;

static const Row rows[] = {
  { &rt_op_conv, true, true, do_conv },
  { &rt_op_depthwise, true, true, do_conv },
  { &rt_op_matmul, true, true, do_matmul },
  { &rt_op_dynamic_round, true, false, do_dynamic_round },
  { &rt_op_add, false, true, do_binary },
  { &rt_op_sub, false, true, do_binary },
  { &rt_op_mul, false, true, do_binary },
  { &rt_op_relu, false, true, do_unary },
  { &rt_op_clip, false, true, do_unary },
  { &rt_op_sigmoid, false, true, do_unary },
  { &rt_op_tanh, false, true, do_unary },
  { &rt_op_hard_swish, false, true, do_unary },
  { &rt_op_hard_sigmoid, false, true, do_unary },
  { &rt_op_leaky_relu, false, true, do_unary },
  { &rt_op_elu, false, true, do_unary },
  { &rt_op_silu, false, true, do_unary },
  { &rt_op_gelu_erf, false, true, do_unary },
  { &rt_op_gelu, false, true, do_unary },
  { &rt_op_max_pool, false, false, do_max_pool },
  { &rt_op_average_pool, false, true, do_average_pool },
  { &rt_op_concat, false, true, do_concat },
  { &rt_op_pad, false, false, do_pad },
  { &rt_op_resize, false, false, do_resize },
  { &rt_op_identity, false, false, do_same_codes },
  { &rt_op_reshape, false, false, do_same_codes },
  { &rt_op_transpose, false, false, do_same_codes },
  { &rt_op_slice, false, false, do_same_codes },
  { &rt_op_space_to_depth, false, false, do_same_codes },
  { &rt_op_depth_to_space, false, false, do_same_codes },
};

static bool
some_input_is_code (const RtPtq *q, const RtNode *node)
{
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] != RT_NONE && rt_ptq_old (q, node->inputs[i])->kind != RT_VALUE_WEIGHT
        && q->code[node->inputs[i]] != RT_NONE)
      return true;
  return false;
}

bool
rt_ptq_node (RtPtq *q, const RtNode *node, bool *done)
{
  const Row *row = NULL;

  for (size_t i = 0; i < sizeof rows / sizeof *rows && row == NULL; i++)
    if (rows[i].op == node->op)
      row = &rows[i];
  if (row == NULL || !rt_ptq_can_code (q, node->inputs[0])
      || rt_ptq_old (q, node->outputs[0])->type != RT_TYPE_F32
      || (row->needs_range && !q->config->ranges[node->outputs[0]].is_known)
      || (!row->starts && !some_input_is_code (q, node)))
    return true;
  return row->rewrite (q, node, done);
}
