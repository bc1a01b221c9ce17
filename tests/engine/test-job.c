/* Jobs: progress from a worker reaches the main context, coalesced; and streamed UTF-8. */
#include <string.h>

#include "eng-job.h"
#include "eng-stream.h"

static void
count (GObject *object, GParamSpec *pspec, gpointer data)
{
  g_assert_true (g_main_context_is_owner (NULL));
  ++*(guint *)data;
}

static gpointer
report_often (gpointer data)
{
  for (guint i = 1; i <= 10000; i++)
    eng_job_report (data, i <= 5000 ? "first half" : "second half", i / 10000.0);
  eng_job_finish (data);
  return NULL;
}

static void
quit (GObject *object, GParamSpec *pspec, gpointer loop)
{
  g_main_loop_quit (loop);
}

static void
test_progress (void)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (EngJob) job = eng_job_new ("Counting");
  guint n_progress = 0, n_done = 0;

  g_assert_cmpfloat (eng_job_get_progress (job), ==, -1);
  g_signal_connect (job, "notify::progress", G_CALLBACK (count), &n_progress);
  g_signal_connect (job, "notify::done", G_CALLBACK (count), &n_done);
  g_signal_connect (job, "notify::done", G_CALLBACK (quit), loop);
  g_autoptr (GThread) thread = g_thread_new ("reporter", report_often, job);
  g_main_loop_run (loop);
  g_thread_join (g_steal_pointer (&thread));

  g_autofree char *stage = eng_job_dup_stage (job);
  g_autofree char *title = NULL;
  g_object_get (job, "title", &title, NULL);
  g_assert_cmpstr (title, ==, "Counting");
  g_assert_cmpstr (stage, ==, "second half");
  g_assert_cmpfloat (eng_job_get_progress (job), ==, 1);
  g_assert_true (eng_job_get_done (job));
  g_assert_cmpuint (n_done, ==, 1);
  g_assert_cmpuint (n_progress, >=, 1);
  g_test_message ("10000 reports, %u notifications", n_progress);
}

/* A context that is never iterated must keep no job alive. */
static void
test_nobody_listens (void)
{
  EngJob *job = eng_job_new ("Alone");
  eng_job_report (job, "working", 0.5);
  g_object_add_weak_pointer (G_OBJECT (job), (gpointer *)&job);
  g_object_unref (job);
  g_assert_null (job);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
test_cancel (void)
{
  g_autoptr (EngJob) job = eng_job_new ("Cancel me");
  eng_job_cancel (job);
  g_assert_true (g_cancellable_is_cancelled (eng_job_get_cancellable (job)));
}

/* Whatever the pieces, what comes out is what GLib makes of the whole (it replaces maximal
 * subparts, too). */
static void
check_stream (const char *bytes, gsize n)
{
  g_autofree char *expected = g_utf8_make_valid (bytes, (gssize)n);
  for (gsize piece = 1; piece <= n; piece++)
    {
      EngStream stream;
      eng_stream_init (&stream);
      for (gsize at = 0; at < n; at += piece)
        {
          gsize from = eng_stream_push (&stream, bytes + at, MIN (piece, n - at));
          g_assert_true (g_utf8_validate (stream.text->str + from, -1, NULL));
        }
      eng_stream_end (&stream);
      g_assert_true (g_utf8_validate (stream.text->str, -1, NULL));
      g_assert_cmpstr (stream.text->str, ==, expected);
      eng_stream_clear (&stream);
    }
}

static void
test_stream (void)
{
  static const char *const valid[]
      = { "plain", "größer ≤ 1 µs", "日本語", "\xf0\x9f\xa6\x99 llama \xf4\x8f\xbf\xbf", "" };
  for (guint i = 0; i < G_N_ELEMENTS (valid); i++)
    check_stream (valid[i], strlen (valid[i]));

  /* Unicode 15, section 3.9, tables 3-8 to 3-11: how many replacements each must give. */
  static const struct
  {
    const char *bytes, *expected;
  } broken[] = {
    { "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82"
      "A",
      "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd"
      "A" },
    { "\xed\xa0\x80\xed\xbf\xbf\xed\xaf"
      "A",
      "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd"
      "A" },
    { "\xf4\x91\x92\x93\xff"
      "A\x80\xbf"
      "B",
      "\ufffd\ufffd\ufffd\ufffd\ufffd"
      "A\ufffd\ufffd"
      "B" },
    { "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
      "A",
      "\ufffd\ufffd\ufffd\ufffd"
      "A" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      EngStream stream;
      eng_stream_init (&stream);
      for (const char *p = broken[i].bytes; *p != '\0'; p++)
        eng_stream_push (&stream, p, 1);
      eng_stream_end (&stream);
      g_assert_cmpstr (stream.text->str, ==, broken[i].expected);
      eng_stream_clear (&stream);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/job/progress", test_progress);
  g_test_add_func ("/job/nobody-listens", test_nobody_listens);
  g_test_add_func ("/job/cancel", test_cancel);
  g_test_add_func ("/stream/utf8", test_stream);
  return g_test_run ();
}
