/* Trees of drafted tokens: depths, paths and who owns whom. Called by the executor before a run and
 * by attention during it; knows nothing of caches. */
#include "rt-tree.h"

#include <string.h>

bool
rt_tree_is_chain (const uint32_t *parents, uint32_t n_tokens)
{
  for (uint32_t i = 0; i < n_tokens; i++)
    if (parents[i] != (i == 0 ? RT_TREE_ROOT : i - 1))
      return false;
  return true;
}

uint32_t
rt_tree_path (const RtTree *tree, uint32_t leaf, uint32_t *path)
{
  uint32_t n = tree->depths[leaf] + 1;

  for (uint32_t at = n, token = leaf; at-- > 0; token = tree->parents[token])
    path[at] = token;
  return n;
}

static bool
take_parents (RtTree *tree, const uint32_t *parents, uint32_t n_tokens, RtError *error)
{
  if (n_tokens == 0 || n_tokens > RT_TREE_MAX_TOKENS)
    return rt_fail (error, RT_ERROR_RANGE, "A tree of drafted tokens has 1 to %d of them, got %u",
                    RT_TREE_MAX_TOKENS, n_tokens);

  memset (tree, 0, sizeof *tree);
  tree->n_tokens = n_tokens;
  for (uint32_t i = 0; i < n_tokens; i++)
    {
      if (parents[i] != RT_TREE_ROOT && parents[i] >= i)
        return rt_fail (error, RT_ERROR_RANGE,
                        "Token %u of a tree has parent %u, expected one of the tokens before it", i,
                        parents[i]);
      tree->parents[i] = parents[i];
      tree->depths[i] = parents[i] == RT_TREE_ROOT ? 0 : tree->depths[parents[i]] + 1;
      if (tree->depths[i] >= tree->n_depths)
        tree->n_depths = tree->depths[i] + 1;
    }
  return true;
}

/* The leaf that one comes to from the first root by first children. */
static uint32_t
first_branch (const RtTree *tree)
{
  uint32_t leaf = 0;

  for (uint32_t i = 1; i < tree->n_tokens; i++)
    if (tree->parents[i] == leaf)
      leaf = i;
  return leaf;
}

static void
find_leaves (RtTree *tree)
{
  bool has_child[RT_TREE_MAX_TOKENS] = { false };
  uint32_t last = first_branch (tree);

  for (uint32_t i = 0; i < tree->n_tokens; i++)
    if (tree->parents[i] != RT_TREE_ROOT)
      has_child[tree->parents[i]] = true;
  for (uint32_t i = 0; i < tree->n_tokens; i++)
    if (!has_child[i] && i != last)
      tree->leaves[tree->n_paths++] = i;
  tree->leaves[tree->n_paths++] = last;
}

/* A token belongs to the last path that goes through it, so that the first branch is whole. */
static void
find_owned (RtTree *tree)
{
  uint32_t owner[RT_TREE_MAX_TOKENS], path[RT_TREE_MAX_TOKENS], n = 0;

  for (uint32_t p = 0; p < tree->n_paths; p++)
    for (uint32_t i = rt_tree_path (tree, tree->leaves[p], path); i-- > 0;)
      owner[path[i]] = p;
  for (uint32_t p = 0; p < tree->n_paths; p++)
    {
      uint32_t n_path = rt_tree_path (tree, tree->leaves[p], path);
      tree->first_owned[p] = n;
      for (uint32_t i = 0; i < n_path; i++)
        if (owner[path[i]] == p)
          {
            tree->ranks[path[i]] = n;
            tree->owned[n++] = path[i];
          }
    }
  tree->first_owned[tree->n_paths] = n;
}

bool
rt_tree_init (RtTree *tree, const uint32_t *parents, uint32_t n_tokens, RtError *error)
{
  if (!take_parents (tree, parents, n_tokens, error))
    return false;
  find_leaves (tree);
  find_owned (tree);
  return true;
}
