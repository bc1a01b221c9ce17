/* Where data/fetch-models puts the models that are too big for the repository. */
#pragma once

#include <glib.h>

static inline char *
dup_models_folder (void)
{
  const char *folder = g_getenv ("LATHE_MODELS");

  return folder && *folder ? g_strdup (folder)
                           : g_build_filename (g_get_user_data_dir (), "lathe", "models", NULL);
}

/* The file @name in there, or NULL after marking the test as skipped with the reason. */
static inline char *
dup_model_or_skip (const char *name)
{
  g_autofree char *folder = dup_models_folder ();
  g_autofree char *path = g_build_filename (folder, name, NULL);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&path);
  g_autofree char *reason
      = g_strdup_printf ("%s is not there; get it with data/fetch-models (LATHE_MODELS names "
                         "another folder)",
                         path);
  g_test_skip (reason);
  return NULL;
}
