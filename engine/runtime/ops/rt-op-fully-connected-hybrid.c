/* Fully connected layers of f32 rows with 8-bit weights, the "dynamic range" quantization of
 * TFLite: each row of x is quantized as it comes (phase 0), multiplied in 8 bit, and scaled back
 * (phase 1). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rt-int8.h"
#include "rt-ops-int8.h"

enum
{
  X,
  WEIGHT,
  BIAS,
};

#define TILE_ROWS 32
#define CHUNK_MIN_OPS 600000
#define CHUNKS_PER_THREAD 6

/* What a quantized row stands for: scale * (code - zero). */
typedef struct
{
  float scale;
  int32_t zero;
} RowQuant;

static bool
hybrid_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtValue *x = rt_op_input_value (graph, node, X);

  if (x->type != RT_TYPE_F32)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: expected f32, got %s", node->name,
                    rt_type_name (x->type));
  if (!rt_int8_check_weight (graph, node, WEIGHT, 0, error))
    return false;

  const RtValue *w = rt_op_input_value (graph, node, WEIGHT);
  for (uint32_t i = 0; w->quant != NULL && i < w->quant->n; i++)
    if (w->type != RT_TYPE_I8 || w->quant->zero_points[i] != 0)
      return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: %s must be I8 with zero point 0",
                      node->name, w->name);
  if (w->shape.n_dims != 2 || x->shape.n_dims < 1
      || x->shape.dims[x->shape.n_dims - 1] != w->shape.dims[1])
    {
      char x_text[128], w_text[128];
      return rt_fail (error, RT_ERROR_FORMAT, "%s: weights %s do not fit rows of %s", node->name,
                      rt_shape_text (&w->shape, w_text, sizeof w_text),
                      rt_shape_text (&x->shape, x_text, sizeof x_text));
    }
  shapes[0] = x->shape;
  shapes[0].dims[x->shape.n_dims - 1] = w->shape.dims[0];
  types[0] = RT_TYPE_F32;
  return rt_int8_check_bias (graph, node, BIAS, RT_TYPE_F32, w->shape.dims[0], error);
}

static RtProductLayout
layout_of (const RtShape *w)
{
  return rt_product_layout (1, (size_t)w->dims[0], 1, (size_t)w->dims[1]);
}

static uint64_t
hybrid_prepared_bytes (const RtOpQuery *query)
{
  return layout_of (&rt_op_input_value (query->graph, query->node, WEIGHT)->shape).n_bytes;
}

/* As of I8 codes with zero point 0; the rows' own come in afterwards. */
static void
hybrid_prepare (const RtOpContext *context, void *memory)
{
  const RtTensor *w = &context->inputs[WEIGHT];
  const RtProductLayout layout = layout_of (&w->shape);

  rt_product_make (&layout, context->kn, w->data, w->type, w->quant, NULL, RT_TYPE_I8, NULL, 0,
                   memory);
}

/* ---- rows of x ---- */

/* Asymmetric, as TFLite and XNNPACK choose it: of the two ends of the range that which is nearer to
 * a code decides on the zero point. */
static RowQuant
asymmetric_quant (float low, float high)
{
  const float factor = low == high ? 1 : 255 / (high - low);
  const float low_code = low * factor, high_code = high * factor;
  const float zero = (-128 + low_code) + (127 + high_code) > 0 ? -128 - low_code : 127 - high_code;

  return (RowQuant){ 1 / factor, (int32_t)rintf (fminf (fmaxf (zero, -128), 127)) };
}

static RowQuant
quantize_row (const float *x, size_t n, bool asymmetric, uint8_t flip, uint8_t *codes)
{
  float low = 0, high = 0;

  for (size_t i = 0; i < n; i++)
    {
      low = x[i] < low ? x[i] : low;
      high = x[i] > high ? x[i] : high;
    }
  const float largest = fmaxf (-low, high);
  const RowQuant q = asymmetric    ? asymmetric_quant (low, high)
                     : largest > 0 ? (RowQuant){ largest / 127, 0 }
                                   : (RowQuant){ 1, 0 };
  const float factor = 1 / q.scale, lowest = (float)((asymmetric ? -128 : -127) - q.zero);
  const float highest = (float)(127 - q.zero);

  for (size_t i = 0; i < n; i++)
    {
      const float v = rintf (fminf (fmaxf (x[i] * factor, lowest), highest));
      codes[i] = (uint8_t)((int32_t)v + q.zero) ^ flip;
    }
  return q;
}

/* ---- splitting ---- */

typedef struct
{
  size_t n_rows, n_cols, stride; /* of x; bytes from one quantized row to the next */
  size_t n_tiles, n_panels, n_runs;
} Split;

static Split
split_of (const RtShape *x, const RtShape *w, uint32_t n_threads)
{
  Split s = { .n_rows = rt_shape_rows (x),
              .n_cols = (size_t)w->dims[1],
              .stride = (size_t)(w->dims[1] + 63) / 64 * 64,
              .n_panels = (size_t)(w->dims[0] + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS };
  s.n_tiles = (s.n_rows + TILE_ROWS - 1) / TILE_ROWS;
  const double ops = 2.0 * (double)s.n_rows * (double)w->dims[0] * (double)w->dims[1];
  const size_t by_ops = (size_t)(ops / CHUNK_MIN_OPS), most = n_threads * CHUNKS_PER_THREAD;
  const size_t wanted = by_ops < most ? by_ops : most;

  s.n_runs = s.n_tiles > 0 ? wanted / s.n_tiles : 0;
  s.n_runs = s.n_runs < 1 ? 1 : s.n_runs > s.n_panels ? s.n_panels : s.n_runs;
  return s;
}

static Split
split_of_run (const RtOpContext *context)
{
  return split_of (&context->inputs[X].shape, &context->inputs[WEIGHT].shape, context->n_threads);
}

static void
hybrid_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtShape *w = &rt_op_input_value (query->graph, query->node, WEIGHT)->shape;
  RtShape x;

  rt_shape_bind (&rt_op_input_value (query->graph, query->node, X)->shape, query->symbols, &x);
  const Split s = split_of (&x, w, query->n_threads);
  *shared_bytes = s.n_rows * (s.stride + sizeof (RowQuant));
  *thread_bytes = TILE_ROWS * s.n_panels * KN_PANEL_ROWS * sizeof (int32_t);
}

static uint32_t
hybrid_chunks (const RtOpContext *context, uint32_t phase)
{
  const Split s = split_of_run (context);
  const size_t n
      = phase == 0 ? rt_split (s.n_rows, s.n_cols * 4, context->n_threads) : s.n_tiles * s.n_runs;

  return n < RT_JOB_MAX ? (uint32_t)n : RT_JOB_MAX;
}

/* ---- running ---- */

static void
quantize_rows (const RtOpContext *context, const Split *s, uint32_t chunk)
{
  const RtHybridAttrs *attrs = context->attrs;
  RowQuant *quants = (RowQuant *)(void *)(context->scratch + s->n_rows * s->stride);
  uint64_t first, last;

  rt_split_range (s->n_rows, hybrid_chunks (context, 0), chunk, &first, &last);
  for (uint64_t row = first; row < last; row++)
    quants[row] = quantize_row ((const float *)context->inputs[X].data + row * s->n_cols, s->n_cols,
                                attrs->asymmetric != 0, rt_product_flip (context->kn, RT_TYPE_I8),
                                context->scratch + row * s->stride);
}

/* One row of sums to f32. */
static void
scale_row (const RtOpContext *context, const int32_t *sums, const int32_t *w_sums, RowQuant q,
           size_t first, size_t n, float *y)
{
  const RtHybridAttrs *attrs = context->attrs;
  const RtQuant *w = context->inputs[WEIGHT].quant;
  const float *bias = context->inputs[BIAS].data;

  for (size_t i = 0; i < n; i++)
    {
      const float sum
          = (float)(int32_t)((uint32_t)sums[i] - (uint32_t)q.zero * (uint32_t)w_sums[i]);
      const float v = sum * q.scale * rt_quant_scale (w, first + i) + (bias ? bias[first + i] : 0);
      y[i] = fminf (fmaxf (v, attrs->min), attrs->max);
    }
}

static void
run_part (const RtOpContext *context, const Split *s, size_t part, int32_t *sums)
{
  const RtProductLayout layout = layout_of (&context->inputs[WEIGHT].shape);
  const RowQuant *quants
      = (const RowQuant *)(const void *)(context->scratch + s->n_rows * s->stride);
  const size_t first = part % s->n_tiles * TILE_ROWS, run = part / s->n_tiles;
  const size_t n = s->n_rows - first < TILE_ROWS ? s->n_rows - first : TILE_ROWS;
  const size_t panel = s->n_panels * run / s->n_runs, end = s->n_panels * (run + 1) / s->n_runs;
  const size_t row = panel * KN_PANEL_ROWS, n_left = layout.n_rows - row;
  const size_t n_out
      = (end - panel) * KN_PANEL_ROWS < n_left ? (end - panel) * KN_PANEL_ROWS : n_left;

  rt_product_run (&layout, context->kn, context->prepared, 0, panel, end - panel,
                  context->scratch + first * s->stride, s->stride, n, NULL, NULL, sums,
                  n_out * sizeof *sums);
  for (size_t i = 0; i < n; i++)
    scale_row (context, sums + i * n_out, rt_product_sums (&layout, context->prepared, 0) + row,
               quants[first + i], row, n_out,
               (float *)context->outputs[0].data + (first + i) * layout.n_rows + row);
}

static void
hybrid_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const Split s = split_of_run (context);
  uint64_t first, last;

  if (phase == 0)
    {
      quantize_rows (context, &s, chunk);
      return;
    }
  rt_split_range (s.n_tiles * s.n_runs, hybrid_chunks (context, 1), chunk, &first, &last);
  for (uint64_t part = first; part < last; part++)
    run_part (context, &s, part, rt_op_thread_scratch (context, worker));
}

static void
hybrid_reference (const RtOpContext *context)
{
  const RtHybridAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[X], *w = &context->inputs[WEIGHT];
  const size_t n_cols = (size_t)w->shape.dims[1], n_out = (size_t)w->shape.dims[0];
  const int8_t *weights = w->data;
  uint8_t *codes = rt_reference_alloc (n_cols);

  for (size_t row = 0; row < rt_shape_rows (&x->shape); row++)
    {
      const RowQuant q = quantize_row ((const float *)x->data + row * n_cols, n_cols,
                                       attrs->asymmetric != 0, 0, codes);
      for (size_t o = 0; o < n_out; o++)
        {
          int32_t sum = 0, w_sum = 0;
          for (size_t c = 0; c < n_cols; c++)
            {
              sum += (int8_t)codes[c] * weights[o * n_cols + c];
              w_sum += weights[o * n_cols + c];
            }
          scale_row (context, &sum, &w_sum, q, o, 1,
                     (float *)context->outputs[0].data + row * n_out + o);
        }
    }
  free (codes);
}

static void
hybrid_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtShape *w = &rt_op_input_value (query->graph, query->node, WEIGHT)->shape;

  rt_int8_cost_io (query, cost);
  cost->flops = 2 * rt_op_query_rows (query) * (uint64_t)(w->dims[0] * w->dims[1]);
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_FLAG (RtHybridAttrs, asymmetric),
  RT_FIELD_REAL (RtHybridAttrs, min),
  RT_FIELD_REAL (RtHybridAttrs, max),
};
/* clang-format on */

const RtOp rt_op_fully_connected_hybrid = {
  .name = "fully_connected_hybrid",
  .title = "Fully connected, 8-bit weights",
  .attrs_bytes = sizeof (RtHybridAttrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 3,
  .n_outputs = 1,
  .infer = hybrid_infer,
  .prepared_bytes = hybrid_prepared_bytes,
  .prepare = hybrid_prepare,
  .scratch = hybrid_scratch,
  .n_phases = 2,
  .n_chunks = hybrid_chunks,
  .run = hybrid_run,
  .reference = hybrid_reference,
  .cost = hybrid_cost,
};
