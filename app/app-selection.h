/* What is selected, shared by all views of a window: select a layer anywhere, it is selected
 * everywhere. */
#pragma once

#include <glib-object.h>

#include "rt-trace.h"

G_BEGIN_DECLS

/* No layer: the layer axis itself begins at -1 (the embedding). */
#define APP_LAYER_NONE G_MININT

#define APP_TYPE_SELECTION (app_selection_get_type ())
G_DECLARE_FINAL_TYPE (AppSelection, app_selection, APP, SELECTION, GObject)

/* Properties, all read-write and notifying only on a change: "layer" int (the layer axis, or
 * APP_LAYER_NONE), "node" string (name of an executed node of that layer, NULL: the layer as a
 * whole), "phase" int (RtPhase). Setting another layer drops the node. */
AppSelection *app_selection_new (void);

int app_selection_get_layer (AppSelection *self);
const char *app_selection_get_node (AppSelection *self);
RtPhase app_selection_get_phase (AppSelection *self);

void app_selection_set_layer (AppSelection *self, int layer);
void app_selection_set_node (AppSelection *self, int layer, const char *node);
void app_selection_set_phase (AppSelection *self, RtPhase phase);

G_END_DECLS
