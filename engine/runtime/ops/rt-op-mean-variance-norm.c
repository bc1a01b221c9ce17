/* Mean and variance normalisation over any axes: (x - mean) / (standard deviation + 1e-9).
 * Statistics in double precision, one index of the kept dimensions after the other. */
#include "rt-math.h"
#include "rt-op-fields.h"

#include <math.h>
#include <stdlib.h>

static uint32_t
reduced_mask (const RtReduceAttrs *attrs, uint32_t n_dims)
{
  uint32_t mask = attrs->n_axes == 0 ? (1u << n_dims) - 1 : 0;
  for (uint32_t i = 0; i < attrs->n_axes; i++)
    mask |= 1u << (attrs->axes[i] < 0 ? attrs->axes[i] + (int32_t)n_dims : attrs->axes[i]);
  return mask;
}

static bool
mvn_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtReduceAttrs *attrs = node->attrs;
  const RtValue *x = rt_op_input_value (graph, node, 0);
  uint32_t axis;

  if (!rt_math_check_type (graph, node, 0, RT_MATH_F32, error))
    return false;
  if (attrs->n_axes > RT_MAX_DIMS)
    return rt_fail (error, RT_ERROR_RANGE, "%u axes, at most %d are possible", attrs->n_axes,
                    RT_MAX_DIMS);
  for (uint32_t i = 0; i < attrs->n_axes; i++)
    if (!rt_math_axis (node, attrs->axes[i], x->shape.n_dims, &axis, error))
      return false;
  shapes[0] = x->shape;
  types[0] = RT_TYPE_F32;
  return true;
}

/* Elements of the dimensions in @mask. */
static size_t
count (const RtShape *shape, uint32_t mask)
{
  size_t n = 1;
  for (uint32_t d = 0; d < shape->n_dims; d++)
    if (mask >> d & 1)
      n *= (size_t)shape->dims[d];
  return n;
}

/* Place of index @at, counted over the dimensions in @mask. */
static size_t
place (const RtShape *shape, uint32_t mask, size_t at)
{
  size_t offset = 0, stride = 1;
  for (uint32_t d = shape->n_dims; d-- > 0;)
    {
      size_t size = (size_t)shape->dims[d];
      if (mask >> d & 1)
        {
          offset += at % size * stride;
          at /= size;
        }
      stride *= size;
    }
  return offset;
}

static uint32_t
mvn_chunks (const RtOpContext *context, uint32_t phase)
{
  const RtShape *shape = &context->inputs[0].shape;
  uint32_t mask = reduced_mask (context->attrs, shape->n_dims);
  return rt_split (count (shape, ~mask), count (shape, mask) * 64, context->n_threads);
}

static void
normalize_one (const RtOpContext *context, uint32_t mask, size_t kept)
{
  const RtShape *shape = &context->inputs[0].shape;
  const float *x = (const float *)context->inputs[0].data + place (shape, ~mask, kept);
  float *y = (float *)context->outputs[0].data + place (shape, ~mask, kept);
  size_t n = count (shape, mask);
  double sum = 0, squares = 0;

  for (size_t i = 0; i < n; i++)
    sum += (double)x[place (shape, mask, i)];
  double mean = sum / (double)n;
  for (size_t i = 0; i < n; i++)
    {
      double d = (double)x[place (shape, mask, i)] - mean;
      squares += d * d;
    }
  double deviation = sqrt (squares / (double)n) + 1e-9;
  for (size_t i = 0; i < n; i++)
    y[place (shape, mask, i)] = (float)(((double)x[place (shape, mask, i)] - mean) / deviation);
}

static void
mvn_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtShape *shape = &context->inputs[0].shape;
  uint32_t mask = reduced_mask (context->attrs, shape->n_dims);
  uint64_t first, last;

  rt_split_range (count (shape, ~mask), mvn_chunks (context, 0), chunk, &first, &last);
  for (uint64_t i = first; i < last; i++)
    normalize_one (context, mask, i);
}

/* ONNX's own definition: E (x^2) - E (x)^2. */
static void
mvn_reference (const RtOpContext *context)
{
  const RtShape *shape = &context->inputs[0].shape;
  const float *x = context->inputs[0].data;
  uint32_t mask = reduced_mask (context->attrs, shape->n_dims);
  size_t n = count (shape, mask);

  for (size_t kept = 0; kept < count (shape, ~mask); kept++)
    {
      size_t from = place (shape, ~mask, kept);
      long double sum = 0, squares = 0;
      for (size_t i = 0; i < n; i++)
        {
          long double v = (long double)x[from + place (shape, mask, i)];
          sum += v;
          squares += v * v;
        }
      long double mean = sum / (long double)n;
      long double deviation = sqrtl (squares / (long double)n - mean * mean) + 1e-9L;
      for (size_t i = 0; i < n; i++)
        {
          size_t at = from + place (shape, mask, i);
          ((float *)context->outputs[0].data)[at]
              = (float)(((long double)x[at] - mean) / deviation);
        }
    }
}

static void
mvn_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = rt_math_query_outputs (query) * 6;
}

static bool
mvn_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
             void *attrs)
{
  RtReduceAttrs *a = attrs;
  for (uint32_t i = 0; i < a->n_axes; i++)
    a->axes[i] = rt_math_permuted_axis (a->axes[i], perm, n_dims);
  return true;
}

static const RtField fields[] = { RT_REDUCE_FIELDS };

const RtOp rt_op_mean_variance_norm = {
  .name = "mean_variance_norm",
  .title = "Mean and variance normalisation",
  .attrs_bytes = sizeof (RtReduceAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 1,
  .n_outputs = 1,
  .vector_inputs = 1,
  .infer = mvn_infer,
  .n_phases = 1,
  .n_chunks = mvn_chunks,
  .run = mvn_run,
  .reference = mvn_reference,
  .cost = mvn_cost,
  .permute = mvn_permute,
};
