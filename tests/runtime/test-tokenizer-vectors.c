/* Tokenizers against test vectors that we did not write: texts and the token numbers that the
 * models' own tokenizers give for them.
 *
 * NAME.gguf.inp holds texts, each ended by "\n__ggml_vocab_test__\n"; line i of NAME.gguf.out holds
 * the tokens of text i, without the beginning-of-sequence token. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "models-folder.h"
#include "rt-tokenizer.h"

#define SEPARATOR "\n__ggml_vocab_test__\n"

static RtTokenizer *
open_tokenizer (const char *path)
{
  RtError error = { 0 };
  RtGguf *gguf = rt_gguf_open (path, &error);

  if (!gguf)
    g_error ("%s", error.message);
  RtTokenizer *t = rt_tokenizer_new (gguf, &error);
  if (!t)
    g_error ("%s: %s", path, error.message);
  rt_gguf_close (gguf);
  return t;
}

static char *
tokens_to_text (const int32_t *tokens, size_t n)
{
  GString *s = g_string_new (NULL);

  for (size_t i = 0; i < n; i++)
    g_string_append_printf (s, "%s%d", i ? " " : "", tokens[i]);
  return g_string_free (s, FALSE);
}

/* What the tokens stand for, without the space that SentencePiece puts in front. */
static void
check_round_trip (const RtTokenizer *t, const char *text, const int32_t *tokens, size_t n)
{
  g_autoptr (GString) s = g_string_new (NULL);
  gboolean spm = g_str_equal (rt_tokenizer_model (t), "llama");

  for (size_t i = 0; i < n; i++)
    {
      RtSlice piece = rt_tokenizer_piece (t, tokens[i]);
      g_string_append_len (s, piece.data, (gssize)piece.length);
    }
  if (spm && n > 0)
    {
      g_assert_cmpint (s->str[0], ==, ' ');
      g_string_erase (s, 0, 1);
    }
  g_assert_cmpmem (s->str, s->len, text, strlen (text));
}

static void
test_vectors (gconstpointer data)
{
  g_autofree char *name = g_strdup_printf ("vocabs/ggml-vocab-%s.gguf", (const char *)data);
  g_autofree char *path = dup_model_or_skip (name);
  g_autofree char *inputs = NULL, *outputs = NULL;
  int n_right = 0, n = 0;

  if (!path)
    return;
  g_autofree char *path_in = g_strconcat (path, ".inp", NULL);
  g_autofree char *path_out = g_strconcat (path, ".out", NULL);
  g_assert_true (g_file_get_contents (path_in, &inputs, NULL, NULL));
  g_assert_true (g_file_get_contents (path_out, &outputs, NULL, NULL));
  g_auto (GStrv) texts = g_strsplit (inputs, SEPARATOR, -1);
  g_auto (GStrv) lines = g_strsplit (outputs, "\n", -1);
  RtTokenizer *t = open_tokenizer (path);

  for (; texts[n] && texts[n + 1]; n++)
    {
      RtError error = { 0 };
      int32_t *tokens = NULL;
      size_t n_tokens = 0;
      g_assert_nonnull (lines[n]);
      if (!rt_tokenizer_encode (t, texts[n], strlen (texts[n]), false, false, &tokens, &n_tokens,
                                &error))
        g_error ("%s", error.message);
      g_autofree char *got = tokens_to_text (tokens, n_tokens);
      if (g_str_equal (got, g_strstrip (lines[n])))
        n_right++;
      else
        g_test_message ("text %d '%s'\n  expected %s\n  got      %s", n, texts[n], lines[n], got);
      check_round_trip (t, texts[n], tokens, n_tokens);
      free (tokens);
    }
  rt_tokenizer_free (t);
  g_test_message ("%s: %d of %d vectors", (const char *)data, n_right, n);
  g_assert_cmpint (n, >, 30);
  g_assert_cmpint (n_right, ==, n);
}

int
main (int argc, char **argv)
{
  static const char *const vocabularies[] = {
    "llama-spm", "phi-3",     "gpt-2",     "llama-bpe", "qwen2",
    "falcon",    "starcoder", "command-r", "refact",
  };

  g_test_init (&argc, &argv, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (vocabularies); i++)
    {
      g_autofree char *path = g_strconcat ("/tokenizer-vectors/", vocabularies[i], NULL);
      g_test_add_data_func (path, vocabularies[i], test_vectors);
    }
  return g_test_run ();
}
