/* TFLite operators that remember: resource variables. */
#include "eng-tflite-private.h"

#include <string.h>

/* ---- Resource variables ----
 *
 *     VAR_HANDLE -> a handle; READ_VARIABLE (handle) -> its value; ASSIGN_VARIABLE (handle, value)
 *     CALL_ONCE: a subgraph of handles and assignments of constants, run before the first run
 *
 * A variable that is read before it is written is a state of the graph; after a run it becomes what
 * was assigned to it last. */

static char *
dup_variable_name (EngTfliteFile *file, const EngTfliteOp *op)
{
  RtSlice container = eng_flat_string (&file->flat, op->options, 0);
  RtSlice shared = eng_flat_string (&file->flat, op->options, 1);
  GString *name = g_string_new (NULL);

  g_string_append_len (name, container.data, (gssize)container.length);
  g_string_append_c (name, '/');
  g_string_append_len (name, shared.data, (gssize)shared.length);
  return g_string_free (name, FALSE);
}

/* Number of the variable called @name, which is made when there is none. */
static gint32
get_variable (EngTflite *self, const char *name)
{
  for (guint i = 0; i < self->variables->len; i++)
    if (strcmp (g_array_index (self->variables, EngTfliteVariable, i).name, name) == 0)
      return (gint32)i;
  EngTfliteVariable variable = { g_strdup (name), -1, -1, RT_NONE, RT_NONE };
  g_array_append_val (self->variables, variable);
  return (gint32)self->variables->len - 1;
}

static gboolean
emit_var_handle (EngTflite *self, const EngTfliteOp *op)
{
  if (op->n_outputs != 1)
    return eng_import_refuse (self->import, "it makes %u handles", op->n_outputs);
  g_autofree char *name = dup_variable_name (self->file, op);
  self->handles[op->outputs[0]] = get_variable (self, name);
  return TRUE;
}

static EngTfliteVariable *
find_variable (EngTflite *self, const EngTfliteOp *op)
{
  if (op->n_inputs > 0 && op->inputs[0] >= 0 && self->handles[op->inputs[0]] >= 0)
    return &g_array_index (self->variables, EngTfliteVariable, self->handles[op->inputs[0]]);
  eng_import_refuse (self->import, "its first input is no handle of a variable");
  return NULL;
}

/* What the init subgraph gives @variable, if it fits @tensor. */
static const guint8 *
first_bytes (EngTflite *self, const EngTfliteVariable *variable, const EngTfliteTensor *tensor)
{
  if (variable->tensor < 0)
    return NULL;
  const EngTfliteTensor *first
      = &self->file->subgraphs[variable->subgraph].tensors[variable->tensor];
  if (first->type == tensor->type && !first->sparsity
      && first->data_bytes
             == eng_tflite_tensor_n_items (tensor) * eng_tflite_type_bits (tensor->type) / 8)
    return first->data;
  eng_import_refuse (self->import, "variable %s begins with something of another size or type",
                     variable->name);
  return NULL;
}

static gboolean
emit_read_variable (EngTflite *self, const EngTfliteOp *op)
{
  EngTfliteVariable *variable = find_variable (self, op);
  const EngTfliteTensor *y = eng_tflite_output_tensor (self, op, 0);
  RtShape shape;

  if (!variable || !y)
    return FALSE;
  if (variable->current == RT_NONE)
    {
      int type = eng_tflite_rt_type (y->type);
      const guint8 *first = first_bytes (self, variable, y);
      if (type < 0 || (variable->tensor >= 0 && !first))
        return FALSE;
      eng_tflite_shape (y, &shape);
      variable->state = eng_import_state (self->import, variable->name, type, &shape, first);
      variable->current = variable->state;
      if (variable->state == RT_NONE || !eng_tflite_set_quant (self, variable->state, y, -1))
        return FALSE;
    }
  return eng_tflite_output (self, op, 0, variable->current);
}

static gboolean
emit_assign_variable (EngTflite *self, const EngTfliteOp *op)
{
  EngTfliteVariable *variable = find_variable (self, op);
  RtValueId value = eng_tflite_input (self, op, 1);

  if (!variable || value == RT_NONE)
    return FALSE;
  variable->current = value;
  return TRUE;
}

/* Remember what each variable of the init subgraph is given. */
static gboolean
emit_call_once (EngTflite *self, const EngTfliteOp *op)
{
  gint32 index = eng_tflite_i32 (self, op, 0, 0);

  if (index < 0 || (guint32)index >= self->file->n_subgraphs || (guint32)index == self->subgraph)
    return eng_import_refuse (self->import, "there is no init subgraph %d", index);
  const EngTfliteSubgraph *graph = &self->file->subgraphs[index];
  g_autofree gint32 *handles = g_new (gint32, graph->n_tensors + 1);
  for (guint i = 0; i < graph->n_tensors; i++)
    handles[i] = -1;
  for (guint i = 0; i < graph->n_ops; i++)
    {
      const EngTfliteOp *step = &graph->ops[i];
      if (step->code == 142 && step->n_outputs == 1) /* VAR_HANDLE */
        {
          g_autofree char *name = dup_variable_name (self->file, step);
          handles[step->outputs[0]] = get_variable (self, name);
        }
      else if (step->code == 144 && step->n_inputs == 2 && step->inputs[0] >= 0
               && step->inputs[1] >= 0 && handles[step->inputs[0]] >= 0
               && graph->tensors[step->inputs[1]].data) /* ASSIGN_VARIABLE */
        {
          EngTfliteVariable *variable
              = &g_array_index (self->variables, EngTfliteVariable, handles[step->inputs[0]]);
          variable->subgraph = index;
          variable->tensor = step->inputs[1];
        }
      else
        return eng_import_refuse (self->import,
                                  "its init subgraph does more than assign constants");
    }
  return TRUE;
}

const EngTfliteRow eng_tflite_rows_state[] = {
  { 129, emit_call_once, NULL },       /* CALL_ONCE */
  { 142, emit_var_handle, NULL },      /* VAR_HANDLE */
  { 143, emit_read_variable, NULL },   /* READ_VARIABLE */
  { 144, emit_assign_variable, NULL }, /* ASSIGN_VARIABLE */
  { 0, NULL, NULL },
};
