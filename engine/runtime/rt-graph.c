/* The graph as a data structure: arena, names, values and nodes. Filled by the architecture
 * builders and by fusion; read by the planner, the executor and the studio. Must not know any
 * operator.
 *
 * Structs live in the arena and the tables hold pointers, so a pointer from rt_graph_node() stays
 * good while the graph grows. */
#include "rt-graph.h"

#include <stdarg.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rt-graph-private.h"
#include "rt-op.h"

#define ARENA_BLOCK_BYTES 65536

typedef struct ArenaBlock ArenaBlock;
struct ArenaBlock
{
  ArenaBlock *next;
  size_t used, size;
  _Alignas(16) char bytes[];
};

/* Open addressing: slot -> id + 1 of the entry in the table it belongs to, 0 when free. */
typedef struct
{
  uint32_t *slots;
  uint32_t n_slots; /* a power of two, or 0 */
} NameMap;

struct RtGraph
{
  ArenaBlock *arena;
  uint64_t arena_bytes;
  RtValue **values;
  RtNode **nodes;
  uint32_t n_values, n_values_allocated;
  uint32_t n_nodes, n_nodes_allocated;
  NameMap value_names, node_names;
  int32_t n_layers;
};

/* ---- memory ---- */

static void *
arena_alloc (RtGraph *graph, size_t n_bytes)
{
  size_t rounded = (n_bytes + 15) & ~(size_t)15;
  ArenaBlock *block = graph->arena;

  if (rounded < n_bytes)
    return NULL;
  if (block == NULL || block->size - block->used < rounded)
    {
      size_t size = rounded > ARENA_BLOCK_BYTES ? rounded : ARENA_BLOCK_BYTES;
      block = malloc (sizeof *block + size);
      if (block == NULL)
        return NULL;
      *block = (ArenaBlock){ .next = graph->arena, .size = size };
      graph->arena = block;
      graph->arena_bytes += sizeof *block + size;
    }

  void *memory = block->bytes + block->used;
  block->used += rounded;
  memset (memory, 0, rounded);
  return memory;
}

static char *
arena_strdup (RtGraph *graph, const char *text)
{
  size_t n_bytes = strlen (text) + 1;
  char *copy = arena_alloc (graph, n_bytes);
  if (copy != NULL)
    memcpy (copy, text, n_bytes);
  return copy;
}

/* Room for one more pointer in a table that doubles. */
static bool
table_reserve (void ***table, uint32_t n_used, uint32_t *n_allocated)
{
  if (n_used < *n_allocated)
    return true;

  uint32_t n = *n_allocated == 0 ? 64 : *n_allocated * 2;
  void **grown = realloc (*table, n * sizeof *grown);
  if (grown == NULL)
    return false;
  *table = grown;
  *n_allocated = n;
  return true;
}

static bool
fail_memory (RtError *error, const char *name)
{
  return rt_fail (error, RT_ERROR_MEMORY, "No memory for the graph at %s", name);
}

/* ---- names ---- */

/* FNV-1a. */
static uint32_t
name_hash (const char *name)
{
  uint32_t hash = 2166136261u;
  for (; *name != '\0'; name++)
    hash = (hash ^ (unsigned char)*name) * 16777619u;
  return hash;
}

static const char *
value_name (const RtGraph *graph, uint32_t id)
{
  return graph->values[id]->name;
}

static const char *
node_name (const RtGraph *graph, uint32_t id)
{
  return graph->nodes[id]->name;
}

typedef const char *(*NameOf) (const RtGraph *graph, uint32_t id);

/* The slot that holds @name, or the free one where it would go. The map is never full. */
static uint32_t
name_map_slot (const RtGraph *graph, const NameMap *map, NameOf name_of, const char *name)
{
  uint32_t slot = name_hash (name) & (map->n_slots - 1);
  while (map->slots[slot] != 0 && strcmp (name_of (graph, map->slots[slot] - 1), name) != 0)
    slot = (slot + 1) & (map->n_slots - 1);
  return slot;
}

static uint32_t
name_map_find (const RtGraph *graph, const NameMap *map, NameOf name_of, const char *name)
{
  if (map->n_slots == 0)
    return RT_NONE;
  /* RT_NONE is what 0 - 1 gives. */
  return map->slots[name_map_slot (graph, map, name_of, name)] - 1;
}

/* Room for entry number @n_used, at most half full. */
static bool
name_map_reserve (const RtGraph *graph, NameMap *map, NameOf name_of, uint32_t n_used)
{
  if (2 * (n_used + 1) <= map->n_slots)
    return true;

  NameMap grown = { .n_slots = map->n_slots == 0 ? 256 : map->n_slots * 2 };
  grown.slots = calloc (grown.n_slots, sizeof *grown.slots);
  if (grown.slots == NULL)
    return false;
  for (uint32_t i = 0; i < map->n_slots; i++)
    if (map->slots[i] != 0)
      {
        const char *name = name_of (graph, map->slots[i] - 1);
        grown.slots[name_map_slot (graph, &grown, name_of, name)] = map->slots[i];
      }
  free (map->slots);
  *map = grown;
  return true;
}

/* ---- building ---- */

RtGraph *
rt_graph_new (RtError *error)
{
  RtGraph *graph = calloc (1, sizeof *graph);
  if (graph == NULL)
    fail_memory (error, "its beginning");
  return graph;
}

void
rt_graph_free (RtGraph *graph)
{
  if (graph == NULL)
    return;

  for (ArenaBlock *block = graph->arena, *next; block != NULL; block = next)
    {
      next = block->next;
      free (block);
    }
  free (graph->values);
  free (graph->nodes);
  free (graph->value_names.slots);
  free (graph->node_names.slots);
  free (graph);
}

/* Append a zeroed value called @name. */
static RtValueId
add_value (RtGraph *graph, const char *name, RtError *error)
{
  RtValueId id = graph->n_values;

  if (rt_graph_find_value (graph, name) != RT_NONE)
    {
      rt_fail (error, RT_ERROR_FORMAT, "The graph has two values called %s", name);
      return RT_NONE;
    }
  RtValue *value = arena_alloc (graph, sizeof *value);
  char *copy = arena_strdup (graph, name);
  if (value == NULL || copy == NULL
      || !table_reserve ((void ***)&graph->values, id, &graph->n_values_allocated)
      || !name_map_reserve (graph, &graph->value_names, value_name, id))
    {
      fail_memory (error, name);
      return RT_NONE;
    }

  value->name = copy;
  value->producer = RT_NONE;
  value->next = RT_NONE;
  uint32_t slot = name_map_slot (graph, &graph->value_names, value_name, name);
  graph->values[id] = value;
  graph->value_names.slots[slot] = id + 1;
  graph->n_values++;
  return id;
}

RtValueId
rt_graph_add_input (RtGraph *graph, const char *name, int type, const RtShape *shape,
                    RtError *error)
{
  RtValueId id = add_value (graph, name, error);
  if (id == RT_NONE)
    return RT_NONE;

  RtValue *value = graph->values[id];
  value->kind = RT_VALUE_INPUT;
  value->type = type;
  value->shape = *shape;
  return id;
}

RtValueId
rt_graph_add_weight (RtGraph *graph, const char *name, int dtype, const RtShape *shape,
                     const void *data, uint64_t data_bytes, RtError *error)
{
  RtValue weight = { .name = name,
                     .kind = RT_VALUE_WEIGHT,
                     .type = dtype,
                     .shape = *shape,
                     .data = data,
                     .data_bytes = data_bytes,
                     .producer = RT_NONE,
                     .next = RT_NONE };
  if (!rt_graph_check_weight (&weight, error))
    return RT_NONE;

  RtValueId id = add_value (graph, name, error);
  if (id == RT_NONE)
    return RT_NONE;

  weight.name = graph->values[id]->name;
  *graph->values[id] = weight;
  return id;
}

RtValueId
rt_graph_add_state (RtGraph *graph, const char *name, int type, const RtShape *shape,
                    const void *data, RtError *error)
{
  RtValueId id = rt_graph_add_input (graph, name, type, shape, error);
  if (id == RT_NONE)
    return RT_NONE;

  graph->values[id]->kind = RT_VALUE_STATE;
  graph->values[id]->data = data;
  return id;
}

static bool
check_inputs (const RtGraph *graph, const RtNode *node, RtError *error)
{
  const RtOp *op = node->op;

  if (node->n_inputs < op->min_inputs || node->n_inputs > op->max_inputs)
    return rt_fail (error, RT_ERROR_FORMAT, "%s: %s takes %u to %u inputs, got %u", node->name,
                    op->title, op->min_inputs, op->max_inputs, node->n_inputs);
  for (uint32_t i = 0; i < node->n_inputs; i++)
    {
      bool missing = node->inputs[i] == RT_NONE;
      if (missing ? i < op->min_inputs : node->inputs[i] >= graph->n_values)
        return rt_fail (error, RT_ERROR_FORMAT, "%s: input %u of %s is not in the graph",
                        node->name, i + 1, op->title);
    }
  return true;
}

/* Outputs are called like the node; a second and third one get a number. */
static bool
add_outputs (RtGraph *graph, RtNode *node, RtNodeId id, const RtShape *shapes, const int *types,
             RtError *error)
{
  for (uint32_t i = 0; i < node->n_outputs; i++)
    {
      char name[300];
      if (i > 0)
        snprintf (name, sizeof name, "%s:%u", node->name, i + 1);
      node->outputs[i] = add_value (graph, i > 0 ? name : node->name, error);
      if (node->outputs[i] == RT_NONE)
        return false;

      RtValue *value = graph->values[node->outputs[i]];
      value->kind = RT_VALUE_ACTIVATION;
      value->type = types[i];
      value->shape = shapes[i];
      value->producer = id;
    }
  return true;
}

RtNodeId
rt_graph_add_node (RtGraph *graph, const char *name, int32_t layer, const RtOp *op,
                   const RtValueId *inputs, uint32_t n_inputs, const void *attrs, RtError *error)
{
  RtNodeId id = graph->n_nodes;
  RtNode draft = { .name = name, .op = op, .layer = layer, .n_inputs = n_inputs, .n_sources = 1 };
  uint32_t n_slots = n_inputs > RT_INPUT_SLOTS ? n_inputs : RT_INPUT_SLOTS;
  RtShape shapes[RT_MAX_OUTPUTS] = { 0 };
  int types[RT_MAX_OUTPUTS] = { 0 };

  if (rt_graph_find_node (graph, name) != RT_NONE)
    {
      rt_fail (error, RT_ERROR_FORMAT, "The graph has two nodes called %s", name);
      return RT_NONE;
    }
  draft.n_outputs = op->n_outputs;
  for (uint32_t i = 0; i < RT_MAX_OUTPUTS; i++)
    draft.outputs[i] = RT_NONE;

  RtNode *node = arena_alloc (graph, sizeof *node);
  RtValueId *slots = arena_alloc (graph, n_slots * sizeof *slots);
  draft.name = arena_strdup (graph, name);
  draft.attrs = arena_alloc (graph, op->attrs_bytes);
  draft.sources = arena_alloc (graph, sizeof *draft.sources);
  if (node == NULL || slots == NULL || draft.name == NULL || draft.attrs == NULL
      || draft.sources == NULL
      || !table_reserve ((void ***)&graph->nodes, id, &graph->n_nodes_allocated)
      || !name_map_reserve (graph, &graph->node_names, node_name, id))
    {
      fail_memory (error, name);
      return RT_NONE;
    }
  for (uint32_t i = 0; i < n_slots; i++)
    slots[i] = i < n_inputs ? inputs[i] : RT_NONE;
  draft.inputs = slots;
  draft.sources[0] = draft.name;
  if (attrs != NULL)
    memcpy (draft.attrs, attrs, op->attrs_bytes);

  if (!check_inputs (graph, &draft, error) || !rt_graph_infer (graph, &draft, shapes, types, error)
      || !add_outputs (graph, &draft, id, shapes, types, error))
    return RT_NONE;

  *node = draft;
  uint32_t slot = name_map_slot (graph, &graph->node_names, node_name, name);
  graph->nodes[id] = node;
  graph->node_names.slots[slot] = id + 1;
  graph->n_nodes++;
  return id;
}

void
rt_graph_set_output (RtGraph *graph, RtValueId value)
{
  graph->values[value]->kind = RT_VALUE_OUTPUT;
  graph->values[value]->is_kept = true;
}

bool
rt_graph_set_next (RtGraph *graph, RtValueId state, RtValueId value, RtError *error)
{
  RtValue *to = graph->values[state], *from = graph->values[value];

  if (to->kind != RT_VALUE_STATE || to->type != from->type || to->shape.n_dims != from->shape.n_dims
      || memcmp (to->shape.dims, from->shape.dims, to->shape.n_dims * sizeof *to->shape.dims) != 0)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s cannot become %s after a run: their types or shapes differ", to->name,
                    from->name);
  to->next = value;
  from->is_kept = true;
  return true;
}

bool
rt_graph_set_quant (RtGraph *graph, RtValueId id, const RtQuant *quant, RtError *error)
{
  RtQuant *copy = arena_alloc (graph, sizeof *copy);
  float *scales = arena_alloc (graph, quant->n * sizeof *scales);
  int32_t *zero_points = arena_alloc (graph, quant->n * sizeof *zero_points);

  if (copy == NULL || scales == NULL || zero_points == NULL)
    return fail_memory (error, graph->values[id]->name);
  memcpy (scales, quant->scales, quant->n * sizeof *scales);
  if (quant->zero_points != NULL)
    memcpy (zero_points, quant->zero_points, quant->n * sizeof *zero_points);
  *copy = (RtQuant){ quant->n, quant->axis, scales, zero_points };
  graph->values[id]->quant = copy;
  return true;
}

void *
rt_graph_alloc (RtGraph *graph, uint64_t n_bytes)
{
  return n_bytes < SIZE_MAX ? arena_alloc (graph, (size_t)n_bytes) : NULL;
}

void
rt_graph_replace_weight (RtGraph *graph, RtValueId id, int dtype, const void *data,
                         uint64_t data_bytes)
{
  RtValue *value = graph->values[id];
  value->type = dtype;
  value->data = data;
  value->data_bytes = data_bytes;
}

bool
rt_graph_owns (const RtGraph *graph, const void *data)
{
  for (const ArenaBlock *block = graph->arena; block != NULL; block = block->next)
    if ((const char *)data >= block->bytes && (const char *)data < block->bytes + block->used)
      return true;
  return false;
}

void
rt_graph_set_layer (RtGraph *graph, RtNodeId node, int32_t layer)
{
  graph->nodes[node]->layer = layer;
}

void
rt_graph_set_n_layers (RtGraph *graph, int32_t n_layers)
{
  graph->n_layers = n_layers;
}

void
rt_graph_set_input (RtGraph *graph, RtNodeId id, uint32_t slot, RtValueId value)
{
  RtNode *node = graph->nodes[id];

  assert (slot < RT_INPUT_SLOTS || slot < node->n_inputs);
  ((RtValueId *)node->inputs)[slot] = value;
  node->n_inputs = slot < node->n_inputs ? node->n_inputs : slot + 1;
}

bool
rt_graph_set_source_names (RtGraph *graph, RtNodeId id, const char *const *names, uint32_t n_names,
                           RtError *error)
{
  RtNode *node = graph->nodes[id];
  const char **sources = arena_alloc (graph, n_names * sizeof *sources);

  for (uint32_t i = 0; sources != NULL && i < n_names; i++)
    if ((sources[i] = arena_strdup (graph, names[i])) == NULL)
      sources = NULL;
  if (sources == NULL)
    return fail_memory (error, node->name);
  node->sources = sources;
  node->n_sources = n_names;
  return true;
}

bool
rt_graph_set_sources (RtGraph *graph, RtNodeId id, const RtNode *const *swallowed,
                      uint32_t n_swallowed, RtError *error)
{
  RtNode *node = graph->nodes[id];
  uint32_t n_sources = 0;

  for (uint32_t i = 0; i < n_swallowed; i++)
    n_sources += swallowed[i]->n_sources;
  const char **sources = arena_alloc (graph, n_sources * sizeof *sources);
  if (sources == NULL)
    return fail_memory (error, node->name);

  uint32_t n = 0;
  for (uint32_t i = 0; i < n_swallowed; i++)
    for (uint32_t k = 0; k < swallowed[i]->n_sources; k++)
      sources[n++] = swallowed[i]->sources[k];
  return rt_graph_set_source_names (graph, id, sources, n_sources, error);
}

/* ---- looking ---- */

uint32_t
rt_graph_n_nodes (const RtGraph *graph)
{
  return graph->n_nodes;
}

uint32_t
rt_graph_n_values (const RtGraph *graph)
{
  return graph->n_values;
}

const RtNode *
rt_graph_node (const RtGraph *graph, RtNodeId id)
{
  return graph->nodes[id];
}

const RtValue *
rt_graph_value (const RtGraph *graph, RtValueId id)
{
  return graph->values[id];
}

RtValueId
rt_graph_find_value (const RtGraph *graph, const char *name)
{
  return name_map_find (graph, &graph->value_names, value_name, name);
}

RtNodeId
rt_graph_find_node (const RtGraph *graph, const char *name)
{
  return name_map_find (graph, &graph->node_names, node_name, name);
}

int32_t
rt_graph_n_layers (const RtGraph *graph)
{
  return graph->n_layers;
}

uint64_t
rt_graph_bytes (const RtGraph *graph)
{
  return sizeof *graph + graph->arena_bytes + graph->n_values_allocated * sizeof *graph->values
         + graph->n_nodes_allocated * sizeof *graph->nodes
         + (uint64_t)(graph->value_names.n_slots + graph->node_names.n_slots) * sizeof (uint32_t);
}
