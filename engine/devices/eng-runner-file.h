/* The runners that this program brings along: one static program for each sort of board. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  char *path;   /* on this computer: ".../lathe-runner-aarch64" */
  char *name;   /* on a board: "lathe-runner-1f2e3d4c5b6a", by its content */
  char *sha256; /* hexadecimal */
  guint64 n_bytes;
} EngRunnerFile;

void eng_runner_file_free (EngRunnerFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngRunnerFile, eng_runner_file_free)

/* The runner for a board whose "uname -m" says @machine (eng-runners.h says where it is looked
 * for), read whole (2 MB). */
EngRunnerFile *eng_runner_file_find (const char *machine, GError **error);

G_END_DECLS
