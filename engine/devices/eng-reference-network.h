/* The reference networks: layers that span what boards are good and bad at. Written as ONNX files,
 * so that they take the way of every other network. Layers that are references have names that
 * begin with ENG_REFERENCE_PREFIX; weights are random, and the same every time. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* For boards with Linux: floats and 8-bit codes; 9 MB. */
gboolean eng_reference_network_write (const char *path, GError **error);
/* For microcontrollers: 8-bit codes; 25 kB. */
gboolean eng_reference_network_write_chip (const char *path, GError **error);

G_END_DECLS
