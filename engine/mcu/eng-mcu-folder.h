/* Exported folders as tables of files. Private to engine/mcu. */
#pragma once

#include "eng-mcu-private.h"

G_BEGIN_DECLS

/* Name ("kernels/mc-conv.c") -> GBytes. NULL and @error when the program lacks its sources. */
GHashTable *eng_mcu_folder_files (const EngMcuProgram *program, const EngMcuReport *report,
                                  GError **error);
gboolean eng_mcu_folder_write (GHashTable *files, const char *folder, EngJob *job, GError **error);
/* With all that is in it; links are removed, not followed. */
void eng_mcu_folder_remove (const char *folder);

G_END_DECLS
