/* One recipe on several devices: boards side by side, this computer last and alone. */
#pragma once

#include "app-devices.h"

G_BEGIN_DECLS

#define APP_TYPE_FLEET (app_fleet_get_type ())
G_DECLARE_FINAL_TYPE (AppFleet, app_fleet, APP, FLEET, GObject)

/* Signals: "changed": another device began or ended; "ended" once. */

/* Starts at once, and stays alive until it has ended. @devices (EngDevice): where to; @here: this
 * computer, too. The session must have a build and not be running. Runs go into the session and
 * @history (nullable). */
AppFleet *app_fleet_start (AppDevices *devices, EngSession *session, EngHistory *history,
                           GPtrArray *targets, gboolean here, const EngWorkload *workload,
                           GtkWindow *parent);
void app_fleet_cancel (AppFleet *self);
gboolean app_fleet_is_over (AppFleet *self);

G_END_DECLS
