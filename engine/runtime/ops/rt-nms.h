/* Non-maximum suppression of one class, shared by the operators that need it. Private to
 * engine/runtime/ops. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* ymin <= ymax, xmin <= xmax. */
typedef struct
{
  float ymin, xmin, ymax, xmax;
} RtBox;

typedef struct
{
  float score;
  int32_t index; /* of the box */
} RtCandidate;

/* Two corners in any order. */
RtBox rt_box_of_corners (float y1, float x1, float y2, float x2);

/* Intersection over union; 0 where one has no area. */
float rt_box_overlap (const RtBox *a, const RtBox *b);

/* Take the candidates from the best score to the worst (equal ones: the lower index first), leave
 * out those that overlap a taken one by more than @iou_threshold, stop after @max. Returns how many
 * went to @selected [max]. @candidates is used up. O (n + taken * (log n + max)). */
uint32_t rt_nms_select (const RtBox *boxes, RtCandidate *candidates, uint32_t n,
                        float iou_threshold, uint32_t max, int32_t *selected);
