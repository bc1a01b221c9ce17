/* Results of each kind as what plots draw, and inputs in words. Needs a display. */
#include "app-input-text.h"
#include "app-result-data.h"
#include "eng-result-private.h"

#include <adwaita.h>
#include <math.h>
#include <stdlib.h>

static EngPicture *
new_picture (guint width, guint height)
{
  EngPicture *picture = eng_picture_new (width, height);
  guint8 *pixels = eng_picture_edit_pixels (picture);

  /* Left half black, right half white. */
  for (guint i = 0; i < width * height; i++)
    memset (pixels + 3 * i, i % width < width / 2 ? 0 : 255, 3);
  return picture;
}

static EngInput *
new_input (guint width, guint height)
{
  g_autoptr (EngPicture) picture = new_picture (width, height);

  return eng_input_new_picture (picture, "picture.png");
}

static PlotTable *
show (EngResult *result)
{
  PlotResult *plot = PLOT_RESULT (g_object_ref_sink (plot_result_new ()));
  PlotTable *table;

  g_assert_true (app_result_show (plot, result));
  table = plot_figure_make_table (PLOT_FIGURE (plot));
  g_object_unref (plot);
  return table;
}

static void
assert_cell (PlotTable *table, guint row, guint column, const char *expected)
{
  g_autofree char *cell = plot_table_dup_cell (table, row, column);

  g_assert_cmpstr (cell, ==, expected);
}

/* Classes without any chance are left out; the best one never is. */
static void
test_labels (void)
{
  g_autoptr (EngInput) input = new_input (8, 8);
  g_autoptr (EngResult) result = eng_result_new (ENG_RESULT_LABELS, input);
  g_autoptr (PlotTable) table = NULL;

  eng_result_add_score (result, 3, "tench", 0.75);
  eng_result_add_score (result, 5, "goldfish", 0.25);
  eng_result_add_score (result, 7, "shark", 0);
  table = show (result);
  g_assert_cmpuint (plot_table_get_n_rows (table), ==, 2);
  assert_cell (table, 0, 0, "tench");
  g_assert_cmpfloat (plot_table_get_number (table, 1, 1), ==, 0.25);
}

static void
test_boxes (void)
{
  g_autoptr (EngInput) input = new_input (8, 8);
  g_autoptr (EngResult) result = eng_result_new (ENG_RESULT_BOXES, input);
  g_autoptr (PlotTable) table = NULL;

  eng_result_add_box (result, &(EngBox){ .x0 = 0.25f,
                                         .y0 = 0.5f,
                                         .x1 = 0.75f,
                                         .y1 = 1,
                                         .what = { 0, "face", 0.875 } });
  table = show (result);
  g_assert_cmpuint (plot_table_get_n_rows (table), ==, 1);
  assert_cell (table, 0, 0, "face");
  assert_cell (table, 0, 1, "88\u202f%");
  g_assert_cmpfloat (plot_table_get_number (table, 0, 2), ==, 0.25);
  g_assert_cmpfloat (plot_table_get_number (table, 0, 5), ==, 1);
}

static void
test_score (void)
{
  g_autoptr (EngInput) input = new_input (8, 8);
  g_autoptr (EngResult) result = eng_result_new (ENG_RESULT_SCORE, input);
  g_autoptr (PlotTable) table = NULL;

  eng_result_set_value (result, 12.5, 10);
  table = show (result);
  g_assert_cmpfloat (plot_table_get_number (table, 0, 1), ==, 12.5);
}

/* Text is no drawing. */
static void
test_text (void)
{
  g_autoptr (EngInput) input = new_input (8, 8);
  g_autoptr (EngResult) result = eng_result_new (ENG_RESULT_TEXT, input);
  PlotResult *plot = PLOT_RESULT (g_object_ref_sink (plot_result_new ()));

  eng_result_set_text (result, "read");
  g_assert_false (app_result_show (plot, result));
  g_assert_true (plot_result_is_empty (plot));
  g_object_unref (plot);
}

static guint32
pixel_at (cairo_surface_t *surface, int x, int y)
{
  const guint8 *data = cairo_image_surface_get_data (surface);

  return ((const guint32 *)(gconstpointer)(data + y * cairo_image_surface_get_stride (surface)))[x]
         & 0xffffff;
}

/* Larger pictures come smaller, with their two halves where they were. */
static void
test_surface (void)
{
  const guint sizes[][2]
      = { { 8, 4 }, { 1600, 10 }, { 5000, 3 }, { 4001, 2000 }, { 1, 1 }, { 4, 3000 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (EngPicture) picture = new_picture (sizes[i][0], sizes[i][1]);
      cairo_surface_t *surface = app_result_make_surface (picture);
      int w = cairo_image_surface_get_width (surface), h = cairo_image_surface_get_height (surface);

      g_assert_cmpint (cairo_surface_status (surface), ==, CAIRO_STATUS_SUCCESS);
      g_assert_cmpint (MAX (w, h), <=, 1600);
      g_assert_cmpint (MIN (w, h), >=, 1);
      if (sizes[i][0] > 1)
        g_assert_cmphex (pixel_at (surface, 0, h - 1), ==, 0);
      g_assert_cmphex (pixel_at (surface, w - 1, 0), ==, 0xffffff);
      cairo_surface_destroy (surface);
    }
}

static void
test_facts (void)
{
  g_autoptr (EngInput) picture = new_input (640, 480);
  g_autoptr (EngSound) silence = eng_sound_new (16000, 24000);
  g_autoptr (EngInput) sound = eng_input_new_sound (silence, "silence.wav");
  g_autoptr (EngInput) random = eng_input_new_random (0);
  g_autofree char *of_picture = app_input_dup_facts (picture);
  g_autofree char *of_sound = app_input_dup_facts (sound);
  g_autofree char *of_random = app_input_dup_facts (random);

  g_assert_cmpstr (of_picture, ==, "640 × 480");
  g_assert_cmpstr (of_sound, ==, "1.50 s at 16 kHz");
  g_assert_cmpstr (of_random, ==, "");
}

static void
test_names (void)
{
  g_assert_true (app_input_is_file_name ("/a/b/Owl.JPG"));
  g_assert_true (app_input_is_file_name ("yes.wav"));
  g_assert_true (app_input_is_file_name ("x.npy"));
  g_assert_false (app_input_is_file_name ("COPYRIGHT"));
  g_assert_false (app_input_is_file_name ("labels.txt"));
  g_assert_true (app_input_is_model_name ("a.tflite"));
  g_assert_true (app_input_is_model_name ("a.onnx"));
  g_assert_true (app_input_is_model_name ("a.GGUF"));
  g_assert_false (app_input_is_model_name ("a.png"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!gtk_init_check ())
    {
      g_print ("1..0 # SKIP there is no display\n");
      return EXIT_SUCCESS;
    }
  adw_init ();
  g_test_add_func ("/app/result-data/labels", test_labels);
  g_test_add_func ("/app/result-data/boxes", test_boxes);
  g_test_add_func ("/app/result-data/score", test_score);
  g_test_add_func ("/app/result-data/text", test_text);
  g_test_add_func ("/app/result-data/surface", test_surface);
  g_test_add_func ("/app/input-text/facts", test_facts);
  g_test_add_func ("/app/input-text/names", test_names);
  return g_test_run ();
}
