/* The dialog that shows how weights and activations of one layer are spread, on the grids of their
 * formats. */
#pragma once

#include <gtk/gtk.h>

#include "app-layer-errors.h"

G_BEGIN_DECLS

/* Of @layer of @build, over @parent. @errors says what activations are measured on. */
void app_distribution_present (GtkWindow *parent, EngBuild *build, int layer,
                               AppLayerErrors *errors);

G_END_DECLS
