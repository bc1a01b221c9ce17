/* Moving about in a PlotHeat: scrolling below heads and beside names that stay, rows by pointer
 * and keys, the words under the pointer. */

#include <math.h>
#include "plot-controls-private.h"
#include "plot-heat-private.h"
#include "plot-i18n-private.h"

/* --- scrolling --- */

double
plot_heat_get_scroll (PlotHeat *self, GtkOrientation orientation)
{
  GtkAdjustment *adjustment = self->adjustments[orientation];

  return adjustment != NULL ? round (gtk_adjustment_get_value (adjustment)) : 0;
}

void
plot_heat_set_adjustment (PlotHeat *self, GtkOrientation orientation, GtkAdjustment *adjustment)
{
  GtkAdjustment **place = &self->adjustments[orientation];

  if (*place == adjustment && adjustment != NULL)
    return;
  if (*place != NULL)
    g_signal_handlers_disconnect_by_func (*place, gtk_widget_queue_draw, self);
  g_clear_object (place);
  *place
      = g_object_ref_sink (adjustment != NULL ? adjustment : gtk_adjustment_new (0, 0, 0, 0, 0, 0));
  g_signal_connect_swapped (*place, "value-changed", G_CALLBACK (gtk_widget_queue_draw), self);
  plot_heat_configure_adjustments (self);
}

static void
configure (GtkAdjustment *adjustment, double step, double whole, double seen)
{
  double upper = MAX (whole, seen);

  if (adjustment == NULL)
    return;
  gtk_adjustment_configure (adjustment,
                            CLAMP (gtk_adjustment_get_value (adjustment), 0, upper - seen), 0,
                            upper, step, 0.9 * seen, seen);
}

void
plot_heat_configure_adjustments (PlotHeat *self)
{
  double width = gtk_widget_get_width (GTK_WIDGET (self));
  double height = gtk_widget_get_height (GTK_WIDGET (self));
  PlotHeatLayout layout;

  if (width < 1 || height < 1)
    return;
  plot_heat_follow_style (self);
  plot_heat_find_layout (self, self->text, width, &layout);
  configure (self->adjustments[GTK_ORIENTATION_HORIZONTAL], layout.cell, layout.width, width);
  configure (self->adjustments[GTK_ORIENTATION_VERTICAL], PLOT_HEAT_ROW_PX, layout.height, height);
}

void
plot_heat_reveal (PlotHeat *self, int row)
{
  GtkAdjustment *adjustment;
  PlotHeatLayout layout;
  double width, height;

  g_return_if_fail (PLOT_IS_HEAT (self));

  adjustment = self->adjustments[GTK_ORIENTATION_VERTICAL];
  width = gtk_widget_get_width (GTK_WIDGET (self));
  height = gtk_widget_get_height (GTK_WIDGET (self));
  if (row < 0 || adjustment == NULL || width < 1 || height < 1)
    return;
  plot_heat_follow_style (self);
  plot_heat_find_layout (self, self->text, width, &layout);
  gtk_adjustment_clamp_page (adjustment, PLOT_HEAT_ROW_PX * row,
                             layout.head + PLOT_HEAT_ROW_PX * (row + 1) + 2);
}

/* --- finding --- */

/* The row at @y of the widget; -1: none. */
static int
row_at (PlotHeat *self, double y)
{
  PlotHeatLayout layout;
  double row;

  if (self->rows->len == 0 || self->text == NULL)
    return -1;
  plot_heat_find_layout (self, self->text, gtk_widget_get_width (GTK_WIDGET (self)), &layout);
  row = floor ((y - layout.head + plot_heat_get_scroll (self, GTK_ORIENTATION_VERTICAL))
               / PLOT_HEAT_ROW_PX);
  return y >= layout.head && row < self->rows->len ? (int)row : -1;
}

/* The column at @x of the widget; -1: none. */
static int
column_at (PlotHeat *self, double x)
{
  PlotHeatLayout layout;
  double column;

  plot_heat_find_layout (self, self->text, gtk_widget_get_width (GTK_WIDGET (self)), &layout);
  column = floor ((x - layout.names + plot_heat_get_scroll (self, GTK_ORIENTATION_HORIZONTAL))
                  / layout.cell);
  return x >= layout.names && column < self->n_columns ? (int)column : -1;
}

/* --- pointer and keys --- */

static void
on_pressed (GtkGestureClick *gesture, int n_press, double x, double y, PlotHeat *self)
{
  int row = row_at (self, y);

  gtk_widget_grab_focus (GTK_WIDGET (self));
  if (row >= 0)
    plot_heat_set_selected (self, row);
}

static int
rows_in_page (PlotHeat *self)
{
  GtkAdjustment *adjustment = self->adjustments[GTK_ORIENTATION_VERTICAL];

  return adjustment == NULL
             ? 10
             : MAX (1, (int)(gtk_adjustment_get_page_size (adjustment) / PLOT_HEAT_ROW_PX) - 2);
}

static void
scroll_columns (PlotHeat *self, int n)
{
  GtkAdjustment *adjustment = self->adjustments[GTK_ORIENTATION_HORIZONTAL];

  if (adjustment != NULL)
    gtk_adjustment_set_value (adjustment, gtk_adjustment_get_value (adjustment)
                                              + n * gtk_adjustment_get_step_increment (adjustment));
}

static gboolean
on_key (GtkEventControllerKey *controller, guint keyval, guint keycode, GdkModifierType state,
        PlotHeat *self)
{
  int last = (int)self->rows->len - 1, row = self->selected;

  if (last < 0 || (state & (GDK_CONTROL_MASK | GDK_ALT_MASK)) != 0)
    return GDK_EVENT_PROPAGATE;
  switch (keyval)
    {
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
      row++;
      break;
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
      row--;
      break;
    case GDK_KEY_Page_Down:
    case GDK_KEY_KP_Page_Down:
      row += rows_in_page (self);
      break;
    case GDK_KEY_Page_Up:
    case GDK_KEY_KP_Page_Up:
      row -= rows_in_page (self);
      break;
    case GDK_KEY_Home:
    case GDK_KEY_KP_Home:
      row = 0;
      break;
    case GDK_KEY_End:
    case GDK_KEY_KP_End:
      row = last;
      break;
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      scroll_columns (self, -1);
      return GDK_EVENT_STOP;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      scroll_columns (self, 1);
      return GDK_EVENT_STOP;
    default:
      return GDK_EVENT_PROPAGATE;
    }
  plot_heat_set_selected (self, CLAMP (row, 0, last));
  plot_heat_reveal (self, self->selected);
  return GDK_EVENT_STOP;
}

/* --- words --- */

static void
add_cell (GString *text, PlotHeat *self, const PlotHeatRow *row, guint column)
{
  const PlotHeatCell *cell = &row->cells[column];
  g_autofree char *words = plot_heat_dup_cell_words (self, cell);

  g_string_append_printf (text, "\n%s: %s%s", self->columns[column],
                          cell->note != NULL ? cell->note : words,
                          cell->chosen ? _ (", chosen") : "");
}

/* Over a cell: that cell; over a name, or by keyboard: all of the row. */
static gboolean
on_tooltip (PlotHeat *self, int x, int y, gboolean keyboard, GtkTooltip *tooltip, gpointer data)
{
  int index = keyboard ? self->selected : row_at (self, y);
  int column = keyboard || index < 0 ? -1 : column_at (self, x);
  g_autoptr (GString) text = NULL;
  const PlotHeatRow *row;

  if (index < 0 || index >= (int)self->rows->len)
    return FALSE;
  row = self->rows->pdata[index];
  text = g_string_new (row->name);
  for (guint c = 0; c < self->n_columns; c++)
    if (column < 0 || (int)c == column)
      add_cell (text, self, row, c);
  if (row->detail != NULL && (column < 0 || row->cells[column].chosen))
    g_string_append_printf (text, "\n%s", row->detail);
  gtk_tooltip_set_text (tooltip, text->str);
  return TRUE;
}

void
plot_heat_add_controllers (PlotHeat *self)
{
  GtkGesture *click = gtk_gesture_click_new ();
  GtkEventController *keys = gtk_event_controller_key_new ();

  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  gtk_widget_set_has_tooltip (GTK_WIDGET (self), TRUE);
  g_signal_connect (self, "query-tooltip", G_CALLBACK (on_tooltip), NULL);
  g_signal_connect (click, "pressed", G_CALLBACK (on_pressed), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_key), self);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
}
