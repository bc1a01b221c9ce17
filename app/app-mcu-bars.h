/* Flash and RAM of a microcontroller as bars against the board's limits, with figures. */
#pragma once

#include <gtk/gtk.h>

#include "app-mcu-sizes.h"

G_BEGIN_DECLS

/* A heading with figures, the bar, what it consists of, and what to do where it is over its limit.
 * @report is kept. Floating reference. */
GtkWidget *app_mcu_bar_new (EngMcuReport *report, AppMcuBarKind kind);

G_END_DECLS
