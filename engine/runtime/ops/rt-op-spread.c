/* Columns of a matrix put at their places in a wider one. The only place where a trimmed
 * vocabulary's rows get the model's token numbers back, so that whoever reads logits need not
 * know. */
#include <string.h>

#include "rt-op-common.h"
#include "rt-ops-vocabulary.h"

enum
{
  X,
  COLUMNS
};

static bool
check_columns (const RtValue *columns, int64_t n, uint32_t n_columns, RtError *error)
{
  const int32_t *numbers = columns->data;

  if (columns->kind != RT_VALUE_WEIGHT || columns->type != RT_TYPE_I32 || columns->shape.n_dims != 1
      || columns->shape.dims[0] != n)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected %lld constant i32 column numbers",
                    columns->name, (long long)n);
  for (int64_t i = 0; i < n; i++)
    if (numbers[i] < 0 || (uint32_t)numbers[i] >= n_columns
        || (i > 0 && numbers[i] <= numbers[i - 1]))
      return rt_fail (error, RT_ERROR_FORMAT, "%s: column %lld is %d, not a rising number below %u",
                      columns->name, (long long)i, numbers[i], n_columns);
  return true;
}

static bool
spread_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtSpreadAttrs *attrs = node->attrs;

  if (!rt_op_check_rows (graph, node, X, 0, false, error))
    return false;
  shapes[0] = rt_op_input_value (graph, node, X)->shape;
  int64_t *n_cols = &shapes[0].dims[shapes[0].n_dims - 1];
  if (!check_columns (rt_op_input_value (graph, node, COLUMNS), *n_cols, attrs->n_columns, error))
    return false;
  *n_cols = attrs->n_columns;
  types[0] = RT_TYPE_F32;
  return true;
}

static void
spread_row (const RtOpContext *context, size_t row)
{
  const RtSpreadAttrs *attrs = context->attrs;
  size_t n = rt_shape_cols (&context->inputs[X].shape);
  const float *x = rt_tensor_row (&context->inputs[X], row, n);
  const int32_t *columns = context->inputs[COLUMNS].data;
  float *y = rt_tensor_row (&context->outputs[0], row, attrs->n_columns);

  for (size_t i = 0; i < attrs->n_columns; i++)
    y[i] = attrs->fill;
  for (size_t k = 0; k < n; k++)
    y[columns[k]] = x[k];
}

static uint32_t
spread_chunks (const RtOpContext *context, uint32_t phase)
{
  const RtShape *shape = &context->outputs[0].shape;
  return rt_split (rt_shape_rows (shape), rt_shape_cols (shape) * 8, context->n_threads);
}

static void
spread_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  uint64_t first, last;

  rt_split_range (rt_shape_rows (&context->outputs[0].shape), spread_chunks (context, 0), chunk,
                  &first, &last);
  for (uint64_t row = first; row < last; row++)
    spread_row (context, row);
}

static void
spread_reference (const RtOpContext *context)
{
  for (size_t row = 0; row < rt_shape_rows (&context->outputs[0].shape); row++)
    spread_row (context, row);
}

static void
spread_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_COUNT (RtSpreadAttrs, n_columns),
  RT_FIELD_REAL (RtSpreadAttrs, fill),
};
/* clang-format on */

const RtOp rt_op_spread = {
  .name = "spread",
  .title = "Spread columns",
  .attrs_bytes = sizeof (RtSpreadAttrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .infer = spread_infer,
  .n_phases = 1,
  .n_chunks = spread_chunks,
  .run = spread_run,
  .reference = spread_reference,
  .cost = spread_cost,
};
