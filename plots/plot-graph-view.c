/* Frames of PlotGraph: the view and how it moves, the cached picture, and the overlay (selection,
 * card, legend, overview, progress) that changes without touching it. */

#include "plot-graph-private.h"
#include "plot-controls-private.h"
#include "plot-i18n-private.h"

#include <math.h>

#define EASE_TIME_US 70000.0
#define MARGIN_PX 24.0
#define HEADING_PX 40 /* room for the title of an export */
#define READABLE_ZOOM 0.75
#define MAX_ZOOM 2.5
#define MAP_W 120.0
#define MAP_H 320.0
#define MAP_GAP 12.0

static gboolean
animates (PlotGraph *self)
{
  gboolean enabled = TRUE;

  g_object_get (gtk_widget_get_settings (GTK_WIDGET (self)), "gtk-enable-animations", &enabled,
                NULL);
  return enabled && gtk_widget_get_mapped (GTK_WIDGET (self));
}

void
plot_graph_view_init (PlotGraph *self)
{
  self->view = (PlotGraphView){ .zoom = 1, .device_scale = 1 };
  self->goal_zoom = 1;
  self->serial = 1;
  plot_style_init (&self->style, FALSE);
}

void
plot_graph_view_clear (PlotGraph *self)
{
  g_clear_pointer (&self->node, gsk_render_node_unref);
  g_clear_pointer (&self->map, cairo_surface_destroy);
  g_clear_pointer (&self->text, plot_text_free);
}

void
plot_graph_invalidate (PlotGraph *self)
{
  self->serial++;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static gboolean
has_picture (PlotGraph *self)
{
  return self->scene != NULL && self->scene->n_boxes > 0;
}

/* --- the view --- */

static double
fit_zoom (const PlotGraphScene *scene, double width, double height)
{
  double zoom = fmin ((width - 2 * MARGIN_PX) / fmax (1, scene->width),
                      (height - 2 * MARGIN_PX) / fmax (1, scene->height));

  return CLAMP (zoom, 1e-5, 1.25);
}

/* All of it in the middle. */
static void
fit_view (const PlotGraphScene *scene, PlotGraphView *view)
{
  view->zoom = fit_zoom (scene, view->width, view->height);
  view->x = scene->width / 2 - view->width / view->zoom / 2;
  view->y = scene->height / 2 - view->height / view->zoom / 2;
}

/* Pixels of the overview's width, and how large the scene is in it. */
static double
map_width (const PlotGraphScene *scene, const PlotGraphView *view, double *scale)
{
  *scale
      = fmin (MAP_W / scene->width, fmin (MAP_H, view->height - 2 * MAP_GAP - 12) / scene->height);
  return fmax (ceil (scene->width * *scale), 16);
}

/* The middle, or as far left of it as the overview asks for; FALSE: it does not fit beside that. */
static gboolean
fits_beside_map (const PlotGraphScene *scene, const PlotGraphView *view, double *x)
{
  double scale, room = view->width - 2 * MARGIN_PX - map_width (scene, view, &scale) - MAP_GAP;
  double w = scene->width * view->zoom, left = (view->width - w) / 2;

  *x = -fmin (left, MARGIN_PX + fmax (0, room - w)) / view->zoom;
  return w <= room;
}

/* All of it when that can be read; else its beginning. */
static void
start_view (const PlotGraphScene *scene, PlotGraphView *view)
{
  const PlotGraphRect *first = &scene->boxes[MIN (scene->n_frames, scene->n_boxes - 1)];
  double x;

  fit_view (scene, view);
  if (view->zoom >= READABLE_ZOOM)
    return;
  view->zoom = READABLE_ZOOM;
  for (guint i = 0; i < scene->n_boxes; i++)
    if (scene->boxes[i].y0 < first->y0)
      first = &scene->boxes[i];
  view->x = (first->x0 + first->x1) / 2 - view->width / view->zoom / 2;
  if (fits_beside_map (scene, view, &x))
    view->x = x;
  view->y = -MARGIN_PX / view->zoom;
}

/* What is selected before anything was seen shall be seen. */
static void
include_selected (PlotGraph *self)
{
  PlotGraphView *view = &self->view;
  const PlotGraphRect *rect;
  double w = view->width / view->zoom, h = view->height / view->zoom;

  if (self->selected == PLOT_GRAPH_NONE || self->scene->box_of[self->selected] == PLOT_GRAPH_NONE)
    return;
  rect = &self->scene->boxes[self->scene->box_of[self->selected]];
  if (rect->y1 > view->y + h)
    view->y = (rect->y0 + rect->y1) / 2 - h / 2;
  if (rect->x0 < view->x || rect->x1 > view->x + w)
    view->x = (rect->x0 + rect->x1) / 2 - w / 2;
}

void
plot_graph_ensure_view (PlotGraph *self)
{
  PlotGraphView *view = &self->view;

  view->width = gtk_widget_get_width (GTK_WIDGET (self));
  view->height = gtk_widget_get_height (GTK_WIDGET (self));
  view->device_scale = gtk_widget_get_scale_factor (GTK_WIDGET (self));
  if (view->width < 2 || !has_picture (self) || self->mode == PLOT_GRAPH_VIEW_FREE
      || self->tick_id != 0)
    return;
  if (self->mode == PLOT_GRAPH_VIEW_FIT)
    fit_view (self->scene, view);
  else
    {
      start_view (self->scene, view);
      include_selected (self);
    }
  self->goal_x = view->x;
  self->goal_y = view->y;
  self->goal_zoom = view->zoom;
}

/* A part of the graph always stays in sight. */
static void
clamp_goal (PlotGraph *self)
{
  const PlotGraphView *view = &self->view;
  double least = fmin (0.3, 0.8 * fit_zoom (self->scene, view->width, view->height)), w, h, keep;

  self->goal_zoom = CLAMP (self->goal_zoom, least, MAX_ZOOM);
  w = view->width / self->goal_zoom;
  h = view->height / self->goal_zoom;
  keep = 60 / self->goal_zoom;
  self->goal_x = CLAMP (self->goal_x, fmin (keep, self->scene->width / 2) - w,
                        fmax (self->scene->width - keep, self->scene->width / 2));
  self->goal_y = CLAMP (self->goal_y, fmin (keep, self->scene->height / 2) - h,
                        fmax (self->scene->height - keep, self->scene->height / 2));
}

static gboolean
tick (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  PlotGraph *self = PLOT_GRAPH (widget);
  gint64 now = gdk_frame_clock_get_frame_time (clock);
  double dt = self->last_tick_us > 0 ? CLAMP (now - self->last_tick_us, 1000, 100000) : 16667;
  double frac = animates (self) ? 1 - exp (-dt / EASE_TIME_US) : 1, left;
  PlotGraphView *view = &self->view;

  self->last_tick_us = now;
  view->x += (self->goal_x - view->x) * frac;
  view->y += (self->goal_y - view->y) * frac;
  view->zoom *= pow (self->goal_zoom / view->zoom, frac);
  left = (fabs (self->goal_x - view->x) + fabs (self->goal_y - view->y)) * view->zoom;
  gtk_widget_queue_draw (widget);
  if (left > 0.5 || fabs (log (self->goal_zoom / view->zoom)) > 1e-3)
    return G_SOURCE_CONTINUE;
  view->x = self->goal_x;
  view->y = self->goal_y;
  view->zoom = self->goal_zoom;
  self->tick_id = 0;
  self->last_tick_us = 0;
  plot_graph_update_hover (self);
  return G_SOURCE_REMOVE;
}

void
plot_graph_move_view (PlotGraph *self, double x, double y, double zoom, gboolean smooth)
{
  if (!has_picture (self))
    return;
  self->goal_x = x;
  self->goal_y = y;
  self->goal_zoom = zoom;
  clamp_goal (self);
  if (smooth && animates (self))
    {
      if (self->tick_id == 0)
        self->tick_id = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick, NULL, NULL);
      return;
    }
  self->view.x = self->goal_x;
  self->view.y = self->goal_y;
  self->view.zoom = self->goal_zoom;
  plot_graph_update_hover (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
plot_graph_zoom_about (PlotGraph *self, double factor, double px, double py)
{
  double x, y, zoom;

  plot_graph_ensure_view (self);
  if (!has_picture (self) || self->view.width < 2)
    return;
  self->mode = PLOT_GRAPH_VIEW_FREE;
  x = self->view.x + px / self->view.zoom;
  y = self->view.y + py / self->view.zoom;
  self->goal_zoom = self->view.zoom * factor;
  clamp_goal (self);
  zoom = self->goal_zoom;
  plot_graph_move_view (self, x - px / zoom, y - py / zoom, zoom, FALSE);
}

void
plot_graph_scroll (PlotGraph *self, double dx_px, double dy_px)
{
  plot_graph_ensure_view (self);
  if (self->view.width < 2)
    return;
  self->mode = PLOT_GRAPH_VIEW_FREE;
  plot_graph_move_view (self, self->view.x + dx_px / self->view.zoom,
                        self->view.y + dy_px / self->view.zoom, self->view.zoom, FALSE);
}

void
plot_graph_reveal (PlotGraph *self, guint endpoint)
{
  const PlotGraphRect *rect;
  double x, y, w, h, margin;

  if (!has_picture (self) || endpoint >= self->scene->n_endpoints
      || self->scene->box_of[endpoint] == PLOT_GRAPH_NONE)
    return;
  plot_graph_ensure_view (self);
  if (self->view.width < 2)
    return;
  rect = &self->scene->boxes[self->scene->box_of[endpoint]];
  w = self->view.width / self->view.zoom;
  h = self->view.height / self->view.zoom;
  margin = MARGIN_PX / self->view.zoom;
  x = self->goal_x;
  y = self->goal_y;
  if (rect->x1 + margin > x + w)
    x = rect->x1 + margin - w;
  if (rect->x0 - margin < x)
    x = rect->x0 - margin;
  if (rect->y1 + margin > y + h)
    y = rect->y1 + margin - h;
  if (rect->y0 - margin < y)
    y = rect->y0 - margin;
  if (x == self->goal_x && y == self->goal_y)
    return;
  self->mode = PLOT_GRAPH_VIEW_FREE;
  plot_graph_move_view (self, x, y, self->goal_zoom, TRUE);
}

void
plot_graph_fit (PlotGraph *self)
{
  PlotGraphView view;

  g_return_if_fail (PLOT_IS_GRAPH (self));
  if (!has_picture (self))
    return;
  plot_graph_ensure_view (self);
  self->mode = PLOT_GRAPH_VIEW_FIT;
  view = self->view;
  if (view.width < 2)
    return;
  fit_view (self->scene, &view);
  plot_graph_move_view (self, view.x, view.y, view.zoom, TRUE);
}

void
plot_graph_zoom (PlotGraph *self, double factor)
{
  double px, py;

  g_return_if_fail (PLOT_IS_GRAPH (self) && factor > 0 && isfinite (factor));
  plot_graph_ensure_view (self);
  px = self->view.width / 2;
  py = self->view.height / 2;
  if (has_picture (self) && self->selected != PLOT_GRAPH_NONE
      && self->scene->box_of[self->selected] != PLOT_GRAPH_NONE)
    {
      const PlotGraphRect *rect = &self->scene->boxes[self->scene->box_of[self->selected]];
      double x = plot_graph_px (&self->view, (rect->x0 + rect->x1) / 2);
      double y = plot_graph_py (&self->view, (rect->y0 + rect->y1) / 2);

      if (x >= 0 && y >= 0 && x <= self->view.width && y <= self->view.height)
        {
          px = x;
          py = y;
        }
    }
  plot_graph_zoom_about (self, factor, px, py);
}

/* --- overview --- */

gboolean
plot_graph_get_map (PlotGraph *self, graphene_rect_t *rect)
{
  const PlotGraphView *view = &self->view;
  double w, h;

  if (!has_picture (self) || view->width < 420 || view->height < 240)
    return FALSE;
  if (plot_graph_px (view, 0) >= -1 && plot_graph_py (view, 0) >= -1
      && plot_graph_px (view, self->scene->width) <= view->width + 1
      && plot_graph_py (view, self->scene->height) <= view->height + 1)
    return FALSE; /* all is in sight */
  w = map_width (self->scene, view, &self->map_scale);
  h = fmax (ceil (self->scene->height * self->map_scale), 16);
  *rect = GRAPHENE_RECT_INIT ((float)(view->width - MAP_GAP - w - 6), (float)(MAP_GAP + 6),
                              (float)w, (float)h);
  return TRUE;
}

void
plot_graph_map_to (PlotGraph *self, double px, double py)
{
  graphene_rect_t rect;
  const PlotGraphView *view = &self->view;

  if (!plot_graph_get_map (self, &rect))
    return;
  self->mode = PLOT_GRAPH_VIEW_FREE;
  plot_graph_move_view (self, (px - rect.origin.x) / self->map_scale - view->width / view->zoom / 2,
                        (py - rect.origin.y) / self->map_scale - view->height / view->zoom / 2,
                        view->zoom, FALSE);
}

static void
make_map (PlotGraph *self, const graphene_rect_t *rect)
{
  g_autoptr (GArray) boxes = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (guint));
  PlotGraphView view
      = { 0, 0, self->map_scale, rect->size.width, rect->size.height, self->view.device_scale };

  /* The scene in the middle of the map, should that be wider. */
  view.x = -(rect->size.width / self->map_scale - self->scene->width) / 2;
  for (guint i = 0; i < self->scene->n_boxes; i++)
    g_array_append_val (boxes, i);
  for (guint i = 0; i < self->scene->n_pieces; i++)
    g_array_append_val (pieces, i);
  g_clear_pointer (&self->map, cairo_surface_destroy);
  self->map = plot_graph_raster (self->model, self->scene, &view, self->max_value, boxes, pieces,
                                 &self->style);
  self->map_serial = self->serial;
}

static void
append_map (PlotGraph *self, GtkSnapshot *snapshot)
{
  const PlotGraphView *view = &self->view;
  graphene_rect_t rect;
  double x, y, w, h;
  cairo_t *cr;

  if (!plot_graph_get_map (self, &rect))
    return;
  if (self->map == NULL || self->map_serial != self->serial)
    make_map (self, &rect);
  x = rect.origin.x;
  y = rect.origin.y;
  w = rect.size.width;
  h = rect.size.height;
  cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT ((float)x - 8, (float)y - 8,
                                                                 (float)w + 16, (float)h + 16));
  plot_round_box_path (cr, x - 6, y - 6, w + 12, h + 12, 8);
  plot_set_color (cr, &self->style.card, 0.94);
  cairo_fill_preserve (cr);
  plot_set_color (cr, &self->style.card_border, 1);
  cairo_set_line_width (cr, 1);
  cairo_stroke_preserve (cr);
  cairo_clip (cr);
  cairo_set_source_surface (cr, self->map, x, y);
  cairo_paint (cr);
  x += (w - self->scene->width * self->map_scale) / 2;
  cairo_rectangle (cr, fmax (x + view->x * self->map_scale, rect.origin.x - 4),
                   y + view->y * self->map_scale,
                   fmin (view->width / view->zoom * self->map_scale, w + 8),
                   fmax (view->height / view->zoom * self->map_scale, 3));
  plot_set_color (cr, &self->style.accent, 0.18);
  cairo_fill_preserve (cr);
  plot_set_color (cr, &self->style.accent, 1);
  cairo_set_line_width (cr, 1.5);
  cairo_stroke (cr);
  cairo_destroy (cr);
}

/* --- picture --- */

static void
ensure_style (PlotGraph *self)
{

  if (plot_follow_style (GTK_WIDGET (self), &self->style, &self->text))
    self->serial++;
}

static gboolean
same_view (const PlotGraphView *a, const PlotGraphView *b)
{
  return a->x == b->x && a->y == b->y && a->zoom == b->zoom && a->width == b->width
         && a->height == b->height && a->device_scale == b->device_scale;
}

static void
append_picture (PlotGraph *self, GtkSnapshot *snapshot)
{
  if (self->node == NULL || self->node_serial != self->serial
      || !same_view (&self->view, &self->node_view))
    {
      cairo_t *cr;

      g_clear_pointer (&self->node, gsk_render_node_unref);
      self->node = gsk_cairo_node_new (
          &GRAPHENE_RECT_INIT (0, 0, (float)self->view.width, (float)self->view.height));
      cr = gsk_cairo_node_get_draw_context (self->node);
      plot_graph_draw (self->model, self->scene, &self->view, self->max_value, cr, self->text,
                       &self->style);
      cairo_destroy (cr);
      self->node_serial = self->serial;
      self->node_view = self->view;
    }
  gtk_snapshot_append_node (snapshot, self->node);
}

static void
append_card (PlotGraph *self, GtkSnapshot *snapshot, guint endpoint, double px, double py)
{
  g_autoptr (PlotCard) card = plot_graph_make_card (self, endpoint);
  double w, h, x, y;
  cairo_t *cr;

  plot_card_measure (card, self->text, self->view.width, &w, &h);
  plot_card_place (px, py, w, h, self->view.width, self->view.height, &x, &y);
  cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT ((float)x - 6, (float)y - 6,
                                                                 (float)w + 12, (float)h + 14));
  plot_card_draw (card, cr, self->text, &self->style, x, y);
  cairo_destroy (cr);
}

static void
append_pill (PlotGraph *self, GtkSnapshot *snapshot, const char *words, double middle_y)
{
  double w = plot_text_width (self->text, PLOT_FONT_BODY, words) + 28, h = 32;
  double x = (self->view.width - w) / 2, y = middle_y - h / 2;
  cairo_t *cr
      = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, (float)self->view.width,
                                                                  (float)self->view.height));

  plot_round_box_path (cr, x, y, w, h, h / 2);
  plot_set_color (cr, &self->style.card, 0.96);
  cairo_fill_preserve (cr);
  plot_set_color (cr, &self->style.card_border, 1);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);
  plot_text_draw (self->text, cr, PLOT_FONT_BODY, &self->style.text, words, self->view.width / 2,
                  middle_y, 0.5, 0.5, self->view.width - 16);
  cairo_destroy (cr);
}

static void
append_state (PlotGraph *self, GtkSnapshot *snapshot)
{
  double frac, middle = has_picture (self) ? self->view.height - 34 : self->view.height / 2;
  g_autofree char *words = NULL;

  if (plot_graph_get_busy (self, &frac))
    words = g_strdup_printf (_ ("Arranging %u nodes… %d %% · Esc stops"),
                             self->model->shape->n_nodes, (int)(100 * frac));
  else if (self->stopped)
    words = g_strdup (_ ("Stopped. Press Enter to arrange the nodes."));
  if (words != NULL)
    append_pill (self, snapshot, words, middle);
}

static void
append_empty (PlotGraph *self, GtkSnapshot *snapshot)
{
  cairo_t *cr;

  if (self->model->shape->n_nodes > 0)
    return;
  cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, (float)self->view.width,
                                                                 (float)self->view.height));
  plot_text_draw (self->text, cr, PLOT_FONT_BODY, &self->style.dim_text, self->empty_text,
                  self->view.width / 2, self->view.height / 2, 0.5, 0.5, self->view.width - 24);
  cairo_destroy (cr);
}

static void
append_overlay (PlotGraph *self, GtkSnapshot *snapshot)
{
  guint card = PLOT_GRAPH_NONE;
  double px = self->pointer_x, py = self->pointer_y;
  cairo_t *cr
      = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, (float)self->view.width,
                                                                  (float)self->view.height));

  if (self->hovered != self->selected)
    plot_graph_draw_focus (self->model, self->scene, &self->view, self->hovered, FALSE, cr,
                           &self->style);
  plot_graph_draw_focus (self->model, self->scene, &self->view, self->selected, TRUE, cr,
                         &self->style);
  plot_graph_draw_legend (self->model, self->max_value, 12, self->view.height - 12, cr, self->text,
                          &self->style);
  cairo_destroy (cr);
  append_map (self, snapshot);
  if (self->hovered != PLOT_GRAPH_NONE && self->hover_shown)
    card = self->hovered;
  else if (self->selected != PLOT_GRAPH_NONE && self->keyboard_shown
           && gtk_widget_has_visible_focus (GTK_WIDGET (self))
           && self->scene->box_of[self->selected] != PLOT_GRAPH_NONE)
    {
      const PlotGraphRect *rect = &self->scene->boxes[self->scene->box_of[self->selected]];

      card = self->selected;
      px = plot_graph_px (&self->view, rect->x1);
      py = plot_graph_py (&self->view, rect->y0) - 16;
    }
  if (card != PLOT_GRAPH_NONE)
    append_card (self, snapshot, card, px, py);
}

void
plot_graph_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  PlotGraph *self = PLOT_GRAPH (widget);

  if (gtk_widget_get_width (widget) < 2 || gtk_widget_get_height (widget) < 2)
    return;
  ensure_style (self);
  plot_graph_ensure_view (self);
  gtk_snapshot_push_clip (snapshot, &GRAPHENE_RECT_INIT (0, 0, (float)self->view.width,
                                                         (float)self->view.height));
  if (has_picture (self))
    {
      append_picture (self, snapshot);
      append_overlay (self, snapshot);
    }
  else
    append_empty (self, snapshot);
  append_state (self, snapshot);
  gtk_snapshot_pop (snapshot);
  plot_append_focus_ring (widget, snapshot, &self->style, self->view.width, self->view.height);
}

/* A page shows all of the graph. */
void
plot_graph_get_size (PlotGraph *self, int *width_px, int *height_px)
{
  g_return_if_fail (PLOT_IS_GRAPH (self));

  plot_graph_ensure_layout (self);
  *width_px = *height_px = 0;
  if (!has_picture (self))
    return;
  *width_px = (int)ceil (self->scene->width) + (int)(2 * MARGIN_PX);
  *height_px = (int)ceil (self->scene->height) + (int)(2 * MARGIN_PX) + HEADING_PX;
}

void
plot_graph_draw_figure (PlotGraph *self, cairo_t *cr, double width, double height,
                        const PlotStyle *style)
{
  g_autoptr (PlotText) text = plot_text_new (style);
  double scale_x = 1, scale_y = 1, heading = 0;
  PlotGraphView view = { 0, 0, 1, width, height, 1 };

  plot_set_color (cr, &style->background, 1);
  cairo_paint (cr);
  plot_graph_ensure_layout (self);
  if (*self->title != '\0')
    {
      plot_text_draw (text, cr, PLOT_FONT_TITLE, &style->text, self->title, 12, 7, 0, 0,
                      width - 24);
      heading = plot_text_line_height (text, PLOT_FONT_TITLE) + 10;
    }
  if (!has_picture (self))
    {
      plot_text_draw (text, cr, PLOT_FONT_BODY, &style->dim_text, self->empty_text, width / 2,
                      height / 2, 0.5, 0.5, width - 24);
      return;
    }
  cairo_surface_get_device_scale (cairo_get_target (cr), &scale_x, &scale_y);
  view.device_scale = fmax (1, scale_x);
  view.height -= heading;
  fit_view (self->scene, &view);
  cairo_save (cr);
  cairo_translate (cr, 0, heading);
  plot_graph_draw (self->model, self->scene, &view, self->max_value, cr, text, style);
  cairo_restore (cr);
  if (!style->marks_only)
    plot_graph_draw_legend (self->model, self->max_value, 12, height - 12, cr, text, style);
}
