/* Changing a graph: notes what is to be different, then copies what is still needed in the old
 * order. Called by techniques through the studio; knows no operator and no technique. */
#include "rt-surgery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rt-op.h"

/* What was put in. Values of it have ids from n_values on. */
typedef struct
{
  char *name;
  bool is_weight;
  /* weight */
  int type;
  RtShape shape;
  void *data;
  uint64_t n_bytes;
  /* node */
  RtValueId after, replaces;
  int32_t layer;
  const RtOp *op;
  RtValueId *inputs;
  uint32_t n_inputs;
  void *attrs;
} Insert;

typedef struct
{
  bool is_reshaped;
  RtShape shape;
  float *numbers; /* NULL: as they are */
} WeightChange;

/* Inputs of an old node that are not those it had. */
typedef struct
{
  RtValueId *values; /* NULL: as they were */
  uint32_t n;
} InputChange;

struct RtSurgery
{
  const RtGraph *old;
  uint32_t n_values, n_nodes;
  RtValueId *instead;    /* [n_values + inserts] */
  WeightChange *weights; /* [n_values] */
  void **attrs;          /* [n_nodes] NULL: unchanged */
  InputChange *inputs;   /* [n_nodes] */
  Insert *inserts;
  uint32_t n_inserts;
  RtError error; /* the first failure */

  /* While finishing. */
  RtGraph *graph;
  RtValueId *map; /* [n_values + n_inserts] */
  bool *node_needed, *value_needed;
};

static void *
note_memory (RtSurgery *s, void *memory)
{
  if (memory == NULL && s->error.status == RT_OK)
    rt_fail (&s->error, RT_ERROR_MEMORY, "No memory to change a graph of %u nodes", s->n_nodes);
  return memory;
}

RtSurgery *
rt_surgery_new (const RtGraph *graph, RtError *error)
{
  RtSurgery *s = calloc (1, sizeof *s);
  if (s == NULL)
    {
      rt_fail (error, RT_ERROR_MEMORY, "No memory to change a graph");
      return NULL;
    }
  s->old = graph;
  s->n_values = rt_graph_n_values (graph);
  s->n_nodes = rt_graph_n_nodes (graph);
  s->instead = calloc (s->n_values + 1, sizeof *s->instead);
  s->weights = calloc (s->n_values + 1, sizeof *s->weights);
  s->attrs = calloc (s->n_nodes + 1, sizeof *s->attrs);
  s->inputs = calloc (s->n_nodes + 1, sizeof *s->inputs);
  if (s->instead == NULL || s->weights == NULL || s->attrs == NULL || s->inputs == NULL)
    {
      rt_fail (error, RT_ERROR_MEMORY, "No memory to change a graph of %u nodes", s->n_nodes);
      rt_surgery_free (s);
      return NULL;
    }
  for (uint32_t i = 0; i < s->n_values; i++)
    s->instead[i] = i;
  return s;
}

void
rt_surgery_free (RtSurgery *s)
{
  if (s == NULL)
    return;
  for (uint32_t i = 0; i < s->n_inserts; i++)
    {
      free (s->inserts[i].name);
      free (s->inserts[i].data);
      free (s->inserts[i].inputs);
      free (s->inserts[i].attrs);
    }
  for (uint32_t i = 0; s->weights != NULL && i < s->n_values; i++)
    free (s->weights[i].numbers);
  for (uint32_t i = 0; s->attrs != NULL && i < s->n_nodes; i++)
    free (s->attrs[i]);
  for (uint32_t i = 0; s->inputs != NULL && i < s->n_nodes; i++)
    free (s->inputs[i].values);
  free (s->inputs);
  free (s->inserts);
  free (s->weights);
  free (s->attrs);
  free (s->instead);
  free (s->map);
  free (s->node_needed);
  free (s->value_needed);
  free (s);
}

/* ---- noting ---- */

void
rt_surgery_reroute (RtSurgery *s, RtValueId value, RtValueId instead)
{
  s->instead[value] = instead;
}

/* The value that stands where @value stood. Chains (two skipped blocks in a row) are followed; a
 * chain is never longer than there are values. */
static RtValueId
resolve (const RtSurgery *s, RtValueId value)
{
  uint32_t n = s->n_values + s->n_inserts;
  for (uint32_t i = 0; i < n && s->instead[value] != value; i++)
    value = s->instead[value];
  return value;
}

void
rt_surgery_reshape (RtSurgery *s, RtValueId weight, uint64_t n_rows, uint64_t n_cols)
{
  s->weights[weight].is_reshaped = true;
  s->weights[weight].shape = (RtShape){ .n_dims = 2, .dims = { (int64_t)n_rows, (int64_t)n_cols } };
}

void
rt_surgery_set_vector (RtSurgery *s, RtValueId weight, const float *numbers, uint64_t n)
{
  float *copy = note_memory (s, malloc (n * sizeof *copy + 1));
  if (copy == NULL)
    return;
  memcpy (copy, numbers, n * sizeof *copy);
  free (s->weights[weight].numbers);
  s->weights[weight].numbers = copy;
  s->weights[weight].shape = (RtShape){ .n_dims = 1, .dims = { (int64_t)n } };
}

static Insert *
add_insert (RtSurgery *s, const char *name)
{
  Insert *inserts = note_memory (s, realloc (s->inserts, (s->n_inserts + 1) * sizeof *inserts));
  if (inserts == NULL)
    return NULL;
  s->inserts = inserts;
  RtValueId *instead
      = note_memory (s, realloc (s->instead, (s->n_values + s->n_inserts + 1) * sizeof *instead));
  if (instead == NULL)
    return NULL;
  s->instead = instead;
  s->instead[s->n_values + s->n_inserts] = s->n_values + s->n_inserts;
  Insert *insert = &s->inserts[s->n_inserts++];
  *insert = (Insert){ .name = note_memory (s, strdup (name)), .replaces = RT_NONE };
  return insert;
}

static void *
copy_bytes (RtSurgery *s, const void *bytes, uint64_t n)
{
  void *copy = note_memory (s, malloc (n + 1));
  if (copy != NULL && n > 0)
    memcpy (copy, bytes, n);
  return copy;
}

RtValueId
rt_surgery_add_weight (RtSurgery *s, const char *name, int type, const RtShape *shape,
                       const void *data, uint64_t n_bytes)
{
  Insert *insert = add_insert (s, name);
  if (insert == NULL)
    return RT_NONE;
  insert->is_weight = true;
  insert->type = type;
  insert->shape = *shape;
  insert->data = copy_bytes (s, data, n_bytes);
  insert->n_bytes = n_bytes;
  return s->n_values + s->n_inserts - 1;
}

RtValueId
rt_surgery_insert (RtSurgery *s, RtValueId after, const char *name, int32_t layer, const RtOp *op,
                   const RtValueId *inputs, uint32_t n_inputs, const void *attrs,
                   RtValueId replaces)
{
  Insert *insert = add_insert (s, name);
  if (insert == NULL)
    return RT_NONE;
  RtValueId id = s->n_values + s->n_inserts - 1;
  insert->after = after;
  insert->layer = layer;
  insert->op = op;
  insert->inputs = copy_bytes (s, inputs, n_inputs * sizeof *inputs);
  insert->n_inputs = n_inputs;
  insert->attrs = attrs != NULL ? copy_bytes (s, attrs, op->attrs_bytes) : NULL;
  insert->replaces = replaces;
  if (replaces != RT_NONE)
    s->instead[replaces] = id;
  return id;
}

void
rt_surgery_set_input (RtSurgery *s, RtNodeId node, uint32_t input, RtValueId value)
{
  const RtNode *old = rt_graph_node (s->old, node);
  InputChange *change = &s->inputs[node];
  uint32_t n = change->values != NULL ? change->n : old->n_inputs;
  uint32_t wanted = n > input ? n : input + 1;
  RtValueId *values = note_memory (s, malloc (wanted * sizeof *values));

  if (values == NULL)
    return;
  for (uint32_t k = 0; k < wanted; k++)
    values[k] = k >= n ? RT_NONE : change->values != NULL ? change->values[k] : old->inputs[k];
  values[input] = value;
  free (change->values);
  *change = (InputChange){ .values = values, .n = wanted };
}

void *
rt_surgery_attrs (RtSurgery *s, RtNodeId node)
{
  const RtNode *old = rt_graph_node (s->old, node);
  if (s->attrs[node] == NULL && old->op->attrs_bytes > 0)
    s->attrs[node] = copy_bytes (s, old->attrs, old->op->attrs_bytes);
  return s->attrs[node];
}

/* ---- what is needed ---- */

/* An inserted node reads what it names, not what took its place. */
static RtValueId
input_of_insert (const RtSurgery *s, const Insert *insert, uint32_t k)
{
  RtValueId id = insert->inputs[k];
  if (id == RT_NONE || id == insert->replaces)
    return id;
  return resolve (s, id);
}

static const RtValueId *
inputs_of (const RtSurgery *s, RtNodeId n)
{
  return s->inputs[n].values != NULL ? s->inputs[n].values : rt_graph_node (s->old, n)->inputs;
}

static uint32_t
n_inputs (const RtSurgery *s, RtNodeId n)
{
  return s->inputs[n].values != NULL ? s->inputs[n].n : rt_graph_node (s->old, n)->n_inputs;
}

static void need_value (RtSurgery *s, RtValueId id);

static void
need_node (RtSurgery *s, RtNodeId n)
{
  if (s->node_needed[n])
    return;
  s->node_needed[n] = true;
  for (uint32_t k = 0; k < n_inputs (s, n); k++)
    if (inputs_of (s, n)[k] != RT_NONE)
      need_value (s, resolve (s, inputs_of (s, n)[k]));
}

/* As deep as the graph is long: a few thousand frames of a few words each. */
static void
need_value (RtSurgery *s, RtValueId id)
{
  if (s->value_needed[id])
    return;
  s->value_needed[id] = true;
  if (id >= s->n_values)
    {
      const Insert *insert = &s->inserts[id - s->n_values];
      for (uint32_t k = 0; k < insert->n_inputs; k++)
        if (insert->inputs[k] != RT_NONE)
          need_value (s, input_of_insert (s, insert, k));
      return;
    }
  const RtValue *value = rt_graph_value (s->old, id);
  if (value->producer != RT_NONE)
    need_node (s, value->producer);
  else if (value->kind == RT_VALUE_STATE && value->next != RT_NONE)
    need_value (s, resolve (s, value->next));
}

/* ---- copying ---- */

static bool
copy_weight (RtSurgery *s, RtValueId id)
{
  const RtValue *value = rt_graph_value (s->old, id);
  const WeightChange *change = &s->weights[id];
  const void *data = value->data;
  const RtShape *shape = &value->shape;
  uint64_t n_bytes = value->data_bytes;
  int type = value->type;

  if (change->numbers != NULL)
    {
      shape = &change->shape;
      type = RT_TYPE_F32;
      n_bytes = rt_shape_n (shape) * sizeof (float);
      void *copy = note_memory (s, rt_graph_alloc (s->graph, n_bytes));
      if (copy == NULL)
        return false;
      memcpy (copy, change->numbers, n_bytes);
      data = copy;
    }
  else if (change->is_reshaped)
    {
      shape = &change->shape;
      type = RT_TYPE_F32;
      n_bytes = rt_shape_n (shape) * sizeof (float);
    }
  s->map[id] = rt_graph_add_weight (s->graph, value->name, type, shape, data, n_bytes, &s->error);
  return s->map[id] != RT_NONE;
}

static bool
copy_source (RtSurgery *s, RtValueId id)
{
  const RtValue *value = rt_graph_value (s->old, id);

  s->map[id] = RT_NONE;
  if (value->kind == RT_VALUE_INPUT)
    s->map[id] = rt_graph_add_input (s->graph, value->name, value->type, &value->shape, &s->error);
  else if (!s->value_needed[id]
           || (value->kind != RT_VALUE_WEIGHT && value->kind != RT_VALUE_STATE))
    return true;
  else if (value->kind == RT_VALUE_WEIGHT)
    copy_weight (s, id);
  else
    s->map[id] = rt_graph_add_state (s->graph, value->name, value->type, &value->shape, value->data,
                                     &s->error);
  return s->map[id] != RT_NONE
         && (value->quant == NULL
             || rt_graph_set_quant (s->graph, s->map[id], value->quant, &s->error));
}

/* The weights that were put in, then the nodes right behind @after (RT_NONE: those of the graph's
 * inputs). */
static bool
copy_inserts (RtSurgery *s, const RtNode *node)
{
  for (uint32_t i = 0; i < s->n_inserts; i++)
    {
      const Insert *insert = &s->inserts[i];
      RtValueId id = s->n_values + i, *inputs;
      bool is_here = false;
      RtNodeId made;

      if (insert->is_weight || !s->value_needed[id])
        continue;
      for (uint32_t k = 0; node != NULL && k < node->n_outputs; k++)
        is_here |= node->outputs[k] == insert->after;
      if (node == NULL)
        is_here = rt_graph_value (s->old, insert->after)->producer == RT_NONE;
      if (!is_here)
        continue;
      inputs = note_memory (s, malloc ((insert->n_inputs + 1) * sizeof *inputs));
      if (inputs == NULL)
        return false;
      for (uint32_t k = 0; k < insert->n_inputs; k++)
        inputs[k] = insert->inputs[k] == RT_NONE ? RT_NONE : s->map[input_of_insert (s, insert, k)];
      made = rt_graph_add_node (s->graph, insert->name, insert->layer, insert->op, inputs,
                                insert->n_inputs, insert->attrs, &s->error);
      free (inputs);
      if (made == RT_NONE)
        return false;
      s->map[id] = rt_graph_node (s->graph, made)->outputs[0];
    }
  return true;
}

static bool
copy_node (RtSurgery *s, RtNodeId n)
{
  const RtNode *node = rt_graph_node (s->old, n);
  RtValueId *inputs = note_memory (s, malloc ((n_inputs (s, n) + 1) * sizeof *inputs));
  const void *attrs = s->attrs[n] != NULL ? s->attrs[n] : node->attrs;

  if (inputs == NULL)
    return false;
  for (uint32_t k = 0; k < n_inputs (s, n); k++)
    inputs[k] = inputs_of (s, n)[k] == RT_NONE ? RT_NONE : s->map[resolve (s, inputs_of (s, n)[k])];
  RtNodeId made = rt_graph_add_node (s->graph, node->name, node->layer, node->op, inputs,
                                     n_inputs (s, n), attrs, &s->error);
  free (inputs);
  if (made == RT_NONE
      || !rt_graph_set_source_names (s->graph, made, node->sources, node->n_sources, &s->error))
    return false;
  for (uint32_t k = 0; k < node->n_outputs; k++)
    {
      const RtValue *old = rt_graph_value (s->old, node->outputs[k]);
      s->map[node->outputs[k]] = rt_graph_node (s->graph, made)->outputs[k];
      if (old->quant != NULL
          && !rt_graph_set_quant (s->graph, s->map[node->outputs[k]], old->quant, &s->error))
        return false;
    }
  return copy_inserts (s, node);
}

static bool
copy_all (RtSurgery *s)
{
  for (RtValueId id = 0; id < s->n_values; id++)
    if (rt_graph_value (s->old, id)->kind == RT_VALUE_OUTPUT)
      need_value (s, resolve (s, id));
  for (RtValueId id = 0; id < s->n_values; id++)
    if (!copy_source (s, id))
      return false;
  for (uint32_t i = 0; i < s->n_inserts; i++)
    if (s->inserts[i].is_weight)
      {
        const Insert *insert = &s->inserts[i];
        void *data = note_memory (s, rt_graph_alloc (s->graph, insert->n_bytes));
        if (data == NULL)
          return false;
        memcpy (data, insert->data, insert->n_bytes);
        s->map[s->n_values + i]
            = rt_graph_add_weight (s->graph, insert->name, insert->type, &insert->shape, data,
                                   insert->n_bytes, &s->error);
        if (s->map[s->n_values + i] == RT_NONE)
          return false;
      }
  if (!copy_inserts (s, NULL))
    return false;
  for (RtNodeId n = 0; n < s->n_nodes; n++)
    if (s->node_needed[n] && !copy_node (s, n))
      return false;
  for (RtValueId id = 0; id < s->n_values; id++)
    {
      const RtValue *value = rt_graph_value (s->old, id);
      if (value->kind == RT_VALUE_OUTPUT)
        rt_graph_set_output (s->graph, s->map[resolve (s, id)]);
      else if (value->kind == RT_VALUE_STATE && s->map[id] != RT_NONE && value->next != RT_NONE
               && !rt_graph_set_next (s->graph, s->map[id], s->map[resolve (s, value->next)],
                                      &s->error))
        return false;
    }
  rt_graph_set_n_layers (s->graph, rt_graph_n_layers (s->old));
  return rt_graph_validate (s->graph, &s->error);
}

RtGraph *
rt_surgery_finish (RtSurgery *s, RtError *error)
{
  uint32_t n = s->n_values + s->n_inserts + 1;
  RtGraph *graph = NULL;

  s->map = note_memory (s, calloc (n, sizeof *s->map));
  s->value_needed = note_memory (s, calloc (n, sizeof *s->value_needed));
  s->node_needed = note_memory (s, calloc (s->n_nodes + 1, sizeof *s->node_needed));
  if (s->error.status == RT_OK)
    s->graph = rt_graph_new (&s->error);
  if (s->error.status == RT_OK && copy_all (s))
    graph = s->graph;
  else
    {
      rt_graph_free (s->graph);
      *error = s->error;
    }
  rt_surgery_free (s);
  return graph;
}
