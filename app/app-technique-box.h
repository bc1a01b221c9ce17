/* One technique: its title, sentence, measured effect and parameters. */
#pragma once

#include <gtk/gtk.h>

#include "app-stage.h"
#include "eng-technique.h"

G_BEGIN_DECLS

#define APP_TYPE_TECHNIQUE_BOX (app_technique_box_get_type ())
G_DECLARE_FINAL_TYPE (AppTechniqueBox, app_technique_box, APP, TECHNIQUE_BOX, GtkBox)

GtkWidget *app_technique_box_new (const EngTechnique *technique, AppStage *stage);

/* A few words on what is set ("Q4_0 weights"); NULL: all of it is at its defaults. */
char *app_technique_box_dup_state (AppTechniqueBox *self);
/* Whether it concerns models of the kind that is open, and applies to this one. */
gboolean app_technique_box_get_usable (AppTechniqueBox *self);
/* Show it if its words (title, sentence, group, parameters, choices) hold @needle, casefolded;
 * NULL: always. Returns whether it is shown: what does not concern the kind of model never is. */
gboolean app_technique_box_filter (AppTechniqueBox *self, const char *needle);

G_END_DECLS
