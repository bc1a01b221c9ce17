/* Builds: the same inputs give the same build, a changed layer repacks that layer, formats that do
 * not fit say so, and a saved build gives the same logits. */
#include <math.h>
#include <string.h>

#include "eng-build-private.h"
#include "eng-error.h"
#include "eng-test.h"

static const gint32 prompt[] = { 1, 17, 300, 42, 7, 250, 9, 99, 128, 5 };

static void
check_same_logits (const float *a, const float *b, guint n)
{
  for (guint i = 0; i < n; i++)
    if (memcmp (&a[i], &b[i], sizeof *a) != 0)
      g_error ("logit %u: %.9g and %.9g", i, (double)a[i], (double)b[i]);
}

static void
test_deterministic (void)
{
  g_autofree char *path = eng_test_default_model ();
  g_autoptr (EngModel) one = eng_test_load (path), two = eng_test_load (path);
  g_autoptr (EngBuild) a
      = eng_test_build (one, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (EngBuild) b
      = eng_test_build (two, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (EngBuild) q4
      = eng_test_build (one, "{\"weight-format\": {\"format\": \"q4_0\"}}", NULL);
  g_autoptr (EngBuild) threads
      = eng_test_build (one,
                        "{\"weight-format\": {\"format\": \"q8_0\"}, \"threads\": {\"count\": 1}}",
                        NULL);
  g_autoptr (EngBuild) unfused = eng_test_build (
      one, "{\"weight-format\": {\"format\": \"q8_0\"}, \"fusion\": {\"enabled\": false}}", NULL);

  g_assert_cmpstr (eng_build_get_hash (a), ==, eng_build_get_hash (b));
  g_assert_cmpuint (strlen (eng_build_get_hash (a)), ==, 64);
  g_assert_cmpstr (eng_build_get_hash (a), !=, eng_build_get_hash (q4));
  g_assert_cmpstr (eng_build_get_hash (a), !=, eng_build_get_hash (unfused));
  if (g_get_num_processors () > 1)
    g_assert_cmpstr (eng_build_get_hash (a), !=, eng_build_get_hash (threads));

  /* Neither the number of threads nor fusion changes a result. */
  guint n = rt_exec_n_vocab (eng_build_get_exec (a));
  g_autofree float *la = eng_test_logits (a, prompt, G_N_ELEMENTS (prompt));
  g_autofree float *lb = eng_test_logits (b, prompt, G_N_ELEMENTS (prompt));
  g_autofree float *lt = eng_test_logits (threads, prompt, G_N_ELEMENTS (prompt));
  g_autofree float *lu = eng_test_logits (unfused, prompt, G_N_ELEMENTS (prompt));
  check_same_logits (la, lb, n);
  check_same_logits (la, lt, n);
  check_same_logits (la, lu, n);
}

/* A second executor gives logits of many tokens in one run, with the bits of one token at a time,
 * and leaves the build's own cache alone. */
static void
test_more_executors (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (GError) error = NULL;
  RtError rt_error = { 0 };
  guint n = G_N_ELEMENTS (prompt), n_vocab = rt_exec_n_vocab (eng_build_get_exec (build));
  RtExec *exec
      = eng_build_new_exec (build, &(EngExecOptions){ .n_outputs = n, .n_ctx = 32 }, &error);
  g_assert_no_error (error);

  g_assert_cmpuint (rt_kv_capacity (rt_exec_kv (exec)), ==, 32);
  g_assert_true (rt_exec_run (exec, prompt, n, n, RT_PHASE_PREFILL, &rt_error));
  for (guint i = 0; i < n; i++)
    {
      g_autofree float *one = eng_test_logits (build, prompt, i + 1);
      check_same_logits (one, rt_exec_logits (exec, i), n_vocab);
    }
  g_assert_cmpuint (rt_kv_n_used (rt_exec_kv (eng_build_get_exec (build))), ==, n);
  rt_kv_set_n_used (rt_exec_kv (exec), 30);
  g_assert_false (rt_exec_run (exec, prompt, n, 0, RT_PHASE_PREFILL, &rt_error));
  g_assert_cmpint (rt_error.status, ==, RT_ERROR_RANGE);
  rt_exec_free (exec);
}

/* A plan changes where activations lie, and nothing else. */
static void
test_memory_plans (void)
{
  static const char *const planners[] = { "greedy", "order", "optimal", "none" };
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autofree float *expected = NULL;
  guint64 bytes[G_N_ELEMENTS (planners)];

  for (guint i = 0; i < G_N_ELEMENTS (planners); i++)
    {
      g_autofree char *recipe
          = g_strdup_printf ("{\"memory-plan\": {\"planner\": \"%s\"}}", planners[i]);
      g_autoptr (EngBuild) build = eng_test_build (model, recipe, NULL);
      g_autofree float *logits = eng_test_logits (build, prompt, G_N_ELEMENTS (prompt));
      const RtPlan *plan = rt_exec_plan (eng_build_get_exec (build));
      g_assert_cmpint (plan->planner, ==, (int)i);
      g_assert_cmpuint (plan->arena_bytes, >=, plan->lower_bound_bytes);
      bytes[i] = plan->arena_bytes;
      if (i == 0)
        expected = g_steal_pointer (&logits);
      else
        check_same_logits (expected, logits, rt_exec_n_vocab (eng_build_get_exec (build)));
    }
  g_assert_cmpuint (bytes[2], <=, bytes[0]);
  g_assert_cmpuint (bytes[3], >, bytes[0]);
}

static void
test_reuse (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) a
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (EngBuild) b
      = eng_test_build (model,
                        "{\"weight-format\": {\"format\": \"q8_0\", \"rules\": [{\"match\": "
                        "\"blk.2.attn_k.weight\", \"format\": \"q4_0\"}]}}",
                        a);
  guint n_different = 0;

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      if (eng_build_get_weight (a, tensor) == eng_build_get_weight (b, tensor))
        continue;
      n_different++;
      g_assert_cmpstr (tensor->name, ==, "blk.2.attn_k.weight");
      g_assert_cmpint (eng_build_get_dtype (b, tensor), ==, KN_Q4_0);
    }
  g_assert_cmpuint (n_different, ==, 1);

  /* What is shared outlives the build it came from. */
  g_clear_object (&a);
  g_autofree float *logits = eng_test_logits (b, prompt, G_N_ELEMENTS (prompt));
  g_assert_true (isfinite (logits[0]));
}

static void
test_fit (void)
{
  g_assert_cmpint (eng_fit_dtype (KN_Q4_K, 512), ==, KN_Q4_K);
  g_assert_cmpint (eng_fit_dtype (KN_Q4_K, 576), ==, KN_Q4_1);
  g_assert_cmpint (eng_fit_dtype (KN_Q5_K, 576), ==, KN_Q5_1);
  g_assert_cmpint (eng_fit_dtype (KN_Q6_K, 576), ==, KN_Q8_0);
  g_assert_cmpint (eng_fit_dtype (KN_Q6_K, 172), ==, KN_F16);
  g_assert_cmpint (eng_fit_dtype (KN_Q2_K, 512), ==, KN_Q2_K);
  g_assert_cmpint (eng_fit_dtype (KN_Q2_K, 576), ==, KN_Q2_64);
  g_assert_cmpint (eng_fit_dtype (KN_Q3_K, 576), ==, KN_Q3_64);
  g_assert_cmpint (eng_fit_dtype (KN_TQ1_0, 576), ==, KN_Q2_64);
  g_assert_cmpint (eng_fit_dtype (KN_Q1_64, 576), ==, KN_Q1_64);
  g_assert_cmpint (eng_fit_dtype (KN_Q1_64, 96), ==, KN_Q4_0);
  g_assert_cmpint (eng_fit_dtype (KN_Q1_64, 172), ==, KN_F16);
  g_assert_cmpint (eng_fit_dtype (KN_Q2_K, 96), ==, KN_Q4_0);
  g_assert_cmpint (eng_fit_dtype (KN_Q3_64, 172), ==, KN_F16);
  g_assert_cmpint (eng_fit_dtype (KN_Q4_0, 172), ==, KN_F16);
  g_assert_cmpint (eng_fit_dtype (KN_BF16, 172), ==, KN_BF16);
  g_assert_cmpint (eng_fit_dtype (KN_F32, 1), ==, KN_F32);
}

/* stories260K: feed-forward 172 fills no block of 32, heads of 8 no block either. */
static void
test_notes (void)
{
  g_autofree char *path = eng_test_stories_or_skip ();
  if (path == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autoptr (EngBuild) plain = eng_test_build (model, "{}", NULL);
  g_autoptr (EngBuild) build
      = eng_test_build (model,
                        "{\"weight-format\": {\"format\": \"q8_0\"}, \"kv-cache\": {\"format\": "
                        "\"q8_0\"}, \"context\": {\"length\": 100000}}",
                        NULL);
  guint n_down = 0, n_cache = 0, n_context = 0;

  g_assert_null (eng_build_get_notes (plain)[0]);
  for (const char *const *note = eng_build_get_notes (build); *note != NULL; note++)
    {
      n_down
          += strstr (*note,
                     "ffn_down.weight: rows of 172 do not fill blocks of 32: F16 instead of Q8_0")
             != NULL;
      n_cache
          += strstr (*note, "F16 instead of Q8_0") != NULL && strstr (*note, "heads of 8") != NULL;
      n_context += strstr (*note, "512 tokens instead of 100000") != NULL;
    }
  g_assert_cmpuint (n_down, ==, 5);
  g_assert_cmpuint (n_cache, ==, 1);
  g_assert_cmpuint (n_context, ==, 1);
  g_assert_cmpuint (g_strv_length ((GStrv)eng_build_get_notes (build)), ==, 7);
  g_assert_cmpuint (eng_build_get_n_ctx (build), ==, 512);
}

static void
test_memory (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q4_0\"}}", NULL);
  int n_layers = (int)eng_model_get_n_layers (model);
  guint64 weights = 0, kv = 0, nodes = 0, peak = 0;
  RtMemory memory;

  eng_build_get_memory (build, &memory);
  for (int layer = -1; layer <= n_layers; layer++)
    {
      EngLayerMemory bytes;
      eng_build_get_layer_memory (build, layer, &bytes);
      weights += bytes.weight_bytes;
      kv += bytes.kv_bytes;
      peak = MAX (peak, bytes.activation_bytes);
    }
  for (guint i = 0; i < rt_graph_n_nodes (eng_build_get_graph (build)); i++)
    {
      EngLayerMemory bytes;
      eng_build_get_node_memory (build, i, &bytes);
      nodes += bytes.weight_bytes;
    }
  /* Layers add up to the whole, and nodes, too. */
  g_assert_cmpuint (weights, ==, memory.weight_bytes);
  g_assert_cmpuint (nodes, ==, memory.weight_bytes);
  g_assert_cmpuint (kv, ==, memory.kv_bytes);
  g_assert_cmpuint (peak, >, 0);
  g_assert_cmpuint (peak, <=, memory.activation_bytes);
}

/* ---- Saving ---- */

static void
check_saved (EngModel *model, const char *techniques, guint32 file_type)
{
  char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "build.gguf", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngBuild) build = eng_test_build (model, techniques, NULL);

  g_assert_true (eng_build_save (build, path, NULL, &error));
  g_assert_no_error (error);
  {
    g_autoptr (EngModel) saved = eng_test_load (path);
    g_autoptr (EngRecipe) start = eng_build_saved_recipe (saved, &error);
    g_autoptr (EngBuild) again = eng_build_new (saved, start, NULL, NULL, &error);
    g_assert_no_error (error);
    const RtGguf *gguf = eng_model_get_gguf (saved);
    guint64 value;
    RtSlice slice;

    g_autofree float *a = eng_test_logits (build, prompt, G_N_ELEMENTS (prompt));
    g_autofree float *b = eng_test_logits (again, prompt, G_N_ELEMENTS (prompt));
    check_same_logits (a, b, rt_exec_n_vocab (eng_build_get_exec (build)));
    for (guint i = 0; i < eng_model_get_n_tensors (saved); i++)
      g_assert_cmpint (eng_model_get_tensor (saved, i)->dtype, ==,
                       eng_build_get_dtype (build, eng_model_get_tensor (model, i)));

    g_assert_true (rt_gguf_get_u64 (gguf, "general.file_type", &value));
    g_assert_cmpuint (value, ==, file_type);
    g_assert_true (rt_gguf_get_string (gguf, "lathe.build_hash", &slice));
    g_assert_true (rt_slice_equals (slice, eng_build_get_hash (build)));
    g_assert_true (rt_gguf_get_string (gguf, "lathe.recipe", &slice));
    g_autofree char *json = g_strndup (slice.data, slice.length);
    g_autoptr (EngRecipe) recipe = eng_recipe_from_json (json, &error);
    g_assert_no_error (error);
    g_assert_true (eng_recipe_equal (recipe, eng_build_get_recipe (build)));
    g_assert_nonnull (eng_model_get_tokenizer (saved));

    /* What the tensors hold is not done again; the rest of the recipe is. */
    g_autoptr (EngRecipe) rest = eng_build_saved_recipe (saved, &error);
    g_assert_no_error (error);
    g_autofree char *format = eng_recipe_get_string (rest, "weight-format", "format", NULL);
    g_autofree char *cache = eng_recipe_get_string (rest, "kv-cache", "format", NULL);
    g_autofree char *cache_before = eng_recipe_get_string (recipe, "kv-cache", "format", NULL);
    g_assert_cmpstr (format, ==, "source");
    g_assert_cmpuint (eng_recipe_n_rules (rest, "weight-format"), ==, 0);
    g_assert_cmpstr (cache, ==, cache_before);
    g_assert_cmpuint (rt_gguf_n_tensors (gguf), ==, rt_gguf_n_tensors (eng_model_get_gguf (model)));

    /* A saved build can be saved again: its own keys are replaced, not doubled. */
    g_autofree char *twice = g_build_filename (directory, "twice.gguf", NULL);
    g_assert_true (eng_build_save (again, twice, NULL, &error));
    g_assert_no_error (error);
    /* but not over the file that is mapped */
    g_assert_false (eng_build_save (again, path, NULL, &error));
    g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
  }
  eng_test_remove (directory);
}

static void
test_save (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();

  check_saved (model, "{}", 1);
  check_saved (model,
               "{\"weight-format\": {\"format\": \"q8_0\"}, \"kv-cache\": {\"format\": \"q8_0\"}}",
               7);
  check_saved (model,
               "{\"weight-format\": {\"format\": \"q4_k\", \"rules\": [{\"match\": "
               "\"token_embd.weight\", \"format\": \"q6_k\"}]}}",
               14);
}

static void
test_save_fails (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);

  g_assert_false (eng_build_save (build, "/nonexistent/folder/build.gguf", NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_IO);
  g_clear_error (&error);

  char *directory = eng_test_directory ();
  g_autofree char *target = g_build_filename (directory, "build.gguf", NULL);
  g_autoptr (EngJob) job = eng_job_new ("Saving");
  eng_job_cancel (job);
  g_assert_false (eng_build_save (build, target, job, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  g_assert_null (g_dir_read_name (dir)); /* no half of a file */
  eng_test_remove (directory);
}

/* ---- Cancelling ---- */

/* Cancels as soon as packing has begun. */
static gpointer
cancel_when_packing (gpointer job)
{
  for (;;)
    {
      g_autofree char *stage = eng_job_dup_stage (job);
      if (g_strcmp0 (stage, "Packing weights") == 0 || eng_job_get_done (job))
        break;
      g_usleep (20);
    }
  eng_job_cancel (job);
  return NULL;
}

static void
test_cancel (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe ("{\"weight-format\": {\"format\": \"q4_k\"}}");
  g_autoptr (GError) error = NULL;

  g_autoptr (EngJob) before = eng_job_new ("Cancelled before it begins");
  eng_job_cancel (before);
  g_assert_null (eng_build_new (model, recipe, NULL, before, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  g_autoptr (EngJob) during = eng_job_new ("Cancelled while it packs");
  GThread *thread = g_thread_new ("canceller", cancel_when_packing, during);
  EngBuild *build = eng_build_new (model, recipe, NULL, during, &error);
  g_thread_join (thread);
  g_assert_null (build);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpfloat (eng_job_get_progress (during), <, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/build/more-executors", test_more_executors);
  g_test_add_func ("/build/deterministic", test_deterministic);
  g_test_add_func ("/build/memory-plans", test_memory_plans);
  g_test_add_func ("/build/reuse", test_reuse);
  g_test_add_func ("/build/fit", test_fit);
  g_test_add_func ("/build/notes", test_notes);
  g_test_add_func ("/build/memory", test_memory);
  g_test_add_func ("/build/save", test_save);
  g_test_add_func ("/build/save-fails", test_save_fails);
  g_test_add_func ("/build/cancel", test_cancel);
  return g_test_run ();
}
