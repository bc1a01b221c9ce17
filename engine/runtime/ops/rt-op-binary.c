/* Functions of two numbers with broadcasting: one operator each, all with the same loops. f32 runs
 * on vector kernels where there is one, else, as f64 does, in double precision; integers of all
 * sizes in 64 bits. */
#include "rt-math.h"

#include <math.h>
#include <string.h>

#define BLOCK 256

typedef struct
{
  /* The definitions: in double precision, and on integers (u64: its bits). */
  double (*f) (double a, double b);
  int64_t (*f_int) (int64_t a, int64_t b, bool is_unsigned);
  uint32_t types;
  bool to_bool;
  bool any_b;      /* b may have another type than a; computed in double */
  bool shape_of_a; /* b broadcasts to a's shape */
  bool has_kernel; /* for f32: @map */
  KnMap2 map;
} Binary;

/* ---- definitions ---- */

#define FUNCTION(name, value)                                                                      \
  static double name##_f (double a, double b)                                                      \
  {                                                                                                \
    return value;                                                                                  \
  }
#define INTEGER(name, value)                                                                       \
  static int64_t name##_i (int64_t a, int64_t b, bool is_unsigned)                                 \
  {                                                                                                \
    return value;                                                                                  \
  }

static bool
less (int64_t a, int64_t b, bool is_unsigned)
{
  return is_unsigned ? (uint64_t)a < (uint64_t)b : a < b;
}

FUNCTION (add, a + b)
FUNCTION (sub, a - b)
FUNCTION (mul, a *b)
FUNCTION (div, a / b)
FUNCTION (min, isnan (a) || isnan (b) ? NAN : a < b ? a : b)
FUNCTION (max, isnan (a) || isnan (b) ? NAN : a > b ? a : b)
FUNCTION (pow, pow (a, b))
FUNCTION (fmod, fmod (a, b))
FUNCTION (mod, b == 0 ? NAN : a - floor (a / b) * b)
FUNCTION (floor_div, floor (a / b))
FUNCTION (squared_difference, (a - b) * (a - b))
FUNCTION (atan2, atan2 (a, b))
FUNCTION (prelu, a < 0 ? a * b : a)
FUNCTION (equal, a == b)
FUNCTION (not_equal, a != b)
FUNCTION (less, a < b)
FUNCTION (less_equal, a <= b)
FUNCTION (greater, a > b)
FUNCTION (greater_equal, a >= b)

/* Unsigned arithmetic wraps around without undefined behaviour. */
INTEGER (add, (int64_t)((uint64_t)a + (uint64_t)b))
INTEGER (sub, (int64_t)((uint64_t)a - (uint64_t)b))
INTEGER (mul, (int64_t)((uint64_t)a *(uint64_t)b))
INTEGER (min, less (a, b, is_unsigned) ? a : b)
INTEGER (max, less (b, a, is_unsigned) ? a : b)
INTEGER (equal, a == b)
INTEGER (not_equal, a != b)
INTEGER (less, less (a, b, is_unsigned))
INTEGER (less_equal, !less (b, a, is_unsigned))
INTEGER (greater, less (b, a, is_unsigned))
INTEGER (greater_equal, !less (a, b, is_unsigned))
INTEGER (and, a != 0 && b != 0)
INTEGER (or, a != 0 || b != 0)
INTEGER (xor, (a != 0) != (b != 0))
INTEGER (bitwise_and, a &b)
INTEGER (bitwise_or, a | b)
INTEGER (bitwise_xor, a ^ b)
INTEGER (squared_difference, (int64_t)(((uint64_t)a - (uint64_t)b) * ((uint64_t)a - (uint64_t)b)))

static int64_t
div_i (int64_t a, int64_t b, bool is_unsigned)
{
  if (b == 0)
    return 0;
  if (is_unsigned)
    return (int64_t)((uint64_t)a / (uint64_t)b);
  return b == -1 ? (int64_t) - (uint64_t)a : a / b;
}

static int64_t
fmod_i (int64_t a, int64_t b, bool is_unsigned)
{
  if (b == 0 || (b == -1 && !is_unsigned))
    return 0;
  return is_unsigned ? (int64_t)((uint64_t)a % (uint64_t)b) : a % b;
}

static int64_t
mod_i (int64_t a, int64_t b, bool is_unsigned)
{
  int64_t rest = fmod_i (a, b, is_unsigned);
  return !is_unsigned && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static int64_t
floor_div_i (int64_t a, int64_t b, bool is_unsigned)
{
  int64_t q = div_i (a, b, is_unsigned);
  return !is_unsigned && b != 0 && fmod_i (a, b, false) != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

/* By squaring; 1 / a^|b| for negative exponents, rounded towards 0. */
static int64_t
pow_i (int64_t a, int64_t b, bool is_unsigned)
{
  if (!is_unsigned && b < 0)
    return a == 1 ? 1 : a == -1 ? (b % 2 != 0 ? -1 : 1) : 0;
  uint64_t y = 1, base = (uint64_t)a;
  for (uint64_t n = (uint64_t)b; n > 0; n >>= 1, base *= base)
    if (n & 1)
      y *= base;
  return (int64_t)y;
}

static int64_t
shift_left_i (int64_t a, int64_t b, bool is_unsigned)
{
  return (uint64_t)b > 63 ? 0 : (int64_t)((uint64_t)a << b);
}

static int64_t
shift_right_i (int64_t a, int64_t b, bool is_unsigned)
{
  if ((uint64_t)b > 63)
    return !is_unsigned && a < 0 ? -1 : 0;
  return is_unsigned ? (int64_t)((uint64_t)a >> b) : a >> b;
}

/* ---- shapes ---- */

static bool
binary_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const Binary *op = node->op->data;
  const RtValue *a = rt_op_input_value (graph, node, 0), *b = rt_op_input_value (graph, node, 1);
  int type = rt_math_type (a);
  char text_a[128], text_b[128];

  if (!rt_math_check_type (graph, node, 0, op->types, error)
      || !rt_math_check_type (graph, node, 1, op->any_b ? RT_MATH_NUMBER : op->types, error))
    return false;
  if (!op->any_b && rt_math_type (b) != type)
    return rt_fail (error, RT_ERROR_FORMAT, "%s is %s and %s is %s: expected one type", a->name,
                    rt_type_name (a->type), b->name, rt_type_name (b->type));
  if (!rt_math_broadcast (node, &a->shape, &b->shape, &shapes[0], error))
    return rt_fail_prefix (error, "%s, %s", a->name, b->name);
  if (op->shape_of_a
      && (shapes[0].n_dims != a->shape.n_dims
          || memcmp (shapes[0].dims, a->shape.dims, a->shape.n_dims * sizeof (int64_t)) != 0))
    return rt_fail (error, RT_ERROR_FORMAT, "%s: shape %s does not broadcast to %s of %s", b->name,
                    rt_shape_text (&b->shape, text_b, sizeof text_b),
                    rt_shape_text (&a->shape, text_a, sizeof text_a), a->name);
  types[0] = op->to_bool ? RT_TYPE_BOOL : type;
  return true;
}

/* ---- run ---- */

/* By the definition: @n elements of y from @first on, operands from @at on, @step (0 or 1)
 * apart. */
static void
binary_plain (const RtOpContext *context, size_t first, const size_t at[2], const size_t step[2],
              size_t n)
{
  const Binary *op = context->node->op->data;
  const RtTensor *a = &context->inputs[0], *b = &context->inputs[1], *y = &context->outputs[0];
  bool is_unsigned = rt_math_class (a->type) & (RT_MATH_UNSIGNED | RT_MATH_BOOL);
  bool in_double = rt_math_is_float (a->type) || a->type != b->type;

  for (size_t i = 0; i < n; i += BLOCK)
    {
      size_t m = n - i < BLOCK ? n - i : BLOCK;
      if (in_double)
        {
          double u[BLOCK], v[BLOCK];
          rt_math_load_f64 (a->type, a->data, at[0] + i * step[0], step[0], m, u);
          rt_math_load_f64 (b->type, b->data, at[1] + i * step[1], step[1], m, v);
          for (size_t k = 0; k < m; k++)
            u[k] = op->f (u[k], v[k]);
          rt_math_store_f64 (y->type, u, m, y->data, first + i);
        }
      else
        {
          int64_t u[BLOCK], v[BLOCK];
          rt_math_load_i64 (a->type, a->data, at[0] + i * step[0], step[0], m, u);
          rt_math_load_i64 (b->type, b->data, at[1] + i * step[1], step[1], m, v);
          for (size_t k = 0; k < m; k++)
            u[k] = op->f_int (u[k], v[k], is_unsigned);
          rt_math_store_i64 (y->type, u, m, y->data, first + i);
        }
    }
}

static bool
has_kernel (const RtOpContext *context)
{
  const Binary *op = context->node->op->data;
  return op->has_kernel && context->inputs[0].type == RT_TYPE_F32;
}

/* A part of a row, as in binary_plain(). */
static void
binary_part (const RtOpContext *context, size_t first, const size_t at[2], const size_t step[2],
             size_t n)
{
  const Binary *op = context->node->op->data;

  if (!has_kernel (context))
    {
      binary_plain (context, first, at, step, n);
      return;
    }
  const KnMapFamily *map = &context->kn->map;
  const float *a = (const float *)context->inputs[0].data + at[0];
  const float *b = (const float *)context->inputs[1].data + at[1];
  float *y = (float *)context->outputs[0].data + first;
  KnMap2Fn f = step[0] == step[1] ? map->map2[op->map]
               : step[1] == 0     ? map->map2_right[op->map]
                                  : map->map2_left[op->map];
  f (a, b, n, y);
}

static size_t
binary_n (const RtOpContext *context)
{
  return (size_t)rt_shape_n (&context->outputs[0].shape);
}

static uint32_t
binary_chunks (const RtOpContext *context, uint32_t phase)
{
  size_t bytes
      = 2 * rt_type_bytes (context->inputs[0].type) + rt_type_bytes (context->outputs[0].type);
  if (!has_kernel (context))
    bytes *= 4;
  return rt_flat_chunks (context, binary_n (context), bytes);
}

static void
binary_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  RtBroadcast loops;
  size_t at, last;

  rt_broadcast_init (&loops, &context->outputs[0].shape, &context->inputs[0].shape,
                     &context->inputs[1].shape);
  rt_flat_range (binary_n (context), binary_chunks (context, 0), chunk, &at, &last);
  while (at < last)
    {
      size_t row = at / loops.n, within = at % loops.n, offset[2];
      size_t n = loops.n - within < last - at ? loops.n - within : last - at;

      rt_broadcast_row (&loops, row, offset);
      offset[0] += within * loops.step[0];
      offset[1] += within * loops.step[1];
      binary_part (context, at, offset, loops.step, n);
      at += n;
    }
}

/* Place in an operand of the element whose indices in @out are @index. */
static size_t
operand_place (const RtShape *out, const RtShape *shape, const int64_t *index)
{
  uint32_t skip = out->n_dims - shape->n_dims;
  size_t at = 0;
  for (uint32_t i = 0; i < shape->n_dims; i++)
    at = at * (size_t)shape->dims[i] + (shape->dims[i] == 1 ? 0 : (size_t)index[i + skip]);
  return at;
}

static void
binary_reference (const RtOpContext *context)
{
  const RtShape *out = &context->outputs[0].shape;
  static const size_t step[2] = { 0, 0 };

  for (size_t i = 0; i < binary_n (context); i++)
    {
      int64_t index[RT_MAX_DIMS];
      size_t rest = i;
      for (uint32_t d = out->n_dims; d-- > 0; rest /= (size_t)out->dims[d])
        index[d] = (int64_t)(rest % (size_t)out->dims[d]);
      const size_t at[2] = { operand_place (out, &context->inputs[0].shape, index),
                             operand_place (out, &context->inputs[1].shape, index) };
      binary_plain (context, i, at, step, 1);
    }
}

static void
binary_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = rt_math_query_outputs (query);
}

/* The plan shares memory of equal size only: such an operand has the output's shape, but for
 * leading dimensions of 1, and the other one lies elsewhere. */
static bool
binary_in_place (const RtNode *node, uint32_t input)
{
  const Binary *op = node->op->data;
  return !op->to_bool && (input == 0 || !op->any_b);
}

static bool
binary_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                void *attrs)
{
  for (uint32_t i = 0; i < 2; i++)
    {
      /* Constants get their missing dimensions from the layout pass. */
      const RtValue *value = rt_op_input_value (graph, node, i);
      if (value->kind != RT_VALUE_WEIGHT && value->shape.n_dims != n_dims
          && rt_shape_n (&value->shape) != 1)
        return false;
    }
  return true;
}

#define BINARY(id, people, ...)                                                                    \
  const RtOp rt_op_##id = {                                                                        \
    .name = #id,                                                                                   \
    .title = people,                                                                               \
    .min_inputs = 2,                                                                               \
    .max_inputs = 2,                                                                               \
    .n_outputs = 1,                                                                                \
    .data = &(const Binary){ __VA_ARGS__ },                                                        \
    .vector_inputs = 3,                                                                            \
    .infer = binary_infer,                                                                         \
    .n_phases = 1,                                                                                 \
    .n_chunks = binary_chunks,                                                                     \
    .run = binary_run,                                                                             \
    .reference = binary_reference,                                                                 \
    .cost = binary_cost,                                                                           \
    .in_place = binary_in_place,                                                                   \
    .permute = binary_permute,                                                                     \
  };

#define KERNEL(id) .has_kernel = true, .map = KN_MAP2_##id

/* clang-format off */
BINARY (add, "Sum", add_f, add_i, RT_MATH_NUMBER, KERNEL (ADD))
BINARY (sub, "Difference", sub_f, sub_i, RT_MATH_NUMBER, KERNEL (SUB))
BINARY (mul, "Product", mul_f, mul_i, RT_MATH_NUMBER, KERNEL (MUL))
BINARY (div, "Quotient", div_f, div_i, RT_MATH_NUMBER, KERNEL (DIV))
BINARY (min, "Minimum", min_f, min_i, RT_MATH_NUMBER, KERNEL (MIN))
BINARY (max, "Maximum", max_f, max_i, RT_MATH_NUMBER, KERNEL (MAX))
BINARY (pow, "Power", pow_f, pow_i, RT_MATH_NUMBER, .any_b = true)
BINARY (mod, "Modulo", mod_f, mod_i, RT_MATH_NUMBER)
BINARY (fmod, "Remainder", fmod_f, fmod_i, RT_MATH_NUMBER)
BINARY (floor_div, "Quotient, rounded down", floor_div_f, floor_div_i, RT_MATH_NUMBER)
BINARY (squared_difference, "Squared difference", squared_difference_f, squared_difference_i,
        RT_MATH_NUMBER)
BINARY (atan2, "Angle of a vector", atan2_f, NULL, RT_MATH_FLOAT)
BINARY (prelu, "PReLU", prelu_f, NULL, RT_MATH_FLOAT, .shape_of_a = true, KERNEL (PRELU))
BINARY (equal, "Equal", equal_f, equal_i, RT_MATH_NUMBER | RT_MATH_BOOL, .to_bool = true)
BINARY (not_equal, "Not equal", not_equal_f, not_equal_i, RT_MATH_NUMBER | RT_MATH_BOOL,
        .to_bool = true)
BINARY (less, "Less", less_f, less_i, RT_MATH_NUMBER, .to_bool = true)
BINARY (less_equal, "Less or equal", less_equal_f, less_equal_i, RT_MATH_NUMBER, .to_bool = true)
BINARY (greater, "Greater", greater_f, greater_i, RT_MATH_NUMBER, .to_bool = true)
BINARY (greater_equal, "Greater or equal", greater_equal_f, greater_equal_i, RT_MATH_NUMBER,
        .to_bool = true)
BINARY (and, "And", NULL, and_i, RT_MATH_BOOL)
BINARY (or, "Or", NULL, or_i, RT_MATH_BOOL)
BINARY (xor, "Exclusive or", NULL, xor_i, RT_MATH_BOOL)
BINARY (bitwise_and, "Bitwise and", NULL, bitwise_and_i, RT_MATH_INTEGER)
BINARY (bitwise_or, "Bitwise or", NULL, bitwise_or_i, RT_MATH_INTEGER)
BINARY (bitwise_xor, "Bitwise exclusive or", NULL, bitwise_xor_i, RT_MATH_INTEGER)
BINARY (shift_left, "Shift left", NULL, shift_left_i, RT_MATH_INTEGER)
BINARY (shift_right, "Shift right", NULL, shift_right_i, RT_MATH_INTEGER)
/* clang-format on */
