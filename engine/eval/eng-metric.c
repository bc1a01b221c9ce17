/* The table of metrics. A new metric is one file and one line here. */
#include "eval/eng-metric.h"

#include <string.h>

static const EngMetric *const metrics[] = {
  &eng_metric_perplexity,
  &eng_metric_bits_per_byte,
  &eng_metric_kl_mean,
  &eng_metric_kl_p99,
  &eng_metric_token_agreement,
  &eng_metric_choice,
  &eng_metric_choice_normalised,
  &eng_metric_top1,
  &eng_metric_top5,
  &eng_metric_heard,
  &eng_metric_precision,
  &eng_metric_precision_half,
  &eng_metric_points,
  &eng_metric_mask,
  &eng_metric_sound,
  &eng_metric_output_agreement,
  &eng_metric_output_sqnr,
};

const EngMetric *const *
eng_metric_list (guint *n)
{
  *n = G_N_ELEMENTS (metrics);
  return metrics;
}

const EngMetric *
eng_metric_find (const char *id)
{
  for (guint i = 0; i < G_N_ELEMENTS (metrics); i++)
    if (strcmp (metrics[i]->id, id) == 0)
      return metrics[i];
  return NULL;
}

char *
eng_metric_dup_list (void)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (metrics); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", metrics[i]->id);
  return g_string_free (text, FALSE);
}

const char *
eng_truth_name (EngTruthKind truth)
{
  static const char *const names[ENG_N_TRUTHS]
      = { "texts",  "questions", "labels",       "boxes",
          "points", "masks",     "clean sounds", "inputs without labels" };
  g_return_val_if_fail (truth < ENG_N_TRUTHS, NULL);
  return names[truth];
}
