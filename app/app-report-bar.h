/* What the importer could not lower, above the graph: how much of it there is, and on request every
 * line, each leading to its node. Hidden when there is nothing to report. */
#pragma once

#include <gtk/gtk.h>

#include "eng-model.h"

G_BEGIN_DECLS

#define APP_TYPE_REPORT_BAR (app_report_bar_get_type ())
G_DECLARE_FINAL_TYPE (AppReportBar, app_report_bar, APP, REPORT_BAR, GtkWidget)

/* Signals: "node-activated" (const char *source): the line about this node of the file was
 * chosen. */

/* @model NULL: none. */
void app_report_bar_set_model (AppReportBar *self, EngModel *model);

/* The name of the node that a line of an import report is about, new; NULL: about the file. */
char *app_report_bar_dup_node (const char *line);

G_END_DECLS
