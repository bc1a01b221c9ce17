/* A chart without a widget. Called by reports. */

#include "plot-chart-page.h"

#include "plot-chart-private.h"

struct _PlotChartPage
{
  GObject parent_instance;

  /* Data for the draw functions, which read members and never ask whether it is an instance. */
  PlotChart chart;
};

static void plot_chart_page_figure_init (PlotFigureInterface *iface);

G_DEFINE_TYPE_WITH_CODE (PlotChartPage, plot_chart_page, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (PLOT_TYPE_FIGURE, plot_chart_page_figure_init))

static void
figure_draw (PlotFigure *figure, cairo_t *cr, double width, double height, const PlotStyle *style)
{
  plot_chart_draw_figure (&PLOT_CHART_PAGE (figure)->chart, cr, width, height, style);
}

static PlotTable *
figure_make_table (PlotFigure *figure)
{
  return plot_chart_make_table (&PLOT_CHART_PAGE (figure)->chart);
}

static const char *
figure_get_title (PlotFigure *figure)
{
  return PLOT_CHART_PAGE (figure)->chart.title;
}

static void
plot_chart_page_figure_init (PlotFigureInterface *iface)
{
  iface->draw = figure_draw;
  iface->make_table = figure_make_table;
  iface->get_title = figure_get_title;
}

static void
plot_chart_page_finalize (GObject *object)
{
  PlotChart *chart = &PLOT_CHART_PAGE (object)->chart;

  g_free (chart->title);
  g_clear_object (&chart->x_axis);
  g_clear_object (&chart->y_axis);
  g_ptr_array_unref (chart->layers);
  G_OBJECT_CLASS (plot_chart_page_parent_class)->finalize (object);
}

static void
plot_chart_page_class_init (PlotChartPageClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = plot_chart_page_finalize;
}

static void
plot_chart_page_init (PlotChartPage *self)
{
  self->chart.layers = g_ptr_array_new_with_free_func (g_object_unref);
  self->chart.show_legend = TRUE;
}

PlotChartPage *
plot_chart_page_new (const char *title, PlotAxis *x_axis, PlotAxis *y_axis)
{
  PlotChartPage *self = g_object_new (PLOT_TYPE_CHART_PAGE, NULL);

  self->chart.title = g_strdup (title != NULL ? title : "");
  self->chart.x_axis = g_object_ref (x_axis);
  self->chart.y_axis = g_object_ref (y_axis);
  return self;
}

void
plot_chart_page_add_layer (PlotChartPage *self, PlotLayer *layer)
{
  g_return_if_fail (PLOT_IS_CHART_PAGE (self) && PLOT_IS_LAYER (layer));

  if (plot_layer_get_color (layer) < 0)
    plot_layer_set_color (layer, (int)self->chart.layers->len);
  g_ptr_array_add (self->chart.layers, g_object_ref (layer));
  self->chart.extents_dirty = TRUE;
}
