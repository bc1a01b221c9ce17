/* What the window knows of accuracy per layer for the recipe that is shown: what the history keeps
 * of it, and what a measurement in progress has so far. */
#pragma once

#include "eng-sensitivity.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define APP_TYPE_LAYER_ERRORS (app_layer_errors_get_type ())
G_DECLARE_FINAL_TYPE (AppLayerErrors, app_layer_errors, APP, LAYER_ERRORS, GObject)

typedef enum
{
  APP_LAYER_ERROR_SENSITIVITY,
  APP_LAYER_ERROR_LOCAL,
  APP_LAYER_ERROR_ACCUMULATED,
} AppLayerErrorKind;

/* Signal "changed": figures, subject, what is shown, or whether it is being measured; at most 8
 * times a second. Main thread. */
AppLayerErrors *app_layer_errors_new (EngHistory *history); /* nullable: nothing is kept */

/* What is asked about: @model and @recipe, both NULL for nothing. What the history has arrives a
 * moment later. */
void app_layer_errors_set_subject (AppLayerErrors *self, EngModel *model, EngRecipe *recipe);
/* Borrowed; NULL: nothing is known. */
EngLayerErrors *app_layer_errors_get (AppLayerErrors *self);
/* Why there is nothing to measure; NULL: there is, or no model is open. Borrowed. */
const char *app_layer_errors_get_why_not (AppLayerErrors *self);
gboolean app_layer_errors_get_measuring (AppLayerErrors *self);

/* Which of the three a lane shows: a choice of the person. */
AppLayerErrorKind app_layer_errors_get_shown (AppLayerErrors *self);
void app_layer_errors_set_shown (AppLayerErrors *self, AppLayerErrorKind shown);

/* Measure @build, whose recipe is the one asked about or any other, on a worker; results come
 * through "changed". @done is called once, on the main thread, with NULL or why it ended; @job must
 * not be finished before. */
typedef void (*AppLayerErrorsDone) (const GError *error, gpointer user_data);
void app_layer_errors_measure (AppLayerErrors *self, EngBuild *build, EngJob *job,
                               AppLayerErrorsDone done, gpointer user_data);

/* What it is measured on: inputs of networks are those of the recipe's calibration, else random.
 * The text is the bundled one. Borrowed strings. */
void app_layer_errors_fill_config (AppLayerErrors *self, EngModel *model, EngRecipe *recipe,
                                   EngSensitivityConfig *config);
/* Seconds that a measurement takes at @prefill tokens per second; NAN when that is not known. */
double app_layer_errors_estimate_s (EngModel *model, double prefill);

G_END_DECLS
