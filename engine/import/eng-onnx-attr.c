/* Attributes of an ONNX node by name, with their defaults. Called by the emit functions. An
 * attribute of the wrong kind makes the node unsupported, with its name in the reason. */
#include "eng-onnx-private.h"

#include <string.h>

static const Onnx__AttributeProto *
find (const EngOnnxNode *node, const char *name)
{
  for (gsize i = 0; i < node->proto->n_attribute; i++)
    if (g_strcmp0 (node->proto->attribute[i]->name, name) == 0)
      return node->proto->attribute[i];
  return NULL;
}

/* Files older than the field for the kind leave it out: what is there then decides. */
static gboolean
is_kind (const Onnx__AttributeProto *a, Onnx__AttributeProto__AttributeType kind, gboolean has)
{
  return a->has_type && a->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED
             ? a->type == kind
             : has;
}

static const Onnx__AttributeProto *
wrong_kind (EngOnnxNode *node, const char *name, const char *expected)
{
  eng_onnx_refuse (node, "attribute '%s' is not %s", name, expected);
  return NULL;
}

gboolean
eng_onnx_has (const EngOnnxNode *node, const char *name)
{
  return find (node, name) != NULL;
}

gint64
eng_onnx_int (EngOnnxNode *node, const char *name, gint64 otherwise)
{
  const Onnx__AttributeProto *a = find (node, name);

  if (a != NULL && !is_kind (a, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT, a->has_i))
    a = wrong_kind (node, name, "a whole number");
  return a != NULL ? a->i : otherwise;
}

float
eng_onnx_float (EngOnnxNode *node, const char *name, float otherwise)
{
  const Onnx__AttributeProto *a = find (node, name);

  if (a != NULL && !is_kind (a, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT, a->has_f))
    a = wrong_kind (node, name, "a number");
  return a != NULL ? a->f : otherwise;
}

/* A copy with a zero at its end: the field is bytes. Lives as long as the file. */
static const char *
as_text (EngOnnxNode *node, ProtobufCBinaryData bytes)
{
  char *text = eng_onnx_file_alloc (eng_onnx_importer_file (node->importer), bytes.len + 1);

  if (text == NULL)
    return "";
  if (bytes.len > 0)
    memcpy (text, bytes.data, bytes.len);
  return text;
}

const char *
eng_onnx_string (EngOnnxNode *node, const char *name, const char *otherwise)
{
  const Onnx__AttributeProto *a = find (node, name);

  if (a != NULL && !is_kind (a, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING, a->has_s))
    a = wrong_kind (node, name, "a text");
  return a != NULL ? as_text (node, a->s) : otherwise;
}

const char *
eng_onnx_string_at (EngOnnxNode *node, const char *name, guint i, const char *otherwise)
{
  const Onnx__AttributeProto *a = find (node, name);

  if (a != NULL && !is_kind (a, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS, a->n_strings > 0))
    a = wrong_kind (node, name, "a list of texts");
  return a != NULL && i < a->n_strings ? as_text (node, a->strings[i]) : otherwise;
}

guint
eng_onnx_ints (EngOnnxNode *node, const char *name, gint64 *out, guint max)
{
  const Onnx__AttributeProto *a = find (node, name);

  if (a != NULL && !is_kind (a, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS, a->n_ints > 0))
    a = wrong_kind (node, name, "a list of whole numbers");
  if (a == NULL)
    return 0;
  if (a->n_ints > max)
    {
      eng_onnx_refuse (node, "attribute '%s' has %" G_GSIZE_FORMAT " numbers, at most %u expected",
                       name, a->n_ints, max);
      return 0;
    }
  for (gsize i = 0; i < a->n_ints; i++)
    out[i] = a->ints[i];
  return (guint)a->n_ints;
}

guint
eng_onnx_floats (EngOnnxNode *node, const char *name, float *out, guint max)
{
  const Onnx__AttributeProto *a = find (node, name);

  if (a != NULL && !is_kind (a, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS, a->n_floats > 0))
    a = wrong_kind (node, name, "a list of numbers");
  if (a == NULL)
    return 0;
  if (a->n_floats > max)
    {
      eng_onnx_refuse (node, "attribute '%s' has %" G_GSIZE_FORMAT " numbers, at most %u expected",
                       name, a->n_floats, max);
      return 0;
    }
  for (gsize i = 0; i < a->n_floats; i++)
    out[i] = a->floats[i];
  return (guint)a->n_floats;
}

const Onnx__GraphProto *
eng_onnx_graph (EngOnnxNode *node, const char *name)
{
  const Onnx__AttributeProto *a = find (node, name);

  if (a == NULL || a->g == NULL)
    {
      eng_onnx_refuse (node, "attribute '%s' is missing or not a graph", name);
      return NULL;
    }
  return a->g;
}

gboolean
eng_onnx_tensor (EngOnnxNode *node, const char *name, EngOnnxTensor *out)
{
  const Onnx__AttributeProto *a = find (node, name);
  g_autoptr (GError) error = NULL;

  if (a == NULL || a->t == NULL)
    return eng_onnx_refuse (node, "attribute '%s' is missing or not a tensor", name);
  if (!eng_onnx_file_tensor (eng_onnx_importer_file (node->importer), a->t, out, &error))
    return eng_onnx_refuse (node, "attribute '%s': %s", name, error->message);
  return TRUE;
}
