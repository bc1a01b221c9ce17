/* Blocks of a build that is saved, when some have been left out altogether. */
#pragma once

#include "eng-build-private.h"

G_BEGIN_DECLS

/* The number that each block of the model has in the saved file, -1 where it is gone: [n_layers], newly allocated. */
int *eng_build_number_blocks (EngBuild *build);
/* How many are left; and whether none is gone. */
guint eng_build_count_blocks (EngBuild *build, const int *numbers);
/* What tensor @tensor of the model's file is called in the saved one; NULL: its block is gone. Newly allocated. */
char *eng_build_dup_saved_name (EngBuild *build, const int *numbers, const RtGgufTensor *tensor);

G_END_DECLS
