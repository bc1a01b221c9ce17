/* Landmark error: mean distance of the points from where they are, over the size of what they lie
 * on, the square root of its box's area (as for AFLW: Zhu and others 2015, section 5); points that
 * are not labelled do not count. */
#include "eval/eng-metric.h"

#include <math.h>

static const char *
applies (EngModel *model, EngTruthKind truth)
{
  if (eng_model_get_kind (model) != ENG_MODEL_NETWORK)
    return "the model is a language model: it finds no points";
  return truth == ENG_TRUTH_POINTS
             ? NULL
             : "it is measured on pictures with keypoints (a JSON file in COCO's form beside them)";
}

/* Width and height of the labelled points where no box is given. */
static void
extent (const EngScored *sample, double size[2])
{
  float x0 = INFINITY, y0 = INFINITY, x1 = -INFINITY, y1 = -INFINITY;

  for (guint i = 0; i < sample->n_points; i++)
    if (sample->points[i].score > 0)
      {
        x0 = MIN (x0, sample->points[i].x);
        x1 = MAX (x1, sample->points[i].x);
        y0 = MIN (y0, sample->points[i].y);
        y1 = MAX (y1, sample->points[i].y);
      }
  size[0] = (double)(x1 - x0);
  size[1] = (double)(y1 - y0);
}

/* Places are shares of the picture: x is made as long as y by the picture's aspect. */
static gboolean
score (const EngScored *sample, guint which, double *sum, double *n)
{
  double size[2] = { sample->point_scale[0], sample->point_scale[1] },
         aspect = sample->picture_aspect;
  guint n_points;

  if (!sample->is_known || sample->result[which] == NULL
      || eng_result_get_kind (sample->result[which]) != ENG_RESULT_POINTS)
    return FALSE;
  const EngPoint *points = eng_result_get_points (sample->result[which], &n_points);
  if (!(size[0] > 0 && size[1] > 0))
    extent (sample, size);
  double scale = sqrt (size[0] * aspect * size[1]);
  if (n_points != sample->n_points || !(scale > 0))
    return FALSE;
  for (guint i = 0; i < n_points; i++)
    if (sample->points[i].score > 0)
      {
        double dx = ((double)points[i].x - (double)sample->points[i].x) * aspect;
        double dy = (double)points[i].y - (double)sample->points[i].y;
        *sum += 100 * sqrt (dx * dx + dy * dy) / scale;
        *n += 1;
      }
  return *n > 0;
}

const EngMetric eng_metric_points = {
  .id = "landmark-error",
  .title = "Landmark error",
  .unit = "%",
  .summary = "Mean distance of the points from where they are, over the size of what they lie on",
  .lower_is_better = TRUE,
  .fold = ENG_FOLD_MEAN,
  .figure = ENG_FIGURE_LANDMARK_ERROR,
  .applies = applies,
  .score = score,
};
