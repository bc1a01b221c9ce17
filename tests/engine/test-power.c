/* The sampler on recorded trees whose meters are moved by hand: joules between two times,
 * wraparound, holes, a sensor that disappears and comes back. */
#include "eng-power.h"

#include <glib/gstdio.h>
#include <math.h>

#include "eng-error.h"
#include "rt-pool.h"
#include "../test-tree.h"

#define RAPL "sys/class/powercap/intel-rapl:0/"
#define INA "sys/class/hwmon/hwmon0/"

static void
put_uj (const char *root, guint64 uj)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT "\n", uj);
  test_tree_put (root, RAPL "energy_uj", text);
}

static void
put_uw (const char *root, guint64 uw)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT "\n", uw);
  test_tree_put (root, INA "power1_input", text);
}

static char *
new_rapl (guint64 uj, const char *range_uj)
{
  char *root = test_tree_new ();
  test_tree_put (root, RAPL "name", "package-0\n");
  test_tree_put (root, RAPL "max_energy_range_uj", range_uj);
  put_uj (root, uj);
  return root;
}

static EngPower *
open_power (const char *kind, const char *root)
{
  g_autofree char *choice = g_strconcat (kind, ":", root, NULL);
  g_autoptr (GError) error = NULL;
  EngPower *power = eng_power_new (choice, &error);
  g_assert_no_error (error);
  return power;
}

/* A counter's joules between two readings are exact, whatever the thread read between. */
static void
test_counter (void)
{
  char *root = new_rapl (5000000, "262143328850\n");
  g_autoptr (EngPower) power = open_power ("rapl", root);

  guint64 from = eng_power_mark (power);
  g_assert_cmpuint (from, !=, 0);
  g_usleep (120000);
  put_uj (root, 6000000);
  g_usleep (120000);
  put_uj (root, 7250000);
  guint64 to = eng_power_mark (power);
  EngPowerEnergy energy = eng_power_between (power, from, to);
  g_assert_true (energy.available);
  g_assert_cmpfloat_with_epsilon (energy.joules, 2.25, 1e-9);
  g_assert_cmpuint (energy.n_samples, >=, 4);

  /* In the middle of an interval: within the interval's joules, and the uncertainty says so. */
  guint64 later = eng_power_mark (power);
  guint64 middle = to + (later - to) / 2;
  energy = eng_power_between (power, from, middle);
  g_assert_true (energy.available);
  g_assert_cmpfloat (energy.joules, >=, 2.25 - 1e-9);
  test_tree_free (root);
}

static void
test_wraparound (void)
{
  /* 65.5 J short of the end of its range, then 4 J after the start. */
  char *root = new_rapl (65712000000, "65712999613\n");
  g_autoptr (EngPower) power = open_power ("rapl", root);
  guint64 from = eng_power_mark (power);
  put_uj (root, 4000000);
  guint64 to = eng_power_mark (power);
  EngPowerEnergy energy = eng_power_between (power, from, to);
  g_assert_true (energy.available);
  g_assert_cmpfloat_with_epsilon (energy.joules, 0.999613 + 4.0, 1e-6);
  test_tree_free (root);
}

/* A range so small that nobody can say how often it was gone through. */
static void
test_ambiguous (void)
{
  char *root = new_rapl (1000, "2000000\n");
  g_autoptr (EngPower) power = open_power ("rapl", root);
  guint64 from = eng_power_mark (power);
  g_usleep (150000);
  put_uj (root, 500000);
  guint64 to = eng_power_mark (power);
  /* The thread reads every 50 ms: 100 J could have passed, and the range is 2 J. */
  EngPowerEnergy energy = eng_power_between (power, from, to);
  g_assert_false (energy.available);
  g_assert_nonnull (strstr (energy.reason, "more than once"));
  test_tree_free (root);
}

static void
test_watts (void)
{
  char *root = test_tree_new ();
  test_tree_put (root, INA "name", "ina219\n");
  put_uw (root, 4000000);
  g_autoptr (EngPower) power = open_power ("hwmon", root);

  guint64 from = eng_power_mark (power);
  g_usleep (300000);
  guint64 to = eng_power_mark (power);
  double seconds = (double)(to - from) * 1e-9;
  EngPowerEnergy energy = eng_power_between (power, from, to);
  g_assert_true (energy.available);
  g_assert_cmpfloat_with_epsilon (energy.joules, 4.0 * seconds, 1e-6);
  /* Steady power: only the age of readings (50 ms at either end) is left. */
  g_assert_cmpfloat_with_epsilon (energy.uncertainty_j, 2 * 0.05 * 4.0, 1e-6);

  /* A step in the middle: the truth lies within the uncertainty. */
  from = eng_power_mark (power);
  g_usleep (200000);
  put_uw (root, 8000000);
  guint64 stepped = rt_now_ns ();
  g_usleep (200000);
  to = eng_power_mark (power);
  energy = eng_power_between (power, from, to);
  double truth = 4.0 * (double)(stepped - from) * 1e-9 + 8.0 * (double)(to - stepped) * 1e-9;
  g_assert_true (energy.available);
  g_assert_cmpfloat (fabs (energy.joules - truth), <=, energy.uncertainty_j);
  g_assert_cmpfloat (energy.uncertainty_j, <, 0.5 * truth);

  double ages[64], watts[64];
  guint n = eng_power_get_recent (power, 10, ages, watts, G_N_ELEMENTS (ages));
  g_assert_cmpuint (n, >=, 8);
  g_assert_cmpfloat (watts[n - 1], ==, 8.0);
  EngFigure now = eng_power_get_now (power);
  g_assert_true (now.available);
  /* Reading a small file twenty times a second costs next to nothing, and something. */
  g_assert_cmpfloat (eng_power_get_cost_frac (power), >, 0);
  g_assert_cmpfloat (eng_power_get_cost_frac (power), <, 0.2);
  g_test_message ("reading costs %.3f %% of a processor", 100 * eng_power_get_cost_frac (power));
  test_tree_free (root);
}

/* What a sensor that disappears in the middle leaves: unavailable, with the reason, and not zero;
 * before and after it the energy is known. */
static void
test_disappears (void)
{
  char *root = test_tree_new ();
  test_tree_put (root, INA "name", "ina219\n");
  put_uw (root, 2000000);
  g_autoptr (EngPower) power = open_power ("hwmon", root);

  guint64 a = eng_power_mark (power);
  g_usleep (100000);
  guint64 b = eng_power_mark (power);
  test_tree_drop (root, INA "power1_input");
  g_usleep (100000);
  g_assert_cmpuint (eng_power_mark (power), ==, 0);
  guint64 in_the_hole = rt_now_ns ();
  EngPowerEnergy energy = eng_power_between (power, a, in_the_hole);
  g_assert_false (energy.available);
  g_test_message ("%s", energy.reason);
  g_assert_nonnull (energy.reason);
  EngFigure now = eng_power_get_now (power);
  g_assert_false (now.available);
  g_assert_nonnull (now.reason);
  g_assert_true (eng_power_between (power, a, b).available);

  put_uw (root, 2000000);
  guint64 c = 0;
  for (int i = 0; i < 40 && c == 0; i++)
    {
      g_usleep (100000);
      c = eng_power_mark (power);
    }
  g_assert_cmpuint (c, !=, 0); /* found again */
  g_usleep (100000);
  guint64 d = eng_power_mark (power);
  energy = eng_power_between (power, a, d);
  g_assert_false (energy.available);
  g_assert_nonnull (strstr (energy.reason, "power1_input"));
  g_assert_true (eng_power_between (power, c, d).available);
  double ages[256], watts[256];
  guint n = eng_power_get_recent (power, 60, ages, watts, G_N_ELEMENTS (ages)), n_holes = 0;
  for (guint i = 0; i < n; i++)
    n_holes += isnan (watts[i]);
  g_assert_cmpuint (n_holes, >=, 1);
  test_tree_free (root);
}

static void
test_idle (void)
{
  char *root = test_tree_new ();
  test_tree_put (root, INA "name", "ina219\n");
  put_uw (root, 1500000);
  g_autoptr (EngPower) power = open_power ("hwmon", root);
  EngFigure idle = eng_power_measure_idle (power, 1, NULL);
  g_assert_true (idle.available);
  g_assert_cmpuint (idle.n, ==, 2);
  g_assert_cmpfloat_with_epsilon (idle.value, 1.5, 1e-9);
  test_tree_free (root);
}

static void
test_choice (void)
{
  g_autoptr (GError) error = NULL;
  char *root = new_rapl (1, "262143328850\n");
  g_autofree char *choice = g_strconcat ("rapl:", root, NULL);
  g_autofree char *why = NULL;

  g_assert_null (eng_power_dup_current ());
  g_assert_true (eng_power_choose (choice, NULL, &error));
  g_assert_no_error (error);
  EngPower *power = eng_power_dup_current ();
  g_assert_cmpstr (eng_power_get_id (power), ==, "rapl");
  eng_power_unref (power);

  g_assert_false (eng_power_choose ("steam", NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND);
  g_assert_null (eng_power_dup_current ());
  g_assert_nonnull (strstr (eng_power_get_current_reason (), "steam"));
  g_clear_error (&error);
  g_assert_false (eng_power_choose ("none", &why, &error));
  g_assert_no_error (error);

  g_autoptr (GPtrArray) meters = eng_meters_list (root);
  g_assert_cmpuint (meters->len, ==, 5);
  const EngMeterInfo *rapl = meters->pdata[0], *hwmon = meters->pdata[1];
  g_assert_true (rapl->available);
  g_assert_cmpstr (rapl->channels, ==, "package-0*");
  g_assert_false (hwmon->available);
  g_assert_nonnull (hwmon->reason);
  g_autofree char *text = eng_meters_describe (meters);
  g_test_message ("%s", text);
  test_tree_free (root);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/power/counter", test_counter);
  g_test_add_func ("/power/wraparound", test_wraparound);
  g_test_add_func ("/power/ambiguous", test_ambiguous);
  g_test_add_func ("/power/watts", test_watts);
  g_test_add_func ("/power/disappears", test_disappears);
  g_test_add_func ("/power/idle", test_idle);
  g_test_add_func ("/power/choice", test_choice);
  return g_test_run ();
}
