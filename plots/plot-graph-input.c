/* Pointer and keyboard of PlotGraph. Turns events into the calls of the public API and of the view.
 */

#include "plot-graph-private.h"
#include "plot-controls-private.h"

#include <math.h>

#define CHEVRON_PX 26 /* at zoom 1 */

/* --- hover --- */

/* A frame counts where its header is; its ground is ground. */
static guint
hit (PlotGraph *self, double px, double py)
{
  graphene_rect_t map;
  guint endpoint;

  if (self->scene == NULL)
    return PLOT_GRAPH_NONE;
  if (plot_graph_get_map (self, &map)
      && graphene_rect_contains_point (&map, &GRAPHENE_POINT_INIT ((float)px, (float)py)))
    return PLOT_GRAPH_NONE;
  endpoint = plot_graph_scene_hit (self->scene, self->view.x + px / self->view.zoom,
                                   self->view.y + py / self->view.zoom);
  if (endpoint != PLOT_GRAPH_NONE && self->scene->box_of[endpoint] < self->scene->n_frames
      && !plot_graph_in_header (self->scene, &self->view, endpoint, px, py))
    return PLOT_GRAPH_NONE;
  return endpoint;
}

void
plot_graph_update_hover (PlotGraph *self)
{
  plot_graph_set_hovered (self, self->hover_shown ? hit (self, self->pointer_x, self->pointer_y)
                                                  : PLOT_GRAPH_NONE);
}

static void
on_motion (GtkEventControllerMotion *controller, double x, double y, PlotGraph *self)
{
  if (self->hover_shown && x == self->pointer_x && y == self->pointer_y)
    return;
  self->pointer_x = x;
  self->pointer_y = y;
  self->hover_shown = TRUE;
  self->keyboard_shown = FALSE;
  plot_graph_update_hover (self);
  gtk_widget_queue_draw (GTK_WIDGET (self)); /* the card follows; the picture comes from its node */
}

static void
on_leave (GtkEventControllerMotion *controller, PlotGraph *self)
{
  self->hover_shown = FALSE;
  plot_graph_update_hover (self);
}

/* --- click and drag --- */

static gboolean
on_chevron (PlotGraph *self, guint endpoint, double px)
{
  const PlotGraphRect *rect;
  double x = self->view.x + px / self->view.zoom;
  guint box;

  if (endpoint == PLOT_GRAPH_NONE || !plot_graph_model_is_group (self->model, endpoint)
      || self->view.zoom < 0.4)
    return FALSE;
  box = self->scene->box_of[endpoint];
  rect = &self->scene->boxes[box];
  return box < self->scene->n_frames ? x < rect->x0 + CHEVRON_PX : x > rect->x1 - CHEVRON_PX;
}

static gboolean
in_map (PlotGraph *self, double x, double y)
{
  graphene_rect_t map;

  return plot_graph_get_map (self, &map)
         && graphene_rect_contains_point (&map, &GRAPHENE_POINT_INIT ((float)x, (float)y));
}

static void
on_pressed (GtkGestureClick *gesture, int n_press, double x, double y, PlotGraph *self)
{
  guint endpoint = hit (self, x, y);

  gtk_widget_grab_focus (GTK_WIDGET (self));
  self->keyboard_shown = FALSE;
  if (in_map (self, x, y))
    plot_graph_map_to (self, x, y);
  else if (n_press == 2 && endpoint != PLOT_GRAPH_NONE && !on_chevron (self, endpoint, x))
    plot_graph_activate (self, endpoint);
}

static void
on_released (GtkGestureClick *gesture, int n_press, double x, double y, PlotGraph *self)
{
  guint endpoint = hit (self, x, y);

  if (in_map (self, x, y))
    return;
  if (on_chevron (self, endpoint, x))
    {
      plot_graph_select_endpoint (self, endpoint);
      plot_graph_toggle (self, endpoint);
    }
  else if (n_press == 1)
    plot_graph_select_endpoint (self, endpoint);
}

static void
on_drag_begin (GtkGestureDrag *gesture, double x, double y, PlotGraph *self)
{
  plot_graph_ensure_view (self);
  self->drag_x = self->view.x;
  self->drag_y = self->view.y;
}

static void
on_drag_update (GtkGestureDrag *gesture, double dx, double dy, PlotGraph *self)
{
  double x = 0, y = 0;

  if (!plot_drag_take (gesture, dx, dy))
    return;
  gtk_gesture_drag_get_start_point (gesture, &x, &y);
  if (in_map (self, x, y))
    {
      plot_graph_map_to (self, x + dx, y + dy);
      return;
    }
  self->mode = PLOT_GRAPH_VIEW_FREE;
  plot_graph_move_view (self, self->drag_x - dx / self->view.zoom,
                        self->drag_y - dy / self->view.zoom, self->view.zoom, FALSE);
}

/* --- wheel and pinch --- */

static gboolean
on_scroll (GtkEventControllerScroll *controller, double dx, double dy, PlotGraph *self)
{
  GdkModifierType modifiers
      = gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (controller));

  if (self->scene == NULL || self->scene->n_boxes == 0)
    return GDK_EVENT_PROPAGATE;
  if ((modifiers & GDK_CONTROL_MASK)
      || (self->scroll_zooms && fabs (dy) >= fabs (dx) && !(modifiers & GDK_SHIFT_MASK)))
    plot_graph_zoom_about (self, pow (1.2, -dy), self->pointer_x, self->pointer_y);
  else if (modifiers & GDK_SHIFT_MASK)
    plot_graph_scroll (self, 64 * (dx != 0 ? dx : dy), 0);
  else
    plot_graph_scroll (self, 64 * dx, 64 * dy);
  plot_graph_update_hover (self);
  return GDK_EVENT_STOP;
}

static void
on_pinch_begin (GtkGesture *gesture, GdkEventSequence *sequence, PlotGraph *self)
{
  plot_graph_ensure_view (self);
  self->pinch_zoom = self->view.zoom;
}

static void
on_pinch (GtkGestureZoom *gesture, double scale, PlotGraph *self)
{
  double x = self->pointer_x, y = self->pointer_y;

  if (scale <= 0 || self->view.zoom <= 0)
    return;
  gtk_gesture_get_bounding_box_center (GTK_GESTURE (gesture), &x, &y);
  plot_graph_zoom_about (self, self->pinch_zoom * scale / self->view.zoom, x, y);
}

/* --- keyboard --- */

static void
select_by_key (PlotGraph *self, guint endpoint)
{
  if (endpoint == PLOT_GRAPH_NONE)
    return;
  self->keyboard_shown = TRUE;
  self->hover_shown = FALSE;
  plot_graph_update_hover (self);
  plot_graph_select_endpoint (self, endpoint);
}

/* The first or last box as they lie, from top to bottom. */
static guint
find_end (PlotGraph *self, gboolean last)
{
  const PlotGraphScene *scene = self->scene;
  guint best = PLOT_GRAPH_NONE;

  for (guint i = scene->n_frames; i < scene->n_boxes; i++)
    if (best == PLOT_GRAPH_NONE
        || (last ? scene->boxes[i].y0 > scene->boxes[best].y0
                 : scene->boxes[i].y0 < scene->boxes[best].y0))
      best = i;
  return best != PLOT_GRAPH_NONE ? scene->box_endpoint[best] : PLOT_GRAPH_NONE;
}

/* From the header of an open group down to its first node. */
static guint
first_inside (PlotGraph *self, guint group)
{
  const PlotGraphScene *scene = self->scene;
  guint best = PLOT_GRAPH_NONE;

  for (guint i = 0; i < self->model->shape->n_nodes; i++)
    if (self->model->shape->group_of[i] == group - self->model->shape->n_nodes
        && scene->box_of[i] != PLOT_GRAPH_NONE
        && (best == PLOT_GRAPH_NONE
            || scene->boxes[scene->box_of[i]].y0 < scene->boxes[scene->box_of[best]].y0))
      best = i;
  return best;
}

static gboolean
step (PlotGraph *self, PlotGraphDirection direction)
{
  guint to;

  if (self->scene == NULL || self->scene->n_boxes == 0)
    return GDK_EVENT_PROPAGATE;
  if (self->selected == PLOT_GRAPH_NONE || self->scene->box_of[self->selected] == PLOT_GRAPH_NONE)
    to = find_end (self, direction == PLOT_GRAPH_UP || direction == PLOT_GRAPH_LEFT);
  else if (direction == PLOT_GRAPH_DOWN
           && self->scene->box_of[self->selected] < self->scene->n_frames)
    to = first_inside (self, self->selected);
  else
    to = plot_graph_scene_step (self->scene, self->selected, direction);
  select_by_key (self, to);
  return GDK_EVENT_STOP;
}

static gboolean
close_group (PlotGraph *self)
{
  guint group;

  if (self->selected >= self->model->shape->n_nodes)
    return GDK_EVENT_PROPAGATE;
  group = self->model->shape->group_of[self->selected];
  if (group == PLOT_GRAPH_NO_GROUP)
    return GDK_EVENT_PROPAGATE;
  plot_graph_toggle (self, self->model->shape->n_nodes + group);
  return GDK_EVENT_STOP;
}

static gboolean
activate_selected (PlotGraph *self)
{
  if (self->stopped)
    {
      plot_graph_start_layout (self);
      return GDK_EVENT_STOP;
    }
  if (self->selected == PLOT_GRAPH_NONE)
    return GDK_EVENT_PROPAGATE;
  plot_graph_activate (self, self->selected);
  return GDK_EVENT_STOP;
}

static gboolean
escape (PlotGraph *self)
{
  if (self->job != NULL)
    plot_graph_cancel_layout (self);
  else if (self->selected != PLOT_GRAPH_NONE)
    plot_graph_select_endpoint (self, PLOT_GRAPH_NONE);
  else
    return GDK_EVENT_PROPAGATE;
  return GDK_EVENT_STOP;
}

static gboolean
on_key (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType modifiers,
        PlotGraph *self)
{
  if (modifiers & (GDK_ALT_MASK | GDK_CONTROL_MASK | GDK_SUPER_MASK))
    return GDK_EVENT_PROPAGATE;
  switch (key)
    {
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
      return step (self, PLOT_GRAPH_DOWN);
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
      return step (self, PLOT_GRAPH_UP);
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      return step (self, PLOT_GRAPH_LEFT);
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      return step (self, PLOT_GRAPH_RIGHT);
    case GDK_KEY_Home:
    case GDK_KEY_KP_Home:
    case GDK_KEY_End:
    case GDK_KEY_KP_End:
      if (self->scene != NULL)
        select_by_key (self, find_end (self, key == GDK_KEY_End || key == GDK_KEY_KP_End));
      return GDK_EVENT_STOP;
    case GDK_KEY_Page_Up:
      plot_graph_scroll (self, 0, -0.8 * self->view.height);
      return GDK_EVENT_STOP;
    case GDK_KEY_Page_Down:
      plot_graph_scroll (self, 0, 0.8 * self->view.height);
      return GDK_EVENT_STOP;
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
    case GDK_KEY_space:
      return activate_selected (self);
    case GDK_KEY_BackSpace:
      return close_group (self);
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
      plot_graph_zoom (self, 1.4);
      return GDK_EVENT_STOP;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      plot_graph_zoom (self, 1 / 1.4);
      return GDK_EVENT_STOP;
    case GDK_KEY_0:
    case GDK_KEY_KP_0:
      plot_graph_fit (self);
      return GDK_EVENT_STOP;
    case GDK_KEY_Escape:
      return escape (self);
    default:
      return GDK_EVENT_PROPAGATE;
    }
}

void
plot_graph_input_init (PlotGraph *self)
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
