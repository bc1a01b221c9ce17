/* PlotTable: a chart as rows and columns, as a list model, and as CSV. Knows nothing of charts. */

#include "plot-table.h"

#include <math.h>
#include <string.h>

typedef struct
{
  char *name;
  gboolean numeric;
  PlotUnit unit;
  GArray *numbers;  /* double, numeric columns */
  GPtrArray *texts; /* owned strings, the others; NULL is "" */
} Column;

struct _PlotTable
{
  GObject parent_instance;
  char *title;
  GArray *columns; /* Column */
  guint n_rows;
};

/* Made when a view asks for it: a table of a million rows holds no million objects. */
struct _PlotTableRow
{
  GObject parent_instance;
  PlotTable *table;
  guint index;
};

static void plot_table_list_model_init (GListModelInterface *iface);

G_DEFINE_TYPE_WITH_CODE (PlotTable, plot_table, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, plot_table_list_model_init))
G_DEFINE_TYPE (PlotTableRow, plot_table_row, G_TYPE_OBJECT)

static Column *
get_column (PlotTable *self, guint column)
{
  return &g_array_index (self->columns, Column, column);
}

/* --- rows --- */

static void
plot_table_row_finalize (GObject *object)
{
  g_clear_object (&PLOT_TABLE_ROW (object)->table);
  G_OBJECT_CLASS (plot_table_row_parent_class)->finalize (object);
}

static void
plot_table_row_class_init (PlotTableRowClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = plot_table_row_finalize;
}

static void
plot_table_row_init (PlotTableRow *self)
{
}

/* --- list model --- */

static GType
plot_table_get_item_type (GListModel *model)
{
  return PLOT_TYPE_TABLE_ROW;
}

static guint
plot_table_get_n_items (GListModel *model)
{
  return PLOT_TABLE (model)->n_rows;
}

static gpointer
plot_table_get_item (GListModel *model, guint position)
{
  PlotTable *self = PLOT_TABLE (model);
  PlotTableRow *row;

  if (position >= self->n_rows)
    return NULL;
  row = g_object_new (PLOT_TYPE_TABLE_ROW, NULL);
  row->table = g_object_ref (self);
  row->index = position;
  return row;
}

static void
plot_table_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = plot_table_get_item_type;
  iface->get_n_items = plot_table_get_n_items;
  iface->get_item = plot_table_get_item;
}

/* --- table --- */

static void
plot_table_finalize (GObject *object)
{
  PlotTable *self = PLOT_TABLE (object);

  for (guint i = 0; i < self->columns->len; i++)
    {
      Column *column = get_column (self, i);

      g_free (column->name);
      g_clear_pointer (&column->numbers, g_array_unref);
      g_clear_pointer (&column->texts, g_ptr_array_unref);
    }
  g_array_unref (self->columns);
  g_free (self->title);
  G_OBJECT_CLASS (plot_table_parent_class)->finalize (object);
}

static void
plot_table_class_init (PlotTableClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = plot_table_finalize;
}

static void
plot_table_init (PlotTable *self)
{
  self->columns = g_array_new (FALSE, TRUE, sizeof (Column));
}

PlotTable *
plot_table_new (const char *title)
{
  PlotTable *self = g_object_new (PLOT_TYPE_TABLE, NULL);

  self->title = g_strdup (title != NULL ? title : "");
  return self;
}

guint
plot_table_add_column (PlotTable *self, const char *name, const PlotUnit *unit)
{
  Column column = { .numeric = unit != NULL };

  g_return_val_if_fail (PLOT_IS_TABLE (self) && name != NULL, 0);
  g_return_val_if_fail (self->n_rows == 0, 0);

  column.name = g_strdup (name);
  column.unit = unit != NULL ? *unit : PLOT_UNIT_PLAIN;
  if (column.numeric)
    column.numbers = g_array_new (FALSE, FALSE, sizeof (double));
  else
    column.texts = g_ptr_array_new_with_free_func (g_free);
  g_array_append_val (self->columns, column);
  return self->columns->len - 1;
}

guint
plot_table_add_row (PlotTable *self)
{
  const double missing = NAN;

  g_return_val_if_fail (PLOT_IS_TABLE (self), 0);

  for (guint i = 0; i < self->columns->len; i++)
    {
      Column *column = get_column (self, i);

      if (column->numeric)
        g_array_append_val (column->numbers, missing);
      else
        g_ptr_array_add (column->texts, NULL);
    }
  return self->n_rows++;
}

void
plot_table_set_text (PlotTable *self, guint row, guint column, const char *text)
{
  char **cell;

  g_return_if_fail (PLOT_IS_TABLE (self) && row < self->n_rows && column < self->columns->len);
  g_return_if_fail (!get_column (self, column)->numeric);

  cell = (char **)&g_ptr_array_index (get_column (self, column)->texts, row);
  g_free (*cell);
  *cell = g_strdup (text);
}

void
plot_table_set_number (PlotTable *self, guint row, guint column, double value)
{
  g_return_if_fail (PLOT_IS_TABLE (self) && row < self->n_rows && column < self->columns->len);
  g_return_if_fail (get_column (self, column)->numeric);

  g_array_index (get_column (self, column)->numbers, double, row) = value;
}

static const char *
peek_text (const Column *column, guint row)
{
  const char *text = g_ptr_array_index (column->texts, row);

  return text != NULL ? text : "";
}

const char *
plot_table_get_title (PlotTable *self)
{
  g_return_val_if_fail (PLOT_IS_TABLE (self), NULL);
  return self->title;
}

guint
plot_table_get_n_columns (PlotTable *self)
{
  g_return_val_if_fail (PLOT_IS_TABLE (self), 0);
  return self->columns->len;
}

guint
plot_table_get_n_rows (PlotTable *self)
{
  g_return_val_if_fail (PLOT_IS_TABLE (self), 0);
  return self->n_rows;
}

const char *
plot_table_get_column_name (PlotTable *self, guint column)
{
  g_return_val_if_fail (PLOT_IS_TABLE (self) && column < self->columns->len, NULL);
  return get_column (self, column)->name;
}

char *
plot_table_dup_cell (PlotTable *self, guint row, guint column)
{
  const Column *data;

  g_return_val_if_fail (PLOT_IS_TABLE (self) && row < self->n_rows, NULL);
  g_return_val_if_fail (column < self->columns->len, NULL);

  data = get_column (self, column);
  if (data->numeric)
    return plot_format_value (&data->unit, g_array_index (data->numbers, double, row), 4);
  return g_strdup (peek_text (data, row));
}

double
plot_table_get_number (PlotTable *self, guint row, guint column)
{
  const Column *data;

  g_return_val_if_fail (PLOT_IS_TABLE (self) && row < self->n_rows, NAN);
  g_return_val_if_fail (column < self->columns->len, NAN);

  data = get_column (self, column);
  return data->numeric ? g_array_index (data->numbers, double, row) : NAN;
}

gboolean
plot_table_is_numeric (PlotTable *self, guint column)
{
  g_return_val_if_fail (PLOT_IS_TABLE (self) && column < self->columns->len, FALSE);
  return get_column (self, column)->numeric;
}

char *
plot_table_row_dup_cell (PlotTableRow *row, guint column)
{
  g_return_val_if_fail (PLOT_IS_TABLE_ROW (row), NULL);
  return plot_table_dup_cell (row->table, row->index, column);
}

double
plot_table_row_get_number (PlotTableRow *row, guint column)
{
  g_return_val_if_fail (PLOT_IS_TABLE_ROW (row), NAN);
  return plot_table_get_number (row->table, row->index, column);
}

/* --- CSV, RFC 4180 --- */

static void
append_field (GString *csv, const char *text)
{
  if (strchr ("=+-@", text[0]) != NULL && text[0] != '\0')
    g_string_append (csv, "\"'");
  else if (strpbrk (text, ",\"\r\n") != NULL)
    g_string_append_c (csv, '"');
  else
    {
      g_string_append (csv, text);
      return;
    }
  for (; *text != '\0'; text++)
    {
      if (*text == '"')
        g_string_append_c (csv, '"');
      g_string_append_c (csv, *text);
    }
  g_string_append_c (csv, '"');
}

static void
append_heading (GString *csv, const Column *column)
{
  g_autofree char *text = NULL;

  if (column->numeric && column->unit.symbol != NULL && *column->unit.symbol != '\0')
    text = g_strdup_printf ("%s [%s]", column->name, column->unit.symbol);
  append_field (csv, text != NULL ? text : column->name);
}

/* Dividing by a whole 1/scale rounds once: 1520000 ns is 0.00152, not 0.0015200000000000001. */
static double
in_base_unit (const PlotUnit *unit, double value)
{
  double scale = unit->scale != 0 ? unit->scale : 1.0;
  double inverse = rint (1 / scale);

  return scale < 1 && fabs (inverse * scale - 1) < 1e-12 ? value / inverse : value * scale;
}

static void
append_last_field (GString *csv, const char *text)
{
  g_string_append_c (csv, ',');
  append_field (csv, text != NULL ? text : "");
}

char *
plot_table_to_csv (PlotTable *self)
{
  g_return_val_if_fail (PLOT_IS_TABLE (self), NULL);
  return plot_table_to_csv_from (self, NULL, NULL);
}

char *
plot_table_to_csv_from (PlotTable *self, const char *heading, const char *text_in_all)
{
  GString *csv;

  g_return_val_if_fail (PLOT_IS_TABLE (self), NULL);

  csv = g_string_new (NULL);
  for (guint c = 0; c < self->columns->len; c++)
    {
      if (c > 0)
        g_string_append_c (csv, ',');
      append_heading (csv, get_column (self, c));
    }
  if (heading != NULL)
    append_last_field (csv, heading);
  g_string_append (csv, "\r\n");

  for (guint r = 0; r < self->n_rows; r++)
    {
      for (guint c = 0; c < self->columns->len; c++)
        {
          const Column *column = get_column (self, c);

          if (c > 0)
            g_string_append_c (csv, ',');
          if (column->numeric)
            {
              double value = g_array_index (column->numbers, double, r);
              g_autofree char *text = plot_format_exact (in_base_unit (&column->unit, value));

              g_string_append (csv, text);
            }
          else
            append_field (csv, peek_text (column, r));
        }
      if (heading != NULL)
        append_last_field (csv, text_in_all);
      g_string_append (csv, "\r\n");
    }
  return g_string_free (csv, FALSE);
}
