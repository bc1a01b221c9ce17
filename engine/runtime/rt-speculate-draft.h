/* Drafting by a model: a smaller one with the same vocabulary, or the same one made cheaper (fewer
 * blocks, fewer bits). */
#pragma once

#include "rt-exec.h"
#include "rt-speculate-verify.h"

typedef struct RtDrafter RtDrafter;

/* @exec is borrowed and has a cache of its own; planned for @chunk tokens and @width outputs.
 * @sampler: the settings that the text is sampled with; the drafter draws with random numbers of
 * its own. @n_vocab: tokens that the text's model knows; the drafter's may have more, which it then
 * never drafts. */
RtDrafter *rt_drafter_new (RtExec *exec, uint32_t chunk, const RtSamplerConfig *sampler,
                           uint32_t n_vocab, uint32_t width, bool replacement, RtError *error);
void rt_drafter_free (RtDrafter *drafter); /* accepts NULL */

/* Of the text tokens[0 .. n), what the drafter has read before and is still the same. */
uint32_t rt_drafter_n_read (const RtDrafter *drafter);
/* Forget all but the first @n tokens. */
void rt_drafter_truncate (RtDrafter *drafter, uint32_t n);
void rt_drafter_reseed (RtDrafter *drafter, uint64_t seed);
/* How deep it can draft after a text of @n tokens before its own context is full. */
uint32_t rt_drafter_room (const RtDrafter *drafter, uint32_t n);

/* Read what is new of the text tokens[0 .. n), in pieces that the executor is planned for. */
bool rt_drafter_read (RtDrafter *drafter, const int32_t *tokens, uint32_t n, RtError *error);
/* The same, and draft @width chains of @length tokens that go on from it into @drafts; *@n of them.
 * Greedy: the likeliest @width tokens, each with the likeliest after it; else drawn, and the
 * distributions are kept for rt_drafter_q(). */
bool rt_drafter_draft (RtDrafter *drafter, const int32_t *tokens, uint32_t n_tokens,
                       uint32_t length, RtDraft *drafts, uint32_t *n, RtError *error);
/* The distribution that the children of row @row (0: the text's end, else 1 + draft) were drawn
 * from; NULL: it has none. Until the next draft. */
const float *rt_drafter_q (const RtDrafter *drafter, uint32_t row);
