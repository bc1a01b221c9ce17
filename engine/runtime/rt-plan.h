/* The memory plan: where every activation lives in one arena, from lifetimes, before anything runs.
 */
#pragma once

#include "rt-op.h"

typedef struct
{
  uint64_t offset;      /* in the arena */
  uint64_t bytes;       /* at the symbols' maxima, rounded up to KN_ALIGN */
  uint32_t first, last; /* node indices between which it is alive, inclusive; where others share its
                           memory, the union of all their lives */
  RtValueId alias_of;   /* RT_NONE, or the value whose memory it shares in place */
} RtPlanEntry;

typedef struct
{
  RtPlanEntry *entries; /* [n_values]; bytes == 0 for values that are not in the arena */
  uint32_t n_values;
  uint64_t arena_bytes; /* activations, shared ones counted once: the peak */
  uint64_t shared_scratch_bytes;
  uint64_t thread_scratch_bytes; /* per thread */
  uint64_t lower_bound_bytes;    /* the most that is alive at one node: no plan can be smaller */
  uint32_t peak_node;            /* where that is */
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
} RtPlanConfig;

/* Plan @graph for the maxima of the symbols. Greedy by size (Pisarchyk and Lee 2020), in place
 * where the operator allows it. */
RtPlan *rt_plan_new (const RtGraph *graph, const RtPlanConfig *config, RtError *error);
void rt_plan_free (RtPlan *plan); /* accepts NULL */

/* Bytes of activations alive while node @node runs, at the maxima. */
uint64_t rt_plan_live_bytes (const RtPlan *plan, uint32_t node);
