/* Links over SSH that are cut, frozen, killed, cancelled at every stage, and what answers on a port
 * without being an SSH server (board-sshd.py is the board, and pulls the cable). */
#include <gio/gunixsocketaddress.h>

#include "eng-test-ssh.h"

#define CANCEL_MS 300

/* ---- Copies that are cut ---- */

#define BIG_BYTES 24000000

typedef struct
{
  const char *command; /* to the board, once, when @after bytes are done */
  guint64 after, first, last;
  GCancellable *cancel; /* instead of a command */
  guint n_reports;
  gint64 done_us;
} Trouble;

static void
make_trouble (guint64 n_done, guint64 n_all, gpointer user_data)
{
  Trouble *trouble = user_data;

  if (trouble->n_reports++ == 0)
    trouble->first = n_done;
  g_assert_cmpuint (n_done, >=, trouble->last);
  g_assert_cmpuint (n_done, <=, n_all);
  trouble->last = n_done;
  if (n_done < trouble->after || trouble->done_us != 0)
    return;
  if (trouble->command != NULL)
    eng_test_board_do (board, "%s", trouble->command);
  trouble->done_us = g_get_monotonic_time ();
  if (trouble->cancel != NULL)
    g_cancellable_cancel (trouble->cancel);
}

/* A link that was given up keeps nothing back that it would send later. */
static struct tcp_info
only_link (void)
{
  struct tcp_info info;

  g_assert_cmpuint (count_links (&info), ==, 1);
  return info;
}

/* Copy until @command, then again over a new link; the second copies what the first did not. */
static void
resume_after (const char *command, const char *heal, gboolean damage)
{
  g_autofree char *path = make_file ("big", BIG_BYTES);
  g_autofree char *part = board_file ("big.part");
  g_autofree char *there = board_file ("big");
  Trouble trouble = { .command = command, .after = BIG_BYTES / 3 }, second = { 0 };
  g_autoptr (EngLink) link = open_good ();
  g_autoptr (GError) error = NULL;
  GStatBuf info;

  g_remove (there);
  g_remove (part);
  second.after = G_MAXUINT64;
  g_assert_false (eng_link_put (link, path, "big", FALSE, make_trouble, &trouble, NULL, &error));
  g_test_message ("after \"%s\": %s", command, error->message);
  g_assert_true (eng_link_error_is_lost (error));
  g_assert_cmpfloat (seconds_since (trouble.done_us), <, SILENCE_S + 1);
  g_clear_error (&error);
  g_clear_pointer (&link, eng_link_close);
  if (heal != NULL)
    eng_test_board_do (board, "%s", heal);
  g_assert_false (g_file_test (there, G_FILE_TEST_EXISTS));
  g_usleep (100000); /* what is on its way arrives */
  g_assert_cmpint (g_stat (part, &info), ==, 0);
  g_assert_cmpint (info.st_size, >=, BIG_BYTES / 4);
  if (damage)
    {
      g_autofree char *bytes = NULL;
      gsize n;
      g_assert_true (g_file_get_contents (part, &bytes, &n, NULL));
      bytes[n - 1] ^= 1;
      g_assert_true (g_file_set_contents (part, bytes, (gssize)n, NULL));
      if (board->has_link)
        g_assert_cmpint (chown (part, 10213, 10213), ==, 0);
    }
  link = open_good ();
  const guint64 before = only_link ().tcpi_bytes_acked;
  assert_good (eng_link_put (link, path, "big", FALSE, make_trouble, &second, NULL, &error), error);
  g_assert_no_error (error);
  assert_same_file (path, there);
  g_assert_false (g_file_test (part, G_FILE_TEST_EXISTS));
  /* the server may have written more meanwhile of what it had got */
  if (damage)
    g_assert_cmpuint (second.first, ==, 0);
  else
    g_assert_cmpuint (second.first, >=, (guint64)info.st_size);
  /* not what went over the cable: a kernel on a busy machine sends some of it twice */
  const guint64 sent = only_link ().tcpi_bytes_acked - before;
  const guint64 rest = BIG_BYTES - second.first;
  g_test_message ("%" G_GUINT64_FORMAT " of %d bytes were there, %" G_GUINT64_FORMAT " were sent",
                  second.first, BIG_BYTES, sent);
  g_assert_cmpuint (sent, >=, rest);
  g_assert_cmpuint (sent, <, rest + rest / 50 + 100000);
}

static void
test_resume_killed (void)
{
  resume_after ("kill", NULL, FALSE);
}

static void
test_resume_damaged (void)
{
  resume_after ("kill", NULL, TRUE);
}

static void
test_resume_frozen (void)
{
  resume_after ("freeze", "thaw", FALSE);
}

static void
test_resume_cut (void)
{
  if (!eng_test_board_lacks_link (board))
    resume_after ("cut", "heal", FALSE);
}

static void
test_no_space (void)
{
  g_autofree char *path = make_file ("big", BIG_BYTES);
  g_autofree char *part = board_file ("big.part");
  Trouble trouble = { .command = "fill 500000", .after = 1 }; /* before all of it is under way */
  g_autoptr (GError) error = NULL;

  if (eng_test_board_lacks_link (board))
    return;
  g_autoptr (EngLink) link = open_good ();
  eng_test_board_do (board, "tmpfs 10000000");
  g_assert_false (eng_link_put (link, path, "big", FALSE, NULL, NULL, NULL, &error));
  assert_error (error, G_IO_ERROR_NO_SPACE, "it needs 24.0", "and 10.0");
  g_clear_error (&error);
  eng_test_board_do (board, "umount cache");
  /* somebody else fills it meanwhile */
  eng_test_board_do (board, "tmpfs 30000000");
  g_assert_false (eng_link_put (link, path, "big", FALSE, make_trouble, &trouble, NULL, &error));
  assert_error (error, G_IO_ERROR_NO_SPACE, "no space for big", "are free");
  g_clear_error (&error);
  /* what it wrote in vain is gone, and the link works */
  guint64 n_bytes;
  assert_good (eng_link_size (link, "big.part", &n_bytes, NULL, &error), error);
  g_assert_no_error (error);
  g_assert_cmpuint (n_bytes, ==, G_MAXUINT64);
  eng_test_board_do (board, "umount cache");
  assert_good (eng_link_put (link, path, "big", FALSE, NULL, NULL, NULL, &error), error);
  g_assert_no_error (error);
}

/* ---- A lost link at every other stage ---- */

static void
assert_lost (GError *error, gint64 since_us, double within_s)
{
  g_test_message ("after %.1f s: %s", seconds_since (since_us), error->message);
  if (!eng_link_error_is_lost (error))
    g_error ("not told as a lost link: %s", error->message);
  g_assert_cmpfloat (seconds_since (since_us), <, within_s);
}

static void
test_cut_connect (void)
{
  g_autoptr (EngDevice) device = eng_test_board_device (board, NULL);
  g_auto (EngTestAnswers) answers = { .yes = TRUE };
  g_autoptr (GError) error = NULL;

  if (eng_test_board_lacks_link (board))
    return;
  eng_test_board_do (board, "cut");
  const gint64 start_us = g_get_monotonic_time ();
  g_assert_null (open_link (device, &answers, NULL, &error));
  assert_lost (error, start_us, SILENCE_S + 2);
  eng_test_board_do (board, "heal");
  eng_link_close (open_good ());
}

typedef struct
{
  gint64 cut_us;
  const char *command;
  GCancellable *cancel;
} Cutter;

static gboolean
cut_at_question (EngDevice *device, const char *title, const char *text, gpointer user_data)
{
  Cutter *cutter = user_data;

  eng_test_board_do (board, "%s", cutter->command);
  cutter->cut_us = g_get_monotonic_time ();
  return TRUE;
}

/* The question about the host's key comes between the agreement on keys and the login. */
static void
test_cut_login (void)
{
  static const char *const commands[] = { "freeze", "thaw", "kill", NULL, "cut", "heal" };
  g_autoptr (EngDevice) device = eng_test_board_device (board, NULL);

  for (guint i = 0; i < (board->has_link ? 6 : 4); i += 2)
    {
      Cutter cutter = { .command = commands[i] };
      const EngAsk ask = { .confirm = cut_at_question, .user_data = &cutter };
      g_autoptr (GError) error = NULL;
      g_remove (board->known_hosts);
      g_assert_null (eng_transport_ssh.open (device, &ask, NULL, &error));
      assert_lost (error, cutter.cut_us, SILENCE_S + 1);
      if (commands[i + 1] != NULL)
        eng_test_board_do (board, "%s", commands[i + 1]);
      eng_link_close (open_good ());
    }
}

static gboolean
cut_at_output (const char *bytes, gsize n_bytes, gpointer user_data)
{
  Cutter *cutter = user_data;

  if (cutter->cut_us == 0)
    {
      if (cutter->command != NULL)
        eng_test_board_do (board, "%s", cutter->command);
      cutter->cut_us = g_get_monotonic_time ();
    }
  return TRUE;
}

/* While a command streams: what it printed last is in the message. */
static void
test_cut_run (void)
{
  static const char *const commands[] = { "freeze", "thaw", "kill", NULL, "cut", "heal" };
  const char *const none[] = { NULL };

  for (guint i = 0; i < (board->has_link ? 6 : 4); i += 2)
    {
      g_autoptr (EngLink) link = open_good ();
      Cutter cutter = { .command = commands[i] };
      g_autoptr (GError) error = NULL;
      put_script (link, "runner", "#!/bin/sh\necho layer 7 of 30\nsleep 60\n");
      g_assert_false (
          eng_link_run (link, "runner", none, cut_at_output, &cutter, NULL, NULL, &error));
      assert_lost (error, cutter.cut_us, SILENCE_S + 1);
      g_assert_nonnull (strstr (error->message, "printed \"layer 7 of 30\""));
      if (commands[i + 1] != NULL)
        eng_test_board_do (board, "%s", commands[i + 1]);
    }
  eng_test_board_do (board, "kill");
  eng_link_close (open_good ());
}

/* A command that is silent for longer than the time-out is no lost board. */
static void
test_silence (void)
{
  g_autoptr (EngLink) link = open_good ();
  const char *const none[] = { NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) out = g_string_new (NULL);

  put_script (link, "runner", "#!/bin/sh\nsleep 5\necho done\n");
  assert_good (eng_link_run (link, "runner", none, gather, out, NULL, NULL, &error), error);
  g_assert_no_error (error);
  g_assert_cmpstr (out->str, ==, "done\n");
  /* and one that nobody used for longer is as good as new */
  g_usleep ((gulong)(SILENCE_S * 1.5e6));
  g_autofree char *machine = eng_link_machine (link, NULL, &error);
  g_assert_no_error (error);
}

static gboolean
dawdle (const char *bytes, gsize n_bytes, gpointer n)
{
  if ((*(guint *)n)++ == 0)
    g_usleep ((gulong)(SILENCE_S * 1.5e6));
  return TRUE;
}

/* Nor is a reader that takes its time. */
static void
test_slow_reader (void)
{
  g_autoptr (EngLink) link = open_good ();
  const char *const none[] = { NULL };
  g_autoptr (GError) error = NULL;
  guint n = 0;

  put_script (link, "runner", "#!/bin/sh\necho a\nsleep 0.5\necho b\nsleep 3\necho c\n");
  assert_good (eng_link_run (link, "runner", none, dawdle, &n, NULL, NULL, &error), error);
  g_assert_cmpuint (n, >=, 2);
}

static void
test_off (void)
{
  g_autoptr (EngDevice) device = eng_test_board_device (board, NULL);
  g_autoptr (EngDevice) unknown
      = eng_test_board_device (board, "host", "no-such-board.invalid", NULL);
  g_auto (EngTestAnswers) answers = { .yes = TRUE };
  g_autoptr (GError) error = NULL;

  eng_test_board_do (board, "off");
  g_assert_null (open_link (device, &answers, NULL, &error));
  assert_error (error, G_IO_ERROR_HOST_UNREACHABLE, "is closed there", "systemctl enable");
  g_clear_error (&error);
  eng_test_board_do (board, "on");
  g_assert_null (open_link (unknown, &answers, NULL, &error));
  assert_error (error, G_IO_ERROR_HOST_UNREACHABLE, "no-such-board.invalid");
}

/* ---- What is no SSH server ---- */

typedef struct
{
  GSocketListener *listener;
  const char *greeting; /* NULL: hangs up; "": says nothing */
  GCancellable *stop;
} Impostor;

static gpointer
pretend (gpointer data)
{
  Impostor *impostor = data;
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func (g_object_unref);

  for (;;)
    {
      GSocketConnection *connection
          = g_socket_listener_accept (impostor->listener, NULL, impostor->stop, NULL);
      if (connection == NULL)
        return NULL;
      if (impostor->greeting == NULL)
        {
          g_object_unref (connection);
          continue;
        }
      g_ptr_array_add (held, connection);
      g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)),
                                 impostor->greeting, strlen (impostor->greeting), NULL, NULL, NULL);
    }
}

static EngDevice *
device_at (guint16 port)
{
  g_autofree char *text = g_strdup_printf ("%u", port);

  return eng_test_board_device (board, "host", "127.0.0.1", "port", text, NULL);
}

static void
test_impostors (void)
{
  const struct
  {
    const char *greeting;
    GIOErrorEnum code;
    const char *says;
  } cases[] = {
    { "HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", G_IO_ERROR_FAILED,
      "does not speak SSH; it says \"HTTP/1.1 400 Bad Request" },
    { "\001\377\376\n\n\033[2J\310", G_IO_ERROR_FAILED, "does not speak SSH" },
    { "", G_IO_ERROR_TIMED_OUT, "said nothing for 2 s" },
    { NULL, G_IO_ERROR_CONNECTION_CLOSED, "hung up without a greeting" },
    { "SSH-2.0-x\r\n", G_IO_ERROR_TIMED_OUT, "nothing heard for 2 s" },
    { "SSH-1.5-x\r\n", G_IO_ERROR_FAILED, "too old" },
    { "SSH-2.0-x\r\n\001\002\003garbage that is no packet garbage that is no packet",
      G_IO_ERROR_CONNECTION_CLOSED, "agreeing on keys" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GSocketListener) listener = g_socket_listener_new ();
      g_autoptr (GCancellable) stop = g_cancellable_new ();
      Impostor impostor = { listener, cases[i].greeting, stop };
      const guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
      g_autoptr (EngDevice) device = device_at (port);
      g_auto (EngTestAnswers) answers = { .yes = TRUE };
      g_autoptr (GError) error = NULL;
      GThread *thread = g_thread_new ("impostor", pretend, &impostor);
      g_assert_null (open_link (device, &answers, NULL, &error));
      g_test_message ("says: %s", error->message);
      if (error->code != (int)cases[i].code || strstr (error->message, cases[i].says) == NULL)
        g_error ("%u: %d %s", i, error->code, error->message);
      g_cancellable_cancel (stop);
      g_thread_join (thread);
    }
}

/* ---- Cancelled ---- */

typedef struct
{
  GCancellable *cancellable;
  guint after_ms;
  gint64 at_us;
} Canceller;

static gpointer
cancel_later (gpointer data)
{
  Canceller *canceller = data;

  g_usleep (canceller->after_ms * 1000);
  canceller->at_us = g_get_monotonic_time ();
  g_cancellable_cancel (canceller->cancellable);
  return NULL;
}

static void
assert_cancelled (const char *where, GError *error, gint64 at_us)
{
  const double took_ms = seconds_since (at_us) * 1e3;

  g_test_message ("%s: %.0f ms", where, took_ms);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpfloat (took_ms, <, CANCEL_MS);
}

static void
cancel_open (const char *where, EngDevice *device)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Canceller canceller = { cancellable, 400, 0 };
  g_auto (EngTestAnswers) answers = { .yes = TRUE };
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_later, &canceller);

  g_assert_null (open_link (device, &answers, cancellable, &error));
  g_thread_join (thread);
  assert_cancelled (where, error, canceller.at_us);
}

static void
test_cancel_open (void)
{
  static const char *const greetings[] = { "", "SSH-2.0-x\r\n" };

  if (board->has_link) /* an address where nobody is */
    {
      g_autofree char *nobody = g_strdup (board->host);
      *(strrchr (nobody, '.') + 1) = '\0';
      g_autofree char *host = g_strconcat (nobody, "77", NULL);
      g_autoptr (EngDevice) device = eng_test_board_device (board, "host", host, NULL);
      cancel_open ("connecting", device);
    }
  for (guint i = 0; i < G_N_ELEMENTS (greetings); i++)
    {
      g_autoptr (GSocketListener) listener = g_socket_listener_new ();
      g_autoptr (GCancellable) stop = g_cancellable_new ();
      Impostor impostor = { listener, greetings[i], stop };
      const guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
      g_autoptr (EngDevice) device = device_at (port);
      GThread *thread = g_thread_new ("impostor", pretend, &impostor);
      cancel_open (i == 0 ? "greeting" : "agreeing on keys", device);
      g_cancellable_cancel (stop);
      g_thread_join (thread);
    }
}

/* An agent that takes the question and never answers, as one does that waits for its user. */
static void
test_cancel_agent (void)
{
  g_autofree char *path = g_build_filename (board->folder, "deaf-agent", NULL);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, 0, NULL);
  g_autoptr (EngDevice) device = eng_test_board_device (board, NULL);

  eng_link_close (open_good ());
  g_assert_true (g_socket_bind (socket, address, TRUE, NULL));
  g_assert_true (g_socket_listen (socket, NULL));
  g_setenv ("SSH_AUTH_SOCK", path, TRUE);
  cancel_open ("asking the agent", device);
  g_unsetenv ("SSH_AUTH_SOCK");
}

static gboolean
freeze_at_question (EngDevice *device, const char *title, const char *text, gpointer user_data)
{
  eng_test_board_do (board, "freeze");
  return TRUE;
}

static void
test_cancel_login (void)
{
  g_autoptr (EngDevice) device = eng_test_board_device (board, NULL);
  const EngAsk ask = { .confirm = freeze_at_question };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Canceller canceller = { cancellable, 900, 0 };
  g_autoptr (GError) error = NULL;

  g_remove (board->known_hosts);
  GThread *thread = g_thread_new ("cancel", cancel_later, &canceller);
  g_assert_null (eng_transport_ssh.open (device, &ask, cancellable, &error));
  g_thread_join (thread);
  assert_cancelled ("logging in", error, canceller.at_us);
  eng_test_board_do (board, "thaw");
}

/* In the middle of a copy, one that moves and one whose board froze. */
static void
test_cancel_put (void)
{
  g_autofree char *path = make_file ("big", BIG_BYTES);
  static const char *const commands[] = { NULL, "freeze" };

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_autofree char *there = board_file ("big");
      g_autofree char *part = board_file ("big.part");
      g_autoptr (EngLink) link = open_good ();
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Trouble trouble = { .command = commands[i], .after = BIG_BYTES / 3, .cancel = cancellable };
      g_autoptr (GError) error = NULL;
      g_remove (part);
      g_remove (there);
      g_assert_false (
          eng_link_put (link, path, "big", FALSE, make_trouble, &trouble, cancellable, &error));
      assert_cancelled ("copying", error, trouble.done_us);
      g_clear_error (&error);
      if (commands[i] != NULL)
        eng_test_board_do (board, "thaw");
      Trouble rest = { .after = G_MAXUINT64 };
      /* the same link goes on where it was */
      assert_good (eng_link_put (link, path, "big", FALSE, make_trouble, &rest, NULL, &error),
                   error);
      g_assert_no_error (error);
      g_assert_cmpuint (rest.first, >=, BIG_BYTES / 4);
      assert_same_file (path, there);
    }
}

static void
test_cancel_run (void)
{
  static const char *const commands[] = { NULL, "freeze" };
  const char *const none[] = { NULL };

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_autoptr (EngLink) link = open_good ();
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Canceller canceller = { cancellable, 500, 0 };
      Cutter cutter = { .command = commands[i] };
      g_autoptr (GError) error = NULL;
      put_script (link, "runner", "#!/bin/sh\necho begun\nexec sleep 60\n");
      GThread *thread = g_thread_new ("cancel", cancel_later, &canceller);
      g_assert_false (
          eng_link_run (link, "runner", none, cut_at_output, &cutter, NULL, cancellable, &error));
      g_thread_join (thread);
      assert_cancelled ("running", error, canceller.at_us);
      g_clear_error (&error);
      if (commands[i] != NULL)
        eng_test_board_do (board, "thaw");
      g_autofree char *machine = eng_link_machine (link, NULL, &error); /* the link is well */
      g_assert_no_error (error);
    }
  eng_test_board_do (board, "kill");
}

int
main (int argc, char **argv)
{
  char *home = begin_tests (&argc, &argv);

  if (!start_board ())
    return end_tests (home);
  g_test_add_func ("/ssh/run/silence", test_silence);
  g_test_add_func ("/ssh/run/slow-reader", test_slow_reader);
  g_test_add_func ("/ssh/resume/killed", test_resume_killed);
  g_test_add_func ("/ssh/resume/damaged", test_resume_damaged);
  g_test_add_func ("/ssh/resume/frozen", test_resume_frozen);
  g_test_add_func ("/ssh/resume/cut", test_resume_cut);
  g_test_add_func ("/ssh/cut/connect", test_cut_connect);
  g_test_add_func ("/ssh/cut/login", test_cut_login);
  g_test_add_func ("/ssh/cut/run", test_cut_run);
  g_test_add_func ("/ssh/off", test_off);
  g_test_add_func ("/ssh/impostors", test_impostors);
  g_test_add_func ("/ssh/no-space", test_no_space);
  g_test_add_func ("/ssh/cancel/open", test_cancel_open);
  g_test_add_func ("/ssh/cancel/agent", test_cancel_agent);
  g_test_add_func ("/ssh/cancel/login", test_cancel_login);
  g_test_add_func ("/ssh/cancel/put", test_cancel_put);
  g_test_add_func ("/ssh/cancel/run", test_cancel_run);
  return end_tests (home);
}
