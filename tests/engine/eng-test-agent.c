/* Boards with lathe-agent. Used by the test-agent-*.c programs and test-push-agent.c. */
#include "eng-test-agent.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "../test-tree.h"
#include "ag-proof.h"
#include "transports/eng-agent-pair.h"

static gboolean have_spaces, is_root;
static const char *why_not;
static guint n_boards;

static gboolean
write_file (const char *path, const char *text)
{
  FILE *file = fopen (path, "w");
  gboolean ok = file != NULL && fputs (text, file) >= 0;

  return file != NULL && fclose (file) == 0 && ok;
}

static gboolean
run_quietly (const char *format, ...)
{
  g_autofree char *command = NULL;
  int status = -1;
  va_list args;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  const char *const argv[] = { "/bin/sh", "-c", command, NULL };
  return g_spawn_sync (NULL, (char **)argv, NULL,
                       G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL,
                       NULL, &status, NULL)
         && g_spawn_check_wait_status (status, NULL);
}

/* As root without a user space of its own: avahi-daemon wants more users than one. */
static gboolean
enter_space (void)
{
  g_autofree char *uid_map = g_strdup_printf ("0 %u 1\n", (guint)getuid ());
  g_autofree char *gid_map = g_strdup_printf ("0 %u 1\n", (guint)getgid ());

  is_root = geteuid () == 0 && unshare (CLONE_NEWNET) == 0;
  if (is_root)
    return TRUE;
  if (unshare (CLONE_NEWUSER | CLONE_NEWNET) < 0)
    why_not = "this system permits no network namespaces";
  else if (!write_file ("/proc/self/setgroups", "deny")
           || !write_file ("/proc/self/gid_map", gid_map)
           || !write_file ("/proc/self/uid_map", uid_map))
    why_not = "this system permits no users in namespaces";
  return why_not == NULL;
}

void
eng_test_agent_init (void)
{
  if (g_getenv ("LATHE_TEST_LOCAL_BOARD") != NULL)
    why_not = "LATHE_TEST_LOCAL_BOARD is set";
  else if (enter_space ()
           && !run_quietly (
               "ip link set lo up && ip link add probe type veth peer name probe2 && ip link "
               "del probe"))
    why_not = "no program ip (iproute2), or no virtual cables";
  have_spaces = why_not == NULL;
}

/* ---- the board ---- */

static char *
read_line (GSubprocess *process)
{
  GString *line = g_string_new (NULL);
  GInputStream *in = g_subprocess_get_stdout_pipe (process);
  char byte;

  while (g_input_stream_read (in, &byte, 1, NULL, NULL) == 1 && byte != '\n')
    g_string_append_c (line, byte);
  return g_string_free (line, FALSE);
}

static void
make_space (EngTestAgent *board)
{
  g_autoptr (GError) error = NULL;
  const char *pid;

  board->holder = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                                    &error, "unshare", "-n", "sh", "-c", "echo up; exec cat", NULL);
  g_assert_no_error (error);
  g_autofree char *line = read_line (board->holder);
  g_assert_cmpstr (line, ==, "up");
  pid = g_subprocess_get_identifier (board->holder);
  g_assert_true (
      run_quietly ("ip link add lb%u type veth peer name eth0 netns %s && ip addr add "
                   "10.99.%u.1/24 dev lb%u && ip link set lb%u up && nsenter -t %s -n sh "
                   "-c 'ip link set lo up; ip addr add 10.99.%u.2/24 dev eth0; ip link set "
                   "eth0 up'",
                   board->number, pid, board->number, board->number, board->number, pid,
                   board->number));
}

EngTestAgent *
eng_test_agent_new (const char *quota)
{
  EngTestAgent *board = g_new0 (EngTestAgent, 1);

  board->number = ++n_boards;
  board->folder = test_tree_new ();
  board->state = g_build_filename (board->folder, "state", NULL);
  board->files = g_build_filename (board->folder, "files", NULL);
  board->quota = quota != NULL ? quota : "1G";
  board->address
      = have_spaces ? g_strdup_printf ("10.99.%u.2", board->number) : g_strdup ("127.0.0.1");
  board->near
      = have_spaces ? g_strdup_printf ("10.99.%u.1", board->number) : g_strdup ("127.0.0.1");
  if (have_spaces)
    make_space (board);
  eng_test_agent_start (board);
  return board;
}

void
eng_test_agent_start (EngTestAgent *board)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *port = g_strdup_printf ("%u", board->port);
  const char *const args[] = { g_getenv ("LATHE_AGENT"),
                               "--state",
                               board->state,
                               "--files",
                               board->files,
                               "--address",
                               board->address,
                               "--port",
                               port,
                               "--quota",
                               board->quota,
                               "--name",
                               "test-board",
                               board->announce != NULL ? "serve" : "--no-announce",
                               board->announce != NULL ? NULL : "serve",
                               NULL };

  if (board->holder != NULL)
    {
      const char *enter[] = { "nsenter", "-t", g_subprocess_get_identifier (board->holder), "-n" };
      for (guint i = 0; i < G_N_ELEMENTS (enter); i++)
        g_ptr_array_add (argv, (gpointer)enter[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (args); i++)
    g_ptr_array_add (argv, (gpointer)args[i]);
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  if (board->announce != NULL)
    g_subprocess_launcher_setenv (launcher, "DBUS_SYSTEM_BUS_ADDRESS", board->announce, TRUE);
  board->service
      = g_subprocess_launcher_spawnv (launcher, (const char *const *)argv->pdata, &error);
  g_assert_no_error (error);
  g_autofree char *line = read_line (board->service);
  const char *at = strstr (line, "port ");
  g_assert_nonnull (at);
  board->port = (guint16)g_ascii_strtoull (at + 5, NULL, 10);
}

void
eng_test_agent_kill (EngTestAgent *board)
{
  if (board->service == NULL)
    return;
  g_subprocess_force_exit (board->service);
  g_subprocess_wait (board->service, NULL, NULL);
  g_clear_object (&board->service);
}

void
eng_test_agent_free (EngTestAgent *board)
{
  if (board == NULL)
    return;
  eng_test_agent_kill (board);
  if (board->holder != NULL)
    {
      g_output_stream_close (g_subprocess_get_stdin_pipe (board->holder), NULL, NULL);
      g_subprocess_wait (board->holder, NULL, NULL);
      g_object_unref (board->holder);
    }
  for (guint i = 0; board->daemons != NULL && i < board->daemons->len; i++)
    {
      g_subprocess_force_exit (board->daemons->pdata[i]);
      g_subprocess_wait (board->daemons->pdata[i], NULL, NULL);
    }
  g_clear_pointer (&board->daemons, g_ptr_array_unref);
  test_tree_free (board->folder);
  g_free (board->announce);
  g_free (board->state);
  g_free (board->files);
  g_free (board->address);
  g_free (board->near);
  g_free (board);
}

gboolean
eng_test_agent_lacks_cable (EngTestAgent *board)
{
  if (board->holder != NULL)
    return FALSE;
  g_test_skip (why_not);
  return TRUE;
}

void
eng_test_agent_cable (EngTestAgent *board, gboolean plugged)
{
  g_assert_true (run_quietly ("ip link set lb%u %s", board->number, plugged ? "up" : "down"));
}

char *
eng_test_agent_stranger (EngTestAgent *board, guint i)
{
  if (board->holder == NULL)
    return g_strdup_printf ("127.0.0.%u", 2 + i % 250);
  char *address = g_strdup_printf ("10.99.%u.%u", board->number, 3 + i % 250);
  run_quietly ("ip addr add %s/24 dev lb%u", address, board->number);
  return address;
}

guint64
eng_test_agent_rss_kb (EngTestAgent *board)
{
  g_autofree char *path
      = g_strdup_printf ("/proc/%s/statm", g_subprocess_get_identifier (board->service));
  FILE *file = fopen (path, "r");
  guint64 n_all = 0, n_resident = 0;

  g_assert_nonnull (file);
  g_assert_cmpint (fscanf (file, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, &n_all, &n_resident),
                   ==, 2);
  fclose (file);
  return n_resident * (guint64)sysconf (_SC_PAGESIZE) / 1024;
}

guint
eng_test_agent_n_files (EngTestAgent *board)
{
  g_autofree char *path
      = g_strdup_printf ("/proc/%s/fd", g_subprocess_get_identifier (board->service));
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* ---- announcing ---- */

static void
start_daemon (EngTestAgent *board, gboolean there, const char *bus, const char *command)
{
  g_autofree char *enter = there ? g_strdup_printf ("exec nsenter -t %s -n sh -c \"$0\"",
                                                    g_subprocess_get_identifier (board->holder))
                                 : g_strdup ("exec sh -c \"$0\"");
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GError) error = NULL;

  g_subprocess_launcher_setenv (launcher, "DBUS_SYSTEM_BUS_ADDRESS", bus, TRUE);
  g_ptr_array_add (board->daemons, g_subprocess_launcher_spawn (launcher, &error, "sh", "-c", enter,
                                                                command, NULL));
  g_assert_no_error (error);
}

/* Its run-time folder is built in, so each gets a /run of its own. */
static char *
start_avahi (EngTestAgent *board, gboolean there)
{
  const char *name = there ? "there" : "here";
  g_autofree char *socket = g_strdup_printf ("%s/bus-%s", board->folder, name);
  g_autofree char *conf = g_strdup_printf ("%s/avahi-%s", board->folder, name);
  g_autofree char *text = g_strdup_printf ("[server]\nhost-name=%s-%u\nuse-ipv4=yes\nuse-ipv6=no\n",
                                           name, board->number);
  char *bus = g_strconcat ("unix:path=", socket, NULL);
  g_autofree char *dbus = g_strdup_printf ("exec dbus-daemon --session --nofork --address=%s", bus);
  g_autofree char *avahi = g_strdup_printf (
      "exec unshare -m sh -c 'mount -t tmpfs none /run && mkdir /run/avahi-daemon && exec "
      "avahi-daemon --no-drop-root --no-chroot --no-rlimits -f %s'",
      conf);

  g_assert_true (write_file (conf, text));
  start_daemon (board, there, bus, dbus);
  for (int i = 0; i < 100 && !g_file_test (socket, G_FILE_TEST_EXISTS); i++)
    g_usleep (20000);
  start_daemon (board, there, bus, avahi);
  return bus;
}

char *
eng_test_agent_announce (EngTestAgent *board)
{
  g_autofree char *avahi = g_find_program_in_path ("avahi-daemon");
  g_autofree char *dbus = g_find_program_in_path ("dbus-daemon");

  if (!have_spaces || !is_root || avahi == NULL || dbus == NULL)
    {
      g_test_skip (avahi == NULL || dbus == NULL
                       ? "no avahi-daemon or dbus-daemon here"
                       : "avahi-daemon wants root and a network namespace");
      return NULL;
    }
  board->daemons = g_ptr_array_new_with_free_func (g_object_unref);
  board->announce = start_avahi (board, TRUE);
  char *bus = start_avahi (board, FALSE);
  eng_test_agent_kill (board);
  eng_test_agent_start (board);
  return bus;
}

/* ---- who is at the board ---- */

GSubprocess *
eng_test_agent_pair (EngTestAgent *board, char **code)
{
  g_autoptr (GError) error = NULL;
  GSubprocess *process
      = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, g_getenv ("LATHE_AGENT"),
                          "--state", board->state, "pair", NULL);

  g_assert_no_error (error);
  *code = NULL;
  for (int i = 0; i < 3 && *code == NULL; i++)
    {
      g_autofree char *line = read_line (process);
      if (g_str_has_prefix (line, "Code "))
        *code = g_strdup (g_strstrip (line + 5));
    }
  return process;
}

char *
eng_test_agent_command (EngTestAgent *board, int *status, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  char *out = NULL;
  const char *arg;
  va_list args;

  g_ptr_array_add (argv, (gpointer)g_getenv ("LATHE_AGENT"));
  g_ptr_array_add (argv, (gpointer) "--state");
  g_ptr_array_add (argv, board->state);
  va_start (args, status);
  while ((arg = va_arg (args, const char *)) != NULL)
    g_ptr_array_add (argv, (gpointer)arg);
  va_end (args);
  g_ptr_array_add (argv, NULL);
  g_autoptr (GSubprocess) process
      = g_subprocess_newv ((const char *const *)argv->pdata, G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &out, NULL, NULL));
  *status = g_subprocess_get_exit_status (process);
  return out;
}

/* ---- studios ---- */

EngAgentHttp *
eng_test_agent_http (EngTestAgent *board)
{
  EngAgentHttp *http = eng_agent_http_new (board->address, board->port);
  EngAgentRequest request = { .method = "GET", .path = "/v1/agent" };
  g_autoptr (GError) error = NULL;
  guint status = 0;
  g_autoptr (JsonObject) answer = eng_agent_http_ask (http, &request, &status, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (status, ==, 401);
  return http;
}

EngLink *
eng_test_agent_link (EngTestAgent *board, char **token)
{
  g_autofree char *code = NULL;
  g_autoptr (GError) error = NULL;
  EngAgentHttp *http = eng_test_agent_http (board);
  GSubprocess *pair = eng_test_agent_pair (board, &code);
  gboolean unpaired;

  g_assert_nonnull (code);
  eng_agent_pair_with_code (http, code, NULL, &error);
  g_assert_no_error (error);
  g_subprocess_wait (pair, NULL, NULL);
  g_assert_cmpint (g_subprocess_get_exit_status (pair), ==, 0);
  g_object_unref (pair);
  if (token != NULL)
    *token = g_strdup (http->token);
  EngLink *link = eng_agent_link_new (http, &unpaired, NULL, &error);
  g_assert_no_error (error);
  return link;
}

EngLink *
eng_test_agent_link_again (EngTestAgent *board, const char *token)
{
  EngAgentHttp *http = eng_test_agent_http (board);
  g_autoptr (GError) error = NULL;
  gboolean unpaired;

  eng_agent_http_set_token (http, token);
  EngLink *link = eng_agent_link_new (http, &unpaired, NULL, &error);
  g_assert_no_error (error);
  return link;
}

static gboolean
accept_any (GTlsConnection *tls, GTlsCertificate *certificate, GTlsCertificateFlags flags,
            gpointer data)
{
  return TRUE;
}

char *
eng_test_agent_raw (EngTestAgent *board, const char *from, const char *bytes)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) near
      = from != NULL ? g_inet_socket_address_new_from_string (from, 0) : NULL;
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GIOStream) tls = NULL;
  g_autoptr (GString) answer = g_string_new (NULL);
  char buffer[4096];
  gssize n;

  g_socket_client_set_timeout (client, 20);
  if (near != NULL)
    g_socket_client_set_local_address (client, near);
  connection = g_socket_client_connect_to_host (client, board->address, board->port, NULL, NULL);
  if (connection == NULL)
    return NULL;
  tls = g_tls_client_connection_new (G_IO_STREAM (connection), NULL, NULL);
  g_signal_connect (tls, "accept-certificate", G_CALLBACK (accept_any), NULL);
  if (!g_tls_connection_handshake (G_TLS_CONNECTION (tls), NULL, NULL))
    return NULL;
  g_output_stream_write_all (g_io_stream_get_output_stream (tls), bytes, strlen (bytes), NULL, NULL,
                             NULL);
  while ((n = g_input_stream_read (g_io_stream_get_input_stream (tls), buffer, sizeof buffer, NULL,
                                   NULL))
         > 0)
    g_string_append_len (answer, buffer, n);
  return g_string_free (g_steal_pointer (&answer), FALSE);
}
