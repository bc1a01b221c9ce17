/* PlotHeat: a matrix of warm cells with a choice in every row. Knows nothing of what rows and columns are. */

#include "plot-heat.h"

#include <math.h>
#include "plot-controls-private.h"
#include "plot-i18n-private.h"
#include "plot-marks-private.h"
#include "plot-text-private.h"

#define ROW_PX 30.0
#define HEAD_PX 30.0
#define GAP_PX 12.0
#define CELL_GAP_PX 2.0
#define BAR_PX 3.0
#define MOST_CELL_PX 150.0
#define LEAST_CELL_PX 58.0
#define LEAST_DETAIL_PX 180.0

typedef struct
{
  char *name, *detail;
  PlotHeatCell *cells; /* texts owned */
} Row;

struct _PlotHeat
{
  GtkWidget parent_instance;

  char *title, *value_name, *bar_name;
  PlotUnit value_unit, bar_unit;
  GStrv columns;
  guint n_columns;
  GPtrArray *rows; /* Row */
  int selected;
  PlotStyle style;
  PlotText *text;
};

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_SELECTED,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void plot_heat_figure_init (PlotFigureInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PlotHeat, plot_heat, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (PLOT_TYPE_FIGURE, plot_heat_figure_init))

/* --- layout --- */

typedef struct
{
  double names, cell, detail; /* widths; detail 0: no room */
} Layout;

static void
find_layout (PlotHeat *self, PlotText *text, double width, Layout *layout)
{
  double names = 0;

  for (guint i = 0; i < self->rows->len; i++)
    {
      const Row *row = self->rows->pdata[i];
      names = MAX (names, plot_text_width (text, PLOT_FONT_BODY, row->name));
    }
  layout->names = GAP_PX + MIN (ceil (names), width / 4) + GAP_PX;
  double room = width - layout->names - GAP_PX, n = MAX (self->n_columns, 1);
  layout->cell = CLAMP (floor (room / n), LEAST_CELL_PX, MOST_CELL_PX);
  layout->detail = room - n * layout->cell - GAP_PX;
  if (layout->detail < LEAST_DETAIL_PX)
    {
      /* Narrower cells may make room for the words. */
      double narrow = floor ((room - GAP_PX - LEAST_DETAIL_PX) / n);
      if (narrow >= 84)
        layout->cell = narrow;
      layout->detail = room - n * layout->cell - GAP_PX;
    }
  if (layout->detail < LEAST_DETAIL_PX)
    layout->detail = 0;
}

static double
content_height (PlotHeat *self)
{
  return HEAD_PX + ROW_PX * self->rows->len + GAP_PX;
}

/* --- drawing --- */

typedef struct
{
  PlotHeat *self;
  cairo_t *cr;
  const PlotStyle *style;
  PlotText *text;
  Layout layout;
  double low, high; /* logarithms of the least and the greatest warmth */
  double bar;       /* the longest */
} Drawing;

static void
find_range (Drawing *d)
{
  d->low = INFINITY;
  d->high = -INFINITY;
  for (guint i = 0; i < d->self->rows->len; i++)
    for (guint c = 0; c < d->self->n_columns; c++)
      {
        const PlotHeatCell *cell = &((const Row *)d->self->rows->pdata[i])->cells[c];
        if (cell->value > 0 && isfinite (cell->value))
          {
            d->low = MIN (d->low, log (cell->value));
            d->high = MAX (d->high, log (cell->value));
          }
        if (isfinite (cell->bar))
          d->bar = MAX (d->bar, cell->bar);
      }
}

/* 0..1; text stays readable on the warmest. */
static double
warmth (const Drawing *d, double value)
{
  if (!(value > 0) || !isfinite (value))
    return 0;
  return d->high > d->low ? 0.08 + 0.92 * (log (value) - d->low) / (d->high - d->low) : 0.5;
}

static void
draw_bar (const Drawing *d, const PlotHeatCell *cell, double x, double y, double width)
{
  double length = d->bar > 0 ? width * cell->bar / d->bar : 0;

  if (!isfinite (cell->bar) || length < 1)
    return;
  plot_set_color (d->cr, &d->style->dim_text, 0.8);
  if (cell->bar_state == PLOT_STATE_MEASURED)
    {
      cairo_rectangle (d->cr, x, y - BAR_PX, length, BAR_PX);
      cairo_fill (d->cr);
      return;
    }
  cairo_set_line_width (d->cr, 1);
  cairo_rectangle (d->cr, x + 0.5, y - BAR_PX + 0.5, MAX (length - 1, 1), BAR_PX - 1);
  cairo_stroke (d->cr);
}

static void
draw_cell (const Drawing *d, const PlotHeatCell *cell, double x, double y)
{
  const PlotStyle *style = d->style;
  double width = d->layout.cell - CELL_GAP_PX, height = ROW_PX - CELL_GAP_PX;
  double alpha = 0.62 * warmth (d, cell->value);

  plot_set_color (d->cr, &style->grid, isfinite (cell->value) ? 0.25 : 0.1);
  cairo_rectangle (d->cr, x, y, width, height);
  cairo_fill (d->cr);
  if (alpha > 0)
    {
      plot_set_color (d->cr, plot_style_color (style, 1), alpha);
      cairo_rectangle (d->cr, x, y, width, height);
      cairo_fill (d->cr);
    }
  draw_bar (d, cell, x + 3, y + height - 2, width - 6);
  plot_text_draw (d->text, d->cr, cell->chosen ? PLOT_FONT_BOLD : PLOT_FONT_BODY, &style->text,
                  cell->text != NULL ? cell->text : "—", x + width / 2 + (cell->chosen ? 6 : 0),
                  y + height / 2 - 1, 0.5, 0.5, width - (cell->chosen ? 26 : 6));
  if (!cell->chosen)
    return;
  plot_set_color (d->cr, &style->accent, 1);
  cairo_set_line_width (d->cr, 2);
  cairo_rectangle (d->cr, x + 1, y + 1, width - 2, height - 2);
  cairo_stroke (d->cr);
  cairo_move_to (d->cr, x + 7, y + height / 2);
  cairo_rel_line_to (d->cr, 3, 3.5);
  cairo_rel_line_to (d->cr, 5.5, -7);
  cairo_stroke (d->cr);
}

static void
draw_head (const Drawing *d)
{
  double x = d->layout.names;

  for (guint c = 0; c < d->self->n_columns; c++, x += d->layout.cell)
    plot_text_draw (d->text, d->cr, PLOT_FONT_SMALL, &d->style->dim_text, d->self->columns[c],
                    x + d->layout.cell / 2, HEAD_PX / 2, 0.5, 0.5, d->layout.cell - 4);
}

static void
draw_row (const Drawing *d, guint index)
{
  const Row *row = d->self->rows->pdata[index];
  double x = d->layout.names, y = HEAD_PX + ROW_PX * index;

  if ((int)index == d->self->selected)
    {
      plot_set_color (d->cr, &d->style->accent, 0.16);
      cairo_rectangle (d->cr, 4, y - CELL_GAP_PX / 2,
                       d->layout.names + d->self->n_columns * d->layout.cell + d->layout.detail
                           + GAP_PX - 4,
                       ROW_PX);
      cairo_fill (d->cr);
    }
  plot_text_draw (d->text, d->cr, (int)index == d->self->selected ? PLOT_FONT_BOLD : PLOT_FONT_BODY,
                  &d->style->text, row->name, GAP_PX, y + ROW_PX / 2 - 1, 0, 0.5,
                  d->layout.names - 2 * GAP_PX);
  for (guint c = 0; c < d->self->n_columns; c++, x += d->layout.cell)
    draw_cell (d, &row->cells[c], x, y);
  if (d->layout.detail > 0 && row->detail != NULL)
    plot_text_draw (d->text, d->cr, PLOT_FONT_SMALL, &d->style->dim_text, row->detail, x + GAP_PX,
                    y + ROW_PX / 2 - 1, 0, 0.5, d->layout.detail);
}

static void
draw (PlotHeat *self, cairo_t *cr, double width, const PlotStyle *style, PlotText *text)
{
  Drawing d = { .self = self, .cr = cr, .style = style, .text = text };

  if (self->rows->len == 0)
    return;
  find_layout (self, text, width, &d.layout);
  find_range (&d);
  draw_head (&d);
  for (guint i = 0; i < self->rows->len; i++)
    draw_row (&d, i);
}

static void
plot_heat_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  PlotHeat *self = PLOT_HEAT (widget);
  double width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget);
  cairo_t *cr;

  if (width < 1 || height < 1)
    return;
  plot_follow_style (widget, &self->style, &self->text);
  cr = gtk_snapshot_append_cairo (snapshot,
                                  &GRAPHENE_RECT_INIT (0, 0, (float)width, (float)height));
  draw (self, cr, width, &self->style, self->text);
  cairo_destroy (cr);
  plot_append_focus_ring (widget, snapshot, &self->style, width, height);
}

static void
plot_heat_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                   int *natural, int *minimum_baseline, int *natural_baseline)
{
  PlotHeat *self = PLOT_HEAT (widget);
  double width = 110 + LEAST_CELL_PX * self->n_columns + GAP_PX;

  *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? (int)width : (int)content_height (self);
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? MAX (*minimum, 720) : *minimum;
}

/* --- choosing --- */

/* "Block 3: Q8_0 0.0012 nat, 57.9 µs; Q4_0 ..., chosen. Q4_0 instead of ..." */
static void
update_accessible (PlotHeat *self)
{
  g_autoptr (GString) label = g_string_new (self->title);

  if (self->selected >= 0 && self->selected < (int)self->rows->len)
    {
      const Row *row = self->rows->pdata[self->selected];

      g_string_append_printf (label, ". %s", row->name);
      for (guint c = 0; c < self->n_columns; c++)
        {
          const PlotHeatCell *cell = &row->cells[c];
          g_autofree char *bar = plot_format_value (&self->bar_unit, cell->bar, 3);

          g_string_append_printf (label, "%s %s %s, %s%s", c == 0 ? ":" : ";", self->columns[c],
                                  cell->text != NULL ? cell->text : _ ("not known"), bar,
                                  cell->chosen ? _ (", chosen") : "");
        }
      if (row->detail != NULL)
        g_string_append_printf (label, ". %s", row->detail);
    }
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label->str,
                                  -1);
}

void
plot_heat_set_selected (PlotHeat *self, int row)
{
  g_return_if_fail (PLOT_IS_HEAT (self));

  row = row >= 0 && row < (int)self->rows->len ? row : -1;
  if (self->selected == row)
    return;
  self->selected = row;
  update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED]);
}

int
plot_heat_get_selected (PlotHeat *self)
{
  g_return_val_if_fail (PLOT_IS_HEAT (self), -1);
  return self->selected;
}

static int
row_at (PlotHeat *self, double y)
{
  int row = (int)floor ((y - HEAD_PX) / ROW_PX);
  return y >= HEAD_PX && row < (int)self->rows->len ? row : -1;
}

static void
on_pressed (GtkGestureClick *gesture, int n_press, double x, double y, PlotHeat *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (self));
  plot_heat_set_selected (self, row_at (self, y));
}

static gboolean
on_key (GtkEventControllerKey *controller, guint keyval, guint keycode, GdkModifierType state,
        PlotHeat *self)
{
  int last = (int)self->rows->len - 1;

  if (last < 0)
    return GDK_EVENT_PROPAGATE;
  switch (keyval)
    {
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
      plot_heat_set_selected (self, MIN (self->selected + 1, last));
      return GDK_EVENT_STOP;
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
      plot_heat_set_selected (self, MAX (self->selected - 1, 0));
      return GDK_EVENT_STOP;
    case GDK_KEY_Home:
      plot_heat_set_selected (self, 0);
      return GDK_EVENT_STOP;
    case GDK_KEY_End:
      plot_heat_set_selected (self, last);
      return GDK_EVENT_STOP;
    default:
      return GDK_EVENT_PROPAGATE;
    }
}

static gboolean
on_tooltip (PlotHeat *self, int x, int y, gboolean keyboard, GtkTooltip *tooltip, gpointer data)
{
  int index = keyboard ? self->selected : row_at (self, y);
  g_autoptr (GString) text = g_string_new (NULL);

  if (index < 0)
    return FALSE;
  const Row *row = self->rows->pdata[index];
  g_string_append (text, row->name);
  for (guint c = 0; c < self->n_columns; c++)
    {
      g_autofree char *bar = plot_format_value (&self->bar_unit, row->cells[c].bar, 3);

      g_string_append_printf (text, "\n%s: %s, %s", self->columns[c],
                              row->cells[c].text != NULL ? row->cells[c].text : _ ("not known"),
                              bar);
    }
  if (row->detail != NULL)
    g_string_append_printf (text, "\n%s", row->detail);
  gtk_tooltip_set_text (tooltip, text->str);
  return TRUE;
}

/* --- figure --- */

static void
figure_draw (PlotFigure *figure, cairo_t *cr, double width, double height, const PlotStyle *style)
{
  PlotHeat *self = PLOT_HEAT (figure);
  g_autoptr (PlotText) text = plot_text_new (style);

  plot_text_draw (text, cr, PLOT_FONT_TITLE, &style->text, self->title, GAP_PX, 6, 0, 0,
                  width - 2 * GAP_PX);
  cairo_save (cr);
  cairo_translate (cr, 0, 34);
  /* A page is not scrolled: many rows are drawn smaller. */
  double scale = MIN (1, (height - 34) / content_height (self));
  cairo_scale (cr, scale, scale);
  draw (self, cr, width / scale, style, text);
  cairo_restore (cr);
}

static PlotTable *
figure_make_table (PlotFigure *figure)
{
  PlotHeat *self = PLOT_HEAT (figure);
  PlotTable *table = plot_table_new (self->title);

  plot_table_add_column (table, _ ("name"), NULL);
  plot_table_add_column (table, _ ("chosen"), NULL);
  for (guint c = 0; c < self->n_columns; c++)
    {
      g_autofree char *value = g_strdup_printf ("%s, %s", self->columns[c], self->value_name);
      g_autofree char *bar = g_strdup_printf ("%s, %s", self->columns[c], self->bar_name);

      plot_table_add_column (table, value, &self->value_unit);
      plot_table_add_column (table, bar, &self->bar_unit);
    }
  plot_table_add_column (table, _ ("detail"), NULL);
  for (guint i = 0; i < self->rows->len; i++)
    {
      const Row *row = self->rows->pdata[i];
      guint at = plot_table_add_row (table);

      plot_table_set_text (table, at, 0, row->name);
      for (guint c = 0; c < self->n_columns; c++)
        {
          if (row->cells[c].chosen)
            plot_table_set_text (table, at, 1, self->columns[c]);
          plot_table_set_number (table, at, 2 + 2 * c, row->cells[c].value);
          plot_table_set_number (table, at, 3 + 2 * c, row->cells[c].bar);
        }
      plot_table_set_text (table, at, 2 + 2 * self->n_columns,
                           row->detail != NULL ? row->detail : "");
    }
  return table;
}

static const char *
figure_get_title (PlotFigure *figure)
{
  return PLOT_HEAT (figure)->title;
}

static void
plot_heat_figure_init (PlotFigureInterface *iface)
{
  iface->draw = figure_draw;
  iface->make_table = figure_make_table;
  iface->get_title = figure_get_title;
}

/* --- filling --- */

static void
clear_cells (PlotHeat *self, Row *row)
{
  for (guint c = 0; c < self->n_columns; c++)
    g_free ((char *)row->cells[c].text);
  g_free (row->cells);
  g_free (row->name);
  g_free (row->detail);
  g_free (row);
}

static void
clear (PlotHeat *self)
{
  for (guint i = 0; i < self->rows->len; i++)
    clear_cells (self, self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);
  g_clear_pointer (&self->columns, g_strfreev);
  g_clear_pointer (&self->value_name, g_free);
  g_clear_pointer (&self->bar_name, g_free);
  self->n_columns = 0;
}

void
plot_heat_set_columns (PlotHeat *self, const char *const *names, guint n, const char *value_name,
                       const PlotUnit *value_unit, const char *bar_name, const PlotUnit *bar_unit)
{
  g_return_if_fail (PLOT_IS_HEAT (self) && (names != NULL || n == 0));
  g_return_if_fail (value_unit != NULL && bar_unit != NULL);

  clear (self);
  self->columns = g_new0 (char *, n + 1);
  for (guint c = 0; c < n; c++)
    self->columns[c] = g_strdup (names[c]);
  self->n_columns = n;
  self->value_name = g_strdup (value_name);
  self->bar_name = g_strdup (bar_name);
  self->value_unit = *value_unit;
  self->bar_unit = *bar_unit;
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

void
plot_heat_add_row (PlotHeat *self, const char *name, const PlotHeatCell *cells, const char *detail)
{
  g_return_if_fail (PLOT_IS_HEAT (self) && name != NULL && cells != NULL);

  Row *row = g_new0 (Row, 1);
  row->name = g_strdup (name);
  row->detail = g_strdup (detail);
  row->cells = g_memdup2 (cells, self->n_columns * sizeof *cells);
  for (guint c = 0; c < self->n_columns; c++)
    row->cells[c].text = g_strdup (cells[c].text);
  g_ptr_array_add (self->rows, row);
  update_accessible (self);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

guint
plot_heat_get_n_rows (PlotHeat *self)
{
  g_return_val_if_fail (PLOT_IS_HEAT (self), 0);
  return self->rows->len;
}

/* --- life --- */

static void
plot_heat_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  PlotHeat *self = PLOT_HEAT (object);

  if (id == PROP_TITLE)
    g_value_set_string (value, self->title);
  else if (id == PROP_SELECTED)
    g_value_set_int (value, self->selected);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
plot_heat_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  PlotHeat *self = PLOT_HEAT (object);

  if (id == PROP_SELECTED)
    plot_heat_set_selected (self, g_value_get_int (value));
  else if (id == PROP_TITLE)
    {
      g_free (self->title);
      self->title = g_value_dup_string (value);
      if (self->title == NULL)
        self->title = g_strdup ("");
      update_accessible (self);
      g_object_notify_by_pspec (object, pspec);
    }
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
plot_heat_finalize (GObject *object)
{
  PlotHeat *self = PLOT_HEAT (object);

  clear (self);
  g_ptr_array_unref (self->rows);
  g_free (self->title);
  g_clear_pointer (&self->text, plot_text_free);
  G_OBJECT_CLASS (plot_heat_parent_class)->finalize (object);
}

static void
plot_heat_class_init (PlotHeatClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->finalize = plot_heat_finalize;
  object_class->get_property = plot_heat_get_property;
  object_class->set_property = plot_heat_set_property;
  widget_class->snapshot = plot_heat_snapshot;
  widget_class->measure = plot_heat_measure;
  gtk_widget_class_set_css_name (widget_class, "plotheat");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
  props[PROP_TITLE]
      = g_param_spec_string ("title", NULL, NULL, "",
                             G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  props[PROP_SELECTED]
      = g_param_spec_int ("selected", NULL, NULL, -1, G_MAXINT, -1,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
plot_heat_init (PlotHeat *self)
{
  GtkGesture *click = gtk_gesture_click_new ();
  GtkEventController *keys = gtk_event_controller_key_new ();

  self->title = g_strdup ("");
  self->rows = g_ptr_array_new ();
  self->selected = -1;
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  gtk_widget_set_has_tooltip (GTK_WIDGET (self), TRUE);
  g_signal_connect (self, "query-tooltip", G_CALLBACK (on_tooltip), NULL);
  g_signal_connect (click, "pressed", G_CALLBACK (on_pressed), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_key), self);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
  update_accessible (self);
}

GtkWidget *
plot_heat_new (const char *title)
{
  return g_object_new (PLOT_TYPE_HEAT, "title", title, NULL);
}
