#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Where the names of points go (plot-labels.c). Pure. */

typedef struct
{
  double x, y; /* the point */
  double w, h; /* size of its name; w 0: it has none, but no other name may cover the point */

  gboolean placed;       /* FALSE: there was no room */
  gboolean leader;       /* far enough from its point to need a line to it */
  double at_x, at_y;     /* top left corner of the name */
  double line_x, line_y; /* where that line meets the name */
} PlotLabel;

/** Places names beside their points, in the order given (the most important first): none covers
 * another, a point (a disc of @radius) or leaves the area; where there is no room, the name is left
 * out. O(n²). */
void plot_labels_place (PlotLabel *labels, gsize n, double radius, double area_x, double area_y,
                        double area_w, double area_h);

G_END_DECLS
