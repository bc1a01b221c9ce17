/* What an evaluation becomes in the accuracy view: rows of the plot, changes of the tiles, words.
 * No widgets but the plot. */
#pragma once

#include "app-change.h"
#include "eval/eng-evaluation.h"
#include "eval/eng-metric.h"
#include "plot-forest.h"

G_BEGIN_DECLS

/* The paired change as the tiles show it: ratios for all but shares; none where the metric is
 * itself a comparison. */
AppChange app_accuracy_change (EngEvaluation *evaluation, const EngMetric *info,
                               const EngEvalValue *value);
/* One line of the plot; its texts are put into @own, which frees them (g_free). */
PlotForestRow app_accuracy_make_row (EngEvaluation *evaluation, const EngMetric *info,
                                     const EngEvalValue *value, GPtrArray *own);
/* One line for the whole, one for each group; of changes where there is a baseline, else of the
 * values. */
void app_accuracy_fill_forest (EngEvaluation *evaluation, const EngEvalMetric *metric,
                               PlotForest *forest);
/* What filled and hollow mean here; "" where nothing is compared. */
const char *app_accuracy_footnote (EngEvaluation *evaluation, const EngEvalMetric *metric);

G_END_DECLS
