/* A tokenizer of fewer tokens: which of them have to stay together, and the same tokenizer without
 * the others. Called when a vocabulary is trimmed. Token numbers stay the file's. */
#include "rt-tokenizer-private.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is needed in any case ---- */

static void
keep_token (bool *keep, int32_t token)
{
  if (token >= 0)
    keep[token] = true;
}

static void
keep_needed (const RtTokenizer *t, bool *keep)
{
  for (uint32_t i = 0; i < t->n_vocab; i++)
    keep[i] = t->is_end[i] || (t->types[i] != RT_TOKEN_NORMAL && t->types[i] != RT_TOKEN_UNUSED);
  for (uint32_t i = 0; i < t->n_specials; i++)
    keep_token (keep, t->specials[i]);
  for (int b = 0; b < 256; b++)
    keep_token (keep, t->byte_tokens[b]);
  keep_token (keep, t->bos);
  keep_token (keep, t->eos);
  keep_token (keep, t->unknown);
}

static uint32_t
count (const bool *keep, uint32_t n)
{
  uint32_t sum = 0;
  for (uint32_t i = 0; i < n; i++)
    sum += keep[i];
  return sum;
}

uint32_t
rt_tokenizer_n_needed (const RtTokenizer *t)
{
  bool *keep = calloc (t->n_vocab, sizeof *keep);
  if (keep == NULL)
    return t->n_vocab; /* nothing can be left out without memory to say what */
  keep_needed (t, keep);
  uint32_t n = count (keep, t->n_vocab);
  free (keep);
  return n;
}

/* ---- what belongs together ---- */

/* The tokens that merging makes on the way to @token: e->passed, the last of them @token itself
 * where it can be reached at all. */
static bool
find_way (RtEncoder *e, uint32_t token)
{
  const RtTokenizer *t = e->tokenizer;
  RtSlice bytes = rt_strings_get (t->model == RT_MODEL_SPM ? &t->names : &t->pieces, token);

  e->n_tokens = e->n_passed = 0;
  return t->model == RT_MODEL_SPM
             ? rt_spm_encode (e, (const uint8_t *)bytes.data, bytes.length, false)
             : rt_bpe_encode (e, (const uint8_t *)bytes.data, bytes.length);
}

/* Keep @token and its way when there is room for all of it. */
static uint32_t
keep_with_way (const RtEncoder *e, uint32_t token, uint32_t room, bool *keep)
{
  uint32_t n = !keep[token];

  keep[token] = true;
  size_t done = 0;
  for (; done < e->n_passed && n <= room; done++)
    {
      n += !keep[e->passed[done]];
      keep[e->passed[done]] = true;
    }
  return n;
}

static bool
choose (RtEncoder *e, const uint32_t *order, uint32_t n_wanted, bool *keep, bool *before)
{
  const RtTokenizer *t = e->tokenizer;
  uint32_t n = count (keep, t->n_vocab);

  for (uint32_t i = 0; i < t->n_vocab && n < n_wanted; i++)
    {
      if (keep[order[i]])
        continue;
      if (!find_way (e, order[i]))
        return false;
      /* Remember what the way may change, so that it can be taken back. */
      bool had_token = keep[order[i]];
      for (size_t k = 0; k < e->n_passed; k++)
        before[k] = keep[e->passed[k]];
      uint32_t more = keep_with_way (e, order[i], n_wanted - n, keep);
      if (more <= n_wanted - n)
        {
          n += more;
          continue;
        }
      for (size_t k = e->n_passed; k-- > 0;)
        keep[e->passed[k]] = before[k];
      keep[order[i]] = had_token;
    }
  /* What is left cannot be reached by what is kept: room for answers, not for texts. */
  for (uint32_t i = 0; i < t->n_vocab && n < n_wanted; i++)
    if (!keep[order[i]])
      {
        keep[order[i]] = true;
        n++;
      }
  return true;
}

bool
rt_tokenizer_choose (const RtTokenizer *t, const uint32_t *order, uint32_t n_wanted, bool *keep,
                     RtError *error)
{
  RtEncoder e = { .tokenizer = t, .error = error, .traces = true };
  /* A way is never longer than the token has bytes. */
  bool *before = malloc ((size_t)t->names.at[t->n_vocab] + 1);
  bool ok = before != NULL;

  if (!ok)
    rt_fail (error, RT_ERROR_MEMORY, "no memory to choose among %u tokens", t->n_vocab);
  keep_needed (t, keep);
  ok = ok && choose (&e, order, n_wanted < t->n_vocab ? n_wanted : t->n_vocab, keep, before);
  free (before);
  free (e.tokens);
  free (e.text);
  free (e.symbols);
  free (e.heap);
  free (e.passed);
  return ok;
}

/* ---- without the others ---- */

RtTokenizer *
rt_tokenizer_new_subset (const RtGguf *gguf, const bool *keep, RtError *error)
{
  RtTokenizer *t = rt_tokenizer_new (gguf, error);

  if (t == NULL)
    return NULL;
  if (!rt_tokenizer_reindex (t, keep, error))
    {
      rt_tokenizer_free (t);
      return NULL;
    }
  if (t->model == RT_MODEL_BPE)
    rt_bpe_restrict (t, keep);
  return t;
}
