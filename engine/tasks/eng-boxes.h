/* Boxes as detectors give them, and which of them are the same thing. Shared by the detection tasks. */
#pragma once

#include "eng-result.h"

G_BEGIN_DECLS

#define ENG_BOX_MAX_POINTS 8

typedef struct
{
  float x0, y0, x1, y1; /* shares of the network's picture */
  float score;
  guint class_index;
  guint n_points;
  EngPoint points[ENG_BOX_MAX_POINTS];
} EngCandidate;

/* Keep the best of each group: sorted by score, and without those whose intersection over union with a better one of the same class is above
 * @iou_threshold. At most @max stay. @candidates holds EngCandidate. O(n k) for k that stay. */
void eng_boxes_suppress (GArray *candidates, double iou_threshold, guint max);
double eng_boxes_iou (const EngCandidate *a, const EngCandidate *b);

/* The anchors of a single-shot detector as MediaPipe's graphs define them (SsdAnchorsCalculator with fixed sizes): for each run of layers of one stride a
 * grid of input / stride cells, each with as many anchors as the run has per cell; centres at (column + 0.5) / columns. Returns [n, 2] (x, y), shares;
 * g_free(). @per_cell: anchors per layer and cell. */
float *eng_boxes_anchors (guint width, guint height, const guint *strides, guint n_layers, guint per_cell, guint *n);

G_END_DECLS
