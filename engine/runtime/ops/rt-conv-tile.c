/* A tile of a convolution. F32, F16 and BF16 weights have a kernel that reads the segments where
 * they lie. For block formats the windows are copied, quantized and multiplied (kn-matmul.h); where
 * a window has only some of the weight's columns the others are zero. */
#include "rt-conv-tile.h"

#include <math.h>
#include <string.h>

#include "rt-activation.h"

static size_t
round_up (size_t n, size_t unit)
{
  return (n + unit - 1) / unit * unit;
}

/* ---- scratch: sums, the kernel's own, quantized windows, one window ---- */

typedef struct
{
  size_t kernel_at, rows_at, window_at, n_bytes;
} Scratch;

static Scratch
scratch_layout (KnDtype dtype, size_t n_columns, size_t n_pixels, size_t n_panels)
{
  Scratch s = { .kernel_at = n_pixels * n_panels * KN_PANEL_ROWS * sizeof (float) };

  if (kn_matmul_act (dtype) == KN_ACT_F32)
    {
      s.n_bytes = s.kernel_at + kn_conv_scratch_bytes (n_pixels);
      return s;
    }
  s.rows_at = s.kernel_at + round_up (kn_matmul_scratch_bytes (dtype, n_columns), KN_ALIGN);
  s.window_at = s.rows_at + n_pixels * kn_act_row_bytes (kn_matmul_act (dtype), n_columns);
  s.n_bytes = s.window_at + round_up (n_columns * sizeof (float), KN_ALIGN);
  return s;
}

size_t
rt_conv_tile_bytes (KnDtype dtype, size_t n_columns, size_t n_pixels, size_t n_panels)
{
  return scratch_layout (dtype, n_columns, n_pixels, n_panels).n_bytes;
}

KnDtype
rt_conv_query_dtype (const RtOpQuery *query)
{
  const RtValueId id = query->node->inputs[RT_CONV_WEIGHT];
  const int dtype = query->weight_dtypes != NULL ? query->weight_dtypes[id] : -1;

  return (KnDtype)(dtype >= 0 ? dtype : rt_graph_value (query->graph, id)->type);
}

/* ---- what the tile is made from ---- */

static const RtWeight *
weight_of (const RtConvTile *t)
{
  return t->context->inputs[RT_CONV_WEIGHT].weight;
}

/* The panel that the first channel is in, and its row there. */
static const void *
first_panel (const RtConvTile *t, size_t *row)
{
  const RtWeight *w = weight_of (t);
  const size_t bytes = kn_panel_bytes (rt_weight_dtype (w), (size_t)rt_weight_n_cols (w));

  *row = t->first_channel % KN_PANEL_ROWS;
  return (const uint8_t *)rt_weight_panels (w) + t->first_channel / KN_PANEL_ROWS * bytes;
}

static const float *
bias_of (const RtConvTile *t)
{
  const float *bias = t->context->inputs[RT_CONV_BIAS].data;

  return bias != NULL ? bias + t->first_channel : NULL;
}

static const float *
residual_row (const RtConvTile *t, size_t pixel)
{
  return t->residual != NULL ? t->residual + pixel * t->residual_stride : NULL;
}

/* ---- float formats ---- */

static void
run_float (const RtConvTile *t)
{
  const KnTable *kn = t->context->kn;
  const RtKernelEnd end = rt_kernel_end (t->attrs, t->residual != NULL);
  const bool aside = t->residual != NULL && !end.residual; /* y may lie where the residual is */
  const size_t n_columns = (size_t)rt_weight_n_cols (weight_of (t));
  KnConvArgs args = { .n_pixels = t->n_pixels,
                      .n_segments = t->n_segments,
                      .segment_len = t->segment_len,
                      .segments = t->segments,
                      .segment_columns = t->segment_columns,
                      .dtype = rt_weight_dtype (weight_of (t)),
                      .n_columns = n_columns,
                      .n_rows = t->n_channels,
                      .bias = bias_of (t),
                      .residual = end.residual ? t->residual : NULL,
                      .residual_stride = t->residual_stride,
                      .min = end.min,
                      .max = end.max,
                      .y = aside ? (float *)t->scratch : t->y,
                      .y_stride = aside ? t->n_channels : t->y_stride };

  args.panels = first_panel (t, &args.first_row);
  const size_t n_panels = (args.first_row + t->n_channels + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS;
  args.scratch
      = t->scratch + scratch_layout (args.dtype, n_columns, t->n_pixels, n_panels).kernel_at;
  kn->conv.conv (&args);
  for (size_t p = 0; end.finish && p < t->n_pixels; p++)
    rt_finish_row (kn, t->attrs, args.y + p * args.y_stride, residual_row (t, p), t->n_channels,
                   t->y + p * t->y_stride);
}

/* ---- block formats ---- */

/* Bias, residual and limits in the kernel's order. */
static void
end_row (const RtConvTile *t, size_t pixel, float *sums)
{
  const KnTable *kn = t->context->kn;
  const float *bias = bias_of (t), *residual = residual_row (t, pixel);
  const RtKernelEnd end = rt_kernel_end (t->attrs, residual != NULL);
  const float limits[2] = { end.min, end.max };

  if (bias != NULL)
    kn->vec.add (sums, bias, t->n_channels, sums);
  if (end.residual)
    kn->vec.add (sums, residual, t->n_channels, sums);
  kn->map.map[KN_MAP_CLAMP](sums, limits, t->n_channels, sums);
  rt_finish_row (kn, t->attrs, sums, residual, t->n_channels, t->y + pixel * t->y_stride);
}

static void
quantize_window (const RtConvTile *t, KnActKind act, size_t pixel, size_t n_columns, float *window,
                 void *row)
{
  const float *const *segments = t->segments + pixel;

  if (t->segment_columns != NULL)
    memset (window, 0, n_columns * sizeof *window);
  for (size_t i = 0; i < t->n_segments; i++)
    memcpy (window + (t->segment_columns != NULL ? t->segment_columns[i] : i * t->segment_len),
            segments[i * t->n_pixels], t->segment_len * sizeof *window);
  kn_act_store (&t->context->kn->matmul, act, window, n_columns, row);
}

static void
run_quantized (const RtConvTile *t)
{
  const RtWeight *w = weight_of (t);
  const KnDtype dtype = rt_weight_dtype (w);
  const size_t n_columns = (size_t)rt_weight_n_cols (w);
  const KnActKind act = kn_matmul_act (dtype);
  const size_t row_bytes = kn_act_row_bytes (act, n_columns);
  float *sums = (float *)t->scratch;
  size_t first;
  const void *panels = first_panel (t, &first);
  const size_t stride = first + t->n_channels;
  const Scratch s = scratch_layout (dtype, n_columns, t->n_pixels,
                                    (stride + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS);

  for (size_t p = 0; p < t->n_pixels; p++)
    quantize_window (t, act, p, n_columns, (float *)(t->scratch + s.window_at),
                     t->scratch + s.rows_at + p * row_bytes);
  kn_matmul_fn (&t->context->kn->matmul,
                dtype) (&(KnMatmulArgs){ .n_cols = n_columns,
                                         .n_rows = stride,
                                         .n_tokens = t->n_pixels,
                                         .panels = panels,
                                         .x = t->scratch + s.rows_at,
                                         .x_stride = row_bytes,
                                         .y = sums,
                                         .y_stride = stride,
                                         .scratch = t->scratch + s.kernel_at });
  for (size_t p = 0; p < t->n_pixels; p++)
    end_row (t, p, sums + p * stride + first);
}

void
rt_conv_tile (const RtConvTile *tile)
{
  if (kn_matmul_act (rt_weight_dtype (weight_of (tile))) == KN_ACT_F32)
    run_float (tile);
  else
    run_quantized (tile);
}
