/* What a network is fed: a file, the files of a folder, a picture from the clipboard, or random
 * numbers. Reads files on a worker; the views show what this holds. */
#pragma once

#include "eng-model.h"
#include "eng-run.h"

#include <gdk/gdk.h>

G_BEGIN_DECLS

#define APP_TYPE_INPUTS (app_inputs_get_type ())
G_DECLARE_FINAL_TYPE (AppInputs, app_inputs, APP, INPUTS, GObject)

/* Signals: "changed" (another input, or one is being read), "failed" (GError *): the input chosen
 * last cannot be read or fed; the one before it stays. */

AppInputs *app_inputs_new (void);

/* Begin anew for @model (NULL: none): with the picture or sound that was chosen if it takes it, so
 * that networks can be looked at on the same input, else with random numbers. */
void app_inputs_set_model (AppInputs *self, EngModel *model);

/* Files, and folders for the files in them, by name; the first is read. Asynchronous. */
void app_inputs_choose (AppInputs *self, const char *const *paths);
void app_inputs_choose_random (AppInputs *self);
/* A picture without a file is kept as one in the user's cache, so that the run can be repeated. */
void app_inputs_choose_texture (AppInputs *self, GdkTexture *texture);
/* To the input @by places on, round and round. */
void app_inputs_step (AppInputs *self, int by);

EngInput *app_inputs_get_input (AppInputs *self); /* borrowed; NULL without a model */
gboolean app_inputs_is_random (AppInputs *self);
gboolean app_inputs_is_reading (AppInputs *self);
guint app_inputs_get_n (AppInputs *self);     /* files to go through; 0: random */
guint app_inputs_get_index (AppInputs *self); /* of the one that is shown */
/* Place of the file called @name, without its folder; G_MAXUINT: none. */
guint app_inputs_find (AppInputs *self, const char *name);
const char *app_inputs_get_path (AppInputs *self); /* NULL: random */

/* What a run is to be fed: the input that is shown, or with @all every one; the caller's. */
EngWorkload *app_inputs_dup_workload (AppInputs *self, gboolean all);

G_END_DECLS
