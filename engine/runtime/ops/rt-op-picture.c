/* A picture of any size as the input of a network: frame, resampling, channels, normalisation in
 * one pass over the picture. The rows that one output row is made of are added up first, as bytes
 * times weights; then the columns.
 *
 * Resampling is separable. Centres of pixels lie at half numbers; output pixel i of an axis stands
 * for the interval [start + i step, start + (i + 1) step] of the picture. */
#include <math.h>

#include "rt-op-move.h"

typedef struct
{
  double left, top, width, height;
} Frame;

/* What one output row or column is made of: @n rows or columns from @first on. n 0: outside. */
typedef struct
{
  int32_t first, n;
  uint32_t weights; /* where its weights begin */
} Span;

/* In the shared scratch. */
typedef struct
{
  Span *rows, *cols;
  float *weights;
} Tables;

static bool
picture_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
               RtError *error)
{
  const RtPictureAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);
  char text[128];

  if (x == NULL || !rt_move_check_type (x, RT_TYPE_U8, error))
    return false;
  if (x->shape.n_dims != 3 || x->shape.dims[2] != 3 || x->shape.dims[0] == 0
      || x->shape.dims[1] == 0)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected a picture [height, width, 3], got %s",
                    x->name, rt_shape_text (&x->shape, text, sizeof text));
  if (attrs->height < 1 || attrs->width < 1 || attrs->height > 1 << 15 || attrs->width > 1 << 15)
    return rt_fail (error, RT_ERROR_RANGE, "a frame of %u x %u pixels, expected 1 to %d each",
                    attrs->width, attrs->height, 1 << 15);
  if (attrs->fit > RT_PICTURE_STRETCH || attrs->channels > RT_PICTURE_GREY
      || attrs->filter > RT_PICTURE_BILINEAR || attrs->zoom < 0 || attrs->zoom > 1
      || (attrs->type != RT_TYPE_F32 && attrs->type != RT_TYPE_U8 && attrs->type != RT_TYPE_I8))
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "fit %u, channels %u, filter %u, zoom %g, type %s",
                    attrs->fit, attrs->channels, attrs->filter, (double)attrs->zoom,
                    rt_type_name (attrs->type));
  shapes[0]
      = (RtShape){ 4,
                   { 1, attrs->height, attrs->width, attrs->channels == RT_PICTURE_GREY ? 1 : 3 } };
  types[0] = attrs->type;
  return true;
}

/* ---- frame and weights ---- */

static Frame
find_frame (const RtPictureAttrs *attrs, int64_t picture_h, int64_t picture_w)
{
  const double h = (double)picture_h, w = (double)picture_w;
  double y = h / attrs->height, x = w / attrs->width, step;

  if (attrs->fit == RT_PICTURE_STRETCH)
    return (Frame){ 0, 0, w, h };
  if (attrs->fit == RT_PICTURE_CROP)
    step = (y < x ? y : x) * (attrs->zoom > 0 ? (double)attrs->zoom : 1);
  else
    step = y > x ? y : x;
  return (Frame){ (w - step * attrs->width) / 2, (h - step * attrs->height) / 2,
                  step * attrs->width, step * attrs->height };
}

void
rt_picture_frame (const RtPictureAttrs *attrs, int64_t picture_h, int64_t picture_w,
                  RtPictureFrame *frame)
{
  Frame f = find_frame (attrs, picture_h, picture_w);

  *frame = (RtPictureFrame){ (float)f.left, (float)f.top, (float)f.width, (float)f.height };
}

/* One axis of the picture. */
typedef struct
{
  uint32_t filter;
  int64_t n; /* pixels */
  double start, step;
} Axis;

static Axis
axis_of (const RtPictureAttrs *attrs, const RtShape *x, bool columns)
{
  Frame f = find_frame (attrs, x->dims[0], x->dims[1]);

  if (columns)
    return (Axis){ attrs->filter, x->dims[1], f.left, f.width / attrs->width };
  return (Axis){ attrs->filter, x->dims[0], f.top, f.height / attrs->height };
}

/* How much pixel @i counts for an output pixel centred at @centre, before normalisation. */
static double
weight_at (const Axis *axis, double centre, int64_t i)
{
  const double distance = fabs ((double)i + 0.5 - centre);
  double left, right, weight;

  if (axis->filter == RT_PICTURE_AREA && axis->step > 1)
    {
      left = fmax ((double)i, centre - axis->step / 2);
      right = fmin ((double)i + 1, centre + axis->step / 2);
      weight = right - left;
    }
  else if (axis->filter == RT_PICTURE_TRIANGLE && axis->step > 1)
    weight = 1 - distance / axis->step;
  else
    weight = 1 - distance;
  return weight > 0 ? weight : 0;
}

/* Pixels that can count, clamped to the picture; false where the centre lies outside of it. */
static bool
find_span (const Axis *axis, int64_t i, double *centre, int64_t *first, int64_t *last)
{
  const double reach = axis->step > 1 && axis->filter != RT_PICTURE_BILINEAR ? axis->step : 1;

  *centre = axis->start + ((double)i + 0.5) * axis->step;
  if (*centre < 0 || *centre >= (double)axis->n)
    return false;
  double low = floor (*centre - 0.5 - reach), high = ceil (*centre - 0.5 + reach);
  *first = low < 0 ? 0 : (int64_t)low;
  *last = high > (double)(axis->n - 1) ? axis->n - 1 : (int64_t)high;
  return true;
}

static uint32_t
fill_spans (const Axis *axis, int64_t n, Span *spans, float *weights, uint32_t at)
{
  for (int64_t i = 0; i < n; i++)
    {
      double centre, sum = 0;
      int64_t first, last;
      spans[i] = (Span){ 0 };
      if (!find_span (axis, i, &centre, &first, &last))
        continue;
      while (first < last && weight_at (axis, centre, first) == 0)
        first++;
      while (last > first && weight_at (axis, centre, last) == 0)
        last--;
      for (int64_t k = first; k <= last; k++)
        sum += weight_at (axis, centre, k);
      spans[i] = (Span){ (int32_t)first, (int32_t)(last - first + 1), at };
      for (int64_t k = first; k <= last; k++)
        weights[at++] = (float)(weight_at (axis, centre, k) / sum);
    }
  return at;
}

/* ---- scratch ---- */

static uint64_t
aligned (uint64_t n)
{
  return (n + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

/* At most two steps and two pixels for each output pixel, and those at the ends twice; frames are
 * no larger than the picture but where they letterbox it, and there what lies outside takes
 * none. */
static uint64_t
max_weights (uint64_t picture, uint64_t frame)
{
  return 4 * picture + 5 * frame + 8;
}

static void
picture_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtPictureAttrs *attrs = query->node->attrs;
  RtShape x;

  rt_shape_bind (&rt_graph_value (query->graph, query->node->inputs[0])->shape, query->symbols, &x);
  *shared_bytes = aligned ((attrs->height + attrs->width) * sizeof (Span))
                  + (max_weights ((uint64_t)x.dims[0], attrs->height)
                     + max_weights ((uint64_t)x.dims[1], attrs->width))
                        * sizeof (float);
  /* A row of the picture, and what a load of four floats reads behind it. */
  *thread_bytes = ((uint64_t)x.dims[1] * 3 + 4) * sizeof (float);
}

static Tables
tables_of (const RtOpContext *context)
{
  const RtPictureAttrs *attrs = context->attrs;
  uint8_t *memory = context->scratch;
  Tables t = { .rows = (Span *)(void *)memory };

  t.cols = t.rows + attrs->height;
  t.weights = (float *)(void *)(memory + aligned ((attrs->height + attrs->width) * sizeof (Span)));
  return t;
}

/* ---- run ---- */

static uint64_t
row_bytes (const RtOpContext *context)
{
  const RtPictureAttrs *attrs = context->attrs;
  const RtShape *x = &context->inputs[0].shape;
  uint64_t picture = (uint64_t)(x->dims[0] * x->dims[1]) * 3 / attrs->height;
  return picture * 5 + attrs->width * 24;
}

static uint32_t
picture_chunks (const RtOpContext *context, uint32_t phase)
{
  const RtPictureAttrs *attrs = context->attrs;
  return phase == 0 ? 1 : rt_split (attrs->height, row_bytes (context), context->n_threads);
}

static void
make_tables (const RtOpContext *context)
{
  const RtPictureAttrs *attrs = context->attrs;
  const RtShape *x = &context->inputs[0].shape;
  Axis rows = axis_of (attrs, x, false), cols = axis_of (attrs, x, true);
  Tables t = tables_of (context);

  uint32_t at = fill_spans (&rows, attrs->height, t.rows, t.weights, 0);
  fill_spans (&cols, attrs->width, t.cols, t.weights, at);
}

typedef float V4 __attribute__ ((vector_size (16)));
typedef float V8 __attribute__ ((vector_size (32)));
typedef uint8_t B8 __attribute__ ((vector_size (8)));

/* sum[i] (+)= w * x[i]; @first: instead of adding. */
static inline __attribute__ ((always_inline)) void
add_row (bool first, const uint8_t *x, float w, size_t n, float *sum)
{
  size_t i = 0;

  for (; i + 8 <= n; i += 8)
    {
      B8 bytes;
      V8 old;
      memcpy (&bytes, x + i, sizeof bytes);
      V8 product = __builtin_convertvector(bytes, V8) * w;
      if (!first)
        {
          memcpy (&old, sum + i, sizeof old);
          product = old + product;
        }
      memcpy (sum + i, &product, sizeof product);
    }
  for (; i < n; i++)
    sum[i] = (first ? 0 : sum[i]) + (float)x[i] * w;
}

/* Channels of the output, before scale and offset. */
static inline uint32_t
pick_channels (uint32_t channels, const float *rgb, float *v)
{
  if (channels == RT_PICTURE_GREY)
    {
      v[0] = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
      return 1;
    }
  v[0] = rgb[channels == RT_PICTURE_BGR ? 2 : 0];
  v[1] = rgb[1];
  v[2] = rgb[channels == RT_PICTURE_BGR ? 0 : 2];
  return 3;
}

static inline float
clamp (float x, float low, float high)
{
  return x < low ? low : x > high ? high : x;
}

static inline void
put_pixel (const RtPictureAttrs *attrs, const float *v, uint32_t n, void *data, size_t at)
{
  for (uint32_t c = 0; c < n; c++)
    {
      float y = v[c] * attrs->scale[c] + attrs->offset[c];
      if (attrs->type == RT_TYPE_F32)
        ((float *)data)[at * n + c] = y;
      else if (attrs->type == RT_TYPE_U8)
        ((uint8_t *)data)[at * n + c] = (uint8_t)rintf (clamp (y, 0, 255));
      else
        ((int8_t *)data)[at * n + c] = (int8_t)rintf (clamp (y, -128, 127));
    }
}

static void
make_row (const RtOpContext *context, const Tables *t, size_t row, float *sums)
{
  const RtPictureAttrs *attrs = context->attrs;
  const uint8_t *x = context->inputs[0].data;
  const size_t n_cols = (size_t)context->inputs[0].shape.dims[1];
  const Span *span = &t->rows[row];
  const uint32_t n_channels = attrs->channels == RT_PICTURE_GREY ? 1 : 3;
  size_t from = n_cols, to = 0;

  for (size_t i = 0; i < attrs->width; i++)
    if (t->cols[i].n > 0)
      {
        size_t first = (size_t)t->cols[i].first, end = first + (size_t)t->cols[i].n;
        from = first < from ? first : from;
        to = end > to ? end : to;
      }
  for (int32_t k = 0; k < span->n && from < to; k++)
    {
      const uint8_t *line = x + ((size_t)(span->first + k) * n_cols + from) * 3;
      float w = t->weights[span->weights + (uint32_t)k];
      if (k == 0)
        add_row (true, line, w, (to - from) * 3, sums + from * 3);
      else
        add_row (false, line, w, (to - from) * 3, sums + from * 3);
    }
  for (size_t i = 0; i < attrs->width; i++)
    {
      const Span *col = &t->cols[i];
      float v[3];
      if (span->n == 0 || col->n == 0)
        {
          put_pixel (attrs, attrs->pad, n_channels, context->outputs[0].data,
                     row * attrs->width + i);
          continue;
        }
      V4 sum = { 0 };
      for (int32_t k = 0; k < col->n; k++)
        {
          V4 rgb;
          memcpy (&rgb, sums + 3 * (size_t)(col->first + k), sizeof rgb);
          sum += rgb * t->weights[col->weights + (uint32_t)k];
        }
      float rgb[4];
      memcpy (rgb, &sum, sizeof rgb);
      pick_channels (attrs->channels, rgb, v);
      put_pixel (attrs, v, n_channels, context->outputs[0].data, row * attrs->width + i);
    }
}

static void
picture_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtPictureAttrs *attrs = context->attrs;
  uint64_t first, last;

  if (phase == 0)
    {
      make_tables (context);
      return;
    }
  Tables t = tables_of (context);
  rt_move_range (context, attrs->height, row_bytes (context), chunk, &first, &last);
  for (uint64_t row = first; row < last; row++)
    make_row (context, &t, row, rt_op_thread_scratch (context, worker));
}

/* Pixel by pixel, weights of both axes at once. */
static void
picture_reference (const RtOpContext *context)
{
  const RtPictureAttrs *attrs = context->attrs;
  const RtShape *x = &context->inputs[0].shape;
  const uint8_t *data = context->inputs[0].data;
  Axis rows = axis_of (attrs, x, false), cols = axis_of (attrs, x, true);
  const uint32_t n_channels = attrs->channels == RT_PICTURE_GREY ? 1 : 3;

  for (size_t at = 0; at < (size_t)attrs->height * attrs->width; at++)
    {
      double cy, cx, rgb[3] = { 0 }, sum = 0;
      int64_t y0, y1, x0, x1;
      float mean[3], v[3];
      memcpy (v, attrs->pad, sizeof v);
      if (find_span (&rows, (int64_t)(at / attrs->width), &cy, &y0, &y1)
          && find_span (&cols, (int64_t)(at % attrs->width), &cx, &x0, &x1))
        {
          for (int64_t i = y0; i <= y1; i++)
            for (int64_t j = x0; j <= x1; j++)
              {
                double w = weight_at (&rows, cy, i) * weight_at (&cols, cx, j);
                sum += w;
                for (int c = 0; c < 3; c++)
                  rgb[c] += w * data[(i * x->dims[1] + j) * 3 + c];
              }
          for (int c = 0; c < 3; c++)
            mean[c] = (float)(rgb[c] / sum);
          pick_channels (attrs->channels, mean, v);
        }
      put_pixel (attrs, v, n_channels, context->outputs[0].data, at);
    }
}

static void
picture_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  /* A product and a sum for each byte of the picture, about as many for each output. */
  cost->flops = 2 * cost->read_bytes + 8 * cost->write_bytes;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD (RtPictureAttrs, height, 1, 1 << 15),
  RT_FIELD (RtPictureAttrs, width, 1, 1 << 15),
  RT_FIELD (RtPictureAttrs, fit, 0, RT_PICTURE_STRETCH),
  RT_FIELD (RtPictureAttrs, channels, 0, RT_PICTURE_GREY),
  RT_FIELD (RtPictureAttrs, filter, 0, RT_PICTURE_BILINEAR),
  RT_FIELD_ELEMENT (RtPictureAttrs, type),
  RT_FIELD (RtPictureAttrs, zoom, 0, 1),
  RT_FIELD_FINITE (RtPictureAttrs, scale),
  RT_FIELD_FINITE (RtPictureAttrs, offset),
  RT_FIELD_FINITE (RtPictureAttrs, pad),
};
/* clang-format on */

const RtOp rt_op_picture = {
  .name = "picture",
  .title = "Picture to tensor",
  .attrs_bytes = sizeof (RtPictureAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = picture_infer,
  .scratch = picture_scratch,
  .n_phases = 2,
  .n_chunks = picture_chunks,
  .run = picture_run,
  .reference = picture_reference,
  .cost = picture_cost,
};
