/* The SentencePiece-type tokenizer ("llama"): characters merge into the pieces of best score.
 *
 * Called by rt-tokenizer.c, once per stretch of text between special tokens. Follows
 * SentencePiece's BPE model without normalisation: spaces become U+2581, of all neighbours whose
 * concatenation is a piece the one of highest score merges first (leftmost of equals), what is no
 * piece in the end is spelled in byte tokens (Kudo and Richardson 2018). */
#include "rt-tokenizer-private.h"
#include "rt-unicode.h"

#include <string.h>

#define SPACE "\xe2\x96\x81"
#define SPACE_BYTES 3

/* Order floats as unsigned integers, highest first. Not for NaN. */
static uint32_t
priority_of_score (float score)
{
  uint32_t bits;

  score += 0.0f; /* -0 becomes 0 */
  memcpy (&bits, &score, sizeof bits);
  bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return ~bits;
}

/* The two symbols are neighbours in e->text. */
static int32_t
find_merge (const RtEncoder *e, const RtSymbol *left, const RtSymbol *right, uint32_t *priority)
{
  int32_t token = rt_token_index_find (&e->tokenizer->index, e->text + left->at,
                                       (size_t)left->n_bytes + right->n_bytes);

  if (token != RT_NO_TOKEN)
    *priority = priority_of_score (e->tokenizer->scores[token]);
  return token;
}

/* Copy the text with spaces escaped. */
static bool
escape_spaces (RtEncoder *e, const uint8_t *text, size_t n, bool space_prefix, size_t *n_out)
{
  size_t needed = SPACE_BYTES, out = 0;

  for (size_t i = 0; i < n; i++)
    needed += text[i] == ' ' ? SPACE_BYTES : 1;
  if (needed >= UINT32_MAX)
    return rt_fail (e->error, RT_ERROR_RANGE, "a text of %zu bytes is too long", n);
  if (!rt_encoder_reserve (e, &e->text, &e->text_capacity, needed, 1))
    return false;

  if (space_prefix)
    {
      memcpy (e->text, SPACE, SPACE_BYTES);
      out = SPACE_BYTES;
    }
  for (size_t i = 0; i < n; i++)
    if (text[i] == ' ')
      {
        memcpy (e->text + out, SPACE, SPACE_BYTES);
        out += SPACE_BYTES;
      }
    else
      e->text[out++] = text[i];
  *n_out = out;
  return true;
}

/* One symbol per character; a byte that is no character is one by itself. */
static bool
make_symbols (RtEncoder *e, size_t n)
{
  e->n_symbols = 0;
  if (!rt_encoder_reserve (e, &e->symbols, &e->symbols_capacity, n, sizeof *e->symbols))
    return false;
  for (size_t at = 0; at < n;)
    {
      uint32_t n_bytes;
      rt_utf8_decode (e->text + at, n - at, &n_bytes);
      uint32_t i = (uint32_t)e->n_symbols++;
      e->symbols[i] = (RtSymbol){
        .token = rt_token_index_find (&e->tokenizer->index, e->text + at, n_bytes),
        .at = (uint32_t)at,
        .n_bytes = n_bytes,
        .previous = i == 0 ? UINT32_MAX : i - 1,
        .next = at + n_bytes == n ? UINT32_MAX : i + 1,
      };
      at += n_bytes;
    }
  return true;
}

bool
rt_spm_encode (RtEncoder *e, const uint8_t *text, size_t n, bool space_prefix)
{
  size_t n_escaped = 0;

  return escape_spaces (e, text, n, space_prefix, &n_escaped) && make_symbols (e, n_escaped)
         && rt_encoder_merge (e, find_merge) && rt_encoder_emit_symbols (e);
}
