/* Non-maximum suppression of one class: candidates come from a heap, so that only those that are
 * looked at are put in order. Called by the operators of boxes. */
#include "rt-nms.h"

RtBox
rt_box_of_corners (float y1, float x1, float y2, float x2)
{
  return (RtBox){ y1 < y2 ? y1 : y2, x1 < x2 ? x1 : x2, y1 < y2 ? y2 : y1, x1 < x2 ? x2 : x1 };
}

static float
area (const RtBox *box)
{
  return (box->ymax - box->ymin) * (box->xmax - box->xmin);
}

float
rt_box_overlap (const RtBox *a, const RtBox *b)
{
  const float area_a = area (a), area_b = area (b);

  if (!(area_a > 0) || !(area_b > 0))
    return 0;
  float top = a->ymin > b->ymin ? a->ymin : b->ymin, left = a->xmin > b->xmin ? a->xmin : b->xmin;
  float bottom = a->ymax < b->ymax ? a->ymax : b->ymax;
  float right = a->xmax < b->xmax ? a->xmax : b->xmax;
  float h = bottom > top ? bottom - top : 0, w = right > left ? right - left : 0;
  return h * w / (area_a + area_b - h * w);
}

static inline bool
before (const RtCandidate *a, const RtCandidate *b)
{
  return a->score != b->score ? a->score > b->score : a->index < b->index;
}

/* The heap's root is the best. */
static void
sift_down (RtCandidate *heap, uint32_t n, uint32_t i)
{
  const RtCandidate moved = heap[i];

  for (;;)
    {
      uint64_t child = 2 * (uint64_t)i + 1;
      if (child >= n)
        break;
      if (child + 1 < n && before (&heap[child + 1], &heap[child]))
        child++;
      if (!before (&heap[child], &moved))
        break;
      heap[i] = heap[child];
      i = (uint32_t)child;
    }
  heap[i] = moved;
}

uint32_t
rt_nms_select (const RtBox *boxes, RtCandidate *candidates, uint32_t n, float iou_threshold,
               uint32_t max, int32_t *selected)
{
  uint32_t n_selected = 0;

  for (uint32_t i = n / 2; i-- > 0;)
    sift_down (candidates, n, i);
  while (n > 0 && n_selected < max)
    {
      int32_t best = candidates[0].index;
      bool keep = true;
      candidates[0] = candidates[--n];
      sift_down (candidates, n, 0);
      for (uint32_t k = n_selected; keep && k-- > 0;)
        keep = !(rt_box_overlap (&boxes[best], &boxes[selected[k]]) > iou_threshold);
      if (keep)
        selected[n_selected++] = best;
    }
  return n_selected;
}
