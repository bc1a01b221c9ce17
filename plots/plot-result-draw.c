/* Bars and tensors of PlotResult, and which picture is drawn at all. Pure: the same for screen,
 * export and test. Pictures are in plot-result-picture.c, waves and series in -signal.c. */

#include "plot-result-private.h"

#include <math.h>

#define PAD 12.0
#define GAP 10.0
#define BAR_HEIGHT 8.0
#define WIDE 320.0 /* from here the label stands beside its bar, else above it */

/* --- bars --- */

static double
bar_row_height (PlotText *text, double width)
{
  double line = plot_text_line_height (text, PLOT_FONT_BODY);

  return width >= WIDE ? line + 10 : line + BAR_HEIGHT + 14;
}

char *
plot_result_dup_bar_value (const PlotResultModel *model, double value)
{
  const PlotUnit percent = PLOT_UNIT_PERCENT, plain = PLOT_UNIT_PLAIN;

  if (model->shares && value < 0.001 && value > 0)
    return g_strdup ("< 0.1\u202f%");
  if (model->shares)
    return g_strdup_printf ("%.1f\u202f%%", 100 * value);
  return plot_format_value (model->shares ? &percent : &plain, value, 4);
}

/* The axis of the bars: shares from 0 to 1, other numbers from 0 to the farthest one. */
static void
bar_range (const PlotResultModel *model, double *low, double *high)
{
  *low = 0;
  *high = model->shares ? 1 : 0;
  for (guint i = 0; i < model->n_bars; i++)
    {
      *low = fmin (*low, model->bars[i].value);
      *high = fmax (*high, model->bars[i].value);
    }
  if (!isnan (model->threshold))
    *high = fmax (*high, model->threshold * 1.25);
  if (*high <= *low)
    *high = *low + 1;
}

static void
draw_bar (const PlotResultModel *model, const PlotResultFrame *frame, PlotRect track, guint i)
{
  cairo_t *cr = frame->cr;
  double low, high, zero, end;

  bar_range (model, &low, &high);
  plot_set_color (cr, &frame->style->text, 0.1);
  plot_round_box_path (cr, track.x, track.y, track.w, track.h, track.h / 2);
  cairo_fill (cr);
  zero = track.x + track.w * (0 - low) / (high - low);
  end = track.x + track.w * (model->bars[i].value - low) / (high - low);
  if (isnan (end) || fabs (end - zero) < 0.05)
    return;
  cairo_save (cr);
  plot_round_box_path (cr, track.x, track.y, track.w, track.h, track.h / 2);
  cairo_clip (cr);
  plot_set_color (cr, plot_style_color (frame->style, 0), i == 0 ? 1 : 0.55);
  plot_round_box_path (cr, fmin (zero, end), track.y, fmax (fabs (end - zero), 2), track.h,
                       fmin (track.h / 2, fmax (fabs (end - zero), 2) / 2));
  cairo_fill (cr);
  cairo_restore (cr);
  if (!isnan (model->threshold))
    {
      double x = plot_snap (track.x + track.w * (model->threshold - low) / (high - low),
                            frame->device_scale);

      plot_set_color (cr, &frame->style->text, 0.9);
      cairo_rectangle (cr, x - 1, track.y - 4, 2, track.h + 8);
      cairo_fill (cr);
    }
}

static double
label_column (const PlotResultModel *model, const PlotResultFrame *frame)
{
  double width = 0;

  for (guint i = 0; i < model->n_bars; i++)
    if (model->bars[i].label != NULL)
      width = fmax (width, plot_text_width (frame->text, i == 0 ? PLOT_FONT_BOLD : PLOT_FONT_BODY,
                                            model->bars[i].label));
  return fmin (width, 0.48 * frame->room.w);
}

static double
value_column (const PlotResultModel *model, const PlotResultFrame *frame)
{
  double width = 0;

  for (guint i = 0; i < model->n_bars; i++)
    {
      g_autofree char *value = plot_result_dup_bar_value (model, model->bars[i].value);

      width = fmax (width, plot_text_width (frame->text, PLOT_FONT_BOLD, value));
    }
  return width;
}

void
plot_result_draw_bars (const PlotResultModel *model, const PlotResultFrame *frame)
{
  gboolean wide = frame->room.w >= WIDE;
  double row_h = bar_row_height (frame->text, frame->room.w), y = frame->room.y + PAD / 2;
  double labels = label_column (model, frame);
  double values = value_column (model, frame);
  double x = frame->room.x + PAD, w = frame->room.w - 2 * PAD;

  for (guint i = 0; i < model->n_bars && y + row_h <= frame->room.y + frame->room.h + 1;
       i++, y += row_h)
    {
      g_autofree char *value = plot_result_dup_bar_value (model, model->bars[i].value);
      PlotFont font = i == 0 ? PLOT_FONT_BOLD : PLOT_FONT_BODY;
      double text_y = wide ? y + row_h / 2 : y + (row_h - BAR_HEIGHT - 8) / 2;
      PlotRect track = { x, y + row_h - BAR_HEIGHT - 6, w, BAR_HEIGHT };

      if (wide)
        track = (PlotRect){ x + labels + GAP, y + (row_h - BAR_HEIGHT) / 2,
                            fmax (8, w - labels - values - 2 * GAP), BAR_HEIGHT };
      plot_text_draw (frame->text, frame->cr, font, &frame->style->text,
                      model->bars[i].label != NULL ? model->bars[i].label : "", x, text_y, 0, 0.5,
                      wide ? labels : w - values - GAP);
      plot_text_draw (frame->text, frame->cr, font, &frame->style->text, value, x + w, text_y, 1,
                      0.5, 0);
      draw_bar (model, frame, track, i);
    }
}

int
plot_result_bar_at (const PlotResultModel *model, const PlotResultFrame *frame, double py)
{
  double row = (py - frame->room.y - PAD / 2) / bar_row_height (frame->text, frame->room.w);

  return row >= 0 && row < model->n_bars ? (int)row : -1;
}

/* --- tensors --- */

static double
tensor_row_height (PlotText *text)
{
  return plot_text_line_height (text, PLOT_FONT_BODY)
         + 2 * plot_text_line_height (text, PLOT_FONT_SMALL) + 48;
}

static void
draw_bins (const PlotResultTensor *tensor, const PlotResultFrame *frame, PlotRect area)
{
  guint32 most = 1;

  for (guint i = 0; i < tensor->n_bins; i++)
    most = MAX (most, tensor->bins[i]);
  plot_set_color (frame->cr, &frame->style->grid, 1);
  cairo_rectangle (frame->cr, area.x, area.y + area.h - 1, area.w, 1);
  cairo_fill (frame->cr);
  plot_set_color (frame->cr, plot_style_color (frame->style, 0), 0.85);
  for (guint i = 0; i < tensor->n_bins; i++)
    {
      double h = area.h * tensor->bins[i] / most;
      double x0 = plot_snap (area.x + area.w * i / tensor->n_bins, frame->device_scale);
      double x1 = plot_snap (area.x + area.w * (i + 1) / tensor->n_bins, frame->device_scale);

      if (tensor->bins[i] > 0)
        cairo_rectangle (frame->cr, x0, area.y + area.h - fmax (h, 1), fmax (x1 - x0 - 1, 1),
                         fmax (h, 1));
    }
  cairo_fill (frame->cr);
}

static char *
dup_tensor_detail (const PlotResultTensor *tensor)
{
  const char *detail = tensor->detail != NULL ? tensor->detail : "";

  return tensor->n_bad > 0
             ? g_strdup_printf ("%s · %" G_GUINT64_FORMAT " are no numbers", detail, tensor->n_bad)
             : g_strdup (detail);
}

/* Name and shape; the histogram; under it minimum, mean and maximum where they lie. */
static void
draw_tensor (const PlotResultTensor *tensor, const PlotResultFrame *frame, double y, double row_h)
{
  const PlotUnit plain = PLOT_UNIT_PLAIN;
  double x = frame->room.x + PAD, w = frame->room.w - 2 * PAD;
  double line = plot_text_line_height (frame->text, PLOT_FONT_BODY);
  double small = plot_text_line_height (frame->text, PLOT_FONT_SMALL);
  g_autofree char *detail = dup_tensor_detail (tensor);
  double detail_w = plot_text_width (frame->text, PLOT_FONT_SMALL, detail);
  g_autofree char *low = plot_format_value (&plain, tensor->min, 4);
  g_autofree char *mean_value = plot_format_value (&plain, tensor->mean, 4);
  g_autofree char *high = plot_format_value (&plain, tensor->max, 4);
  g_autofree char *mean = g_strdup_printf ("mean %s", mean_value);
  PlotRect bins = { x, y + line + 8, w, row_h - line - small - 26 };

  detail_w = fmin (detail_w, 0.55 * w);
  plot_text_draw (frame->text, frame->cr, PLOT_FONT_BOLD, &frame->style->text, tensor->name, x,
                  y + line / 2, 0, 0.5, w - detail_w - GAP);
  plot_text_draw (frame->text, frame->cr, PLOT_FONT_SMALL,
                  tensor->n_bad > 0 ? &frame->style->text : &frame->style->dim_text, detail, x + w,
                  y + line / 2, 1, 0.5, detail_w);
  if (tensor->bins != NULL)
    draw_bins (tensor, frame, bins);
  y = bins.y + bins.h + 3;
  plot_text_draw (frame->text, frame->cr, PLOT_FONT_SMALL, &frame->style->dim_text, low, x, y, 0, 0,
                  w / 3);
  plot_text_draw (frame->text, frame->cr, PLOT_FONT_SMALL, &frame->style->text, mean, x + w / 2, y,
                  0.5, 0, w / 3);
  plot_text_draw (frame->text, frame->cr, PLOT_FONT_SMALL, &frame->style->dim_text, high, x + w, y,
                  1, 0, w / 3);
}

void
plot_result_draw_tensors (const PlotResultModel *model, const PlotResultFrame *frame)
{
  double row_h = tensor_row_height (frame->text);
  double y = frame->room.y + PAD / 2;

  for (guint i = 0; i < model->n_tensors; i++, y += row_h)
    draw_tensor (&model->tensors[i], frame, y, row_h);
}

/* --- all --- */

double
plot_result_wanted_height (const PlotResultModel *model, PlotText *text)
{
  switch (model->kind)
    {
    case PLOT_RESULT_BARS:
      return model->n_bars * bar_row_height (text, 0) + PAD;
    case PLOT_RESULT_TENSORS:
      return model->n_tensors * tensor_row_height (text) + PAD;
    case PLOT_RESULT_PICTURE:
    case PLOT_RESULT_WAVE:
    case PLOT_RESULT_SERIES:
    default:
      return 0;
    }
}

void
plot_result_draw (const PlotResultModel *model, const PlotResultFrame *frame)
{
  switch (model->kind)
    {
    case PLOT_RESULT_PICTURE:
      plot_result_draw_picture (model, frame);
      break;
    case PLOT_RESULT_BARS:
      plot_result_draw_bars (model, frame);
      break;
    case PLOT_RESULT_WAVE:
      plot_result_draw_waves (model, frame);
      break;
    case PLOT_RESULT_SERIES:
      plot_result_draw_series (model, frame);
      break;
    case PLOT_RESULT_TENSORS:
      plot_result_draw_tensors (model, frame);
      break;
    default:
      break;
    }
}
