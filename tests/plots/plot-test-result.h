#pragma once

#include <math.h>

#include "plot-result.h"

/* Invented results of each kind: for golden pictures and the gallery. */

/* A sky over a meadow, with a sun. */
static inline cairo_surface_t *
plot_test_landscape (int width, int height)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, width, height);
  cairo_t *cr = cairo_create (surface);

  cairo_set_source_rgb (cr, 0.55, 0.75, 0.95);
  cairo_paint (cr);
  cairo_set_source_rgb (cr, 0.35, 0.6, 0.3);
  cairo_rectangle (cr, 0, 0.6 * height, width, height);
  cairo_fill (cr);
  cairo_set_source_rgb (cr, 1, 0.95, 0.6);
  cairo_arc (cr, 0.8 * width, 0.25 * height, 0.1 * height, 0, 2 * G_PI);
  cairo_fill (cr);
  cairo_destroy (cr);
  return surface;
}

static inline void
plot_test_result_boxes (PlotResult *result)
{
  cairo_surface_t *picture = plot_test_landscape (160, 120);
  static const PlotResultPoint eyes[]
      = { { 0.2, 0.35, NAN }, { 0.3, 0.35, NAN }, { 0.25, 0.45, 0.2 } };
  const PlotResultBox boxes[] = {
    { 0.12, 0.2, 0.4, 0.7, "face", "97\u202f%", 1, eyes, 3 },
    { 0.35, 0.5, 0.75, 0.95, "dog", "81\u202f%", 2, NULL, 0 },
    { 0.7, 0.02, 1.1, 0.4, "sports ball", "44\u202f%", 3, NULL, 0 },
  };

  plot_result_set_data (result, &(PlotResultData){ .kind = PLOT_RESULT_PICTURE,
                                                   .picture = picture,
                                                   .boxes = boxes,
                                                   .n_boxes = 3 });
  plot_result_set_selected (result, 1);
  cairo_surface_destroy (picture);
}

static inline void
plot_test_result_points (PlotResult *result)
{
  cairo_surface_t *picture = plot_test_landscape (120, 160);
  const PlotResultPoint points[]
      = { { 0.5, 0.15, 0.9 }, { 0.5, 0.45, 0.9 }, { 0.3, 0.5, 0.8 }, { 0.7, 0.5, 0.3 },
          { 0.35, 0.9, 0.9 }, { 0.65, 0.9, 0.2 }, { NAN, NAN, 0 } };
  const guint8 edges[] = { 0, 1, 1, 2, 1, 3, 1, 4, 1, 5, 1, 9 };

  plot_result_set_data (result, &(PlotResultData){ .kind = PLOT_RESULT_PICTURE,
                                                   .picture = picture,
                                                   .points = points,
                                                   .n_points = 7,
                                                   .edges = edges,
                                                   .n_edges = 6 });
  cairo_surface_destroy (picture);
}

static inline void
plot_test_result_mask (PlotResult *result, gboolean soft)
{
  static const char *const names[] = { "background", "sky", "road", "tree", "car" };
  cairo_surface_t *picture = plot_test_landscape (160, 120);
  guint8 mask[40 * 30];

  for (int y = 0; y < 30; y++)
    for (int x = 0; x < 40; x++)
      if (soft)
        mask[40 * y + x] = (guint8)(255 * fmax (0, 1 - hypot (x - 20, y - 15) / 14));
      else
        mask[40 * y + x] = (guint8)(y < 10                       ? 1
                                    : x < 12                     ? 2
                                    : hypot (x - 26, y - 20) < 7 ? 3
                                    : y > 26                     ? 4
                                                                 : 0);
  plot_result_set_data (result, &(PlotResultData){ .kind = PLOT_RESULT_PICTURE,
                                                   .picture = picture,
                                                   .mask = mask,
                                                   .mask_width = 40,
                                                   .mask_height = 30,
                                                   .soft = soft,
                                                   .clear_class = 0,
                                                   .class_names = names,
                                                   .n_class_names = 5 });
  cairo_surface_destroy (picture);
}

static inline void
plot_test_result_after (PlotResult *result)
{
  cairo_surface_t *before = plot_test_landscape (20, 15), *after = plot_test_landscape (160, 120);

  plot_result_set_data (result, &(PlotResultData){ .kind = PLOT_RESULT_PICTURE,
                                                   .picture = before,
                                                   .after = after });
  cairo_surface_destroy (before);
  cairo_surface_destroy (after);
}

static inline void
plot_test_result_bars (PlotResult *result)
{
  const PlotResultBar bars[]
      = { { "macaw", 0.912 },
          { "lorikeet", 0.053 },
          { "bee eater", 0.0301 },
          { "a bird with a name that is far too long for its column", 0.004 },
          { "none", 0 } };

  plot_result_set_data (result, &(PlotResultData){ .kind = PLOT_RESULT_BARS,
                                                   .bars = bars,
                                                   .n_bars = 5,
                                                   .shares = TRUE,
                                                   .threshold = NAN });
}

static inline void
plot_test_result_score (PlotResult *result)
{
  const PlotResultBar bar = { "reconstruction error", 12.5 };

  plot_result_set_data (result,
                        &(PlotResultData){
                            .kind = PLOT_RESULT_BARS, .bars = &bar, .n_bars = 1, .threshold = 9 });
}

static inline void
plot_test_result_waves (PlotResult *result)
{
  float before[8000], after[8000];
  const PlotResultWave waves[]
      = { { "before", before, 8000, 8000 }, { "after", after, 8000, 8000 } };

  for (guint i = 0; i < 8000; i++)
    {
      double loud = exp (-pow ((i - 4000.0) / 1200, 2));

      after[i] = (float)(loud * sin (i / 3.0));
      before[i] = (float)(after[i] * 0.8 + 0.2 * sin (i * 1.7) * cos (i * 0.31));
    }
  plot_result_set_data (result, &(PlotResultData){
                                    .kind = PLOT_RESULT_WAVE, .waves = waves, .n_waves = 2 });
}

static inline void
plot_test_result_series (PlotResult *result)
{
  double yes[50], no[50];
  const PlotResultSeries series[] = { { "yes", yes, 50 }, { "no", no, 50 } };

  for (guint i = 0; i < 50; i++)
    {
      yes[i] = 1 / (1 + exp (8 - fabs (i - 25.0)));
      no[i] = i > 20 && i < 24 ? NAN : 0.2 + 0.15 * sin (i / 4.0);
    }
  plot_result_set_data (result, &(PlotResultData){ .kind = PLOT_RESULT_SERIES,
                                                   .series = series,
                                                   .n_series = 2,
                                                   .step_s = 0.032,
                                                   .threshold = 0.5 });
}

static inline void
plot_test_result_tensors (PlotResult *result)
{
  guint32 bins[32];
  const PlotResultTensor tensors[] = {
    { "logits", "f32 [1, 1000]", -4.2, 0.1, 12, bins, 32, 0 },
    { "a_second_output/with/a/long/name/StatefulPartitionedCall:0", "i8 [1, 96, 96, 12]", -128, 3,
      127, bins, 32, 17 },
  };

  for (guint i = 0; i < 32; i++)
    bins[i] = (guint32)(1000 * exp (-pow ((i - 10.0) / 4, 2)));
  plot_result_set_data (result, &(PlotResultData){ .kind = PLOT_RESULT_TENSORS,
                                                   .tensors = tensors,
                                                   .n_tensors = 2 });
}
