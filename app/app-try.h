/* One inference for the eye: a build on an input, unmeasured and kept nowhere. */
#pragma once

#include "eng-build.h"
#include "eng-result.h"

G_BEGIN_DECLS

/* On a worker; @cancellable drops the outcome. Finishing gives a new reference. */
void app_try_async (EngBuild *build, EngInput *input, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer data);
EngResult *app_try_finish (GAsyncResult *result, GError **error);

G_END_DECLS
