/* Slices or elements of a value, chosen by indices: gather, gather_elements, gather_nd. */
#include "rt-op-move.h"

/* Copy @n bytes; the sizes of single elements without a call. */
static inline void
copy_piece (uint8_t *to, const uint8_t *from, size_t n)
{
  if (n == 4)
    memcpy (to, from, 4);
  else if (n == 8)
    memcpy (to, from, 8);
  else if (n == 1)
    *to = *from;
  else
    memcpy (to, from, n);
}

static bool
infer_result (const RtShape *shape, int type, RtShape *shapes, int *types, RtError *error)
{
  shapes[0] = *shape;
  types[0] = type;
  return rt_move_check_shape (shape, error);
}

/* ---- gather ---- */

typedef struct
{
  int64_t n_batch, n_outer, n_axis, n_inner, n_indices; /* n_indices: per batch entry */
  size_t piece;                                         /* bytes */
} Gather;

static bool
gather_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtGatherAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  RtShape shape = { 0 };
  uint32_t axis;

  if (x == NULL || !rt_move_axis (attrs->axis, x->shape.n_dims, &axis, error)
      || !rt_move_check_concrete (x, axis, error))
    return false;
  const RtValue *indices = rt_move_index_input (graph, node, 1, x->shape.dims[axis], error);
  if (indices == NULL)
    return false;
  if (attrs->batch_dims > axis || attrs->batch_dims > indices->shape.n_dims
      || memcmp (x->shape.dims, indices->shape.dims, attrs->batch_dims * sizeof (int64_t)) != 0)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s and %s do not share %u leading dimensions before axis %u", x->name,
                    indices->name, attrs->batch_dims, axis);
  if (x->shape.dims[axis] == 0 && rt_shape_n (&indices->shape) > 0)
    return rt_fail (error, RT_ERROR_RANGE, "%s is empty along axis %u", x->name, axis);
  uint64_t n_dims = (uint64_t)x->shape.n_dims - 1 + indices->shape.n_dims - attrs->batch_dims;
  if (n_dims > RT_MAX_DIMS)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%llu dimensions, at most %d are possible",
                    (unsigned long long)n_dims, RT_MAX_DIMS);
  for (uint32_t i = 0; i < axis; i++)
    shape.dims[shape.n_dims++] = x->shape.dims[i];
  for (uint32_t i = attrs->batch_dims; i < indices->shape.n_dims; i++)
    shape.dims[shape.n_dims++] = indices->shape.dims[i];
  for (uint32_t i = axis + 1; i < x->shape.n_dims; i++)
    shape.dims[shape.n_dims++] = x->shape.dims[i];
  shapes[0] = shape;
  types[0] = x->type;
  return true;
}

static Gather
gather_of (const RtOpContext *context)
{
  const RtGatherAttrs *attrs = context->attrs;
  const RtShape *x = &context->inputs[0].shape, *indices = &context->inputs[1].shape;
  uint32_t axis = rt_move_attr_axis (attrs->axis, x->n_dims);
  Gather g = { .n_batch = rt_move_product (x, 0, attrs->batch_dims),
               .n_outer = rt_move_product (x, attrs->batch_dims, axis),
               .n_axis = x->dims[axis],
               .n_inner = rt_move_product (x, axis + 1, x->n_dims),
               .n_indices = rt_move_product (indices, attrs->batch_dims, indices->n_dims) };

  g.piece = (size_t)g.n_inner * rt_type_bytes (context->inputs[0].type);
  return g;
}

static uint64_t
gather_n_pieces (const Gather *g)
{
  return g->n_inner == 0 || g->n_axis == 0 ? 0 : (uint64_t)(g->n_batch * g->n_outer * g->n_indices);
}

static uint32_t
gather_chunks (const RtOpContext *context, uint32_t phase)
{
  Gather g = gather_of (context);
  return rt_split (gather_n_pieces (&g), 2 * g.piece, context->n_threads);
}

static void
gather_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  Gather g = gather_of (context);
  uint64_t first, last;

  rt_move_range (context, gather_n_pieces (&g), 2 * g.piece, chunk, &first, &last);
  uint64_t k = first % (uint64_t)g.n_indices, row = first / (uint64_t)g.n_indices;
  uint8_t *to = (uint8_t *)context->outputs[0].data + first * g.piece;
  for (uint64_t i = first; i < last; i++)
    {
      uint64_t batch = row / (uint64_t)g.n_outer;
      int64_t at = rt_move_index (&context->inputs[1], batch * (uint64_t)g.n_indices + k, g.n_axis);
      copy_piece (to,
                  (const uint8_t *)context->inputs[0].data
                      + (row * (uint64_t)g.n_axis + (uint64_t)at) * g.piece,
                  g.piece);
      to += g.piece;
      if (++k == (uint64_t)g.n_indices)
        {
          k = 0;
          row++;
        }
    }
}

static int64_t
gather_source (const RtOpContext *context, const int64_t *index)
{
  const RtGatherAttrs *attrs = context->attrs;
  const RtShape *x = &context->inputs[0].shape, *indices = &context->inputs[1].shape;
  uint32_t axis = rt_move_attr_axis (attrs->axis, x->n_dims);
  uint32_t n_new = indices->n_dims - attrs->batch_dims;
  int64_t which = 0, at = 0;

  for (uint32_t i = 0; i < indices->n_dims; i++)
    which = which * indices->dims[i]
            + (i < attrs->batch_dims ? index[i] : index[axis + i - attrs->batch_dims]);
  for (uint32_t i = 0; i < x->n_dims; i++)
    {
      int64_t j = i < axis    ? index[i]
                  : i == axis ? rt_move_index (&context->inputs[1], (size_t)which, x->dims[axis])
                              : index[i - 1 + n_new];
      at = at * x->dims[i] + j;
    }
  return at;
}

/* ---- gather_elements ---- */

static bool
elements_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                RtError *error)
{
  const RtAxisAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  uint32_t axis;

  if (x == NULL || !rt_move_axis (attrs->axis, x->shape.n_dims, &axis, error)
      || !rt_move_check_concrete (x, axis, error))
    return false;
  const RtValue *indices = rt_move_index_input (graph, node, 1, x->shape.dims[axis], error);
  if (indices == NULL || !rt_move_check_n_dims (indices, x->shape.n_dims, error))
    return false;
  for (uint32_t i = 0; i < x->shape.n_dims; i++)
    if (i != axis && indices->shape.dims[i] > x->shape.dims[i])
      return rt_fail (error, RT_ERROR_FORMAT, "%s: dimension %u is %lld, that of %s is %lld",
                      indices->name, i, (long long)indices->shape.dims[i], x->name,
                      (long long)x->shape.dims[i]);
  if (x->shape.dims[axis] == 0 && rt_shape_n (&indices->shape) > 0)
    return rt_fail (error, RT_ERROR_RANGE, "%s is empty along axis %u", x->name, axis);
  return infer_result (&indices->shape, x->type, shapes, types, error);
}

static uint64_t
elements_n_rows (const RtOpContext *context)
{
  const RtShape *shape = &context->outputs[0].shape;
  return rt_shape_n (shape) == 0 ? 0 : rt_shape_rows (shape);
}

static uint32_t
elements_chunks (const RtOpContext *context, uint32_t phase)
{
  return rt_split (elements_n_rows (context), 16 * rt_shape_cols (&context->outputs[0].shape),
                   context->n_threads);
}

static void
elements_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtAxisAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0], *indices = &context->inputs[1];
  const RtShape *shape = &context->outputs[0].shape;
  const size_t elem = rt_type_bytes (x->type), n_cols = rt_shape_cols (shape);
  const uint32_t n_outer = shape->n_dims - 1;
  uint32_t axis = rt_move_attr_axis (attrs->axis, shape->n_dims);
  int64_t strides[RT_MAX_DIMS];
  uint64_t first, last;

  rt_move_strides (&x->shape, strides);
  rt_move_range (context, elements_n_rows (context), 16 * n_cols, chunk, &first, &last);
  for (uint64_t row = first; row < last; row++)
    {
      const uint8_t *from = x->data;
      uint8_t *to = (uint8_t *)context->outputs[0].data + row * n_cols * elem;
      int64_t step = axis == n_outer ? 0 : 1;
      uint64_t rest = row;
      for (uint32_t d = n_outer; d-- > 0;)
        {
          int64_t i = (int64_t)(rest % (uint64_t)shape->dims[d]);
          rest /= (uint64_t)shape->dims[d];
          if (d != axis)
            from += i * strides[d] * (int64_t)elem;
        }
      for (size_t k = 0; k < n_cols; k++)
        {
          int64_t at = rt_move_index (indices, row * n_cols + k, x->shape.dims[axis]);
          copy_piece (to + k * elem,
                      from + (at * strides[axis] + step * (int64_t)k) * (int64_t)elem, elem);
        }
    }
}

static int64_t
elements_source (const RtOpContext *context, const int64_t *index)
{
  const RtAxisAttrs *attrs = context->attrs;
  const RtShape *x = &context->inputs[0].shape, *shape = &context->outputs[0].shape;
  uint32_t axis = rt_move_attr_axis (attrs->axis, x->n_dims);
  int64_t which = 0, at = 0;

  for (uint32_t i = 0; i < shape->n_dims; i++)
    which = which * shape->dims[i] + index[i];
  for (uint32_t i = 0; i < x->n_dims; i++)
    at = at * x->dims[i]
         + (i == axis ? rt_move_index (&context->inputs[1], (size_t)which, x->dims[axis])
                      : index[i]);
  return at;
}

static bool
elements_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                  void *attrs)
{
  return rt_move_permute_axis (graph, node, perm, n_dims, &((RtAxisAttrs *)attrs)->axis);
}

/* ---- gather_nd ---- */

static bool
nd_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtGatherNdAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  const RtValue *indices = x != NULL ? rt_move_index_input (graph, node, 1, -1, error) : NULL;
  uint32_t b = attrs->batch_dims;
  RtShape shape = { 0 };
  char text[128];

  if (indices == NULL || !rt_move_check_shape (&x->shape, error)
      || !rt_move_check_shape (&indices->shape, error))
    return false;
  uint32_t n = indices->shape.n_dims;
  int64_t k = n > 0 ? indices->shape.dims[n - 1] : 0;
  if (n == 0 || k < 1 || b >= n || k + b > x->shape.n_dims
      || memcmp (x->shape.dims, indices->shape.dims, b * sizeof (int64_t)) != 0)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s: shape %s does not index a value of %u dimensions (%u of them batch)",
                    indices->name, rt_shape_text (&indices->shape, text, sizeof text),
                    x->shape.n_dims, b);
  if (n - 1 + x->shape.n_dims - b - (uint64_t)k > RT_MAX_DIMS)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "the result has more than %d dimensions",
                    RT_MAX_DIMS);
  for (uint32_t i = 0; i + 1 < n; i++)
    shape.dims[shape.n_dims++] = indices->shape.dims[i];
  for (uint32_t i = b + (uint32_t)k; i < x->shape.n_dims; i++)
    shape.dims[shape.n_dims++] = x->shape.dims[i];
  if (rt_shape_n (&x->shape) == 0 && rt_shape_n (&shape) > 0)
    return rt_fail (error, RT_ERROR_RANGE, "%s is empty", x->name);
  return infer_result (&shape, x->type, shapes, types, error);
}

typedef struct
{
  uint32_t n_batch_dims, k;
  uint64_t n_rows, rows_per_batch;
  size_t piece;
} Nd;

static Nd
nd_of (const RtOpContext *context)
{
  const RtGatherNdAttrs *attrs = context->attrs;
  const RtShape *x = &context->inputs[0].shape, *indices = &context->inputs[1].shape;
  Nd nd = { .n_batch_dims = attrs->batch_dims,
            .k = (uint32_t)indices->dims[indices->n_dims - 1],
            .n_rows = (uint64_t)rt_move_product (indices, 0, indices->n_dims - 1) };

  nd.rows_per_batch = (uint64_t)rt_move_product (indices, attrs->batch_dims, indices->n_dims - 1);
  nd.piece = (size_t)rt_move_product (x, attrs->batch_dims + nd.k, x->n_dims)
             * rt_type_bytes (context->inputs[0].type);
  if (nd.piece == 0)
    nd.n_rows = 0;
  return nd;
}

/* The slice that row @row of the indices names, in slices. */
static int64_t
nd_slice (const RtOpContext *context, const Nd *nd, uint64_t row)
{
  const RtShape *x = &context->inputs[0].shape;
  int64_t at = (int64_t)(row / nd->rows_per_batch);

  for (uint32_t i = 0; i < nd->k; i++)
    {
      int64_t n = x->dims[nd->n_batch_dims + i];
      at = at * n + rt_move_index (&context->inputs[1], row * nd->k + i, n);
    }
  return at;
}

static uint32_t
nd_chunks (const RtOpContext *context, uint32_t phase)
{
  Nd nd = nd_of (context);
  return rt_split (nd.n_rows, 2 * nd.piece, context->n_threads);
}

static void
nd_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  Nd nd = nd_of (context);
  uint64_t first, last;

  rt_move_range (context, nd.n_rows, 2 * nd.piece, chunk, &first, &last);
  for (uint64_t row = first; row < last; row++)
    copy_piece ((uint8_t *)context->outputs[0].data + row * nd.piece,
                (const uint8_t *)context->inputs[0].data
                    + (size_t)nd_slice (context, &nd, row) * nd.piece,
                nd.piece);
}

static int64_t
nd_source (const RtOpContext *context, const int64_t *index)
{
  const RtGatherNdAttrs *attrs = context->attrs;
  const RtShape *x = &context->inputs[0].shape, *indices = &context->inputs[1].shape;
  uint32_t n = indices->n_dims, k = (uint32_t)indices->dims[n - 1];
  int64_t row = 0, at = 0;

  for (uint32_t i = 0; i + 1 < n; i++)
    row = row * indices->dims[i] + index[i];
  for (uint32_t i = 0; i < x->n_dims; i++)
    {
      int64_t j;
      if (i < attrs->batch_dims)
        j = index[i];
      else if (i < attrs->batch_dims + k)
        j = rt_move_index (&context->inputs[1], (size_t)row * k + i - attrs->batch_dims,
                           x->dims[i]);
      else
        j = index[n - 1 + i - attrs->batch_dims - k];
      at = at * x->dims[i] + j;
    }
  return at;
}

static const RtMoveView gather = { NULL, gather_source };
static const RtMoveView elements = { NULL, elements_source };
static const RtMoveView nd_view = { NULL, nd_source };

/* clang-format off */
static const RtField gather_fields[] = {
  RT_FIELD_AXIS (RtGatherAttrs, axis),
  RT_FIELD (RtGatherAttrs, batch_dims, 0, RT_MAX_DIMS),
};
/* clang-format on */

static const RtField elements_fields[] = { RT_FIELD_AXIS (RtAxisAttrs, axis) };

static const RtField nd_fields[] = { RT_FIELD (RtGatherNdAttrs, batch_dims, 0, RT_MAX_DIMS) };

const RtOp rt_op_gather = {
  .name = "gather",
  .title = "Gather",
  .attrs_bytes = sizeof (RtGatherAttrs),
  RT_FIELDS (gather_fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .data = &gather,
  .infer = gather_infer,
  .n_phases = 1,
  .n_chunks = gather_chunks,
  .run = gather_run,
  .reference = rt_move_view_reference,
  .cost = rt_move_cost,
};

const RtOp rt_op_gather_elements = {
  .name = "gather-elements",
  .title = "Gather elements",
  .attrs_bytes = sizeof (RtAxisAttrs),
  RT_FIELDS (elements_fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .data = &elements,
  .infer = elements_infer,
  .n_phases = 1,
  .n_chunks = elements_chunks,
  .run = elements_run,
  .reference = rt_move_view_reference,
  .cost = rt_move_cost,
  .permute = elements_permute,
};

const RtOp rt_op_gather_nd = {
  .name = "gather-nd",
  .title = "Gather by coordinates",
  .attrs_bytes = sizeof (RtGatherNdAttrs),
  RT_FIELDS (nd_fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .data = &nd_view,
  .infer = nd_infer,
  .n_phases = 1,
  .n_chunks = nd_chunks,
  .run = nd_run,
  .reference = rt_move_view_reference,
  .cost = rt_move_cost,
};
