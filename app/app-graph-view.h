/* The graph of the network, collapsed by block, with a metric as colour. */
#pragma once

#include "app-selection.h"
#include "app-stage.h"
#include "plot-figure.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define APP_TYPE_GRAPH_VIEW (app_graph_view_get_type ())
G_DECLARE_FINAL_TYPE (AppGraphView, app_graph_view, APP, GRAPH_VIEW, GtkWidget)

/* Property: "show-table" boolean. */

/* TRUE when @error is what the session says of a network with an import report: this view shows
 * why, and no other message is needed. */
gboolean app_graph_view_explains (AppGraphView *self, const GError *error);

G_END_DECLS
