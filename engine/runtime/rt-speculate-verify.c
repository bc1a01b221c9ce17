/* Accepting and rejecting what was drafted, so that the text has the model's distribution. Called
 * by the speculator after a run; must not know executors, caches or time. */
#include "rt-speculate-verify.h"

#include <math.h>
#include <string.h>

static void
accept (RtVerified *verified, RtDraft *drafts, uint32_t index)
{
  drafts[index].accepted = true;
  verified->path[verified->n_accepted++] = index;
  verified->tokens[verified->n_tokens++] = drafts[index].token;
}

static bool
finish (RtVerified *verified, int32_t token, bool is_number)
{
  if (token < 0 || !is_number)
    return false;
  verified->tokens[verified->n_tokens++] = token;
  return true;
}

/* ---- Drawn first ---- */

bool
rt_speculate_verify_drawn (RtSampler *sampler, RtDraft *drafts, uint32_t n, RtRowFunc logits,
                           void *data, RtVerified *verified)
{
  uint32_t at = RT_DRAFT_ROOT;

  verified->n_tokens = verified->n_accepted = 0;
  for (;;)
    {
      const float *row = logits (data, at + 1); /* RT_DRAFT_ROOT + 1 is row 0 */
      int32_t token = rt_sampler_next (sampler, row);
      uint32_t next = RT_DRAFT_ROOT;
      for (uint32_t i = 0; i < n && next == RT_DRAFT_ROOT; i++)
        if (drafts[i].parent == at)
          {
            drafts[i].tested = true;
            if (drafts[i].token == token)
              next = i;
          }
      if (next == RT_DRAFT_ROOT || !isfinite (row[token]))
        return finish (verified, token, token >= 0 && isfinite (row[token]));
      accept (verified, drafts, next);
      at = next;
    }
}

/* ---- Tested ---- */

bool
rt_speculate_test (RtSampler *sampler, float *p, const float *q, int32_t token, uint32_t n_vocab)
{
  double left = 0;

  /* u < p / q without dividing: q may be 0 only for what was never drawn from it. */
  if (rt_sampler_unit (sampler) * (double)q[token] < (double)p[token])
    return true;
  for (uint32_t i = 0; i < n_vocab; i++)
    left += p[i] > q[i] ? (double)p[i] - (double)q[i] : 0;
  /* Rounding alone: p is q, and a rejection has probability 0. */
  if (!(left > 0))
    return true;
  for (uint32_t i = 0; i < n_vocab; i++)
    p[i] = p[i] > q[i] ? (float)(((double)p[i] - (double)q[i]) / left) : 0;
  return false;
}

void
rt_speculate_exclude (float *q, int32_t token, uint32_t n_vocab)
{
  double left = 0;

  q[token] = 0;
  for (uint32_t i = 0; i < n_vocab; i++)
    left += (double)q[i];
  for (uint32_t i = 0; left > 0 && i < n_vocab; i++)
    q[i] = (float)((double)q[i] / left);
}

/* Test the children of @at in order; @p is what is left of the model's distribution. The accepted
 * one, or RT_DRAFT_ROOT. */
static uint32_t
test_children (RtSampler *sampler, RtDraft *drafts, uint32_t n, uint32_t at, bool replacement,
               const float *q, float *p, float *left, uint32_t n_vocab)
{
  bool first = true;

  for (uint32_t i = 0; i < n; i++)
    {
      if (drafts[i].parent != at)
        continue;
      if (first && !replacement)
        {
          memcpy (left, q, n_vocab * sizeof *left);
          q = left;
        }
      first = false;
      drafts[i].tested = true;
      if (rt_speculate_test (sampler, p, q, drafts[i].token, n_vocab))
        return i;
      if (!replacement)
        rt_speculate_exclude (left, drafts[i].token, n_vocab);
    }
  return RT_DRAFT_ROOT;
}

bool
rt_speculate_verify_tested (RtSampler *sampler, RtDraft *drafts, uint32_t n, bool replacement,
                            RtRowFunc logits, RtRowFunc q, void *data, float *p, float *left,
                            uint32_t n_vocab, RtVerified *verified)
{
  uint32_t at = RT_DRAFT_ROOT;

  verified->n_tokens = verified->n_accepted = 0;
  for (;;)
    {
      const float *row = logits (data, at + 1);
      if (!rt_sampler_distribution (sampler, row, p))
        return false;
      const float *from = q (data, at + 1);
      uint32_t next = from != NULL ? test_children (sampler, drafts, n, at, replacement, from, p,
                                                    left, n_vocab)
                                   : RT_DRAFT_ROOT;
      if (next == RT_DRAFT_ROOT)
        {
          int32_t token = rt_sampler_draw (sampler, p);
          return finish (verified, token, token >= 0 && isfinite (row[token]));
        }
      accept (verified, drafts, next);
      at = next;
    }
}
