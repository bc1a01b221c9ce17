/* Translates the engine's results into the plots' terms. Called by the input and output views; the
 * only place that knows both. */
#include "app-result-data.h"

#include "app-config.h"

#include <glib/gi18n.h>
#include <math.h>

#define MAX_SIDE 1600
#define MAX_BARS 10

/* ---- Pictures ---- */

/* The mean of up to 2 x 2 pixels of each block: enough for looking at, and its cost does not grow
 * with the picture. */
static guint32
mean_pixel (EngPicture *picture, gsize x, gsize y, guint step)
{
  gsize width = eng_picture_get_width (picture), height = eng_picture_get_height (picture);
  gsize dx = MIN (step / 2, width - 1 - x), dy = MIN (step / 2, height - 1 - y);
  const guint8 *a = eng_picture_get_pixels (picture) + 3 * (y * width + x);
  const guint8 *b = a + 3 * dx, *c = a + 3 * dy * width, *d = c + 3 * dx;
  guint sum[3];

  for (guint k = 0; k < 3; k++)
    sum[k] = (a[k] + b[k] + c[k] + d[k] + 2u) / 4u;
  return 0xff000000u | sum[0] << 16 | sum[1] << 8 | sum[2];
}

cairo_surface_t *
app_result_make_surface (EngPicture *picture)
{
  guint width = eng_picture_get_width (picture), height = eng_picture_get_height (picture);
  guint step = (MAX (width, height) + MAX_SIDE - 1) / MAX_SIDE;
  guint w = MAX (1, width / step), h = MAX (1, height / step);
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int)w, (int)h);
  guint8 *data = cairo_image_surface_get_data (surface);
  gsize stride = (gsize)cairo_image_surface_get_stride (surface);

  if (data == NULL)
    return surface; /* an error surface: nothing is drawn */
  for (guint y = 0; y < h; y++)
    {
      guint32 *row = (guint32 *)(gpointer)(data + y * stride);

      for (guint x = 0; x < w; x++)
        row[x] = mean_pixel (picture, (gsize)x * step, (gsize)y * step, step);
    }
  cairo_surface_mark_dirty (surface);
  return surface;
}

/* A column or row of @n pixels cut into @parts: where part @i begins. */
static guint
cut (double from, double to, guint n, guint i, guint parts)
{
  double at = (from + (to - from) * i / parts) * n;

  return (guint)CLAMP (at, 0, n - 1);
}

/* The part of @picture that the network saw, in as many pixels. */
static cairo_surface_t *
make_seen_surface (EngPicture *picture, const double frame[4], guint w, guint h)
{
  guint width = eng_picture_get_width (picture), height = eng_picture_get_height (picture);
  const guint8 *pixels = eng_picture_get_pixels (picture);
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int)w, (int)h);
  guint8 *data = cairo_image_surface_get_data (surface);
  gsize stride = (gsize)cairo_image_surface_get_stride (surface);

  for (guint y = 0; data != NULL && y < h; y++)
    for (guint x = 0; x < w; x++)
      {
        guint x0 = cut (frame[0], frame[2], width, x, w),
              y0 = cut (frame[1], frame[3], height, y, h);
        guint x1 = MAX (x0 + 1, cut (frame[0], frame[2], width, x + 1, w));
        guint y1 = MAX (y0 + 1, cut (frame[1], frame[3], height, y + 1, h));
        guint64 sum[3] = { 0 }, n = (guint64)(x1 - x0) * (y1 - y0);

        for (guint v = y0; v < y1; v++)
          for (guint u = x0; u < x1; u++)
            for (guint k = 0; k < 3; k++)
              sum[k] += pixels[3 * ((gsize)v * width + u) + k];
        ((guint32 *)(gpointer)(data + y * stride))[x]
            = (guint32)(0xff000000u | (sum[0] / n) << 16 | (sum[1] / n) << 8 | sum[2] / n);
      }
  cairo_surface_mark_dirty (surface);
  return surface;
}

/* What the result's picture is to be compared with. */
static cairo_surface_t *
before_surface (EngResult *result)
{
  EngPicture *picture = eng_input_get_picture (eng_result_get_input (result));
  double frame[4];
  guint width, height;

  eng_result_get_frame (result, frame, &width, &height);
  if (picture == NULL)
    return NULL;
  return width > 0 ? make_seen_surface (picture, frame, width, height)
                   : app_result_make_surface (picture);
}

static cairo_surface_t *
input_surface (EngResult *result)
{
  EngPicture *picture = eng_input_get_picture (eng_result_get_input (result));

  return picture != NULL ? app_result_make_surface (picture) : NULL;
}

/* ---- Kinds ---- */

static void
show_labels (PlotResult *plot, EngResult *result)
{
  guint n = MIN (eng_result_get_n_scores (result), MAX_BARS);
  g_autofree PlotResultBar *bars = g_new0 (PlotResultBar, n + 1);
  gboolean shares = TRUE;

  for (guint i = 0; i < n; i++)
    {
      const EngScore *score = eng_result_get_score (result, i);

      bars[i] = (PlotResultBar){ score->label, score->score };
      shares = shares && score->score >= 0 && score->score <= 1;
    }
  /* Classes with no chance at all are no news. */
  while (shares && n > 1 && bars[n - 1].value < 0.0005)
    n--;
  plot_result_set_data (plot, &(PlotResultData){ .kind = PLOT_RESULT_BARS,
                                                 .bars = bars,
                                                 .n_bars = n,
                                                 .shares = shares,
                                                 .threshold = NAN });
}

static void
show_score (PlotResult *plot, EngResult *result)
{
  double value = eng_result_get_value (result), threshold = eng_result_get_threshold (result);
  const PlotResultBar bar = { _ ("Score"), value };
  gboolean shares
      = value >= 0 && value <= 1 && (isnan (threshold) || (threshold >= 0 && threshold <= 1));

  plot_result_set_data (plot, &(PlotResultData){ .kind = PLOT_RESULT_BARS,
                                                 .bars = &bar,
                                                 .n_bars = 1,
                                                 .shares = shares,
                                                 .threshold = threshold });
}

static char *
dup_score (double score)
{
  if (isnan (score))
    return NULL;
  return score >= 0 && score <= 1 ? g_strdup_printf ("%.0f\u202f%%", 100 * score)
                                  : g_strdup_printf ("%.2f", score);
}

static PlotResultPoint *
make_points (const EngPoint *points, guint n)
{
  PlotResultPoint *made = g_new (PlotResultPoint, n + 1);

  for (guint i = 0; i < n; i++)
    made[i]
        = (PlotResultPoint){ (double)points[i].x, (double)points[i].y, (double)points[i].score };
  return made;
}

static void
show_boxes (PlotResult *plot, EngResult *result)
{
  guint n = eng_result_get_n_boxes (result);
  g_autofree PlotResultBox *boxes = g_new0 (PlotResultBox, n + 1);
  cairo_surface_t *surface = input_surface (result);

  for (guint i = 0; i < n; i++)
    {
      const EngBox *box = eng_result_get_box (result, i);

      boxes[i] = (PlotResultBox){ .x0 = (double)box->x0,
                                  .y0 = (double)box->y0,
                                  .x1 = (double)box->x1,
                                  .y1 = (double)box->y1,
                                  .label = box->what.label,
                                  .value = dup_score (box->what.score),
                                  .color = box->what.index + 1,
                                  .points = make_points (box->points, box->n_points),
                                  .n_points = box->n_points };
    }
  plot_result_set_data (plot, &(PlotResultData){ .kind = PLOT_RESULT_PICTURE,
                                                 .picture = surface,
                                                 .boxes = boxes,
                                                 .n_boxes = n });
  for (guint i = 0; i < n; i++)
    {
      g_free ((char *)boxes[i].value);
      g_free ((gpointer)boxes[i].points);
    }
  g_clear_pointer (&surface, cairo_surface_destroy);
}

static void
show_points (PlotResult *plot, EngResult *result)
{
  guint n_points, n_edges;
  const EngPoint *points = eng_result_get_points (result, &n_points);
  const guint8 *edges = eng_result_get_edges (result, &n_edges);
  g_autofree PlotResultPoint *made = make_points (points, n_points);
  cairo_surface_t *surface = input_surface (result);

  plot_result_set_data (plot, &(PlotResultData){ .kind = PLOT_RESULT_PICTURE,
                                                 .picture = surface,
                                                 .points = made,
                                                 .n_points = n_points,
                                                 .edges = edges,
                                                 .n_edges = n_edges });
  g_clear_pointer (&surface, cairo_surface_destroy);
}

static gboolean
is_background (const char *name)
{
  return name != NULL
         && (g_ascii_strcasecmp (name, "background") == 0 || g_ascii_strcasecmp (name, "bg") == 0);
}

static void
show_mask (PlotResult *plot, EngResult *result)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  cairo_surface_t *surface = input_surface (result);
  PlotResultData data = { .kind = PLOT_RESULT_PICTURE, .picture = surface, .clear_class = -1 };

  data.mask = eng_result_get_mask (result, &data.mask_width, &data.mask_height, &data.soft);
  for (guint i = 0; i < 256 && eng_result_get_class_name (result, i) != NULL; i++)
    {
      const char *name = eng_result_get_class_name (result, i);

      g_ptr_array_add (names, (gpointer)name);
      if (is_background (name))
        data.clear_class = (int)i;
    }
  data.class_names = (const char *const *)names->pdata;
  data.n_class_names = names->len;
  plot_result_set_data (plot, &data);
  g_clear_pointer (&surface, cairo_surface_destroy);
}

static void
show_picture (PlotResult *plot, EngResult *result)
{
  cairo_surface_t *before = before_surface (result);
  EngPicture *picture = eng_result_get_picture (result);
  cairo_surface_t *after = picture != NULL ? app_result_make_surface (picture) : NULL;

  /* Without one before there is nothing to compare. */
  plot_result_set_data (plot, &(PlotResultData){ .kind = PLOT_RESULT_PICTURE,
                                                 .picture = before != NULL ? before : after,
                                                 .after = before != NULL ? after : NULL,
                                                 .before_name = _ ("before"),
                                                 .after_name = _ ("after") });
  g_clear_pointer (&before, cairo_surface_destroy);
  g_clear_pointer (&after, cairo_surface_destroy);
}

static PlotResultWave
make_wave (EngSound *sound, const char *name)
{
  return (PlotResultWave){ .name = name,
                           .samples = eng_sound_get_samples (sound),
                           .n_samples = eng_sound_get_n_samples (sound),
                           .rate_hz = eng_sound_get_rate (sound) };
}

static void
show_sound (PlotResult *plot, EngResult *result)
{
  EngSound *before = eng_input_get_sound (eng_result_get_input (result));
  EngSound *after = eng_result_get_sound (result);
  PlotResultWave waves[2];
  guint n = 0;

  if (before != NULL)
    waves[n++] = make_wave (before, _ ("Before"));
  if (after != NULL)
    waves[n++] = make_wave (after, _ ("After"));
  plot_result_set_data (plot, &(PlotResultData){
                                  .kind = PLOT_RESULT_WAVE, .waves = waves, .n_waves = n });
}

static void
show_series (PlotResult *plot, EngResult *result)
{
  guint n = eng_result_get_n_series (result);
  g_autofree PlotResultSeries *series = g_new0 (PlotResultSeries, n + 1);
  PlotResultData data = { .kind = PLOT_RESULT_SERIES,
                          .series = series,
                          .n_series = n,
                          .threshold = eng_result_get_threshold (result) };

  for (guint i = 0; i < n; i++)
    {
      series[i].name = eng_result_get_series_name (result, i);
      series[i].values = eng_result_get_series (result, i, &series[i].n_values);
    }
  eng_result_get_series_times (result, &data.start_s, &data.step_s);
  plot_result_set_data (plot, &data);
}

static void
show_tensors (PlotResult *plot, EngResult *result)
{
  guint n = eng_result_get_n_outputs (result);
  g_autofree PlotResultTensor *tensors = g_new0 (PlotResultTensor, n + 1);

  for (guint i = 0; i < n; i++)
    {
      const EngOutputStats *stats = eng_result_get_output (result, i);
      char shape[128];

      rt_shape_text (&stats->shape, shape, sizeof shape);
      tensors[i] = (PlotResultTensor){
        .name = stats->name,
        .detail = g_strdup_printf ("%s %s", rt_type_name (stats->type), shape),
        .min = stats->min,
        .mean = stats->mean,
        .max = stats->max,
        .bins = stats->bins,
        .n_bins = ENG_N_BINS,
        .n_bad = stats->n_not_finite,
      };
    }
  plot_result_set_data (plot, &(PlotResultData){ .kind = PLOT_RESULT_TENSORS,
                                                 .tensors = tensors,
                                                 .n_tensors = n });
  for (guint i = 0; i < n; i++)
    g_free ((char *)tensors[i].detail);
}

gboolean
app_result_show (PlotResult *plot, EngResult *result)
{
  g_autofree char *reading = NULL;

  g_return_val_if_fail (PLOT_IS_RESULT (plot), FALSE);

  if (result == NULL)
    {
      plot_result_set_data (plot, NULL);
      return TRUE;
    }
  reading = eng_result_dup_text (result);
  g_object_set (plot, "reading", reading, NULL);
  switch (eng_result_get_kind (result))
    {
    case ENG_RESULT_LABELS:
      show_labels (plot, result);
      return TRUE;
    case ENG_RESULT_BOXES:
      show_boxes (plot, result);
      return TRUE;
    case ENG_RESULT_POINTS:
      show_points (plot, result);
      return TRUE;
    case ENG_RESULT_MASK:
      show_mask (plot, result);
      return TRUE;
    case ENG_RESULT_PICTURE:
      show_picture (plot, result);
      return TRUE;
    case ENG_RESULT_SOUND:
      show_sound (plot, result);
      return TRUE;
    case ENG_RESULT_SERIES:
      show_series (plot, result);
      return TRUE;
    case ENG_RESULT_SCORE:
      show_score (plot, result);
      return TRUE;
    case ENG_RESULT_TENSORS:
      show_tensors (plot, result);
      return TRUE;
    case ENG_RESULT_TEXT:
    default:
      plot_result_set_data (plot, NULL);
      return FALSE;
    }
}

gboolean
app_result_show_input (PlotResult *plot, EngInput *input)
{
  EngPicture *picture = input != NULL ? eng_input_get_picture (input) : NULL;
  EngSound *sound = input != NULL ? eng_input_get_sound (input) : NULL;

  g_return_val_if_fail (PLOT_IS_RESULT (plot), FALSE);

  if (picture != NULL)
    {
      cairo_surface_t *surface = app_result_make_surface (picture);

      plot_result_set_data (plot,
                            &(PlotResultData){ .kind = PLOT_RESULT_PICTURE, .picture = surface });
      cairo_surface_destroy (surface);
      return TRUE;
    }
  if (sound != NULL)
    {
      const PlotResultWave wave = make_wave (sound, NULL);

      plot_result_set_data (plot, &(PlotResultData){
                                      .kind = PLOT_RESULT_WAVE, .waves = &wave, .n_waves = 1 });
      return TRUE;
    }
  plot_result_set_data (plot, NULL);
  return FALSE;
}
