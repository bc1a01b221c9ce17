/* Root mean square normalisation of rows, or of the equal parts of rows. Zhang and Sennrich 2019,
 * eq. 4. */
#include <math.h>

#include "rt-op-common.h"
#include "rt-op-fields.h"
#include "rt-ops.h"

enum
{
  X,
  WEIGHT
};

static bool
rmsnorm_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
               RtError *error)
{
  const RtNormAttrs *attrs = node->attrs;

  if (!rt_op_check_rows (graph, node, X, 0, false, error))
    return false;
  const RtShape *shape = &rt_op_input_value (graph, node, X)->shape;
  if (attrs->n_groups == 0 || shape->dims[1] % attrs->n_groups != 0)
    return rt_fail (error, RT_ERROR_FORMAT, "rows of %d values are not %u equal groups",
                    (int)shape->dims[1], attrs->n_groups);
  if (!rt_op_check_vector (graph, node, WEIGHT, shape->dims[1] / attrs->n_groups, error))
    return false;
  shapes[0] = *shape;
  types[0] = RT_TYPE_F32;
  return true;
}

static uint32_t
rmsnorm_chunks (const RtOpContext *context, uint32_t phase)
{
  const RtShape *shape = &context->outputs[0].shape;
  return rt_split (rt_shape_rows (shape), rt_shape_cols (shape) * 8, context->n_threads);
}

static void
rmsnorm_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtNormAttrs *attrs = context->attrs;
  const RtShape *shape = &context->outputs[0].shape;
  size_t n = rt_shape_cols (shape) / attrs->n_groups;
  uint64_t first, last;

  rt_split_range (rt_shape_rows (shape), rmsnorm_chunks (context, 0), chunk, &first, &last);
  for (uint64_t i = first * attrs->n_groups; i < last * attrs->n_groups; i++)
    context->kn->vec.rmsnorm (rt_tensor_row (&context->inputs[X], i, n),
                              context->inputs[WEIGHT].data, attrs->eps, n,
                              rt_tensor_row (&context->outputs[0], i, n));
}

static void
rmsnorm_reference (const RtOpContext *context)
{
  const RtNormAttrs *attrs = context->attrs;
  const RtShape *shape = &context->outputs[0].shape;
  size_t n = rt_shape_cols (shape) / attrs->n_groups;
  const float *w = context->inputs[WEIGHT].data;

  for (size_t i = 0; i < rt_shape_rows (shape) * attrs->n_groups; i++)
    {
      const float *x = rt_tensor_row (&context->inputs[X], i, n);
      float *y = rt_tensor_row (&context->outputs[0], i, n);
      double sum = 0;
      for (size_t k = 0; k < n; k++)
        sum += (double)x[k] * x[k];
      double scale = 1 / sqrt (sum / (double)n + attrs->eps);
      for (size_t k = 0; k < n; k++)
        y[k] = (float)(x[k] * scale * (w != NULL ? w[k] : 1));
    }
}

static void
rmsnorm_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = cost->read_bytes / sizeof (float) * 4;
}

static bool
rmsnorm_in_place (const RtNode *node, uint32_t input)
{
  return input == X;
}

static const RtField fields[] = { RT_NORM_FIELDS };

const RtOp rt_op_rmsnorm = {
  .name = "rmsnorm",
  .title = "RMS norm",
  .attrs_bytes = sizeof (RtNormAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 2,
  .n_outputs = 1,
  .vector_inputs = 1 << WEIGHT,
  .infer = rmsnorm_infer,
  .n_phases = 1,
  .n_chunks = rmsnorm_chunks,
  .run = rmsnorm_run,
  .reference = rmsnorm_reference,
  .cost = rmsnorm_cost,
  .in_place = rmsnorm_in_place,
};
