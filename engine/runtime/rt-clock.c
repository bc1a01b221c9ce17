/* The rate of the trace clock. Used by the executor's traces only. */
#include "rt-clock.h"

#include <math.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* The fixed points are read within some 50 ns: over this time the rate is good to a few parts in a
 * million. */
#define MIN_BASE_NS 20000000

/* A rate that moves by more than this between two runs is not one. */
#define MAX_RATE_CHANGE 1e-3

static bool
counter_is_steady (void)
{
#if defined(__x86_64__)
  unsigned a, b, c, d;
  /* "Invariant TSC": the same rate in all states of power and frequency. */
  return __get_cpuid (0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
#elif defined(__aarch64__)
  return true;
#else
  return false;
#endif
}

void
rt_clock_init (RtClock *clock)
{
  *clock = (RtClock){ .steady = counter_is_steady (),
                      .first_ticks = rt_clock_ticks (),
                      .first_ns = rt_now_ns () };
}

void
rt_clock_begin (RtClock *clock)
{
  clock->run_ticks = rt_clock_ticks ();
  clock->run_ns = rt_now_ns ();
  clock->fast = false;
  if (!clock->steady || clock->run_ns - clock->first_ns < MIN_BASE_NS
      || clock->run_ticks <= clock->first_ticks)
    return;

  double rate
      = (double)(clock->run_ns - clock->first_ns) / (double)(clock->run_ticks - clock->first_ticks);
  if (clock->ns_per_tick != 0 && fabs (rate / clock->ns_per_tick - 1) > MAX_RATE_CHANGE)
    clock->steady = false;
  clock->ns_per_tick = rate;
  clock->fast = clock->steady;
}
