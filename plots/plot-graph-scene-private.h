#pragma once

#include "plot-graph-model-private.h"
#include "plot-rank-private.h"

G_BEGIN_DECLS

#define PLOT_GRAPH_BOX_H 58
#define PLOT_GRAPH_HEADER_H 28 /* of the frame around an expanded group */

/* Where everything of PlotGraph lies, in pixels at zoom 1. Never changed after it was made. */

typedef struct
{
  float x0, y0, x1, y1;
} PlotGraphRect;

/* Rectangles by place: a query costs what it finds. */
typedef struct _PlotGraphIndex PlotGraphIndex;

/** @rects stay the caller's and outlive the index. */
PlotGraphIndex *plot_graph_index_new (const PlotGraphRect *rects, guint n);
void plot_graph_index_free (PlotGraphIndex *self);
/** Appends the numbers of all rectangles that touch @area to @found (guint), each once, rising. */
void plot_graph_index_query (const PlotGraphIndex *self, const PlotGraphRect *area, GArray *found);

/* Part of a line: PlotRankPiece with both ends named. */
typedef struct
{
  float x0, y0, c0, c1, x1, y1;
  guint from;  /* endpoint whose output it carries */
  guint to;    /* endpoint where it ends, or PLOT_GRAPH_NONE for a stretch on the way */
  guint into;  /* group whose frame it enters, or PLOT_GRAPH_NONE */
  guint flags; /* PLOT_PIECE_... */
} PlotGraphPiece;

typedef struct
{
  gatomicrefcount refs;
  PlotGraphRect *boxes; /* [n_boxes]; the first n_frames are frames of expanded groups */
  guint *box_endpoint;  /* [n_boxes] */
  guint n_boxes, n_frames;
  guint *box_of; /* [n_endpoints], PLOT_GRAPH_NONE when not shown */
  PlotGraphPiece *pieces;
  PlotGraphRect *piece_rects;
  guint n_pieces;
  guint *pieces_first; /* [n_endpoints + 1]: pieces by endpoint of origin */
  guint *out_first, *out_list, *in_first, *in_list; /* endpoints linked with endpoints as shown */
  PlotGraphIndex *box_index, *piece_index;
  guint n_endpoints, n_lines; /* lines as shown: each pair once */
  double width, height;
  gboolean rough; /* no crossing reduction yet */
  guint64 n_crossings;
  guint n_dummies, n_loose;
} PlotGraphScene;

/** @expanded: [n_groups]. @n_sweeps 0: rough. NULL when cancelled. Any thread. */
PlotGraphScene *plot_graph_scene_new (const PlotGraphShape *shape, const guint8 *expanded,
                                      guint n_sweeps, GCancellable *cancellable,
                                      PlotRankProgress progress, gpointer data);
PlotGraphScene *plot_graph_scene_ref (PlotGraphScene *self);
void plot_graph_scene_unref (PlotGraphScene *self); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PlotGraphScene, plot_graph_scene_unref)

/** The innermost box that holds the point, or PLOT_GRAPH_NONE. */
guint plot_graph_scene_hit (const PlotGraphScene *self, double x, double y);

/** Appends to @pieces (guint) all that belongs to lines that leave or reach @endpoint. */
void plot_graph_scene_lines_of (const PlotGraphScene *self, const PlotGraphShape *shape,
                                guint endpoint, GArray *pieces);

typedef enum
{
  PLOT_GRAPH_DOWN,
  PLOT_GRAPH_UP,
  PLOT_GRAPH_LEFT,
  PLOT_GRAPH_RIGHT,
} PlotGraphDirection;

/** Where an arrow key leads from @endpoint; PLOT_GRAPH_NONE: nowhere. Down and Up follow lines to
 * the nearest rank, there to the nearest box; Left and Right go within the rank. */
guint plot_graph_scene_step (const PlotGraphScene *self, guint endpoint,
                             PlotGraphDirection direction);

G_END_DECLS
