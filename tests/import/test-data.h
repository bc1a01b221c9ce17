/* Files of the test data that does not come with the source: LATHE_TEST_DATA, by default the folder
 * ../shared/models beside the source's. */
#pragma once

#include <glib.h>

static inline char *
dup_test_data_folder (void)
{
  const char *folder = g_getenv ("LATHE_TEST_DATA");
  const char *source = g_getenv ("LATHE_SOURCE_ROOT");

  if (folder && *folder)
    return g_strdup (folder);
  return g_build_filename (source ? source : ".", "..", "shared", "models", NULL);
}

/* The file @name in there, or NULL when it is absent. */
static inline char *
dup_test_data (const char *name)
{
  g_autofree char *folder = dup_test_data_folder ();
  g_autofree char *path = g_build_filename (folder, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS) ? g_steal_pointer (&path) : NULL;
}

/* The file @name in there, or NULL after marking the test as skipped with the reason. */
static inline char *
dup_test_data_or_skip (const char *name)
{
  char *path = dup_test_data (name);

  if (!path)
    {
      g_autofree char *folder = dup_test_data_folder ();
      g_autofree char *reason
          = g_strdup_printf ("%s is not in %s (LATHE_TEST_DATA names another folder)", name,
                             folder);
      g_test_skip (reason);
    }
  return path;
}
