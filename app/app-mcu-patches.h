/* The choices of patches: what the arena shrinks to against what is recomputed, as a plot and as a
 * list to choose from. */
#pragma once

#include <gtk/gtk.h>

#include "app-mcu-plan.h"

G_BEGIN_DECLS

/* Of the plan's report, which it must have; choosing sets the plan's limit of RAM. Made anew for
 * another report. Floating reference. */
GtkWidget *app_mcu_patches_new (AppMcuPlan *plan);
/* The keyboard's focus goes to what is chosen. */
void app_mcu_patches_focus (GtkWidget *widget);

G_END_DECLS
