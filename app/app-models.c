/* Finding models on this computer. Called by the model button's worker; must not know of widgets,
 * nor open the files. */
#include "app-models.h"

#include "app-paths.h"

/* A folder of downloads may hold anything: more than this is no list to choose from. */
#define MAX_MODELS 100

static gboolean
has_path (GPtrArray *list, const char *path)
{
  return g_ptr_array_find_with_equal_func (list, path, g_str_equal, NULL);
}

static void
add (GPtrArray *list, const char *path, const char *own)
{
  g_autofree char *whole = g_canonicalize_filename (path, NULL);

  if (list->len < MAX_MODELS && g_strcmp0 (whole, own) != 0 && !has_path (list, whole)
      && g_file_test (whole, G_FILE_TEST_IS_REGULAR))
    g_ptr_array_add (list, g_steal_pointer (&whole));
}

static gboolean
is_gguf (const char *name)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);

  return g_str_has_suffix (lower, ".gguf");
}

static void
add_folder (GPtrArray *list, const char *folder, const char *own)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (is_gguf (name))
      {
        g_autofree char *path = g_build_filename (folder, name, NULL);

        add (list, path, own);
      }
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  g_autofree char *x = g_path_get_basename (*(const char *const *)a);
  g_autofree char *y = g_path_get_basename (*(const char *const *)b);

  return g_ascii_strcasecmp (x, y);
}

GPtrArray *
app_models_list (EngModel *model, const char *const *recent)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *own
      = model != NULL ? g_canonicalize_filename (eng_model_get_path (model), NULL) : NULL;
  g_autofree char *fetched = g_strdup (g_getenv ("LATHE_MODELS"));
  g_autofree char *bundled = app_paths_find_default_model ();

  if (fetched == NULL)
    fetched = g_build_filename (g_get_user_data_dir (), "lathe", "models", NULL);
  add_folder (list, fetched, own);
  if (own != NULL)
    {
      g_autofree char *folder = g_path_get_dirname (own);

      add_folder (list, folder, own);
    }
  if (bundled != NULL)
    add (list, bundled, own);
  for (guint i = 0; recent != NULL && recent[i] != NULL; i++)
    if (is_gguf (recent[i]))
      add (list, recent[i], own);
  g_ptr_array_sort (list, compare_names);
  return list;
}
