/* Figures of one recipe on several devices: a line for each figure, a column for each device. */
#pragma once

#include "app-figures.h"
#include "plot-table.h"

G_BEGIN_DECLS

/* @runs: [n], NULL entries where nothing was measured; @names: [n]. A new reference. */
PlotTable *app_device_table_new (EngModelKind kind, EngRun *const *runs, const char *const *names,
                                 guint n);

G_END_DECLS
