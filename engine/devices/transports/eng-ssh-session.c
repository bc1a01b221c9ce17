/* One SSH session: its life, the one place where it waits, and how its failures are told. Called by
 * the other files of the SSH transport. Knows nothing of what is copied or run.
 *
 * libssh's own waits cannot be cancelled, so the session never blocks: calls return SSH_AGAIN, and
 * eng_ssh_wait() polls the socket beside the cancellable. */
#include "eng-ssh.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "eng-sftp.h"

#define SLICE_MS 250
#define QUOTED_CHARS 120

/* ---- What the board said ---- */

char *
eng_ssh_quote (const char *bytes, gssize n_bytes)
{
  const gsize n = n_bytes < 0 ? strlen (bytes) : (gsize)n_bytes;
  g_autofree char *valid = g_utf8_make_valid (bytes, (gssize)MIN (n, 4 * QUOTED_CHARS));

  g_strchomp (valid);
  for (char *c = valid; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c))
      *c = ' ';
  g_strstrip (valid);
  if (g_utf8_strlen (valid, -1) <= QUOTED_CHARS)
    return g_steal_pointer (&valid);
  *g_utf8_offset_to_pointer (valid, QUOTED_CHARS) = '\0';
  return g_strconcat (valid, "…", NULL);
}

void
eng_ssh_said (EngSsh *ssh, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_free (ssh->said);
  ssh->said = g_strdup_vprintf (format, args);
  va_end (args);
}

/* ---- Failures ---- */

gboolean
eng_ssh_error (EngSsh *ssh, GError **error, GIOErrorEnum code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, G_IO_ERROR, code, "%s: %s", ssh->place, text);
  return FALSE;
}

gboolean
eng_ssh_fail (EngSsh *ssh, const char *doing, GError **error)
{
  const char *why = ssh_get_error (ssh->session);
  g_autofree char *quoted = eng_ssh_quote (why, -1);

  if (!ssh_is_connected (ssh->session)
      || (ssh_get_status (ssh->session) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0)
    return eng_ssh_error (ssh, error, G_IO_ERROR_CONNECTION_CLOSED,
                          "the connection ended while %s (%s); before that, the board %s", doing,
                          quoted[0] != '\0' ? quoted : "no reason given", ssh->said);
  return eng_ssh_error (ssh, error, G_IO_ERROR_FAILED, "failed while %s: %s", doing,
                        quoted[0] != '\0' ? quoted : "libssh gives no reason");
}

/* ---- Waiting ---- */

void
eng_ssh_restart_clock (EngSsh *ssh)
{
  ssh->n_heard = ssh->bytes.in_bytes;
  ssh->heard_us = ssh->left_us = g_get_monotonic_time ();
}

/* A board that is well answers this at once, whatever its programs do. */
static void
ask_for_life (EngSsh *ssh, gint64 now_us)
{
  if (!ssh->logged_in)
    return;
  if (ssh->asked_us != 0 && ssh->heard_us > ssh->asked_us)
    {
      ssh_send_keepalive (ssh->session); /* takes the answer to the last one, asks nothing */
      ssh->asked_us = 0;
    }
  /* libssh may take a call for the answer to an earlier one and ask nothing: once more, then */
  if (now_us - MAX (ssh->heard_us, ssh->asked_us) > (gint64)(ssh->timeout_s * 1e6 / 4))
    {
      ssh_send_keepalive (ssh->session);
      ssh->asked_us = now_us;
    }
}

/* Given up: what was sent and not taken is thrown away. Otherwise the kernel would go on to deliver
 * it once the board answers again, beside a new session that sends the same. */
static void
give_up (EngSsh *ssh)
{
  const struct linger now = { .l_onoff = 1, .l_linger = 0 };

  setsockopt (ssh_get_fd (ssh->session), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* Where the cancellable has no file descriptor (too many are open), short slices do as well. */
static void
poll_both (EngSsh *ssh, GCancellable *cancellable)
{
  GPollFD cancel = { .fd = -1 };
  const gboolean has_fd = cancellable != NULL && g_cancellable_make_pollfd (cancellable, &cancel);
  const short writes = ssh_get_poll_flags (ssh->session) & SSH_WRITE_PENDING ? POLLOUT : 0;
  struct pollfd fds[2] = {
    { .fd = ssh_get_fd (ssh->session), .events = (short)(POLLIN | writes) },
    { .fd = has_fd ? cancel.fd : -1, .events = POLLIN },
  };

  poll (fds, 2, has_fd || cancellable == NULL ? SLICE_MS : SLICE_MS / 5);
  if (has_fd)
    g_cancellable_release_fd (cancellable);
}

gboolean
eng_ssh_wait (EngSsh *ssh, const char *doing, GCancellable *cancellable, GError **error)
{
  const gint64 now_us = g_get_monotonic_time ();

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  /* Only time spent here is silence: between two calls the caller may have been busy with what it
   * got, or with other things. */
  ssh->heard_us += now_us - ssh->left_us;
  ssh->left_us = now_us;
  if (ssh->bytes.in_bytes != ssh->n_heard)
    eng_ssh_restart_clock (ssh);
  if (now_us - ssh->heard_us > (gint64)(ssh->timeout_s * 1e6))
    {
      give_up (ssh);
      return eng_ssh_error (ssh, error, G_IO_ERROR_TIMED_OUT,
                            "nothing heard for %.0f s while %s; before that, the board %s. Check "
                            "its power and its network",
                            ssh->timeout_s, doing, ssh->said);
    }
  if (ssh->stall_us != 0 && now_us > ssh->stall_us)
    return eng_ssh_error (
        ssh, error, G_IO_ERROR_TIMED_OUT,
        "it is alive, but has not got on for %.0f s while %s. Is its disk hanging?",
        ENG_SSH_STALL * ssh->timeout_s, doing);
  ask_for_life (ssh, now_us);
  poll_both (ssh, cancellable);
  ssh->left_us = g_get_monotonic_time ();
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* ---- Its life ---- */

void
eng_ssh_init (void)
{
  static gsize done;

  if (g_once_init_enter (&done))
    {
      ssh_init ();
      g_once_init_leave (&done, 1);
    }
}

/* The user's ssh configuration was asked where to (eng-ssh-config.c), no more: how is said here. */
static gboolean
set_options (EngSsh *ssh, const EngSshTarget *target, int fd)
{
  const unsigned int port = target->port;
  const gboolean no = FALSE;
  const int nodelay = 1;
  ssh_session s = ssh->session;

  return ssh_options_set (s, SSH_OPTIONS_PROCESS_CONFIG, &no) == SSH_OK
         && ssh_options_set (s, SSH_OPTIONS_HOST, target->host) == SSH_OK
         && ssh_options_set (s, SSH_OPTIONS_PORT, &port) == SSH_OK
         && ssh_options_set (s, SSH_OPTIONS_USER, target->user) == SSH_OK
         && ssh_options_set (s, SSH_OPTIONS_KNOWNHOSTS, target->known_hosts) == SSH_OK
         && ssh_options_set (s, SSH_OPTIONS_NODELAY, &nodelay) == SSH_OK
         && ssh_options_set (s, SSH_OPTIONS_FD, &fd) == SSH_OK;
}

static gboolean
begin (EngSsh *ssh, const EngSshTarget *target, GCancellable *cancellable, GError **error)
{
  const int fd = eng_ssh_connect_socket (ssh, target, cancellable, error);
  int rc;

  if (fd < 0)
    return FALSE;
  if (!set_options (ssh, target, fd))
    {
      close (fd);
      return eng_ssh_fail (ssh, "setting up", error);
    }
  ssh_set_blocking (ssh->session, 0);
  ssh_set_counters (ssh->session, &ssh->bytes, NULL);
  eng_ssh_restart_clock (ssh);
  /* From here on the socket is libssh's (eng_ssh_free () tells it so). */
  while ((rc = ssh_connect (ssh->session)) == SSH_AGAIN)
    if (!eng_ssh_wait (ssh, "agreeing on keys", cancellable, error))
      return FALSE;
  if (rc != SSH_OK && strstr (ssh_get_error (ssh->session), "No version of SSH") != NULL)
    return eng_ssh_error (ssh, error, G_IO_ERROR_FAILED,
                          "its SSH server is too old: it speaks version 1 only. Update it");
  if (rc != SSH_OK)
    return eng_ssh_fail (ssh, "agreeing on keys", error);
  g_autofree char *banner = eng_ssh_quote (ssh_get_serverbanner (ssh->session), -1);
  eng_ssh_said (ssh, "greeted as %s", banner);
  return TRUE;
}

EngSsh *
eng_ssh_open (const EngSshTarget *target, GCancellable *cancellable, GError **error)
{
  g_autoptr (EngSsh) ssh = g_new0 (EngSsh, 1);

  eng_ssh_init ();
  ssh->session = ssh_new ();
  ssh->timeout_s = target->timeout_s;
  ssh->place = target->port == 22
                   ? g_strdup_printf ("%s@%s", target->user, target->host)
                   : g_strdup_printf ("%s@%s:%u", target->user, target->host, target->port);
  ssh->said = g_strdup ("had said nothing");
  if (ssh->session == NULL)
    {
      eng_ssh_error (ssh, error, G_IO_ERROR_FAILED, "no memory for a session");
      return NULL;
    }
  if (!begin (ssh, target, cancellable, error)
      || !eng_ssh_check_host_key (ssh, target, cancellable, error)
      || !eng_ssh_login (ssh, target, cancellable, error))
    return NULL;
  ssh->logged_in = TRUE;
  return g_steal_pointer (&ssh);
}

void
eng_ssh_free (EngSsh *ssh)
{
  if (ssh == NULL)
    return;
  eng_sftp_free (ssh->sftp);
  if (ssh->session != NULL)
    {
      /* From 0.10 on libssh leaves a socket open that it was given. Forgetting that it was given
       * (an error to it, but it forgets) makes it close what it still has, and only that. */
      ssh_options_set (ssh->session, SSH_OPTIONS_FD, NULL);
      ssh_disconnect (ssh->session); /* one packet if there is room for it; never waits */
      ssh_free (ssh->session);
    }
  g_free (ssh->place);
  g_free (ssh->said);
  g_free (ssh->folder);
  g_free (ssh);
}
