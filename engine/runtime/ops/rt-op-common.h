/* What the operators share: checks of shapes, splitting of rows into chunks, and 8-bit rows.
 * Private to engine/runtime/ops. */
#pragma once

#include "rt-op.h"
#include "rt-weight.h"

/* ---- infer ---- */

/* Input @input as a value, or NULL when it is absent. */
const RtValue *rt_op_input_value (const RtGraph *graph, const RtNode *node, uint32_t input);

/* Input @input has type f32 (with @or_q8: or 8-bit rows) and two dimensions, of which the last is
 * @n_cols (0: any). */
bool rt_op_check_rows (const RtGraph *graph, const RtNode *node, uint32_t input, int64_t n_cols,
                       bool or_q8, RtError *error);
/* Input @input, when present, is a weight [n] of a known format. */
bool rt_op_check_vector (const RtGraph *graph, const RtNode *node, uint32_t input, int64_t n,
                         RtError *error);
/* Input @input is a weight [n_rows, n_cols] of a known format; 0: any. */
bool rt_op_check_matrix (const RtGraph *graph, const RtNode *node, uint32_t input, int64_t n_rows,
                         int64_t n_cols, RtError *error);
/* Input @input has f32 values and exactly @shape. */
bool rt_op_check_shape (const RtGraph *graph, const RtNode *node, uint32_t input,
                        const RtShape *shape, RtError *error);

/* ---- run ---- */

/* Rows of a bound shape: the product of all dimensions but the last; and the last. */
size_t rt_shape_rows (const RtShape *shape);
size_t rt_shape_cols (const RtShape *shape);

static inline float *
rt_tensor_row (const RtTensor *tensor, size_t row, size_t n_cols)
{
  return (float *)tensor->data + row * n_cols;
}

/* @n chunks, fewer when the last turn of the threads would leave some of them without: three chunks
 * take two threads as long as four. */
static inline size_t
rt_whole_turns (size_t n, uint32_t n_threads)
{
  return n < n_threads || n >= 4 * (size_t)n_threads ? n : n - n % n_threads;
}

/* Chunks for @n_items of about @item_bytes of memory traffic each: none smaller than is worth a
 * hand-out, several per thread. */
uint32_t rt_split (uint64_t n_items, uint64_t item_bytes, uint32_t n_threads);
/* Items [*first, *last) of chunk @chunk. */
void rt_split_range (uint64_t n_items, uint32_t n_chunks, uint32_t chunk, uint64_t *first,
                     uint64_t *last);

/* Quantize x [n] into the place of columns [first, first + n) of an 8-bit row of @n_cols columns.
 * @first and @n are multiples of KN_Q8_GROUP. The same bits as quantizing the whole row. */
void rt_q8_store (const KnTable *kn, uint8_t *row, size_t n_cols, size_t first, size_t n,
                  const float *x);
/* Back to [n_cols] f32, for references. */
void rt_q8_load (const uint8_t *row, size_t n_cols, float *x);
/* The same for a row with one scale. */
void rt_q8_token_load (const uint8_t *row, size_t n_cols, float *x);

/* ---- cost ---- */

uint64_t rt_op_value_bytes (const RtOpQuery *query, RtValueId value);
/* Bytes of matrix input @input as packed, or as in the file. */
uint64_t rt_op_weight_bytes (const RtOpQuery *query, uint32_t input);
/* Rows of input 0. */
uint64_t rt_op_query_rows (const RtOpQuery *query);
/* read_bytes: all inputs that are activations; write_bytes: all outputs; weight_bytes: matrices and
 * vectors. */
void rt_op_cost_io (const RtOpQuery *query, RtCost *cost);

/* Memory of a reference, which may allocate: ends the program when there is none. References run in
 * tests only. */
void *rt_reference_alloc (size_t n_bytes);
