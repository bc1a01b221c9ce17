/* PlotMemory, the widget: life, properties and public calls. Data are in plot-memory-model.c,
 * geometry and pictures in plot-memory-draw.c, words in plot-memory-text.c, frames in
 * plot-memory-view.c, events in plot-memory-input.c. It must not know what a buffer holds. */

#include "plot-memory-private.h"
#include "plot-controls-private.h"
#include "plot-i18n-private.h"

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_SELECTED,
  PROP_SELECTED_STEP,
  PROP_HOVERED,
  PROP_EMPTY_TEXT,
  PROP_SCROLL_ZOOMS,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
static guint buffer_activated_id;

static void plot_memory_figure_init (PlotFigureInterface *iface);

G_DEFINE_TYPE_WITH_CODE (PlotMemory, plot_memory, GTK_TYPE_WIDGET,
                         G_IMPLEMENT_INTERFACE (PLOT_TYPE_FIGURE, plot_memory_figure_init))

static const char *
item_id (PlotMemory *self, guint item)
{
  return item < self->model->n_items ? self->model->items[item].id : NULL;
}

/* --- accessibility --- */

static void
update_accessible (PlotMemory *self)
{
  const char *title = *self->title != '\0' ? self->title : _ ("Memory");
  g_autofree char *reading = plot_memory_dup_reading (self);
  g_autofree char *label = NULL;

  if (self->model->n_items == 0)
    label = g_strdup_printf ("%s. %s.", title, self->empty_text);
  else if (*reading != '\0')
    label = g_strdup_printf ("%s. %s", title, reading);
  else
    label = g_strdup_printf (_ ("%s. %u buffers over %u steps, none selected."), title,
                             self->model->n_items, self->model->n_steps);
  gtk_accessible_update_property (
      GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
      GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
      _ ("Chart. Left and Right move between steps, Up and Down between the buffers alive there, P "
         "goes to the peak, plus and minus zoom."),
      -1);
}

/* --- figure --- */

static void
figure_draw (PlotFigure *figure, cairo_t *cr, double width, double height, const PlotStyle *style)
{
  plot_memory_draw_figure (PLOT_MEMORY (figure), cr, width, height, style);
}

static PlotTable *
figure_make_table (PlotFigure *figure)
{
  return plot_memory_model_make_table (PLOT_MEMORY (figure)->model, PLOT_MEMORY (figure)->title);
}

static const char *
figure_get_title (PlotFigure *figure)
{
  return PLOT_MEMORY (figure)->title;
}

static void
plot_memory_figure_init (PlotFigureInterface *iface)
{
  iface->draw = figure_draw;
  iface->make_table = figure_make_table;
  iface->get_title = figure_get_title;
}

/* --- life --- */

static void
plot_memory_finalize (GObject *object)
{
  PlotMemory *self = PLOT_MEMORY (object);

  plot_memory_view_clear (self);
  plot_memory_model_free (self->model);
  g_free (self->title);
  g_free (self->empty_text);
  G_OBJECT_CLASS (plot_memory_parent_class)->finalize (object);
}

static void
plot_memory_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  PlotMemory *self = PLOT_MEMORY (object);

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_SELECTED:
      g_value_set_string (value, item_id (self, self->selected));
      break;
    case PROP_SELECTED_STEP:
      g_value_set_int (value, plot_memory_get_selected_step (self));
      break;
    case PROP_HOVERED:
      g_value_set_string (value, item_id (self, self->hovered));
      break;
    case PROP_EMPTY_TEXT:
      g_value_set_string (value, self->empty_text);
      break;
    case PROP_SCROLL_ZOOMS:
      g_value_set_boolean (value, self->scroll_zooms);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_string (PlotMemory *self, char **field, const GValue *value, GParamSpec *pspec)
{
  if (!plot_take_text (G_OBJECT (self), field, value, pspec))
    return;
  plot_memory_invalidate (self);
  update_accessible (self);
}

static void
plot_memory_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  PlotMemory *self = PLOT_MEMORY (object);

  switch (id)
    {
    case PROP_TITLE:
      set_string (self, &self->title, value, pspec);
      break;
    case PROP_SELECTED:
      plot_memory_set_selected (self, g_value_get_string (value));
      break;
    case PROP_SELECTED_STEP:
      plot_memory_set_selected_step (self, g_value_get_int (value));
      break;
    case PROP_EMPTY_TEXT:
      set_string (self, &self->empty_text, value, pspec);
      break;
    case PROP_SCROLL_ZOOMS:
      if (self->scroll_zooms != g_value_get_boolean (value))
        {
          self->scroll_zooms = g_value_get_boolean (value);
          g_object_notify_by_pspec (object, pspec);
        }
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
plot_memory_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                     int *natural, int *minimum_baseline, int *natural_baseline)
{
  *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? 240 : 180;
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? 720 : 420;
}

static void
plot_memory_class_init (PlotMemoryClass *klass)
{
  const GParamFlags rw = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  const GParamFlags ro = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->finalize = plot_memory_finalize;
  object_class->get_property = plot_memory_get_property;
  object_class->set_property = plot_memory_set_property;
  widget_class->snapshot = plot_memory_snapshot;
  widget_class->measure = plot_memory_measure;
  gtk_widget_class_set_css_name (widget_class, "plotmemory");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);

  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", rw);
  props[PROP_SELECTED] = g_param_spec_string ("selected", NULL, NULL, NULL, rw);
  props[PROP_SELECTED_STEP] = g_param_spec_int ("selected-step", NULL, NULL, -1, G_MAXINT, -1, rw);
  props[PROP_HOVERED] = g_param_spec_string ("hovered", NULL, NULL, NULL, ro);
  props[PROP_EMPTY_TEXT] = g_param_spec_string ("empty-text", NULL, NULL, "Nothing to show", rw);
  props[PROP_SCROLL_ZOOMS] = g_param_spec_boolean ("scroll-zooms", NULL, NULL, TRUE, rw);
  g_object_class_install_properties (object_class, N_PROPS, props);

  buffer_activated_id = g_signal_new ("buffer-activated", PLOT_TYPE_MEMORY, G_SIGNAL_RUN_LAST, 0,
                                      NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
plot_memory_init (PlotMemory *self)
{
  self->model = plot_memory_model_new (NULL);
  self->title = g_strdup ("");
  self->empty_text = g_strdup (_ ("Nothing to show"));
  self->selected = self->hovered = self->step = self->hovered_step = PLOT_MEMORY_NONE;
  self->scroll_zooms = TRUE;
  plot_memory_view_init (self);
  plot_memory_input_init (self);
  update_accessible (self);
}

GtkWidget *
plot_memory_new (void)
{
  return g_object_new (PLOT_TYPE_MEMORY, NULL);
}

/* --- data --- */

void
plot_memory_set_data (PlotMemory *self, const PlotMemoryData *data)
{
  g_autofree char *selected = NULL;
  gboolean had_step;

  g_return_if_fail (PLOT_IS_MEMORY (self));

  selected = g_strdup (item_id (self, self->selected));
  had_step = self->step != PLOT_MEMORY_NONE;
  plot_memory_set_hovered (self, PLOT_MEMORY_NONE, PLOT_MEMORY_NONE);
  plot_memory_model_free (self->model);
  self->model = plot_memory_model_new (data);
  self->selected = plot_memory_model_find (self->model, selected);
  if (had_step && self->step >= self->model->n_steps)
    self->step = PLOT_MEMORY_NONE;
  plot_memory_move_view (self, 0, self->model->n_steps, FALSE);
  if (selected != NULL && self->selected == PLOT_MEMORY_NONE)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED]);
  if (had_step && self->step == PLOT_MEMORY_NONE)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED_STEP]);
  plot_memory_invalidate (self);
  update_accessible (self);
}

guint
plot_memory_get_n_buffers (PlotMemory *self)
{
  g_return_val_if_fail (PLOT_IS_MEMORY (self), 0);
  return self->model->n_items;
}

/* --- selection --- */

void
plot_memory_select (PlotMemory *self, guint item)
{
  if (item == self->selected)
    return;
  self->selected = item;
  if (item != PLOT_MEMORY_NONE)
    plot_memory_reveal (self, self->model->items[item].first, self->model->items[item].last);
  update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED]);
}

void
plot_memory_select_step (PlotMemory *self, guint step)
{
  if (step == self->step)
    return;
  self->step = step;
  if (step != PLOT_MEMORY_NONE)
    plot_memory_reveal (self, step, step);
  update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED_STEP]);
}

const char *
plot_memory_get_selected (PlotMemory *self)
{
  g_return_val_if_fail (PLOT_IS_MEMORY (self), NULL);
  return item_id (self, self->selected);
}

void
plot_memory_set_selected (PlotMemory *self, const char *id)
{
  g_return_if_fail (PLOT_IS_MEMORY (self));
  plot_memory_select (self, plot_memory_model_find (self->model, id));
}

int
plot_memory_get_selected_step (PlotMemory *self)
{
  g_return_val_if_fail (PLOT_IS_MEMORY (self), -1);
  return self->step != PLOT_MEMORY_NONE ? (int)self->step : -1;
}

void
plot_memory_set_selected_step (PlotMemory *self, int step)
{
  g_return_if_fail (PLOT_IS_MEMORY (self));
  plot_memory_select_step (self, step >= 0 && (guint)step < self->model->n_steps
                                     ? (guint)step
                                     : PLOT_MEMORY_NONE);
}

void
plot_memory_set_hovered (PlotMemory *self, guint item, guint step)
{
  gboolean changed = item != self->hovered;

  if (!changed && step == self->hovered_step)
    return;
  self->hovered = item;
  self->hovered_step = step;
  gtk_widget_queue_draw (GTK_WIDGET (self));
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_HOVERED]);
}

void
plot_memory_activate (PlotMemory *self, guint item)
{
  g_signal_emit (self, buffer_activated_id, 0, item_id (self, item));
}

/* --- answers --- */

int
plot_memory_get_peak_step (PlotMemory *self)
{
  g_return_val_if_fail (PLOT_IS_MEMORY (self), -1);
  return self->model->peak_step != PLOT_MEMORY_NONE ? (int)self->model->peak_step : -1;
}

guint64
plot_memory_get_alive_bytes (PlotMemory *self, guint step)
{
  g_return_val_if_fail (PLOT_IS_MEMORY (self) && step < self->model->n_steps, 0);
  return self->model->alive_bytes[step];
}

PlotTable *
plot_memory_make_alive_table (PlotMemory *self, guint step)
{
  g_return_val_if_fail (PLOT_IS_MEMORY (self) && step < self->model->n_steps, NULL);
  return plot_memory_model_make_alive_table (self->model, step);
}

char *
plot_memory_dup_reading (PlotMemory *self)
{
  g_return_val_if_fail (PLOT_IS_MEMORY (self), NULL);
  return plot_memory_model_dup_reading (self->model, self->step, self->selected);
}
