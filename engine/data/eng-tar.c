/* The tar reader: POSIX ustar with GNU long names and pax paths (POSIX.1-2001, pax interchange
 * format). Streams, so that an archive of any size takes one member's memory. Used by the data
 * sets; knows nothing of what the members are. */
#include "eng-tar.h"

#include <string.h>

#include "eng-error.h"

#define BLOCK 512
#define MAX_NAME 65536 /* of a long name or a pax header */
#define MAX_MEMBER_BYTES (G_GUINT64_CONSTANT (1) << 40)

struct _EngTar
{
  GInputStream *stream;
  char *archive; /* for messages */
  char *name;    /* of the current member */
  guint64 left;  /* of its content */
  guint padding; /* after it */
  gboolean ended;
};

EngTar *
eng_tar_new (GInputStream *stream, const char *name)
{
  EngTar *self = g_new0 (EngTar, 1);
  self->stream = g_object_ref (stream);
  self->archive = g_strdup (name);
  return self;
}

void
eng_tar_free (EngTar *self)
{
  if (self == NULL)
    return;
  g_object_unref (self->stream);
  g_free (self->archive);
  g_free (self->name);
  g_free (self);
}

static gboolean
is_gzip (const guint8 *bytes, gsize n)
{
  return n >= 3 && bytes[0] == 0x1f && bytes[1] == 0x8b && bytes[2] == 8;
}

gboolean
eng_tar_sniff (const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, NULL);
  guint8 block[BLOCK] = { 0 };
  gsize n = 0;

  if (stream == NULL
      || !g_input_stream_read_all (G_INPUT_STREAM (stream), block, sizeof block, &n, NULL, NULL))
    return FALSE;
  return is_gzip (block, n) || (n == BLOCK && memcmp (block + 257, "ustar", 5) == 0);
}

EngTar *
eng_tar_open (const char *path, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (path != NULL, NULL);

  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, cancellable, error);
  guint8 mark[3];
  gsize n = 0;
  if (stream == NULL
      || !g_input_stream_read_all (G_INPUT_STREAM (stream), mark, sizeof mark, &n, cancellable,
                                   error)
      || !g_seekable_seek (G_SEEKABLE (stream), 0, G_SEEK_SET, cancellable, error))
    return NULL;

  g_autofree char *name = g_path_get_basename (path);
  g_autoptr (GInputStream) plain = NULL;
  if (is_gzip (mark, n))
    {
      g_autoptr (GZlibDecompressor) gunzip
          = g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP);
      plain = g_converter_input_stream_new (G_INPUT_STREAM (stream), G_CONVERTER (gunzip));
    }
  else
    plain = G_INPUT_STREAM (g_object_ref (stream));
  g_autoptr (GInputStream) buffered = g_buffered_input_stream_new_sized (plain, 1 << 16);
  return eng_tar_new (buffered, name);
}

static gboolean
fail (EngTar *self, const char *what, GError **error)
{
  self->ended = TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s is a damaged archive%s%s: %s", self->archive,
               self->name != NULL ? " at or after " : "", self->name != NULL ? self->name : "",
               what);
  return FALSE;
}

/* All of @n bytes, or an error. *@at_end (nullable): nothing at all was there. */
static gboolean
read_exactly (EngTar *self, guint8 *to, gsize n, gboolean *at_end, GCancellable *cancellable,
              GError **error)
{
  gsize got = 0;
  if (!g_input_stream_read_all (self->stream, to, n, &got, cancellable, error))
    {
      self->ended = TRUE;
      return FALSE;
    }
  if (at_end != NULL && got == 0)
    {
      *at_end = TRUE;
      return TRUE;
    }
  return got == n || fail (self, "it ends early", error);
}

/* gzip streams cannot seek: read over it. */
static gboolean
skip (EngTar *self, guint64 n, GCancellable *cancellable, GError **error)
{
  guint8 buffer[4096];
  while (n > 0)
    {
      gsize now = MIN (n, sizeof buffer);
      if (!read_exactly (self, buffer, now, NULL, cancellable, error))
        return FALSE;
      n -= now;
    }
  return TRUE;
}

/* Octal digits, or a big-endian number when the highest bit is set (GNU). G_MAXUINT64: neither. */
static guint64
parse_number (const guint8 *field, gsize n)
{
  guint64 value = 0;

  if (field[0] & 0x80)
    {
      if (field[0] != 0x80)
        return G_MAXUINT64;
      for (gsize i = 1; i < n; i++)
        {
          if (value >> 56 != 0)
            return G_MAXUINT64;
          value = value << 8 | field[i];
        }
      return value;
    }
  gsize i = 0;
  while (i < n && field[i] == ' ')
    i++;
  for (; i < n && field[i] >= '0' && field[i] <= '7'; i++)
    value = value << 3 | (guint64)(field[i] - '0');
  return i == n || field[i] == ' ' || field[i] == '\0' ? value : G_MAXUINT64;
}

static gboolean
checksum_ok (const guint8 *header)
{
  guint64 sum = 8 * ' ';
  for (guint i = 0; i < BLOCK; i++)
    if (i < 148 || i >= 156)
      sum += header[i];
  return parse_number (header + 148, 8) == sum;
}

static char *
header_name (const guint8 *header)
{
  g_autofree char *name = g_strndup ((const char *)header, 100);
  if (memcmp (header + 257, "ustar", 6) != 0 || header[345] == '\0')
    return g_steal_pointer (&name);
  g_autofree char *prefix = g_strndup ((const char *)header + 345, 155);
  return g_strdup_printf ("%s/%s", prefix, name);
}

/* The content of a member that speaks of the next one. */
static char *
read_text (EngTar *self, guint64 n, guint padding, GCancellable *cancellable, GError **error)
{
  if (n > MAX_NAME)
    {
      fail (self, "a name of more than 64 KiB", error);
      return NULL;
    }
  g_autofree char *text = g_malloc0 (n + 1);
  if (!read_exactly (self, (guint8 *)text, n, NULL, cancellable, error)
      || !skip (self, padding, cancellable, error))
    return NULL;
  return g_steal_pointer (&text);
}

/* The "path" of a pax header: records of "LENGTH KEY=VALUE\n". NULL: it has none. */
static char *
pax_path (const char *text, gsize n)
{
  const char *p = text, *end = text + n;
  char *path = NULL;

  while (p < end)
    {
      char *rest;
      guint64 length = g_ascii_strtoull (p, &rest, 10);
      if (rest == p || *rest != ' ' || length == 0 || length > (guint64)(end - p)
          || rest + 1 >= p + length)
        break;
      const char *key = rest + 1;
      gsize n_key = (gsize)(p + length - key);
      if (n_key > 6 && memcmp (key, "path=", 5) == 0)
        {
          g_free (path);
          path = g_strndup (key + 5, n_key - 6);
        }
      p += length;
    }
  return path;
}

static gboolean
all_zero (const guint8 *block)
{
  for (guint i = 0; i < BLOCK; i++)
    if (block[i] != 0)
      return FALSE;
  return TRUE;
}

/* One header. Returns FALSE at the end or on an error. */
static gboolean
read_header (EngTar *self, guint8 *header, guint64 *n_bytes, GCancellable *cancellable,
             GError **error)
{
  gboolean at_end = FALSE;

  if (!read_exactly (self, header, BLOCK, &at_end, cancellable, error))
    return FALSE;
  if (at_end || all_zero (header)) /* two zero blocks end it; one is enough for us */
    {
      self->ended = TRUE;
      return FALSE;
    }
  if (!checksum_ok (header))
    return fail (self, "a header's checksum is wrong", error);
  *n_bytes = parse_number (header + 124, 12);
  return *n_bytes <= MAX_MEMBER_BYTES || fail (self, "a member's size is no number", error);
}

gboolean
eng_tar_next (EngTar *self, const char **name, guint64 *n_bytes, GCancellable *cancellable,
              GError **error)
{
  g_autofree char *long_name = NULL;
  guint8 header[BLOCK];

  if (self->ended || !skip (self, self->left + self->padding, cancellable, error))
    return FALSE;
  self->left = self->padding = 0;
  while (read_header (self, header, n_bytes, cancellable, error))
    {
      guint padding = (guint)((BLOCK - *n_bytes % BLOCK) % BLOCK);
      char type = (char)header[156];
      if (type == 'L' || type == 'x')
        {
          g_autofree char *text = read_text (self, *n_bytes, padding, cancellable, error);
          if (text == NULL)
            return FALSE;
          char *path = type == 'L' ? g_strdup (text) : pax_path (text, *n_bytes);
          if (path != NULL)
            {
              g_free (long_name);
              long_name = path;
            }
          continue;
        }
      g_free (self->name);
      self->name = long_name != NULL ? g_steal_pointer (&long_name) : header_name (header);
      if (type == '0' || type == '\0' || type == '7')
        {
          self->left = *n_bytes;
          self->padding = padding;
          *name = self->name;
          return TRUE;
        }
      /* Links and devices have no content, whatever their size field says; others are skipped. */
      if (!(type >= '1' && type <= '6') && !skip (self, *n_bytes + padding, cancellable, error))
        return FALSE;
    }
  return FALSE;
}

GBytes *
eng_tar_read (EngTar *self, guint64 max_bytes, GCancellable *cancellable, GError **error)
{
  if (self->left > max_bytes)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%s in %s has %" G_GUINT64_FORMAT " bytes; at most %" G_GUINT64_FORMAT
                   " are read",
                   self->name, self->archive, self->left, max_bytes);
      return NULL;
    }
  /* Grown as it arrives: the size field may promise more than there is. */
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  while (self->left > 0)
    {
      gsize now = MIN (self->left, 1 << 20), at = bytes->len;
      g_byte_array_set_size (bytes, (guint)(at + now));
      if (!read_exactly (self, bytes->data + at, now, NULL, cancellable, error))
        return NULL;
      self->left -= now;
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}
