/* Opening a network that lies beside another. Called by front ends and tasks for their first
 * input. */
#include "tasks/eng-companion.h"

#include <string.h>

/* Characters that two names begin and end with together. */
static guint
likeness (const char *a, const char *b)
{
  gsize n_a = strlen (a), n_b = strlen (b), n = MIN (n_a, n_b);
  guint front = 0, back = 0;
  while (front < n && a[front] == b[front])
    front++;
  while (back < n - front && a[n_a - 1 - back] == b[n_b - 1 - back])
    back++;
  return front + back;
}

/* Of several the one whose name is most like the network's: model_quant_2 for model_quant_1, the
 * full detector for the full network; then the first. */
static char *
find_beside (EngModel *model, const char *const *names)
{
  g_autofree char *folder = g_path_get_dirname (eng_model_get_path (model));
  g_autofree char *own = g_path_get_basename (eng_model_get_path (model));
  char *best = NULL;
  guint best_likeness = 0;

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);
      guint like = likeness (own, names[i]);
      if (strchr (names[i], '/') != NULL || !g_file_test (path, G_FILE_TEST_IS_REGULAR)
          || (best != NULL && like <= best_likeness))
        continue;
      g_free (best);
      best = g_steal_pointer (&path);
      best_likeness = like;
    }
  return best;
}

EngTaskRun *
eng_companion_new (EngModel *model, const char *const *names, EngInputKind kind, GError **error)
{
  g_autofree char *path = find_beside (model, names);
  if (path == NULL)
    return NULL;
  g_autoptr (EngRecipe) defaults = eng_recipe_new ();
  g_autoptr (EngRecipe) recipe
      = eng_recipe_with (defaults, "threads", "count", NULL, g_variant_new_int64 (1), error);
  g_autoptr (EngModel) second = recipe != NULL ? eng_model_load (path, NULL, error) : NULL;
  g_autoptr (EngBuild) build
      = second != NULL ? eng_build_new (second, recipe, NULL, NULL, error) : NULL;
  EngTaskRun *run = build != NULL ? eng_task_run_new (build, kind, error) : NULL;
  if (run == NULL)
    g_prefix_error (error, "%s, beside the network: ", path);
  return run;
}
