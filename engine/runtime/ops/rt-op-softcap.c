/* Logit soft-capping: cap * tanh (x / cap). Gemma 2 report, 2024, section 2. */
#include "rt-op-elementwise.h"

#include <math.h>

static void
softcap_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtScaleAttrs *attrs = context->attrs;
  const float *x = context->inputs[0].data;
  float *y = context->outputs[0].data;
  size_t first, n;

  rt_elementwise_range (context, chunk, &first, &n);
  for (size_t i = first; i < first + n; i++)
    y[i] = attrs->factor * tanhf (x[i] / attrs->factor);
}

static void
softcap_reference (const RtOpContext *context)
{
  const RtScaleAttrs *attrs = context->attrs;
  const float *x = context->inputs[0].data;
  float *y = context->outputs[0].data;

  for (size_t i = 0; i < rt_elementwise_n (context); i++)
    y[i] = (float)(attrs->factor * tanh ((double)x[i] / attrs->factor));
}

static void
softcap_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_elementwise_cost (query, 6, cost);
}

static const RtField fields[] = { RT_FIELD_POSITIVE (RtScaleAttrs, factor) };

const RtOp rt_op_softcap = {
  .name = "softcap",
  .title = "Soft cap",
  .attrs_bytes = sizeof (RtScaleAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = rt_elementwise_infer,
  .n_phases = 1,
  .n_chunks = rt_elementwise_chunks,
  .run = softcap_run,
  .reference = softcap_reference,
  .cost = softcap_cost,
  .in_place = rt_elementwise_in_place,
};
