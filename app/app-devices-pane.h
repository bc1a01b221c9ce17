/* The devices: a list, and below it what is known of the one that is chosen; of this computer also
 * its power and its roofs. */
#pragma once

#include <gtk/gtk.h>

#include "app-devices.h"
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

/* The list; once. */
void app_devices_pane_set_devices (AppDevicesPane *self, AppDevices *devices);
/* What boards are looked over for, both nullable (app_device_details_set_work ()). */
void app_devices_pane_set_work (AppDevicesPane *self, EngBuild *build, const EngWorkload *workload);
/* Where Run runs: it stands out in the list. NULL: this computer. */
void app_devices_pane_set_target (AppDevicesPane *self, EngDevice *device);
/* Show what is known of @device (NULL: of this computer). */
void app_devices_pane_show_device (AppDevicesPane *self, EngDevice *device);

/* How well a run is to be known, as the pane's Precision says (app-precision.h). */
void app_devices_pane_apply_precision (AppDevicesPane *self, EngWorkload *workload);

G_END_DECLS
