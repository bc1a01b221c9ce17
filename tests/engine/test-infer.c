/* Runs of networks over folders of inputs: every input once, continuously at a rate, stopped; and
 * what a session tells meanwhile. */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-session.h"
#include "eng-test.h"

#define NETWORK "vision/mnist/opt-mnist.onnx"

static const char *const digits[] = { "0", "3", "5", "7" };

/* A folder with four digits, a licence and a folder of its own; NULL: skipped. */
static char *
make_folder (void)
{
  char *folder = NULL;
  for (guint i = 0; i < G_N_ELEMENTS (digits); i++)
    {
      g_autofree char *name = g_strdup_printf ("vision/mnist/%s.jpg", digits[i]);
      g_autofree char *from = eng_test_data_or_skip (name);
      g_autofree char *bytes = NULL;
      gsize n;
      if (from == NULL)
        return NULL;
      if (folder == NULL)
        folder = eng_test_directory ();
      g_autofree char *base = g_strdup_printf ("%s.jpg", digits[i]);
      g_autofree char *to = g_build_filename (folder, base, NULL);
      g_assert_true (g_file_get_contents (from, &bytes, &n, NULL));
      g_assert_true (g_file_set_contents (to, bytes, (gssize)n, NULL));
    }
  g_autofree char *licence = g_build_filename (folder, "LICENCE", NULL);
  g_assert_true (g_file_set_contents (licence, "You may", -1, NULL));
  return folder;
}

static EngBuild *
make_build (void)
{
  g_autofree char *path = eng_test_data_or_skip (NETWORK);
  g_autoptr (EngModel) model = path != NULL ? eng_test_load (path) : NULL;
  return model != NULL ? eng_test_build (model, "{}", NULL) : NULL;
}

static EngWorkload *
make_workload (const char *path)
{
  const char *inputs[] = { path, NULL };
  return eng_workload_new_input (inputs);
}

typedef struct
{
  GString *said; /* the best label of each result */
  GCancellable *cancellable;
  guint stop_after; /* results; 0: never */
} Heard;

static void
on_result (EngResult *result, gpointer user_data)
{
  Heard *heard = user_data;
  g_string_append (heard->said, eng_result_get_score (result, 0)->label);
  if (heard->stop_after > 0 && heard->said->len == heard->stop_after)
    g_cancellable_cancel (heard->cancellable);
}

/* ---- once ---- */

static void
test_folder (void)
{
  char *folder = make_folder ();
  g_autoptr (EngBuild) build = folder != NULL ? make_build () : NULL;
  g_autoptr (GError) error = NULL;
  if (build == NULL)
    return;
  g_autoptr (EngWorkload) workload = make_workload (folder);
  Heard heard = { .said = g_string_new (NULL) };
  EngRunEvents events = { .result = on_result, .user_data = &heard };
  g_autoptr (EngRun) run = eng_run_infer (build, workload, NULL, &events, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (heard.said->str, ==, "0357");
  /* The licence is no picture: it is left out, and said so. */
  const char *const *notes = eng_run_get_notes (run);
  g_assert_nonnull (notes[0]);
  g_assert_nonnull (strstr (notes[g_strv_length ((GStrv)notes) - 1], "LICENCE was left out"));
  g_assert_true (eng_run_get_figure (run, ENG_FIGURE_INFERENCE).available);
  g_assert_true (eng_run_get_figure (run, ENG_FIGURE_READING).available);
  g_string_free (heard.said, TRUE);
  eng_test_remove (folder);
}

/* A file that was named must be an input, and so must something in a folder. */
static void
test_no_inputs (void)
{
  char *folder = make_folder ();
  g_autoptr (EngBuild) build = folder != NULL ? make_build () : NULL;
  g_autoptr (GError) error = NULL;
  if (build == NULL)
    return;
  g_autofree char *licence = g_build_filename (folder, "LICENCE", NULL);
  g_autoptr (EngWorkload) named = make_workload (licence);
  g_assert_null (eng_run_infer (build, named, NULL, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "LICENCE"));
  g_clear_error (&error);

  for (guint i = 0; i < G_N_ELEMENTS (digits); i++)
    {
      g_autofree char *base = g_strdup_printf ("%s.jpg", digits[i]);
      g_autofree char *path = g_build_filename (folder, base, NULL);
      g_unlink (path);
    }
  g_autoptr (EngWorkload) none = make_workload (folder);
  g_assert_null (eng_run_infer (build, none, NULL, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
  eng_test_remove (folder);
}

/* ---- continuously ---- */

static void
test_rate (void)
{
  char *folder = make_folder ();
  g_autoptr (EngBuild) build = folder != NULL ? make_build () : NULL;
  g_autoptr (GError) error = NULL;
  if (build == NULL)
    return;
  g_autoptr (EngWorkload) workload = make_workload (folder);
  workload->seconds = 1;
  workload->rate_hz = 20;
  Heard heard = { .said = g_string_new (NULL) };
  EngRunEvents events = { .result = on_result, .user_data = &heard };
  gint64 start = g_get_monotonic_time ();
  g_autoptr (EngRun) run = eng_run_infer (build, workload, NULL, &events, NULL, &error);
  double spent = (double)(g_get_monotonic_time () - start) * 1e-6;

  g_assert_no_error (error);
  /* Input i begins at i / rate and not before: 20 of them in the first second, in turn. */
  g_assert_cmpuint (heard.said->len, >=, 2);
  g_assert_cmpuint (heard.said->len, <=, 21);
  if (heard.said->len < 15) /* a machine that does not keep up is told */
    g_assert_cmpfloat (eng_run_get_figure (run, ENG_FIGURE_LATE).value, >, 0);
  g_assert_cmpfloat (spent, >, 0.9);
  for (guint i = 0; i < heard.said->len; i++)
    g_assert_cmpint (heard.said->str[i], ==, digits[i % 4][0]);
  g_assert_cmpstr (eng_run_get_stop (run), ==, "finished");
  g_string_free (heard.said, TRUE);
  eng_test_remove (folder);
}

/* Without an end, stopping is how it ends; what was measured is there. */
static void
test_stop (void)
{
  char *folder = make_folder ();
  g_autoptr (EngBuild) build = folder != NULL ? make_build () : NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  if (build == NULL)
    return;
  g_autoptr (EngWorkload) workload = make_workload (folder);
  workload->seconds = INFINITY;
  Heard heard = { .said = g_string_new (NULL), .cancellable = cancellable, .stop_after = 40 };
  EngRunEvents events = { .result = on_result, .user_data = &heard };
  g_autoptr (EngRun) run = eng_run_infer (build, workload, NULL, &events, cancellable, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (heard.said->len, ==, 40);
  g_assert_cmpstr (eng_run_get_stop (run), ==, "finished");
  g_assert_true (eng_run_get_figure (run, ENG_FIGURE_INFERENCE).available);
  const EngPhaseProfile *phase
      = eng_profile_get_phase (eng_run_get_profile (run), RT_PHASE_INFERENCE);
  g_assert_cmpuint (phase->total.n, >=, 15); /* every other one is instrumented */
  g_string_free (heard.said, TRUE);
  eng_test_remove (folder);
}

/* ---- in a session ---- */

typedef struct
{
  guint n_results, n_profiles,
      n_live; /* live: profiles with an instrumented inference, while running */
  EngRun *run;
  char *failed;
} Seen;

static void
on_session_result (EngSession *session, EngResult *result, Seen *seen)
{
  g_assert_cmpint (eng_result_get_kind (result), ==, ENG_RESULT_LABELS);
  seen->n_results++;
}

static void
on_session_profile (EngSession *session, GParamSpec *spec, Seen *seen)
{
  EngProfile *profile = eng_session_get_profile (session);
  seen->n_profiles++;
  if (profile != NULL && eng_session_get_running (session))
    seen->n_live += eng_profile_get_phase (profile, RT_PHASE_INFERENCE)->total.n > 0;
}

static void
on_session_finished (EngSession *session, EngRun *run, Seen *seen)
{
  g_set_object (&seen->run, run);
}

static void
on_session_failed (EngSession *session, GError *error, const char *what, Seen *seen)
{
  g_error ("%s: %s", what, error->message);
}

static gboolean
on_timeout (gpointer data)
{
  g_error ("waited for a minute");
  return G_SOURCE_REMOVE;
}

/* Results and profiles arrive while a continuous run goes on; stopping ends it soon. */
static void
test_session (void)
{
  char *folder = make_folder ();
  g_autofree char *path = folder != NULL ? eng_test_data_or_skip (NETWORK) : NULL;
  if (path == NULL)
    return;
  Seen seen = { 0 };
  g_autoptr (EngSession) session = eng_session_new (NULL);
  g_autoptr (EngWorkload) workload = make_workload (folder);
  guint timeout = g_timeout_add_seconds (60, on_timeout, NULL);

  workload->seconds = INFINITY;
  workload->rate_hz = 50;
  g_signal_connect (session, "result", G_CALLBACK (on_session_result), &seen);
  g_signal_connect (session, "notify::profile", G_CALLBACK (on_session_profile), &seen);
  g_signal_connect (session, "run-finished", G_CALLBACK (on_session_finished), &seen);
  g_signal_connect (session, "failed", G_CALLBACK (on_session_failed), &seen);
  eng_session_open (session, path);
  while (eng_session_get_build (session) == NULL)
    g_main_context_iteration (NULL, TRUE);
  eng_session_start_run (session, workload);
  while (seen.n_results < 8 || seen.n_live < 4)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (eng_session_get_running (session));

  gint64 start = g_get_monotonic_time ();
  eng_session_stop_run (session);
  while (seen.run == NULL)
    g_main_context_iteration (NULL, TRUE);
  /* Waiting for the next input is given up at once: 10 ms; the rest is for a busy machine. */
  g_assert_cmpint (g_get_monotonic_time () - start, <, 5 * G_USEC_PER_SEC);
  g_assert_cmpstr (eng_run_get_stop (seen.run), ==, "finished");
  g_source_remove (timeout);
  g_object_unref (seen.run);
  eng_test_remove (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/infer/folder", test_folder);
  g_test_add_func ("/infer/no-inputs", test_no_inputs);
  g_test_add_func ("/infer/rate", test_rate);
  g_test_add_func ("/infer/stop", test_stop);
  g_test_add_func ("/infer/session", test_session);
  return g_test_run ();
}
