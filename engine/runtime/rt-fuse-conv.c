/* Fusion around convolutions: zero padding before it, activation, limits and residual sum behind
 * it. Called by the walk in rt-fuse.c, after the layout pass, for every node; knows the operators
 * it joins.
 *
 *     pad ─► conv ─► add (residual) ─► relu        one conv node
 *     conv ─► sigmoid ─► mul (with conv)           conv with SiLU
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"
#include "ops/rt-ops.h"
#include "rt-fuse-private.h"

#define MAX_CHAIN 12

typedef struct
{
  const RtNode *conv;
  RtConvAttrs *attrs; /* of the new node */
  RtValueId residual; /* old value */
  RtValueId x, y;     /* old values: what the chain reads and makes so far */
  const RtNode *parts[MAX_CHAIN];
  uint32_t n_parts;
} Chain;

static bool
is_conv (const RtOp *op)
{
  return op == &rt_op_conv || op == &rt_op_depthwise;
}

static bool
has_limits (const RtConvAttrs *attrs)
{
  return attrs->min > -INFINITY || attrs->max < INFINITY;
}

/* ---- what may follow ---- */

/* Activations of one number, by operator. */
static bool
activation_of (const RtNode *node, RtActivation *activation, float params[2])
{
  static const struct
  {
    const RtOp *op;
    RtActivation activation;
  } table[] = {
    { &rt_op_silu, RT_ACTIVATION_SILU },
    { &rt_op_gelu, RT_ACTIVATION_GELU },
    { &rt_op_gelu_erf, RT_ACTIVATION_GELU_ERF },
    { &rt_op_sigmoid, RT_ACTIVATION_SIGMOID },
    { &rt_op_tanh, RT_ACTIVATION_TANH },
    { &rt_op_hard_sigmoid, RT_ACTIVATION_HARD_SIGMOID },
    { &rt_op_hard_swish, RT_ACTIVATION_HARD_SWISH },
    { &rt_op_leaky_relu, RT_ACTIVATION_LEAKY },
    { &rt_op_mish, RT_ACTIVATION_MISH },
  };

  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (node->op == table[i].op)
      {
        *activation = table[i].activation;
        if (node->op == &rt_op_hard_sigmoid || node->op == &rt_op_leaky_relu)
          {
            params[0] = (float)((const RtUnaryAttrs *)node->attrs)->a;
            params[1] = (float)((const RtUnaryAttrs *)node->attrs)->b;
          }
        return true;
      }
  return false;
}

static void
take (Chain *chain, const RtNode *node)
{
  chain->parts[chain->n_parts++] = node;
  chain->y = node->outputs[0];
}

static bool
take_activation (Chain *chain, const RtNode *node)
{
  RtConvAttrs *attrs = chain->attrs;
  RtActivation activation;
  float params[2] = { 0 };

  if (attrs->activation != RT_ACTIVATION_NONE || has_limits (attrs) || attrs->residual_last
      || !activation_of (node, &activation, params))
    return false;
  attrs->activation = activation;
  memcpy (attrs->activation_params, params, sizeof params);
  take (chain, node);
  return true;
}

static float
clamp (float x, float low, float high)
{
  return x < low ? low : x > high ? high : x;
}

static bool
take_limits (Chain *chain, const RtNode *node)
{
  RtConvAttrs *attrs = chain->attrs;
  float low = 0, high = INFINITY;

  if (attrs->residual_last || (node->op != &rt_op_relu && node->op != &rt_op_clip))
    return false;
  if (node->op == &rt_op_clip)
    {
      low = (float)((const RtUnaryAttrs *)node->attrs)->a;
      high = (float)((const RtUnaryAttrs *)node->attrs)->b;
      if (!(low <= high))
        return false;
    }
  attrs->min = clamp (attrs->min, low, high);
  attrs->max = clamp (attrs->max, low, high);
  take (chain, node);
  return true;
}

static bool
same_shape (const RtFuser *f, RtValueId a, RtValueId b)
{
  const RtShape *x = &rt_graph_value (f->old, a)->shape, *y = &rt_graph_value (f->old, b)->shape;
  return x->n_dims == y->n_dims && memcmp (x->dims, y->dims, x->n_dims * sizeof *x->dims) == 0;
}

/* A sum with something that is there before the convolution runs. */
static bool
take_residual (RtFuser *f, Chain *chain, const RtNode *node)
{
  if (!(f->fusions & RT_FUSE_RESIDUAL) || node->op != &rt_op_add || chain->residual != RT_NONE)
    return false;
  RtValueId other = node->inputs[0] == chain->y ? node->inputs[1] : node->inputs[0];
  if (other == chain->y || rt_graph_value (f->old, other)->kind == RT_VALUE_WEIGHT
      || rt_fuser_mapped (f, other) == RT_NONE || !same_shape (f, other, chain->y)
      || !same_shape (f, node->outputs[0], chain->y))
    return false;
  chain->residual = other;
  if (chain->attrs->activation != RT_ACTIVATION_NONE || has_limits (chain->attrs))
    chain->attrs->residual_last = 1;
  take (chain, node);
  return true;
}

/* y * sigmoid (y). */
static bool
take_silu (RtFuser *f, Chain *chain)
{
  const RtValue *y = rt_graph_value (f->old, chain->y);
  RtConvAttrs *attrs = chain->attrs;

  if (attrs->activation != RT_ACTIVATION_NONE || has_limits (attrs) || attrs->residual_last
      || y->kind != RT_VALUE_ACTIVATION || y->is_kept || f->n_readers[chain->y] != 2)
    return false;
  const RtNode *mul = rt_graph_node (f->old, f->some_reader[chain->y]);
  if (mul->op != &rt_op_mul)
    return false;
  RtValueId other = mul->inputs[0] == chain->y ? mul->inputs[1] : mul->inputs[0];
  const RtValue *gate = rt_graph_value (f->old, other);
  if (gate->producer == RT_NONE || rt_fuser_only_reader (f, other, &rt_op_mul) != mul)
    return false;
  const RtNode *sigmoid = rt_graph_node (f->old, gate->producer);
  if (sigmoid->op != &rt_op_sigmoid || sigmoid->inputs[0] != chain->y)
    return false;
  attrs->activation = RT_ACTIVATION_SILU;
  take (chain, sigmoid);
  take (chain, mul);
  return true;
}

static bool
take_next (RtFuser *f, Chain *chain)
{
  if (chain->n_parts + 2 > MAX_CHAIN)
    return false;
  if ((f->fusions & RT_FUSE_FUNCTION) && take_silu (f, chain))
    return true;
  const RtNode *next = rt_fuser_only_reader (f, chain->y, NULL);
  if (next == NULL || next->n_inputs == 0 || rt_graph_value (f->old, chain->y)->type != RT_TYPE_F32)
    return false;
  if (next->inputs[0] == chain->y
      && (((f->fusions & RT_FUSE_FUNCTION) && take_activation (chain, next))
          || ((f->fusions & RT_FUSE_ACTIVATION) && take_limits (chain, next))))
    return true;
  return take_residual (f, chain, next);
}

/* ---- what may come before ---- */

/* @pad puts zeros around the height and width of [N, H, W, C], and one convolution reads that. */
static const RtNode *
conv_behind_pad (RtFuser *f, const RtNode *pad)
{
  if (pad->op != &rt_op_pad || !(f->fusions & RT_FUSE_ACTIVATION)
      || rt_graph_value (f->old, pad->inputs[0])->shape.n_dims != 4
      || rt_graph_value (f->old, pad->inputs[0])->type != RT_TYPE_F32
      || rt_fuser_has_input (pad, 1))
    return NULL;
  const RtPadAttrs *attrs = pad->attrs;
  if (attrs->mode != RT_PAD_CONSTANT || attrs->value != 0 || attrs->before[0] != 0
      || attrs->after[0] != 0 || attrs->before[3] != 0 || attrs->after[3] != 0)
    return NULL;
  for (int i = 1; i <= 2; i++)
    if (attrs->before[i] < 0 || attrs->after[i] < 0 || attrs->before[i] > 64
        || attrs->after[i] > 64)
      return NULL;
  const RtNode *conv = rt_fuser_only_reader (f, pad->outputs[0], NULL);
  if (conv == NULL || (conv->op != &rt_op_conv && conv->op != &rt_op_depthwise)
      || conv->inputs[RT_CONV_X] != pad->outputs[0])
    return NULL;
  return conv;
}

static void
add_padding (const RtNode *pad, RtConvAttrs *attrs)
{
  const RtPadAttrs *p = pad->attrs;
  attrs->pad_top += (uint32_t)p->before[1];
  attrs->pad_bottom += (uint32_t)p->after[1];
  attrs->pad_left += (uint32_t)p->before[2];
  attrs->pad_right += (uint32_t)p->after[2];
}

/* ---- */

static bool
emit_chain (RtFuser *f, Chain *chain, const void *attrs)
{
  const RtValue *y = rt_graph_value (f->old, chain->y);
  RtValueId inputs[4]
      = { rt_fuser_mapped (f, chain->x), rt_fuser_mapped (f, chain->conv->inputs[RT_CONV_WEIGHT]),
          RT_NONE, rt_fuser_mapped (f, chain->residual) };

  if (rt_fuser_has_input (chain->conv, RT_CONV_BIAS))
    inputs[RT_CONV_BIAS] = rt_fuser_mapped (f, chain->conv->inputs[RT_CONV_BIAS]);
  /* Outputs keep their names. */
  return rt_fuser_emit (f, y->kind == RT_VALUE_OUTPUT ? y->name : chain->conv->name,
                        chain->conv->op, attrs,
                        chain->residual != RT_NONE        ? 4
                        : inputs[RT_CONV_BIAS] != RT_NONE ? 3
                                                          : 2,
                        inputs, chain->n_parts, chain->parts, &chain->y);
}

bool
rt_fuse_conv (RtFuser *f, const RtNode *node, bool *done)
{
  const RtNode *pad = conv_behind_pad (f, node) != NULL ? node : NULL;
  const RtNode *conv = pad != NULL ? conv_behind_pad (f, node) : node;

  if (!is_conv (conv->op))
    return true;
  void *attrs = malloc (conv->op->attrs_bytes);
  if (attrs == NULL)
    return rt_fail (f->error, RT_ERROR_MEMORY, "No memory to fuse %s", node->name);
  memcpy (attrs, conv->attrs, conv->op->attrs_bytes);

  /* The attributes of a transposed convolution begin with those of a convolution. */
  Chain chain
      = { .conv = conv,
          .attrs = attrs,
          .x = pad != NULL ? pad->inputs[0] : conv->inputs[RT_CONV_X],
          .residual = rt_fuser_has_input (conv, RT_CONV_RESIDUAL) ? conv->inputs[RT_CONV_RESIDUAL]
                                                                  : RT_NONE };
  if (pad != NULL)
    {
      take (&chain, pad);
      add_padding (pad, chain.attrs);
    }
  take (&chain, conv);
  while (take_next (f, &chain))
    ;
  bool ok = true;
  if (chain.n_parts > 1)
    {
      *done = true;
      ok = emit_chain (f, &chain, attrs);
    }
  free (attrs);
  return ok;
}
