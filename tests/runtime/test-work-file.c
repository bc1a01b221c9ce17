/* Work files: what was written is read again, and what is cut short, altered or made by a stranger
 * is refused with the line and what was expected. */
#include <stdlib.h>
#include <string.h>

#include <glib/gstdio.h>

#include "rt-work.h"
#include "../test-tree.h"

static void
write_and_open (const RtWork *work, RtWork *read)
{
  char *root = test_tree_new ();
  g_autofree char *path = g_build_filename (root, "work", NULL);
  RtError error = { 0 };

  rt_work_write (path, work, &error);
  g_assert_cmpstr (error.message, ==, "");
  rt_work_open (path, read, &error);
  g_assert_cmpstr (error.message, ==, "");
  test_tree_free (root);
}

static void
test_text (void)
{
  int32_t prompt[] = { 1, 0, 2147483647, 17 }, ends[] = { 2, 32000 };
  RtWork work = { .kind = RT_WORK_TEXT,
                  .n_threads = 3,
                  .budget_s = 2.5,
                  .interval = 0.05,
                  .prompt = prompt,
                  .n_prompt = 4,
                  .n_decode = 64,
                  .ignore_end = true,
                  .ends = ends,
                  .n_ends = 2,
                  .lookup = { 3, 2, 6, 4, 1 } };
  RtWork read;

  write_and_open (&work, &read);
  g_assert_cmpint (read.kind, ==, RT_WORK_TEXT);
  g_assert_cmpuint (read.n_threads, ==, 3);
  g_assert_cmpfloat (read.budget_s, ==, 2.5);
  g_assert_cmpfloat (read.interval, ==, 0.05);
  g_assert_cmpmem (read.prompt, read.n_prompt * 4, prompt, sizeof prompt);
  g_assert_cmpmem (read.ends, read.n_ends * 4, ends, sizeof ends);
  g_assert_cmpuint (read.n_decode, ==, 64);
  g_assert_true (read.ignore_end);
  g_assert_cmpmem (&read.lookup, sizeof read.lookup, &work.lookup, sizeof work.lookup);
  rt_work_close (&read);
}

static void
test_inputs (void)
{
  guint8 data[6000];
  RtWork work = { .kind = RT_WORK_INPUTS,
                  .n_repeats = 12,
                  .outputs = RT_WORK_OUTPUTS_LAST,
                  .n_inputs = 6,
                  .n_steps = 3,
                  .data = data,
                  .data_bytes = sizeof data };
  RtWork read;

  for (guint i = 0; i < sizeof data; i++)
    data[i] = (guint8)(i * 31 + i / 256); /* newlines and zeros among them */
  write_and_open (&work, &read);
  g_assert_cmpint (read.kind, ==, RT_WORK_INPUTS);
  g_assert_cmpint (read.outputs, ==, RT_WORK_OUTPUTS_LAST);
  g_assert_cmpuint (read.n_repeats, ==, 12);
  g_assert_cmpuint (read.n_inputs, ==, 6);
  g_assert_cmpuint (read.n_steps, ==, 3);
  g_assert_cmpmem (read.data, read.data_bytes, data, sizeof data);
  rt_work_close (&read);
}

/* A file of version 1 is read, without what came later; and what needs nothing later is written as
 * one, for readers that know no more. */
static void
test_versions (void)
{
  static const char old[] = "lathe-work 1\nkind text\nbudget_s 2\nprompt 1 7\ndecode 3\n";
  static const char new[] = "lathe-work 2\nkind text\ninterval 0.025\nprompt 1 7\ndecode 3\n";
  char *root = test_tree_new ();
  g_autofree char *path = g_build_filename (root, "work", NULL), *text = NULL;
  RtError error = { 0 };
  RtWork work;

  g_assert_true (rt_work_parse (old, strlen (old), &work, &error));
  g_assert_cmpfloat (work.interval, ==, 0);
  g_assert_cmpfloat (work.budget_s, ==, 2);
  for (guint version = 1; version <= 2; version++)
    {
      work.interval = version == 1 ? 0 : 0.1;
      g_assert_true (rt_work_write (path, &work, &error));
      g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
      g_assert_cmpint (g_str_has_prefix (text, "lathe-work 1\n"), ==, version == 1);
      g_assert_cmpint (strstr (text, "interval") != NULL, ==, version == 2);
      g_clear_pointer (&text, g_free);
    }
  rt_work_close (&work);
  g_assert_true (rt_work_parse (new, strlen (new), &work, &error));
  g_assert_cmpfloat (work.interval, ==, 0.025);
  rt_work_close (&work);
  test_tree_free (root);
}

/* ---- What is refused ---- */

#define TEXT "lathe-work 1\nkind text\n"
#define INPUTS "lathe-work 1\nkind inputs\n"
#define TEXT2 "lathe-work 2\nkind text\n"

static void
test_refused (void)
{
  static const struct
  {
    const char *bytes, *says;
  } cases[] = {
    { "", "begins otherwise" },
    { "lathe-work 1", "begins otherwise" },
    { "lathe-work one\n", "begins otherwise" },
    { "lathe-work 0\nkind text\n", "version 0" },
    { "lathe-work 3\nkind text\n", "version 3" },
    { TEXT "interval 0.05\n", "does not know" },
    { TEXT2 "interval 1\n", "Line 3" },
    { TEXT2 "interval 5 %\n", "Line 3" },
    { TEXT2 "interval -0.05\n", "Line 3" },
    { TEXT2 "interval 0.05\ninterval 0.05\n", "twice" },
    { "lathe-work 1\nkind song\n", "Line 2" },
    { "lathe-work 1\nkind text x\n", "Line 2" },
    { "lathe-work 1\nkind all text\n", "Line 2" },
    { TEXT "prompt 1\n", "lacks its line \"decode\"" },
    { TEXT "decode 1\n", "lacks its line \"prompt\"" },
    { TEXT "prompt 1\ndecode 1", "cut short" },
    { TEXT "prompt 1\ndecode 1\ndecode 1\n", "Line 5" },
    { TEXT "prompt 1\ndecode 1\n\n", "Line 5" },
    { TEXT "prompt 1\ndecode 1\nsing 1\n", "does not know" },
    { TEXT "prompt 1\ndecode 1\nsteps 1\n", "steps is not for text" },
    { TEXT "prompt 1\ndecode 1\ndata 1\nx", "data is not for text" },
    { TEXT "prompt 1\ndecode -1\n", "Line 4" },
    { TEXT "prompt 1\ndecode 1 2\n", "Line 4" },
    { TEXT "prompt 1\ndecode 18446744073709551617\n", "Line 4" },
    { TEXT "prompt\ndecode 1\n", "Line 3" },
    { TEXT "prompt \ndecode 1\n", "Line 3" },
    { TEXT "prompt 1  2\ndecode 1\n", "Line 3" },
    { TEXT "prompt 1 \ndecode 1\n", "Line 3" },
    { TEXT "prompt 1,2\ndecode 1\n", "Line 3" },
    { TEXT "prompt 2147483648\ndecode 1\n", "Line 3" },
    { TEXT "threads 1025\n", "Line 3" },
    { TEXT "budget_s 1e3\n", "Line 3" },
    { TEXT "budget_s .5\n", "Line 3" },
    { TEXT "budget_s 5.\n", "Line 3" },
    { TEXT "budget_s 1.5.2\n", "Line 3" },
    { TEXT "budget_s nan\n", "Line 3" },
    { TEXT "budget_s 86401\n", "Line 3" },
    { TEXT "ignore_end 2\n", "Line 3" },
    { INPUTS "inputs 0\ndata 0\n", "Line 3" },
    { INPUTS "inputs 1000001\ndata 0\n", "Line 3" },
    { INPUTS "outputs all last\n", "Line 3" },
    { INPUTS "inputs 2\ndata 5\n12345", "not of one size" },
    { INPUTS "inputs 2\ndata 4\n123", "cut short" },
    { INPUTS "inputs 2\ndata 4\n12345", "too long" },
    { INPUTS "inputs 4\nsteps 3\ndata 4\n1234", "groups of 3 steps" },
    { INPUTS "data 4\n1234", "lacks its line \"inputs\"" },
    { INPUTS "inputs 1\n", "lacks its line \"data\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      RtError error = { 0 };
      RtWork work;
      g_test_message ("%s", cases[i].bytes);
      g_assert_false (rt_work_parse (cases[i].bytes, strlen (cases[i].bytes), &work, &error));
      g_assert_nonnull (strstr (error.message, cases[i].says));
      rt_work_close (&work);
    }
}

/* Every beginning of a good file is refused or, where only lines that may be absent are cut off,
 * read as what it is. */
static void
test_cut (void)
{
  static const char whole[] = INPUTS "inputs 2\nsteps 2\noutputs none\ndata 8\nabcd\nfgh";
  const gsize n = sizeof whole - 1;

  for (gsize cut = 0; cut <= n; cut++)
    {
      g_autofree char *bytes = g_memdup2 (whole, cut > 0 ? cut : 1);
      RtError error = { 0 };
      RtWork work;
      bool ok = rt_work_parse (bytes, cut, &work, &error);
      g_assert_cmpint (ok, ==, cut == n);
      g_assert_cmpint (error.status == RT_OK, ==, ok);
      rt_work_close (&work);
    }
}

static void
test_wrong_work (void)
{
  int32_t prompt[] = { 1, -1 };
  char *root = test_tree_new ();
  g_autofree char *path = g_build_filename (root, "work", NULL);
  g_autofree char *nowhere = g_build_filename (root, "no", "work", NULL);
  RtError error = { 0 };

  /* A token below 0: nothing is written that a runner would refuse. */
  g_assert_false (rt_work_write (path,
                                 &(RtWork){ .kind = RT_WORK_TEXT, .prompt = prompt, .n_prompt = 2 },
                                 &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_RANGE);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  error = (RtError){ 0 };
  g_assert_false (rt_work_write (nowhere,
                                 &(RtWork){ .kind = RT_WORK_TEXT, .prompt = prompt, .n_prompt = 1 },
                                 &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_IO);
  g_assert_nonnull (strstr (error.message, nowhere));
  RtWork work;
  error = (RtError){ 0 };
  g_assert_false (rt_work_open (nowhere, &work, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_IO);
  rt_work_close (&work);
  error = (RtError){ 0 };
  g_assert_false (rt_work_open (root, &work, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_IO);
  rt_work_close (&work);
  test_tree_free (root);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/work-file/text", test_text);
  g_test_add_func ("/work-file/inputs", test_inputs);
  g_test_add_func ("/work-file/versions", test_versions);
  g_test_add_func ("/work-file/refused", test_refused);
  g_test_add_func ("/work-file/cut", test_cut);
  g_test_add_func ("/work-file/wrong-work", test_wrong_work);
  return g_test_run ();
}
