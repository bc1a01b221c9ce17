/* Convolution of quantized pictures.
 *
 * Windows of several pixels are read from copied lines (rt-conv-int8-lines.h). All others become
 * rows of bytes in the thread's scratch, tile by tile, and go through the packed product of
 * rt-int8.h; a 1x1 convolution whose codes are already what the instruction set multiplies is read
 * where it lies. One chunk is a tile of output pixels times a run of panels of one group. */
#include <stdlib.h>
#include <string.h>

#include "rt-conv-int8-lines.h"
#include "rt-conv.h"
#include "rt-op-fields.h"

#define X_ZERO RT_CONV_INT8_X_ZERO
_Static_assert(X_ZERO == RT_CONV_RESIDUAL + 1, "the zero point follows the residual");

/* Gathered rows of a tile: they and a panel stay in the first-level cache. */
#define TILE_BYTES (24 * 1024)
#define TILE_MIN_PIXELS 12
#define TILE_MAX_PIXELS 240

/* Below this many panels a chunk gathers for too little. */
#define CHUNK_MIN_PANELS 4

/* ---- shapes ---- */

static bool
conv_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtConvInt8Attrs *attrs = node->attrs;
  const RtConvAttrs *conv = &attrs->conv;

  if (!rt_int8_check_x (graph, node, RT_CONV_X, error)
      || !rt_int8_check_weight (graph, node, RT_CONV_WEIGHT, 0, error))
    return false;

  const RtShape *x = &rt_op_input_value (graph, node, RT_CONV_X)->shape;
  const RtShape *w = &rt_op_input_value (graph, node, RT_CONV_WEIGHT)->shape;
  RtWindows windows;
  char x_text[128], w_text[128];

  rt_shape_text (x, x_text, sizeof x_text);
  rt_shape_text (w, w_text, sizeof w_text);
  if (w->n_dims != 4
      || !rt_windows (conv, x, (size_t)w->dims[1], (size_t)w->dims[2], (size_t)w->dims[0], &windows,
                      &shapes[0]))
    return rt_fail (error, RT_ERROR_FORMAT, "%s: a window %s does not fit a picture %s", node->name,
                    w_text, x_text);
  if (conv->groups == 0 || windows.in_c != (size_t)w->dims[3] * conv->groups
      || windows.out_c % conv->groups != 0)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s: %u groups of weights %s do not fit the channels of %s", node->name,
                    conv->groups, w_text, x_text);
  if (!rt_type_is_8bit ((int)attrs->out_type) && attrs->out_type != RT_TYPE_I32)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: no 8-bit convolution gives %s", node->name,
                    rt_type_name ((int)attrs->out_type));
  if (conv->activation != 0 || rt_op_input_value (graph, node, RT_CONV_RESIDUAL) != NULL)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: an 8-bit convolution has limits, but no activation and no residual",
                    node->name);
  types[0] = (int)attrs->out_type;
  return rt_int8_check_bias (graph, node, RT_CONV_BIAS, RT_TYPE_I32, (int64_t)windows.out_c, error)
         && rt_int8_check_zero (graph, node, X_ZERO, attrs->out_type, error);
}

static RtWindows
windows_of (const RtConvAttrs *attrs, const RtShape *x, const RtShape *w)
{
  RtWindows windows;

  rt_windows (attrs, x, (size_t)w->dims[1], (size_t)w->dims[2], (size_t)w->dims[0], &windows, NULL);
  return windows;
}

static RtProductLayout
layout_of (const RtConvAttrs *attrs, const RtShape *w)
{
  const size_t n_rows = (size_t)w->dims[0] / attrs->groups;
  const size_t line = (size_t)(w->dims[2] * w->dims[3]), kh = (size_t)w->dims[1];

  if (rt_conv_by_lines (attrs, w))
    return rt_product_layout (1, n_rows, kh, line);
  return rt_product_layout (attrs->groups, n_rows, 1, kh * line);
}

/* ---- prepared ---- */

static uint64_t
conv_prepared_bytes (const RtOpQuery *query)
{
  const RtConvInt8Attrs *attrs = query->node->attrs;
  const RtValue *w = rt_op_input_value (query->graph, query->node, RT_CONV_WEIGHT);

  return layout_of (&attrs->conv, &w->shape).n_bytes;
}

static void
conv_prepare (const RtOpContext *context, void *memory)
{
  const RtConvInt8Attrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[RT_CONV_X], *w = &context->inputs[RT_CONV_WEIGHT];
  const RtTensor *y = &context->outputs[0];
  const RtProductLayout layout = layout_of (&attrs->conv, &w->shape);

  rt_product_make (&layout, context->kn, w->data, w->type, w->quant,
                   context->inputs[RT_CONV_BIAS].data, x->type, x->quant,
                   y->type == RT_TYPE_I32 ? 0 : rt_quant_scale (y->quant, 0), memory);
  ((RtProductHead *)memory)->requant
      = rt_requant (y->type, y->quant, attrs->conv.min, attrs->conv.max);
}

/* ---- splitting ---- */

typedef struct
{
  size_t row_stride; /* of gathered windows */
  size_t n_wanted;   /* chunks that are worth handing out */
  size_t n_pixels, tile_pixels, n_tiles;
  size_t n_panels, chunk_panels, n_panel_chunks;
} Tiling;

static size_t
min_size (size_t a, size_t b)
{
  return a < b ? a : b;
}

static size_t
divide_up (size_t a, size_t b)
{
  return (a + b - 1) / b;
}

/* An odd number of cache lines, so that neighbouring rows do not fall on the same sets; short rows
 * are packed tightly. */
static size_t
row_stride (size_t n_cols)
{
  if (n_cols <= 256)
    return (n_cols + 3) / 4 * 4;
  return ((n_cols + 63) / 64 | 1) * 64;
}

static Tiling
tiling_of (const RtWindows *w, const RtProductLayout *l, uint32_t n_threads)
{
  Tiling t = { .row_stride = row_stride (l->n_cols),
               .n_pixels = w->n * w->out_h * w->out_w,
               .n_panels = l->padded_rows / KN_PANEL_ROWS };
  t.n_wanted = rt_conv_int8_n_wanted (w, l, n_threads);
  const size_t wanted = divide_up (t.n_wanted, l->n_groups);

  t.tile_pixels = TILE_BYTES / t.row_stride / TILE_MIN_PIXELS * TILE_MIN_PIXELS;
  t.tile_pixels = min_size (t.tile_pixels, TILE_MAX_PIXELS);
  if (t.tile_pixels < TILE_MIN_PIXELS)
    t.tile_pixels = TILE_MIN_PIXELS;

  /* Tiles of nearly the same size; as many as are wanted, unless they would be smaller than two of
   * the kernel's. */
  t.n_tiles = divide_up (t.n_pixels, t.tile_pixels);
  if (t.n_tiles < wanted)
    t.n_tiles = min_size (wanted, divide_up (t.n_pixels, 2 * TILE_MIN_PIXELS));
  t.tile_pixels = divide_up (t.n_pixels, t.n_tiles);
  t.n_tiles = divide_up (t.n_pixels, t.tile_pixels);

  const size_t most = divide_up (t.n_panels, CHUNK_MIN_PANELS);
  t.n_panel_chunks = min_size (divide_up (wanted, t.n_tiles), most);
  t.chunk_panels = divide_up (t.n_panels, t.n_panel_chunks);
  t.n_panel_chunks = divide_up (t.n_panels, t.chunk_panels);
  return t;
}

static void
conv_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtConvInt8Attrs *attrs = query->node->attrs;
  const RtShape *x = &rt_op_input_value (query->graph, query->node, RT_CONV_X)->shape;
  const RtShape *w = &rt_op_input_value (query->graph, query->node, RT_CONV_WEIGHT)->shape;
  const RtProductLayout layout = layout_of (&attrs->conv, w);
  const RtWindows windows = windows_of (&attrs->conv, x, w);
  const Tiling tiling = tiling_of (&windows, &layout, query->n_threads);

  if (rt_conv_by_lines (&attrs->conv, w))
    *thread_bytes = rt_conv_lines (&attrs->conv, &windows, &layout, query->n_threads).scratch_bytes;
  else
    *thread_bytes = tiling.tile_pixels * (tiling.row_stride + sizeof (int32_t)) + KN_ALIGN;
}

static uint32_t
n_chunks_of (size_t n_parts, size_t n_wanted)
{
  return (uint32_t)min_size (n_parts, min_size (n_wanted, RT_JOB_MAX));
}

static uint32_t
conv_chunks (const RtOpContext *context, uint32_t phase)
{
  const RtConvInt8Attrs *attrs = context->attrs;
  const RtShape *w = &context->inputs[RT_CONV_WEIGHT].shape;

  if (context->n_threads == 1)
    return 1;
  const RtProductLayout layout = ((const RtProductHead *)context->prepared)->layout;
  const RtWindows windows = windows_of (&attrs->conv, &context->inputs[RT_CONV_X].shape, w);

  if (rt_conv_by_lines (&attrs->conv, w))
    {
      const RtConvLines lines = rt_conv_lines (&attrs->conv, &windows, &layout, context->n_threads);
      return n_chunks_of (lines.n_tiles * lines.n_panel_chunks, lines.n_wanted);
    }
  const Tiling tiling = tiling_of (&windows, &layout, context->n_threads);
  return n_chunks_of (tiling.n_tiles * tiling.n_panel_chunks * layout.n_groups, tiling.n_wanted);
}

/* ---- running ---- */

typedef struct
{
  const RtOpContext *context;
  const RtConvAttrs *attrs;
  RtWindows windows;
  RtProductLayout layout;
  const KnRequant *requant;
  Tiling tiling;
  uint8_t flip;
  uint8_t *rows;   /* scratch */
  int32_t *x_sums; /* scratch */
} Run;

/* Whether the input is a matrix that gemm can read as it lies. */
static bool
is_direct (const Run *r)
{
  const RtConvAttrs *a = r->attrs;
  const RtWindows *w = &r->windows;

  return r->flip == 0 && w->kh == 1 && w->kw == 1 && w->out_h == w->in_h && w->out_w == w->in_w
         && a->stride_h == 1 && a->stride_w == 1 && w->in_c % 4 == 0
         && a->pad_top + a->pad_left == 0;
}

/* Rows for pixels [first, first + n), which lie in one picture. */
static void
gather (const Run *r, size_t group, size_t first, size_t n, uint8_t *rows)
{
  const RtConvAttrs *a = r->attrs;
  const RtWindows *w = &r->windows;
  const RtTensor *x = &r->context->inputs[RT_CONV_X];
  const size_t per_picture = w->out_h * w->out_w, channels = w->in_c / r->layout.n_groups;

  r->context->kn->qconv.gather (&(KnQgatherArgs){
      .x = (const uint8_t *)x->data + first / per_picture * (w->in_h * w->in_w * w->in_c)
           + group * channels,
      .in_h = w->in_h,
      .in_w = w->in_w,
      .pixel_bytes = w->in_c,
      .n_channels = channels,
      .kh = w->kh,
      .kw = w->kw,
      .stride_h = a->stride_h,
      .stride_w = a->stride_w,
      .dilation_h = a->dilation_h,
      .dilation_w = a->dilation_w,
      .pad_top = a->pad_top,
      .pad_left = a->pad_left,
      .out_w = w->out_w,
      .first_pixel = first % per_picture,
      .n_pixels = n,
      .pad = (uint8_t)rt_x_zero (x, &r->context->inputs[X_ZERO]),
      .flip = r->flip,
      .rows = rows,
      .row_stride = r->tiling.row_stride,
  });
}

/* The rows of pixels [first, first + n): gathered, or where they lie. */
static const uint8_t *
rows_of (const Run *r, size_t group, size_t first, size_t n, size_t *stride)
{
  const size_t per_picture = r->windows.out_h * r->windows.out_w;

  if (is_direct (r) && r->layout.n_groups == 1)
    {
      *stride = r->windows.in_c;
      return (const uint8_t *)r->context->inputs[RT_CONV_X].data + first * r->windows.in_c;
    }
  *stride = r->tiling.row_stride;
  for (size_t done = 0; done < n;)
    {
      const size_t left = per_picture - (first + done) % per_picture;
      const size_t m = min_size (n - done, left);
      gather (r, group, first + done, m, r->rows + done * *stride);
      done += m;
    }
  return r->rows;
}

static void
run_tile (const Run *r, size_t tile, size_t panel_chunk, size_t group)
{
  const RtOpContext *context = r->context;
  const RtTensor *y = &context->outputs[0];
  const Tiling *t = &r->tiling;
  const size_t first = tile * t->tile_pixels, n = min_size (t->tile_pixels, t->n_pixels - first);
  const size_t panel = panel_chunk * t->chunk_panels;
  const size_t code_bytes = rt_type_bytes (y->type), y_stride = y->row_stride * code_bytes;
  size_t stride;
  const uint8_t *rows = rows_of (r, group, first, n, &stride);

  rt_product_run (&r->layout, context->kn, context->prepared, group, panel,
                  min_size (t->chunk_panels, t->n_panels - panel), rows, stride, n,
                  y->type == RT_TYPE_I32 ? NULL : r->requant, r->x_sums,
                  (uint8_t *)y->data + first * y_stride
                      + (group * r->layout.n_rows + panel * KN_PANEL_ROWS) * code_bytes,
                  y_stride);

  const RtTensor *zero = &context->inputs[X_ZERO];
  const size_t row = panel * KN_PANEL_ROWS;
  if (zero->data != NULL)
    rt_product_move_zero ((int32_t *)y->data + first * y->row_stride + group * r->layout.n_rows
                              + row,
                          y_stride, n,
                          min_size (t->chunk_panels * KN_PANEL_ROWS, r->layout.n_rows - row),
                          rt_code_get (zero->data, zero->type, 0),
                          rt_product_sums (&r->layout, context->prepared, group) + row);
}

static void
run_lines (const Run *r, uint32_t chunk)
{
  const RtConvLines lines
      = rt_conv_lines (r->attrs, &r->windows, &r->layout, r->context->n_threads);
  const size_t n = lines.n_tiles * lines.n_panel_chunks;
  uint64_t from, until;

  rt_split_range (n, n_chunks_of (n, lines.n_wanted), chunk, &from, &until);
  for (size_t i = from; i < until; i++)
    rt_conv_lines_run (r->context, &r->windows, &r->layout, &lines, i % lines.n_tiles,
                       i / lines.n_tiles, r->rows);
}

static void
run_tiles (Run *r, uint32_t chunk)
{
  r->tiling = tiling_of (&r->windows, &r->layout, r->context->n_threads);
  r->x_sums = (int32_t *)(void *)(r->rows + r->tiling.tile_pixels * r->tiling.row_stride);

  const size_t n = r->tiling.n_tiles * r->tiling.n_panel_chunks * r->layout.n_groups;
  uint64_t from, until;
  rt_split_range (n, n_chunks_of (n, r->tiling.n_wanted), chunk, &from, &until);
  for (size_t i = from; i < until; i++)
    run_tile (r, i % r->tiling.n_tiles, i / r->tiling.n_tiles % r->tiling.n_panel_chunks,
              i / r->tiling.n_tiles / r->tiling.n_panel_chunks);
}

/* A matrix times one pixel, by one thread: what streaming networks are made of. */
static bool
is_one_pixel (const RtOpContext *context)
{
  const RtConvAttrs *a = &((const RtConvInt8Attrs *)context->attrs)->conv;
  const RtTensor *x = &context->inputs[RT_CONV_X], *w = &context->inputs[RT_CONV_WEIGHT];

  return context->n_threads == 1 && a->groups == 1 && w->shape.dims[1] * w->shape.dims[2] == 1
         && a->pad_top + a->pad_bottom + a->pad_left + a->pad_right == 0
         && context->inputs[X_ZERO].data == NULL
         && (int64_t)rt_shape_n (&x->shape) == w->shape.dims[3];
}

static void
run_one_pixel (const RtOpContext *context, uint8_t *scratch)
{
  const RtProductHead *head = context->prepared;
  const RtTensor *x = &context->inputs[RT_CONV_X], *y = &context->outputs[0];
  const size_t n = head->layout.n_cols;
  const uint8_t flip = rt_product_flip (context->kn, x->type);
  const uint8_t *columns = x->data;

  if (flip != 0 || n % 4 != 0)
    {
      context->kn->qconv.copy (scratch, columns, n, flip);
      columns = scratch;
    }
  rt_product_run (&head->layout, context->kn, context->prepared, 0, 0,
                  head->layout.padded_rows / KN_PANEL_ROWS, columns, n, 1,
                  y->type == RT_TYPE_I32 ? NULL : &head->requant,
                  (int32_t *)(void *)(scratch + row_stride (n)), y->data, 0);
}

static void
conv_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtConvInt8Attrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[RT_CONV_X], *w = &context->inputs[RT_CONV_WEIGHT];

  if (is_one_pixel (context))
    {
      run_one_pixel (context, rt_op_thread_scratch (context, worker));
      return;
    }
  const RtProductHead *head = context->prepared;
  Run r = { .context = context,
            .attrs = &attrs->conv,
            .windows = windows_of (&attrs->conv, &x->shape, &w->shape),
            .layout = head->layout,
            .requant = &head->requant,
            .flip = rt_product_flip (context->kn, x->type),
            .rows = rt_op_thread_scratch (context, worker) };

  if (rt_conv_by_lines (&attrs->conv, &w->shape))
    run_lines (&r, chunk);
  else
    run_tiles (&r, chunk);
}

/* ---- reference ---- */

static int32_t
reference_sum (const RtOpContext *context, const RtWindows *s, size_t n, size_t oy, size_t ox,
               size_t o)
{
  const RtConvAttrs *a = &((const RtConvInt8Attrs *)context->attrs)->conv;
  const RtTensor *x = &context->inputs[RT_CONV_X], *w = &context->inputs[RT_CONV_WEIGHT];
  const int32_t *bias = context->inputs[RT_CONV_BIAS].data;
  const size_t channels = s->in_c / a->groups, group = o / (s->out_c / a->groups);
  const int32_t x_zero = rt_x_zero (x, &context->inputs[X_ZERO]);
  int64_t sum = bias != NULL ? rt_load_i32 (bias, o) : 0;

  for (size_t ky = 0; ky < s->kh; ky++)
    for (size_t kx = 0; kx < s->kw; kx++)
      {
        const int64_t iy = (int64_t)(oy * a->stride_h + ky * a->dilation_h) - a->pad_top;
        const int64_t ix = (int64_t)(ox * a->stride_w + kx * a->dilation_w) - a->pad_left;
        if (iy < 0 || iy >= (int64_t)s->in_h || ix < 0 || ix >= (int64_t)s->in_w)
          continue;
        for (size_t c = 0; c < channels; c++)
          sum += (int64_t)(rt_code_get (x->data, x->type,
                                        rt_reference_offset (a, s->in_h, s->in_w, s->in_c, n,
                                                             (size_t)iy, (size_t)ix,
                                                             group * channels + c))
                           - x_zero)
                 * (rt_code_get (w->data, w->type, ((o * s->kh + ky) * s->kw + kx) * channels + c)
                    - rt_quant_zero (w->quant, o));
      }
  return (int32_t)sum;
}

static void
conv_reference (const RtOpContext *context)
{
  const RtConvInt8Attrs *attrs = context->attrs;
  const RtWindows windows = windows_of (&attrs->conv, &context->inputs[RT_CONV_X].shape,
                                        &context->inputs[RT_CONV_WEIGHT].shape);

  rt_reference_convolution (context, &windows, reference_sum);
}

/* ---- cost ---- */

static void
conv_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtConvInt8Attrs *attrs = query->node->attrs;
  const RtShape *x = &rt_op_input_value (query->graph, query->node, RT_CONV_X)->shape;
  const RtShape *w = &rt_op_input_value (query->graph, query->node, RT_CONV_WEIGHT)->shape;
  const RtWindows s = windows_of (&attrs->conv, x, w);

  rt_int8_cost_io (query, cost);
  cost->flops = 2 * (uint64_t)(s.n * s.out_h * s.out_w)
                * (uint64_t)(w->dims[0] * w->dims[1] * w->dims[2] * w->dims[3]);
}

/* clang-format off */
static const RtField fields[] = {
  RT_CONV_FIELDS (RtConvInt8Attrs, conv.),
  RT_FIELD_ELEMENT (RtConvInt8Attrs, out_type),
};
/* clang-format on */

const RtOp rt_op_conv_int8 = {
  .name = "conv_int8",
  .title = "Convolution, 8-bit",
  .attrs_bytes = sizeof (RtConvInt8Attrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 5,
  .n_outputs = 1,
  .infer = conv_infer,
  .prepared_bytes = conv_prepared_bytes,
  .prepare = conv_prepare,
  .scratch = conv_scratch,
  .n_phases = 1,
  .n_chunks = conv_chunks,
  .run = conv_run,
  .reference = conv_reference,
  .cost = conv_cost,
  .strided_output = true,
  .permute = rt_conv_permute,
  .is_channels_first = rt_conv_is_channels_first,
};
