/* Attention for tiles of queries: the walk that all vector instruction sets share, and the steps
 * each of them supplies.
 *
 * A tile is a few queries that one load of keys or values serves together; what a step does with it
 * is the arithmetic of kn-attn-spec.h. Private to the attn kernel files. */
#pragma once

#include "kn-attn-spec.h"

/* Queries of one tile, and where their rows are. */
typedef struct
{
  const KnAttnChunk *a;
  KnAttnScratch scratch;
  size_t query;   /* index of the first one */
  const float *q; /* its row; a->q_stride apart */
  float *o;       /* its row; head_dim apart */
} KnAttnTile;

typedef struct
{
  size_t tile; /* queries of a tile, at most KN_ATTN_TILE */

  /* kn_q8_group with the scale of a query group; the sum of the codes in *@sum. Returns the scale.
   */
  float (*quantize_group) (const float *x, int8_t *codes, int32_t *sum);

  /* Scores of @n queries against the panels [@first, @end) into the rows of the scratch memory, as
   * they come: without softcap and mask. For Q8_0 the queries are quantized. */
  void (*scores) (const KnAttnTile *t, size_t n, size_t first, size_t end);

  /* Softcap, mask and exponential of one row of scores: positions [@lo, @hi), not empty, become
   * weights, the others of their panels 0. */
  void (*weights) (const KnAttnChunk *a, float *scores, size_t lo, size_t hi, float *m, float *l);

  /* o += weight * value for @n queries and the positions [@lo, @hi), not empty. */
  void (*values) (const KnAttnTile *t, size_t n, size_t lo, size_t hi);
} KnAttnSteps;

void kn_attn_by_tiles (const KnAttnChunk *a, const KnAttnSteps *steps);
