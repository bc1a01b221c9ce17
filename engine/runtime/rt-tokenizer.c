/* Tokenizers as everybody else sees them: made from a GGUF file, text in, tokens out, and back.
 *
 * Called by the engine's generation loop and by the evaluation. Here special tokens are taken out
 * of the text; what lies between goes to rt-tokenizer-spm.c or rt-tokenizer-bpe.c. A tokenizer does
 * not change once made: any number of threads may use one. */
#include "rt-tokenizer-private.h"

#include <stdlib.h>
#include <string.h>

/* ---- Making one ---- */

static bool
find_model (RtTokenizer *t, const RtGguf *gguf, RtError *error)
{
  RtSlice model;
  char shown[64];

  if (!rt_gguf_get_string (gguf, "tokenizer.ggml.model", &model))
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "the file has no tokenizer (tokenizer.ggml.model)");
  if (rt_slice_equals (model, "llama"))
    t->model = RT_MODEL_SPM;
  else if (rt_slice_equals (model, "gpt2"))
    t->model = RT_MODEL_BPE;
  else
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "the tokenizer '%s' (tokenizer.ggml.model) is unknown; known are llama, gpt2",
                    rt_slice_show (model, shown, sizeof shown));
  return true;
}

/* The files do not say it, but Phi-3's special tokens swallow the white space after them. */
static bool
is_phi3 (const RtGguf *gguf)
{
  RtSlice architecture;

  return rt_gguf_get_string (gguf, "general.architecture", &architecture)
         && rt_slice_equals (architecture, "phi3");
}

static bool
load_habits (RtTokenizer *t, const RtGguf *gguf, RtError *error)
{
  bool spm = t->model == RT_MODEL_SPM;
  bool asked = false;

  t->add_bos = (spm || t->pre->add_bos) && t->bos != RT_NO_TOKEN;
  t->add_space_prefix = spm;
  t->strip_after_special = spm && is_phi3 (gguf);
  rt_gguf_get_bool (gguf, "tokenizer.ggml.add_space_prefix", &t->add_space_prefix);
  if (rt_gguf_get_bool (gguf, "tokenizer.ggml.add_bos_token", &asked))
    {
      t->add_bos = asked;
      if (asked && t->bos == RT_NO_TOKEN)
        return rt_fail (error, RT_ERROR_FORMAT,
                        "tokenizer.ggml.add_bos_token asks for a token that the file does not name "
                        "(tokenizer.ggml.bos_token_id)");
    }
  if (rt_gguf_get_bool (gguf, "tokenizer.ggml.add_eos_token", &asked))
    {
      t->add_eos = asked;
      if (asked && t->eos == RT_NO_TOKEN)
        return rt_fail (error, RT_ERROR_FORMAT,
                        "tokenizer.ggml.add_eos_token asks for a token that the file does not name "
                        "(tokenizer.ggml.eos_token_id)");
    }
  return true;
}

RtTokenizer *
rt_tokenizer_new (const RtGguf *gguf, RtError *error)
{
  RtTokenizer *t = calloc (1, sizeof *t);

  if (!t)
    {
      rt_fail (error, RT_ERROR_MEMORY, "no memory for the tokenizer");
      return NULL;
    }
  if (find_model (t, gguf, error) && rt_tokenizer_load_vocab (t, gguf, error)
      && (t->model != RT_MODEL_BPE || rt_bpe_load (t, gguf, error)) && load_habits (t, gguf, error))
    return t;
  rt_tokenizer_free (t);
  return NULL;
}

void
rt_tokenizer_free (RtTokenizer *t)
{
  if (!t)
    return;
  rt_tokenizer_free_vocab (t);
  rt_bpe_free (t);
  free (t);
}

/* ---- Looking at one ---- */

uint32_t
rt_tokenizer_n_vocab (const RtTokenizer *t)
{
  return t->n_vocab;
}

int32_t
rt_tokenizer_bos (const RtTokenizer *t)
{
  return t->bos;
}

int32_t
rt_tokenizer_eos (const RtTokenizer *t)
{
  return t->eos;
}

static bool
is_token (const RtTokenizer *t, int32_t token)
{
  return token >= 0 && (uint32_t)token < t->n_vocab;
}

bool
rt_tokenizer_is_end (const RtTokenizer *t, int32_t token)
{
  return is_token (t, token) && t->is_end[token];
}

const char *
rt_tokenizer_model (const RtTokenizer *t)
{
  return t->model == RT_MODEL_SPM ? "llama" : "gpt2";
}

RtSlice
rt_tokenizer_piece (const RtTokenizer *t, int32_t token)
{
  return is_token (t, token) ? rt_strings_get (&t->pieces, (uint32_t)token) : (RtSlice){ "", 0 };
}

RtSlice
rt_tokenizer_name (const RtTokenizer *t, int32_t token)
{
  return is_token (t, token) ? rt_strings_get (&t->names, (uint32_t)token) : (RtSlice){ "", 0 };
}

/* ---- Special tokens in text ---- */

/* Byte @k of special token @i's name, or -1 past its end. */
static int
special_byte (const RtTokenizer *t, uint32_t i, size_t k)
{
  RtSlice name = rt_strings_get (&t->names, (uint32_t)t->specials[i]);

  return k < name.length ? (uint8_t)name.data[k] : -1;
}

/* First of the specials in [low, high), which agree in the first @k bytes, whose byte @k is at
 * least
 * @byte. */
static uint32_t
lower_bound (const RtTokenizer *t, uint32_t low, uint32_t high, size_t k, int byte)
{
  while (low < high)
    {
      uint32_t middle = low + (high - low) / 2;
      if (special_byte (t, middle, k) < byte)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

/* The longest special token that @s [n > 0] starts with, or RT_NO_TOKEN. Walks down the sorted
 * names as if they were a trie. */
static int32_t
match_special (const RtTokenizer *t, const uint8_t *s, size_t n, bool parse_special,
               size_t *n_matched)
{
  uint32_t low = 0, high = t->n_specials;
  int32_t found = RT_NO_TOKEN;

  if (!t->special_start[s[0]])
    return RT_NO_TOKEN;
  for (size_t k = 0; low < high; k++)
    {
      /* The name that ends here comes first. */
      if (special_byte (t, low, k) < 0)
        {
          if (parse_special || t->types[t->specials[low]] == RT_TOKEN_USER_DEFINED)
            {
              found = t->specials[low];
              *n_matched = k;
            }
          low++;
        }
      if (k == n)
        break;
      low = lower_bound (t, low, high, k, s[k]);
      high = lower_bound (t, low, high, k, s[k] + 1);
    }
  return found;
}

static bool
encode_text (RtEncoder *e, const uint8_t *text, size_t n, bool after_special)
{
  const RtTokenizer *t = e->tokenizer;

  if (t->strip_after_special && after_special && e->n_tokens > 0
      && e->tokens[e->n_tokens - 1] != t->bos)
    while (n > 0 && (*text == ' ' || (*text >= '\t' && *text <= '\r')))
      {
        text++;
        n--;
      }
  if (n == 0)
    return true;
  return t->model == RT_MODEL_SPM ? rt_spm_encode (e, text, n, t->add_space_prefix && after_special)
                                  : rt_bpe_encode (e, text, n);
}

static bool
encode_all (RtEncoder *e, const uint8_t *text, size_t n, bool parse_special)
{
  size_t from = 0, at = 0;
  bool after_special = true; /* the start of the text counts as one */

  while (at < n)
    {
      size_t n_matched = 0;
      int32_t token = match_special (e->tokenizer, text + at, n - at, parse_special, &n_matched);
      if (token == RT_NO_TOKEN)
        {
          at++;
          continue;
        }
      if (!encode_text (e, text + from, at - from, after_special) || !rt_encoder_emit (e, token))
        return false;
      after_special = true;
      at += n_matched;
      from = at;
    }
  return encode_text (e, text + from, n - from, after_special);
}

bool
rt_tokenizer_encode (const RtTokenizer *t, const char *text, size_t n_bytes, bool add_special,
                     bool parse_special, int32_t **tokens, size_t *n_tokens, RtError *error)
{
  RtEncoder e = { .tokenizer = t, .error = error };
  bool ok = (!add_special || !t->add_bos || rt_encoder_emit (&e, t->bos))
            && encode_all (&e, (const uint8_t *)text, n_bytes, parse_special)
            && (!add_special || !t->add_eos || rt_encoder_emit (&e, t->eos))
            /* Never NULL, so that the caller may free and index without a case of its own. */
            && rt_encoder_reserve (&e, &e.tokens, &e.tokens_capacity, 1, sizeof *e.tokens);

  free (e.text);
  free (e.symbols);
  free (e.heap);
  if (!ok)
    {
      free (e.tokens);
      return false;
    }
  *tokens = e.tokens;
  *n_tokens = e.n_tokens;
  return true;
}
