/* Power in the devices pane: which meter, what it reads now, and why there is none. One meter for
 * the process (eng_power_set_current()), kept in the settings. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define APP_TYPE_POWER_BOX (app_power_box_get_type ())
G_DECLARE_FINAL_TYPE (AppPowerBox, app_power_box, APP, POWER_BOX, GtkWidget)

GtkWidget *app_power_box_new (void);

/* As if the user had chosen it; "auto", "none", "KIND", "KIND:PLACE". Opens it on a worker: a
 * serial meter takes up to two seconds. */
void app_power_box_choose (AppPowerBox *self, const char *choice);
/* TRUE while a meter is being opened. */
gboolean app_power_box_get_busy (AppPowerBox *self);

G_END_DECLS
