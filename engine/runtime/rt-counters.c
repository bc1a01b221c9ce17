/* One group of kernel counters for one thread. Called by the executor's counted runs
 * (rt-exec-count.c); must not know what is executed. */
#include "rt-counters.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __linux__
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define REASON_BYTES 320

struct RtCounters
{
  int fds[RT_N_COUNTERS];   /* -1: missing */
  int place[RT_N_COUNTERS]; /* in what the group's leader gives; -1: missing */
  int leader;               /* index of the first that opened */
  int n_open;
  double running;
  char reasons[RT_N_COUNTERS][REASON_BYTES];
};

static const struct
{
  const char *name, *title;
} names[2][RT_N_COUNTERS] = {
  [RT_COUNTERS_HARDWARE] = { { "cycles", "cycles" },
                             { "instructions", "instructions" },
                             { "cache_misses", "cache misses" } },
  [RT_COUNTERS_SOFTWARE] = { { "task_clock_ns", "task clock" },
                             { "page_faults", "page faults" },
                             { "context_switches", "context switches" } },
};

const char *
rt_counter_name (RtCounterSet set, int counter)
{
  assert (counter >= 0 && counter < RT_N_COUNTERS);
  return names[set][counter].name;
}

const char *
rt_counter_title (RtCounterSet set, int counter)
{
  assert (counter >= 0 && counter < RT_N_COUNTERS);
  return names[set][counter].title;
}

const char *
rt_counters_reason (const RtCounters *counters, int counter)
{
  assert (counter >= 0 && counter < RT_N_COUNTERS);
  return counters->place[counter] >= 0 ? NULL : counters->reasons[counter];
}

double
rt_counters_running (const RtCounters *counters)
{
  return counters->running;
}

/* ---- Reasons ---- */

/* Whether the line of @path that starts with @key holds @word; an empty key: any line. */
static bool
file_has (const char *root, const char *path, const char *key, const char *word)
{
  char full[512], line[4096];
  bool found = false;

  snprintf (full, sizeof full, "%s/%s", root, path);
  FILE *file = fopen (full, "r");
  if (file == NULL)
    return false;
  while (!found && fgets (line, sizeof line, file) != NULL)
    found = strncmp (line, key, strlen (key)) == 0 && strstr (line, word) != NULL;
  fclose (file);
  return found;
}

/* -100: not readable. */
static int
read_paranoid (const char *root)
{
  char full[512], text[32] = "", *end = text;

  snprintf (full, sizeof full, "%s/proc/sys/kernel/perf_event_paranoid", root);
  FILE *file = fopen (full, "r");
  if (file == NULL)
    return -100;
  long value = fgets (text, sizeof text, file) != NULL ? strtol (text, &end, 10) : 0;
  fclose (file);
  return end != text && value > -100 && value < 100 ? (int)value : -100;
}

static void
explain_permission (const char *root, char *text, size_t size)
{
  int paranoid = read_paranoid (root);

  if (paranoid > 2)
    snprintf (text, size,
              "the kernel does not permit counting: kernel.perf_event_paranoid is %d and must be 2 "
              "or less; as root: sysctl kernel.perf_event_paranoid=2",
              paranoid);
  else
    snprintf (text, size,
              "counting is not permitted here: a container or sandbox filters the system call "
              "perf_event_open");
}

void
rt_counters_explain (int number, const char *root, char *text, size_t size)
{
  switch (number)
    {
    case EACCES:
    case EPERM:
      explain_permission (root, text, size);
      break;
    case ENOENT:
    case ENODEV:
    case EOPNOTSUPP:
      if (file_has (root, "proc/cpuinfo", "flags", " hypervisor"))
        snprintf (text, size,
                  "there is no such hardware counter in this virtual machine; its host may pass "
                  "it on");
      else
        snprintf (
            text, size,
            "the processor has no such hardware counter, or the kernel has no driver for it");
      break;
    case ENOSYS:
      snprintf (text, size, "the kernel was built without performance events (CONFIG_PERF_EVENTS)");
      break;
    case EMFILE:
    case ENFILE:
      snprintf (text, size, "too many files are open; raise the limit with ulimit -n");
      break;
    case EBUSY:
      snprintf (text, size, "another program has the hardware counters for itself");
      break;
    default:
      snprintf (text, size, "the kernel refused the counter: %s", strerror (number));
    }
}

#ifdef __linux__

/* ---- Counting ---- */

static const struct
{
  uint32_t type;
  uint64_t config;
} events[2][RT_N_COUNTERS] = {
  [RT_COUNTERS_HARDWARE] = { { PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
                             { PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
                             { PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES } },
  [RT_COUNTERS_SOFTWARE] = { { PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK },
                             { PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
                             { PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES } },
};

/* What read() gives for a group (perf_event_open(2), PERF_FORMAT_GROUP). */
typedef struct
{
  uint64_t n, enabled_ns, running_ns;
  uint64_t values[RT_N_COUNTERS];
} GroupRead;

static int
open_event (RtCounterSet set, int counter, int thread_id, int leader)
{
  struct perf_event_attr attr
      = { .type = events[set][counter].type,
          .size = sizeof attr,
          .config = events[set][counter].config,
          .read_format
          = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
          /* the kernel's work is neither ours nor permitted to be looked at;
                                   * of its own counters it is what they count */
          .exclude_kernel = set == RT_COUNTERS_HARDWARE,
          .exclude_hv = 1 };

  return (int)syscall (SYS_perf_event_open, &attr, thread_id, -1, leader, PERF_FLAG_FD_CLOEXEC);
}

RtCounters *
rt_counters_open (RtCounterSet set, int thread_id, RtError *error)
{
  RtCounters *counters = calloc (1, sizeof *counters);
  if (counters == NULL)
    {
      rt_fail (error, RT_ERROR_MEMORY, "No memory for counters");
      return NULL;
    }
  for (int i = 0; i < RT_N_COUNTERS; i++)
    {
      int leader = counters->n_open > 0 ? counters->fds[counters->leader] : -1;
      counters->fds[i] = open_event (set, i, thread_id, leader);
      counters->place[i] = counters->fds[i] >= 0 ? counters->n_open : -1;
      if (counters->fds[i] < 0)
        rt_counters_explain (errno, "/", counters->reasons[i], sizeof counters->reasons[i]);
      else if (counters->n_open++ == 0)
        counters->leader = i;
    }
  if (counters->n_open > 0)
    return counters;
  rt_fail (error, RT_ERROR_UNSUPPORTED, "%s", counters->reasons[0]);
  rt_counters_close (counters);
  return NULL;
}

void
rt_counters_close (RtCounters *counters)
{
  if (counters == NULL)
    return;
  for (int i = RT_N_COUNTERS; i-- > 0;)
    if (counters->fds[i] >= 0)
      close (counters->fds[i]);
  free (counters);
}

bool
rt_counters_read (RtCounters *counters, uint64_t values[RT_N_COUNTERS])
{
  GroupRead group;
  size_t bytes = offsetof (GroupRead, values) + (size_t)counters->n_open * sizeof group.values[0];
  ssize_t n = read (counters->fds[counters->leader], &group, sizeof group);

  if (n < (ssize_t)bytes || group.n != (uint64_t)counters->n_open)
    return false;
  for (int i = 0; i < RT_N_COUNTERS; i++)
    values[i] = counters->place[i] >= 0 ? group.values[counters->place[i]] : 0;
  counters->running
      = group.enabled_ns > 0 ? (double)group.running_ns / (double)group.enabled_ns : 0;
  return true;
}

#else

RtCounters *
rt_counters_open (RtCounterSet set, int thread_id, RtError *error)
{
  (void)set;
  (void)thread_id;
  rt_fail (error, RT_ERROR_UNSUPPORTED, "counting needs Linux: this system has no perf_event_open");
  return NULL;
}

void
rt_counters_close (RtCounters *counters)
{
  free (counters);
}

bool
rt_counters_read (RtCounters *counters, uint64_t values[RT_N_COUNTERS])
{
  (void)counters;
  (void)values;
  return false;
}

#endif
