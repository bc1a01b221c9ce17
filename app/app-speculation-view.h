/* The speculation laboratory: what drafting did in a run, in its text and in figures. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define APP_TYPE_SPECULATION_VIEW (app_speculation_view_get_type ())
G_DECLARE_FINAL_TYPE (AppSpeculationView, app_speculation_view, APP, SPECULATION_VIEW, GtkWidget)

G_END_DECLS
