/* Pointer and keyboard of PlotTimeline. Turns events into the calls of the public API and of the
 * view. */

#include "plot-timeline-private.h"
#include "plot-controls-private.h"

#include <math.h>

/* --- hover --- */

static void
update_hover (PlotTimeline *self)
{
  guint span = PLOT_TIMELINE_NONE;

  if (self->hover_shown && self->model->n_spans > 0)
    span = plot_timeline_hit (self->model, &self->layout, self->pointer_x, self->pointer_y);
  self->hovered = span;
  gtk_widget_queue_draw (GTK_WIDGET (self)); /* the card follows; the picture comes from its node */
}

static void
on_motion (GtkEventControllerMotion *controller, double x, double y, PlotTimeline *self)
{
  if (self->hover_shown && x == self->pointer_x && y == self->pointer_y)
    return;
  self->pointer_x = x;
  self->pointer_y = y;
  self->hover_shown = TRUE;
  self->keyboard_shown = FALSE;
  update_hover (self);
}

static void
on_leave (GtkEventControllerMotion *controller, PlotTimeline *self)
{
  self->hover_shown = FALSE;
  update_hover (self);
}

/* --- click and drag --- */

static void
zoom_to_span (PlotTimeline *self, guint at)
{
  const PlotTimelineSpan *span = &self->model->spans[at];
  double length = fmax (1, (double)(span->end_ns - span->start_ns));

  plot_timeline_move_view (self, (double)span->start_ns - length * 0.15,
                           (double)span->end_ns + length * 0.15);
  plot_timeline_activate (self, at);
}

static void
on_pressed (GtkGestureClick *gesture, int n_press, double x, double y, PlotTimeline *self)
{
  guint span;

  gtk_widget_grab_focus (GTK_WIDGET (self));
  self->keyboard_shown = FALSE;
  if (n_press != 2 || self->model->n_spans == 0)
    return;
  span = plot_timeline_hit (self->model, &self->layout, x, y);
  if (span != PLOT_TIMELINE_NONE)
    zoom_to_span (self, span);
  else
    plot_timeline_fit (self);
}

static void
on_released (GtkGestureClick *gesture, int n_press, double x, double y, PlotTimeline *self)
{
  if (n_press == 1 && self->model->n_spans > 0)
    plot_timeline_select (self, plot_timeline_hit (self->model, &self->layout, x, y));
}

static void
on_drag_begin (GtkGestureDrag *gesture, double x, double y, PlotTimeline *self)
{
  self->drag_view0 = self->view0;
}

static void
on_drag_update (GtkGestureDrag *gesture, double dx, double dy, PlotTimeline *self)
{
  double length = self->view1 - self->view0;

  if (!plot_drag_take (gesture, dx, dy))
    return;
  if (self->fitted || self->layout.plot_w <= 0)
    return;
  double view0 = self->drag_view0 - dx / self->layout.plot_w * length;
  plot_timeline_move_view (self, view0, view0 + length);
}

/* --- wheel and pinch --- */

static double
ns_under (PlotTimeline *self, double x)
{
  double frac = (x - self->layout.plot_x) / fmax (1, self->layout.plot_w);

  return self->view0 + CLAMP (frac, 0, 1) * (self->view1 - self->view0);
}

static void
pan (PlotTimeline *self, double frac)
{
  double length = self->view1 - self->view0;

  plot_timeline_move_view (self, self->view0 + frac * length, self->view1 + frac * length);
  update_hover (self);
}

static gboolean
on_scroll (GtkEventControllerScroll *controller, double dx, double dy, PlotTimeline *self)
{
  GdkModifierType modifiers
      = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (controller));

  if (self->model->n_spans == 0)
    return GDK_EVENT_PROPAGATE;
  if (modifiers & GDK_SHIFT_MASK)
    {
      dx = dx != 0 ? dx : dy;
      dy = 0;
    }
  if (fabs (dx) > fabs (dy))
    {
      if (self->fitted)
        return GDK_EVENT_PROPAGATE;
      pan (self, dx * 0.08);
      return GDK_EVENT_STOP;
    }
  plot_timeline_zoom_about (self, pow (1.25, -dy), ns_under (self, self->pointer_x));
  return GDK_EVENT_STOP;
}

static void
on_pinch_begin (GtkGesture *gesture, GdkEventSequence *sequence, PlotTimeline *self)
{
  self->pinch_length = self->view1 - self->view0;
}

static void
on_pinch (GtkGestureZoom *gesture, double scale, PlotTimeline *self)
{
  double x = self->pointer_x, y, now = self->view1 - self->view0;

  if (scale <= 0)
    return;
  gtk_gesture_get_bounding_box_center (GTK_GESTURE (gesture), &x, &y);
  plot_timeline_zoom_about (self, now / (self->pinch_length / scale), ns_under (self, x));
}

/* --- keyboard --- */

static gboolean
go_to (PlotTimeline *self, guint span)
{
  if (span >= self->model->n_spans)
    return GDK_EVENT_STOP;
  self->keyboard_shown = TRUE;
  self->hover_shown = FALSE;
  self->hovered = PLOT_TIMELINE_NONE;
  plot_timeline_select (self, span);
  return GDK_EVENT_STOP;
}

/* Without a selection: the span nearest to the middle of the view in the first row that has one. */
static gboolean
begin (PlotTimeline *self)
{
  for (guint row = 0; row < self->model->n_rows; row++)
    if (!self->model->rows[row].thin && self->model->rows[row].first < self->model->rows[row].last)
      return go_to (self,
                    plot_timeline_model_nearest (self->model, row,
                                                 self->fitted ? self->view0
                                                              : (self->view0 + self->view1) / 2));
  return go_to (self, 0);
}

static gboolean
move_along (PlotTimeline *self, int by)
{
  const PlotTimelineLane *lane;

  if (self->selected >= self->model->n_spans)
    return begin (self);
  lane = &self->model->rows[self->model->spans[self->selected].row];
  return go_to (self, (guint)CLAMP ((gint64)self->selected + by, (gint64)lane->first,
                                    (gint64)lane->last - 1));
}

static gboolean
move_row (PlotTimeline *self, int by)
{
  const PlotTimelineSpan *span;
  double middle;

  if (self->selected >= self->model->n_spans)
    return begin (self);
  span = &self->model->spans[self->selected];
  middle = ((double)span->start_ns + (double)span->end_ns) / 2;
  for (gint64 row = (gint64)span->row + by; row >= 0 && row < (gint64)self->model->n_rows;
       row += by)
    {
      guint found = plot_timeline_model_nearest (self->model, (guint)row, middle);

      if (found != PLOT_TIMELINE_NONE)
        return go_to (self, found);
    }
  return GDK_EVENT_STOP;
}

static void
zoom (PlotTimeline *self, double factor)
{
  double about = (self->view0 + self->view1) / 2;

  if (self->selected < self->model->n_spans)
    {
      const PlotTimelineSpan *span = &self->model->spans[self->selected];
      double middle = ((double)span->start_ns + (double)span->end_ns) / 2;

      if (middle >= self->view0 && middle <= self->view1)
        about = middle;
    }
  plot_timeline_zoom_about (self, factor, about);
}

static gboolean
on_key (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType modifiers,
        PlotTimeline *self)
{
  if ((modifiers & (GDK_ALT_MASK | GDK_CONTROL_MASK | GDK_SUPER_MASK)) || self->model->n_spans == 0)
    return GDK_EVENT_PROPAGATE;
  switch (key)
    {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      return move_along (self, -1);
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      return move_along (self, 1);
    case GDK_KEY_Home:
    case GDK_KEY_KP_Home:
      return move_along (self, -(int)MIN (self->model->n_spans, G_MAXINT));
    case GDK_KEY_End:
    case GDK_KEY_KP_End:
      return move_along (self, (int)MIN (self->model->n_spans, G_MAXINT));
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
      return move_row (self, -1);
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
      return move_row (self, 1);
    case GDK_KEY_Page_Up:
      pan (self, -0.8);
      return GDK_EVENT_STOP;
    case GDK_KEY_Page_Down:
      pan (self, 0.8);
      return GDK_EVENT_STOP;
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
    case GDK_KEY_space:
      if (self->selected >= self->model->n_spans)
        return GDK_EVENT_PROPAGATE;
      zoom_to_span (self, self->selected);
      return GDK_EVENT_STOP;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
      zoom (self, 1.5);
      return GDK_EVENT_STOP;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      zoom (self, 1 / 1.5);
      return GDK_EVENT_STOP;
    case GDK_KEY_0:
    case GDK_KEY_KP_0:
      plot_timeline_fit (self);
      return GDK_EVENT_STOP;
    case GDK_KEY_Escape:
      if (self->selected >= self->model->n_spans)
        return GDK_EVENT_PROPAGATE;
      plot_timeline_select (self, PLOT_TIMELINE_NONE);
      return GDK_EVENT_STOP;
    default:
      return GDK_EVENT_PROPAGATE;
    }
}

void
plot_timeline_input_init (PlotTimeline *self)
{
  plot_controls_add (GTK_WIDGET (self), &(PlotControls){ .motion = G_CALLBACK (on_motion),
                                                         .leave = G_CALLBACK (on_leave),
                                                         .scroll = G_CALLBACK (on_scroll),
                                                         .key = G_CALLBACK (on_key),
                                                         .pressed = G_CALLBACK (on_pressed),
                                                         .released = G_CALLBACK (on_released),
                                                         .drag_begin = G_CALLBACK (on_drag_begin),
                                                         .drag_update = G_CALLBACK (on_drag_update),
                                                         .pinch_begin = G_CALLBACK (on_pinch_begin),
                                                         .pinch = G_CALLBACK (on_pinch) });
}
