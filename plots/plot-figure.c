/* The interface shared by everything that can be exported or read as a table. */

#include "plot-figure.h"

G_DEFINE_INTERFACE (PlotFigure, plot_figure, G_TYPE_OBJECT)

static void
plot_figure_default_init (PlotFigureInterface *iface)
{
}

void
plot_figure_draw (PlotFigure *self, cairo_t *cr, double width, double height,
                  const PlotStyle *style)
{
  g_return_if_fail (PLOT_IS_FIGURE (self));
  g_return_if_fail (cr != NULL && style != NULL);
  g_return_if_fail (width > 0 && height > 0);

  cairo_save (cr);
  cairo_rectangle (cr, 0, 0, width, height);
  cairo_clip (cr);
  if (style->background.alpha > 0)
    {
      gdk_cairo_set_source_rgba (cr, &style->background);
      cairo_paint (cr);
    }
  PLOT_FIGURE_GET_IFACE (self)->draw (self, cr, width, height, style);
  cairo_restore (cr);
}

PlotTable *
plot_figure_make_table (PlotFigure *self)
{
  g_return_val_if_fail (PLOT_IS_FIGURE (self), NULL);
  return PLOT_FIGURE_GET_IFACE (self)->make_table (self);
}

const char *
plot_figure_get_title (PlotFigure *self)
{
  g_return_val_if_fail (PLOT_IS_FIGURE (self), NULL);
  return PLOT_FIGURE_GET_IFACE (self)->get_title (self);
}
