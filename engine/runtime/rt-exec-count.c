/* Counted runs of the executor: the threads' performance counters are read where a thread begins a
 * node and where it finds no more work in it, and the differences are summed per node. Runs of
 * their own, apart from clean and from traced ones, because a reading is a system call; clean runs
 * do not know that this file exists.
 *
 * What a thread spends waiting between nodes is in no node. */
#include "rt-exec-private.h"

#include <stdlib.h>
#include <string.h>

/* One thread's counting. Nobody else touches it during a run. */
typedef struct
{
  alignas (64) RtCounters *counters;
  RtNodeId node; /* that this thread works on; RT_NONE: none */
  uint64_t base[RT_N_COUNTERS];
  uint64_t *sums; /* [n_nodes][RT_N_COUNTERS] */
  bool failed;    /* a reading failed: sums are worth nothing */
} ThreadCount;

struct RtExecCount
{
  RtCounterSet set;
  bool single; /* the phase has one chunk: no leave() follows it; written before any chunk of it
                * begins */
  uint32_t n_threads;
  ThreadCount *threads; /* [n_threads] */
};

static void
count_free (RtExecCount *count)
{
  if (count == NULL)
    return;
  for (uint32_t i = 0; count->threads != NULL && i < count->n_threads; i++)
    {
      rt_counters_close (count->threads[i].counters);
      free (count->threads[i].sums);
    }
  free (count->threads);
  free (count);
}

static bool
open_threads (RtExec *exec, RtExecCount *count, RtError *error)
{
  size_t n_nodes = rt_graph_n_nodes (exec->graph);

  count->threads = aligned_alloc (64, count->n_threads * sizeof *count->threads);
  if (count->threads == NULL)
    return rt_fail (error, RT_ERROR_MEMORY, "No memory for counting");
  memset (count->threads, 0, count->n_threads * sizeof *count->threads);
  for (uint32_t i = 0; i < count->n_threads; i++)
    {
      ThreadCount *t = &count->threads[i];
      t->node = RT_NONE;
      t->sums = calloc (n_nodes + 1, RT_N_COUNTERS * sizeof *t->sums);
      if (t->sums == NULL)
        return rt_fail (error, RT_ERROR_MEMORY, "No memory for counting %zu nodes", n_nodes);
      t->counters
          = rt_counters_open (count->set, i == 0 ? 0 : rt_pool_thread_id (exec->pool, i), error);
      if (t->counters == NULL)
        return false;
    }
  return true;
}

bool
rt_exec_count_begin (RtExec *exec, RtCounterSet set, RtError *error)
{
  rt_exec_count_end (exec);
  RtExecCount *count = calloc (1, sizeof *count);
  if (count == NULL)
    return rt_fail (error, RT_ERROR_MEMORY, "No memory for counting");
  count->set = set;
  count->n_threads = exec->n_threads;
  if (!open_threads (exec, count, error))
    {
      count_free (count);
      return false;
    }
  exec->count = count;
  return true;
}

void
rt_exec_count_end (RtExec *exec)
{
  count_free (exec->count);
  exec->count = NULL;
}

void
rt_exec_count_clear (RtExec *exec)
{
  size_t bytes = rt_graph_n_nodes (exec->graph) * RT_N_COUNTERS * sizeof (uint64_t);

  for (uint32_t i = 0; i < exec->count->n_threads; i++)
    memset (exec->count->threads[i].sums, 0, bytes);
}

/* ---- During a run ---- */

void
rt_exec_count_phase (RtExec *exec, uint32_t n_chunks)
{
  exec->count->single = n_chunks == 1;
}

void
rt_exec_count_enter (RtExec *exec, const RtWorker *worker, RtNodeId node)
{
  ThreadCount *t = &exec->count->threads[worker->index];

  if (t->node == node)
    return;
  t->node = node;
  t->failed |= !rt_counters_read (t->counters, t->base);
}

void
rt_exec_count_leave (RtExec *exec, const RtWorker *worker)
{
  ThreadCount *t = &exec->count->threads[worker->index];
  uint64_t now[RT_N_COUNTERS];

  if (t->node == RT_NONE)
    return;
  if (rt_counters_read (t->counters, now))
    for (int i = 0; i < RT_N_COUNTERS; i++)
      t->sums[(size_t)t->node * RT_N_COUNTERS + (size_t)i] += now[i] - t->base[i];
  else
    t->failed = true;
  t->node = RT_NONE;
}

void
rt_exec_count_after (RtExec *exec, const RtWorker *worker)
{
  if (exec->count->single)
    rt_exec_count_leave (exec, worker);
}

/* ---- Looking ---- */

const char *
rt_exec_count_reason (const RtExec *exec, int counter)
{
  for (uint32_t i = 0; i < exec->count->n_threads; i++)
    {
      const ThreadCount *t = &exec->count->threads[i];
      const char *reason = rt_counters_reason (t->counters, counter);
      if (reason != NULL)
        return reason;
      if (t->failed)
        return "the kernel stopped giving the counters in the middle of the count";
    }
  /* A thread that never ran has never read: only the caller is sure to have. */
  if (rt_counters_running (exec->count->threads[0].counters) <= 0)
    return "the hardware counters were in use by others (a watchdog, another profiler)";
  return NULL;
}

double
rt_exec_count_get (const RtExec *exec, RtNodeId node, int counter)
{
  double sum = 0;

  for (uint32_t i = 0; i < exec->count->n_threads; i++)
    {
      const ThreadCount *t = &exec->count->threads[i];
      double running = rt_counters_running (t->counters);
      if (running > 0)
        sum += (double)t->sums[(size_t)node * RT_N_COUNTERS + (size_t)counter] / running;
    }
  return sum;
}
