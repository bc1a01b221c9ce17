/* How many tokens to draft next: the number that gains the most, by what acceptance and costs have
 * been so far; none where drafting does not pay.
 *
 * A round of @k drafted tokens emits 1 + a1 + a1 a2 + ... tokens (a_d: acceptance at depth d, given
 * that all before were accepted) and takes draft (k) + verify (k + 1). Over a text the best rule is
 * the one that maximises tokens - rate * time, where rate is the tokens per time that the text has
 * lately (renewal reward; Leviathan et al. 2023, section 3.4 is the case of one acceptance and no
 * cost of more tokens).
 *
 * What speculation may lose against plain decoding is a budget: a plain step, and a small share of
 * the time that plain decoding would have taken. A round whose tokens could all be rejected must
 * fit in what is left of it. So a text that drafts badly falls back to plain steps by itself, and
 * tries again as the budget grows, at a known price. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rt-speculate.h"

/* Drafts of one kind are expected to be accepted alike: of a lookup by how long the match was; of a
 * model there is one class. */
#define RT_LENGTH_CLASSES 5
uint32_t rt_length_class (uint32_t match);

/* Ratios kept, of which the lower quartile counts. */
#define RT_LENGTH_TIMES 15

typedef struct
{
  uint32_t fixed; /* 0: automatic */
  uint32_t max;   /* of the automatic choice, at most RT_SPECULATE_MAX */
  uint32_t width; /* chains of a tree: a round of length k runs 1 + width * k tokens at most */
  bool fallback;  /* keep to the budget; without it a fixed length is always drafted */
  double prior;   /* acceptance before anything is known: 0.5 for lookup, 0.7 for a model */
} RtLengthConfig;

typedef enum
{
  RT_LENGTH_DRAFT,
  RT_LENGTH_PROBE,    /* a draft after plain steps that the budget had forced */
  RT_LENGTH_NONE,     /* the best length is 0 */
  RT_LENGTH_FALLBACK, /* the budget does not allow what would be tried */
} RtLengthVerdict;

typedef struct
{
  RtLengthVerdict verdict;
  uint32_t length;  /* 0: a plain step */
  double predicted; /* speed-up of this round against plain steps; NAN: costs are not known */
} RtLengthChoice;

typedef struct
{
  float ratios[RT_LENGTH_TIMES];
  uint32_t n; /* ever added */
} RtLengthRatios;

typedef struct
{
  double tested, accepted; /* fading */
} RtLengthCount;

/* Plain data: copy it to begin again from the same knowledge. */
typedef struct
{
  RtLengthConfig config;
  /* The cost of n tokens: calibrated * drift * correction. What slows the machine down slows all
   * sizes down; what is left is a size's own. */
  double shape[RT_SPECULATE_MAX + 2]; /* ns by number of tokens, as calibrated; 0: not */
  RtLengthRatios drift;               /* seen over calibrated, of all sizes */
  RtLengthRatios corrections[RT_SPECULATE_MAX + 2]; /* what is left of that, by number of tokens */
  double draft_ns, catch_up_ns; /* of a model: per drafted token; per token of the text that it has
                                 * not read */
  RtLengthCount counts[RT_LENGTH_CLASSES][RT_SPECULATE_MAX];
  /* In plain steps, by the costs above and not by the clock: what another program takes is not the
   * draft's fault. */
  double recent_tokens, recent_steps; /* fading: the rate */
  double lost_steps, plain_steps;     /* against plain decoding; what that would have taken */
  uint32_t since_plain;               /* rounds */
  bool fell_back;
} RtDraftLength;

void rt_length_init (RtDraftLength *self, const RtLengthConfig *config);

/* Another text: acceptance and losses are forgotten, costs are not. */
void rt_length_begin (RtDraftLength *self);

/* Calibration, before the text: what a run over @n_tokens takes; what the drafter takes. */
void rt_length_set_cost (RtDraftLength *self, uint32_t n_tokens, double ns);
void rt_length_set_draft_cost (RtDraftLength *self, double per_token_ns, double catch_up_ns);

/* What a run over @n_tokens takes now; 0: nothing is known. */
double rt_length_cost (const RtDraftLength *self, uint32_t n_tokens);
/* Acceptance at @depth (from 1) of drafts of @class. */
double rt_length_acceptance (const RtDraftLength *self, uint32_t class, uint32_t depth);

/* At most @n_most tokens deep; 0: nothing can be drafted. @n_unread: tokens of the text that the
 * draft model has not read. */
RtLengthChoice rt_length_choose (RtDraftLength *self, uint32_t class, uint32_t n_most,
                                 uint32_t n_unread);

typedef struct
{
  uint32_t class, length;        /* as drafted; 0: a plain step */
  uint32_t n_tested, n_accepted; /* depths */
  uint32_t n_run, n_emitted;     /* tokens */
  double draft_ns, verify_ns;    /* NAN: not known, nothing is learned from them */
} RtLengthRound;
void rt_length_learn (RtDraftLength *self, const RtLengthRound *round);
