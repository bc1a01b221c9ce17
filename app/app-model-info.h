/* What a model is, in words: one line, and a popover with all of it. */
#pragma once

#include <gtk/gtk.h>

#include "eng-build.h"

G_BEGIN_DECLS

/* "llama · 135 M parameters · Q4_1"; of a network "TFLite v3 · 3.5 M parameters". */
char *app_model_info_dup_facts (EngModel *model);
/* All of it; of a network with its inputs and outputs, what its card says and what is not
 * supported. @build (nullable) tells the arithmetic. A floating reference. */
GtkWidget *app_model_info_new_popover (EngModel *model, EngBuild *build);

G_END_DECLS
