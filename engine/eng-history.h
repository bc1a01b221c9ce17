/* History: every run, kept in SQLite (WAL, foreign keys, migrations), so that nothing is lost when
 * the program or the machine dies. */
#pragma once

#include "eng-run.h"

G_BEGIN_DECLS

#define ENG_TYPE_HISTORY (eng_history_get_type ())
G_DECLARE_FINAL_TYPE (EngHistory, eng_history, ENG, HISTORY, GObject)

/* @path NULL: $XDG_DATA_HOME/lathe/history.db. A newer schema than this program knows is an error,
 * not a loss. */
EngHistory *eng_history_open (const char *path, GError **error);

/* Signal "changed" on the main context of the thread that opened it. All calls take milliseconds;
 * eng_history_add() may be called from any thread. */
gboolean eng_history_add (EngHistory *history, EngRun *run, GError **error);

typedef struct
{
  char *id;
  gint64 time;
  char *model_name;
  char *model_hash;
  char *build_hash;
  char *recipe; /* described */
  char *header; /* JSON: members "recipe", "workload", "machine" and "model" of the run; NULL: of a
                 * document that could not be read */
  EngValidity validity;
  EngFigure figures[ENG_N_FIGURES];
} EngHistoryEntry;

void eng_history_entry_free (EngHistoryEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngHistoryEntry, eng_history_entry_free)

/* Newest first. @model_hash NULL: of every model. */
GPtrArray *eng_history_list (EngHistory *history, const char *model_hash, GError **error);
EngRun *eng_history_get (EngHistory *history, const char *id, GError **error);
/* marked; kept until purged */
gboolean eng_history_delete (EngHistory *history, const char *id, GError **error);
/* undo of delete */
gboolean eng_history_restore (EngHistory *history, const char *id, GError **error);
/* at start: drop what was deleted before */
gboolean eng_history_purge (EngHistory *history, GError **error);

char *eng_history_export_csv (EngHistory *history, GError **error);
char *eng_history_export_json (EngHistory *history, GError **error);

G_END_DECLS
