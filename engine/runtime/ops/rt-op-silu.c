/* SiLU: x / (1 + exp (-x)). Elfwing et al. 2017. */
#include "rt-op-elementwise.h"

#include <math.h>

static void
silu_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const float *x = context->inputs[0].data;
  float *y = context->outputs[0].data;
  size_t first, n;

  rt_elementwise_range (context, chunk, &first, &n);
  context->kn->vec.silu (x + first, n, y + first);
}

static void
silu_reference (const RtOpContext *context)
{
  const float *x = context->inputs[0].data;
  float *y = context->outputs[0].data;

  for (size_t i = 0; i < rt_elementwise_n (context); i++)
    y[i] = (float)(x[i] / (1.0 + exp (-(double)x[i])));
}

static void
silu_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_elementwise_cost (query, 4, cost);
}

const RtOp rt_op_silu = {
  .name = "silu",
  .title = "SiLU",
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = rt_elementwise_infer,
  .n_phases = 1,
  .n_chunks = rt_elementwise_chunks,
  .run = silu_run,
  .reference = silu_reference,
  .cost = silu_cost,
  .in_place = rt_elementwise_in_place,
};
