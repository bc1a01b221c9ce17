/* The page of several devices: choose some, run the recipe on all of them, read their figures side
 * by side. */
#pragma once

#include <adwaita.h>

#include "app-fleet.h"
#include "app-stage.h"

G_BEGIN_DECLS

#define APP_TYPE_SEVERAL (app_several_get_type ())
G_DECLARE_FINAL_TYPE (AppSeveral, app_several, APP, SEVERAL, AdwWindow)

/* Signal "run" (GPtrArray * of EngDevice, gboolean here): what was chosen; the window starts it and
 * tells with app_several_set_fleet (). */
GtkWidget *app_several_new (GtkWindow *parent, AppDevices *devices, AppStage *stage);
void app_several_set_fleet (AppSeveral *self, AppFleet *fleet); /* nullable */

G_END_DECLS
