/* PlotTimeline, the widget: life, properties and public calls. Data are in plot-timeline-model.c,
 * geometry and pictures in plot-timeline-draw.c, words in plot-timeline-text.c, frames in
 * plot-timeline-view.c, events in plot-timeline-input.c. */

#include "plot-timeline-private.h"
#include "plot-controls-private.h"
#include "plot-i18n-private.h"

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_AXIS_TITLE,
  PROP_EMPTY_TEXT,
  PROP_SELECTED_SPAN,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
static guint span_activated_id;

static void plot_timeline_figure_init (PlotFigureInterface *iface);

G_DEFINE_TYPE_WITH_CODE (PlotTimeline, plot_timeline, GTK_TYPE_WIDGET,
                         G_IMPLEMENT_INTERFACE (PLOT_TYPE_FIGURE, plot_timeline_figure_init))

/* --- accessibility --- */

static void
update_accessible (PlotTimeline *self)
{
  const char *title = *self->title != '\0' ? self->title : _ ("Timeline");
  g_autofree char *reading = plot_timeline_dup_reading (self);
  g_autofree char *label = NULL;

  if (self->model->n_spans == 0)
    label = g_strdup_printf ("%s. %s.", title, self->empty_text);
  else if (*reading != '\0')
    label = g_strdup_printf ("%s. %s", title, reading);
  else
    label = g_strdup_printf (_ ("%s. %u spans in %u rows, none selected."), title,
                             self->model->n_spans, self->model->n_rows);
  gtk_accessible_update_property (
      GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
      GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
      _ ("Chart. Left and Right move along the row, Up and Down between rows, Enter zooms to the "
         "span, plus and minus zoom, 0 shows everything."),
      -1);
}

/* --- figure --- */

static void
figure_draw (PlotFigure *figure, cairo_t *cr, double width, double height, const PlotStyle *style)
{
  plot_timeline_draw_figure (PLOT_TIMELINE (figure), cr, width, height, style);
}

static PlotTable *
figure_make_table (PlotFigure *figure)
{
  return plot_timeline_model_make_table (PLOT_TIMELINE (figure)->model,
                                         PLOT_TIMELINE (figure)->title);
}

static const char *
figure_get_title (PlotFigure *figure)
{
  return PLOT_TIMELINE (figure)->title;
}

static void
plot_timeline_figure_init (PlotFigureInterface *iface)
{
  iface->draw = figure_draw;
  iface->make_table = figure_make_table;
  iface->get_title = figure_get_title;
}

/* --- life --- */

static void
plot_timeline_finalize (GObject *object)
{
  PlotTimeline *self = PLOT_TIMELINE (object);

  plot_timeline_view_clear (self);
  plot_timeline_model_free (self->model);
  g_free (self->title);
  g_free (self->axis_title);
  g_free (self->empty_text);
  G_OBJECT_CLASS (plot_timeline_parent_class)->finalize (object);
}

static void
plot_timeline_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  PlotTimeline *self = PLOT_TIMELINE (object);

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_AXIS_TITLE:
      g_value_set_string (value, self->axis_title);
      break;
    case PROP_EMPTY_TEXT:
      g_value_set_string (value, self->empty_text);
      break;
    case PROP_SELECTED_SPAN:
      g_value_set_int (value, plot_timeline_get_selected_span (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_string (PlotTimeline *self, char **field, const GValue *value, GParamSpec *pspec)
{
  if (!plot_take_text (G_OBJECT (self), field, value, pspec))
    return;
  plot_timeline_invalidate (self);
  update_accessible (self);
}

static void
plot_timeline_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  PlotTimeline *self = PLOT_TIMELINE (object);

  switch (id)
    {
    case PROP_TITLE:
      set_string (self, &self->title, value, pspec);
      break;
    case PROP_AXIS_TITLE:
      set_string (self, &self->axis_title, value, pspec);
      break;
    case PROP_EMPTY_TEXT:
      set_string (self, &self->empty_text, value, pspec);
      break;
    case PROP_SELECTED_SPAN:
      plot_timeline_set_selected_span (self, g_value_get_int (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
plot_timeline_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                       int *natural, int *minimum_baseline, int *natural_baseline)
{
  *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? 200 : 120;
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? 720 : 260;
}

static void
plot_timeline_class_init (PlotTimelineClass *klass)
{
  const GParamFlags rw = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->finalize = plot_timeline_finalize;
  object_class->get_property = plot_timeline_get_property;
  object_class->set_property = plot_timeline_set_property;
  widget_class->snapshot = plot_timeline_snapshot;
  widget_class->measure = plot_timeline_measure;
  gtk_widget_class_set_css_name (widget_class, "plottimeline");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);

  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", rw);
  props[PROP_AXIS_TITLE] = g_param_spec_string ("axis-title", NULL, NULL, "Time", rw);
  props[PROP_EMPTY_TEXT] = g_param_spec_string ("empty-text", NULL, NULL, "Nothing to show", rw);
  props[PROP_SELECTED_SPAN] = g_param_spec_int ("selected-span", NULL, NULL, -1, G_MAXINT, -1, rw);
  g_object_class_install_properties (object_class, N_PROPS, props);

  span_activated_id = g_signal_new ("span-activated", PLOT_TYPE_TIMELINE, G_SIGNAL_RUN_LAST, 0,
                                    NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_INT);
}

static void
plot_timeline_init (PlotTimeline *self)
{
  self->model = plot_timeline_model_new (NULL);
  self->title = g_strdup ("");
  self->axis_title = g_strdup (_ ("Time"));
  self->empty_text = g_strdup (_ ("Nothing to show"));
  self->selected = self->hovered = PLOT_TIMELINE_NONE;
  self->marked_item = self->marked_family = -1;
  plot_timeline_view_init (self);
  plot_timeline_input_init (self);
  update_accessible (self);
}

GtkWidget *
plot_timeline_new (void)
{
  return g_object_new (PLOT_TYPE_TIMELINE, NULL);
}

/* --- data --- */

void
plot_timeline_set_data (PlotTimeline *self, const PlotTimelineData *data)
{
  gboolean had;

  g_return_if_fail (PLOT_IS_TIMELINE (self));

  had = self->selected != PLOT_TIMELINE_NONE;
  plot_timeline_model_free (self->model);
  self->model = plot_timeline_model_new (data);
  self->selected = self->hovered = PLOT_TIMELINE_NONE;
  plot_timeline_fit (self);
  plot_timeline_invalidate (self);
  update_accessible (self);
  if (had)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED_SPAN]);
}

guint
plot_timeline_get_n_spans (PlotTimeline *self)
{
  g_return_val_if_fail (PLOT_IS_TIMELINE (self), 0);
  return self->model->n_spans;
}

/* --- selection --- */

void
plot_timeline_select (PlotTimeline *self, guint span)
{
  if (span == self->selected)
    return;
  self->selected = span;
  if (span != PLOT_TIMELINE_NONE)
    plot_timeline_reveal (self, span);
  update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED_SPAN]);
}

void
plot_timeline_activate (PlotTimeline *self, guint span)
{
  g_signal_emit (self, span_activated_id, 0, (int)self->model->origin[span]);
}

int
plot_timeline_get_selected_span (PlotTimeline *self)
{
  g_return_val_if_fail (PLOT_IS_TIMELINE (self), -1);
  return self->selected < self->model->n_spans ? (int)self->model->origin[self->selected] : -1;
}

void
plot_timeline_set_selected_span (PlotTimeline *self, int span)
{
  g_return_if_fail (PLOT_IS_TIMELINE (self));
  plot_timeline_select (self, span >= 0 && (guint)span < self->model->n_spans
                                  ? self->model->place[span]
                                  : PLOT_TIMELINE_NONE);
}

void
plot_timeline_set_marked (PlotTimeline *self, int item, int family)
{
  g_return_if_fail (PLOT_IS_TIMELINE (self));

  if (item == self->marked_item && family == self->marked_family)
    return;
  self->marked_item = item;
  self->marked_family = family;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

char *
plot_timeline_dup_reading (PlotTimeline *self)
{
  g_return_val_if_fail (PLOT_IS_TIMELINE (self), NULL);
  return plot_timeline_model_dup_reading (self->model, self->selected);
}
