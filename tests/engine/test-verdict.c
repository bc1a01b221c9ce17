/* Verdicts per layer from tables made by hand: the words of a comparison, and what each technique
 * makes of it. Sparsity's own are in test-technique-sparsity.c. Nothing is timed. */
#include <math.h>

#include "eng-technique.h"
#include "eng-test-times.h"
#include "eng-test.h"
#include "eng-worth.h"

static EngWorth
worth_of (double frac, double low, double high, EngVerdict verdict)
{
  return (EngWorth){ .change = { verdict, frac, low, high, FALSE, NULL },
                     .source = ENG_KERNEL_BENCH,
                     .is_exact = TRUE };
}

static void
check_change (EngWorth worth, const char *expected)
{
  g_autofree char *text = eng_worth_dup_change (&worth, "Q8_0");
  g_assert_cmpstr (text, ==, expected);
}

static void
test_words (void)
{
  check_change (worth_of (-0.25, -0.30, -0.2, ENG_CHANGE_BETTER),
                "25 % faster here than Q8_0 (20 to 30 %), products timed by themselves");
  check_change (worth_of (0.5, 0.4, 0.6, ENG_CHANGE_WORSE),
                "50 % slower here than Q8_0 (40 to 60 %), products timed by themselves");
  check_change (worth_of (-0.004, -0.02, 0.01, ENG_CHANGE_SAME),
                "0.4 % faster here than Q8_0, within the noise (−1.0 to 2.0 %), products timed by "
                "themselves");
  check_change (worth_of (-0.25, NAN, NAN, ENG_CHANGE_BETTER),
                "25 % faster here than Q8_0 (too few samples for an interval), products timed by "
                "themselves");

  EngWorth worth = worth_of (-0.2, -0.36, 0, ENG_CHANGE_BETTER);
  worth.source = ENG_KERNEL_RUN;
  g_autofree char *speedup = eng_worth_dup_speedup (&worth, "the whole block");
  g_assert_cmpstr (
      speedup, ==,
      "1.25× here (1.00 to 1.56) the speed of the whole block, products of earlier runs");

  /* What is not known has no number. */
  EngWorth none = { .change = { ENG_CHANGE_NONE, NAN, NAN, NAN, FALSE, "" } };
  for (guint i = 0; i < 4; i++)
    {
      none.has_recipe = i & 1;
      none.sources = i & 2 ? ENG_WORTH_RUNS : ENG_WORTH_ANY;
      g_autofree char *change = eng_worth_dup_change (&none, "the whole block");
      g_autofree char *times = eng_worth_dup_speedup (&none, "the whole block");
      g_assert_true (g_str_has_prefix (change, "what it is worth here is not known yet: "));
      g_assert_cmpstr (times, ==, change);
      g_assert_cmpuint (strcspn (change, "0123456789%"), ==, strlen (change));
    }
}

/* What @id says of block 1, products of the recipe taking @ns_per_byte and those without
 * it @other. */
static char *
verdict_of (EngModel *model, const char *id, const char *techniques, const char *without,
            double ns_per_byte, double other, EngKernelSource source)
{
  const EngTechnique *technique = eng_technique_find (id);
  g_autoptr (EngRecipe) recipe = eng_test_recipe (techniques);
  g_autoptr (EngRecipe) bare = eng_test_recipe (without);
  g_autoptr (EngKernelTimes) times = eng_kernel_times_open (NULL, NULL);
  g_autoptr (EngRun) run
      = source == ENG_KERNEL_RUN ? eng_test_make_run (model, recipe, ns_per_byte) : NULL;
  g_autofree char *before = technique->verdict (model, recipe, run, 1);

  g_assert_nonnull (strstr (before, "is not known yet"));
  if (source == ENG_KERNEL_BENCH)
    eng_test_add_times (times, model, recipe, ns_per_byte, source);
  eng_test_add_times (times, model, bare, other, source);
  g_assert_null (technique->verdict (model, bare, NULL, 1));
  g_assert_null (technique->verdict (model, recipe, NULL, -1));
  return technique->verdict (model, recipe, run, 1);
}

/* A quarter of the channels of F16: three quarters of three matrices of 256 x 768 beside the
 * attention's. */
static void
test_structured (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  double all = 0, cut = 0;

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      double n = tensor->layer == 1 ? (double)(tensor->n_rows * tensor->n_cols) : 0;
      all += n;
      cut += strstr (tensor->name, "ffn") != NULL ? 0.75 * n : n;
    }
  g_autofree char *text
      = verdict_of (model, "prune-structured", "{\"prune-structured\": {\"channels\": 25.0}}", "{}",
                    0.1, 0.1, ENG_KERNEL_BENCH);
  g_test_message ("%s", text);
  g_assert_cmpfloat_with_epsilon (eng_test_number_after (text, "25 % of channels: "), all / cut,
                                  0.0101);
  g_assert_nonnull (strstr (text, "× here ("));
  g_assert_nonnull (strstr (text, " the speed of the whole block, products timed by themselves."));
}

/* Half the bits less two scales, at the same time for a byte: 16 against 8.5 bits. */
static void
test_format (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autofree char *text
      = verdict_of (model, "weight-format", "{\"weight-format\": {\"format\": \"q8_0\"}}", "{}",
                    0.1, 0.2, ENG_KERNEL_BENCH);
  g_test_message ("%s", text);
  g_assert_cmpfloat_with_epsilon (eng_test_number_after (text, "Q8_0: "), 2 * 16 / 8.5, 0.0051);
  g_assert_nonnull (strstr (text, " the speed of F16 as in the file, "));
}

static void
test_lookup (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autofree char *text = verdict_of (
      model, "lookup",
      "{\"weight-format\": {\"format\": \"q4_0\"}, \"lookup\": {\"method\": \"lookup\"}}",
      "{\"weight-format\": {\"format\": \"q4_0\"}}", 0.2, 0.1, ENG_KERNEL_BENCH);
  g_test_message ("%s", text);
  g_assert_cmpfloat_with_epsilon (eng_test_number_after (text, "By lookup: "), 0.5, 0.0051);
}

/* By themselves such kernels say nothing; runs do. */
static void
test_activations (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autofree char *text = verdict_of (
      model, "activation-sparsity",
      "{\"weight-format\": {\"format\": \"q8_0\"}, \"activation-sparsity\": {\"share\": 50.0}}",
      "{\"weight-format\": {\"format\": \"q8_0\"}}", 0.1, 0.1, ENG_KERNEL_RUN);
  g_test_message ("%s", text);
  g_assert_cmpfloat (eng_test_number_after (text,
                                            "50 % of inputs skipped on the calibration text: "),
                     >, 5);
  g_assert_nonnull (strstr (text, " faster here than the recipe without it ("));
  g_assert_nonnull (strstr (text, "this run's products against those of earlier runs."));
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/verdict/words", test_words);
  g_test_add_func ("/verdict/structured", test_structured);
  g_test_add_func ("/verdict/format", test_format);
  g_test_add_func ("/verdict/lookup", test_lookup);
  g_test_add_func ("/verdict/activations", test_activations);
  return g_test_run ();
}
