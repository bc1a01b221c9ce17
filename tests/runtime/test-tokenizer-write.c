/* Tokenizers of a part of a vocabulary in files of their own: lists worked out by hand, and the
 * same cuts of text as the tokenizer that merely leaves the other tokens out, also for real
 * vocabularies. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models-folder.h"
#include "rt-tokenizer.h"

/* ---- files ---- */

typedef struct
{
  RtGgufWriter *writer;
  RtError error;
} File;

static File
new_file (void)
{
  File f = { 0 };
  f.writer = rt_gguf_writer_new (&f.error);
  g_assert_nonnull (f.writer);
  return f;
}

#define ADD(call)                                                                                  \
  do                                                                                               \
    if (!(call))                                                                                   \
      g_error ("%s", f->error.message);                                                            \
  while (0)

static void
add_strings (File *f, const char *key, const char *const *items, size_t n)
{
  g_autofree RtSlice *slices = g_new (RtSlice, n + 1);
  for (size_t i = 0; i < n; i++)
    slices[i] = (RtSlice){ items[i], strlen (items[i]) };
  ADD (rt_gguf_writer_add_strings (f->writer, key, slices, n, &f->error));
}

/* Writes the file, opens it, and takes its name away. */
static RtGguf *
finish (File *f)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("lathe-test-XXXXXX", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  close (fd);
  ADD (rt_gguf_writer_begin (f->writer, path, &f->error)
       && rt_gguf_writer_end (f->writer, &f->error));
  rt_gguf_writer_free (f->writer);
  RtGguf *gguf = rt_gguf_open (path, &f->error);
  g_assert_cmpstr (f->error.message, ==, "");
  unlink (path);
  return gguf;
}

static RtGguf *
write_subset (const RtGguf *gguf, const bool *keep)
{
  File f = new_file ();
  if (!rt_tokenizer_write_subset (gguf, keep, f.writer, &f.error))
    g_error ("%s", f.error.message);
  return finish (&f);
}

/* ---- by hand ---- */

static void
assert_strings (const RtGguf *gguf, const char *key, const char *expected)
{
  const RtGgufMeta *meta = rt_gguf_get_array (gguf, key, RT_GGUF_STRING);
  g_autoptr (GString) text = g_string_new (NULL);
  uint64_t cursor = 0;
  RtSlice item;

  while (rt_gguf_next_string (meta, &cursor, &item))
    g_string_append_printf (text, "[%.*s]", (int)item.length, item.data);
  g_assert_cmpstr (text->str, ==, expected);
}

static void
assert_numbers (const RtGguf *gguf, const char *key, RtGgufType type, const char *expected)
{
  const RtGgufMeta *meta = rt_gguf_get_array (gguf, key, type);
  g_autoptr (GString) text = g_string_new (NULL);

  g_assert_nonnull (meta);
  for (uint64_t i = 0; i < meta->n_items; i++)
    {
      double value;
      g_assert_true (rt_gguf_item_f64 (meta, i, &value));
      g_string_append_printf (text, "%s%g", i > 0 ? " " : "", value);
    }
  g_assert_cmpstr (text->str, ==, expected);
}

static void
assert_id (const RtGguf *gguf, const char *key, uint64_t expected)
{
  uint64_t value;
  g_assert_true (rt_gguf_get_u64 (gguf, key, &value));
  g_assert_cmpuint (value, ==, expected);
}

static const bool some[] = { false, true, true, false, true, true, false, true, true };

static void
test_bpe (void)
{
  static const char *const names[] = { "x", "a", "b", "c", "ab", "<|im_end|>", "abc", "bb", "abb" };
  static const char *const merges[] = { "a b", "ab c", "b b", "a bb", "ab b", "x x" };
  static const int32_t types[] = { 1, 1, 1, 1, 1, 3, 1, 1, 1 }, ids[] = { 5, 3, 7 };
  static const float scores[] = { 0, -1, -2, -3, -4, -5, -6, -7, -8 };
  File file = new_file (), *f = &file;

  ADD (rt_gguf_writer_add_string (f->writer, "general.architecture", "llama", &f->error));
  ADD (rt_gguf_writer_add_string (f->writer, "tokenizer.ggml.model", "gpt2", &f->error));
  ADD (rt_gguf_writer_add_string (f->writer, "tokenizer.ggml.pre", "gpt-2", &f->error));
  add_strings (f, "tokenizer.ggml.tokens", names, G_N_ELEMENTS (names));
  add_strings (f, "tokenizer.ggml.merges", merges, G_N_ELEMENTS (merges) - 1);
  ADD (rt_gguf_writer_add_array (f->writer, "tokenizer.ggml.token_type", RT_GGUF_I32, types,
                                 G_N_ELEMENTS (types), &f->error));
  ADD (rt_gguf_writer_add_array (f->writer, "tokenizer.ggml.scores", RT_GGUF_F32, scores,
                                 G_N_ELEMENTS (scores), &f->error));
  ADD (rt_gguf_writer_add_array (f->writer, "tokenizer.ggml.eog_token_ids", RT_GGUF_I32, ids,
                                 G_N_ELEMENTS (ids), &f->error));
  ADD (rt_gguf_writer_add_u32 (f->writer, "tokenizer.ggml.eos_token_id", 5, &f->error));
  ADD (rt_gguf_writer_add_u32 (f->writer, "tokenizer.ggml.padding_token_id", 3, &f->error));
  ADD (rt_gguf_writer_add_u32 (f->writer, "tokenizer.ggml.mask_token_id", UINT32_MAX, &f->error));
  ADD (rt_gguf_writer_add_bool (f->writer, "tokenizer.ggml.add_eos_token", true, &f->error));
  ADD (rt_gguf_writer_add_string (f->writer, "tokenizer.chat_template", "{{ x }}", &f->error));
  ADD (rt_gguf_writer_add_string (f->writer, "tokenizer.huggingface.json", "{}", &f->error));
  RtGguf *gguf = finish (f), *part = write_subset (gguf, some);

  /* Tokens 1, 2, 4, 5, 7, 8 are 0 to 5 now. */
  assert_strings (part, "tokenizer.ggml.tokens", "[a][b][ab][<|im_end|>][bb][abb]");
  assert_strings (part, "tokenizer.ggml.merges", "[a b][b b][a bb][ab b]");
  assert_numbers (part, "tokenizer.ggml.token_type", RT_GGUF_I32, "1 1 1 3 1 1");
  assert_numbers (part, "tokenizer.ggml.scores", RT_GGUF_F32, "-1 -2 -4 -5 -7 -8");
  assert_numbers (part, "tokenizer.ggml.eog_token_ids", RT_GGUF_I32, "3 4");
  assert_id (part, "tokenizer.ggml.eos_token_id", 3);
  assert_id (part, "tokenizer.ggml.mask_token_id", UINT32_MAX);
  g_assert_null (rt_gguf_find (part, "tokenizer.ggml.padding_token_id")); /* its token is gone */
  g_assert_null (rt_gguf_find (part, "tokenizer.huggingface.json"));
  g_assert_null (rt_gguf_find (part, "general.architecture"));
  g_assert_nonnull (rt_gguf_find (part, "tokenizer.chat_template"));
  g_assert_nonnull (rt_gguf_find (part, "tokenizer.ggml.pre"));
  rt_gguf_close (part);
  rt_gguf_close (gguf);
}

/* Files that leave the usual numbers of "<s>" and its like out mean tokens 0, 1, 2: said aloud, for
 * a part's tokens have others. */
static void
test_usual_ids (void)
{
  static const char *const names[] = { "a", "<s>", "</s>", "b", "<x>" };
  static const int32_t types[] = { 1, 3, 3, 1, 3 };
  static const float scores[] = { 0, 0, 0, 0, 0 };
  static const bool keep[] = { false, true, true, false, true };
  File file = new_file (), *f = &file;
  RtError error = { 0 };

  ADD (rt_gguf_writer_add_string (f->writer, "tokenizer.ggml.model", "llama", &f->error));
  add_strings (f, "tokenizer.ggml.tokens", names, G_N_ELEMENTS (names));
  ADD (rt_gguf_writer_add_array (f->writer, "tokenizer.ggml.token_type", RT_GGUF_I32, types,
                                 G_N_ELEMENTS (types), &f->error));
  ADD (rt_gguf_writer_add_array (f->writer, "tokenizer.ggml.scores", RT_GGUF_F32, scores,
                                 G_N_ELEMENTS (scores), &f->error));
  RtGguf *gguf = finish (f), *part = write_subset (gguf, keep);
  RtTokenizer *t = rt_tokenizer_new (part, &error);
  g_assert_cmpstr (error.message, ==, "");
  g_assert_cmpint (rt_tokenizer_bos (t), ==, 0);
  g_assert_cmpint (rt_tokenizer_eos (t), ==, 1);
  assert_id (part, "tokenizer.ggml.unknown_token_id", UINT32_MAX);
  rt_tokenizer_free (t);
  rt_gguf_close (part);
  rt_gguf_close (gguf);
}

/* ---- real vocabularies ---- */

static void
check_text (const RtTokenizer *ours, const RtTokenizer *theirs, const int32_t *numbers,
            const char *text, size_t n, bool special)
{
  int32_t *a = NULL, *b = NULL;
  size_t n_a, n_b;
  RtError error = { 0 };

  if (!rt_tokenizer_encode (ours, text, n, true, special, &a, &n_a, &error)
      || !rt_tokenizer_encode (theirs, text, n, true, special, &b, &n_b, &error))
    g_error ("%s", error.message);
  g_assert_cmpuint (n_a, ==, n_b);
  for (size_t i = 0; i < n_a; i++)
    {
      RtSlice x = rt_tokenizer_piece (ours, a[i]), y = rt_tokenizer_piece (theirs, b[i]);
      g_assert_cmpint (numbers[a[i]], ==, b[i]);
      g_assert_cmpmem (x.data, x.length, y.data, y.length);
    }
  free (a);
  free (b);
}

/* @n_wanted tokens of a vocabulary, drawn at random, on the texts that come with it. */
static void
check_vocabulary (const char *name, uint32_t n_wanted)
{
  g_autofree char *file = g_strdup_printf ("vocabs/ggml-vocab-%s.gguf", name);
  g_autofree char *path = dup_model_or_skip (file);
  g_autofree char *texts_path = path != NULL ? g_strconcat (path, ".inp", NULL) : NULL;
  g_autofree char *texts = NULL;
  gsize n_bytes;
  RtError error = { 0 };

  if (path == NULL)
    return;
  g_assert_true (g_file_get_contents (texts_path, &texts, &n_bytes, NULL));
  RtGguf *gguf = rt_gguf_open (path, &error);
  RtTokenizer *all = rt_tokenizer_new (gguf, &error);
  g_assert_cmpstr (error.message, ==, "");
  uint32_t n = rt_tokenizer_n_vocab (all), next = 0;
  g_autofree uint32_t *order = g_new (uint32_t, n);
  g_autofree int32_t *numbers = g_new (int32_t, n);
  g_autofree bool *keep = g_new0 (bool, n);
  g_autoptr (GRand) rand = g_rand_new_with_seed (n_wanted);

  for (uint32_t i = 0; i < n; i++)
    {
      uint32_t j = (uint32_t)g_rand_int_range (rand, 0, (int)i + 1);
      order[i] = order[j];
      order[j] = i;
    }
  g_assert_true (rt_tokenizer_choose (all, order, n_wanted, keep, &error));
  for (uint32_t i = 0; i < n; i++)
    numbers[i] = keep[i] ? (int32_t)next++ : -1;
  RtTokenizer *ours = rt_tokenizer_new_subset (gguf, keep, &error);
  RtGguf *part = write_subset (gguf, keep);
  RtTokenizer *theirs = rt_tokenizer_new (part, &error);
  g_assert_cmpstr (error.message, ==, "");
  g_assert_cmpuint (rt_tokenizer_n_vocab (theirs), ==, next);
  for (uint32_t i = 0; i < n; i++)
    if (keep[i])
      g_assert_true (rt_tokenizer_is_end (all, (int32_t)i)
                     == rt_tokenizer_is_end (theirs, numbers[i]));
  check_text (ours, theirs, numbers, texts, n_bytes, false);
  check_text (ours, theirs, numbers, texts, n_bytes, true);
  rt_tokenizer_free (theirs);
  rt_gguf_close (part);
  rt_tokenizer_free (ours);
  rt_tokenizer_free (all);
  rt_gguf_close (gguf);
}

static void
test_vocabulary (gconstpointer name)
{
  check_vocabulary (name, 3000);
  check_vocabulary (name, 20000);
}

int
main (int argc, char **argv)
{
  static const char *const names[]
      = { "gpt-2", "llama-bpe", "llama-spm", "phi-3", "qwen2", "mpt", "falcon", "starcoder" };

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tokenizer-write/bpe", test_bpe);
  g_test_add_func ("/tokenizer-write/usual-ids", test_usual_ids);
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_strdup_printf ("/tokenizer-write/%s", names[i]);
      g_test_add_data_func (path, names[i], test_vocabulary);
    }
  return g_test_run ();
}
