/* The executor on whole models: the same bits for every number of threads, instruction set, fusion
 * and way of feeding; the cache; errors that change nothing; cancelling; traces. Models with random
 * weights cover the shapes, stories260K and the embedded default are real. */
#include <glib.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "random-model.h"
#include "rt-model.h"

#define N_TOKENS 150 /* more than one chunk of the cache */
#define N_VOCAB 80

static const RandomModel small = { .n_layers = 3,
                                   .n_embd = 96,
                                   .n_ff = 160,
                                   .n_heads = 6,
                                   .n_kv_heads = 2,
                                   .head_dim = 32,
                                   .n_vocab = N_VOCAB,
                                   .dtype = KN_F32 };

/* A model file that goes away with the test. */
typedef struct
{
  char *path;
} ModelFile;

static ModelFile
make_file (const RandomModel *shape, uint64_t seed)
{
  RtError error = { 0 };
  ModelFile file = { random_model_write (shape, seed, &error) };
  g_assert_cmpstr (error.message, ==, "");
  g_assert_nonnull (file.path);
  return file;
}

static void
drop_file (ModelFile *file)
{
  unlink (file->path);
  free (file->path);
}

static void
open_model (RtModel *model, const RtModelConfig *config)
{
  RtError error = { 0 };
  if (!rt_model_open (model, config, &error))
    g_error ("%s", error.message);
}

static void
make_tokens (int32_t *tokens, uint32_t n, uint32_t n_vocab)
{
  for (uint32_t i = 0; i < n; i++)
    tokens[i] = (int32_t)((i * 31 + i * i * 7 + 3) % n_vocab);
}

/* Logits of all of N_TOKENS positions [N_TOKENS, n_vocab], fed in runs of @batch. */
static float *
all_logits (const RtModelConfig *config, uint32_t batch)
{
  RtModelConfig c = *config;
  RtModel model;
  RtError error = { 0 };
  int32_t tokens[N_TOKENS];

  c.max_tokens = c.max_outputs = N_TOKENS;
  open_model (&model, &c);
  uint32_t n_vocab = rt_exec_n_vocab (model.exec);
  float *logits = g_new (float, N_TOKENS *n_vocab);
  make_tokens (tokens, N_TOKENS, n_vocab);

  for (uint32_t at = 0; at < N_TOKENS; at += batch)
    {
      uint32_t n = MIN (batch, N_TOKENS - at);
      if (!rt_exec_run (model.exec, tokens + at, n, n, RT_PHASE_PREFILL, &error))
        g_error ("%s", error.message);
      for (uint32_t i = 0; i < n; i++)
        memcpy (logits + (at + i) * n_vocab, rt_exec_logits (model.exec, i),
                n_vocab * sizeof *logits);
    }
  g_assert_cmpuint (rt_kv_n_used (rt_exec_kv (model.exec)), ==, N_TOKENS);
  rt_model_close (&model);
  return logits;
}

static void
assert_same_bits (const float *a, const float *b, uint32_t n_vocab, const char *what)
{
  if (memcmp (a, b, N_TOKENS * n_vocab * sizeof *a) == 0)
    return;
  for (uint32_t i = 0; i < N_TOKENS * n_vocab; i++)
    if (memcmp (&a[i], &b[i], sizeof *a) != 0)
      g_error ("%s: position %u, token %u: %.9g and %.9g", what, i / n_vocab, i % n_vocab, a[i],
               b[i]);
}

static void
assert_finite_and_varied (const float *logits, uint32_t n)
{
  float low = logits[0], high = logits[0];
  for (uint32_t i = 0; i < n; i++)
    {
      g_assert_true (isfinite (logits[i]));
      low = MIN (low, logits[i]);
      high = MAX (high, logits[i]);
    }
  g_assert_cmpfloat (high - low, >, 0.1f);
}

/* One thread, all tokens in one run, unfused, plain C: everything else must give the same bits. */
static void
check_variants (const RtModelConfig *config, uint32_t n_vocab)
{
  static const uint32_t threads[] = { 2, 3, 8 }, batches[] = { 1, 7, 64 };
  RtModelConfig c = *config;

  c.n_threads = 1;
  c.fusions = 0;
  c.kernels = kn_table_for_level (KN_LEVEL_C);
  g_autofree float *expected = all_logits (&c, N_TOKENS);
  assert_finite_and_varied (expected, N_TOKENS * n_vocab);

  for (int level = KN_LEVEL_C + 1; level < KN_N_LEVELS; level++)
    if (kn_table_for_level (level) != NULL)
      {
        c.kernels = kn_table_for_level (level);
        g_autofree float *got = all_logits (&c, N_TOKENS);
        assert_same_bits (expected, got, n_vocab, kn_level_name (level));
      }
  c.kernels = NULL;
  for (uint32_t bit = 1; bit <= RT_FUSE_ALL; bit = bit == RT_FUSE_ALL      ? bit + 1
                                                   : 2 * bit > RT_FUSE_ALL ? RT_FUSE_ALL
                                                                           : 2 * bit)
    {
      c.fusions = bit;
      g_autofree float *got = all_logits (&c, N_TOKENS);
      g_autofree char *what = g_strdup_printf ("fusions %#x", bit);
      assert_same_bits (expected, got, n_vocab, what);
    }
  c.fusions = RT_FUSE_ALL;
  for (size_t i = 0; i < G_N_ELEMENTS (threads); i++)
    {
      c.n_threads = threads[i];
      g_autofree float *got = all_logits (&c, N_TOKENS);
      g_autofree char *what = g_strdup_printf ("%u threads", threads[i]);
      assert_same_bits (expected, got, n_vocab, what);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (batches); i++)
    {
      c.n_threads = 2;
      g_autofree float *got = all_logits (&c, batches[i]);
      g_autofree char *what = g_strdup_printf ("in runs of %u", batches[i]);
      assert_same_bits (expected, got, n_vocab, what);
    }
}

static void
check_model (const RandomModel *shape, int format, KnDtype kv_format)
{
  ModelFile file = make_file (shape, 1);
  check_variants (&(RtModelConfig){ .path = file.path, .format = format, .kv_format = kv_format },
                  shape->n_vocab);
  drop_file (&file);
}

static void
test_same_bits_f32 (void)
{
  check_model (&small, KN_F32, KN_F32);
}

static void
test_same_bits_formats (void)
{
  static const KnDtype formats[] = { KN_F16, KN_BF16, KN_Q8_0, KN_Q4_0, KN_Q4_1, KN_Q5_0, KN_Q5_1,
                                    KN_W8A8, KN_W4A8 };
  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++)
    check_model (&small, (int)formats[i], KN_F16);
}

static void
test_same_bits_k_formats (void)
{
  static const KnDtype formats[] = { KN_Q4_K, KN_Q5_K, KN_Q6_K };
  RandomModel shape = small;
  shape.n_layers = 1;
  shape.n_embd = 256;
  shape.n_ff = 512;
  shape.head_dim = 64;
  shape.n_heads = 4;
  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++)
    check_model (&shape, (int)formats[i], KN_Q8_0);
}

/* The parts that other architectures add. */
static void
test_same_bits_architectures (void)
{
  RandomModel qwen2 = small, qwen3 = small, gemma2 = small, gemma3 = small;
  qwen2.arch = "qwen2";
  qwen2.qkv_bias = true;
  qwen3.arch = "qwen3";
  qwen3.head_norms = true;
  gemma2.arch = "gemma2";
  gemma2.post_norms = gemma2.tied = true;
  gemma2.window = 40;
  gemma2.attention_softcap = 5;
  gemma2.logit_softcap = 3;
  gemma3.arch = "gemma3";
  gemma3.head_norms = gemma3.post_norms = gemma3.tied = true;
  gemma3.n_layers = 7; /* the sixth is global */
  gemma3.window = 130;

  check_model (&qwen2, KN_Q8_0, KN_F16);
  check_model (&qwen3, KN_Q8_0, KN_F16);
  check_model (&gemma2, KN_Q8_0, KN_F32);
  check_model (&gemma3, KN_Q8_0, KN_F16);
}

/* Sizes that fit nothing: no multiple of 16 anywhere, one head, factors of the frequencies. */
static void
test_same_bits_odd_sizes (void)
{
  RandomModel odd = { .n_layers = 2,
                      .n_embd = 50,
                      .n_ff = 37,
                      .n_heads = 3,
                      .n_kv_heads = 3,
                      .head_dim = 18,
                      .n_vocab = 77,
                      .dtype = KN_F32,
                      .rope_factors = true,
                      .scaling_type = "linear",
                      .tied = true };
  check_model (&odd, KN_F16, KN_F32);
  check_model (&odd, KN_F32, KN_F16);
}

/* A real model. Its feed-forward rows of 172 fit no block of 32. */
static void
test_same_bits_stories (void)
{
  const char *folder = g_getenv ("LATHE_TEST_DATA"), *root = g_getenv ("LATHE_SOURCE_ROOT");
  g_autofree char *path = folder != NULL
                              ? g_build_filename (folder, "llm", "stories260K-f32.gguf", NULL)
                              : g_build_filename (root != NULL ? root : ".", "..", "shared",
                                                  "models", "llm", "stories260K-f32.gguf", NULL);
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("stories260K-f32.gguf is not there (LATHE_TEST_DATA names the folder)");
      return;
    }
  check_variants (&(RtModelConfig){ .path = path, .format = -1, .kv_format = KN_F16 }, 512);
  check_variants (&(RtModelConfig){ .path = path, .format = KN_Q4_0, .kv_format = KN_F16 }, 512);

  RtModel model;
  open_model (&model, &(RtModelConfig){ .path = path, .format = KN_Q4_0, .kv_format = KN_F16 });
  g_assert_cmpuint (model.n_fallbacks, ==, 5);
  rt_model_close (&model);
}

/* ---- against the references of all operators ---- */

static void
test_reference (void)
{
  RandomModel shape = small;
  shape.n_layers = 2;
  ModelFile file = make_file (&shape, 3);
  static const int formats[] = { KN_F32, KN_Q8_0, KN_Q4_1 };

  for (size_t f = 0; f < G_N_ELEMENTS (formats); f++)
    for (uint32_t fusions = 0; fusions <= RT_FUSE_ALL; fusions += RT_FUSE_ALL)
      {
        RtModelConfig c = { .path = file.path,
                            .format = formats[f],
                            .kv_format = KN_F32,
                            .n_threads = 2,
                            .fusions = fusions };
        g_autofree float *got = all_logits (&c, 50);
        c.use_reference = true;
        g_autofree float *expected = all_logits (&c, 50);
        double worst = 0;
        for (uint32_t i = 0; i < N_TOKENS * N_VOCAB; i++)
          worst = MAX (worst, fabs ((double)got[i] - expected[i]));
        g_test_message ("%s, fusions %#x: largest difference %.3g",
                        kn_dtype_info (formats[f])->name, fusions, worst);
        /* A code that rounds the other way moves an activation by 1/127 of its group's largest. */
        g_assert_cmpfloat (worst, <, formats[f] == KN_F32 ? 2e-4 : 0.2);
        g_assert_cmpfloat (worst, >, 0);
      }
  drop_file (&file);
}

/* ---- the cache ---- */

static void
test_truncate_and_continue (void)
{
  ModelFile file = make_file (&small, 5);
  RtModel model;
  RtError error = { 0 };
  int32_t tokens[N_TOKENS];
  float first[N_VOCAB];

  open_model (&model, &(RtModelConfig){ .path = file.path,
                                        .format = -1,
                                        .n_threads = 2,
                                        .fusions = RT_FUSE_ALL,
                                        .max_tokens = 150 });
  RtKv *kv = rt_exec_kv (model.exec);
  make_tokens (tokens, N_TOKENS, N_VOCAB);

  g_assert_true (rt_exec_run (model.exec, tokens, 140, 0, RT_PHASE_PREFILL, &error));
  g_assert_true (rt_exec_run (model.exec, tokens + 140, 10, 1, RT_PHASE_PREFILL, &error));
  memcpy (first, rt_exec_logits (model.exec, 0), sizeof first);

  /* Back to 100, other tokens, back again: the rest of the cache must not matter. */
  rt_kv_set_n_used (kv, 100);
  g_assert_true (rt_exec_run (model.exec, tokens, 45, 1, RT_PHASE_PREFILL, &error));
  g_assert_cmpint (memcmp (first, rt_exec_logits (model.exec, 0), sizeof first), !=, 0);
  rt_kv_set_n_used (kv, 100);
  g_assert_true (rt_exec_run (model.exec, tokens + 100, 50, 1, RT_PHASE_PREFILL, &error));
  g_assert_cmpuint (rt_kv_n_used (kv), ==, 150);
  g_assert_cmpmem (first, sizeof first, rt_exec_logits (model.exec, 0), sizeof first);

  rt_model_close (&model);
  drop_file (&file);
}

static void
assert_error (RtModel *model, const int32_t *tokens, uint32_t n, uint32_t n_out, const char *text)
{
  RtError error = { 0 };
  uint32_t n_used = rt_kv_n_used (rt_exec_kv (model->exec));

  g_assert_false (rt_exec_run (model->exec, tokens, n, n_out, RT_PHASE_PREFILL, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_RANGE);
  if (strstr (error.message, text) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error.message, text);
  g_assert_cmpuint (rt_kv_n_used (rt_exec_kv (model->exec)), ==, n_used);
}

static void
test_range_errors (void)
{
  ModelFile file = make_file (&small, 6);
  RtModel model;
  RtError error = { 0 };
  int32_t tokens[64];

  open_model (&model, &(RtModelConfig){ .path = file.path,
                                        .format = -1,
                                        .max_tokens = 30,
                                        .max_outputs = 2,
                                        .kv_capacity = 40 });
  make_tokens (tokens, 64, N_VOCAB);
  g_assert_cmpuint (rt_kv_capacity (rt_exec_kv (model.exec)), ==, 48);
  assert_error (&model, tokens, 31, 1, "1 to 30 tokens");
  assert_error (&model, tokens, 0, 0, "got 0");
  assert_error (&model, tokens, 3, 3, "2 were planned");
  assert_error (&model, tokens, 1, 2, "1 tokens are fed");
  g_assert_true (rt_exec_run (model.exec, tokens, 30, 1, RT_PHASE_PREFILL, &error));
  assert_error (&model, tokens, 19, 1, "context is full: 30 of 48");
  g_assert_true (rt_exec_run (model.exec, tokens, 18, 2, RT_PHASE_PREFILL, &error));
  assert_error (&model, tokens, 1, 1, "context is full: 48 of 48");

  rt_kv_set_n_used (rt_exec_kv (model.exec), 0);
  tokens[1] = N_VOCAB;
  assert_error (&model, tokens, 2, 1, "Token 1 is 80");
  tokens[1] = -1;
  assert_error (&model, tokens, 2, 1, "Token 1 is -1");

  rt_model_close (&model);
  drop_file (&file);
}

static void
test_creation_errors (void)
{
  ModelFile file = make_file (&small, 7);
  RtModel model;
  RtError error = { 0 };

  /* Q8_0 caches need heads of whole blocks; here the format is not one that a cache can have. */
  g_assert_false (
      rt_model_open (&model,
                     &(RtModelConfig){ .path = file.path, .format = -1, .kv_format = KN_Q5_0 },
                     &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error.message, "Q5_0"));
  rt_model_close (&model);

  /* A context that no machine has. */
  g_assert_false (rt_model_open (&model,
                                 &(RtModelConfig){ .path = file.path,
                                                   .format = -1,
                                                   .kv_capacity = UINT32_MAX - 100 },
                                 &error));
  g_assert_true (error.status == RT_ERROR_MEMORY || error.status == RT_ERROR_UNSUPPORTED);
  rt_model_close (&model);

  /* Weights that are not there. */
  open_model (&model, &(RtModelConfig){ .path = file.path, .format = -1 });
  RtExecConfig config = { .graph = model.graph,
                          .pool = model.pool,
                          .max_symbols = { 8, 1 },
                          .kv_format = KN_F16,
                          .kv_capacity = 64 };
  g_assert_null (rt_exec_new (&config, &error));
  g_assert_nonnull (strstr (error.message, "attn_q.weight is not packed"));
  config.weights = model.weights;
  config.kv_capacity = 0;
  g_assert_null (rt_exec_new (&config, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_RANGE);
  rt_model_close (&model);
  drop_file (&file);
}

/* ---- cancelling ---- */

static void *
cancel_soon (void *data)
{
  usleep (3000);
  rt_exec_cancel (data);
  return NULL;
}

static void
test_cancel (void)
{
  RandomModel shape = small;
  shape.n_layers = 40;
  shape.n_embd = shape.n_ff = 256;
  ModelFile file = make_file (&shape, 8);
  RtModel model;
  int32_t tokens[N_TOKENS];
  bool was_cancelled = false;

  open_model (&model, &(RtModelConfig){ .path = file.path,
                                        .format = -1,
                                        .n_threads = 2,
                                        .max_tokens = N_TOKENS,
                                        .kernels = kn_table_for_level (KN_LEVEL_C) });
  make_tokens (tokens, N_TOKENS, N_VOCAB);
  rt_exec_set_tracing (model.exec, true);
  for (int i = 0; i < 20 && !was_cancelled; i++)
    {
      RtError error = { 0 };
      pthread_t thread;
      rt_kv_set_n_used (rt_exec_kv (model.exec), 4);
      pthread_create (&thread, NULL, cancel_soon, model.exec);
      bool ok = rt_exec_run (model.exec, tokens, N_TOKENS, 1, RT_PHASE_PREFILL, &error);
      pthread_join (thread, NULL);
      if (ok)
        continue;
      was_cancelled = true;
      g_assert_cmpint (error.status, ==, RT_ERROR_CANCELLED);
      g_assert_cmpuint (rt_kv_n_used (rt_exec_kv (model.exec)), ==, 4);
      /* And the next run is not. */
      g_assert_true (rt_exec_run (model.exec, tokens, 1, 1, RT_PHASE_DECODE, &error));
    }
  g_assert_true (was_cancelled);
  rt_model_close (&model);
  drop_file (&file);
}

/* ---- traces ---- */

/* @slow_clock: traced before the processor's counter is calibrated. */
static void
check_trace (bool slow_clock)
{
  const uint64_t slack_ns = slow_clock ? 0 : 2000;
  ModelFile file = make_file (&small, 9);
  RtModel model;
  RtError error = { 0 };
  int32_t tokens[N_TOKENS];
  static RtTraceRecord records[4096];

  open_model (&model,
              &(RtModelConfig){
                  .path = file.path, .format = KN_Q8_0, .n_threads = 2, .fusions = RT_FUSE_ALL });
  uint32_t n_nodes = rt_graph_n_nodes (model.graph);
  make_tokens (tokens, N_TOKENS, N_VOCAB);
  g_assert_true (rt_exec_run (model.exec, tokens, 5, 1, RT_PHASE_PREFILL, &error));
  rt_exec_set_tracing (model.exec, true);
  if (!slow_clock)
    usleep (25000);
  uint64_t before_ns = rt_now_ns ();
  g_assert_true (rt_exec_run (model.exec, tokens, 100, 1, RT_PHASE_PREFILL, &error));
  g_assert_true (rt_exec_run (model.exec, tokens, 1, 1, RT_PHASE_DECODE, &error));
  uint64_t after_ns = rt_now_ns ();
  rt_exec_set_tracing (model.exec, false);
  g_assert_true (rt_exec_run (model.exec, tokens, 1, 1, RT_PHASE_DECODE, &error));

  g_autofree uint32_t *n_seen = g_new0 (uint32_t, 2 * n_nodes);
  for (uint32_t thread = 0; thread < 2; thread++)
    {
      uint64_t n_lost = 0, last_ns = 0;
      size_t n = rt_trace_ring_read (rt_exec_trace (model.exec, thread), records, 4096, &n_lost);
      g_assert_cmpuint (n_lost, ==, 0);
      for (size_t i = 0; i < n; i++)
        {
          const RtTraceRecord *r = &records[i];
          g_assert_cmpuint (r->thread, ==, thread);
          g_assert_cmpuint (r->node, <, n_nodes);
          g_assert_true (r->step == 1 || r->step == 2);
          g_assert_cmpuint (r->phase, ==, r->step == 1 ? RT_PHASE_PREFILL : RT_PHASE_DECODE);
          g_assert_cmpuint (r->n_tokens, ==, r->step == 1 ? 100 : 1);
          g_assert_cmpuint (before_ns, <=, r->start_ns + slack_ns);
          g_assert_cmpuint (r->start_ns, <=, r->work_ns);
          g_assert_cmpuint (r->work_ns, <=, r->end_ns);
          g_assert_cmpuint (r->end_ns, <=, after_ns + slack_ns);
          g_assert_cmpuint (last_ns, <=, r->start_ns);
          last_ns = r->start_ns;
          n_seen[(r->step - 1) * n_nodes + r->node]++;
        }
    }
  for (uint32_t i = 0; i < 2 * n_nodes; i++)
    g_assert_cmpuint (n_seen[i], >=, 1);
  g_assert_cmpuint (rt_exec_step (model.exec), ==, 4);
  g_assert_null (rt_exec_trace (model.exec, 2));
  rt_model_close (&model);
  drop_file (&file);
}

static void
test_trace (void)
{
  check_trace (true);
  check_trace (false);
}

/* ---- costs and memory ---- */

static void
test_cost_and_memory (void)
{
  ModelFile file = make_file (&small, 10);
  RtModel model;
  RtMemory memory;
  RtCost cost;

  open_model (&model, &(RtModelConfig){ .path = file.path,
                                        .format = KN_Q8_0,
                                        .fusions = RT_FUSE_ALL,
                                        .kv_format = KN_F16,
                                        .kv_capacity = 64 });
  uint64_t packed = 0;
  for (RtValueId id = 0; id < rt_graph_n_values (model.graph); id++)
    packed += model.weights[id] != NULL ? rt_weight_bytes (model.weights[id]) : 0;
  rt_exec_memory (model.exec, &memory);
  g_assert_cmpuint (memory.weight_bytes, >, packed);
  g_assert_cmpuint (memory.weight_bytes, <, packed + 7 * 96 * 4 + 4096);
  g_assert_cmpuint (memory.kv_bytes, ==, 3 * 2 * 2 * 64 * 32 * 2);
  g_assert_cmpuint (memory.activation_bytes, ==, rt_exec_plan (model.exec)->arena_bytes);

  /* The output product: 80 x 96 weights, one row. */
  RtNodeId output = rt_graph_find_node (model.graph, "output");
  rt_exec_cost (model.exec, output, 5, 0, &cost);
  g_assert_cmpuint (cost.flops, ==, 2 * 80 * 96);
  g_assert_cmpuint (cost.weight_bytes, ==, rt_weight_packed_bytes (KN_Q8_0, 80, 96));
  g_assert_cmpuint (cost.write_bytes, ==, 80 * 4);

  /* Attention of 2 tokens at position 10: 11 + 12 scores and as many weighted values per head. */
  RtNodeId attn = rt_graph_find_node (model.graph, "blk.0.attn");
  rt_exec_cost (model.exec, attn, 2, 10, &cost);
  g_assert_cmpuint (cost.flops, ==, 4 * (11 + 12) * 6 * 32);
  rt_model_close (&model);
  drop_file (&file);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/exec/same-bits/f32", test_same_bits_f32);
  g_test_add_func ("/exec/same-bits/formats", test_same_bits_formats);
  g_test_add_func ("/exec/same-bits/k-formats", test_same_bits_k_formats);
  g_test_add_func ("/exec/same-bits/architectures", test_same_bits_architectures);
  g_test_add_func ("/exec/same-bits/odd-sizes", test_same_bits_odd_sizes);
  g_test_add_func ("/exec/same-bits/stories", test_same_bits_stories);
  g_test_add_func ("/exec/reference", test_reference);
  g_test_add_func ("/exec/truncate-and-continue", test_truncate_and_continue);
  g_test_add_func ("/exec/range-errors", test_range_errors);
  g_test_add_func ("/exec/creation-errors", test_creation_errors);
  g_test_add_func ("/exec/cancel", test_cancel);
  g_test_add_func ("/exec/trace", test_trace);
  g_test_add_func ("/exec/cost-and-memory", test_cost_and_memory);
  return g_test_run ();
}
