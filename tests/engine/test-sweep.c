/* Sweeps: recipes from JSON, each measured, evaluated and kept; what is kept is not measured again;
 * what cannot be built is a row with the reason. */
#include <string.h>

#include "eng-error.h"
#include "eng-sketch.h"
#include "eng-sweep.h"
#include "eng-test.h"

static void
check_bad (const char *json, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (eng_sweep_items_from_json (json, &error));
  g_assert_nonnull (error);
  if (strstr (error->message, part) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, part);
}

static void
test_items (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) items = eng_sweep_items_from_json (
      "{\"lathe-sweep\": 1, \"recipes\": ["
      "{\"name\": \"plain\", \"recipe\": {\"lathe-recipe\": 1, \"techniques\": {}}},"
      "{\"name\": \"four\", \"recipe\": {\"lathe-recipe\": 1, \"techniques\": {\"weight-format\": "
      "{\"format\": \"q4_0\"}}}}]}",
      &error);
  g_assert_no_error (error);
  g_assert_cmpuint (items->len, ==, 2);
  const EngSweepItem *four = items->pdata[1];
  g_autofree char *format = eng_recipe_get_string (four->recipe, "weight-format", "format", NULL);
  g_assert_cmpstr (four->name, ==, "four");
  g_assert_cmpstr (format, ==, "q4_0");

  check_bad ("{", "not JSON");
  check_bad ("[]", "no sweep");
  check_bad ("{\"lathe-sweep\": 2, \"recipes\": []}", "version");
  check_bad ("{\"lathe-sweep\": 1, \"recipes\": []}", "no recipes");
  check_bad ("{\"lathe-sweep\": 1, \"recipes\": [{\"name\": \"x\"}]}", "Entry 1");
  check_bad (
      "{\"lathe-sweep\": 1, \"recipes\": [{\"name\": \"x\", \"recipe\": {\"lathe-recipe\": 1, "
      "\"techniques\": {\"magic\": {}}}}]}",
      "magic");
  check_bad ("{\"lathe-sweep\": 1, \"recipes\": ["
             "{\"name\": \"x\", \"recipe\": {\"lathe-recipe\": 1, \"techniques\": {}}},"
             "{\"name\": \"x\", \"recipe\": {\"lathe-recipe\": 1, \"techniques\": {}}}]}",
             "earlier");
}

/* Every recipe of the built-in list can be lowered for the built-in model, and no two are the
 * same, nor called the same. */
static void
test_standard (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (GPtrArray) items = eng_sweep_items_standard (model, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (items->len, >=, 4);
  for (guint i = 0; i < items->len; i++)
    {
      const EngSweepItem *item = items->pdata[i];
      g_autoptr (EngSketch) sketch = eng_sketch_new (model, item->recipe, &error);
      g_assert_no_error (error);
      g_autofree char *words = eng_recipe_describe (item->recipe);
      for (guint k = 0; k < i; k++)
        {
          const EngSweepItem *other = items->pdata[k];
          g_autofree char *its = eng_recipe_describe (other->recipe);
          g_assert_false (eng_recipe_equal (item->recipe, other->recipe));
          g_assert_cmpstr (words, !=, its);
        }
    }
}

static GPtrArray *
make_items (void)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *items = eng_sweep_items_from_json (
      "{\"lathe-sweep\": 1, \"recipes\": ["
      "{\"name\": \"plain\", \"recipe\": {\"lathe-recipe\": 1, \"techniques\": {}}},"
      "{\"name\": \"eight\", \"recipe\": {\"lathe-recipe\": 1, \"techniques\": {\"weight-format\": "
      "{\"format\": \"q8_0\"}}}}]}",
      &error);
  g_assert_no_error (error);
  return items;
}

static void
count_row (const EngSweepRow *row, guint index, guint n, gpointer user_data)
{
  guint *n_rows = user_data;
  g_assert_cmpuint (index, ==, *n_rows);
  g_assert_cmpuint (n, ==, 2);
  ++*n_rows;
}

static void
test_sweep (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (GPtrArray) items = make_items ();
  char *directory = eng_test_directory ();
  g_autofree char *file = g_build_filename (directory, "history.db", NULL);
  EngSweepConfig config
      = { .n_decode = 8, .interval_width = 0.5, .budget_s = 0.2, .n_tokens = 256 };
  guint n_rows = 0;

  {
    g_autoptr (EngHistory) history = eng_history_open (file, &error);
    g_assert_no_error (error);
    g_autoptr (GPtrArray) rows
        = eng_sweep (model, items, &config, history, NULL, count_row, &n_rows, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (n_rows, ==, 2);
    const EngSweepRow *plain = rows->pdata[0], *eight = rows->pdata[1];
    EngFigure wide = eng_run_get_figure (plain->run, ENG_FIGURE_WEIGHTS),
              narrow = eng_run_get_figure (eight->run, ENG_FIGURE_WEIGHTS),
              same = eng_run_get_figure (plain->evaluation, ENG_FIGURE_KL_DIVERGENCE),
              other = eng_run_get_figure (eight->evaluation, ENG_FIGURE_KL_DIVERGENCE);
    g_assert_null (plain->error);
    g_assert_false (plain->is_kept);
    /* 16 bits become 8.5; vectors stay. */
    g_assert_cmpfloat (narrow.value / wide.value, <, 0.55);
    g_assert_cmpfloat (narrow.value / wide.value, >, 0.53);
    g_assert_true (eng_run_get_figure (plain->run, ENG_FIGURE_DECODE).available);
    g_assert_cmpfloat (same.value, ==, 0);
    g_assert_cmpfloat (other.value, >, 0);

    /* The same once more: from the history. */
    n_rows = 0;
    g_autoptr (GPtrArray) kept
        = eng_sweep (model, items, &config, history, NULL, count_row, &n_rows, &error);
    g_assert_no_error (error);
    for (guint i = 0; i < 2; i++)
      {
        const EngSweepRow *then = rows->pdata[i], *now = kept->pdata[i];
        g_assert_true (now->is_kept);
        g_assert_cmpstr (eng_run_get_id (now->run), ==, eng_run_get_id (then->run));
        g_assert_cmpstr (eng_run_get_id (now->evaluation), ==, eng_run_get_id (then->evaluation));
      }
  }
  eng_test_remove (directory);
}

/* A set that is not there fails each evaluation; the speeds stand, and all rows come. */
static void
test_failures (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (GPtrArray) items = make_items ();
  EngSweepConfig config
      = { .n_decode = 4, .interval_width = 0.5, .budget_s = 0.1, .data = "/nowhere/at-all.txt" };
  g_autoptr (GPtrArray) rows = eng_sweep (model, items, &config, NULL, NULL, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (rows->len, ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      const EngSweepRow *row = rows->pdata[i];
      g_assert_nonnull (row->run);
      g_assert_null (row->evaluation);
      g_assert_nonnull (strstr (row->error, "at-all.txt"));
    }
}

static void
test_cancel (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (GPtrArray) items = make_items ();
  g_autoptr (EngJob) job = eng_job_new ("Sweep");
  EngSweepConfig config = { 0 };

  eng_job_cancel (job);
  g_assert_null (eng_sweep (model, items, &config, NULL, job, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sweep/items", test_items);
  g_test_add_func ("/sweep/standard", test_standard);
  g_test_add_func ("/sweep/run", test_sweep);
  g_test_add_func ("/sweep/failures", test_failures);
  g_test_add_func ("/sweep/cancel", test_cancel);
  return g_test_run ();
}
