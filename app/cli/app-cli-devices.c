/* `lathe devices`: this computer, its caches, its roofs, its sensors and meters; what it does not
 * have, with the reason. */

#include <math.h>

#include "app-cli-devices.h"
#include "app-cli-private.h"
#include "eng-machine.h"
#include "eng-power.h"
#include "eng-sensors.h"
#include "rt-counters.h"

static gboolean as_json, measure;

static const GOptionEntry entries[] = {
  { "measure", 0, 0, G_OPTION_ARG_NONE, &measure,
    "Measure the roofs again (some seconds for each number of threads; nothing else should run)",
    NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

static const char no_governor[] = "this system shows no governor (no cpufreq in sysfs)";
static const char no_throttle[]
    = "the processor counts no throttling here (no thermal_throttle in sysfs)";

/* ---- Text ---- */

static void
print_fact (const char *name, const char *value, const char *reason)
{
  g_print ("  %-18s %s%s\n", name,
           value != NULL ? "" : "unavailable: ", value != NULL ? value : reason);
}

static void
print_number (const char *name, double value, const char *unit, const char *reason)
{
  g_autofree char *text = isfinite (value) && value > 0 ? eng_format_value (value, unit) : NULL;

  print_fact (name, text, reason);
}

static void
print_caches (EngMachine *machine)
{
  guint n;
  const EngCache *caches = eng_machine_get_caches (machine, &n);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("Cache L%u", caches[i].level);
      g_autofree char *bytes = eng_format_value ((double)caches[i].bytes, "B");
      g_autofree char *text
          = caches[i].n_sharing > 1
                ? g_strdup_printf ("%s, shared by %u processors", bytes, caches[i].n_sharing)
                : g_strdup_printf ("%s for each processor", bytes);
      print_fact (name, caches[i].n_sharing > 0 ? text : bytes, NULL);
    }
  if (n == 0)
    print_fact ("Caches", NULL, "this system does not describe them in sysfs");
}

/* Empty: all can be counted; else why the first that cannot is missing. */
static char *
dup_counters_reason (void)
{
  RtError error = { 0 };
  RtCounters *counters = rt_counters_open (RT_COUNTERS_HARDWARE, 0, &error);
  char *reason = NULL;

  if (counters == NULL)
    return g_strdup (error.message);
  for (int c = 0; reason == NULL && c < RT_N_COUNTERS; c++)
    if (rt_counters_reason (counters, c) != NULL)
      reason = g_strdup_printf ("%s: %s", rt_counter_title (RT_COUNTERS_HARDWARE, c),
                                rt_counters_reason (counters, c));
  rt_counters_close (counters);
  return reason != NULL ? reason : g_strdup ("");
}

static void
print_sensors (EngSensors *sensors)
{
  double clock = eng_sensors_read_clock_hz (sensors), c = eng_sensors_read_temperature_c (sensors);
  gint64 count = eng_sensors_read_throttle_count (sensors);
  g_autofree char *hz = isfinite (clock) ? eng_format_value (clock, "Hz") : NULL;
  g_autofree char *clock_text
      = hz != NULL ? g_strdup_printf ("%s (%s)", hz, eng_sensors_get_clock_source (sensors)) : NULL;
  g_autofree char *heat
      = isfinite (c)
            ? g_strdup_printf ("%.0f °C (%s)", c, eng_sensors_get_temperature_source (sensors))
            : NULL;
  g_autofree char *throttled
      = count >= 0 ? g_strdup_printf ("%" G_GINT64_FORMAT " times since the start", count) : NULL;

  g_autofree char *why_not = dup_counters_reason ();

  g_print ("\nSensors\n");
  print_fact ("Clock", clock_text, eng_sensors_get_clock_reason (sensors));
  print_fact ("Governor", eng_sensors_get_governor (sensors), no_governor);
  print_fact ("Temperature", heat, eng_sensors_get_temperature_reason (sensors));
  print_fact ("Throttled", throttled, no_throttle);
  print_fact ("Hardware counters", why_not[0] == '\0' ? "cycles, instructions, cache misses" : NULL,
              why_not);
}

static void
print_meters (void)
{
  g_autoptr (GPtrArray) meters = eng_meters_list (NULL);
  g_autofree char *text = eng_meters_describe (meters);

  g_print ("\nMeters of energy\n%s%s", text, g_str_has_suffix (text, "\n") ? "" : "\n");
}

static void
print_roof_line (const char *name, const EngRoofFigure *figure, const char *unit)
{
  EngFigure with_interval = eng_roof_to_figure (figure, unit);
  g_autofree char *text = eng_figure_format (&with_interval);

  g_print ("  %-18s %s\n", name, text);
}

static void
print_roof (const EngRoof *roof)
{
  g_autoptr (GDateTime) time = roof->time > 0 ? g_date_time_new_from_unix_local (roof->time) : NULL;
  g_autofree char *date = time != NULL ? g_date_time_format (time, "%Y-%m-%d %H:%M")
                                       : g_strdup ("by an older version");

  g_print ("\nRoofs with %u thread%s (median and 95 %% interval; measured %s)\n", roof->n_threads,
           roof->n_threads == 1 ? "" : "s", date);
  for (guint i = 0; i < roof->n_levels; i++)
    {
      g_autofree char *name = g_strdup_printf ("Reading %s", roof->levels[i].name);
      print_roof_line (name, &roof->levels[i].read, "B/s");
    }
  if (roof->n_levels == 0)
    print_roof_line ("Reading memory", &roof->read, "B/s");
  print_roof_line ("Float arithmetic", &roof->f32, "FLOP/s");
  print_roof_line ("8-bit arithmetic", &roof->int8, "op/s");
  if (roof->others_cpus > ENG_ROOF_MAX_OTHERS)
    g_print ("  other programs used %.1f processors meanwhile: the roofs may be too low; measure "
             "them again on a quiet machine\n",
             roof->others_cpus);
}

static void
print_text (EngMachine *machine, EngSensors *sensors)
{
  guint counts[ENG_MAX_ROOF_COUNTS], n = eng_machine_roof_thread_counts (machine, counts),
                                     n_kept = 0;
  g_autofree char *isa = g_utf8_strup (eng_machine_get_isa (machine), -1);
  g_autofree char *cpus = g_strdup_printf ("%u", eng_machine_get_n_cpus (machine));

  g_print ("This computer\n");
  print_fact ("Processor", eng_machine_get_cpu (machine), NULL);
  print_fact ("Instruction set", isa, NULL);
  print_fact ("Usable processors", cpus, NULL);
  print_number ("Memory", (double)eng_machine_get_memory_bytes (machine), "B",
                "this system has no /proc/meminfo");
  print_caches (machine);
  print_sensors (sensors);
  print_meters ();
  for (guint i = 0; i < n; i++)
    {
      EngRoof roof;
      if (!eng_machine_load_roof (machine, counts[i], &roof))
        continue;
      print_roof (&roof);
      n_kept++;
    }
  if (n_kept == 0)
    g_print ("\nRoofs\n  not measured yet: lathe devices --measure\n");
}

/* ---- JSON ---- */

static void
json_roof_figure (JsonBuilder *builder, const char *name, const EngRoofFigure *figure)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  app_cli_json_number (builder, "value", figure->value);
  app_cli_json_number (builder, "low95", figure->low);
  app_cli_json_number (builder, "high95", figure->high);
  json_builder_end_object (builder);
}

static void
json_roof (JsonBuilder *builder, const EngRoof *roof)
{
  json_builder_begin_object (builder);
  app_cli_json_int (builder, "threads", roof->n_threads);
  app_cli_json_number (builder, "time_unix_s", roof->time > 0 ? (double)roof->time : NAN);
  app_cli_json_number (builder, "others_cpus", roof->others_cpus);
  json_builder_set_member_name (builder, "levels");
  json_builder_begin_array (builder);
  for (guint i = 0; i < roof->n_levels; i++)
    {
      json_builder_begin_object (builder);
      app_cli_json_string (builder, "name", roof->levels[i].name);
      app_cli_json_number (builder, "cache_bytes",
                           roof->levels[i].cache_bytes > 0 ? (double)roof->levels[i].cache_bytes
                                                           : NAN);
      app_cli_json_int (builder, "working_set_bytes", (gint64)roof->levels[i].working_set_bytes);
      json_roof_figure (builder, "read_bytes_per_s", &roof->levels[i].read);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_roof_figure (builder, "read_bytes_per_s", &roof->read);
  json_roof_figure (builder, "f32_flop_per_s", &roof->f32);
  json_roof_figure (builder, "int8_op_per_s", &roof->int8);
  json_builder_end_object (builder);
}

static void
json_caches (JsonBuilder *builder, EngMachine *machine)
{
  guint n;
  const EngCache *caches = eng_machine_get_caches (machine, &n);

  json_builder_set_member_name (builder, "caches");
  json_builder_begin_array (builder);
  for (guint i = 0; i < n; i++)
    {
      json_builder_begin_object (builder);
      app_cli_json_int (builder, "level", caches[i].level);
      app_cli_json_int (builder, "bytes", (gint64)caches[i].bytes);
      app_cli_json_number (builder, "sharing_cpus",
                           caches[i].n_sharing > 0 ? caches[i].n_sharing : NAN);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

/* {"value": ...} or {"unavailable": reason}. */
static void
json_sensor (JsonBuilder *builder, const char *name, double value, const char *source,
             const char *reason)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  if (isfinite (value))
    app_cli_json_number (builder, "value", value);
  else
    app_cli_json_string (builder, "unavailable", reason);
  if (source != NULL)
    app_cli_json_string (builder, "source", source);
  json_builder_end_object (builder);
}

static void
json_sensors (JsonBuilder *builder, EngSensors *sensors)
{
  gint64 count = eng_sensors_read_throttle_count (sensors);
  g_autofree char *why_not = dup_counters_reason ();

  json_builder_set_member_name (builder, "sensors");
  json_builder_begin_object (builder);
  json_sensor (builder, "clock_hz", eng_sensors_read_clock_hz (sensors),
               eng_sensors_get_clock_source (sensors), eng_sensors_get_clock_reason (sensors));
  json_sensor (builder, "temperature_c", eng_sensors_read_temperature_c (sensors),
               eng_sensors_get_temperature_source (sensors),
               eng_sensors_get_temperature_reason (sensors));
  json_sensor (builder, "throttle_events", count >= 0 ? (double)count : NAN, NULL, no_throttle);
  app_cli_json_string (builder, "governor", eng_sensors_get_governor (sensors));
  app_cli_json_string (builder, "hardware_counters_unavailable",
                       why_not[0] != '\0' ? why_not : NULL);
  json_builder_end_object (builder);
}

static void
json_meters (JsonBuilder *builder)
{
  g_autoptr (GPtrArray) meters = eng_meters_list (NULL);

  json_builder_set_member_name (builder, "meters");
  json_builder_begin_array (builder);
  for (guint i = 0; i < meters->len; i++)
    {
      const EngMeterInfo *meter = meters->pdata[i];
      json_builder_begin_object (builder);
      app_cli_json_string (builder, "id", meter->id);
      app_cli_json_string (builder, "title", meter->title);
      app_cli_json_string (builder, "place", meter->place);
      if (meter->available)
        app_cli_json_string (builder, "covers", meter->covers);
      else
        app_cli_json_string (builder, "unavailable", meter->reason);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
print_json (EngMachine *machine, EngSensors *sensors)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *machine_json = eng_machine_to_json (machine);
  guint counts[ENG_MAX_ROOF_COUNTS], n = eng_machine_roof_thread_counts (machine, counts);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "devices");
  json_builder_begin_array (builder);
  json_builder_begin_object (builder);
  app_cli_json_string (builder, "id", "local");
  json_builder_set_member_name (builder, "machine");
  json_builder_add_value (builder, json_from_string (machine_json, NULL));
  json_caches (builder, machine);
  json_sensors (builder, sensors);
  json_meters (builder);
  json_builder_set_member_name (builder, "roofs");
  json_builder_begin_array (builder);
  for (guint i = 0; i < n; i++)
    {
      EngRoof roof;
      if (eng_machine_load_roof (machine, counts[i], &roof))
        json_roof (builder, &roof);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  app_cli_json_print (builder);
}

/* ---- The command ---- */

static void
on_stopped (GCancellable *stop, gpointer job)
{
  eng_job_cancel (job);
}

static gboolean
measure_roofs (EngMachine *machine, GError **error)
{
  g_autoptr (EngJob) job = eng_job_new ("Measuring this computer");
  g_autoptr (GCancellable) stop = app_cli_stop_on_interrupt ();
  gulong handler = g_cancellable_connect (stop, G_CALLBACK (on_stopped), job, NULL);
  guint counts[ENG_MAX_ROOF_COUNTS], n = eng_machine_roof_thread_counts (machine, counts);
  gboolean ok = TRUE;

  for (guint i = 0; ok && i < n; i++)
    {
      EngRoof roof;
      g_printerr ("Measuring the roofs of %u of %u threads...\n", counts[i], counts[n - 1]);
      ok = eng_machine_measure_roof (machine, counts[i], TRUE, &roof, job, error);
    }
  g_cancellable_disconnect (stop, handler);
  return ok;
}

static gboolean
run (int argc, char **argv, GError **error)
{
  if (argc > 1 && app_cli_devices_is_edit (argv[1]))
    return app_cli_devices_edit (argc - 1, argv + 1, error);
  if (argc > 1 && *argv[1] != '-')
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "there is no “%s”. Usage: lathe devices %s", argv[1],
                   app_command_devices.arguments);
      return FALSE;
    }

  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autoptr (EngSensors) sensors = eng_sensors_new ("/");

  if (!app_cli_parse (&app_command_devices, entries, &argc, &argv, 0, error)
      || (measure && !measure_roofs (machine, error)))
    return FALSE;
  if (as_json)
    print_json (machine, sensors);
  else
    print_text (machine, sensors);
  return TRUE;
}

const AppCommand app_command_devices
    = { "devices",
        "[--measure] [--json] | list | add TRANSPORT ... | remove NAME | search | doctor [NAME] | "
        "clean NAME | calibrate NAME | expect NAME FILE | builds NAME | rollback NAME [BUILD]",
        "This computer (caches, roofs, sensors, meters); boards: list, add, find, check.", run };
