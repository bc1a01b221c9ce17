/* One operator of networks in a graph of its own, run by the executor: on 1, 2, 3 and 8 threads,
 * with the same bytes, and by its plain reference. For tests. */
#pragma once

#include <glib.h>

#include "rt-exec.h"

typedef struct
{
  RtGraph *graph;
  RtNodeId node;
  RtValueId inputs[64];
  uint32_t n_inputs;
  GPtrArray *data; /* [n_values] bytes of inputs; NULL for weights */
  GPtrArray *owned;
  int pack_dtype; /* matrices are packed in this format; -1: as they are */
} NetCase;

typedef struct
{
  RtShape shape;
  int type;
  gsize n_bytes;
  guint8 *data;
} NetResult;

void net_case_init (NetCase *c);
void net_case_clear (NetCase *c);

/* A tensor of @type and @dims (n_dims of them). Bytes are copied. Returns its input number. */
uint32_t net_case_input (NetCase *c, int type, uint32_t n_dims, const int64_t *dims,
                         const void *bytes);
uint32_t net_case_weight (NetCase *c, int type, uint32_t n_dims, const int64_t *dims,
                          const void *bytes);
/* The same with random numbers of the type: floats in [low, high), integers over that range. */
uint32_t net_case_random_input (NetCase *c, int type, uint32_t n_dims, const int64_t *dims,
                                double low, double high);
uint32_t net_case_random_weight (NetCase *c, int type, uint32_t n_dims, const int64_t *dims,
                                 double low, double high);
uint32_t net_case_no_input (NetCase *c);
/* Of the input added last: one scale, or one per index of dimension @axis. */
void net_case_quant (NetCase *c, uint32_t n, int axis, const float *scales,
                     const int32_t *zero_points);

/* Add the node; its output @i has quantization @quants[i] (may be NULL). Aborts the test when the
 * operator refuses. */
void net_case_node (NetCase *c, const RtOp *op, const void *attrs, const RtQuant *quants);
/* The operator must refuse; its message, to be freed. */
char *net_case_refused (NetCase *c, const RtOp *op, const void *attrs);

/* Outputs [RT_MAX_OUTPUTS] after one run. @n_threads 0: the reference. */
void net_case_run (NetCase *c, uint32_t n_threads, NetResult *results);
/* 1, 2, 3, 8 threads: asserts equal bytes, returns the first. */
void net_case_run_threads (NetCase *c, NetResult *results);
void net_results_clear (NetResult *results);

/* ---- whole graphs ---- */

/* A graph that is built node by node, with weights that are random numbers. */
typedef struct
{
  RtGraph *graph;
  GPtrArray *owned; /* the weights' numbers */
  guint n_weights;
} Net;

void net_init (Net *net);
void net_clear (Net *net);
/* f32 in [low, high). */
RtValueId net_weight (Net *net, guint n_dims, const int64_t *dims, double low, double high);
/* Its first output; aborts the test when the operator refuses. */
RtValueId net_add (Net *net, const char *name, const RtOp *op, const void *attrs, guint n,
                   const RtValueId *inputs);

/* An executor of @graph with its matrices packed in their own formats. */
typedef struct
{
  const RtGraph *graph;
  RtPool *pool;
  RtWeight **weights;
  RtExec *exec;
} NetExec;

void net_exec_init (NetExec *e, const RtGraph *graph, uint32_t n_threads, RtPlanner planner,
                    bool reference);
void net_exec_clear (NetExec *e);
/* One run; aborts the test on failure. */
void net_exec_run (NetExec *e);
/* Value @name after a run, f32. */
const float *net_exec_floats (const NetExec *e, const char *name, gsize *n);

/* Element @i as a double, whatever the type. */
double net_result_get (const NetResult *result, gsize i);
/* run_threads() and the reference: equal bytes for integers; floats within @relative * |reference|
 * + @absolute, NaN equal to NaN. */
void net_case_check (NetCase *c, double relative, double absolute);
/* Output @output against @expected [n], same rule. */
void net_result_check (const NetResult *result, const double *expected, gsize n, double relative,
                       double absolute);
