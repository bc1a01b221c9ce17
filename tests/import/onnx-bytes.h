/* ONNX files written byte by byte, for tests: protobuf's wire format and the few field numbers that
 * they need, so that nothing under test makes its own input. */
#pragma once

#include <glib.h>
#include <string.h>

static inline void
pb_varint (GByteArray *b, guint64 value)
{
  do
    {
      guint8 byte = (guint8)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
      g_byte_array_append (b, &byte, 1);
      value >>= 7;
    }
  while (value > 0);
}

static inline void
pb_int (GByteArray *b, guint field, gint64 value)
{
  pb_varint (b, field << 3);
  pb_varint (b, (guint64)value);
}

static inline void
pb_float (GByteArray *b, guint field, float value)
{
  pb_varint (b, field << 3 | 5);
  g_byte_array_append (b, (const guint8 *)&value, 4);
}

static inline void
pb_bytes (GByteArray *b, guint field, gconstpointer data, gsize n)
{
  pb_varint (b, field << 3 | 2);
  pb_varint (b, n);
  if (n > 0)
    g_byte_array_append (b, data, (guint)n);
}

static inline void
pb_string (GByteArray *b, guint field, const char *text)
{
  pb_bytes (b, field, text, strlen (text));
}

/* Puts @message in and frees it. */
static inline void
pb_message (GByteArray *b, guint field, GByteArray *message)
{
  pb_bytes (b, field, message->data, message->len);
  g_byte_array_unref (message);
}

enum
{
  ONNX_FLOAT = 1,
  ONNX_UINT8 = 2,
  ONNX_INT8 = 3,
  ONNX_INT32 = 6,
  ONNX_INT64 = 7,
  ONNX_STRING = 8,
  ONNX_BOOL = 9,
};

/* A TensorProto with raw bytes. */
static inline GByteArray *
onnx_tensor (const char *name, int type, const gint64 *dims, guint n_dims, gconstpointer data,
             gsize n_bytes)
{
  GByteArray *t = g_byte_array_new ();

  for (guint i = 0; i < n_dims; i++)
    pb_int (t, 1, dims[i]);
  pb_int (t, 2, type);
  pb_string (t, 8, name);
  if (data != NULL)
    pb_bytes (t, 9, data, n_bytes);
  return t;
}

/* A ValueInfoProto; dims below 0 are open, named "open0", "open1", ... */
static inline GByteArray *
onnx_value (const char *name, int type, const gint64 *dims, guint n_dims)
{
  GByteArray *value = g_byte_array_new (), *kind = g_byte_array_new ();
  GByteArray *tensor = g_byte_array_new (), *shape = g_byte_array_new ();

  for (guint i = 0; i < n_dims; i++)
    {
      GByteArray *dim = g_byte_array_new ();
      g_autofree char *open = g_strdup_printf ("open%u", i);
      if (dims[i] < 0)
        pb_string (dim, 2, open);
      else
        pb_int (dim, 1, dims[i]);
      pb_message (shape, 1, dim);
    }
  pb_int (tensor, 1, type);
  pb_message (tensor, 2, shape);
  pb_message (kind, 1, tensor);
  pb_string (value, 1, name);
  pb_message (value, 2, kind);
  return value;
}

/* A NodeProto. @inputs and @outputs are separated by commas. Attributes are added by the caller. */
static inline GByteArray *
onnx_node (const char *op, const char *name, const char *inputs, const char *outputs)
{
  GByteArray *node = g_byte_array_new ();
  g_auto (GStrv) in = g_strsplit (inputs, ",", -1), out = g_strsplit (outputs, ",", -1);

  for (guint i = 0; in[i] != NULL; i++)
    pb_string (node, 1, in[i]);
  for (guint i = 0; out[i] != NULL; i++)
    pb_string (node, 2, out[i]);
  pb_string (node, 3, name);
  pb_string (node, 4, op);
  return node;
}

static inline void
onnx_attribute_int (GByteArray *node, const char *name, gint64 value)
{
  GByteArray *a = g_byte_array_new ();

  pb_string (a, 1, name);
  pb_int (a, 3, value);
  pb_int (a, 20, 2);
  pb_message (node, 5, a);
}

static inline void
onnx_attribute_graph (GByteArray *node, const char *name, GByteArray *graph)
{
  GByteArray *a = g_byte_array_new ();

  pb_string (a, 1, name);
  pb_message (a, 6, graph);
  pb_int (a, 20, 5);
  pb_message (node, 5, a);
}

/* A ModelProto around @graph. */
static inline GByteArray *
onnx_model (GByteArray *graph, gint64 opset)
{
  GByteArray *model = g_byte_array_new (), *set = g_byte_array_new ();

  pb_int (model, 1, 8);
  pb_string (set, 1, "");
  pb_int (set, 2, opset);
  pb_message (model, 8, set);
  pb_message (model, 7, graph);
  return model;
}
