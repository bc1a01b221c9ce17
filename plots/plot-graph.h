#pragma once

#include <gtk/gtk.h>
#include "plot-figure.h"

G_BEGIN_DECLS

/**
 * PlotGraph: a directed graph from top to bottom, for ten nodes or ten thousand.
 *
 * Nodes may belong to *groups*; a group is one box with the number of its nodes until it is
 * expanded. A *metric* colours the boxes; each also carries the number and a bar of that length, so
 * colour is never alone.
 *
 *   PlotGraph *graph = PLOT_GRAPH (plot_graph_new ());
 *   plot_graph_set_graph (graph, &(PlotGraphData){ .nodes = nodes, .n_nodes = n, .groups = groups,
 *                         .n_groups = n_groups, .edges = edges, .n_edges = n_edges });
 *   plot_graph_set_metric (graph, &(PlotGraphMetric){ .title = "Latency", .unit = PLOT_UNIT_NS },
 *                          values, NULL);
 *
 * Boxes are placed in layers on a worker thread when there are many; the layout before stays until
 * the new one is there, a first rough one comes early, and Escape or plot_graph_cancel_layout ()
 * stops it. The same graph always gives the same picture.
 *
 * Keyboard: Down and Up follow a line to the next and the previous box, Left and Right go to the
 * neighbour, Home and End to the first and last box, Enter or Space expands and closes, Backspace
 * closes the group of the selected node, + and - zoom, 0 shows everything, Page Up and Page Down
 * scroll, Escape stops a layout or takes the selection away. Pointer: click selects, double click
 * expands, drag pans, wheel scrolls, Ctrl + wheel and pinch zoom about the pointer.
 *
 * Accessibility: the accessible label is the title and the reading of the selected box
 * (plot_graph_dup_reading ()); all of it is a table through plot_figure_make_table ().
 */
#define PLOT_TYPE_GRAPH (plot_graph_get_type ())
G_DECLARE_FINAL_TYPE (PlotGraph, plot_graph, PLOT, GRAPH, GtkWidget)

/* Properties
 *   title         string   drawn in exports, spoken by the screen reader; ""
 *   selected      string   id of the selected node or group, NULL none; an unknown id is NULL;
 *                          two-way
 *   hovered       string   read-only
 *   empty-text    string   what stands where there is no node; "Nothing to show"
 *   scroll-zooms  boolean  FALSE; TRUE: the plain wheel zooms, too
 *   busy          boolean  read-only; TRUE while a layout is on the way
 * Signals
 *   node-activated  (string id)                    double click, Enter or Space on a node
 *   group-expanded  (string id, boolean expanded)  also for plot_graph_set_expanded ()
 *   layout-changed                                 a layout (rough or final) is in place
 */

#define PLOT_GRAPH_NO_GROUP G_MAXUINT

/** Strings are copied. */
typedef struct
{
  const char *id;      /* unique among nodes and groups */
  const char *title;   /* first line; NULL: the id */
  const char *detail;  /* second line, dim: operator and shape, say; NULL: none */
  guint group;         /* index of its group, or PLOT_GRAPH_NO_GROUP */
  const char *problem; /* what is wrong with it, a sentence: marked, read out, on the card; NULL:
                          nothing */
} PlotGraphNode;

typedef struct
{
  const char *id, *title; /* as for nodes */
  const char *detail;     /* NULL: "12 nodes" */
} PlotGraphGroup;

/** Indices of nodes. Edges given twice and edges to oneself are drawn once and not at all. */
typedef struct
{
  guint from, to;
} PlotGraphEdge;

typedef struct
{
  const PlotGraphNode *nodes;
  guint n_nodes;
  const PlotGraphGroup *groups;
  guint n_groups;
  const PlotGraphEdge *edges;
  guint n_edges;
  const char *problem_title; /* of the mark, in the legend: "Not supported"; NULL: "Problem" */
} PlotGraphData;

typedef struct
{
  const char *title; /* "Latency": legend, card, table */
  PlotUnit unit;
} PlotGraphMetric;

GtkWidget *plot_graph_new (void);

/** Replaces the graph (copied); NULL: none. The metric goes. Selection and expanded groups are kept
 * where the ids still exist. Id twice, index out of range: a programmer's error. O(n). */
void plot_graph_set_graph (PlotGraph *self, const PlotGraphData *data);
guint plot_graph_get_n_nodes (PlotGraph *self);

/** Colours every box. @node_values: [n_nodes], NaN not measured. @group_values: [n_groups], NULL:
 * the sum of the nodes'. The deepest colour is the largest value on screen, as the legend says.
 * @metric NULL: no colour. Costs no layout; at most one redraw per frame. */
void plot_graph_set_metric (PlotGraph *self, const PlotGraphMetric *metric,
                            const double *node_values, const double *group_values);

/** More rows for the card of the box under the pointer: call plot_graph_card_add () from it. */
typedef struct _PlotCard PlotGraphCard;
typedef void (*PlotGraphCardFunc) (PlotGraph *self, const char *id, PlotGraphCard *card,
                                   gpointer data);
void plot_graph_set_card_func (PlotGraph *self, PlotGraphCardFunc func, gpointer data,
                               GDestroyNotify destroy);
void plot_graph_card_add (PlotGraphCard *card, const char *label, const char *value);

const char *plot_graph_get_selected (PlotGraph *self);
/** Selects a node or group and scrolls it into view. A node of a closed group: its group is
 * expanded. */
void plot_graph_set_selected (PlotGraph *self, const char *id);

void plot_graph_set_expanded (PlotGraph *self, const char *group_id, gboolean expanded);
gboolean plot_graph_get_expanded (PlotGraph *self, const char *group_id);
/** All groups at once: one layout. */
void plot_graph_set_all_expanded (PlotGraph *self, gboolean expanded);

/** TRUE while a layout is on the way; @frac, when not NULL, how far it is, 0..1. */
gboolean plot_graph_get_busy (PlotGraph *self, double *frac);
/** Stops it; what was there before stays. */
void plot_graph_cancel_layout (PlotGraph *self);
/** Finishes a layout on this thread, for files and tests. */
void plot_graph_ensure_layout (PlotGraph *self);

/** Pixels that all of it takes at zoom 1, with margins and heading: a page on which every word can
 * be read. Finishes a layout on the way. */
void plot_graph_get_size (PlotGraph *self, int *width_px, int *height_px);

/** Shows everything, and keeps doing so as the window changes. */
void plot_graph_fit (PlotGraph *self);
/** Zooms by @factor (> 1: nearer) about the selected box when it is in view, else the middle. */
void plot_graph_zoom (PlotGraph *self, double factor);

/** The box in words: "Block 3, group of 12 nodes, closed. Latency 1.52 ms, 4.2 % of the largest.
 * 1 line in, 2 out." New string, "" for an unknown id. */
char *plot_graph_dup_reading (PlotGraph *self, const char *id);

G_END_DECLS
