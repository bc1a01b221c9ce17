/* Microcontrollers on a debug probe, through OpenOCD: which chip it is, a program into its memory,
 * its semihosting calls until it exits. OpenOCD does the loading and the semihosting itself, so no
 * GDB stands between. Called by contact and push; knows no telemetry: bytes go on as they come.
 *
 * What was run so far is OpenOCD against a simulated chip (tests/devices/fake-chip.py), never
 * against an adapter or a board: no hardware was at hand. */
#include <stdlib.h>
#include <string.h>

#include "eng-elf.h"
#include "mcu/eng-mcu.h"
#include "transports/eng-chip.h"
#include "transports/eng-openocd.h"
#include "transports/eng-transport-probe-private.h"

/* Seconds of silence that are no fault. Erasing and writing tell nothing while they last: a second
 * for every 8 KiB is twice what slow probes need. */
#define PROGRAM_S 60
#define PROGRAM_BYTES_PER_S 8192
#define RUN_S 600

#define MAX_KB 65536

static EngBoardKind
probe_kind (EngDevice *device)
{
  return ENG_BOARD_MICROCONTROLLER;
}

/* ---- settings ---- */

static const char *
setting (EngDevice *device, const char *key)
{
  const char *value = eng_device_get_setting (device, key);
  return value != NULL ? value : "";
}

/* "512", in KiB. FALSE: it is none. Empty is 0. */
static gboolean
parse_number (const char *text, guint64 most, guint64 *value)
{
  *value = 0;
  return text == NULL || *text == '\0'
         || g_ascii_string_to_unsigned (text, 10, 1, most, value, NULL);
}

/* A name of OpenOCD's scripts, or a path of one. */
static gboolean
is_script (const char *name)
{
  return g_path_is_absolute (name)
         || (*name != '\0' && strstr (name, "..") == NULL
             && strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/")
                    == strlen (name));
}

static char *
probe_validate (GHashTable *settings)
{
  static const char *const numbers[] = { "flash", "ram", "speed" };
  const char *interface = g_hash_table_lookup (settings, "interface");
  const char *target = g_hash_table_lookup (settings, "target");
  guint64 value;

  if (interface == NULL || *interface == '\0')
    return g_strdup ("A serial port cannot load a program: connect the board's debug probe, or one "
                     "to its SWD pins, and search again");
  if (!is_script (interface))
    return g_strdup_printf ("“%s” is no name of an OpenOCD interface script (stlink, cmsis-dap, "
                            "jlink) and no path of one",
                            interface);
  if (target != NULL && *target != '\0' && !is_script (target))
    return g_strdup_printf ("“%s” is no name of an OpenOCD target script (stm32f4x) and no path "
                            "of one",
                            target);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (!parse_number (g_hash_table_lookup (settings, numbers[i]), MAX_KB, &value))
      return g_strdup_printf ("“%s” is no %s of 1 to %d %s",
                              (char *)g_hash_table_lookup (settings, numbers[i]),
                              i < 2 ? "size" : "speed", MAX_KB, i < 2 ? "KiB" : "kHz");
  return NULL;
}

static EngOpenocd
get_connection (EngDevice *device)
{
  const char *target = setting (device, "target");
  guint64 speed = 0;

  parse_number (setting (device, "speed"), MAX_KB, &speed);
  return (EngOpenocd){ .interface = setting (device, "interface"),
                       .serial = setting (device, "serial"),
                       .target = *target == '\0' || strcmp (target, "auto") == 0 ? NULL : target,
                       .speed_khz = (guint)speed };
}

/* ---- what is missing ---- */

static gboolean
probe_check (EngDevice *device, char **remedy, GError **error)
{
  g_autofree char *openocd = eng_openocd_find ();
  g_autoptr (GPtrArray) usb = NULL;

  if (openocd == NULL)
    {
      *remedy = g_strdup ("sudo apt install openocd");
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                           "OpenOCD, which speaks to debug probes, is not installed on this "
                           "computer");
      return FALSE;
    }
  if (!eng_mcu_check_tools (FALSE, remedy, error))
    return FALSE;
  if (*setting (device, "interface") == '\0')
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "%s is a serial port: programs are loaded through a debug probe. Connect the "
                   "board's, or one to its SWD pins, and search again",
                   setting (device, "port"));
      return FALSE;
    }
  usb = eng_usb_list ("");
  const EngUsbDevice *probe
      = eng_probe_find (usb, setting (device, "interface"), setting (device, "serial"));
  if (probe == NULL || probe->may_use) /* not plugged in is no matter of this computer */
    return TRUE;
  g_autofree char *text = eng_usb_device_dup_text (probe);
  *remedy = eng_probe_dup_udev_remedy (probe);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
               "This user may not use %s: a udev rule is missing", text);
  return FALSE;
}

static GPtrArray *
probe_search (GCancellable *cancellable, GError **error)
{
  return eng_probe_search ("");
}

/* ---- what it is ---- */

static void
take_value (const char *name, const char *value, gpointer user_data)
{
  if (value != NULL)
    g_hash_table_insert (user_data, g_strdup (name), g_strdup (value));
}

static EngChip *
read_chip (EngDevice *device, GCancellable *cancellable, GError **error)
{
  EngOpenocd openocd = get_connection (device);
  g_autoptr (GHashTable) values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *commands = eng_chip_make_commands ();

  openocd.target = NULL; /* whatever it is */
  if (*setting (device, "target") == '/')
    openocd.target = setting (device, "target"); /* one's own script may know how to connect */
  if (!eng_openocd_run (&openocd, commands, NULL, take_value, NULL, values, cancellable, error))
    return NULL;
  return eng_chip_new (values, error);
}

/* What the user says, unless the chip says another. FALSE: they contradict each other. */
static gboolean
settle_size (EngDevice *device, const char *key, const char *what, const EngChip *chip,
             guint64 read_bytes, guint64 *bytes, GError **error)
{
  guint64 kb = 0;

  parse_number (setting (device, key), MAX_KB, &kb);
  *bytes = kb > 0 ? kb * 1024 : read_bytes;
  if (*bytes == 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "It is a %s (%s), whose %s does not tell its size: set it (“%s”, in KiB)",
                   chip->name != NULL ? chip->name : chip->cpu, chip->evidence, what, key);
      return FALSE;
    }
  if (read_bytes == 0 || *bytes <= read_bytes)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
               "“%s” says %" G_GUINT64_FORMAT " KiB, but it is a %s (%s) with %" G_GUINT64_FORMAT
               " KiB",
               key, kb, chip->name != NULL ? chip->name : chip->cpu, chip->evidence,
               read_bytes / 1024);
  return FALSE;
}

/* What programs are built for: said by the user, else by the chip's id. None is no fault before
 * something is pushed; one that is for another processor is. */
static gboolean
settle_board (EngDevice *device, const EngChip *chip, GError **error)
{
  const char *id = setting (device, "board");

  if (*id == '\0')
    {
      if (chip->board != NULL)
        eng_device_set_setting (device, "board", chip->board);
      return TRUE;
    }
  id = eng_mcu_board_find (id, error);
  g_autoptr (EngBoard) board = id != NULL ? eng_mcu_board_describe (id, error) : NULL;
  if (board == NULL)
    return FALSE;
  if (g_strcmp0 (board->machine, chip->machine) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
               "“board” says %s, which has a %s, but it is a %s (%s)", id, board->cpu, chip->cpu,
               chip->evidence);
  return FALSE;
}

static EngBoard *
probe_describe (EngDevice *device, GError **error)
{
  g_autoptr (EngChip) chip = read_chip (device, NULL, error);
  guint64 flash, ram;

  if (chip == NULL
      || !settle_size (device, "flash", "flash", chip, chip->flash_bytes, &flash, error)
      || !settle_size (device, "ram", "memory", chip, chip->ram_bytes, &ram, error))
    return NULL;
  if (!settle_board (device, chip, error))
    return NULL;
  EngBoard *board = eng_board_new (ENG_BOARD_MICROCONTROLLER);
  board->cpu = chip->name != NULL ? g_strdup_printf ("%s, %s", chip->cpu, chip->name)
                                  : g_strdup (chip->cpu);
  board->machine = g_strdup (chip->machine);
  board->isa = g_strdup (chip->isa);
  board->system = g_strdup_printf ("none (%s)", chip->evidence);
  board->n_cpus = 1;
  board->memory_bytes = ram;
  board->flash_bytes = flash;
  eng_board_add_sensor (board, "power", NULL, "a debug probe measures none");
  eng_board_add_sensor (board, "temperature", NULL, "not read through a debug probe");
  eng_board_add_sensor (board, "clock", NULL, "the program sets it; its telemetry tells");
  return board;
}

/* ---- running ---- */

typedef struct
{
  EngLinkData data;
  gpointer user_data;
  EngJob *job;
} Run;

static void
take_mark (const char *name, const char *value, gpointer user_data)
{
  Run *run = user_data;

  if (run->job != NULL && strcmp (name, "programming") == 0)
    eng_job_report (run->job, "Writing the program", -1);
  else if (run->job != NULL && strcmp (name, "running") == 0)
    eng_job_report (run->job, "Running", -1);
}

static gboolean
pass_on (const char *bytes, gsize n_bytes, gpointer user_data)
{
  Run *run = user_data;
  return run->data (bytes, n_bytes, run->user_data);
}

/* Into flash by the target script's driver; a program that lies in RAM into RAM, and from its
 * vector table, whose first two words are stack and start (Arm v7-M). */
static char *
make_commands (const EngElf *elf, const char *path, const char *work)
{
  g_autofree char *image = eng_openocd_quote (path), *name = g_path_get_basename (work);
  g_autofree char *words = g_strdup_printf ("lathe %s", name);
  g_autofree char *line = eng_openocd_quote (words);
  GString *commands = g_string_new (NULL);

  g_string_append_printf (commands, "lathe_mark programming %u\nreset halt\n",
                          PROGRAM_S + (guint)(elf->n_bytes / PROGRAM_BYTES_PER_S));
  if (elf->is_ram)
    g_string_append_printf (commands,
                            "load_image %s\nverify_image %s\n"
                            "mww 0xe000ed08 0x%08x\n" /* VTOR */
                            "reg sp [lindex [read_memory 0x%08x 32 1] 0]\n"
                            "reg pc [expr {[lindex [read_memory 0x%08x 32 1] 0] & ~1}]\n",
                            image, image, elf->first, elf->first, elf->first + 4);
  else
    g_string_append_printf (commands, "flash write_image erase %s\nverify_image %s\nreset halt\n",
                            image, image);
  g_string_append_printf (commands,
                          "arm semihosting enable\narm semihosting_cmdline %s\n"
                          "lathe_mark running %u\nlathe_wait\nresume\n",
                          line, RUN_S);
  return g_string_free (commands, FALSE);
}

/* The script that writes this chip's flash: the one that was set, else by the chip's id. */
static gboolean
settle_target (EngDevice *device, const EngElf *elf, EngOpenocd *openocd, EngJob *job,
               GError **error)
{
  if (openocd->target != NULL)
    return TRUE;
  g_autoptr (EngChip) chip
      = read_chip (device, job != NULL ? eng_job_get_cancellable (job) : NULL, error);
  if (chip == NULL)
    return FALSE;
  openocd->target = chip->target;
  if (chip->target != NULL || elf->is_ram)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
               "How the flash of this chip is written is not known (%s): set OpenOCD's target "
               "script for it (“target”, as stm32f4x)",
               chip->evidence);
  return FALSE;
}

static gboolean
probe_run_image (EngDevice *device, const char *elf_path, const char *work, EngLinkData data,
                 gpointer user_data, EngJob *job, GError **error)
{
  Run run = { data, user_data, job };
  EngOpenocd openocd = get_connection (device);
  g_autofree char *folder = g_path_get_dirname (work), *image = realpath (elf_path, NULL);
  EngElf elf;

  if (!eng_elf_read (elf_path, &elf, error))
    return FALSE;
  if (job != NULL)
    eng_job_report (job, "Connecting to the probe", -1);
  if (!settle_target (device, &elf, &openocd, job, error))
    return FALSE;
  g_autofree char *commands = make_commands (&elf, image != NULL ? image : elf_path, work);
  return eng_openocd_run (&openocd, commands, folder, take_mark, pass_on, &run,
                          job != NULL ? eng_job_get_cancellable (job) : NULL, error);
}

static const EngTransportField fields[] = {
  { "interface", "Debug probe", "OpenOCD's script for it: stlink, cmsis-dap, jlink", NULL, FALSE },
  { "serial", "Serial number", "Of the probe, where several are plugged in", "", FALSE },
  { "target", "Chip", "OpenOCD's script for it: stm32f4x, nrf52; auto reads the chip's id", "auto",
    FALSE },
  { "board", "Board", "What programs are built for: stm32f405, nrf52840; empty: by the chip's id",
    "", FALSE },
  { "flash", "Flash", "In KiB, where the chip does not tell", "", FALSE },
  { "ram", "RAM", "In KiB, where the chip does not tell", "", FALSE },
  { "speed", "Speed", "Of the probe, in kHz, where wires are long", "", FALSE },
  { NULL },
};

const EngTransport eng_transport_probe = {
  .id = "probe",
  .title = "Debug probe",
  .summary = "A microcontroller (Arm Cortex-M) on an ST-Link, CMSIS-DAP or J-Link: the program is "
             "written into its flash and told from through the probe.",
  .fields = fields,
  .can_add = TRUE,
  .kind = probe_kind,
  .check = probe_check,
  .validate = probe_validate,
  .search = probe_search,
  .describe = probe_describe,
  .run_image = probe_run_image,
};
