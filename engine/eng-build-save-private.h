/* What of a build is left for its file, when parts of the model have been taken out. */
#pragma once

#include "eng-build-private.h"

G_BEGIN_DECLS

/* The number that each block of the model has in the saved file, -1 where it is gone: [n_layers],
 * newly allocated. */
int *eng_build_number_blocks (EngBuild *build);
/* How many are left; and whether none is gone. */
guint eng_build_count_blocks (EngBuild *build, const int *numbers);
/* What the tensor called @name in the model's file is called in the saved one; NULL: its block is
 * gone. Newly allocated. */
char *eng_build_dup_saved_name (EngBuild *build, const int *numbers, const char *name);

/* The sizes of the blocks that are left, [eng_build_count_blocks()], newly allocated. */
RtArchBlock *eng_build_get_saved_blocks (EngBuild *build, const int *numbers);
/* Whether blocks are not all alike, so that the file needs lists. */
gboolean eng_build_blocks_differ (const RtArchBlock *blocks, guint n);
/* FALSE and @error: the shape of a matrix or of a vector of the graph is not what those sizes
 * say. */
gboolean eng_build_check_shapes (EngBuild *build, GError **error);
/* The architecture that the file names: "deci" where blocks differ in a way that other programs
 * know of Llama's relatives, else the model's own. */
const char *eng_build_saved_arch (EngBuild *build, const RtArchBlock *blocks, guint n);

/* Which tokens are left, [n_vocab] newly allocated; NULL: all. *@n_kept: how many. */
bool *eng_build_get_kept_tokens (EngBuild *build, guint *n_kept);

G_END_DECLS
