/* A task run whose network is on a board: two small graphs here, one of the front end's nodes, one
 * of the task's, with what the network reads and writes as their ports.
 *
 *     input ─► [front graph] ─► bytes ─► (elsewhere) ─► bytes ─► [back graph] ─► task ─► EngResult
 *
 * Called by eng-task.c; knows nothing of boards. */
#include "tasks/eng-task-far.h"

#include <string.h>

#include "eng-build-private.h"
#include "eng-error.h"

/* Ports of the back graph: the values themselves have the network's names. */
#define PORT "lathe.board."

typedef struct
{
  RtGraph *graph;
  RtExec *exec;
  RtValueId *inputs, *outputs; /* for EngTaskRun */
  guint n_inputs, n_outputs;
} End;

/* A value that crosses. */
typedef struct
{
  const char *name;      /* of the bare build's graph; borrowed */
  RtValueId front, back; /* where it is read, where it is written; RT_NONE: not there */
  gsize n_bytes;         /* at the symbols' maxima */
  int type;
} Port;

struct _EngTaskFar
{
  EngTaskFarInfer infer;
  gpointer user_data;
  End front, back;
  GArray *in, *out; /* Port: the network's inputs in the graph's order, its outputs */
  guint8 *input_bytes;
  gsize n_input_bytes;
  GPtrArray *output_bytes; /* guint8 *, one per output */
  gboolean has_states;
};

/* ---- Graphs ---- */

static gboolean
copy_quant (RtGraph *graph, RtValueId id, const RtValue *like, GError **error)
{
  RtError rt_error = { 0 };
  if (like->quant == NULL || rt_graph_set_quant (graph, id, like->quant, &rt_error))
    return TRUE;
  return eng_error_take_rt (&rt_error, error);
}

/* An input like @like, called @name. */
static RtValueId
add_input (RtGraph *graph, const char *name, const RtValue *like, GError **error)
{
  RtError rt_error = { 0 };
  RtValueId id = rt_graph_add_input (graph, name, like->type, &like->shape, &rt_error);
  if (id == RT_NONE)
    {
      eng_error_take_rt (&rt_error, error);
      return RT_NONE;
    }
  return copy_quant (graph, id, like, error) ? id : RT_NONE;
}

/* @from under another name: a value of a node, which can be an output. */
static RtValueId
add_alias (RtGraph *graph, const char *name, RtValueId from, const RtValue *like, GError **error)
{
  RtError rt_error = { 0 };
  RtShapeAttrs attrs = { like->shape };
  RtNodeId node
      = rt_graph_add_node (graph, name, 0, rt_op_find ("reshape"), &from, 1, &attrs, &rt_error);
  if (node == RT_NONE)
    {
      eng_error_take_rt (&rt_error, error);
      return RT_NONE;
    }
  RtValueId id = rt_graph_node (graph, node)->outputs[0];
  return copy_quant (graph, id, like, error) ? id : RT_NONE;
}

static RtValueId
add_output_port (RtGraph *graph, const char *name, const RtValue *like, GError **error)
{
  g_autofree char *port = g_strconcat (PORT, name, NULL);
  RtValueId input = add_input (graph, port, like, error);
  return input != RT_NONE ? add_alias (graph, name, input, like, error) : RT_NONE;
}

/* The imported value that the bare graph's input @name was made of; NULL: none (no front end). */
static guint
find_imported_input (const EngImported *imported, const char *name)
{
  for (guint i = 0; i < imported->n_inputs; i++)
    if (strcmp (rt_graph_value (imported->graph, imported->inputs[i].value)->name, name) == 0)
      return i;
  return G_MAXUINT;
}

/* What front ends and tasks add their nodes through. */
static EngSurround
make_surround (EngTaskRun *run, RtGraph *graph, GPtrArray *inputs)
{
  const EngImported *imported = eng_model_get_imported (run->model);
  guint n_values = rt_graph_n_values (imported->graph);
  EngSurround surround = { .imported = imported,
                           .card = run->card,
                           .graph = graph,
                           .n_layers = (int)eng_model_get_n_layers (run->model),
                           .map = g_new (RtValueId, n_values + 1),
                           .inputs = inputs,
                           .outputs = g_new (RtValueId, imported->n_outputs + 1),
                           .n_outputs = imported->n_outputs };
  for (guint i = 0; i < n_values; i++)
    surround.map[i] = RT_NONE;
  for (guint i = 0; i < imported->n_outputs; i++)
    surround.outputs[i] = RT_NONE;
  return surround;
}

static void
take_names (End *end, GPtrArray *names)
{
  end->n_inputs = names->len;
  end->inputs = g_new (RtValueId, names->len + 1);
  for (guint i = 0; i < names->len; i++)
    end->inputs[i] = rt_graph_find_value (end->graph, names->pdata[i]);
}

/* Whether nodes stand before and behind the network that the board does not have. */
static gboolean
has_ends (const EngTaskRun *run)
{
  return !run->bare && strcmp (eng_card_get_front (run->card), "tensor") != 0;
}

static gboolean
make_front (EngTaskRun *run, EngTaskFar *far, GError **error)
{
  const RtGraph *bare = eng_model_get_bare_graph (run->model);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  EngSurround surround = make_surround (run, far->front.graph, names);
  gboolean ok
      = !has_ends (run) || run->front->surround == NULL || run->front->surround (&surround, error);

  for (guint i = 0; ok && i < far->in->len; i++)
    {
      Port *port = &g_array_index (far->in, Port, i);
      const RtValue *like = rt_graph_value (bare, rt_graph_find_value (bare, port->name));
      guint number = find_imported_input (surround.imported, port->name);
      g_autofree char *alias = g_strconcat (PORT, port->name, NULL);

      if (has_ends (run) && number != G_MAXUINT)
        port->front = surround.map[surround.imported->inputs[number].value];
      if (port->front == RT_NONE)
        {
          RtValueId input = add_input (far->front.graph, port->name, like, error);
          ok = input != RT_NONE;
          if (ok)
            port->front = add_alias (far->front.graph, alias, input, like, error);
          g_ptr_array_add (names, g_strdup (port->name));
        }
      ok = ok && port->front != RT_NONE;
      if (ok)
        rt_graph_set_output (far->front.graph, port->front);
    }
  if (ok)
    take_names (&far->front, names);
  g_free (surround.map);
  g_free (surround.outputs);
  return ok;
}

static gboolean
make_back (EngTaskRun *run, EngTaskFar *far, GError **error)
{
  const RtGraph *bare = eng_model_get_bare_graph (run->model);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  EngSurround surround = make_surround (run, far->back.graph, names);
  const EngImported *imported = surround.imported;
  gboolean ok = TRUE;

  for (guint i = 0; ok && i < far->in->len; i++)
    {
      Port *port = &g_array_index (far->in, Port, i);
      const RtValue *like = rt_graph_value (bare, rt_graph_find_value (bare, port->name));
      guint number = find_imported_input (imported, port->name);
      port->back = add_input (far->back.graph, port->name, like, error);
      if (number != G_MAXUINT)
        surround.map[imported->inputs[number].value] = port->back;
      g_ptr_array_add (names, g_strdup (port->name));
      ok = port->back != RT_NONE;
    }
  g_autofree RtValueId *outputs = g_new (RtValueId, far->out->len + 1);
  for (guint i = 0; ok && i < far->out->len; i++)
    {
      Port *port = &g_array_index (far->out, Port, i);
      const RtValue *like = rt_graph_value (bare, rt_graph_find_value (bare, port->name));
      g_autofree char *name = g_strconcat (PORT, port->name, NULL);
      outputs[i] = add_output_port (far->back.graph, port->name, like, error);
      ok = outputs[i] != RT_NONE;
      port->back = rt_graph_find_value (far->back.graph, name);
      if (has_ends (run) && i < imported->n_outputs)
        surround.outputs[i] = surround.map[imported->outputs[i].value] = outputs[i];
    }
  gboolean surrounded = has_ends (run) && run->task->surround != NULL;
  g_autoptr (GError) local = NULL;
  if (ok && surrounded && !run->task->surround (&surround, &local))
    {
      g_set_error (
          error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
          "%s cannot run on a board apart from what surrounds it: what follows the network "
          "works on what its front end computed (%s)",
          eng_model_get_name (run->model), local->message);
      ok = FALSE;
    }
  if (ok)
    {
      const RtValueId *read = surrounded ? surround.outputs : outputs;
      far->back.n_outputs = surrounded ? surround.n_outputs : far->out->len;
      far->back.outputs = g_new (RtValueId, far->back.n_outputs + 1);
      memcpy (far->back.outputs, read, far->back.n_outputs * sizeof *read);
      for (guint i = 0; i < far->back.n_outputs; i++)
        rt_graph_set_output (far->back.graph, read[i]);
      take_names (&far->back, names);
    }
  g_free (surround.map);
  g_free (surround.outputs);
  return ok;
}

static RtExec *
make_exec (EngTaskRun *run, const RtGraph *graph, GError **error)
{
  RtError rt_error = { 0 };
  RtExecConfig config = { .graph = graph, .pool = run->build->pool };

  eng_build_get_max_symbols (run->build, config.max_symbols);
  RtExec *exec = rt_exec_new (&config, &rt_error);
  if (exec == NULL)
    eng_error_take_rt (&rt_error, error);
  return exec;
}

/* ---- The network's ports ---- */

static void
list_ports (EngTaskFar *far, EngTaskRun *run, EngBuild *bare)
{
  const RtGraph *graph = eng_build_get_graph (bare);
  const char *const *names = eng_model_get_graph_outputs (run->model, TRUE);
  int64_t maxima[RT_N_SYMBOLS];

  eng_build_get_max_symbols (bare, maxima);
  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    {
      const RtValue *value = rt_graph_value (graph, id);
      Port port = { value->name, RT_NONE, RT_NONE, rt_value_bytes (value, maxima), value->type };
      far->has_states |= value->kind == RT_VALUE_STATE;
      if (value->kind != RT_VALUE_INPUT)
        continue;
      g_array_append_val (far->in, port);
      far->n_input_bytes += port.n_bytes;
    }
  for (guint i = 0; names[i] != NULL; i++)
    {
      const RtValue *value = rt_graph_value (graph, rt_graph_find_value (graph, names[i]));
      Port port = { value->name, RT_NONE, RT_NONE, rt_value_bytes (value, maxima), value->type };
      g_array_append_val (far->out, port);
      g_ptr_array_add (far->output_bytes, g_malloc0 (port.n_bytes + 1));
    }
  far->input_bytes = g_malloc0 (far->n_input_bytes + 1);
}

/* The board's build may have changed what its ports are made of: then front end and task cannot
 * work beside it. */
static gboolean
check_ports (EngTaskFar *far, EngTaskRun *run, GError **error)
{
  const RtGraph *bare = eng_model_get_bare_graph (run->model);

  for (guint i = 0; i < far->in->len + far->out->len; i++)
    {
      const Port *port = i < far->in->len ? &g_array_index (far->in, Port, i)
                                          : &g_array_index (far->out, Port, i - far->in->len);
      RtValueId id = rt_graph_find_value (bare, port->name);
      if (id != RT_NONE && rt_graph_value (bare, id)->type == port->type)
        continue;
      g_set_error (
          error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
          "%s: the recipe changed the type of %s, so a board cannot run it apart from what "
          "is done before and after the network",
          eng_model_get_name (run->model), port->name);
      return FALSE;
    }
  return TRUE;
}

EngTaskFar *
eng_task_far_new (EngTaskRun *run, EngTaskFarInfer infer, gpointer user_data, GError **error)
{
  EngBuild *bare = eng_build_get_bare (run->build, error);
  RtError rt_error = { 0 };
  if (bare == NULL)
    return NULL;

  EngTaskFar *far = g_new0 (EngTaskFar, 1);
  far->infer = infer;
  far->user_data = user_data;
  far->in = g_array_new (FALSE, TRUE, sizeof (Port));
  far->out = g_array_new (FALSE, TRUE, sizeof (Port));
  far->output_bytes = g_ptr_array_new_with_free_func (g_free);
  list_ports (far, run, bare);
  gboolean ok = check_ports (far, run, error);
  far->front.graph = ok ? rt_graph_new (&rt_error) : NULL;
  far->back.graph = ok ? rt_graph_new (&rt_error) : NULL;
  if (ok && (far->front.graph == NULL || far->back.graph == NULL))
    ok = eng_error_take_rt (&rt_error, error);
  ok = ok && make_front (run, far, error) && make_back (run, far, error);
  far->front.exec = ok ? make_exec (run, far->front.graph, error) : NULL;
  far->back.exec = far->front.exec != NULL ? make_exec (run, far->back.graph, error) : NULL;
  if (far->back.exec != NULL)
    return far;
  eng_task_far_free (far);
  return NULL;
}

static void
end_clear (End *end)
{
  rt_exec_free (end->exec);
  rt_graph_free (end->graph);
  g_free (end->inputs);
  g_free (end->outputs);
}

void
eng_task_far_free (EngTaskFar *far)
{
  if (far == NULL)
    return;
  end_clear (&far->front);
  end_clear (&far->back);
  g_array_unref (far->in);
  g_array_unref (far->out);
  g_ptr_array_unref (far->output_bytes);
  g_free (far->input_bytes);
  g_free (far);
}

/* ---- Running ---- */

static void
use (EngTaskRun *run, const End *end)
{
  run->graph = end->graph;
  run->exec = end->exec;
  run->inputs = end->inputs;
  run->n_inputs = end->n_inputs;
  run->outputs = end->outputs;
  run->n_outputs = end->n_outputs;
}

void
eng_task_far_use_front (EngTaskRun *run)
{
  use (run, &run->far->front);
}

void
eng_task_far_use_back (EngTaskRun *run)
{
  use (run, &run->far->back);
}

void
eng_task_far_begin (EngTaskRun *run)
{
  rt_exec_reset_state (run->far->back.exec);
  eng_task_far_use_front (run);
}

static gboolean
gather_inputs (EngTaskFar *far, RtError *error)
{
  guint8 *to = far->input_bytes;

  for (guint i = 0; i < far->in->len; i++)
    {
      const Port *port = &g_array_index (far->in, Port, i);
      RtShape shape;
      rt_exec_value_shape (far->front.exec, port->front, &shape);
      guint64 n_bytes = rt_shape_n (&shape) * rt_type_bytes (port->type);
      if (n_bytes != port->n_bytes)
        return rt_fail (error, RT_ERROR_UNSUPPORTED,
                        "%s has another size with this input than the build was planned for; a "
                        "board runs inputs of one size",
                        port->name);
      memcpy (to, rt_exec_value (far->front.exec, port->front), port->n_bytes);
      to += port->n_bytes;
    }
  return TRUE;
}

gboolean
eng_task_far_infer (EngTaskRun *run, RtError *error)
{
  EngTaskFar *far = run->far;
  const guint8 *from = far->input_bytes;

  if (!rt_exec_infer (far->front.exec, run->symbols, RT_PHASE_INFERENCE, error)
      || !gather_inputs (far, error)
      || !far->infer (run, far->input_bytes, far->n_input_bytes,
                      (guint8 *const *)far->output_bytes->pdata, far->user_data, error))
    return FALSE;
  eng_task_far_use_back (run);
  for (guint i = 0; i < far->in->len; i++)
    {
      const Port *port = &g_array_index (far->in, Port, i);
      rt_exec_set_input (far->back.exec, port->back, from);
      from += port->n_bytes;
    }
  for (guint i = 0; i < far->out->len; i++)
    rt_exec_set_input (far->back.exec, g_array_index (far->out, Port, i).back,
                       far->output_bytes->pdata[i]);
  return rt_exec_infer (far->back.exec, run->symbols, RT_PHASE_INFERENCE, error);
}

/* ---- Looking ---- */

guint
eng_task_far_n_outputs (EngTaskRun *run)
{
  g_return_val_if_fail (run->far != NULL, 0);
  return run->far->out->len;
}

const char *
eng_task_far_output_name (EngTaskRun *run, guint index)
{
  g_return_val_if_fail (run->far != NULL && index < run->far->out->len, NULL);
  return g_array_index (run->far->out, Port, index).name;
}

gsize
eng_task_far_output_bytes (EngTaskRun *run, guint index)
{
  g_return_val_if_fail (run->far != NULL && index < run->far->out->len, 0);
  return g_array_index (run->far->out, Port, index).n_bytes;
}

int
eng_task_far_output_type (EngTaskRun *run, guint index)
{
  g_return_val_if_fail (run->far != NULL && index < run->far->out->len, 0);
  return g_array_index (run->far->out, Port, index).type;
}

gboolean
eng_task_far_has_states (EngTaskRun *run)
{
  g_return_val_if_fail (run->far != NULL, FALSE);
  return run->far->has_states;
}
