/* Pooled values back at the places that max-pooling took them from. */
#include "rt-op-move.h"

static bool
unpool_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtMaxUnpoolAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  const RtValue *indices = x != NULL ? rt_move_index_input (graph, node, 1, -1, error) : NULL;
  char a[128], b[128];

  if (indices == NULL || !rt_move_check_shape (&attrs->shape, error)
      || !rt_move_check_shape (&attrs->index_shape, error))
    return false;
  bool fits = rt_move_same_shape (&x->shape, &indices->shape)
              && attrs->shape.n_dims == attrs->index_shape.n_dims;
  for (uint32_t i = 0; fits && i < attrs->shape.n_dims; i++)
    fits = attrs->index_shape.dims[i] <= attrs->shape.dims[i];
  if (!fits)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s and %s must have the same shape, and indices into %s fit into %s", x->name,
                    indices->name, rt_shape_text (&attrs->index_shape, a, sizeof a),
                    rt_shape_text (&attrs->shape, b, sizeof b));
  shapes[0] = attrs->shape;
  types[0] = x->type;
  return true;
}

static uint64_t
output_bytes (const RtOpContext *context)
{
  return rt_shape_n (&context->outputs[0].shape) * rt_type_bytes (context->outputs[0].type);
}

/* Values with the same place: the last stays, so they are written by one thread. */
static void
put_values (const RtOpContext *context)
{
  const RtMaxUnpoolAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const size_t elem = rt_type_bytes (y->type);
  const int64_t n_index = (int64_t)rt_shape_n (&attrs->index_shape);
  int64_t strides[RT_MAX_DIMS];

  rt_move_strides (&y->shape, strides);
  for (size_t i = 0; i < rt_shape_n (&x->shape); i++)
    {
      int64_t rest = rt_move_raw_index (&context->inputs[1], i), at = 0;
      if (rest < 0 || rest >= n_index)
        continue;
      for (uint32_t d = attrs->index_shape.n_dims; d-- > 0;)
        {
          at += rest % attrs->index_shape.dims[d] * strides[d];
          rest /= attrs->index_shape.dims[d];
        }
      memcpy ((uint8_t *)y->data + (size_t)at * elem, (const uint8_t *)x->data + i * elem, elem);
    }
}

static uint32_t
unpool_chunks (const RtOpContext *context, uint32_t phase)
{
  return phase == 0 ? rt_split (output_bytes (context), 1, context->n_threads) : 1;
}

static void
unpool_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  uint64_t first, last;

  if (phase == 1)
    {
      put_values (context);
      return;
    }
  rt_move_range (context, output_bytes (context), 1, chunk, &first, &last);
  memset ((uint8_t *)context->outputs[0].data + first, 0, last - first);
}

static void
unpool_reference (const RtOpContext *context)
{
  memset (context->outputs[0].data, 0, output_bytes (context));
  put_values (context);
}

static void
unpool_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_SHAPE (RtMaxUnpoolAttrs, shape),
  RT_FIELD_SHAPE (RtMaxUnpoolAttrs, index_shape),
};
/* clang-format on */

const RtOp rt_op_max_unpool = {
  .name = "max-unpool",
  .title = "Max-unpooling",
  .attrs_bytes = sizeof (RtMaxUnpoolAttrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .infer = unpool_infer,
  .n_phases = 2,
  .n_chunks = unpool_chunks,
  .run = unpool_run,
  .reference = unpool_reference,
  .cost = unpool_cost,
};
