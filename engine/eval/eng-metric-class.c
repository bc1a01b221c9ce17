/* Metrics of classification: the best class, one of the five best, and, for networks that listen
 * for one thing, whether it was heard where it was. */
#include <string.h>

#include "eval/eng-metric.h"

#define TOP 5

static const char *
applies (EngModel *model, EngTruthKind truth)
{
  if (eng_model_get_kind (model) != ENG_MODEL_NETWORK)
    return "the model is a language model: it names no classes";
  return truth == ENG_TRUTH_LABELS ? NULL : "it is measured on labelled inputs of a classifier";
}

static const char *
applies_top1 (EngModel *model, EngTruthKind truth)
{
  const char *why = applies (model, truth);
  if (why == NULL && strcmp (eng_card_get_task (eng_model_get_card (model)), "classify") != 0)
    why = "the network listens for one thing: it has no classes to choose among";
  return why;
}

static const char *
applies_heard (EngModel *model, EngTruthKind truth)
{
  const char *why = applies (model, truth);
  if (why == NULL && strcmp (eng_card_get_task (eng_model_get_card (model)), "activity") != 0)
    why = "the network chooses among classes and listens for nothing";
  return why;
}

static gboolean
is_among (EngResult *result, int label, guint n)
{
  for (guint i = 0; i < MIN (n, eng_result_get_n_scores (result)); i++)
    if ((int)eng_result_get_score (result, i)->index == label)
      return TRUE;
  return FALSE;
}

static gboolean
score (const EngScored *sample, guint which, guint top, double *sum, double *n)
{
  EngResult *result = sample->result[which];
  if (result == NULL || sample->label < 0 || eng_result_get_kind (result) != ENG_RESULT_LABELS
      || eng_result_get_n_scores (result) == 0
      || (top > 1 && eng_result_get_n_scores (result) <= top))
    return FALSE;
  *sum = is_among (result, sample->label, top);
  *n = 1;
  return TRUE;
}

static gboolean
score_top1 (const EngScored *sample, guint which, double *sum, double *n)
{
  return score (sample, which, 1, sum, n);
}

static gboolean
score_top5 (const EngScored *sample, guint which, double *sum, double *n)
{
  return score (sample, which, TOP, sum, n);
}

/* At any moment. */
static gboolean
score_heard (const EngScored *sample, guint which, double *sum, double *n)
{
  EngResult *result = sample->result[which];
  gboolean heard = FALSE;
  guint n_values;

  if (result == NULL || sample->label < 0)
    return FALSE;
  double threshold = eng_result_get_threshold (result);
  if (eng_result_get_kind (result) == ENG_RESULT_SCORE)
    heard = eng_result_get_value (result) >= threshold;
  else if (eng_result_get_kind (result) == ENG_RESULT_SERIES)
    {
      const double *values = eng_result_get_series (result, 0, &n_values);
      for (guint i = 0; i < n_values; i++)
        heard |= values[i] >= threshold;
    }
  else
    return FALSE;
  *sum = heard == (sample->label == 1);
  *n = 1;
  return TRUE;
}

const EngMetric eng_metric_top1 = {
  .id = "top1-accuracy",
  .title = "Top-1 accuracy",
  .unit = "%",
  .summary = "Samples whose best class is the label",
  .fold = ENG_FOLD_SHARE,
  .figure = ENG_FIGURE_ACCURACY,
  .applies = applies_top1,
  .score = score_top1,
};

const EngMetric eng_metric_top5 = {
  .id = "top5-accuracy",
  .title = "Top-5 accuracy",
  .unit = "%",
  .summary = "Samples whose label is among the five best classes",
  .fold = ENG_FOLD_SHARE,
  .figure = ENG_N_FIGURES,
  .applies = applies_top1,
  .score = score_top5,
};

const EngMetric eng_metric_heard = {
  .id = "heard",
  .title = "Heard or not",
  .unit = "%",
  .summary
  = "Sounds where the one thing that is listened for was heard if and only if it was there",
  .fold = ENG_FOLD_SHARE,
  .figure = ENG_FIGURE_ACCURACY,
  .applies = applies_heard,
  .score = score_heard,
};
