/* Runs a fuzz target over files, so that the committed corpus is an ordinary test with any
 * compiler.
 *
 *   fuzz-NAME CORPUS-FOLDER-OR-FILE...
 *
 * Prints TAP. A file called good-* must be accepted, one called bad-* refused; the rest only must
 * not crash. With -Dfuzz=true libFuzzer brings its own main instead. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

bool fuzz_accepted;

static int n_files, n_failed;

static void
run_file (const char *path)
{
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *bytes = NULL;
  g_autoptr (GError) error = NULL;
  gsize n = 0;

  n_files++;
  if (!g_file_get_contents (path, &bytes, &n, &error))
    {
      printf ("not ok %d %s: %s\n", n_files, name, error->message);
      n_failed++;
      return;
    }
  fuzz_accepted = false;
  LLVMFuzzerTestOneInput ((const uint8_t *)bytes, n);

  bool wrong = (g_str_has_prefix (name, "good-") && !fuzz_accepted)
               || (g_str_has_prefix (name, "bad-") && fuzz_accepted);
  printf ("%sok %d %s%s\n", wrong ? "not " : "", n_files, name,
          wrong ? fuzz_accepted ? " was accepted" : " was refused" : "");
  fflush (stdout);
  n_failed += wrong;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static void
run_folder (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (folder && (name = g_dir_read_name (folder)))
    g_ptr_array_add (names, g_build_filename (path, name, NULL));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    run_file (names->pdata[i]);
}

int
main (int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    if (g_file_test (argv[i], G_FILE_TEST_IS_DIR))
      run_folder (argv[i]);
    else
      run_file (argv[i]);
  printf ("1..%d\n", n_files);
  return n_failed > 0 || n_files == 0;
}
