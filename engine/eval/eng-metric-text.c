/* Metrics of text: how surprised a language model is by it. Perplexity is exp of the mean surprise
 * per token (Jelinek and others 1977), so it compares only between models of one vocabulary; bits
 * per byte do not depend on the vocabulary. */
#include "eval/eng-metric.h"

static const char *
applies (EngModel *model, EngTruthKind truth)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return "the model is a network: it predicts no tokens";
  return truth == ENG_TRUTH_TEXT ? NULL : "it is measured on texts";
}

static gboolean
score_tokens (const EngScored *sample, guint which, double *sum, double *n)
{
  const double *nll = sample->nll[which];
  for (guint i = 0; nll != NULL && i < sample->n_tokens; i++)
    *sum += nll[i];
  *n = sample->n_tokens;
  return nll != NULL;
}

static gboolean
score_bytes (const EngScored *sample, guint which, double *sum, double *n)
{
  if (!score_tokens (sample, which, sum, n))
    return FALSE;
  *sum /= G_LN2;
  *n = (double)sample->n_bytes;
  return TRUE;
}

const EngMetric eng_metric_perplexity = {
  .id = "perplexity",
  .title = "Perplexity",
  .unit = "",
  .summary = "exp of the mean surprise per token, in nats: between how many equally likely tokens "
             "the model hesitates; changes are relative",
  .lower_is_better = TRUE,
  .fold = ENG_FOLD_EXP,
  .figure = ENG_FIGURE_PERPLEXITY,
  .fewest = 1000,
  .applies = applies,
  .score = score_tokens,
};

const EngMetric eng_metric_bits_per_byte = {
  .id = "bits-per-byte",
  .title = "Bits per byte",
  .unit = "bit/B",
  .summary
  = "What the text would take if the model compressed it: the same scale for every vocabulary",
  .lower_is_better = TRUE,
  .fold = ENG_FOLD_MEAN,
  .figure = ENG_FIGURE_BITS_PER_BYTE,
  .fewest = 1000,
  .applies = applies,
  .score = score_bytes,
};
