/* A second network that lies beside a network's file and works with it: the detector of a region,
 * the second stage of a noise suppression. */
#pragma once

#include "tasks/eng-task.h"

G_BEGIN_DECLS

/* A run of that one of @names in the folder of @model whose name is most like the model's, for
 * inputs of @kind, on one thread: a second pool would wait, spinning, for its next work on the
 * processors of the first. NULL without @error when none of them is there. Loads and builds a
 * network: milliseconds. */
EngTaskRun *eng_companion_new (EngModel *model, const char *const *names, EngInputKind kind,
                               GError **error);

G_END_DECLS
