#include "eng-test.h"

#include <glib/gstdio.h>

static char *
source_path (const char *name)
{
  const char *root = g_getenv ("LATHE_SOURCE_ROOT");
  g_assert_nonnull (root);
  return g_build_filename (root, name, NULL);
}

char *
eng_test_default_model (void)
{
  return source_path ("data/default-model/lathe-default-f16.gguf");
}

char *
eng_test_data_or_skip (const char *name)
{
  const char *data = g_getenv ("LATHE_TEST_DATA");
  g_autofree char *folder
      = data != NULL && data[0] != '\0' ? g_strdup (data) : source_path ("../shared/models");
  g_autofree char *path = g_build_filename (folder, name, NULL);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&path);
  g_autofree char *reason
      = g_strdup_printf ("%s is not there; LATHE_TEST_DATA names the folder of test models", path);
  g_test_skip (reason);
  return NULL;
}

char *
eng_test_stories_or_skip (void)
{
  return eng_test_data_or_skip ("llm/stories260K-f32.gguf");
}

EngModel *
eng_test_load (const char *path)
{
  g_autoptr (GError) error = NULL;
  EngModel *model = eng_model_load (path, NULL, &error);
  g_assert_no_error (error);
  return model;
}

EngRecipe *
eng_test_recipe (const char *techniques)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *json = g_strdup_printf ("{\"lathe-recipe\": 1, \"techniques\": %s}", techniques);
  EngRecipe *recipe = eng_recipe_from_json (json, &error);
  g_assert_no_error (error);
  return recipe;
}

EngBuild *
eng_test_build (EngModel *model, const char *techniques, EngBuild *reuse)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) recipe = eng_test_recipe (techniques);
  EngBuild *build = eng_build_new (model, recipe, reuse, NULL, &error);
  g_assert_no_error (error);
  return build;
}

float *
eng_test_logits (EngBuild *build, const gint32 *tokens, guint n)
{
  RtExec *exec = eng_build_get_exec (build);
  RtError error = { 0 };

  rt_kv_set_n_used (rt_exec_kv (exec), 0);
  gboolean ok = rt_exec_run (exec, tokens, n, 1, RT_PHASE_PREFILL, &error);
  g_assert_cmpstr (error.message, ==, "");
  g_assert_true (ok);
  return g_memdup2 (rt_exec_logits (exec, 0), rt_exec_n_vocab (exec) * sizeof (float));
}

char *
eng_test_directory (void)
{
  g_autoptr (GError) error = NULL;
  char *directory = g_dir_make_tmp ("lathe-test-XXXXXX", &error);
  g_assert_no_error (error);
  return directory;
}

void
eng_test_remove (char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);
      g_unlink (path);
    }
  g_rmdir (directory);
  g_free (directory);
}
