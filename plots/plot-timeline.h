#pragma once

#include <gtk/gtk.h>
#include "plot-figure.h"

G_BEGIN_DECLS

/**
 * PlotTimeline: what happened in several rows (threads) over time. A span is a box from its start
 * to its end, coloured by group, with its name where there is room; the part in which it only
 * waited is hatched. Zooms from nanoseconds to everything; 100,000 spans pan within a frame.
 *
 *   PlotTimeline *timeline = PLOT_TIMELINE (plot_timeline_new ());
 *   plot_timeline_set_data (timeline, &(PlotTimelineData){ .spans = spans, .n_spans = n, ... });
 *
 * Pointer: click selects, double click zooms to a span (to everything beside them), wheel zooms
 * about the pointer, Shift + wheel and drag pan, pinch zooms. Keyboard: Left and Right move to the
 * next span of the row, Up and Down to the row above or below, Home and End to the ends of the row,
 * Page Up and Page Down pan, Enter zooms to the span, + and - zoom, 0 shows everything, Escape
 * takes the selection away.
 *
 * Accessibility: the label is the title and the reading of the selected span; all of it is a table
 * through plot_figure_make_table ().
 */
#define PLOT_TYPE_TIMELINE (plot_timeline_get_type ())
G_DECLARE_FINAL_TYPE (PlotTimeline, plot_timeline, PLOT, TIMELINE, GtkWidget)

/* Properties
 *   title          string  drawn in exports, spoken by the screen reader; ""
 *   axis-title     string  below the axis, before the unit; "Time"
 *   empty-text     string  what stands where there is no span; "Nothing to show"
 *   selected-span  int     index in the data; -1 none; out of range is -1; two-way
 * Signals
 *   span-activated (int span)   Enter, or a double click on a span
 */

typedef struct
{
  gint64 start_ns;
  gint64 wait_ns; /* where waiting begins; end_ns: it did not wait */
  gint64 end_ns;  /* start <= wait <= end */
  guint row;
  guint name;  /* index of names */
  guint group; /* index of groups */
  int item;    /* what it stands for, -1 nothing: spans of one item can be marked together */
  int family;  /* of items, marked together, too */
} PlotTimelineSpan;

typedef struct
{
  const char *name;
  gboolean thin; /* a lane of headings: lower than the others */
} PlotTimelineRow;

typedef struct
{
  const char *name;
  int color; /* of the palette; -1: grey */
} PlotTimelineGroup;

/** Everything is copied. Spans of one row must not overlap. */
typedef struct
{
  const PlotTimelineSpan *spans;
  guint n_spans;
  const PlotTimelineRow *rows; /* from top to bottom */
  guint n_rows;
  const PlotTimelineGroup *groups;
  guint n_groups;
  const char *const *names;
  const char *const *details; /* beside each name on cards and in the table; NULL: none */
  guint n_names;
} PlotTimelineData;

GtkWidget *plot_timeline_new (void);

/** Replaces everything and shows all of it; NULL: nothing. O(n log n). */
void plot_timeline_set_data (PlotTimeline *self, const PlotTimelineData *data);
guint plot_timeline_get_n_spans (PlotTimeline *self);

int plot_timeline_get_selected_span (PlotTimeline *self);
/** Selects a span and brings it into view. */
void plot_timeline_set_selected_span (PlotTimeline *self, int span);
/** Marks all spans of @item, or where that is -1 of @family; both -1: none. */
void plot_timeline_set_marked (PlotTimeline *self, int item, int family);

/** The stretch of time that is shown, in ns. */
void plot_timeline_get_view (PlotTimeline *self, double *start_ns, double *end_ns);
void plot_timeline_set_view (PlotTimeline *self, double start_ns, double end_ns);
void plot_timeline_fit (PlotTimeline *self);

/** "Thread 1, blk.3.attn, attention: 12.3 µs, of which 0.4 µs waiting, from 1.20 ms." New; "" when
 * nothing is selected. */
char *plot_timeline_dup_reading (PlotTimeline *self);

G_END_DECLS
