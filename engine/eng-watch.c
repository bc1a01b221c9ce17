/* What else happened on the machine during a measurement, from /proc/stat, getrusage() and the
 * thermal counters of sysfs. Called by the run; judges validity, never changes a figure. */
#include "eng-watch.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Ticks are 10 ms: shorter than this nothing can be said. */
#define MIN_WALL_S 0.3
/* In processors: what others may take beyond those that the measurement leaves free. */
#define MAX_TAKEN 0.15

static gboolean
is_allowed (const cpu_set_t *allowed, guint cpu)
{
  return cpu < CPU_SETSIZE && CPU_ISSET (cpu, allowed);
}

/* "cpu3 user nice system idle iowait irq softirq steal ...": one line per processor. */
static void
read_ticks (EngWatch *watch)
{
  g_autofree char *text = NULL;
  cpu_set_t allowed;

  if (sched_getaffinity (0, sizeof allowed, &allowed) != 0
      || !g_file_get_contents ("/proc/stat", &text, NULL, NULL))
    return;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      guint cpu;
      guint64 user, nice, system, idle, iowait, irq, softirq, steal;
      if (sscanf (lines[i],
                  "cpu%u %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                  " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                  " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                  &cpu, &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal)
              != 9
          || !is_allowed (&allowed, cpu))
        continue;
      watch->busy_ticks += user + nice + system + irq + softirq;
      watch->steal_ticks += steal;
      watch->n_cpus++;
    }
}

static double
read_own_s (void)
{
  struct rusage usage;
  if (getrusage (RUSAGE_SELF, &usage) != 0)
    return 0;
  return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec
         + 1e-6 * ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec);
}

/* How often the processors throttled for heat since the start of the system, all added; -1 when the
 * system does not say. */
static gint64
read_throttle_count (guint n_cpus)
{
  gint64 sum = -1;
  for (guint cpu = 0; cpu < n_cpus; cpu++)
    {
      g_autofree char *path
          = g_strdup_printf ("/sys/devices/system/cpu/cpu%u/thermal_throttle/core_throttle_count",
                             cpu);
      g_autofree char *text = NULL;
      if (g_file_get_contents (path, &text, NULL, NULL))
        sum = MAX (sum, 0) + g_ascii_strtoll (text, NULL, 10);
    }
  return sum;
}

void
eng_watch_start (EngWatch *watch)
{
  *watch = (EngWatch){ .wall_us = g_get_monotonic_time () };
  read_ticks (watch);
  watch->own_s = read_own_s ();
  watch->throttle_count = read_throttle_count (watch->n_cpus);
}

void
eng_watch_judge (const EngWatch *start, guint n_threads, GPtrArray *reasons)
{
  EngWatch end;
  eng_watch_start (&end);

  double wall_s = (double)(end.wall_us - start->wall_us) * 1e-6;
  double ticks_per_s = (double)sysconf (_SC_CLK_TCK);
  if (wall_s >= MIN_WALL_S && ticks_per_s > 0 && start->n_cpus > 0 && start->n_cpus == end.n_cpus)
    {
      double busy = (double)(end.busy_ticks - start->busy_ticks) / ticks_per_s / wall_s;
      double stolen = (double)(end.steal_ticks - start->steal_ticks) / ticks_per_s / wall_s;
      double others = MAX (busy - (end.own_s - start->own_s) / wall_s, 0);
      double spare = (double)end.n_cpus - n_threads;
      if (others > spare + MAX_TAKEN)
        g_ptr_array_add (
            reasons,
            g_strdup_printf (
                "other programs used %.1f of %u processors meanwhile; close them and run again",
                others, end.n_cpus));
      if (stolen > MAX_TAKEN)
        g_ptr_array_add (
            reasons,
            g_strdup_printf (
                "the host took %.1f processors away from this virtual machine meanwhile", stolen));
    }
  if (start->throttle_count >= 0 && end.throttle_count > start->throttle_count)
    g_ptr_array_add (reasons, g_strdup_printf ("the processor throttled %" G_GINT64_FORMAT
                                               " times for heat meanwhile",
                                               end.throttle_count - start->throttle_count));
}
