/* Frames of PlotMemory: the view in steps and how it moves, the cached picture, the overlay. */

#include "plot-memory-private.h"
#include "plot-controls-private.h"

#include <math.h>
#include <string.h>

#define EASE_TIME_US 70000.0
#define MIN_STEPS 4

static gboolean
animates (PlotMemory *self)
{
  gboolean enabled = TRUE;

  g_object_get (gtk_widget_get_settings (GTK_WIDGET (self)), "gtk-enable-animations", &enabled,
                NULL);
  return enabled && gtk_widget_get_mapped (GTK_WIDGET (self));
}

void
plot_memory_view_init (PlotMemory *self)
{
  self->fitted = TRUE;
  self->view1 = self->goal1 = 1;
  self->serial = 1;
  plot_style_init (&self->style, FALSE);
}

void
plot_memory_view_clear (PlotMemory *self)
{
  g_clear_pointer (&self->node, gsk_render_node_unref);
  g_clear_pointer (&self->text, plot_text_free);
}

void
plot_memory_invalidate (PlotMemory *self)
{
  self->serial++;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* --- the view --- */

static gboolean
tick (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  PlotMemory *self = PLOT_MEMORY (widget);
  gint64 now = gdk_frame_clock_get_frame_time (clock);
  double dt = self->last_tick_us > 0 ? CLAMP (now - self->last_tick_us, 1000, 100000) : 16667;
  double frac = animates (self) ? 1 - exp (-dt / EASE_TIME_US) : 1;

  self->last_tick_us = now;
  self->view0 += (self->goal0 - self->view0) * frac;
  self->view1 += (self->goal1 - self->view1) * frac;
  gtk_widget_queue_draw (widget);
  if (fabs (self->view0 - self->goal0) + fabs (self->view1 - self->goal1)
      > 1e-3 * (self->goal1 - self->goal0))
    return G_SOURCE_CONTINUE;
  self->view0 = self->goal0;
  self->view1 = self->goal1;
  self->tick_id = 0;
  self->last_tick_us = 0;
  return G_SOURCE_REMOVE;
}

void
plot_memory_move_view (PlotMemory *self, double view0, double view1, gboolean smooth)
{
  double total = fmax (1, self->model->n_steps);
  double length = CLAMP (view1 - view0, fmin (MIN_STEPS, total), total);

  view0 = CLAMP (view0, 0, total - length);
  view1 = view0 + length;
  self->fitted = length >= total - 1e-9;
  self->goal0 = view0;
  self->goal1 = view1;
  if (smooth && animates (self))
    {
      if (self->tick_id == 0)
        self->tick_id = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick, NULL, NULL);
      return;
    }
  self->view0 = view0;
  self->view1 = view1;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
plot_memory_zoom_about (PlotMemory *self, double factor, double step, gboolean smooth)
{
  double total = fmax (1, self->model->n_steps), length = self->goal1 - self->goal0;
  double at = CLAMP ((step - self->goal0) / length, 0, 1);

  length = CLAMP (length / factor, fmin (MIN_STEPS, total), total);
  plot_memory_move_view (self, step - at * length, step + (1 - at) * length, smooth);
}

void
plot_memory_reveal (PlotMemory *self, guint first, guint last)
{
  double length = self->goal1 - self->goal0, margin = fmin (1, length / 4);

  if (self->fitted)
    return;
  if (last + 1.0 > self->goal1 && first > self->goal0)
    plot_memory_move_view (self, fmin (first - margin, last + 1 + margin - length),
                           fmin (first - margin, last + 1 + margin - length) + length, TRUE);
  else if (first < self->goal0 && last + 1.0 < self->goal1)
    plot_memory_move_view (self, first - margin, first - margin + length, TRUE);
}

void
plot_memory_fit (PlotMemory *self)
{
  g_return_if_fail (PLOT_IS_MEMORY (self));
  plot_memory_move_view (self, 0, self->model->n_steps, TRUE);
}

void
plot_memory_zoom (PlotMemory *self, double factor)
{
  double about;

  g_return_if_fail (PLOT_IS_MEMORY (self) && factor > 0 && isfinite (factor));
  about = (self->goal0 + self->goal1) / 2;
  if (self->step != PLOT_MEMORY_NONE && self->step >= self->goal0
      && self->step + 1.0 <= self->goal1)
    about = self->step + 0.5;
  plot_memory_zoom_about (self, factor, about, TRUE);
}

/* --- picture --- */

static void
ensure_layout (PlotMemory *self)
{
  GtkWidget *widget = GTK_WIDGET (self);

  if (plot_follow_style (widget, &self->style, &self->text))
    self->serial++;
  plot_memory_layout (&self->layout, self->model, self->text, gtk_widget_get_width (widget),
                      gtk_widget_get_height (widget), gtk_widget_get_scale_factor (widget),
                      self->view0, self->view1, NULL);
}

static gboolean
same_layout (const PlotMemoryLayout *a, const PlotMemoryLayout *b)
{
  return a->width == b->width && a->height == b->height && a->device_scale == b->device_scale
         && a->view0 == b->view0 && a->view1 == b->view1;
}

static void
append_picture (PlotMemory *self, GtkSnapshot *snapshot)
{
  if (self->node == NULL || self->node_serial != self->serial
      || !same_layout (&self->layout, &self->node_layout))
    {
      cairo_t *cr;

      g_clear_pointer (&self->node, gsk_render_node_unref);
      self->node = gsk_cairo_node_new (
          &GRAPHENE_RECT_INIT (0, 0, (float)self->layout.width, (float)self->layout.height));
      cr = gsk_cairo_node_get_draw_context (self->node);
      plot_memory_draw (self->model, &self->layout, cr, self->text, &self->style);
      cairo_destroy (cr);
      self->node_serial = self->serial;
      self->node_layout = self->layout;
    }
  gtk_snapshot_append_node (snapshot, self->node);
}

static void
append_card (PlotMemory *self, GtkSnapshot *snapshot, guint step, guint item, double px, double py)
{
  g_autoptr (PlotCard) card = plot_memory_model_make_card (self->model, step, item);
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
append_overlay (PlotMemory *self, GtkSnapshot *snapshot)
{
  const PlotMemoryLayout *layout = &self->layout;
  cairo_t *cr
      = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, (float)layout->width,
                                                                  (float)layout->height));

  if (self->hovered_step != self->step)
    plot_memory_draw_step (layout, self->hovered_step, FALSE, cr, &self->style);
  plot_memory_draw_step (layout, self->step, TRUE, cr, &self->style);
  if (self->hovered != self->selected)
    plot_memory_draw_item (self->model, layout, self->hovered, FALSE, cr, &self->style);
  plot_memory_draw_item (self->model, layout, self->selected, TRUE, cr, &self->style);
  cairo_destroy (cr);
  if (self->hover_shown && self->hovered_step != PLOT_MEMORY_NONE)
    append_card (self, snapshot, self->hovered_step, self->hovered, self->pointer_x,
                 self->pointer_y);
  else if (self->keyboard_shown && self->step != PLOT_MEMORY_NONE
           && gtk_widget_has_visible_focus (GTK_WIDGET (self)))
    append_card (self, snapshot, self->step, self->selected,
                 plot_memory_px (layout, self->step + 1.0), layout->plot_y + 8);
}

static void
append_empty (PlotMemory *self, GtkSnapshot *snapshot)
{
  cairo_t *cr
      = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, (float)self->layout.width,
                                                                  (float)self->layout.height));

  plot_text_draw (self->text, cr, PLOT_FONT_BODY, &self->style.dim_text, self->empty_text,
                  self->layout.width / 2, self->layout.height / 2, 0.5, 0.5,
                  self->layout.width - 24);
  cairo_destroy (cr);
}

void
plot_memory_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  PlotMemory *self = PLOT_MEMORY (widget);

  if (gtk_widget_get_width (widget) < 2 || gtk_widget_get_height (widget) < 2)
    return;
  ensure_layout (self);
  if (self->model->n_items == 0)
    append_empty (self, snapshot);
  else
    {
      append_picture (self, snapshot);
      append_overlay (self, snapshot);
    }
  plot_append_focus_ring (widget, snapshot, &self->style, self->layout.width, self->layout.height);
}

void
plot_memory_draw_figure (PlotMemory *self, cairo_t *cr, double width, double height,
                         const PlotStyle *style)
{
  g_autoptr (PlotText) text = plot_text_new (style);
  double scale_x = 1, scale_y = 1;
  PlotMemoryLayout layout;

  plot_set_color (cr, &style->background, 1);
  cairo_paint (cr);
  if (*self->title != '\0')
    plot_text_draw (text, cr, PLOT_FONT_TITLE, &style->text, self->title, 12, 7, 0, 0, width - 24);
  if (self->model->n_items == 0)
    {
      plot_text_draw (text, cr, PLOT_FONT_BODY, &style->dim_text, self->empty_text, width / 2,
                      height / 2, 0.5, 0.5, width - 24);
      return;
    }
  cairo_surface_get_device_scale (cairo_get_target (cr), &scale_x, &scale_y);
  plot_memory_layout (&layout, self->model, text, width, height, fmax (1, scale_x), self->goal0,
                      self->goal1, self->title);
  plot_memory_draw (self->model, &layout, cr, text, style);
}
