/* What the files of PlotHeat share: plot-heat.c keeps the matrix, plot-heat-draw.c lays it out
 * and draws it, plot-heat-input.c moves about in it. */
#pragma once

#include "plot-heat.h"
#include "plot-text-private.h"

G_BEGIN_DECLS

#define PLOT_HEAT_ROW_PX 30.0

typedef struct
{
  char *name, *detail;
  PlotHeatCell *cells; /* texts owned */
} PlotHeatRow;

/* Where things lie in an area of a width; the names and the heads stay when the rest is
 * scrolled. */
typedef struct
{
  double names, cell, detail; /* widths; detail 0: no room */
  double legend, head;        /* heights; the head's is with the legend */
  double width, height;       /* of all of it */
} PlotHeatLayout;

struct _PlotHeat
{
  GtkWidget parent_instance;

  char *title, *value_name, *bar_name;
  PlotUnit value_unit, bar_unit;
  GStrv columns;
  guint n_columns;
  GPtrArray *rows; /* PlotHeatRow */
  int selected;
  PlotStyle style;
  PlotText *text;

  GtkAdjustment *adjustments[2];          /* of GtkScrollable: horizontal, vertical; nullable */
  GtkScrollablePolicy scroll_policies[2];
};

/* Pure. */
void plot_heat_find_layout (PlotHeat *self, PlotText *text, double width, PlotHeatLayout *layout);
/* Into (0, 0, @width, @height), moved by what is scrolled. */
void plot_heat_draw (PlotHeat *self, cairo_t *cr, double width, double height, double scroll_x,
                     double scroll_y, const PlotStyle *style, PlotText *text);

/* Style and fonts as the widget has them now; needed before the layout is asked for. */
void plot_heat_follow_style (PlotHeat *self);
double plot_heat_get_scroll (PlotHeat *self, GtkOrientation orientation); /* px */
void plot_heat_set_adjustment (PlotHeat *self, GtkOrientation orientation,
                               GtkAdjustment *adjustment);
void plot_heat_configure_adjustments (PlotHeat *self);
void plot_heat_add_controllers (PlotHeat *self);
/* "0.0012 nat, 57.9 µs" */
char *plot_heat_dup_cell_words (PlotHeat *self, const PlotHeatCell *cell);

G_END_DECLS
