/* Finding runners. Called before every contact with a Linux board; knows names and folders, not
 * what is done with the programs. */
#include "eng-runners.h"

#include <elf.h>
#include <string.h>

#include "eng-runners-config.h"

G_DEFINE_QUARK (eng - runner - error, eng_runner_error)

/* Folders above this program's file that may be the root of its build. */
#define MAX_PARENTS 6

typedef struct
{
  const char *machine;
  const char *other; /* what some systems call it; NULL */
  guint16 elf;       /* e_machine */
  const char *cross; /* what its cross compiler is called; NULL: none is needed or known */
} Machine;

static const Machine machines[] = {
  { "x86_64", "amd64", EM_X86_64, NULL },
  { "aarch64", "arm64", EM_AARCH64, ".ci/aarch64-linux-gnu.ini" },
  { "riscv64", NULL, EM_RISCV, ".ci/riscv64-linux-gnu.ini" },
};

static const Machine *
find_machine (const char *machine)
{
  for (guint i = 0; i < G_N_ELEMENTS (machines); i++)
    if (g_str_equal (machine, machines[i].machine) || g_strcmp0 (machine, machines[i].other) == 0)
      return &machines[i];
  return NULL;
}

const char *
eng_runner_machine (const char *machine)
{
  g_return_val_if_fail (machine != NULL, NULL);

  const Machine *known = find_machine (machine);
  return known != NULL ? known->machine : machine;
}

/* A program for @machine. */
static gboolean
fits (const char *path, const Machine *machine)
{
  Elf64_Ehdr header;
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, NULL);
  gsize n = 0;

  return stream != NULL
         && g_input_stream_read_all (G_INPUT_STREAM (stream), &header, sizeof header, &n, NULL,
                                     NULL)
         && n == sizeof header && memcmp (header.e_ident, ELFMAG, SELFMAG) == 0
         && GUINT16_FROM_LE (header.e_machine) == machine->elf;
}

/* Takes @path; NULL when it is not there. */
static char *
take_if_fits (char *path, const Machine *machine)
{
  if (fits (path, machine))
    return path;
  g_free (path);
  return NULL;
}

static char *
find_in_folders (const char *folders, const Machine *machine)
{
  g_auto (GStrv) list = g_strsplit (folders != NULL ? folders : "", G_SEARCHPATH_SEPARATOR_S, -1);
  g_autofree char *name = g_strconcat ("lathe-runner-", machine->machine, NULL);
  char *path = NULL;

  /* Whoever names a folder there knows what is in it. */
  for (guint i = 0; path == NULL && list[i] != NULL; i++)
    {
      g_autofree char *candidate = g_build_filename (list[i], name, NULL);
      if (list[i][0] != '\0' && g_file_test (candidate, G_FILE_TEST_IS_REGULAR))
        path = g_steal_pointer (&candidate);
    }
  return path;
}

/* This program's own build folder; NULL: it is installed. */
static char *
find_build (void)
{
  g_autofree char *folder = g_file_read_link ("/proc/self/exe", NULL);

  for (guint i = 0; folder != NULL && i < MAX_PARENTS; i++)
    {
      g_autofree char *ninja = g_build_filename (folder, "build.ninja", NULL);
      if (g_file_test (ninja, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&folder);
      char *parent = g_path_get_dirname (folder);
      g_free (folder);
      folder = parent;
    }
  return NULL;
}

static char *
find_in_builds (const Machine *machine)
{
  static const char *const beside[] = { "build-", "build-runner-" };
  g_autofree char *build = find_build ();

  if (build == NULL)
    return NULL;
  char *path
      = take_if_fits (g_build_filename (build, "engine", "runner", "lathe-runner", NULL), machine);
  for (guint i = 0; path == NULL && i < G_N_ELEMENTS (beside); i++)
    {
      g_autofree char *name = g_strconcat (beside[i], machine->machine, NULL);
      g_autofree char *around = g_path_get_dirname (build);
      path
          = take_if_fits (g_build_filename (around, name, "engine", "runner", "lathe-runner", NULL),
                          machine);
    }
  return path;
}

char *
eng_runner_remedy (const char *name)
{
  g_return_val_if_fail (name != NULL, NULL);

  const Machine *machine = find_machine (name);
  if (machine == NULL)
    return NULL;
  if (machine->cross == NULL)
    return g_strdup ("ninja -C build engine/runner/lathe-runner");
  return g_strdup_printf ("meson setup build-runner-%s --cross-file %s -Dstudio=false "
                          "-Dtests=false && ninja -C build-runner-%s",
                          machine->machine, machine->cross, machine->machine);
}

char *
eng_runner_find (const char *name, GError **error)
{
  g_return_val_if_fail (name != NULL, NULL);

  const Machine *machine = find_machine (name);
  if (machine == NULL)
    {
      g_set_error (error, ENG_RUNNER_ERROR, ENG_RUNNER_ERROR_UNKNOWN,
                   "There is no runner for boards of type “%s”: there are those for x86_64, "
                   "aarch64 and riscv64",
                   name);
      return NULL;
    }
  char *path = find_in_folders (g_getenv ("LATHE_RUNNERS"), machine);
  if (path == NULL)
    path = find_in_folders (ENG_RUNNERS_FOLDER, machine);
  if (path == NULL)
    path = find_in_builds (machine);
  if (path != NULL)
    return path;
  g_autofree char *remedy = eng_runner_remedy (machine->machine);
  g_set_error (
      error, ENG_RUNNER_ERROR, ENG_RUNNER_ERROR_NOT_BUILT,
      "The runner for %s boards is not built. Build it in the folder of Lathe's sources: %s",
      machine->machine, remedy);
  return NULL;
}
