/* Single entries out of a ZIP archive held in memory, also one appended to another file: TFLite
 * models carry their label lists like that. Stored and deflated entries; no encryption, no ZIP64.
 * Every place is checked. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  char *name;
  gsize place; /* of the local header */
  guint method;
  guint64 packed_bytes, bytes;
} EngZipEntry;

/* The entries (GArray of EngZipEntry), or NULL when no archive ends these bytes. A damaged
 * directory gives the entries before the damage. */
GArray *eng_zip_list (const void *data, gsize n_bytes);

/* The unpacked bytes of an entry of at most @max_bytes. Errors: ENG_ERROR_FORMAT,
 * ENG_ERROR_UNSUPPORTED, ENG_ERROR_RANGE. */
GBytes *eng_zip_read (const void *data, gsize n_bytes, const EngZipEntry *entry, gsize max_bytes,
                      GError **error);

G_END_DECLS
