/* What the operators that move and select share: checks, axes, indices, views, references. Private
 * to engine/runtime/ops. */
#pragma once

#include <string.h>

#include "rt-op-common.h"
#include "rt-ops-move.h"
#include "rt-strided.h"

/* ---- infer ---- */

/* Input @input has a plain type. NULL and @error otherwise. */
const RtValue *rt_move_input (const RtGraph *graph, const RtNode *node, uint32_t input,
                              RtError *error);
/* The same, and it is i32 or i64; constants lie in -n .. n - 1 (n < 0: not checked). */
const RtValue *rt_move_index_input (const RtGraph *graph, const RtNode *node, uint32_t input,
                                    int64_t n, RtError *error);
/* The same type and, with @n_dims >= 0, that many dimensions. */
bool rt_move_check_type (const RtValue *value, int type, RtError *error);
bool rt_move_check_n_dims (const RtValue *value, uint32_t n_dims, RtError *error);

/* @axis of @n_dims dimensions, counted from the end when negative. */
bool rt_move_axis (int64_t axis, uint32_t n_dims, uint32_t *result, RtError *error);
/* Dimension @dim of @value is a number. */
bool rt_move_check_concrete (const RtValue *value, uint32_t dim, RtError *error);
/* All are, and there are as many elements as can be. */
bool rt_move_check_shape (const RtShape *shape, RtError *error);

bool rt_move_same_shape (const RtShape *a, const RtShape *b);
/* @shape becomes the shape of @shape and @other broadcast together. */
bool rt_move_broadcast (RtShape *shape, const RtShape *other, RtError *error);

/* ---- permute ---- */

/* Where dimension @dim is after a permutation. */
uint32_t rt_move_permuted (uint32_t dim, const uint32_t *perm, uint32_t n_dims);
/* Rewrites @axis in place; false where its number of dimensions is another. */
bool rt_move_permute_axis (const RtGraph *graph, const RtNode *node, const uint32_t *perm,
                           uint32_t n_dims, int32_t *axis);
/* Whether all inputs (that are there) and outputs have @n_dims dimensions. */
bool rt_move_all_have (const RtGraph *graph, const RtNode *node, uint32_t n_dims);
void rt_move_permute_i64 (int64_t *x, const uint32_t *perm, uint32_t n_dims);
void rt_move_permute_f32 (float *x, const uint32_t *perm, uint32_t n_dims);

/* ---- run ---- */

/* Row-major strides in elements. */
void rt_move_strides (const RtShape *shape, int64_t *strides);
/* The product of dimensions [first, last). */
int64_t rt_move_product (const RtShape *shape, uint32_t first, uint32_t last);
uint32_t rt_move_attr_axis (int32_t axis, uint32_t n_dims);

static inline int64_t
rt_move_raw_index (const RtTensor *indices, size_t i)
{
  return indices->type == RT_TYPE_I64 ? ((const int64_t *)indices->data)[i]
                                      : ((const int32_t *)indices->data)[i];
}

/* Element @i of @indices as an index into @n elements: counted from the end when negative,
 * clamped. */
static inline int64_t
rt_move_index (const RtTensor *indices, size_t i, int64_t n)
{
  int64_t x = rt_move_raw_index (indices, i);
  x += x < 0 ? n : 0;
  return x < 0 ? 0 : x >= n ? n - 1 : x;
}

static inline void
rt_move_store_index (const RtTensor *tensor, size_t i, int64_t x)
{
  if (tensor->type == RT_TYPE_I64)
    ((int64_t *)tensor->data)[i] = x;
  else
    ((int32_t *)tensor->data)[i] = (int32_t)x;
}

/* The next index of @shape, row-major; false after the last. */
bool rt_move_next (const RtShape *shape, int64_t *index);

/* Chunks of @n_items items of @item_bytes bytes of traffic each, and the items of one. */
void rt_move_range (const RtOpContext *context, uint64_t n_items, uint64_t item_bytes,
                    uint32_t chunk, uint64_t *first, uint64_t *last);

/* Copy @n elements of @elem bytes from @from to each of @n_times places after each other. */
void rt_move_fill (uint8_t *to, const uint8_t *from, size_t elem, int64_t n);

/* ---- operators that are a view of their input ---- */

/* Put as RtOp.data. */
typedef struct
{
  /* The copy from input 0 to output 0. */
  void (*view) (const RtOpContext *context, RtStrided *s);
  /* By definition: where the output's element at @index lies in input 0; -1: it is 0. */
  int64_t (*source) (const RtOpContext *context, const int64_t *index);
} RtMoveView;

/* Few bytes of output, more than none: one chunk. */
bool rt_move_is_small (const RtOpContext *context);
uint32_t rt_move_view_chunks (const RtOpContext *context, uint32_t phase);
void rt_move_view_run (const RtOpContext *context, uint32_t phase, uint32_t chunk,
                       const RtWorker *worker);
void rt_move_view_reference (const RtOpContext *context);

/* One read and one write of the output, no arithmetic. */
void rt_move_cost (const RtOpQuery *query, RtCost *cost);
