/* Shapes, their sizes and their text, and the checks of a whole graph. Called while a graph is
 * built and before it is planned. Asks the operators for their shapes and knows none of them. */
#include "rt-graph-private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rt-fields.h"
#include "rt-op.h"

int64_t
rt_dim_bind (int64_t dim, const int64_t *symbols)
{
  return dim < 0 ? symbols[-dim - 1] : dim;
}

void
rt_shape_bind (const RtShape *shape, const int64_t *symbols, RtShape *bound)
{
  bound->n_dims = shape->n_dims;
  for (uint32_t i = 0; i < shape->n_dims; i++)
    bound->dims[i] = rt_dim_bind (shape->dims[i], symbols);
}

size_t
rt_type_bytes (int type)
{
  switch (type)
    {
    case RT_TYPE_I8:
    case RT_TYPE_U8:
    case RT_TYPE_BOOL:
      return 1;
    case RT_TYPE_F16:
    case RT_TYPE_BF16:
    case RT_TYPE_I16:
    case RT_TYPE_U16:
      return 2;
    case RT_TYPE_F32:
    case RT_TYPE_I32:
    case RT_TYPE_U32:
      return 4;
    case RT_TYPE_F64:
    case RT_TYPE_I64:
    case RT_TYPE_U64:
      return 8;
    default:
      return 0;
    }
}

const char *
rt_type_name (int type)
{
  static const struct
  {
    int type;
    const char *name;
  } names[] = {
    { RT_TYPE_F32, "f32" }, { RT_TYPE_F16, "f16" },   { RT_TYPE_BF16, "bf16" },
    { RT_TYPE_F64, "f64" }, { RT_TYPE_I8, "i8" },     { RT_TYPE_I16, "i16" },
    { RT_TYPE_I32, "i32" }, { RT_TYPE_I64, "i64" },   { RT_TYPE_U8, "u8" },
    { RT_TYPE_U16, "u16" }, { RT_TYPE_U32, "u32" },   { RT_TYPE_U64, "u64" },
    { RT_TYPE_BOOL, "bool" }, { RT_TYPE_Q8_ROWS, "8-bit rows" },
    { RT_TYPE_Q8_TOKEN_ROWS, "8-bit rows of one scale" },
  };

  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].type == type)
      return names[i].name;
  const KnDtypeInfo *info = kn_dtype_info (type);
  return info != NULL ? info->name : "unknown";
}

uint64_t
rt_shape_n (const RtShape *shape)
{
  uint64_t n = 1;
  bool huge = false;

  for (uint32_t i = 0; i < shape->n_dims; i++)
    {
      if (shape->dims[i] == 0)
        return 0;
      huge |= __builtin_mul_overflow (n, (uint64_t)shape->dims[i], &n);
    }
  return huge ? UINT64_MAX : n;
}

static uint64_t
type_row_bytes (int type, uint64_t n)
{
  if (type == RT_TYPE_Q8_ROWS)
    return kn_q8_row_bytes (n);
  if (type == RT_TYPE_Q8_TOKEN_ROWS)
    return kn_q8_token_row_bytes (n);
  if (rt_type_bytes (type) > 0)
    return n * rt_type_bytes (type);
  return kn_dtype_info (type) != NULL ? kn_row_bytes (type, n) : 0;
}

uint64_t
rt_value_bytes (const RtValue *value, const int64_t *symbols)
{
  if (value->kind == RT_VALUE_WEIGHT)
    return value->data_bytes;

  uint64_t n_rows = 1;
  uint32_t last = value->shape.n_dims;
  for (uint32_t i = 0; i + 1 < last; i++)
    n_rows *= (uint64_t)rt_dim_bind (value->shape.dims[i], symbols);
  uint64_t n = last > 0 ? (uint64_t)rt_dim_bind (value->shape.dims[last - 1], symbols) : 1;
  return n_rows * type_row_bytes (value->type, n);
}

const char *
rt_shape_text (const RtShape *shape, char *buffer, size_t n_bytes)
{
  static const char *const symbols[RT_N_SYMBOLS]
      = { "tokens", "outputs", "height", "width", "samples" };
  size_t n = 0;

  if (n_bytes == 0)
    return buffer;
  buffer[0] = '\0';
  for (uint32_t i = 0; i < shape->n_dims && n < n_bytes; i++)
    {
      int64_t dim = shape->dims[i];
      const char *before = i == 0 ? "[" : ", ";
      int written = dim < 0 && dim >= -RT_N_SYMBOLS
                        ? snprintf (buffer + n, n_bytes - n, "%s%s", before, symbols[-dim - 1])
                        : snprintf (buffer + n, n_bytes - n, "%s%" PRId64, before, dim);
      n += written > 0 ? (size_t)written : 0;
    }
  if (n < n_bytes)
    snprintf (buffer + n, n_bytes - n, "%s", shape->n_dims == 0 ? "[]" : "]");
  return buffer;
}

bool
rt_graph_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                RtError *error)
{
  /* infer() first: it says best what is wrong. */
  if (!node->op->infer (graph, node, shapes, types, error)
      || !rt_fields_check (node->op, node->attrs, error))
    return rt_fail_prefix (error, "%s (%s)", node->name, node->op->title);
  return true;
}

bool
rt_graph_check_weight (const RtValue *value, RtError *error)
{
  const RtShape *shape = &value->shape;
  uint64_t n_rows = 1;

  if (shape->n_dims > RT_MAX_DIMS)
    return rt_fail (error, RT_ERROR_FORMAT, "%s has %u dimensions, expected at most %d",
                    value->name, shape->n_dims, RT_MAX_DIMS);
  for (uint32_t i = 0; i < shape->n_dims; i++)
    {
      uint64_t dim = (uint64_t)shape->dims[i];
      if (shape->dims[i] < 0 || shape->dims[i] > INT32_MAX
          || (i + 1 < shape->n_dims && __builtin_mul_overflow (n_rows, dim, &n_rows)))
        return rt_fail (error, RT_ERROR_FORMAT, "%s: dimension %u is %" PRId64 ", expected 0 to %d",
                        value->name, i, shape->dims[i], INT32_MAX);
    }

  if (kn_dtype_info (value->type) == NULL && rt_type_bytes (value->type) == 0)
    return true;

  uint64_t n_cols = shape->n_dims > 0 ? (uint64_t)shape->dims[shape->n_dims - 1] : 1;
  uint64_t row_bytes = type_row_bytes (value->type, n_cols), expected;
  if ((row_bytes == 0 && n_cols > 0) || __builtin_mul_overflow (n_rows, row_bytes, &expected))
    return rt_fail (error, RT_ERROR_FORMAT, "%s: rows of %" PRIu64 " values do not fit %s",
                    value->name, n_cols, rt_type_name (value->type));
  if ((value->data == NULL && expected > 0) || value->data_bytes != expected)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected %" PRIu64 " bytes, got %" PRIu64,
                    value->name, expected, value->data != NULL ? value->data_bytes : 0);
  return true;
}

static bool
same_shape (const RtShape *a, const RtShape *b)
{
  return a->n_dims == b->n_dims && memcmp (a->dims, b->dims, a->n_dims * sizeof *a->dims) == 0;
}

static bool
validate_node (const RtGraph *graph, RtNodeId id, RtError *error)
{
  const RtNode *node = rt_graph_node (graph, id);
  RtShape shapes[RT_MAX_OUTPUTS] = { 0 };
  int types[RT_MAX_OUTPUTS] = { 0 };

  for (uint32_t i = 0; i < node->n_inputs; i++)
    {
      if (node->inputs[i] == RT_NONE)
        continue;
      const RtValue *input = rt_graph_value (graph, node->inputs[i]);
      if (input->producer != RT_NONE && input->producer >= id)
        return rt_fail (error, RT_ERROR_FORMAT, "%s reads %s, which is made later", node->name,
                        input->name);
    }

  if (!rt_graph_infer (graph, node, shapes, types, error))
    return false;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    {
      const RtValue *output = rt_graph_value (graph, node->outputs[i]);
      char expected[128], got[128];
      if (output->producer != id)
        return rt_fail (error, RT_ERROR_FORMAT, "%s is made by two nodes", output->name);
      if (output->type != types[i] || !same_shape (&output->shape, &shapes[i]))
        return rt_fail (error, RT_ERROR_FORMAT, "%s: expected shape %s, got %s", output->name,
                        rt_shape_text (&shapes[i], expected, sizeof expected),
                        rt_shape_text (&output->shape, got, sizeof got));
    }
  return true;
}

bool
rt_graph_validate (const RtGraph *graph, RtError *error)
{
  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    {
      const RtValue *value = rt_graph_value (graph, id);
      if (value->kind == RT_VALUE_WEIGHT && !rt_graph_check_weight (value, error))
        return false;
    }
  for (RtNodeId id = 0; id < rt_graph_n_nodes (graph); id++)
    if (!validate_node (graph, id, error))
      return false;
  return true;
}
