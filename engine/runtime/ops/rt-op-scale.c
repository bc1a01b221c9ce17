/* Multiplication by a constant (Gemma scales its embeddings). */
#include "rt-op-elementwise.h"

static void
scale_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtScaleAttrs *attrs = context->attrs;
  const float *x = context->inputs[0].data;
  float *y = context->outputs[0].data;
  size_t first, n;

  rt_elementwise_range (context, chunk, &first, &n);
  context->kn->vec.scale (x + first, attrs->factor, n, y + first);
}

static void
scale_reference (const RtOpContext *context)
{
  const RtScaleAttrs *attrs = context->attrs;
  const float *x = context->inputs[0].data;
  float *y = context->outputs[0].data;

  for (size_t i = 0; i < rt_elementwise_n (context); i++)
    y[i] = x[i] * attrs->factor;
}

static void
scale_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_elementwise_cost (query, 1, cost);
}

static const RtField fields[] = { RT_FIELD_FINITE (RtScaleAttrs, factor) };

const RtOp rt_op_scale = {
  .name = "scale",
  .title = "Scale",
  .attrs_bytes = sizeof (RtScaleAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = rt_elementwise_infer,
  .n_phases = 1,
  .n_chunks = rt_elementwise_chunks,
  .run = scale_run,
  .reference = scale_reference,
  .cost = scale_cost,
  .in_place = rt_elementwise_in_place,
};
