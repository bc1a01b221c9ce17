/* What a technique is worth on this machine for one layer, in its own words (EngTechnique.verdict),
 * asked on a worker. */
#pragma once

#include "app-stage.h"
#include "eng-technique.h"

G_BEGIN_DECLS

/* Of @recipe, which need not be the session's: one that is still being dragged at. The run on the
 * stage speaks along where it is of this recipe. The result is NULL without an error where the
 * technique says nothing of the layer. */
void app_layer_verdict_async (AppStage *stage, EngRecipe *recipe, const EngTechnique *technique,
                              int layer, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);
char *app_layer_verdict_finish (GAsyncResult *result, GError **error);

G_END_DECLS
