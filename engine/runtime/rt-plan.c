/* The memory plan: lifetimes of values, sharing, offsets. Called before anything runs, and to
 * foretell memory for devices that are not there. Asks the operators for scratch, in-place use and
 * joins; knows none of them.
 *
 * Values that share memory in place or side by side form one block whose life is the union of
 * theirs. Then every block gets its offset beside the blocks that live at the same time. The lower
 * bound, the most that is alive at one node, holds for the blocks as they were formed. */
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

/* Others write a tap's memory at any time, and runs of some nodes leave out those that would write
 * it anew: it is shared with nothing. */
static bool
is_tap (const RtPlanConfig *config, RtValueId id)
{
  return config->taps != NULL && config->taps[id];
}

/* The value in whose memory @id lies in the end. */
static RtValueId
block_of (const RtPlan *plan, RtValueId id)
{
  while (plan->entries[id].alias_of != RT_NONE)
    id = plan->entries[id].alias_of;
  return id;
}

static uint64_t
offset_in_block (const RtPlan *plan, RtValueId id)
{
  uint64_t offset = 0;
  for (; plan->entries[id].alias_of != RT_NONE; id = plan->entries[id].alias_of)
    offset += plan->entries[id].alias_offset;
  return offset;
}

/* @id, the first of its own block, now lies in @to's memory. */
static void
put_into (RtPlan *plan, RtValueId id, RtValueId to, uint64_t offset)
{
  RtPlanEntry *entry = &plan->entries[id], *block = &plan->entries[block_of (plan, to)];

  entry->alias_of = to;
  entry->alias_offset = offset;
  if (entry->first < block->first)
    block->first = entry->first;
  if (entry->last > block->last)
    block->last = entry->last;
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
      if (is_tap (config, id))
        {
          entry->first = 0;
          entry->last = n_nodes - 1;
        }
    }

  for (RtNodeId n = 0; n < n_nodes; n++)
    {
      const RtNode *node = rt_graph_node (graph, n);
      for (uint32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] != RT_NONE && plan->entries[node->inputs[i]].last < n)
          plan->entries[node->inputs[i]].last = n;
    }
}

/* Output 0 of @node may take over input @input: nothing reads that memory later, under any name,
 * and no other input of the node is the same memory. */
static bool
can_share (const RtGraph *graph, const RtPlanConfig *config, const RtPlan *plan, RtNodeId n,
           uint32_t input)
{
  const RtNode *node = rt_graph_node (graph, n);
  RtValueId from = node->inputs[input], to = node->outputs[0];

  if (from == RT_NONE || plan->entries[from].bytes == 0 || plan->entries[to].bytes == 0
      || plan->entries[from].row_stride != 0 || plan->entries[to].row_stride != 0
      || block_of (plan, from) == block_of (plan, to) || is_tap (config, from)
      || is_tap (config, to))
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

/* ---- side by side ---- */

static uint32_t
count_readers (const RtGraph *graph, RtValueId id)
{
  uint32_t n = 0;
  for (RtNodeId k = 0; k < rt_graph_n_nodes (graph); k++)
    for (uint32_t i = 0; i < rt_graph_node (graph, k)->n_inputs; i++)
      n += rt_graph_node (graph, k)->inputs[i] == id;
  return n;
}

/* Whether input @id of a joining node may be written where the joined value will be. */
static bool
can_join (const RtGraph *graph, const RtPlan *plan, RtValueId id, uint64_t offset, bool strided)
{
  const RtValue *value = rt_graph_value (graph, id);

  if (plan->entries[id].bytes == 0 || plan->entries[id].alias_of != RT_NONE || value->is_kept)
    return false;
  if (!strided)
    return offset % KN_ALIGN == 0;
  /* Rows apart from each other: only who writes them and the join itself know. */
  const RtNode *producer = rt_graph_node (graph, value->producer);
  return producer->op->strided_output && producer->outputs[0] == id
         && count_readers (graph, id) == 1;
}

static void
join_inputs (const RtGraph *graph, const RtPlanConfig *config, RtPlan *plan)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    {
      const RtNode *node = rt_graph_node (graph, n);
      RtValueId to = node->outputs[0];
      if (node->op->joins == NULL || plan->entries[to].bytes == 0 || is_tap (config, to))
        continue;
      for (uint32_t i = 0; i < node->n_inputs; i++)
        {
          uint64_t offset, stride;
          RtValueId id = node->inputs[i];
          if (id == RT_NONE || is_tap (config, id)
              || !node->op->joins (graph, node, i, &offset, &stride))
            continue;
          /* One run, or runs that are the rows of its last dimension. */
          const RtShape *shape = &rt_graph_value (graph, to)->shape;
          bool strided = stride < rt_shape_n (shape);
          if ((strided && stride != (uint64_t)shape->dims[shape->n_dims - 1])
              || plan->entries[to].row_stride != 0 || !can_join (graph, plan, id, offset, strided))
            continue;
          put_into (plan, id, to, offset);
          plan->entries[id].row_stride = strided ? stride : 0;
        }
    }
}

/* ---- in place ---- */

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
            RtValueId from = node->inputs[i], to = node->outputs[0];
            if (plan->entries[to].alias_of == RT_NONE)
              put_into (plan, to, from, 0);
            else if (plan->entries[from].alias_of == RT_NONE)
              put_into (plan, from, to, 0); /* the output has its place in a concatenation
                                             * already */
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

/* The offset for @block beside the @placed ones (sorted by offset) that live at the same time: in
 * the smallest gap that is large enough, or, with @lowest, in the first. */
static uint64_t
find_place (const RtPlan *plan, const Block *block, const RtValueId *placed, uint32_t n_placed,
            bool lowest)
{
  const RtPlanEntry *entry = &plan->entries[block->value];
  uint64_t end = 0, best = UINT64_MAX, best_gap = UINT64_MAX;

  for (uint32_t i = 0; i < n_placed; i++)
    {
      const RtPlanEntry *other = &plan->entries[placed[i]];
      if (!overlap_in_time (entry, other))
        continue;
      if (other->offset > end && other->offset - end >= block->bytes
          && other->offset - end < best_gap)
        {
          if (lowest)
            return end;
          best = end;
          best_gap = other->offset - end;
        }
      if (other->offset + other->bytes > end)
        end = other->offset + other->bytes;
    }
  return best != UINT64_MAX ? best : end;
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

/* Place @blocks in their order; the bytes of the arena. */
static uint64_t
place_in_order (RtPlan *plan, const Block *blocks, uint32_t n, RtValueId *placed, bool lowest)
{
  uint64_t arena_bytes = 0;

  for (uint32_t i = 0; i < n; i++)
    {
      RtPlanEntry *entry = &plan->entries[blocks[i].value];
      entry->offset = find_place (plan, &blocks[i], placed, i, lowest);
      insert_by_offset (plan, placed, i, blocks[i].value);
      if (entry->offset + blocks[i].bytes > arena_bytes)
        arena_bytes = entry->offset + blocks[i].bytes;
    }
  return arena_bytes;
}

static void
place_apart (RtPlan *plan, const Block *blocks, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++)
    {
      plan->entries[blocks[i].value].offset = plan->arena_bytes;
      plan->arena_bytes += blocks[i].bytes;
    }
}

static void
place_blocks (RtPlan *plan, Block *blocks, uint32_t n, RtValueId *placed)
{
  if (plan->planner == RT_PLANNER_NONE)
    place_apart (plan, blocks, n);
  else if (plan->planner == RT_PLANNER_ORDER)
    plan->arena_bytes = place_in_order (plan, blocks, n, placed, true);
  else
    {
      qsort (blocks, n, sizeof *blocks, by_size);
      plan->arena_bytes = place_in_order (plan, blocks, n, placed, false);
    }
}

/* ---- the best order ---- */

/* Every arrangement that cannot be pushed down further is what placing the blocks lowest first, in
 * the order of their offsets, gives. So the search goes over orders, depth first, and leaves a
 * branch when it is not below the best arrangement so far. */
#define MAX_STEPS 300000

typedef struct
{
  RtPlan *plan;
  const Block *blocks;
  uint32_t n;
  bool *used;
  RtValueId *placed;
  uint64_t *best_offsets; /* [n] */
  uint64_t best, bound;
  uint32_t n_steps;
} Search;

static void
search (Search *s, uint32_t depth, uint64_t height, uint64_t floor)
{
  if (depth == s->n)
    {
      s->best = height;
      for (uint32_t i = 0; i < s->n; i++)
        s->best_offsets[i] = s->plan->entries[s->blocks[i].value].offset;
      return;
    }
  for (uint32_t i = 0; i < s->n && s->best > s->bound && s->n_steps < MAX_STEPS; i++)
    {
      if (s->used[i])
        continue;
      RtPlanEntry *entry = &s->plan->entries[s->blocks[i].value];
      uint64_t offset = find_place (s->plan, &s->blocks[i], s->placed, depth, true);
      uint64_t top = offset + s->blocks[i].bytes;
      s->n_steps++;
      /* Orders are those of rising offsets. */
      if (offset < floor || top >= s->best)
        continue;
      entry->offset = offset;
      s->used[i] = true;
      insert_by_offset (s->plan, s->placed, depth, s->blocks[i].value);
      search (s, depth + 1, top > height ? top : height, offset);
      uint32_t at = 0;
      while (s->placed[at] != s->blocks[i].value)
        at++;
      memmove (s->placed + at, s->placed + at + 1, (depth - at) * sizeof *s->placed);
      s->used[i] = false;
    }
}

static bool
improve (RtPlan *plan, const Block *blocks, uint32_t n, RtValueId *placed)
{
  Search s = { .plan = plan,
               .blocks = blocks,
               .n = n,
               .used = calloc (n + 1, sizeof (bool)),
               .placed = placed,
               .best_offsets = calloc (n + 1, sizeof (uint64_t)),
               .best = plan->arena_bytes,
               .bound = plan->lower_bound_bytes };
  bool ok = s.used != NULL && s.best_offsets != NULL;

  if (ok)
    {
      for (uint32_t i = 0; i < n; i++)
        s.best_offsets[i] = plan->entries[blocks[i].value].offset;
      if (s.best > s.bound)
        search (&s, 0, 0, 0);
      for (uint32_t i = 0; i < n; i++)
        plan->entries[blocks[i].value].offset = s.best_offsets[i];
      plan->arena_bytes = s.best;
      plan->is_optimal = s.n_steps < MAX_STEPS;
    }
  free (s.best_offsets);
  free (s.used);
  return ok;
}

static bool
place_all (RtPlan *plan, RtError *error)
{
  Block *blocks = malloc ((plan->n_values + 1) * sizeof *blocks);
  RtValueId *placed = malloc ((plan->n_values + 1) * sizeof *placed);
  uint32_t n = 0;
  bool ok = blocks != NULL && placed != NULL;

  if (ok)
    {
      for (RtValueId id = 0; id < plan->n_values; id++)
        if (plan->entries[id].bytes > 0 && plan->entries[id].alias_of == RT_NONE)
          blocks[n++] = (Block){ id, plan->entries[id].bytes };
      place_blocks (plan, blocks, n, placed);
      if (plan->planner == RT_PLANNER_OPTIMAL)
        ok = improve (plan, blocks, n, placed);
      plan->is_optimal |= plan->arena_bytes == plan->lower_bound_bytes;
      for (RtValueId id = 0; id < plan->n_values; id++)
        if (plan->entries[id].alias_of != RT_NONE)
          plan->entries[id].offset
              = plan->entries[block_of (plan, id)].offset + offset_in_block (plan, id);
    }
  free (placed);
  free (blocks);
  return ok || rt_fail (error, RT_ERROR_MEMORY, "No memory to plan %u values", plan->n_values);
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

  plan->planner = config->planner;
  find_lives (graph, config, plan);
  if (plan->planner != RT_PLANNER_NONE)
    {
      join_inputs (graph, config, plan);
      share_in_place (graph, config, plan);
    }
  find_peak (graph, plan);
  if (!place_all (plan, error))
    {
      rt_plan_free (plan);
      return NULL;
    }
  find_scratch (graph, config, plan);
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
