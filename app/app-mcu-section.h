/* What a build takes on a microcontroller, in the devices pane: bars against the board's limits,
 * and the ways to more of it. */
#pragma once

#include <gtk/gtk.h>

#include "app-mcu-plan.h"

G_BEGIN_DECLS

/* Follows @plan (kept). Floating reference. */
GtkWidget *app_mcu_section_new (AppMcuPlan *plan);

/* A choice of boards for @plan, which "what would it take there" is asked of. Floating
 * reference. */
GtkWidget *app_mcu_board_choice_new (AppMcuPlan *plan);
/* Whether it fits, in an icon and a word. Floating reference. */
GtkWidget *app_mcu_verdict_new (const EngMcuReport *report);
/* What stands there while sizes are worked out, with Cancel. Floating reference. */
GtkWidget *app_mcu_working_new (AppMcuPlan *plan);
/* A button called @title that asks the window for the C project of what @plan shows. Floating
 * reference. */
GtkWidget *app_mcu_export_button_new (AppMcuPlan *plan, const char *title);

G_END_DECLS
