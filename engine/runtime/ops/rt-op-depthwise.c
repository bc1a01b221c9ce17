/* Depthwise convolution in f32: every channel has its own window.
 *
 * A chunk is some rows of output and a run of channels. For each row it lists where the columns of
 * the picture lie that its windows see (kn-conv.h), padding as zeros. With several outputs per
 * channel the picture's values are repeated into scratch first. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rt-activation.h"
#include "rt-conv.h"
#include "rt-op-fields.h"
#include "rt-ops-conv.h"

/* Output channels of one kernel call: a row of them stays in the caches. */
#define BLOCK_CHANNELS 256
#define BLOCK_REPEATED 64 /* when values are repeated */

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

/* Sizes of the window: the weight is [KH, KW, O], or [KW, O] for a sequence. */
static void
kernel_size (const RtShape *weight, int64_t *h, int64_t *w)
{
  *h = weight->n_dims == 3 ? weight->dims[0] : 1;
  *w = weight->dims[weight->n_dims - 2];
}

static bool
depthwise_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                 RtError *error)
{
  const RtConvAttrs *attrs = node->attrs;
  const RtValue *w = rt_op_input_value (graph, node, RT_CONV_WEIGHT);
  char text[128];

  if (!rt_picture_check (graph, node, error))
    return false;
  if (w->kind != RT_VALUE_WEIGHT
      || (w->type != RT_TYPE_F32 && w->type != RT_TYPE_F16 && w->type != RT_TYPE_BF16))
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: depthwise weights must be constant floats, got %s", w->name,
                    rt_type_name (w->type));

  const RtShape *x = &rt_op_input_value (graph, node, RT_CONV_X)->shape;
  const RtPictureDims in = rt_picture_dims (x, attrs->channels_first);
  int64_t kernel_h, kernel_w, out_h, out_w;

  if (w->shape.n_dims != x->n_dims - 1 || w->shape.dims[w->shape.n_dims - 1] <= 0
      || w->shape.dims[w->shape.n_dims - 1] % in.c != 0)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s: expected a window of a multiple of %lld channels, got shape %s", w->name,
                    (long long)in.c, rt_shape_text (&w->shape, text, sizeof text));
  kernel_size (&w->shape, &kernel_h, &kernel_w);
  if (!rt_picture_positions (node, "height", in.h, (uint64_t)attrs->pad_top + attrs->pad_bottom,
                             (uint64_t)kernel_h, attrs->stride_h, attrs->dilation_h, &out_h, error)
      || !rt_picture_positions (node, "width", in.w, (uint64_t)attrs->pad_left + attrs->pad_right,
                                (uint64_t)kernel_w, attrs->stride_w, attrs->dilation_w, &out_w,
                                error))
    return false;
  if (!rt_picture_check_rows (node, x, out_h, error))
    return false;
  shapes[0] = rt_picture_shape (x, attrs->channels_first, out_h, out_w,
                                w->shape.dims[w->shape.n_dims - 1]);
  types[0] = RT_TYPE_F32;
  return rt_picture_check_rest (graph, node, attrs, &shapes[0], error);
}

/* ---- the plan: from sizes alone ---- */

typedef struct
{
  RtPicture p;
  size_t multiplier;
  size_t n_columns; /* of the picture with its padding that a row of windows sees */
  size_t block, n_blocks;
  size_t n_rows, n_row_chunks;
} Plan;

static Plan
make_plan (const RtPicture *p, uint32_t n_threads)
{
  Plan plan = { .p = *p, .multiplier = p->out_c / p->in_c, .n_rows = p->n * p->out_h };
  const size_t limit = plan.multiplier > 1 ? BLOCK_REPEATED : BLOCK_CHANNELS;

  plan.n_columns = (p->out_w - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;
  plan.n_blocks = (p->out_c + limit - 1) / limit;
  plan.block = round_up ((p->out_c + plan.n_blocks - 1) / plan.n_blocks, 16);
  plan.n_blocks = (p->out_c + plan.block - 1) / plan.block;
  plan.n_row_chunks
      = rt_split (plan.n_rows, p->out_w * p->out_c * (8 + p->kernel_h * p->kernel_w), n_threads);
  if (plan.n_row_chunks * plan.n_blocks > RT_JOB_MAX)
    plan.n_row_chunks = RT_JOB_MAX / plan.n_blocks > 0 ? RT_JOB_MAX / plan.n_blocks : 1;
  return plan;
}

/* Blocks are chunks of their own where rows are few. */
static bool
splits_blocks (const Plan *plan, uint32_t n_threads)
{
  return plan->n_rows < 4 * (size_t)n_threads && plan->n_blocks <= RT_JOB_MAX / 64;
}

static RtPicture
picture_of (const RtConvAttrs *attrs, const RtTensor *x, const RtTensor *y, const RtShape *weight)
{
  int64_t h, w;

  kernel_size (weight, &h, &w);
  return rt_picture (attrs, x, y, (size_t)h, (size_t)w);
}

static Plan
context_plan (const RtOpContext *context)
{
  const RtPicture p = picture_of (context->attrs, &context->inputs[RT_CONV_X], &context->outputs[0],
                                  &context->inputs[RT_CONV_WEIGHT].shape);

  return make_plan (&p, context->n_threads);
}

/* ---- thread scratch: columns, zeros, a row of output, repeated values ---- */

typedef struct
{
  size_t zeros_at, sums_at, repeated_at, n_bytes;
} Scratch;

static Scratch
scratch_layout (const Plan *plan)
{
  const size_t n = plan->p.kernel_h * plan->n_columns;
  Scratch s;

  s.zeros_at = round_up (n * sizeof (float *), KN_ALIGN);
  s.sums_at = s.zeros_at + plan->block * sizeof (float);
  s.repeated_at = s.sums_at + plan->p.out_w * plan->block * sizeof (float);
  s.n_bytes = s.repeated_at + (plan->multiplier > 1 ? n * plan->block * sizeof (float) : 0);
  return s;
}

static void
depthwise_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
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
  *thread_bytes = scratch_layout (&plan).n_bytes;
}

/* ---- run ---- */

/* A row of output and a block of its channels. */
typedef struct
{
  size_t picture, row, first, n; /* channels of y */
} Part;

/* The input channels of @part at @pixel, each as often as it has outputs. */
static void
repeat (const Plan *plan, const Part *part, const float *pixel, float *to)
{
  for (size_t i = 0; i < part->n; i++)
    to[i] = pixel[(part->first + i) / plan->multiplier];
}

/* The columns of one row of windows that are in the picture row @row; the values lie there or,
 * repeated, behind each other from @repeated on. */
static void
row_columns (const Plan *plan, const RtTensor *x, const Part *part, const float *row,
             const float *zeros, float *repeated, const float **columns)
{
  const RtPicture *p = &plan->p;
  const size_t before = min_size ((size_t)p->pad_left, plan->n_columns);
  const size_t end = max_size (min_size (p->in_w + (size_t)p->pad_left, plan->n_columns), before);
  const size_t step = plan->multiplier == 1 ? x->row_stride : plan->block;
  const float *at = plan->multiplier == 1 ? row + part->first : repeated;

  for (size_t j = 0; j < before; j++)
    columns[j] = zeros;
  for (size_t j = before; j < end; j++)
    columns[j] = at + (j - before) * step;
  for (size_t j = end; j < plan->n_columns; j++)
    columns[j] = zeros;
  for (size_t j = 0; plan->multiplier > 1 && j < end - before; j++)
    repeat (plan, part, row + j * x->row_stride, repeated + j * step);
}

static void
find_columns (const Plan *plan, const RtTensor *x, const Part *part, const float *zeros,
              float *repeated, const float **columns)
{
  const RtPicture *p = &plan->p;

  for (size_t i = 0; i < p->kernel_h; i++)
    {
      const ptrdiff_t y = (ptrdiff_t)(part->row * p->stride_h + i * p->dilation_h) - p->pad_top;

      if (y >= 0 && y < (ptrdiff_t)p->in_h)
        row_columns (plan, x, part,
                     (const float *)x->data
                         + (part->picture * p->in_h + (size_t)y) * p->in_w * x->row_stride,
                     zeros, repeated, columns);
      else
        for (size_t j = 0; j < plan->n_columns; j++)
          columns[j] = zeros;
      columns += plan->n_columns;
      repeated += plan->n_columns * plan->block;
    }
}

/* What the kernel left undone: (sums + residual), activation, limits. */
static void
end_row (const RtOpContext *context, const Part *part, size_t pixel, float *sums, float *y)
{
  const RtConvAttrs *attrs = context->attrs;
  const RtTensor *residual = &context->inputs[RT_CONV_RESIDUAL];
  const float limits[2] = { attrs->min, attrs->max };
  const float *r = NULL;

  if (residual->data != NULL)
    r = (const float *)residual->data + pixel * residual->row_stride + part->first;
  if (r != NULL && !attrs->residual_last)
    {
      context->kn->vec.add (sums, r, part->n, sums);
      if (attrs->activation == RT_ACTIVATION_NONE)
        context->kn->map.map[KN_MAP_CLAMP](sums, limits, part->n, sums);
    }
  rt_finish_row (context->kn, attrs, sums, r, part->n, y);
}

static void
run_part (const RtOpContext *context, const Plan *plan, const Part *part, uint8_t *scratch)
{
  const RtPicture *p = &plan->p;
  const RtConvAttrs *attrs = context->attrs;
  const RtTensor *y = &context->outputs[0];
  const Scratch layout = scratch_layout (plan);
  const float *bias = context->inputs[RT_CONV_BIAS].data;
  const bool has_residual = context->inputs[RT_CONV_RESIDUAL].data != NULL;
  const RtKernelEnd end = rt_kernel_end (attrs, has_residual);
  const size_t first_pixel = (part->picture * p->out_h + part->row) * p->out_w;
  const size_t y_stride = y->row_stride;
  float *out = (float *)y->data + first_pixel * y_stride + part->first;
  float *sums = has_residual ? (float *)(scratch + layout.sums_at) : out;
  const size_t sums_stride = has_residual ? plan->block : y_stride;

  find_columns (plan, &context->inputs[RT_CONV_X], part, (const float *)(scratch + layout.zeros_at),
                (float *)(scratch + layout.repeated_at), (const float **)scratch);
  context->kn->conv.depthwise (&(KnDepthwiseArgs){
      .n_channels = part->n,
      .n_pixels = p->out_w,
      .kernel_h = p->kernel_h,
      .kernel_w = p->kernel_w,
      .stride = p->stride_w,
      .dilation = p->dilation_w,
      .columns = (const float *const *)scratch,
      .columns_stride = plan->n_columns,
      .weights = (const float *)context->inputs[RT_CONV_WEIGHT].data + part->first,
      .weights_stride = p->out_c,
      .bias = bias != NULL ? bias + part->first : NULL,
      .min = end.residual ? -INFINITY : end.min,
      .max = end.residual ? INFINITY : end.max,
      .y = sums,
      .y_stride = sums_stride,
  });
  for (size_t t = 0; (has_residual || end.finish) && t < p->out_w; t++)
    end_row (context, part, first_pixel + t, sums + t * sums_stride, out + t * y_stride);
}

static uint32_t
depthwise_chunks (const RtOpContext *context, uint32_t phase)
{
  const Plan plan = context_plan (context);

  return (uint32_t)(plan.n_row_chunks
                    * (splits_blocks (&plan, context->n_threads) ? plan.n_blocks : 1));
}

static void
depthwise_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const Plan plan = context_plan (context);
  const bool split = splits_blocks (&plan, context->n_threads);
  const Scratch layout = scratch_layout (&plan);
  uint8_t *scratch = rt_op_thread_scratch (context, worker);
  const size_t rows = chunk % plan.n_row_chunks, block = chunk / plan.n_row_chunks;
  uint64_t first, last;

  memset (scratch + layout.zeros_at, 0, plan.block * sizeof (float));
  rt_split_range (plan.n_rows, (uint32_t)plan.n_row_chunks, (uint32_t)rows, &first, &last);
  for (uint64_t row = first; row < last; row++)
    for (size_t b = split ? block : 0; b < (split ? block + 1 : plan.n_blocks); b++)
      {
        const Part part = { .picture = row / plan.p.out_h,
                            .row = row % plan.p.out_h,
                            .first = b * plan.block,
                            .n = min_size (plan.block, plan.p.out_c - b * plan.block) };

        run_part (context, &plan, &part, scratch);
      }
}

/* ---- reference, cost ---- */

static double
window_sum (const RtOpContext *context, const RtPicture *p, RtPixel at, size_t o)
{
  const RtConvAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[RT_CONV_X];
  const float *w = context->inputs[RT_CONV_WEIGHT].data;
  double sum = 0;

  for (size_t i = 0; i < p->kernel_h; i++)
    for (size_t j = 0; j < p->kernel_w; j++)
      {
        const ptrdiff_t row = (ptrdiff_t)(at.row * p->stride_h + i * p->dilation_h) - p->pad_top;
        const ptrdiff_t column
            = (ptrdiff_t)(at.column * p->stride_w + j * p->dilation_w) - p->pad_left;

        if (row < 0 || row >= (ptrdiff_t)p->in_h || column < 0 || column >= (ptrdiff_t)p->in_w)
          continue;
        sum += (double)w[(i * p->kernel_w + j) * p->out_c + o]
               * (double)((const float *)
                              x->data)[rt_picture_at (&x->shape, attrs->channels_first, at.picture,
                                                      (size_t)row, (size_t)column,
                                                      o / (p->out_c / p->in_c))];
      }
  return sum;
}

static void
depthwise_reference (const RtOpContext *context)
{
  const RtConvAttrs *attrs = context->attrs;
  const RtTensor *y = &context->outputs[0];
  const RtPicture p
      = picture_of (attrs, &context->inputs[RT_CONV_X], y, &context->inputs[RT_CONV_WEIGHT].shape);

  for (size_t i = 0; i < p.n * p.out_h * p.out_w; i++)
    for (size_t o = 0; o < p.out_c; o++)
      {
        const RtPixel at = rt_pixel (&p, i);
        const size_t element
            = rt_picture_at (&y->shape, attrs->channels_first, at.picture, at.row, at.column, o);

        ((float *)y->data)[element]
            = rt_reference_end (context, attrs, window_sum (context, &p, at, o), element, o);
      }
}

static void
depthwise_cost (const RtOpQuery *query, RtCost *cost)
{
  int64_t h, w;
  RtShape y;

  rt_op_cost_io (query, cost);
  kernel_size (&rt_op_input_value (query->graph, query->node, RT_CONV_WEIGHT)->shape, &h, &w);
  rt_shape_bind (&rt_graph_value (query->graph, query->node->outputs[0])->shape, query->symbols,
                 &y);
  cost->flops = 2 * rt_shape_n (&y) * (uint64_t)(h * w);
}

static bool
depthwise_in_place (const RtNode *node, uint32_t input)
{
  return input == RT_CONV_RESIDUAL;
}

static const RtField fields[] = { RT_CONV_FIELDS (RtConvAttrs, ) };

const RtOp rt_op_depthwise = {
  .name = "depthwise",
  .title = "Depthwise convolution",
  .attrs_bytes = sizeof (RtConvAttrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 4,
  .n_outputs = 1,
  .vector_inputs = 1 << RT_CONV_WEIGHT | 1 << RT_CONV_BIAS,
  .infer = depthwise_infer,
  .scratch = depthwise_scratch,
  .n_phases = 1,
  .n_chunks = depthwise_chunks,
  .run = depthwise_run,
  .reference = depthwise_reference,
  .cost = depthwise_cost,
  .in_place = depthwise_in_place,
  .strided_output = true,
  .permute = rt_picture_permute,
  .is_channels_first = rt_picture_is_channels_first,
};
