/* The one folder of files: what studios put there, complete and verified or not at all under its
 * name; parts of what is still coming; what runs leave behind. Names are ag_name_is_valid(). */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define AG_PUT_BYTES (8 * 1024 * 1024) /* most that one request may bring of a file */
#define AG_N_BUILDS 3                  /* kept */

typedef struct _AgStore AgStore;
typedef struct _AgUpload AgUpload;

/* @quota_bytes: of all files together. Makes the folder; an index that cannot be read is an error.
 */
AgStore *ag_store_new (const char *folder, guint64 quota_bytes, GError **error);
void ag_store_free (AgStore *store); /* accepts NULL */
const char *ag_store_get_folder (AgStore *store);
typedef struct
{
  guint64 used, quota, left; /* left: by the quota and the file system, the smaller */
  guint64 builds;            /* of what is used: all that was put here but programs, and parts */
} AgSpace;

void ag_store_get_space (AgStore *store, AgSpace *space);

/* FALSE: there is no such file. */
gboolean ag_store_size (AgStore *store, const char *name, guint64 *n_bytes);
gboolean ag_store_remove (AgStore *store, const char *name, GError **error);
/* The verified sum, 64 digits; NULL: it was not put here, a run made it. Borrowed. */
const char *ag_store_sha256 (AgStore *store, const char *name);
gboolean ag_store_is_program (AgStore *store, const char *name);

/* Bytes that an earlier try left of the file that shall be @name with sum @sha256. */
guint64 ag_store_part (AgStore *store, const char *name, const char *sha256);
/* Go on at @start, which must be ag_store_part(); @total is of the whole. One at a time for a part,
 * but one to which nothing came for a second or two gives way: G_IO_ERROR_BUSY. NO_SPACE: quota or
 * disk; builds that are not kept are taken away first. */
AgUpload *ag_upload_begin (AgStore *store, const char *name, const char *sha256, gboolean program,
                           guint64 start, guint64 total, GError **error);
/* What came is kept even when the rest never does. */
gboolean ag_upload_write (AgUpload *upload, gconstpointer bytes, gsize n, GError **error);
guint64 ag_upload_get_n (AgUpload *upload); /* bytes there now */
gboolean ag_upload_is_complete (AgUpload *upload);
/* Reads it back on another thread, compares the sum, gives it its name. INVALID_DATA: another sum;
 * the part is gone. The upload stays busy meanwhile. */
void ag_upload_verify_async (AgUpload *upload, GAsyncReadyCallback callback, gpointer user_data);
gboolean ag_upload_verify_finish (AgUpload *upload, GAsyncResult *result, GError **error);
void ag_upload_free (AgUpload *upload); /* accepts NULL */

/* ---- Builds ---- */

typedef struct
{
  char *name;
  guint64 n_bytes;
  guint n_runs;
  gint64 first_s, last_s; /* Unix seconds */
} AgBuild;

/* @name is about to run: it is current now, and of older ones AG_N_BUILDS - 1 stay. */
void ag_store_use_build (AgStore *store, const char *name);
const GPtrArray *ag_store_builds (AgStore *store); /* AgBuild, the one that ran last first */
const char *ag_store_current (AgStore *store);     /* NULL: none; borrowed */
/* The build used before the current one, or @name, becomes current. */
gboolean ag_store_rollback (AgStore *store, const char *name, GError **error);

G_END_DECLS
