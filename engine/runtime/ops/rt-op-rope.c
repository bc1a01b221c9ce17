/* Rotary position embedding of all heads of a row, with the angles of rope-table. Su et al. 2021,
 * eq. 34. */
#include <string.h>

#include "rt-op-common.h"
#include "rt-ops.h"

enum
{
  X,
  TABLE
};

static bool
rope_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtRopeAttrs *attrs = node->attrs;

  if (!rt_op_check_rows (graph, node, X, (int64_t)attrs->n_heads * attrs->head_dim, false, error)
      || !rt_op_check_rows (graph, node, TABLE, 0, false, error))
    return false;
  const RtShape *table = &rt_op_input_value (graph, node, TABLE)->shape;
  int64_t n_dims = table->dims[1];
  if (attrs->n_heads == 0 || n_dims < 0 || n_dims > attrs->head_dim || n_dims % 2 != 0)
    return rt_fail (error, RT_ERROR_FORMAT, "cannot rotate %d dimensions of %u heads of %u",
                    (int)n_dims, attrs->n_heads, attrs->head_dim);
  if (table->dims[0] != rt_op_input_value (graph, node, X)->shape.dims[0])
    return rt_fail (error, RT_ERROR_FORMAT, "rows and the table of angles are of different tokens");
  shapes[0] = rt_op_input_value (graph, node, X)->shape;
  types[0] = RT_TYPE_F32;
  return true;
}

static uint32_t
rope_chunks (const RtOpContext *context, uint32_t phase)
{
  const RtShape *shape = &context->outputs[0].shape;
  return rt_split (rt_shape_rows (shape), rt_shape_cols (shape) * 8, context->n_threads);
}

static void
rope_row (const RtOpContext *context, size_t row)
{
  const RtRopeAttrs *attrs = context->attrs;
  size_t n_dims = rt_shape_cols (&context->inputs[TABLE].shape), n = attrs->head_dim;
  const float *cos = rt_tensor_row (&context->inputs[TABLE], row, n_dims);
  const float *sin = cos + n_dims / 2;

  for (size_t head = 0; head < attrs->n_heads; head++)
    {
      const float *x = rt_tensor_row (&context->inputs[X], row * attrs->n_heads + head, n);
      float *y = rt_tensor_row (&context->outputs[0], row * attrs->n_heads + head, n);
      if (attrs->half)
        context->kn->vec.rope_half (x, cos, sin, n_dims, y);
      else
        context->kn->vec.rope_adjacent (x, cos, sin, n_dims, y);
      if (n_dims < n && x != y)
        memcpy (y + n_dims, x + n_dims, (n - n_dims) * sizeof *y);
    }
}

static void
rope_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  uint64_t first, last;

  rt_split_range (rt_shape_rows (&context->outputs[0].shape), rope_chunks (context, 0), chunk,
                  &first, &last);
  for (uint64_t row = first; row < last; row++)
    rope_row (context, row);
}

static void
rope_reference (const RtOpContext *context)
{
  const RtRopeAttrs *attrs = context->attrs;
  size_t n_dims = rt_shape_cols (&context->inputs[TABLE].shape), n = attrs->head_dim;

  for (size_t i = 0; i < rt_shape_rows (&context->outputs[0].shape) * attrs->n_heads; i++)
    {
      const float *table = rt_tensor_row (&context->inputs[TABLE], i / attrs->n_heads, n_dims);
      const float *x = rt_tensor_row (&context->inputs[X], i, n);
      float *y = rt_tensor_row (&context->outputs[0], i, n);

      for (size_t k = 0; k < n_dims / 2; k++)
        {
          size_t a = attrs->half ? k : 2 * k, b = attrs->half ? k + n_dims / 2 : 2 * k + 1;
          double c = table[k], s = table[n_dims / 2 + k], xa = x[a], xb = x[b];
          y[a] = (float)(xa * c - xb * s);
          y[b] = (float)(xa * s + xb * c);
        }
      for (size_t k = n_dims; k < n; k++)
        y[k] = x[k];
    }
}

static void
rope_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = cost->write_bytes / sizeof (float) * 3;
}

static bool
rope_in_place (const RtNode *node, uint32_t input)
{
  return input == X;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_SIZE (RtRopeAttrs, n_heads),
  RT_FIELD_SIZE (RtRopeAttrs, head_dim),
  RT_FIELD_FLAG (RtRopeAttrs, half),
};
/* clang-format on */

const RtOp rt_op_rope = {
  .name = "rope",
  .title = "Rotary embedding",
  .attrs_bytes = sizeof (RtRopeAttrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .infer = rope_infer,
  .n_phases = 1,
  .n_chunks = rope_chunks,
  .run = rope_run,
  .reference = rope_reference,
  .cost = rope_cost,
  .in_place = rope_in_place,
};
