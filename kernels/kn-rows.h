/* Products of some rows of a matrix.
 *
 * The weights of Q8_ROWS are those of Q8_0, code for code, but each row's codes lie side by
 * side, so that a row that is not wanted is not read. A panel is 16 rows:
 *
 *   int8 code [16][n_cols]
 *   f16 scale [16][n_cols / 32]      padded to KN_ALIGN
 *
 * What is computed of a row is what Q8_0 computes of the same activations, to the last bit. */
#pragma once

#include "kn-types.h"

/* One token: y[i] is row @rows[i] times the activations, i < @n. */
typedef struct
{
  size_t n_cols;
  const void *panels;   /* KN_ALIGN aligned */
  const void *x;        /* the activation row, made by kn_quantize_q8() */
  const uint32_t *rows; /* from the first panel's first */
  size_t n;
  float *y;
} KnRowsArgs;

typedef void (*KnRowsFn) (const KnRowsArgs *args);
