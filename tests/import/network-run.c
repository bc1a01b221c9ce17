/* See network-run.h. */
#include "network-run.h"

#include "rt-layout.h"
#include "rt-weight.h"

/* Matrices of all nodes, in the format that the file has. */
static gboolean
pack (NetworkRun *run, RtError *error)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (run->graph); n++)
    {
      const RtNode *node = rt_graph_node (run->graph, n);
      for (guint i = 0; i < node->n_inputs; i++)
        {
          RtValueId id = node->inputs[i];
          if (id == RT_NONE || i >= 32 || !rt_op_input_is (node->op->matrix_inputs, i)
              || run->weights[id] != NULL)
            continue;
          const RtValue *value = rt_graph_value (run->graph, id);
          guint64 n_rows = (guint64)value->shape.dims[0];
          if (value->kind != RT_VALUE_WEIGHT || n_rows == 0)
            continue;
          run->weights[id]
              = rt_weight_pack (value->type, value->type, value->data, value->data_bytes, n_rows,
                                rt_shape_n (&value->shape) / n_rows, NULL, NULL, error);
          if (run->weights[id] == NULL)
            return rt_fail_prefix (error, "%s: ", node->name);
        }
    }
  return TRUE;
}

NetworkRun *
network_run_new (EngImported *imported, RtError *error)
{
  g_autoptr (NetworkRun) run = g_new0 (NetworkRun, 1);

  run->imported = imported;
  run->graph = rt_layout (imported->graph, error);
  if (run->graph == NULL)
    return NULL;
  run->n_values = rt_graph_n_values (run->graph);
  run->weights = g_new0 (RtWeight *, run->n_values + 1);
  return pack (run, error) ? g_steal_pointer (&run) : NULL;
}

void
network_run_free (NetworkRun *run)
{
  if (run == NULL)
    return;
  for (guint i = 0; i < run->n_values; i++)
    rt_weight_unref (run->weights[i]);
  g_free (run->weights);
  rt_graph_free (run->graph);
  eng_imported_free (run->imported);
  g_free (run);
}

RtExec *
network_run_exec (NetworkRun *run, RtPool *pool, gboolean use_reference, RtError *error)
{
  RtExecConfig config = {
    .graph = run->graph, .weights = run->weights, .pool = pool, .use_reference = use_reference
  };

  return rt_exec_new (&config, error);
}

static RtValueId
by_name (const NetworkRun *run, RtValueId value)
{
  return rt_graph_find_value (run->graph, rt_graph_value (run->imported->graph, value)->name);
}

RtValueId
network_run_input (const NetworkRun *run, guint i)
{
  return by_name (run, run->imported->inputs[i].value);
}

RtValueId
network_run_output (const NetworkRun *run, guint i)
{
  return by_name (run, run->imported->outputs[i].value);
}
