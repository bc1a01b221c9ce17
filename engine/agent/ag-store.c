/* Files, their sums, and the builds kept. Called by ag-server.c and ag-run.c; knows nothing of the
 * network. All paths are made here, of one folder and a name that was checked; links are not
 * followed. ".index.json", as all of the service's own, is hidden: no request can name it. */
#include "ag-store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ag-proof.h"
#include "ag-request.h"

#define INDEX ".index.json"
#define PART_DAYS 7
#define SILENT_US (G_USEC_PER_SEC * 3 / 2) /* then a second try takes an upload's place */
#define SPARE_BYTES ((guint64)32 << 20)    /* of the file system, for everybody else */

typedef struct
{
  char *sha256;
  guint64 n_bytes;
  gboolean program;
} Object;

struct _AgStore
{
  char *folder;
  int fd;
  guint64 quota;
  GHashTable *objects; /* name -> Object */
  GHashTable *busy;    /* name of a part -> the AgUpload that writes it */
  GPtrArray *builds;   /* AgBuild, last used first */
  char *current;
};

struct _AgUpload
{
  AgStore *store;
  char *name, *sha256, *part;
  gboolean program;
  guint64 n, total;
  int fd;
  gboolean failed;
  gboolean verifying;
  gint64 last_us; /* when a byte last came */
};

static gboolean
fail_errno (GError **error, const char *name, const char *what)
{
  int code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s %s: %s", name, what,
               g_strerror (code));
  return FALSE;
}

static void
object_free (gpointer data)
{
  Object *object = data;

  g_free (object->sha256);
  g_free (object);
}

static void
build_free (gpointer data)
{
  AgBuild *build = data;

  g_free (build->name);
  g_free (build);
}

/* ---- the index ---- */

static void
write_objects (AgStore *store, JsonBuilder *builder)
{
  GHashTableIter iter;
  gpointer key, value;

  json_builder_set_member_name (builder, "files");
  json_builder_begin_object (builder);
  g_hash_table_iter_init (&iter, store->objects);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      Object *object = value;
      json_builder_set_member_name (builder, key);
      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "sha256");
      json_builder_add_string_value (builder, object->sha256);
      json_builder_set_member_name (builder, "bytes");
      json_builder_add_int_value (builder, (gint64)object->n_bytes);
      json_builder_set_member_name (builder, "program");
      json_builder_add_boolean_value (builder, object->program);
      json_builder_end_object (builder);
    }
  json_builder_end_object (builder);
}

static void
write_builds (AgStore *store, JsonBuilder *builder)
{
  json_builder_set_member_name (builder, "builds");
  json_builder_begin_array (builder);
  for (guint i = 0; i < store->builds->len; i++)
    {
      AgBuild *build = store->builds->pdata[i];
      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "name");
      json_builder_add_string_value (builder, build->name);
      json_builder_set_member_name (builder, "runs");
      json_builder_add_int_value (builder, build->n_runs);
      json_builder_set_member_name (builder, "first_s");
      json_builder_add_int_value (builder, build->first_s);
      json_builder_set_member_name (builder, "last_s");
      json_builder_add_int_value (builder, build->last_s);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "current");
  if (store->current)
    json_builder_add_string_value (builder, store->current);
  else
    json_builder_add_null_value (builder);
}

static gboolean
save (AgStore *store, GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *path = g_build_filename (store->folder, INDEX, NULL);
  g_autofree char *text = NULL;

  json_builder_begin_object (builder);
  write_objects (store, builder);
  write_builds (store, builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  return g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

static gboolean
read_object (AgStore *store, const char *name, JsonNode *node)
{
  JsonObject *entry = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *sha256
      = entry ? json_object_get_string_member_with_default (entry, "sha256", NULL) : NULL;
  guint8 sum[32];
  guint64 n_bytes;
  Object *object;

  if (!ag_name_is_valid (name) || !ag_hex_read (sha256, sum, sizeof sum))
    return FALSE;
  /* Gone, or changed behind our back: no longer what was verified. */
  if (!ag_store_size (store, name, &n_bytes)
      || n_bytes != (guint64)json_object_get_int_member_with_default (entry, "bytes", -1))
    return TRUE;
  object = g_new0 (Object, 1);
  object->sha256 = g_strdup (sha256);
  object->n_bytes = n_bytes;
  object->program = json_object_get_boolean_member_with_default (entry, "program", FALSE);
  g_hash_table_insert (store->objects, g_strdup (name), object);
  return TRUE;
}

static gboolean
read_build (AgStore *store, JsonNode *node)
{
  JsonObject *entry = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *name
      = entry ? json_object_get_string_member_with_default (entry, "name", NULL) : NULL;
  AgBuild *build;

  if (!name || !ag_name_is_valid (name))
    return FALSE;
  if (!g_hash_table_contains (store->objects, name))
    return TRUE;
  build = g_new0 (AgBuild, 1);
  build->name = g_strdup (name);
  build->n_bytes = ((Object *)g_hash_table_lookup (store->objects, name))->n_bytes;
  build->n_runs = (guint)json_object_get_int_member_with_default (entry, "runs", 0);
  build->first_s = json_object_get_int_member_with_default (entry, "first_s", 0);
  build->last_s = json_object_get_int_member_with_default (entry, "last_s", 0);
  g_ptr_array_add (store->builds, build);
  return TRUE;
}

static gboolean
read_index (AgStore *store, JsonObject *object)
{
  JsonNode *files = json_object_get_member (object, "files");
  JsonNode *builds = json_object_get_member (object, "builds");
  const char *current;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (!files || !JSON_NODE_HOLDS_OBJECT (files) || !builds || !JSON_NODE_HOLDS_ARRAY (builds))
    return FALSE;
  json_object_iter_init (&iter, json_node_get_object (files));
  while (json_object_iter_next (&iter, &name, &node))
    if (!read_object (store, name, node))
      return FALSE;
  for (guint i = 0; i < json_array_get_length (json_node_get_array (builds)); i++)
    if (!read_build (store, json_array_get_element (json_node_get_array (builds), i)))
      return FALSE;
  node = json_object_get_member (object, "current");
  current = node && JSON_NODE_HOLDS_VALUE (node) && !json_node_is_null (node)
                    && json_node_get_value_type (node) == G_TYPE_STRING
                ? json_node_get_string (node)
                : NULL;
  if (current && g_hash_table_contains (store->objects, current))
    store->current = g_strdup (current);
  return TRUE;
}

static gboolean
load (AgStore *store, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) local = NULL;
  g_autofree char *path = g_build_filename (store->folder, INDEX, NULL);
  JsonNode *root;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (json_parser_load_from_file (parser, path, &local) && (root = json_parser_get_root (parser))
      && JSON_NODE_HOLDS_OBJECT (root) && read_index (store, json_node_get_object (root)))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
               "%s is damaged%s%s; remove the folder %s and put the builds again", path,
               local ? ": " : "", local ? local->message : "", store->folder);
  return FALSE;
}

/* Parts that nobody went on with, and what an interrupted save left. */
static void
drop_old_parts (AgStore *store)
{
  g_autoptr (GDir) dir = g_dir_open (store->folder, 0, NULL);
  gint64 old = g_get_real_time () / G_USEC_PER_SEC - PART_DAYS * 24 * 3600;
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      struct stat info;
      if (g_str_has_prefix (name, ".part-")
          && fstatat (store->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && info.st_mtime < old)
        unlinkat (store->fd, name, 0);
    }
}

AgStore *
ag_store_new (const char *folder, guint64 quota_bytes, GError **error)
{
  AgStore *store = g_new0 (AgStore, 1);

  store->folder = g_strdup (folder);
  store->quota = quota_bytes;
  store->objects = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, object_free);
  store->busy = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  store->builds = g_ptr_array_new_with_free_func (build_free);
  store->fd = -1;
  if (g_mkdir_with_parents (folder, 0700) < 0
      || (store->fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
    fail_errno (error, folder, "cannot be opened");
  else if (load (store, error))
    {
      drop_old_parts (store);
      return store;
    }
  ag_store_free (store);
  return NULL;
}

void
ag_store_free (AgStore *store)
{
  if (!store)
    return;
  if (store->fd >= 0)
    close (store->fd);
  g_hash_table_unref (store->objects);
  g_hash_table_unref (store->busy);
  g_ptr_array_unref (store->builds);
  g_free (store->current);
  g_free (store->folder);
  g_free (store);
}

const char *
ag_store_get_folder (AgStore *store)
{
  return store->folder;
}

/* What may make way for a build, or is a part of it. */
static gboolean
is_of_builds (AgStore *store, const char *name)
{
  Object *object = g_hash_table_lookup (store->objects, name);

  return g_str_has_prefix (name, ".part-") || (object && !object->program);
}

void
ag_store_get_space (AgStore *store, AgSpace *space)
{
  g_autoptr (GDir) dir = g_dir_open (store->folder, 0, NULL);
  struct statvfs system;
  guint64 free_bytes = 0;
  const char *name;

  *space = (AgSpace){ .quota = store->quota };
  while (dir && (name = g_dir_read_name (dir)))
    {
      struct stat info;
      if (fstatat (store->fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG (info.st_mode))
        continue;
      space->used += (guint64)info.st_size;
      if (is_of_builds (store, name))
        space->builds += (guint64)info.st_size;
    }
  if (fstatvfs (store->fd, &system) == 0)
    free_bytes = (guint64)system.f_bavail * system.f_frsize;
  free_bytes = free_bytes > SPARE_BYTES ? free_bytes - SPARE_BYTES : 0;
  space->left = MIN (space->quota > space->used ? space->quota - space->used : 0, free_bytes);
}

/* ---- files ---- */

gboolean
ag_store_size (AgStore *store, const char *name, guint64 *n_bytes)
{
  struct stat info;

  if (fstatat (store->fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG (info.st_mode))
    return FALSE;
  *n_bytes = (guint64)info.st_size;
  return TRUE;
}

static void
forget_build (AgStore *store, const char *name)
{
  for (guint i = 0; i < store->builds->len; i++)
    if (strcmp (((AgBuild *)store->builds->pdata[i])->name, name) == 0)
      {
        g_ptr_array_remove_index (store->builds, i);
        break;
      }
  if (g_strcmp0 (store->current, name) == 0)
    g_clear_pointer (&store->current, g_free);
}

gboolean
ag_store_remove (AgStore *store, const char *name, GError **error)
{
  guint64 n_bytes;

  if (!ag_store_size (store, name, &n_bytes))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no %s", name);
      return FALSE;
    }
  if (unlinkat (store->fd, name, 0) < 0)
    return fail_errno (error, name, "cannot be removed");
  if (!g_hash_table_remove (store->objects, name))
    return TRUE;
  forget_build (store, name);
  return save (store, error);
}

const char *
ag_store_sha256 (AgStore *store, const char *name)
{
  Object *object = g_hash_table_lookup (store->objects, name);

  return object ? object->sha256 : NULL;
}

gboolean
ag_store_is_program (AgStore *store, const char *name)
{
  Object *object = g_hash_table_lookup (store->objects, name);

  return object && object->program;
}

/* ---- uploads ---- */

static char *
part_name (const char *name, const char *sha256)
{
  return g_strdup_printf (".part-%.32s-%s", sha256, name);
}

guint64
ag_store_part (AgStore *store, const char *name, const char *sha256)
{
  g_autofree char *part = part_name (name, sha256);
  guint64 n = 0;

  return ag_store_size (store, part, &n) ? n : 0;
}

static gboolean
make_space (AgStore *store, guint64 wanted, GError **error)
{
  AgSpace space;

  ag_store_get_space (store, &space);
  /* The oldest go first; the current one and the one before it stay. */
  while (space.left < wanted && store->builds->len > 2)
    {
      AgBuild *oldest = store->builds->pdata[store->builds->len - 1];
      g_autofree char *name = g_strdup (oldest->name);

      if (g_strcmp0 (name, store->current) == 0 || !ag_store_remove (store, name, NULL))
        break;
      ag_store_get_space (store, &space);
    }
  if (space.left >= wanted)
    return TRUE;
  g_set_error (
      error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
      "%" G_GUINT64_FORMAT " bytes more do not fit into %s: %" G_GUINT64_FORMAT
      " are left of the disk or the quota. Remove builds there, or start the service with a "
      "larger --quota",
      wanted, store->folder, space.left);
  return FALSE;
}

/* A line that was cut leaves its upload waiting for bytes; the next try does not wait with it. */
static gboolean
take_over (AgStore *store, const char *part, const char *name, GError **error)
{
  AgUpload *other = g_hash_table_lookup (store->busy, part);

  if (!other)
    return TRUE;
  if (other->verifying || g_get_monotonic_time () - other->last_us < SILENT_US)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, "%s is being put already", name);
      return FALSE;
    }
  other->failed = TRUE;
  g_hash_table_remove (store->busy, part);
  return TRUE;
}

AgUpload *
ag_upload_begin (AgStore *store, const char *name, const char *sha256, gboolean program,
                 guint64 start, guint64 total, GError **error)
{
  g_autofree char *part = part_name (name, sha256);
  guint64 have = ag_store_part (store, name, sha256);
  AgUpload *upload;
  int fd;

  if (!take_over (store, part, name, error))
    return NULL;
  if (have != start)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "%s goes on at byte %" G_GUINT64_FORMAT ", not %" G_GUINT64_FORMAT, name, have,
                   start);
      return NULL;
    }
  if (!make_space (store, total - start, error))
    return NULL;
  fd = openat (store->fd, part, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    {
      fail_errno (error, name, "cannot be written");
      return NULL;
    }
  upload = g_new0 (AgUpload, 1);
  upload->store = store;
  upload->name = g_strdup (name);
  upload->sha256 = g_ascii_strdown (sha256, -1);
  upload->part = g_steal_pointer (&part);
  upload->program = program;
  upload->n = start;
  upload->total = total;
  upload->fd = fd;
  upload->last_us = g_get_monotonic_time ();
  g_hash_table_insert (store->busy, g_strdup (upload->part), upload);
  return upload;
}

gboolean
ag_upload_write (AgUpload *upload, gconstpointer bytes, gsize n, GError **error)
{
  const char *at = bytes;

  if (upload->failed || n > upload->total - upload->n)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s: more bytes than announced",
                   upload->name);
      return FALSE;
    }
  upload->last_us = g_get_monotonic_time ();
  while (n > 0)
    {
      ssize_t written = write (upload->fd, at, n);
      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        {
          upload->failed = TRUE;
          return fail_errno (error, upload->name, "cannot be written");
        }
      at += written;
      n -= (gsize)written;
      upload->n += (guint64)written;
    }
  return TRUE;
}

guint64
ag_upload_get_n (AgUpload *upload)
{
  return upload->n;
}

gboolean
ag_upload_is_complete (AgUpload *upload)
{
  return !upload->failed && upload->n == upload->total;
}

void
ag_upload_free (AgUpload *upload)
{
  if (!upload)
    return;
  if (upload->fd >= 0)
    close (upload->fd);
  if (g_hash_table_lookup (upload->store->busy, upload->part) == upload)
    g_hash_table_remove (upload->store->busy, upload->part);
  g_free (upload->name);
  g_free (upload->sha256);
  g_free (upload->part);
  g_free (upload);
}

/* On a worker: what lies on the disk, not what came over the network. */
static gboolean
sum_part (int folder, const char *part, char **sha256, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (1 << 18);
  int fd = openat (folder, part, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  gnutls_hash_hd_t hash = NULL;
  guint8 sum[32];
  ssize_t n = -1;

  if (fd >= 0 && gnutls_hash_init (&hash, GNUTLS_DIG_SHA256) >= 0)
    while ((n = read (fd, buffer, 1 << 18)) > 0)
      gnutls_hash (hash, buffer, (size_t)n);
  if (n == 0 && fsync (fd) < 0)
    n = -1;
  if (n < 0)
    fail_errno (error, part, "cannot be read");
  if (hash)
    gnutls_hash_deinit (hash, sum);
  if (fd >= 0)
    close (fd);
  if (n == 0)
    *sha256 = ag_hex_text (sum, sizeof sum);
  return n == 0;
}

static void
verify_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  AgUpload *upload = data;
  g_autofree char *sha256 = NULL;
  GError *error = NULL;

  if (sum_part (upload->store->fd, upload->part, &sha256, &error))
    g_task_return_pointer (task, g_steal_pointer (&sha256), g_free);
  else
    g_task_return_error (task, error);
}

void
ag_upload_verify_async (AgUpload *upload, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  upload->verifying = TRUE;
  g_task_set_task_data (task, upload, NULL);
  g_task_run_in_thread (task, verify_thread);
}

static gboolean
give_name (AgUpload *upload, GError **error)
{
  AgStore *store = upload->store;
  Object *object;

  if (fchmod (upload->fd, upload->program ? 0700 : 0600) < 0)
    return fail_errno (error, upload->name, "cannot be made executable");
  /* Who still has it open for writing when it is executed hears "text file busy". */
  close (upload->fd);
  upload->fd = -1;
  if (renameat (store->fd, upload->part, store->fd, upload->name) < 0)
    return fail_errno (error, upload->name, "cannot get its name");
  object = g_new0 (Object, 1);
  object->sha256 = g_strdup (upload->sha256);
  object->n_bytes = upload->n;
  object->program = upload->program;
  g_hash_table_insert (store->objects, g_strdup (upload->name), object);
  return save (store, error);
}

gboolean
ag_upload_verify_finish (AgUpload *upload, GAsyncResult *result, GError **error)
{
  g_autofree char *sha256 = g_task_propagate_pointer (G_TASK (result), error);

  if (!sha256)
    return FALSE;
  if (strcmp (sha256, upload->sha256) == 0)
    return give_name (upload, error);
  unlinkat (upload->store->fd, upload->part, 0);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
               "%s arrived altered: its SHA-256 is %s, announced was %s. Put it again",
               upload->name, sha256, upload->sha256);
  return FALSE;
}

/* ---- builds ---- */

void
ag_store_use_build (AgStore *store, const char *name)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  Object *object = g_hash_table_lookup (store->objects, name);
  AgBuild *build = NULL;

  if (!object)
    return;
  for (guint i = 0; i < store->builds->len && !build; i++)
    if (strcmp (((AgBuild *)store->builds->pdata[i])->name, name) == 0)
      build = g_ptr_array_steal_index (store->builds, i);
  if (!build)
    {
      build = g_new0 (AgBuild, 1);
      build->name = g_strdup (name);
      build->first_s = now_s;
    }
  build->n_bytes = object->n_bytes;
  build->n_runs++;
  build->last_s = now_s;
  g_ptr_array_insert (store->builds, 0, build);
  g_free (store->current);
  store->current = g_strdup (build->name);
  while (store->builds->len > AG_N_BUILDS)
    {
      AgBuild *oldest = store->builds->pdata[store->builds->len - 1];
      g_autofree char *gone = g_strdup (oldest->name);
      if (!ag_store_remove (store, gone, NULL))
        forget_build (store, gone);
    }
  save (store, NULL);
}

const GPtrArray *
ag_store_builds (AgStore *store)
{
  return store->builds;
}

const char *
ag_store_current (AgStore *store)
{
  return store->current;
}

gboolean
ag_store_rollback (AgStore *store, const char *name, GError **error)
{
  guint at = 0;

  while (at < store->builds->len
         && g_strcmp0 (((AgBuild *)store->builds->pdata[at])->name, name ? name : store->current)
                != 0)
    at++;
  if (!name)
    at = store->current ? at + 1 : 0;
  if (at >= store->builds->len)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   name ? "%s is not among the builds kept" : "%s: no build was used before it",
                   name             ? name
                   : store->current ? store->current
                                    : "None is current");
      return FALSE;
    }
  g_free (store->current);
  store->current = g_strdup (((AgBuild *)store->builds->pdata[at])->name);
  return save (store, error);
}
