/* Opening, migrating and complaining: what every SQLite file of the studio has in common. Called by
 * eng-history.c and eng-kernel-times.c; knows no table. */
#include "eng-database.h"

#include <errno.h>
#include <math.h>

#include "eng-error.h"

/* Another Lathe may be writing: wait for it rather than fail. */
#define BUSY_MS 2000

gboolean
eng_database_fail (EngDatabase *self, const char *doing, GError **error)
{
  int code = sqlite3_errcode (self->db);
  const char *name = self->kind->name, *said = sqlite3_errmsg (self->db);

  if (code == SQLITE_FULL)
    g_set_error (error, ENG_ERROR, ENG_ERROR_IO,
                 "The %s %s: the disk is full while %s. Free some space and try again.", name,
                 self->path, doing);
  else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "The %s %s is damaged (%s while %s). %c%s.",
                 name, self->path, said, doing, g_ascii_toupper (self->kind->remedy[0]),
                 self->kind->remedy + 1);
  else
    g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "The %s %s: %s while %s.", name, self->path, said,
                 doing);
  return FALSE;
}

gboolean
eng_database_execute (EngDatabase *self, const char *sql, const char *doing, GError **error)
{
  return sqlite3_exec (self->db, sql, NULL, NULL, NULL) == SQLITE_OK
         || eng_database_fail (self, doing, error);
}

sqlite3_stmt *
eng_database_prepare (EngDatabase *self, const char *sql, const char *doing, GError **error)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (self->db, sql, -1, &statement, NULL) != SQLITE_OK)
    eng_database_fail (self, doing, error);
  return statement;
}

void
eng_database_bind_text (sqlite3_stmt *statement, int index, const char *text)
{
  if (text != NULL)
    sqlite3_bind_text (statement, index, text, -1, SQLITE_TRANSIENT);
  else
    sqlite3_bind_null (statement, index);
}

void
eng_database_bind_number (sqlite3_stmt *statement, int index, double value)
{
  if (isfinite (value))
    sqlite3_bind_double (statement, index, value);
  else
    sqlite3_bind_null (statement, index);
}

double
eng_database_column_number (sqlite3_stmt *statement, int index)
{
  return sqlite3_column_type (statement, index) == SQLITE_NULL
             ? NAN
             : sqlite3_column_double (statement, index);
}

/* ---- Opening ---- */

static gboolean
read_version (EngDatabase *self, int *version, GError **error)
{
  static const char doing[] = "reading its version";
  sqlite3_stmt *statement = eng_database_prepare (self, "PRAGMA user_version", doing, error);
  gboolean done;

  if (statement == NULL)
    return FALSE;
  done = sqlite3_step (statement) == SQLITE_ROW || eng_database_fail (self, doing, error);
  *version = done ? sqlite3_column_int (statement, 0) : -1;
  sqlite3_finalize (statement);
  return done;
}

static gboolean
migrate (EngDatabase *self, GError **error)
{
  int version, known = (int)self->kind->n_migrations;

  if (!read_version (self, &version, error))
    return FALSE;
  if (version < 0 || version > known)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "The %s %s was written by a newer Lathe (schema %d, this program knows %d). Use "
                   "the newer program, or %s.",
                   self->kind->name, self->path, version, known, self->kind->remedy);
      return FALSE;
    }
  for (int i = version; i < known; i++)
    {
      g_autofree char *sql
          = g_strdup_printf ("BEGIN IMMEDIATE; %s PRAGMA user_version = %d; COMMIT;",
                             self->kind->migrations[i], i + 1);

      if (!eng_database_execute (self, sql, "bringing it up to date", error))
        {
          sqlite3_exec (self->db, "ROLLBACK", NULL, NULL, NULL);
          return FALSE;
        }
    }
  return TRUE;
}

static char *
default_path (const EngDatabaseKind *kind, GError **error)
{
  g_autofree char *folder = g_build_filename (kind->get_folder (), "lathe", NULL);

  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO,
                   "The folder %s for the %s could not be made: %s.", folder, kind->name,
                   g_strerror (errno));
      return NULL;
    }
  return g_build_filename (folder, kind->file, NULL);
}

gboolean
eng_database_open (EngDatabase *self, const EngDatabaseKind *kind, const char *path, GError **error)
{
  static const char pragmas[]
      = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;";

  g_mutex_init (&self->mutex);
  self->kind = kind;
  self->path = path != NULL ? g_strdup (path) : default_path (kind, error);
  if (self->path == NULL)
    return FALSE;
  if (sqlite3_open_v2 (self->path, &self->db,
                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL)
      != SQLITE_OK)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "The %s %s could not be opened: %s.", kind->name,
                   self->path, self->db != NULL ? sqlite3_errmsg (self->db) : "out of memory");
      return FALSE;
    }
  sqlite3_busy_timeout (self->db, BUSY_MS);
  return eng_database_execute (self, pragmas, "opening it", error) && migrate (self, error);
}

void
eng_database_close (EngDatabase *self)
{
  sqlite3_close_v2 (self->db);
  self->db = NULL;
  g_mutex_clear (&self->mutex);
  g_clear_pointer (&self->path, g_free);
}
