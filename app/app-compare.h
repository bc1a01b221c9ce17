/* Two runs, layer by layer: what can be compared, and the differences with their intervals. */
#pragma once

#include "app-axis.h"
#include "app-change.h"
#include "eng-run.h"
#include "plot-table.h"

G_BEGIN_DECLS

/* A median with its 95 % interval as a figure in ns; unavailable when nothing was measured. */
EngFigure app_figure_from_latency (const EngLatency *latency);

/* What of two runs can be set against each other. Reasons are static and translated, NULL where it
 * can. */
typedef struct
{
  const char *layers; /* nothing at all can be lined up */
  const char *times;  /* times cannot; memory can */
  const char *caveat; /* can, but read with care */
} AppComparable;

AppComparable app_compare_check (EngRun *a, EngRun *b);

/* Change of every layer's median latency from @a to @b; [n_items] along @axis, items that are
 * operators stay NaN unless both runs executed them. */
void app_compare_fill_change (const AppAxis *axis, EngProfile *a, EngProfile *b, RtPhase phase,
                              double *frac, double *low, double *high);

/* Layer, latency of each, change with interval, weights of each, change. A new reference. */
PlotTable *app_compare_make_table (EngModel *model, EngRun *a, EngRun *b, RtPhase phase);

G_END_DECLS
