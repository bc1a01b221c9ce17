/* How the runtime reports wrong data: a status and a sentence that says what, where, expected and
 * got. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

typedef enum
{
  RT_OK = 0,
  RT_ERROR_IO,          /* the file or the link */
  RT_ERROR_FORMAT,      /* the bytes are not what the format says */
  RT_ERROR_UNSUPPORTED, /* well-formed, but not something this program can run; the message names
                         * it */
  RT_ERROR_MEMORY,      /* not enough memory; found before a run, never during it */
  RT_ERROR_RANGE,       /* a value out of range: context full, token id, shape */
  RT_ERROR_CANCELLED,
} RtStatus;

typedef struct
{
  RtStatus status;
  char message[480];
} RtError;

/* Fill @error (may be NULL) and return false, so that a failing function can `return rt_fail
 * (...)`. */
bool rt_fail (RtError *error, RtStatus status, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/* Put "@format: " before the message already in @error; returns false. */
bool rt_fail_prefix (RtError *error, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
