/* Reading of /sys/bus/usb and /sys/class/tty below a root. Called by the transport of debug probes;
 * knows no vendors: what a device is good for is decided there. */
#include "eng-usb.h"

#include <string.h>
#include <unistd.h>

#include <gio/gio.h>

static void
port_free (EngSerialPort *port)
{
  g_free (port->tty);
  g_free (port->path);
  g_free (port);
}

static void
device_free (EngUsbDevice *device)
{
  g_free (device->manufacturer);
  g_free (device->product);
  g_free (device->serial);
  g_free (device->place);
  g_free (device->node);
  g_ptr_array_unref (device->ports);
  g_free (device);
}

/* The text of a file of the tree, without what surrounds it; NULL: none, empty, or not UTF-8. */
static char *
read_text (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL) || !g_utf8_validate (text, -1, NULL))
    return NULL;
  g_strstrip (text);
  for (char *c = text; *c != '\0'; c++) /* descriptors come from anywhere */
    if ((guchar)*c < 0x20)
      *c = ' ';
  return *text != '\0' ? g_steal_pointer (&text) : NULL;
}

static gboolean
read_number (const char *folder, const char *name, guint base, guint64 most, guint64 *value)
{
  g_autofree char *text = read_text (folder, name);
  return text != NULL && g_ascii_string_to_unsigned (text, base, 0, most, value, NULL);
}

static int
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted; none where there is no folder. */
static GPtrArray *
list_names (const char *path)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  GDir *folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_clear_pointer (&folder, g_dir_close);
  g_ptr_array_sort (names, by_name);
  return names;
}

/* The device of folder @path, or NULL: it is an interface, or not to be read. */
static EngUsbDevice *
read_device (const char *root, const char *path, const char *place)
{
  guint64 vendor, product, bus, number;

  if (!read_number (path, "idVendor", 16, 0xffff, &vendor)
      || !read_number (path, "idProduct", 16, 0xffff, &product))
    return NULL;
  EngUsbDevice *device = g_new0 (EngUsbDevice, 1);
  device->vendor_id = (guint16)vendor;
  device->product_id = (guint16)product;
  device->manufacturer = read_text (path, "manufacturer");
  device->product = read_text (path, "product");
  device->serial = read_text (path, "serial");
  device->place = g_strdup (place);
  device->ports = g_ptr_array_new_with_free_func ((GDestroyNotify)port_free);
  if (read_number (path, "busnum", 10, 999, &bus) && read_number (path, "devnum", 10, 999, &number))
    {
      device->node = g_strdup_printf ("/dev/bus/usb/%03u/%03u", (guint)bus, (guint)number);
      g_autofree char *here = g_strconcat (root, device->node, NULL);
      device->may_use = eaccess (here, R_OK | W_OK) == 0;
    }
  return device;
}

/* ---- serial ports ---- */

/* /dev/serial/by-id names a port by what is plugged in, not by the order in which it was. */
static char *
find_stable_name (const char *root, const char *tty)
{
  g_autofree char *folder = g_strconcat (root, "/dev/serial/by-id", NULL);
  g_autoptr (GPtrArray) names = list_names (folder);

  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (folder, names->pdata[i], NULL);
      g_autofree char *target = g_file_read_link (path, NULL);
      g_autofree char *base = target != NULL ? g_path_get_basename (target) : NULL;
      if (g_strcmp0 (base, tty) == 0)
        return g_strconcat ("/dev/serial/by-id/", (char *)names->pdata[i], NULL);
    }
  return g_strconcat ("/dev/", tty, NULL);
}

/* The nearest folder above @path that is a device of @by_folder (real path -> EngUsbDevice). */
static EngUsbDevice *
find_owner (GHashTable *by_folder, const char *path)
{
  g_autofree char *at = g_strdup (path);

  while (strlen (at) > 1)
    {
      EngUsbDevice *device = g_hash_table_lookup (by_folder, at);
      if (device != NULL)
        return device;
      char *parent = g_path_get_dirname (at);
      g_free (at);
      at = parent;
    }
  return NULL;
}

static void
add_ports (const char *root, GHashTable *by_folder)
{
  g_autofree char *folder = g_strconcat (root, "/sys/class/tty", NULL);
  g_autoptr (GPtrArray) ttys = list_names (folder);

  for (guint i = 0; i < ttys->len; i++)
    {
      g_autofree char *path = g_build_filename (folder, ttys->pdata[i], "device", NULL);
      char *real = realpath (path, NULL);
      EngUsbDevice *device = real != NULL ? find_owner (by_folder, real) : NULL;
      free (real);
      if (device == NULL)
        continue;
      EngSerialPort *port = g_new0 (EngSerialPort, 1);
      port->tty = g_strdup (ttys->pdata[i]);
      port->path = find_stable_name (root, port->tty);
      g_ptr_array_add (device->ports, port);
    }
}

GPtrArray *
eng_usb_list (const char *root)
{
  g_return_val_if_fail (root != NULL, NULL);

  GPtrArray *devices = g_ptr_array_new_with_free_func ((GDestroyNotify)device_free);
  g_autofree char *folder = g_strconcat (root, "/sys/bus/usb/devices", NULL);
  g_autoptr (GPtrArray) names = list_names (folder);
  g_autoptr (GHashTable) by_folder = g_hash_table_new_full (g_str_hash, g_str_equal, free, NULL);

  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (folder, names->pdata[i], NULL);
      EngUsbDevice *device = read_device (root, path, names->pdata[i]);
      char *real = device != NULL ? realpath (path, NULL) : NULL;
      if (device == NULL)
        continue;
      g_ptr_array_add (devices, device);
      if (real != NULL)
        g_hash_table_insert (by_folder, real, device);
    }
  add_ports (root, by_folder);
  return devices;
}

char *
eng_usb_device_dup_text (const EngUsbDevice *device)
{
  GString *text = g_string_new (NULL);

  if (device->manufacturer != NULL)
    g_string_append_printf (text, "%s ", device->manufacturer);
  if (device->product != NULL)
    g_string_append_printf (text, "%s ", device->product);
  if (text->len == 0)
    g_string_append (text, "a USB device without a name ");
  g_string_append_printf (text, "(%04x:%04x)", device->vendor_id, device->product_id);
  return g_string_free (text, FALSE);
}
