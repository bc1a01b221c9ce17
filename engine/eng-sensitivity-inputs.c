/* Units of networks: inputs, of one or more steps each. What the network gives is compared number
 * by number; of classifiers the best class, too, and the label where the set has one. */
#include <math.h>
#include <string.h>

#include "data/eng-data-set.h"
#include "eng-error.h"
#include "eng-json.h"
#include "eng-sensitivity-private.h"
#include "tasks/eng-task.h"

#define N_RANDOM 8

typedef struct
{
  EngInput *input;
  int label; /* -1: none */
} Sample;

typedef struct
{
  EngUnits base;
  GArray *samples; /* Sample */
  EngTaskRun *run[2];
  gboolean classifies;
  guint unit;
  GPtrArray *expected; /* GArray of float: outputs of the reference's whole run */
  guint best;
} InputUnits;

static void
sample_clear (gpointer data)
{
  eng_input_unref (((Sample *)data)->input);
}

static void
input_free (EngUnits *units)
{
  InputUnits *self = (InputUnits *)units;
  for (int side = 0; side < 2; side++)
    eng_task_run_free (self->run[side]);
  eng_layer_pair_free (self->base.pair);
  g_strfreev (self->base.names);
  g_free (self->base.title);
  g_array_unref (self->samples);
  g_ptr_array_unref (self->expected);
  g_free (self);
}

static gboolean
input_begin (EngUnits *units, guint unit, guint *n_steps, GError **error)
{
  InputUnits *self = (InputUnits *)units;
  Sample *sample = &g_array_index (self->samples, Sample, unit);

  self->unit = unit;
  for (int side = 0; side < 2; side++)
    if (!eng_task_run_begin (self->run[side], sample->input, error))
      {
        g_prefix_error (error, "%s: ", self->base.names[unit]);
        return FALSE;
      }
  *n_steps = self->run[0]->n_steps;
  return TRUE;
}

static gboolean
input_feed (EngUnits *units, guint step, GError **error)
{
  InputUnits *self = (InputUnits *)units;
  for (int side = 0; side < 2; side++)
    eng_task_run_feed (self->run[side], step);
  return TRUE;
}

static gboolean
input_run (EngUnits *units, EngSide side, RtError *error)
{
  return eng_task_run_infer (((InputUnits *)units)->run[side], error);
}

static guint
best_of (const float *values, gsize n)
{
  guint best = 0;
  for (gsize i = 1; i < n; i++)
    if (values[i] > values[best])
      best = (guint)i;
  return best;
}

/* Of classifiers: right or wrong, once an input (they have one step). */
static void
score_class (InputUnits *self, guint best, double *loss)
{
  int label = g_array_index (self->samples, Sample, self->unit).label;
  if (label >= 0)
    *loss += (int)best != label;
}

static void
input_score_reference (EngUnits *units, EngLayerUnit *record)
{
  InputUnits *self = (InputUnits *)units;

  g_ptr_array_set_size (self->expected, 0);
  for (guint i = 0; i < self->run[0]->n_outputs; i++)
    {
      gsize n;
      g_autofree float *values = eng_task_dup_output (self->run[0], i, &n, NULL);
      GArray *copy = g_array_new (FALSE, FALSE, sizeof (float));
      g_array_append_vals (copy, values, (guint)n);
      g_ptr_array_add (self->expected, copy);
      eng_error_sums_add (&record->outputs, values, values, n);
      if (i == 0 && self->classifies)
        self->best = best_of (values, n);
    }
  if (!self->classifies)
    return;
  int label = g_array_index (self->samples, Sample, self->unit).label;
  record->n_scored += 1;
  record->n_labelled += label >= 0;
  record->n_agree += 1;
  score_class (self, self->best, &record->reference_loss);
  score_class (self, self->best, &record->loss);
}

static void
input_score (EngUnits *units, EngSide side, EngLayerUnit *record)
{
  InputUnits *self = (InputUnits *)units;

  for (guint i = 0; i < self->run[side]->n_outputs && i < self->expected->len; i++)
    {
      gsize n;
      GArray *expected = self->expected->pdata[i];
      g_autofree float *values = eng_task_dup_output (self->run[side], i, &n, NULL);
      eng_error_sums_add (&record->outputs, (const float *)expected->data, values,
                          MIN (n, expected->len));
      if (i > 0 || !self->classifies)
        continue;
      guint best = best_of (values, n);
      record->n_agree += best == self->best;
      score_class (self, best, &record->loss);
    }
}

static const EngUnitsClass input_class = { .free = input_free,
                                           .begin = input_begin,
                                           .feed = input_feed,
                                           .run = input_run,
                                           .score_reference = input_score_reference,
                                           .score = input_score };

/* ---- inputs ---- */

static const char *const *
class_names (EngModel *model)
{
  const EngImported *imported = eng_model_get_imported (model);
  if (imported == NULL || imported->n_outputs == 0)
    return NULL;
  guint64 n = rt_shape_n (&rt_graph_value (imported->graph, imported->outputs[0].value)->shape);
  return n < G_MAXINT ? eng_card_get_labels (eng_model_get_card (model), (guint)n) : NULL;
}

static void
add_sample (InputUnits *self, GPtrArray *names, EngInput *input, int label, const char *name)
{
  Sample sample = { input, label };
  g_array_append_val (self->samples, sample);
  g_ptr_array_add (names, g_strdup (name));
}

static gboolean
read_set (InputUnits *self, EngModel *model, const char *path, guint n_wanted, GPtrArray *names,
          GCancellable *cancellable, GError **error)
{
  g_autoptr (EngDataSet) set = eng_data_set_open (path, class_names (model), cancellable, error);
  g_autoptr (GError) local = NULL;
  EngSample sample;

  if (set == NULL)
    return FALSE;
  guint n = eng_data_set_get_n (set);
  n_wanted = MIN (n, n_wanted);
  for (guint i = 0; eng_data_set_next (set, &sample, cancellable, &local); i++)
    {
      g_autoptr (GBytes) bytes = sample.bytes;
      /* Evenly over the set: sets are often sorted by class. */
      if ((guint64)(i + 1) * n_wanted / n == (guint64)i * n_wanted / n)
        continue;
      g_autofree char *base = g_path_get_basename (sample.name);
      EngInput *input = eng_input_from_bytes (bytes, base, NULL);
      if (input != NULL) /* else a licence beside the samples */
        add_sample (self, names, input, sample.index, sample.name);
    }
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else if (self->samples->len == 0)
    g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND, "%s holds no inputs that can be read.",
                 path);
  return self->samples->len > 0 && *error == NULL;
}

static gboolean
read_inputs (InputUnits *self, EngModel *model, const EngSensitivityConfig *config,
             GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) local = NULL;
  guint n_wanted = config->n_inputs > 0 ? config->n_inputs : ENG_SENSITIVITY_INPUTS;
  g_autofree char *title = config->inputs != NULL ? g_path_get_basename (config->inputs) : NULL;

  if (config->inputs == NULL)
    for (guint i = 0; i < MIN (n_wanted, N_RANDOM); i++)
      {
        g_autofree char *name = g_strdup_printf ("random-%u", i);
        add_sample (self, names, eng_input_new_random (i + 1), -1, name);
      }
  else if (!read_set (self, model, config->inputs, n_wanted, names, cancellable, &local))
    {
      /* Not a set: one file. */
      EngInput *input = g_file_test (config->inputs, G_FILE_TEST_IS_REGULAR)
                            ? eng_input_load (config->inputs, cancellable, NULL)
                            : NULL;
      if (input == NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      g_array_set_size (self->samples, 0);
      g_ptr_array_set_size (names, 0);
      add_sample (self, names, input, -1, title);
    }
  self->base.n = self->samples->len;
  g_ptr_array_add (names, NULL);
  g_ptr_array_set_free_func (names, NULL);
  self->base.names = (char **)g_ptr_array_free (g_steal_pointer (&names), FALSE);
  self->base.title = title != NULL ? g_strdup_printf ("%u input%s of %s", self->base.n,
                                                      self->base.n == 1 ? "" : "s", title)
                                   : g_strdup_printf ("%u random inputs", self->base.n);
  return TRUE;
}

/* ---- making ---- */

/* Another file is of the same network when it gives the same numbers of numbers; layers are looked
 * at one by one. */
static gboolean
check_outputs (InputUnits *self, GError **error)
{
  gboolean same = self->run[0]->n_outputs == self->run[1]->n_outputs;

  for (guint i = 0; same && i < self->run[0]->n_outputs; i++)
    same = rt_shape_n (&rt_graph_value (self->run[0]->graph, self->run[0]->outputs[i])->shape)
           == rt_shape_n (&rt_graph_value (self->run[1]->graph, self->run[1]->outputs[i])->shape);
  if (!same)
    g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                 "%s and %s are not the same network: their outputs differ in number or size.",
                 eng_model_get_path (self->run[0]->model),
                 eng_model_get_path (self->run[1]->model));
  return same;
}

static gboolean
make_runs (InputUnits *self, EngBuild *reference, EngBuild *changed, int watched, RtPool *pool,
           GError **error)
{
  EngInputKind kind = eng_input_get_kind (g_array_index (self->samples, Sample, 0).input);
  EngBuild *builds[2] = { reference, changed };

  for (int side = 0; side < 2; side++)
    {
      self->run[side] = eng_task_run_new (builds[side], kind, error);
      if (self->run[side] == NULL)
        return FALSE;
    }
  if (!check_outputs (self, error))
    return FALSE;
  self->base.pair = eng_layer_pair_new (self->run[0]->build, self->run[1]->build, 0,
                                        ENG_PAIR_LAYERS, watched, pool, error);
  if (self->base.pair == NULL)
    return FALSE;
  for (int side = 0; side < 2; side++)
    self->run[side]->exec = eng_layer_pair_get_exec (self->base.pair, side);
  self->classifies
      = strcmp (eng_card_get_task (eng_model_get_card (eng_build_get_model (reference))),
                "classify")
        == 0;
  return TRUE;
}

EngUnits *
eng_input_units_new (EngModel *model, const EngSensitivityConfig *config, EngBuild *reference,
                     EngBuild *changed, int watched, RtPool *pool, EngJob *job, GError **error)
{
  InputUnits *self = g_new0 (InputUnits, 1);
  self->base.class = &input_class;
  self->base.pool = pool;
  self->samples = g_array_new (FALSE, FALSE, sizeof (Sample));
  g_array_set_clear_func (self->samples, sample_clear);
  self->expected = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);
  if (!read_inputs (self, model, config, job != NULL ? eng_job_get_cancellable (job) : NULL, error)
      || (reference != NULL && !make_runs (self, reference, changed, watched, pool, error)))
    {
      input_free (&self->base);
      return NULL;
    }
  return &self->base;
}
