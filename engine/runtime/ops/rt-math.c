/* Types, broadcasting and splitting for the arithmetic operators. Knows no operator. */
#include "rt-math.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- types ---- */

int
rt_math_type (const RtValue *value)
{
  if (value->kind == RT_VALUE_WEIGHT && kn_dtype_info (value->type) != NULL)
    return RT_TYPE_F32;
  return value->type;
}

uint32_t
rt_math_class (int type)
{
  switch (type)
    {
    case RT_TYPE_F32:
      return RT_MATH_F32;
    case RT_TYPE_F64:
      return RT_MATH_F64;
    case RT_TYPE_I8:
    case RT_TYPE_I16:
    case RT_TYPE_I32:
    case RT_TYPE_I64:
      return RT_MATH_SIGNED;
    case RT_TYPE_U8:
    case RT_TYPE_U16:
    case RT_TYPE_U32:
    case RT_TYPE_U64:
      return RT_MATH_UNSIGNED;
    case RT_TYPE_BOOL:
      return RT_MATH_BOOL;
    default:
      return 0;
    }
}

/* "f32 or i8, i16, ...". */
static void
class_names (uint32_t classes, char *text, size_t n)
{
  static const struct
  {
    uint32_t mask;
    const char *name;
  } names[] = { { RT_MATH_F32, "f32" },
                { RT_MATH_F64, "f64" },
                { RT_MATH_SIGNED, "a signed integer" },
                { RT_MATH_UNSIGNED, "an unsigned integer" },
                { RT_MATH_BOOL, "bool" } };
  size_t at = 0;

  text[0] = '\0';
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (classes & names[i].mask && at < n)
      at += (size_t)snprintf (text + at, n - at, "%s%s", at > 0 ? " or " : "", names[i].name);
}

bool
rt_math_check_type (const RtGraph *graph, const RtNode *node, uint32_t input, uint32_t classes,
                    RtError *error)
{
  const RtValue *value = rt_op_input_value (graph, node, input);
  char expected[96];

  if (value == NULL)
    return true;
  if (!(rt_math_class (rt_math_type (value)) & classes))
    {
      class_names (classes, expected, sizeof expected);
      return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: expected type %s, got %s", value->name,
                      expected, rt_type_name (value->type));
    }
  if (value->quant != NULL)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: expected plain numbers, got quantized ones (%s)", value->name,
                    rt_type_name (value->type));
  return true;
}

bool
rt_math_check_f32 (const RtGraph *graph, const RtNode *node, uint32_t input, const RtShape *shape,
                   RtError *error)
{
  const RtValue *value = rt_op_input_value (graph, node, input);
  char expected[128], got[128];

  if (value == NULL)
    return true;
  if (!rt_math_check_type (graph, node, input, RT_MATH_F32, error))
    return false;
  if (value->shape.n_dims != shape->n_dims
      || memcmp (value->shape.dims, shape->dims, shape->n_dims * sizeof *shape->dims) != 0)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected shape %s, got shape %s", value->name,
                    rt_shape_text (shape, expected, sizeof expected),
                    rt_shape_text (&value->shape, got, sizeof got));
  return true;
}

bool
rt_math_has_symbols (const RtShape *shape)
{
  for (uint32_t i = 0; i < shape->n_dims; i++)
    if (shape->dims[i] < 0)
      return true;
  return false;
}

bool
rt_math_axis (const RtNode *node, int32_t axis, uint32_t n_dims, uint32_t *at, RtError *error)
{
  int64_t from_start = axis < 0 ? (int64_t)axis + n_dims : axis;

  if (from_start < 0 || from_start >= (int64_t)n_dims)
    return rt_fail (error, RT_ERROR_RANGE,
                    "Axis %" PRId32 " is outside of the %" PRIu32 " dimensions of the input", axis,
                    n_dims);
  *at = (uint32_t)from_start;
  return true;
}

int32_t
rt_math_permuted_axis (int32_t axis, const uint32_t *perm, uint32_t n_dims)
{
  uint32_t old = (uint32_t)(axis < 0 ? axis + (int32_t)n_dims : axis);

  for (uint32_t k = 0; k < n_dims; k++)
    if (perm[k] == old)
      return (int32_t)k;
  return axis;
}

/* ---- numbers ---- */

#define LOAD(T)                                                                                    \
  for (size_t i = 0; i < n; i++)                                                                   \
    x[i] = ((const T *)data)[first + i * step];                                                    \
  break
#define STORE(T)                                                                                   \
  for (size_t i = 0; i < n; i++)                                                                   \
    ((T *)data)[first + i] = (T)x[i];                                                              \
  break

void
rt_math_load_i64 (int type, const void *data, size_t first, size_t step, size_t n, int64_t *x)
{
  switch (type)
    {
    case RT_TYPE_I8:
      LOAD (int8_t);
    case RT_TYPE_U8:
    case RT_TYPE_BOOL:
      LOAD (uint8_t);
    case RT_TYPE_I16:
      LOAD (int16_t);
    case RT_TYPE_U16:
      LOAD (uint16_t);
    case RT_TYPE_I32:
      LOAD (int32_t);
    case RT_TYPE_U32:
      LOAD (uint32_t);
    case RT_TYPE_I64:
    case RT_TYPE_U64:
      LOAD (int64_t);
    default:
      memset (x, 0, n * sizeof *x);
    }
}

void
rt_math_store_i64 (int type, const int64_t *x, size_t n, void *data, size_t first)
{
  switch (type)
    {
    case RT_TYPE_I8:
    case RT_TYPE_U8:
    case RT_TYPE_BOOL:
      STORE (uint8_t);
    case RT_TYPE_I16:
    case RT_TYPE_U16:
      STORE (uint16_t);
    case RT_TYPE_I32:
    case RT_TYPE_U32:
      STORE (uint32_t);
    case RT_TYPE_I64:
    case RT_TYPE_U64:
      STORE (int64_t);
    default:
      break;
    }
}

void
rt_math_load_f64 (int type, const void *data, size_t first, size_t step, size_t n, double *x)
{
  switch (type)
    {
    case RT_TYPE_F32:
      LOAD (float);
    case RT_TYPE_F64:
      LOAD (double);
    case RT_TYPE_I8:
      LOAD (int8_t);
    case RT_TYPE_U8:
    case RT_TYPE_BOOL:
      LOAD (uint8_t);
    case RT_TYPE_I16:
      LOAD (int16_t);
    case RT_TYPE_U16:
      LOAD (uint16_t);
    case RT_TYPE_I32:
      LOAD (int32_t);
    case RT_TYPE_U32:
      LOAD (uint32_t);
    case RT_TYPE_I64:
      for (size_t i = 0; i < n; i++)
        x[i] = (double)((const int64_t *)data)[first + i * step];
      break;
    case RT_TYPE_U64:
      for (size_t i = 0; i < n; i++)
        x[i] = (double)((const uint64_t *)data)[first + i * step];
      break;
    default:
      memset (x, 0, n * sizeof *x);
    }
}

/* To an integer: towards 0, what does not fit becomes the nearest that does. */
static int64_t
to_integer (double x)
{
  if (isnan (x) || x <= -0x1p63)
    return INT64_MIN;
  return x >= 0x1p63 ? INT64_MAX : (int64_t)x;
}

void
rt_math_store_f64 (int type, const double *x, size_t n, void *data, size_t first)
{
  if (type == RT_TYPE_F32)
    for (size_t i = 0; i < n; i++)
      ((float *)data)[first + i] = (float)x[i];
  else if (type == RT_TYPE_F64)
    memcpy ((double *)data + first, x, n * sizeof *x);
  else
    for (size_t i = 0; i < n; i++)
      {
        int64_t q = to_integer (x[i]);
        rt_math_store_i64 (type, &q, 1, data, first + i);
      }
}

/* ---- broadcasting ---- */

bool
rt_math_broadcast (const RtNode *node, const RtShape *a, const RtShape *b, RtShape *out,
                   RtError *error)
{
  char text_a[128], text_b[128];

  *out = (RtShape){ .n_dims = a->n_dims > b->n_dims ? a->n_dims : b->n_dims };
  for (uint32_t i = 0; i < out->n_dims; i++)
    {
      uint32_t skip_a = out->n_dims - a->n_dims, skip_b = out->n_dims - b->n_dims;
      int64_t da = i < skip_a ? 1 : a->dims[i - skip_a];
      int64_t db = i < skip_b ? 1 : b->dims[i - skip_b];
      if (da != db && da != 1 && db != 1)
        return rt_fail (error, RT_ERROR_FORMAT, "Shapes %s and %s do not broadcast together",
                        rt_shape_text (a, text_a, sizeof text_a),
                        rt_shape_text (b, text_b, sizeof text_b));
      out->dims[i] = da == 1 ? db : da;
    }
  return true;
}

/* Elements from one index of dimension @i of @out to the next in @shape; 0: broadcast. */
static void
operand_strides (const RtShape *out, const RtShape *shape, size_t *stride)
{
  uint32_t skip = out->n_dims - shape->n_dims;
  size_t step = 1;

  for (uint32_t i = out->n_dims; i-- > 0;)
    {
      size_t size = i < skip ? 1 : (size_t)shape->dims[i - skip];
      stride[i] = size == 1 ? 0 : step;
      step *= size;
    }
}

void
rt_broadcast_init (RtBroadcast *loops, const RtShape *out, const RtShape *a, const RtShape *b)
{
  size_t dims[RT_MAX_DIMS + 1], strides[2][RT_MAX_DIMS + 1], full[2][RT_MAX_DIMS];
  uint32_t n = 0;

  operand_strides (out, a, full[0]);
  operand_strides (out, b, full[1]);
  for (uint32_t i = 0; i < out->n_dims; i++)
    {
      size_t size = (size_t)out->dims[i];
      if (size == 1)
        continue;
      /* One loop with the dimension before when both operands go on where that one's step leads. */
      if (n > 0 && strides[0][n - 1] == full[0][i] * size && strides[1][n - 1] == full[1][i] * size)
        {
          dims[n - 1] *= size;
          strides[0][n - 1] = full[0][i];
          strides[1][n - 1] = full[1][i];
          continue;
        }
      dims[n] = size;
      strides[0][n] = full[0][i];
      strides[1][n++] = full[1][i];
    }

  *loops = (RtBroadcast){ .n = 1, .n_rows = 1 };
  if (n > 0)
    {
      n--;
      loops->n = dims[n];
      loops->step[0] = strides[0][n];
      loops->step[1] = strides[1][n];
    }
  loops->n_outer = n;
  for (uint32_t i = 0; i < n; i++)
    {
      loops->outer[i] = dims[i];
      loops->stride[0][i] = strides[0][i];
      loops->stride[1][i] = strides[1][i];
      loops->n_rows *= dims[i];
    }
}

void
rt_broadcast_row (const RtBroadcast *loops, size_t row, size_t offset[2])
{
  offset[0] = offset[1] = 0;
  for (uint32_t i = loops->n_outer; i-- > 0;)
    {
      size_t at = row % loops->outer[i];
      row /= loops->outer[i];
      offset[0] += at * loops->stride[0][i];
      offset[1] += at * loops->stride[1][i];
    }
}

/* ---- flat arrays ---- */

#define UNIT 64

uint32_t
rt_flat_chunks (const RtOpContext *context, size_t n, size_t bytes_each)
{
  return rt_split ((n + UNIT - 1) / UNIT, bytes_each * UNIT, context->n_threads);
}

void
rt_flat_range (size_t n, uint32_t n_chunks, uint32_t chunk, size_t *first, size_t *last)
{
  uint64_t first_unit, last_unit;
  rt_split_range ((n + UNIT - 1) / UNIT, n_chunks, chunk, &first_unit, &last_unit);
  *first = first_unit * UNIT < n ? first_unit * UNIT : n;
  *last = last_unit * UNIT < n ? last_unit * UNIT : n;
}

size_t
rt_math_product (const RtShape *shape, uint32_t from, uint32_t to)
{
  size_t n = 1;
  for (uint32_t i = from; i < to; i++)
    n *= (size_t)shape->dims[i];
  return n;
}

static uint64_t
query_elements (const RtOpQuery *query, RtValueId id)
{
  RtShape shape;
  rt_shape_bind (&rt_graph_value (query->graph, id)->shape, query->symbols, &shape);
  return rt_math_product (&shape, 0, shape.n_dims);
}

uint64_t
rt_math_query_outputs (const RtOpQuery *query)
{
  return query_elements (query, query->node->outputs[0]);
}

uint64_t
rt_math_query_inputs (const RtOpQuery *query, uint32_t input)
{
  return query_elements (query, query->node->inputs[input]);
}
