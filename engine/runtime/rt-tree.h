/* A tree of drafted tokens: several continuations of one sequence, fed in one run and verified
 * together (Miao et al. 2024, SpecInfer, section 4: tree attention).
 *
 *     sequence ... a b ─┬─ 0 ── 1 ─┬─ 2 ── 3        depth: 0 1 2 3
 *                       │          └─ 4                        2
 *                       └─ 5 ── 6                          0 1
 *
 * A token's position is that of the sequence's end plus its depth; it sees the sequence and its own
 * ancestors. Attention takes one path from a root to a leaf after the other: the path's keys and
 * values are put at the very positions they would have in a plain run, and the tokens that the path
 * *owns* are computed on it. So a token of a tree has the bits that it has in a plain run of its
 * path. The branch of first children goes last: it is what stays in the cache, and most drafts that
 * are kept are a piece of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rt-error.h"

#define RT_TREE_MAX_TOKENS 64
#define RT_TREE_ROOT UINT32_MAX /* RT_NONE: the parent is the sequence's last token */

typedef struct
{
  uint32_t n_tokens, n_paths, n_depths; /* n_depths: positions that the deepest path takes */
  uint32_t parents[RT_TREE_MAX_TOKENS]; /* below the token's own number, or RT_TREE_ROOT */
  uint32_t depths[RT_TREE_MAX_TOKENS];
  uint32_t leaves[RT_TREE_MAX_TOKENS]; /* [n_paths], in the order in which paths are taken */
  uint32_t owned[RT_TREE_MAX_TOKENS];  /* tokens by the path that owns them, by depth */
  uint32_t ranks[RT_TREE_MAX_TOKENS];  /* where in owned a token is */
  uint32_t first_owned[RT_TREE_MAX_TOKENS
                       + 1]; /* path p owns owned[first_owned[p] .. first_owned[p + 1]) */
} RtTree;

/* Fails with RT_ERROR_RANGE on parents that are not before their children, or too many tokens;
 * @tree is then undefined. Microseconds, no memory. */
bool rt_tree_init (RtTree *tree, const uint32_t *parents, uint32_t n_tokens, RtError *error);

/* Every token follows the one before it. */
bool rt_tree_is_chain (const uint32_t *parents, uint32_t n_tokens);

/* The tokens from the root to @leaf into path[0 .. depth of @leaf]; returns their number. */
uint32_t rt_tree_path (const RtTree *tree, uint32_t leaf, uint32_t *path);
