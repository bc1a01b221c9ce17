/* A trade-off as layers of a chart and as a table. No widgets of the window, no session. */
#pragma once

#include "eng-tradeoff.h"
#include "plots.h"

G_BEGIN_DECLS

/* How a figure's values are written on an axis: prefixes where its unit takes them. */
PlotUnit app_tradeoff_unit (EngFigureId id);

/* Replaces all layers and titles of @chart. Points of the builds @baseline_hash and @current_hash
 * (nullable) are named as such; cards compare with the baseline's point. */
void app_tradeoff_feed_install (PlotChart *chart, const EngTradeoff *tradeoff,
                                const EngLimit *limits, guint n_limits, const char *baseline_hash,
                                const char *current_hash);

/* The point of the trade-off that a chart's point stands for, and back; -1 and FALSE: none. */
int app_tradeoff_feed_get_point (PlotLayer *layer, guint64 index);
gboolean app_tradeoff_feed_find (PlotChart *chart, int point, PlotLayer **layer, guint64 *index);

/* The point that the build @hash stands at, -1: none. Of several the newest. */
int app_tradeoff_feed_find_build (const EngTradeoff *tradeoff, const char *hash);

/* Every point, and every run that is none with its reason. */
PlotTable *app_tradeoff_make_table (const EngTradeoff *tradeoff, int baseline);
/* What is known of one point: all its figures beside those of @baseline (-1: none). */
PlotTable *app_tradeoff_make_details (const EngTradeoff *tradeoff, int point, int baseline);

G_END_DECLS
