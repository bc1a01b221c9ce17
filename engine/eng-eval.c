/* Running a labelled set through a build and counting what is right. */
#include "eng-eval.h"

#include <math.h>
#include <string.h>

#include "data/eng-data-set.h"
#include "eng-error.h"
#include "eng-json.h"
#include "rt-clock.h"
#include "tasks/eng-task.h"

#define TOP 5

static void
prediction_clear (gpointer data)
{
  g_free (((EngPrediction *)data)->name);
}

void
eng_eval_free (EngEval *self)
{
  if (self == NULL)
    return;
  g_free (self->metric);
  g_free (self->label_source);
  g_free (self->unreadable);
  g_array_unref (self->predictions);
  g_free (self);
}

EngFigure
eng_figure_share (guint n_hits, guint n)
{
  const double z = 1.959963984540054; /* of the normal distribution, 97.5 % */
  if (n == 0)
    return eng_figure_unavailable ("%", "no samples");
  double p = (double)n_hits / n, z2 = z * z / n;
  double middle = (p + z2 / 2) / (1 + z2);
  double half = z * sqrt (p * (1 - p) / n + z2 / (4 * n)) / (1 + z2);
  return (EngFigure){ .available = TRUE,
                      .value = 100 * p,
                      .low = 100 * MAX (0, middle - half),
                      .high = 100 * MIN (1, middle + half),
                      .n = n,
                      .unit = "%" };
}

EngFigure
eng_eval_agreement (const EngEval *a, const EngEval *b)
{
  guint n = MIN (a->predictions->len, b->predictions->len), n_same = 0;

  if (a->predictions->len != b->predictions->len)
    return eng_figure_unavailable ("%", "the two sets are not the same");
  for (guint i = 0; i < n; i++)
    n_same += g_array_index (a->predictions, EngPrediction, i).predicted
              == g_array_index (b->predictions, EngPrediction, i).predicted;
  return eng_figure_share (n_same, n);
}

/* ---- Running ---- */

typedef struct
{
  EngEval *eval;
  EngBuild *build;
  EngTaskRun *run; /* made for the first sample's kind */
  EngJob *job;
  GArray *ns;
  guint n_classes;
  gboolean listens; /* for one thing, with a threshold */
  guint n_named;    /* samples of that thing */
} Evaluating;

/* Listening for one thing: whether it was heard at any moment. */
static gboolean
is_heard (EngResult *result)
{
  double threshold = eng_result_get_threshold (result);
  guint n;
  if (eng_result_get_kind (result) == ENG_RESULT_SCORE)
    return eng_result_get_value (result) >= threshold;
  const double *values = eng_result_get_series (result, 0, &n);
  for (guint i = 0; i < n; i++)
    if (values[i] >= threshold)
      return TRUE;
  return FALSE;
}

/* The network's only class is what it listens for; every other label means that it is not there. */
static void
score_heard (Evaluating *self, const EngSample *sample, EngResult *result)
{
  EngEval *eval = self->eval;
  EngPrediction prediction = { .name = g_strdup (sample->name),
                               .label = sample->label == NULL ? -1 : sample->index == 0,
                               .predicted = is_heard (result) };
  self->n_classes = 1;
  g_array_append_val (eval->predictions, prediction);
  eval->n_unlabelled += prediction.label < 0;
  eval->n += prediction.label >= 0;
  eval->n_top1 += prediction.label == prediction.predicted;
  self->n_named += prediction.label == 1;
}

static gboolean
score (Evaluating *self, const EngSample *sample, EngResult *result, GError **error)
{
  EngEval *eval = self->eval;
  if (self->listens
      && (eng_result_get_kind (result) == ENG_RESULT_SCORE
          || eng_result_get_kind (result) == ENG_RESULT_SERIES))
    {
      score_heard (self, sample, result);
      return TRUE;
    }
  if (eng_result_get_kind (result) != ENG_RESULT_LABELS || eng_result_get_n_scores (result) == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "The task \"%s\" gives %s; only classification can be evaluated against labels",
                   self->run->task->title, eng_result_kind_name (eng_result_get_kind (result)));
      return FALSE;
    }
  self->n_classes = eng_result_get_n_scores (result);
  EngPrediction prediction = { .name = g_strdup (sample->name),
                               .label = sample->index < (int)self->n_classes ? sample->index : -1,
                               .predicted = (int)eng_result_get_score (result, 0)->index };
  for (guint i = 0; i < MIN (TOP, self->n_classes); i++)
    prediction.top5 |= (int)eng_result_get_score (result, i)->index == prediction.label;
  g_array_append_val (eval->predictions, prediction);
  if (prediction.label < 0)
    {
      eval->n_unlabelled++;
      return TRUE;
    }
  eval->n++;
  eval->n_top1 += prediction.predicted == prediction.label;
  eval->n_top5 += prediction.top5;
  return TRUE;
}

static gboolean
evaluate_sample (Evaluating *self, const EngSample *sample, GError **error)
{
  g_autofree char *base = g_path_get_basename (sample->name);
  g_autoptr (GError) local = NULL;
  g_autoptr (EngInput) input = eng_input_from_bytes (sample->bytes, base, &local);
  if (input == NULL) /* a licence beside the samples, or the network itself */
    {
      if (self->eval->n_unreadable++ == 0)
        self->eval->unreadable = g_strdup_printf ("%s: %s", sample->name, local->message);
      return TRUE;
    }
  if (self->run == NULL)
    self->run = eng_task_run_new (self->build, eng_input_get_kind (input), error);
  if (self->run == NULL)
    return FALSE;
  guint64 start = rt_now_ns ();
  g_autoptr (EngResult) result = eng_task_run_all (self->run, input, error);
  double ns = (double)(rt_now_ns () - start);
  if (result == NULL)
    return FALSE;
  g_array_append_val (self->ns, ns);
  return score (self, sample, result, error);
}

static gboolean
evaluate_all (Evaluating *self, EngDataSet *set, GError **error)
{
  GCancellable *cancellable = self->job != NULL ? eng_job_get_cancellable (self->job) : NULL;
  guint n = eng_data_set_get_n (set), done = 0;
  g_autoptr (GError) local = NULL;
  EngSample sample;

  while (eng_data_set_next (set, &sample, cancellable, &local))
    {
      G_GNUC_UNUSED g_autoptr (GBytes) owned = sample.bytes;
      if (g_cancellable_set_error_if_cancelled (cancellable, error)
          || !evaluate_sample (self, &sample, error))
        {
          g_prefix_error (error, "%s: ", sample.name);
          return FALSE;
        }
      if (self->job != NULL)
        eng_job_report (self->job, "Evaluating", (double)++done / n);
    }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Names of the network's classes: as many as its output has, or the one thing that it listens for
 * (@listened, room for two). */
static const char *const *
find_classes (EngModel *model, const char **listened)
{
  EngCard *card = eng_model_get_card (model);
  JsonObject *options = eng_card_get_task_options (card);
  listened[0] = strcmp (eng_card_get_task (card), "activity") == 0
                    ? eng_json_get_string (options, "name")
                    : NULL;
  if (listened[0] != NULL)
    return listened;
  const EngImported *imported = eng_model_get_imported (model);
  if (imported == NULL || imported->n_outputs == 0)
    return NULL;
  const RtShape *shape = &rt_graph_value (imported->graph, imported->outputs[0].value)->shape;
  guint64 n = rt_shape_n (shape);
  return n < G_MAXINT ? eng_card_get_labels (eng_model_get_card (model), (guint)n) : NULL;
}

static void
finish_figures (Evaluating *self)
{
  EngEval *eval = self->eval;
  eval->metric = g_strdup (self->listens ? "heard or not" : "top-1 accuracy");
  eval->top1 = eng_figure_share (eval->n_top1, eval->n);
  eval->top5 = self->n_classes > TOP
                   ? eng_figure_share (eval->n_top5, eval->n)
                   : eng_figure_unavailable ("%", "the network has five classes or fewer");
  for (guint i = 0; i < self->ns->len; i++)
    g_array_index (self->ns, double, i) *= 1e-6;
  eval->ms = eng_figure_from_samples ((double *)self->ns->data, self->ns->len, "ms");
}

EngEval *
eng_eval_new (EngBuild *build, const char *data, EngJob *job, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && data != NULL, NULL);

  EngModel *model = eng_build_get_model (build);
  GCancellable *cancellable = job != NULL ? eng_job_get_cancellable (job) : NULL;
  if (eng_model_get_kind (model) != ENG_MODEL_NETWORK)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "%s is a language model: labelled sets are for networks",
                   eng_model_get_name (model));
      return NULL;
    }
  const char *listened[2] = { NULL, NULL };
  g_autoptr (EngDataSet) set
      = eng_data_set_open (data, find_classes (model, listened), cancellable, error);
  if (set == NULL)
    return NULL;

  g_autoptr (EngEval) eval = g_new0 (EngEval, 1);
  eval->predictions = g_array_new (FALSE, FALSE, sizeof (EngPrediction));
  g_array_set_clear_func (eval->predictions, prediction_clear);
  eval->label_source = g_strdup (eng_data_set_get_label_source (set));
  Evaluating self = { .eval = eval,
                      .build = build,
                      .job = job,
                      .listens = listened[0] != NULL,
                      .ns = g_array_new (FALSE, FALSE, sizeof (double)) };
  rt_exec_set_tracing (eng_build_get_exec (build), false);
  gboolean ok = evaluate_all (&self, set, error);
  if (ok && eval->predictions->len == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s has no sample that can be read. %s",
                   data, eval->unreadable);
      ok = FALSE;
    }
  if (ok && (eval->n == 0 || (self.listens && self.n_named == 0)))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
                   "No label of %s (from %s) is a class of %s. Its network card can name the "
                   "classes.",
                   data, eval->label_source, eng_model_get_name (model));
      ok = FALSE;
    }
  if (ok)
    finish_figures (&self);
  g_array_unref (self.ns);
  eng_task_run_free (self.run);
  return ok ? g_steal_pointer (&eval) : NULL;
}
