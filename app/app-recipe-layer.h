/* The recipe of the selected layer: every technique that can be set per layer. */
#pragma once

#include "app-selection.h"
#include "app-stage.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define APP_TYPE_RECIPE_LAYER (app_recipe_layer_get_type ())
G_DECLARE_FINAL_TYPE (AppRecipeLayer, app_recipe_layer, APP, RECIPE_LAYER, GtkBox)

GtkWidget *app_recipe_layer_new (AppStage *stage, AppSelection *selection);

G_END_DECLS
