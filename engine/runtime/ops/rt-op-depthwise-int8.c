/* Depthwise convolution of quantized pictures.
 *
 * The kernel is told, for each part of an output row, where the rows of its windows lie; what is
 * padding lies in a pixel of zero points. With more than one output per channel the pixels that a
 * part needs are first repeated that many times. */
#include <stdlib.h>
#include <string.h>

#include "rt-int8.h"
#include "rt-op-fields.h"
#include "rt-ops-int8.h"

/* Outputs of one part, channels counted: about 2 µs and more. */
#define PART_MIN_CODES 32768
#define PARTS_PER_THREAD 6
/* A column of fewer outputs is not worth turning: the kernel takes four rows of a window at
 * once. */
#define COLUMN_MIN_OUTPUTS 3
/* Repeated pixels of a part. */
#define REPEATED_BYTES (128 * 1024)

/* ---- shapes ---- */

static bool
dw_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtConvInt8Attrs *attrs = node->attrs;

  if (!rt_int8_check_x (graph, node, RT_CONV_X, error)
      || !rt_int8_check_weight (graph, node, RT_CONV_WEIGHT, 2, error))
    return false;

  const RtShape *x = &rt_op_input_value (graph, node, RT_CONV_X)->shape;
  const RtShape *w = &rt_op_input_value (graph, node, RT_CONV_WEIGHT)->shape;
  RtWindows windows;
  char x_text[128], w_text[128];

  rt_shape_text (x, x_text, sizeof x_text);
  rt_shape_text (w, w_text, sizeof w_text);
  if (w->n_dims != 3
      || !rt_windows (&attrs->conv, x, (size_t)w->dims[0], (size_t)w->dims[1], (size_t)w->dims[2],
                      &windows, &shapes[0]))
    return rt_fail (error, RT_ERROR_FORMAT, "%s: a window %s does not fit a picture %s", node->name,
                    w_text, x_text);
  if (windows.in_c == 0 || windows.out_c % windows.in_c != 0)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: weights %s are no multiple of the channels of %s",
                    node->name, w_text, x_text);
  if (!rt_type_is_8bit ((int)attrs->out_type) || attrs->conv.activation != 0
      || rt_op_input_value (graph, node, RT_CONV_RESIDUAL) != NULL)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: an 8-bit depthwise convolution gives 8 bit and has limits, but no "
                    "activation and no residual",
                    node->name);
  types[0] = (int)attrs->out_type;
  return rt_int8_check_bias (graph, node, RT_CONV_BIAS, RT_TYPE_I32, (int64_t)windows.out_c, error);
}

static RtWindows
windows_of (const RtConvAttrs *attrs, const RtShape *x, const RtShape *w)
{
  RtWindows windows;

  rt_windows (attrs, x, (size_t)w->dims[0], (size_t)w->dims[1], (size_t)w->dims[2], &windows, NULL);
  return windows;
}

/* What is run: attributes and windows. */
typedef struct
{
  RtConvAttrs attrs;
  RtWindows windows;
} Job;

/* A picture of one column, as sounds have, is the same bytes as one of one row, which has long
 * lines. Where there is room on a side it stays what it is. */
static bool
is_column (const RtConvAttrs *a, const RtShape *x, const RtShape *w)
{
  return x->n_dims == 4 && x->dims[2] == 1 && w->dims[1] == 1 && a->pad_left + a->pad_right == 0;
}

static void
swap_u32 (uint32_t *a, uint32_t *b)
{
  const uint32_t t = *a;
  *a = *b;
  *b = t;
}

static Job
job_of (const RtConvAttrs *attrs, const RtShape *x, const RtShape *w)
{
  Job job = { *attrs, windows_of (attrs, x, w) };
  RtWindows *s = &job.windows;

  if (!is_column (attrs, x, w) || s->out_h < COLUMN_MIN_OUTPUTS)
    return job;
  swap_u32 (&job.attrs.stride_h, &job.attrs.stride_w);
  swap_u32 (&job.attrs.dilation_h, &job.attrs.dilation_w);
  swap_u32 (&job.attrs.pad_top, &job.attrs.pad_left);
  swap_u32 (&job.attrs.pad_bottom, &job.attrs.pad_right);
  *s = (RtWindows){ s->n, s->in_w, s->in_h, s->in_c, s->kw, s->kh, s->out_w, s->out_h, s->out_c };
  return job;
}

/* ---- prepared: head, biases, scales, zero points, a pixel of padding, packed weights ---- */

typedef struct
{
  size_t bias_at, scale_at, w_zero_at, pad_at, weights_at;
} Layout;

static size_t
align_up (size_t n)
{
  return (n + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

static Layout
layout_of (size_t n)
{
  Layout l = { .bias_at = align_up (sizeof (RtProductHead)) };

  l.scale_at = l.bias_at + align_up (n * sizeof (int32_t));
  l.w_zero_at = l.scale_at + align_up (n * sizeof (int32_t));
  l.pad_at = l.w_zero_at + align_up (n * sizeof (int32_t));
  l.weights_at = l.pad_at + align_up (n);
  return l;
}

/* The tables of a process differ in their packing, and columns are turned: room for the largest. */
static uint64_t
dw_prepared_bytes (const RtOpQuery *query)
{
  const RtShape *w = &rt_op_input_value (query->graph, query->node, RT_CONV_WEIGHT)->shape;
  const size_t kh = (size_t)w->dims[0], kw = (size_t)w->dims[1], n = (size_t)w->dims[2];
  uint64_t most = 0;

  for (int level = 0; level < KN_N_LEVELS; level++)
    {
      const KnTable *kn = kn_table_for_level ((KnLevel)level);
      const uint64_t as_is
          = kn != NULL ? layout_of (n).weights_at + kn->qconv.dw_bytes (kh, kw, n) : 0;
      const uint64_t turned
          = kn != NULL ? layout_of (n).weights_at + kn->qconv.dw_bytes (kw, kh, n) : 0;
      most = as_is > most ? as_is : most;
      most = turned > most ? turned : most;
    }
  return most;
}

static void
dw_prepare (const RtOpContext *context, void *memory)
{
  const RtTensor *x = &context->inputs[RT_CONV_X], *w = &context->inputs[RT_CONV_WEIGHT];
  const int32_t *bias = context->inputs[RT_CONV_BIAS].data;
  const RtConvInt8Attrs *attrs = context->attrs;
  const RtWindows windows = job_of (&attrs->conv, &x->shape, &w->shape).windows;
  const Layout l = layout_of (windows.out_c);
  const size_t n = (size_t)w->shape.dims[2], n_taps = (size_t)(w->shape.dims[0] * w->shape.dims[1]);
  const int32_t w_shift = w->type == RT_TYPE_U8 ? 128 : 0;
  const float scale_y = rt_quant_scale (context->outputs[0].quant, 0);
  RtProductHead *head = memory;
  head->requant = rt_requant (context->outputs[0].type, context->outputs[0].quant, attrs->conv.min,
                              attrs->conv.max);
  uint8_t *base = memory;
  int32_t *biases = (int32_t *)(void *)(base + l.bias_at);
  int32_t *w_zeros = (int32_t *)(void *)(base + l.w_zero_at);
  float *scales = (float *)(void *)(base + l.scale_at);
  int8_t *codes = rt_reference_alloc (n_taps * n);

  int32_t x_zero = rt_quant_zero (x->quant, 0);
  memset (base + l.pad_at, (uint8_t)x_zero, n);
  if (rt_product_flip (context->kn, x->type) != 0)
    x_zero += x->type == RT_TYPE_I8 ? 128 : -128;

  for (size_t c = 0; c < n; c++)
    {
      int32_t sum = 0;
      for (size_t t = 0; t < n_taps; t++)
        {
          codes[t * n + c] = (int8_t)(rt_code_get (w->data, w->type, t * n + c) - w_shift);
          sum += codes[t * n + c];
        }
      w_zeros[c] = rt_quant_zero (w->quant, c) - w_shift;
      head->has_w_zero |= w_zeros[c] != 0;
      biases[c] = (int32_t)((uint32_t)(bias != NULL ? rt_load_i32 (bias, c) : 0)
                            - (uint32_t)(x_zero * sum)
                            + (uint32_t)(x_zero * w_zeros[c]) * (uint32_t)n_taps);
      scales[c] = rt_quant_scale (x->quant, 0) * rt_quant_scale (w->quant, c) / scale_y;
    }
  context->kn->qconv.dw_pack (codes, windows.kh, windows.kw, n, base + l.weights_at);
  free (codes);
}

/* ---- splitting: parts of output rows ---- */

typedef struct
{
  size_t n_rows, n_parts, part_width; /* rows of all pictures; parts of a row */
  size_t n_columns;                   /* of the input, that a part reads */
  size_t repeat;                      /* outputs of one channel */
  size_t rows_bytes, repeated_bytes;
} Split;

static Split
split_of (const RtConvAttrs *a, const RtWindows *w, uint32_t n_threads)
{
  Split s = { .n_rows = w->n * w->out_h, .repeat = w->out_c / w->in_c };
  const size_t by_size = s.n_rows * w->out_w * w->out_c / PART_MIN_CODES;
  const size_t most = (size_t)n_threads * PARTS_PER_THREAD,
               wanted = by_size < most ? by_size : most;

  s.n_parts = wanted > s.n_rows ? (wanted + s.n_rows - 1) / s.n_rows : 1;
  for (;; s.n_parts *= 2)
    {
      if (s.n_parts > w->out_w)
        s.n_parts = w->out_w;
      s.part_width = (w->out_w + s.n_parts - 1) / s.n_parts;
      s.n_columns = (s.part_width - 1) * a->stride_w + (w->kw - 1) * a->dilation_w + 1;
      s.repeated_bytes = s.repeat > 1 ? s.n_columns * w->kh * w->out_c : 0;
      if (s.repeated_bytes <= REPEATED_BYTES || s.part_width == 1)
        break;
    }
  s.n_parts = (w->out_w + s.part_width - 1) / s.part_width;
  s.rows_bytes = align_up (w->kh * (sizeof (void *) + sizeof (size_t)));
  return s;
}

static uint32_t
n_chunks_of (const Split *s, const RtWindows *w, uint32_t n_threads)
{
  const size_t n = s->n_rows * s->n_parts;
  const size_t codes = s->n_rows * w->out_w * w->out_c, by_size = codes / PART_MIN_CODES + 1;
  const size_t most = n_threads == 1 ? 1 : (size_t)n_threads * PARTS_PER_THREAD;
  size_t chunks = by_size < most ? by_size : most;

  return (uint32_t)rt_whole_turns (chunks < n ? chunks : n, n_threads);
}

static void
dw_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtConvInt8Attrs *attrs = query->node->attrs;
  const Job job
      = job_of (&attrs->conv, &rt_op_input_value (query->graph, query->node, RT_CONV_X)->shape,
                &rt_op_input_value (query->graph, query->node, RT_CONV_WEIGHT)->shape);
  const Split s = split_of (&job.attrs, &job.windows, query->n_threads);

  *thread_bytes = KN_QDW_SCRATCH + s.rows_bytes + s.repeated_bytes;
}

static uint32_t
dw_chunks (const RtOpContext *context, uint32_t phase)
{
  const RtConvInt8Attrs *attrs = context->attrs;

  if (context->n_threads == 1)
    return 1;
  const Job job = job_of (&attrs->conv, &context->inputs[RT_CONV_X].shape,
                          &context->inputs[RT_CONV_WEIGHT].shape);
  const Split s = split_of (&job.attrs, &job.windows, context->n_threads);

  return n_chunks_of (&s, &job.windows, context->n_threads);
}

/* ---- running ---- */

typedef struct
{
  const RtOpContext *context;
  const RtConvAttrs *attrs;
  RtWindows windows;
  Split split;
  Layout layout;
  uint8_t *scratch;
} Run;

/* One pixel with each of its channels @repeat times. */
static void
repeat_pixel (const uint8_t *from, size_t n, size_t repeat, uint8_t *to)
{
  for (size_t c = 0; c < n; c++)
    memset (to + c * repeat, from[c], repeat);
}

/* The pixels [from, from + n) of a line, repeated, for row @ky of the window. */
static const uint8_t *
repeat_line (const Run *r, size_t ky, const uint8_t *line, size_t from, size_t n)
{
  const RtWindows *w = &r->windows;
  uint8_t *to
      = r->scratch + KN_QDW_SCRATCH + r->split.rows_bytes + ky * r->split.n_columns * w->out_c;

  for (size_t i = 0; i < n; i++)
    repeat_pixel (line + (from + i) * w->in_c, w->in_c, r->split.repeat, to + i * w->out_c);
  return to;
}

/* Where the windows of the @n outputs from @ox on of row @row lie. */
static void
find_rows (const Run *r, size_t row, size_t ox, size_t n, KnQdwArgs *args)
{
  const RtConvAttrs *a = r->attrs;
  const RtWindows *w = &r->windows;
  const uint8_t *x = (const uint8_t *)r->context->inputs[RT_CONV_X].data
                     + row / w->out_h * (w->in_h * w->in_w * w->in_c);
  const int64_t y0 = (int64_t)(row % w->out_h * a->stride_h) - a->pad_top;
  const int64_t x0 = (int64_t)(ox * a->stride_w) - a->pad_left;
  const int64_t n_columns = (int64_t)((n - 1) * a->stride_w + (w->kw - 1) * a->dilation_w + 1);
  const int64_t from = x0 > 0 ? x0 : 0;
  const int64_t end = x0 + n_columns < (int64_t)w->in_w ? x0 + n_columns : (int64_t)w->in_w;
  const uint8_t **rows = (const uint8_t **)(void *)(r->scratch + KN_QDW_SCRATCH);
  size_t *steps = (size_t *)(void *)(rows + w->kh);

  args->rows = rows;
  args->steps = steps;
  args->pad = (const uint8_t *)r->context->prepared + r->layout.pad_at;
  args->first_inside = (size_t)(from - x0);
  args->n_inside = end > from ? (size_t)(end - from) : 0;
  for (size_t ky = 0; ky < w->kh; ky++)
    {
      const int64_t iy = y0 + (int64_t)(ky * a->dilation_h);

      rows[ky] = args->pad;
      steps[ky] = 0;
      if (iy < 0 || iy >= (int64_t)w->in_h || args->n_inside == 0)
        continue;
      const uint8_t *line = x + (size_t)iy * w->in_w * w->in_c;
      rows[ky] = r->split.repeat > 1 ? repeat_line (r, ky, line, (size_t)from, args->n_inside)
                                     : line + (size_t)from * w->in_c;
      steps[ky] = w->out_c;
    }
}

static void
run_part (const Run *r, size_t row, size_t part, const KnRequant *requant)
{
  const RtOpContext *context = r->context;
  const RtWindows *w = &r->windows;
  const RtTensor *y = &context->outputs[0];
  const uint8_t *base = context->prepared;
  const RtProductHead *head = context->prepared;
  const size_t ox = part * r->split.part_width;
  const size_t n = w->out_w - ox < r->split.part_width ? w->out_w - ox : r->split.part_width;
  KnQdwArgs args = {
    .n_channels = w->out_c,
    .kh = w->kh,
    .kw = w->kw,
    .stride_w = r->attrs->stride_w,
    .dilation_w = r->attrs->dilation_w,
    .n_outputs = n,
    .flip = rt_product_flip (context->kn, context->inputs[RT_CONV_X].type),
    .weights = base + r->layout.weights_at,
    .bias = (const int32_t *)(const void *)(base + r->layout.bias_at),
    .w_zero = head->has_w_zero ? (const int32_t *)(const void *)(base + r->layout.w_zero_at) : NULL,
    .scale = (const float *)(const void *)(base + r->layout.scale_at),
    .requant = *requant,
    .y = (uint8_t *)y->data + (row * w->out_w + ox) * y->row_stride,
    .y_stride = y->row_stride,
    .scratch = r->scratch,
  };

  find_rows (r, row, ox, n, &args);
  context->kn->qconv.depthwise (&args);
}

static void
dw_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtConvInt8Attrs *attrs = context->attrs;
  const RtTensor *w = &context->inputs[RT_CONV_WEIGHT];
  const Job job = job_of (&attrs->conv, &context->inputs[RT_CONV_X].shape, &w->shape);
  Run r = { .context = context,
            .attrs = &job.attrs,
            .windows = job.windows,
            .layout = layout_of (job.windows.out_c),
            .scratch = rt_op_thread_scratch (context, worker) };
  const KnRequant requant = ((const RtProductHead *)context->prepared)->requant;
  uint64_t from, until;

  r.split = split_of (r.attrs, &r.windows, context->n_threads);
  rt_split_range (r.split.n_rows * r.split.n_parts,
                  n_chunks_of (&r.split, &r.windows, context->n_threads), chunk, &from, &until);
  for (uint64_t i = from; i < until; i++)
    run_part (&r, i / r.split.n_parts, i % r.split.n_parts, &requant);
}

/* ---- reference ---- */

static int32_t
reference_sum (const RtOpContext *context, const RtWindows *s, size_t n, size_t oy, size_t ox,
               size_t o)
{
  const RtConvAttrs *a = &((const RtConvInt8Attrs *)context->attrs)->conv;
  const RtTensor *x = &context->inputs[RT_CONV_X], *w = &context->inputs[RT_CONV_WEIGHT];
  const int32_t *bias = context->inputs[RT_CONV_BIAS].data;
  int64_t sum = bias != NULL ? rt_load_i32 (bias, o) : 0;

  for (size_t ky = 0; ky < s->kh; ky++)
    for (size_t kx = 0; kx < s->kw; kx++)
      {
        const int64_t iy = (int64_t)(oy * a->stride_h + ky * a->dilation_h) - a->pad_top;
        const int64_t ix = (int64_t)(ox * a->stride_w + kx * a->dilation_w) - a->pad_left;
        if (iy < 0 || iy >= (int64_t)s->in_h || ix < 0 || ix >= (int64_t)s->in_w)
          continue;
        const size_t at = rt_reference_offset (a, s->in_h, s->in_w, s->in_c, n, (size_t)iy,
                                               (size_t)ix, o / (s->out_c / s->in_c));
        sum += (int64_t)(rt_code_get (x->data, x->type, at) - rt_quant_zero (x->quant, 0))
               * (rt_code_get (w->data, w->type, (ky * s->kw + kx) * s->out_c + o)
                  - rt_quant_zero (w->quant, o));
      }
  return (int32_t)sum;
}

static void
dw_reference (const RtOpContext *context)
{
  const RtConvInt8Attrs *attrs = context->attrs;
  const RtWindows windows = windows_of (&attrs->conv, &context->inputs[RT_CONV_X].shape,
                                        &context->inputs[RT_CONV_WEIGHT].shape);

  rt_reference_convolution (context, &windows, reference_sum);
}

static void
dw_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtConvInt8Attrs *attrs = query->node->attrs;
  const RtWindows w
      = windows_of (&attrs->conv, &rt_op_input_value (query->graph, query->node, RT_CONV_X)->shape,
                    &rt_op_input_value (query->graph, query->node, RT_CONV_WEIGHT)->shape);

  rt_int8_cost_io (query, cost);
  cost->flops = 2 * (uint64_t)(w.n * w.out_h * w.out_w * w.out_c) * (uint64_t)(w.kh * w.kw);
}

/* clang-format off */
static const RtField fields[] = {
  RT_CONV_FIELDS (RtConvInt8Attrs, conv.),
  RT_FIELD_ELEMENT (RtConvInt8Attrs, out_type),
};
/* clang-format on */

const RtOp rt_op_depthwise_int8 = {
  .name = "depthwise_int8",
  .title = "Depthwise convolution, 8-bit",
  .attrs_bytes = sizeof (RtConvInt8Attrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 4,
  .n_outputs = 1,
  .infer = dw_infer,
  .prepared_bytes = dw_prepared_bytes,
  .prepare = dw_prepare,
  .scratch = dw_scratch,
  .n_phases = 1,
  .n_chunks = dw_chunks,
  .run = dw_run,
  .reference = dw_reference,
  .cost = dw_cost,
  .strided_output = true,
  .permute = rt_conv_permute,
  .is_channels_first = rt_conv_is_channels_first,
};
