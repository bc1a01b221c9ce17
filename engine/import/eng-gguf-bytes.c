/* See eng-gguf-bytes.h. */
#include "eng-gguf-bytes.h"

#include <string.h>

#define N_META_AT 16 /* magic, version, number of tensors */

struct EngGgufBytes
{
  GByteArray *bytes;
  guint64 n_meta;
};

static void
put (EngGgufBytes *self, gconstpointer data, gsize n)
{
  if (n > 0)
    g_byte_array_append (self->bytes, data, (guint)n);
}

static void
put_u32 (EngGgufBytes *self, guint32 value)
{
  put (self, &value, sizeof value);
}

static void
put_u64 (EngGgufBytes *self, guint64 value)
{
  put (self, &value, sizeof value);
}

static void
put_text (EngGgufBytes *self, const char *text)
{
  put_u64 (self, strlen (text));
  put (self, text, strlen (text));
}

EngGgufBytes *
eng_gguf_bytes_new (void)
{
  EngGgufBytes *self = g_new0 (EngGgufBytes, 1);

  self->bytes = g_byte_array_new ();
  put (self, "GGUF", 4);
  put_u32 (self, 3);
  put_u64 (self, 0); /* tensors */
  put_u64 (self, 0); /* keys, known at the end */
  return self;
}

void
eng_gguf_bytes_free (EngGgufBytes *self)
{
  if (self == NULL)
    return;
  g_byte_array_unref (self->bytes);
  g_free (self);
}

static void
put_key (EngGgufBytes *self, const char *key, RtGgufType type)
{
  put_text (self, key);
  put_u32 (self, type);
  self->n_meta++;
}

#define PUT_KEY(self, type, format)                                                                \
  va_list args;                                                                                    \
  va_start (args, format);                                                                         \
  g_autofree char *key = g_strdup_vprintf (format, args);                                          \
  va_end (args);                                                                                   \
  put_key (self, key, type)

void
eng_gguf_bytes_u32 (EngGgufBytes *self, guint32 value, const char *format, ...)
{
  PUT_KEY (self, RT_GGUF_U32, format);
  put_u32 (self, value);
}

void
eng_gguf_bytes_f32 (EngGgufBytes *self, float value, const char *format, ...)
{
  PUT_KEY (self, RT_GGUF_F32, format);
  put (self, &value, sizeof value);
}

void
eng_gguf_bytes_string (EngGgufBytes *self, const char *value, const char *format, ...)
{
  PUT_KEY (self, RT_GGUF_STRING, format);
  put_text (self, value);
}

void
eng_gguf_bytes_bool (EngGgufBytes *self, gboolean value, const char *key)
{
  put_key (self, key, RT_GGUF_BOOL);
  put (self, &(guint8){ value ? 1 : 0 }, 1);
}

void
eng_gguf_bytes_strings (EngGgufBytes *self, const char *const *items, gsize n, const char *key)
{
  put_key (self, key, RT_GGUF_ARRAY);
  put_u32 (self, RT_GGUF_STRING);
  put_u64 (self, n);
  for (gsize i = 0; i < n; i++)
    put_text (self, items[i]);
}

void
eng_gguf_bytes_numbers (EngGgufBytes *self, RtGgufType type, gconstpointer items, gsize n,
                        const char *key)
{
  put_key (self, key, RT_GGUF_ARRAY);
  put_u32 (self, type);
  put_u64 (self, n);
  put (self, items, n * 4);
}

gconstpointer
eng_gguf_bytes_get (EngGgufBytes *self, gsize *n_bytes)
{
  memcpy (self->bytes->data + N_META_AT, &self->n_meta, sizeof self->n_meta);
  *n_bytes = self->bytes->len;
  return self->bytes->data;
}
