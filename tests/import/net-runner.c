/* See net-runner.h. */
#include "net-runner.h"

#include "rt-layout.h"

static gboolean
pack_weight (NetRunner *runner, RtValueId id, RtError *error)
{
  const RtValue *value = rt_graph_value (runner->graph, id);

  if (value->kind != RT_VALUE_WEIGHT || value->shape.n_dims < 2 || runner->weights[id])
    return TRUE;
  guint64 n_rows = (guint64)value->shape.dims[0];
  runner->weights[id]
      = rt_weight_pack (value->type, value->type, value->data, value->data_bytes, n_rows,
                        rt_shape_n (&value->shape) / MAX (n_rows, 1), NULL, NULL, error);
  return runner->weights[id] != NULL;
}

static gboolean
pack_weights (NetRunner *runner, RtError *error)
{
  runner->weights = g_new0 (RtWeight *, rt_graph_n_values (runner->graph) + 1);
  for (RtNodeId n = 0; n < rt_graph_n_nodes (runner->graph); n++)
    {
      const RtNode *node = rt_graph_node (runner->graph, n);
      for (guint i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] != RT_NONE && rt_op_input_is (node->op->matrix_inputs, i)
            && !pack_weight (runner, node->inputs[i], error))
          return FALSE;
    }
  return TRUE;
}

gboolean
net_runner_init (NetRunner *runner, const EngImported *imported, guint n_threads,
                 gboolean use_reference, gboolean keep_all, RtError *error)
{
  *runner = (NetRunner){ .imported = imported };
  runner->graph = rt_layout (imported->graph, error);
  if (!runner->graph)
    return FALSE;
  for (RtValueId id = 0; keep_all && id < rt_graph_n_values (runner->graph); id++)
    if (rt_graph_value (runner->graph, id)->kind == RT_VALUE_ACTIVATION)
      rt_graph_set_output (runner->graph, id);
  if (!pack_weights (runner, error) || !(runner->pool = rt_pool_new (n_threads, error)))
    return FALSE;
  runner->exec = rt_exec_new (&(RtExecConfig){ .graph = runner->graph,
                                               .weights = runner->weights,
                                               .pool = runner->pool,
                                               .use_reference = use_reference },
                              error);
  return runner->exec != NULL;
}

void
net_runner_clear (NetRunner *runner)
{
  rt_exec_free (runner->exec);
  for (RtValueId id = 0; runner->weights && id < rt_graph_n_values (runner->graph); id++)
    rt_weight_unref (runner->weights[id]);
  rt_pool_free (runner->pool);
  rt_graph_free (runner->graph);
  g_free (runner->weights);
}

RtValueId
net_runner_value (const NetRunner *runner, const EngPort *port)
{
  const char *name = rt_graph_value (runner->imported->graph, port->value)->name;
  RtValueId id = rt_graph_find_value (runner->graph, name);

  if (id == RT_NONE)
    g_error ("%s was lost", port->name);
  return id;
}

gsize
net_runner_bytes (const NetRunner *runner, RtValueId id)
{
  const RtValue *value = rt_graph_value (runner->graph, id);

  return rt_shape_n (&value->shape) * rt_type_bytes (value->type);
}
