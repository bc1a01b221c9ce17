/* One technique's settings of the selected layer. */
#pragma once

#include "app-selection.h"
#include "app-stage.h"
#include "eng-technique.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define APP_TYPE_LAYER_BOX (app_layer_box_get_type ())
G_DECLARE_FINAL_TYPE (AppLayerBox, app_layer_box, APP, LAYER_BOX, GtkBox)

/* @technique has a parameter with per_layer set (app_layer_box_is_for()). Hides itself where
 * nothing can be set. */
GtkWidget *app_layer_box_new (const EngTechnique *technique, AppStage *stage,
                              AppSelection *selection);
gboolean app_layer_box_is_for (const EngTechnique *technique);

G_END_DECLS
