/* The vocabulary of a tokenizer: names, pieces, types, scores, special tokens, and the index from
 * bytes to tokens.
 *
 * Called by rt_tokenizer_new(). Copies everything, so that the file may be closed. Must not know
 * how text is cut and merged. */
#include "rt-tokenizer-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static bool
fail_memory (RtError *error)
{
  return rt_fail (error, RT_ERROR_MEMORY, "no memory for the tokenizer");
}

/* ---- Index ---- */

uint64_t
rt_token_hash (uint64_t seed, const void *bytes, size_t n)
{
  const uint8_t *p = bytes;
  uint64_t h = seed ^ (n * 0x9e3779b97f4a7c15u);

  while (n > 0)
    {
      uint64_t word = 0;
      size_t n_word = n < 8 ? n : 8;
      memcpy (&word, p, n_word);
      h = (h ^ word) * 0xd6e8feb86659fd93u;
      h ^= h >> 32;
      p += n_word;
      n -= n_word;
    }
  h *= 0xd6e8feb86659fd93u;
  return h ^ h >> 29;
}

static uint64_t
new_seed (void)
{
  uint64_t seed;

  if (getrandom (&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
    seed = (uint64_t)time (NULL) * 0x9e3779b97f4a7c15u;
  return seed;
}

static bool
index_init (RtTokenIndex *index, const RtStrings *strings, uint32_t n, RtError *error)
{
  uint64_t n_slots = 16;

  while (n_slots < (uint64_t)n + n / 2)
    n_slots *= 2;
  index->tokens = calloc (n_slots, sizeof *index->tokens);
  if (!index->tokens)
    return fail_memory (error);
  index->mask = (uint32_t)(n_slots - 1);
  index->seed = new_seed ();
  index->strings = strings;
  return true;
}

/* Of two tokens with the same bytes the later one counts. */
static void
index_add (RtTokenIndex *index, uint32_t token)
{
  RtSlice s = rt_strings_get (index->strings, token);
  uint32_t slot = (uint32_t)rt_token_hash (index->seed, s.data, s.length) & index->mask;

  if (s.length == 0)
    return;
  for (; index->tokens[slot]; slot = (slot + 1) & index->mask)
    {
      RtSlice there = rt_strings_get (index->strings, index->tokens[slot] - 1);
      if (there.length == s.length && memcmp (there.data, s.data, s.length) == 0)
        break;
    }
  index->tokens[slot] = token + 1;
  if (s.length > index->max_bytes)
    index->max_bytes = (uint32_t)s.length;
}

int32_t
rt_token_index_find (const RtTokenIndex *index, const void *bytes, size_t n)
{
  if (n == 0 || n > index->max_bytes)
    return RT_NO_TOKEN;
  uint32_t slot = (uint32_t)rt_token_hash (index->seed, bytes, n) & index->mask;
  for (; index->tokens[slot]; slot = (slot + 1) & index->mask)
    {
      RtSlice there = rt_strings_get (index->strings, index->tokens[slot] - 1);
      if (there.length == n && memcmp (there.data, bytes, n) == 0)
        return (int32_t)(index->tokens[slot] - 1);
    }
  return RT_NO_TOKEN;
}

/* ---- Names, types, scores ---- */

static bool
load_names (RtTokenizer *t, const RtGguf *gguf, RtError *error)
{
  const RtGgufMeta *tokens = rt_gguf_get_array (gguf, "tokenizer.ggml.tokens", RT_GGUF_STRING);
  uint64_t cursor = 0;
  RtSlice name;

  if (!tokens || tokens->n_items == 0)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "the file has no vocabulary (tokenizer.ggml.tokens, an array of strings)");
  if (tokens->n_items >= INT32_MAX || tokens->bytes >= UINT32_MAX)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "a vocabulary of %llu tokens is too big",
                    (unsigned long long)tokens->n_items);
  t->n_vocab = (uint32_t)tokens->n_items;
  t->names.at = malloc (((size_t)t->n_vocab + 1) * sizeof *t->names.at);
  t->names.text = malloc (tokens->bytes);
  t->types = malloc (t->n_vocab);
  t->is_end = calloc (t->n_vocab, 1);
  if (!t->names.at || !t->names.text || !t->types || !t->is_end)
    return fail_memory (error);

  uint32_t at = 0;
  for (uint32_t i = 0; i < t->n_vocab; i++)
    {
      rt_gguf_next_string (tokens, &cursor, &name);
      t->names.at[i] = at;
      memcpy (t->names.text + at, name.data, name.length);
      at += (uint32_t)name.length;
    }
  t->names.at[t->n_vocab] = at;
  return true;
}

/* "<0x0A>" is the byte 10; -1 for any other name. */
static int
byte_of_name (RtSlice name)
{
  static const char digits[] = "0123456789ABCDEF";

  if (name.length != 6 || memcmp (name.data, "<0x", 3) != 0 || name.data[5] != '>')
    return -1;
  const char *high = memchr (digits, name.data[3], 16), *low = memchr (digits, name.data[4], 16);
  return high && low ? (int)(high - digits) * 16 + (int)(low - digits) : -1;
}

static bool
load_types (RtTokenizer *t, const RtGguf *gguf, RtError *error)
{
  const RtGgufMeta *types = rt_gguf_find (gguf, "tokenizer.ggml.token_type");
  int64_t type;

  if (types && (types->type != RT_GGUF_ARRAY || types->n_items != t->n_vocab))
    return rt_fail (error, RT_ERROR_FORMAT,
                    "tokenizer.ggml.token_type has %llu entries for %u tokens",
                    (unsigned long long)types->n_items, t->n_vocab);
  for (uint32_t i = 0; i < t->n_vocab; i++)
    {
      type = RT_TOKEN_NORMAL;
      if (types && !rt_gguf_item_i64 (types, i, &type))
        return rt_fail (error, RT_ERROR_FORMAT,
                        "tokenizer.ggml.token_type is not an array of integers");
      /* 0 ("undefined") and numbers that later versions may add are ordinary text. */
      t->types[i]
          = type >= RT_TOKEN_NORMAL && type <= RT_TOKEN_BYTE ? (uint8_t)type : RT_TOKEN_NORMAL;
      if (!types && t->model == RT_MODEL_SPM && byte_of_name (rt_strings_get (&t->names, i)) >= 0)
        t->types[i] = RT_TOKEN_BYTE;
    }
  return true;
}

static bool
load_scores (RtTokenizer *t, const RtGguf *gguf, RtError *error)
{
  const RtGgufMeta *scores = rt_gguf_find (gguf, "tokenizer.ggml.scores");
  double score;

  if (!scores || scores->type != RT_GGUF_ARRAY || scores->n_items != t->n_vocab)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "a SentencePiece vocabulary of %u tokens needs as many tokenizer.ggml.scores; "
                    "the file has %llu",
                    t->n_vocab, (unsigned long long)(scores ? scores->n_items : 0));
  t->scores = malloc (t->n_vocab * sizeof *t->scores);
  if (!t->scores)
    return fail_memory (error);
  for (uint32_t i = 0; i < t->n_vocab; i++)
    {
      if (!rt_gguf_item_f64 (scores, i, &score) || isnan (score))
        return rt_fail (error, RT_ERROR_FORMAT, "the score of token %u is not a number", i);
      t->scores[i] = (float)score;
    }
  return true;
}

/* ---- Pieces ---- */

/* U+2581, which SentencePiece writes for a space. */
static size_t
unescape_spaces (RtSlice name, char *out)
{
  size_t n = 0;

  for (uint64_t i = 0; i < name.length;)
    if (name.length - i >= 3 && memcmp (name.data + i, "\xe2\x96\x81", 3) == 0)
      {
        out[n++] = ' ';
        i += 3;
      }
    else
      out[n++] = name.data[i++];
  return n;
}

/* What token @i stands for in text; never longer than its name. */
static size_t
make_piece (const RtTokenizer *t, uint32_t i, char *out)
{
  RtSlice name = rt_strings_get (&t->names, i);

  switch (t->types[i])
    {
    case RT_TOKEN_CONTROL:
    case RT_TOKEN_UNKNOWN:
      return 0;
    case RT_TOKEN_USER_DEFINED:
      memcpy (out, name.data, name.length);
      return name.length;
    case RT_TOKEN_BYTE:
      if (byte_of_name (name) >= 0)
        {
          out[0] = (char)byte_of_name (name);
          return 1;
        }
      break;
    default:
      break;
    }
  return t->model == RT_MODEL_SPM ? unescape_spaces (name, out)
                                  : rt_bpe_decode_name (name, (uint8_t *)out);
}

static bool
make_pieces (RtTokenizer *t, RtError *error)
{
  uint32_t at = 0;

  t->pieces.at = malloc (((size_t)t->n_vocab + 1) * sizeof *t->pieces.at);
  t->pieces.text = malloc ((size_t)t->names.at[t->n_vocab] + 1);
  if (!t->pieces.at || !t->pieces.text)
    return fail_memory (error);
  for (uint32_t i = 0; i < t->n_vocab; i++)
    {
      t->pieces.at[i] = at;
      at += (uint32_t)make_piece (t, i, t->pieces.text + at);
    }
  t->pieces.at[t->n_vocab] = at;
  return true;
}

/* Some files mark the rarest byte tokens as user-defined (DeepSeek's). */
static void
find_user_defined_bytes (RtTokenizer *t)
{
  uint8_t bytes[8];

  for (uint32_t i = 0; i < t->n_vocab; i++)
    {
      RtSlice name = rt_strings_get (&t->names, i);
      if (t->types[i] == RT_TOKEN_USER_DEFINED && name.length <= sizeof bytes
          && rt_bpe_decode_name (name, bytes) == 1 && t->byte_tokens[bytes[0]] == RT_NO_TOKEN)
        t->byte_tokens[bytes[0]] = (int32_t)i;
    }
}

/* Control tokens stay out: text that merely spells "<s>" must not become one. */
static bool
comes_of_text (const RtTokenizer *t, uint32_t i)
{
  return t->types[i] == RT_TOKEN_NORMAL || t->types[i] == RT_TOKEN_UNUSED
         || (t->types[i] == RT_TOKEN_USER_DEFINED && t->model == RT_MODEL_SPM);
}

bool
rt_tokenizer_reindex (RtTokenizer *t, const bool *keep, RtError *error)
{
  free (t->index.tokens);
  t->index = (RtTokenIndex){ 0 };
  if (!index_init (&t->index, t->model == RT_MODEL_SPM ? &t->names : &t->pieces, t->n_vocab, error))
    return false;
  for (uint32_t i = 0; i < t->n_vocab; i++)
    if (keep[i] && comes_of_text (t, i))
      index_add (&t->index, i);
  return true;
}

static bool
build_index (RtTokenizer *t, RtError *error)
{
  if (!index_init (&t->index, t->model == RT_MODEL_SPM ? &t->names : &t->pieces, t->n_vocab, error))
    return false;
  for (int b = 0; b < 256; b++)
    t->byte_tokens[b] = RT_NO_TOKEN;

  for (uint32_t i = 0; i < t->n_vocab; i++)
    if (comes_of_text (t, i))
      index_add (&t->index, i);
    else if (t->types[i] == RT_TOKEN_BYTE && byte_of_name (rt_strings_get (&t->names, i)) >= 0)
      t->byte_tokens[byte_of_name (rt_strings_get (&t->names, i))] = (int32_t)i;

  for (int b = 0; b < 256; b++)
    {
      uint8_t byte = (uint8_t)b;
      if (t->byte_tokens[b] == RT_NO_TOKEN && (t->model == RT_MODEL_BPE || b < 0x80))
        t->byte_tokens[b] = rt_token_index_find (&t->index, &byte, 1);
    }
  if (t->model == RT_MODEL_BPE)
    find_user_defined_bytes (t);
  return true;
}

/* ---- Special tokens ---- */

static int
compare_names (const void *a, const void *b, void *data)
{
  const RtStrings *names = data;
  RtSlice x = rt_strings_get (names, (uint32_t) * (const int32_t *)a);
  RtSlice y = rt_strings_get (names, (uint32_t) * (const int32_t *)b);
  uint64_t n = x.length < y.length ? x.length : y.length;
  int order = memcmp (x.data, y.data, n);

  if (order == 0)
    order = x.length < y.length ? -1 : x.length > y.length;
  return order ? order : *(const int32_t *)a < *(const int32_t *)b ? -1 : 1;
}

/* Of several with one name the last counts. */
static void
drop_equal_specials (RtTokenizer *t)
{
  uint32_t n = 0;

  for (uint32_t i = 0; i < t->n_specials; i++)
    {
      RtSlice name = rt_strings_get (&t->names, (uint32_t)t->specials[i]);
      RtSlice before
          = n ? rt_strings_get (&t->names, (uint32_t)t->specials[n - 1]) : (RtSlice){ "", 0 };
      bool same = name.length == before.length && memcmp (name.data, before.data, name.length) == 0;
      t->specials[same ? n - 1 : n++] = t->specials[i];
    }
  t->n_specials = n;
}

static bool
collect_specials (RtTokenizer *t, RtError *error)
{
  t->specials = malloc (t->n_vocab * sizeof *t->specials);
  if (!t->specials)
    return fail_memory (error);
  for (uint32_t i = 0; i < t->n_vocab; i++)
    {
      RtSlice name = rt_strings_get (&t->names, i);
      if (name.length == 0
          || (t->types[i] != RT_TOKEN_CONTROL && t->types[i] != RT_TOKEN_USER_DEFINED
              && t->types[i] != RT_TOKEN_UNKNOWN))
        continue;
      t->specials[t->n_specials++] = (int32_t)i;
      t->special_start[(uint8_t)name.data[0]] = true;
    }
  qsort_r (t->specials, t->n_specials, sizeof *t->specials, compare_names, &t->names);
  drop_equal_specials (t);
  return true;
}

/* The token id under @key, or @otherwise when the key is absent. */
static bool
load_id (const RtTokenizer *t, const RtGguf *gguf, const char *key, int32_t otherwise, int32_t *id,
         RtError *error)
{
  uint64_t value;

  *id = otherwise;
  if (!rt_gguf_find (gguf, key))
    return true;
  /* Some converters write -1, as a u32, for "none". */
  if (!rt_gguf_get_u64 (gguf, key, &value) || value == UINT32_MAX)
    {
      *id = RT_NO_TOKEN;
      return true;
    }
  if (value >= t->n_vocab)
    return rt_fail (error, RT_ERROR_FORMAT, "%s is %llu, the vocabulary has %u tokens", key,
                    (unsigned long long)value, t->n_vocab);
  *id = (int32_t)value;
  return true;
}

/* Token @id when it is there and of @type, for files that leave the usual numbers out. */
static int32_t
usual_id (const RtTokenizer *t, uint32_t id, uint8_t type)
{
  bool usual = t->model == RT_MODEL_SPM && id < t->n_vocab && t->types[id] == type;

  return usual ? (int32_t)id : RT_NO_TOKEN;
}

/* Tokens that end a turn or a message in the common families; files often name only one of them. */
static const char *const end_names[] = {
  "<|im_end|>", "<|eot_id|>",    "<|eom_id|>",         "<|end|>",         "<|endoftext|>",
  "<|eot|>",    "<end_of_turn>", "<end_of_utterance>", "<|end_of_text|>", "<EOT>",
  "_<EOT>",     "[EOT]",         "<|return|>",         "<|call|>",        "<|END_OF_TURN_TOKEN|>",
};

static void
mark_ends (RtTokenizer *t, const int32_t *ids, size_t n_ids)
{
  for (size_t i = 0; i < n_ids; i++)
    if (ids[i] >= 0)
      t->is_end[ids[i]] = 1;
  for (uint32_t i = 0; i < t->n_specials; i++)
    for (size_t k = 0; k < sizeof end_names / sizeof *end_names; k++)
      if (rt_slice_equals (rt_strings_get (&t->names, (uint32_t)t->specials[i]), end_names[k]))
        t->is_end[t->specials[i]] = 1;
}

static bool
load_special_ids (RtTokenizer *t, const RtGguf *gguf, RtError *error)
{
  int32_t ends[4];

  if (!load_id (t, gguf, "tokenizer.ggml.bos_token_id", usual_id (t, 1, RT_TOKEN_CONTROL), &t->bos,
                error)
      || !load_id (t, gguf, "tokenizer.ggml.eos_token_id", usual_id (t, 2, RT_TOKEN_CONTROL),
                   &t->eos, error)
      || !load_id (t, gguf, "tokenizer.ggml.unknown_token_id", usual_id (t, 0, RT_TOKEN_UNKNOWN),
                   &t->unknown, error)
      || !load_id (t, gguf, "tokenizer.ggml.eot_token_id", RT_NO_TOKEN, &ends[1], error)
      || !load_id (t, gguf, "tokenizer.ggml.eom_token_id", RT_NO_TOKEN, &ends[2], error))
    return false;
  ends[0] = t->eos;
  mark_ends (t, ends, 3);
  return true;
}

bool
rt_tokenizer_load_vocab (RtTokenizer *t, const RtGguf *gguf, RtError *error)
{
  return load_names (t, gguf, error) && load_types (t, gguf, error)
         && (t->model != RT_MODEL_SPM || load_scores (t, gguf, error)) && make_pieces (t, error)
         && build_index (t, error) && collect_specials (t, error)
         && load_special_ids (t, gguf, error);
}

void
rt_tokenizer_free_vocab (RtTokenizer *t)
{
  free (t->names.at);
  free (t->names.text);
  free (t->pieces.at);
  free (t->pieces.text);
  free (t->types);
  free (t->scores);
  free (t->is_end);
  free (t->index.tokens);
  free (t->specials);
}
