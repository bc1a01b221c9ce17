/* Elements in reverse order along axes, rotated along axes, or reversed up to a length of each
 * batch entry's own. */
#include "rt-segments.h"

/* ---- named axes ---- */

static bool
axes_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtAxesAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  uint32_t axis;

  if (x == NULL)
    return false;
  if (attrs->n_axes > RT_MAX_DIMS)
    return rt_fail (error, RT_ERROR_RANGE, "%u axes", attrs->n_axes);
  for (uint32_t i = 0; i < attrs->n_axes; i++)
    if (!rt_move_axis (attrs->axes[i], x->shape.n_dims, &axis, error))
      return false;
  shapes[0] = x->shape;
  types[0] = x->type;
  return true;
}

static bool
axes_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
              void *attrs)
{
  RtAxesAttrs *axes = attrs;

  for (uint32_t i = 0; i < axes->n_axes; i++)
    if (!rt_move_permute_axis (graph, node, perm, n_dims, &axes->axes[i]))
      return false;
  return true;
}

static uint32_t
axes_mask (const RtAxesAttrs *attrs, uint32_t n_dims)
{
  uint32_t mask = 0;

  for (uint32_t i = 0; i < attrs->n_axes; i++)
    mask |= 1u << rt_move_attr_axis (attrs->axes[i], n_dims);
  return mask;
}

/* ---- reverse ---- */

static void
reverse_view (const RtOpContext *context, RtStrided *s)
{
  const RtShape *shape = &context->outputs[0].shape;
  uint32_t mask = axes_mask (context->attrs, shape->n_dims);
  int64_t strides[RT_MAX_DIMS];

  rt_move_strides (shape, strides);
  for (uint32_t i = 0; i < shape->n_dims; i++)
    {
      bool is_reversed = mask >> i & 1;
      rt_strided_add (s, shape->dims[i], is_reversed ? -strides[i] : strides[i], strides[i]);
      if (is_reversed)
        s->from_offset += (shape->dims[i] - 1) * strides[i];
    }
}

static int64_t
reverse_source (const RtOpContext *context, const int64_t *index)
{
  const RtShape *shape = &context->outputs[0].shape;
  uint32_t mask = axes_mask (context->attrs, shape->n_dims);
  int64_t at = 0;

  for (uint32_t i = 0; i < shape->n_dims; i++)
    at = at * shape->dims[i] + (mask >> i & 1 ? shape->dims[i] - 1 - index[i] : index[i]);
  return at;
}

/* ---- roll ---- */

/* Where element @i of dimension @dim comes from. */
static int64_t
rolled (const RtAxesAttrs *attrs, const RtShape *shape, uint32_t dim, int64_t i)
{
  int64_t n = shape->dims[dim];

  for (uint32_t k = 0; k < attrs->n_axes; k++)
    if (rt_move_attr_axis (attrs->axes[k], shape->n_dims) == dim)
      i = ((i - attrs->shifts[k] % n) % n + n) % n;
  return i;
}

static RtSegment
roll_segment (const RtOpContext *context, uint32_t dim, int64_t i)
{
  const RtShape *shape = &context->outputs[0].shape;
  int64_t from = rolled (context->attrs, shape, dim, i), n = shape->dims[dim];

  return (RtSegment){ n - (from > i ? from : i), from, 1 };
}

static RtSegments
roll_segments (const RtOpContext *context)
{
  return (RtSegments){ axes_mask (context->attrs, context->outputs[0].shape.n_dims), roll_segment };
}

static uint32_t
roll_chunks (const RtOpContext *context, uint32_t phase)
{
  RtSegments segments = roll_segments (context);
  return rt_segments_chunks (context, &segments);
}

static void
roll_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  RtSegments segments = roll_segments (context);
  rt_segments_run (context, chunk, &segments, NULL);
}

static int64_t
roll_source (const RtOpContext *context, const int64_t *index)
{
  const RtShape *shape = &context->outputs[0].shape;
  int64_t at = 0;

  for (uint32_t i = 0; i < shape->n_dims; i++)
    at = at * shape->dims[i] + rolled (context->attrs, shape, i, index[i]);
  return at;
}

/* ---- reverse sequence ---- */

static bool
sequence_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                RtError *error)
{
  const RtReverseSequenceAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  const RtValue *lengths = x != NULL ? rt_move_index_input (graph, node, 1, -1, error) : NULL;
  uint32_t batch, time;

  if (lengths == NULL || !rt_move_axis (attrs->batch_axis, x->shape.n_dims, &batch, error)
      || !rt_move_axis (attrs->time_axis, x->shape.n_dims, &time, error))
    return false;
  if (batch == time)
    return rt_fail (error, RT_ERROR_FORMAT, "batch and time are both axis %u", batch);
  if (lengths->shape.n_dims != 1 || lengths->shape.dims[0] != x->shape.dims[batch])
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s: expected one length for each of %lld batch entries", lengths->name,
                    (long long)x->shape.dims[batch]);
  shapes[0] = x->shape;
  types[0] = x->type;
  return true;
}

/* The element of the time axis that comes to @time. */
static int64_t
sequence_time (const RtOpContext *context, int64_t batch, int64_t time, int64_t n_times)
{
  int64_t n = rt_move_raw_index (&context->inputs[1], (size_t)batch);

  n = n < 0 ? 0 : n > n_times ? n_times : n;
  return time < n ? n - 1 - time : time;
}

static int64_t
sequence_source (const RtOpContext *context, const int64_t *index)
{
  const RtReverseSequenceAttrs *attrs = context->attrs;
  const RtShape *shape = &context->outputs[0].shape;
  uint32_t batch = rt_move_attr_axis (attrs->batch_axis, shape->n_dims);
  uint32_t time = rt_move_attr_axis (attrs->time_axis, shape->n_dims);
  int64_t at = 0;

  for (uint32_t i = 0; i < shape->n_dims; i++)
    at = at * shape->dims[i]
         + (i == time ? sequence_time (context, index[batch], index[time], shape->dims[time])
                      : index[i]);
  return at;
}

/* Pieces behind both axes. */
typedef struct
{
  uint32_t n_outer;
  uint64_t n_pieces, piece_bytes;
} Pieces;

static Pieces
sequence_pieces (const RtOpContext *context)
{
  const RtReverseSequenceAttrs *attrs = context->attrs;
  const RtShape *shape = &context->outputs[0].shape;
  uint32_t batch = rt_move_attr_axis (attrs->batch_axis, shape->n_dims);
  uint32_t time = rt_move_attr_axis (attrs->time_axis, shape->n_dims);
  Pieces p = { .n_outer = (batch > time ? batch : time) + 1 };

  p.n_pieces = (uint64_t)rt_move_product (shape, 0, p.n_outer);
  p.piece_bytes = (uint64_t)rt_move_product (shape, p.n_outer, shape->n_dims)
                  * rt_type_bytes (context->outputs[0].type);
  return p;
}

static uint32_t
sequence_chunks (const RtOpContext *context, uint32_t phase)
{
  Pieces p = sequence_pieces (context);
  return rt_split (p.n_pieces, 2 * p.piece_bytes, context->n_threads);
}

static void
sequence_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtShape *shape = &context->outputs[0].shape;
  Pieces p = sequence_pieces (context);
  int64_t index[RT_MAX_DIMS] = { 0 };
  uint64_t first, last;

  rt_move_range (context, p.n_pieces, 2 * p.piece_bytes, chunk, &first, &last);
  for (uint64_t piece = first; piece < last; piece++)
    {
      uint64_t rest = piece;
      for (uint32_t d = p.n_outer; d-- > 0;)
        {
          index[d] = (int64_t)(rest % (uint64_t)shape->dims[d]);
          rest /= (uint64_t)shape->dims[d];
        }
      size_t from
          = (size_t)sequence_source (context, index) * rt_type_bytes (context->outputs[0].type);
      memcpy ((uint8_t *)context->outputs[0].data + piece * p.piece_bytes,
              (const uint8_t *)context->inputs[0].data + from, p.piece_bytes);
    }
}

static const RtMoveView reverse = { reverse_view, reverse_source };
static const RtMoveView roll = { NULL, roll_source };
static const RtMoveView sequence = { NULL, sequence_source };

/* clang-format off */
static const RtField axes_fields[] = {
  RT_FIELD (RtAxesAttrs, n_axes, 0, RT_MAX_DIMS),
  RT_FIELD_AXIS (RtAxesAttrs, axes),
  RT_FIELD_FINITE (RtAxesAttrs, shifts),
};

static const RtField sequence_fields[] = {
  RT_FIELD_AXIS (RtReverseSequenceAttrs, batch_axis),
  RT_FIELD_AXIS (RtReverseSequenceAttrs, time_axis),
};
/* clang-format on */

const RtOp rt_op_reverse = {
  .name = "reverse",
  .title = "Reverse",
  .attrs_bytes = sizeof (RtAxesAttrs),
  RT_FIELDS (axes_fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .data = &reverse,
  .infer = axes_infer,
  .n_phases = 1,
  .n_chunks = rt_move_view_chunks,
  .run = rt_move_view_run,
  .reference = rt_move_view_reference,
  .cost = rt_move_cost,
  .permute = axes_permute,
};

const RtOp rt_op_roll = {
  .name = "roll",
  .title = "Roll",
  .attrs_bytes = sizeof (RtAxesAttrs),
  RT_FIELDS (axes_fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .data = &roll,
  .infer = axes_infer,
  .n_phases = 1,
  .n_chunks = roll_chunks,
  .run = roll_run,
  .reference = rt_move_view_reference,
  .cost = rt_move_cost,
  .permute = axes_permute,
};

const RtOp rt_op_reverse_sequence = {
  .name = "reverse-sequence",
  .title = "Reverse sequences",
  .attrs_bytes = sizeof (RtReverseSequenceAttrs),
  RT_FIELDS (sequence_fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .data = &sequence,
  .infer = sequence_infer,
  .n_phases = 1,
  .n_chunks = sequence_chunks,
  .run = sequence_run,
  .reference = rt_move_view_reference,
  .cost = rt_move_cost,
};
