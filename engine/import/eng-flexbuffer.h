/* Scalars out of a FlexBuffer map: the options of TFLite's custom operators. Every offset is
 * checked; a buffer that is not a sound map has no entries. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const guint8 *data; /* borrowed */
  gsize n_bytes;
  gsize values; /* place of the map's first value */
  guint width;  /* bytes of a value */
  gsize keys;   /* place of the first key's offset */
  guint key_width;
  guint64 n; /* entries */
} EngFlex;

/* FALSE when the bytes are no sound FlexBuffer with a map at its root; @flex is then empty. */
gboolean eng_flex_init (EngFlex *flex, const void *data, gsize n_bytes);

/* The number called @key: integers, unsigned integers, floats and booleans, as they are. FALSE, and
 * @value untouched, when there is none. */
gboolean eng_flex_int (const EngFlex *flex, const char *key, gint64 *value);
gboolean eng_flex_float (const EngFlex *flex, const char *key, double *value);

G_END_DECLS
