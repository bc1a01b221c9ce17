/* The runner's results: what it makes of builds equals what the studio makes of them, to the last
 * bit. */
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "eng-build-file.h"
#include "eng-runners.h"
#include "rt-build-file.h"
#include "rt-work.h"
#include "runner-case.h"
#include "../engine/eng-test.h"
#include "../test-tree.h"

#define N_PROMPT CASE_N_PROMPT
#define N_DECODE 12

/* ---- Language models ---- */

static void
host_tokens (EngBuild *build, gint32 *tokens, guint n)
{
  RtExec *exec = eng_build_get_exec (build);
  gint32 prompt[N_PROMPT];
  RtError error = { 0 };

  eng_test_fill_tokens (prompt, N_PROMPT);
  rt_kv_set_n_used (rt_exec_kv (exec), 0);
  guint chunk = eng_build_get_max_tokens (build);
  for (guint done = 0; done < N_PROMPT; done += chunk)
    g_assert_true (rt_exec_run (exec, prompt + done, MIN (chunk, N_PROMPT - done), 1,
                                RT_PHASE_PREFILL, &error));
  for (guint i = 0; i < n; i++)
    {
      const float *logits = rt_exec_logits (exec, 0);
      tokens[i] = 0;
      for (guint t = 1; t < rt_exec_n_vocab (exec); t++)
        tokens[i] = logits[t] > logits[tokens[i]] ? (gint32)t : tokens[i];
      g_assert_true (rt_exec_run (exec, &tokens[i], 1, 1, RT_PHASE_DECODE, &error));
    }
}

static void
check_tokens (GPtrArray *lines, EngBuild *build)
{
  gint32 expected[N_DECODE];
  guint n = 0;

  host_tokens (build, expected, N_DECODE);
  for (guint i = 0; i < lines->len; i++)
    {
      if (!case_is_kind (lines->pdata[i], "token"))
        continue;
      g_assert_cmpuint (n, <, N_DECODE);
      g_assert_cmpint (json_object_get_int_member (lines->pdata[i], "index"), ==, n);
      g_assert_cmpint (json_object_get_int_member (lines->pdata[i], "id"), ==, expected[n]);
      n++;
    }
  g_assert_cmpuint (n, ==, N_DECODE);
}

/* Clean and traced passes of each phase, in turn; records add up to what their pass says. */
static void
check_passes (GPtrArray *lines, const char *phase, guint n_nodes)
{
  guint n_clean = 0, n_traced = 0;
  double traced_ns = NAN;

  for (guint i = 0; i < lines->len; i++)
    {
      JsonObject *line = lines->pdata[i];
      if (case_is_kind (line, "trace"))
        {
          g_autofree gint64 *starts = g_new (gint64, n_nodes), *ends = g_new0 (gint64, n_nodes);
          JsonArray *records = json_object_get_array_member (line, "records");
          for (guint r = 0; r < json_array_get_length (records); r++)
            {
              JsonArray *record = json_array_get_array_element (records, r);
              gint64 node = json_array_get_int_element (record, 0);
              gint64 start = json_array_get_int_element (record, 2);
              gint64 work = json_array_get_int_element (record, 3);
              gint64 end = json_array_get_int_element (record, 4);
              g_assert_cmpuint (json_array_get_length (record), ==, 5);
              g_assert_true (node >= 0 && node < (gint64)n_nodes && start >= 0);
              g_assert_true (work >= start && end >= start);
              starts[node] = ends[node] == 0 ? start : MIN (starts[node], start);
              ends[node] = MAX (ends[node], end);
            }
          traced_ns = 0;
          for (guint n = 0; n < n_nodes; n++)
            traced_ns += ends[n] > 0 ? (double)(ends[n] - starts[n]) : 0;
        }
      if (!case_is_kind (line, "pass")
          || !g_str_equal (json_object_get_string_member (line, "phase"), phase))
        continue;
      g_assert_cmpint (json_object_get_int_member (line, "ns"), >, 0);
      if (!json_object_get_boolean_member (line, "traced"))
        n_clean++;
      else
        {
          n_traced++;
          if (!isnan (traced_ns))
            g_assert_cmpfloat (fabs (json_object_get_double_member (line, "nodes_ns") - traced_ns),
                               <, 1 + 1e-6 * traced_ns);
          traced_ns = NAN;
        }
    }
  g_assert_cmpuint (n_clean, >, 0);
  g_assert_cmpuint (n_traced, >, 0);
}

static void
test_text (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q4_0\"}}", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *sum = NULL;
  CaseFiles files;
  int status;

  case_files_init (&files);
  eng_build_write_file (build, files.build, NULL, &sum, &error);
  g_assert_no_error (error);
  case_write_text_work (files.work, case_is_emulated () ? 0.1 : 0.5, N_DECODE);
  g_autoptr (GPtrArray) lines
      = case_run (case_command ("run", files.build, files.work, NULL), &status);
  g_assert_cmpint (status, ==, 0);
  case_check_end (lines, "complete");
  check_tokens (lines, build);

  JsonObject *told = case_find (lines, "build"), *hello = lines->pdata[0];
  guint n_nodes = rt_graph_n_nodes (eng_build_get_graph (build));
  g_assert_true (case_is_kind (hello, "hello"));
  g_assert_cmpint (json_object_get_int_member (hello, "telemetry"), ==, 1);
  g_assert_nonnull (case_find (lines, "board"));
  g_assert_cmpstr (json_object_get_string_member (told, "build_sha256"), ==,
                   eng_build_get_hash (build));
  g_assert_cmpstr (json_object_get_string_member (told, "file_sha256"), ==, sum);
  g_assert_cmpint (json_object_get_int_member (told, "n_nodes"), ==, n_nodes);
  check_passes (lines, "prefill", n_nodes);
  check_passes (lines, "decode", n_nodes);
  case_files_clear (&files);
}

/* Every instruction set that the board has chooses the same tokens. */
static void
test_levels (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (GError) error = NULL;
  CaseFiles files;
  int status;

  case_files_init (&files);
  eng_build_write_file (build, files.build, NULL, NULL, &error);
  g_assert_no_error (error);
  case_write_text_work (files.work, 0, N_DECODE);
  g_autoptr (GPtrArray) board = case_run (case_command ("board", NULL), &status);
  JsonArray *levels = json_object_get_array_member (board->pdata[0], "levels");
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpuint (json_array_get_length (levels), >, 0);
  for (guint i = 0; i < json_array_get_length (levels); i++)
    {
      g_setenv ("LATHE_CPU", json_array_get_string_element (levels, i), TRUE);
      g_autoptr (GPtrArray) lines
          = case_run (case_command ("run", files.build, files.work, NULL), &status);
      g_unsetenv ("LATHE_CPU");
      g_assert_cmpint (status, ==, 0);
      g_assert_cmpstr (json_object_get_string_member (lines->pdata[0], "isa"), ==,
                       json_array_get_string_element (levels, i));
      check_tokens (lines, build);
    }
  case_files_clear (&files);
}

/* What operators left out, counted over the run's passes: the prompt twice (its first chunk warms
 * up) and each token but the last once. The engine here leaves out the same. */
static void
test_skipped (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (
      model,
      "{\"weight-format\": {\"format\": \"q8_0\"}, \"calibration\": {\"tokens\": 1024}, "
      "\"activation-sparsity\": {\"share\": 30}}",
      NULL);
  g_autoptr (GError) error = NULL;
  RtExec *exec = eng_build_get_exec (build);
  guint n_nodes = rt_graph_n_nodes (eng_build_get_graph (build)), n_seen = 0;
  g_autofree RtTally *before = g_new0 (RtTally, n_nodes);
  gint32 tokens[N_DECODE], prompt[N_PROMPT];
  RtError rt_error = { 0 };
  CaseFiles files;
  int status;

  case_files_init (&files);
  eng_build_write_file (build, files.build, NULL, NULL, &error);
  g_assert_no_error (error);
  case_write_text_work (files.work, 0, N_DECODE);
  host_tokens (build, tokens, N_DECODE);
  eng_test_fill_tokens (prompt, N_PROMPT);
  g_assert_cmpuint (eng_build_get_max_tokens (build), >=, N_PROMPT);
  for (guint n = 0; n < n_nodes; n++)
    before[n] = rt_exec_tally (exec, n);
  for (guint i = 0; i < 2; i++)
    {
      rt_kv_set_n_used (rt_exec_kv (exec), 0);
      g_assert_true (rt_exec_run (exec, prompt, N_PROMPT, 1, RT_PHASE_PREFILL, &rt_error));
    }
  for (guint i = 0; i + 1 < N_DECODE; i++)
    g_assert_true (rt_exec_run (exec, &tokens[i], 1, 1, RT_PHASE_DECODE, &rt_error));

  g_autoptr (GPtrArray) lines
      = case_run (case_command ("run", files.build, files.work, NULL), &status);
  g_assert_cmpint (status, ==, 0);
  for (guint i = 0; i < lines->len; i++)
    {
      JsonObject *line = lines->pdata[i];
      if (!case_is_kind (line, "skipped"))
        continue;
      guint node = (guint)json_object_get_int_member (line, "node");
      g_assert_cmpuint (node, <, n_nodes);
      RtTally tally = rt_exec_tally (exec, node);
      g_assert_cmpint (json_object_get_int_member (line, "n_all"), ==,
                       tally.n_all - before[node].n_all);
      g_assert_cmpint (json_object_get_int_member (line, "n_skipped"), ==,
                       tally.n_skipped - before[node].n_skipped);
      n_seen++;
    }
  g_assert_cmpuint (n_seen, >, 0);
  case_files_clear (&files);
}

/* A token that ends the text, as the work says. */
static void
test_ends (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (GError) error = NULL;
  gint32 prompt[N_PROMPT], expected[N_DECODE];
  RtError rt_error = { 0 };
  CaseFiles files;
  guint first = 0;
  int status;

  case_files_init (&files);
  eng_build_write_file (build, files.build, NULL, NULL, &error);
  g_assert_no_error (error);
  host_tokens (build, expected, N_DECODE);
  eng_test_fill_tokens (prompt, N_PROMPT);
  while (expected[first] != expected[5])
    first++;
  rt_work_write (files.work,
                 &(RtWork){ .kind = RT_WORK_TEXT,
                            .prompt = prompt,
                            .n_prompt = N_PROMPT,
                            .n_decode = N_DECODE,
                            .ends = &expected[5],
                            .n_ends = 1 },
                 &rt_error);
  g_assert_cmpstr (rt_error.message, ==, "");
  g_autoptr (GPtrArray) lines
      = case_run (case_command ("run", files.build, files.work, NULL), &status);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpuint (case_count (lines, "token"), ==, first + 1);
  case_files_clear (&files);
}

/* ---- Energy ---- */

#define RAPL "sys/class/powercap/intel-rapl:0/"

typedef struct
{
  const char *root;
  int quit; /* atomic */
} Source;

/* A counter that grows by 7 watts. */
static gpointer
count_energy (gpointer data)
{
  Source *source = data;
  gint64 start = g_get_monotonic_time ();
  g_autofree char *path = g_build_filename (source->root, RAPL "energy_uj", NULL);
  int fd = open (path, O_WRONLY | O_CLOEXEC);

  /* In one write of always the same length: no disk is waited for, no reader sees a half. */
  while (!g_atomic_int_get (&source->quit))
    {
      char text[32];
      int n = g_snprintf (text, sizeof text, "%015" G_GINT64_FORMAT "\n",
                          1000 + 7 * (g_get_monotonic_time () - start));
      g_assert_cmpint (pwrite (fd, text, (gsize)n, 0), ==, n);
      g_usleep (2000);
    }
  close (fd);
  return NULL;
}

static void
test_energy (void)
{
  char *root = test_tree_new ();
  g_autofree char *meter = g_strconcat ("rapl:", root, NULL);
  Source source = { root, 0 };
  CaseFiles files;
  int status;
  guint n[2] = { 0, 0 };
  double all_j = 0, all_s = 0;

  test_tree_put (root, RAPL "name", "package-0\n");
  test_tree_put (root, RAPL "energy_uj", "0\n");
  test_tree_put (root, RAPL "max_energy_range_uj", "262143328850\n");
  GThread *thread = g_thread_new ("energy", count_energy, &source);
  case_make_default (&files, 1, 8);
  g_setenv ("LATHE_METER", meter, TRUE);
  g_autoptr (GPtrArray) lines
      = case_run (case_command ("run", files.build, files.work, NULL), &status);
  g_unsetenv ("LATHE_METER");
  g_atomic_int_set (&source.quit, 1);
  g_thread_join (thread);
  g_assert_cmpint (status, ==, 0);
  for (guint i = 0; i < lines->len; i++)
    {
      JsonObject *line = lines->pdata[i];
      if (!case_is_kind (line, "energy"))
        continue;
      double joules = json_object_get_double_member (line, "joules");
      double seconds = json_object_get_double_member (line, "seconds");
      n[g_str_equal (json_object_get_string_member (line, "phase"), "decode")]++;
      g_assert_cmpstr (json_object_get_string_member (line, "meter"), ==, "rapl");
      g_assert_cmpint (json_object_get_int_member (line, "n_units"), >, 0);
      g_assert_cmpfloat (seconds, >, 0.4);
      all_j += joules;
      all_s += seconds;
    }
  g_assert_cmpuint (n[0], >=, 3);
  g_assert_cmpuint (n[1], >=, 3);
  /* A reading may be some milliseconds old, of half a second, and older on a busy machine. */
  g_test_message ("%.3f W", all_j / all_s);
  g_assert_cmpfloat (fabs (all_j / all_s - 7), <, 1);
  case_files_clear (&files);
  test_tree_free (root);
}

/* ---- Networks ---- */

static RtValueId
find_kind (const RtGraph *graph, RtValueKind kind, guint nth)
{
  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    if (rt_graph_value (graph, id)->kind == kind && nth-- == 0)
      return id;
  return RT_NONE;
}

/* Two inputs of bytes that repeat after no power of two. */
static GByteArray *
make_inputs (EngBuild *build, guint n)
{
  const RtGraph *graph = eng_build_get_graph (build);
  GByteArray *bytes = g_byte_array_new ();
  int64_t symbols[RT_N_SYMBOLS];
  RtValueId id;

  eng_build_get_max_symbols (build, symbols);
  for (guint i = 0; i < n; i++)
    for (guint nth = 0; (id = find_kind (graph, RT_VALUE_INPUT, nth)) != RT_NONE; nth++)
      {
        const RtValue *value = rt_graph_value (graph, id);
        guint64 n_values = rt_value_bytes (value, symbols) / rt_type_bytes (value->type);
        for (guint64 k = 0; k < n_values; k++)
          {
            guint8 byte = (guint8)((k * 37 + i * 101 + k / 251) % 256);
            float real = (float)byte / 128 - 1;
            if (value->type == RT_TYPE_F32)
              g_byte_array_append (bytes, (guint8 *)&real, sizeof real);
            else
              {
                g_assert_cmpuint (rt_type_bytes (value->type), ==, 1);
                g_byte_array_append (bytes, &byte, 1);
              }
          }
      }
  return bytes;
}

/* Output @nth of input @i as the studio's engine makes it. */
static void
check_outputs (GPtrArray *lines, EngBuild *build, const GByteArray *inputs, guint n, guint n_steps)
{
  RtExec *exec = eng_build_get_exec (build);
  const RtGraph *graph = eng_build_get_graph (build);
  int64_t symbols[RT_N_SYMBOLS];
  const guint8 *next = inputs->data;
  guint at = 0, n_checked = 0;
  RtValueId id;
  RtError error = { 0 };

  eng_build_get_max_symbols (build, symbols);
  for (guint i = 0; i < n; i++)
    {
      if (i % n_steps == 0)
        rt_exec_reset_state (exec);
      for (guint nth = 0; (id = find_kind (graph, RT_VALUE_INPUT, nth)) != RT_NONE; nth++)
        {
          rt_exec_set_input (exec, id, next);
          next += rt_value_bytes (rt_graph_value (graph, id), symbols);
        }
      g_assert_true (rt_exec_infer (exec, NULL, RT_PHASE_INFERENCE, &error));
      for (guint nth = 0; (id = find_kind (graph, RT_VALUE_OUTPUT, nth)) != RT_NONE; nth++)
        {
          while (at < lines->len && !case_is_kind (lines->pdata[at], "output"))
            at++;
          g_assert_cmpuint (at, <, lines->len);
          JsonObject *line = lines->pdata[at++];
          gsize n_bytes;
          g_autofree guchar *bytes
              = g_base64_decode (json_object_get_string_member (line, "base64"), &n_bytes);
          RtShape shape;
          rt_exec_value_shape (exec, id, &shape);
          g_assert_cmpint (json_object_get_int_member (line, "input"), ==, i);
          g_assert_cmpstr (json_object_get_string_member (line, "value"), ==,
                           rt_graph_value (graph, id)->name);
          g_assert_cmpmem (bytes, n_bytes, rt_exec_value (exec, id),
                           rt_shape_n (&shape) * rt_type_bytes (rt_graph_value (graph, id)->type));
          n_checked++;
        }
    }
  g_assert_cmpuint (n_checked, ==, case_count (lines, "output"));
}

typedef struct
{
  const char *file;
  guint n_steps; /* inputs that belong together */
} Network;

static void
test_network (gconstpointer data)
{
  const Network *network = data;
  g_autofree char *path = eng_test_data_or_skip (network->file);
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) inputs = NULL;
  RtError rt_error = { 0 };
  CaseFiles files;
  int status;

  if (path == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autoptr (EngBuild) whole = eng_test_build (model, "{}", NULL);
  EngBuild *build = eng_build_get_bare (whole, &error);
  g_assert_no_error (error);
  case_files_init (&files);
  eng_build_write_file (build, files.build, NULL, NULL, &error);
  g_assert_no_error (error);
  inputs = make_inputs (build, 6);
  rt_work_write (files.work,
                 &(RtWork){ .kind = RT_WORK_INPUTS,
                            .n_threads = 2,
                            .budget_s = case_is_emulated () ? 0.05 : 0.3,
                            .n_inputs = 6,
                            .n_steps = network->n_steps,
                            .data = inputs->data,
                            .data_bytes = inputs->len },
                 &rt_error);
  g_assert_cmpstr (rt_error.message, ==, "");
  g_autoptr (GPtrArray) lines
      = case_run (case_command ("run", files.build, files.work, NULL), &status);
  g_assert_cmpint (status, ==, 0);
  case_check_end (lines, "complete");
  check_outputs (lines, build, inputs, 6, network->n_steps);
  check_passes (lines, "inference", rt_graph_n_nodes (eng_build_get_graph (build)));
  case_files_clear (&files);
}

/* An output larger than the buffer of lines comes home as it is. */
static void
test_large_output (void)
{
  enum
  {
    N = 2500000
  };
  RtError error = { 0 };
  RtGraph *graph = rt_graph_new (&error);
  RtShape shape = { .n_dims = 2, .dims = { 1, N } };
  RtValueId x = rt_graph_add_input (graph, "x", RT_TYPE_F32, &shape, &error);
  RtNodeId node = rt_graph_add_node (graph, "y", 0, rt_op_find ("identity"), &x, 1, NULL, &error);
  g_autofree float *values = g_new (float, N);
  g_autofree RtWeight **weights = g_new0 (RtWeight *, 2);
  CaseFiles files;
  int status;

  g_assert_cmpuint (node, !=, RT_NONE);
  rt_graph_set_output (graph, rt_graph_node (graph, node)->outputs[0]);
  case_files_init (&files);
  RtBuildParts parts = { .config = { .hash = "00", .max_symbols = { 1, 1 }, .n_threads = 1 },
                         .graph = graph,
                         .weights = weights,
                         .info = "{}" };
  g_assert_true (rt_build_write (files.build, &parts, NULL, NULL, NULL, &error));
  for (guint i = 0; i < N; i++)
    values[i] = (float)i;
  rt_work_write (files.work,
                 &(RtWork){ .kind = RT_WORK_INPUTS,
                            .n_inputs = 1,
                            .data = values,
                            .data_bytes = N * sizeof *values },
                 &error);
  g_assert_cmpstr (error.message, ==, "");
  g_autoptr (GPtrArray) lines
      = case_run (case_command ("run", files.build, files.work, NULL), &status);
  g_assert_cmpint (status, ==, 0);
  case_check_end (lines, "complete");
  JsonObject *output = case_find (lines, "output");
  gsize n_bytes;
  g_autofree guchar *bytes
      = g_base64_decode (json_object_get_string_member (output, "base64"), &n_bytes);
  g_assert_cmpuint (n_bytes, ==, N * sizeof *values);
  g_assert_true (memcmp (bytes, values, n_bytes) == 0);
  g_assert_cmpint (json_object_get_int_member (lines->pdata[lines->len - 1], "dropped"), ==, 0);
  case_files_clear (&files);
  rt_graph_free (graph);
}

/* ---- Small enough ---- */

static void
test_size (void)
{
  const char *most = g_getenv ("LATHE_RUNNER_MOST_BYTES");
  GStatBuf info;

  if (most == NULL)
    {
      g_test_skip ("this build is no one that goes to boards");
      return;
    }
  g_assert_cmpint (g_stat (g_getenv ("LATHE_RUNNER_PROGRAM"), &info), ==, 0);
  g_test_message ("%" G_GINT64_FORMAT " bytes", (gint64)info.st_size);
  g_assert_cmpint (info.st_size, <, g_ascii_strtoll (most, NULL, 10));
}

/* ---- Where the studio finds it ---- */

static void
test_find (void)
{
  char *folder = eng_test_directory ();
  g_autoptr (GError) error = NULL;
  g_autofree char *arm = g_build_filename (folder, "lathe-runner-aarch64", NULL);
  g_autofree char *folders = g_strconcat ("/nonexistent:", folder, NULL);
  struct utsname about;

  case_write_bytes (arm, "x", 1);
  g_setenv ("LATHE_RUNNERS", folders, TRUE);
  g_autofree char *found = eng_runner_find ("arm64", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, arm);
  g_unsetenv ("LATHE_RUNNERS");

  /* This build's own, for this kind of machine. */
  g_assert_cmpint (uname (&about), ==, 0);
  g_autofree char *own = eng_runner_find (about.machine, &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_suffix (own, "lathe-runner") || strstr (own, "lathe-runner-") != NULL);

  g_assert_null (eng_runner_find ("vax", &error));
  g_assert_error (error, ENG_RUNNER_ERROR, ENG_RUNNER_ERROR_UNKNOWN);
  g_assert_nonnull (strstr (error->message, "“vax”"));
  eng_test_remove (folder);
}

/* ---- Clocks ---- */

/* Setting the board's clock changes no figure: nothing of the runner or the runtime asks for the
 * time of day but the line "board", which tells it, and the tokenizer, which makes a table's seed
 * of it. */
static void
test_clocks (void)
{
  static const char *const folders[]
      = { "engine/runner", "engine/runtime", "engine/runtime/ops", "engine/runtime/meters" };
  static const char *const words[] = { "CLOCK_REALTIME", "gettimeofday", "time (NULL)" };
  guint n_files = 0, n_asked = 0;

  for (guint f = 0; f < G_N_ELEMENTS (folders); f++)
    {
      g_autofree char *folder = g_build_filename (g_getenv ("LATHE_SOURCE_ROOT"), folders[f], NULL);
      g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
      const char *name;
      while ((name = g_dir_read_name (dir)) != NULL)
        {
          g_autofree char *path = g_build_filename (folder, name, NULL);
          g_autofree char *text = NULL;
          if (!g_str_has_suffix (name, ".c") || !g_file_get_contents (path, &text, NULL, NULL))
            continue;
          n_files++;
          for (guint w = 0; w < G_N_ELEMENTS (words); w++)
            if (strstr (text, words[w]) != NULL)
              {
                g_test_message ("%s asks by %s", name, words[w]);
                g_assert_true (g_str_equal (name, "rn-machine.c")
                               || g_str_equal (name, "rt-tokenizer-vocab.c"));
                n_asked++;
              }
        }
    }
  g_assert_cmpuint (n_files, >, 100);
  g_assert_cmpuint (n_asked, ==, 2); /* the words are right */
}

int
main (int argc, char **argv)
{
  static const Network networks[] = { { "audio/anomaly/ad01_int8.tflite", 1 },
                                      { "audio/kws/kws_ref_model.tflite", 1 },
                                      { "audio/wake/alexa.tflite", 3 } };

  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  if (!case_is_built ())
    return 0;
  g_test_add_func ("/runner/text", test_text);
  g_test_add_func ("/runner/levels", test_levels);
  g_test_add_func ("/runner/skipped", test_skipped);
  g_test_add_func ("/runner/ends", test_ends);
  g_test_add_func ("/runner/size", test_size);
  g_test_add_data_func ("/runner/network/anomaly", &networks[0], test_network);
  g_test_add_data_func ("/runner/network/keywords", &networks[1], test_network);
  g_test_add_data_func ("/runner/network/wake-word", &networks[2], test_network);
  if (!case_is_emulated ()) /* of the program, not of what it was built for */
    {
      g_test_add_func ("/runner/large-output", test_large_output);
      g_test_add_func ("/runner/energy", test_energy);
      g_test_add_func ("/runner/clocks", test_clocks);
      g_test_add_func ("/runner/find", test_find);
    }
  return g_test_run ();
}
