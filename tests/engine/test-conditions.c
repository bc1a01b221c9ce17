/* What the machine did during a run, on recorded trees that change from look to look: throttling,
 * heat, neighbours, a sensor that disappears; and the record's JSON. */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "eng-json.h"
#include "eng-run-private.h"
#include "eng-sensors.h"
#include "eng-test.h"
#include "eng-watch.h"
#include "../test-tree.h"

#define CLOCK "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"
#define GOVERNOR "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
#define THROTTLES "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count"
#define ZONE "sys/class/thermal/thermal_zone0/"

static void put (const char *root, const char *path, const char *format, ...) G_GNUC_PRINTF (3, 4);

static void
put (const char *root, const char *path, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  test_tree_put (root, path, text);
}

/* Two processors, of which others use @busy and the host takes @stolen, since the start. */
static void
put_use (const char *root, double time_s, double busy, double stolen)
{
  guint64 ticks = (guint64)(time_s * (double)sysconf (_SC_CLK_TCK) / 2 + 0.5);

  put (root, "proc/stat",
       "cpu  0 0 0 0 0 0 0 0\n"
       "cpu0 %.0f 0 0 9 0 0 0 %.0f 0 0\n"
       "cpu1 %.0f 0 0 9 0 0 0 %.0f 0 0\n"
       "intr 1 2 3\n",
       busy * (double)ticks, stolen * (double)ticks, busy * (double)ticks, stolen * (double)ticks);
}

static void
put_healthy (const char *root)
{
  put (root, CLOCK, "3000000\n");
  put (root, GOVERNOR, "performance\n");
  put (root, THROTTLES, "7\n");
  put (root, ZONE "type", "x86_pkg_temp\n");
  put (root, ZONE "temp", "60000\n");
  put (root, ZONE "trip_point_0_type", "passive\n");
  put (root, ZONE "trip_point_0_temp", "95000\n");
  put_use (root, 0, 0, 0);
}

static EngRun *
judge (EngWatch *watch, guint n_threads)
{
  EngRun *run = g_object_new (ENG_TYPE_RUN, NULL);
  g_autoptr (GPtrArray) reasons = g_ptr_array_new_with_free_func (g_free);

  eng_watch_finish (watch, &run->conditions);
  run->n_threads = n_threads;
  eng_run_judge_machine (run, FALSE, reasons);
  return run;
}

static gboolean
has_reason (EngRun *run, const char *part)
{
  for (const char *const *reason = eng_run_get_reasons (run); *reason != NULL; reason++)
    if (strstr (*reason, part) != NULL)
      return TRUE;
  return FALSE;
}

/* Nothing happens: valid, and the record says what there was. */
static void
test_quiet (void)
{
  char *root = eng_test_directory ();
  put_healthy (root);
  g_autoptr (EngWatch) watch = eng_watch_new (root);

  for (guint i = 0; i <= 20; i++)
    {
      put (root, CLOCK, "%u\n", i % 2 ? 3000000 : 2950000); /* steps of a governor */
      put_use (root, i * 0.1, 0.01, 0);
      eng_watch_look (watch, i * 0.1);
    }
  g_autoptr (EngRun) run = judge (watch, 2);
  g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_VALID);
  const EngConditions *conditions = eng_run_get_conditions (run);
  double low, high;
  eng_conditions_clock_range (conditions, &low, &high);
  g_assert_cmpfloat (low, ==, 2.95e9);
  g_assert_cmpfloat (high, ==, 3e9);
  g_assert_cmpfloat (eng_conditions_hottest_c (conditions), ==, 60);
  g_assert_cmpfloat (conditions->temperature_limit_c, ==, 95);
  g_assert_cmpint (conditions->n_throttled, ==, 0);
  g_assert_cmpuint (conditions->n_cpus, ==, 2);
  g_assert_cmpfloat_with_epsilon (conditions->wall_s, 2, 1e-9);
  g_assert_cmpstr (conditions->clock_source, ==, "cpufreq");
  g_assert_cmpstr (conditions->temperature_source, ==, "x86_pkg_temp");
  g_assert_cmpfloat (eng_conditions_sampler_percent (conditions), >, 0);
  g_auto (GStrv) facts = eng_conditions_dup_facts (conditions);
  g_assert_cmpuint (g_strv_length (facts) % 2, ==, 0);
  g_assert_cmpstr (facts[0], ==, "Clock meanwhile");
  g_assert_nonnull (strstr (facts[1], "(cpufreq)"));
  g_assert_cmpstr (facts[3], ==, "at most 60 °C of 95 °C (x86_pkg_temp)");
  eng_test_remove (root);
}

/* The clock falls while the processor warms up: degraded, with the clocks and the temperatures in
 * the reason. */
static void
test_throttling (void)
{
  char *root = eng_test_directory ();
  put_healthy (root);
  g_autoptr (EngWatch) watch = eng_watch_new (root);

  for (guint i = 0; i <= 30; i++)
    {
      gboolean hot = i >= 12;
      put (root, CLOCK, "%u\n", hot ? 2100000 : 3000000);
      put (root, ZONE "temp", "%u\n", MIN (61000 + 2000 * i, 90000));
      eng_watch_look (watch, i * 0.1);
    }
  g_autoptr (EngRun) run = judge (watch, 2);
  g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_DEGRADED);
  g_assert_true (has_reason (run, "the clock fell from"));
  g_assert_true (has_reason (run, "throttled"));
  g_assert_true (has_reason (run, "°C"));
  g_assert_cmpuint (g_strv_length ((GStrv)eng_run_get_reasons (run)), ==, 1);
  eng_test_remove (root);
}

/* A governor that raises the clock at the start is no throttling. */
static void
test_rising_clock (void)
{
  char *root = eng_test_directory ();
  put_healthy (root);
  g_autoptr (EngWatch) watch = eng_watch_new (root);

  for (guint i = 0; i <= 30; i++)
    {
      put (root, CLOCK, "%u\n", i < 4 ? 1200000 : 3000000);
      eng_watch_look (watch, i * 0.1);
    }
  g_autoptr (EngRun) run = judge (watch, 2);
  g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_VALID);
  eng_test_remove (root);
}

/* Counters, the limit, and a board's own word. */
static void
test_heat (void)
{
  char *root = eng_test_directory ();
  put_healthy (root);
  put (root, "sys/devices/platform/soc/soc:firmware/get_throttled", "50000\n");
  g_autoptr (EngWatch) watch = eng_watch_new (root);

  eng_watch_look (watch, 0);
  put (root, THROTTLES, "10\n");
  put (root, ZONE "temp", "94500\n");
  put (root, "sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n");
  eng_watch_look (watch, 0.1);
  put (root, ZONE "temp", "70000\n");
  put (root, "sys/devices/platform/soc/soc:firmware/get_throttled", "50000\n");
  eng_watch_look (watch, 0.2);
  g_autoptr (EngRun) run = judge (watch, 2);
  g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_DEGRADED);
  g_assert_cmpint (eng_run_get_conditions (run)->n_throttled, ==, 3);
  g_assert_true (has_reason (run, "throttled 3 times"));
  g_assert_true (has_reason (run, "at 95 °C the system slows it down"));
  g_assert_true (has_reason (run, "supply voltage is too low"));
  g_assert_true (has_reason (run, "the board says that it is throttled"));
  g_assert_false (has_reason (run, "soft temperature limit"));
  eng_test_remove (root);
}

/* Others take half a processor more than a measurement with two threads leaves; one with one thread
 * leaves enough. The host takes some, too. */
static void
test_others (void)
{
  char *root = eng_test_directory ();
  put_healthy (root);
  g_autoptr (EngWatch) watch = eng_watch_new (root);

  for (guint i = 0; i <= 10; i++)
    {
      put_use (root, i, 0.5, 0.3);
      eng_watch_look (watch, i);
    }
  g_autoptr (EngRun) two = judge (watch, 2);
  g_assert_true (has_reason (two, "other programs used 0.5 of 2 processors"));
  g_assert_true (has_reason (two, "the host took 0.3 processors"));
  g_assert_cmpfloat_with_epsilon (eng_run_get_conditions (two)->others_cpus, 0.5, 0.02);
  g_assert_cmpfloat_with_epsilon (eng_run_get_conditions (two)->stolen_cpus, 0.3, 0.02);
  g_autoptr (EngRun) one = judge (watch, 1);
  g_assert_false (has_reason (one, "other programs"));
  eng_test_remove (root);
}

/* A governor that follows the load, and a system that shows nothing at all. */
static void
test_governor (void)
{
  char *root = eng_test_directory ();
  put_healthy (root);
  put (root, GOVERNOR, "schedutil\n");
  g_autoptr (EngWatch) watch = eng_watch_new (root);
  eng_watch_look (watch, 0);
  g_autoptr (EngRun) run = judge (watch, 2);
  g_assert_true (has_reason (run, "\"schedutil\""));
  eng_test_remove (root);

  char *empty = eng_test_directory ();
  g_autoptr (EngWatch) blind = eng_watch_new (empty);
  eng_watch_look (blind, 0);
  eng_watch_look (blind, 1);
  g_autoptr (EngRun) unseen = judge (blind, 2);
  const EngConditions *conditions = eng_run_get_conditions (unseen);
  g_assert_cmpint (eng_run_get_validity (unseen), ==, ENG_RUN_VALID);
  g_assert_null (conditions->governor);
  g_assert_null (conditions->clock_source);
  g_assert_nonnull (conditions->clock_reason);
  g_assert_nonnull (conditions->temperature_reason);
  g_assert_true (isnan (conditions->others_cpus));
  g_assert_true (isnan (eng_conditions_hottest_c (conditions)));
  g_assert_cmpint (conditions->n_throttled, ==, -1);
  eng_test_remove (empty);
}

/* A sensor that disappears in the middle: no figure from there on, never a zero. */
static void
test_disappears (void)
{
  char *root = eng_test_directory ();
  put_healthy (root);
  g_autoptr (EngWatch) watch = eng_watch_new (root);
  g_autofree char *temperature = g_build_filename (root, ZONE "temp", NULL);
  g_autofree char *clock = g_build_filename (root, CLOCK, NULL);

  eng_watch_look (watch, 0);
  g_assert_cmpint (g_unlink (temperature), ==, 0);
  g_assert_cmpint (g_unlink (clock), ==, 0);
  eng_watch_look (watch, 1);
  g_autoptr (EngRun) run = judge (watch, 2);
  GArray *samples = eng_run_get_conditions (run)->samples;
  g_assert_cmpuint (samples->len, ==, 2);
  const EngConditionsSample *first = &g_array_index (samples, EngConditionsSample, 0),
                            *last = &g_array_index (samples, EngConditionsSample, 1);
  g_assert_cmpfloat (first->temperature_c, ==, 60);
  g_assert_true (isnan (last->temperature_c));
  g_assert_cmpfloat (first->clock_hz, ==, 3e9);
  g_assert_true (isnan (last->clock_hz));
  g_assert_cmpfloat (eng_conditions_hottest_c (eng_run_get_conditions (run)), ==, 60);
  eng_test_remove (root);
}

/* A long run keeps a bounded number of looks over all of its time. */
static void
test_long (void)
{
  char *root = eng_test_directory ();
  put_healthy (root);
  g_autoptr (EngWatch) watch = eng_watch_new (root);
  EngConditions conditions;

  for (guint i = 0; i < 1500; i++)
    eng_watch_look (watch, i * 0.1);
  eng_conditions_init (&conditions);
  eng_watch_finish (watch, &conditions);
  g_assert_cmpuint (conditions.samples->len, <=, 600);
  g_assert_cmpuint (conditions.samples->len, >=, 300);
  g_assert_cmpfloat (conditions.period_s, >, 0.1);
  double before = -1;
  for (guint i = 0; i < conditions.samples->len; i++)
    {
      double time = g_array_index (conditions.samples, EngConditionsSample, i).time_s;
      g_assert_cmpfloat (time, >, before);
      before = time;
    }
  g_assert_cmpfloat_with_epsilon (before, 149.9, 0.01);
  eng_conditions_clear (&conditions);
  eng_test_remove (root);
}

static char *
to_json (const EngConditions *conditions)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  eng_conditions_write (conditions, builder);
  json_builder_end_object (builder);
  return eng_json_builder_finish (builder, FALSE);
}

static void
test_json (void)
{
  char *root = eng_test_directory ();
  put_healthy (root);
  g_autoptr (EngWatch) watch = eng_watch_new (root);
  g_autoptr (GError) error = NULL;
  EngConditions conditions, again;

  for (guint i = 0; i < 5; i++)
    eng_watch_look (watch, i * 0.1);
  eng_conditions_init (&conditions);
  eng_watch_finish (watch, &conditions);
  g_autofree char *json = to_json (&conditions);
  g_autoptr (JsonNode) node = eng_json_parse_object (json, "conditions", &error);
  g_assert_no_error (error);
  eng_conditions_init (&again);
  eng_conditions_read (&again, json_node_get_object (node));
  g_autofree char *same = to_json (&again);
  g_assert_cmpstr (json, ==, same);
  g_assert_cmpuint (again.samples->len, ==, 5);
  g_assert_cmpfloat (g_array_index (again.samples, EngConditionsSample, 4).clock_hz, ==, 3e9);
  eng_conditions_clear (&again);

  /* Of a run that did not record them, and of one whose columns do not fit each other. */
  g_autoptr (JsonNode) none = eng_json_parse_object ("{}", "run", &error);
  eng_conditions_init (&again);
  eng_conditions_read (&again, json_node_get_object (none));
  g_assert_false (again.known);
  eng_conditions_clear (&again);
  g_autoptr (JsonNode) odd = eng_json_parse_object (
      "{\"conditions\": {\"series\": {\"time_s\": [0, 1, {}], \"clock_hz\": [1]}}}", "run", &error);
  eng_conditions_init (&again);
  eng_conditions_read (&again, json_node_get_object (odd));
  g_assert_cmpuint (again.samples->len, ==, 3);
  g_assert_true (isnan (g_array_index (again.samples, EngConditionsSample, 0).clock_hz));
  eng_conditions_clear (&again);
  eng_conditions_clear (&conditions);
  eng_test_remove (root);
}

/* The thread on this machine: looks at its rhythm, ends at once, and says what it cost. */
static void
test_thread (void)
{
  g_autoptr (EngWatch) watch = eng_watch_new ("/");
  EngConditions conditions;

  eng_conditions_init (&conditions);
  eng_watch_start (watch);
  g_usleep (450000);
  gint64 before = g_get_monotonic_time ();
  eng_watch_stop (watch, &conditions);
  g_assert_cmpint (g_get_monotonic_time () - before, <, 5000000);
  g_assert_cmpuint (conditions.samples->len, >=, 2); /* the first and the last, however busy the
                                                      * machine */
  g_assert_cmpfloat (conditions.wall_s, >=, 0.45);
  g_assert_cmpfloat (eng_conditions_sampler_percent (&conditions), >, 0);
  g_assert_nonnull (conditions.compiler);
  g_assert_nonnull (conditions.kernel);
  /* Read or timed, a clock is one of this century's. */
  if (conditions.clock_source != NULL)
    {
      double low, high;
      eng_conditions_clock_range (&conditions, &low, &high);
      g_assert_cmpfloat (high, >, 1e8);
      g_assert_cmpfloat (high, <, 1e10);
    }
  eng_conditions_clear (&conditions);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/conditions/quiet", test_quiet);
  g_test_add_func ("/conditions/throttling", test_throttling);
  g_test_add_func ("/conditions/rising-clock", test_rising_clock);
  g_test_add_func ("/conditions/heat", test_heat);
  g_test_add_func ("/conditions/others", test_others);
  g_test_add_func ("/conditions/governor", test_governor);
  g_test_add_func ("/conditions/disappears", test_disappears);
  g_test_add_func ("/conditions/long", test_long);
  g_test_add_func ("/conditions/json", test_json);
  g_test_add_func ("/conditions/thread", test_thread);
  return g_test_run ();
}
