/* The one way the runtime reports wrong data: a status and a sentence.
 *
 * Called by everything in the runtime. Must not allocate: it reports that memory ran out, too. */
#include "rt-error.h"

#include <stdio.h>
#include <string.h>

/* Cut a UTF-8 sequence that the end of the buffer left incomplete, so that a message is always
 * valid text when its parts were. */
static void
trim_partial_utf8 (char *text)
{
  size_t n = strlen (text);
  size_t n_tail = 0;

  while (n_tail < 3 && n_tail < n && ((unsigned char)text[n - 1 - n_tail] & 0xc0) == 0x80)
    n_tail++;
  if (n_tail == n)
    return;

  unsigned char lead = (unsigned char)text[n - 1 - n_tail];
  size_t n_expected = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
  if (n_tail < n_expected)
    text[n - 1 - n_tail] = '\0';
}

__attribute__ ((format (printf, 3, 0))) static void
format_message (char *buffer, size_t n_bytes, const char *format, va_list args)
{
  int n = vsnprintf (buffer, n_bytes, format, args);

  if (n < 0)
    snprintf (buffer, n_bytes, "(no message)");
  else if ((size_t)n >= n_bytes)
    trim_partial_utf8 (buffer);
}

bool
rt_fail (RtError *error, RtStatus status, const char *format, ...)
{
  if (!error)
    return false;

  /* Formatted aside: an argument may be the old message. */
  char message[sizeof error->message];
  va_list args;
  va_start (args, format);
  format_message (message, sizeof message, format, args);
  va_end (args);

  error->status = status;
  memcpy (error->message, message, sizeof message);
  return false;
}

bool
rt_fail_prefix (RtError *error, const char *format, ...)
{
  if (!error)
    return false;

  char prefix[sizeof error->message];
  va_list args;
  va_start (args, format);
  format_message (prefix, sizeof prefix, format, args);
  va_end (args);

  char message[sizeof error->message];
  int n = snprintf (message, sizeof message, "%s: %s", prefix, error->message);
  if (n < 0 || (size_t)n >= sizeof message)
    trim_partial_utf8 (message);
  memcpy (error->message, message, sizeof message);
  return false;
}
