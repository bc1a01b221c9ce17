/* PlotHeat: a matrix of warm cells with a choice in every row. Keeps the matrix;
 * plot-heat-draw.c draws it, plot-heat-input.c moves about in it. Knows nothing of what rows and
 * columns are. */

#include "plot-heat.h"

#include <math.h>
#include "plot-controls-private.h"
#include "plot-heat-private.h"
#include "plot-i18n-private.h"

#define GAP_PX 12.0

#define LEAST_PX 200
#define NATURAL_PX 720
#define LEAST_ROWS 3 /* that are seen below the heads, however little room there is */
#define TITLE_PX 34.0

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_SELECTED,
  N_PROPS,
  PROP_HADJUSTMENT = N_PROPS, /* of GtkScrollable */
  PROP_VADJUSTMENT,
  PROP_HSCROLL_POLICY,
  PROP_VSCROLL_POLICY,
};

static GParamSpec *props[N_PROPS];

static void plot_heat_figure_init (PlotFigureInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PlotHeat, plot_heat, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (PLOT_TYPE_FIGURE, plot_heat_figure_init)
                                   G_IMPLEMENT_INTERFACE (GTK_TYPE_SCROLLABLE, NULL))

/* --- size and drawing --- */

void
plot_heat_follow_style (PlotHeat *self)
{
  plot_follow_style (GTK_WIDGET (self), &self->style, &self->text);
}

static void
plot_heat_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  PlotHeat *self = PLOT_HEAT (widget);
  double width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget);
  cairo_t *cr;

  if (width < 1 || height < 1)
    return;
  plot_heat_follow_style (self);
  cr = gtk_snapshot_append_cairo (snapshot,
                                  &GRAPHENE_RECT_INIT (0, 0, (float)width, (float)height));
  plot_heat_draw (self, cr, width, height, plot_heat_get_scroll (self, GTK_ORIENTATION_HORIZONTAL),
                  plot_heat_get_scroll (self, GTK_ORIENTATION_VERTICAL), &self->style, self->text);
  cairo_destroy (cr);
  plot_append_focus_ring (widget, snapshot, &self->style, width, height);
}

static GtkSizeRequestMode
plot_heat_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH; /* a narrow legend has more lines */
}

/* At least a few rows and a column; as much as it has, where there is room. */
static void
plot_heat_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                   int *natural, int *minimum_baseline, int *natural_baseline)
{
  PlotHeat *self = PLOT_HEAT (widget);
  PlotHeatLayout layout;

  plot_heat_follow_style (self);
  plot_heat_find_layout (self, self->text,
                         orientation == GTK_ORIENTATION_VERTICAL && for_size > 0 ? for_size
                                                                                 : NATURAL_PX,
                         &layout);
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      *minimum = LEAST_PX;
      *natural = NATURAL_PX;
      return;
    }
  *natural = (int)ceil (layout.height);
  *minimum = (int)MIN (*natural, ceil (layout.head + LEAST_ROWS * PLOT_HEAT_ROW_PX));
}

static void
plot_heat_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  plot_heat_configure_adjustments (PLOT_HEAT (widget));
}

/* --- choosing --- */

char *
plot_heat_dup_cell_words (PlotHeat *self, const PlotHeatCell *cell)
{
  g_autofree char *bar
      = isfinite (cell->bar) ? plot_format_value (&self->bar_unit, cell->bar, 3) : NULL;
  const char *symbol = isfinite (cell->value) && cell->value != 0 ? self->value_unit.symbol : "";

  return g_strdup_printf ("%s%s%s, %s %s", cell->text != NULL ? cell->text : _ ("not known"),
                          *symbol != '\0' ? "\u202f" : "", symbol, self->bar_name,
                          bar != NULL ? bar : _ ("not known"));
}

/* "Block 3: Q8_0 0.0012 nat, time 57.9 µs; Q4_0 ..., chosen. Q4_0 instead of ..." */
static void
update_accessible (PlotHeat *self)
{
  g_autoptr (GString) label = g_string_new (self->title);

  if (self->selected >= 0 && self->selected < (int)self->rows->len)
    {
      const PlotHeatRow *row = self->rows->pdata[self->selected];

      g_string_append_printf (label, ". %s", row->name);
      for (guint c = 0; c < self->n_columns; c++)
        {
          const PlotHeatCell *cell = &row->cells[c];
          g_autofree char *words = plot_heat_dup_cell_words (self, cell);

          g_string_append_printf (label, "%s %s %s%s", c == 0 ? ":" : ";", self->columns[c], words,
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

/* --- figure --- */

/* A page is not scrolled: many rows, or columns, are drawn smaller. */
static void
figure_draw (PlotFigure *figure, cairo_t *cr, double width, double height, const PlotStyle *style)
{
  PlotHeat *self = PLOT_HEAT (figure);
  g_autoptr (PlotText) text = plot_text_new (style);
  PlotHeatLayout layout;
  double scale;

  plot_text_draw (text, cr, PLOT_FONT_TITLE, &style->text, self->title, GAP_PX, 6, 0, 0,
                  width - 2 * GAP_PX);
  plot_heat_find_layout (self, text, width, &layout);
  scale = MIN (MIN (1, (height - TITLE_PX) / layout.height), width / layout.width);
  cairo_save (cr);
  cairo_translate (cr, 0, TITLE_PX);
  cairo_scale (cr, scale, scale);
  plot_heat_draw (self, cr, width / scale, (height - TITLE_PX) / scale, 0, 0, style, text);
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
      const PlotHeatRow *row = self->rows->pdata[i];
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
clear_cells (PlotHeat *self, PlotHeatRow *row)
{
  for (guint c = 0; c < self->n_columns; c++)
    {
      g_free ((char *)row->cells[c].text);
      g_free ((char *)row->cells[c].note);
    }
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

  PlotHeatRow *row = g_new0 (PlotHeatRow, 1);
  row->name = g_strdup (name);
  row->detail = g_strdup (detail);
  row->cells = g_memdup2 (cells, self->n_columns * sizeof *cells);
  for (guint c = 0; c < self->n_columns; c++)
    {
      row->cells[c].text = g_strdup (cells[c].text);
      row->cells[c].note = g_strdup (cells[c].note);
    }
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

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_SELECTED:
      g_value_set_int (value, self->selected);
      break;
    case PROP_HADJUSTMENT:
    case PROP_VADJUSTMENT:
      g_value_set_object (value, self->adjustments[id - PROP_HADJUSTMENT]);
      break;
    case PROP_HSCROLL_POLICY:
    case PROP_VSCROLL_POLICY:
      g_value_set_enum (value, self->scroll_policies[id - PROP_HSCROLL_POLICY]);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_title (PlotHeat *self, const char *title)
{
  if (g_strcmp0 (self->title, title) == 0)
    return;
  g_free (self->title);
  self->title = g_strdup (title != NULL ? title : "");
  update_accessible (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TITLE]);
}

static void
plot_heat_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  PlotHeat *self = PLOT_HEAT (object);

  switch (id)
    {
    case PROP_TITLE:
      set_title (self, g_value_get_string (value));
      break;
    case PROP_SELECTED:
      plot_heat_set_selected (self, g_value_get_int (value));
      break;
    case PROP_HADJUSTMENT:
    case PROP_VADJUSTMENT:
      plot_heat_set_adjustment (self, (GtkOrientation)(id - PROP_HADJUSTMENT),
                                g_value_get_object (value));
      break;
    case PROP_HSCROLL_POLICY:
    case PROP_VSCROLL_POLICY:
      self->scroll_policies[id - PROP_HSCROLL_POLICY] = g_value_get_enum (value);
      gtk_widget_queue_resize (GTK_WIDGET (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
plot_heat_dispose (GObject *object)
{
  PlotHeat *self = PLOT_HEAT (object);

  for (guint i = 0; i < 2; i++)
    {
      if (self->adjustments[i] != NULL)
        g_signal_handlers_disconnect_by_func (self->adjustments[i], gtk_widget_queue_draw, self);
      g_clear_object (&self->adjustments[i]);
    }
  G_OBJECT_CLASS (plot_heat_parent_class)->dispose (object);
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

  object_class->dispose = plot_heat_dispose;
  object_class->finalize = plot_heat_finalize;
  object_class->get_property = plot_heat_get_property;
  object_class->set_property = plot_heat_set_property;
  widget_class->snapshot = plot_heat_snapshot;
  widget_class->get_request_mode = plot_heat_get_request_mode;
  widget_class->measure = plot_heat_measure;
  widget_class->size_allocate = plot_heat_size_allocate;
  gtk_widget_class_set_css_name (widget_class, "plotheat");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
  props[PROP_TITLE]
      = g_param_spec_string ("title", NULL, NULL, "",
                             G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  props[PROP_SELECTED]
      = g_param_spec_int ("selected", NULL, NULL, -1, G_MAXINT, -1,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
  g_object_class_override_property (object_class, PROP_HADJUSTMENT, "hadjustment");
  g_object_class_override_property (object_class, PROP_VADJUSTMENT, "vadjustment");
  g_object_class_override_property (object_class, PROP_HSCROLL_POLICY, "hscroll-policy");
  g_object_class_override_property (object_class, PROP_VSCROLL_POLICY, "vscroll-policy");
}

static void
plot_heat_init (PlotHeat *self)
{
  self->title = g_strdup ("");
  self->rows = g_ptr_array_new ();
  self->selected = -1;
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  plot_heat_add_controllers (self);
  update_accessible (self);
}

GtkWidget *
plot_heat_new (const char *title)
{
  return g_object_new (PLOT_TYPE_HEAT, "title", title, NULL);
}
