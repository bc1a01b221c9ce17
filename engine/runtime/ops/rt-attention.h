/* What the two files of the attention operator share: rt-op-attention.c (tokens one after the
 * other) and rt-attention-tree.c (a tree of drafted tokens). */
#pragma once

#include "rt-kv.h"
#include "rt-op-common.h"
#include "rt-ops.h"

enum
{
  RT_ATTN_Q,
  RT_ATTN_K,
  RT_ATTN_V
};

/* One thread's arrays for up to the operator's largest tile of queries. */
typedef struct
{
  float *q, *part, *sum;  /* [queries][head_dim]: scaled queries, partial and running values */
  float *m, *l, *m0, *l0; /* [queries] */
  uint32_t *n_visible, *first_visible;
  float *bias; /* [queries], of rounded weights */
  void *kernel;
} RtAttnScratch;

/* Tokens of a run whose queries are taken together, in this order. */
typedef struct
{
  size_t first, n;
  const uint32_t *list; /* [n]; NULL: first, first + 1, ... */
} RtAttnTokens;

static inline size_t
rt_attn_token (const RtAttnTokens *tokens, size_t i)
{
  return tokens->list != NULL ? tokens->list[i] : tokens->first + i;
}

/* Query heads of one KV head. */
static inline size_t
rt_attn_group (const RtAttentionAttrs *attrs)
{
  return attrs->n_heads / attrs->n_kv_heads;
}

/* rt-op-attention.c */

/* Tokens of a tile of long runs. */
size_t rt_attn_tile_tokens (const RtAttentionAttrs *attrs);
/* Chunks of the cache [*first, *last) that the tokens of the run from @token on see something of;
 * in a tree of all tokens. */
void rt_attn_chunk_range (const RtOpContext *context, size_t token, size_t n_tokens, size_t *first,
                          size_t *last);
/* Write a token's key and value of one head at @position of the cache. */
void rt_attn_store (const RtOpContext *context, uint32_t kv_head, uint32_t position, size_t token);
/* Scaled queries of the heads of @kv_head's group into the scratch, token after token. */
void rt_attn_gather (const RtOpContext *context, uint32_t kv_head, const RtAttnTokens *tokens,
                     const RtAttnScratch *scratch);
/* The partial results of @tokens' queries, at @q, for chunk @kv_chunk of the cache. */
void rt_attn_chunk (const RtOpContext *context, uint32_t kv_head, size_t kv_chunk,
                    const RtAttnTokens *tokens, const float *q, const RtAttnScratch *scratch,
                    float *m, float *l, float *o);
/* Running results of @n queries, at their beginning. */
void rt_attn_begin (const RtOpContext *context, size_t n, const RtAttnScratch *scratch);
/* rt_attn_chunk(), merged into the running results from query @at on. */
void rt_attn_merge_chunk (const RtOpContext *context, uint32_t kv_head, size_t kv_chunk,
                          const RtAttnTokens *tokens, size_t at, const RtAttnScratch *scratch);
/* Divide by the sums and write the running results of @tokens. */
void rt_attn_write (const RtOpContext *context, uint32_t kv_head, const RtAttnTokens *tokens,
                    const RtAttnScratch *scratch);
/* The partials of one KV head and the chunk @at of @n_kv_chunks: m [queries], l [queries], o
 * [queries][head_dim]; queries of all tokens, in a tree by rank. */
float *rt_attn_partials (const RtOpContext *context, uint32_t kv_head, size_t at,
                         size_t n_kv_chunks);

/* rt-attention-tree.c */

/* Keep the keys and values of @token for rt_kv_keep(). */
void rt_attn_tree_store (const RtOpContext *context, size_t token);
/* Pieces of work of the second phase, and one of them. */
uint32_t rt_attn_tree_chunks (const RtOpContext *context, bool is_split);
void rt_attn_tree_attend (const RtOpContext *context, bool is_split, uint32_t chunk,
                          const RtAttnScratch *scratch);
/* Put the path to @token into the cache, for all heads. */
void rt_attn_tree_put (const RtOpContext *context, uint32_t token);
