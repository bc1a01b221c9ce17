/* See rt-sound.h. */
#include "rt-sound.h"

#include <stdio.h>

uint32_t
rt_sound_one_chunk (const RtOpContext *context, uint32_t phase)
{
  return 1;
}

void
rt_sound_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  rt_sound_reference (context);
}

void
rt_sound_reference (const RtOpContext *context)
{
  const RtSoundFunction *function = context->node->op->data;

  function->compute (context);
}

void
rt_sound_cost (const RtOpQuery *query, RtCost *cost)
{
  uint64_t most = 0;

  rt_op_cost_io (query, cost);
  for (uint32_t i = 0; i < query->node->n_inputs; i++)
    {
      const uint64_t n = rt_shape_n (&rt_op_input_value (query->graph, query->node, i)->shape);
      most = n > most ? n : most;
    }
  cost->flops = most;
}

bool
rt_sound_check (const RtGraph *graph, const RtNode *node, uint32_t input, int type, int64_t n,
                RtError *error)
{
  const RtValue *value = rt_op_input_value (graph, node, input);
  char shape[128], size[32] = "";

  if (value->type == type && value->shape.n_dims == 1
      && (n < 0 ? value->shape.dims[0] > 0 : value->shape.dims[0] == n))
    return true;
  if (n >= 0)
    snprintf (size, sizeof size, "%lld ", (long long)n);
  return rt_fail (error, RT_ERROR_FORMAT, "%s: input %u is %s %s, where a vector of %s%s fits",
                  node->name, input + 1, rt_type_name (value->type),
                  rt_shape_text (&value->shape, shape, sizeof shape), size, rt_type_name (type));
}
