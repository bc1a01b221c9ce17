/* The formats of model files, as dialogs, the recent files and sentences need them. */
#pragma once

#include <gtk/gtk.h>

#include "eng-model.h"

G_BEGIN_DECLS

/* "language models (GGUF, safetensors) and networks (ONNX, TFLite)", in the user's language. */
char *app_formats_dup_list (void);
/* GtkFileFilter: all models first, then one per format. */
GPtrArray *app_formats_new_filters (void);
/* Static: of the file that @model was loaded from. */
const char *app_formats_get_mime_type (EngModel *model);
/* TRUE when the name of a file ends as that of a model does. */
gboolean app_formats_is_model_name (const char *name);

G_END_DECLS
