/* Debug probes: what is plugged in (recorded trees), which chip answers and running a program on it
 * (the real OpenOCD against a simulated chip: fake-chip.py says what that covers), and what is said
 * when something is wrong (a stand-in for OpenOCD that says it). No adapter and no board are
 * needed, and none was ever tried. */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gio/gio.h>

#include "../test-tree.h"
#include "eng-elf.h"
#include "eng-error.h"
#include "transports/eng-chip.h"
#include "transports/eng-openocd.h"
#include "transports/eng-transport-probe-private.h"

/* ---- recorded trees ---- */

#define PCI "sys/devices/pci0000:00/0000:00:14.0/usb1/"

static void
put_link (const char *root, const char *path, const char *target)
{
  g_autofree char *full = g_build_filename (root, path, NULL);
  g_autofree char *folder = g_path_get_dirname (full);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_cmpint (symlink (target, full), ==, 0);
}

static void
put_usb (const char *root, const char *place, const char *ids, const char *manufacturer,
         const char *product, const char *serial, guint number)
{
  static const char *const names[]
      = { "idVendor", "idProduct", "manufacturer", "product", "serial", "busnum", "devnum" };
  g_auto (GStrv) id = g_strsplit (ids, ":", 2);
  g_autofree char *devnum = g_strdup_printf ("%u\n", number);
  const char *texts[] = { id[0], id[1], manufacturer, product, serial, "1\n", devnum };
  g_autofree char *link = g_strdup_printf ("sys/bus/usb/devices/%s", place);
  g_autofree char *target = g_strdup_printf ("../../../../" PCI "%s", place);
  g_autofree char *node = g_strdup_printf ("dev/bus/usb/001/%03u", number);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_strdup_printf (PCI "%s/%s", place, names[i]);
      if (texts[i] != NULL)
        test_tree_put (root, path, texts[i]);
    }
  put_link (root, link, target);
  test_tree_put (root, node, "");
}

static void
put_tty (const char *root, const char *place, const char *tty, const char *by_id)
{
  g_autofree char *folder = g_strdup_printf (PCI "%s/%s:1.2/%s/mark", place, place, tty);
  g_autofree char *link = g_strdup_printf ("sys/class/tty/%s/device", tty);
  g_autofree char *target = g_strdup_printf ("../../../../" PCI "%s/%s:1.2/%s", place, place, tty);
  g_autofree char *name = g_strdup_printf ("dev/serial/by-id/%s", by_id);
  g_autofree char *to = g_strdup_printf ("../../%s", tty);

  test_tree_put (root, folder, "");
  put_link (root, link, target);
  if (by_id != NULL)
    put_link (root, name, to);
}

/* As the kernel shows a Nucleo board, a J-Link, a DAPLink, an Arduino's CH340 and a keyboard. */
static char *
new_tree (void)
{
  char *root = test_tree_new ();

  put_usb (root, "1-1", "0483:374b", "STMicroelectronics\n", "STM32 STLink\n", "066BFF514852\n", 4);
  put_tty (root, "1-1", "ttyACM0", "usb-STMicroelectronics_STM32_STLink_066BFF514852-if02");
  put_usb (root, "1-2", "1366:0105", "SEGGER\n", "J-Link\n", "000483012345\n", 5);
  put_usb (root, "1-3.1", "1209:4853", "Someone\n", "Nice CMSIS-DAP v2\n", NULL, 6);
  put_usb (root, "1-3.2", "1a86:7523", NULL, "USB Serial\n", NULL, 7);
  put_tty (root, "1-3.2", "ttyUSB0", "usb-1a86_USB_Serial-if00-port0");
  put_usb (root, "1-4", "046d:c31c", "Logitech\n", "USB Keyboard\n", NULL, 8);
  put_usb (root, "1-5", "zzzz:0001", NULL, NULL, NULL, 9);         /* no number: no device */
  test_tree_put (root, PCI "1-1/1-1:1.0/bInterfaceClass", "ff\n"); /* an interface is none */
  put_link (root, "sys/bus/usb/devices/1-1:1.0", "../../../../" PCI "1-1/1-1:1.0");
  test_tree_put (root, "sys/class/tty/ttyS0/dev", "4:64\n"); /* soldered, not plugged */
  return root;
}

static void
test_usb (void)
{
  char *root = new_tree ();
  g_autoptr (GPtrArray) usb = eng_usb_list (root);

  g_assert_cmpuint (usb->len, ==, 5);
  const EngUsbDevice *stlink = usb->pdata[0], *serial = usb->pdata[3];
  g_autofree char *text = eng_usb_device_dup_text (stlink);
  g_assert_cmpstr (text, ==, "STMicroelectronics STM32 STLink (0483:374b)");
  g_assert_cmpstr (stlink->serial, ==, "066BFF514852");
  g_assert_cmpstr (stlink->place, ==, "1-1");
  g_assert_cmpstr (stlink->node, ==, "/dev/bus/usb/001/004");
  g_assert_cmpuint (stlink->ports->len, ==, 1);
  const EngSerialPort *port = stlink->ports->pdata[0];
  g_assert_cmpstr (port->path, ==,
                   "/dev/serial/by-id/usb-STMicroelectronics_STM32_STLink_066BFF514852-if02");
  g_assert_null (serial->manufacturer);
  g_assert_null (serial->serial);
  g_assert_cmpuint (serial->ports->len, ==, 1);
  test_tree_free (root);

  root = test_tree_new (); /* a computer without USB */
  g_autoptr (GPtrArray) none = eng_usb_list (root);
  g_assert_cmpuint (none->len, ==, 0);
  test_tree_free (root);
}

static void
assert_setting (const EngCandidate *candidate, const char *key, const char *value)
{
  g_assert_cmpstr (g_hash_table_lookup (candidate->settings, key), ==, value);
}

static void
test_search (void)
{
  char *root = new_tree ();
  g_autoptr (GPtrArray) found = eng_probe_search (root);

  g_assert_cmpuint (found->len, ==, 4);
  assert_setting (found->pdata[0], "interface", "stlink");
  assert_setting (found->pdata[0], "serial", "066BFF514852");
  assert_setting (found->pdata[0], "target", NULL); /* nobody asked the chip */
  assert_setting (found->pdata[1], "interface", "jlink");
  assert_setting (found->pdata[2], "interface", "cmsis-dap"); /* by its name alone */
  assert_setting (found->pdata[2], "serial", NULL);
  const EngCandidate *stlink = found->pdata[0], *port = found->pdata[3];
  g_assert_cmpstr (stlink->name, ==, "STM32 STLink");
  g_assert_nonnull (strstr (stlink->evidence, "0483:374b"));
  g_assert_nonnull (strstr (stlink->evidence, "066BFF514852"));
  g_assert_nonnull (strstr (stlink->evidence, "USB 1-1"));
  /* A serial port is told of, and not taken for a board. */
  assert_setting (port, "port", "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0");
  assert_setting (port, "interface", NULL);
  g_assert_nonnull (strstr (port->evidence, "1a86:7523"));
  g_autofree char *wrong = eng_transport_probe.validate (port->settings);
  g_assert_nonnull (wrong);
  g_assert_null (eng_transport_probe.validate (stlink->settings));
  test_tree_free (root);
}

/* As a user whom no rule gives the probe to. */
static void
test_permission (void)
{
  char *root = new_tree ();
  g_autofree char *node = g_build_filename (root, "dev/bus/usb/001/004", NULL);
  g_autofree char *other = g_build_filename (root, "dev/bus/usb/001/005", NULL);
  uid_t before = geteuid ();

  g_assert_cmpint (chmod (root, 0755), ==, 0);
  g_assert_cmpint (chmod (node, before == 0 ? 0600 : 0000), ==, 0);
  g_assert_cmpint (chmod (other, 0666), ==, 0);
  if (before == 0 && seteuid (65534) != 0)
    {
      g_test_skip ("root may use everything, and cannot become someone else here");
      test_tree_free (root);
      return;
    }
  g_autoptr (GPtrArray) usb = eng_usb_list (root);
  g_autoptr (GPtrArray) found = eng_probe_search (root);
  g_assert_cmpint (seteuid (before), ==, 0);
  const EngUsbDevice *stlink = usb->pdata[0], *jlink = usb->pdata[1];
  g_assert_false (stlink->may_use);
  g_assert_true (jlink->may_use);
  const EngCandidate *candidate = found->pdata[0], *allowed = found->pdata[1];
  g_assert_nonnull (strstr (candidate->evidence, "may not use it"));
  g_assert_null (strstr (allowed->evidence, "may not use it"));
  g_autofree char *remedy = eng_probe_dup_udev_remedy (stlink);
  g_assert_nonnull (strstr (remedy, "ATTR{idVendor}==\"0483\", ATTR{idProduct}==\"374b\""));
  g_assert_nonnull (strstr (remedy, "udevadm control --reload"));
  test_tree_free (root);
}

/* The file that packagers install says the same as the table. */
static void
test_rules (void)
{
  static const struct
  {
    guint16 vendor, product;
  } some[] = { { 0x0483, 0x374b }, { 0x0483, 0x3754 }, { 0x1366, 0x0101 }, { 0x1366, 0x1015 },
               { 0x0d28, 0x0204 }, { 0x2e8a, 0x000c }, { 0x03eb, 0x2141 }, { 0x1fc9, 0x0143 } };
  g_autofree char *path
      = g_build_filename (g_getenv ("LATHE_SOURCE_ROOT"), "data/udev/60-lathe-probes.rules", NULL);
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint product = 0; product < 0x10000; product++)
    {
      EngUsbDevice stlink = { .vendor_id = 0x0483, .product_id = (guint16)product };
      g_autofree char *why = NULL;
      g_autofree char *rule = g_strdup_printf ("==\"0483\", ATTR{idProduct}==\"%04x\"", product);
      g_assert_true ((eng_probe_kind_of (&stlink, &why) != NULL) == (strstr (text, rule) != NULL));
    }
  for (guint i = 0; i < G_N_ELEMENTS (some); i++)
    {
      EngUsbDevice device = { .vendor_id = some[i].vendor, .product_id = some[i].product };
      g_autofree char *why = NULL, *vendor = g_strdup_printf ("==\"%04x\"", some[i].vendor);
      g_assert_nonnull (eng_probe_kind_of (&device, &why));
      g_assert_nonnull (strstr (text, vendor));
    }
}

static void
test_validate (void)
{
  static const struct
  {
    const char *interface, *target, *ram;
    gboolean fine;
  } cases[] = {
    { "stlink", "auto", "", TRUE },        { "stlink", "stm32f4x", "128", TRUE },
    { "/x/my.cfg", "/x/t.cfg", "", TRUE }, { "", "auto", "", FALSE },
    { "st link", "", "", FALSE },          { "../../etc/passwd", "", "", FALSE },
    { "stlink; exec rm", "", "", FALSE },  { "stlink", "a]b", "", FALSE },
    { "stlink", "", "many", FALSE },       { "stlink", "", "0", FALSE },
    { "stlink", "", "99999999", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GHashTable) settings = g_hash_table_new (g_str_hash, g_str_equal);
      g_hash_table_insert (settings, (char *)"interface", (char *)cases[i].interface);
      g_hash_table_insert (settings, (char *)"target", (char *)cases[i].target);
      g_hash_table_insert (settings, (char *)"ram", (char *)cases[i].ram);
      g_autofree char *wrong = eng_transport_probe.validate (settings);
      g_test_message ("%s: %s", cases[i].interface, wrong != NULL ? wrong : "fine");
      g_assert_true ((wrong == NULL) == cases[i].fine);
    }
}

/* ---- chips and programs, without any probe ---- */

static EngChip *
new_chip (GError **error, ...)
{
  g_autoptr (GHashTable) values = g_hash_table_new (g_str_hash, g_str_equal);
  va_list args;
  const char *name;

  va_start (args, error);
  while ((name = va_arg (args, const char *)) != NULL)
    g_hash_table_insert (values, (char *)name, va_arg (args, char *));
  va_end (args);
  return eng_chip_new (values, error);
}

static void
test_chip (void)
{
  g_autoptr (GError) error = NULL;
  /* STM32F7: RM0385, 41.6.1 and 45.2; its Cortex-M7 has the DSP extension. */
  g_autoptr (EngChip) f7 = new_chip (&error, "e000ed00", "0x411fc270", "e000ed6c", "0x1111131",
                                     "e0042000", "0x10016449", "1ff0f440", "0x4000000", NULL);
  g_assert_no_error (error);
  g_assert_cmpstr (f7->cpu, ==, "Cortex-M7");
  g_assert_cmpstr (f7->isa, ==, "dsp");
  g_assert_cmpstr (f7->target, ==, "stm32f7x");
  g_assert_cmpuint (f7->flash_bytes, ==, 1024 * 1024);
  g_assert_cmpuint (f7->ram_bytes, ==, 320 * 1024);
  g_assert_nonnull (strstr (f7->evidence, "0x449"));
  /* A Cortex-M55 with MVE that nobody knows: nothing is made up. */
  g_autoptr (EngChip) m55 = new_chip (&error, "e000ed00", "0x411fd220", "e000ed6c", "0x1111131",
                                      "e000ef44", "0x12100211", "e0042000", "0x00000000", NULL);
  g_assert_cmpstr (m55->isa, ==, "mve");
  g_assert_null (m55->name);
  g_assert_null (m55->target);
  g_assert_cmpuint (m55->ram_bytes, ==, 0);
  /* A Cortex-M0+ has neither. */
  g_autoptr (EngChip) m0 = new_chip (&error, "e000ed00", "0x410cc601", "e000ed6c", "0x0", NULL);
  g_assert_cmpstr (m0->cpu, ==, "Cortex-M0+");
  g_assert_cmpstr (m0->isa, ==, "plain");
  g_assert_null (new_chip (&error, "e000ed00", "0x00000000", NULL));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (new_chip (&error, NULL));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
put_word (GByteArray *bytes, guint32 value, guint n_bytes)
{
  for (guint i = 0; i < n_bytes; i++)
    {
      guint8 byte = (guint8)(value >> 8 * i);
      g_byte_array_append (bytes, &byte, 1);
    }
}

/* An executable of one part at @address: its vector table (@stack, start behind it) and some
 * words. */
static char *
put_elf (const char *root, const char *name, guint machine, guint32 address, guint32 stack)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  static const guint8 ident[16] = { 0x7f, 'E', 'L', 'F', 1, 1, 1 };
  guint32 part[] = { 1, 84, address, address, 16, 16, 5, 4 };
  guint32 words[] = { stack, address + 9, 0x11223344, 0x55667788 };
  char *path = g_build_filename (root, name, NULL);

  g_byte_array_append (bytes, ident, sizeof ident);
  put_word (bytes, 2 | machine << 16, 4);
  put_word (bytes, 1, 4);
  put_word (bytes, address + 9, 4);
  put_word (bytes, 52, 4);         /* program headers */
  put_word (bytes, 0, 4);          /* no sections */
  put_word (bytes, 0x05000200, 4); /* flags: EABI 5 */
  put_word (bytes, 52, 2);
  put_word (bytes, 32, 2);
  put_word (bytes, 1, 2);
  put_word (bytes, 40, 2);
  put_word (bytes, 0, 4);
  g_assert_cmpuint (bytes->len, ==, 52);
  for (guint i = 0; i < G_N_ELEMENTS (part); i++)
    put_word (bytes, part[i], 4);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    put_word (bytes, words[i], 4);
  g_assert_true (g_file_set_contents (path, (char *)bytes->data, (gssize)bytes->len, NULL));
  return path;
}

static void
test_elf (void)
{
  char *root = test_tree_new ();
  g_autofree char *flash = put_elf (root, "flash.elf", 40, 0x08000000, 0x20008000);
  g_autofree char *ram = put_elf (root, "ram.elf", 40, 0x20000000, 0x20008000);
  g_autofree char *other = put_elf (root, "x86.elf", 3, 0x08000000, 0);
  g_autofree char *text = NULL;
  gsize n;
  EngElf elf;
  g_autoptr (GError) error = NULL;

  g_assert_true (eng_elf_read (flash, &elf, &error));
  g_assert_cmphex (elf.first, ==, 0x08000000);
  g_assert_cmphex (elf.end, ==, 0x08000010);
  g_assert_false (elf.is_ram);
  g_assert_true (eng_elf_read (ram, &elf, &error));
  g_assert_true (elf.is_ram);
  g_assert_cmpuint (elf.n_bytes, ==, 16);
  g_assert_false (eng_elf_read (other, &elf, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
  g_clear_error (&error);
  /* Cut at any byte, it is refused or (behind all that counts) read the same. */
  g_assert_true (g_file_get_contents (ram, &text, &n, NULL));
  for (gsize k = 0; k < n; k++)
    {
      g_assert_true (g_file_set_contents (ram, text, (gssize)k, NULL));
      g_assert_false (eng_elf_read (ram, &elf, &error));
      g_assert_true (error->domain == ENG_ERROR);
      g_clear_error (&error);
    }
  test_tree_free (root);
}

/* ---- the real OpenOCD and a simulated chip ---- */

typedef struct
{
  char *root, *elf, *work;
  GSubprocess *chip;
  EngDevice *device;
  GString *told;
} Bench;

static gboolean
bench_init (Bench *b, const char *chip, const char *option)
{
  g_autofree char *openocd = eng_openocd_find (), *python = g_find_program_in_path ("python3");
  g_autofree char *adapter = NULL, *socket = NULL, *config = NULL;
  g_autofree char *script
      = g_build_filename (g_getenv ("LATHE_SOURCE_ROOT"), "tests/devices/fake-chip.py", NULL);
  g_autoptr (GHashTable) settings = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;
  char line[16];

  memset (b, 0, sizeof *b);
  if (openocd == NULL || python == NULL)
    {
      g_test_skip ("openocd and python3 are needed");
      return FALSE;
    }
  b->root = test_tree_new ();
  b->told = g_string_new (NULL);
  adapter = g_build_filename (b->root, "adapter.cfg", NULL);
  socket = g_build_filename (b->root, "chip", NULL);
  config = g_strdup_printf ("adapter driver remote_bitbang\nremote_bitbang host %s\n"
                            "remote_bitbang port 0\n",
                            socket);
  test_tree_put (b->root, "adapter.cfg", config);
  test_tree_put (b->root, "w o r k [1]", "is read by the program");
  b->work = g_build_filename (b->root, "w o r k [1]", NULL);
  b->elf = put_elf (b->root, "a program.elf", 40, 0x20000000, 0x20008000);
  b->chip = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, python, script, socket,
                              "--chip", chip, option, NULL);
  g_assert_no_error (error);
  /* It says when it listens. */
  g_assert_cmpint (g_input_stream_read (g_subprocess_get_stdout_pipe (b->chip), line, sizeof line,
                                        NULL, NULL),
                   >, 0);
  g_hash_table_insert (settings, (char *)"interface", adapter);
  b->device = eng_device_new ("test", "Test", &eng_transport_probe, settings);
  return TRUE;
}

static void
bench_clear (Bench *b)
{
  g_subprocess_force_exit (b->chip);
  g_subprocess_wait (b->chip, NULL, NULL);
  g_object_unref (b->chip);
  g_object_unref (b->device);
  g_string_free (b->told, TRUE);
  g_free (b->elf);
  g_free (b->work);
  test_tree_free (b->root);
}

static void
test_identify (void)
{
  Bench b;
  g_autoptr (GError) error = NULL;

  if (!bench_init (&b, "stm32f407", NULL))
    return;
  g_autoptr (EngBoard) board = eng_transport_probe.describe (b.device, &error);
  g_assert_no_error (error);
  g_assert_cmpint (board->kind, ==, ENG_BOARD_MICROCONTROLLER);
  g_assert_false (board->emulated);
  g_assert_cmpstr (board->cpu, ==, "Cortex-M4, STM32F405/407");
  g_assert_cmpstr (board->machine, ==, "cortex-m4");
  g_assert_cmpstr (board->isa, ==, "dsp");
  g_assert_cmpuint (board->flash_bytes, ==, 1024 * 1024);
  g_assert_cmpuint (board->memory_bytes, ==, 128 * 1024);
  g_assert_nonnull (strstr (board->system, "0x410fc241")); /* the evidence */
  g_assert_nonnull (strstr (board->system, "0x413"));
  g_assert_cmpstr (eng_device_get_setting (b.device, "board"), ==, "stm32f405");
  /* Less than there is may be said, more not. */
  eng_device_set_setting (b.device, "ram", "64");
  g_autoptr (EngBoard) less = eng_transport_probe.describe (b.device, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (less->memory_bytes, ==, 64 * 1024);
  eng_device_set_setting (b.device, "ram", "256");
  g_assert_null (eng_transport_probe.describe (b.device, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  bench_clear (&b);
}

static void
test_identify_others (void)
{
  Bench b;
  g_autoptr (GError) error = NULL;

  if (!bench_init (&b, "nrf52840", NULL))
    return;
  g_autoptr (EngBoard) nrf = eng_transport_probe.describe (b.device, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (nrf->cpu, ==, "Cortex-M4, nRF52840");
  g_assert_cmpuint (nrf->flash_bytes, ==, 1024 * 1024); /* its registers say so */
  g_assert_cmpuint (nrf->memory_bytes, ==, 256 * 1024);
  bench_clear (&b);

  g_assert_true (bench_init (&b, "nameless", NULL));
  g_assert_null (eng_transport_probe.describe (b.device, &error)); /* sizes are not guessed */
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "Cortex-M4"));
  g_clear_error (&error);
  eng_device_set_setting (b.device, "ram", "192");
  eng_device_set_setting (b.device, "flash", "512");
  g_autoptr (EngBoard) said = eng_transport_probe.describe (b.device, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (said->cpu, ==, "Cortex-M4");
  g_assert_cmpuint (said->memory_bytes, ==, 192 * 1024);
  g_assert_cmpstr (eng_device_get_setting (b.device, "board"), ==, "");
  /* A program for another processor would not run there. */
  eng_device_set_setting (b.device, "board", "mps3-an547");
  g_assert_null (eng_transport_probe.describe (b.device, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_nonnull (strstr (error->message, "Cortex-M55"));
  bench_clear (&b);
}

static gboolean
gather (const char *bytes, gsize n_bytes, gpointer user_data)
{
  g_string_append_len (user_data, bytes, (gssize)n_bytes);
  return TRUE;
}

static gboolean
run (Bench *b, EngJob *job, GError **error)
{
  return eng_transport_probe.run_image (b->device, b->elf, b->work, gather, b->told, job, error);
}

static void
test_run (void)
{
  Bench b;
  g_autoptr (GError) error = NULL;
  g_autoptr (EngJob) job = NULL;

  if (!bench_init (&b, "nameless", NULL))
    return;
  job = eng_job_new ("Run");
  gboolean ok = run (&b, job, &error);
  g_assert_no_error (error);
  g_assert_true (ok);
  /* What lies in memory is what the file holds, and it begins as the processor would begin. */
  g_assert_cmpstr (b.told->str, ==,
                   "loaded 00800020090000204433221188776655, sp 20008000, pc 20000008, "
                   "vector table 20000000\n"
                   "command line lathe w o r k [1]\n"
                   "work is read by the program\n");
  bench_clear (&b);
}

/* The program's own exit status is what counts. */
static void
test_run_fails (void)
{
  Bench b;
  g_autoptr (GError) error = NULL;

  if (!bench_init (&b, "nameless", NULL))
    return;
  test_tree_put (b.root, "w o r k [1]", "fail");
  g_assert_false (run (&b, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_nonnull (strstr (b.told->str, "work fail")); /* what it said before is there */
  bench_clear (&b);
}

static void
test_dead (void)
{
  Bench b;
  g_autoptr (GError) error = NULL;

  if (!bench_init (&b, "nameless", "--dead"))
    return;
  g_assert_null (eng_transport_probe.describe (b.device, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE);
  g_test_message ("%s", error->message);
  bench_clear (&b);
}

/* The cable is pulled in the middle of the run. */
static void
test_cut (void)
{
  Bench b;
  g_autoptr (GError) error = NULL;

  if (!bench_init (&b, "nameless", "--cut-after=4"))
    return;
  g_assert_false (run (&b, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_nonnull (strstr (b.told->str, "loaded"));
  bench_clear (&b);
}

/* ---- a stand-in for OpenOCD that says what is wanted ---- */

static char *real_path;

static void
pretend (const char *root, const char *lines)
{
  g_autofree char *text = g_strdup_printf ("#!/bin/sh\ncp \"$2\" %s/script\n%s\n", root, lines);
  g_autofree char *path = g_build_filename (root, "openocd", NULL);
  g_autofree char *paths = g_strconcat (root, ":", real_path, NULL);

  test_tree_put (root, "openocd", text);
  g_assert_cmpint (chmod (path, 0755), ==, 0);
  g_setenv ("PATH", paths, TRUE);
}

static void
test_complaints (void)
{
  static const struct
  {
    const char *lines;
    int code;
    const char *says;
  } cases[] = {
    { "echo 'Error: open failed' >&2; exit 1", G_IO_ERROR_NOT_FOUND, "ST-Link" },
    { "echo 'Error: libusb_open() failed with LIBUSB_ERROR_ACCESS' >&2; "
      "echo 'Error: open failed' >&2; exit 1",
      G_IO_ERROR_PERMISSION_DENIED, "may not use it" },
    { "echo 'Error: unable to find a matching CMSIS-DAP device' >&2; exit 1", G_IO_ERROR_NOT_FOUND,
      "CMSIS-DAP" },
    { "echo 'Error: No J-Link device found' >&2; exit 1", G_IO_ERROR_NOT_FOUND, "J-Link" },
    { "echo 'Error: init mode failed (unable to connect to the target)' >&2; exit 1",
      G_IO_ERROR_HOST_UNREACHABLE, "powered" },
    { "echo 'Error: Target not examined yet' >&2; exit 1", G_IO_ERROR_HOST_UNREACHABLE,
      "could not be examined" },
    { "echo lathe-mark programming 5 >&2; echo 'Error: stm32x device protected' >&2; exit 1",
      G_IO_ERROR_PERMISSION_DENIED, "protected" },
    { "echo lathe-mark programming 5 >&2; echo 'Error: failed erasing sectors 0 to 3' >&2; exit 1",
      G_IO_ERROR_FAILED, "erased" },
    { "echo lathe-mark running 5 >&2; echo telemetry; "
      "echo 'Error: libusb_bulk_write error: LIBUSB_ERROR_NO_DEVICE' >&2; sleep 30",
      G_IO_ERROR_CONNECTION_CLOSED, "unplugged" },
    { "echo lathe-mark running 1 >&2; sleep 30", G_IO_ERROR_TIMED_OUT, "said nothing for 1" },
    { "echo 'Something that nobody knows' >&2; exit 3", G_IO_ERROR_FAILED, "ended without" },
    { "head -c 100000 /dev/urandom >&2; exit 1", G_IO_ERROR_FAILED, "ended without" },
    { "kill -9 $$", G_IO_ERROR_FAILED, "ended without" },
  };
  const EngOpenocd openocd = { .interface = "stlink", .serial = "A\"[exec false]$B" };
  char *root = test_tree_new ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GString) told = g_string_new (NULL);
      pretend (root, cases[i].lines);
      g_assert_false (eng_openocd_run (&openocd, "", NULL, NULL, gather, told, NULL, &error));
      g_test_message ("%s", error->message);
      g_assert_error (error, G_IO_ERROR, cases[i].code);
      g_assert_nonnull (strstr (error->message, cases[i].says));
    }
  /* The last thing that ran was given a script in which no setting is a command. */
  g_autofree char *script = g_build_filename (root, "script", NULL), *text = NULL;
  g_assert_true (g_file_get_contents (script, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, "source [find \"interface/stlink.cfg\"]"));
  g_assert_nonnull (strstr (text, "adapter serial \"A\\\"\\[exec false\\]\\$B\""));
  g_assert_nonnull (strstr (text, "gdb_port disabled"));
  g_setenv ("PATH", real_path, TRUE);
  test_tree_free (root);
}

/* What is asked of OpenOCD where a program lies in flash: there is no flash to try it on. */
static void
test_flash (void)
{
  char *root = test_tree_new ();
  g_autoptr (GHashTable) settings = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GString) told = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *elf = put_elf (root, "flash.elf", 40, 0x08000000, 0x20008000);
  g_autofree char *script = g_build_filename (root, "script", NULL), *text = NULL;
  g_autofree char *work = g_build_filename (root, "work", NULL);

  g_hash_table_insert (settings, (char *)"interface", (char *)"cmsis-dap");
  g_hash_table_insert (settings, (char *)"target", (char *)"stm32f4x");
  g_hash_table_insert (settings, (char *)"speed", (char *)"1000");
  g_autoptr (EngDevice) device = eng_device_new ("test", "Test", &eng_transport_probe, settings);
  pretend (root, "echo lathe-mark programming 9 >&2\necho lathe-mark running 9 >&2\n"
                 "echo lathe-wait >&2\necho telemetry\n"
                 "echo 'semihosting: *** application exited with 0 ***' >&2\nsleep 20");
  g_assert_true (eng_transport_probe.run_image (device, elf, work, gather, told, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (told->str, ==, "telemetry\n");
  g_assert_true (g_file_get_contents (script, &text, NULL, NULL));
  const char *const lines[] = { "source [find \"interface/cmsis-dap.cfg\"]",
                                "transport select swd",
                                "source [find \"target/stm32f4x.cfg\"]",
                                "adapter speed 1000",
                                "\ninit\n",
                                "reset halt",
                                "flash write_image erase",
                                "verify_image",
                                "arm semihosting enable",
                                "arm semihosting_cmdline \"lathe work\"",
                                "lathe_wait",
                                "resume" };
  const char *at = text;
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) /* in this order */
    {
      at = strstr (at, lines[i]);
      g_assert_nonnull (at);
    }
  g_setenv ("PATH", real_path, TRUE);
  test_tree_free (root);
}

static void
test_missing (void)
{
  g_autoptr (EngDevice) device = eng_device_new ("test", "Test", &eng_transport_probe, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *remedy = NULL;

  g_setenv ("PATH", "/nonexistent", TRUE);
  g_assert_false (eng_transport_probe.check (device, &remedy, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (remedy, ==, "sudo apt install openocd");
  g_setenv ("PATH", real_path, TRUE);
}

static gpointer
cancel_soon (gpointer data)
{
  g_usleep (300000);
  g_cancellable_cancel (data);
  return NULL;
}

static void
test_cancel (void)
{
  const EngOpenocd openocd = { .interface = "stlink" };
  char *root = test_tree_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  pretend (root, "echo lathe-mark running 600 >&2\ntrap '' TERM\nwhile true; do sleep 1; done");
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);
  gint64 before = g_get_monotonic_time ();
  g_assert_false (eng_openocd_run (&openocd, "", NULL, NULL, NULL, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  /* Though it will not hear of it. */
  g_assert_cmpint (g_get_monotonic_time () - before, <, 30 * G_USEC_PER_SEC);
  g_thread_join (thread);
  g_setenv ("PATH", real_path, TRUE);
  test_tree_free (root);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  real_path = g_strdup (g_getenv ("PATH"));
  g_test_add_func ("/probe/usb", test_usb);
  g_test_add_func ("/probe/search", test_search);
  g_test_add_func ("/probe/permission", test_permission);
  g_test_add_func ("/probe/rules", test_rules);
  g_test_add_func ("/probe/validate", test_validate);
  g_test_add_func ("/probe/chip", test_chip);
  g_test_add_func ("/probe/elf", test_elf);
  g_test_add_func ("/probe/identify", test_identify);
  g_test_add_func ("/probe/identify-others", test_identify_others);
  g_test_add_func ("/probe/run", test_run);
  g_test_add_func ("/probe/run-fails", test_run_fails);
  g_test_add_func ("/probe/dead", test_dead);
  g_test_add_func ("/probe/cut", test_cut);
  g_test_add_func ("/probe/complaints", test_complaints);
  g_test_add_func ("/probe/flash", test_flash);
  g_test_add_func ("/probe/missing", test_missing);
  g_test_add_func ("/probe/cancel", test_cancel);
  return g_test_run ();
}
