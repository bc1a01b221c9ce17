/* What only the engine needs of a model. */
#pragma once

#include "eng-model.h"

G_BEGIN_DECLS

/* SHA-256, hex, of what tells this model from another without reading all of its weights (see the
 * .c); made at loading. */
const char *eng_model_get_identity (EngModel *model);

G_END_DECLS
