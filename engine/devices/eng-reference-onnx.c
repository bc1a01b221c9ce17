/* A file in ONNX's protobuf, written field by field (onnx.proto has the numbers). Operators on
 * 8-bit codes are ONNX's own where it has them and ONNX Runtime's com.microsoft ones elsewhere.
 * Called by eng-reference-network.c; knows no boards. */
#include "eng-reference-onnx.h"

#include <math.h>
#include <string.h>

#define OPSET 13
#define IR_VERSION 7
#define MICROSOFT "com.microsoft"

/* Of all codes, and of all weights: values keep their size on the way. */
#define SCALE 0.02f
#define WEIGHT_SCALE 0.005f

/* ---- protobuf ---- */

static void
put_varint (GByteArray *out, guint64 value)
{
  do
    {
      guint8 byte = (guint8)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
      g_byte_array_append (out, &byte, 1);
      value >>= 7;
    }
  while (value > 0);
}

static void
put_int (GByteArray *out, guint field, guint64 value)
{
  put_varint (out, field << 3);
  put_varint (out, value);
}

static void
put_bytes (GByteArray *out, guint field, gconstpointer bytes, gsize n)
{
  put_varint (out, field << 3 | 2);
  put_varint (out, n);
  g_byte_array_append (out, bytes, (guint)n);
}

static void
put_string (GByteArray *out, guint field, const char *text)
{
  put_bytes (out, field, text, strlen (text));
}

/* Takes @part. */
static void
put_part (GByteArray *out, guint field, GByteArray *part)
{
  put_bytes (out, field, part->data, part->len);
  g_byte_array_unref (part);
}

/* ---- ONNX ---- */

enum
{
  MODEL_IR = 1,
  MODEL_GRAPH = 7,
  MODEL_OPSET = 8,
  OPSET_DOMAIN = 1,
  OPSET_VERSION = 2,
  GRAPH_NODE = 1,
  GRAPH_NAME = 2,
  GRAPH_INITIALIZER = 5,
  GRAPH_INPUT = 11,
  GRAPH_OUTPUT = 12,
  NODE_INPUT = 1,
  NODE_OUTPUT = 2,
  NODE_NAME = 3,
  NODE_TYPE = 4,
  NODE_ATTRIBUTE = 5,
  NODE_DOMAIN = 7,
  ATTRIBUTE_NAME = 1,
  ATTRIBUTE_INT = 3,
  ATTRIBUTE_INTS = 8,
  ATTRIBUTE_TYPE = 20,
  TENSOR_DIMS = 1,
  TENSOR_TYPE = 2,
  TENSOR_NAME = 8,
  TENSOR_BYTES = 9,
  FLOAT_TYPE = 1,
  INT8_TYPE = 3,
  INT64_TYPE = 7,
  TYPE_INT = 2,
  TYPE_INTS = 7,
};

static void
add_tensor (EngReferenceNet *net, const char *name, guint type, const guint *dims, guint n_dims,
            gconstpointer bytes, gsize n_bytes)
{
  GByteArray *tensor = g_byte_array_new ();

  for (guint i = 0; i < n_dims; i++)
    put_int (tensor, TENSOR_DIMS, dims[i]);
  put_int (tensor, TENSOR_TYPE, type);
  put_string (tensor, TENSOR_NAME, name);
  put_bytes (tensor, TENSOR_BYTES, bytes, n_bytes);
  put_part (net->graph, GRAPH_INITIALIZER, tensor);
}

static gint32
next_random (EngReferenceNet *net)
{
  net->random = net->random * 1664525u + 1013904223u; /* Numerical Recipes' quick generator */
  return (gint32)net->random;
}

/* Weights of @n_inputs each. */
static void
add_weights (EngReferenceNet *net, const char *name, const guint *dims, guint n_dims,
             guint n_inputs)
{
  float unit = 1.7f / sqrtf ((float)n_inputs) * 0x1p-31f;
  gsize n = 1;

  for (guint i = 0; i < n_dims; i++)
    n *= dims[i];
  if (net->is_int8)
    {
      g_autofree gint8 *codes = g_new (gint8, n);
      for (gsize i = 0; i < n; i++)
        codes[i] = (gint8)(next_random (net) >> 24);
      add_tensor (net, name, INT8_TYPE, dims, n_dims, codes, n);
      return;
    }
  g_autofree float *numbers = g_new (float, n);
  for (gsize i = 0; i < n; i++)
    numbers[i] = unit * (float)next_random (net);
  add_tensor (net, name, FLOAT_TYPE, dims, n_dims, numbers, n * sizeof *numbers);
}

static void
put_attribute (GByteArray *node, const char *name, const guint *values, guint n)
{
  GByteArray *attribute = g_byte_array_new ();

  put_string (attribute, ATTRIBUTE_NAME, name);
  for (guint i = 0; i < n; i++)
    put_int (attribute, n == 1 ? ATTRIBUTE_INT : ATTRIBUTE_INTS, values[i]);
  put_int (attribute, ATTRIBUTE_TYPE, n == 1 ? TYPE_INT : TYPE_INTS);
  put_part (node, NODE_ATTRIBUTE, attribute);
}

/* A node of @inputs (ends with NULL); then the network is at its end. @domain: NULL: ONNX's. */
static GByteArray *
begin_node (EngReferenceNet *net, const char *type, const char *domain, const char *const *inputs)
{
  GByteArray *node = g_byte_array_new ();
  g_autofree char *name = NULL;

  for (guint i = 0; inputs[i] != NULL; i++)
    put_string (node, NODE_INPUT, inputs[i]);
  g_snprintf (net->at, sizeof net->at, "%s%u", net->is_named ? ENG_REFERENCE_PREFIX : "between",
              ++net->n_layers);
  net->is_named = FALSE;
  put_string (node, NODE_OUTPUT, net->at);
  put_string (node, NODE_NAME, net->at);
  put_string (node, NODE_TYPE, type);
  if (domain != NULL)
    put_string (node, NODE_DOMAIN, domain);
  return node;
}

static void
end_node (EngReferenceNet *net, GByteArray *node)
{
  put_part (net->graph, GRAPH_NODE, node);
}

/* ---- layers ---- */

void
eng_reference_net_mark (EngReferenceNet *net)
{
  net->is_named = TRUE;
}

void
eng_reference_net_quantize (EngReferenceNet *net)
{
  static const float scales[] = { SCALE, WEIGHT_SCALE };
  const gint8 zero = 0;

  add_tensor (net, "scale", FLOAT_TYPE, NULL, 0, &scales[0], sizeof *scales);
  add_tensor (net, "weight_scale", FLOAT_TYPE, NULL, 0, &scales[1], sizeof *scales);
  add_tensor (net, "zero", INT8_TYPE, NULL, 0, &zero, 1);
  end_node (net, begin_node (net, "QuantizeLinear", NULL,
                             (const char *[]){ net->at, "scale", "zero", NULL }));
  net->is_int8 = TRUE;
}

void
eng_reference_net_dequantize (EngReferenceNet *net)
{
  end_node (net, begin_node (net, "DequantizeLinear", NULL,
                             (const char *[]){ net->at, "scale", "zero", NULL }));
  net->is_int8 = FALSE;
}

void
eng_reference_net_conv (EngReferenceNet *net, guint n_out, guint kernel, guint stride, guint group)
{
  const guint dims[] = { n_out, net->n_channels / group, kernel, kernel };
  const guint kernels[] = { kernel, kernel }, strides[] = { stride, stride };
  const guint pads[] = { kernel / 2, kernel / 2, kernel / 2, kernel / 2 };
  g_autofree char *weights = g_strdup_printf ("weights%u", net->n_layers);
  const char *const floats[] = { net->at, weights, NULL };
  const char *const codes[]
      = { net->at, "scale", "zero", weights, "weight_scale", "zero", "scale", "zero", NULL };

  add_weights (net, weights, dims, 4, dims[1] * kernel * kernel);
  GByteArray *node = begin_node (net, net->is_int8 ? "QLinearConv" : "Conv", NULL,
                                 net->is_int8 ? codes : floats);
  put_attribute (node, "kernel_shape", kernels, 2);
  put_attribute (node, "strides", strides, 2);
  put_attribute (node, "pads", pads, 4);
  put_attribute (node, "group", &group, 1);
  end_node (net, node);
  net->n_channels = n_out;
  net->size = (net->size + stride - 1) / stride;
}

void
eng_reference_net_max_pool (EngReferenceNet *net)
{
  static const guint two[] = { 2, 2 };
  GByteArray *node = begin_node (net, "MaxPool", NULL, (const char *[]){ net->at, NULL });

  put_attribute (node, "kernel_shape", two, 2);
  put_attribute (node, "strides", two, 2);
  end_node (net, node);
  net->size /= 2;
}

void
eng_reference_net_mean (EngReferenceNet *net)
{
  const char *const codes[] = { net->at, "scale", "zero", "scale", "zero", NULL };

  if (net->is_int8)
    end_node (net, begin_node (net, "QLinearGlobalAveragePool", MICROSOFT, codes));
  else
    end_node (net, begin_node (net, "GlobalAveragePool", NULL, (const char *[]){ net->at, NULL }));
  end_node (net, begin_node (net, "Flatten", NULL, (const char *[]){ net->at, NULL }));
  net->size = 1;
}

void
eng_reference_net_matrix (EngReferenceNet *net, guint n_out)
{
  const guint dims[] = { net->n_channels, n_out };
  g_autofree char *weights = g_strdup_printf ("weights%u", net->n_layers);
  const char *const floats[] = { net->at, weights, NULL };
  const char *const codes[]
      = { net->at, "scale", "zero", weights, "weight_scale", "zero", "scale", "zero", NULL };

  add_weights (net, weights, dims, 2, net->n_channels);
  end_node (net, begin_node (net, net->is_int8 ? "QLinearMatMul" : "MatMul", NULL,
                             net->is_int8 ? codes : floats));
  net->n_channels = n_out;
}

void
eng_reference_net_add (EngReferenceNet *net)
{
  end_node (net, begin_node (net, "QLinearAdd", MICROSOFT,
                             (const char *[]){ net->at, "scale", "zero", net->at, "scale", "zero",
                                               "scale", "zero", NULL }));
}

void
eng_reference_net_concat (EngReferenceNet *net)
{
  const guint axis = 1;
  GByteArray *node = begin_node (net, "QLinearConcat", MICROSOFT,
                                 (const char *[]){ "scale", "zero", net->at, "scale", "zero",
                                                   net->at, "scale", "zero", NULL });

  put_attribute (node, "axis", &axis, 1);
  end_node (net, node);
  net->n_channels *= 2;
}

void
eng_reference_net_slice (EngReferenceNet *net, guint n_out)
{
  const gint64 from = 0, to = n_out, axis = 1;
  const guint one = 1;

  add_tensor (net, "from", INT64_TYPE, &one, 1, &from, sizeof from);
  add_tensor (net, "to", INT64_TYPE, &one, 1, &to, sizeof to);
  add_tensor (net, "axis", INT64_TYPE, &one, 1, &axis, sizeof axis);
  end_node (net, begin_node (net, "Slice", NULL,
                             (const char *[]){ net->at, "from", "to", "axis", NULL }));
  net->n_channels = n_out;
}

/* ---- the file ---- */

static void
add_end (EngReferenceNet *net, const char *name, guint field, const guint *dims, guint n_dims)
{
  GByteArray *info = g_byte_array_new (), *type = g_byte_array_new ();
  GByteArray *tensor = g_byte_array_new (), *shape = g_byte_array_new ();

  for (guint i = 0; i < n_dims; i++)
    {
      GByteArray *dim = g_byte_array_new ();
      put_int (dim, 1, dims[i]);
      put_part (shape, 1, dim);
    }
  put_int (tensor, 1, net->is_int8 ? INT8_TYPE : FLOAT_TYPE);
  put_part (tensor, 2, shape);
  put_part (type, 1, tensor);
  put_string (info, 1, name);
  put_part (info, 2, type);
  put_part (net->graph, field, info);
}

void
eng_reference_net_input (EngReferenceNet *net)
{
  const guint picture[] = { 1, net->n_channels, net->size, net->size };

  add_end (net, net->at, GRAPH_INPUT, picture, 4);
}

static void
put_opset (GByteArray *model, const char *domain, guint version)
{
  GByteArray *opset = g_byte_array_new ();

  if (domain != NULL)
    put_string (opset, OPSET_DOMAIN, domain);
  put_int (opset, OPSET_VERSION, version);
  put_part (model, MODEL_OPSET, opset);
}

gboolean
eng_reference_net_write (EngReferenceNet *net, const char *path, GError **error)
{
  const guint scores[] = { 1, net->n_channels };
  g_autoptr (GByteArray) model = g_byte_array_new ();

  put_string (net->graph, GRAPH_NAME, "reference layers");
  add_end (net, net->at, GRAPH_OUTPUT, scores, 2);
  put_int (model, MODEL_IR, IR_VERSION); /* first: files are known by it */
  put_part (model, MODEL_GRAPH, g_steal_pointer (&net->graph));
  put_opset (model, NULL, OPSET);
  put_opset (model, MICROSOFT, 1);
  return g_file_set_contents (path, (const char *)model->data, (gssize)model->len, error);
}
