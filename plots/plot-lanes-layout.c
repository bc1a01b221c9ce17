/* Geometry of PlotLanes and hit testing: pure functions, tested without a display. */

#include "plot-lanes-layout-private.h"

#include <math.h>

#define MIN_ITEMS_SHOWN 3.0
#define TURNED_SIN 0.8192 /* 55 degrees */
#define TURNED_COS 0.5736
/* Labels are turned where that leaves every lane so much below its strip; otherwise some of them
 * are left out. */
#define MIN_LANE_PX 64.0

void
plot_lanes_layout_clear (PlotLanesLayout *self)
{
  g_clear_pointer (&self->slots, g_free);
  g_clear_pointer (&self->lanes, g_free);
  self->n_slots = self->room_slots = self->n_lanes = 0;
}

/* --- along the axis --- */

void
plot_lanes_layout_update_slots (PlotLanesLayout *self, const PlotLanesModel *model)
{
  double x = 0;

  if (self->room_slots < model->n_items)
    {
      self->room_slots = model->n_items;
      self->slots = g_renew (PlotSlot, self->slots, self->room_slots);
    }
  self->n_slots = 0;
  for (guint i = 0; i < model->n_items;)
    {
      const PlotLaneItem *item = &model->items[i];
      double w = 1;

      for (int up = item->parent; up >= 0; up = model->items[up].parent)
        w *= model->items[up].open;
      self->slots[self->n_slots++] = (PlotSlot){ i, x, w };
      x += w;
      i += item->open > 0 ? 1 : 1 + item->n_below;
    }
  self->total = x;
}

double
plot_lanes_layout_px (const PlotLanesLayout *self, double units)
{
  return self->plot_x
         + (units - self->view0) / fmax (self->view1 - self->view0, 1e-9) * self->plot_w;
}

double
plot_lanes_layout_units (const PlotLanesLayout *self, double px)
{
  return self->view0
         + (px - self->plot_x) / fmax (self->plot_w, 1e-9) * (self->view1 - self->view0);
}

double
plot_lanes_layout_item_px (const PlotLanesLayout *self)
{
  return self->plot_w / fmax (self->view1 - self->view0, 1e-9);
}

/* First slot whose end lies beyond @units. */
static guint
slot_search (const PlotLanesLayout *self, double units)
{
  guint lo = 0, hi = self->n_slots;

  while (lo < hi)
    {
      guint middle = lo + (hi - lo) / 2;

      if (self->slots[middle].x + self->slots[middle].w <= units)
        lo = middle + 1;
      else
        hi = middle;
    }
  return lo;
}

void
plot_lanes_layout_visible (const PlotLanesLayout *self, guint *first, guint *last)
{
  *first = slot_search (self, self->view0 + 1e-9);
  *last = slot_search (self, self->view1 - 1e-9);
  if (*last < self->n_slots)
    (*last)++;
}

int
plot_lanes_layout_slot_at (const PlotLanesLayout *self, double units)
{
  guint slot;

  if (!(units >= 0) || units >= self->total)
    return -1;
  slot = slot_search (self, units);
  return slot < self->n_slots ? (int)slot : -1;
}

int
plot_lanes_layout_slot_of (const PlotLanesLayout *self, guint item)
{
  guint lo = 0, hi = self->n_slots;

  while (lo < hi)
    {
      guint middle = lo + (hi - lo) / 2;

      if (self->slots[middle].item < item)
        lo = middle + 1;
      else
        hi = middle;
    }
  return lo < self->n_slots && self->slots[lo].item == item ? (int)lo : -1;
}

int
plot_lanes_layout_lane_at (const PlotLanesLayout *self, double py)
{
  for (guint l = 0; l < self->n_lanes; l++)
    if (self->lanes[l].h > 0 && py >= self->lanes[l].y && py < self->lanes[l].y + self->lanes[l].h)
      return (int)l;
  return -1;
}

int
plot_lanes_layout_hit (const PlotLanesLayout *self, double px, double py)
{
  int slot;

  if (px < self->plot_x || px >= self->plot_x + self->plot_w || py < self->heading_h
      || py >= self->height)
    return -1;
  slot = plot_lanes_layout_slot_at (self, plot_lanes_layout_units (self, px));
  return slot >= 0 ? (int)self->slots[slot].item : -1;
}

void
plot_lanes_layout_clamp_view (double total, double *view0, double *view1)
{
  double length = CLAMP (*view1 - *view0, fmin (MIN_ITEMS_SHOWN, total), total);
  double middle = (*view0 + *view1) / 2;

  if (!isfinite (length) || !isfinite (middle) || total <= 0)
    {
      *view0 = 0;
      *view1 = fmax (total, 1);
      return;
    }
  *view0 = CLAMP (middle - length / 2, 0, total - length);
  *view1 = *view0 + length;
}

/* --- labels --- */

static guint
nice_stride (double least)
{
  static const guint strides[]
      = { 1, 2, 4, 5, 8, 10, 16, 20, 25, 32, 50, 64, 100, 200, 250, 500, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (strides); i++)
    if (strides[i] >= least)
      return strides[i];
  return (guint)ceil (least);
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return x < y ? -1 : x > y;
}

/* Decides how the labels of one level (0: first; 1: all below) are shown; returns the height
 * needed. */
static double
choose_labels (PlotLanesLayout *self, const PlotLanesModel *model, PlotText *text, gboolean turn,
               guint level)
{
  g_autoptr (GArray) widths = g_array_new (FALSE, FALSE, sizeof (double));
  double line = plot_text_line_height (text, PLOT_FONT_SMALL);
  double item_px = plot_lanes_layout_item_px (self), typical, widest, openness = 0;
  guint first, last;

  self->label_mode[level] = PLOT_LABELS_NONE;
  self->label_stride[level] = 1;
  plot_lanes_layout_visible (self, &first, &last);
  for (guint i = first; i < last; i++)
    {
      const PlotLaneItem *item = &model->items[self->slots[i].item];

      if (MIN (item->depth, 1) == level)
        {
          double width = plot_text_width (text, PLOT_FONT_SMALL, item->label);

          g_array_append_val (widths, width);
          openness = fmax (openness, self->slots[i].w);
          if (widths->len >= 256) /* enough to judge by; keeps 3000 items cheap */
            break;
        }
    }
  if (widths->len == 0)
    return 0;
  g_array_sort (widths, compare_doubles);
  widest = g_array_index (widths, double, widths->len - 1);
  typical = g_array_index (widths, double, (widths->len - 1) * 8 / 10);

  if (widest + 6 <= item_px)
    self->label_mode[level] = PLOT_LABELS_LEVEL;
  else if (turn && typical > 26 && item_px * TURNED_SIN >= line * 0.95)
    {
      self->label_mode[level] = PLOT_LABELS_TURNED;
      return openness * (fmin (widest, TURNED_LABEL_PX) * TURNED_SIN + line * TURNED_COS + 6);
    }
  else if (level == 0 || typical <= item_px)
    {
      self->label_mode[level] = PLOT_LABELS_LEVEL;
      self->label_stride[level] = nice_stride ((typical + 10) / item_px);
    }
  else
    return 0; /* operators of many layers: the card names them */
  return openness * (line + 6);
}

static gboolean
has_groups (const PlotLanesModel *model)
{
  for (guint i = 0; i < model->n_items; i += 1 + model->items[i].n_below)
    if (model->items[i].group != NULL && *model->items[i].group != '\0')
      return TRUE;
  return FALSE;
}

/* --- boxes --- */

static gboolean
has_legend (const PlotLanesModel *model)
{
  for (guint l = 0; l < model->lanes->len; l++)
    {
      const PlotLane *lane = g_ptr_array_index (model->lanes, l);

      if (lane->visible && lane->series->len > 1)
        return TRUE;
    }
  return FALSE;
}

/* Its ticks carry their unit. */
static gboolean
has_log_lane (const PlotLanesModel *model)
{
  for (guint l = 0; l < model->lanes->len; l++)
    if (((PlotLane *)g_ptr_array_index (model->lanes, l))->flags & PLOT_LANE_LOG)
      return TRUE;
  return FALSE;
}

static double
widest_title (const PlotLanesModel *model, PlotText *text)
{
  double widest = 0;

  for (guint l = 0; l < model->lanes->len; l++)
    {
      const PlotLane *lane = g_ptr_array_index (model->lanes, l);

      if (lane->visible)
        widest = fmax (widest, plot_text_width (text, PLOT_FONT_BOLD, lane->title));
    }
  return widest;
}

static void
stack_lanes (PlotLanesLayout *self, const PlotLanesModel *model)
{
  const double gap = 6;
  double weights = 0, y = self->heading_h, room;
  guint n_shown = 0;

  self->lanes = g_renew (PlotLaneBox, self->lanes, MAX (1, model->lanes->len));
  self->n_lanes = model->lanes->len;
  for (guint l = 0; l < self->n_lanes; l++)
    {
      const PlotLane *lane = g_ptr_array_index (model->lanes, l);

      weights += lane->visible ? lane->height : 0;
      n_shown += lane->visible;
    }
  room = fmax (0, self->axis_y - y - n_shown * (self->strip_h + gap));
  for (guint l = 0; l < self->n_lanes; l++)
    {
      const PlotLane *lane = g_ptr_array_index (model->lanes, l);
      PlotLaneBox *box = &self->lanes[l];
      double plot_h = lane->visible ? floor (room * lane->height / weights) : 0;

      *box = (PlotLaneBox){ .y = y, .plot_y = y };
      if (!lane->visible)
        continue;
      box->plot_y = y + self->strip_h + gap / 2;
      box->plot_h = plot_h;
      box->h = self->strip_h + gap + plot_h;
      y += box->h;
    }
  self->axis_y = fmin (self->axis_y, y); /* what rounding left over goes below */
}

static void
choose_all_labels (PlotLanesLayout *self, const PlotLanesModel *model, PlotText *text,
                   gboolean turn)
{
  double first = choose_labels (self, model, text, turn, 0);

  self->labels_h = ceil (fmax (first, choose_labels (self, model, text, turn, 1)));
}

static guint
n_visible_lanes (const PlotLanesModel *model)
{
  guint n = 0;

  for (guint l = 0; l < model->lanes->len; l++)
    n += ((PlotLane *)g_ptr_array_index (model->lanes, l))->visible;
  return n;
}

void
plot_lanes_layout_compute (PlotLanesLayout *self, const PlotLanesModel *model, PlotText *text,
                           double width, double height, double device_scale, double view0,
                           double view1, gboolean turn_labels, const char *title)
{
  double line = plot_text_line_height (text, PLOT_FONT_SMALL);
  double ticks_w
      = plot_text_width (text, PLOT_FONT_SMALL, has_log_lane (model) ? "100 MB0" : "0000.0") + 12;
  double title_w = fmin (widest_title (model, text), 150);

  self->width = width;
  self->height = height;
  self->device_scale = device_scale;
  self->compact = width < 600;
  self->heading_h
      = title != NULL && *title != '\0' ? plot_text_line_height (text, PLOT_FONT_TITLE) + 14 : 4;
  self->title_w = self->compact ? 0 : title_w;
  self->plot_x = round (self->compact ? ticks_w : 12 + title_w + 4 + ticks_w);
  self->plot_w = fmax (1, width - self->plot_x - (self->compact ? 8 : 14));
  self->strip_h = ceil (line + 3);
  self->legend_h = 0;
  if (self->compact)
    {
      self->legend_h = has_legend (model) ? ceil (line + 3) : 0;
      self->strip_h = ceil (plot_text_line_height (text, PLOT_FONT_BOLD) + 3) + self->legend_h;
    }

  plot_lanes_layout_clamp_view (self->total, &view0, &view1);
  self->view0 = view0;
  self->view1 = view1;
  choose_all_labels (self, model, text, turn_labels);
  if (turn_labels
      && height - self->labels_h < n_visible_lanes (model) * (self->strip_h + MIN_LANE_PX))
    choose_all_labels (self, model, text, FALSE);
  /* Turned labels never take more than a third of a small window. */
  self->labels_h = fmin (self->labels_h, fmax (line + 6, height / 3));
  self->groups_h = has_groups (model) ? ceil (line + 8) : 0;
  self->axis_y = floor (height - self->labels_h - self->groups_h - 4);
  stack_lanes (self, model);
}

void
plot_lanes_layout_measure (const PlotLanesModel *model, double font_size_px, double *minimum,
                           double *natural)
{
  guint n = n_visible_lanes (model);

  *minimum = n * font_size_px * 4.5 + font_size_px * 3;
  *natural = n * font_size_px * 11 + font_size_px * 4;
}

void
plot_lanes_layout_lane_scale (const PlotLanesLayout *self, const PlotLane *lane, guint index,
                              PlotScale *scale)
{
  const PlotLaneBox *box = &self->lanes[index];

  scale->kind = lane->flags & PLOT_LANE_LOG ? PLOT_AXIS_LOG : PLOT_AXIS_LINEAR;
  scale->min = lane->y_min;
  scale->max = lane->y_max;
  scale->px0 = box->plot_y + box->plot_h;
  scale->px1 = box->plot_y;
}
