/* From a folder to an image: the compiler's run, what it complains about, what the linker made, and
 * the cache of images. */
#include <glib/gstdio.h>
#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eng-mcu-elf.h"
#include "eng-mcu-folder.h"
#include "eng-mcu-plan.h"
#include "eng-mcu-text.h"

#define COMPILER "arm-none-eabi-gcc"
#define EMULATOR "qemu-system-arm"
/* Lines of the compiler's complaint that are shown. */
#define MAX_LINES 12

gboolean
eng_mcu_check_tools (gboolean emulator, char **remedy, GError **error)
{
  g_autofree char *compiler = g_find_program_in_path (COMPILER);
  g_autofree char *qemu = g_find_program_in_path (EMULATOR);
  const gboolean no_qemu = emulator && qemu == NULL;

  if (compiler != NULL && !no_qemu)
    return TRUE;
  if (remedy != NULL)
    *remedy = g_strdup_printf ("sudo apt install%s%s", compiler == NULL ? " gcc-arm-none-eabi" : "",
                               no_qemu ? " qemu-system-arm" : "");
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s%s%s %s not installed on this computer",
               compiler == NULL ? "The compiler for microcontrollers (" COMPILER ")" : "",
               compiler == NULL && no_qemu ? " and " : "",
               no_qemu ? "the emulator of the boards (" EMULATOR ")" : "",
               compiler == NULL && no_qemu ? "are" : "is");
  return FALSE;
}

/* ---- compiling ---- */

static void
add_all (GPtrArray *to, char **words)
{
  for (guint i = 0; words[i] != NULL; i++)
    g_ptr_array_add (to, g_strdup (words[i]));
}

static gint
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static void
add_sources (GPtrArray *to, const char *folder, const char *below)
{
  g_autofree char *path = g_build_filename (folder, below, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".c"))
      g_ptr_array_add (names, g_build_filename (path, name, NULL));
  g_ptr_array_sort (names, by_name);
  for (guint i = 0; i < names->len; i++)
    g_ptr_array_add (to, g_strdup (g_ptr_array_index (names, i)));
}

static GStrv
command_line (const EngMcuBoard *board, const char *folder, guint n_nodes, const char *elf)
{
  GPtrArray *line = g_ptr_array_new ();
  g_auto (GStrv) compile = eng_mcu_text_compile_flags (board);
  g_auto (GStrv) link = eng_mcu_text_link_flags (board);

  g_ptr_array_add (line, g_strdup (COMPILER));
  add_all (line, compile);
  /* What is no emulator must not call its times an emulator's. */
  g_ptr_array_add (line, g_strdup_printf ("-DBOARD_EMULATED=%d", board->emulator != NULL));
  g_ptr_array_add (line, g_strdup_printf ("-DBOARD_TRACE_NODES=%u", n_nodes));
  g_ptr_array_add (line, g_strdup_printf ("-I%s", folder));
  g_ptr_array_add (line, g_strdup_printf ("-I%s/kernels", folder));
  g_ptr_array_add (line, g_strdup_printf ("-I%s/board", folder));
  g_ptr_array_add (line, g_strdup_printf ("-L%s/board", folder));
  add_all (line, link);
  add_sources (line, folder, ".");
  add_sources (line, folder, "kernels");
  add_sources (line, folder, "board");
  g_ptr_array_add (line, g_strdup ("-lgcc"));
  g_ptr_array_add (line, g_strdup ("-o"));
  g_ptr_array_add (line, g_strdup (elf));
  g_ptr_array_add (line, NULL);
  return (GStrv)g_ptr_array_free (line, FALSE);
}

/* Errors in front: the first lines of what the compiler says, errors only where there are some. */
static char *
complaint (const char *output)
{
  g_auto (GStrv) lines = g_strsplit (output, "\n", -1);
  GString *text = g_string_new (NULL);
  const gboolean has_errors = strstr (output, "error:") != NULL;
  guint n = 0;

  for (guint i = 0; lines[i] != NULL && n < MAX_LINES; i++)
    if (lines[i][0] != '\0'
        && (!has_errors || strstr (lines[i], "error:") != NULL
            || strstr (lines[i], "undefined reference") != NULL))
      {
        g_string_append_printf (text, "\n  %s", lines[i]);
        n++;
      }
  return g_string_free (text, FALSE);
}

static gboolean
compile (char **line, EngJob *job, GError **error)
{
  GCancellable *cancellable = job != NULL ? eng_job_get_cancellable (job) : NULL;
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_autoptr (GError) own = NULL;
  g_autofree char *output = NULL;

  /* In English, whatever the user's language, so that it can be looked up. */
  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C", TRUE);
  g_autoptr (GSubprocess) process
      = g_subprocess_launcher_spawnv (launcher, (const char *const *)line, &own);
  if (process == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND, "%s cannot be started: %s", line[0],
                   own->message);
      return FALSE;
    }
  if (!g_subprocess_communicate_utf8 (process, NULL, cancellable, &output, NULL, error))
    {
      g_subprocess_force_exit (process);
      g_subprocess_wait (process, NULL, NULL);
      return FALSE;
    }
  if (g_subprocess_get_successful (process))
    return TRUE;
  g_autofree char *lines = complaint (output != NULL ? output : "");
  g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED, "%s could not make the image:%s", line[0],
               lines);
  return FALSE;
}

/* How many layers the exported program has: its own report says. */
static gboolean
count_layers (const char *folder, guint *n, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "report.json", NULL), *text = NULL;
  g_autoptr (GError) own = NULL;

  if (!g_file_get_contents (path, &text, NULL, &own))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s is no exported folder: %s", folder,
                   own->message);
      return FALSE;
    }
  g_autoptr (JsonNode) root = eng_json_parse_object (text, path, error);
  JsonArray *layers
      = root != NULL ? eng_json_get_array (json_node_get_object (root), "layers") : NULL;
  if (layers == NULL)
    {
      if (root != NULL)
        g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s has no layers", path);
      return FALSE;
    }
  *n = json_array_get_length (layers);
  return TRUE;
}

static gboolean
fill_linked (const char *elf, EngMcuReport *report, GError **error)
{
  EngMcuElf sizes;
  EngMcuSize *to = report->sizes;

  if (!eng_mcu_elf_read (elf, &sizes, error))
    return FALSE;
  const guint64 weights = to[ENG_MCU_WEIGHTS].bytes, arena = to[ENG_MCU_ARENA].bytes;
  to[ENG_MCU_CODE]
      = (EngMcuSize){ sizes.flash_bytes - MIN (weights, sizes.flash_bytes), ENG_MCU_LINKED };
  to[ENG_MCU_STATIC]
      = (EngMcuSize){ sizes.data_bytes - MIN (arena, sizes.data_bytes), ENG_MCU_LINKED };
  to[ENG_MCU_STACK] = (EngMcuSize){ sizes.stack_bytes, ENG_MCU_LINKED };
  eng_mcu_report_sum (report, ENG_MCU_LINKED);
  return TRUE;
}

gboolean
eng_mcu_link (const char *folder, const char *board_id, const char *elf, EngMcuReport *report,
              EngJob *job, GError **error)
{
  g_autoptr (EngMcuBoard) board = eng_mcu_board_load (board_id, error);
  g_autofree char *part = g_strconcat (elf, ".part", NULL), *remedy = NULL;
  g_autoptr (GError) own = NULL;
  guint n_nodes;

  if (board == NULL || !count_layers (folder, &n_nodes, error))
    return FALSE;
  if (!eng_mcu_check_tools (FALSE, &remedy, &own))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND, "%s: %s", own->message, remedy);
      return FALSE;
    }
  if (job != NULL)
    eng_job_report (job, "compiling", -1);
  g_auto (GStrv) line = command_line (board, folder, n_nodes, part);
  if (!compile (line, job, error))
    {
      g_unlink (part);
      return FALSE;
    }
  if (g_rename (part, elf) != 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s cannot be written", elf);
      return FALSE;
    }
  return report == NULL || fill_linked (elf, report, error);
}

/* ---- the cache ----
 *
 * One image per generated program: SUM.elf by the sum of the manifest. It is made in a folder of
 * its own beside it, so that two programs may make the same one, and renamed. */

#define KEPT_IMAGES 32
#define WORK_PREFIX "work-"
#define DAY_S (24 * 60 * 60)

static char *
cache_folder (void)
{
  return g_build_filename (g_get_user_cache_dir (), "lathe", "mcu", NULL);
}

static char *
cache_image (GHashTable *files)
{
  g_autofree char *folder = cache_folder ();
  g_autofree char *sum
      = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256,
                                      g_hash_table_lookup (files, "MANIFEST.sha256"));
  g_autofree char *name = g_strconcat (sum, ".elf", NULL);

  return g_build_filename (folder, name, NULL);
}

static gboolean
copy_file (const char *from, const char *to, GError **error)
{
  g_autoptr (GFile) source = g_file_new_for_path (from), target = g_file_new_for_path (to);
  g_autoptr (GError) own = NULL;

  if (g_file_copy (source, target, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, &own))
    return TRUE;
  g_set_error_literal (error, ENG_ERROR, ENG_ERROR_IO, own->message);
  return FALSE;
}

typedef struct
{
  char *path;
  gint64 time_s;
} CacheEntry;

static void
clear_entry (gpointer data)
{
  g_free (((CacheEntry *)data)->path);
}

static gint
by_age (gconstpointer a, gconstpointer b)
{
  const CacheEntry *x = a, *y = b;

  return (x->time_s < y->time_s) - (x->time_s > y->time_s);
}

/* Leave the newest images, and work folders of today: somebody may be at it. */
static void
prune_cache (void)
{
  g_autofree char *folder = cache_folder ();
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GArray) images = g_array_new (FALSE, FALSE, sizeof (CacheEntry));
  const gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  const char *name;

  g_array_set_clear_func (images, clear_entry);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      GStatBuf info;

      if (g_stat (path, &info) != 0)
        continue;
      if (g_str_has_prefix (name, WORK_PREFIX) && now_s - info.st_mtime > DAY_S)
        eng_mcu_folder_remove (path);
      else if (g_str_has_suffix (name, ".elf"))
        {
          const CacheEntry entry = { g_steal_pointer (&path), info.st_mtime };
          g_array_append_val (images, entry);
        }
    }
  g_array_sort (images, by_age);
  for (guint i = KEPT_IMAGES; i < images->len; i++)
    g_unlink (g_array_index (images, CacheEntry, i).path);
}

static gboolean
make_cached (GHashTable *files, const char *board, const char *image, EngJob *job, GError **error)
{
  g_autofree char *folder = cache_folder ();
  g_autofree char *work = g_build_filename (folder, WORK_PREFIX "XXXXXX", NULL);

  if (g_mkdir_with_parents (folder, 0700) != 0 || g_mkdtemp (work) == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s cannot be written", folder);
      return FALSE;
    }
  g_autofree char *source = g_build_filename (work, "source", NULL);
  g_autofree char *elf = g_build_filename (work, "network.elf", NULL);
  gboolean ok = eng_mcu_folder_write (files, source, job, error)
                && eng_mcu_link (source, board, elf, NULL, job, error);
  if (ok && g_rename (elf, image) != 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s cannot be written", image);
      ok = FALSE;
    }
  eng_mcu_folder_remove (work);
  prune_cache ();
  return ok;
}

gboolean
eng_mcu_make_image_at (EngBuild *bare, const char *board, const EngMcuOptions *options,
                       const char *elf, EngMcuReport **report, EngJob *job, GError **error)
{
  g_autoptr (EngMcuReport) own = NULL;
  g_autoptr (EngMcuProgram) program
      = eng_mcu_plan_program (bare, board, options, NULL, &own, error);
  g_autoptr (GHashTable) files = NULL;

  if (program == NULL || !eng_mcu_report_check (own, error))
    return FALSE;
  files = eng_mcu_folder_files (program, own, error);
  if (files == NULL)
    return FALSE;
  g_autofree char *image = cache_image (files);
  if (!g_file_test (image, G_FILE_TEST_EXISTS) && !make_cached (files, board, image, job, error))
    return FALSE;
  if (!fill_linked (image, own, error) || !copy_file (image, elf, error))
    return FALSE;
  if (report != NULL)
    *report = g_steal_pointer (&own);
  return TRUE;
}

EngMcuReport *
eng_mcu_look (EngBuild *bare, const char *board, const EngMcuOptions *options, GError **error)
{
  g_autoptr (EngMcuReport) report = NULL;
  g_autoptr (EngMcuProgram) program
      = eng_mcu_plan_program (bare, board, options, NULL, &report, error);
  g_autoptr (GHashTable) files = NULL;
  g_autofree char *image = NULL;

  if (program == NULL || !eng_mcu_report_fits (report))
    return program != NULL ? g_steal_pointer (&report) : NULL;
  files = eng_mcu_folder_files (program, report, error);
  if (files == NULL)
    return NULL;
  image = cache_image (files);
  if (g_file_test (image, G_FILE_TEST_EXISTS) && !fill_linked (image, report, error))
    return NULL;
  return g_steal_pointer (&report);
}

guint64
eng_mcu_device_ram_limit (EngDevice *device)
{
  const char *text = eng_device_get_setting (device, ENG_MCU_RAM_SETTING);
  guint64 bytes;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT64, &bytes, NULL))
    return 0;
  return bytes;
}

gboolean
eng_mcu_make_image (EngBuild *bare, EngDevice *device, const char *elf, EngMcuReport **report,
                    EngJob *job, GError **error)
{
  const char *name = eng_device_get_setting (device, "board");
  const char *board = eng_mcu_board_find (name != NULL ? name : "", error);
  const EngMcuOptions options = { .ram_limit = eng_mcu_device_ram_limit (device) };

  return board != NULL && eng_mcu_make_image_at (bare, board, &options, elf, report, job, error);
}
