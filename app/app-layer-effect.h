/* What a technique does to one layer: expected of a recipe that was not run, and measured by the
 * run. */
#pragma once

#include "app-change.h"
#include "app-stage.h"
#include "eng-technique.h"

G_BEGIN_DECLS

/* @recipe without any setting of @technique: what its effect is told against. */
EngRecipe *app_layer_effect_without (EngRecipe *recipe, const EngTechnique *technique);
/* Whether any parameter of @technique has another value for a matrix of @layer in @a than in @b. */
gboolean app_layer_effect_differs (EngModel *model, const EngTechnique *technique, int layer,
                                   EngRecipe *a, EngRecipe *b);

/* In words, what @recipe (which need not be the session's: one that is still being dragged at)
 * makes of @layer by @technique: "−31 % time (30.2 → 20.8 µs), −72 % weights (1.57 MB → 441 kB)".
 * Needs the session's estimator; the answer comes within tens of milliseconds. The result is NULL
 * without an error where nothing of it is set or nothing can be told. */
void app_layer_effect_async (EngSession *session, EngRecipe *recipe, const EngTechnique *technique,
                             int layer, RtPhase phase, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);
char *app_layer_effect_finish (GAsyncResult *result, GError **error);

/* What the run shown measured of @layer, against the newest run of a recipe that differs in
 * @technique alone, else against the baseline: "−38 % time, measured". NULL: there is no such pair
 * of runs, or the technique's setting of this layer is the same in both. @tooltip: the same in
 * whole sentences. */
char *app_layer_effect_dup_measured (AppStage *stage, const EngTechnique *technique, int layer,
                                     RtPhase phase, char **tooltip);
/* The words for two measured times of a layer: pure. */
char *app_layer_effect_dup_words (const EngLatency *before, const EngLatency *after,
                                  char **tooltip);

G_END_DECLS
