/* A FlatBuffers writer that goes front to back: a table is written with empty fields, what they
 * point to follows, and the offset is filled in then. */
#include "tflite-bytes.h"

#include <string.h>

typedef struct
{
  TflTensor tensor;
  char *name;
  gint32 *dims;
  guint8 *data;
  float *scales;
  gint64 *zero_points;
} Tensor;

typedef struct
{
  int code;
  char *custom;
  GArray *inputs, *outputs; /* gint32 */
  int options_type;
  GArray *fields; /* TflField */
  guint8 *custom_options;
  gsize n_custom_options;
  guint text_slot;
  char *text;
} Op;

typedef struct
{
  GPtrArray *tensors, *ops;
  GArray *inputs, *outputs;
} Subgraph;

struct TflBytes
{
  GPtrArray *subgraphs;
};

static void
free_tensor (gpointer data)
{
  Tensor *t = data;

  g_free (t->name);
  g_free (t->dims);
  g_free (t->data);
  g_free (t->scales);
  g_free (t->zero_points);
  g_free (t);
}

static void
free_op (gpointer data)
{
  Op *op = data;

  g_free (op->custom);
  g_array_unref (op->inputs);
  g_array_unref (op->outputs);
  g_array_unref (op->fields);
  g_free (op->custom_options);
  g_free (op->text);
  g_free (op);
}

static void
free_subgraph (gpointer data)
{
  Subgraph *g = data;

  g_ptr_array_unref (g->tensors);
  g_ptr_array_unref (g->ops);
  g_array_unref (g->inputs);
  g_array_unref (g->outputs);
  g_free (g);
}

TflBytes *
tfl_bytes_new (void)
{
  TflBytes *bytes = g_new0 (TflBytes, 1);

  bytes->subgraphs = g_ptr_array_new_with_free_func (free_subgraph);
  tfl_bytes_begin_subgraph (bytes);
  return bytes;
}

void
tfl_bytes_free (TflBytes *bytes)
{
  g_ptr_array_unref (bytes->subgraphs);
  g_free (bytes);
}

static Subgraph *
last_subgraph (TflBytes *bytes)
{
  return g_ptr_array_index (bytes->subgraphs, bytes->subgraphs->len - 1);
}

static Op *
last_op (TflBytes *bytes)
{
  Subgraph *graph = last_subgraph (bytes);

  return g_ptr_array_index (graph->ops, graph->ops->len - 1);
}

void
tfl_bytes_begin_subgraph (TflBytes *bytes)
{
  if (bytes->subgraphs->len == 1 && last_subgraph (bytes)->tensors->len == 0)
    return;
  Subgraph *graph = g_new0 (Subgraph, 1);
  graph->tensors = g_ptr_array_new_with_free_func (free_tensor);
  graph->ops = g_ptr_array_new_with_free_func (free_op);
  graph->inputs = g_array_new (FALSE, FALSE, sizeof (gint32));
  graph->outputs = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_ptr_array_add (bytes->subgraphs, graph);
}

int
tfl_bytes_add_tensor (TflBytes *bytes, const TflTensor *tensor)
{
  Subgraph *graph = last_subgraph (bytes);
  Tensor *t = g_new0 (Tensor, 1);

  t->tensor = *tensor;
  t->name = g_strdup (tensor->name);
  t->dims = g_memdup2 (tensor->dims, tensor->n_dims * sizeof (gint32));
  t->data = g_memdup2 (tensor->data, tensor->data_bytes);
  t->scales = g_memdup2 (tensor->scales, tensor->n_scales * sizeof (float));
  t->zero_points = g_memdup2 (tensor->zero_points, tensor->n_scales * sizeof (gint64));
  g_ptr_array_add (graph->tensors, t);
  return (int)graph->tensors->len - 1;
}

void
tfl_bytes_add_op (TflBytes *bytes, int code, const char *custom, const int *inputs, guint n_inputs,
                  const int *outputs, guint n_outputs, int options_type, const TflField *fields,
                  guint n_fields)
{
  Op *op = g_new0 (Op, 1);

  op->code = code;
  op->custom = g_strdup (custom);
  op->inputs = g_array_new (FALSE, FALSE, sizeof (gint32));
  op->outputs = g_array_new (FALSE, FALSE, sizeof (gint32));
  op->fields = g_array_new (FALSE, FALSE, sizeof (TflField));
  g_array_append_vals (op->inputs, inputs, n_inputs);
  g_array_append_vals (op->outputs, outputs, n_outputs);
  g_array_append_vals (op->fields, fields, n_fields);
  op->options_type = options_type;
  g_ptr_array_add (last_subgraph (bytes)->ops, op);
}

void
tfl_bytes_set_custom_options (TflBytes *bytes, const void *data, gsize n)
{
  last_op (bytes)->custom_options = g_memdup2 (data, n);
  last_op (bytes)->n_custom_options = n;
}

void
tfl_bytes_set_text_option (TflBytes *bytes, guint slot, const char *text)
{
  last_op (bytes)->text_slot = slot;
  last_op (bytes)->text = g_strdup (text);
}

void
tfl_bytes_set_io (TflBytes *bytes, const int *inputs, guint n_inputs, const int *outputs,
                  guint n_outputs)
{
  g_array_append_vals (last_subgraph (bytes)->inputs, inputs, n_inputs);
  g_array_append_vals (last_subgraph (bytes)->outputs, outputs, n_outputs);
}

/* ---- Bytes ---- */

static void
put (GByteArray *out, gsize place, const void *value, gsize n)
{
  memcpy (out->data + place, value, n);
}

static void
put_i32 (GByteArray *out, gsize place, gint32 value)
{
  gint32 le = GINT32_TO_LE (value);

  put (out, place, &le, 4);
}

static gsize
reserve (GByteArray *out, gsize n)
{
  gsize place = (out->len + 15) & ~(gsize)15;

  g_byte_array_set_size (out, (guint)(place + n));
  memset (out->data + place, 0, n);
  return place;
}

/* An empty table with room for @n_slots fields of 8 bytes. */
static gsize
put_table (GByteArray *out, guint n_slots)
{
  gsize vtable_bytes = 4 + 2 * n_slots, table_bytes = 8 + 8 * n_slots;
  gsize vtable = reserve (out, vtable_bytes);
  gsize table = reserve (out, table_bytes);
  guint16 sizes[2]
      = { GUINT16_TO_LE ((guint16)vtable_bytes), GUINT16_TO_LE ((guint16)table_bytes) };

  put (out, vtable, sizes, 4);
  put_i32 (out, table, (gint32)(table - vtable));
  return table;
}

/* The place of field @slot, which is then no longer absent. */
static gsize
field (GByteArray *out, gsize table, guint slot)
{
  gint32 back;
  guint16 offset = GUINT16_TO_LE ((guint16)(8 + 8 * slot));

  memcpy (&back, out->data + table, 4);
  put (out, table - (gsize)GINT32_FROM_LE (back) + 4 + 2 * slot, &offset, 2);
  return table + 8 + 8 * slot;
}

static void
set_i32 (GByteArray *out, gsize table, guint slot, gint32 value)
{
  put_i32 (out, field (out, table, slot), value);
}

static void
set_i8 (GByteArray *out, gsize table, guint slot, int value)
{
  gint8 byte = (gint8)value;

  put (out, field (out, table, slot), &byte, 1);
}

static void
point (GByteArray *out, gsize place, gsize target)
{
  put_i32 (out, place, (gint32)(target - place));
}

/* A vector whose first item is aligned to 16 bytes. */
static gsize
put_vector (GByteArray *out, const void *data, guint32 n, guint item_bytes)
{
  gsize place = reserve (out, 16 + (gsize)n * item_bytes);

  put_i32 (out, place + 12, (gint32)n);
  if (data && n)
    put (out, place + 16, data, (gsize)n * item_bytes);
  return place + 12;
}

static void
set_vector (GByteArray *out, gsize table, guint slot, const void *data, guint32 n, guint item_bytes)
{
  gsize place = field (out, table, slot), vector = put_vector (out, data, n, item_bytes);

  point (out, place, vector);
}

static void
set_text (GByteArray *out, gsize table, guint slot, const char *text)
{
  set_vector (out, table, slot, text, (guint32)strlen (text), 1);
}

/* A list of @n tables; returns the place of its first item, each to be pointed. */
static gsize
set_list (GByteArray *out, gsize table, guint slot, guint n)
{
  gsize place = field (out, table, slot), vector = put_vector (out, NULL, n, 4);

  point (out, place, vector);
  return vector + 4;
}

/* ---- The schema's tables ---- */

static void
put_tensor (GByteArray *out, gsize at, const Tensor *t, guint buffer)
{
  gsize table = put_table (out, 8);

  point (out, at, table);
  set_vector (out, table, 0, t->dims, t->tensor.n_dims, 4);
  set_i8 (out, table, 1, t->tensor.type);
  set_i32 (out, table, 2, (gint32)buffer);
  set_text (out, table, 3, t->name ? t->name : "");
  set_i8 (out, table, 5, t->tensor.is_variable);
  if (t->tensor.n_scales == 0)
    return;
  gsize place = field (out, table, 4), quant = put_table (out, 7);
  point (out, place, quant);
  set_vector (out, quant, 2, t->scales, t->tensor.n_scales, 4);
  set_vector (out, quant, 3, t->zero_points, t->tensor.n_scales, 8);
  set_i32 (out, quant, 6, t->tensor.quant_axis);
}

static void
put_op (GByteArray *out, gsize at, const Op *op, guint code)
{
  gsize table = put_table (out, 7);

  point (out, at, table);
  set_i32 (out, table, 0, (gint32)code);
  set_vector (out, table, 1, op->inputs->data, op->inputs->len, 4);
  set_vector (out, table, 2, op->outputs->data, op->outputs->len, 4);
  if (op->custom_options)
    set_vector (out, table, 5, op->custom_options, (guint32)op->n_custom_options, 1);
  if (op->options_type == 0)
    return;
  set_i8 (out, table, 3, op->options_type);
  gsize place = field (out, table, 4), options = put_table (out, 8);
  point (out, place, options);
  for (guint i = 0; i < op->fields->len; i++)
    {
      TflField f = g_array_index (op->fields, TflField, i);
      float real = (float)f.value;
      if (f.kind == 'b')
        set_i8 (out, options, f.slot, (int)f.value);
      else if (f.kind == 'i')
        set_i32 (out, options, f.slot, (gint32)f.value);
      else
        put (out, field (out, options, f.slot), &real, 4);
    }
  if (op->text)
    set_text (out, options, op->text_slot, op->text);
}

/* Every operator gets a code of its own, every tensor with data a buffer of its own; buffer 0 is
 * empty. */
guint8 *
tfl_bytes_finish (TflBytes *bytes, gsize *n_bytes)
{
  GByteArray *out = g_byte_array_new ();
  guint n_ops = 0, n_buffers = 1, op_at = 0, buffer_at = 1;

  for (guint s = 0; s < bytes->subgraphs->len; s++)
    {
      const Subgraph *graph = g_ptr_array_index (bytes->subgraphs, s);
      n_ops += graph->ops->len;
      for (guint i = 0; i < graph->tensors->len; i++)
        n_buffers += ((Tensor *)g_ptr_array_index (graph->tensors, i))->data != NULL;
    }
  reserve (out, 8);
  memcpy (out->data + 4, "TFL3", 4);
  gsize root = put_table (out, 8);
  point (out, 0, root);
  set_i32 (out, root, 0, 3);
  gsize codes = set_list (out, root, 1, n_ops);
  gsize graphs = set_list (out, root, 2, bytes->subgraphs->len);
  set_text (out, root, 3, "made by a test");
  gsize buffers = set_list (out, root, 4, n_buffers);
  point (out, buffers, put_table (out, 1));
  for (guint s = 0; s < bytes->subgraphs->len; s++)
    {
      const Subgraph *graph = g_ptr_array_index (bytes->subgraphs, s);
      gsize table = put_table (out, 5);
      point (out, graphs + 4 * s, table);
      gsize tensors = set_list (out, table, 0, graph->tensors->len);
      set_vector (out, table, 1, graph->inputs->data, graph->inputs->len, 4);
      set_vector (out, table, 2, graph->outputs->data, graph->outputs->len, 4);
      gsize ops = set_list (out, table, 3, graph->ops->len);
      set_text (out, table, 4, s == 0 ? "main" : "other");
      for (guint i = 0; i < graph->tensors->len; i++)
        {
          const Tensor *t = g_ptr_array_index (graph->tensors, i);
          put_tensor (out, tensors + 4 * i, t, t->data ? buffer_at : 0);
          if (!t->data)
            continue;
          gsize buffer = put_table (out, 1);
          point (out, buffers + 4 * buffer_at, buffer);
          set_vector (out, buffer, 0, t->data, (guint32)t->tensor.data_bytes, 1);
          buffer_at++;
        }
      for (guint i = 0; i < graph->ops->len; i++, op_at++)
        {
          const Op *op = g_ptr_array_index (graph->ops, i);
          gsize code = put_table (out, 4);
          point (out, codes + 4 * op_at, code);
          set_i8 (out, code, 0, MIN (op->code, 127));
          set_i32 (out, code, 3, op->code);
          if (op->custom)
            set_text (out, code, 1, op->custom);
          put_op (out, ops + 4 * i, op, op_at);
        }
    }
  *n_bytes = out->len;
  return g_byte_array_free (out, FALSE);
}
