/* The gated half of a feed-forward block of which rows of up are left out where the gate is near
 * zero (rt-ops-skip.h; Lee et al. 2024, CATS; He et al. 2024, CHESS). A chunk computes its rows
 * of the gate, lists those that count, and goes on with these rows of up. A prompt's tokens
 * choose different rows: all are computed, and those that do not count become zero. */
#include <math.h>
#include <stdlib.h>

#include "rt-gate-up.h"
#include "rt-ops-skip.h"
#include "rt-ops.h"
#include "rt-product.h"

enum
{
  X = RT_GATE_UP_IN_X,
  GATE = RT_GATE_UP_IN_GATE,
  UP = RT_GATE_UP_IN_UP,
  THRESHOLDS = RT_GATE_UP_SKIP_THRESHOLDS
};

/* Rows of a chunk: a list of them lies on the stack. */
#define CHUNK_ROWS 64

static bool
skip_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  if (!rt_gate_up_infer (graph, node, &shapes[0], error)
      || !rt_op_check_vector (graph, node, THRESHOLDS, shapes[0].dims[1], error))
    return false;
  types[0] = RT_TYPE_F32;
  return true;
}

static RtTiling
skip_tiling (const RtOpContext *context)
{
  const RtWeight *gate = context->inputs[GATE].weight, *up = context->inputs[UP].weight;
  size_t panel_bytes = rt_weight_panel_bytes (gate) + rt_weight_panel_bytes (up);
  RtTiling tiling = rt_tiling (rt_weight_n_panels (gate), 1, panel_bytes, rt_weight_n_cols (gate),
                               rt_shape_rows (&context->outputs[0].shape), context->n_threads);

  if (tiling.panels_per_chunk > CHUNK_ROWS / KN_PANEL_ROWS)
    {
      tiling.panels_per_chunk = CHUNK_ROWS / KN_PANEL_ROWS;
      tiling.n_panel_chunks
          = (rt_weight_n_panels (gate) + tiling.panels_per_chunk - 1) / tiling.panels_per_chunk;
    }
  return tiling;
}

static uint32_t
skip_chunks (const RtOpContext *context, uint32_t phase)
{
  if (phase == 0)
    return rt_product_prepare_chunks (context, context->inputs[GATE].weight);
  RtTiling tiling = skip_tiling (context);
  return rt_tiling_n_chunks (&tiling);
}

/* a[i] = activation (gate[i]), 0 where it is below its threshold. */
static void
activate (const RtOpContext *context, const float *thresholds, size_t n, float *gate)
{
  const RtGateUpSkipAttrs *attrs = context->attrs;
  float ones[CHUNK_ROWS];

  for (size_t i = 0; i < n; i++)
    ones[i] = 1;
  if (attrs->activation == RT_ACTIVATION_GELU)
    context->kn->vec.gelu_tanh_mul (gate, ones, n, gate);
  else
    context->kn->vec.silu_mul (gate, ones, n, gate);
  for (size_t i = 0; i < n; i++)
    gate[i] = fabsf (gate[i]) < thresholds[i] ? 0 : gate[i];
}

/* Whole panels of which a row counts. @up [n]. Returns the rows that were not computed. */
static size_t
some_panels (const RtOpContext *context, const RtTile *tile, const float *gate, size_t n, float *up,
             void *scratch)
{
  size_t n_skipped = 0;

  for (size_t first = 0; first < n; first += KN_PANEL_ROWS)
    {
      const size_t n_here = n - first < KN_PANEL_ROWS ? n - first : KN_PANEL_ROWS;
      RtTile one = *tile;
      bool counts = false;

      for (size_t i = first; i < first + n_here; i++)
        counts |= gate[i] != 0;
      one.first_panel += first / KN_PANEL_ROWS;
      one.n_panels = 1;
      if (counts)
        rt_product_tile (context, context->inputs[UP].weight, &one, up + first, n_here, scratch);
      n_skipped += counts ? 0 : n_here;
    }
  return n_skipped;
}

/* A token alone: y [n] from the gate's, of the rows of @tile. */
static void
finish_alone (const RtOpContext *context, const RtTile *tile, const float *gate, size_t n,
              float *up, void *scratch, float *y)
{
  const RtWeight *weight = context->inputs[UP].weight;
  uint32_t rows[CHUNK_ROWS];
  size_t n_rows = 0, n_skipped;

  for (size_t i = 0; i < n; i++)
    {
      y[i] = 0;
      rows[n_rows] = (uint32_t)i;
      n_rows += gate[i] != 0;
    }
  if (rt_weight_dtype (weight) == KN_Q8_ROWS)
    {
      context->kn->matmul.some_q8_rows (&(KnRowsArgs){
          .n_cols = rt_weight_n_cols (weight),
          .panels = rt_weight_panel (weight, tile->first_panel),
          .x = context->inputs[X].type == RT_TYPE_F32 ? context->scratch : context->inputs[X].data,
          .rows = rows,
          .n = n_rows,
          .y = up });
      for (size_t i = 0; i < n_rows; i++)
        y[rows[i]] = gate[rows[i]] * up[i];
      n_skipped = n - n_rows;
    }
  else
    {
      n_skipped = some_panels (context, tile, gate, n, up, scratch);
      for (size_t i = 0; i < n_rows; i++)
        y[rows[i]] = gate[rows[i]] * up[rows[i]];
    }
  rt_op_add_tally (context, n_skipped, n);
}

static void
skip_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtWeight *weight = context->inputs[GATE].weight;

  if (phase == 0)
    {
      rt_product_prepare (context, weight, chunk);
      return;
    }

  const size_t n_tokens = rt_shape_rows (&context->outputs[0].shape);
  RtTiling tiling = skip_tiling (context);
  RtTile tile = rt_tiling_tile (&tiling, rt_weight_n_panels (weight), n_tokens, chunk);
  size_t n = rt_product_n_rows (weight, tile.first_panel, tile.n_panels);
  size_t n_rows = rt_weight_n_rows (weight), first = tile.first_panel * KN_PANEL_ROWS;
  const float *thresholds = (const float *)context->inputs[THRESHOLDS].data + first;
  float *gate = rt_product_thread_tile (context, worker, 0);
  float *up = rt_product_thread_tile (context, worker, 1);
  void *scratch = rt_product_thread_tile (context, worker, 2);

  rt_product_tile (context, weight, &tile, gate, n, scratch);
  if (n_tokens == 1)
    {
      activate (context, thresholds, n, gate);
      finish_alone (context, &tile, gate, n, up, scratch,
                    rt_tensor_row (&context->outputs[0], 0, n_rows) + first);
      return;
    }
  rt_product_tile (context, context->inputs[UP].weight, &tile, up, n, scratch);
  for (size_t t = 0; t < tile.n_tokens; t++, gate += n, up += n)
    {
      float *y = rt_tensor_row (&context->outputs[0], tile.first_token + t, n_rows) + first;

      activate (context, thresholds, n, gate);
      for (size_t i = 0; i < n; i++)
        y[i] = gate[i] != 0 ? gate[i] * up[i] : 0;
    }
}

static void
skip_reference (const RtOpContext *context)
{
  const RtGateUpSkipAttrs *attrs = context->attrs;
  const RtTensor *y = &context->outputs[0];
  const float *thresholds = context->inputs[THRESHOLDS].data;
  size_t n_rows = rt_shape_rows (&y->shape), n_cols = rt_shape_cols (&y->shape);
  float *gate = rt_reference_alloc (n_rows * n_cols * sizeof *gate);
  float *up = rt_reference_alloc (n_rows * n_cols * sizeof *up);

  rt_product_reference (context, context->inputs[GATE].weight, NULL, gate);
  rt_product_reference (context, context->inputs[UP].weight, NULL, up);
  for (size_t row = 0; row < n_rows; row++)
    for (size_t i = 0; i < n_cols; i++)
      {
        double a = rt_gate_up_activation (attrs->activation, gate[row * n_cols + i]);
        rt_tensor_row (y, row, n_cols)[i]
            = fabs (a) < thresholds[i] ? 0 : (float)(a * up[row * n_cols + i]);
      }
  free (up);
  free (gate);
}

/* A single token reads what is left of up, as far as that was foreseen. */
static void
skip_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtGateUpSkipAttrs *attrs = query->node->attrs;
  uint64_t up_flops = rt_product_flops (query, UP);

  rt_op_cost_io (query, cost);
  cost->flops = rt_product_flops (query, GATE) + up_flops;
  if (rt_op_query_rows (query) != 1)
    return;
  cost->weight_bytes -= (uint64_t)((double)rt_op_weight_bytes (query, UP) * (double)attrs->share);
  cost->flops -= (uint64_t)((double)up_flops * (double)attrs->share);
}

static const RtField fields[] = {
  RT_FIELD (RtGateUpSkipAttrs, activation, RT_ACTIVATION_SILU, RT_ACTIVATION_GELU),
  RT_FIELD (RtGateUpSkipAttrs, share, 0, 1),
};

const RtOp rt_op_gate_up_skip = {
  .name = "gate-up-skip",
  .title = "Gate and some of up",
  .attrs_bytes = sizeof (RtGateUpSkipAttrs),
  RT_FIELDS (fields),
  .min_inputs = 4,
  .max_inputs = 4,
  .n_outputs = 1,
  .matrix_inputs = 1 << GATE | 1 << UP,
  .vector_inputs = 1 << THRESHOLDS,
  .infer = skip_infer,
  .scratch = rt_gate_up_scratch,
  .n_phases = 2,
  .n_chunks = skip_chunks,
  .run = skip_run,
  .reference = skip_reference,
  .cost = skip_cost,
  .skips = "rows of up",
};
