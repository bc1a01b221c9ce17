/* Maximum and average over windows of a picture in f32. One family: the operators differ in the
 * kernel, and in that an average needs to know what it divides by.
 *
 * A chunk is a run of output pixels by a block of channels; of a window only what lies in the
 * picture is read (kn-pool.h). */
#include <math.h>
#include <stdlib.h>

#include "rt-conv.h"
#include "rt-op-fields.h"
#include "rt-ops-conv.h"

/* Channels of a chunk where pixels are few, as with pooling of the whole picture. */
#define BLOCK_CHANNELS 64

/* Averages over more taps than this are sums of sums of PART_TAPS: one sum of thousands would lose
 * digits. */
#define WIDE_TAPS 256
#define PART_TAPS 128

static bool
is_average (const RtNode *node)
{
  return node->op == &rt_op_average_pool;
}

static size_t
min_size (size_t a, size_t b)
{
  return a < b ? a : b;
}

/* ---- infer ---- */

/* The size of y; with @ceil rounded up as long as a window begins in the picture. */
static bool
positions (const RtNode *node, const char *dimension, int64_t size, uint32_t before, uint32_t after,
           uint32_t kernel, uint32_t stride, uint32_t dilation, uint32_t ceil, int64_t *n,
           RtError *error)
{
  if (kernel == 0)
    {
      *n = 1;
      return true;
    }
  if (!rt_picture_positions (node, dimension, size, (uint64_t)before + after, kernel, stride,
                             dilation, n, error))
    return false;
  const int64_t reached = (*n - 1) * stride + (int64_t)dilation * (kernel - 1) + 1;
  if (ceil && reached < size + before + after && *n * (int64_t)stride < size + before)
    ++*n;
  return true;
}

static bool
pool_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtPoolAttrs *a = node->attrs;

  if (!rt_picture_check (graph, node, error))
    return false;

  const RtShape *x = &rt_op_input_value (graph, node, 0)->shape;
  const RtPictureDims in = rt_picture_dims (x, a->channels_first);
  int64_t out_h, out_w;

  if (!(a->min <= a->max))
    return rt_fail (error, RT_ERROR_FORMAT, "%s: limits %g to %g", node->name, (double)a->min,
                    (double)a->max);
  if (!positions (node, "height", in.h, a->pad_top, a->pad_bottom, a->kernel_h, a->stride_h,
                  a->dilation_h, a->ceil, &out_h, error)
      || !positions (node, "width", in.w, a->pad_left, a->pad_right, a->kernel_w, a->stride_w,
                     a->dilation_w, a->ceil, &out_w, error))
    return false;
  if (!rt_picture_check_rows (node, x, out_h, error))
    return false;
  shapes[0] = rt_picture_shape (x, a->channels_first, out_h, out_w, in.c);
  types[0] = RT_TYPE_F32;
  return true;
}

/* ---- windows ---- */

/* The window along one dimension. */
typedef struct
{
  size_t size, out, kernel, stride, dilation;
  ptrdiff_t before, after;
} Axis;

typedef struct
{
  size_t n, c;
  Axis h, w;
} Sizes;

/* A kernel of 0 is the whole picture. */
static Axis
make_axis (int64_t size, int64_t out, uint32_t kernel, uint32_t stride, uint32_t dilation,
           uint32_t before, uint32_t after)
{
  if (kernel == 0)
    return (Axis){ (size_t)size, 1, (size_t)size, 1, 1, 0, 0 };
  return (Axis){ (size_t)size, (size_t)out, kernel, stride, dilation, before, after };
}

static Sizes
make_sizes (const RtPoolAttrs *a, const RtShape *x, const RtShape *y)
{
  const RtPictureDims in = rt_picture_dims (x, a->channels_first);
  const RtPictureDims out = rt_picture_dims (y, a->channels_first);

  return (Sizes){
    .n = (size_t)in.n,
    .c = (size_t)in.c,
    .h
    = make_axis (in.h, out.h, a->kernel_h, a->stride_h, a->dilation_h, a->pad_top, a->pad_bottom),
    .w
    = make_axis (in.w, out.w, a->kernel_w, a->stride_w, a->dilation_w, a->pad_left, a->pad_right),
  };
}

/* The taps first..end of window @at that lie in the picture, and how many lie in picture and
 * padding. */
static void
window (const Axis *axis, size_t at, size_t *first, size_t *end, size_t *n_padded)
{
  *first = axis->kernel;
  *end = *n_padded = 0;
  for (size_t i = 0; i < axis->kernel; i++)
    {
      const ptrdiff_t p = (ptrdiff_t)(at * axis->stride + i * axis->dilation) - axis->before;

      if (p < (ptrdiff_t)axis->size + axis->after)
        ++*n_padded;
      if (p < 0 || p >= (ptrdiff_t)axis->size)
        continue;
      *first = min_size (*first, i);
      *end = i + 1;
    }
}

static size_t
tap_position (const Axis *axis, size_t at, size_t tap)
{
  return at * axis->stride + tap * axis->dilation - (size_t)axis->before;
}

/* ---- run ---- */

typedef struct
{
  uint32_t n_pixel_chunks, n_blocks;
} Split;

static Split
split (const Sizes *s, uint32_t n_threads)
{
  const size_t n_pixels = s->n * s->h.out * s->w.out;
  Split r
      = { .n_pixel_chunks = rt_split (n_pixels, s->h.kernel * s->w.kernel * s->c * 4, n_threads),
          .n_blocks = 1 };

  if (r.n_pixel_chunks < n_threads && s->c > BLOCK_CHANNELS)
    r.n_blocks = rt_split (s->c / BLOCK_CHANNELS,
                           n_pixels * s->h.kernel * s->w.kernel * BLOCK_CHANNELS * 4, n_threads);
  return r;
}

static size_t
window_taps (const Sizes *s)
{
  return s->h.kernel * s->w.kernel;
}

/* Of the pointers to taps; the sums of parts come after them. */
static size_t
taps_bytes (const Sizes *s)
{
  return (window_taps (s) * sizeof (float *) + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

static void
pool_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  RtShape x, y;

  rt_shape_bind (&rt_op_input_value (query->graph, query->node, 0)->shape, query->symbols, &x);
  rt_shape_bind (&rt_graph_value (query->graph, query->node->outputs[0])->shape, query->symbols,
                 &y);
  const Sizes s = make_sizes (query->node->attrs, &x, &y);
  *shared_bytes = 0;
  *thread_bytes = taps_bytes (&s);
  if (is_average (query->node) && window_taps (&s) > WIDE_TAPS)
    *thread_bytes += (window_taps (&s) / PART_TAPS + 1) * s.c * sizeof (float);
}

static uint32_t
pool_chunks (const RtOpContext *context, uint32_t phase)
{
  const Sizes s
      = make_sizes (context->attrs, &context->inputs[0].shape, &context->outputs[0].shape);
  const Split r = split (&s, context->n_threads);

  return r.n_pixel_chunks * r.n_blocks;
}

/* One pixel of an average over many taps; @parts has room for the sums of all parts. */
static void
average_wide (const RtOpContext *context, const KnPoolArgs *args, const float **taps, float *parts)
{
  size_t n_parts = 0;

  for (size_t i = 0; i < args->n_taps; i += PART_TAPS)
    {
      const KnPoolArgs part = { .n_channels = args->n_channels,
                                .n_pixels = 1,
                                .n_taps = min_size (PART_TAPS, args->n_taps - i),
                                .taps = taps + i,
                                .divisor = 1,
                                .min = -INFINITY,
                                .max = INFINITY,
                                .y = parts + n_parts * args->n_channels,
                                .y_stride = args->n_channels };
      context->kn->pool.average (&part);
      n_parts++;
    }
  for (size_t i = 0; i < n_parts; i++)
    taps[i] = parts + i * args->n_channels;

  KnPoolArgs whole = *args;
  whole.n_taps = n_parts;
  whole.taps = taps;
  context->kn->pool.average (&whole);
}

/* Channels first..first + n of output pixel (@row, @column) of @picture and of the @n_pixels - 1
 * behind it, whose windows lie in the picture as its own does. */
static void
pool_pixels (const RtOpContext *context, const Sizes *s, RtPixel at, size_t n_pixels, size_t first,
             size_t n, const float **taps)
{
  const RtPoolAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const size_t pixel = (at.picture * s->h.out + at.row) * s->w.out + at.column;
  size_t h_first, h_end, h_padded, w_first, w_end, w_padded, n_taps = 0;

  window (&s->h, at.row, &h_first, &h_end, &h_padded);
  window (&s->w, at.column, &w_first, &w_end, &w_padded);
  for (size_t i = h_first; i < h_end; i++)
    for (size_t j = w_first; j < w_end; j++)
      taps[n_taps++] = (const float *)x->data
                       + ((at.picture * s->h.size + tap_position (&s->h, at.row, i)) * s->w.size
                          + tap_position (&s->w, at.column, j))
                             * x->row_stride
                       + first;

  const size_t divisor = attrs->count_padding ? h_padded * w_padded : n_taps;
  const KnPoolArgs args = { .n_channels = n,
                            .n_pixels = n_pixels,
                            .n_taps = n_taps,
                            .taps = taps,
                            .step = s->w.stride * x->row_stride,
                            .divisor = divisor > 0 ? (float)divisor : 1,
                            .min = attrs->min,
                            .max = attrs->max,
                            .y = (float *)y->data + pixel * y->row_stride + first,
                            .y_stride = y->row_stride };
  if (is_average (context->node) && n_taps > WIDE_TAPS)
    average_wide (context, &args, taps, (float *)(void *)((uint8_t *)taps + taps_bytes (s)));
  else if (is_average (context->node))
    context->kn->pool.average (&args);
  else
    context->kn->pool.max (&args);
}

/* Windows first..end - 1 of a row lie in the picture from their first tap to their last. */
static void
whole_windows (const Axis *axis, size_t *first, size_t *end)
{
  const size_t reach = (axis->kernel - 1) * axis->dilation;
  const ptrdiff_t room = (ptrdiff_t)axis->size - 1 - (ptrdiff_t)reach + axis->before;

  *first = axis->before > 0 ? ((size_t)axis->before + axis->stride - 1) / axis->stride : 0;
  *end = room < 0 ? 0 : min_size ((size_t)room / axis->stride + 1, axis->out);
}

/* Output pixels from..to - 1. */
static void
pool_range (const RtOpContext *context, const Sizes *s, size_t from, size_t to, size_t first,
            size_t n, const float **taps)
{
  size_t whole, whole_end;

  whole_windows (&s->w, &whole, &whole_end);
  for (size_t pixel = from, n_pixels; pixel < to; pixel += n_pixels)
    {
      const RtPixel at
          = { pixel / (s->h.out * s->w.out), pixel / s->w.out % s->h.out, pixel % s->w.out };

      n_pixels = at.column >= whole && at.column < whole_end && window_taps (s) <= WIDE_TAPS
                     ? min_size (whole_end - at.column, to - pixel)
                     : 1;
      pool_pixels (context, s, at, n_pixels, first, n, taps);
    }
}

static void
pool_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const Sizes s
      = make_sizes (context->attrs, &context->inputs[0].shape, &context->outputs[0].shape);
  const Split r = split (&s, context->n_threads);
  const size_t block = chunk / r.n_pixel_chunks;
  const size_t n_units = (s.c + BLOCK_CHANNELS - 1) / BLOCK_CHANNELS;
  uint64_t first, last, first_unit, last_unit;

  rt_split_range (s.n * s.h.out * s.w.out, r.n_pixel_chunks, chunk % r.n_pixel_chunks, &first,
                  &last);
  rt_split_range (n_units, r.n_blocks, (uint32_t)block, &first_unit, &last_unit);
  const size_t from = first_unit * BLOCK_CHANNELS, to = min_size (last_unit * BLOCK_CHANNELS, s.c);
  pool_range (context, &s, first, last, from, to - from, rt_op_thread_scratch (context, worker));
}

/* ---- reference, cost ---- */

static double
reference_value (const RtOpContext *context, const Sizes *s, size_t picture, size_t row,
                 size_t column, size_t c)
{
  const RtPoolAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0];
  double max = -INFINITY, sum = 0;
  size_t n = 0, n_padded = 0;

  for (size_t i = 0; i < s->h.kernel; i++)
    for (size_t j = 0; j < s->w.kernel; j++)
      {
        const ptrdiff_t y = (ptrdiff_t)(row * s->h.stride + i * s->h.dilation) - s->h.before;
        const ptrdiff_t z = (ptrdiff_t)(column * s->w.stride + j * s->w.dilation) - s->w.before;

        n_padded += y < (ptrdiff_t)s->h.size + s->h.after && z < (ptrdiff_t)s->w.size + s->w.after;
        if (y < 0 || y >= (ptrdiff_t)s->h.size || z < 0 || z >= (ptrdiff_t)s->w.size)
          continue;
        const double v
            = (double)((const float *)x->data)[rt_picture_at (&x->shape, attrs->channels_first,
                                                              picture, (size_t)y, (size_t)z, c)];
        max = v > max ? v : max;
        sum += v;
        n++;
      }
  if (!is_average (context->node))
    return max;
  n = attrs->count_padding ? n_padded : n;
  return n > 0 ? sum / (double)n : 0;
}

static void
pool_reference (const RtOpContext *context)
{
  const RtPoolAttrs *attrs = context->attrs;
  const RtTensor *y = &context->outputs[0];
  const Sizes s = make_sizes (attrs, &context->inputs[0].shape, &y->shape);

  for (size_t n = 0; n < s.n; n++)
    for (size_t i = 0; i < s.h.out; i++)
      for (size_t j = 0; j < s.w.out; j++)
        for (size_t c = 0; c < s.c; c++)
          {
            double v = reference_value (context, &s, n, i, j, c);

            v = v < (double)attrs->min ? (double)attrs->min : v;
            v = v > (double)attrs->max ? (double)attrs->max : v;
            ((float *)y->data)[rt_picture_at (&y->shape, attrs->channels_first, n, i, j, c)]
                = (float)v;
          }
}

static void
pool_cost (const RtOpQuery *query, RtCost *cost)
{
  RtShape x, y;

  rt_op_cost_io (query, cost);
  rt_shape_bind (&rt_op_input_value (query->graph, query->node, 0)->shape, query->symbols, &x);
  rt_shape_bind (&rt_graph_value (query->graph, query->node->outputs[0])->shape, query->symbols,
                 &y);
  const Sizes s = make_sizes (query->node->attrs, &x, &y);
  cost->flops = rt_shape_n (&y) * s.h.kernel * s.w.kernel;
}

static bool
pool_is_channels_first (const RtNode *node)
{
  return ((const RtPoolAttrs *)node->attrs)->channels_first != 0;
}

static bool
pool_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
              void *attrs)
{
  RtPoolAttrs *pool = attrs;

  if (!pool->channels_first || !rt_is_channels_last (perm, n_dims))
    return false;
  pool->channels_first = 0;
  return true;
}

static const RtField fields[] = { RT_POOL_FIELDS };

#define POOL(symbol, its_name, its_title)                                                          \
  const RtOp symbol = {                                                                            \
    .name = its_name,                                                                              \
    .title = its_title,                                                                            \
    .attrs_bytes = sizeof (RtPoolAttrs),                                                           \
    RT_FIELDS (fields),                                                                            \
    .min_inputs = 1,                                                                               \
    .max_inputs = 1,                                                                               \
    .n_outputs = 1,                                                                                \
    .infer = pool_infer,                                                                           \
    .scratch = pool_scratch,                                                                       \
    .n_phases = 1,                                                                                 \
    .n_chunks = pool_chunks,                                                                       \
    .run = pool_run,                                                                               \
    .reference = pool_reference,                                                                   \
    .cost = pool_cost,                                                                             \
    .strided_output = true,                                                                        \
    .permute = pool_permute,                                                                       \
    .is_channels_first = pool_is_channels_first,                                                   \
  }

POOL (rt_op_max_pool, "max-pool", "Maximum of windows");
POOL (rt_op_average_pool, "average-pool", "Average of windows");
