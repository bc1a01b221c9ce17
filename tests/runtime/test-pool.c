/* The thread pool: every chunk once, phases in order, effects visible across phases, from 1 to more
 * threads than there are CPUs. Built a second time with ThreadSanitizer. */
#include "rt-pool.h"

#include <glib.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define MAX_PHASES 64
#define MAX_CHUNKS 300

typedef struct
{
  uint32_t n_phases;
  uint32_t n_chunks[MAX_PHASES];
  uint32_t stop_at;

  /* Plain memory on purpose: the pool alone must order these. */
  uint32_t sum[MAX_PHASES][MAX_CHUNKS];
  uint32_t n_begun[MAX_PHASES];
  uint32_t last_phase;
  atomic_uint n_leaves;
  atomic_uint threads_seen;
} Program;

/* Each chunk adds 1 to its own cell, after checking that the whole phase before it is done. */
static void
program_chunk (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  Program *program = data;

  g_assert_cmpuint (worker->index, <, worker->n_threads);
  g_assert_cmpuint (chunk, <, program->n_chunks[phase]);
  g_assert_cmpuint (program->last_phase, ==, phase);
  if (phase > 0)
    for (uint32_t i = 0; i < program->n_chunks[phase - 1]; i++)
      g_assert_cmpuint (program->sum[phase - 1][i], ==, 1);

  program->sum[phase][chunk]++;
  atomic_fetch_or (&program->threads_seen, 1u << worker->index);
}

static uint32_t
program_begin (const RtWorker *worker, void *data, uint32_t phase)
{
  Program *program = data;

  if (phase == program->stop_at)
    return RT_JOB_STOP;
  program->n_begun[phase]++;
  program->last_phase = phase;
  return program->n_chunks[phase];
}

static void
program_leave (const RtWorker *worker, void *data, uint32_t phase)
{
  Program *program = data;
  atomic_fetch_add (&program->n_leaves, 1);
}

static void
program_run (RtPool *pool, Program *program)
{
  RtJob job = { .n_phases = program->n_phases,
                .begin = program_begin,
                .chunk = program_chunk,
                .leave = program_leave,
                .data = program };
  rt_pool_run (pool, &job);
}

static const uint32_t thread_counts[] = { 1, 2, 3, 8 };

static void
test_every_chunk_once (void)
{
  g_autofree Program *program = g_new (Program, 1);

  for (size_t t = 0; t < G_N_ELEMENTS (thread_counts); t++)
    {
      RtError error;
      RtPool *pool = rt_pool_new (thread_counts[t], &error);
      g_assert_nonnull (pool);
      g_assert_cmpuint (rt_pool_n_threads (pool), ==, thread_counts[t]);

      for (int run = 0; run < 60; run++)
        {
          memset (program, 0, sizeof *program);
          program->stop_at = UINT32_MAX;
          program->n_phases = g_test_rand_int_range (0, MAX_PHASES);
          for (uint32_t p = 0; p < program->n_phases; p++)
            program->n_chunks[p] = g_test_rand_int_range (0, 3) == 0
                                       ? g_test_rand_int_range (0, 3)
                                       : g_test_rand_int_range (0, MAX_CHUNKS);
          program_run (pool, program);

          for (uint32_t p = 0; p < program->n_phases; p++)
            {
              g_assert_cmpuint (program->n_begun[p], ==, 1);
              for (uint32_t c = 0; c < MAX_CHUNKS; c++)
                g_assert_cmpuint (program->sum[p][c], ==, c < program->n_chunks[p]);
            }
        }
      rt_pool_free (pool);
    }
}

static void
test_stop (void)
{
  g_autofree Program *program = g_new0 (Program, 1);
  RtPool *pool = rt_pool_new (3, NULL);

  program->n_phases = 5;
  for (uint32_t p = 0; p < 5; p++)
    program->n_chunks[p] = 7;
  program->stop_at = 2;
  program_run (pool, program);

  for (uint32_t p = 0; p < 5; p++)
    g_assert_cmpuint (program->sum[p][6], ==, p < 2);
  rt_pool_free (pool);
}

/* Short jobs in a row, with pauses in which the workers fall asleep: no wake-up may be lost. */
static void
test_sleep_and_wake (void)
{
  g_autofree Program *program = g_new (Program, 1);
  RtPool *pool = rt_pool_new (4, NULL);

  for (int run = 0; run < 400; run++)
    {
      memset (program, 0, sizeof *program);
      program->stop_at = UINT32_MAX;
      program->n_phases = 3;
      program->n_chunks[0] = program->n_chunks[1] = program->n_chunks[2] = 5;
      program_run (pool, program);
      for (uint32_t p = 0; p < 3; p++)
        for (uint32_t c = 0; c < 5; c++)
          g_assert_cmpuint (program->sum[p][c], ==, 1);
      if (run % 20 == 0)
        usleep (2000);
    }
  rt_pool_free (pool);
}

/* Chunks that sleep force the threads that have none to sleep on the futex, and more than one
 * thread to take part. */
static void
slow_chunk (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  usleep (3000);
  program_chunk (worker, data, phase, chunk);
}

static void
test_threads_share (void)
{
  g_autofree Program *program = g_new0 (Program, 1);
  RtPool *pool = rt_pool_new (2, NULL);
  RtJob job = { .n_phases = 4, .begin = program_begin, .chunk = slow_chunk, .data = program };

  program->stop_at = UINT32_MAX;
  for (uint32_t p = 0; p < 4; p++)
    program->n_chunks[p] = 5;
  rt_pool_run (pool, &job);

  g_assert_cmphex (atomic_load (&program->threads_seen), ==, 3);
  rt_pool_free (pool);
}

static void
test_wrong_counts (void)
{
  RtError error = { 0 };

  g_assert_null (rt_pool_new (0, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_RANGE);
  g_assert_null (rt_pool_new (RT_MAX_THREADS + 1, &error));
  g_assert_nonnull (strstr (error.message, "64"));
  rt_pool_free (NULL);
}

static void
test_create_free (void)
{
  for (int i = 0; i < 50; i++)
    rt_pool_free (rt_pool_new (1 + i % 6, NULL));
}

/* Not a pass or fail: what a hand-over between phases costs here. */
static void
tiny_chunk (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
}

static void
test_phase_cost (void)
{
  RtPool *pool = rt_pool_new (MIN (2, rt_n_cpus ()), NULL);
  RtJob job = { .n_phases = 20000, .n_chunks = 8, .chunk = tiny_chunk };
  uint64_t best_ns = UINT64_MAX;

  for (int i = 0; i < 5; i++)
    {
      uint64_t start_ns = rt_now_ns ();
      rt_pool_run (pool, &job);
      best_ns = MIN (best_ns, rt_now_ns () - start_ns);
    }
  g_test_message ("%u threads: %.0f ns a phase of 8 empty chunks", rt_pool_n_threads (pool),
                  best_ns / (double)job.n_phases);

  best_ns = UINT64_MAX;
  job.n_phases = 1;
  for (int i = 0; i < 2000; i++)
    {
      uint64_t start_ns = rt_now_ns ();
      rt_pool_run (pool, &job);
      best_ns = MIN (best_ns, rt_now_ns () - start_ns);
    }
  g_test_message ("%.0f ns a job", (double)best_ns);
  rt_pool_free (pool);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pool/every-chunk-once", test_every_chunk_once);
  g_test_add_func ("/pool/stop", test_stop);
  g_test_add_func ("/pool/sleep-and-wake", test_sleep_and_wake);
  g_test_add_func ("/pool/threads-share", test_threads_share);
  g_test_add_func ("/pool/wrong-counts", test_wrong_counts);
  g_test_add_func ("/pool/create-free", test_create_free);
  g_test_add_func ("/pool/phase-cost", test_phase_cost);
  return g_test_run ();
}
