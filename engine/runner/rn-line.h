/* One line of telemetry as it is made: a JSON object, member after member (TELEMETRY.md). The first
 * three members are the output's (rn-output.h). */
#pragma once

#include "rt-bytes.h"

typedef struct
{
  const char *kind; /* static */
  RtBytes body;     /* ,"name":value... */
} RnLine;

/* Begin a new line; memory of the one before is used again. @kind is static. */
void rn_line_begin (RnLine *line, const char *kind);
void rn_line_clear (RnLine *line);

/* Members. @name NULL: an element of the array that is open. NULL text and numbers that are none
 * become null; bytes that are no UTF-8 become U+FFFD. */
void rn_line_string (RnLine *line, const char *name, const char *text);
void rn_line_int (RnLine *line, const char *name, int64_t value);
void rn_line_uint (RnLine *line, const char *name, uint64_t value);
void rn_line_number (RnLine *line, const char *name, double value);
void rn_line_bool (RnLine *line, const char *name, bool value);
void rn_line_null (RnLine *line, const char *name);
void rn_line_base64 (RnLine *line, const char *name, const void *bytes, size_t n_bytes);

void rn_line_open (RnLine *line, const char *name, char bracket); /* '[' or '{' */
void rn_line_close (RnLine *line, char bracket);                  /* ']' or '}' */
