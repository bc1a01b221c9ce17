/* Runs by what a person writes. Called by the commands that take runs. */
#include "eng-run-find.h"

#include <string.h>

#include "eng-error.h"

#define MIN_PREFIX 4

gboolean
eng_run_save (EngRun *run, const char *path, GError **error)
{
  g_autofree char *json = eng_run_to_json (run);
  g_autoptr (GError) local = NULL;

  if (g_file_set_contents (path, json, -1, &local))
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "The run could not be saved: %s.", local->message);
  return FALSE;
}

EngRun *
eng_run_load (const char *path, GError **error)
{
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (GError) local = NULL;
  g_autofree char *json = NULL;
  EngRun *run;

  file = g_mapped_file_new (path, FALSE, &local);
  if (file == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "The run could not be read: %s.",
                   local->message);
      return NULL;
    }
  json = g_strndup (g_mapped_file_get_contents (file) != NULL ? g_mapped_file_get_contents (file)
                                                              : "",
                    g_mapped_file_get_length (file));
  run = eng_run_from_json (json, error);
  if (run == NULL)
    g_prefix_error (error, "%s: ", path);
  return run;
}

static EngRun *
find_latest (EngHistory *history, const char *what, GError **error)
{
  guint64 back = 0;
  g_autoptr (GPtrArray) entries = NULL;

  if (what[strlen ("latest")] == '~'
      && !g_ascii_string_to_unsigned (what + strlen ("latest~"), 10, 0, G_MAXUINT, &back, error))
    return NULL;
  entries = eng_history_list (history, NULL, error);
  if (entries == NULL)
    return NULL;
  if (back >= entries->len)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
                   "There is no run \"%s\": the history has %u. Keep runs with `lathe run --keep`, "
                   "or measure in the window.",
                   what, entries->len);
      return NULL;
    }
  return eng_history_get (history, ((EngHistoryEntry *)entries->pdata[back])->id, error);
}

static EngRun *
find_id (EngHistory *history, const char *what, GError **error)
{
  g_autoptr (GPtrArray) entries = eng_history_list (history, NULL, error);
  const char *found = NULL;

  if (entries == NULL)
    return NULL;
  for (guint i = 0; strlen (what) >= MIN_PREFIX && i < entries->len; i++)
    {
      const EngHistoryEntry *entry = entries->pdata[i];

      if (!g_str_has_prefix (entry->id, what))
        continue;
      if (found != NULL)
        {
          g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
                       "More than one run's id begins with \"%s\": %s and %s. Write more of it.",
                       what, found, entry->id);
          return NULL;
        }
      found = entry->id;
    }
  if (found != NULL)
    return eng_history_get (history, found, error);
  g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
               "\"%s\" is neither a run's file nor the id of a run of the history (its first %d "
               "characters or more). `lathe runs` lists them.",
               what, MIN_PREFIX);
  return NULL;
}

EngRun *
eng_run_find (EngHistory **history, const char *what, GError **error)
{
  g_return_val_if_fail (history != NULL && what != NULL, NULL);

  if (g_file_test (what, G_FILE_TEST_IS_REGULAR) || strchr (what, G_DIR_SEPARATOR) != NULL
      || g_str_has_suffix (what, ".json"))
    return eng_run_load (what, error);
  if (*history == NULL && (*history = eng_history_open (NULL, error)) == NULL)
    return NULL;
  if (g_str_equal (what, "latest") || g_str_has_prefix (what, "latest~"))
    return find_latest (*history, what, error);
  return find_id (*history, what, error);
}
