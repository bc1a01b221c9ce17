/* The history's table of accuracy per layer. Called by eng-sensitivity.c, which knows what the
 * texts mean. */
#include <sqlite3.h>

#include "eng-history-private.h"

/* Prepared with its key bound; NULL with @error. The history is locked. */
static sqlite3_stmt *
prepare (EngHistory *self, sqlite3 *db, const char *sql, const char *key, const char *doing,
         GError **error)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (db, sql, -1, &statement, NULL) != SQLITE_OK)
    {
      eng_history_fail (self, doing, error);
      return NULL;
    }
  sqlite3_bind_text (statement, 1, key, -1, SQLITE_TRANSIENT);
  return statement;
}

gboolean
eng_history_add_layer_unit (EngHistory *self, const char *key, const char *unit, int layer,
                            const char *numbers, GError **error)
{
  static const char doing[] = "keeping a layer's accuracy";

  g_return_val_if_fail (ENG_IS_HISTORY (self) && key != NULL && unit != NULL && numbers != NULL,
                        FALSE);

  sqlite3 *db = eng_history_lock (self);
  sqlite3_stmt *statement = prepare (
      self, db,
      "INSERT OR REPLACE INTO layer_units (key, unit, layer, numbers) VALUES (?1, ?2, ?3, ?4)", key,
      doing, error);
  gboolean ok = statement != NULL;
  if (ok)
    {
      sqlite3_bind_text (statement, 2, unit, -1, SQLITE_TRANSIENT);
      sqlite3_bind_int (statement, 3, layer);
      sqlite3_bind_text (statement, 4, numbers, -1, SQLITE_TRANSIENT);
      ok = sqlite3_step (statement) == SQLITE_DONE || eng_history_fail (self, doing, error);
    }
  sqlite3_finalize (statement);
  eng_history_unlock (self);
  return ok;
}

gboolean
eng_history_read_layer_units (EngHistory *self, const char *key, EngHistoryLayerFunc func,
                              gpointer user_data, GError **error)
{
  static const char doing[] = "reading layers' accuracy";

  g_return_val_if_fail (ENG_IS_HISTORY (self) && key != NULL && func != NULL, FALSE);

  sqlite3 *db = eng_history_lock (self);
  sqlite3_stmt *statement
      = prepare (self, db, "SELECT unit, layer, numbers FROM layer_units WHERE key = ?1", key,
                 doing, error);
  gboolean ok = statement != NULL;
  int code = SQLITE_DONE;
  while (ok && (code = sqlite3_step (statement)) == SQLITE_ROW)
    func ((const char *)sqlite3_column_text (statement, 0), sqlite3_column_int (statement, 1),
          (const char *)sqlite3_column_text (statement, 2), user_data);
  if (ok && code != SQLITE_DONE)
    ok = eng_history_fail (self, doing, error);
  sqlite3_finalize (statement);
  eng_history_unlock (self);
  return ok;
}

gboolean
eng_history_has_layer_units (EngHistory *self, const char *key)
{
  g_return_val_if_fail (ENG_IS_HISTORY (self) && key != NULL, FALSE);

  sqlite3 *db = eng_history_lock (self);
  sqlite3_stmt *statement = prepare (self, db, "SELECT 1 FROM layer_units WHERE key = ?1 LIMIT 1",
                                     key, "looking for layers' accuracy", NULL);
  gboolean found = statement != NULL && sqlite3_step (statement) == SQLITE_ROW;
  sqlite3_finalize (statement);
  eng_history_unlock (self);
  return found;
}
