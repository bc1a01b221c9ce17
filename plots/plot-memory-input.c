/* Pointer and keyboard of PlotMemory. Turns events into the calls of the public API and of the
 * view. */

#include "plot-memory-private.h"
#include "plot-controls-private.h"

#include <math.h>

/* --- hover --- */

void
plot_memory_update_hover (PlotMemory *self)
{
  guint item = PLOT_MEMORY_NONE, step = PLOT_MEMORY_NONE;
  double bytes;

  if (self->hover_shown && self->model->n_items > 0)
    {
      item = plot_memory_hit (self->model, &self->layout, self->pointer_x, self->pointer_y);
      step = plot_memory_step_at (self->model, &self->layout, self->pointer_x, self->pointer_y,
                                  &bytes);
    }
  plot_memory_set_hovered (self, item, step);
}

static void
on_motion (GtkEventControllerMotion *controller, double x, double y, PlotMemory *self)
{
  if (self->hover_shown && x == self->pointer_x && y == self->pointer_y)
    return;
  self->pointer_x = x;
  self->pointer_y = y;
  self->hover_shown = TRUE;
  self->keyboard_shown = FALSE;
  plot_memory_update_hover (self);
  gtk_widget_queue_draw (GTK_WIDGET (self)); /* the card follows; the picture comes from its node */
}

static void
on_leave (GtkEventControllerMotion *controller, PlotMemory *self)
{
  self->hover_shown = FALSE;
  plot_memory_update_hover (self);
}

/* --- click and drag --- */

static void
on_pressed (GtkGestureClick *gesture, int n_press, double x, double y, PlotMemory *self)
{
  guint item = plot_memory_hit (self->model, &self->layout, x, y);

  gtk_widget_grab_focus (GTK_WIDGET (self));
  self->keyboard_shown = FALSE;
  if (n_press == 2 && item != PLOT_MEMORY_NONE)
    plot_memory_activate (self, item);
}

static void
on_released (GtkGestureClick *gesture, int n_press, double x, double y, PlotMemory *self)
{
  double bytes;

  if (n_press != 1)
    return;
  plot_memory_select_step (self, plot_memory_step_at (self->model, &self->layout, x, y, &bytes));
  plot_memory_select (self, plot_memory_hit (self->model, &self->layout, x, y));
}

static void
on_drag_begin (GtkGestureDrag *gesture, double x, double y, PlotMemory *self)
{
  self->drag_view0 = self->view0;
}

static void
on_drag_update (GtkGestureDrag *gesture, double dx, double dy, PlotMemory *self)
{
  double length = self->view1 - self->view0;

  if (!plot_drag_take (gesture, dx, dy))
    return;
  if (self->fitted || self->layout.plot_w <= 0)
    return;
  plot_memory_move_view (self, self->drag_view0 - dx / self->layout.plot_w * length,
                         self->drag_view0 - dx / self->layout.plot_w * length + length, FALSE);
}

/* --- wheel and pinch --- */

static double
step_under (PlotMemory *self, double x)
{
  double frac = (x - self->layout.plot_x) / fmax (1, self->layout.plot_w);

  return self->view0 + CLAMP (frac, 0, 1) * (self->view1 - self->view0);
}

static gboolean
on_scroll (GtkEventControllerScroll *controller, double dx, double dy, PlotMemory *self)
{
  GdkModifierType modifiers
      = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (controller));
  double length = self->view1 - self->view0;

  if (self->model->n_items == 0)
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
      plot_memory_move_view (self, self->view0 + dx * length * 0.08,
                             self->view1 + dx * length * 0.08, FALSE);
      plot_memory_update_hover (self);
      return GDK_EVENT_STOP;
    }
  if (!self->scroll_zooms && !(modifiers & GDK_CONTROL_MASK))
    return GDK_EVENT_PROPAGATE;
  plot_memory_zoom_about (self, pow (1.25, -dy), step_under (self, self->pointer_x), FALSE);
  return GDK_EVENT_STOP;
}

static void
on_pinch_begin (GtkGesture *gesture, GdkEventSequence *sequence, PlotMemory *self)
{
  self->pinch_length = self->view1 - self->view0;
}

static void
on_pinch (GtkGestureZoom *gesture, double scale, PlotMemory *self)
{
  double x = self->pointer_x, y, now = self->view1 - self->view0;

  if (scale <= 0)
    return;
  gtk_gesture_get_bounding_box_center (GTK_GESTURE (gesture), &x, &y);
  plot_memory_zoom_about (self, now / (self->pinch_length / scale), step_under (self, x), FALSE);
}

/* --- keyboard --- */

static gboolean
go_to_step (PlotMemory *self, double step)
{
  if (self->model->n_steps == 0)
    return GDK_EVENT_PROPAGATE;
  self->keyboard_shown = TRUE;
  self->hover_shown = FALSE;
  plot_memory_update_hover (self);
  plot_memory_select_step (self, (guint)CLAMP (step, 0, self->model->n_steps - 1.0));
  /* A buffer that is not alive there would be a second, unrelated thing. */
  if (self->selected != PLOT_MEMORY_NONE
      && (self->model->items[self->selected].first > self->step
          || self->model->items[self->selected].last < self->step))
    plot_memory_select (self, PLOT_MEMORY_NONE);
  return GDK_EVENT_STOP;
}

static gboolean
move_step (PlotMemory *self, int by)
{
  if (self->step == PLOT_MEMORY_NONE)
    return go_to_step (self, by > 0 ? 0 : self->model->n_steps);
  return go_to_step (self, (double)self->step + by);
}

/* The next buffer by address among those alive at the step. */
static gboolean
move_buffer (PlotMemory *self, int by)
{
  g_autoptr (GArray) alive = NULL;
  int at = -1;

  if (self->step == PLOT_MEMORY_NONE)
    return go_to_step (self, 0);
  alive = plot_memory_model_alive (self->model, self->step);
  if (alive->len == 0)
    return GDK_EVENT_STOP;
  for (guint i = 0; i < alive->len; i++)
    if (g_array_index (alive, guint, i) == self->selected)
      at = (int)i;
  at = at < 0 ? (by > 0 ? 0 : (int)alive->len - 1) : CLAMP (at + by, 0, (int)alive->len - 1);
  self->keyboard_shown = TRUE;
  self->hover_shown = FALSE;
  plot_memory_update_hover (self);
  plot_memory_select (self, g_array_index (alive, guint, at));
  return GDK_EVENT_STOP;
}

static gboolean
escape (PlotMemory *self)
{
  if (self->selected == PLOT_MEMORY_NONE && self->step == PLOT_MEMORY_NONE)
    return GDK_EVENT_PROPAGATE;
  plot_memory_select (self, PLOT_MEMORY_NONE);
  plot_memory_select_step (self, PLOT_MEMORY_NONE);
  return GDK_EVENT_STOP;
}

static gboolean
on_key (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType modifiers,
        PlotMemory *self)
{
  if (modifiers & (GDK_ALT_MASK | GDK_CONTROL_MASK | GDK_SUPER_MASK))
    return GDK_EVENT_PROPAGATE;
  switch (key)
    {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      return move_step (self, -1);
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      return move_step (self, 1);
    case GDK_KEY_Page_Up:
      return move_step (self, -10);
    case GDK_KEY_Page_Down:
      return move_step (self, 10);
    case GDK_KEY_Home:
    case GDK_KEY_KP_Home:
      return go_to_step (self, 0);
    case GDK_KEY_End:
    case GDK_KEY_KP_End:
      return go_to_step (self, self->model->n_steps);
    case GDK_KEY_p:
    case GDK_KEY_P:
      return go_to_step (self, self->model->peak_step);
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
      return move_buffer (self, 1);
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
      return move_buffer (self, -1);
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
    case GDK_KEY_space:
      if (self->selected == PLOT_MEMORY_NONE)
        return GDK_EVENT_PROPAGATE;
      plot_memory_activate (self, self->selected);
      return GDK_EVENT_STOP;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
      plot_memory_zoom (self, 1.5);
      return GDK_EVENT_STOP;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      plot_memory_zoom (self, 1 / 1.5);
      return GDK_EVENT_STOP;
    case GDK_KEY_0:
    case GDK_KEY_KP_0:
      plot_memory_fit (self);
      return GDK_EVENT_STOP;
    case GDK_KEY_Escape:
      return escape (self);
    default:
      return GDK_EVENT_PROPAGATE;
    }
}

void
plot_memory_input_init (PlotMemory *self)
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
