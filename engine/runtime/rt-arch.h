/* Architecture builders: the graph of a language model from its GGUF metadata. One row per
 * architecture in rt-arch.c. */
#pragma once

#include "rt-gguf.h"
#include "rt-graph.h"

typedef struct
{
  char arch[32];
  uint32_t n_layers, n_embd, n_ff, n_heads, n_kv_heads, head_dim, n_vocab, n_ctx_train;
  /* n_ff, n_heads and n_kv_heads are the largest of any block. Whether blocks have other sizes than
   * that, apart from those that lack a part altogether: rt_arch_block(). */
  bool blocks_differ;
  float norm_eps;
  float rope_base, rope_scale; /* angle = position * rope_scale * rope_base^(-2 i / rope_dims) */
  uint32_t rope_dims;
  bool rope_half;          /* pairs (i, i + n / 2) instead of (2 i, 2 i + 1) */
  uint32_t sliding_window; /* positions a local block sees; 0: none */
  uint32_t
      global_every; /* with a window: block i is global when i % this == this - 1; 0: all local */
  float rope_base_local; /* of local blocks, which are never scaled; 0: as the global ones */
  float embedding_scale; /* 1: none */
  float attention_scale; /* of the scores */
  float attention_softcap, logit_softcap; /* 0: none */
  bool gelu;                              /* GELU in the gate instead of SiLU */
  bool head_norms;                        /* queries and keys are normalised per head */
  bool post_norms;                        /* norms after attention and feed-forward, too */
  bool tied_embeddings;                   /* the output matrix is the embedding table */
} RtArchParams;

/* Read and check the hyperparameters; the error names the key, what was expected and what was
 * found. Unknown architecture: RT_ERROR_UNSUPPORTED naming it and listing those that are known. */
bool rt_arch_params (const RtGguf *gguf, RtArchParams *params, RtError *error);

/* What one block has of its own. 0 heads: it has no attention; n_ff 0: no feed-forward part. */
typedef struct
{
  uint32_t n_ff, n_heads, n_kv_heads;
} RtArchBlock;

/* The sizes of block @layer (below params->n_layers) of a file that rt_arch_params() accepted. In a
 * file they are one number for all blocks, or a list with one per block, as other programs write it
 * for DeciLM and OpenELM. */
RtArchBlock rt_arch_block (const RtGguf *gguf, const RtArchParams *params, uint32_t layer);

/* The source graph, unfused, one node per operation of the architecture, named after the tensors
 * ("blk.0.attn_q"). Borrows @gguf's bytes. Input: "tokens" [RT_DIM_TOKENS] i32. Output: one value,
 * [RT_DIM_OUTPUTS, n_vocab] f32, of the last node. A missing tensor, a wrong shape, an unknown
 * tensor type is an error that names it. */
RtGraph *rt_arch_build (const RtGguf *gguf, const RtArchParams *params, RtError *error);

/* The architectures known, as GGUF writes them. */
const char *const *rt_arch_names (uint32_t *n_names);
