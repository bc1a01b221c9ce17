/* Reaching a board: its name, the TCP connection, and whether an SSH server is behind it. GIO does
 * the first two, since it looks names up and connects without blocking past a cancellation, which
 * libssh does not. Called by eng-ssh-session.c. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "eng-ssh.h"

#define SLICE_US (G_USEC_PER_SEC / 5)

/* What a failure to connect means, and what to do about it. */
static gboolean
explain (EngSsh *ssh, const EngSshTarget *target, GError *local, GError **error)
{
  g_autoptr (GError) own = local;

  if (g_error_matches (own, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, g_steal_pointer (&own));
      return FALSE;
    }
  if (g_error_matches (own, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return eng_ssh_error (
        ssh, error, G_IO_ERROR_TIMED_OUT,
        "no answer within %.0f s. Check that the board is on and that its address "
        "is still %s",
        ssh->timeout_s, target->host);
  if (g_error_matches (own, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    return eng_ssh_error (ssh, error, G_IO_ERROR_HOST_UNREACHABLE,
                          "port %u is closed there. Start the SSH server (Debian, Raspberry Pi OS: "
                          "sudo systemctl enable --now ssh), or give the port that it uses",
                          target->port);
  if (own->domain == G_RESOLVER_ERROR)
    return eng_ssh_error (ssh, error, G_IO_ERROR_HOST_UNREACHABLE,
                          "there is no host of that name (%s). Check the spelling, or give its "
                          "address",
                          own->message);
  return eng_ssh_error (ssh, error, G_IO_ERROR_HOST_UNREACHABLE,
                        "it cannot be reached (%s). Check its network and this computer's",
                        own->message);
}

/* Wait until something can be read; the clock is the session's. */
static gboolean
wait_readable (EngSsh *ssh, GSocket *socket, GCancellable *cancellable, GError **error)
{
  while (g_get_monotonic_time () - ssh->heard_us < (gint64)(ssh->timeout_s * 1e6))
    {
      g_autoptr (GError) local = NULL;
      if (g_socket_condition_timed_wait (socket, G_IO_IN, SLICE_US, cancellable, &local))
        return TRUE;
      if (!g_error_matches (local, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
    }
  return eng_ssh_error (ssh, error, G_IO_ERROR_TIMED_OUT,
                        "it took the connection but said nothing for %.0f s. An SSH server greets "
                        "at once: is the board overloaded, or another service on this port?",
                        ssh->timeout_s);
}

/* A look at the first bytes, which stay for libssh: what is no SSH server is named by what it
 * says. */
static gboolean
check_greeting (EngSsh *ssh, GSocket *socket, GCancellable *cancellable, GError **error)
{
  char bytes[128];

  eng_ssh_restart_clock (ssh);
  if (!wait_readable (ssh, socket, cancellable, error))
    return FALSE;
  const gssize n = recv (g_socket_get_fd (socket), bytes, sizeof bytes, MSG_PEEK);
  if (n <= 0)
    return eng_ssh_error (
        ssh, error, G_IO_ERROR_CONNECTION_CLOSED,
        "it hung up without a greeting%s%s. An SSH server does so while it has too "
        "many connections: wait a little",
        n < 0 ? ": " : "", n < 0 ? g_strerror (errno) : "");
  if (n < 4 ? bytes[0] == 'S' : memcmp (bytes, "SSH-", 4) == 0)
    return TRUE;
  g_autofree char *quoted = eng_ssh_quote (bytes, n);
  return eng_ssh_error (ssh, error, G_IO_ERROR_FAILED,
                        "this port does not speak SSH; it says \"%s\". Give the port of the SSH "
                        "server",
                        quoted);
}

int
eng_ssh_connect_socket (EngSsh *ssh, const EngSshTarget *target, GCancellable *cancellable,
                        GError **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  GError *local = NULL;

  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_timeout (client, (guint)MAX (1, ssh->timeout_s));
  g_autoptr (GNetworkAddress) address
      = G_NETWORK_ADDRESS (g_network_address_new (target->host, target->port));
  g_autoptr (GSocketConnection) connection
      = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), cancellable, &local);
  if (connection == NULL)
    {
      explain (ssh, target, local, error);
      return -1;
    }
  GSocket *socket = g_socket_connection_get_socket (connection);
  if (!check_greeting (ssh, socket, cancellable, error))
    return -1;
  const int fd = fcntl (g_socket_get_fd (socket), F_DUPFD_CLOEXEC, 3);
  if (fd < 0)
    eng_ssh_error (ssh, error, G_IO_ERROR_FAILED, "no file descriptor for the connection: %s",
                   g_strerror (errno));
  return fd;
}
