/* Attention of a tree of drafted tokens (rt-tree.h): each path stands in the cache at the positions
 * it would have in a plain run while the tokens that it owns are computed, so that chunks, lanes
 * and order of every sum are those of the plain run.
 *
 * Chunks of the cache before the tree's first position are the same for all tokens and go as in a
 * plain run; the chunks from there on, the tail, are worked on by one thread for each KV head, path
 * after path. */
#include <string.h>

#include "rt-attention.h"

/* The chunk in which the tail begins. */
static size_t
tail_chunk (const RtOpContext *context)
{
  return context->position / KN_ATTN_CHUNK;
}

void
rt_attn_tree_store (const RtOpContext *context, size_t token)
{
  const RtAttentionAttrs *attrs = context->attrs;
  const size_t n = (size_t)attrs->n_kv_heads * attrs->head_dim;

  memcpy (rt_kv_draft_k (context->kv, attrs->kv_layer, (uint32_t)token),
          rt_tensor_row (&context->inputs[RT_ATTN_K], token, n), n * sizeof (float));
  memcpy (rt_kv_draft_v (context->kv, attrs->kv_layer, (uint32_t)token),
          rt_tensor_row (&context->inputs[RT_ATTN_V], token, n), n * sizeof (float));
}

/* ---- paths in the cache ---- */

/* Which tokens one head's cache holds from the run's first position on. */
typedef struct
{
  uint32_t n, tokens[RT_TREE_MAX_TOKENS];
} Held;

static void
put_path (const RtOpContext *context, uint32_t kv_head, uint32_t leaf, Held *held)
{
  uint32_t path[RT_TREE_MAX_TOKENS], n = rt_tree_path (context->tree, leaf, path);

  for (uint32_t i = 0; i < n; i++)
    if (i >= held->n || held->tokens[i] != path[i])
      {
        rt_attn_store (context, kv_head, context->position + i, path[i]);
        held->tokens[i] = path[i];
        held->n = i + 1 > held->n ? i + 1 : held->n;
      }
}

void
rt_attn_tree_put (const RtOpContext *context, uint32_t token)
{
  for (uint32_t head = 0; head < ((const RtAttentionAttrs *)context->attrs)->n_kv_heads; head++)
    put_path (context, head, token, &(Held){ 0 });
}

/* ---- attend ---- */

/* Tokens [from, to) of the tree's order by owners. */
static RtAttnTokens
owned_tokens (const RtOpContext *context, uint32_t from, uint32_t to)
{
  return (RtAttnTokens){ .n = to - from, .list = context->tree->owned + from };
}

/* Partials of the tail for one KV head. */
static void
split_tail (const RtOpContext *context, uint32_t kv_head, const RtAttnScratch *scratch)
{
  const RtAttentionAttrs *attrs = context->attrs;
  const RtTree *tree = context->tree;
  size_t n = attrs->head_dim, group = rt_attn_group (attrs), n_queries = group * tree->n_tokens;
  size_t first, last;
  Held held = { 0 };

  rt_attn_chunk_range (context, 0, tree->n_tokens, &first, &last);
  for (uint32_t p = 0; p < tree->n_paths; p++)
    {
      const RtAttnTokens tokens
          = owned_tokens (context, tree->first_owned[p], tree->first_owned[p + 1]);
      const size_t at = tree->first_owned[p] * group;
      put_path (context, kv_head, tree->leaves[p], &held);
      for (size_t c = tail_chunk (context); c < last; c++)
        {
          float *part = rt_attn_partials (context, kv_head, c - first, last - first);
          rt_attn_chunk (context, kv_head, c, &tokens, scratch->q + at * n, scratch, part + at,
                         part + n_queries + at, part + 2 * n_queries + at * n);
        }
    }
}

static void
attend_split (const RtOpContext *context, uint32_t chunk, const RtAttnScratch *scratch)
{
  const RtTree *tree = context->tree;
  const RtAttnTokens all = owned_tokens (context, 0, tree->n_tokens);
  size_t first, last, n_queries = rt_attn_group (context->attrs) * tree->n_tokens;

  rt_attn_chunk_range (context, 0, tree->n_tokens, &first, &last);
  uint32_t n_units = (uint32_t)(tail_chunk (context) - first) + 1;
  uint32_t kv_head = chunk / n_units, unit = chunk % n_units;

  rt_attn_gather (context, kv_head, &all, scratch);
  if (unit + 1 == n_units)
    {
      split_tail (context, kv_head, scratch);
      return;
    }
  float *part = rt_attn_partials (context, kv_head, unit, last - first);
  rt_attn_chunk (context, kv_head, first + unit, &all, scratch->q, scratch, part, part + n_queries,
                 part + 2 * n_queries);
}

/* Tokens [@from, @to) of the order by owners, merged as they go. */
static void
attend_tile (const RtOpContext *context, uint32_t kv_head, uint32_t from, uint32_t to, Held *held,
             const RtAttnScratch *scratch)
{
  const RtTree *tree = context->tree;
  const RtAttnTokens all = owned_tokens (context, from, to);
  size_t first, last, group = rt_attn_group (context->attrs);

  rt_attn_chunk_range (context, 0, tree->n_tokens, &first, &last);
  rt_attn_gather (context, kv_head, &all, scratch);
  rt_attn_begin (context, all.n * group, scratch);
  for (size_t c = first; c < tail_chunk (context); c++)
    rt_attn_merge_chunk (context, kv_head, c, &all, 0, scratch);

  for (uint32_t p = 0; p < tree->n_paths; p++)
    {
      uint32_t lo = tree->first_owned[p], hi = tree->first_owned[p + 1];
      lo = lo > from ? lo : from;
      hi = hi < to ? hi : to;
      if (lo >= hi)
        continue;
      const RtAttnTokens tokens = owned_tokens (context, lo, hi);
      put_path (context, kv_head, tree->leaves[p], held);
      for (size_t c = tail_chunk (context); c < last; c++)
        rt_attn_merge_chunk (context, kv_head, c, &tokens, (lo - from) * group, scratch);
    }
  rt_attn_write (context, kv_head, &all, scratch);
}

static void
attend_head (const RtOpContext *context, uint32_t kv_head, const RtAttnScratch *scratch)
{
  const RtTree *tree = context->tree;
  uint32_t step = (uint32_t)rt_attn_tile_tokens (context->attrs);
  Held held = { 0 };

  for (uint32_t at = 0; at < tree->n_tokens; at += step)
    attend_tile (context, kv_head, at, at + step < tree->n_tokens ? at + step : tree->n_tokens,
                 &held, scratch);
}

uint32_t
rt_attn_tree_chunks (const RtOpContext *context, bool is_split)
{
  const RtAttentionAttrs *attrs = context->attrs;
  size_t first, last;

  if (!is_split)
    return attrs->n_kv_heads;
  rt_attn_chunk_range (context, 0, context->tree->n_tokens, &first, &last);
  return attrs->n_kv_heads * ((uint32_t)(tail_chunk (context) - first) + 1);
}

void
rt_attn_tree_attend (const RtOpContext *context, bool is_split, uint32_t chunk,
                     const RtAttnScratch *scratch)
{
  if (is_split)
    attend_split (context, chunk, scratch);
  else
    attend_head (context, chunk, scratch);
}
