/* Metrics of multiple-choice questions: the answer is the one that the model finds the likeliest
 * after the question, without writing anything. Plain: the likelihood of its tokens, which favours
 * short answers; normalised: per byte of the answer (Gao and others 2021, "acc_norm"). */
#include "eval/eng-metric.h"

#include <math.h>

static const char *
applies (EngModel *model, EngTruthKind truth)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return "the model is a network: it reads no questions";
  return truth == ENG_TRUTH_QUESTIONS ? NULL : "it is measured on questions";
}

/* Of equals the first counts: then a model that finds all the same is right by its place. */
static gboolean
score (const EngScored *sample, guint which, gboolean per_byte, double *sum, double *n)
{
  const double *log_p = sample->log_p[which];
  guint best = 0;
  double best_score = -INFINITY;

  for (guint i = 0; log_p != NULL && i < sample->n_choices; i++)
    {
      double score = per_byte ? log_p[i] / MAX (1, sample->choice_bytes[i]) : log_p[i];
      if (score > best_score)
        {
          best = i;
          best_score = score;
        }
    }
  *sum = best == sample->answer;
  *n = 1;
  return log_p != NULL;
}

static gboolean
score_plain (const EngScored *sample, guint which, double *sum, double *n)
{
  return score (sample, which, FALSE, sum, n);
}

static gboolean
score_normalised (const EngScored *sample, guint which, double *sum, double *n)
{
  return score (sample, which, TRUE, sum, n);
}

const EngMetric eng_metric_choice = {
  .id = "choice-accuracy",
  .title = "Right answers",
  .unit = "%",
  .summary = "Questions whose right answer is the likeliest of those offered",
  .fold = ENG_FOLD_SHARE,
  .figure = ENG_FIGURE_CHOICE_ACCURACY,
  .applies = applies,
  .score = score_plain,
};

const EngMetric eng_metric_choice_normalised = {
  .id = "choice-accuracy-normalised",
  .title = "Right answers, per byte",
  .unit = "%",
  .summary
  = "Questions whose right answer is the likeliest per byte of it: long answers are not at "
    "a disadvantage",
  .fold = ENG_FOLD_SHARE,
  .figure = ENG_N_FIGURES,
  .applies = applies,
  .score = score_normalised,
};
