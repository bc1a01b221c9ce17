/* The record of a run's conditions: judged, written and read. Called by the makers of runs and by
 * the run's JSON; reads no sensor itself (eng-watch.c does). */
#include "eng-conditions.h"

#include <math.h>
#include <stdlib.h>

#include "eng-figure.h"
#include "eng-json.h"

/* In processors: what others may take beyond those that the measurement leaves free. */
#define MAX_TAKEN 0.15

/* A clock that falls by more than this from the first third of a run to the last: figures mix two
 * speeds. Less is within the steps of governors. */
#define MAX_CLOCK_DROP 0.1
#define MIN_TREND_SAMPLES 6

/* Sensors show whole degrees. */
#define LIMIT_MARGIN_C 1

void
eng_conditions_init (EngConditions *self)
{
  *self = (EngConditions){ .wall_s = NAN,
                           .period_s = NAN,
                           .sampler_cpu_s = NAN,
                           .temperature_limit_c = NAN,
                           .n_throttled = -1,
                           .pi_flags = -1,
                           .own_cpus = NAN,
                           .others_cpus = NAN,
                           .stolen_cpus = NAN,
                           .samples = g_array_new (FALSE, FALSE, sizeof (EngConditionsSample)) };
}

void
eng_conditions_clear (EngConditions *self)
{
  g_clear_pointer (&self->governor, g_free);
  g_clear_pointer (&self->clock_source, g_free);
  g_clear_pointer (&self->clock_reason, g_free);
  g_clear_pointer (&self->temperature_source, g_free);
  g_clear_pointer (&self->temperature_reason, g_free);
  g_clear_pointer (&self->compiler, g_free);
  g_clear_pointer (&self->kernel, g_free);
  g_clear_pointer (&self->samples, g_array_unref);
}

static const EngConditionsSample *
sample_at (const EngConditions *self, guint i)
{
  return &g_array_index (self->samples, EngConditionsSample, i);
}

/* ---- Summaries ---- */

void
eng_conditions_clock_range (const EngConditions *self, double *low_hz, double *high_hz)
{
  *low_hz = *high_hz = NAN;
  for (guint i = 0; i < self->samples->len; i++)
    {
      double hz = sample_at (self, i)->clock_hz;
      if (!isfinite (hz))
        continue;
      *low_hz = *low_hz <= hz ? *low_hz : hz;
      *high_hz = *high_hz >= hz ? *high_hz : hz;
    }
}

double
eng_conditions_hottest_c (const EngConditions *self)
{
  double hottest = NAN;

  for (guint i = 0; i < self->samples->len; i++)
    {
      double c = sample_at (self, i)->temperature_c;
      if (isfinite (c) && !(hottest >= c))
        hottest = c;
    }
  return hottest;
}

double
eng_conditions_sampler_percent (const EngConditions *self)
{
  return self->wall_s > 0 ? 100 * self->sampler_cpu_s / self->wall_s : NAN;
}

/* ---- Words ---- */

/* "4.12 GHz to 4.32 GHz (cpufreq)"; @source NULL: the reason. */
static char *
dup_clock (const EngConditions *self)
{
  double low, high;

  eng_conditions_clock_range (self, &low, &high);
  if (!isfinite (low))
    return g_strdup_printf ("unavailable: %s",
                            self->clock_reason != NULL ? self->clock_reason : "not read");
  g_autofree char *from = eng_format_value (low, "Hz");
  g_autofree char *to = eng_format_value (high, "Hz");
  return g_strdup_printf ("%s to %s (%s)", from, to, self->clock_source);
}

static char *
dup_temperature (const EngConditions *self)
{
  double hottest = eng_conditions_hottest_c (self);

  if (!isfinite (hottest))
    return g_strdup_printf ("unavailable: %s", self->temperature_reason != NULL
                                                   ? self->temperature_reason
                                                   : "not read");
  if (isfinite (self->temperature_limit_c))
    return g_strdup_printf ("at most %.0f °C of %.0f °C (%s)", hottest, self->temperature_limit_c,
                            self->temperature_source);
  return g_strdup_printf ("at most %.0f °C (%s)", hottest, self->temperature_source);
}

static char *
dup_cpus (double used, guint n_cpus)
{
  return isfinite (used) ? g_strdup_printf ("%.2f of %u processors", used, n_cpus)
                         : g_strdup ("unavailable: too short to tell");
}

static void
add_fact (GStrvBuilder *facts, const char *name, char *value)
{
  g_strv_builder_add (facts, name);
  g_strv_builder_add (facts, value != NULL ? value : "unavailable");
  g_free (value);
}

GStrv
eng_conditions_dup_facts (const EngConditions *self)
{
  g_autoptr (GStrvBuilder) facts = g_strv_builder_new ();

  if (self->known)
    {
      add_fact (facts, "Clock meanwhile", dup_clock (self));
      add_fact (facts, "Temperature", dup_temperature (self));
      add_fact (facts, "Throttled for heat",
                self->n_throttled >= 0
                    ? g_strdup_printf ("%" G_GINT64_FORMAT " times", self->n_throttled)
                    : g_strdup ("unavailable: the processor does not count it here"));
      add_fact (facts, "Other programs", dup_cpus (self->others_cpus, self->n_cpus));
      add_fact (facts, "Taken by the host", dup_cpus (self->stolen_cpus, self->n_cpus));
      add_fact (facts, "Watching the machine",
                g_strdup_printf ("%.2f %% of one processor",
                                 eng_conditions_sampler_percent (self)));
      add_fact (facts, "Compiler of the engine", g_strdup (self->compiler));
    }
  return g_strv_builder_end (facts);
}

/* ---- Judging ---- */

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double
median (const double *values, guint n)
{
  g_autofree double *sorted = g_memdup2 (values, n * sizeof *values);
  qsort (sorted, n, sizeof *sorted, compare_doubles);
  return eng_quantile_sorted (sorted, n, 0.5);
}

/* Of the clocks and temperatures that are there: first third and last third. FALSE: too few. */
static gboolean
thirds (const EngConditions *self, gsize offset, double *first, double *last)
{
  g_autofree double *values = g_new (double, self->samples->len + 1);
  guint n = 0;

  for (guint i = 0; i < self->samples->len; i++)
    {
      double value = G_STRUCT_MEMBER (double, sample_at (self, i), offset);
      if (isfinite (value))
        values[n++] = value;
    }
  if (n < MIN_TREND_SAMPLES)
    return FALSE;
  *first = median (values, n / 3);
  *last = median (values + n - n / 3, n / 3);
  return TRUE;
}

static void
judge_clock (const EngConditions *self, GPtrArray *reasons)
{
  double first, last, cool, warm;

  if (!thirds (self, G_STRUCT_OFFSET (EngConditionsSample, clock_hz), &first, &last)
      || !(last < first * (1 - MAX_CLOCK_DROP)))
    return;
  g_autofree char *from = eng_format_value (first, "Hz");
  g_autofree char *to = eng_format_value (last, "Hz");
  g_autofree char *heat
      = thirds (self, G_STRUCT_OFFSET (EngConditionsSample, temperature_c), &cool, &warm)
                && warm > cool + LIMIT_MARGIN_C
            ? g_strdup_printf (" while the processor warmed from %.0f to %.0f °C", cool, warm)
            : g_strdup ("");
  g_ptr_array_add (reasons,
                   g_strdup_printf ("the clock fell from %s to %s during the run%s: it was "
                                    "throttled, and its figures mix two speeds; let it cool, or "
                                    "cap its clock",
                                    from, to, heat));
}

static void
judge_heat (const EngConditions *self, GPtrArray *reasons)
{
  static const char *const flags[] = { "its supply voltage is too low", "its clock is capped",
                                       "it is throttled", "it is at its soft temperature limit" };
  double hottest = eng_conditions_hottest_c (self);

  if (hottest >= self->temperature_limit_c - LIMIT_MARGIN_C) /* FALSE for NAN */
    g_ptr_array_add (reasons,
                     g_strdup_printf ("the processor reached %.0f °C; at %.0f °C the system slows "
                                      "it down",
                                      hottest, self->temperature_limit_c));
  if (self->n_throttled > 0)
    g_ptr_array_add (reasons, g_strdup_printf ("the processor throttled %" G_GINT64_FORMAT
                                               " times for heat meanwhile",
                                               self->n_throttled));
  for (guint bit = 0; self->pi_flags > 0 && bit < G_N_ELEMENTS (flags); bit++)
    if (self->pi_flags >> bit & 1)
      g_ptr_array_add (reasons, g_strdup_printf ("the board says that %s", flags[bit]));
}

static void
judge_others (const EngConditions *self, guint n_threads, GPtrArray *reasons)
{
  double spare = (double)self->n_cpus - n_threads;

  if (self->others_cpus > spare + MAX_TAKEN)
    g_ptr_array_add (
        reasons,
        g_strdup_printf (
            "other programs used %.1f of %u processors meanwhile; close them and run again",
            self->others_cpus, self->n_cpus));
  if (self->stolen_cpus > MAX_TAKEN)
    g_ptr_array_add (
        reasons,
        g_strdup_printf ("the host took %.1f processors away from this virtual machine meanwhile",
                         self->stolen_cpus));
}

void
eng_conditions_judge (const EngConditions *self, guint n_threads, GPtrArray *reasons)
{
  g_return_if_fail (self != NULL && reasons != NULL);

  if (!self->known)
    return;
  judge_others (self, n_threads, reasons);
  judge_clock (self, reasons);
  judge_heat (self, reasons);
  if (self->governor != NULL && !g_str_equal (self->governor, "performance"))
    g_ptr_array_add (
        reasons,
        g_strdup_printf (
            "the clock governor is \"%s\", not \"performance\": speeds may follow the clock",
            self->governor));
}

/* ---- JSON ---- */

/* Columns of the time series; units in the names. */
static const struct
{
  const char *name;
  gsize offset;
} columns[] = {
  { "time_s", G_STRUCT_OFFSET (EngConditionsSample, time_s) },
  { "clock_hz", G_STRUCT_OFFSET (EngConditionsSample, clock_hz) },
  { "temperature_c", G_STRUCT_OFFSET (EngConditionsSample, temperature_c) },
  { "others_cpus", G_STRUCT_OFFSET (EngConditionsSample, others_cpus) },
  { "stolen_cpus", G_STRUCT_OFFSET (EngConditionsSample, stolen_cpus) },
};

static gboolean
has_column (const EngConditions *self, gsize offset)
{
  for (guint i = 0; i < self->samples->len; i++)
    if (isfinite (G_STRUCT_MEMBER (double, sample_at (self, i), offset)))
      return TRUE;
  return FALSE;
}

/* A column that nobody could read is left out. */
static void
write_series (const EngConditions *self, JsonBuilder *builder)
{
  json_builder_set_member_name (builder, "series");
  json_builder_begin_object (builder);
  for (guint c = 0; c < G_N_ELEMENTS (columns); c++)
    {
      if (!has_column (self, columns[c].offset))
        continue;
      json_builder_set_member_name (builder, columns[c].name);
      json_builder_begin_array (builder);
      for (guint i = 0; i < self->samples->len; i++)
        {
          double value = G_STRUCT_MEMBER (double, sample_at (self, i), columns[c].offset);
          if (isfinite (value))
            json_builder_add_double_value (builder, value);
          else
            json_builder_add_null_value (builder);
        }
      json_builder_end_array (builder);
    }
  json_builder_end_object (builder);
}

static void
write_count (JsonBuilder *builder, const char *name, gint64 value)
{
  if (value >= 0)
    eng_json_add_int (builder, name, value);
  else
    eng_json_add_double (builder, name, NAN);
}

void
eng_conditions_write (const EngConditions *self, JsonBuilder *builder)
{
  if (!self->known)
    return;
  json_builder_set_member_name (builder, "conditions");
  json_builder_begin_object (builder);
  eng_json_add_double (builder, "wall_s", self->wall_s);
  eng_json_add_double (builder, "sampling_period_s", self->period_s);
  eng_json_add_double (builder, "sampling_cpu_s", self->sampler_cpu_s);
  eng_json_add_string (builder, "governor", self->governor);
  eng_json_add_string (builder, "clock_source", self->clock_source);
  eng_json_add_string (builder, "clock_unavailable", self->clock_reason);
  eng_json_add_string (builder, "temperature_source", self->temperature_source);
  eng_json_add_string (builder, "temperature_unavailable", self->temperature_reason);
  eng_json_add_double (builder, "temperature_limit_c", self->temperature_limit_c);
  write_count (builder, "throttle_events", self->n_throttled);
  write_count (builder, "raspberry_pi_flags", self->pi_flags);
  eng_json_add_int (builder, "cpus", self->n_cpus);
  eng_json_add_double (builder, "own_cpus", self->own_cpus);
  eng_json_add_double (builder, "others_cpus", self->others_cpus);
  eng_json_add_double (builder, "stolen_cpus", self->stolen_cpus);
  eng_json_add_string (builder, "compiler", self->compiler);
  eng_json_add_string (builder, "kernel", self->kernel);
  write_series (self, builder);
  json_builder_end_object (builder);
}

static double
element_or_nan (JsonArray *array, guint i)
{
  JsonNode *node = json_array_get_element (array, i);

  return JSON_NODE_HOLDS_VALUE (node) ? json_node_get_double (node) : NAN;
}

/* As many samples as times; a column of another length is another run's. */
static void
read_series (EngConditions *self, JsonObject *series)
{
  JsonArray *times = series != NULL ? eng_json_get_array (series, "time_s") : NULL;
  guint n = times != NULL ? json_array_get_length (times) : 0;

  for (guint i = 0; i < n; i++)
    {
      EngConditionsSample sample = { NAN, NAN, NAN, NAN, NAN };
      for (guint c = 0; c < G_N_ELEMENTS (columns); c++)
        {
          JsonArray *column = eng_json_get_array (series, columns[c].name);
          if (column != NULL && json_array_get_length (column) == n)
            G_STRUCT_MEMBER (double, &sample, columns[c].offset) = element_or_nan (column, i);
        }
      g_array_append_val (self->samples, sample);
    }
}

void
eng_conditions_read (EngConditions *self, JsonObject *run)
{
  JsonObject *object = eng_json_get_object (run, "conditions");

  self->known = object != NULL;
  if (object == NULL)
    return;
  self->wall_s = eng_json_get_double (object, "wall_s");
  self->period_s = eng_json_get_double (object, "sampling_period_s");
  self->sampler_cpu_s = eng_json_get_double (object, "sampling_cpu_s");
  self->governor = g_strdup (eng_json_get_string (object, "governor"));
  self->clock_source = g_strdup (eng_json_get_string (object, "clock_source"));
  self->clock_reason = g_strdup (eng_json_get_string (object, "clock_unavailable"));
  self->temperature_source = g_strdup (eng_json_get_string (object, "temperature_source"));
  self->temperature_reason = g_strdup (eng_json_get_string (object, "temperature_unavailable"));
  self->temperature_limit_c = eng_json_get_double (object, "temperature_limit_c");
  self->n_throttled = eng_json_get_int (object, "throttle_events", -1);
  self->pi_flags = eng_json_get_int (object, "raspberry_pi_flags", -1);
  self->n_cpus = (guint)CLAMP (eng_json_get_int (object, "cpus", 0), 0, G_MAXINT);
  self->own_cpus = eng_json_get_double (object, "own_cpus");
  self->others_cpus = eng_json_get_double (object, "others_cpus");
  self->stolen_cpus = eng_json_get_double (object, "stolen_cpus");
  self->compiler = g_strdup (eng_json_get_string (object, "compiler"));
  self->kernel = g_strdup (eng_json_get_string (object, "kernel"));
  read_series (self, eng_json_get_object (object, "series"));
}
