/* Files and commands over SSH, and boards that lack something for them: a real OpenSSH server
 * (board-sshd.py), SFTP servers that are missing, chatty, or answer wrongly. */
#include "eng-test-ssh.h"

/* ---- Files and commands ---- */

static void
test_put (void)
{
  g_autoptr (EngLink) link = open_good ();
  const gsize sizes[] = { 0, 1, 32768, 3000001 };
  g_autofree char *folder = board_file ("");
  g_autoptr (GError) error = NULL;
  struct stat info;
  guint64 n_bytes;

  test_tree_remove (folder);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *path = make_file ("file", sizes[i]);
      g_autofree char *there = board_file ("some.file-1_x");
      eng_link_put (link, path, "some.file-1_x", i % 2 == 1, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
      assert_same_file (path, there);
      g_assert_cmpint (stat (there, &info), ==, 0);
      g_assert_cmphex (info.st_mode & 0777, ==, i % 2 == 1 ? 0700 : 0600);
      assert_good (eng_link_size (link, "some.file-1_x", &n_bytes, NULL, &error), error);
      g_assert_cmpuint (n_bytes, ==, sizes[i]);
    }
  g_assert_cmpint (stat (folder, &info), ==, 0);
  g_assert_cmphex (info.st_mode & 0777, ==, 0700);
  g_assert_true (eng_link_remove (link, "some.file-1_x", NULL, &error));
  assert_good (eng_link_size (link, "some.file-1_x", &n_bytes, NULL, &error), error);
  g_assert_cmpuint (n_bytes, ==, G_MAXUINT64);
  g_assert_false (eng_link_remove (link, "some.file-1_x", NULL, &error));
  assert_error (error, G_IO_ERROR_NOT_FOUND, "removing a file");
  g_clear_error (&error);
  g_assert_false (eng_link_put (link, "/nonexistent", "x", FALSE, NULL, NULL, NULL, &error));
  assert_error (error, G_IO_ERROR_FAILED, "/nonexistent");
}

static void
test_run (void)
{
  g_autoptr (EngLink) link = open_good ();
  g_autoptr (GString) out = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *machine = eng_link_machine (link, NULL, &error);
  int status = -1;

  g_assert_no_error (error);
  g_assert_cmpstr (machine, !=, "");
  put_script (link, "runner", "#!/bin/sh\nprintf '[%s]' \"$@\"\necho wrong >&2\nexit 3\n");
  const char *const args[] = { "a b", "it's", "$HOME `id` \"x\" \\ ; rm *", "", "é\tü", NULL };
  assert_good (eng_link_run (link, "runner", args, gather, out, &status, NULL, &error), error);
  g_assert_no_error (error);
  g_assert_cmpstr (out->str, ==, "[a b][it's][$HOME `id` \"x\" \\ ; rm *][][é\tü]");
  g_assert_cmpint (status, ==, 3);

  /* it runs in the folder; a signal is a status as shells count */
  const char *const none[] = { NULL };
  put_script (link, "runner", "#!/bin/sh\npwd\nkill -9 $$\n");
  g_string_truncate (out, 0);
  assert_good (eng_link_run (link, "runner", none, gather, out, &status, NULL, &error), error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (out->str, "/.cache/lathe\n"));
  g_assert_cmpint (status, ==, 137);

  /* much output, and much on both streams */
  guint64 n = 0;
  put_script (link, "runner",
              "#!/bin/sh\nhead -c 20000000 /dev/zero\nhead -c 300000 /dev/zero >&2\n");
  assert_good (eng_link_run (link, "runner", none, count_bytes, &n, &status, NULL, &error), error);
  g_assert_cmpuint (n, ==, 20000000);
  g_assert_cmpint (status, ==, 0);
}

static void
test_not_run (void)
{
  g_autoptr (EngLink) link = open_good ();
  const char *const none[] = { NULL };
  g_autoptr (GError) error = NULL;
  guint64 n = 0;

  g_assert_false (eng_link_run (link, "absent", none, count_bytes, &n, NULL, NULL, &error));
  assert_error (error, G_IO_ERROR_NOT_FOUND, "absent", "Push again");
  g_clear_error (&error);
  g_autofree char *path = make_file ("file", 100);
  assert_good (eng_link_put (link, path, "data", FALSE, NULL, NULL, NULL, &error), error);
  g_assert_false (eng_link_run (link, "data", none, count_bytes, &n, NULL, NULL, &error));
  assert_error (error, G_IO_ERROR_PERMISSION_DENIED, "ermission denied");
  g_clear_error (&error);
  /* a program for another kind of processor: an ELF header that names none */
  char elf[128] = "\177ELF\2\1\1";
  elf[16] = 2;
  elf[18] = (char)0xfe;
  elf[20] = 1;
  g_assert_true (g_file_set_contents (path, elf, sizeof elf, NULL));
  assert_good (eng_link_put (link, path, "foreign", TRUE, NULL, NULL, NULL, &error), error);
  g_assert_false (eng_link_run (link, "foreign", none, count_bytes, &n, NULL, NULL, &error));
  assert_error (error, G_IO_ERROR_FAILED, "another kind of processor");
}

static gboolean
enough (const char *bytes, gsize n_bytes, gpointer n)
{
  *(guint64 *)n += n_bytes;
  return FALSE;
}

/* A stream that never ends and has no lines: had enough, and the link goes on. */
static void
test_garbage_stream (void)
{
  g_autoptr (EngLink) link = open_good ();
  const char *const none[] = { NULL };
  g_autoptr (GError) error = NULL;
  guint64 n = 0;
  int status = 0;

  put_script (link, "runner", "#!/bin/sh\nexec cat /dev/urandom\n");
  g_autofree char *before = eng_test_board_tell (board, "count");
  assert_good (eng_link_run (link, "runner", none, enough, &n, &status, NULL, &error), error);
  g_assert_no_error (error);
  g_assert_cmpuint (n, >, 0);
  g_assert_cmpint (status, ==, -1);
  g_autofree char *machine = eng_link_machine (link, NULL, &error);
  g_assert_no_error (error);
  for (int i = 0; i < 200; i++) /* and the command ends by itself, since nobody reads it */
    {
      g_autofree char *count = eng_test_board_tell (board, "count");
      if (g_str_equal (count, before))
        return;
      g_usleep (20000);
    }
  g_error ("the command is still running");
}

/* ---- Boards without room, or without what it takes ---- */

static void
test_read_only (void)
{
  g_autofree char *cache = g_build_filename (board->home, ".cache", NULL);
  g_autoptr (GError) error = NULL;
  guint64 n_bytes;

  if (eng_test_board_lacks_link (board))
    return;
  /* as an existing folder that cannot be written */
  g_autofree char *path = make_file ("file", 100);
  eng_link_close (open_good ());
  eng_test_board_do (board, "read_only");
  g_autoptr (EngLink) link = open_good ();
  g_assert_false (eng_link_put (link, path, "x", FALSE, NULL, NULL, NULL, &error));
  assert_error (error, G_IO_ERROR_PERMISSION_DENIED, "read-only");
  g_clear_error (&error);
  eng_test_board_do (board, "umount home");
  /* as a home where it cannot be made */
  test_tree_remove (cache);
  eng_test_board_do (board, "read_only");
  g_autoptr (EngLink) bare = open_good ();
  g_assert_false (eng_link_size (bare, "x", &n_bytes, NULL, &error));
  assert_error (error, G_IO_ERROR_PERMISSION_DENIED, "read-only");
  g_clear_error (&error);
  eng_test_board_do (board, "umount home");
  /* something of that name that is no folder */
  g_assert_true (g_file_set_contents (cache, "x", 1, NULL));
  g_autoptr (EngLink) third = open_good ();
  g_assert_false (eng_link_size (third, "x", &n_bytes, NULL, &error));
  assert_error (error, G_IO_ERROR_PERMISSION_DENIED, ".cache is there and is no folder");
  g_remove (cache);
}

static void
test_sftp_servers (void)
{
  static const struct
  {
    const char *kind, *says;
  } cases[] = {
    { "none", "has no sftp service" },
    { "missing", "SFTP server does not start" },
    { "garbage", "no SFTP server should" },
    { "chatty", "its shell prints \"Welcome to the board!" },
    { "coloured", "Übungsbrett 3" },
    { "unpunctual", "its shell prints \"Hello\"" }, /* and the server's packet with it */
    { "unended", "its shell prints \"Hello\"" },
  };
  guint64 n_bytes;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      eng_test_board_do (board, "set sftp %s", cases[i].kind);
      g_autoptr (EngLink) link = open_good ();
      g_assert_false (eng_link_size (link, "x", &n_bytes, NULL, &error));
      assert_error (error, G_IO_ERROR_FAILED, cases[i].says);
      g_clear_error (&error);
      g_autofree char *machine = eng_link_machine (link, NULL, &error); /* commands still work */
      g_assert_no_error (error);
    }
  eng_test_board_do (board, "set sftp good");
}

/* Answers with wrong bytes in them: a copy ends in an error that is told, or it is the file. */
static void
test_wrong_answers (void)
{
  g_autofree char *path = make_file ("file", 300000);
  guint n_good = 0, n_bad = 0;

  eng_test_board_do (board, "set sftp wrong");
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *there = board_file ("file");
      g_autoptr (EngLink) link = open_good ();
      g_autoptr (GError) error = NULL;
      guint64 n_bytes;
      g_remove (there);
      if (eng_link_put (link, path, "file", FALSE, NULL, NULL, NULL, &error))
        {
          n_good++;
          assert_same_file (path, there);
        }
      else
        {
          n_bad++;
          g_assert_true (error->domain == G_IO_ERROR);
          g_assert_false (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
        }
      g_clear_error (&error);
      (void)eng_link_size (link, "file", &n_bytes, NULL, &error);
    }
  g_test_message ("%u copies arrived, %u were refused", n_good, n_bad);
  g_assert_cmpuint (n_bad, >, 0);
  eng_test_board_do (board, "set sftp good");
}

int
main (int argc, char **argv)
{
  char *home = begin_tests (&argc, &argv);

  if (!start_board ())
    return end_tests (home);
  g_test_add_func ("/ssh/put", test_put);
  g_test_add_func ("/ssh/run", test_run);
  g_test_add_func ("/ssh/run/not", test_not_run);
  g_test_add_func ("/ssh/run/garbage", test_garbage_stream);
  g_test_add_func ("/ssh/read-only", test_read_only);
  g_test_add_func ("/ssh/sftp-servers", test_sftp_servers);
  g_test_add_func ("/ssh/wrong-answers", test_wrong_answers);
  return end_tests (home);
}
