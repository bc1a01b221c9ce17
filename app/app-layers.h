/* Small questions about the layer axis that several views ask. */
#pragma once

#include "eng-model.h"

G_BEGIN_DECLS

/* A glob that matches exactly the weight matrices of @layer among all of @model's ("blk.3.*",
 * "token_embd.weight"): the rule behind "this layer only". NULL when the layer has no matrices of
 * its own, or none such exists. */
char *app_layers_dup_pattern (EngModel *model, int layer);

/* How many weight matrices the glob @pattern matches. */
guint app_layers_count_matches (EngModel *model, const char *pattern);

/* The layer's name; of a network's block without the path that all blocks have in common. */
char *app_layers_dup_title (EngModel *model, int layer);

/* What the bracket under the layer's bar says: the module that it and its neighbours lie in, or
 * that they are blocks; NULL: no bracket. */
char *app_layers_dup_group (EngModel *model, int layer);

/* The short name under the axis: "3", "Emb", "Out"; of a network the module that the block lies in,
 * "In", "Out". */
char *app_layers_dup_label (EngModel *model, int layer);

/* The end of a path of modules, at most 13 characters: "model/block_3/expand" is "expand". */
char *app_layers_dup_short_name (const char *name);

G_END_DECLS
