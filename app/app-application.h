/* The application: its windows, what they share (history, settings), and the actions that belong to
 * no window. */
#pragma once

#include <adwaita.h>

#include "app-devices.h"
#include "eng-estimate.h"
#include "eng-history.h"

G_BEGIN_DECLS

#define APP_TYPE_APPLICATION (app_application_get_type ())
G_DECLARE_FINAL_TYPE (AppApplication, app_application, APP, APPLICATION, AdwApplication)

AppApplication *app_application_new (void);

/* Borrowed; NULL when it could not be opened, then @error_message (nullable out, borrowed) says
 * why. */
EngHistory *app_application_get_history (AppApplication *self, const char **error_message);

/* Borrowed; shared by all windows. NULL when the table of kernel times could not be opened. */
EngEstimator *app_application_get_estimator (AppApplication *self);

/* Borrowed; shared by all windows. */
AppDevices *app_application_get_devices (AppApplication *self);

/* With --timing: print how long after the start of the process @what was reached. */
void app_application_log_time (AppApplication *self, const char *what);
gboolean app_application_get_timing (AppApplication *self);

G_END_DECLS
