/* Virtual Cortex-M boards: QEMU runs the image, its standard output is the telemetry. Time is
 * virtual (-icount): every instruction takes the same, so two runs give the same numbers.
 *
 * Rows of the table in eng-transport-virtual.c. Knows no network: the image is whatever
 * eng_mcu_make_image() made. */
#include <gio/gunixinputstream.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "mcu/eng-mcu.h"
#include "transports/eng-virtual-board.h"

#define QEMU "qemu-system-arm"
/* Without a byte for so long the program hangs: an inference is silent, and emulated ones of large
 * networks take a while. The setting "timeout" (seconds) is for tests. */
#define SILENCE_S 180.0
#define READ_BYTES 65536
/* Kept of what is not telemetry: for the message when it ends too early. */
#define MAX_WORDS 400

static const char *
board_of (EngDevice *device, GError **error)
{
  const char *name = eng_device_get_setting (device, "board");

  return eng_mcu_board_find (name != NULL ? name : "", error);
}

static EngBoard *
cortex_m_describe (EngDevice *device, GError **error)
{
  const char *id = board_of (device, error);
  EngBoard *board = id != NULL ? eng_mcu_board_describe (id, error) : NULL;

  if (board != NULL)
    {
      board->emulated = TRUE;
      eng_board_add_sensor (board, "power", NULL, "an emulated board has none");
      eng_board_add_sensor (board, "temperature", NULL, "an emulated board has none");
    }
  return board;
}

static gboolean
cortex_m_check (char **remedy, GError **error)
{
  return eng_mcu_check_tools (TRUE, remedy, error);
}

/* ---- the emulator ---- */

/* In QEMU's options a comma ends a value unless there are two. */
static char *
escape_commas (const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, ",", -1);

  return g_strjoinv (",,", parts);
}

static void
die_with_parent (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static GSubprocess *
start (EngDevice *device, const char *elf, const char *work, GError **error)
{
  static const char *const quiet[]
      = { "-display", "none", "-monitor", "none", "-serial", "none", "-parallel", "none" };
  const char *id = board_of (device, error);
  g_auto (GStrv) arguments = id != NULL ? eng_mcu_board_dup_emulator (id, error) : NULL;
  g_autoptr (GPtrArray) line = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *path = escape_commas (work);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);

  if (arguments == NULL)
    return NULL;
  g_ptr_array_add (line, g_strdup (QEMU));
  for (guint i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (line, g_strdup (arguments[i]));
  for (guint i = 0; i < G_N_ELEMENTS (quiet); i++)
    g_ptr_array_add (line, g_strdup (quiet[i]));
  g_ptr_array_add (line, g_strdup ("-semihosting-config"));
  g_ptr_array_add (line, g_strdup_printf ("enable=on,target=native,arg=lathe,arg=%s", path));
  g_ptr_array_add (line, g_strdup ("-kernel"));
  g_ptr_array_add (line, g_strdup (elf));
  g_ptr_array_add (line, NULL);
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  return g_subprocess_launcher_spawnv (launcher, (const char *const *)line->pdata, error);
}

/* ---- what it says ---- */

typedef struct
{
  GString *line;    /* the last one, as far as it has come */
  GString *words;   /* the beginning of what is no telemetry: the emulator's own complaints */
  gboolean has_end; /* the line "end" came */
} Heard;

static void
hear_line (Heard *heard)
{
  if (heard->line->str[0] != '{')
    {
      if (heard->words->len < MAX_WORDS && heard->line->len > 0)
        g_string_append_printf (heard->words, "%s%s", heard->words->len > 0 ? "; " : "",
                                heard->line->str);
    }
  else if (g_str_has_prefix (heard->line->str, "{\"kind\":\"end\""))
    heard->has_end = TRUE;
}

static void
hear (Heard *heard, const char *bytes, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (bytes[i] == '\n')
      {
        hear_line (heard);
        g_string_truncate (heard->line, 0);
      }
    /* Whether a line is the last one its beginning says. */
    else if (heard->line->len < MAX_WORDS)
      g_string_append_c (heard->line, bytes[i]);
}

typedef enum
{
  PIPE_READY,
  PIPE_SILENT,
  PIPE_CANCELLED,
} PipeState;

static PipeState
wait_for_bytes (GInputStream *stream, GCancellable *cancellable, double silence_s)
{
  GPollFD fds[2] = { { .fd = g_unix_input_stream_get_fd (G_UNIX_INPUT_STREAM (stream)),
                       .events = G_IO_IN | G_IO_HUP } };
  guint n = 1;

  if (g_cancellable_make_pollfd (cancellable, &fds[1]))
    n = 2;
  const gint ready = g_poll (fds, n, (gint)(silence_s * 1000));
  if (n == 2)
    g_cancellable_release_fd (cancellable);
  if (g_cancellable_is_cancelled (cancellable))
    return PIPE_CANCELLED;
  return ready == 0 ? PIPE_SILENT : PIPE_READY;
}

/* Until it ends, @data has enough (*@stopped), or it is cancelled or hangs. */
static gboolean
listen (GSubprocess *qemu, double silence_s, EngLinkData data, gpointer user_data,
        GCancellable *cancellable, Heard *heard, gboolean *stopped, GError **error)
{
  GInputStream *stream = g_subprocess_get_stdout_pipe (qemu);
  g_autofree char *bytes = g_malloc (READ_BYTES);

  for (;;)
    {
      const PipeState state = wait_for_bytes (stream, cancellable, silence_s);
      if (state == PIPE_CANCELLED)
        return !g_cancellable_set_error_if_cancelled (cancellable, error);
      if (state == PIPE_SILENT)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                       "The emulated board said nothing for %g s and was stopped", silence_s);
          return FALSE;
        }
      const gssize n = g_input_stream_read (stream, bytes, READ_BYTES, NULL, error);
      if (n <= 0)
        return n == 0;
      hear (heard, bytes, (gsize)n);
      if (!data (bytes, (gsize)n, user_data))
        {
          *stopped = TRUE;
          return TRUE;
        }
    }
}

static gboolean
check_end (GSubprocess *qemu, const Heard *heard, GError **error)
{
  if (heard->has_end)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
               "The emulated board stopped before its last line (%s %d)%s%s",
               g_subprocess_get_if_signaled (qemu) ? "signal" : "status",
               g_subprocess_get_if_signaled (qemu) ? g_subprocess_get_term_sig (qemu)
                                                   : g_subprocess_get_exit_status (qemu),
               heard->words->len > 0 ? ": " : "", heard->words->str);
  return FALSE;
}

static gboolean
cortex_m_run_image (EngDevice *device, const char *elf, const char *work, EngLinkData data,
                    gpointer user_data, EngJob *job, GError **error)
{
  const char *timeout = eng_device_get_setting (device, "timeout");
  const double silence_s = timeout != NULL ? g_ascii_strtod (timeout, NULL) : SILENCE_S;
  g_autoptr (GSubprocess) qemu = start (device, elf, work, error);
  Heard heard = { .line = g_string_new (NULL), .words = g_string_new (NULL) };
  gboolean stopped = FALSE, ok = FALSE;

  if (qemu != NULL)
    {
      ok = listen (qemu, silence_s, data, user_data,
                   job != NULL ? eng_job_get_cancellable (job) : NULL, &heard, &stopped, error);
      if (!ok || stopped)
        g_subprocess_force_exit (qemu);
      g_subprocess_wait (qemu, NULL, NULL);
      ok = ok && (stopped || check_end (qemu, &heard, error));
    }
  g_string_free (heard.line, TRUE);
  g_string_free (heard.words, TRUE);
  return ok;
}

/* ---- the boards ---- */

static const char *const programs[] = { QEMU, NULL };

#define CORTEX_M(name)                                                                             \
  .kind = ENG_BOARD_MICROCONTROLLER, .machine = name, .id = name, .programs = programs,            \
  .remedy = "sudo apt install qemu-system-arm gcc-arm-none-eabi", .check = cortex_m_check,         \
  .describe = cortex_m_describe, .run_image = cortex_m_run_image

const EngVirtualBoard eng_virtual_cortex_m4
    = { .title = "Virtual Cortex-M4 board", CORTEX_M ("cortex-m4") };
const EngVirtualBoard eng_virtual_cortex_m55
    = { .title = "Virtual Cortex-M55 board", CORTEX_M ("cortex-m55") };
