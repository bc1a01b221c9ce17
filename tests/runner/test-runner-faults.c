/* The runner when something is wrong: files, readers, disks, memory, and whoever ends it. What is
 * wrong is told, nothing is lost that was measured, nothing of the outside slows a pass. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "eng-build-file.h"
#include "rt-build-file.h"
#include "runner-case.h"
#include "../engine/eng-test.h"

#define N_PROMPT CASE_N_PROMPT
#define N_DECODE 12

/* ---- What is wrong ---- */

static void
test_wrong_files (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *bytes = NULL;
  gsize n;
  CaseFiles files;

  case_files_init (&files);
  g_autofree char *bad = g_build_filename (files.directory, "bad", NULL);
  g_autofree char *none = g_build_filename (files.directory, "none", NULL);
  eng_build_write_file (build, files.build, NULL, NULL, &error);
  g_assert_no_error (error);
  case_write_text_work (files.work, 0.1, N_DECODE);
  g_file_get_contents (files.build, &bytes, &n, &error);
  g_assert_no_error (error);

  case_check_error (case_command ("run", none, files.work, NULL), "io", none);
  case_check_error (case_command ("run", files.build, none, NULL), "io", none);
  case_check_error (case_command ("run", files.work, files.work, NULL), "format",
                    "not the file of a build");
  case_check_error (case_command ("run", files.build, files.build, NULL), "format", "no work file");
  case_write_bytes (bad, bytes, n - 1);
  case_check_error (case_command ("run", bad, files.work, NULL), "format", "cut short");
  bytes[n / 2] ^= 4;
  case_write_bytes (bad, bytes, n);
  case_check_error (case_command ("run", bad, files.work, NULL), "format", "altered");
  bytes[n / 2] ^= 4;
  bytes[8] = 9;
  case_write_bytes (bad, bytes, n);
  case_check_error (case_command ("run", bad, files.work, NULL), "unsupported", "version 9");
  case_write_bytes (bad, "lathe-work 1\nkind inputs\ninputs 1\ndata 1\nx", 42);
  case_check_error (case_command ("run", files.build, bad, NULL), "unsupported", "takes a prompt");
  case_write_bytes (bad, "lathe-work 1\nkind text\nprompt 1000000\ndecode 1\n", 47);
  case_check_error (case_command ("run", files.build, bad, NULL), "range", "of another model");
  case_files_clear (&files);
}

/* ---- Readers that do not read ---- */

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Median of clean decode steps; *@last_ns (nullable): when the last of them was told. */
static double
median_step (GPtrArray *lines, gint64 *last_ns)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < lines->len; i++)
    if (case_is_kind (lines->pdata[i], "pass")
        && g_str_equal (json_object_get_string_member (lines->pdata[i], "phase"), "decode")
        && !json_object_get_boolean_member (lines->pdata[i], "traced"))
      {
        double ns = (double)json_object_get_int_member (lines->pdata[i], "ns");
        g_array_append_val (times, ns);
        if (last_ns != NULL)
          *last_ns = json_object_get_int_member (lines->pdata[i], "t_ns");
      }
  g_assert_cmpuint (times->len, >, 0);
  g_array_sort (times, compare_doubles);
  return g_array_index (times, double, times->len / 2);
}

static void
check_states (GPtrArray *lines)
{
  gint64 last_ns = 0;
  guint n = 0;

  for (guint i = 0; i < lines->len; i++)
    {
      JsonObject *line = lines->pdata[i];
      if (!case_is_kind (line, "state"))
        continue;
      gint64 now_ns = json_object_get_int_member (line, "t_ns");
      g_assert_cmpint (now_ns - last_ns, >=, 900000000);
      g_assert_cmpint (json_object_get_int_member (line, "rss_bytes"), >, 1 << 20);
      g_assert_cmpint (json_object_get_int_member (line, "peak_rss_bytes"), >=,
                       json_object_get_int_member (line, "rss_bytes"));
      g_assert_cmpint (json_object_get_int_member (line, "available_bytes"), >, 0);
      g_assert_true (json_object_has_member (line, "temperature_c"));
      g_assert_true (json_object_has_member (line, "throttled"));
      if (n > 0)
        g_assert_cmpfloat (json_object_get_double_member (line, "own_cpus"), >, 0.1);
      g_assert_cmpstr (json_object_get_string_member (line, "stage"), !=, "");
      last_ns = now_ns;
      n++;
    }
  g_assert_cmpuint (n, >=, 1);
}

/* A reader that sleeps through the whole measurement: the passes do not wait for it, what it finds
 * afterwards is complete but for what is said to be dropped. */
static void
test_slow_reader (void)
{
  CaseFiles files;
  CaseChild child;
  int status;
  gint64 quick_ns = 0, slow_ns = 0;

  case_make_default (&files, 1.5, 400);
  g_autoptr (GPtrArray) quick
      = case_run (case_command ("run", files.build, files.work, NULL), &status);
  g_assert_cmpint (status, ==, 0);
  double a = median_step (quick, &quick_ns);
  /* Far longer than the measurement takes, also on a busy machine. */
  const gint64 asleep_us = 4 * G_USEC_PER_SEC + 3 * quick_ns / 1000;
  case_child_start (&child, case_command ("run", files.build, files.work, NULL));
  g_usleep ((gulong)asleep_us);
  g_autofree char *text = case_child_read (&child);
  g_assert_cmpint (case_child_wait (&child), ==, 0);
  g_autoptr (GPtrArray) slow = case_parse (text);
  case_check_end (slow, "complete");

  /* Meanwhile the heart beat, once a second. */
  check_states (quick);

  double b = median_step (slow, &slow_ns);
  g_test_message ("median step: %.0f ns read at once, %.0f ns unread", a, b);
  /* Another program on this machine may slow either one down; a pass that waited for the reader
   * would be seconds long. */
  g_assert_cmpfloat (b, <, 10 * a);
  g_assert_cmpint (slow_ns, <, 1000 * (asleep_us - G_USEC_PER_SEC));
  g_assert_cmpuint (case_count (slow, "token"), ==, 400);
  g_assert_cmpuint (case_count (quick, "token"), ==, 400);
  case_files_clear (&files);
}

/* A buffer too small for a run that nobody reads: traces go first, and are counted. */
static void
test_dropped (void)
{
  CaseFiles files;
  CaseChild child;

  case_make_default (&files, 1, 120);
  g_setenv ("LATHE_RUNNER_BUFFER_BYTES", "131072", TRUE);
  case_child_start (&child, case_command ("run", files.build, files.work, NULL));
  g_unsetenv ("LATHE_RUNNER_BUFFER_BYTES");
  g_usleep (4 * G_USEC_PER_SEC);
  g_autofree char *text = case_child_read (&child);
  g_assert_cmpint (case_child_wait (&child), ==, 0);
  g_autoptr (GPtrArray) lines = case_parse (text);
  case_check_end (lines, "complete");
  JsonObject *end = lines->pdata[lines->len - 1];
  g_assert_cmpint (json_object_get_int_member (end, "dropped"), >, 0);
  g_assert_cmpuint (case_count (lines, "token"), ==, 120);
  case_files_clear (&files);
}

/* ---- Ends from outside ---- */

static void
test_stopped (void)
{
  CaseFiles files;
  CaseChild child;
  g_autoptr (GString) text = g_string_new (NULL);

  case_make_default (&files, 600, 400);
  case_child_start (&child, case_command ("run", files.build, files.work, NULL));
  case_wait_for_line (&child, text, "token");
  kill (child.pid, SIGTERM);
  g_autofree char *rest = case_child_read (&child);
  g_string_append (text, rest);
  g_assert_cmpint (case_child_wait (&child), ==, 3);
  g_autoptr (GPtrArray) lines = case_parse (text->str);
  case_check_end (lines, "cancelled");
  g_assert_cmpstr (json_object_get_string_member (case_find (lines, "error"), "code"), ==,
                   "cancelled");

  /* A reader that goes away. */
  g_string_truncate (text, 0);
  gint64 start = g_get_monotonic_time ();
  case_child_start (&child, case_command ("run", files.build, files.work, NULL));
  case_wait_for_line (&child, text, "token");
  close (child.out);
  g_assert_cmpint (case_child_wait (&child), !=, 0);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 60 * G_USEC_PER_SEC);
  case_files_clear (&files);
}

/* ---- Logs ---- */

static void
check_log_busy (CaseFiles *files, const char *log)
{
  int status;
  g_autoptr (GPtrArray) lines
      = case_run (case_command ("run", files->build, files->work, "--log", log, NULL), &status);

  g_assert_cmpint (status, ==, 1);
  g_assert_nonnull (strstr (json_object_get_string_member (case_find (lines, "error"), "message"),
                            "another run"));
}

static void
test_log (void)
{
  CaseFiles files;
  CaseChild child;
  int status;

  case_make_default (&files, 600, 400);
  g_autofree char *log = g_build_filename (files.directory, "log", NULL);
  g_autoptr (GPtrArray) started
      = case_run (case_command ("start", files.build, files.work, "--log", log, NULL), &status);
  g_assert_cmpint (status, ==, 0);
  GPid pid = (GPid)json_object_get_int_member (started->pdata[0], "pid");
  g_assert_cmpint (pid, >, 1);

  /* Nobody else may write it. */
  check_log_busy (&files, log);

  /* Followed while it is written, and again from the middle: the same bytes. */
  g_autoptr (GString) text = g_string_new (NULL);
  case_child_start (&child, case_command ("follow", log, NULL));
  case_wait_for_line (&child, text, "token");
  g_autoptr (GPtrArray) stopped = case_run (case_command ("stop", log, NULL), &status);
  g_assert_cmpint (status, ==, 0);
  g_assert_true (json_object_get_boolean_member (stopped->pdata[0], "was_running"));
  g_autofree char *rest = case_child_read (&child);
  g_assert_cmpint (case_child_wait (&child), ==, 0);
  g_string_append (text, rest);
  g_autoptr (GPtrArray) lines = case_parse (text->str);
  case_check_end (lines, "cancelled");
  g_autofree char *from = g_strdup_printf ("%" G_GSIZE_FORMAT, text->len / 2);
  case_child_start (&child, case_command ("follow", log, "--from", from, NULL));
  g_autofree char *second = case_child_read (&child);
  g_assert_cmpint (case_child_wait (&child), ==, 0);
  g_assert_cmpstr (second, ==, text->str + text->len / 2);

  /* From its end there is nothing more, and that is no error. */
  g_autofree char *whole = g_strdup_printf ("%" G_GSIZE_FORMAT, text->len);
  case_child_start (&child, case_command ("follow", log, "--from", whole, NULL));
  g_autofree char *nothing = case_child_read (&child);
  g_assert_cmpint (case_child_wait (&child), ==, 0);
  g_assert_cmpstr (nothing, ==, "");
  case_files_clear (&files);
}

/* A runner that is killed: whoever follows is told, and has all lines until then. */
static void
test_killed (void)
{
  CaseFiles files;
  CaseChild child;
  int status;
  g_autoptr (GString) text = g_string_new (NULL);

  case_make_default (&files, 600, 400);
  g_autofree char *log = g_build_filename (files.directory, "log", NULL);
  g_autoptr (GPtrArray) started
      = case_run (case_command ("start", files.build, files.work, "--log", log, NULL), &status);
  GPid pid = (GPid)json_object_get_int_member (started->pdata[0], "pid");
  case_child_start (&child, case_command ("follow", log, NULL));
  case_wait_for_line (&child, text, "token");
  kill (pid, SIGKILL);
  g_autofree char *rest = case_child_read (&child);
  g_assert_cmpint (case_child_wait (&child), ==, 1);
  g_string_append (text, rest);
  const char *last = g_strrstr (text->str, "{\"kind\":\"error\"");
  g_assert_nonnull (last);
  g_assert_nonnull (strstr (last, "\"code\":\"lost\""));
  g_assert_true (last == text->str || last[-1] == '\n');
  case_files_clear (&files);
}

/* A disk that fills up, as far as a program can make one: files of this process may not grow beyond
 * a limit; and a device that is always full. */
static void
limit_files (gpointer data)
{
  struct rlimit limit = { 20000, 20000 };
  setrlimit (RLIMIT_FSIZE, &limit);
}

static void
check_last_words (const char *log, const char *why)
{
  g_auto (GStrv) pieces = g_strsplit (log, "\n", -1);
  guint n = g_strv_length (pieces);

  g_assert_cmpuint (n, >, 3);
  g_assert_cmpstr (pieces[n - 1], ==, "");
  g_assert_nonnull (strstr (pieces[n - 3], "\"code\":\"io\""));
  g_assert_nonnull (strstr (pieces[n - 3], why));
  g_assert_nonnull (strstr (pieces[n - 2], "\"status\":\"failed\""));
  for (guint i = 0; i + 1 < n; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = json_from_string (pieces[i], &error);
      g_assert_no_error (error);
      g_assert_true (JSON_NODE_HOLDS_OBJECT (node));
    }
}

static void
test_disk_full (void)
{
  CaseFiles files;
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL, *err = NULL, *log_text = NULL;
  int status;

  case_make_default (&files, 600, 400);
  g_autofree char *log = g_build_filename (files.directory, "log", NULL);
  g_autoptr (GPtrArray) limited = case_command ("run", files.build, files.work, "--log", log, NULL);
  /* The packed program unpacks into a file in memory, which the limit counts, too. */
  if (g_getenv ("LATHE_RUNNER_LINKED") != NULL)
    limited->pdata[0] = (gpointer)g_getenv ("LATHE_RUNNER_LINKED");
  g_spawn_sync (NULL, (char **)limited->pdata, NULL, G_SPAWN_SEARCH_PATH, limit_files, NULL, &out,
                &err, &status, &error);
  g_assert_no_error (error);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 1);
  g_assert_nonnull (strstr (err, log));
  g_assert_nonnull (strstr (err, "cannot be written"));
  /* What is there are whole lines. */
  g_file_get_contents (log, &log_text, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_suffix (log_text, "\n"));
  g_assert_nonnull (strstr (log_text, "\"kind\":\"build\""));
  g_assert_cmpuint (strlen (log_text), >, 10000);
  check_last_words (log_text, "File too large");

  g_clear_pointer (&err, g_free);
  g_autoptr (GPtrArray) full
      = case_command ("run", files.build, files.work, "--log", "/dev/full", NULL);
  g_clear_pointer (&out, g_free);
  g_spawn_sync (NULL, (char **)full->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &err,
                &status, &error);
  g_assert_no_error (error);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 1);
  g_assert_nonnull (strstr (err, "No space left on device"));
  case_files_clear (&files);
}

/* A small file system of its own that fills up: the log itself says so. */
static void
test_full_file_system (void)
{
  CaseFiles files;
  g_autofree char *log_text = NULL, *err = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  case_make_default (&files, 600, 400);
  g_autofree char *place = g_build_filename (files.directory, "small", NULL);
  g_autofree char *log = g_build_filename (place, "log", NULL);
  g_autofree char *copy = g_build_filename (files.directory, "copy", NULL);
  g_mkdir (place, 0755);
  g_autofree char *script = g_strdup_printf (
      "mount -t tmpfs -o size=128k none %s || exit 77\n%s %s run %s %s --log %s\ns=$?\n"
      "cp %s %s\nexit $s",
      place, case_is_emulated () ? g_getenv ("LATHE_RUNNER_EMULATOR") : "",
      g_getenv ("LATHE_RUNNER_PROGRAM"), files.build, files.work, log, log, copy);
  char *argv[] = { "unshare", "--mount", "--map-root-user", "sh", "-c", script, NULL };
  if (!g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &err, &status, &error)
      || !WIFEXITED (status) || !g_file_test (copy, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("no mount namespace can be made here");
      case_files_clear (&files);
      return;
    }
  g_assert_cmpint (WEXITSTATUS (status), ==, 1);
  g_file_get_contents (copy, &log_text, NULL, &error);
  g_assert_no_error (error);
  check_last_words (log_text, "No space left on device");
  case_files_clear (&files);
}

/* A log that lost lines to its last words while it was followed: those come, whole. */
static void
test_cut_back (void)
{
  static const char first[] = "{\"kind\":\"hello\",\"n\":0}\n{\"kind\":\"stage\",\"n\":1}\n"
                              "{\"kind\":\"token\",\"n\":2}\n{\"kind\":\"pa";
  static const char last[] = "{\"kind\":\"error\",\"n\":3}\n{\"kind\":\"end\",\"n\":4}\n";
  char *directory = eng_test_directory ();
  g_autofree char *log = g_build_filename (directory, "log", NULL);
  g_autoptr (GString) text = g_string_new (NULL);
  CaseChild child;
  int fd = open (log, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

  g_assert_cmpint (flock (fd, LOCK_EX), ==, 0);
  g_assert_cmpint (write (fd, first, sizeof first - 1), ==, sizeof first - 1);
  case_child_start (&child, case_command ("follow", log, NULL));
  case_wait_for_line (&child, text, "token");
  g_assert_cmpint (ftruncate (fd, 23), ==, 0);
  g_assert_cmpint (write (fd, last, sizeof last - 1), ==, sizeof last - 1);
  close (fd);
  g_autofree char *rest = case_child_read (&child);
  g_string_append (text, rest);
  g_assert_cmpint (case_child_wait (&child), ==, 0);
  g_autofree char *expected = g_strconcat (first, "\n", last, NULL);
  g_assert_cmpstr (text->str, ==, expected);
  eng_test_remove (directory);
}

/* ---- Memory ---- */

/* A context that no board has memory for: refused with numbers, before anything is taken. */
static void
test_memory (void)
{
  CaseFiles files;
  RtBuildFile build;
  RtError error = { 0 };

  case_make_default (&files, 0.1, 4);
  g_autofree char *large = g_build_filename (files.directory, "large", NULL);
  g_assert_true (rt_build_open (files.build, &build, &error));
  RtBuildParts parts = {
    .config = build.config, .graph = build.graph, .weights = build.weights, .info = build.info
  };
  parts.config.kv_capacity = 2000000000;
  g_assert_true (rt_build_write (large, &parts, NULL, NULL, NULL, &error));
  rt_build_close (&build);
  case_check_error (case_command ("run", large, files.work, NULL), "memory", "MB available");
  case_files_clear (&files);
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  if (!case_is_built ())
    return 0;
  g_test_add_func ("/runner-faults/wrong-files", test_wrong_files);
  g_test_add_func ("/runner-faults/memory", test_memory);
  if (!case_is_emulated ())
    {
      g_test_add_func ("/runner-faults/slow-reader", test_slow_reader);
      g_test_add_func ("/runner-faults/dropped", test_dropped);
      g_test_add_func ("/runner-faults/stopped", test_stopped);
      g_test_add_func ("/runner-faults/log", test_log);
      g_test_add_func ("/runner-faults/killed", test_killed);
      g_test_add_func ("/runner-faults/disk-full", test_disk_full);
      g_test_add_func ("/runner-faults/cut-back", test_cut_back);
      g_test_add_func ("/runner-faults/full-file-system", test_full_file_system);
    }
  return g_test_run ();
}
