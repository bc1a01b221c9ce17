/* What a model is, in words: one line, and a popover with all of it. */
#pragma once

#include <gtk/gtk.h>

#include "eng-model.h"

G_BEGIN_DECLS

/* "llama · 135 M parameters · Q4_1 (211 tensors)". */
char *app_model_info_dup_facts (EngModel *model);
/* Name, architecture, layers, parameters, formats, size, context, tokenizer, licence, file. A
 * floating reference. */
GtkWidget *app_model_info_new_popover (EngModel *model);

G_END_DECLS
