/* What PlotResult shows, as its own copy: sounds reduced to an envelope, the classes of a mask
 * counted and given colours. Called by plot-result.c; knows no widget. */

#include "plot-result-private.h"

#include <math.h>
#include <string.h>

static PlotResultPoint *
copy_points (const PlotResultPoint *points, guint n)
{
  return g_memdup2 (points, n * sizeof *points);
}

static void
copy_picture (PlotResultModel *self, const PlotResultData *data)
{
  self->picture = data->picture != NULL ? cairo_surface_reference (data->picture) : NULL;
  self->after = data->after != NULL ? cairo_surface_reference (data->after) : NULL;
  self->before_name = g_strdup (data->before_name != NULL ? data->before_name : "before");
  self->after_name = g_strdup (data->after_name != NULL ? data->after_name : "after");
  self->aspect = data->aspect > 0 ? data->aspect : 1;
  if (self->picture != NULL)
    self->aspect = (double)cairo_image_surface_get_width (self->picture)
                   / cairo_image_surface_get_height (self->picture);
  self->n_boxes = data->n_boxes;
  self->boxes = g_memdup2 (data->boxes, data->n_boxes * sizeof *data->boxes);
  for (guint i = 0; i < data->n_boxes; i++)
    {
      PlotResultBox *box = &self->boxes[i];

      box->label = g_strdup (box->label);
      box->value = g_strdup (box->value);
      box->points = copy_points (box->points, box->n_points);
    }
  self->n_points = data->n_points;
  self->points = copy_points (data->points, data->n_points);
  self->n_edges = data->n_edges;
  self->edges = g_memdup2 (data->edges, 2 * data->n_edges);
}

/* --- mask --- */

static int
compare_classes (gconstpointer a, gconstpointer b)
{
  const PlotMaskClass *x = a, *y = b;

  return (x->share < y->share) - (x->share > y->share);
}

/* Each class keeps the colour of its number where it can: it shall not change from picture to
 * picture. The larger one chooses first. */
static void
color_classes (GArray *classes)
{
  gboolean taken[PLOT_N_COLORS] = { FALSE };

  for (guint i = 0; i < classes->len; i++)
    {
      PlotMaskClass *class = &g_array_index (classes, PlotMaskClass, i);
      guint color = class->value % PLOT_N_COLORS;

      for (guint k = 0; k < PLOT_N_COLORS && taken[color]; k++)
        color = (color + 1) % PLOT_N_COLORS;
      taken[color] = TRUE;
      class->color = color;
      class->pattern = (PlotPattern)(color % PLOT_N_PATTERNS);
    }
}

static void
clear_class (gpointer class)
{
  g_free (((PlotMaskClass *)class)->name);
}

static void
count_classes (PlotResultModel *self, const PlotResultData *data)
{
  gsize n = (gsize)data->mask_width * data->mask_height;
  guint64 counts[256] = { 0 };

  for (gsize i = 0; i < n; i++)
    counts[data->mask[i]]++;
  for (guint v = 0; v < 256; v++)
    if (counts[v] > 0 && (int)v != data->clear_class)
      {
        PlotMaskClass class = { .value = (guint8)v, .share = (double)counts[v] / (double)n };

        class.name = v < data->n_class_names ? g_strdup (data->class_names[v])
                                             : g_strdup_printf ("class %u", v);
        g_array_append_val (self->classes, class);
      }
  g_array_sort (self->classes, compare_classes);
  color_classes (self->classes);
  for (guint i = 0; i < self->classes->len; i++)
    self->class_of[g_array_index (self->classes, PlotMaskClass, i).value] = (int)i;
}

/* One class: the foreground, with the mean share. */
static void
count_foreground (PlotResultModel *self, const PlotResultData *data)
{
  gsize n = (gsize)data->mask_width * data->mask_height;
  PlotMaskClass class = { .value = 255, .color = 3 };
  guint64 sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += data->mask[i];
  class.share = (double)sum / (255.0 * (double)n);
  class.name = g_strdup (data->n_class_names > 1   ? data->class_names[1]
                         : data->n_class_names > 0 ? data->class_names[0]
                                                   : "foreground");
  g_array_append_val (self->classes, class);
}

static void
copy_mask (PlotResultModel *self, const PlotResultData *data)
{
  self->classes = g_array_new (FALSE, FALSE, sizeof (PlotMaskClass));
  g_array_set_clear_func (self->classes, clear_class);
  for (guint i = 0; i < 256; i++)
    self->class_of[i] = -1;
  if (data->mask == NULL || data->mask_width == 0 || data->mask_height == 0)
    return;
  self->mask = g_memdup2 (data->mask, (gsize)data->mask_width * data->mask_height);
  self->mask_width = data->mask_width;
  self->mask_height = data->mask_height;
  self->soft = data->soft;
  if (data->soft)
    count_foreground (self, data);
  else
    count_classes (self, data);
}

/* --- the others --- */

static void
reduce_wave (PlotResultEnvelope *wave, const PlotResultWave *data)
{
  gsize n = data->n_samples;

  wave->name = g_strdup (data->name);
  wave->seconds = data->rate_hz > 0 ? (double)n / data->rate_hz : 0;
  wave->n_bins = (guint)MIN (n, PLOT_RESULT_N_BINS);
  wave->low = g_new (float, wave->n_bins + 1);
  wave->high = g_new (float, wave->n_bins + 1);
  for (guint i = 0; i < wave->n_bins; i++)
    {
      gsize from = n * i / wave->n_bins, to = n * (i + 1) / wave->n_bins;
      float low = INFINITY, high = -INFINITY;

      for (gsize k = from; k < to; k++)
        {
          low = data->samples[k] < low ? data->samples[k] : low;
          high = data->samples[k] > high ? data->samples[k] : high;
        }
      wave->low[i] = low;
      wave->high[i] = high;
    }
}

static void
copy_rows (PlotResultModel *self, const PlotResultData *data)
{
  self->n_bars = data->n_bars;
  self->bars = g_memdup2 (data->bars, data->n_bars * sizeof *data->bars);
  for (guint i = 0; i < data->n_bars; i++)
    self->bars[i].label = g_strdup (data->bars[i].label);
  self->n_series = data->n_series;
  self->series = g_memdup2 (data->series, data->n_series * sizeof *data->series);
  for (guint i = 0; i < data->n_series; i++)
    {
      self->series[i].name = g_strdup (data->series[i].name);
      self->series[i].values
          = g_memdup2 (data->series[i].values, data->series[i].n_values * sizeof (double));
    }
  self->n_tensors = data->n_tensors;
  self->tensors = g_memdup2 (data->tensors, data->n_tensors * sizeof *data->tensors);
  for (guint i = 0; i < data->n_tensors; i++)
    {
      PlotResultTensor *tensor = &self->tensors[i];

      tensor->name = g_strdup (tensor->name);
      tensor->detail = g_strdup (tensor->detail);
      tensor->bins = g_memdup2 (tensor->bins, tensor->n_bins * sizeof *tensor->bins);
    }
}

PlotResultModel *
plot_result_model_new (const PlotResultData *data)
{
  PlotResultModel *self;

  if (data == NULL)
    return NULL;
  self = g_new0 (PlotResultModel, 1);
  self->kind = data->kind;
  self->shares = data->shares;
  self->start_s = data->start_s;
  self->step_s = data->step_s;
  self->threshold = data->threshold;
  copy_picture (self, data);
  copy_mask (self, data);
  copy_rows (self, data);
  self->n_waves = data->n_waves;
  self->waves = g_new0 (PlotResultEnvelope, data->n_waves + 1);
  for (guint i = 0; i < data->n_waves; i++)
    reduce_wave (&self->waves[i], &data->waves[i]);
  return self;
}

static void
free_rows (PlotResultModel *self)
{
  for (guint i = 0; i < self->n_boxes; i++)
    {
      g_free ((char *)self->boxes[i].label);
      g_free ((char *)self->boxes[i].value);
      g_free ((gpointer)self->boxes[i].points);
    }
  for (guint i = 0; i < self->n_bars; i++)
    g_free ((char *)self->bars[i].label);
  for (guint i = 0; i < self->n_series; i++)
    {
      g_free ((char *)self->series[i].name);
      g_free ((gpointer)self->series[i].values);
    }
  for (guint i = 0; i < self->n_tensors; i++)
    {
      g_free ((char *)self->tensors[i].name);
      g_free ((char *)self->tensors[i].detail);
      g_free ((gpointer)self->tensors[i].bins);
    }
  for (guint i = 0; i < self->n_waves; i++)
    {
      g_free (self->waves[i].name);
      g_free (self->waves[i].low);
      g_free (self->waves[i].high);
    }
}

void
plot_result_model_free (PlotResultModel *self)
{
  if (self == NULL)
    return;
  free_rows (self);
  g_clear_pointer (&self->picture, cairo_surface_destroy);
  g_clear_pointer (&self->after, cairo_surface_destroy);
  g_free (self->before_name);
  g_free (self->after_name);
  g_free (self->boxes);
  g_free (self->points);
  g_free (self->edges);
  g_free (self->mask);
  g_array_unref (self->classes);
  g_free (self->bars);
  g_free (self->series);
  g_free (self->tensors);
  g_free (self->waves);
  g_free (self);
}
