/* A distribution as a chart and in words. */
#pragma once

#include "eng-distribution.h"
#include "plot-chart.h"

G_BEGIN_DECLS

/* Replace what @chart shows. @log_counts: the count axis is logarithmic, so that tails are seen. */
void app_distribution_fill (PlotChart *chart, const EngDistribution *distribution,
                            gboolean log_counts);
/* Extent, grid, rounding, clipping, outliers and entropy, a line each. */
char *app_distribution_dup_facts (const EngDistribution *distribution);

G_END_DECLS
