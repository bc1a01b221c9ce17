/* Where a run was measured, as its machine says: on this computer by the program itself, or on a
 * device (devices/eng-device.h). */
#pragma once

#include "eng-run.h"

G_BEGIN_DECLS

/* The device's name at the time; NULL: this computer, in the program itself (its own runner is a
 * device of another name). Borrowed from the run. */
const char *eng_run_get_device (EngRun *run);
/* TRUE: its times are of an emulator, and tell nothing of hardware. */
gboolean eng_run_get_emulated (EngRun *run);

/* The same of a run in the history (EngHistoryEntry.header; nullable), newly allocated. */
char *eng_run_device_of_header (const char *header, gboolean *emulated);

/* What exports call this computer. */
#define ENG_RUN_THIS_COMPUTER "This computer"

G_END_DECLS
