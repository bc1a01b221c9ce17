/* Shared by the files of the history. */
#pragma once

#include "eng-history.h"

G_BEGIN_DECLS

/* JSON documents of the runs that are not deleted, newest first (@id NULL), or of one run: strings,
 * transfer full. */
GPtrArray *eng_history_documents (EngHistory *history, const char *id, GError **error);

/* For tables of their own. The database, locked: one statement at a time; unlock as soon as it is
 * done. */
struct sqlite3 *eng_history_lock (EngHistory *history);
void eng_history_unlock (EngHistory *history);
/* @error for what went wrong in the database while @doing ("adding a run"). FALSE. */
gboolean eng_history_fail (EngHistory *history, const char *doing, GError **error);

/* ---- records of accuracy per layer (eng-history-layers.c) ---- */

/* What @layer showed in @unit, kept under @key; replaces an earlier one. From any thread. */
gboolean eng_history_add_layer_unit (EngHistory *history, const char *key, const char *unit,
                                     int layer, const char *numbers, GError **error);
typedef void (*EngHistoryLayerFunc) (const char *unit, int layer, const char *numbers,
                                     gpointer user_data);
gboolean eng_history_read_layer_units (EngHistory *history, const char *key,
                                       EngHistoryLayerFunc func, gpointer user_data,
                                       GError **error);
gboolean eng_history_has_layer_units (EngHistory *history, const char *key);

G_END_DECLS
