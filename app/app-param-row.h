/* One parameter of a technique as a row: a drop-down, a number or a switch, by its kind. */
#pragma once

#include <adwaita.h>

#include "eng-technique.h"

G_BEGIN_DECLS

#define APP_TYPE_PARAM_ROW (app_param_row_get_type ())
G_DECLARE_FINAL_TYPE (AppParamRow, app_param_row, APP, PARAM_ROW, AdwActionRow)

/* Property "value": GVariant of the type eng_recipe_get() gives; NULL for the row of a layer that
 * follows the whole model. Notifies on a change by the person only after it has settled (a number
 * that is still being stepped would re-pack the model at every click), and at once for
 * app_param_row_set_value(). Signals: "changed" by the person alone; "preview" while a number that
 * is still being stepped or dragged passes through others, before it counts. */
typedef enum
{
  APP_PARAM_ROW_WHOLE, /* the value for the whole model; titled by the parameter */
  APP_PARAM_ROW_LAYER, /* for one layer: may also follow the whole model */
  APP_PARAM_ROW_RULE,  /* for a pattern of names */
} AppParamRowKind;

GtkWidget *app_param_row_new (const EngParam *param, AppParamRowKind kind);

const EngParam *app_param_row_get_param (AppParamRow *self);
GVariant *app_param_row_get_value (AppParamRow *self); /* borrowed */
void app_param_row_set_value (AppParamRow *self, GVariant *value);
/* What the control says now, settled or not; NULL where it follows the whole model. Transfer
 * full. */
GVariant *app_param_row_dup_preview (AppParamRow *self);
/* For a row of a layer: what the control shows while it follows the whole model. */
void app_param_row_set_inherited (AppParamRow *self, GVariant *value);
/* For a row of a layer: what a screen reader says the control is for ("Block 3"). */
void app_param_row_set_place (AppParamRow *self, const char *place);
/* A number's adjustment, for a slider beside it; NULL for other kinds. Borrowed. */
GtkAdjustment *app_param_row_get_adjustment (AppParamRow *self);
/* Bounds that depend on the model; for numbers only. */
void app_param_row_set_limits (AppParamRow *self, double min, double max);
/* What another model's file has to fit; for parameters of the kind ENG_PARAM_MODEL only. */
void app_param_row_set_model (AppParamRow *self, EngModel *model);

G_END_DECLS
