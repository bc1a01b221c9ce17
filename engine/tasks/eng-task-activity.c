/* Task: one probability per step of a sound: voice activity, a wake word.
 *
 * Card: "output" (0), "index" within it (0), "name" of what it is about, "threshold" (0.5),
 * "smooth": each value is the mean of the last so many (1). */
#include "tasks/eng-tasks.h"

#include <math.h>

#include "eng-json.h"
#include "eng-result-private.h"

static void
array_free (gpointer data)
{
  g_array_unref (data);
}

static gboolean
begin (EngTaskRun *run, GError **error)
{
  eng_task_set_task_data (run, g_array_new (FALSE, FALSE, sizeof (double)), array_free);
  return TRUE;
}

static void
collect (EngTaskRun *run, guint step)
{
  JsonObject *options = eng_card_get_task_options (run->card);
  guint at = eng_card_count (options, "output", 0);
  gsize index = (gsize)eng_card_count (options, "index", 0), n = 0;
  double value = NAN;

  if (step < run->n_warm)
    return;
  if (at < run->n_outputs)
    {
      g_autofree float *output = eng_task_dup_output (run, at, &n, NULL);
      value = index < n ? (double)output[index] : NAN;
    }
  g_array_append_val ((GArray *)run->task_data, value);
}

/* The mean of the last @n values, of fewer at the beginning; in place, from the end. */
static void
smooth (GArray *values, guint n)
{
  for (guint i = values->len; i-- > 0;)
    {
      guint first = i + 1 > n ? i + 1 - n : 0;
      double sum = 0;
      for (guint k = first; k <= i; k++)
        sum += g_array_index (values, double, k);
      g_array_index (values, double, i) = sum / (i + 1 - first);
    }
}

static EngResult *
finish (EngTaskRun *run)
{
  JsonObject *options = eng_card_get_task_options (run->card);
  const char *name = eng_json_get_string (options, "name");
  double threshold = eng_card_number (options, "threshold", 0.5);
  GArray *values = run->task_data;
  guint n_smooth = CLAMP (eng_card_count (options, "smooth", 1), 1, 10000);
  EngResult *result
      = eng_result_new (values->len > 1 ? ENG_RESULT_SERIES : ENG_RESULT_SCORE, run->input);

  smooth (values, n_smooth);
  eng_result_add_series (result, name != NULL ? name : "activity", (const double *)values->data,
                         values->len);
  eng_result_set_series_times (result, run->start_s, run->step_s);
  eng_result_set_value (result, values->len == 1 ? g_array_index (values, double, 0) : NAN,
                        threshold);
  return result;
}

const EngTask eng_task_activity = {
  .id = "activity",
  .title = "Activity over time",
  .begin = begin,
  .collect = collect,
  .finish = finish,
};
