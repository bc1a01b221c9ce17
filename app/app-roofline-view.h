/* The roofline view: every layer or operator under the roofs that were measured on this machine,
 * moving with the toggles; beside it the ranked advice. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define APP_TYPE_ROOFLINE_VIEW (app_roofline_view_get_type ())
G_DECLARE_FINAL_TYPE (AppRooflineView, app_roofline_view, APP, ROOFLINE_VIEW, GtkWidget)

/* An AppView. Property: "show-table" boolean. */

G_END_DECLS
