/* Transposed convolution in f32 with packed weights: every input pixel adds its window to the
 * output.
 *
 * Seen from an output pixel: tap (i, j) reaches it from input row (row + pad - i * dilation) /
 * stride, where that is a whole number. So the pixels of an output row fall into stride_w phases,
 * and all of one phase see the same taps; each phase is a convolution with a part of the weight's
 * columns.
 *
 *   kernel 3, stride 2, padding 1   row of x    a     b     c
 *                                   row of y    a1  a2+b0  b1  b2+c0  c1   phases: tap 1; taps 2, 0
 *
 * A chunk is some rows of output by a run of panels. */
#include <stdlib.h>
#include <string.h>

#include "rt-conv-tile.h"
#include "rt-op-fields.h"
#include "rt-ops-conv.h"

#define TILE_MAX_PIXELS 96
#define CHUNK_PANELS 4

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
out_size (const RtNode *node, const char *dimension, int64_t in, int64_t kernel, uint32_t stride,
          uint32_t dilation, uint64_t padding, uint32_t output_pad, int64_t *out, RtError *error)
{
  if (stride == 0 || dilation == 0)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s: stride %u, dilation %u along the %s: none may be 0", node->name, stride,
                    dilation, dimension);
  *out = (in - 1) * stride + (int64_t)dilation * (kernel - 1) + 1 + output_pad - (int64_t)padding;
  if (*out <= 0)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: the padding leaves no %s", node->name, dimension);
  return true;
}

static bool
transpose_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                 RtError *error)
{
  const RtConvTransposeAttrs *t = node->attrs;
  const RtConvAttrs *attrs = &t->conv;

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
  if (!out_size (node, "height", in.h, k.h, attrs->stride_h, attrs->dilation_h,
                 (uint64_t)attrs->pad_top + attrs->pad_bottom, t->output_pad_h, &out_h, error)
      || !out_size (node, "width", in.w, k.w, attrs->stride_w, attrs->dilation_w,
                    (uint64_t)attrs->pad_left + attrs->pad_right, t->output_pad_w, &out_w, error))
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
  size_t group_in, group_out;
  size_t n_rows, n_row_chunks;
  size_t n_panels, n_panel_chunks; /* of one group */
  size_t tile_pixels;
} Plan;

static Plan
make_plan (const RtPicture *p, uint32_t n_threads)
{
  Plan plan = { .p = *p,
                .group_in = p->in_c / p->groups,
                .group_out = p->out_c / p->groups,
                .n_rows = p->n * p->out_h };
  const size_t row_bytes = p->kernel_h * p->kernel_w * plan.group_in * p->out_c * p->in_w / 4;

  plan.n_panels = (plan.group_out + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS
                  + (plan.group_out % KN_PANEL_ROWS != 0 && p->groups > 1);
  plan.n_row_chunks = rt_split (plan.n_rows, row_bytes, n_threads);
  plan.n_panel_chunks = (plan.n_panels + CHUNK_PANELS - 1) / CHUNK_PANELS;
  plan.n_row_chunks
      = min_size (plan.n_row_chunks, max_size (RT_JOB_MAX / (plan.n_panel_chunks * p->groups), 1));
  plan.tile_pixels = min_size ((p->out_w + p->stride_w - 1) / p->stride_w, TILE_MAX_PIXELS);
  return plan;
}

static RtPicture
picture_of (const RtConvTransposeAttrs *attrs, const RtTensor *x, const RtTensor *y,
            const RtShape *weight)
{
  const RtPictureDims k = rt_picture_dims (weight, 0);

  return rt_picture (&attrs->conv, x, y, (size_t)k.h, (size_t)k.w);
}

static Plan
context_plan (const RtOpContext *context)
{
  const RtPicture p = picture_of (context->attrs, &context->inputs[RT_CONV_X], &context->outputs[0],
                                  &context->inputs[RT_CONV_WEIGHT].shape);

  return make_plan (&p, context->n_threads);
}

/* ---- thread scratch: taps of a phase, their columns, segments, zeros, the tile's own ---- */

typedef struct
{
  size_t columns_at, segments_at, zeros_at, tile_at, n_bytes;
} Scratch;

/* A tap that reaches a phase: it comes from input pixel (row, first_column + pixel of the
 * phase). */
typedef struct
{
  ptrdiff_t row, column;
} Tap;

static Scratch
scratch_layout (const Plan *plan, KnDtype dtype)
{
  const size_t n_taps = plan->p.kernel_h * plan->p.kernel_w + 1;
  Scratch s;

  s.columns_at = round_up (n_taps * sizeof (Tap), KN_ALIGN);
  s.segments_at = s.columns_at + round_up (n_taps * sizeof (uint32_t), KN_ALIGN);
  s.zeros_at = s.segments_at + round_up (plan->tile_pixels * n_taps * sizeof (float *), KN_ALIGN);
  s.tile_at = s.zeros_at + round_up (plan->group_in * sizeof (float), KN_ALIGN);
  s.n_bytes = s.tile_at
              + rt_conv_tile_bytes (dtype, plan->p.kernel_h * plan->p.kernel_w * plan->group_in,
                                    plan->tile_pixels, CHUNK_PANELS);
  return s;
}

static void
transpose_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtNode *node = query->node;
  RtTensor x = { 0 }, y = { 0 };

  rt_shape_bind (&rt_op_input_value (query->graph, node, RT_CONV_X)->shape, query->symbols,
                 &x.shape);
  rt_shape_bind (&rt_graph_value (query->graph, node->outputs[0])->shape, query->symbols, &y.shape);
  const RtPicture p = picture_of (node->attrs, &x, &y,
                                  &rt_op_input_value (query->graph, node, RT_CONV_WEIGHT)->shape);
  const Plan plan = make_plan (&p, query->n_threads);
  *shared_bytes = 0;
  *thread_bytes = scratch_layout (&plan, rt_conv_query_dtype (query)).n_bytes;
}

/* ---- run ---- */

/* Pixels first, first + stride, ... of one output row, and a run of its channels. */
typedef struct
{
  size_t picture, row, phase;
  size_t group, first_channel, n_channels;
} Part;

/* The taps that reach the phase, in order; of a phase without any, one tap of zeros. */
static size_t
find_taps (const Plan *plan, const Part *part, Tap *taps, uint32_t *columns)
{
  const RtPicture *p = &plan->p;
  size_t n = 0;

  for (size_t i = 0; i < p->kernel_h; i++)
    for (size_t j = 0; j < p->kernel_w; j++)
      {
        const ptrdiff_t y = (ptrdiff_t)part->row + p->pad_top - (ptrdiff_t)(i * p->dilation_h);
        const ptrdiff_t x = (ptrdiff_t)part->phase + p->pad_left - (ptrdiff_t)(j * p->dilation_w);

        if (y % (ptrdiff_t)p->stride_h != 0 || x % (ptrdiff_t)p->stride_w != 0)
          continue;
        taps[n] = (Tap){ y / (ptrdiff_t)p->stride_h, x / (ptrdiff_t)p->stride_w };
        columns[n++] = (uint32_t)((i * p->kernel_w + j) * plan->group_in);
      }
  if (n == 0)
    {
      taps[n] = (Tap){ -1, 0 };
      columns[n++] = 0;
    }
  return n;
}

static void
find_segments (const Plan *plan, const RtTensor *x, const Part *part, const Tap *taps,
               size_t n_taps, size_t first, size_t n, const float *zeros, const float **segments)
{
  const RtPicture *p = &plan->p;

  for (size_t t = 0; t < n; t++)
    for (size_t i = 0; i < n_taps; i++)
      {
        const ptrdiff_t row = taps[i].row, column = taps[i].column + (ptrdiff_t)(first + t);
        const bool inside
            = row >= 0 && row < (ptrdiff_t)p->in_h && column >= 0 && column < (ptrdiff_t)p->in_w;

        segments[i * n + t]
            = inside ? (const float *)x->data
                           + ((part->picture * p->in_h + (size_t)row) * p->in_w + (size_t)column)
                                 * x->row_stride
                           + part->group * plan->group_in
                     : zeros;
      }
}

static void
run_phase (const RtOpContext *context, const Plan *plan, const Part *part, const Scratch *layout,
           uint8_t *scratch)
{
  const RtPicture *p = &plan->p;
  const RtConvTransposeAttrs *attrs = context->attrs;
  const RtTensor *y = &context->outputs[0], *r = &context->inputs[RT_CONV_RESIDUAL];
  const float *residual = r->data;
  const size_t n_pixels = (p->out_w - part->phase + p->stride_w - 1) / p->stride_w;
  Tap *taps = (Tap *)scratch;
  uint32_t *columns = (uint32_t *)(scratch + layout->columns_at);
  const float **segments = (const float **)(scratch + layout->segments_at);
  const size_t n_taps = find_taps (plan, part, taps, columns);

  for (size_t first = 0, n; first < n_pixels; first += n)
    {
      const size_t pixel
          = (part->picture * p->out_h + part->row) * p->out_w + part->phase + first * p->stride_w;

      n = min_size (plan->tile_pixels, n_pixels - first);
      find_segments (plan, &context->inputs[RT_CONV_X], part, taps, n_taps, first, n,
                     (const float *)(scratch + layout->zeros_at), segments);
      rt_conv_tile (&(RtConvTile){
          .context = context,
          .attrs = &attrs->conv,
          .n_pixels = n,
          .n_segments = n_taps,
          .segment_len = plan->group_in,
          .segments = segments,
          .segment_columns = columns,
          .first_channel = part->first_channel,
          .n_channels = part->n_channels,
          .y = (float *)y->data + pixel * y->row_stride + part->first_channel,
          .y_stride = p->stride_w * y->row_stride,
          .residual
          = residual != NULL ? residual + pixel * r->row_stride + part->first_channel : NULL,
          .residual_stride = p->stride_w * r->row_stride,
          .scratch = scratch + layout->tile_at,
      });
    }
}

static uint32_t
transpose_chunks (const RtOpContext *context, uint32_t phase)
{
  const Plan plan = context_plan (context);

  return (uint32_t)(plan.n_row_chunks * plan.n_panel_chunks * plan.p.groups);
}

static void
transpose_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const Plan plan = context_plan (context);
  const Scratch layout
      = scratch_layout (&plan, rt_weight_dtype (context->inputs[RT_CONV_WEIGHT].weight));
  uint8_t *scratch = rt_op_thread_scratch (context, worker);
  const size_t rest = chunk / plan.n_row_chunks;
  Part part = { .group = rest / plan.n_panel_chunks };
  const size_t group_first = part.group * plan.group_out;
  const size_t panel = group_first / KN_PANEL_ROWS + rest % plan.n_panel_chunks * CHUNK_PANELS;
  const size_t end
      = min_size ((panel + CHUNK_PANELS) * KN_PANEL_ROWS, group_first + plan.group_out);
  uint64_t first, last;

  part.first_channel = max_size (panel * KN_PANEL_ROWS, group_first);
  if (end <= part.first_channel)
    return;
  part.n_channels = end - part.first_channel;
  memset (scratch + layout.zeros_at, 0, plan.group_in * sizeof (float));
  rt_split_range (plan.n_rows, (uint32_t)plan.n_row_chunks, (uint32_t)(chunk % plan.n_row_chunks),
                  &first, &last);
  for (uint64_t row = first; row < last; row++)
    {
      part.picture = row / plan.p.out_h;
      part.row = row % plan.p.out_h;
      for (part.phase = 0; part.phase < min_size (plan.p.stride_w, plan.p.out_w); part.phase++)
        run_phase (context, &plan, &part, &layout, scratch);
    }
}

/* ---- reference, cost ---- */

/* As the operator is defined: from the input's side. */
static void
add_window (const RtOpContext *context, const RtPicture *p, const float *w, RtPixel from, size_t o,
            double *sums)
{
  const RtConvTransposeAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[RT_CONV_X], *y = &context->outputs[0];
  const uint32_t first = attrs->conv.channels_first;
  const size_t n = p->in_c / p->groups, first_in = o / (p->out_c / p->groups) * n;

  for (size_t i = 0; i < p->kernel_h; i++)
    for (size_t j = 0; j < p->kernel_w; j++)
      {
        const ptrdiff_t row = (ptrdiff_t)(from.row * p->stride_h + i * p->dilation_h) - p->pad_top;
        const ptrdiff_t column
            = (ptrdiff_t)(from.column * p->stride_w + j * p->dilation_w) - p->pad_left;

        if (row < 0 || row >= (ptrdiff_t)p->out_h || column < 0 || column >= (ptrdiff_t)p->out_w)
          continue;
        for (size_t c = 0; c < n; c++)
          sums[rt_picture_at (&y->shape, first, from.picture, (size_t)row, (size_t)column, o)]
              += (double)w[((o * p->kernel_h + i) * p->kernel_w + j) * n + c]
                 * (double)((const float *)
                                x->data)[rt_picture_at (&x->shape, first, from.picture, from.row,
                                                        from.column, first_in + c)];
      }
}

static void
transpose_reference (const RtOpContext *context)
{
  const RtConvTransposeAttrs *attrs = context->attrs;
  const RtTensor *y = &context->outputs[0];
  const RtPicture p
      = picture_of (attrs, &context->inputs[RT_CONV_X], y, &context->inputs[RT_CONV_WEIGHT].shape);
  float *w = rt_reference_weight (&context->inputs[RT_CONV_WEIGHT]);
  double *sums = rt_reference_alloc ((size_t)rt_shape_n (&y->shape) * sizeof *sums);

  for (size_t n = 0; n < p.n; n++)
    for (size_t i = 0; i < p.in_h; i++)
      for (size_t j = 0; j < p.in_w; j++)
        for (size_t o = 0; o < p.out_c; o++)
          add_window (context, &p, w, (RtPixel){ n, i, j }, o, sums);
  for (size_t i = 0; i < p.n * p.out_h * p.out_w; i++)
    for (size_t o = 0; o < p.out_c; o++)
      {
        const RtPixel at = rt_pixel (&p, i);
        const size_t element = rt_picture_at (&y->shape, attrs->conv.channels_first, at.picture,
                                              at.row, at.column, o);

        ((float *)y->data)[element]
            = rt_reference_end (context, &attrs->conv, sums[element], element, o);
      }
  free (sums);
  free (w);
}

static void
transpose_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtShape *w = &rt_op_input_value (query->graph, query->node, RT_CONV_WEIGHT)->shape;
  RtShape x;

  rt_op_cost_io (query, cost);
  rt_shape_bind (&rt_op_input_value (query->graph, query->node, RT_CONV_X)->shape, query->symbols,
                 &x);
  const RtConvTransposeAttrs *attrs = query->node->attrs;
  const RtPictureDims in = rt_picture_dims (&x, attrs->conv.channels_first);
  cost->flops = 2 * (uint64_t)(in.n * in.h * in.w) * rt_shape_n (w);
}

static bool
transpose_in_place (const RtNode *node, uint32_t input)
{
  return input == RT_CONV_RESIDUAL;
}

/* clang-format off */
static const RtField fields[] = {
  RT_CONV_FIELDS (RtConvTransposeAttrs, conv.),
  RT_FIELD_COUNT (RtConvTransposeAttrs, output_pad_h),
  RT_FIELD_COUNT (RtConvTransposeAttrs, output_pad_w),
};
/* clang-format on */

const RtOp rt_op_conv_transpose = {
  .name = "conv-transpose",
  .title = "Transposed convolution",
  .attrs_bytes = sizeof (RtConvTransposeAttrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 4,
  .n_outputs = 1,
  .matrix_inputs = 1 << RT_CONV_WEIGHT,
  .vector_inputs = 1 << RT_CONV_BIAS,
  .infer = transpose_infer,
  .scratch = transpose_scratch,
  .n_phases = 1,
  .n_chunks = transpose_chunks,
  .run = transpose_run,
  .reference = transpose_reference,
  .cost = transpose_cost,
  .in_place = transpose_in_place,
  .strided_output = true,
  .permute = rt_picture_permute,
  .is_channels_first = rt_picture_is_channels_first,
};
