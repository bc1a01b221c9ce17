/* The same tensor under another name: an output that is an input or a constant, a dropout that
 * drops nothing. */
#include <string.h>

#include "rt-ops.h"

static bool
identity_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                RtError *error)
{
  const RtValue *x = rt_graph_value (graph, node->inputs[0]);
  shapes[0] = x->shape;
  types[0] = x->type;
  return true;
}

static uint32_t
identity_chunks (const RtOpContext *context, uint32_t phase)
{
  return context->inputs[0].data == context->outputs[0].data ? 0 : 1;
}

static void
identity_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtTensor *y = &context->outputs[0];
  memmove (y->data, context->inputs[0].data, rt_shape_n (&y->shape) * rt_type_bytes (y->type));
}

static void
identity_reference (const RtOpContext *context)
{
  identity_run (context, 0, 0, NULL);
}

static void
identity_cost (const RtOpQuery *query, RtCost *cost)
{
}

static bool
identity_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                  void *attrs)
{
  return true;
}

const RtOp rt_op_identity = {
  .name = "identity",
  .title = "Identity",
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .infer = identity_infer,
  .n_phases = 1,
  .n_chunks = identity_chunks,
  .run = identity_run,
  .reference = identity_reference,
  .cost = identity_cost,
  .is_view = true,
  .permute = identity_permute,
};
