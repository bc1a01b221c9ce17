/* Pointer and keyboard of PlotChart. Turns events into calls on the axes and the public API. */

#include "plot-chart-private.h"
#include "plot-controls-private.h"

#include <math.h>
#include <stdlib.h>

static double
x_frac (PlotChart *self, double px)
{
  return CLAMP ((px - self->layout.x_px) / self->layout.w_px, 0, 1);
}

static double
y_frac (PlotChart *self, double py)
{
  return CLAMP ((self->layout.y_px + self->layout.h_px - py) / self->layout.h_px, 0, 1);
}

static void
zoom_at (PlotChart *self, double factor, double px, double py, gboolean x, gboolean y)
{
  if (x)
    plot_axis_zoom (self->x_axis, factor, x_frac (self, px));
  if (y)
    plot_axis_zoom (self->y_axis, factor, y_frac (self, py));
}

/* --- hover and click --- */

static void
on_motion (GtkEventControllerMotion *controller, double x, double y, PlotChart *self)
{
  if (self->pointer_in && x == self->pointer_x && y == self->pointer_y)
    return;
  self->pointer_in = TRUE;
  self->pointer_x = x;
  self->pointer_y = y;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_leave (GtkEventControllerMotion *controller, PlotChart *self)
{
  self->pointer_in = FALSE;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
activate_selected (PlotChart *self)
{
  if (self->selected != NULL)
    g_signal_emit_by_name (self, "point-activated", self->selected, self->selected_index);
}

static void
on_pressed (GtkGestureClick *gesture, int n_press, double x, double y, PlotChart *self)
{
  gsize index;
  PlotLayer *layer;

  if (!self->interactive)
    return;
  gtk_widget_grab_focus (GTK_WIDGET (self));
  if (n_press != 2)
    return;
  layer = plot_chart_pick (self, x, y, &index, TRUE);
  if (layer != NULL)
    {
      plot_chart_select (self, layer, index);
      if (!self->single_click_activate) /* the first click has */
        activate_selected (self);
    }
  else
    plot_chart_reset_view (self);
}

static void
on_released (GtkGestureClick *gesture, int n_press, double x, double y, PlotChart *self)
{
  gsize index = 0;
  PlotLayer *layer;

  if (!self->interactive || n_press != 1)
    return;
  layer = plot_chart_pick (self, x, y, &index, FALSE);
  plot_chart_select (self, layer, index);
  if (self->single_click_activate && plot_chart_pick (self, x, y, &index, TRUE) == layer)
    activate_selected (self);
}

/* --- drag --- */

static void
on_drag_begin (GtkGestureDrag *gesture, double x, double y, PlotChart *self)
{
  self->drag_x_frac = self->drag_y_frac = 0;
}

static void
on_drag_update (GtkGestureDrag *gesture, double dx, double dy, PlotChart *self)
{
  double to_x = -dx / self->layout.w_px, to_y = dy / self->layout.h_px;

  if (!self->interactive)
    return;
  if (!plot_drag_take (gesture, dx, dy))
    return;
  plot_axis_pan (self->x_axis, to_x - self->drag_x_frac);
  plot_axis_pan (self->y_axis, to_y - self->drag_y_frac);
  self->drag_x_frac = to_x;
  self->drag_y_frac = to_y;
}

/* --- wheel and pinch --- */

static gboolean
on_scroll (GtkEventControllerScroll *controller, double dx, double dy, PlotChart *self)
{
  GdkModifierType modifiers
      = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (controller));
  gboolean on_x_axis = self->pointer_y > self->layout.y_px + self->layout.h_px;
  gboolean on_y_axis = self->pointer_x < self->layout.x_px;

  if (!self->interactive)
    return GDK_EVENT_PROPAGATE;
  if (fabs (dx) > fabs (dy))
    plot_axis_pan (self->x_axis, dx * 0.08);
  else
    zoom_at (self, pow (1.25, -dy), self->pointer_x, self->pointer_y,
             !on_y_axis && !(modifiers & GDK_CONTROL_MASK),
             !on_x_axis && !(modifiers & GDK_SHIFT_MASK));
  return GDK_EVENT_STOP;
}

static void
on_pinch_begin (GtkGesture *gesture, GdkEventSequence *sequence, PlotChart *self)
{
  self->pinch_scale = 1;
}

static void
on_pinch (GtkGestureZoom *gesture, double scale, PlotChart *self)
{
  double x = self->pointer_x, y = self->pointer_y;

  if (!self->interactive || scale <= 0)
    return;
  gtk_gesture_get_bounding_box_center (GTK_GESTURE (gesture), &x, &y);
  zoom_at (self, scale / self->pinch_scale, x, y, TRUE, TRUE);
  self->pinch_scale = scale;
}

/* --- keyboard --- */

/* A point, for walking over points of several layers. */
typedef struct
{
  PlotLayer *layer;
  gsize index;
  double x;
} Stop;

static int
compare_stops (const void *a, const void *b)
{
  double x = ((const Stop *)a)->x, y = ((const Stop *)b)->x;

  return (x > y) - (x < y);
}

#define MAX_STOPS 20000 /* a cloud is walked layer by layer */

/* All points of all visible layers of points from left to right; empty where there are none. */
static GArray *
list_stops (PlotChart *self)
{
  GArray *stops = g_array_new (FALSE, FALSE, sizeof (Stop));

  for (guint l = 0; l < self->layers->len; l++)
    {
      PlotLayer *layer = g_ptr_array_index (self->layers, l);
      PlotSeries *series = plot_layer_get_series (layer);

      if (!plot_layer_get_visible (layer) || plot_layer_get_kind (layer) != &plot_layer_points
          || stops->len + plot_series_get_n (series) > MAX_STOPS)
        continue;
      for (gsize i = 0; i < plot_series_get_n (series); i++)
        {
          Stop stop = { layer, i, plot_series_get_x (series, i) };

          if (!isnan (stop.x) && !isnan (plot_series_get (series, PLOT_COLUMN_Y, i)))
            g_array_append_val (stops, stop);
        }
    }
  if (stops->len > 1)
    qsort (stops->data, stops->len, sizeof (Stop), compare_stops);
  return stops;
}

static gboolean
step_over_points (PlotChart *self, int by)
{
  g_autoptr (GArray) stops = list_stops (self);
  int at = by > 0 ? -1 : (int)stops->len;

  if (stops->len == 0)
    return FALSE;
  for (guint i = 0; i < stops->len; i++)
    {
      const Stop *stop = &g_array_index (stops, Stop, i);

      if (stop->layer == self->selected && stop->index == self->selected_index)
        at = (int)i;
    }
  at = CLAMP (at + by, 0, (int)stops->len - 1);
  plot_chart_select (self, g_array_index (stops, Stop, at).layer,
                     g_array_index (stops, Stop, at).index);
  return TRUE;
}

/* Along the data of the selected layer, or of the first visible one. */
static void
step_selection (PlotChart *self, int by)
{
  PlotLayer *layer = self->selected;
  gsize n;

  if ((layer == NULL || plot_layer_get_kind (layer) == &plot_layer_points)
      && step_over_points (self, by))
    return;
  for (guint i = 0; layer == NULL && i < self->layers->len; i++)
    {
      PlotLayer *candidate = g_ptr_array_index (self->layers, i);

      if (plot_layer_get_visible (candidate)
          && plot_series_get_n (plot_layer_get_series (candidate)) > 0)
        layer = candidate;
    }
  if (layer == NULL)
    return;
  n = plot_series_get_n (plot_layer_get_series (layer));
  if (n == 0)
    return;
  if (self->selected == NULL)
    plot_chart_select (self, layer, by > 0 ? 0 : n - 1);
  else if (by < 0 && self->selected_index > 0)
    plot_chart_select (self, layer, self->selected_index - 1);
  else if (by > 0 && self->selected_index + 1 < n)
    plot_chart_select (self, layer, self->selected_index + 1);
}

static gboolean
on_key (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType modifiers,
        PlotChart *self)
{
  const double step = 0.1;
  double cx = self->layout.x_px + self->layout.w_px / 2;
  double cy = self->layout.y_px + self->layout.h_px / 2;

  if (!self->interactive || (modifiers & (GDK_ALT_MASK | GDK_CONTROL_MASK | GDK_SUPER_MASK)) != 0)
    return GDK_EVENT_PROPAGATE;
  switch (key)
    {
    case GDK_KEY_Left:
      plot_axis_pan (self->x_axis, -step);
      return GDK_EVENT_STOP;
    case GDK_KEY_Right:
      plot_axis_pan (self->x_axis, step);
      return GDK_EVENT_STOP;
    case GDK_KEY_Up:
      plot_axis_pan (self->y_axis, step);
      return GDK_EVENT_STOP;
    case GDK_KEY_Down:
      plot_axis_pan (self->y_axis, -step);
      return GDK_EVENT_STOP;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
      zoom_at (self, 1.5, cx, cy, TRUE, TRUE);
      return GDK_EVENT_STOP;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      zoom_at (self, 1 / 1.5, cx, cy, TRUE, TRUE);
      return GDK_EVENT_STOP;
    case GDK_KEY_Home:
    case GDK_KEY_0:
    case GDK_KEY_KP_0:
      plot_chart_reset_view (self);
      return GDK_EVENT_STOP;
    case GDK_KEY_n:
    case GDK_KEY_Page_Down:
      step_selection (self, 1);
      return GDK_EVENT_STOP;
    case GDK_KEY_p:
    case GDK_KEY_Page_Up:
      step_selection (self, -1);
      return GDK_EVENT_STOP;
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
      activate_selected (self);
      return GDK_EVENT_STOP;
    case GDK_KEY_Escape:
      if (self->selected == NULL)
        return GDK_EVENT_PROPAGATE;
      plot_chart_select (self, NULL, 0);
      return GDK_EVENT_STOP;
    default:
      return GDK_EVENT_PROPAGATE;
    }
}

void
plot_chart_input_init (PlotChart *self)
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
