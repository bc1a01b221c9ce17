/* Every step-th element of a range, per dimension. A split is several slices. */
#include "rt-op-move.h"

typedef struct
{
  int64_t start[RT_MAX_DIMS], step[RT_MAX_DIMS], n[RT_MAX_DIMS];
} Ranges;

/* @n elements, counted from the end when negative, kept within [low, high]. */
static int64_t
bound (int64_t x, int64_t n, int64_t low, int64_t high)
{
  x += x < 0 && x >= -n ? n : 0;
  return x < low ? low : x > high ? high : x;
}

/* Per dimension of @shape, as ONNX's Slice. Axes are right. */
static void
find_ranges (const RtSliceAttrs *attrs, const RtShape *shape, Ranges *r)
{
  for (uint32_t i = 0; i < shape->n_dims; i++)
    {
      r->start[i] = 0;
      r->step[i] = 1;
      r->n[i] = shape->dims[i];
    }
  for (uint32_t i = 0; i < attrs->n_axes; i++)
    {
      uint32_t d = rt_move_attr_axis (attrs->axes[i], shape->n_dims);
      int64_t n = shape->dims[d], step = attrs->steps[i], start, end, length;
      if (step > 0)
        {
          start = bound (attrs->starts[i], n, 0, n);
          end = bound (attrs->ends[i], n, 0, n);
          length = end > start ? (end - start - 1) / step + 1 : 0;
        }
      else
        {
          start = bound (attrs->starts[i], n, 0, n - 1);
          end = bound (attrs->ends[i], n, -1, n - 1);
          length
              = start > end ? (int64_t)((uint64_t)(start - end - 1) / (0 - (uint64_t)step)) + 1 : 0;
        }
      if (n == 0)
        length = 0;
      r->start[d] = length > 0 ? start : 0;
      r->step[d] = step;
      r->n[d] = length;
    }
}

static bool
slice_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtSliceAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  uint32_t seen = 0;
  Ranges ranges;

  if (x == NULL)
    return false;
  if (attrs->n_axes > x->shape.n_dims)
    return rt_fail (error, RT_ERROR_FORMAT, "%s has %u dimensions, %u are sliced", x->name,
                    x->shape.n_dims, attrs->n_axes);
  for (uint32_t i = 0; i < attrs->n_axes; i++)
    {
      uint32_t axis;
      if (!rt_move_axis (attrs->axes[i], x->shape.n_dims, &axis, error)
          || !rt_move_check_concrete (x, axis, error))
        return false;
      if (seen >> axis & 1)
        return rt_fail (error, RT_ERROR_FORMAT, "axis %u is sliced twice", axis);
      if (attrs->steps[i] == 0)
        return rt_fail (error, RT_ERROR_FORMAT, "the step along axis %u is 0", axis);
      seen |= 1u << axis;
    }
  find_ranges (attrs, &x->shape, &ranges);
  shapes[0].n_dims = x->shape.n_dims;
  memcpy (shapes[0].dims, ranges.n, x->shape.n_dims * sizeof *ranges.n);
  types[0] = x->type;
  return true;
}

static void
slice_view (const RtOpContext *context, RtStrided *s)
{
  const RtShape *x = &context->inputs[0].shape, *y = &context->outputs[0].shape;
  int64_t from[RT_MAX_DIMS], to[RT_MAX_DIMS];
  Ranges r;

  find_ranges (context->attrs, x, &r);
  rt_move_strides (x, from);
  rt_move_strides (y, to);
  for (uint32_t i = 0; i < x->n_dims; i++)
    {
      /* One element needs no step, which may be too large to multiply. */
      rt_strided_add (s, y->dims[i], r.n[i] > 1 ? from[i] * r.step[i] : 0, to[i]);
      s->from_offset += r.start[i] * from[i];
    }
}

static int64_t
slice_source (const RtOpContext *context, const int64_t *index)
{
  const RtShape *x = &context->inputs[0].shape;
  Ranges r;
  int64_t at = 0;

  find_ranges (context->attrs, x, &r);
  for (uint32_t i = 0; i < x->n_dims; i++)
    at = at * x->dims[i] + r.start[i] + (index[i] > 0 ? index[i] * r.step[i] : 0);
  return at;
}

static bool
slice_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
               void *attrs)
{
  RtSliceAttrs *slice = attrs;

  for (uint32_t i = 0; i < slice->n_axes; i++)
    if (!rt_move_permute_axis (graph, node, perm, n_dims, &slice->axes[i]))
      return false;
  return true;
}

static const RtMoveView slice = { slice_view, slice_source };

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD (RtSliceAttrs, n_axes, 0, RT_MAX_DIMS),
  RT_FIELD_AXIS (RtSliceAttrs, axes),
  RT_FIELD_FINITE (RtSliceAttrs, starts),
  RT_FIELD_FINITE (RtSliceAttrs, ends),
  RT_FIELD_FINITE (RtSliceAttrs, steps),
};
/* clang-format on */

const RtOp rt_op_slice = {
  .name = "slice",
  .title = "Slice",
  .attrs_bytes = sizeof (RtSliceAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .data = &slice,
  .infer = slice_infer,
  .n_phases = 1,
  .n_chunks = rt_move_view_chunks,
  .run = rt_move_view_run,
  .reference = rt_move_view_reference,
  .cost = rt_move_cost,
  .permute = slice_permute,
};
