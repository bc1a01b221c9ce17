/* safetensors files: a length, a JSON table of tensors, their bytes. Mapped; every name, type,
 * shape and range is checked before it is used. Knows nothing of what the tensors are for. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define ENG_SAFETENSORS_MAX_DIMS 8

typedef struct
{
  const char *name;
  const char *dtype; /* as in the file: "BF16" */
  guint n_dims;
  guint64 dims[ENG_SAFETENSORS_MAX_DIMS]; /* row-major, the last one contiguous */
  guint64 n;                              /* elements */
  const guint8 *data;                     /* unaligned */
  guint64 n_bytes;
} EngSafetensor;

typedef struct EngSafetensorsFile EngSafetensorsFile;

/* ENG_ERROR_IO: cannot be read; ENG_ERROR_FORMAT: not what the format says, with tensor, expected
 * and got; ENG_ERROR_UNSUPPORTED: an element type that is not known. The file must not be shortened
 * while it is open. */
EngSafetensorsFile *eng_safetensors_file_open (const char *path, GError **error);
/* The same for @bytes. */
EngSafetensorsFile *eng_safetensors_file_new (GBytes *bytes, GError **error);
void eng_safetensors_file_free (EngSafetensorsFile *file); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngSafetensorsFile, eng_safetensors_file_free)

/* By place in the file. */
guint eng_safetensors_file_n (const EngSafetensorsFile *file);
const EngSafetensor *eng_safetensors_file_get (const EngSafetensorsFile *file, guint i);
const EngSafetensor *eng_safetensors_file_find (const EngSafetensorsFile *file, const char *name);
gsize eng_safetensors_file_bytes (const EngSafetensorsFile *file);

/* Whether a file that begins with @head may be one. */
gboolean eng_safetensors_sniff (const guint8 *head, gsize n);

G_END_DECLS
