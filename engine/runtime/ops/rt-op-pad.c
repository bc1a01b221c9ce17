/* More elements (or fewer) at the ends of dimensions. */
#include "rt-number.h"
#include "rt-segments.h"

static bool
pad_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtPadAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  const RtValue *value = rt_op_input_value (graph, node, 1);

  if (x == NULL)
    return false;
  if (value != NULL)
    {
      if (!rt_move_check_type (value, x->type, error))
        return false;
      if (rt_shape_n (&value->shape) != 1)
        return rt_fail (error, RT_ERROR_FORMAT, "%s: expected one element", value->name);
    }
  if (attrs->mode > RT_PAD_WRAP)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "padding mode %u", attrs->mode);
  shapes[0] = x->shape;
  types[0] = x->type;
  for (uint32_t i = 0; i < x->shape.n_dims; i++)
    {
      int64_t before = attrs->before[i], after = attrs->after[i];
      if (before == 0 && after == 0)
        continue;
      if (!rt_move_check_concrete (x, i, error))
        return false;
      if (before < -INT32_MAX || before > INT32_MAX || after < -INT32_MAX || after > INT32_MAX
          || x->shape.dims[i] + before + after < 0)
        return rt_fail (error, RT_ERROR_RANGE,
                        "%s: dimension %u has %lld elements, the padding is %lld and %lld", x->name,
                        i, (long long)x->shape.dims[i], (long long)before, (long long)after);
      shapes[0].dims[i] += before + after;
      if (x->shape.dims[i] == 0 && shapes[0].dims[i] > 0 && attrs->mode != RT_PAD_CONSTANT)
        return rt_fail (error, RT_ERROR_RANGE, "%s: dimension %u is empty, nothing can be repeated",
                        x->name, i);
    }
  return rt_move_same_shape (&shapes[0], &x->shape) || rt_move_check_shape (&shapes[0], error);
}

static int64_t
modulo (int64_t x, int64_t n)
{
  int64_t r = x % n;
  return r < 0 ? r + n : r;
}

/* Outside of the input: where element @j, counted from the input's first, comes from. */
static RtSegment
outside (uint32_t mode, int64_t j, int64_t n)
{
  int64_t m;

  switch (mode)
    {
    case RT_PAD_REFLECT:
      if (n == 1)
        return (RtSegment){ INT64_MAX, 0, 0 };
      m = modulo (j, 2 * (n - 1));
      return m < n - 1 ? (RtSegment){ n - 1 - m, m, 1 }
                       : (RtSegment){ 2 * (n - 1) - m, 2 * (n - 1) - m, -1 };
    case RT_PAD_SYMMETRIC:
      m = modulo (j, 2 * n);
      return m < n ? (RtSegment){ n - m, m, 1 } : (RtSegment){ 2 * n - m, 2 * n - 1 - m, -1 };
    case RT_PAD_EDGE:
      return (RtSegment){ INT64_MAX, j < 0 ? 0 : n - 1, 0 };
    case RT_PAD_WRAP:
      m = modulo (j, n);
      return (RtSegment){ n - m, m, 1 };
    default:
      return (RtSegment){ INT64_MAX, -1, 0 };
    }
}

static RtSegment
pad_segment (const RtOpContext *context, uint32_t dim, int64_t i)
{
  const RtPadAttrs *attrs = context->attrs;
  int64_t n = context->inputs[0].shape.dims[dim], end = context->outputs[0].shape.dims[dim];
  int64_t j = i - attrs->before[dim];
  RtSegment s;

  if (j >= 0 && j < n)
    s = (RtSegment){ n - j, j, 1 };
  else
    {
      s = outside (attrs->mode, j, n);
      if (j < 0 && s.n > -j)
        s.n = -j;
    }
  if (s.n > end - i)
    s.n = end - i;
  return s;
}

static RtSegments
pad_segments (const RtOpContext *context)
{
  const RtPadAttrs *attrs = context->attrs;
  RtSegments segments = { .at = pad_segment };

  for (uint32_t i = 0; i < context->outputs[0].shape.n_dims; i++)
    if (attrs->before[i] != 0 || attrs->after[i] != 0)
      segments.changed |= 1u << i;
  return segments;
}

static void
fill_value (const RtOpContext *context, uint8_t *fill)
{
  const RtPadAttrs *attrs = context->attrs;
  const RtTensor *y = &context->outputs[0];

  if (context->inputs[1].data != NULL)
    memcpy (fill, context->inputs[1].data, rt_type_bytes (y->type));
  else
    rt_number_set (y->type, fill, 0, attrs->value);
}

static uint32_t
pad_chunks (const RtOpContext *context, uint32_t phase)
{
  RtSegments segments = pad_segments (context);
  return rt_segments_chunks (context, &segments);
}

static void
pad_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  RtSegments segments = pad_segments (context);
  _Alignas(8) uint8_t fill[8];

  fill_value (context, fill);
  rt_segments_run (context, chunk, &segments, fill);
}

/* Step by step: mirrored, moved or clamped until it lies inside. -1: outside. */
static int64_t
fold (uint32_t mode, int64_t j, int64_t n)
{
  while (j < 0 || j >= n)
    switch (mode)
      {
      case RT_PAD_REFLECT:
        j = n == 1 ? 0 : j < 0 ? -j : 2 * (n - 1) - j;
        break;
      case RT_PAD_SYMMETRIC:
        j = j < 0 ? -j - 1 : 2 * n - 1 - j;
        break;
      case RT_PAD_EDGE:
        j = j < 0 ? 0 : n - 1;
        break;
      case RT_PAD_WRAP:
        j += j < 0 ? n : -n;
        break;
      default:
        return -1;
      }
  return j;
}

static void
pad_reference (const RtOpContext *context)
{
  const RtPadAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const size_t elem = rt_type_bytes (y->type);
  int64_t index[RT_MAX_DIMS] = { 0 };
  uint8_t *to = y->data;
  _Alignas(8) uint8_t fill[8];

  if (rt_shape_n (&y->shape) == 0)
    return;
  fill_value (context, fill);
  do
    {
      int64_t at = 0;
      for (uint32_t i = 0; i < y->shape.n_dims && at >= 0; i++)
        {
          int64_t j = fold (attrs->mode, index[i] - attrs->before[i], x->shape.dims[i]);
          at = j < 0 ? -1 : at * x->shape.dims[i] + j;
        }
      memcpy (to, at < 0 ? fill : (const uint8_t *)x->data + (size_t)at * elem, elem);
      to += elem;
    }
  while (rt_move_next (&y->shape, index));
}

static bool
pad_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
             void *attrs)
{
  RtPadAttrs *pad = attrs;

  if (rt_graph_value (graph, node->inputs[0])->shape.n_dims != n_dims)
    return false;
  rt_move_permute_i64 (pad->before, perm, n_dims);
  rt_move_permute_i64 (pad->after, perm, n_dims);
  return true;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD (RtPadAttrs, mode, 0, RT_PAD_WRAP),
  RT_FIELD (RtPadAttrs, before, -INT32_MAX, INT32_MAX),
  RT_FIELD (RtPadAttrs, after, -INT32_MAX, INT32_MAX),
  RT_FIELD_REAL (RtPadAttrs, value),
};
/* clang-format on */

const RtOp rt_op_pad = {
  .name = "pad",
  .title = "Pad",
  .attrs_bytes = sizeof (RtPadAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 2,
  .n_outputs = 1,
  .infer = pad_infer,
  .n_phases = 1,
  .n_chunks = pad_chunks,
  .run = pad_run,
  .reference = pad_reference,
  .cost = rt_move_cost,
  .permute = pad_permute,
};
