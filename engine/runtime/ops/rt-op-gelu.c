/* GELU in its tanh form: x / 2 * (1 + tanh (sqrt (2 / pi) * (x + 0.044715 x^3))). Hendrycks and
 * Gimpel 2016. */
#include "rt-op-elementwise.h"

#include <math.h>

#define BLOCK 64

/* The kernel multiplies by a second input (the gated form): ones change no bit. */
#define ONES_8 1, 1, 1, 1, 1, 1, 1, 1
static const float ones[BLOCK] = { ONES_8, ONES_8, ONES_8, ONES_8, ONES_8, ONES_8, ONES_8, ONES_8 };

static void
gelu_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const float *x = context->inputs[0].data;
  float *y = context->outputs[0].data;
  size_t first, n;

  rt_elementwise_range (context, chunk, &first, &n);
  for (size_t i = 0; i < n; i += BLOCK)
    {
      size_t m = n - i < BLOCK ? n - i : BLOCK;
      context->kn->vec.gelu_tanh_mul (x + first + i, ones, m, y + first + i);
    }
}

static void
gelu_reference (const RtOpContext *context)
{
  const float *x = context->inputs[0].data;
  float *y = context->outputs[0].data;

  for (size_t i = 0; i < rt_elementwise_n (context); i++)
    {
      double v = x[i];
      y[i] = (float)(0.5 * v * (1.0 + tanh (sqrt (2.0 / M_PI) * (v + 0.044715 * v * v * v))));
    }
}

static void
gelu_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_elementwise_cost (query, 10, cost);
}

const RtOp rt_op_gelu = {
  .name = "gelu",
  .title = "GELU",
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = rt_elementwise_infer,
  .n_phases = 1,
  .n_chunks = rt_elementwise_chunks,
  .run = gelu_run,
  .reference = gelu_reference,
  .cost = gelu_cost,
  .in_place = rt_elementwise_in_place,
};
