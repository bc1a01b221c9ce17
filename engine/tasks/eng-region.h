/* The part of a picture that a landmark network is meant to see: found by a detector whose file
 * lies beside the network's, cut out upright. The detection is work that the network cannot do
 * without: it is timed as pre-processing.
 *
 * Card, in "front": "region": { "detectors": ["face_detection_short_range.tflite"], "centre": "box"
 * or a point's number, "reach": with a point as centre, the number of a point on the circle around
 * it, "up": [from, to] two points of the box and "degrees" the angle that the line between them
 * shall have, against the clock from the right, "scale" of the longer side (1), "shift" down in
 * shares of the height (0) } */
#pragma once

#include "tasks/eng-task.h"

G_BEGIN_DECLS

typedef struct _EngRegion EngRegion;

/* A square of the picture, in its pixels. */
typedef struct
{
  float x, y; /* centre */
  float side;
  float angle; /* radians, clockwise as one looks at the picture */
} EngRegionFrame;

/* The detector of the card; NULL without @error when the card wants none, or when none of its files
 * lies beside the network (then *@note, to be freed, says so). Loads and builds a network:
 * milliseconds. */
EngRegion *eng_region_new (EngModel *model, char **note, GError **error);
void eng_region_free (gpointer region); /* accepts NULL */
/* Of the best box in @input, which is a picture. *@found FALSE: there is none. */
gboolean eng_region_find (EngRegion *region, EngInput *input, EngRegionFrame *frame,
                          gboolean *found, GError **error);
/* The same for a box that is known; FALSE: the box has not the points that the card names. Of a
 * picture of @width x @height. */
gboolean eng_region_of_box (JsonObject *options, const EngBox *box, guint width, guint height,
                            EngRegionFrame *frame);
/* @width x @height pixels of the square, bilinear; black where it leaves the picture. */
EngPicture *eng_region_cut (EngPicture *picture, const EngRegionFrame *frame, guint width,
                            guint height);

G_END_DECLS
