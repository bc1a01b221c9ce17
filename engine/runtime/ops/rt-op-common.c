/* What the operators share. Knows shapes and formats, no operator. */
#include "rt-op-common.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Less memory traffic than this is not worth handing to another thread: about 1 µs from cache. */
#define CHUNK_MIN_BYTES 16384
/* Chunks per thread: enough that a slow thread leaves work to the others. */
#define CHUNKS_PER_THREAD 6

const RtValue *
rt_op_input_value (const RtGraph *graph, const RtNode *node, uint32_t input)
{
  if (input >= node->n_inputs || node->inputs[input] == RT_NONE)
    return NULL;
  return rt_graph_value (graph, node->inputs[input]);
}

static bool
fail_shape (const RtValue *value, const char *expected, RtError *error)
{
  char got[128];
  return rt_fail (error, RT_ERROR_FORMAT, "%s: expected %s, got shape %s", value->name, expected,
                  rt_shape_text (&value->shape, got, sizeof got));
}

bool
rt_op_check_rows (const RtGraph *graph, const RtNode *node, uint32_t input, int64_t n_cols,
                  bool or_q8, RtError *error)
{
  const RtValue *value = rt_op_input_value (graph, node, input);
  bool type_ok = value->kind != RT_VALUE_WEIGHT
                 && (value->type == RT_TYPE_F32
                     || (or_q8
                         && (value->type == RT_TYPE_Q8_ROWS
                             || value->type == RT_TYPE_Q8_TOKEN_ROWS)));

  if (!type_ok)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected activations of type f32%s, got type %d",
                    value->name, or_q8 ? " or 8-bit rows" : "", value->type);
  if (value->shape.n_dims != 2 || (n_cols != 0 && value->shape.dims[1] != n_cols))
    {
      char expected[64];
      if (n_cols != 0)
        snprintf (expected, sizeof expected, "rows of %" PRId64, n_cols);
      else
        snprintf (expected, sizeof expected, "2 dimensions");
      return fail_shape (value, expected, error);
    }
  return true;
}

static bool
check_weight (const RtValue *value, RtError *error)
{
  if (value->kind != RT_VALUE_WEIGHT)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected a weight", value->name);
  if (kn_dtype_info (value->type) == NULL || value->type == KN_I8)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: no kernels for tensor type %d", value->name,
                    value->type);
  return true;
}

bool
rt_op_check_vector (const RtGraph *graph, const RtNode *node, uint32_t input, int64_t n,
                    RtError *error)
{
  const RtValue *value = rt_op_input_value (graph, node, input);
  char expected[64];

  if (value == NULL)
    return true;
  if (!check_weight (value, error))
    return false;
  snprintf (expected, sizeof expected, "[%" PRId64 "]", n);
  if (value->shape.n_dims != 1 || value->shape.dims[0] != n)
    return fail_shape (value, expected, error);
  return true;
}

bool
rt_op_check_matrix (const RtGraph *graph, const RtNode *node, uint32_t input, int64_t n_rows,
                    int64_t n_cols, RtError *error)
{
  const RtValue *value = rt_op_input_value (graph, node, input);
  const RtShape *shape = &value->shape;
  char expected[96];

  if (!check_weight (value, error))
    return false;
  snprintf (expected, sizeof expected, "[%" PRId64 ", %" PRId64 "] (0: any)", n_rows, n_cols);
  if (shape->n_dims != 2 || (n_rows != 0 && shape->dims[0] != n_rows)
      || (n_cols != 0 && shape->dims[1] != n_cols))
    return fail_shape (value, expected, error);
  return true;
}

bool
rt_op_check_shape (const RtGraph *graph, const RtNode *node, uint32_t input, const RtShape *shape,
                   RtError *error)
{
  const RtValue *value = rt_op_input_value (graph, node, input);
  char expected[128];

  if (value->kind == RT_VALUE_WEIGHT || value->type != RT_TYPE_F32)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected activations of type f32, got type %d",
                    value->name, value->type);
  if (value->shape.n_dims != shape->n_dims
      || memcmp (value->shape.dims, shape->dims, shape->n_dims * sizeof *shape->dims) != 0)
    return fail_shape (value, rt_shape_text (shape, expected, sizeof expected), error);
  return true;
}

size_t
rt_shape_rows (const RtShape *shape)
{
  size_t n = 1;
  for (uint32_t i = 0; i + 1 < shape->n_dims; i++)
    n *= (size_t)shape->dims[i];
  return n;
}

size_t
rt_shape_cols (const RtShape *shape)
{
  return shape->n_dims > 0 ? (size_t)shape->dims[shape->n_dims - 1] : 1;
}

uint32_t
rt_split (uint64_t n_items, uint64_t item_bytes, uint32_t n_threads)
{
  uint64_t by_size = n_items * item_bytes / CHUNK_MIN_BYTES;
  uint64_t n_chunks = (uint64_t)n_threads * CHUNKS_PER_THREAD;

  if (n_items == 0)
    return 0;
  if (n_chunks > by_size)
    n_chunks = by_size;
  if (n_chunks > n_items)
    n_chunks = n_items;
  return n_chunks > 0 ? (uint32_t)n_chunks : 1;
}

void
rt_split_range (uint64_t n_items, uint32_t n_chunks, uint32_t chunk, uint64_t *first,
                uint64_t *last)
{
  *first = n_items * chunk / n_chunks;
  *last = n_items * (chunk + 1) / n_chunks;
}

void
rt_q8_store (const KnTable *kn, uint8_t *row, size_t n_cols, size_t first, size_t n, const float *x)
{
  enum
  {
    STEP = 256
  };
  _Alignas(KN_ALIGN) uint8_t part[2 * STEP];

  for (size_t at = 0; at < n; at += STEP)
    {
      size_t m = n - at < STEP ? n - at : STEP;
      size_t group = (first + at) / KN_Q8_GROUP, n_groups = m / KN_Q8_GROUP;
      kn->matmul.quantize_q8 (x + at, m, part);

      memcpy (row + first + at, part, m);
      memcpy (row + kn_q8_scales_offset (n_cols) + group * 4, part + kn_q8_scales_offset (m),
              n_groups * 4);
      memcpy (row + kn_q8_sums_offset (n_cols) + group * 4, part + kn_q8_sums_offset (m),
              n_groups * 4);
      memcpy (row + kn_q8_half_sums_offset (n_cols) + group * 8, part + kn_q8_half_sums_offset (m),
              n_groups * 8);
    }
}

void
rt_q8_load (const uint8_t *row, size_t n_cols, float *x)
{
  const float *scales = (const float *)(const void *)(row + kn_q8_scales_offset (n_cols));
  for (size_t i = 0; i < n_cols; i++)
    x[i] = (float)(int8_t)row[i] * scales[i / KN_Q8_GROUP];
}

void
rt_q8_token_load (const uint8_t *row, size_t n_cols, float *x)
{
  float scale;

  memcpy (&scale, row + kn_q8_token_scale_offset (n_cols), sizeof scale);
  for (size_t i = 0; i < n_cols; i++)
    x[i] = (float)(int8_t)row[i] * scale;
}

uint64_t
rt_op_value_bytes (const RtOpQuery *query, RtValueId value)
{
  return rt_value_bytes (rt_graph_value (query->graph, value), query->symbols);
}

uint64_t
rt_op_weight_bytes (const RtOpQuery *query, uint32_t input)
{
  RtValueId id = query->node->inputs[input];
  const RtValue *value = rt_graph_value (query->graph, id);
  int dtype = query->weight_dtypes != NULL ? query->weight_dtypes[id] : -1;

  if (query->weight_bytes != NULL && query->weight_bytes[id] != 0)
    return query->weight_bytes[id];
  if (dtype < 0 || value->shape.n_dims != 2)
    return value->data_bytes;
  return rt_weight_packed_bytes (dtype, (uint64_t)value->shape.dims[0],
                                 (uint64_t)value->shape.dims[1]);
}

uint64_t
rt_op_query_rows (const RtOpQuery *query)
{
  RtShape shape;
  rt_shape_bind (&rt_graph_value (query->graph, query->node->inputs[0])->shape, query->symbols,
                 &shape);
  return rt_shape_rows (&shape);
}

void
rt_op_cost_io (const RtOpQuery *query, RtCost *cost)
{
  const RtNode *node = query->node;
  const RtOp *op = node->op;

  for (uint32_t i = 0; i < node->n_inputs; i++)
    {
      if (node->inputs[i] == RT_NONE || rt_op_input_is (op->table_inputs, i))
        continue;
      if (rt_op_input_is (op->matrix_inputs | op->vector_inputs, i))
        cost->weight_bytes += rt_op_weight_bytes (query, i);
      else
        cost->read_bytes += rt_op_value_bytes (query, node->inputs[i]);
    }
  for (uint32_t i = 0; i < node->n_outputs; i++)
    cost->write_bytes += rt_op_value_bytes (query, node->outputs[i]);
}

void *
rt_reference_alloc (size_t n_bytes)
{
  void *memory = calloc (1, n_bytes > 0 ? n_bytes : 1);
  if (memory == NULL)
    {
      fprintf (stderr, "no memory for a reference operator\n");
      abort ();
    }
  return memory;
}
