/* PlotResult: where labels go, which box is under a point, classes of a mask, envelopes of sounds,
 * selection and divider by keys, tables. */

#include <math.h>
#include "plot-result-private.h"
#include "plot-test-input.h"
#include "plots.h"

static const PlotRect ground = { 0, 0, 400, 300 };

static gboolean
lies_in (PlotRect a, PlotRect b)
{
  return a.x >= b.x - 0.5 && a.y >= b.y - 0.5 && a.x + a.w <= b.x + b.w + 0.5
         && a.y + a.h <= b.y + b.h + 0.5;
}

static void
test_fit (void)
{
  PlotRect wide = plot_rect_fit ((PlotRect){ 10, 20, 200, 100 }, 4);
  PlotRect tall = plot_rect_fit ((PlotRect){ 10, 20, 200, 100 }, 0.5);

  g_assert_cmpfloat (wide.w, ==, 200);
  g_assert_cmpfloat (wide.h, ==, 50);
  g_assert_cmpfloat (wide.y, ==, 45);
  g_assert_cmpfloat (tall.w, ==, 50);
  g_assert_cmpfloat (tall.h, ==, 100);
  g_assert_cmpfloat (tall.x, ==, 85);
}

/* Above its box where there is room. */
static void
test_label_above (void)
{
  const PlotRect box = { 100, 100, 80, 80 };
  PlotRect label = { 0, 0, 60, 18 };

  plot_result_place_labels (&box, &label, 1, ground);
  g_assert_cmpfloat (label.x, ==, 100);
  g_assert_cmpfloat (label.y, ==, 82);
}

/* Inside of a box that touches the top, pushed in from the right. */
static void
test_label_at_edges (void)
{
  const PlotRect boxes[] = { { 50, 0, 80, 80 }, { 380, 100, 20, 40 } };
  PlotRect labels[] = { { 0, 0, 60, 18 }, { 0, 0, 60, 18 } };

  plot_result_place_labels (boxes, labels, 2, ground);
  g_assert_cmpfloat (labels[0].y, ==, 0);
  g_assert_cmpfloat (labels[1].x, ==, 340);
  g_assert_true (lies_in (labels[0], ground) && lies_in (labels[1], ground));
}

/* Many boxes in one place: labels never lie over each other, the first always has one. */
static void
test_labels_of_crowd (void)
{
  PlotRect boxes[40], labels[40];
  guint n_placed = 0;

  for (guint i = 0; i < 40; i++)
    {
      boxes[i] = (PlotRect){ 150 + i % 7, 120 + i % 5, 60, 60 };
      labels[i] = (PlotRect){ 0, 0, 70, 18 };
    }
  plot_result_place_labels (boxes, labels, 40, ground);
  g_assert_cmpfloat (labels[0].w, ==, 70);
  for (guint i = 0; i < 40; i++)
    {
      n_placed += labels[i].w > 0;
      g_assert_true (labels[i].w == 0 || lies_in (labels[i], ground));
      for (guint k = 0; k < i; k++)
        g_assert_false (labels[i].w > 0 && labels[k].w > 0
                        && plot_rect_overlap (labels[i], labels[k]));
    }
  g_assert_cmpuint (n_placed, >=, 3);
  g_assert_cmpuint (n_placed, <, 40);
}

static void
test_hit (void)
{
  const PlotResultBox boxes[] = { { .x0 = 0.1, .y0 = 0.1, .x1 = 0.9, .y1 = 0.9 },
                                  { .x0 = 0.4, .y0 = 0.4, .x1 = 0.6, .y1 = 0.6 } };
  PlotResultModel *model = plot_result_model_new (
      &(PlotResultData){ .kind = PLOT_RESULT_PICTURE, .boxes = boxes, .n_boxes = 2 });

  g_assert_cmpint (plot_result_hit (model, ground, 80, 60), ==, 0);
  g_assert_cmpint (plot_result_hit (model, ground, 200, 150), ==, 1); /* the smaller one */
  g_assert_cmpint (plot_result_hit (model, ground, 5, 5), ==, -1);
  plot_result_model_free (model);
}

/* 4 x 2 pixels: half sky, a quarter each of two classes that want the same colour. */
static void
test_mask (void)
{
  const guint8 mask[] = { 0, 0, 3, 3, 0, 0, 11, 11 };
  const char *const names[] = { "sky", "a", "b", "road" };
  PlotResultModel *model = plot_result_model_new (&(PlotResultData){ .kind = PLOT_RESULT_PICTURE,
                                                                     .mask = mask,
                                                                     .mask_width = 4,
                                                                     .mask_height = 2,
                                                                     .clear_class = 0,
                                                                     .class_names = names,
                                                                     .n_class_names = 4 });
  const PlotMaskClass *first = &g_array_index (model->classes, PlotMaskClass, 0);
  const PlotMaskClass *second = &g_array_index (model->classes, PlotMaskClass, 1);

  g_assert_cmpuint (model->classes->len, ==, 2);
  g_assert_cmpint (model->class_of[0], ==, -1);
  g_assert_cmpstr (first->name, ==, "road");
  g_assert_cmpstr (second->name, ==, "class 11");
  g_assert_cmpfloat (first->share, ==, 0.25);
  g_assert_cmpuint (first->color, ==, 3);
  g_assert_cmpuint (second->color, !=, first->color);
  plot_result_model_free (model);
}

/* One spike in a long sound stays in the envelope; no bin is invented for a short one. */
static void
test_wave (void)
{
  g_autofree float *samples = g_new0 (float, 1000000);
  const PlotResultWave waves[] = { { "long", samples, 1000000, 16000 },
                                   { "short", samples, 3, 16000 },
                                   { "none", NULL, 0, 16000 } };
  PlotResultModel *model;
  float highest = 0;

  samples[654321] = 0.75f;
  model = plot_result_model_new (
      &(PlotResultData){ .kind = PLOT_RESULT_WAVE, .waves = waves, .n_waves = 3 });
  for (guint i = 0; i < model->waves[0].n_bins; i++)
    highest = fmaxf (highest, model->waves[0].high[i]);
  g_assert_cmpfloat (highest, ==, 0.75f);
  g_assert_cmpfloat (model->waves[0].seconds, ==, 62.5);
  g_assert_cmpuint (model->waves[1].n_bins, ==, 3);
  g_assert_cmpuint (model->waves[2].n_bins, ==, 0);
  plot_result_model_free (model);
}

static void
count_up (GObject *object, GParamSpec *pspec, guint *count)
{
  (*count)++;
}

static void
test_selection (void)
{
  const PlotResultBox boxes[] = { { .x1 = 0.5, .y1 = 0.5, .label = "a" },
                                  { .x0 = 0.5, .y0 = 0.5, .x1 = 1, .y1 = 1, .label = "b" } };
  const PlotResultData data = { .kind = PLOT_RESULT_PICTURE, .boxes = boxes, .n_boxes = 2 };
  PlotResult *result = PLOT_RESULT (g_object_ref_sink (plot_result_new ()));
  GtkWidget *widget = GTK_WIDGET (result);
  guint count = 0;

  plot_result_set_data (result, &data);
  g_signal_connect (result, "notify::selected", G_CALLBACK (count_up), &count);
  g_assert_true (plot_test_key (widget, GDK_KEY_Right));
  g_assert_cmpint (plot_result_get_selected (result), ==, 0);
  plot_test_key (widget, GDK_KEY_Down);
  plot_test_key (widget, GDK_KEY_Down);
  g_assert_cmpint (plot_result_get_selected (result), ==, 1);
  g_assert_cmpuint (count, ==, 2); /* nothing changed at the end */
  plot_test_key (widget, GDK_KEY_Escape);
  g_assert_cmpint (plot_result_get_selected (result), ==, -1);
  plot_result_set_selected (result, 7);
  g_assert_cmpint (plot_result_get_selected (result), ==, -1);
  plot_result_set_selected (result, 1);
  plot_result_set_data (result, NULL);
  g_assert_cmpint (plot_result_get_selected (result), ==, -1);
  g_assert_true (plot_result_is_empty (result));
  g_assert_false (plot_test_key (widget, GDK_KEY_Right));
  g_assert_finalize_object (result);
}

static void
test_divider (void)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, 8, 8);
  PlotResult *result = PLOT_RESULT (g_object_ref_sink (plot_result_new ()));

  plot_result_set_data (result, &(PlotResultData){ .kind = PLOT_RESULT_PICTURE,
                                                   .picture = surface,
                                                   .after = surface });
  plot_test_key (GTK_WIDGET (result), GDK_KEY_Left);
  g_assert_cmpfloat_with_epsilon (plot_result_get_divider (result), 0.45, 1e-9);
  plot_test_key (GTK_WIDGET (result), GDK_KEY_End);
  g_assert_cmpfloat (plot_result_get_divider (result), ==, 1);
  plot_test_key (GTK_WIDGET (result), GDK_KEY_Right);
  g_assert_cmpfloat (plot_result_get_divider (result), ==, 1);
  g_assert_finalize_object (result);
  g_assert_cmpuint (cairo_surface_get_reference_count (surface), ==, 1);
  cairo_surface_destroy (surface);
}

static void
test_tables (void)
{
  const PlotResultBar bars[] = { { "tench", 0.75 }, { "goldfish", 0.25 } };
  const double values[] = { 0.25, 0.5 };
  const PlotResultSeries series[] = { { "voice", values, 2 } };
  PlotResult *result = PLOT_RESULT (g_object_ref_sink (plot_result_new ()));
  g_autoptr (PlotTable) table = NULL;
  g_autofree char *cell = NULL;

  plot_result_set_data (result, &(PlotResultData){ .kind = PLOT_RESULT_BARS,
                                                   .bars = bars,
                                                   .n_bars = 2,
                                                   .shares = TRUE,
                                                   .threshold = NAN });
  table = plot_figure_make_table (PLOT_FIGURE (result));
  cell = plot_table_dup_cell (table, 1, 0);
  g_assert_cmpstr (cell, ==, "goldfish");
  g_assert_cmpfloat (plot_table_get_number (table, 0, 1), ==, 0.75);

  g_clear_object (&table);
  plot_result_set_data (result, &(PlotResultData){ .kind = PLOT_RESULT_SERIES,
                                                   .series = series,
                                                   .n_series = 1,
                                                   .start_s = 1,
                                                   .step_s = 0.5,
                                                   .threshold = NAN });
  table = plot_figure_make_table (PLOT_FIGURE (result));
  g_assert_cmpuint (plot_table_get_n_rows (table), ==, 2);
  g_assert_cmpfloat (plot_table_get_number (table, 1, 0), ==, 1.5);
  g_assert_cmpfloat (plot_table_get_number (table, 1, 1), ==, 0.5);
  g_assert_finalize_object (result);
}

static char *
tip_at (const PlotResultData *data, double x, double y)
{
  PlotResultModel *model = plot_result_model_new (data);
  PlotStyle style;
  g_autoptr (PlotText) text = NULL;
  PlotResultFrame frame = { .style = &style, .room = ground, .device_scale = 1 };
  char *tip;

  plot_style_init (&style, FALSE);
  style.marks_only = TRUE; /* sizes that do not depend on fonts */
  text = plot_text_new (&style);
  frame.text = text;
  tip = plot_result_dup_tip (model, &frame, x, y);
  plot_result_model_free (model);
  return tip;
}

/* Where there was no room for a label, the pointer finds it. */
static void
test_tips (void)
{
  const PlotResultBar bars[] = { { "tench", 0.75 }, { "goldfish", 0.25 } };
  const PlotResultBox box
      = { .x0 = 0.25, .y0 = 0.25, .x1 = 0.75, .y1 = 0.75, .label = "face", .value = "9 %" };
  const PlotResultData of_bars
      = { .kind = PLOT_RESULT_BARS, .bars = bars, .n_bars = 2, .shares = TRUE, .threshold = NAN };
  const PlotResultData of_boxes
      = { .kind = PLOT_RESULT_PICTURE, .boxes = &box, .n_boxes = 1, .aspect = 4.0 / 3 };
  g_autofree char *first = tip_at (&of_bars, 200, 12), *none = tip_at (&of_bars, 200, 250);
  g_autofree char *inside = tip_at (&of_boxes, 200, 150), *outside = tip_at (&of_boxes, 5, 5);

  g_assert_cmpstr (first, ==, "tench  75.0\u202f%");
  g_assert_null (none);
  g_assert_cmpstr (inside, ==, "face  9 %");
  g_assert_null (outside);
}

int
main (int argc, char **argv)
{
  plot_test_init (&argc, &argv);
  g_test_add_func ("/plots/result/fit", test_fit);
  g_test_add_func ("/plots/result/label-above", test_label_above);
  g_test_add_func ("/plots/result/label-at-edges", test_label_at_edges);
  g_test_add_func ("/plots/result/labels-of-crowd", test_labels_of_crowd);
  g_test_add_func ("/plots/result/hit", test_hit);
  g_test_add_func ("/plots/result/mask", test_mask);
  g_test_add_func ("/plots/result/wave", test_wave);
  g_test_add_func ("/plots/result/selection", test_selection);
  g_test_add_func ("/plots/result/divider", test_divider);
  g_test_add_func ("/plots/result/tables", test_tables);
  g_test_add_func ("/plots/result/tips", test_tips);
  return g_test_run ();
}
