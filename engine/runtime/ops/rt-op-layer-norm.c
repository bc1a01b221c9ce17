/* Layer norm: the last dimensions of each row to mean 0 and variance 1, then scale and offset. Ba
 * et al. 2016. The variance is computed about the mean, in a second pass. */
#include "rt-math.h"

#include <math.h>
#include <stdlib.h>

enum
{
  X,
  SCALE,
  OFFSET,
};

static bool
check_parameter (const RtGraph *graph, const RtNode *node, uint32_t input, uint64_t n,
                 RtError *error)
{
  const RtValue *value = rt_op_input_value (graph, node, input);
  char got[128];

  if (value == NULL)
    return true;
  if (!rt_math_check_type (graph, node, input, RT_MATH_F32, error))
    return false;
  if (rt_math_has_symbols (&value->shape) || rt_shape_n (&value->shape) != n)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected %llu numbers, got shape %s", value->name,
                    (unsigned long long)n, rt_shape_text (&value->shape, got, sizeof got));
  return true;
}

static bool
layer_norm_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                  RtError *error)
{
  const RtLayerNormAttrs *attrs = node->attrs;
  const RtShape *x = &rt_op_input_value (graph, node, X)->shape;
  char text[128];
  uint64_t n = 1;
  uint32_t axis;

  if (!rt_math_check_type (graph, node, X, RT_MATH_F32, error)
      || !rt_math_axis (node, attrs->axis, x->n_dims, &axis, error))
    return false;
  shapes[0] = shapes[1] = shapes[2] = *x;
  for (uint32_t i = axis; i < x->n_dims; i++)
    {
      if (x->dims[i] < 0)
        return rt_fail (error, RT_ERROR_UNSUPPORTED,
                        "Dimension %u of %s is known only when it runs: it cannot be normalised", i,
                        rt_shape_text (x, text, sizeof text));
      n *= (uint64_t)x->dims[i];
      shapes[1].dims[i] = shapes[2].dims[i] = 1;
    }
  types[0] = types[1] = types[2] = RT_TYPE_F32;
  return check_parameter (graph, node, SCALE, n, error)
         && check_parameter (graph, node, OFFSET, n, error);
}

static size_t
row_length (const RtOpContext *context)
{
  size_t n_rows = (size_t)rt_shape_n (&context->outputs[1].shape);
  return n_rows > 0 ? (size_t)rt_shape_n (&context->outputs[0].shape) / n_rows : 0;
}

static uint32_t
layer_norm_chunks (const RtOpContext *context, uint32_t phase)
{
  return rt_split (rt_shape_n (&context->outputs[1].shape), row_length (context) * 12,
                   context->n_threads);
}

static void
layer_norm_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtLayerNormAttrs *attrs = context->attrs;
  const KnMapFamily *map = &context->kn->map;
  size_t n = row_length (context);
  float *means = context->outputs[1].data, *inverses = context->outputs[2].data;
  uint64_t first, last;

  rt_split_range (rt_shape_n (&context->outputs[1].shape), layer_norm_chunks (context, 0), chunk,
                  &first, &last);
  for (uint64_t row = first; row < last; row++)
    {
      const float *x = (const float *)context->inputs[X].data + row * n;
      float mean = map->fold_row[KN_FOLD_SUM](x, n) / (float)n;
      float variance = map->sum_squares_about (x, mean, n) / (float)n;
      means[row] = mean;
      inverses[row] = 1 / sqrtf (variance + attrs->eps);
      map->normalize (x, mean, inverses[row], context->inputs[SCALE].data,
                      context->inputs[OFFSET].data, n, (float *)context->outputs[0].data + row * n);
    }
}

static void
layer_norm_reference (const RtOpContext *context)
{
  const RtLayerNormAttrs *attrs = context->attrs;
  const float *scale = context->inputs[SCALE].data, *offset = context->inputs[OFFSET].data;
  size_t n = row_length (context);

  for (size_t row = 0; row < rt_shape_n (&context->outputs[1].shape); row++)
    {
      const float *x = (const float *)context->inputs[X].data + row * n;
      float *y = (float *)context->outputs[0].data + row * n;
      double sum = 0, squares = 0;
      for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
      double mean = sum / (double)n;
      for (size_t i = 0; i < n; i++)
        squares += pow ((double)x[i] - mean, 2);
      double inverse = 1 / sqrt (squares / (double)n + (double)attrs->eps);
      for (size_t i = 0; i < n; i++)
        y[i] = (float)(((double)x[i] - mean) * inverse * (scale ? (double)scale[i] : 1)
                       + (offset ? (double)offset[i] : 0));
      ((float *)context->outputs[1].data)[row] = (float)mean;
      ((float *)context->outputs[2].data)[row] = (float)inverse;
    }
}

static void
layer_norm_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = rt_math_query_outputs (query) * 8;
}

static bool
layer_norm_in_place (const RtNode *node, uint32_t input)
{
  return input == X;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_AXIS (RtLayerNormAttrs, axis),
  RT_FIELD_FROM_0 (RtLayerNormAttrs, eps),
};
/* clang-format on */

const RtOp rt_op_layer_norm = {
  .name = "layer_norm",
  .title = "Layer norm",
  .attrs_bytes = sizeof (RtLayerNormAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = 3,
  .n_outputs = 3,
  .vector_inputs = 1 << X | 1 << SCALE | 1 << OFFSET,
  .infer = layer_norm_infer,
  .n_phases = 1,
  .n_chunks = layer_norm_chunks,
  .run = layer_norm_run,
  .reference = layer_norm_reference,
  .cost = layer_norm_cost,
  .in_place = layer_norm_in_place,
};
