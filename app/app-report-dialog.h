/* The import report: everything in a network that is not supported, what it is and where. */
#pragma once

#include <gtk/gtk.h>

#include "eng-model.h"

G_BEGIN_DECLS

/* Shows the report of @model, which has one, over @parent. */
void app_report_dialog_present (GtkWindow *parent, EngModel *model);

/* The whole report as text, a line each, for the clipboard. */
char *app_report_dialog_dup_text (EngModel *model);

G_END_DECLS
