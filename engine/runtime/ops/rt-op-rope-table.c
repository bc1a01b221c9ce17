/* Cosines and sines of the rotary embedding, once per run for all blocks. Angles are computed in
 * f64, so that far positions keep their precision. Su et al. 2021, section 3.2.2; linear scaling:
 * Chen et al. 2023; factors per frequency: Llama 3.1. */
#include <math.h>

#include "rt-op-common.h"
#include "rt-ops.h"

enum
{
  TOKENS,
  FACTORS
};

/* Rows that one chunk does; the powers are computed once for all of them. */
#define ROWS_PER_CHUNK 16
#define MAX_DIMS 1024

static bool
rope_table_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                  RtError *error)
{
  const RtRopeTableAttrs *attrs = node->attrs;
  const RtValue *tokens = rt_op_input_value (graph, node, TOKENS);

  if (tokens->type != RT_TYPE_I32 || tokens->shape.n_dims != 1)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected token numbers, one dimension of i32",
                    tokens->name);
  if (attrs->n_dims == 0 || attrs->n_dims % 2 != 0 || attrs->n_dims > MAX_DIMS)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%u rotated dimensions: expected an even number up to %d", attrs->n_dims,
                    MAX_DIMS);
  if (!(attrs->base > 0) || !(attrs->scale > 0))
    return rt_fail (error, RT_ERROR_FORMAT, "base %g and scale %g must be positive", attrs->base,
                    attrs->scale);
  if (!rt_op_check_vector (graph, node, FACTORS, attrs->n_dims / 2, error))
    return false;
  shapes[0] = (RtShape){ .n_dims = 2, .dims = { tokens->shape.dims[0], attrs->n_dims } };
  types[0] = RT_TYPE_F32;
  return true;
}

static uint32_t
rope_table_chunks (const RtOpContext *context, uint32_t phase)
{
  size_t n_rows = rt_shape_rows (&context->outputs[0].shape);
  return (uint32_t)((n_rows + ROWS_PER_CHUNK - 1) / ROWS_PER_CHUNK);
}

static void
rope_table_rows (const RtOpContext *context, size_t first, size_t last)
{
  const RtRopeTableAttrs *attrs = context->attrs;
  const float *factors = context->inputs[FACTORS].data;
  size_t n_pairs = attrs->n_dims / 2;

  for (size_t i = 0; i < n_pairs; i++)
    {
      double frequency = pow (attrs->base, -2.0 * (double)i / attrs->n_dims) * attrs->scale
                         / (factors != NULL ? factors[i] : 1);
      for (size_t row = first; row < last; row++)
        {
          float *y = rt_tensor_row (&context->outputs[0], row, attrs->n_dims);
          double angle = (double)rt_op_position (context, row) * frequency;
          y[i] = (float)cos (angle);
          y[n_pairs + i] = (float)sin (angle);
        }
    }
}

static void
rope_table_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  size_t n_rows = rt_shape_rows (&context->outputs[0].shape);
  size_t first = (size_t)chunk * ROWS_PER_CHUNK;

  rope_table_rows (context, first,
                   first + ROWS_PER_CHUNK < n_rows ? first + ROWS_PER_CHUNK : n_rows);
}

static void
rope_table_reference (const RtOpContext *context)
{
  rope_table_rows (context, 0, rt_shape_rows (&context->outputs[0].shape));
}

static void
rope_table_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  /* Two functions of about 20 operations per pair. */
  cost->flops = cost->write_bytes / sizeof (float) * 20;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD (RtRopeTableAttrs, n_dims, 2, MAX_DIMS),
  RT_FIELD_POSITIVE (RtRopeTableAttrs, base),
  RT_FIELD_POSITIVE (RtRopeTableAttrs, scale),
};
/* clang-format on */

const RtOp rt_op_rope_table = {
  .name = "rope-table",
  .title = "Rotary angles",
  .attrs_bytes = sizeof (RtRopeTableAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 2,
  .n_outputs = 1,
  .vector_inputs = 1 << FACTORS,
  .infer = rope_table_infer,
  .n_phases = 1,
  .n_chunks = rope_table_chunks,
  .run = rope_table_run,
  .reference = rope_table_reference,
  .cost = rope_table_cost,
};
