/* Fuzz target: any text with sound vocabularies, and any vocabulary.
 *
 * Byte 0 chooses. 0: SentencePiece type; 1 to 7: byte-level BPE with one of the pre-tokenizers;
 * both with vocabularies that have every byte, where the text must come back from its tokens. From
 * 128 on: a GGUF file, whose length is the next two bytes, then the text. */
#include "fuzz.h"

#include <string.h>

#include "../runtime/gguf-bytes.h"
#include "rt-tokenizer.h"

#ifdef LATHE_LIBFUZZER
bool fuzz_accepted;
#endif

static const char *const pre_names[]
    = { "gpt-2", "smollm", "llama-bpe", "qwen2", "falcon", "default", "dbrx" };

static void
put_array (GByteArray *b, const char *key, RtGgufType type, uint64_t n)
{
  put_key (b, key, RT_GGUF_ARRAY);
  put_u32 (b, type);
  put_u64 (b, n);
}

static RtTokenizer *
open_tokenizer (GByteArray *b)
{
  RtError error = { 0 };
  RtGguf *g = rt_gguf_open_bytes (b->data, b->len, &error);
  RtTokenizer *t = g ? rt_tokenizer_new (g, &error) : NULL;

  if (!t)
    fprintf (stderr, "%s\n", error.message);
  FUZZ_CHECK (t);
  rt_gguf_close (g);
  g_byte_array_unref (b);
  return t;
}

/* <unk>, <s>, </s>, 256 bytes, then pieces with scores that make many merges compete. */
static RtTokenizer *
new_spm (void)
{
  static const char *const pieces[]
      = { "\xe2\x96\x81", "a",  "b", "ab", "ba", "aa", "▁a", "aba",  "▁▁", "\xc3\xa9",
          "a\xc3\xa9",    "<",  "s", ">",  "<s", "s>", "\n", "\n\n", "0",  "00",
          "the",          "th", "t", "h",  "e" };
  enum
  {
    N = 3 + 256 + G_N_ELEMENTS (pieces)
  };
  GByteArray *b = g_byte_array_new ();
  char name[8];

  put_header (b, 3, 0, 4);
  put_key (b, "tokenizer.ggml.model", RT_GGUF_STRING);
  put_string (b, "llama");
  put_array (b, "tokenizer.ggml.tokens", RT_GGUF_STRING, N);
  put_string (b, "<unk>");
  put_string (b, "<s>");
  put_string (b, "</s>");
  for (int i = 0; i < 256; i++)
    {
      snprintf (name, sizeof name, "<0x%02X>", i);
      put_string (b, name);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (pieces); i++)
    put_string (b, pieces[i]);
  put_array (b, "tokenizer.ggml.token_type", RT_GGUF_I32, N);
  for (uint32_t i = 0; i < N; i++)
    put_u32 (b, i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1);
  put_array (b, "tokenizer.ggml.scores", RT_GGUF_F32, N);
  for (uint32_t i = 0; i < N; i++)
    put_f32 (b, -(float)(i * 7 % 13));
  return open_tokenizer (b);
}

/* The name of a byte, as byte-level vocabularies write it. */
static void
name_of_byte (int byte, char *out)
{
  int n_odd = 0;

  for (int b = 0; b < byte; b++)
    n_odd += !((b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae);
  bool plain = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  out[g_unichar_to_utf8 (plain ? (gunichar)byte : 0x100u + (gunichar)n_odd, out)] = '\0';
}

static RtTokenizer *
new_bpe (const char *pre)
{
  static const char *const merges[] = { "a b",
                                        "b a",
                                        "t h",
                                        "th e",
                                        "\xc4\xa0 t",
                                        "\xc4\xa0t he",
                                        "h e",
                                        "0 0",
                                        "00 0",
                                        "\xc4\x8a \xc4\x8a",
                                        "\xc3\x83 \xc2\xa9",
                                        "' s",
                                        "ab ab" };
  enum
  {
    N = 256 + G_N_ELEMENTS (merges) + 1
  };
  GByteArray *b = g_byte_array_new ();
  char name[32];

  put_header (b, 3, 0, 5);
  put_key (b, "tokenizer.ggml.model", RT_GGUF_STRING);
  put_string (b, "gpt2");
  put_key (b, "tokenizer.ggml.pre", RT_GGUF_STRING);
  put_string (b, pre);
  put_array (b, "tokenizer.ggml.tokens", RT_GGUF_STRING, N);
  for (int i = 0; i < 256; i++)
    {
      name_of_byte (i, name);
      put_string (b, name);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (merges); i++)
    {
      const char *space = strchr (merges[i], ' ');
      snprintf (name, sizeof name, "%.*s%s", (int)(space - merges[i]), merges[i], space + 1);
      put_string (b, name);
    }
  put_string (b, "<|im_end|>");
  put_array (b, "tokenizer.ggml.token_type", RT_GGUF_I32, N);
  for (int i = 0; i < N; i++)
    put_u32 (b, i == N - 1 ? 3 : 1);
  put_array (b, "tokenizer.ggml.merges", RT_GGUF_STRING, G_N_ELEMENTS (merges));
  for (size_t i = 0; i < G_N_ELEMENTS (merges); i++)
    put_string (b, merges[i]);
  return open_tokenizer (b);
}

/* Tokens are in range; with @whole their pieces are the text again. */
static void
check_text (const RtTokenizer *t, const uint8_t *text, size_t n, bool parse_special, bool whole)
{
  RtError error = { 0 };
  int32_t *tokens = NULL;
  size_t n_tokens = 0, at = 0;
  /* SentencePiece puts a space in front. */
  bool skip_space = strcmp (rt_tokenizer_model (t), "llama") == 0;

  if (!rt_tokenizer_encode (t, (const char *)text, n, true, parse_special, &tokens, &n_tokens,
                            &error))
    {
      FUZZ_CHECK (error.status != RT_OK && error.message[0]);
      FUZZ_CHECK (!whole);
      return;
    }
  for (size_t i = 0; i < n_tokens; i++)
    {
      FUZZ_CHECK (tokens[i] >= 0 && (uint32_t)tokens[i] < rt_tokenizer_n_vocab (t));
      RtSlice piece = rt_tokenizer_piece (t, tokens[i]);
      rt_tokenizer_is_end (t, tokens[i]);
      if (whole && skip_space && piece.length > 0)
        {
          FUZZ_CHECK (piece.data[0] == ' ');
          piece.data++;
          piece.length--;
          skip_space = false;
        }
      if (whole)
        {
          FUZZ_CHECK (piece.length <= n - at);
          FUZZ_CHECK (piece.length == 0 || memcmp (piece.data, text + at, piece.length) == 0);
          at += piece.length;
        }
    }
  FUZZ_CHECK (!whole || at == n);
  free (tokens);
}

/* U+2581 stands for a space in the vocabulary, so such a text comes back with spaces. */
static bool
has_marker (const uint8_t *text, size_t n)
{
  return memmem (text, n, "\xe2\x96\x81", 3) != NULL;
}

/* Half of the vocabulary: texts have tokens of it only, and it can be written. */
static void
check_subset (const RtGguf *g, const RtTokenizer *t, const uint8_t *text, size_t n)
{
  uint32_t n_vocab = rt_tokenizer_n_vocab (t);
  uint32_t *order = malloc (n_vocab * sizeof *order);
  bool *keep = calloc (n_vocab, sizeof *keep);
  RtError error = { 0 };

  for (uint32_t i = 0; i < n_vocab; i++)
    order[i] = n_vocab - 1 - i;
  if (!rt_tokenizer_choose (t, order, n_vocab / 2, keep, &error))
    {
      /* A token spelled with characters that the vocabulary cannot cut. */
      FUZZ_CHECK (error.status == RT_ERROR_UNSUPPORTED && error.message[0] != '\0');
      free (keep);
      free (order);
      return;
    }
  RtTokenizer *half = rt_tokenizer_new_subset (g, keep, &error);
  RtGgufWriter *w = rt_gguf_writer_new (&error);
  FUZZ_CHECK (half != NULL && w != NULL);
  if (!rt_tokenizer_write_subset (g, keep, w, &error))
    FUZZ_CHECK (error.message[0] != '\0');
  rt_gguf_writer_free (w);

  int32_t *tokens = NULL;
  size_t n_tokens = 0;
  if (rt_tokenizer_encode (half, (const char *)text, n, true, true, &tokens, &n_tokens, &error))
    for (size_t i = 0; i < n_tokens; i++)
      FUZZ_CHECK (keep[tokens[i]]);
  free (tokens);
  rt_tokenizer_free (half);
  free (keep);
  free (order);
}

static void
check_file (const uint8_t *data, size_t n)
{
  if (n < 2)
    return;
  size_t n_file = (size_t)data[0] | (size_t)data[1] << 8;
  if (n_file > n - 2)
    n_file = n - 2;

  uint8_t *file = malloc (n_file ? n_file : 1);
  RtError error = { 0 };
  memcpy (file, data + 2, n_file);
  RtGguf *g = rt_gguf_open_bytes (file, n_file, &error);
  RtTokenizer *t = g ? rt_tokenizer_new (g, &error) : NULL;
  FUZZ_CHECK (t || error.message[0] != '\0');
  if (t)
    check_subset (g, t, data + 2 + n_file, n - 2 - n_file);
  rt_gguf_close (g);
  free (file); /* the tokenizer must not need it */
  fuzz_accepted = t != NULL;
  if (t)
    {
      for (uint32_t i = 0; i < rt_tokenizer_n_vocab (t); i++)
        FUZZ_CHECK (rt_tokenizer_piece (t, (int32_t)i).length
                    <= rt_tokenizer_name (t, (int32_t)i).length);
      check_text (t, data + 2 + n_file, n - 2 - n_file, false, false);
      check_text (t, data + 2 + n_file, n - 2 - n_file, true, false);
    }
  rt_tokenizer_free (t);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  static RtTokenizer *spm, *bpe[G_N_ELEMENTS (pre_names)];

  if (n == 0)
    return 0;
  if (data[0] >= 128)
    {
      check_file (data + 1, n - 1);
      return 0;
    }

  size_t kind = data[0] % (1 + G_N_ELEMENTS (pre_names));
  RtTokenizer **t = kind == 0 ? &spm : &bpe[kind - 1];
  if (!*t)
    *t = kind == 0 ? new_spm () : new_bpe (pre_names[kind - 1]);
  fuzz_accepted = true;
  check_text (*t, data + 1, n - 1, false, kind > 0 || !has_marker (data + 1, n - 1));
  check_text (*t, data + 1, n - 1, true, false);
  return 0;
}
