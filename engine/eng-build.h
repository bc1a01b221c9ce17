/* Build: Model + Recipe lowered for one instruction set: fused graph, packed weights, memory plan,
 * one content hash. Packed weights are shared with the build it was made from, so that changing one
 * layer repacks one layer. */
#pragma once

#include "eng-job.h"
#include "eng-model.h"
#include "eng-recipe.h"
#include "rt-exec.h"

G_BEGIN_DECLS

#define ENG_TYPE_BUILD (eng_build_get_type ())
G_DECLARE_FINAL_TYPE (EngBuild, eng_build, ENG, BUILD, GObject)

/* Blocking. @reuse (nullable) is an earlier build of the same model; @job (nullable) gets progress
 * and may cancel. */
EngBuild *eng_build_new (EngModel *model, EngRecipe *recipe, EngBuild *reuse, EngJob *job,
                         GError **error);
void eng_build_new_async (EngModel *model, EngRecipe *recipe, EngBuild *reuse, EngJob *job,
                          GAsyncReadyCallback callback, gpointer user_data);
EngBuild *eng_build_new_finish (GAsyncResult *result, GError **error);

EngModel *eng_build_get_model (EngBuild *build);
EngRecipe *eng_build_get_recipe (EngBuild *build);
/* What cuts text into tokens for it: the model's, unless its vocabulary was trimmed. Token numbers
 * are the model's either way. NULL: the model has none. */
const RtTokenizer *eng_build_get_tokenizer (EngBuild *build);
/* content hash: model tensors' identity, formats, fused graph, instruction set */
const char *eng_build_get_hash (EngBuild *build);
const char *eng_build_get_isa (EngBuild *build); /* "avx512" */
guint eng_build_get_n_threads (EngBuild *build);
/* Of a network: the same build without front end and task, for inputs that are tensors already; the
 * build itself when it has neither. Shares weights and threads; made when first asked for
 * (blocking), borrowed. One of the two runs at a time. NULL for language models. */
EngBuild *eng_build_get_bare (EngBuild *build, GError **error);
/* What drafts for it (the technique speculation), on the same threads, with a cache of its own; its
 * executor gives logits of as many tokens as a tree has chains. Borrowed; NULL: nothing does. Until
 * it is used, its cache is empty. */
EngBuild *eng_build_get_drafter (EngBuild *build);
/* [RT_N_SYMBOLS] that memory is planned for */
void eng_build_get_max_symbols (EngBuild *build, int64_t *symbols);
/* the most tokens of one executor run: the prefill chunk */
guint eng_build_get_max_tokens (EngBuild *build);
/* positions of the cache: prompt and answer together */
guint eng_build_get_n_ctx (EngBuild *build);
/* of the executed graph: packed in a format whose products are 8-bit integers */
gboolean eng_build_value_is_int8 (EngBuild *build, RtValueId weight);
const RtGraph *eng_build_get_graph (EngBuild *build); /* fused, as executed */
RtExec *eng_build_get_exec (EngBuild *build);         /* one run at a time */

/* Another executor of the same graph and the same packed weights, with activations and a cache of
 * its own: for evaluation, which wants logits of many tokens at once, and for watching values. A
 * zero or NULL member is as in the build's own executor. */
typedef struct
{
  guint max_tokens; /* of one run */
  guint n_outputs;  /* tokens of one run whose logits are wanted, at most */
  guint n_ctx;      /* positions of the cache */
  const bool *taps; /* [values of eng_build_get_graph ()], see RtExecConfig */
  RtPool *pool;     /* borrowed; the build's own runs one thing at a time */
} EngExecOptions;
/* Free with rt_exec_free() while @build lives. NULL and @error: no memory. */
RtExec *eng_build_new_exec (EngBuild *build, const EngExecOptions *options, GError **error);

void eng_build_get_memory (EngBuild *build, RtMemory *memory);
int eng_build_get_dtype (EngBuild *build, const EngTensor *tensor); /* the format it is packed in */

/* What could not be done as asked, tensor by tensor: "blk.0.ffn_down.weight: 172 columns do not
 * fill blocks of 32: kept F32". NULL-terminated. */
const char *const *eng_build_get_notes (EngBuild *build);

/* Bytes of one layer of the layer axis. */
typedef struct
{
  guint64 weight_bytes;     /* packed weights resident */
  guint64 activation_bytes; /* the most that is alive in the arena while this layer runs */
  guint64 kv_bytes;         /* cache at full context */
} EngLayerMemory;
void eng_build_get_layer_memory (EngBuild *build, int layer, EngLayerMemory *memory);
void eng_build_get_node_memory (EngBuild *build, RtNodeId node, EngLayerMemory *memory);

/* One file: a GGUF with the re-quantized tensors, the source metadata, "lathe.recipe" and
 * "lathe.build_hash". Loads in Lathe and in other GGUF programs. */
gboolean eng_build_save (EngBuild *build, const char *path, EngJob *job, GError **error);

/* The recipe that a file saved by eng_build_save() is opened with: the one inside, less what its
 * tensors already hold. The default recipe for any other file; NULL and @error when the one inside
 * cannot be read (a newer program's). */
EngRecipe *eng_build_saved_recipe (EngModel *model, GError **error);

G_END_DECLS
