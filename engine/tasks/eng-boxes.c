/* Suppression of boxes, and anchors. Knows no task. */
#include "tasks/eng-boxes.h"

#include <stdlib.h>

static int
better (const void *a, const void *b)
{
  const EngCandidate *x = a, *y = b;
  return (x->score < y->score) - (x->score > y->score);
}

static double
area (const EngCandidate *a)
{
  return MAX (0.0, (double)a->x1 - (double)a->x0) * MAX (0.0, (double)a->y1 - (double)a->y0);
}

double
eng_boxes_iou (const EngCandidate *a, const EngCandidate *b)
{
  double w = (double)MIN (a->x1, b->x1) - (double)MAX (a->x0, b->x0);
  double h = (double)MIN (a->y1, b->y1) - (double)MAX (a->y0, b->y0);
  double both = w > 0 && h > 0 ? w * h : 0;
  double all = area (a) + area (b) - both;
  return all > 0 ? both / all : 0;
}

void
eng_boxes_suppress (GArray *candidates, double iou_threshold, guint max)
{
  guint n_kept = 0;
  EngCandidate *list = (EngCandidate *)(void *)candidates->data;

  if (candidates->len > 1)
    qsort (list, candidates->len, sizeof *list, better);
  for (guint i = 0; i < candidates->len && n_kept < max; i++)
    {
      gboolean keep = TRUE;
      for (guint k = 0; keep && k < n_kept; k++)
        keep = list[k].class_index != list[i].class_index
               || eng_boxes_iou (&list[k], &list[i]) <= iou_threshold;
      if (keep)
        list[n_kept++] = list[i];
    }
  g_array_set_size (candidates, n_kept);
}

float *
eng_boxes_anchors (guint width, guint height, const guint *strides, guint n_layers, guint per_cell,
                   guint *n)
{
  g_autoptr (GArray) anchors = g_array_new (FALSE, FALSE, sizeof (float));

  for (guint layer = 0; layer < n_layers;)
    {
      guint run = layer;
      while (run < n_layers && strides[run] == strides[layer])
        run++;
      guint columns = (width + strides[layer] - 1) / strides[layer];
      guint rows = (height + strides[layer] - 1) / strides[layer];
      for (guint y = 0; y < rows; y++)
        for (guint x = 0; x < columns; x++)
          for (guint k = 0; k < (run - layer) * per_cell; k++)
            {
              float centre[2]
                  = { ((float)x + 0.5f) / (float)columns, ((float)y + 0.5f) / (float)rows };
              g_array_append_vals (anchors, centre, 2);
            }
      layer = run;
    }
  *n = anchors->len / 2;
  return (float *)(void *)g_array_free (g_steal_pointer (&anchors), FALSE);
}
