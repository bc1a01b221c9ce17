/* Blocks: the layer axis of a network. A language model's blocks are in its file; a network is only
 * a list of nodes, and hundreds of them are no axis that a person can read. */
#pragma once

#include <glib.h>

#include "rt-graph.h"

G_BEGIN_DECLS

#define ENG_MAX_BLOCKS 64

typedef struct
{
  guint n;
  int *of_node; /* [n_nodes] 0 .. n - 1, never falling along the graph's order */
  char **names; /* [n], valid UTF-8, all different; NULL-terminated */
} EngBlocks;

/* Group the nodes of @graph, in their order: every heavy operator (one that reads a weight of two
 * or more dimensions, or that multiplies two tensors) opens a block and takes the light nodes that
 * follow it; light nodes before the first belong to it. While there are more than ENG_MAX_BLOCKS,
 * the two neighbours whose names have most in common become one (of equal ones, the two with the
 * fewest nodes; of these, the first): what a framework put into one module stays together. A
 * block's name is what the source names of its nodes have in common, up to a '/', '.' or '_', or
 * else the source name of its heavy operator. At most O(blocks^2). */
EngBlocks *eng_blocks_new (const RtGraph *graph);
void eng_blocks_free (EngBlocks *blocks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngBlocks, eng_blocks_free)

G_END_DECLS
