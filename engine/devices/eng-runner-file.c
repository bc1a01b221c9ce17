/* The runner for a board as a file that can be pushed: called by its content, so that a board that
 * has it is not sent it again. */
#include "eng-runner-file.h"

#include "eng-runners.h"

void
eng_runner_file_free (EngRunnerFile *file)
{
  if (file == NULL)
    return;
  g_free (file->path);
  g_free (file->name);
  g_free (file->sha256);
  g_free (file);
}

EngRunnerFile *
eng_runner_file_find (const char *machine, GError **error)
{
  g_return_val_if_fail (machine != NULL, NULL);

  g_autofree char *path = eng_runner_find (machine, error);
  g_autofree char *bytes = NULL;
  gsize n_bytes;

  if (path == NULL || !g_file_get_contents (path, &bytes, &n_bytes, error))
    return NULL;
  EngRunnerFile *file = g_new0 (EngRunnerFile, 1);
  file->path = g_steal_pointer (&path);
  file->n_bytes = n_bytes;
  file->sha256 = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *)bytes, n_bytes);
  file->name = g_strdup_printf ("lathe-runner-%.12s", file->sha256);
  return file;
}
