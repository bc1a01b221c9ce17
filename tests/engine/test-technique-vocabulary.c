/* Trimmed vocabularies: which tokens stay, how text is cut then, logits of what is left, sizes,
 * words, and what evaluations say of it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eng-build-private.h"
#include "eng-error.h"
#include "eng-sketch.h"
#include "eng-test.h"
#include "eval/eng-evaluate.h"

#define KEPT 512
#define TRIM "{\"vocabulary\": {\"tokens\": 512}}"

static gint32 *
encode (const RtTokenizer *tokenizer, const char *text, gsize *n)
{
  gint32 *tokens = NULL;
  RtError error = { 0 };

  g_assert_true (
      rt_tokenizer_encode (tokenizer, text, strlen (text), FALSE, FALSE, &tokens, n, &error));
  return tokens;
}

static char *
decode (const RtTokenizer *tokenizer, const gint32 *tokens, gsize n)
{
  GString *text = g_string_new (NULL);
  for (gsize i = 0; i < n; i++)
    {
      RtSlice piece = rt_tokenizer_piece (tokenizer, tokens[i]);
      g_string_append_len (text, piece.data, (gssize)piece.length);
    }
  return g_string_free (text, FALSE);
}

/* Which tokens have a row: those whose logit is finite. */
static guint
find_kept (EngBuild *build, gboolean *keep)
{
  guint n = rt_exec_n_vocab (eng_build_get_exec (build)), n_kept = 0;
  g_autofree float *logits = eng_test_logits (build, (gint32[]){ 10, 11 }, 2);

  for (guint i = 0; i < n; i++)
    {
      keep[i] = isfinite (logits[i]);
      n_kept += keep[i];
      g_assert_true (keep[i] || logits[i] == -INFINITY);
    }
  return n_kept;
}

static const char text[]
    = "It is a truth universally acknowledged, that Zürich \xf0\x9f\x90\xb1 costs 3.50 €.\n\tEnd";

/* Every text has tokens still, they are kept ones, and they spell it. */
static void
test_tokens (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, TRIM, NULL);
  const RtTokenizer *all = eng_model_get_tokenizer (model), *some = eng_build_get_tokenizer (build);
  guint n_vocab = rt_tokenizer_n_vocab (all);
  g_autofree gboolean *keep = g_new0 (gboolean, n_vocab);
  gsize n_before, n_after;

  g_assert_true (some != all);
  g_assert_cmpuint (rt_exec_n_vocab (eng_build_get_exec (build)), ==, n_vocab);
  g_assert_cmpuint (find_kept (build, keep), ==, KEPT);
  g_autofree gint32 *before = encode (all, text, &n_before);
  g_autofree gint32 *after = encode (some, text, &n_after);
  g_autofree char *same = decode (all, before, n_before), *again = decode (some, after, n_after);
  g_assert_cmpstr (again, ==, same);
  g_assert_cmpuint (n_after, >, n_before);
  for (gsize i = 0; i < n_after; i++)
    g_assert_true (keep[after[i]]);
  if (rt_tokenizer_eos (all) >= 0)
    g_assert_true (keep[rt_tokenizer_eos (all)]);

  /* A kept token's own text comes back as that token wherever the full tokenizer makes it so. */
  guint n_whole = 0, n_reached = 0;
  for (guint t = 0; t < n_vocab; t++)
    {
      RtSlice piece = rt_tokenizer_piece (all, (gint32)t);
      gsize n;
      /* This tokenizer puts a space before a text: leave out the one that is there. */
      if (!keep[t] || piece.length < 2 || piece.data[0] != ' ')
        continue;
      g_autofree char *spelled = g_strndup (piece.data + 1, piece.length - 1);
      g_autofree gint32 *full = encode (all, spelled, &n);
      if (n != 1 || full[0] != (gint32)t)
        continue;
      n_whole++;
      g_autofree gint32 *trimmed = encode (some, spelled, &n);
      n_reached += n == 1 && trimmed[0] == (gint32)t;
    }
  g_assert_cmpuint (n_whole, >, 50);
  g_assert_cmpuint (n_reached, ==, n_whole);
}

/* Of the tokens that are left the logits are those of the full model, bit for bit. */
static void
test_logits (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) full = eng_test_build (model, "{}", NULL);
  g_autoptr (EngBuild) trimmed = eng_test_build (model, TRIM, full);
  guint n = rt_exec_n_vocab (eng_build_get_exec (full)), n_same = 0;
  gsize n_tokens;
  g_autofree gint32 *tokens = encode (eng_build_get_tokenizer (trimmed), text, &n_tokens);
  g_autofree float *a = eng_test_logits (full, tokens, (guint)n_tokens);
  g_autofree float *b = eng_test_logits (trimmed, tokens, (guint)n_tokens);

  for (guint i = 0; i < n; i++)
    {
      if (b[i] == -INFINITY)
        continue;
      g_assert_cmpint (memcmp (&a[i], &b[i], sizeof *a), ==, 0);
      n_same++;
    }
  g_assert_cmpuint (n_same, ==, KEPT);
  /* A token that is gone can be fed all the same. */
  for (gint32 t = 0; t < (gint32)n; t++)
    if (b[t] == -INFINITY)
      {
        g_autofree float *c = eng_test_logits (trimmed, &t, 1);
        g_assert_true (isfinite (c[tokens[0]]));
        break;
      }
}

static void
test_sizes (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) full = eng_test_build (model, "{}", NULL);
  g_autoptr (EngBuild) trimmed = eng_test_build (model, TRIM, full);
  g_autoptr (EngBuild) again = eng_test_build (model, TRIM, NULL);
  g_autoptr (EngBuild) odd = eng_test_build (model, "{\"vocabulary\": {\"tokens\": 513}}", NULL);
  g_autoptr (EngRecipe) recipe = eng_test_recipe (TRIM);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, recipe, &error);
  const RtArchParams *p = eng_model_get_params (model);
  RtMemory a, b, c;
  g_autofree gboolean *keep = g_new0 (gboolean, p->n_vocab);

  g_assert_no_error (error);
  eng_build_get_memory (full, &a);
  eng_build_get_memory (trimmed, &b);
  eng_sketch_get_memory (sketch, &c);
  g_assert_cmpuint (a.weight_bytes - b.weight_bytes, ==, (p->n_vocab - KEPT) * p->n_embd * 2);
  g_assert_cmpuint (b.weight_bytes, ==, c.weight_bytes);
  g_assert_cmpstr (eng_build_get_hash (trimmed), ==, eng_build_get_hash (again));
  g_assert_cmpstr (eng_build_get_hash (trimmed), !=, eng_build_get_hash (full));
  g_assert_cmpuint (find_kept (odd, keep), ==, 544);
}

/* Uses decide: of a corpus of digits, digits stay. */
static void
test_corpus (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  const RtTokenizer *tokenizer = eng_model_get_tokenizer (model);
  char *directory = eng_test_directory ();
  g_autofree char *file = g_build_filename (directory, "words.txt", NULL);
  g_autoptr (GString) words = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree gboolean *keep = g_new0 (gboolean, rt_tokenizer_n_vocab (tokenizer));
  gsize n;

  for (guint i = 0; i < 50; i++)
    g_string_append (words, " understanding marriage");
  g_assert_true (g_file_set_contents (file, words->str, -1, &error));
  g_autofree char *json
      = g_strdup_printf ("{\"vocabulary\": {\"tokens\": 320, \"corpus\": \"%s\"}}", file);
  g_autoptr (EngBuild) build = eng_test_build (model, json, NULL);
  g_assert_cmpuint (find_kept (build, keep), ==, 320);
  g_autofree gint32 *tokens = encode (tokenizer, words->str, &n);
  for (gsize i = 0; i < n; i++)
    g_assert_true (keep[tokens[i]]);
  g_autofree gint32 *trimmed = encode (eng_build_get_tokenizer (build), words->str, &n);
  g_assert_cmpmem (tokens, n * sizeof *tokens, trimmed, n * sizeof *trimmed);
  eng_test_remove (directory);
}

/* ---- saving ---- */

/* What is likeliest after @text, 24 times. The text that comes of it. */
static char *
write_greedily (EngBuild *build, const char *start)
{
  const RtTokenizer *tokenizer = eng_build_get_tokenizer (build);
  guint n_vocab = rt_exec_n_vocab (eng_build_get_exec (build));
  gsize n;
  g_autofree gint32 *tokens = encode (tokenizer, start, &n);
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (gint32));

  g_array_append_vals (all, tokens, (guint)n);
  for (guint step = 0; step < 24; step++)
    {
      g_autofree float *logits
          = eng_test_logits (build, (const gint32 *)(void *)all->data, all->len);
      gint32 best = 0;
      for (gint32 i = 1; i < (gint32)n_vocab; i++)
        if (logits[i] > logits[best])
          best = i;
      g_array_append_val (all, best);
    }
  return decode (tokenizer, (const gint32 *)(void *)all->data, all->len);
}

/* Of a saved build the tokens are those that are left, in their order, with numbers of their own:
 * texts are cut the same, logits are the same bits, and so is what it writes. */
static void
check_saved (EngModel *model, const char *techniques, guint n_kept)
{
  static const char *const texts[] = { text,
                                       "",
                                       " ",
                                       "a",
                                       "  two  spaces\n\n\ttabs",
                                       "Mr. Darcy said nothing; she smiled.",
                                       "<s>not special</s> <|im_end|>",
                                       "\xff\xfe bytes",
                                       "\xe4\xb8\xad\xe6\x96\x87" };
  char *directory = eng_test_directory ();
  g_autofree char *file = g_build_filename (directory, "trimmed.gguf", NULL);
  g_autoptr (EngBuild) build = eng_test_build (model, techniques, NULL);
  g_autoptr (EngBuild) opened = eng_test_save_and_open (build, file);
  EngModel *saved = eng_build_get_model (opened);
  const RtTokenizer *ours = eng_build_get_tokenizer (build);
  const RtTokenizer *theirs = eng_build_get_tokenizer (opened);
  const RtTokenizer *all = eng_model_get_tokenizer (model);
  guint n_vocab = rt_tokenizer_n_vocab (all), next = 0;
  g_autofree gboolean *keep = g_new0 (gboolean, n_vocab);
  g_autofree gint32 *numbers = g_new (gint32, n_vocab);

  g_assert_cmpuint (find_kept (build, keep), ==, n_kept);
  for (guint i = 0; i < n_vocab; i++)
    numbers[i] = keep[i] ? (gint32)next++ : -1;
  g_assert_cmpuint (eng_model_get_params (saved)->n_vocab, ==, n_kept);
  g_assert_cmpuint (rt_tokenizer_n_vocab (theirs), ==, n_kept);
  g_assert_true (theirs == eng_model_get_tokenizer (saved)); /* nothing is trimmed a second time */
  g_assert_cmpint (rt_tokenizer_bos (theirs), ==,
                   rt_tokenizer_bos (all) >= 0 ? numbers[rt_tokenizer_bos (all)] : -1);
  g_assert_cmpint (rt_tokenizer_eos (theirs), ==,
                   rt_tokenizer_eos (all) >= 0 ? numbers[rt_tokenizer_eos (all)] : -1);
  for (guint i = 0; i < n_vocab; i++)
    {
      if (!keep[i])
        continue;
      RtSlice a = rt_tokenizer_name (all, (gint32)i), b = rt_tokenizer_name (theirs, numbers[i]);
      RtSlice x = rt_tokenizer_piece (all, (gint32)i), y = rt_tokenizer_piece (theirs, numbers[i]);
      g_assert_cmpmem (a.data, a.length, b.data, b.length);
      g_assert_cmpmem (x.data, x.length, y.data, y.length);
      g_assert_true (rt_tokenizer_is_end (all, (gint32)i)
                     == rt_tokenizer_is_end (theirs, numbers[i]));
    }

  for (guint special = 0; special < 2; special++)
    for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
      {
        gint32 *a = NULL, *b = NULL;
        gsize n_a, n_b;
        RtError error = { 0 };
        g_assert_true (rt_tokenizer_encode (ours, texts[i], strlen (texts[i]), TRUE, special, &a,
                                            &n_a, &error));
        g_assert_true (rt_tokenizer_encode (theirs, texts[i], strlen (texts[i]), TRUE, special, &b,
                                            &n_b, &error));
        g_assert_cmpuint (n_a, ==, n_b);
        for (gsize k = 0; k < n_a; k++)
          g_assert_cmpint (numbers[a[k]], ==, b[k]);
        if (n_a > 0)
          {
            g_autofree float *p = eng_test_logits (build, a, (guint)n_a);
            g_autofree float *q = eng_test_logits (opened, b, (guint)n_b);
            for (guint t = 0; t < n_vocab; t++)
              if (keep[t])
                g_assert_cmpmem (&p[t], sizeof *p, &q[numbers[t]], sizeof *q);
          }
        free (a);
        free (b);
      }

  g_autofree char *mine = write_greedily (build, "Elizabeth was");
  g_autofree char *its = write_greedily (opened, "Elizabeth was");
  g_assert_cmpstr (mine, ==, its);
  eng_test_remove (directory);
}

static void
test_save (void)
{
  g_autofree char *path = eng_test_default_model ();
  g_autoptr (EngModel) model = eng_test_load (path);

  check_saved (model, TRIM, KEPT);
  check_saved (
      model,
      "{\"vocabulary\": {\"tokens\": 640}, \"weight-format\": {\"format\": \"q6_k\"}, "
      "\"layer-skip\": {\"rules\": [{\"match\": \"blk.3.*\", \"skip\": true}, "
      "{\"match\": \"blk.1.attn*\", \"skip\": true}]}, \"calibration\": {\"tokens\": 512}, "
      "\"prune-structured\": {\"channels\": 20}}",
      640);
}

static void
test_words (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  const EngTechnique *technique = eng_technique_find ("vocabulary");
  g_autoptr (EngRecipe) recipe = eng_test_recipe (TRIM);
  g_autoptr (EngRecipe) missing
      = eng_test_recipe ("{\"vocabulary\": {\"tokens\": 512, \"corpus\": \"/nowhere/at/all\"}}");
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) again = eng_test_round_trip (recipe);
  g_autofree char *block = technique->explain (model, recipe, 0);
  g_autofree char *embedding = technique->explain (model, recipe, -1);

  g_assert_null (block);
  g_assert_nonnull (strstr (embedding, "512 of 1024 tokens stay"));
  g_assert_null (eng_build_new (model, missing, NULL, NULL, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "corpus"));
}

/* Bits per byte are finite and comparable; a baseline that cuts text otherwise is left out, with a
 * note. */
static void
test_evaluation (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) full = eng_test_build (model, "{}", NULL);
  g_autoptr (EngBuild) trimmed = eng_test_build (model, TRIM, NULL);
  g_autoptr (GError) error = NULL;
  EngEvalOptions options = { .data = "bundled:texts", .n_tokens = 1500 };
  g_autoptr (EngEvaluation) a = eng_evaluate (full, NULL, &options, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngEvaluation) b = eng_evaluate (trimmed, full, &options, NULL, &error);
  g_assert_no_error (error);
  double before = eng_evaluation_find_metric (a, "bits-per-byte")->whole.value.value;
  double after = eng_evaluation_find_metric (b, "bits-per-byte")->whole.value.value;

  g_assert_true (isfinite (after));
  g_assert_cmpfloat (after, >, before);
  g_assert_cmpfloat (after, <, 2.5 * before);
  g_assert_null (eng_evaluation_get_against (b));
  g_assert_nonnull (strstr (eng_evaluation_get_notes (b)[0], "bits per byte"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vocabulary/tokens", test_tokens);
  g_test_add_func ("/vocabulary/logits", test_logits);
  g_test_add_func ("/vocabulary/sizes", test_sizes);
  g_test_add_func ("/vocabulary/corpus", test_corpus);
  g_test_add_func ("/vocabulary/save", test_save);
  g_test_add_func ("/vocabulary/words", test_words);
  g_test_add_func ("/vocabulary/evaluation", test_evaluation);
  return g_test_run ();
}
