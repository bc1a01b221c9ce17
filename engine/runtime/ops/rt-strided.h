/* Copies between two strided views of the same shape: transposition, slices, broadcasting, tiles
 * and concatenation are all this. Private to engine/runtime/ops.
 *
 *     rt_strided_init (&s, 4);
 *     rt_strided_add (&s, n, stride of the source, stride of the target);   outermost first
 *     rt_strided_plan (&s);
 *     rt_strided_run (&s, source, target, 0, s.n_units);   or any part of the units, on any thread
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RT_STRIDED_MAX_DIMS (2 * 8)

typedef enum
{
  RT_STRIDED_RUNS,  /* the last dimension is contiguous in both */
  RT_STRIDED_TILES, /* the last dimension of the target, and another of the source, are
                     * contiguous */
  RT_STRIDED_LINES, /* anything else */
} RtStridedKind;

typedef struct
{
  size_t elem; /* bytes: 1, 2, 4 or 8 */
  uint32_t n_dims;
  int64_t dims[RT_STRIDED_MAX_DIMS];
  int64_t from[RT_STRIDED_MAX_DIMS], to[RT_STRIDED_MAX_DIMS]; /* strides in elements, any sign */
  int64_t from_offset;                                        /* of the first element */

  /* Made by rt_strided_plan(). The last two dimensions are cut into strips; a unit is one strip of
   * both for one index of the others. */
  RtStridedKind kind;
  int64_t strip_rows, strip_cols;
  uint64_t n_row_strips, n_col_strips, n_units;
  uint64_t unit_bytes; /* read and written, about */
} RtStrided;

void rt_strided_init (RtStrided *s, size_t elem);
void rt_strided_add (RtStrided *s, int64_t n, int64_t from, int64_t to);
void rt_strided_plan (RtStrided *s);
void rt_strided_run (const RtStrided *s, const void *from, void *to, uint64_t first, uint64_t last);

/* Copy @n elements of @elem bytes that lie @stride elements apart. */
void rt_strided_line (size_t elem, const uint8_t *from, int64_t stride, uint8_t *to, int64_t n);
