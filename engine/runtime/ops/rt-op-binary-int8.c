/* Sums, differences and products of two quantized tensors, and the parametric ReLU. They share the
 * loops of broadcasting; what tells them apart is the kernel and its constants. */
#include <math.h>
#include <stdlib.h>

#include "rt-int8.h"
#include "rt-math.h"
#include "rt-ops-int8.h"

typedef enum
{
  ADD,
  SUB,
  MUL,
  PRELU,
} Kind;

static const Kind kinds[] = { ADD, SUB, MUL, PRELU };

static Kind
kind_of (const RtOpContext *context)
{
  return *(const Kind *)context->node->op->data;
}

static bool
binary_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtBinaryInt8Attrs *attrs = node->attrs;

  if (!rt_int8_check_x (graph, node, 0, error) || !rt_int8_check_x (graph, node, 1, error))
    return false;
  if (!rt_type_is_8bit ((int)attrs->out_type))
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: two 8-bit tensors do not give %s", node->name,
                    rt_type_name ((int)attrs->out_type));
  types[0] = (int)attrs->out_type;
  return rt_math_broadcast (node, &rt_op_input_value (graph, node, 0)->shape,
                            &rt_op_input_value (graph, node, 1)->shape, &shapes[0], error);
}

/* ---- constants of the kernels ---- */

/* The larger factor has 21 bits. Ratios that would need a shift outside of 1..30 are so large that
 * everything is clamped, or so small that everything is the zero point. */
static void
fixed_point (KnQbinaryArgs *args, float a_ratio, float b_ratio)
{
  const int shift = 20 - ilogbf (fmaxf (fabsf (a_ratio), fabsf (b_ratio)));

  args->shift = shift < 1 ? 1 : shift > 30 ? 30 : (uint32_t)shift;
  const double most = 0x1p22;
  const double a = rint (ldexp ((double)a_ratio, (int)args->shift));
  const double b = rint (ldexp ((double)b_ratio, (int)args->shift));
  args->a_factor = (int32_t)fmax (-most, fmin (most, a));
  args->b_factor = (int32_t)fmax (-most, fmin (most, b));
  args->bias
      = (1 << (args->shift - 1)) - args->a_factor * args->a_zero - args->b_factor * args->b_zero;
}

KnQbinaryArgs
rt_binary_int8_constants (const RtOpContext *context)
{
  const RtBinaryInt8Attrs *attrs = context->attrs;
  const RtTensor *a = &context->inputs[0], *b = &context->inputs[1], *y = &context->outputs[0];
  const float sa = rt_quant_scale (a->quant, 0), sb = rt_quant_scale (b->quant, 0);
  const float sy = rt_quant_scale (y->quant, 0);
  KnQbinaryArgs args = { .a_signed = a->type == RT_TYPE_I8,
                         .b_signed = b->type == RT_TYPE_I8,
                         .a_zero = rt_quant_zero (a->quant, 0),
                         .b_zero = rt_quant_zero (b->quant, 0),
                         .scale = sa * sb / sy,
                         .requant = rt_requant (y->type, y->quant, attrs->min, attrs->max) };

  if (kind_of (context) == ADD || kind_of (context) == SUB)
    fixed_point (&args, sa / sy, (kind_of (context) == SUB ? -sb : sb) / sy);
  return args;
}

/* ---- running ---- */

/* a, or below zero a * slope: the definition, element by element. */
static uint8_t
prelu_code (const KnQbinaryArgs *c, float keep, int32_t a, int32_t b)
{
  const int32_t x = a - c->a_zero;
  const float v = x >= 0 ? (float)x * keep : (float)(x * (b - c->b_zero)) * c->scale;
  const float q = fminf (fmaxf (rintf (v), c->requant.low), c->requant.high);

  return (uint8_t)((int32_t)q + c->requant.zero);
}

static void
prelu_row (const RtOpContext *context, const KnQbinaryArgs *c, size_t a_step)
{
  const RtTensor *a = &context->inputs[0], *b = &context->inputs[1], *y = &context->outputs[0];
  const float keep = rt_quant_scale (a->quant, 0) / rt_quant_scale (y->quant, 0);

  for (size_t i = 0; i < c->n; i++)
    c->y[i] = prelu_code (c, keep, rt_code_get (c->a, a->type, i * a_step),
                          rt_code_get (c->b, b->type, i * c->b_step));
}

/* One row. The kernels take one code for all as b: sums and products may be turned round. */
static void
run_row (const RtOpContext *context, KnQbinaryArgs args, size_t a_step)
{
  const Kind kind = kind_of (context);

  if (kind == PRELU)
    {
      prelu_row (context, &args, a_step);
      return;
    }
  if (a_step == 0)
    {
      KnQbinaryArgs turned = args;
      turned.a = args.b;
      turned.a_signed = args.b_signed;
      turned.a_factor = args.b_factor;
      turned.a_zero = args.b_zero;
      turned.b = args.a;
      turned.b_signed = args.a_signed;
      turned.b_factor = args.a_factor;
      turned.b_zero = args.a_zero;
      turned.b_step = 0;
      args = turned;
    }
  if (kind == MUL)
    context->kn->qvec.mul (&args);
  else
    context->kn->qvec.add (&args);
}

/* Rows, or, when there is one, pieces of it. */
static uint32_t
binary_chunks (const RtOpContext *context, uint32_t phase)
{
  return rt_split (rt_shape_n (&context->outputs[0].shape), 3, context->n_threads);
}

static void
binary_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtTensor *a = &context->inputs[0], *b = &context->inputs[1], *y = &context->outputs[0];
  KnQbinaryArgs args = rt_binary_int8_constants (context);
  RtBroadcast loops;
  uint64_t first, last;

  rt_broadcast_init (&loops, &y->shape, &a->shape, &b->shape);
  rt_split_range (rt_shape_n (&y->shape), binary_chunks (context, 0), chunk, &first, &last);
  while (first < last)
    {
      const size_t row = first / loops.n, at = first % loops.n, left = loops.n - at;
      size_t offset[2], a_step = loops.step[0];

      rt_broadcast_row (&loops, row, offset);
      args.n = last - first < left ? last - first : left;
      args.b_step = loops.step[1];
      args.a = (const uint8_t *)a->data + offset[0] + at * a_step;
      args.b = (const uint8_t *)b->data + offset[1] + at * args.b_step;
      args.y = (uint8_t *)y->data + first;
      if (a_step == 0 && args.b_step == 0)
        { /* one element: a row is no longer when both stand still */
          a_step = args.b_step = 1;
        }
      run_row (context, args, a_step);
      first += args.n;
    }
}

/* ---- reference ---- */

static uint8_t
reference_code (const RtOpContext *context, const KnQbinaryArgs *c, int32_t a, int32_t b)
{
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  const Kind kind = kind_of (context);

  if (kind == PRELU)
    return prelu_code (c, rt_quant_scale (x->quant, 0) / rt_quant_scale (y->quant, 0), a, b);
  if (kind == MUL)
    {
      const float q = rintf ((float)((a - c->a_zero) * (b - c->b_zero)) * c->scale);
      return (uint8_t)((int32_t)fminf (fmaxf (q, c->requant.low), c->requant.high)
                       + c->requant.zero);
    }
  const double sum = ((double)(a - c->a_zero) * c->a_factor + (double)(b - c->b_zero) * c->b_factor)
                     / ldexp (1, (int)c->shift);
  const double q = floor (sum + 0.5);
  return (uint8_t)((int32_t)fmin (fmax (q, (double)c->requant.low), (double)c->requant.high)
                   + c->requant.zero);
}

static void
binary_reference (const RtOpContext *context)
{
  const RtTensor *a = &context->inputs[0], *b = &context->inputs[1], *y = &context->outputs[0];
  const KnQbinaryArgs c = rt_binary_int8_constants (context);
  RtBroadcast loops;

  rt_broadcast_init (&loops, &y->shape, &a->shape, &b->shape);
  for (uint64_t i = 0; i < rt_shape_n (&y->shape); i++)
    {
      size_t offset[2];
      rt_broadcast_row (&loops, i / loops.n, offset);
      ((uint8_t *)y->data)[i]
          = reference_code (context, &c,
                            rt_code_get (a->data, a->type, offset[0] + i % loops.n * loops.step[0]),
                            rt_code_get (b->data, b->type,
                                         offset[1] + i % loops.n * loops.step[1]));
    }
}

static void
binary_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_int8_cost_io (query, cost);
  cost->flops = 3 * cost->write_bytes;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_ELEMENT (RtBinaryInt8Attrs, out_type),
  RT_FIELD_REAL (RtBinaryInt8Attrs, min),
  RT_FIELD_REAL (RtBinaryInt8Attrs, max),
};
/* clang-format on */

#define BINARY(which, text)                                                                        \
  .title = text, .data = &kinds[which], .attrs_bytes = sizeof (RtBinaryInt8Attrs),                 \
  RT_FIELDS (fields), .min_inputs = 2, .max_inputs = 2, .n_outputs = 1, .infer = binary_infer,     \
  .n_phases = 1, .n_chunks = binary_chunks, .run = binary_run, .reference = binary_reference,      \
  .cost = binary_cost, .permute = rt_int8_permute_elements

const RtOp rt_op_add_int8 = { .name = "add_int8", BINARY (ADD, "Add, 8-bit") };
const RtOp rt_op_sub_int8 = { .name = "sub_int8", BINARY (SUB, "Subtract, 8-bit") };
const RtOp rt_op_mul_int8 = { .name = "mul_int8", BINARY (MUL, "Multiply, 8-bit") };
const RtOp rt_op_prelu_int8 = { .name = "prelu_int8", BINARY (PRELU, "Parametric ReLU, 8-bit") };
