/* What the roofline view is fed with: points of layers and operators, what they stand for and back,
 * hidden phases, trails, estimates, the table; and the adviser of a stage without a model. Needs a
 * display. */
#include "app-adviser.h"
#include "app-resources.h"
#include "app-roofline-feed.h"

#include <adwaita.h>
#include <math.h>

#include "../engine/eng-test-profile.h"

static EngModel *model;

/* Two blocks and an output in decode; an operator without arithmetic, and one that was not
 * executed. */
static const EngTestNode decode[] = {
  { 0,
    ENG_ARITHMETIC_F32,
    { 2000000, 2000000, 0, 0 },
    200000,
    "blk.0.ffn_down",
    "Matrix product",
    NULL },
  { 0, ENG_ARITHMETIC_F32, { 0, 0, 1000, 1000 }, 1000, "blk.0.copy", "Copy", NULL },
  { 1,
    ENG_ARITHMETIC_F32,
    { 8000000, 2000000, 0, 0 },
    400000,
    "blk.1.ffn_down",
    "Matrix product",
    NULL },
  { 6, ENG_ARITHMETIC_F32, { 1000, 1000, 0, 0 }, 0, "output", "Matrix product", NULL },
};

typedef struct
{
  PlotChart *chart;
  AppRooflineFeed *feed;
  EngProfile *profile;
  EngRoof roof;
  AppRooflineShown shown;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->chart = PLOT_CHART (g_object_ref_sink (plot_chart_new ()));
  f->feed = app_roofline_feed_new (f->chart);
  f->profile = eng_test_profile (decode, G_N_ELEMENTS (decode), 6, RT_PHASE_DECODE);
  f->roof = eng_test_round_roof ();
  f->shown = (AppRooflineShown){ .model = model, .profile = f->profile, .roof = &f->roof };
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  app_roofline_feed_free (f->feed);
  eng_profile_unref (f->profile);
  g_object_unref (f->chart);
}

static PlotLayer *
find_points (Fixture *f, const char *title)
{
  for (guint i = 0; i < plot_chart_get_n_layers (f->chart); i++)
    {
      PlotLayer *layer = plot_chart_get_layer (f->chart, i);

      if (plot_layer_get_kind (layer) == &plot_layer_points
          && g_str_equal (plot_layer_get_title (layer), title))
        return layer;
    }
  g_assert_not_reached ();
}

static void
test_layers (Fixture *f, gconstpointer data)
{
  PlotLayer *points = find_points (f, "Decode"), *found;
  PlotSeries *series = plot_layer_get_series (points);
  const char *node, *name, *value;
  guint64 index;
  RtPhase phase;
  int layer;

  app_roofline_feed_show (f->feed, &f->shown);
  g_assert_true (plot_layer_get_visible (points));
  g_assert_false (plot_layer_get_visible (find_points (f, "Prefill"))); /* not measured */
  g_assert_true (app_roofline_feed_has_phase (f->feed, RT_PHASE_DECODE));
  g_assert_false (app_roofline_feed_has_phase (f->feed, RT_PHASE_PREFILL));
  g_assert_cmpuint (plot_series_get_n (series), ==, 2);
  /* Block 1: 8 Mop over 2 MB, in 0.4 ms. */
  g_assert_true (app_roofline_feed_find (f->feed, RT_PHASE_DECODE, 1, NULL, &found, &index));
  g_assert_true (found == points);
  g_assert_cmpfloat_with_epsilon (plot_series_get_x (series, index), 4, 1e-9);
  g_assert_cmpfloat_with_epsilon (plot_series_get (series, PLOT_COLUMN_Y, index), 20e9, 1);
  g_assert_cmpfloat_with_epsilon (plot_series_get (series, PLOT_COLUMN_LO, index), 16e9, 1);
  g_assert_cmpfloat_with_epsilon (plot_series_get (series, PLOT_COLUMN_HI, index), 25e9, 1);
  g_assert_false (plot_series_get_estimate (series, index));
  g_assert_cmpstr (plot_series_get_label (series, index), ==, "Block 1");
  g_assert_true (app_roofline_feed_lookup (f->feed, points, index, &phase, &layer, &node));
  g_assert_cmpint (phase, ==, RT_PHASE_DECODE);
  g_assert_cmpint (layer, ==, 1);
  g_assert_null (node);
  /* The card says what holds it back. */
  for (guint i = 0; i < plot_series_get_n_facts (series, index); i++)
    {
      plot_series_get_fact (series, index, i, &name, &value);
      if (g_str_equal (name, "Bound by"))
        break;
    }
  g_assert_cmpstr (value, ==, "memory (DRAM)");
  /* No such points. */
  g_assert_false (app_roofline_feed_find (f->feed, RT_PHASE_DECODE, 6, NULL, &found, &index));
  g_assert_false (app_roofline_feed_lookup (f->feed, points, 2, &phase, &layer, &node));
  g_assert_false (app_roofline_feed_lookup (f->feed, NULL, 0, &phase, &layer, &node));
}

static void
test_operators (Fixture *f, gconstpointer data)
{
  PlotLayer *points = find_points (f, "Decode"), *found;
  const char *node;
  guint64 index;
  RtPhase phase;
  int layer;

  f->shown.operators = TRUE;
  app_roofline_feed_show (f->feed, &f->shown);
  /* A copy has no place on a chart of operations; it is in the table. */
  g_assert_cmpuint (plot_series_get_n (plot_layer_get_series (points)), ==, 2);
  g_assert_true (
      app_roofline_feed_find (f->feed, RT_PHASE_DECODE, 1, "blk.1.ffn_down", &found, &index));
  g_assert_true (app_roofline_feed_lookup (f->feed, points, index, &phase, &layer, &node));
  g_assert_cmpstr (node, ==, "blk.1.ffn_down");
  g_assert_false (app_roofline_feed_find (f->feed, RT_PHASE_DECODE, 1, "no such", &found, &index));

  g_autoptr (PlotTable) table = app_roofline_feed_make_table (f->feed);
  g_assert_cmpuint (plot_table_get_n_rows (table), ==, 3); /* all that were executed */
  app_roofline_feed_set_visible (f->feed, RT_PHASE_DECODE, FALSE);
  g_assert_false (plot_layer_get_visible (points));
  g_autoptr (PlotTable) none = app_roofline_feed_make_table (f->feed);
  g_assert_cmpuint (plot_table_get_n_rows (none), ==, 0);
}

/* From where the baseline was to where the layer is expected. */
static void
test_trails (Fixture *f, gconstpointer data)
{
  static const EngTestNode before[] = {
    { 0,
      ENG_ARITHMETIC_F32,
      { 2000000, 4000000, 0, 0 },
      400000,
      "blk.0.ffn_down",
      "Matrix product",
      NULL },
  };
  g_autoptr (EngProfile) baseline = eng_test_profile (before, 1, 6, RT_PHASE_DECODE);
  PlotLayer *trail = NULL;
  PlotSeries *series;

  f->shown.baseline = baseline;
  f->shown.expected = TRUE;
  app_roofline_feed_show (f->feed, &f->shown);
  for (guint i = 0; i < plot_chart_get_n_layers (f->chart); i++)
    if (plot_layer_get_kind (plot_chart_get_layer (f->chart, i)) == &plot_layer_trail
        && plot_layer_get_visible (plot_chart_get_layer (f->chart, i)))
      trail = plot_chart_get_layer (f->chart, i);
  g_assert_nonnull (trail);
  series = plot_layer_get_series (trail);
  g_assert_cmpuint (plot_series_get_n (series), ==, 1); /* block 1 was nowhere */
  g_assert_cmpfloat_with_epsilon (plot_series_get_x (series, 0), 1, 1e-2);
  g_assert_cmpfloat_with_epsilon (plot_series_get (series, PLOT_COLUMN_X_LO, 0), 0.5, 1e-9);
  g_assert_cmpfloat_with_epsilon (plot_series_get (series, PLOT_COLUMN_LO, 0), 5e9, 1);
  g_assert_true (plot_series_get_estimate (plot_layer_get_series (find_points (f, "Decode")), 0));
}

static void
test_summary (Fixture *f, gconstpointer data)
{
  g_autofree char *with = NULL;
  g_autofree char *without = NULL;

  app_roofline_feed_show (f->feed, &f->shown);
  with = app_roofline_feed_dup_summary (f->feed);
  g_assert_true (g_str_has_prefix (with, "Decode: "));
  g_assert_nonnull (strstr (with, "bound by memory"));
  f->shown.roof = NULL;
  app_roofline_feed_show (f->feed, &f->shown);
  without = app_roofline_feed_dup_summary (f->feed);
  g_assert_cmpstr (without, ==, ""); /* nothing is said of roofs that nobody measured */
}

static void
test_adviser (void)
{
  g_autoptr (EngSession) session = eng_session_new (NULL);
  AppStage *stage = app_stage_new (session, NULL);
  AppAdviser *adviser = app_adviser_get (stage, NULL);

  g_assert_true (app_adviser_get (stage, NULL) == adviser);
  g_assert_null (app_adviser_get_advice (adviser));
  g_assert_null (app_adviser_get_best (adviser));
  g_assert_null (app_adviser_get_expected (adviser));
  g_assert_null (app_adviser_get_job (adviser));
  app_adviser_refresh (adviser);
  g_assert_true (app_adviser_is_busy (adviser));
  g_object_add_weak_pointer (G_OBJECT (adviser), (gpointer *)&adviser);
  g_object_unref (stage);
  g_assert_null (adviser); /* it lives as long as the stage */
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  if (!gtk_init_check ())
    {
      g_print ("1..0 # SKIP no display\n");
      return 77;
    }
  g_test_init (&argc, &argv, NULL);
  app_register_resource ();
  model = eng_model_load (argv[1], NULL, &error);
  g_assert_no_error (error);
#define ADD(name, function)                                                                        \
  g_test_add ("/app/roofline/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("layers", test_layers);
  ADD ("operators", test_operators);
  ADD ("trails", test_trails);
  ADD ("summary", test_summary);
  g_test_add_func ("/app/roofline/adviser", test_adviser);
  status = g_test_run ();
  g_object_unref (model);
  return status;
}
