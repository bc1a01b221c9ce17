/* Matrix products as the operators split them. Used by matmul, qkv and gate-up; knows no operator.
 */
#include "rt-product.h"

#include <stdlib.h>
#include <string.h>

/* Activation rows of one tile: half of a second-level cache. */
#define TILE_ACT_BYTES (512 * 1024)
#define TILE_MIN_TOKENS 16
#define TILE_MAX_TOKENS 256

/* A chunk's time is guessed, only to choose its size: weights stream at some 20 bytes per ns,
 * products at some 600 per ns. */
#define GUESS_BYTES_PER_NS 20
#define GUESS_OPS_PER_NS 600
#define CHUNK_MIN_NS 1000
#define CHUNKS_PER_THREAD 8

static size_t
min_size (size_t a, size_t b)
{
  return a < b ? a : b;
}

static size_t
round_up (size_t n, size_t unit)
{
  return (n + unit - 1) / unit * unit;
}

/* ---- activation rows ---- */

static size_t
act_stride (KnDtype dtype, size_t n_cols)
{
  return kn_act_row_bytes (kn_matmul_act (dtype), n_cols);
}

/* Whether rows of type @type can be read as they are. */
static bool
act_is_direct (int type, KnDtype dtype, size_t n_cols)
{
  if (kn_matmul_act (dtype) == KN_ACT_Q8)
    return type == RT_TYPE_Q8_ROWS;
  if (kn_matmul_act (dtype) == KN_ACT_Q8_TOKEN)
    return type == RT_TYPE_Q8_TOKEN_ROWS;
  return n_cols * sizeof (float) % KN_ALIGN == 0;
}

uint64_t
rt_product_prepare_bytes (const RtOpQuery *query, uint32_t weight_input)
{
  const RtValue *x = rt_op_input_value (query->graph, query->node, 0);
  RtValueId id = query->node->inputs[weight_input];
  int dtype = query->weight_dtypes != NULL ? query->weight_dtypes[id]
                                           : rt_graph_value (query->graph, id)->type;
  size_t n_cols = (size_t)x->shape.dims[x->shape.n_dims - 1];

  if (act_is_direct (x->type, dtype, n_cols))
    return 0;
  return rt_op_query_rows (query) * act_stride (dtype, n_cols);
}

uint32_t
rt_product_prepare_chunks (const RtOpContext *context, const RtWeight *weight)
{
  const RtTensor *x = &context->inputs[0];
  size_t n_cols = rt_weight_n_cols (weight);

  if (act_is_direct (x->type, rt_weight_dtype (weight), n_cols))
    return 0;
  return rt_split (rt_shape_rows (&x->shape), n_cols * 4, context->n_threads);
}

void
rt_product_prepare (const RtOpContext *context, const RtWeight *weight, uint32_t chunk)
{
  const RtTensor *x = &context->inputs[0];
  size_t n_cols = rt_weight_n_cols (weight);
  KnDtype dtype = rt_weight_dtype (weight);
  size_t stride = act_stride (dtype, n_cols);
  uint64_t first, last;

  rt_split_range (rt_shape_rows (&x->shape), rt_product_prepare_chunks (context, weight), chunk,
                  &first, &last);
  for (uint64_t row = first; row < last; row++)
    kn_act_store (&context->kn->matmul, kn_matmul_act (dtype), rt_tensor_row (x, row, n_cols),
                  n_cols, context->scratch + row * stride);
}

/* ---- splitting ---- */

RtTiling
rt_tiling (size_t n_panels, size_t step, size_t panel_bytes, size_t n_cols, size_t n_tokens,
           uint32_t n_threads)
{
  RtTiling tiling = { 0 };

  if (n_tokens == 0 || n_panels == 0)
    return tiling;

  size_t max_tokens = TILE_ACT_BYTES / (n_cols * 5 / 4 + 1);
  max_tokens
      = max_tokens < TILE_MIN_TOKENS ? TILE_MIN_TOKENS : min_size (max_tokens, TILE_MAX_TOKENS);
  tiling.n_tiles = (n_tokens + max_tokens - 1) / max_tokens;
  tiling.tokens_per_tile = (n_tokens + tiling.n_tiles - 1) / tiling.n_tiles;

  uint64_t panel_ns = panel_bytes / GUESS_BYTES_PER_NS
                      + 2ull * KN_PANEL_ROWS * n_cols * tiling.tokens_per_tile / GUESS_OPS_PER_NS
                      + 1;
  uint64_t chunk_ns = panel_ns * n_panels * tiling.n_tiles / (n_threads * CHUNKS_PER_THREAD);
  chunk_ns = chunk_ns < CHUNK_MIN_NS ? CHUNK_MIN_NS : chunk_ns;

  size_t n = chunk_ns / panel_ns;
  n = min_size (n, RT_TILE_FLOATS / KN_PANEL_ROWS / tiling.tokens_per_tile);
  n = min_size (n, n_panels);
  n = n < step ? step : n / step * step;
  tiling.panels_per_chunk = n;
  tiling.n_panel_chunks = (n_panels + n - 1) / n;
  return tiling;
}

uint32_t
rt_tiling_n_chunks (const RtTiling *tiling)
{
  return (uint32_t)(tiling->n_tiles * tiling->n_panel_chunks);
}

RtTile
rt_tiling_tile (const RtTiling *tiling, size_t n_panels, size_t n_tokens, uint32_t chunk)
{
  RtTile tile;
  tile.first_token = chunk / tiling->n_panel_chunks * tiling->tokens_per_tile;
  tile.n_tokens = min_size (tiling->tokens_per_tile, n_tokens - tile.first_token);
  tile.first_panel = chunk % tiling->n_panel_chunks * tiling->panels_per_chunk;
  tile.n_panels = min_size (tiling->panels_per_chunk, n_panels - tile.first_panel);
  return tile;
}

/* ---- computing ---- */

void
rt_product_tile (const RtOpContext *context, const RtWeight *weight, const RtTile *tile, float *y,
                 size_t y_stride, void *kernel_scratch)
{
  const RtTensor *x = &context->inputs[0];
  KnDtype dtype = rt_weight_dtype (weight);
  size_t n_cols = rt_weight_n_cols (weight);
  size_t stride = act_stride (dtype, n_cols);
  const uint8_t *rows = act_is_direct (x->type, dtype, n_cols) ? x->data : context->scratch;
  const uint64_t *offsets = rt_weight_offsets (weight);

  kn_matmul_fn (&context->kn->matmul, dtype) (&(KnMatmulArgs){
      .n_cols = n_cols,
      .n_rows = rt_product_n_rows (weight, tile->first_panel, tile->n_panels),
      .n_tokens = tile->n_tokens,
      .panels
      = offsets != NULL ? rt_weight_panels (weight) : rt_weight_panel (weight, tile->first_panel),
      .offsets = offsets != NULL ? offsets + tile->first_panel : NULL,
      .x = rows + tile->first_token * stride,
      .x_stride = stride,
      .y = y,
      .y_stride = y_stride,
      .scratch = kernel_scratch,
  });
}

uint64_t
rt_product_thread_bytes (const RtOpQuery *query, uint32_t weight_input, uint32_t n_tiles)
{
  RtValueId id = query->node->inputs[weight_input];
  const RtValue *weight = rt_graph_value (query->graph, id);
  int dtype = query->weight_dtypes != NULL ? query->weight_dtypes[id] : weight->type;

  return (uint64_t)n_tiles * RT_TILE_FLOATS * sizeof (float)
         + round_up (kn_matmul_scratch_bytes (dtype, (size_t)weight->shape.dims[1]), KN_ALIGN);
}

/* ---- reference ---- */

/* Input 0 as the product sees it: f32, or f32 that went through 8 bit. */
static float *
reference_rows (const RtOpContext *context, const RtWeight *weight)
{
  const RtTensor *x = &context->inputs[0];
  size_t n_cols = rt_weight_n_cols (weight), n_rows = rt_shape_rows (&x->shape);
  KnActKind act = kn_matmul_act (rt_weight_dtype (weight));
  size_t row_bytes = kn_act_row_bytes (act, n_cols);
  const KnTable *plain = kn_table_for_level (KN_LEVEL_C);
  float *rows = rt_reference_alloc (n_rows * n_cols * sizeof *rows);
  uint8_t *codes = aligned_alloc (KN_ALIGN, row_bytes);

  for (size_t i = 0; i < n_rows; i++)
    if (act == KN_ACT_F32)
      memcpy (rows + i * n_cols, rt_tensor_row (x, i, n_cols), n_cols * sizeof *rows);
    else
      {
        const uint8_t *row = (const uint8_t *)x->data + i * row_bytes;

        if (x->type == RT_TYPE_F32)
          {
            kn_act_store (&plain->matmul, act, rt_tensor_row (x, i, n_cols), n_cols, codes);
            row = codes;
          }
        if (act == KN_ACT_Q8)
          rt_q8_load (row, n_cols, rows + i * n_cols);
        else
          rt_q8_token_load (row, n_cols, rows + i * n_cols);
      }
  free (codes);
  return rows;
}

void
rt_product_reference (const RtOpContext *context, const RtWeight *weight, const float *bias,
                      float *y)
{
  KnDtype dtype = rt_weight_dtype (weight);
  size_t n_cols = rt_weight_n_cols (weight), n_rows = rt_weight_n_rows (weight);
  size_t n_tokens = rt_shape_rows (&context->inputs[0].shape);
  float *x = reference_rows (context, weight);
  float *w = rt_reference_alloc (n_cols * sizeof *w);

  for (size_t r = 0; r < n_rows; r++)
    {
      kn_unpack_row (dtype, rt_weight_panel (weight, r / KN_PANEL_ROWS), r % KN_PANEL_ROWS, n_cols,
                     w);
      for (size_t t = 0; t < n_tokens; t++)
        {
          double sum = 0;
          for (size_t c = 0; c < n_cols; c++)
            sum += (double)w[c] * x[t * n_cols + c];
          y[t * n_rows + r] = (float)(sum + (bias != NULL ? bias[r] : 0));
        }
    }
  free (w);
  free (x);
}

uint64_t
rt_product_flops (const RtOpQuery *query, uint32_t weight_input)
{
  const RtShape *shape = &rt_op_input_value (query->graph, query->node, weight_input)->shape;
  return 2 * rt_op_query_rows (query) * (uint64_t)shape->dims[0] * (uint64_t)shape->dims[1];
}
