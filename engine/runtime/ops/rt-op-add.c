/* Sum of two values of the same shape. */
#include "rt-op-elementwise.h"

static void
add_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const float *a = context->inputs[0].data, *b = context->inputs[1].data;
  float *y = context->outputs[0].data;
  size_t first, n;

  rt_elementwise_range (context, chunk, &first, &n);
  context->kn->vec.add (a + first, b + first, n, y + first);
}

static void
add_reference (const RtOpContext *context)
{
  const float *a = context->inputs[0].data, *b = context->inputs[1].data;
  float *y = context->outputs[0].data;

  for (size_t i = 0; i < rt_elementwise_n (context); i++)
    y[i] = a[i] + b[i];
}

static void
add_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_elementwise_cost (query, 1, cost);
}

const RtOp rt_op_add = {
  .name = "add",
  .title = "Sum",
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 1,
  .infer = rt_elementwise_infer,
  .n_phases = 1,
  .n_chunks = rt_elementwise_chunks,
  .run = add_run,
  .reference = add_reference,
  .cost = add_cost,
  .in_place = rt_elementwise_in_place,
};
