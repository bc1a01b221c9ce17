/* The history of runs in one SQLite file: every run's whole JSON document, and its figures in
 * columns for lists and sorting.
 *
 * Called by the session (runs are added on its worker), the history view and the command line;
 * every call is a few milliseconds. Knows nothing of how runs are made or drawn. Deleting only
 * marks a run, so that it can be undone; marked runs are dropped at the next start by
 * eng_history_purge(). */

#include "eng-history.h"

#include <math.h>

#include "eng-database.h"
#include "eng-error.h"
#include "eng-history-private.h"

struct _EngHistory
{
  GObject parent_instance;

  EngDatabase database;
  GThread *thread;       /* that opened it: "changed" is emitted there */
  GMainContext *context; /* of that thread */
};

G_DEFINE_FINAL_TYPE (EngHistory, eng_history, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* A run without its profile, text and results. */
#define HEADER_OF(document)                                                                        \
  "json_object ('recipe', json_extract (" document                                                 \
  ", '$.recipe'), 'workload', json_extract (" document ", '$.workload'),"                          \
  " 'machine', json_extract (" document ", '$.machine'), 'model', json_extract (" document         \
  ", '$.model'))"

static const char *const migrations[] = {
  "CREATE TABLE runs ("
  "  id TEXT PRIMARY KEY,"
  "  time INTEGER NOT NULL," /* Unix seconds */
  "  model_name TEXT NOT NULL,"
  "  model_hash TEXT NOT NULL,"
  "  build_hash TEXT NOT NULL,"
  "  recipe TEXT NOT NULL," /* described, for lists */
  "  validity INTEGER NOT NULL,"
  "  deleted_at INTEGER,"      /* NULL: not deleted */
  "  document TEXT NOT NULL);" /* eng_run_to_json() */
  "CREATE INDEX runs_by_model ON runs (model_hash, time);"
  "CREATE TABLE figures ("
  "  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,"
  "  name TEXT NOT NULL,"
  "  available INTEGER NOT NULL,"
  "  value REAL, low REAL, high REAL," /* NULL where there is none */
  "  n INTEGER NOT NULL,"
  "  unit TEXT NOT NULL,"
  "  reason TEXT,"
  "  PRIMARY KEY (run_id, name)) WITHOUT ROWID;",
  /* What lists and trade-offs need of a run beside its figures, so that they need not read whole
   * documents. */
  "ALTER TABLE runs ADD COLUMN header TEXT;"
  "UPDATE runs SET header = " HEADER_OF ("document") " WHERE json_valid (document);",
  /* Accuracy per layer: what each layer showed in each window or input, so that a measurement goes
   * on where it was stopped. */
  "CREATE TABLE layer_units ("
  "  key TEXT NOT NULL," /* eng_sensitivity_dup_key() */
  "  unit TEXT NOT NULL,"
  "  layer INTEGER NOT NULL,"
  "  numbers TEXT NOT NULL," /* eng_layer_unit_to_text() */
  "  PRIMARY KEY (key, unit, layer)) WITHOUT ROWID;",
};

static const EngDatabaseKind kind = {
  .name = "history",
  .get_folder = g_get_user_data_dir,
  .file = "history.db",
  .remedy = "move the file away to start a new one",
  .migrations = migrations,
  .n_migrations = G_N_ELEMENTS (migrations),
};

static gboolean
emit_changed_idle (gpointer self)
{
  g_signal_emit (self, signals[CHANGED], 0);
  return G_SOURCE_REMOVE;
}

static void
emit_changed (EngHistory *self)
{
  g_autoptr (GSource) source = NULL;

  if (g_thread_self () == self->thread)
    {
      g_signal_emit (self, signals[CHANGED], 0);
      return;
    }
  source = g_idle_source_new ();
  g_source_set_callback (source, emit_changed_idle, g_object_ref (self), g_object_unref);
  g_source_attach (source, self->context);
}

struct sqlite3 *
eng_history_lock (EngHistory *self)
{
  g_mutex_lock (&self->database.mutex);
  return self->database.db;
}

void
eng_history_unlock (EngHistory *self)
{
  g_mutex_unlock (&self->database.mutex);
}

gboolean
eng_history_fail (EngHistory *self, const char *doing, GError **error)
{
  return eng_database_fail (&self->database, doing, error);
}

static char *
column_text (sqlite3_stmt *statement, int index)
{
  return g_strdup ((const char *)sqlite3_column_text (statement, index));
}

EngHistory *
eng_history_open (const char *path, GError **error)
{
  g_autoptr (EngHistory) self = g_object_new (ENG_TYPE_HISTORY, NULL);

  return eng_database_open (&self->database, &kind, path, error) ? g_steal_pointer (&self) : NULL;
}

static gboolean
add_figure (EngHistory *self, sqlite3_stmt *statement, EngRun *run, EngFigureId id, GError **error)
{
  EngFigure figure = eng_run_get_figure (run, id);

  sqlite3_reset (statement);
  eng_database_bind_text (statement, 1, eng_run_get_id (run));
  eng_database_bind_text (statement, 2, eng_figure_id_name (id));
  sqlite3_bind_int (statement, 3, figure.available);
  eng_database_bind_number (statement, 4, figure.available ? figure.value : NAN);
  eng_database_bind_number (statement, 5, figure.available ? figure.low : NAN);
  eng_database_bind_number (statement, 6, figure.available ? figure.high : NAN);
  sqlite3_bind_int64 (statement, 7, figure.n);
  eng_database_bind_text (statement, 8, figure.unit != NULL ? figure.unit : "");
  eng_database_bind_text (statement, 9, figure.reason);
  return sqlite3_step (statement) == SQLITE_DONE
         || eng_database_fail (&self->database, "adding a figure", error);
}

static gboolean
add_run (EngHistory *self, EngRun *run, GError **error)
{
  g_autofree char *document = eng_run_to_json (run);
  g_autofree char *recipe = eng_run_dup_recipe_text (run);
  sqlite3_stmt *statement;
  gboolean done;

  statement
      = eng_database_prepare (&self->database,
                              "INSERT INTO runs (id, time, model_name, model_hash, build_hash, "
                              "recipe, validity, document, header)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, " HEADER_OF ("?8") ")",
                              "adding a run", error);
  if (statement == NULL)
    return FALSE;
  eng_database_bind_text (statement, 1, eng_run_get_id (run));
  sqlite3_bind_int64 (statement, 2, eng_run_get_time (run));
  eng_database_bind_text (statement, 3, eng_run_get_model_name (run));
  eng_database_bind_text (statement, 4, eng_run_get_model_hash (run));
  eng_database_bind_text (statement, 5, eng_run_get_build_hash (run));
  eng_database_bind_text (statement, 6, recipe);
  sqlite3_bind_int (statement, 7, eng_run_get_validity (run));
  eng_database_bind_text (statement, 8, document);
  done = sqlite3_step (statement) == SQLITE_DONE
         || eng_database_fail (&self->database, "adding a run", error);
  sqlite3_finalize (statement);
  if (!done)
    return FALSE;

  statement = eng_database_prepare (&self->database,
                                    "INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                    "adding a figure", error);
  if (statement == NULL)
    return FALSE;
  for (int id = 0; done && id < ENG_N_FIGURES; id++)
    done = add_figure (self, statement, run, id, error);
  sqlite3_finalize (statement);
  return done;
}

gboolean
eng_history_add (EngHistory *self, EngRun *run, GError **error)
{
  gboolean done;

  g_return_val_if_fail (ENG_IS_HISTORY (self), FALSE);
  g_return_val_if_fail (ENG_IS_RUN (run), FALSE);

  g_mutex_lock (&self->database.mutex);
  done = eng_database_execute (&self->database, "BEGIN IMMEDIATE", "adding a run", error);
  if (done
      && (!add_run (self, run, error)
          || !eng_database_execute (&self->database, "COMMIT", "adding a run", error)))
    {
      sqlite3_exec (self->database.db, "ROLLBACK", NULL, NULL, NULL);
      done = FALSE;
    }
  g_mutex_unlock (&self->database.mutex);
  if (done)
    emit_changed (self);
  return done;
}

void
eng_history_entry_free (EngHistoryEntry *entry)
{
  if (entry == NULL)
    return;
  g_free (entry->id);
  g_free (entry->model_name);
  g_free (entry->model_hash);
  g_free (entry->build_hash);
  g_free (entry->recipe);
  g_free (entry->header);
  g_free (entry);
}

static gboolean
load_figures (EngHistory *self, sqlite3_stmt *statement, EngHistoryEntry *entry, GError **error)
{
  int code;

  for (int id = 0; id < ENG_N_FIGURES; id++)
    entry->figures[id] = eng_figure_unavailable ("", "not recorded");
  sqlite3_reset (statement);
  eng_database_bind_text (statement, 1, entry->id);
  while ((code = sqlite3_step (statement)) == SQLITE_ROW)
    for (int id = 0; id < ENG_N_FIGURES; id++)
      if (g_strcmp0 ((const char *)sqlite3_column_text (statement, 0), eng_figure_id_name (id))
          == 0)
        {
          EngFigure *figure = &entry->figures[id];

          figure->available = sqlite3_column_int (statement, 1);
          figure->value = eng_database_column_number (statement, 2);
          figure->low = eng_database_column_number (statement, 3);
          figure->high = eng_database_column_number (statement, 4);
          figure->n = (guint)sqlite3_column_int64 (statement, 5);
          figure->unit = g_intern_string ((const char *)sqlite3_column_text (statement, 6));
          figure->reason = g_intern_string ((const char *)sqlite3_column_text (statement, 7));
        }
  return code == SQLITE_DONE || eng_database_fail (&self->database, "reading figures", error);
}

GPtrArray *
eng_history_list (EngHistory *self, const char *model_hash, GError **error)
{
  g_autoptr (GPtrArray) entries
      = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_history_entry_free);
  sqlite3_stmt *runs, *figures;
  gboolean done = TRUE;
  int code = SQLITE_DONE;

  g_return_val_if_fail (ENG_IS_HISTORY (self), NULL);

  runs = eng_database_prepare (
      &self->database,
      "SELECT id, time, model_name, model_hash, build_hash, recipe, validity, header FROM runs"
      " WHERE deleted_at IS NULL AND (?1 IS NULL OR model_hash = ?1) ORDER BY time DESC, rowid "
      "DESC",
      "listing runs", error);
  figures = runs == NULL ? NULL
                         : eng_database_prepare (&self->database,
                                                 "SELECT name, available, value, low, high, n, "
                                                 "unit, reason FROM figures WHERE run_id = ?",
                                                 "listing runs", error);
  if (figures == NULL)
    {
      sqlite3_finalize (runs);
      return NULL;
    }
  eng_database_bind_text (runs, 1, model_hash);
  while (done && (code = sqlite3_step (runs)) == SQLITE_ROW)
    {
      EngHistoryEntry *entry = g_new0 (EngHistoryEntry, 1);

      g_ptr_array_add (entries, entry);
      entry->id = column_text (runs, 0);
      entry->time = sqlite3_column_int64 (runs, 1);
      entry->model_name = column_text (runs, 2);
      entry->model_hash = column_text (runs, 3);
      entry->build_hash = column_text (runs, 4);
      entry->recipe = column_text (runs, 5);
      entry->validity = sqlite3_column_int (runs, 6);
      entry->header = column_text (runs, 7);
      done = load_figures (self, figures, entry, error);
    }
  if (done && code != SQLITE_DONE)
    done = eng_database_fail (&self->database, "listing runs", error);
  sqlite3_finalize (figures);
  sqlite3_finalize (runs);
  return done ? g_steal_pointer (&entries) : NULL;
}

/* The documents of all runs that are not deleted, newest first, or of one run. */
GPtrArray *
eng_history_documents (EngHistory *self, const char *id, GError **error)
{
  g_autoptr (GPtrArray) documents = g_ptr_array_new_with_free_func (g_free);
  sqlite3_stmt *statement;
  int code;

  statement = eng_database_prepare (
      &self->database,
      "SELECT document FROM runs WHERE (?1 IS NULL AND deleted_at IS NULL) OR id = ?1"
      " ORDER BY time DESC, rowid DESC",
      "reading runs", error);
  if (statement == NULL)
    return NULL;
  eng_database_bind_text (statement, 1, id);
  while ((code = sqlite3_step (statement)) == SQLITE_ROW)
    g_ptr_array_add (documents, column_text (statement, 0));
  if (code != SQLITE_DONE)
    eng_database_fail (&self->database, "reading runs", error);
  sqlite3_finalize (statement);
  return code == SQLITE_DONE ? g_steal_pointer (&documents) : NULL;
}

EngRun *
eng_history_get (EngHistory *self, const char *id, GError **error)
{
  g_autoptr (GPtrArray) documents = NULL;

  g_return_val_if_fail (ENG_IS_HISTORY (self), NULL);
  g_return_val_if_fail (id != NULL, NULL);

  documents = eng_history_documents (self, id, error);
  if (documents == NULL)
    return NULL;
  if (documents->len == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND, "The history has no run %s.", id);
      return NULL;
    }
  return eng_run_from_json (documents->pdata[0], error);
}

static gboolean
mark_locked (EngHistory *self, const char *id, gboolean deleted, GError **error)
{
  const char *doing = deleted ? "deleting a run" : "restoring a run";
  sqlite3_stmt *statement;
  gboolean done;

  statement = eng_database_prepare (&self->database, "UPDATE runs SET deleted_at = ? WHERE id = ?",
                                    doing, error);
  if (statement == NULL)
    return FALSE;
  if (deleted)
    sqlite3_bind_int64 (statement, 1, g_get_real_time () / G_USEC_PER_SEC);
  eng_database_bind_text (statement, 2, id);
  done = sqlite3_step (statement) == SQLITE_DONE
         || eng_database_fail (&self->database, doing, error);
  sqlite3_finalize (statement);
  if (!done)
    return FALSE;
  if (sqlite3_changes (self->database.db) == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND, "The history has no run %s.", id);
      return FALSE;
    }
  return TRUE;
}

static gboolean
mark (EngHistory *self, const char *id, gboolean deleted, GError **error)
{
  gboolean done;

  g_mutex_lock (&self->database.mutex);
  done = mark_locked (self, id, deleted, error);
  g_mutex_unlock (&self->database.mutex);
  if (done)
    emit_changed (self);
  return done;
}

gboolean
eng_history_delete (EngHistory *self, const char *id, GError **error)
{
  g_return_val_if_fail (ENG_IS_HISTORY (self), FALSE);

  return mark (self, id, TRUE, error);
}

gboolean
eng_history_restore (EngHistory *self, const char *id, GError **error)
{
  g_return_val_if_fail (ENG_IS_HISTORY (self), FALSE);

  return mark (self, id, FALSE, error);
}

gboolean
eng_history_purge (EngHistory *self, GError **error)
{
  gboolean done;

  g_return_val_if_fail (ENG_IS_HISTORY (self), FALSE);

  g_mutex_lock (&self->database.mutex);
  done = eng_database_execute (&self->database, "DELETE FROM runs WHERE deleted_at IS NOT NULL",
                               "dropping deleted runs", error);
  g_mutex_unlock (&self->database.mutex);
  return done;
}

static void
eng_history_finalize (GObject *object)
{
  EngHistory *self = ENG_HISTORY (object);

  eng_database_close (&self->database);
  g_main_context_unref (self->context);
  G_OBJECT_CLASS (eng_history_parent_class)->finalize (object);
}

static void
eng_history_class_init (EngHistoryClass *class)
{
  G_OBJECT_CLASS (class)->finalize = eng_history_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
eng_history_init (EngHistory *self)
{
  self->thread = g_thread_self ();
  self->context = g_main_context_ref_thread_default ();
}
