/* The devices: this computer, what it is and what its roofs are. */
#pragma once

#include <gtk/gtk.h>

#include "eng-machine.h"
#include "eng-run.h"

G_BEGIN_DECLS

#define APP_TYPE_DEVICES_PANE (app_devices_pane_get_type ())
G_DECLARE_FINAL_TYPE (AppDevicesPane, app_devices_pane, APP, DEVICES_PANE, GtkWidget)

GtkWidget *app_devices_pane_new (void);

/* Signal "job" (EngJob *): measuring has begun; the window shows it. */

/* Blocks nothing: measures on a worker. Nothing happens while it is already measuring. Not while a
 * model runs: the figures would be wrong. */
void app_devices_pane_measure (AppDevicesPane *self);
gboolean app_devices_pane_get_measuring (AppDevicesPane *self);
/* Roofs may have been measured elsewhere: shows those of a thread count that it does not show
 * yet. */
void app_devices_pane_refresh (AppDevicesPane *self);

/* How well a run is to be known, as the pane's Precision says (app-precision.h). */
void app_devices_pane_apply_precision (AppDevicesPane *self, EngWorkload *workload);

G_END_DECLS
