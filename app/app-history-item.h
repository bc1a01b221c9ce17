/* One row of the history as an object for list models. */
#pragma once

#include "eng-history.h"

G_BEGIN_DECLS

#define APP_TYPE_HISTORY_ITEM (app_history_item_get_type ())
G_DECLARE_FINAL_TYPE (AppHistoryItem, app_history_item, APP, HISTORY_ITEM, GObject)

/* Takes @entry. */
AppHistoryItem *app_history_item_new (EngHistoryEntry *entry);
const EngHistoryEntry *app_history_item_get_entry (AppHistoryItem *self);

/* "Today 14:05:11", "20 Nov 14:05". */
char *app_history_item_dup_time (AppHistoryItem *self);
/* "valid", "degraded", "invalid", translated. */
const char *app_history_item_get_validity (AppHistoryItem *self);
/* All words of @search (any case) occur in the model's name, the recipe or the time. */
gboolean app_history_item_matches (AppHistoryItem *self, const char *search);

G_END_DECLS
