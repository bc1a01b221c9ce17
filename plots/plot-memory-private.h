#pragma once

#include "plot-card-private.h"
#include "plot-memory.h"

G_BEGIN_DECLS

#define PLOT_MEMORY_NONE G_MAXUINT

/* --- data --- */

typedef struct
{
  char *id, *name, *detail;
  PlotMemoryKind kind;
  guint first, last;
  guint64 offset, bytes;
} PlotMemoryItem;

typedef struct
{
  PlotMemoryItem *items; /* [n_items] by first step, then address */
  guint n_items, n_steps;
  char **step_names, **step_groups; /* [n_steps] */
  char *kind_names[PLOT_MEMORY_N_KINDS];
  gboolean has_kind[PLOT_MEMORY_N_KINDS];
  guint64 *alive_bytes; /* [n_steps] */
  guint64 total_bytes, lower_bound_bytes;
  guint peak_step; /* PLOT_MEMORY_NONE without steps */
  GHashTable *by_id;
} PlotMemoryModel;

PlotMemoryModel *plot_memory_model_new (const PlotMemoryData *data);
void plot_memory_model_free (PlotMemoryModel *self);
guint plot_memory_model_find (const PlotMemoryModel *self, const char *id);
/** Items alive at @step by address; free with g_array_unref (). Of guint. */
GArray *plot_memory_model_alive (const PlotMemoryModel *self, guint step);

/* --- geometry and pictures: pure --- */

typedef struct
{
  double width, height, device_scale;
  double heading_h, strip_h; /* title of a page; legend */
  double plot_x, plot_y, plot_w, plot_h;
  double groups_h;
  double view0, view1; /* steps shown; step i reaches from i to i + 1 */
  double max_bytes;    /* upper end of the axis */
} PlotMemoryLayout;

void plot_memory_layout (PlotMemoryLayout *self, const PlotMemoryModel *model, PlotText *text,
                         double width, double height, double device_scale, double view0,
                         double view1, const char *title);

static inline double
plot_memory_px (const PlotMemoryLayout *self, double step)
{
  return self->plot_x + (step - self->view0) / (self->view1 - self->view0) * self->plot_w;
}

static inline double
plot_memory_py (const PlotMemoryLayout *self, double bytes)
{
  return self->plot_y + self->plot_h * (1 - bytes / self->max_bytes);
}

/** Step under a point of the plot, PLOT_MEMORY_NONE outside; @bytes gets the address. */
guint plot_memory_step_at (const PlotMemoryModel *model, const PlotMemoryLayout *layout, double px,
                           double py, double *bytes);
/** Item under a point, or PLOT_MEMORY_NONE. */
guint plot_memory_hit (const PlotMemoryModel *model, const PlotMemoryLayout *layout, double px,
                       double py);

/** Rectangles, lines, axes, legend. */
void plot_memory_draw (const PlotMemoryModel *model, const PlotMemoryLayout *layout, cairo_t *cr,
                       PlotText *text, const PlotStyle *style);
/** Over them: one item's outline, one step's column. */
void plot_memory_draw_item (const PlotMemoryModel *model, const PlotMemoryLayout *layout,
                            guint item, gboolean strong, cairo_t *cr, const PlotStyle *style);
void plot_memory_draw_step (const PlotMemoryLayout *layout, guint step, gboolean strong,
                            cairo_t *cr, const PlotStyle *style);

/* --- words --- */

char *plot_memory_model_dup_reading (const PlotMemoryModel *model, guint step, guint item);
PlotCard *plot_memory_model_make_card (const PlotMemoryModel *model, guint step, guint item);
PlotTable *plot_memory_model_make_table (const PlotMemoryModel *model, const char *title);
PlotTable *plot_memory_model_make_alive_table (const PlotMemoryModel *model, guint step);
void plot_memory_kind_swatch (const PlotMemoryModel *model, PlotMemoryKind kind, PlotCardRow *row);

/* --- the widget --- */

struct _PlotMemory
{
  GtkWidget parent_instance;

  PlotMemoryModel *model;
  char *title, *empty_text;
  gboolean scroll_zooms;
  guint selected, hovered; /* items */
  guint step, hovered_step;
  gboolean hover_shown, keyboard_shown;
  double pointer_x, pointer_y;

  PlotStyle style;
  PlotText *text;
  PlotMemoryLayout layout;
  gboolean fitted;
  double view0, view1, goal0, goal1;
  double drag_view0, pinch_length;
  guint tick_id;
  gint64 last_tick_us;
  guint64 serial, node_serial;
  PlotMemoryLayout node_layout;
  GskRenderNode *node;
};

/* plot-memory-view.c */
void plot_memory_view_init (PlotMemory *self);
void plot_memory_view_clear (PlotMemory *self);
void plot_memory_invalidate (PlotMemory *self);
void plot_memory_snapshot (GtkWidget *widget, GtkSnapshot *snapshot);
void plot_memory_draw_figure (PlotMemory *self, cairo_t *cr, double width, double height,
                              const PlotStyle *style);
void plot_memory_move_view (PlotMemory *self, double view0, double view1, gboolean smooth);
void plot_memory_zoom_about (PlotMemory *self, double factor, double step, gboolean smooth);
/** Brings steps @first..@last into view. */
void plot_memory_reveal (PlotMemory *self, guint first, guint last);

/* plot-memory-input.c */
void plot_memory_input_init (PlotMemory *self);
void plot_memory_update_hover (PlotMemory *self);

/* plot-memory.c */
void plot_memory_select (PlotMemory *self, guint item);
void plot_memory_select_step (PlotMemory *self, guint step);
void plot_memory_set_hovered (PlotMemory *self, guint item, guint step);
void plot_memory_activate (PlotMemory *self, guint item);

G_END_DECLS
