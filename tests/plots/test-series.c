/* Pyramid and series against brute force. */

#include <glib.h>
#include <math.h>
#include "plot-pyramid.h"
#include "plot-series.h"

static double
random_value (void)
{
  if (g_test_rand_int_range (0, 10) == 0)
    return NAN;
  return g_test_rand_double_range (-1e3, 1e3);
}

static gboolean
brute_force (const double *samples, gsize first, gsize last, double *min, double *max)
{
  *min = INFINITY;
  *max = -INFINITY;
  for (gsize i = first; i < last; i++)
    {
      *min = fmin (*min, samples[i]); /* fmin ignores NaN */
      *max = fmax (*max, samples[i]);
    }
  return *min <= *max;
}

/* Grows in random steps, and after each step asks random ranges. */
static void
test_pyramid (void)
{
  const gsize n_total = 70000; /* four levels */
  g_autofree double *samples = g_new (double, n_total);
  g_autoptr (PlotPyramid) pyramid = plot_pyramid_new ();
  gsize n = 0;

  for (gsize i = 0; i < n_total; i++)
    samples[i] = random_value ();
  while (n < n_total)
    {
      gsize step = (gsize)g_test_rand_int_range (1, n < 600 ? 5 : 4000);

      n = MIN (n_total, n + step);
      plot_pyramid_extend (pyramid, samples, n);
      g_assert_cmpuint (plot_pyramid_get_n (pyramid), ==, n);
      for (guint k = 0; k < 8; k++)
        {
          gsize a = (gsize)g_test_rand_int_range (0, (gint32)n + 1);
          gsize b = (gsize)g_test_rand_int_range (0, (gint32)n + 1);
          double min, max, min2, max2;
          gboolean any = plot_pyramid_query (pyramid, samples, MIN (a, b), MAX (a, b), &min, &max);

          g_assert_cmpint (any, ==, brute_force (samples, MIN (a, b), MAX (a, b), &min2, &max2));
          g_assert_true (min == min2 && max == max2);
        }
    }
}

static void
test_pyramid_edges (void)
{
  g_autofree double *holes = g_new (double, 1000);
  g_autoptr (PlotPyramid) pyramid = plot_pyramid_new ();
  double min, max;

  g_assert_false (plot_pyramid_query (pyramid, NULL, 0, 10, &min, &max));
  for (guint i = 0; i < 1000; i++)
    holes[i] = NAN;
  plot_pyramid_extend (pyramid, holes, 1000);
  g_assert_false (plot_pyramid_query (pyramid, holes, 0, 1000, &min, &max));
  g_assert_cmpfloat (min, ==, INFINITY);
  g_assert_cmpfloat (max, ==, -INFINITY);
  g_assert_false (plot_pyramid_query (pyramid, holes, 5, 5, &min, &max));

  plot_pyramid_reset (pyramid);
  holes[3] = 7;
  plot_pyramid_extend (pyramid, holes, 1000);
  g_assert_true (plot_pyramid_query (pyramid, holes, 0, 99999, &min, &max));
  g_assert_true (min == 7 && max == 7);
  g_assert_false (plot_pyramid_query (pyramid, holes, 4, 1000, &min, &max));
}

static void
test_search (void)
{
  g_autoptr (PlotSeries) series = plot_series_new ("x");
  g_autoptr (PlotSeries) regular = plot_series_new_regular ("r", -1.5, 0.1);
  double x = -5;

  for (guint i = 0; i < 500; i++)
    {
      x += g_test_rand_int_range (0, 3) * 0.25; /* with equal neighbours */
      plot_series_append (series, x, i);
      plot_series_append (regular, 0, i);
    }
  g_assert_true (plot_series_is_sorted (series));
  for (guint k = 0; k < 2000; k++)
    {
      PlotSeries *s = k % 2 ? series : regular;
      double at = k % 5 == 0 ? plot_series_get_x (s, (gsize)g_test_rand_int_range (0, 500))
                             : g_test_rand_double_range (-10, 140);
      gsize bound = plot_series_lower_bound (s, at), nearest = plot_series_nearest (s, at);

      g_assert_true (bound == 500 || plot_series_get_x (s, bound) >= at);
      g_assert_true (bound == 0 || plot_series_get_x (s, bound - 1) < at);
      for (gsize i = 0; i < 500; i++)
        g_assert_cmpfloat (fabs (plot_series_get_x (s, nearest) - at), <=,
                           fabs (plot_series_get_x (s, i) - at) + 1e-12);
    }
}

static void
test_order (void)
{
  g_autoptr (PlotSeries) series = plot_series_new ("x");
  const double x[] = { 1, 2, 2, 1.5 }, y[] = { 0, 0, 0, 0 };

  plot_series_append_array (series, 3, x, y, NULL, NULL);
  g_assert_true (plot_series_is_sorted (series));
  plot_series_append_array (series, 1, x + 3, y, NULL, NULL);
  g_assert_false (plot_series_is_sorted (series));
  plot_series_clear (series);
  g_assert_true (plot_series_is_sorted (series));
  plot_series_append (series, NAN, 0);
  g_assert_false (plot_series_is_sorted (series));
}

static void
test_columns (void)
{
  g_autoptr (PlotSeries) series = plot_series_new ("runs");
  const char *fact, *value;
  double min, max, positive;

  plot_series_append (series, 1, 5);
  g_assert_null (plot_series_peek (series, PLOT_COLUMN_LO));
  g_assert_true (isnan (plot_series_get (series, PLOT_COLUMN_LO, 0)));
  g_assert_cmpuint (plot_series_append_full (series, 2, 1.5, 2.5, -6, -7, -4), ==, 1);
  /* A column that comes into use late is NaN before. */
  g_assert_true (isnan (plot_series_get (series, PLOT_COLUMN_LO, 0)));
  g_assert_cmpfloat (plot_series_get (series, PLOT_COLUMN_X_HI, 1), ==, 2.5);
  g_assert_true (plot_series_extent (series, PLOT_COLUMN_Y, &min, &max, &positive));
  g_assert_true (min == -6 && max == 5 && positive == 5);
  plot_series_append (series, 3, 0.25);
  g_assert_true (plot_series_extent (series, PLOT_COLUMN_Y, &min, &max, &positive));
  g_assert_true (positive == 0.25);
  g_assert_false (plot_series_extent (series, PLOT_COLUMN_HI, &min, &max, &positive) && max != -4);

  plot_series_set_label (series, 1, "Q4_0");
  plot_series_set_estimate (series, 1, TRUE);
  g_assert_cmpstr (plot_series_get_label (series, 1), ==, "Q4_0");
  g_assert_null (plot_series_get_label (series, 0));

  plot_series_add_fact (series, 1, "bound by", "memory");
  plot_series_add_fact (series, 1, "share", "62 %");
  g_assert_cmpuint (plot_series_get_n_facts (series, 0), ==, 0);
  g_assert_cmpuint (plot_series_get_n_facts (series, 1), ==, 2);
  plot_series_get_fact (series, 1, 1, &fact, &value);
  g_assert_cmpstr (fact, ==, "share");
  g_assert_cmpstr (value, ==, "62 %");
  g_assert_true (plot_series_get_estimate (series, 1));
  g_assert_false (plot_series_get_estimate (series, 2));
}

static void
count_up (PlotSeries *series, guint *count)
{
  (*count)++;
}

/* A burst of appends tells its listeners once, until somebody has looked. */
static void
test_changed (void)
{
  g_autoptr (PlotSeries) series = plot_series_new_regular ("s", 0, 1);
  guint count = 0;
  guint64 generation;

  g_signal_connect (series, "changed", G_CALLBACK (count_up), &count);
  generation = plot_series_get_generation (series);
  for (guint i = 0; i < 1000; i++)
    plot_series_append (series, 0, i);
  g_assert_cmpuint (count, ==, 1);
  g_assert_cmpuint (plot_series_get_generation (series), ==, generation + 1000);
  plot_series_append (series, 0, 1);
  g_assert_cmpuint (count, ==, 2);
  plot_series_get_generation (series);
  plot_series_set_name (series, "s"); /* nothing changed */
  g_assert_cmpuint (count, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plots/pyramid/brute-force", test_pyramid);
  g_test_add_func ("/plots/pyramid/edges", test_pyramid_edges);
  g_test_add_func ("/plots/series/search", test_search);
  g_test_add_func ("/plots/series/order", test_order);
  g_test_add_func ("/plots/series/columns", test_columns);
  g_test_add_func ("/plots/series/changed", test_changed);
  return g_test_run ();
}
