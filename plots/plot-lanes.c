/* PlotLanes, the widget: life, properties and public calls. Data are in plot-lanes-model.c,
 * geometry in plot-lanes-layout.c, pictures in plot-lanes-draw.c and plot-lanes-marks.c, frames in
 * plot-lanes-view.c, events in plot-lanes-input.c. It must not know what an item is. */

#include "plot-lanes-private.h"
#include "plot-controls-private.h"

#include <math.h>

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_SELECTED_ITEM,
  PROP_HOVERED_ITEM,
  PROP_SHOW_BASELINE,
  PROP_BASELINE_NAME,
  PROP_FROZEN,
  PROP_SCROLL_ZOOMS,
  PROP_DENSE_LABELS,
  N_PROPS
};

enum
{
  SIGNAL_ITEM_ACTIVATED,
  SIGNAL_ITEM_EXPANDED,
  N_SIGNALS
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

static void plot_lanes_figure_init (PlotFigureInterface *iface);

G_DEFINE_TYPE_WITH_CODE (PlotLanes, plot_lanes, GTK_TYPE_WIDGET,
                         G_IMPLEMENT_INTERFACE (PLOT_TYPE_FIGURE, plot_lanes_figure_init))

/* --- accessibility --- */

static void
update_accessible (PlotLanes *self)
{
  g_autofree char *reading = plot_lanes_dup_reading (self, self->selected);
  g_autofree char *label = NULL;
  const char *title = *self->title != '\0' ? self->title : "Lanes";

  if (*reading != '\0')
    label = g_strdup_printf ("%s. %s", title, reading);
  else
    label = g_strdup_printf ("%s. %u items, none selected.", title, self->model->n_items);
  gtk_accessible_update_property (
      GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
      GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
      "Chart. Left and Right move between items, Enter opens an item, plus and minus zoom.", -1);
}

static gboolean
update_reading (gpointer data)
{
  PlotLanes *self = data;

  self->reading_id = 0;
  update_accessible (self);
  return G_SOURCE_REMOVE;
}

/* Live values change 60 times a second; what is spoken follows once a second. */
static void
queue_reading (PlotLanes *self)
{
  if (self->selected >= 0 && self->reading_id == 0 && !self->frozen)
    self->reading_id = g_timeout_add_seconds (1, update_reading, self);
}

/* --- figure --- */

static void
figure_draw (PlotFigure *figure, cairo_t *cr, double width, double height, const PlotStyle *style)
{
  plot_lanes_draw_figure (PLOT_LANES (figure), cr, width, height, style);
}

static PlotTable *
figure_make_table (PlotFigure *figure)
{
  PlotLanes *self = PLOT_LANES (figure);

  return plot_lanes_model_make_table (self->model, self->title);
}

static const char *
figure_get_title (PlotFigure *figure)
{
  return PLOT_LANES (figure)->title;
}

static void
plot_lanes_figure_init (PlotFigureInterface *iface)
{
  iface->draw = figure_draw;
  iface->make_table = figure_make_table;
  iface->get_title = figure_get_title;
}

/* --- life --- */

static void
plot_lanes_dispose (GObject *object)
{
  g_clear_handle_id (&PLOT_LANES (object)->reading_id, g_source_remove);
  G_OBJECT_CLASS (plot_lanes_parent_class)->dispose (object);
}

static void
plot_lanes_finalize (GObject *object)
{
  PlotLanes *self = PLOT_LANES (object);

  plot_lanes_view_clear (self);
  plot_lanes_model_free (self->model);
  g_free (self->title);
  G_OBJECT_CLASS (plot_lanes_parent_class)->finalize (object);
}

static void
plot_lanes_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  PlotLanes *self = PLOT_LANES (object);

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_SELECTED_ITEM:
      g_value_set_int (value, self->selected);
      break;
    case PROP_HOVERED_ITEM:
      g_value_set_int (value, self->hovered);
      break;
    case PROP_SHOW_BASELINE:
      g_value_set_boolean (value, self->model->show_baseline);
      break;
    case PROP_BASELINE_NAME:
      g_value_set_string (value, self->model->baseline_name);
      break;
    case PROP_FROZEN:
      g_value_set_boolean (value, self->frozen);
      break;
    case PROP_SCROLL_ZOOMS:
      g_value_set_boolean (value, self->scroll_zooms);
      break;
    case PROP_DENSE_LABELS:
      g_value_set_boolean (value, self->dense_labels);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_string (PlotLanes *self, char **field, const GValue *value, GParamSpec *pspec)
{
  if (!plot_take_text (G_OBJECT (self), field, value, pspec))
    return;
  plot_lanes_invalidate_layout (self, FALSE);
  update_accessible (self);
}

static void
set_boolean (PlotLanes *self, gboolean *field, const GValue *value, GParamSpec *pspec)
{
  if (*field == g_value_get_boolean (value))
    return;
  *field = g_value_get_boolean (value);
  g_object_notify_by_pspec (G_OBJECT (self), pspec);
  self->range_at_once = TRUE;
  plot_lanes_invalidate_layout (self, FALSE);
}

static void
plot_lanes_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  PlotLanes *self = PLOT_LANES (object);

  switch (id)
    {
    case PROP_TITLE:
      set_string (self, &self->title, value, pspec);
      break;
    case PROP_SELECTED_ITEM:
      plot_lanes_set_selected_item (self, g_value_get_int (value));
      break;
    case PROP_SHOW_BASELINE:
      set_boolean (self, &self->model->show_baseline, value, pspec);
      break;
    case PROP_BASELINE_NAME:
      set_string (self, &self->model->baseline_name, value, pspec);
      break;
    case PROP_FROZEN:
      plot_lanes_set_frozen (self, g_value_get_boolean (value));
      break;
    case PROP_SCROLL_ZOOMS:
      set_boolean (self, &self->scroll_zooms, value, pspec);
      break;
    case PROP_DENSE_LABELS:
      set_boolean (self, &self->dense_labels, value, pspec);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
plot_lanes_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                    int *natural, int *minimum_baseline, int *natural_baseline)
{
  PlotLanes *self = PLOT_LANES (widget);
  double least, better;

  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      *minimum = 240;
      *natural = 720;
      return;
    }
  plot_lanes_layout_measure (self->model, self->style.font_size_px, &least, &better);
  *minimum = (int)ceil (least);
  *natural = (int)ceil (better);
}

static void
plot_lanes_class_init (PlotLanesClass *klass)
{
  const GParamFlags rw = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  const GParamFlags ro = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = plot_lanes_dispose;
  object_class->finalize = plot_lanes_finalize;
  object_class->get_property = plot_lanes_get_property;
  object_class->set_property = plot_lanes_set_property;
  widget_class->snapshot = plot_lanes_snapshot;
  widget_class->measure = plot_lanes_measure;
  gtk_widget_class_set_css_name (widget_class, "plotlanes");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);

  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", rw);
  props[PROP_SELECTED_ITEM] = g_param_spec_int ("selected-item", NULL, NULL, -1, G_MAXINT, -1, rw);
  props[PROP_HOVERED_ITEM] = g_param_spec_int ("hovered-item", NULL, NULL, -1, G_MAXINT, -1, ro);
  props[PROP_SHOW_BASELINE] = g_param_spec_boolean ("show-baseline", NULL, NULL, TRUE, rw);
  props[PROP_BASELINE_NAME] = g_param_spec_string ("baseline-name", NULL, NULL, "baseline", rw);
  props[PROP_FROZEN] = g_param_spec_boolean ("frozen", NULL, NULL, FALSE, rw);
  props[PROP_SCROLL_ZOOMS] = g_param_spec_boolean ("scroll-zooms", NULL, NULL, TRUE, rw);
  props[PROP_DENSE_LABELS] = g_param_spec_boolean ("dense-labels", NULL, NULL, TRUE, rw);
  g_object_class_install_properties (object_class, N_PROPS, props);

  signals[SIGNAL_ITEM_ACTIVATED]
      = g_signal_new ("item-activated", PLOT_TYPE_LANES, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 1, G_TYPE_INT);
  signals[SIGNAL_ITEM_EXPANDED]
      = g_signal_new ("item-expanded", PLOT_TYPE_LANES, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_BOOLEAN);
}

static void
plot_lanes_init (PlotLanes *self)
{
  self->model = plot_lanes_model_new ();
  self->title = g_strdup ("");
  self->selected = self->hovered = -1;
  self->scroll_zooms = self->dense_labels = TRUE;
  plot_lanes_view_init (self);
  plot_lanes_input_init (self);
  update_accessible (self);
}

GtkWidget *
plot_lanes_new (void)
{
  return g_object_new (PLOT_TYPE_LANES, NULL);
}

/* --- items --- */

void
plot_lanes_set_items (PlotLanes *self, const PlotItem *items, guint n_items)
{
  g_autofree char *selected = NULL;
  guint depth = 0;
  int again = -1;

  g_return_if_fail (PLOT_IS_LANES (self));
  g_return_if_fail (n_items == 0 || items != NULL);

  if (self->selected >= 0)
    {
      selected = g_strdup (self->model->items[self->selected].name);
      depth = self->model->items[self->selected].depth;
    }
  plot_lanes_model_set_items (self->model, items, n_items);
  self->hovered = -1;
  self->range_at_once = TRUE;
  self->fitted = TRUE;
  plot_lanes_invalidate_layout (self, TRUE);
  gtk_widget_queue_resize (GTK_WIDGET (self));

  if (selected != NULL)
    {
      again = plot_lanes_find_item (self, selected);
      if (again >= 0 && self->model->items[again].depth != depth)
        again = -1;
      if (again != self->selected)
        {
          self->selected = -1;
          plot_lanes_set_selected_item (self, again);
          if (again < 0)
            g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED_ITEM]);
        }
    }
  update_accessible (self);
}

guint
plot_lanes_get_n_items (PlotLanes *self)
{
  g_return_val_if_fail (PLOT_IS_LANES (self), 0);
  return self->model->n_items;
}

const char *
plot_lanes_get_item_name (PlotLanes *self, guint item)
{
  g_return_val_if_fail (PLOT_IS_LANES (self) && item < self->model->n_items, NULL);
  return self->model->items[item].name;
}

int
plot_lanes_find_item (PlotLanes *self, const char *name)
{
  gpointer at;

  g_return_val_if_fail (PLOT_IS_LANES (self) && name != NULL, -1);
  if (!g_hash_table_lookup_extended (self->model->by_name, name, NULL, &at))
    return -1;
  return GPOINTER_TO_INT (at);
}

/* --- lanes and values --- */

guint
plot_lanes_add_lane (PlotLanes *self, const PlotLaneInfo *info)
{
  guint lane;

  g_return_val_if_fail (PLOT_IS_LANES (self) && info != NULL, 0);
  lane = plot_lanes_model_add_lane (self->model, info);
  plot_lanes_invalidate_layout (self, FALSE);
  gtk_widget_queue_resize (GTK_WIDGET (self));
  return lane;
}

void
plot_lanes_clear_lanes (PlotLanes *self)
{
  g_return_if_fail (PLOT_IS_LANES (self));
  g_ptr_array_set_size (self->model->lanes, 0);
  g_array_set_size (self->nodes, 0);
  plot_lanes_invalidate_layout (self, FALSE);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

guint
plot_lanes_get_n_lanes (PlotLanes *self)
{
  g_return_val_if_fail (PLOT_IS_LANES (self), 0);
  return self->model->lanes->len;
}

void
plot_lanes_set_lane_visible (PlotLanes *self, guint lane, gboolean visible)
{
  g_return_if_fail (PLOT_IS_LANES (self) && lane < self->model->lanes->len);
  plot_lanes_model_lane (self->model, lane)->visible = !!visible;
  self->range_at_once = TRUE;
  plot_lanes_invalidate_layout (self, FALSE);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

gboolean
plot_lanes_get_lane_visible (PlotLanes *self, guint lane)
{
  g_return_val_if_fail (PLOT_IS_LANES (self) && lane < self->model->lanes->len, FALSE);
  return plot_lanes_model_lane (self->model, lane)->visible;
}

static void
set_lane_text (PlotLanes *self, guint index, char **field, const char *text)
{
  PlotLane *lane = plot_lanes_model_lane (self->model, index);

  if (g_strcmp0 (*field, text) == 0)
    return;
  g_free (*field);
  *field = g_strdup (text);
  lane->generation++;
  plot_lanes_invalidate_values (self);
}

void
plot_lanes_set_lane_note (PlotLanes *self, guint lane, const char *note)
{
  g_return_if_fail (PLOT_IS_LANES (self) && lane < self->model->lanes->len);
  set_lane_text (self, lane, &plot_lanes_model_lane (self->model, lane)->note, note);
}

void
plot_lanes_set_lane_limit (PlotLanes *self, guint lane, double limit)
{
  g_return_if_fail (PLOT_IS_LANES (self) && lane < self->model->lanes->len && !isnan (limit));
  plot_lanes_model_lane (self->model, lane)->limit = limit;
  plot_lanes_invalidate_values (self);
}

void
plot_lanes_set_lane_title (PlotLanes *self, guint lane, const char *title)
{
  g_return_if_fail (PLOT_IS_LANES (self) && lane < self->model->lanes->len && title != NULL);
  if (g_strcmp0 (plot_lanes_model_lane (self->model, lane)->title, title) == 0)
    return;
  set_lane_text (self, lane, &plot_lanes_model_lane (self->model, lane)->title, title);
  plot_lanes_invalidate_layout (self, FALSE); /* titles have a column of their own */
}

void
plot_lanes_set_lane_total (PlotLanes *self, guint lane, const char *text)
{
  g_return_if_fail (PLOT_IS_LANES (self) && lane < self->model->lanes->len);
  set_lane_text (self, lane, &plot_lanes_model_lane (self->model, lane)->total_text, text);
}

guint
plot_lanes_add_series (PlotLanes *self, guint lane, const PlotLaneSeriesInfo *info)
{
  guint series;

  g_return_val_if_fail (PLOT_IS_LANES (self) && info != NULL, 0);
  g_return_val_if_fail (lane < self->model->lanes->len, 0);
  series = plot_lanes_model_add_series (self->model, lane, info);
  plot_lanes_invalidate_layout (self, FALSE);
  return series;
}

void
plot_lanes_set_values (PlotLanes *self, guint lane, guint series, guint first, guint n,
                       const double *value, const double *lo, const double *hi, const guint8 *state)
{
  g_return_if_fail (PLOT_IS_LANES (self));
  g_return_if_fail (n == 0 || value != NULL);

  plot_lanes_model_set_values (self->model, lane, series, first, n, value, lo, hi, state);
  plot_lanes_invalidate_values (self);
  queue_reading (self);
}

void
plot_lanes_clear_values (PlotLanes *self, guint lane, guint series)
{
  g_return_if_fail (PLOT_IS_LANES (self));
  plot_lanes_model_clear_values (self->model, lane, series);
  plot_lanes_invalidate_values (self);
  queue_reading (self);
}

static void
clear_series (PlotLanes *self, gboolean baselines)
{
  for (guint l = 0; l < self->model->lanes->len; l++)
    {
      const PlotLane *lane = plot_lanes_model_lane (self->model, l);

      for (guint s = 0; s < lane->series->len; s++)
        if ((plot_lane_get_series (lane, s)->info.role == PLOT_ROLE_BASELINE) == baselines)
          plot_lanes_model_clear_values (self->model, l, s);
    }
  plot_lanes_invalidate_values (self);
  queue_reading (self);
}

void
plot_lanes_clear_all_values (PlotLanes *self)
{
  g_return_if_fail (PLOT_IS_LANES (self));
  clear_series (self, FALSE);
}

double
plot_lanes_get_value (PlotLanes *self, guint lane, guint series, guint item, double *lo, double *hi,
                      PlotState *state)
{
  const PlotLaneSeries *data;

  g_return_val_if_fail (PLOT_IS_LANES (self), NAN);
  g_return_val_if_fail (lane < self->model->lanes->len && item < self->model->n_items, NAN);
  data = plot_lane_get_series (plot_lanes_model_lane (self->model, lane), series);
  g_return_val_if_fail (data != NULL, NAN);

  if (lo != NULL)
    *lo = data->lo[item];
  if (hi != NULL)
    *hi = data->hi[item];
  if (state != NULL)
    *state = data->state[item];
  return data->value[item];
}

void
plot_lanes_pin_baseline (PlotLanes *self, const char *name)
{
  g_return_if_fail (PLOT_IS_LANES (self));
  plot_lanes_model_pin_baseline (self->model, name);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_BASELINE_NAME]);
  plot_lanes_invalidate_layout (self, FALSE);
  queue_reading (self);
}

void
plot_lanes_clear_baseline (PlotLanes *self)
{
  g_return_if_fail (PLOT_IS_LANES (self));
  clear_series (self, TRUE);
}

/* --- selection --- */

int
plot_lanes_get_selected_item (PlotLanes *self)
{
  g_return_val_if_fail (PLOT_IS_LANES (self), -1);
  return self->selected;
}

void
plot_lanes_set_selected_item (PlotLanes *self, int item)
{
  g_return_if_fail (PLOT_IS_LANES (self));

  if (item < 0 || (guint)item >= self->model->n_items)
    item = -1;
  if (item == self->selected)
    return;
  self->selected = item;
  if (item >= 0)
    {
      for (int up = self->model->items[item].parent; up >= 0; up = self->model->items[up].parent)
        plot_lanes_set_expanded (self, (guint)up, TRUE);
      plot_lanes_reveal (self, (guint)item);
    }
  update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED_ITEM]);
}

int
plot_lanes_get_hovered_item (PlotLanes *self)
{
  g_return_val_if_fail (PLOT_IS_LANES (self), -1);
  return self->hovered;
}

void
plot_lanes_set_hovered (PlotLanes *self, int item)
{
  if (item == self->hovered)
    return;
  self->hovered = item;
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_HOVERED_ITEM]);
}

void
plot_lanes_activate_item (PlotLanes *self, int item)
{
  g_return_if_fail (item >= 0 && (guint)item < self->model->n_items);

  if (self->model->items[item].n_children > 0)
    plot_lanes_set_expanded (self, (guint)item, !self->model->items[item].expanded);
  else
    g_signal_emit (self, signals[SIGNAL_ITEM_ACTIVATED], 0, item);
}

/* --- disclosure --- */

void
plot_lanes_set_expanded (PlotLanes *self, guint item, gboolean expanded)
{
  PlotLaneItem *data;

  g_return_if_fail (PLOT_IS_LANES (self) && item < self->model->n_items);

  data = &self->model->items[item];
  expanded = !!expanded;
  if (data->n_children == 0 || data->expanded == expanded)
    return;
  data->expanded = expanded;
  if (!expanded && self->selected > (int)item && self->selected <= (int)(item + data->n_below))
    plot_lanes_set_selected_item (self, (int)item); /* what would vanish hands over to its parent */
  if (plot_lanes_animates (self))
    plot_lanes_start_ticking (self);
  else
    data->open = expanded ? 1 : 0;
  self->range_at_once = TRUE;
  plot_lanes_invalidate_layout (self, TRUE);
  g_signal_emit (self, signals[SIGNAL_ITEM_EXPANDED], 0, (int)item, expanded);
}

gboolean
plot_lanes_get_expanded (PlotLanes *self, guint item)
{
  g_return_val_if_fail (PLOT_IS_LANES (self) && item < self->model->n_items, FALSE);
  return self->model->items[item].expanded;
}

void
plot_lanes_collapse_all (PlotLanes *self)
{
  g_return_if_fail (PLOT_IS_LANES (self));
  for (guint i = 0; i < self->model->n_items; i++)
    plot_lanes_set_expanded (self, i, FALSE);
}

/* --- view --- */

void
plot_lanes_fit (PlotLanes *self)
{
  g_return_if_fail (PLOT_IS_LANES (self));
  plot_lanes_ensure_slots (self);
  plot_lanes_move_view (self, 0, self->layout.total, TRUE);
}

gboolean
plot_lanes_get_fitted (PlotLanes *self)
{
  g_return_val_if_fail (PLOT_IS_LANES (self), TRUE);
  return self->fitted;
}

void
plot_lanes_zoom (PlotLanes *self, double factor)
{
  double about;

  g_return_if_fail (PLOT_IS_LANES (self) && factor > 0 && isfinite (factor));

  plot_lanes_ensure_slots (self);
  about = (self->goal0 + self->goal1) / 2;
  if (self->selected >= 0)
    {
      int at = plot_lanes_layout_slot_of (&self->layout, (guint)self->selected);

      if (at >= 0 && self->layout.slots[at].x < self->goal1
          && self->layout.slots[at].x + self->layout.slots[at].w > self->goal0)
        about = self->layout.slots[at].x + self->layout.slots[at].w / 2;
    }
  plot_lanes_zoom_about (self, factor, about, TRUE);
}

gboolean
plot_lanes_get_frozen (PlotLanes *self)
{
  g_return_val_if_fail (PLOT_IS_LANES (self), FALSE);
  return self->frozen;
}

void
plot_lanes_set_frozen (PlotLanes *self, gboolean frozen)
{
  g_return_if_fail (PLOT_IS_LANES (self));

  frozen = !!frozen;
  if (frozen == self->frozen)
    return;
  self->frozen = frozen;
  if (!frozen)
    {
      gtk_widget_queue_draw (GTK_WIDGET (self));
      queue_reading (self);
    }
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_FROZEN]);
}

char *
plot_lanes_dup_reading (PlotLanes *self, int item)
{
  g_return_val_if_fail (PLOT_IS_LANES (self), NULL);
  return plot_lanes_model_dup_reading (self->model, item);
}
