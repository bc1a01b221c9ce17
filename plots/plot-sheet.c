/* A page of figures. Called by views that show more than one plot. */

#include "plot-sheet.h"

#include <math.h>
#include "plot-text-private.h"

#define GAP_PX 16.0

typedef struct
{
  guint row;
  double weight;
  PlotFigure *figure;
} Cell;

struct _PlotSheet
{
  GObject parent_instance;

  char *title;
  GArray *cells; /* Cell, by row */
  PlotTable *table;
};

enum
{
  PROP_0,
  PROP_TITLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void plot_sheet_figure_init (PlotFigureInterface *iface);

G_DEFINE_TYPE_WITH_CODE (PlotSheet, plot_sheet, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (PLOT_TYPE_FIGURE, plot_sheet_figure_init))

static const Cell *
get_cell (PlotSheet *self, guint i)
{
  return &g_array_index (self->cells, Cell, i);
}

/* Of the row that begins at cell @first: how many there are, and their weight. */
static guint
measure_row (PlotSheet *self, guint first, double *weight)
{
  guint n = 0;

  *weight = 0;
  while (first + n < self->cells->len
         && get_cell (self, first + n)->row == get_cell (self, first)->row)
    *weight = fmax (*weight, get_cell (self, first + n++)->weight);
  return n;
}

static double
total_weight (PlotSheet *self, guint *n_rows)
{
  double sum = 0, weight;

  *n_rows = 0;
  for (guint first = 0; first < self->cells->len; first += measure_row (self, first, &weight))
    {
      measure_row (self, first, &weight);
      sum += weight;
      (*n_rows)++;
    }
  return sum;
}

static void
draw_row (PlotSheet *self, cairo_t *cr, guint first, guint n, double y, double width, double height,
          const PlotStyle *style)
{
  double w = (width - (n - 1) * GAP_PX) / n;

  for (guint i = 0; i < n; i++)
    {
      cairo_save (cr);
      cairo_translate (cr, i * (w + GAP_PX), y);
      cairo_rectangle (cr, 0, 0, w, height);
      cairo_clip (cr);
      plot_figure_draw (get_cell (self, first + i)->figure, cr, w, height, style);
      cairo_restore (cr);
    }
}

static void
figure_draw (PlotFigure *figure, cairo_t *cr, double width, double height, const PlotStyle *style)
{
  PlotSheet *self = PLOT_SHEET (figure);
  g_autoptr (PlotText) text = plot_text_new (style);
  double top = *self->title != '\0' ? plot_text_line_height (text, PLOT_FONT_TITLE) + 12 : 0;
  guint n_rows;
  double sum = total_weight (self, &n_rows), y = top, weight;

  if (*self->title != '\0')
    plot_text_draw (text, cr, PLOT_FONT_TITLE, &style->text, self->title, 12, 6, 0, 0, width - 24);
  for (guint first = 0; first < self->cells->len;)
    {
      guint n = measure_row (self, first, &weight);
      double h = (height - top - (n_rows - 1) * GAP_PX) * weight / sum;

      draw_row (self, cr, first, n, y, width, h, style);
      y += h + GAP_PX;
      first += n;
    }
}

static PlotTable *
figure_make_table (PlotFigure *figure)
{
  PlotSheet *self = PLOT_SHEET (figure);

  if (self->table != NULL)
    return g_object_ref (self->table);
  return self->cells->len > 0 ? plot_figure_make_table (get_cell (self, 0)->figure)
                              : plot_table_new (self->title);
}

static const char *
figure_get_title (PlotFigure *figure)
{
  return PLOT_SHEET (figure)->title;
}

static void
plot_sheet_figure_init (PlotFigureInterface *iface)
{
  iface->draw = figure_draw;
  iface->make_table = figure_make_table;
  iface->get_title = figure_get_title;
}

static void
cell_clear (gpointer data)
{
  g_object_unref (((Cell *)data)->figure);
}

static void
plot_sheet_finalize (GObject *object)
{
  PlotSheet *self = PLOT_SHEET (object);

  g_free (self->title);
  g_array_unref (self->cells);
  g_clear_object (&self->table);
  G_OBJECT_CLASS (plot_sheet_parent_class)->finalize (object);
}

static void
plot_sheet_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_TITLE)
    g_value_set_string (value, PLOT_SHEET (object)->title);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
plot_sheet_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_TITLE)
    plot_sheet_set_title (PLOT_SHEET (object), g_value_get_string (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
plot_sheet_class_init (PlotSheetClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = plot_sheet_finalize;
  object_class->get_property = plot_sheet_get_property;
  object_class->set_property = plot_sheet_set_property;
  props[PROP_TITLE]
      = g_param_spec_string ("title", NULL, NULL, "",
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
plot_sheet_init (PlotSheet *self)
{
  self->title = g_strdup ("");
  self->cells = g_array_new (FALSE, FALSE, sizeof (Cell));
  g_array_set_clear_func (self->cells, cell_clear);
}

PlotSheet *
plot_sheet_new (const char *title)
{
  return g_object_new (PLOT_TYPE_SHEET, "title", title, NULL);
}

void
plot_sheet_set_title (PlotSheet *self, const char *title)
{
  g_return_if_fail (PLOT_IS_SHEET (self));

  if (title == NULL)
    title = "";
  if (g_str_equal (title, self->title))
    return;
  g_free (self->title);
  self->title = g_strdup (title);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TITLE]);
}

void
plot_sheet_clear (PlotSheet *self)
{
  g_return_if_fail (PLOT_IS_SHEET (self));
  g_array_set_size (self->cells, 0);
  g_clear_object (&self->table);
}

void
plot_sheet_add (PlotSheet *self, guint row, double weight, PlotFigure *figure)
{
  Cell cell = { row, weight, figure };
  guint at = 0;

  g_return_if_fail (PLOT_IS_SHEET (self) && PLOT_IS_FIGURE (figure) && weight > 0);

  g_object_ref (figure);
  while (at < self->cells->len && get_cell (self, at)->row <= row)
    at++;
  g_array_insert_val (self->cells, at, cell);
}

void
plot_sheet_set_table (PlotSheet *self, PlotTable *table)
{
  g_return_if_fail (PLOT_IS_SHEET (self) && (table == NULL || PLOT_IS_TABLE (table)));
  g_set_object (&self->table, table);
}
