/* PlotChart, the widget: life, properties, axes, layers, selection. The picture is in
 * plot-chart-draw.c, frames in plot-chart-view.c, events in plot-chart-input.c. */

#include "plot-chart-private.h"

#include <math.h>

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_SHOW_LEGEND,
  PROP_INTERACTIVE,
  PROP_SINGLE_CLICK_ACTIVATE,
  N_PROPS
};

enum
{
  SIGNAL_POINT_SELECTED,
  SIGNAL_POINT_ACTIVATED,
  N_SIGNALS
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

static void plot_chart_figure_init (PlotFigureInterface *iface);

G_DEFINE_TYPE_WITH_CODE (PlotChart, plot_chart, GTK_TYPE_WIDGET,
                         G_IMPLEMENT_INTERFACE (PLOT_TYPE_FIGURE, plot_chart_figure_init))

/* --- accessibility --- */

static void
append_reading (PlotChart *self, GString *out)
{
  PlotSeries *series = plot_layer_get_series (self->selected);
  gsize i = self->selected_index;
  const char *label = plot_series_get_label (series, i);
  g_autofree char *x
      = plot_format_value (plot_axis_get_unit (self->x_axis), plot_series_get_x (series, i), 4);
  g_autofree char *y = plot_format_value (plot_axis_get_unit (self->y_axis),
                                          plot_series_get (series, PLOT_COLUMN_Y, i), 4);

  g_string_append_printf (out, " %s%s%s: %s %s, %s %s%s.", plot_layer_get_title (self->selected),
                          label != NULL ? ", " : "", label != NULL ? label : "",
                          plot_axis_get_title (self->x_axis), x, plot_axis_get_title (self->y_axis),
                          y, plot_series_get_estimate (series, i) ? " (estimate)" : "");
  for (guint k = 0; k < plot_series_get_n_facts (series, i); k++)
    {
      const char *name, *value;

      plot_series_get_fact (series, i, k, &name, &value);
      g_string_append_printf (out, " %s: %s.", name, value);
    }
}

static void
update_accessible (PlotChart *self)
{
  g_autoptr (GString) label = g_string_new (*self->title != '\0' ? self->title : "Chart");

  g_string_append_c (label, '.');
  if (self->selected != NULL
      && self->selected_index < plot_series_get_n (plot_layer_get_series (self->selected)))
    append_reading (self, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label->str,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  "Chart. N and P move between points, arrows pan, plus and minus "
                                  "zoom, Home shows everything.",
                                  -1);
}

/* --- figure --- */

static void
figure_draw (PlotFigure *figure, cairo_t *cr, double width, double height, const PlotStyle *style)
{
  plot_chart_draw_figure (PLOT_CHART (figure), cr, width, height, style);
}

/* Column name from the title of an axis. */
static const char *
column_name (PlotAxis *axis, const char *otherwise)
{
  return *plot_axis_get_title (axis) != '\0' ? plot_axis_get_title (axis) : otherwise;
}

static void
add_columns (PlotTable *table, PlotAxis *axis, const char *otherwise)
{
  const PlotUnit *unit = plot_axis_get_unit (axis);
  const char *name = column_name (axis, otherwise);
  g_autofree char *low = g_strdup_printf ("%s low", name);
  g_autofree char *high = g_strdup_printf ("%s high", name);

  plot_table_add_column (table, name, unit);
  plot_table_add_column (table, low, unit);
  plot_table_add_column (table, high, unit);
}

/* Long form, one row per point: layers need not share their x. */
PlotTable *
plot_chart_make_table (PlotChart *self)
{
  static const PlotColumn columns[] = { PLOT_COLUMN_X, PLOT_COLUMN_X_LO, PLOT_COLUMN_X_HI,
                                        PLOT_COLUMN_Y, PLOT_COLUMN_LO,   PLOT_COLUMN_HI };
  PlotTable *table = plot_table_new (self->title);

  plot_table_add_column (table, "series", NULL);
  plot_table_add_column (table, "label", NULL);
  add_columns (table, self->x_axis, "x");
  add_columns (table, self->y_axis, "y");
  plot_table_add_column (table, "state", NULL);
  for (guint l = 0; l < self->layers->len; l++)
    {
      PlotLayer *layer = g_ptr_array_index (self->layers, l);
      PlotSeries *series = plot_layer_get_series (layer);

      for (gsize i = 0; !plot_layer_get_kind (layer)->derived && i < plot_series_get_n (series);
           i++)
        {
          guint row = plot_table_add_row (table);
          gboolean estimate = plot_series_get_estimate (series, i);

          plot_table_set_text (table, row, 0, plot_layer_get_title (layer));
          plot_table_set_text (table, row, 1, plot_series_get_label (series, i));
          for (guint c = 0; c < G_N_ELEMENTS (columns); c++)
            plot_table_set_number (table, row, 2 + c, plot_series_get (series, columns[c], i));
          plot_table_set_text (table, row, 2 + G_N_ELEMENTS (columns),
                               plot_state_to_string (estimate ? PLOT_STATE_ESTIMATE
                                                              : PLOT_STATE_MEASURED));
        }
    }
  return table;
}

static PlotTable *
figure_make_table (PlotFigure *figure)
{
  return plot_chart_make_table (PLOT_CHART (figure));
}

static const char *
figure_get_title (PlotFigure *figure)
{
  return PLOT_CHART (figure)->title;
}

static void
plot_chart_figure_init (PlotFigureInterface *iface)
{
  iface->draw = figure_draw;
  iface->make_table = figure_make_table;
  iface->get_title = figure_get_title;
}

/* --- axes --- */

static void
on_axis_changed (PlotAxis *axis, PlotChart *self)
{
  if (!self->updating_extents)
    plot_chart_invalidate (self, FALSE);
}

static void
release_axis (PlotChart *self, PlotAxis **axis, gulong *handler)
{
  if (*axis == NULL)
    return;
  g_signal_handler_disconnect (*axis, *handler);
  plot_axis_set_data_extent (*axis, self, INFINITY, -INFINITY, INFINITY);
  g_clear_object (axis);
}

static void
take_axis (PlotChart *self, PlotAxis **place, gulong *handler, PlotAxis *axis)
{
  if (*place == axis)
    return;
  g_object_ref (axis);
  release_axis (self, place, handler);
  *place = axis;
  *handler = g_signal_connect (axis, "changed", G_CALLBACK (on_axis_changed), self);
  plot_chart_invalidate (self, TRUE);
}

PlotAxis *
plot_chart_get_x_axis (PlotChart *self)
{
  g_return_val_if_fail (PLOT_IS_CHART (self), NULL);
  return self->x_axis;
}

PlotAxis *
plot_chart_get_y_axis (PlotChart *self)
{
  g_return_val_if_fail (PLOT_IS_CHART (self), NULL);
  return self->y_axis;
}

void
plot_chart_set_x_axis (PlotChart *self, PlotAxis *axis)
{
  g_return_if_fail (PLOT_IS_CHART (self) && PLOT_IS_AXIS (axis));
  take_axis (self, &self->x_axis, &self->x_handler, axis);
}

void
plot_chart_set_y_axis (PlotChart *self, PlotAxis *axis)
{
  g_return_if_fail (PLOT_IS_CHART (self) && PLOT_IS_AXIS (axis));
  take_axis (self, &self->y_axis, &self->y_handler, axis);
}

/* --- layers --- */

static void
on_layer_changed (PlotLayer *layer, PlotChart *self)
{
  plot_chart_invalidate (self, TRUE);
}

void
plot_chart_add_layer (PlotChart *self, PlotLayer *layer)
{
  g_return_if_fail (PLOT_IS_CHART (self) && PLOT_IS_LAYER (layer));
  g_return_if_fail (plot_layer_get_series (layer) != NULL);

  if (plot_layer_get_color (layer) < 0)
    plot_layer_set_color (layer, (int)self->layers->len);
  g_ptr_array_add (self->layers, layer);
  g_signal_connect (layer, "changed", G_CALLBACK (on_layer_changed), self);
  plot_chart_invalidate (self, TRUE);
}

void
plot_chart_remove_layer (PlotChart *self, PlotLayer *layer)
{
  guint at;

  g_return_if_fail (PLOT_IS_CHART (self));
  g_return_if_fail (g_ptr_array_find (self->layers, layer, &at));

  if (self->selected == layer)
    plot_chart_select (self, NULL, 0);
  g_signal_handlers_disconnect_by_func (layer, on_layer_changed, self);
  g_ptr_array_remove_index (self->layers, at);
  g_array_set_size (self->nodes, 0);
  plot_chart_invalidate (self, TRUE);
}

guint
plot_chart_get_n_layers (PlotChart *self)
{
  g_return_val_if_fail (PLOT_IS_CHART (self), 0);
  return self->layers->len;
}

PlotLayer *
plot_chart_get_layer (PlotChart *self, guint i)
{
  g_return_val_if_fail (PLOT_IS_CHART (self) && i < self->layers->len, NULL);
  return g_ptr_array_index (self->layers, i);
}

void
plot_chart_reset_view (PlotChart *self)
{
  g_return_if_fail (PLOT_IS_CHART (self));
  plot_axis_reset_view (self->x_axis);
  plot_axis_reset_view (self->y_axis);
}

/* --- selection --- */

void
plot_chart_select (PlotChart *self, PlotLayer *layer, guint64 index)
{
  g_return_if_fail (PLOT_IS_CHART (self));
  g_return_if_fail (layer == NULL || g_ptr_array_find (self->layers, layer, NULL));

  if (layer == NULL)
    index = 0;
  if (layer == self->selected && index == self->selected_index)
    return;
  self->selected = layer;
  self->selected_index = index;
  update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_signal_emit (self, signals[SIGNAL_POINT_SELECTED], 0, layer, index);
}

PlotLayer *
plot_chart_get_selected (PlotChart *self, guint64 *index)
{
  g_return_val_if_fail (PLOT_IS_CHART (self), NULL);
  if (index != NULL)
    *index = self->selected_index;
  return self->selected;
}

void
plot_chart_set_reference (PlotChart *self, const char *name, double x, PlotGoal x_goal, double y,
                          PlotGoal y_goal)
{
  g_return_if_fail (PLOT_IS_CHART (self));

  g_free (self->reference);
  self->reference = g_strdup (isnan (x) || isnan (y) ? NULL : name);
  self->reference_x = x;
  self->reference_y = y;
  self->reference_x_goal = x_goal;
  self->reference_y_goal = y_goal;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* --- life --- */

static void
plot_chart_dispose (GObject *object)
{
  PlotChart *self = PLOT_CHART (object);

  for (guint i = 0; i < self->layers->len; i++)
    g_signal_handlers_disconnect_by_func (g_ptr_array_index (self->layers, i), on_layer_changed,
                                          self);
  self->selected = NULL;
  release_axis (self, &self->x_axis, &self->x_handler);
  release_axis (self, &self->y_axis, &self->y_handler);
  G_OBJECT_CLASS (plot_chart_parent_class)->dispose (object);
}

static void
plot_chart_finalize (GObject *object)
{
  PlotChart *self = PLOT_CHART (object);

  plot_chart_view_clear (self);
  g_ptr_array_unref (self->layers);
  g_free (self->title);
  g_free (self->reference);
  G_OBJECT_CLASS (plot_chart_parent_class)->finalize (object);
}

static void
plot_chart_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  PlotChart *self = PLOT_CHART (object);

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_SHOW_LEGEND:
      g_value_set_boolean (value, self->show_legend);
      break;
    case PROP_INTERACTIVE:
      g_value_set_boolean (value, self->interactive);
      break;
    case PROP_SINGLE_CLICK_ACTIVATE:
      g_value_set_boolean (value, self->single_click_activate);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_flag (PlotChart *self, gboolean *flag, gboolean value, guint prop)
{
  if (!!value == *flag)
    return;
  *flag = !!value;
  plot_chart_invalidate (self, FALSE);
  g_object_notify_by_pspec (G_OBJECT (self), props[prop]);
}

static void
plot_chart_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  PlotChart *self = PLOT_CHART (object);

  switch (id)
    {
    case PROP_TITLE:
      plot_chart_set_title (self, g_value_get_string (value));
      break;
    case PROP_SHOW_LEGEND:
      plot_chart_set_show_legend (self, g_value_get_boolean (value));
      break;
    case PROP_INTERACTIVE:
      plot_chart_set_interactive (self, g_value_get_boolean (value));
      break;
    case PROP_SINGLE_CLICK_ACTIVATE:
      set_flag (self, &self->single_click_activate, g_value_get_boolean (value),
                PROP_SINGLE_CLICK_ACTIVATE);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
plot_chart_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                    int *natural, int *minimum_baseline, int *natural_baseline)
{
  *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? 160 : 110;
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? 640 : 360;
}

static void
plot_chart_class_init (PlotChartClass *klass)
{
  const GParamFlags rw = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = plot_chart_dispose;
  object_class->finalize = plot_chart_finalize;
  object_class->get_property = plot_chart_get_property;
  object_class->set_property = plot_chart_set_property;
  widget_class->snapshot = plot_chart_snapshot;
  widget_class->measure = plot_chart_measure;
  gtk_widget_class_set_css_name (widget_class, "plotchart");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);

  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", rw);
  props[PROP_SHOW_LEGEND] = g_param_spec_boolean ("show-legend", NULL, NULL, TRUE, rw);
  props[PROP_SINGLE_CLICK_ACTIVATE]
      = g_param_spec_boolean ("single-click-activate", NULL, NULL, FALSE, rw);
  props[PROP_INTERACTIVE] = g_param_spec_boolean ("interactive", NULL, NULL, TRUE, rw);
  g_object_class_install_properties (object_class, N_PROPS, props);

  signals[SIGNAL_POINT_SELECTED]
      = g_signal_new ("point-selected", PLOT_TYPE_CHART, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, PLOT_TYPE_LAYER, G_TYPE_UINT64);
  signals[SIGNAL_POINT_ACTIVATED]
      = g_signal_new ("point-activated", PLOT_TYPE_CHART, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, PLOT_TYPE_LAYER, G_TYPE_UINT64);
}

static void
plot_chart_init (PlotChart *self)
{
  g_autoptr (PlotAxis) x = plot_axis_new ("", NULL);
  g_autoptr (PlotAxis) y = plot_axis_new ("", NULL);

  self->title = g_strdup ("");
  self->show_legend = self->interactive = TRUE;
  self->layers = g_ptr_array_new_with_free_func (g_object_unref);
  plot_chart_view_init (self);
  take_axis (self, &self->x_axis, &self->x_handler, x);
  take_axis (self, &self->y_axis, &self->y_handler, y);
  plot_chart_input_init (self);
  update_accessible (self);
}

GtkWidget *
plot_chart_new (void)
{
  return g_object_new (PLOT_TYPE_CHART, NULL);
}

const char *
plot_chart_get_title (PlotChart *self)
{
  g_return_val_if_fail (PLOT_IS_CHART (self), NULL);
  return self->title;
}

void
plot_chart_set_title (PlotChart *self, const char *title)
{
  g_return_if_fail (PLOT_IS_CHART (self));

  title = title != NULL ? title : "";
  if (g_str_equal (title, self->title))
    return;
  g_free (self->title);
  self->title = g_strdup (title);
  update_accessible (self);
  plot_chart_invalidate (self, FALSE);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TITLE]);
}

gboolean
plot_chart_get_show_legend (PlotChart *self)
{
  g_return_val_if_fail (PLOT_IS_CHART (self), FALSE);
  return self->show_legend;
}

void
plot_chart_set_show_legend (PlotChart *self, gboolean show_legend)
{
  g_return_if_fail (PLOT_IS_CHART (self));
  set_flag (self, &self->show_legend, show_legend, PROP_SHOW_LEGEND);
}

gboolean
plot_chart_get_interactive (PlotChart *self)
{
  g_return_val_if_fail (PLOT_IS_CHART (self), FALSE);
  return self->interactive;
}

void
plot_chart_set_interactive (PlotChart *self, gboolean interactive)
{
  g_return_if_fail (PLOT_IS_CHART (self));
  set_flag (self, &self->interactive, interactive, PROP_INTERACTIVE);
}
