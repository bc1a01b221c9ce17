/* ONNX's own operator tests, as Debian ships them (libonnx-testdata): a folder per test with a
 * model, inputs and the outputs that are right. Each is imported, laid out, and run on 1 and 2
 * threads.
 *
 *   onnx-node-tests FOLDER EXPECTED [PATTERN]      print TAP; only tests whose name has PATTERN in
 *                                                  it
 *
 * EXPECTED lists the tests that pass, one name a line: one of them that does not is a failure,
 * skipped or not. A test whose operators are not supported is skipped with the import report's
 * reason; a result that is wrong is a failure always. Inputs that decide about shapes (Reshape's,
 * say) are given to the importer, as our shapes are fixed when a file is read. */
#include "eng-onnx.h"
#include "net-runner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kn-quant.h"

/* As in ONNX's backend test runner. */
#define RELATIVE 1e-3
#define ABSOLUTE 1e-7

typedef struct
{
  EngOnnxFile *holder;
  EngOnnxTensor tensor;
} Tensor;

typedef struct
{
  char *folder;
  GArray *inputs, *outputs; /* Tensor */
  GPtrArray *input_names;
  gboolean padded; /* outputs may have unused rows of -1 (NonMaxSuppression) */
} Case;

typedef enum
{
  PASSED,
  SKIPPED,
  FAILED,
} Verdict;

/* Where the suite's own program does not do what the standard's text says, and we follow the
 * text. */
static const struct
{
  const char *name, *reason;
} divergences[] = {
  { "test_resize_downsample_scales_cubic_align_corners",
    "the suite divides by the length before it is rounded; the text, and ONNX Runtime, do not" },
  { "test_resize_downsample_scales_linear_align_corners",
    "the suite divides by the length before it is rounded; the text, and ONNX Runtime, do not" },
};

/* ---- a test's files ---- */

static void
clear_tensor (gpointer data)
{
  eng_onnx_file_free (((Tensor *)data)->holder);
}

/* input_0.pb, input_1.pb, ...; an empty file is an optional input that is absent. */
static gboolean
read_tensors (const char *folder, const char *kind, GArray *tensors, char **reason)
{
  for (guint i = 0;; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s_%u.pb", kind, i);
      g_autofree char *path = g_build_filename (folder, "test_data_set_0", name, NULL);
      g_autoptr (GError) error = NULL;
      Tensor t = { 0 };

      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        return TRUE;
      t.holder = eng_onnx_tensor_load (path, &t.tensor, &error);
      if (t.holder == NULL)
        {
          *reason = g_strdup_printf ("%s: %s", name, error->message);
          return FALSE;
        }
      g_array_append_val (tensors, t);
    }
}

static void
case_init (Case *c, const char *folder)
{
  *c = (Case){ .folder = g_strdup (folder) };
  c->inputs = g_array_new (FALSE, TRUE, sizeof (Tensor));
  c->outputs = g_array_new (FALSE, TRUE, sizeof (Tensor));
  g_array_set_clear_func (c->inputs, clear_tensor);
  g_array_set_clear_func (c->outputs, clear_tensor);
  c->input_names = g_ptr_array_new_with_free_func (g_free);
}

static void
case_clear (Case *c)
{
  g_free (c->folder);
  g_array_unref (c->inputs);
  g_array_unref (c->outputs);
  g_ptr_array_unref (c->input_names);
}

/* ---- importing ---- */

/* The test's inputs that are in @names (all of them: NULL). */
static GArray *
fix_inputs (const Case *c, GHashTable *names)
{
  GArray *fixed = g_array_new (FALSE, TRUE, sizeof (EngOnnxFixed));

  for (guint i = 0; i < c->input_names->len && i < c->inputs->len; i++)
    if (g_hash_table_contains (names, c->input_names->pdata[i]))
      {
        const EngOnnxTensor *t = &g_array_index (c->inputs, Tensor, i).tensor;
        EngOnnxFixed f = { c->input_names->pdata[i], t->type, t->shape, t->data };
        g_array_append_val (fixed, f);
      }
  return fixed;
}

/* Give the importer what it asks for, until it asks for nothing new. */
static EngImported *
import (Case *c, char **reason)
{
  g_autofree char *path = g_build_filename (c->folder, "model.onnx", NULL);
  g_autoptr (GHashTable) wanted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GError) error = NULL;

  for (;;)
    {
      guint n_wanted = g_hash_table_size (wanted);
      EngOnnxFile *file = eng_onnx_file_load (path, &error);
      if (file == NULL)
        {
          *reason = g_strdup (error->message);
          return NULL;
        }
      g_ptr_array_set_size (c->input_names, 0);
      eng_onnx_file_input_names (file, c->input_names);
      c->padded = eng_onnx_file_has_node (file, "NonMaxSuppression");
      g_autoptr (GArray) fixed = fix_inputs (c, wanted);
      EngOnnxOptions options = { .fixed = (const EngOnnxFixed *)(gpointer)fixed->data,
                                 .n_fixed = fixed->len,
                                 .wanted = wanted };
      EngImported *imported = eng_onnx_import (file, &options, NULL, &error);
      if (imported == NULL)
        {
          *reason = g_strdup (error->message);
          return NULL;
        }
      if (imported->report[0] == NULL)
        return imported;
      if (g_hash_table_size (wanted) == n_wanted)
        {
          *reason = g_strdup (imported->report[0]);
          eng_imported_free (imported);
          return NULL;
        }
      eng_imported_free (imported);
    }
}

/* ---- comparing ---- */

static double
number_at (int type, gconstpointer data, gsize i)
{
  float f;

  switch (type)
    {
    case RT_TYPE_F32:
      return (double)((const float *)data)[i];
    case RT_TYPE_F64:
      return ((const double *)data)[i];
    case RT_TYPE_F16:
    case RT_TYPE_BF16:
      kn_dequantize_row (type, (const guint16 *)data + i, &f, 1);
      return (double)f;
    default:
      return 0;
    }
}

static gboolean
is_float (int type)
{
  return type == RT_TYPE_F32 || type == RT_TYPE_F64 || type == RT_TYPE_F16 || type == RT_TYPE_BF16;
}

static gboolean
is_close (double got, double expected)
{
  if (isnan (expected) || isinf (expected))
    return isnan (expected) ? isnan (got) : got == expected;
  return fabs (got - expected) <= ABSOLUTE + RELATIVE * fabs (expected);
}

/* Rows of a padded output beyond those expected are -1. */
static gboolean
is_padding (const RtShape *got, const RtShape *expected, const gint64 *data)
{
  if (got->n_dims != 2 || expected->n_dims != 2 || got->dims[1] != expected->dims[1]
      || got->dims[0] < expected->dims[0])
    return FALSE;
  for (guint64 i = rt_shape_n (expected); i < rt_shape_n (got); i++)
    if (data[i] != -1)
      return FALSE;
  return TRUE;
}

static char *
compare (const Case *c, const char *name, int type, const RtShape *shape, gconstpointer data,
         const EngOnnxTensor *expected)
{
  char got_text[128], expected_text[128];
  gboolean same_shape
      = shape->n_dims == expected->shape.n_dims
        && memcmp (shape->dims, expected->shape.dims, shape->n_dims * sizeof *shape->dims) == 0;

  if (type != expected->type)
    return g_strdup_printf ("%s is of %s, expected %s", name, rt_type_name (type),
                            rt_type_name (expected->type));
  if (!same_shape && !(c->padded && is_padding (shape, &expected->shape, data)))
    return g_strdup_printf ("%s is %s, expected %s", name,
                            rt_shape_text (shape, got_text, sizeof got_text),
                            rt_shape_text (&expected->shape, expected_text, sizeof expected_text));
  if (!is_float (type))
    {
      if (expected->n_bytes == 0 || memcmp (data, expected->data, expected->n_bytes) == 0)
        return NULL;
      return g_strdup_printf ("%s has other numbers", name);
    }
  for (gsize i = 0; i < expected->n; i++)
    {
      double got = number_at (type, data, i), wanted = number_at (type, expected->data, i);
      if (!is_close (got, wanted))
        return g_strdup_printf ("%s element %" G_GSIZE_FORMAT " is %.9g, expected %.9g", name, i,
                                got, wanted);
    }
  return NULL;
}

/* ---- running ---- */

static char *
set_inputs (const Case *c, const NetRunner *net)
{
  for (guint i = 0; i < net->imported->n_inputs; i++)
    {
      const EngPort *port = &net->imported->inputs[i];
      const EngOnnxTensor *t = NULL;
      for (guint k = 0; k < c->input_names->len && k < c->inputs->len; k++)
        if (g_strcmp0 (c->input_names->pdata[k], port->name) == 0)
          t = &g_array_index (c->inputs, Tensor, k).tensor;
      RtValueId id = net_runner_value (net, port);
      if (t == NULL || id == RT_NONE)
        return g_strdup_printf ("no data for input %s", port->name);
      if (t->n_bytes != net_runner_bytes (net, id))
        return g_strdup_printf ("input %s has another size than the model says", port->name);
      rt_exec_set_input (net->exec, id, t->data);
    }
  return NULL;
}

static char *
run_once (const Case *c, const EngImported *imported, guint n_threads)
{
  RtError error = { 0 };
  NetRunner net = { 0 };
  char *wrong;

  if (!net_runner_init (&net, imported, n_threads, FALSE, FALSE, &error))
    {
      net_runner_clear (&net);
      return g_strdup (error.message);
    }
  wrong = set_inputs (c, &net);
  if (wrong == NULL && !rt_exec_infer (net.exec, NULL, RT_PHASE_INFERENCE, &error))
    wrong = g_strdup (error.message);
  if (wrong == NULL && imported->n_outputs != c->outputs->len)
    wrong = g_strdup_printf ("%u outputs, expected %u", imported->n_outputs, c->outputs->len);
  for (guint i = 0; i < imported->n_outputs && wrong == NULL; i++)
    {
      RtValueId id = net_runner_value (&net, &imported->outputs[i]);
      RtShape shape;
      rt_exec_value_shape (net.exec, id, &shape);
      wrong = compare (c, imported->outputs[i].name, rt_graph_value (net.graph, id)->type, &shape,
                       rt_exec_value (net.exec, id), &g_array_index (c->outputs, Tensor, i).tensor);
    }
  net_runner_clear (&net);
  return wrong;
}

/* Some tests store bfloat16 as uint16, or as float: nothing to compare then. */
static char *
odd_data (const Case *c, const EngImported *imported)
{
  for (guint i = 0; i < imported->n_inputs; i++)
    for (guint k = 0; k < c->input_names->len && k < c->inputs->len; k++)
      {
        const EngPort *port = &imported->inputs[i];
        int type = rt_graph_value (imported->graph, port->value)->type;
        const EngOnnxTensor *t = &g_array_index (c->inputs, Tensor, k).tensor;
        if (g_strcmp0 (c->input_names->pdata[k], port->name) == 0 && t->type != type)
          return g_strdup_printf ("the test's own input is of %s where the model says %s",
                                  rt_type_name (t->type), rt_type_name (type));
      }
  for (guint i = 0; i < imported->n_outputs && i < c->outputs->len; i++)
    {
      int type = rt_graph_value (imported->graph, imported->outputs[i].value)->type;
      const EngOnnxTensor *t = &g_array_index (c->outputs, Tensor, i).tensor;
      if (type == RT_TYPE_BF16 && t->type != type)
        return g_strdup_printf ("the test's own output is of %s where the model says %s",
                                rt_type_name (t->type), rt_type_name (type));
    }
  return NULL;
}

static Verdict
run_case (const char *folder, char **reason)
{
  Verdict verdict = SKIPPED;
  EngImported *imported = NULL;
  Case c;

  /* What the importer says of an input that is no tensor is better than what reading it as one
   * gives. */
  g_autofree char *unread = NULL;
  case_init (&c, folder);
  if (read_tensors (folder, "input", c.inputs, &unread))
    read_tensors (folder, "output", c.outputs, &unread);
  imported = import (&c, reason);
  if (imported != NULL && unread == NULL)
    unread = odd_data (&c, imported);
  if (imported != NULL && unread != NULL)
    {
      *reason = g_steal_pointer (&unread);
    }
  else if (imported != NULL)
    {
      for (guint n_threads = 1; n_threads <= 2 && *reason == NULL; n_threads++)
        *reason = run_once (&c, imported, n_threads);
      verdict = *reason == NULL ? PASSED : FAILED;
    }
  eng_imported_free (imported);
  for (guint i = 0; i < G_N_ELEMENTS (divergences) && verdict == FAILED; i++)
    if (g_str_has_suffix (folder, divergences[i].name))
      {
        g_free (*reason);
        *reason = g_strdup (divergences[i].reason);
        verdict = SKIPPED;
      }
  case_clear (&c);
  return verdict;
}

/* ---- the whole list ---- */

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *
list_tests (const char *folder, const char *pattern)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (pattern == NULL || strstr (name, pattern) != NULL)
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  return names;
}

static GHashTable *
read_expected (const char *path)
{
  GHashTable *names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *text = NULL;

  if (g_file_get_contents (path, &text, NULL, NULL))
    {
      g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
      for (guint i = 0; lines[i] != NULL; i++)
        if (lines[i][0] != '\0' && lines[i][0] != '#')
          g_hash_table_add (names, g_strdup (lines[i]));
    }
  return names;
}

/* On one line, for TAP. */
static const char *
one_line (char *text)
{
  return text != NULL ? g_strdelimit (text, "\n#", ' ') : "";
}

int
main (int argc, char **argv)
{
  guint counts[3] = { 0 }, n_lost = 0, n_new = 0;

  if (argc < 3)
    {
      fprintf (stderr, "usage: onnx-node-tests FOLDER EXPECTED [PATTERN]\n");
      return 2;
    }
  g_autoptr (GPtrArray) names = list_tests (argv[1], argc > 3 ? argv[3] : NULL);
  g_autoptr (GHashTable) expected = read_expected (argv[2]);
  if (names->len == 0)
    {
      printf ("1..0 # SKIP no tests in %s: install libonnx-testdata\n", argv[1]);
      return 0;
    }
  printf ("1..%u\n", names->len);
  for (guint i = 0; i < names->len; i++)
    {
      const char *name = names->pdata[i];
      g_autofree char *folder = g_build_filename (argv[1], name, NULL);
      g_autofree char *reason = NULL;
      Verdict verdict = run_case (folder, &reason);
      gboolean was_good = g_hash_table_contains (expected, name);

      if (verdict == SKIPPED && !was_good)
        printf ("ok %u %s # SKIP %s\n", i + 1, name, one_line (reason));
      else if (verdict == PASSED)
        printf ("ok %u %s%s\n", i + 1, name, was_good ? "" : " (not in the list yet)");
      else
        printf ("not ok %u %s\n# %s: %s\n", i + 1, name, name, one_line (reason));
      fflush (stdout);
      n_lost += was_good && verdict != PASSED;
      n_new += !was_good && verdict == PASSED;
      counts[verdict]++;
    }
  printf ("# %u passed, %u wrong, %u not supported; %u that passed before do not, %u are new\n",
          counts[PASSED], counts[FAILED], counts[SKIPPED], n_lost, n_new);
  return n_lost > 0 || counts[FAILED] > 0;
}
