/* The byte-level BPE tokenizer ("gpt2"): bytes merge by the rank of the pair, inside the pieces of
 * the pre-tokenizer (Radford et al. 2019, section 2.2).
 *
 * Called by rt-tokenizer.c, once per stretch of text between special tokens. Works on token
 * numbers: the printable stand-ins for bytes that names use ("Ġthe") are decoded once, at load. */
#include "rt-tokenizer-private.h"
#include "rt-unicode.h"

#include <stdlib.h>
#include <string.h>

/* ---- Names ---- */

/* The byte that code point @cp stands for in a name, or -1. Printable Latin-1 characters stand for
 * themselves; the other 68 bytes, in order, for U+0100 and up. */
static int
byte_of_code_point (uint32_t cp)
{
  if ((cp >= 0x21 && cp <= 0x7e) || (cp >= 0xa1 && cp <= 0xac) || (cp >= 0xae && cp <= 0xff))
    return (int)cp;
  if (cp < 0x100 || cp >= 0x100 + 68)
    return -1;
  uint32_t i = cp - 0x100;
  return (int)(i <= 0x20 ? i : i < 0x43 ? 0x7f + (i - 0x21) : 0xad);
}

size_t
rt_bpe_decode_name (RtSlice name, uint8_t *out)
{
  const uint8_t *s = (const uint8_t *)name.data;
  size_t n = 0;

  for (uint64_t i = 0; i < name.length;)
    {
      uint32_t n_bytes;
      int byte = byte_of_code_point (rt_utf8_decode (s + i, name.length - i, &n_bytes));
      if (byte >= 0)
        out[n++] = (uint8_t)byte;
      else
        {
          memcpy (out + n, s + i, n_bytes);
          n += n_bytes;
        }
      i += n_bytes;
    }
  return n;
}

/* ---- Merges ---- */

static uint32_t
merge_slot (const RtMergeTable *m, int32_t left, int32_t right)
{
  uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
  uint64_t h = (key ^ m->seed) * 0xd6e8feb86659fd93u;

  h ^= h >> 32;
  h *= 0xd6e8feb86659fd93u;
  return (uint32_t)(h >> 32) & m->mask;
}

static uint32_t
find_rank (const RtMergeTable *m, int32_t left, int32_t right)
{
  for (uint32_t slot = merge_slot (m, left, right); m->slots[slot]; slot = (slot + 1) & m->mask)
    {
      uint32_t rank = m->slots[slot] - 1;
      if (m->left[rank] == left && m->right[rank] == right)
        return rank;
    }
  return UINT32_MAX;
}

/* Decode "left right" and look up both and what they make. */
static bool
parse_merge (RtTokenizer *t, RtSlice line, uint32_t rank, uint8_t *scratch, RtError *error)
{
  RtMergeTable *m = &t->merges;
  char shown[80];
  /* The space between the two; a name may start with one that stands for itself. */
  const char *space = line.length > 1 ? memchr (line.data + 1, ' ', line.length - 1) : NULL;

  if (!space)
    return rt_fail (error, RT_ERROR_FORMAT, "merge %u, '%s', is not two names with a space between",
                    rank, rt_slice_show (line, shown, sizeof shown));
  RtSlice left = { line.data, (uint64_t)(space - line.data) };
  RtSlice right = { space + 1, line.length - left.length - 1 };
  size_t n_left = rt_bpe_decode_name (left, scratch);
  size_t n_right = rt_bpe_decode_name (right, scratch + n_left);

  m->left[rank] = rt_token_index_find (&t->index, scratch, n_left);
  m->right[rank] = rt_token_index_find (&t->index, scratch + n_left, n_right);
  m->merged[rank] = rt_token_index_find (&t->index, scratch, n_left + n_right);
  if (m->left[rank] == RT_NO_TOKEN || m->right[rank] == RT_NO_TOKEN
      || m->merged[rank] == RT_NO_TOKEN)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "merge %u, '%s', is of tokens that are not in the vocabulary", rank,
                    rt_slice_show (line, shown, sizeof shown));
  return true;
}

static bool
allocate_merges (RtMergeTable *m, uint64_t n, uint64_t seed, RtError *error)
{
  uint64_t n_slots = 16;

  if (n >= INT32_MAX)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "%llu merges are too many", (unsigned long long)n);
  while (n_slots < n + n / 2)
    n_slots *= 2;
  m->n = (uint32_t)n;
  m->mask = (uint32_t)(n_slots - 1);
  m->seed = seed;
  m->slots = calloc (n_slots, sizeof *m->slots);
  m->left = malloc ((n ? n : 1) * sizeof *m->left);
  m->right = malloc ((n ? n : 1) * sizeof *m->right);
  m->merged = malloc ((n ? n : 1) * sizeof *m->merged);
  if (!m->slots || !m->left || !m->right || !m->merged)
    return rt_fail (error, RT_ERROR_MEMORY, "no memory for %llu merges", (unsigned long long)n);
  return true;
}

static bool
load_merges (RtTokenizer *t, const RtGguf *gguf, RtError *error)
{
  const RtGgufMeta *merges = rt_gguf_get_array (gguf, "tokenizer.ggml.merges", RT_GGUF_STRING);
  RtMergeTable *m = &t->merges;
  uint64_t cursor = 0, longest = 0;
  RtSlice line;

  if (!merges)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "a byte-level BPE vocabulary needs tokenizer.ggml.merges, an array of strings");
  if (!allocate_merges (m, merges->n_items, t->index.seed, error))
    return false;
  while (rt_gguf_next_string (merges, &cursor, &line))
    longest = line.length > longest ? line.length : longest;

  uint8_t *scratch = malloc (longest + 1);
  bool ok = scratch != NULL;
  if (!ok)
    rt_fail (error, RT_ERROR_MEMORY, "no memory for the merges");
  cursor = 0;
  for (uint32_t rank = 0; ok && rt_gguf_next_string (merges, &cursor, &line); rank++)
    {
      ok = parse_merge (t, line, rank, scratch, error);
      /* Of two equal merges the first counts. */
      if (!ok || find_rank (m, m->left[rank], m->right[rank]) != UINT32_MAX)
        continue;
      uint32_t slot = merge_slot (m, m->left[rank], m->right[rank]);
      while (m->slots[slot])
        slot = (slot + 1) & m->mask;
      m->slots[slot] = rank + 1;
    }
  free (scratch);
  return ok;
}

static bool
find_pre_tokenizer (RtTokenizer *t, const RtGguf *gguf, RtError *error)
{
  RtSlice name = { "default", 7 };
  char shown[64], known[360];

  rt_gguf_get_string (gguf, "tokenizer.ggml.pre", &name);
  t->pre = rt_pre_tokenizer_find (name);
  if (t->pre)
    return true;
  rt_pre_tokenizer_list (known, sizeof known);
  return rt_fail (error, RT_ERROR_UNSUPPORTED,
                  "the pre-tokenizer '%s' (tokenizer.ggml.pre) is unknown; known are %s",
                  rt_slice_show (name, shown, sizeof shown), known);
}

bool
rt_bpe_load (RtTokenizer *t, const RtGguf *gguf, RtError *error)
{
  return find_pre_tokenizer (t, gguf, error) && load_merges (t, gguf, error);
}

void
rt_bpe_restrict (RtTokenizer *t, const bool *keep)
{
  RtMergeTable *m = &t->merges;

  memset (m->slots, 0, ((size_t)m->mask + 1) * sizeof *m->slots);
  for (uint32_t rank = 0; rank < m->n; rank++)
    {
      if (!keep[m->left[rank]] || !keep[m->right[rank]] || !keep[m->merged[rank]]
          || find_rank (m, m->left[rank], m->right[rank]) != UINT32_MAX)
        continue;
      uint32_t slot = merge_slot (m, m->left[rank], m->right[rank]);
      while (m->slots[slot])
        slot = (slot + 1) & m->mask;
      m->slots[slot] = rank + 1;
    }
}

void
rt_bpe_free (RtTokenizer *t)
{
  free (t->merges.slots);
  free (t->merges.left);
  free (t->merges.right);
  free (t->merges.merged);
}

/* ---- Encoding ---- */

static int32_t
find_merge (const RtEncoder *e, const RtSymbol *left, const RtSymbol *right, uint32_t *priority)
{
  const RtMergeTable *m = &e->tokenizer->merges;

  if (left->token == RT_NO_TOKEN || right->token == RT_NO_TOKEN)
    return RT_NO_TOKEN;
  *priority = find_rank (m, left->token, right->token);
  return *priority == UINT32_MAX ? RT_NO_TOKEN : m->merged[*priority];
}

/* One symbol per byte of the piece. Vocabularies that lack some bytes exist (SmolLM2's has no
 * 0xf1); the models' own tokenizers leave these bytes out before merging, so the same is done here.
 */
static bool
make_symbols (RtEncoder *e, size_t from, size_t n)
{
  e->n_symbols = 0;
  if (!rt_encoder_reserve (e, &e->symbols, &e->symbols_capacity, n, sizeof *e->symbols))
    return false;
  for (size_t i = from; i < from + n; i++)
    {
      int32_t token = e->tokenizer->byte_tokens[e->text[i]];
      uint32_t k = (uint32_t)e->n_symbols;
      if (token == RT_NO_TOKEN)
        continue;
      e->symbols[k] = (RtSymbol){ token, (uint32_t)i, 1, k == 0 ? UINT32_MAX : k - 1, k + 1 };
      e->n_symbols++;
    }
  if (e->n_symbols > 0)
    e->symbols[e->n_symbols - 1].next = UINT32_MAX;
  return true;
}

/* Merge inside one piece of e->text. */
static bool
encode_piece (RtEncoder *e, size_t from, size_t n)
{
  const RtTokenizer *t = e->tokenizer;

  if (n == 1 || t->pre->ignore_merges)
    {
      int32_t token = rt_token_index_find (&t->index, e->text + from, n);
      if (token != RT_NO_TOKEN)
        return rt_encoder_emit (e, token);
    }
  return make_symbols (e, from, n) && rt_encoder_merge (e, find_merge)
         && rt_encoder_emit_symbols (e);
}

static bool
split_and_encode (RtEncoder *e, size_t from, size_t n, int stage)
{
  RtSplit split = stage < RT_MAX_SPLITS ? e->tokenizer->pre->stages[stage] : NULL;

  if (!split)
    return encode_piece (e, from, n);
  while (n > 0)
    {
      size_t n_piece = split (e->text + from, n);
      if (!split_and_encode (e, from, n_piece, stage + 1))
        return false;
      from += n_piece;
      n -= n_piece;
    }
  return true;
}

bool
rt_bpe_encode (RtEncoder *e, const uint8_t *text, size_t n)
{
  if (n >= UINT32_MAX)
    return rt_fail (e->error, RT_ERROR_RANGE, "a text of %zu bytes is too long", n);
  if (!rt_encoder_reserve (e, &e->text, &e->text_capacity, n, 1))
    return false;
  memcpy (e->text, text, n);
  return split_and_encode (e, 0, n, 0);
}
