/* The same elements in another shape. Moves nothing when the memory plan puts output and input in
 * the same place. */
#include "rt-op-move.h"

/* Elements as a number times symbols: how often each symbol occurs, and the product of the rest. */
static uint64_t
count (const RtShape *shape, uint32_t *n_symbols)
{
  RtShape numbers = { 0 };

  for (uint32_t i = 0; i < shape->n_dims; i++)
    if (shape->dims[i] < 0 && shape->dims[i] >= -RT_N_SYMBOLS)
      n_symbols[-shape->dims[i] - 1]++;
    else
      numbers.dims[numbers.n_dims++] = shape->dims[i];
  return rt_shape_n (&numbers);
}

static bool
reshape_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
               RtError *error)
{
  const RtShapeAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  uint32_t old_symbols[RT_N_SYMBOLS] = { 0 }, new_symbols[RT_N_SYMBOLS] = { 0 };
  char got[128], expected[128];

  if (x == NULL)
    return false;
  if (attrs->shape.n_dims > RT_MAX_DIMS)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%u dimensions, at most %d are possible",
                    attrs->shape.n_dims, RT_MAX_DIMS);
  for (uint32_t i = 0; i < attrs->shape.n_dims; i++)
    if (attrs->shape.dims[i] < -RT_N_SYMBOLS || attrs->shape.dims[i] > INT32_MAX)
      return rt_fail (error, RT_ERROR_RANGE, "dimension %u of the new shape is %lld", i,
                      (long long)attrs->shape.dims[i]);
  if (count (&x->shape, old_symbols) != count (&attrs->shape, new_symbols)
      || memcmp (old_symbols, new_symbols, sizeof old_symbols) != 0)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s: shape %s and the new shape %s differ in the number of elements", x->name,
                    rt_shape_text (&x->shape, got, sizeof got),
                    rt_shape_text (&attrs->shape, expected, sizeof expected));
  shapes[0] = attrs->shape;
  types[0] = x->type;
  return true;
}

static uint64_t
reshape_bytes (const RtOpContext *context)
{
  if (context->inputs[0].data == context->outputs[0].data)
    return 0;
  return rt_shape_n (&context->outputs[0].shape) * rt_type_bytes (context->outputs[0].type);
}

static uint32_t
reshape_chunks (const RtOpContext *context, uint32_t phase)
{
  return rt_split (reshape_bytes (context), 2, context->n_threads);
}

static void
reshape_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  uint64_t first, last;

  rt_move_range (context, reshape_bytes (context), 2, chunk, &first, &last);
  memcpy ((uint8_t *)context->outputs[0].data + first,
          (const uint8_t *)context->inputs[0].data + first, last - first);
}

static void
reshape_reference (const RtOpContext *context)
{
  if (reshape_bytes (context) > 0)
    memcpy (context->outputs[0].data, context->inputs[0].data, reshape_bytes (context));
}

static bool
reshape_in_place (const RtNode *node, uint32_t input)
{
  return input == 0;
}

/* Counted as moving nothing, which it does where it can. */
static void
reshape_cost (const RtOpQuery *query, RtCost *cost)
{
}

static bool
reshape_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                 void *attrs)
{
  RtShapeAttrs *shape = attrs;

  if (!rt_move_same_shape (&shape->shape, &rt_graph_value (graph, node->inputs[0])->shape)
      || shape->shape.n_dims != n_dims)
    return false;
  rt_move_permute_i64 (shape->shape.dims, perm, n_dims);
  return true;
}

static const RtField fields[] = { RT_FIELD_SHAPE (RtShapeAttrs, shape) };

const RtOp rt_op_reshape = {
  .name = "reshape",
  .title = "Reshape",
  .attrs_bytes = sizeof (RtShapeAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = reshape_infer,
  .n_phases = 1,
  .n_chunks = reshape_chunks,
  .run = reshape_run,
  .reference = reshape_reference,
  .cost = reshape_cost,
  .in_place = reshape_in_place,
  .is_view = true,
  .permute = reshape_permute,
};
