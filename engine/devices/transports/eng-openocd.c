/* The child, its two pipes and its words. OpenOCD's log comes on its standard error, what the
 * program on the chip writes by semihosting on its standard output. Called by the probe transport
 * on a worker; knows no chips and no telemetry. */
#include "transports/eng-openocd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECT_S 15
#define LOOK_MS 100
#define END_MS 2000 /* to end by itself, before it is ended */
#define MAX_SAID_BYTES 600
#define MAX_LINE_BYTES 4096

#define MARK "lathe-mark "
#define VALUE "lathe-value "
#define WAIT "lathe-wait"
#define EXITED "semihosting: *** application exited"

char *
eng_openocd_find (void)
{
  return g_find_program_in_path ("openocd");
}

char *
eng_openocd_quote (const char *text)
{
  GString *word = g_string_new ("\"");

  for (const char *c = text; *c != '\0'; c++)
    {
      if (strchr ("\"\\$[]{}", *c) != NULL)
        g_string_append_c (word, '\\');
      g_string_append_c (word, *c);
    }
  return g_string_free (g_string_append_c (word, '"'), FALSE);
}

/* ---- what it says when something is wrong ---- */

typedef struct
{
  const char *said; /* part of a line of the log */
  GIOErrorEnum code;
  const char *text;
} Complaint;

/* The first that was said decides: what follows are its consequences. */
static const Complaint complaints[] = {
  { "LIBUSB_ERROR_ACCESS", G_IO_ERROR_PERMISSION_DENIED,
    "The debug probe is there, but this user may not use it" },
  { "ermission denied", G_IO_ERROR_PERMISSION_DENIED,
    "The debug probe is there, but this user may not use it" },
  { "Can't find interface/", G_IO_ERROR_NOT_FOUND, "OpenOCD has no interface script of this name" },
  { "Can't find target/", G_IO_ERROR_NOT_FOUND, "OpenOCD has no target script of this name" },
  { "unable to find a matching CMSIS-DAP device", G_IO_ERROR_NOT_FOUND,
    "No such CMSIS-DAP probe is plugged in" },
  { "No J-Link device found", G_IO_ERROR_NOT_FOUND, "No such J-Link is plugged in" },
  { "Error: open failed", G_IO_ERROR_NOT_FOUND,
    "No such ST-Link is plugged in, or another program uses it" },
  { "LIBUSB_ERROR_BUSY", G_IO_ERROR_BUSY, "Another program uses the debug probe" },
  { "LIBUSB_ERROR_NO_DEVICE", G_IO_ERROR_CONNECTION_CLOSED, "The debug probe was unplugged" },
  { "init mode failed", G_IO_ERROR_HOST_UNREACHABLE,
    "The chip does not answer. Is the board powered, are SWDIO, SWCLK and GND connected? A program "
    "that sleeps or uses these pins needs its reset button held while connecting" },
  { "Error connecting DP", G_IO_ERROR_HOST_UNREACHABLE,
    "The chip does not answer. Is the board powered, are SWDIO, SWCLK and GND connected? A program "
    "that sleeps or uses these pins needs its reset button held while connecting" },
  { "JTAG scan chain interrogation failed", G_IO_ERROR_HOST_UNREACHABLE,
    "The chip does not answer. Is the board powered and connected?" },
  { "ould not find MEM-AP", G_IO_ERROR_HOST_UNREACHABLE,
    "The chip answers, but its debug port is locked (read-out protection)" },
  { "arget not examined", G_IO_ERROR_HOST_UNREACHABLE,
    "The processor could not be examined: its debug port is locked, or it is not what the target "
    "script says" },
  { "Cortex-M CPUID: 0x0", G_IO_ERROR_HOST_UNREACHABLE,
    "The processor could not be examined: it is held in reset or not powered" },
  { "write protected", G_IO_ERROR_PERMISSION_DENIED,
    "The chip's flash is write-protected: take the protection away with the vendor's tool first" },
  { "device protected", G_IO_ERROR_PERMISSION_DENIED,
    "The chip's flash is read-out protected: take the protection away with the vendor's tool first "
    "(that erases it)" },
  { "failed erasing sectors", G_IO_ERROR_FAILED, "The chip's flash could not be erased" },
  { "no flash bank found", G_IO_ERROR_FAILED,
    "The program lies where the chip has no flash: it was built for another board" },
  { "checksum mismatch", G_IO_ERROR_FAILED,
    "What was written is not what the chip holds: the verification failed" },
  { "contents differ", G_IO_ERROR_FAILED,
    "What was written is not what the chip holds: the verification failed" },
  { "Polling again", G_IO_ERROR_CONNECTION_CLOSED,
    "The chip stopped answering: a cable was pulled, or the power is gone" },
};

typedef struct
{
  EngOpenocdTell tell;
  EngLinkData data;
  gpointer user_data;
  GString *line; /* of the log, as far as it came */
  GString *said; /* the last lines that are its own */
  const Complaint *complaint;
  gboolean connected, waits, exited, exited_well, enough;
  guint silence_s;
  gint64 heard; /* monotonic, us */
} Talk;

static void
look_for_complaint (Talk *talk, const char *line)
{
  for (guint i = 0; talk->complaint == NULL && i < G_N_ELEMENTS (complaints); i++)
    if (strstr (line, complaints[i].said) != NULL)
      talk->complaint = &complaints[i];
}

/* "NAME REST" */
static void
take_mark (Talk *talk, char *words)
{
  char *rest = strchr (words, ' ');

  if (rest != NULL)
    *rest++ = '\0';
  talk->connected = TRUE;
  talk->complaint = NULL; /* it went on in spite of it */
  g_string_truncate (talk->said, 0);
  talk->silence_s = rest != NULL ? (guint)g_ascii_strtoull (rest, NULL, 10) : talk->silence_s;
  if (talk->tell != NULL)
    talk->tell (words, NULL, talk->user_data);
}

static void
take_value (Talk *talk, char *words)
{
  char *rest = strchr (words, ' ');

  if (rest == NULL)
    return;
  *rest++ = '\0';
  talk->complaint = NULL; /* an address without memory is an answer, too */
  if (talk->tell != NULL)
    talk->tell (words, strcmp (rest, "-") == 0 ? NULL : rest, talk->user_data);
}

static void
take_line (Talk *talk, char *line)
{
  g_strchomp (line);
  if (g_str_has_prefix (line, MARK))
    take_mark (talk, line + strlen (MARK));
  else if (g_str_has_prefix (line, VALUE))
    take_value (talk, line + strlen (VALUE));
  else if (strcmp (line, WAIT) == 0)
    talk->waits = TRUE;
  else if (g_str_has_prefix (line, EXITED))
    {
      talk->exited = TRUE;
      talk->exited_well = strstr (line, "normally") != NULL || strstr (line, "with 0 ") != NULL;
    }
  else if (*line != '\0')
    {
      g_debug ("openocd: %s", line);
      look_for_complaint (talk, line);
      if (g_str_has_prefix (line, "Error") || strstr (line, "Error:") != NULL)
        g_string_append_printf (talk->said, "%s%s", talk->said->len > 0 ? "; " : "", line);
      if (talk->said->len > MAX_SAID_BYTES)
        g_string_erase (talk->said, 0, (gssize)(talk->said->len - MAX_SAID_BYTES));
    }
}

static void
take_log (Talk *talk, const char *bytes, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      if (bytes[i] != '\n' && talk->line->len < MAX_LINE_BYTES)
        g_string_append_c (talk->line, bytes[i]);
      if (bytes[i] != '\n')
        continue;
      g_autofree char *line = g_utf8_make_valid (talk->line->str, (gssize)talk->line->len);
      take_line (talk, line);
      g_string_truncate (talk->line, 0);
    }
}

/* ---- the script ---- */

static char *
find_script (const char *folder, const char *name)
{
  g_autofree char *word = NULL;

  if (g_path_is_absolute (name))
    {
      word = eng_openocd_quote (name);
      return g_strdup_printf ("source %s\n", word);
    }
  g_autofree char *file = g_strdup_printf ("%s/%s.cfg", folder, name);
  word = eng_openocd_quote (file);
  return g_strdup_printf ("source [find %s]\n", word);
}

/* Any Cortex-M, as OpenOCD's own target scripts begin. */
static const char any_target[] = "source [find target/swj-dp.tcl]\n"
                                 "swj_newdap chip cpu -irlen 4 -expected-id 0\n"
                                 "dap create chip.dap -chain-position chip.cpu\n"
                                 "target create chip.cpu cortex_m -dap chip.dap\n"
                                 "if {![using_hla]} { cortex_m reset_config sysresetreq }\n";

static const char procedures[]
    = "proc lathe_mark {name seconds} { echo \"" MARK "$name $seconds\" }\n"
      "proc lathe_value {name address} {\n"
      "  if {[catch {set words [read_memory $address 32 1]}]} {\n"
      "    echo \"" VALUE "$name -\"\n"
      "  } else {\n"
      "    echo \"" VALUE "$name [lindex $words 0]\"\n"
      "  }\n"
      "}\n"
      "set lathe_stays 0\n"
      "proc lathe_wait {} { global lathe_stays; set lathe_stays 1; echo \"" WAIT "\" }\n";

static char *
make_script (const EngOpenocd *openocd, const char *commands)
{
  GString *script = g_string_new ("gdb_port disabled\ntcl_port disabled\ntelnet_port disabled\n");
  g_autofree char *interface = find_script ("interface", openocd->interface);

  g_string_append (script, interface);
  if (strcmp (openocd->interface, "jlink") == 0 || strcmp (openocd->interface, "cmsis-dap") == 0)
    g_string_append (script, "transport select swd\n");
  if (openocd->serial != NULL && *openocd->serial != '\0')
    {
      g_autofree char *serial = eng_openocd_quote (openocd->serial);
      g_string_append_printf (script, "adapter serial %s\n", serial);
    }
  if (openocd->target != NULL)
    {
      g_autofree char *target = find_script ("target", openocd->target);
      g_string_append (script, target);
    }
  else
    g_string_append (script, any_target);
  if (openocd->speed_khz > 0)
    g_string_append_printf (script, "adapter speed %u\n", openocd->speed_khz);
  g_string_append_printf (script, "%sinit\n%s\nif {!$lathe_stays} { shutdown }\n", procedures,
                          commands);
  return g_string_free (script, FALSE);
}

/* ---- the child ---- */

static gboolean
spawn (const char *script, const char *folder, GPid *pid, int *out, int *log, GError **error)
{
  g_autofree char *program = eng_openocd_find ();
  char *argv[] = { program, (char *)"-f", (char *)script, NULL };

  if (program == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                           "OpenOCD is not installed on this computer");
      return FALSE;
    }
  return g_spawn_async_with_pipes (folder, argv, NULL,
                                   G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CLOEXEC_PIPES, NULL, NULL,
                                   pid, NULL, out, log, error);
}

/* Read what is there. FALSE: it is closed. */
static gboolean
read_some (int fd, Talk *talk, gboolean is_log)
{
  char bytes[4096];
  ssize_t n = read (fd, bytes, sizeof bytes);

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return TRUE;
  if (n <= 0)
    return FALSE;
  talk->heard = g_get_monotonic_time ();
  if (is_log)
    take_log (talk, bytes, (gsize)n);
  else if (talk->data != NULL && !talk->enough)
    talk->enough = !talk->data (bytes, (gsize)n, talk->user_data);
  return TRUE;
}

/* Listen until it ends, has said enough, is silent for too long or @cancellable. */
static gboolean
listen_to (Talk *talk, int out, int log, GCancellable *cancellable, GError **error)
{
  struct pollfd fds[2] = { { .fd = out, .events = POLLIN }, { .fd = log, .events = POLLIN } };

  while (fds[0].fd >= 0 || fds[1].fd >= 0)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (talk->enough)
        return TRUE;
      int n = poll (fds, 2, LOOK_MS);
      for (guint i = 0; n > 0 && i < 2; i++)
        if (fds[i].fd >= 0 && fds[i].revents != 0 && !read_some (fds[i].fd, talk, i == 1))
          fds[i].fd = -1;
      if (talk->exited && n == 0) /* and everything that it wrote was read */
        return TRUE;
      if (talk->connected && talk->complaint != NULL
          && talk->complaint->code == G_IO_ERROR_CONNECTION_CLOSED)
        return TRUE;
      if (g_get_monotonic_time () - talk->heard > (gint64)talk->silence_s * G_USEC_PER_SEC)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                       talk->connected ? "The board said nothing for %u seconds"
                                       : "The debug probe did not connect within %u seconds",
                       talk->silence_s);
          return FALSE;
        }
    }
  return TRUE;
}

/* @end it if it does not end by itself. Returns what waitpid() says. */
static int
reap (GPid pid, gboolean end)
{
  int status = 0;

  if (end)
    kill (pid, SIGTERM);
  for (int waited = 0; waitpid (pid, &status, WNOHANG) == 0; waited += 10)
    {
      if (waited == END_MS)
        kill (pid, SIGKILL);
      g_usleep (10000);
    }
  return status;
}

/* OpenOCD takes the exit status of the program that it waited for as its own. */
static gboolean
judge (const Talk *talk, int status, GError **error)
{
  g_autofree char *said
      = talk->said->len > 0 ? g_strdup_printf (" (OpenOCD: %s)", talk->said->str) : g_strdup ("");
  gboolean ended_well = WIFEXITED (status) && WEXITSTATUS (status) == 0;

  if (talk->enough || (talk->exited && talk->exited_well))
    return TRUE;
  if (talk->exited)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                         "The program on the board ended with an error");
  else if (talk->complaint != NULL)
    g_set_error (error, G_IO_ERROR, (int)talk->complaint->code, "%s%s", talk->complaint->text,
                 said);
  else if (ended_well)
    return TRUE;
  else if (talk->waits && WIFEXITED (status) && talk->said->len == 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                 "The program on the board ended with status %d", WEXITSTATUS (status));
  else if (talk->waits)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                 "The connection to the board ended while its program ran: a cable was pulled, or "
                 "the power is gone%s",
                 said);
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "OpenOCD ended without having done it%s",
                 said);
  return FALSE;
}

gboolean
eng_openocd_run (const EngOpenocd *openocd, const char *commands, const char *folder,
                 EngOpenocdTell tell, EngLinkData data, gpointer user_data,
                 GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (openocd != NULL && openocd->interface != NULL && commands != NULL, FALSE);

  g_autofree char *script = make_script (openocd, commands), *path = NULL;
  Talk talk = { .tell = tell,
                .data = data,
                .user_data = user_data,
                .line = g_string_new (NULL),
                .said = g_string_new (NULL),
                .silence_s = CONNECT_S,
                .heard = g_get_monotonic_time () };
  GPid pid;
  int file, out, log;
  gboolean ok = FALSE;

  file = g_file_open_tmp ("lathe-openocd-XXXXXX.tcl", &path, error);
  if (file >= 0)
    {
      close (file);
      ok = g_file_set_contents (path, script, -1, error)
           && spawn (path, folder, &pid, &out, &log, error);
    }
  if (ok)
    {
      ok = listen_to (&talk, out, log, cancellable, error);
      gboolean ends_itself = ok && !talk.enough && !talk.exited && talk.complaint == NULL;
      close (out);
      close (log);
      int status = reap (pid, !ends_itself);
      ok = ok && judge (&talk, status, error);
      g_spawn_close_pid (pid);
    }
  if (path != NULL)
    unlink (path);
  g_string_free (talk.line, TRUE);
  g_string_free (talk.said, TRUE);
  return ok;
}
