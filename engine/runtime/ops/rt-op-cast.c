/* Numbers of one type as another. Every pair of types that C has is one loop; half floats go
 * through f32 (to them: through a double, which holds every number that could be rounded twice). */
#include "rt-number.h"
#include "rt-op-move.h"

#define BLOCK 256

static bool
cast_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtTypeAttrs *attrs = node->attrs;
  const RtValue *x = rt_move_input (graph, node, 0, error);

  if (x == NULL)
    return false;
  if (rt_type_bytes (attrs->type) == 0)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "cast to %s", rt_type_name (attrs->type));
  shapes[0] = x->shape;
  types[0] = attrs->type;
  return true;
}

/* ---- pairs ---- */

/* A float as an integer with at most 32 bits: inside of the usual range without a branch. */
static inline int64_t
truncate_float (float x)
{
  return x >= -0x1p31f && x < 0x1p31f ? (int64_t)(int32_t)x : rt_integer_from_double ((double)x);
}

static inline uint64_t
truncate_unsigned (double x)
{
  return x >= 0x1p63 && x < 0x1p64 ? (uint64_t)x : (uint64_t)rt_integer_from_double (x);
}

#define FROM_FLOAT(to, x) (to) truncate_float (x)
#define FROM_DOUBLE(to, x) (to) rt_integer_from_double (x)
#define FROM_ANY(to, x) (to) (x)

#define LOOP(from, to, convert)                                                                    \
  for (size_t i = 0; i < n; i++)                                                                   \
    ((to *)y)[i] = convert (to, ((const from *)x)[i]);

/* The integer targets of one source. */
#define INTEGER_CASES(from, convert)                                                               \
  case RT_TYPE_I8:                                                                                 \
    LOOP (from, int8_t, convert)                                                                   \
    return;                                                                                        \
  case RT_TYPE_U8:                                                                                 \
    LOOP (from, uint8_t, convert)                                                                  \
    return;                                                                                        \
  case RT_TYPE_I16:                                                                                \
    LOOP (from, int16_t, convert)                                                                  \
    return;                                                                                        \
  case RT_TYPE_U16:                                                                                \
    LOOP (from, uint16_t, convert)                                                                 \
    return;                                                                                        \
  case RT_TYPE_I32:                                                                                \
    LOOP (from, int32_t, convert)                                                                  \
    return;                                                                                        \
  case RT_TYPE_U32:                                                                                \
    LOOP (from, uint32_t, convert)                                                                 \
    return;                                                                                        \
  case RT_TYPE_I64:                                                                                \
    LOOP (from, int64_t, convert)                                                                  \
    return;

#define OTHER_CASES(from)                                                                          \
  case RT_TYPE_F32:                                                                                \
    LOOP (from, float, FROM_ANY)                                                                   \
    return;                                                                                        \
  case RT_TYPE_F64:                                                                                \
    LOOP (from, double, FROM_ANY)                                                                  \
    return;                                                                                        \
  case RT_TYPE_BOOL:                                                                               \
    for (size_t i = 0; i < n; i++)                                                                 \
      ((uint8_t *)y)[i] = ((const from *)x)[i] != 0;                                               \
    return;                                                                                        \
  case RT_TYPE_F16:                                                                                \
    for (size_t i = 0; i < n; i++)                                                                 \
      ((uint16_t *)y)[i] = rt_half_from_double ((double)((const from *)x)[i]);                     \
    return;                                                                                        \
  case RT_TYPE_BF16:                                                                               \
    for (size_t i = 0; i < n; i++)                                                                 \
      ((uint16_t *)y)[i] = rt_bfloat_from_double ((double)((const from *)x)[i]);                   \
    return;

#define DEFINE_INTEGER(name, from)                                                                 \
  static void from_##name (int type, const void *x, void *y, size_t n)                             \
  {                                                                                                \
    switch (type)                                                                                  \
      {                                                                                            \
        INTEGER_CASES (from, FROM_ANY)                                                             \
        OTHER_CASES (from)                                                                         \
      case RT_TYPE_U64:                                                                            \
        LOOP (from, uint64_t, FROM_ANY)                                                            \
        return;                                                                                    \
      default:                                                                                     \
        return;                                                                                    \
      }                                                                                            \
  }

#define DEFINE_FLOAT(name, from, convert)                                                          \
  static void from_##name (int type, const void *x, void *y, size_t n)                             \
  {                                                                                                \
    switch (type)                                                                                  \
      {                                                                                            \
        INTEGER_CASES (from, convert)                                                              \
        OTHER_CASES (from)                                                                         \
      case RT_TYPE_U64:                                                                            \
        for (size_t i = 0; i < n; i++)                                                             \
          ((uint64_t *)y)[i] = truncate_unsigned ((double)((const from *)x)[i]);                   \
        return;                                                                                    \
      default:                                                                                     \
        return;                                                                                    \
      }                                                                                            \
  }

DEFINE_INTEGER (i8, int8_t)
DEFINE_INTEGER (u8, uint8_t)
DEFINE_INTEGER (i16, int16_t)
DEFINE_INTEGER (u16, uint16_t)
DEFINE_INTEGER (i32, int32_t)
DEFINE_INTEGER (u32, uint32_t)
DEFINE_INTEGER (i64, int64_t)
DEFINE_INTEGER (u64, uint64_t)
DEFINE_FLOAT (f32, float, FROM_FLOAT)
DEFINE_FLOAT (f64, double, FROM_DOUBLE)

static void
convert (int from, int to, const void *x, void *y, size_t n)
{
  switch (from)
    {
    case RT_TYPE_I8:
      from_i8 (to, x, y, n);
      return;
    case RT_TYPE_U8:
    case RT_TYPE_BOOL:
      from_u8 (to, x, y, n);
      return;
    case RT_TYPE_I16:
      from_i16 (to, x, y, n);
      return;
    case RT_TYPE_U16:
      from_u16 (to, x, y, n);
      return;
    case RT_TYPE_I32:
      from_i32 (to, x, y, n);
      return;
    case RT_TYPE_U32:
      from_u32 (to, x, y, n);
      return;
    case RT_TYPE_I64:
      from_i64 (to, x, y, n);
      return;
    case RT_TYPE_U64:
      from_u64 (to, x, y, n);
      return;
    case RT_TYPE_F32:
      from_f32 (to, x, y, n);
      return;
    case RT_TYPE_F64:
      from_f64 (to, x, y, n);
      return;
    default:
      return;
    }
}

static void
convert_halves (const KnTable *kn, int from, int to, const uint16_t *x, uint8_t *y, size_t n)
{
  float block[BLOCK];

  for (size_t at = 0; at < n; at += BLOCK)
    {
      size_t m = n - at < BLOCK ? n - at : BLOCK;
      if (from == RT_TYPE_F16)
        kn->vec.f16_to_f32 (x + at, m, block);
      else
        for (size_t i = 0; i < m; i++)
          block[i] = rt_bfloat_to_float (x[at + i]);
      convert (RT_TYPE_F32, to, block, y + at * rt_type_bytes (to), m);
    }
}

/* ---- run ---- */

static uint64_t
element_bytes (const RtOpContext *context)
{
  return rt_type_bytes (context->inputs[0].type) + rt_type_bytes (context->outputs[0].type);
}

static uint32_t
cast_chunks (const RtOpContext *context, uint32_t phase)
{
  return rt_split (rt_shape_n (&context->outputs[0].shape), element_bytes (context),
                   context->n_threads);
}

static void
cast_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  uint64_t first, last;

  rt_move_range (context, rt_shape_n (&y->shape), element_bytes (context), chunk, &first, &last);
  const uint8_t *from = (const uint8_t *)x->data + first * rt_type_bytes (x->type);
  uint8_t *to = (uint8_t *)y->data + first * rt_type_bytes (y->type);
  size_t n = last - first;

  if (x->type == y->type)
    {
      if (from != to)
        memcpy (to, from, n * rt_type_bytes (y->type));
    }
  else if (x->type == RT_TYPE_F32 && y->type == RT_TYPE_F16)
    context->kn->vec.f32_to_f16 ((const float *)(const void *)from, n, (uint16_t *)(void *)to);
  else if (x->type == RT_TYPE_F16 || x->type == RT_TYPE_BF16)
    convert_halves (context->kn, x->type, y->type, (const uint16_t *)(const void *)from, to, n);
  else
    convert (x->type, y->type, from, to, n);
}

static void
cast_reference (const RtOpContext *context)
{
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];

  for (size_t i = 0; i < rt_shape_n (&y->shape); i++)
    if (rt_type_is_float (x->type))
      rt_number_set (y->type, y->data, i, rt_number_get (x->type, x->data, i));
    else if (x->type == RT_TYPE_U64 && y->type == RT_TYPE_F32)
      ((float *)y->data)[i] = (float)((const uint64_t *)x->data)[i];
    else if (x->type == RT_TYPE_I64 && y->type == RT_TYPE_F32)
      ((float *)y->data)[i] = (float)((const int64_t *)x->data)[i];
    else if (rt_type_is_float (y->type))
      rt_number_set (y->type, y->data, i, rt_number_get (x->type, x->data, i));
    else
      rt_number_set_integer (y->type, y->data, i, rt_number_get_integer (x->type, x->data, i));
}

static void
cast_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
}

static bool
cast_in_place (const RtNode *node, uint32_t input)
{
  return input == 0;
}

static bool
cast_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
              void *attrs)
{
  return rt_move_all_have (graph, node, n_dims);
}

static const RtField fields[] = { RT_FIELD_ELEMENT (RtTypeAttrs, type) };

const RtOp rt_op_cast = {
  .name = "cast",
  .title = "Cast",
  .attrs_bytes = sizeof (RtTypeAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = cast_infer,
  .n_phases = 1,
  .n_chunks = cast_chunks,
  .run = cast_run,
  .reference = cast_reference,
  .cost = cast_cost,
  .in_place = cast_in_place,
  .permute = cast_permute,
};
