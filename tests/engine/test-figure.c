/* Figures: order-statistics intervals against the published table and by simulation, quantiles,
 * warm-up, and how numbers are written. */
#include <math.h>

#include "eng-figure.h"
#include "eng-window.h"
#include "rt-series.h"

/* The published 95 % ranks of the median (Conover, Practical Nonparametric Statistics, table A3 for
 * p = 0.5; the same in every table of the sign test). */
static void
test_ranks (void)
{
  static const guint table[][2]
      = { { 1, 0 },  { 5, 0 },  { 6, 1 },  { 8, 1 },   { 9, 2 },   { 11, 2 },  { 12, 3 },
          { 15, 4 }, { 20, 6 }, { 25, 8 }, { 30, 10 }, { 40, 14 }, { 50, 18 }, { 100, 40 } };
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    g_assert_cmpuint (rt_median_rank (table[i][0]), ==, table[i][1]);
  /* Where 2^-n is no double any more: n/2 - 0.98 sqrt (n) is the normal approximation. */
  g_assert_cmpuint (ABS ((int)rt_median_rank (5000) - (int)(2500 - 0.98 * sqrt (5000))), <=, 2);
}

/* The interval must hold the true median in 95 of 100 experiments, for a skewed distribution, too.
 */
static void
test_coverage (void)
{
  static const guint sizes[] = { 6, 10, 15, 30, 64 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (4711);

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
    {
      const guint n_experiments = 4000;
      guint n_hits = 0;
      for (guint e = 0; e < n_experiments; e++)
        {
          double samples[64];
          for (guint i = 0; i < sizes[s]; i++)
            samples[i] = -log (1 - g_rand_double (rand)); /* exponential: its median is ln 2 */
          EngFigure figure = eng_figure_from_samples (samples, sizes[s], "ms");
          n_hits += figure.low <= G_LN2 && G_LN2 <= figure.high;
        }
      double coverage = (double)n_hits / n_experiments;
      g_test_message ("n = %u: coverage %.3f", sizes[s], coverage);
      /* at least 95 %, less three standard errors of the simulation (0.0034 each) */
      g_assert_cmpfloat (coverage, >=, 0.95 - 3 * 0.0034);
      g_assert_cmpfloat (coverage, <, 0.995);
    }
}

static void
test_few (void)
{
  double one[] = { 3 }, five[] = { 5, 1, 4, 2, 3 };
  EngFigure figure = eng_figure_from_samples (NULL, 0, "ms");
  g_assert_false (figure.available);
  g_assert_nonnull (figure.reason);

  figure = eng_figure_from_samples (one, 1, "ms");
  g_assert_true (figure.available);
  g_assert_cmpfloat (figure.value, ==, 3);
  g_assert_true (isnan (figure.low) && isnan (figure.high));
  g_assert_nonnull (figure.reason);

  figure = eng_figure_from_samples (five, 5, "ms");
  g_assert_cmpfloat (figure.value, ==, 3);
  g_assert_true (isnan (figure.low));
}

/* Hyndman and Fan 1996, definition 7: what NumPy and R give for these by default. */
static void
test_quantiles (void)
{
  static const double x[] = { 1, 2, 4, 8, 16 };
  g_assert_cmpfloat (eng_quantile_sorted (x, 5, 0), ==, 1);
  g_assert_cmpfloat (eng_quantile_sorted (x, 5, 1), ==, 16);
  g_assert_cmpfloat (eng_quantile_sorted (x, 5, 0.5), ==, 4);
  g_assert_cmpfloat_with_epsilon (eng_quantile_sorted (x, 5, 0.05), 1.2, 1e-12);
  g_assert_cmpfloat_with_epsilon (eng_quantile_sorted (x, 5, 0.95), 14.4, 1e-12);
  g_assert_cmpfloat_with_epsilon (eng_quantile_sorted (x, 4, 0.5), 3, 1e-12);
  g_assert_cmpfloat (eng_quantile_sorted (x, 1, 0.3), ==, 1);
}

static void
test_warmup (void)
{
  double samples[60];
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  for (guint i = 0; i < 60; i++)
    samples[i] = 10 + g_rand_double (rand);
  g_assert_cmpuint (eng_warmup_length (samples, 60), ==, 0);
  for (guint i = 0; i < 5; i++)
    samples[i] += 20 - 3 * i;
  g_assert_cmpuint (eng_warmup_length (samples, 60), ==, 5);
  /* An outlier later on is not a warm-up. */
  samples[40] = 100;
  g_assert_cmpuint (eng_warmup_length (samples, 60), ==, 5);
  /* Steps that slowly get longer, as attention does, keep all their samples. */
  for (guint i = 0; i < 60; i++)
    samples[i] = 10 + 0.1 * i + 0.1 * g_rand_double (rand);
  g_assert_cmpuint (eng_warmup_length (samples, 60), ==, 0);
  g_assert_cmpuint (eng_warmup_length (samples, 0), ==, 0);
  g_assert_cmpuint (eng_warmup_length (samples, 1), ==, 0);
}

static void
check_value (double value, const char *unit, const char *expected)
{
  g_autofree char *text = eng_format_value (value, unit);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_format (void)
{
  check_value (1.52, "ms", "1.52\u202fms");
  check_value (0.0352, "ms", "35.2\u202fµs");
  check_value (1520, "ms", "1.52\u202fs");
  check_value (93100000, "B", "93.1\u202fMB");
  check_value (17, "B", "17\u202fB");
  check_value (999999, "B", "1.00\u202fMB");
  check_value (0, "B", "0\u202fB");
  check_value (-3.21, "%", "\u22123.21\u202f%");
  check_value (-0.0, "%", "0\u202f%");
  check_value (16.5e9, "B/s", "16.5\u202fGB/s");
  check_value (12345, "tok/s", "12345\u202ftok/s");
  check_value (634, "/s", "634\u202f/s");
  check_value (1447178, "/s", "1.45\u202fM/s");
  check_value (5542, "%/J", "5542\u202f%/J");
  check_value (10780242, "%/J", "10.8\u202f%/µJ");
  check_value (23456, "%/J", "23.5\u202f%/mJ");
  check_value (0.0158, "J/tok", "15.8\u202fmJ/tok");
  check_value (4.5, NULL, "4.50");
  check_value (NAN, "ms", "unavailable");
  check_value (5000, "s", "5000\u202fs");

  EngFigure figure = { TRUE, 218.44, 216.9, 220.02, 31, "tok/s", NULL };
  g_autofree char *text = eng_figure_format (&figure);
  g_assert_cmpstr (text, ==, "218.4\u202ftok/s (216.9–220.0)");

  EngFigure negative = { TRUE, 0.941, -15.483, 2.21, 31, "%", NULL };
  g_autofree char *range = eng_figure_format (&negative);
  g_assert_cmpstr (range, ==, "0.9\u202f% (\u221215.5 to 2.2)");

  EngFigure absent = eng_figure_unavailable ("J", "no sensor");
  g_autofree char *why = eng_figure_format (&absent);
  g_assert_cmpstr (why, ==, "unavailable: no sensor");

  EngFigure exact = eng_figure_exact (12600000, "B");
  g_autofree char *bytes = eng_figure_format (&exact);
  g_assert_cmpstr (bytes, ==, "12.6\u202fMB");
}

static int
ascending (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The sorted window against sorting the last samples anew, with many ties. */
static void
test_window (void)
{
  double memory[2 * 16], all[500];
  EngWindow window;
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);

  eng_window_init (&window, 16, memory);
  g_assert_true (isnan (eng_window_last (&window)));
  for (guint i = 0; i < 500; i++)
    {
      double expected[16];
      guint n = MIN (i + 1, 16);
      all[i] = g_rand_int_range (rand, 0, 12);
      eng_window_add (&window, all[i]);
      for (guint k = 0; k < n; k++)
        expected[k] = all[i - k];
      qsort (expected, n, sizeof *expected, ascending);
      g_assert_cmpuint (window.n, ==, n);
      g_assert_cmpmem (window.sorted, n * sizeof (double), expected, n * sizeof (double));
      g_assert_cmpfloat (eng_window_last (&window), ==, all[i]);
    }
  eng_window_clear (&window);
  g_assert_true (isnan (eng_window_last (&window)));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/figure/ranks", test_ranks);
  g_test_add_func ("/figure/coverage", test_coverage);
  g_test_add_func ("/figure/few-samples", test_few);
  g_test_add_func ("/figure/quantiles", test_quantiles);
  g_test_add_func ("/figure/warm-up", test_warmup);
  g_test_add_func ("/figure/format", test_format);
  g_test_add_func ("/figure/window", test_window);
  return g_test_run ();
}
