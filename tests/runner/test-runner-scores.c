/* Windows of texts on a runner: every row's score is that of the studio's logits, to the last
 * bit. */
#include <math.h>
#include <string.h>

#include "eng-build-file.h"
#include "rt-score.h"
#include "rt-work.h"
#include "runner-case.h"
#include "../engine/eng-test.h"

/* Longer than the runner's chunk; the second has context that is not asked for. */
static const struct
{
  guint n, first;
} windows[] = { { 41, 0 }, { 9, 4 } };

static void
add_u32 (GByteArray *data, guint32 value)
{
  guint32 little = GUINT32_TO_LE (value);
  g_byte_array_append (data, (const guint8 *)&little, sizeof little);
}

static void
write_work (const char *path, gint32 bias)
{
  g_autoptr (GByteArray) data = g_byte_array_new ();
  RtError error = { 0 };

  for (guint w = 0; w < G_N_ELEMENTS (windows); w++)
    {
      gint32 tokens[64];
      eng_test_fill_tokens (tokens, windows[w].n + 1);
      add_u32 (data, windows[w].n);
      add_u32 (data, windows[w].first);
      for (guint i = 0; i < 2 * windows[w].n; i++)
        add_u32 (data, (guint32)(tokens[i % windows[w].n + (i >= windows[w].n)] + bias));
    }
  rt_work_write (path,
                 &(RtWork){ .kind = RT_WORK_SCORES,
                            .n_threads = case_is_emulated () ? 1 : 2,
                            .n_windows = G_N_ELEMENTS (windows),
                            .data = data->data,
                            .data_bytes = data->len },
                 &error);
  g_assert_cmpstr (error.message, ==, "");
}

static void
check_window (JsonObject *line, EngBuild *build, guint w)
{
  RtExec *exec = eng_build_get_exec (build);
  gsize n_bytes;
  g_autofree guchar *bytes
      = g_base64_decode (json_object_get_string_member (line, "base64"), &n_bytes);
  guint at = 0;
  gint32 tokens[64];
  RtError error = { 0 };

  g_assert_cmpint (json_object_get_int_member (line, "window"), ==, w);
  g_assert_cmpuint (n_bytes, ==, RT_SCORE_BYTES * (windows[w].n - windows[w].first));
  eng_test_fill_tokens (tokens, windows[w].n + 1);
  rt_kv_set_n_used (rt_exec_kv (exec), 0);
  for (guint i = 0; i < windows[w].n; i++)
    {
      g_assert_true (rt_exec_run (exec, &tokens[i], 1, 1, RT_PHASE_DECODE, &error));
      if (i < windows[w].first)
        continue;
      RtScore score
          = rt_score_row (rt_exec_logits (exec, 0), rt_exec_n_vocab (exec), tokens[i + 1]);
      guint8 expected[RT_SCORE_BYTES];
      RtScore told;
      rt_score_write (&score, expected);
      g_assert_cmpmem (bytes + at, RT_SCORE_BYTES, expected, RT_SCORE_BYTES);
      g_assert_true (rt_score_read (bytes + at, &told));
      g_assert_cmpfloat (rt_score_log_probability (&told), ==, rt_score_log_probability (&score));
      at += RT_SCORE_BYTES;
    }
}

/* Bytes that are no scores are told from those that are. */
static void
test_no_scores (void)
{
  static const RtScore wrong[]
      = { { 1, 2, 0.5 }, { 3, 2, 1 }, { NAN, 2, 1 }, { 1, INFINITY, 1 }, { 1, 2, NAN } };
  const RtScore right = { -3.5f, 2.25f, 17.125 };
  guint8 bytes[RT_SCORE_BYTES];
  RtScore read;

  rt_score_write (&right, bytes);
  g_assert_true (rt_score_read (bytes, &read));
  g_assert_cmpfloat (read.target, ==, right.target);
  g_assert_cmpfloat (read.max, ==, right.max);
  g_assert_cmpfloat (read.sum, ==, right.sum);
  /* log (exp (-3.5) / sum) with the sum taken relative to exp (2.25). */
  g_assert_cmpfloat_with_epsilon (rt_score_log_probability (&read), -3.5 - 2.25 - log (17.125),
                                  1e-15);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      rt_score_write (&wrong[i], bytes);
      g_assert_false (rt_score_read (bytes, &read));
    }
}

static void
test_same_bits (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q4_0\"}}", NULL);
  g_autoptr (GError) error = NULL;
  CaseFiles files;
  int status;
  guint w = 0;

  case_files_init (&files);
  eng_build_write_file (build, files.build, NULL, NULL, &error);
  g_assert_no_error (error);
  write_work (files.work, 0);
  g_autoptr (GPtrArray) lines
      = case_run (case_command ("run", files.build, files.work, NULL), &status);
  g_assert_cmpint (status, ==, 0);
  case_check_end (lines, "complete");
  for (guint i = 0; i < lines->len; i++)
    if (case_is_kind (lines->pdata[i], "scores"))
      check_window (lines->pdata[i], build, w++);
  g_assert_cmpuint (w, ==, G_N_ELEMENTS (windows));

  write_work (files.work, 1 << 24);
  case_check_error (case_command ("run", files.build, files.work, NULL), "range", "vocabulary");
  case_files_clear (&files);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!case_is_built ())
    return 0;
  g_test_add_func ("/runner-scores/no-scores", test_no_scores);
  g_test_add_func ("/runner-scores/same-bits", test_same_bits);
  return g_test_run ();
}
