#pragma once

#include "plot-style.h"

G_BEGIN_DECLS

/* Text of one style. Keeps its Pango layouts: the same label in the next frame costs a hash lookup.
 */
typedef struct _PlotText PlotText;

typedef enum
{
  PLOT_FONT_SMALL, /* ticks, units: 0.85 of the body */
  PLOT_FONT_BODY,
  PLOT_FONT_BOLD,
  PLOT_FONT_TITLE, /* 1.15 of the body, bold */
  PLOT_N_FONTS,
} PlotFont;

PlotText *plot_text_new (const PlotStyle *style);
void plot_text_free (PlotText *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PlotText, plot_text_free)

/** TRUE if @style needs no other fonts than @self was made for. */
gboolean plot_text_fits_style (PlotText *self, const PlotStyle *style);

/** Logical size in pixels; either may be NULL. */
void plot_text_measure (PlotText *self, PlotFont font, const char *text, double *width_px,
                        double *height_px);
double plot_text_width (PlotText *self, PlotFont font, const char *text);
double plot_text_line_height (PlotText *self, PlotFont font);

/** Draws @text so that the point (@x, @y) lies at @xalign, @yalign (0..1) of its box. @max_width_px
 * > 0 cuts it with an ellipsis. Does nothing when the style is marks_only. */
void plot_text_draw (PlotText *self, cairo_t *cr, PlotFont font, const GdkRGBA *color,
                     const char *text, double x, double y, double xalign, double yalign,
                     double max_width_px);
/** The same for names of items, turned by @radians about (@x, @y) and cut at their beginning: names
 * of layers differ at their end ("model.layers.3.mlp.down"). */
void plot_text_draw_name (PlotText *self, cairo_t *cr, PlotFont font, const GdkRGBA *color,
                          const char *text, double x, double y, double xalign, double yalign,
                          double max_width_px, double radians);

G_END_DECLS
