/* The TFLite format: a file becomes a graph, operator by operator, in the order of the file. Called
 * through the table of formats (eng-format.c); knows no window. What an operator becomes stands in
 * the tables of eng-tflite-conv.c, -layers.c, -math.c, -move.c, -recurrent.c, -sound.c and
 * -state.c. */
#include "eng-tflite-private.h"

#include <string.h>

#include "eng-error.h"
#include "eng-formats.h"
#include "eng-tflite.h"
#include "eng-tflite-metadata.h"

static const EngTfliteRow *const tables[] = {
  eng_tflite_rows_conv,  eng_tflite_rows_index, eng_tflite_rows_layers,
  eng_tflite_rows_math,  eng_tflite_rows_move,  eng_tflite_rows_recurrent,
  eng_tflite_rows_shape, eng_tflite_rows_sound, eng_tflite_rows_state,
};

static EngTfliteEmit
find_emit (const EngTfliteOp *op)
{
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    for (const EngTfliteRow *row = tables[i]; row->emit; row++)
      if (row->code == op->code
          && (op->code != ENG_TFLITE_CUSTOM || g_strcmp0 (row->custom, op->custom) == 0))
        return row->emit;
  return NULL;
}

/* ---- Names ---- */

/* A name for every tensor of the subgraph, all different. */
static void
make_keys (EngTflite *self)
{
  g_autoptr (GHashTable) used = g_hash_table_new (g_str_hash, g_str_equal);

  self->keys = g_new0 (char *, self->graph->n_tensors + 1);
  for (guint i = 0; i < self->graph->n_tensors; i++)
    {
      const char *name = self->graph->tensors[i].name;
      char *key = *name ? g_strdup (name) : g_strdup_printf ("tensor_%u", i);
      while (g_hash_table_contains (used, key)) /* adding would keep the new pointer */
        {
          char *next = g_strdup_printf ("%s#%u", key, i);
          g_free (key);
          key = next;
        }
      g_hash_table_add (used, key);
      self->keys[i] = key;
    }
}

/* Operators have no names; the convention is that of the tensor they make. */
static const char *
node_name (EngTflite *self, const EngTfliteOp *op)
{
  return op->n_outputs > 0 ? self->keys[op->outputs[0]] : NULL;
}

/* ---- Inputs and outputs ---- */

/* Size of dimension @axis of an input: the user's, else the file's. */
static gint64
input_size (EngTflite *self, const char *name, const EngTfliteTensor *tensor, guint axis,
            const EngDimSize *dims, guint n_dims)
{
  g_autofree char *key = g_strdup_printf ("%s:%u", name, axis);

  for (guint i = 0; i < n_dims; i++)
    if (strcmp (dims[i].name, key) == 0 && tensor->signature[axis] < 0)
      {
        self->is_resized = self->is_resized || dims[i].size != tensor->dims[axis];
        return dims[i].size;
      }
  return tensor->dims[axis];
}

static gboolean
add_inputs (EngTflite *self, const EngDimSize *dims, guint n_dims)
{
  for (guint i = 0; i < self->graph->n_inputs; i++)
    {
      gint32 index = self->graph->inputs[i];
      const EngTfliteTensor *tensor = &self->graph->tensors[index];
      int type = eng_tflite_rt_type (tensor->type);
      RtShape shape;

      if (type < 0)
        {
          eng_import_report (self->import, "Input “%s” has type %s, which is not supported",
                             self->keys[index], eng_tflite_type_name (tensor->type));
          continue;
        }
      eng_tflite_shape (tensor, &shape);
      for (guint d = 0; d < shape.n_dims; d++)
        shape.dims[d] = input_size (self, self->keys[index], tensor, d, dims, n_dims);
      if (eng_import_find (self->import, self->keys[index]) != RT_NONE)
        continue; /* named twice */
      RtValueId value = eng_import_input (self->import, self->keys[index], type, &shape);
      if (value == RT_NONE || !eng_tflite_set_quant (self, value, tensor, -1))
        {
          eng_import_report (self->import, "Input “%s”: %s", self->keys[index],
                             eng_import_reason (self->import));
          return FALSE;
        }
    }
  return TRUE;
}

static void
add_outputs (EngTflite *self)
{
  for (guint i = 0; i < self->graph->n_outputs; i++)
    {
      gint32 index = self->graph->outputs[i];
      if (eng_tflite_tensor_value (self, index) == RT_NONE
          || !eng_import_output (self->import, self->keys[index]))
        eng_import_report (self->import, "Output “%s”: %s", self->keys[index],
                           eng_import_reason (self->import));
    }
}

/* After a run every variable is what was assigned to it last. */
static void
set_next_states (EngTflite *self)
{
  for (guint i = 0; i < self->variables->len; i++)
    {
      const EngTfliteVariable *v = &g_array_index (self->variables, EngTfliteVariable, i);
      if (v->state != RT_NONE && v->current != v->state
          && !eng_import_set_next (self->import, v->state, v->current))
        eng_import_report (self->import, "Variable “%s”: %s", v->name,
                           eng_import_reason (self->import));
    }
}

/* ---- Operators ---- */

static void
mark_unsupported (EngTflite *self, const EngTfliteOp *op)
{
  g_autofree RtValueId *inputs = g_new (RtValueId, op->n_inputs + 1);
  g_autofree const char **names = g_new (const char *, op->n_outputs + 1);
  g_autofree RtShape *shapes = g_new (RtShape, op->n_outputs + 1);
  g_autofree const RtShape **pointers = g_new (const RtShape *, op->n_outputs + 1);
  g_autofree int *types = g_new (int, op->n_outputs + 1);

  for (guint i = 0; i < op->n_inputs; i++)
    inputs[i]
        = op->inputs[i] >= 0 ? eng_import_find (self->import, self->keys[op->inputs[i]]) : RT_NONE;
  for (guint i = 0; i < op->n_outputs; i++)
    {
      const EngTfliteTensor *tensor = &self->graph->tensors[op->outputs[i]];
      names[i] = self->keys[op->outputs[i]];
      eng_tflite_shape (tensor, &shapes[i]);
      types[i] = eng_tflite_rt_type (tensor->type);
      pointers[i] = types[i] >= 0 ? &shapes[i] : NULL;
    }
  eng_import_unsupported (self->import, inputs, op->n_inputs, names, pointers, types,
                          op->n_outputs);
}

/* No operator may make what another one made, or what the file gives. */
static gboolean
check_outputs (EngTflite *self, const EngTfliteOp *op)
{
  for (guint i = 0; i < op->n_outputs; i++)
    if (eng_import_find (self->import, self->keys[op->outputs[i]]) != RT_NONE
        || self->graph->tensors[op->outputs[i]].data)
      return eng_import_refuse (self->import, "it makes tensor %s, which there is already",
                                self->keys[op->outputs[i]]);
  return TRUE;
}

static void
add_op (EngTflite *self, guint index)
{
  const EngTfliteOp *op = &self->graph->ops[index];
  const char *name = op->custom ? op->custom : eng_tflite_op_name (op->code);
  g_autofree char *number = name ? NULL : g_strdup_printf ("number %d", op->code);
  EngTfliteEmit emit = find_emit (op);

  eng_import_begin_node (self->import, node_name (self, op), name ? name : number, index);
  if (!check_outputs (self, op))
    {
      eng_import_report (self->import, "Node “%s” (operator %s, number %u of the file): %s",
                         node_name (self, op), name ? name : number, index + 1,
                         eng_import_reason (self->import));
      return;
    }
  if (!emit)
    eng_import_refuse (self->import, "this operator is not supported");
  if (!emit || !emit (self, op))
    mark_unsupported (self, op);
}

/* ---- The file ---- */

static void
clear_variable (gpointer data)
{
  g_free (((EngTfliteVariable *)data)->name);
}

static void
tflite_init (EngTflite *self, EngTfliteFile *file)
{
  memset (self, 0, sizeof *self);
  self->file = file;
  self->import = eng_import_new ();
  self->subgraph = file->n_signatures > 0 ? file->signatures[0].subgraph : 0;
  self->graph = &file->subgraphs[self->subgraph];
  self->variables = g_array_new (FALSE, FALSE, sizeof (EngTfliteVariable));
  g_array_set_clear_func (self->variables, clear_variable);
  self->handles = g_new (gint32, self->graph->n_tensors + 1);
  for (guint i = 0; i < self->graph->n_tensors; i++)
    self->handles[i] = -1;
  make_keys (self);
}

static void
tflite_clear (EngTflite *self)
{
  eng_import_free (self->import);
  g_array_unref (self->variables);
  g_free (self->handles);
  for (guint i = 0; i < self->graph->n_tensors; i++)
    g_free (self->keys[i]);
  g_free (self->keys);
}

/* What the file says about itself. Damaged metadata is a line of the report: the network runs
 * without it. */
static void
describe (EngTflite *self, EngImported *imported, const EngTfliteMetadata *metadata)
{
  const EngTfliteFile *file = self->file;

  imported->format = g_strdup ("TFLite, schema version 3");
  if (self->graph->name[0])
    imported->name = g_strdup (self->graph->name);
  if (file->description[0])
    imported->producer = g_strdup (file->description);
  if (!metadata)
    return;
  if (metadata->name[0])
    {
      g_free (imported->name);
      imported->name = g_strdup (metadata->name);
    }
  if (metadata->description[0])
    imported->description = g_strdup (metadata->description);
  if (metadata->licence[0])
    imported->licence = g_strdup (metadata->licence);
  for (guint i = 0; i < metadata->n_outputs && !imported->labels; i++)
    if (metadata->outputs[i].labels)
      imported->labels = g_strdupv (metadata->outputs[i].labels);
}

/* Dynamic dimensions of the inputs, with the size that they have now. */
static char **
list_dims (EngTflite *self, const EngDimSize *dims, guint n_dims)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new ();

  for (guint i = 0; i < self->graph->n_inputs; i++)
    {
      const EngTfliteTensor *tensor = &self->graph->tensors[self->graph->inputs[i]];
      const char *key = self->keys[self->graph->inputs[i]];
      for (guint d = 0; d < tensor->n_dims; d++)
        if (tensor->signature[d] < 0)
          g_ptr_array_add (list, g_strdup_printf ("%s:%u = %" G_GINT64_FORMAT, key, d,
                                                  input_size (self, key, tensor, d, dims, n_dims)));
    }
  g_ptr_array_add (list, NULL);
  return (char **)g_ptr_array_free (g_steal_pointer (&list), FALSE);
}

EngImported *
eng_tflite_import (GBytes *bytes, const EngDimSize *dims, guint n_dims, GCancellable *cancellable,
                   GError **error)
{
  gsize n;
  gconstpointer data = g_bytes_get_data (bytes, &n);
  g_autoptr (EngTfliteFile) file = eng_tflite_file_new (data, n, error);
  g_autoptr (GError) note = NULL;
  EngImported *imported = NULL;
  EngTflite self;

  if (!file)
    return NULL;
  g_autoptr (EngTfliteMetadata) metadata = eng_tflite_metadata_new (file, data, n, &note);
  tflite_init (&self, file);
  if (note)
    eng_import_report (self.import, "%s", note->message);
  if (add_inputs (&self, dims, n_dims))
    {
      for (guint i = 0; i < self.graph->n_ops && !g_cancellable_is_cancelled (cancellable); i++)
        add_op (&self, i);
      set_next_states (&self);
      add_outputs (&self);
    }
  if (!eng_flat_ok (&file->flat))
    g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "damaged TFLite file: %s", file->flat.problem);
  else if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    imported = eng_import_finish (self.import, g_bytes_ref (bytes), error);
  if (imported)
    {
      describe (&self, imported, metadata);
      imported->dims = list_dims (&self, dims, n_dims);
    }
  tflite_clear (&self);
  return imported;
}

static gboolean
sniff (const guint8 *head, gsize n)
{
  return eng_tflite_is_file (head, n);
}

static EngImported *
load (const char *path, const EngDimSize *dims, guint n_dims, GCancellable *cancellable,
      GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (GMappedFile) map = g_mapped_file_new (path, FALSE, &problem);

  if (!map)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s cannot be read: %s", path, problem->message);
      return NULL;
    }
  g_autoptr (GBytes) bytes = g_mapped_file_get_bytes (map);
  EngImported *imported = eng_tflite_import (bytes, dims, n_dims, cancellable, error);
  if (!imported)
    g_prefix_error (error, "%s: ", path);
  return imported;
}

const EngFormat eng_format_tflite = {
  .id = "tflite",
  .title = "TFLite",
  .suffixes = (const char *const[]){ "tflite", "lite", NULL },
  .sniff = sniff,
  .load = load,
};
