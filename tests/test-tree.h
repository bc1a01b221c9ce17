/* Folders that tests write for themselves and remove again: recorded trees of /sys and /proc, small
 * data sets. Header alone, GLib alone, for the test programs of every suite. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>

/* A new empty folder; test_tree_free() removes it. */
static inline char *
test_tree_new (void)
{
  g_autoptr (GError) error = NULL;
  char *root = g_dir_make_tmp ("lathe-test-XXXXXX", &error);
  g_assert_no_error (error);
  return root;
}

/* Write @text to the file @path below @root, with the folders that it lies in. By renaming: who
 * reads it meanwhile sees the old or the new text. */
static inline void
test_tree_put (const char *root, const char *path, const char *text)
{
  g_autofree char *full = g_build_filename (root, path, NULL);
  g_autofree char *folder = g_path_get_dirname (full);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_file_set_contents (full, text, -1, &error);
  g_assert_no_error (error);
}

/* Remove the file @path below @root, which is there. */
static inline void
test_tree_drop (const char *root, const char *path)
{
  g_autofree char *full = g_build_filename (root, path, NULL);
  g_assert_cmpint (g_remove (full), ==, 0);
}

/* Remove @path with all that is in it. Links are removed, not followed. */
static inline void
test_tree_remove (const char *path)
{
  /* Files, links and empty folders go at once. */
  if (g_remove (path) == 0 || (errno != ENOTEMPTY && errno != EEXIST))
    return;
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *inner = g_build_filename (path, name, NULL);
      test_tree_remove (inner);
    }
  g_rmdir (path);
}

static inline void
test_tree_free (char *root)
{
  test_tree_remove (root);
  g_free (root);
}
