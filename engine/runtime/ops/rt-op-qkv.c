/* The query, key and value projections of a block in one node: their panels are shared out
 * together, so the small key and value matrices cause no hand-over of their own. */
#include <stdlib.h>

#include "rt-ops.h"
#include "rt-product.h"

#define N_PARTS 3

static bool
qkv_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  for (uint32_t i = 0; i < N_PARTS; i++)
    {
      if (!rt_op_check_matrix (graph, node, RT_QKV_WEIGHT + i, 0, 0, error))
        return false;
      const RtShape *weight = &rt_op_input_value (graph, node, RT_QKV_WEIGHT + i)->shape;
      if (!rt_op_check_rows (graph, node, RT_QKV_X, weight->dims[1], true, error)
          || !rt_op_check_vector (graph, node, RT_QKV_BIAS + i, weight->dims[0], error))
        return false;
      shapes[i] = rt_op_input_value (graph, node, RT_QKV_X)->shape;
      shapes[i].dims[1] = weight->dims[0];
      types[i] = RT_TYPE_F32;
    }
  return true;
}

static uint64_t
max_u64 (uint64_t a, uint64_t b)
{
  return a > b ? a : b;
}

static void
qkv_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  *shared_bytes = rt_product_prepare_bytes (query, RT_QKV_WEIGHT);
  for (uint32_t i = 0; i < N_PARTS; i++)
    *thread_bytes = max_u64 (*thread_bytes, rt_product_thread_bytes (query, RT_QKV_WEIGHT + i, 0));
}

static size_t
qkv_n_panels (const RtOpContext *context)
{
  size_t n_panels = 0;
  for (uint32_t i = 0; i < N_PARTS; i++)
    n_panels += rt_weight_n_panels (context->inputs[RT_QKV_WEIGHT + i].weight);
  return n_panels;
}

static RtTiling
qkv_tiling (const RtOpContext *context)
{
  const RtWeight *weight = context->inputs[RT_QKV_WEIGHT].weight;
  size_t n_cols = rt_weight_n_cols (weight);

  return rt_tiling (qkv_n_panels (context), 1, rt_weight_panel_bytes (weight),
                    n_cols, rt_shape_rows (&context->outputs[0].shape), context->n_threads);
}

static uint32_t
qkv_chunks (const RtOpContext *context, uint32_t phase)
{
  if (phase == 0)
    return rt_product_prepare_chunks (context, context->inputs[RT_QKV_WEIGHT].weight);
  RtTiling tiling = qkv_tiling (context);
  return rt_tiling_n_chunks (&tiling);
}

/* The panels of one projection that fall into a chunk. */
static void
qkv_part (const RtOpContext *context, uint32_t part, const RtTile *tile, void *scratch)
{
  const RtWeight *weight = context->inputs[RT_QKV_WEIGHT + part].weight;
  const float *bias = context->inputs[RT_QKV_BIAS + part].data;
  size_t n_rows = rt_weight_n_rows (weight), first = tile->first_panel * KN_PANEL_ROWS;
  size_t n = rt_product_n_rows (weight, tile->first_panel, tile->n_panels);
  float *y = rt_tensor_row (&context->outputs[part], tile->first_token, n_rows) + first;

  rt_product_tile (context, weight, tile, y, n_rows, scratch);
  if (bias != NULL)
    for (size_t t = 0; t < tile->n_tokens; t++, y += n_rows)
      context->kn->vec.add (y, bias + first, n, y);
}

static void
qkv_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  if (phase == 0)
    {
      rt_product_prepare (context, context->inputs[RT_QKV_WEIGHT].weight, chunk);
      return;
    }

  RtTiling tiling = qkv_tiling (context);
  RtTile all = rt_tiling_tile (&tiling, qkv_n_panels (context),
                               rt_shape_rows (&context->outputs[0].shape), chunk);
  size_t begin = all.first_panel, end = all.first_panel + all.n_panels, base = 0;

  for (uint32_t i = 0; i < N_PARTS; i++)
    {
      size_t n_panels = rt_weight_n_panels (context->inputs[RT_QKV_WEIGHT + i].weight);
      size_t from = begin > base ? begin - base : 0;
      size_t to = end > base ? end - base : 0;
      to = to < n_panels ? to : n_panels;
      if (from < to)
        {
          RtTile tile = all;
          tile.first_panel = from;
          tile.n_panels = to - from;
          qkv_part (context, i, &tile, rt_product_thread_tile (context, worker, 0));
        }
      base += n_panels;
    }
}

static void
qkv_reference (const RtOpContext *context)
{
  for (uint32_t i = 0; i < N_PARTS; i++)
    rt_product_reference (context, context->inputs[RT_QKV_WEIGHT + i].weight,
                          context->inputs[RT_QKV_BIAS + i].data, context->outputs[i].data);
}

static void
qkv_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
  for (uint32_t i = 0; i < N_PARTS; i++)
    cost->flops += rt_product_flops (query, RT_QKV_WEIGHT + i);
}

const RtOp rt_op_qkv = {
  .name = "qkv",
  .title = "Query, key, value",
  .min_inputs = 4,
  .max_inputs = 7,
  .n_outputs = N_PARTS,
  .matrix_inputs = 7 << RT_QKV_WEIGHT,
  .vector_inputs = 7 << RT_QKV_BIAS,
  .infer = qkv_infer,
  .scratch = qkv_scratch,
  .n_phases = 2,
  .n_chunks = qkv_chunks,
  .run = qkv_run,
  .reference = qkv_reference,
  .cost = qkv_cost,
};
