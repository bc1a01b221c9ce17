/* Differences and figures in words: arithmetic done by hand here, no display needed. */
#include "app-change.h"

#include <math.h>
#include <string.h>

static EngFigure
sampled (double value, double low, double high)
{
  EngFigure figure = eng_figure_exact (value, "tok/s");

  figure.low = low;
  figure.high = high;
  figure.n = 20;
  return figure;
}

static void
test_verdicts (void)
{
  EngFigure slow = sampled (100.0, 98.0, 102.0), fast = sampled (150.0, 147.0, 153.0),
            near = sampled (101.0, 97.0, 105.0);
  AppChange change = app_change (&slow, &fast, FALSE);

  g_assert_cmpint (change.verdict, ==, APP_CHANGE_BETTER);
  g_assert_cmpfloat_with_epsilon (change.frac, 0.5, 1e-12);
  /* Zou and Donner 2008, equation 6, on logarithms. */
  g_assert_cmpfloat_with_epsilon (
      change.low,
      1.5 * exp (-sqrt (pow (log (150.0 / 147.0), 2) + pow (log (102.0 / 100.0), 2))) - 1.0, 1e-12);
  g_assert_cmpfloat_with_epsilon (
      change.high,
      1.5 * exp (sqrt (pow (log (153.0 / 150.0), 2) + pow (log (100.0 / 98.0), 2))) - 1.0, 1e-12);
  g_assert_cmpstr (app_change_arrow (&change), ==, "▲");

  change = app_change (&slow, &fast, TRUE);
  g_assert_cmpint (change.verdict, ==, APP_CHANGE_WORSE);
  change = app_change (&fast, &slow, TRUE);
  g_assert_cmpint (change.verdict, ==, APP_CHANGE_BETTER);
  g_assert_cmpstr (app_change_arrow (&change), ==, "▼");

  change = app_change (&slow, &near, FALSE);
  g_assert_cmpint (change.verdict, ==, APP_CHANGE_SAME);
  g_assert_cmpstr (app_change_arrow (&change), ==, "≈");
}

static void
test_unknown (void)
{
  EngFigure known = sampled (100.0, 98.0, 102.0),
            unknown = eng_figure_unavailable ("tok/s", "no sensor"),
            zero = eng_figure_exact (0.0, "B");
  AppChange change = app_change (&known, &unknown, FALSE);
  g_autofree char *text = app_change_format (&change);

  g_assert_cmpint (change.verdict, ==, APP_CHANGE_NONE);
  g_assert_true (isnan (change.frac));
  g_assert_nonnull (change.reason);
  g_assert_cmpstr (text, ==, "—");
  change = app_change (&zero, &known, FALSE);
  g_assert_cmpint (change.verdict, ==, APP_CHANGE_NONE);
}

/* Fewer than six samples have no interval: the sign still counts, and the reason says what is
 * missing. */
static void
test_without_interval (void)
{
  EngFigure a = sampled (100.0, NAN, NAN), b = sampled (90.0, NAN, NAN);
  AppChange change = app_change (&a, &b, FALSE);
  g_autofree char *text = app_change_format_long (&change);

  g_assert_cmpint (change.verdict, ==, APP_CHANGE_WORSE);
  g_assert_nonnull (change.reason);
  g_assert_true (isnan (change.low));
  g_assert_cmpstr (text, ==, "−10.0\u202f%");
}

static void
test_split (void)
{
  EngFigure figure = eng_figure_exact (218.4, "tok/s"),
            missing = eng_figure_unavailable ("ms", "no prompt");
  g_autofree char *number = NULL;
  g_autofree char *unit = NULL;
  g_autofree char *no_number = NULL;
  g_autofree char *no_unit = NULL;
  g_autofree char *interval = NULL;
  g_autofree char *exact = NULL;

  app_figure_split (&figure, &number, &unit);
  g_assert_cmpstr (number, ==, "218");
  g_assert_cmpstr (unit, ==, "tok/s");
  exact = app_figure_interval (&figure);
  g_assert_cmpstr (exact, ==, "exact");

  app_figure_split (&missing, &no_number, &no_unit);
  g_assert_cmpstr (no_number, ==, "—");
  g_assert_cmpstr (no_unit, ==, "");
  interval = app_figure_interval (&missing);
  g_assert_cmpstr (interval, ==, "no prompt");
}

/* Shares differ by points: from 90 % to 81 % is nine points, not ten per cent. From nothing at all
 * is a change too. */
static void
test_shares (void)
{
  EngFigure before
      = { .available = TRUE, .value = 90, .low = 89, .high = 91, .n = 1000, .unit = "%" };
  EngFigure after
      = { .available = TRUE, .value = 81, .low = 80, .high = 82, .n = 1000, .unit = "%" };
  EngFigure none = eng_figure_exact (0, "%");
  AppChange change = app_change (&before, &after, FALSE);
  g_autofree char *text = app_change_format (&change);
  g_autofree char *full = app_change_format_long (&change);

  g_assert_true (change.points);
  g_assert_cmpint (change.verdict, ==, APP_CHANGE_WORSE);
  g_assert_cmpfloat_with_epsilon (change.frac, -0.09, 1e-12);
  /* One point to either side of both: the root of two. */
  g_assert_cmpfloat_with_epsilon (change.low, -0.09 - sqrt (2) / 100, 1e-12);
  g_assert_cmpfloat_with_epsilon (change.high, -0.09 + sqrt (2) / 100, 1e-12);
  g_assert_cmpstr (text, ==, "\u22129.0\u202fpp");
  g_assert_nonnull (strstr (full, "\u221210.4"));
  change = app_change (&none, &after, TRUE);
  g_assert_cmpint (change.verdict, ==, APP_CHANGE_WORSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/app/change/verdicts", test_verdicts);
  g_test_add_func ("/app/change/unknown", test_unknown);
  g_test_add_func ("/app/change/without-interval", test_without_interval);
  g_test_add_func ("/app/change/split", test_split);
  g_test_add_func ("/app/change/shares", test_shares);
  return g_test_run ();
}
