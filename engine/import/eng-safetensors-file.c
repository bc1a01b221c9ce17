/* The reader of safetensors files, see eng-safetensors-file.h.
 *
 *   u64 n | n bytes of JSON: { "name": { "dtype", "shape", "data_offsets": [ begin, end ] }, ... }
 *   | data
 *
 * Ranges are counted from the end of the JSON; they must cover the data without gaps and
 * overlaps. */
#include "eng-safetensors-file.h"

#include <string.h>

#include "eng-error.h"
#include "eng-strict-json.h"

/* What the format's own implementation allows. */
#define MAX_HEADER_BYTES 100000000u

struct EngSafetensorsFile
{
  GBytes *bytes;
  JsonObject *header; /* names and dtypes point into it */
  GArray *tensors;    /* EngSafetensor, by place */
  GHashTable *names;  /* name -> index + 1 */
};

static const struct
{
  const char *name;
  guint bytes;
} dtypes[] = {
  { "F32", 4 }, { "F16", 2 }, { "BF16", 2 }, { "F64", 8 },     { "I64", 8 },
  { "I32", 4 }, { "I16", 2 }, { "I8", 1 },   { "U64", 8 },     { "U32", 4 },
  { "U16", 2 }, { "U8", 1 },  { "BOOL", 1 }, { "F8_E4M3", 1 }, { "F8_E5M2", 1 },
};

#define refuse eng_strict_json_refuse

/* ---- one tensor ---- */

static gboolean
read_dtype (const char *name, JsonObject *entry, EngSafetensor *t, guint *width, GError **error)
{
  t->dtype = eng_strict_json_text (entry, "dtype");
  if (t->dtype == NULL)
    return refuse (error, ENG_ERROR_FORMAT, "tensor '%.80s': no dtype", name);
  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++)
    if (strcmp (t->dtype, dtypes[i].name) == 0)
      {
        *width = dtypes[i].bytes;
        return TRUE;
      }
  return refuse (error, ENG_ERROR_UNSUPPORTED, "tensor '%.80s': elements of '%.20s' are not known",
                 name, t->dtype);
}

static gboolean
read_shape (const char *name, JsonObject *entry, EngSafetensor *t, GError **error)
{
  JsonArray *shape = eng_strict_json_array (entry, "shape");

  if (shape == NULL)
    return refuse (error, ENG_ERROR_FORMAT, "tensor '%.80s': no shape", name);
  if (json_array_get_length (shape) > ENG_SAFETENSORS_MAX_DIMS)
    return refuse (error, ENG_ERROR_UNSUPPORTED,
                   "tensor '%.80s': %u dimensions, at most %d are "
                   "supported",
                   name, json_array_get_length (shape), ENG_SAFETENSORS_MAX_DIMS);
  t->n_dims = json_array_get_length (shape);
  t->n = 1;
  for (guint i = 0; i < t->n_dims; i++)
    {
      gint64 size;
      if (!eng_strict_json_node_int (json_array_get_element (shape, i), &size) || size < 0)
        return refuse (error, ENG_ERROR_FORMAT, "tensor '%.80s': dimension %u is not a size", name,
                       i);
      t->dims[i] = (guint64)size;
      if (!g_uint64_checked_mul (&t->n, t->n, t->dims[i]))
        return refuse (error, ENG_ERROR_FORMAT, "tensor '%.80s': its shape overflows", name);
    }
  return TRUE;
}

static gboolean
read_range (const char *name, JsonObject *entry, const guint8 *data, guint64 n_data, guint width,
            EngSafetensor *t, GError **error)
{
  JsonArray *offsets = eng_strict_json_array (entry, "data_offsets");
  gint64 begin, end;
  guint64 expected;

  if (offsets == NULL || json_array_get_length (offsets) != 2
      || !eng_strict_json_node_int (json_array_get_element (offsets, 0), &begin)
      || !eng_strict_json_node_int (json_array_get_element (offsets, 1), &end))
    return refuse (error, ENG_ERROR_FORMAT, "tensor '%.80s': data_offsets are not two numbers",
                   name);
  if (begin < 0 || end < begin || (guint64)end > n_data)
    return refuse (error, ENG_ERROR_FORMAT,
                   "tensor '%.80s': bytes %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                   " of %" G_GUINT64_FORMAT,
                   name, begin, end, n_data);
  if (!g_uint64_checked_mul (&expected, t->n, width) || expected != (guint64)(end - begin))
    return refuse (error, ENG_ERROR_FORMAT,
                   "tensor '%.80s': %" G_GUINT64_FORMAT " elements of %s in %" G_GINT64_FORMAT
                   " bytes",
                   name, t->n, t->dtype, end - begin);
  t->data = data + begin;
  t->n_bytes = expected;
  return TRUE;
}

static gboolean
read_tensor (EngSafetensorsFile *self, const char *name, JsonNode *node, const guint8 *data,
             guint64 n_data, GError **error)
{
  EngSafetensor t = { .name = name };
  guint width = 0;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return refuse (error, ENG_ERROR_FORMAT, "tensor '%.80s': its entry is not an object", name);
  JsonObject *entry = json_node_get_object (node);
  if (!read_dtype (name, entry, &t, &width, error) || !read_shape (name, entry, &t, error)
      || !read_range (name, entry, data, n_data, width, &t, error))
    return FALSE;
  g_array_append_val (self->tensors, t);
  return TRUE;
}

/* ---- all ---- */

static int
by_place (gconstpointer a, gconstpointer b)
{
  const EngSafetensor *x = a, *y = b;

  if (x->data != y->data)
    return x->data < y->data ? -1 : 1;
  if (x->n_bytes != y->n_bytes) /* empty ones first */
    return x->n_bytes < y->n_bytes ? -1 : 1;
  return strcmp (x->name, y->name);
}

static gboolean
check_ranges (EngSafetensorsFile *self, const guint8 *data, guint64 n_data, GError **error)
{
  const guint8 *at = data;
  const char *before = "the header";

  for (guint i = 0; i < self->tensors->len; i++)
    {
      const EngSafetensor *t = &g_array_index (self->tensors, EngSafetensor, i);
      if (t->data < at)
        return refuse (error, ENG_ERROR_FORMAT, "tensors '%.80s' and '%.80s' overlap", before,
                       t->name);
      if (t->data > at)
        return refuse (error, ENG_ERROR_FORMAT,
                       "%" G_GSIZE_FORMAT " bytes before tensor '%.80s' belong to no tensor",
                       (gsize)(t->data - at), t->name);
      at = t->data + t->n_bytes;
      before = t->name;
    }
  if (at != data + n_data)
    return refuse (error, ENG_ERROR_FORMAT,
                   "%" G_GSIZE_FORMAT " bytes at its end belong to no tensor",
                   (gsize)(data + n_data - at));
  return TRUE;
}

static gboolean
read_header (EngSafetensorsFile *self, const guint8 *bytes, gsize n_bytes, gsize *n_header,
             GError **error)
{
  guint64 n;

  if (n_bytes < 8)
    return refuse (error, ENG_ERROR_FORMAT,
                   "not a safetensors file: %" G_GSIZE_FORMAT " bytes, at least 8 expected",
                   n_bytes);
  memcpy (&n, bytes, sizeof n);
  n = GUINT64_FROM_LE (n);
  if (n > n_bytes - 8 || n > MAX_HEADER_BYTES)
    return refuse (error, ENG_ERROR_FORMAT,
                   "not a safetensors file, or cut: a header of %" G_GUINT64_FORMAT
                   " bytes in a file of %" G_GSIZE_FORMAT " (at most %u allowed)",
                   n, n_bytes, MAX_HEADER_BYTES);
  *n_header = (gsize)n;
  self->header = eng_strict_json_parse ("the header", (const char *)bytes + 8, *n_header, error);
  return self->header != NULL;
}

static gboolean
read_tensors (EngSafetensorsFile *self, GError **error)
{
  gsize n_bytes, n_header = 0;
  const guint8 *bytes = g_bytes_get_data (self->bytes, &n_bytes);
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (!read_header (self, bytes, n_bytes, &n_header, error))
    return FALSE;
  const guint8 *data = bytes + 8 + n_header;
  guint64 n_data = n_bytes - 8 - n_header;
  json_object_iter_init (&iter, self->header);
  while (json_object_iter_next (&iter, &name, &node))
    if (strcmp (name, "__metadata__") != 0 && !read_tensor (self, name, node, data, n_data, error))
      return FALSE;
  g_array_sort (self->tensors, by_place);
  for (guint i = 0; i < self->tensors->len; i++)
    g_hash_table_insert (self->names,
                         (gpointer)g_array_index (self->tensors, EngSafetensor, i).name,
                         GUINT_TO_POINTER (i + 1));
  return check_ranges (self, data, n_data, error);
}

EngSafetensorsFile *
eng_safetensors_file_new (GBytes *bytes, GError **error)
{
  g_autoptr (EngSafetensorsFile) self = g_new0 (EngSafetensorsFile, 1);

  self->bytes = g_bytes_ref (bytes);
  self->tensors = g_array_new (FALSE, TRUE, sizeof (EngSafetensor));
  self->names = g_hash_table_new (g_str_hash, g_str_equal);
  return read_tensors (self, error) ? g_steal_pointer (&self) : NULL;
}

EngSafetensorsFile *
eng_safetensors_file_open (const char *path, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GMappedFile) mapped = g_mapped_file_new (path, FALSE, &local);

  if (mapped == NULL)
    {
      refuse (error, ENG_ERROR_IO, "%s cannot be read: %s", path, local->message);
      return NULL;
    }
  g_autoptr (GBytes) bytes = g_mapped_file_get_bytes (mapped);
  EngSafetensorsFile *self = eng_safetensors_file_new (bytes, error);
  if (self == NULL)
    g_prefix_error (error, "%s: ", path);
  return self;
}

void
eng_safetensors_file_free (EngSafetensorsFile *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->tensors);
  g_hash_table_unref (self->names);
  if (self->header != NULL)
    json_object_unref (self->header);
  g_bytes_unref (self->bytes);
  g_free (self);
}

guint
eng_safetensors_file_n (const EngSafetensorsFile *self)
{
  return self->tensors->len;
}

const EngSafetensor *
eng_safetensors_file_get (const EngSafetensorsFile *self, guint i)
{
  return &g_array_index (self->tensors, EngSafetensor, i);
}

const EngSafetensor *
eng_safetensors_file_find (const EngSafetensorsFile *self, const char *name)
{
  guint i = GPOINTER_TO_UINT (g_hash_table_lookup (self->names, name));

  return i > 0 ? &g_array_index (self->tensors, EngSafetensor, i - 1) : NULL;
}

gsize
eng_safetensors_file_bytes (const EngSafetensorsFile *self)
{
  return g_bytes_get_size (self->bytes);
}

gboolean
eng_safetensors_sniff (const guint8 *head, gsize n)
{
  guint64 length;

  if (n < 9)
    return FALSE;
  memcpy (&length, head, sizeof length);
  return GUINT64_FROM_LE (length) <= MAX_HEADER_BYTES && head[8] == '{';
}
