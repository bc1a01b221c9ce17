/* Trade-off: runs as points of two figures, with their front and typed limits. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Property: "show-table" boolean. */
#define APP_TYPE_TRADEOFF_VIEW (app_tradeoff_view_get_type ())
G_DECLARE_FINAL_TYPE (AppTradeoffView, app_tradeoff_view, APP, TRADEOFF_VIEW, GtkWidget)

G_END_DECLS
