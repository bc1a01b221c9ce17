/* Cross-layer equalization, see rt-ptq.h: y = W2 relu (W1 x + b1) = (W2 S) relu (S^-1 W1 x + S^-1
 * b1) for positive diagonal S. With r1 and r2 the largest weights of channel i in both, s_i = sqrt
 * (r1_i / r2_i) makes them equal (Nagel et al. 2019, eq. 11). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/rt-ops-conv.h"
#include "rt-ptq-private.h"
#include "rt-trim.h"

/* Channels that are nearly zero in one of the two keep their scale. */
#define MIN_RANGE 1e-8f
#define MAX_SHARE 64.0f

typedef struct
{
  const RtGraph *old;
  float **weights; /* [old values] changed constants, f32; NULL: as it is */
} Equalizer;

static float *
floats_of (Equalizer *e, RtValueId id)
{
  if (e->weights[id] == NULL)
    e->weights[id] = rt_ptq_floats (rt_graph_value (e->old, id));
  return e->weights[id];
}

static const RtNode *
only_reader (const RtGraph *graph, RtValueId id)
{
  const RtNode *reader = NULL;

  if (rt_graph_value (graph, id)->is_kept)
    return NULL;
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    for (uint32_t i = 0; i < rt_graph_node (graph, n)->n_inputs; i++)
      if (rt_graph_node (graph, n)->inputs[i] == id)
        {
          if (reader != NULL)
            return NULL;
          reader = rt_graph_node (graph, n);
        }
  return reader;
}

static bool
is_conv (const RtNode *node)
{
  const RtConvAttrs *attrs = node->attrs;
  return (node->op == &rt_op_conv && attrs->groups <= 1) || node->op == &rt_op_depthwise;
}

/* Scaling by a positive factor passes through what the first one does behind its sums. */
static bool
is_homogeneous (const RtNode *node)
{
  const RtConvAttrs *attrs = node->attrs;
  return attrs->activation == 0 && (attrs->min == 0 || attrs->min == -INFINITY)
         && attrs->max == INFINITY
         && !(node->n_inputs > RT_CONV_RESIDUAL && node->inputs[RT_CONV_RESIDUAL] != RT_NONE);
}

/* Weight constants must be read by nobody else. */
static bool
owns_weights (const RtGraph *graph, const RtNode *node)
{
  for (uint32_t i = 1; i <= 2 && i < node->n_inputs; i++)
    if (node->inputs[i] != RT_NONE
        && (rt_graph_value (graph, node->inputs[i])->kind != RT_VALUE_WEIGHT
            || only_reader (graph, node->inputs[i]) != node))
      return false;
  return true;
}

/* Output channel (@output) or input channel of element @k of the weights of @node. */
static size_t
channel_of (const RtNode *node, const RtShape *shape, size_t k, bool output)
{
  size_t n_last = (size_t)shape->dims[shape->n_dims - 1];
  if (node->op == &rt_op_depthwise)
    return k % n_last;
  return output ? k / (size_t)(rt_shape_n (shape) / (uint64_t)shape->dims[0]) : k % n_last;
}

static bool
equalize_pair (Equalizer *e, const RtNode *a, const RtNode *b, bool *done)
{
  const RtShape *sa = &rt_graph_value (e->old, a->inputs[RT_CONV_WEIGHT])->shape;
  const RtShape *sb = &rt_graph_value (e->old, b->inputs[RT_CONV_WEIGHT])->shape;
  size_t n = (size_t)(a->op == &rt_op_depthwise ? sa->dims[sa->n_dims - 1] : sa->dims[0]);
  size_t na = (size_t)rt_shape_n (sa), nb = (size_t)rt_shape_n (sb);

  if ((size_t)sb->dims[sb->n_dims - 1] != n)
    return true; /* a depthwise one with several outputs per input */
  float *wa = floats_of (e, a->inputs[RT_CONV_WEIGHT]),
        *wb = floats_of (e, b->inputs[RT_CONV_WEIGHT]);
  float *bias = NULL;
  if (wa == NULL || wb == NULL)
    return true;
  if (a->n_inputs > RT_CONV_BIAS && a->inputs[RT_CONV_BIAS] != RT_NONE
      && (bias = floats_of (e, a->inputs[RT_CONV_BIAS])) == NULL)
    return true;
  float *ranges = calloc (2 * n + 1, sizeof *ranges);
  if (ranges == NULL)
    return false;

  for (size_t k = 0; k < na; k++)
    {
      float *r = &ranges[channel_of (a, sa, k, true)];
      *r = fmaxf (*r, fabsf (wa[k]));
    }
  for (size_t k = 0; k < nb; k++)
    {
      float *r = &ranges[n + channel_of (b, sb, k, false)];
      *r = fmaxf (*r, fabsf (wb[k]));
    }
  for (size_t c = 0; c < n; c++)
    {
      float s = 1;
      if (ranges[c] > MIN_RANGE && ranges[n + c] > MIN_RANGE)
        s = fminf (fmaxf (sqrtf (ranges[c] / ranges[n + c]), 1 / MAX_SHARE), MAX_SHARE);
      ranges[c] = s;
    }
  for (size_t k = 0; k < na; k++)
    wa[k] /= ranges[channel_of (a, sa, k, true)];
  for (size_t k = 0; k < nb; k++)
    wb[k] *= ranges[channel_of (b, sb, k, false)];
  for (size_t c = 0; c < n && bias != NULL; c++)
    bias[c] /= ranges[c];
  free (ranges);
  *done = true;
  return true;
}

/* The old graph with the changed constants in place of theirs. */
static RtGraph *
rebuild (const Equalizer *e, RtError *error)
{
  RtGraph *graph = rt_trim (e->old, NULL, error);
  if (graph == NULL)
    return NULL;

  for (RtValueId id = 0; id < rt_graph_n_values (e->old); id++)
    {
      const RtValue *value = rt_graph_value (e->old, id);
      RtValueId to = rt_graph_find_value (graph, value->name);
      if (e->weights[id] == NULL || to == RT_NONE)
        continue;
      uint64_t n_bytes = rt_shape_n (&value->shape) * sizeof (float);
      void *own = rt_graph_alloc (graph, n_bytes);
      if (own == NULL)
        {
          rt_fail (error, RT_ERROR_MEMORY, "No memory for %s", value->name);
          rt_graph_free (graph);
          return NULL;
        }
      memcpy (own, e->weights[id], n_bytes);
      rt_graph_replace_weight (graph, to, KN_F32, own, n_bytes);
    }
  return graph;
}

RtGraph *
rt_equalize (const RtGraph *graph, uint32_t *n_pairs, RtError *error)
{
  uint32_t n_values = rt_graph_n_values (graph);
  Equalizer e = { .old = graph, .weights = calloc (n_values + 1, sizeof (float *)) };
  RtGraph *result = NULL;
  bool ok = e.weights != NULL;

  *n_pairs = 0;
  for (RtNodeId n = 0; ok && n < rt_graph_n_nodes (graph); n++)
    {
      const RtNode *a = rt_graph_node (graph, n);
      bool done = false;
      if (!is_conv (a) || !is_homogeneous (a) || !owns_weights (graph, a))
        continue;
      const RtNode *b = only_reader (graph, a->outputs[0]);
      if (b == NULL || !is_conv (b) || b->inputs[RT_CONV_X] != a->outputs[0]
          || !owns_weights (graph, b))
        continue;
      ok = equalize_pair (&e, a, b, &done);
      *n_pairs += done;
    }
  if (ok)
    result = rebuild (&e, error);
  else
    rt_fail (error, RT_ERROR_MEMORY, "No memory to equalize the weights");
  for (uint32_t id = 0; e.weights != NULL && id < n_values; id++)
    free (e.weights[id]);
  free (e.weights);
  return result;
}
