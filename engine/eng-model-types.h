/* The model's insides, for the files that read one. */
#pragma once

#include "eng-model-private.h"
#include "eng-safetensors.h"
#include "eng-surround.h"

G_BEGIN_DECLS

struct _EngModel
{
  GObject parent_instance;

  EngModelKind kind;
  char *path;
  char *name;
  const RtGraph *graph; /* owned here for language models, by network for networks */
  GArray *tensors;      /* EngTensor, in network order */
  guint n_layers;
  guint64 n_params, file_bytes;
  char *identity;

  /* Language models. */
  EngSafetensors *safetensors; /* NULL: a GGUF file */
  RtGguf *gguf;                /* owned by safetensors when there are some */
  RtArchParams params;
  RtTokenizer *tokenizer;
  char *tokenizer_error;

  /* Networks. */
  EngImported *imported;
  EngCard *card;
  EngBlocks *blocks;
  EngNetwork *network; /* with all that surrounds it */
  EngNetwork *bare;    /* NULL when nothing surrounds it */

  GMutex mutex; /* guards hash */
  char *hash;
};

gboolean eng_model_load_language (EngModel *self, GError **error);
/* The same for a folder of safetensors; path becomes the file by which it is opened again. */
gboolean eng_model_load_safetensors (EngModel *self, GCancellable *cancellable, GError **error);
gboolean eng_model_load_network (EngModel *self, const EngFormat *format, GCancellable *cancellable,
                                 GError **error);

G_END_DECLS
