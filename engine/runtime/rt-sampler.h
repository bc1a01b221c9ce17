/* Choosing the next token. Deterministic for a seed, on every machine. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "rt-error.h"

typedef struct
{
  float temperature; /* 0: greedy, the first of equal maxima; the rest is then ignored */
  uint32_t top_k;    /* 0, or more than there are tokens: off */
  float top_p;       /* 0..1; 1: off */
  float min_p;       /* 0..1; 0: off */
  uint64_t seed;
} RtSamplerConfig;

typedef struct RtSampler RtSampler;

/* RT_ERROR_RANGE names the setting that is out of range. Allocates 8 bytes per token. */
RtSampler *rt_sampler_new (const RtSamplerConfig *config, uint32_t n_vocab, RtError *error);
void rt_sampler_free (RtSampler *sampler); /* accepts NULL */

/* The next token for @logits [n_vocab]. Filters in the order top-k, top-p (the smallest set of the
 * best whose share of what top-k left reaches it), min-p (at least this times the best's
 * probability), all on the softmax at temperature 1; then draws at the temperature. The best token
 * always stays. NaN counts as -inf; an infinite logit is taken at once.
 * -1: no logit is a number, there is nothing to choose. Does not allocate. */
int32_t rt_sampler_next (RtSampler *sampler, const float *logits);

/* ---- for speculative decoding ---- */

const RtSamplerConfig *rt_sampler_config (const RtSampler *sampler);
/* Random numbers begin again, as for a new sampler with this seed. */
void rt_sampler_reseed (RtSampler *sampler, uint64_t seed);

/* The distribution that rt_sampler_next() draws from, filters and temperature included: @p
 * [n_vocab] sums to 1 up to rounding; all of it on one token when greedy. false: there is nothing
 * to choose. Does not draw, does not allocate. */
bool rt_sampler_distribution (RtSampler *sampler, const float *logits, float *p);
/* One of @p [n_vocab], not negative, in proportion to it; -1: all are zero. One random number. */
int32_t rt_sampler_draw (RtSampler *sampler, const float *p);
/* A random number in [0, 1). */
double rt_sampler_unit (RtSampler *sampler);
