/* What emit functions do with their node: reasons, inputs known at import, adding to the graph. A
 * thin layer over eng-import.h that makes errors sticky. */
#include "eng-onnx-importer.h"
#include "eng-onnx-ops.h"

#include "kn-quant.h"
#include "ops/rt-ops-move.h"

#include <math.h>
#include <string.h>

/* Constants that one node may ask for: a few numbers in a hostile file must not fill the memory. */
#define MAX_CONSTANT_BYTES (1u << 28)

gboolean
eng_onnx_refuse (EngOnnxNode *node, const char *format, ...)
{
  va_list args;

  if (node->reason != NULL)
    return FALSE;
  va_start (args, format);
  node->reason = g_strdup_vprintf (format, args);
  va_end (args);
  return FALSE;
}

EngOnnxFile *
eng_onnx_importer_file (const EngOnnxImporter *importer)
{
  return importer->file;
}

const RtValue *
eng_onnx_value (const EngOnnxNode *node, RtValueId value)
{
  /* After a refusal: what follows may look at it and is not used. */
  static const RtValue nothing = { .name = "", .type = RT_TYPE_F32, .producer = RT_NONE };

  return value != RT_NONE ? eng_import_value (node->importer->import, value) : &nothing;
}

guint
eng_onnx_axis (EngOnnxNode *node, gint64 axis, guint rank)
{
  if (axis < -(gint64)rank || axis >= (gint64)rank)
    {
      eng_onnx_refuse (node, "axis %" G_GINT64_FORMAT " of %u dimensions", axis, rank);
      return 0;
    }
  return (guint)(axis < 0 ? axis + rank : axis);
}

/* ---- inputs that must be known ---- */

gboolean
eng_onnx_is_const (const EngOnnxNode *node, RtValueId value)
{
  return eng_import_is_constant (node->importer->import, value);
}

char *
eng_onnx_dup_sources (EngOnnxNode *node, RtValueId value)
{
  const RtGraph *graph = eng_import_graph (node->importer->import);
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  GString *names = g_string_new (NULL);
  g_autoptr (GArray) todo = g_array_new (FALSE, FALSE, sizeof (RtValueId));

  g_array_append_val (todo, value);
  while (todo->len > 0)
    {
      RtValueId id = g_array_index (todo, RtValueId, todo->len - 1);
      g_array_set_size (todo, todo->len - 1);
      if (id == RT_NONE || !g_hash_table_add (seen, GUINT_TO_POINTER (id + 1)))
        continue;
      const RtValue *v = rt_graph_value (graph, id);
      if (v->kind == RT_VALUE_INPUT)
        {
          g_string_append_printf (names, "%s'%s'", names->len > 0 ? ", " : "", v->name);
          if (node->importer->options.wanted != NULL)
            g_hash_table_add (node->importer->options.wanted, g_strdup (v->name));
        }
      else if (v->producer != RT_NONE)
        {
          const RtNode *n = rt_graph_node (graph, v->producer);
          g_array_append_vals (todo, n->inputs, n->n_inputs);
        }
    }
  if (names->len == 0)
    g_string_append (names, "a state");
  return g_string_free (names, FALSE);
}

gboolean
eng_onnx_const (EngOnnxNode *node, guint i, EngOnnxTensor *out)
{
  RtValueId id = eng_onnx_in (node, i);

  memset (out, 0, sizeof *out);
  if (!eng_onnx_ok (node))
    return FALSE;
  if (id == RT_NONE)
    return eng_onnx_refuse (node, "input %u is missing", i + 1);
  if (!eng_onnx_is_const (node, id))
    {
      g_autofree char *names = eng_onnx_dup_sources (node, id);
      return eng_onnx_refuse (
          node,
          "input %u ('%s') decides about shapes and must be known when the file is read; it "
          "depends on %s",
          i + 1, node->proto->input[i], names);
    }
  const RtValue *value = eng_onnx_value (node, id);
  *out = (EngOnnxTensor){ .type = value->type,
                          .shape = value->shape,
                          .n = rt_shape_n (&value->shape),
                          .data = value->data,
                          .n_bytes = value->data_bytes };
  return TRUE;
}

static double
number_at (const EngOnnxTensor *t, guint64 i)
{
  switch (t->type)
    {
    case RT_TYPE_F32:
      return (double)((const float *)t->data)[i];
    case RT_TYPE_F64:
      return ((const double *)t->data)[i];
    case RT_TYPE_F16:
      {
        float f;
        kn_dequantize_row (KN_F16, (const guint16 *)t->data + i, &f, 1);
        return (double)f;
      }
    case RT_TYPE_I8:
      return ((const gint8 *)t->data)[i];
    case RT_TYPE_U8:
    case RT_TYPE_BOOL:
      return ((const guint8 *)t->data)[i];
    case RT_TYPE_I16:
      return ((const gint16 *)t->data)[i];
    case RT_TYPE_U16:
      return ((const guint16 *)t->data)[i];
    case RT_TYPE_I32:
      return ((const gint32 *)t->data)[i];
    case RT_TYPE_U32:
      return ((const guint32 *)t->data)[i];
    case RT_TYPE_I64:
      return (double)((const gint64 *)t->data)[i];
    case RT_TYPE_U64:
      return (double)((const guint64 *)t->data)[i];
    default:
      return NAN;
    }
}

static gboolean
fits (EngOnnxNode *node, guint i, guint64 n, guint max)
{
  return n <= max
         || eng_onnx_refuse (node,
                             "input %u ('%s') has %" G_GUINT64_FORMAT
                             " numbers, at most %u expected",
                             i + 1, node->proto->input[i], n, max);
}

guint
eng_onnx_const_ints (EngOnnxNode *node, guint i, gint64 *out, guint max)
{
  EngOnnxTensor t;

  if (!eng_onnx_const (node, i, &t) || !fits (node, i, t.n, max))
    return 0;
  for (guint64 k = 0; k < t.n; k++)
    if (t.type == RT_TYPE_I64)
      out[k] = ((const gint64 *)t.data)[k];
    else if (t.type == RT_TYPE_I32)
      out[k] = ((const gint32 *)t.data)[k];
    else
      {
        eng_onnx_refuse (node, "input %u ('%s') is of %s, expected whole numbers", i + 1,
                         node->proto->input[i], rt_type_name (t.type));
        return 0;
      }
  return (guint)t.n;
}

guint
eng_onnx_const_floats (EngOnnxNode *node, guint i, float *out, guint max)
{
  EngOnnxTensor t;

  if (!eng_onnx_const (node, i, &t) || !fits (node, i, t.n, max))
    return 0;
  for (guint64 k = 0; k < t.n; k++)
    out[k] = (float)number_at (&t, k);
  return (guint)t.n;
}

double
eng_onnx_const_number (EngOnnxNode *node, guint i, double otherwise)
{
  EngOnnxTensor t;

  if (eng_onnx_in (node, i) == RT_NONE || !eng_onnx_const (node, i, &t))
    return otherwise;
  if (t.n != 1)
    {
      eng_onnx_refuse (node, "input %u ('%s') has %" G_GUINT64_FORMAT " numbers, expected one",
                       i + 1, node->proto->input[i], t.n);
      return otherwise;
    }
  return number_at (&t, 0);
}

/* ---- making ---- */

RtValueId
eng_onnx_constant (EngOnnxNode *node, int type, const RtShape *shape, gconstpointer data)
{
  guint64 n = rt_shape_n (shape);

  if (!eng_onnx_ok (node))
    return RT_NONE;
  if (n > MAX_CONSTANT_BYTES / MAX (rt_type_bytes (type), 1))
    {
      eng_onnx_refuse (node, "a constant of %" G_GUINT64_FORMAT " elements is too large", n);
      return RT_NONE;
    }
  RtValueId id = eng_import_constant (node->importer->import, NULL, type, shape, data,
                                      n * rt_type_bytes (type), TRUE);
  if (id == RT_NONE)
    eng_onnx_refuse (node, "%s", eng_import_reason (node->importer->import));
  return id;
}

RtValueId
eng_onnx_constant_ints (EngOnnxNode *node, const gint64 *values, guint n)
{
  return eng_onnx_constant (node, RT_TYPE_I64, &(RtShape){ 1, { n } }, values);
}

RtValueId
eng_onnx_scalar (EngOnnxNode *node, int type, double value)
{
  union
  {
    float f32;
    double f64;
    guint8 u8;
    gint8 i8;
    gint16 i16;
    gint32 i32;
    gint64 i64;
  } bytes = { .i64 = 0 };

  switch (type)
    {
    case RT_TYPE_F32:
      bytes.f32 = (float)value;
      break;
    case RT_TYPE_F64:
      bytes.f64 = value;
      break;
    case RT_TYPE_U8:
    case RT_TYPE_BOOL:
      bytes.u8 = (guint8)value;
      break;
    case RT_TYPE_I8:
      bytes.i8 = (gint8)value;
      break;
    case RT_TYPE_I16:
      bytes.i16 = (gint16)value;
      break;
    case RT_TYPE_I32:
      bytes.i32 = (gint32)value;
      break;
    case RT_TYPE_I64:
      bytes.i64 = (gint64)value;
      break;
    default:
      eng_onnx_refuse (node, "numbers of %s are not supported here", rt_type_name (type));
      return RT_NONE;
    }
  return eng_onnx_constant (node, type, &(RtShape){ 0 }, &bytes);
}

gboolean
eng_onnx_add_all (EngOnnxNode *node, const RtOp *op, gconstpointer attrs, const RtValueId *inputs,
                  guint n, RtValueId *outputs)
{
  for (guint i = 0; i < RT_MAX_OUTPUTS; i++)
    outputs[i] = RT_NONE;
  if (op == NULL)
    return eng_onnx_refuse (node, "this operator is not part of this build");
  while (n > op->min_inputs && inputs[n - 1] == RT_NONE)
    n--;
  if (!eng_onnx_ok (node))
    return FALSE;
  if (!eng_import_node (node->importer->import, op, attrs, inputs, n, outputs))
    return eng_onnx_refuse (node, "%s", eng_import_reason (node->importer->import));
  node->n_made++;
  return TRUE;
}

RtValueId
eng_onnx_add (EngOnnxNode *node, const RtOp *op, gconstpointer attrs, const RtValueId *inputs,
              guint n)
{
  RtValueId outputs[RT_MAX_OUTPUTS];

  eng_onnx_add_all (node, op, attrs, inputs, n, outputs);
  return outputs[0];
}

gboolean
eng_onnx_out (EngOnnxNode *node, guint i, RtValueId value)
{
  if (eng_onnx_ok (node) && i < node->n_outputs)
    node->outputs[i] = value;
  return eng_onnx_ok (node);
}

RtValueId
eng_onnx_permute (EngOnnxNode *node, RtValueId x, const guint *perm, guint n)
{
  RtTransposeAttrs attrs = { 0 };
  gboolean moves = FALSE;

  for (guint i = 0; i < n; i++)
    {
      attrs.perm[i] = perm[i];
      moves |= perm[i] != i;
    }
  return moves ? ENG_ONNX_ADD (node, &rt_op_transpose, &attrs, x) : x;
}
