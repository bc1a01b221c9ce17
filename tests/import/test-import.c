/* The builder that importers share: names, constants, folding, reports, what is left out. */
#include <glib.h>
#include <string.h>

#include "eng-import.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"

static const RtShape two_by_two = { .n_dims = 2, .dims = { 2, 2 } };
static const float numbers[4] = { 1, 2, 3, 4 };

static void
test_folding (void)
{
  g_autoptr (EngImport) import = eng_import_new ();
  g_autoptr (GError) error = NULL;
  RtValueId x = eng_import_input (import, "x", RT_TYPE_F32, &two_by_two);
  RtValueId c
      = eng_import_constant (import, "c", RT_TYPE_F32, &two_by_two, numbers, sizeof numbers, TRUE);

  eng_import_begin_node (import, "same", "Identity", 0);
  RtValueId same = eng_import_node1 (import, &rt_op_identity, NULL, &c, 1);
  g_assert_true (eng_import_is_constant (import, same));
  gsize n;
  g_autofree float *values = eng_import_dup_floats (import, same, &n);
  g_assert_cmpuint (n, ==, 4);
  g_assert_cmpfloat (values[3], ==, 4);
  g_autofree gint64 *ints = eng_import_dup_ints (import, same, &n);
  g_assert_cmpint (ints[2], ==, 3);

  eng_import_begin_node (import, "", "Add", 1);
  RtValueId y = eng_import_node1 (import, &rt_op_add, NULL, (RtValueId[]){ x, x }, 2);
  g_assert_cmpuint (y, !=, RT_NONE);
  eng_import_bind (import, "y", y);
  /* Nothing reads this one. */
  eng_import_begin_node (import, "dead", "Add", 2);
  g_assert_cmpuint (eng_import_node1 (import, &rt_op_add, NULL, (RtValueId[]){ y, x }, 2), !=,
                    RT_NONE);
  g_assert_true (eng_import_output (import, "y"));
  g_assert_true (eng_import_output (import, "c")); /* a constant as an output */

  g_autoptr (EngImported) imported = eng_import_finish (import, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (imported->n_inputs, ==, 1);
  g_assert_cmpuint (imported->n_outputs, ==, 2);
  g_assert_cmpuint (rt_graph_n_nodes (imported->graph), ==, 2);
  g_assert_cmpstr (rt_graph_node (imported->graph, 0)->sources[0], ==, "Add_1");
  const RtValue *out = rt_graph_value (imported->graph, imported->outputs[0].value);
  g_assert_cmpint (out->kind, ==, RT_VALUE_OUTPUT);
  g_assert_cmpuint (imported->report[0] == NULL, ==, TRUE);
}

static void
test_unsupported (void)
{
  g_autoptr (EngImport) import = eng_import_new ();
  g_autoptr (GError) error = NULL;
  RtValueId x = eng_import_input (import, "x", RT_TYPE_F32, &two_by_two);
  const RtShape *shape = &two_by_two;

  eng_import_begin_node (import, "odd", "Frobnicate", 6);
  eng_import_refuse (import, "there is no such operator");
  eng_import_unsupported (import, &x, 1, (const char *const[]){ "odd_out", "unknown" },
                          (const RtShape *const[]){ shape, NULL }, NULL, 2);
  g_assert_cmpuint (eng_import_find (import, "unknown"), ==, RT_NONE);
  RtValueId odd = eng_import_find (import, "odd_out");

  eng_import_begin_node (import, "sum", "Add", 7);
  eng_import_bind (import, "y",
                   eng_import_node1 (import, &rt_op_add, NULL, (RtValueId[]){ odd, x }, 2));
  g_assert_true (eng_import_output (import, "y"));
  g_assert_false (eng_import_output (import, "unknown"));
  g_autoptr (EngImported) imported = eng_import_finish (import, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (rt_graph_n_nodes (imported->graph), ==, 3);
  g_assert_cmpuint (g_strv_length (imported->report), ==, 1);
  g_assert_nonnull (strstr (imported->report[0], "odd"));
  g_assert_nonnull (strstr (imported->report[0], "Frobnicate, number 7"));
  g_assert_nonnull (strstr (imported->report[0], "no such operator"));
}

static void
test_refusals (void)
{
  g_autoptr (EngImport) import = eng_import_new ();
  const RtShape other = { .n_dims = 1, .dims = { 3 } };
  RtValueId x = eng_import_input (import, "x", RT_TYPE_F32, &two_by_two);
  RtValueId z = eng_import_input (import, "x", RT_TYPE_F32, &other); /* the same name again */

  g_assert_cmpuint (x, !=, z);
  g_assert_cmpuint (eng_import_find (import, "x"), ==, z);
  eng_import_begin_node (import, "bad", "Add", 0);
  g_assert_cmpuint (eng_import_node1 (import, &rt_op_add, NULL, (RtValueId[]){ x, z }, 2), ==,
                    RT_NONE);
  g_assert_nonnull (strstr (eng_import_reason (import), "[2, 2]"));
  g_assert_cmpuint (eng_import_node1 (import, &rt_op_add, NULL, (RtValueId[]){ x, RT_NONE }, 2), ==,
                    RT_NONE);
  /* 2^40 elements. */
  const RtShape huge = { .n_dims = 2, .dims = { 1 << 20, 1 << 20 } };
  g_assert_cmpuint (eng_import_input (import, "h", RT_TYPE_F32, &huge), ==, RT_NONE);
  g_assert_nonnull (strstr (eng_import_reason (import), "elements"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/import/folding", test_folding);
  g_test_add_func ("/import/unsupported", test_unsupported);
  g_test_add_func ("/import/refusals", test_refusals);
  return g_test_run ();
}
