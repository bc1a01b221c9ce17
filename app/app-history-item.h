/* One row of the history as an object for list models. */
#pragma once

#include "eng-history.h"

G_BEGIN_DECLS

#define APP_TYPE_HISTORY_ITEM (app_history_item_get_type ())
G_DECLARE_FINAL_TYPE (AppHistoryItem, app_history_item, APP, HISTORY_ITEM, GObject)

/* Takes @entry. */
AppHistoryItem *app_history_item_new (EngHistoryEntry *entry);
const EngHistoryEntry *app_history_item_get_entry (AppHistoryItem *self);

/* The time of day ("14:05:11") and the day ("Today", "20 Nov"). */
void app_history_item_dup_time (AppHistoryItem *self, char **time_of_day, char **day);
/* "valid", "degraded", "invalid", translated. */
const char *app_history_item_get_validity (AppHistoryItem *self);
/* All words of @search (any case) occur in the model's name, the recipe or the time. */
gboolean app_history_item_matches (AppHistoryItem *self, const char *search);

G_END_DECLS
