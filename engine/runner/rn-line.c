/* JSON text of telemetry lines. Called by everything that tells something; the runner never reads
 * JSON. Digits of integers are made here, because traces are many of them. */
#include "rn-line.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
rn_line_begin (RnLine *line, const char *kind)
{
  line->kind = kind;
  line->body.n = 0;
  line->body.failed = false;
}

void
rn_line_clear (RnLine *line)
{
  free (line->body.bytes);
  *line = (RnLine){ 0 };
}

static void
add (RnLine *line, const char *text, size_t n)
{
  rt_bytes_add (&line->body, text, n);
}

/* The comma, and the name where there is one. */
static void
start (RnLine *line, const char *name)
{
  char last = line->body.n > 0 ? (char)line->body.bytes[line->body.n - 1] : '}';

  if (last != '[' && last != '{')
    add (line, ",", 1);
  if (name == NULL)
    return;
  add (line, "\"", 1);
  add (line, name, strlen (name));
  add (line, "\":", 2);
}

/* Bytes of the UTF-8 sequence at @p, 0 when it is none (Unicode 15, table 3-7). */
static size_t
utf8_length (const unsigned char *p)
{
  size_t n = p[0] < 0x80   ? 1
             : p[0] < 0xc2 ? 0
             : p[0] < 0xe0 ? 2
             : p[0] < 0xf0 ? 3
             : p[0] < 0xf5 ? 4
                           : 0;

  if (n >= 2
      && (p[1] < (p[0] == 0xe0   ? 0xa0
                  : p[0] == 0xf0 ? 0x90
                                 : 0x80)
          || p[1] > (p[0] == 0xed   ? 0x9f
                     : p[0] == 0xf4 ? 0x8f
                                    : 0xbf)))
    return 0;
  for (size_t i = 2; i < n; i++)
    if ((p[i] & 0xc0) != 0x80)
      return 0;
  return n;
}

void
rn_line_string (RnLine *line, const char *name, const char *text)
{
  char code[8];

  if (text == NULL)
    {
      rn_line_null (line, name);
      return;
    }
  start (line, name);
  add (line, "\"", 1);
  for (const unsigned char *p = (const unsigned char *)text; *p != '\0';)
    {
      size_t n = utf8_length (p);
      if (n == 0)
        add (line, "\xef\xbf\xbd", 3);
      else if (*p == '"' || *p == '\\' || *p < 0x20)
        add (line, code, (size_t)snprintf (code, sizeof code, *p < 0x20 ? "\\u%04x" : "\\%c", *p));
      else
        add (line, (const char *)p, n);
      p += n > 0 ? n : 1;
    }
  add (line, "\"", 1);
}

static void
add_digits (RnLine *line, uint64_t value)
{
  char digits[20], *p = digits + sizeof digits;

  do
    *--p = (char)('0' + value % 10);
  while ((value /= 10) > 0);
  add (line, p, (size_t)(digits + sizeof digits - p));
}

void
rn_line_uint (RnLine *line, const char *name, uint64_t value)
{
  start (line, name);
  add_digits (line, value);
}

void
rn_line_int (RnLine *line, const char *name, int64_t value)
{
  start (line, name);
  if (value < 0)
    add (line, "-", 1);
  add_digits (line, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void
rn_line_number (RnLine *line, const char *name, double value)
{
  char text[32];

  if (!isfinite (value))
    {
      rn_line_null (line, name);
      return;
    }
  start (line, name);
  add (line, text, (size_t)snprintf (text, sizeof text, "%.9g", value));
}

void
rn_line_bool (RnLine *line, const char *name, bool value)
{
  start (line, name);
  add (line, value ? "true" : "false", value ? 4 : 5);
}

void
rn_line_null (RnLine *line, const char *name)
{
  start (line, name);
  add (line, "null", 4);
}

void
rn_line_base64 (RnLine *line, const char *name, const void *bytes, size_t n_bytes)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const uint8_t *p = bytes;
  char quad[4];

  start (line, name);
  add (line, "\"", 1);
  for (size_t i = 0; i < n_bytes; i += 3)
    {
      size_t n = n_bytes - i < 3 ? n_bytes - i : 3;
      uint32_t three
          = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);
      quad[0] = alphabet[three >> 18];
      quad[1] = alphabet[three >> 12 & 63];
      quad[2] = n > 1 ? alphabet[three >> 6 & 63] : '=';
      quad[3] = n > 2 ? alphabet[three & 63] : '=';
      add (line, quad, 4);
    }
  add (line, "\"", 1);
}

void
rn_line_open (RnLine *line, const char *name, char bracket)
{
  start (line, name);
  add (line, &bracket, 1);
}

void
rn_line_close (RnLine *line, char bracket)
{
  add (line, &bracket, 1);
}
