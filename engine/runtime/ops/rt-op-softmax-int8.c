/* Rows of codes: softmax and division by the norm. */
#include <math.h>
#include <stdlib.h>

#include "rt-int8.h"
#include "rt-ops-int8.h"

static bool
row_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtValue *x = rt_op_input_value (graph, node, 0);

  if (!rt_int8_check_x (graph, node, 0, error))
    return false;
  if (x->shape.n_dims < 1)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: one number has no rows", node->name);
  shapes[0] = x->shape;
  types[0] = x->type;
  return true;
}

static uint32_t
row_chunks (const RtOpContext *context, uint32_t phase)
{
  const RtShape *shape = &context->inputs[0].shape;
  return rt_split (rt_shape_rows (shape), 8 * rt_shape_cols (shape), context->n_threads);
}

static void
row_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_int8_cost_io (query, cost);
  cost->flops = 4 * cost->write_bytes;
}

static int32_t
clamp_code (float real_code, int32_t zero, int type)
{
  int32_t low, high;

  rt_code_range (type, &low, &high);
  const float code = rintf (real_code) + (float)zero;
  return code > (float)low ? (code < (float)high ? (int32_t)code : high) : low;
}

/* ---- softmax ---- */

static uint64_t
softmax_table_bytes (const RtOpQuery *query)
{
  return 256 * sizeof (float);
}

/* exp (- beta scale d) for a code that is d below the row's largest. */
static void
softmax_make_table (const RtOpContext *context, void *memory)
{
  const RtSoftmaxInt8Attrs *attrs = context->attrs;
  const float step = -rt_quant_scale (context->inputs[0].quant, 0) * attrs->beta;

  for (int d = 0; d < 256; d++)
    ((float *)memory)[d] = (float)exp ((double)(step * (float)d));
}

static void
softmax_row (const RtTensor *x, const RtTensor *y, size_t first, size_t n, const float *table)
{
  const uint8_t *codes = (const uint8_t *)x->data + first, flip = x->type == RT_TYPE_I8 ? 0x80 : 0;
  uint8_t *to = (uint8_t *)y->data + first, largest = 0, smallest = 255, result[256];
  float sum = 0;

  for (size_t i = 0; i < n; i++)
    {
      const uint8_t code = codes[i] ^ flip;
      largest = code > largest ? code : largest;
      smallest = code < smallest ? code : smallest;
    }
  for (size_t i = 0; i < n; i++)
    sum += table[largest - (codes[i] ^ flip)];

  const float inverse = 1.0f / (sum * rt_quant_scale (y->quant, 0));
  const int32_t zero = rt_quant_zero (y->quant, 0);
  if (n <= 256)
    {
      for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)clamp_code (table[largest - (codes[i] ^ flip)] * inverse, zero, y->type);
      return;
    }
  /* More elements than codes. */
  for (int d = 0; d <= largest - smallest; d++)
    result[d] = (uint8_t)clamp_code (table[d] * inverse, zero, y->type);
  for (size_t i = 0; i < n; i++)
    to[i] = result[largest - (codes[i] ^ flip)];
}

static void
softmax_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtTensor *x = &context->inputs[0];
  const size_t n = rt_shape_cols (&x->shape);
  uint64_t first, last;

  rt_split_range (rt_shape_rows (&x->shape), row_chunks (context, 0), chunk, &first, &last);
  for (uint64_t row = first; row < last; row++)
    softmax_row (x, &context->outputs[0], row * n, n, context->prepared);
}

/* The definition, in double: within one code of what the table gives. */
static void
softmax_reference (const RtOpContext *context)
{
  const RtSoftmaxInt8Attrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const size_t n = rt_shape_cols (&x->shape);
  const double scale = (double)rt_quant_scale (x->quant, 0) * (double)attrs->beta;

  for (size_t first = 0; first < rt_shape_n (&x->shape); first += n)
    {
      double sum = 0;
      for (size_t i = 0; i < n; i++)
        sum += exp (scale * (rt_code_get (x->data, x->type, first + i) - 255));
      for (size_t i = 0; i < n; i++)
        {
          const double p = exp (scale * (rt_code_get (x->data, x->type, first + i) - 255)) / sum;
          rt_code_put (y->data, y->type, first + i,
                       clamp_code ((float)(p / (double)rt_quant_scale (y->quant, 0)),
                                   rt_quant_zero (y->quant, 0), y->type));
        }
    }
}

static const RtField fields[] = { RT_FIELD_FROM_0 (RtSoftmaxInt8Attrs, beta) };

const RtOp rt_op_softmax_int8 = {
  .name = "softmax_int8",
  .title = "Softmax, 8-bit",
  .attrs_bytes = sizeof (RtSoftmaxInt8Attrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = row_infer,
  .prepared_bytes = softmax_table_bytes,
  .prepare = softmax_make_table,
  .n_phases = 1,
  .n_chunks = row_chunks,
  .run = softmax_run,
  .reference = softmax_reference,
  .cost = row_cost,
};

/* ---- division by the norm ---- */

static void
l2_row (const RtTensor *x, const RtTensor *y, size_t first, size_t n)
{
  const int32_t zero = rt_quant_zero (x->quant, 0);
  int64_t sum = 0;

  for (size_t i = 0; i < n; i++)
    {
      const int64_t d = rt_code_get (x->data, x->type, first + i) - zero;
      sum += d * d;
    }
  /* A row of zeros has no direction: it stays what it is. */
  const double inverse
      = sum > 0 ? 1 / (sqrt ((double)sum) * (double)rt_quant_scale (y->quant, 0)) : 0;
  for (size_t i = 0; i < n; i++)
    rt_code_put (y->data, y->type, first + i,
                 clamp_code ((float)((rt_code_get (x->data, x->type, first + i) - zero) * inverse),
                             rt_quant_zero (y->quant, 0), y->type));
}

static void
l2_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtTensor *x = &context->inputs[0];
  const size_t n = rt_shape_cols (&x->shape);
  uint64_t first, last;

  rt_split_range (rt_shape_rows (&x->shape), row_chunks (context, 0), chunk, &first, &last);
  for (uint64_t row = first; row < last; row++)
    l2_row (x, &context->outputs[0], row * n, n);
}

static void
l2_reference (const RtOpContext *context)
{
  const RtTensor *x = &context->inputs[0];
  const size_t n = rt_shape_cols (&x->shape);

  for (size_t row = 0; row < rt_shape_rows (&x->shape); row++)
    l2_row (x, &context->outputs[0], row * n, n);
}

const RtOp rt_op_l2_norm_int8 = {
  .name = "l2_norm_int8",
  .title = "Division by the norm, 8-bit",
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = row_infer,
  .n_phases = 1,
  .n_chunks = row_chunks,
  .run = l2_run,
  .reference = l2_reference,
  .cost = row_cost,
};
