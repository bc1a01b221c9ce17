/* The file of the user's devices (eng-devices-file.c). */
#pragma once

#include "eng-devices.h"

G_BEGIN_DECLS

/* EngDevice; empty when there is no file. Entries of transports that this program does not have go
 * to @foreign (JsonNode) as they are. NULL and @error: the file is broken. */
GPtrArray *eng_devices_file_read (const char *path, GPtrArray *foreign, GError **error);
/* Whole or not at all. */
gboolean eng_devices_file_write (const char *path, EngDevice *const *devices, guint n_devices,
                                 GPtrArray *foreign, GError **error);

/* Whether both are one board, by what contacts learned of them. */
gboolean eng_devices_are_same (EngDevice *a, EngDevice *b);
/* @gone is the board that @kept is, and will leave the list. @kept keeps id and name; where @gone
 * was @reached last, it gets its address, what was told of it and what it is let in by. */
void eng_devices_take_over (EngDevice *kept, EngDevice *gone, gboolean reached);

G_END_DECLS
