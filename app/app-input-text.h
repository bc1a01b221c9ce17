/* Inputs in words: what a network takes, what was chosen, which files can be chosen. */
#pragma once

#include <gtk/gtk.h>

#include "data/eng-input.h"
#include "eng-model.h"

G_BEGIN_DECLS

/* Kinds of inputs that @model takes: bits 1 << EngInputKind. */
guint app_input_kinds (EngModel *model);

/* "Takes pictures; resized to 128 × 128." */
char *app_input_dup_takes (EngModel *model);

/* "640 × 480", "1.0 s at 16 kHz", "f32 [1, 49, 10, 1]"; "" for random numbers. */
char *app_input_dup_facts (EngInput *input);

/* FALSE sets @error: what @input is, what @model takes, what to do. Any thread. */
gboolean app_input_fits (EngModel *model, EngInput *input, GError **error);

/* Whether a file of this name may be an input, by its ending. */
gboolean app_input_is_file_name (const char *name);
/* Whether a file of this name is a model. */
gboolean app_input_is_model_name (const char *name);

/* For the file dialog: what @model takes, and all files. */
void app_input_add_filters (EngModel *model, GtkFileChooser *chooser);

G_END_DECLS
