/* Folding of batch norms and other factors of channels into convolutions, see rt-trim.h. Called by
 * importers before the graph is trimmed. */
#include "rt-trim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"

/* Inputs of a batch norm. */
enum
{
  X,
  SCALE,
  OFFSET,
  MEAN,
  VARIANCE,
};

typedef struct
{
  RtGraph *graph;
  RtError *error;
  uint32_t n_values;   /* at the beginning */
  uint32_t *n_readers; /* [n_values] */
} Folder;

/* A bias that this pass has made is read by its convolution alone. */
static bool
has_one_reader (const Folder *f, RtValueId id)
{
  return id >= f->n_values || f->n_readers[id] == 1;
}

static void
count_readers (Folder *f)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (f->graph); n++)
    {
      const RtNode *node = rt_graph_node (f->graph, n);
      for (uint32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] != RT_NONE)
          f->n_readers[node->inputs[i]]++;
    }
}

/* A constant of real numbers as they are in memory; NULL: it is none. */
static const float *
constant_of (const Folder *f, RtValueId id)
{
  const RtValue *value = id != RT_NONE ? rt_graph_value (f->graph, id) : NULL;
  return value != NULL && value->kind == RT_VALUE_WEIGHT && value->type == RT_TYPE_F32
                 && value->quant == NULL
             ? value->data
             : NULL;
}

static RtValueId
bias_of (const RtNode *node)
{
  return node->n_inputs > RT_CONV_BIAS ? node->inputs[RT_CONV_BIAS] : RT_NONE;
}

/* Channels of the convolution's output, 0 where it cannot take a norm in. */
static size_t
channels_of (const Folder *f, const RtNode *conv)
{
  const RtValueId weight = conv->inputs[RT_CONV_WEIGHT], bias = bias_of (conv);

  if (conv->op != &rt_op_conv && conv->op != &rt_op_depthwise)
    return 0;
  const RtConvAttrs *attrs = conv->attrs;
  if (attrs->activation != 0 || attrs->min > -INFINITY || attrs->max < INFINITY
      || (conv->n_inputs > RT_CONV_RESIDUAL && conv->inputs[RT_CONV_RESIDUAL] != RT_NONE)
      || constant_of (f, weight) == NULL || !has_one_reader (f, weight)
      || (bias != RT_NONE && (constant_of (f, bias) == NULL || !has_one_reader (f, bias))))
    return 0;
  const RtShape *shape = &rt_graph_value (f->graph, weight)->shape;
  return (size_t)shape->dims[conv->op == &rt_op_conv ? 0 : shape->n_dims - 1];
}

static bool
is_constant_norm (const Folder *f, const RtNode *node, size_t n_channels)
{
  for (uint32_t i = SCALE; i <= VARIANCE; i++)
    if (i >= node->n_inputs || constant_of (f, node->inputs[i]) == NULL
        || rt_shape_n (&rt_graph_value (f->graph, node->inputs[i])->shape) != n_channels)
      return false;
  return true;
}

static bool
is_factor (const RtNode *node)
{
  return node->op == &rt_op_mul || node->op == &rt_op_add || node->op == &rt_op_sub;
}

/* The input of a product or sum that is not the convolution's; the second one where it matters. */
static uint32_t
other_input (const RtNode *node, RtValueId x)
{
  return node->inputs[0] == x || node->op == &rt_op_sub ? 1 : 0;
}

/* Whether the other operand is a constant with one value, or one for each channel of the picture
 * @x. */
static bool
is_constant_factor (const Folder *f, const RtNode *conv, const RtNode *node, RtValueId x)
{
  const RtShape *y = &rt_graph_value (f->graph, x)->shape;
  const uint32_t channel = ((const RtConvAttrs *)conv->attrs)->channels_first ? 1 : y->n_dims - 1;
  const uint32_t other = other_input (node, x);

  if (node->inputs[1 - other] != x || node->inputs[other] == x
      || constant_of (f, node->inputs[other]) == NULL)
    return false;
  const RtShape *shape = &rt_graph_value (f->graph, node->inputs[other])->shape;
  if (shape->n_dims > y->n_dims)
    return false;
  for (uint32_t i = 0, missing = y->n_dims - shape->n_dims; i < shape->n_dims; i++)
    if (shape->dims[i] != 1 && (i + missing != channel || shape->dims[i] != y->dims[channel]))
      return false;
  return true;
}

/* What @node does to channel @c of @x: y = s x + t. */
static void
factor_of (const Folder *f, const RtNode *node, RtValueId x, size_t c, double *s, double *t)
{
  if (is_factor (node))
    {
      const RtValueId other = node->inputs[other_input (node, x)];
      const float *values = constant_of (f, other);
      const double v
          = (double)values[rt_shape_n (&rt_graph_value (f->graph, other)->shape) > 1 ? c : 0];

      *s = node->op == &rt_op_mul ? v : 1;
      *t = node->op == &rt_op_mul ? 0 : node->op == &rt_op_add ? v : -v;
      return;
    }
  const float eps = ((const RtChannelNormAttrs *)node->attrs)->eps;

  *s = (double)constant_of (f, node->inputs[SCALE])[c]
       / sqrt ((double)constant_of (f, node->inputs[VARIANCE])[c] + (double)eps);
  *t = (double)constant_of (f, node->inputs[OFFSET])[c]
       - (double)constant_of (f, node->inputs[MEAN])[c] * *s;
}

/* Weights and bias of @conv with @node in them. */
static bool
rewrite (Folder *f, RtNodeId conv_id, const RtNode *node, size_t n_channels)
{
  const RtNode *conv = rt_graph_node (f->graph, conv_id);
  const RtValue *weight = rt_graph_value (f->graph, conv->inputs[RT_CONV_WEIGHT]);
  const float *w = weight->data, *b = constant_of (f, bias_of (conv));
  const size_t n = (size_t)rt_shape_n (&weight->shape);
  const bool is_last = conv->op == &rt_op_depthwise;
  const size_t inner = is_last ? 1 : n / n_channels, step = is_last ? n_channels : 1;
  float *new_w = rt_graph_alloc (f->graph, n * sizeof *new_w);
  float *new_b = rt_graph_alloc (f->graph, n_channels * sizeof *new_b);
  char name[400];

  if (new_w == NULL || new_b == NULL)
    return rt_fail (f->error, RT_ERROR_MEMORY, "No memory to fold %s", node->name);
  for (size_t c = 0; c < n_channels; c++)
    {
      double s, t;

      factor_of (f, node, conv->outputs[0], c, &s, &t);
      new_b[c] = (float)((b != NULL ? (double)b[c] : 0.0) * s + t);
      for (size_t i = c * inner, end = is_last ? n : i + inner; i < end; i += step)
        new_w[i] = (float)((double)w[i] * s);
    }
  rt_graph_replace_weight (f->graph, conv->inputs[RT_CONV_WEIGHT], RT_TYPE_F32, new_w,
                           n * sizeof *new_w);
  if (b != NULL)
    {
      rt_graph_replace_weight (f->graph, bias_of (conv), RT_TYPE_F32, new_b,
                               n_channels * sizeof *new_b);
      return true;
    }
  snprintf (name, sizeof name, "%s/bias", conv->name);
  for (unsigned i = 0; rt_graph_find_value (f->graph, name) != RT_NONE; i++)
    snprintf (name, sizeof name, "%s/bias%u", conv->name, i);
  RtValueId bias = rt_graph_add_weight (f->graph, name, RT_TYPE_F32,
                                        &(RtShape){ .n_dims = 1, .dims = { (int64_t)n_channels } },
                                        new_b, n_channels * sizeof *new_b, f->error);
  if (bias != RT_NONE)
    rt_graph_set_input (f->graph, conv_id, RT_CONV_BIAS, bias);
  return bias != RT_NONE;
}

static void
redirect (Folder *f, RtValueId from, RtValueId to)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (f->graph); n++)
    {
      const RtNode *node = rt_graph_node (f->graph, n);
      for (uint32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] == from)
          rt_graph_set_input (f->graph, n, i, to);
    }
}

static bool
fold_one (Folder *f, const RtNode *node, uint32_t *n_folded)
{
  /* Of a product or sum, whichever operand is no constant. */
  const uint32_t input = is_factor (node) && constant_of (f, node->inputs[0]) != NULL ? 1 : 0;
  const RtValueId from = node->inputs[input];
  const RtValue *x = rt_graph_value (f->graph, from);
  const RtValue *y = rt_graph_value (f->graph, node->outputs[0]);

  if (x->producer == RT_NONE || x->is_kept || y->is_kept || !has_one_reader (f, from))
    return true;
  const RtNode *conv = rt_graph_node (f->graph, x->producer);
  const size_t n_channels = channels_of (f, conv);
  if (n_channels == 0
      || !(is_factor (node) ? is_constant_factor (f, conv, node, from)
                            : is_constant_norm (f, node, n_channels)))
    return true;
  if (!rewrite (f, x->producer, node, n_channels)
      || !rt_graph_set_sources (f->graph, x->producer, (const RtNode *const[]){ conv, node }, 2,
                                f->error))
    return false;
  redirect (f, node->outputs[0], from);
  f->n_readers[from] = f->n_readers[node->outputs[0]];
  (*n_folded)++;
  return true;
}

bool
rt_fold_norms (RtGraph *graph, uint32_t *n_folded, RtError *error)
{
  uint32_t n_values = rt_graph_n_values (graph);
  Folder f = { .graph = graph,
               .error = error,
               .n_values = n_values,
               .n_readers = calloc (n_values + 1, sizeof (uint32_t)) };
  bool ok = true;

  *n_folded = 0;
  if (f.n_readers == NULL)
    return rt_fail (error, RT_ERROR_MEMORY, "No memory to fold norms");
  count_readers (&f);
  for (RtNodeId n = 0; ok && n < rt_graph_n_nodes (graph); n++)
    if (rt_graph_node (graph, n)->op == &rt_op_batch_norm || is_factor (rt_graph_node (graph, n)))
      ok = fold_one (&f, rt_graph_node (graph, n), n_folded);
  free (f.n_readers);
  return ok;
}
