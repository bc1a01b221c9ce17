/* Trace records of the executor. Each thread keeps one open record and pushes it into its ring when
 * it begins another node.
 *
 * A traced node costs two readings of the clock per thread: when the thread found no more work, and
 * when it began (or, for the thread that ended the node before, when that one ended). */
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

  exec->threads = aligned_alloc (64, exec->n_threads * sizeof *exec->threads);
  exec->node_end_ns = calloc (n_nodes + 1, sizeof *exec->node_end_ns);
  bool ok = exec->threads != NULL && exec->node_end_ns != NULL;
  for (uint32_t i = 0; ok && i < exec->n_threads; i++)
    {
      exec->threads[i].node = RT_NONE;
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

/* The record is complete: its node is done, so its end is known. */
static void
push_open (RtExec *exec, uint32_t thread)
{
  RtExecThreadTrace *open = &exec->threads[thread];
  uint64_t end_ns;

  if (open->node == RT_NONE)
    return;
  end_ns = exec->node_end_ns[open->node];
  rt_trace_ring_push (exec->rings[thread],
                      &(RtTraceRecord){
                          .start_ns = open->start_ns,
                          .work_ns = open->work_ns != 0 ? open->work_ns : end_ns,
                          .end_ns = end_ns,
                          .node = open->node,
                          .step = exec->step,
                          .thread = (uint16_t)thread,
                          .phase = (uint8_t)exec->phase,
                          .n_tokens = (uint32_t)exec->symbols[0],
                      });
  open->node = RT_NONE;
}

/* A phase of @node begins; only the thread that ended the phase before is here. */
void
rt_exec_trace_begin (RtExec *exec, const RtWorker *worker, RtNodeId node)
{
  if (node == exec->begun_node)
    return;

  exec->begun_ns = rt_now_ns ();
  exec->begun_by = worker->index;
  if (exec->begun_node != RT_NONE)
    exec->node_end_ns[exec->begun_node] = exec->begun_ns;
  exec->begun_node = node;
}

void
rt_exec_trace_chunk (RtExec *exec, const RtWorker *worker, RtNodeId node)
{
  RtExecThreadTrace *open = &exec->threads[worker->index];

  if (open->node == node)
    return;
  push_open (exec, worker->index);
  open->node = node;
  open->work_ns = 0;
  open->start_ns = exec->begun_by == worker->index ? exec->begun_ns : rt_now_ns ();
}

void
rt_exec_trace_leave (RtExec *exec, const RtWorker *worker)
{
  exec->threads[worker->index].work_ns = rt_now_ns ();
}

/* After the job, by the caller: the other threads are gone. */
void
rt_exec_trace_end (RtExec *exec)
{
  if (exec->begun_node != RT_NONE && !exec->stopped)
    exec->node_end_ns[exec->begun_node] = rt_now_ns ();
  for (uint32_t i = 0; i < exec->n_threads; i++)
    {
      /* A cancelled node has no end. */
      if (exec->stopped && exec->threads[i].node == exec->begun_node)
        exec->threads[i].node = RT_NONE;
      push_open (exec, i);
    }
  exec->begun_node = RT_NONE;
}
