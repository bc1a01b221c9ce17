/* Fully connected layers on quantized tensors: rows of x times a packed constant weight. */
#include <stdlib.h>
#include <string.h>

#include "rt-int8.h"
#include "rt-ops-int8.h"

enum
{
  X,
  WEIGHT,
  BIAS,
  X_ZERO,
};

#define TILE_ROWS 48         /* of x: they are copied when their codes need flipping */
#define CHUNK_MIN_OPS 600000 /* about 2 µs from the second-level cache */
#define CHUNKS_PER_THREAD 6

static bool
fc_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtFullyConnectedInt8Attrs *attrs = node->attrs;

  if (!rt_int8_check_x (graph, node, X, error)
      || !rt_int8_check_weight (graph, node, WEIGHT, 0, error))
    return false;

  const RtShape *x = &rt_op_input_value (graph, node, X)->shape;
  const RtShape *w = &rt_op_input_value (graph, node, WEIGHT)->shape;
  if (w->n_dims != 2 || x->n_dims < 1 || x->dims[x->n_dims - 1] != w->dims[1])
    {
      char x_text[128], w_text[128];
      return rt_fail (error, RT_ERROR_FORMAT, "%s: weights %s do not fit rows of %s", node->name,
                      rt_shape_text (w, w_text, sizeof w_text),
                      rt_shape_text (x, x_text, sizeof x_text));
    }
  if (!rt_type_is_8bit ((int)attrs->out_type) && attrs->out_type != RT_TYPE_I32)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: no 8-bit product gives %s", node->name,
                    rt_type_name ((int)attrs->out_type));
  shapes[0] = *x;
  shapes[0].dims[x->n_dims - 1] = w->dims[0];
  types[0] = (int)attrs->out_type;
  return rt_int8_check_bias (graph, node, BIAS, RT_TYPE_I32, w->dims[0], error)
         && rt_int8_check_zero (graph, node, X_ZERO, attrs->out_type, error);
}

static RtProductLayout
layout_of (const RtShape *w)
{
  return rt_product_layout (1, (size_t)w->dims[0], 1, (size_t)w->dims[1]);
}

static uint64_t
fc_prepared_bytes (const RtOpQuery *query)
{
  return layout_of (&rt_op_input_value (query->graph, query->node, WEIGHT)->shape).n_bytes;
}

static void
fc_prepare (const RtOpContext *context, void *memory)
{
  const RtTensor *x = &context->inputs[X], *w = &context->inputs[WEIGHT], *y = &context->outputs[0];
  const RtFullyConnectedInt8Attrs *attrs = context->attrs;
  const RtProductLayout layout = layout_of (&w->shape);

  rt_product_make (&layout, context->kn, w->data, w->type, w->quant, context->inputs[BIAS].data,
                   x->type, x->quant, y->type == RT_TYPE_I32 ? 0 : rt_quant_scale (y->quant, 0),
                   memory);
  ((RtProductHead *)memory)->requant = rt_requant (y->type, y->quant, attrs->min, attrs->max);
}

/* Tiles of rows times runs of panels. */
typedef struct
{
  size_t n_rows, n_tiles;
  size_t n_panels, n_runs;
} Split;

static Split
split_of (const RtShape *x, const RtShape *w, uint32_t n_threads)
{
  Split s = { .n_rows = rt_shape_rows (x),
              .n_panels = (size_t)(w->dims[0] + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS };
  s.n_tiles = (s.n_rows + TILE_ROWS - 1) / TILE_ROWS;
  s.n_runs = 1;
  if (n_threads == 1)
    return s;
  const double ops = 2.0 * (double)s.n_rows * (double)w->dims[0] * (double)w->dims[1];
  const size_t by_ops = (size_t)(ops / CHUNK_MIN_OPS), most = n_threads * CHUNKS_PER_THREAD;
  const size_t wanted = by_ops < most ? by_ops : most;

  s.n_runs = s.n_tiles > 0 ? wanted / s.n_tiles : 0;
  s.n_runs = s.n_runs < 1 ? 1 : s.n_runs > s.n_panels ? s.n_panels : s.n_runs;
  while (s.n_tiles * s.n_runs > RT_JOB_MAX && s.n_runs > 1)
    s.n_runs--;
  return s;
}

static size_t
copy_stride (const RtShape *w)
{
  return (size_t)(w->dims[1] + 63) / 64 * 64;
}

static void
fc_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtShape *w = &rt_op_input_value (query->graph, query->node, WEIGHT)->shape;

  *thread_bytes = TILE_ROWS * (copy_stride (w) + sizeof (int32_t));
}

static uint32_t
n_chunks_of (const Split *s)
{
  const size_t n = s->n_tiles * s->n_runs;
  return n < RT_JOB_MAX ? (uint32_t)n : RT_JOB_MAX;
}

static uint32_t
fc_chunks (const RtOpContext *context, uint32_t phase)
{
  if (context->n_threads == 1)
    return 1;
  const Split s
      = split_of (&context->inputs[X].shape, &context->inputs[WEIGHT].shape, context->n_threads);

  return n_chunks_of (&s);
}

/* Rows [first, first + n) of x as gemm wants them. */
static const uint8_t *
rows_of (const RtOpContext *context, size_t first, size_t n, uint8_t *copy, size_t *stride)
{
  const RtTensor *x = &context->inputs[X];
  const size_t n_cols = rt_shape_cols (&x->shape);
  const uint8_t flip = rt_product_flip (context->kn, x->type);
  const uint8_t *rows = (const uint8_t *)x->data + first * n_cols;

  *stride = n_cols;
  if (flip == 0 && n_cols % 4 == 0)
    return rows;
  *stride = copy_stride (&context->inputs[WEIGHT].shape);
  if (n == 1)
    {
      context->kn->qconv.copy (copy, rows, n_cols, flip);
      return copy;
    }
  context->kn->qconv.gather (&(KnQgatherArgs){ .x = rows,
                                               .in_h = 1,
                                               .in_w = n,
                                               .pixel_bytes = n_cols,
                                               .n_channels = n_cols,
                                               .kh = 1,
                                               .kw = 1,
                                               .stride_h = 1,
                                               .stride_w = 1,
                                               .dilation_h = 1,
                                               .dilation_w = 1,
                                               .out_w = n,
                                               .n_pixels = n,
                                               .flip = flip,
                                               .rows = copy,
                                               .row_stride = *stride });
  return copy;
}

static void
run_part (const RtOpContext *context, const Split *s, size_t part, uint8_t *scratch)
{
  const RtTensor *w = &context->inputs[WEIGHT], *y = &context->outputs[0];
  const RtProductHead *head = context->prepared;
  const RtProductLayout *layout = &head->layout;
  const size_t tile = part % s->n_tiles, run = part / s->n_tiles;
  const size_t first = tile * TILE_ROWS;
  const size_t n = s->n_rows - first < TILE_ROWS ? s->n_rows - first : TILE_ROWS;
  const size_t panel = s->n_panels * run / s->n_runs, end = s->n_panels * (run + 1) / s->n_runs;
  const size_t code_bytes = rt_type_bytes (y->type), y_stride = layout->n_rows * code_bytes;
  size_t stride;
  const uint8_t *rows = rows_of (context, first, n, scratch, &stride);

  rt_product_run (layout, context->kn, context->prepared, 0, panel, end - panel, rows, stride, n,
                  y->type == RT_TYPE_I32 ? NULL : &head->requant,
                  (int32_t *)(void *)(scratch + TILE_ROWS * copy_stride (&w->shape)),
                  (uint8_t *)y->data + first * y_stride + panel * KN_PANEL_ROWS * code_bytes,
                  y_stride);

  const RtTensor *zero = &context->inputs[X_ZERO];
  const size_t row = panel * KN_PANEL_ROWS, n_left = layout->n_rows - row;
  if (zero->data != NULL)
    rt_product_move_zero ((int32_t *)y->data + first * layout->n_rows + row, y_stride, n,
                          (end - panel) * KN_PANEL_ROWS < n_left ? (end - panel) * KN_PANEL_ROWS
                                                                 : n_left,
                          rt_code_get (zero->data, zero->type, 0),
                          rt_product_sums (layout, context->prepared, 0) + row);
}

static void
fc_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  if (context->n_threads == 1 && rt_shape_rows (&context->inputs[X].shape) == 1)
    {
      const RtProductHead *head = context->prepared;
      const Split all = { 1, 1, head->layout.padded_rows / KN_PANEL_ROWS, 1 };
      run_part (context, &all, 0, rt_op_thread_scratch (context, worker));
      return;
    }
  const Split s
      = split_of (&context->inputs[X].shape, &context->inputs[WEIGHT].shape, context->n_threads);
  uint64_t from, until;

  rt_split_range (s.n_tiles * s.n_runs, fc_chunks (context, 0), chunk, &from, &until);
  for (uint64_t part = from; part < until; part++)
    run_part (context, &s, part, rt_op_thread_scratch (context, worker));
}

static void
fc_reference (const RtOpContext *context)
{
  const RtFullyConnectedInt8Attrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[X], *w = &context->inputs[WEIGHT], *y = &context->outputs[0];
  const int32_t *bias = context->inputs[BIAS].data;
  const int32_t x_zero = rt_x_zero (x, &context->inputs[X_ZERO]);
  const size_t n_cols = (size_t)w->shape.dims[1], n_out = (size_t)w->shape.dims[0];

  for (size_t row = 0; row < rt_shape_rows (&x->shape); row++)
    for (size_t o = 0; o < n_out; o++)
      {
        int64_t sum = bias != NULL ? rt_load_i32 (bias, o) : 0;

        for (size_t c = 0; c < n_cols; c++)
          sum += (int64_t)(rt_code_get (x->data, x->type, row * n_cols + c) - x_zero)
                 * (rt_code_get (w->data, w->type, o * n_cols + c) - rt_quant_zero (w->quant, o));
        rt_code_put (y->data, y->type, row * n_out + o,
                     rt_reference_requant (y, (int32_t)sum,
                                           rt_quant_scale (x->quant, 0)
                                               * rt_quant_scale (w->quant, o),
                                           attrs->min, attrs->max));
      }
}

static void
fc_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtShape *w = &rt_op_input_value (query->graph, query->node, WEIGHT)->shape;

  rt_int8_cost_io (query, cost);
  cost->flops = 2 * rt_op_query_rows (query) * (uint64_t)(w->dims[0] * w->dims[1]);
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_ELEMENT (RtFullyConnectedInt8Attrs, out_type),
  RT_FIELD_REAL (RtFullyConnectedInt8Attrs, min),
  RT_FIELD_REAL (RtFullyConnectedInt8Attrs, max),
};
/* clang-format on */

const RtOp rt_op_fully_connected_int8 = {
  .name = "fully_connected_int8",
  .title = "Fully connected, 8-bit",
  .attrs_bytes = sizeof (RtFullyConnectedInt8Attrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 4,
  .n_outputs = 1,
  .infer = fc_infer,
  .prepared_bytes = fc_prepared_bytes,
  .prepare = fc_prepare,
  .scratch = fc_scratch,
  .n_phases = 1,
  .n_chunks = fc_chunks,
  .run = fc_run,
  .reference = fc_reference,
  .cost = fc_cost,
};
