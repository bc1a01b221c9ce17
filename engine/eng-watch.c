/* The thread that looks at the machine during a measurement, from /proc/stat, getrusage() and the
 * sensors of eng-sensors.h. Called by the makers of runs; judges nothing (eng-conditions.c),
 * changes no figure. */
#include "eng-watch.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "eng-sensors.h"
#include "rt-pool.h"

#define PERIOD_S 0.1

/* Samples kept: where there would be more, every second one goes and looks are half as frequent. A
 * day's run has as many as one of a minute. */
#define MAX_SAMPLES 600

/* Ticks are 10 ms: over less time than this nothing can be said of who used the processors. */
#define MIN_WALL_S 0.3

/* Processor time since the system started. */
typedef struct
{
  double time_s;                   /* of the look */
  guint64 busy_ticks, steal_ticks; /* of the processors this process may use */
  double own_s;                    /* of this process */
  guint n_cpus;                    /* 0: not readable */
} Use;

struct _EngWatch
{
  char *root;
  EngSensors *sensors;

  GThread *thread; /* NULL: not running */
  GMutex mutex;
  GCond wake;
  gboolean quit; /* under the mutex */
  guint64 start_ns;

  /* The thread's, or the caller's when there is none. */
  GArray *samples;
  double period_s;
  double sampler_cpu_s;
  Use first, last;
  gint64 first_throttle;
  gint64 pi_flags; /* all that were seen; -1: not a Pi */
};

/* ---- Who uses the processors ---- */

/* A recorded tree has processors of its own. */
static gboolean
is_allowed (const EngWatch *self, guint cpu)
{
  cpu_set_t allowed;

  if (!g_str_equal (self->root, "/"))
    return TRUE;
  return sched_getaffinity (0, sizeof allowed, &allowed) == 0 && cpu < CPU_SETSIZE
         && CPU_ISSET (cpu, &allowed);
}

static double
own_cpu_s (void)
{
  struct rusage usage;
  if (getrusage (RUSAGE_SELF, &usage) != 0)
    return 0;
  return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec
         + 1e-6 * ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec);
}

/* "cpu3 user nice system idle iowait irq softirq steal ...": one line per processor. */
static Use
read_use (const EngWatch *self, double time_s)
{
  g_autofree char *path = g_build_filename (self->root, "proc/stat", NULL);
  g_autofree char *text = NULL;
  Use use = { .time_s = time_s, .own_s = own_cpu_s () };

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return use;
  for (const char *line = text; line != NULL; line = strchr (line, '\n'))
    {
      guint cpu;
      guint64 user, nice, system, idle, iowait, irq, softirq, steal;
      line += *line == '\n';
      if (strncmp (line, "cpu", 3) != 0)
        break; /* the processors come first */
      if (sscanf (line,
                  "cpu%u %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                  " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                  " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                  &cpu, &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal)
              != 9
          || !is_allowed (self, cpu))
        continue;
      use.busy_ticks += user + nice + system + irq + softirq;
      use.steal_ticks += steal;
      use.n_cpus++;
    }
  return use;
}

/* In processors, from @a to @b; NAN where it cannot be said. */
static void
compare_use (const Use *a, const Use *b, double *own, double *others, double *stolen)
{
  double wall_s = b->time_s - a->time_s, ticks_per_s = (double)sysconf (_SC_CLK_TCK);

  *own = *others = *stolen = NAN;
  if (!(wall_s > 0) || ticks_per_s <= 0 || a->n_cpus == 0 || a->n_cpus != b->n_cpus)
    return;
  double busy = (double)(b->busy_ticks - a->busy_ticks) / ticks_per_s / wall_s;
  *own = (b->own_s - a->own_s) / wall_s;
  *others = MAX (busy - *own, 0);
  *stolen = (double)(b->steal_ticks - a->steal_ticks) / ticks_per_s / wall_s;
}

/* ---- Looking ---- */

static double
thread_cpu_s (void)
{
  struct timespec now;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Every second sample, and half as many from now on. */
static void
thin_out (EngWatch *self)
{
  for (guint i = 0; i < self->samples->len / 2; i++)
    g_array_index (self->samples, EngConditionsSample, i)
        = g_array_index (self->samples, EngConditionsSample, 2 * i);
  g_array_set_size (self->samples, self->samples->len / 2);
  self->period_s *= 2;
}

void
eng_watch_look (EngWatch *self, double time_s)
{
  double began = thread_cpu_s (), own;
  Use use = read_use (self, time_s);
  EngConditionsSample sample = { .time_s = time_s,
                                 .clock_hz = eng_sensors_read_clock_hz (self->sensors),
                                 .temperature_c = eng_sensors_read_temperature_c (self->sensors),
                                 .others_cpus = NAN,
                                 .stolen_cpus = NAN };
  gint64 flags = eng_sensors_read_pi_flags (self->sensors);

  if (self->samples->len == 0)
    {
      self->first = use;
      self->first_throttle = eng_sensors_read_throttle_count (self->sensors);
    }
  else
    compare_use (&self->last, &use, &own, &sample.others_cpus, &sample.stolen_cpus);
  self->last = use;
  if (flags >= 0)
    self->pi_flags = MAX (self->pi_flags, 0) | flags;
  if (self->samples->len >= MAX_SAMPLES)
    thin_out (self);
  g_array_append_val (self->samples, sample);
  self->sampler_cpu_s += thread_cpu_s () - began;
}

static double
now_s (const EngWatch *self)
{
  return (double)(rt_now_ns () - self->start_ns) * 1e-9;
}

static gpointer
watch_thread (gpointer data)
{
  EngWatch *self = data;

  g_mutex_lock (&self->mutex);
  while (!self->quit)
    {
      g_mutex_unlock (&self->mutex);
      eng_watch_look (self, now_s (self));
      gint64 next = g_get_monotonic_time () + (gint64)(self->period_s * 1e6);
      g_mutex_lock (&self->mutex);
      while (!self->quit && g_cond_wait_until (&self->wake, &self->mutex, next))
        ;
    }
  g_mutex_unlock (&self->mutex);
  return NULL;
}

EngWatch *
eng_watch_new (const char *root)
{
  g_return_val_if_fail (root != NULL, NULL);

  EngWatch *self = g_new0 (EngWatch, 1);
  self->root = g_strdup (root);
  self->sensors = eng_sensors_new (root);
  self->samples = g_array_new (FALSE, FALSE, sizeof (EngConditionsSample));
  self->period_s = PERIOD_S;
  self->pi_flags = -1;
  g_mutex_init (&self->mutex);
  g_cond_init (&self->wake);
  return self;
}

void
eng_watch_start (EngWatch *self)
{
  g_return_if_fail (self != NULL && self->thread == NULL);

  self->start_ns = rt_now_ns ();
  self->thread = g_thread_new ("watch", watch_thread, self);
}

static void
end_thread (EngWatch *self)
{
  if (self->thread == NULL)
    return;
  g_mutex_lock (&self->mutex);
  self->quit = TRUE;
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->mutex);
  g_thread_join (g_steal_pointer (&self->thread));
}

void
eng_watch_free (EngWatch *self)
{
  if (self == NULL)
    return;
  end_thread (self);
  eng_sensors_free (self->sensors);
  g_array_unref (self->samples);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->wake);
  g_free (self->root);
  g_free (self);
}

/* ---- The record ---- */

static char *
dup_compiler (void)
{
#if defined(__clang__)
  return g_strdup (__VERSION__);
#else
  return g_strconcat ("gcc ", __VERSION__, NULL);
#endif
}

static char *
dup_kernel (void)
{
  struct utsname name;
  return uname (&name) == 0 ? g_strdup_printf ("%s %s", name.sysname, name.release) : NULL;
}

void
eng_watch_finish (EngWatch *self, EngConditions *conditions)
{
  gint64 throttle = eng_sensors_read_throttle_count (self->sensors);

  conditions->known = TRUE;
  conditions->wall_s = self->last.time_s;
  conditions->period_s = self->period_s;
  conditions->sampler_cpu_s = self->sampler_cpu_s;
  conditions->governor = g_strdup (eng_sensors_get_governor (self->sensors));
  conditions->clock_source = g_strdup (eng_sensors_get_clock_source (self->sensors));
  conditions->clock_reason = g_strdup (eng_sensors_get_clock_reason (self->sensors));
  conditions->temperature_source = g_strdup (eng_sensors_get_temperature_source (self->sensors));
  conditions->temperature_reason = g_strdup (eng_sensors_get_temperature_reason (self->sensors));
  conditions->temperature_limit_c = eng_sensors_get_temperature_limit_c (self->sensors);
  conditions->n_throttled
      = throttle >= 0 && self->first_throttle >= 0 ? MAX (throttle - self->first_throttle, 0) : -1;
  conditions->pi_flags = self->pi_flags;
  conditions->n_cpus = self->last.n_cpus;
  conditions->compiler = dup_compiler ();
  conditions->kernel = dup_kernel ();
  if (self->last.time_s - self->first.time_s >= MIN_WALL_S)
    compare_use (&self->first, &self->last, &conditions->own_cpus, &conditions->others_cpus,
                 &conditions->stolen_cpus);
  g_array_append_vals (conditions->samples, self->samples->data, self->samples->len);
}

void
eng_watch_stop (EngWatch *self, EngConditions *conditions)
{
  g_return_if_fail (self != NULL && self->thread != NULL && conditions != NULL);

  end_thread (self);
  eng_watch_look (self, now_s (self)); /* the end, too: what a short run has of it */
  eng_watch_finish (self, conditions);
}
