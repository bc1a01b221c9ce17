/* Pictures of PlotResult: the picture itself, before and after, what lies over it, and the legend
 * of a mask. Pure. */

#include "plot-result-private.h"

#include <math.h>

#define LEGEND_GAP 6.0
#define LEGEND_INSET 10.0
#define SWATCH 12.0

static PlotRect
snapped (PlotRect rect, double scale)
{
  double x0 = plot_snap (rect.x, scale), y0 = plot_snap (rect.y, scale);

  return (PlotRect){ x0, y0, fmax (1, plot_snap (rect.x + rect.w, scale) - x0),
                     fmax (1, plot_snap (rect.y + rect.h, scale) - y0) };
}

PlotRect
plot_result_picture_rect (const PlotResultModel *model, const PlotResultFrame *frame)
{
  PlotRect room = frame->room;
  double legend = plot_result_legend_height (model, frame);

  room.h = fmax (16, room.h - legend);
  return snapped (plot_rect_fit (room, model->aspect), frame->device_scale);
}

static void
paint_surface (const PlotResultFrame *frame, cairo_surface_t *surface, PlotRect rect)
{
  double w = cairo_image_surface_get_width (surface), h = cairo_image_surface_get_height (surface);
  gboolean larger = rect.w * frame->device_scale > 3 * w;

  cairo_save (frame->cr);
  cairo_rectangle (frame->cr, rect.x, rect.y, rect.w, rect.h);
  cairo_clip (frame->cr);
  cairo_translate (frame->cr, rect.x, rect.y);
  cairo_scale (frame->cr, rect.w / w, rect.h / h);
  cairo_set_source_surface (frame->cr, surface, 0, 0);
  /* The pixels of tiny pictures are what a person wants to see. */
  cairo_pattern_set_filter (cairo_get_source (frame->cr),
                            larger ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
  cairo_pattern_set_extend (cairo_get_source (frame->cr), CAIRO_EXTEND_PAD);
  cairo_paint (frame->cr);
  cairo_restore (frame->cr);
}

/* --- before and after --- */

static void
draw_chip (const PlotResultFrame *frame, PlotRect within, const char *label, gboolean right)
{
  double w, h;
  GdkRGBA white = { 1, 1, 1, 1 }, black = { 0, 0, 0, 1 };

  plot_text_measure (frame->text, PLOT_FONT_SMALL, label, &w, &h);
  if (frame->style->marks_only || within.w < w + 28 || within.h < h + 24)
    return;
  plot_set_color (frame->cr, &black, 0.65);
  plot_round_box_path (frame->cr, right ? within.x + within.w - w - 20 : within.x + 8, within.y + 8,
                       w + 12, h + 4, 5);
  cairo_fill (frame->cr);
  plot_text_draw (frame->text, frame->cr, PLOT_FONT_SMALL, &white, label,
                  right ? within.x + within.w - 14 : within.x + 14, within.y + 10 + h / 2,
                  right ? 1 : 0, 0.5, 0);
}

static void
draw_after (const PlotResultModel *model, const PlotResultFrame *frame, PlotRect rect)
{
  double x = plot_snap (rect.x + rect.w * frame->divider, frame->device_scale);
  GdkRGBA white = { 1, 1, 1, 1 }, black = { 0, 0, 0, 1 };
  double cy = rect.y + rect.h / 2;

  cairo_save (frame->cr);
  cairo_rectangle (frame->cr, x, rect.y, rect.x + rect.w - x, rect.h);
  cairo_clip (frame->cr);
  paint_surface (frame, model->after, rect);
  cairo_restore (frame->cr);
  draw_chip (frame, (PlotRect){ rect.x, rect.y, x - rect.x, rect.h }, model->before_name, FALSE);
  draw_chip (frame, (PlotRect){ x, rect.y, rect.x + rect.w - x, rect.h }, model->after_name, TRUE);

  plot_set_color (frame->cr, &black, 0.5);
  cairo_rectangle (frame->cr, x - 2, rect.y, 4, rect.h);
  cairo_fill (frame->cr);
  plot_set_color (frame->cr, &white, 1);
  cairo_rectangle (frame->cr, x - 1, rect.y, 2, rect.h);
  cairo_fill (frame->cr);
  cairo_arc (frame->cr, x, cy, 11, 0, 2 * G_PI);
  cairo_fill_preserve (frame->cr);
  plot_set_color (frame->cr, &black, 0.5);
  cairo_set_line_width (frame->cr, 1);
  cairo_stroke (frame->cr);
  plot_set_color (frame->cr, &black, 0.8);
  cairo_set_line_width (frame->cr, 1.8);
  for (int side = -1; side <= 1; side += 2)
    {
      cairo_move_to (frame->cr, x + side * 3, cy - 4);
      cairo_line_to (frame->cr, x + side * 7, cy);
      cairo_line_to (frame->cr, x + side * 3, cy + 4);
    }
  cairo_stroke (frame->cr);
}

/* --- legend --- */

typedef void (*LegendFunc) (const PlotMaskClass *class, PlotRect place, const char *text,
                            const PlotResultFrame *frame);

static char *
dup_class_text (const PlotMaskClass *class)
{
  return class->share < 0.01
             ? g_strdup_printf ("%s  < 1\u202f%%", class->name)
             : g_strdup_printf ("%s  %.0f\u202f%%", class->name, 100 * class->share);
}

/* Entries from left to right in lines, as many as fit in a third of the room; the others are
 * counted. Returns the height. */
static double
walk_legend (const PlotResultModel *model, const PlotResultFrame *frame, PlotRect room,
             LegendFunc each)
{
  double line = plot_text_line_height (frame->text, PLOT_FONT_SMALL) + 6, x = 0, y = 0;
  double most = fmax (line, frame->room.h / 3);

  for (guint i = 0; i < model->classes->len; i++)
    {
      const PlotMaskClass *class = &g_array_index (model->classes, PlotMaskClass, i);
      g_autofree char *text = dup_class_text (class);
      double w = SWATCH + 6
                 + fmin (plot_text_width (frame->text, PLOT_FONT_SMALL, text), room.w - SWATCH - 6);

      if (x > 0 && x + w > room.w)
        {
          x = 0;
          y += line;
        }
      if (y + line > most)
        break;
      if (each != NULL)
        each (class, (PlotRect){ room.x + x, room.y + y, w, line }, text, frame);
      x += w + 14;
    }
  return fmin (y + line, most);
}

double
plot_result_legend_height (const PlotResultModel *model, const PlotResultFrame *frame)
{
  PlotRect room = frame->room;

  if (model->mask == NULL || model->classes->len == 0)
    return 0;
  room.w -= 2 * LEGEND_INSET;
  return walk_legend (model, frame, room, NULL) + 2 * LEGEND_GAP;
}

static void
draw_entry (const PlotMaskClass *class, PlotRect place, const char *text,
            const PlotResultFrame *frame)
{
  double y = place.y + (place.h - SWATCH) / 2;

  plot_round_box_path (frame->cr, place.x, y, SWATCH, SWATCH, 3);
  plot_fill_pattern (frame->cr, class->pattern, plot_style_color (frame->style, class->color),
                     frame->device_scale, place.x, y, SWATCH, SWATCH);
  plot_text_draw (frame->text, frame->cr, PLOT_FONT_SMALL, &frame->style->text, text,
                  place.x + SWATCH + 6, place.y + place.h / 2, 0, 0.5, place.w - SWATCH - 6);
}

void
plot_result_draw_legend (const PlotResultModel *model, const PlotResultFrame *frame, PlotRect room)
{
  walk_legend (model, frame, room, draw_entry);
}

/* --- all --- */

void
plot_result_draw_picture (const PlotResultModel *model, const PlotResultFrame *frame)
{
  PlotRect rect = plot_result_picture_rect (model, frame);
  double legend = plot_result_legend_height (model, frame);

  if (model->picture != NULL)
    paint_surface (frame, model->picture, rect);
  else
    {
      plot_set_color (frame->cr, &frame->style->text, 0.06);
      cairo_rectangle (frame->cr, rect.x, rect.y, rect.w, rect.h);
      cairo_fill (frame->cr);
    }
  if (model->after != NULL)
    draw_after (model, frame, rect);
  if (model->mask != NULL)
    plot_result_draw_mask (model, frame, rect);
  plot_result_draw_marks (model, frame, rect);
  if (legend > 0)
    plot_result_draw_legend (model, frame,
                             (PlotRect){ frame->room.x + LEGEND_INSET, rect.y + rect.h + LEGEND_GAP,
                                         frame->room.w - 2 * LEGEND_INSET,
                                         legend - 2 * LEGEND_GAP });
}
