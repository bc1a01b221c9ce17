/* Advice on invented profiles: which rule speaks and which keeps quiet, what it expects and why,
 * what Apply would do, and the ranking. The model is the committed one (F16, 6 blocks); times,
 * roofs and runs are made up so that gains can be computed by hand. */
#include <math.h>
#include <string.h>

#include "eng-advice-private.h"
#include "eng-technique.h"
#include "eng-test-profile.h"
#include "eng-test.h"

#define assert_near(a, b)                                                                          \
  g_assert_cmpfloat_with_epsilon ((a), (b), fabs ((double)(b)) * 1e-6 + 1e-12)

/* F16 to Q8_0 and Q4_0: 34 and 18 bytes instead of 64 for 32 weights. */
#define Q8_RATIO (34.0 / 64)
#define Q4_RATIO (18.0 / 64)

typedef struct
{
  EngModel *model;
  EngRecipe *recipe;
  EngRoof roof;
  EngAdviceInput in;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *path = eng_test_default_model ();

  f->model = eng_test_load (path);
  f->recipe = eng_test_recipe ("{\"threads\": {\"count\": 2}}");
  f->roof = eng_test_round_roof ();
  f->in = (EngAdviceInput){ .model = f->model,
                            .recipe = f->recipe,
                            .n_threads = 2,
                            .n_ctx = 512,
                            .n_prompt = 100,
                            .n_generated = 100,
                            .n_cpus = 2,
                            .roof = &f->roof };
  f->in.step = eng_figure_unavailable ("ms", "not measured");
  f->in.memory = eng_figure_exact (20e6, "B");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->in.profile, eng_profile_unref);
  eng_recipe_unref (f->recipe);
  g_object_unref (f->model);
}

static void
set_recipe (Fixture *f, const char *techniques)
{
  eng_recipe_unref (f->recipe);
  f->recipe = f->in.recipe = eng_test_recipe (techniques);
}

static const EngAdvice *
find (GPtrArray *advice, const char *rule)
{
  for (guint i = 0; i < advice->len; i++)
    {
      const EngAdvice *one = g_ptr_array_index (advice, i);

      if (g_str_equal (one->rule, rule))
        return one;
    }
  return NULL;
}

static void
assert_format (const EngAdvice *advice, const char *tensor, const char *format)
{
  g_autofree char *got = NULL;

  g_assert_nonnull (advice->recipe);
  got = eng_recipe_get_string (advice->recipe, "weight-format", "format", tensor);
  g_assert_cmpstr (got, ==, format);
}

/* One node of block 1 that takes 0.2 ms for 2 MB from main memory (0.1 ms at best), and a rest of
 * floats without weights that takes 0.8 ms at full arithmetic. */
static const EngTestNode waiting[] = {
  { 1,
    ENG_ARITHMETIC_F32,
    { 2000000, 2000000, 0, 0 },
    200000,
    "blk.1.ffn_down",
    NULL,
    "blk.1.ffn_down" },
  { 2,
    ENG_ARITHMETIC_F32,
    { 100000000, 0, 500, 500 },
    800000,
    "blk.2.attn",
    "Attention",
    "blk.2.attn" },
};

static void
test_narrow (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) advice = NULL;
  const EngAdvice *one;

  f->in.profile = eng_test_profile (waiting, G_N_ELEMENTS (waiting), 6, RT_PHASE_DECODE);
  advice = eng_advise (&f->in);
  one = find (advice, "8-bit-weights");
  g_assert_nonnull (one);
  g_assert_cmpint (one->basis, ==, ENG_ADVICE_ROOF);
  assert_near (one->gain_ms, 0.2 * (1 - Q8_RATIO));
  assert_near (one->gain_frac, 0.2 * (1 - Q8_RATIO));
  assert_near (one->run_gain_ms, 100 * 0.2 * (1 - Q8_RATIO));
  g_assert_cmpuint (one->n_layers, ==, 1);
  g_assert_cmpint (one->layers[0], ==, 1);
  assert_format (one, "blk.1.ffn_down.weight", "q8_0");
  assert_format (one, "blk.2.ffn_down.weight", "source");
  assert_format (one, "blk.1.ffn_up.weight", "source");
  g_assert_cmpstr (one->title, ==, "Q8_0 weights in Block 1");
  g_assert_nonnull (strstr (one->cause, "20 % of the time of one token"));
  g_assert_nonnull (strstr (one->cause, "from DRAM"));
  g_assert_nonnull (strstr (one->cost, "accuracy unknown"));
  g_assert_true (one->changes_results);

  one = find (advice, "narrow-weights");
  assert_near (one->gain_ms, 0.2 * (1 - Q4_RATIO));
  assert_format (one, "blk.1.ffn_down.weight", "q4_k"); /* of Q4_0 and Q4_K, equal in size */
  /* Memory: 256 x 768 weights of 2 bytes become 18 / 32 bytes each. */
  assert_near (one->memory_bytes, -256 * 768 * 2 * (1 - Q4_RATIO));
  g_assert_null (find (advice, "narrow-output"));
  g_assert_null (find (advice, "more-threads"));
  g_assert_null (find (advice, "int8"));
}

static void
test_narrow_is_quiet (Fixture *f, gconstpointer data)
{
  /* The same bytes, but 8-bit arithmetic takes longer; and 20 times slower than its roof. */
  static const EngTestNode busy[] = {
    { 1, ENG_ARITHMETIC_INT8, { 800000000, 2000000, 0, 0 }, 1200000, NULL, NULL, "blk.1.ffn_down" }
  };
  static const EngTestNode far[] = {
    { 1, ENG_ARITHMETIC_F32, { 2000000, 2000000, 0, 0 }, 2000000, NULL, NULL, "blk.1.ffn_down" }
  };
  g_autoptr (GPtrArray) advice = NULL;
  g_autoptr (GPtrArray) none = NULL;

  f->in.profile = eng_test_profile (busy, 1, 6, RT_PHASE_DECODE);
  advice = eng_advise (&f->in);
  g_assert_null (find (advice, "narrow-weights"));
  g_assert_null (find (advice, "8-bit-weights"));
  eng_profile_unref (f->in.profile);
  f->in.profile = eng_test_profile (far, 1, 6, RT_PHASE_DECODE);
  none = eng_advise (&f->in);
  g_assert_null (find (none, "narrow-weights"));
  /* Without roofs and without a forecast nothing is known. */
  f->in.roof = NULL;
  eng_profile_unref (f->in.profile);
  f->in.profile = eng_test_profile (waiting, 2, 6, RT_PHASE_DECODE);
  g_autoptr (GPtrArray) blind = eng_advise (&f->in);
  g_assert_null (find (blind, "narrow-weights"));
}

/* 200 Mop of floats: 1 ms at best, took 1.2. In 8 bits it is 0.25 ms, more than the bytes need. */
static void
test_floats (Fixture *f, gconstpointer data)
{
  static const EngTestNode nodes[] = {
    { 1, ENG_ARITHMETIC_F32, { 200000000, 2000000, 0, 0 }, 1200000, NULL, NULL, "blk.1.ffn_down" }
  };
  const EngAdvice *one;

  f->in.profile = eng_test_profile (nodes, 1, 6, RT_PHASE_DECODE);
  g_autoptr (GPtrArray) advice = eng_advise (&f->in);
  one = find (advice, "8-bit-weights");
  g_assert_nonnull (one);
  assert_near (one->gain_ms, 1.2 * (1 - 0.25));
  g_assert_nonnull (strstr (one->cause, "8-bit products are 4.0 times as fast"));
}

static void
test_everything_waits (Fixture *f, gconstpointer data)
{
  static const char *const parts[]
      = { "attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down" };
  EngTestNode nodes[6 * 7 + 1];
  char *names[6 * 7 + 1];
  g_autoptr (GPtrArray) advice = NULL;
  const EngAdvice *one;
  guint n = 0;

  for (int layer = 0; layer < 6; layer++)
    for (guint k = 0; k < G_N_ELEMENTS (parts); k++, n++)
      {
        names[n] = g_strdup_printf ("blk.%d.%s", layer, parts[k]);
        nodes[n] = (EngTestNode){ layer,   ENG_ARITHMETIC_F32, { 200000, 200000, 0, 0 },
                                  20000,   names[n],           NULL,
                                  names[n] };
      }
  names[n] = g_strdup ("output");
  nodes[n] = (EngTestNode){ 6,       ENG_ARITHMETIC_F32, { 1600000, 1600000, 0, 0 },
                            160000,  "output",           NULL,
                            "output" };
  f->in.profile = eng_test_profile (nodes, n + 1, 6, RT_PHASE_DECODE);
  advice = eng_advise (&f->in);

  one = find (advice, "8-bit-weights");
  g_assert_cmpstr (one->title, ==, "Q8_0 weights in all layers");
  g_assert_cmpuint (eng_recipe_n_rules (one->recipe, "weight-format"), ==, 0);
  assert_format (one, "token_embd.weight", "q8_0");
  assert_near (one->gain_frac, 1 - Q8_RATIO);
  /* The output takes 0.16 of 1 ms: for it alone as well. */
  one = find (advice, "narrow-output");
  assert_near (one->gain_ms, 0.16 * (1 - Q4_RATIO));
  assert_format (one, "token_embd.weight", "q4_k");
  assert_format (one, "blk.0.attn_q.weight", "source");
  /* Best first. */
  g_assert_cmpstr (((EngAdvice *)g_ptr_array_index (advice, 0))->rule, ==, "narrow-weights");
  for (guint i = 0; i <= n; i++)
    g_free (names[i]);
}

/* ---- the history ---- */

static void
add_run (GPtrArray *runs, const char *techniques, double step_ms, double memory, double accuracy)
{
  EngAdviceRun *run = g_new0 (EngAdviceRun, 1);

  run->recipe = eng_test_recipe (techniques);
  run->step = step_ms > 0 ? eng_figure_exact (step_ms, "ms") : eng_figure_unavailable ("ms", "no");
  run->step.low = step_ms * 0.98;
  run->step.high = step_ms * 1.02;
  run->memory = eng_figure_exact (memory, "B");
  run->quality_id = ENG_FIGURE_ACCURACY;
  run->quality
      = accuracy > 0 ? eng_figure_exact (accuracy, "%") : eng_figure_unavailable ("%", "no");
  g_ptr_array_add (runs, run);
}

#define BLOCK_1_Q8                                                                                 \
  "{\"threads\": {\"count\": 2}, \"weight-format\": {\"rules\": [{\"match\": "                     \
  "\"blk.1.ffn_down.weight\", \"format\": \"q8_0\"}]}}"

static void
test_history (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_advice_run_free);
  const EngAdvice *one;

  f->in.profile = eng_test_profile (waiting, G_N_ELEMENTS (waiting), 6, RT_PHASE_DECODE);
  f->in.step = eng_figure_exact (1.0, "ms");
  f->in.step.low = 0.99;
  f->in.step.high = 1.01;
  f->in.runs = runs;

  /* The history shows that it is slower: never advised. */
  add_run (runs, BLOCK_1_Q8, 1.1, 19e6, 0);
  g_autoptr (GPtrArray) slower = eng_advise (&f->in);
  g_assert_null (find (slower, "8-bit-weights"));
  g_assert_nonnull (find (slower, "narrow-weights"));
  g_assert_null (find (slower, "earlier"));

  /* Faster: its own measurement counts, not the roof, and it is offered. */
  g_ptr_array_set_size (runs, 0);
  add_run (runs, BLOCK_1_Q8, 0.7, 19e6, 0);
  add_run (runs, BLOCK_1_Q8, 0, 19e6, 90.0);
  add_run (runs, "{}", 0, 20e6, 91.5);
  g_autoptr (GPtrArray) faster = eng_advise (&f->in);
  one = find (faster, "8-bit-weights");
  g_assert_nonnull (one);
  g_assert_cmpint (one->basis, ==, ENG_ADVICE_MEASURED);
  assert_near (one->gain_ms, 0.3);
  assert_near (one->low_frac,
               1 - 0.7 * 1.02 / 0.99); /* the slowest it may be, against the fastest now */
  assert_near (one->memory_bytes, -1e6);
  g_assert_nonnull (strstr (one->cost, "91.5"));
  g_assert_true (one == g_ptr_array_index (faster, 0));

  g_assert_nonnull (strstr (one->cost, "(-1.6 %)")); /* 1.5 of 91.5 */
  g_assert_null (
      find (faster, "earlier")); /* known to be less accurate: no "better in everything" */

  /* Much faster, but evaluations show that a sixth of what was right is lost: nothing to begin
   * with. */
  g_ptr_array_set_size (runs, 0);
  add_run (runs, BLOCK_1_Q8, 0.4, 19e6, 0);
  add_run (runs, BLOCK_1_Q8, 0, 19e6, 75.0);
  add_run (runs, "{}", 0, 20e6, 91.5);
  g_autoptr (GPtrArray) worse = eng_advise (&f->in);
  one = find (worse, "8-bit-weights");
  g_assert_nonnull (one);
  assert_near (one->weight, 1 - 5 * 16.5 / 91.5);
  g_assert_false (one == g_ptr_array_index (worse, 0));

  /* Within the intervals: not known to be faster. */
  g_ptr_array_set_size (runs, 0);
  add_run (runs, BLOCK_1_Q8, 0.98, 19e6, 0);
  g_autoptr (GPtrArray) same = eng_advise (&f->in);
  g_assert_null (find (same, "8-bit-weights"));
  g_assert_null (find (same, "earlier"));

  /* Faster, but larger: not offered as better in everything. */
  g_ptr_array_set_size (runs, 0);
  add_run (runs, "{\"threads\": {\"count\": 2}, \"weight-format\": {\"format\": \"f32\"}}", 0.5,
           40e6, 0);
  g_autoptr (GPtrArray) larger = eng_advise (&f->in);
  g_assert_null (find (larger, "earlier"));
}

static char *
tell_loss (EngModel *model, EngRecipe *recipe, gpointer data)
{
  g_autofree char *format
      = eng_recipe_get_string (recipe, "weight-format", "format", "blk.1.ffn_down.weight");

  return g_str_equal (format, "q8_0") ? g_strdup ("KL divergence 0.01 nat") : NULL;
}

static void
test_loss (Fixture *f, gconstpointer data)
{
  f->in.profile = eng_test_profile (waiting, G_N_ELEMENTS (waiting), 6, RT_PHASE_DECODE);
  f->in.loss = tell_loss;
  g_autoptr (GPtrArray) advice = eng_advise (&f->in);
  g_assert_nonnull (strstr (find (advice, "8-bit-weights")->cost, "KL divergence 0.01 nat"));
  g_assert_nonnull (strstr (find (advice, "narrow-weights")->cost, "accuracy unknown"));
}

/* ---- a forecast ---- */

typedef struct
{
  const char *technique, *param, *value; /* what of a recipe makes it as fast as @ms */
  double ms;
  double memory;
  double block_0_ms, block_1_ms; /* of the layers of such a recipe */
  double mixed_ms;               /* of a recipe with rules for some layers; 0: as any other */
} Told;

static EngAdviceForecast *
tell (EngModel *model, EngRecipe *recipe, gpointer data)
{
  Told *told = data;
  EngAdviceForecast *forecast = g_new0 (EngAdviceForecast, 1);
  g_autoptr (GVariant) value = eng_recipe_get (recipe, told->technique, told->param, NULL);
  g_autofree char *text = g_variant_print (value, FALSE);
  gboolean hit = g_strcmp0 (text, told->value) == 0;
  int n = (int)eng_model_get_n_layers (model);

  forecast->step_ms[RT_PHASE_PREFILL] = NAN;
  forecast->step_ms[RT_PHASE_INFERENCE] = NAN;
  forecast->step_ms[RT_PHASE_DECODE] = hit ? told->ms : 1.0;
  if (told->mixed_ms > 0 && eng_recipe_n_rules (recipe, "weight-format") > 0)
    forecast->step_ms[RT_PHASE_DECODE] = told->mixed_ms;
  forecast->memory_bytes = hit ? told->memory : 20e6;
  forecast->band = 1.1;
  forecast->layers_ms = g_new (double, n + 2);
  for (int i = 0; i < n + 2; i++)
    forecast->layers_ms[i] = 0.1;
  if (hit && told->block_0_ms > 0)
    {
      forecast->layers_ms[1] = told->block_0_ms;
      forecast->layers_ms[2] = told->block_1_ms;
    }
  return forecast;
}

static void
test_fusion (Fixture *f, gconstpointer data)
{
  Told told = { "fusion", "enabled", "true", 0.8, 19e6 };
  g_autoptr (GPtrArray) advice = NULL;
  const EngAdvice *one;

  f->in.profile = eng_test_profile (waiting + 1, 1, 6, RT_PHASE_DECODE);
  f->in.forecast = tell;
  f->in.forecast_data = &told;
  g_autoptr (GPtrArray) on = eng_advise (&f->in);
  g_assert_null (find (on, "fusion"));
  set_recipe (f, "{\"fusion\": {\"enabled\": false}, \"threads\": {\"count\": 2}}");
  advice = eng_advise (&f->in);
  one = find (advice, "fusion");
  g_assert_nonnull (one);
  g_assert_cmpint (one->basis, ==, ENG_ADVICE_ESTIMATED);
  assert_near (one->gain_frac, 0.2);
  assert_near (one->gain_ms, 0.16); /* of the 0.8 ms that were measured */
  assert_near (one->low_frac, 1 - 0.8 * 1.1);
  assert_near (one->high_frac, 1 - 0.8 / 1.1);
  g_assert_nonnull (strstr (one->gain, "(−20 %, estimated −12 to −27 %)"));
  assert_near (one->memory_bytes, -1e6);
  g_assert_false (one->changes_results);
  g_assert_nonnull (strstr (one->cost, "same results"));
  g_assert_cmpint (eng_recipe_get_int (one->recipe, "fusion", "enabled"), ==, 1);
  /* Only a forecast knows. */
  f->in.forecast = NULL;
  g_autoptr (GPtrArray) blind = eng_advise (&f->in);
  g_assert_null (find (blind, "fusion"));
}

static void
test_wider (Fixture *f, gconstpointer data)
{
  /* Q8_0 everywhere is as fast as Q4_0 as a whole; slower in block 1, faster in block 0. */
  Told told = { "weight-format", "format", "'q8_0'", 1.0, 20e6, 0.06, 0.2, 0.96 };
  const EngAdvice *one;

  set_recipe (f, "{\"threads\": {\"count\": 2}, \"weight-format\": {\"format\": \"q4_0\"}}");
  f->in.profile = eng_test_profile (waiting + 1, 1, 6, RT_PHASE_DECODE);
  f->in.forecast = tell;
  f->in.forecast_data = &told;
  g_autoptr (GPtrArray) advice = eng_advise (&f->in);
  one = find (advice, "widen-weights");
  g_assert_nonnull (one);
  assert_near (one->gain_frac, 0.04);
  g_assert_cmpuint (one->n_layers, ==, 1);
  g_assert_cmpint (one->layers[0], ==, 0);
  assert_format (one, "blk.0.attn_q.weight", "q8_0");
  assert_format (one, "blk.1.attn_q.weight", "q4_0");
  g_assert_cmpstr (one->title, ==, "Wider weights, Q8_0, in Block 0");

  /* No gain as a whole: not said. */
  told.mixed_ms = 1.0;
  g_autoptr (GPtrArray) none = eng_advise (&f->in);
  g_assert_null (find (none, "widen-weights"));
}

static void
test_threads (Fixture *f, gconstpointer data)
{
  EngRoof full = f->roof;
  Told told = { "threads", "count", "1", 0.5, 20e6 };
  const EngAdvice *one;

  full.levels[1].read.value *= 2;
  full.read_bytes_per_s *= 2;
  full.f32_flops *= 4;
  f->in.n_cpus = 4;
  f->in.full_roof = &full;
  f->in.profile = eng_test_profile (waiting, G_N_ELEMENTS (waiting), 6, RT_PHASE_DECODE);
  g_autoptr (GPtrArray) advice = eng_advise (&f->in);
  one = find (advice, "more-threads");
  g_assert_nonnull (one);
  assert_near (one->gain_ms, 0.2 / 2 + 0.8 * 3 / 4);
  g_assert_cmpint (eng_recipe_get_int (one->recipe, "threads", "count"), ==, 4);
  g_assert_cmpstr (one->title, ==, "4 threads instead of 2");

  /* Ten operators of a microsecond, nothing in them: one thread is expected to be faster. */
  EngTestNode tiny[10];
  for (guint i = 0; i < 10; i++)
    tiny[i] = (EngTestNode){ 0, ENG_ARITHMETIC_F32, { 100, 0, 64, 64 }, 1000, NULL, "Add", NULL };
  f->in.n_cpus = 2;
  eng_profile_unref (f->in.profile);
  f->in.profile = eng_test_profile (tiny, 10, 6, RT_PHASE_DECODE);
  g_autoptr (GPtrArray) blind = eng_advise (&f->in);
  g_assert_null (find (blind, "fewer-threads"));
  f->in.forecast = tell;
  f->in.forecast_data = &told;
  g_autoptr (GPtrArray) fewer = eng_advise (&f->in);
  one = find (fewer, "fewer-threads");
  g_assert_nonnull (one);
  assert_near (one->gain_frac, 0.5);
  g_assert_cmpint (eng_recipe_get_int (one->recipe, "threads", "count"), ==, 1);
}

static void
test_cache (Fixture *f, gconstpointer data)
{
  /* 4 MB of keys and values, 0.04 ms at best... from main memory 0.2 ms; took 0.4 of 1.2 ms. */
  static const EngTestNode nodes[] = {
    { 2,
      ENG_ARITHMETIC_F32,
      { 4000000, 0, 4000000, 0 },
      400000,
      "blk.2.attn",
      "Attention",
      "blk.2.attn" },
    { 3, ENG_ARITHMETIC_F32, { 100000000, 0, 500, 500 }, 800000, NULL, NULL, NULL },
  };
  g_autoptr (GPtrArray) advice = NULL;
  const EngAdvice *one;
  EngEstimate estimate = { 0 };

  f->in.profile = eng_test_profile (nodes, 2, 6, RT_PHASE_DECODE);
  for (int layer = -1; layer <= 6; layer++)
    eng_technique_find ("kv-cache")->estimate (f->model, f->recipe, layer, &estimate);
  f->in.profile->info->node_memory[0].kv_bytes = (guint64)estimate.kv_bytes;
  advice = eng_advise (&f->in);
  one = find (advice, "kv-cache");
  g_assert_nonnull (one);
  assert_near (one->gain_ms, 0.4 * (1 - Q8_RATIO));
  g_autofree char *format = eng_recipe_get_string (one->recipe, "kv-cache", "format", NULL);
  g_assert_cmpstr (format, ==, "q8_0");
  set_recipe (f, "{\"kv-cache\": {\"format\": \"q8_0\"}, \"threads\": {\"count\": 2}}");
  g_autoptr (GPtrArray) done = eng_advise (&f->in);
  g_assert_null (find (done, "kv-cache"));
}

static void
test_context (Fixture *f, gconstpointer data)
{
  const EngAdvice *one;

  set_recipe (f, "{\"context\": {\"length\": 512}, \"threads\": {\"count\": 2}}");
  f->in.profile = eng_test_profile (waiting + 1, 1, 6, RT_PHASE_DECODE);
  f->in.n_prompt = 20;
  f->in.n_generated = 30;
  f->in.memory = eng_figure_exact (12e6, "B");
  g_autoptr (GPtrArray) advice = eng_advise (&f->in);
  one = find (advice, "context");
  g_assert_nonnull (one);
  g_assert_cmpint (eng_recipe_get_int (one->recipe, "context", "length"), ==, 256);
  /* 6 blocks, keys and values of 4 heads of 32 in F16, 256 positions fewer. */
  assert_near (one->memory_bytes, -6.0 * 2 * 4 * 32 * 2 * 256);
  assert_near (one->gain_ms, 0);
  f->in.n_generated = 200; /* 220 used of 512: room for twice as many */
  g_autoptr (GPtrArray) none = eng_advise (&f->in);
  g_assert_null (find (none, "context"));
}

static void
test_plan (Fixture *f, gconstpointer data)
{
  const EngAdvice *one;
  g_autoptr (EngBuild) build = NULL;
  RtMemory wasteful, better;

  set_recipe (f, "{\"memory-plan\": {\"planner\": \"none\"}, \"threads\": {\"count\": 2}}");
  build = eng_test_build (f->model,
                          "{\"memory-plan\": {\"planner\": \"none\"}, \"threads\": {\"count\": 2}}",
                          NULL);
  eng_build_get_memory (build, &wasteful);
  f->in.profile = eng_test_profile (waiting + 1, 1, 6, RT_PHASE_DECODE);
  g_autoptr (GPtrArray) without = eng_advise (&f->in);
  g_assert_null (find (without, "memory-plan"));
  f->in.build = build;
  g_autoptr (GPtrArray) advice = eng_advise (&f->in);
  one = find (advice, "memory-plan");
  g_assert_nonnull (one);
  /* What it promises is what the build with that recipe needs. */
  g_autoptr (GError) error = NULL;
  g_autoptr (EngBuild) after = eng_build_new (f->model, one->recipe, NULL, NULL, &error);
  g_assert_no_error (error);
  eng_build_get_memory (after, &better);
  assert_near (one->memory_bytes,
               (double)better.activation_bytes - (double)wasteful.activation_bytes);
}

static void
test_ranking (Fixture *f, gconstpointer data)
{
  /* A quarter of the step in the weights, and a long context: time before memory. */
  set_recipe (f, "{\"context\": {\"length\": 512}, \"threads\": {\"count\": 2}}");
  f->in.profile = eng_test_profile (waiting, 2, 6, RT_PHASE_DECODE);
  f->in.n_prompt = 20;
  f->in.n_generated = 30;
  g_autoptr (GPtrArray) advice = eng_advise (&f->in);
  g_assert_cmpuint (advice->len, ==, 3);
  g_assert_cmpstr (((EngAdvice *)advice->pdata[0])->rule, ==, "narrow-weights");
  g_assert_cmpstr (((EngAdvice *)advice->pdata[1])->rule, ==, "8-bit-weights");
  g_assert_cmpstr (((EngAdvice *)advice->pdata[2])->rule, ==, "context");
  for (guint i = 0; i < advice->len; i++)
    {
      const EngAdvice *one = advice->pdata[i];

      g_assert_true (g_str_has_prefix (one->sentence, one->title));
      g_assert_nonnull (strstr (one->sentence, one->cause));
      g_assert_nonnull (strstr (one->sentence, one->cost));
      g_assert_false (eng_recipe_equal (one->recipe, f->recipe));
    }
  g_autofree char *json = eng_advice_to_json (advice);
  g_assert_nonnull (strstr (json, "\"gain_ms_per_step\""));
}

static void
test_rules (void)
{
  guint n;
  const EngAdviceRuleInfo *rules = eng_advice_rules (&n);

  g_assert_cmpuint (n, >=, 12);
  for (guint i = 0; i < n; i++)
    for (guint k = 0; k < i; k++)
      g_assert_cmpstr (rules[i].id, !=, rules[k].id);
}

static void
put (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, "", 0, NULL));
}

/* Only what calibration can read, and more than one of it. */
static void
test_samples (void)
{
  char *folder = eng_test_directory ();
  const char *inputs[] = { folder, NULL };
  g_autoptr (EngWorkload) workload = eng_workload_new_input (inputs);
  g_autoptr (EngWorkload) random = eng_workload_new_input (NULL);
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_advice_run_free);
  g_autofree char *archive = g_build_filename (folder, "set.tar.gz", NULL);

  put (folder, "a.jpg");
  g_assert_null (eng_advice_find_samples (workload, NULL));
  put (folder, "b.PNG");
  g_autofree char *found = eng_advice_find_samples (workload, NULL);
  g_assert_cmpstr (found, ==, folder);
  put (folder, "COPYRIGHT");
  g_assert_null (eng_advice_find_samples (workload, NULL));
  /* Else what was evaluated on. */
  put (folder, "set.tar.gz");
  add_run (runs, "{}", 0, 1e6, 90);
  ((EngAdviceRun *)g_ptr_array_index (runs, 0))->set = g_strdup (archive);
  g_autofree char *set = eng_advice_find_samples (random, runs);
  g_assert_cmpstr (set, ==, archive);
  eng_test_remove (folder);
}

/* ---- a network ---- */

static void
test_network (void)
{
  g_autofree char *path = eng_test_data_or_skip ("vision/vww/vww_96_float.tflite");
  /* A convolution at half of the float roof: 200 Mop, 1 ms at best, and preparing the input for as
   * long. */
  g_autofree char *samples = NULL;

  if (path == NULL)
    return;
  samples = g_path_get_dirname (path);
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  EngRoof roof = eng_test_round_roof ();
  int n_layers = (int)eng_model_get_n_layers (model);
  const EngTestNode nodes[] = {
    { -1, ENG_ARITHMETIC_F32, { 1000, 0, 5000, 5000 }, 1000000, "front", "Resize", NULL },
    { 0,
      ENG_ARITHMETIC_F32,
      { 200000000, 10000, 10000, 10000 },
      2000000,
      "conv",
      "Convolution",
      NULL },
  };
  g_autoptr (EngProfile) profile = eng_test_profile (nodes, 2, n_layers, RT_PHASE_INFERENCE);
  EngAdviceInput in = {
    .model = model, .recipe = recipe, .profile = profile, .n_threads = 2, .n_cpus = 2, .roof = &roof
  };
  const EngAdvice *one;

  in.step = eng_figure_unavailable ("ms", "");
  in.memory = eng_figure_unavailable ("B", "");
  g_autoptr (GPtrArray) uncalibrated = eng_advise (&in);
  one = find (uncalibrated, "int8");
  g_assert_nonnull (one);
  g_assert_null (one->recipe); /* nothing to calibrate with: says so instead */
  g_assert_nonnull (one->action);
  /* 200 GFLOP/s to 800 Gop/s: a quarter of the time. */
  assert_near (one->gain_ms, 2.0 * 3 / 4);
  one = find (uncalibrated, "smaller-inputs");
  g_assert_nonnull (one);
  g_assert_null (one->recipe);
  assert_near (one->gain_frac, 1.0 / 3);

  in.samples = samples;
  g_autoptr (GPtrArray) advice = eng_advise (&in);
  one = find (advice, "int8");
  g_assert_nonnull (one->recipe);
  g_autofree char *precision = eng_recipe_get_string (one->recipe, "int8", "precision", NULL);
  g_autofree char *calibration = eng_recipe_get_string (one->recipe, "int8", "calibration", NULL);
  g_assert_cmpstr (precision, ==, "int8");
  g_assert_cmpstr (calibration, ==, samples);
  g_assert_true (one == g_ptr_array_index (advice, 0)); /* what can be applied stands first */
  /* Where integers are no faster, it is not advised. */
  roof.int8_ops = roof.f32_flops * 0.5;
  g_autoptr (GPtrArray) slow = eng_advise (&in);
  g_assert_null (find (slow, "int8"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/advice/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("narrow", test_narrow);
  ADD ("narrow-is-quiet", test_narrow_is_quiet);
  ADD ("floats", test_floats);
  ADD ("everything-waits", test_everything_waits);
  ADD ("history", test_history);
  ADD ("loss", test_loss);
  ADD ("fusion", test_fusion);
  ADD ("wider", test_wider);
  ADD ("threads", test_threads);
  ADD ("cache", test_cache);
  ADD ("context", test_context);
  ADD ("plan", test_plan);
  ADD ("ranking", test_ranking);
  g_test_add_func ("/advice/rules", test_rules);
  g_test_add_func ("/advice/samples", test_samples);
  g_test_add_func ("/advice/network", test_network);
  return g_test_run ();
}
