/* Frames of PlotLanes: layout when something changed, smooth movement of ranges, view and
 * disclosure, cached render nodes, and the overlay (washes, pill, card) that changes without
 * touching them. */

#include "plot-lanes-private.h"
#include "plot-controls-private.h"

#include <math.h>

#define OPEN_TIME_US 180000.0 /* an item opens in this time */
#define EASE_TIME_US 70000.0  /* time constant of ranges and view */

gboolean
plot_lanes_animates (PlotLanes *self)
{
  gboolean enabled = TRUE;

  g_object_get (gtk_widget_get_settings (GTK_WIDGET (self)), "gtk-enable-animations", &enabled,
                NULL);
  return enabled && gtk_widget_get_mapped (GTK_WIDGET (self));
}

/* --- what is stale --- */

static void
nodes_clear (gpointer data)
{
  PlotLaneNodes *nodes = data;

  g_clear_pointer (&nodes->frame, gsk_render_node_unref);
  g_clear_pointer (&nodes->marks, gsk_render_node_unref);
}

void
plot_lanes_view_init (PlotLanes *self)
{
  self->fitted = TRUE;
  self->view1 = self->goal1 = 1;
  self->slots_dirty = self->layout_dirty = self->range_at_once = TRUE;
  self->nodes = g_array_new (FALSE, TRUE, sizeof (PlotLaneNodes));
  g_array_set_clear_func (self->nodes, nodes_clear);
  plot_style_init (&self->style, FALSE);
}

void
plot_lanes_view_clear (PlotLanes *self)
{
  g_clear_pointer (&self->nodes, g_array_unref);
  g_clear_pointer (&self->axis_node, gsk_render_node_unref);
  g_clear_pointer (&self->text, plot_text_free);
  plot_lanes_layout_clear (&self->layout);
}

void
plot_lanes_invalidate_layout (PlotLanes *self, gboolean slots)
{
  self->slots_dirty |= slots;
  self->layout_dirty = TRUE;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
plot_lanes_invalidate_values (PlotLanes *self)
{
  if (!self->frozen)
    gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
plot_lanes_ensure_slots (PlotLanes *self)
{
  if (!self->slots_dirty)
    return;
  plot_lanes_layout_update_slots (&self->layout, self->model);
  self->slots_dirty = FALSE;
  if (self->fitted)
    {
      self->view0 = self->goal0 = 0;
      self->view1 = self->goal1 = fmax (self->layout.total, 1);
    }
  plot_lanes_layout_clamp_view (self->layout.total, &self->view0, &self->view1);
  plot_lanes_layout_clamp_view (self->layout.total, &self->goal0, &self->goal1);
}

static void
ensure_layout (PlotLanes *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  double width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget);
  double scale = gtk_widget_get_scale_factor (widget);

  if (plot_follow_style (widget, &self->style, &self->text))
    self->layout_dirty = TRUE;
  self->layout_dirty |= width != self->layout.width || height != self->layout.height
                        || scale != self->layout.device_scale;
  if (!self->layout_dirty && !self->slots_dirty)
    return;

  plot_lanes_ensure_slots (self);
  plot_lanes_layout_compute (&self->layout, self->model, self->text, width, height, scale,
                             self->view0, self->view1, self->dense_labels, NULL);
  self->layout_dirty = FALSE;
  self->layout_serial++;
}

/* --- ranges --- */

/* Extremes over the items in view, also of one that is only partly open. */
static gboolean
update_targets (PlotLanesModel *model, const PlotLanesLayout *layout, gint64 now_us,
                gboolean at_once)
{
  gboolean waiting = FALSE;
  guint first, last;

  plot_lanes_layout_visible (layout, &first, &last);
  for (guint l = 0; l < model->lanes->len; l++)
    {
      PlotLane *lane = plot_lanes_model_lane (model, l);
      double lo = INFINITY, hi = -INFINITY, min_positive = INFINITY, ceiling = -INFINITY;

      lane->small_since_us = lane->visible ? lane->small_since_us : 0;
      if (!lane->visible)
        continue;
      for (guint i = first; i < last; i++)
        {
          double top = plot_lane_item_ceiling (lane, layout->slots[i].item, model->show_baseline);

          plot_lane_item_extent (lane, layout->slots[i].item, model->show_baseline, &lo, &hi,
                                 &min_positive);
          if (isfinite (top))
            ceiling = fmax (ceiling, top);
        }
      if (isfinite (ceiling))
        hi = fmin (hi, ceiling);
      hi = fmin (hi, lane->limit);
      if (lo > hi) /* nothing yet: keep what is there */
        {
          lane->small_since_us = 0;
          continue;
        }
      waiting |= plot_lane_update_target (lane, lo, hi, min_positive, now_us, at_once);
    }
  return waiting;
}

static gboolean
step_ranges (PlotLanes *self, double frac)
{
  gboolean moves = FALSE;

  for (guint l = 0; l < self->model->lanes->len; l++)
    moves |= plot_lane_step_range (plot_lanes_model_lane (self->model, l), frac);
  return moves;
}

static gboolean
ranges_move (PlotLanes *self)
{
  for (guint l = 0; l < self->model->lanes->len; l++)
    {
      const PlotLane *lane = plot_lanes_model_lane (self->model, l);

      if (lane->y_min != lane->target_min || lane->y_max != lane->target_max
          || (lane->small_since_us != 0 && !self->frozen))
        return TRUE;
    }
  return FALSE;
}

/* --- movement --- */

static gboolean
step_disclosure (PlotLanes *self, double dt_us)
{
  gboolean moves = FALSE;

  for (guint i = 0; i < self->model->n_items; i++)
    {
      PlotLaneItem *item = &self->model->items[i];
      double goal = item->expanded ? 1 : 0, step = dt_us / OPEN_TIME_US;

      if (item->open == goal)
        continue;
      item->open
          = goal > item->open ? fmin (goal, item->open + step) : fmax (goal, item->open - step);
      moves = TRUE;
    }
  if (moves)
    {
      self->range_at_once = TRUE;
      plot_lanes_invalidate_layout (self, TRUE);
      plot_lanes_ensure_slots (self);
    }
  return moves;
}

static gboolean
step_view (PlotLanes *self, double frac)
{
  double length = self->goal1 - self->goal0;

  if (self->view0 == self->goal0 && self->view1 == self->goal1)
    return FALSE;
  self->view0 += (self->goal0 - self->view0) * frac;
  self->view1 += (self->goal1 - self->view1) * frac;
  if (fabs (self->view0 - self->goal0) + fabs (self->view1 - self->goal1) < 1e-3 * length)
    {
      self->view0 = self->goal0;
      self->view1 = self->goal1;
    }
  self->range_at_once = TRUE;
  plot_lanes_invalidate_layout (self, FALSE);
  return TRUE;
}

static gboolean
tick (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  PlotLanes *self = PLOT_LANES (widget);
  gint64 now = gdk_frame_clock_get_frame_time (clock);
  double dt = self->last_tick_us > 0 ? CLAMP (now - self->last_tick_us, 1000, 100000) : 16667;
  double frac = plot_lanes_animates (self) ? 1 - exp (-dt / EASE_TIME_US) : 1;
  gboolean moves = FALSE;

  self->last_tick_us = now;
  moves |= step_disclosure (self, frac < 1 ? dt : OPEN_TIME_US);
  moves |= step_view (self, frac);
  moves |= step_ranges (self, frac);
  if (moves || ranges_move (self))
    {
      gtk_widget_queue_draw (widget);
      return G_SOURCE_CONTINUE;
    }
  self->tick_id = 0;
  self->last_tick_us = 0;
  return G_SOURCE_REMOVE;
}

void
plot_lanes_start_ticking (PlotLanes *self)
{
  if (self->tick_id == 0)
    self->tick_id = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick, NULL, NULL);
}

void
plot_lanes_move_view (PlotLanes *self, double view0, double view1, gboolean smooth)
{
  plot_lanes_ensure_slots (self);
  plot_lanes_layout_clamp_view (self->layout.total, &view0, &view1);
  self->fitted = view0 <= 1e-9 && view1 >= self->layout.total - 1e-9;
  self->goal0 = view0;
  self->goal1 = view1;
  if (smooth && plot_lanes_animates (self))
    {
      plot_lanes_start_ticking (self);
      return;
    }
  self->view0 = view0;
  self->view1 = view1;
  self->range_at_once = TRUE;
  plot_lanes_invalidate_layout (self, FALSE);
}

void
plot_lanes_zoom_about (PlotLanes *self, double factor, double units, gboolean smooth)
{
  double length, at;

  plot_lanes_ensure_slots (self);
  at = self->goal1 > self->goal0 ? (units - self->goal0) / (self->goal1 - self->goal0) : 0.5;
  length = (self->goal1 - self->goal0) / factor;
  length = CLAMP (length, fmin (3, self->layout.total), self->layout.total);
  plot_lanes_move_view (self, units - at * length, units + (1 - at) * length, smooth);
}

void
plot_lanes_reveal (PlotLanes *self, guint item)
{
  const PlotSlot *slot;
  double length = self->goal1 - self->goal0, margin;
  int at;

  plot_lanes_ensure_slots (self);
  at = plot_lanes_layout_slot_of (&self->layout, item);
  if (at < 0 || self->fitted)
    return;
  slot = &self->layout.slots[at];
  margin = fmin (1, length / 4);
  if (slot->x < self->goal0)
    plot_lanes_move_view (self, slot->x - margin, slot->x - margin + length, TRUE);
  else if (slot->x + slot->w > self->goal1)
    plot_lanes_move_view (self, slot->x + slot->w + margin - length, slot->x + slot->w + margin,
                          TRUE);
}

/* --- nodes --- */

static cairo_t *
begin_node (double x, double y, double w, double h, GskRenderNode **node)
{
  *node = gsk_cairo_node_new (&GRAPHENE_RECT_INIT ((float)x, (float)y, (float)w, (float)h));
  return gsk_cairo_node_get_draw_context (*node);
}

static void
make_lane_nodes (PlotLanes *self, guint l, PlotLaneNodes *nodes)
{
  const PlotLane *lane = plot_lanes_model_lane (self->model, l);
  const PlotLanesLayout *layout = &self->layout;
  const PlotLaneBox *box = &layout->lanes[l];
  cairo_t *cr;

  nodes_clear (nodes);
  /* Labels of the outermost ticks reach half a line beyond the box. */
  cr = begin_node (0, box->y - 8, layout->width, box->h + 16, &nodes->frame);
  plot_lanes_draw_frame (self->model, layout, l, cr, self->text, &self->style);
  cairo_destroy (cr);
  cr = begin_node (floor (layout->plot_x), floor (box->plot_y) - 2, ceil (layout->plot_w) + 1,
                   box->plot_h + 4, &nodes->marks);
  plot_lanes_draw_marks (self->model, layout, l, cr, &self->style);
  cairo_destroy (cr);

  nodes->layout_serial = self->layout_serial;
  nodes->generation = lane->generation;
  nodes->y_min = lane->y_min;
  nodes->y_max = lane->y_max;
  nodes->target_min = lane->target_min;
  nodes->target_max = lane->target_max;
}

static gboolean
nodes_valid (const PlotLanes *self, const PlotLane *lane, const PlotLaneNodes *nodes)
{
  return nodes->frame != NULL && nodes->layout_serial == self->layout_serial
         && (self->frozen || nodes->generation == lane->generation) && nodes->y_min == lane->y_min
         && nodes->y_max == lane->y_max && nodes->target_min == lane->target_min
         && nodes->target_max == lane->target_max;
}

static void
append_lanes (PlotLanes *self, GtkSnapshot *snapshot)
{
  if (self->nodes->len != self->model->lanes->len)
    {
      g_array_set_size (self->nodes, 0);
      g_array_set_size (self->nodes, self->model->lanes->len);
    }
  for (guint l = 0; l < self->model->lanes->len; l++)
    {
      PlotLaneNodes *nodes = &g_array_index (self->nodes, PlotLaneNodes, l);
      const PlotLane *lane = plot_lanes_model_lane (self->model, l);

      if (self->layout.lanes[l].h <= 0)
        continue;
      if (!nodes_valid (self, lane, nodes))
        make_lane_nodes (self, l, nodes);
      gtk_snapshot_append_node (snapshot, nodes->frame);
      gtk_snapshot_append_node (snapshot, nodes->marks);
    }
}

static void
append_axis (PlotLanes *self, GtkSnapshot *snapshot)
{
  const PlotLanesLayout *layout = &self->layout;

  if (self->axis_node == NULL || self->axis_serial != self->layout_serial)
    {
      double top = layout->axis_y - 2;
      cairo_t *cr;

      g_clear_pointer (&self->axis_node, gsk_render_node_unref);
      cr = begin_node (0, top, layout->width, fmax (1, layout->height - top), &self->axis_node);
      plot_lanes_draw_axis (self->model, layout, cr, self->text, &self->style);
      cairo_destroy (cr);
      self->axis_serial = self->layout_serial;
    }
  gtk_snapshot_append_node (snapshot, self->axis_node);
}

/* --- overlay --- */

static void
append_wash (PlotLanes *self, GtkSnapshot *snapshot, int item, const GdkRGBA *color, double alpha)
{
  const PlotLanesLayout *layout = &self->layout;
  int at = item >= 0 ? plot_lanes_layout_slot_of (layout, (guint)item) : -1;
  GdkRGBA wash = *color;
  double x0, x1;

  if (at < 0)
    return;
  x0 = floor (plot_lanes_layout_px (layout, layout->slots[at].x));
  x1 = ceil (plot_lanes_layout_px (layout, layout->slots[at].x + layout->slots[at].w));
  x0 = fmax (x0, layout->plot_x);
  x1 = fmin (fmax (x1, x0 + 1), layout->plot_x + layout->plot_w);
  if (x1 <= x0)
    return;
  wash.alpha *= (float)alpha;
  gtk_snapshot_append_color (snapshot, &wash,
                             &GRAPHENE_RECT_INIT ((float)x0, (float)layout->heading_h,
                                                  (float)(x1 - x0),
                                                  (float)(layout->axis_y - layout->heading_h)));
}

static void
append_card (PlotLanes *self, GtkSnapshot *snapshot, guint item, double px, double py)
{
  g_autoptr (PlotCard) card = plot_lanes_model_make_card (self->model, item);
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
append_overlay (PlotLanes *self, GtkSnapshot *snapshot)
{
  const PlotLanesLayout *layout = &self->layout;

  if (self->selected >= 0)
    {
      cairo_t *cr
          = gtk_snapshot_append_cairo (snapshot,
                                       &GRAPHENE_RECT_INIT (0, (float)layout->axis_y,
                                                            (float)layout->width,
                                                            (float)fmax (1, layout->labels_h + 4)));

      plot_lanes_draw_item_pill (self->model, layout, (guint)self->selected, cr, self->text,
                                 &self->style);
      cairo_destroy (cr);
    }
  if (self->hovered >= 0 && self->hover_shown)
    append_card (self, snapshot, (guint)self->hovered, self->pointer_x, self->pointer_y);
  else if (self->selected >= 0 && self->keyboard_shown
           && gtk_widget_has_visible_focus (GTK_WIDGET (self)))
    {
      int at = plot_lanes_layout_slot_of (layout, (guint)self->selected);

      if (at >= 0)
        append_card (self, snapshot, (guint)self->selected,
                     plot_lanes_layout_px (layout, layout->slots[at].x + layout->slots[at].w),
                     layout->heading_h + 8);
    }
}

void
plot_lanes_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  PlotLanes *self = PLOT_LANES (widget);

  if (gtk_widget_get_width (widget) < 2 || gtk_widget_get_height (widget) < 2)
    return;
  ensure_layout (self);
  if (!self->frozen || self->range_at_once)
    update_targets (self->model, &self->layout, g_get_monotonic_time (), self->range_at_once);
  self->range_at_once = FALSE;
  if (!plot_lanes_animates (self))
    step_ranges (self, 1);
  if (ranges_move (self))
    plot_lanes_start_ticking (self);

  append_wash (self, snapshot, self->selected, &self->style.accent, self->style.dark ? 0.28 : 0.16);
  if (self->hovered != self->selected)
    append_wash (self, snapshot, self->hovered, &self->style.hover, 1);
  append_lanes (self, snapshot);
  append_axis (self, snapshot);
  append_overlay (self, snapshot);
  plot_append_focus_ring (widget, snapshot, &self->style, self->layout.width, self->layout.height);
}

/* --- export --- */

typedef struct
{
  double y_min, y_max, target_min, target_max;
  gint64 small_since_us;
} SavedRange;

/* A page shows the same items as the screen, but ranges at rest and of its own size. */
void
plot_lanes_draw_page (PlotLanesModel *model, double view0, double view1, gboolean dense_labels,
                      const char *title, cairo_t *cr, double width, double height,
                      const PlotStyle *style)
{
  g_autoptr (PlotText) text = plot_text_new (style);
  guint n = model->lanes->len;
  g_autofree SavedRange *saved = g_new (SavedRange, MAX (1, n));
  PlotLanesLayout layout = { 0 };
  double scale_x = 1, scale_y = 1;

  cairo_surface_get_device_scale (cairo_get_target (cr), &scale_x, &scale_y);
  plot_lanes_layout_update_slots (&layout, model);
  plot_lanes_layout_compute (&layout, model, text, width, height, fmax (1, scale_x), view0,
                             isnan (view1) ? layout.total : view1, dense_labels, title);
  for (guint l = 0; l < n; l++)
    {
      PlotLane *lane = plot_lanes_model_lane (model, l);

      saved[l] = (SavedRange){ lane->y_min, lane->y_max, lane->target_min, lane->target_max,
                               lane->small_since_us };
    }
  update_targets (model, &layout, 0, TRUE);
  for (guint l = 0; l < n; l++)
    plot_lane_step_range (plot_lanes_model_lane (model, l), 1);
  plot_lanes_draw_all (model, &layout, cr, text, style, title, -1);
  for (guint l = 0; l < n; l++)
    {
      PlotLane *lane = plot_lanes_model_lane (model, l);

      lane->y_min = saved[l].y_min;
      lane->y_max = saved[l].y_max;
      lane->target_min = saved[l].target_min;
      lane->target_max = saved[l].target_max;
      lane->small_since_us = saved[l].small_since_us;
    }
  plot_lanes_layout_clear (&layout);
}

void
plot_lanes_draw_figure (PlotLanes *self, cairo_t *cr, double width, double height,
                        const PlotStyle *style)
{
  plot_lanes_ensure_slots (self);
  plot_lanes_draw_page (self->model, self->view0, self->view1, self->dense_labels, self->title, cr,
                        width, height, style);
}
