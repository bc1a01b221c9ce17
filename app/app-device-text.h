/* Devices in words and icons. No widgets. */
#pragma once

#include "app-push.h"

G_BEGIN_DECLS

/* @device NULL: this computer. */
const char *app_device_icon (EngDevice *device);
const char *app_device_name (EngDevice *device);
/* "Linux board", "Microcontroller", "Virtual Linux board" */
const char *app_device_kind (EngDevice *device);
/* TRUE: found just now, in nobody's list yet. */
gboolean app_device_is_found (EngDevice *device);

/* What the last contact told, for an icon and a few words beside it; @words newly allocated. */
void app_device_get_state (EngDevice *device, const char **icon, char **words);
/* "4 cores · NEON · 3.9 GB", what a row has room for; newly allocated. */
char *app_device_dup_summary (const EngBoard *board);
/* What was found or told last; NULL: nothing to say. */
char *app_device_dup_message (EngDevice *device);

/* Where a run was measured: "This computer", the device's name. */
const char *app_device_run_name (EngRun *run);

const char *app_device_preflight_icon (EngPreflightState state);
const char *app_device_preflight_word (EngPreflightState state);

G_END_DECLS
