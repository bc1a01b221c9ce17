/* Trace records of the executor. A thread makes one record per node it works on.
 *
 * A traced node costs a thread two readings of the clock: when it found no more work, and when it
 * began (or, for the thread that ended the node before, when that one ended). When a node ended is
 * known to one thread only; it writes it into node_end_ns, where the others find it. They do not
 * look at once, because fetching a line that another core has just written costs more than all the
 * rest: records wait until their node's line has settled, and then one fetch serves eight of
 * them. */
#include "rt-exec-private.h"

#include <stdlib.h>
#include <string.h>

/* Runs whose records fit in a ring before the oldest are overwritten. */
#define RING_RUNS 64
#define RING_MAX_RECORDS (1u << 17)

bool
rt_exec_trace_new (RtExec *exec, RtError *error)
{
  uint32_t n_nodes = rt_graph_n_nodes (exec->graph);
  size_t n_records = (size_t)n_nodes * RING_RUNS;
  n_records = n_records < RING_MAX_RECORDS ? n_records : RING_MAX_RECORDS;

  rt_clock_init (&exec->clock);
  exec->threads = aligned_alloc (64, exec->n_threads * sizeof *exec->threads);
  exec->node_end_ns = calloc (n_nodes + 1, sizeof *exec->node_end_ns);
  bool ok = exec->threads != NULL && exec->node_end_ns != NULL;
  for (uint32_t i = 0; ok && i < exec->n_threads; i++)
    {
      exec->threads[i].n_pending = 0;
      exec->threads[i].begun_node = RT_NONE;
      exec->rings[i] = rt_trace_ring_new (n_records);
      ok = exec->rings[i] != NULL;
    }
  return ok || rt_fail (error, RT_ERROR_MEMORY, "No memory for %u trace rings", exec->n_threads);
}

void
rt_exec_trace_free (RtExec *exec)
{
  for (uint32_t i = 0; i < exec->n_threads; i++)
    rt_trace_ring_free (exec->rings[i]);
  free (exec->node_end_ns);
  free (exec->threads);
}

/* Complete the oldest @n records of thread @thread, and let them go. */
static void
push_pending (RtExec *exec, uint32_t thread, uint32_t n)
{
  RtExecThreadTrace *t = &exec->threads[thread];

  for (uint32_t i = 0; i < n; i++)
    {
      RtTraceRecord *record = &t->pending[i];
      record->end_ns = exec->node_end_ns[record->node];
      if (record->work_ns == 0)
        record->work_ns = record->end_ns;
      rt_trace_ring_push (exec->rings[thread], record);
    }
  t->n_pending -= n;
  memmove (t->pending, t->pending + n, t->n_pending * sizeof *t->pending);
}

/* A phase of @node begins; only the thread that ended the phase before is here. */
void
rt_exec_trace_begin (RtExec *exec, const RtWorker *worker, RtNodeId node)
{
  RtExecThreadTrace *t = &exec->threads[worker->index];

  if (node == exec->begun_node)
    return;
  t->begun_ns = rt_clock_ns (&exec->clock);
  t->begun_node = node;
  if (exec->begun_node != RT_NONE)
    exec->node_end_ns[exec->begun_node] = t->begun_ns;
  exec->begun_node = node;
}

void
rt_exec_trace_chunk (RtExec *exec, const RtWorker *worker, RtNodeId node)
{
  RtExecThreadTrace *t = &exec->threads[worker->index];

  if (t->n_pending > 0 && t->pending[t->n_pending - 1].node == node)
    {
      t->pending[t->n_pending - 1].work_ns = 0; /* a later phase of the node: work again */
      return;
    }
  if (t->n_pending == RT_EXEC_PENDING)
    push_pending (exec, worker->index, RT_EXEC_PENDING / 2);
  t->pending[t->n_pending++] = (RtTraceRecord){
    .start_ns = t->begun_node == node ? t->begun_ns : rt_clock_ns (&exec->clock),
    .node = node,
    .step = exec->step,
    .thread = (uint16_t)worker->index,
    .phase = (uint8_t)exec->phase,
    .n_tokens = (uint32_t)exec->symbols[0],
  };
}

void
rt_exec_trace_leave (RtExec *exec, const RtWorker *worker)
{
  RtExecThreadTrace *t = &exec->threads[worker->index];
  t->pending[t->n_pending - 1].work_ns = rt_clock_ns (&exec->clock);
}

/* After the job, by the caller: the other threads are gone. */
void
rt_exec_trace_end (RtExec *exec)
{
  if (exec->begun_node != RT_NONE)
    exec->node_end_ns[exec->begun_node] = rt_clock_ns (&exec->clock);
  for (uint32_t i = 0; i < exec->n_threads; i++)
    {
      push_pending (exec, i, exec->threads[i].n_pending);
      exec->threads[i].begun_node = RT_NONE;
    }
  exec->begun_node = RT_NONE;
}
