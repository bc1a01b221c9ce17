/* A pool of threads, created once, that runs jobs made of phases.
 *
 *     job      phase 0            phase 1                 phase 2
 *              [c0 c1 c2 c3]  ──► [c0]                ──► [c0 c1 c2 ... c9]
 *              any thread         done at once by who     ...
 *              takes any chunk    ended phase 0
 *
 * A phase is a number of chunks of work that do not depend on each other; it begins when every
 * chunk of the phase before it is done. Threads take chunks from an atomic counter. There is no
 * barrier that every thread must reach: a phase ends with its last chunk, so a thread that the
 * operating system has taken off its core holds the others up only when it has a chunk in hand, and
 * a busy neighbour costs its share and no more. A phase of one chunk costs no hand-over at all.
 *
 * Waiting spins for a bounded time, then sleeps on a futex. pthread and C11 atomics only, so that
 * ThreadSanitizer sees everything. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "rt-error.h"

#define RT_MAX_THREADS 64

/* Phases of one job and chunks of one phase are both at most this. */
#define RT_JOB_MAX 65000

/* What RtJob.begin returns to end the job early. */
#define RT_JOB_STOP UINT32_MAX

typedef struct RtPool RtPool;

/* What one thread of a job knows about itself. */
typedef struct
{
  RtPool *pool;
  uint32_t index; /* 0 .. n_threads - 1; 0 is the calling thread */
  uint32_t n_threads;
} RtWorker;

typedef struct
{
  uint32_t n_phases;

  /* Called by one thread, once per phase, when all that earlier phases did is done and visible.
   * Returns the number of chunks (0..RT_JOB_MAX; 0: the phase is skipped) or RT_JOB_STOP. May be
   * NULL when n_phases is 1 and n_chunks says it all. */
  uint32_t (*begin) (const RtWorker *worker, void *data, uint32_t phase);
  uint32_t n_chunks;

  /* Does chunk @chunk of @phase. */
  void (*chunk) (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk);

  /* This thread found no more chunks in @phase, in which it did at least one. May be NULL. For
   * traces. */
  void (*leave) (const RtWorker *worker, void *data, uint32_t phase);

  void *data;
} RtJob;

/* @n_threads 1..RT_MAX_THREADS, counting the caller. */
RtPool *rt_pool_new (uint32_t n_threads, RtError *error);
void rt_pool_free (RtPool *pool); /* accepts NULL */
uint32_t rt_pool_n_threads (const RtPool *pool);
/* The kernel's number of thread @index, 1 .. n_threads - 1 (0 is whoever runs a job); for counters
 * and for lists of threads. */
int rt_pool_thread_id (const RtPool *pool, uint32_t index);

/* Run @job and return when it is done. One job at a time, from one thread at a time. Does not
 * allocate. */
void rt_pool_run (RtPool *pool, const RtJob *job);

/* CPUs that this process may run on. */
uint32_t rt_n_cpus (void);

/* Monotonic clock. */
uint64_t rt_now_ns (void);
