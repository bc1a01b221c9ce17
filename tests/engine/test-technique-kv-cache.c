/* The cache's formats: their sizes against a formula, what rounding does to logits, what they
 * refuse. */
#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-lowering.h"
#include "eng-test.h"
#include "kn-attn.h"

#define ID "kv-cache"
#define N_TOKENS 48

typedef struct
{
  const char *recipe;
  double key_bits, value_bits;     /* without scales */
  double key_scales, value_scales; /* of 16 bit, per 32 values; -1: one per head */
} Case;

#define CACHE(text) "{\"kv-cache\": {" text "}}"

static const Case cases[] = {
  { CACHE ("\"format\": \"f32\""), 32, 32, 0, 0 },
  { CACHE (""), 16, 16, 0, 0 },
  { CACHE ("\"format\": \"q8_0\""), 8, 8, 1, 1 },
  { CACHE ("\"format\": \"q4_0\""), 4, 4, 1, 1 },
  { CACHE ("\"format\": \"q8_0\", \"scales\": \"head\""), 8, 8, -1, -1 },
  { CACHE ("\"format\": \"q4_0\", \"scales\": \"head\""), 4, 4, -1, -1 },
  { CACHE ("\"format\": \"q8_0\", \"values\": \"q4_0\""), 8, 4, 1, 1 },
  { CACHE ("\"format\": \"f16\", \"values\": \"q4_0\", \"scales\": \"head\""), 16, 4, 0, -1 },
};

static double
half_bytes (double bits, double scales, double head_dim)
{
  return head_dim * bits / 8 + 2 * (scales < 0 ? 1 : scales * head_dim / 32);
}

/* A layer's share in the estimate, in the built cache, and in words. */
static void
test_sizes (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  const EngTechnique *technique = eng_technique_find (ID);
  const RtArchParams *arch = eng_model_get_params (model);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Case *c = &cases[i];
      g_autoptr (EngRecipe) recipe = eng_test_recipe (c->recipe);
      g_autoptr (EngBuild) build = eng_test_build (model, c->recipe, NULL);
      g_autofree char *text = technique->explain (model, recipe, 0);
      const double one = arch->n_kv_heads
                         * (half_bytes (c->key_bits, c->key_scales, arch->head_dim)
                            + half_bytes (c->value_bits, c->value_scales, arch->head_dim));
      g_autofree char *bits
          = g_strdup_printf ("%.2f bits", one * 4 / (arch->n_kv_heads * arch->head_dim));
      EngEstimate estimate = { 0 };
      RtMemory memory;

      technique->estimate (model, recipe, 0, &estimate);
      g_assert_cmpfloat_with_epsilon (estimate.kv_bytes, one * eng_build_get_n_ctx (build), 1e-6);
      g_assert_nonnull (strstr (text, bits));
      rt_exec_memory (eng_build_get_exec (build), &memory);
      /* Keys and values of a head begin at multiples of 64 bytes. */
      const double all = one * eng_model_get_n_layers (model) * eng_build_get_n_ctx (build);
      g_assert_cmpfloat ((double)memory.kv_bytes, >=, all);
      g_assert_cmpfloat ((double)memory.kv_bytes, <=, all * 1.02);
    }
}

/* What rounding of the cache does to the logits behind a text: more with fewer bits, more where
 * keys lose them than where values do, and never as much as a broken cache would. */
static void
test_logits (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  gint32 tokens[N_TOKENS];
  double error[G_N_ELEMENTS (cases)];
  g_autofree float *exact = NULL;
  guint n_vocab = 0;

  eng_test_fill_tokens (tokens, N_TOKENS);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (EngBuild) build = eng_test_build (model, cases[i].recipe, NULL);
      g_autofree float *logits = eng_test_logits (build, tokens, N_TOKENS);
      n_vocab = rt_exec_n_vocab (eng_build_get_exec (build));
      if (i == 0)
        exact = g_steal_pointer (&logits);
      error[i] = eng_test_relative_error (i == 0 ? exact : logits, exact, n_vocab);
      g_test_message ("%s: %.5f", cases[i].recipe, error[i]);
    }
  g_assert_cmpfloat (error[1], >, 0);
  g_assert_cmpfloat (error[1], <, 2e-3);
  g_assert_cmpfloat (error[2], >, error[1]);
  g_assert_cmpfloat (error[2], <, 0.03);
  g_assert_cmpfloat (error[3], >, 3 * error[2]);
  g_assert_cmpfloat (error[3], <, 0.5);
  g_assert_cmpfloat (error[4], <, 0.05);
  g_assert_cmpfloat (error[6], <, error[3]);
  g_assert_cmpfloat (error[7], <, 0.5);
}

static void
test_recipe (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  const char *text
      = "{\"kv-cache\": {\"format\": \"q8_0\", \"values\": \"q4_0\", \"scales\": \"head\"}}";
  g_autoptr (EngRecipe) recipe = eng_test_recipe (text);
  g_autoptr (EngRecipe) again = eng_test_round_trip (recipe);
  g_autofree char *values = eng_recipe_get_string (again, ID, "values", NULL);
  g_autofree char *scales = eng_recipe_get_string (again, ID, "scales", NULL);
  g_autofree char *words = eng_technique_find (ID)->describe (again);

  g_assert_cmpstr (values, ==, "q4_0");
  g_assert_cmpstr (scales, ==, "head");
  g_assert_cmpstr (words, ==, "Q8 per head keys, Q4 per head values");

  eng_test_check_hashes (model, text,
                         "{\"kv-cache\": {\"format\": \"q8_0\", \"values\": \"q4_0\"}}");
}

/* "Scales" is a question only where there are some. */
static void
test_matters (void)
{
  const EngTechnique *technique = eng_technique_find (ID);
  const EngParam *scales = eng_technique_find_param (technique, "scales");
  g_autoptr (EngRecipe) plain = eng_recipe_new ();
  g_autoptr (EngRecipe) values = eng_test_recipe ("{\"kv-cache\": {\"values\": \"q4_0\"}}");

  g_assert_false (technique->matters (plain, scales));
  g_assert_true (technique->matters (values, scales));
}

/* Heads of 8 values fill no block: F16 is taken and the build says so. */
static void
test_small_heads (void)
{
  g_autofree char *path = eng_test_stories_or_skip ();
  if (path == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"kv-cache\": {\"format\": \"q4_0\"}}", NULL);
  const char *const *notes = eng_build_get_notes (build);

  g_assert_cmpint (rt_kv_format (rt_exec_kv (eng_build_get_exec (build))), ==, KN_F16);
  g_assert_nonnull (notes[0]);
  g_assert_nonnull (strstr (notes[0], "F16 instead of Q4_0"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/technique/kv-cache/sizes", test_sizes);
  g_test_add_func ("/technique/kv-cache/logits", test_logits);
  g_test_add_func ("/technique/kv-cache/recipe", test_recipe);
  g_test_add_func ("/technique/kv-cache/matters", test_matters);
  g_test_add_func ("/technique/kv-cache/small-heads", test_small_heads);
  return g_test_run ();
}
