/* Exported folders: what is in them, that the same build gives the same bytes, that a fault on the
 * way leaves nothing half, that they build outside of this program; what is refused, in which
 * words; sizes against formulas and against the toolchain's own. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "eng-error.h"
#include "mcu-test.h"
#include "mcu/eng-mcu-elf.h"
#include "mcu/eng-mcu-preflight.h"

#define KWS "audio/kws/kws_ref_model.tflite"
#define M4 "mps2-an386"

/* ---- helpers ---- */

static void
add_files (GHashTable *files, const char *root, const char *below)
{
  g_autofree char *path = g_build_filename (root, below, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *at = g_build_filename (below, name, NULL);
      g_autofree char *full = g_build_filename (root, at, NULL);
      g_autofree char *bytes = NULL;
      gsize n;

      if (g_file_test (full, G_FILE_TEST_IS_DIR))
        add_files (files, root, at);
      else
        {
          g_assert_true (g_file_get_contents (full, &bytes, &n, NULL));
          g_hash_table_insert (files, g_steal_pointer (&at), g_bytes_new (bytes, n));
        }
    }
}

/* Name -> GBytes of all that lies below @root. */
static GHashTable *
read_tree (const char *root)
{
  GHashTable *files
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);

  add_files (files, root, ".");
  return files;
}

static void
assert_same_trees (GHashTable *a, GHashTable *b)
{
  GHashTableIter iter;
  gpointer name, bytes;

  g_assert_cmpuint (g_hash_table_size (a), ==, g_hash_table_size (b));
  g_hash_table_iter_init (&iter, a);
  while (g_hash_table_iter_next (&iter, &name, &bytes))
    {
      GBytes *other = g_hash_table_lookup (b, name);
      g_test_message ("%s", (const char *)name);
      g_assert_nonnull (other);
      g_assert_true (g_bytes_equal (bytes, other));
    }
}

static guint
count_entries (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* A network and an empty directory with a place in it. */
typedef struct
{
  McuNetwork network;
  char *directory, *folder;
} Fixture;

static gboolean
set_up (Fixture *f)
{
  if (!mcu_network_open (&f->network, KWS, "{}"))
    return FALSE;
  f->directory = eng_test_directory ();
  f->folder = g_build_filename (f->directory, "code", NULL);
  return TRUE;
}

static void
tear_down (Fixture *f)
{
  mcu_network_close (&f->network);
  eng_test_remove (f->directory);
  g_free (f->folder);
}

static gboolean
try_export (Fixture *f, GError **error)
{
  return eng_mcu_export (f->network.bare, M4, NULL, f->folder, "run-7", NULL, NULL, error);
}

static void export(Fixture *f)
{
  g_autoptr (GError) error = NULL;

  try_export (f, &error);
  g_assert_no_error (error);
}

/* ---- the folder ---- */

static void
test_same_bytes (void)
{
  Fixture f, other;
  g_autoptr (GError) error = NULL;

  if (!set_up (&f) || !set_up (&other))
    return;
  export(&f);
  export(&other);
  g_autoptr (GHashTable) a = read_tree (f.folder), b = read_tree (other.folder);
  assert_same_trees (a, b);

  static const char *const needed[]
      = { "./network.c",      "./network.h",       "./kernels/mc.h",       "./board/link.ld",
          "./CMakeLists.txt", "./toolchain.cmake", "./README.md",          "./LICENSE",
          "./report.json",    "./MANIFEST.sha256", "./board/board-start.c" };
  for (guint i = 0; i < G_N_ELEMENTS (needed); i++)
    if (g_hash_table_lookup (a, needed[i]) == NULL)
      g_error ("%s is missing", needed[i]);

  /* Which build and which run it is of. */
  g_autofree char *path = g_build_filename (f.folder, "network.c", NULL), *text = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, eng_build_get_hash (f.network.bare)));
  g_assert_nonnull (strstr (text, "run-7"));
  /* A temporary place, a date or an address would differ from machine to machine. */
  g_assert_null (strstr (text, f.directory));
  tear_down (&f);
  tear_down (&other);
}

static void
test_replaced (void)
{
  Fixture f;

  if (!set_up (&f))
    return;
  export(&f);
  g_autoptr (GHashTable) before = read_tree (f.folder);
  export(&f);
  g_autoptr (GHashTable) after = read_tree (f.folder);
  assert_same_trees (before, after);
  g_assert_cmpuint (count_entries (f.directory), ==, 1);
  tear_down (&f);
}

/* What somebody wrote there is theirs. */
static void
test_kept (void)
{
  static const char *const names[] = { "network.c", "kernels/mine.c", "build/network.elf" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      Fixture f;
      g_autoptr (GError) error = NULL;

      if (!set_up (&f))
        return;
      export(&f);
      g_autofree char *path = g_build_filename (f.folder, names[i], NULL);
      g_autofree char *parent = g_path_get_dirname (path), *text = NULL;
      g_mkdir_with_parents (parent, 0777);
      g_assert_true (g_file_set_contents (path, "mine", -1, NULL));
      g_assert_false (try_export (&f, &error));
      g_assert_error (error, ENG_ERROR, ENG_ERROR_IO);
      g_assert_nonnull (strstr (error->message, names[i]));
      g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
      g_assert_cmpstr (text, ==, "mine");
      g_assert_cmpuint (count_entries (f.directory), ==, 1);
      tear_down (&f);
    }
}

/* ---- faults ---- */

static void
test_cancelled (void)
{
  Fixture f;
  g_autoptr (EngJob) job = eng_job_new ("Export");
  g_autoptr (GError) error = NULL;

  if (!set_up (&f))
    return;
  eng_job_cancel (job);
  g_assert_false (eng_mcu_export (f.network.bare, M4, NULL, f.folder, NULL, NULL, job, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (count_entries (f.directory), ==, 0);
  tear_down (&f);
}

/* The disk is full in the middle of network.c: what was there stays, nothing else is left. */
static void
test_disk_full (void)
{
  Fixture f;
  struct rlimit old, small;
  g_autoptr (GError) error = NULL;

  if (!set_up (&f))
    return;
  export(&f);
  g_autoptr (GHashTable) before = read_tree (f.folder);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &old), ==, 0);
  small = (struct rlimit){ .rlim_cur = 60000, .rlim_max = old.rlim_max };
  void (*handler) (int) = signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  const gboolean ok = try_export (&f, &error);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &old), ==, 0);
  signal (SIGXFSZ, handler);
  g_assert_false (ok);
  g_assert_error (error, ENG_ERROR, ENG_ERROR_IO);
  g_autoptr (GHashTable) after = read_tree (f.folder);
  assert_same_trees (before, after);
  g_assert_cmpuint (count_entries (f.directory), ==, 1);
  tear_down (&f);
}

static void
test_no_place (void)
{
  Fixture f;
  g_autoptr (GError) error = NULL;

  if (!set_up (&f))
    return;
  g_assert_true (g_file_set_contents (f.folder, "a file", -1, NULL));
  g_assert_false (try_export (&f, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_IO);
  g_assert_nonnull (strstr (error->message, "a file"));
  tear_down (&f);
}

/* ---- what is refused ---- */

static void
check_refused (EngBuild *bare, const EngMcuOptions *options, int code, const char *const *words)
{
  char *directory = eng_test_directory ();
  g_autofree char *folder = g_build_filename (directory, "code", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (eng_mcu_export (bare, M4, options, folder, NULL, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, code);
  g_test_message ("%s", error->message);
  for (guint i = 0; words[i] != NULL; i++)
    g_assert_nonnull (strstr (error->message, words[i]));
  g_assert_cmpuint (count_entries (directory), ==, 0);
  eng_test_remove (directory);
}

static void
test_float (void)
{
  McuNetwork network;

  if (!mcu_network_open (&network, "audio/kws/kws_ref_model_float32.tflite", "{}"))
    return;
  check_refused (network.bare, NULL, ENG_ERROR_UNSUPPORTED,
                 (const char *[]){ "float", "\"int8\"", "calibration", NULL });
  mcu_network_close (&network);
}

static void
test_language (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);

  check_refused (build, NULL, ENG_ERROR_UNSUPPORTED,
                 (const char *[]){ "language models need a board with Linux", NULL });
}

/* Every operator without a kernel, with its place. */
static void
test_operators (void)
{
  McuNetwork network;

  if (!mcu_network_open (&network, "vision/mnist/trained_lstm_int8.tflite", "{}"))
    return;
  check_refused (network.bare, NULL, ENG_ERROR_UNSUPPORTED,
                 (const char *[]){ "1 of 4 layers", "layer 0", "LSTM", "no kernel", NULL });
  mcu_network_close (&network);
}

/* 3.5 MB of weights do not go into 2.5 MB of flash; a plan says so, an export refuses. */
static void
test_flash (void)
{
  McuNetwork network;
  char *directory = eng_test_directory ();
  g_autofree char *folder = g_build_filename (directory, "code", NULL);
  const EngMcuOptions options = { .quick = TRUE };
  g_autoptr (GError) error = NULL;

  if (mcu_network_open (&network, "vision/imagenet/mobilenet_v2_1.0_224_quant.tflite", "{}"))
    {
      g_autoptr (EngMcuReport) report = eng_mcu_plan (network.bare, "mps3-an547", &options, &error);

      g_assert_no_error (error);
      g_assert_false (eng_mcu_report_fits (report));
      g_assert_cmpuint (report->sizes[ENG_MCU_FLASH].bytes, >, report->flash_limit);
      /* Its RAM would do, in patches. */
      g_assert_cmpuint (report->sizes[ENG_MCU_RAM].bytes, <=, report->ram_limit);
      g_assert_cmpuint (((EngMcuPatches *)g_ptr_array_index (report->patches, 0))->arena_bytes, >,
                        report->ram_limit);
      g_assert_false (
          eng_mcu_export (network.bare, "mps3-an547", &options, folder, NULL, NULL, NULL, &error));
      g_assert_error (error, ENG_ERROR, ENG_ERROR_MEMORY);
      g_assert_nonnull (strstr (error->message, "bytes of flash"));
      g_assert_cmpuint (count_entries (directory), ==, 0);
      mcu_network_close (&network);
    }
  eng_test_remove (directory);
}

static void
test_too_small (void)
{
  const EngMcuOptions options = { .ram_limit = 12000 };
  McuNetwork network;

  if (!mcu_network_open (&network, KWS, "{}"))
    return;
  check_refused (network.bare, &options, ENG_ERROR_MEMORY,
                 (const char *[]){ "does not fit", "RAM", "12000", "estimate", NULL });
  mcu_network_close (&network);
}

static void
test_no_board (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (eng_mcu_board_find ("cortex-m7", &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "mps2-an386, mps3-an547"));
  g_assert_cmpstr (eng_mcu_board_find ("cortex-m55", NULL), ==, "mps3-an547");
}

/* ---- numbers ---- */

/* The DS-CNN of Zhang and others (2017), 64 channels: 10 x 4 stride 2, four times 3 x 3 depthwise
 * and 1 x 1, average, 12 classes; 25 x 5 pixels. */
static void
test_numbers (void)
{
  const guint64 pixels = 25 * 5, c = 64;
  const guint64 macs = pixels * c * 40 + 4 * (pixels * c * 9 + pixels * c * c) + 12 * c;
  const guint64 weights = c * 40 + 4 * (9 * c + c * c) + 12 * c + 8 * (9 * c + 12) + 1024;
  Fixture f;
  g_autoptr (EngMcuReport) report = NULL;
  g_autoptr (GError) error = NULL;
  guint64 sum = 0;

  if (!set_up (&f))
    return;
  report = eng_mcu_plan (f.network.bare, M4, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < report->layers->len; i++)
    sum += ((EngMcuLayer *)g_ptr_array_index (report->layers, i))->macs;
  g_assert_cmpuint (sum, ==, macs);
  g_assert_cmpuint (report->sizes[ENG_MCU_WEIGHTS].bytes, ==, weights);
  /* Two pictures of 25 x 5 x 64 at once, and what the kernels want besides. */
  g_assert_cmpuint (report->sizes[ENG_MCU_ARENA].bytes, >=, 2 * pixels * c);
  g_assert_cmpuint (report->sizes[ENG_MCU_ARENA].bytes, <=, 2 * pixels * c + 1024);
  g_assert_cmpuint (report->sizes[ENG_MCU_FLASH].origin, ==, ENG_MCU_ESTIMATED);
  g_assert_true (eng_mcu_report_fits (report));

  /* More patches: less memory, more work; the one without patches stands first. */
  const EngMcuPatches *first = g_ptr_array_index (report->patches, 0);
  g_assert_null (first->until);
  g_assert_true (first->is_chosen);
  g_assert_cmpuint (first->macs, ==, macs);
  for (guint i = 1; i < report->patches->len; i++)
    {
      const EngMcuPatches *p = g_ptr_array_index (report->patches, i);
      const EngMcuPatches *before = g_ptr_array_index (report->patches, i - 1);
      g_assert_cmpuint (p->arena_bytes, <, before->arena_bytes);
      g_assert_cmpuint (p->macs, >=, before->macs);
      g_assert_cmpuint (p->extra_macs, ==, p->macs - macs);
    }
  tear_down (&f);
}

/* ---- preflight ---- */

static const EngPreflightItem *
find_item (const GPtrArray *items, const char *id)
{
  for (guint i = 0; i < items->len; i++)
    if (strcmp (((const EngPreflightItem *)items->pdata[i])->id, id) == 0)
      return items->pdata[i];
  return NULL;
}

static void
test_preflight (void)
{
  Fixture f;
  McuNetwork lstm;

  if (!set_up (&f) || !mcu_network_open (&lstm, "vision/mnist/trained_lstm_int8.tflite", "{}"))
    return;
  g_autoptr (EngDevice) device = mcu_device ("cortex-m55", NULL);
  g_autoptr (GPtrArray) items
      = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_preflight_item_free);

  eng_mcu_preflight (items, device, f.network.build);
  g_assert_true (eng_preflight_passed (items));
  g_assert_nonnull (strstr (find_item (items, "operators")->text, "13 layers"));
  g_assert_nonnull (find_item (items, "memory"));
  g_assert_nonnull (find_item (items, "space"));
  g_assert_null (find_item (items, "patches"));
  g_ptr_array_set_size (items, 0);
  eng_mcu_preflight (items, device, lstm.build);
  g_assert_false (eng_preflight_passed (items));
  g_assert_nonnull (strstr (find_item (items, "operators")->text, "LSTM"));
  mcu_network_close (&lstm);
  tear_down (&f);
}

/* "text data bss ..." of the toolchain's own program. */
static void
read_size (const char *elf, guint64 sizes[3])
{
  g_autofree char *command = g_strdup_printf ("arm-none-eabi-size %s", elf), *out = NULL;

  g_assert_true (g_spawn_command_line_sync (command, &out, NULL, NULL, NULL));
  const char *line = strchr (out, '\n');
  g_assert_nonnull (line);
  char *at = (char *)line;
  for (guint i = 0; i < 3; i++)
    sizes[i] = g_ascii_strtoull (at, &at, 10);
}

static void
test_linked (void)
{
  Fixture f;
  guint64 sizes[3];
  g_autoptr (EngMcuReport) report = NULL;
  g_autoptr (GError) error = NULL;

  if (!mcu_have_tools () || !set_up (&f))
    return;
  g_autofree char *elf = g_build_filename (f.directory, "network.elf", NULL);
  eng_mcu_export (f.network.bare, M4, NULL, f.folder, NULL, &report, NULL, &error);
  g_assert_no_error (error);
  const EngMcuSize estimate = report->sizes[ENG_MCU_CODE];
  eng_mcu_link (f.folder, M4, elf, report, NULL, &error);
  g_assert_no_error (error);
  read_size (elf, sizes);
  g_assert_cmpuint (report->sizes[ENG_MCU_FLASH].bytes, ==, sizes[0] + sizes[1]);
  g_assert_cmpuint (report->sizes[ENG_MCU_RAM].bytes, ==, sizes[1] + sizes[2]);
  g_assert_cmpuint (report->sizes[ENG_MCU_FLASH].origin, ==, ENG_MCU_LINKED);
  /* What was told before linking was no guess from nowhere. */
  g_assert_cmpuint (estimate.bytes, >, report->sizes[ENG_MCU_CODE].bytes / 2);
  g_assert_cmpuint (estimate.bytes, <, report->sizes[ENG_MCU_CODE].bytes * 2);
  tear_down (&f);
}

/* ---- the compiler ---- */

static void
test_complaint (void)
{
  Fixture f;
  g_autoptr (GError) error = NULL;

  if (!mcu_have_tools () || !set_up (&f))
    return;
  export(&f);
  g_autofree char *elf = g_build_filename (f.directory, "network.elf", NULL);
  g_autofree char *path = g_build_filename (f.folder, "network.c", NULL);
  g_assert_true (g_file_set_contents (path, "int x = ;\n", -1, NULL));
  g_assert_false (eng_mcu_link (f.folder, M4, elf, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "network.c:1:9: error:"));
  g_assert_false (g_file_test (elf, G_FILE_TEST_EXISTS));
  g_clear_error (&error);

  g_autofree char *nowhere = g_build_filename (f.directory, "nowhere", NULL);
  g_assert_false (eng_mcu_link (nowhere, M4, elf, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_IO);
  tear_down (&f);
}

static void
test_no_tools (void)
{
  g_autofree char *path = g_strdup (g_getenv ("PATH")), *remedy = NULL;
  g_autoptr (GError) error = NULL;
  char *empty = eng_test_directory ();

  g_setenv ("PATH", empty, TRUE);
  const gboolean ok = eng_mcu_check_tools (TRUE, &remedy, &error);
  g_setenv ("PATH", path, TRUE);
  g_assert_false (ok);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (remedy, ==, "sudo apt install gcc-arm-none-eabi qemu-system-arm");
  eng_test_remove (empty);
}

static gboolean
run (const char *const *words, const char *directory)
{
  g_autofree char *out = NULL, *err = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_sync (directory, (char **)words, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &err,
                &status, &error);
  g_assert_no_error (error);
  if (status != 0 || strstr (err, "warning") != NULL)
    g_test_message ("%s%s", out, err);
  return status == 0 && strstr (err, "warning") == NULL && strstr (out, "warning") == NULL;
}

/* With CMake alone, in another place, without a warning; the program gives the same bits. */
static void
test_cmake (void)
{
  g_autofree char *cmake = g_find_program_in_path ("cmake");
  Fixture f;
  McuSamples samples;
  McuAnswer answer;

  if (cmake == NULL)
    {
      g_test_skip ("cmake is not installed: sudo apt install cmake");
      return;
    }
  if (!mcu_have_tools () || !set_up (&f))
    return;
  export(&f);
  g_assert_true (run ((const char *[]){ "cmake", "-S", "code", "-B", "out", NULL }, f.directory));
  g_assert_true (run ((const char *[]){ "cmake", "--build", "out", NULL }, f.directory));
  g_autofree char *elf = g_build_filename (f.directory, "out", "network.elf", NULL);
  mcu_samples_fill (&samples, &f.network, 2);
  g_autoptr (GByteArray) want = mcu_host_outputs (&f.network, &samples);
  mcu_board_outputs ("cortex-m4", elf, &samples, &answer);
  g_assert_cmpmem (answer.outputs->data, answer.outputs->len, want->data, want->len);
  mcu_answer_clear (&answer);
  mcu_samples_clear (&samples);
  tear_down (&f);
}

/* Made once: the second time nothing is compiled, which a computer without a compiler shows.
 * Nothing but the image stays in the cache. */
static void
test_cache (void)
{
  Fixture f;
  g_autoptr (GError) error = NULL;

  if (!mcu_have_tools () || !set_up (&f))
    return;
  g_autofree char *elf = g_build_filename (f.directory, "network.elf", NULL);
  g_autofree char *again = g_build_filename (f.directory, "again.elf", NULL);
  g_autofree char *path = g_strdup (g_getenv ("PATH"));
  g_autofree char *cache = g_build_filename (g_get_user_cache_dir (), "lathe", "mcu", NULL);
  g_autoptr (EngDevice) device = mcu_device ("cortex-m4", NULL);
  g_autofree char *a = NULL, *b = NULL;
  gsize n_a, n_b;

  eng_mcu_make_image (f.network.bare, device, elf, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (GHashTable) kept = read_tree (cache);
  GHashTableIter iter;
  gpointer name;
  g_hash_table_iter_init (&iter, kept);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_assert_true (g_str_has_suffix (name, ".elf"));

  g_setenv ("PATH", f.directory, TRUE);
  const gboolean ok = eng_mcu_make_image (f.network.bare, device, again, NULL, NULL, &error);
  g_setenv ("PATH", path, TRUE);
  g_assert_no_error (error);
  g_assert_true (ok);
  g_assert_true (g_file_get_contents (elf, &a, &n_a, NULL));
  g_assert_true (g_file_get_contents (again, &b, &n_b, NULL));
  g_assert_cmpmem (a, n_a, b, n_b);
  tear_down (&f);
}

/* Until an image was made sizes are planned, then they are the linker's; of another limit of RAM it
 * is another program. A device's limit is what its images are made with. */
static void
test_look (void)
{
  Fixture f;
  g_autoptr (GError) error = NULL;

  if (!mcu_have_tools () || !set_up (&f))
    return;
  g_autoptr (EngDevice) device = mcu_device ("cortex-m4", NULL);
  g_autofree char *elf = g_build_filename (f.directory, "network.elf", NULL);
  const EngMcuOptions wide = { .ram_limit = 100000 };
  g_autoptr (EngMcuReport) before = eng_mcu_look (f.network.bare, M4, &wide, &error);
  g_assert_no_error (error);
  g_assert_cmpint (before->sizes[ENG_MCU_FLASH].origin, ==, ENG_MCU_ESTIMATED);

  g_assert_cmpuint (eng_mcu_device_ram_limit (device), ==, 0);
  eng_device_set_setting (device, ENG_MCU_RAM_SETTING, "100000");
  g_assert_cmpuint (eng_mcu_device_ram_limit (device), ==, 100000);
  eng_mcu_make_image (f.network.bare, device, elf, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngMcuReport) after = eng_mcu_look (f.network.bare, M4, &wide, &error);
  g_assert_no_error (error);
  g_assert_cmpint (after->sizes[ENG_MCU_FLASH].origin, ==, ENG_MCU_LINKED);
  g_assert_cmpint (after->sizes[ENG_MCU_RAM].origin, ==, ENG_MCU_LINKED);
  g_assert_cmpuint (after->sizes[ENG_MCU_FLASH].bytes, >, after->sizes[ENG_MCU_WEIGHTS].bytes);

  const EngMcuOptions other = { .ram_limit = 100001 };
  g_autoptr (EngMcuReport) elsewhere = eng_mcu_look (f.network.bare, M4, &other, &error);
  g_assert_no_error (error);
  g_assert_cmpint (elsewhere->sizes[ENG_MCU_FLASH].origin, ==, ENG_MCU_ESTIMATED);

  /* What does not fit is no error here, and one where an image is asked for. */
  eng_device_set_setting (device, ENG_MCU_RAM_SETTING, "9000");
  const EngMcuOptions narrow = { .ram_limit = 9000 };
  g_autoptr (EngMcuReport) tight = eng_mcu_look (f.network.bare, M4, &narrow, &error);
  g_assert_no_error (error);
  g_assert_false (eng_mcu_report_fits (tight));
  g_assert_false (eng_mcu_make_image (f.network.bare, device, elf, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_MEMORY);
  tear_down (&f);
}

/* ---- ELF files that are none ---- */

static void
test_elf (void)
{
  Fixture f;
  EngMcuElf sizes;
  g_autoptr (GError) error = NULL;
  g_autofree char *bytes = NULL;
  gsize n;

  if (!mcu_have_tools () || !set_up (&f))
    return;
  g_autofree char *elf = g_build_filename (f.directory, "network.elf", NULL);
  eng_mcu_make_image_at (f.network.bare, M4, NULL, elf, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (elf, &bytes, &n, NULL));
  for (gsize cut = 0; cut < n; cut += cut < 64 ? 1 : 997)
    {
      g_assert_true (g_file_set_contents (elf, bytes, (gssize)cut, NULL));
      g_assert_false (eng_mcu_elf_read (elf, &sizes, &error));
      g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
      g_clear_error (&error);
    }
  /* Any byte of the header and of the section table wrong: an error or other numbers, no crash. */
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  for (guint i = 0; i < 300; i++)
    {
      const gsize at = i % 2 == 0 ? (gsize)g_rand_int_range (rand, 0, 52)
                                  : n - (gsize)g_rand_int_range (rand, 1, 600);
      const char old = bytes[at];

      bytes[at] = (char)g_rand_int (rand);
      g_assert_true (g_file_set_contents (elf, bytes, (gssize)n, NULL));
      eng_mcu_elf_read (elf, &sizes, NULL);
      bytes[at] = old;
    }
  tear_down (&f);
}

/* ---- all sources are in the program ---- */

static void
check_sources (GHashTable *files, const char *from, const char *to)
{
  g_autofree char *folder = g_build_filename (g_getenv ("LATHE_SOURCE_ROOT"), from, NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL), *bytes = NULL;
      g_autofree char *exported = g_strconcat ("./", to, name, NULL);
      gsize n;

      if (g_str_has_suffix (name, ".build") || g_str_has_suffix (name, ".md"))
        continue;
      g_test_message ("%s/%s", from, name);
      g_assert_true (g_file_get_contents (path, &bytes, &n, NULL));
      GBytes *got = g_hash_table_lookup (files, exported);
      g_assert_nonnull (got); /* else it is missing in engine/mcu/mcu.gresource.xml */
      g_assert_cmpmem (g_bytes_get_data (got, NULL), g_bytes_get_size (got), bytes, n);
    }
}

static void
test_sources (void)
{
  Fixture f;

  if (!set_up (&f))
    return;
  export(&f);
  g_autoptr (GHashTable) files = read_tree (f.folder);
  check_sources (files, "kernels/cortex-m", "kernels/");
  check_sources (files, "data/boards/common", "board/");
  check_sources (files, "data/boards/" M4, "board/");
  tear_down (&f);
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mcu-folder/same-bytes", test_same_bytes);
  g_test_add_func ("/mcu-folder/replaced", test_replaced);
  g_test_add_func ("/mcu-folder/kept", test_kept);
  g_test_add_func ("/mcu-folder/cancelled", test_cancelled);
  g_test_add_func ("/mcu-folder/disk-full", test_disk_full);
  g_test_add_func ("/mcu-folder/no-place", test_no_place);
  g_test_add_func ("/mcu-folder/float", test_float);
  g_test_add_func ("/mcu-folder/language", test_language);
  g_test_add_func ("/mcu-folder/operators", test_operators);
  g_test_add_func ("/mcu-folder/flash", test_flash);
  g_test_add_func ("/mcu-folder/too-small", test_too_small);
  g_test_add_func ("/mcu-folder/no-board", test_no_board);
  g_test_add_func ("/mcu-folder/numbers", test_numbers);
  g_test_add_func ("/mcu-folder/preflight", test_preflight);
  g_test_add_func ("/mcu-folder/linked", test_linked);
  g_test_add_func ("/mcu-folder/complaint", test_complaint);
  g_test_add_func ("/mcu-folder/no-tools", test_no_tools);
  g_test_add_func ("/mcu-folder/cmake", test_cmake);
  g_test_add_func ("/mcu-folder/cache", test_cache);
  g_test_add_func ("/mcu-folder/look", test_look);
  g_test_add_func ("/mcu-folder/elf", test_elf);
  g_test_add_func ("/mcu-folder/sources", test_sources);
  return g_test_run ();
}
