/* The runtime on a board: libc only, so that it also runs in cross builds under an emulator, and
 * quick enough for ThreadSanitizer. Whole models with random weights, over formats and cache
 * formats: the plain C kernels on one thread say what every instruction set of this machine must
 * give, bit for bit, with any number of threads, fused or not, in one run or token by token,
 * traced, counted or neither. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "random-model.h"
#include "rt-model.h"

#define N_TOKENS 40
#define MAX_VOCAB 80

typedef struct
{
  const char *name;
  RandomModel shape;
  int format;
  KnDtype kv_format;
} Subject;

#define LLAMA(embd, ff, heads, kv_heads, dim)                                                      \
  {                                                                                                \
    .n_layers = 2, .n_embd = embd, .n_ff = ff, .n_heads = heads, .n_kv_heads = kv_heads,           \
    .head_dim = dim, .n_vocab = 70, .dtype = KN_F32                                                \
  }

static const Subject subjects[] = {
  { "F32", LLAMA (64, 96, 4, 2, 16), KN_F32, KN_F32 },
  { "F16", LLAMA (96, 64, 3, 1, 32), KN_F16, KN_F16 },
  { "BF16, odd sizes", LLAMA (50, 37, 3, 3, 18), KN_BF16, KN_F16 },
  { "Q8_0", LLAMA (96, 160, 6, 2, 32), KN_Q8_0, KN_Q8_0 },
  { "Q4_0", LLAMA (96, 160, 3, 3, 32), KN_Q4_0, KN_F16 },
  { "Q4_1", LLAMA (64, 96, 4, 1, 32), KN_Q4_1, KN_Q4_0 },
  { "Q4_K", LLAMA (256, 256, 4, 2, 64), KN_Q4_K, KN_Q8_0 },
  { "Q6_K", LLAMA (256, 256, 4, 2, 64), KN_Q6_K, KN_KV_Q4_HEAD },
};

static int n_tests, n_failed;

static void
report (int ok, const char *what, const char *detail)
{
  printf ("%sok %d - %s%s%s\n", ok ? "" : "not ", ++n_tests, what, *detail ? ": " : "", detail);
  n_failed += !ok;
}

typedef struct
{
  const KnTable *kernels;
  uint32_t n_threads, fusions, batch;
  enum
  {
    QUIET,
    TRACED,
    COUNTED
  } watched;
} Way;

/* Logits of all positions; false with the reason in @error. */
static bool
run_model (const Subject *subject, const char *path, const Way *way, float *logits, RtError *error)
{
  RtModel model;
  bool ok = rt_model_open (&model,
                           &(RtModelConfig){ .path = path,
                                             .format = subject->format,
                                             .kv_format = subject->kv_format,
                                             .n_threads = way->n_threads,
                                             .fusions = way->fusions,
                                             .kernels = way->kernels,
                                             .max_tokens = N_TOKENS,
                                             .max_outputs = N_TOKENS },
                           error);
  if (ok)
    rt_exec_set_tracing (model.exec, way->watched == TRACED);
  /* Where the kernel has no counters (an emulator, a sandbox) the run is a quiet one. */
  bool counted = ok && way->watched == COUNTED
                 && rt_exec_count_begin (model.exec, RT_COUNTERS_SOFTWARE, NULL);

  for (uint32_t at = 0; ok && at < N_TOKENS; at += way->batch)
    {
      int32_t tokens[N_TOKENS];
      uint32_t n = N_TOKENS - at < way->batch ? N_TOKENS - at : way->batch;
      uint32_t n_vocab = rt_exec_n_vocab (model.exec);
      for (uint32_t i = 0; i < n; i++)
        tokens[i] = (int32_t)(((at + i) * 31 + 5) % n_vocab);
      ok = rt_exec_run (model.exec, tokens, n, n, RT_PHASE_PREFILL, error);
      for (uint32_t i = 0; ok && i < n; i++)
        memcpy (logits + (at + i) * n_vocab, rt_exec_logits (model.exec, i), n_vocab * 4);
    }
  for (RtNodeId i = 0; ok && counted && i < rt_graph_n_nodes (model.graph); i++)
    if (!(rt_exec_count_get (model.exec, i, 0) > 0))
      ok = rt_fail (error, RT_ERROR_RANGE, "node %u took no processor time", i);
  rt_model_close (&model);
  return ok;
}

static void
check_way (const Subject *subject, const char *path, const Way *way, const float *expected)
{
  float *logits = calloc (N_TOKENS * MAX_VOCAB, sizeof *logits);
  size_t n = N_TOKENS * subject->shape.n_vocab;
  char what[128], detail[600] = "";
  RtError error = { 0 };
  bool ok = run_model (subject, path, way, logits, &error);

  snprintf (what, sizeof what, "%s, %s, %u threads, fusions %#x, %u at a time%s", subject->name,
            kn_level_name (way->kernels->level), way->n_threads, way->fusions, way->batch,
            way->watched == TRACED    ? ", traced"
            : way->watched == COUNTED ? ", counted"
                                      : "");
  if (!ok)
    snprintf (detail, sizeof detail, "%s", error.message);
  for (size_t i = 0; ok && i < n; i++)
    if (memcmp (&logits[i], &expected[i], sizeof *logits) != 0)
      {
        ok = false;
        snprintf (detail, sizeof detail, "logit %zu is %.9g, expected %.9g", i, (double)logits[i],
                  (double)expected[i]);
      }
  report (ok, what, detail);
  free (logits);
}

static void
check_subject (const Subject *subject)
{
  float *expected = calloc (N_TOKENS * MAX_VOCAB, sizeof *expected);
  size_t n = N_TOKENS * subject->shape.n_vocab, n_finite = 0;
  float spread = 0;
  RtError error = { 0 };
  char *path = random_model_write (&subject->shape, 11, &error);
  Way plain = { .kernels = kn_table_for_level (KN_LEVEL_C), .n_threads = 1, .batch = N_TOKENS };

  bool ok = path != NULL && run_model (subject, path, &plain, expected, &error);
  for (size_t i = 0; ok && i < n; i++)
    {
      n_finite += isfinite (expected[i]) != 0;
      spread = fmaxf (spread, fabsf (expected[i] - expected[0]));
    }
  report (ok && n_finite == n && spread > 0.1f, subject->name, error.message);

  for (int level = 0; ok && level < KN_N_LEVELS; level++)
    {
      const KnTable *kernels = kn_table_for_level ((KnLevel)level);
      if (kernels == NULL)
        continue;
      check_way (subject, path, &(Way){ kernels, 1, 0, N_TOKENS, QUIET }, expected);
      check_way (subject, path, &(Way){ kernels, 3, RT_FUSE_ALL, N_TOKENS, TRACED }, expected);
      check_way (subject, path, &(Way){ kernels, 2, RT_FUSE_ALL, 1, TRACED }, expected);
      check_way (subject, path, &(Way){ kernels, 3, RT_FUSE_ALL, N_TOKENS, COUNTED }, expected);
    }
  if (path != NULL)
    unlink (path);
  free (path);
  free (expected);
}

int
main (void)
{
  for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
    check_subject (&subjects[i]);
  printf ("1..%d\n", n_tests);
  return n_failed > 0;
}
