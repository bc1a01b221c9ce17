/* What surrounds the marks of PlotLanes: titles, ticks, grid, legend, totals, labels under the
 * axis. */

#include "plot-lanes-draw-private.h"

#include <math.h>
#include "plot-card-private.h"
#include "plot-marks-private.h"

/* --- grid and ticks --- */

static void
level_line (cairo_t *cr, const PlotLanesLayout *layout, double y)
{
  double thin = 1 / layout->device_scale * fmax (1, floor (layout->device_scale));

  cairo_rectangle (cr, layout->plot_x, plot_snap (y, layout->device_scale), layout->plot_w, thin);
}

static void
draw_ticks (const PlotLane *lane, const PlotLanesLayout *layout, guint index,
            const PlotTicks *ticks, cairo_t *cr, PlotText *text, const PlotStyle *style)
{
  const PlotLaneBox *box = &layout->lanes[index];
  PlotScale scale;

  plot_lanes_layout_lane_scale (layout, lane, index, &scale);
  for (guint i = 0; i < ticks->n_major; i++)
    {
      double y = plot_scale_to_px (&scale, ticks->major[i]);
      g_autofree char *label = NULL;

      if (!(y >= box->plot_y - 1 && y <= box->plot_y + box->plot_h + 1))
        continue;
      level_line (cr, layout, y);
      plot_set_color (cr, ticks->major[i] == 0 ? &style->axis : &style->grid, 1);
      cairo_fill (cr);
      label = plot_ticks_dup_label (ticks, i, &lane->unit);
      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, label, layout->plot_x - 6, y, 1,
                      0.5, 0);
    }
  if (lane->flags & PLOT_LANE_LOG) /* no zero: the foot of the bars is the axis */
    {
      level_line (cr, layout, box->plot_y + box->plot_h);
      plot_set_color (cr, &style->axis, 1);
      cairo_fill (cr);
    }
}

/* Children of an open item stand on a faint ground between thin lines. */
static void
draw_open_ranges (const PlotLanesModel *model, const PlotLanesLayout *layout, double y, double h,
                  cairo_t *cr, const PlotStyle *style)
{
  guint first, last;
  double start = NAN, end = 0;

  plot_lanes_layout_visible (layout, &first, &last);
  for (guint i = first; i <= last; i++)
    {
      gboolean below = i < last && model->items[layout->slots[i].item].depth > 0;

      if (below)
        {
          if (isnan (start))
            start = plot_lanes_layout_px (layout, layout->slots[i].x);
          end = plot_lanes_layout_px (layout, layout->slots[i].x + layout->slots[i].w);
        }
      else if (!isnan (start))
        {
          start = fmax (start, layout->plot_x);
          end = fmin (end, layout->plot_x + layout->plot_w);
          cairo_rectangle (cr, start, y, end - start, h);
          plot_set_color (cr, &style->text, 0.035);
          cairo_fill (cr);
          start = NAN;
        }
    }
}

/* --- legend and total --- */

char *
plot_lanes_dup_total_text (PlotLanesModel *model, guint lane_index)
{
  const PlotLane *lane = plot_lanes_model_lane (model, lane_index);
  const char *word = lane->total == PLOT_TOTAL_MAX ? "max" : "sum";
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean stack_done = FALSE, several = plot_lane_count_role (lane, PLOT_ROLE_BAR) > 1;

  if (lane->total_text != NULL)
    return g_strdup (lane->total_text);
  if (lane->total == PLOT_TOTAL_NONE)
    return NULL;
  for (guint s = 0; s < lane->series->len; s++)
    {
      const PlotLaneSeries *series = plot_lane_get_series (lane, s);
      gboolean stack = series->info.role == PLOT_ROLE_STACK;
      g_autofree char *value = NULL;
      double total;

      if (series->info.role == PLOT_ROLE_BASELINE || (stack && stack_done))
        continue;
      stack_done |= stack;
      total = plot_lanes_model_total (model, lane_index, s);
      if (isnan (total))
        continue;
      value = plot_format_value (&lane->unit, total, 3);
      g_string_append_printf (out, "%s%s %s%s%s", out->len > 0 ? "  \u00b7  " : "", word,
                              several ? series->name : "", several ? " " : "", value);
    }
  return out->len > 0 ? g_strdup (out->str) : NULL;
}

static void
series_swatch (const PlotLaneSeries *series, const PlotStyle *style, PlotCardRow *row)
{
  gboolean baseline = series->info.role == PLOT_ROLE_BASELINE;

  *row = (PlotCardRow){ .swatch = baseline                               ? PLOT_CARD_GHOST
                                  : series->info.role == PLOT_ROLE_POINT ? PLOT_CARD_SHAPE
                                                                         : PLOT_CARD_BOX,
                        .color = baseline ? style->baseline
                                          : *plot_style_color (style, series->info.color),
                        .pattern = series->info.pattern,
                        .shape = series->info.shape,
                        .state = PLOT_STATE_MEASURED };
}

static gboolean
lane_has_state (const PlotLane *lane, guint n_items, PlotState state)
{
  for (guint s = 0; s < lane->series->len; s++)
    {
      const PlotLaneSeries *series = plot_lane_get_series (lane, s);

      for (guint i = 0; series->info.role != PLOT_ROLE_BASELINE && i < n_items; i++)
        if (series->state[i] == state)
          return TRUE;
    }
  return FALSE;
}

static gboolean
has_values (const PlotLaneSeries *series, guint n_items)
{
  for (guint i = 0; i < n_items; i++)
    if (series->state[i] != PLOT_STATE_ABSENT)
      return TRUE;
  return FALSE;
}

typedef struct
{
  cairo_t *cr;
  PlotText *text;
  const PlotStyle *style;
  double x, y, end;
} Legend;

static void
legend_entry (Legend *legend, const PlotCardRow *swatch, const char *name)
{
  double w = plot_text_width (legend->text, PLOT_FONT_SMALL, name) + 22;

  if (legend->x + w > legend->end)
    {
      legend->end = legend->x; /* no shorter one behind it either: the order must stay readable */
      return;
    }
  plot_swatch_draw (legend->cr, swatch, legend->style, legend->x, legend->y - 6);
  plot_text_draw (legend->text, legend->cr, PLOT_FONT_SMALL, &legend->style->dim_text, name,
                  legend->x + 21, legend->y, 0, 0.5, 0);
  legend->x += w + 12;
}

/* Names what a reader cannot know: the parts, the ghost, the hollow form. */
static void
draw_legend (PlotLanesModel *model, const PlotLane *lane, Legend *legend)
{
  gboolean baseline_done = FALSE;
  guint n_named = lane->series->len - plot_lane_count_role (lane, PLOT_ROLE_BASELINE);
  PlotCardRow row;

  for (guint s = 0; s < lane->series->len; s++)
    {
      const PlotLaneSeries *series = plot_lane_get_series (lane, s);

      if (series->info.role == PLOT_ROLE_BASELINE || n_named < 2)
        continue;
      series_swatch (series, legend->style, &row);
      legend_entry (legend, &row, series->name);
    }
  for (guint s = 0; s < lane->series->len && model->show_baseline && !baseline_done; s++)
    {
      const PlotLaneSeries *series = plot_lane_get_series (lane, s);

      if (series->info.role != PLOT_ROLE_BASELINE || !has_values (series, model->n_items))
        continue;
      series_swatch (series, legend->style, &row);
      legend_entry (legend, &row, model->baseline_name);
      baseline_done = TRUE;
    }
  for (PlotState state = PLOT_STATE_ESTIMATE; state <= PLOT_STATE_ATTRIBUTED; state++)
    if (lane_has_state (lane, model->n_items, state))
      {
        row = (PlotCardRow){ .swatch = PLOT_CARD_BOX,
                             .color = legend->style->dim_text,
                             .pattern = state == PLOT_STATE_ATTRIBUTED ? PLOT_PATTERN_DOTS
                                                                       : PLOT_PATTERN_SOLID,
                             .state = state };
        legend_entry (legend, &row, plot_state_to_string (state));
      }
}

static gboolean
has_baseline (const PlotLane *lane, guint n_items)
{
  for (guint s = 0; s < lane->series->len; s++)
    {
      const PlotLaneSeries *series = plot_lane_get_series (lane, s);

      if (series->info.role == PLOT_ROLE_BASELINE && has_values (series, n_items))
        return TRUE;
    }
  return FALSE;
}

static const char *
find_note (const PlotLane *lane)
{
  return lane->note != NULL ? lane->note : "Not measured yet";
}

/* @note (nullable): in place of the total, why there is nothing but a baseline. */
static void
draw_strip (PlotLanesModel *model, const PlotLanesLayout *layout, guint index,
            const char *unit_text, const char *note, cairo_t *cr, PlotText *text,
            const PlotStyle *style)
{
  const PlotLane *lane = plot_lanes_model_lane (model, index);
  const PlotLaneBox *box = &layout->lanes[index];
  g_autofree char *total
      = note != NULL ? g_strdup (note) : plot_lanes_dup_total_text (model, index);
  double right = layout->plot_x + layout->plot_w, room = right;
  double row_h = layout->strip_h - layout->legend_h, middle = box->y + row_h / 2 + 1;
  Legend legend = { cr, text, style, layout->plot_x, middle, right };

  if (total != NULL)
    {
      plot_text_draw (text, cr, PLOT_FONT_SMALL, note != NULL ? &style->dim_text : &style->text,
                      total, right, middle, 1, 0.5, 0);
      room = right - plot_text_width (text, PLOT_FONT_SMALL, total) - 12;
      legend.end = room;
    }
  if (layout->compact)
    {
      double x = 8, w = fmin (plot_text_width (text, PLOT_FONT_BOLD, lane->title), room - x - 40);

      plot_text_draw (text, cr, PLOT_FONT_BOLD, &style->text, lane->title, x, middle, 0, 0.5,
                      fmax (w + 1, 20));
      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, unit_text, x + w + 6, middle, 0,
                      0.5, 0);
      legend.x = 8;
      legend.end = right;
      legend.y = box->y + row_h + layout->legend_h / 2;
      if (layout->legend_h == 0)
        return;
    }
  draw_legend (model, lane, &legend);
}

/* --- one lane --- */

void
plot_lanes_draw_frame (PlotLanesModel *model, const PlotLanesLayout *layout, guint index,
                       cairo_t *cr, PlotText *text, const PlotStyle *style)
{
  const PlotLane *lane = plot_lanes_model_lane (model, index);
  const PlotLaneBox *box = &layout->lanes[index];
  g_autofree char *unit_text = NULL;
  guint n_ticks = (guint)CLAMP (box->plot_h / 26, 2, 6);
  gboolean measured = !plot_lane_is_empty (lane, model->n_items), empty;
  PlotTicks ticks;

  if (box->h <= 0)
    return;
  empty = !measured && !has_baseline (lane, model->n_items);
  plot_ticks_init (&ticks, lane->flags & PLOT_LANE_LOG ? PLOT_AXIS_LOG : PLOT_AXIS_LINEAR,
                   lane->target_min, lane->target_max, n_ticks, &lane->unit);
  unit_text = plot_ticks_dup_unit (&ticks, &lane->unit);
  draw_open_ranges (model, layout, box->plot_y, box->plot_h, cr, style);
  if (empty)
    {
      level_line (cr, layout, box->plot_y + box->plot_h);
      plot_set_color (cr, &style->axis, 1);
      cairo_fill (cr);
      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, find_note (lane),
                      layout->plot_x + layout->plot_w / 2, box->plot_y + box->plot_h / 2, 0.5, 0.5,
                      layout->plot_w - 8);
    }
  else
    draw_ticks (lane, layout, index, &ticks, cr, text, style);

  draw_strip (model, layout, index, empty ? "" : unit_text,
              measured || empty ? NULL : find_note (lane), cr, text, style);
  if (!layout->compact)
    {
      double y = box->y + layout->strip_h / 2 + 1;

      plot_text_draw (text, cr, PLOT_FONT_BOLD, &style->text, lane->title, 12, y, 0, 0.5,
                      layout->title_w + 1);
      if (!empty)
        plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, unit_text, 12,
                        y + plot_text_line_height (text, PLOT_FONT_BOLD), 0, 0.5, layout->title_w);
    }
}

/* --- under the lanes --- */

static void
draw_labels (const PlotLanesModel *model, const PlotLanesLayout *layout, guint level, cairo_t *cr,
             PlotText *text, const PlotStyle *style)
{
  double free_from = -INFINITY;
  double ends_from = INFINITY, half;
  guint first, last, ends_at = G_MAXUINT, stride = layout->label_stride[level];
  gboolean turned = layout->label_mode[level] == PLOT_LABELS_TURNED;

  if (layout->label_mode[level] == PLOT_LABELS_NONE)
    return;
  plot_lanes_layout_visible (layout, &first, &last);
  if (level == 0 && !turned && last == layout->n_slots && last > first
      && model->items[layout->slots[last - 1].item].depth == 0)
    {
      const char *label = model->items[layout->slots[last - 1].item].label;

      half = plot_text_width (text, PLOT_FONT_SMALL, label) / 2;
      ends_at = last - 1;
      ends_from = plot_lanes_layout_px (layout, layout->total - 0.5) - half;
      ends_from = fmin (ends_from, layout->width - 2 * half - 1);
    }
  for (guint i = first, n = 0; i < last; i++)
    {
      const PlotSlot *slot = &layout->slots[i];
      const PlotLaneItem *item = &model->items[slot->item];
      double x = plot_lanes_layout_px (layout, slot->x + slot->w / 2);
      GdkRGBA color = level == 0 ? style->text : style->dim_text;
      guint place = level == 0 ? item->place : n++;

      if (MIN (item->depth, 1) != level || slot->w < 0.5 || (place % stride != 0 && i != ends_at))
        continue;
      if (x < layout->plot_x - 1 || x > layout->plot_x + layout->plot_w + 1)
        continue;
      color.alpha *= (float)((slot->w - 0.5) * 2); /* fades in while its item opens */
      if (turned)
        {
          plot_text_draw_name (text, cr, PLOT_FONT_SMALL, &color, item->label, x + 4,
                               layout->axis_y + 6, 1, 0.5, TURNED_LABEL_PX, -0.9599);
          continue;
        }
      half = plot_text_width (text, PLOT_FONT_SMALL, item->label) / 2;
      x = CLAMP (x, half + 1, layout->width - half - 1);
      /* The last item keeps its label, whatever the stride; the one before it gives way. */
      if (x - half < free_from || (i != ends_at && x + half + 6 > ends_from))
        continue;
      plot_text_draw_name (text, cr, PLOT_FONT_SMALL, &color, item->label, x, layout->axis_y + 4,
                           0.5, 0, 0, 0);
      free_from = x + half + 6;
    }
}

static void
draw_group (const PlotLanesLayout *layout, const char *name, double x0, double x1, cairo_t *cr,
            PlotText *text, const PlotStyle *style)
{
  double y = layout->axis_y + layout->labels_h + 2, gap = 2, w;

  x0 = fmax (x0, layout->plot_x) + gap;
  x1 = fmin (x1, layout->plot_x + layout->plot_w) - gap;
  if (x1 - x0 < 4)
    return;
  cairo_rectangle (cr, plot_snap (x0, layout->device_scale), y, x1 - x0, 1.5);
  plot_set_color (cr, &style->axis, 1);
  cairo_fill (cr);
  w = plot_text_width (text, PLOT_FONT_SMALL, name);
  if (w <= x1 - x0 || x1 - x0 > 40)
    plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, name, (x0 + x1) / 2, y + 3, 0.5, 0,
                    fmin (w + 1, x1 - x0));
}

static void
draw_groups (const PlotLanesModel *model, const PlotLanesLayout *layout, cairo_t *cr,
             PlotText *text, const PlotStyle *style)
{
  const char *name = NULL;
  double x0 = 0, x1 = 0;

  for (guint i = 0; i < layout->n_slots; i++)
    {
      const PlotSlot *slot = &layout->slots[i];
      const PlotLaneItem *item = &model->items[slot->item];

      if (item->depth == 0 && g_strcmp0 (item->group, name) != 0)
        {
          if (name != NULL && *name != '\0')
            draw_group (layout, name, x0, x1, cr, text, style);
          name = item->group;
          x0 = plot_lanes_layout_px (layout, slot->x);
        }
      x1 = plot_lanes_layout_px (layout, slot->x + slot->w);
    }
  if (name != NULL && *name != '\0')
    draw_group (layout, name, x0, x1, cr, text, style);
}

void
plot_lanes_draw_axis (const PlotLanesModel *model, const PlotLanesLayout *layout, cairo_t *cr,
                      PlotText *text, const PlotStyle *style)
{
  cairo_save (cr);
  cairo_rectangle (cr, 0, 0, layout->width, layout->axis_y + layout->labels_h);
  cairo_clip (cr);
  draw_open_ranges (model, layout, layout->axis_y, layout->labels_h, cr, style);
  draw_labels (model, layout, 0, cr, text, style);
  draw_labels (model, layout, 1, cr, text, style);
  cairo_restore (cr);
  if (layout->groups_h > 0)
    draw_groups (model, layout, cr, text, style);
}

void
plot_lanes_draw_item_pill (const PlotLanesModel *model, const PlotLanesLayout *layout, guint item,
                           cairo_t *cr, PlotText *text, const PlotStyle *style)
{
  static const GdkRGBA white = { 1, 1, 1, 1 }, black = { 0, 0, 0, 1 };
  int at = plot_lanes_layout_slot_of (layout, item);
  const char *label = model->items[item].label;
  double x, w, h;
  gboolean light;

  if (at < 0 || style->marks_only)
    return;
  x = plot_lanes_layout_px (layout, layout->slots[at].x + layout->slots[at].w / 2);
  if (x < layout->plot_x || x > layout->plot_x + layout->plot_w)
    return;
  w = fmin (plot_text_width (text, PLOT_FONT_SMALL, label), 180);
  h = plot_text_line_height (text, PLOT_FONT_SMALL);
  x = CLAMP (x, w / 2 + 7, layout->width - w / 2 - 7);
  light
      = 0.299 * style->accent.red + 0.587 * style->accent.green + 0.114 * style->accent.blue > 0.55;
  plot_round_box_path (cr, x - w / 2 - 6, layout->axis_y + 3, w + 12, h + 2, h / 2);
  plot_set_color (cr, &style->accent, 1);
  cairo_fill (cr);
  plot_text_draw (text, cr, PLOT_FONT_SMALL, light ? &black : &white, label, x, layout->axis_y + 4,
                  0.5, 0, w + 1);
}

void
plot_lanes_draw_all (PlotLanesModel *model, const PlotLanesLayout *layout, cairo_t *cr,
                     PlotText *text, const PlotStyle *style, const char *title, int selected_item)
{
  if (title != NULL && *title != '\0')
    plot_text_draw (text, cr, PLOT_FONT_TITLE, &style->text, title, 12, 7, 0, 0,
                    layout->width - 24);
  for (guint l = 0; l < model->lanes->len; l++)
    if (layout->lanes[l].h > 0)
      {
        plot_lanes_draw_frame (model, layout, l, cr, text, style);
        plot_lanes_draw_marks (model, layout, l, cr, style);
      }
  plot_lanes_draw_axis (model, layout, cr, text, style);
  if (selected_item >= 0)
    plot_lanes_draw_item_pill (model, layout, (guint)selected_item, cr, text, style);
}
