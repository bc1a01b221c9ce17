/* All that is known of one device, and what can be done with it. */
#pragma once

#include <gtk/gtk.h>

#include "app-devices.h"

G_BEGIN_DECLS

#define APP_TYPE_DEVICE_DETAILS (app_device_details_get_type ())
G_DECLARE_FINAL_TYPE (AppDeviceDetails, app_device_details, APP, DEVICE_DETAILS, GtkWidget)

GtkWidget *app_device_details_new (AppDevices *devices);
/* @device NULL: nothing is shown. */
void app_device_details_set_device (AppDeviceDetails *self, EngDevice *device);
/* What the preflight is of; both nullable. Cheap while the device is not shown. */
void app_device_details_set_work (AppDeviceDetails *self, EngBuild *build,
                                  const EngWorkload *workload);

G_END_DECLS
