/* The rounds of speculative decoding. Called by the studio's measuring loop and by the runner on a
 * board; knows executors and caches, not figures. */
#include "rt-speculate-round.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rt-trace.h"

struct RtSpeculator
{
  RtSpeculatorConfig config;
  uint32_t n_vocab;
  RtLookup *lookup; /* the text; also where nothing is looked up in it */
  RtDraftLength length;
  bool timing;
  float *p, *left; /* [n_vocab] for tested drafts; NULL where they are drawn first */
};

RtSpeculator *
rt_speculator_new (const RtSpeculatorConfig *config, RtError *error)
{
  RtSpeculator *self = calloc (1, sizeof *self);

  if (self == NULL)
    goto no_memory;
  self->config = *config;
  self->timing = true;
  self->n_vocab = rt_exec_n_vocab (config->exec);
  self->config.length.width = config->tree_width;
  if (self->config.max_run > RT_SPECULATE_MAX + 1)
    self->config.max_run = RT_SPECULATE_MAX + 1;
  rt_length_init (&self->length, &self->config.length);
  self->lookup
      = rt_lookup_new (config->drafter != NULL ? 1 : config->min_match,
                       config->drafter != NULL ? 1 : config->max_match,
                       rt_kv_capacity (rt_exec_kv (config->exec)) + RT_SPECULATE_MAX + 1, error);
  if (self->lookup == NULL)
    {
      rt_speculator_free (self);
      return NULL;
    }
  if (config->drafter != NULL && rt_sampler_config (config->sampler)->temperature > 0)
    {
      self->p = malloc (self->n_vocab * sizeof *self->p);
      self->left = malloc (self->n_vocab * sizeof *self->left);
      if (self->p == NULL || self->left == NULL)
        goto no_memory;
    }
  return self;

no_memory:
  rt_speculator_free (self);
  rt_fail (error, RT_ERROR_MEMORY, "no memory to speculate with");
  return NULL;
}

void
rt_speculator_free (RtSpeculator *self)
{
  if (self == NULL)
    return;
  rt_lookup_free (self->lookup);
  free (self->p);
  free (self->left);
  free (self);
}

const RtDraftLength *
rt_speculator_length (const RtSpeculator *self)
{
  return &self->length;
}

uint32_t
rt_speculator_n_tokens (const RtSpeculator *self)
{
  return rt_lookup_n_tokens (self->lookup);
}

void
rt_speculator_set_sampler (RtSpeculator *self, RtSampler *sampler)
{
  self->config.sampler = sampler;
}

void
rt_speculator_set_timing (RtSpeculator *self, bool timing)
{
  self->timing = timing;
}

bool
rt_speculator_begin (RtSpeculator *self, const int32_t *tokens, uint32_t n, RtError *error)
{
  RtKv *kv = rt_exec_kv (self->config.exec);

  rt_lookup_clear (self->lookup);
  for (uint32_t i = 0; i < n; i++)
    rt_lookup_push (self->lookup, tokens[i]);
  if (rt_kv_n_used (kv) > n - 1)
    rt_kv_set_n_used (kv, n - 1);
  rt_length_begin (&self->length);
  if (self->config.drafter == NULL)
    return true;
  rt_drafter_truncate (self->config.drafter, n - 1);
  rt_drafter_reseed (self->config.drafter, rt_sampler_config (self->config.sampler)->seed);
  return rt_drafter_room (self->config.drafter, n) == 0
         || rt_drafter_read (self->config.drafter, tokens, n, error);
}

/* ---- Calibrating ---- */

/* The least that runs of one size took: by the clock, and of the processors. */
typedef struct
{
  double ns, processor_ns;
} Timed;

static double
processor_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double
least (double a, double b)
{
  return a == 0 || b < a ? b : a;
}

/* One run over @n tokens after the text so far. */
static bool
time_run (RtSpeculator *self, uint32_t n, Timed *timed, RtError *error)
{
  RtKv *kv = rt_exec_kv (self->config.exec);
  uint32_t used = rt_kv_n_used (kv);
  const int32_t *text = rt_lookup_tokens (self->lookup);
  uint32_t n_text = rt_lookup_n_tokens (self->lookup);
  int32_t tokens[RT_SPECULATE_MAX + 1];

  for (uint32_t i = 0; i < n; i++)
    tokens[i] = text[(n_text - 1 + i) % n_text];
  double processor = processor_ns ();
  uint64_t start = rt_now_ns ();
  if (!rt_exec_run (self->config.exec, tokens, n, n, RT_PHASE_DECODE, error))
    return false;
  timed->ns = least (timed->ns, (double)(rt_now_ns () - start));
  timed->processor_ns = least (timed->processor_ns, processor_ns () - processor);
  rt_kv_set_n_used (kv, used);
  return true;
}

/* What a run over @n tokens takes where one over one token takes @one: by the clock, as long as the
 * time of the processors agrees. On a busy machine a long run never passes undisturbed and a short
 * one does; the processors' time is then the better ratio. Of several threads it holds what they
 * waited for each other, which hides what tokens cost: the truth lies between the two. */
static double
agreed_ns (const Timed *one, const Timed *timed, uint32_t n)
{
  double clock = timed->ns / one->ns, processor = timed->processor_ns / one->processor_ns;
  bool threads = one->processor_ns > 1.2 * one->ns;
  double ratio = clock;

  if (clock > 1.25 * processor || clock < 0.8 * processor)
    ratio = threads ? sqrt (clock * processor) : processor;
  /* No more than one after the other, no less than one. */
  return one->ns * fmin (fmax (ratio, 1), n);
}

/* What the drafter takes per token, and per token that it only reads. */
static bool
time_drafter (RtSpeculator *self, RtError *error)
{
  RtDrafter *drafter = self->config.drafter;
  const int32_t *text = rt_lookup_tokens (self->lookup);
  uint32_t n = rt_lookup_n_tokens (self->lookup), n_drafts;
  RtDraft drafts[RT_SPECULATE_MAX];
  double best = 0;
  uint64_t start, per_token = 0;

  if (rt_drafter_room (drafter, n) < 4)
    return true;
  for (uint32_t i = 0; i < 3; i++)
    {
      /* With the text read but for its last token. */
      if (!rt_drafter_read (drafter, text, n, error))
        return false;
      rt_drafter_truncate (drafter, n - 1);
      uint32_t length = self->config.tree_width > 4 ? 2 : 4;
      start = rt_now_ns ();
      if (!rt_drafter_draft (drafter, text, n, length, drafts, &n_drafts, error))
        return false;
      double ns = (double)(rt_now_ns () - start) / length;
      if (best == 0 || ns < best)
        best = ns;
    }
  uint32_t n_read = n < 16 ? n : 16;
  rt_drafter_truncate (drafter, n - n_read);
  start = rt_now_ns ();
  if (!rt_drafter_read (drafter, text, n, error))
    return false;
  per_token = (rt_now_ns () - start) / n_read;
  rt_length_set_draft_cost (&self->length, best, (double)per_token);
  return true;
}

/* The fastest of so many: what the machine can do when it is left alone. */
#define CALIBRATION_ROUNDS 16

bool
rt_speculator_calibrate (RtSpeculator *self, uint64_t budget_ns, RtError *error)
{
  /* Few tokens first, where every one counts, then where kernels change to larger tiles. */
  static const uint8_t sizes[] = { 1, 2, 5, 9, 3, 7, 4, 6, 8, 17, 13, 11, 10, 12, 15 };
  RtKv *kv = rt_exec_kv (self->config.exec);
  uint32_t room = rt_kv_capacity (kv) - rt_kv_n_used (kv);
  room = room < self->config.max_run ? room : self->config.max_run;
  Timed best[sizeof sizes] = { 0 };
  uint64_t start = rt_now_ns ();

  for (uint32_t round = 0; round < CALIBRATION_ROUNDS; round++)
    for (uint32_t i = 0; i < sizeof sizes; i++)
      {
        if (sizes[i] > room || ((round > 0 || i >= 4) && rt_now_ns () - start > budget_ns))
          continue;
        /* The first of a size warms its kernels up. */
        if (round == 0 && !time_run (self, sizes[i], &(Timed){ 0 }, error))
          return false;
        if (!time_run (self, sizes[i], &best[i], error))
          return false;
      }
  for (uint32_t i = 0; i < sizeof sizes; i++)
    {
      double ns = agreed_ns (&best[0], &best[i], sizes[i]);
      /* Fewer tokens never take more time: what says so was disturbed. */
      for (uint32_t k = 0; k < sizeof sizes; k++)
        if (sizes[k] > sizes[i] && best[k].ns > 0)
          ns = fmin (ns, agreed_ns (&best[0], &best[k], sizes[k]));
      if (best[i].ns > 0)
        rt_length_set_cost (&self->length, sizes[i], ns);
    }
  if (self->config.drafter != NULL && !time_drafter (self, error))
    return false;
  return true;
}

/* ---- A round ---- */

/* Looked up. *@n_most: the depth that there is room for, which a longer match may make worth
 * using. */
static void
draft_by_lookup (RtSpeculator *self, uint32_t n_most, RtRound *round)
{
  int32_t tokens[RT_SPECULATE_MAX];
  uint32_t parents[RT_SPECULATE_MAX], n;
  uint32_t width = self->config.tree_width;

  round->tried = true;
  n = rt_lookup_find (self->lookup, n_most, tokens, &round->match);
  if (n == 0)
    return;
  round->choice = rt_length_choose (&self->length, rt_length_class (round->match), n, 0);
  n = round->choice.length;
  for (uint32_t i = 0; i < n; i++)
    parents[i] = i == 0 ? RT_DRAFT_ROOT : i - 1;
  if (n > 0 && width > 1)
    {
      uint32_t most = self->config.max_run - 1;
      uint32_t n_all = width * n < most ? width * n : most;
      n = rt_lookup_find_tree (self->lookup, width, n, n_all, tokens, parents, &round->match);
    }
  for (uint32_t i = 0; i < n; i++)
    round->drafts[i] = (RtDraft){ .token = tokens[i], .parent = parents[i], .probability = NAN };
  round->n_drafts = n;
}

static bool
draft_by_model (RtSpeculator *self, uint32_t n_most, RtRound *round, RtError *error)
{
  RtDrafter *drafter = self->config.drafter;
  const int32_t *text = rt_lookup_tokens (self->lookup);
  uint32_t n = rt_lookup_n_tokens (self->lookup), room = rt_drafter_room (drafter, n);
  uint32_t n_read = rt_drafter_n_read (drafter);

  n_most = n_most < room ? n_most : room;
  round->choice = rt_length_choose (&self->length, 0, n_most, n_read + 1 < n ? n - 1 - n_read : 0);
  if (round->choice.length == 0)
    return true;
  round->tried = true;
  return rt_drafter_draft (drafter, text, n, round->choice.length, round->drafts, &round->n_drafts,
                           error);
}

/* Draft up to @n_most deep. */
static bool
draft (RtSpeculator *self, uint32_t n_most, RtRound *round, RtError *error)
{
  uint32_t most = (self->config.max_run - 1) / self->config.tree_width;

  n_most = n_most < most ? n_most : most;
  if (n_most == 0)
    return true;
  if (self->config.drafter != NULL)
    return draft_by_model (self, n_most, round, error);
  draft_by_lookup (self, n_most, round);
  return true;
}

/* Run the text's last token and the drafts; row 0 is the last token's. */
static bool
run (RtSpeculator *self, RtRound *round, uint32_t first, RtError *error)
{
  int32_t tokens[RT_SPECULATE_MAX + 1];
  uint32_t parents[RT_SPECULATE_MAX + 1];
  uint32_t n = 1 + round->n_drafts;
  bool chain = true;

  tokens[0] = rt_lookup_tokens (self->lookup)[first];
  parents[0] = RT_DRAFT_ROOT;
  for (uint32_t i = 0; i < round->n_drafts; i++)
    {
      tokens[i + 1] = round->drafts[i].token;
      parents[i + 1] = round->drafts[i].parent + 1; /* the root is token 0 */
      chain = chain && parents[i + 1] == i;
    }
  round->n_run = n;
  return chain
             ? rt_exec_run (self->config.exec, tokens, n, n, RT_PHASE_DECODE, error)
             : rt_exec_run_tree (self->config.exec, tokens, parents, n, n, RT_PHASE_DECODE, error);
}

static const float *
logits_row (void *data, uint32_t row)
{
  return rt_exec_logits (((RtSpeculator *)data)->config.exec, row);
}

static const float *
q_row (void *data, uint32_t row)
{
  return rt_drafter_q (((RtSpeculator *)data)->config.drafter, row);
}

static bool
verify (RtSpeculator *self, RtRound *round)
{
  RtSampler *sampler = self->config.sampler;

  if (self->p == NULL)
    return rt_speculate_verify_drawn (sampler, round->drafts, round->n_drafts, logits_row, self,
                                      &round->verified);
  return rt_speculate_verify_tested (sampler, round->drafts, round->n_drafts,
                                     self->config.replacement, logits_row, q_row, self, self->p,
                                     self->left, self->n_vocab, &round->verified);
}

/* The model's cache holds the text but its last token again. */
static void
keep (RtSpeculator *self, const RtRound *round, uint32_t first)
{
  uint32_t slots[RT_SPECULATE_MAX + 1];
  const RtVerified *verified = &round->verified;
  RtKv *kv = rt_exec_kv (self->config.exec);

  if (rt_kv_n_used (kv) > first) /* a chain was run: its beginning is what is kept */
    rt_kv_set_n_used (kv, first + 1 + verified->n_accepted);
  else
    {
      slots[0] = 0;
      for (uint32_t i = 0; i < verified->n_accepted; i++)
        slots[i + 1] = verified->path[i] + 1;
      rt_kv_keep (kv, first, slots, 1 + verified->n_accepted);
    }
  if (self->config.drafter != NULL)
    rt_drafter_truncate (self->config.drafter, first + 1 + verified->n_accepted);
  for (uint32_t i = 0; i < verified->n_tokens; i++)
    rt_lookup_push (self->lookup, verified->tokens[i]);
}

/* How many depths were tested. */
static uint32_t
n_depths_tested (const RtRound *round)
{
  uint32_t at = round->verified.n_accepted > 0
                    ? round->verified.path[round->verified.n_accepted - 1]
                    : RT_DRAFT_ROOT;

  for (uint32_t i = 0; i < round->n_drafts; i++)
    if (round->drafts[i].parent == at)
      return round->verified.n_accepted + 1;
  return round->verified.n_accepted;
}

static void
learn (RtSpeculator *self, const RtRound *round)
{
  rt_length_learn (&self->length,
                   &(RtLengthRound){
                       .class = self->config.drafter != NULL ? 0 : rt_length_class (round->match),
                       .length = round->n_drafts > 0 ? round->choice.length : 0,
                       .n_tested = n_depths_tested (round),
                       .n_accepted = round->verified.n_accepted,
                       .n_run = round->n_run,
                       .n_emitted = round->verified.n_tokens,
                       .draft_ns
                       = self->timing ? (double)(round->drafted_ns - round->begun_ns) : NAN,
                       .verify_ns
                       = self->timing ? (double)(round->verified_ns - round->drafted_ns) : NAN });
}

bool
rt_speculator_round (RtSpeculator *self, uint32_t n_most, bool plain, RtRound *round,
                     RtError *error)
{
  RtKv *kv = rt_exec_kv (self->config.exec);
  uint32_t first = rt_kv_n_used (kv);
  uint32_t room = rt_kv_capacity (kv) - first;

  memset (round, 0, offsetof (RtRound, begun_ns));
  round->choice = (RtLengthChoice){ RT_LENGTH_NONE, 0, NAN };
  round->begun_ns = rt_now_ns ();
  n_most = n_most < room ? n_most : room;
  if (error != NULL)
    error->status = RT_OK;
  if (!plain && n_most > 1 && !draft (self, n_most - 1, round, error))
    return false;
  round->drafted_ns = rt_now_ns ();
  if (!run (self, round, first, error))
    {
      /* The text is as it was; what was drafted is forgotten. */
      if (self->config.drafter != NULL)
        rt_drafter_truncate (self->config.drafter, first + 1);
      return false;
    }
  round->verified_ns = rt_now_ns ();
  bool ok = verify (self, round);
  keep (self, round, first);
  round->ended_ns = rt_now_ns ();
  if (ok)
    learn (self, round);
  return ok;
}
