/* The operator table: everything the rest of the engine may ask about an operator. One file per operator, one line in rt-op-list.c. */
#pragma once

#include "kn-table.h"
#include "rt-graph.h"
#include "rt-pool.h"

typedef struct RtKv RtKv;
typedef struct RtWeight RtWeight;

/* What a node costs in one run, from its shapes and formats alone. Bytes are what must move at least once. */
typedef struct
{
  uint64_t flops;
  uint64_t weight_bytes; /* packed weights read */
  uint64_t read_bytes;   /* activations and cache read */
  uint64_t write_bytes;
} RtCost;

/* One input or output of a node, bound for a run. */
typedef struct
{
  void *data;             /* activations; NULL for packed weights */
  const RtWeight *weight; /* packed matrix, or NULL */
  RtShape shape;          /* symbols bound */
  int type;
} RtTensor;

/* What an operator sees while it runs. */
typedef struct
{
  const KnTable *kn;
  const RtNode *node;
  const void *attrs;
  RtTensor inputs[RT_MAX_INPUTS];
  RtTensor outputs[2];
  RtKv *kv;            /* the sequence's cache, NULL for networks without one */
  uint32_t position;   /* of the first token of this run in the sequence */
  uint32_t n_tokens;
  uint8_t *scratch;    /* shared by all threads: scratch_bytes as asked for, KN_ALIGN aligned */
  uint8_t *thread_scratch; /* this thread's own */
} RtOpContext;

struct RtOp
{
  const char *name;   /* "rmsnorm" */
  const char *title;  /* "RMS norm", for people */
  uint32_t attrs_bytes;
  uint32_t min_inputs, max_inputs, n_outputs;

  /* Shapes and types of the outputs from those of the inputs and the attributes. */
  bool (*infer) (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error);

  /* Working memory, for the given bound symbols: shared by the threads, and per thread. May be NULL: none. */
  void (*scratch) (const RtGraph *graph, const RtNode *node, const int64_t *symbols, uint32_t n_threads, uint64_t *shared_bytes,
                   uint64_t *thread_bytes);

  /* Run this thread's share. Called by every thread of the pool; may use rt_worker_barrier() and rt_worker_next(). Cannot fail. */
  void (*run) (const RtOpContext *context, const RtWorker *worker);

  /* Plain C, one thread, straight from the formula, for tests: same inputs and outputs. */
  void (*reference) (const RtOpContext *context);

  void (*cost) (const RtGraph *graph, const RtNode *node, const int64_t *symbols, RtCost *cost);

  /* Output 0 may share the memory of input @input when nothing reads that input later. */
  bool (*in_place) (const RtNode *node, uint32_t input);
};

/* The table. NULL when there is no operator called @name. */
const RtOp *rt_op_find (const char *name);
const RtOp *const *rt_op_list (uint32_t *n_ops);
