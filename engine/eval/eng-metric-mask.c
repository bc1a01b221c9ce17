/* Mean intersection over union of segmentations: pixels of a class in both over pixels of it in
 * either, of all pictures together, mean over classes (as PASCAL VOC counts it: Everingham and
 * others 2010). */
#include "eval/eng-metric.h"

#include <math.h>

#define N_CLASSES 256
#define UNLABELLED 255

typedef struct
{
  guint n; /* classes */
  double *both[2], *either[2];
} Kept;

static void
kept_free (gpointer data)
{
  Kept *kept = data;
  for (guint k = 0; k < 2; k++)
    {
      g_free (kept->both[k]);
      g_free (kept->either[k]);
    }
  g_free (kept);
}

static const char *
applies (EngModel *model, EngTruthKind truth)
{
  if (eng_model_get_kind (model) != ENG_MODEL_NETWORK)
    return "the model is a language model: it segments nothing";
  return truth == ENG_TRUTH_MASKS
             ? NULL
             : "it is measured on pictures with masks beside them (NAME_mask.png)";
}

/* The result's pixel under the middle of each pixel of the truth. */
static void
count (const EngScored *sample, EngResult *result, double *both, double *either)
{
  guint width, height;
  gboolean soft;
  const guint8 *mask = eng_result_get_mask (result, &width, &height, &soft);

  for (guint y = 0; y < sample->mask_height; y++)
    for (guint x = 0; x < sample->mask_width; x++)
      {
        guint8 truth = sample->mask[(gsize)y * sample->mask_width + x];
        gsize column = ((gsize)2 * x + 1) * width / (2 * (gsize)sample->mask_width);
        gsize row = ((gsize)2 * y + 1) * height / (2 * (gsize)sample->mask_height);
        guint8 said = mask[row * width + column];
        if (truth == UNLABELLED)
          continue;
        if (soft)
          said = said >= 128;
        both[truth] += truth == said;
        either[truth]++;
        either[said] += truth != said;
      }
}

static gpointer
keep (const EngScored *sample)
{
  if (!sample->is_known || eng_result_get_kind (sample->result[0]) != ENG_RESULT_MASK)
    return NULL;
  Kept *kept = g_new0 (Kept, 1);
  for (guint k = 0; k < 2; k++)
    {
      kept->both[k] = g_new0 (double, N_CLASSES);
      kept->either[k] = g_new0 (double, N_CLASSES);
      if (sample->result[k] != NULL && eng_result_get_kind (sample->result[k]) == ENG_RESULT_MASK)
        count (sample, sample->result[k], kept->both[k], kept->either[k]);
    }
  return kept;
}

static double
of_class (gpointer const *kept, const guint *indices, guint n, guint which, int class)
{
  double both = 0, either = 0;

  for (guint i = 0; i < n; i++)
    {
      const Kept *picture = kept[indices[i]];
      both += picture->both[which][class];
      either += picture->either[which][class];
    }
  return either > 0 ? 100 * both / either : NAN;
}

static double
statistic (gpointer const *kept, const guint *indices, guint n, guint which, int group)
{
  double sum = 0;
  guint n_known = 0;

  if (group >= 0)
    return group < N_CLASSES ? of_class (kept, indices, n, which, group) : NAN;
  for (int c = 0; c < N_CLASSES; c++)
    {
      double share = of_class (kept, indices, n, which, c);
      if (isnan (share))
        continue;
      sum += share;
      n_known++;
    }
  return n_known > 0 ? sum / n_known : NAN;
}

const EngMetric eng_metric_mask = {
  .id = "mean-iou",
  .title = "Mean IoU",
  .unit = "%",
  .summary = "Intersection over union of what is marked and what was found, mean over classes",
  .fold = ENG_FOLD_STATISTIC,
  .figure = ENG_FIGURE_MEAN_IOU,
  .applies = applies,
  .keep = keep,
  .drop = kept_free,
  .statistic = statistic,
};
