/* The drafter that is a model: it keeps up with the text in a cache of its own and runs ahead of
 * it. Called by the speculator; must not know who accepts what. */
#include "rt-speculate-draft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct RtDrafter
{
  RtExec *exec;
  RtSampler *sampler;
  uint32_t n_vocab; /* of the text's model */
  uint32_t width, chunk;
  bool replacement, greedy;
  float *q; /* [RT_SPECULATE_MAX + 1][n_vocab] of rows; NULL when greedy */
  bool has_q[RT_SPECULATE_MAX + 1];
  float *left; /* [n_vocab] what siblings are drawn from */
};

RtDrafter *
rt_drafter_new (RtExec *exec, uint32_t chunk, const RtSamplerConfig *config, uint32_t n_vocab,
                uint32_t width, bool replacement, RtError *error)
{
  RtDrafter *self = calloc (1, sizeof *self);

  if (self == NULL)
    {
      rt_fail (error, RT_ERROR_MEMORY, "no memory for a drafter");
      return NULL;
    }
  self->exec = exec;
  self->n_vocab = n_vocab;
  self->width = width;
  self->chunk = chunk;
  self->replacement = replacement;
  self->greedy = config->temperature == 0;
  self->sampler = rt_sampler_new (config, n_vocab, error);
  self->left = malloc (n_vocab * sizeof *self->left);
  if (!self->greedy)
    self->q = malloc ((size_t)(RT_SPECULATE_MAX + 1) * n_vocab * sizeof *self->q);
  if (self->sampler == NULL || self->left == NULL || (!self->greedy && self->q == NULL))
    {
      if (self->sampler != NULL)
        rt_fail (error, RT_ERROR_MEMORY, "no memory for the distributions of drafts");
      rt_drafter_free (self);
      return NULL;
    }
  rt_drafter_reseed (self, config->seed);
  return self;
}

void
rt_drafter_free (RtDrafter *self)
{
  if (self == NULL)
    return;
  rt_sampler_free (self->sampler);
  free (self->q);
  free (self->left);
  free (self);
}

uint32_t
rt_drafter_n_read (const RtDrafter *self)
{
  return rt_kv_n_used (rt_exec_kv (self->exec));
}

void
rt_drafter_truncate (RtDrafter *self, uint32_t n)
{
  RtKv *kv = rt_exec_kv (self->exec);
  if (rt_kv_n_used (kv) > n)
    rt_kv_set_n_used (kv, n);
}

void
rt_drafter_reseed (RtDrafter *self, uint64_t seed)
{
  /* Apart from the text's own numbers: a draft must not foretell what tests it. */
  rt_sampler_reseed (self->sampler, seed ^ 0x9e3779b97f4a7c15u);
}

uint32_t
rt_drafter_room (const RtDrafter *self, uint32_t n)
{
  uint32_t capacity = rt_kv_capacity (rt_exec_kv (self->exec));
  return n > capacity ? 0 : (capacity - n) / self->width + 1;
}

/* Read up to the end of tokens[0 .. n); at least the last one when logits are wanted. */
static bool
read_on (RtDrafter *self, const int32_t *tokens, uint32_t n, bool want_logits, RtError *error)
{
  if (want_logits && rt_drafter_n_read (self) >= n)
    rt_drafter_truncate (self, n - 1);
  for (uint32_t at = rt_drafter_n_read (self); at < n;)
    {
      uint32_t count = n - at < self->chunk ? n - at : self->chunk;
      bool last = at + count == n;
      if (!rt_exec_run (self->exec, tokens + at, count, want_logits && last, RT_PHASE_DECODE,
                        error))
        return false;
      at += count;
    }
  return true;
}

bool
rt_drafter_read (RtDrafter *self, const int32_t *tokens, uint32_t n, RtError *error)
{
  return read_on (self, tokens, n, false, error);
}

/* ---- Choosing ---- */

/* The likeliest @width tokens of @logits; how many there are. */
static uint32_t
choose_best (RtDrafter *self, const float *logits, uint32_t width, int32_t *tokens)
{
  uint32_t n = 0;

  if (width > 1)
    {
      memcpy (self->left, logits, self->n_vocab * sizeof *self->left);
      logits = self->left;
    }
  for (; n < width; n++)
    {
      tokens[n] = rt_sampler_next (self->sampler, logits);
      if (tokens[n] < 0)
        break;
      if (width > 1)
        self->left[tokens[n]] = -INFINITY;
    }
  return n;
}

/* @width tokens drawn for @row from its distribution, which is kept; how many there are. */
static uint32_t
choose_drawn (RtDrafter *self, const float *logits, uint32_t row, uint32_t width, int32_t *tokens,
              float *probabilities)
{
  float *q = self->q + (size_t)row * self->n_vocab;
  const float *from = q;
  uint32_t n = 0;

  if (!rt_sampler_distribution (self->sampler, logits, q))
    return 0;
  self->has_q[row] = true;
  if (width > 1 && !self->replacement)
    from = memcpy (self->left, q, self->n_vocab * sizeof *q);
  for (; n < width; n++)
    {
      tokens[n] = rt_sampler_draw (self->sampler, from);
      if (tokens[n] < 0)
        break;
      probabilities[n] = q[tokens[n]];
      if (width > 1 && !self->replacement)
        rt_speculate_exclude (self->left, tokens[n], self->n_vocab);
    }
  return n;
}

/* Add @width drafts that go on from @parent, whose row is one further. */
static uint32_t
add_drafts (RtDrafter *self, const float *logits, uint32_t parent, uint32_t width, RtDraft *drafts,
            uint32_t n)
{
  int32_t tokens[RT_SPECULATE_MAX];
  float probabilities[RT_SPECULATE_MAX];
  uint32_t count = self->greedy
                       ? choose_best (self, logits, width, tokens)
                       : choose_drawn (self, logits, parent + 1, width, tokens, probabilities);

  for (uint32_t i = 0; i < count; i++)
    drafts[n + i] = (RtDraft){ .token = tokens[i],
                               .parent = parent,
                               .probability = self->greedy ? NAN : probabilities[i] };
  return count;
}

/* ---- Drafting ---- */

/* One chain: every token is read at once, as a part of the text that may be taken back. */
static bool
draft_chain (RtDrafter *self, uint32_t length, RtDraft *drafts, uint32_t *n, RtError *error)
{
  uint32_t parent = RT_DRAFT_ROOT;

  for (*n = 0; *n < length;)
    {
      if (add_drafts (self, rt_exec_logits (self->exec, 0), parent, 1, drafts, *n) == 0)
        break;
      parent = (*n)++;
      if (*n < length
          && !rt_exec_run (self->exec, &drafts[parent].token, 1, 1, RT_PHASE_DECODE, error))
        return false;
    }
  return true;
}

/* Several chains below the text's end, depth by depth: a run over all of them so far gives the rows
 * of the last ones. Draft d * width + j is token d of chain j. */
static bool
draft_tree (RtDrafter *self, uint32_t length, RtDraft *drafts, uint32_t *n, RtError *error)
{
  int32_t tokens[RT_SPECULATE_MAX];
  uint32_t parents[RT_SPECULATE_MAX];
  uint32_t width
      = add_drafts (self, rt_exec_logits (self->exec, 0), RT_DRAFT_ROOT, self->width, drafts, 0);

  *n = width;
  for (uint32_t depth = 1; depth < length && width > 0 && *n + width <= RT_SPECULATE_MAX; depth++)
    {
      uint32_t first = *n - width;
      for (uint32_t i = 0; i < *n; i++)
        {
          tokens[i] = drafts[i].token;
          parents[i] = drafts[i].parent;
        }
      if (!rt_exec_run_tree (self->exec, tokens, parents, *n, width, RT_PHASE_DECODE, error))
        return false;
      for (uint32_t j = 0; j < width; j++)
        if (add_drafts (self, rt_exec_logits (self->exec, j), first + j, 1, drafts, *n) == 1)
          ++*n;
      if (*n != first + 2 * width)
        break; /* a row had nothing to choose: the shape would no longer be that of chains */
    }
  return true;
}

bool
rt_drafter_draft (RtDrafter *self, const int32_t *tokens, uint32_t n_tokens, uint32_t length,
                  RtDraft *drafts, uint32_t *n, RtError *error)
{
  memset (self->has_q, 0, sizeof self->has_q);
  *n = 0;
  if (!read_on (self, tokens, n_tokens, true, error))
    return false;
  return self->width > 1 ? draft_tree (self, length, drafts, n, error)
                         : draft_chain (self, length, drafts, n, error);
}

const float *
rt_drafter_q (const RtDrafter *self, uint32_t row)
{
  return self->has_q[row] ? self->q + (size_t)row * self->n_vocab : NULL;
}
