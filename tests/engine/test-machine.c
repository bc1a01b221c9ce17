/* The machine as read from a recorded tree: names, sizes and what is unavailable. */
#include <glib/gstdio.h>
#include <math.h>

#include "eng-json.h"
#include "eng-machine.h"
#include "../test-tree.h"

static void
test_x86 (void)
{
  char *root = test_tree_new ();
  EngMachine *machine;

  test_tree_put (
      root, "proc/cpuinfo",
      "processor\t: 0\nmodel name\t: Some CPU @ 3.00GHz\ncpu MHz\t\t: 2904.002\n\nprocessor\t: "
      "1\n");
  test_tree_put (root, "proc/meminfo", "MemTotal:       16384 kB\nMemFree:  1 kB\n");
  test_tree_put (root, "proc/loadavg", "0.52 0.40 0.30 1/100 4242\n");
  test_tree_put (root, "sys/devices/system/cpu/cpu0/cache/index0/size", "48K\n");
  test_tree_put (root, "sys/devices/system/cpu/cpu0/cache/index1/size", "2M\n");
  test_tree_put (root, "sys/devices/system/cpu/cpu0/cache/index2/size", "32768K\n");
  test_tree_put (root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  test_tree_put (root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "2500000\n");

  machine = eng_machine_new_at (root);
  g_assert_cmpstr (eng_machine_get_cpu (machine), ==, "Some CPU @ 3.00GHz");
  g_assert_cmpuint (eng_machine_get_memory_bytes (machine), ==, 16384 * 1024);
  g_assert_cmpuint (eng_machine_get_cache_bytes (machine), ==, 32u << 20);
  g_assert_cmpstr (eng_machine_get_governor (machine), ==, "powersave");
  g_assert_cmpfloat (eng_machine_get_clock_hz (machine), ==, 2.5e9);
  g_assert_cmpfloat (eng_machine_get_load (machine), ==, 0.52);
  eng_machine_free (machine);
  test_tree_free (root);
}

/* A Raspberry Pi: no model name per processor, the board is in the device tree, no caches in
 * sysfs. */
static void
test_arm_board (void)
{
  char *root = test_tree_new ();
  EngMachine *machine;

  test_tree_put (root, "proc/cpuinfo", "processor\t: 0\nCPU part\t: 0xd0b\n");
  test_tree_put (root, "sys/firmware/devicetree/base/model", "Raspberry Pi 5 Model B Rev 1.0");
  machine = eng_machine_new_at (root);
  g_assert_cmpstr (eng_machine_get_cpu (machine), ==, "Raspberry Pi 5 Model B Rev 1.0");
  g_assert_cmpuint (eng_machine_get_cache_bytes (machine), ==, 0);
  eng_machine_free (machine);
  test_tree_free (root);
}

/* Nothing readable: unavailable, never a number. */
static void
test_nothing (void)
{
  char *root = test_tree_new ();
  EngMachine *machine = eng_machine_new_at (root);
  g_autofree char *json = eng_machine_to_json (machine);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = json_from_string (json, &error);
  JsonObject *object;

  g_assert_no_error (error);
  object = json_node_get_object (node);
  g_assert_null (eng_machine_get_governor (machine));
  g_assert_true (isnan (eng_machine_get_load (machine)));
  g_assert_true (json_object_get_null_member (object, "memory_bytes"));
  g_assert_true (json_object_get_null_member (object, "governor"));
  g_assert_true (json_object_get_null_member (object, "load_1min"));
  g_assert_cmpint (json_object_get_int_member (object, "cpus"), >=, 1);
  eng_machine_free (machine);
  test_tree_free (root);
}

/* Four processors, two of which share a second-level cache: instruction caches are left out, levels
 * are in order, and who shares is counted. */
static void
test_caches (void)
{
  char *root = test_tree_new ();
  static const struct
  {
    const char *level, *type, *size, *shared;
  } caches[] = { { "3", "Unified", "32M", "0-3,8-11" },
                 { "1", "Data", "48K", "0" },
                 { "1", "Instruction", "32K", "0" },
                 { "2", "Unified", "1024K", "0-1" } };

  test_tree_put (root, "proc/cpuinfo", "model name : Some CPU\n");
  for (guint i = 0; i < G_N_ELEMENTS (caches); i++)
    {
      const char *const fields[][2] = { { "level", caches[i].level },
                                        { "type", caches[i].type },
                                        { "size", caches[i].size },
                                        { "shared_cpu_list", caches[i].shared } };
      for (guint f = 0; f < G_N_ELEMENTS (fields); f++)
        {
          g_autofree char *path
              = g_strdup_printf ("sys/devices/system/cpu/cpu0/cache/index%u/%s", i, fields[f][0]);
          test_tree_put (root, path, fields[f][1]);
        }
    }
  g_autoptr (EngMachine) machine = eng_machine_new_at (root);
  guint n;
  const EngCache *found = eng_machine_get_caches (machine, &n);
  g_assert_cmpuint (n, ==, 3);
  g_assert_cmpuint (found[0].level, ==, 1);
  g_assert_cmpuint (found[0].bytes, ==, 48 << 10);
  g_assert_cmpuint (found[0].n_sharing, ==, 1);
  g_assert_cmpuint (found[1].level, ==, 2);
  g_assert_cmpuint (found[1].n_sharing, ==, 2);
  g_assert_cmpuint (found[2].level, ==, 3);
  g_assert_cmpuint (found[2].n_sharing, ==, 8);
  g_assert_cmpuint (eng_machine_get_cache_bytes (machine), ==, 32 << 20);
  test_tree_free (root);
}

static void
assert_inside (const EngRoofFigure *figure)
{
  g_assert_cmpfloat (figure->low, <=, figure->value);
  g_assert_cmpfloat (figure->value, <=, figure->high);
}

static void
assert_roof_equal (const EngRoof *a, const EngRoof *b)
{
  g_assert_cmpuint (a->n_threads, ==, b->n_threads);
  g_assert_cmpfloat_with_epsilon (a->read_bytes_per_s, b->read_bytes_per_s, 1);
  g_assert_cmpfloat_with_epsilon (a->f32_flops, b->f32_flops, 1);
  g_assert_cmpfloat_with_epsilon (a->int8_ops, b->int8_ops, 1);
  g_assert_cmpfloat_with_epsilon (a->f32.low, b->f32.low, 1);
  g_assert_cmpfloat_with_epsilon (a->f32.high, b->f32.high, 1);
  g_assert_cmpint (a->time, ==, b->time);
  if (isfinite (a->others_cpus))
    g_assert_cmpfloat_with_epsilon (a->others_cpus, b->others_cpus, 1e-9);
  else
    g_assert_true (isnan (b->others_cpus));
  g_assert_cmpuint (a->n_levels, ==, b->n_levels);
  for (guint i = 0; i < a->n_levels; i++)
    {
      g_assert_cmpstr (a->levels[i].name, ==, b->levels[i].name);
      g_assert_cmpuint (a->levels[i].cache_bytes, ==, b->levels[i].cache_bytes);
      g_assert_cmpuint (a->levels[i].working_set_bytes, ==, b->levels[i].working_set_bytes);
      g_assert_cmpfloat_with_epsilon (a->levels[i].read.value, b->levels[i].read.value, 1);
      g_assert_cmpfloat_with_epsilon (a->levels[i].read.low, b->levels[i].read.low, 1);
      g_assert_cmpfloat_with_epsilon (a->levels[i].read.high, b->levels[i].read.high, 1);
    }
}

/* Measured once, then the same figures come from the file; a second thread count is measured on its
 * own. */
static void
test_roof_kept (void)
{
  EngMachine *machine = eng_machine_new ();
  g_autoptr (GError) error = NULL;
  EngRoof first, again, loaded;

  g_assert_false (eng_machine_load_roof (machine, 1, &loaded));
  g_assert_true (eng_machine_measure_roof (machine, 1, FALSE, &first, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpfloat (first.read_bytes_per_s, >, 1e8);
  g_assert_cmpfloat (first.f32_flops, >, 1e8);
  g_assert_cmpfloat (first.int8_ops, >, 1e8);
  assert_inside (&first.read);
  assert_inside (&first.f32);
  assert_inside (&first.int8);
  g_assert_cmpint (first.time, >, 0);
  g_assert_cmpuint (first.n_levels, >=, 1);
  g_assert_cmpstr (first.levels[first.n_levels - 1].name, ==, "DRAM");
  g_assert_cmpfloat (first.levels[first.n_levels - 1].read.value, ==, first.read_bytes_per_s);
  for (guint i = 0; i < first.n_levels; i++)
    {
      assert_inside (&first.levels[i].read);
      g_test_message ("%s: %.1f GB/s", first.levels[i].name, first.levels[i].read.value * 1e-9);
    }
  /* A first-level cache is several times faster than main memory on any machine. */
  if (first.n_levels > 1)
    g_assert_cmpfloat (first.levels[0].read.value, >, 1.5 * first.read_bytes_per_s);
  g_assert_true (eng_machine_measure_roof (machine, 1, FALSE, &again, NULL, &error));
  assert_roof_equal (&first, &again);
  g_assert_true (eng_machine_load_roof (machine, 1, &loaded));
  assert_roof_equal (&first, &loaded);
  g_assert_false (eng_machine_load_roof (machine, 2, &loaded));
  eng_machine_free (machine);
}

/* What an older version kept, three figures for main memory, is read: without interval and
 * levels. */
static void
test_roof_old (void)
{
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autofree char *path = g_build_filename (g_get_user_cache_dir (), "lathe", "roofs.ini", NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *text = g_strdup_printf (
      "[%s, %s, 63 threads]\nread_bytes_per_s=25000000000\nf32_flops=1.5e11\nint8_ops=6e11\n",
      eng_machine_get_cpu (machine), eng_machine_get_isa (machine));
  EngRoof roof;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_true (eng_machine_load_roof (machine, 63, &roof));
  g_assert_cmpfloat (roof.read_bytes_per_s, ==, 25e9);
  g_assert_cmpfloat (roof.read.value, ==, 25e9);
  g_assert_true (isnan (roof.read.low));
  g_assert_true (isnan (roof.f32.high));
  g_assert_cmpuint (roof.n_levels, ==, 0);
  g_assert_cmpint (roof.time, ==, 0);
  g_assert_true (isnan (roof.others_cpus));
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
test_roof_counts (void)
{
  g_autoptr (EngMachine) machine = eng_machine_new ();
  guint counts[ENG_MAX_ROOF_COUNTS];
  guint n = eng_machine_roof_thread_counts (machine, counts);

  g_assert_cmpuint (n, >=, 1);
  g_assert_cmpuint (counts[0], ==, 1);
  for (guint i = 1; i < n; i++)
    g_assert_cmpuint (counts[i], >, counts[i - 1]);
  g_assert_cmpuint (counts[n - 1], ==, MIN (eng_machine_get_n_cpus (machine), 64));
}

static void
test_roof_cancelled (void)
{
  EngMachine *machine = eng_machine_new ();
  g_autoptr (EngJob) job = eng_job_new ("Measuring");
  g_autoptr (GError) error = NULL;
  EngRoof roof;

  eng_job_cancel (job);
  g_assert_false (eng_machine_measure_roof (machine, 1, TRUE, &roof, job, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  eng_machine_free (machine);
}

/* For AddressSanitizer alone: the directories that GLib makes for each isolated test are never
 * given back, and are only recognised with whole stacks. */
const char *__asan_default_options (void);
const char *__lsan_default_suppressions (void);

const char *
__asan_default_options (void)
{
  return "fast_unwind_on_malloc=0";
}

const char *
__lsan_default_suppressions (void)
{
  return "leak:g_set_user_dirs\n";
}

int
main (int argc, char **argv)
{
  char *home = test_tree_new ();
  int status;

  /* A cache folder of its own, so that the user's measured roofs are neither used nor overwritten.
   * GLib's own isolation leaks, which fails under LeakSanitizer. */
  g_setenv ("XDG_CACHE_HOME", home, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine/x86", test_x86);
  g_test_add_func ("/machine/arm-board", test_arm_board);
  g_test_add_func ("/machine/nothing", test_nothing);
  g_test_add_func ("/machine/caches", test_caches);
  g_test_add_func ("/machine/roof-old", test_roof_old);
  g_test_add_func ("/machine/roof-counts", test_roof_counts);
  g_test_add_func ("/machine/roof-kept", test_roof_kept);
  g_test_add_func ("/machine/roof-cancelled", test_roof_cancelled);
  status = g_test_run ();
  test_tree_free (home);
  return status;
}
