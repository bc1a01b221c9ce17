/* Convolution in f32 with packed weights.
 *
 * Output pixels are cut into tiles, output channels into runs of panels; a chunk is one of each
 * (and one group). A chunk lists for its pixels where the segments of their windows lie
 * (kn-conv.h): in the picture itself wherever possible. Where KW * C values of a window's row lie
 * next to each other they are one segment, and only windows that reach over the left or right edge
 * are copied; many channels make one segment per tap instead, and padding is a row of zeros.
 */
#include <stdlib.h>
#include <string.h>

#include "rt-conv-tile.h"
#include "rt-op-fields.h"
#include "rt-ops-conv.h"

#define TILE_MAX_PIXELS 96
#define TILE_MIN_PIXELS 24
/* Segments are whole rows of windows up to this many channels and values of a window. */
#define MERGE_MAX_CHANNELS 48
#define MERGE_MAX_VALUES 512
/* Work of a chunk that is worth a hand-out: some 10 us. */
#define CHUNK_OPS 1000000
#define CHUNKS_PER_THREAD 8

static size_t
min_size (size_t a, size_t b)
{
  return a < b ? a : b;
}

static size_t
max_size (size_t a, size_t b)
{
  return a > b ? a : b;
}

static size_t
round_up (size_t n, size_t unit)
{
  return (n + unit - 1) / unit * unit;
}

/* ---- infer ---- */

static bool
conv_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtConvAttrs *attrs = node->attrs;

  if (!rt_picture_check (graph, node, error) || !rt_picture_check_weight (graph, node, true, error))
    return false;

  const RtShape *x = &rt_op_input_value (graph, node, RT_CONV_X)->shape;
  const RtShape *w = &rt_op_input_value (graph, node, RT_CONV_WEIGHT)->shape;
  const RtPictureDims in = rt_picture_dims (x, attrs->channels_first), k = rt_picture_dims (w, 0);
  int64_t out_h, out_w;

  if (attrs->groups == 0 || in.c % attrs->groups != 0 || k.n % attrs->groups != 0
      || in.c / attrs->groups != k.c)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s: %lld channels in %u groups do not fit weights for %lld channels to %lld",
                    node->name, (long long)in.c, attrs->groups, (long long)k.c, (long long)k.n);
  if (!rt_picture_positions (node, "height", in.h, (uint64_t)attrs->pad_top + attrs->pad_bottom,
                             (uint64_t)k.h, attrs->stride_h, attrs->dilation_h, &out_h, error)
      || !rt_picture_positions (node, "width", in.w, (uint64_t)attrs->pad_left + attrs->pad_right,
                                (uint64_t)k.w, attrs->stride_w, attrs->dilation_w, &out_w, error))
    return false;
  if (!rt_picture_check_rows (node, x, out_h, error))
    return false;
  shapes[0] = rt_picture_shape (x, attrs->channels_first, out_h, out_w, k.n);
  types[0] = RT_TYPE_F32;
  return rt_picture_check_rest (graph, node, attrs, &shapes[0], error);
}

/* ---- the plan: from sizes alone ---- */

typedef struct
{
  RtPicture p;
  size_t group_in, group_out; /* channels of one group */
  size_t n_columns;           /* of the weights */
  bool merged;                /* a segment is a row of the window, not a tap */
  size_t n_segments, segment_len;
  size_t tile_pixels, n_tiles, n_tile_chunks;
  size_t n_panels, panels_per_chunk, n_panel_chunks; /* of one group, from the panel it begins in */
} Plan;

static void
plan_segments (Plan *plan, bool contiguous)
{
  const RtPicture *p = &plan->p;
  const bool fits = contiguous && p->groups == 1 && p->dilation_w == 1;
  const bool few = p->in_c <= MERGE_MAX_CHANNELS && plan->n_columns <= MERGE_MAX_VALUES;

  plan->merged = p->kernel_w == 1 || (fits && few);
  plan->n_segments = p->kernel_h * (plan->merged ? 1 : p->kernel_w);
  plan->segment_len = plan->group_in * (plan->merged ? p->kernel_w : 1);
}

static void
plan_chunks (Plan *plan, uint32_t n_threads)
{
  const RtPicture *p = &plan->p;
  const size_t n_pixels = p->n * p->out_h * p->out_w,
               max_chunks = max_size (RT_JOB_MAX / p->groups, 1);
  const double ops = 2.0 * (double)n_pixels * (double)p->out_c * (double)plan->n_columns;
  size_t wanted = min_size ((size_t)(ops / CHUNK_OPS) + 1, n_threads * CHUNKS_PER_THREAD);

  wanted = (wanted + p->groups - 1) / p->groups;
  plan->tile_pixels = min_size (max_size (n_pixels / wanted, TILE_MIN_PIXELS), TILE_MAX_PIXELS);
  plan->n_tiles = (n_pixels + plan->tile_pixels - 1) / plan->tile_pixels;

  /* Weights are read once per tile: with few pixels it is better to split the panels, in pairs. */
  size_t split = n_threads > 1 ? (wanted + plan->n_tiles - 1) / plan->n_tiles : 1;
  if (n_threads > 1 && n_pixels < 4 * TILE_MAX_PIXELS && plan->n_panels >= 8)
    {
      plan->n_tiles = (n_pixels + TILE_MAX_PIXELS - 1) / TILE_MAX_PIXELS;
      split = (wanted + plan->n_tiles - 1) / plan->n_tiles;
    }
  plan->tile_pixels = (n_pixels + plan->n_tiles - 1) / plan->n_tiles;
  plan->n_tiles = (n_pixels + plan->tile_pixels - 1) / plan->tile_pixels;
  plan->n_tile_chunks = min_size (plan->n_tiles, max_size (2 * wanted, n_threads));
  plan->n_tile_chunks = min_size (plan->n_tile_chunks, max_chunks);
  split = min_size (max_size (split, 1), (plan->n_panels + 1) / 2);
  split = min_size (split, max_size (max_chunks / plan->n_tile_chunks, 1));
  plan->panels_per_chunk = round_up ((plan->n_panels + split - 1) / split, split > 1 ? 2 : 1);
  plan->n_panel_chunks = (plan->n_panels + plan->panels_per_chunk - 1) / plan->panels_per_chunk;
}

static Plan
make_plan (const RtPicture *p, bool contiguous, uint32_t n_threads)
{
  Plan plan = { .p = *p, .group_in = p->in_c / p->groups, .group_out = p->out_c / p->groups };

  plan.n_columns = p->kernel_h * p->kernel_w * plan.group_in;
  /* A group that does not begin with a panel may reach into one more. */
  plan.n_panels = (plan.group_out + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS
                  + (plan.group_out % KN_PANEL_ROWS != 0 && p->groups > 1);
  plan_segments (&plan, contiguous);
  plan_chunks (&plan, n_threads);
  return plan;
}

static Plan
context_plan (const RtOpContext *context)
{
  const RtTensor *x = &context->inputs[RT_CONV_X], *w = &context->inputs[RT_CONV_WEIGHT];
  const RtPictureDims k = rt_picture_dims (&w->shape, 0);
  const RtPicture p
      = rt_picture (context->attrs, x, &context->outputs[0], (size_t)k.h, (size_t)k.w);

  return make_plan (&p, x->row_stride == p.in_c, context->n_threads);
}

/* ---- thread scratch: segments, zeros, copied window rows, the tile's own ---- */

typedef struct
{
  size_t zeros_at, copies_at, tile_at, n_bytes;
} Scratch;

static Scratch
scratch_layout (const Plan *plan, KnDtype dtype)
{
  const size_t n = plan->tile_pixels * plan->n_segments;
  const bool copies = plan->merged && plan->p.kernel_w > 1;
  Scratch s;

  s.zeros_at = round_up (n * sizeof (float *), KN_ALIGN);
  s.copies_at = s.zeros_at + round_up (plan->segment_len * sizeof (float), KN_ALIGN);
  s.tile_at
      = s.copies_at + (copies ? round_up (n * plan->segment_len * sizeof (float), KN_ALIGN) : 0);
  s.n_bytes
      = s.tile_at
        + rt_conv_tile_bytes (dtype, plan->n_columns, plan->tile_pixels, plan->panels_per_chunk);
  return s;
}

static void
conv_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtNode *node = query->node;
  const RtValue *w = rt_op_input_value (query->graph, node, RT_CONV_WEIGHT);
  const int dtype
      = query->weight_dtypes != NULL ? query->weight_dtypes[node->inputs[RT_CONV_WEIGHT]] : w->type;
  const RtPictureDims k = rt_picture_dims (&w->shape, 0);
  RtTensor x = { 0 }, y = { 0 };

  *shared_bytes = *thread_bytes = 0;
  rt_shape_bind (&rt_op_input_value (query->graph, node, RT_CONV_X)->shape, query->symbols,
                 &x.shape);
  rt_shape_bind (&rt_graph_value (query->graph, node->outputs[0])->shape, query->symbols, &y.shape);
  const RtPicture p = rt_picture (node->attrs, &x, &y, (size_t)k.h, (size_t)k.w);
  for (int contiguous = 0; contiguous < 2; contiguous++)
    {
      const Plan plan = make_plan (&p, contiguous, query->n_threads);
      const size_t n_bytes = scratch_layout (&plan, dtype).n_bytes;

      *thread_bytes = max_size ((size_t)*thread_bytes, n_bytes);
    }
}

/* ---- segments ---- */

typedef struct
{
  const float *x;
  size_t pixel_stride; /* floats */
  const float **segments;
  float *zeros, *copies;
  size_t first_channel; /* of the group */
} Source;

static const float *
picture_row (const Plan *plan, const Source *s, size_t picture, size_t row)
{
  return s->x + (picture * plan->p.in_h + row) * plan->p.in_w * s->pixel_stride + s->first_channel;
}

/* A pixel of a few channels, or zeros in its place (NULL): too little for a call of the C
 * library. */
static inline void
copy_pixel (float *to, const float *from, size_t n)
{
  const float zeros[4] = { 0 };
  const size_t step = from != NULL ? 4 : 0;
  size_t i = 0;

  from = from != NULL ? from : zeros;
  for (; i + 4 <= n; i += 4, from += step)
    memcpy (to + i, from, 4 * sizeof *to);
  for (; i < n; i++, from += step / 4)
    to[i] = *from;
}

/* A row of the window at @column, which reaches over an edge. */
static const float *
copy_row (const Plan *plan, const Source *s, const float *row, ptrdiff_t column, float *to)
{
  const size_t n = plan->group_in;

  for (size_t j = 0; j < plan->p.kernel_w; j++)
    {
      const ptrdiff_t at = column + (ptrdiff_t)(j * plan->p.dilation_w);

      copy_pixel (to + j * n,
                  at < 0 || at >= (ptrdiff_t)plan->p.in_w ? NULL
                                                          : row + (size_t)at * s->pixel_stride,
                  n);
    }
  return to;
}

/* The segment that begins at @column and is not all in the picture; @row is NULL outside of it. */
static const float *
edge_segment (const Plan *plan, const Source *s, const float *row, ptrdiff_t column, float *copy)
{
  return row == NULL || !plan->merged || plan->p.kernel_w == 1
             ? s->zeros
             : copy_row (plan, s, row, column, copy);
}

/* Windows first..end - 1 of @n, the first of which is at @column, have their part of @width pixels
 * inside the picture. */
static void
inside (const RtPicture *p, ptrdiff_t column, size_t width, size_t n, size_t *first, size_t *end)
{
  const ptrdiff_t stride = (ptrdiff_t)p->stride_w, room = (ptrdiff_t)p->in_w - (ptrdiff_t)width;

  *first = column < 0 ? min_size ((size_t)((-column + stride - 1) / stride), n) : 0;
  *end = column > room ? 0 : min_size ((size_t)((room - column) / stride) + 1, n);
  *end = max_size (*end, *first);
}

/* One segment (a row of the window, or a tap) of @n windows, the first of which is at @column, into
 * places from @index on. */
static void
column_segments (const Plan *plan, const Source *s, const float *row, ptrdiff_t column, size_t n,
                 size_t index)
{
  const RtPicture *p = &plan->p;
  const size_t width = plan->merged ? (p->kernel_w - 1) * p->dilation_w + 1 : 1;
  const size_t step = p->stride_w * s->pixel_stride;
  const float **to = s->segments + index;
  float *copies = s->copies + index * plan->segment_len;
  size_t first = n, end = n;

  if (row != NULL)
    inside (p, column, width, n, &first, &end);
  for (size_t t = 0; t < first; t++)
    to[t] = edge_segment (plan, s, row, column + (ptrdiff_t)(t * p->stride_w),
                          copies + t * plan->segment_len);
  if (first < end)
    {
      const float *at
          = row + ((size_t)(column + (ptrdiff_t)(first * p->stride_w)) * s->pixel_stride);

      for (size_t t = first; t < end; t++)
        to[t] = at + (t - first) * step;
    }
  for (size_t t = end; t < n; t++)
    to[t] = edge_segment (plan, s, row, column + (ptrdiff_t)(t * p->stride_w),
                          copies + t * plan->segment_len);
}

/* The segments of @n neighbours in one row of pixels, the first of which is @at: pixels @first to
 * @first + @n - 1 of @n_pixels. */
static void
run_segments (const Plan *plan, const Source *s, RtPixel at, size_t n, size_t first,
              size_t n_pixels)
{
  const RtPicture *p = &plan->p;
  const size_t per_row = plan->merged ? 1 : p->kernel_w;

  for (size_t i = 0; i < p->kernel_h; i++)
    {
      const ptrdiff_t y = (ptrdiff_t)(at.row * p->stride_h + i * p->dilation_h) - p->pad_top;
      const bool is_inside = y >= 0 && y < (ptrdiff_t)p->in_h;
      const float *row = is_inside ? picture_row (plan, s, at.picture, (size_t)y) : NULL;
      const ptrdiff_t column = (ptrdiff_t)(at.column * p->stride_w) - p->pad_left;

      for (size_t j = 0; j < per_row; j++)
        column_segments (plan, s, row, column + (ptrdiff_t)(j * p->dilation_w), n,
                         (i * per_row + j) * n_pixels + first);
    }
}

static void
find_segments (const Plan *plan, const Source *s, size_t first, size_t n)
{
  for (size_t t = 0, run; t < n; t += run)
    {
      const RtPixel at = rt_pixel (&plan->p, first + t);

      run = min_size (n - t, plan->p.out_w - at.column);
      run_segments (plan, s, at, run, t, n);
    }
}

/* ---- run ---- */

/* What one chunk computes, a tile of pixels at a time. */
typedef struct
{
  size_t group, first_tile, end_tile;
  size_t first_pixel, n_pixels;     /* of the tile */
  size_t first_panel;               /* of the whole weight */
  size_t first_channel, n_channels; /* of y */
} Part;

/* The rows of the group that lie in the chunk's panels; n_channels may be 0. */
static Part
chunk_part (const Plan *plan, uint32_t chunk)
{
  const size_t tiles = chunk % plan->n_tile_chunks, rest = chunk / plan->n_tile_chunks;
  const size_t panels = rest % plan->n_panel_chunks;
  Part part = { .group = rest / plan->n_panel_chunks };
  const size_t group_first = part.group * plan->group_out;
  const size_t group_end = group_first + plan->group_out;

  part.first_tile = plan->n_tiles * tiles / plan->n_tile_chunks;
  part.end_tile = plan->n_tiles * (tiles + 1) / plan->n_tile_chunks;
  part.first_panel = group_first / KN_PANEL_ROWS + panels * plan->panels_per_chunk;
  part.first_channel = max_size (part.first_panel * KN_PANEL_ROWS, group_first);
  const size_t end
      = min_size ((part.first_panel + plan->panels_per_chunk) * KN_PANEL_ROWS, group_end);
  part.n_channels = end > part.first_channel ? end - part.first_channel : 0;
  return part;
}

static void
run_tile (const RtOpContext *context, const Plan *plan, const Part *part, const Scratch *layout,
          uint8_t *scratch)
{
  const RtTensor *y = &context->outputs[0], *r = &context->inputs[RT_CONV_RESIDUAL];
  const float *residual = r->data;

  rt_conv_tile (&(RtConvTile){
      .context = context,
      .attrs = context->attrs,
      .n_pixels = part->n_pixels,
      .n_segments = plan->n_segments,
      .segment_len = plan->segment_len,
      .segments = (const float *const *)scratch,
      .first_channel = part->first_channel,
      .n_channels = part->n_channels,
      .y = (float *)y->data + part->first_pixel * y->row_stride + part->first_channel,
      .y_stride = y->row_stride,
      .residual = residual != NULL
                      ? residual + part->first_pixel * r->row_stride + part->first_channel
                      : NULL,
      .residual_stride = r->row_stride,
      .scratch = scratch + layout->tile_at,
  });
}

static uint32_t
conv_chunks (const RtOpContext *context, uint32_t phase)
{
  const Plan plan = context_plan (context);

  return (uint32_t)(plan.n_tile_chunks * plan.n_panel_chunks * plan.p.groups);
}

static void
conv_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const Plan plan = context_plan (context);
  const KnDtype dtype = rt_weight_dtype (context->inputs[RT_CONV_WEIGHT].weight);
  const size_t n_pixels = plan.p.n * plan.p.out_h * plan.p.out_w;
  Part part = chunk_part (&plan, chunk);
  const Scratch layout = scratch_layout (&plan, dtype);
  uint8_t *scratch = rt_op_thread_scratch (context, worker);

  if (part.n_channels == 0)
    return;

  const Source source = { .x = context->inputs[RT_CONV_X].data,
                          .pixel_stride = context->inputs[RT_CONV_X].row_stride,
                          .segments = (const float **)scratch,
                          .zeros = (float *)(scratch + layout.zeros_at),
                          .copies = (float *)(scratch + layout.copies_at),
                          .first_channel = part.group * plan.group_in };
  memset (source.zeros, 0, plan.segment_len * sizeof *source.zeros);
  for (size_t tile = part.first_tile; tile < part.end_tile; tile++)
    {
      part.first_pixel = tile * plan.tile_pixels;
      part.n_pixels = min_size (plan.tile_pixels, n_pixels - part.first_pixel);
      find_segments (&plan, &source, part.first_pixel, part.n_pixels);
      run_tile (context, &plan, &part, &layout, scratch);
    }
}

/* ---- reference, cost ---- */

/* One element: the sum over the window of group @g. */
static double
window_sum (const RtOpContext *context, const RtPicture *p, const float *w, RtPixel at, size_t o)
{
  const RtConvAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[RT_CONV_X];
  const size_t n = p->in_c / p->groups, first = o / (p->out_c / p->groups) * n;
  double sum = 0;

  for (size_t i = 0; i < p->kernel_h; i++)
    for (size_t j = 0; j < p->kernel_w; j++)
      {
        const ptrdiff_t row = (ptrdiff_t)(at.row * p->stride_h + i * p->dilation_h) - p->pad_top;
        const ptrdiff_t column
            = (ptrdiff_t)(at.column * p->stride_w + j * p->dilation_w) - p->pad_left;

        if (row < 0 || row >= (ptrdiff_t)p->in_h || column < 0 || column >= (ptrdiff_t)p->in_w)
          continue;
        for (size_t c = 0; c < n; c++)
          sum += (double)w[((o * p->kernel_h + i) * p->kernel_w + j) * n + c]
                 * (double)((const float *)x
                                ->data)[rt_picture_at (&x->shape, attrs->channels_first, at.picture,
                                                       (size_t)row, (size_t)column, first + c)];
      }
  return sum;
}

static void
conv_reference (const RtOpContext *context)
{
  const RtConvAttrs *attrs = context->attrs;
  const RtTensor *y = &context->outputs[0];
  const RtPictureDims k = rt_picture_dims (&context->inputs[RT_CONV_WEIGHT].shape, 0);
  const RtPicture p = rt_picture (attrs, &context->inputs[RT_CONV_X], y, (size_t)k.h, (size_t)k.w);
  float *w = rt_reference_weight (&context->inputs[RT_CONV_WEIGHT]);

  for (size_t i = 0; i < p.n * p.out_h * p.out_w; i++)
    for (size_t o = 0; o < p.out_c; o++)
      {
        const RtPixel at = rt_pixel (&p, i);
        const size_t element
            = rt_picture_at (&y->shape, attrs->channels_first, at.picture, at.row, at.column, o);

        ((float *)y->data)[element]
            = rt_reference_end (context, attrs, window_sum (context, &p, w, at, o), element, o);
      }
  free (w);
}

static void
conv_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtShape *w = &rt_op_input_value (query->graph, query->node, RT_CONV_WEIGHT)->shape;
  RtShape y;

  rt_op_cost_io (query, cost);
  rt_shape_bind (&rt_graph_value (query->graph, query->node->outputs[0])->shape, query->symbols,
                 &y);
  cost->flops = 2 * rt_shape_n (&y) * (rt_shape_n (w) / (uint64_t)w->dims[0]);
}

static bool
conv_in_place (const RtNode *node, uint32_t input)
{
  return input == RT_CONV_RESIDUAL;
}

static const RtField fields[] = { RT_CONV_FIELDS (RtConvAttrs, ) };

const RtOp rt_op_conv = {
  .name = "conv",
  .title = "Convolution",
  .attrs_bytes = sizeof (RtConvAttrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 4,
  .n_outputs = 1,
  .matrix_inputs = 1 << RT_CONV_WEIGHT,
  .vector_inputs = 1 << RT_CONV_BIAS,
  .infer = conv_infer,
  .scratch = conv_scratch,
  .n_phases = 1,
  .n_chunks = conv_chunks,
  .run = conv_run,
  .reference = conv_reference,
  .cost = conv_cost,
  .in_place = conv_in_place,
  .strided_output = true,
  .permute = rt_picture_permute,
  .is_channels_first = rt_picture_is_channels_first,
};
