/* A node of a file that has no operator here: it keeps its place, its edges and what the file says
 * of its output, so that the graph can be looked at. The executor refuses it by name. Not in the
 * table of operators. */
#include "rt-ops-unsupported.h"

static bool
unsupported_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                   RtError *error)
{
  const RtUnsupportedAttrs *attrs = node->attrs;
  shapes[0] = attrs->shape;
  types[0] = attrs->type;
  return true;
}

static void
unsupported_cost (const RtOpQuery *query, RtCost *cost)
{
}

const RtOp rt_op_unsupported = {
  .name = "unsupported",
  .title = "Not supported",
  .attrs_bytes = sizeof (RtUnsupportedAttrs),
  .min_inputs = 0,
  .max_inputs = RT_ANY_NUMBER,
  .n_outputs = 1,
  .infer = unsupported_infer,
  .n_phases = 1,
  .cost = unsupported_cost,
};
