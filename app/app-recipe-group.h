/* A section of the recipe pane that can be folded: a heading, what is set in it, and its
 * contents. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define APP_TYPE_RECIPE_GROUP (app_recipe_group_get_type ())
G_DECLARE_FINAL_TYPE (AppRecipeGroup, app_recipe_group, APP, RECIPE_GROUP, GtkBox)

/* Properties: "folded" boolean (a person's click or the program; notifies on a change). */
GtkWidget *app_recipe_group_new (const char *title);
const char *app_recipe_group_get_title (AppRecipeGroup *self);
void app_recipe_group_add (AppRecipeGroup *self, GtkWidget *child);
GtkWidget *app_recipe_group_get_first (AppRecipeGroup *self); /* of what was added; NULL: nothing */
gboolean app_recipe_group_get_folded (AppRecipeGroup *self);
void app_recipe_group_set_folded (AppRecipeGroup *self, gboolean folded);
/* Unfolded whatever "folded" says, while somebody searches. */
void app_recipe_group_set_forced (AppRecipeGroup *self, gboolean forced);
/* What is set in it: a few words at the end of the heading ("2 of 6 set"), and in full ("Q4_0
 * weights, layers 3 and 4 left out"), which stands below the heading while it is folded. NULL:
 * none. */
void app_recipe_group_set_summary (AppRecipeGroup *self, const char *brief, const char *full);

G_END_DECLS
