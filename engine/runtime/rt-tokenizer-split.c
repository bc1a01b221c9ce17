/* Pre-tokenizers: how byte-level BPE cuts text into pieces before it merges inside them.
 *
 * Called by rt-tokenizer-bpe.c. The original definitions are regular expressions over Unicode
 * classes; here each is a function written by hand that returns the length of the first match, so
 * that the runtime needs no regular expression library. Alternatives are tried in the order of the
 * expression. Every function is linear in what it returns, except that a run of white space may be
 * looked at twice. Must not know tokens. */
#include "rt-tokenizer-private.h"
#include "rt-unicode.h"

#include <stdio.h>
#include <string.h>

/* One character and its class. */
typedef struct
{
  uint32_t cp, n_bytes, char_class;
} Char;

static Char
char_at (const uint8_t *s, size_t n, size_t at)
{
  Char c = { 0 };

  if (at < n)
    {
      c.cp = rt_utf8_decode (s + at, n - at, &c.n_bytes);
      c.char_class = rt_unicode_class (c.cp);
    }
  return c;
}

/* End of the run of characters from @at on whose class is in @classes. */
static size_t
run_of (const uint8_t *s, size_t n, size_t at, uint32_t classes)
{
  for (;;)
    {
      Char c = char_at (s, n, at);
      if (c.n_bytes == 0 || !(c.char_class & classes))
        return at;
      at += c.n_bytes;
    }
}

/* [^\s\p{L}\p{N}]: neither space, letter nor number. */
static bool
is_other (Char c)
{
  return c.n_bytes > 0 && !(c.char_class & (RT_CHAR_SPACE | RT_CHAR_LETTER | RT_CHAR_NUMBER));
}

static size_t
run_of_others (const uint8_t *s, size_t n, size_t at)
{
  for (;;)
    {
      Char c = char_at (s, n, at);
      if (!is_other (c))
        return at;
      at += c.n_bytes;
    }
}

/* 's|'t|'re|'ve|'m|'ll|'d: its length, or 0. Letter case can be ignored; U+017F, the long s, is an
 * 's' then, as in every Unicode-aware expression. */
static size_t
contraction (const uint8_t *s, size_t n, bool ignore_case)
{
  static const char *const endings[] = { "s", "t", "re", "ve", "m", "ll", "d" };

  if (n < 2 || s[0] != '\'')
    return 0;
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
    {
      size_t length = strlen (endings[i]);
      bool same = n > length;
      for (size_t k = 0; same && k < length; k++)
        {
          uint8_t c = s[1 + k];
          if (ignore_case && c >= 'A' && c <= 'Z')
            c |= 0x20;
          same = c == (uint8_t)endings[i][k];
        }
      if (same)
        return 1 + length;
    }
  if (ignore_case && n >= 3 && s[1] == 0xc5 && s[2] == 0xbf)
    return 3;
  return 0;
}

/* \s+(?!\S)|\s+ at white space: the run without its last character, which belongs to what follows;
 * all of it at the end of the text or when it is alone. */
static size_t
white_space (const uint8_t *s, size_t n)
{
  size_t at = 0, last = 0;

  for (Char c = char_at (s, n, at); c.char_class & RT_CHAR_SPACE; c = char_at (s, n, at))
    {
      last = at;
      at += c.n_bytes;
    }
  return at == n || last == 0 ? at : last;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t
split_gpt2 (const uint8_t *s, size_t n)
{
  size_t length = contraction (s, n, false);
  size_t at = s[0] == ' ' ? 1 : 0;
  Char c = char_at (s, n, at);

  if (length > 0)
    return length;
  if (c.char_class & (RT_CHAR_LETTER | RT_CHAR_NUMBER))
    return run_of (s, n, at, c.char_class);
  if (is_other (c))
    return run_of_others (s, n, at);
  return white_space (s, n);
}

/* The expression of Llama 3; Qwen2 has the same with single digits.
 *
 *   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*
 *   |\s*[\r\n]+|\s+(?!\S)|\s+
 */
static size_t
split_llama3_like (const uint8_t *s, size_t n, int n_digits)
{
  size_t length = contraction (s, n, true);
  Char c = char_at (s, n, 0);

  if (length > 0)
    return length;

  if (c.char_class & RT_CHAR_LETTER)
    return run_of (s, n, 0, RT_CHAR_LETTER);
  if (c.char_class & RT_CHAR_NUMBER)
    {
      size_t at = c.n_bytes;
      for (int i = 1; i < n_digits; i++)
        {
          c = char_at (s, n, at);
          if (!(c.char_class & RT_CHAR_NUMBER))
            break;
          at += c.n_bytes;
        }
      return at;
    }
  if (c.cp != '\r' && c.cp != '\n' && (char_at (s, n, c.n_bytes).char_class & RT_CHAR_LETTER))
    return run_of (s, n, c.n_bytes, RT_CHAR_LETTER);

  size_t at = c.cp == ' ' ? 1 : 0;
  if (is_other (char_at (s, n, at)))
    {
      at = run_of_others (s, n, at);
      while (at < n && (s[at] == '\r' || s[at] == '\n'))
        at++;
      return at;
    }

  /* White space up to its last line end, if it has one. */
  size_t after_line = 0, end = run_of (s, n, 0, RT_CHAR_SPACE);
  for (size_t i = 0; i < end; i++)
    if (s[i] == '\r' || s[i] == '\n')
      after_line = i + 1;
  return after_line > 0 ? after_line : white_space (s, n);
}

static size_t
split_llama3 (const uint8_t *s, size_t n)
{
  return split_llama3_like (s, n, 3);
}

static size_t
split_qwen2 (const uint8_t *s, size_t n)
{
  return split_llama3_like (s, n, 1);
}

/* \p{N}: every digit alone. */
static size_t
split_digits (const uint8_t *s, size_t n)
{
  size_t at = 0;

  for (;;)
    {
      Char c = char_at (s, n, at);
      if (c.n_bytes == 0)
        return at;
      if (c.char_class & RT_CHAR_NUMBER)
        return at == 0 ? c.n_bytes : at;
      at += c.n_bytes;
    }
}

/* \p{N}+ */
static size_t
split_numbers (const uint8_t *s, size_t n)
{
  bool wanted = (char_at (s, n, 0).char_class & RT_CHAR_NUMBER) != 0;
  size_t at = 0;

  for (;;)
    {
      Char c = char_at (s, n, at);
      if (c.n_bytes == 0 || ((c.char_class & RT_CHAR_NUMBER) != 0) != wanted)
        return at;
      at += c.n_bytes;
    }
}

static bool
is_three_digits (const uint8_t *s, size_t n)
{
  for (size_t i = 0; i < 3; i++)
    if (i >= n || s[i] < '0' || s[i] > '9')
      return false;
  return true;
}

/* [0-9][0-9][0-9] */
static size_t
split_three_digits (const uint8_t *s, size_t n)
{
  size_t at = 0;

  if (is_three_digits (s, n))
    return 3;
  while (at < n && !is_three_digits (s + at, n - at))
    at++;
  return at;
}

/* Punctuation and the symbols that people take for it; Falcon adds the grave accent. */
static bool
is_punctuation (Char c, bool grave)
{
  return (c.char_class & RT_CHAR_PUNCT)
         || (c.n_bytes == 1 && c.cp < 0x80 && c.cp != 0 && strchr ("$+<=>^~|", (int)c.cp))
         || (grave && c.cp == '`');
}

static size_t
split_punctuation_like (const uint8_t *s, size_t n, bool grave)
{
  bool wanted = is_punctuation (char_at (s, n, 0), grave);
  size_t at = 0;

  for (;;)
    {
      Char c = char_at (s, n, at);
      if (c.n_bytes == 0 || is_punctuation (c, grave) != wanted)
        return at;
      at += c.n_bytes;
    }
}

/* [\p{P}\$\+<=>\^~\|]+ */
static size_t
split_punctuation (const uint8_t *s, size_t n)
{
  return split_punctuation_like (s, n, false);
}

/* [\p{P}\$\+<=>\^~\|`]+ */
static size_t
split_punctuation_grave (const uint8_t *s, size_t n)
{
  return split_punctuation_like (s, n, true);
}

/* ---- The list ---- */

static const char *const names_gpt2[]
    = { "gpt-2", "phi-2", "mpt", "olmo", "jais", "exaone4", "gigachat", "trillion", NULL };
static const char *const names_smollm[]
    = { "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", NULL };
static const char *const names_llama3[]
    = { "llama-bpe", "llama3", "llama-v3", "falcon3", "lfm2", "pixtral", NULL };
static const char *const names_llama3_plain[]
    = { "dbrx", "smaug-bpe", "glm4", "chatglm-bpe", NULL };
static const char *const names_qwen2[]
    = { "qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez", NULL };
static const char *const names_falcon[] = { "falcon", NULL };
static const char *const names_default[] = { "default", NULL };

static const RtPreTokenizer pre_tokenizers[] = {
  { .names = names_gpt2, .stages = { split_gpt2 } },
  { .names = names_smollm, .stages = { split_digits, split_gpt2 } },
  { .names = names_llama3, .stages = { split_llama3 }, .ignore_merges = true, .add_bos = true },
  { .names = names_llama3_plain, .stages = { split_llama3 } },
  { .names = names_qwen2, .stages = { split_qwen2 } },
  { .names = names_falcon, .stages = { split_punctuation_grave, split_gpt2, split_three_digits } },
  { .names = names_default,
    .stages = { split_punctuation, split_gpt2, split_numbers, split_three_digits } },
};

const RtPreTokenizer *
rt_pre_tokenizer_find (RtSlice name)
{
  for (size_t i = 0; i < sizeof pre_tokenizers / sizeof *pre_tokenizers; i++)
    for (const char *const *known = pre_tokenizers[i].names; *known; known++)
      if (rt_slice_equals (name, *known))
        return &pre_tokenizers[i];
  return NULL;
}

void
rt_pre_tokenizer_list (char *buffer, size_t n_bytes)
{
  size_t n = 0;

  buffer[0] = '\0';
  for (size_t i = 0; i < sizeof pre_tokenizers / sizeof *pre_tokenizers && n < n_bytes; i++)
    for (const char *const *known = pre_tokenizers[i].names; *known && n < n_bytes; known++)
      n += (size_t)snprintf (buffer + n, n_bytes - n, "%s%s", n ? ", " : "", *known);
}
