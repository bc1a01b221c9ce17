/* The near side of board-sshd.py. Called by tests of the SSH transport and of pushes over it. */
#include "eng-test-board.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "../test-tree.h"

static char *
read_line (EngTestBoard *board)
{
  g_autoptr (GError) error = NULL;
  char *line = g_data_input_stream_read_line_utf8 (board->answers, NULL, NULL, &error);

  g_assert_no_error (error);
  return line;
}

static char *
find_python (void)
{
  return g_file_test ("/usr/bin/python3", G_FILE_TEST_IS_EXECUTABLE)
             ? g_strdup ("/usr/bin/python3")
             : g_find_program_in_path ("python3");
}

static gboolean
has_server (void)
{
  g_autofree char *in_path = g_find_program_in_path ("sshd");
  g_autofree char *keygen = g_find_program_in_path ("ssh-keygen");

  return keygen != NULL
         && (in_path != NULL || g_file_test ("/usr/sbin/sshd", G_FILE_TEST_IS_EXECUTABLE));
}

/* sshd lets nobody in who has no shell; root's board has a user of its own. */
static gboolean
may_log_in (void)
{
  const struct passwd *user = getpwuid (geteuid ());

  return user != NULL
         && (user->pw_uid == 0
             || (!g_str_has_suffix (user->pw_shell, "nologin")
                 && !g_str_has_suffix (user->pw_shell, "false")));
}

static void
take_facts (EngTestBoard *board, const char *line)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = json_from_string (line, &error);

  g_assert_no_error (error);
  JsonObject *facts = json_node_get_object (root);
  board->host = g_strdup (json_object_get_string_member (facts, "host"));
  board->user = g_strdup (json_object_get_string_member (facts, "user"));
  board->key = g_strdup (json_object_get_string_member (facts, "key"));
  board->home = g_strdup (json_object_get_string_member (facts, "home"));
  board->password = g_strdup (json_object_get_string_member (facts, "password"));
  board->port = (guint16)json_object_get_int_member (facts, "port");
  board->has_link = json_object_get_boolean_member (facts, "link");
  if (!board->has_link)
    board->why_local = g_strdup (json_object_get_string_member (facts, "why_local"));
}

EngTestBoard *
eng_test_board_new (gboolean arm, gboolean local)
{
  g_autofree char *python = find_python ();
  g_autoptr (GError) error = NULL;

  if (python == NULL || !has_server () || !may_log_in ())
    {
      g_test_skip (may_log_in () ? "no Python or no OpenSSH server on this machine"
                                 : "who runs the tests has no shell to log in to");
      return NULL;
    }
  EngTestBoard *board = g_new0 (EngTestBoard, 1);
  board->folder = test_tree_new ();
  board->known_hosts = g_build_filename (board->folder, "known", "hosts", NULL);
  g_autofree char *script
      = g_build_filename (g_getenv ("LATHE_SOURCE_ROOT"), "tests", "engine", "board-sshd.py", NULL);
  const char *args[8] = { python, script, board->folder };
  guint n = 3;
  if (arm)
    args[n++] = "--arm";
  if (local)
    args[n++] = "--local";
  board->process
      = g_subprocess_newv (args, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                           &error);
  g_assert_no_error (error);
  board->answers = g_data_input_stream_new (g_subprocess_get_stdout_pipe (board->process));
  g_autofree char *line = read_line (board);
  g_assert_nonnull (line);
  take_facts (board, line);
  return board;
}

void
eng_test_board_free (EngTestBoard *board)
{
  if (board == NULL)
    return;
  g_output_stream_close (g_subprocess_get_stdin_pipe (board->process), NULL, NULL);
  g_subprocess_wait (board->process, NULL, NULL);
  g_object_unref (board->answers);
  g_object_unref (board->process);
  test_tree_free (board->folder);
  g_free (board->home);
  g_free (board->known_hosts);
  g_free (board->host);
  g_free (board->user);
  g_free (board->key);
  g_free (board->password);
  g_free (board->why_local);
  g_free (board);
}

static char *
tell (EngTestBoard *board, const char *format, va_list args)
{
  g_autofree char *command = g_strdup_vprintf (format, args);
  g_autofree char *line = g_strconcat (command, "\n", NULL);
  g_autoptr (GError) error = NULL;

  g_output_stream_write_all (g_subprocess_get_stdin_pipe (board->process), line, strlen (line),
                             NULL, NULL, &error);
  g_assert_no_error (error);
  g_autofree char *answer = read_line (board);
  if (answer == NULL || !g_str_has_prefix (answer, "ok"))
    g_error ("the board answers \"%s\" to \"%s\"", answer, command);
  return g_strdup (g_strchug (answer + 2));
}

char *
eng_test_board_tell (EngTestBoard *board, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  char *answer = tell (board, format, args);
  va_end (args);
  return answer;
}

void
eng_test_board_do (EngTestBoard *board, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_free (tell (board, format, args));
  va_end (args);
}

gboolean
eng_test_board_lacks_link (EngTestBoard *board)
{
  if (board->has_link)
    return FALSE;
  g_autofree char *why = g_strdup_printf ("no board with a cable here: %s", board->why_local);
  g_test_skip (why);
  return TRUE;
}

EngDevice *
eng_test_board_device (EngTestBoard *board, ...)
{
  g_autoptr (GHashTable) settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  const char *const given[]
      = { "host",        board->host,        "user",      board->user, "key", board->key,
          "known-hosts", board->known_hosts, "timeout-s", "2",         NULL };
  va_list args;

  for (guint i = 0; given[i] != NULL; i += 2)
    g_hash_table_insert (settings, g_strdup (given[i]), g_strdup (given[i + 1]));
  g_hash_table_insert (settings, g_strdup ("port"), g_strdup_printf ("%u", board->port));
  va_start (args, board);
  for (const char *key = va_arg (args, const char *); key != NULL;
       key = va_arg (args, const char *))
    {
      const char *value = va_arg (args, const char *);
      if (*value == '\0')
        g_hash_table_remove (settings, key);
      else
        g_hash_table_insert (settings, g_strdup (key), g_strdup (value));
    }
  va_end (args);
  return eng_device_new ("test-board", "Board", &eng_transport_ssh, settings);
}

/* ---- Who answers ---- */

static void
note (EngTestAnswers *answers, const char *title, const char *text)
{
  g_free (answers->title);
  g_free (answers->text);
  answers->title = g_strdup (title);
  answers->text = g_strdup (text);
}

static gboolean
confirm (EngDevice *device, const char *title, const char *text, gpointer user_data)
{
  EngTestAnswers *answers = user_data;

  answers->n_confirm++;
  note (answers, title, text);
  return answers->yes;
}

static char *
secret (EngDevice *device, const char *title, const char *text, gboolean *keep, gpointer user_data)
{
  EngTestAnswers *answers = user_data;

  note (answers, title, text);
  answers->could_keep = *keep;
  *keep = answers->keep;
  g_assert_cmpuint (answers->n_secret, <, G_N_ELEMENTS (answers->secrets));
  return g_strdup (answers->secrets[answers->n_secret++]);
}

EngAsk
eng_test_ask (EngTestAnswers *answers)
{
  return (EngAsk){ .confirm = confirm, .secret = secret, .user_data = answers };
}

void
eng_test_answers_clear (EngTestAnswers *answers)
{
  g_clear_pointer (&answers->title, g_free);
  g_clear_pointer (&answers->text, g_free);
}
