/* Pushing over a link that fails in every way a link can fail (faulty-link.c). Whatever happens,
 * the run that comes home has the text of this computer's own, or says why it ended; nothing hangs,
 * and no process stays behind. */
#include <json-glib/json-glib.h>
#include <string.h>

#include "../test-tree.h"
#include "eng-error.h"
#include "eng-run-device.h"
#include "faulty-link.h"
#include "push-case.h"

static PushCase own;
static double budget_s = 0.05;
static char *telemetry; /* the folder where it is kept */

/* With what is lying on the board from pushes before. */
static EngRun *
push_again (const Faults *what, EngJob *job, EngPushTimes *times, GError **error)
{
  g_autoptr (EngDevice) device = faulty_device_new ();
  g_autoptr (EngWorkload) workload = push_case_workload (budget_s);
  /* Short where the test is about them; otherwise a busy computer must not end a run. */
  EngPushOptions options
      = { .patience_s = what->gone_after_cut || what->silent || what->short_patience ? 2 : 20,
          .silence_s = what->silent ? 1.5 : 20,
          .directory = telemetry };

  faulty_begin (what);
  EngRun *run
      = eng_push_run (device, own.build, workload, NULL, NULL, NULL, &options, times, job, error);
  g_assert_false (eng_device_get_busy (device));
  return run;
}

static EngRun *
push (const Faults *what, EngJob *job, EngPushTimes *times, GError **error)
{
  test_tree_remove (faulty.folder);
  return push_again (what, job, times, error);
}

/* No such process, or one that only waits to be collected. */
static gboolean
is_gone (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *text = NULL;

  for (guint i = 0; i < 100; i++)
    {
      g_clear_pointer (&text, g_free);
      if (!g_file_get_contents (path, &text, NULL, NULL) || strstr (text, ") Z") != NULL)
        return TRUE;
      g_usleep (20000);
    }
  return FALSE;
}

/* ---- Tests ---- */

static void
test_plain (void)
{
  g_autoptr (GError) error = NULL;
  EngPushTimes times;
  if (!push_case_has_runner ())
    return;
  g_autoptr (EngRun) run = push (&(Faults){ 0 }, NULL, &times, &error);

  push_case_check_complete (&own, run, error);
  g_assert_cmpuint (times.n_copied, >, 1000000);
  g_assert_cmpuint (times.n_kept, ==, 0);
  g_assert_true (is_gone (faulty.last_pid));
  g_assert_cmpstr (eng_run_get_device (run), ==, "Test board");

  /* Like any other run: it can be written and read. */
  g_autofree char *json = eng_run_to_json (run);
  g_autoptr (EngRun) again = eng_run_from_json (json, &error);
  g_assert_no_error (error);
  g_autofree char *same = eng_run_to_json (again);
  g_assert_cmpstr (json, ==, same);

  /* A second push sends the work file at most; the log and the work are gone, the build stays. */
  g_autoptr (EngRun) second = push_again (&(Faults){ 0 }, NULL, &times, &error);
  push_case_check_complete (&own, second, error);
  g_assert_cmpuint (times.n_copied, <, 2000);
  g_assert_cmpuint (times.n_kept, >, 1000000);
  g_autoptr (GDir) dir = g_dir_open (faulty.folder, 0, NULL);
  guint n_builds = 0;
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    {
      g_assert_false (g_str_has_suffix (name, ".log") || g_str_has_suffix (name, ".lathe-work"));
      n_builds += g_str_has_suffix (name, ".lathe-build");
    }
  g_assert_cmpuint (n_builds, ==, 1);
}

/* A cut before and after every single operation. */
static void
test_cut_everywhere (void)
{
  g_autoptr (GError) error = NULL;
  if (!push_case_has_runner ())
    return;
  g_autoptr (EngRun) whole = push (&(Faults){ 0 }, NULL, NULL, &error);
  push_case_check_complete (&own, whole, error);
  int n = faulty.n_ops;

  g_assert_cmpint (n, >, 8);
  for (int at = 1; at <= n; at++)
    for (int side = 0; side < 2; side++)
      {
        Faults what = { .cut_before = side == 0 ? at : 0, .cut_after = side == 1 ? at : 0 };
        g_autoptr (EngRun) run = push (&what, NULL, NULL, &error);
        push_case_check_complete (&own, run, error);
        g_assert_cmpint (faulty.n_cuts, ==, 1);
        g_assert_cmpint (faulty.n_opened, ==, 2);
        g_assert_true (is_gone (faulty.last_pid));
      }
}

static void
test_cut_copy (void)
{
  g_autoptr (GError) error = NULL;
  EngPushTimes times;
  if (!push_case_has_runner ())
    return;
  g_autoptr (EngRun) run
      = push (&(Faults){ .cut_put = 3 << 20, .n_unreachable = 2 }, NULL, &times, &error);
  push_case_check_complete (&own, run, error);
  g_assert_cmpint (faulty.n_opened, ==, 4);
}

/* What was kept of the only push is whole lines, none of them twice. */
static void
check_kept (void)
{
  g_autoptr (GDir) dir = g_dir_open (telemetry, 0, NULL);
  g_autofree char *path = g_build_filename (telemetry, g_dir_read_name (dir), NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  guint n = 0;

  g_assert_null (g_dir_read_name (dir));
  g_assert_true (g_file_get_contents (path, &text, NULL, &error));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (; lines[n] != NULL && lines[n][0] != '\0'; n++)
    {
      g_autoptr (JsonNode) line = json_from_string (lines[n], &error);
      g_assert_no_error (error);
      g_assert_cmpint (json_object_get_int_member (json_node_get_object (line), "n"), ==, n);
    }
  g_assert_cmpuint (n, >, 10);
  g_assert_true (g_str_has_suffix (text, "\n"));
}

/* The telemetry is cut again and again, anywhere: nothing is lost, nothing comes twice. */
static void
test_cut_telemetry (void)
{
  static const guint64 pieces[] = { 9001, 20011 }; /* longer than any line */
  g_autoptr (GError) error = NULL;
  if (!push_case_has_runner ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      test_tree_remove (telemetry);
      g_autoptr (EngRun) run = push (&(Faults){ .cut_follow = pieces[i] }, NULL, NULL, &error);
      push_case_check_complete (&own, run, error);
      check_kept ();
      g_assert_cmpint (faulty.n_cuts, >=, 1);
      g_assert_false (push_case_mentions (eng_run_get_notes (run), "did not arrive"));
      g_assert_false (push_case_mentions (eng_run_get_notes (run), "could not be used"));
    }
}

/* A link that is lost within the same line every time does not get on: it ends, with what came.
 * Lines of a trace have 1900 bytes and more. */
static void
test_cut_line (void)
{
  g_autoptr (GError) error = NULL;
  if (!push_case_has_runner ())
    return;
  g_autoptr (EngRun) run
      = push (&(Faults){ .cut_follow = 1500, .short_patience = TRUE }, NULL, NULL, &error);
  const char *why = run != NULL ? eng_run_get_reasons (run)[0] : error->message;
  g_test_message ("%d cuts, then: %s", faulty.n_cuts, why);
  g_assert_nonnull (strstr (why, "did not come back within 2 seconds"));
  g_assert_cmpint (faulty.n_cuts, >, 2);
}

static void
test_gone (void)
{
  g_autoptr (GError) error = NULL;
  if (!push_case_has_runner ())
    return;
  /* In the middle of the telemetry: what came is a run, with the reason. */
  EngPushTimes times;
  g_autoptr (EngRun) run
      = push (&(Faults){ .cut_follow = 20000, .gone_after_cut = TRUE }, NULL, &times, &error);
  g_assert_no_error (error);
  g_assert_true (times.ended_early);
  g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_DEGRADED);
  g_assert_true (
      push_case_mentions (eng_run_get_reasons (run), "did not come back within 2 seconds"));
  g_assert_cmpuint (eng_run_get_n_generated (run), >, 0);
  g_assert_true (g_str_has_prefix (own.text, eng_run_get_text (run)));
  g_assert_true (is_gone (faulty.last_pid)); /* it ended by itself */

  /* Before anything ran: an error. */
  g_autoptr (EngRun) none
      = push (&(Faults){ .cut_before = 4, .gone_after_cut = TRUE }, NULL, NULL, &error);
  g_assert_null (none);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE);
}

/* Files on the board whose names end so. */
static guint
n_left (const char *suffix)
{
  g_autoptr (GDir) dir = g_dir_open (faulty.folder, 0, NULL);
  guint n = 0;

  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    n += g_str_has_suffix (name, suffix);
  return n;
}

/* What could not be taken away because the board was gone goes when somebody cleans up. */
static void
test_left_behind (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngDevice) device = faulty_device_new ();
  if (!push_case_has_runner ())
    return;
  g_autoptr (EngRun) run
      = push (&(Faults){ .cut_follow = 20000, .gone_after_cut = TRUE }, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n_left (".log"), ==, 1);
  g_assert_cmpuint (n_left (".lathe-work"), ==, 1);
  g_assert_true (is_gone (faulty.last_pid));
  faulty_begin (&(Faults){ 0 });
  g_assert_true (eng_push_clean (device, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_left (""), ==, 0);
}

static void
test_killed (void)
{
  g_autoptr (GError) error = NULL;
  if (!push_case_has_runner ())
    return;
  budget_s = 20; /* so that it is alive then */
  g_autoptr (EngRun) run = push (&(Faults){ .kill_after = 60000 }, NULL, NULL, &error);
  budget_s = 0.05;
  g_assert_no_error (error);
  g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_DEGRADED);
  g_assert_true (push_case_mentions (eng_run_get_reasons (run), "died without a last line")
                 || push_case_mentions (eng_run_get_reasons (run), "without its last line"));
  g_assert_true (g_str_has_prefix (own.text, eng_run_get_text (run)));
}

static void
test_silent (void)
{
  g_autoptr (GError) error = NULL;
  if (!push_case_has_runner ())
    return;
  gint64 began = g_get_monotonic_time ();
  g_autoptr (EngRun) run = push (&(Faults){ .silent = TRUE }, NULL, NULL, &error);
  g_assert_null (run);
  g_assert_nonnull (strstr (error->message, "did not answer for"));
  g_assert_cmpint (g_get_monotonic_time () - began, <, 15 * G_USEC_PER_SEC);
}

static void
test_garbage (void)
{
  g_autoptr (GError) error = NULL;
  if (!push_case_has_runner ())
    return;
  Faults what = { .garbage = "\x1b[31mconnection reset by elf\n{\"kind\":\"pass\"}\n\xff\xff\n" };
  g_autoptr (EngRun) run = push (&what, NULL, NULL, &error);
  push_case_check_complete (&own, run, error);
  g_assert_true (
      push_case_mentions (eng_run_get_notes (run), "3 lines of the board's telemetry could not"));
}

static void
test_no_space (void)
{
  g_autoptr (GError) error = NULL;
  if (!push_case_has_runner ())
    return;
  /* Nothing of earlier pushes can make room. */
  g_autoptr (EngRun) run = push (&(Faults){ .n_no_space = 5 }, NULL, NULL, &error);
  g_assert_null (run);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_nonnull (strstr (error->message, "Copying the build to Test board"));
  g_clear_error (&error);

  /* Now an earlier build goes, and it fits. */
  g_autofree char *list
      = g_build_filename (g_get_user_state_dir (), "lathe", "boards", "test-board.list", NULL);
  g_autofree char *old = g_build_filename (faulty.folder, "0123.lathe-build", NULL);
  g_assert_true (g_file_set_contents (list, "0123.lathe-build\n", -1, NULL));
  g_assert_true (g_file_set_contents (old, "old", -1, NULL));
  g_autoptr (EngRun) second = push_again (&(Faults){ .n_no_space = 1 }, NULL, NULL, &error);
  push_case_check_complete (&own, second, error);
  g_assert_false (g_file_test (old, G_FILE_TEST_EXISTS));
}

static void
test_altered (void)
{
  g_autoptr (GError) error = NULL;
  EngPushTimes times;
  if (!push_case_has_runner ())
    return;
  g_autoptr (EngRun) run = push (&(Faults){ .alter = TRUE }, NULL, &times, &error);
  push_case_check_complete (&own, run, error); /* found by its sum, sent again */
}

static void
test_wrong_machine (void)
{
  g_autoptr (GError) error = NULL;
  if (!push_case_has_runner ())
    return;
  g_autoptr (EngRun) run = push (&(Faults){ .machine = "pdp11" }, NULL, NULL, &error);
  g_assert_null (run);
  g_assert_nonnull (strstr (error->message, "pdp11"));
}

static void
cancel_in_repeats (const char *stage, double progress, gpointer job)
{
  if (strstr (stage, "again") != NULL)
    eng_job_cancel (job);
}

/* Cancel: the board's run ends, and what it has comes home. */
static void
test_cancel (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngJob) job = eng_job_new ("Pushing");
  g_autoptr (EngDevice) device = faulty_device_new ();
  g_autoptr (EngWorkload) workload = push_case_workload (budget_s);
  if (!push_case_has_runner ())
    return;
  workload->budget_s = 30;
  faulty_begin (&(Faults){ 0 });
  EngRunEvents events = { .stage = cancel_in_repeats, .user_data = job };
  gint64 began = g_get_monotonic_time ();
  g_autoptr (EngRun) run
      = eng_push_run (device, own.build, workload, NULL, &events, NULL, NULL, NULL, job, &error);
  g_assert_cmpint (g_get_monotonic_time () - began, <, 12 * G_USEC_PER_SEC);
  g_assert_no_error (error);
  g_assert_cmpstr (eng_run_get_text (run), ==, own.text);
  g_assert_true (push_case_mentions (eng_run_get_reasons (run), "stopped before it was complete"));
  g_assert_true (is_gone (faulty.last_pid));
}

static void
test_busy (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngDevice) device = faulty_device_new ();
  g_autoptr (EngWorkload) workload = push_case_workload (budget_s);

  g_assert_true (eng_device_take (device));
  g_assert_null (
      eng_push_run (device, own.build, workload, NULL, NULL, NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
  eng_device_release (device);
}

/* What does not fit is refused before anything is copied, with the reason. */
static void
test_preflight (void)
{
  g_autoptr (EngDevice) device = faulty_device_new ();
  g_autoptr (EngBoard) board = eng_board_new (ENG_BOARD_LINUX);
  g_autoptr (EngWorkload) workload = push_case_workload (budget_s);
  static const struct
  {
    const char *id;
    EngPreflightState state;
  } expected[] = { { "memory", ENG_PREFLIGHT_FAILED },
                   { "space", ENG_PREFLIGHT_FAILED },
                   { "clock", ENG_PREFLIGHT_WARNING },
                   { "sensors", ENG_PREFLIGHT_WARNING } };

  board->machine = g_strdup ("aarch64");
  board->isa = g_strdup ("neon");
  board->available_bytes = 1 << 20;
  board->free_bytes = 1 << 20;
  board->time_s = 3600; /* 1970 */
  board->told_s = g_get_real_time () / G_USEC_PER_SEC;
  eng_device_set_board (device, board);
  g_autoptr (GPtrArray) items = eng_preflight (device, own.build, workload);
  g_assert_false (eng_preflight_passed (items));
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      gboolean found = FALSE;
      for (guint k = 0; k < items->len; k++)
        {
          const EngPreflightItem *item = items->pdata[k];
          if (!g_str_equal (item->id, expected[i].id))
            continue;
          found = TRUE;
          g_assert_cmpint (item->state, ==, expected[i].state);
          if (g_str_equal (item->id, "clock"))
            g_assert_nonnull (strstr (item->text, "1970-01-01"));
        }
      g_assert_true (found);
    }

  /* Builds of earlier pushes may be this one, and make way where they are not. */
  g_autoptr (EngBoard) used = eng_board_new (ENG_BOARD_LINUX);
  used->available_bytes = (guint64)4 << 30;
  used->free_bytes = 1 << 20;
  used->kept_bytes = (guint64)1 << 30;
  eng_device_set_board (device, used);
  g_autoptr (GPtrArray) again = eng_preflight (device, own.build, workload);
  g_assert_true (eng_preflight_passed (again));
}

int
main (int argc, char **argv)
{
  char *home = push_case_new_home ();

  faulty.folder = g_build_filename (home, "board", NULL);
  telemetry = g_build_filename (home, "telemetry", NULL);
  g_test_init (&argc, &argv, NULL);
  eng_transport_add (&faulty_transport);
  push_case_init (&own, "{}");
  g_test_add_func ("/push/plain", test_plain);
  g_test_add_func ("/push/cut-everywhere", test_cut_everywhere);
  g_test_add_func ("/push/cut-copy", test_cut_copy);
  g_test_add_func ("/push/cut-telemetry", test_cut_telemetry);
  g_test_add_func ("/push/cut-line", test_cut_line);
  g_test_add_func ("/push/gone", test_gone);
  g_test_add_func ("/push/left-behind", test_left_behind);
  g_test_add_func ("/push/killed", test_killed);
  g_test_add_func ("/push/silent", test_silent);
  g_test_add_func ("/push/garbage", test_garbage);
  g_test_add_func ("/push/no-space", test_no_space);
  g_test_add_func ("/push/altered", test_altered);
  g_test_add_func ("/push/wrong-machine", test_wrong_machine);
  g_test_add_func ("/push/cancel", test_cancel);
  g_test_add_func ("/push/busy", test_busy);
  g_test_add_func ("/push/preflight", test_preflight);
  const int status = g_test_run ();
  push_case_clear (&own);
  g_free (faulty.folder);
  g_free (telemetry);
  test_tree_free (home);
  return status;
}
