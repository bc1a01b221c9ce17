/* Running sums along one axis. Each sum is one chain of additions, in order. */
#include "rt-math.h"

#include <string.h>

static bool
cumsum_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtCumsumAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);
  uint32_t axis;

  if (!rt_math_check_type (graph, node, 0, RT_MATH_NUMBER, error)
      || !rt_math_axis (node, attrs->axis, x->shape.n_dims, &axis, error))
    return false;
  shapes[0] = x->shape;
  types[0] = rt_math_type (x);
  return true;
}

/* @outer chains of @n elements, @inner apart, for each of the @inner places. */
typedef struct
{
  size_t outer, n, inner;
} Chains;

static Chains
chains (const RtOpContext *context)
{
  const RtCumsumAttrs *attrs = context->attrs;
  const RtShape *shape = &context->inputs[0].shape;
  uint32_t axis = (uint32_t)(attrs->axis < 0 ? attrs->axis + (int32_t)shape->n_dims : attrs->axis);

  return (Chains){ rt_math_product (shape, 0, axis), (size_t)shape->dims[axis],
                   rt_math_product (shape, axis + 1, shape->n_dims) };
}

static uint32_t
cumsum_chunks (const RtOpContext *context, uint32_t phase)
{
  Chains c = chains (context);
  return rt_split (c.outer * c.inner, c.n * 64, context->n_threads);
}

static void
one_chain (const RtOpContext *context, const Chains *c, size_t chain)
{
  const RtCumsumAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  size_t first = chain / c->inner * c->n * c->inner + chain % c->inner;
  double sum = 0;
  uint64_t sum_i = 0;

  for (size_t k = 0; k < c->n; k++)
    {
      size_t at = first + (attrs->reverse ? c->n - 1 - k : k) * c->inner;
      if (rt_math_is_float (x->type))
        {
          double v, before = sum;
          rt_math_load_f64 (x->type, x->data, at, 1, 1, &v);
          sum += v;
          rt_math_store_f64 (y->type, attrs->exclusive ? &before : &sum, 1, y->data, at);
        }
      else
        {
          int64_t v;
          rt_math_load_i64 (x->type, x->data, at, 1, 1, &v);
          int64_t before = (int64_t)sum_i;
          sum_i += (uint64_t)v;
          int64_t after = (int64_t)sum_i;
          rt_math_store_i64 (y->type, attrs->exclusive ? &before : &after, 1, y->data, at);
        }
    }
}

static void
cumsum_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  Chains c = chains (context);
  uint64_t first, last;

  rt_split_range (c.outer * c.inner, cumsum_chunks (context, 0), chunk, &first, &last);
  for (uint64_t i = first; i < last; i++)
    one_chain (context, &c, i);
}

/* Each sum on its own. */
static void
cumsum_reference (const RtOpContext *context)
{
  const RtCumsumAttrs *attrs = context->attrs;
  const RtTensor *x = &context->inputs[0], *y = &context->outputs[0];
  Chains c = chains (context);

  for (size_t i = 0; i < c.outer * c.n * c.inner; i++)
    {
      size_t k = i / c.inner % c.n, base = i - k * c.inner;
      double sum = 0;
      int64_t sum_i = 0;
      for (size_t j = 0; j < c.n; j++)
        {
          bool counts = attrs->reverse ? j > k : j < k;
          double v;
          int64_t v_i;
          if (!counts && !(j == k && !attrs->exclusive))
            continue;
          size_t at = base + j * c.inner;
          rt_math_load_f64 (x->type, x->data, at, 1, 1, &v);
          rt_math_load_i64 (x->type, x->data, at, 1, 1, &v_i);
          sum += v;
          sum_i = (int64_t)((uint64_t)sum_i + (uint64_t)v_i);
        }
      if (rt_math_is_float (x->type))
        rt_math_store_f64 (y->type, &sum, 1, y->data, i);
      else
        rt_math_store_i64 (y->type, &sum_i, 1, y->data, i);
    }
}

static void
cumsum_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = rt_math_query_outputs (query);
}

static bool
cumsum_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                void *attrs)
{
  RtCumsumAttrs *a = attrs;

  a->axis = rt_math_permuted_axis (a->axis, perm, n_dims);
  return true;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_AXIS (RtCumsumAttrs, axis),
  RT_FIELD_FLAG (RtCumsumAttrs, exclusive),
  RT_FIELD_FLAG (RtCumsumAttrs, reverse),
};
/* clang-format on */

const RtOp rt_op_cumsum = {
  .name = "cumsum",
  .title = "Running sum",
  .attrs_bytes = sizeof (RtCumsumAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .vector_inputs = 1,
  .infer = cumsum_infer,
  .n_phases = 1,
  .n_chunks = cumsum_chunks,
  .run = cumsum_run,
  .reference = cumsum_reference,
  .cost = cumsum_cost,
  .permute = cumsum_permute,
};
