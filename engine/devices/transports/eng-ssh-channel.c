/* Channels of a session: opened, written, read, and a command run in one with what it prints going
 * home as it comes. Called by the SFTP client and the transport. Knows nothing of files. */
#include <string.h>

#include <libssh/callbacks.h>

#include "eng-ssh.h"

#define BUFFER_BYTES 32768
#define ERROR_BYTES 4096
#define STATUS_SIGNAL 128

void
eng_ssh_channel_drop (ssh_channel channel)
{
  if (channel == NULL)
    return;
  if (ssh_channel_is_open (channel))
    ssh_channel_close (channel);
  ssh_channel_free (channel);
}

static gboolean
open_session (EngSsh *ssh, ssh_channel channel, GCancellable *cancellable, GError **error)
{
  int rc;

  while ((rc = ssh_channel_open_session (channel)) == SSH_AGAIN)
    if (!eng_ssh_wait (ssh, "opening a channel", cancellable, error))
      return FALSE;
  return rc == SSH_OK || eng_ssh_fail (ssh, "opening a channel", error);
}

static gboolean
request (EngSsh *ssh, ssh_channel channel, const char *command, gboolean subsystem,
         GCancellable *cancellable, GError **error)
{
  int rc;

  while ((rc = subsystem ? ssh_channel_request_subsystem (channel, command)
                         : ssh_channel_request_exec (channel, command))
         == SSH_AGAIN)
    if (!eng_ssh_wait (ssh, "starting a command", cancellable, error))
      return FALSE;
  if (rc == SSH_OK)
    return TRUE;
  if (!ssh_is_connected (ssh->session))
    return eng_ssh_fail (ssh, "starting a command", error);
  if (subsystem)
    return eng_ssh_error (ssh, error, G_IO_ERROR_FAILED,
                          "it has no %s service, which files are copied with. Install it there "
                          "(Debian: sudo apt install openssh-sftp-server; OpenWrt: opkg install "
                          "openssh-sftp-server), or enable \"Subsystem %s\" in its sshd_config",
                          command, command);
  return eng_ssh_error (ssh, error, G_IO_ERROR_PERMISSION_DENIED,
                        "it does not let this user run commands (%s)",
                        ssh_get_error (ssh->session));
}

ssh_channel
eng_ssh_channel_open (EngSsh *ssh, const char *command, gboolean subsystem,
                      struct ssh_channel_callbacks_struct *callbacks, GCancellable *cancellable,
                      GError **error)
{
  ssh_channel channel = ssh_channel_new (ssh->session);

  if (channel == NULL)
    {
      eng_ssh_fail (ssh, "opening a channel", error);
      return NULL;
    }
  if (callbacks != NULL)
    ssh_set_channel_callbacks (channel, callbacks);
  if (open_session (ssh, channel, cancellable, error)
      && request (ssh, channel, command, subsystem, cancellable, error))
    return channel;
  eng_ssh_channel_drop (channel);
  return NULL;
}

/* The other side is done with this channel though the session may be well. */
static gboolean
has_ended (EngSsh *ssh, ssh_channel channel)
{
  return ssh_is_connected (ssh->session)
         && (ssh_channel_is_eof (channel) || ssh_channel_is_closed (channel));
}

/* After a call that moved nothing: an error, the end, or a wait. */
static gboolean
wait_or_fail (EngSsh *ssh, ssh_channel channel, int n, const char *doing, GCancellable *cancellable,
              GError **error)
{
  if (has_ended (ssh, channel))
    return eng_ssh_error (ssh, error, G_IO_ERROR_CONNECTION_CLOSED,
                          "the program at the other end stopped while %s", doing);
  if (n < 0 && n != SSH_AGAIN && n != SSH_EOF)
    return eng_ssh_fail (ssh, doing, error);
  return eng_ssh_wait (ssh, doing, cancellable, error);
}

gboolean
eng_ssh_channel_write (EngSsh *ssh, ssh_channel channel, const void *bytes, gsize n_bytes,
                       const char *doing, GCancellable *cancellable, GError **error)
{
  const char *next = bytes;

  while (n_bytes > 0)
    {
      const int n = ssh_channel_write (channel, next, (uint32_t)MIN (n_bytes, BUFFER_BYTES));
      if (n > 0)
        {
          next += n;
          n_bytes -= (gsize)n;
        }
      else if (!wait_or_fail (ssh, channel, n, doing, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
eng_ssh_channel_read (EngSsh *ssh, ssh_channel channel, void *bytes, gsize n_bytes, gsize *n_read,
                      const char *doing, GCancellable *cancellable, GError **error)
{
  *n_read = 0;
  while (*n_read < n_bytes)
    {
      const int n = ssh_channel_read_nonblocking (channel, (char *)bytes + *n_read,
                                                  (uint32_t)(n_bytes - *n_read), 0);
      if (n > 0)
        *n_read += (gsize)n;
      else if (!wait_or_fail (ssh, channel, n, doing, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

/* ---- A command ---- */

void
eng_ssh_end_clear (EngSshEnd *end)
{
  if (end->error != NULL)
    g_string_free (g_steal_pointer (&end->error), TRUE);
}

static int
signal_number (const char *name)
{
  static const struct
  {
    const char *name;
    int number;
  } signals[] = {
    { "ABRT", 6 },  { "ALRM", 14 }, { "FPE", 8 },   { "HUP", 1 },  { "ILL", 4 },
    { "INT", 2 },   { "KILL", 9 },  { "PIPE", 13 }, { "QUIT", 3 }, { "SEGV", 11 },
    { "TERM", 15 }, { "USR1", 10 }, { "USR2", 12 }, { "BUS", 7 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    if (g_str_has_prefix (name, signals[i].name))
      return signals[i].number;
  return 0;
}

static void
on_status (ssh_session session, ssh_channel channel, int status, void *user_data)
{
  ((EngSshEnd *)user_data)->status = status;
}

static void
on_signal (ssh_session session, ssh_channel channel, const char *name, int core,
           const char *message, const char *language, void *user_data)
{
  ((EngSshEnd *)user_data)->status = STATUS_SIGNAL + signal_number (name);
}

typedef enum
{
  STREAM_MORE,
  STREAM_IDLE,
  STREAM_ENOUGH,
  STREAM_FAILED,
} Stream;

/* libssh also calls it an error to read from a channel that was closed without an end of file, as
 * that of a killed command is. */
static gboolean
is_error (EngSsh *ssh, ssh_channel channel, int n)
{
  return n < 0 && n != SSH_AGAIN && n != SSH_EOF
         && !(ssh_is_connected (ssh->session) && ssh_channel_is_closed (channel));
}

static Stream
read_error_output (EngSsh *ssh, ssh_channel channel, GString *text, GError **error)
{
  char bytes[1024];
  const int n = ssh_channel_read_nonblocking (channel, bytes, sizeof bytes, 1);

  if (is_error (ssh, channel, n))
    {
      eng_ssh_fail (ssh, "running a command", error);
      return STREAM_FAILED;
    }
  if (n <= 0)
    return STREAM_IDLE;
  g_string_append_len (text, bytes, n);
  if (text->len > ERROR_BYTES)
    g_string_erase (text, 0, (gssize)(text->len - ERROR_BYTES));
  return STREAM_MORE;
}

static Stream
read_output (EngSsh *ssh, ssh_channel channel, char *buffer, EngLinkData data, gpointer user_data,
             GError **error)
{
  const int n = ssh_channel_read_nonblocking (channel, buffer, BUFFER_BYTES, 0);

  if (is_error (ssh, channel, n))
    {
      eng_ssh_fail (ssh, "running a command", error);
      return STREAM_FAILED;
    }
  if (n <= 0)
    return STREAM_IDLE;
  /* The last whole line, or what there is of it, is what it last said. */
  const char *end = buffer + n - (buffer[n - 1] == '\n');
  const char *line = memrchr (buffer, '\n', (gsize)(end - buffer));
  line = line != NULL ? line + 1 : buffer;
  g_autofree char *quoted = eng_ssh_quote (line, end - line);
  eng_ssh_said (ssh, "printed \"%s\"", quoted);
  return data (buffer, (gsize)n, user_data) ? STREAM_MORE : STREAM_ENOUGH;
}

/* Over when both streams ended and it is known how. */
static gboolean
is_over (ssh_channel channel, const EngSshEnd *end)
{
  return ssh_channel_is_closed (channel) || (ssh_channel_is_eof (channel) && end->status >= 0);
}

static gboolean
stream (EngSsh *ssh, ssh_channel channel, EngLinkData data, gpointer user_data, EngSshEnd *end,
        GCancellable *cancellable, GError **error)
{
  g_autofree char *buffer = g_malloc (BUFFER_BYTES);

  for (;;)
    {
      const gboolean over = is_over (channel, end);
      const Stream err = read_error_output (ssh, channel, end->error, error);
      if (err == STREAM_FAILED)
        return FALSE;
      const Stream out = read_output (ssh, channel, buffer, data, user_data, error);
      if (out == STREAM_FAILED)
        return FALSE;
      if (out == STREAM_ENOUGH)
        return TRUE;
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (out == STREAM_MORE || err == STREAM_MORE)
        continue;
      if (over)
        break;
      if (!eng_ssh_wait (ssh, "a command runs there", cancellable, error))
        return FALSE;
    }
  if (end->status >= 0)
    return TRUE;
  return eng_ssh_error (ssh, error, G_IO_ERROR_CONNECTION_CLOSED,
                        "the session ended while a command ran there; before that, the board %s",
                        ssh->said);
}

gboolean
eng_ssh_run (EngSsh *ssh, const char *command, EngLinkData data, gpointer user_data, EngSshEnd *end,
             GCancellable *cancellable, GError **error)
{
  struct ssh_channel_callbacks_struct callbacks = {
    .userdata = end,
    .channel_exit_status_function = on_status,
    .channel_exit_signal_function = on_signal,
  };

  end->status = -1;
  end->error = g_string_new (NULL);
  ssh_callbacks_init (&callbacks);
  ssh_channel channel = eng_ssh_channel_open (ssh, command, FALSE, &callbacks, cancellable, error);
  if (channel == NULL)
    return FALSE;
  ssh_channel_send_eof (channel); /* it reads nothing */
  const gboolean ok = stream (ssh, channel, data, user_data, end, cancellable, error);
  if (!ok && g_cancellable_is_cancelled (cancellable))
    ssh_channel_request_send_signal (channel, "TERM"); /* servers may ignore it */
  ssh_remove_channel_callbacks (channel, &callbacks);
  eng_ssh_channel_drop (channel);
  return ok;
}
