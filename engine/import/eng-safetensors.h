/* Language models as folders of safetensors: config.json, tokenizer.json, model.safetensors (or
 * shards with model.safetensors.index.json). They become the description that a GGUF file is read
 * as, so that architectures, tokenizers and everything above see no difference. */
#pragma once

#include <gio/gio.h>

#include "rt-gguf.h"

G_BEGIN_DECLS

typedef struct EngSafetensors EngSafetensors;

/* Whether @path is such a folder, or one of the files in it by which it is opened (config.json, the
 * index, a safetensors file). By content; FALSE for what cannot be read. */
gboolean eng_safetensors_is_model (const char *path);

/* Weights stay mapped; those are copied whose order or value differs between the formats (rows of
 * queries and keys of Llama, norms of Gemma). Blocking. Fails with file, place, expected and
 * got. */
EngSafetensors *eng_safetensors_load (const char *path, GCancellable *cancellable, GError **error);
void eng_safetensors_free (EngSafetensors *self); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngSafetensors, eng_safetensors_free)

RtGguf *eng_safetensors_get_gguf (EngSafetensors *self); /* valid until it is freed */
/* Why the tokenizer is not there; NULL: it is. */
const char *eng_safetensors_get_tokenizer_error (EngSafetensors *self);
const char *eng_safetensors_get_name (EngSafetensors *self); /* of the folder */
/* The file by which the model is opened again, and all files that it is made of. */
const char *eng_safetensors_get_path (EngSafetensors *self);
const char *const *eng_safetensors_get_files (EngSafetensors *self);
guint64 eng_safetensors_get_bytes (EngSafetensors *self); /* of weights files */

G_END_DECLS
