/* Architecture builders: the graph of a language model from its GGUF metadata. One row per
 * architecture in rt-arch.c. */
#pragma once

#include "rt-gguf.h"
#include "rt-graph.h"

typedef struct
{
  char arch[32];
  uint32_t n_layers, n_embd, n_ff, n_heads, n_kv_heads, head_dim, n_vocab, n_ctx_train;
  float norm_eps, rope_base, rope_scale;
  uint32_t rope_dims;
  uint32_t sliding_window; /* 0: none */
  bool tied_embeddings;
} RtArchParams;

/* Read and check the hyperparameters; the error names the key, what was expected and what was
 * found. Unknown architecture: RT_ERROR_UNSUPPORTED naming it and listing those that are known. */
bool rt_arch_params (const RtGguf *gguf, RtArchParams *params, RtError *error);

/* The source graph, unfused, one node per operation of the architecture, named after the tensors
 * ("blk.0.attn_q"). Borrows @gguf's bytes. Inputs: "tokens" [RT_DIM_TOKENS] i32. Output: "logits"
 * [RT_DIM_OUTPUTS, n_vocab] f32. A missing tensor, a wrong shape, an unknown tensor type is an
 * error that names it. */
RtGraph *rt_arch_build (const RtGguf *gguf, const RtArchParams *params, RtError *error);

const char *const *rt_arch_names (uint32_t *n_names);
