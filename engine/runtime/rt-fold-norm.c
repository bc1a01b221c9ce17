/* Folding of batch norms into convolutions, see rt-trim.h. Called by importers before the graph is
 * trimmed. */
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

/* Weights and bias of @conv with @norm in them. */
static bool
rewrite (Folder *f, RtNodeId conv_id, const RtNode *norm, size_t n_channels)
{
  const RtNode *conv = rt_graph_node (f->graph, conv_id);
  const RtValue *weight = rt_graph_value (f->graph, conv->inputs[RT_CONV_WEIGHT]);
  const float *w = weight->data, *b = constant_of (f, bias_of (conv));
  const float *scale = constant_of (f, norm->inputs[SCALE]);
  const float *offset = constant_of (f, norm->inputs[OFFSET]);
  const float *mean = constant_of (f, norm->inputs[MEAN]);
  const float *variance = constant_of (f, norm->inputs[VARIANCE]);
  const float eps = ((const RtChannelNormAttrs *)norm->attrs)->eps;
  const size_t n = (size_t)rt_shape_n (&weight->shape);
  const size_t inner = conv->op == &rt_op_conv ? n / n_channels : 1;
  float *new_w = rt_graph_alloc (f->graph, n * sizeof *new_w);
  float *new_b = rt_graph_alloc (f->graph, n_channels * sizeof *new_b);
  char name[400];

  if (new_w == NULL || new_b == NULL)
    return rt_fail (f->error, RT_ERROR_MEMORY, "No memory to fold %s", norm->name);
  for (size_t c = 0; c < n_channels; c++)
    {
      double s = scale[c] / sqrt ((double)variance[c] + eps);
      new_b[c] = (float)(((b != NULL ? b[c] : 0.0) - mean[c]) * s + offset[c]);
    }
  for (size_t i = 0; i < n; i++)
    {
      size_t c = i / inner % n_channels;
      new_w[i] = (float)(w[i] * (scale[c] / sqrt ((double)variance[c] + eps)));
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
fold_one (Folder *f, const RtNode *norm, uint32_t *n_folded)
{
  const RtValue *x = rt_graph_value (f->graph, norm->inputs[X]);
  const RtValue *y = rt_graph_value (f->graph, norm->outputs[0]);

  if (x->producer == RT_NONE || x->is_kept || y->is_kept || !has_one_reader (f, norm->inputs[X]))
    return true;
  const RtNode *conv = rt_graph_node (f->graph, x->producer);
  const size_t n_channels = channels_of (f, conv);
  if (n_channels == 0 || !is_constant_norm (f, norm, n_channels))
    return true;
  if (!rewrite (f, x->producer, norm, n_channels)
      || !rt_graph_set_sources (f->graph, x->producer, (const RtNode *const[]){ conv, norm }, 2,
                                f->error))
    return false;
  redirect (f, norm->outputs[0], norm->inputs[X]);
  f->n_readers[norm->inputs[X]] = f->n_readers[norm->outputs[0]];
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
    if (rt_graph_node (graph, n)->op == &rt_op_batch_norm)
      ok = fold_one (&f, rt_graph_node (graph, n), n_folded);
  free (f.n_readers);
  return ok;
}
