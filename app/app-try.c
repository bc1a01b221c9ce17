/* A single inference on a worker, so that a picture gets its boxes when it is chosen. Called by the
 * network view; what is measured goes through the session instead. */
#include "app-try.h"

#include "tasks/eng-task.h"

typedef struct
{
  EngBuild *build;
  EngInput *input;
} Try;

static void
try_free (gpointer data)
{
  Try *try = data;

  g_object_unref (try->build);
  eng_input_unref (try->input);
  g_free (try);
}

static void
try_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Try *try = data;
  GError *error = NULL;
  g_autoptr (EngTaskRun) run
      = eng_task_run_new (try->build, eng_input_get_kind (try->input), &error);
  EngResult *result = run != NULL ? eng_task_run_all (run, try->input, &error) : NULL;

  if (result != NULL)
    g_task_return_pointer (task, result, (GDestroyNotify)eng_result_unref);
  else
    g_task_return_error (task, error);
}

void
app_try_async (EngBuild *build, EngInput *input, GCancellable *cancellable,
               GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = NULL;
  Try *try;

  g_return_if_fail (ENG_IS_BUILD (build) && input != NULL);

  try = g_new0 (Try, 1);
  try->build = g_object_ref (build);
  try->input = eng_input_ref (input);
  task = g_task_new (NULL, cancellable, callback, data);
  g_task_set_source_tag (task, app_try_async);
  g_task_set_task_data (task, try, try_free);
  g_task_run_in_thread (task, try_thread);
}

EngResult *
app_try_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
