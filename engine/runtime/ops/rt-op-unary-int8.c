/* Functions of one number on codes: 256 results, made once. Requantization of 8-bit codes is one of
 * them; with 16-bit codes it is computed. */
#include <math.h>
#include <stdlib.h>

#include "rt-fixed.h"
#include "rt-int8.h"
#include "rt-op-fields.h"
#include "rt-ops-int8.h"

/* ---- the functions, in double ---- */

static double
gelu_tanh (double x)
{
  return 0.5 * x * (1 + tanh (M_2_SQRTPI * M_SQRT1_2 * (x + 0.044715 * x * x * x)));
}

static double
clamp (double x, double low, double high)
{
  return x < low ? low : x > high ? high : x;
}

static double
evaluate (RtInt8Function function, double x, double a, double b)
{
  switch (function)
    {
    case RT_INT8_CLIP:
      return clamp (x, a, b);
    case RT_INT8_SIGMOID:
      return 1 / (1 + exp (-x));
    case RT_INT8_TANH:
      return tanh (x);
    case RT_INT8_HARD_SWISH:
      return x * clamp (x + 3, 0, 6) / 6;
    case RT_INT8_HARD_SIGMOID:
      return clamp (a * x + b, 0, 1);
    case RT_INT8_LEAKY_RELU:
      return x < 0 ? a * x : x;
    case RT_INT8_ELU:
      return x < 0 ? a * expm1 (x) : x;
    case RT_INT8_SILU:
      return x / (1 + exp (-x));
    case RT_INT8_GELU:
      return 0.5 * x * (1 + erf (x * M_SQRT1_2));
    case RT_INT8_GELU_TANH:
      return gelu_tanh (x);
    case RT_INT8_SOFTPLUS:
      return x > 30 ? x : log1p (exp (x));
    case RT_INT8_ABS:
      return fabs (x);
    case RT_INT8_NEG:
      return -x;
    case RT_INT8_SQUARE:
      return x * x;
    case RT_INT8_SQRT:
      return sqrt (x);
    case RT_INT8_RSQRT:
      return 1 / sqrt (x);
    case RT_INT8_RECIPROCAL:
      return 1 / x;
    case RT_INT8_EXP:
      return exp (x);
    case RT_INT8_LOG:
      return log (x);
    case RT_INT8_SIN:
      return sin (x);
    case RT_INT8_COS:
      return cos (x);
    case RT_INT8_N_FUNCTIONS:
      break;
    }
  return NAN;
}

/* ---- codes ---- */

/* (x - zero) * factor with 8 fraction bits: XNNPACK's conversion of codes, and its leaky ReLU. */
static int64_t
coarse_code (const RtTensor *x, const RtTensor *y, int32_t code, float below)
{
  const float ratio = rt_quant_scale (x->quant, 0) / rt_quant_scale (y->quant, 0);
  const int32_t distance = code - rt_quant_zero (x->quant, 0);
  /* Within what a product with a distance bears; beyond that all codes are at their limits. */
  const float real = 256 * (distance < 0 ? ratio * below : ratio);
  const int64_t factor = lrintf (fmaxf (fminf (real, 0x1p40f), -0x1p40f));

  return ((distance * factor + 128) >> 8) + rt_quant_zero (y->quant, 0);
}

/* x * clamp (x + 3, 0, 6) / 6 in 16 bits, as TFLite's integer kernels do it: x with 7 fraction bits
 * more; the factor as clamp (x / 3, -1, 1), saturated, and moved to 0..1. */
static int32_t
hard_swish_code (const RtTensor *x, const RtTensor *y, int32_t code)
{
  const float fine_scale = rt_quant_scale (x->quant, 0) / 128;
  const RtScale to_y = rt_scale ((double)(fine_scale / rt_quant_scale (y->quant, 0)));
  const RtScale to_factor = rt_scale ((double)(fine_scale / (3.0f / 32768)));
  const int32_t fine = rt_saturate16 ((code - rt_quant_zero (x->quant, 0)) * 128);
  const int32_t of_y
      = rt_product16 (fine, rt_saturate16 (((int64_t)to_y.multiplier + 0x8000) >> 16));
  int32_t factor = fine;

  if (to_factor.shift > 0)
    factor = rt_saturate16 ((int64_t)factor * (INT64_C (1) << (to_factor.shift - 1)));
  factor = rt_product16 (factor, rt_saturate16 (((int64_t)to_factor.multiplier + 0x8000) >> 16));
  if (to_factor.shift > 0)
    factor = rt_saturate16 (factor * 2);
  else
    factor = rt_divide_by_power (factor, -to_factor.shift);
  factor = (factor + (1 << 15)) >> 1;
  return rt_divide_by_power (factor * of_y / (1 << 15), -to_y.shift) + rt_quant_zero (y->quant, 0);
}

/* Whether hard_swish_code() can: y may not be much finer than x. */
static bool
has_hard_swish_code (const RtTensor *x, const RtTensor *y)
{
  return rt_type_is_8bit (x->type)
         && rt_quant_scale (x->quant, 0) / 128 <= rt_quant_scale (y->quant, 0);
}

/* The code of y for a code of x. What is no number (the root of a negative one) is the lowest. */
static int32_t
result_code (const RtUnaryInt8Attrs *attrs, const RtTensor *x, const RtTensor *y, int32_t code)
{
  int32_t low, high;
  double result;

  rt_code_range (y->type, &low, &high);
  const bool is_plain
      = attrs->function == RT_INT8_CLIP && !(attrs->a > -INFINITY) && !(attrs->b < INFINITY);
  if (attrs->coarse && (is_plain || attrs->function == RT_INT8_LEAKY_RELU))
    result = (double)coarse_code (x, y, code, attrs->function == RT_INT8_LEAKY_RELU ? attrs->a : 1);
  else if (attrs->function == RT_INT8_HARD_SWISH && attrs->coarse && has_hard_swish_code (x, y))
    result = hard_swish_code (x, y, code);
  else if (is_plain)
    result = (double)rintf ((float)(code - rt_quant_zero (x->quant, 0))
                            * (rt_quant_scale (x->quant, 0) / rt_quant_scale (y->quant, 0)))
             + rt_quant_zero (y->quant, 0);
  else
    {
      const float real = (float)(code - rt_quant_zero (x->quant, 0)) * rt_quant_scale (x->quant, 0);
      const double value = evaluate ((RtInt8Function)attrs->function, (double)real,
                                     (double)attrs->a, (double)attrs->b);
      result = (double)rintf ((float)value / rt_quant_scale (y->quant, 0))
               + rt_quant_zero (y->quant, 0);
    }
  return result > low ? (result < high ? (int32_t)result : high) : low;
}

/* The attributes of a requantization as those of the function that it is. */
static RtUnaryInt8Attrs
attrs_of (const RtOpContext *context)
{
  if (context->node->op == &rt_op_unary_int8)
    return *(const RtUnaryInt8Attrs *)context->attrs;

  const RtQuantizeAttrs *attrs = context->attrs;
  return (RtUnaryInt8Attrs){ .function = RT_INT8_CLIP,
                             .out_type = attrs->type,
                             .a = -INFINITY,
                             .b = INFINITY,
                             .coarse = attrs->coarse };
}

/* ---- operators ---- */

static bool
unary_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtUnaryInt8Attrs *attrs = node->attrs;

  if (!rt_int8_check_x (graph, node, 0, error))
    return false;
  if (!rt_type_is_8bit ((int)attrs->out_type) || attrs->function >= RT_INT8_N_FUNCTIONS)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: no function %u from 8-bit codes to %s",
                    node->name, attrs->function, rt_type_name ((int)attrs->out_type));
  shapes[0] = rt_op_input_value (graph, node, 0)->shape;
  types[0] = (int)attrs->out_type;
  return true;
}

static bool
is_narrow (int type)
{
  return rt_type_is_8bit (type) || type == RT_TYPE_I16;
}

static bool
requantize_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                  RtError *error)
{
  const RtQuantizeAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);

  if (!is_narrow (x->type) || !is_narrow ((int)attrs->type)
      || (x->quant != NULL && x->quant->n > 1))
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: requantization is of I8, U8 or I16 with one scale, not of %s to %s",
                    node->name, rt_type_name (x->type), rt_type_name ((int)attrs->type));
  shapes[0] = x->shape;
  types[0] = (int)attrs->type;
  return true;
}

static uint64_t
table_bytes (const RtOpQuery *query)
{
  return 256;
}

static void
make_table (const RtOpContext *context, void *memory)
{
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const RtUnaryInt8Attrs attrs = attrs_of (context);

  if (rt_type_is_8bit (x->type) && rt_type_is_8bit (y->type))
    for (int32_t i = 0; i < 256; i++)
      ((uint8_t *)memory)[i]
          = (uint8_t)result_code (&attrs, x, y, x->type == RT_TYPE_I8 ? (int8_t)i : i);
}

static uint32_t
unary_chunks (const RtOpContext *context, uint32_t phase)
{
  return rt_split (rt_shape_n (&context->inputs[0].shape), 4, context->n_threads);
}

static void
unary_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const RtUnaryInt8Attrs attrs = attrs_of (context);
  uint64_t first, last;

  rt_split_range (rt_shape_n (&x->shape), unary_chunks (context, 0), chunk, &first, &last);
  if (rt_type_is_8bit (x->type) && rt_type_is_8bit (y->type))
    context->kn->qvec.lookup ((const uint8_t *)x->data + first, last - first, context->prepared,
                              (uint8_t *)y->data + first);
  else
    for (uint64_t i = first; i < last; i++)
      rt_code_put (y->data, y->type, i,
                   result_code (&attrs, x, y, rt_code_get (x->data, x->type, i)));
}

static void
unary_reference (const RtOpContext *context)
{
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const RtUnaryInt8Attrs attrs = attrs_of (context);

  for (uint64_t i = 0; i < rt_shape_n (&x->shape); i++)
    rt_code_put (y->data, y->type, i,
                 result_code (&attrs, x, y, rt_code_get (x->data, x->type, i)));
}

static void
unary_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_int8_cost_io (query, cost);
}

static bool
unary_in_place (const RtNode *node, uint32_t input)
{
  return input == 0;
}

/* clang-format off */
static const RtField unary_fields[] = {
  RT_FIELD (RtUnaryInt8Attrs, function, 0, RT_INT8_N_FUNCTIONS - 1),
  RT_FIELD_ELEMENT (RtUnaryInt8Attrs, out_type),
  RT_FIELD_REAL (RtUnaryInt8Attrs, a),
  RT_FIELD_REAL (RtUnaryInt8Attrs, b),
  RT_FIELD_FLAG (RtUnaryInt8Attrs, coarse),
};
/* clang-format on */

static const RtField requantize_fields[] = { RT_QUANTIZE_FIELDS };

const RtOp rt_op_unary_int8 = {
  .name = "unary_int8",
  .title = "Function, 8-bit",
  .attrs_bytes = sizeof (RtUnaryInt8Attrs),
  RT_FIELDS (unary_fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = unary_infer,
  .prepared_bytes = table_bytes,
  .prepare = make_table,
  .n_phases = 1,
  .n_chunks = unary_chunks,
  .run = unary_run,
  .reference = unary_reference,
  .cost = unary_cost,
  .permute = rt_int8_permute_elements,
  .in_place = unary_in_place,
};

const RtOp rt_op_requantize = {
  .name = "requantize",
  .title = "Requantize",
  .attrs_bytes = sizeof (RtQuantizeAttrs),
  RT_FIELDS (requantize_fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = requantize_infer,
  .prepared_bytes = table_bytes,
  .prepare = make_table,
  .n_phases = 1,
  .n_chunks = unary_chunks,
  .run = unary_run,
  .reference = unary_reference,
  .cost = unary_cost,
  .permute = rt_int8_permute_elements,
};
