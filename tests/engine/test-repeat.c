/* The rule that ends a measurement: when it looks, why it ends, and what the width of dependent
 * samples is. */
#include <math.h>

#include "eng-repeat.h"
#include "eng-series.h"
#include "rt-series.h"

static const RtRepeatRule rule = { .target_width = 0.05, .budget_s = 10, .n_min = 20 };

/* A sample near 1 that any order leaves independent-looking: fractions of the golden ratio. */
static double
spread (guint i, double width)
{
  double x = i * 0.6180339887498949;
  return 1 + width * (x - floor (x) - 0.5);
}

static void
test_narrow (void)
{
  double samples[64];
  RtRepeat repeat;
  guint n = 0;
  RtRepeatVerdict verdict;

  /* 1 % in all: narrow as soon as there are 20 after a warm-up of none or a few. */
  rt_repeat_init (&repeat, &rule);
  do
    {
      samples[n] = spread (n, 0.01);
      n++;
      verdict = rt_repeat_decide (&repeat, samples, n, n, 0);
    }
  while (verdict == RT_REPEAT_MORE && n < G_N_ELEMENTS (samples));
  g_assert_cmpint (verdict, ==, RT_REPEAT_NARROW);
  g_assert_cmpuint (n, >=, 20);
  g_assert_cmpuint (n, <=, 25);
}

/* The width is not looked at before n_min samples, nor between looks. */
static void
test_looks (void)
{
  double samples[64];
  RtRepeat repeat;

  rt_repeat_init (&repeat, &rule);
  for (guint i = 0; i < 20; i++)
    samples[i] = spread (i, 0.5);
  g_assert_cmpint (rt_repeat_decide (&repeat, samples, 20, 20, 0), ==, RT_REPEAT_MORE);
  /* From here on everything is narrow, and still it goes on: the next look is at 25. */
  for (guint i = 0; i < 24; i++)
    samples[i] = spread (i, 0.001);
  g_assert_cmpint (rt_repeat_decide (&repeat, samples, 24, 24, 0), ==, RT_REPEAT_MORE);
  samples[24] = 1;
  g_assert_cmpint (rt_repeat_decide (&repeat, samples, 25, 25, 0), ==, RT_REPEAT_NARROW);
}

static void
test_budget (void)
{
  double samples[64];
  RtRepeat repeat;

  for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
    samples[i] = spread (i, 0.8);
  rt_repeat_init (&repeat, &rule);
  g_assert_cmpint (rt_repeat_decide (&repeat, NULL, 0, 0, 0), ==, RT_REPEAT_MORE);
  /* Ten of 0.9 s: the eleventh fits in 10 s; the twelfth does not. */
  g_assert_cmpint (rt_repeat_decide (&repeat, samples, 10, 10, 9.0), ==, RT_REPEAT_MORE);
  g_assert_cmpint (rt_repeat_decide (&repeat, samples, 11, 11, 9.9), ==, RT_REPEAT_BUDGET);
  /* Samples that were there before cost no budget, but count. */
  g_assert_cmpint (rt_repeat_decide (&repeat, samples, 19, 9, 8.1), ==, RT_REPEAT_MORE);
  /* Too few for an interval: three times the time, and no longer. */
  g_assert_cmpint (rt_repeat_decide (&repeat, samples, 3, 3, 15), ==, RT_REPEAT_MORE);
  g_assert_cmpint (rt_repeat_decide (&repeat, samples, 3, 3, 24), ==, RT_REPEAT_BUDGET);
  g_assert_cmpint (rt_repeat_decide (&repeat, samples, 7, 7, 15), ==, RT_REPEAT_BUDGET);
}

static void
test_count (void)
{
  double samples[64] = { 0 };
  RtRepeat repeat;
  RtRepeatRule asked = { .budget_s = INFINITY, .n_max = 9, .n_min = 20 };

  for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
    samples[i] = spread (i, 0.8);
  rt_repeat_init (&repeat, &asked);
  g_assert_cmpint (rt_repeat_decide (&repeat, samples, 8, 8, 1e9), ==, RT_REPEAT_MORE);
  g_assert_cmpint (rt_repeat_decide (&repeat, samples, 9, 9, 0), ==, RT_REPEAT_ENOUGH);
}

/* Independent: 1. Each sample four times in a row: a quarter of the samples say as much, as the
 * autocorrelations 3/4, 2/4, 1/4 add up to 1 + 2 * 1.5 = 4. */
static void
test_inefficiency (void)
{
  enum
  {
    N = 4000
  };
  g_autofree double *samples = g_new (double, N);
  GRand *random = g_rand_new_with_seed (5);

  for (guint i = 0; i < N; i++)
    samples[i] = g_rand_double (random);
  g_assert_cmpfloat_with_epsilon (eng_series_inefficiency (samples, N), 1, 0.2);
  for (guint i = 0; i < N; i++)
    samples[i] = i % 4 == 0 ? g_rand_double (random) : samples[i - 1];
  g_assert_cmpfloat_with_epsilon (eng_series_inefficiency (samples, N), 4, 0.8);
  for (guint i = 0; i < N; i++)
    samples[i] = 7;
  g_assert_cmpfloat (eng_series_inefficiency (samples, N), ==, 1);
  g_assert_cmpfloat (eng_series_inefficiency (samples, RT_SERIES_MIN - 1), ==, 1);
  g_rand_free (random);
}

/* A series of hours, which nobody may wait for: in blocks, the same figures; and a drift over all
 * of it is no hang. */
static void
test_long_series (void)
{
  enum
  {
    N = 400000
  };
  g_autofree double *samples = g_new (double, N);
  GRand *random = g_rand_new_with_seed (7);
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < N; i++)
    samples[i] = g_rand_double (random);
  g_assert_cmpfloat_with_epsilon (eng_series_inefficiency (samples, N), 1, 0.3);
  for (guint i = 0; i < N; i++)
    samples[i] = i % 4 == 0 ? g_rand_double (random) : samples[i - 1];
  g_assert_cmpfloat_with_epsilon (eng_series_inefficiency (samples, N), 4, 1);
  for (guint i = 0; i < N; i++)
    samples[i] = i + g_rand_double (random);
  g_assert_cmpfloat (eng_series_inefficiency (samples, N), >, N / 100);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 20 * G_USEC_PER_SEC);
  g_rand_free (random);
}

/* The interval of what comes in fours is about twice as wide, never without its median. */
static void
test_series_figure (void)
{
  enum
  {
    N = 400
  };
  double independent[N], fours[N];
  GRand *random = g_rand_new_with_seed (6);

  for (guint i = 0; i < N; i++)
    independent[i] = g_rand_double (random);
  for (guint i = 0; i < N; i++)
    fours[i] = independent[i / 4];
  EngFigure a = eng_figure_from_series (independent, N, "s");
  EngFigure b = eng_figure_from_series (fours, N, "s");
  g_assert_true (a.low < a.value && a.value < a.high);
  g_assert_true (b.low < b.value && b.value < b.high);
  g_assert_cmpfloat ((b.high - b.low) / (a.high - a.low), >, 1.5);
  g_assert_cmpfloat ((b.high - b.low) / (a.high - a.low), <, 3);

  double few[] = { 3, 1, 2, 5, 4, 6, 7 };
  EngFigure seven = eng_figure_from_series (few, 7, "s");
  g_assert_cmpfloat (seven.low, ==, 1);
  g_assert_cmpfloat (seven.high, ==, 7);
  g_assert_cmpuint (rt_series_rank (12, 1), ==, rt_median_rank (12)); /* nothing to correct */
  g_assert_cmpuint (rt_series_rank (400, 1), <, rt_median_rank (400));
  g_assert_cmpuint (rt_series_rank (400, 4), <, rt_series_rank (400, 1));
  g_assert_cmpuint (rt_series_rank (400, 400), ==, 1);
  EngFigure none = eng_figure_from_series (few, 0, "s");
  g_assert_false (none.available);
  g_rand_free (random);
}

/* What the rule looks at is the figure that a person sees, to the last bit of its ends: warm, noisy
 * and dependent series of any length. */
static void
test_width_of_figure (void)
{
  GRand *random = g_rand_new_with_seed (8);

  for (guint n = 0; n < 300; n += 1 + n / 9)
    for (guint kind = 0; kind < 3; kind++)
      {
        g_autofree double *samples = g_new (double, n + 1);
        double n_independent;
        for (guint i = 0; i < n; i++)
          samples[i] = kind == 0   ? 100 + g_rand_double (random)
                       : kind == 1 ? 100 * (1 + exp (-(double)i / 4)) + g_rand_double (random)
                                   : (i % 3 == 0 ? 50 + g_rand_double (random) : samples[i - 1]);
        EngFigure figure = eng_repeat_figure (samples, n, 1, FALSE, "s", "none");
        double width = rt_repeat_width (samples, n, &n_independent);
        if (n < 6)
          g_assert_true (isnan (width));
        else if (isnan (figure.low)) /* its warm-up left too few */
          g_assert_true (isnan (width));
        else
          g_assert_cmpfloat (width, ==, (figure.high - figure.low) / figure.value);
        g_assert_cmpfloat (n_independent, <=, n);
      }
  g_rand_free (random);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/repeat/narrow", test_narrow);
  g_test_add_func ("/repeat/looks", test_looks);
  g_test_add_func ("/repeat/budget", test_budget);
  g_test_add_func ("/repeat/count", test_count);
  g_test_add_func ("/repeat/inefficiency", test_inefficiency);
  g_test_add_func ("/repeat/long-series", test_long_series);
  g_test_add_func ("/repeat/series-figure", test_series_figure);
  g_test_add_func ("/repeat/width-of-figure", test_width_of_figure);
  return g_test_run ();
}
