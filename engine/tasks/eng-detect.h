/* What a detector's outputs become: boxes, scores and the choice among them, as nodes behind the
 * network. Shared by the detection task and its table of decoders. */
#pragma once

#include "eng-surround.h"

G_BEGIN_DECLS

#define ENG_DETECT_MAX_POINTS 8

/* Values of the graph that is being made. */
typedef struct
{
  RtValueId boxes;  /* f32 [1, N, 4 + 2 points], in the decoder's order */
  RtValueId scores; /* f32 [1, classes, N] */
} EngDetectNodes;

/* How a row of boxes is read. */
typedef enum
{
  ENG_BOX_YXYX,   /* two corners, then points (y, x); shares of the network's picture */
  ENG_BOX_XYXY,   /* two corners; shares */
  ENG_BOX_CENTRE, /* x and y of the centre, width, height; pixels of the network's picture */
} EngBoxOrder;

typedef struct
{
  const char *name; /* in cards */
  EngBoxOrder order;
  gboolean (*add) (EngSurround *surround, EngDetectNodes *nodes, GError **error);
} EngDecoder;

/* By the card's "decoder"; NULL: unknown. */
const EngDecoder *eng_decoder_find (const char *name);

/* Width and height of the network's picture, as the card's front end feeds it. */
void eng_detect_picture_size (const EngImported *imported, guint *width, guint *height);

/* The anchors of a single-shot detector as MediaPipe's graphs define them (SsdAnchorsCalculator
 * with fixed sizes): for each run of layers of one stride a grid of input / stride cells, each with
 * as many anchors as the run has per cell; centres at (column + 0.5) / columns. Returns [n, 4]: y,
 * x, 1, 1, in shares; g_free(). @per_cell: anchors per layer and cell. */
float *eng_detect_anchors (guint width, guint height, const guint *strides, guint n_layers,
                           guint per_cell, guint *n);
/* The cells of grids without anchors, one per cell: corners (row, column) and sizes, in shares.
 * Returns [n, 4]; g_free(). */
float *eng_detect_cells (guint width, guint height, const guint *strides, guint n_layers, guint *n);

G_END_DECLS
