/* Asking a technique for its verdict without holding the window up. Called by the layer's section
 * of the recipe pane; knows no widget and no technique by name. */
#include "app-layer-verdict.h"

typedef struct
{
  const EngTechnique *technique;
  EngModel *model;
  EngRecipe *recipe;
  EngRun *run; /* NULL: the recipe was not run */
  int layer;
} Question;

static void
question_free (gpointer data)
{
  Question *q = data;

  g_object_unref (q->model);
  eng_recipe_unref (q->recipe);
  g_clear_object (&q->run);
  g_free (q);
}

static void
answer (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Question *q = data;

  if (g_task_return_error_if_cancelled (task))
    return;
  g_task_return_pointer (task, q->technique->verdict (q->model, q->recipe, q->run, q->layer),
                         g_free);
}

void
app_layer_verdict_async (AppStage *stage, EngRecipe *recipe, const EngTechnique *technique,
                         int layer, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  EngSession *session = app_stage_get_session (stage);
  EngModel *model = eng_session_get_model (session);
  EngRun *run = app_stage_is_reopened (stage) ? NULL : eng_session_get_run (session);
  g_autoptr (GTask) task = g_task_new (stage, cancellable, callback, user_data);
  Question *q;

  g_task_set_source_tag (task, app_layer_verdict_async);
  if (model == NULL || technique->verdict == NULL)
    {
      g_task_return_pointer (task, NULL, NULL);
      return;
    }
  q = g_new0 (Question, 1);
  q->technique = technique;
  q->model = g_object_ref (model);
  q->recipe = eng_recipe_ref (recipe);
  q->layer = layer;
  if (run != NULL && eng_recipe_equal (eng_run_get_recipe (run), recipe))
    q->run = g_object_ref (run);
  g_task_set_task_data (task, q, question_free);
  g_task_run_in_thread (task, answer);
}

char *
app_layer_verdict_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
