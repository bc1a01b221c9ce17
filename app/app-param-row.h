/* One parameter of a technique as a row: a drop-down, a number or a switch, by its kind. */
#pragma once

#include <adwaita.h>

#include "eng-technique.h"

G_BEGIN_DECLS

#define APP_TYPE_PARAM_ROW (app_param_row_get_type ())
G_DECLARE_FINAL_TYPE (AppParamRow, app_param_row, APP, PARAM_ROW, AdwActionRow)

/* Property "value": GVariant of the type eng_recipe_get() gives; NULL for an inheritable row that
 * follows the whole model. Notifies on a change by the person only after it has settled (a number
 * that is still being stepped would re-pack the model at every click), and at once for
 * app_param_row_set_value(). Signal: "changed" by the person alone. */
GtkWidget *app_param_row_new (const EngParam *param, gboolean inheritable);

const EngParam *app_param_row_get_param (AppParamRow *self);
GVariant *app_param_row_get_value (AppParamRow *self); /* borrowed */
void app_param_row_set_value (AppParamRow *self, GVariant *value);
/* Bounds that depend on the model; for numbers only. */
void app_param_row_set_limits (AppParamRow *self, double min, double max);
/* What the screen reader calls the control, when the row's title alone does not say it. */
void app_param_row_set_spoken (AppParamRow *self, const char *spoken);

G_END_DECLS
