/* Updates written into a copy of a value, at indices: scatter_elements, scatter_nd. Updates of one
 * place happen in their order whatever the number of threads: the work is split where no two parts
 * can meet. */
#include "rt-number.h"
#include "rt-op-move.h"

static bool
check_mode (const RtGraph *graph, const RtNode *node, const RtValue **data, const RtValue **indices,
            const RtValue **updates, RtError *error)
{
  const RtScatterAttrs *attrs = node->attrs;

  *data = rt_move_input (graph, node, 0, error);
  *indices = *data != NULL ? rt_move_index_input (graph, node, 1, -1, error) : NULL;
  *updates = *indices != NULL ? rt_move_input (graph, node, 2, error) : NULL;
  if (*updates == NULL || !rt_move_check_type (*updates, (*data)->type, error)
      || !rt_move_check_shape (&(*data)->shape, error)
      || !rt_move_check_shape (&(*indices)->shape, error))
    return false;
  if (attrs->mode > RT_SCATTER_MAX)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "scatter mode %u", attrs->mode);
  return true;
}

/* ---- combining ---- */

#define COMBINE(number, c_type)                                                                    \
  case number:                                                                                     \
    {                                                                                              \
      c_type a, b;                                                                                 \
      memcpy (&a, to, sizeof a);                                                                   \
      memcpy (&b, from, sizeof b);                                                                 \
      a = mode == RT_SCATTER_ADD   ? (c_type)(a + b)                                               \
          : mode == RT_SCATTER_MUL ? (c_type)(a * b)                                               \
          : mode == RT_SCATTER_MIN ? (b < a ? b : a)                                               \
                                   : (b > a ? b : a);                                              \
      memcpy (to, &a, sizeof a);                                                                   \
      return;                                                                                      \
    }

/* Signed products and sums keep the low bits, computed as unsigned ones where the type is not
 * promoted to a larger one. */
#define COMBINE_WIDE(number, c_type, u_type)                                                       \
  case number:                                                                                     \
    {                                                                                              \
      c_type a, b;                                                                                 \
      memcpy (&a, to, sizeof a);                                                                   \
      memcpy (&b, from, sizeof b);                                                                 \
      a = mode == RT_SCATTER_ADD   ? (c_type)((u_type)a + (u_type)b)                               \
          : mode == RT_SCATTER_MUL ? (c_type)((u_type)a * (u_type)b)                               \
          : mode == RT_SCATTER_MIN ? (b < a ? b : a)                                               \
                                   : (b > a ? b : a);                                              \
      memcpy (to, &a, sizeof a);                                                                   \
      return;                                                                                      \
    }

/* One element: *to = combination of *to and *from. */
static void
combine (uint32_t mode, int type, uint8_t *to, const uint8_t *from)
{
  if (mode == RT_SCATTER_SET)
    {
      memcpy (to, from, rt_type_bytes (type));
      return;
    }
  switch (type)
    {
      COMBINE (RT_TYPE_F32, float)
      COMBINE (RT_TYPE_F64, double)
      COMBINE (RT_TYPE_I8, int8_t)
      COMBINE (RT_TYPE_U8, uint8_t)
      COMBINE (RT_TYPE_I16, int16_t)
      COMBINE_WIDE (RT_TYPE_U16, uint16_t, uint32_t)
      COMBINE_WIDE (RT_TYPE_I32, int32_t, uint32_t)
      COMBINE (RT_TYPE_U32, uint32_t)
      COMBINE_WIDE (RT_TYPE_I64, int64_t, uint64_t)
      COMBINE (RT_TYPE_U64, uint64_t)
    default: /* bool, half floats */
      {
        double a = rt_number_get (type, to, 0), b = rt_number_get (type, from, 0);
        rt_number_set (type, to, 0,
                       mode == RT_SCATTER_ADD   ? a + b
                       : mode == RT_SCATTER_MUL ? a * b
                       : mode == RT_SCATTER_MIN ? (b < a ? b : a)
                                                : (b > a ? b : a));
        return;
      }
    }
}

static void
combine_run (uint32_t mode, int type, uint8_t *to, const uint8_t *from, int64_t n)
{
  const size_t elem = rt_type_bytes (type);

  if (mode == RT_SCATTER_SET)
    memcpy (to, from, (size_t)n * elem);
  else
    for (int64_t i = 0; i < n; i++)
      combine (mode, type, to + (size_t)i * elem, from + (size_t)i * elem);
}

/* ---- phase 0: the copy ---- */

static uint64_t
copy_bytes (const RtOpContext *context)
{
  if (context->inputs[0].data == context->outputs[0].data)
    return 0;
  return rt_shape_n (&context->outputs[0].shape) * rt_type_bytes (context->outputs[0].type);
}

static void
copy_data (const RtOpContext *context, uint32_t chunk)
{
  uint64_t first, last;

  rt_move_range (context, copy_bytes (context), 2, chunk, &first, &last);
  memcpy ((uint8_t *)context->outputs[0].data + first,
          (const uint8_t *)context->inputs[0].data + first, last - first);
}

/* ---- scatter_elements ---- */

static bool
elements_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                RtError *error)
{
  const RtScatterAttrs *attrs = node->attrs;
  const RtValue *data, *indices, *updates;
  uint32_t axis;
  char a[128], b[128];

  if (!check_mode (graph, node, &data, &indices, &updates, error)
      || !rt_move_axis (attrs->axis, data->shape.n_dims, &axis, error))
    return false;
  bool fits = rt_move_same_shape (&indices->shape, &updates->shape)
              && indices->shape.n_dims == data->shape.n_dims;
  for (uint32_t i = 0; fits && i < data->shape.n_dims; i++)
    fits = i == axis || indices->shape.dims[i] <= data->shape.dims[i];
  if (!fits)
    return rt_fail (error, RT_ERROR_FORMAT, "indices %s and updates %s do not fit %s along axis %u",
                    rt_shape_text (&indices->shape, a, sizeof a), updates->name,
                    rt_shape_text (&data->shape, b, sizeof b), axis);
  shapes[0] = data->shape;
  types[0] = data->type;
  return true;
}

/* All indices but those of the axis: no two of them meet. */
static uint64_t
elements_lines (const RtOpContext *context)
{
  const RtScatterAttrs *attrs = context->attrs;
  const RtShape *shape = &context->inputs[1].shape;
  uint32_t axis = rt_move_attr_axis (attrs->axis, shape->n_dims);

  return rt_shape_n (shape) == 0 ? 0
                                 : (uint64_t)(rt_move_product (shape, 0, axis)
                                              * rt_move_product (shape, axis + 1, shape->n_dims));
}

static uint64_t
elements_line_bytes (const RtOpContext *context)
{
  const RtScatterAttrs *attrs = context->attrs;
  const RtShape *shape = &context->inputs[1].shape;
  return 32 * (uint64_t)shape->dims[rt_move_attr_axis (attrs->axis, shape->n_dims)];
}

static uint32_t
elements_chunks (const RtOpContext *context, uint32_t phase)
{
  if (phase == 0)
    return rt_split (copy_bytes (context), 2, context->n_threads);
  return rt_split (elements_lines (context), elements_line_bytes (context), context->n_threads);
}

static void
elements_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtScatterAttrs *attrs = context->attrs;
  const RtTensor *indices = &context->inputs[1], *y = &context->outputs[0];
  const RtShape *shape = &indices->shape;
  const size_t elem = rt_type_bytes (y->type);
  uint32_t axis = rt_move_attr_axis (attrs->axis, shape->n_dims);
  int64_t strides[RT_MAX_DIMS], from_strides[RT_MAX_DIMS], n = y->shape.dims[axis];
  uint64_t first, last;

  if (phase == 0)
    {
      copy_data (context, chunk);
      return;
    }
  rt_move_strides (&y->shape, strides);
  rt_move_strides (shape, from_strides);
  rt_move_range (context, elements_lines (context), elements_line_bytes (context), chunk, &first,
                 &last);
  for (uint64_t line = first; line < last; line++)
    {
      int64_t to = 0, from = 0;
      uint64_t rest = line;
      for (uint32_t d = shape->n_dims; d-- > 0;)
        {
          if (d == axis)
            continue;
          int64_t i = (int64_t)(rest % (uint64_t)shape->dims[d]);
          rest /= (uint64_t)shape->dims[d];
          to += i * strides[d];
          from += i * from_strides[d];
        }
      for (int64_t k = 0; k < shape->dims[axis]; k++)
        {
          size_t at = (size_t)(from + k * from_strides[axis]);
          int64_t index = rt_move_raw_index (indices, at);
          index += index < 0 ? n : 0;
          if (index >= 0 && index < n)
            combine (attrs->mode, y->type,
                     (uint8_t *)y->data + (size_t)(to + index * strides[axis]) * elem,
                     (const uint8_t *)context->inputs[2].data + at * elem);
        }
    }
}

static void
elements_reference (const RtOpContext *context)
{
  const RtScatterAttrs *attrs = context->attrs;
  const RtTensor *indices = &context->inputs[1], *y = &context->outputs[0];
  const size_t elem = rt_type_bytes (y->type);
  uint32_t axis = rt_move_attr_axis (attrs->axis, y->shape.n_dims);
  int64_t index[RT_MAX_DIMS] = { 0 }, n = y->shape.dims[axis];
  size_t at = 0;

  if (copy_bytes (context) > 0)
    memcpy (y->data, context->inputs[0].data, copy_bytes (context));
  if (rt_shape_n (&indices->shape) == 0)
    return;
  do
    {
      int64_t to = 0, i = rt_move_raw_index (indices, at);
      i += i < 0 ? n : 0;
      for (uint32_t d = 0; d < y->shape.n_dims; d++)
        to = to * y->shape.dims[d] + (d == axis ? i : index[d]);
      if (i >= 0 && i < n)
        combine (attrs->mode, y->type, (uint8_t *)y->data + (size_t)to * elem,
                 (const uint8_t *)context->inputs[2].data + at * elem);
      at++;
    }
  while (rt_move_next (&indices->shape, index));
}

/* ---- scatter_nd ---- */

static bool
nd_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtValue *data, *indices, *updates;
  RtShape expected = { 0 };
  char a[128], b[128];

  if (!check_mode (graph, node, &data, &indices, &updates, error))
    return false;
  uint32_t n = indices->shape.n_dims;
  int64_t k = n > 0 ? indices->shape.dims[n - 1] : 0;
  if (n == 0 || k > data->shape.n_dims || n - 1 + data->shape.n_dims - (uint64_t)k > RT_MAX_DIMS)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: shape %s does not index %s", indices->name,
                    rt_shape_text (&indices->shape, a, sizeof a),
                    rt_shape_text (&data->shape, b, sizeof b));
  for (uint32_t i = 0; i + 1 < n; i++)
    expected.dims[expected.n_dims++] = indices->shape.dims[i];
  for (uint32_t i = (uint32_t)k; i < data->shape.n_dims; i++)
    expected.dims[expected.n_dims++] = data->shape.dims[i];
  if (!rt_move_same_shape (&expected, &updates->shape))
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected shape %s, got %s", updates->name,
                    rt_shape_text (&expected, a, sizeof a),
                    rt_shape_text (&updates->shape, b, sizeof b));
  shapes[0] = data->shape;
  types[0] = data->type;
  return true;
}

typedef struct
{
  uint32_t k;
  int64_t n_rows, piece; /* elements */
  uint64_t n_strips;     /* of each piece: the work is split there */
} Nd;

/* Elements of a strip of a piece. */
#define STRIP 1024

static Nd
nd_of (const RtOpContext *context)
{
  const RtShape *indices = &context->inputs[1].shape, *y = &context->outputs[0].shape;
  Nd nd = { .k = (uint32_t)indices->dims[indices->n_dims - 1],
            .n_rows = rt_move_product (indices, 0, indices->n_dims - 1) };

  nd.piece = rt_move_product (y, nd.k, y->n_dims);
  nd.n_strips = nd.n_rows > 0 ? (uint64_t)((nd.piece + STRIP - 1) / STRIP) : 0;
  return nd;
}

/* The piece that row @row names; -1 outside. */
static int64_t
nd_piece (const RtOpContext *context, const Nd *nd, int64_t row)
{
  const RtShape *y = &context->outputs[0].shape;
  int64_t at = 0;

  for (uint32_t i = 0; i < nd->k; i++)
    {
      int64_t index = rt_move_raw_index (&context->inputs[1], (size_t)row * nd->k + i);
      index += index < 0 ? y->dims[i] : 0;
      if (index < 0 || index >= y->dims[i])
        return -1;
      at = at * y->dims[i] + index;
    }
  return at;
}

static uint64_t
nd_strip_bytes (const Nd *nd)
{
  return (uint64_t)nd->n_rows * (uint64_t)(nd->piece < STRIP ? nd->piece : STRIP) * 16;
}

static uint32_t
nd_chunks (const RtOpContext *context, uint32_t phase)
{
  Nd nd = nd_of (context);

  if (phase == 0)
    return rt_split (copy_bytes (context), 2, context->n_threads);
  return rt_split (nd.n_strips, nd_strip_bytes (&nd), context->n_threads);
}

static void
nd_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtScatterAttrs *attrs = context->attrs;
  const RtTensor *y = &context->outputs[0];
  const size_t elem = rt_type_bytes (y->type);
  Nd nd = nd_of (context);
  uint64_t first, last;

  if (phase == 0)
    {
      copy_data (context, chunk);
      return;
    }
  rt_move_range (context, nd.n_strips, nd_strip_bytes (&nd), chunk, &first, &last);
  int64_t start = (int64_t)first * STRIP, end = (int64_t)last * STRIP;
  end = end > nd.piece ? nd.piece : end;
  for (int64_t row = 0; row < nd.n_rows; row++)
    {
      int64_t piece = nd_piece (context, &nd, row);
      if (piece >= 0)
        combine_run (attrs->mode, y->type,
                     (uint8_t *)y->data + (size_t)(piece * nd.piece + start) * elem,
                     (const uint8_t *)context->inputs[2].data
                         + (size_t)(row * nd.piece + start) * elem,
                     end - start);
    }
}

static void
nd_reference (const RtOpContext *context)
{
  const RtScatterAttrs *attrs = context->attrs;
  const RtTensor *y = &context->outputs[0];
  const size_t elem = rt_type_bytes (y->type);
  Nd nd = nd_of (context);

  if (copy_bytes (context) > 0)
    memcpy (y->data, context->inputs[0].data, copy_bytes (context));
  for (int64_t i = 0; i < nd.n_rows * nd.piece; i++)
    {
      int64_t piece = nd_piece (context, &nd, i / nd.piece);
      if (piece >= 0)
        combine (attrs->mode, y->type,
                 (uint8_t *)y->data + (size_t)(piece * nd.piece + i % nd.piece) * elem,
                 (const uint8_t *)context->inputs[2].data + (size_t)i * elem);
    }
}

/* ---- */

static bool
scatter_in_place (const RtNode *node, uint32_t input)
{
  return input == 0;
}

static void
scatter_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
}

static bool
elements_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                  void *attrs)
{
  return rt_move_permute_axis (graph, node, perm, n_dims, &((RtScatterAttrs *)attrs)->axis);
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_AXIS (RtScatterAttrs, axis),
  RT_FIELD (RtScatterAttrs, mode, 0, RT_SCATTER_MAX),
};
/* clang-format on */

const RtOp rt_op_scatter_elements = {
  .name = "scatter-elements",
  .title = "Scatter elements",
  .attrs_bytes = sizeof (RtScatterAttrs),
  RT_FIELDS (fields),
  .min_inputs = 3,
  .max_inputs = 3,
  .n_outputs = 1,
  .infer = elements_infer,
  .n_phases = 2,
  .n_chunks = elements_chunks,
  .run = elements_run,
  .reference = elements_reference,
  .cost = scatter_cost,
  .in_place = scatter_in_place,
  .permute = elements_permute,
};

const RtOp rt_op_scatter_nd = {
  .name = "scatter-nd",
  .title = "Scatter by coordinates",
  .attrs_bytes = sizeof (RtScatterAttrs),
  RT_FIELDS (fields),
  .min_inputs = 3,
  .max_inputs = 3,
  .n_outputs = 1,
  .infer = nd_infer,
  .n_phases = 2,
  .n_chunks = nd_chunks,
  .run = nd_run,
  .reference = nd_reference,
  .cost = scatter_cost,
  .in_place = scatter_in_place,
};
