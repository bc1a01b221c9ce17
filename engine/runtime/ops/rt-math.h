/* What the arithmetic operators share: which types they take, reading and writing numbers of any
 * type, broadcasting, and splitting of flat arrays. Private to engine/runtime/ops. */
#pragma once

#include "rt-op-common.h"
#include "rt-ops-math.h"

/* ---- types ---- */

enum
{
  RT_MATH_F32 = 1,
  RT_MATH_F64 = 2,
  RT_MATH_SIGNED = 4,
  RT_MATH_UNSIGNED = 8,
  RT_MATH_BOOL = 16,
  RT_MATH_FLOAT = RT_MATH_F32 | RT_MATH_F64,
  RT_MATH_INTEGER = RT_MATH_SIGNED | RT_MATH_UNSIGNED,
  RT_MATH_NUMBER = RT_MATH_FLOAT | RT_MATH_INTEGER,
};

/* The type as the operator sees it: float constants of any format are handed over as f32. */
int rt_math_type (const RtValue *value);
/* One of the bits above, 0 for others. */
uint32_t rt_math_class (int type);
static inline bool
rt_math_is_float (int type)
{
  return type == RT_TYPE_F32 || type == RT_TYPE_F64;
}

/* Input @input, when present, has a type of @classes and is not quantized. */
bool rt_math_check_type (const RtGraph *graph, const RtNode *node, uint32_t input, uint32_t classes,
                         RtError *error);
/* Input @input, when present, is f32 (a constant of any float format) of exactly @shape. */
bool rt_math_check_f32 (const RtGraph *graph, const RtNode *node, uint32_t input,
                        const RtShape *shape, RtError *error);
/* Whether a symbol is among the dimensions. */
bool rt_math_has_symbols (const RtShape *shape);
/* @axis, counted from the end when negative, as 0 .. n_dims - 1. */
bool rt_math_axis (const RtNode *node, int32_t axis, uint32_t n_dims, uint32_t *at, RtError *error);

/* For permute(): where dimension @axis (negative: from the end) is after @perm. */
int32_t rt_math_permuted_axis (int32_t axis, const uint32_t *perm, uint32_t n_dims);

/* n numbers of @type from element @first on, @step (0 or 1) elements apart. Floats as double,
 * everything else as its 64-bit integer (u64: its bits). */
void rt_math_load_f64 (int type, const void *data, size_t first, size_t step, size_t n, double *x);
void rt_math_load_i64 (int type, const void *data, size_t first, size_t step, size_t n, int64_t *x);
/* Floats are rounded, integers wrap around. */
void rt_math_store_f64 (int type, const double *x, size_t n, void *data, size_t first);
void rt_math_store_i64 (int type, const int64_t *x, size_t n, void *data, size_t first);

/* ---- broadcasting ---- */

/* The shape of @a and @b together, NumPy's rules. Symbols fit themselves and 1. */
bool rt_math_broadcast (const RtNode *node, const RtShape *a, const RtShape *b, RtShape *out,
                        RtError *error);

/* The loops of an output and two operands, dimensions merged where they can be: rows of @n
 * elements, in which operand i advances by step[i] (0 or 1). */
typedef struct
{
  uint32_t n_outer;
  size_t outer[RT_MAX_DIMS];
  size_t stride[2][RT_MAX_DIMS];
  size_t n, n_rows;
  size_t step[2];
} RtBroadcast;

void rt_broadcast_init (RtBroadcast *loops, const RtShape *out, const RtShape *a, const RtShape *b);
/* Where row @row begins in both operands. */
void rt_broadcast_row (const RtBroadcast *loops, size_t row, size_t offset[2]);

/* ---- flat arrays ---- */

/* Chunks of an array of @n elements, @bytes_each moved per element; then elements [*first, *last)
 * of one, in units of 64 elements. */
uint32_t rt_flat_chunks (const RtOpContext *context, size_t n, size_t bytes_each);
void rt_flat_range (size_t n, uint32_t n_chunks, uint32_t chunk, size_t *first, size_t *last);

/* Every dimension's size from @from (included) to @to (excluded), multiplied. */
size_t rt_math_product (const RtShape *shape, uint32_t from, uint32_t to);

/* Elements of output 0 in a query. */
uint64_t rt_math_query_outputs (const RtOpQuery *query);
uint64_t rt_math_query_inputs (const RtOpQuery *query, uint32_t input);
