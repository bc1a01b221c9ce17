/* Boxes and points over a picture of PlotResult. Every line has a dark rim, so that it is seen on
 * bright and on dark pictures; labels stand on a ground of their own. Pure. */

#include "plot-result-private.h"

#include <math.h>

#define CHIP_PAD 5.0

static const GdkRGBA black = { 0, 0, 0, 1 }, white = { 1, 1, 1, 1 };

/* Strokes the current path twice. */
static void
stroke_rimmed (cairo_t *cr, const GdkRGBA *color, double width)
{
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  plot_set_color (cr, &black, 0.55);
  cairo_set_line_width (cr, width + 2);
  cairo_stroke_preserve (cr);
  plot_set_color (cr, color, 1);
  cairo_set_line_width (cr, width);
  cairo_stroke (cr);
}

/* Colours over pictures are those of the dark look: bright, with the dark rim around them. */
static const GdkRGBA *
mark_color (const PlotResultFrame *frame, guint i, PlotStyle *store)
{
  plot_style_init (store, TRUE);
  return plot_style_color (store, i);
}

static const GdkRGBA *
text_on (const GdkRGBA *ground)
{
  double luminance = 0.2126 * pow (ground->red, 2.2) + 0.7152 * pow (ground->green, 2.2)
                     + 0.0722 * pow (ground->blue, 2.2);

  return luminance > 0.18 ? &black : &white;
}

/* --- points --- */

/* Points of a mesh lie close: they leave room between each other. (They are green: a mesh is most
 * often of a face, on which orange is not seen.) */
static double
point_radius (const PlotResultPoint *points, guint n, PlotRect picture)
{
  double left = INFINITY, top = INFINITY, right = -INFINITY, bottom = -INFINITY, room;

  for (guint i = 0; i < n; i++)
    if (!isnan (points[i].x) && !isnan (points[i].y))
      {
        left = fmin (left, points[i].x);
        right = fmax (right, points[i].x);
        top = fmin (top, points[i].y);
        bottom = fmax (bottom, points[i].y);
      }
  if (!(left <= right))
    return 2;
  room = sqrt ((right - left) * picture.w * (bottom - top) * picture.h / n);
  if (n > 60)
    return fmax (0.6, fmin (0.22 * room, 2));
  return fmax (2, fmin (fmin (picture.w, picture.h) / 70, 4.5));
}

static void
draw_points (const PlotResultFrame *frame, const PlotResultPoint *points, guint n,
             guint color_index, PlotRect picture, double r)
{
  PlotStyle store;
  const GdkRGBA *color = mark_color (frame, color_index, &store);

  for (guint i = 0; i < n; i++)
    {
      double x = picture.x + points[i].x * picture.w, y = picture.y + points[i].y * picture.h;

      if (isnan (x) || isnan (y))
        continue;
      cairo_new_sub_path (frame->cr);
      cairo_arc (frame->cr, x, y, r + (r > 2 ? 1 : 0.3), 0, 2 * G_PI);
      plot_set_color (frame->cr, &black, 0.6);
      cairo_fill (frame->cr);
      cairo_arc (frame->cr, x, y, r, 0, 2 * G_PI);
      plot_set_color (frame->cr, color, 1);
      cairo_fill (frame->cr);
      if (points[i].score < 0.5 && r > 2)
        {
          cairo_arc (frame->cr, x, y, r - 1.4, 0, 2 * G_PI);
          plot_set_color (frame->cr, &black, 0.9);
          cairo_fill (frame->cr);
        }
    }
}

static void
draw_edges (const PlotResultModel *model, const PlotResultFrame *frame, PlotRect picture)
{
  PlotStyle store;
  const GdkRGBA *color = mark_color (frame, 2, &store);
  double width = fmax (1.2, fmin (3, fmin (picture.w, picture.h) / 120));

  for (guint pass = 0; pass < 2; pass++) /* uncertain edges dashed */
    {
      for (guint i = 0; i < model->n_edges; i++)
        {
          guint a = model->edges[2 * i], b = model->edges[2 * i + 1];
          const PlotResultPoint *p, *q;

          if (a >= model->n_points || b >= model->n_points)
            continue;
          p = &model->points[a];
          q = &model->points[b];
          if ((p->score < 0.5 || q->score < 0.5) != (pass == 1))
            continue;
          cairo_move_to (frame->cr, picture.x + p->x * picture.w, picture.y + p->y * picture.h);
          cairo_line_to (frame->cr, picture.x + q->x * picture.w, picture.y + q->y * picture.h);
        }
      plot_set_dash (frame->cr, pass, width);
      stroke_rimmed (frame->cr, color, width);
    }
  plot_set_dash (frame->cr, 0, width);
}

/* --- boxes --- */

static PlotRect
box_rect (const PlotResultBox *box, PlotRect picture)
{
  return (PlotRect){ picture.x + box->x0 * picture.w, picture.y + box->y0 * picture.h,
                     (box->x1 - box->x0) * picture.w, (box->y1 - box->y0) * picture.h };
}

static char *
dup_chip_text (const PlotResultBox *box)
{
  if (box->label == NULL && box->value == NULL)
    return NULL;
  if (box->label == NULL || box->value == NULL)
    return g_strdup (box->label != NULL ? box->label : box->value);
  return g_strconcat (box->label, "  ", box->value, NULL);
}

static void
draw_chip (const PlotResultFrame *frame, const PlotResultBox *box, PlotRect place, const char *text)
{
  PlotStyle store;
  const GdkRGBA *color = mark_color (frame, box->color, &store);

  plot_set_color (frame->cr, color, 1);
  plot_round_box_path (frame->cr, place.x, place.y, place.w, place.h, 4);
  cairo_fill_preserve (frame->cr);
  plot_set_color (frame->cr, &black, 0.55);
  cairo_set_line_width (frame->cr, 1);
  cairo_stroke (frame->cr);
  plot_text_draw (frame->text, frame->cr, PLOT_FONT_SMALL, text_on (color), text,
                  place.x + CHIP_PAD, place.y + place.h / 2, 0, 0.5, place.w - 2 * CHIP_PAD + 1);
}

/* The selected box chooses its place first, so that its label is always there. */
static void
draw_chips (const PlotResultModel *model, const PlotResultFrame *frame, PlotRect picture)
{
  guint n = model->n_boxes;
  g_autofree PlotRect *boxes = g_new (PlotRect, n);
  g_autofree PlotRect *labels = g_new0 (PlotRect, n);
  g_autofree guint *order = g_new (guint, n);
  guint k = 0;

  if (frame->selected >= 0 && (guint)frame->selected < n)
    order[k++] = (guint)frame->selected;
  for (guint i = 0; i < n; i++)
    if ((int)i != frame->selected)
      order[k++] = i;
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *text = dup_chip_text (&model->boxes[order[i]]);

      boxes[i] = box_rect (&model->boxes[order[i]], picture);
      if (text == NULL)
        continue;
      plot_text_measure (frame->text, PLOT_FONT_SMALL, text, &labels[i].w, &labels[i].h);
      labels[i].w = fmin (labels[i].w + 2 * CHIP_PAD, picture.w);
      labels[i].h += 2;
    }
  plot_result_place_labels (boxes, labels, n, picture);
  for (guint i = 0; i < n; i++)
    if (labels[i].w > 0)
      {
        g_autofree char *text = dup_chip_text (&model->boxes[order[i]]);

        draw_chip (frame, &model->boxes[order[i]], labels[i], text);
      }
}

void
plot_result_draw_marks (const PlotResultModel *model, const PlotResultFrame *frame,
                        PlotRect picture)
{
  cairo_t *cr = frame->cr;
  PlotStyle store;

  cairo_save (cr);
  cairo_rectangle (cr, picture.x, picture.y, picture.w, picture.h);
  cairo_clip (cr);
  for (guint i = model->n_boxes; i-- > 0;)
    {
      const PlotResultBox *box = &model->boxes[i];
      PlotRect r = box_rect (box, picture);
      gboolean selected = (int)i == frame->selected;

      plot_round_box_path (cr, r.x, r.y, r.w, r.h, fmin (3, fmin (r.w, r.h) / 4));
      stroke_rimmed (cr, selected ? &white : mark_color (frame, box->color, &store),
                     selected ? 3 : 2);
      draw_points (frame, box->points, box->n_points, box->color, picture,
                   fmax (1.6, fmin (4, r.w / 24)));
    }
  if (model->n_edges > 0)
    draw_edges (model, frame, picture);
  draw_points (frame, model->points, model->n_points, model->n_points > 60 ? 2 : 1, picture,
               point_radius (model->points, model->n_points, picture));
  if (!frame->style->marks_only)
    draw_chips (model, frame, picture);
  cairo_restore (cr);
}
