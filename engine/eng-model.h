/* Model: an immutable graph with weights, imported from a file: a language model (GGUF) or a
 * network (ONNX, TFLite). Every node keeps its source name. Safe to share between threads. */
#pragma once

#include <gio/gio.h>

#include "eng-card.h"
#include "rt-arch.h"
#include "rt-gguf.h"
#include "rt-graph.h"
#include "rt-tokenizer.h"

G_BEGIN_DECLS

#define ENG_TYPE_MODEL (eng_model_get_type ())
G_DECLARE_FINAL_TYPE (EngModel, eng_model, ENG, MODEL, GObject)

typedef enum
{
  ENG_MODEL_LANGUAGE, /* tokens in, tokens out; has architecture parameters, a tokenizer, a cache */
  ENG_MODEL_NETWORK,  /* inputs in, outputs out; has a card */
} EngModelKind;

/* Map and check @path; what kind it is its content says. Blocking (milliseconds: weights are
 * mapped, not read); use the _async form from the main thread. */
EngModel *eng_model_load (const char *path, GCancellable *cancellable, GError **error);
void eng_model_load_async (const char *path, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data);
EngModel *eng_model_load_finish (GAsyncResult *result, GError **error);

const char *eng_model_get_path (EngModel *model);
/* "general.name" or the file's base name */
const char *eng_model_get_name (EngModel *model);
EngModelKind eng_model_get_kind (EngModel *model);
const char *eng_model_get_arch (EngModel *model);   /* "llama"; NULL for networks */
const char *eng_model_get_format (EngModel *model); /* "GGUF v3", "ONNX, opset 13" */
char *eng_model_dup_licence (EngModel *model);      /* NULL when the file says none */
guint64 eng_model_get_n_params (EngModel *model);
guint64 eng_model_get_file_bytes (EngModel *model);
guint eng_model_get_n_layers (EngModel *model);    /* blocks */
guint eng_model_get_n_ctx_train (EngModel *model); /* 0 for networks */
char *eng_model_dup_formats (EngModel *model);     /* "Q4_1 (211 tensors), F32 (61)" */
/* SHA-256 of the file, hex; computed once, blocking */
char *eng_model_dup_hash (EngModel *model, GCancellable *cancellable, GError **error);
/* the same where it is known already, else NULL; never blocks, borrowed */
const char *eng_model_peek_hash (EngModel *model);

const RtArchParams *eng_model_get_params (EngModel *model); /* NULL for networks */
/* the source graph; of a network with all that surrounds it */
const RtGraph *eng_model_get_graph (EngModel *model);
/* Whether any block has the node "blk.N.<name>" in the source graph. */
gboolean eng_model_has_block_node (EngModel *model, const char *name);
const RtGguf *eng_model_get_gguf (EngModel *model); /* NULL for networks */
/* NULL when unsupported: see _get_tokenizer_error */
const RtTokenizer *eng_model_get_tokenizer (EngModel *model);
const char *eng_model_get_tokenizer_error (EngModel *model);
gboolean eng_model_has_chat (EngModel *model);

/* ---- networks ---- */

/* What the importer could not lower, a line each: operator, node, place. A network with a report
 * can be looked at but not built. Empty for language models; NULL-terminated. */
const char *const *eng_model_get_report (EngModel *model);
/* inputs, outputs and descriptions as in the file; NULL for language models */
const EngImported *eng_model_get_imported (EngModel *model);
EngCard *eng_model_get_card (EngModel *model); /* NULL for language models */
/* The network without front end and task: for inputs that are tensors already. */
const RtGraph *eng_model_get_bare_graph (EngModel *model);
/* Names of the values that are fed and read in the graph, or in the bare one; NULL-terminated. */
const char *const *eng_model_get_graph_inputs (EngModel *model, gboolean bare);
const char *const *eng_model_get_graph_outputs (EngModel *model, gboolean bare);

/* The layer axis: -1 "Embedding", 0 .. n-1 "Block 3", n "Output". Of a network: "Input" (its front
 * end), blocks (eng-blocks.h), "Output" (its task). */
char *eng_model_dup_layer_name (EngModel *model, int layer);

/* Weight matrices whose format a recipe may choose, in network order. */
typedef struct
{
  const char *name; /* "blk.3.attn_q.weight" */
  int layer;
  int dtype; /* in the file */
  guint64 n_rows, n_cols, bytes;
  RtValueId value; /* in the source graph */
} EngTensor;

guint eng_model_get_n_tensors (EngModel *model);
const EngTensor *eng_model_get_tensor (EngModel *model, guint index);

G_END_DECLS
