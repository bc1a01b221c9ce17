/* The home view: latency and memory of every layer on one axis, filling live. */
#pragma once

#include <gtk/gtk.h>

#include "app-selection.h"
#include "app-stage.h"
#include "plot-figure.h"

G_BEGIN_DECLS

#define APP_TYPE_LANES_VIEW (app_lanes_view_get_type ())
G_DECLARE_FINAL_TYPE (AppLanesView, app_lanes_view, APP, LANES_VIEW, GtkWidget)

/* Property: "show-table" boolean: the same numbers as rows and columns. */
void app_lanes_view_set_show_table (AppLanesView *self, gboolean show_table);
gboolean app_lanes_view_get_show_table (AppLanesView *self);
/* Everything in sight again, all layers closed. */
void app_lanes_view_reset (AppLanesView *self);

G_END_DECLS
