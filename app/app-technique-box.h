/* One technique: its title, sentence, measured effect and parameters. */
#pragma once

#include <gtk/gtk.h>

#include "app-selection.h"
#include "app-stage.h"
#include "eng-technique.h"

G_BEGIN_DECLS

#define APP_TYPE_TECHNIQUE_BOX (app_technique_box_get_type ())
G_DECLARE_FINAL_TYPE (AppTechniqueBox, app_technique_box, APP, TECHNIQUE_BOX, GtkBox)

GtkWidget *app_technique_box_new (const EngTechnique *technique, AppStage *stage,
                                  AppSelection *selection);

G_END_DECLS
