/* Speculative decoding, round by round: draft, verify in one run, keep what the model would have
 * written, cut the caches. Chen et al. 2023, Accelerating Large Language Model Decoding with
 * Speculative Sampling; Leviathan et al. 2023.
 *
 * Everything that the text consists of so far is in the model's cache but its last token, before
 * and after every round. */
#pragma once

#include "rt-speculate-draft.h"
#include "rt-speculate-length.h"
#include "rt-speculate-lookup.h"

typedef struct RtSpeculator RtSpeculator;

typedef struct
{
  RtExec *exec;       /* borrowed */
  uint32_t max_run;   /* tokens and outputs that it is planned for; more than RT_SPECULATE_MAX + 1
                       * are not used */
  RtSampler *sampler; /* borrowed */
  RtDrafter *drafter; /* borrowed; NULL: prompt lookup */
  uint32_t min_match, max_match; /* of the lookup */
  uint32_t tree_width;           /* 1: a chain; else the lookup's places, or the drafter's chains */
  bool replacement;              /* how the drafter draws siblings */
  RtLengthConfig length;
} RtSpeculatorConfig;

/* One round. Times are rt_now_ns (). */
typedef struct
{
  RtDraft drafts[RT_SPECULATE_MAX];
  uint32_t n_drafts;
  RtVerified verified; /* what the text goes on with */
  RtLengthChoice choice;
  uint32_t match; /* of the lookup: tokens found again */
  uint32_t n_run; /* tokens of the model's run */
  bool tried;     /* drafting was tried; it may have had nothing to offer */
  uint64_t begun_ns, drafted_ns, verified_ns, ended_ns;
} RtRound;

RtSpeculator *rt_speculator_new (const RtSpeculatorConfig *config, RtError *error);
void rt_speculator_free (RtSpeculator *speculator); /* accepts NULL */

/* The text is tokens[0 .. n), n at least 1. The model's cache holds n - 1 of them at the least and
 * is cut to that; the drafter's holds a beginning of it (cut it before where it held another text)
 * and reads the rest. What was learned of acceptance is forgotten, of costs not. */
bool rt_speculator_begin (RtSpeculator *speculator, const int32_t *tokens, uint32_t n,
                          RtError *error);
/* Time runs over 1 to so many tokens, and the drafter's, after the text: about @budget_ns, at least
 * once each for a few sizes. Once per machine, before rt_speculator_begin() is called for good. The
 * fastest run of each size counts. */
bool rt_speculator_calibrate (RtSpeculator *speculator, uint64_t budget_ns, RtError *error);

/* One round of at most @n_most tokens (1: a plain step). @plain: a plain step in any case. false
 * with RT_OK in @error: the model gave logits that are no numbers; what was accepted before stands
 * in @round. The text goes on with round->verified. */
bool rt_speculator_round (RtSpeculator *speculator, uint32_t n_most, bool plain, RtRound *round,
                          RtError *error);
/* Tokens are chosen by @sampler from now on: borrowed, of the same settings. */
void rt_speculator_set_sampler (RtSpeculator *speculator, RtSampler *sampler);
/* A round's times are not to be learned from (it was instrumented): say so before it. */
void rt_speculator_set_timing (RtSpeculator *speculator, bool timing);

const RtDraftLength *rt_speculator_length (const RtSpeculator *speculator);
uint32_t rt_speculator_n_tokens (const RtSpeculator *speculator);
