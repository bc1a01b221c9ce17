/* PlotChart on screen: one cached node for the frame, one per layer, and an overlay with crosshair
 * and card that moves without touching them. */

#include "plot-chart-private.h"
#include "plot-controls-private.h"

#include <math.h>

#define REACH_PX 22.0 /* how near the pointer must be to a point to mean it */

/* --- what is stale --- */

static void
node_clear (gpointer data)
{
  g_clear_pointer (&((PlotChartNode *)data)->node, gsk_render_node_unref);
}

void
plot_chart_view_init (PlotChart *self)
{
  self->nodes = g_array_new (FALSE, TRUE, sizeof (PlotChartNode));
  g_array_set_clear_func (self->nodes, node_clear);
  plot_style_init (&self->style, FALSE);
}

void
plot_chart_view_clear (PlotChart *self)
{
  g_clear_pointer (&self->nodes, g_array_unref);
  g_clear_pointer (&self->frame_node, gsk_render_node_unref);
  g_clear_pointer (&self->text, plot_text_free);
}

void
plot_chart_invalidate (PlotChart *self, gboolean extents)
{
  self->extents_dirty |= extents;
  self->layout_dirty = TRUE;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
plot_chart_update_extents (PlotChart *self)
{
  PlotExtent x = { INFINITY, -INFINITY, INFINITY }, y = x;

  if (!self->extents_dirty)
    return;
  self->extents_dirty = FALSE;
  for (guint i = 0; i < self->layers->len; i++)
    {
      PlotLayer *layer = g_ptr_array_index (self->layers, i);
      const PlotLayerKind *kind = plot_layer_get_kind (layer);

      if (!plot_layer_get_visible (layer))
        continue;
      plot_layer_get_generation (layer); /* seen: the next change is told again */
      if (kind->extent != NULL)
        kind->extent (layer, &x, &y);
      else
        plot_layer_default_extent (layer, &x, &y);
    }
  self->updating_extents = TRUE;
  plot_axis_set_data_extent (self->x_axis, self, x.min, x.max, x.min_positive);
  plot_axis_set_data_extent (self->y_axis, self, y.min, y.max, y.min_positive);
  self->updating_extents = FALSE;
  self->layout_dirty = TRUE;
}

static void
ensure_layout (PlotChart *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  double width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget);
  double scale = gtk_widget_get_scale_factor (widget);

  if (plot_follow_style (widget, &self->style, &self->text))
    self->layout_dirty = TRUE;
  plot_chart_update_extents (self);
  if (!self->layout_dirty && width == self->layout.width && height == self->layout.height
      && scale == self->layout.device_scale)
    return;
  plot_chart_layout_compute (&self->layout, self, self->text, width, height, scale);
  self->layout_dirty = FALSE;
  self->serial++;
}

/* --- nodes --- */

static cairo_t *
begin_node (double x, double y, double w, double h, GskRenderNode **node)
{
  g_clear_pointer (node, gsk_render_node_unref);
  *node = gsk_cairo_node_new (&GRAPHENE_RECT_INIT ((float)x, (float)y, (float)w, (float)h));
  return gsk_cairo_node_get_draw_context (*node);
}

static void
append_frame (PlotChart *self, GtkSnapshot *snapshot)
{
  if (self->frame_node == NULL || self->frame_serial != self->serial)
    {
      cairo_t *cr = begin_node (0, 0, self->layout.width, self->layout.height, &self->frame_node);

      plot_chart_draw_frame (self, &self->layout, cr, self->text, &self->style);
      cairo_destroy (cr);
      self->frame_serial = self->serial;
    }
  gtk_snapshot_append_node (snapshot, self->frame_node);
}

static void
append_layers (PlotChart *self, GtkSnapshot *snapshot)
{
  const PlotChartLayout *layout = &self->layout;

  if (self->nodes->len != self->layers->len)
    {
      g_array_set_size (self->nodes, 0);
      g_array_set_size (self->nodes, self->layers->len);
    }
  for (guint i = 0; i < self->layers->len; i++)
    {
      PlotLayer *layer = g_ptr_array_index (self->layers, i);
      PlotChartNode *cached = &g_array_index (self->nodes, PlotChartNode, i);
      guint64 generation = plot_layer_get_generation (layer);

      if (!plot_layer_get_visible (layer))
        continue;
      if (cached->node == NULL || cached->serial != self->serial
          || cached->generation != generation)
        {
          cairo_t *cr = begin_node (layout->x_px, layout->y_px - 1, layout->w_px, layout->h_px + 2,
                                    &cached->node);

          plot_chart_draw_layer (self, layout, layer, cr, &self->style);
          cairo_destroy (cr);
          cached->serial = self->serial;
          cached->generation = generation;
        }
      gtk_snapshot_append_node (snapshot, cached->node);
    }
}

/* --- overlay --- */

PlotLayer *
plot_chart_pick (PlotChart *self, double px, double py, gsize *index, gboolean points_only)
{
  PlotLayer *best = NULL;
  double best_distance = INFINITY;
  PlotFrame frame;

  plot_chart_make_frame (&self->layout, self, &self->style, &frame);
  for (guint i = 0; i < self->layers->len; i++)
    {
      PlotLayer *layer = g_ptr_array_index (self->layers, i);
      const PlotLayerKind *kind = plot_layer_get_kind (layer);
      double distance = INFINITY;
      gsize at = 0;

      if (!plot_layer_get_visible (layer))
        continue;
      if (kind->pick != NULL)
        {
          if (!kind->pick (layer, &frame, px, py, &at, &distance) || distance > REACH_PX)
            continue;
          distance -= REACH_PX; /* something one can point at goes before a line */
        }
      else if (points_only || !plot_layer_default_pick (layer, &frame, px, py, &at, &distance))
        continue;
      else
        {
          /* Between lines the one nearest in height is meant. */
          double y = plot_series_get (plot_layer_get_series (layer), PLOT_COLUMN_Y, at);

          distance += fabs (plot_frame_y (&frame, y) - py) * 0.01;
          if (isnan (distance))
            continue;
        }
      if (distance < best_distance)
        {
          best = layer;
          best_distance = distance;
          *index = at;
        }
    }
  return best;
}

static char *
dup_interval (PlotSeries *series, PlotColumn lo_column, PlotColumn hi_column, gsize i,
              const PlotUnit *unit)
{
  double lo = plot_series_get (series, lo_column, i), hi = plot_series_get (series, hi_column, i);

  return isnan (lo) || isnan (hi) ? NULL : plot_format_interval (unit, lo, hi);
}

static void
add_value_row (PlotCard *card, PlotLayer *layer, const PlotUnit *unit, gsize i, const char *detail)
{
  PlotSeries *series = plot_layer_get_series (layer);
  gboolean points = plot_layer_get_kind (layer) == &plot_layer_points;
  g_autofree char *value = plot_format_value (unit, plot_series_get (series, PLOT_COLUMN_Y, i), 4);
  g_autofree char *interval = dup_interval (series, PLOT_COLUMN_LO, PLOT_COLUMN_HI, i, unit);
  PlotCardRow row
      = { .swatch = points ? PLOT_CARD_SHAPE : PLOT_CARD_LINE,
          .color_index = (guint)MAX (0, plot_layer_get_color (layer)),
          .shape = plot_layer_get_shape (layer),
          .dash = plot_layer_get_dash (layer),
          .state = plot_series_get_estimate (series, i) ? PLOT_STATE_ESTIMATE : PLOT_STATE_MEASURED,
          .label = plot_layer_get_title (layer),
          .value = value,
          .detail = interval != NULL ? interval : detail };

  if (plot_layer_get_kind (layer) == &plot_layer_band) /* a band has an interval and no value */
    row.value = NULL;
  plot_card_add_row (card, &row);
}

/* The change over the reference, for one axis of a point's card; NULL where there is none. */
static char *
note_change (PlotChart *self, PlotCardRow *row, double value, double reference, PlotGoal goal)
{
  row->note = NULL;
  row->note_kind = PLOT_NOTE_NEUTRAL;
  if (self->reference == NULL || value == reference)
    return NULL;
  if (goal != PLOT_GOAL_NONE)
    row->note_kind
        = (value < reference) == (goal == PLOT_GOAL_LOWER) ? PLOT_NOTE_GOOD : PLOT_NOTE_BAD;
  char *note = plot_format_change (value, reference);
  row->note = note;
  return note;
}

/* A card for one point that the pointer is on. */
static PlotCard *
make_point_card (PlotChart *self, PlotLayer *layer, gsize i)
{
  PlotSeries *series = plot_layer_get_series (layer);
  const PlotUnit *x_unit = plot_axis_get_unit (self->x_axis);
  const char *label = plot_series_get_label (series, i);
  PlotCard *card = plot_card_new (label != NULL ? label : plot_layer_get_title (layer),
                                  label != NULL ? plot_layer_get_title (layer) : NULL);
  g_autofree char *x = plot_format_value (x_unit, plot_series_get_x (series, i), 4);
  g_autofree char *x_interval
      = dup_interval (series, PLOT_COLUMN_X_LO, PLOT_COLUMN_X_HI, i, x_unit);
  PlotCardRow row
      = { .label = plot_axis_get_title (self->x_axis), .value = x, .detail = x_interval };
  const PlotUnit *y_unit = plot_axis_get_unit (self->y_axis);
  g_autofree char *y = plot_format_value (y_unit, plot_series_get (series, PLOT_COLUMN_Y, i), 4);
  g_autofree char *y_interval = dup_interval (series, PLOT_COLUMN_LO, PLOT_COLUMN_HI, i, y_unit);

  g_autofree char *x_note = note_change (self, &row, plot_series_get_x (series, i),
                                         self->reference_x, self->reference_x_goal);

  plot_card_add_row (card, &row);
  row.label = plot_axis_get_title (self->y_axis);
  row.value = y;
  row.detail = y_interval;
  g_autofree char *y_note = note_change (self, &row, plot_series_get (series, PLOT_COLUMN_Y, i),
                                         self->reference_y, self->reference_y_goal);
  plot_card_add_row (card, &row);
  for (guint k = 0; k < plot_series_get_n_facts (series, i); k++)
    {
      row = (PlotCardRow){ .label = NULL };
      plot_series_get_fact (series, i, k, &row.label, &row.value);
      plot_card_add_row (card, &row);
    }
  if (x_note != NULL || y_note != NULL)
    {
      g_autofree char *than = g_strdup_printf ("against %s", self->reference);

      row = (PlotCardRow){ .label = than };
      plot_card_add_row (card, &row);
    }
  if (plot_series_get_estimate (series, i))
    {
      row = (PlotCardRow){ .label = plot_state_to_string (PLOT_STATE_ESTIMATE) };
      plot_card_add_row (card, &row);
    }
  return card;
}

/* What a pixel column of a dense series hides: its extremes. */
static char *
dup_column_range (PlotChart *self, PlotSeries *series, double x_px, const PlotFrame *frame)
{
  double half = 0.5 / frame->device_scale, min, max;
  gsize first = plot_series_lower_bound (series, plot_scale_from_px (&frame->x, x_px - half));
  gsize last = plot_series_lower_bound (series, plot_scale_from_px (&frame->x, x_px + half));

  if (last - first < 2 || !plot_series_query (series, PLOT_COLUMN_Y, first, last, &min, &max))
    return NULL;
  return plot_format_interval (plot_axis_get_unit (self->y_axis), min, max);
}

/* A card for all lines at one x. */
static PlotCard *
make_column_card (PlotChart *self, double x, const PlotFrame *frame, double x_px)
{
  g_autofree char *value = plot_format_value (plot_axis_get_unit (self->x_axis), x, 5);
  const char *title = plot_axis_get_title (self->x_axis);
  g_autofree char *heading
      = *title != '\0' ? g_strdup_printf ("%s %s", title, value) : g_strdup (value);
  PlotCard *card = plot_card_new (heading, NULL);

  for (guint i = 0; i < self->layers->len; i++)
    {
      PlotLayer *layer = g_ptr_array_index (self->layers, i);
      PlotSeries *series = plot_layer_get_series (layer);
      g_autofree char *range = NULL;

      if (!plot_layer_get_visible (layer) || *plot_layer_get_title (layer) == '\0'
          || plot_layer_get_kind (layer)->pick != NULL || !plot_series_is_sorted (series)
          || plot_series_get_n (series) == 0)
        continue;
      range = dup_column_range (self, series, x_px, frame);
      add_value_row (card, layer, plot_axis_get_unit (self->y_axis),
                     plot_series_nearest (series, x), range);
    }
  return card;
}

static void
append_line (GtkSnapshot *snapshot, const GdkRGBA *color, double x, double y, double w, double h)
{
  gtk_snapshot_append_color (snapshot, color,
                             &GRAPHENE_RECT_INIT ((float)x, (float)y, (float)w, (float)h));
}

static void
append_card (PlotChart *self, GtkSnapshot *snapshot, PlotCard *card)
{
  double w, h, x, y;
  cairo_t *cr;

  plot_card_measure (card, self->text, self->layout.width, &w, &h);
  plot_card_place (self->pointer_x, self->pointer_y, w, h, self->layout.width, self->layout.height,
                   &x, &y);
  cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT ((float)x - 6, (float)y - 6,
                                                                 (float)w + 12, (float)h + 14));
  plot_card_draw (card, cr, self->text, &self->style, x, y);
  cairo_destroy (cr);
}

static void
append_hover (PlotChart *self, GtkSnapshot *snapshot)
{
  const PlotChartLayout *layout = &self->layout;
  g_autoptr (PlotCard) card = NULL;
  PlotLayer *layer;
  PlotFrame frame;
  gsize index = 0;
  double x, y;

  if (!self->pointer_in || self->pointer_x < layout->x_px
      || self->pointer_x > layout->x_px + layout->w_px || self->pointer_y < layout->y_px
      || self->pointer_y > layout->y_px + layout->h_px)
    return;
  layer = plot_chart_pick (self, self->pointer_x, self->pointer_y, &index, FALSE);
  if (layer == NULL)
    return;

  plot_chart_make_frame (layout, self, &self->style, &frame);
  x = plot_series_get_x (plot_layer_get_series (layer), index);
  y = plot_frame_y (&frame, plot_series_get (plot_layer_get_series (layer), PLOT_COLUMN_Y, index));
  if (plot_layer_get_kind (layer)->pick != NULL)
    {
      card = make_point_card (self, layer, index);
      append_line (snapshot, &self->style.axis, layout->x_px, plot_snap (y, layout->device_scale),
                   layout->w_px, 1);
    }
  else
    card = make_column_card (self, x, &frame, plot_frame_x (&frame, x));
  if (x >= frame.x.min && x <= frame.x.max)
    append_line (snapshot, &self->style.axis,
                 plot_snap (plot_frame_x (&frame, x), layout->device_scale), layout->y_px, 1,
                 layout->h_px);
  append_card (self, snapshot, card);
}

void
plot_chart_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  PlotChart *self = PLOT_CHART (widget);

  if (gtk_widget_get_width (widget) < 2 || gtk_widget_get_height (widget) < 2)
    return;
  ensure_layout (self);
  append_frame (self, snapshot);
  append_layers (self, snapshot);
  if (self->selected != NULL)
    {
      cairo_t *cr = gtk_snapshot_append_cairo (snapshot,
                                               &GRAPHENE_RECT_INIT ((float)self->layout.x_px - 12,
                                                                    (float)self->layout.y_px - 12,
                                                                    (float)self->layout.w_px + 24,
                                                                    (float)self->layout.h_px + 24));

      plot_chart_draw_selection (self, &self->layout, cr, &self->style);
      cairo_destroy (cr);
    }
  append_hover (self, snapshot);
  plot_append_focus_ring (widget, snapshot, &self->style, self->layout.width, self->layout.height);
}
