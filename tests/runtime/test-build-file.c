/* Files of builds: what was written runs to the same bits, and what was cut short, altered or made
 * by a stranger is refused with a reason. */
#include <errno.h>
#include <string.h>

#include <glib/gstdio.h>

#include "kn-cpu.h"
#include "random-model.h"
#include "rt-build-file.h"
#include "rt-model.h"
#include "../test-tree.h"

#define N_TOKENS 21

static const RandomModel shape = { .n_layers = 2,
                                   .n_embd = 128,
                                   .n_ff = 192,
                                   .n_heads = 4,
                                   .n_kv_heads = 2,
                                   .head_dim = 32,
                                   .n_vocab = 300,
                                   .dtype = KN_Q8_0,
                                   .tied = true };

/* ---- The sum ---- */

/* Vectors of FIPS 180-4's examples; and any cutting into pieces gives what the whole gives. */
static void
test_sum (void)
{
  static const struct
  {
    const char *text, *digest;
  } vectors[] = {
    { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
  };
  uint8_t digest[RT_SHA256_BYTES];
  char text[2 * RT_SHA256_BYTES + 1];
  guint8 bytes[1000];
  RtSha256 sum;

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      rt_sha256_init (&sum);
      rt_sha256_add (&sum, vectors[i].text, strlen (vectors[i].text));
      rt_sha256_end (&sum, digest);
      g_assert_cmpstr (rt_sha256_text (digest, text), ==, vectors[i].digest);
    }
  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8)(i * 7);
  for (guint n = 0; n < sizeof bytes; n += 13)
    {
      g_autofree char *whole = g_compute_checksum_for_data (G_CHECKSUM_SHA256, bytes, n);
      rt_sha256_init (&sum);
      for (guint at = 0, piece = 1; at < n; at += piece, piece = piece * 3 % 67 + 1)
        rt_sha256_add (&sum, bytes + at, MIN (piece, n - at));
      rt_sha256_end (&sum, digest);
      g_assert_cmpstr (rt_sha256_text (digest, text), ==, whole);
    }
}

/* ---- A language model ---- */

typedef struct
{
  char *root, *gguf, *path;
  RtModel model;
} Case;

static void
case_open (Case *c, int format)
{
  RtError error = { 0 };

  c->root = test_tree_new ();
  c->path = g_build_filename (c->root, "model.lathe-build", NULL);
  c->gguf = random_model_write (&shape, 11, &error);
  g_assert_cmpstr (error.message, ==, "");
  rt_model_open (&c->model,
                 &(RtModelConfig){ .path = c->gguf,
                                   .format = format,
                                   .fusions = RT_FUSE_ALL,
                                   .n_threads = 2,
                                   .kv_format = KN_F16 },
                 &error);
  g_assert_cmpstr (error.message, ==, "");
  RtBuildParts parts = { .graph = c->model.graph,
                         .weights = c->model.weights,
                         .info = "{\"model\":\"random\"}",
                         .config = { .hash = "0123abcd",
                                     .max_symbols = { N_TOKENS, 1 },
                                     .kv_format = KN_F16,
                                     .kv_capacity = 64,
                                     .n_threads = 2,
                                     .is_language = true } };
  g_assert_true (rt_build_write (c->path, &parts, NULL, NULL, NULL, &error));
}

static void
case_close (Case *c)
{
  rt_model_close (&c->model);
  g_remove (c->gguf);
  free (c->gguf);
  g_free (c->path);
  test_tree_free (c->root);
}

/* Logits after a prompt and after one more token. */
static void
run (const RtGraph *graph, RtWeight *const *weights, RtPool *pool, const RtBuildConfig *config,
     GArray *logits)
{
  RtError error = { 0 };
  RtExecConfig exec_config = { .graph = graph,
                               .weights = weights,
                               .pool = pool,
                               .kv_format = config->kv_format,
                               .kv_capacity = config->kv_capacity,
                               .planner = config->planner };
  int32_t tokens[N_TOKENS];

  memcpy (exec_config.max_symbols, config->max_symbols, sizeof exec_config.max_symbols);
  RtExec *exec = rt_exec_new (&exec_config, &error);
  g_assert_cmpstr (error.message, ==, "");
  for (guint i = 0; i < N_TOKENS; i++)
    tokens[i] = (int32_t)(3 + 11 * i % 290);
  g_assert_true (rt_exec_run (exec, tokens, N_TOKENS - 1, 1, RT_PHASE_PREFILL, &error));
  g_array_append_vals (logits, rt_exec_logits (exec, 0), rt_exec_n_vocab (exec));
  g_assert_true (rt_exec_run (exec, tokens + N_TOKENS - 1, 1, 1, RT_PHASE_DECODE, &error));
  g_array_append_vals (logits, rt_exec_logits (exec, 0), rt_exec_n_vocab (exec));
  rt_exec_free (exec);
}

static void
test_round_trip (void)
{
  static const int formats[]
      = { -1, KN_F32, KN_F16, KN_Q4_0, KN_Q8_0, KN_Q2_64, KN_Q8_SPARSE, KN_Q4_SPARSE, KN_W8A8 };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (GArray) before = g_array_new (FALSE, FALSE, sizeof (float));
      g_autoptr (GArray) after = g_array_new (FALSE, FALSE, sizeof (float));
      RtError error = { 0 };
      RtBuildFile build;
      Case c;

      case_open (&c, formats[i]);
      g_assert_true (rt_build_open (c.path, &build, &error));
      g_assert_cmpstr (build.config.hash, ==, "0123abcd");
      g_assert_cmpstr (build.info, ==, "{\"model\":\"random\"}");
      g_assert_true (build.config.is_language);
      g_assert_cmpuint (rt_graph_n_nodes (build.graph), ==, rt_graph_n_nodes (c.model.graph));
      for (RtNodeId n = 0; n < rt_graph_n_nodes (build.graph); n++)
        {
          const RtNode *a = rt_graph_node (c.model.graph, n), *b = rt_graph_node (build.graph, n);
          g_assert_cmpstr (a->name, ==, b->name);
          g_assert_true (a->op == b->op && a->layer == b->layer && a->n_sources == b->n_sources);
          g_assert_cmpmem (a->attrs, a->op->attrs_bytes, b->attrs, b->op->attrs_bytes);
        }
      run (c.model.graph, c.model.weights, c.model.pool, &build.config, before);
      run (build.graph, build.weights, c.model.pool, &build.config, after);
      g_assert_cmpuint (before->len, ==, 2 * shape.n_vocab);
      g_assert_cmpmem (before->data, before->len * sizeof (float), after->data,
                       after->len * sizeof (float));
      rt_build_close (&build);
      case_close (&c);
    }
}

/* ---- Faults ---- */

static void
refuse (const char *path, const char *bytes, gsize n, RtStatus status, const char *words)
{
  g_autoptr (GError) local = NULL;
  RtError error = { 0 };
  RtBuildFile build;

  g_file_set_contents (path, bytes, (gssize)n, &local);
  g_assert_no_error (local);
  g_assert_false (rt_build_open (path, &build, &error));
  g_assert_cmpint (error.status, ==, status);
  if (strstr (error.message, words) == NULL)
    g_error ("“%s” does not say “%s”", error.message, words);
}

static void
test_refused (void)
{
  g_autofree char *bytes = NULL;
  RtError error = { 0 };
  RtBuildFile build;
  gsize n;
  Case c;

  case_open (&c, -1);
  g_assert_true (g_file_get_contents (c.path, &bytes, &n, NULL));
  refuse (c.path, bytes, 0, RT_ERROR_FORMAT, "is not the file of a build");
  refuse (c.path, bytes, 64, RT_ERROR_FORMAT, "is not the file of a build");
  for (gsize cut = 65; cut < n; cut += n / 37)
    refuse (c.path, bytes, cut, RT_ERROR_FORMAT, "cut short");
  for (gsize at = 64; at < n; at += n / 53)
    {
      bytes[at] ^= 0x10;
      refuse (c.path, bytes, n, RT_ERROR_FORMAT, "was altered");
      bytes[at] ^= 0x10;
    }
  bytes[8] = 2;
  refuse (c.path, bytes, n, RT_ERROR_UNSUPPORTED, "version 2");
  bytes[8] = 1;
  bytes[0] = 'G';
  refuse (c.path, bytes, n, RT_ERROR_FORMAT, "begins otherwise");
  g_assert_false (rt_build_open ("/nowhere/x", &build, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_IO);
  case_close (&c);
}

static void
put_sum (guint8 *bytes, gsize n)
{
  RtSha256 sum;
  rt_sha256_init (&sum);
  rt_sha256_add (&sum, bytes + 64, n - 64);
  rt_sha256_end (&sum, bytes + 32);
}

/* A stranger's file has a right sum: any byte may be anything, and it is an error or a graph that
 * runs. */
static void
test_strange (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  g_autofree char *bytes = NULL;
  guint n_refused = 0, n_run = 0;
  gsize n, n_front;
  Case c;

  case_open (&c, KN_Q8_SPARSE);
  g_assert_true (g_file_get_contents (c.path, &bytes, &n, NULL));
  /* All but the weights, which may be any numbers; the last section is them. */
  memcpy (&n_front, bytes + 64 + 3 * 24 + 8, sizeof n_front);
  for (guint i = 0; i < 1500; i++)
    {
      g_autofree guint8 *copy = g_memdup2 (bytes, n);
      g_autoptr (GError) local = NULL;
      RtError error = { 0 };
      RtBuildFile build;

      for (guint k = 0; k < 1 + i % 3; k++)
        copy[64 + g_rand_int_range (rand, 0, (gint32)n_front - 64)]
            ^= (guint8)(1u << g_rand_int_range (rand, 0, 8));
      put_sum (copy, n);
      g_file_set_contents (c.path, (char *)copy, (gssize)n, &local);
      g_assert_no_error (local);
      if (!rt_build_open (c.path, &build, &error))
        {
          g_assert_cmpstr (error.message, !=, "");
          n_refused++;
          continue;
        }
      RtExecConfig config = { .graph = build.graph,
                              .weights = build.weights,
                              .pool = c.model.pool,
                              .max_symbols = { N_TOKENS, 1 },
                              .kv_format = KN_F16,
                              .kv_capacity = 64 };
      RtExec *exec = rt_exec_new (&config, &error);
      int32_t tokens[] = { 1, 2, 3 };
      if (exec != NULL)
        n_run += rt_exec_run (exec, tokens, 3, 1, RT_PHASE_PREFILL, &error);
      rt_exec_free (exec);
      rt_build_close (&build);
    }
  g_assert_cmpuint (n_refused, >, 100);
  g_assert_cmpuint (n_run, >, 100);
  case_close (&c);
}

static bool
stop_early (uint64_t n_done, uint64_t n_all, void *data)
{
  return n_done < n_all / 2;
}

/* What cannot be written leaves nothing behind, and what was there stays. */
static void
test_write (void)
{
  g_autofree char *before = NULL, *after = NULL;
  RtError error = { 0 };
  gsize n_before, n_after;
  Case c;

  case_open (&c, -1);
  g_assert_true (g_file_get_contents (c.path, &before, &n_before, NULL));
  RtBuildParts parts = { .graph = c.model.graph, .weights = c.model.weights, .info = "{}" };
  g_assert_false (rt_build_write (c.path, &parts, stop_early, NULL, NULL, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_CANCELLED);
  g_assert_true (g_file_get_contents (c.path, &after, &n_after, NULL));
  g_assert_cmpmem (before, n_before, after, n_after);
  g_autoptr (GDir) dir = g_dir_open (c.root, 0, NULL);
  g_assert_cmpstr (g_dir_read_name (dir), ==, "model.lathe-build");
  g_assert_null (g_dir_read_name (dir));
  g_assert_false (rt_build_write ("/nowhere/x", &parts, NULL, NULL, NULL, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_IO);
  case_close (&c);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/build-file/sum", test_sum);
  g_test_add_func ("/build-file/round-trip", test_round_trip);
  g_test_add_func ("/build-file/refused", test_refused);
  g_test_add_func ("/build-file/strange", test_strange);
  g_test_add_func ("/build-file/write", test_write);
  return g_test_run ();
}
