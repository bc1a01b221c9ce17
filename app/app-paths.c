/* Finding the program's own files, installed or not. Called by the application at start and by
 * tests; must not know of widgets. */
#include "app-paths.h"

#include "app-config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char default_model[] = "default-model/lathe-default-f16.gguf";

gboolean
app_paths_in_build (void)
{
  char exe[4096];
  ssize_t n = readlink ("/proc/self/exe", exe, sizeof exe - 1);

  if (n <= 0)
    return FALSE;
  exe[n] = '\0';
  return g_str_has_prefix (exe, APP_BUILD_ROOT G_DIR_SEPARATOR_S);
}

static char *
find_in (const char *dir, const char *name)
{
  g_autofree char *path = NULL;

  if (dir == NULL || *dir == '\0')
    return NULL;
  path = g_build_filename (dir, name, NULL);
  return g_file_test (path, G_FILE_TEST_EXISTS) ? g_steal_pointer (&path) : NULL;
}

char *
app_paths_find_data (const char *name)
{
  char *path = find_in (g_getenv ("LATHE_DATADIR"), name);

  g_return_val_if_fail (name != NULL, NULL);

  if (path == NULL && app_paths_in_build ())
    path = find_in (APP_SOURCE_DATADIR, name);
  if (path == NULL)
    path = find_in (APP_DATADIR, name);
  return path;
}

char *
app_paths_find_default_model (void)
{
  return app_paths_find_data (default_model);
}

char *
app_paths_dup_locale_dir (void)
{
  if (app_paths_in_build ())
    return g_build_filename (APP_BUILD_ROOT, "po", NULL);
  return g_strdup (APP_LOCALEDIR);
}
