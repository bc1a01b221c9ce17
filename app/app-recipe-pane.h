/* The recipe: all techniques, by group. */
#pragma once

#include <gtk/gtk.h>

#include "app-selection.h"
#include "app-stage.h"

G_BEGIN_DECLS

#define APP_TYPE_RECIPE_PANE (app_recipe_pane_get_type ())
G_DECLARE_FINAL_TYPE (AppRecipePane, app_recipe_pane, APP, RECIPE_PANE, GtkWidget)

GtkWidget *app_recipe_pane_new (void);
/* Once: draws the controls from eng_technique_list(). */
void app_recipe_pane_set_stage (AppRecipePane *self, AppStage *stage, AppSelection *selection);

G_END_DECLS
