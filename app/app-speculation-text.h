/* A text whose tokens are marked by what became of them. */
#pragma once

#include "eng-run.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define APP_TYPE_SPECULATION_TEXT (app_speculation_text_get_type ())
G_DECLARE_FINAL_TYPE (AppSpeculationText, app_speculation_text, APP, SPECULATION_TEXT, GtkWidget)

/* Properties: "show-rejected" boolean: whether what was drafted in vain stands in the text, struck
 * through; TRUE. */
GtkWidget *app_speculation_text_new (void);
/* A run that speculated; NULL: none. */
void app_speculation_text_set_run (AppSpeculationText *self, EngRun *run);
void app_speculation_text_set_show_rejected (AppSpeculationText *self, gboolean show);

G_END_DECLS
