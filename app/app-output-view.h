/* The pane that draws what a network said, as a person reads it. */
#pragma once

#include <gtk/gtk.h>

#include "eng-result.h"
#include "plot-figure.h"

G_BEGIN_DECLS

#define APP_TYPE_OUTPUT_VIEW (app_output_view_get_type ())
G_DECLARE_FINAL_TYPE (AppOutputView, app_output_view, APP, OUTPUT_VIEW, GtkWidget)

/* Property: "show-table" boolean: the same as rows and columns.
 * Signal: "update" (the person wants the result of the recipe as it is now). Actions:
 * output.copy-text, output.copy-json, output.export, output.save, output.show-table. */

/* Draw @result; NULL: nothing, and @words say why. */
void app_output_view_show (AppOutputView *self, EngResult *result, const char *words);
EngResult *app_output_view_get_result (AppOutputView *self); /* borrowed; NULL */
/* @stale: what is shown is of a recipe that is no longer set: pale, with words and a button. */
void app_output_view_set_stale (AppOutputView *self, gboolean stale);
gboolean app_output_view_get_stale (AppOutputView *self);
void app_output_view_set_busy (AppOutputView *self, gboolean busy);
GtkToggleButton *app_output_view_get_enlarge (AppOutputView *self); /* borrowed */
PlotFigure *app_output_view_get_figure (AppOutputView *self);

G_END_DECLS
