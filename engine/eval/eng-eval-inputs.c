/* The pass over a network's inputs: every sample through the build and the baseline, what both say
 * scored against what the set knows. */
#include <math.h>
#include <string.h>

#include "data/eng-data-set.h"
#include "eng-error.h"
#include "eng-json.h"
#include "eval/eng-eval-private.h"
#include "eval/eng-truth.h"
#include "tasks/eng-task.h"

typedef struct
{
  EngEvalPass *pass;
  EngTruths *truths;
  EngTaskRun *runs[2]; /* made for the first sample's kind; [1] NULL: no other build */
  gboolean listens;
  guint n, n_unlabelled, n_unreadable;
  char *unreadable; /* the first and why */
} Inputs;

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
  if (strcmp (eng_card_get_task (card), "classify") != 0)
    return eng_card_get_labels (card, eng_card_count (options, "classes", 0));
  const RtShape *shape = &rt_graph_value (imported->graph, imported->outputs[0].value)->shape;
  guint64 n = rt_shape_n (shape);
  return n < G_MAXINT ? eng_card_get_labels (card, (guint)n) : NULL;
}

static gboolean
make_runs (Inputs *self, EngInputKind kind, GError **error)
{
  EngBuild *builds[2] = { self->pass->build, self->pass->baseline };
  const EngEvalOptions *options = self->pass->options;

  if (self->runs[0] == NULL && options->make_run != NULL)
    {
      self->runs[0] = options->make_run (builds[0], kind, options->make_run_data, error);
      if (self->runs[0] == NULL)
        return FALSE;
    }
  for (guint k = 0; k < 2; k++)
    if (self->runs[k] == NULL && builds[k] != NULL && (k == 0 || builds[1] != builds[0])
        && (self->runs[k] = eng_task_run_new (builds[k], kind, error)) == NULL)
      return FALSE;
  return TRUE;
}

/* The first output of a network whose input is one step, as the file has it; NULL else. */
static float *
dup_output (EngTaskRun *run, gsize *n)
{
  *n = 0;
  return run->n_steps == 1 && run->n_outputs > 0 ? eng_task_dup_output (run, 0, n, NULL) : NULL;
}

/* Groups are the classes that samples have; those without one share a group that is in no table of
 * classes. */
static guint
group_of (Inputs *self, const EngTruth *truth)
{
  g_autofree char *number = NULL;
  const char *name = truth->class_name;
  if (truth->label < 0)
    return eng_scores_group (self->pass->scores, "");
  if (name == NULL)
    name = number = g_strdup_printf ("class %d", truth->label);
  return eng_scores_group (self->pass->scores, name);
}

static gboolean
run_sample (Inputs *self, const EngSample *sample, EngInput *input, GError **error)
{
  g_autoptr (EngResult) result = eng_task_run_all (self->runs[0], input, error);
  g_autoptr (EngResult) theirs = NULL;
  g_autofree float *output = NULL, *their_output = NULL;
  gsize n = 0, n_theirs = 0;

  if (result == NULL)
    return FALSE;
  output = dup_output (self->runs[0], &n);
  if (self->runs[1] != NULL)
    {
      theirs = eng_task_run_all (self->runs[1], input, error);
      if (theirs == NULL)
        return FALSE;
      their_output = dup_output (self->runs[1], &n_theirs);
    }
  gboolean itself = self->pass->baseline == self->pass->build;
  EngScored scored = { .truth = eng_truths_get_kind (self->truths),
                       .listens = self->listens,
                       .result = { result, itself ? result : theirs },
                       .outputs = { output, itself ? output : their_output },
                       .n_outputs = itself || n == n_theirs ? n : 0 };
  g_autoptr (EngTruth) truth = eng_truths_find (self->truths, sample, result, error);
  if (truth == NULL)
    return FALSE;
  eng_truth_fill (truth, &scored);
  scored.group = group_of (self, truth);
  self->n_unlabelled += !truth->is_known;
  self->n++;
  eng_scores_add (self->pass->scores, &scored);
  self->pass->evaluation->n_samples++;
  return TRUE;
}

static gboolean
do_sample (Inputs *self, const EngSample *sample, GError **error)
{
  g_autofree char *base = g_path_get_basename (sample->name);
  g_autoptr (GError) local = NULL;

  if (eng_truths_is_truth (self->truths, sample->name))
    return TRUE;
  g_autoptr (EngInput) input = eng_input_from_bytes (sample->bytes, base, &local);
  if (input == NULL) /* a licence beside the samples, or the network itself */
    {
      if (self->n_unreadable++ == 0)
        self->unreadable = g_strdup_printf ("%s: %s", sample->name, local->message);
      return TRUE;
    }
  return make_runs (self, eng_input_get_kind (input), error)
         && run_sample (self, sample, input, error);
}

static gboolean
do_all (Inputs *self, EngDataSet *set, GError **error)
{
  guint n = eng_data_set_get_n (set), done = 0;
  g_autoptr (GError) local = NULL;
  EngSample sample;

  while (eng_data_set_next (set, &sample, self->pass->cancellable, &local))
    {
      G_GNUC_UNUSED g_autoptr (GBytes) owned = sample.bytes;
      if (g_cancellable_set_error_if_cancelled (self->pass->cancellable, error))
        return FALSE;
      if (!do_sample (self, &sample, error))
        {
          g_prefix_error (error, "%s: ", sample.name);
          return FALSE;
        }
      done++;
      g_autofree char *stage = g_strdup_printf ("Evaluating: %u of %u samples", done, n);
      if (self->pass->job != NULL)
        eng_job_report (self->pass->job, stage, (double)done / n);
    }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* A set that says nothing of this network is an error when labels are all there is to compare
 * with. */
static gboolean
check (Inputs *self, EngDataSet *set, GError **error)
{
  const char *data = self->pass->options->data;
  EngModel *model = eng_build_get_model (self->pass->build);

  if (self->n == 0)
    g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s has no sample that can be read. %s", data,
                 self->unreadable != NULL ? self->unreadable : "It is empty");
  else if (self->n_unlabelled == self->n && self->pass->baseline == NULL)
    g_set_error (
        error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
        "No label of %s (from %s) is a class of %s. Its network card can name the classes; "
        "without labels agreement with another build can be measured.",
        data, eng_truths_get_source (self->truths), eng_model_get_name (model));
  else
    return TRUE;
  return FALSE;
}

static void
describe (Inputs *self)
{
  EngEvaluation *evaluation = self->pass->evaluation;
  gboolean labelled = self->n_unlabelled < self->n;

  evaluation->title = g_path_get_basename (evaluation->data);
  evaluation->source
      = labelled ? g_strdup_printf ("%u samples, labels from %s", self->n - self->n_unlabelled,
                                    eng_truths_get_source (self->truths))
                 : g_strdup_printf ("%u inputs without labels", self->n);
  if (self->n_unlabelled > 0 && labelled)
    eng_evaluation_note (evaluation,
                         "%u samples have no label of this network: they count for "
                         "agreement only",
                         self->n_unlabelled);
  g_autofree char *note = eng_truths_dup_note (self->truths);
  if (note != NULL)
    eng_evaluation_note (evaluation, "%s", note);
  if (self->n_unreadable > 0)
    eng_evaluation_note (evaluation, "%u files that are no inputs were left out: %s%s",
                         self->n_unreadable, self->unreadable,
                         self->n_unreadable > 1 ? ", ..." : "");
}

/* Of boxes and masks the first groups are the network's classes, in their order. */
static void
add_classes (Inputs *self)
{
  EngTruthKind kind = eng_truths_get_kind (self->truths);
  const char *const *classes = eng_truths_get_classes (self->truths);

  if (kind != ENG_TRUTH_BOXES && kind != ENG_TRUTH_MASKS)
    return;
  for (guint i = 0; classes != NULL && classes[i] != NULL; i++)
    {
      /* Two classes of one name are still two. */
      guint group = eng_scores_group (self->pass->scores, classes[i]);
      g_autofree char *other = g_strdup_printf ("%s (class %u)", classes[i], i);
      if (group != i)
        eng_scores_group (self->pass->scores, other);
    }
}

gboolean
eng_eval_pass_inputs (EngEvalPass *pass, GError **error)
{
  EngModel *model = eng_build_get_model (pass->build);
  const char *listened[2] = { NULL, NULL };
  const char *const *classes = find_classes (model, listened);
  Inputs self = { .pass = pass, .listens = listened[0] != NULL };
  const char *path = pass->options->data;
  g_autoptr (EngDataSet) set = eng_data_set_open (path, classes, pass->cancellable, error);

  if (set == NULL)
    return FALSE;
  self.truths = eng_truths_open (path, set, model, classes, self.listens, error);
  if (self.truths == NULL)
    return FALSE;
  pass->scores = eng_scores_new (model, eng_truths_get_kind (self.truths), pass->options->metrics,
                                 pass->baseline != NULL, error);
  rt_exec_set_tracing (eng_build_get_exec (pass->build), false);
  if (pass->scores != NULL)
    add_classes (&self);
  gboolean ok = pass->scores != NULL && do_all (&self, set, error) && check (&self, set, error);
  if (ok)
    {
      describe (&self);
      eng_scores_finish (pass->scores, pass->evaluation, "class");
    }
  eng_task_run_free (self.runs[0]);
  eng_task_run_free (self.runs[1]);
  eng_truths_free (self.truths);
  g_free (self.unreadable);
  return ok;
}
