/* The builds that a board keeps, in its details: a list, and the way back to one of them. */
#pragma once

#include <gtk/gtk.h>

#include "devices/eng-devices.h"

G_BEGIN_DECLS

/* For a device whose builds are kept (eng_board_builds_are_kept()): asks for them once it has
 * answered. Floating reference. */
GtkWidget *app_device_builds_new (EngDevice *device);

/* Something ran there: what is known of @device's builds is old, the next widget asks again. */
void app_device_builds_expire (EngDevice *device);

G_END_DECLS
