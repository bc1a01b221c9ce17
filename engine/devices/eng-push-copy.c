/* Copying what is not on the board yet, and verifying what is. Files are called by their content,
 * so what is there under the name and has the size is the file, and its sum says whether that is
 * true. */
#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eng-push-private.h"

/* An operation that should be quick, and one over a whole file on a slow card. */
#define QUICK_S 20
#define HASH_S 180
#define MAX_ANSWER_BYTES (1 << 20)
#define MAX_LINE_BYTES 4096

typedef struct
{
  const char *path, *name, *what;
  gboolean program;
  guint64 n_bytes;
} File;

/* ---- Copying ---- */

typedef struct
{
  const char *name;
  guint64 n_bytes;
} Size;

static gboolean
ask_size (EngPush *self, GCancellable *cancellable, gpointer data, GError **error)
{
  Size *size = data;
  return eng_link_size (self->link, size->name, &size->n_bytes, cancellable, error);
}

static gboolean
put (EngPush *self, GCancellable *cancellable, gpointer data, GError **error)
{
  const File *file = data;

  eng_push_begin_try (self);
  return eng_link_put (self->link, file->path, file->name, file->program, eng_push_tell_copied,
                       self, cancellable, error);
}

gboolean
eng_push_remove_file (EngPush *self, GCancellable *cancellable, gpointer data, GError **error)
{
  g_autoptr (GError) local = NULL;
  if (eng_link_remove (self->link, data, cancellable, &local)
      || g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* When the board is full: builds of earlier pushes go, and it is tried once more. */
static gboolean
make_room (EngPush *self, const GError *why)
{
  if (!g_error_matches (why, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
    return FALSE;
  g_autoptr (GPtrArray) old = eng_push_kept_old (self->device, 0);
  gboolean any = FALSE;
  for (guint i = 0; i < old->len; i++)
    {
      if (g_str_equal (old->pdata[i], self->build_name))
        continue;
      if (!eng_push_try (self, eng_push_remove_file, old->pdata[i], QUICK_S, NULL))
        return any;
      eng_push_kept_remove (self->device, old->pdata[i]);
      any = TRUE;
    }
  return any;
}

static gboolean
copy_file (EngPush *self, File *file, GError **error)
{
  g_autoptr (GError) local = NULL;

  eng_push_begin_file (self, file->what);
  gboolean ok = eng_push_try (self, put, file, QUICK_S, &local);
  if (!ok && make_room (self, local))
    {
      g_clear_error (&local);
      ok = eng_push_try (self, put, file, QUICK_S, &local);
    }
  if (!ok)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&local),
                                  "Copying the %s to %s: ", file->what,
                                  eng_device_get_name (self->device));
      return FALSE;
    }
  self->n_files_done += file->n_bytes;
  return TRUE;
}

static gboolean
local_bytes (const char *path, guint64 *n_bytes, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info
      = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE, 0, NULL, error);
  *n_bytes = info != NULL ? (guint64)g_file_info_get_size (info) : 0;
  return info != NULL;
}

gboolean
eng_push_copy (EngPush *self, GError **error)
{
  File files[] = { { self->build_path, self->build_name, "build", FALSE, 0 },
                   { self->work_path, self->work_name, "inputs", FALSE, 0 } };
  gboolean needed[G_N_ELEMENTS (files)];
  gint64 start = g_get_monotonic_time ();
  guint64 n_bytes = 0;

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      Size size = { files[i].name, 0 };
      if (!local_bytes (files[i].path, &files[i].n_bytes, error)
          || !eng_push_try (self, ask_size, &size, QUICK_S, error))
        return FALSE;
      needed[i] = size.n_bytes != files[i].n_bytes;
      if (needed[i])
        n_bytes += files[i].n_bytes;
      else
        self->times->n_kept += files[i].n_bytes;
    }
  eng_push_begin_files (self, n_bytes);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    if (needed[i] && !copy_file (self, &files[i], error))
      return FALSE;
  eng_push_kept_add (self->device, self->build_name);
  self->times->copy_s += (double)(g_get_monotonic_time () - start) * 1e-6;
  return TRUE;
}

/* ---- Verifying ---- */

typedef struct
{
  GString *answer, *line; /* all of it; of the line that comes */
  EngPush *push;
  guint64 n_before; /* bytes of the files that were read back, before the one that is */
  guint64 n_bytes;  /* of all of them */
} Hashes;

/* How far the board has read a file, or that it has its sum. */
static void
look_at_line (Hashes *hashes)
{
  g_autoptr (JsonNode) root = g_utf8_validate (hashes->line->str, -1, NULL)
                                  ? eng_json_parse_object (hashes->line->str, "line", NULL)
                                  : NULL;
  JsonObject *object = root != NULL ? json_node_get_object (root) : NULL;
  const char *kind = object != NULL ? eng_json_get_string (object, "kind") : NULL;
  gint64 n;

  if (g_strcmp0 (kind, "reading") == 0 && (n = eng_json_get_int (object, "n_done", 0)) > 0)
    eng_push_tell_verified (hashes->push, hashes->n_before + (guint64)n, hashes->n_bytes);
  else if (g_strcmp0 (kind, "file") == 0 && (n = eng_json_get_int (object, "bytes", 0)) > 0)
    {
      hashes->n_before += (guint64)n;
      eng_push_tell_verified (hashes->push, hashes->n_before, hashes->n_bytes);
    }
}

static gboolean
gather (const char *bytes, gsize n_bytes, gpointer user_data)
{
  Hashes *hashes = user_data;

  for (gsize i = 0; i < n_bytes; i++)
    if (bytes[i] == '\n')
      {
        look_at_line (hashes);
        g_string_truncate (hashes->line, 0);
      }
    else if (hashes->line->len < MAX_LINE_BYTES)
      g_string_append_c (hashes->line, bytes[i]);
  g_string_append_len (hashes->answer, bytes, (gssize)n_bytes);
  return hashes->answer->len < MAX_ANSWER_BYTES;
}

static gboolean
ask_hashes (EngPush *self, GCancellable *cancellable, gpointer data, GError **error)
{
  Hashes *hashes = data;
  const char *const args[] = { "hash", self->build_name, self->work_name, NULL };

  g_string_truncate (hashes->answer, 0);
  g_string_truncate (hashes->line, 0);
  hashes->n_before = 0;
  return eng_link_run (self->link, self->runner->name, args, gather, hashes, NULL, cancellable,
                       error);
}

/* Whether the board's answer says that @name has @sha256. */
static gboolean
has_hash (const char *answer, const char *name, const char *sha256)
{
  g_auto (GStrv) lines = g_strsplit (answer, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      if (!g_utf8_validate (lines[i], -1, NULL))
        continue;
      g_autoptr (JsonNode) root = eng_json_parse_object (lines[i], "line", NULL);
      JsonObject *object = root != NULL ? json_node_get_object (root) : NULL;
      if (object != NULL && g_strcmp0 (eng_json_get_string (object, "kind"), "file") == 0
          && g_strcmp0 (eng_json_get_string (object, "name"), name) == 0)
        return g_strcmp0 (eng_json_get_string (object, "sha256"), sha256) == 0;
    }
  return FALSE;
}

/* What was altered there is sent again, whole. */
static gboolean
send_again (EngPush *self, File *file, GError **error)
{
  eng_push_begin_files (self, file->n_bytes);
  return eng_push_try (self, eng_push_remove_file, (gpointer)file->name, QUICK_S, error)
         && copy_file (self, file, error);
}

gboolean
eng_push_verify (EngPush *self, GError **error)
{
  File files[] = { { self->build_path, self->build_name, "build", FALSE, 0 },
                   { self->work_path, self->work_name, "inputs", FALSE, 0 } };
  const char *const sums[] = { self->build_sha256, self->work_sha256 };
  g_autoptr (GString) answer = g_string_new (NULL);
  g_autoptr (GString) line = g_string_new (NULL);
  Hashes hashes = { answer, line, self, 0, 0 };
  gboolean ok = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      if (!local_bytes (files[i].path, &files[i].n_bytes, error))
        return FALSE;
      hashes.n_bytes += files[i].n_bytes;
    }
  for (guint round = 0; round < 2 && !ok; round++)
    {
      eng_push_enter (self, ENG_PUSH_VERIFY, "Verifying what was copied");
      if (!eng_push_try (self, ask_hashes, &hashes, HASH_S, error))
        return FALSE;
      ok = TRUE;
      for (guint i = 0; i < G_N_ELEMENTS (files); i++)
        {
          if (has_hash (answer->str, files[i].name, sums[i]))
            continue;
          ok = FALSE;
          if (round == 1)
            {
              g_set_error (error, ENG_ERROR, ENG_ERROR_IO,
                           "The %s on %s is not what was sent, twice: its card or disk may be "
                           "failing",
                           files[i].what, eng_device_get_name (self->device));
              break;
            }
          eng_push_enter (self, ENG_PUSH_COPY, "Copying again");
          if (!send_again (self, &files[i], error))
            return FALSE;
        }
    }
  return ok;
}
