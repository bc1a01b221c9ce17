/* The folder to take away: generated code, kernels, board support, how to build it. The sources
 * lie in the program itself (mcu.gresource.xml).
 *
 * It is written beside its place and appears there complete, by one rename. MANIFEST.sha256 lists
 * what was written, so that a later export may replace it; a folder in which somebody changed or
 * added something is left alone. */
#include "eng-mcu-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eng-mcu-files.h"
#include "eng-mcu-plan.h"
#include "eng-mcu-text.h"

#define MANIFEST "MANIFEST.sha256"

/* ---- what goes in: a table of name -> bytes ---- */

static void
add_text (GHashTable *files, const char *name, char *text)
{
  g_hash_table_insert (files, g_strdup (name), g_bytes_new_take (text, strlen (text)));
}

static gboolean
add_resources (GHashTable *files, const char *prefix, const char *folder, GError **error)
{
  g_autofree char *path = g_strconcat ("/lathe/mcu/", prefix, NULL);
  g_auto (GStrv) names = g_resource_enumerate_children (eng_mcu_files_get_resource (), path,
                                                        G_RESOURCE_LOOKUP_FLAGS_NONE, error);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autofree char *from = g_strconcat (path, "/", names[i], NULL);
      GBytes *bytes = g_resource_lookup_data (eng_mcu_files_get_resource (), from,
                                              G_RESOURCE_LOOKUP_FLAGS_NONE, error);

      if (bytes == NULL)
        return FALSE;
      g_hash_table_insert (files, g_strconcat (folder, names[i], NULL), bytes);
    }
  return names != NULL;
}

static char *
make_manifest (GHashTable *files)
{
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (files), (GCompareFunc)strcmp);
  GString *text = g_string_new (NULL);

  for (GList *l = names; l != NULL; l = l->next)
    {
      g_autofree char *sum
          = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, g_hash_table_lookup (files, l->data));
      g_string_append_printf (text, "%s  %s\n", sum, (const char *)l->data);
    }
  return g_string_free (text, FALSE);
}

GHashTable *
eng_mcu_folder_files (const EngMcuProgram *program, const EngMcuReport *report, GError **error)
{
  g_autoptr (GHashTable) files
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
  g_autofree char *board = g_strconcat ("boards/", program->board->id, NULL);
  char *c_text = NULL, *h_text = NULL;

  if (!add_resources (files, "kernels", "kernels/", error)
      || !add_resources (files, "boards/common", "board/", error)
      || !add_resources (files, board, "board/", error)
      || !add_resources (files, "licence", "", error))
    return NULL;
  eng_mcu_source_make (program, report, &c_text, &h_text);
  add_text (files, "network.c", c_text);
  add_text (files, "network.h", h_text);
  add_text (files, "CMakeLists.txt", eng_mcu_text_cmake (program, files));
  add_text (files, "toolchain.cmake", eng_mcu_text_toolchain (program));
  add_text (files, "README.md", eng_mcu_text_readme (program, report));

  g_autoptr (JsonNode) json = eng_mcu_report_to_json (report);
  g_autofree char *json_text = eng_json_to_text (json, TRUE);
  add_text (files, "report.json", g_strconcat (json_text, "\n", NULL));
  add_text (files, MANIFEST, make_manifest (files));
  return g_steal_pointer (&files);
}

/* ---- what is there already ---- */

static void
list_files (const char *root, const char *below, GPtrArray *names)
{
  g_autofree char *path = below[0] != '\0' ? g_build_filename (root, below, NULL) : g_strdup (root);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *at
          = below[0] != '\0' ? g_strconcat (below, "/", name, NULL) : g_strdup (name);
      g_autofree char *full = g_build_filename (root, at, NULL);

      if (g_file_test (full, G_FILE_TEST_IS_DIR) && !g_file_test (full, G_FILE_TEST_IS_SYMLINK))
        list_files (root, at, names);
      else
        g_ptr_array_add (names, g_steal_pointer (&at));
    }
}

/* "SUM  NAME" lines as NAME -> SUM. */
static GHashTable *
read_manifest (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, MANIFEST, NULL), *text = NULL;
  GHashTable *sums = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return sums;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (strlen (lines[i]) > 66)
      g_hash_table_insert (sums, g_strdup (lines[i] + 66), g_strndup (lines[i], 64));
  return sums;
}

static gboolean
is_ours (const char *folder, const char *name, GHashTable *sums)
{
  const char *sum = g_hash_table_lookup (sums, name);
  g_autofree char *path = g_build_filename (folder, name, NULL), *bytes = NULL, *got = NULL;
  gsize n;

  if (strcmp (name, MANIFEST) == 0)
    return TRUE;
  if (sum == NULL || !g_file_get_contents (path, &bytes, &n, NULL))
    return FALSE;
  got = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)bytes, n);
  return strcmp (sum, got) == 0;
}

/* Whether all that is in @folder was written by an export. */
static gboolean
may_replace (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) sums = read_manifest (folder);

  if (!g_file_test (folder, G_FILE_TEST_EXISTS))
    return TRUE;
  if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s is a file, not a folder", folder);
      return FALSE;
    }
  list_files (folder, "", names);
  for (guint i = 0; i < names->len; i++)
    if (!is_ours (folder, g_ptr_array_index (names, i), sums))
      {
        g_set_error (error, ENG_ERROR, ENG_ERROR_IO,
                     "%s holds %s, which is not as an export left it, and is not replaced: choose "
                     "another folder or remove it",
                     folder, (const char *)g_ptr_array_index (names, i));
        return FALSE;
      }
  return TRUE;
}

/* ---- writing ---- */

void
eng_mcu_folder_remove (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
        eng_mcu_folder_remove (path);
      else
        g_unlink (path);
    }
  g_rmdir (folder);
}

static gboolean
fail_io (const char *path, int code, GError **error)
{
  g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s cannot be written: %s", path, g_strerror (code));
  return FALSE;
}

static gboolean
write_all (GHashTable *files, const char *folder, EngJob *job, GError **error)
{
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (files), (GCompareFunc)strcmp);
  guint n = 0;

  for (GList *l = names; l != NULL; l = l->next, n++)
    {
      g_autofree char *path = g_build_filename (folder, (const char *)l->data, NULL);
      g_autofree char *parent = g_path_get_dirname (path);
      g_autoptr (GError) own = NULL;
      gsize n_bytes;
      const char *bytes = g_bytes_get_data (g_hash_table_lookup (files, l->data), &n_bytes);

      if (job != NULL)
        {
          if (g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (job), error))
            return FALSE;
          eng_job_report (job, "writing", (double)n / (double)g_hash_table_size (files));
        }
      if (g_mkdir_with_parents (parent, 0777) != 0)
        return fail_io (parent, errno, error);
      if (!g_file_set_contents_full (path, bytes, (gssize)n_bytes, G_FILE_SET_CONTENTS_NONE, 0666,
                                     &own))
        {
          g_set_error_literal (error, ENG_ERROR, ENG_ERROR_IO, own->message);
          return FALSE;
        }
    }
  return TRUE;
}

/* @from, complete, becomes @folder; what was there is removed after. */
static gboolean
put_in_place (const char *from, const char *folder, GError **error)
{
  if (!g_file_test (folder, G_FILE_TEST_EXISTS))
    return g_rename (from, folder) == 0 || fail_io (folder, errno, error);
  if (renameat2 (AT_FDCWD, from, AT_FDCWD, folder, RENAME_EXCHANGE) != 0)
    return fail_io (folder, errno, error);
  eng_mcu_folder_remove (from);
  return TRUE;
}

gboolean
eng_mcu_folder_write (GHashTable *files, const char *folder, EngJob *job, GError **error)
{
  g_autofree char *place = g_canonicalize_filename (folder, NULL);
  g_autofree char *parent = g_path_get_dirname (place), *name = g_path_get_basename (place);
  g_autofree char *template = g_strdup_printf ("%s/.%s.XXXXXX", parent, name);

  if (!may_replace (place, error))
    return FALSE;
  if (g_mkdir_with_parents (parent, 0777) != 0)
    return fail_io (parent, errno, error);
  if (g_mkdtemp_full (template, 0777) == NULL)
    return fail_io (place, errno, error);
  if (write_all (files, template, job, error) && put_in_place (template, place, error))
    return TRUE;
  eng_mcu_folder_remove (template);
  return FALSE;
}

/* ---- export ---- */

gboolean
eng_mcu_export (EngBuild *bare, const char *board, const EngMcuOptions *options, const char *folder,
                const char *run_id, EngMcuReport **report, EngJob *job, GError **error)
{
  g_autoptr (EngMcuReport) own = NULL;
  g_autoptr (GHashTable) files = NULL;
  g_autoptr (EngMcuProgram) program = NULL;

  g_return_val_if_fail (folder != NULL, FALSE);
  if (job != NULL)
    eng_job_report (job, "planning", -1);
  program = eng_mcu_plan_program (bare, board, options, run_id, &own, error);
  if (program == NULL || !eng_mcu_report_check (own, error))
    return FALSE;
  files = eng_mcu_folder_files (program, own, error);
  if (files == NULL || !eng_mcu_folder_write (files, folder, job, error))
    return FALSE;
  if (report != NULL)
    *report = g_steal_pointer (&own);
  return TRUE;
}
