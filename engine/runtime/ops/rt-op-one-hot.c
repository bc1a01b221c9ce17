/* Indices as vectors with one element that is different. */
#include "rt-number.h"
#include "rt-op-move.h"

static bool
one_hot_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
               RtError *error)
{
  const RtOneHotAttrs *attrs = node->attrs;
  const RtValue *indices = rt_move_input (graph, node, 0, error);
  const RtValue *values = indices != NULL ? rt_move_input (graph, node, 1, error) : NULL;
  uint32_t axis;

  if (values == NULL || !rt_move_axis (attrs->axis, indices->shape.n_dims + 1, &axis, error))
    return false;
  if (indices->shape.n_dims == RT_MAX_DIMS)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "the result has more than %d dimensions",
                    RT_MAX_DIMS);
  if (rt_shape_n (&values->shape) != 2)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected two values, off and on", values->name);
  shapes[0].n_dims = indices->shape.n_dims + 1;
  for (uint32_t i = 0; i < shapes[0].n_dims; i++)
    shapes[0].dims[i] = i < axis    ? indices->shape.dims[i]
                        : i == axis ? attrs->depth
                                    : indices->shape.dims[i - 1];
  types[0] = values->type;
  if (attrs->depth < 0 || attrs->depth > INT32_MAX)
    return rt_fail (error, RT_ERROR_RANGE, "a depth of %lld", (long long)attrs->depth);
  return true;
}

typedef struct
{
  int64_t n_outer, depth, inner;
} Lines;

static Lines
lines_of (const RtOpContext *context)
{
  const RtOneHotAttrs *attrs = context->attrs;
  const RtShape *indices = &context->inputs[0].shape;
  uint32_t axis = rt_move_attr_axis (attrs->axis, indices->n_dims + 1);

  return (Lines){ rt_move_product (indices, 0, axis), attrs->depth,
                  rt_move_product (indices, axis, indices->n_dims) };
}

static uint64_t
block_bytes (const RtOpContext *context, const Lines *l)
{
  return (uint64_t)(l->depth * l->inner) * rt_type_bytes (context->outputs[0].type) + 1;
}

static uint32_t
one_hot_chunks (const RtOpContext *context, uint32_t phase)
{
  Lines l = lines_of (context);
  return rt_split ((uint64_t)l.n_outer, block_bytes (context, &l), context->n_threads);
}

/* -1 outside of the depth. */
static int64_t
place_of (const RtOpContext *context, const Lines *l, int64_t i)
{
  const RtTensor *indices = &context->inputs[0];
  int64_t at = rt_number_get_integer (indices->type, indices->data, (size_t)i);

  at += at < 0 ? l->depth : 0;
  return at >= 0 && at < l->depth ? at : -1;
}

static void
one_hot_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtTensor *y = &context->outputs[0];
  const size_t elem = rt_type_bytes (y->type);
  const uint8_t *values = context->inputs[1].data;
  Lines l = lines_of (context);
  uint64_t first, last;

  rt_move_range (context, (uint64_t)l.n_outer, block_bytes (context, &l), chunk, &first, &last);
  for (int64_t outer = (int64_t)first; outer < (int64_t)last; outer++)
    {
      uint8_t *block = (uint8_t *)y->data + (size_t)(outer * l.depth * l.inner) * elem;
      rt_move_fill (block, values, elem, l.depth * l.inner);
      for (int64_t i = 0; i < l.inner; i++)
        {
          int64_t at = place_of (context, &l, outer * l.inner + i);
          if (at >= 0)
            memcpy (block + (size_t)(at * l.inner + i) * elem, values + elem, elem);
        }
    }
}

static void
one_hot_reference (const RtOpContext *context)
{
  const RtTensor *y = &context->outputs[0];
  const size_t elem = rt_type_bytes (y->type);
  Lines l = lines_of (context);

  for (int64_t i = 0; i < l.n_outer * l.depth * l.inner; i++)
    {
      int64_t outer = i / l.inner / l.depth;
      bool is_on = place_of (context, &l, outer * l.inner + i % l.inner) == i / l.inner % l.depth;
      memcpy ((uint8_t *)y->data + (size_t)i * elem,
              (const uint8_t *)context->inputs[1].data + (is_on ? elem : 0), elem);
    }
}

static void
one_hot_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_AXIS (RtOneHotAttrs, axis),
  RT_FIELD_COUNT (RtOneHotAttrs, depth),
};
/* clang-format on */

const RtOp rt_op_one_hot = {
  .name = "one-hot",
  .title = "One-hot",
  .attrs_bytes = sizeof (RtOneHotAttrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .infer = one_hot_infer,
  .n_phases = 1,
  .n_chunks = one_hot_chunks,
  .run = one_hot_run,
  .reference = one_hot_reference,
  .cost = one_hot_cost,
};
