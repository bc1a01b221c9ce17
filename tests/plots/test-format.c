/* Numbers as text, and ticks. The expected strings are written by hand from the rules in
 * plot-format.h. */

#include <glib.h>
#include <math.h>
#include "plot-format.h"
#include "plot-ticks.h"

#define NN "\u202f"
#define MINUS "\u2212"

static void
check_value (PlotUnit unit, double value, int n_digits, const char *expected)
{
  g_autofree char *text = plot_format_value (&unit, value, n_digits);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_value (void)
{
  check_value (PLOT_UNIT_SECONDS, 1.5e-3, 3, "1.50" NN "ms");
  check_value (PLOT_UNIT_SECONDS, 1.5e-3, 2, "1.5" NN "ms");
  check_value (PLOT_UNIT_SECONDS, 12e-6, 2, "12" NN "\u00b5s");
  check_value (PLOT_UNIT_NS, 12345.0, 0, "12.3" NN "\u00b5s");
  check_value (PLOT_UNIT_SECONDS, 4500, 3, "4500" NN "s"); /* never ks */
  check_value (PLOT_UNIT_BYTES, 3.2e6, 2, "3.2" NN "MB");
  check_value (PLOT_UNIT_BYTES, 7, 3, "7" NN "B");
  check_value (PLOT_UNIT_TOKENS_PER_S, 218, 3, "218" NN "tok/s");
  check_value (PLOT_UNIT_TOKENS_PER_S, 12345.4, 3, "12345" NN "tok/s");
  check_value (PLOT_UNIT_PERCENT, 0.1234, 3, "12.3" NN "%");
  check_value (PLOT_UNIT_PLAIN, -2.5, 3, MINUS "2.50");
  check_value (PLOT_UNIT_PLAIN, 0, 3, "0");
  check_value (PLOT_UNIT_JOULES, -0.0, 3, "0" NN "J");
  check_value (PLOT_UNIT_SECONDS, NAN, 3, "\u2014");
  check_value (PLOT_UNIT_SECONDS, INFINITY, 3, "\u221e" NN "s");
  check_value (PLOT_UNIT_PLAIN, 1.2e-9, 2, "1.2\u00d710\u207b\u2079");
}

/* Rounding up must change the prefix too: 999.96 us is 1.00 ms, not 1000 us. */
static void
test_value_rounding (void)
{
  check_value (PLOT_UNIT_SECONDS, 999.6e-6, 3, "1.00" NN "ms");
  check_value (PLOT_UNIT_SECONDS, 999.4e-6, 3, "999" NN "\u00b5s");
  check_value (PLOT_UNIT_BYTES, 999999, 3, "1.00" NN "MB");
  check_value (PLOT_UNIT_PLAIN, 9.996, 3, "10.0");
}

static char *
format_address (double value, gpointer data)
{
  return g_strdup_printf ("%s%x", (const char *)data, (guint)value);
}

static void
test_own_format (void)
{
  PlotUnit unit = { .format = format_address, .format_data = (gpointer) "0x" };
  PlotTicks ticks;
  g_autofree char *label = NULL;

  check_value (unit, 255, 3, "0xff");
  plot_ticks_init (&ticks, PLOT_AXIS_LINEAR, 0, 100, 5, &unit);
  label = plot_ticks_dup_label (&ticks, 1, &unit);
  g_assert_cmpstr (label, ==, "0x14");
}

static void
check_interval (PlotUnit unit, double lo, double hi, const char *expected)
{
  g_autofree char *text = plot_format_interval (&unit, lo, hi);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_interval (void)
{
  check_interval (PLOT_UNIT_SECONDS, 1.41e-3, 1.63e-3, "1.41\u20131.63" NN "ms");
  check_interval (PLOT_UNIT_SECONDS, 950e-6, 1.05e-3, "0.95\u20131.05" NN "ms");
  check_interval (PLOT_UNIT_BYTES, 2, 9, "2\u20139" NN "B");
  check_interval (PLOT_UNIT_BYTES, NAN, 9, "\u2014");
  check_interval (PLOT_UNIT_BYTES, 0, 0, "0\u20130" NN "B");
}

static void
check_change (double value, double reference, const char *expected)
{
  g_autofree char *text = plot_format_change (value, reference);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_change (void)
{
  check_change (62, 100, MINUS "38.0" NN "%");
  check_change (102.4, 100, "+2.4" NN "%");
  check_change (340, 100, "+240" NN "%");
  check_change (100.03, 100, "+0.03" NN "%");
  check_change (999, 100, "+899" NN "%");
  check_change (1250, 100, "\u00d7" NN "12.5");
  check_change (151763, 100, "\u00d7" NN "1518");
  check_change (100, 100, "\u00b10" NN "%");
  check_change (-50, -100, MINUS "50.0" NN "%");
  check_change (1, 0, "\u2014");
  check_change (NAN, 1, "\u2014");
  check_change (-1, 1, "\u2014");
}

static void
test_exact (void)
{
  const double values[] = { 0.1, 1.0 / 3, 1e300, -0.00152, 123456789.123, 5e-324, 0 };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autofree char *text = plot_format_exact (values[i]);

      g_assert_true (g_ascii_strtod (text, NULL) == values[i]);
    }
  {
    g_autofree char *tenth = plot_format_exact (0.1);
    g_autofree char *missing = plot_format_exact (NAN);

    g_assert_cmpstr (tenth, ==, "0.1");
    g_assert_cmpstr (missing, ==, "");
  }
}

static void
check_labels (PlotAxisKind kind, double lo, double hi, guint n, PlotUnit unit,
              const char *unit_text, const char *expected)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *symbol = NULL;
  PlotTicks ticks;

  plot_ticks_init (&ticks, kind, lo, hi, n, &unit);
  for (guint i = 0; i < ticks.n_major; i++)
    {
      g_autofree char *label = plot_ticks_dup_label (&ticks, i, &unit);

      g_string_append_printf (out, "%s%s", i > 0 ? "|" : "", label);
    }
  symbol = plot_ticks_dup_unit (&ticks, &unit);
  g_assert_cmpstr (out->str, ==, expected);
  g_assert_cmpstr (symbol, ==, unit_text);
}

static void
test_ticks_linear (void)
{
  check_labels (PLOT_AXIS_LINEAR, 0, 1.7e-3, 4, PLOT_UNIT_SECONDS, "ms", "0.0|0.5|1.0|1.5");
  check_labels (PLOT_AXIS_LINEAR, 0, 600e3, 4, PLOT_UNIT_NS, "\u00b5s", "0|200|400|600");
  check_labels (PLOT_AXIS_LINEAR, -1, 1, 4, PLOT_UNIT_PLAIN, "",
                MINUS "1.0|" MINUS "0.5|0.0|0.5|1.0");
  check_labels (PLOT_AXIS_LINEAR, 0, 0.01, 2, PLOT_UNIT_PERCENT, "%", "0.0|0.5|1.0");
  check_labels (PLOT_AXIS_LINEAR, 1e6, 3.9e6, 3, PLOT_UNIT_BYTES, "MB", "1|2|3");
  check_labels (PLOT_AXIS_LINEAR, 5, 5, 3, PLOT_UNIT_PLAIN, "", "");
  check_labels (PLOT_AXIS_LINEAR, NAN, 5, 3, PLOT_UNIT_PLAIN, "", "");
}

static void
test_ticks_log (void)
{
  check_labels (PLOT_AXIS_LOG, 1e-6, 1e-2, 6, PLOT_UNIT_SECONDS, "",
                "1" NN "\u00b5s|10" NN "\u00b5s|100" NN "\u00b5s|1" NN "ms|10" NN "ms");
  check_labels (PLOT_AXIS_LOG, 1e-3, 1e-2, 6, PLOT_UNIT_SECONDS, "",
                "1" NN "ms|2" NN "ms|5" NN "ms|10" NN "ms");
  check_labels (PLOT_AXIS_LOG, 1, 1e12, 4, PLOT_UNIT_BYTES, "",
                "1" NN "B|1" NN "kB|1" NN "MB|1" NN "GB|1" NN "TB");
  check_labels (PLOT_AXIS_LOG, 0, 10, 4, PLOT_UNIT_BYTES, "", "");
}

/* Over many ranges: inside, ascending, evenly spaced, not too many, never two equal labels. */
static void
test_ticks_properties (void)
{
  PlotUnit unit = PLOT_UNIT_SECONDS;

  for (guint k = 0; k < 4000; k++)
    {
      PlotAxisKind kind = k % 2;
      double span = pow (10, g_test_rand_double_range (-9, 6));
      double lo = kind == PLOT_AXIS_LOG ? span * g_test_rand_double_range (0.01, 1)
                                        : span * g_test_rand_double_range (-3, 3);
      double hi
          = kind == PLOT_AXIS_LOG ? lo * pow (10, g_test_rand_double_range (0.1, 9)) : lo + span;
      guint n = (guint)g_test_rand_int_range (2, 20);
      g_autofree char *before = NULL;
      PlotTicks ticks;

      plot_ticks_init (&ticks, kind, lo, hi, n, &unit);
      g_assert_cmpuint (ticks.n_major, <=, kind == PLOT_AXIS_LOG ? MAX (n + 1, 8) : n + 1);
      for (guint i = 0; i < ticks.n_major; i++)
        {
          g_autofree char *label = plot_ticks_dup_label (&ticks, i, &unit);
          double slack = (hi - lo) * 1e-9;

          g_assert_cmpfloat (ticks.major[i], >=, lo - slack);
          g_assert_cmpfloat (ticks.major[i], <=, hi + slack);
          if (i > 0)
            g_assert_cmpfloat (ticks.major[i], >, ticks.major[i - 1]);
          g_assert_cmpstr (label, !=, before);
          g_free (before);
          before = g_steal_pointer (&label);
        }
    }
}

static void
test_nice_ceil (void)
{
  g_assert_cmpfloat (plot_nice_ceil (0.99), ==, 1);
  g_assert_cmpfloat (plot_nice_ceil (1), ==, 1);
  g_assert_cmpfloat (plot_nice_ceil (1.01), ==, 1.5);
  g_assert_cmpfloat (plot_nice_ceil (410), ==, 500);
  g_assert_cmpfloat (plot_nice_ceil (8.1), ==, 10);
  g_assert_cmpfloat (plot_nice_ceil (0), ==, 1);
  g_assert_cmpfloat (plot_nice_ceil (-4), ==, 1);
  for (guint k = 0; k < 1000; k++)
    {
      double value = pow (10, g_test_rand_double_range (-12, 12));

      g_assert_cmpfloat (plot_nice_ceil (value), >=, value * (1 - 1e-9));
      g_assert_cmpfloat (plot_nice_ceil (value), <=, value * 1.51);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plots/format/value", test_value);
  g_test_add_func ("/plots/format/value-rounding", test_value_rounding);
  g_test_add_func ("/plots/format/own-format", test_own_format);
  g_test_add_func ("/plots/format/interval", test_interval);
  g_test_add_func ("/plots/format/change", test_change);
  g_test_add_func ("/plots/format/exact", test_exact);
  g_test_add_func ("/plots/ticks/linear", test_ticks_linear);
  g_test_add_func ("/plots/ticks/log", test_ticks_log);
  g_test_add_func ("/plots/ticks/properties", test_ticks_properties);
  g_test_add_func ("/plots/ticks/nice-ceil", test_nice_ceil);
  return g_test_run ();
}
