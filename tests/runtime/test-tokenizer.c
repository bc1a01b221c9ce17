/* Tokenizers on small vocabularies where every answer is derived by hand, and on the 512 pieces of
 * stories260K against the plain algorithm of its own program. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "gguf-bytes.h"
#include "rt-tokenizer-private.h"
#include "rt-unicode.h"

/* ---- Building vocabularies ---- */

typedef struct
{
  const char *name;
  int type;
  float score;
} Piece;

typedef struct
{
  GByteArray *meta;
  uint64_t n_meta;
} Builder;

static void
add_key (Builder *b, const char *key, RtGgufType type)
{
  put_key (b->meta, key, type);
  b->n_meta++;
}

static void
add_u32 (Builder *b, const char *key, uint32_t value)
{
  add_key (b, key, RT_GGUF_U32);
  put_u32 (b->meta, value);
}

static void
add_bool (Builder *b, const char *key, bool value)
{
  add_key (b, key, RT_GGUF_BOOL);
  put_u8 (b->meta, value);
}

static void
add_string (Builder *b, const char *key, const char *value)
{
  add_key (b, key, RT_GGUF_STRING);
  put_string (b->meta, value);
}

static void
add_array (Builder *b, const char *key, RtGgufType item_type, size_t n)
{
  add_key (b, key, RT_GGUF_ARRAY);
  put_u32 (b->meta, item_type);
  put_u64 (b->meta, n);
}

static Builder
new_builder (const char *model, const Piece *pieces, size_t n)
{
  Builder b = { g_byte_array_new (), 0 };

  add_string (&b, "tokenizer.ggml.model", model);
  add_array (&b, "tokenizer.ggml.tokens", RT_GGUF_STRING, n);
  for (size_t i = 0; i < n; i++)
    put_string (b.meta, pieces[i].name);
  add_array (&b, "tokenizer.ggml.token_type", RT_GGUF_I32, n);
  for (size_t i = 0; i < n; i++)
    put_u32 (b.meta, (uint32_t)pieces[i].type);
  add_array (&b, "tokenizer.ggml.scores", RT_GGUF_F32, n);
  for (size_t i = 0; i < n; i++)
    put_f32 (b.meta, pieces[i].score);
  return b;
}

/* The tokenizer, or NULL with the reason; empties the builder. */
static RtTokenizer *
finish (Builder *b, RtError *error)
{
  g_autoptr (GByteArray) file = g_byte_array_new ();

  *error = (RtError){ 0 };
  put_header (file, 3, 0, b->n_meta);
  put_bytes (file, b->meta->data, b->meta->len);
  g_byte_array_unref (b->meta);
  RtGguf *g = rt_gguf_open_bytes (file->data, file->len, error);
  if (!g)
    g_error ("%s", error->message);
  RtTokenizer *t = rt_tokenizer_new (g, error);
  rt_gguf_close (g);
  return t;
}

static RtTokenizer *
finish_well (Builder *b)
{
  RtError error;
  RtTokenizer *t = finish (b, &error);

  if (!t)
    g_error ("%s", error.message);
  return t;
}

static void
assert_refused (Builder b, RtStatus status, const char *part)
{
  RtError error;

  g_assert_null (finish (&b, &error));
  g_assert_cmpint (error.status, ==, status);
  if (!strstr (error.message, part))
    g_error ("'%s' is not in '%s'", part, error.message);
}

enum
{
  PLAIN = 0,
  ADD = 1,   /* add_special */
  PARSE = 2, /* parse_special */
};

/* @text [n] becomes the tokens whose names, joined by spaces, are @expected. */
static void
assert_tokens_n (const RtTokenizer *t, const char *text, size_t n, int flags, const char *expected)
{
  g_autoptr (GString) names = g_string_new (NULL);
  RtError error = { 0 };
  int32_t *tokens = NULL;
  size_t n_tokens = 0;

  if (!rt_tokenizer_encode (t, text, n, flags & ADD, flags & PARSE, &tokens, &n_tokens, &error))
    g_error ("%s", error.message);
  for (size_t i = 0; i < n_tokens; i++)
    {
      RtSlice name = rt_tokenizer_name (t, tokens[i]);
      g_string_append_printf (names, "%s%.*s", i ? " " : "", (int)name.length, name.data);
    }
  free (tokens);
  g_assert_cmpstr (names->str, ==, expected);
}

static void
assert_tokens (const RtTokenizer *t, const char *text, int flags, const char *expected)
{
  assert_tokens_n (t, text, strlen (text), flags, expected);
}

static void
assert_piece (const RtTokenizer *t, int32_t token, const char *expected)
{
  RtSlice piece = rt_tokenizer_piece (t, token);

  g_assert_cmpmem (piece.data, piece.length, expected, strlen (expected));
}

/* ---- SentencePiece type ---- */

#define SP "\xe2\x96\x81"

static const Piece spm_pieces[] = {
  { "<unk>", 2, 0 },  { "<s>", 3, 0 },     { "</s>", 3, 0 },   { "<0xC3>", 6, 0 },
  { "<0xA9>", 6, 0 }, { "<0xFF>", 6, 0 },  { SP, 1, -10 },     { "a", 1, -11 },
  { "b", 1, -12 },    { "ab", 1, -1 },     { "ba", 1, -0.5f }, { "aa", 1, -2 },
  { SP "a", 1, -3 },  { "aba", 1, -4 },    { "<tag>", 4, 0 },  { "<tag>x", 4, 0 },
  { "<", 1, -20 },    { "s", 1, -20 },     { ">", 1, -20 },    { "s>", 1, -1 },
  { "x", 1, -20 },    { "<|end|>", 3, 0 }, { "t", 1, -20 },    { "g", 1, -20 },
};

static Builder
new_spm (void)
{
  return new_builder ("llama", spm_pieces, G_N_ELEMENTS (spm_pieces));
}

static void
test_spm (void)
{
  Builder b = new_spm ();
  RtTokenizer *t = finish_well (&b);

  /* Nothing at all, and a lone space: the one in front and itself. */
  assert_tokens (t, "", PLAIN, "");
  assert_tokens (t, "", ADD, "<s>");
  assert_tokens (t, " ", PLAIN, SP " " SP);

  /* "ba" (-0.5) merges before "ab" (-1); then "a" + "ba" is no piece but SP + "a" is. */
  assert_tokens (t, "aba", PLAIN, SP "a ba");
  /* "aa": SP a a a. "aa" (-2) twice possible, leftmost first, then SP "a" is gone. */
  assert_tokens (t, "aaa", PLAIN, SP " aa a");
  assert_tokens (t, "ab", ADD, "<s> " SP " ab");

  /* U+00E9 by its bytes; a byte that is no UTF-8; a character without byte tokens. */
  assert_tokens (t, "\xc3\xa9", PLAIN, SP " <0xC3> <0xA9>");
  assert_tokens (t,
                 "a\xff"
                 "b",
                 PLAIN, SP "a <0xFF> b");
  assert_tokens (t,
                 "a\xc3\xaa\xc3\xab"
                 "b",
                 PLAIN, SP "a <unk> b");
  assert_tokens_n (t, "a\0b", 3, PLAIN, SP "a <unk> b");

  /* User-defined tokens always count, the longest first; the space comes again after them. */
  assert_tokens (t, "a<tag>a", PLAIN, SP "a <tag> " SP "a");
  assert_tokens (t, "<tag>x<tag>", PLAIN, "<tag>x <tag>");
  assert_tokens (t, "<tag><ta", PLAIN, "<tag> " SP " < t a");

  /* Text that spells a control token is text, even where merges lead there ("<" + "s>"). */
  assert_tokens (t, "<s>", PLAIN, SP " < s>");
  assert_tokens (t, "<s>", ADD | PARSE, "<s> <s>");
  assert_tokens (t, "ab<|end|>ab", PARSE, SP " ab <|end|> " SP " ab");

  assert_piece (t, 12, " a");
  assert_piece (t, 5, "\xff");
  assert_piece (t, 14, "<tag>");
  assert_piece (t, 1, "");
  assert_piece (t, 0, "");
  assert_piece (t, -1, "");
  assert_piece (t, 1000, "");
  g_assert_cmpint (rt_tokenizer_bos (t), ==, 1);
  g_assert_cmpint (rt_tokenizer_eos (t), ==, 2);
  g_assert_true (rt_tokenizer_is_end (t, 2));
  g_assert_true (rt_tokenizer_is_end (t, 21)); /* by its name */
  g_assert_false (rt_tokenizer_is_end (t, 1));
  g_assert_false (rt_tokenizer_is_end (t, -1));
  g_assert_false (rt_tokenizer_is_end (t, 24));
  g_assert_cmpstr (rt_tokenizer_model (t), ==, "llama");
  g_assert_cmpuint (rt_tokenizer_n_vocab (t), ==, G_N_ELEMENTS (spm_pieces));
  rt_tokenizer_free (t);
}

static void
test_spm_habits (void)
{
  Builder b = new_spm ();
  add_bool (&b, "tokenizer.ggml.add_space_prefix", false);
  add_bool (&b, "tokenizer.ggml.add_bos_token", false);
  add_bool (&b, "tokenizer.ggml.add_eos_token", true);
  add_u32 (&b, "tokenizer.ggml.eos_token_id", 21);
  add_u32 (&b, "tokenizer.ggml.eot_token_id", 20);
  RtTokenizer *t = finish_well (&b);
  assert_tokens (t, "ab a", ADD, "ab " SP "a <|end|>");
  assert_tokens (t, "ab a", PLAIN, "ab " SP "a");
  g_assert_true (rt_tokenizer_is_end (t, 20));
  g_assert_false (rt_tokenizer_is_end (t, 2));
  rt_tokenizer_free (t);

  /* Phi-3: white space after a special token is not text. */
  b = new_spm ();
  add_string (&b, "general.architecture", "phi3");
  t = finish_well (&b);
  assert_tokens (t, "<|end|>\n a<|end|> ", ADD | PARSE, "<s> <|end|> " SP "a <|end|>");
  assert_tokens (t, " a", ADD | PARSE, "<s> " SP " " SP "a");
  rt_tokenizer_free (t);

  /* Without byte tokens everything unknown is one token; without that, an error. */
  static const Piece bare[] = { { "<unk>", 2, 0 }, { "a", 1, -1 } };
  b = new_builder ("llama", bare, 2);
  t = finish_well (&b);
  assert_tokens (t, "a xyz a", ADD, "<unk> a <unk> a");
  rt_tokenizer_free (t);
  b = new_builder ("llama", bare + 1, 1);
  t = finish_well (&b);
  RtError error;
  int32_t *tokens;
  size_t n;
  g_assert_false (rt_tokenizer_encode (t, "z", 1, false, false, &tokens, &n, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_UNSUPPORTED);
  rt_tokenizer_free (t);
}

/* ---- Byte-level BPE ---- */

#define G "\xc4\xa0" /* U+0120, which stands for a space */

static const Piece bpe_pieces[] = {
  { "a", 1, 0 },
  { "b", 1, 0 },
  { "c", 1, 0 },
  { G, 1, 0 },
  { "ab", 1, 0 },
  { "bc", 1, 0 },
  { G "ab", 1, 0 },
  { "abc", 1, 0 },
  { "\xc3\x83", 1, 0 },         /* U+00C3: the byte 0xc3 */
  { "\xc2\xa9", 1, 0 },         /* U+00A9: the byte 0xa9 */
  { "\xc3\x83\xc2\xa9", 1, 0 }, /* both: U+00E9 */
  { "<|im_end|>", 3, 0 },
  { "<|im_end|>c", 4, 0 },
  { "1", 1, 0 },
  { "11", 1, 0 },
  { "\xc4\x8a", 1, 0 }, /* U+010A: the line feed */
};

static const char *const bpe_merges[]
    = { "a b", "b c", G " ab", "\xc3\x83 \xc2\xa9", "1 1", "a b" };

static Builder
new_bpe (const char *pre, const char *const *merges, size_t n)
{
  Builder b = new_builder ("gpt2", bpe_pieces, G_N_ELEMENTS (bpe_pieces));

  if (pre)
    add_string (&b, "tokenizer.ggml.pre", pre);
  add_array (&b, "tokenizer.ggml.merges", RT_GGUF_STRING, n);
  for (size_t i = 0; i < n; i++)
    put_string (b.meta, merges[i]);
  return b;
}

static void
test_bpe (void)
{
  Builder b = new_bpe ("gpt-2", bpe_merges, G_N_ELEMENTS (bpe_merges));
  RtTokenizer *t = finish_well (&b);

  assert_tokens (t, "", ADD, "");
  assert_tokens (t, "abc", ADD, "ab c");     /* "a b" has the better rank */
  assert_tokens (t, "bcab", PLAIN, "bc ab"); /* ... in a word of two merges */
  assert_tokens (t, "ab ab  ab", PLAIN, "ab " G "ab " G " " G "ab");
  assert_tokens (t, "1111", PLAIN, "11 11");
  assert_tokens (t, "\xc3\xa9", PLAIN, "\xc3\x83\xc2\xa9");
  assert_tokens (t, "\xc3", PLAIN, "\xc3\x83"); /* not UTF-8, kept as a byte */
  assert_tokens (t, "azb", PLAIN, "ab"); /* "z" is not in the vocabulary: as if it was not there */
  assert_tokens (t, "<|im_end|>", PARSE, "<|im_end|>");
  assert_tokens (t, "a<|im_end|>c", PLAIN, "a <|im_end|>c"); /* user-defined */
  assert_tokens (t, "a<|im_end|>b", PARSE, "a <|im_end|> b");

  assert_piece (t, 6, " ab");
  assert_piece (t, 10, "\xc3\xa9");
  assert_piece (t, 15, "\n");
  assert_piece (t, 11, "");
  assert_piece (t, 12, "<|im_end|>c");
  g_assert_cmpint (rt_tokenizer_bos (t), ==, -1);
  g_assert_true (rt_tokenizer_is_end (t, 11));
  rt_tokenizer_free (t);

  /* One digit at a time; a whole word as it is, and the beginning of the sequence. */
  b = new_bpe ("smollm", bpe_merges, G_N_ELEMENTS (bpe_merges));
  t = finish_well (&b);
  assert_tokens (t, "1111", ADD, "1 1 1 1");
  rt_tokenizer_free (t);
  b = new_bpe ("llama-bpe", bpe_merges, G_N_ELEMENTS (bpe_merges));
  add_u32 (&b, "tokenizer.ggml.bos_token_id", 11);
  t = finish_well (&b);
  assert_tokens (t, "abc", ADD, "<|im_end|> abc");
  assert_tokens (t, "abcab", PLAIN, "ab c ab");
  rt_tokenizer_free (t);
}

static void
test_refused (void)
{
  static const char *const not_two[] = { "ab" };
  static const char *const foreign[] = { "a z" };
  Builder b = { g_byte_array_new (), 0 };

  assert_refused (b, RT_ERROR_UNSUPPORTED, "no tokenizer");
  b = new_builder ("bert", spm_pieces, 3);
  assert_refused (b, RT_ERROR_UNSUPPORTED, "'bert'");
  b = new_builder ("llama", spm_pieces, 0);
  assert_refused (b, RT_ERROR_FORMAT, "no vocabulary");
  b = new_bpe ("tekken", bpe_merges, 1);
  assert_refused (b, RT_ERROR_UNSUPPORTED, "'tekken'");
  b = new_bpe ("tekken", bpe_merges, 1);
  assert_refused (b, RT_ERROR_UNSUPPORTED, "smollm");
  b = new_bpe ("gpt-2", not_two, 1);
  assert_refused (b, RT_ERROR_FORMAT, "merge 0, 'ab'");
  b = new_bpe ("gpt-2", foreign, 1);
  assert_refused (b, RT_ERROR_FORMAT, "not in the vocabulary");
  b = new_builder ("gpt2", bpe_pieces, 4);
  assert_refused (b, RT_ERROR_FORMAT, "tokenizer.ggml.merges");
  b = new_spm ();
  add_u32 (&b, "tokenizer.ggml.bos_token_id", G_N_ELEMENTS (spm_pieces));
  assert_refused (b, RT_ERROR_FORMAT, "tokenizer.ggml.bos_token_id is 24");
  b = new_bpe ("gpt-2", bpe_merges, 1);
  add_bool (&b, "tokenizer.ggml.add_bos_token", true);
  assert_refused (b, RT_ERROR_FORMAT, "add_bos_token");

  static const Piece nan_score[] = { { "a", 1, __builtin_nanf ("") } };
  b = new_builder ("llama", nan_score, 1);
  assert_refused (b, RT_ERROR_FORMAT, "score of token 0");
}

/* ---- Pre-tokenizers, by themselves ---- */

static void
split_into (GString *out, const RtPreTokenizer *pre, int stage, const char *s, size_t n)
{
  RtSplit split = stage < RT_MAX_SPLITS ? pre->stages[stage] : NULL;

  if (!split)
    {
      g_string_append_c (out, '[');
      g_string_append_len (out, s, (gssize)n);
      g_string_append_c (out, ']');
      return;
    }
  while (n > 0)
    {
      size_t length = split ((const uint8_t *)s, n);
      g_assert_cmpuint (length, >, 0);
      g_assert_cmpuint (length, <=, n);
      split_into (out, pre, stage + 1, s, length);
      s += length;
      n -= length;
    }
}

/* By hand from the regular expressions. */
static void
test_splits (void)
{
  static const struct
  {
    const char *pre, *text, *pieces;
  } cases[] = {
    { "gpt-2", "I'll go, it's 12345!", "[I]['ll][ go][,][ it]['s][ 12345][!]" },
    { "gpt-2", "IT'S", "[IT]['][S]" },
    { "gpt-2", "a  b\n\nc \n", "[a][ ][ b][\n][\n][c][ \n]" },
    { "gpt-2", "x\xc2\xa0y", "[x][\xc2\xa0][y]" },
    { "gpt-2", " \xc3\xa9t\xc3\xa9 \xd9\xa3\xe2\x85\xa7",
      "[ \xc3\xa9t\xc3\xa9][ \xd9\xa3\xe2\x85\xa7]" },
    { "gpt-2", "e\xcc\x81", "[e][\xcc\x81]" }, /* a combining accent is no letter */
    { "gpt-2",
      "a\xff\xfe"
      "b",
      "[a][\xff\xfe][b]" },
    { "smollm", "a 12  3", "[a][ ][1][2][  ][3]" },
    { "smollm", "x12'll", "[x][1][2]['ll]" },
    { "llama-bpe", "IT'S I'LL", "[IT]['S][ I]['LL]" },
    { "llama-bpe", "12345 6", "[123][45][ ][6]" },
    { "llama-bpe", "a.b (c)\n\nd", "[a][.b][ (][c][)\n\n][d]" },
    { "llama-bpe", "\n \n  x", "[\n \n][ ][ x]" },
    { "llama-bpe", "\tx \ty", "[\tx][ ][\ty]" },
    { "llama-bpe", "a \r\n", "[a][ \r\n]" },
    { "llama-bpe", "a   ", "[a][   ]" },
    { "llama-bpe", "'\xc5\xbfx 'st", "['\xc5\xbf][x][ '][st]" },
    { "qwen2", "12345 6", "[1][2][3][4][5][ ][6]" },
    { "qwen2", "!!\r\n?a", "[!!\r\n][?a]" },
    { "falcon", "a,b 1234`c", "[a][,][b][ ][123][4][`][c]" },
    { "default", "a,b 1234", "[a][,][b][ ][123][4]" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) out = g_string_new (NULL);
      const RtPreTokenizer *pre
          = rt_pre_tokenizer_find ((RtSlice){ cases[i].pre, strlen (cases[i].pre) });
      g_assert_nonnull (pre);
      split_into (out, pre, 0, cases[i].text, strlen (cases[i].text));
      g_assert_cmpstr (out->str, ==, cases[i].pieces);
    }
}

/* ---- Big and odd texts ---- */

/* Not to be slow is part of being right: a quadratic merge would take hours here. */
static void
test_long_words (void)
{
  enum
  {
    N = 1 << 20
  };
  g_autofree char *text = g_malloc (N);
  Builder builders[] = { new_spm (), new_bpe ("gpt-2", bpe_merges, G_N_ELEMENTS (bpe_merges)) };

  for (size_t k = 0; k < G_N_ELEMENTS (builders); k++)
    {
      RtTokenizer *t = finish_well (&builders[k]);
      static const char *const patterns[] = { "a", "ab", " ", "\n", "<", "\xff", "1", "<tag" };
      for (size_t i = 0; i < G_N_ELEMENTS (patterns); i++)
        {
          RtError error;
          int32_t *tokens = NULL;
          size_t n = 0, length = strlen (patterns[i]);
          for (size_t j = 0; j < N; j++)
            text[j] = patterns[i][j % length];
          g_assert_true (rt_tokenizer_encode (t, text, N, true, true, &tokens, &n, &error));
          free (tokens);
        }
      rt_tokenizer_free (t);
    }
}

/* ---- stories260K ---- */

/* The vocabulary of the plain program: i32 longest; per piece f32 score, i32 length, bytes. */
typedef struct
{
  int n;
  char *pieces[512];
  float scores[512];
} Plain;

static bool
load_plain (const char *path, Plain *p)
{
  g_autofree char *bytes = NULL;
  gsize n = 0, at = 4;

  if (!g_file_get_contents (path, &bytes, &n, NULL))
    return false;
  for (p->n = 0; p->n < 512; p->n++)
    {
      int32_t length;
      g_assert_cmpuint (at + 8, <=, n);
      memcpy (&p->scores[p->n], bytes + at, 4);
      memcpy (&length, bytes + at + 4, 4);
      p->pieces[p->n] = g_strndup (bytes + at + 8, (gsize)length);
      at += 8 + (gsize)length;
    }
  g_assert_cmpuint (at, ==, n);
  return true;
}

static int
plain_find (const Plain *p, const char *text)
{
  for (int i = 0; i < p->n; i++)
    if (strcmp (p->pieces[i], text) == 0)
      return i;
  return -1;
}

/* The algorithm in words: characters (or bytes + 3), then as long as any two neighbours make a
 * piece, join those that make the one of best score, the first of equals. */
static int
plain_encode (const Plain *p, const char *text, int *tokens)
{
  g_autofree char *spaced = g_strconcat (" ", text, NULL);
  int n = 0;

  for (const char *c = spaced; *c; c = g_utf8_next_char (c))
    {
      g_autofree char *one = g_strndup (c, (gsize)(g_utf8_next_char (c) - c));
      int id = plain_find (p, one);
      if (id >= 0)
        tokens[n++] = id;
      else
        for (const char *b = one; *b; b++)
          tokens[n++] = (uint8_t)*b + 3;
    }
  for (;;)
    {
      int best = -1, best_at = -1;
      for (int i = 0; i + 1 < n; i++)
        {
          g_autofree char *both
              = g_strconcat (p->pieces[tokens[i]], p->pieces[tokens[i + 1]], NULL);
          int id = plain_find (p, both);
          if (id >= 0 && (best < 0 || p->scores[id] > p->scores[best]))
            {
              best = id;
              best_at = i;
            }
        }
      if (best < 0)
        return n;
      tokens[best_at] = best;
      memmove (tokens + best_at + 1, tokens + best_at + 2,
               (size_t)(--n - best_at - 1) * sizeof *tokens);
    }
}

static void
test_stories (void)
{
  static const char *const texts[] = {
    "Once upon a time, there was a little girl named Lily.",
    "She loved to play outside in the park.",
    "\"Mom, look!\" said Tim. \"It's a big, red ball!\"",
    " two  spaces   three    four",
    "caf\xc3\xa9 na\xc3\xafve \xe2\x82\xac 100 \xe4\xb8\xad\xe6\x96\x87",
    "line one\nline two\n\n\ttab",
    "xyzzy QQQQ 1234567890 !@#$%^&*()",
    "a",
    " ",
    "",
  };
  const char *source_root = g_getenv ("LATHE_SOURCE_ROOT");
  const char *test_data = g_getenv ("LATHE_TEST_DATA");
  g_autofree char *folder
      = test_data ? g_strdup (test_data)
                  : g_build_filename (source_root ? source_root : ".", "../shared/models", NULL);
  g_autofree char *path_gguf = g_build_filename (folder, "llm", "stories260K-f32.gguf", NULL);
  g_autofree char *path_bin = g_build_filename (folder, "llm", "tok512.bin", NULL);
  g_autofree Plain *plain = g_new0 (Plain, 1);
  RtError error = { 0 };

  if (!g_file_test (path_gguf, G_FILE_TEST_EXISTS) || !load_plain (path_bin, plain))
    {
      g_test_skip ("stories260K-f32.gguf and tok512.bin are not there (LATHE_TEST_DATA names their "
                   "folder)");
      return;
    }
  RtGguf *g = rt_gguf_open (path_gguf, &error);
  g_assert_nonnull (g);
  RtTokenizer *t = rt_tokenizer_new (g, &error);
  g_assert_nonnull (t);
  g_assert_cmpuint (rt_tokenizer_n_vocab (t), ==, 512);

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      int expected[256];
      int n_expected = *texts[i] ? plain_encode (plain, texts[i], expected) : 0;
      int32_t *tokens = NULL;
      size_t n = 0;
      g_assert_true (
          rt_tokenizer_encode (t, texts[i], strlen (texts[i]), true, false, &tokens, &n, &error));
      g_assert_cmpint (tokens[0], ==, 1);
      g_assert_cmpmem (tokens + 1, (n - 1) * sizeof *tokens, expected,
                       (size_t)n_expected * sizeof *expected);
      free (tokens);
    }
  for (int i = 0; i < plain->n; i++)
    g_free (plain->pieces[i]);
  rt_tokenizer_free (t);
  rt_gguf_close (g);
}

/* The model that comes with the program: its held-out text comes back from its tokens, in fewer
 * tokens than half its bytes. */
static void
test_default_model (void)
{
  const char *source_root = g_getenv ("LATHE_SOURCE_ROOT");
  g_autofree char *folder
      = g_build_filename (source_root ? source_root : ".", "data", "default-model", NULL);
  g_autofree char *path_gguf = g_build_filename (folder, "lathe-default-f16.gguf", NULL);
  g_autofree char *path_text = g_build_filename (folder, "heldout.txt", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GString) back = g_string_new (NULL);
  RtError error = { 0 };
  int32_t *tokens = NULL;
  size_t n = 0;
  gsize n_bytes = 0;

  g_assert_true (g_file_get_contents (path_text, &text, &n_bytes, NULL));
  RtGguf *g = rt_gguf_open (path_gguf, &error);
  g_assert_cmpstr (error.message, ==, "");
  RtTokenizer *t = rt_tokenizer_new (g, &error);
  g_assert_cmpstr (error.message, ==, "");
  g_assert_true (rt_tokenizer_encode (t, text, n_bytes, true, true, &tokens, &n, &error));
  g_assert_cmpuint (n, <, n_bytes / 2);
  for (size_t i = 0; i < n; i++)
    {
      RtSlice piece = rt_tokenizer_piece (t, tokens[i]);
      g_string_append_len (back, piece.data, (gssize)piece.length);
    }
  g_assert_cmpint (back->str[0], ==, ' ');
  g_assert_cmpmem (back->str + 1, back->len - 1, text, n_bytes);
  free (tokens);
  rt_tokenizer_free (t);
  rt_gguf_close (g);
}

/* ---- Unicode ---- */

/* The classes against GLib's, for every code point that is assigned in both. */
static void
test_unicode (void)
{
  int n_different = 0, n_unassigned = 0;

  for (uint32_t cp = 0; cp < 0x110000; cp++)
    {
      uint32_t expected = 0;
      GUnicodeType type = g_unichar_type (cp);
      if (g_unichar_isalpha (cp))
        expected = RT_CHAR_LETTER;
      else if (type == G_UNICODE_DECIMAL_NUMBER || type == G_UNICODE_LETTER_NUMBER
               || type == G_UNICODE_OTHER_NUMBER)
        expected = RT_CHAR_NUMBER;
      else if (type == G_UNICODE_LINE_SEPARATOR || type == G_UNICODE_PARAGRAPH_SEPARATOR
               || type == G_UNICODE_SPACE_SEPARATOR || (cp >= 9 && cp <= 13) || cp == 0x85)
        expected = RT_CHAR_SPACE;
      else if (g_unichar_ispunct (cp) && type != G_UNICODE_CURRENCY_SYMBOL
               && type != G_UNICODE_MODIFIER_SYMBOL && type != G_UNICODE_MATH_SYMBOL
               && type != G_UNICODE_OTHER_SYMBOL)
        expected = RT_CHAR_PUNCT;
      if (rt_unicode_class (cp) == expected)
        continue;
      /* One of the two may be of a later version of Unicode. */
      if (type == G_UNICODE_UNASSIGNED || rt_unicode_class (cp) == 0)
        n_unassigned++;
      else
        n_different++;
    }
  g_test_message ("Unicode %s; %d characters are assigned in one of the two only",
                  rt_unicode_version, n_unassigned);
  g_assert_cmpint (n_different, ==, 0);
  g_assert_cmpint (n_unassigned, <, 5000);
  g_assert_cmpuint (rt_unicode_class (RT_UTF8_INVALID), ==, 0);
}

/* Decoding against GLib's validator, for every sequence of up to two bytes and many longer ones. */
static void
test_utf8 (void)
{
  for (uint32_t cp = 0; cp < 0x110000; cp++)
    {
      uint8_t bytes[4];
      uint32_t n;
      if (cp >= 0xd800 && cp <= 0xdfff)
        continue;
      uint32_t length = rt_utf8_encode (cp, bytes);
      g_assert_cmpuint (rt_utf8_decode (bytes, length, &n), ==, cp);
      g_assert_cmpuint (n, ==, length);
      for (uint32_t cut = 1; cut < length; cut++)
        {
          g_assert_cmpuint (rt_utf8_decode (bytes, cut, &n), ==, RT_UTF8_INVALID);
          g_assert_cmpuint (n, ==, 1);
        }
    }
  for (uint32_t i = 0; i < 1u << 24; i += 251)
    {
      char bytes[4] = { (char)(0xe0 | i >> 20), (char)(i >> 12), (char)(i >> 6), (char)i };
      uint32_t n;
      uint32_t cp = rt_utf8_decode ((uint8_t *)bytes, 4, &n);
      gunichar expected = g_utf8_get_char_validated (bytes, 4);
      bool valid = expected < 0x110000 && g_utf8_validate_len (bytes, n, NULL);
      if (valid)
        g_assert_cmpuint (cp, ==, expected);
      else
        g_assert_cmpuint (cp, ==, RT_UTF8_INVALID);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tokenizer/spm", test_spm);
  g_test_add_func ("/tokenizer/spm-habits", test_spm_habits);
  g_test_add_func ("/tokenizer/bpe", test_bpe);
  g_test_add_func ("/tokenizer/refused", test_refused);
  g_test_add_func ("/tokenizer/splits", test_splits);
  g_test_add_func ("/tokenizer/long-words", test_long_words);
  g_test_add_func ("/tokenizer/stories260K", test_stories);
  g_test_add_func ("/tokenizer/default-model", test_default_model);
  g_test_add_func ("/unicode/classes", test_unicode);
  g_test_add_func ("/unicode/utf8", test_utf8);
  return g_test_run ();
}
