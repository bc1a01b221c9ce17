/* Lines of commands that do not run anything: straight to standard output, numbered from 0. */
#pragma once

#include "rn-line.h"
#include "rt-error.h"

/* Returns @status, or 1 when nobody could be told. */
int rn_tell (const RnLine *line, int status);
/* The line "error"; returns 1. */
int rn_tell_error (const char *where, const RtError *error);
/* The same of a writer that died, code "lost"; its "n" and "t_ns" are null, because its number in
 * the log is not known. */
int rn_tell_lost (const char *where, const char *message);
/* The line "end" with "complete" or "failed"; returns @status. */
int rn_tell_end (int status);

/* The code of @status in lines "error": "io", "format"... */
const char *rn_error_code (RtStatus status);
