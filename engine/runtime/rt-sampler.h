/* Choosing the next token. Deterministic for a seed, on every machine. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "rt-error.h"

typedef struct
{
  float temperature; /* 0: greedy, the first of equal maxima */
  uint32_t top_k;    /* 0: off */
  float top_p;       /* 1: off */
  float min_p;       /* 0: off */
  uint64_t seed;
} RtSamplerConfig;

typedef struct RtSampler RtSampler;

RtSampler *rt_sampler_new (const RtSamplerConfig *config, uint32_t n_vocab, RtError *error);
void rt_sampler_free (RtSampler *sampler);
/* Filters in the order top-k, top-p, min-p on the softmax at temperature 1, then temperature, as documented in the .c. Does not allocate. */
int32_t rt_sampler_next (RtSampler *sampler, const float *logits);
