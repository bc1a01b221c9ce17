/* The gated half of a feed-forward block in one node: activation (x gate^T) * (x up^T). Shazeer
 * 2020, "GLU variants". The two products of a chunk stay in the thread's cache; with 8-bit output
 * the following product needs no pass of its own over the rows. */
#include <math.h>
#include <stdlib.h>

#include "rt-gate-up.h"
#include "rt-ops.h"
#include "rt-product.h"

enum
{
  GATE = RT_GATE_UP_IN_GATE,
  UP = RT_GATE_UP_IN_UP,
  GATE_BIAS = RT_GATE_UP_BIAS,
  UP_BIAS
};

static bool
gate_up_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
               RtError *error)
{
  const RtGateUpAttrs *attrs = node->attrs;

  if (!rt_gate_up_infer (graph, node, &shapes[0], error))
    return false;
  const int64_t n = shapes[0].dims[1];
  if (!rt_op_check_vector (graph, node, GATE_BIAS, n, error)
      || !rt_op_check_vector (graph, node, UP_BIAS, n, error))
    return false;
  if (attrs->activation != RT_ACTIVATION_SILU && attrs->activation != RT_ACTIVATION_GELU)
    return rt_fail (error, RT_ERROR_FORMAT, "Activation %u: expected SiLU or GELU",
                    attrs->activation);
  if (attrs->quantize && n % KN_Q8_GROUP != 0)
    return rt_fail (error, RT_ERROR_FORMAT, "rows of %d values are not whole groups of %d", (int)n,
                    KN_Q8_GROUP);
  types[0] = attrs->quantize ? RT_TYPE_Q8_ROWS : RT_TYPE_F32;
  return true;
}

/* Chunks of an even number of panels: 32 rows are one group of 8-bit output. */
static RtTiling
gate_up_tiling (const RtOpContext *context)
{
  const RtWeight *gate = context->inputs[GATE].weight, *up = context->inputs[UP].weight;
  size_t n_cols = rt_weight_n_cols (gate);
  size_t panel_bytes = rt_weight_panel_bytes (gate) + rt_weight_panel_bytes (up);

  return rt_tiling (rt_weight_n_panels (gate), KN_Q8_GROUP / KN_PANEL_ROWS, panel_bytes, n_cols,
                    rt_shape_rows (&context->outputs[0].shape), context->n_threads);
}

static uint32_t
gate_up_chunks (const RtOpContext *context, uint32_t phase)
{
  if (phase == 0)
    return rt_product_prepare_chunks (context, context->inputs[GATE].weight);
  RtTiling tiling = gate_up_tiling (context);
  return rt_tiling_n_chunks (&tiling);
}

/* To rows [n_tokens][n] of a chunk that begins at output @first. */
static void
add_bias (const RtOpContext *context, uint32_t input, size_t first, size_t n, size_t n_tokens,
          float *rows)
{
  const float *bias = context->inputs[input].data;

  for (size_t t = 0; bias != NULL && t < n_tokens; t++, rows += n)
    context->kn->vec.add (rows, bias + first, n, rows);
}

static void
gate_up_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtGateUpAttrs *attrs = context->attrs;
  const RtWeight *weight = context->inputs[GATE].weight;

  if (phase == 0)
    {
      rt_product_prepare (context, weight, chunk);
      return;
    }

  RtTiling tiling = gate_up_tiling (context);
  RtTile tile = rt_tiling_tile (&tiling, rt_weight_n_panels (weight),
                                rt_shape_rows (&context->outputs[0].shape), chunk);
  size_t n = rt_product_n_rows (weight, tile.first_panel, tile.n_panels);
  size_t n_rows = rt_weight_n_rows (weight), first = tile.first_panel * KN_PANEL_ROWS;
  float *gate = rt_product_thread_tile (context, worker, 0);
  float *up = rt_product_thread_tile (context, worker, 1);
  void *scratch = rt_product_thread_tile (context, worker, 2);

  rt_product_tile (context, weight, &tile, gate, n, scratch);
  rt_product_tile (context, context->inputs[UP].weight, &tile, up, n, scratch);
  add_bias (context, GATE_BIAS, first, n, tile.n_tokens, gate);
  add_bias (context, UP_BIAS, first, n, tile.n_tokens, up);

  for (size_t t = 0; t < tile.n_tokens; t++, gate += n, up += n)
    {
      size_t token = tile.first_token + t;
      float *y
          = attrs->quantize ? gate : rt_tensor_row (&context->outputs[0], token, n_rows) + first;
      if (attrs->activation == RT_ACTIVATION_GELU)
        context->kn->vec.gelu_tanh_mul (gate, up, n, y);
      else
        context->kn->vec.silu_mul (gate, up, n, y);
      if (attrs->quantize)
        rt_q8_store (context->kn,
                     (uint8_t *)context->outputs[0].data + token * kn_q8_row_bytes (n_rows), n_rows,
                     first, n, y);
    }
}

static void
gate_up_reference (const RtOpContext *context)
{
  const RtGateUpAttrs *attrs = context->attrs;
  const RtTensor *y = &context->outputs[0];
  size_t n_rows = rt_shape_rows (&y->shape), n_cols = rt_shape_cols (&y->shape);
  float *gate = rt_reference_alloc (n_rows * n_cols * sizeof *gate);
  float *up = rt_reference_alloc (n_rows * n_cols * sizeof *up);

  rt_product_reference (context, context->inputs[GATE].weight, context->inputs[GATE_BIAS].data,
                        gate);
  rt_product_reference (context, context->inputs[UP].weight, context->inputs[UP_BIAS].data, up);
  for (size_t i = 0; i < n_rows * n_cols; i++)
    gate[i] = (float)(rt_gate_up_activation (attrs->activation, gate[i]) * up[i]);
  for (size_t row = 0; row < n_rows; row++)
    if (attrs->quantize)
      kn_table_for_level (KN_LEVEL_C)
          ->matmul.quantize_q8 (gate + row * n_cols, n_cols,
                                (uint8_t *)y->data + row * kn_q8_row_bytes (n_cols));
    else
      for (size_t i = 0; i < n_cols; i++)
        rt_tensor_row (y, row, n_cols)[i] = gate[row * n_cols + i];
  free (up);
  free (gate);
}

static void
gate_up_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  cost->flops = rt_product_flops (query, GATE) + rt_product_flops (query, UP);
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD (RtGateUpAttrs, activation, RT_ACTIVATION_SILU, RT_ACTIVATION_GELU),
  RT_FIELD_FLAG (RtGateUpAttrs, quantize),
};
/* clang-format on */

const RtOp rt_op_gate_up = {
  .name = "gate-up",
  .title = "Gate and up",
  .attrs_bytes = sizeof (RtGateUpAttrs),
  RT_FIELDS (fields),
  .min_inputs = 3,
  .max_inputs = 5,
  .n_outputs = 1,
  .matrix_inputs = 1 << GATE | 1 << UP,
  .vector_inputs = 1 << GATE_BIAS | 1 << UP_BIAS,
  .infer = gate_up_infer,
  .scratch = rt_gate_up_scratch,
  .n_phases = 2,
  .n_chunks = gate_up_chunks,
  .run = gate_up_run,
  .reference = gate_up_reference,
  .cost = gate_up_cost,
};
