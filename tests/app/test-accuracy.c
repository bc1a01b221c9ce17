/* Accuracy per layer in the window: results come by themselves, stay when they are asked for again,
 * and go with the recipe; distributions as a chart and in words. */
#include "app-distribution-feed.h"
#include "app-layer-errors.h"
#include "plots.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static const char *model_path;

static EngRecipe *
recipe_of (const char *format)
{
  g_autofree char *json = g_strdup_printf (
      "{\"lathe-recipe\": 1, \"techniques\": {\"weight-format\": {\"format\": \"%s\"}}}", format);
  g_autoptr (GError) error = NULL;
  EngRecipe *recipe = eng_recipe_from_json (json, &error);

  g_assert_no_error (error);
  return recipe;
}

static void
wait_for (gboolean (*condition) (gpointer), gpointer data)
{
  gint64 end_us = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;

  while (!condition (data))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end_us);
      g_main_context_iteration (NULL, FALSE);
      g_usleep (1000);
    }
}

typedef struct
{
  AppLayerErrors *errors;
  guint n_changed;
  gboolean done;
  GError *error;
  EngJob *job;
  double stop_at;
} Watch;

static void
on_changed (AppLayerErrors *errors, gpointer data)
{
  Watch *watch = data;
  EngLayerErrors *known = app_layer_errors_get (errors);

  watch->n_changed++;
  if (watch->stop_at > 0 && known != NULL && eng_layer_errors_get_progress (known) > watch->stop_at)
    eng_job_cancel (watch->job);
}

static void
on_done (const GError *error, gpointer data)
{
  Watch *watch = data;

  watch->done = TRUE;
  watch->error = error != NULL ? g_error_copy (error) : NULL;
}

static gboolean
is_done (gpointer data)
{
  return ((Watch *)data)->done;
}

static gboolean
is_known (gpointer data)
{
  return app_layer_errors_get (data) != NULL;
}

static void
test_layer_errors (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("lathe-test-XXXXXX", NULL);
  g_autofree char *database = g_build_filename (folder, "history.db", NULL);
  g_autoptr (EngHistory) history = eng_history_open (database, &error);
  g_autoptr (EngModel) model = eng_model_load (model_path, NULL, &error);
  g_autoptr (EngRecipe) plain = eng_recipe_new (), q4 = recipe_of ("q4_0"), q8 = recipe_of ("q8_0");
  g_autoptr (EngBuild) build = eng_build_new (model, q4, NULL, NULL, &error);
  g_autoptr (AppLayerErrors) errors = app_layer_errors_new (history);
  g_autoptr (EngJob) job = eng_job_new ("Accuracy");
  Watch watch = { .errors = errors, .job = job, .stop_at = 0.2 };

  g_assert_no_error (error);
  g_signal_connect (errors, "changed", G_CALLBACK (on_changed), &watch);
  app_layer_errors_set_subject (errors, model, plain);
  g_assert_nonnull (
      strstr (app_layer_errors_get_why_not (errors), "nothing in this recipe changes results"));
  app_layer_errors_set_subject (errors, model, q4);
  g_assert_null (app_layer_errors_get_why_not (errors));
  g_assert_null (app_layer_errors_get (errors));
  g_assert_cmpuint (watch.n_changed, ==, 2);
  app_layer_errors_set_subject (errors, model, q4);
  g_assert_cmpuint (watch.n_changed, ==, 2);

  /* Stopped on the way: what was measured stays. */
  app_layer_errors_measure (errors, build, job, on_done, &watch);
  g_assert_true (app_layer_errors_get_measuring (errors));
  wait_for (is_done, &watch);
  g_assert_false (app_layer_errors_get_measuring (errors));
  g_assert_error (watch.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&watch.error);
  g_assert_cmpfloat (eng_layer_errors_get_progress (app_layer_errors_get (errors)), <, 1);

  /* Another recipe knows nothing; back, the history does. */
  watch.stop_at = 0;
  app_layer_errors_set_subject (errors, model, q8);
  g_assert_null (app_layer_errors_get (errors));
  app_layer_errors_set_subject (errors, model, q4);
  wait_for (is_known, errors);
  double before = eng_layer_errors_get_progress (app_layer_errors_get (errors));
  g_assert_cmpfloat (before, >, 0.2);

  /* To the end. */
  g_autoptr (EngJob) again = eng_job_new ("Accuracy");
  watch.done = FALSE;
  app_layer_errors_measure (errors, build, again, on_done, &watch);
  wait_for (is_done, &watch);
  g_assert_no_error (watch.error);
  EngLayerErrors *known = app_layer_errors_get (errors);
  g_assert_true (eng_layer_errors_is_complete (known));
  g_assert_true (eng_layer_errors_get_sensitivity (known, 0).available);
  g_assert_nonnull (strstr (eng_layer_errors_get_data (known), "Bundled texts"));
  g_assert_true (isnan (app_layer_errors_estimate_s (model, NAN)));
  /* 16 windows of 128 tokens; 6 blocks, embedding and output, half of the network each, and three
   * more runs. */
  g_assert_cmpfloat (app_layer_errors_estimate_s (model, 1000), ==,
                     16 * 128 * (8 / 2.0 + 3) / 1000);

  app_layer_errors_set_subject (errors, NULL, NULL);
  g_assert_null (app_layer_errors_get (errors));
  g_clear_object (&history);
  g_clear_object (&errors);
  const char *const tails[] = { "", "-wal", "-shm" };
  for (guint i = 0; i < G_N_ELEMENTS (tails); i++)
    {
      g_autofree char *file = g_strconcat (database, tails[i], NULL);
      g_unlink (file);
    }
  g_rmdir (folder);
}

/* Two bins hold all: 3 of 4 numbers and 1 of 4. */
static void
test_chart (void)
{
  g_autoptr (EngDistribution) d = g_new0 (EngDistribution, 1);
  GtkWidget *chart = g_object_ref_sink (plot_chart_new ());

  d->name = g_strdup ("w");
  d->format = g_strdup ("Q4_0");
  d->source = g_strdup ("all 4 weights");
  d->grid_note = g_strdup ("one of 2 groups of 32: the one with the median step");
  d->n = 4;
  d->min = -1;
  d->max = 1;
  d->bin_low = -1;
  d->bin_width = 2.0 / ENG_DISTRIBUTION_BINS;
  d->counts[0] = d->rounded_counts[0] = 3;
  d->counts[ENG_DISTRIBUTION_BINS - 1] = d->rounded_counts[ENG_DISTRIBUTION_BINS - 1] = 1;
  d->has_rounded = d->has_grid = TRUE;
  d->grid = (EngGrid){ .step = 0.125, .offset = -1, .low = 0, .high = 15 };
  d->n_grids = 2;
  d->clipped_frac = 0.25;
  d->entropy_bits = 0.81;
  d->code_bits = 4;
  d->sqnr_db = 20;
  app_distribution_fill (PLOT_CHART (chart), d, FALSE);
  g_assert_cmpuint (plot_chart_get_n_layers (PLOT_CHART (chart)), ==,
                    4); /* wash, steps twice, levels */
  PlotSeries *steps = plot_layer_get_series (plot_chart_get_layer (PLOT_CHART (chart), 1));
  PlotSeries *levels = plot_layer_get_series (plot_chart_get_layer (PLOT_CHART (chart), 3));
  g_assert_cmpuint (plot_series_get_n (steps), ==, ENG_DISTRIBUTION_BINS + 1);
  g_assert_cmpfloat (plot_series_get (steps, PLOT_COLUMN_Y, 0), ==, 0.75);
  g_assert_cmpfloat (plot_series_get (steps, PLOT_COLUMN_Y, ENG_DISTRIBUTION_BINS - 1), ==, 0.25);
  g_assert_cmpuint (plot_series_get_n (levels), ==, 16);
  g_assert_cmpfloat (plot_series_get_x (levels, 8), ==, 0);
  g_autofree char *facts = app_distribution_dup_facts (d);
  g_assert_nonnull (strstr (facts, "SQNR 20.0 dB"));
  g_assert_nonnull (strstr (facts, "Beyond the grid: 25 %"));
  g_assert_nonnull (strstr (facts, "0.81 of 4 bits"));

  /* 256 levels: the ends and zero. Without rounding there is one histogram. */
  d->grid = (EngGrid){ .step = 0.01, .offset = 0, .low = -128, .high = 127 };
  d->sqnr_db = INFINITY;
  app_distribution_fill (PLOT_CHART (chart), d, TRUE);
  g_assert_cmpuint (plot_chart_get_n_layers (PLOT_CHART (chart)), ==, 3);
  levels = plot_layer_get_series (plot_chart_get_layer (PLOT_CHART (chart), 2));
  g_assert_cmpuint (plot_series_get_n (levels), ==, 3);
  g_assert_cmpfloat (plot_series_get_x (levels, 1), ==, 0);
  g_object_unref (chart);
}

int
main (int argc, char **argv)
{
  gtk_test_init (&argc, &argv, NULL);
  model_path = argv[1];
  g_test_add_func ("/app/accuracy/layer-errors", test_layer_errors);
  g_test_add_func ("/app/accuracy/distribution", test_chart);
  return g_test_run ();
}
