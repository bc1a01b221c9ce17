/* What rows of a comparison are called under an axis, and how its values look. No widgets: reports
 * use it, too. */
#pragma once

#include "eng-compare.h"
#include "plot-format.h"
#include "plot-style.h"

G_BEGIN_DECLS

/* How much of every layer's name is the same path ("model/"): it says nothing on an axis. */
gsize app_compare_common_path (EngComparison *comparison);
/* The short name of a row: "3", "Emb", "activation_2". @common: from the above. Newly allocated. */
char *app_compare_dup_row_label (const EngCompareRow *row, gsize common);

/* How values of a metric are written, and in which form they are drawn: an energy's grade is seen,
 * not only read. */
PlotUnit app_compare_unit (EngComparison *comparison, EngLayerMetric metric);
PlotState app_compare_state (EngLayerMetric metric);

/* How far up a lane of changes reaches: over every change, but not over the few intervals that are
 * much wider than the others. [n] each, NaN: absent. INFINITY where nothing is in the way. */
double app_compare_limit (const double *value, const double *high, guint n);

G_END_DECLS
