/* The memory plan: where every activation lies and when, and who is alive at one node. */
#pragma once

#include "app-selection.h"
#include "app-stage.h"
#include "plot-figure.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define APP_TYPE_MEMORY_VIEW (app_memory_view_get_type ())
G_DECLARE_FINAL_TYPE (AppMemoryView, app_memory_view, APP, MEMORY_VIEW, GtkWidget)

/* Property: "show-table" boolean. */

G_END_DECLS
