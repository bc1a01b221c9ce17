/* The kept table of kernel times: SQLite behind a few calls. Called by the estimator, the measuring
 * job and the session's worker. Knows nothing of how times are measured or what follows from them. */
#include "eng-kernel-times.h"

#include <errno.h>
#include <math.h>
#include <sqlite3.h>

#include "eng-error.h"

struct _EngKernelTimes
{
  gatomicrefcount ref_count;
  char *path;
  sqlite3 *db;
  GMutex mutex; /* one writer at a time: a transaction belongs to the connection, not to a thread */
  guint generation; /* atomic */
};

/* Statement i takes the schema from version i to i + 1. Never edit one that has been released:
 * append. */
static const char *const migrations[] = {
  "CREATE TABLE kernel_times ("
  "  device TEXT NOT NULL,"
  "  signature TEXT NOT NULL,"
  "  flops INTEGER NOT NULL, weight_bytes INTEGER NOT NULL,"
  "  read_bytes INTEGER NOT NULL, write_bytes INTEGER NOT NULL,"
  "  is_cold INTEGER NOT NULL,"
  "  median_ns REAL NOT NULL, low_ns REAL, high_ns REAL," /* NULL where there is no interval */
  "  n INTEGER NOT NULL,"
  "  time INTEGER NOT NULL,"   /* Unix seconds */
  "  source INTEGER NOT NULL," /* EngKernelSource */
  "  PRIMARY KEY (device, signature, flops, weight_bytes, read_bytes, write_bytes, is_cold))"
  "  WITHOUT ROWID;"
  "CREATE TABLE estimate_errors ("
  "  run_id TEXT NOT NULL,"
  "  phase INTEGER NOT NULL," /* RtPhase */
  "  device TEXT NOT NULL,"
  "  model TEXT NOT NULL,"
  "  basis INTEGER NOT NULL," /* EngBasis */
  "  is_known INTEGER NOT NULL, is_valid INTEGER NOT NULL,"
  "  predicted_ns REAL, nodes_ns REAL NOT NULL, wall_ns REAL, layer_error REAL,"
  "  time INTEGER NOT NULL,"
  "  PRIMARY KEY (run_id, phase)) WITHOUT ROWID;"
  "CREATE INDEX estimate_errors_by_device ON estimate_errors (device, time);",
};

static gboolean
fail (EngKernelTimes *self, const char *doing, GError **error)
{
  int code = sqlite3_errcode (self->db);

  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                 "The kernel times %s are damaged (%s while %s). Delete the file: they are "
                 "measured again.",
                 self->path, sqlite3_errmsg (self->db), doing);
  else
    g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "The kernel times %s: %s while %s.", self->path,
                 sqlite3_errmsg (self->db), doing);
  return FALSE;
}

static gboolean
execute (EngKernelTimes *self, const char *sql, const char *doing, GError **error)
{
  return sqlite3_exec (self->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail (self, doing, error);
}

static sqlite3_stmt *
prepare (EngKernelTimes *self, const char *sql, const char *doing, GError **error)
{
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2 (self->db, sql, -1, &statement, NULL) != SQLITE_OK)
    fail (self, doing, error);
  return statement;
}

static gboolean
migrate (EngKernelTimes *self, GError **error)
{
  sqlite3_stmt *statement = prepare (self, "PRAGMA user_version", "reading its version", error);
  int version = -1;

  if (statement == NULL)
    return FALSE;
  if (sqlite3_step (statement) == SQLITE_ROW)
    version = sqlite3_column_int (statement, 0);
  sqlite3_finalize (statement);
  if (version < 0)
    return fail (self, "reading its version", error);
  if (version > (int)G_N_ELEMENTS (migrations))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "The kernel times %s were written by a newer Lathe (schema %d, this program "
                   "knows %d). Use the newer program, or delete the file.",
                   self->path, version, (int)G_N_ELEMENTS (migrations));
      return FALSE;
    }
  for (int i = version; i < (int)G_N_ELEMENTS (migrations); i++)
    {
      g_autofree char *sql
          = g_strdup_printf ("BEGIN IMMEDIATE; %s PRAGMA user_version = %d; COMMIT;", migrations[i],
                             i + 1);
      if (!execute (self, sql, "bringing it up to date", error))
        {
          sqlite3_exec (self->db, "ROLLBACK", NULL, NULL, NULL);
          return FALSE;
        }
    }
  return TRUE;
}

static char *
default_path (GError **error)
{
  g_autofree char *folder = g_build_filename (g_get_user_cache_dir (), "lathe", NULL);

  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO,
                   "The folder %s for kernel times could not be made: %s.", folder,
                   g_strerror (errno));
      return NULL;
    }
  return g_build_filename (folder, "kernel-times.db", NULL);
}

EngKernelTimes *
eng_kernel_times_open (const char *path, GError **error)
{
  g_autoptr (EngKernelTimes) self = g_new0 (EngKernelTimes, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->mutex);
  self->path = path != NULL ? g_strdup (path) : default_path (error);
  if (self->path == NULL)
    return NULL;
  if (sqlite3_open_v2 (self->path, &self->db,
                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL)
      != SQLITE_OK)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "The kernel times %s could not be opened: %s.",
                   self->path, self->db != NULL ? sqlite3_errmsg (self->db) : "out of memory");
      return NULL;
    }
  /* Another Lathe may be writing: wait for it rather than fail. */
  sqlite3_busy_timeout (self->db, 2000);
  if (!execute (self, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;", "opening it",
                error)
      || !migrate (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

EngKernelTimes *
eng_kernel_times_ref (EngKernelTimes *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_kernel_times_unref (EngKernelTimes *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  sqlite3_close_v2 (self->db);
  g_mutex_clear (&self->mutex);
  g_free (self->path);
  g_free (self);
}

char *
eng_kernel_times_device (EngMachine *machine, const char *isa, guint n_threads)
{
  return g_strdup_printf ("%s, %s, %u thread%s", eng_machine_get_cpu (machine), isa, n_threads,
                          n_threads == 1 ? "" : "s");
}

guint
eng_kernel_times_get_generation (EngKernelTimes *self)
{
  return (guint)g_atomic_int_get (&self->generation);
}

static void
bind_number (sqlite3_stmt *statement, int index, double value)
{
  if (isfinite (value))
    sqlite3_bind_double (statement, index, value);
  else
    sqlite3_bind_null (statement, index);
}

static double
column_number (sqlite3_stmt *statement, int index)
{
  return sqlite3_column_type (statement, index) == SQLITE_NULL
             ? NAN
             : sqlite3_column_double (statement, index);
}

/* ---- Times ---- */

static gboolean
add_one (EngKernelTimes *self, sqlite3_stmt *statement, const char *device,
         const EngKernelTime *time, GError **error)
{
  sqlite3_reset (statement);
  sqlite3_bind_text (statement, 1, device, -1, SQLITE_TRANSIENT);
  sqlite3_bind_text (statement, 2, time->signature, -1, SQLITE_TRANSIENT);
  sqlite3_bind_int64 (statement, 3, (gint64)time->cost.flops);
  sqlite3_bind_int64 (statement, 4, (gint64)time->cost.weight_bytes);
  sqlite3_bind_int64 (statement, 5, (gint64)time->cost.read_bytes);
  sqlite3_bind_int64 (statement, 6, (gint64)time->cost.write_bytes);
  sqlite3_bind_int (statement, 7, time->is_cold);
  sqlite3_bind_double (statement, 8, time->median_ns);
  bind_number (statement, 9, time->low_ns);
  bind_number (statement, 10, time->high_ns);
  sqlite3_bind_int64 (statement, 11, time->n);
  sqlite3_bind_int64 (statement, 12, time->time);
  sqlite3_bind_int (statement, 13, time->source);
  return sqlite3_step (statement) == SQLITE_DONE || fail (self, "adding a time", error);
}

static gboolean
add_all (EngKernelTimes *self, const char *device, const EngKernelTime *measured, guint n,
         GError **error)
{
  sqlite3_stmt *statement = prepare (
      self,
      "INSERT INTO kernel_times VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT DO UPDATE SET median_ns = excluded.median_ns, low_ns = excluded.low_ns,"
      " high_ns = excluded.high_ns, n = excluded.n, time = excluded.time, source = excluded.source"
      " WHERE excluded.source >= kernel_times.source",
      "adding times", error);
  gboolean done = statement != NULL;

  for (guint i = 0; done && i < n; i++)
    done = add_one (self, statement, device, &measured[i], error);
  sqlite3_finalize (statement);
  return done;
}

gboolean
eng_kernel_times_add (EngKernelTimes *self, const char *device, const EngKernelTime *measured,
                      guint n, GError **error)
{
  g_return_val_if_fail (self != NULL && device != NULL, FALSE);

  g_mutex_lock (&self->mutex);
  gboolean done = execute (self, "BEGIN IMMEDIATE", "adding times", error);
  if (done
      && (!add_all (self, device, measured, n, error)
          || !execute (self, "COMMIT", "adding times", error)))
    {
      sqlite3_exec (self->db, "ROLLBACK", NULL, NULL, NULL);
      done = FALSE;
    }
  g_mutex_unlock (&self->mutex);
  if (done)
    g_atomic_int_inc (&self->generation);
  return done;
}

static EngKernelTime
read_time (sqlite3_stmt *row)
{
  return (EngKernelTime){
    .signature = g_intern_string ((const char *)sqlite3_column_text (row, 0)),
    .cost = { .flops = (guint64)sqlite3_column_int64 (row, 1),
              .weight_bytes = (guint64)sqlite3_column_int64 (row, 2),
              .read_bytes = (guint64)sqlite3_column_int64 (row, 3),
              .write_bytes = (guint64)sqlite3_column_int64 (row, 4) },
    .is_cold = sqlite3_column_int (row, 5),
    .median_ns = sqlite3_column_double (row, 6),
    .low_ns = column_number (row, 7),
    .high_ns = column_number (row, 8),
    .n = (guint)sqlite3_column_int64 (row, 9),
    .time = sqlite3_column_int64 (row, 10),
    .source
    = (EngKernelSource)CLAMP (sqlite3_column_int (row, 11), ENG_KERNEL_DEGRADED, ENG_KERNEL_RUN),
  };
}

EngKernelTable *
eng_kernel_times_load (EngKernelTimes *self, const char *device, const EngRoof *roof,
                       guint64 cache_bytes, GError **error)
{
  g_return_val_if_fail (self != NULL && device != NULL, NULL);

  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (EngKernelTime));
  sqlite3_stmt *statement
      = prepare (self,
                 "SELECT signature, flops, weight_bytes, read_bytes, write_bytes, is_cold,"
                 " median_ns, low_ns, high_ns, n, time, source FROM kernel_times"
                 " WHERE device = ? AND median_ns > 0",
                 "reading times", error);
  int code;

  if (statement == NULL)
    return NULL;
  sqlite3_bind_text (statement, 1, device, -1, SQLITE_TRANSIENT);
  while ((code = sqlite3_step (statement)) == SQLITE_ROW)
    {
      EngKernelTime time = read_time (statement);
      if (time.signature != NULL)
        g_array_append_val (times, time);
    }
  if (code != SQLITE_DONE)
    fail (self, "reading times", error);
  sqlite3_finalize (statement);
  return code == SQLITE_DONE ? eng_kernel_table_new ((const EngKernelTime *)times->data, times->len,
                                                     roof, cache_bytes)
                             : NULL;
}

/* ---- Errors of estimates ---- */

void
eng_kernel_error_clear (EngKernelError *error)
{
  g_clear_pointer (&error->run_id, g_free);
  g_clear_pointer (&error->model, g_free);
}

gboolean
eng_kernel_times_add_error (EngKernelTimes *self, const char *device, const EngKernelError *kept,
                            GError **error)
{
  g_return_val_if_fail (self != NULL && kept != NULL, FALSE);

  sqlite3_stmt *statement = prepare (
      self, "INSERT OR REPLACE INTO estimate_errors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      "keeping an error", error);
  if (statement == NULL)
    return FALSE;
  sqlite3_bind_text (statement, 1, kept->run_id, -1, SQLITE_TRANSIENT);
  sqlite3_bind_int (statement, 2, kept->phase);
  sqlite3_bind_text (statement, 3, device, -1, SQLITE_TRANSIENT);
  sqlite3_bind_text (statement, 4, kept->model, -1, SQLITE_TRANSIENT);
  sqlite3_bind_int (statement, 5, kept->basis);
  sqlite3_bind_int (statement, 6, kept->is_known);
  sqlite3_bind_int (statement, 7, kept->is_valid);
  bind_number (statement, 8, kept->predicted_ns);
  sqlite3_bind_double (statement, 9, kept->nodes_ns);
  bind_number (statement, 10, kept->wall_ns);
  bind_number (statement, 11, kept->layer_error);
  sqlite3_bind_int64 (statement, 12, kept->time);
  gboolean done = sqlite3_step (statement) == SQLITE_DONE || fail (self, "keeping an error", error);
  sqlite3_finalize (statement);
  if (done)
    g_atomic_int_inc (&self->generation);
  return done;
}

static void
clear_kept (gpointer data)
{
  eng_kernel_error_clear (data);
}

GArray *
eng_kernel_times_list_errors (EngKernelTimes *self, const char *device, int phase, guint max,
                              GError **error)
{
  g_return_val_if_fail (self != NULL && device != NULL, NULL);

  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (EngKernelError));
  sqlite3_stmt *statement = prepare (
      self,
      "SELECT run_id, phase, model, basis, is_known, is_valid, predicted_ns, nodes_ns, wall_ns,"
      " layer_error, time FROM estimate_errors WHERE device = ?1 AND (?2 < 0 OR phase = ?2)"
      " ORDER BY time DESC, run_id LIMIT ?3",
      "reading errors", error);
  int code;

  g_array_set_clear_func (list, clear_kept);
  if (statement == NULL)
    return NULL;
  sqlite3_bind_text (statement, 1, device, -1, SQLITE_TRANSIENT);
  sqlite3_bind_int (statement, 2, phase);
  sqlite3_bind_int64 (statement, 3, max);
  while ((code = sqlite3_step (statement)) == SQLITE_ROW)
    {
      EngKernelError kept = {
        .run_id = g_strdup ((const char *)sqlite3_column_text (statement, 0)),
        .phase = (RtPhase)CLAMP (sqlite3_column_int (statement, 1), 0, RT_N_PHASES - 1),
        .model = g_strdup ((const char *)sqlite3_column_text (statement, 2)),
        .basis = (EngBasis)CLAMP (sqlite3_column_int (statement, 3), 0, ENG_BASIS_NONE),
        .is_known = sqlite3_column_int (statement, 4),
        .is_valid = sqlite3_column_int (statement, 5),
        .predicted_ns = column_number (statement, 6),
        .nodes_ns = sqlite3_column_double (statement, 7),
        .wall_ns = column_number (statement, 8),
        .layer_error = column_number (statement, 9),
        .time = sqlite3_column_int64 (statement, 10),
      };
      g_array_append_val (list, kept);
    }
  if (code != SQLITE_DONE)
    fail (self, "reading errors", error);
  sqlite3_finalize (statement);
  return code == SQLITE_DONE ? g_steal_pointer (&list) : NULL;
}
