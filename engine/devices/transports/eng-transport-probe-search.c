/* Debug probes and serial ports that are plugged in, each with what was seen. Nothing is opened: a
 * serial port is a candidate without being taken for a board, and which chip hangs on a probe is
 * read when somebody asks for it. */
#include "transports/eng-transport-probe-private.h"

#include <string.h>

static const EngProbeKind kinds[] = {
  { "stlink", "ST-Link" },
  { "jlink", "J-Link" },
  { "cmsis-dap", "CMSIS-DAP" },
};

/* By USB ids, as their makers registered them. data/udev/60-lathe-probes.rules has the same. */
typedef struct
{
  guint16 vendor_id;
  guint16 first_product, last_product;
  guint kind;
} KnownIds;

static const KnownIds known[] = {
  { 0x0483, 0x3744, 0x3744, 0 }, /* ST-Link/V1 */
  { 0x0483, 0x3748, 0x3748, 0 }, /* V2 */
  { 0x0483, 0x374a, 0x374b, 0 }, /* V2-1: on Nucleo and Discovery boards */
  { 0x0483, 0x374d, 0x374f, 0 }, /* V3 */
  { 0x0483, 0x3752, 0x3757, 0 }, /* V2-1 and V3 in other dress */
  { 0x1366, 0x0101, 0x0108, 1 }, /* SEGGER */
  { 0x1366, 0x1001, 0x106f, 1 }, /* the same with serial ports and disks */
  { 0x0d28, 0x0204, 0x0204, 2 }, /* DAPLink */
  { 0x2e8a, 0x000c, 0x000c, 2 }, /* Raspberry Pi Debug Probe */
  { 0x03eb, 0x2111, 0x2111, 2 }, /* Atmel EDBG */
  { 0x03eb, 0x2141, 0x2141, 2 }, /* Atmel-ICE */
  { 0x1fc9, 0x0143, 0x0143, 2 }, /* NXP MCU-Link */
};

const EngProbeKind *
eng_probe_kind_of (const EngUsbDevice *device, char **why)
{
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (device->vendor_id == known[i].vendor_id && device->product_id >= known[i].first_product
        && device->product_id <= known[i].last_product)
      {
        const EngProbeKind *kind = &kinds[known[i].kind];
        *why = g_strdup_printf ("its USB id is that of a %s probe", kind->title);
        return kind;
      }
  /* The specification demands that the product's name has it. */
  if (device->product != NULL && strstr (device->product, "CMSIS-DAP") != NULL)
    {
      *why = g_strdup ("its name says that it is a CMSIS-DAP probe");
      return &kinds[2];
    }
  *why = NULL;
  return NULL;
}

char *
eng_probe_dup_udev_remedy (const EngUsbDevice *device)
{
  return g_strdup_printf ("echo 'SUBSYSTEM==\"usb\", ATTR{idVendor}==\"%04x\", "
                          "ATTR{idProduct}==\"%04x\", MODE=\"0660\", TAG+=\"uaccess\"' | "
                          "sudo tee -a /etc/udev/rules.d/60-lathe-probes.rules && "
                          "sudo udevadm control --reload && sudo udevadm trigger",
                          device->vendor_id, device->product_id);
}

static void
tell_ports (GString *text, const EngUsbDevice *device)
{
  for (guint i = 0; i < device->ports->len; i++)
    {
      const EngSerialPort *port = device->ports->pdata[i];
      g_string_append_printf (text, "%s%s", i == 0 ? "" : ", ", port->path);
    }
}

static EngCandidate *
new_candidate (const EngUsbDevice *device, const char *fallback)
{
  EngCandidate *candidate = g_new0 (EngCandidate, 1);
  candidate->name = g_strdup (device->product != NULL ? device->product : fallback);
  candidate->settings = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  return candidate;
}

static GString *
begin_evidence (const EngUsbDevice *device)
{
  g_autofree char *text = eng_usb_device_dup_text (device);
  GString *evidence = g_string_new (text);

  if (device->serial != NULL)
    g_string_append_printf (evidence, ", serial number %s", device->serial);
  g_string_append_printf (evidence, ", at USB %s", device->place);
  return evidence;
}

static EngCandidate *
take_probe (const EngUsbDevice *device, const EngProbeKind *kind, const char *why)
{
  EngCandidate *candidate = new_candidate (device, kind->title);
  GString *evidence = begin_evidence (device);

  g_string_append_printf (evidence, ": %s.", why);
  if (device->ports->len > 0)
    {
      g_string_append (evidence, " Its serial port is ");
      tell_ports (evidence, device);
      g_string_append (evidence, ", which is not needed.");
    }
  if (!device->may_use)
    g_string_append (evidence, " This user may not use it yet.");
  g_hash_table_insert (candidate->settings, (gpointer) "interface", g_strdup (kind->interface));
  if (device->serial != NULL)
    g_hash_table_insert (candidate->settings, (gpointer) "serial", g_strdup (device->serial));
  candidate->evidence = g_string_free (evidence, FALSE);
  return candidate;
}

/* A port that belongs to no probe: something is there, what it is nobody knows. */
static EngCandidate *
take_port (const EngUsbDevice *device, const EngSerialPort *port)
{
  EngCandidate *candidate = new_candidate (device, "Serial port");
  GString *evidence = begin_evidence (device);

  g_string_append_printf (evidence,
                          ": a serial port, %s. What is behind it cannot be told without "
                          "disturbing it, and programs are not loaded through it: connect the "
                          "board's debug probe, or one to its SWD pins.",
                          port->path);
  g_hash_table_insert (candidate->settings, (gpointer) "port", g_strdup (port->path));
  candidate->evidence = g_string_free (evidence, FALSE);
  return candidate;
}

GPtrArray *
eng_probe_search (const char *root)
{
  GPtrArray *candidates = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_candidate_free);
  g_autoptr (GPtrArray) usb = eng_usb_list (root);

  for (guint i = 0; i < usb->len; i++)
    {
      const EngUsbDevice *device = usb->pdata[i];
      g_autofree char *why = NULL;
      const EngProbeKind *kind = eng_probe_kind_of (device, &why);
      if (kind != NULL)
        g_ptr_array_add (candidates, take_probe (device, kind, why));
      for (guint k = 0; kind == NULL && k < device->ports->len; k++)
        g_ptr_array_add (candidates, take_port (device, device->ports->pdata[k]));
    }
  return candidates;
}

const EngUsbDevice *
eng_probe_find (const GPtrArray *usb, const char *interface, const char *serial)
{
  for (guint i = 0; i < usb->len; i++)
    {
      const EngUsbDevice *device = usb->pdata[i];
      g_autofree char *why = NULL;
      const EngProbeKind *kind = eng_probe_kind_of (device, &why);
      if (kind != NULL && g_strcmp0 (kind->interface, interface) == 0
          && (serial == NULL || *serial == '\0' || g_strcmp0 (device->serial, serial) == 0))
        return device;
    }
  return NULL;
}
