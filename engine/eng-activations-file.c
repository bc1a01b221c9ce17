/* Calibration statistics on disk: a folder for each key, in it one file of what is known by channel
 * and one file of second moments for each value. Every file is written whole or not at all and
 * carries a checksum of its content: one that is cut short or damaged counts as missing and is
 * measured again, and so does one with other values than those that are looked at today.
 * Called by the lookup and by the measurement.
 *
 *     lathe/calibration/<key>/channels      LATHECHN  sha256  content
 *     lathe/calibration/<key>/moments-017   LATHEMOM  sha256  n (n + 1) / 2 floats */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <utime.h>

#include "eng-activations-private.h"
#include "eng-error.h"

#define MAGIC_BYTES 8
#define HASH_BYTES 32
#define HEAD_BYTES (MAGIC_BYTES + HASH_BYTES)

/* Numbers are as this machine has them: a file of another byte order is not ours. */
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define CHANNELS "LATHECHN"
#define MOMENTS "LATHEMOM"
#else
#define CHANNELS "LATHEchn"
#define MOMENTS "LATHEmom"
#endif

/* All measurements together; the oldest go first. */
#define CACHE_BYTES (G_GUINT64_CONSTANT (6) << 30)

static char *
cache_root (void)
{
  return g_build_filename (g_get_user_cache_dir (), "lathe", "calibration", NULL);
}

char *
eng_activations_dup_directory (const char *key)
{
  g_autofree char *root = cache_root ();
  return g_build_filename (root, key, NULL);
}

/* ---- one file ---- */

static void
hash_of (const void *data, gsize n, guint8 hash[HASH_BYTES])
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize n_hash = HASH_BYTES;
  for (gsize at = 0; at < n; at += 1 << 30) /* lengths are signed there */
    g_checksum_update (sum, (const guchar *)data + at, (gssize)MIN (n - at, 1 << 30));
  g_checksum_get_digest (sum, hash, &n_hash);
}

static gboolean
write_all (GOutputStream *stream, const char *magic, const void *data, gsize n, GError **error)
{
  guint8 hash[HASH_BYTES];

  hash_of (data, n, hash);
  return g_output_stream_write_all (stream, magic, MAGIC_BYTES, NULL, NULL, error)
         && g_output_stream_write_all (stream, hash, HASH_BYTES, NULL, NULL, error)
         && g_output_stream_write_all (stream, data, n, NULL, NULL, error)
         && g_output_stream_close (stream, NULL, error);
}

static gboolean
write_file (EngActivations *self, const char *name, const char *magic, const void *data, gsize n,
            GError **error)
{
  g_autofree char *path = g_build_filename (self->directory, name, NULL);
  g_autofree char *part = g_strdup_printf ("%s.%08x.part", path, g_random_int ());
  g_autoptr (GFile) file = g_file_new_for_path (part);
  g_autoptr (GFileOutputStream) stream = NULL;
  g_autoptr (GError) local = NULL;

  if (g_mkdir_with_parents (self->directory, 0755) == 0
      && (stream = g_file_replace (file, NULL, FALSE, G_FILE_CREATE_PRIVATE, NULL, &local)) != NULL
      && write_all (G_OUTPUT_STREAM (stream), magic, data, n, &local) && g_rename (part, path) == 0)
    return TRUE;
  const char *why = local != NULL ? local->message : g_strerror (errno);
  g_set_error (error, ENG_ERROR, ENG_ERROR_IO,
               "Calibration statistics cannot be kept in %s: %s. Make room there, or set "
               "XDG_CACHE_HOME to a folder that can be written",
               self->directory, why);
  g_unlink (part);
  return FALSE;
}

/* The content after the head, in *@bytes; NULL: missing, cut short, damaged. */
static const guint8 *
read_file (EngActivations *self, const char *name, const char *magic, char **bytes, gsize *n)
{
  g_autofree char *path = g_build_filename (self->directory, name, NULL);
  guint8 hash[HASH_BYTES];

  *bytes = NULL;
  if (!g_file_get_contents (path, bytes, n, NULL))
    return NULL;
  const guint8 *data = (const guint8 *)*bytes + HEAD_BYTES;
  if (*n >= HEAD_BYTES && memcmp (*bytes, magic, MAGIC_BYTES) == 0)
    {
      hash_of (data, *n - HEAD_BYTES, hash);
      if (memcmp (hash, *bytes + MAGIC_BYTES, HASH_BYTES) == 0)
        {
          *n -= HEAD_BYTES;
          return data;
        }
    }
  g_debug ("calibration: %s is damaged and counts as missing", path);
  g_clear_pointer (bytes, g_free);
  return NULL;
}

/* ---- statistics by channel ---- */

static void
put (GByteArray *to, const void *data, gsize n)
{
  g_byte_array_append (to, data, (guint)n);
}

static void
put_number (GByteArray *to, guint64 number)
{
  put (to, &number, sizeof number);
}

static void
put_text (GByteArray *to, const char *text)
{
  put_number (to, strlen (text));
  put (to, text, strlen (text));
}

gboolean
eng_activations_write (EngActivations *self, GError **error)
{
  g_autoptr (GByteArray) to = g_byte_array_new ();

  put_number (to, self->n_tokens);
  put_text (to, self->source);
  put_number (to, self->n_layers);
  put (to, self->blocks, self->n_layers * sizeof *self->blocks);
  put_number (to, self->sites->len);
  for (guint i = 0; i < self->sites->len; i++)
    {
      const EngSite *site = self->sites->pdata[i];
      put_text (to, site->name);
      put_number (to, site->n);
      put (to, site->mean, site->n * sizeof (float));
      put (to, site->mean_square, site->n * sizeof (float));
      put (to, site->max_abs, site->n * sizeof (float));
      put (to, site->all, ENG_ALL_BINS * sizeof *site->all);
      put (to, site->one, site->n * ENG_ONE_BINS * sizeof *site->one);
    }
  return write_file (self, "channels", CHANNELS, to->data, to->len, error);
}

typedef struct
{
  const guint8 *at, *end;
} Cursor;

static gboolean
take (Cursor *from, void *to, gsize n)
{
  if ((gsize)(from->end - from->at) < n)
    return FALSE;
  memcpy (to, from->at, n);
  from->at += n;
  return TRUE;
}

static gboolean
take_number (Cursor *from, guint64 *number)
{
  return take (from, number, sizeof *number);
}

static gboolean
take_text (Cursor *from, char **text)
{
  guint64 n;
  if (!take_number (from, &n) || (guint64)(from->end - from->at) < n)
    return FALSE;
  *text = g_strndup ((const char *)from->at, n);
  from->at += n;
  return TRUE;
}

static gboolean
take_site (Cursor *from, EngSite *site)
{
  g_autofree char *name = NULL;
  guint64 n;

  return take_text (from, &name) && strcmp (name, site->name) == 0 && take_number (from, &n)
         && n == site->n && take (from, site->mean, site->n * sizeof (float))
         && take (from, site->mean_square, site->n * sizeof (float))
         && take (from, site->max_abs, site->n * sizeof (float))
         && take (from, site->all, ENG_ALL_BINS * sizeof *site->all)
         && take (from, site->one, site->n * ENG_ONE_BINS * sizeof *site->one);
}

gboolean
eng_activations_read (EngActivations *self)
{
  g_autofree char *bytes = NULL;
  guint64 n_tokens = 0, n_layers, n_sites;
  gsize n;
  const guint8 *data = read_file (self, "channels", CHANNELS, &bytes, &n);
  Cursor from = { data, data != NULL ? data + n : NULL };

  if (data == NULL || !take_number (&from, &n_tokens) || !take_text (&from, &self->source)
      || !take_number (&from, &n_layers) || n_layers != self->n_layers
      || !take (&from, self->blocks, self->n_layers * sizeof *self->blocks)
      || !take_number (&from, &n_sites) || n_sites != self->sites->len)
    return FALSE;
  for (guint i = 0; i < self->sites->len; i++)
    if (!take_site (&from, self->sites->pdata[i]))
      return FALSE;
  self->n_tokens = (guint)n_tokens;
  g_utime (self->directory, NULL); /* used: the last to be removed */
  return TRUE;
}

/* ---- second moments ---- */

static char *
moments_name (guint site)
{
  return g_strdup_printf ("moments-%03u", site);
}

static guint64
triangle_bytes (EngActivations *self, guint site)
{
  guint64 n = ((EngSite *)self->sites->pdata[site])->n;
  return n * (n + 1) / 2 * sizeof (float);
}

gboolean
eng_activations_has_hessian (EngActivations *self, guint site)
{
  g_autofree char *name = moments_name (site);
  g_autofree char *path = g_build_filename (self->directory, name, NULL);
  GStatBuf info;

  if (!((EngSite *)self->sites->pdata[site])->is_multiplied)
    return TRUE; /* there is none to be had */
  return g_stat (path, &info) == 0
         && (guint64)info.st_size == HEAD_BYTES + triangle_bytes (self, site);
}

gboolean
eng_activations_write_hessian (EngActivations *self, guint site, const float *triangle,
                               GError **error)
{
  g_autofree char *name = moments_name (site);
  return write_file (self, name, MOMENTS, triangle, triangle_bytes (self, site), error);
}

float *
eng_activations_read_hessian (EngActivations *self, guint site, GError **error)
{
  g_autofree char *name = moments_name (site);
  g_autofree char *bytes = NULL;
  gsize n = 0;
  const guint8 *data = read_file (self, name, MOMENTS, &bytes, &n);

  if (data != NULL && n == triangle_bytes (self, site))
    return g_memdup2 (data, n);
  g_autofree char *path = g_build_filename (self->directory, name, NULL);
  g_unlink (path); /* so that the next attempt measures it */
  g_set_error (error, ENG_ERROR, ENG_ERROR_IO,
               "The calibration cache is damaged or was emptied meanwhile: %s cannot be read. Run "
               "this again: what is missing is measured again",
               path);
  return NULL;
}

/* ---- room ---- */

typedef struct
{
  char *path;
  guint64 bytes;
  gint64 used;
} Measurement;

static guint64
folder_bytes (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;
  guint64 bytes = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);
      GStatBuf info;
      bytes += g_stat (file, &info) == 0 ? (guint64)info.st_size : 0;
    }
  return bytes;
}

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);
      g_unlink (file);
    }
  g_rmdir (path);
}

static int
oldest_first (const void *a, const void *b)
{
  const Measurement *x = a, *y = b;
  return x->used < y->used ? -1 : x->used > y->used;
}

static gboolean
is_key (const char *name)
{
  return strlen (name) == 64 && strspn (name, "0123456789abcdef") == 64;
}

void
eng_activations_make_room (EngActivations *self, guint64 more)
{
  g_autofree char *root = cache_root ();
  g_autoptr (GDir) dir = g_dir_open (root, 0, NULL);
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (Measurement));
  guint64 total = more;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      GStatBuf info;
      Measurement m = { .path = g_build_filename (root, name, NULL) };
      if (!is_key (name) || g_stat (m.path, &info) != 0)
        {
          g_free (m.path);
          continue;
        }
      m.bytes = folder_bytes (m.path);
      m.used = info.st_mtime;
      total += m.bytes;
      g_array_append_val (all, m);
    }
  g_array_sort (all, oldest_first);
  for (guint i = 0; i < all->len; i++)
    {
      Measurement *m = &g_array_index (all, Measurement, i);
      if (total > CACHE_BYTES && strcmp (m->path, self->directory) != 0)
        {
          remove_folder (m->path);
          total -= m->bytes;
        }
      g_free (m->path);
    }
}
