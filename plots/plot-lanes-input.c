/* Pointer and keyboard of PlotLanes. Turns events into the calls of the public API and of the view.
 */

#include "plot-lanes-private.h"
#include "plot-controls-private.h"

#include <math.h>

/* --- hover --- */

void
plot_lanes_update_hover (PlotLanes *self)
{
  int item = self->hover_shown
                 ? plot_lanes_layout_hit (&self->layout, self->pointer_x, self->pointer_y)
                 : -1;

  plot_lanes_set_hovered (self, item);
}

static void
on_motion (GtkEventControllerMotion *controller, double x, double y, PlotLanes *self)
{
  if (self->hover_shown && x == self->pointer_x && y == self->pointer_y)
    return;
  self->pointer_x = x;
  self->pointer_y = y;
  self->hover_shown = TRUE;
  self->keyboard_shown = FALSE;
  plot_lanes_update_hover (self);
  gtk_widget_queue_draw (GTK_WIDGET (self)); /* the card follows; lanes come from their nodes */
}

static void
on_leave (GtkEventControllerMotion *controller, PlotLanes *self)
{
  self->hover_shown = FALSE;
  plot_lanes_update_hover (self);
}

/* --- click and drag --- */

static void
on_pressed (GtkGestureClick *gesture, int n_press, double x, double y, PlotLanes *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (self));
  self->keyboard_shown = FALSE;
  if (n_press == 2)
    {
      int item = plot_lanes_layout_hit (&self->layout, x, y);

      if (item >= 0)
        plot_lanes_activate_item (self, item);
    }
}

static void
on_released (GtkGestureClick *gesture, int n_press, double x, double y, PlotLanes *self)
{
  if (n_press == 1)
    plot_lanes_set_selected_item (self, plot_lanes_layout_hit (&self->layout, x, y));
}

static void
on_drag_begin (GtkGestureDrag *gesture, double x, double y, PlotLanes *self)
{
  self->drag_view0 = self->view0;
}

static void
on_drag_update (GtkGestureDrag *gesture, double dx, double dy, PlotLanes *self)
{
  double length = self->view1 - self->view0, item_px = plot_lanes_layout_item_px (&self->layout);

  if (!plot_drag_take (gesture, dx, dy))
    return;
  if (self->fitted || item_px <= 0)
    return;
  plot_lanes_move_view (self, self->drag_view0 - dx / item_px,
                        self->drag_view0 - dx / item_px + length, FALSE);
}

/* --- wheel and pinch --- */

static gboolean
on_scroll (GtkEventControllerScroll *controller, double dx, double dy, PlotLanes *self)
{
  GdkModifierType modifiers
      = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (controller));
  double length = self->view1 - self->view0;
  double at = plot_lanes_layout_units (&self->layout, self->pointer_x);

  if (modifiers & GDK_SHIFT_MASK)
    {
      dx = dx != 0 ? dx : dy;
      dy = 0;
    }
  if (fabs (dx) > fabs (dy))
    {
      if (self->fitted)
        return GDK_EVENT_PROPAGATE;
      plot_lanes_move_view (self, self->view0 + dx * length * 0.08,
                            self->view1 + dx * length * 0.08, FALSE);
      plot_lanes_update_hover (self);
      return GDK_EVENT_STOP;
    }
  if (!self->scroll_zooms && !(modifiers & GDK_CONTROL_MASK))
    return GDK_EVENT_PROPAGATE;
  plot_lanes_zoom_about (self, pow (1.25, -dy), CLAMP (at, self->view0, self->view1), FALSE);
  return GDK_EVENT_STOP;
}

static void
on_pinch_begin (GtkGesture *gesture, GdkEventSequence *sequence, PlotLanes *self)
{
  self->pinch_length = self->view1 - self->view0;
}

static void
on_pinch (GtkGestureZoom *gesture, double scale, PlotLanes *self)
{
  double x = self->pointer_x, y, now = self->view1 - self->view0;

  if (scale <= 0)
    return;
  gtk_gesture_get_bounding_box_center (GTK_GESTURE (gesture), &x, &y);
  plot_lanes_zoom_about (self, now / (self->pinch_length / scale),
                         CLAMP (plot_lanes_layout_units (&self->layout, x), self->view0,
                                self->view1),
                         FALSE);
}

/* --- keyboard --- */

static void
select_slot (PlotLanes *self, int slot)
{
  plot_lanes_ensure_slots (self);
  if (self->layout.n_slots == 0)
    return;
  slot = CLAMP (slot, 0, (int)self->layout.n_slots - 1);
  self->keyboard_shown = TRUE;
  self->hover_shown = FALSE;
  plot_lanes_update_hover (self);
  plot_lanes_set_selected_item (self, (int)self->layout.slots[slot].item);
}

static void
move_selection (PlotLanes *self, int by)
{
  int at;

  plot_lanes_ensure_slots (self);
  at = self->selected >= 0 ? plot_lanes_layout_slot_of (&self->layout, (guint)self->selected) : -1;
  if (at < 0)
    select_slot (self, by > 0 ? 0 : G_MAXINT);
  else
    select_slot (self, at + by);
}

static gboolean
go_out_or_in (PlotLanes *self, gboolean out)
{
  const PlotLaneItem *item;

  if (self->selected < 0)
    return FALSE;
  item = &self->model->items[self->selected];
  self->keyboard_shown = TRUE;
  if (out && item->parent >= 0)
    plot_lanes_set_selected_item (self, item->parent);
  else if (!out && item->n_children > 0)
    plot_lanes_set_selected_item (self, self->selected + 1);
  else
    return FALSE;
  return TRUE;
}

static gboolean
on_key (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType modifiers,
        PlotLanes *self)
{
  if (modifiers & (GDK_ALT_MASK | GDK_CONTROL_MASK | GDK_SUPER_MASK))
    return GDK_EVENT_PROPAGATE;
  switch (key)
    {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      move_selection (self, -1);
      return GDK_EVENT_STOP;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      move_selection (self, 1);
      return GDK_EVENT_STOP;
    case GDK_KEY_Page_Up:
      move_selection (self, -10);
      return GDK_EVENT_STOP;
    case GDK_KEY_Page_Down:
      move_selection (self, 10);
      return GDK_EVENT_STOP;
    case GDK_KEY_Home:
    case GDK_KEY_KP_Home:
      select_slot (self, 0);
      return GDK_EVENT_STOP;
    case GDK_KEY_End:
    case GDK_KEY_KP_End:
      select_slot (self, G_MAXINT);
      return GDK_EVENT_STOP;
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
      return go_out_or_in (self, TRUE);
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
      return go_out_or_in (self, FALSE);
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
    case GDK_KEY_space:
      if (self->selected < 0)
        return GDK_EVENT_PROPAGATE;
      plot_lanes_activate_item (self, self->selected);
      return GDK_EVENT_STOP;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
      plot_lanes_zoom (self, 1.5);
      return GDK_EVENT_STOP;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      plot_lanes_zoom (self, 1 / 1.5);
      return GDK_EVENT_STOP;
    case GDK_KEY_0:
    case GDK_KEY_KP_0:
      plot_lanes_fit (self);
      return GDK_EVENT_STOP;
    case GDK_KEY_Escape:
      if (self->selected < 0)
        return GDK_EVENT_PROPAGATE;
      plot_lanes_set_selected_item (self, -1);
      return GDK_EVENT_STOP;
    default:
      return GDK_EVENT_PROPAGATE;
    }
}

void
plot_lanes_input_init (PlotLanes *self)
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
