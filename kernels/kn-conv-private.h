/* What the convolution and pooling kernels of all instruction sets share. */
#pragma once

#include "kn-conv.h"
#include "kn-f16-private.h"

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

/* Weights of one block as f32 lines of 16: half of a first-level cache of 48 KiB. */
#define KN_CONV_BLOCK_LINES 384
/* The most that a variant may choose. */
#define KN_CONV_MAX_BLOCK_LINES 1152

/* Panels whose sums wait in scratch at the same time, at most: of many pixels, and of one. */
#define KN_CONV_WAITING_PANELS 4
#define KN_CONV_MAX_PANELS 8

/* Terms first..end of each sum: what one pass over the pixels does while its weights stay in the
 * first-level cache. */
typedef struct
{
  size_t first, end;
  int is_first, is_last;
} KnConvBlock;

/* Terms of one sum. */
KN_INLINE size_t
kn_conv_n_terms (const KnConvArgs *a)
{
  return a->n_segments * a->segment_len;
}

/* The weights of segment @s in panel @p: lines of 16 values. Panels begin at KN_ALIGN
 * (kn_panel_bytes()).
 */
KN_INLINE const void *
kn_conv_weights (const KnConvArgs *a, size_t p, size_t s)
{
  const size_t line_bytes = KN_PANEL_ROWS * (a->dtype == KN_F32 ? 4 : 2);
  const size_t column = a->segment_columns ? a->segment_columns[s] : s * a->segment_len;

  return (const char *)a->panels
         + p * ((a->n_columns * line_bytes + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN)
         + column * line_bytes;
}

/* Where a block of 16-bit weights is put as f32: in the scratch, before the sums. */
KN_INLINE float *
kn_conv_expanded (const KnConvArgs *a)
{
  return a->scratch;
}

KN_INLINE float *
kn_conv_sums (const KnConvArgs *a)
{
  return (float *)a->scratch + KN_CONV_MAX_BLOCK_LINES * KN_PANEL_ROWS;
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

/* Where lane 0 of panel @p would be in a row of outputs (or biases): before the row's start when
 * the first lanes are left out. */
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

/* Blocks for @n_panels panels at once. When all pixels pass in one tile, weights in f32 are read
 * once and no block is worth its store of sums. */
KN_INLINE size_t
kn_conv_n_blocks (const KnConvArgs *a, size_t n_panels, size_t n_tiles, size_t block_lines)
{
  if (n_tiles == 1 && a->dtype == KN_F32)
    return 1;
  return (kn_conv_n_terms (a) * n_panels + block_lines - 1) / block_lines;
}

/* Block @i of @n_blocks of nearly equal size. */
KN_INLINE KnConvBlock
kn_conv_block (size_t n_terms, size_t n_blocks, size_t i)
{
  return (KnConvBlock){ n_terms * i / n_blocks, n_terms * (i + 1) / n_blocks, i == 0,
                        i + 1 == n_blocks };
}
