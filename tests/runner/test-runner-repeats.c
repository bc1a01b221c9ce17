/* When a runner ends its repeats: as the studio's own rule says of the samples that it told, and it
 * tells why. */
#include <math.h>

#include "eng-repeat.h"
#include "runner-case.h"
#include "../engine/eng-test.h"

/* The clean samples of @phase, in order: what the rule saw. @member: what of a pass counts. */
static GArray *
clean_samples (GPtrArray *lines, const char *phase, const char *member)
{
  GArray *samples = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < lines->len; i++)
    {
      JsonObject *line = lines->pdata[i];
      if (!case_is_kind (line, "pass")
          || !g_str_equal (json_object_get_string_member (line, "phase"), phase)
          || json_object_get_boolean_member (line, "traced"))
        continue;
      double ns = (double)json_object_get_int_member (line, member);
      g_array_append_val (samples, ns);
    }
  return samples;
}

static JsonObject *
find_repeats (GPtrArray *lines, const char *phase)
{
  for (guint i = 0; i < lines->len; i++)
    if (case_is_kind (lines->pdata[i], "repeats")
        && g_str_equal (json_object_get_string_member (lines->pdata[i], "phase"), phase))
      return lines->pdata[i];
  g_assert_not_reached ();
}

/* The studio's rule over the samples that were told: it goes on before the last one, and ends there
 * when that was told. Where time had ended the repeats (a slow emulator, a machine so busy that its
 * times have no steady median) the rule would go on: a runner that had missed the end fails here,
 * too. */
static void
check_rule (GPtrArray *lines, const char *phase, const char *member, double interval, guint n_first)
{
  g_autoptr (GArray) samples = clean_samples (lines, phase, member);
  JsonObject *repeats = find_repeats (lines, phase);
  const double *values = (const double *)samples->data;
  RtRepeat repeat;

  gboolean narrow = g_str_equal (json_object_get_string_member (repeats, "ended"), "interval");

  g_assert_true (narrow
                 || g_str_equal (json_object_get_string_member (repeats, "ended"), "budget"));
  g_assert_cmpint (json_object_get_int_member (repeats, "n_samples"), ==, samples->len);
  rt_repeat_init (&repeat, &(RtRepeatRule){ .target_width = interval,
                                            .budget_s = INFINITY,
                                            .n_min = RT_REPEAT_MIN });
  /* An instrumented pass between two clean ones asks again with the same number of samples. */
  for (guint n = n_first; n < samples->len; n++)
    g_assert_cmpint (rt_repeat_decide (&repeat, values, n, n, 0), ==, RT_REPEAT_MORE);
  g_assert_cmpint (rt_repeat_decide (&repeat, values, samples->len, samples->len, 0), ==,
                   narrow ? RT_REPEAT_NARROW : RT_REPEAT_MORE);

  EngFigure figure = eng_repeat_figure (values, samples->len, 1, FALSE, "ns", "none");
  if (!narrow)
    return;
  double width = json_object_get_double_member (repeats, "width");
  g_assert_cmpuint (samples->len, >=, RT_REPEAT_MIN);
  g_assert_cmpfloat (width, <=, interval);
  g_assert_cmpfloat (fabs (width - (figure.high - figure.low) / figure.value), <, 1e-5);
}

/* Wide intervals, which most machines reach long before the budget is spent. */
static void
test_interval (void)
{
  enum
  {
    N_DECODE = 8
  };
  double interval = 0.9;
  CaseFiles files;
  int status;

  case_make_default (&files, 0, N_DECODE);
  case_write_narrow_work (files.work, case_is_emulated () ? 6 : 20, interval, N_DECODE);
  g_autoptr (GPtrArray) lines
      = case_run (case_command ("run", files.build, files.work, NULL), &status);
  g_assert_cmpint (status, ==, 0);
  case_check_end (lines, "complete");
  /* The text's steps, every second of them clean, before the rule is asked at all. */
  check_rule (lines, "decode", "token_ns", interval, (N_DECODE - 1 + 1) / 2);
  check_rule (lines, "prefill", "ns", interval, 1);
  case_files_clear (&files);
}

/* No interval asked for: the budget ends the repeats, as it did before. */
static void
test_budget (void)
{
  double budget_s = case_is_emulated () ? 0.2 : 0.6;
  CaseFiles files;
  int status;

  case_make_default (&files, budget_s, 4);
  g_autoptr (GPtrArray) lines
      = case_run (case_command ("run", files.build, files.work, NULL), &status);
  g_assert_cmpint (status, ==, 0);
  for (guint i = 0; i < 2; i++)
    {
      JsonObject *repeats = find_repeats (lines, i == 0 ? "decode" : "prefill");
      const char *ended = json_object_get_string_member (repeats, "ended");
      g_assert_true (g_str_equal (ended, "budget")
                     || (i == 0 && g_str_equal (ended, "count")
                         && json_object_get_int_member (repeats, "n_samples") == 2000));
      g_assert_cmpint (json_object_get_int_member (repeats, "n_samples"), >, 0);
      g_assert_cmpfloat (json_object_get_double_member (repeats, "seconds"), >=, 0);
    }
  case_files_clear (&files);
}

/* Stopped in the middle: nothing is called an end that was none. */
static void
test_cancelled (void)
{
  CaseFiles files;
  CaseChild child;

  case_make_default (&files, 0, 2);
  case_write_narrow_work (files.work, 3600, 1e-6, 2);
  g_autoptr (GString) text = g_string_new (NULL);
  case_child_start (&child, case_command ("run", files.build, files.work, NULL));
  case_wait_for_line (&child, text, "pass");
  g_usleep (300000);
  kill (child.pid, SIGTERM);
  g_autofree char *rest = case_child_read (&child);
  g_string_append (text, rest);
  g_assert_cmpint (case_child_wait (&child), ==, 3);
  g_autoptr (GPtrArray) lines = case_parse (text->str);
  case_check_end (lines, "cancelled");
  for (guint i = 0; i < lines->len; i++)
    if (case_is_kind (lines->pdata[i], "repeats"))
      g_assert_cmpstr (json_object_get_string_member (lines->pdata[i], "ended"), ==, "unfinished");
  case_files_clear (&files);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!case_is_built ())
    return 0;
  g_test_add_func ("/runner-repeats/interval", test_interval);
  g_test_add_func ("/runner-repeats/budget", test_budget);
  g_test_add_func ("/runner-repeats/cancelled", test_cancelled);
  return g_test_run ();
}
