/* Tensors of an ONNX file as plain bytes: raw bytes, typed lists, or a file of external data beside
 * the model. Called by the importer for initializers and attributes, and by the tests for the .pb
 * files of ONNX's own test suite. Nothing here trusts a length: shape, type, list and bytes must
 * agree. */
#include "eng-onnx-file-private.h"
#include "eng-onnx-file.h"

#include "eng-error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#if G_BYTE_ORDER != G_LITTLE_ENDIAN
#error "raw_data is little-endian: this file reads it in place"
#endif

static const struct
{
  int onnx, type;
  const char *name;
} types[] = {
  { ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, RT_TYPE_F32, "float" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, RT_TYPE_U8, "uint8" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__INT8, RT_TYPE_I8, "int8" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__UINT16, RT_TYPE_U16, "uint16" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__INT16, RT_TYPE_I16, "int16" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__INT32, RT_TYPE_I32, "int32" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__INT64, RT_TYPE_I64, "int64" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__STRING, -1, "string" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, RT_TYPE_BOOL, "bool" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16, RT_TYPE_F16, "float16" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE, RT_TYPE_F64, "double" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__UINT32, RT_TYPE_U32, "uint32" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__UINT64, RT_TYPE_U64, "uint64" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX64, -1, "complex64" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX128, -1, "complex128" },
  { ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16, RT_TYPE_BF16, "bfloat16" },
};

int
eng_onnx_type (gint32 data_type)
{
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (types[i].onnx == data_type)
      return types[i].type;
  return -1;
}

const char *
eng_onnx_type_name (gint32 data_type)
{
  static _Thread_local char unknown[24];

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (types[i].onnx == data_type)
      return types[i].name;
  g_snprintf (unknown, sizeof unknown, "type %d", data_type);
  return unknown;
}

static const char *
name_of (const Onnx__TensorProto *tensor)
{
  return tensor->name != NULL && tensor->name[0] != '\0' ? tensor->name : "(without a name)";
}

__attribute__ ((format (printf, 4, 5))) static gboolean
fail_tensor (const Onnx__TensorProto *tensor, EngError code, GError **error, const char *format,
             ...)
{
  va_list args;
  g_autofree char *message = NULL;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, ENG_ERROR, code, "Tensor '%s': %s", name_of (tensor), message);
  return FALSE;
}

/* ---- shape and type ---- */

static gboolean
read_shape (const Onnx__TensorProto *tensor, EngOnnxTensor *out, GError **error)
{
  out->type = eng_onnx_type (tensor->data_type);
  if (out->type < 0)
    return fail_tensor (tensor, ENG_ERROR_UNSUPPORTED, error, "elements of %s are not supported",
                        eng_onnx_type_name (tensor->data_type));
  if (tensor->n_dims > RT_MAX_DIMS)
    return fail_tensor (tensor, ENG_ERROR_UNSUPPORTED, error,
                        "%" G_GSIZE_FORMAT " dimensions; at most %d are supported", tensor->n_dims,
                        RT_MAX_DIMS);
  if (tensor->segment != NULL)
    return fail_tensor (tensor, ENG_ERROR_UNSUPPORTED, error, "it is stored in segments");

  out->shape = (RtShape){ .n_dims = (uint32_t)tensor->n_dims };
  out->n = 1;
  for (gsize i = 0; i < tensor->n_dims; i++)
    {
      out->shape.dims[i] = tensor->dims[i];
      if (tensor->dims[i] < 0 || tensor->dims[i] > G_MAXINT32
          || out->n > (guint64)G_MAXINT64 / 16 / MAX ((guint64)tensor->dims[i], 1))
        return fail_tensor (tensor, ENG_ERROR_FORMAT, error,
                            "dimension %" G_GSIZE_FORMAT " is %" G_GINT64_FORMAT, i,
                            tensor->dims[i]);
      out->n *= (guint64)tensor->dims[i];
    }
  out->n_bytes = out->n * rt_type_bytes (out->type);
  return TRUE;
}

/* ---- typed lists ---- */

/* int32_data holds everything up to 32 bits; the low bytes count. */
static void
narrow_int32 (const Onnx__TensorProto *tensor, EngOnnxTensor *out, gpointer to)
{
  gsize width = rt_type_bytes (out->type);

  for (guint64 i = 0; i < out->n; i++)
    memcpy ((guint8 *)to + i * width, &tensor->int32_data[i], width);
}

static gboolean
read_list (EngOnnxFile *file, const Onnx__TensorProto *tensor, EngOnnxTensor *out, GError **error)
{
  gsize n_list;
  gconstpointer list;

  switch (out->type)
    {
    case RT_TYPE_F32:
      n_list = tensor->n_float_data, list = tensor->float_data;
      break;
    case RT_TYPE_F64:
      n_list = tensor->n_double_data, list = tensor->double_data;
      break;
    case RT_TYPE_I64:
      n_list = tensor->n_int64_data, list = tensor->int64_data;
      break;
    case RT_TYPE_U64:
    case RT_TYPE_U32:
      n_list = tensor->n_uint64_data, list = tensor->uint64_data;
      break;
    default:
      n_list = tensor->n_int32_data, list = tensor->int32_data;
    }
  if (n_list != out->n)
    return fail_tensor (tensor, ENG_ERROR_FORMAT, error,
                        "its shape asks for %" G_GUINT64_FORMAT
                        " elements and the file holds %" G_GSIZE_FORMAT,
                        out->n, n_list);
  out->data = list;
  if (out->n > 0 && list != tensor->int32_data && out->type != RT_TYPE_U32)
    return TRUE;
  if (out->type == RT_TYPE_I32 && out->n > 0)
    return TRUE;

  gpointer memory = eng_onnx_file_alloc (file, out->n_bytes);
  if (memory == NULL)
    return fail_tensor (tensor, ENG_ERROR_MEMORY, error,
                        "no memory for %" G_GUINT64_FORMAT " bytes", out->n_bytes);
  out->data = memory;
  if (out->type == RT_TYPE_U32)
    for (guint64 i = 0; i < out->n; i++)
      ((guint32 *)memory)[i] = (guint32)tensor->uint64_data[i];
  else
    narrow_int32 (tensor, out, memory);
  return TRUE;
}

/* ---- external data ---- */

static gboolean
parse_number (const char *text, guint64 *value)
{
  return text != NULL && g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, value, NULL);
}

/* The file, which must lie in the model's folder or below it once all links are followed. */
static char *
resolve_external (const EngOnnxFile *file, const Onnx__TensorProto *tensor, const char *location,
                  GError **error)
{
  if (file->folder == NULL)
    {
      fail_tensor (tensor, ENG_ERROR_UNSUPPORTED, error,
                   "its data lies in another file (%s), which cannot be reached from here",
                   location);
      return NULL;
    }
  g_auto (GStrv) parts = g_strsplit (location, "/", -1);
  if (location[0] == '\0' || g_path_is_absolute (location)
      || g_strv_contains ((const char *const *)parts, ".."))
    {
      fail_tensor (tensor, ENG_ERROR_FORMAT, error,
                   "its data is said to lie in '%s'; only files beside the model are read",
                   location);
      return NULL;
    }

  g_autofree char *joined = g_build_filename (file->folder, location, NULL);
  char *folder = realpath (file->folder, NULL), *path = realpath (joined, NULL);
  gsize n_folder = folder != NULL ? strlen (folder) : 0;
  char *found = NULL;

  if (path == NULL || folder == NULL)
    fail_tensor (tensor, ENG_ERROR_IO, error,
                 "its data lies in '%s', which is not there: %s. Put it beside the model", joined,
                 g_strerror (errno));
  else if (strncmp (path, folder, n_folder) != 0 || (n_folder > 1 && path[n_folder] != '/'))
    fail_tensor (tensor, ENG_ERROR_FORMAT, error,
                 "its data is said to lie in '%s', which leads out of the model's folder",
                 location);
  else
    found = g_strdup (path);
  free (folder);
  free (path);
  return found;
}

static GMappedFile *
map_external (EngOnnxFile *file, const Onnx__TensorProto *tensor, const char *location,
              GError **error)
{
  g_autofree char *path = resolve_external (file, tensor, location, error);
  g_autoptr (GError) io_error = NULL;
  GMappedFile *mapped;
  struct stat info;

  if (path == NULL)
    return NULL;
  mapped = g_hash_table_lookup (file->external, path);
  if (mapped != NULL)
    return mapped;
  if (stat (path, &info) != 0 || !S_ISREG (info.st_mode))
    {
      fail_tensor (tensor, ENG_ERROR_IO, error, "'%s' is not an ordinary file", location);
      return NULL;
    }
  mapped = g_mapped_file_new (path, FALSE, &io_error);
  if (mapped == NULL)
    fail_tensor (tensor, ENG_ERROR_IO, error, "%s", io_error->message);
  else
    g_hash_table_insert (file->external, g_steal_pointer (&path), mapped);
  return mapped;
}

static gboolean
read_external (EngOnnxFile *file, const Onnx__TensorProto *tensor, EngOnnxTensor *out,
               GError **error)
{
  const char *location = NULL;
  guint64 offset = 0, length = out->n_bytes;

  for (gsize i = 0; i < tensor->n_external_data; i++)
    {
      const Onnx__StringStringEntryProto *entry = tensor->external_data[i];
      gboolean ok = TRUE;
      if (g_strcmp0 (entry->key, "location") == 0)
        location = entry->value;
      else if (g_strcmp0 (entry->key, "offset") == 0)
        ok = parse_number (entry->value, &offset);
      else if (g_strcmp0 (entry->key, "length") == 0)
        ok = parse_number (entry->value, &length);
      if (!ok)
        return fail_tensor (tensor, ENG_ERROR_FORMAT, error, "its data's %s is '%s', not a number",
                            entry->key, entry->value != NULL ? entry->value : "");
    }
  if (location == NULL)
    return fail_tensor (tensor, ENG_ERROR_FORMAT, error,
                        "its data lies in another file, which is not named");
  if (length != out->n_bytes)
    return fail_tensor (tensor, ENG_ERROR_FORMAT, error,
                        "its shape asks for %" G_GUINT64_FORMAT " bytes, and %" G_GUINT64_FORMAT
                        " are said to lie in '%s'",
                        out->n_bytes, length, location);

  GMappedFile *mapped = map_external (file, tensor, location, error);
  if (mapped == NULL)
    return FALSE;
  gsize n_mapped = g_mapped_file_get_length (mapped);
  if (offset > n_mapped || length > n_mapped - offset)
    return fail_tensor (tensor, ENG_ERROR_FORMAT, error,
                        "bytes %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                        " of '%s' are asked for, which has %" G_GSIZE_FORMAT,
                        offset, offset + length, location, n_mapped);

  out->data = g_mapped_file_get_contents (mapped) + offset;
  if (length == 0 || offset % rt_type_bytes (out->type) != 0)
    {
      gpointer memory = eng_onnx_file_alloc (file, length);
      if (memory == NULL)
        return fail_tensor (tensor, ENG_ERROR_MEMORY, error, "no memory for its bytes");
      if (length > 0)
        memcpy (memory, out->data, length);
      out->data = memory;
    }
  return TRUE;
}

gboolean
eng_onnx_file_tensor (EngOnnxFile *file, const Onnx__TensorProto *tensor, EngOnnxTensor *out,
                      GError **error)
{
  if (!read_shape (tensor, out, error))
    return FALSE;
  if (tensor->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
    return read_external (file, tensor, out, error);
  if (!tensor->has_raw_data)
    return read_list (file, tensor, out, error);
  if (tensor->raw_data.len != out->n_bytes)
    return fail_tensor (tensor, ENG_ERROR_FORMAT, error,
                        "its shape asks for %" G_GUINT64_FORMAT
                        " bytes and the file holds %" G_GSIZE_FORMAT,
                        out->n_bytes, tensor->raw_data.len);
  out->data = out->n_bytes > 0 ? (gconstpointer)tensor->raw_data.data : "";
  return TRUE;
}
