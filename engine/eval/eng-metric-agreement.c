/* Metrics of a network against a baseline build, for any task and without labels: whether both say
 * the same, and how far the outputs are apart. */
#include <math.h>
#include <string.h>

#include "eval/eng-metric.h"

#define SAME_IOU 0.5f /* as detections are matched with labels */

static const char *
applies (EngModel *model, EngTruthKind truth)
{
  return eng_model_get_kind (model) == ENG_MODEL_NETWORK
             ? NULL
             : "the model is a language model: kl-divergence and token-agreement compare its "
               "builds";
}

static float
box_iou (const EngBox *a, const EngBox *b)
{
  float w = MIN (a->x1, b->x1) - MAX (a->x0, b->x0), h = MIN (a->y1, b->y1) - MAX (a->y0, b->y0);
  float both = MAX (0, w) * MAX (0, h);
  float all = (a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0) - both;
  return all > 0 ? both / all : 0;
}

/* Boxes of one class that overlap are the same, each at most once: hits and tries are boxes of
 * both. */
static void
compare_boxes (EngResult *a, EngResult *b, double *sum, double *n)
{
  guint n_a = eng_result_get_n_boxes (a), n_b = eng_result_get_n_boxes (b);
  g_autofree gboolean *taken = g_new0 (gboolean, MAX (n_b, 1));

  for (guint i = 0; i < n_a; i++)
    {
      const EngBox *box = eng_result_get_box (a, i);
      guint best = G_MAXUINT;
      float best_iou = SAME_IOU;
      for (guint k = 0; k < n_b; k++)
        {
          const EngBox *other = eng_result_get_box (b, k);
          float iou = box_iou (box, other);
          if (!taken[k] && other->what.index == box->what.index && iou >= best_iou)
            {
              best = k;
              best_iou = iou;
            }
        }
      if (best == G_MAXUINT)
        continue;
      taken[best] = TRUE;
      *sum += 2;
    }
  *n = n_a + n_b;
  if (n_a + n_b == 0) /* both see nothing: that is the same */
    *sum = *n = 1;
}

static gboolean
compare_masks (EngResult *a, EngResult *b, double *sum, double *n)
{
  guint width, height, width_b, height_b;
  gboolean soft;
  const guint8 *x = eng_result_get_mask (a, &width, &height, &soft);
  const guint8 *y = eng_result_get_mask (b, &width_b, &height_b, &soft);

  if (width != width_b || height != height_b)
    return FALSE;
  for (gsize i = 0; i < (gsize)width * height; i++)
    *sum += soft ? (x[i] >= 128) == (y[i] >= 128) : x[i] == y[i];
  *n = (double)width * height;
  return TRUE;
}

static gboolean
compare_series (EngResult *a, EngResult *b, double *sum, double *n)
{
  double threshold = eng_result_get_threshold (a);
  guint n_a, n_b;
  const double *x = eng_result_get_series (a, 0, &n_a), *y = eng_result_get_series (b, 0, &n_b);

  if (isnan (threshold) || n_a != n_b || n_a == 0)
    return FALSE;
  for (guint i = 0; i < n_a; i++)
    *sum += (x[i] >= threshold) == (y[i] >= threshold);
  *n = n_a;
  return TRUE;
}

static gboolean
score_same (const EngScored *sample, guint which, double *sum, double *n)
{
  EngResult *a = sample->result[0], *b = sample->result[1];

  if (which != 0 || b == NULL || eng_result_get_kind (a) != eng_result_get_kind (b))
    return FALSE;
  *n = 1;
  switch ((int)eng_result_get_kind (a))
    {
    case ENG_RESULT_LABELS:
      if (eng_result_get_n_scores (a) == 0 || eng_result_get_n_scores (b) == 0)
        return FALSE;
      *sum = eng_result_get_score (a, 0)->index == eng_result_get_score (b, 0)->index;
      return TRUE;
    case ENG_RESULT_BOXES:
      compare_boxes (a, b, sum, n);
      return TRUE;
    case ENG_RESULT_MASK:
      return compare_masks (a, b, sum, n);
    case ENG_RESULT_SERIES:
      return compare_series (a, b, sum, n);
    case ENG_RESULT_SCORE:
      if (isnan (eng_result_get_threshold (a)))
        return FALSE;
      *sum = (eng_result_get_value (a) >= eng_result_get_threshold (a))
             == (eng_result_get_value (b) >= eng_result_get_threshold (b));
      return TRUE;
    default: /* pictures, sounds, points, tensors: there is no same or not */
      return FALSE;
    }
}

/* Energies of the difference and of the baseline's output: their ratio in dB is the signal to
 * quantization noise. */
static gboolean
score_noise (const EngScored *sample, guint which, double *sum, double *n)
{
  const float *x = sample->outputs[0], *y = sample->outputs[1];

  if (which != 0 || x == NULL || y == NULL || sample->n_outputs == 0)
    return FALSE;
  for (gsize i = 0; i < sample->n_outputs; i++)
    {
      double difference = (double)x[i] - (double)y[i];
      *sum += difference * difference;
      *n += (double)y[i] * (double)y[i];
    }
  return isfinite (*sum) && *n > 0;
}

const EngMetric eng_metric_output_agreement = {
  .id = "output-agreement",
  .title = "Same result",
  .unit = "%",
  .summary
  = "Inputs of which both builds say the same: the best class, boxes that overlap by half, "
    "pixels of one class, the same side of the threshold",
  .needs_baseline = TRUE,
  .ideal = 100,
  .fold = ENG_FOLD_SHARE,
  .figure = ENG_FIGURE_OUTPUT_AGREEMENT,
  .applies = applies,
  .score = score_same,
};

const EngMetric eng_metric_output_sqnr = {
  .id = "output-sqnr",
  .title = "Output against baseline",
  .unit = "dB",
  .summary = "Energy of the baseline's first output over the energy of the difference to it",
  .needs_baseline = TRUE,
  .ideal = INFINITY,
  .fold = ENG_FOLD_DECIBEL,
  .figure = ENG_FIGURE_OUTPUT_SQNR,
  .applies = applies,
  .score = score_noise,
};
