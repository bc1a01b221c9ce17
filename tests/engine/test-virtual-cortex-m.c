/* The virtual Cortex-M boards when something goes wrong: a program that hangs, one that stops in
 * the middle, one that never speaks; stopped by the user; tools that are missing. */
#include <glib/gstdio.h>
#include <math.h>
#include <unistd.h>
#include <string.h>

#include "eng-transport.h"
#include "mcu-test.h"

/* A vector table and some code, in a file of its own. */
static char *
make_program (const char *directory, const char *code)
{
  g_autofree char *source = g_build_filename (directory, "program.c", NULL);
  g_autofree char *text = g_strdup_printf (
      "static int call (int operation, const void *block)\n"
      "{\n"
      "  register int r0 __asm__ (\"r0\") = operation;\n"
      "  register const void *r1 __asm__ (\"r1\") = block;\n"
      "  __asm__ volatile (\"bkpt 0xAB\" : \"+r\"(r0) : \"r\"(r1) : \"memory\");\n"
      "  return r0;\n"
      "}\n"
      "static void say (const char *text) { call (4, text); }\n"    /* SYS_WRITE0 */
      "static void stop (void) { call (0x18, (void *)0x20026); }\n" /* SYS_EXIT */
      "void reset (void) { %s for (;;) ; }\n"
      "__attribute__ ((section (\".vectors\"), used)) void *const vectors[]\n"
      "  = { (void *)0x20004000, reset, stop, stop };\n"
      "void *const users[] = { say, stop };\n",
      code);
  char *elf = g_build_filename (directory, "program.elf", NULL);
  g_autofree char *command
      = g_strdup_printf ("arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -ffreestanding -nostdlib "
                         "-Wl,--section-start=.vectors=0 -Wl,-Ttext=0x400 -Wl,-e,reset -o %s %s",
                         elf, source);
  g_autofree char *err = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_assert_true (g_file_set_contents (source, text, -1, NULL));
  g_spawn_command_line_sync (command, NULL, &err, &status, &error);
  g_assert_no_error (error);
  if (status != 0)
    g_error ("%s", err);
  return elf;
}

static gboolean
on_bytes (const char *bytes, gsize n, gpointer user_data)
{
  g_string_append_len (user_data, bytes, (gssize)n);
  return TRUE;
}

static gboolean
enough (const char *bytes, gsize n, gpointer user_data)
{
  return FALSE;
}

typedef struct
{
  char *directory, *elf;
  EngDevice *device;
  GString *heard;
} Fixture;

static gboolean
set_up (Fixture *f, const char *code, const char *timeout)
{
  if (!mcu_have_tools ())
    return FALSE;
  f->directory = eng_test_directory ();
  f->elf = make_program (f->directory, code);
  f->device = mcu_device ("cortex-m4", timeout);
  f->heard = g_string_new (NULL);
  return TRUE;
}

static void
tear_down (Fixture *f)
{
  eng_test_remove (f->directory);
  g_free (f->elf);
  g_object_unref (f->device);
  g_string_free (f->heard, TRUE);
}

static gboolean
run_image (Fixture *f, EngLinkData data, EngJob *job, GError **error)
{
  return eng_transport_virtual.run_image (f->device, f->elf, "/nowhere", data, f->heard, job,
                                          error);
}

/* ---- ends ---- */

static void
test_hangs (void)
{
  static const char *const silences[] = { "0.5", "2", "8" }; /* it may take that long to begin */
  gboolean heard = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (silences) && !heard; i++)
    {
      Fixture f;
      g_autoptr (GError) error = NULL;
      if (!set_up (&f, "say (\"{\\\"kind\\\":\\\"hello\\\"}\\n\");", silences[i]))
        return;
      const gint64 start = g_get_monotonic_time ();
      g_assert_false (run_image (&f, on_bytes, NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
      g_assert_cmpint (g_get_monotonic_time () - start, <, 30 * G_USEC_PER_SEC);
      heard = g_str_equal (f.heard->str, "{\"kind\":\"hello\"}\n");
      tear_down (&f);
    }
  g_assert_true (heard);
}

/* It exits, and its last line never came. */
static void
test_stops (void)
{
  Fixture f;
  g_autoptr (GError) error = NULL;

  if (!set_up (&f, "say (\"{\\\"kind\\\":\\\"hello\\\"}\\n\"); stop ();", NULL))
    return;
  g_assert_false (run_image (&f, on_bytes, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_nonnull (strstr (error->message, "before its last line"));
  tear_down (&f);
}

static void
test_ends (void)
{
  Fixture f;
  g_autoptr (GError) error = NULL;

  if (!set_up (&f, "say (\"{\\\"kind\\\":\\\"end\\\"}\\n\"); stop ();", NULL))
    return;
  g_assert_true (run_image (&f, on_bytes, NULL, &error));
  g_assert_no_error (error);
  tear_down (&f);
}

/* The emulator's own words reach the user. */
static void
test_no_image (void)
{
  Fixture f;
  g_autoptr (GError) error = NULL;

  if (!set_up (&f, "", NULL))
    return;
  g_assert_cmpint (g_unlink (f.elf), ==, 0);
  g_assert_false (run_image (&f, on_bytes, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_nonnull (strstr (error->message, "program.elf"));
  tear_down (&f);
}

/* ---- stopped ---- */

static gpointer
cancel_soon (gpointer job)
{
  g_usleep (300000);
  eng_job_cancel (job);
  return NULL;
}

/* Children of this process that are emulators. */
static guint
count_emulators (void)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/task/%d/children", (int)getpid ()),
                  *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  g_auto (GStrv) pids = g_strsplit (g_strstrip (text), " ", -1);
  guint n = 0;
  for (guint i = 0; pids[i] != NULL; i++)
    {
      g_autofree char *comm = g_strdup_printf ("/proc/%s/comm", pids[i]), *name = NULL;
      if (g_file_get_contents (comm, &name, NULL, NULL))
        n += g_str_has_prefix (name, "qemu-system-arm");
    }
  return n;
}

static void
test_cancelled (void)
{
  Fixture f;
  g_autoptr (EngJob) job = eng_job_new ("Run");
  g_autoptr (GError) error = NULL;

  if (!set_up (&f, "", NULL))
    return;
  GThread *thread = g_thread_new ("cancel", cancel_soon, job);
  const gint64 start = g_get_monotonic_time ();
  g_assert_false (run_image (&f, on_bytes, job, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 20 * G_USEC_PER_SEC);
  g_thread_join (thread);
  g_assert_cmpuint (count_emulators (), ==, 0);
  tear_down (&f);
}

static void
test_enough (void)
{
  Fixture f;
  g_autoptr (GError) error = NULL;

  if (!set_up (&f, "for (;;) say (\"{}\\n\");", NULL))
    return;
  g_assert_true (run_image (&f, enough, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (count_emulators (), ==, 0);
  tear_down (&f);
}

/* ---- what is there ---- */

static void
test_describe (void)
{
  static const struct
  {
    const char *board, *cpu, *isa;
    guint64 ram_bytes;
  } boards[] = { { "cortex-m4", "Cortex-M4", "dsp", 4 << 20 },
                 { "cortex-m55", "Cortex-M55", "mve", 512 << 10 } };

  for (guint i = 0; i < G_N_ELEMENTS (boards); i++)
    {
      g_autoptr (EngDevice) device = mcu_device (boards[i].board, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (EngBoard) board = eng_transport_virtual.describe (device, &error);

      g_assert_no_error (error);
      g_assert_cmpint (eng_transport_virtual.kind (device), ==, ENG_BOARD_MICROCONTROLLER);
      g_assert_cmpint (board->kind, ==, ENG_BOARD_MICROCONTROLLER);
      g_assert_true (board->emulated);
      g_assert_cmpstr (board->cpu, ==, boards[i].cpu);
      g_assert_cmpstr (board->machine, ==, boards[i].board);
      g_assert_cmpstr (board->isa, ==, boards[i].isa);
      g_assert_cmpuint (board->memory_bytes, ==, boards[i].ram_bytes);
      g_assert_cmpfloat (board->clock_hz, >, 1e6);
      g_assert_cmpuint (board->sensors->len, ==, 2);
    }
}

static void
test_check (void)
{
  g_autoptr (EngDevice) device = mcu_device ("cortex-m4", NULL);
  g_autofree char *path = g_strdup (g_getenv ("PATH")), *remedy = NULL;
  g_autoptr (GError) error = NULL;
  char *empty = eng_test_directory ();

  g_setenv ("PATH", empty, TRUE);
  const gboolean ok = eng_transport_virtual.check (device, &remedy, &error);
  g_setenv ("PATH", path, TRUE);
  g_assert_false (ok);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "qemu-system-arm"));
  g_assert_cmpstr (remedy, ==, "sudo apt install gcc-arm-none-eabi qemu-system-arm");
  eng_test_remove (empty);
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/virtual-cortex-m/check", test_check);
  g_test_add_func ("/virtual-cortex-m/describe", test_describe);
  g_test_add_func ("/virtual-cortex-m/hangs", test_hangs);
  g_test_add_func ("/virtual-cortex-m/stops", test_stops);
  g_test_add_func ("/virtual-cortex-m/ends", test_ends);
  g_test_add_func ("/virtual-cortex-m/no-image", test_no_image);
  g_test_add_func ("/virtual-cortex-m/cancelled", test_cancelled);
  g_test_add_func ("/virtual-cortex-m/enough", test_enough);
  return g_test_run ();
}
