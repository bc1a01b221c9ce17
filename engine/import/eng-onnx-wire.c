/* The walk over a protobuf message. Called by eng-onnx-file.c before libprotobuf-c sees the bytes:
 * the library unpacks recursively without a limit and allocates as it goes, so depth and memory are
 * bounded here, and a broken file gets a message that says where. Knows the wire format and the
 * generated descriptors, nothing of ONNX. */
#include "eng-onnx-wire.h"

#include "eng-error.h"

/* What the allocator and the library's own lists add to an item. */
#define ITEM_OVERHEAD 64

typedef struct
{
  const guint8 *file;
  guint64 heap_bytes;
  GError **error;
} Wire;

static gboolean
fail_at (Wire *w, const guint8 *at, const char *what)
{
  g_set_error (w->error, ENG_ERROR, ENG_ERROR_FORMAT,
               "Not an ONNX file, or a damaged one: %s at byte %" G_GSIZE_FORMAT, what,
               (gsize)(at - w->file));
  return FALSE;
}

static gboolean
read_varint (const guint8 **at, const guint8 *end, guint64 *value)
{
  *value = 0;
  for (guint shift = 0; shift < 64 && *at < end; shift += 7)
    {
      guint8 byte = *(*at)++;
      *value |= (guint64)(byte & 0x7f) << shift;
      if (byte < 0x80)
        return TRUE;
    }
  return FALSE;
}

/* In memory, of one number as the library stores it. */
static gsize
number_bytes (ProtobufCType type)
{
  switch (type)
    {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
      return 8;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
    default:
      return 4;
    }
}

/* Packed numbers take at least one byte each, fixed ones their size. */
static guint64
packed_bytes (ProtobufCType type, guint64 n)
{
  switch (type)
    {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
      return n;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
    default:
      return n * number_bytes (type);
    }
}

static gboolean check_message (Wire *w, const ProtobufCMessageDescriptor *type, const guint8 *at,
                               const guint8 *end, guint depth);

static gboolean
check_bytes (Wire *w, const ProtobufCFieldDescriptor *field, const guint8 *at, guint64 n,
             guint depth)
{
  if (field == NULL || field->type == PROTOBUF_C_TYPE_STRING
      || field->type == PROTOBUF_C_TYPE_BYTES)
    {
      w->heap_bytes += n + ITEM_OVERHEAD;
      return TRUE;
    }
  if (field->type != PROTOBUF_C_TYPE_MESSAGE)
    {
      w->heap_bytes += packed_bytes (field->type, n);
      return TRUE;
    }
  if (depth + 1 >= ENG_ONNX_MAX_DEPTH)
    return fail_at (w, at, "messages are nested too deep");
  return check_message (w, field->descriptor, at, at + n, depth + 1);
}

static gboolean
check_message (Wire *w, const ProtobufCMessageDescriptor *type, const guint8 *at, const guint8 *end,
               guint depth)
{
  w->heap_bytes += type->sizeof_message + ITEM_OVERHEAD;
  while (at < end)
    {
      const guint8 *start = at;
      guint64 tag, n;

      if (!read_varint (&at, end, &tag) || tag >> 3 == 0 || tag >> 3 > (1u << 29) - 1)
        return fail_at (w, start, "a field has no valid number");
      const ProtobufCFieldDescriptor *field
          = protobuf_c_message_descriptor_get_field (type, (unsigned)(tag >> 3));
      w->heap_bytes += ITEM_OVERHEAD;
      switch (tag & 7)
        {
        case 0:
          if (!read_varint (&at, end, &n))
            return fail_at (w, start, "a number is cut off");
          break;
        case 1:
        case 5:
          n = (tag & 7) == 1 ? 8 : 4;
          if ((guint64)(end - at) < n)
            return fail_at (w, start, "a number is cut off");
          at += n;
          break;
        case 2:
          if (!read_varint (&at, end, &n))
            return fail_at (w, start, "a length is cut off");
          if (n > (guint64)(end - at))
            return fail_at (w, start,
                            "a field is longer than what is left (the file may be cut off)");
          if (!check_bytes (w, field, at, n, depth))
            return FALSE;
          at += n;
          break;
        default:
          return fail_at (w, start, "a field has an unknown kind");
        }
    }
  return TRUE;
}

gboolean
eng_onnx_wire_check (const ProtobufCMessageDescriptor *type, const guint8 *data, gsize n,
                     guint64 *heap_bytes, GError **error)
{
  Wire w = { .file = data, .error = error };
  gboolean ok = check_message (&w, type, data, data + n, 0);

  *heap_bytes = w.heap_bytes;
  return ok;
}
