/* Products that skip input channels whose activation is zero.
 *
 * The weights of Q8_CHANNELS are those of Q8_0, code for code, but an input channel's codes lie
 * side by side: a panel is 64 rows, and in it a channel is one line of the cache that is not even
 * read when its activation's code is zero. A group of 32 channels is
 *
 *   f16 scale [64]      of the rows
 *   uint8 code [32][64] plus 128; byte p of a channel belongs to row kn_skip_row (p)
 *
 * What is computed is what Q8_0 computes of the same activations, to the last bit. */
#pragma once

#include "kn-types.h"

#define KN_SKIP_ROWS 64 /* of a panel */
#define KN_SKIP_SCALE_BYTES (KN_SKIP_ROWS * 2)
#define KN_SKIP_GROUP_BYTES (KN_SKIP_SCALE_BYTES + 32 * KN_SKIP_ROWS)

/* The row of a panel that byte @p of a channel belongs to, and the other way round: interleaving
 * four channels within 128-bit lanes then leaves 16 rows in order in each register. */
static inline size_t
kn_skip_row (size_t p)
{
  return 16 * (p / 4 % 4) + 4 * (p / 16) + p % 4;
}

/* Four channels that are not zero: their codes, and where they begin in a panel. What is missing to
 * four has code 0. */
typedef struct
{
  int32_t codes;
  uint32_t at[4];
} KnSkipQuad;

/* The channels of one activation row that are not zero. */
typedef struct
{
  size_t n_channels; /* of all groups */
  uint8_t *n_quads;  /* [n_groups] */
  KnSkipQuad *quads; /* of all groups in order */
} KnSkipList;

/* Bytes of the list's arrays for rows of @n values, and the list of @row, made by kn_quantize_q8(),
 * in that memory (aligned to 4). */
size_t kn_skip_list_bytes (size_t n);
void kn_skip_list (const void *row, size_t n, void *memory, KnSkipList *list);

/* One token: y[r] for the rows of whole panels, at most @n_rows. */
typedef struct
{
  size_t n_cols, n_rows;
  const void *panels; /* (n_rows + 63) / 64 panels, KN_ALIGN aligned */
  const void *x;      /* the activation row */
  const KnSkipList *list;
  float *y;
} KnSkipArgs;

typedef void (*KnSkipFn) (const KnSkipArgs *args);
