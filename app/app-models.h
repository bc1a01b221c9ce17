/* The model files that a person has, where they are kept on this computer. */
#pragma once

#include "eng-model.h"

G_BEGIN_DECLS

/* Paths (GFile-canonical, each once) of models that may be meant beside @model (nullable): those
 * fetched (LATHE_MODELS), those in @model's own folder, those that came with the program and those
 * opened lately; without @model's own file. By name. Of language models only, GGUF files. Looks
 * into folders: from a worker where they may be on a slow disk. Transfer full, elements g_free.
 * @recent (nullable, NULL-terminated): paths opened lately. */
GPtrArray *app_models_list (EngModel *model, const char *const *recent);

G_END_DECLS
