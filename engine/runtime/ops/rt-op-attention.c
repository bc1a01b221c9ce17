/* Attention of a run's tokens over the sequence so far: stores the new keys and values, then
 * scores, softmax and weighted values chunk by chunk of the cache (kn-attn.h). Vaswani et al. 2017,
 * eq. 1; grouped heads: Ainslie et al. 2023.
 *
 * Two ways to share the work, with the same bits, because partial results are always merged in the
 * order of the cache:
 *
 *   few tokens (decode, verification): KV heads x chunks of the cache; all partials go to the
 * shared scratch and a third phase merges them. many tokens (prefill): KV heads x tiles of tokens;
 * each tile walks the cache and merges as it goes. */
#include "rt-attention.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum
{
  PHASE_STORE,
  PHASE_ATTEND,
  PHASE_MERGE,
  N_PHASES
};

#define STORE_TOKENS 16 /* tokens per chunk of the first phase */
#define TILE_QUERIES 64 /* queries of one tile: heads of a group x tokens */
#define SPLIT_MAX_TOKENS 16
#define MAX_LAYERS 65536           /* of a cache */
#define SPLIT_MAX_BYTES (4u << 20) /* of partial results; one token is split whatever it takes */

static bool
attention_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                 RtError *error)
{
  const RtAttentionAttrs *attrs = node->attrs;
  int64_t q_cols = (int64_t)attrs->n_heads * attrs->head_dim;
  int64_t kv_cols = (int64_t)attrs->n_kv_heads * attrs->head_dim;

  if (attrs->n_heads == 0 || attrs->n_kv_heads == 0 || attrs->head_dim == 0
      || attrs->n_heads % attrs->n_kv_heads != 0)
    return rt_fail (error, RT_ERROR_FORMAT, "%u heads of %u values cannot share %u key-value heads",
                    attrs->n_heads, attrs->head_dim, attrs->n_kv_heads);
  if (attrs->quantize && attrs->head_dim % KN_Q8_GROUP != 0)
    return rt_fail (error, RT_ERROR_FORMAT, "heads of %u values are not whole groups of %d",
                    attrs->head_dim, KN_Q8_GROUP);
  if (!rt_op_check_rows (graph, node, RT_ATTN_Q, q_cols, false, error)
      || !rt_op_check_rows (graph, node, RT_ATTN_K, kv_cols, false, error)
      || !rt_op_check_rows (graph, node, RT_ATTN_V, kv_cols, false, error))
    return false;
  int64_t n_tokens = rt_op_input_value (graph, node, RT_ATTN_Q)->shape.dims[0];
  if (rt_op_input_value (graph, node, RT_ATTN_K)->shape.dims[0] != n_tokens
      || rt_op_input_value (graph, node, RT_ATTN_V)->shape.dims[0] != n_tokens)
    return rt_fail (error, RT_ERROR_FORMAT, "queries, keys and values are of different tokens");
  if (attrs->kv_layer >= MAX_LAYERS)
    return rt_fail (error, RT_ERROR_RANGE, "a cache has no layer %u", attrs->kv_layer);

  shapes[0] = rt_op_input_value (graph, node, RT_ATTN_Q)->shape;
  types[0] = attrs->quantize ? RT_TYPE_Q8_ROWS : RT_TYPE_F32;
  return true;
}

static void
attention_cache (const RtNode *node, RtKvShape *shape)
{
  const RtAttentionAttrs *attrs = node->attrs;
  *shape = (RtKvShape){ attrs->kv_layer + 1, attrs->n_kv_heads, attrs->head_dim };
}

/* ---- sizes ---- */

size_t
rt_attn_tile_tokens (const RtAttentionAttrs *attrs)
{
  size_t n = TILE_QUERIES / rt_attn_group (attrs);
  return n > 0 ? n : 1;
}

/* Floats of one query's partial result: maximum, sum, weighted values. */
static size_t
partial_floats (const RtAttentionAttrs *attrs)
{
  return attrs->head_dim + 2;
}

/* Runs of up to this many tokens are split over the cache. */
static size_t
split_tokens (const RtAttentionAttrs *attrs, size_t capacity)
{
  size_t n_chunks = (capacity + KN_ATTN_CHUNK - 1) / KN_ATTN_CHUNK;
  size_t token_bytes = n_chunks * attrs->n_heads * partial_floats (attrs) * sizeof (float);
  size_t n = SPLIT_MAX_BYTES / (token_bytes + 1);

  n = n < SPLIT_MAX_TOKENS ? n : SPLIT_MAX_TOKENS;
  return n > 0 ? n : 1;
}

static size_t
max_queries (const RtAttentionAttrs *attrs)
{
  size_t tokens = rt_attn_tile_tokens (attrs);
  return rt_attn_group (attrs) * (tokens > SPLIT_MAX_TOKENS ? tokens : SPLIT_MAX_TOKENS);
}

#define SCRATCH_ROWS 3
#define SCRATCH_WORDS 7

static RtAttnScratch
scratch_of (const RtOpContext *context, const RtWorker *worker)
{
  const RtAttentionAttrs *attrs = context->attrs;
  size_t n = (max_queries (attrs) + 15) / 16 * 16, n_values = n * attrs->head_dim;
  float *memory = rt_op_thread_scratch (context, worker);
  float *words = memory + SCRATCH_ROWS * n_values;

  return (RtAttnScratch){ .q = memory,
                          .part = memory + n_values,
                          .sum = memory + 2 * n_values,
                          .m = words,
                          .l = words + n,
                          .m0 = words + 2 * n,
                          .l0 = words + 3 * n,
                          .n_visible = (uint32_t *)(words + 4 * n),
                          .first_visible = (uint32_t *)(words + 5 * n),
                          .bias = words + 6 * n,
                          .kernel = words + SCRATCH_WORDS * n };
}

static void
attention_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtAttentionAttrs *attrs = query->node->attrs;
  uint64_t n = (max_queries (attrs) + 15) / 16 * 16;
  uint64_t n_chunks = (query->kv_capacity + KN_ATTN_CHUNK - 1) / KN_ATTN_CHUNK;

  *thread_bytes = (SCRATCH_ROWS * attrs->head_dim + SCRATCH_WORDS) * n * sizeof (float)
                  + kn_attn_scratch_bytes (n, attrs->head_dim);
  *shared_bytes = n_chunks * split_tokens (attrs, query->kv_capacity) * attrs->n_heads
                  * partial_floats (attrs) * sizeof (float);
}

/* ---- what a run sees ---- */

static size_t
run_tokens (const RtOpContext *context)
{
  return rt_shape_rows (&context->outputs[0].shape);
}

static bool
is_split (const RtOpContext *context)
{
  return run_tokens (context) <= split_tokens (context->attrs, rt_kv_capacity (context->kv));
}

/* First position that the token at @position sees. */
static uint32_t
first_seen (const RtAttentionAttrs *attrs, uint32_t position)
{
  if (attrs->window == 0 || position + 1 <= attrs->window)
    return 0;
  return position + 1 - attrs->window;
}

void
rt_attn_chunk_range (const RtOpContext *context, size_t token, size_t n_tokens, size_t *first,
                     size_t *last)
{
  uint32_t position = context->position + (uint32_t)token;
  n_tokens = context->tree != NULL ? context->tree->n_depths : n_tokens;
  *first = first_seen (context->attrs, position) / KN_ATTN_CHUNK;
  *last = (position + n_tokens + KN_ATTN_CHUNK - 1) / KN_ATTN_CHUNK;
}

static uint32_t
attention_chunks (const RtOpContext *context, uint32_t phase)
{
  const RtAttentionAttrs *attrs = context->attrs;
  size_t n_tokens = run_tokens (context), first, last;

  if (n_tokens == 0)
    return 0;
  rt_attn_chunk_range (context, 0, n_tokens, &first, &last);

  if (phase == PHASE_STORE)
    return (uint32_t)((n_tokens + STORE_TOKENS - 1) / STORE_TOKENS);
  if (phase == PHASE_ATTEND && context->tree != NULL)
    return rt_attn_tree_chunks (context, is_split (context));
  if (phase == PHASE_ATTEND && is_split (context))
    return (uint32_t)(attrs->n_kv_heads * (last - first));
  if (phase == PHASE_ATTEND)
    return (
        uint32_t)(attrs->n_kv_heads
                  * ((n_tokens + rt_attn_tile_tokens (attrs) - 1) / rt_attn_tile_tokens (attrs)));
  if (!is_split (context))
    return 0;
  return rt_split (n_tokens * attrs->n_heads,
                   (last - first) * partial_floats (attrs) * sizeof (float), context->n_threads);
}

/* ---- store ---- */

void
rt_attn_store (const RtOpContext *context, uint32_t kv_head, uint32_t position, size_t token)
{
  const RtAttentionAttrs *attrs = context->attrs;
  const KnDtype format = rt_kv_format (context->kv);
  const uint32_t kv_chunk = position / KN_ATTN_CHUNK, at = position % KN_ATTN_CHUNK;
  const size_t row = token * attrs->n_kv_heads + kv_head;

  context->kn->attn.store_k (format, rt_kv_k (context->kv, attrs->kv_layer, kv_head, kv_chunk),
                             attrs->head_dim, at,
                             rt_tensor_row (&context->inputs[RT_ATTN_K], row, attrs->head_dim));
  context->kn->attn.store_v (format, rt_kv_v (context->kv, attrs->kv_layer, kv_head, kv_chunk),
                             attrs->head_dim, at,
                             rt_tensor_row (&context->inputs[RT_ATTN_V], row, attrs->head_dim));
}

static void
store_tokens (const RtOpContext *context, uint32_t chunk)
{
  const RtAttentionAttrs *attrs = context->attrs;
  size_t first = (size_t)chunk * STORE_TOKENS, last = first + STORE_TOKENS;
  last = last < run_tokens (context) ? last : run_tokens (context);

  for (size_t t = first; t < last; t++)
    {
      if (context->tree != NULL)
        rt_attn_tree_store (context, t);
      for (uint32_t head = 0; head < attrs->n_kv_heads && context->tree == NULL; head++)
        rt_attn_store (context, head, context->position + (uint32_t)t, t);
    }
}

/* ---- attend ---- */

void
rt_attn_gather (const RtOpContext *context, uint32_t kv_head, const RtAttnTokens *tokens,
                const RtAttnScratch *scratch)
{
  const RtAttentionAttrs *attrs = context->attrs;
  size_t group = rt_attn_group (attrs);

  for (size_t i = 0; i < tokens->n; i++)
    context->kn->vec.scale (rt_tensor_row (&context->inputs[RT_ATTN_Q],
                                           rt_attn_token (tokens, i) * attrs->n_heads
                                               + kv_head * group,
                                           attrs->head_dim),
                            attrs->scale, group * attrs->head_dim,
                            scratch->q + i * group * attrs->head_dim);
}

static uint32_t
clamp_to_chunk (uint32_t position, size_t start)
{
  if (position <= start)
    return 0;
  return position - start < KN_ATTN_CHUNK ? (uint32_t)(position - start) : KN_ATTN_CHUNK;
}

static float
head_bias (const RtAttentionAttrs *attrs, size_t head)
{
  return head < RT_ATTENTION_MAX_HEADS ? attrs->softmax_bias[head] : 0;
}

/* What the queries see of the chunk that begins at position @start: from the first to the last, and
 * as counted from there. Returns the end of what any of them sees. */
static uint32_t
find_visible (const RtOpContext *context, uint32_t kv_head, const RtAttnTokens *tokens,
              size_t start, const RtAttnScratch *scratch)
{
  const RtAttentionAttrs *attrs = context->attrs;
  size_t group = rt_attn_group (attrs), n = 0;
  uint32_t end = 0;

  for (size_t i = 0; i < tokens->n; i++)
    {
      uint32_t position = rt_op_position (context, rt_attn_token (tokens, i));
      uint32_t n_visible = clamp_to_chunk (position + 1, start);
      end = n_visible > end ? n_visible : end;
      for (size_t g = 0; g < group; g++, n++)
        {
          scratch->n_visible[n] = n_visible;
          scratch->bias[n] = head_bias (attrs, kv_head * group + g);
          scratch->first_visible[n] = clamp_to_chunk (first_seen (attrs, position), start);
        }
    }
  return end;
}

void
rt_attn_chunk (const RtOpContext *context, uint32_t kv_head, size_t kv_chunk,
               const RtAttnTokens *tokens, const float *q, const RtAttnScratch *scratch, float *m,
               float *l, float *o)
{
  const RtAttentionAttrs *attrs = context->attrs;

  context->kn->attn.chunk (&(KnAttnChunk){
      .format = rt_kv_format (context->kv),
      .head_dim = attrs->head_dim,
      .k = rt_kv_k (context->kv, attrs->kv_layer, kv_head, (uint32_t)kv_chunk),
      .v = rt_kv_v (context->kv, attrs->kv_layer, kv_head, (uint32_t)kv_chunk),
      .first = 0,
      .last = find_visible (context, kv_head, tokens, kv_chunk * KN_ATTN_CHUNK, scratch),
      .n_queries = tokens->n * rt_attn_group (attrs),
      .q = q,
      .q_stride = attrs->head_dim,
      .n_visible = scratch->n_visible,
      .first_visible = scratch->first_visible,
      .softcap = attrs->softcap,
      .levels = attrs->softmax_levels,
      .bias = attrs->softmax_levels != 0 ? scratch->bias : NULL,
      .m = m,
      .l = l,
      .o = o,
      .scratch = scratch->kernel,
  });
}

/* Divide by the sum and write head @head of @token. @sum is overwritten. */
static void
write_head (const RtOpContext *context, size_t token, size_t head, float *sum, float l)
{
  const RtAttentionAttrs *attrs = context->attrs;
  size_t n = attrs->head_dim, n_cols = attrs->n_heads * n;

  if (!attrs->quantize)
    {
      context->kn->attn.finish (sum, l, n,
                                rt_tensor_row (&context->outputs[0], token, n_cols) + head * n);
      return;
    }
  context->kn->attn.finish (sum, l, n, sum);
  rt_q8_store (context->kn, (uint8_t *)context->outputs[0].data + token * kn_q8_row_bytes (n_cols),
               n_cols, head * n, n, sum);
}

void
rt_attn_begin (const RtOpContext *context, size_t n, const RtAttnScratch *scratch)
{
  const RtAttentionAttrs *attrs = context->attrs;

  for (size_t i = 0; i < n; i++)
    {
      scratch->m0[i] = -INFINITY;
      scratch->l0[i] = 0;
    }
  memset (scratch->sum, 0, n * attrs->head_dim * sizeof *scratch->sum);
}

void
rt_attn_merge_chunk (const RtOpContext *context, uint32_t kv_head, size_t kv_chunk,
                     const RtAttnTokens *tokens, size_t at, const RtAttnScratch *scratch)
{
  const RtAttentionAttrs *attrs = context->attrs;
  size_t n = attrs->head_dim, n_queries = tokens->n * rt_attn_group (attrs);

  rt_attn_chunk (context, kv_head, kv_chunk, tokens, scratch->q + at * n, scratch, scratch->m,
                 scratch->l, scratch->part);
  for (size_t i = 0; i < n_queries; i++)
    context->kn->attn.merge (&scratch->m0[at + i], &scratch->l0[at + i],
                             scratch->sum + (at + i) * n, scratch->m[i], scratch->l[i],
                             scratch->part + i * n, n);
}

void
rt_attn_write (const RtOpContext *context, uint32_t kv_head, const RtAttnTokens *tokens,
               const RtAttnScratch *scratch)
{
  const RtAttentionAttrs *attrs = context->attrs;
  size_t group = rt_attn_group (attrs);

  for (size_t i = 0; i < tokens->n * group; i++)
    write_head (context, rt_attn_token (tokens, i / group), kv_head * group + i % group,
                scratch->sum + i * attrs->head_dim, scratch->l0[i]);
}

static void
attend_tile (const RtOpContext *context, uint32_t kv_head, size_t tile,
             const RtAttnScratch *scratch)
{
  const RtAttentionAttrs *attrs = context->attrs;
  RtAttnTokens tokens
      = { .first = tile * rt_attn_tile_tokens (attrs), .n = rt_attn_tile_tokens (attrs) };
  size_t first, last;
  if (tokens.n > run_tokens (context) - tokens.first)
    tokens.n = run_tokens (context) - tokens.first;

  rt_attn_gather (context, kv_head, &tokens, scratch);
  rt_attn_begin (context, tokens.n * rt_attn_group (attrs), scratch);
  rt_attn_chunk_range (context, tokens.first, tokens.n, &first, &last);
  for (size_t c = first; c < last; c++)
    rt_attn_merge_chunk (context, kv_head, c, &tokens, 0, scratch);
  rt_attn_write (context, kv_head, &tokens, scratch);
}

float *
rt_attn_partials (const RtOpContext *context, uint32_t kv_head, size_t at, size_t n_kv_chunks)
{
  const RtAttentionAttrs *attrs = context->attrs;
  size_t n_queries = rt_attn_group (attrs) * run_tokens (context);

  return (float *)(void *)context->scratch
         + (kv_head * n_kv_chunks + at) * n_queries * partial_floats (attrs);
}

static void
attend_split (const RtOpContext *context, uint32_t chunk, const RtAttnScratch *scratch)
{
  const RtAttnTokens tokens = { .first = 0, .n = run_tokens (context) };
  size_t n_queries = tokens.n * rt_attn_group (context->attrs), first, last;

  rt_attn_chunk_range (context, 0, tokens.n, &first, &last);
  uint32_t kv_head = chunk / (uint32_t)(last - first);
  size_t kv_chunk = chunk % (last - first);
  float *part = rt_attn_partials (context, kv_head, kv_chunk, last - first);

  rt_attn_gather (context, kv_head, &tokens, scratch);
  rt_attn_chunk (context, kv_head, first + kv_chunk, &tokens, scratch->q, scratch, part,
                 part + n_queries, part + 2 * n_queries);
}

/* ---- merge: queries in the order token, head ---- */

static void
merge_head (const RtOpContext *context, size_t token, size_t head, float *sum)
{
  const RtAttentionAttrs *attrs = context->attrs;
  size_t n = attrs->head_dim, group = rt_attn_group (attrs), first, last;
  size_t n_queries = group * run_tokens (context);
  size_t i = (context->tree != NULL ? context->tree->ranks[token] : token) * group + head % group;
  float m0 = -INFINITY, l0 = 0;

  memset (sum, 0, n * sizeof *sum);
  rt_attn_chunk_range (context, 0, run_tokens (context), &first, &last);
  for (size_t c = 0; c < last - first; c++)
    {
      const float *part = rt_attn_partials (context, (uint32_t)(head / group), c, last - first);
      context->kn->attn.merge (&m0, &l0, sum, part[i], part[n_queries + i],
                               part + 2 * n_queries + i * n, n);
    }
  write_head (context, token, head, sum, l0);
}

static void
attention_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtAttentionAttrs *attrs = context->attrs;
  RtAttnScratch scratch = scratch_of (context, worker);

  if (phase == PHASE_STORE)
    store_tokens (context, chunk);
  else if (phase == PHASE_ATTEND && context->tree != NULL)
    rt_attn_tree_attend (context, is_split (context), chunk, &scratch);
  else if (phase == PHASE_ATTEND && is_split (context))
    attend_split (context, chunk, &scratch);
  else if (phase == PHASE_ATTEND)
    attend_tile (context, chunk % attrs->n_kv_heads, chunk / attrs->n_kv_heads, &scratch);
  else
    {
      uint64_t first, last;
      rt_split_range (run_tokens (context) * attrs->n_heads,
                      attention_chunks (context, PHASE_MERGE), chunk, &first, &last);
      for (uint64_t i = first; i < last; i++)
        merge_head (context, i / attrs->n_heads, i % attrs->n_heads, scratch.sum);
    }
}

/* ---- reference ---- */

/* A weight among those of its chunk, of which @top is the largest score; @score is the position's
 * own. */
static double
reference_weight (const RtAttentionAttrs *attrs, size_t head, double score, double top)
{
  double e = exp (score - top);

  if (attrs->softmax_levels == 0)
    return e;
  return nearbyint (e * attrs->softmax_levels) / attrs->softmax_levels + head_bias (attrs, head);
}

/* One query against the cache, the plain softmax, in f64. */
static void
reference_head (const RtOpContext *context, size_t token, size_t head, float *y)
{
  const RtAttentionAttrs *attrs = context->attrs;
  size_t n = attrs->head_dim;
  uint32_t position = rt_op_position (context, token),
           kv_head = (uint32_t)(head / rt_attn_group (attrs)), first = first_seen (attrs, position);
  const float *q = rt_tensor_row (&context->inputs[RT_ATTN_Q], token * attrs->n_heads + head, n);
  double *p = rt_reference_alloc ((position + 1) * sizeof *p);
  double *tops = rt_reference_alloc ((position / KN_ATTN_CHUNK + 1) * sizeof *tops);
  double *sum = rt_reference_alloc (n * sizeof *sum);
  float *row = rt_reference_alloc (n * sizeof *row);
  double top = -INFINITY, l = 0;

  for (uint32_t i = 0; i <= position / KN_ATTN_CHUNK; i++)
    tops[i] = -INFINITY;
  for (uint32_t i = first; i <= position; i++)
    {
      double *chunk_top = &tops[i / KN_ATTN_CHUNK];
      kn_load_k (rt_kv_format (context->kv),
                 rt_kv_k (context->kv, attrs->kv_layer, kv_head, i / KN_ATTN_CHUNK), n,
                 i % KN_ATTN_CHUNK, row);
      for (size_t d = 0; d < n; d++)
        p[i] += (double)q[d] * attrs->scale * row[d];
      if (attrs->softcap != 0)
        p[i] = attrs->softcap * tanh (p[i] / attrs->softcap);
      *chunk_top = p[i] > *chunk_top ? p[i] : *chunk_top;
      top = p[i] > top ? p[i] : top;
    }
  for (uint32_t i = first; i <= position; i++)
    {
      double chunk_top = tops[i / KN_ATTN_CHUNK];
      double e = reference_weight (attrs, head, p[i], chunk_top) * exp (chunk_top - top);
      kn_load_v (rt_kv_format (context->kv),
                 rt_kv_v (context->kv, attrs->kv_layer, kv_head, i / KN_ATTN_CHUNK), n,
                 i % KN_ATTN_CHUNK, row);
      l += exp (p[i] - top);
      for (size_t d = 0; d < n; d++)
        sum[d] += e * row[d];
    }
  for (size_t d = 0; d < n; d++)
    y[d] = (float)(sum[d] / l);
  free (row);
  free (sum);
  free (tops);
  free (p);
}

static void
attention_reference (const RtOpContext *context)
{
  const RtAttentionAttrs *attrs = context->attrs;
  size_t n_cols = (size_t)attrs->n_heads * attrs->head_dim;
  float *row = rt_reference_alloc (n_cols * sizeof *row);

  for (uint32_t chunk = 0; chunk < attention_chunks (context, PHASE_STORE); chunk++)
    store_tokens (context, chunk);
  for (size_t token = 0; token < run_tokens (context); token++)
    {
      if (context->tree != NULL)
        rt_attn_tree_put (context, (uint32_t)token);
      for (size_t head = 0; head < attrs->n_heads; head++)
        reference_head (context, token, head, row + head * attrs->head_dim);
      if (attrs->quantize)
        kn_table_for_level (KN_LEVEL_C)
            ->matmul.quantize_q8 (row, n_cols,
                                  (uint8_t *)context->outputs[0].data
                                      + token * kn_q8_row_bytes (n_cols));
      else
        memcpy (rt_tensor_row (&context->outputs[0], token, n_cols), row, n_cols * sizeof *row);
    }
  if (context->tree != NULL)
    rt_attn_tree_put (context, context->tree->leaves[context->tree->n_paths - 1]);
  free (row);
}

static void
attention_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtAttentionAttrs *attrs = query->node->attrs;
  uint64_t n_tokens = rt_op_query_rows (query), n_seen = 0;

  rt_op_cost_io (query, cost);
  for (uint64_t t = 0; t < n_tokens; t++)
    {
      uint32_t position = query->position + (uint32_t)t;
      n_seen += position + 1 - first_seen (attrs, position);
    }
  /* Scores and values: a multiply and an add each. */
  cost->flops = 4 * n_seen * attrs->n_heads * attrs->head_dim;

  uint64_t position_bytes = attrs->n_kv_heads
                            * (kn_k_bytes (query->kv_format, attrs->head_dim, KN_PANEL_ROWS)
                               + kn_v_bytes (query->kv_format, attrs->head_dim, KN_PANEL_ROWS))
                            / KN_PANEL_ROWS;
  cost->write_bytes += n_tokens * position_bytes;
  cost->read_bytes
      += (query->position + n_tokens - first_seen (attrs, query->position)) * position_bytes;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_SIZE (RtAttentionAttrs, n_heads),
  RT_FIELD_SIZE (RtAttentionAttrs, n_kv_heads),
  RT_FIELD_SIZE (RtAttentionAttrs, head_dim),
  RT_FIELD (RtAttentionAttrs, kv_layer, 0, MAX_LAYERS - 1),
  RT_FIELD_FINITE (RtAttentionAttrs, scale),
  RT_FIELD_FROM_0 (RtAttentionAttrs, softcap),
  RT_FIELD_FINITE (RtAttentionAttrs, window),
  RT_FIELD_FLAG (RtAttentionAttrs, quantize),
  RT_FIELD (RtAttentionAttrs, softmax_levels, 0, 0x1p22),
  RT_FIELD_FINITE (RtAttentionAttrs, softmax_bias),
};
/* clang-format on */

const RtOp rt_op_attention = {
  .name = "attention",
  .title = "Attention",
  .attrs_bytes = sizeof (RtAttentionAttrs),
  RT_FIELDS (fields),
  .min_inputs = 3,
  .max_inputs = 3,
  .n_outputs = 1,
  .infer = attention_infer,
  .cache = attention_cache,
  .scratch = attention_scratch,
  .n_phases = N_PHASES,
  .n_chunks = attention_chunks,
  .run = attention_run,
  .reference = attention_reference,
  .cost = attention_cost,
};
