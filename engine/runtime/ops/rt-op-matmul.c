/* Matrix product with a packed weight, with an optional bias, an optional residual and an
 * activation in its epilogue. */
#include <math.h>
#include <stdlib.h>

#include "rt-activation.h"
#include "rt-product.h"

/* Rows of @n_cols f32, of any number of dimensions, or 8-bit rows. */
static bool
check_x (const RtGraph *graph, const RtNode *node, int64_t n_cols, RtError *error)
{
  const RtValue *x = rt_op_input_value (graph, node, RT_MATMUL_X);
  char got[128];

  if (x->kind == RT_VALUE_WEIGHT || x->type != RT_TYPE_F32 || x->shape.n_dims == 2)
    return rt_op_check_rows (graph, node, RT_MATMUL_X, n_cols, true, error);
  if (x->shape.n_dims == 0 || x->shape.dims[x->shape.n_dims - 1] != n_cols)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected rows of %lld, got shape %s", x->name,
                    (long long)n_cols, rt_shape_text (&x->shape, got, sizeof got));
  return true;
}

static bool
matmul_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtMatmulAttrs *attrs = node->attrs;

  if (!rt_op_check_matrix (graph, node, RT_MATMUL_WEIGHT, 0, 0, error))
    return false;
  const RtShape *weight = &rt_op_input_value (graph, node, RT_MATMUL_WEIGHT)->shape;
  if (!check_x (graph, node, weight->dims[1], error)
      || !rt_op_check_vector (graph, node, RT_MATMUL_BIAS, weight->dims[0], error))
    return false;
  if (attrs->activation >= RT_N_ACTIVATIONS)
    return rt_fail (error, RT_ERROR_FORMAT, "Activation %u is unknown", attrs->activation);

  shapes[0] = rt_op_input_value (graph, node, RT_MATMUL_X)->shape;
  shapes[0].dims[shapes[0].n_dims - 1] = weight->dims[0];
  types[0] = RT_TYPE_F32;
  return rt_op_input_value (graph, node, RT_MATMUL_RESIDUAL) == NULL
         || rt_op_check_shape (graph, node, RT_MATMUL_RESIDUAL, &shapes[0], error);
}

static void
matmul_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  *shared_bytes = rt_product_prepare_bytes (query, RT_MATMUL_WEIGHT);
  *thread_bytes = rt_product_thread_bytes (query, RT_MATMUL_WEIGHT, 1);
}

static RtTiling
matmul_tiling (const RtOpContext *context)
{
  const RtWeight *weight = context->inputs[RT_MATMUL_WEIGHT].weight;
  size_t n_cols = rt_weight_n_cols (weight);

  return rt_tiling (rt_weight_n_panels (weight), 1, rt_weight_panel_bytes (weight), n_cols,
                    rt_shape_rows (&context->outputs[0].shape), context->n_threads);
}

static uint32_t
matmul_chunks (const RtOpContext *context, uint32_t phase)
{
  if (phase == 0)
    return rt_product_prepare_chunks (context, context->inputs[RT_MATMUL_WEIGHT].weight);
  RtTiling tiling = matmul_tiling (context);
  return rt_tiling_n_chunks (&tiling);
}

static void
activate (const RtOpContext *context, size_t n, float *y)
{
  const RtMatmulAttrs *attrs = context->attrs;
  rt_activation_apply (context->kn, attrs->activation, attrs->activation_params,
                       attrs->has_limits ? attrs->min : -INFINITY,
                       attrs->has_limits ? attrs->max : INFINITY, n, y);
}

/* y = activation ((tile + bias) + residual) for the rows of @tile. Without bias and residual the
 * tile is y itself. */
static void
matmul_epilogue (const RtOpContext *context, const RtTile *tile, size_t n, float *sums)
{
  const float *bias = context->inputs[RT_MATMUL_BIAS].data;
  const RtTensor *residual = &context->inputs[RT_MATMUL_RESIDUAL];
  size_t n_rows = rt_shape_cols (&context->outputs[0].shape);
  size_t first = tile->first_panel * KN_PANEL_ROWS;

  for (size_t t = 0; t < tile->n_tokens; t++, sums += n)
    {
      float *y = rt_tensor_row (&context->outputs[0], tile->first_token + t, n_rows) + first;
      if (bias != NULL)
        context->kn->vec.add (sums, bias + first, n, residual->data != NULL ? sums : y);
      if (residual->data != NULL)
        context->kn->vec.add (sums, rt_tensor_row (residual, tile->first_token + t, n_rows) + first,
                              n, y);
      activate (context, n, y);
    }
}

static bool
has_activation (const RtMatmulAttrs *attrs)
{
  return attrs->activation != RT_ACTIVATION_NONE || attrs->has_limits;
}

static void
matmul_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtWeight *weight = context->inputs[RT_MATMUL_WEIGHT].weight;

  if (phase == 0)
    {
      rt_product_prepare (context, weight, chunk);
      return;
    }

  size_t n_rows = rt_weight_n_rows (weight);
  RtTiling tiling = matmul_tiling (context);
  RtTile tile = rt_tiling_tile (&tiling, rt_weight_n_panels (weight),
                                rt_shape_rows (&context->outputs[0].shape), chunk);
  float *sums = rt_product_thread_tile (context, worker, 0);
  void *scratch = rt_product_thread_tile (context, worker, 1);

  if (context->inputs[RT_MATMUL_BIAS].data == NULL
      && context->inputs[RT_MATMUL_RESIDUAL].data == NULL)
    {
      float *y = rt_tensor_row (&context->outputs[0], tile.first_token, n_rows)
                 + tile.first_panel * KN_PANEL_ROWS;
      rt_product_tile (context, weight, &tile, y, n_rows, scratch);
      for (size_t t = 0; has_activation (context->attrs) && t < tile.n_tokens; t++)
        activate (context, rt_product_n_rows (weight, tile.first_panel, tile.n_panels),
                  y + t * n_rows);
      return;
    }

  /* Into a tile first: the output may lie where the residual is. */
  size_t n = rt_product_n_rows (weight, tile.first_panel, tile.n_panels);
  rt_product_tile (context, weight, &tile, sums, n, scratch);
  matmul_epilogue (context, &tile, n, sums);
}

static void
matmul_reference (const RtOpContext *context)
{
  const RtTensor *y = &context->outputs[0];
  const RtMatmulAttrs *attrs = context->attrs;
  const float *residual = context->inputs[RT_MATMUL_RESIDUAL].data;
  size_t n = rt_shape_rows (&y->shape) * rt_shape_cols (&y->shape);
  float *sums = rt_reference_alloc (n * sizeof *sums);

  rt_product_reference (context, context->inputs[RT_MATMUL_WEIGHT].weight,
                        context->inputs[RT_MATMUL_BIAS].data, sums);
  for (size_t i = 0; i < n; i++)
    ((float *)y->data)[i]
        = (float)rt_activation_reference (attrs->activation, attrs->activation_params,
                                          attrs->has_limits ? attrs->min : -INFINITY,
                                          attrs->has_limits ? attrs->max : INFINITY,
                                          (double)sums[i]
                                              + (residual != NULL ? (double)residual[i] : 0));
  free (sums);
}

static void
matmul_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = rt_product_flops (query, RT_MATMUL_WEIGHT);
}

static bool
matmul_in_place (const RtNode *node, uint32_t input)
{
  return input == RT_MATMUL_RESIDUAL;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD (RtMatmulAttrs, activation, 0, RT_N_ACTIVATIONS - 1),
  RT_FIELD_FINITE (RtMatmulAttrs, activation_params),
  RT_FIELD_FLAG (RtMatmulAttrs, has_limits),
  RT_FIELD_REAL (RtMatmulAttrs, min),
  RT_FIELD_REAL (RtMatmulAttrs, max),
};
/* clang-format on */

const RtOp rt_op_matmul = {
  .name = "matmul",
  .title = "Matrix product",
  .attrs_bytes = sizeof (RtMatmulAttrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 4,
  .n_outputs = 1,
  .matrix_inputs = 1 << RT_MATMUL_WEIGHT,
  .vector_inputs = 1 << RT_MATMUL_BIAS,
  .infer = matmul_infer,
  .scratch = matmul_scratch,
  .n_phases = 2,
  .n_chunks = matmul_chunks,
  .run = matmul_run,
  .reference = matmul_reference,
  .cost = matmul_cost,
  .in_place = matmul_in_place,
};
