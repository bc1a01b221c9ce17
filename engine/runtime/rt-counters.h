/* Performance counters of one thread, as the kernel counts them: processor cycles, instructions and
 * cache misses where there is a hardware unit, else the reason in plain words. Linux's
 * perf_event_open(2); libc only, because the same object runs on a board. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rt-error.h"

typedef enum
{
  RT_COUNTERS_HARDWARE, /* cycles, instructions, misses of the last cache: in user space only */
  RT_COUNTERS_SOFTWARE, /* the kernel's own: task clock in ns, page faults, context switches; there
                         * is no hardware to lack, so that tests count with them */
} RtCounterSet;

#define RT_N_COUNTERS 3

/* "cycles", "page_faults": a field in JSON and CSV; and in words. */
const char *rt_counter_name (RtCounterSet set, int counter);
const char *rt_counter_title (RtCounterSet set, int counter);

typedef struct RtCounters RtCounters;

/* Counters of thread @thread_id of this process (0: the calling one), counting from now on, as one
 * group, so that they are of the same time. NULL when none can be opened: the error says why and
 * what to do. Some may be missing when it succeeds. */
RtCounters *rt_counters_open (RtCounterSet set, int thread_id, RtError *error);
void rt_counters_close (RtCounters *counters); /* accepts NULL */

/* NULL: there; else why not. */
const char *rt_counters_reason (const RtCounters *counters, int counter);

/* Values since the opening; of missing counters 0. One system call, about a microsecond; its own
 * work in the kernel is not counted. false: could not be read, @values is then as it was. Any
 * thread. */
bool rt_counters_read (RtCounters *counters, uint64_t values[RT_N_COUNTERS]);

/* Share of the time up to the last reading that the group was really counting, 0..1: the hardware
 * has few counters, and the kernel deals them out in turn. */
double rt_counters_running (const RtCounters *counters);

/* Why perf_event_open() failed with @number (an errno), in words: what is missing and what to do.
 * @root: "/", or a recorded tree with proc/sys/kernel/perf_event_paranoid and proc/cpuinfo. */
void rt_counters_explain (int number, const char *root, char *text, size_t size);
