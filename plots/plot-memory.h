#pragma once

#include <gtk/gtk.h>
#include "plot-figure.h"

G_BEGIN_DECLS

/**
 * PlotMemory: who lies where in one piece of memory, and when. Across, steps in their order; up,
 * addresses in bytes; every buffer is a rectangle from the step that writes it to the last that
 * reads it. A line marks the size of the whole, another the least that any placement would need,
 * a stepped line what is alive at each step.
 *
 *   PlotMemory *memory = PLOT_MEMORY (plot_memory_new ());
 *   plot_memory_set_data (memory, &(PlotMemoryData){ .buffers = buffers, .n_buffers = n,
 *                         .steps = steps, .n_steps = n_steps, .total_bytes = plan_bytes,
 *                         .lower_bound_bytes = bound });
 *
 * There are two selections: a *buffer* and a *step* (a column). A click sets both; the table of who
 * is alive at the step comes from plot_memory_make_alive_table () on notify::step.
 *
 * Keyboard: Left and Right move to the next step, Page Up and Page Down by ten, Up and Down choose
 * among the buffers alive there, P goes to the step where most is alive, Home and End to the ends,
 * Enter activates, + and - zoom, 0 shows everything, Escape takes the selections away. Pointer:
 * click selects, wheel zooms about the pointer (with scroll-zooms, or Ctrl), Shift + wheel and drag
 * pan, pinch zooms.
 *
 * Accessibility: the accessible label is the title and the reading of what is selected
 * (plot_memory_dup_reading ()); all of it is a table through plot_figure_make_table ().
 */
#define PLOT_TYPE_MEMORY (plot_memory_get_type ())
G_DECLARE_FINAL_TYPE (PlotMemory, plot_memory, PLOT, MEMORY, GtkWidget)

/* Properties
 *   title           string   drawn in exports, spoken by the screen reader; ""
 *   selected        string   id of a buffer, NULL none; an unknown id is NULL; two-way
 *   selected-step   int      -1 none; out of range is -1; two-way
 *   hovered         string   read-only: buffer under the pointer
 *   empty-text      string   what stands where there is no buffer; "Nothing to show"
 *   scroll-zooms    boolean  TRUE; FALSE leaves the plain wheel to a scrolled window around
 * Signals
 *   buffer-activated (string id)   double click or Enter
 */

typedef enum
{
  PLOT_MEMORY_INPUT,
  PLOT_MEMORY_ACTIVATION,
  PLOT_MEMORY_STATE,
  PLOT_MEMORY_SCRATCH,
  PLOT_MEMORY_N_KINDS,
} PlotMemoryKind;

/** Strings are copied. */
typedef struct
{
  const char *id;     /* unique */
  const char *name;   /* NULL: the id */
  const char *detail; /* shape and type, say; NULL: none */
  PlotMemoryKind kind;
  guint first, last;     /* steps, inclusive */
  guint64 offset, bytes; /* bytes > 0 */
} PlotMemoryBuffer;

typedef struct
{
  const char *name;
  const char *group; /* steps of one group in a row share a bracket under the axis; NULL: none */
} PlotMemoryStep;

typedef struct
{
  const PlotMemoryBuffer *buffers;
  guint n_buffers;
  const PlotMemoryStep *steps;
  guint n_steps;
  guint64 total_bytes;       /* of the whole memory; 0: the highest end of a buffer */
  guint64 lower_bound_bytes; /* no placement needs less; 0: no line */
  const char *kind_names[PLOT_MEMORY_N_KINDS]; /* NULL: "input", "activation", "state", "scratch" */
} PlotMemoryData;

GtkWidget *plot_memory_new (void);

/** Replaces everything (copied); NULL: none. The selections are kept where they still exist. O(n
 * log n). A buffer that ends before it begins or after the last step, or id twice: a programmer's
 * error. */
void plot_memory_set_data (PlotMemory *self, const PlotMemoryData *data);
guint plot_memory_get_n_buffers (PlotMemory *self);

const char *plot_memory_get_selected (PlotMemory *self);
/** Selects a buffer and scrolls it into view. */
void plot_memory_set_selected (PlotMemory *self, const char *id);
int plot_memory_get_selected_step (PlotMemory *self);
void plot_memory_set_selected_step (PlotMemory *self, int step);

/** The step where most is alive (the first such), -1 without steps. */
int plot_memory_get_peak_step (PlotMemory *self);
/** Bytes alive at a step: memory under several buffers counts once. */
guint64 plot_memory_get_alive_bytes (PlotMemory *self, guint step);
/** Who is alive at @step, largest first: name, kind, bytes, share, steps. A new reference. */
PlotTable *plot_memory_make_alive_table (PlotMemory *self, guint step);

/** Shows all steps, and keeps doing so. */
void plot_memory_fit (PlotMemory *self);
/** Zooms by @factor (> 1: nearer) about the selected step when it is in view, else the middle. */
void plot_memory_zoom (PlotMemory *self, double factor);

/** What is selected in words: "Step 12 of 300, conv 3: 5 buffers alive, 1.20 MB of 1.52 MB. conv
 * 2, activation, 300 kB, steps 10 to 14, at 0 B." New string, "" when nothing is selected. */
char *plot_memory_dup_reading (PlotMemory *self);

G_END_DECLS
