/* PlotSpark: a ring of the last values and a line through them. For live numbers beside their text.
 */

#include "plot-spark.h"

#include <math.h>
#include <string.h>
#include "plot-marks-private.h"

struct _PlotSpark
{
  GtkWidget parent_instance;

  char *title;
  PlotUnit unit;
  guint capacity, color;
  double *values; /* ring of capacity */
  guint n, next;  /* values kept; place of the next one */
};

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_CAPACITY,
  PROP_COLOR,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void plot_spark_figure_init (PlotFigureInterface *iface);

G_DEFINE_TYPE_WITH_CODE (PlotSpark, plot_spark, GTK_TYPE_WIDGET,
                         G_IMPLEMENT_INTERFACE (PLOT_TYPE_FIGURE, plot_spark_figure_init))

/* @i 0: the oldest. */
static double
get_value (PlotSpark *self, guint i)
{
  return self->values[(self->next + self->capacity - self->n + i) % self->capacity];
}

static void
update_accessible (PlotSpark *self)
{
  g_autofree char *value = plot_format_value (&self->unit, plot_spark_get_last (self), 3);
  g_autofree char *label = g_strdup_printf ("%s %s", self->title, value);

  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
}

/* --- drawing --- */

static void
value_range (PlotSpark *self, double *lo, double *hi)
{
  *lo = INFINITY;
  *hi = -INFINITY;
  for (guint i = 0; i < self->n; i++)
    {
      double value = get_value (self, i);

      *lo = value < *lo ? value : *lo;
      *hi = value > *hi ? value : *hi;
    }
}

/* The line keeps its place on the right: a filling ring does not stretch. */
static void
draw (PlotSpark *self, cairo_t *cr, double width, double height, const PlotStyle *style)
{
  const GdkRGBA *color = plot_style_color (style, self->color);
  double lo, hi, step, pad = 3.5, last_y = NAN;
  gboolean pen_down = FALSE;

  value_range (self, &lo, &hi);
  if (lo > hi || width <= 2 * pad || height <= 2 * pad)
    return;
  if (hi - lo < fabs (hi) * 0.02) /* noise of a steady value is not drawn as a mountain */
    {
      double room = fabs (hi) > 0 ? fabs (hi) * 0.02 : 1;

      lo -= room / 2;
      hi += room / 2;
    }
  step = (width - 2 * pad) / MAX (1, self->capacity - 1);
  for (guint i = 0; i < self->n; i++)
    {
      double value = get_value (self, i);
      double x = width - pad - (self->n - 1 - i) * step;
      double y = height - pad - (value - lo) / (hi - lo) * (height - 2 * pad);

      if (isnan (value))
        {
          pen_down = FALSE;
          continue;
        }
      if (pen_down)
        cairo_line_to (cr, x, y);
      else
        cairo_move_to (cr, x, y);
      pen_down = TRUE;
      last_y = i == self->n - 1 ? y : last_y;
    }
  plot_set_color (cr, color, 1);
  cairo_set_line_width (cr, style->line_width_px);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  cairo_stroke (cr);
  if (!isnan (last_y))
    {
      cairo_arc (cr, width - pad, last_y, 2.5, 0, 2 * G_PI);
      cairo_fill (cr);
    }
}

static void
plot_spark_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  double width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget);
  PlotStyle style;
  cairo_t *cr;

  if (width < 1 || height < 1)
    return;
  plot_style_init_for_widget (&style, widget);
  cr = gtk_snapshot_append_cairo (snapshot,
                                  &GRAPHENE_RECT_INIT (0, 0, (float)width, (float)height));
  draw (PLOT_SPARK (widget), cr, width, height, &style);
  cairo_destroy (cr);
}

static void
plot_spark_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                    int *natural, int *minimum_baseline, int *natural_baseline)
{
  *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? 48 : 18;
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? 120 : 28;
}

/* --- figure --- */

static void
figure_draw (PlotFigure *figure, cairo_t *cr, double width, double height, const PlotStyle *style)
{
  draw (PLOT_SPARK (figure), cr, width, height, style);
}

static PlotTable *
figure_make_table (PlotFigure *figure)
{
  PlotSpark *self = PLOT_SPARK (figure);
  PlotTable *table = plot_table_new (self->title);

  plot_table_add_column (table, "index", &PLOT_UNIT_PLAIN);
  plot_table_add_column (table, *self->title != '\0' ? self->title : "value", &self->unit);
  for (guint i = 0; i < self->n; i++)
    {
      guint row = plot_table_add_row (table);

      plot_table_set_number (table, row, 0, i);
      plot_table_set_number (table, row, 1, get_value (self, i));
    }
  return table;
}

static const char *
figure_get_title (PlotFigure *figure)
{
  return PLOT_SPARK (figure)->title;
}

static void
plot_spark_figure_init (PlotFigureInterface *iface)
{
  iface->draw = figure_draw;
  iface->make_table = figure_make_table;
  iface->get_title = figure_get_title;
}

/* --- life --- */

static void
set_capacity (PlotSpark *self, guint capacity)
{
  double *values = g_new (double, capacity);
  guint n = MIN (self->n, capacity);

  for (guint i = 0; i < n; i++)
    values[i] = get_value (self, self->n - n + i);
  g_free (self->values);
  self->values = values;
  self->capacity = capacity;
  self->n = n;
  self->next = n % capacity;
}

static void
plot_spark_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  PlotSpark *self = PLOT_SPARK (object);

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_CAPACITY:
      g_value_set_uint (value, self->capacity);
      break;
    case PROP_COLOR:
      g_value_set_uint (value, self->color);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
plot_spark_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  PlotSpark *self = PLOT_SPARK (object);
  const char *title;

  switch (id)
    {
    case PROP_TITLE:
      title = g_value_get_string (value) != NULL ? g_value_get_string (value) : "";
      if (g_str_equal (title, self->title))
        return;
      g_free (self->title);
      self->title = g_strdup (title);
      break;
    case PROP_CAPACITY:
      if (g_value_get_uint (value) == self->capacity)
        return;
      set_capacity (self, g_value_get_uint (value));
      break;
    case PROP_COLOR:
      if (g_value_get_uint (value) == self->color)
        return;
      self->color = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
  update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
plot_spark_finalize (GObject *object)
{
  PlotSpark *self = PLOT_SPARK (object);

  g_free (self->title);
  g_free (self->values);
  G_OBJECT_CLASS (plot_spark_parent_class)->finalize (object);
}

static void
plot_spark_class_init (PlotSparkClass *klass)
{
  const GParamFlags rw = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->finalize = plot_spark_finalize;
  object_class->get_property = plot_spark_get_property;
  object_class->set_property = plot_spark_set_property;
  widget_class->snapshot = plot_spark_snapshot;
  widget_class->measure = plot_spark_measure;
  gtk_widget_class_set_css_name (widget_class, "plotspark");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", rw);
  props[PROP_CAPACITY] = g_param_spec_uint ("capacity", NULL, NULL, 2, 1 << 20, 120, rw);
  props[PROP_COLOR] = g_param_spec_uint ("color", NULL, NULL, 0, G_MAXUINT, 0, rw);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
plot_spark_init (PlotSpark *self)
{
  self->title = g_strdup ("");
  self->unit = PLOT_UNIT_PLAIN;
  self->capacity = 120;
  self->values = g_new (double, self->capacity);
  update_accessible (self);
}

GtkWidget *
plot_spark_new (const char *title, const PlotUnit *unit)
{
  PlotSpark *self = g_object_new (PLOT_TYPE_SPARK, "title", title, NULL);

  if (unit != NULL)
    self->unit = *unit;
  return GTK_WIDGET (self);
}

void
plot_spark_set_unit (PlotSpark *self, const PlotUnit *unit)
{
  g_return_if_fail (PLOT_IS_SPARK (self) && unit != NULL);
  self->unit = *unit;
  update_accessible (self);
}

void
plot_spark_push (PlotSpark *self, double value)
{
  g_return_if_fail (PLOT_IS_SPARK (self));

  self->values[self->next] = isfinite (value) ? value : NAN;
  self->next = (self->next + 1) % self->capacity;
  self->n = MIN (self->n + 1, self->capacity);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
plot_spark_clear (PlotSpark *self)
{
  g_return_if_fail (PLOT_IS_SPARK (self));
  self->n = self->next = 0;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

guint
plot_spark_get_n_values (PlotSpark *self)
{
  g_return_val_if_fail (PLOT_IS_SPARK (self), 0);
  return self->n;
}

double
plot_spark_get_last (PlotSpark *self)
{
  g_return_val_if_fail (PLOT_IS_SPARK (self), NAN);
  return self->n > 0 ? get_value (self, self->n - 1) : NAN;
}
