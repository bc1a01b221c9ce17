/* Functions of one number: one operator each, all with the same loops. f32 runs on vector kernels
 * where there is one, else, as f64 does, in double precision with the C library. */
#include "rt-math.h"

#include <math.h>
#include <string.h>

#define BLOCK 256

typedef struct
{
  /* In double precision: the definition. */
  double (*f) (double x, const RtUnaryAttrs *attrs);
  /* On integers (u64: its bits), NULL: floats only. */
  int64_t (*f_int) (int64_t x, const RtUnaryAttrs *attrs, bool is_unsigned);
  uint32_t types;
  uint32_t flops;
  bool to_bool;
  bool has_kernel; /* for f32: @map with the parameters that @params makes */
  KnMap map;
  void (*params) (const RtUnaryAttrs *attrs, float *p);
} Unary;

/* ---- definitions ---- */

#define FUNCTION(name, value)                                                                      \
  static double name##_f (double x, const RtUnaryAttrs *attrs)                                     \
  {                                                                                                \
    return value;                                                                                  \
  }

FUNCTION (relu, x < 0 ? 0 : x)
FUNCTION (abs, fabs (x))
FUNCTION (neg, -x)
FUNCTION (sign, isnan (x) ? x : (x > 0) - (x < 0))
FUNCTION (leaky_relu, x < 0 ? x * attrs->a : x)
FUNCTION (elu, x > 0 ? x : attrs->a * expm1 (x))
FUNCTION (selu, attrs->b *(x > 0 ? x : attrs->a * expm1 (x)))
FUNCTION (celu, x > 0 ? x : attrs->a * expm1 (x / attrs->a))
FUNCTION (thresholded_relu, isnan (x) || x > attrs->a ? x : 0)
FUNCTION (hard_sigmoid, isnan (x) ? x : fmin (fmax (attrs->a *x + attrs->b, 0), 1))
FUNCTION (shrink, x<-attrs->a ? x + attrs->b : x> attrs->a ? x - attrs->b : isnan (x) ? x : 0)
FUNCTION (affine, attrs->a *x + attrs->b)
FUNCTION (sigmoid, 1 / (1 + exp (-x)))
FUNCTION (tanh, tanh (x))
FUNCTION (silu, x / (1 + exp (-x)))
FUNCTION (hard_swish, isnan (x) ? x : x *fmin (fmax (x / 6 + 0.5, 0), 1))
FUNCTION (mish, x *tanh (x > 40 ? x : log1p (exp (x))))
FUNCTION (gelu_erf, 0.5 * x * erfc (-x * M_SQRT1_2))
FUNCTION (softplus, x > 0 ? x + log1p (exp (-x)) : log1p (exp (x)))
FUNCTION (softsign, isinf (x) ? copysign (1, x) : x / (1 + fabs (x)))
FUNCTION (sqrt, sqrt (x))
FUNCTION (rsqrt, 1 / sqrt (x))
FUNCTION (reciprocal, 1 / x)
FUNCTION (square, x *x)
FUNCTION (exp, exp (x))
FUNCTION (log, log (x))
FUNCTION (log1p, log1p (x))
FUNCTION (erf, erf (x))
FUNCTION (sin, sin (x))
FUNCTION (cos, cos (x))
FUNCTION (tan, tan (x))
FUNCTION (asin, asin (x))
FUNCTION (acos, acos (x))
FUNCTION (atan, atan (x))
FUNCTION (sinh, sinh (x))
FUNCTION (cosh, cosh (x))
FUNCTION (asinh, asinh (x))
FUNCTION (acosh, acosh (x))
FUNCTION (atanh, atanh (x))
FUNCTION (ceil, ceil (x))
FUNCTION (floor, floor (x))
FUNCTION (round, rint (x)) /* the rounding mode is to nearest even, always */
FUNCTION (is_nan, isnan (x) != 0)
FUNCTION (is_inf, isinf (x) && ((x < 0 && attrs->a != 0) || (x > 0 && attrs->b != 0)))

/* A limit that rounds in f32 is that f32: the kernel has no other. */
static double
clip_f (double x, const RtUnaryAttrs *attrs)
{
  x = attrs->a > x ? attrs->a : x;
  return attrs->b < x ? attrs->b : x;
}

static int64_t
relu_i (int64_t x, const RtUnaryAttrs *attrs, bool is_unsigned)
{
  return x < 0 && !is_unsigned ? 0 : x;
}

static int64_t
abs_i (int64_t x, const RtUnaryAttrs *attrs, bool is_unsigned)
{
  return x < 0 && !is_unsigned ? (int64_t) - (uint64_t)x : x;
}

static int64_t
neg_i (int64_t x, const RtUnaryAttrs *attrs, bool is_unsigned)
{
  return (int64_t) - (uint64_t)x;
}

static int64_t
sign_i (int64_t x, const RtUnaryAttrs *attrs, bool is_unsigned)
{
  return is_unsigned ? x != 0 : (x > 0) - (x < 0);
}

/* Limits beyond all integers do not limit. */
static int64_t
clip_i (int64_t x, const RtUnaryAttrs *attrs, bool is_unsigned)
{
  long double v = is_unsigned ? (long double)(uint64_t)x : (long double)x;
  double limit;

  if ((long double)attrs->a > v)
    limit = ceil (attrs->a);
  else if ((long double)attrs->b < v)
    limit = floor (attrs->b);
  else
    return x;
  /* Limits beyond what 64 bits hold are the last that they hold. */
  if (is_unsigned)
    return limit >= 0x1p64 ? -1 : limit > 0 ? (int64_t)(uint64_t)limit : 0;
  return limit >= 0x1p63 ? INT64_MAX : limit < -0x1p63 ? INT64_MIN : (int64_t)limit;
}

static int64_t
not_i (int64_t x, const RtUnaryAttrs *attrs, bool is_unsigned)
{
  return x == 0;
}

static int64_t
bitwise_not_i (int64_t x, const RtUnaryAttrs *attrs, bool is_unsigned)
{
  return ~x;
}

/* ---- parameters of the kernels ---- */

static void
params_ab (const RtUnaryAttrs *attrs, float *p)
{
  p[0] = (float)attrs->a;
  p[1] = (float)attrs->b;
}

static void
params_relu (const RtUnaryAttrs *attrs, float *p)
{
  p[0] = 0;
  p[1] = INFINITY;
}

static void
params_elu (const RtUnaryAttrs *attrs, float *p)
{
  p[0] = (float)attrs->a;
  p[1] = 1;
}

static void
params_selu (const RtUnaryAttrs *attrs, float *p)
{
  p[0] = (float)(attrs->a * attrs->b);
  p[1] = (float)attrs->b;
}

static void
params_none (const RtUnaryAttrs *attrs, float *p)
{
  p[0] = p[1] = 0;
}

/* ---- the operator ---- */

static bool
unary_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const Unary *u = node->op->data;
  const RtValue *x = rt_op_input_value (graph, node, 0);

  if (!rt_math_check_type (graph, node, 0, u->types, error))
    return false;
  shapes[0] = x->shape;
  types[0] = u->to_bool ? RT_TYPE_BOOL : rt_math_type (x);
  return true;
}

static size_t
unary_n (const RtOpContext *context)
{
  return (size_t)rt_shape_n (&context->outputs[0].shape);
}

static uint32_t
unary_chunks (const RtOpContext *context, uint32_t phase)
{
  const Unary *u = context->node->op->data;
  size_t bytes = rt_type_bytes (context->inputs[0].type) + rt_type_bytes (context->outputs[0].type);

  /* What goes through the C library takes about ten times as long as its memory. */
  if (!(u->has_kernel && context->inputs[0].type == RT_TYPE_F32))
    bytes *= 8;
  return rt_flat_chunks (context, unary_n (context), bytes);
}

/* Elements [first, last) by the definition. */
static void
unary_plain (const RtOpContext *context, size_t first, size_t last)
{
  const Unary *u = context->node->op->data;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  bool is_unsigned = rt_math_class (x->type) & (RT_MATH_UNSIGNED | RT_MATH_BOOL);

  for (size_t i = first; i < last; i += BLOCK)
    {
      size_t n = last - i < BLOCK ? last - i : BLOCK;
      if (rt_math_is_float (x->type))
        {
          double v[BLOCK];
          rt_math_load_f64 (x->type, x->data, i, 1, n, v);
          for (size_t k = 0; k < n; k++)
            v[k] = u->f (v[k], context->attrs);
          rt_math_store_f64 (y->type, v, n, y->data, i);
        }
      else
        {
          int64_t v[BLOCK];
          rt_math_load_i64 (x->type, x->data, i, 1, n, v);
          for (size_t k = 0; k < n; k++)
            v[k] = u->f_int (v[k], context->attrs, is_unsigned);
          rt_math_store_i64 (y->type, v, n, y->data, i);
        }
    }
}

static void
unary_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const Unary *u = context->node->op->data;
  size_t first, last;

  rt_flat_range (unary_n (context), unary_chunks (context, 0), chunk, &first, &last);
  if (!u->has_kernel || context->inputs[0].type != RT_TYPE_F32)
    {
      unary_plain (context, first, last);
      return;
    }
  float p[2];
  u->params (context->attrs, p);
  context->kn->map.map[u->map]((const float *)context->inputs[0].data + first, p, last - first,
                               (float *)context->outputs[0].data + first);
}

static void
unary_reference (const RtOpContext *context)
{
  unary_plain (context, 0, unary_n (context));
}

static void
unary_cost (const RtOpQuery *query, RtCost *cost)
{
  const Unary *u = query->node->op->data;
  rt_op_cost_io (query, cost);
  cost->flops = rt_math_query_outputs (query) * u->flops;
}

static bool
unary_in_place (const RtNode *node, uint32_t input)
{
  const Unary *u = node->op->data;
  return input == 0 && !u->to_bool;
}

static bool
unary_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
               void *attrs)
{
  return true;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_REAL (RtUnaryAttrs, a),
  RT_FIELD_REAL (RtUnaryAttrs, b),
};
/* clang-format on */

#define UNARY(id, people, attrs_size, ...)                                                         \
  const RtOp rt_op_##id = {                                                                        \
    .name = #id,                                                                                   \
    .title = people,                                                                               \
    .attrs_bytes = attrs_size,                                                                     \
    .fields = (attrs_size) > 0 ? fields : NULL,                                                    \
    .n_fields = (attrs_size) > 0 ? sizeof fields / sizeof *fields : 0,                             \
    .min_inputs = 1,                                                                               \
    .max_inputs = 1,                                                                               \
    .n_outputs = 1,                                                                                \
    .data = &(const Unary){ __VA_ARGS__ },                                                         \
    .vector_inputs = 1,                                                                            \
    .infer = unary_infer,                                                                          \
    .n_phases = 1,                                                                                 \
    .n_chunks = unary_chunks,                                                                      \
    .run = unary_run,                                                                              \
    .reference = unary_reference,                                                                  \
    .cost = unary_cost,                                                                            \
    .in_place = unary_in_place,                                                                    \
    .permute = unary_permute,                                                                      \
  };

#define ATTRS sizeof (RtUnaryAttrs)
#define KERNEL(id, make) .has_kernel = true, .map = KN_MAP_##id, .params = params_##make

/* clang-format off */
UNARY (relu, "ReLU", 0, relu_f, relu_i, RT_MATH_FLOAT | RT_MATH_SIGNED, 1, KERNEL (CLAMP, relu))
UNARY (abs, "Absolute value", 0, abs_f, abs_i, RT_MATH_NUMBER, 1, KERNEL (ABS, none))
UNARY (neg, "Negation", 0, neg_f, neg_i, RT_MATH_FLOAT | RT_MATH_SIGNED, 1, KERNEL (NEG, none))
UNARY (sign, "Sign", 0, sign_f, sign_i, RT_MATH_NUMBER, 1)
UNARY (clip, "Clip", ATTRS, clip_f, clip_i, RT_MATH_NUMBER, 2, KERNEL (CLAMP, ab))
UNARY (leaky_relu, "Leaky ReLU", ATTRS, leaky_relu_f, NULL, RT_MATH_FLOAT, 2, KERNEL (LEAKY, ab))
UNARY (elu, "ELU", ATTRS, elu_f, NULL, RT_MATH_FLOAT, 4, KERNEL (ELU, elu))
UNARY (selu, "SELU", ATTRS, selu_f, NULL, RT_MATH_FLOAT, 5, KERNEL (ELU, selu))
UNARY (celu, "CELU", ATTRS, celu_f, NULL, RT_MATH_FLOAT, 5)
UNARY (thresholded_relu, "Thresholded ReLU", ATTRS, thresholded_relu_f, NULL, RT_MATH_FLOAT, 1)
UNARY (hard_sigmoid, "Hard sigmoid", ATTRS, hard_sigmoid_f, NULL, RT_MATH_FLOAT, 4,
       KERNEL (HARD_SIGMOID, ab))
UNARY (shrink, "Shrink", ATTRS, shrink_f, NULL, RT_MATH_FLOAT, 3)
UNARY (affine, "Scale and offset", ATTRS, affine_f, NULL, RT_MATH_FLOAT, 2, KERNEL (AFFINE, ab))
UNARY (sigmoid, "Sigmoid", 0, sigmoid_f, NULL, RT_MATH_FLOAT, 4, KERNEL (SIGMOID, none))
UNARY (tanh, "Hyperbolic tangent", 0, tanh_f, NULL, RT_MATH_FLOAT, 6, KERNEL (TANH, none))
UNARY (silu, "SiLU", 0, silu_f, NULL, RT_MATH_FLOAT, 4, KERNEL (SILU, none))
UNARY (hard_swish, "Hard swish", 0, hard_swish_f, NULL, RT_MATH_FLOAT, 5, KERNEL (HARD_SWISH, none))
UNARY (mish, "Mish", 0, mish_f, NULL, RT_MATH_FLOAT, 8, KERNEL (MISH, none))
UNARY (gelu_erf, "GELU (exact)", 0, gelu_erf_f, NULL, RT_MATH_FLOAT, 10, KERNEL (GELU, none))
UNARY (softplus, "Softplus", 0, softplus_f, NULL, RT_MATH_FLOAT, 6)
UNARY (softsign, "Softsign", 0, softsign_f, NULL, RT_MATH_FLOAT, 3)
UNARY (sqrt, "Square root", 0, sqrt_f, NULL, RT_MATH_FLOAT, 1, KERNEL (SQRT, none))
UNARY (rsqrt, "Inverse square root", 0, rsqrt_f, NULL, RT_MATH_FLOAT, 2)
UNARY (reciprocal, "Reciprocal", 0, reciprocal_f, NULL, RT_MATH_FLOAT, 1, KERNEL (RECIPROCAL, none))
UNARY (square, "Square", 0, square_f, NULL, RT_MATH_FLOAT, 1, KERNEL (SQUARE, none))
UNARY (exp, "Exponential", 0, exp_f, NULL, RT_MATH_FLOAT, 2, KERNEL (EXP, none))
UNARY (log, "Logarithm", 0, log_f, NULL, RT_MATH_FLOAT, 2)
UNARY (log1p, "Logarithm of 1 + x", 0, log1p_f, NULL, RT_MATH_FLOAT, 3)
UNARY (erf, "Error function", 0, erf_f, NULL, RT_MATH_FLOAT, 8, KERNEL (ERF, none))
UNARY (sin, "Sine", 0, sin_f, NULL, RT_MATH_FLOAT, 2)
UNARY (cos, "Cosine", 0, cos_f, NULL, RT_MATH_FLOAT, 2)
UNARY (tan, "Tangent", 0, tan_f, NULL, RT_MATH_FLOAT, 2)
UNARY (asin, "Arcsine", 0, asin_f, NULL, RT_MATH_FLOAT, 2)
UNARY (acos, "Arccosine", 0, acos_f, NULL, RT_MATH_FLOAT, 2)
UNARY (atan, "Arctangent", 0, atan_f, NULL, RT_MATH_FLOAT, 2)
UNARY (sinh, "Hyperbolic sine", 0, sinh_f, NULL, RT_MATH_FLOAT, 4)
UNARY (cosh, "Hyperbolic cosine", 0, cosh_f, NULL, RT_MATH_FLOAT, 4)
UNARY (asinh, "Inverse hyperbolic sine", 0, asinh_f, NULL, RT_MATH_FLOAT, 4)
UNARY (acosh, "Inverse hyperbolic cosine", 0, acosh_f, NULL, RT_MATH_FLOAT, 4)
UNARY (atanh, "Inverse hyperbolic tangent", 0, atanh_f, NULL, RT_MATH_FLOAT, 4)
UNARY (ceil, "Round up", 0, ceil_f, NULL, RT_MATH_FLOAT, 1)
UNARY (floor, "Round down", 0, floor_f, NULL, RT_MATH_FLOAT, 1)
UNARY (round, "Round to nearest", 0, round_f, NULL, RT_MATH_FLOAT, 1)
UNARY (is_nan, "Is not a number", 0, is_nan_f, NULL, RT_MATH_FLOAT, 1, .to_bool = true)
UNARY (is_inf, "Is infinite", ATTRS, is_inf_f, NULL, RT_MATH_FLOAT, 1, .to_bool = true)
UNARY (not, "Not", 0, NULL, not_i, RT_MATH_BOOL, 1)
UNARY (bitwise_not, "Bitwise not", 0, NULL, bitwise_not_i, RT_MATH_INTEGER, 1)
/* clang-format on */
