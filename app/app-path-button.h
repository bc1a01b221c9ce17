/* A button that holds the path of a folder or a file: its menu chooses, a dropped file is taken. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define APP_TYPE_PATH_BUTTON (app_path_button_get_type ())
G_DECLARE_FINAL_TYPE (AppPathButton, app_path_button, APP, PATH_BUTTON, GtkWidget)

/* Property "path": string, "" when none is chosen; notifies when a person or the program changes
 * it. @title: what is chosen, for the dialogs and for screen readers. */
GtkWidget *app_path_button_new (const char *title);
const char *app_path_button_get_path (AppPathButton *self);
void app_path_button_set_path (AppPathButton *self, const char *path); /* NULL: none */

G_END_DECLS
