/* The memory plan: lifetimes of values, in-place sharing, offsets. Called before anything runs, and
 * to foretell memory for devices that are not there. Asks the operators for scratch and for
 * in-place use; knows none of them.
 *
 * Values that share memory in place form one block whose life is the union of theirs. Blocks are
 * placed from the largest to the smallest, each in the smallest gap that fits among the blocks that
 * live at the same time (Pisarchyk and Lee 2020, "greedy by size for offset"). */
#include "rt-plan.h"

#include <stdlib.h>
#include <string.h>

typedef struct
{
  RtValueId value; /* the first of its values; entries[value] holds the block's life and place */
  uint64_t bytes;
} Block;

static uint64_t
align_up (uint64_t n)
{
  return (n + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

static bool
is_planned (const RtValue *value)
{
  return value->kind == RT_VALUE_ACTIVATION || value->kind == RT_VALUE_OUTPUT;
}

/* The value whose memory @id uses in the end. */
static RtValueId
block_of (const RtPlan *plan, RtValueId id)
{
  while (plan->entries[id].alias_of != RT_NONE)
    id = plan->entries[id].alias_of;
  return id;
}

/* ---- lifetimes ---- */

static void
find_lives (const RtGraph *graph, const RtPlanConfig *config, RtPlan *plan)
{
  uint32_t n_nodes = rt_graph_n_nodes (graph);

  for (RtValueId id = 0; id < plan->n_values; id++)
    {
      const RtValue *value = rt_graph_value (graph, id);
      RtPlanEntry *entry = &plan->entries[id];
      entry->alias_of = RT_NONE;
      if (!is_planned (value))
        continue;
      entry->bytes = align_up (rt_value_bytes (value, config->max_symbols));
      entry->first = value->producer;
      entry->last = value->is_kept ? n_nodes - 1 : value->producer;
    }

  for (RtNodeId n = 0; n < n_nodes; n++)
    {
      const RtNode *node = rt_graph_node (graph, n);
      for (uint32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] != RT_NONE && plan->entries[node->inputs[i]].last < n)
          plan->entries[node->inputs[i]].last = n;
    }
}

/* Output 0 of @node may take over input @input: nothing reads that memory later, under any name, and
 * no other input of the node is the same memory. */
static bool
can_share (const RtGraph *graph, const RtPlanConfig *config, const RtPlan *plan, RtNodeId n,
           uint32_t input)
{
  const RtNode *node = rt_graph_node (graph, n);
  RtValueId from = node->inputs[input], to = node->outputs[0];

  if (from == RT_NONE || plan->entries[from].bytes == 0 || plan->entries[to].bytes == 0)
    return false;
  /* The very bytes, not rounded up: an input that is broadcast is smaller than the output. */
  if (rt_value_bytes (rt_graph_value (graph, from), config->max_symbols)
      != rt_value_bytes (rt_graph_value (graph, to), config->max_symbols))
    return false;
  if (node->op->is_view && input == 0)
    return true;
  if (node->op->in_place == NULL || !node->op->in_place (node, input)
      || rt_graph_value (graph, from)->is_kept)
    return false;
  if (plan->entries[block_of (plan, from)].last != n)
    return false;
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (i != input && node->inputs[i] != RT_NONE
        && block_of (plan, node->inputs[i]) == block_of (plan, from))
      return false;
  return true;
}

static void
share_in_place (const RtGraph *graph, const RtPlanConfig *config, RtPlan *plan)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    {
      const RtNode *node = rt_graph_node (graph, n);
      if (node->op->in_place == NULL && !node->op->is_view)
        continue;
      for (uint32_t i = 0; i < node->n_inputs; i++)
        if (can_share (graph, config, plan, n, i))
          {
            RtValueId to = node->outputs[0];
            RtPlanEntry *block = &plan->entries[block_of (plan, node->inputs[i])];
            plan->entries[to].alias_of = node->inputs[i];
            if (block->last < plan->entries[to].last)
              block->last = plan->entries[to].last;
            break;
          }
    }
}

/* ---- places ---- */

static int
by_size (const void *a, const void *b)
{
  const Block *x = a, *y = b;

  if (x->bytes != y->bytes)
    return x->bytes < y->bytes ? 1 : -1;
  return (x->value > y->value) - (x->value < y->value);
}

static bool
overlap_in_time (const RtPlanEntry *a, const RtPlanEntry *b)
{
  return a->first <= b->last && b->first <= a->last;
}

/* @placed: the blocks that have a place, sorted by offset. */
static void
place_block (RtPlan *plan, const Block *block, const RtValueId *placed, uint32_t n_placed)
{
  RtPlanEntry *entry = &plan->entries[block->value];
  uint64_t end = 0, best = UINT64_MAX, best_gap = UINT64_MAX;

  for (uint32_t i = 0; i < n_placed; i++)
    {
      const RtPlanEntry *other = &plan->entries[placed[i]];
      if (!overlap_in_time (entry, other))
        continue;
      if (other->offset > end && other->offset - end >= block->bytes
          && other->offset - end < best_gap)
        {
          best = end;
          best_gap = other->offset - end;
        }
      if (other->offset + other->bytes > end)
        end = other->offset + other->bytes;
    }
  entry->offset = best != UINT64_MAX ? best : end;
  if (entry->offset + block->bytes > plan->arena_bytes)
    plan->arena_bytes = entry->offset + block->bytes;
}

static void
insert_by_offset (const RtPlan *plan, RtValueId *placed, uint32_t n_placed, RtValueId value)
{
  uint32_t at = n_placed;

  while (at > 0 && plan->entries[placed[at - 1]].offset > plan->entries[value].offset)
    at--;
  memmove (placed + at + 1, placed + at, (n_placed - at) * sizeof *placed);
  placed[at] = value;
}

static bool
place_blocks (RtPlan *plan, RtError *error)
{
  Block *blocks = malloc ((plan->n_values + 1) * sizeof *blocks);
  RtValueId *placed = malloc ((plan->n_values + 1) * sizeof *placed);
  uint32_t n = 0;
  bool ok = blocks != NULL && placed != NULL;

  if (!ok)
    rt_fail (error, RT_ERROR_MEMORY, "No memory to plan %u values", plan->n_values);
  else
    {
      for (RtValueId id = 0; id < plan->n_values; id++)
        if (plan->entries[id].bytes > 0 && plan->entries[id].alias_of == RT_NONE)
          blocks[n++] = (Block){ id, plan->entries[id].bytes };
      qsort (blocks, n, sizeof *blocks, by_size);
      for (uint32_t i = 0; i < n; i++)
        {
          place_block (plan, &blocks[i], placed, i);
          insert_by_offset (plan, placed, i, blocks[i].value);
        }
      for (RtValueId id = 0; id < plan->n_values; id++)
        plan->entries[id].offset = plan->entries[block_of (plan, id)].offset;
    }
  free (placed);
  free (blocks);
  return ok;
}

/* ---- totals ---- */

static void
find_scratch (const RtGraph *graph, const RtPlanConfig *config, RtPlan *plan)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    {
      const RtNode *node = rt_graph_node (graph, n);
      uint64_t shared_bytes = 0, thread_bytes = 0;
      if (node->op->scratch == NULL)
        continue;
      node->op->scratch (&(RtOpQuery){ .graph = graph,
                                       .node = node,
                                       .weight_dtypes = config->weight_dtypes,
                                       .symbols = config->max_symbols,
                                       .kv_format = config->kv_format,
                                       .kv_capacity = config->kv_capacity,
                                       .n_threads = config->n_threads },
                         &shared_bytes, &thread_bytes);
      if (shared_bytes > plan->shared_scratch_bytes)
        plan->shared_scratch_bytes = align_up (shared_bytes);
      if (thread_bytes > plan->thread_scratch_bytes)
        plan->thread_scratch_bytes = align_up (thread_bytes);
    }
}

static void
find_peak (const RtGraph *graph, RtPlan *plan)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    {
      uint64_t live = rt_plan_live_bytes (plan, n);
      if (live > plan->lower_bound_bytes)
        {
          plan->lower_bound_bytes = live;
          plan->peak_node = n;
        }
    }
}

uint64_t
rt_plan_live_bytes (const RtPlan *plan, uint32_t node)
{
  uint64_t live = 0;

  for (RtValueId id = 0; id < plan->n_values; id++)
    {
      const RtPlanEntry *entry = &plan->entries[id];
      if (entry->bytes > 0 && entry->alias_of == RT_NONE && entry->first <= node
          && node <= entry->last)
        live += entry->bytes;
    }
  return live;
}

RtPlan *
rt_plan_new (const RtGraph *graph, const RtPlanConfig *config, RtError *error)
{
  RtPlan *plan = calloc (1, sizeof *plan);
  RtPlanEntry *entries = calloc (rt_graph_n_values (graph) + 1, sizeof *entries);

  if (plan == NULL || entries == NULL)
    {
      free (entries);
      free (plan);
      rt_fail (error, RT_ERROR_MEMORY, "No memory for a memory plan");
      return NULL;
    }
  plan->entries = entries;
  plan->n_values = rt_graph_n_values (graph);

  find_lives (graph, config, plan);
  share_in_place (graph, config, plan);
  if (!place_blocks (plan, error))
    {
      rt_plan_free (plan);
      return NULL;
    }
  find_scratch (graph, config, plan);
  find_peak (graph, plan);
  return plan;
}

void
rt_plan_free (RtPlan *plan)
{
  if (plan == NULL)
    return;
  free (plan->entries);
  free (plan);
}
