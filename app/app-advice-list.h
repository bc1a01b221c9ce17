/* Ranked advice as cards, each with what it gains, costs and rests on, and Apply. */
#pragma once

#include "app-adviser.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define APP_TYPE_ADVICE_LIST (app_advice_list_get_type ())
G_DECLARE_FINAL_TYPE (AppAdviceList, app_advice_list, APP, ADVICE_LIST, GtkWidget)

void app_advice_list_set_adviser (AppAdviceList *self, AppAdviser *adviser, AppStage *stage);

G_END_DECLS
