/* Two or more runs side by side: headline numbers, lanes and table, all with differences. */
#pragma once

#include <gtk/gtk.h>

#include "app-selection.h"
#include "app-stage.h"
#include "plot-figure.h"

G_BEGIN_DECLS

#define APP_TYPE_COMPARE_VIEW (app_compare_view_get_type ())
G_DECLARE_FINAL_TYPE (AppCompareView, app_compare_view, APP, COMPARE_VIEW, GtkWidget)

/* Properties: "compact" boolean; "show-table" boolean: rows and columns instead of lanes. */
/* Compare these, the first being what the others are compared with; @n 0: follow the baseline and
 * the run shown. */
void app_compare_view_set_runs (AppCompareView *self, EngRun *const *runs, guint n);
/* What is compared now, of EngRun; a new array. */
GPtrArray *app_compare_view_dup_runs (AppCompareView *self);
void app_compare_view_set_compact (AppCompareView *self, gboolean compact);
void app_compare_view_set_show_table (AppCompareView *self, gboolean show_table);

G_END_DECLS
