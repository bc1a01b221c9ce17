/* The last rows of a matrix: of the tokens of a run, those whose logits are wanted. */
#include <string.h>

#include "rt-op-common.h"
#include "rt-ops.h"

static bool
select_rows_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                   RtError *error)
{
  if (!rt_op_check_rows (graph, node, 0, 0, false, error))
    return false;
  shapes[0] = rt_op_input_value (graph, node, 0)->shape;
  shapes[0].dims[0] = RT_DIM_OUTPUTS;
  types[0] = RT_TYPE_F32;
  return true;
}

static uint32_t
select_rows_chunks (const RtOpContext *context, uint32_t phase)
{
  return context->outputs[0].shape.dims[0] > 0 ? 1 : 0;
}

static void
select_rows_reference (const RtOpContext *context)
{
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  size_t n_cols = rt_shape_cols (&x->shape);
  size_t n_out = rt_shape_rows (&y->shape);

  memcpy (y->data, rt_tensor_row (x, rt_shape_rows (&x->shape) - n_out, n_cols),
          n_out * n_cols * sizeof (float));
}

static void
select_rows_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  select_rows_reference (context);
}

static void
select_rows_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->read_bytes = cost->write_bytes;
}

const RtOp rt_op_select_rows = {
  .name = "select-rows",
  .title = "Select rows",
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = select_rows_infer,
  .n_phases = 1,
  .n_chunks = select_rows_chunks,
  .run = select_rows_run,
  .reference = select_rows_reference,
  .cost = select_rows_cost,
};
