/* Placing names of points: candidates around the point, nearest first, taken greedily by
 * importance. The map maker's usual order is kept: above to the right is read best (Imhof,
 * "Positioning names on maps", The American Cartographer 2(2), 1975). Called by
 * plot-layer-labels.c. */

#include "plot-labels-private.h"

#include <math.h>

#define PAD 2.0

typedef struct
{
  double x, y, w, h;
} Box;

static gboolean
boxes_touch (const Box *a, const Box *b)
{
  return a->x < b->x + b->w + PAD && b->x < a->x + a->w + PAD && a->y < b->y + b->h + PAD
         && b->y < a->y + a->h + PAD;
}

/* Liang and Barsky: whether a piece of the line lies in the box. */
static gboolean
line_touches (double x0, double y0, double x1, double y1, const Box *box)
{
  double dx = x1 - x0, dy = y1 - y0, from = 0, to = 1;
  const double p[4] = { -dx, dx, -dy, dy };
  const double q[4] = { x0 - box->x, box->x + box->w - x0, y0 - box->y, box->y + box->h - y0 };

  for (guint i = 0; i < 4; i++)
    {
      if (p[i] == 0)
        {
          if (q[i] < 0)
            return FALSE;
        }
      else if (p[i] < 0)
        from = fmax (from, q[i] / p[i]);
      else
        to = fmin (to, q[i] / p[i]);
    }
  return from < to;
}

static Box
label_box (const PlotLabel *label)
{
  return (Box){ label->at_x, label->at_y, label->w, label->h };
}

static gboolean
is_free (const PlotLabel *labels, gsize n, gsize i, double radius, const Box *area)
{
  const PlotLabel *label = &labels[i];
  Box box = label_box (label);

  if (box.x < area->x || box.y < area->y || box.x + box.w > area->x + area->w
      || box.y + box.h > area->y + area->h)
    return FALSE;
  for (gsize k = 0; k < n; k++)
    {
      Box disc = { labels[k].x - radius, labels[k].y - radius, 2 * radius, 2 * radius };
      Box other = label_box (&labels[k]);

      if (boxes_touch (&box, &disc))
        return FALSE;
      if (k != i && label->leader
          && line_touches (label->x, label->y, label->line_x, label->line_y, &disc))
        return FALSE;
      if (!labels[k].placed)
        continue;
      if (boxes_touch (&box, &other)
          || (label->leader
              && line_touches (label->x, label->y, label->line_x, label->line_y, &other))
          || (labels[k].leader
              && line_touches (labels[k].x, labels[k].y, labels[k].line_x, labels[k].line_y, &box)))
        return FALSE;
    }
  return TRUE;
}

/* The name @gap away from the point's disc in direction (dx, dy), its nearest side or corner there.
 */
static void
put (PlotLabel *label, double dx, double dy, double gap)
{
  double x = label->x + dx * gap, y = label->y + dy * gap;

  label->at_x = dx > 0.1 ? x : dx < -0.1 ? x - label->w : x - label->w / 2;
  label->at_y = dy > 0.1 ? y : dy < -0.1 ? y - label->h : y - label->h / 2;
  label->line_x = CLAMP (label->x, label->at_x, label->at_x + label->w);
  label->line_y = CLAMP (label->y, label->at_y, label->at_y + label->h);
}

void
plot_labels_place (PlotLabel *labels, gsize n, double radius, double area_x, double area_y,
                   double area_w, double area_h)
{
  static const double directions[][2]
      = { { 0.8, -0.6 }, { 0.8, 0.6 }, { 1, 0 },       { 0, -1 },
          { 0, 1 },      { -1, 0 },    { -0.8, -0.6 }, { -0.8, 0.6 } };
  static const double gaps[] = { 5, 20, 36, 56, 80 };
  Box area = { area_x, area_y, area_w, area_h };

  for (gsize i = 0; i < n; i++)
    labels[i].placed = labels[i].leader = FALSE;
  for (gsize i = 0; i < n; i++)
    {
      PlotLabel *label = &labels[i];

      if (!(label->w > 0) || isnan (label->x) || isnan (label->y))
        continue;
      for (guint g = 0; g < G_N_ELEMENTS (gaps) && !label->placed; g++)
        for (guint d = 0; d < G_N_ELEMENTS (directions) && !label->placed; d++)
          {
            label->leader = g > 0;
            put (label, directions[d][0], directions[d][1], radius + gaps[g]);
            label->placed = is_free (labels, n, i, radius, &area);
          }
    }
}
