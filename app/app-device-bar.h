/* One line below the headline: where the numbers that are shown were measured, when that is not
 * this computer; and, of an emulator, that its times tell nothing of hardware. */
#pragma once

#include <gtk/gtk.h>

#include "app-stage.h"

G_BEGIN_DECLS

#define APP_TYPE_DEVICE_BAR (app_device_bar_get_type ())
G_DECLARE_FINAL_TYPE (AppDeviceBar, app_device_bar, APP, DEVICE_BAR, GtkWidget)

GtkWidget *app_device_bar_new (void);
void app_device_bar_set_stage (AppDeviceBar *self, AppStage *stage);

/* The line; NULL: this computer, nothing to say. Newly allocated. */
char *app_device_bar_dup_text (AppStage *stage, gboolean *emulated);

G_END_DECLS
