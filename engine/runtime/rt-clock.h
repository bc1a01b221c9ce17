/* A clock for traces: rt_now_ns() at the price of the processor's own counter.
 *
 * The counter is read, and turned into nanoseconds by a rate that is measured against rt_now_ns()
 * over the time since the clock was made and a fixed point taken when a run begins. Until that time
 * is long enough for a good rate, and on processors without a steady counter, it is rt_now_ns(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rt-pool.h"

typedef struct
{
  bool steady;                    /* the processor has a counter of constant rate */
  bool fast;                      /* this run uses it */
  uint64_t first_ns, first_ticks; /* when the clock was made */
  uint64_t run_ns, run_ticks;     /* when the run began */
  double ns_per_tick;
} RtClock;

void rt_clock_init (RtClock *clock);

/* Fix the clock to rt_now_ns() again. Not while another thread reads it. */
void rt_clock_begin (RtClock *clock);

static inline uint64_t
rt_clock_ticks (void)
{
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc ();
#elif defined(__aarch64__)
  uint64_t ticks;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#else
  return 0;
#endif
}

static inline uint64_t
rt_clock_ns (const RtClock *clock)
{
  if (!clock->fast)
    return rt_now_ns ();
  /* Another core's counter may be some ticks behind the one that was read at the beginning. */
  int64_t ticks = (int64_t)(rt_clock_ticks () - clock->run_ticks);
  return clock->run_ns + (ticks > 0 ? (uint64_t)((double)ticks * clock->ns_per_tick) : 0);
}
