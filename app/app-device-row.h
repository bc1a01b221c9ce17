/* A device in the list: what it is, how it is, what goes on with it, and a button that runs
 * there. */
#pragma once

#include <gtk/gtk.h>

#include "app-devices.h"

G_BEGIN_DECLS

#define APP_TYPE_DEVICE_ROW (app_device_row_get_type ())
G_DECLARE_FINAL_TYPE (AppDeviceRow, app_device_row, APP, DEVICE_ROW, GtkListBoxRow)

/* @device NULL: this computer, of which @summary tells. Its buttons are the window's actions
 * "win.run-on", "win.cancel-device", "win.add-device". */
GtkWidget *app_device_row_new (AppDevices *devices, EngDevice *device, const char *summary);
EngDevice *app_device_row_get_device (AppDeviceRow *self); /* borrowed; NULL: this computer */
/* It is the one that Run runs on. */
void app_device_row_set_target (AppDeviceRow *self, gboolean is_target);

G_END_DECLS
