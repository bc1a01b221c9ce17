/* Between real numbers and codes: quantize, dequantize, requantize, and quantization by what the
 * numbers are. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kn-quant.h"
#include "rt-int8.h"
#include "rt-op-fields.h"
#include "rt-ops-int8.h"

#define BLOCK 1024 /* elements that go through a chunk's stack at a time */

static uint32_t
element_chunks (const RtOpContext *context, uint32_t phase)
{
  return rt_split (rt_shape_n (&context->inputs[0].shape), 5, context->n_threads);
}

static void
element_range (const RtOpContext *context, uint32_t chunk, uint64_t *first, uint64_t *last)
{
  rt_split_range (rt_shape_n (&context->inputs[0].shape), element_chunks (context, 0), chunk, first,
                  last);
}

static void
element_cost (const RtOpQuery *query, RtCost *cost)
{
  RtShape shape;

  rt_int8_cost_io (query, cost);
  rt_shape_bind (&rt_op_input_value (query->graph, query->node, 0)->shape, query->symbols, &shape);
  cost->flops = 2 * rt_shape_n (&shape);
}

static bool
is_code (int type)
{
  return rt_type_is_8bit (type) || type == RT_TYPE_I16 || type == RT_TYPE_U16
         || type == RT_TYPE_I32;
}

/* The run of elements from @i on that has one scale: its length, and which. */
static uint64_t
run_of_scale (const RtTensor *tensor, uint64_t i, uint64_t last, size_t *which)
{
  const RtQuant *quant = tensor->quant;
  uint64_t inner = 1;

  *which = 0;
  if (quant == NULL || quant->n <= 1)
    return last - i;
  for (uint32_t d = (uint32_t)quant->axis + 1; d < tensor->shape.n_dims; d++)
    inner *= (uint64_t)tensor->shape.dims[d];
  *which = (size_t)(i / inner % quant->n);
  const uint64_t end = i / inner * inner + inner;
  return (end < last ? end : last) - i;
}

/* ---- quantize ---- */

static bool
quantize_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                RtError *error)
{
  const RtQuantizeAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);

  if ((x->type != RT_TYPE_F32 && x->type != RT_TYPE_F16) || !is_code ((int)attrs->type))
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: no quantization of %s to %s", node->name,
                    rt_type_name (x->type), rt_type_name ((int)attrs->type));
  shapes[0] = x->shape;
  types[0] = (int)attrs->type;
  return true;
}

/* f32 elements [first, first + n), n <= BLOCK. */
static const float *
floats_of (const RtOpContext *context, uint64_t first, size_t n, float *buffer)
{
  const RtTensor *x = &context->inputs[0];

  if (x->type == RT_TYPE_F32)
    return (const float *)x->data + first;
  context->kn->vec.f16_to_f32 ((const uint16_t *)x->data + first, n, buffer);
  return buffer;
}

/* [n] f32 to codes of scale @which. Wide codes are rare: plain C. */
static void
quantize_run_of (const RtOpContext *context, const float *x, size_t n, size_t which, void *codes)
{
  const RtTensor *y = &context->outputs[0];
  const float scale = rt_quant_scale (y->quant, which);
  const int32_t zero = rt_quant_zero (y->quant, which);
  int32_t low, high;

  rt_code_range (y->type, &low, &high);
  if (rt_type_is_8bit (y->type))
    {
      const KnRequant requant = { (float)(low - zero), (float)(high - zero), zero };
      context->kn->qvec.quantize (x, n, scale, &requant, codes);
      return;
    }
  for (size_t i = 0; i < n; i++)
    {
      const double code = (double)rintf (x[i] / scale) + zero;
      rt_code_put (codes, y->type, i, code > low ? (code < high ? (int32_t)code : high) : low);
    }
}

static void
quantize_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtTensor *y = &context->outputs[0];
  const size_t code_bytes = rt_type_bytes (y->type);
  uint64_t first, last;
  float buffer[BLOCK];

  element_range (context, chunk, &first, &last);
  while (first < last)
    {
      size_t which;
      uint64_t n = run_of_scale (y, first, last, &which);
      n = n < BLOCK ? n : BLOCK;
      quantize_run_of (context, floats_of (context, first, n, buffer), n, which,
                       (uint8_t *)y->data + first * code_bytes);
      first += n;
    }
}

static double
reference_float (const RtTensor *x, uint64_t i)
{
  float value;

  kn_dequantize_row ((KnDtype)x->type, (const uint8_t *)x->data + i * rt_type_bytes (x->type),
                     &value, 1);
  return value;
}

static void
quantize_reference (const RtOpContext *context)
{
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const uint64_t n = rt_shape_n (&x->shape);
  int32_t low, high;

  rt_code_range (y->type, &low, &high);
  for (uint64_t i = 0; i < n; i++)
    {
      size_t which;
      run_of_scale (y, i, n, &which);
      /* The quotient is rounded to f32 as in ONNX's definition; then to an integer. */
      const float q = rintf ((float)reference_float (x, i) / rt_quant_scale (y->quant, which));
      const double code = (double)q + rt_quant_zero (y->quant, which);
      rt_code_put (y->data, y->type, i, code > low ? (code < high ? (int32_t)code : high) : low);
    }
}

static const RtField fields[] = { RT_QUANTIZE_FIELDS };

const RtOp rt_op_quantize = {
  .name = "quantize",
  .title = "Quantize",
  .attrs_bytes = sizeof (RtQuantizeAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = quantize_infer,
  .n_phases = 1,
  .n_chunks = element_chunks,
  .run = quantize_run,
  .reference = quantize_reference,
  .cost = element_cost,
  .permute = rt_int8_permute_elements,
};

/* ---- dequantize ---- */

static bool
dequantize_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                  RtError *error)
{
  const RtValue *x = rt_op_input_value (graph, node, 0);

  if (x->type != RT_TYPE_F16 && x->type != RT_TYPE_F32 && !is_code (x->type))
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: no dequantization of %s", node->name,
                    rt_type_name (x->type));
  shapes[0] = x->shape;
  types[0] = RT_TYPE_F32;
  return true;
}

static void
dequantize_run_of (const RtOpContext *context, uint64_t first, size_t n, size_t which, float *y)
{
  const RtTensor *x = &context->inputs[0];
  const float scale = rt_quant_scale (x->quant, which);
  const int32_t zero = rt_quant_zero (x->quant, which);

  if (x->type == RT_TYPE_F32)
    memcpy (y, (const float *)x->data + first, n * sizeof *y);
  else if (x->type == RT_TYPE_F16)
    context->kn->vec.f16_to_f32 ((const uint16_t *)x->data + first, n, y);
  else if (rt_type_is_8bit (x->type))
    context->kn->qvec.dequantize ((const uint8_t *)x->data + first, n, x->type == RT_TYPE_I8, zero,
                                  scale, y);
  else
    for (size_t i = 0; i < n; i++)
      y[i] = (float)((int64_t)rt_code_get (x->data, x->type, first + i) - zero) * scale;
}

static void
dequantize_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  uint64_t first, last;

  element_range (context, chunk, &first, &last);
  while (first < last)
    {
      size_t which;
      const uint64_t n = run_of_scale (&context->inputs[0], first, last, &which);

      dequantize_run_of (context, first, n, which, (float *)context->outputs[0].data + first);
      first += n;
    }
}

static void
dequantize_reference (const RtOpContext *context)
{
  const RtTensor *x = &context->inputs[0];
  const uint64_t n = rt_shape_n (&x->shape);
  float *y = context->outputs[0].data;

  for (uint64_t i = 0; i < n; i++)
    {
      size_t which;
      run_of_scale (x, i, n, &which);
      y[i] = is_code (x->type) ? (float)((int64_t)rt_code_get (x->data, x->type, i)
                                         - rt_quant_zero (x->quant, which))
                                     * rt_quant_scale (x->quant, which)
                               : (float)reference_float (x, i);
    }
}

const RtOp rt_op_dequantize = {
  .name = "dequantize",
  .title = "Dequantize",
  .attrs_bytes = sizeof (RtQuantizeAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = dequantize_infer,
  .n_phases = 1,
  .n_chunks = element_chunks,
  .run = dequantize_run,
  .reference = dequantize_reference,
  .cost = element_cost,
  .permute = rt_int8_permute_elements,
};
