/* What is plugged in, as Linux tells it under /sys and /dev: USB devices with what their
 * descriptors say, and the serial ports that belong to them. Nothing is opened, nothing is written
 * to. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *tty;  /* "ttyACM0" */
  char *path; /* "/dev/serial/by-id/usb-..."; "/dev/ttyACM0" where there is no such name */
} EngSerialPort;

typedef struct
{
  guint16 vendor_id, product_id;
  char *manufacturer, *product, *serial; /* NULL: the descriptor has none */
  char *place;                           /* "1-4.2": the same as long as it stays in that socket */
  char *node;                            /* "/dev/bus/usb/001/007"; NULL: not known */
  /* What may be done with the node: FALSE where it is missing, too. */
  gboolean may_use;
  GPtrArray *ports; /* EngSerialPort, by name */
} EngUsbDevice;

/* All of them (EngUsbDevice), by place. @root: "" for this computer, the folder of a recorded tree
 * in tests. Empty where there is no USB. Milliseconds. */
GPtrArray *eng_usb_list (const char *root);

/* "STMicroelectronics STM32 STLink (0483:3748)": what the descriptor says, newly allocated. */
char *eng_usb_device_dup_text (const EngUsbDevice *device);

G_END_DECLS
