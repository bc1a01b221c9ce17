/* A button that holds the path of a model: its list has the models on this computer, those that do
 * not fit with the reason. */
#pragma once

#include <gtk/gtk.h>

#include "eng-technique.h"

G_BEGIN_DECLS

#define APP_TYPE_MODEL_BUTTON (app_model_button_get_type ())
G_DECLARE_FINAL_TYPE (AppModelButton, app_model_button, APP, MODEL_BUTTON, GtkWidget)

/* Property "path": string, "" when none is chosen; notifies when a person or the program changes
 * it. @param is of the kind ENG_PARAM_MODEL. */
GtkWidget *app_model_button_new (const EngParam *param);
const char *app_model_button_get_path (AppModelButton *self);
void app_model_button_set_path (AppModelButton *self, const char *path); /* NULL: none */
/* What the models have to fit; NULL: nothing can be chosen. */
void app_model_button_set_model (AppModelButton *self, EngModel *model);

G_END_DECLS
