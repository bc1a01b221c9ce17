/* The kept table of kernel times: SQLite behind a few calls. Called by the estimator, the measuring
 * job and the session's worker. Knows nothing of how times are measured or what follows from
 * them. */
#include "eng-kernel-times.h"

#include <math.h>

#include "eng-database.h"
#include "eng-error.h"

struct _EngKernelTimes
{
  gatomicrefcount ref_count;
  EngDatabase database;
};

/* Atomic. Of all tables of this program: they may be the same file. */
static guint generation;

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

  /* The source becomes part of the key: what a run has replaced until now is timed again. */
  "CREATE TABLE kernel_times_by_source ("
  "  device TEXT NOT NULL,"
  "  signature TEXT NOT NULL,"
  "  flops INTEGER NOT NULL, weight_bytes INTEGER NOT NULL,"
  "  read_bytes INTEGER NOT NULL, write_bytes INTEGER NOT NULL,"
  "  is_cold INTEGER NOT NULL,"
  "  median_ns REAL NOT NULL, low_ns REAL, high_ns REAL,"
  "  n INTEGER NOT NULL,"
  "  time INTEGER NOT NULL,"
  "  source INTEGER NOT NULL,"
  "  PRIMARY KEY (device, signature, flops, weight_bytes, read_bytes, write_bytes, is_cold, "
  "source))"
  "  WITHOUT ROWID;"
  "INSERT INTO kernel_times_by_source SELECT device, signature, flops, weight_bytes, read_bytes,"
  "  write_bytes, is_cold, median_ns, low_ns, high_ns, n, time, source FROM kernel_times;"
  "DROP TABLE kernel_times;"
  "ALTER TABLE kernel_times_by_source RENAME TO kernel_times;",
};

static const EngDatabaseKind kind = {
  .name = "table of kernel times",
  .get_folder = g_get_user_cache_dir,
  .file = "kernel-times.db",
  .remedy = "delete the file: kernels are timed again",
  .migrations = migrations,
  .n_migrations = G_N_ELEMENTS (migrations),
};

EngKernelTimes *
eng_kernel_times_open (const char *path, GError **error)
{
  g_autoptr (EngKernelTimes) self = g_new0 (EngKernelTimes, 1);

  g_atomic_ref_count_init (&self->ref_count);
  return eng_database_open (&self->database, &kind, path, error) ? g_steal_pointer (&self) : NULL;
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
  eng_database_close (&self->database);
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
  return (guint)g_atomic_int_get (&generation);
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
  eng_database_bind_number (statement, 9, time->low_ns);
  eng_database_bind_number (statement, 10, time->high_ns);
  sqlite3_bind_int64 (statement, 11, time->n);
  sqlite3_bind_int64 (statement, 12, time->time);
  sqlite3_bind_int (statement, 13, time->source);
  return sqlite3_step (statement) == SQLITE_DONE
         || eng_database_fail (&self->database, "adding a time", error);
}

static gboolean
add_all (EngKernelTimes *self, const char *device, const EngKernelTime *measured, guint n,
         GError **error)
{
  sqlite3_stmt *statement = eng_database_prepare (
      &self->database,
      "INSERT INTO kernel_times VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT DO UPDATE SET median_ns = excluded.median_ns, low_ns = excluded.low_ns,"
      " high_ns = excluded.high_ns, n = excluded.n, time = excluded.time",
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

  g_mutex_lock (&self->database.mutex);
  gboolean done = eng_database_execute (&self->database, "BEGIN IMMEDIATE", "adding times", error);
  if (done
      && (!add_all (self, device, measured, n, error)
          || !eng_database_execute (&self->database, "COMMIT", "adding times", error)))
    {
      sqlite3_exec (self->database.db, "ROLLBACK", NULL, NULL, NULL);
      done = FALSE;
    }
  g_mutex_unlock (&self->database.mutex);
  if (done)
    g_atomic_int_inc (&generation);
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
    .low_ns = eng_database_column_number (row, 7),
    .high_ns = eng_database_column_number (row, 8),
    .n = (guint)sqlite3_column_int64 (row, 9),
    .time = sqlite3_column_int64 (row, 10),
    .source
    = (EngKernelSource)CLAMP (sqlite3_column_int (row, 11), ENG_KERNEL_DEGRADED, ENG_KERNEL_RUN),
  };
}

/* The columns that read_time() reads; the last one is the source. */
#define COLUMNS                                                                                    \
  "SELECT signature, flops, weight_bytes, read_bytes, write_bytes, is_cold,"                       \
  " median_ns, low_ns, high_ns, n, time, "

/* Of an aggregate max() SQLite takes the other columns from the row that has the maximum. */
static const char best_of_all[]
    = COLUMNS "max(source) FROM kernel_times WHERE device = ? AND median_ns > 0"
              " GROUP BY signature, flops, weight_bytes, read_bytes, write_bytes, is_cold";
static const char of_one_source[]
    = COLUMNS "source FROM kernel_times WHERE device = ? AND median_ns > 0 AND source = ?";

/* @source -1: of each work the best one. */
static EngKernelTable *
load (EngKernelTimes *self, const char *device, int source, const EngRoof *roof,
      guint64 cache_bytes, GError **error)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (EngKernelTime));
  sqlite3_stmt *statement
      = eng_database_prepare (&self->database, source < 0 ? best_of_all : of_one_source,
                              "reading times", error);
  int code;

  if (statement == NULL)
    return NULL;
  sqlite3_bind_text (statement, 1, device, -1, SQLITE_TRANSIENT);
  if (source >= 0)
    sqlite3_bind_int (statement, 2, source);
  while ((code = sqlite3_step (statement)) == SQLITE_ROW)
    {
      EngKernelTime time = read_time (statement);
      if (time.signature != NULL)
        g_array_append_val (times, time);
    }
  if (code != SQLITE_DONE)
    eng_database_fail (&self->database, "reading times", error);
  sqlite3_finalize (statement);
  return code == SQLITE_DONE ? eng_kernel_table_new ((const EngKernelTime *)times->data, times->len,
                                                     roof, cache_bytes)
                             : NULL;
}

EngKernelTable *
eng_kernel_times_load (EngKernelTimes *self, const char *device, const EngRoof *roof,
                       guint64 cache_bytes, GError **error)
{
  g_return_val_if_fail (self != NULL && device != NULL, NULL);
  return load (self, device, -1, roof, cache_bytes, error);
}

EngKernelTable *
eng_kernel_times_load_source (EngKernelTimes *self, const char *device, EngKernelSource source,
                              GError **error)
{
  g_return_val_if_fail (self != NULL && device != NULL, NULL);
  return load (self, device, (int)source, NULL, 0, error);
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

  sqlite3_stmt *statement = eng_database_prepare (
      &self->database,
      "INSERT OR REPLACE INTO estimate_errors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
  eng_database_bind_number (statement, 8, kept->predicted_ns);
  sqlite3_bind_double (statement, 9, kept->nodes_ns);
  eng_database_bind_number (statement, 10, kept->wall_ns);
  eng_database_bind_number (statement, 11, kept->layer_error);
  sqlite3_bind_int64 (statement, 12, kept->time);
  gboolean done = sqlite3_step (statement) == SQLITE_DONE
                  || eng_database_fail (&self->database, "keeping an error", error);
  sqlite3_finalize (statement);
  if (done)
    g_atomic_int_inc (&generation);
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
  sqlite3_stmt *statement = eng_database_prepare (
      &self->database,
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
        .predicted_ns = eng_database_column_number (statement, 6),
        .nodes_ns = sqlite3_column_double (statement, 7),
        .wall_ns = eng_database_column_number (statement, 8),
        .layer_error = eng_database_column_number (statement, 9),
        .time = sqlite3_column_int64 (statement, 10),
      };
      g_array_append_val (list, kept);
    }
  if (code != SQLITE_DONE)
    eng_database_fail (&self->database, "reading errors", error);
  sqlite3_finalize (statement);
  return code == SQLITE_DONE ? g_steal_pointer (&list) : NULL;
}
