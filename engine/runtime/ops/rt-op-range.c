/* Values that follow from their place alone: sequences, diagonals, and the shape of another
 * value. */
#include "rt-number.h"
#include "rt-op-move.h"

static uint64_t
output_n (const RtOpContext *context)
{
  return rt_shape_n (&context->outputs[0].shape);
}

static uint32_t
place_chunks (const RtOpContext *context, uint32_t phase)
{
  return rt_split (output_n (context), 8, context->n_threads);
}

/* What is read is the shape alone. */
static void
place_cost (const RtOpQuery *query, RtCost *cost)
{
  cost->write_bytes = rt_op_value_bytes (query, query->node->outputs[0]);
}

/* ---- range ---- */

static bool
range_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtRangeAttrs *attrs = node->attrs;

  if (rt_type_bytes (attrs->type) == 0)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "a range of type %s", rt_type_name (attrs->type));
  shapes[0] = (RtShape){ 1, { attrs->n } };
  types[0] = attrs->type;
  return rt_move_check_shape (&shapes[0], error);
}

static void
put_range (const RtOpContext *context, uint64_t first, uint64_t last)
{
  const RtRangeAttrs *attrs = context->attrs;
  const RtTensor *y = &context->outputs[0];

  for (uint64_t i = first; i < last; i++)
    if (rt_type_is_float (y->type))
      rt_number_set (y->type, y->data, i, attrs->start_f + (double)i * attrs->delta_f);
    else
      rt_number_set_integer (y->type, y->data, i,
                             (int64_t)((uint64_t)attrs->start + i * (uint64_t)attrs->delta));
}

static void
range_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  uint64_t first, last;

  rt_move_range (context, output_n (context), 8, chunk, &first, &last);
  put_range (context, first, last);
}

static void
range_reference (const RtOpContext *context)
{
  put_range (context, 0, output_n (context));
}

/* ---- eye_like ---- */

static bool
eye_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtEyeAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);

  if (x == NULL)
    return rt_fail (error, RT_ERROR_FORMAT, "input 0 is missing");
  if (!rt_move_check_n_dims (x, 2, error))
    return false;
  if (rt_type_bytes (attrs->type) == 0)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "a diagonal of type %s",
                    rt_type_name (attrs->type));
  shapes[0] = x->shape;
  types[0] = attrs->type;
  return true;
}

static void
put_eye (const RtOpContext *context, uint64_t first, uint64_t last)
{
  const RtEyeAttrs *attrs = context->attrs;
  const RtTensor *y = &context->outputs[0];
  uint64_t n_cols = (uint64_t)y->shape.dims[1];

  for (uint64_t i = first; i < last; i++)
    rt_number_set (y->type, y->data, i,
                   (int64_t)(i % n_cols) - (int64_t)(i / n_cols) == attrs->k ? 1 : 0);
}

static void
eye_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  uint64_t first, last;

  rt_move_range (context, output_n (context), 8, chunk, &first, &last);
  put_eye (context, first, last);
}

static void
eye_reference (const RtOpContext *context)
{
  put_eye (context, 0, output_n (context));
}

/* ---- shape, size ---- */

/* Dimensions [*first, *last) that the attributes ask for, clamped. */
static void
shape_range (const RtShapeOfAttrs *attrs, uint32_t n_dims, int64_t *first, int64_t *last)
{
  int64_t n = n_dims;

  *first = attrs->start + (attrs->start < 0 ? n : 0);
  *last = attrs->end + (attrs->end < 0 ? n : 0);
  *first = *first < 0 ? 0 : *first > n ? n : *first;
  *last = *last < *first ? *first : *last > n ? n : *last;
}

static bool
check_index_type (int type, RtError *error)
{
  if (type != RT_TYPE_I64 && type != RT_TYPE_I32)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "sizes of type %s", rt_type_name (type));
  return true;
}

static bool
shape_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtShapeOfAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);
  int64_t first, last;

  if (x == NULL)
    return rt_fail (error, RT_ERROR_FORMAT, "input 0 is missing");
  shape_range (attrs, x->shape.n_dims, &first, &last);
  shapes[0] = (RtShape){ 1, { last - first } };
  types[0] = attrs->type;
  return check_index_type (attrs->type, error);
}

static void
shape_reference (const RtOpContext *context)
{
  const RtShape *x = &context->inputs[0].shape;
  int64_t first, last;

  shape_range (context->attrs, x->n_dims, &first, &last);
  for (int64_t i = first; i < last; i++)
    rt_move_store_index (&context->outputs[0], (size_t)(i - first), x->dims[i]);
}

static void
shape_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  shape_reference (context);
}

static bool
size_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtTypeAttrs *attrs = node->attrs;

  if (rt_op_input_value (graph, node, 0) == NULL)
    return rt_fail (error, RT_ERROR_FORMAT, "input 0 is missing");
  shapes[0] = (RtShape){ 0 };
  types[0] = attrs->type;
  return check_index_type (attrs->type, error);
}

static void
size_reference (const RtOpContext *context)
{
  rt_move_store_index (&context->outputs[0], 0, (int64_t)rt_shape_n (&context->inputs[0].shape));
}

static void
size_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  size_reference (context);
}

static uint32_t
one_chunk (const RtOpContext *context, uint32_t phase)
{
  return 1;
}

/* clang-format off */
static const RtField range_fields[] = {
  RT_FIELD_ELEMENT (RtRangeAttrs, type),
  RT_FIELD_COUNT (RtRangeAttrs, n),
  RT_FIELD_FINITE (RtRangeAttrs, start),
  RT_FIELD_FINITE (RtRangeAttrs, delta),
  RT_FIELD_REAL (RtRangeAttrs, start_f),
  RT_FIELD_REAL (RtRangeAttrs, delta_f),
};

static const RtField eye_fields[] = {
  RT_FIELD_ELEMENT (RtEyeAttrs, type),
  RT_FIELD_FINITE (RtEyeAttrs, k),
};

static const RtField shape_fields[] = {
  RT_FIELD_FINITE (RtShapeOfAttrs, start),
  RT_FIELD_FINITE (RtShapeOfAttrs, end),
  RT_FIELD (RtShapeOfAttrs, type, RT_TYPE_I32, RT_TYPE_I64),
};
/* clang-format on */

static const RtField size_fields[] = { RT_FIELD (RtTypeAttrs, type, RT_TYPE_I32, RT_TYPE_I64) };

const RtOp rt_op_range = {
  .name = "range",
  .title = "Range",
  .attrs_bytes = sizeof (RtRangeAttrs),
  RT_FIELDS (range_fields),
  .n_outputs = 1,
  .infer = range_infer,
  .n_phases = 1,
  .n_chunks = place_chunks,
  .run = range_run,
  .reference = range_reference,
  .cost = place_cost,
};

const RtOp rt_op_eye_like = {
  .name = "eye-like",
  .title = "Diagonal of ones",
  .attrs_bytes = sizeof (RtEyeAttrs),
  RT_FIELDS (eye_fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = eye_infer,
  .n_phases = 1,
  .n_chunks = place_chunks,
  .run = eye_run,
  .reference = eye_reference,
  .cost = place_cost,
};

const RtOp rt_op_shape = {
  .name = "shape",
  .title = "Shape",
  .attrs_bytes = sizeof (RtShapeOfAttrs),
  RT_FIELDS (shape_fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = shape_infer,
  .n_phases = 1,
  .n_chunks = one_chunk,
  .run = shape_run,
  .reference = shape_reference,
  .cost = place_cost,
};

const RtOp rt_op_size = {
  .name = "size",
  .title = "Number of elements",
  .attrs_bytes = sizeof (RtTypeAttrs),
  RT_FIELDS (size_fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = size_infer,
  .n_phases = 1,
  .n_chunks = one_chunk,
  .run = size_run,
  .reference = size_reference,
  .cost = place_cost,
};
