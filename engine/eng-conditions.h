/* The conditions of a run: what the machine was doing while it was measured, as a record. Taken by
 * the watch (eng-watch.h), kept in the run's JSON. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* One look at the machine. NAN: unavailable, never zero. */
typedef struct
{
  double time_s; /* since the start */
  double clock_hz;
  double temperature_c;
  double others_cpus; /* processors used by other programs since the look before */
  double stolen_cpus; /* taken away by the host of a virtual machine */
} EngConditionsSample;

typedef struct
{
  gboolean known; /* FALSE: a run of a version that did not record them, or one that did not measure
                   * time */
  double wall_s;
  double period_s;      /* between two looks */
  double sampler_cpu_s; /* processor time that looking took: part of the run's own overhead */
  char *governor;       /* NULL: unavailable */
  char *clock_source, *clock_reason;             /* one of them is NULL */
  char *temperature_source, *temperature_reason; /* likewise */
  double temperature_limit_c;                    /* NAN: the system does not say */
  gint64 n_throttled; /* times the processors throttled meanwhile; -1: unavailable */
  gint64 pi_flags;    /* eng_sensors_read_pi_flags(), those that were set at any look; -1: not a
                       * Pi */
  guint n_cpus;       /* that this process may use */
  double own_cpus, others_cpus, stolen_cpus; /* over the whole run; NAN: too short, or the system
                                              * does not say */
  char *compiler, *kernel;
  GArray *samples; /* EngConditionsSample, in order of time */
} EngConditions;

void eng_conditions_init (EngConditions *self); /* nothing known */
void eng_conditions_clear (EngConditions *self);

/* Adds to @reasons (char *) what made a measurement with @n_threads doubtful: processors taken by
 * others, time stolen by the host, a clock that fell, heat, throttling, a governor that lets the
 * clock wander. Nothing is added where it cannot be known. */
void eng_conditions_judge (const EngConditions *self, guint n_threads, GPtrArray *reasons);

/* Highest, lowest and last over the samples; NAN when none has it. */
void eng_conditions_clock_range (const EngConditions *self, double *low_hz, double *high_hz);
double eng_conditions_hottest_c (const EngConditions *self);
/* of one processor; NAN: not known */
double eng_conditions_sampler_percent (const EngConditions *self);

/* For people: names and values in turn ("Clock meanwhile", "4.12 GHz to 4.32 GHz (cpufreq)",
 * "Temperature", "unavailable: ..."), beside what the machine is (eng_machine_to_json()); empty
 * when they are not known. */
GStrv eng_conditions_dup_facts (const EngConditions *self);

/* Member "conditions" of the object that is open; nothing when they are not known. */
void eng_conditions_write (const EngConditions *self, JsonBuilder *builder);
void eng_conditions_read (EngConditions *self, JsonObject *run);

G_END_DECLS
