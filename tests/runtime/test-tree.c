/* Trees of drafted tokens: every token has the bits that it has in a plain run of its path,
 * wherever the tree stands in the cache; a kept path goes on like a sequence that was fed
 * plainly. */
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "random-model.h"
#include "rt-model.h"

#define N_VOCAB 80
#define MAX_CONTEXT 288

static const RandomModel small = { .n_layers = 2,
                                   .n_embd = 96,
                                   .n_ff = 128,
                                   .n_heads = 6,
                                   .n_kv_heads = 2,
                                   .head_dim = 32,
                                   .n_vocab = N_VOCAB,
                                   .dtype = KN_F32 };

/* A model twice: one is fed trees, the other the same tokens plainly. */
typedef struct
{
  char *path;
  RtModel tree, plain;
} Pair;

static void
pair_open (Pair *pair, const RandomModel *shape, RtModelConfig config)
{
  RtError error = { 0 };

  pair->path = random_model_write (shape, 11, &error);
  g_assert_nonnull (pair->path);
  config.path = pair->path;
  config.max_tokens = config.max_outputs = MAX_CONTEXT;
  config.kv_capacity = MAX_CONTEXT;
  if (!rt_model_open (&pair->tree, &config, &error))
    g_error ("%s", error.message);
  config.n_threads = 1;
  if (!rt_model_open (&pair->plain, &config, &error))
    g_error ("%s", error.message);
}

static void
pair_close (Pair *pair)
{
  rt_model_close (&pair->tree);
  rt_model_close (&pair->plain);
  unlink (pair->path);
  free (pair->path);
}

static void
feed (RtModel *model, const int32_t *tokens, uint32_t n)
{
  RtError error = { 0 };
  if (n > 0 && !rt_exec_run (model->exec, tokens, n, n, RT_PHASE_PREFILL, &error))
    g_error ("%s", error.message);
}

static void
set_length (RtModel *model, uint32_t n)
{
  rt_kv_set_n_used (rt_exec_kv (model->exec), n);
}

static int32_t
any_token (GRand *rand)
{
  return g_rand_int_range (rand, 0, N_VOCAB);
}

static void
assert_row (const RtModel *a, uint32_t row_a, const RtModel *b, uint32_t row_b, const char *what)
{
  const float *x = rt_exec_logits (a->exec, row_a), *y = rt_exec_logits (b->exec, row_b);

  for (uint32_t i = 0; i < N_VOCAB; i++)
    if (memcmp (&x[i], &y[i], sizeof *x) != 0)
      g_error ("%s, logit %u: %.9g and %.9g", what, i, x[i], y[i]);
}

/* The tokens from the root to @token, by following parents. */
static uint32_t
path_to (const uint32_t *parents, uint32_t token, uint32_t *path)
{
  uint32_t n = 0;
  for (uint32_t at = token; at != RT_NONE; at = parents[at])
    n++;
  for (uint32_t at = token, i = n; i-- > 0; at = parents[at])
    path[i] = at;
  return n;
}

/* One tree of @n_tokens after a sequence of @n_before: all of its logits, then a path is kept and
 * both go on. */
static void
check_tree (Pair *pair, GRand *rand, uint32_t n_before, uint32_t n_tokens, double branching)
{
  int32_t before[MAX_CONTEXT], tokens[RT_TREE_MAX_TOKENS];
  uint32_t parents[RT_TREE_MAX_TOKENS], path[RT_TREE_MAX_TOKENS], n_path = 0;
  RtError error = { 0 };

  for (uint32_t i = 0; i < n_before; i++)
    before[i] = any_token (rand);
  for (uint32_t i = 0; i < n_tokens; i++)
    {
      tokens[i] = any_token (rand);
      parents[i] = i > 0 ? i - 1 : RT_NONE;
      if (i > 0 && g_rand_double (rand) < branching)
        parents[i] = (uint32_t)g_rand_int_range (rand, -1, (gint32)i); /* -1 is RT_NONE */
    }
  set_length (&pair->tree, 0);
  set_length (&pair->plain, 0);
  feed (&pair->tree, before, n_before);
  feed (&pair->plain, before, n_before);

  if (!rt_exec_run_tree (pair->tree.exec, tokens, parents, n_tokens, n_tokens, RT_PHASE_DECODE,
                         &error))
    g_error ("%s", error.message);
  g_assert_cmpuint (rt_kv_n_used (rt_exec_kv (pair->tree.exec)), ==, n_before);

  for (uint32_t i = 0; i < n_tokens; i++)
    {
      int32_t line[RT_TREE_MAX_TOKENS];
      g_autofree char *what = g_strdup_printf ("token %u of %u after %u", i, n_tokens, n_before);
      n_path = path_to (parents, i, path);
      for (uint32_t k = 0; k < n_path; k++)
        line[k] = tokens[path[k]];
      set_length (&pair->plain, n_before);
      feed (&pair->plain, line, n_path);
      assert_row (&pair->tree, i, &pair->plain, n_path - 1, what);
    }

  /* Keep the path of any token: it is what the plain one holds after feeding it. */
  int32_t line[RT_TREE_MAX_TOKENS], next[3] = { any_token (rand), any_token (rand), 5 };
  n_path = path_to (parents, (uint32_t)g_rand_int_range (rand, 0, (gint32)n_tokens), path);
  for (uint32_t k = 0; k < n_path; k++)
    line[k] = tokens[path[k]];
  rt_kv_keep (rt_exec_kv (pair->tree.exec), n_before, path, n_path);
  g_assert_cmpuint (rt_kv_n_used (rt_exec_kv (pair->tree.exec)), ==, n_before + n_path);
  set_length (&pair->plain, n_before);
  feed (&pair->plain, line, n_path);
  feed (&pair->tree, next, 3);
  feed (&pair->plain, next, 3);
  for (uint32_t i = 0; i < 3; i++)
    assert_row (&pair->tree, i, &pair->plain, i, "after the kept path");
}

static void
check_many (const RandomModel *shape, const RtModelConfig *config, guint32 seed)
{
  static const uint32_t lengths[] = { 0, 1, 9, 120, 126, 127, 128, 129, 200 };
  static const uint32_t sizes[] = { 2, 5, 12, 16, 17, 40, RT_TREE_MAX_TOKENS };
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  Pair pair;

  pair_open (&pair, shape, *config);
  for (size_t i = 0; i < G_N_ELEMENTS (lengths); i++)
    for (size_t k = 0; k < G_N_ELEMENTS (sizes); k++)
      check_tree (&pair, rand, lengths[i], sizes[k], k % 2 == 0 ? 0.4 : 0.9);
  pair_close (&pair);
}

/* By cache format; a different number of threads for each. */
static void
test_formats (void)
{
  const KnDtype formats[] = { KN_F32, KN_F16, KN_Q8_0, kn_kv_pair (KN_Q4_0, KN_KV_Q8_HEAD) };

  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++)
    check_many (&small,
                &(RtModelConfig){ .format = -1,
                                  .fusions = RT_FUSE_ALL,
                                  .n_threads = (uint32_t)i + 1,
                                  .kv_format = formats[i] },
                (guint32)i);
}

static void
test_plain_c (void)
{
  check_many (&small,
              &(RtModelConfig){ .format = KN_Q8_0,
                                .n_threads = 3,
                                .kv_format = KN_F16,
                                .kernels = kn_table_for_level (KN_LEVEL_C) },
              7);
}

/* Windows that end inside of the tree, and a cap on the scores. */
static void
test_window (void)
{
  RandomModel gemma = small;

  gemma.arch = "gemma2";
  gemma.post_norms = true;
  gemma.window = 6;
  gemma.attention_softcap = 20;
  check_many (&gemma,
              &(RtModelConfig){
                  .format = -1, .fusions = RT_FUSE_ALL, .n_threads = 2, .kv_format = KN_F16 },
              8);
}

/* The plain references of the operators know trees as well. */
static void
test_reference (void)
{
  RtModelConfig config = { .format = -1, .n_threads = 1, .use_reference = true };
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  Pair pair;

  pair_open (&pair, &small, config);
  check_tree (&pair, rand, 5, 9, 0.6);
  check_tree (&pair, rand, 125, 9, 0.6);
  pair_close (&pair);
}

/* Nothing but the first branch is written twice: what is kept of it costs nothing, and it is
 * there. */
static void
test_chain (void)
{
  static const int32_t tokens[] = { 3, 14, 15, 9, 26, 5 };
  static const uint32_t parents[] = { RT_NONE, 0, 1, 2, 3, 4 };
  RtError error = { 0 };
  Pair pair;

  pair_open (&pair, &small, (RtModelConfig){ .format = -1, .n_threads = 2, .kv_format = KN_F16 });
  uint64_t n_bytes = rt_kv_bytes (rt_exec_kv (pair.tree.exec));
  g_assert_true (rt_exec_run_tree (pair.tree.exec, tokens, parents, 6, 6, RT_PHASE_DECODE, &error));
  feed (&pair.plain, tokens, 6);
  for (uint32_t i = 0; i < 6; i++)
    assert_row (&pair.tree, i, &pair.plain, i, "chain");
  g_assert_cmpuint (rt_kv_bytes (rt_exec_kv (pair.tree.exec)), ==, n_bytes);

  rt_kv_keep (rt_exec_kv (pair.tree.exec), 0, (const uint32_t[]){ 0, 1, 2, 3 }, 4);
  set_length (&pair.plain, 4);
  feed (&pair.tree, tokens, 2);
  feed (&pair.plain, tokens, 2);
  assert_row (&pair.tree, 1, &pair.plain, 1, "after a piece of a chain");
  pair_close (&pair);
}

static void
test_errors (void)
{
  int32_t tokens[RT_TREE_MAX_TOKENS + 1] = { 0 };
  uint32_t parents[RT_TREE_MAX_TOKENS + 1];
  RtError error = { 0 };
  Pair pair;

  pair_open (&pair, &small, (RtModelConfig){ .format = -1, .n_threads = 1, .kv_format = KN_F16 });
  RtExec *exec = pair.tree.exec;
  parents[0] = RT_NONE;
  parents[1] = 1;
  g_assert_false (rt_exec_run_tree (exec, tokens, parents, 2, 1, RT_PHASE_DECODE, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_RANGE);
  g_assert_nonnull (strstr (error.message, "parent"));

  for (uint32_t i = 0; i <= RT_TREE_MAX_TOKENS; i++)
    parents[i] = RT_NONE;
  g_assert_false (
      rt_exec_run_tree (exec, tokens, parents, RT_TREE_MAX_TOKENS + 1, 1, RT_PHASE_DECODE, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_RANGE);

  /* Full: what counts is the deepest path. */
  set_length (&pair.tree, MAX_CONTEXT - 1);
  g_assert_true (rt_exec_run_tree (exec, tokens, parents, 8, 1, RT_PHASE_DECODE, &error));
  parents[1] = 0;
  g_assert_false (rt_exec_run_tree (exec, tokens, parents, 8, 1, RT_PHASE_DECODE, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_RANGE);
  g_assert_nonnull (strstr (error.message, "context is full"));
  pair_close (&pair);
}

/* Every token has one owner, on a path through it; paths end in the first branch. */
static void
test_owners (void)
{
  static const uint32_t parents[] = { RT_NONE, 0, 1, 2, 1, RT_NONE, 5 };
  static const uint32_t depths[] = { 0, 1, 2, 3, 2, 0, 1 };
  uint32_t path[RT_TREE_MAX_TOKENS];
  RtError error = { 0 };
  RtTree tree;

  g_assert_true (rt_tree_init (&tree, parents, G_N_ELEMENTS (parents), &error));
  g_assert_cmpmem (tree.depths, sizeof depths, depths, sizeof depths);
  g_assert_cmpuint (tree.n_depths, ==, 4);
  g_assert_cmpuint (tree.n_paths, ==, 3);
  g_assert_cmpuint (tree.leaves[2], ==, 3);
  g_assert_cmpuint (tree.first_owned[3], ==, 7);
  g_assert_cmpuint (tree.first_owned[3] - tree.first_owned[2], ==, 4);
  for (uint32_t i = 0; i < 7; i++)
    g_assert_cmpuint (tree.owned[tree.ranks[i]], ==, i);
  g_assert_cmpuint (rt_tree_path (&tree, 6, path), ==, 2);
  g_assert_cmpuint (path[0], ==, 5);
  g_assert_cmpuint (path[1], ==, 6);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tree/owners", test_owners);
  g_test_add_func ("/tree/formats", test_formats);
  g_test_add_func ("/tree/plain-c", test_plain_c);
  g_test_add_func ("/tree/window", test_window);
  g_test_add_func ("/tree/reference", test_reference);
  g_test_add_func ("/tree/chain", test_chain);
  g_test_add_func ("/tree/errors", test_errors);
  return g_test_run ();
}
