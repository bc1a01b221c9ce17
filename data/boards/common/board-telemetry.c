/* Telemetry: one JSON object a line, to the computer's standard output, through a small buffer.
 * Lines and members are those of Lathe's runner on Linux boards, version 1. */
#include "board.h"

#include "mc.h"

static char buffer[256];
static uint32_t n_buffered;
static int32_t output = -1; /* file */
static bool is_first;       /* the next member or element needs no comma */
static uint32_t n_lines;

/* ---- text ---- */

static void
flush (void)
{
  if (output < 0)
    output = host_open (":tt", true);
  host_write (output, buffer, n_buffered);
  n_buffered = 0;
}

static void
put (char c)
{
  if (n_buffered == sizeof buffer)
    flush ();
  buffer[n_buffered++] = c;
}

static void
put_text (const char *text)
{
  while (*text != '\0')
    put (*text++);
}

static void
put_uint (uint64_t value)
{
  char digits[20];
  uint32_t n = 0;

  do
    {
      digits[n++] = (char)('0' + value % 10);
      value /= 10;
    }
  while (value > 0);
  while (n > 0)
    put (digits[--n]);
}

static void
put_quoted (const char *text)
{
  static const char hex[] = "0123456789abcdef";

  put ('"');
  for (; *text != '\0'; text++)
    {
      const uint8_t c = (uint8_t)*text;

      if (c == '"' || c == '\\')
        put ('\\');
      if (c >= 0x20)
        put ((char)c);
      else
        {
          put_text ("\\u00");
          put (hex[c >> 4]);
          put (hex[c & 15]);
        }
    }
  put ('"');
}

static void
put_name (const char *name)
{
  if (!is_first)
    put (',');
  is_first = false;
  if (name != NULL)
    {
      put_quoted (name);
      put (':');
    }
}

/* ---- members ---- */

void
line_begin (const char *kind)
{
  put ('{');
  is_first = true;
  line_string ("kind", kind);
  line_uint ("n", n_lines++);
  line_uint ("t_ns", clock_ns (clock_cycles ()));
}

void
line_uint (const char *name, uint64_t value)
{
  put_name (name);
  put_uint (value);
}

void
line_int (const char *name, int64_t value)
{
  put_name (name);
  if (value < 0)
    put ('-');
  put_uint (value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void
line_bool (const char *name, bool value)
{
  put_name (name);
  put_text (value ? "true" : "false");
}

void
line_null (const char *name)
{
  put_name (name);
  put_text ("null");
}

void
line_string (const char *name, const char *text)
{
  put_name (name);
  if (text == NULL)
    put_text ("null");
  else
    put_quoted (text);
}

void
line_thousandths (const char *name, uint32_t value)
{
  put_name (name);
  put_uint (value / 1000);
  put ('.');
  put ((char)('0' + value / 100 % 10));
  put ((char)('0' + value / 10 % 10));
  put ((char)('0' + value % 10));
}

void
line_base64 (const char *name, const void *bytes, uint32_t n)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const uint8_t *from = bytes;

  put_name (name);
  put ('"');
  for (uint32_t i = 0; i < n; i += 3)
    {
      const uint32_t left = n - i;
      const uint32_t three = (uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] << 8 : 0)
                             | (left > 2 ? (uint32_t)from[i + 2] : 0);
      put (digits[three >> 18]);
      put (digits[three >> 12 & 63]);
      put (left > 1 ? digits[three >> 6 & 63] : '=');
      put (left > 2 ? digits[three & 63] : '=');
    }
  put ('"');
}

void
line_open (const char *name, char bracket)
{
  put_name (name);
  put (bracket);
  is_first = true;
}

void
line_close (char bracket)
{
  put (bracket);
  is_first = false;
}

void
line_end (void)
{
  put ('}');
  put ('\n');
  flush ();
}

/* ---- lines ---- */

void
tell_hello (const char *command)
{
  line_begin ("hello");
  line_uint ("telemetry", 1);
  line_string ("runner", "0.1.0");
  line_string ("machine", BOARD_MACHINE);
  line_string ("isa", mc_isa_name ());
  line_null ("pid");
  line_string ("command", command);
  line_end ();
}

static void
tell_no_sensor (const char *what)
{
  line_open (NULL, '{');
  line_string ("what", what);
  line_null ("name");
  line_string ("reason", BOARD_EMULATED ? "an emulated board has none" : "this board has none");
  line_close ('}');
}

void
tell_board (void)
{
  line_begin ("board");
  line_string ("name", BOARD_NAME);
  line_string ("cpu", BOARD_CPU);
  line_string ("machine", BOARD_MACHINE);
  line_string ("isa", mc_isa_name ());
  line_null ("system");
  line_uint ("n_cpus", 1);
  line_uint ("memory_bytes", BOARD_RAM_BYTES);
  line_uint ("available_bytes", BOARD_RAM_BYTES - board_ram_used_bytes ());
  line_uint ("flash_bytes", BOARD_FLASH_BYTES);
  line_null ("free_bytes");
  line_uint ("clock_hz", BOARD_CLOCK_HZ);
  line_string ("clock", clock_source ());
  line_null ("time_s");
  line_null ("governor");
  line_bool ("emulated", BOARD_EMULATED);
  line_open ("sensors", '[');
  tell_no_sensor ("power");
  tell_no_sensor ("temperature");
  line_close (']');
  line_end ();
}

void
tell_stage (const char *stage, uint32_t done, uint32_t all)
{
  line_begin ("stage");
  line_string ("stage", stage);
  if (all > 0)
    line_thousandths ("progress", (uint32_t)((uint64_t)done * 1000 / all));
  else
    line_null ("progress");
  line_end ();
}

void
tell_error (const char *code, const char *where, const char *message)
{
  line_begin ("error");
  line_string ("code", code);
  line_string ("where", where);
  line_string ("message", message);
  line_end ();
}

void
tell_end (const char *status)
{
  line_begin ("end");
  line_string ("status", status);
  line_uint ("n_lines", n_lines);
  line_uint ("dropped", 0);
  line_end ();
}
