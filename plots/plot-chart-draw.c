/* The picture of PlotChart: pure functions of axes, layers, size and style, for screen and files.
 */

#include "plot-chart-private.h"

#include <math.h>

/* --- layout --- */

static gboolean
wants_legend (PlotChart *chart)
{
  guint n = 0;

  for (guint i = 0; i < chart->layers->len; i++)
    {
      PlotLayer *layer = g_ptr_array_index (chart->layers, i);

      n += plot_layer_get_visible (layer) && *plot_layer_get_title (layer) != '\0';
    }
  return chart->show_legend && n > 1;
}

static double
widest_label (const PlotTicks *ticks, const PlotUnit *unit, PlotText *text)
{
  double widest = 0;

  for (guint i = 0; i < ticks->n_major; i++)
    {
      g_autofree char *label = plot_ticks_dup_label (ticks, i, unit);

      widest = fmax (widest, plot_text_width (text, PLOT_FONT_SMALL, label));
    }
  return widest;
}

/* As many labels as fit without touching: their number decides how long they are, so try again with
 * fewer. */
static void
fit_x_ticks (PlotChartLayout *layout, PlotAxis *axis, PlotText *text, double min, double max)
{
  const PlotUnit *unit = plot_axis_get_unit (axis);
  guint n = (guint)CLAMP (layout->w_px / 56, 2, 20);

  for (;; n--)
    {
      plot_ticks_init (&layout->x_ticks, plot_axis_get_kind (axis), min, max, n, unit);
      if (n <= 2
          || (widest_label (&layout->x_ticks, unit, text) + 14) * layout->x_ticks.n_major
                 <= layout->w_px)
        return;
    }
}

void
plot_chart_layout_compute (PlotChartLayout *layout, PlotChart *chart, PlotText *text, double width,
                           double height, double device_scale)
{
  double line = plot_text_line_height (text, PLOT_FONT_SMALL);
  double x_min, x_max, y_min, y_max, top, bottom, left;
  gboolean y_title = *plot_axis_get_title (chart->y_axis) != '\0';

  plot_axis_get_view (chart->x_axis, &x_min, &x_max);
  plot_axis_get_view (chart->y_axis, &y_min, &y_max);
  layout->width = width;
  layout->height = height;
  layout->device_scale = device_scale;
  layout->heading_h
      = *chart->title != '\0' ? ceil (plot_text_line_height (text, PLOT_FONT_TITLE) + 10) : 4;
  layout->legend_y = layout->heading_h;
  layout->legend_h = wants_legend (chart) || y_title ? ceil (line + 8) : 6;
  top = layout->heading_h + layout->legend_h;
  bottom = ceil (line + 8 + (*plot_axis_get_title (chart->x_axis) != '\0' ? line + 4 : 0));
  layout->y_px = top;
  layout->h_px = fmax (1, floor (height - top - bottom));
  plot_ticks_init (&layout->y_ticks, plot_axis_get_kind (chart->y_axis), y_min, y_max,
                   (guint)CLAMP (layout->h_px / 36, 2, 12), plot_axis_get_unit (chart->y_axis));
  left = widest_label (&layout->y_ticks, plot_axis_get_unit (chart->y_axis), text);
  layout->x_px = ceil (fmax (left, 18) + 16);
  layout->w_px = fmax (1, floor (width - layout->x_px - 16));
  fit_x_ticks (layout, chart->x_axis, text, x_min, x_max);
}

void
plot_chart_make_frame (const PlotChartLayout *layout, PlotChart *chart, const PlotStyle *style,
                       PlotFrame *frame)
{
  plot_axis_get_scale (chart->x_axis, layout->x_px, layout->x_px + layout->w_px, &frame->x);
  plot_axis_get_scale (chart->y_axis, layout->y_px + layout->h_px, layout->y_px, &frame->y);
  frame->x_px = layout->x_px;
  frame->y_px = layout->y_px;
  frame->width_px = layout->w_px;
  frame->height_px = layout->h_px;
  frame->device_scale = layout->device_scale;
  frame->style = style;
}

/* --- axes --- */

static void
draw_y_axis (PlotChart *chart, const PlotChartLayout *layout, const PlotFrame *frame, cairo_t *cr,
             PlotText *text, const PlotStyle *style)
{
  double thin = fmax (1, floor (layout->device_scale)) / layout->device_scale;

  for (guint i = 0; i < layout->y_ticks.n_major; i++)
    {
      double value = layout->y_ticks.major[i];
      double y = plot_snap (plot_scale_to_px (&frame->y, value), layout->device_scale);
      g_autofree char *label
          = plot_ticks_dup_label (&layout->y_ticks, i, plot_axis_get_unit (chart->y_axis));

      cairo_rectangle (cr, layout->x_px, y, layout->w_px, thin);
      plot_set_color (cr, value == 0 ? &style->axis : &style->grid, 1);
      cairo_fill (cr);
      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, label, layout->x_px - 8, y, 1,
                      0.5, 0);
    }
  for (guint i = 0; i < layout->y_ticks.n_minor; i++)
    {
      double y = plot_scale_to_px (&frame->y, layout->y_ticks.minor[i]);

      cairo_rectangle (cr, layout->x_px, plot_snap (y, layout->device_scale), layout->w_px, thin);
    }
  plot_set_color (cr, &style->grid, 0.45);
  cairo_fill (cr);
}

static void
draw_x_axis (PlotChart *chart, const PlotChartLayout *layout, const PlotFrame *frame, cairo_t *cr,
             PlotText *text, const PlotStyle *style)
{
  double thin = fmax (1, floor (layout->device_scale)) / layout->device_scale;
  double foot = layout->y_px + layout->h_px, free_from = -INFINITY;

  for (guint i = 0; i < layout->x_ticks.n_major; i++)
    {
      double x = plot_snap (plot_scale_to_px (&frame->x, layout->x_ticks.major[i]),
                            layout->device_scale);
      g_autofree char *label
          = plot_ticks_dup_label (&layout->x_ticks, i, plot_axis_get_unit (chart->x_axis));
      double half = plot_text_width (text, PLOT_FONT_SMALL, label) / 2, at;

      cairo_rectangle (cr, x, layout->y_px, thin, layout->h_px + 4);
      plot_set_color (cr, &style->grid, 1);
      cairo_fill (cr);
      at = CLAMP (x, half + 1, layout->width - half - 1);
      if (at - half < free_from)
        continue;
      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, label, at, foot + 5, 0.5, 0, 0);
      free_from = at + half + 6;
    }
  for (guint i = 0; i < layout->x_ticks.n_minor; i++)
    {
      double x = plot_scale_to_px (&frame->x, layout->x_ticks.minor[i]);

      cairo_rectangle (cr, plot_snap (x, layout->device_scale), layout->y_px, thin, layout->h_px);
    }
  plot_set_color (cr, &style->grid, 0.45);
  cairo_fill (cr);
  /* A zero line just above is the axis line. */
  if (frame->y.kind == PLOT_AXIS_LINEAR && fabs (plot_scale_to_px (&frame->y, 0) - foot) < 12)
    return;
  cairo_rectangle (cr, layout->x_px, plot_snap (foot, layout->device_scale), layout->w_px, thin);
  plot_set_color (cr, &style->axis, 1);
  cairo_fill (cr);
}

/* "Latency (ms)"; the unit alone where there is no title. */
static char *
dup_axis_title (PlotAxis *axis, const PlotTicks *ticks)
{
  const char *title = plot_axis_get_title (axis);
  g_autofree char *unit = plot_ticks_dup_unit (ticks, plot_axis_get_unit (axis));

  if (*unit == '\0')
    return g_strdup (title);
  return *title != '\0' ? g_strdup_printf ("%s (%s)", title, unit) : g_strdup (unit);
}

static void
draw_axis_titles (PlotChart *chart, const PlotChartLayout *layout, cairo_t *cr, PlotText *text,
                  const PlotStyle *style)
{
  g_autofree char *x_title = dup_axis_title (chart->x_axis, &layout->x_ticks);
  g_autofree char *y_title = dup_axis_title (chart->y_axis, &layout->y_ticks);
  double line = plot_text_line_height (text, PLOT_FONT_SMALL);

  if (*plot_axis_get_title (chart->x_axis) != '\0')
    plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, x_title,
                    layout->x_px + layout->w_px / 2, layout->y_px + layout->h_px + line + 8, 0.5, 0,
                    layout->w_px);
  if (*plot_axis_get_title (chart->y_axis) != '\0')
    plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, y_title, 8, layout->legend_y + 2,
                    0, 0, layout->width / 2);
}

/* --- legend --- */

static void
layer_swatch (PlotLayer *layer, cairo_t *cr, const PlotStyle *style, double x, double y)
{
  const PlotLayerKind *kind = plot_layer_get_kind (layer);

  cairo_save (cr);
  cairo_translate (cr, x, y);
  if (kind->swatch != NULL)
    kind->swatch (layer, cr, style);
  else
    {
      cairo_rectangle (cr, 2, 1, 14, 10);
      plot_set_color (cr, plot_layer_rgba (layer, style), 1);
      cairo_fill (cr);
    }
  cairo_restore (cr);
}

/* Right-aligned in the strip above the plot, in the order of the layers; what does not fit is cut
 * off with an ellipsis. */
static void
draw_legend (PlotChart *chart, const PlotChartLayout *layout, cairo_t *cr, PlotText *text,
             const PlotStyle *style)
{
  g_autofree char *y_title = dup_axis_title (chart->y_axis, &layout->y_ticks);
  double start = layout->x_px, end = layout->x_px + layout->w_px, total = 0, x;
  double y = layout->legend_y + 2, line = plot_text_line_height (text, PLOT_FONT_SMALL);

  if (*plot_axis_get_title (chart->y_axis) != '\0')
    start = fmax (start, 8 + plot_text_width (text, PLOT_FONT_SMALL, y_title) + 20);
  for (guint i = 0; i < chart->layers->len; i++)
    {
      PlotLayer *layer = g_ptr_array_index (chart->layers, i);

      if (plot_layer_get_visible (layer) && *plot_layer_get_title (layer) != '\0')
        total += 22 + plot_text_width (text, PLOT_FONT_SMALL, plot_layer_get_title (layer)) + 14;
    }
  x = fmax (start, end - total + 14);
  for (guint i = 0; i < chart->layers->len; i++)
    {
      PlotLayer *layer = g_ptr_array_index (chart->layers, i);
      const char *title = plot_layer_get_title (layer);
      double w;

      if (!plot_layer_get_visible (layer) || *title == '\0')
        continue;
      w = plot_text_width (text, PLOT_FONT_SMALL, title);
      if (x + 22 + 24 > end)
        break;
      layer_swatch (layer, cr, style, x, y + line / 2 - 6);
      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, title, x + 22, y, 0, 0,
                      fmin (w + 1, end - x - 22));
      x += 22 + w + 14;
    }
}

/* --- all --- */

void
plot_chart_draw_frame (PlotChart *chart, const PlotChartLayout *layout, cairo_t *cr, PlotText *text,
                       const PlotStyle *style)
{
  PlotFrame frame;

  plot_chart_make_frame (layout, chart, style, &frame);
  if (*chart->title != '\0')
    plot_text_draw (text, cr, PLOT_FONT_TITLE, &style->text, chart->title, 8, 4, 0, 0,
                    layout->width - 16);
  draw_y_axis (chart, layout, &frame, cr, text, style);
  draw_x_axis (chart, layout, &frame, cr, text, style);
  draw_axis_titles (chart, layout, cr, text, style);
  if (wants_legend (chart) && !style->marks_only)
    draw_legend (chart, layout, cr, text, style);
}

void
plot_chart_draw_layer (PlotChart *chart, const PlotChartLayout *layout, PlotLayer *layer,
                       cairo_t *cr, const PlotStyle *style)
{
  PlotFrame frame;

  if (!plot_layer_get_visible (layer))
    return;
  plot_chart_make_frame (layout, chart, style, &frame);
  cairo_save (cr);
  cairo_rectangle (cr, layout->x_px, layout->y_px - 1, layout->w_px, layout->h_px + 2);
  cairo_clip (cr);
  plot_layer_get_kind (layer)->draw (layer, cr, &frame);
  cairo_restore (cr);
}

void
plot_chart_draw_selection (PlotChart *chart, const PlotChartLayout *layout, cairo_t *cr,
                           const PlotStyle *style)
{
  PlotSeries *series;
  PlotFrame frame;
  double x, y;

  if (chart->selected == NULL || !plot_layer_get_visible (chart->selected))
    return;
  series = plot_layer_get_series (chart->selected);
  if (chart->selected_index >= plot_series_get_n (series))
    return;
  plot_chart_make_frame (layout, chart, style, &frame);
  x = plot_frame_x (&frame, plot_series_get_x (series, chart->selected_index));
  y = plot_frame_y (&frame, plot_series_get (series, PLOT_COLUMN_Y, chart->selected_index));
  if (isnan (x) || isnan (y) || x < layout->x_px - 1 || x > layout->x_px + layout->w_px + 1
      || y < layout->y_px - 1 || y > layout->y_px + layout->h_px + 1)
    return;
  cairo_new_sub_path (cr);
  cairo_arc (cr, x, y, 8, 0, 2 * G_PI);
  plot_set_color (cr, &style->accent, 1);
  cairo_set_line_width (cr, 2);
  cairo_stroke (cr);
}

void
plot_chart_draw_figure (PlotChart *chart, cairo_t *cr, double width, double height,
                        const PlotStyle *style)
{
  g_autoptr (PlotText) text = plot_text_new (style);
  PlotChartLayout layout = { 0 };
  double scale_x = 1, scale_y = 1;

  cairo_surface_get_device_scale (cairo_get_target (cr), &scale_x, &scale_y);
  plot_chart_update_extents (chart);
  plot_chart_layout_compute (&layout, chart, text, width, height, fmax (1, scale_x));
  plot_chart_draw_frame (chart, &layout, cr, text, style);
  for (guint i = 0; i < chart->layers->len; i++)
    plot_chart_draw_layer (chart, &layout, g_ptr_array_index (chart->layers, i), cr, style);
  plot_chart_draw_selection (chart, &layout, cr, style);
}
