/* What rows of a comparison are called under an axis. No widgets: reports use it, too. */
#pragma once

#include "eng-compare.h"

G_BEGIN_DECLS

/* How much of every layer's name is the same path ("model/"): it says nothing on an axis. */
gsize app_compare_common_path (EngComparison *comparison);
/* The short name of a row: "3", "Emb", "activation_2". @common: from the above. Newly allocated. */
char *app_compare_dup_row_label (const EngCompareRow *row, gsize common);

G_END_DECLS
