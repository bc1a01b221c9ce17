/* What a push tells of itself: bytes that went over the link, a line for a job bar, how far reading
 * back is, and what is missing when no runner is built for the board. */
#include <math.h>
#include <string.h>

#include "../test-tree.h"
#include "devices/eng-runners.h"
#include "faulty-link.h"
#include "push-case.h"

static PushCase own;

static EngRun *
push (const Faults *what, gboolean anew, const EngPushEvents *events, EngPushTimes *times,
      EngJob *job, GError **error)
{
  g_autoptr (EngDevice) device = faulty_device_new ();
  g_autoptr (EngWorkload) workload = push_case_workload (0.05);
  EngPushOptions options = { .patience_s = 2 };

  if (anew)
    test_tree_remove (faulty.folder);
  faulty_begin (what);
  return eng_push_run (device, own.build, workload, NULL, NULL, events, &options, times, job,
                       error);
}

/* What is said to be copied is what went over the link in this push: not what an earlier one had
 * brought, and nothing twice for a link that was lost. */
static void
test_counts (void)
{
  const guint64 cut_at = 3 << 20;
  g_autoptr (GError) error = NULL;
  EngPushTimes whole, cut, part, rest;
  if (!push_case_has_runner ())
    return;
  g_autoptr (EngRun) first = push (&(Faults){ 0 }, TRUE, NULL, &whole, NULL, &error);
  push_case_check_complete (&own, first, error);
  g_assert_cmpuint (whole.n_copied, >, cut_at + (1 << 20));
  g_assert_cmpuint (whole.n_kept, ==, 0);

  g_autoptr (EngRun) gone_on
      = push (&(Faults){ .cut_put = cut_at }, TRUE, NULL, &cut, NULL, &error);
  push_case_check_complete (&own, gone_on, error);
  g_assert_cmpint (faulty.n_cuts, ==, 1);
  g_assert_cmpuint (cut.n_copied, ==, whole.n_copied);
  g_assert_cmpuint (cut.n_kept, ==, 0);

  /* A push that ended in the middle of the build, and the one after it. */
  Faults gone = { .cut_put = cut_at, .gone_after_cut = TRUE };
  g_assert_null (push (&gone, TRUE, NULL, &part, NULL, &error));
  g_clear_error (&error);
  g_assert_cmpuint (part.n_copied, >=, cut_at);
  g_assert_cmpuint (part.n_copied, <, whole.n_copied);
  g_autoptr (EngRun) second = push (&(Faults){ 0 }, FALSE, NULL, &rest, NULL, &error);
  push_case_check_complete (&own, second, error);
  g_assert_cmpuint (rest.n_kept, ==, part.n_copied);
  g_assert_cmpuint (rest.n_copied, ==, whole.n_copied - part.n_copied);
}

/* ---- Lines ---- */

typedef struct
{
  guint n_copied, n_rates, n_verified;
  EngJob *job;
} Lines;

static void
look_at_line (const EngPushProgress *progress, gpointer user_data)
{
  Lines *lines = user_data;
  g_autofree char *stage = eng_job_dup_stage (lines->job);
  g_autofree char *done = eng_format_value ((double)progress->n_done, "B");
  g_autofree char *all = eng_format_value ((double)progress->n_bytes, "B");
  g_autofree char *share = g_strdup_printf (": %s of %s", done, all);

  if (progress->n_bytes == 0)
    return;
  g_assert_nonnull (strstr (stage, share));
  g_assert_cmpfloat_with_epsilon (eng_job_get_progress (lines->job),
                                  (double)progress->n_done / (double)progress->n_bytes, 1e-9);
  lines->n_copied += g_str_has_prefix (stage, "Build: ");
  lines->n_verified += g_str_has_prefix (stage, "Verifying: ");
  if (progress->stage == ENG_PUSH_VERIFY)
    g_assert_true (g_str_has_prefix (stage, "Verifying: "));
  if (!isfinite (progress->bytes_per_s))
    return;
  lines->n_rates++;
  g_assert_nonnull (strstr (stage, "B/s, "));
  g_assert_true (g_str_has_suffix (stage, " left"));
}

/* "Build: 12 MB of 118 MB, 11 MB/s, 9 s left", and the same of reading back. */
static void
test_lines (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngJob) job = eng_job_new ("Run");
  Lines lines = { .job = job };
  EngPushEvents events = { .progress = look_at_line, .user_data = &lines };
  Faults what = { .slow_put_us = 60000,
                  .reading = "{\"kind\":\"reading\",\"name\":\"b\",\"n_done\":4000,\"n_bytes\":9}\n"
                             "{\"kind\":\"reading\"}\n\xff\n[]\n" };

  if (!push_case_has_runner ())
    return;
  g_autoptr (EngRun) run = push (&what, TRUE, &events, NULL, job, &error);
  push_case_check_complete (&own, run, error);
  g_assert_cmpuint (lines.n_copied, >, 1);
  g_assert_cmpuint (lines.n_rates, >, 0);
  g_assert_cmpuint (lines.n_verified, >, 0);
}

/* ---- No runner ---- */

/* A board that answers, and whose processor has no runner here: that is said, and which command
 * builds it; never that the board does not answer. */
static void
check_not_built (const char *machine, gboolean by_push)
{
  g_autoptr (EngDevice) device = faulty_device_new ();
  g_autoptr (EngWorkload) workload = push_case_workload (0.05);
  g_autoptr (GError) error = NULL;

  faulty_begin (&(Faults){ .machine = machine });
  if (by_push)
    g_assert_null (
        eng_push_run (device, own.build, workload, NULL, NULL, NULL, NULL, NULL, NULL, &error));
  else
    g_assert_false (eng_device_contact (device, NULL, NULL, &error));
  g_assert_cmpint (eng_device_get_state (device), ==, ENG_DEVICE_MISSING);
  g_autofree char *remedy = eng_device_dup_remedy (device);
  g_autofree char *message = eng_device_dup_message (device);
  if (g_str_equal (machine, "pdp11"))
    {
      g_assert_error (error, ENG_RUNNER_ERROR, ENG_RUNNER_ERROR_UNKNOWN);
      g_assert_null (remedy);
      g_assert_nonnull (strstr (message, "“pdp11”"));
      return;
    }
  g_autofree char *expected
      = g_strdup_printf ("The runner for %s boards is not built. Build it in the folder of Lathe's "
                         "sources.",
                         eng_runner_machine (machine));
  g_assert_error (error, ENG_RUNNER_ERROR, ENG_RUNNER_ERROR_NOT_BUILT);
  g_assert_cmpstr (message, ==, expected);
  g_assert_nonnull (remedy);
  g_assert_nonnull (strstr (remedy, "ninja -C build-runner-"));
  g_assert_nonnull (strstr (error->message, remedy));
}

static void
test_not_built (void)
{
  static const char *const machines[] = { "riscv64", "arm64" };

  check_not_built ("pdp11", FALSE);
  check_not_built ("pdp11", TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (machines); i++)
    {
      g_autofree char *path = eng_runner_find (machines[i], NULL);
      if (path != NULL)
        continue;
      check_not_built (machines[i], FALSE);
      check_not_built (machines[i], TRUE);
      return;
    }
  g_test_skip ("the runners of all processors are built");
}

int
main (int argc, char **argv)
{
  char *home = push_case_new_home ();

  faulty.folder = g_build_filename (home, "board", NULL);
  g_test_init (&argc, &argv, NULL);
  eng_transport_add (&faulty_transport);
  push_case_init (&own, "{}");
  g_test_add_func ("/push-told/counts", test_counts);
  g_test_add_func ("/push-told/lines", test_lines);
  g_test_add_func ("/push-told/not-built", test_not_built);
  const int status = g_test_run ();
  push_case_clear (&own);
  g_free (faulty.folder);
  test_tree_free (home);
  return status;
}
