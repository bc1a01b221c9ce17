/* Metrics of one build against another of the same vocabulary, token by token: they see a change
 * long before the task does, because no label is needed and every token counts. KL (baseline ||
 * build), in nats: Kullback and Leibler 1951. */
#include "eval/eng-metric.h"

static const char *
applies (EngModel *model, EngTruthKind truth)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return "the model is a network: it predicts no tokens";
  return truth == ENG_TRUTH_TEXT ? NULL : "it is measured on texts";
}

static gboolean
score_divergence (const EngScored *sample, guint which, double *sum, double *n)
{
  for (guint i = 0; sample->divergence != NULL && i < sample->n_tokens; i++)
    *sum += sample->divergence[i];
  *n = sample->n_tokens;
  return which == 0 && sample->divergence != NULL;
}

static gboolean
score_same (const EngScored *sample, guint which, double *sum, double *n)
{
  for (guint i = 0; sample->same != NULL && i < sample->n_tokens; i++)
    *sum += sample->same[i];
  *n = sample->n_tokens;
  return which == 0 && sample->same != NULL;
}

static void
add_numbers (const EngScored *sample, GArray *numbers)
{
  if (sample->divergence != NULL)
    g_array_append_vals (numbers, sample->divergence, sample->n_tokens);
}

const EngMetric eng_metric_kl_mean = {
  .id = "kl-divergence",
  .title = "KL divergence",
  .unit = "nat",
  .summary = "How far the predictions are from the baseline's, mean over tokens; 0: the same",
  .lower_is_better = TRUE,
  .needs_baseline = TRUE,
  .fold = ENG_FOLD_MEAN,
  .figure = ENG_FIGURE_KL_DIVERGENCE,
  .fewest = 1000,
  .applies = applies,
  .score = score_divergence,
};

const EngMetric eng_metric_kl_p99 = {
  .id = "kl-divergence-p99",
  .title = "KL divergence, 99th percentile",
  .unit = "nat",
  .summary = "One token in a hundred is further from the baseline's prediction than this",
  .lower_is_better = TRUE,
  .needs_baseline = TRUE,
  .fold = ENG_FOLD_QUANTILE,
  .figure = ENG_FIGURE_KL_DIVERGENCE_P99,
  .fewest = 1000,
  .applies = applies,
  .numbers = add_numbers,
};

const EngMetric eng_metric_token_agreement = {
  .id = "token-agreement",
  .title = "Same best token",
  .unit = "%",
  .summary = "Tokens for which both builds find the same next token the likeliest",
  .needs_baseline = TRUE,
  .ideal = 100,
  .fold = ENG_FOLD_SHARE,
  .figure = ENG_FIGURE_TOKEN_AGREEMENT,
  .fewest = 1000,
  .applies = applies,
  .score = score_same,
};
