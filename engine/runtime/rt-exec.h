/* The executor: runs a graph on a pool, step by step, without allocating or locking.
 *
 * Create (plans memory, allocates everything, checks everything) -> run any number of times ->
 * free. */
#pragma once

#include "rt-counters.h"
#include "rt-graph.h"
#include "rt-kv.h"
#include "rt-op.h"
#include "rt-plan.h"
#include "rt-pool.h"
#include "rt-trace.h"
#include "rt-weight.h"

typedef struct RtExec RtExec;

typedef struct
{
  const RtGraph *graph;     /* borrowed, outlives the executor */
  RtWeight *const *weights; /* [n_values]: packed weight per weight value that a matmul or embedding
                               reads, NULL for plain f32 vectors; refs are taken */
  RtPool *pool;             /* borrowed */
  const KnTable *kernels;   /* NULL: kn_table () */
  int64_t max_symbols[RT_N_SYMBOLS];
  KnDtype kv_format;
  uint32_t kv_capacity; /* positions; 0: the graph needs no cache */
  RtPlanner planner;    /* how memory is shared */
  bool use_reference;   /* run every operator's plain reference instead, for tests */
  const bool *taps; /* [n_values], NULL: none. Activations that are watched: each has memory of its
                     * own from the first node to the last, so that it can be read after a run and
                     * written before a run of some nodes. Copied. Costs their memory, no time */
} RtExecConfig;

RtExec *rt_exec_new (const RtExecConfig *config, RtError *error);
void rt_exec_free (RtExec *exec); /* accepts NULL */

/* Feed @n_tokens tokens at the sequence's next positions. Logits are computed for the last
 * @n_outputs of them and are then at rt_exec_logits(). Fails with RT_ERROR_RANGE (context full,
 * token id out of range, more tokens than planned for); nothing has changed then.
 * @phase marks the trace records. */
bool rt_exec_run (RtExec *exec, const int32_t *tokens, uint32_t n_tokens, uint32_t n_outputs,
                  RtPhase phase, RtError *error);

/* Feed a tree of drafted tokens (rt-tree.h): token i continues token parents[i] < i, or the
 * sequence's last token where that is RT_NONE, and sees the sequence and its own ancestors only.
 * Logits are computed for the last @n_outputs tokens, equal to the last bit to those of a plain run
 * of the token's path. The sequence stays as long as it was: rt_kv_keep() makes a path a part of
 * it, or rt_exec_run() goes on without the tree. A chain costs what rt_exec_run() costs. At most
 * RT_TREE_MAX_TOKENS. The first run of a tree takes memory for the keys and values of the tokens.
 * Fails like rt_exec_run(), and on parents that are none. */
bool rt_exec_run_tree (RtExec *exec, const int32_t *tokens, const uint32_t *parents,
                       uint32_t n_tokens, uint32_t n_outputs, RtPhase phase, RtError *error);

/* ---- networks that are no language models ---- */

/* What input @value reads in the next runs. @data is [shape] of its type, all symbols bound as in
 * rt_exec_infer(); inputs without symbols are copied at once, those with symbols (pictures, sounds)
 * are borrowed until replaced. */
void rt_exec_set_input (RtExec *exec, RtValueId value, const void *data);
/* Run the graph once. @symbols [RT_N_SYMBOLS], each at most its maximum; NULL: the maxima. States
 * move on; a cache, where nodes have one, is read and written at its length, which stays. Fails
 * with RT_ERROR_RANGE (an input with symbols was never set, a symbol too large) and
 * RT_ERROR_CANCELLED; states are then as before. */
bool rt_exec_infer (RtExec *exec, const int64_t *symbols, RtPhase phase, RtError *error);
/* All states as they were at the beginning. */
void rt_exec_reset_state (RtExec *exec);
/* The sizes that the last run bound, [RT_N_SYMBOLS]; zeros before the first. */
void rt_exec_symbols (const RtExec *exec, int64_t *symbols);
/* The shape of @value in the last run. */
void rt_exec_value_shape (const RtExec *exec, RtValueId value, RtShape *shape);

const float *rt_exec_logits (const RtExec *exec, uint32_t row); /* [n_vocab] */
uint32_t rt_exec_n_vocab (const RtExec *exec);

/* ---- parts of a graph ----
 *
 * What a node makes of other inputs than those of this run: choose the nodes, write what they read
 * from outside of them into the taps, run, read the taps that they wrote. */

/* Only the nodes with @nodes[n] do anything in the next runs, in their order; NULL: all again. What
 * they read from nodes that are left out must be taps (or inputs, states, outputs). [n_nodes];
 * copied. Not while it runs. Fails with RT_ERROR_MEMORY. */
bool rt_exec_choose (RtExec *exec, const bool *nodes, RtError *error);
bool rt_exec_is_tap (const RtExec *exec, RtValueId value);
/* The memory of tap @value, as large as at the symbols' maxima, to be read and written between
 * runs. */
void *rt_exec_tap (RtExec *exec, RtValueId value);

/* Any value's memory after a run; valid until the next; activations may have been overwritten by
 * later nodes (outputs never). */
const void *rt_exec_value (const RtExec *exec, RtValueId value);

RtKv *rt_exec_kv (RtExec *exec);
/* [n_values of the graph], NULL where a value is not a packed matrix: for another executor of the
 * same graph. */
RtWeight *const *rt_exec_weights (const RtExec *exec);
const RtPlan *rt_exec_plan (const RtExec *exec);
/* What another planner would make of the same memory; nothing of it is used. Reads only what never
 * changes: may be called while the executor runs. */
RtPlan *rt_exec_make_plan (const RtExec *exec, RtPlanner planner, RtError *error);
uint32_t rt_exec_step (const RtExec *exec); /* runs so far */

/* Tracing. Off by default; takes effect at the next run. One ring per thread. */
void rt_exec_set_tracing (RtExec *exec, bool on);
RtTraceRing *rt_exec_trace (RtExec *exec, uint32_t thread);

/* ---- counting ----
 *
 * Runs between begin and end are counted: performance counters are summed per node, over all
 * threads and runs. Such runs are slower (a system call where a thread enters or leaves a node) and
 * must not be traced; clean and traced runs pay nothing for them. All from the thread that runs. */

/* false: why there are none, in words */
bool rt_exec_count_begin (RtExec *exec, RtCounterSet set, RtError *error);
void rt_exec_count_end (RtExec *exec);   /* also when none began */
void rt_exec_count_clear (RtExec *exec); /* sums begin again at 0 */
/* Between begin and end. NULL: counter @counter is there; else why not. Valid until the end. */
const char *rt_exec_count_reason (const RtExec *exec, int counter);
/* The sum; where the kernel counted only a part of the time, what it would be for all of it. */
double rt_exec_count_get (const RtExec *exec, RtNodeId node, int counter);

/* What node @node has left out of its work since the executor was made (RtOp.skips). Between runs,
 * from the thread that runs. */
RtTally rt_exec_tally (const RtExec *exec, RtNodeId node);

/* Ask a run in progress to stop at the next node (from any thread); that run returns
 * RT_ERROR_CANCELLED and the cache keeps its old length. */
void rt_exec_cancel (RtExec *exec);

/* Bytes by definition (design: one definition per number). */
typedef struct
{
  uint64_t weight_bytes;     /* packed weights resident, each counted once */
  uint64_t activation_bytes; /* the arena */
  uint64_t scratch_bytes;    /* shared and per-thread working memory */
  uint64_t kv_bytes;         /* cache as allocated */
  uint64_t trace_bytes;
} RtMemory;

void rt_exec_memory (const RtExec *exec, RtMemory *memory);

/* Cost of node @node for a run of @n_tokens at sequence length @position. */
void rt_exec_cost (const RtExec *exec, RtNodeId node, uint32_t n_tokens, uint32_t position,
                   RtCost *cost);
