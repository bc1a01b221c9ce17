/* Geometry and pictures of PlotTimeline: pure functions of model, layout and style, for screen and
 * files.
 *
 * Spans narrower than a pixel share columns: a column has the colour of the longest span that
 * begins in it, so a row of 100,000 spans costs one pass over those in view and at most one box per
 * pixel. Boxes lie on device pixels and are filled colour by colour. */

#include "plot-timeline-private.h"
#include "plot-i18n-private.h"

#include <math.h>

#define MIN_BOX_PX 1.5
#define MIN_TEXT_PX 22.0
#define MIN_HATCH_PX 3.0
#define CUT_TEXT_PX 52.0 /* a name that is cut to less says nothing */
#define MAX_ROW_PX 80.0

const GdkRGBA *
plot_timeline_color (const PlotTimelineModel *model, guint group, const PlotStyle *style)
{
  int color = model->group_colors[group];

  return color < 0 ? &style->baseline : plot_style_color (style, (guint)color);
}

/* --- geometry --- */

static double
widest_row (const PlotTimelineModel *model, PlotText *text)
{
  double widest = 0;

  for (guint i = 0; i < model->n_rows; i++)
    widest = fmax (widest, plot_text_width (text, PLOT_FONT_SMALL, model->rows[i].name));
  return widest;
}

static void
fit_ticks (PlotTimelineLayout *self, PlotText *text)
{
  const PlotUnit unit = PLOT_UNIT_NS;

  for (guint n = (guint)CLAMP (self->plot_w / 60, 2, 24);; n--)
    {
      double total = 0;

      plot_ticks_init (&self->ticks, PLOT_AXIS_LINEAR, self->view0, self->view1, n, &unit);
      for (guint i = 0; i < self->ticks.n_major; i++)
        {
          g_autofree char *label = plot_ticks_dup_label (&self->ticks, i, &unit);

          total += plot_text_width (text, PLOT_FONT_SMALL, label) + 16;
        }
      if (n <= 2 || total <= self->plot_w)
        return;
    }
}

void
plot_timeline_layout (PlotTimelineLayout *self, const PlotTimelineModel *model, PlotText *text,
                      double width, double height, double device_scale, double view0, double view1,
                      const char *title)
{
  double small = plot_text_line_height (text, PLOT_FONT_SMALL);
  guint n_thin = 0, n_full;

  *self = (PlotTimelineLayout){ .width = width,
                                .height = height,
                                .device_scale = device_scale,
                                .view0 = view0,
                                .view1 = view1 > view0 ? view1 : view0 + 1 };
  self->heading_h
      = title != NULL && *title != '\0' ? plot_text_line_height (text, PLOT_FONT_TITLE) + 12 : 0;
  self->plot_x = ceil (fmin (widest_row (model, text), width / 4) + 20);
  self->plot_y = ceil (self->heading_h + small + 14);
  self->plot_w = fmax (20, width - self->plot_x - 14);
  self->plot_h = fmax (20, height - self->plot_y - 2 * small - 14);
  for (guint i = 0; i < model->n_rows; i++)
    n_thin += model->rows[i].thin;
  n_full = model->n_rows - n_thin;
  self->gap = model->n_rows > 16 ? 1 : 4;
  self->thin_h = fmin (small + 4, self->plot_h / fmax (1, model->n_rows) - self->gap);
  self->thin_h = fmax (1, floor (self->thin_h));
  self->row_h
      = n_full == 0 ? 0 : (self->plot_h - n_thin * (self->thin_h + self->gap)) / n_full - self->gap;
  self->row_h = fmax (1, floor (fmin (self->row_h, MAX_ROW_PX)));
  /* The axis stands right below the rows. */
  self->plot_h = fmin (self->plot_h, fmax (20, n_thin * (self->thin_h + self->gap)
                                                   + n_full * (self->row_h + self->gap)));
  fit_ticks (self, text);
}

void
plot_timeline_row_box (const PlotTimelineModel *model, const PlotTimelineLayout *layout, guint row,
                       double *y, double *h)
{
  *y = layout->plot_y;
  for (guint i = 0; i < row; i++)
    *y += (model->rows[i].thin ? layout->thin_h : layout->row_h) + layout->gap;
  *h = model->rows[row].thin ? layout->thin_h : layout->row_h;
}

guint
plot_timeline_row_at (const PlotTimelineModel *model, const PlotTimelineLayout *layout, double px,
                      double py)
{
  if (px < layout->plot_x || px > layout->plot_x + layout->plot_w)
    return PLOT_TIMELINE_NONE;
  for (guint i = 0; i < model->n_rows; i++)
    {
      double y, h;

      plot_timeline_row_box (model, layout, i, &y, &h);
      if (py >= y && py < y + h + layout->gap / 2)
        return i;
    }
  return PLOT_TIMELINE_NONE;
}

guint
plot_timeline_hit (const PlotTimelineModel *model, const PlotTimelineLayout *layout, double px,
                   double py)
{
  guint row = plot_timeline_row_at (model, layout, px, py), best = PLOT_TIMELINE_NONE;
  double from = plot_timeline_ns (layout, px - 1), to = plot_timeline_ns (layout, px + 1);
  gint64 longest = -1;

  if (row == PLOT_TIMELINE_NONE)
    return PLOT_TIMELINE_NONE;
  /* The one under the point itself is meant, whatever lies beside it. */
  guint at = plot_timeline_model_find (model, row, plot_timeline_ns (layout, px));
  if (at < model->rows[row].last
      && (double)model->spans[at].start_ns <= plot_timeline_ns (layout, px)
      && plot_timeline_px (layout, (double)model->spans[at].end_ns)
                 - plot_timeline_px (layout, (double)model->spans[at].start_ns)
             >= MIN_BOX_PX)
    return at;
  for (guint i = plot_timeline_model_find (model, row, from);
       i < model->rows[row].last && (double)model->spans[i].start_ns <= to; i++)
    if (model->spans[i].end_ns - model->spans[i].start_ns > longest)
      {
        longest = model->spans[i].end_ns - model->spans[i].start_ns;
        best = i;
      }
  return best;
}

/* --- spans --- */

typedef struct
{
  double x, y, w, h;
  guint group;
  gboolean wait;
} Box;

static void
add_box (GArray *boxes, const PlotTimelineLayout *layout, double x0, double x1, double y, double h,
         guint group, gboolean wait)
{
  double scale = layout->device_scale;
  Box box = { .x = round (x0 * scale) / scale, .y = y, .h = h, .group = group, .wait = wait };

  box.w = round (x1 * scale) / scale - box.x;
  if (box.w > 0)
    g_array_append_val (boxes, box);
}

/* A column of spans too narrow to be seen, as the longest of them. */
typedef struct
{
  double column;
  const PlotTimelineSpan *longest;
} Column;

static void
flush_column (Column *column, GArray *boxes, const PlotTimelineLayout *layout, double y, double h)
{
  const PlotTimelineSpan *span = column->longest;
  double x = column->column / layout->device_scale;

  if (span != NULL)
    add_box (boxes, layout, x, x + 1 / layout->device_scale, y, h, span->group,
             span->end_ns - span->wait_ns > span->wait_ns - span->start_ns);
  column->longest = NULL;
}

/* What a frame is drawn from. */
typedef struct
{
  GArray *boxes;  /* Box */
  GArray *labels; /* guint: spans with room for a name */
} Frame;

static void
add_wide (const PlotTimelineLayout *layout, const PlotTimelineSpan *span, guint at, double x0,
          double x1, double y, double h, const Frame *frame)
{
  double left = layout->plot_x, right = layout->plot_x + layout->plot_w;
  double wait = plot_timeline_px (layout, (double)span->wait_ns);

  if (x1 - x0 > 4)
    x1 -= 1; /* neighbours of one group stay apart */
  x0 = CLAMP (x0, left, right);
  x1 = CLAMP (x1, left, right);
  wait = CLAMP (wait, x0, x1);
  add_box (frame->boxes, layout, x0, wait, y, h, span->group, FALSE);
  add_box (frame->boxes, layout, wait, x1, y, h, span->group, TRUE);
  if (wait - x0 >= MIN_TEXT_PX)
    g_array_append_val (frame->labels, at);
}

static void
gather_row (const PlotTimelineModel *model, const PlotTimelineLayout *layout, guint row,
            const Frame *frame)
{
  GArray *boxes = frame->boxes;
  const PlotTimelineLane *lane = &model->rows[row];
  double scale = layout->device_scale, y, h;
  Column column = { -1, NULL };

  plot_timeline_row_box (model, layout, row, &y, &h);
  for (guint i = plot_timeline_model_find (model, row, layout->view0);
       i < lane->last && (double)model->spans[i].start_ns < layout->view1; i++)
    {
      const PlotTimelineSpan *span = &model->spans[i];
      double x0 = plot_timeline_px (layout, (double)span->start_ns);
      double x1 = plot_timeline_px (layout, (double)span->end_ns);

      if (x1 - x0 >= MIN_BOX_PX)
        {
          flush_column (&column, boxes, layout, y, h);
          add_wide (layout, span, i, x0, x1, y, h, frame);
          continue;
        }
      double at = floor (fmax (x0, layout->plot_x) * scale);
      if (at != column.column)
        flush_column (&column, boxes, layout, y, h);
      column.column = at;
      if (column.longest == NULL
          || span->end_ns - span->start_ns > column.longest->end_ns - column.longest->start_ns)
        column.longest = span;
    }
  flush_column (&column, boxes, layout, y, h);
}

static void
fill_boxes (const PlotTimelineModel *model, const PlotTimelineLayout *layout, GArray *boxes,
            cairo_t *cr, const PlotStyle *style)
{
  for (guint group = 0; group < model->n_groups; group++)
    {
      for (guint i = 0; i < boxes->len; i++)
        {
          const Box *box = &g_array_index (boxes, Box, i);

          if (!box->wait && box->group == group)
            cairo_rectangle (cr, box->x, box->y, box->w, box->h);
        }
      plot_set_color (cr, plot_timeline_color (model, group, style),
                      model->group_colors[group] < 0 ? 0.35 : 1);
      cairo_fill (cr);
    }
  /* Hatching cannot be seen in a narrow box, and costs the most. */
  for (guint pass = 0; pass < 2; pass++)
    {
      for (guint i = 0; i < boxes->len; i++)
        {
          const Box *box = &g_array_index (boxes, Box, i);

          if (box->wait && (box->w >= MIN_HATCH_PX) == (pass == 1))
            cairo_rectangle (cr, box->x, box->y, box->w, box->h);
        }
      plot_set_color (cr, &style->baseline, 0.6);
      if (pass == 0)
        cairo_fill (cr);
      else
        plot_fill_pattern (cr, PLOT_PATTERN_HATCH, &style->baseline, layout->device_scale,
                           layout->plot_x, layout->plot_y, layout->plot_w, layout->plot_h);
    }
}

/* --- names --- */

/* Black or white, whichever reads better (WCAG 2.1 relative luminance). */
static GdkRGBA
ink_on (const GdkRGBA *color)
{
  double parts[3] = { color->red, color->green, color->blue };

  for (guint i = 0; i < 3; i++)
    parts[i] = parts[i] <= 0.04045 ? parts[i] / 12.92 : pow ((parts[i] + 0.055) / 1.055, 2.4);
  double luminance = 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  float ink = (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) ? 0 : 1;
  return (GdkRGBA){ ink, ink, ink, 1 };
}

static void
draw_name (const PlotTimelineModel *model, const PlotTimelineLayout *layout, guint at, cairo_t *cr,
           PlotText *text, const PlotStyle *style)
{
  const PlotTimelineSpan *span = &model->spans[at];
  double x0 = fmax (plot_timeline_px (layout, (double)span->start_ns), layout->plot_x);
  double x1
      = fmin (plot_timeline_px (layout, (double)span->wait_ns), layout->plot_x + layout->plot_w);
  const char *name = model->names[span->name];
  double y, h, room = x1 - x0 - 8;

  plot_timeline_row_box (model, layout, span->row, &y, &h);
  if (h < plot_text_line_height (text, PLOT_FONT_SMALL) - 2
      || (room < CUT_TEXT_PX && plot_text_width (text, PLOT_FONT_SMALL, name) > room))
    return;
  GdkRGBA ink = model->group_colors[span->group] < 0
                    ? style->text
                    : ink_on (plot_timeline_color (model, span->group, style));
  plot_text_draw (text, cr, PLOT_FONT_SMALL, &ink, name, x0 + 4, y + h / 2, 0, 0.5, room);
}

/* --- around the spans --- */

static void
draw_axis (const PlotTimelineLayout *layout, const char *axis_title, cairo_t *cr, PlotText *text,
           const PlotStyle *style)
{
  const PlotUnit unit = PLOT_UNIT_NS;
  double foot = layout->plot_y + layout->plot_h, thin = 1 / layout->device_scale;
  g_autofree char *symbol = plot_ticks_dup_unit (&layout->ticks, &unit);
  g_autofree char *title = g_strdup_printf ("%s (%s)", axis_title, symbol);

  for (guint i = 0; i < layout->ticks.n_major; i++)
    {
      double x
          = plot_snap (plot_timeline_px (layout, layout->ticks.major[i]), layout->device_scale);
      g_autofree char *label = plot_ticks_dup_label (&layout->ticks, i, &unit);
      double half = plot_text_width (text, PLOT_FONT_SMALL, label) / 2;

      cairo_rectangle (cr, x, layout->plot_y, thin, layout->plot_h + 4);
      plot_set_color (cr, &style->grid, 1);
      cairo_fill (cr);
      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, label,
                      CLAMP (x, half + 1, layout->width - half - 1), foot + 5, 0.5, 0, 0);
    }
  cairo_rectangle (cr, layout->plot_x, plot_snap (foot, layout->device_scale), layout->plot_w,
                   thin);
  plot_set_color (cr, &style->axis, 1);
  cairo_fill (cr);
  plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, title,
                  layout->plot_x + layout->plot_w / 2,
                  foot + plot_text_line_height (text, PLOT_FONT_SMALL) + 7, 0.5, 0, layout->plot_w);
}

static void
draw_row_names (const PlotTimelineModel *model, const PlotTimelineLayout *layout, cairo_t *cr,
                PlotText *text, const PlotStyle *style)
{
  double line = plot_text_line_height (text, PLOT_FONT_SMALL), free_from = 0;

  for (guint i = 0; i < model->n_rows; i++)
    {
      double y, h;

      plot_timeline_row_box (model, layout, i, &y, &h);
      if (y + h / 2 - line / 2 < free_from) /* too many rows for all names */
        continue;
      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, model->rows[i].name,
                      layout->plot_x - 8, y + h / 2, 1, 0.5, layout->plot_x - 12);
      free_from = y + h / 2 + line / 2;
    }
}

/* One entry of the legend; FALSE: no room for it. */
static gboolean
draw_entry (const PlotTimelineLayout *layout, const PlotCardRow *row, cairo_t *cr, PlotText *text,
            const PlotStyle *style, double *x)
{
  double w = plot_text_width (text, PLOT_FONT_SMALL, row->label);
  double y = layout->heading_h + 6, line = plot_text_line_height (text, PLOT_FONT_SMALL);

  if (*x + 22 + fmin (w, 40) > layout->plot_x + layout->plot_w)
    return FALSE;
  plot_swatch_draw (cr, row, style, *x, y + line / 2 - 6);
  plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, row->label, *x + 22, y, 0, 0,
                  fmin (w + 1, layout->plot_x + layout->plot_w - *x - 22));
  *x += 22 + w + 14;
  return TRUE;
}

static void
draw_legend (const PlotTimelineModel *model, const PlotTimelineLayout *layout, cairo_t *cr,
             PlotText *text, const PlotStyle *style)
{
  double x = layout->plot_x;
  PlotCardRow waiting = { .swatch = PLOT_CARD_BOX,
                          .color = style->baseline,
                          .pattern = PLOT_PATTERN_HATCH,
                          .state = PLOT_STATE_MEASURED,
                          .label = _ ("waiting") };

  if (model->waits)
    draw_entry (layout, &waiting, cr, text, style, &x);
  for (guint i = 0; i < model->n_groups; i++)
    {
      PlotCardRow row = { .swatch = PLOT_CARD_BOX,
                          .color = *plot_timeline_color (model, i, style),
                          .pattern = PLOT_PATTERN_SOLID,
                          .state = PLOT_STATE_MEASURED,
                          .label = model->group_names[i] };

      if (model->group_colors[i] >= 0 && !draw_entry (layout, &row, cr, text, style, &x))
        return;
    }
}

void
plot_timeline_draw (const PlotTimelineModel *model, const PlotTimelineLayout *layout,
                    const char *axis_title, cairo_t *cr, PlotText *text, const PlotStyle *style)
{
  g_autoptr (GArray) boxes = g_array_new (FALSE, FALSE, sizeof (Box));
  g_autoptr (GArray) labels = g_array_new (FALSE, FALSE, sizeof (guint));
  Frame frame = { boxes, labels };

  draw_axis (layout, axis_title, cr, text, style);
  if (!style->marks_only)
    draw_legend (model, layout, cr, text, style);
  draw_row_names (model, layout, cr, text, style);
  cairo_save (cr);
  cairo_rectangle (cr, layout->plot_x, layout->plot_y, layout->plot_w, layout->plot_h);
  cairo_clip (cr);
  for (guint row = 0; row < model->n_rows; row++)
    gather_row (model, layout, row, &frame);
  fill_boxes (model, layout, boxes, cr, style);
  for (guint i = 0; i < labels->len && !style->marks_only; i++)
    draw_name (model, layout, g_array_index (labels, guint, i), cr, text, style);
  cairo_restore (cr);
}

/* --- overlay --- */

static gboolean
outline (const PlotTimelineModel *model, const PlotTimelineLayout *layout, guint at, double out,
         cairo_t *cr)
{
  const PlotTimelineSpan *span = &model->spans[at];
  double x0 = plot_timeline_px (layout, (double)span->start_ns);
  double x1 = plot_timeline_px (layout, (double)span->end_ns), y, h;

  if (x1 < layout->plot_x - 2 || x0 > layout->plot_x + layout->plot_w + 2)
    return FALSE;
  x0 = fmax (x0, layout->plot_x - 4);
  x1 = fmin (fmax (x1, x0 + 2), layout->plot_x + layout->plot_w + 4);
  plot_timeline_row_box (model, layout, span->row, &y, &h);
  cairo_rectangle (cr, x0 - out, y - out, x1 - x0 + 2 * out, h + 2 * out);
  return TRUE;
}

static void
clip_to_plot (const PlotTimelineLayout *layout, cairo_t *cr)
{
  cairo_rectangle (cr, layout->plot_x - 3, layout->plot_y - 3, layout->plot_w + 6,
                   layout->plot_h + 6);
  cairo_clip (cr);
}

void
plot_timeline_draw_span (const PlotTimelineModel *model, const PlotTimelineLayout *layout,
                         guint span, gboolean strong, cairo_t *cr, const PlotStyle *style)
{
  if (span >= model->n_spans)
    return;
  cairo_save (cr);
  clip_to_plot (layout, cr);
  if (outline (model, layout, span, 1, cr))
    {
      plot_set_color (cr, strong ? &style->accent : &style->text, strong ? 1 : 0.7);
      cairo_set_line_width (cr, strong ? 2.5 : 1.5);
      cairo_stroke (cr);
    }
  cairo_restore (cr);
}

#define MAX_MARKED 4000 /* outlines; more cannot be told apart */

void
plot_timeline_draw_marked (const PlotTimelineModel *model, const PlotTimelineLayout *layout,
                           int item, int family, cairo_t *cr, const PlotStyle *style)
{
  guint n = 0;

  if (item < 0 && family < 0)
    return;
  cairo_save (cr);
  clip_to_plot (layout, cr);
  for (guint row = 0; row < model->n_rows; row++)
    for (guint i = plot_timeline_model_find (model, row, layout->view0);
         i < model->rows[row].last && (double)model->spans[i].start_ns < layout->view1
         && n < MAX_MARKED;
         i++)
      if (item >= 0 ? model->spans[i].item == item : model->spans[i].family == family)
        n += outline (model, layout, i, 0.5, cr);
  plot_set_color (cr, &style->accent, 1);
  cairo_set_line_width (cr, 1.5);
  cairo_stroke (cr);
  cairo_restore (cr);
}
