/* The executor's struct, shared by its three files: rt-exec-new.c (creation and checks), rt-exec.c
 * (runs), rt-exec-trace.c (records). */
#pragma once

#include <stdalign.h>
#include <stdatomic.h>

#include "rt-clock.h"
#include "rt-exec.h"

/* Phase number of the job -> phase of a node. */
typedef struct
{
  RtNodeId node;
  uint32_t phase;
} RtExecPhase;

/* Records that wait for the ends of their nodes, see rt-exec-trace.c. */
#define RT_EXEC_PENDING 16

/* One thread's records in the making. Nobody else touches them during a run. */
typedef struct
{
  alignas (64) uint32_t n_pending;
  RtNodeId begun_node; /* this thread began this node at begun_ns, by ending the one before */
  uint64_t begun_ns;
  RtTraceRecord
      pending[RT_EXEC_PENDING]; /* end_ns is not set yet; the last one may still be open */
} RtExecThreadTrace;

/* rt-exec-count.c */
typedef struct RtExecCount RtExecCount;

struct RtExec
{
  const RtGraph *graph;
  RtPool *pool;
  const KnTable *kn;
  bool use_reference;
  uint32_t n_threads;
  int64_t max_symbols[RT_N_SYMBOLS];

  RtPlan *plan;
  KnDtype kv_format;
  RtKv *kv;
  RtWeight **weights;     /* [n_values], references held */
  int *weight_dtypes;     /* [n_values], -1: not packed */
  uint64_t *weight_bytes; /* [n_values], 0: as the format says */
  float **vectors;        /* [n_values] f32 copies of vectors, in `vector_memory` */
  float *vector_memory;
  uint64_t vector_bytes;
  uint8_t *arena, *scratch;
  void **memory; /* [n_values] of inputs and states; NULL for inputs that were not given yet */
  RtValueId first_port, end_port; /* inputs and states lie between; 0, 0 before the first run */
  bool *is_owned;                 /* [n_values] of `memory` */
  uint64_t state_bytes;
  uint8_t *prepared; /* what the nodes prepared */
  uint64_t prepared_bytes;
  RtTensor *tensors;                    /* of all contexts */
  int32_t *tokens;                      /* the input's memory */
  RtValueId tokens_value, logits_value; /* RT_NONE for networks that are no language models */
  int64_t n_tokens_known;               /* token numbers are below this */
  uint32_t n_vocab;

  RtOpContext *contexts; /* [n_nodes] */
  RtTally *tallies;      /* [n_nodes] */
  RtExecPhase *phases;
  uint32_t n_phases;
  bool *taps;                    /* [n_values]; NULL: none */
  RtExecPhase *chosen_phases;    /* [n_phases]; NULL until some nodes are chosen */
  const RtExecPhase *run_phases; /* the ones that runs do: phases or chosen_phases */
  uint32_t n_run_phases;

  /* The run in progress. */
  int64_t symbols[RT_N_SYMBOLS];
  uint32_t position;
  RtTree tree;
  bool is_tree; /* the run in progress is one of `tree` */
  uint32_t step;
  RtPhase phase;
  bool stopped;
  atomic_int cancel;

  RtExecCount *count; /* NULL: runs are not counted */

  /* Tracing. `traced` is `tracing` as it was when the run began. */
  atomic_bool tracing;
  bool traced;
  RtClock clock;
  RtTraceRing *rings[RT_MAX_THREADS];
  RtExecThreadTrace *threads; /* [n_threads] */
  uint64_t
      *node_end_ns; /* [n_nodes]; written by the thread that ended the node, before any other sees
                     * the next phase */
  alignas (64) RtNodeId begun_node; /* the current one; only the thread that ends a phase looks */
};

/* rt-exec.c */
void rt_exec_bind (RtExec *exec, const int64_t *symbols);

/* rt-exec-count.c, during counted runs: before the chunks of a phase; before and after each chunk;
 * when a thread finds no more. */
void rt_exec_count_phase (RtExec *exec, uint32_t n_chunks);
void rt_exec_count_enter (RtExec *exec, const RtWorker *worker, RtNodeId node);
void rt_exec_count_after (RtExec *exec, const RtWorker *worker);
void rt_exec_count_leave (RtExec *exec, const RtWorker *worker);

/* rt-exec-trace.c. All but the last are for traced runs only. */
void rt_exec_trace_begin (RtExec *exec, const RtWorker *worker, RtNodeId node);
void rt_exec_trace_chunk (RtExec *exec, const RtWorker *worker, RtNodeId node);
void rt_exec_trace_leave (RtExec *exec, const RtWorker *worker);
void rt_exec_trace_end (RtExec *exec);
bool rt_exec_trace_new (RtExec *exec, RtError *error);
void rt_exec_trace_free (RtExec *exec);
