/* Values one after the other along an axis. Inputs that the memory plan has put into the output are
 * left as they lie. */
#include "rt-op-move.h"

static bool
concat_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtAxisAttrs *attrs = node->attrs;
  const RtValue *first = rt_move_input (graph, node, 0, error);
  uint32_t axis;
  char a[128], b[128];

  if (first == NULL || !rt_move_axis (attrs->axis, first->shape.n_dims, &axis, error))
    return false;
  shapes[0] = first->shape;
  types[0] = first->type;
  for (uint32_t i = 1; i < node->n_inputs; i++)
    {
      const RtValue *x = rt_move_input (graph, node, i, error);
      if (x == NULL || !rt_move_check_type (x, first->type, error))
        return false;
      RtShape shape = x->shape;
      if (shape.n_dims == first->shape.n_dims)
        shape.dims[axis] = first->shape.dims[axis];
      if (!rt_move_same_shape (&shape, &first->shape))
        return rt_fail (error, RT_ERROR_FORMAT,
                        "%s: shape %s and %s of %s differ in more than dimension %u", x->name,
                        rt_shape_text (&x->shape, a, sizeof a),
                        rt_shape_text (&first->shape, b, sizeof b), first->name, axis);
      if (!rt_move_check_concrete (first, axis, error) || !rt_move_check_concrete (x, axis, error))
        return false;
      shapes[0].dims[axis] += x->shape.dims[axis];
    }
  return true;
}

/* Elements of one run of input @input and of the output. */
static void
run_lengths (const RtOpContext *context, uint32_t input, int64_t *n_outer, int64_t *from,
             int64_t *to)
{
  const RtAxisAttrs *attrs = context->attrs;
  const RtShape *x = &context->inputs[input].shape, *y = &context->outputs[0].shape;
  uint32_t axis = rt_move_attr_axis (attrs->axis, y->n_dims);

  *n_outer = rt_move_product (y, 0, axis);
  *from = rt_move_product (x, axis, x->n_dims);
  *to = rt_move_product (y, axis, y->n_dims);
}

/* The copy of input @input, none when it lies in its place; returns where its place begins. */
static uint8_t *
plan_input (const RtOpContext *context, uint32_t input, size_t *offset, RtStrided *s)
{
  const RtTensor *x = &context->inputs[input], *y = &context->outputs[0];
  size_t elem = rt_type_bytes (y->type);
  uint8_t *place = (uint8_t *)y->data + *offset;
  int64_t n_outer, from, to;

  run_lengths (context, input, &n_outer, &from, &to);
  *offset += (size_t)from * elem;
  rt_strided_init (s, elem);
  rt_strided_add (s, x->data == place && place != NULL ? 0 : n_outer, from, to);
  rt_strided_add (s, from, 1, 1);
  rt_strided_plan (s);
  return place;
}

static uint64_t
concat_units (const RtOpContext *context)
{
  uint64_t n_units = 0;
  size_t offset = 0;
  RtStrided s;

  for (uint32_t i = 0; i < context->node->n_inputs; i++)
    {
      plan_input (context, i, &offset, &s);
      n_units += s.n_units;
    }
  return n_units;
}

static uint64_t
unit_bytes (const RtOpContext *context, uint64_t n_units)
{
  uint64_t n_bytes
      = rt_shape_n (&context->outputs[0].shape) * rt_type_bytes (context->outputs[0].type);
  return n_units > 0 ? 2 * n_bytes / n_units : 1;
}

static uint32_t
concat_chunks (const RtOpContext *context, uint32_t phase)
{
  if (rt_move_is_small (context))
    return 1;
  uint64_t n_units = concat_units (context);
  return rt_split (n_units, unit_bytes (context, n_units), context->n_threads);
}

static void
run_small (const RtOpContext *context)
{
  const size_t elem = rt_type_bytes (context->outputs[0].type);
  uint8_t *place = context->outputs[0].data;

  for (uint32_t i = 0; i < context->node->n_inputs; i++)
    {
      const uint8_t *x = context->inputs[i].data;
      int64_t n_outer, from, to;

      run_lengths (context, i, &n_outer, &from, &to);
      const size_t n_bytes = (size_t)from * elem;
      for (int64_t outer = 0; outer < n_outer && x != place && n_bytes > 0; outer++)
        memcpy (place + (size_t)(outer * to) * elem, x + (size_t)outer * n_bytes, n_bytes);
      place += n_bytes;
    }
}

static void
concat_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  if (rt_move_is_small (context))
    {
      run_small (context);
      return;
    }
  uint64_t n_units = concat_units (context), first, last, before = 0;
  size_t offset = 0;

  rt_move_range (context, n_units, unit_bytes (context, n_units), chunk, &first, &last);
  for (uint32_t i = 0; i < context->node->n_inputs && before < last; i++)
    {
      RtStrided s;
      uint8_t *place = plan_input (context, i, &offset, &s);
      uint64_t from = first > before ? first - before : 0;
      uint64_t to = last - before < s.n_units ? last - before : s.n_units;
      rt_strided_run (&s, context->inputs[i].data, place, from, to);
      before += s.n_units;
    }
}

static void
concat_reference (const RtOpContext *context)
{
  const RtTensor *y = &context->outputs[0];
  size_t elem = rt_type_bytes (y->type);
  uint8_t *at = y->data;
  int64_t n_outer = 0, from, to;

  if (context->node->n_inputs > 0)
    run_lengths (context, 0, &n_outer, &from, &to);
  for (int64_t outer = 0; outer < n_outer; outer++)
    for (uint32_t i = 0; i < context->node->n_inputs; i++)
      {
        run_lengths (context, i, &n_outer, &from, &to);
        const uint8_t *x = context->inputs[i].data;
        size_t n_bytes = (size_t)from * elem;
        if (n_bytes > 0 && x + (size_t)outer * n_bytes != at)
          memmove (at, x + (size_t)outer * n_bytes, n_bytes);
        at += n_bytes;
      }
}

static void
concat_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
}

static bool
concat_joins (const RtGraph *graph, const RtNode *node, uint32_t input, uint64_t *offset_bytes,
              uint64_t *stride)
{
  const RtAxisAttrs *attrs = node->attrs;
  const RtValue *y = rt_graph_value (graph, node->outputs[0]);
  uint32_t axis = rt_move_attr_axis (attrs->axis, y->shape.n_dims);
  uint64_t inner = 1, before = 0;

  for (uint32_t i = axis; i < y->shape.n_dims; i++)
    if (y->shape.dims[i] < 0)
      return false;
  for (uint32_t i = axis + 1; i < y->shape.n_dims; i++)
    inner *= (uint64_t)y->shape.dims[i];
  for (uint32_t i = 0; i < input; i++)
    before += (uint64_t)rt_graph_value (graph, node->inputs[i])->shape.dims[axis];
  *offset_bytes = before * inner * rt_type_bytes (y->type);
  *stride = (uint64_t)y->shape.dims[axis] * inner;
  return true;
}

static bool
concat_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                void *attrs)
{
  return rt_move_permute_axis (graph, node, perm, n_dims, &((RtAxisAttrs *)attrs)->axis);
}

static const RtField fields[] = { RT_FIELD_AXIS (RtAxisAttrs, axis) };

const RtOp rt_op_concat = {
  .name = "concat",
  .title = "Concatenation",
  .attrs_bytes = sizeof (RtAxisAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = RT_ANY_NUMBER,
  .n_outputs = 1,
  .infer = concat_infer,
  .n_phases = 1,
  .n_chunks = concat_chunks,
  .run = concat_run,
  .reference = concat_reference,
  .cost = concat_cost,
  .joins = concat_joins,
  .permute = concat_permute,
};
