/* A walk over the bytes of a protobuf message before anything is unpacked. */
#pragma once

#include <glib.h>
#include <protobuf-c/protobuf-c.h>

G_BEGIN_DECLS

/* Messages may lie inside each other this deep. Real files stay below 12. */
#define ENG_ONNX_MAX_DEPTH 64

/* Check that the @n bytes at @data are one message of @type: every field whole, lengths inside
 * their message, nesting bounded. @heap_bytes gets an upper bound of the memory that unpacking
 * takes. Cost: one pass over tags and lengths; numbers and strings are skipped, not read. Errors:
 * ENG_ERROR_FORMAT with the place in the file. */
gboolean eng_onnx_wire_check (const ProtobufCMessageDescriptor *type, const guint8 *data, gsize n,
                              guint64 *heap_bytes, GError **error);

G_END_DECLS
