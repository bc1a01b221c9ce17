/* A language model pushed over SSH to a board that is an aarch64 machine (board-sshd.py --arm: the
 * runner under QEMU, everything else real): what it writes is what this computer writes, its
 * profile comes home, and neither a cable pulled at any stage nor a killed runner loses what was
 * measured. */
#include <string.h>

#include "../test-tree.h"
#include "eng-test-board.h"
#include "push-case.h"

static EngTestBoard *board;
static PushCase own;

/* What happens to the board, once, in the middle of a push. */
typedef struct
{
  EngPushStage stage;
  guint64 after_bytes;
  double after_progress;
  const char *first, *then; /* commands; the second 3 s later */
  gboolean done, stages[ENG_N_PUSH_STAGES];
  guint n_tries;
  GThread *thread;
} Trouble;

static gpointer
make_trouble (gpointer data)
{
  Trouble *trouble = data;

  eng_test_board_do (board, "%s", trouble->first);
  if (trouble->then == NULL)
    return NULL;
  g_usleep (3 * G_USEC_PER_SEC); /* devices of tests give up after 2 */
  eng_test_board_do (board, "%s", trouble->then);
  return NULL;
}

static void
on_progress (const EngPushProgress *progress, gpointer user_data)
{
  Trouble *trouble = user_data;

  trouble->stages[progress->stage] = TRUE;
  trouble->n_tries = progress->n_tries;
  if (trouble->first == NULL || trouble->done || progress->stage != trouble->stage
      || progress->n_done < trouble->after_bytes || progress->progress < trouble->after_progress)
    return;
  trouble->done = TRUE;
  trouble->thread = g_thread_new ("trouble", make_trouble, trouble);
}

static EngRun *
push (Trouble *trouble, EngPushTimes *times, GError **error)
{
  g_autoptr (EngDevice) device = eng_test_board_device (board, NULL);
  g_auto (EngTestAnswers) answers = { .yes = TRUE };
  const EngAsk ask = eng_test_ask (&answers);
  EngRun *run = push_case_push (&own, device, &ask, 20, on_progress, trouble, times, error);

  g_clear_pointer (&trouble->thread, g_thread_join);
  return run;
}

static void
assert_same_as_here (EngRun *run)
{
  push_case_check_text (&own, run);
  push_case_check_profile (run);
  g_assert_nonnull (strstr (eng_run_get_machine_json (run), "aarch64"));
}

static void
clean_board (void)
{
  g_autoptr (EngDevice) device = eng_test_board_device (board, NULL);
  g_auto (EngTestAnswers) answers = { .yes = TRUE };
  const EngAsk ask = eng_test_ask (&answers);
  g_autoptr (GError) error = NULL;

  g_assert_true (eng_push_clean (device, &ask, NULL, &error));
  g_assert_no_error (error);
}

static void
test_push (void)
{
  Trouble none = { 0 }, again = { 0 };
  EngPushTimes times = { 0 }, second = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRun) run = push (&none, &times, &error);

  g_assert_no_error (error);
  assert_same_as_here (run);
  for (guint i = 0; i < ENG_N_PUSH_STAGES; i++)
    if (!none.stages[i])
      g_error ("no word of the stage \"%s\"", eng_push_stage_name (i));
  g_test_message ("%" G_GUINT64_FORMAT " bytes in %.2f s, first line after %.2f s", times.n_copied,
                  times.copy_s, times.start_s);

  g_autoptr (EngRun) repeated = push (&again, &second, &error);
  g_assert_no_error (error);
  assert_same_as_here (repeated);
  push_case_check_kept (&times, &second);
  g_assert_cmpstr (eng_run_get_build_hash (repeated), ==, eng_run_get_build_hash (run));
}

/* The cable is pulled and put back while it copies, while it runs; every session is killed. */
static void
test_lost_link (void)
{
  static const struct
  {
    EngPushStage stage;
    guint64 after_bytes;
    double after_progress;
    const char *first, *then;
  } cases[] = {
    { ENG_PUSH_COPY, 1000000, -1, "kill", NULL }, { ENG_PUSH_RUN, 0, -1, "kill", NULL },
    { ENG_PUSH_RUN, 0, 0.5, "kill", NULL },       { ENG_PUSH_COPY, 1000000, -1, "cut", "heal" },
    { ENG_PUSH_RUN, 0, -1, "cut", "heal" },       { ENG_PUSH_VERIFY, 0, -1, "cut", "heal" },
  };

  guint any = 0;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Trouble trouble = { .stage = cases[i].stage,
                          .after_bytes = cases[i].after_bytes,
                          .after_progress = cases[i].after_progress,
                          .first = cases[i].first,
                          .then = cases[i].then };
      g_autoptr (GError) error = NULL;
      if (cases[i].then != NULL && !board->has_link)
        continue;
      if (cases[i].stage == ENG_PUSH_COPY)
        clean_board ();
      eng_test_board_do (board, "set sftp %s", cases[i].stage == ENG_PUSH_COPY ? "slow" : "good");
      g_autoptr (EngRun) run = push (&trouble, NULL, &error);
      g_assert_no_error (error);
      g_test_message ("%s at stage %s: %s, %u tries", cases[i].first,
                      eng_push_stage_name (cases[i].stage), trouble.done ? "done" : "too late",
                      trouble.n_tries);
      assert_same_as_here (run);
      if (trouble.done && cases[i].stage != ENG_PUSH_VERIFY)
        g_assert_cmpuint (trouble.n_tries, >, 0);
      any += trouble.n_tries;
    }
  g_assert_cmpuint (any, >, 1);
  eng_test_board_do (board, "set sftp good");
}

/* A disk with room for one build: it may be pushed again, and by its preflight. */
static void
test_small_disk (void)
{
  Trouble none = { 0 }, again = { 0 };
  EngPushTimes second = { 0 };
  g_autoptr (GError) error = NULL;

  if (eng_test_board_lacks_link (board))
    return;
  clean_board ();
  eng_test_board_do (board, "tmpfs %u", 14u << 20);
  g_autoptr (EngRun) run = push (&none, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngRun) repeated = push (&again, &second, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (second.n_copied, <, 1000);
  assert_same_as_here (repeated);
  eng_test_board_do (board, "umount files");
}

/* The board's program dies: what it had measured is kept and says so, or the error does. */
static void
test_killed_runner (void)
{
  Trouble trouble = { .stage = ENG_PUSH_RUN, .after_progress = 0.6, .first = "kill_runner" };
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRun) run = push (&trouble, NULL, &error);

  if (!trouble.done)
    {
      g_test_skip ("the run was over before its runner could be killed");
      return;
    }
  if (run == NULL)
    {
      g_assert_nonnull (error);
      g_test_message ("says: %s", error->message);
      return;
    }
  g_assert_cmpint (eng_run_get_validity (run), !=, ENG_RUN_VALID);
  for (const char *const *reason = eng_run_get_reasons (run); *reason != NULL; reason++)
    g_test_message ("%s: %s", eng_validity_name (eng_run_get_validity (run)), *reason);
}

static void
cancel_in_repeats (const EngPushProgress *progress, gpointer job)
{
  if (progress->stage == ENG_PUSH_RUN && progress->progress >= 0.6)
    eng_job_cancel (job);
}

/* Cancel: the board's run is ended there, and what it has comes home. */
static void
test_cancel (void)
{
  g_autoptr (EngDevice) device = eng_test_board_device (board, NULL);
  g_autoptr (EngWorkload) workload = push_case_workload (30);
  g_autoptr (EngJob) job = eng_job_new ("Pushing");
  g_auto (EngTestAnswers) answers = { .yes = TRUE };
  const EngAsk ask = eng_test_ask (&answers);
  const EngPushOptions options = { .ask = &ask };
  const EngPushEvents events = { .progress = cancel_in_repeats, .user_data = job };
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRun) run = eng_push_run (device, own.build, workload, NULL, NULL, &events, &options,
                                         NULL, job, &error);

  g_assert_no_error (error);
  push_case_check_text (&own, run);
  g_assert_true (push_case_mentions (eng_run_get_reasons (run), "stopped before it was complete"));
}

/* A board that is off for good: a clear end within the patience. */
static void
test_gone (void)
{
  Trouble trouble
      = { .stage = ENG_PUSH_COPY, .after_bytes = 500000, .after_progress = -1, .first = "off" };
  g_autoptr (EngDevice) device = eng_test_board_device (board, NULL);
  g_autoptr (EngWorkload) workload = push_case_workload (0.5);
  g_auto (EngTestAnswers) answers = { .yes = TRUE };
  const EngAsk ask = eng_test_ask (&answers);
  const EngPushOptions options = { .ask = &ask, .patience_s = 3 };
  const EngPushEvents events = { .progress = on_progress, .user_data = &trouble };
  EngPushTimes times;
  g_autoptr (GError) error = NULL;

  clean_board ();
  eng_test_board_do (board, "set sftp slow");
  const gint64 start_us = g_get_monotonic_time ();
  g_autoptr (EngRun) run = eng_push_run (device, own.build, workload, NULL, NULL, &events, &options,
                                         &times, NULL, &error);
  g_clear_pointer (&trouble.thread, g_thread_join);
  g_assert_null (run);
  g_assert_nonnull (error);
  g_test_message ("after %.1f s: %s", (double)(g_get_monotonic_time () - start_us) / 1e6,
                  error->message);
  g_assert_true (trouble.done);
  g_assert_nonnull (strstr (error->message, "did not come back"));
  eng_test_board_do (board, "on");
  eng_test_board_do (board, "set sftp good");
}

/* ---- What it takes ---- */

static void
test_skipped (void)
{
  if (push_case_can_emulate_arm ())
    g_clear_pointer (&board, eng_test_board_free); /* it says itself why there is none */
}

int
main (int argc, char **argv)
{
  char *home = push_case_new_home ();

  g_test_init (&argc, &argv, NULL);
  board = push_case_can_emulate_arm ()
              ? eng_test_board_new (TRUE, g_getenv ("LATHE_TEST_LOCAL_BOARD") != NULL)
              : NULL;
  if (board == NULL)
    {
      g_test_add_func ("/push-ssh", test_skipped);
      const int skipped = g_test_run ();
      test_tree_free (home);
      return skipped;
    }
  push_case_init (&own, "{\"weight-format\": {\"format\": \"q4_0\"}}");
  g_test_add_func ("/push-ssh/push", test_push);
  g_test_add_func ("/push-ssh/lost-link", test_lost_link);
  g_test_add_func ("/push-ssh/small-disk", test_small_disk);
  g_test_add_func ("/push-ssh/killed-runner", test_killed_runner);
  g_test_add_func ("/push-ssh/cancel", test_cancel);
  g_test_add_func ("/push-ssh/gone", test_gone);
  const int status = g_test_run ();
  push_case_clear (&own);
  eng_test_board_free (board);
  test_tree_free (home);
  return status;
}
