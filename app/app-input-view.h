/* The pane that shows and chooses what a network is fed. */
#pragma once

#include <gtk/gtk.h>

#include "app-inputs.h"

G_BEGIN_DECLS

#define APP_TYPE_INPUT_VIEW (app_input_view_get_type ())
G_DECLARE_FINAL_TYPE (AppInputView, app_input_view, APP, INPUT_VIEW, GtkWidget)

/* Actions: input.choose, input.choose-folder, input.paste, input.random, input.previous,
 * input.next. */
void app_input_view_set_inputs (AppInputView *self, AppInputs *inputs);
/* What the network takes; NULL: none. */
void app_input_view_set_model (AppInputView *self, EngModel *model);
/* Show @input instead of the chosen one: the one that a run is at. NULL: the chosen one. */
void app_input_view_set_running (AppInputView *self, EngInput *input);

G_END_DECLS
