/* Input and result of a network: what stands where a language model has its prompt. */
#pragma once

#include <gtk/gtk.h>

#include "app-inputs.h"
#include "app-output-view.h"
#include "app-stage.h"

G_BEGIN_DECLS

#define APP_TYPE_NETWORK_VIEW (app_network_view_get_type ())
G_DECLARE_FINAL_TYPE (AppNetworkView, app_network_view, APP, NETWORK_VIEW, GtkWidget)

/* Properties: "compact" boolean: the result below the input instead of beside it; "enlarged"
 * boolean: the person wants a page for it, to look closely. */
void app_network_view_set_stage (AppNetworkView *self, AppStage *stage);
void app_network_view_set_compact (AppNetworkView *self, gboolean compact);
gboolean app_network_view_get_enlarged (AppNetworkView *self);
void app_network_view_set_can_enlarge (AppNetworkView *self,
                                       gboolean can); /* there is more than one page for it */
/* What a run is to be fed; @all: every input that was chosen (continuous mode). The caller's. */
EngWorkload *app_network_view_dup_workload (AppNetworkView *self, gboolean all);
AppInputs *app_network_view_get_inputs (AppNetworkView *self);     /* borrowed */
AppOutputView *app_network_view_get_output (AppNetworkView *self); /* borrowed */
/* Files that were dropped on the window: TRUE when they are inputs and were taken as such. */
gboolean app_network_view_take_files (AppNetworkView *self, GSList *files);

G_END_DECLS
