/* What rounding of attention's weights to few levels takes off on average, by block and head,
 * measured on the calibration text (Pandey et al. 2023, Softmax Bias Correction for Quantized
 * Generative Models, section 3): most weights are far below half a step and become 0, so the error
 * has a mean, and adding that mean to every weight takes the systematic part of the error away.
 *
 * Weights are those of this engine: relative to the largest of their chunk of the cache
 * (kn-attn.h), not to the sum of all. */
#pragma once

#include "eng-build-private.h"

G_BEGIN_DECLS

#define ENG_SOFTMAX_MIN_BITS 2
#define ENG_SOFTMAX_MAX_BITS 8
#define ENG_SOFTMAX_N_BITS (ENG_SOFTMAX_MAX_BITS - ENG_SOFTMAX_MIN_BITS + 1)

typedef struct
{
  guint n_layers, n_heads, n_tokens;
  double *lost; /* [n_layers][n_heads][ENG_SOFTMAX_N_BITS]: mean over all weights of exact minus
                 * rounded */
  double *mean; /* [n_layers][n_heads]: of the exact weights */
} EngSoftmaxBias;

/* Blocking: runs a part of the calibration text, with progress and cancel of @job (nullable),
 * unless it is known already, in memory or in the user's cache. Borrowed: lives as long as @model.
 * Fails like eng_activations_load(). */
const EngSoftmaxBias *eng_softmax_bias_load (EngModel *model, EngRecipe *recipe, EngJob *job,
                                             GError **error);
/* The same if it is in memory, else NULL: for words about it. */
const EngSoftmaxBias *eng_softmax_bias_peek (EngModel *model, EngRecipe *recipe);

static inline double
eng_softmax_bias_lost (const EngSoftmaxBias *bias, guint layer, guint head, guint bits)
{
  return bias
      ->lost[(layer * bias->n_heads + head) * ENG_SOFTMAX_N_BITS + bits - ENG_SOFTMAX_MIN_BITS];
}

/* Steps from 0 to 1 with codes of @bits. */
static inline float
eng_softmax_levels (guint bits)
{
  return (float)((1u << bits) - 1);
}

G_END_DECLS
