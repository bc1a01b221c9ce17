/* tokenizer.json as the metadata that the runtime's tokenizers read. Private to import/. */
#pragma once

#include "eng-gguf-bytes.h"
#include "eng-strict-json.h"

G_BEGIN_DECLS

/* The JSON files of a model's folder; all but @tokenizer may be NULL. */
typedef struct
{
  JsonObject *tokenizer; /* tokenizer.json */
  JsonObject *habits;    /* tokenizer_config.json */
  JsonObject *config;    /* config.json */
  const char *template;  /* of chats, from a file of its own; NULL: in @habits */
} EngSafetensorsTexts;

/* Writes the tokenizer.* keys for a vocabulary of @n_vocab tokens (rows of the embedding table; the
 * file may have fewer names). Fails naming what is not supported, having written nothing. */
gboolean eng_safetensors_tokenizer_read (const EngSafetensorsTexts *texts, guint n_vocab,
                                         EngGgufBytes *out, GError **error);

G_END_DECLS
