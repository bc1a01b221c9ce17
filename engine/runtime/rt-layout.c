/* The layout pass, see rt-layout.h. Called by the lowering. Knows transposes and reshapes;
 * everything else it asks of the operators.
 *
 * The nodes are walked in order. Every value has one form or both: as in the file, and with the
 * channels last (dimension 1 moved behind the others). A channels-first node reads and makes the
 * second form. Other nodes follow the form that their inputs have, if they can; else the missing
 * form is made by a transpose where it is needed, once. Where only dimensions of one element move,
 * the bytes are the same and a view does. */
#include "rt-layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/rt-conv-attrs.h"
#include "ops/rt-ops-move.h"
#include "rt-op.h"

typedef struct
{
  const RtGraph *old;
  RtGraph *graph;
  RtError *error;
  RtValueId *plain; /* [old values] -> new value as in the file, RT_NONE: not made (yet) */
  RtValueId *last;  /* [old values] -> new value with the channels last, RT_NONE: not made (yet) */
  bool *wanted;     /* [old values] all that read it would rather have the channels last */
  uint32_t n_names; /* made up so far */
} Pass;

static bool
fail_memory (Pass *p, const char *name)
{
  return rt_fail (p->error, RT_ERROR_MEMORY, "No memory for the graph at %s", name);
}

static const RtValue *
old_value (const Pass *p, RtValueId id)
{
  return rt_graph_value (p->old, id);
}

/* ---- permutations ---- */

/* Dimension i of the channels-last form is dimension perm[i] of the file's. */
static void
channels_last (uint32_t n_dims, uint32_t *perm)
{
  for (uint32_t i = 0; i < n_dims; i++)
    perm[i] = i == 0 ? 0 : i + 1 < n_dims ? i + 1 : 1;
}

static void
invert (const uint32_t *perm, uint32_t n_dims, uint32_t *inverse)
{
  for (uint32_t i = 0; i < n_dims; i++)
    inverse[perm[i]] = i;
}

static void
permute_shape (const RtShape *shape, const uint32_t *perm, RtShape *to)
{
  *to = *shape;
  for (uint32_t i = 0; i < shape->n_dims; i++)
    to->dims[i] = shape->dims[perm[i]];
}

/* Whether the bytes stay where they are: dimensions of more than one element keep their order. */
static bool
moves_nothing (const RtShape *shape, const uint32_t *perm)
{
  int64_t before = -1;
  for (uint32_t i = 0; i < shape->n_dims; i++)
    if (shape->dims[perm[i]] != 1)
      {
        if ((int64_t)perm[i] < before)
          return false;
        before = perm[i];
      }
  return true;
}

/* ---- writing ---- */

static bool
copy_quant (Pass *p, RtValueId from, RtValueId to, const uint32_t *perm)
{
  const RtValue *value = old_value (p, from);
  if (value->quant == NULL)
    return true;
  RtQuant quant = *value->quant;
  if (quant.n > 1 && perm != NULL)
    for (uint32_t i = 0; i < value->shape.n_dims; i++)
      if (perm[i] == (uint32_t)value->quant->axis)
        quant.axis = (int32_t)i;
  return rt_graph_set_quant (p->graph, to, &quant, p->error);
}

/* A transpose (or a view) of new value @from that makes a form of old value @id. */
static RtValueId
turn (Pass *p, RtValueId id, RtValueId from, const uint32_t *perm, const char *name,
      const RtNode *source)
{
  const RtShape *shape = &rt_graph_value (p->graph, from)->shape;
  RtTransposeAttrs transpose = { 0 };
  RtShapeAttrs reshape = { 0 };
  bool view = moves_nothing (shape, perm);

  memcpy (transpose.perm, perm, shape->n_dims * sizeof *perm);
  permute_shape (shape, perm, &reshape.shape);
  RtNodeId node
      = rt_graph_add_node (p->graph, name, source != NULL ? source->layer : 0,
                           view ? &rt_op_reshape : &rt_op_transpose, &from, 1,
                           view ? (const void *)&reshape : (const void *)&transpose, p->error);
  if (node == RT_NONE)
    return RT_NONE;
  if (source != NULL
      && !rt_graph_set_source_names (p->graph, node, source->sources, source->n_sources, p->error))
    return RT_NONE;
  return rt_graph_node (p->graph, node)->outputs[0];
}

static const RtNode *
producer_of (const Pass *p, RtValueId id)
{
  RtNodeId node = old_value (p, id)->producer;
  return node != RT_NONE ? rt_graph_node (p->old, node) : NULL;
}

static void
make_name (Pass *p, const char *name, const char *tail, char *text, size_t n_bytes)
{
  snprintf (text, n_bytes, "%s/%s", name, tail);
  while (rt_graph_find_node (p->graph, text) != RT_NONE
         || rt_graph_find_value (p->graph, text) != RT_NONE)
    snprintf (text, n_bytes, "%s/%s%u", name, tail, ++p->n_names);
}

/* The form of @id as in the file. */
static RtValueId
get_plain (Pass *p, RtValueId id)
{
  if (id == RT_NONE || p->plain[id] != RT_NONE)
    return id == RT_NONE ? RT_NONE : p->plain[id];

  const RtValue *value = old_value (p, id);
  uint32_t perm[RT_MAX_DIMS], inverse[RT_MAX_DIMS];
  char made[320];
  const char *name = made;

  channels_last (value->shape.n_dims, perm);
  invert (perm, value->shape.n_dims, inverse);
  /* The channels-last node of an output has left its name for this one. */
  if (value->kind == RT_VALUE_OUTPUT && rt_graph_find_node (p->graph, value->name) == RT_NONE)
    name = value->name;
  else
    make_name (p, value->name, "nchw", made, sizeof made);
  p->plain[id] = turn (p, id, p->last[id], inverse, name, producer_of (p, id));
  if (p->plain[id] != RT_NONE && !copy_quant (p, id, p->plain[id], NULL))
    return RT_NONE;
  return p->plain[id];
}

static RtValueId
get_last (Pass *p, RtValueId id)
{
  const RtValue *value = old_value (p, id);
  if (p->last[id] == RT_NONE && value->shape.n_dims < 3)
    p->last[id] = p->plain[id];
  if (p->last[id] != RT_NONE)
    return p->last[id];

  uint32_t perm[RT_MAX_DIMS];
  char name[320];

  channels_last (value->shape.n_dims, perm);
  make_name (p, value->name, "nhwc", name, sizeof name);
  p->last[id] = turn (p, id, p->plain[id], perm, name, producer_of (p, id));
  if (p->last[id] != RT_NONE && !copy_quant (p, id, p->last[id], perm))
    return RT_NONE;
  return p->last[id];
}

/* ---- constants ---- */

/* A constant of at most @n_dims dimensions as the operand of something that is permuted. */
static RtValueId
permuted_constant (Pass *p, RtValueId id, uint32_t n_dims)
{
  const RtValue *value = old_value (p, id);
  uint32_t perm[RT_MAX_DIMS], missing = n_dims - value->shape.n_dims;
  size_t element = rt_type_bytes (value->type), n = (size_t)rt_shape_n (&value->shape);
  RtShape padded = { .n_dims = n_dims }, shape;
  size_t strides[RT_MAX_DIMS] = { 0 };
  char name[320];

  if (n == 1)
    return p->plain[id];
  if (p->last[id] != RT_NONE && value->shape.n_dims == n_dims)
    return p->last[id];
  for (uint32_t i = 0; i < n_dims; i++)
    padded.dims[i] = i < missing ? 1 : value->shape.dims[i - missing];
  channels_last (n_dims, perm);
  permute_shape (&padded, perm, &shape);
  uint8_t *data = element > 0 ? rt_graph_alloc (p->graph, n * element) : NULL;
  if (data == NULL)
    {
      fail_memory (p, value->name);
      return RT_NONE;
    }

  size_t stride = element;
  for (uint32_t i = n_dims; i-- > 0;)
    {
      strides[i] = stride;
      stride *= (size_t)padded.dims[i];
    }
  for (size_t k = 0; k < n; k++)
    {
      size_t rest = k, from = 0;
      for (uint32_t i = n_dims; i-- > 0;)
        {
          from += rest % (size_t)shape.dims[i] * strides[perm[i]];
          rest /= (size_t)shape.dims[i];
        }
      memcpy (data + k * element, (const uint8_t *)value->data + from, element);
    }
  make_name (p, value->name, "nhwc", name, sizeof name);
  RtValueId to
      = rt_graph_add_weight (p->graph, name, value->type, &shape, data, n * element, p->error);
  if (to != RT_NONE && value->shape.n_dims == n_dims)
    {
      p->last[id] = to;
      if (!copy_quant (p, id, to, perm))
        return RT_NONE;
    }
  else if (to != RT_NONE && value->quant != NULL && value->quant->n == 1
           && !copy_quant (p, id, to, NULL))
    return RT_NONE;
  return to;
}

/* ---- nodes ---- */

static bool
add_node (Pass *p, const RtNode *node, const RtValueId *inputs, const void *attrs, bool is_last)
{
  const char *name = node->name;
  char other[320];

  /* The plain form of an output must have its name. */
  is_last = is_last && old_value (p, node->outputs[0])->shape.n_dims >= 3;
  if (is_last && old_value (p, node->outputs[0])->kind == RT_VALUE_OUTPUT)
    {
      make_name (p, name, "nhwc", other, sizeof other);
      name = other;
    }
  RtNodeId id = rt_graph_add_node (p->graph, name, node->layer, node->op, inputs, node->n_inputs,
                                   attrs, p->error);
  if (id == RT_NONE
      || !rt_graph_set_source_names (p->graph, id, node->sources, node->n_sources, p->error))
    return false;

  uint32_t perm[RT_MAX_DIMS];
  for (uint32_t i = 0; i < node->n_outputs; i++)
    {
      RtValueId to = rt_graph_node (p->graph, id)->outputs[i], from = node->outputs[i];
      const RtShape *shape = &old_value (p, from)->shape,
                    *made = &rt_graph_value (p->graph, to)->shape;
      RtShape expected = *shape;
      (is_last ? p->last : p->plain)[from] = to;
      channels_last (shape->n_dims, perm);
      if (is_last)
        permute_shape (shape, perm, &expected);
      if (made->n_dims != expected.n_dims
          || memcmp (made->dims, expected.dims, made->n_dims * sizeof *made->dims) != 0)
        return rt_fail (p->error, RT_ERROR_FORMAT, "%s: its layout cannot be changed", node->name);
      if (!copy_quant (p, from, to, is_last ? perm : NULL))
        return false;
    }
  return true;
}

static bool
keep_node (Pass *p, const RtNode *node)
{
  RtValueId *inputs = malloc ((node->n_inputs + 1) * sizeof *inputs);
  bool ok = inputs != NULL || fail_memory (p, node->name);

  for (uint32_t i = 0; ok && i < node->n_inputs; i++)
    {
      inputs[i] = get_plain (p, node->inputs[i]);
      ok = node->inputs[i] == RT_NONE || inputs[i] != RT_NONE;
    }
  ok = ok && add_node (p, node, inputs, node->attrs, false);
  free (inputs);
  return ok;
}

static bool
is_channels_first (const RtNode *node)
{
  return node->op->is_channels_first != NULL && node->op->is_channels_first (node);
}

/* Weights and biases of a channels-first node have a form of their own (what a convolution has as
 * its residual sum is a mean for a norm); constants of other operators are operands like any
 * other. */
static bool
is_parameter (const RtNode *node, uint32_t input)
{
  const uint32_t picture = 1u << RT_CONV_X | (1u << RT_CONV_RESIDUAL & ~node->op->vector_inputs);
  uint32_t mask = node->op->matrix_inputs | node->op->table_inputs;
  if (is_channels_first (node))
    mask |= ~picture;
  return rt_op_input_is (mask, input);
}

/* Input @i of a node that is rewritten for channels-last values of @n_dims dimensions. */
static RtValueId
input_for_last (Pass *p, const RtNode *node, uint32_t i, uint32_t n_dims)
{
  RtValueId id = node->inputs[i];
  const RtValue *value = old_value (p, id);

  if (value->kind == RT_VALUE_WEIGHT)
    return is_parameter (node, i) ? p->plain[id] : permuted_constant (p, id, n_dims);
  return value->shape.n_dims == n_dims ? get_last (p, id) : get_plain (p, id);
}

static bool
turn_node (Pass *p, const RtNode *node, uint32_t n_dims, const void *attrs)
{
  RtValueId *inputs = malloc ((node->n_inputs + 1) * sizeof *inputs);
  bool ok = inputs != NULL || fail_memory (p, node->name);

  for (uint32_t i = 0; ok && i < node->n_inputs; i++)
    {
      inputs[i] = RT_NONE;
      if (node->inputs[i] == RT_NONE)
        continue;
      inputs[i] = input_for_last (p, node, i, n_dims);
      ok = inputs[i] != RT_NONE;
    }
  ok = ok && add_node (p, node, inputs, attrs, true);
  free (inputs);
  return ok;
}

/* Whether all that the node reads and makes has @n_dims dimensions or broadcasts to them, and some
 * input has the channels last and no other form, or all readers want that. */
static bool
can_follow (const Pass *p, const RtNode *node, uint32_t n_dims)
{
  bool some = false;

  if (node->op->permute == NULL || n_dims < 3)
    return false;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (old_value (p, node->outputs[i])->shape.n_dims != n_dims)
      return false;
  for (uint32_t i = 0; i < node->n_inputs; i++)
    {
      if (node->inputs[i] == RT_NONE)
        continue;
      const RtValue *value = old_value (p, node->inputs[i]);
      if (value->kind == RT_VALUE_WEIGHT)
        {
          if (is_parameter (node, i) || value->shape.n_dims > n_dims
              || rt_type_bytes (value->type) == 0)
            return false;
          continue;
        }
      if (value->shape.n_dims != n_dims)
        return false;
      some |= p->plain[node->inputs[i]] == RT_NONE;
    }
  return some || p->wanted[node->outputs[0]];
}

/* Backwards from the channels-first nodes, through what can be rewritten: what comes before the
 * first convolution may as well have the channels last. */
static void
find_wanted (Pass *p)
{
  /* Only of what somebody reads, and not the next run as its state. */
  for (RtNodeId n = 0; n < rt_graph_n_nodes (p->old); n++)
    {
      const RtNode *node = rt_graph_node (p->old, n);
      for (uint32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] != RT_NONE)
          p->wanted[node->inputs[i]] = old_value (p, node->inputs[i])->kind == RT_VALUE_ACTIVATION;
    }
  for (RtValueId id = 0; id < rt_graph_n_values (p->old); id++)
    if (old_value (p, id)->kind == RT_VALUE_STATE && old_value (p, id)->next != RT_NONE)
      p->wanted[old_value (p, id)->next] = false;
  for (RtNodeId n = rt_graph_n_nodes (p->old); n-- > 0;)
    {
      const RtNode *node = rt_graph_node (p->old, n);
      bool turns
          = is_channels_first (node)
            || (node->op->permute != NULL && node->n_outputs > 0 && p->wanted[node->outputs[0]]);
      for (uint32_t i = 0; i < node->n_inputs && !turns; i++)
        if (node->inputs[i] != RT_NONE)
          p->wanted[node->inputs[i]] = false;
    }
}

/* A transpose of the file: compose it with the form that is there. */
static bool
turn_transpose (Pass *p, const RtNode *node)
{
  const RtTransposeAttrs *attrs = node->attrs;
  RtValueId from = node->inputs[0], to = node->outputs[0];
  const RtValue *value = old_value (p, to);
  uint32_t n_dims = value->shape.n_dims, perm[RT_MAX_DIMS], inverse[RT_MAX_DIMS];
  bool is_output = value->kind == RT_VALUE_OUTPUT;

  if (n_dims < 3)
    return keep_node (p, node);
  channels_last (n_dims, perm);
  invert (perm, n_dims, inverse);
  /* To channels first: what it reads is the channels-last form of what it makes. */
  if (p->plain[from] != RT_NONE && !is_output && value->quant == NULL
      && memcmp (attrs->perm, inverse, n_dims * sizeof *inverse) == 0)
    {
      p->last[to] = p->plain[from];
      return true;
    }
  if (p->plain[from] != RT_NONE)
    return keep_node (p, node);

  uint32_t composed[RT_MAX_DIMS];
  bool same = true;
  for (uint32_t i = 0; i < n_dims; i++)
    {
      composed[i] = inverse[attrs->perm[i]];
      same &= composed[i] == i;
    }
  if (same && !is_output)
    {
      p->plain[to] = p->last[from];
      return true;
    }
  p->plain[to] = turn (p, to, p->last[from], composed, node->name, node);
  return p->plain[to] != RT_NONE && copy_quant (p, to, p->plain[to], NULL);
}

/* A reshape that keeps batch and channels and only joins or splits the dimensions behind them. */
static bool
is_spatial_reshape (const Pass *p, const RtNode *node)
{
  const RtValue *from = old_value (p, node->inputs[0]), *to = old_value (p, node->outputs[0]);

  return p->plain[node->inputs[0]] == RT_NONE && to->shape.n_dims >= 3
         && from->shape.dims[0] == to->shape.dims[0] && from->shape.dims[1] == to->shape.dims[1];
}

static bool
turn_reshape (Pass *p, const RtNode *node)
{
  const RtShape *shape = &old_value (p, node->outputs[0])->shape;
  RtShapeAttrs attrs = { 0 };
  uint32_t perm[RT_MAX_DIMS];
  RtValueId from = p->last[node->inputs[0]];

  channels_last (shape->n_dims, perm);
  permute_shape (shape, perm, &attrs.shape);
  RtNode one = *node; /* further inputs of a reshape are folded into its attributes */
  one.n_inputs = 1;
  return add_node (p, &one, &from, &attrs, true);
}

static bool
pass_node (Pass *p, const RtNode *node)
{
  bool must = is_channels_first (node);

  if (!must && node->op == &rt_op_transpose)
    return turn_transpose (p, node);
  if (!must && node->op == &rt_op_reshape && is_spatial_reshape (p, node))
    return turn_reshape (p, node);

  uint32_t n_dims = node->inputs[0] != RT_NONE && node->n_inputs > 0
                        ? old_value (p, node->inputs[0])->shape.n_dims
                        : 0;
  if (!must && node->n_outputs > 0)
    n_dims = old_value (p, node->outputs[0])->shape.n_dims;
  if (!must && !can_follow (p, node, n_dims))
    return keep_node (p, node);

  uint32_t perm[RT_MAX_DIMS];
  void *attrs = calloc (1, node->op->attrs_bytes + 1);
  if (attrs == NULL)
    return fail_memory (p, node->name);
  memcpy (attrs, node->attrs, node->op->attrs_bytes);
  channels_last (n_dims, perm);
  bool can = node->op->permute != NULL && node->op->permute (p->old, node, perm, n_dims, attrs);
  bool ok = can    ? turn_node (p, node, n_dims, attrs)
            : must ? rt_fail (p->error, RT_ERROR_UNSUPPORTED,
                              "%s: %s cannot be computed with the channels last", node->name,
                              node->op->title)
                   : keep_node (p, node);
  free (attrs);
  return ok;
}

/* ---- */

static bool
copy_source (Pass *p, RtValueId id)
{
  const RtValue *value = old_value (p, id);

  switch (value->kind)
    {
    case RT_VALUE_INPUT:
      p->plain[id]
          = rt_graph_add_input (p->graph, value->name, value->type, &value->shape, p->error);
      break;
    case RT_VALUE_WEIGHT:
      p->plain[id] = rt_graph_add_weight (p->graph, value->name, value->type, &value->shape,
                                          value->data, value->data_bytes, p->error);
      break;
    case RT_VALUE_STATE:
      p->plain[id] = rt_graph_add_state (p->graph, value->name, value->type, &value->shape,
                                         value->data, p->error);
      break;
    case RT_VALUE_ACTIVATION:
    case RT_VALUE_OUTPUT:
      return true;
    }
  return p->plain[id] != RT_NONE && copy_quant (p, id, p->plain[id], NULL);
}

/* Outputs and states in the file's layout. */
static bool
finish_values (Pass *p)
{
  for (RtValueId id = 0; id < rt_graph_n_values (p->old); id++)
    {
      const RtValue *value = old_value (p, id);
      if (value->kind == RT_VALUE_OUTPUT)
        {
          if (get_plain (p, id) == RT_NONE)
            return false;
          rt_graph_set_output (p->graph, p->plain[id]);
        }
      else if (value->kind == RT_VALUE_STATE && value->next != RT_NONE
               && (get_plain (p, value->next) == RT_NONE
                   || !rt_graph_set_next (p->graph, p->plain[id], p->plain[value->next], p->error)))
        return false;
    }
  return true;
}

static bool
run_pass (Pass *p)
{
  uint32_t n_values = rt_graph_n_values (p->old);

  for (RtValueId id = 0; id < n_values; id++)
    p->plain[id] = p->last[id] = RT_NONE;
  for (RtValueId id = 0; id < n_values; id++)
    if (!copy_source (p, id))
      return false;
  find_wanted (p);
  for (RtNodeId n = 0; n < rt_graph_n_nodes (p->old); n++)
    if (!pass_node (p, rt_graph_node (p->old, n)))
      return false;
  rt_graph_set_n_layers (p->graph, rt_graph_n_layers (p->old));
  return finish_values (p);
}

RtGraph *
rt_layout (const RtGraph *graph, RtError *error)
{
  uint32_t n_values = rt_graph_n_values (graph);
  Pass p = { .old = graph,
             .error = error,
             .graph = rt_graph_new (error),
             .plain = malloc ((n_values + 1) * sizeof (RtValueId)),
             .last = malloc ((n_values + 1) * sizeof (RtValueId)),
             .wanted = calloc (n_values + 1, sizeof (bool)) };
  bool ok = false;

  if (p.graph == NULL || p.plain == NULL || p.last == NULL || p.wanted == NULL)
    fail_memory (&p, "its beginning");
  else
    ok = run_pass (&p);
  free (p.plain);
  free (p.last);
  free (p.wanted);
  if (ok)
    return p.graph;
  rt_graph_free (p.graph);
  return NULL;
}
