/* What structured pruning takes from each block of a language model: feed-forward channels, and
 * attention heads in whole groups that share a key-value head. The budget of a block comes from how
 * far it turns the stream of activations, the choice inside of it from what each channel adds to
 * the block's output on the calibration text: E[x_c^2] |W_c|^2, the square of activation times
 * weight norm (Wang et al. 2024, CFSP; Sun et al. 2024, Wanda, eq. 1, summed over rows). */
#pragma once

#include "eng-activations.h"

G_BEGIN_DECLS

typedef struct
{
  /* In the source graph; 0: the part is gone altogether. */
  guint n_channels, n_groups;
  /* What stays of it. */
  guint n_channels_kept, n_groups_kept;
  guint32 *channels, *groups;          /* rising indices, NULL until they are chosen: all stay, or a
                                        * sketch */
  double channel_energy, group_energy; /* share of the squares that stays, 0..1 */
} EngPruneBlock;

typedef struct
{
  guint n_blocks;
  EngPruneBlock *blocks;
  gboolean any;     /* something goes */
  gboolean is_even; /* spread evenly although importance was asked for: it is not known yet */
} EngPrunePlan;

/* How many units stay where; milliseconds. @source: the graph that is cut. @activations NULL:
 * importance is not known. */
EngPrunePlan *eng_prune_plan_new (EngModel *model, EngRecipe *recipe, const RtGraph *source,
                                  EngActivations *activations);
void eng_prune_plan_free (EngPrunePlan *plan); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngPrunePlan, eng_prune_plan_free)

/* Whether the recipe takes anything at all. */
gboolean eng_prune_is_wanted (EngModel *model, EngRecipe *recipe);

/* Added to the diagonal of second moments, as a share of its mean (Frantar et al. 2023, GPTQ,
 * section 3.3). */
#define ENG_PRUNE_DAMPING 0.01

/* Which units stay in block @block: reads its two output matrices. FALSE: the statistics do not
 * know them. */
gboolean eng_prune_plan_choose (EngPrunePlan *plan, EngModel *model, EngActivations *activations,
                                guint block, GError **error);

/* Query heads that share a key-value head. */
guint eng_prune_group_heads (EngModel *model);

/* Indices of rows or columns of the heads of @groups [n]: @width values for each group, g_new()ed
 * [n * width]. */
guint32 *eng_prune_widen (const guint32 *groups, guint n, guint width);

G_END_DECLS
