/* A SQLite file of ours: opened with its schema brought up to date, errors in words. Owned by what
 * keeps something in it (the history, the kernel times), which brings its migrations and its
 * statements. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

typedef struct
{
  const char *name;                 /* "history": messages speak of "the history FILE" */
  const char *(*get_folder) (void); /* of the user: g_get_user_data_dir; a folder "lathe" is made in
                                     * it */
  const char *file;                 /* "history.db" */
  const char *remedy;            /* for a file that cannot be used: "move the file away to start a
                                  * new one" */
  const char *const *migrations; /* statement i takes the schema from version i to i + 1. Never edit
                                  * one that has been released: append */
  guint n_migrations;
} EngDatabaseKind;

typedef struct
{
  const EngDatabaseKind *kind;
  char *path;
  sqlite3 *db;
  GMutex mutex; /* one writer at a time: a transaction belongs to the connection, not to a thread.
                 * For the owner to lock */
} EngDatabase;

/* @self zeroed. @path NULL: the kind's own place. A newer schema than this program knows is an
 * error, not a loss. Close it in any case. */
gboolean eng_database_open (EngDatabase *self, const EngDatabaseKind *kind, const char *path,
                            GError **error);
void eng_database_close (EngDatabase *self); /* also of one that is zeroed */

/* @error for what SQLite said last, while @doing ("adding a run"). FALSE. */
gboolean eng_database_fail (EngDatabase *self, const char *doing, GError **error);
gboolean eng_database_execute (EngDatabase *self, const char *sql, const char *doing,
                               GError **error);
/* NULL and @error; for sqlite3_finalize(). */
sqlite3_stmt *eng_database_prepare (EngDatabase *self, const char *sql, const char *doing,
                                    GError **error);

/* NULL and numbers that are none are SQL's NULL; and back. */
void eng_database_bind_text (sqlite3_stmt *statement, int index, const char *text); /* copied */
void eng_database_bind_number (sqlite3_stmt *statement, int index, double value);
double eng_database_column_number (sqlite3_stmt *statement, int index); /* NAN for NULL */

G_END_DECLS
