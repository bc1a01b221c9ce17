#pragma once

#include "plot-roof.h"

G_BEGIN_DECLS

/* Where names of roofs go (plot-layer-roof.c); pure, for its test. */

/** A visible line among others of the same direction, seen in a frame turned so that all are level.
 */
typedef struct
{
  double length_px;
  double offset_px;                    /* grows downwards */
  double angle;                        /* radians, negative: rising */
  double room_above_px, room_below_px; /* to the edges of the plot */
  double name_above_px,
      name_below_px; /* taken by its name, once that is placed; the names after it keep clear */
} PlotRoofLine;

typedef struct
{
  gboolean is_below; /* FALSE: stands on its line */
} PlotRoofName;

/** FALSE: the name would touch another line or leave the plot. */
gboolean plot_roof_place_name (const PlotRoofLine *lines, guint n, guint line, double width_px,
                               double height_px, PlotRoofName *name);

G_END_DECLS
