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

  /* kn_q8_group of @n numbers, a multiple of 32, with the scale of a query group; the sum of the
   * codes in *@sum. Returns the scale.
   */
  float (*quantize_group) (const float *x, size_t n, int8_t *codes, int32_t *sum);

  /* Scores of @n queries against the panels [@first, @end) into the rows of the scratch memory, as
   * they come: without softcap and mask. For Q8 and Q4 the queries are quantized. */
  void (*scores) (const KnAttnTile *t, size_t n, size_t first, size_t end);

  /* Softcap, mask and exponential of one row of scores: positions [@lo, @hi), not empty, become
   * weights, the others of their panels 0. */
  void (*weights) (const KnAttnChunk *a, float *scores, size_t lo, size_t hi, float *m, float *l);

  /* kn_round_weights(). */
  void (*round_weights) (float *p, size_t n, float levels, float bias);

  /* o += weight * value for @n queries and the positions [@lo, @hi), not empty. */
  void (*values) (const KnAttnTile *t, size_t n, size_t lo, size_t hi);
} KnAttnSteps;

void kn_attn_by_tiles (const KnAttnChunk *a, const KnAttnSteps *steps);

/* @step (tile, FORMAT, ...) with the cache format as a constant, so that each has code of its own;
 * what has no scales apart. */
#define KN_FOR_CODED_KV(step, tile, ...)                                                           \
  case KN_Q8_0:                                                                                    \
    step (tile, KN_Q8_0, __VA_ARGS__);                                                             \
    break;                                                                                         \
  case KN_Q4_0:                                                                                    \
    step (tile, KN_Q4_0, __VA_ARGS__);                                                             \
    break;                                                                                         \
  case KN_KV_Q8_HEAD:                                                                              \
    step (tile, KN_KV_Q8_HEAD, __VA_ARGS__);                                                       \
    break;                                                                                         \
  case KN_KV_Q4_HEAD:                                                                              \
    step (tile, KN_KV_Q4_HEAD, __VA_ARGS__);                                                       \
    break
#define KN_FOR_KV(format, step, tile, ...)                                                         \
  switch ((int)(format))                                                                           \
    {                                                                                              \
    case KN_F32:                                                                                   \
      step (tile, KN_F32, __VA_ARGS__);                                                            \
      break;                                                                                       \
    case KN_F16:                                                                                   \
      step (tile, KN_F16, __VA_ARGS__);                                                            \
      break;                                                                                       \
      KN_FOR_CODED_KV (step, tile, __VA_ARGS__);                                                   \
    }

/* Ask for @bytes of what the next step will read. Only the first tile of a chunk does: it is the
 * one that reads memory, the others find the chunk in the caches. */
static inline void
kn_attn_prefetch (const KnAttnTile *t, const void *base, size_t at, size_t bytes)
{
  if (t->query == 0)
    for (size_t i = 0; i < bytes; i += 64)
      __builtin_prefetch ((const char *)base + at + i);
}

/* The same for the value of a position. */
static inline void
kn_attn_prefetch_values (const KnAttnTile *t, KnDtype format, size_t position)
{
  const size_t dim = t->a->head_dim, row_bytes = dim * (format == KN_F32 ? 4 : 2);
  if (kn_kv_is_coded (format))
    kn_attn_prefetch (t, kn_v_codes (format, t->a->v, dim, position), 0,
                      kn_kv_code_bytes (format, dim));
  else
    kn_attn_prefetch (t, t->a->v, position * row_bytes, row_bytes);
}
