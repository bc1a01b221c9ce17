/* Mean average precision of detectors, as COCO counts it (Lin and others 2014): for a class,
 * detections of all pictures in order of their scores; each is right when it overlaps a thing of
 * its class that no better one has taken; precision, made to fall with recall, is averaged at 101
 * recalls from 0 to 1; the mean over classes that the set has, and over overlaps from 0.50 to 0.95.
 * What matches a crowd is neither right nor wrong. */
#include "eval/eng-metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N_OVERLAPS 10
#define N_RECALLS 101

typedef struct
{
  float score;
  int class;
  guint16 right, ignored; /* bit t: at overlap 0.50 + 0.05 t */
} Found;

/* One picture. */
typedef struct
{
  guint n_found[2];
  Found *found[2]; /* best first */
  guint n_things;
  int *things; /* class of each that counts */
} Kept;

static void
kept_free (gpointer data)
{
  Kept *kept = data;
  g_free (kept->found[0]);
  g_free (kept->found[1]);
  g_free (kept->things);
  g_free (kept);
}

static const char *
applies (EngModel *model, EngTruthKind truth)
{
  if (eng_model_get_kind (model) != ENG_MODEL_NETWORK)
    return "the model is a language model: it detects nothing";
  return truth == ENG_TRUTH_BOXES
             ? NULL
             : "it is measured on pictures with boxes (a JSON file in COCO's form beside them)";
}

static float
overlap (const EngBox *box, const EngTruthBox *thing)
{
  float w = MIN (box->x1, thing->x1) - MAX (box->x0, thing->x0);
  float h = MIN (box->y1, thing->y1) - MAX (box->y0, thing->y0);
  float both = MAX (0, w) * MAX (0, h);
  float mine = (box->x1 - box->x0) * (box->y1 - box->y0);
  float theirs = (thing->x1 - thing->x0) * (thing->y1 - thing->y0);
  float all = thing->crowd ? mine : mine + theirs - both; /* of a crowd it is enough to lie in it */
  return all > 0 ? both / all : 0;
}

/* The best thing that is free; crowds only where none is, and they stay free. */
static int
find_match (const EngBox *box, const EngScored *sample, const gboolean *taken, float least)
{
  int best = -1, crowd = -1;
  float best_overlap = least;

  for (guint i = 0; i < sample->n_boxes; i++)
    {
      const EngTruthBox *thing = &sample->boxes[i];
      if (thing->class != (int)box->what.index)
        continue;
      float at = overlap (box, thing);
      if (thing->crowd && at >= least)
        crowd = (int)i;
      if (!thing->crowd && !taken[i] && at >= best_overlap)
        {
          best = (int)i;
          best_overlap = at;
        }
    }
  return best >= 0 ? best : crowd;
}

static void
match (const EngScored *sample, EngResult *result, Found *found)
{
  guint n = eng_result_get_n_boxes (result);
  g_autofree gboolean *taken = g_new (gboolean, MAX (sample->n_boxes, 1));

  for (guint i = 0; i < n; i++)
    {
      const EngBox *box = eng_result_get_box (result, i);
      found[i] = (Found){ .score = (float)box->what.score, .class = (int)box->what.index };
    }
  for (guint t = 0; t < N_OVERLAPS; t++)
    {
      memset (taken, 0, sample->n_boxes * sizeof *taken);
      for (guint i = 0; i < n; i++)
        {
          int at
              = find_match (eng_result_get_box (result, i), sample, taken, 0.5f + 0.05f * (float)t);
          if (at < 0)
            continue;
          if (sample->boxes[at].crowd)
            found[i].ignored |= (guint16)(1u << t);
          else
            found[i].right |= (guint16)(1u << t);
          taken[at] = TRUE;
        }
    }
}

static gpointer
keep (const EngScored *sample)
{
  if (!sample->is_known || eng_result_get_kind (sample->result[0]) != ENG_RESULT_BOXES)
    return NULL;
  Kept *kept = g_new0 (Kept, 1);
  for (guint k = 0; k < 2; k++)
    if (sample->result[k] != NULL)
      {
        kept->n_found[k] = eng_result_get_n_boxes (sample->result[k]);
        kept->found[k] = g_new0 (Found, MAX (kept->n_found[k], 1));
        match (sample, sample->result[k], kept->found[k]);
      }
  kept->things = g_new (int, MAX (sample->n_boxes, 1));
  for (guint i = 0; i < sample->n_boxes; i++)
    if (!sample->boxes[i].crowd && sample->boxes[i].class >= 0)
      kept->things[kept->n_things++] = sample->boxes[i].class;
  return kept;
}

static int
compare_found (const void *a, const void *b)
{
  float x = ((const Found *)a)->score, y = ((const Found *)b)->score;
  return (x < y) - (x > y);
}

/* Average precision at overlap @t of sorted detections of one class. */
static double
average_precision (const Found *found, guint n, guint n_things, guint t, double *precision)
{
  guint right = 0, seen = 0, n_points = 0;
  g_autofree guint *recall = g_new (guint, MAX (n, 1)); /* things found so far */

  for (guint i = 0; i < n; i++)
    {
      if (found[i].ignored >> t & 1)
        continue;
      seen++;
      right += found[i].right >> t & 1;
      precision[n_points] = (double)right / seen;
      recall[n_points++] = right;
    }
  for (guint i = n_points; i-- > 1;)
    precision[i - 1] = MAX (precision[i - 1], precision[i]);
  double sum = 0;
  guint at = 0;
  for (guint r = 0; r < N_RECALLS; r++)
    {
      while (at < n_points && (double)recall[at] / n_things < r / 100.0 - 1e-12)
        at++;
      sum += at < n_points ? precision[at] : 0;
    }
  return sum / N_RECALLS;
}

static double
precision_of_class (gpointer const *kept, const guint *indices, guint n, guint which, int class,
                    guint n_overlaps)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (Found));
  guint n_things = 0;

  for (guint i = 0; i < n; i++)
    {
      const Kept *picture = kept[indices[i]];
      for (guint k = 0; k < picture->n_things; k++)
        n_things += picture->things[k] == class;
      for (guint k = 0; k < picture->n_found[which]; k++)
        if (picture->found[which][k].class == class)
          g_array_append_val (found, picture->found[which][k]);
    }
  if (n_things == 0)
    return NAN;
  g_array_sort (found, compare_found);
  g_autofree double *precision = g_new (double, MAX (found->len, 1));
  double sum = 0;
  for (guint t = 0; t < n_overlaps; t++)
    sum += average_precision ((const Found *)found->data, found->len, n_things, t, precision);
  return 100 * sum / n_overlaps;
}

static double
mean_precision (gpointer const *kept, const guint *indices, guint n, guint which, int group,
                guint n_overlaps)
{
  int n_classes = 0;
  double sum = 0;
  guint n_known = 0;

  if (group >= 0)
    return precision_of_class (kept, indices, n, which, group, n_overlaps);
  for (guint i = 0; i < n; i++)
    for (guint k = 0; k < ((const Kept *)kept[indices[i]])->n_things; k++)
      n_classes = MAX (n_classes, ((const Kept *)kept[indices[i]])->things[k] + 1);
  for (int c = 0; c < n_classes; c++)
    {
      double precision = precision_of_class (kept, indices, n, which, c, n_overlaps);
      if (isnan (precision))
        continue;
      sum += precision;
      n_known++;
    }
  return n_known > 0 ? sum / n_known : NAN;
}

static double
statistic_all (gpointer const *kept, const guint *indices, guint n, guint which, int group)
{
  return mean_precision (kept, indices, n, which, group, N_OVERLAPS);
}

static double
statistic_half (gpointer const *kept, const guint *indices, guint n, guint which, int group)
{
  return mean_precision (kept, indices, n, which, group, 1);
}

const EngMetric eng_metric_precision = {
  .id = "mean-average-precision",
  .title = "Mean average precision",
  .unit = "%",
  .summary = "Over classes and over overlaps from 0.50 to 0.95, as COCO counts it",
  .fold = ENG_FOLD_STATISTIC,
  .figure = ENG_FIGURE_MEAN_PRECISION,
  .applies = applies,
  .keep = keep,
  .drop = kept_free,
  .statistic = statistic_all,
};

const EngMetric eng_metric_precision_half = {
  .id = "mean-average-precision-50",
  .title = "Precision at overlap 0.5",
  .unit = "%",
  .summary = "Mean average precision over classes, of boxes that overlap a thing by half or more",
  .fold = ENG_FOLD_STATISTIC,
  .figure = ENG_N_FIGURES,
  .applies = applies,
  .keep = keep,
  .drop = kept_free,
  .statistic = statistic_half,
};
