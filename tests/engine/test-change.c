/* Intervals of differences beside the formula and beside simulated measurements. */
#include <math.h>

#include "eng-change.h"

static EngFigure
sampled (double value, double low, double high)
{
  EngFigure figure = eng_figure_exact (value, "ms");

  figure.low = low;
  figure.high = high;
  figure.n = 20;
  return figure;
}

/* Zou and Donner 2008, equation 6, written out on logarithms. */
static void
test_ratio (void)
{
  EngFigure a = sampled (10, 9, 12), b = sampled (8, 7.5, 8.25);
  EngChange change = eng_change (&a, &b, TRUE);
  double d = log (8) - log (10);
  double low = d - sqrt (pow (log (8) - log (7.5), 2) + pow (log (12) - log (10), 2));
  double high = d + sqrt (pow (log (8.25) - log (8), 2) + pow (log (10) - log (9), 2));

  g_assert_cmpfloat_with_epsilon (change.frac, -0.2, 1e-12);
  g_assert_cmpfloat_with_epsilon (change.low, exp (low) - 1, 1e-12);
  g_assert_cmpfloat_with_epsilon (change.high, exp (high) - 1, 1e-12);
  g_assert_cmpint (change.verdict, ==, ENG_CHANGE_BETTER);
  g_assert_true (eng_change_is_clear (&change));
}

static void
test_exact (void)
{
  EngFigure a = eng_figure_exact (200, "B"), b = eng_figure_exact (50, "B"),
            none = eng_figure_unavailable ("B", "why");
  EngChange change = eng_change (&a, &b, TRUE), same = eng_change (&a, &a, TRUE),
            unknown = eng_change (&a, &none, TRUE);

  g_assert_cmpfloat_with_epsilon (change.low, -0.75, 1e-12);
  g_assert_cmpfloat_with_epsilon (change.high, -0.75, 1e-12);
  g_assert_true (eng_change_is_clear (&change));
  g_assert_cmpint (same.verdict, ==, ENG_CHANGE_SAME);
  g_assert_cmpint (unknown.verdict, ==, ENG_CHANGE_NONE);
  g_assert_true (isnan (unknown.frac));
}

static double
normal (GRand *rand)
{
  return sqrt (-2 * log (1 - g_rand_double (rand))) * cos (2 * G_PI * g_rand_double (rand));
}

/* Two measurements of two medians that are known, again and again: the interval of the ratio must
 * hold the true one in at least 95 % of them, less what counting 2000 leaves open (three standard
 * deviations of a binomial are 1.5 points). It must not be vacuous, either. */
static void
test_coverage (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  guint n_held = 0, n_clear = 0;

  for (guint trial = 0; trial < 2000; trial++)
    {
      double a[25], b[25];

      for (guint i = 0; i < 25; i++)
        {
          a[i] = 10 * exp (0.05 * normal (rand));
          b[i] = 9 * exp (0.08 * normal (rand));
        }
      EngFigure before = eng_figure_from_samples (a, 25, "ms"),
                after = eng_figure_from_samples (b, 25, "ms");
      EngChange change = eng_change (&before, &after, TRUE);

      n_held += change.low <= -0.1 && change.high >= -0.1;
      n_clear += eng_change_is_clear (&change);
    }
  g_test_message ("held in %u, clear in %u of 2000", n_held, n_clear);
  g_assert_cmpuint (n_held, >=, 1870);
  g_assert_cmpuint (n_clear, >=, 1500);
}

static void
test_sum (void)
{
  EngFigure parts[]
      = { sampled (1, 0.9, 1.2), sampled (2, 1.5, 2.25), eng_figure_unavailable ("ms", "not run") };
  EngFigure sum = eng_figure_sum (parts, 3, "ms"), none = eng_figure_sum (parts + 2, 1, "ms");

  g_assert_cmpfloat_with_epsilon (sum.value, 3, 1e-12);
  g_assert_cmpfloat_with_epsilon (sum.low, 2.4, 1e-12);
  g_assert_cmpfloat_with_epsilon (sum.high, 3.45, 1e-12);
  g_assert_false (none.available);
  g_assert_cmpstr (none.reason, ==, "not run");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/change/ratio", test_ratio);
  g_test_add_func ("/engine/change/exact", test_exact);
  g_test_add_func ("/engine/change/coverage", test_coverage);
  g_test_add_func ("/engine/change/sum", test_sum);
  return g_test_run ();
}
