/* The marks of a lane. Three sizes of item, so that 8 and 3000 items both read:
 *   3 px and more   a bar each, with gap, outline, pattern, whisker
 *   1 to 3 px       bars without gap
 *   under 1 px      per pixel column the least and the greatest item: solid up to the least, a wash
 * up to the greatest, so no spike is lost Rectangles of one look are gathered into one path: that
 * is what keeps a live frame cheap. */

#include "plot-lanes-draw-private.h"

#include <math.h>
#include "plot-marks-private.h"

#define DENSE_PX 1.0
#define MAX_BAR_PX 56.0

typedef struct
{
  const PlotLanesModel *model;
  const PlotLanesLayout *layout;
  const PlotLane *lane;
  const PlotLaneBox *box;
  const PlotStyle *style;
  cairo_t *cr;
  PlotScale y;
  double zero_px; /* where bars stand */
  double ds;
  guint first, last; /* slots in view */
  guint n_bars;      /* bar series side by side; a stack counts as one */
  gboolean dense;
} Marks;

typedef struct
{
  double x, w;
} Span;

/* --- geometry --- */

static double
value_px (const Marks *m, double value)
{
  double px = plot_scale_to_px (&m->y, value);

  if (isnan (px)) /* not positive on a log lane: nothing above its foot */
    px = m->zero_px;
  return plot_snap (CLAMP (px, m->box->plot_y - 2, m->box->plot_y + m->box->plot_h + 2), m->ds);
}

/* Horizontal place of bar @k of @n in a slot; both ends on device pixels. */
static Span
bar_span (const Marks *m, const PlotSlot *slot, guint k, guint n)
{
  double x0 = plot_lanes_layout_px (m->layout, slot->x);
  double full = plot_lanes_layout_px (m->layout, slot->x + slot->w) - x0;
  double pad = full >= 10 ? full * 0.14 : full >= 3 ? 0.5 : 0;
  double inner = fmin (full - 2 * pad, MAX_BAR_PX * n);
  double start = x0 + (full - inner) / 2, each = inner / n;
  double between = n > 1 && each >= 6 ? 1 : 0;
  double left = plot_snap (start + k * each, m->ds);
  double right = plot_snap (start + (k + 1) * each - between, m->ds);

  return (Span){ left, fmax (right - left, 1 / m->ds) };
}

static Span
slot_span (const Marks *m, const PlotSlot *slot)
{
  double x0 = plot_lanes_layout_px (m->layout, slot->x);

  return (Span){ x0, plot_lanes_layout_px (m->layout, slot->x + slot->w) - x0 };
}

/* A rectangle between two values, at least one device pixel high: a small value is not an absent
 * one. */
static void
value_box (const Marks *m, double from, double to, double *y, double *h)
{
  double a = value_px (m, from), b = to == 0 && from == 0 ? a : value_px (m, to);

  *y = fmin (a, b);
  *h = fabs (a - b);
  if (*h < 1 / m->ds)
    {
      *h = 1 / m->ds;
      if (to >= from)
        *y -= *h;
    }
}

static double
foot (const Marks *m)
{
  return m->lane->flags & PLOT_LANE_LOG ? m->lane->y_min : 0;
}

static guint
bar_index (const PlotLane *lane, guint series)
{
  guint k = 0;

  for (guint s = 0; s < series; s++)
    k += plot_lane_get_series (lane, s)->info.role == PLOT_ROLE_BAR;
  return k;
}

/* --- one series of bars --- */

static void
fill_path (const Marks *m, const PlotLaneSeries *series, double alpha)
{
  const GdkRGBA *color = plot_style_color (m->style, series->info.color);

  if (alpha == 1 && series->info.pattern != PLOT_PATTERN_SOLID
      && plot_lanes_layout_item_px (m->layout) >= 4)
    {
      plot_fill_pattern (m->cr, series->info.pattern, color, m->ds, m->layout->plot_x,
                         m->box->plot_y, m->layout->plot_w, m->box->plot_h);
      return;
    }
  plot_set_color (m->cr, color, alpha);
  cairo_fill (m->cr);
}

static void
fill_hatched (const Marks *m, const PlotLaneSeries *series)
{
  if (plot_lanes_layout_item_px (m->layout) >= 4)
    plot_fill_pattern (m->cr, PLOT_PATTERN_HATCH, plot_style_color (m->style, series->info.color),
                       m->ds, m->layout->plot_x, m->box->plot_y, m->layout->plot_w, m->box->plot_h);
  else
    fill_path (m, series, 0.25);
}

/* Hollow and half-filled bars: the outline lies inside the bar, so that all forms have one size. */
static void
stroke_outlines (const Marks *m, const PlotLaneSeries *series)
{
  plot_set_color (m->cr, plot_style_color (m->style, series->info.color), 1);
  cairo_set_line_width (m->cr, 1.5);
  cairo_stroke (m->cr);
}

static void
add_bar (const Marks *m, const Span *span, double from, double to, gboolean outline)
{
  double y, h, inset = 0.75;

  value_box (m, from, to, &y, &h);
  if (!outline)
    cairo_rectangle (m->cr, span->x, y, span->w, h);
  else if (span->w >= 4 && h >= 3)
    cairo_rectangle (m->cr, span->x + inset, y + inset, span->w - 2 * inset, h - 2 * inset);
  else /* no room for an outline: its top */
    {
      cairo_move_to (m->cr, span->x, y + inset);
      cairo_line_to (m->cr, span->x + span->w, y + inset);
    }
}

/* Where a bar or a part of a stack begins and ends; FALSE if it is absent. */
static gboolean
bar_ends (const Marks *m, guint series_index, guint item, double *from, double *to)
{
  const PlotLaneSeries *series = plot_lane_get_series (m->lane, series_index);
  double below = 0;

  if (isnan (series->value[item]))
    return FALSE;
  *from = foot (m);
  *to = series->value[item];
  if (series->info.role != PLOT_ROLE_STACK)
    return TRUE;
  for (guint s = 0; s < series_index; s++)
    {
      const PlotLaneSeries *other = plot_lane_get_series (m->lane, s);

      if (other->info.role == PLOT_ROLE_STACK && !isnan (other->value[item]))
        below += other->value[item];
    }
  *from = fmax (*from, below);
  *to = below + series->value[item];
  return TRUE;
}

/* All bars of one series in one state, as one path. Returns FALSE if there is none. */
static gboolean
add_bars_of_state (const Marks *m, guint series_index, PlotState state, guint k, gboolean outline)
{
  const PlotLaneSeries *series = plot_lane_get_series (m->lane, series_index);
  gboolean any = FALSE;

  for (guint i = m->first; i < m->last; i++)
    {
      const PlotSlot *slot = &m->layout->slots[i];
      double from, to;
      Span span;

      if (series->state[slot->item] != state || !bar_ends (m, series_index, slot->item, &from, &to))
        continue;
      any = TRUE;
      span = bar_span (m, slot, k, m->n_bars);
      add_bar (m, &span, from, to, outline);
    }
  return any;
}

static void
draw_bars (const Marks *m, guint series_index, guint k)
{
  const PlotLaneSeries *series = plot_lane_get_series (m->lane, series_index);

  if (add_bars_of_state (m, series_index, PLOT_STATE_MEASURED, k, FALSE))
    fill_path (m, series, 1);
  if (add_bars_of_state (m, series_index, PLOT_STATE_ATTRIBUTED, k, FALSE))
    {
      fill_path (m, series, 0.45);
      add_bars_of_state (m, series_index, PLOT_STATE_ATTRIBUTED, k, TRUE);
      stroke_outlines (m, series);
    }
  if (add_bars_of_state (m, series_index, PLOT_STATE_MODELLED, k, FALSE))
    {
      fill_hatched (m, series);
      add_bars_of_state (m, series_index, PLOT_STATE_MODELLED, k, TRUE);
      stroke_outlines (m, series);
    }
  if (add_bars_of_state (m, series_index, PLOT_STATE_ESTIMATE, k, FALSE))
    {
      fill_path (m, series, 0.10);
      add_bars_of_state (m, series_index, PLOT_STATE_ESTIMATE, k, TRUE);
      stroke_outlines (m, series);
    }
}

/* --- under one pixel per item --- */

typedef struct
{
  double least, greatest; /* tops of the bars in this column; NaN: none */
  double from;            /* where the greatest begins (stack) */
  PlotState state;        /* of the greatest */
} DenseColumn;

static DenseColumn
dense_column (const Marks *m, guint series_index, guint first, guint last)
{
  const PlotLaneSeries *series = plot_lane_get_series (m->lane, series_index);
  DenseColumn column = { NAN, NAN, foot (m), PLOT_STATE_ABSENT };

  for (guint i = first; i < last; i++)
    {
      double from, to;

      if (!bar_ends (m, series_index, m->layout->slots[i].item, &from, &to))
        continue;
      if (!(to >= column.least))
        column.least = to;
      if (!(to <= column.greatest))
        {
          column.greatest = to;
          column.from = from;
          column.state = series->state[m->layout->slots[i].item];
        }
    }
  return column;
}

static void
begin_columns (const Marks *m, PlotColumns *columns)
{
  plot_columns_init (columns, m->cr, m->layout->plot_x, m->box->plot_y - 2, m->layout->plot_w,
                     m->box->plot_h + 4, m->ds);
}

enum
{
  DENSE_WASH,  /* up to the greatest: measured */
  DENSE_SOLID, /* up to the least: measured */
  DENSE_FAINT, /* estimates: a fainter wash ... */
  DENSE_TOP,   /* ... and a line along their tops */
  N_DENSE
};

/* The rectangle of one column in one pass; FALSE if it has none. */
static gboolean
dense_box (const Marks *m, const DenseColumn *column, guint pass, gboolean stack, double *y,
           double *h)
{
  gboolean measured = column->state == PLOT_STATE_MEASURED;

  if (isnan (column->greatest) || measured != (pass <= DENSE_SOLID))
    return FALSE;
  if (stack && pass == DENSE_WASH)
    return FALSE;
  /* Parts of a stack show the greatest item of the column, or their sums would not meet. */
  value_box (m, column->from, pass == DENSE_SOLID && !stack ? column->least : column->greatest, y,
             h);
  if (pass == DENSE_TOP)
    *h = fmin (*h, plot_snap (1.5, m->ds));
  return TRUE;
}

static void
draw_dense_bars (const Marks *m, guint series_index)
{
  static const double alpha[N_DENSE] = { 0.5, 1, 0.18, 1 };
  const PlotLaneSeries *series = plot_lane_get_series (m->lane, series_index);
  gboolean stack = series->info.role == PLOT_ROLE_STACK;
  double step = 1 / m->ds;
  guint n = (guint)ceil (m->layout->plot_w / step), first = m->first;
  g_autofree DenseColumn *columns = g_new (DenseColumn, n);

  for (guint c = 0; c < n; c++)
    {
      double end = plot_lanes_layout_units (m->layout, m->layout->plot_x + (c + 1) * step);
      guint last = first;

      while (last < m->last && m->layout->slots[last].x < end)
        last++;
      columns[c] = dense_column (m, series_index, first, last);
      first = last;
    }
  for (guint pass = 0; pass < N_DENSE; pass++)
    {
      PlotColumns painted;

      begin_columns (m, &painted);
      for (guint c = 0; c < n; c++)
        {
          double y, h;

          if (!dense_box (m, &columns[c], pass, stack, &y, &h))
            continue;
          plot_columns_add (&painted, c, y, y + h);
        }
      plot_columns_paint (&painted, plot_style_color (m->style, series->info.color), alpha[pass]);
    }
}

/* --- intervals --- */

/* The interval goes on beyond the lane. */
static void
draw_cut_off (const Marks *m, double x, double half)
{
  cairo_move_to (m->cr, x, m->box->plot_y - 2);
  cairo_line_to (m->cr, x + half, m->box->plot_y - 2 + 1.5 * half);
  cairo_line_to (m->cr, x - half, m->box->plot_y - 2 + 1.5 * half);
  cairo_close_path (m->cr);
}

static void
draw_whiskers (const Marks *m, guint series_index, guint k)
{
  const PlotLaneSeries *series = plot_lane_get_series (m->lane, series_index);
  double line = plot_snap (1.0, m->ds);

  for (guint i = m->first; i < m->last; i++)
    {
      const PlotSlot *slot = &m->layout->slots[i];
      double lo = series->lo[slot->item], hi = series->hi[slot->item], x, y, h, cap;
      Span span;

      if (isnan (lo) || isnan (hi))
        continue;
      span = bar_span (m, slot, k, m->n_bars);
      value_box (m, fmin (lo, hi), fmax (lo, hi), &y, &h);
      x = plot_snap (span.x + (span.w - line) / 2, m->ds);
      cairo_rectangle (m->cr, x, y, line, h);
      cap = plot_snap (fmin (span.w * 0.5, 9) / 2, m->ds);
      if (fmax (lo, hi) > m->y.max && m->y.kind == PLOT_AXIS_LINEAR)
        draw_cut_off (m, x + line / 2, fmin (4, span.w / 2));
      else if (span.w >= 8 && h > 3)
        {
          cairo_rectangle (m->cr, x - cap, y, cap, line);
          cairo_rectangle (m->cr, x + line, y, cap, line);
        }
      if (span.w >= 8 && h > 3)
        {
          cairo_rectangle (m->cr, x - cap, y + h - line, cap, line);
          cairo_rectangle (m->cr, x + line, y + h - line, cap, line);
        }
    }
  plot_set_color (m->cr, &m->style->text, plot_lanes_layout_item_px (m->layout) >= 8 ? 0.8 : 0.45);
  cairo_fill (m->cr);
}

/* --- baseline --- */

/* Behind: a faint box a little wider than the bar, outlined. */
static void
draw_ghosts (const Marks *m, const PlotLaneSeries *baseline, guint k)
{
  double item_px = plot_lanes_layout_item_px (m->layout);

  for (int outline = 0; outline < 2; outline++)
    {
      for (guint i = m->first; i < m->last; i++)
        {
          const PlotSlot *slot = &m->layout->slots[i];
          double value = baseline->value[slot->item], y, h, out;
          Span span;

          if (isnan (value))
            continue;
          span = bar_span (m, slot, k, m->n_bars);
          out = item_px >= 10 && m->n_bars == 1 ? 2 : 0;
          value_box (m, foot (m), value, &y, &h);
          if (outline && item_px >= 6)
            cairo_rectangle (m->cr, span.x - out + 0.5, y + 0.5, span.w + 2 * out - 1,
                             fmax (h - 0.5, 0));
          else if (!outline)
            cairo_rectangle (m->cr, span.x - out, y, span.w + 2 * out, h);
        }
      plot_set_color (m->cr, &m->style->baseline, outline ? 1 : 0.22);
      cairo_set_line_width (m->cr, 1);
      if (outline)
        cairo_stroke (m->cr);
      else
        cairo_fill (m->cr);
    }
}

/* In front: where the bar hides the top of the baseline, a notch shows it. */
static void
draw_notches (const Marks *m, const PlotLaneSeries *baseline, guint k)
{
  const PlotLaneSeries *of = plot_lane_get_series (m->lane, baseline->info.of);
  gboolean stack = of->info.role == PLOT_ROLE_STACK;
  gboolean wide = plot_lanes_layout_item_px (m->layout) >= 6;
  double line = plot_snap (wide ? 1.5 : 1.0, m->ds);

  for (guint i = m->first; i < m->last; i++)
    {
      const PlotSlot *slot = &m->layout->slots[i];
      double value = baseline->value[slot->item];
      double now = stack ? plot_lane_stack_value (m->lane, slot->item) : of->value[slot->item];
      Span span;

      if (isnan (value) || (!(fabs (value) <= fabs (now)) && wide))
        continue;
      span = bar_span (m, slot, k, m->n_bars);
      cairo_rectangle (m->cr, span.x, value_px (m, value), span.w, line);
    }
  plot_set_color (m->cr, &m->style->text, wide ? 0.85 : 0.5);
  cairo_fill (m->cr);
}

static void
draw_dense_baseline (const Marks *m, const PlotLaneSeries *baseline)
{
  guint first = m->first, n = (guint)ceil (m->layout->plot_w * m->ds);
  PlotColumns painted;

  begin_columns (m, &painted);
  for (guint c = 0; c < n; c++)
    {
      double x = m->layout->plot_x + c / m->ds;
      double end = plot_lanes_layout_units (m->layout, x + 1 / m->ds), least = NAN, greatest = NAN;
      double y, h;

      for (; first < m->last && m->layout->slots[first].x < end; first++)
        {
          greatest = fmax (greatest, baseline->value[m->layout->slots[first].item]);
          least = fmin (least, baseline->value[m->layout->slots[first].item]);
        }
      if (isnan (greatest))
        continue;
      value_box (m, least, greatest, &y, &h);
      plot_columns_add (&painted, c, y, y + fmax (h, plot_snap (1.5, m->ds)));
    }
  plot_columns_paint (&painted, &m->style->text, 0.4);
}

/* Under one pixel per item an interval is a wash from the least lower end to the greatest upper
 * one. */
static void
draw_dense_intervals (const Marks *m, guint series_index)
{
  const PlotLaneSeries *series = plot_lane_get_series (m->lane, series_index);
  guint first = m->first, n = (guint)ceil (m->layout->plot_w * m->ds);
  PlotColumns painted;

  begin_columns (m, &painted);
  for (guint c = 0; c < n; c++)
    {
      double end = plot_lanes_layout_units (m->layout, m->layout->plot_x + (c + 1) / m->ds);
      double lo = NAN, hi = NAN, y, h;

      for (; first < m->last && m->layout->slots[first].x < end; first++)
        {
          lo = fmin (lo, series->lo[m->layout->slots[first].item]);
          hi = fmax (hi, series->hi[m->layout->slots[first].item]);
        }
      if (isnan (lo) || isnan (hi))
        continue;
      value_box (m, fmin (lo, hi), fmax (lo, hi), &y, &h);
      plot_columns_add (&painted, c, y, y + h);
    }
  plot_columns_paint (&painted, plot_style_color (m->style, series->info.color), 0.25);
}

/* --- points --- */

static void
draw_points (const Marks *m, guint series_index)
{
  const PlotLaneSeries *series = plot_lane_get_series (m->lane, series_index);
  const GdkRGBA *color = plot_style_color (m->style, series->info.color);
  double r = CLAMP (plot_lanes_layout_item_px (m->layout) * 0.3, 1, 4.5);

  for (int hollow = 0; hollow < 2; hollow++)
    {
      for (guint i = m->first; i < m->last; i++)
        {
          const PlotSlot *slot = &m->layout->slots[i];
          double value = series->value[slot->item];
          Span span = slot_span (m, slot);

          if (isnan (value) || (series->state[slot->item] != PLOT_STATE_MEASURED) != hollow)
            continue;
          if (m->dense)
            cairo_rectangle (m->cr, span.x, value_px (m, value) - 1, fmax (span.w, 1 / m->ds), 2);
          else
            plot_shape_path (m->cr, series->info.shape, span.x + span.w / 2, value_px (m, value),
                             hollow ? r - 0.5 : r);
        }
      plot_set_color (m->cr, color, 1);
      cairo_set_line_width (m->cr, 1.5);
      if (hollow)
        cairo_stroke (m->cr);
      else
        cairo_fill (m->cr);
    }
}

/* --- absent --- */

/* A short dash above the zero line where nothing was measured; a measured zero is a line of the
 * bar's width on it. */
static void
draw_absent (const Marks *m)
{
  for (guint i = m->first; i < m->last; i++)
    {
      const PlotSlot *slot = &m->layout->slots[i];
      Span span = slot_span (m, slot);
      double w = plot_snap (CLAMP (span.w * 0.3, 4, 8), m->ds);
      gboolean present = FALSE;

      if (span.w < 7)
        continue;
      for (guint s = 0; s < m->lane->series->len; s++)
        {
          const PlotLaneSeries *series = plot_lane_get_series (m->lane, s);

          present |= series->info.role != PLOT_ROLE_BASELINE && !isnan (series->value[slot->item]);
        }
      if (!present)
        cairo_rectangle (m->cr, plot_snap (span.x + (span.w - w) / 2, m->ds), m->zero_px - 5, w,
                         plot_snap (1.0, m->ds));
    }
  plot_set_color (m->cr, &m->style->dim_text, 0.8);
  cairo_fill (m->cr);
}

/* --- all --- */

static void
draw_baselines (const Marks *m, gboolean front)
{
  for (guint s = 0; s < m->lane->series->len; s++)
    {
      const PlotLaneSeries *baseline = plot_lane_get_series (m->lane, s);
      guint k;

      if (baseline->info.role != PLOT_ROLE_BASELINE)
        continue;
      k = bar_index (m->lane, baseline->info.of);
      if (!front && m->dense)
        continue;
      if (front && m->dense)
        draw_dense_baseline (m, baseline);
      else if (front)
        draw_notches (m, baseline, MIN (k, m->n_bars - 1));
      else
        draw_ghosts (m, baseline, MIN (k, m->n_bars - 1));
    }
}

static void
draw_values (const Marks *m)
{
  for (guint s = 0; s < m->lane->series->len; s++)
    {
      PlotRole role = plot_lane_get_series (m->lane, s)->info.role;
      guint k = role == PLOT_ROLE_BAR ? bar_index (m->lane, s) : 0;

      if (m->dense && (role == PLOT_ROLE_BAR || role == PLOT_ROLE_POINT))
        draw_dense_intervals (m, s);
      if (role == PLOT_ROLE_POINT)
        draw_points (m, s);
      else if (role != PLOT_ROLE_BASELINE && m->dense)
        draw_dense_bars (m, s);
      else if (role != PLOT_ROLE_BASELINE)
        draw_bars (m, s, k);
    }
}

void
plot_lanes_draw_marks (const PlotLanesModel *model, const PlotLanesLayout *layout, guint lane_index,
                       cairo_t *cr, const PlotStyle *style)
{
  const PlotLane *lane = g_ptr_array_index (model->lanes, lane_index);
  Marks m = { model, layout, lane, &layout->lanes[lane_index], style, cr };

  if (m.box->plot_h <= 0 || layout->n_slots == 0)
    return;
  plot_lanes_layout_lane_scale (layout, lane, lane_index, &m.y);
  m.ds = layout->device_scale;
  m.n_bars = MAX (1, plot_lane_count_role (lane, PLOT_ROLE_BAR));
  m.dense = plot_lanes_layout_item_px (layout) < DENSE_PX;
  m.zero_px = plot_snap (plot_scale_to_px (&m.y, foot (&m)), m.ds);
  plot_lanes_layout_visible (layout, &m.first, &m.last);

  cairo_save (cr);
  cairo_rectangle (cr, layout->plot_x, m.box->plot_y - 2, layout->plot_w, m.box->plot_h + 3);
  cairo_clip (cr);
  if (model->show_baseline)
    draw_baselines (&m, FALSE);
  draw_values (&m);
  if (model->show_baseline)
    draw_baselines (&m, TRUE);
  for (guint s = 0; s < lane->series->len && !m.dense; s++)
    {
      PlotRole role = plot_lane_get_series (lane, s)->info.role;

      if (role == PLOT_ROLE_BAR || role == PLOT_ROLE_POINT)
        draw_whiskers (&m, s, role == PLOT_ROLE_BAR ? bar_index (lane, s) : 0);
    }
  if (!plot_lane_is_empty (lane, model->n_items))
    draw_absent (&m);
  cairo_restore (cr);
}
