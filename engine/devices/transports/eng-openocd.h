/* OpenOCD as a child process: one connection to a chip through a debug probe, driven by a script.
 * For the transport "probe". */
#pragma once

#include "eng-link.h"

G_BEGIN_DECLS

typedef struct
{
  const char *interface; /* "stlink": OpenOCD's interface script, or the path of one */
  const char *serial;    /* of the probe; NULL or "": the only one */
  const char *target;    /* "stm32f4x"; NULL: any Cortex-M, whose flash cannot be written */
  guint speed_khz;       /* 0: what the scripts say */
} EngOpenocd;

/* Where it is on this computer (free it); NULL: it is not installed. */
char *eng_openocd_find (void);

/* What a script tells on its way, by lathe_mark and lathe_value (below). */
typedef void (*EngOpenocdTell) (const char *name, const char *value, gpointer user_data);

/* Connect and run @commands (Tcl), which may use
 *
 *   lathe_mark NAME SECONDS    tells @tell (NAME, NULL); so long a silence is an error from then on
 *   lathe_value NAME ADDRESS   tells @tell (NAME, "0x410fc241"), or NULL: it cannot be read
 *   lathe_wait                 stays and serves the semihosting calls of the program on the chip
 *                              until it exits; else the connection ends with the script
 *
 * What the program writes to its console goes to @data (nullable; FALSE: enough, stop). Files that
 * it opens are relative to @folder (NULL: this process's own). Blocking, at least some 100 ms.
 *
 * Errors are G_IO_ERROR: NOT_FOUND (OpenOCD, its script, the probe), PERMISSION_DENIED (the probe
 * is there and may not be used, or the flash is protected), HOST_UNREACHABLE (the chip does not
 * answer), CONNECTION_CLOSED (it answered before: a cable was pulled), TIMED_OUT, CANCELLED,
 * FAILED. Messages end with what OpenOCD said last. */
gboolean eng_openocd_run (const EngOpenocd *openocd, const char *commands, const char *folder,
                          EngOpenocdTell tell, EngLinkData data, gpointer user_data,
                          GCancellable *cancellable, GError **error);

/* @text as one word of Tcl, whatever is in it; newly allocated. */
char *eng_openocd_quote (const char *text);

G_END_DECLS
