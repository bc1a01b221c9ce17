/* Labels: the names of the points of a series, beside them, with a line where a name had to go
 * further away. The points are drawn by other layers. Names that find no room are left out: the
 * card and the table have them. */

#include <math.h>
#include "plot-labels-private.h"
#include "plot-layer-private.h"
#include "plot-marks-private.h"
#include "plot-text-private.h"

#define RADIUS 7.0
#define MAX_LABELS 400 /* more could not be read, and placing them is quadratic */
#define MAX_WIDTH 190.0

/* Without text (golden pictures) a name takes as much room as its letters count. */
static void
measure (PlotText *text, const PlotFrame *frame, const char *name, PlotLabel *label)
{
  if (frame->style->marks_only)
    {
      label->w = 6.0 * (double)g_utf8_strlen (name, -1);
      label->h = 12;
    }
  else
    plot_text_measure (text, PLOT_FONT_SMALL, name, &label->w, &label->h);
  label->w = fmin (ceil (label->w) + 1, fmin (MAX_WIDTH, frame->width_px / 2));
}

static void
draw_label (PlotText *text, cairo_t *cr, const PlotFrame *frame, const char *name,
            const PlotLabel *label)
{
  if (label->leader)
    {
      double dx = label->line_x - label->x, dy = label->line_y - label->y;
      double length = fmax (hypot (dx, dy), 1);

      cairo_move_to (cr, label->x + dx / length * RADIUS, label->y + dy / length * RADIUS);
      cairo_line_to (cr, label->line_x, label->line_y);
      plot_set_color (cr, &frame->style->dim_text, 0.6);
      cairo_set_line_width (cr, 1);
      cairo_stroke (cr);
    }
  if (frame->style->marks_only)
    {
      cairo_rectangle (cr, floor (label->at_x) + 0.5, floor (label->at_y) + 0.5, label->w - 1,
                       label->h - 1);
      plot_set_color (cr, &frame->style->dim_text, 0.6);
      cairo_set_line_width (cr, 1);
      cairo_stroke (cr);
      return;
    }
  plot_text_draw (text, cr, PLOT_FONT_SMALL, &frame->style->text, name, label->at_x, label->at_y, 0,
                  0, label->w);
}

static void
draw_labels (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  PlotSeries *series = plot_layer_get_series (layer);
  gsize n = MIN (plot_series_get_n (series), MAX_LABELS);
  g_autofree PlotLabel *labels = g_new0 (PlotLabel, n + 1);
  g_autoptr (PlotText) text = plot_text_new (frame->style);

  for (gsize i = 0; i < n; i++)
    {
      const char *name = plot_series_get_label (series, i);

      labels[i].x = plot_frame_x (frame, plot_series_get_x (series, i));
      labels[i].y = plot_frame_y (frame, plot_series_get (series, PLOT_COLUMN_Y, i));
      if (name != NULL && *name != '\0' && labels[i].x >= frame->x_px
          && labels[i].x <= frame->x_px + frame->width_px && labels[i].y >= frame->y_px
          && labels[i].y <= frame->y_px + frame->height_px)
        measure (text, frame, name, &labels[i]);
    }
  plot_labels_place (labels, n, RADIUS, frame->x_px + 2, frame->y_px + 1, frame->width_px - 4,
                     frame->height_px - 2);
  cairo_set_dash (cr, NULL, 0, 0);
  for (gsize i = 0; i < n; i++)
    if (labels[i].placed)
      draw_label (text, cr, frame, plot_series_get_label (series, i), &labels[i]);
}

const PlotLayerKind plot_layer_labels
    = { .id = "labels", .draw = draw_labels, .pick = plot_layer_pick_nothing, .derived = TRUE };
