/* config.json of a language model as the metadata that rt-arch.c reads. Private to import/. */
#pragma once

#include "eng-gguf-bytes.h"
#include "eng-strict-json.h"

G_BEGIN_DECLS

/* What else the weights need to know. */
typedef struct
{
  const char *arch; /* as in GGUF: "llama" */
  guint n_heads, n_kv_heads, head_dim;
  gboolean interleaves;    /* rows of queries and keys go in pairs, as rt-arch.c has them */
  gboolean norms_from_one; /* weights of norms are kept minus 1 */
  gboolean post_norms;     /* norms after each part: names shift */
  gboolean is_tied;        /* the output matrix is the embedding table */
  float *rope_factors;     /* [head_dim / 2] of Llama 3's scaling; NULL: none; owned */
} EngSafetensorsConfig;

void eng_safetensors_config_clear (EngSafetensorsConfig *config);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EngSafetensorsConfig, eng_safetensors_config_clear)

/* Writes general.architecture and the architecture's keys to @out. Fails naming the member, what
 * was expected and what it is. */
gboolean eng_safetensors_config_read (JsonObject *json, EngGgufBytes *out,
                                      EngSafetensorsConfig *config, GError **error);

G_END_DECLS
