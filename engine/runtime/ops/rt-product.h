/* Matrix products as the operators split them: which activation rows a packed weight wants, and
 * which panels and tokens make one chunk.
 *
 *            panels of weights ──►
 *   tokens  ┌──────┬──────┬──────┐
 *     │     │ c0   │ c1   │ c2   │   tile 0: its activation rows fit the second-level cache
 *     ▼     ├──────┼──────┼──────┤
 *           │ c3   │ c4   │ c5   │   tile 1
 *           └──────┴──────┴──────┘
 *
 * The split changes no bit of the result (kn-matmul.h). Private to engine/runtime/ops. */
#pragma once

#include "rt-op-common.h"

/* Floats of one output tile in a thread's scratch. */
#define RT_TILE_FLOATS 16384

/* ---- activation rows ---- */

/* Phase 0 of every product: bring f32 rows into the form that @weight wants, in the shared scratch.
 * No chunks when they already have it. */
uint32_t rt_product_prepare_chunks (const RtOpContext *context, const RtWeight *weight);
void rt_product_prepare (const RtOpContext *context, const RtWeight *weight, uint32_t chunk);
/* Shared scratch for it. */
uint64_t rt_product_prepare_bytes (const RtOpQuery *query, uint32_t weight_input);

/* ---- splitting ---- */

typedef struct
{
  size_t tokens_per_tile, n_tiles;
  size_t panels_per_chunk, n_panel_chunks;
} RtTiling;

/* @n_panels of @panel_bytes each, in chunks of a multiple of @step panels. */
RtTiling rt_tiling (size_t n_panels, size_t step, size_t panel_bytes, size_t n_cols,
                    size_t n_tokens, uint32_t n_threads);
uint32_t rt_tiling_n_chunks (const RtTiling *tiling);

typedef struct
{
  size_t first_token, n_tokens;
  size_t first_panel, n_panels;
} RtTile;

RtTile rt_tiling_tile (const RtTiling *tiling, size_t n_panels, size_t n_tokens, uint32_t chunk);

/* ---- computing ---- */

/* Rows of @weight in @n_panels panels from @first_panel: the last panel may have fewer than 16. */
static inline size_t
rt_product_n_rows (const RtWeight *weight, size_t first_panel, size_t n_panels)
{
  size_t n_left = rt_weight_n_rows (weight) - first_panel * KN_PANEL_ROWS;
  return n_panels * KN_PANEL_ROWS < n_left ? n_panels * KN_PANEL_ROWS : n_left;
}

/* y[t][r] for the tokens and panels of @tile; @y points at the tile's first element, rows @y_stride
 * floats apart. */
void rt_product_tile (const RtOpContext *context, const RtWeight *weight, const RtTile *tile,
                      float *y, size_t y_stride, void *kernel_scratch);

/* Thread scratch: @n_tiles output tiles, then the kernel's own, which differs from format to
 * format. */
uint64_t rt_product_thread_bytes (const RtOpQuery *query, uint32_t weight_input, uint32_t n_tiles);

/* Output tile @index; the kernel's scratch lies where the tile after the last one would be. */
static inline float *
rt_product_thread_tile (const RtOpContext *context, const RtWorker *worker, uint32_t index)
{
  return (float *)rt_op_thread_scratch (context, worker) + (size_t)index * RT_TILE_FLOATS;
}

/* ---- reference: input 0 times @weight plus @bias (may be NULL) into y [tokens, rows], products
 * and sums in f64 ---- */
void rt_product_reference (const RtOpContext *context, const RtWeight *weight, const float *bias,
                           float *y);

/* 2 operations per weight and token. */
uint64_t rt_product_flops (const RtOpQuery *query, uint32_t weight_input);
