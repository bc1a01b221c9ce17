/* Layer skip: the same bits as blocks whose last matrices are zero, halves, what is left of memory
 * and cache, refusals, recipes, and the greedy search for what to leave out. */
#include <math.h>
#include <string.h>

#include "eng-activations.h"
#include "eng-build-private.h"
#include "eng-drop-search.h"
#include "eng-error.h"
#include "eng-layer-skip.h"
#include "eng-sketch.h"
#include "eng-technique.h"
#include "eng-test.h"
#include "rt-gguf.h"

static const gint32 prompt[] = { 1, 17, 300, 42, 7, 250, 9, 99, 128, 5 };

#define SKIP_1 "{\"layer-skip\": {\"rules\": [{\"match\": \"blk.1.*\", \"skip\": true}]}}"
#define SKIP_HALF "{\"layer-skip\": {\"rules\": [{\"match\": \"blk.2.attn*\", \"skip\": true}]}}"

static void
check_same_logits (EngBuild *a, EngBuild *b)
{
  guint n = rt_exec_n_vocab (eng_build_get_exec (a));
  g_autofree float *x = eng_test_logits (a, prompt, G_N_ELEMENTS (prompt));
  g_autofree float *y = eng_test_logits (b, prompt, G_N_ELEMENTS (prompt));

  for (guint i = 0; i < n; i++)
    if (memcmp (&x[i], &y[i], sizeof *x) != 0)
      g_error ("logit %u: %.9g and %.9g", i, (double)x[i], (double)y[i]);
}

/* The default model with all numbers of these tensors zero: what such a part adds is 0. */
static EngModel *
model_with_zeros (const char *directory, const char *const *names)
{
  g_autofree char *path = eng_test_default_model ();
  g_autofree char *copy = g_build_filename (directory, "zeros.gguf", NULL);
  g_autofree char *bytes = NULL;
  g_autoptr (GError) error = NULL;
  RtError rt_error = { 0 };
  gsize n_bytes;

  g_assert_true (g_file_get_contents (path, &bytes, &n_bytes, &error));
  RtGguf *gguf = rt_gguf_open (path, &rt_error);
  g_assert_nonnull (gguf);
  for (guint i = 0; names[i] != NULL; i++)
    {
      const RtGgufTensor *tensor = rt_gguf_find_tensor (gguf, names[i]);
      g_assert_nonnull (tensor);
      char *at = memmem (bytes, n_bytes, tensor->data, tensor->bytes);
      g_assert_nonnull (at);
      memset (at, 0, tensor->bytes);
    }
  rt_gguf_close (gguf);
  g_assert_true (g_file_set_contents (copy, bytes, (gssize)n_bytes, &error));
  return eng_test_load (copy);
}

static void
test_block (void)
{
  static const char *const names[] = { "blk.1.attn_output.weight", "blk.1.ffn_down.weight", NULL };
  g_autoptr (EngModel) model = eng_test_load_default ();
  char *directory = eng_test_directory ();
  g_autoptr (EngModel) zeros = model_with_zeros (directory, names);
  g_autoptr (EngBuild) skipped = eng_test_build (model, SKIP_1, NULL);
  g_autoptr (EngBuild) expected = eng_test_build (zeros, "{}", NULL);
  g_autoptr (EngBuild) plain = eng_test_build (model, "{}", NULL);
  g_autofree float *a = eng_test_logits (skipped, prompt, G_N_ELEMENTS (prompt));
  g_autofree float *b = eng_test_logits (plain, prompt, G_N_ELEMENTS (prompt));

  check_same_logits (skipped, expected);
  g_assert_cmpint (memcmp (a, b, rt_exec_n_vocab (eng_build_get_exec (plain)) * sizeof *a), !=, 0);
  eng_test_remove (directory);
}

static void
test_half (void)
{
  static const char *const names[] = { "blk.2.attn_output.weight", NULL };
  g_autoptr (EngModel) model = eng_test_load_default ();
  char *directory = eng_test_directory ();
  g_autoptr (EngModel) zeros = model_with_zeros (directory, names);
  g_autoptr (EngBuild) skipped = eng_test_build (model, SKIP_HALF, NULL);
  g_autoptr (EngBuild) expected = eng_test_build (zeros, "{}", NULL);

  check_same_logits (skipped, expected);
  eng_test_remove (directory);
}

/* What is left out takes no memory, in the build and in its sketch. */
static void
test_memory (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) plain = eng_test_build (model, "{}", NULL);
  g_autoptr (EngBuild) skipped = eng_test_build (model, SKIP_1, plain);
  g_autoptr (EngRecipe) recipe = eng_test_recipe (SKIP_1);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, recipe, &error);
  guint n = eng_model_get_n_layers (model);
  RtMemory before, after, guessed;
  EngLayerMemory layer;

  g_assert_no_error (error);
  eng_build_get_memory (plain, &before);
  eng_build_get_memory (skipped, &after);
  eng_sketch_get_memory (sketch, &guessed);
  eng_build_get_layer_memory (plain, 1, &layer);
  g_assert_cmpuint (before.weight_bytes - after.weight_bytes, ==, layer.weight_bytes);
  g_assert_cmpuint (after.kv_bytes * n, ==, before.kv_bytes * (n - 1));
  g_assert_cmpuint (guessed.weight_bytes, ==, after.weight_bytes);
  g_assert_cmpuint (guessed.kv_bytes, ==, after.kv_bytes);
  eng_build_get_layer_memory (skipped, 1, &layer);
  g_assert_cmpuint (layer.weight_bytes, ==, 0);
  /* Nothing is packed anew for it. */
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      const RtWeight *weight = eng_build_get_weight (skipped, tensor);
      if (tensor->layer == 1)
        g_assert_null (weight);
      else
        g_assert_true (weight == eng_build_get_weight (plain, tensor));
    }
}

/* A saved file has the blocks that are left, numbered without gaps, and gives the same bits. */
static void
test_save (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  char *directory = eng_test_directory ();
  g_autofree char *file = g_build_filename (directory, "five.gguf", NULL);
  g_autoptr (EngBuild) skipped = eng_test_build (model, SKIP_1, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (eng_build_save (skipped, file, NULL, &error));
  g_assert_no_error (error);
  g_autoptr (EngModel) five = eng_test_load (file);
  g_autoptr (EngRecipe) inside = eng_build_saved_recipe (five, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (eng_model_get_n_layers (five), ==, eng_model_get_n_layers (model) - 1);
  g_assert_cmpuint (eng_recipe_n_rules (inside, "layer-skip"), ==, 0);
  g_autoptr (EngBuild) opened = eng_build_new (five, inside, NULL, NULL, &error);
  g_assert_no_error (error);
  check_same_logits (opened, skipped);
  eng_test_remove (directory);
}

/* What block @block of @model has, in the metadata and in the tensors. */
static void
check_halves (EngModel *model, guint block, gboolean attention, gboolean feed_forward)
{
  const RtArchParams *p = eng_model_get_params (model);
  RtArchBlock sizes = rt_arch_block (eng_model_get_gguf (model), p, block);
  g_autofree char *q = g_strdup_printf ("blk.%u.attn_q.weight", block);
  g_autofree char *norm = g_strdup_printf ("blk.%u.attn_norm.weight", block);
  g_autofree char *down = g_strdup_printf ("blk.%u.ffn_down.weight", block);

  g_assert_cmpuint (sizes.n_heads, ==, attention ? p->n_heads : 0);
  g_assert_cmpuint (sizes.n_kv_heads, ==, attention ? p->n_kv_heads : 0);
  g_assert_cmpuint (sizes.n_ff, ==, feed_forward ? p->n_ff : 0);
  g_assert_true ((rt_gguf_find_tensor (eng_model_get_gguf (model), q) != NULL) == attention);
  g_assert_true ((rt_gguf_find_tensor (eng_model_get_gguf (model), norm) != NULL) == attention);
  g_assert_true ((rt_gguf_find_tensor (eng_model_get_gguf (model), down) != NULL) == feed_forward);
}

/* Half blocks: zeros in the lists of the file. Block 0 goes, 2 loses its attention and 4, where
 * @both says so, its feed-forward part: then other programs know no such model. */
static void
check_save_half (const char *rules, gboolean both)
{
  g_autofree char *path = eng_test_default_model ();
  g_autoptr (EngModel) model = eng_test_load (path);
  char *directory = eng_test_directory ();
  g_autofree char *file = g_build_filename (directory, "half.gguf", NULL);
  g_autofree char *again = g_build_filename (directory, "again.gguf", NULL);
  g_autoptr (EngBuild) build = eng_test_build (model, rules, NULL);
  {
    g_autoptr (EngBuild) opened = eng_test_save_and_open (build, file);
    EngModel *saved = eng_build_get_model (opened);
    RtMemory before, after;

    check_same_logits (opened, build);
    eng_build_get_memory (build, &before);
    eng_build_get_memory (opened, &after);
    g_assert_cmpuint (after.weight_bytes, ==, before.weight_bytes);
    g_assert_cmpuint (after.kv_bytes, ==, before.kv_bytes);
    g_assert_cmpstr (eng_model_get_arch (saved), ==, both ? "llama" : "deci");
    g_assert_false (eng_model_get_params (saved)->blocks_differ);
    g_assert_cmpuint (eng_model_get_n_layers (saved), ==, eng_model_get_n_layers (model) - 1);
    check_halves (saved, 0, TRUE, TRUE);
    check_halves (saved, 1, FALSE, TRUE);
    check_halves (saved, 3, TRUE, !both);

    /* The file is a model like any other: it can be built, calibrated, searched, saved again. */
    g_autoptr (EngBuild) other = eng_test_build (
        saved,
        "{\"weight-format\": {\"format\": \"q4_0\"}, \"rounding\": {\"method\": \"gptq\"}, "
        "\"calibration\": {\"tokens\": 512}, \"kv-cache\": {\"format\": \"q8_0\"}, "
        "\"softmax\": {\"bits\": \"8\", \"correction\": false}, \"layer-skip\": {\"count\": 1}, "
        "\"prune-structured\": {\"channels\": 25, \"heads\": 25}}",
        NULL);
    g_autoptr (EngBuild) twice = eng_test_save_and_open (other, again);
    check_same_logits (twice, other);
  }
  eng_test_remove (directory);
}

static void
test_save_half (void)
{
#define NO_0 "{\"match\": \"blk.0.*\", \"skip\": true}, "
#define NO_ATTENTION_2 "{\"match\": \"blk.2.attn*\", \"skip\": true}"
#define NO_FEED_FORWARD_4 ", {\"match\": \"blk.4.ffn*\", \"skip\": true}"
  check_save_half ("{\"layer-skip\": {\"rules\": [" NO_0 NO_ATTENTION_2 "]}}", FALSE);
  check_save_half ("{\"layer-skip\": {\"rules\": [" NO_0 NO_ATTENTION_2 NO_FEED_FORWARD_4 "]}}",
                   TRUE);
}

static void
test_recipe (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe (SKIP_HALF);
  g_autoptr (EngRecipe) again = eng_test_round_trip (recipe);
  g_autofree char *text = eng_recipe_describe (recipe);

  g_assert_nonnull (strstr (text, "1 skipped part"));
  g_assert_true (eng_layer_skip_is_skipped (recipe, 2, ENG_BLOCK_ATTENTION));
  g_assert_false (eng_layer_skip_is_skipped (recipe, 2, ENG_BLOCK_FEED_FORWARD));
  g_assert_false (eng_layer_skip_is_skipped (recipe, 1, ENG_BLOCK_ATTENTION));
  eng_test_check_hashes (model, SKIP_HALF, SKIP_1);
}

static void
test_refusals (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) all = eng_test_recipe ("{\"layer-skip\": {\"skip\": true}}");
  g_autoptr (GError) error = NULL;

  g_assert_null (eng_build_new (model, all, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
  g_assert_nonnull (strstr (error->message, "Keep at least one block"));
}

/* By importance: the blocks whose output is most like their input on the calibration text. */
static void
test_importance (void)
{
  static const double importance[] = { 0.5, 0.1, 0.3, 0.1, 0.2 };
  static const gboolean taken[] = { FALSE, TRUE, FALSE, FALSE, FALSE };
  gboolean chosen[5];

  g_assert_cmpuint (eng_layer_skip_choose (importance, taken, 5, 2, chosen), ==, 2);
  g_assert_true (!chosen[0] && !chosen[1] && !chosen[2] && chosen[3] && chosen[4]);
  g_assert_cmpuint (eng_layer_skip_choose (importance, NULL, 5, 1, chosen), ==, 1);
  g_assert_true (chosen[3]); /* of equal ones the later */
  g_assert_cmpuint (eng_layer_skip_choose (importance, taken, 5, 9, chosen), ==, 4);

  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{\"layer-skip\": {\"count\": 2}}", NULL);
  g_autoptr (EngRecipe) recipe = eng_test_recipe ("{\"layer-skip\": {\"count\": 2}}");
  g_autoptr (GError) error = NULL;
  g_autoptr (EngActivations) activations
      = eng_activations_load (model, recipe, ENG_ACTIVATIONS_CHANNELS, NULL, &error);
  double least_kept = -1, most_gone = -1, cosine, change;
  guint n_gone = 0;

  g_assert_no_error (error);
  for (guint i = 0; i < eng_model_get_n_layers (model); i++)
    {
      g_autofree char *name = g_strdup_printf ("blk.%u.attn", i);
      gboolean gone = rt_graph_find_node (eng_build_get_graph (build), name) == RT_NONE;
      g_assert_true (eng_activations_get_block (activations, (int)i, &cosine, &change));
      n_gone += gone;
      if (gone)
        most_gone = MAX (most_gone, 1 - cosine);
      else
        least_kept = least_kept < 0 ? 1 - cosine : MIN (least_kept, 1 - cosine);
    }
  g_assert_cmpuint (n_gone, ==, 2);
  g_assert_cmpfloat (most_gone, <=, least_kept);
}

static void
test_explain (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe (SKIP_1);
  const EngTechnique *technique = eng_technique_find ("layer-skip");
  g_autofree char *kept = technique->explain (model, recipe, 0);
  g_autofree char *text = technique->explain (model, recipe, 1);
  const RtArchParams *p = eng_model_get_params (model);
  /* q, k, v, output; gate, up, down */
  double n
      = 2.0 * p->n_embd * p->head_dim * (p->n_heads + p->n_kv_heads) + 3.0 * p->n_embd * p->n_ff;
  g_autofree char *share
      = g_strdup_printf ("%.1f %%", 100 * n / (double)eng_model_get_n_params (model));

  g_assert_null (kept);
  g_assert_nonnull (strstr (text, share));
}

/* ---- the search ---- */

/* Losses of sets of four parts: what each costs alone, and 2 and 3 much more together. */
static gboolean
made_up_loss (const gboolean *dropped, double *loss, gpointer data, GError **error)
{
  static const double costs[4] = { 5, 3, 1, 1.5 };
  guint *n_asked = data;

  *loss = 10;
  for (guint i = 0; i < 4; i++)
    *loss += dropped[i] ? costs[i] : 0;
  if (dropped[2] && dropped[3])
    *loss += 4;
  (*n_asked)++;
  return TRUE;
}

static GArray *order;

static gboolean
note_step (guint step, guint part, double loss, gpointer data, GError **error)
{
  g_assert_cmpuint (step, ==, order->len);
  g_array_append_val (order, part);
  return TRUE;
}

static void
test_greedy (void)
{
  gboolean dropped[4] = { FALSE };
  static const guint expected[]
      = { 2, 1, 0, 3 }; /* 1; then 3 against 5 and 5.5; then 5 against 5.5 */
  guint n_asked = 0;
  g_autoptr (GError) error = NULL;

  order = g_array_new (FALSE, FALSE, sizeof (guint));
  g_assert_true (eng_drop_greedy (4, dropped, 9, made_up_loss, note_step, &n_asked, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_asked, ==, 4 + 3 + 2 + 1);
  g_assert_cmpuint (order->len, ==, 4);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpuint (g_array_index (order, guint, i), ==, expected[i]);
  g_array_unref (order);

  /* What is gone already is not asked for. */
  memset (dropped, 0, sizeof dropped);
  dropped[3] = TRUE;
  n_asked = 0;
  order = g_array_new (FALSE, FALSE, sizeof (guint));
  g_assert_true (eng_drop_greedy (4, dropped, 1, made_up_loss, note_step, &n_asked, &error));
  g_assert_cmpuint (n_asked, ==, 3);
  g_assert_cmpuint (g_array_index (order, guint, 0), ==, 1);
  g_array_unref (order);
}

static void
test_search (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  g_autoptr (GError) error = NULL;
  EngDropOptions options = { .domain = "prose", .n_drops = 2, .n_tokens = 256 };
  g_autoptr (EngDropResult) result
      = eng_drop_search (model, recipe, &options, NULL, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (result->steps->len, ==, 3);
  const EngDropStep *steps = (const EngDropStep *)result->steps->data;
  g_assert_null (steps[0].part);
  for (guint i = 1; i < 3; i++)
    {
      g_assert_cmpfloat (steps[i].weight_bytes, <, steps[i - 1].weight_bytes);
      g_assert_true (isfinite (steps[i].loss) && isfinite (steps[i].held_out));
    }
  g_assert_cmpuint (eng_recipe_n_rules (result->recipe, "layer-skip"), ==, 2);

  /* No single block costs less than the first that went: asked for one by one. */
  for (guint i = 0; i < eng_model_get_n_layers (model); i++)
    {
      g_autofree char *one = g_strdup_printf (
          "{\"layer-skip\": {\"rules\": [{\"match\": \"blk.%u.*\", \"skip\": true}]}}", i);
      g_autoptr (EngRecipe) single = eng_test_recipe (one);
      options.n_drops = 1;
      g_autoptr (EngDropResult) other
          = eng_drop_search (model, single, &options, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
      const EngDropStep *first = (const EngDropStep *)other->steps->data;
      g_assert_cmpfloat (first->loss, >=, steps[1].loss);
    }

  /* It goes on where it was: the loss of what was found is that of the new beginning. */
  g_autoptr (EngDropResult) more
      = eng_drop_search (model, result->recipe, &options, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (((const EngDropStep *)more->steps->data)->loss == steps[2].loss);
  g_assert_cmpuint (eng_recipe_n_rules (more->recipe, "layer-skip"), ==, 3);

  options.n_drops = eng_model_get_n_layers (model);
  g_assert_null (eng_drop_search (model, recipe, &options, NULL, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
  g_clear_error (&error);
  options = (EngDropOptions){ .domain = "cooking" };
  g_assert_null (eng_drop_search (model, recipe, &options, NULL, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "scripture"));
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/layer-skip/block", test_block);
  g_test_add_func ("/layer-skip/half", test_half);
  g_test_add_func ("/layer-skip/memory", test_memory);
  g_test_add_func ("/layer-skip/save", test_save);
  g_test_add_func ("/layer-skip/save-half", test_save_half);
  g_test_add_func ("/layer-skip/recipe", test_recipe);
  g_test_add_func ("/layer-skip/refusals", test_refusals);
  eng_test_add_judgement ("/layer-skip/importance", test_importance);
  g_test_add_func ("/layer-skip/explain", test_explain);
  g_test_add_func ("/layer-skip/greedy", test_greedy);
  g_test_add_func ("/layer-skip/search", test_search);
  return g_test_run ();
}
