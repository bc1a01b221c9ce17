/* Shapes, scratch and the plain activation of the gated half of a feed-forward block, for its two
 * operators. How they tile and what they leave out is theirs. */
#include "rt-gate-up.h"

#include <math.h>

#include "rt-ops.h"
#include "rt-product.h"

bool
rt_gate_up_infer (const RtGraph *graph, const RtNode *node, RtShape *shape, RtError *error)
{
  if (!rt_op_check_matrix (graph, node, RT_GATE_UP_IN_GATE, 0, 0, error))
    return false;
  const RtShape *gate = &rt_op_input_value (graph, node, RT_GATE_UP_IN_GATE)->shape;
  if (!rt_op_check_matrix (graph, node, RT_GATE_UP_IN_UP, gate->dims[0], gate->dims[1], error)
      || !rt_op_check_rows (graph, node, RT_GATE_UP_IN_X, gate->dims[1], true, error))
    return false;
  *shape = rt_op_input_value (graph, node, RT_GATE_UP_IN_X)->shape;
  shape->dims[1] = gate->dims[0];
  return true;
}

void
rt_gate_up_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  uint64_t for_up = rt_product_thread_bytes (query, RT_GATE_UP_IN_UP, 2);

  *shared_bytes = rt_product_prepare_bytes (query, RT_GATE_UP_IN_GATE);
  *thread_bytes = rt_product_thread_bytes (query, RT_GATE_UP_IN_GATE, 2);
  *thread_bytes = for_up > *thread_bytes ? for_up : *thread_bytes;
}

double
rt_gate_up_activation (uint32_t which, double x)
{
  if (which == RT_ACTIVATION_GELU)
    return 0.5 * x * (1 + tanh (sqrt (2 / M_PI) * (x + 0.044715 * x * x * x)));
  return x / (1 + exp (-x));
}
