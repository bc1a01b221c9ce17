/* All that a build takes on a microcontroller, in a window of its own: bars, largest layers,
 * patches. */
#pragma once

#include <adwaita.h>

#include "app-mcu-plan.h"

G_BEGIN_DECLS

/* Follows @plan (kept). */
GtkWidget *app_mcu_page_new (GtkWindow *parent, AppMcuPlan *plan);

G_END_DECLS
