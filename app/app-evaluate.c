/* The worker behind "Evaluate…". Called by the window, which owns the job. */
#include "app-evaluate.h"

#include "eval/eng-evaluate.h"

typedef struct
{
  EngBuild *build;
  char *set, *against;
  EngHistory *history;
  EngJob *job;
  AppEvaluateDone done;
  gpointer user_data;
} Evaluate;

static void
evaluate_free (gpointer data)
{
  Evaluate *evaluate = data;

  g_object_unref (evaluate->build);
  g_free (evaluate->set);
  g_free (evaluate->against);
  g_clear_object (&evaluate->history);
  g_object_unref (evaluate->job);
  g_free (evaluate);
}

gboolean
app_evaluate_is_possible (EngModel *model)
{
  if (model == NULL)
    return FALSE;
  return eng_model_get_kind (model) == ENG_MODEL_NETWORK ? eng_model_get_report (model)[0] == NULL
                                                         : eng_model_get_tokenizer (model) != NULL;
}

static void
evaluate_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Evaluate *evaluate = data;
  GError *error = NULL;
  g_autofree char *words
      = evaluate->against != NULL ? g_path_get_basename (evaluate->against) : NULL;
  EngEvalOptions options = { .data = evaluate->set, .against = words };
  g_autoptr (EngBuild) baseline
      = evaluate->against != NULL
            ? eng_evaluate_load_baseline (evaluate->build, evaluate->against, evaluate->job, &error)
            : eng_evaluate_make_baseline (evaluate->build, evaluate->job, &error);
  EngRun *run = baseline != NULL
                    ? eng_run_evaluate (evaluate->build, baseline, &options, evaluate->job, &error)
                    : NULL;

  if (run != NULL && evaluate->history != NULL && !eng_history_add (evaluate->history, run, &error))
    g_clear_object (&run);
  if (run != NULL)
    g_task_return_pointer (task, run, g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
on_evaluated (GObject *source, GAsyncResult *result, gpointer data)
{
  Evaluate *evaluate = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRun) run = g_task_propagate_pointer (G_TASK (result), &error);

  eng_job_finish (evaluate->job);
  evaluate->done (run, error, evaluate->user_data);
}

void
app_evaluate_start (EngBuild *build, const char *set, const char *against, EngHistory *history,
                    EngJob *job, AppEvaluateDone done, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, eng_job_get_cancellable (job), on_evaluated, NULL);
  Evaluate *evaluate = g_new0 (Evaluate, 1);

  g_return_if_fail (ENG_IS_BUILD (build) && set != NULL && ENG_IS_JOB (job) && done != NULL);

  evaluate->build = g_object_ref (build);
  evaluate->set = g_strdup (set);
  evaluate->against = g_strdup (against);
  evaluate->history = history != NULL ? g_object_ref (history) : NULL;
  evaluate->job = g_object_ref (job);
  evaluate->done = done;
  evaluate->user_data = user_data;
  g_task_set_source_tag (task, app_evaluate_start);
  g_task_set_task_data (task, evaluate, evaluate_free);
  g_task_set_check_cancellable (task, FALSE); /* the worker's own words say how far it came */
  g_task_run_in_thread (task, evaluate_thread);
}
