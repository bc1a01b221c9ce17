/* Where things of PlotResult lie: the picture in its room, labels beside their boxes. Pure
 * numbers, tested as such. */

#include "plot-result-private.h"

#include <math.h>

PlotRect
plot_rect_fit (PlotRect room, double aspect)
{
  double w = fmin (room.w, room.h * aspect);
  double h = w / aspect;

  return (PlotRect){ room.x + (room.w - w) / 2, room.y + (room.h - h) / 2, w, h };
}

gboolean
plot_rect_overlap (PlotRect a, PlotRect b)
{
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

static gboolean
is_free (PlotRect label, const PlotRect *labels, guint n, PlotRect picture)
{
  const double slack = 0.5;

  if (label.x < picture.x - slack || label.y < picture.y - slack
      || label.x + label.w > picture.x + picture.w + slack
      || label.y + label.h > picture.y + picture.h + slack)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (labels[i].w > 0 && plot_rect_overlap (label, labels[i]))
      return FALSE;
  return TRUE;
}

/* Above, inside at the top, below, inside at the bottom; each from the left edge of the box, then
 * from its right edge, moved into the picture sideways. */
static gboolean
place_label (PlotRect box, PlotRect *label, const PlotRect *labels, guint n, PlotRect picture)
{
  const double ys[] = { box.y - label->h, box.y, box.y + box.h, box.y + box.h - label->h };
  const double xs[] = { box.x, box.x + box.w - label->w, box.x + box.w / 2 - label->w / 2 };

  for (guint iy = 0; iy < G_N_ELEMENTS (ys); iy++)
    for (guint ix = 0; ix < G_N_ELEMENTS (xs); ix++)
      {
        PlotRect place = { xs[ix], ys[iy], label->w, label->h };

        place.x = fmax (picture.x, fmin (place.x, picture.x + picture.w - place.w));
        if (is_free (place, labels, n, picture))
          {
            *label = place;
            return TRUE;
          }
      }
  return FALSE;
}

void
plot_result_place_labels (const PlotRect *boxes, PlotRect *labels, guint n, PlotRect picture)
{
  for (guint i = 0; i < n; i++)
    if (labels[i].w > 0 && !place_label (boxes[i], &labels[i], labels, i, picture))
      labels[i].w = 0;
}

static double
area_of (const PlotResultBox *box)
{
  return fabs ((box->x1 - box->x0) * (box->y1 - box->y0));
}

int
plot_result_hit (const PlotResultModel *model, PlotRect picture, double px, double py)
{
  double x = (px - picture.x) / picture.w, y = (py - picture.y) / picture.h;
  int best = -1;

  for (guint i = 0; i < model->n_boxes; i++)
    {
      const PlotResultBox *box = &model->boxes[i];

      if (x >= box->x0 && x <= box->x1 && y >= box->y0 && y <= box->y1
          && (best < 0 || area_of (box) < area_of (&model->boxes[best])))
        best = (int)i;
    }
  return best;
}
