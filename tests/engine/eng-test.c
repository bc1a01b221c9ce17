#include "eng-test.h"

#include "eng-technique.h"
#include "eval/eng-evaluate.h"
#include "eval/eng-text-set.h"
#include "../test-tree.h"

#include <math.h>
#include <stdlib.h>

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

EngModel *
eng_test_load_default (void)
{
  g_autofree char *path = eng_test_default_model ();
  return eng_test_load (path);
}

void
eng_test_add_judgement (const char *path, GTestFunc test)
{
#ifndef __SANITIZE_ADDRESS__
  g_test_add_func (path, test);
#endif
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

void
eng_test_fill_tokens (gint32 *tokens, guint n)
{
  for (guint i = 0; i < n; i++)
    tokens[i] = (gint32)((i * 37 + i * i * 11 + 5) % 400);
}

double
eng_test_relative_error (const float *got, const float *exact, guint n)
{
  double difference = 0, size = 0;

  for (guint i = 0; i < n; i++)
    {
      difference += pow ((double)got[i] - (double)exact[i], 2);
      size += pow ((double)exact[i], 2);
    }
  return sqrt (difference / size);
}

double
eng_test_perplexity (EngModel *model, const char *techniques, guint n_tokens)
{
  g_autoptr (EngBuild) build = eng_test_build (model, techniques, NULL);
  const char *const metrics[] = { "perplexity", NULL };
  EngEvalOptions options = { .data = ENG_BUNDLED_TEXTS, .metrics = metrics, .n_tokens = n_tokens };
  g_autoptr (GError) error = NULL;
  g_autoptr (EngEvaluation) evaluation = eng_evaluate (build, NULL, &options, NULL, &error);

  g_assert_no_error (error);
  return eng_evaluation_find_metric (evaluation, "perplexity")->whole.value.value;
}

EngRecipe *
eng_test_round_trip (EngRecipe *recipe)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *json = eng_recipe_to_json (recipe);
  EngRecipe *again = eng_recipe_from_json (json, &error);

  g_assert_no_error (error);
  g_assert_true (eng_recipe_equal (recipe, again));
  return again;
}

void
eng_test_check_hashes (EngModel *model, const char *techniques, const char *others)
{
  g_autoptr (EngBuild) a = eng_test_build (model, techniques, NULL);
  g_autoptr (EngBuild) b = eng_test_build (model, techniques, NULL);
  g_autoptr (EngBuild) c = eng_test_build (model, others, NULL);

  g_assert_cmpstr (eng_build_get_hash (a), ==, eng_build_get_hash (b));
  g_assert_cmpstr (eng_build_get_hash (a), !=, eng_build_get_hash (c));
}

void
eng_test_check_refusal (const char *technique, const char *file, const char *why)
{
  g_autofree char *path = eng_test_data_or_skip (file);

  if (path == NULL)
    return;
  g_autoptr (EngModel) network = eng_test_load (path);
  g_autofree char *said = eng_technique_find (technique)->applies (network);
  g_assert_cmpstr (said, ==, why);
}

EngBuild *
eng_test_save_and_open (EngBuild *build, const char *path)
{
  g_autoptr (GError) error = NULL;

  eng_build_save (build, path, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autoptr (EngRecipe) recipe = eng_build_saved_recipe (model, &error);
  g_assert_no_error (error);
  EngBuild *again = eng_build_new (model, recipe, NULL, NULL, &error);
  g_assert_no_error (error);
  return again;
}

char *
eng_test_directory (void)
{
  return test_tree_new ();
}

void
eng_test_remove (char *directory)
{
  test_tree_free (directory);
}

static char *own_cache;

static void
remove_own_cache (void)
{
  eng_test_remove (g_steal_pointer (&own_cache));
}

void
eng_test_use_own_cache (void)
{
  own_cache = eng_test_directory ();
  g_setenv ("XDG_CACHE_HOME", own_cache, TRUE);
  atexit (remove_own_cache);
}
