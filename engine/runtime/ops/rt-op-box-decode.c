/* Boxes and points from what a detector says about its anchors. */
#include "rt-op-move.h"

static bool
decode_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtBoxDecodeAttrs *attrs = node->attrs;
  const RtValue *raw = rt_move_input (graph, node, 0, error);
  const RtValue *anchors = raw != NULL ? rt_move_input (graph, node, 1, error) : NULL;
  char a[128], b[128];

  if (anchors == NULL || !rt_move_check_type (raw, RT_TYPE_F32, error)
      || !rt_move_check_type (anchors, RT_TYPE_F32, error))
    return false;
  uint32_t n = raw->shape.n_dims;
  if (n < 2 || anchors->shape.n_dims != 2 || anchors->shape.dims[1] != 4
      || anchors->shape.dims[0] != raw->shape.dims[n - 2])
    return rt_fail (error, RT_ERROR_FORMAT,
                    "expected values [..., N, D] and anchors [N, 4], got %s and %s",
                    rt_shape_text (&raw->shape, a, sizeof a),
                    rt_shape_text (&anchors->shape, b, sizeof b));
  int64_t points_end
      = attrs->n_points > 0 ? (int64_t)attrs->points_offset + 2 * (int64_t)attrs->n_points : 0;
  int64_t box_end = (int64_t)attrs->box_offset + 4;
  if (raw->shape.dims[n - 1] < (box_end > points_end ? box_end : points_end))
    return rt_fail (
        error, RT_ERROR_FORMAT,
        "%s: rows of %lld do not hold a box from column %u and %u points from column %u", raw->name,
        (long long)raw->shape.dims[n - 1], attrs->box_offset, attrs->n_points,
        attrs->points_offset);
  if (attrs->y_scale == 0 || attrs->x_scale == 0 || attrs->h_scale == 0 || attrs->w_scale == 0)
    return rt_fail (error, RT_ERROR_RANGE, "a scale is 0");
  shapes[0] = raw->shape;
  shapes[0].dims[n - 1] = 4 + 2 * (int64_t)attrs->n_points;
  types[0] = RT_TYPE_F32;
  return true;
}

static uint64_t
n_rows (const RtOpContext *context)
{
  return rt_shape_rows (&context->outputs[0].shape);
}

static uint64_t
row_bytes (const RtOpContext *context)
{
  return rt_shape_cols (&context->outputs[0].shape) * 16;
}

static uint32_t
decode_chunks (const RtOpContext *context, uint32_t phase)
{
  return rt_split (n_rows (context), row_bytes (context), context->n_threads);
}

static void
decode_rows (const RtOpContext *context, uint64_t first, uint64_t last)
{
  const RtBoxDecodeAttrs *attrs = context->attrs;
  const size_t n_cols = rt_shape_cols (&context->inputs[0].shape);
  const size_t n_out = rt_shape_cols (&context->outputs[0].shape);
  const uint64_t n_anchors = (uint64_t)context->inputs[1].shape.dims[0];
  const uint32_t y_at = attrs->x_first ? 1 : 0, x_at = 1 - y_at;

  for (uint64_t row = first; row < last; row++)
    {
      const float *raw = (const float *)context->inputs[0].data + row * n_cols;
      const float *anchor = (const float *)context->inputs[1].data + row % n_anchors * 4;
      float *out = (float *)context->outputs[0].data + row * n_out;
      const float *box = raw + attrs->box_offset;
      float y = box[y_at] / attrs->y_scale * anchor[2] + anchor[0];
      float x = box[x_at] / attrs->x_scale * anchor[3] + anchor[1];
      float h = box[2 + y_at] / attrs->h_scale, w = box[2 + x_at] / attrs->w_scale;
      h = 0.5f * (attrs->exponential ? kn_expf (h) : h) * anchor[2];
      w = 0.5f * (attrs->exponential ? kn_expf (w) : w) * anchor[3];
      out[0] = y - h;
      out[1] = x - w;
      out[2] = y + h;
      out[3] = x + w;
      for (uint32_t k = 0; k < attrs->n_points; k++)
        {
          const float *point = raw + attrs->points_offset + 2 * k;
          out[4 + 2 * k] = point[y_at] / attrs->y_scale * anchor[2] + anchor[0];
          out[5 + 2 * k] = point[x_at] / attrs->x_scale * anchor[3] + anchor[1];
        }
    }
}

static void
decode_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  uint64_t first, last;

  rt_move_range (context, n_rows (context), row_bytes (context), chunk, &first, &last);
  decode_rows (context, first, last);
}

static void
decode_reference (const RtOpContext *context)
{
  decode_rows (context, 0, n_rows (context));
}

static void
decode_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = 3 * cost->write_bytes / sizeof (float);
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_FINITE (RtBoxDecodeAttrs, y_scale),
  RT_FIELD_FINITE (RtBoxDecodeAttrs, x_scale),
  RT_FIELD_FINITE (RtBoxDecodeAttrs, h_scale),
  RT_FIELD_FINITE (RtBoxDecodeAttrs, w_scale),
  RT_FIELD_FLAG (RtBoxDecodeAttrs, exponential),
  RT_FIELD_FLAG (RtBoxDecodeAttrs, x_first),
  RT_FIELD_COUNT (RtBoxDecodeAttrs, n_points),
  RT_FIELD_COUNT (RtBoxDecodeAttrs, box_offset),
  RT_FIELD_COUNT (RtBoxDecodeAttrs, points_offset),
};
/* clang-format on */

const RtOp rt_op_box_decode = {
  .name = "box-decode",
  .title = "Boxes of anchors",
  .attrs_bytes = sizeof (RtBoxDecodeAttrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .infer = decode_infer,
  .n_phases = 1,
  .n_chunks = decode_chunks,
  .run = decode_run,
  .reference = decode_reference,
  .cost = decode_cost,
};
