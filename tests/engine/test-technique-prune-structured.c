/* Structured pruning: budgets, choices and refits against their formulas; a pruned build gives the
 * bits of a file whose pruned columns are zero; really smaller matrices; words and refusals. */
#include <math.h>
#include <string.h>

#include "eng-activations.h"
#include "eng-build-private.h"
#include "eng-error.h"
#include "eng-prune-budget.h"
#include "eng-prune.h"
#include "eng-sketch.h"
#include "eng-test.h"
#include "eval/eng-evaluate.h"
#include "techniques/eng-techniques.h"
#include "rt-gguf.h"

static const gint32 prompt[] = { 1, 17, 300, 42, 7, 250, 9, 99, 128, 5 };

/* ---- arithmetic ---- */

static void
test_spread (void)
{
  static const double importance[] = { 9, 1, 2, 1.5, 4 };
  double shares[5], sum = 0;

  eng_prune_spread (NULL, 5, 0.25, 0.9, shares);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpfloat_with_epsilon (shares[i], 0.25, 1e-9);
  eng_prune_spread (importance, 5, 0.4, 0.9, shares);
  /* Proportional to 1 / (1 + e^z) where the cap does not bite. */
  double mean = 3.5, sd = sqrt ((5.5 * 5.5 + 2.5 * 2.5 + 1.5 * 1.5 + 2 * 2 + 0.5 * 0.5) / 5);
  for (guint i = 0; i < 5; i++)
    {
      double expected
          = (1 + exp ((importance[0] - mean) / sd)) / (1 + exp ((importance[i] - mean) / sd));
      g_assert_cmpfloat_with_epsilon (shares[i] / shares[0], expected, 1e-6);
      sum += shares[i];
    }
  g_assert_cmpfloat_with_epsilon (sum, 2.0, 1e-6);
  /* With a cap the sum still is what was asked for, as long as it can be. */
  eng_prune_spread (importance, 5, 0.8, 0.9, shares);
  sum = 0;
  for (guint i = 0; i < 5; i++)
    {
      g_assert_cmpfloat (shares[i], <=, 0.9);
      sum += shares[i];
    }
  g_assert_cmpfloat_with_epsilon (sum, 4.0, 1e-6);
  eng_prune_spread (importance, 5, 0.95, 0.9, shares);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpfloat_with_epsilon (shares[i], 0.9, 1e-6);
}

static void
test_units (void)
{
  static const double shares[] = { 0.10, 0.25, 0.15, 0.5 }; /* of 10: 1, 2.5, 1.5, 5 */
  static const guint expected[] = { 1, 3, 1, 5 };
  static const double most[] = { 1, 1 };
  guint removed[4];

  eng_prune_units (shares, 4, 10, 1, removed);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpuint (removed[i], ==, expected[i]);
  eng_prune_units (most, 2, 3, 1, removed);
  g_assert_cmpuint (removed[0], ==, 2);
  g_assert_cmpuint (removed[1], ==, 2);
  /* A quarter of blocks of three groups: one in three quarters of them. */
  double quarter[30];
  guint groups[30], sum = 0;
  eng_prune_spread (NULL, 30, 0.25, 0.9, quarter);
  eng_prune_units (quarter, 30, 3, 1, groups);
  for (guint i = 0; i < 30; i++)
    {
      g_assert_cmpuint (groups[i], <=, 1);
      sum += groups[i];
    }
  g_assert_cmpuint (sum, ==, 23);
}

static void
test_choose (void)
{
  static const double scores[] = { 3, NAN, 5, 3, 0, 9 };
  guint32 kept[6];

  eng_prune_choose (scores, 6, 3, kept);
  g_assert_cmpuint (kept[0], ==, 0); /* before its equal at 3 */
  g_assert_cmpuint (kept[1], ==, 2);
  g_assert_cmpuint (kept[2], ==, 5);
  eng_prune_choose (scores, 6, 5, kept);
  g_assert_cmpuint (kept[3], ==, 4); /* NaN goes first */
}

/* The fit is where the gradient is zero: (W' M_kk - W M_nk) = 0, here with the damping on M_kk for
 * the change only: (W' - W_k) (M_kk + d) = W_g M_gk. */
static void
test_refit (void)
{
  enum
  {
    N = 40,
    KEPT = 25,
    ROWS = 7,
    SAMPLES = 90
  };
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  float x[SAMPLES][N], moments[N * N], w[ROWS * N], fitted[ROWS * KEPT];
  guint32 kept[KEPT];
  gboolean stays[N] = { FALSE };
  double trace = 0, before = 0, after = 0;

  for (guint s = 0; s < SAMPLES; s++)
    for (guint i = 0; i < N; i++) /* neighbours belong together */
      x[s][i] = (float)(g_rand_double_range (rand, -1, 1) + (i > 0 ? 0.8 * x[s][i - 1] : 0));
  for (guint i = 0; i < N; i++)
    for (guint j = 0; j < N; j++)
      {
        double sum = 0;
        for (guint s = 0; s < SAMPLES; s++)
          sum += (double)x[s][i] * (double)x[s][j];
        moments[i * N + j] = (float)(sum / SAMPLES);
      }
  for (guint i = 0; i < ROWS * N; i++)
    w[i] = (float)g_rand_double_range (rand, -1, 1);
  for (guint i = 0; i < KEPT; i++)
    {
      kept[i] = i * 8 / 5;
      stays[kept[i]] = TRUE;
      trace += (double)moments[kept[i] * N + kept[i]];
    }
  g_assert_true (eng_prune_refit (w, ROWS, N, moments, kept, KEPT, 0.01, NULL, NULL, fitted));
  for (guint r = 0; r < ROWS; r++)
    for (guint j = 0; j < KEPT; j++)
      {
        double left = 0, right = 0;
        for (guint i = 0; i < KEPT; i++)
          {
            double m = (double)moments[kept[i] * N + kept[j]] + (i == j ? 0.01 * trace / KEPT : 0);
            left += ((double)fitted[r * KEPT + i] - (double)w[r * N + kept[i]]) * m;
          }
        for (guint g = 0; g < N; g++)
          right += stays[g] ? 0 : (double)w[r * N + g] * (double)moments[g * N + kept[j]];
        g_assert_cmpfloat_with_epsilon (left, right, 2e-4);
      }
  /* What it is for: the outputs come nearer. */
  for (guint s = 0; s < SAMPLES; s++)
    for (guint r = 0; r < ROWS; r++)
      {
        double all = 0, cut = 0, fit = 0;
        for (guint i = 0; i < N; i++)
          all += (double)w[r * N + i] * (double)x[s][i];
        for (guint i = 0; i < KEPT; i++)
          {
            cut += (double)w[r * N + kept[i]] * (double)x[s][kept[i]];
            fit += (double)fitted[r * KEPT + i] * (double)x[s][kept[i]];
          }
        before += (all - cut) * (all - cut);
        after += (all - fit) * (all - fit);
      }
  g_assert_cmpfloat (after, <, 0.6 * before);
  /* Moments that are none. */
  moments[0] = -1;
  g_assert_false (eng_prune_refit (w, ROWS, N, moments, kept, KEPT, 0.01, NULL, NULL, fitted));
}

/* ---- on a model ---- */

#define CUT "{\"prune-structured\": {\"channels\": 25.0, \"heads\": 25.0, \"mend\": \"none\"}}"

/* The default model with what the plan takes out set to zero: columns of the output matrices, whose
 * parts then add nothing. */
static EngModel *
model_with_zeros (const char *directory, EngModel *model, const EngPrunePlan *plan)
{
  g_autofree char *path = eng_test_default_model ();
  g_autofree char *copy = g_build_filename (directory, "zeros.gguf", NULL);
  g_autofree char *bytes = NULL;
  g_autoptr (GError) error = NULL;
  RtError rt_error = { 0 };
  gsize n_bytes;
  guint width = eng_model_get_params (model)->head_dim * eng_prune_group_heads (model);
  RtGguf *gguf = rt_gguf_open (path, &rt_error);

  g_assert_nonnull (gguf);
  g_assert_true (g_file_get_contents (path, &bytes, &n_bytes, &error));
  for (guint i = 0; i < plan->n_blocks; i++)
    for (guint k = 0; k < 2; k++)
      {
        const EngPruneBlock *b = &plan->blocks[i];
        const guint32 *kept = k == 0 ? b->channels : b->groups;
        guint n_kept = k == 0 ? b->n_channels_kept : b->n_groups_kept, w = k == 0 ? 1 : width;
        g_autofree char *name
            = g_strdup_printf ("blk.%u.%s.weight", i, k == 0 ? "ffn_down" : "attn_output");
        const RtGgufTensor *tensor = rt_gguf_find_tensor (gguf, name);
        if (kept == NULL)
          continue;
        g_assert_cmpint (tensor->dtype, ==, KN_F16);
        guint16 *numbers = memmem (bytes, n_bytes, tensor->data, tensor->bytes);
        g_assert_nonnull (numbers);
        for (guint c = 0; c < tensor->ne[0]; c++)
          {
            gboolean stays = FALSE;
            for (guint m = 0; m < n_kept; m++)
              stays |= kept[m] == c / w;
            for (guint r = 0; !stays && r < tensor->ne[1]; r++)
              numbers[r * tensor->ne[0] + c] = 0;
          }
      }
  rt_gguf_close (gguf);
  g_assert_true (g_file_set_contents (copy, bytes, (gssize)n_bytes, &error));
  return eng_test_load (copy);
}

/* Zeros add nothing, so the pruned model computes what a file with zeros does; sums of fewer
 * columns are rounded in another order, which is all that may differ. */
static void
test_same (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) recipe = eng_test_recipe (CUT);
  g_autoptr (EngActivations) activations
      = eng_activations_load (model, recipe, ENG_ACTIVATIONS_CHANNELS, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngPrunePlan) plan
      = eng_prune_plan_new (model, recipe, eng_model_get_graph (model), activations);
  for (guint i = 0; i < plan->n_blocks; i++)
    g_assert_true (eng_prune_plan_choose (plan, model, activations, i, &error));
  char *directory = eng_test_directory ();
  g_autoptr (EngModel) zeros = model_with_zeros (directory, model, plan);
  g_autoptr (EngBuild) cut = eng_test_build (model, CUT, NULL);
  g_autoptr (EngBuild) expected = eng_test_build (zeros, "{}", NULL);
  g_autoptr (EngBuild) plain = eng_test_build (model, "{}", NULL);
  guint n = rt_exec_n_vocab (eng_build_get_exec (cut));
  g_autofree float *a = eng_test_logits (cut, prompt, G_N_ELEMENTS (prompt));
  g_autofree float *b = eng_test_logits (expected, prompt, G_N_ELEMENTS (prompt));
  g_autofree float *c = eng_test_logits (plain, prompt, G_N_ELEMENTS (prompt));
  double largest = 0, change = 0;

  for (guint i = 0; i < n; i++)
    {
      largest = MAX (largest, fabs ((double)(a[i] - b[i])));
      change = MAX (change, fabs ((double)(a[i] - c[i])));
    }
  g_assert_cmpfloat (largest, <, 2e-3);
  g_assert_cmpfloat (change, >, 0.1);
  eng_test_remove (directory);
}

/* Fewer rows and columns, in the build and in the sketch, in proportion. */
static void
test_shapes (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe (CUT);
  g_autoptr (EngBuild) plain = eng_test_build (model, "{}", NULL);
  g_autoptr (EngBuild) cut = eng_test_build (model, CUT, plain);
  g_autoptr (EngBuild) again = eng_test_build (model, CUT, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, recipe, &error);
  const RtGraph *graph = eng_build_get_graph (cut);
  const RtArchParams *p = eng_model_get_params (model);
  gint64 channels = 0, heads = 0;
  RtMemory memory, guessed;

  g_assert_no_error (error);
  for (guint i = 0; i < p->n_layers; i++)
    {
      g_autofree char *down = g_strdup_printf ("blk.%u.ffn_down.weight", i);
      g_autofree char *output = g_strdup_printf ("blk.%u.attn_output.weight", i);
      const RtShape *d = &rt_graph_value (graph, rt_graph_find_value (graph, down))->shape;
      const RtShape *o = &rt_graph_value (graph, rt_graph_find_value (graph, output))->shape;
      g_assert_cmpint (d->dims[0], ==, p->n_embd);
      g_assert_cmpint (d->dims[1] % 32, ==, 0);
      channels += d->dims[1];
      heads += o->dims[1] / p->head_dim;
    }
  g_assert_cmpint (channels, ==, p->n_layers * p->n_ff * 3 / 4);
  g_assert_cmpint (heads, ==, p->n_layers * p->n_heads * 3 / 4);
  eng_build_get_memory (cut, &memory);
  eng_sketch_get_memory (sketch, &guessed);
  g_assert_cmpuint (memory.weight_bytes, ==, guessed.weight_bytes);
  g_assert_cmpuint (memory.kv_bytes, ==, guessed.kv_bytes);
  g_assert_cmpstr (eng_build_get_hash (cut), ==, eng_build_get_hash (again));
  g_assert_cmpstr (eng_build_get_hash (cut), !=, eng_build_get_hash (plain));
  /* The embedding is as it was, and shared. */
  g_assert_true (eng_build_get_weight (cut, eng_model_get_tensor (model, 0))
                 == eng_build_get_weight (plain, eng_model_get_tensor (model, 0)));
}

/* A rule sets one block, the rest has the common share; with every weight format. */
static void
test_rules (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (
      model,
      "{\"prune-structured\": {\"channels\": 25, \"spread\": \"even\", \"rules\": [{\"match\": "
      "\"blk.1.*\", \"channels\": 50}, {\"match\": \"blk.2.ffn*\", \"channels\": 0}]}, "
      "\"weight-format\": {\"format\": \"q4_0\"}}",
      NULL);
  static const guint expected[] = { 576, 384, 768, 576, 576, 576 };
  const RtGraph *graph = eng_build_get_graph (build);

  for (guint i = 0; i < 6; i++)
    {
      g_autofree char *name = g_strdup_printf ("blk.%u.ffn_down.weight", i);
      RtValueId id = rt_graph_find_value (graph, name);
      g_assert_cmpint (rt_graph_value (graph, id)->shape.dims[1], ==, expected[i]);
    }
  g_autofree float *logits = eng_test_logits (build, prompt, G_N_ELEMENTS (prompt));
  g_assert_true (isfinite (logits[0]));
}

/* End to end: pruning costs something, making up for it gives a part back. */
static void
test_loss (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  double plain = eng_test_perplexity (model, "{}", 1500);
  double none
      = eng_test_perplexity (model, "{\"prune-structured\": {\"heads\": 25, \"mend\": \"none\"}}",
                             1500);
  double mean
      = eng_test_perplexity (model, "{\"prune-structured\": {\"heads\": 25, \"mend\": \"mean\"}}",
                             1500);
  double refit = eng_test_perplexity (model, "{\"prune-structured\": {\"heads\": 25}}", 1500);

  g_assert_cmpfloat (plain, <, refit);
  g_assert_cmpfloat (refit, <, mean);
  g_assert_cmpfloat (mean, <, none);
  g_assert_cmpfloat (none, <, 1.5 * plain);
}

/* ---- saving ---- */

static void
check_same_logits (EngBuild *a, EngBuild *b)
{
  guint n = rt_exec_n_vocab (eng_build_get_exec (a));
  g_autofree float *x = eng_test_logits (a, prompt, G_N_ELEMENTS (prompt));
  g_autofree float *y = eng_test_logits (b, prompt, G_N_ELEMENTS (prompt));

  g_assert_cmpmem (x, n * sizeof *x, y, n * sizeof *y);
}

/* A saved file holds the smaller matrices and says so: lists where blocks differ, single numbers
 * where they do not; it gives the same bits and is not pruned again. */
static void
check_saved (const char *techniques, gboolean differ, gboolean has_bias)
{
  g_autofree char *path = eng_test_default_model ();
  g_autoptr (EngModel) model = eng_test_load (path);
  const RtArchParams *p = eng_model_get_params (model);
  char *directory = eng_test_directory ();
  g_autofree char *file = g_build_filename (directory, "pruned.gguf", NULL);
  g_autofree char *twice = g_build_filename (directory, "twice.gguf", NULL);
  g_autoptr (EngBuild) build = eng_test_build (model, techniques, NULL);
  g_autoptr (EngBuild) opened = eng_test_save_and_open (build, file);
  EngModel *saved = eng_build_get_model (opened);
  const RtGguf *gguf = eng_model_get_gguf (saved);
  const RtArchParams *q = eng_model_get_params (saved);
  RtMemory before, after;

  check_same_logits (opened, build);
  eng_build_get_memory (build, &before);
  eng_build_get_memory (opened, &after);
  g_assert_cmpuint (after.weight_bytes, ==, before.weight_bytes);
  g_assert_cmpuint (after.kv_bytes, ==, before.kv_bytes);

  g_assert_cmpuint (q->head_dim, ==, p->head_dim);
  g_assert_cmpuint (q->rope_dims, ==, p->rope_dims);
  g_assert_true (q->blocks_differ == differ);
  g_assert_cmpstr (eng_model_get_arch (saved), ==, differ ? "deci" : "llama");
  g_assert_true ((rt_gguf_find_tensor (gguf, "blk.1.ffn_down.bias") != NULL) == has_bias);
  g_assert_true ((rt_gguf_find_tensor (gguf, "blk.1.attn_output.bias") != NULL) == has_bias);
  g_autofree char *key = g_strdup_printf ("%s.feed_forward_length", eng_model_get_arch (saved));
  g_assert_cmpint (rt_gguf_find (gguf, key)->type, ==, differ ? RT_GGUF_ARRAY : RT_GGUF_U32);

  /* Every size in the metadata is that of the build's own graph. */
  for (guint i = 0; i < p->n_layers; i++)
    {
      RtArchBlock block = rt_arch_block (gguf, q, i);
      g_autofree char *down = g_strdup_printf ("blk.%u.ffn_down.weight", i);
      g_autofree char *k = g_strdup_printf ("blk.%u.attn_k.weight", i);
      RtValueId down_id = rt_graph_find_value (build->source, down);
      RtValueId k_id = rt_graph_find_value (build->source, k);
      g_assert_cmpint (rt_graph_value (build->source, down_id)->shape.dims[1], ==, block.n_ff);
      g_assert_cmpint (rt_graph_value (build->source, k_id)->shape.dims[0], ==,
                       block.n_kv_heads * p->head_dim);
      g_assert_cmpuint (block.n_heads / block.n_kv_heads, ==, p->n_heads / p->n_kv_heads);
    }

  g_autoptr (EngBuild) again = eng_test_save_and_open (opened, twice);
  check_same_logits (again, build);
  /* What is there already can be pruned further only where shares mean the same for all blocks. */
  g_autofree char *why_not = eng_technique_prune_structured.applies (saved);
  g_assert_true ((why_not != NULL) == differ);
  eng_test_remove (directory);
}

static void
test_save (void)
{
#define CALIBRATION "\"calibration\": {\"tokens\": 512}, "
  check_saved ("{" CALIBRATION "\"prune-structured\": {\"channels\": 30, \"heads\": 40}}", TRUE,
               FALSE);
  check_saved ("{" CALIBRATION "\"weight-format\": {\"format\": \"q4_0\"}, "
               "\"prune-structured\": {\"channels\": 50, \"heads\": 25, \"spread\": \"even\", "
               "\"mend\": \"mean\"}}",
               FALSE, TRUE);
  check_saved ("{" CALIBRATION "\"weight-format\": {\"format\": \"q8_0\"}, "
               "\"prune-structured\": {\"mend\": \"mean\", \"rules\": ["
               "{\"match\": \"blk.1.ffn*\", \"channels\": 60}, "
               "{\"match\": \"blk.1.attn*\", \"heads\": 50}]}}",
               TRUE, TRUE);
}

static void
test_words (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  const EngTechnique *technique = eng_technique_find ("prune-structured");
  g_autoptr (EngRecipe) recipe
      = eng_test_recipe ("{\"prune-structured\": {\"channels\": 50, \"spread\": \"even\"}}");
  g_autoptr (EngRecipe) none = eng_recipe_new ();
  g_autofree char *early = technique->explain (model, recipe, 2);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngActivations) activations
      = eng_activations_load (model, recipe, ENG_ACTIVATIONS_CHANNELS, NULL, &error);
  g_assert_no_error (error);
  g_autofree char *text = technique->explain (model, recipe, 2);
  g_autofree char *nothing = technique->explain (model, none, 2);
  g_autoptr (EngRecipe) again = eng_test_round_trip (recipe);
  g_autofree char *title = eng_recipe_describe (recipe);

  g_assert_no_error (error);
  g_assert_nonnull (strstr (early, "Not calibrated yet"));
  g_assert_nonnull (strstr (text, "384 of 768 feed-forward channels stay"));
  g_assert_nonnull (strstr (text, "% of the squares"));
  g_assert_null (nothing);
  g_assert_nonnull (strstr (title, "−50 % channels"));
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/prune-structured/spread", test_spread);
  g_test_add_func ("/prune-structured/units", test_units);
  g_test_add_func ("/prune-structured/choose", test_choose);
  g_test_add_func ("/prune-structured/refit", test_refit);
  g_test_add_func ("/prune-structured/same", test_same);
  g_test_add_func ("/prune-structured/shapes", test_shapes);
  g_test_add_func ("/prune-structured/rules", test_rules);
  g_test_add_func ("/prune-structured/loss", test_loss);
  g_test_add_func ("/prune-structured/save", test_save);
  g_test_add_func ("/prune-structured/words", test_words);
  return g_test_run ();
}
