/* Folding samples into figures. Called by the passes over texts, questions and inputs. */
#include "eval/eng-scores.h"

#include <math.h>
#include <stdlib.h>

#include "eng-error.h"
#include "eval/eng-evaluation-private.h"

typedef struct
{
  const EngMetric *metric;
  GArray *units;      /* EngUnit */
  GPtrArray *numbers; /* GArray of double, by group: QUANTILE */
  GPtrArray *kept;    /* STATISTIC */
} Score;

struct _EngScores
{
  GArray *scores; /* Score */
  GPtrArray *groups;
  GHashTable *group_index;
  gboolean has_baseline;
};

static void
score_clear (gpointer data)
{
  Score *score = data;
  g_array_unref (score->units);
  g_ptr_array_unref (score->numbers);
  g_ptr_array_unref (score->kept);
}

static void
add_metric (EngScores *self, const EngMetric *metric)
{
  Score score = { .metric = metric,
                  .units = g_array_new (FALSE, FALSE, sizeof (EngUnit)),
                  .numbers = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref),
                  .kept = g_ptr_array_new_with_free_func (metric->drop) };
  g_array_append_val (self->scores, score);
}

static gboolean
add_wanted (EngScores *self, EngModel *model, EngTruthKind truth, const char *id, GError **error)
{
  const EngMetric *metric = eng_metric_find (id);
  const char *why = NULL;

  if (metric == NULL)
    {
      g_autofree char *list = eng_metric_dup_list ();
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
                   "There is no metric \"%s\". There are %s.", id, list);
      return FALSE;
    }
  why = metric->applies (model, truth);
  if (why == NULL && metric->needs_baseline && !self->has_baseline)
    why = "it compares with a baseline build, and there is none";
  if (why != NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "The metric \"%s\" does not apply to %s of %s: %s.", id, eng_truth_name (truth),
                   eng_model_get_name (model), why);
      return FALSE;
    }
  add_metric (self, metric);
  return TRUE;
}

EngScores *
eng_scores_new (EngModel *model, EngTruthKind truth, const char *const *wanted,
                gboolean has_baseline, GError **error)
{
  g_autoptr (EngScores) self = g_new0 (EngScores, 1);
  guint n;
  const EngMetric *const *metrics = eng_metric_list (&n);

  self->scores = g_array_new (FALSE, FALSE, sizeof (Score));
  g_array_set_clear_func (self->scores, score_clear);
  self->groups = g_ptr_array_new_with_free_func (g_free);
  self->group_index = g_hash_table_new (g_str_hash, g_str_equal);
  self->has_baseline = has_baseline;
  for (guint i = 0; wanted != NULL && wanted[i] != NULL; i++)
    if (!add_wanted (self, model, truth, wanted[i], error))
      return NULL;
  if (wanted == NULL || wanted[0] == NULL)
    for (guint i = 0; i < n; i++)
      if (metrics[i]->applies (model, truth) == NULL
          && (has_baseline || !metrics[i]->needs_baseline))
        add_metric (self, metrics[i]);
  if (self->scores->len == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "Nothing can be measured on %s of %s%s.", eng_truth_name (truth),
                   eng_model_get_name (model),
                   has_baseline ? "" : " without a baseline build to compare with");
      return NULL;
    }
  return g_steal_pointer (&self);
}

void
eng_scores_free (EngScores *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->scores);
  g_ptr_array_unref (self->groups);
  g_hash_table_unref (self->group_index);
  g_free (self);
}

guint
eng_scores_group (EngScores *self, const char *name)
{
  gpointer found = g_hash_table_lookup (self->group_index, name);
  if (found != NULL)
    return GPOINTER_TO_UINT (found) - 1;
  char *copy = g_strdup (name);
  g_ptr_array_add (self->groups, copy);
  g_hash_table_insert (self->group_index, copy, GUINT_TO_POINTER (self->groups->len));
  return self->groups->len - 1;
}

static GArray *
numbers_of (Score *score, guint group)
{
  while (score->numbers->len <= group)
    g_ptr_array_add (score->numbers, g_array_new (FALSE, FALSE, sizeof (double)));
  return score->numbers->pdata[group];
}

static void
add_to (Score *score, const EngScored *sample)
{
  const EngMetric *metric = score->metric;

  if (metric->fold == ENG_FOLD_QUANTILE)
    metric->numbers (sample, numbers_of (score, sample->group));
  else if (metric->fold == ENG_FOLD_STATISTIC)
    {
      gpointer kept = metric->keep (sample);
      if (kept != NULL)
        g_ptr_array_add (score->kept, kept);
    }
  else
    {
      EngUnit unit = { .group = sample->group };
      for (guint which = 0; which < 2; which++)
        if (!metric->score (sample, which, &unit.sum[which], &unit.n[which]))
          unit.sum[which] = unit.n[which] = 0;
      if (unit.n[0] > 0)
        g_array_append_val (score->units, unit);
    }
}

void
eng_scores_add (EngScores *self, const EngScored *sample)
{
  for (guint i = 0; i < self->scores->len; i++)
    add_to (&g_array_index (self->scores, Score, i), sample);
}

/* ---- Folding ---- */

typedef struct
{
  Score *score;
  int group;
} Kept;

static double
kept_statistic (const guint *indices, guint n, guint which, gpointer data)
{
  Kept *kept = data;
  return kept->score->metric->statistic (kept->score->kept->pdata, indices, n, which, kept->group);
}

static EngFigure
map_figure (EngFigure figure, double (*map) (double), const char *unit)
{
  figure.unit = unit;
  figure.value = map (figure.value);
  figure.low = map (figure.low);
  figure.high = map (figure.high);
  return figure;
}

static double
relative_percent (double nats)
{
  return 100 * expm1 (nats);
}

/* The larger the ratio, the fewer decibels: the ends change places. */
static EngFigure
decibel_figure (EngFigure figure, const char *unit)
{
  double low = figure.low;

  figure.unit = unit;
  if (figure.available && figure.value <= 0)
    return eng_figure_unavailable (unit, "the same to the last bit: there is no noise");
  figure.value = -10 * log10 (figure.value);
  figure.low = -10 * log10 (figure.high);
  figure.high = low > 0 ? -10 * log10 (low) : NAN;
  if (figure.available && figure.reason == NULL && isnan (figure.high))
    {
      figure.low = NAN;
      figure.reason = "the noise varies too much for an interval";
    }
  return figure;
}

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The 99th percentile and, from order statistics, its interval: binomial ranks in the normal
 * approximation (Conover, Practical Nonparametric Statistics, section 3.2). Neighbouring tokens are
 * taken as independent. */
static EngFigure
quantile_figure (Score *score, int group, const char *unit)
{
  const double q = 0.99, z = 1.959963984540054;
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < score->numbers->len; i++)
    if (group < 0 || i == (guint)group)
      {
        GArray *numbers = score->numbers->pdata[i];
        g_array_append_vals (all, numbers->data, numbers->len);
      }
  guint n = all->len;
  if (n == 0)
    return eng_figure_unavailable (unit, "no samples");
  double *values = (double *)all->data, half = z * sqrt (n * q * (1 - q));
  qsort (values, n, sizeof *values, compare_doubles);
  EngFigure figure = { .available = TRUE,
                       .value = eng_quantile_sorted (values, n, q),
                       .low = NAN,
                       .high = NAN,
                       .n = n,
                       .unit = unit,
                       .reason = "too few tokens for an interval" };
  double low = floor (n * q - half), high = ceil (n * q + half);
  if (low < 1 || high > n - 1)
    return figure;
  figure.low = values[(guint)low - 1];
  figure.high = values[(guint)high - 1];
  figure.reason = NULL;
  return figure;
}

/* One try a unit and one result of two: then the paired tests for proportions hold. */
static gboolean
is_binary (const Score *score)
{
  for (guint i = 0; i < score->units->len; i++)
    if (g_array_index (score->units, EngUnit, i).n[0] != 1)
      return FALSE;
  return TRUE;
}

static EngFigure
fold_figure (Score *score, int group, guint which)
{
  const EngMetric *metric = score->metric;
  const EngUnit *units = (const EngUnit *)score->units->data;
  guint n = score->units->len;
  Kept kept = { score, group };

  switch (metric->fold)
    {
    case ENG_FOLD_EXP:
      return map_figure (eng_ratio_figure (units, n, group, which, 1, metric->unit), exp,
                         metric->unit);
    case ENG_FOLD_SHARE:
      return eng_share_figure (units, n, group, which);
    case ENG_FOLD_DECIBEL:
      return decibel_figure (eng_ratio_figure (units, n, group, which, 1, metric->unit),
                             metric->unit);
    case ENG_FOLD_QUANTILE:
      return quantile_figure (score, group, metric->unit);
    case ENG_FOLD_STATISTIC:
      return eng_bootstrap_figure (kept_statistic, &kept, score->kept->len, which, 1, metric->unit);
    case ENG_FOLD_MEAN:
    default:
      return eng_ratio_figure (units, n, group, which, 1, metric->unit);
    }
}

/* Of the pooled ratios; what the two intervals allow at most is not paired, so there is none. */
static EngFigure
decibel_change (const EngUnit *units, guint n, int group, const char *unit)
{
  EngFigure value = decibel_figure (eng_ratio_figure (units, n, group, 0, 1, unit), unit);
  EngFigure base = decibel_figure (eng_ratio_figure (units, n, group, 1, 1, unit), unit);

  if (!value.available || !base.available)
    return eng_figure_unavailable (unit, "one of the two has no noise");
  value.value -= base.value;
  value.low = value.high = NAN;
  value.reason = "no interval for differences of pooled decibels";
  return value;
}

static EngFigure
fold_change (Score *score, int group, double *p)
{
  const EngMetric *metric = score->metric;
  const EngUnit *units = (const EngUnit *)score->units->data;
  gboolean share = g_strcmp0 (metric->unit, "%") == 0;
  guint n = score->units->len;
  Kept kept = { score, group };

  switch (metric->fold)
    {
    case ENG_FOLD_EXP:
      return map_figure (eng_ratio_change (units, n, group, 1, "%", p), relative_percent, "%");
    case ENG_FOLD_SHARE:
      return is_binary (score) ? eng_share_change (units, n, group, p)
                               : eng_ratio_change (units, n, group, 100, "pp", p);
    case ENG_FOLD_STATISTIC:
      return eng_bootstrap_change (kept_statistic, &kept, score->kept->len, 1,
                                   share ? "pp" : metric->unit, p);
    case ENG_FOLD_DECIBEL:
      return decibel_change (units, n, group, metric->unit);
    case ENG_FOLD_MEAN:
    case ENG_FOLD_QUANTILE:
    default:
      return eng_ratio_change (units, n, group, 1, metric->unit, p);
    }
}

/* Against itself a build is ideal: the change is how far this one is from that. */
static EngFigure
change_from_ideal (const EngMetric *metric, const EngFigure *value)
{
  EngFigure change = *value;

  if (!isfinite (metric->ideal))
    return eng_figure_unavailable (metric->unit, "against itself a build has no noise at all");
  change.value -= metric->ideal;
  change.low -= metric->ideal;
  change.high -= metric->ideal;
  if (g_strcmp0 (change.unit, "%") == 0)
    change.unit = "pp";
  return change;
}

static EngEvalValue
fold (EngScores *self, Score *score, int group)
{
  const EngMetric *metric = score->metric;
  EngEvalValue value = { .name = group < 0 ? NULL : self->groups->pdata[group], .p = NAN };

  value.value = fold_figure (score, group, 0);
  if (metric->needs_baseline)
    {
      value.baseline = isfinite (metric->ideal)
                           ? eng_figure_exact (metric->ideal, metric->unit)
                           : eng_figure_unavailable (metric->unit, "no noise at all");
      value.change = change_from_ideal (metric, &value.value);
    }
  else if (self->has_baseline)
    {
      value.baseline = fold_figure (score, group, 1);
      value.change = fold_change (score, group, &value.p);
    }
  else
    {
      value.baseline = eng_figure_unavailable (metric->unit, "no baseline build");
      value.change = eng_figure_unavailable (metric->unit, "no baseline build");
    }
  return value;
}

static void
drop_interval (EngFigure *figure)
{
  if (!figure->available || figure->n == 0)
    return;
  figure->low = figure->high = NAN;
  figure->reason = "too few tokens for an interval: give it more text";
}

/* How much worse: for sorting. */
static double
loss_of (const EngMetric *metric, const EngEvalValue *value)
{
  const EngFigure *figure = value->change.available ? &value->change : &value->value;
  if (!figure->available)
    return -INFINITY;
  return metric->lower_is_better ? figure->value : -figure->value;
}

static int
compare_losses (const void *a, const void *b, gpointer metric)
{
  double x = loss_of (metric, a), y = loss_of (metric, b);
  return (x < y) - (x > y);
}

static void
finish_metric (EngScores *self, Score *score, EngEvaluation *evaluation)
{
  const EngMetric *metric = score->metric;
  guint n = self->groups->len > 1 ? self->groups->len : 0, n_groups = 0;
  EngEvalValue whole = fold (self, score, -1);
  EngEvalValue *groups = g_new0 (EngEvalValue, MAX (n, 1));

  if (whole.value.n < metric->fewest)
    {
      drop_interval (&whole.value);
      drop_interval (&whole.baseline);
      drop_interval (&whole.change);
    }
  for (guint i = 0; i < n; i++)
    {
      EngEvalValue value = fold (self, score, (int)i);
      if (value.value.available && value.name[0] != '\0')
        groups[n_groups++] = value;
    }
  g_autofree double *p = g_new (double, MAX (n_groups, 1));
  g_autofree gboolean *significant = g_new (gboolean, MAX (n_groups, 1));
  for (guint i = 0; i < n_groups; i++)
    p[i] = groups[i].p;
  eng_holm (p, n_groups, significant);
  for (guint i = 0; i < n_groups; i++)
    groups[i].significant = significant[i];
  g_qsort_with_data (groups, (int)n_groups, sizeof *groups, compare_losses, (gpointer)metric);
  eng_evaluation_take_metric (evaluation, metric->id, &whole, groups, n_groups);
}

void
eng_scores_finish (EngScores *self, EngEvaluation *evaluation, const char *grouped_by)
{
  evaluation->grouped_by = g_intern_string (grouped_by);
  for (guint i = 0; i < self->scores->len; i++)
    finish_metric (self, &g_array_index (self->scores, Score, i), evaluation);
}
