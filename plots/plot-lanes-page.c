/* Lanes without a widget: a model and the draw functions that the screen uses, too. Called by
 * reports.
 */

#include "plot-lanes-page.h"

#include "plot-lanes-draw-private.h"

#include <math.h>

struct _PlotLanesPage
{
  GObject parent_instance;

  PlotLanesModel *model;
  char *title;
};

static void plot_lanes_page_figure_init (PlotFigureInterface *iface);

G_DEFINE_TYPE_WITH_CODE (PlotLanesPage, plot_lanes_page, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (PLOT_TYPE_FIGURE, plot_lanes_page_figure_init))

static void
figure_draw (PlotFigure *figure, cairo_t *cr, double width, double height, const PlotStyle *style)
{
  PlotLanesPage *self = PLOT_LANES_PAGE (figure);

  plot_lanes_draw_page (self->model, 0, NAN, TRUE, self->title, cr, width, height, style);
}

static PlotTable *
figure_make_table (PlotFigure *figure)
{
  PlotLanesPage *self = PLOT_LANES_PAGE (figure);

  return plot_lanes_model_make_table (self->model, self->title);
}

static const char *
figure_get_title (PlotFigure *figure)
{
  return PLOT_LANES_PAGE (figure)->title;
}

static void
plot_lanes_page_figure_init (PlotFigureInterface *iface)
{
  iface->draw = figure_draw;
  iface->make_table = figure_make_table;
  iface->get_title = figure_get_title;
}

static void
plot_lanes_page_finalize (GObject *object)
{
  PlotLanesPage *self = PLOT_LANES_PAGE (object);

  plot_lanes_model_free (self->model);
  g_free (self->title);
  G_OBJECT_CLASS (plot_lanes_page_parent_class)->finalize (object);
}

static void
plot_lanes_page_class_init (PlotLanesPageClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = plot_lanes_page_finalize;
}

static void
plot_lanes_page_init (PlotLanesPage *self)
{
  self->model = plot_lanes_model_new ();
}

PlotLanesPage *
plot_lanes_page_new (const char *title)
{
  PlotLanesPage *self = g_object_new (PLOT_TYPE_LANES_PAGE, NULL);

  self->title = g_strdup (title != NULL ? title : "");
  return self;
}

void
plot_lanes_page_set_items (PlotLanesPage *self, const PlotItem *items, guint n_items)
{
  g_return_if_fail (PLOT_IS_LANES_PAGE (self));
  g_return_if_fail (n_items == 0 || items != NULL);
  plot_lanes_model_set_items (self->model, items, n_items);
}

guint
plot_lanes_page_add_lane (PlotLanesPage *self, const PlotLaneInfo *info)
{
  g_return_val_if_fail (PLOT_IS_LANES_PAGE (self) && info != NULL, 0);
  return plot_lanes_model_add_lane (self->model, info);
}

guint
plot_lanes_page_add_series (PlotLanesPage *self, guint lane, const PlotLaneSeriesInfo *info)
{
  g_return_val_if_fail (PLOT_IS_LANES_PAGE (self) && lane < self->model->lanes->len, 0);
  return plot_lanes_model_add_series (self->model, lane, info);
}

void
plot_lanes_page_set_values (PlotLanesPage *self, guint lane, guint series, guint first, guint n,
                            const double *value, const double *lo, const double *hi,
                            const guint8 *state)
{
  g_return_if_fail (PLOT_IS_LANES_PAGE (self) && lane < self->model->lanes->len);
  plot_lanes_model_set_values (self->model, lane, series, first, n, value, lo, hi, state);
}

void
plot_lanes_page_set_lane_note (PlotLanesPage *self, guint lane, const char *note)
{
  PlotLane *data;

  g_return_if_fail (PLOT_IS_LANES_PAGE (self) && lane < self->model->lanes->len);
  data = plot_lanes_model_lane (self->model, lane);
  g_free (data->note);
  data->note = g_strdup (note);
}

void
plot_lanes_page_set_lane_limit (PlotLanesPage *self, guint lane, double limit)
{
  g_return_if_fail (PLOT_IS_LANES_PAGE (self) && lane < self->model->lanes->len && !isnan (limit));
  plot_lanes_model_lane (self->model, lane)->limit = limit;
}

void
plot_lanes_page_set_lane_total (PlotLanesPage *self, guint lane, const char *text)
{
  PlotLane *data;

  g_return_if_fail (PLOT_IS_LANES_PAGE (self) && lane < self->model->lanes->len);
  data = plot_lanes_model_lane (self->model, lane);
  g_free (data->total_text);
  data->total_text = g_strdup (text);
}

void
plot_lanes_page_set_baseline_name (PlotLanesPage *self, const char *name)
{
  g_return_if_fail (PLOT_IS_LANES_PAGE (self));
  g_free (self->model->baseline_name);
  self->model->baseline_name = g_strdup (name != NULL ? name : "");
}

double
plot_lanes_page_get_natural_height (PlotLanesPage *self)
{
  double least, better;

  g_return_val_if_fail (PLOT_IS_LANES_PAGE (self), 0);
  plot_lanes_layout_measure (self->model, 13, &least, &better);
  /* What an exported figure has beside what the widget asks for: its title. */
  return better + (*self->title != '\0' ? 28 : 0);
}
