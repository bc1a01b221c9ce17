/* A history entry that a GListModel can hold. Made by the history view; no widgets here. */
#include "app-history-item.h"

#include "app-config.h"

#include <glib/gi18n.h>

struct _AppHistoryItem
{
  GObject parent_instance;

  EngHistoryEntry *entry;
};

G_DEFINE_FINAL_TYPE (AppHistoryItem, app_history_item, G_TYPE_OBJECT)

static void
app_history_item_finalize (GObject *object)
{
  g_clear_pointer (&APP_HISTORY_ITEM (object)->entry, eng_history_entry_free);
  G_OBJECT_CLASS (app_history_item_parent_class)->finalize (object);
}

static void
app_history_item_class_init (AppHistoryItemClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = app_history_item_finalize;
}

static void
app_history_item_init (AppHistoryItem *self)
{
}

AppHistoryItem *
app_history_item_new (EngHistoryEntry *entry)
{
  AppHistoryItem *self = g_object_new (APP_TYPE_HISTORY_ITEM, NULL);

  self->entry = entry;
  return self;
}

const EngHistoryEntry *
app_history_item_get_entry (AppHistoryItem *self)
{
  g_return_val_if_fail (APP_IS_HISTORY_ITEM (self), NULL);
  return self->entry;
}

void
app_history_item_dup_time (AppHistoryItem *self, char **time_of_day, char **day)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (self->entry->time);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();

  if (time == NULL)
    {
      *time_of_day = g_strdup ("—");
      *day = g_strdup ("");
      return;
    }
  *time_of_day = g_date_time_format (time, "%H:%M:%S");
  if (g_date_time_get_year (time) != g_date_time_get_year (now))
    *day = g_date_time_format (time, "%x");
  else if (g_date_time_get_day_of_year (time) == g_date_time_get_day_of_year (now))
    *day = g_strdup (_ ("Today"));
  else
    /* Translators: a day of this year, for strftime */
    *day = g_date_time_format (time, _ ("%-d %b"));
}

const char *
app_history_item_get_validity (AppHistoryItem *self)
{
  switch (self->entry->validity)
    {
    case ENG_RUN_VALID:
      return C_ ("run", "valid");
    case ENG_RUN_DEGRADED:
      return C_ ("run", "degraded");
    case ENG_RUN_INVALID:
    default:
      return C_ ("run", "invalid");
    }
}

gboolean
app_history_item_matches (AppHistoryItem *self, const char *search)
{
  g_auto (GStrv) words = NULL;
  g_autofree char *time = NULL;
  g_autofree char *day = NULL;
  g_autofree char *all = NULL;
  g_autofree char *folded = NULL;

  g_return_val_if_fail (APP_IS_HISTORY_ITEM (self), FALSE);
  if (search == NULL || *search == '\0')
    return TRUE;

  app_history_item_dup_time (self, &time, &day);
  all = g_strjoin (" ", self->entry->model_name != NULL ? self->entry->model_name : "",
                   self->entry->recipe != NULL ? self->entry->recipe : "", time,
                   app_history_item_get_validity (self), NULL);
  folded = g_utf8_casefold (all, -1);
  words = g_strsplit_set (search, " \t", -1);
  for (guint i = 0; words[i] != NULL; i++)
    {
      g_autofree char *word = g_utf8_casefold (words[i], -1);

      if (strstr (folded, word) == NULL)
        return FALSE;
    }
  return TRUE;
}
