/* The merge engine that both families share: neighbouring symbols merge in the order of their
 * priority, leftmost first, until none is left to merge.
 *
 * Called by rt-tokenizer-spm.c (priority: score) and rt-tokenizer-bpe.c (priority: rank). Possible
 * merges wait in a binary heap; one whose symbols have changed since is recognised by its length
 * and dropped, so that everything is O(n log n) (Sennrich et al. 2016 describe the merges; the heap
 * is SentencePiece's idea). Must not know where priorities come from. */
#include "rt-tokenizer-private.h"

#include <stdlib.h>
#include <string.h>

bool
rt_encoder_reserve (RtEncoder *e, void *items, size_t *capacity, size_t n, size_t item_bytes)
{
  void **array = items;

  if (n <= *capacity)
    return true;
  size_t wanted = *capacity ? *capacity * 2 : 64;
  if (wanted < n)
    wanted = n;
  void *grown = reallocarray (*array, wanted, item_bytes);
  if (!grown)
    return rt_fail (e->error, RT_ERROR_MEMORY, "no memory to cut a text into tokens");
  *array = grown;
  *capacity = wanted;
  return true;
}

bool
rt_encoder_emit (RtEncoder *e, int32_t token)
{
  if (e->n_tokens == e->tokens_capacity
      && !rt_encoder_reserve (e, &e->tokens, &e->tokens_capacity, e->n_tokens + 1,
                              sizeof *e->tokens))
    return false;
  e->tokens[e->n_tokens++] = token;
  return true;
}

/* ---- Heap ---- */

static bool
pair_before (const RtPair *a, const RtPair *b)
{
  return a->priority != b->priority ? a->priority < b->priority : a->left < b->left;
}

static bool
heap_push (RtEncoder *e, RtPair pair)
{
  if (e->n_heap == e->heap_capacity
      && !rt_encoder_reserve (e, &e->heap, &e->heap_capacity, e->n_heap + 1, sizeof *e->heap))
    return false;

  size_t i = e->n_heap++;
  while (i > 0 && pair_before (&pair, &e->heap[(i - 1) / 2]))
    {
      e->heap[i] = e->heap[(i - 1) / 2];
      i = (i - 1) / 2;
    }
  e->heap[i] = pair;
  return true;
}

static RtPair
heap_pop (RtEncoder *e)
{
  RtPair top = e->heap[0], moved = e->heap[--e->n_heap];
  size_t i = 0;

  for (size_t child = 1; child < e->n_heap; child = 2 * i + 1)
    {
      if (child + 1 < e->n_heap && pair_before (&e->heap[child + 1], &e->heap[child]))
        child++;
      if (!pair_before (&e->heap[child], &moved))
        break;
      e->heap[i] = e->heap[child];
      i = child;
    }
  if (e->n_heap > 0)
    e->heap[i] = moved;
  return top;
}

/* ---- Merging ---- */

static bool
consider (RtEncoder *e, RtFindMerge find, uint32_t left, uint32_t right)
{
  if (left == UINT32_MAX || right == UINT32_MAX)
    return true;

  const RtSymbol *a = &e->symbols[left], *b = &e->symbols[right];
  RtPair pair = { .left = left, .right = right, .n_bytes = a->n_bytes + b->n_bytes };
  pair.token = find (e, a, b, &pair.priority);
  return pair.token == RT_NO_TOKEN || heap_push (e, pair);
}

static bool
trace (RtEncoder *e, int32_t token)
{
  if (!rt_encoder_reserve (e, &e->passed, &e->passed_capacity, e->n_passed + 1,
                           sizeof *e->passed))
    return false;
  e->passed[e->n_passed++] = token;
  return true;
}

bool
rt_encoder_merge (RtEncoder *e, RtFindMerge find)
{
  e->n_heap = 0;
  for (size_t i = 1; i < e->n_symbols; i++)
    if (!consider (e, find, (uint32_t)i - 1, (uint32_t)i))
      return false;

  while (e->n_heap > 0)
    {
      RtPair pair = heap_pop (e);
      RtSymbol *left = &e->symbols[pair.left], *right = &e->symbols[pair.right];

      /* Merged away, or grown since. */
      if (left->n_bytes == 0 || right->n_bytes == 0
          || left->n_bytes + right->n_bytes != pair.n_bytes)
        continue;
      if (e->traces && !trace (e, pair.token))
        return false;
      left->token = pair.token;
      left->n_bytes = pair.n_bytes;
      right->n_bytes = 0;
      left->next = right->next;
      if (right->next != UINT32_MAX)
        e->symbols[right->next].previous = pair.left;
      if (!consider (e, find, left->previous, pair.left)
          || !consider (e, find, pair.left, left->next))
        return false;
    }
  return true;
}

static bool
fail_byte (RtEncoder *e, uint8_t byte)
{
  return rt_fail (e->error, RT_ERROR_UNSUPPORTED,
                  "the vocabulary has neither a token for the byte 0x%02x nor an unknown token",
                  byte);
}

/* A character that is no piece: one unknown token for a run of them, as in SentencePiece. */
static bool
emit_unknown (RtEncoder *e, const RtSymbol *symbol, bool *was_unknown)
{
  bool first = !*was_unknown;

  if (e->tokenizer->unknown == RT_NO_TOKEN)
    return fail_byte (e, e->text[symbol->at]);
  *was_unknown = true;
  return !first || rt_encoder_emit (e, e->tokenizer->unknown);
}

/* The symbol's bytes, one token each. */
static bool
emit_bytes (RtEncoder *e, const RtSymbol *symbol, bool *was_unknown)
{
  const int32_t *tokens = e->tokenizer->byte_tokens;
  const uint8_t *bytes = e->text + symbol->at;

  for (uint32_t i = 0; i < symbol->n_bytes; i++)
    if (tokens[bytes[i]] == RT_NO_TOKEN)
      return emit_unknown (e, symbol, was_unknown);
  *was_unknown = false;
  for (uint32_t i = 0; i < symbol->n_bytes; i++)
    if (!rt_encoder_emit (e, tokens[bytes[i]]))
      return false;
  return true;
}

bool
rt_encoder_emit_symbols (RtEncoder *e)
{
  bool was_unknown = false;

  for (uint32_t i = e->n_symbols ? 0 : UINT32_MAX; i != UINT32_MAX; i = e->symbols[i].next)
    {
      const RtSymbol *symbol = &e->symbols[i];
      if (symbol->token == RT_NO_TOKEN)
        {
          if (!emit_bytes (e, symbol, &was_unknown))
            return false;
          continue;
        }
      was_unknown = false;
      if (!rt_encoder_emit (e, symbol->token))
        return false;
    }
  return true;
}
