/* The session, driven by a main loop as the window drives it. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "eng-error.h"
#include "eng-session.h"
#include "eng-test.h"

/* ---- Waiting ---- */

typedef struct
{
  EngSession *session;
  GString *text;
  guint n_resets, n_finished, n_profiles;
  char *failed; /* what */
  GError *error;
  EngRun *last;
} Seen;

static void
on_text (EngSession *session, const char *utf8, Seen *seen)
{
  g_assert_true (g_utf8_validate (utf8, -1, NULL));
  g_string_append (seen->text, utf8);
}

static void
on_reset (EngSession *session, Seen *seen)
{
  g_string_truncate (seen->text, 0);
  seen->n_resets++;
}

static void
on_finished (EngSession *session, EngRun *run, Seen *seen)
{
  seen->n_finished++;
  g_set_object (&seen->last, run);
}

static void
on_failed (EngSession *session, GError *error, const char *what, Seen *seen)
{
  g_free (seen->failed);
  g_clear_error (&seen->error);
  seen->failed = g_strdup (what);
  seen->error = g_error_copy (error);
}

static void
on_profile (EngSession *session, GParamSpec *pspec, Seen *seen)
{
  seen->n_profiles++;
}

static Seen *
seen_new (EngHistory *history)
{
  Seen *seen = g_new0 (Seen, 1);
  seen->session = eng_session_new (history);
  seen->text = g_string_new (NULL);
  g_signal_connect (seen->session, "text", G_CALLBACK (on_text), seen);
  g_signal_connect (seen->session, "text-reset", G_CALLBACK (on_reset), seen);
  g_signal_connect (seen->session, "run-finished", G_CALLBACK (on_finished), seen);
  g_signal_connect (seen->session, "failed", G_CALLBACK (on_failed), seen);
  g_signal_connect (seen->session, "notify::profile", G_CALLBACK (on_profile), seen);
  return seen;
}

static void
seen_free (Seen *seen)
{
  g_object_add_weak_pointer (G_OBJECT (seen->session), (gpointer *)&seen->session);
  g_object_unref (seen->session);
  g_assert_null (seen->session); /* nobody else keeps it */
  g_string_free (seen->text, TRUE);
  g_free (seen->failed);
  g_clear_error (&seen->error);
  g_clear_object (&seen->last);
  g_free (seen);
}

static gboolean
on_timeout (gpointer data)
{
  g_error ("waited for a minute");
  return G_SOURCE_REMOVE;
}

#define WAIT_UNTIL(condition)                                                                      \
  G_STMT_START                                                                                     \
  {                                                                                                \
    guint timeout = g_timeout_add_seconds (60, on_timeout, NULL);                                  \
    while (!(condition))                                                                           \
      g_main_context_iteration (NULL, TRUE);                                                       \
    g_source_remove (timeout);                                                                     \
  }                                                                                                \
  G_STMT_END

static void
open_default (Seen *seen)
{
  g_autofree char *path = eng_test_default_model ();
  eng_session_open (seen->session, path);
  WAIT_UNTIL (eng_session_get_build (seen->session) != NULL);
}

static EngWorkload *
workload_new (guint n)
{
  EngWorkload *workload = eng_workload_new ("It is a truth universally acknowledged");
  workload->budget_s = 0.3; /* how well it is known is not what is tested */
  workload->n_predict = n;
  workload->ignore_end = TRUE;
  return workload;
}

static void
run (Seen *seen, guint n)
{
  g_autoptr (EngWorkload) workload = workload_new (n);
  guint before = seen->n_finished;
  eng_session_start_run (seen->session, workload);
  g_assert_true (eng_session_get_running (seen->session));
  WAIT_UNTIL (seen->n_finished > before);
  g_assert_false (eng_session_get_running (seen->session));
}

static void
set_format (Seen *seen, const char *match, const char *format)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) recipe
      = eng_recipe_with (eng_session_get_recipe (seen->session), "weight-format", "format", match,
                         g_variant_new_string (format), &error);
  g_assert_no_error (error);
  eng_session_set_recipe (seen->session, recipe);
}

/* ---- Tests ---- */

static void
test_open_and_run (void)
{
  Seen *seen = seen_new (NULL);
  open_default (seen);
  g_assert_null (eng_session_get_job (seen->session));
  g_assert_null (eng_session_get_run (seen->session));

  run (seen, 300);
  g_assert_cmpuint (seen->n_resets, ==, 1);
  g_assert_cmpstr (seen->text->str, ==, eng_run_get_text (seen->last));
  g_assert_true (eng_session_get_run (seen->session) == seen->last);
  g_assert_nonnull (eng_session_get_profile (seen->session));
  g_assert_null (eng_session_get_baseline (seen->session));
  g_assert_null (eng_session_get_job (seen->session));
  g_assert_cmpuint (seen->n_profiles, >=, 2); /* live and final */
  seen_free (seen);
}

static void
test_undo_brings_numbers_back (void)
{
  Seen *seen = seen_new (NULL);
  EngSession *session = seen->session;
  open_default (seen);
  run (seen, 40);
  g_autoptr (EngRun) first = g_object_ref (seen->last);
  g_assert_null (eng_session_dup_undo_label (session));

  set_format (seen, NULL, "q4_0");
  g_assert_null (eng_session_get_build (session));
  g_assert_null (eng_session_get_run (session));
  g_assert_null (eng_session_get_profile (session));
  g_assert_true (eng_session_get_baseline (session)
                 == first); /* nothing was pinned: the run before stands behind */
  g_autofree char *label = eng_session_dup_undo_label (session);
  g_assert_cmpstr (label, ==, "Weight format: As in file → Q4_0");
  run (seen, 40); /* waits for the build */
  g_autoptr (EngRun) second = g_object_ref (seen->last);
  g_assert_cmpstr (eng_run_get_build_hash (first), !=, eng_run_get_build_hash (second));
  g_autofree char *effect = eng_session_dup_technique_effect (session, "weight-format");
  g_test_message ("effect: %s", effect);
  g_assert_nonnull (effect);
  g_assert_nonnull (strstr (effect, "% memory")); /* 16 bits to 4.5: far beyond rounding */
  g_assert_nonnull (strstr (effect, "\u2212"));
  g_assert_null (eng_session_dup_technique_effect (session, "kv-cache"));

  /* At once, before anything is lowered again. */
  eng_session_undo (session);
  g_assert_true (eng_session_get_run (session) == first);
  g_assert_true (eng_session_get_profile (session) == eng_run_get_profile (first));
  g_assert_true (eng_session_get_baseline (session) == second);
  g_assert_null (eng_session_dup_technique_effect (session, "weight-format"));
  g_autofree char *redo = eng_session_dup_redo_label (session);
  g_assert_cmpstr (redo, ==, label);
  eng_session_redo (session);
  g_assert_true (eng_session_get_run (session) == second);
  g_assert_true (eng_session_get_baseline (session) == first);
  WAIT_UNTIL (eng_session_get_build (session) != NULL);
  g_assert_cmpstr (eng_build_get_hash (eng_session_get_build (session)), ==,
                   eng_run_get_build_hash (second));

  /* The way to the same build by another recipe finds the numbers, too, once it is lowered. */
  set_format (seen, "*", "q4_0");
  g_assert_null (eng_session_get_run (session));
  WAIT_UNTIL (eng_session_get_build (session) != NULL);
  g_assert_true (eng_session_get_run (session) == second);

  gboolean can_undo, can_redo;
  g_object_get (session, "can-undo", &can_undo, "can-redo", &can_redo, NULL);
  g_assert_true (can_undo);
  g_assert_false (can_redo); /* a new change drops what was undone */
  seen_free (seen);
}

static void
test_baseline (void)
{
  Seen *seen = seen_new (NULL);
  EngSession *session = seen->session;
  open_default (seen);
  run (seen, 10);
  g_autoptr (EngRun) first = g_object_ref (seen->last);
  eng_session_set_baseline (session, first);
  set_format (seen, NULL, "q8_0");
  run (seen, 10);
  set_format (seen, NULL, "q4_0");
  g_assert_true (eng_session_get_baseline (session) == first); /* pinned stays */
  eng_session_set_baseline (session, NULL);
  g_assert_null (eng_session_get_baseline (session));
  seen_free (seen);
}

/* Ten changes in a row: only the last is lowered to the end. */
static void
test_newer_wins (void)
{
  static const char *const formats[]
      = { "q8_0", "q4_k", "q5_k", "q6_k", "q4_1", "q5_0", "q4_k", "q5_1", "bf16", "q6_k" };
  Seen *seen = seen_new (NULL);
  EngSession *session = seen->session;
  open_default (seen);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      set_format (seen, NULL, formats[i]);
      for (guint k = 0; k < i; k++)
        g_main_context_iteration (NULL, FALSE);
    }
  WAIT_UNTIL (eng_session_get_build (session) != NULL);
  EngBuild *build = eng_session_get_build (session);
  g_assert_true (eng_recipe_equal (eng_build_get_recipe (build), eng_session_get_recipe (session)));
  g_assert_cmpint (eng_build_get_dtype (build,
                                        eng_model_get_tensor (eng_session_get_model (session), 3)),
                   ==, KN_Q6_K);
  g_assert_null (seen->failed);
  seen_free (seen);
}

static void
test_cancel_lowering (void)
{
  Seen *seen = seen_new (NULL);
  EngSession *session = seen->session;
  open_default (seen);
  set_format (seen, NULL, "q4_k");
  EngJob *job = eng_session_get_job (session);
  g_assert_nonnull (job);
  eng_job_cancel (job);
  WAIT_UNTIL (eng_session_get_job (session) == NULL);
  g_assert_null (seen->failed); /* wished for: not a failure */
  g_assert_null (eng_session_get_build (session));
  run (seen, 5); /* makes it after all */
  g_assert_nonnull (eng_session_get_build (session));
  seen_free (seen);
}

static void
test_stop (void)
{
  Seen *seen = seen_new (NULL);
  EngSession *session = seen->session;
  g_autoptr (EngWorkload) workload = workload_new (480);
  open_default (seen);

  eng_session_start_run (session, workload);
  WAIT_UNTIL (seen->text->len > 0);
  gint64 asked = g_get_monotonic_time ();
  eng_session_stop_run (session);
  WAIT_UNTIL (!eng_session_get_running (session));
  g_test_message ("stopped after %.1f ms", (double)(g_get_monotonic_time () - asked) * 1e-3);
  /* Either it was stopped, or the text was complete and only its repeats were cut short. */
  g_assert_cmpuint (seen->n_finished, ==, 1);
  if (eng_run_get_n_generated (seen->last) < 480)
    g_assert_cmpint (eng_run_get_validity (seen->last), ==, ENG_RUN_DEGRADED);

  /* One that waits for its build has nothing to give. */
  set_format (seen, NULL, "q4_k");
  eng_session_start_run (session, workload);
  g_assert_true (eng_session_get_running (session));
  eng_session_stop_run (session);
  g_assert_false (eng_session_get_running (session));
  WAIT_UNTIL (eng_session_get_build (session) != NULL);
  g_assert_cmpuint (seen->n_finished, ==, 1);
  seen_free (seen);
}

/* A change during a run is applied when the run ends. */
static void
test_change_while_running (void)
{
  Seen *seen = seen_new (NULL);
  EngSession *session = seen->session;
  g_autoptr (EngWorkload) workload = workload_new (200);
  open_default (seen);
  g_autofree char *before = g_strdup (eng_build_get_hash (eng_session_get_build (session)));

  eng_session_start_run (session, workload);
  set_format (seen, NULL, "q8_0");
  g_assert_true (eng_session_get_running (session));
  WAIT_UNTIL (seen->n_finished == 1);
  g_assert_cmpstr (eng_run_get_build_hash (seen->last), ==, before);
  g_assert_null (eng_session_get_run (session)); /* it is of the recipe before */
  WAIT_UNTIL (eng_session_get_build (session) != NULL && eng_session_get_job (session) == NULL);
  g_assert_cmpstr (eng_build_get_hash (eng_session_get_build (session)), !=, before);
  eng_session_undo (session);
  g_assert_true (eng_session_get_run (session) == seen->last);
  seen_free (seen);
}

static void
test_failures (void)
{
  Seen *seen = seen_new (NULL);
  EngSession *session = seen->session;

  eng_session_open (session, "/nonexistent/model.gguf");
  WAIT_UNTIL (seen->failed != NULL);
  g_assert_cmpstr (seen->failed, ==, "Opening the model");
  g_assert_error (seen->error, ENG_ERROR, ENG_ERROR_IO);
  g_assert_null (eng_session_get_model (session));
  g_assert_null (eng_session_get_job (session));
  g_clear_pointer (&seen->failed, g_free);

  /* What was open stays open. */
  open_default (seen);
  EngModel *model = eng_session_get_model (session);
  eng_session_open (session, "/nonexistent/model.gguf");
  WAIT_UNTIL (seen->failed != NULL);
  g_assert_true (eng_session_get_model (session) == model);
  WAIT_UNTIL (eng_session_get_build (session) != NULL);
  g_clear_pointer (&seen->failed, g_free);

  /* A run that cannot be: its error arrives, and the session is idle again. */
  g_autoptr (GString) words = g_string_new (NULL);
  for (guint i = 0; i < 3000; i++)
    g_string_append (words, "truth and ");
  g_autoptr (EngWorkload) endless = eng_workload_new (words->str);
  eng_session_start_run (session, endless);
  WAIT_UNTIL (seen->failed != NULL);
  g_assert_cmpstr (seen->failed, ==, "Running the model");
  g_assert_error (seen->error, ENG_ERROR, ENG_ERROR_RANGE);
  g_assert_false (eng_session_get_running (session));
  run (seen, 5);
  seen_free (seen);
}

/* Another model, opened in the middle of everything. */
static void
test_reopen (void)
{
  Seen *seen = seen_new (NULL);
  EngSession *session = seen->session;
  g_autoptr (EngWorkload) workload = workload_new (400);
  g_autofree char *path = eng_test_default_model ();
  open_default (seen);
  set_format (seen, NULL, "q8_0");
  eng_session_start_run (session, workload);
  WAIT_UNTIL (seen->text->len > 0);
  EngModel *old = eng_session_get_model (session);
  eng_session_open (session, path);
  WAIT_UNTIL (eng_session_get_model (session) != old && eng_session_get_build (session) != NULL);
  g_assert_false (eng_session_get_running (session));
  g_assert_null (eng_session_get_run (session));
  g_autoptr (EngRecipe) standard = eng_recipe_new ();
  g_assert_true (eng_recipe_equal (eng_session_get_recipe (session), standard));
  run (seen, 10);
  seen_free (seen);
}

static void
on_changed (EngHistory *history, guint *n)
{
  ++*n;
}

static void
test_history (void)
{
  char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "history.db", NULL);
  g_autoptr (GError) error = NULL;
  {
    g_autoptr (EngHistory) history = eng_history_open (path, &error);
    g_assert_no_error (error);
    guint n_changed = 0;
    g_signal_connect (history, "changed", G_CALLBACK (on_changed), &n_changed);
    Seen *seen = seen_new (history);
    open_default (seen);
    run (seen, 20);
    set_format (seen, NULL, "q8_0");
    run (seen, 20);
    WAIT_UNTIL (n_changed == 2);

    g_autoptr (GPtrArray) entries = eng_history_list (history, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (entries->len, ==, 2);
    const EngHistoryEntry *newest = entries->pdata[0];
    g_assert_cmpstr (newest->id, ==, eng_run_get_id (seen->last));
    g_assert_cmpfloat (newest->figures[ENG_FIGURE_DECODE].value, ==,
                       eng_run_get_figure (seen->last, ENG_FIGURE_DECODE).value);
    g_autoptr (EngRun) again = eng_history_get (history, newest->id, &error);
    g_assert_no_error (error);
    g_autofree char *a = eng_run_to_json (seen->last), *b = eng_run_to_json (again);
    g_assert_cmpstr (a, ==, b);

    g_assert_true (eng_history_delete (history, newest->id, &error));
    g_autoptr (GPtrArray) fewer
        = eng_history_list (history, eng_run_get_model_hash (seen->last), &error);
    g_assert_cmpuint (fewer->len, ==, 1);
    g_assert_true (eng_history_restore (history, newest->id, &error));
    g_assert_no_error (error);
    seen_free (seen);
  }
  /* Nothing is lost when the program goes away. */
  g_autoptr (EngHistory) reopened = eng_history_open (path, &error);
  g_assert_no_error (error);
  g_autoptr (GPtrArray) entries = eng_history_list (reopened, NULL, &error);
  g_assert_cmpuint (entries->len, ==, 2);
  g_clear_object (&reopened);
  eng_test_remove (directory);
}

/* Dropped in the middle of opening, lowering and running: nothing may be called back. */
static void
test_drop (void)
{
  g_autofree char *path = eng_test_default_model ();
  g_autoptr (EngWorkload) workload = workload_new (400);

  Seen *opening = seen_new (NULL);
  eng_session_open (opening->session, path);
  seen_free (opening);

  Seen *lowering = seen_new (NULL);
  open_default (lowering);
  set_format (lowering, NULL, "q4_k");
  seen_free (lowering);

  Seen *running = seen_new (NULL);
  open_default (running);
  eng_session_start_run (running->session, workload);
  WAIT_UNTIL (running->text->len > 0);
  seen_free (running);

  for (guint i = 0; i < 20; i++)
    {
      g_usleep (10000);
      while (g_main_context_iteration (NULL, FALSE))
        ;
    }
}

/* Processor time of this thread, ns. */
static gint64
thread_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

/* Nothing may hold up the window: the most processor time that one turn of the loop, or one call,
 * takes in a session that opens, lowers, runs and undoes. (Wall time would measure who else uses
 * this machine.) */
static void
test_loop_is_never_blocked (void)
{
  Seen *seen = seen_new (NULL);
  EngSession *session = seen->session;
  g_autofree char *path = eng_test_default_model ();
  g_autoptr (EngWorkload) workload = workload_new (200);
  gint64 longest_turn = 0, longest_call = 0, start;
  guint step = 0;

  guint timeout = g_timeout_add_seconds (60, on_timeout, NULL);
  while (step < 6)
    {
      gboolean ready
          = eng_session_get_build (session) != NULL && !eng_session_get_running (session);
      start = thread_ns ();
      if (step == 0)
        {
          eng_session_open (session, path);
          step++;
        }
      else if (ready && step == 3)
        {
          set_format (seen, NULL, "q4_0");
          step++;
        }
      else if (ready && step == 5)
        {
          eng_session_undo (session);
          step++;
        }
      else if (ready)
        {
          eng_session_start_run (session, workload);
          step++;
        }
      longest_call = MAX (longest_call, thread_ns () - start);
      start = thread_ns ();
      g_main_context_iteration (NULL, TRUE);
      longest_turn = MAX (longest_turn, thread_ns () - start);
    }
  g_source_remove (timeout);
  g_test_message ("longest turn of the main loop %.2f ms, longest call %.2f ms",
                  (double)longest_turn * 1e-6, (double)longest_call * 1e-6);
  /* 1 ms is the aim; sanitizers and cold caches take their share. */
  g_assert_cmpint (longest_turn, <, 8000000);
  g_assert_cmpint (longest_call, <, 8000000);
  seen_free (seen);
}

/* Every recipe is estimated when it is set, a run teaches, and operators are timed while nothing
 * else is going on; a run that is wanted meanwhile goes first. */
static void
test_estimates (void)
{
  char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "times.db", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngKernelTimes) times = eng_kernel_times_open (path, &error);
  g_assert_no_error (error);
  g_autoptr (EngEstimator) estimator = eng_estimator_new (times);
  Seen *seen = seen_new (NULL);
  EngSession *session = seen->session;

  eng_session_set_estimator (session, estimator);
  g_assert_null (eng_session_get_estimate (session));
  open_default (seen);
  WAIT_UNTIL (eng_session_get_estimate (session) != NULL);
  EngForecast *first = eng_session_get_estimate (session);
  g_assert_false (eng_forecast_get_figure (first, ENG_FIGURE_DECODE).available); /* nothing known */
  g_assert_true (eng_forecast_get_figure (first, ENG_FIGURE_PEAK_MEMORY).available);

  /* A run: an estimate beside it where there was one, and its times in the table. */
  run (seen, 40);
  g_assert_nonnull (eng_run_get_estimate (seen->last));
  WAIT_UNTIL (
      eng_session_get_estimate (session) != NULL
      && eng_forecast_get_figure (eng_session_get_estimate (session), ENG_FIGURE_DECODE).available);
  g_assert_null (eng_session_dup_technique_estimate (session, "weight-format")); /* it was run */

  /* Another recipe: not its estimate at once, then its own; the technique's effect on memory is
   * known without a measurement. */
  set_format (seen, NULL, "q4_0");
  g_assert_null (eng_session_get_estimate (session));
  g_assert_null (eng_session_dup_technique_estimate (session, "weight-format"));
  WAIT_UNTIL (eng_session_get_estimate (session) != NULL);
  g_assert_true (eng_recipe_equal (eng_forecast_get_recipe (eng_session_get_estimate (session)),
                                   eng_session_get_recipe (session)));
  g_autofree char *effect = eng_session_dup_technique_estimate (session, "weight-format");
  g_test_message ("estimate: %s", effect);
  g_assert_nonnull (effect);
  g_assert_nonnull (strstr (effect, "% memory"));
  g_assert_null (eng_session_dup_technique_estimate (session, "kv-cache"));

  /* Idle: operators are timed; a run stops that and is done all the same. */
  WAIT_UNTIL (eng_session_get_build (session) != NULL);
  WAIT_UNTIL (eng_session_get_job (session) != NULL);
  g_assert_cmpstr (eng_job_get_title (eng_session_get_job (session)), ==,
                   "Timing operators for estimates");
  run (seen, 20);
  g_assert_null (seen->failed);
  g_assert_null (eng_session_dup_technique_estimate (session, "weight-format"));

  /* None wanted any more. */
  eng_session_set_estimator (session, NULL);
  g_assert_null (eng_session_get_estimate (session));
  WAIT_UNTIL (eng_session_get_job (session) == NULL);
  seen_free (seen);
  eng_test_remove (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/session/open-and-run", test_open_and_run);
  g_test_add_func ("/session/undo-brings-numbers-back", test_undo_brings_numbers_back);
  g_test_add_func ("/session/baseline", test_baseline);
  g_test_add_func ("/session/newer-wins", test_newer_wins);
  g_test_add_func ("/session/cancel-lowering", test_cancel_lowering);
  g_test_add_func ("/session/stop", test_stop);
  g_test_add_func ("/session/change-while-running", test_change_while_running);
  g_test_add_func ("/session/failures", test_failures);
  g_test_add_func ("/session/reopen", test_reopen);
  g_test_add_func ("/session/history", test_history);
  g_test_add_func ("/session/drop", test_drop);
  g_test_add_func ("/session/loop-is-never-blocked", test_loop_is_never_blocked);
  g_test_add_func ("/session/estimates", test_estimates);
  return g_test_run ();
}
