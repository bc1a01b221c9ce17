/* What the convolution and pooling kernels of all instruction sets share. */
#pragma once

#include "kn-conv.h"

#ifndef KN_INLINE
#define KN_INLINE static inline __attribute__ ((always_inline))
#endif

#ifndef KN_UNROLL
#ifdef __clang__
#define KN_UNROLL _Pragma ("unroll")
#else
#define KN_UNROLL _Pragma ("GCC unroll 32")
#endif
#endif

/* Panels whose sums wait in scratch at the same time, at most. */
#define KN_CONV_SCRATCH_PANELS 4

/* Columns first..end of a product: what one pass over the pixels does while its weights stay in the
 * first-level cache. */
typedef struct
{
  size_t first, end;
  int is_first, is_last;
} KnConvBlock;

KN_INLINE size_t
kn_conv_n_columns (const KnConvArgs *a)
{
  return a->n_segments * a->segment_len;
}

/* Floats from one panel to the next. */
KN_INLINE size_t
kn_conv_panel_floats (const KnConvArgs *a)
{
  return kn_conv_n_columns (a) * KN_PANEL_ROWS;
}

KN_INLINE size_t
kn_conv_n_panels (const KnConvArgs *a)
{
  return (a->first_row + a->n_rows + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS;
}

/* Lanes of panel @p that are wanted: low..high. */
KN_INLINE void
kn_conv_lanes (const KnConvArgs *a, size_t p, size_t *low, size_t *high)
{
  const size_t end = a->first_row + a->n_rows - p * KN_PANEL_ROWS;

  *low = p == 0 ? a->first_row : 0;
  *high = end < KN_PANEL_ROWS ? end : KN_PANEL_ROWS;
}

/* Where lane 0 of panel @p would be in a row of outputs (or biases): before the row's start when the
 * first lanes are left out. */
KN_INLINE ptrdiff_t
kn_conv_lane0 (const KnConvArgs *a, size_t p)
{
  return (ptrdiff_t)(p * KN_PANEL_ROWS) - (ptrdiff_t)a->first_row;
}

KN_INLINE float
kn_conv_limit (float v, float min, float max)
{
  v = v < min ? min : v;
  return v > max ? max : v;
}

/* Block @i when @n_columns are cut into blocks of nearly equal size, none above @limit. */
KN_INLINE size_t
kn_conv_n_blocks (size_t n_columns, size_t limit)
{
  return (n_columns + limit - 1) / limit;
}

KN_INLINE KnConvBlock
kn_conv_block (size_t n_columns, size_t n_blocks, size_t i)
{
  return (KnConvBlock){ n_columns * i / n_blocks, n_columns * (i + 1) / n_blocks, i == 0,
                        i + 1 == n_blocks };
}
