/* The key-value cache of one sequence, cut along the sequence into chunks of KN_ATTN_CHUNK
 * positions.
 *
 *     chunk 0                                              chunk 1
 *     ┌─ block 0 ──────────────────┬─ block 1 ───┬─ ...    ┌─ block 0 ── ...
 *     │ head 0: k, v │ head 1: k, v │             │         │
 *     └──────────────┴──────────────┴─────────────┴─ ...    └─ ...
 *
 * So what one token needs of a chunk and head lies together, and memory is used as the sequence
 * grows, not at once. Inside of a chunk and head keys lie in panels and values in rows, as
 * kn-attn.h says, with positions counted from the chunk's first. */
#pragma once

#include "kn-attn.h"
#include "rt-error.h"

typedef struct RtKv RtKv;

/* The cache that a node, or the largest that all nodes of a graph, want. */
typedef struct
{
  uint32_t n_layers, n_heads, head_dim;
} RtKvShape;

/* @capacity positions (rounded up to a multiple of 16) for @n_layers blocks of @n_heads KV heads of
 * @head_dim. */
RtKv *rt_kv_new (KnDtype format, uint32_t n_layers, uint32_t n_heads, uint32_t head_dim,
                 uint32_t capacity, RtError *error);
void rt_kv_free (RtKv *kv); /* accepts NULL */

KnDtype rt_kv_format (const RtKv *kv);
uint32_t rt_kv_capacity (const RtKv *kv);
uint32_t rt_kv_n_used (const RtKv *kv);             /* positions that hold tokens */
void rt_kv_set_n_used (RtKv *kv, uint32_t n_used);  /* truncate (or, by the executor, advance) */
uint64_t rt_kv_bytes (const RtKv *kv);              /* allocated */
uint64_t rt_kv_bytes_per_position (const RtKv *kv); /* one token, all blocks */

/* What rt_kv_new() would allocate; 0 when the format does not fit the heads. */
uint64_t rt_kv_plan_bytes (KnDtype format, uint32_t n_layers, uint32_t n_heads, uint32_t head_dim,
                           uint32_t capacity);

/* Keys and values of one head in one chunk, borrowed. */
void *rt_kv_k (RtKv *kv, uint32_t layer, uint32_t head, uint32_t chunk);
void *rt_kv_v (RtKv *kv, uint32_t layer, uint32_t head, uint32_t chunk);

/* ---- drafts ----
 *
 * The keys and values of a tree of drafted tokens (rt-tree.h) as they were computed, beside the
 * cache: its positions hold one path of the tree at a time. */

/* Room for @n_tokens; grows, never shrinks. The only call here that takes memory after the
 * beginning. */
bool rt_kv_reserve_drafts (RtKv *kv, const KnAttnFamily *kernels, uint32_t n_tokens,
                           RtError *error);
/* The row [n_heads * head_dim] of token @token of the tree. */
float *rt_kv_draft_k (RtKv *kv, uint32_t layer, uint32_t token);
float *rt_kv_draft_v (RtKv *kv, uint32_t layer, uint32_t token);
/* By the executor after a run of a tree: tokens path[0 .. n) of it are what the cache holds from
 * position @first on. */
void rt_kv_set_drafted (RtKv *kv, uint32_t first, const uint32_t *path, uint32_t n);

/* After a run of a tree (rt_exec_run_tree): keep tokens slots[0 .. n) of it, a path from a root, as
 * the sequence's next positions; the length becomes @first + @n. @first is the length before the
 * run. n = 0 keeps none. Of a path that begins like the tree's first branch only the rest is
 * written: nothing when it is a piece of it. */
void rt_kv_keep (RtKv *kv, uint32_t first, const uint32_t *slots, uint32_t n);
