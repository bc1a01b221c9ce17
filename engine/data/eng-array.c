/* Tensors from files: .npy and raw bytes. Called by eng-input.c, the data sets and the tasks; knows
 * nothing of networks beyond element types. */
#include "eng-array.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "kn-quant.h"

#define MAX_HEADER 65536

struct _EngArray
{
  gatomicrefcount ref_count;
  int type;
  RtShape shape;
  GBytes *bytes;
};

G_DEFINE_BOXED_TYPE (EngArray, eng_array, eng_array_ref, eng_array_unref)

EngArray *
eng_array_new (int type, const RtShape *shape, GBytes *bytes)
{
  g_return_val_if_fail (shape != NULL && bytes != NULL, NULL);
  g_return_val_if_fail (g_bytes_get_size (bytes) == rt_shape_n (shape) * rt_type_bytes (type),
                        NULL);

  EngArray *array = g_new0 (EngArray, 1);
  g_atomic_ref_count_init (&array->ref_count);
  array->type = type;
  array->shape = *shape;
  array->bytes = g_bytes_ref (bytes);
  return array;
}

EngArray *
eng_array_ref (EngArray *array)
{
  g_atomic_ref_count_inc (&array->ref_count);
  return array;
}

void
eng_array_unref (EngArray *array)
{
  if (!g_atomic_ref_count_dec (&array->ref_count))
    return;
  g_bytes_unref (array->bytes);
  g_free (array);
}

/* ---- .npy (NumPy's NEP 1) ---- */

static const char npy_mark[6] = "\x93NUMPY";

static const struct
{
  const char *descr; /* kind and bytes */
  int type;
} npy_types[] = {
  { "f2", RT_TYPE_F16 }, { "f4", RT_TYPE_F32 }, { "f8", RT_TYPE_F64 }, { "i1", RT_TYPE_I8 },
  { "i2", RT_TYPE_I16 }, { "i4", RT_TYPE_I32 }, { "i8", RT_TYPE_I64 }, { "u1", RT_TYPE_U8 },
  { "u2", RT_TYPE_U16 }, { "u4", RT_TYPE_U32 }, { "u8", RT_TYPE_U64 }, { "b1", RT_TYPE_BOOL },
};

gboolean
eng_array_sniff_npy (GBytes *bytes)
{
  gsize n;
  const void *data = g_bytes_get_data (bytes, &n);
  return n >= sizeof npy_mark && memcmp (data, npy_mark, sizeof npy_mark) == 0;
}

/* The header is a Python dictionary of three known keys: read as that and nothing more. */
typedef struct
{
  const char *at, *end;
  int type;
  gboolean fortran, has_descr, has_order, has_shape;
  RtShape shape;
  const char *why; /* static: what is wrong */
} NpyHeader;

static void
skip_space (NpyHeader *self)
{
  while (self->at < self->end && (*self->at == ' ' || *self->at == '\t' || *self->at == '\n'))
    self->at++;
}

static gboolean
take (NpyHeader *self, char c)
{
  skip_space (self);
  if (self->at >= self->end || *self->at != c)
    return FALSE;
  self->at++;
  return TRUE;
}

static gboolean
wrong (NpyHeader *self, const char *why)
{
  self->why = why;
  return FALSE;
}

/* A text in single or double quotes, without escapes. */
static gboolean
take_text (NpyHeader *self, char *text, gsize n_bytes)
{
  skip_space (self);
  if (self->at >= self->end || (*self->at != '\'' && *self->at != '"'))
    return wrong (self, "a quoted text is missing in its header");
  char quote = *self->at++;
  const char *from = self->at;
  while (self->at < self->end && *self->at != quote)
    self->at++;
  if (self->at >= self->end || (gsize)(self->at - from) >= n_bytes)
    return wrong (self, "a text in its header does not end, or is too long");
  memcpy (text, from, (gsize)(self->at - from));
  text[self->at - from] = '\0';
  self->at++;
  return TRUE;
}

static gboolean
take_descr (NpyHeader *self)
{
  char text[16];
  if (!take_text (self, text, sizeof text))
    return FALSE;
  const char *plain = text + (strchr ("<|=>", text[0]) != NULL && text[0] != '\0');
  for (guint i = 0; i < G_N_ELEMENTS (npy_types); i++)
    if (strcmp (plain, npy_types[i].descr) == 0)
      {
        self->type = npy_types[i].type;
        if (text[0] == '>' && rt_type_bytes (self->type) > 1)
          return wrong (self, "its numbers are big-endian; save it with astype('<f4') or alike");
        self->has_descr = TRUE;
        return TRUE;
      }
  return wrong (self, "its elements are no plain numbers (f2, f4, f8, i1 to i8, u1 to u8, b1)");
}

static gboolean
take_order (NpyHeader *self)
{
  static const struct
  {
    const char *word;
    gboolean value;
  } words[] = { { "False", FALSE }, { "True", TRUE } };

  skip_space (self);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gsize n = strlen (words[i].word);
      if ((gsize)(self->end - self->at) >= n && memcmp (self->at, words[i].word, n) == 0)
        {
          self->at += n;
          self->fortran = words[i].value;
          self->has_order = TRUE;
          return TRUE;
        }
    }
  return wrong (self, "fortran_order is neither True nor False");
}

static gboolean
take_shape (NpyHeader *self)
{
  if (!take (self, '('))
    return wrong (self, "its shape is not in brackets");
  self->shape.n_dims = 0;
  while (!take (self, ')'))
    {
      gint64 size = 0;
      const char *from = self->at;
      while (self->at < self->end && g_ascii_isdigit (*self->at))
        {
          if (size > G_MAXINT64 / 10 - 10)
            return wrong (self, "a size of its shape is too large");
          size = size * 10 + (*self->at++ - '0');
        }
      if (self->at == from)
        return wrong (self, "a size of its shape is no number");
      if (self->shape.n_dims == RT_MAX_DIMS)
        return wrong (self, "it has more than 8 dimensions");
      self->shape.dims[self->shape.n_dims++] = size;
      if (!take (self, ',') && !(self->at < self->end && *self->at == ')'))
        return wrong (self, "its shape does not end");
      skip_space (self);
    }
  self->has_shape = TRUE;
  return TRUE;
}

static gboolean
take_header (NpyHeader *self)
{
  char key[16];

  if (!take (self, '{'))
    return wrong (self, "its header is no dictionary");
  while (!take (self, '}'))
    {
      if (!take_text (self, key, sizeof key))
        return FALSE;
      if (!take (self, ':'))
        return wrong (self, "a key of its header has no value");
      gboolean ok = strcmp (key, "descr") == 0           ? take_descr (self)
                    : strcmp (key, "fortran_order") == 0 ? take_order (self)
                    : strcmp (key, "shape") == 0         ? take_shape (self)
                                                 : wrong (self, "its header has unknown keys");
      if (!ok)
        return FALSE;
      if (!take (self, ',') && !(self->at < self->end && *self->at == '}'))
        return wrong (self, "its header does not end");
    }
  skip_space (self);
  if (self->at != self->end)
    return wrong (self, "something follows its header's dictionary");
  if (!self->has_descr || !self->has_order || !self->has_shape)
    return wrong (self, "its header lacks descr, fortran_order or shape");
  return !self->fortran || self->shape.n_dims < 2
         || wrong (self, "it is in Fortran order; save numpy.ascontiguousarray() of it");
}

static EngArray *
fail_npy (const char *name, const char *why, GError **error)
{
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s cannot be read as a NumPy array: %s", name,
               why);
  return NULL;
}

EngArray *
eng_array_from_npy (GBytes *bytes, const char *name, GError **error)
{
  gsize n;
  const guint8 *data = g_bytes_get_data (bytes, &n);

  if (!eng_array_sniff_npy (bytes) || n < 10)
    return fail_npy (name, "it does not begin with NumPy's mark", error);
  if (data[6] < 1 || data[6] > 3 || data[7] != 0)
    return fail_npy (name, "its version is not 1, 2 or 3", error);
  gsize at = data[6] == 1 ? 10 : 12;
  if (n < at)
    return fail_npy (name, "it ends in its header", error);
  gsize n_header = (gsize)data[8] | (gsize)data[9] << 8;
  if (data[6] > 1)
    n_header |= (gsize)data[10] << 16 | (gsize)data[11] << 24;
  if (n_header > MAX_HEADER || n_header > n - at)
    return fail_npy (name, "its header is longer than the file, or than 64 KiB", error);

  NpyHeader header = { .at = (const char *)data + at, .end = (const char *)data + at + n_header };
  if (!take_header (&header))
    return fail_npy (name, header.why, error);
  at += n_header;
  guint64 n_elements = rt_shape_n (&header.shape), width = rt_type_bytes (header.type);
  if (n_elements > (n - at) / width || n_elements * width != n - at)
    return fail_npy (name, "its shape and its size do not fit each other", error);

  g_autoptr (GBytes) content = g_bytes_new_from_bytes (bytes, at, n - at);
  return eng_array_new (header.type, &header.shape, content);
}

GBytes *
eng_array_to_npy (EngArray *self)
{
  const char *descr = NULL;
  for (guint i = 0; i < G_N_ELEMENTS (npy_types); i++)
    if (npy_types[i].type == self->type)
      descr = npy_types[i].descr;
  g_return_val_if_fail (descr != NULL, NULL);

  g_autoptr (GString) header = g_string_new (NULL);
  g_string_append_printf (header, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                          rt_type_bytes (self->type) == 1 ? '|' : '<', descr);
  for (guint i = 0; i < self->shape.n_dims; i++)
    g_string_append_printf (header, "%" G_GINT64_FORMAT ",%s", self->shape.dims[i],
                            i + 1 < self->shape.n_dims ? " " : "");
  g_string_append (header, "), }");
  while ((10 + header->len + 1) % 64 != 0)
    g_string_append_c (header, ' ');
  g_string_append_c (header, '\n');

  GByteArray *file = g_byte_array_new ();
  guint8 start[10] = { 0 };
  memcpy (start, npy_mark, sizeof npy_mark);
  start[6] = 1;
  start[8] = (guint8)(header->len & 255);
  start[9] = (guint8)(header->len >> 8);
  g_byte_array_append (file, start, sizeof start);
  g_byte_array_append (file, (const guint8 *)header->str, (guint)header->len);
  gsize n;
  const guint8 *data = g_bytes_get_data (self->bytes, &n);
  g_byte_array_append (file, data, (guint)n);
  return g_byte_array_free_to_bytes (file);
}

EngArray *
eng_array_from_raw (GBytes *bytes, int type, const RtShape *shape, const char *name, GError **error)
{
  guint64 n = rt_shape_n (shape), width = rt_type_bytes (type);
  gsize n_bytes = g_bytes_get_size (bytes);

  if (width == 0 || n > G_MAXSIZE / width || n * width != n_bytes)
    {
      char text[128];
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%s has %" G_GSIZE_FORMAT " bytes; the input %s of %s takes %" G_GUINT64_FORMAT,
                   name, n_bytes, rt_shape_text (shape, text, sizeof text), rt_type_name (type),
                   n * width);
      return NULL;
    }
  return eng_array_new (type, shape, bytes);
}

/* ---- Looking ---- */

int
eng_array_get_type_of_elements (EngArray *self)
{
  return self->type;
}

const RtShape *
eng_array_get_shape (EngArray *self)
{
  return &self->shape;
}

guint64
eng_array_get_n (EngArray *self)
{
  return rt_shape_n (&self->shape);
}

const void *
eng_array_get_data (EngArray *self)
{
  return g_bytes_get_data (self->bytes, NULL);
}

/* ---- Elements ---- */

/* .npy content begins at any byte of the file: loads and stores are unaligned. */
#define GET(T)                                                                                     \
  ({                                                                                               \
    T v_;                                                                                          \
    memcpy (&v_, (const T *)data + index, sizeof v_);                                              \
    (double)v_;                                                                                    \
  })

double
eng_element_get (int type, const void *data, guint64 index)
{
  switch (type)
    {
    case RT_TYPE_F32:
      return GET (float);
    case RT_TYPE_F64:
      return GET (double);
    case RT_TYPE_F16:
      {
        guint16 half;
        memcpy (&half, (const guint16 *)data + index, sizeof half);
        return (double)kn_f16_to_f32 (half);
      }
    case RT_TYPE_I8:
      return GET (gint8);
    case RT_TYPE_I16:
      return GET (gint16);
    case RT_TYPE_I32:
      return GET (gint32);
    case RT_TYPE_I64:
      return GET (gint64);
    case RT_TYPE_U8:
      return GET (guint8);
    case RT_TYPE_U16:
      return GET (guint16);
    case RT_TYPE_U32:
      return GET (guint32);
    case RT_TYPE_U64:
      return GET (guint64);
    case RT_TYPE_BOOL:
      return ((const guint8 *)data)[index] != 0;
    default:
      g_return_val_if_reached (NAN);
    }
}

#define SET(T, LEAST, MOST)                                                                        \
  G_STMT_START                                                                                     \
  {                                                                                                \
    double r_ = rint (value);                                                                      \
    T v_ = r_ <= (LEAST) ? (T)(LEAST) : r_ >= (MOST) ? (T)(MOST) : (T)r_;                          \
    memcpy ((T *)data + index, &v_, sizeof v_);                                                    \
  }                                                                                                \
  G_STMT_END

void
eng_element_set (int type, void *data, guint64 index, double value)
{
  if (isnan (value) && type != RT_TYPE_F32 && type != RT_TYPE_F64 && type != RT_TYPE_F16)
    value = 0;
  switch (type)
    {
    case RT_TYPE_F32:
      {
        float v = (float)value;
        memcpy ((float *)data + index, &v, sizeof v);
        return;
      }
    case RT_TYPE_F64:
      memcpy ((double *)data + index, &value, sizeof value);
      return;
    case RT_TYPE_F16:
      {
        guint16 half = kn_f32_to_f16 ((float)value);
        memcpy ((guint16 *)data + index, &half, sizeof half);
        return;
      }
    case RT_TYPE_I8:
      SET (gint8, -128.0, 127.0);
      return;
    case RT_TYPE_I16:
      SET (gint16, -32768.0, 32767.0);
      return;
    case RT_TYPE_I32:
      SET (gint32, (double)G_MININT32, (double)G_MAXINT32);
      return;
    case RT_TYPE_I64:
      SET (gint64, -9223372036854775808.0, 9223372036854774784.0);
      return;
    case RT_TYPE_U8:
      SET (guint8, 0.0, 255.0);
      return;
    case RT_TYPE_U16:
      SET (guint16, 0.0, 65535.0);
      return;
    case RT_TYPE_U32:
      SET (guint32, 0.0, 4294967295.0);
      return;
    case RT_TYPE_U64:
      SET (guint64, 0.0, 18446744073709549568.0);
      return;
    case RT_TYPE_BOOL:
      ((guint8 *)data)[index] = value != 0;
      return;
    default:
      g_return_if_reached ();
    }
}
