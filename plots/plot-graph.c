/* PlotGraph, the widget: life, properties and public calls. Data are in plot-graph-model.c,
 * geometry in plot-graph-scene.c on the layered layout of plot-rank.c, pictures in
 * plot-graph-draw.c and plot-graph-raster.c, layouts on the way in plot-graph-jobs.c, frames in
 * plot-graph-view.c, events in plot-graph-input.c. It must not know what a node is. */

#include "plot-graph-private.h"
#include "plot-controls-private.h"
#include "plot-i18n-private.h"

#include <math.h>

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_SELECTED,
  PROP_HOVERED,
  PROP_EMPTY_TEXT,
  PROP_SCROLL_ZOOMS,
  PROP_BUSY,
  N_PROPS
};

enum
{
  SIGNAL_NODE_ACTIVATED,
  SIGNAL_GROUP_EXPANDED,
  SIGNAL_LAYOUT_CHANGED,
  N_SIGNALS
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

static void plot_graph_figure_init (PlotFigureInterface *iface);

G_DEFINE_TYPE_WITH_CODE (PlotGraph, plot_graph, GTK_TYPE_WIDGET,
                         G_IMPLEMENT_INTERFACE (PLOT_TYPE_FIGURE, plot_graph_figure_init))

static const char *
endpoint_id (PlotGraph *self, guint endpoint)
{
  return endpoint < plot_graph_model_n_endpoints (self->model) ? self->model->entries[endpoint].id
                                                               : NULL;
}

/* --- accessibility --- */

static void
update_accessible (PlotGraph *self)
{
  const char *title = *self->title != '\0' ? self->title : _ ("Graph");
  g_autofree char *reading
      = plot_graph_model_dup_reading (self->model, self->scene, self->selected, self->max_value);
  g_autofree char *label = NULL;

  if (self->model->shape->n_nodes == 0)
    label = g_strdup_printf ("%s. %s.", title, self->empty_text);
  else if (*reading != '\0')
    label = g_strdup_printf ("%s. %s", title, reading);
  else
    label
        = g_strdup_printf (_ ("%s. %u nodes, none selected."), title, self->model->shape->n_nodes);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  _ ("Chart. Down and Up follow lines, Left and Right go to "
                                     "neighbours, Enter opens a group, plus "
                                     "and minus zoom."),
                                  -1);
}

/* --- figure --- */

static void
figure_draw (PlotFigure *figure, cairo_t *cr, double width, double height, const PlotStyle *style)
{
  plot_graph_draw_figure (PLOT_GRAPH (figure), cr, width, height, style);
}

static PlotTable *
figure_make_table (PlotFigure *figure)
{
  PlotGraph *self = PLOT_GRAPH (figure);

  return plot_graph_model_make_table (self->model, self->title);
}

static const char *
figure_get_title (PlotFigure *figure)
{
  return PLOT_GRAPH (figure)->title;
}

static void
plot_graph_figure_init (PlotFigureInterface *iface)
{
  iface->draw = figure_draw;
  iface->make_table = figure_make_table;
  iface->get_title = figure_get_title;
}

/* --- life --- */

static void
plot_graph_dispose (GObject *object)
{
  PlotGraph *self = PLOT_GRAPH (object);

  plot_graph_drop_job (self);
  if (self->card_destroy != NULL)
    self->card_destroy (self->card_data);
  self->card_func = NULL;
  self->card_destroy = NULL;
  G_OBJECT_CLASS (plot_graph_parent_class)->dispose (object);
}

static void
plot_graph_finalize (GObject *object)
{
  PlotGraph *self = PLOT_GRAPH (object);

  plot_graph_view_clear (self);
  plot_graph_scene_unref (self->scene);
  plot_graph_model_free (self->model);
  g_free (self->title);
  g_free (self->empty_text);
  G_OBJECT_CLASS (plot_graph_parent_class)->finalize (object);
}

static void
plot_graph_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  PlotGraph *self = PLOT_GRAPH (object);

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_SELECTED:
      g_value_set_string (value, endpoint_id (self, self->selected));
      break;
    case PROP_HOVERED:
      g_value_set_string (value, endpoint_id (self, self->hovered));
      break;
    case PROP_EMPTY_TEXT:
      g_value_set_string (value, self->empty_text);
      break;
    case PROP_SCROLL_ZOOMS:
      g_value_set_boolean (value, self->scroll_zooms);
      break;
    case PROP_BUSY:
      g_value_set_boolean (value, self->job != NULL);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_string (PlotGraph *self, char **field, const GValue *value, GParamSpec *pspec)
{
  if (!plot_take_text (G_OBJECT (self), field, value, pspec))
    return;
  gtk_widget_queue_draw (GTK_WIDGET (self));
  update_accessible (self);
}

static void
plot_graph_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  PlotGraph *self = PLOT_GRAPH (object);

  switch (id)
    {
    case PROP_TITLE:
      set_string (self, &self->title, value, pspec);
      break;
    case PROP_SELECTED:
      plot_graph_set_selected (self, g_value_get_string (value));
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
plot_graph_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                    int *natural, int *minimum_baseline, int *natural_baseline)
{
  *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? 240 : 160;
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? 720 : 480;
}

static void
plot_graph_class_init (PlotGraphClass *klass)
{
  const GParamFlags rw = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  const GParamFlags ro = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = plot_graph_dispose;
  object_class->finalize = plot_graph_finalize;
  object_class->get_property = plot_graph_get_property;
  object_class->set_property = plot_graph_set_property;
  widget_class->snapshot = plot_graph_snapshot;
  widget_class->measure = plot_graph_measure;
  gtk_widget_class_set_css_name (widget_class, "plotgraph");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);

  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", rw);
  props[PROP_SELECTED] = g_param_spec_string ("selected", NULL, NULL, NULL, rw);
  props[PROP_HOVERED] = g_param_spec_string ("hovered", NULL, NULL, NULL, ro);
  props[PROP_EMPTY_TEXT] = g_param_spec_string ("empty-text", NULL, NULL, "Nothing to show", rw);
  props[PROP_SCROLL_ZOOMS] = g_param_spec_boolean ("scroll-zooms", NULL, NULL, FALSE, rw);
  props[PROP_BUSY] = g_param_spec_boolean ("busy", NULL, NULL, FALSE, ro);
  g_object_class_install_properties (object_class, N_PROPS, props);

  signals[SIGNAL_NODE_ACTIVATED]
      = g_signal_new ("node-activated", PLOT_TYPE_GRAPH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[SIGNAL_GROUP_EXPANDED]
      = g_signal_new ("group-expanded", PLOT_TYPE_GRAPH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_BOOLEAN);
  signals[SIGNAL_LAYOUT_CHANGED]
      = g_signal_new ("layout-changed", PLOT_TYPE_GRAPH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 0);
}

static void
plot_graph_init (PlotGraph *self)
{
  self->model = plot_graph_model_new (NULL);
  self->title = g_strdup ("");
  self->empty_text = g_strdup (_ ("Nothing to show"));
  self->selected = self->hovered = self->anchor = self->reveal = PLOT_GRAPH_NONE;
  self->max_value = NAN;
  plot_graph_view_init (self);
  plot_graph_input_init (self);
  update_accessible (self);
}

GtkWidget *
plot_graph_new (void)
{
  return g_object_new (PLOT_TYPE_GRAPH, NULL);
}

/* --- data --- */

/* Expanded groups and the selection live on where their ids do. */
static void
carry_over (PlotGraph *self, const PlotGraphModel *old, const char *selected)
{
  for (guint g = 0; g < old->shape->n_groups; g++)
    {
      guint at = plot_graph_model_find (self->model, old->entries[old->shape->n_nodes + g].id);

      if (old->expanded[g] && at != PLOT_GRAPH_NONE && plot_graph_model_is_group (self->model, at))
        self->model->expanded[at - self->model->shape->n_nodes] = TRUE;
    }
  self->selected = plot_graph_model_find (self->model, selected);
}

void
plot_graph_set_graph (PlotGraph *self, const PlotGraphData *data)
{
  PlotGraphModel *old;
  const char *selected;
  gboolean had_selected;

  g_return_if_fail (PLOT_IS_GRAPH (self));

  plot_graph_drop_job (self);
  old = self->model;
  selected = endpoint_id (self, self->selected);
  had_selected = selected != NULL;
  plot_graph_set_hovered (self, PLOT_GRAPH_NONE);
  self->model = plot_graph_model_new (data);
  carry_over (self, old, selected);
  g_clear_pointer (&self->scene, plot_graph_scene_unref);
  self->anchor = self->reveal = PLOT_GRAPH_NONE;
  self->mode = PLOT_GRAPH_VIEW_START;
  plot_graph_model_free (old);
  plot_graph_start_layout (self);
  if (had_selected && self->selected == PLOT_GRAPH_NONE)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED]);
  update_accessible (self);
}

guint
plot_graph_get_n_nodes (PlotGraph *self)
{
  g_return_val_if_fail (PLOT_IS_GRAPH (self), 0);
  return self->model->shape->n_nodes;
}

static void
update_max (PlotGraph *self)
{
  self->max_value = self->scene != NULL ? plot_graph_max_value (self->model, self->scene) : NAN;
}

void
plot_graph_set_metric (PlotGraph *self, const PlotGraphMetric *metric, const double *node_values,
                       const double *group_values)
{
  g_return_if_fail (PLOT_IS_GRAPH (self));
  plot_graph_model_set_metric (self->model, metric, node_values, group_values);
  update_max (self);
  plot_graph_invalidate (self);
  update_accessible (self);
}

void
plot_graph_take_scene (PlotGraph *self, PlotGraphScene *scene)
{
  guint anchor = plot_graph_model_shown (self->model, self->anchor);

  /* What was opened or closed stays under the pointer. */
  if (self->scene != NULL && self->mode == PLOT_GRAPH_VIEW_FREE && anchor != PLOT_GRAPH_NONE
      && self->scene->box_of[anchor] != PLOT_GRAPH_NONE && scene->box_of[anchor] != PLOT_GRAPH_NONE)
    {
      const PlotGraphRect *before = &self->scene->boxes[self->scene->box_of[anchor]];
      const PlotGraphRect *after = &scene->boxes[scene->box_of[anchor]];

      self->view.x += (after->x0 + after->x1 - before->x0 - before->x1) / 2;
      self->view.y += after->y0 - before->y0;
      self->goal_x = self->view.x;
      self->goal_y = self->view.y;
    }
  plot_graph_scene_unref (self->scene);
  self->scene = scene;
  update_max (self);
  plot_graph_invalidate (self);
  if (self->reveal != PLOT_GRAPH_NONE)
    plot_graph_reveal (self, self->reveal);
  if (!scene->rough)
    self->anchor = self->reveal = PLOT_GRAPH_NONE;
  plot_graph_update_hover (self);
  update_accessible (self);
  g_signal_emit (self, signals[SIGNAL_LAYOUT_CHANGED], 0);
}

void
plot_graph_busy_changed (PlotGraph *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_BUSY]);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* --- card --- */

void
plot_graph_set_card_func (PlotGraph *self, PlotGraphCardFunc func, gpointer data,
                          GDestroyNotify destroy)
{
  g_return_if_fail (PLOT_IS_GRAPH (self));
  if (self->card_destroy != NULL)
    self->card_destroy (self->card_data);
  self->card_func = func;
  self->card_data = data;
  self->card_destroy = destroy;
}

void
plot_graph_card_add (PlotGraphCard *card, const char *label, const char *value)
{
  g_return_if_fail (card != NULL);
  plot_card_add_row (card, &(PlotCardRow){
                               .swatch = PLOT_CARD_NO_SWATCH, .label = label, .value = value });
}

PlotCard *
plot_graph_make_card (PlotGraph *self, guint endpoint)
{
  PlotCard *card = plot_graph_model_make_card (self->model, self->scene, endpoint, self->max_value);

  if (self->card_func != NULL)
    self->card_func (self, endpoint_id (self, endpoint), card, self->card_data);
  return card;
}

/* --- selection --- */

const char *
plot_graph_get_selected (PlotGraph *self)
{
  g_return_val_if_fail (PLOT_IS_GRAPH (self), NULL);
  return endpoint_id (self, self->selected);
}

void
plot_graph_select_endpoint (PlotGraph *self, guint endpoint)
{
  guint stands_for;

  if (endpoint == self->selected)
    return;
  self->selected = endpoint;
  stands_for = plot_graph_model_shown (self->model, endpoint);
  if (stands_for != endpoint) /* in a closed group */
    {
      guint group = stands_for - self->model->shape->n_nodes;

      self->model->expanded[group] = TRUE;
      self->anchor = stands_for;
      self->reveal = endpoint;
      plot_graph_start_layout (self);
      g_signal_emit (self, signals[SIGNAL_GROUP_EXPANDED], 0, endpoint_id (self, stands_for), TRUE);
    }
  else if (endpoint != PLOT_GRAPH_NONE)
    plot_graph_reveal (self, endpoint);
  update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED]);
}

void
plot_graph_set_selected (PlotGraph *self, const char *id)
{
  g_return_if_fail (PLOT_IS_GRAPH (self));
  plot_graph_select_endpoint (self, plot_graph_model_find (self->model, id));
}

void
plot_graph_set_hovered (PlotGraph *self, guint endpoint)
{
  if (endpoint == self->hovered)
    return;
  self->hovered = endpoint;
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_HOVERED]);
}

char *
plot_graph_dup_reading (PlotGraph *self, const char *id)
{
  g_return_val_if_fail (PLOT_IS_GRAPH (self), NULL);
  return plot_graph_model_dup_reading (self->model, self->scene,
                                       plot_graph_model_find (self->model, id), self->max_value);
}

/* --- disclosure --- */

static gboolean
set_expanded (PlotGraph *self, guint endpoint, gboolean expanded)
{
  guint group = endpoint - self->model->shape->n_nodes;

  if (self->model->expanded[group] == !!expanded || self->model->entries[endpoint].n_nodes == 0)
    return FALSE;
  self->model->expanded[group] = !!expanded;
  if (!expanded && self->selected < self->model->shape->n_nodes
      && self->model->shape->group_of[self->selected] == group)
    plot_graph_select_endpoint (self, endpoint); /* what vanishes hands over to its group */
  g_signal_emit (self, signals[SIGNAL_GROUP_EXPANDED], 0, endpoint_id (self, endpoint), !!expanded);
  return TRUE;
}

void
plot_graph_toggle (PlotGraph *self, guint endpoint)
{
  if (!set_expanded (self, endpoint,
                     !self->model->expanded[endpoint - self->model->shape->n_nodes]))
    return;
  plot_graph_ensure_view (self);
  self->anchor = endpoint;
  if (self->view.width >= 2 && self->scene != NULL)
    self->mode = PLOT_GRAPH_VIEW_FREE;
  plot_graph_start_layout (self);
}

void
plot_graph_activate (PlotGraph *self, guint endpoint)
{
  if (endpoint >= plot_graph_model_n_endpoints (self->model))
    return;
  if (plot_graph_model_is_group (self->model, endpoint))
    plot_graph_toggle (self, endpoint);
  else
    g_signal_emit (self, signals[SIGNAL_NODE_ACTIVATED], 0, endpoint_id (self, endpoint));
}

static guint
find_group (PlotGraph *self, const char *id)
{
  guint endpoint = plot_graph_model_find (self->model, id);

  return endpoint != PLOT_GRAPH_NONE && plot_graph_model_is_group (self->model, endpoint)
             ? endpoint
             : PLOT_GRAPH_NONE;
}

void
plot_graph_set_expanded (PlotGraph *self, const char *group_id, gboolean expanded)
{
  guint endpoint;

  g_return_if_fail (PLOT_IS_GRAPH (self) && group_id != NULL);
  endpoint = find_group (self, group_id);
  if (endpoint != PLOT_GRAPH_NONE
      && self->model->expanded[endpoint - self->model->shape->n_nodes] != !!expanded)
    plot_graph_toggle (self, endpoint);
}

gboolean
plot_graph_get_expanded (PlotGraph *self, const char *group_id)
{
  guint endpoint;

  g_return_val_if_fail (PLOT_IS_GRAPH (self) && group_id != NULL, FALSE);
  endpoint = find_group (self, group_id);
  return endpoint != PLOT_GRAPH_NONE
         && self->model->expanded[endpoint - self->model->shape->n_nodes];
}

void
plot_graph_set_all_expanded (PlotGraph *self, gboolean expanded)
{
  gboolean changed = FALSE;

  g_return_if_fail (PLOT_IS_GRAPH (self));
  for (guint g = 0; g < self->model->shape->n_groups; g++)
    changed |= set_expanded (self, self->model->shape->n_nodes + g, expanded);
  if (!changed)
    return;
  self->anchor = self->selected;
  plot_graph_start_layout (self);
}
