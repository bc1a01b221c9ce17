/* Geometry and pictures of PlotMemory: pure functions of model, layout and style, for screen and
 * files. Must not know the widget. */

#include "plot-memory-private.h"
#include "plot-i18n-private.h"

#include <math.h>
#include "plot-ticks.h"

static const PlotPattern kind_pattern[PLOT_MEMORY_N_KINDS]
    = { PLOT_PATTERN_HATCH, PLOT_PATTERN_SOLID, PLOT_PATTERN_DOTS, PLOT_PATTERN_BACKHATCH };
static const guint kind_color[PLOT_MEMORY_N_KINDS] = { 2, 0, 3, 1 };

void
plot_memory_kind_swatch (const PlotMemoryModel *model, PlotMemoryKind kind, PlotCardRow *row)
{
  *row = (PlotCardRow){ .swatch = PLOT_CARD_BOX,
                        .color_index = kind_color[kind],
                        .pattern = kind_pattern[kind],
                        .state = PLOT_STATE_MEASURED,
                        .label = model->kind_names[kind] };
}

/* --- geometry --- */

void
plot_memory_layout (PlotMemoryLayout *self, const PlotMemoryModel *model, PlotText *text,
                    double width, double height, double device_scale, double view0, double view1,
                    const char *title)
{
  double small = plot_text_line_height (text, PLOT_FONT_SMALL);
  gboolean groups = FALSE;

  *self = (PlotMemoryLayout){ .width = width,
                              .height = height,
                              .device_scale = device_scale,
                              .view0 = view0,
                              .view1 = view1 > view0 ? view1 : view0 + 1 };
  for (guint i = 0; i < model->n_steps && !groups; i++)
    groups = *model->step_groups[i] != '\0';
  self->heading_h
      = title != NULL && *title != '\0' ? plot_text_line_height (text, PLOT_FONT_TITLE) + 12 : 0;
  self->strip_h = small + 14;
  self->groups_h = groups ? small + 8 : 0;
  self->plot_x = ceil (plot_text_width (text, PLOT_FONT_SMALL, "000.0") + 22);
  self->plot_y = ceil (self->heading_h + self->strip_h);
  self->plot_w = fmax (20, width - self->plot_x - 14);
  self->plot_h = fmax (20, height - self->plot_y - small - 10 - self->groups_h - 6);
  self->max_bytes = fmax (1, 1.1 * (double)MAX (model->total_bytes, model->lower_bound_bytes));
}

guint
plot_memory_step_at (const PlotMemoryModel *model, const PlotMemoryLayout *layout, double px,
                     double py, double *bytes)
{
  double step
      = layout->view0 + (px - layout->plot_x) / layout->plot_w * (layout->view1 - layout->view0);

  *bytes = (1 - (py - layout->plot_y) / layout->plot_h) * layout->max_bytes;
  if (px < layout->plot_x || px > layout->plot_x + layout->plot_w || py < layout->plot_y
      || py > layout->height || step < 0 || step >= model->n_steps)
    return PLOT_MEMORY_NONE;
  return (guint)step;
}

guint
plot_memory_hit (const PlotMemoryModel *model, const PlotMemoryLayout *layout, double px, double py)
{
  double bytes;
  guint step = plot_memory_step_at (model, layout, px, py, &bytes), best = PLOT_MEMORY_NONE;
  /* What is thinner than a finger's width of pixels can still be hit. */
  double reach = 2 / layout->plot_h * layout->max_bytes, nearest = INFINITY;

  if (step == PLOT_MEMORY_NONE || py > layout->plot_y + layout->plot_h)
    return PLOT_MEMORY_NONE;
  for (guint i = 0; i < model->n_items && model->items[i].first <= step; i++)
    {
      const PlotMemoryItem *item = &model->items[i];
      double low = (double)item->offset, high = low + (double)item->bytes, away;

      if (item->last < step)
        continue;
      away = bytes < low ? low - bytes : bytes > high ? bytes - high : 0;
      if (away <= reach && away < nearest)
        {
          nearest = away;
          best = i;
        }
    }
  return best;
}

/* --- rectangles --- */

typedef struct
{
  double x, y, w, h;
} Box;

/* On device pixels; neighbours keep a hair of ground between them. */
static gboolean
item_box (const PlotMemoryLayout *layout, const PlotMemoryItem *item, Box *box)
{
  double scale = layout->device_scale;
  double x0 = plot_snap (plot_memory_px (layout, item->first), scale);
  double x1 = plot_snap (plot_memory_px (layout, item->last + 1.0), scale);
  double y0 = plot_snap (plot_memory_py (layout, (double)(item->offset + item->bytes)), scale);
  double y1 = plot_snap (plot_memory_py (layout, (double)item->offset), scale);

  if (x1 < layout->plot_x || x0 > layout->plot_x + layout->plot_w)
    return FALSE;
  x0 = fmax (x0, layout->plot_x - 4);
  x1 = fmin (x1, layout->plot_x + layout->plot_w + 4);
  *box = (Box){ x0, y0, fmax (x1 - x0, 1 / scale), fmax (y1 - y0, 1 / scale) };
  if (box->w > 4)
    box->w -= 1 / scale;
  if (box->h > 4)
    {
      box->h -= 1 / scale;
      box->y += 1 / scale;
    }
  return TRUE;
}

static void
draw_kind (const PlotMemoryModel *model, const PlotMemoryLayout *layout, PlotMemoryKind kind,
           cairo_t *cr, const PlotStyle *style)
{
  const GdkRGBA *color = plot_style_color (style, kind_color[kind]);
  Box box;

  cairo_new_path (cr);
  for (guint i = 0; i < model->n_items; i++)
    if (model->items[i].kind == kind && item_box (layout, &model->items[i], &box))
      cairo_rectangle (cr, box.x, box.y, box.w, box.h);
  if (kind_pattern[kind] == PLOT_PATTERN_SOLID)
    {
      plot_set_color (cr, color, style->dark ? 0.55 : 0.42);
      cairo_fill (cr);
    }
  else
    plot_fill_pattern (cr, kind_pattern[kind], color, layout->device_scale, layout->plot_x - 4,
                       layout->plot_y, layout->plot_w + 8, layout->plot_h);

  for (guint i = 0; i < model->n_items; i++)
    if (model->items[i].kind == kind && item_box (layout, &model->items[i], &box) && box.w > 3
        && box.h > 3)
      cairo_rectangle (cr, box.x + 0.5, box.y + 0.5, box.w - 1, box.h - 1);
  plot_set_color (cr, color, 1);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);
}

static void
draw_label (const PlotMemoryItem *item, const Box *box, const PlotMemoryLayout *layout, cairo_t *cr,
            PlotText *text, const PlotStyle *style)
{
  double line = plot_text_line_height (text, PLOT_FONT_SMALL);
  double x = fmax (box->x, layout->plot_x),
         w = fmin (box->x + box->w, layout->plot_x + layout->plot_w) - x;
  const PlotUnit unit = PLOT_UNIT_BYTES;
  /* Two letters and an ellipsis tell nothing. */
  gboolean named = w >= 76 || plot_text_width (text, PLOT_FONT_SMALL, item->name) <= w - 10;
  gboolean sized = box->h >= (named ? 2 : 1) * line + 4;
  double middle = box->y + box->h / 2;

  if (w < 44 || box->h < line + 2)
    return;
  if (named)
    plot_text_draw_name (text, cr, PLOT_FONT_SMALL, &style->text, item->name, x + 5,
                         middle - (sized ? line / 2 : 0), 0, 0.5, w - 10, 0);
  if (sized)
    {
      g_autofree char *bytes = plot_format_value (&unit, (double)item->bytes, 3);

      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, bytes, x + 5,
                      middle + (named ? line / 2 : 0), 0, 0.5, w - 10);
    }
}

/* What is alive, as steps; the most of each pair of pixel columns where there are more steps. */
static void
draw_alive (const PlotMemoryModel *model, const PlotMemoryLayout *layout, cairo_t *cr,
            const PlotStyle *style)
{
  guint first = (guint)fmax (0, floor (layout->view0));
  guint last = (guint)fmin (model->n_steps, ceil (layout->view1));
  guint stride = (guint)fmax (1, (layout->view1 - layout->view0) / (layout->plot_w / 2));

  for (guint i = first; i < last; i += stride)
    {
      guint64 most = 0;
      double y;

      for (guint k = i; k < MIN (i + stride, last); k++)
        most = MAX (most, model->alive_bytes[k]); /* a peak is never skipped */
      y = plot_memory_py (layout, (double)most);
      if (i == first)
        cairo_move_to (cr, plot_memory_px (layout, i), y);
      else
        cairo_line_to (cr, plot_memory_px (layout, i), y);
      cairo_line_to (cr, plot_memory_px (layout, MIN (i + stride, last)), y);
    }
  plot_set_color (cr, &style->text, 0.75);
  cairo_set_line_width (cr, layout->view1 - layout->view0 > layout->plot_w / 4 ? 1 : 1.5);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  cairo_stroke (cr);
}

/* --- frame --- */

static void
level_line (const PlotMemoryLayout *layout, cairo_t *cr, double bytes, const GdkRGBA *color,
            guint dash, double width)
{
  double y = plot_snap (plot_memory_py (layout, bytes), layout->device_scale);

  cairo_save (cr);
  plot_set_color (cr, color, 1);
  cairo_set_line_width (cr, width);
  plot_set_dash (cr, dash, width);
  cairo_move_to (cr, layout->plot_x, y);
  cairo_line_to (cr, layout->plot_x + layout->plot_w, y);
  cairo_stroke (cr);
  cairo_restore (cr);
}

/* Words over rectangles: on ground of their own. @xalign as for text, the lower edge at @y. */
static void
draw_tag (const char *words, double x, double y, double xalign, cairo_t *cr, PlotText *text,
          const PlotStyle *style)
{
  double w = plot_text_width (text, PLOT_FONT_SMALL, words) + 12;
  double h = plot_text_line_height (text, PLOT_FONT_SMALL) + 2;

  if (style->marks_only)
    return;
  x -= xalign * w;
  plot_round_box_path (cr, x, y - h, w, h, 5);
  plot_set_color (cr, &style->card, 0.9);
  cairo_fill (cr);
  plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->text, words, x + 6, y - h / 2, 0, 0.5, 0);
}

static void
draw_limits (const PlotMemoryModel *model, const PlotMemoryLayout *layout, cairo_t *cr,
             PlotText *text, const PlotStyle *style)
{
  const PlotUnit unit = PLOT_UNIT_BYTES;
  g_autofree char *total = plot_format_value (&unit, (double)model->total_bytes, 3);
  g_autofree char *bound = plot_format_value (&unit, (double)model->lower_bound_bytes, 3);
  gboolean optimal = model->lower_bound_bytes == model->total_bytes;
  g_autofree char *total_text
      = g_strdup_printf (optimal ? _ ("total %s, the least possible") : _ ("total %s"), total);
  g_autofree char *bound_text = g_strdup_printf (_ ("lower bound %s"), bound);
  double right = layout->plot_x + layout->plot_w - 4;
  double y = plot_memory_py (layout, (double)model->total_bytes);

  level_line (layout, cr, (double)model->total_bytes, plot_style_color (style, 4), 0, 2);
  draw_tag (total_text, right, y - 3, 1, cr, text, style);
  if (model->lower_bound_bytes == 0 || optimal)
    return;
  level_line (layout, cr, (double)model->lower_bound_bytes, plot_style_color (style, 6), 1, 2);
  /* At the other end, so that two near lines keep their words apart. */
  y = plot_memory_py (layout, (double)model->lower_bound_bytes);
  draw_tag (bound_text, layout->plot_x + 4, y - 3, 0, cr, text, style);
}

static void
draw_ticks (const PlotMemoryLayout *layout, const PlotMemoryModel *model, cairo_t *cr,
            PlotText *text, const PlotStyle *style)
{
  const PlotUnit bytes = PLOT_UNIT_BYTES, plain = PLOT_UNIT_PLAIN;
  double bottom = layout->plot_y + layout->plot_h;
  g_autofree char *unit_text = NULL;
  PlotTicks ticks;

  plot_ticks_init (&ticks, PLOT_AXIS_LINEAR, 0, layout->max_bytes,
                   (guint)CLAMP (layout->plot_h / 40, 2, 10), &bytes);
  unit_text = plot_ticks_dup_unit (&ticks, &bytes);
  for (guint i = 0; i < ticks.n_major; i++)
    {
      g_autofree char *label = plot_ticks_dup_label (&ticks, i, &bytes);
      double y = plot_snap (plot_memory_py (layout, ticks.major[i]), layout->device_scale);

      cairo_rectangle (cr, layout->plot_x, y, layout->plot_w, 1 / layout->device_scale);
      plot_set_color (cr, ticks.major[i] == 0 ? &style->axis : &style->grid, 1);
      cairo_fill (cr);
      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, label, layout->plot_x - 6, y, 1,
                      0.5, 0);
    }
  plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, unit_text, layout->plot_x - 6,
                  layout->plot_y - 4, 1, 1, 0);

  plot_ticks_init (&ticks, PLOT_AXIS_LINEAR, layout->view0, layout->view1,
                   (guint)CLAMP (layout->plot_w / 70, 2, 16), &plain);
  for (guint i = 0; i < ticks.n_major; i++)
    {
      g_autofree char *label = plot_ticks_dup_label (&ticks, i, &plain);
      double x = plot_memory_px (layout, ticks.major[i] + 0.5);

      if (ticks.major[i] != floor (ticks.major[i]) || ticks.major[i] >= model->n_steps
          || x < layout->plot_x || x > layout->plot_x + layout->plot_w)
        continue;
      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, label, x, bottom + 4, 0.5, 0, 0);
    }
}

static void
draw_groups (const PlotMemoryModel *model, const PlotMemoryLayout *layout, cairo_t *cr,
             PlotText *text, const PlotStyle *style)
{
  double y = layout->plot_y + layout->plot_h + plot_text_line_height (text, PLOT_FONT_SMALL) + 8;
  double right = layout->plot_x + layout->plot_w, free_from = layout->plot_x - 20;

  for (guint i = 0; i < model->n_steps && layout->groups_h > 0;)
    {
      guint from = i;
      const char *name = model->step_groups[i];
      double x0, x1, w, x;

      while (i < model->n_steps && g_str_equal (model->step_groups[i], name))
        i++;
      x0 = fmax (plot_memory_px (layout, from), layout->plot_x) + 1;
      x1 = fmin (plot_memory_px (layout, i), right) - 1;
      if (*name == '\0' || x1 - x0 < 2)
        continue;
      cairo_rectangle (cr, x0, y, x1 - x0, 1.5);
      plot_set_color (cr, &style->axis, 1);
      cairo_fill (cr);
      /* Narrow brackets lend each other their room: every name that fits between those before. */
      w = fmin (plot_text_width (text, PLOT_FONT_SMALL, name), fmax (x1 - x0, 90));
      x = (x0 + x1) / 2;
      if (x - w / 2 < free_from || x + w / 2 > right + 10)
        continue;
      plot_text_draw_name (text, cr, PLOT_FONT_SMALL, &style->dim_text, name, x, y + 2, 0.5, 0,
                           w + 1, 0);
      free_from = x + w / 2 + 8;
    }
}

static void
draw_legend (const PlotMemoryModel *model, const PlotMemoryLayout *layout, cairo_t *cr,
             PlotText *text, const PlotStyle *style)
{
  double x = layout->plot_x, y = layout->heading_h + layout->strip_h / 2;
  PlotCardRow row;

  for (guint k = 0; k < PLOT_MEMORY_N_KINDS; k++)
    {
      if (!model->has_kind[k])
        continue;
      plot_memory_kind_swatch (model, k, &row);
      plot_swatch_draw (cr, &row, style, x, y - 6);
      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, row.label, x + 22, y, 0, 0.5, 0);
      x += 22 + plot_text_width (text, PLOT_FONT_SMALL, row.label) + 16;
    }
  row = (PlotCardRow){ .swatch = PLOT_CARD_LINE, .color = style->text };
  plot_swatch_draw (cr, &row, style, x, y - 6);
  plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, _ ("alive"), x + 22, y, 0, 0.5, 0);
}

void
plot_memory_draw (const PlotMemoryModel *model, const PlotMemoryLayout *layout, cairo_t *cr,
                  PlotText *text, const PlotStyle *style)
{
  Box box;

  draw_ticks (layout, model, cr, text, style);
  cairo_save (cr);
  cairo_rectangle (cr, layout->plot_x, layout->heading_h, layout->plot_w,
                   layout->plot_y + layout->plot_h - layout->heading_h + 1);
  cairo_clip (cr);
  for (guint k = 0; k < PLOT_MEMORY_N_KINDS; k++)
    if (model->has_kind[k])
      draw_kind (model, layout, k, cr, style);
  draw_alive (model, layout, cr, style);
  for (guint i = 0; i < model->n_items && !style->marks_only; i++)
    if (item_box (layout, &model->items[i], &box))
      draw_label (&model->items[i], &box, layout, cr, text, style);
  cairo_restore (cr);
  draw_limits (model, layout, cr, text, style);
  draw_groups (model, layout, cr, text, style);
  draw_legend (model, layout, cr, text, style);
}

/* --- overlay --- */

void
plot_memory_draw_item (const PlotMemoryModel *model, const PlotMemoryLayout *layout, guint item,
                       gboolean strong, cairo_t *cr, const PlotStyle *style)
{
  Box box;

  if (item >= model->n_items || !item_box (layout, &model->items[item], &box))
    return;
  cairo_save (cr);
  cairo_rectangle (cr, layout->plot_x - 2, layout->plot_y, layout->plot_w + 4, layout->plot_h + 2);
  cairo_clip (cr);
  cairo_rectangle (cr, box.x - 0.5, box.y - 0.5, box.w + 1, box.h + 1);
  plot_set_color (cr, &style->accent, strong ? 0.35 : 0.15);
  cairo_fill_preserve (cr);
  plot_set_color (cr, &style->accent, 1);
  cairo_set_line_width (cr, strong ? 2.5 : 1.5);
  cairo_stroke (cr);
  cairo_restore (cr);
}

void
plot_memory_draw_step (const PlotMemoryLayout *layout, guint step, gboolean strong, cairo_t *cr,
                       const PlotStyle *style)
{
  double x0, x1;

  if (step == PLOT_MEMORY_NONE)
    return;
  x0 = fmax (floor (plot_memory_px (layout, step)), layout->plot_x);
  x1 = fmin (ceil (plot_memory_px (layout, step + 1.0)), layout->plot_x + layout->plot_w);
  if (x1 <= x0)
    return;
  cairo_rectangle (cr, x0, layout->plot_y, fmax (1, x1 - x0), layout->plot_h);
  plot_set_color (cr, strong ? &style->accent : &style->text, strong ? 0.22 : 0.08);
  cairo_fill (cr);
  if (!strong)
    return;
  /* A mark on the axis: the column may be a hair. */
  cairo_move_to (cr, (x0 + x1) / 2, layout->plot_y + layout->plot_h + 1);
  cairo_rel_line_to (cr, 5, 7);
  cairo_rel_line_to (cr, -10, 0);
  cairo_close_path (cr);
  plot_set_color (cr, &style->accent, 1);
  cairo_fill (cr);
}
