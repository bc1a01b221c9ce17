/* Which parts of which blocks the technique "layer-skip" leaves out, for those who search for such
 * lists or draft with them. The part of a block is named by the matrix at its end: a rule that
 * matches "blk.7.attn_output.weight" skips the attention of block 7, one that matches
 * "blk.7.ffn_down.weight" its feed-forward part; "blk.7.*" both. */
#pragma once

#include "eng-recipe.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_BLOCK_ATTENTION,
  ENG_BLOCK_FEED_FORWARD,
} EngBlockPart;

/* By the recipe's rules alone; blocks by importance (count) come on top. */
gboolean eng_layer_skip_is_skipped (EngRecipe *recipe, guint block, EngBlockPart part);

/* The @count blocks of least @importance [n] among those that are not @taken [n] (nullable): sets
 * @chosen [n]. Of equal ones the later block. Returns how many. */
guint eng_layer_skip_choose (const double *importance, const gboolean *taken, guint n, guint count,
                             gboolean *chosen);

G_END_DECLS
