/* Timeline: what every thread did, and when, in the last instrumented steps of the run that is
 * shown. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Property: "show-table" boolean. */
#define APP_TYPE_TIMELINE_VIEW (app_timeline_view_get_type ())
G_DECLARE_FINAL_TYPE (AppTimelineView, app_timeline_view, APP, TIMELINE_VIEW, GtkWidget)

G_END_DECLS
