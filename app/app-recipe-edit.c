/* The one way the window changes the recipe. Called by the recipe pane's controls. */
#include "app-recipe-edit.h"

gboolean
app_recipe_edit (GtkWidget *widget, EngSession *session, const EngTechnique *technique,
                 const EngParam *param, const char *match, GVariant *value)
{
  EngRecipe *old = eng_session_get_recipe (session);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) recipe
      = eng_recipe_with (old, technique->id, param->id, match, value, &error);

  if (recipe == NULL)
    {
      gtk_widget_activate_action (widget, "win.toast", "s", error->message);
      g_object_notify (G_OBJECT (session), "recipe"); /* the controls go back to what counts */
      return FALSE;
    }
  if (!eng_recipe_equal (old, recipe))
    eng_session_set_recipe (session, recipe);
  return TRUE;
}
