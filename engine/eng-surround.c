/* Copying an imported graph, node by node, into one with layers, states, and what surrounds it.
 * Called by the model; front ends and tasks add their nodes through it. */
#include "eng-surround.h"

#include <string.h>

#include "eng-error.h"
#include "tasks/eng-task.h"

void
eng_network_free (EngNetwork *self)
{
  if (self == NULL)
    return;
  rt_graph_free (self->graph);
  g_strfreev (self->inputs);
  g_strfreev (self->outputs);
  g_free (self);
}

/* ---- For front ends and tasks ---- */

const RtValue *
eng_surround_input (const EngSurround *self, guint index)
{
  return rt_graph_value (self->imported->graph, self->imported->inputs[index].value);
}

const RtValue *
eng_surround_output (const EngSurround *self, guint index)
{
  return rt_graph_value (self->imported->graph, self->imported->outputs[index].value);
}

guint
eng_surround_find_output (const EngSurround *self, const char *name)
{
  for (guint i = 0; i < self->imported->n_outputs; i++)
    if (strcmp (self->imported->outputs[i].name, name) == 0)
      return i;
  return G_MAXUINT;
}

RtValueId
eng_surround_add_input (EngSurround *self, const char *name, int type, const RtShape *shape,
                        GError **error)
{
  RtError rt_error = { 0 };
  RtValueId id = rt_graph_add_input (self->graph, name, type, shape, &rt_error);
  if (id == RT_NONE)
    eng_error_take_rt (&rt_error, error);
  else
    g_ptr_array_add (self->inputs, g_strdup (name));
  return id;
}

RtValueId
eng_surround_add (EngSurround *self, gboolean after, const char *name, const char *op_name,
                  const RtValueId *inputs, guint n_inputs, gconstpointer attrs, GError **error)
{
  RtError rt_error = { 0 };
  const RtOp *op = rt_op_find (op_name);
  if (error != NULL && *error != NULL)
    return RT_NONE;
  for (guint i = 0; i < n_inputs; i++)
    if (inputs[i] == RT_NONE)
      return RT_NONE;
  if (op == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "%s: this engine has no operator \"%s\"", name, op_name);
      return RT_NONE;
    }
  RtNodeId node = rt_graph_add_node (self->graph, name, after ? self->n_layers : -1, op, inputs,
                                     n_inputs, attrs, &rt_error);
  if (node == RT_NONE)
    {
      eng_error_take_rt (&rt_error, error);
      return RT_NONE;
    }
  return rt_graph_node (self->graph, node)->outputs[0];
}

RtValueId
eng_surround_sibling (const EngSurround *self, RtValueId value, guint index)
{
  if (value == RT_NONE)
    return RT_NONE;
  return rt_graph_node (self->graph, rt_graph_value (self->graph, value)->producer)->outputs[index];
}

RtValueId
eng_surround_add_constant (EngSurround *self, const char *name, const RtShape *shape,
                           const float *values, GError **error)
{
  RtError rt_error = { .status = RT_ERROR_MEMORY, .message = "No memory for a constant" };
  guint64 n_bytes = rt_shape_n (shape) * sizeof *values;
  void *memory = rt_graph_alloc (self->graph, n_bytes);
  RtValueId id = RT_NONE;
  if (memory != NULL)
    {
      memcpy (memory, values, n_bytes);
      id = rt_graph_add_weight (self->graph, name, RT_TYPE_F32, shape, memory, n_bytes, &rt_error);
    }
  if (id == RT_NONE)
    eng_error_take_rt (&rt_error, error);
  return id;
}

gboolean
eng_surround_set_outputs (EngSurround *self, const RtValueId *outputs, guint n)
{
  for (guint i = 0; i < n; i++)
    if (outputs[i] == RT_NONE)
      return FALSE;
  g_free (self->outputs);
  self->outputs = g_memdup2 (outputs, n * sizeof *outputs);
  self->n_outputs = n;
  return TRUE;
}

gboolean
eng_surround_replace_input (EngSurround *self, guint index, RtValueId value, GError **error)
{
  const RtValue *wanted = eng_surround_input (self, index);
  const RtValue *given = rt_graph_value (self->graph, value);
  gboolean same = wanted->type == given->type && wanted->shape.n_dims == given->shape.n_dims;

  for (guint i = 0; same && i < wanted->shape.n_dims; i++)
    same = wanted->shape.dims[i] == given->shape.dims[i];
  if (!same)
    {
      char a[128], b[128];
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The network card %s makes %s %s for input %s, which is %s %s",
                   eng_card_get_origin (self->card), rt_type_name (given->type),
                   rt_shape_text (&given->shape, a, sizeof a), wanted->name,
                   rt_type_name (wanted->type), rt_shape_text (&wanted->shape, b, sizeof b));
      return FALSE;
    }
  RtError rt_error = { 0 };
  if (wanted->quant != NULL && !rt_graph_set_quant (self->graph, value, wanted->quant, &rt_error))
    return eng_error_take_rt (&rt_error, error);
  self->map[self->imported->inputs[index].value] = value;
  return TRUE;
}

/* ---- Copying ---- */

static RtValueId
find_output (const EngImported *imported, const char *name)
{
  for (guint i = 0; i < imported->n_outputs; i++)
    if (strcmp (imported->outputs[i].name, name) == 0)
      return imported->outputs[i].value;
  return RT_NONE;
}

/* Inputs that the card calls states, and those that are fed. */
static gboolean
copy_inputs (EngSurround *self, GError **error)
{
  const RtGraph *from = self->imported->graph;

  for (guint i = 0; i < self->imported->n_inputs; i++)
    {
      const EngPort *port = &self->imported->inputs[i];
      const RtValue *value = rt_graph_value (from, port->value);
      const char *state = eng_card_get_state (self->card, port->name, self->imported);
      RtError rt_error = { 0 };
      RtValueId id;

      if (self->map[port->value] != RT_NONE)
        continue; /* the front end's */
      if (state != NULL && find_output (self->imported, state) == RT_NONE)
        {
          g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                       "The network card %s: state %s takes output %s, which the network has not",
                       eng_card_get_origin (self->card), port->name, state);
          return FALSE;
        }
      if (state != NULL)
        id = rt_graph_add_state (self->graph, value->name, value->type, &value->shape, NULL,
                                 &rt_error);
      else
        {
          id = rt_graph_add_input (self->graph, value->name, value->type, &value->shape, &rt_error);
          g_ptr_array_add (self->inputs, g_strdup (value->name));
        }
      if (id == RT_NONE
          || (value->quant != NULL
              && !rt_graph_set_quant (self->graph, id, value->quant, &rt_error)))
        return eng_error_take_rt (&rt_error, error);
      self->map[port->value] = id;
    }
  return TRUE;
}

static gboolean
copy_constants (EngSurround *self, RtError *rt_error)
{
  const RtGraph *from = self->imported->graph;

  for (RtValueId i = 0; i < rt_graph_n_values (from); i++)
    {
      const RtValue *value = rt_graph_value (from, i);
      RtValueId id;
      if (value->kind == RT_VALUE_WEIGHT)
        id = rt_graph_add_weight (self->graph, value->name, value->type, &value->shape, value->data,
                                  value->data_bytes, rt_error);
      else if (value->kind == RT_VALUE_STATE)
        id = rt_graph_add_state (self->graph, value->name, value->type, &value->shape, value->data,
                                 rt_error);
      else
        continue;
      if (id == RT_NONE
          || (value->quant != NULL
              && !rt_graph_set_quant (self->graph, id, value->quant, rt_error)))
        return FALSE;
      self->map[i] = id;
    }
  return TRUE;
}

static gboolean
copy_node (EngSurround *self, const RtNode *node, int layer, RtError *rt_error)
{
  const RtGraph *from = self->imported->graph;
  g_autofree RtValueId *inputs = g_new (RtValueId, node->n_inputs + 1);

  for (guint k = 0; k < node->n_inputs; k++)
    inputs[k] = node->inputs[k] != RT_NONE ? self->map[node->inputs[k]] : RT_NONE;
  RtNodeId id = rt_graph_add_node (self->graph, node->name, layer, node->op, inputs, node->n_inputs,
                                   node->attrs, rt_error);
  if (id == RT_NONE
      || !rt_graph_set_source_names (self->graph, id, node->sources, node->n_sources, rt_error))
    return FALSE;
  const RtNode *copy = rt_graph_node (self->graph, id);
  for (guint k = 0; k < node->n_outputs; k++)
    {
      if (node->outputs[k] == RT_NONE)
        continue;
      const RtValue *value = rt_graph_value (from, node->outputs[k]);
      if (value->quant != NULL
          && !rt_graph_set_quant (self->graph, copy->outputs[k], value->quant, rt_error))
        return FALSE;
      self->map[node->outputs[k]] = copy->outputs[k];
    }
  return TRUE;
}

static gboolean
copy_states (EngSurround *self, RtError *rt_error)
{
  const EngImported *imported = self->imported;

  for (RtValueId i = 0; i < rt_graph_n_values (imported->graph); i++)
    {
      const RtValue *value = rt_graph_value (imported->graph, i);
      if (value->kind == RT_VALUE_STATE && value->next != RT_NONE
          && !rt_graph_set_next (self->graph, self->map[i], self->map[value->next], rt_error))
        return FALSE;
    }
  for (guint i = 0; i < imported->n_inputs; i++)
    {
      const char *state = eng_card_get_state (self->card, imported->inputs[i].name, imported);
      if (state != NULL
          && !rt_graph_set_next (self->graph, self->map[imported->inputs[i].value],
                                 self->map[find_output (imported, state)], rt_error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
copy_network (EngSurround *self, const EngBlocks *blocks, GError **error)
{
  const RtGraph *from = self->imported->graph;
  RtError rt_error = { 0 };

  if (!copy_inputs (self, error))
    return FALSE;
  if (!copy_constants (self, &rt_error))
    return eng_error_take_rt (&rt_error, error);
  for (RtNodeId i = 0; i < rt_graph_n_nodes (from); i++)
    if (!copy_node (self, rt_graph_node (from, i), blocks->of_node[i], &rt_error))
      return eng_error_take_rt (&rt_error, error);
  if (!copy_states (self, &rt_error))
    return eng_error_take_rt (&rt_error, error);
  for (guint i = 0; i < self->imported->n_outputs; i++)
    self->outputs[i] = self->map[self->imported->outputs[i].value];
  return TRUE;
}

static gboolean
surround (EngSurround *self, const EngBlocks *blocks, gboolean bare, GError **error)
{
  const EngFront *front = eng_front_find (eng_card_get_front (self->card));
  const EngTask *task = eng_task_find (eng_card_get_task (self->card));

  rt_graph_set_n_layers (self->graph, (int32_t)blocks->n);
  if (!bare && front->surround != NULL && !front->surround (self, error))
    return FALSE;
  return copy_network (self, blocks, error)
         && (bare || task->surround == NULL || task->surround (self, error));
}

EngNetwork *
eng_network_new (const EngImported *imported, EngCard *card, const EngBlocks *blocks, gboolean bare,
                 GError **error)
{
  RtError rt_error = { 0 };
  guint n_values = rt_graph_n_values (imported->graph);
  g_autoptr (EngNetwork) network = g_new0 (EngNetwork, 1);
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func (g_free);
  g_autofree RtValueId *map = g_new (RtValueId, n_values + 1);

  for (guint i = 0; i < n_values; i++)
    map[i] = RT_NONE;
  network->graph = rt_graph_new (&rt_error);
  if (network->graph == NULL)
    {
      eng_error_take_rt (&rt_error, error);
      return NULL;
    }
  EngSurround self = { .imported = imported,
                       .card = card,
                       .graph = network->graph,
                       .n_layers = (int)blocks->n,
                       .map = map,
                       .inputs = inputs,
                       .outputs = g_new (RtValueId, imported->n_outputs + 1),
                       .n_outputs = imported->n_outputs };
  gboolean ok = surround (&self, blocks, bare, error);
  network->outputs = g_new0 (char *, self.n_outputs + 1);
  for (guint i = 0; ok && i < self.n_outputs; i++)
    {
      rt_graph_set_output (network->graph, self.outputs[i]);
      network->outputs[i] = g_strdup (rt_graph_value (network->graph, self.outputs[i])->name);
    }
  g_free (self.outputs);
  if (!ok)
    return NULL;
  g_ptr_array_add (inputs, NULL);
  network->inputs = g_strdupv ((GStrv)inputs->pdata);
  return g_steal_pointer (&network);
}
