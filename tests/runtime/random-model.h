/* A GGUF file of any shape with random weights, for tests. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kn-types.h"
#include "rt-error.h"

typedef struct
{
  const char *arch; /* "llama" when NULL */
  uint32_t n_layers, n_embd, n_ff, n_heads, n_kv_heads, head_dim, n_vocab;
  KnDtype dtype; /* of the matrices whose rows fit it; the others are F32 */
  bool tied;     /* no output.weight */
  bool qkv_bias, head_norms, post_norms;
  uint32_t window; /* attention.sliding_window, 0: none */
  float attention_softcap, logit_softcap;
  bool rope_factors;        /* rope_freqs.weight */
  const char *scaling_type; /* rope.scaling.type with factor 4, NULL: none */
  /* [n_layers] sizes of single blocks, written as lists; NULL: as above for all. A block with 0
   * heads or 0 channels has no such half. */
  const uint32_t *ff_list, *heads_list, *kv_list;

  /* Faults, for tests of errors. */
  const char *leave_out;   /* a tensor by name */
  const char *extra;       /* one more tensor */
  const char *wrong_shape; /* a tensor that gets one row too many */
  uint32_t list_items;     /* lists have as many entries; 0: n_layers */
  const uint32_t *ff_said; /* the list of channels that the metadata has, instead of the tensors' */
  bool float_lists;        /* of f32 */
  bool no_head_size;       /* no attention.key_length and value_length */
} RandomModel;

/* Write it to a new temporary file; the path is malloc'ed, NULL on failure. */
char *random_model_write (const RandomModel *model, uint64_t seed, RtError *error);
