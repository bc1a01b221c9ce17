/* Table lookup: logits and loss beside dot products bit for bit for every format that has both,
 * which matrices are changed and which are not, what is said of them, recipes and determinism. */
#include <string.h>

#include "eng-build-private.h"
#include "eng-format-speed.h"
#include "eng-technique.h"
#include "eng-test.h"
#include "kn-lookup.h"

#define N_PROMPT 24

static EngBuild *
build_of (EngModel *model, const char *format, const char *method)
{
  g_autofree char *json = g_strdup_printf (
      "{\"weight-format\": {\"format\": \"%s\"}, \"lookup\": {\"method\": \"%s\"}}", format,
      method);
  return eng_test_build (model, json, NULL);
}

/* Matrices in blocks, and those of them that are lookup formats of @base. */
static void
count_twins (EngModel *model, EngBuild *build, int base, guint *n_in_blocks, guint *n_twins)
{
  *n_in_blocks = *n_twins = 0;
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      int dtype = (int)eng_build_get_dtype (build, tensor);
      gboolean is_in_block
          = tensor->layer >= 0 && tensor->layer < (int)eng_model_get_n_layers (model);
      *n_in_blocks += is_in_block;
      *n_twins += kn_lookup_base (dtype) == base;
      g_assert_true (is_in_block || kn_lookup_base (dtype) < 0);
    }
}

/* A prompt and tokens one by one: the same bits. */
static void
test_same_bits (void)
{
  static const struct
  {
    const char *format;
    int base;
  } cases[]
      = { { "q4_0", KN_Q4_0 }, { "q2_k", KN_Q2_K }, { "q3_k", KN_Q3_K }, { "q1_64", KN_Q1_64 } };
  g_autoptr (EngModel) model = eng_test_load_default ();
  gint32 prompt[N_PROMPT];

  for (guint i = 0; i < N_PROMPT; i++)
    prompt[i] = (gint32)(1 + i * 37 % 500);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (EngBuild) dot = build_of (model, cases[i].format, "dot");
      g_autoptr (EngBuild) lookup = build_of (model, cases[i].format, "lookup");
      RtExec *exec = eng_build_get_exec (lookup);
      gsize bytes = rt_exec_n_vocab (exec) * sizeof (float);
      RtError error = { 0 };
      guint n_in_blocks, n_twins;

      count_twins (model, dot, cases[i].base, &n_in_blocks, &n_twins);
      g_assert_cmpuint (n_twins, ==, 0);
      count_twins (model, lookup, cases[i].base, &n_in_blocks, &n_twins);
      g_assert_cmpuint (n_twins, ==, n_in_blocks);
      g_assert_cmpuint (n_twins, >, 0);

      g_autofree float *wanted = eng_test_logits (dot, prompt, N_PROMPT);
      g_autofree float *got = eng_test_logits (lookup, prompt, N_PROMPT);
      g_assert_cmpmem (got, bytes, wanted, bytes);
      rt_kv_set_n_used (rt_exec_kv (exec), 0);
      for (guint t = 0; t < N_PROMPT; t++)
        g_assert_true (rt_exec_run (exec, prompt + t, 1, 1, RT_PHASE_DECODE, &error));
      g_assert_cmpmem (rt_exec_logits (exec, 0), bytes, wanted, bytes);
    }
}

static void
test_notes (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) none = build_of (model, "q8_0", "lookup");
  g_autoptr (EngBuild) plain = build_of (model, "q4_0", "lookup");
  guint n_in_blocks, n_twins;

  count_twins (model, none, KN_Q4_0, &n_in_blocks, &n_twins);
  g_assert_cmpuint (n_twins, ==, 0);
  g_assert_nonnull (strstr (eng_build_get_notes (none)[0], "Q8_0 has no lookup form"));
  g_assert_null (eng_build_get_notes (none)[1]); /* once for all */
  g_assert_null (eng_build_get_notes (plain)[0]);
}

static void
test_rules (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (
      model,
      "{\"weight-format\": {\"format\": \"q4_0\"}, \"lookup\": {\"rules\": [{\"match\": "
      "\"blk.1.*\", \"method\": \"lookup\"}]}}",
      NULL);

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      g_assert_cmpint (eng_build_get_dtype (build, tensor) == KN_Q4_0_LUT, ==, tensor->layer == 1);
    }
}

/* The numbers said are those kept for this machine. */
static void
test_words (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  const EngTechnique *technique = eng_technique_find ("lookup");
  g_autoptr (EngRecipe) recipe = eng_test_recipe (
      "{\"weight-format\": {\"format\": \"q4_0\"}, \"lookup\": {\"method\": \"lookup\"}}");
  g_autoptr (EngRecipe) none = eng_recipe_new ();
  g_autofree char *name = technique->describe (recipe);
  g_autofree char *unknown = technique->explain (model, recipe, 1);
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autofree char *folder = g_build_filename (g_get_user_cache_dir (), "lathe", NULL);
  g_autofree char *path = g_build_filename (folder, "formats.ini", NULL);
  guint n_threads = MAX (eng_machine_get_n_cpus (machine), 1);
  g_autofree char *group = g_strdup_printf ("%s, %s, %u threads", eng_machine_get_cpu (machine),
                                            eng_machine_get_isa (machine), n_threads);
  double dot[] = { 200, 190, 210, 41 }, lookup[] = { 500, 490, 510, 41 };
  g_autoptr (GKeyFile) file = g_key_file_new ();

  g_assert_cmpstr (name, ==, "table lookup");
  g_assert_null (technique->describe (none));
  g_assert_null (technique->explain (model, none, 1));
  g_assert_null (technique->explain (model, recipe, -1));
  g_assert_nonnull (strstr (unknown, "not measured yet"));

  g_strdelimit (group, "[]", '-');
  g_key_file_set_double_list (file, group, "Q4_0_decode_ns", dot, 4);
  g_key_file_set_double_list (file, group, "Q4_0_LUT_decode_ns", lookup, 4);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_key_file_save_to_file (file, path, NULL));
  g_autofree char *known = technique->explain (model, recipe, 1);
  g_assert_nonnull (strstr (known, "500 ns per million weights by lookup, 200 by dot products"));
  g_assert_nonnull (strstr (known, "2.50 times as long"));
}

static void
test_refusal (void)
{
  eng_test_check_refusal (
      "lookup", "vision/face/version-RFB-320.onnx",
      "only the matrices of language models: convolutions have no lookup kernels");
}

static void
test_round_trip (void)
{
  g_autoptr (EngRecipe) recipe = eng_test_recipe ("{\"lookup\": {\"method\": \"lookup\"}}");
  g_autoptr (EngRecipe) again = eng_test_round_trip (recipe);
}

static void
test_determinism (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) a = build_of (model, "q4_0", "lookup");
  g_autoptr (EngBuild) b = build_of (model, "q4_0", "lookup");
  g_autoptr (EngBuild) c = build_of (model, "q4_0", "dot");

  g_assert_cmpstr (eng_build_get_hash (a), ==, eng_build_get_hash (b));
  g_assert_cmpstr (eng_build_get_hash (a), !=, eng_build_get_hash (c));
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lookup/same-bits", test_same_bits);
  g_test_add_func ("/lookup/notes", test_notes);
  g_test_add_func ("/lookup/rules", test_rules);
  g_test_add_func ("/lookup/words", test_words);
  g_test_add_func ("/lookup/refusal", test_refusal);
  g_test_add_func ("/lookup/round-trip", test_round_trip);
  g_test_add_func ("/lookup/determinism", test_determinism);
  return g_test_run ();
}
