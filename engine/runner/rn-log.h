/* Log files: telemetry that outlives the link. Its writer holds a lock on the file as long as it
 * lives, so that others can tell a slow run from a dead one. */
#pragma once

#include "rn-run.h"

/* Opens, empties and locks the log @path; -1: @error (in use by another run, cannot be written). */
int rn_log_open (const char *path, RtError *error);

/* `start`: rn_run() in a process of its own, without a terminal; one line "started" on standard
 * output. Returns the exit status of the caller. @config: its log and fd are set here. */
int rn_log_start (RnRunConfig *config, const char *path);
/* `follow`: copies @path from byte @from to standard output until its line "end", as it grows; a
 * writer that died is told by a line "error" with code "lost". 0: the end was seen. */
int rn_log_follow (const char *path, uint64_t from);
/* `stop`: asks the writer of @path to end. */
int rn_log_stop (const char *path);
