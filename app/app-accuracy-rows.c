/* Rows and words of the accuracy view. Called by it; tested without a display. */
#include "app-accuracy-rows.h"

#include "app-config.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

/* Losses first is the engine's order. */

/* With a baseline that is another build: against itself nothing changes, and values are what there
 * is to see. */
static gboolean
is_compared (EngEvaluation *evaluation, const EngMetric *info, const EngEvalValue *value)
{
  return info != NULL && !info->needs_baseline && value->change.available
         && !eng_evaluation_is_itself (evaluation);
}

AppChange
app_accuracy_change (EngEvaluation *evaluation, const EngMetric *info, const EngEvalValue *value)
{
  AppChange change = { .verdict = APP_CHANGE_NONE, .frac = NAN, .low = NAN, .high = NAN };
  const EngFigure *figure = &value->change;
  double scale;

  if (!is_compared (evaluation, info, value))
    return change;
  change.points = g_str_equal (figure->unit, "pp");
  /* Per cent and points are hundredths; anything else is over the baseline. */
  scale = change.points || g_str_equal (figure->unit, "%") ? 0.01
          : value->baseline.value != 0                     ? 1 / fabs (value->baseline.value)
                                                           : NAN;
  if (isnan (scale))
    return change;
  change.frac = scale * figure->value;
  change.low = scale * figure->low;
  change.high = scale * figure->high;
  if (isnan (change.low) || (change.low <= 0 && change.high >= 0))
    change.verdict = APP_CHANGE_SAME;
  else
    change.verdict
        = (change.frac < 0) == info->lower_is_better ? APP_CHANGE_BETTER : APP_CHANGE_WORSE;
  return change;
}

/* Borrowed from @own, which keeps it. */
static const char *
keep (GPtrArray *own, char *text)
{
  g_ptr_array_add (own, text);
  return text;
}

static char *
dup_signed (const EngFigure *figure)
{
  g_autofree char *text = eng_figure_format (figure);

  return g_strconcat (figure->available && figure->value > 0 ? "+" : "", text, NULL);
}

/* Shares all with one decimal: they stand below each other. */
static char *
dup_value (const EngFigure *figure)
{
  return g_str_equal (figure->unit, "%") ? g_strdup_printf ("%.1f\u202f%%", figure->value)
                                         : eng_format_value (figure->value, figure->unit);
}

PlotForestRow
app_accuracy_make_row (EngEvaluation *evaluation, const EngMetric *info, const EngEvalValue *value,
                       GPtrArray *own)
{
  gboolean compared = is_compared (evaluation, info, value);
  const EngFigure *shown = compared ? &value->change : &value->value;
  PlotForestRow row = { .name = value->name != NULL ? value->name : _ ("All"),
                        .value = shown->available ? shown->value : NAN,
                        .low = shown->available ? shown->low : NAN,
                        .high = shown->available ? shown->high : NAN,
                        .reference = NAN,
                        .total = value->name == NULL };

  row.text = keep (own, compared ? dup_signed (shown) : eng_figure_format (shown));
  if (!compared)
    {
      row.certain = TRUE;
      return row;
    }
  row.certain = value->name != NULL ? value->significant : shown->low > 0 || shown->high < 0;
  g_autofree char *before = dup_value (&value->baseline);
  g_autofree char *after = dup_value (&value->value);
  row.detail = keep (own, g_strdup_printf ("%s → %s", before, after));
  return row;
}

void
app_accuracy_fill_forest (EngEvaluation *evaluation, const EngEvalMetric *metric,
                          PlotForest *forest)
{
  const EngMetric *info = eng_metric_find (metric->metric);
  const char *title = info != NULL ? _ (info->title) : metric->metric;
  const char *by = eng_evaluation_get_grouped_by (evaluation);
  gboolean compared = is_compared (evaluation, info, &metric->whole);
  const char *symbol = compared ? metric->whole.change.unit : metric->whole.value.unit;
  PlotUnit unit = { .symbol = g_intern_string (symbol != NULL ? symbol : "") };
  gboolean lower = info != NULL && info->lower_is_better;
  double zero = compared ? 0 : info != NULL && info->needs_baseline && info->ideal == 0 ? 0 : NAN;
  g_autoptr (GPtrArray) own = g_ptr_array_new_with_free_func (g_free);
  g_autofree PlotForestRow *rows = g_new0 (PlotForestRow, metric->n_groups + 1);
  g_autofree char *axis
      = compared ? g_strdup_printf (_ ("Change of: %s"), title) : g_strdup (title);
  g_autofree char *whole
      = metric->n_groups == 0 || by == NULL
            ? g_strdup (axis)
            /* Translators: a metric, and "domain" or "class" */
            : g_strdup_printf (_ ("%s, by %s"), axis,
                               strcmp (by, "class") == 0 ? _ ("class") : _ ("domain"));

  rows[0] = app_accuracy_make_row (evaluation, info, &metric->whole, own);
  for (guint i = 0; i < metric->n_groups; i++)
    rows[i + 1] = app_accuracy_make_row (evaluation, info, &metric->groups[i], own);
  g_object_set (forest, "title", whole, NULL);
  plot_forest_set_axis (forest, axis, &unit, zero,
                        compared ? (lower ? _ ("better") : _ ("worse")) : NULL,
                        compared ? (lower ? _ ("worse") : _ ("better")) : NULL);
  plot_forest_set_rows (forest, rows, metric->n_groups + 1);
}

const char *
app_accuracy_footnote (EngEvaluation *evaluation, const EngEvalMetric *metric)
{
  if (!is_compared (evaluation, eng_metric_find (metric->metric), &metric->whole))
    return "";
  return metric->n_groups > 0
             ? _ ("Lines are 95 % intervals of the paired change. Filled: changed for certain, at "
                  "5 % over all lines together "
                  "(Holm). Hollow: may be chance.")
             : _ ("The line is the 95 % interval of the paired change. Hollow: may be chance.");
}
