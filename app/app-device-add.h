/* The page that adds a board: what was found, or the fields that its transport asks for. */
#pragma once

#include <adwaita.h>

#include "app-devices.h"

G_BEGIN_DECLS

#define APP_TYPE_DEVICE_ADD (app_device_add_get_type ())
G_DECLARE_FINAL_TYPE (AppDeviceAdd, app_device_add, APP, DEVICE_ADD, AdwWindow)

/* @device: one that was found, whose settings are filled in; NULL: none. Signal "added"
 * (EngDevice *): it is in the list now, and saved. */
GtkWidget *app_device_add_new (GtkWindow *parent, AppDevices *devices, EngDevice *device);

G_END_DECLS
