/* The popover that offers the runs of the history for a comparison: those that can be lined up,
 * and, with the reason, those that cannot. */
#pragma once

#include <gtk/gtk.h>

#include "eng-history.h"

G_BEGIN_DECLS

#define APP_TYPE_COMPARE_ADD (app_compare_add_get_type ())
G_DECLARE_FINAL_TYPE (AppCompareAdd, app_compare_add, APP, COMPARE_ADD, GtkPopover)

/* Signal "added" (EngRun): that run was picked. */
GtkWidget *app_compare_add_new (void);

/* List what @history (nullable) has beside @runs (of EngRun, those compared already; the first
 * decides what can be lined up). */
void app_compare_add_fill (AppCompareAdd *self, EngHistory *history, GPtrArray *runs);

G_END_DECLS
