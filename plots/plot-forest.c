/* PlotForest: lines of names, intervals and texts over one axis. Knows nothing of what the groups
 * are. */

#include "plot-forest.h"

#include <math.h>
#include "plot-i18n-private.h"
#include "plot-marks-private.h"
#include "plot-text-private.h"
#include "plot-ticks.h"

#define ROW_PX 28.0
#define TOTAL_GAP_PX 8.0
#define AXIS_PX 46.0
#define TOP_PX 24.0
#define MARK_PX 5.0
#define GAP_PX 12.0
#define NARROW_PX 560.0 /* below it the details go */

typedef struct
{
  PlotForestRow row; /* strings owned */
} Line;

struct _PlotForest
{
  GtkWidget parent_instance;

  char *title, *axis_title, *low_word, *high_word;
  PlotUnit unit;
  double zero;
  GArray *lines; /* Line */
  PlotText *text;
};

enum
{
  PROP_0,
  PROP_TITLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void plot_forest_figure_init (PlotFigureInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PlotForest, plot_forest, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (PLOT_TYPE_FIGURE, plot_forest_figure_init))

static void
line_clear (gpointer data)
{
  Line *line = data;

  g_free ((char *)line->row.name);
  g_free ((char *)line->row.text);
  g_free ((char *)line->row.detail);
}

static const PlotForestRow *
get_row (PlotForest *self, guint i)
{
  return &g_array_index (self->lines, Line, i).row;
}

static double
content_height (PlotForest *self)
{
  double height = TOP_PX + AXIS_PX + ROW_PX * self->lines->len;

  if (self->lines->len > 1 && get_row (self, 0)->total)
    height += TOTAL_GAP_PX;
  return height;
}

static char *
dup_text (PlotForest *self, const PlotForestRow *row)
{
  return row->text != NULL ? g_strdup (row->text) : plot_format_value (&self->unit, row->value, 3);
}

/* --- drawing --- */

typedef struct
{
  PlotForest *self;
  cairo_t *cr;
  const PlotStyle *style;
  PlotText *text;
  double left, right;      /* of the plot area */
  double text_x, detail_x; /* left ends of the texts; detail_x 0: no room */
  double lo, hi;           /* of the axis */
} Drawing;

static void
take_range (double *lo, double *hi, double value)
{
  if (!isfinite (value))
    return;
  *lo = MIN (*lo, value);
  *hi = MAX (*hi, value);
}

static gboolean
find_range (PlotForest *self, double *lo, double *hi)
{
  *lo = INFINITY;
  *hi = -INFINITY;
  for (guint i = 0; i < self->lines->len; i++)
    {
      const PlotForestRow *row = get_row (self, i);

      take_range (lo, hi, row->value);
      take_range (lo, hi, row->low);
      take_range (lo, hi, row->high);
      take_range (lo, hi, row->reference);
    }
  take_range (lo, hi, self->zero);
  if (*lo > *hi)
    return FALSE;
  double room = *hi > *lo ? (*hi - *lo) * 0.06 : MAX (fabs (*hi) * 0.1, 1e-6);
  *lo -= room;
  *hi += room;
  return TRUE;
}

static double
place (const Drawing *d, double value)
{
  return d->left + (value - d->lo) / (d->hi - d->lo) * (d->right - d->left);
}

/* Names take what they need up to a third, texts what they need; the axis gets the rest. */
static void
find_columns (Drawing *d, double width)
{
  double names = 0, texts = 0, details = 0;

  for (guint i = 0; i < d->self->lines->len; i++)
    {
      const PlotForestRow *row = get_row (d->self, i);
      PlotFont font = row->total ? PLOT_FONT_BOLD : PLOT_FONT_BODY;
      g_autofree char *text = dup_text (d->self, row);

      names = MAX (names, plot_text_width (d->text, font, row->name));
      texts = MAX (texts, plot_text_width (d->text, font, text));
      if (row->detail != NULL)
        details = MAX (details, plot_text_width (d->text, PLOT_FONT_BODY, row->detail));
    }
  d->left = GAP_PX + MIN (ceil (names), width / 3) + GAP_PX;
  double right = width - GAP_PX;
  if (details > 0 && width >= NARROW_PX)
    {
      d->detail_x = right - ceil (details);
      right = d->detail_x - 2 * GAP_PX;
    }
  d->text_x = MAX (d->left + 60, right - ceil (texts));
  d->right = d->text_x - GAP_PX;
}

static void
draw_axis (const Drawing *d, double top, double bottom)
{
  PlotTicks ticks;
  const PlotStyle *style = d->style;
  guint n_max = (guint)CLAMP ((d->right - d->left) / 64, 2, 8);

  plot_ticks_init (&ticks, PLOT_AXIS_LINEAR, d->lo, d->hi, n_max, &d->self->unit);
  cairo_set_line_width (d->cr, 1);
  for (guint i = 0; i < ticks.n_major; i++)
    {
      double x = floor (place (d, ticks.major[i])) + 0.5;
      g_autofree char *label = plot_ticks_dup_label (&ticks, i, &d->self->unit);

      plot_set_color (d->cr, &style->grid, 1);
      cairo_move_to (d->cr, x, top);
      cairo_line_to (d->cr, x, bottom);
      cairo_stroke (d->cr);
      plot_text_draw (d->text, d->cr, PLOT_FONT_SMALL, &style->dim_text, label, x, bottom + 4, 0.5,
                      0, 0);
    }
  if (isfinite (d->self->zero))
    {
      double x = floor (place (d, d->self->zero)) + 0.5;

      plot_set_color (d->cr, &style->axis, 1);
      cairo_move_to (d->cr, x, top);
      cairo_line_to (d->cr, x, bottom);
      cairo_stroke (d->cr);
    }
  g_autofree char *unit = plot_ticks_dup_unit (&ticks, &d->self->unit);
  g_autofree char *title = *unit != '\0' ? g_strdup_printf ("%s, %s", d->self->axis_title, unit)
                                         : g_strdup (d->self->axis_title);
  plot_text_draw (d->text, d->cr, PLOT_FONT_SMALL, &style->dim_text, title,
                  (d->left + d->right) / 2, bottom + 22, 0.5, 0, d->right - d->left + 80);
}

/* Left and right of zero, where there is room on both sides or on one. */
static void
draw_words (const Drawing *d, double y)
{
  PlotForest *self = d->self;

  if (!isfinite (self->zero))
    return;
  double x = place (d, self->zero);
  g_autofree char *low = self->low_word != NULL ? g_strdup_printf ("◂ %s", self->low_word) : NULL;
  g_autofree char *high
      = self->high_word != NULL ? g_strdup_printf ("%s ▸", self->high_word) : NULL;
  if (low != NULL && plot_text_width (d->text, PLOT_FONT_SMALL, low) + 6 < x - d->left)
    plot_text_draw (d->text, d->cr, PLOT_FONT_SMALL, &d->style->dim_text, low, x - 6, y, 1, 0.5, 0);
  if (high != NULL && plot_text_width (d->text, PLOT_FONT_SMALL, high) + 6 < d->right - x)
    plot_text_draw (d->text, d->cr, PLOT_FONT_SMALL, &d->style->dim_text, high, x + 6, y, 0, 0.5,
                    0);
}

static void
draw_mark (const Drawing *d, const PlotForestRow *row, double y)
{
  const GdkRGBA *color = plot_style_color (d->style, 0);
  double x = place (d, row->value), r = row->total ? MARK_PX + 1 : MARK_PX;

  if (isfinite (row->reference))
    {
      double at = place (d, row->reference);

      plot_set_color (d->cr, &d->style->baseline, 1);
      cairo_set_line_width (d->cr, 2);
      cairo_move_to (d->cr, at, y - 7);
      cairo_line_to (d->cr, at, y + 7);
      cairo_stroke (d->cr);
    }
  if (!isfinite (row->value))
    return;
  plot_set_color (d->cr, color, 1);
  cairo_set_line_width (d->cr, 1.5);
  if (isfinite (row->low) && isfinite (row->high))
    {
      cairo_move_to (d->cr, place (d, row->low), y);
      cairo_line_to (d->cr, place (d, row->high), y);
      cairo_stroke (d->cr);
      for (guint k = 0; k < 2; k++)
        {
          double end = place (d, k == 0 ? row->low : row->high);

          cairo_move_to (d->cr, end, y - 3);
          cairo_line_to (d->cr, end, y + 3);
          cairo_stroke (d->cr);
        }
    }
  plot_shape_path (d->cr, row->total ? PLOT_SHAPE_DIAMOND : PLOT_SHAPE_CIRCLE, x, y, r);
  plot_set_color (d->cr, row->certain ? color : &d->style->card, 1);
  cairo_fill_preserve (d->cr);
  plot_set_color (d->cr, color, 1);
  cairo_stroke (d->cr);
}

static void
draw_row (const Drawing *d, const PlotForestRow *row, double y)
{
  PlotFont font = row->total ? PLOT_FONT_BOLD : PLOT_FONT_BODY;
  g_autofree char *text = dup_text (d->self, row);

  plot_text_draw (d->text, d->cr, font, &d->style->text, row->name, GAP_PX, y, 0, 0.5,
                  d->left - 2 * GAP_PX);
  draw_mark (d, row, y);
  plot_text_draw (d->text, d->cr, font, &d->style->text, text, d->text_x, y, 0, 0.5, 0);
  if (row->detail != NULL && d->detail_x > 0)
    plot_text_draw (d->text, d->cr, PLOT_FONT_BODY, &d->style->dim_text, row->detail, d->detail_x,
                    y, 0, 0.5, 0);
}

static void
draw (PlotForest *self, cairo_t *cr, double width, double height, const PlotStyle *style,
      PlotText *text)
{
  Drawing d = { .self = self, .cr = cr, .style = style, .text = text };
  double y = TOP_PX, bottom = content_height (self) - AXIS_PX;

  if (self->lines->len == 0 || !find_range (self, &d.lo, &d.hi))
    return;
  find_columns (&d, width);
  draw_axis (&d, TOP_PX, bottom);
  draw_words (&d, TOP_PX / 2);
  for (guint i = 0; i < self->lines->len; i++)
    {
      const PlotForestRow *row = get_row (self, i);

      draw_row (&d, row, y + ROW_PX / 2);
      y += ROW_PX;
      if (i == 0 && row->total && self->lines->len > 1)
        {
          plot_set_color (cr, &style->grid, 1);
          cairo_set_line_width (cr, 1);
          cairo_move_to (cr, GAP_PX, floor (y + TOTAL_GAP_PX / 2) + 0.5);
          cairo_line_to (cr, width - GAP_PX, floor (y + TOTAL_GAP_PX / 2) + 0.5);
          cairo_stroke (cr);
          y += TOTAL_GAP_PX;
        }
    }
}

static void
plot_forest_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  PlotForest *self = PLOT_FOREST (widget);
  double width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget);
  PlotStyle style;
  cairo_t *cr;

  if (width < 1 || height < 1)
    return;
  plot_style_init_for_widget (&style, widget);
  if (self->text == NULL || !plot_text_fits_style (self->text, &style))
    {
      g_clear_pointer (&self->text, plot_text_free);
      self->text = plot_text_new (&style);
    }
  cr = gtk_snapshot_append_cairo (snapshot,
                                  &GRAPHENE_RECT_INIT (0, 0, (float)width, (float)height));
  draw (self, cr, width, height, &style, self->text);
  cairo_destroy (cr);
}

static void
plot_forest_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                     int *natural, int *minimum_baseline, int *natural_baseline)
{
  PlotForest *self = PLOT_FOREST (widget);

  *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? 280 : (int)content_height (self);
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? 720 : *minimum;
}

/* --- figure --- */

static void
figure_draw (PlotFigure *figure, cairo_t *cr, double width, double height, const PlotStyle *style)
{
  PlotForest *self = PLOT_FOREST (figure);
  g_autoptr (PlotText) text = plot_text_new (style);

  plot_text_draw (text, cr, PLOT_FONT_TITLE, &style->text, self->title, GAP_PX, 6, 0, 0,
                  width - 2 * GAP_PX);
  cairo_save (cr);
  cairo_translate (cr, 0, 34);
  draw (self, cr, width, height - 34, style, text);
  cairo_restore (cr);
}

static PlotTable *
figure_make_table (PlotFigure *figure)
{
  PlotForest *self = PLOT_FOREST (figure);
  PlotTable *table = plot_table_new (self->title);

  plot_table_add_column (table, _ ("name"), NULL);
  plot_table_add_column (table, *self->axis_title != '\0' ? self->axis_title : _ ("value"),
                         &self->unit);
  plot_table_add_column (table, _ ("95 % from"), &self->unit);
  plot_table_add_column (table, _ ("to"), &self->unit);
  plot_table_add_column (table, _ ("reference"), &self->unit);
  plot_table_add_column (table, _ ("certain"), NULL);
  plot_table_add_column (table, _ ("detail"), NULL);
  for (guint i = 0; i < self->lines->len; i++)
    {
      const PlotForestRow *row = get_row (self, i);
      guint at = plot_table_add_row (table);

      plot_table_set_text (table, at, 0, row->name);
      plot_table_set_number (table, at, 1, row->value);
      plot_table_set_number (table, at, 2, row->low);
      plot_table_set_number (table, at, 3, row->high);
      plot_table_set_number (table, at, 4, row->reference);
      plot_table_set_text (table, at, 5, row->certain ? _ ("yes") : _ ("no"));
      plot_table_set_text (table, at, 6, row->detail != NULL ? row->detail : "");
    }
  return table;
}

static const char *
figure_get_title (PlotFigure *figure)
{
  return PLOT_FOREST (figure)->title;
}

static void
plot_forest_figure_init (PlotFigureInterface *iface)
{
  iface->draw = figure_draw;
  iface->make_table = figure_make_table;
  iface->get_title = figure_get_title;
}

/* --- life --- */

/* "Change by domain. All: +1.9 %. drama: +5.6 %, certain. ...", the first dozen: the rest is in the
 * table. */
static void
update_accessible (PlotForest *self)
{
  g_autoptr (GString) label = g_string_new (self->title);

  for (guint i = 0; i < MIN (self->lines->len, 12); i++)
    {
      const PlotForestRow *row = get_row (self, i);
      g_autofree char *text = dup_text (self, row);

      g_string_append_printf (label, ". %s: %s", row->name, text);
    }
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label->str,
                                  -1);
}

static void
plot_forest_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_TITLE)
    g_value_set_string (value, PLOT_FOREST (object)->title);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
plot_forest_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  PlotForest *self = PLOT_FOREST (object);
  const char *title = g_value_get_string (value) != NULL ? g_value_get_string (value) : "";

  if (id != PROP_TITLE)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  if (g_str_equal (title, self->title))
    return;
  g_free (self->title);
  self->title = g_strdup (title);
  update_accessible (self);
  g_object_notify_by_pspec (object, pspec);
}

static void
plot_forest_finalize (GObject *object)
{
  PlotForest *self = PLOT_FOREST (object);

  g_free (self->title);
  g_free (self->axis_title);
  g_free (self->low_word);
  g_free (self->high_word);
  g_array_unref (self->lines);
  g_clear_pointer (&self->text, plot_text_free);
  G_OBJECT_CLASS (plot_forest_parent_class)->finalize (object);
}

static void
plot_forest_class_init (PlotForestClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->finalize = plot_forest_finalize;
  object_class->get_property = plot_forest_get_property;
  object_class->set_property = plot_forest_set_property;
  widget_class->snapshot = plot_forest_snapshot;
  widget_class->measure = plot_forest_measure;
  gtk_widget_class_set_css_name (widget_class, "plotforest");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
  props[PROP_TITLE]
      = g_param_spec_string ("title", NULL, NULL, "",
                             G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
plot_forest_init (PlotForest *self)
{
  self->title = g_strdup ("");
  self->axis_title = g_strdup ("");
  self->unit = PLOT_UNIT_PLAIN;
  self->zero = NAN;
  self->lines = g_array_new (FALSE, FALSE, sizeof (Line));
  g_array_set_clear_func (self->lines, line_clear);
  update_accessible (self);
}

GtkWidget *
plot_forest_new (const char *title)
{
  return g_object_new (PLOT_TYPE_FOREST, "title", title, NULL);
}

static void
replace (char **place_of, const char *text)
{
  g_free (*place_of);
  *place_of = g_strdup (text);
}

void
plot_forest_set_axis (PlotForest *self, const char *axis_title, const PlotUnit *unit, double zero,
                      const char *low_word, const char *high_word)
{
  g_return_if_fail (PLOT_IS_FOREST (self) && axis_title != NULL && unit != NULL);

  replace (&self->axis_title, axis_title);
  replace (&self->low_word, low_word);
  replace (&self->high_word, high_word);
  self->unit = *unit;
  self->zero = zero;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
plot_forest_set_rows (PlotForest *self, const PlotForestRow *rows, guint n)
{
  g_return_if_fail (PLOT_IS_FOREST (self) && (rows != NULL || n == 0));

  g_array_set_size (self->lines, 0);
  for (guint i = 0; i < n; i++)
    {
      Line line = { rows[i] };

      line.row.name = g_strdup (rows[i].name != NULL ? rows[i].name : "");
      line.row.text = g_strdup (rows[i].text);
      line.row.detail = g_strdup (rows[i].detail);
      g_array_append_val (self->lines, line);
    }
  update_accessible (self);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

guint
plot_forest_get_n_rows (PlotForest *self)
{
  g_return_val_if_fail (PLOT_IS_FOREST (self), 0);
  return self->lines->len;
}
