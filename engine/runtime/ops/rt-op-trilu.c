/* The upper or lower triangle of matrices. */
#include "rt-op-move.h"

static bool
trilu_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtValue *x = rt_move_input (graph, node, 0, error);

  if (x == NULL)
    return false;
  if (x->shape.n_dims < 2)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected matrices, got %u dimensions", x->name,
                    x->shape.n_dims);
  shapes[0] = x->shape;
  types[0] = x->type;
  return true;
}

/* Columns [*first, *last) of row @row that stay. */
static void
kept_columns (const RtTriluAttrs *attrs, int64_t row, int64_t n_cols, int64_t *first, int64_t *last)
{
  /* Far diagonals must not overflow. */
  int64_t k = attrs->k < -INT32_MAX ? -INT32_MAX - 1 : attrs->k > INT32_MAX ? INT32_MAX : attrs->k;
  int64_t edge = row + k + (attrs->upper ? 0 : 1);

  edge = edge < 0 ? 0 : edge > n_cols ? n_cols : edge;
  *first = attrs->upper ? edge : 0;
  *last = attrs->upper ? n_cols : edge;
}

static uint64_t
row_bytes (const RtOpContext *context)
{
  return 2 * rt_shape_cols (&context->outputs[0].shape) * rt_type_bytes (context->outputs[0].type);
}

static uint32_t
trilu_chunks (const RtOpContext *context, uint32_t phase)
{
  return rt_split (rt_shape_rows (&context->outputs[0].shape), row_bytes (context),
                   context->n_threads);
}

static void
trilu_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtShape *shape = &context->outputs[0].shape;
  const size_t elem = rt_type_bytes (context->outputs[0].type);
  int64_t n_cols = (int64_t)rt_shape_cols (shape), n_rows = shape->dims[shape->n_dims - 2];
  uint64_t first, last;

  rt_move_range (context, rt_shape_rows (shape), row_bytes (context), chunk, &first, &last);
  for (uint64_t row = first; row < last; row++)
    {
      const uint8_t *x = (const uint8_t *)context->inputs[0].data + row * (size_t)n_cols * elem;
      uint8_t *y = (uint8_t *)context->outputs[0].data + row * (size_t)n_cols * elem;
      int64_t from, to;
      kept_columns (context->attrs, (int64_t)(row % (uint64_t)n_rows), n_cols, &from, &to);
      memset (y, 0, (size_t)from * elem);
      if (x != y)
        memcpy (y + (size_t)from * elem, x + (size_t)from * elem, (size_t)(to - from) * elem);
      memset (y + (size_t)to * elem, 0, (size_t)(n_cols - to) * elem);
    }
}

static int64_t
trilu_source (const RtOpContext *context, const int64_t *index)
{
  const RtTriluAttrs *attrs = context->attrs;
  const RtShape *shape = &context->outputs[0].shape;
  int64_t row = index[shape->n_dims - 2], col = index[shape->n_dims - 1], at = 0;

  for (uint32_t i = 0; i < shape->n_dims; i++)
    at = at * shape->dims[i] + index[i];
  /* Above the diagonal, on it, or below. */
  return attrs->upper ? (col - row >= attrs->k ? at : -1) : (col - row <= attrs->k ? at : -1);
}

static bool
trilu_in_place (const RtNode *node, uint32_t input)
{
  return true;
}

static const RtMoveView trilu = { NULL, trilu_source };

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_FLAG (RtTriluAttrs, upper),
  RT_FIELD_FINITE (RtTriluAttrs, k),
};
/* clang-format on */

const RtOp rt_op_trilu = {
  .name = "trilu",
  .title = "Triangle",
  .attrs_bytes = sizeof (RtTriluAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .data = &trilu,
  .infer = trilu_infer,
  .n_phases = 1,
  .n_chunks = trilu_chunks,
  .run = trilu_run,
  .reference = rt_move_view_reference,
  .cost = rt_move_cost,
  .in_place = trilu_in_place,
};
