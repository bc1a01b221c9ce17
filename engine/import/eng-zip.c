/* A ZIP archive is read from its end: the end record tells where the directory is, and the
 * directory where each entry is. Called for the files that come with a TFLite model; knows nothing
 * of models. */
#include "eng-zip.h"

#include <string.h>

#include "eng-error.h"

#define END_BYTES 22
#define DIRECTORY_BYTES 46
#define LOCAL_BYTES 30
#define MAX_COMMENT 65535
#define MAX_ENTRIES 10000
#define STORED 0
#define DEFLATED 8

static guint
get_u16 (const guint8 *p)
{
  return p[0] | (guint)p[1] << 8;
}

static guint32
get_u32 (const guint8 *p)
{
  return get_u16 (p) | (guint32)get_u16 (p + 2) << 16;
}

/* The end record, searched from the end over a comment of any length; NULL when there is none. */
static const guint8 *
find_end (const guint8 *data, gsize n)
{
  gsize steps = 0;

  if (n < END_BYTES)
    return NULL;
  for (const guint8 *p = data + n - END_BYTES; steps <= MAX_COMMENT; p--, steps++)
    {
      if (memcmp (p, "PK\5\6", 4) == 0)
        return p;
      if (p == data)
        break;
    }
  return NULL;
}

static void
clear_entry (gpointer entry)
{
  g_free (((EngZipEntry *)entry)->name);
}

GArray *
eng_zip_list (const void *bytes, gsize n)
{
  const guint8 *data = bytes, *end = find_end (data, n);

  if (!end)
    return NULL;
  gsize size = get_u32 (end + 12), start = get_u32 (end + 16), here = (gsize)(end - data);
  if (size > here)
    return NULL;
  /* What precedes the archive shifts all its places, unless the writer counted it. */
  gsize directory = here - size, shift = directory >= start ? directory - start : 0;
  GArray *entries = g_array_new (FALSE, FALSE, sizeof (EngZipEntry));
  g_array_set_clear_func (entries, clear_entry);
  guint n_entries = MIN (get_u16 (end + 10), MAX_ENTRIES);
  for (guint i = 0; i < n_entries; i++)
    {
      const guint8 *p = data + directory;
      if (here - directory < DIRECTORY_BYTES || memcmp (p, "PK\1\2", 4) != 0)
        break;
      gsize name = get_u16 (p + 28), total = DIRECTORY_BYTES + name + get_u16 (p + 30);
      total += get_u16 (p + 32);
      if (total > here - directory)
        break;
      EngZipEntry entry = {
        .name = g_utf8_make_valid ((const char *)p + DIRECTORY_BYTES, (gssize)name),
        .place = (gsize)get_u32 (p + 42) + shift,
        .method = get_u16 (p + 10),
        .packed_bytes = get_u32 (p + 20),
        .bytes = get_u32 (p + 24),
      };
      g_array_append_val (entries, entry);
      directory += total;
    }
  return entries;
}

static GBytes *
inflate (const guint8 *packed, gsize n_packed, const EngZipEntry *entry, GError **error)
{
  g_autoptr (GConverter) inflater
      = G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_RAW));
  g_autofree guint8 *out = g_malloc (MAX (entry->bytes, 1));
  gsize done = 0, used = 0, n_read, n_written;
  GConverterResult result = G_CONVERTER_CONVERTED;

  while (result == G_CONVERTER_CONVERTED && done < entry->bytes)
    {
      result = g_converter_convert (inflater, packed + used, n_packed - used, out + done,
                                    entry->bytes - done, G_CONVERTER_INPUT_AT_END, &n_read,
                                    &n_written, NULL);
      if (result == G_CONVERTER_ERROR)
        break;
      used += n_read;
      done += n_written;
    }
  if (done != entry->bytes)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "the archived file %s is damaged",
                   entry->name);
      return NULL;
    }
  return g_bytes_new_take (g_steal_pointer (&out), done);
}

GBytes *
eng_zip_read (const void *bytes, gsize n, const EngZipEntry *entry, gsize max_bytes, GError **error)
{
  const guint8 *data = bytes, *local = data + entry->place;

  if (entry->bytes > max_bytes)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "the archived file %s takes %" G_GUINT64_FORMAT " bytes, more than expected",
                   entry->name, entry->bytes);
      return NULL;
    }
  if (entry->place > n || n - entry->place < LOCAL_BYTES || memcmp (local, "PK\3\4", 4) != 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "the archived file %s is not where the directory says", entry->name);
      return NULL;
    }
  gsize start = LOCAL_BYTES + (gsize)get_u16 (local + 26) + get_u16 (local + 28);
  gsize room = n - entry->place;
  if (start > room || entry->packed_bytes > room - start)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "the archived file %s is longer than the archive", entry->name);
      return NULL;
    }
  if (entry->method == STORED && entry->packed_bytes == entry->bytes)
    return g_bytes_new (local + start, entry->bytes);
  if (entry->method == DEFLATED)
    return inflate (local + start, entry->packed_bytes, entry, error);
  g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
               "the archived file %s is packed in a way (%u) that is not supported", entry->name,
               entry->method);
  return NULL;
}
