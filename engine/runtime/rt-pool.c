/* The thread pool: hands the chunks of a job's phases to whichever thread asks. Called by the
 * executor and by the packing of weights; must not know what a chunk is.
 *
 * Two words carry all coordination:
 *
 *   ticket  [phase:16 | n_chunks:16 | next:32]   taking a chunk is one fetch_add on it. The upper
 * half changes only when a phase is published, so it is also the futex that threads without work
 * sleep on. gate    [job:32 | inside:31 | open:1]        a worker enters a job by compare-and-swap
 * while it is open; the caller closes it at the end and waits for those inside only. A worker that
 * woke too late never enters.
 *
 * Why a late thread is harmless: it takes its ticket with an atomic add and gets a chunk of
 * whatever phase is current; a phase cannot end while somebody holds a chunk of it, because that
 * chunk is not in `done` yet. */
#include "rt-pool.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Values of the ticket's phase field that are not phases. */
#define PHASE_STARTING 0xfffeu
#define PHASE_ENDED 0xffffu

/* How long a thread spins before it sleeps: about what a sleep and a wake cost, so that waiting is
 * never worse than twice the best choice (Karlin et al. 1991). When there are more threads than
 * CPUs, spinning only keeps the one that has the work from running. */
#define SPIN_NS 50000
#define SPIN_SHARED_NS 1000

#define CACHE_LINE 64

/* A 64-bit word whose upper half is a futex. */
typedef struct
{
  alignas (CACHE_LINE) _Atomic uint64_t word;
  _Atomic uint32_t n_sleepers;
} Signal;

struct RtPool
{
  Signal ticket;
  alignas (CACHE_LINE) _Atomic uint32_t done; /* chunks of the current phase that are finished */
  Signal gate;
  alignas (CACHE_LINE) _Atomic uint32_t
      left; /* changes when the last worker leaves a closed gate: the caller's futex */
  const RtJob *job;
  uint32_t n_threads;
  uint32_t n_started;
  uint64_t spin_ns;
  bool quit;      /* written before the gate's last opening */
  bool opened;    /* the gate, for this job: written by the caller while it is alone */
  cpu_set_t cpus; /* that may be used; none when there are more threads than that */
  int caller_cpu; /* where the workers are not; -1: not placed yet */
  bool shared;    /* this job had a phase of several chunks: written by who publishes it */
  pthread_t threads[RT_MAX_THREADS];
  _Atomic int thread_ids[RT_MAX_THREADS]; /* 0: not started yet */
  RtWorker workers[RT_MAX_THREADS];
};

uint64_t
rt_now_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint32_t
rt_n_cpus (void)
{
  cpu_set_t allowed;
  if (sched_getaffinity (0, sizeof allowed, &allowed) == 0)
    return (uint32_t)CPU_COUNT (&allowed);

  long n = sysconf (_SC_NPROCESSORS_ONLN);
  return n > 0 ? (uint32_t)n : 1;
}

static inline void
relax (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#else
  sched_yield ();
#endif
}

static void
futex_wait (const void *word, uint32_t expected)
{
  syscall (SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void
futex_wake (const void *word, int n_threads)
{
  syscall (SYS_futex, word, FUTEX_WAKE_PRIVATE, n_threads, NULL, NULL, 0);
}

/* The address of the upper half of @signal's word; only its address is used, by the kernel. */
static const void *
upper_half (const Signal *signal)
{
  const char *word = (const char *)&signal->word;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return word + 4;
#else
  return word;
#endif
}

/* Put @word where sleepers see it, and wake them. The store and the load must not change places
 * (both sequentially consistent): either this thread sees the sleeper's count, or the sleeper's
 * futex call sees the new word. */
static void
signal_publish (Signal *signal, uint64_t word)
{
  atomic_store (&signal->word, word);
  if (atomic_load (&signal->n_sleepers) > 0)
    futex_wake (upper_half (signal), RT_MAX_THREADS);
}

/* Return when the upper half of @signal's word is not @upper any more. */
static void
signal_wait (Signal *signal, uint32_t upper, uint64_t spin_ns)
{
  uint64_t start_ns = 0;

  for (uint32_t i = 1; atomic_load_explicit (&signal->word, memory_order_acquire) >> 32 == upper;
       i++)
    {
      relax ();
      if (i % 32 != 0)
        continue;

      uint64_t now_ns = rt_now_ns ();
      if (start_ns == 0)
        start_ns = now_ns;
      if (now_ns - start_ns < spin_ns)
        continue;

      atomic_fetch_add (&signal->n_sleepers, 1);
      while (atomic_load (&signal->word) >> 32 == upper)
        futex_wait (upper_half (signal), upper);
      atomic_fetch_sub (&signal->n_sleepers, 1);
      return;
    }
}

/* Keep the workers from the CPU that the caller is on. A woken thread often lands behind the one
 * that woke it, which does not stop for it, and stays there for a tenth of a second: two threads
 * then share one CPU beside a free one. Costs a system call per worker when the caller has
 * moved. */
static void
place_workers (RtPool *pool)
{
  const int cpu = sched_getcpu ();
  cpu_set_t others = pool->cpus;

  if (cpu < 0 || cpu >= CPU_SETSIZE || cpu == pool->caller_cpu)
    return;
  CPU_CLR (cpu, &others);
  if (CPU_COUNT (&others) == 0)
    return;
  pool->caller_cpu = cpu;
  for (uint32_t i = 1; i < pool->n_started; i++)
    (void)pthread_setaffinity_np (pool->threads[i], sizeof others, &others);
}

/* The caller, alone. */
static void
gate_open (RtPool *pool)
{
  uint64_t gate = atomic_load_explicit (&pool->gate.word, memory_order_relaxed);

  place_workers (pool);
  pool->opened = true;
  signal_publish (&pool->gate, ((gate >> 32) + 1) << 32 | 1);
}

static uint32_t
phase_begin (const RtWorker *worker, uint32_t phase)
{
  const RtJob *job = worker->pool->job;
  uint32_t n_chunks = job->begin != NULL ? job->begin (worker, job->data, phase) : job->n_chunks;
  assert (n_chunks <= RT_JOB_MAX || n_chunks == RT_JOB_STOP);
  return n_chunks;
}

/* Phase @phase - 1 is done and only this thread knows: go to the next phase that has work for
 * others. Small phases are done on the way. */
static void
advance (const RtWorker *worker, uint32_t phase)
{
  RtPool *pool = worker->pool;
  const RtJob *job = pool->job;

  for (; phase < job->n_phases; phase++)
    {
      uint32_t n_chunks = phase_begin (worker, phase);
      if (n_chunks == RT_JOB_STOP)
        break;
      if (n_chunks == 1)
        job->chunk (worker, job->data, phase, 0);
      if (n_chunks > 1)
        {
          const bool is_closed = !pool->opened; /* then this is the caller, alone */
          pool->shared = true;
          atomic_store_explicit (&pool->done, 0, memory_order_relaxed);
          signal_publish (&pool->ticket, (uint64_t)phase << 48 | (uint64_t)n_chunks << 32);
          if (is_closed)
            gate_open (pool);
          return;
        }
    }

  signal_publish (&pool->ticket, (uint64_t)PHASE_ENDED << 48);
}

/* Do the chunk of @ticket and all further ones of its phase that this thread gets. */
static void
do_chunks (const RtWorker *worker, uint64_t ticket)
{
  RtPool *pool = worker->pool;
  const RtJob *job = pool->job;
  uint32_t phase = ticket >> 48;
  uint32_t n_chunks = ticket >> 32 & 0xffff;
  uint32_t n_mine = 0;

  while ((uint32_t)ticket < n_chunks)
    {
      job->chunk (worker, job->data, phase, (uint32_t)ticket);
      n_mine++;
      ticket = atomic_fetch_add_explicit (&pool->ticket.word, 1, memory_order_acquire);
    }

  if (job->leave != NULL)
    job->leave (worker, job->data, phase);

  if (atomic_fetch_add_explicit (&pool->done, n_mine, memory_order_acq_rel) + n_mine == n_chunks)
    advance (worker, phase + 1);
  else
    signal_wait (&pool->ticket, phase << 16 | n_chunks, pool->spin_ns);
}

static void
take_part (const RtWorker *worker)
{
  RtPool *pool = worker->pool;

  for (;;)
    {
      uint64_t ticket = atomic_fetch_add_explicit (&pool->ticket.word, 1, memory_order_acquire);

      if (ticket >> 48 == PHASE_ENDED)
        return;
      if ((uint32_t)ticket < (ticket >> 32 & 0xffff))
        do_chunks (worker, ticket);
      else
        signal_wait (&pool->ticket, ticket >> 32, pool->spin_ns);
    }
}

/* Enter job number @number if it is still open. */
static bool
gate_enter (RtPool *pool, uint32_t number)
{
  uint64_t gate = atomic_load_explicit (&pool->gate.word, memory_order_acquire);

  while (gate >> 32 == number && (gate & 1))
    if (atomic_compare_exchange_weak_explicit (&pool->gate.word, &gate, gate + 2,
                                               memory_order_acquire, memory_order_acquire))
      return true;

  return false;
}

static void
gate_leave (RtPool *pool)
{
  uint64_t gate = atomic_fetch_sub_explicit (&pool->gate.word, 2, memory_order_release) - 2;

  if ((uint32_t)gate == 0)
    {
      atomic_fetch_add (&pool->left, 1);
      futex_wake (&pool->left, 1);
    }
}

/* Let nobody else in, and wait until those inside are out. */
static void
gate_close (RtPool *pool)
{
  uint32_t left = atomic_load (&pool->left);
  uint64_t gate = atomic_fetch_sub_explicit (&pool->gate.word, 1, memory_order_acquire) - 1;

  for (uint32_t i = 0; (uint32_t)gate != 0; i++)
    {
      if (i < 1000)
        relax ();
      else
        futex_wait (&pool->left, left);
      left = atomic_load (&pool->left);
      gate = atomic_load_explicit (&pool->gate.word, memory_order_acquire);
    }
}

static void *
worker_main (void *data)
{
  const RtWorker *worker = data;
  RtPool *pool = worker->pool;

  atomic_store (&pool->thread_ids[worker->index], (int)syscall (SYS_gettid));
  for (uint32_t number = 0;;)
    {
      signal_wait (&pool->gate, number, pool->spin_ns);
      number = atomic_load_explicit (&pool->gate.word, memory_order_acquire) >> 32;

      if (!gate_enter (pool, number))
        continue;
      bool quit = pool->quit;
      if (!quit)
        take_part (worker);
      gate_leave (pool);
      if (quit)
        return NULL;
    }
}

RtPool *
rt_pool_new (uint32_t n_threads, RtError *error)
{
  if (n_threads < 1 || n_threads > RT_MAX_THREADS)
    {
      rt_fail (error, RT_ERROR_RANGE, "Cannot use %u threads: give a number from 1 to %d",
               n_threads, RT_MAX_THREADS);
      return NULL;
    }

  RtPool *pool = aligned_alloc (CACHE_LINE, sizeof *pool);
  if (pool == NULL)
    {
      rt_fail (error, RT_ERROR_MEMORY, "No memory for a pool of %u threads", n_threads);
      return NULL;
    }
  memset (pool, 0, sizeof *pool);
  pool->n_threads = n_threads;
  pool->n_started = 1;
  pool->spin_ns = n_threads <= rt_n_cpus () ? SPIN_NS : SPIN_SHARED_NS;
  pool->caller_cpu = -1;
  if (n_threads > rt_n_cpus () || sched_getaffinity (0, sizeof pool->cpus, &pool->cpus) != 0)
    CPU_ZERO (&pool->cpus);

  for (uint32_t i = 0; i < n_threads; i++)
    pool->workers[i] = (RtWorker){ .pool = pool, .index = i, .n_threads = n_threads };

  for (uint32_t i = 1; i < n_threads; i++, pool->n_started++)
    {
      int status = pthread_create (&pool->threads[i], NULL, worker_main, &pool->workers[i]);
      if (status != 0)
        {
          rt_fail (error, RT_ERROR_MEMORY, "Cannot start thread %u of %u: %s", i + 1, n_threads,
                   strerror (status));
          rt_pool_free (pool);
          return NULL;
        }
    }

  return pool;
}

void
rt_pool_free (RtPool *pool)
{
  if (pool == NULL)
    return;

  if (pool->n_started > 1)
    {
      pool->quit = true;
      gate_open (pool);
      for (uint32_t i = 1; i < pool->n_started; i++)
        pthread_join (pool->threads[i], NULL);
    }
  free (pool);
}

int
rt_pool_thread_id (const RtPool *pool, uint32_t index)
{
  int id;

  assert (index >= 1 && index < pool->n_started);
  while ((id = atomic_load (&pool->thread_ids[index])) == 0)
    sched_yield (); /* it is about to start */
  return id;
}

uint32_t
rt_pool_n_threads (const RtPool *pool)
{
  return pool->n_threads;
}

void
rt_pool_run (RtPool *pool, const RtJob *job)
{
  assert (job->n_phases <= RT_JOB_MAX);

  pool->job = job;
  atomic_store_explicit (&pool->ticket.word, (uint64_t)PHASE_STARTING << 48, memory_order_relaxed);

  /* The others are called when there is work for them: jobs of single chunks only wake nobody.
   * After a job that had some they are called at once, and are awake when it comes. */
  const bool at_once = pool->n_threads > 1 && pool->shared;
  pool->shared = false;
  pool->opened = pool->n_threads == 1;
  if (at_once)
    gate_open (pool);

  advance (&pool->workers[0], 0);
  take_part (&pool->workers[0]);

  if (pool->n_threads > 1 && pool->opened)
    gate_close (pool);
}
