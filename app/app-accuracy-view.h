/* Accuracy: the evaluations of the build that is shown, every metric beside its baseline, and what
 * domains or classes lost. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define APP_TYPE_ACCURACY_VIEW (app_accuracy_view_get_type ())
G_DECLARE_FINAL_TYPE (AppAccuracyView, app_accuracy_view, APP, ACCURACY_VIEW, GtkWidget)

/* Properties: "compact" boolean; "show-table" boolean: rows and columns instead of the plot. */

G_END_DECLS
