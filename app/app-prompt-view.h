/* What the model is asked, and what it writes. */
#pragma once

#include <gtk/gtk.h>

#include "app-stage.h"

G_BEGIN_DECLS

#define APP_TYPE_PROMPT_VIEW (app_prompt_view_get_type ())
G_DECLARE_FINAL_TYPE (AppPromptView, app_prompt_view, APP, PROMPT_VIEW, GtkWidget)

/* Property: "compact" boolean: prompt above text instead of beside it. */
void app_prompt_view_set_stage (AppPromptView *self, AppStage *stage);
void app_prompt_view_set_compact (AppPromptView *self, gboolean compact);
/* What the controls ask for now; the caller's. */
EngWorkload *app_prompt_view_dup_workload (AppPromptView *self);
void app_prompt_view_focus (AppPromptView *self);

G_END_DECLS
