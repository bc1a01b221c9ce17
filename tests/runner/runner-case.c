/* Running the runner as a program, and what every test of it looks at. */
#include "runner-case.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "eng-build-file.h"
#include "../engine/eng-test.h"
#include "rt-work.h"

/* ---- Running it ---- */

void
case_files_init (CaseFiles *files)
{
  files->directory = eng_test_directory ();
  files->build = g_build_filename (files->directory, "model" ENG_BUILD_SUFFIX, NULL);
  files->work = g_build_filename (files->directory, "work", NULL);
}

void
case_files_clear (CaseFiles *files)
{
  g_free (files->build);
  g_free (files->work);
  eng_test_remove (files->directory);
}

gboolean
case_is_emulated (void)
{
  const char *emulator = g_getenv ("LATHE_RUNNER_EMULATOR");
  return emulator != NULL && emulator[0] != '\0';
}

/* A command line of the runner; its arguments are static or outlive it. */
GPtrArray *
case_command (const char *first, ...)
{
  GPtrArray *command = g_ptr_array_new ();
  va_list args;

  if (case_is_emulated ())
    g_ptr_array_add (command, (gpointer)g_getenv ("LATHE_RUNNER_EMULATOR"));
  g_ptr_array_add (command, (gpointer)g_getenv ("LATHE_RUNNER_PROGRAM"));
  va_start (args, first);
  for (const char *arg = first; arg != NULL; arg = va_arg (args, const char *))
    g_ptr_array_add (command, (gpointer)arg);
  va_end (args);
  g_ptr_array_add (command, NULL);
  return command;
}

static void
line_free (gpointer line)
{
  json_object_unref (line);
}

/* Every line is an object that begins as all do; numbers grow by one. */
GPtrArray *
case_parse (const char *text)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (line_free);
  g_auto (GStrv) pieces = g_strsplit (text, "\n", -1);
  gint64 last_t = -1;

  for (guint i = 0; pieces[i] != NULL && pieces[i][0] != '\0'; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = json_from_string (pieces[i], &error);
      g_assert_no_error (error);
      g_assert_true (JSON_NODE_HOLDS_OBJECT (node));
      g_assert_true (g_str_has_prefix (pieces[i], "{\"kind\":\""));
      JsonObject *line = json_node_dup_object (node);
      g_assert_cmpint (json_object_get_int_member (line, "n"), ==, i);
      gint64 t = json_object_get_int_member (line, "t_ns");
      g_assert_cmpint (t, >=, 0);
      last_t = MAX (last_t, t);
      g_ptr_array_add (lines, line);
    }
  return lines;
}

/* The lines of a run that ends by itself. */
GPtrArray *
case_run (GPtrArray *command, int *status)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL;
  int wait_status;

  g_spawn_sync (NULL, (char **)command->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, NULL,
                &wait_status, &error);
  g_assert_no_error (error);
  g_ptr_array_unref (command);
  g_assert_true (WIFEXITED (wait_status)); /* no crash, whatever it was given */
  *status = WEXITSTATUS (wait_status);
  return case_parse (out);
}

gboolean
case_is_kind (JsonObject *line, const char *kind)
{
  return g_str_equal (json_object_get_string_member (line, "kind"), kind);
}

guint
case_count (GPtrArray *lines, const char *kind)
{
  guint n = 0;

  for (guint i = 0; i < lines->len; i++)
    n += case_is_kind (lines->pdata[i], kind);
  return n;
}

JsonObject *
case_find (GPtrArray *lines, const char *kind)
{
  for (guint i = 0; i < lines->len; i++)
    if (case_is_kind (lines->pdata[i], kind))
      return lines->pdata[i];
  return NULL;
}

void
case_check_end (GPtrArray *lines, const char *status)
{
  JsonObject *end = lines->pdata[lines->len - 1];

  g_assert_cmpstr (json_object_get_string_member (end, "kind"), ==, "end");
  g_assert_cmpstr (json_object_get_string_member (end, "status"), ==, status);
  g_assert_cmpint (json_object_get_int_member (end, "n_lines"), ==, lines->len);
}

/* An error with @code whose message has @word; nothing else than that goes wrong. */
void
case_check_error (GPtrArray *command, const char *code, const char *word)
{
  int status;
  g_autoptr (GPtrArray) lines = case_run (command, &status);
  JsonObject *error = case_find (lines, "error");

  g_assert_cmpint (status, ==, 1);
  g_assert_nonnull (error);
  g_assert_cmpstr (json_object_get_string_member (error, "code"), ==, code);
  g_assert_nonnull (strstr (json_object_get_string_member (error, "message"), word));
  g_assert_true (json_object_has_member (error, "where"));
  case_check_end (lines, "failed");
}

void
case_write_text_work (const char *path, double budget_s, guint n_decode)
{
  case_write_narrow_work (path, budget_s, 0, n_decode);
}

void
case_write_narrow_work (const char *path, double budget_s, double interval, guint n_decode)
{
  gint32 prompt[CASE_N_PROMPT];
  RtError error = { 0 };
  RtWork work = { .kind = RT_WORK_TEXT,
                  .n_threads = 2,
                  .budget_s = budget_s,
                  .interval = interval,
                  .prompt = prompt,
                  .n_prompt = CASE_N_PROMPT,
                  .n_decode = n_decode,
                  .ignore_end = true };

  eng_test_fill_tokens (prompt, CASE_N_PROMPT);
  rt_work_write (path, &work, &error);
  g_assert_cmpstr (error.message, ==, "");
}

/* What the studio's engine chooses, greedily. */
void
case_make_default (CaseFiles *files, double budget_s, guint n_decode)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (GError) error = NULL;

  case_files_init (files);
  eng_build_write_file (build, files->build, NULL, NULL, &error);
  g_assert_no_error (error);
  case_write_text_work (files->work, budget_s, n_decode);
}

void
case_write_bytes (const char *path, const char *bytes, gsize n)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, bytes, (gssize)n, &error);
  g_assert_no_error (error);
}

/* ---- Children that are watched ---- */

void
case_child_start (CaseChild *child, GPtrArray *command)
{
  g_autoptr (GError) error = NULL;

  g_spawn_async_with_pipes (NULL, (char **)command->pdata, NULL,
                            G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                            &child->pid, NULL, &child->out, NULL, &error);
  g_assert_no_error (error);
  g_ptr_array_unref (command);
}

/* All that comes until the end of it. */
char *
case_child_read (CaseChild *child)
{
  GString *text = g_string_new (NULL);
  char bytes[65536];
  gssize n;

  while ((n = read (child->out, bytes, sizeof bytes)) > 0)
    g_string_append_len (text, bytes, n);
  close (child->out);
  return g_string_free (text, FALSE);
}

int
case_child_wait (CaseChild *child)
{
  int status;

  g_assert_cmpint (waitpid (child->pid, &status, 0), ==, child->pid);
  g_spawn_close_pid (child->pid);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

/* Until the child has told a line of @kind. */
void
case_wait_for_line (CaseChild *child, GString *text, const char *kind)
{
  g_autofree char *start = g_strdup_printf ("{\"kind\":\"%s\"", kind);
  char bytes[4096];

  while (strstr (text->str, start) == NULL)
    {
      gssize n = read (child->out, bytes, sizeof bytes);
      g_assert_cmpint (n, >, 0);
      g_string_append_len (text, bytes, n);
    }
}

gboolean
case_is_built (void)
{
  const char *program = g_getenv ("LATHE_RUNNER_PROGRAM");

  g_assert_nonnull (program);
  if (g_file_test (program, G_FILE_TEST_IS_EXECUTABLE))
    return TRUE;
  printf ("1..0 # SKIP %s is not built\n", program);
  return FALSE;
}
