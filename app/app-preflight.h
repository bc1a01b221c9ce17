/* What a preflight found, as a list; and a command with a button that copies it. */
#pragma once

#include <gtk/gtk.h>

#include "devices/eng-push.h"

G_BEGIN_DECLS

/* Rows for @items (EngPreflightItem): icon, what was looked at, what was found, the command that
 * fixes it. Floating reference. */
GtkWidget *app_preflight_list_new (const GPtrArray *items);

/* @command as it is typed, with a button that copies it. Floating reference. */
GtkWidget *app_preflight_command_new (const char *command);

/* The dialog after a push that was refused: what is missing, and how to get it. */
void app_preflight_present (GtkWindow *parent, const char *device, const GPtrArray *items);

G_END_DECLS
