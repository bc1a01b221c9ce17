/* All runs that were ever made, as a table: search, show again, pin, compare, delete, export. */
#pragma once

#include <gtk/gtk.h>

#include "eng-history.h"

G_BEGIN_DECLS

#define APP_TYPE_HISTORY_VIEW (app_history_view_get_type ())
G_DECLARE_FINAL_TYPE (AppHistoryView, app_history_view, APP, HISTORY_VIEW, GtkWidget)

/* Property: "compact" boolean: only the columns that fit a narrow window. Columns are of the
 * figures that runs of @kind have. */
void app_history_view_set_compact (AppHistoryView *self, gboolean compact);

G_END_DECLS
