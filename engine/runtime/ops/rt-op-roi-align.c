/* Feature maps inside of boxes, each in the same size. */
#include <math.h>

#include "rt-op-move.h"

/* Per axis of a bin, so that a box without measure does not take for ever. */
#define MAX_SAMPLES 1024

typedef struct
{
  int64_t n, h, w, c, n_boxes, out_h, out_w;
  bool channels_first;
} Sizes;

static bool
roi_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtRoiAlignAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  const RtValue *boxes = x != NULL ? rt_move_input (graph, node, 1, error) : NULL;
  const RtValue *batch = boxes != NULL ? rt_move_index_input (graph, node, 2, -1, error) : NULL;
  char a[128], b[128];

  if (batch == NULL || !rt_move_check_type (x, RT_TYPE_F32, error)
      || !rt_move_check_type (boxes, RT_TYPE_F32, error) || !rt_move_check_shape (&x->shape, error)
      || !rt_move_check_shape (&boxes->shape, error))
    return false;
  if (x->shape.n_dims != 4 || boxes->shape.n_dims != 2 || boxes->shape.dims[1] != 4
      || batch->shape.n_dims != 1 || batch->shape.dims[0] != boxes->shape.dims[0]
      || rt_shape_n (&x->shape) == 0)
    return rt_fail (
        error, RT_ERROR_FORMAT,
        "expected a map of 4 dimensions, boxes [R, 4] and as many batch indices, got %s "
        "and %s",
        rt_shape_text (&x->shape, a, sizeof a), rt_shape_text (&boxes->shape, b, sizeof b));
  if (attrs->out_h < 1 || attrs->out_w < 1 || attrs->out_h > 4096 || attrs->out_w > 4096
      || attrs->sampling_ratio > 1024)
    return rt_fail (error, RT_ERROR_RANGE, "boxes of %u x %u with %u samples", attrs->out_w,
                    attrs->out_h, attrs->sampling_ratio);
  bool first = attrs->channels_first != 0;
  shapes[0] = (RtShape){ 4,
                         { boxes->shape.dims[0], first ? x->shape.dims[1] : attrs->out_h,
                           first ? attrs->out_h : attrs->out_w,
                           first ? attrs->out_w : x->shape.dims[3] } };
  types[0] = RT_TYPE_F32;
  return true;
}

static Sizes
sizes_of (const RtOpContext *context)
{
  const RtRoiAlignAttrs *attrs = context->attrs;
  const int64_t *x = context->inputs[0].shape.dims;
  bool first = attrs->channels_first != 0;

  return (Sizes){ x[0],
                  first ? x[2] : x[1],
                  first ? x[3] : x[2],
                  first ? x[1] : x[3],
                  context->inputs[1].shape.dims[0],
                  attrs->out_h,
                  attrs->out_w,
                  first };
}

/* One axis of a box: where it begins, the size of a bin, samples per bin. */
typedef struct
{
  float start, bin;
  int64_t n;
} Axis;

static Axis
axis_of (const RtRoiAlignAttrs *attrs, float from, float to, uint32_t n_bins)
{
  const float shift = attrs->half_pixel ? 0.5f : 0;
  Axis axis = { .start = from * attrs->spatial_scale - shift };
  float size = to * attrs->spatial_scale - shift - axis.start;

  /* Boxes of no size, and what is no number. */
  if (!attrs->half_pixel && !(size >= 1))
    size = 1;
  if (!(fabsf (size) < 1e6f) || !(fabsf (axis.start) < 1e9f))
    axis.start = size = 0;
  axis.bin = size / (float)n_bins;
  axis.n = attrs->sampling_ratio > 0 ? attrs->sampling_ratio : (int64_t)ceilf (axis.bin);
  axis.n = axis.n > MAX_SAMPLES ? MAX_SAMPLES : axis.n;
  return axis;
}

/* The two pixels about @at and the weight of the second; false outside. */
static bool
pixels_about (float at, int64_t n, int64_t *low, int64_t *high, float *weight)
{
  if (at < -1 || at > (float)n)
    return false;
  at = at < 0 ? 0 : at;
  *low = (int64_t)at;
  *high = *low + 1;
  *weight = at - (float)*low;
  if (*low >= n - 1)
    {
      *low = *high = n - 1;
      *weight = 0;
    }
  return true;
}

/* Add (or compare) one sample to @n channels, @step apart in the map, @to_step in the output. With
 * @max the largest of the four weighted pixels counts, as in ONNX's definition. */
static void
add_sample (bool max, bool first, const float *const *corners, const float *weights, int64_t n,
            int64_t step, float *to, int64_t to_step)
{
  for (int64_t c = 0; c < n; c++)
    {
      float value = corners[0][c * step] * weights[0];
      for (int k = 1; k < 4; k++)
        {
          float v = corners[k][c * step] * weights[k];
          value = max ? (v > value ? v : value) : value + v;
        }
      float *y = to + c * to_step;
      if (first)
        *y = value;
      else
        *y = max ? (value > *y ? value : *y) : *y + value;
    }
}

/* One bin of one box, all channels. */
static void
put_bin (const RtOpContext *context, const Sizes *s, int64_t at)
{
  const RtRoiAlignAttrs *attrs = context->attrs;
  const int64_t n_bins = s->out_h * s->out_w, n_pixels = s->h * s->w;
  const int64_t box_at = at / n_bins, bin_y = at % n_bins / s->out_w, bin_x = at % s->out_w;
  const float *box = (const float *)context->inputs[1].data + 4 * box_at;
  const float *x = (const float *)context->inputs[0].data
                   + rt_move_index (&context->inputs[2], (size_t)box_at, s->n) * n_pixels * s->c;
  const int64_t pixel_step = s->channels_first ? 1 : s->c;
  const int64_t x_step = s->channels_first ? n_pixels : 1;
  const int64_t to_step = s->channels_first ? n_bins : 1;
  float *to = (float *)context->outputs[0].data
              + (s->channels_first ? box_at * s->c * n_bins + at % n_bins : at * s->c);
  Axis ys = axis_of (attrs, box[1], box[3], attrs->out_h);
  Axis xs = axis_of (attrs, box[0], box[2], attrs->out_w);
  static const float nothing = 0, zeros[4] = { 0 };
  bool first = true;

  for (int64_t iy = 0; iy < ys.n; iy++)
    for (int64_t ix = 0; ix < xs.n; ix++)
      {
        float y_at = ys.start + (float)bin_y * ys.bin + ((float)iy + 0.5f) * ys.bin / (float)ys.n;
        float x_at = xs.start + (float)bin_x * xs.bin + ((float)ix + 0.5f) * xs.bin / (float)xs.n;
        int64_t y0, y1, x0, x1;
        float wy, wx;
        if (!pixels_about (y_at, s->h, &y0, &y1, &wy) || !pixels_about (x_at, s->w, &x0, &x1, &wx))
          {
            const float *const none[4] = { &nothing, &nothing, &nothing, &nothing };
            add_sample (attrs->max, first, none, zeros, s->c, 0, to, to_step);
          }
        else
          {
            const float *const corners[4]
                = { x + (y0 * s->w + x0) * pixel_step, x + (y0 * s->w + x1) * pixel_step,
                    x + (y1 * s->w + x0) * pixel_step, x + (y1 * s->w + x1) * pixel_step };
            const float weights[4] = { (1 - wy) * (1 - wx), (1 - wy) * wx, wy * (1 - wx), wy * wx };
            add_sample (attrs->max, first, corners, weights, s->c, x_step, to, to_step);
          }
        first = false;
      }
  for (int64_t c = 0; c < s->c; c++)
    if (first)
      to[c * to_step] = 0;
    else if (!attrs->max)
      to[c * to_step] /= (float)(ys.n * xs.n);
}

static uint64_t
n_all_bins (const Sizes *s)
{
  return (uint64_t)(s->n_boxes * s->out_h * s->out_w);
}

static uint64_t
bin_bytes (const RtOpContext *context, const Sizes *s)
{
  const RtRoiAlignAttrs *attrs = context->attrs;
  uint64_t n = attrs->sampling_ratio > 0 ? attrs->sampling_ratio : 2;
  return (uint64_t)s->c * 16 * n * n + 64;
}

static uint32_t
roi_chunks (const RtOpContext *context, uint32_t phase)
{
  Sizes s = sizes_of (context);
  return rt_split (n_all_bins (&s), bin_bytes (context, &s), context->n_threads);
}

static void
roi_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  Sizes s = sizes_of (context);
  uint64_t first, last;

  rt_move_range (context, n_all_bins (&s), bin_bytes (context, &s), chunk, &first, &last);
  for (uint64_t bin = first; bin < last; bin++)
    put_bin (context, &s, (int64_t)bin);
}

static void
roi_reference (const RtOpContext *context)
{
  Sizes s = sizes_of (context);

  for (int64_t bin = 0; bin < (int64_t)n_all_bins (&s); bin++)
    put_bin (context, &s, bin);
}

static void
roi_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtRoiAlignAttrs *attrs = query->node->attrs;
  uint64_t n = attrs->sampling_ratio > 0 ? attrs->sampling_ratio : 2;

  rt_op_cost_io (query, cost);
  cost->flops = cost->write_bytes / sizeof (float) * 8 * n * n;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_FLAG (RtRoiAlignAttrs, max),
  RT_FIELD (RtRoiAlignAttrs, out_h, 1, 4096),
  RT_FIELD (RtRoiAlignAttrs, out_w, 1, 4096),
  RT_FIELD (RtRoiAlignAttrs, sampling_ratio, 0, MAX_SAMPLES),
  RT_FIELD_FINITE (RtRoiAlignAttrs, spatial_scale),
  RT_FIELD_FLAG (RtRoiAlignAttrs, half_pixel),
  RT_FIELD_FLAG (RtRoiAlignAttrs, channels_first),
};
/* clang-format on */

const RtOp rt_op_roi_align = {
  .name = "roi-align",
  .title = "Boxes of a feature map",
  .attrs_bytes = sizeof (RtRoiAlignAttrs),
  RT_FIELDS (fields),
  .min_inputs = 3,
  .max_inputs = 3,
  .n_outputs = 1,
  .infer = roi_infer,
  .n_phases = 1,
  .n_chunks = roi_chunks,
  .run = roi_run,
  .reference = roi_reference,
  .cost = roi_cost,
};
