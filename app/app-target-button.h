/* Where Run runs: a button beside it that offers the devices. */
#pragma once

#include <gtk/gtk.h>

#include "app-devices.h"

G_BEGIN_DECLS

#define APP_TYPE_TARGET_BUTTON (app_target_button_get_type ())
G_DECLARE_FINAL_TYPE (AppTargetButton, app_target_button, APP, TARGET_BUTTON, GtkWidget)

/* What is chosen activates the window's action "win.target" with the device's id ("": this
 * computer). */
GtkWidget *app_target_button_new (void);
void app_target_button_set_devices (AppTargetButton *self, AppDevices *devices);
/* NULL: this computer. */
void app_target_button_set_target (AppTargetButton *self, EngDevice *device);
/* What Run would run (nullable): what it is expected to take stands beside calibrated boards. */
void app_target_button_set_build (AppTargetButton *self, EngBuild *build);

G_END_DECLS
