/* Inputs, initializers and the sizes of open dimensions of an ONNX graph. Called by eng-onnx.c
 * before the nodes. */
#include "eng-onnx-importer.h"
#include "eng-onnx-inputs.h"

#include "eng-error.h"

#include <string.h>

/* ---- open dimensions ---- */

static gboolean
given_size (const EngOnnxImporter *im, const char *name, gint64 *size)
{
  for (guint i = 0; i < im->options.n_dims; i++)
    if (g_strcmp0 (im->options.dims[i].name, name) == 0)
      {
        *size = im->options.dims[i].size;
        return TRUE;
      }
  return FALSE;
}

static gint64
fixed_dim (const Onnx__TensorShapeProto *shape, gsize i)
{
  if (i >= shape->n_dim
      || shape->dim[i]->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
    return -1;
  return shape->dim[i]->dim_value;
}

/* [N, 3, H, W] or [N, H, W, 3] with i the place of H or W. */
static gboolean
is_side_of_picture (const Onnx__TensorShapeProto *shape, gsize i)
{
  gint64 c1 = fixed_dim (shape, 1), c3 = fixed_dim (shape, 3);

  if (shape->n_dim != 4)
    return FALSE;
  if (c1 == 1 || c1 == 3 || c1 == 4)
    return i >= 2;
  return (c3 == 1 || c3 == 3 || c3 == 4) && (i == 1 || i == 2);
}

/* The size of dimension @i of @input; a size that the file gives, or one of those agreed on in
 * eng-onnx.h. */
static gint64
bind_dim (EngOnnxImporter *im, const char *input, const Onnx__TensorShapeProto *shape, gsize i)
{
  const Onnx__TensorShapeProto__Dimension *dim = shape->dim[i];
  gint64 size = fixed_dim (shape, i), *known;
  g_autofree char *place = g_strdup_printf ("%s:%" G_GSIZE_FORMAT, input, i);
  const char *name = place;

  /* Some exporters write -1 for "any"; 0 is a dimension of nothing. */
  if (size >= 0)
    return size;
  if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
      && dim->dim_param != NULL && dim->dim_param[0] != '\0')
    name = dim->dim_param;

  known = g_hash_table_lookup (im->sizes, name);
  if (given_size (im, place, &size) || given_size (im, name, &size))
    ;
  else if (known != NULL)
    return *known;
  else
    size = i > 0 && is_side_of_picture (shape, i) ? ENG_ONNX_PICTURE_SIZE : 1;
  g_ptr_array_add (im->dims, g_strdup_printf ("%s = %" G_GINT64_FORMAT, name, size));
  g_hash_table_insert (im->sizes, g_strdup (name), g_memdup2 (&size, sizeof size));
  return size;
}

gboolean
eng_onnx_declared (EngOnnxImporter *im, const char *name, int *type, RtShape *shape)
{
  const Onnx__ValueInfoProto *info = g_hash_table_lookup (im->infos, name);

  if (info == NULL || info->type == NULL
      || info->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
      || info->type->tensor_type == NULL || info->type->tensor_type->shape == NULL)
    return FALSE;
  const Onnx__TensorShapeProto *dims = info->type->tensor_type->shape;
  *type = eng_onnx_type (info->type->tensor_type->elem_type);
  *shape = (RtShape){ .n_dims = (guint32)dims->n_dim };
  if (*type < 0 || dims->n_dim > RT_MAX_DIMS)
    return FALSE;
  for (gsize i = 0; i < dims->n_dim; i++)
    {
      shape->dims[i] = fixed_dim (dims, i);
      const char *param
          = dims->dim[i]->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                ? dims->dim[i]->dim_param
                : NULL;
      const gint64 *known = param != NULL ? g_hash_table_lookup (im->sizes, param) : NULL;
      if (known != NULL)
        shape->dims[i] = *known;
      if (shape->dims[i] < 0)
        return FALSE;
    }
  return TRUE;
}

/* ---- inputs ---- */

void
eng_onnx_set_missing (EngOnnxImporter *im, const char *name, char *reason)
{
  g_hash_table_insert (im->missing, g_strdup (name), reason);
}

/* A value given by name for an input of one whole number. */
static gboolean
add_number (EngOnnxImporter *im, const char *name, int type, const RtShape *shape)
{
  gint64 value;
  gint32 narrow;

  if ((type != RT_TYPE_I64 && type != RT_TYPE_I32) || rt_shape_n (shape) != 1
      || !given_size (im, name, &value))
    return FALSE;
  narrow = (gint32)value;
  g_ptr_array_add (im->dims, g_strdup_printf ("%s = %" G_GINT64_FORMAT, name, value));
  eng_import_constant (im->import, name, type, shape,
                       type == RT_TYPE_I64 ? (gconstpointer)&value : &narrow, rt_type_bytes (type),
                       TRUE);
  return TRUE;
}

static gboolean
add_fixed (EngOnnxImporter *im, const char *name)
{
  for (guint i = 0; i < im->options.n_fixed; i++)
    {
      const EngOnnxFixed *fixed = &im->options.fixed[i];
      if (g_strcmp0 (fixed->name, name) == 0)
        {
          eng_import_constant (im->import, name, fixed->type, &fixed->shape, fixed->data,
                               rt_shape_n (&fixed->shape) * rt_type_bytes (fixed->type), TRUE);
          return TRUE;
        }
    }
  return FALSE;
}

static void
add_input (EngOnnxImporter *im, const Onnx__ValueInfoProto *info)
{
  const Onnx__TypeProto *type = info->type;

  if (add_fixed (im, info->name))
    return;
  if (type == NULL || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
      || type->tensor_type == NULL)
    {
      eng_onnx_set_missing (im, info->name,
                            g_strdup ("is no tensor (sequences, maps and optional values are not "
                                      "supported)"));
      return;
    }
  int element = eng_onnx_type (type->tensor_type->elem_type);
  const Onnx__TensorShapeProto *dims = type->tensor_type->shape;
  if (element < 0 || dims == NULL || dims->n_dim > RT_MAX_DIMS)
    {
      eng_onnx_set_missing (im, info->name,
                            element < 0
                                ? g_strdup_printf ("has elements of %s",
                                                   eng_onnx_type_name (
                                                       type->tensor_type->elem_type))
                                : g_strdup (dims == NULL
                                                ? "has no number of dimensions"
                                                : "has more dimensions than are supported"));
      return;
    }
  RtShape shape = { .n_dims = (guint32)dims->n_dim };
  for (gsize i = 0; i < dims->n_dim; i++)
    shape.dims[i] = bind_dim (im, info->name, dims, i);
  if (add_number (im, info->name, element, &shape))
    return;
  if (eng_import_input (im->import, info->name, element, &shape) == RT_NONE)
    eng_onnx_set_missing (im, info->name, g_strdup (eng_import_reason (im->import)));
}

gboolean
eng_onnx_add_initializers (EngOnnxImporter *im, const Onnx__GraphProto *graph, GError **error)
{
  for (gsize i = 0; i < graph->n_initializer; i++)
    {
      const Onnx__TensorProto *tensor = graph->initializer[i];
      g_autoptr (GError) local = NULL;
      EngOnnxTensor t;

      if (tensor->name == NULL || tensor->name[0] == '\0')
        continue;
      if (eng_onnx_file_tensor (im->file, tensor, &t, &local))
        {
          if (eng_import_constant (im->import, tensor->name, t.type, &t.shape, t.data, t.n_bytes,
                                   FALSE)
              == RT_NONE)
            eng_onnx_set_missing (im, tensor->name, g_strdup (eng_import_reason (im->import)));
        }
      else if (g_error_matches (local, ENG_ERROR, ENG_ERROR_UNSUPPORTED))
        eng_onnx_set_missing (im, tensor->name, g_strdup (local->message));
      else
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
    }
  for (gsize i = 0; i < graph->n_sparse_initializer; i++)
    if (graph->sparse_initializer[i]->values != NULL
        && graph->sparse_initializer[i]->values->name != NULL)
      eng_onnx_set_missing (im, graph->sparse_initializer[i]->values->name,
                            g_strdup ("is stored sparse, which is not supported"));
  return TRUE;
}

void
eng_onnx_add_inputs (EngOnnxImporter *im, const Onnx__GraphProto *graph)
{
  for (gsize i = 0; i < graph->n_input; i++)
    {
      const char *name = graph->input[i]->name;
      /* Files of the first versions list initializers as inputs, too. */
      if (name != NULL && name[0] != '\0' && eng_import_find (im->import, name) == RT_NONE
          && !g_hash_table_contains (im->missing, name))
        add_input (im, graph->input[i]);
    }
}
