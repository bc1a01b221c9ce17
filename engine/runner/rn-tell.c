/* Telemetry without a writer thread: for commands that answer and end. Called by main and
 * rn-log.c. */
#include "rn-tell.h"

#include <stdio.h>

#include "rt-pool.h"

static uint64_t n_lines, first_ns;

const char *
rn_error_code (RtStatus status)
{
  static const char *const codes[]
      = { "io", "io", "format", "unsupported", "memory", "range", "cancelled" };
  return (size_t)status < sizeof codes / sizeof codes[0] ? codes[status] : "io";
}

int
rn_tell (const RnLine *line, int status)
{
  uint64_t now = rt_now_ns ();

  first_ns = n_lines == 0 ? now : first_ns;
  printf ("{\"kind\":\"%s\",\"n\":%llu,\"t_ns\":%llu", line->kind, (unsigned long long)n_lines++,
          (unsigned long long)(now - first_ns));
  fwrite (line->body.bytes, 1, line->body.n, stdout);
  fputs ("}\n", stdout);
  return fflush (stdout) == 0 && !line->body.failed ? status : 1;
}

static void
fill_error (RnLine *line, const char *code, const char *where, const char *message)
{
  rn_line_begin (line, "error");
  rn_line_string (line, "code", code);
  rn_line_string (line, "where", where);
  rn_line_string (line, "message", message);
}

int
rn_tell_error (const char *where, const RtError *error)
{
  RnLine line = { 0 };

  fill_error (&line, rn_error_code (error->status), where, error->message);
  rn_tell (&line, 1);
  rn_line_clear (&line);
  return 1;
}

int
rn_tell_lost (const char *where, const char *message)
{
  RnLine line = { 0 };

  fill_error (&line, "lost", where, message);
  fputs ("{\"kind\":\"error\",\"n\":null,\"t_ns\":null", stdout);
  fwrite (line.body.bytes, 1, line.body.n, stdout);
  fputs ("}\n", stdout);
  fflush (stdout);
  rn_line_clear (&line);
  return 1;
}

int
rn_tell_end (int status)
{
  RnLine line = { 0 };

  rn_line_begin (&line, "end");
  rn_line_string (&line, "status", status == 0 ? "complete" : "failed");
  rn_line_uint (&line, "n_lines", n_lines + 1);
  rn_line_uint (&line, "dropped", 0);
  status = rn_tell (&line, status);
  rn_line_clear (&line);
  return status;
}
