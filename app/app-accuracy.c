/* Evaluations by build, read from the history once and again when it changes. Called by the stage;
 * knows no widgets. */
#include "app-accuracy.h"

struct _AppAccuracy
{
  EngHistory *history;
  gulong changed_id;
  GHashTable *known;      /* id -> AppEvaluation: a run never changes, so each is read once */
  GPtrArray *evaluations; /* of known, newest first; NULL: to be listed */
};

static void
evaluation_free (gpointer data)
{
  AppEvaluation *evaluation = data;

  g_free (evaluation->build_hash);
  g_free (evaluation->set);
  g_free (evaluation->id);
  g_clear_pointer (&evaluation->evaluation, eng_evaluation_unref);
  g_free (evaluation);
}

static void
on_changed (EngHistory *history, gpointer data)
{
  AppAccuracy *self = data;

  g_clear_pointer (&self->evaluations, g_ptr_array_unref);
}

AppAccuracy *
app_accuracy_new (EngHistory *history)
{
  AppAccuracy *self = g_new0 (AppAccuracy, 1);

  self->known = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, evaluation_free);
  if (history != NULL)
    {
      self->history = g_object_ref (history);
      self->changed_id = g_signal_connect (history, "changed", G_CALLBACK (on_changed), self);
    }
  return self;
}

void
app_accuracy_free (AppAccuracy *self)
{
  if (self == NULL)
    return;
  if (self->history != NULL)
    g_signal_handler_disconnect (self->history, self->changed_id);
  g_clear_object (&self->history);
  g_clear_pointer (&self->evaluations, g_ptr_array_unref);
  g_hash_table_unref (self->known);
  g_free (self);
}

/* The set and the evaluation are in the run's own document only. NULL: it is none after all. */
static AppEvaluation *
read_entry (AppAccuracy *self, const EngHistoryEntry *entry)
{
  g_autoptr (EngRun) run = eng_history_get (self->history, entry->id, NULL);
  const EngWorkload *workload = run != NULL ? eng_run_get_workload (run) : NULL;
  AppEvaluation *evaluation;

  if (workload == NULL || !workload->labelled || workload->inputs == NULL
      || workload->inputs[0] == NULL)
    return NULL;
  evaluation = g_new0 (AppEvaluation, 1);
  evaluation->build_hash = g_strdup (entry->build_hash);
  evaluation->set = g_strdup (workload->inputs[0]);
  evaluation->id = g_strdup (entry->id);
  evaluation->time = entry->time;
  if (eng_run_get_evaluation (run) != NULL)
    evaluation->evaluation = eng_evaluation_ref (eng_run_get_evaluation (run));
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    evaluation->figures[id] = eng_run_get_figure (run, id);
  g_hash_table_insert (self->known, evaluation->id, evaluation);
  return evaluation;
}

static gboolean
is_evaluated (const EngHistoryEntry *entry)
{
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    if (eng_figure_id_is_accuracy (id) && entry->figures[id].available)
      return TRUE;
  return FALSE;
}

static void
ensure_read (AppAccuracy *self)
{
  g_autoptr (GPtrArray) entries = NULL;

  if (self->evaluations != NULL)
    return;
  self->evaluations = g_ptr_array_new ();
  if (self->history != NULL)
    entries = eng_history_list (self->history, NULL, NULL);
  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      const EngHistoryEntry *entry = entries->pdata[i];

      AppEvaluation *evaluation
          = is_evaluated (entry) ? g_hash_table_lookup (self->known, entry->id) : NULL;

      if (evaluation == NULL && is_evaluated (entry))
        evaluation = read_entry (self, entry);
      if (evaluation != NULL)
        g_ptr_array_add (self->evaluations, evaluation);
    }
}

/* @build: its hash or its key. */
static gboolean
is_of (const AppEvaluation *evaluation, const char *build)
{
  const char *key
      = evaluation->evaluation != NULL ? eng_evaluation_get_key (evaluation->evaluation) : NULL;

  return build != NULL
         && (g_str_equal (evaluation->build_hash, build)
             || (key != NULL && g_str_equal (key, build)));
}

const AppEvaluation *
app_accuracy_find (AppAccuracy *self, const char *build_hash, const char *set, EngFigureId id)
{
  g_return_val_if_fail (self != NULL && id < ENG_N_FIGURES, NULL);

  ensure_read (self);
  for (guint i = 0; i < self->evaluations->len; i++)
    {
      const AppEvaluation *evaluation = self->evaluations->pdata[i];

      if (is_of (evaluation, build_hash) && evaluation->figures[id].available
          && (set == NULL || g_strcmp0 (evaluation->set, set) == 0))
        return evaluation;
    }
  return NULL;
}

gboolean
app_accuracy_find_pair (AppAccuracy *self, const char *hash_a, const char *hash_b, EngFigureId id,
                        const AppEvaluation **a, const AppEvaluation **b)
{
  g_return_val_if_fail (self != NULL && id < ENG_N_FIGURES, FALSE);

  ensure_read (self);
  for (guint i = 0; i < self->evaluations->len; i++)
    {
      const AppEvaluation *of_b = self->evaluations->pdata[i];

      if (!is_of (of_b, hash_b) || !of_b->figures[id].available)
        continue;
      *a = app_accuracy_find (self, hash_a, of_b->set, id);
      *b = of_b;
      if (*a != NULL)
        return TRUE;
    }
  return FALSE;
}

GPtrArray *
app_accuracy_list (AppAccuracy *self, const char *build_hash)
{
  GPtrArray *list = g_ptr_array_new ();
  g_autoptr (GHashTable) sets = g_hash_table_new (g_str_hash, g_str_equal);

  g_return_val_if_fail (self != NULL, list);

  ensure_read (self);
  for (guint i = 0; i < self->evaluations->len; i++)
    {
      AppEvaluation *evaluation = self->evaluations->pdata[i];

      if (is_of (evaluation, build_hash) && evaluation->evaluation != NULL
          && g_hash_table_add (sets, evaluation->set))
        g_ptr_array_add (list, evaluation);
    }
  return list;
}

void
app_accuracy_forget (AppAccuracy *self)
{
  g_return_if_fail (self != NULL);
  g_clear_pointer (&self->evaluations, g_ptr_array_unref);
}

const char *
app_evaluation_get_title (const AppEvaluation *evaluation)
{
  const char *title
      = evaluation->evaluation != NULL ? eng_evaluation_get_title (evaluation->evaluation) : NULL;

  return title != NULL ? title : evaluation->set;
}
