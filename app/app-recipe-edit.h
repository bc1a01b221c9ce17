/* One change of the recipe, from any control. */
#pragma once

#include <gtk/gtk.h>

#include "eng-session.h"
#include "eng-technique.h"

G_BEGIN_DECLS

/* Give @session the recipe with one value changed (eng_recipe_with()); a value that is refused is
 * said in a toast of @widget's window. @value floating or borrowed, NULL removes. Returns FALSE
 * when it was refused. */
gboolean app_recipe_edit (GtkWidget *widget, EngSession *session, const EngTechnique *technique,
                          const EngParam *param, const char *match, GVariant *value);

G_END_DECLS
