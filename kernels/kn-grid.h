/* A quantized block as a grid: which numbers its codes stand for, and other codes in place of those
 * it has. For those who choose codes themselves, with more in mind than the nearest number (error
 * compensation); the scales are kn_quantize_row_weighted()'s.
 *
 *     value i of the block = offset[g] + scale[g] * code[i],  g = i / group_len,  code 0 .. n_codes
 *                                                                                 - 1
 *
 * Formats with one scale per row have one grid for all blocks of it. */
#pragma once

#include <stdbool.h>

#include "kn-types.h"

#define KN_GRID_MAX_GROUPS 16 /* of one block */

typedef struct
{
  uint32_t block_len, group_len; /* values */
  uint32_t n_codes;
  bool is_of_row; /* one scale for all blocks of a row, in the row's header */
} KnGridInfo;

/* False: plain floats, and formats whose numbers are not evenly spaced. */
bool kn_grid_info (int dtype, KnGridInfo *info);
/* @scale, @offset: [block_len / group_len]. @block: where the grid is of the row, the row's
 * beginning. A scale may be 0, and negative where the format has signed scales. A level computed
 * from them differs from kn_dequantize_row() by rounding only (three roundings of f32). */
void kn_grid_get (KnDtype dtype, const void *block, float *scale, float *offset);
/* Replace the codes, [block_len], each below n_codes; the scales stay as they are. @block: behind
 * the header of a row that has one. */
void kn_grid_put (KnDtype dtype, void *block, const uint8_t *codes);
/* Of formats with one scale per row: another scale for the row that begins at @row. */
void kn_grid_put_scale (KnDtype dtype, void *row, float scale);
