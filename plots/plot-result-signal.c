/* Sounds as waves and values over time of PlotResult, over one axis in seconds. Pure. */

#include "plot-result-private.h"

#include <math.h>
#include "plot-ticks.h"

#define PAD 10.0

/* --- the axis of time --- */

static double
axis_height (const PlotResultFrame *frame)
{
  return plot_text_line_height (frame->text, PLOT_FONT_SMALL) + 8;
}

static void
draw_time_axis (const PlotResultFrame *frame, PlotRect plot, double t0, double t1)
{
  const PlotUnit seconds = PLOT_UNIT_SECONDS;
  g_autofree char *unit = NULL;
  PlotTicks ticks;

  plot_ticks_init (&ticks, PLOT_AXIS_LINEAR, t0, t1, (guint)CLAMP (plot.w / 70, 2, 12), &seconds);
  unit = plot_ticks_dup_unit (&ticks, &seconds);
  for (guint i = 0; i < ticks.n_major; i++)
    {
      g_autofree char *number = plot_ticks_dup_label (&ticks, i, &seconds);
      g_autofree char *label = g_strconcat (number, "\u202f", unit, NULL);
      double x = plot.x + plot.w * (ticks.major[i] - t0) / (t1 - t0);
      double w = plot_text_width (frame->text, PLOT_FONT_SMALL, label);
      double text_x = fmax (plot.x, fmin (x - w / 2, plot.x + plot.w - w));

      plot_set_color (frame->cr, &frame->style->grid, 1);
      cairo_rectangle (frame->cr, plot_snap (x, frame->device_scale), plot.y, 1, plot.h);
      cairo_fill (frame->cr);
      plot_text_draw (frame->text, frame->cr, PLOT_FONT_SMALL, &frame->style->dim_text, label,
                      text_x, plot.y + plot.h + 4, 0, 0, 0);
    }
}

/* --- waves --- */

static double
wave_peak (const PlotResultModel *model)
{
  double peak = 0;

  for (guint i = 0; i < model->n_waves; i++)
    for (guint k = 0; k < model->waves[i].n_bins; k++)
      {
        peak = fmax (peak, fabs ((double)model->waves[i].low[k]));
        peak = fmax (peak, fabs ((double)model->waves[i].high[k]));
      }
  return isfinite (peak) && peak > 0 ? peak : 1;
}

/* Lowest and highest of each column of pixels: every spike stays. */
static void
draw_wave (const PlotResultEnvelope *wave, const PlotResultFrame *frame, PlotRect area, double peak,
           double seconds, guint color)
{
  double scale = frame->device_scale, middle = area.y + area.h / 2, half = area.h / 2 / peak;
  double w = seconds > 0 ? area.w * wave->seconds / seconds : area.w;
  guint n = (guint)fmax (1, floor (w * scale));
  PlotColumns columns;

  plot_set_color (frame->cr, &frame->style->axis, 1);
  cairo_rectangle (frame->cr, area.x, plot_snap (middle, scale), area.w, 1 / scale);
  cairo_fill (frame->cr);
  if (wave->n_bins == 0)
    return;
  plot_columns_init (&columns, frame->cr, plot_snap (area.x, scale), plot_snap (area.y, scale),
                     n / scale, ceil (area.h), scale);
  for (guint i = 0; i < n; i++)
    {
      guint from = (guint)((guint64)wave->n_bins * i / n);
      guint to = MAX (from + 1, (guint)((guint64)wave->n_bins * (i + 1) / n));
      float low = INFINITY, high = -INFINITY;

      for (guint k = from; k < to && k < wave->n_bins; k++)
        {
          low = fminf (low, wave->low[k]);
          high = fmaxf (high, wave->high[k]);
        }
      if (low > high)
        continue;
      plot_columns_add (&columns, i, plot_snap (middle - (double)high * half, scale),
                        fmax (plot_snap (middle - (double)low * half, scale),
                              plot_snap (middle - (double)high * half, scale) + 1 / scale));
    }
  plot_columns_paint (&columns, plot_style_color (frame->style, color), 1);
}

void
plot_result_draw_waves (const PlotResultModel *model, const PlotResultFrame *frame)
{
  double axis = axis_height (frame), seconds = 0, peak = wave_peak (model);
  PlotRect plot = { frame->room.x + PAD, frame->room.y + PAD / 2, frame->room.w - 2 * PAD,
                    frame->room.h - PAD / 2 - axis };
  double line = plot_text_line_height (frame->text, PLOT_FONT_SMALL) + 2;

  for (guint i = 0; i < model->n_waves; i++)
    seconds = fmax (seconds, model->waves[i].seconds);
  if (model->n_waves == 0 || plot.h < 8 || plot.w < 8)
    return;
  if (seconds > 0)
    draw_time_axis (frame, plot, 0, seconds);
  for (guint i = 0; i < model->n_waves; i++)
    {
      const PlotResultEnvelope *wave = &model->waves[i];
      gboolean named = wave->name != NULL && *wave->name != '\0';
      PlotRect area
          = { plot.x, plot.y + plot.h * i / model->n_waves, plot.w, plot.h / model->n_waves - 4 };

      if (named)
        {
          plot_text_draw (frame->text, frame->cr, PLOT_FONT_SMALL, &frame->style->dim_text,
                          wave->name, area.x, area.y, 0, 0, area.w);
          area.y += line;
          area.h -= line;
        }
      if (area.h > 4)
        draw_wave (wave, frame, area, peak, seconds, i);
    }
}

/* --- series --- */

static void
series_range (const PlotResultModel *model, double *low, double *high)
{
  *low = INFINITY;
  *high = -INFINITY;
  for (guint i = 0; i < model->n_series; i++)
    for (guint k = 0; k < model->series[i].n_values; k++)
      {
        *low = fmin (*low, model->series[i].values[k]);
        *high = fmax (*high, model->series[i].values[k]);
      }
  if (!(*low <= *high))
    *low = *high = 0;
  if (!isnan (model->threshold))
    {
      *low = fmin (*low, model->threshold);
      *high = fmax (*high, model->threshold);
    }
  if (*low >= 0 && *high <= 1
      && *high > 0.02) /* shares: the whole range, so that 2 % looks small */
    {
      *low = 0;
      *high = 1;
    }
  else if (*low > 0)
    *low = 0;
  if (*high <= *low)
    *high = *low + 1;
}

/* At most two points per pixel column: a long series is reduced to its ends in each. */
static void
series_path (const PlotResultModel *model, const PlotResultSeries *series, cairo_t *cr,
             PlotRect plot, double low, double high, guint n_most)
{
  guint per = (guint)fmax (1, floor (series->n_values / (2 * plot.w)));
  gboolean pen = FALSE;

  for (guint k = 0; k < series->n_values; k += per)
    {
      double value = series->values[k];
      double x = plot.x + plot.w * (n_most > 1 ? (double)k / (n_most - 1) : 0.5), y;

      for (guint j = k; j < MIN (k + per, series->n_values); j++)
        if (fabs (series->values[j]) > fabs (value))
          value = series->values[j];
      if (isnan (value))
        {
          pen = FALSE;
          continue;
        }
      y = plot.y + plot.h * (1 - (value - low) / (high - low));
      if (pen)
        cairo_line_to (cr, x, y);
      else
        cairo_move_to (cr, x, y);
      pen = TRUE;
      if (series->n_values == 1)
        cairo_line_to (cr, x + 0.1, y);
    }
}

static void
draw_series_legend (const PlotResultModel *model, const PlotResultFrame *frame, PlotRect room)
{
  double x = room.x, line = room.h;

  for (guint i = 0; i < model->n_series; i++)
    {
      const char *name = model->series[i].name != NULL ? model->series[i].name : "";
      double w = plot_text_width (frame->text, PLOT_FONT_SMALL, name);

      if (x + 22 + fmin (w, 60) > room.x + room.w)
        return;
      w = fmin (w, room.x + room.w - x - 22);
      plot_set_color (frame->cr, plot_style_color (frame->style, i), 1);
      plot_set_dash (frame->cr, i / 2 % 4, 2);
      cairo_set_line_width (frame->cr, 2);
      cairo_move_to (frame->cr, x, room.y + line / 2);
      cairo_line_to (frame->cr, x + 16, room.y + line / 2);
      cairo_stroke (frame->cr);
      plot_set_dash (frame->cr, 0, 2);
      plot_text_draw (frame->text, frame->cr, PLOT_FONT_SMALL, &frame->style->text, name, x + 22,
                      room.y + line / 2, 0, 0.5, w);
      x += 22 + w + 14;
    }
}

static void
draw_levels (const PlotResultModel *model, const PlotResultFrame *frame, PlotRect plot, double low,
             double high)
{
  const PlotUnit plain = PLOT_UNIT_PLAIN, percent = PLOT_UNIT_PERCENT;
  const PlotUnit *unit = low == 0 && high == 1 ? &percent : &plain;
  const double levels[] = { low, (low + high) / 2, high };

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      g_autofree char *label = plot_format_value (unit, levels[i], 3);
      double y = plot.y + plot.h * (1 - (levels[i] - low) / (high - low));

      plot_set_color (frame->cr, &frame->style->grid, 1);
      cairo_rectangle (frame->cr, plot.x, plot_snap (y, frame->device_scale), plot.w, 1);
      cairo_fill (frame->cr);
      plot_text_draw (frame->text, frame->cr, PLOT_FONT_SMALL, &frame->style->dim_text, label,
                      plot.x - 6, y, 1, 0.5, 0);
    }
  if (!isnan (model->threshold))
    {
      g_autofree char *label = plot_format_value (unit, model->threshold, 3);
      double y = plot.y + plot.h * (1 - (model->threshold - low) / (high - low));
      double room = plot.h;

      for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
        room = fmin (room, fabs (plot.y + plot.h * (1 - (levels[i] - low) / (high - low)) - y));

      plot_set_color (frame->cr, &frame->style->text, 0.8);
      plot_set_dash (frame->cr, 1, 1.2);
      cairo_set_line_width (frame->cr, 1.2);
      cairo_move_to (frame->cr, plot.x, y);
      cairo_line_to (frame->cr, plot.x + plot.w, y);
      cairo_stroke (frame->cr);
      plot_set_dash (frame->cr, 0, 1);
      if (room > plot_text_line_height (frame->text, PLOT_FONT_SMALL))
        plot_text_draw (frame->text, frame->cr, PLOT_FONT_SMALL, &frame->style->text, label,
                        plot.x - 6, y, 1, 0.5, 0);
    }
}

void
plot_result_draw_series (const PlotResultModel *model, const PlotResultFrame *frame)
{
  double axis = axis_height (frame), low, high;
  double line = plot_text_line_height (frame->text, PLOT_FONT_SMALL) + 6;
  double left = plot_text_width (frame->text, PLOT_FONT_SMALL, "100 %") + PAD + 6;
  PlotRect legend = { frame->room.x + PAD, frame->room.y + 2, frame->room.w - 2 * PAD, line };
  PlotRect plot = { frame->room.x + left, frame->room.y + line + 8, frame->room.w - left - PAD,
                    frame->room.h - line - 8 - axis };
  guint n_most = 0;
  double t1;

  for (guint i = 0; i < model->n_series; i++)
    n_most = MAX (n_most, model->series[i].n_values);
  if (n_most == 0 || plot.h < 8 || plot.w < 8)
    return;
  series_range (model, &low, &high);
  t1 = model->start_s + model->step_s * (n_most > 1 ? n_most - 1 : 1);
  if (t1 > model->start_s)
    draw_time_axis (frame, plot, model->start_s, t1);
  draw_levels (model, frame, plot, low, high);
  for (guint i = model->n_series; i-- > 0;)
    {
      series_path (model, &model->series[i], frame->cr, plot, low, high, n_most);
      plot_set_color (frame->cr, plot_style_color (frame->style, i), 1);
      plot_set_dash (frame->cr, i / 2 % 4, 2);
      cairo_set_line_width (frame->cr, 2);
      cairo_set_line_join (frame->cr, CAIRO_LINE_JOIN_ROUND);
      cairo_set_line_cap (frame->cr, CAIRO_LINE_CAP_ROUND);
      cairo_stroke (frame->cr);
    }
  plot_set_dash (frame->cr, 0, 2);
  draw_series_legend (model, frame, legend);
}
