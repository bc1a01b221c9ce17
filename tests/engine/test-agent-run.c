/* lathe-agent runs what was put: commands and their output, readers that are slow or leave, logs
 * that outlive the line, kept builds. */
#include <string.h>

#include "agent-case.h"

/* Stands in for lathe-runner: "start" leaves somebody behind who writes a line every 5 ms into the
 * log, 600 of them; "run" pours 24 MB out; "stop" complains and fails. */
static const char fake_runner[]
    = "#!/usr/bin/python3\n"
      "import os, sys, time\n"
      "what, args = sys.argv[1], sys.argv[2:]\n"
      "if what == 'board':\n"
      "    print('{\"kind\":\"board\",\"cwd\":\"%s\"}' % os.getcwd())\n"
      "elif what == 'start':\n"
      "    log = args[args.index('--log') + 1]\n"
      "    if os.fork() == 0:\n"
      "        os.setsid()\n"
      "        null = os.open('/dev/null', os.O_RDWR)\n"
      "        for fd in 0, 1, 2: os.dup2(null, fd)\n"
      "        with open(log, 'w') as out:\n"
      "            for i in range(600):\n"
      "                out.write('line %05d\\n' % i); out.flush(); time.sleep(0.005)\n"
      "            out.write('end\\n')\n"
      "        os._exit(0)\n"
      "    print('started')\n"
      "elif what == 'follow':\n"
      "    at = int(args[2]) if len(args) > 2 else 0\n"
      "    with open(args[0], 'rb') as log:\n"
      "        log.seek(at)\n"
      "        while True:\n"
      "            text = log.read()\n"
      "            sys.stdout.buffer.write(text); sys.stdout.buffer.flush()\n"
      "            if text.endswith(b'end\\n'): break\n"
      "            time.sleep(0.01)\n"
      "elif what == 'run':\n"
      "    block = bytes(range(256)) * 256\n"
      "    for i in range(384): sys.stdout.buffer.write(block)\n"
      "elif what == 'stop':\n"
      "    sys.stderr.write('no such run\\n'); sys.exit(3)\n"
      "elif what == 'hash':\n"
      "    sys.exit(127)\n";

static void
put_runner (EngTestAgent *board, EngLink *link)
{
  g_autofree char *path = g_build_filename (board->folder, "runner.py", NULL);
  g_autofree char *small = agent_case_file (board, "some-build", 1000);

  g_assert_true (g_file_set_contents (path, fake_runner, -1, NULL));
  agent_case_put (link, path, "runner", TRUE);
  agent_case_put (link, small, "build1", FALSE);
  agent_case_put (link, small, "work", FALSE);
}

typedef struct
{
  GString *text;
  GChecksum *sum;
  gsize n, n_enough;
  guint pause_us;
} Gathered;

static gboolean
gather (const char *bytes, gsize n, gpointer data)
{
  Gathered *gathered = data;

  gathered->n += n;
  if (gathered->text != NULL)
    g_string_append_len (gathered->text, bytes, (gssize)n);
  if (gathered->sum != NULL)
    g_checksum_update (gathered->sum, (const guchar *)bytes, (gssize)n);
  if (gathered->pause_us > 0)
    g_usleep (gathered->pause_us);
  return gathered->n_enough == 0 || gathered->n < gathered->n_enough;
}

static gboolean
run_command (EngLink *link, Gathered *gathered, int *status, GError **error, const char *first, ...)
{
  g_autoptr (GPtrArray) args = g_ptr_array_new ();
  va_list rest;

  va_start (rest, first);
  for (const char *arg = first; arg != NULL; arg = va_arg (rest, const char *))
    g_ptr_array_add (args, (gpointer)arg);
  va_end (rest);
  g_ptr_array_add (args, NULL);
  return eng_link_run (link, "runner", (const char *const *)args->pdata, gather, gathered, status,
                       NULL, error);
}

static gboolean
have_python (void)
{
  if (g_file_test ("/usr/bin/python3", G_FILE_TEST_IS_EXECUTABLE))
    return TRUE;
  g_test_skip ("no /usr/bin/python3 to stand in for the runner");
  return FALSE;
}

static void
assert_refused (EngLink *link, int code, const char *says, const char *runner, const char *a,
                const char *b, const char *c, const char *d, const char *e)
{
  const char *const args[] = { a, b, c, d, e, NULL };
  g_autoptr (GError) error = NULL;
  Gathered gathered = { 0 };

  g_assert_false (eng_link_run (link, runner, args, gather, &gathered, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, code);
  if (strstr (error->message, says) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, says);
}

static void
test_run (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  Gathered gathered = { .text = text };
  int status = -1;

  if (!have_python ())
    return;
  EngLink *link = eng_test_agent_link (board, NULL);
  put_runner (board, link);
  g_assert_true (run_command (link, &gathered, &status, &error, "board", ".", NULL));
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  g_assert_nonnull (strstr (text->str, board->files));
  g_assert_true (run_command (link, &gathered, &status, &error, "stop", "work", NULL));
  g_assert_cmpint (status, ==, 3);
  g_assert_false (run_command (link, &gathered, &status, &error, "hash", "work", NULL));
  g_assert_nonnull (strstr (error->message, "could not be started"));

  /* What was not put as a program, was not put at all, or is no command of the runner. */
  assert_refused (link, G_IO_ERROR_PERMISSION_DENIED, "as a program", "build1", "board", NULL, NULL,
                  NULL, NULL);
  assert_refused (link, G_IO_ERROR_PERMISSION_DENIED, "as a program", "sh", "board", NULL, NULL,
                  NULL, NULL);
  assert_refused (link, G_IO_ERROR_FAILED, "Not a command", "runner", "-c", "reboot", NULL, NULL,
                  NULL);
  assert_refused (link, G_IO_ERROR_FAILED, "name of a file", "runner", "hash", "../state/key.pem",
                  NULL, NULL, NULL);
  assert_refused (link, G_IO_ERROR_NOT_FOUND, "no nothing", "runner", "hash", "nothing", NULL, NULL,
                  NULL);
  assert_refused (link, G_IO_ERROR_PERMISSION_DENIED, "name of its own", "runner", "start",
                  "build1", "work", "--log", "runner");
  /* A file that lies there, and was not put: a build it is not. */
  g_autofree char *own = g_build_filename (board->files, "own", NULL);
  g_assert_true (g_file_set_contents (own, "x", -1, NULL));
  assert_refused (link, G_IO_ERROR_PERMISSION_DENIED, "not put and verified", "runner", "run",
                  "own", "work", NULL, NULL);
  eng_link_close (link);
}

/* Somebody who reads slowly: the service holds a window, not 24 MB, and others do not wait. */
static void
test_slow_reader (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autoptr (GChecksum) expected = g_checksum_new (G_CHECKSUM_SHA256);
  Gathered gathered = { .sum = sum, .pause_us = 2500 }; /* 6 MB/s */
  guchar block[256];
  int status = -1;

  if (!have_python ())
    return;
  EngLink *link = eng_test_agent_link (board, NULL);
  put_runner (board, link);
  guint64 before = eng_test_agent_rss_kb (board);
  g_assert_true (run_command (link, &gathered, &status, &error, "run", "build1", "work", NULL));
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpuint (gathered.n, ==, 384 * 65536);
  for (guint i = 0; i < 256; i++)
    block[i] = (guchar)i;
  for (guint i = 0; i < 384 * 256; i++)
    g_checksum_update (expected, block, 256);
  g_assert_cmpstr (g_checksum_get_string (sum), ==, g_checksum_get_string (expected));
  g_assert_cmpuint (eng_test_agent_rss_kb (board), <, before + 8192 + AGENT_CASE_SPARE_KB);

  /* One that stops listening in the middle: the command ends, the service goes on. */
  gathered = (Gathered){ .n_enough = 1 << 20 };
  g_assert_true (run_command (link, &gathered, &status, &error, "run", "build1", "work", NULL));
  g_assert_no_error (error);
  guint64 n_bytes;
  g_assert_true (eng_link_size (link, "work", &n_bytes, NULL, &error));
  eng_link_close (link);
}

/* The line is cut, then the service is killed and comes back, while a run goes on: its log goes on
 * from the offset, whole and in order. */
static void
test_follow (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autofree char *token = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GString) expected = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  Gathered gathered = { .text = text };
  int status = -1;

  if (!have_python ())
    return;
  EngLink *link = eng_test_agent_link (board, &token);
  put_runner (board, link);
  g_assert_true (run_command (link, &gathered, &status, &error, "start", "build1", "work", "--log",
                              "run.log", NULL));
  g_assert_no_error (error);
  g_assert_cmpstr (text->str, ==, "started\n");
  g_string_truncate (text, 0);
  for (int cut = 0; cut < 3; cut++)
    {
      g_autofree char *from = g_strdup_printf ("%zu", text->len);
      gathered = (Gathered){ .text = text, .n_enough = cut < 2 ? 1500 : 0 };
      for (int i = 0; i < 100; i++)
        {
          g_autofree char *log = g_build_filename (board->files, "run.log", NULL);
          if (g_file_test (log, G_FILE_TEST_EXISTS))
            break;
          g_usleep (20000);
        }
      g_assert_true (run_command (link, &gathered, &status, &error, "follow", "run.log", "--from",
                                  from, NULL));
      g_assert_no_error (error);
      if (cut == 1)
        {
          eng_test_agent_kill (board);
          g_assert_false (
              run_command (link, &gathered, &status, &error, "follow", "run.log", NULL));
          g_assert_true (eng_link_error_is_lost (error));
          g_clear_error (&error);
          eng_link_close (link);
          eng_test_agent_start (board);
          link = eng_test_agent_link_again (board, token);
        }
    }
  for (int i = 0; i < 600; i++)
    g_string_append_printf (expected, "line %05d\n", i);
  g_string_append (expected, "end\n");
  g_assert_cmpstr (text->str, ==, expected->str);
  eng_link_close (link);
}

static gpointer
cancel_soon (gpointer cancellable)
{
  g_usleep (300000);
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancel (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  static const char *const args[] = { "start", "build1", "work", "--log", "run.log", NULL },
                           *const follow[] = { "follow", "run.log", NULL };

  if (!have_python ())
    return;
  EngLink *link = eng_test_agent_link (board, NULL);
  put_runner (board, link);
  g_assert_true (eng_link_run (link, "runner", args, NULL, NULL, NULL, NULL, &error));
  g_usleep (200000);
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);
  gint64 before = g_get_monotonic_time ();
  g_assert_false (eng_link_run (link, "runner", follow, NULL, NULL, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (g_get_monotonic_time () - before, <, 2 * G_USEC_PER_SEC);
  g_thread_join (thread);
  eng_link_close (link);
}

static void
test_builds (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autoptr (GError) error = NULL;
  Gathered gathered = { 0 };
  guint64 n_bytes;

  if (!have_python ())
    return;
  EngLink *link = eng_test_agent_link (board, NULL);
  put_runner (board, link);
  g_autofree char *small = agent_case_file (board, "some-build", 1000);
  for (int i = 1; i <= 4; i++)
    {
      g_autofree char *name = g_strdup_printf ("build%d", i);
      g_autofree char *log = g_strdup_printf ("log%d", i);
      agent_case_put (link, small, name, FALSE);
      g_assert_true (
          run_command (link, &gathered, NULL, &error, "start", name, "work", "--log", log, NULL));
      g_assert_no_error (error);
    }
  g_autoptr (GPtrArray) builds = eng_agent_link_builds (link, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (builds->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      EngBoardBuild *build = builds->pdata[i];
      g_autofree char *name = g_strdup_printf ("build%u", 4 - i);
      g_assert_cmpstr (build->name, ==, name);
      g_assert_cmpint (build->current, ==, i == 0);
    }
  g_assert_true (eng_link_size (link, "build1", &n_bytes, NULL, &error));
  g_assert_cmpuint (n_bytes, ==, G_MAXUINT64);
  g_autoptr (GPtrArray) back = eng_agent_link_rollback (link, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (((EngBoardBuild *)back->pdata[1])->current);
  g_assert_true (run_command (link, &gathered, NULL, &error, "start", "@current", "work", "--log",
                              "log5", NULL));
  g_assert_no_error (error);
  g_autoptr (GPtrArray) after = eng_agent_link_builds (link, NULL, &error);
  g_assert_cmpstr (((EngBoardBuild *)after->pdata[0])->name, ==, "build3");
  g_assert_cmpuint (((EngBoardBuild *)after->pdata[0])->n_runs, ==, 2);
  g_assert_null (eng_agent_link_rollback (link, "build1", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  eng_link_close (link);
}

int
main (int argc, char **argv)
{
  agent_case_init (&argc, &argv);
  g_test_add_func ("/agent/run", test_run);
  g_test_add_func ("/agent/slow-reader", test_slow_reader);
  g_test_add_func ("/agent/follow", test_follow);
  g_test_add_func ("/agent/cancel", test_cancel);
  g_test_add_func ("/agent/builds", test_builds);
  return g_test_run ();
}
