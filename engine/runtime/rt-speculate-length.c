/* The automatic draft length and the fallback. Called by the speculator before and after every
 * round; pure arithmetic, so that tests can play texts and machines to it. */
#include "rt-speculate-length.h"

#include <math.h>
#include <string.h>

/* What may be lost: so many plain steps, and this share of all plain time. Together they keep a
 * text of 64 tokens or more within 3 %. */
#define ALLOWED_STEPS 0.75
#define ALLOWED_SHARE 0.012
/* Gains and what was never spent are not saved up beyond this: a text that stops repeating is left
 * soon. */
#define MOST_BUDGET_STEPS 5.0

/* With this much unspent a draft is tried for what it may teach. */
#define EXPLORE_STEPS 2.5
#define EXPLORE_LENGTH 3
#define EXPLORE_COST 0.12

/* What was seen so many rounds ago counts 1/e. */
#define COUNT_MEMORY 24.0
/* Counts of classes that were not tried fade slower: in time they are tried again. */
#define IDLE_MEMORY 200.0
#define RATE_MEMORY 16.0
/* After so many rounds of drafts a plain step, to know what one costs by now. */
#define PLAIN_EVERY 48
/* A prior counts as so many tested tokens. */
#define PRIOR_WEIGHT 2.0

uint32_t
rt_length_class (uint32_t match)
{
  return match <= 1 ? 0 : match == 2 ? 1 : match == 3 ? 2 : match <= 5 ? 3 : 4;
}

void
rt_length_init (RtDraftLength *self, const RtLengthConfig *config)
{
  memset (self, 0, sizeof *self);
  self->config = *config;
}

void
rt_length_begin (RtDraftLength *self)
{
  memset (self->counts, 0, sizeof self->counts);
  self->recent_tokens = self->recent_steps = self->lost_steps = self->plain_steps = 0;
  self->fell_back = false;
}

/* ---- Costs ---- */

static void
add_ratio (RtLengthRatios *ratios, double ratio)
{
  ratios->ratios[ratios->n++ % RT_LENGTH_TIMES] = (float)ratio;
}

/* The lower quartile: other programs only ever add to a time. 1 when there are fewer than
 * @n_least. */
static double
typical_ratio (const RtLengthRatios *ratios, uint32_t n_least)
{
  float sorted[RT_LENGTH_TIMES];
  uint32_t n = ratios->n < RT_LENGTH_TIMES ? ratios->n : RT_LENGTH_TIMES;

  if (n < n_least || n == 0)
    return 1;
  for (uint32_t i = 0; i < n; i++)
    {
      uint32_t k = i;
      for (; k > 0 && sorted[k - 1] > ratios->ratios[i]; k--)
        sorted[k] = sorted[k - 1];
      sorted[k] = ratios->ratios[i];
    }
  return (double)sorted[n / 4];
}

void
rt_length_set_cost (RtDraftLength *self, uint32_t n_tokens, double ns)
{
  self->shape[n_tokens] = ns;
}

void
rt_length_set_draft_cost (RtDraftLength *self, double per_token_ns, double catch_up_ns)
{
  self->draft_ns = per_token_ns;
  self->catch_up_ns = catch_up_ns;
}

/* As calibrated, linear between what was; beyond it as steep as the last piece. 0: nothing was. */
static double
calibrated (const RtDraftLength *self, uint32_t n)
{
  uint32_t low = n, high = n;

  while (low > 0 && self->shape[low] <= 0)
    low--;
  while (high <= RT_SPECULATE_MAX + 1 && self->shape[high] <= 0)
    high++;
  if (low == 0)
    return high <= RT_SPECULATE_MAX + 1 ? self->shape[high] : 0;
  if (high <= RT_SPECULATE_MAX + 1)
    return high == low ? self->shape[n]
                       : self->shape[low]
                             + (self->shape[high] - self->shape[low]) * (n - low) / (high - low);
  uint32_t before = low - 1;
  while (before > 0 && self->shape[before] <= 0)
    before--;
  double slope = before > 0 ? (self->shape[low] - self->shape[before]) / (low - before) : 0;
  return self->shape[low] + (slope > 0 ? slope : 0) * (n - low);
}

/* Fewer ratios say too little against what was calibrated. */
#define LEAST_DRIFT 3
#define LEAST_CORRECTION 9
/* A size that seems farther off than this was disturbed. */
#define MOST_CORRECTION 1.5

static double
corrected (const RtDraftLength *self, uint32_t n_tokens)
{
  double correction = typical_ratio (&self->corrections[n_tokens], LEAST_CORRECTION);
  return calibrated (self, n_tokens)
         * fmin (fmax (correction, 1 / MOST_CORRECTION), MOST_CORRECTION);
}

double
rt_length_cost (const RtDraftLength *self, uint32_t n_tokens)
{
  double cost = corrected (self, n_tokens);

  if (n_tokens > 1) /* more tokens never take less time */
    cost = fmax (cost, corrected (self, 1));
  return cost * typical_ratio (&self->drift, LEAST_DRIFT);
}

/* ---- Acceptance ---- */

/* Over all depths of @class. */
static double
pooled (const RtDraftLength *self, uint32_t class)
{
  double tested = PRIOR_WEIGHT, accepted = PRIOR_WEIGHT * self->config.prior;

  for (uint32_t d = 0; d < RT_SPECULATE_MAX; d++)
    {
      tested += self->counts[class][d].tested;
      accepted += self->counts[class][d].accepted;
    }
  return accepted / tested;
}

double
rt_length_acceptance (const RtDraftLength *self, uint32_t class, uint32_t depth)
{
  const RtLengthCount *count = &self->counts[class][depth - 1];
  return (count->accepted + PRIOR_WEIGHT * pooled (self, class)) / (count->tested + PRIOR_WEIGHT);
}

/* ---- Choosing ---- */

/* Tokens that a round of @length runs. */
static uint32_t
n_run_of (const RtDraftLength *self, uint32_t length)
{
  uint32_t n = 1 + self->config.width * length;
  return n <= RT_SPECULATE_MAX + 1 ? n : RT_SPECULATE_MAX + 1;
}

static double
time_of (const RtDraftLength *self, uint32_t length, uint32_t n_unread)
{
  double ns = rt_length_cost (self, length == 0 ? 1 : n_run_of (self, length));
  return length == 0 ? ns : ns + length * self->draft_ns + n_unread * self->catch_up_ns;
}

static double
tokens_of (const RtDraftLength *self, uint32_t class, uint32_t length)
{
  double tokens = 1, kept = 1;

  for (uint32_t d = 1; d <= length; d++)
    {
      kept *= rt_length_acceptance (self, class, d);
      tokens += kept;
    }
  return tokens;
}

/* What may still be lost, in plain steps. */
static double
budget (const RtDraftLength *self)
{
  return ALLOWED_STEPS + ALLOWED_SHARE * self->plain_steps - self->lost_steps;
}

/* The length from @n_least to @n_most that gains the most; *@affordable: the same among those that
 * the budget allows, 0 when none is. Time is in plain steps. */
static uint32_t
best_length (const RtDraftLength *self, uint32_t class, uint32_t n_least, uint32_t n_most,
             uint32_t n_unread, double plain, uint32_t *affordable)
{
  double rate = self->recent_steps > 0 ? self->recent_tokens / self->recent_steps : 1;
  double left = budget (self), best_value = -INFINITY, affordable_value = -INFINITY;
  uint32_t best = 0;

  *affordable = 0;
  /* Never below what plain steps give: time is worth that much at least. */
  rate = rate > 1 ? rate : 1;
  if (n_least == 0)
    best_value = affordable_value = 1 - rate;
  for (uint32_t k = n_least > 0 ? n_least : 1; k <= n_most; k++)
    {
      double steps = time_of (self, k, n_unread) / plain;
      double value = tokens_of (self, class, k) - rate * steps;
      if (value > best_value)
        {
          best = k;
          best_value = value;
        }
      if (value > affordable_value && steps - 1 <= left)
        {
          *affordable = k;
          affordable_value = value;
        }
    }
  return best;
}

/* A length that would pay if tokens cost as little as they can: tried where there is budget to
 * spare, because a cost that was calibrated too high is never seen again otherwise. 0: none
 * would. */
static uint32_t
explored_length (const RtDraftLength *self, uint32_t class, uint32_t n_most, double plain)
{
  uint32_t best = 0;
  double best_value = 0;

  for (uint32_t k = 1; k <= n_most && k <= EXPLORE_LENGTH; k++)
    {
      double steps = 1 + EXPLORE_COST * self->config.width * k + k * self->draft_ns / plain;
      double value = tokens_of (self, class, k) - steps;
      if (value > best_value)
        {
          best = k;
          best_value = value;
        }
    }
  return best;
}

RtLengthChoice
rt_length_choose (RtDraftLength *self, uint32_t class, uint32_t n_most, uint32_t n_unread)
{
  const RtLengthConfig *config = &self->config;
  double plain = rt_length_cost (self, 1);
  uint32_t most = config->fixed > 0 ? config->fixed : config->max;
  RtLengthChoice choice = { RT_LENGTH_NONE, 0, NAN };

  most = most < n_most ? most : n_most;
  if (most == 0 || (config->fallback && self->since_plain >= PLAIN_EVERY))
    return choice;
  if (plain <= 0 || (config->fixed > 0 && !config->fallback))
    {
      /* Costs that are not known yet are found out by trying. */
      choice.verdict = RT_LENGTH_DRAFT;
      choice.length = most;
      if (plain > 0)
        choice.predicted = tokens_of (self, class, most) * plain / time_of (self, most, n_unread);
      return choice;
    }

  uint32_t affordable;
  uint32_t best
      = best_length (self, class, config->fixed > 0 ? most : 0, most, n_unread, plain, &affordable);
  if (!config->fallback)
    affordable = best;
  choice.length = affordable;
  choice.predicted
      = tokens_of (self, class, affordable) * plain / time_of (self, affordable, n_unread);
  if (affordable == 0 && best == 0 && budget (self) >= EXPLORE_STEPS)
    {
      choice.length = affordable = explored_length (self, class, most, plain);
      choice.predicted = affordable > 0 ? NAN : choice.predicted;
    }
  if (affordable > 0)
    choice.verdict = self->fell_back ? RT_LENGTH_PROBE : RT_LENGTH_DRAFT;
  else if (best > 0)
    choice.verdict = RT_LENGTH_FALLBACK;
  self->fell_back = choice.verdict == RT_LENGTH_FALLBACK
                    || (self->fell_back && choice.verdict == RT_LENGTH_NONE);
  return choice;
}

/* ---- Learning ---- */

static void
fade (RtDraftLength *self, uint32_t tried, bool any)
{
  double active = exp (-1 / COUNT_MEMORY), idle = exp (-1 / IDLE_MEMORY);

  for (uint32_t c = 0; c < RT_LENGTH_CLASSES; c++)
    for (uint32_t d = 0; d < RT_SPECULATE_MAX; d++)
      {
        double factor = any && c == tried ? active : idle;
        self->counts[c][d].tested *= factor;
        self->counts[c][d].accepted *= factor;
      }
}

/* Sizes between calibrated ones get a cost of their own, to be corrected. */
static void
own_shape (RtDraftLength *self, uint32_t n_run)
{
  if (self->shape[n_run] <= 0)
    self->shape[n_run] = calibrated (self, n_run);
}

static void
learn_time (RtDraftLength *self, uint32_t n_run, double verify_ns)
{
  own_shape (self, n_run);
  double expected = self->shape[n_run];

  if (expected <= 0)
    {
      self->shape[n_run] = verify_ns;
      return;
    }
  /* Time that other programs took is only ever too much: what was faster than calibrated was
   * calibrated while disturbed. */
  if (verify_ns < expected && n_run == 1)
    /* Of the others it is the ratio that was calibrated. */
    for (uint32_t n = 2; n <= RT_SPECULATE_MAX + 1; n++)
      self->shape[n] *= verify_ns / expected;
  if (verify_ns < expected)
    self->shape[n_run] = expected = verify_ns;
  add_ratio (&self->drift, verify_ns / expected);
  if (self->drift.n >= LEAST_DRIFT)
    add_ratio (&self->corrections[n_run],
               verify_ns / (expected * typical_ratio (&self->drift, LEAST_DRIFT)));
}

/* What drafting takes is learned too: of a model it grows with the text. */
static void
learn_draft (RtDraftLength *self, uint32_t length, double draft_ns)
{
  double each = draft_ns / length;

  if (self->draft_ns <= 0)
    self->draft_ns = each;
  else if (each < 3 * self->draft_ns)
    self->draft_ns += 0.1 * (each - self->draft_ns);
}

void
rt_length_learn (RtDraftLength *self, const RtLengthRound *round)
{
  fade (self, round->class, round->length > 0);
  for (uint32_t d = 0; d < round->n_tested; d++)
    {
      self->counts[round->class][d].tested += 1;
      self->counts[round->class][d].accepted += d < round->n_accepted;
    }
  if (isnan (round->verify_ns) || isnan (round->draft_ns))
    return;

  self->since_plain = round->n_run == 1 ? 0 : self->since_plain + 1;
  learn_time (self, round->n_run, round->verify_ns);
  if (round->length > 0)
    learn_draft (self, round->length, round->draft_ns);
  double plain = rt_length_cost (self, 1);
  if (plain <= 0)
    return;
  double steps = (rt_length_cost (self, round->n_run) + round->length * self->draft_ns) / plain;
  self->plain_steps += round->n_emitted;
  if (round->length > 0)
    self->lost_steps += steps - round->n_emitted;
  double spare = budget (self) - MOST_BUDGET_STEPS;
  if (spare > 0)
    self->lost_steps += spare;
  double keep = exp (-1 / RATE_MEMORY);
  self->recent_tokens = self->recent_tokens * keep + round->n_emitted;
  self->recent_steps = self->recent_steps * keep + steps;
}
