/* Frames of PlotTimeline: the view in nanoseconds, the cached picture, the overlay. */

#include "plot-timeline-private.h"
#include "plot-controls-private.h"

#include <math.h>
#include <string.h>

#define MIN_VIEW_NS 10.0

void
plot_timeline_view_init (PlotTimeline *self)
{
  self->fitted = TRUE;
  self->view1 = 1;
  self->serial = 1;
  plot_style_init (&self->style, FALSE);
}

void
plot_timeline_view_clear (PlotTimeline *self)
{
  g_clear_pointer (&self->node, gsk_render_node_unref);
  g_clear_pointer (&self->text, plot_text_free);
}

void
plot_timeline_invalidate (PlotTimeline *self)
{
  self->serial++;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* --- the view --- */

void
plot_timeline_move_view (PlotTimeline *self, double view0, double view1)
{
  double start = (double)self->model->start_ns, end = (double)self->model->end_ns;
  double total = end - start, length = CLAMP (view1 - view0, fmin (MIN_VIEW_NS, total), total);

  self->view0 = CLAMP (view0, start, end - length);
  self->view1 = self->view0 + length;
  self->fitted = length >= total * (1 - 1e-9);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
plot_timeline_zoom_about (PlotTimeline *self, double factor, double ns)
{
  double total = (double)(self->model->end_ns - self->model->start_ns);
  double length = self->view1 - self->view0, at = CLAMP ((ns - self->view0) / length, 0, 1);

  length = CLAMP (length / factor, fmin (MIN_VIEW_NS, total), total);
  plot_timeline_move_view (self, ns - at * length, ns + (1 - at) * length);
}

void
plot_timeline_reveal (PlotTimeline *self, guint at)
{
  const PlotTimelineSpan *span = &self->model->spans[at];
  double length = self->view1 - self->view0, margin = length / 10;

  if (self->fitted)
    return;
  if ((double)span->start_ns < self->view0)
    plot_timeline_move_view (self, (double)span->start_ns - margin,
                             (double)span->start_ns - margin + length);
  else if ((double)span->end_ns > self->view1)
    {
      double view0 = fmin ((double)span->start_ns - margin, (double)span->end_ns + margin - length);

      plot_timeline_move_view (self, view0, view0 + length);
    }
}

void
plot_timeline_get_view (PlotTimeline *self, double *start_ns, double *end_ns)
{
  g_return_if_fail (PLOT_IS_TIMELINE (self));
  *start_ns = self->view0;
  *end_ns = self->view1;
}

void
plot_timeline_set_view (PlotTimeline *self, double start_ns, double end_ns)
{
  g_return_if_fail (PLOT_IS_TIMELINE (self) && start_ns < end_ns);
  plot_timeline_move_view (self, start_ns, end_ns);
}

void
plot_timeline_fit (PlotTimeline *self)
{
  g_return_if_fail (PLOT_IS_TIMELINE (self));
  plot_timeline_move_view (self, (double)self->model->start_ns, (double)self->model->end_ns);
}

/* --- picture --- */

static void
ensure_layout (PlotTimeline *self)
{
  GtkWidget *widget = GTK_WIDGET (self);

  if (plot_follow_style (widget, &self->style, &self->text))
    self->serial++;
  plot_timeline_layout (&self->layout, self->model, self->text, gtk_widget_get_width (widget),
                        gtk_widget_get_height (widget), gtk_widget_get_scale_factor (widget),
                        self->view0, self->view1, NULL);
}

static gboolean
node_fits (PlotTimeline *self)
{
  const PlotTimelineLayout *layout = &self->layout;

  return self->node != NULL && self->node_serial == self->serial
         && self->node_width == layout->width && self->node_height == layout->height
         && self->node_scale == layout->device_scale && self->node_view0 == layout->view0
         && self->node_view1 == layout->view1;
}

static void
append_picture (PlotTimeline *self, GtkSnapshot *snapshot)
{
  const PlotTimelineLayout *layout = &self->layout;

  if (!node_fits (self))
    {
      cairo_t *cr;

      g_clear_pointer (&self->node, gsk_render_node_unref);
      self->node = gsk_cairo_node_new (
          &GRAPHENE_RECT_INIT (0, 0, (float)layout->width, (float)layout->height));
      cr = gsk_cairo_node_get_draw_context (self->node);
      plot_timeline_draw (self->model, layout, self->axis_title, cr, self->text, &self->style);
      cairo_destroy (cr);
      self->node_serial = self->serial;
      self->node_width = layout->width;
      self->node_height = layout->height;
      self->node_scale = layout->device_scale;
      self->node_view0 = layout->view0;
      self->node_view1 = layout->view1;
    }
  gtk_snapshot_append_node (snapshot, self->node);
}

static void
append_card (PlotTimeline *self, GtkSnapshot *snapshot, guint span, double px, double py)
{
  g_autoptr (PlotCard) card = plot_timeline_model_make_card (self->model, span, &self->style);
  double w, h, x, y;
  cairo_t *cr;

  plot_card_measure (card, self->text, self->layout.width, &w, &h);
  plot_card_place (px, py, w, h, self->layout.width, self->layout.height, &x, &y);
  cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT ((float)x - 6, (float)y - 6,
                                                                 (float)w + 12, (float)h + 14));
  plot_card_draw (card, cr, self->text, &self->style, x, y);
  cairo_destroy (cr);
}

static void
append_overlay (PlotTimeline *self, GtkSnapshot *snapshot)
{
  const PlotTimelineLayout *layout = &self->layout;
  cairo_t *cr
      = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, (float)layout->width,
                                                                  (float)layout->height));

  plot_timeline_draw_marked (self->model, layout, self->marked_item, self->marked_family, cr,
                             &self->style);
  if (self->hovered != self->selected)
    plot_timeline_draw_span (self->model, layout, self->hovered, FALSE, cr, &self->style);
  plot_timeline_draw_span (self->model, layout, self->selected, TRUE, cr, &self->style);
  cairo_destroy (cr);
  if (self->hover_shown && self->hovered < self->model->n_spans)
    append_card (self, snapshot, self->hovered, self->pointer_x, self->pointer_y);
  else if (self->keyboard_shown && self->selected < self->model->n_spans
           && gtk_widget_has_visible_focus (GTK_WIDGET (self)))
    {
      const PlotTimelineSpan *span = &self->model->spans[self->selected];
      double y, h;

      plot_timeline_row_box (self->model, layout, span->row, &y, &h);
      append_card (self, snapshot, self->selected,
                   CLAMP (plot_timeline_px (layout, (double)span->end_ns), 0, layout->width),
                   y + h / 2);
    }
}

static void
draw_empty (PlotTimeline *self, cairo_t *cr, PlotText *text, double width, double height,
            const PlotStyle *style)
{
  plot_text_draw (text, cr, PLOT_FONT_BODY, &style->dim_text, self->empty_text, width / 2,
                  height / 2, 0.5, 0.5, width - 24);
}

void
plot_timeline_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  PlotTimeline *self = PLOT_TIMELINE (widget);

  if (gtk_widget_get_width (widget) < 2 || gtk_widget_get_height (widget) < 2)
    return;
  ensure_layout (self);
  if (self->model->n_spans == 0)
    {
      cairo_t *cr = gtk_snapshot_append_cairo (snapshot,
                                               &GRAPHENE_RECT_INIT (0, 0, (float)self->layout.width,
                                                                    (float)self->layout.height));

      draw_empty (self, cr, self->text, self->layout.width, self->layout.height, &self->style);
      cairo_destroy (cr);
    }
  else
    {
      append_picture (self, snapshot);
      append_overlay (self, snapshot);
    }
  plot_append_focus_ring (widget, snapshot, &self->style, self->layout.width, self->layout.height);
}

void
plot_timeline_draw_figure (PlotTimeline *self, cairo_t *cr, double width, double height,
                           const PlotStyle *style)
{
  g_autoptr (PlotText) text = plot_text_new (style);
  double scale_x = 1, scale_y = 1;
  PlotTimelineLayout layout;

  plot_set_color (cr, &style->background, 1);
  cairo_paint (cr);
  if (*self->title != '\0')
    plot_text_draw (text, cr, PLOT_FONT_TITLE, &style->text, self->title, 12, 7, 0, 0, width - 24);
  if (self->model->n_spans == 0)
    {
      draw_empty (self, cr, text, width, height, style);
      return;
    }
  cairo_surface_get_device_scale (cairo_get_target (cr), &scale_x, &scale_y);
  plot_timeline_layout (&layout, self->model, text, width, height, fmax (1, scale_x), self->view0,
                        self->view1, self->title);
  plot_timeline_draw (self->model, &layout, self->axis_title, cr, text, style);
  plot_timeline_draw_marked (self->model, &layout, self->marked_item, self->marked_family, cr,
                             style);
  plot_timeline_draw_span (self->model, &layout, self->selected, TRUE, cr, style);
}
