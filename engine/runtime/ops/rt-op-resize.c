/* Feature maps and pictures in another size. Two neighbouring dimensions that change (of any
 * layout) go row by row through tables that are made once; anything else goes element by
 * element. */
#include "rt-resize.h"

/* ---- planes ---- */

/* The changed dimensions: @first and @last of them (equal for one). False where they are more than
 * two or not neighbours. */
static bool
find_planes (const RtResizeAttrs *attrs, const RtShape *x, uint32_t *first, uint32_t *last)
{
  uint32_t changed = rt_resize_changed (attrs, x), n = 0;

  *first = *last = 0;
  for (uint32_t i = 0; i < x->n_dims; i++)
    if (changed >> i & 1)
      {
        if (n++ == 0)
          *first = i;
        *last = i;
      }
  if (n == 0)
    *first = *last = x->n_dims > 0 ? x->n_dims - 1 : 0;
  return n <= 1 || (n == 2 && *last == *first + 1);
}

static bool
is_fixed (const RtResizeAttrs *attrs, int type)
{
  return attrs->mode == RT_RESIZE_LINEAR && type != RT_TYPE_F32;
}

/* ---- infer ---- */

static bool
resize_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtResizeAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  char a[128], b[128];

  if (x == NULL || !rt_move_check_shape (&x->shape, error)
      || !rt_move_check_shape (&attrs->shape, error))
    return false;
  if (x->shape.n_dims != attrs->shape.n_dims
      || (rt_shape_n (&x->shape) == 0 && rt_shape_n (&attrs->shape) > 0))
    return rt_fail (error, RT_ERROR_FORMAT, "%s: shape %s cannot become %s", x->name,
                    rt_shape_text (&x->shape, a, sizeof a),
                    rt_shape_text (&attrs->shape, b, sizeof b));
  if (attrs->mode > RT_RESIZE_CUBIC || attrs->coordinates > RT_COORDINATES_HALF_PIXEL_SYMMETRIC
      || attrs->rounding > RT_ROUND_CEIL)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "mode %u, coordinates %u, rounding %u",
                    attrs->mode, attrs->coordinates, attrs->rounding);
  for (uint32_t i = 0; i < x->shape.n_dims; i++)
    if (attrs->scales[i] != 0 && (!(attrs->scales[i] >= 1e-9f) || attrs->scales[i] > 1e9f))
      return rt_fail (error, RT_ERROR_RANGE, "the scale of dimension %u is %g", i,
                      (double)attrs->scales[i]);

  bool is_byte = x->type == RT_TYPE_I8 || x->type == RT_TYPE_U8;
  if (attrs->mode != RT_RESIZE_NEAREST && x->type != RT_TYPE_F32
      && !(attrs->mode == RT_RESIZE_LINEAR && is_byte))
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: %s values are resized to the nearest only (f32: all modes, i8 and u8: "
                    "linear as well)",
                    x->name, rt_type_name (x->type));
  if (attrs->mode == RT_RESIZE_LINEAR && is_byte && attrs->coordinates != RT_COORDINATES_HALF_PIXEL
      && attrs->coordinates != RT_COORDINATES_ASYMMETRIC
      && attrs->coordinates != RT_COORDINATES_ALIGN_CORNERS)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: linear resizing of 8-bit values with coordinates %u", x->name,
                    attrs->coordinates);
  uint32_t first, last;
  if (is_fixed (attrs, x->type) && !find_planes (attrs, &x->shape, &first, &last))
    return rt_fail (
        error, RT_ERROR_UNSUPPORTED,
        "%s: 8-bit values are resized along two neighbouring dimensions, not from %s to "
        "%s",
        x->name, rt_shape_text (&x->shape, a, sizeof a),
        rt_shape_text (&attrs->shape, b, sizeof b));
  shapes[0] = attrs->shape;
  types[0] = x->type;
  return true;
}

/* ---- tables ---- */

static uint64_t
resize_prepared_bytes (const RtOpQuery *query)
{
  const RtResizeAttrs *attrs = query->node->attrs;
  const RtShape *x = &rt_graph_value (query->graph, query->node->inputs[0])->shape;
  uint32_t changed = rt_resize_changed (attrs, x);
  uint64_t n = 0;

  for (uint32_t i = 0; i < x->n_dims; i++)
    if (changed >> i & 1)
      n += (uint64_t)attrs->shape.dims[i];
  return n * sizeof (RtResizeTap);
}

/* The tables of all changed dimensions, one after the other. */
static void
resize_prepare (const RtOpContext *context, void *memory)
{
  const RtResizeAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0];
  uint32_t changed = rt_resize_changed (attrs, &x->shape);
  RtResizeTap *tap = memory;

  for (uint32_t d = 0; d < x->shape.n_dims; d++)
    for (int64_t i = 0; (changed >> d & 1) && i < attrs->shape.dims[d]; i++)
      rt_resize_tap (attrs, &x->shape, d, i, is_fixed (attrs, x->type), tap++);
}

static bool
planes_of (const RtOpContext *context, RtResizePlanes *p)
{
  const RtResizeAttrs *attrs = context->attrs;
  const RtShape *x = &context->inputs[0].shape, *y = &context->outputs[0].shape;
  uint32_t first, last, changed = rt_resize_changed (attrs, x);
  const RtResizeTap *table = context->prepared;

  if (!find_planes (attrs, x, &first, &last))
    return false;
  *p = (RtResizePlanes){ .n_outer = rt_move_product (x, 0, first),
                         .in_h = 1,
                         .out_h = 1,
                         .in_w = x->n_dims > 0 ? x->dims[last] : 1,
                         .out_w = x->n_dims > 0 ? y->dims[last] : 1,
                         .inner = rt_move_product (x, last + 1, x->n_dims),
                         .n_taps = rt_resize_n_taps (attrs),
                         .extrapolation = attrs->extrapolation };
  if (first != last)
    {
      p->in_h = x->dims[first];
      p->out_h = y->dims[first];
      p->h = table;
      table += p->out_h;
    }
  else if (p->inner > 1 && changed != 0)
    {
      /* One dimension with others behind it: whole rows are blended. */
      p->in_h = p->in_w;
      p->out_h = p->out_w;
      p->in_w = p->out_w = p->inner;
      p->inner = 1;
      p->h = table;
      return true;
    }
  if (changed != 0)
    p->w = table;
  return true;
}

/* Rows and bytes moved for one. */
static uint64_t
resize_rows (const RtOpContext *context, uint64_t *row_bytes)
{
  const RtShape *y = &context->outputs[0].shape;
  RtResizePlanes p;
  uint64_t n = rt_shape_n (y), n_rows = rt_shape_rows (y);

  if (n == 0)
    return 0;
  if (planes_of (context, &p))
    n_rows = (uint64_t)(p.n_outer * p.out_h);
  *row_bytes = 4 * (n / n_rows) * rt_type_bytes (context->outputs[0].type);
  return n_rows;
}

static uint32_t
resize_chunks (const RtOpContext *context, uint32_t phase)
{
  uint64_t row_bytes = 1, n_rows = resize_rows (context, &row_bytes);
  return rt_split (n_rows, row_bytes, context->n_threads);
}

static void
resize_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtResizeAttrs *attrs = query->node->attrs;
  const RtShape *x = &rt_graph_value (query->graph, query->node->inputs[0])->shape;
  uint32_t first, last;

  if (attrs->mode != RT_RESIZE_NEAREST && find_planes (attrs, x, &first, &last) && x->n_dims > 0)
    *thread_bytes = (uint64_t)rt_move_product (x, last, x->n_dims) * sizeof (float);
}

/* One element of any number of changed dimensions. */
static void
put_element (const RtOpContext *context, const int64_t *index, uint64_t at)
{
  const RtResizeAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const size_t elem = rt_type_bytes (y->type);

  if (attrs->mode != RT_RESIZE_NEAREST)
    {
      ((float *)y->data)[at] = (float)rt_resize_element (attrs, x, index);
      return;
    }
  int64_t from = 0;
  for (uint32_t d = 0; d < x->shape.n_dims && from >= 0; d++)
    {
      RtResizeTap tap = { .index = { (int32_t)index[d] } };
      if (rt_resize_changed (attrs, &x->shape) >> d & 1)
        rt_resize_tap (attrs, &x->shape, d, index[d], false, &tap);
      from = tap.index[0] < 0 ? -1 : from * x->shape.dims[d] + tap.index[0];
    }
  if (from >= 0)
    memcpy ((uint8_t *)y->data + at * elem, (const uint8_t *)x->data + (size_t)from * elem, elem);
  else if (y->type == RT_TYPE_F32)
    ((float *)y->data)[at] = attrs->extrapolation;
  else
    memset ((uint8_t *)y->data + at * elem, 0, elem);
}

static void
put_row (const RtOpContext *context, uint64_t row)
{
  const RtShape *y = &context->outputs[0].shape;
  const size_t n_cols = rt_shape_cols (y);
  int64_t index[RT_MAX_DIMS] = { 0 };
  uint64_t rest = row;

  for (uint32_t d = y->n_dims - 1; d-- > 0;)
    {
      index[d] = (int64_t)(rest % (uint64_t)y->dims[d]);
      rest /= (uint64_t)y->dims[d];
    }
  for (size_t i = 0; i < n_cols; i++)
    {
      index[y->n_dims - 1] = (int64_t)i;
      put_element (context, index, row * n_cols + i);
    }
}

static void
resize_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtResizeAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const size_t elem = rt_type_bytes (y->type);
  RtResizePlanes p;
  bool has_planes = planes_of (context, &p);
  uint64_t row_bytes = 1, n_rows = resize_rows (context, &row_bytes), first, last;

  rt_move_range (context, n_rows, row_bytes, chunk, &first, &last);
  for (uint64_t row = first; row < last; row++)
    {
      if (!has_planes)
        {
          put_row (context, row);
          continue;
        }
      uint8_t *to = (uint8_t *)y->data + row * (size_t)(p.out_w * p.inner) * elem;
      if (attrs->mode == RT_RESIZE_NEAREST)
        rt_resize_row_nearest (&p, elem, x->data, (int64_t)row, to);
      else if (y->type == RT_TYPE_F32)
        rt_resize_row_f32 (&p, x->data, (int64_t)row, (float *)(void *)to,
                           rt_op_thread_scratch (context, worker));
      else
        rt_resize_row_byte (&p, &context->kn->qvec, y->type == RT_TYPE_I8, x->data, (int64_t)row,
                            to, rt_op_thread_scratch (context, worker));
    }
}

/* ---- reference ---- */

/* The 8-bit form: the same sum over all axes, in integers. */
static int64_t
fixed_element (const RtOpContext *context, const int64_t *index)
{
  const RtResizeAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0];
  uint32_t changed = rt_resize_changed (attrs, &x->shape), n = 0, axes[RT_MAX_DIMS];
  RtResizeTap taps[RT_MAX_DIMS];
  int64_t sum = 0, one = 1;

  for (uint32_t d = 0; d < x->shape.n_dims; d++)
    if (changed >> d & 1)
      {
        axes[n++] = d;
        rt_resize_tap (attrs, &x->shape, d, index[d], true, &taps[d]);
        one *= 1024;
      }
  for (uint32_t k = 0; k < 1u << n; k++)
    {
      int64_t at[RT_MAX_DIMS], weight = 1, offset = 0;
      memcpy (at, index, sizeof at);
      for (uint32_t i = 0; i < n; i++)
        {
          at[axes[i]] = taps[axes[i]].index[k >> i & 1];
          weight *= taps[axes[i]].fixed[k >> i & 1];
        }
      for (uint32_t d = 0; d < x->shape.n_dims; d++)
        offset = offset * x->shape.dims[d] + at[d];
      sum += weight
             * (x->type == RT_TYPE_U8 ? ((const uint8_t *)x->data)[offset]
                                      : ((const int8_t *)x->data)[offset]);
    }
  return (sum + (sum > 0 ? one / 2 : -(one / 2))) / one;
}

static void
resize_reference (const RtOpContext *context)
{
  const RtTensor *y = &context->outputs[0];
  const bool fixed = is_fixed (context->attrs, y->type);
  int64_t index[RT_MAX_DIMS] = { 0 };
  uint64_t at = 0;

  if (rt_shape_n (&y->shape) == 0)
    return;
  do
    {
      if (fixed)
        ((uint8_t *)y->data)[at] = (uint8_t)fixed_element (context, index);
      else
        put_element (context, index, at);
      at++;
    }
  while (rt_move_next (&y->shape, index));
}

static void
resize_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtResizeAttrs *attrs = query->node->attrs;
  const RtShape *x = &rt_graph_value (query->graph, query->node->inputs[0])->shape;
  uint32_t changed = rt_resize_changed (attrs, x);
  uint64_t n_taps = 0;

  rt_op_cost_io (query, cost);
  for (uint32_t i = 0; i < x->n_dims; i++)
    n_taps += changed >> i & 1 ? rt_resize_n_taps (attrs) : 0;
  if (attrs->mode != RT_RESIZE_NEAREST)
    cost->flops = 2 * n_taps * rt_shape_n (&attrs->shape);
}

static bool
resize_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                void *attrs)
{
  RtResizeAttrs *resize = attrs;

  if (resize->shape.n_dims != n_dims)
    return false;
  rt_move_permute_i64 (resize->shape.dims, perm, n_dims);
  rt_move_permute_f32 (resize->scales, perm, n_dims);
  rt_move_permute_f32 (resize->roi_start, perm, n_dims);
  rt_move_permute_f32 (resize->roi_end, perm, n_dims);
  return true;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD (RtResizeAttrs, mode, 0, RT_RESIZE_CUBIC),
  RT_FIELD (RtResizeAttrs, coordinates, 0, RT_COORDINATES_HALF_PIXEL_SYMMETRIC),
  RT_FIELD (RtResizeAttrs, rounding, 0, RT_ROUND_CEIL),
  RT_FIELD_SHAPE (RtResizeAttrs, shape),
  RT_FIELD (RtResizeAttrs, scales, 0, 1e9f),
  RT_FIELD_FINITE (RtResizeAttrs, roi_start),
  RT_FIELD_FINITE (RtResizeAttrs, roi_end),
  RT_FIELD_REAL (RtResizeAttrs, extrapolation),
  RT_FIELD_FINITE (RtResizeAttrs, cubic_a),
  RT_FIELD_FLAG (RtResizeAttrs, exclude_outside),
};
/* clang-format on */

const RtOp rt_op_resize = {
  .name = "resize",
  .title = "Resize",
  .attrs_bytes = sizeof (RtResizeAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = resize_infer,
  .prepared_bytes = resize_prepared_bytes,
  .prepare = resize_prepare,
  .scratch = resize_scratch,
  .n_phases = 1,
  .n_chunks = resize_chunks,
  .run = resize_run,
  .reference = resize_reference,
  .cost = resize_cost,
  .permute = resize_permute,
};
