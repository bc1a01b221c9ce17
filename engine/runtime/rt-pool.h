/* A pool of threads, created once. A job runs on all of them; inside a job they meet at barriers and share out chunks by
 * an atomic counter, so that a busy neighbour costs its share and no more. Waiting spins for a bounded time, then sleeps on a futex.
 * pthread and C11 atomics only, so that ThreadSanitizer sees everything. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "rt-error.h"

#define RT_MAX_THREADS 64

typedef struct RtPool RtPool;

/* What one thread of a job knows about itself. */
typedef struct
{
  RtPool *pool;
  uint32_t index;     /* 0 .. n_threads - 1; 0 is the calling thread */
  uint32_t n_threads;
} RtWorker;

typedef void (*RtJobFn) (const RtWorker *worker, void *data);

/* @n_threads 1..RT_MAX_THREADS, counting the caller. Threads are pinned when there are enough allowed CPUs. */
RtPool *rt_pool_new (uint32_t n_threads, RtError *error);
void rt_pool_free (RtPool *pool); /* accepts NULL */
uint32_t rt_pool_n_threads (const RtPool *pool);

/* Run @fn on every thread of the pool and return when all are done. One job at a time, from one thread at a time. */
void rt_pool_run (RtPool *pool, RtJobFn fn, void *data);

/* Inside a job: wait for all threads of the job. */
void rt_worker_barrier (const RtWorker *worker);

/* Inside a job: hand out chunks 0 .. n_chunks - 1, each once, to whoever asks. Every thread of the job must call this until it returns
 * false, and a barrier must separate two hand-outs. */
bool rt_worker_next (const RtWorker *worker, uint32_t n_chunks, uint32_t *chunk);

/* Monotonic clock. */
uint64_t rt_now_ns (void);
