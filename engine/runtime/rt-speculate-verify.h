/* Which drafted tokens the model keeps. Arithmetic on distributions alone.
 *
 * A drafted tree hangs below the text's last token; of every token that was run the model's
 * distribution is known. The walk begins at the text's end and goes down as long as a child is
 * accepted; where none is, the model's own token ends the round. Two ways, each with the model's
 * very distribution:
 *
 *   drawn first   the token is chosen as in plain decoding, with the same random number; a child
 *                 that is that token is accepted. The text is the plain one, token by token,
 *                 sampled or not. A child is accepted with probability p(child): the best there is
 *                 when the drafter is sure of its token.
 *   tested        the drafter drew its tokens from distributions q that it kept. A child is
 *                 accepted with probability min(1, p/q); else p becomes what q left of it and the
 *                 next child is tested (Leviathan et al. 2023, section 2.3 and appendix A.1; of
 *                 siblings: Miao et al. 2024, SpecInfer, algorithm 2; without replacement: Jeon et
 *                 al. 2024, Recursive Speculative Decoding, algorithm 2). A chain is accepted with
 *                 probability sum min(p, q) per token. */
#pragma once

#include "rt-sampler.h"
#include "rt-speculate.h"

#define RT_DRAFT_ROOT UINT32_MAX /* the parent is the text's last token */

typedef struct
{
  int32_t token;
  uint32_t parent; /* index in the draft, below its own, or RT_DRAFT_ROOT */
  bool tested, accepted;
  float probability; /* that the drafter gave it; NAN: it gives none */
} RtDraft;

/* Rows of the run over the text's last token (row 0) and the drafts (row 1 + index). */
typedef const float *(*RtRowFunc) (void *data, uint32_t row);

typedef struct
{
  int32_t tokens[RT_SPECULATE_MAX + 1]; /* the accepted ones and the model's own, which is the
                                         * last */
  uint32_t n_tokens;
  uint32_t path[RT_SPECULATE_MAX]; /* indices of the accepted drafts */
  uint32_t n_accepted;
} RtVerified;

/* Drawn first. @logits gives the model's logits of a row. false: a row has nothing to choose, or
 * its choice is not a number; what was accepted before stands in @verified, without a token of the
 * model's own. */
bool rt_speculate_verify_drawn (RtSampler *sampler, RtDraft *drafts, uint32_t n, RtRowFunc logits,
                                void *data, RtVerified *verified);

/* One test: true with probability min(1, p/q) of @token. Otherwise @p [n_vocab] becomes the
 * distribution max(0, p - q) / its sum, from which the round goes on. */
bool rt_speculate_test (RtSampler *sampler, float *p, const float *q, int32_t token,
                        uint32_t n_vocab);
/* @q without @token, of sum 1 again: what its next sibling without replacement is drawn from. All
 * zero when there was nothing else. */
void rt_speculate_exclude (float *q, int32_t token, uint32_t n_vocab);

/* Tested. @q gives the distribution that the children of a row were drawn from (the first of them,
 * when without replacement), NULL for rows without children. @p, @left: [n_vocab], working memory.
 * false as above. */
bool rt_speculate_verify_tested (RtSampler *sampler, RtDraft *drafts, uint32_t n, bool replacement,
                                 RtRowFunc logits, RtRowFunc q, void *data, float *p, float *left,
                                 uint32_t n_vocab, RtVerified *verified);
