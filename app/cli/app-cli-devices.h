/* What the commands about devices share. */
#pragma once

#include "app-cli-private.h"
#include "devices/eng-devices.h"

G_BEGIN_DECLS

extern const AppCommand app_command_push;

/* By name or id; an error that lists those that there are. Borrowed. */
EngDevice *app_cli_find_device (EngDevices *devices, const char *name, GError **error);
/* Questions on the terminal; without one, everything is answered with no. */
EngAsk app_cli_ask (void);

/* `lathe devices list|add|remove|search|doctor|clean`: @argv begins with that word. */
gboolean app_cli_devices_edit (int argc, char **argv, GError **error);
gboolean app_cli_devices_is_edit (const char *word);
/* Two of these (app-cli-devices-calibrate.c). */
gboolean app_cli_devices_calibrate (int argc, char **argv, GError **error);
gboolean app_cli_devices_expect (int argc, char **argv, GError **error);
/* And two (app-cli-devices-builds.c). */
gboolean app_cli_devices_builds (int argc, char **argv, GError **error);
gboolean app_cli_devices_rollback (int argc, char **argv, GError **error);

G_END_DECLS
