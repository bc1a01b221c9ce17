/* The frame of the element-wise operators: shapes, splitting and costs. */
#include "rt-op-elementwise.h"

bool
rt_elementwise_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                      RtError *error)
{
  const RtShape *shape = &rt_op_input_value (graph, node, 0)->shape;

  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (!rt_op_check_shape (graph, node, i, shape, error))
      return false;
  shapes[0] = *shape;
  types[0] = RT_TYPE_F32;
  return true;
}

size_t
rt_elementwise_n (const RtOpContext *context)
{
  const RtShape *shape = &context->outputs[0].shape;
  return rt_shape_rows (shape) * rt_shape_cols (shape);
}

uint32_t
rt_elementwise_chunks (const RtOpContext *context, uint32_t phase)
{
  size_t n = rt_elementwise_n (context);
  return rt_split (n, sizeof (float) * (context->node->n_inputs + 1), context->n_threads);
}

void
rt_elementwise_range (const RtOpContext *context, uint32_t chunk, size_t *first, size_t *n)
{
  /* In units of a cache line, so that no two threads write the same one. */
  const size_t unit = KN_ALIGN / sizeof (float);
  size_t n_all = rt_elementwise_n (context);
  uint64_t first_unit, last_unit;

  rt_split_range ((n_all + unit - 1) / unit, rt_elementwise_chunks (context, 0), chunk, &first_unit,
                  &last_unit);
  *first = first_unit * unit;
  size_t end = last_unit * unit < n_all ? last_unit * unit : n_all;
  *n = end > *first ? end - *first : 0;
}

bool
rt_elementwise_in_place (const RtNode *node, uint32_t input)
{
  return input == 0;
}

void
rt_elementwise_cost (const RtOpQuery *query, uint64_t flops_each, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = cost->write_bytes / sizeof (float) * flops_each;
}
