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

/* The short name under the axis: "3", "Emb", "Out". */
char *app_layers_dup_label (EngModel *model, int layer);

G_END_DECLS
