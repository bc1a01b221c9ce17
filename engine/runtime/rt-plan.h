/* The memory plan: where every activation lives in one arena, from lifetimes, before anything runs.
 *
 * Values share memory in three ways: one after the other in time (offsets), in place (an
 * element-wise operator writes over its input, a view has the same bytes), and side by side (what
 * is concatenated is written where the concatenation will be). */
#pragma once

#include "rt-op.h"

typedef struct
{
  uint64_t offset;      /* in the arena */
  uint64_t bytes;       /* at the symbols' maxima, rounded up to KN_ALIGN */
  uint32_t first, last; /* node indices between which it is alive, inclusive; where others share its
                           memory, the union of all their lives */
  RtValueId alias_of;   /* RT_NONE, or the value in whose memory it lies */
  uint64_t alias_offset; /* bytes from the beginning of that value's memory */
  uint64_t row_stride;   /* elements between its rows where it lies in columns of a concatenation;
                          * 0: its rows follow each other */
} RtPlanEntry;

typedef enum
{
  RT_PLANNER_GREEDY,  /* largest first into the smallest gap: Pisarchyk and Lee 2020 */
  RT_PLANNER_ORDER,   /* in the order of execution, lowest place that is free */
  RT_PLANNER_OPTIMAL, /* search over orders; proven for small graphs, else the best that was
                       * found */
  RT_PLANNER_NONE,    /* every value for itself, nothing shared: the plain sum */
} RtPlanner;

#define RT_N_PLANNERS 4

typedef struct
{
  RtPlanEntry *entries; /* [n_values]; bytes == 0 for values that are not in the arena */
  uint32_t n_values;
  uint64_t arena_bytes; /* activations, shared ones counted once: the peak */
  uint64_t shared_scratch_bytes;
  uint64_t thread_scratch_bytes; /* per thread */
  uint64_t lower_bound_bytes;    /* the most that is alive at one node: no plan can be smaller */
  uint32_t peak_node;            /* where that is */
  RtPlanner planner;
  bool is_optimal; /* arena_bytes is proven to be the least */
} RtPlan;

/* What the memory depends on besides the graph. Needs formats only, not packed weights, so that a
 * plan can be made for a device that is not there. */
typedef struct
{
  const int *weight_dtypes; /* [n_values], as in RtOpQuery; NULL: all as in the file */
  int64_t max_symbols[RT_N_SYMBOLS];
  uint32_t n_threads;
  KnDtype kv_format;
  uint32_t kv_capacity;
  RtPlanner planner;
  const bool *taps; /* [n_values], NULL: none: values with memory of their own for the whole run,
                     * see RtExecConfig */
} RtPlanConfig;

/* Plan @graph for the maxima of the symbols. Bounded in time: a search stops after some hundred
 * thousand steps. */
RtPlan *rt_plan_new (const RtGraph *graph, const RtPlanConfig *config, RtError *error);
void rt_plan_free (RtPlan *plan); /* accepts NULL */

/* Bytes of activations alive while node @node runs, at the maxima. */
uint64_t rt_plan_live_bytes (const RtPlan *plan, uint32_t node);
