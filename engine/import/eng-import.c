/* The builder that importers share, see eng-import.h. Knows neither ONNX nor TFLite. */
#include "eng-import.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "kn-quant.h"
#include "ops/rt-ops-unsupported.h"
#include "ops/rt-ops.h"
#include "rt-trim.h"

/* Limits for what a file may make this program compute while it is opened. */
#define MAX_FOLDED_BYTES (G_GUINT64_CONSTANT (1) << 30)
#define MAX_ELEMENTS (G_GUINT64_CONSTANT (1) << 31)

struct _EngImport
{
  RtGraph *graph;
  GHashTable *names;  /* char * -> value id + 1 */
  GHashTable *used;   /* char *: names given in the graph */
  GHashTable *ghosts; /* char * -> value id + 1: made by an unsupported node, of no shape that is
                         known; only other unsupported nodes read them */
  GArray *inputs, *outputs; /* EngPort */
  GPtrArray *report;
  char *reason;
  guint64 folded_bytes;

  /* The node begun last. */
  char *node_name, *node_op;
  guint place, n_source_nodes;
  GArray *reads; /* RtValueId: ghosts that it asked for */
};

static void
clear_port (gpointer data)
{
  g_free (((EngPort *)data)->name);
}

EngImport *
eng_import_new (void)
{
  EngImport *self = g_new0 (EngImport, 1);

  self->graph = rt_graph_new (NULL);
  g_assert (self->graph != NULL);
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->ghosts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->reads = g_array_new (FALSE, FALSE, sizeof (RtValueId));
  self->inputs = g_array_new (FALSE, TRUE, sizeof (EngPort));
  self->outputs = g_array_new (FALSE, TRUE, sizeof (EngPort));
  g_array_set_clear_func (self->inputs, clear_port);
  g_array_set_clear_func (self->outputs, clear_port);
  self->report = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
eng_import_free (EngImport *self)
{
  if (self == NULL)
    return;
  rt_graph_free (self->graph);
  g_hash_table_unref (self->names);
  g_hash_table_unref (self->used);
  g_hash_table_unref (self->ghosts);
  g_array_unref (self->reads);
  g_array_unref (self->inputs);
  g_array_unref (self->outputs);
  g_ptr_array_unref (self->report);
  g_free (self->reason);
  g_free (self->node_name);
  g_free (self->node_op);
  g_free (self);
}

/* ---- reasons ---- */

gboolean
eng_import_refuse (EngImport *self, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_free (self->reason);
  self->reason = g_strdup_vprintf (format, args);
  va_end (args);
  return FALSE;
}

static gboolean
refuse_rt (EngImport *self, const RtError *error)
{
  return eng_import_refuse (self, "%s", error->message);
}

const char *
eng_import_reason (EngImport *self)
{
  return self->reason != NULL ? self->reason : "no reason given";
}

void
eng_import_report (EngImport *self, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *line = g_strdup_vprintf (format, args);
  va_end (args);
  /* Reasons name what the file names. */
  g_ptr_array_add (self->report, g_utf8_make_valid (line, -1));
}

/* ---- names ---- */

/* A name for a value or node of the graph that is not given yet: @wanted, or "@wanted/2", ... */
static char *
unique_name (EngImport *self, const char *wanted)
{
  g_autofree char *valid = g_utf8_make_valid (wanted, -1);
  char *name = g_strdup (valid);

  for (guint i = 2; g_hash_table_contains (self->used, name); i++)
    {
      g_free (name);
      name = g_strdup_printf ("%s/%u", valid, i);
    }
  g_hash_table_add (self->used, g_strdup (name));
  return name;
}

void
eng_import_bind (EngImport *self, const char *name, RtValueId value)
{
  if (name != NULL && *name != '\0' && value != RT_NONE)
    g_hash_table_insert (self->names, g_strdup (name), GUINT_TO_POINTER (value + 1));
}

/* The node begun last reads ghost @value; once is enough. */
static void
add_read (EngImport *self, RtValueId value)
{
  for (guint i = 0; i < self->reads->len; i++)
    if (g_array_index (self->reads, RtValueId, i) == value)
      return;
  g_array_append_val (self->reads, value);
}

RtValueId
eng_import_find (EngImport *self, const char *name)
{
  guint ghost = name != NULL ? GPOINTER_TO_UINT (g_hash_table_lookup (self->ghosts, name)) : 0;

  if (ghost > 0)
    add_read (self, ghost - 1);
  /* RT_NONE is what 0 - 1 gives. */
  return name != NULL ? GPOINTER_TO_UINT (g_hash_table_lookup (self->names, name)) - 1 : RT_NONE;
}

gboolean
eng_import_is_lost (EngImport *self, const char *name)
{
  return name != NULL && g_hash_table_contains (self->ghosts, name);
}

/* ---- tensors ---- */

static gboolean
check_shape (EngImport *self, const char *name, const RtShape *shape)
{
  if (rt_shape_n (shape) <= MAX_ELEMENTS)
    return TRUE;
  return eng_import_refuse (self, "%s has more than %" G_GUINT64_FORMAT " elements", name,
                            MAX_ELEMENTS);
}

RtValueId
eng_import_input (EngImport *self, const char *name, int type, const RtShape *shape)
{
  g_autofree char *unique = unique_name (self, name);
  RtError error = { 0 };

  if (!check_shape (self, name, shape))
    return RT_NONE;
  RtValueId id = rt_graph_add_input (self->graph, unique, type, shape, &error);
  if (id == RT_NONE)
    {
      refuse_rt (self, &error);
      return RT_NONE;
    }
  EngPort port = { g_strdup (name), id };
  g_array_append_val (self->inputs, port);
  eng_import_bind (self, name, id);
  return id;
}

RtValueId
eng_import_constant (EngImport *self, const char *name, int type, const RtShape *shape,
                     gconstpointer data, guint64 n_bytes, gboolean copy)
{
  g_autofree char *unique = unique_name (self, name != NULL && *name != '\0' ? name : "constant");
  RtError error = { 0 };

  if (!check_shape (self, unique, shape))
    return RT_NONE;
  if (copy)
    {
      void *own = rt_graph_alloc (self->graph, MAX (n_bytes, 1));
      if (own == NULL)
        {
          eng_import_refuse (self, "no memory for %s", unique);
          return RT_NONE;
        }
      if (n_bytes > 0)
        memcpy (own, data, n_bytes);
      data = own;
    }
  RtValueId id = rt_graph_add_weight (self->graph, unique, type, shape, data, n_bytes, &error);
  if (id == RT_NONE)
    refuse_rt (self, &error);
  eng_import_bind (self, name, id);
  return id;
}

RtValueId
eng_import_state (EngImport *self, const char *name, int type, const RtShape *shape,
                  gconstpointer data)
{
  g_autofree char *unique = unique_name (self, name != NULL && *name != '\0' ? name : "state");
  RtError error = { 0 };

  if (!check_shape (self, unique, shape))
    return RT_NONE;
  RtValueId id = rt_graph_add_state (self->graph, unique, type, shape, data, &error);
  if (id == RT_NONE)
    refuse_rt (self, &error);
  eng_import_bind (self, name, id);
  return id;
}

gboolean
eng_import_set_next (EngImport *self, RtValueId state, RtValueId value)
{
  RtError error = { 0 };
  return rt_graph_set_next (self->graph, state, value, &error) || refuse_rt (self, &error);
}

gboolean
eng_import_set_quant (EngImport *self, RtValueId value, const RtQuant *quant)
{
  RtError error = { 0 };
  return rt_graph_set_quant (self->graph, value, quant, &error) || refuse_rt (self, &error);
}

const RtGraph *
eng_import_graph (EngImport *self)
{
  return self->graph;
}

const RtValue *
eng_import_value (EngImport *self, RtValueId value)
{
  return rt_graph_value (self->graph, value);
}

gboolean
eng_import_is_constant (EngImport *self, RtValueId value)
{
  return value != RT_NONE && eng_import_value (self, value)->kind == RT_VALUE_WEIGHT;
}

static gboolean
read_int (const RtValue *value, gsize i, gint64 *number)
{
  const guint8 *at = (const guint8 *)value->data + i * rt_type_bytes (value->type);
  union
  {
    gint8 i8;
    gint16 i16;
    guint16 u16;
    gint32 i32;
    guint32 u32;
    gint64 i64;
    float f32;
    double f64;
  } u;

  memcpy (&u, at, rt_type_bytes (value->type));
  switch (value->type)
    {
    case RT_TYPE_I8:
      *number = u.i8;
      return TRUE;
    case RT_TYPE_U8:
    case RT_TYPE_BOOL:
      *number = *at;
      return TRUE;
    case RT_TYPE_I16:
      *number = u.i16;
      return TRUE;
    case RT_TYPE_U16:
      *number = u.u16;
      return TRUE;
    case RT_TYPE_I32:
      *number = u.i32;
      return TRUE;
    case RT_TYPE_U32:
      *number = u.u32;
      return TRUE;
    case RT_TYPE_I64:
    case RT_TYPE_U64:
      *number = u.i64;
      return TRUE;
    case RT_TYPE_F32:
      *number = fabsf (u.f32) < 1e18f ? (gint64)u.f32 : 0;
      return (float)*number == u.f32;
    case RT_TYPE_F64:
      *number = fabs (u.f64) < 1e18 ? (gint64)u.f64 : 0;
      return (double)*number == u.f64;
    default:
      return FALSE;
    }
}

gint64 *
eng_import_dup_ints (EngImport *self, RtValueId id, gsize *n)
{
  if (!eng_import_is_constant (self, id))
    return NULL;
  const RtValue *value = eng_import_value (self, id);
  gsize n_elements = rt_shape_n (&value->shape);
  g_autofree gint64 *numbers = NULL;

  if (rt_type_bytes (value->type) == 0
      || value->data_bytes != n_elements * rt_type_bytes (value->type))
    return NULL;
  numbers = g_try_new (gint64, MAX (n_elements, 1));
  for (gsize i = 0; numbers != NULL && i < n_elements; i++)
    if (!read_int (value, i, &numbers[i]))
      return NULL;
  *n = n_elements;
  return g_steal_pointer (&numbers);
}

float *
eng_import_dup_floats (EngImport *self, RtValueId id, gsize *n)
{
  if (!eng_import_is_constant (self, id))
    return NULL;
  const RtValue *value = eng_import_value (self, id);
  gsize n_elements = rt_shape_n (&value->shape);
  g_autofree float *numbers = g_try_new (float, MAX (n_elements, 1));

  if (numbers == NULL)
    return NULL;
  *n = n_elements;
  if (value->type != RT_TYPE_I8 && kn_dtype_info (value->type) != NULL)
    {
      gsize n_cols
          = value->shape.n_dims > 0 ? (gsize)value->shape.dims[value->shape.n_dims - 1] : 1;
      gsize row_bytes = kn_row_bytes (value->type, n_cols);
      for (gsize i = 0; n_cols > 0 && i < n_elements / n_cols; i++)
        kn_dequantize_row (value->type, (const guint8 *)value->data + i * row_bytes,
                           numbers + i * n_cols, n_cols);
      return g_steal_pointer (&numbers);
    }

  const RtQuant *quant = value->quant;
  gsize inner = 1;
  for (guint d = quant != NULL && quant->n > 1 ? (guint)quant->axis + 1 : value->shape.n_dims;
       d < value->shape.n_dims; d++)
    inner *= (gsize)value->shape.dims[d];
  for (gsize i = 0; i < n_elements; i++)
    {
      gint64 number;
      if (value->type == RT_TYPE_F64)
        {
          double x;
          memcpy (&x, (const guint8 *)value->data + i * 8, 8);
          numbers[i] = (float)x;
          continue;
        }
      if (!read_int (value, i, &number))
        return NULL;
      gsize at = quant != NULL && quant->n > 1 ? i / inner % quant->n : 0;
      numbers[i] = quant != NULL ? quant->scales[at] * (float)(number - quant->zero_points[at])
                                 : (float)number;
    }
  return g_steal_pointer (&numbers);
}

/* ---- nodes ---- */

void
eng_import_begin_node (EngImport *self, const char *name, const char *op, guint place)
{
  g_free (self->node_name);
  g_free (self->node_op);
  self->node_op = g_utf8_make_valid (op, -1);
  self->node_name = name != NULL && *name != '\0' ? g_utf8_make_valid (name, -1)
                                                  : g_strdup_printf ("%s_%u", self->node_op, place);
  self->place = place;
  self->n_source_nodes++;
  g_array_set_size (self->reads, 0);
  g_clear_pointer (&self->reason, g_free);
}

/* The node just added has nothing but constants: put its results in their place. */
static gboolean
fold (EngImport *self, const RtNode *node, RtValueId *outputs)
{
  void *memory[RT_MAX_OUTPUTS] = { NULL };
  guint64 n_bytes[RT_MAX_OUTPUTS];
  RtError error = { 0 };

  for (guint i = 0; i < node->n_outputs; i++)
    {
      const RtValue *value = rt_graph_value (self->graph, node->outputs[i]);
      n_bytes[i] = rt_shape_n (&value->shape) * rt_type_bytes (value->type);
      self->folded_bytes += n_bytes[i];
      if (self->folded_bytes > MAX_FOLDED_BYTES)
        return eng_import_refuse (self, "its constants take more than %" G_GUINT64_FORMAT " MiB",
                                  MAX_FOLDED_BYTES >> 20);
      memory[i] = rt_graph_alloc (self->graph, MAX (n_bytes[i], 1));
      if (memory[i] == NULL)
        return eng_import_refuse (self, "no memory for its constants");
    }
  if (!rt_fold (self->graph, node, memory, &error))
    return refuse_rt (self, &error);
  for (guint i = 0; i < node->n_outputs; i++)
    {
      const RtValue *value = rt_graph_value (self->graph, node->outputs[i]);
      const RtQuant *quant = value->quant;
      outputs[i] = eng_import_constant (self, NULL, value->type, &value->shape, memory[i],
                                        n_bytes[i], FALSE);
      if (outputs[i] == RT_NONE
          || (quant != NULL && !eng_import_set_quant (self, outputs[i], quant)))
        return FALSE;
    }
  return TRUE;
}

gboolean
eng_import_node (EngImport *self, const RtOp *op, gconstpointer attrs, const RtValueId *inputs,
                 guint n_inputs, RtValueId *outputs)
{
  g_autofree char *name = unique_name (self, self->node_name);
  RtError error = { 0 };

  RtNodeId id = rt_graph_add_node (self->graph, name, 0, op, inputs, n_inputs, attrs, &error);
  if (id == RT_NONE)
    return refuse_rt (self, &error);
  if (!rt_graph_set_source_names (self->graph, id, (const char *const[]){ self->node_name }, 1,
                                  &error))
    return refuse_rt (self, &error);

  const RtNode *node = rt_graph_node (self->graph, id);
  for (guint i = 0; i < node->n_outputs; i++)
    {
      const RtValue *value = rt_graph_value (self->graph, node->outputs[i]);
      outputs[i] = node->outputs[i];
      if (!check_shape (self, value->name, &value->shape))
        return FALSE;
      g_hash_table_add (self->used, g_strdup (value->name));
    }
  return !rt_can_fold (self->graph, node) || fold (self, node, outputs);
}

RtValueId
eng_import_node1 (EngImport *self, const RtOp *op, gconstpointer attrs, const RtValueId *inputs,
                  guint n_inputs)
{
  RtValueId outputs[RT_MAX_OUTPUTS];
  return eng_import_node (self, op, attrs, inputs, n_inputs, outputs) ? outputs[0] : RT_NONE;
}

void
eng_import_unsupported (EngImport *self, const RtValueId *inputs, guint n_inputs,
                        const char *const *output_names, const RtShape *const *shapes,
                        const int *types, guint n_outputs)
{
  eng_import_report (self, "Node “%s” (operator %s, number %u of the file): %s", self->node_name,
                     self->node_op, self->place + 1, eng_import_reason (self));
  eng_import_placeholder (self, inputs, n_inputs, output_names, shapes, types, n_outputs);
}

void
eng_import_placeholder (EngImport *self, const RtValueId *inputs, guint n_inputs,
                        const char *const *output_names, const RtShape *const *shapes,
                        const int *types, guint n_outputs)
{
  RtUnsupportedAttrs attrs = { .type = RT_TYPE_F32 };
  g_autofree RtValueId *known = g_new (RtValueId, n_inputs + self->reads->len + 1);
  guint n_known = 0;

  for (guint i = 0; i < n_inputs; i++)
    if (inputs[i] != RT_NONE)
      known[n_known++] = inputs[i];
  for (guint i = 0; i < self->reads->len; i++)
    known[n_known++] = g_array_index (self->reads, RtValueId, i);
  g_strlcpy (attrs.op, self->node_op, sizeof attrs.op);
  for (guint i = 0; i < n_outputs; i++)
    {
      g_autofree char *name = unique_name (self, self->node_name);
      attrs.is_unknown
          = shapes == NULL || shapes[i] == NULL || rt_shape_n (shapes[i]) > MAX_ELEMENTS;
      attrs.shape = attrs.is_unknown ? (RtShape){ 0 } : *shapes[i];
      attrs.type = types != NULL && !attrs.is_unknown ? types[i] : RT_TYPE_F32;
      RtNodeId id = rt_graph_add_node (self->graph, name, 0, &rt_op_unsupported, known, n_known,
                                       &attrs, NULL);
      if (id == RT_NONE)
        continue;
      rt_graph_set_source_names (self->graph, id, (const char *const[]){ self->node_name }, 1,
                                 NULL);
      RtValueId value = rt_graph_node (self->graph, id)->outputs[0];
      if (!attrs.is_unknown)
        eng_import_bind (self, output_names[i], value);
      else if (output_names[i] != NULL && *output_names[i] != '\0')
        g_hash_table_insert (self->ghosts, g_strdup (output_names[i]),
                             GUINT_TO_POINTER (value + 1));
    }
}

/* ---- the end ---- */

gboolean
eng_import_output (EngImport *self, const char *name)
{
  RtValueId id = eng_import_find (self, name);

  if (id == RT_NONE)
    return eng_import_refuse (self, "output %s is made by no node that is supported", name);
  /* Inputs, constants, and what is an output already, under another name. */
  if (eng_import_value (self, id)->kind != RT_VALUE_ACTIVATION)
    {
      const RtQuant *quant = eng_import_value (self, id)->quant;
      g_autofree char *unique = unique_name (self, name);
      RtError error = { 0 };
      RtNodeId node
          = rt_graph_add_node (self->graph, unique, 0, &rt_op_identity, &id, 1, NULL, &error);
      if (node == RT_NONE)
        return refuse_rt (self, &error);
      id = rt_graph_node (self->graph, node)->outputs[0];
      if (quant != NULL && !eng_import_set_quant (self, id, quant))
        return FALSE;
    }
  rt_graph_set_output (self->graph, id);
  EngPort port = { g_strdup (name), id };
  g_array_append_val (self->outputs, port);
  return TRUE;
}

/* A network that cannot run is there to be looked at: nothing of it is left out, however far its
 * outputs could be followed; but for nodes whose results are constants by now. */
static void
keep_everything (EngImport *self)
{
  guint n_values = rt_graph_n_values (self->graph);
  g_autofree gboolean *is_read = g_new0 (gboolean, n_values + 1);

  for (RtNodeId i = 0; i < rt_graph_n_nodes (self->graph); i++)
    for (guint k = 0; k < rt_graph_node (self->graph, i)->n_inputs; k++)
      if (rt_graph_node (self->graph, i)->inputs[k] != RT_NONE)
        is_read[rt_graph_node (self->graph, i)->inputs[k]] = TRUE;
  for (RtValueId v = 0; v < n_values; v++)
    {
      const RtValue *value = rt_graph_value (self->graph, v);

      if (!is_read[v] && value->kind == RT_VALUE_ACTIVATION
          && !rt_can_fold (self->graph, rt_graph_node (self->graph, value->producer)))
        rt_graph_set_output (self->graph, v);
    }
}

static EngPort *
take_ports (GArray *from, const RtValueId *map, guint *n)
{
  EngPort *ports = g_new0 (EngPort, MAX (from->len, 1));

  *n = from->len;
  for (guint i = 0; i < from->len; i++)
    {
      const EngPort *port = &g_array_index (from, EngPort, i);
      ports[i] = (EngPort){ g_strdup (port->name), map[port->value] };
    }
  return ports;
}

EngImported *
eng_import_finish (EngImport *self, GBytes *backing, GError **error)
{
  g_autofree RtValueId *map = NULL;
  g_autoptr (EngImported) imported = g_new0 (EngImported, 1);
  RtError rt_error = { 0 };

  imported->backing = backing;
  if (self->outputs->len == 0 && self->report->len == 0)
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_FORMAT, "The network has no output");
      return NULL;
    }
  if (self->report->len > 0)
    keep_everything (self);
  guint32 n_folded;
  if (rt_fold_norms (self->graph, &n_folded, &rt_error))
    {
      map = g_new (RtValueId, rt_graph_n_values (self->graph) + 1);
      imported->graph = rt_trim (self->graph, map, &rt_error);
    }
  if (imported->graph == NULL)
    {
      eng_error_take_rt (&rt_error, error);
      return NULL;
    }
  imported->inputs = take_ports (self->inputs, map, &imported->n_inputs);
  imported->outputs = take_ports (self->outputs, map, &imported->n_outputs);
  g_ptr_array_add (self->report, NULL);
  imported->report = (char **)g_ptr_array_free (self->report, FALSE);
  self->report = g_ptr_array_new_with_free_func (g_free);
  imported->n_source_nodes = self->n_source_nodes;
  return g_steal_pointer (&imported);
}
