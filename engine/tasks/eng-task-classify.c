/* Task: one score per class; the best first.
 *
 * Card: "labels"; "output" (0); "softmax": true where the network gives logits: then a softmax is
 * put behind it as a node. For a sound of several windows the scores are series, one per class
 * without those that "background" names, with "threshold" (0.5). */
#include "tasks/eng-tasks.h"

#include <math.h>
#include <stdlib.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eng-result-private.h"
#include "ops/rt-ops-math.h"

static guint
output_index (EngCard *card)
{
  return (guint)MAX (0, eng_json_get_int (eng_card_get_task_options (card), "output", 0));
}

static gboolean
surround (EngSurround *s, GError **error)
{
  guint index = output_index (s->card);
  if (index >= s->imported->n_outputs)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The network card names output %u; the network has %u", index,
                   s->imported->n_outputs);
      return FALSE;
    }
  if (!eng_json_get_bool (eng_card_get_task_options (s->card), "softmax", FALSE)
      || eng_surround_output (s, index)->type != RT_TYPE_F32)
    return TRUE;
  RtSoftmaxAttrs attrs = { .axis = -1, .beta = 1 };
  s->outputs[index] = eng_surround_add (s, TRUE, "lathe.softmax", "softmax", &s->outputs[index], 1,
                                        &attrs, error);
  return s->outputs[index] != RT_NONE;
}

static int
better (const void *a, const void *b)
{
  const EngScore *x = a, *y = b;
  if (x->score != y->score)
    return x->score < y->score ? 1 : -1;
  return (x->index > y->index) - (x->index < y->index);
}

/* ---- Over time ---- */

/* Scores of all steps, [steps, classes]. */
static void
scores_free (gpointer data)
{
  g_array_unref (data);
}

static gboolean
begin (EngTaskRun *run, GError **error)
{
  eng_task_set_task_data (run, g_array_new (FALSE, FALSE, sizeof (float)), scores_free);
  return TRUE;
}

static void
collect (EngTaskRun *run, guint step)
{
  gsize n;
  if (run->n_steps == 1 || step < run->n_warm)
    return;
  g_autofree float *scores = eng_task_dup_output (run, output_index (run->card), &n, NULL);
  g_array_append_vals (run->task_data, scores, (guint)n);
}

static EngResult *
make_series (EngTaskRun *run, guint n_classes)
{
  JsonObject *options = eng_card_get_task_options (run->card);
  const GArray *scores = run->task_data;
  const char *const *labels = eng_card_get_labels (run->card, n_classes);
  g_auto (GStrv) background = eng_json_dup_strv (options, "background");
  guint n = scores->len / n_classes;
  g_autofree double *values = g_new (double, n);
  EngResult *result = eng_result_new (ENG_RESULT_SERIES, run->input);

  for (guint c = 0; c < n_classes; c++)
    {
      g_autofree char *name
          = labels != NULL ? g_strdup (labels[c]) : g_strdup_printf ("class %u", c);
      if (g_strv_contains ((const char *const *)background, name))
        continue;
      for (guint i = 0; i < n; i++)
        values[i] = (double)g_array_index (scores, float, i *n_classes + c);
      eng_result_add_series (result, name, values, n);
    }
  eng_result_set_series_times (result, run->start_s, run->step_s);
  eng_result_set_value (result, NAN, eng_card_number (options, "threshold", 0.5));
  return result;
}

static EngResult *
finish (EngTaskRun *run)
{
  gsize n;
  g_autofree float *scores = eng_task_dup_output (run, output_index (run->card), &n, NULL);
  const GArray *over_time = run->task_data;
  if (over_time->len > n)
    return make_series (run, (guint)n);

  EngResult *result = eng_result_new (ENG_RESULT_LABELS, run->input);
  g_autofree EngScore *order = g_new (EngScore, n + 1);
  const char *const *labels = eng_card_get_labels (run->card, (guint)n);

  for (gsize i = 0; i < n; i++)
    order[i] = (EngScore){ (guint)i, labels != NULL ? labels[i] : NULL,
                           isnan (scores[i]) ? -INFINITY : (double)scores[i] };
  qsort (order, n, sizeof *order, better);
  for (gsize i = 0; i < n; i++)
    eng_result_add_score (result, order[i].index, order[i].label, order[i].score);
  return result;
}

const EngTask eng_task_classify = {
  .id = "classify",
  .title = "Classification",
  .surround = surround,
  .begin = begin,
  .collect = collect,
  .finish = finish,
};
